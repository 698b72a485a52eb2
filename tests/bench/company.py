"""Number of rows → a sandbox database with that many accounts and customers, quickly: for benchmarks only."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from d365kit.sandbox import Sandbox
from d365kit.sandbox.company.world import Bulk
from d365kit.sandbox.schema import schema

#: Thirty columns of an account, with the types the catalogue reads them as.
ACCOUNT = (
    ("accountid", "text"), ("accountnumber", "text"), ("name", "text"), ("telephone1", "text"),
    ("telephone2", "text"), ("telephone3", "text"), ("fax", "text"), ("emailaddress1", "text"),
    ("emailaddress2", "text"), ("websiteurl", "text"), ("ftpsiteurl", "text"), ("sic", "text"),
    ("tickersymbol", "text"), ("stockexchange", "text"), ("description", "text"), ("address1_line1", "text"),
    ("address1_city", "text"), ("address1_postalcode", "text"), ("address1_county", "text"),
    ("address1_country", "text"), ("creditlimit", "amount"), ("revenue", "amount"), ("exchangerate", "amount"),
    ("numberofemployees", "integer"), ("statecode", "integer"), ("statuscode", "integer"),
    ("creditonhold", "boolean"), ("createdon", "datetime"), ("modifiedon", "datetime"),
    ("versionnumber", "integer"),
)  # fmt: skip
CUSTOMER = ("id", "number", "displayName", "addressLine1", "city", "postalCode", "email", "creditLimit",
            "phoneNumber", "lastModifiedDateTime")  # fmt: skip
_STREETS = ("Hauptstraße", "Mill Lane", "Rue de la Gare", "Via Roma", "Calle Mayor", "Station Road")
_CITIES = ("Köln", "Leeds", "Lyon", "Torino", "Sevilla", "Bristol", "Utrecht", "Aarhus")


def make(path: Path, accounts: int, customers: int = 0, seed: int = 1) -> Path:
    """Make a database with so many rows, or leave one that is there as it is; returns its path."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with Sandbox.create(unfinished, customers=0, faults=(), seed=seed) as sandbox:
        rng = Random(f"bench:{seed}")
        _accounts(sandbox, rng, accounts)
        _customers(sandbox, rng, customers)
    with sqlite3.connect(unfinished) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    unfinished.rename(path)
    return path


def _accounts(sandbox: Sandbox, rng: Random, count: int) -> None:
    names = [name for name, _ in ACCOUNT if name != "versionnumber"]
    bulk = Bulk(sandbox.store, schema("dv").entity("account"), names)
    start = datetime(2021, 1, 1, tzinfo=UTC)
    for number in range(count):
        city = rng.choice(_CITIES)
        made = (start + timedelta(seconds=number * 5 * 365 * 86_400 // count)).strftime("%Y-%m-%dT%H:%M:%SZ")
        bulk.add(
            _guid(number, rng), f"A{number:07}", f"{city} Trading {number}", f"+49 221 {number:07}", None, None, None,
            f"office@c{number}.example", None, f"https://c{number}.example", None, None, None, None, None,
            f"{rng.choice(_STREETS)} {number % 200}", city, f"{number % 90000 + 10000}", None, "DE",
            number % 90_000 + 0.5, number * 10 + 0.25, 1.125, number % 500, 0, 1, 0, made, made,
        )  # fmt: skip
    bulk.flush()


def _customers(sandbox: Sandbox, rng: Random, count: int) -> None:
    bulk = Bulk(sandbox.store, schema("bc").sets["customers"], list(CUSTOMER))
    for number in range(count):
        bulk.add(
            _guid(number, rng), f"C{number:07}", f"Customer {number}", f"{rng.choice(_STREETS)} {number % 200}",
            rng.choice(_CITIES), f"{number % 90000 + 10000}", f"office@customer{number}.example",
            number % 90_000 + 0.5, f"+49 221 {number:07}", "2026-05-01T10:00:00.000Z",
        )  # fmt: skip
    if count:
        bulk.flush()


def _guid(number: int, rng: Random) -> str:
    """An id behind all earlier ones, as both services' databases hand them out."""
    return f"{number:08x}-{rng.getrandbits(16):04x}-4000-a000-{rng.getrandbits(48):012x}"
