"""Business Central, emulated: API v2.0, its documents and batches, and published web services."""
