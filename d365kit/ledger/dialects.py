"""An engine in → one that commits to the disk, waits for other writers and sees one moment, on either database."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text

#: How long a writer waits for another one before it gives up.
BUSY_SECONDS = 30
#: The number by which writers of one PostgreSQL database take turns.
_TURN = 365_365


def fit(engine: Engine) -> None:
    """Everything that only one kind of database needs when a connection is made or a transaction begins."""
    if engine.dialect.name == "sqlite":
        _fit_sqlite(engine)
    elif engine.dialect.name == "postgresql":
        _fit_postgresql(engine)


def _fit_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def settle_in(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "foreign_keys=ON", "synchronous=FULL", f"busy_timeout={int(BUSY_SECONDS * 1000)}",
            # 64 MB at most, so that a large act is written once, at its end; and the notes by which SQLite goes back
            # a row stay in memory, or the triggers would cost more than all the rest.
            "cache_size=-65536", "temp_store=MEMORY",
        ):  # fmt: skip
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("ledger_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _fit_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def settle_in(raw: Any, _record: object) -> None:
        with raw.cursor() as cursor:
            # The server may be set to answer before the disk has it; a decision that was acknowledged is kept.
            cursor.execute("SET synchronous_commit = on")
            cursor.execute(f"SET lock_timeout = {int(BUSY_SECONDS * 1000)}")
        raw.commit()


def seeing_one_moment(connection: Connection) -> Connection:
    """``connection``, set so that all it reads is of one moment; SQLite's transactions are so by themselves."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


def take_turn(connection: Connection) -> None:
    """Wait until no other writer is at work; SQLite's BEGIN IMMEDIATE has done so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def file_of(connection: Connection) -> Path | None:
    """The file of an SQLite database; None for a database in memory or on a server."""
    if connection.dialect.name != "sqlite":
        return None
    files = [row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main"]
    return Path(files[0]) if files and files[0] else None


def write_ahead(engine: Engine) -> None:
    """Let readers and a writer work side by side (SQLite's WAL); where a disk cannot do that, go on without."""
    if engine.dialect.name != "sqlite":
        return
    for _ in range(50):
        raw = engine.raw_connection()
        try:
            cursor = raw.cursor()
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] in ("wal", "memory"):
                return
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except Exception as problem:
            if "locked" not in str(problem):
                return
            time.sleep(0.02)  # another process is opening the same new ledger
        finally:
            raw.close()
