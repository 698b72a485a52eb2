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
    ("telephone2", "text"), ("fax", "text"), ("emailaddress1", "text"), ("websiteurl", "text"),
    ("address1_line1", "text"), ("address1_line2", "text"), ("address1_city", "text"),
    ("address1_postalcode", "text"), ("address1_county", "text"), ("address1_country", "text"), ("sic", "text"),
    ("tickersymbol", "text"), ("creditlimit", "amount"), ("revenue", "amount"), ("exchangerate", "amount"),
    ("numberofemployees", "integer"), ("creditonhold", "boolean"), ("donotemail", "boolean"),
    ("donotphone", "boolean"), ("statecode", "integer"), ("statuscode", "integer"), ("customertypecode", "integer"),
    ("paymenttermscode", "integer"), ("createdon", "datetime"), ("modifiedon", "datetime"),
    ("_ownerid_value", "text"),
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
        user = sandbox.identity.default.dv_user
        _accounts(sandbox, rng, accounts, user)
        _customers(sandbox, rng, customers)
    with sqlite3.connect(unfinished) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    unfinished.rename(path)
    return path


def _accounts(sandbox: Sandbox, rng: Random, count: int, user: str) -> None:
    bulk = Bulk(sandbox.store, schema("dv").entity("account"), [name for name, _ in ACCOUNT])
    start = datetime(2021, 1, 1, tzinfo=UTC)
    for number in range(count):
        city = rng.choice(_CITIES)
        made = (start + timedelta(seconds=number * 5 * 365 * 86_400 // count)).strftime("%Y-%m-%dT%H:%M:%SZ")
        bulk.add(
            _guid(number, rng), f"A{number:07}", f"{city} Trading {number}", f"+49 221 {number:07}", None, None,
            f"office@c{number}.example", f"https://c{number}.example", f"{rng.choice(_STREETS)} {number % 200}", None,
            city, f"{number % 90000 + 10000}", None, "DE", None, None, number % 90_000 + 0.5, number * 10 + 0.25,
            1.125, number % 500, 0, number % 2, 0, 0, 1, 3, number % 5 or None, made, made, user,
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
