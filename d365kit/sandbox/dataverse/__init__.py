"""Dataverse, emulated: the Web API with the platform's own rules."""
