"""Speak HTTP with the two services and hand over Arrow tables, and nothing else."""

from d365kit.services.addresses import SERVICE_NAMES
from d365kit.services.arrow import Column
from d365kit.services.auth import BearerAuth, ClientCredentials, TokenFromEnvironment
from d365kit.services.batch import Part, PartAnswer
from d365kit.services.business_central import BusinessCentral
from d365kit.services.changes import Changes
from d365kit.services.dataverse import Dataverse
from d365kit.services.keys import KEY_COLUMN, key_text, key_values
from d365kit.services.limiter import Limiter, Traffic
from d365kit.services.metadata import Property, Table
from d365kit.services.odata import Received, Service, Written
from d365kit.services.runner import run, run_all

__all__ = [
    "KEY_COLUMN",
    "SERVICE_NAMES",
    "BearerAuth",
    "BusinessCentral",
    "Changes",
    "ClientCredentials",
    "Column",
    "Dataverse",
    "Limiter",
    "Part",
    "PartAnswer",
    "Property",
    "Received",
    "Service",
    "Table",
    "TokenFromEnvironment",
    "Traffic",
    "Written",
    "key_text",
    "key_values",
    "run",
    "run_all",
]
