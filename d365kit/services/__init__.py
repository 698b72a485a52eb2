"""Speak HTTP with the two services and hand over Arrow tables, and nothing else."""

from d365kit.services.arrow import Column
from d365kit.services.auth import BearerAuth, TokenFromEnvironment
from d365kit.services.business_central import BusinessCentral
from d365kit.services.dataverse import Dataverse
from d365kit.services.odata import Received, Service, Written
from d365kit.services.runner import run, run_all

__all__ = [
    "BearerAuth",
    "BusinessCentral",
    "Column",
    "Dataverse",
    "Received",
    "Service",
    "TokenFromEnvironment",
    "Written",
    "run",
    "run_all",
]
