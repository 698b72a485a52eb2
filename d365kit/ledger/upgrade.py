"""A ledger of an older version in → the same decisions in tables of this version, or the old ledger untouched."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, update

from d365kit.errors import D365KitError, LedgerError
from d365kit.ledger import dialects
from d365kit.ledger.store import Store, revision, version_of
from d365kit.ledger.tables import SCHEMA_VERSION, alembic_version, meta


def upgrade(store: Store) -> None:
    """Run the migrations that an older ledger lacks, in one transaction.

    A copy of an SQLite file is put beside it first (`backup`). A second process that opens the same ledger waits,
    and finds it done. Raises LedgerError when the copy cannot be made or a migration fails; then the ledger is as it
    was.
    """
    copy: Path | None = None
    version = 0
    try:
        with store.writing() as connection:
            version = version_of(connection, store.name)
            if version < SCHEMA_VERSION:
                copy = backup(connection, version)
                _migrate(connection, version)
    except Exception as problem:
        why = problem.what.rstrip(".") if isinstance(problem, D365KitError) else str(problem)
        kept = f" A copy of it is {copy}." if copy else ""
        raise LedgerError(
            f"The ledger {store.name} could not be brought up to version {SCHEMA_VERSION}: {why}.",
            f"It is as it was, and the version of d365kit that wrote it can go on with it.{kept}",
        ) from problem


def backup(connection: Connection, version: int) -> Path | None:
    """Copy an SQLite ledger to a new file beside it and return its path; None where there is no file.

    ``connection`` is the one that writes, so that nothing changes meanwhile.
    """
    path = dialects.file_of(connection)
    if path is None:
        return None
    copy = _free(path.with_name(f"{path.name}.backup-of-version-{version}"))
    unfinished = copy.with_name(copy.name + ".unfinished")
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
        os.replace(unfinished, copy)
    except (OSError, sqlite3.Error) as problem:
        unfinished.unlink(missing_ok=True)
        raise LedgerError(
            f"No copy of it can be put beside it ({problem}).", "Make room there, or let its folder be written."
        ) from problem
    return copy


def _free(path: Path) -> Path:
    """``path``, or the next that is not there yet: an earlier copy is never overwritten."""
    tried, number = path, 1
    while tried.exists():
        number += 1
        tried = path.with_name(f"{path.name}-{number}")
    return tried


def _migrate(connection: Connection, version: int) -> None:
    config = Config()
    config.set_main_option("script_location", "d365kit.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if not inspect(connection).has_table(alembic_version.name):
        command.stamp(config, revision(version))  # version 1 was made before there were migrations
    command.upgrade(config, revision(SCHEMA_VERSION))
    connection.execute(update(meta).where(meta.c.key == "schema").values(value=str(SCHEMA_VERSION)))
