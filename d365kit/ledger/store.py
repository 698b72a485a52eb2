"""An address in → an open ledger database that reads and writes in transactions and speaks our errors."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
)
from sqlalchemy.pool import StaticPool

from d365kit.errors import AlreadyCoupled, D365KitError, LedgerError, SettingsError
from d365kit.ledger.tables import SCHEMA_VERSION, meta, metadata

#: How long a writer waits for another one before it gives up.
BUSY_SECONDS = 30
CHUNK = 500

T = TypeVar("T")


class Store:
    """The database under a ledger. ``name`` is what messages call it, without any password."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name

    @classmethod
    def open(cls, address: str | Path) -> Store:
        """Open the ledger at ``address``, making it when there is none.

        Raises SettingsError when the address is wrong, or what is there is no ledger or a newer one;
        LedgerError when the database cannot be used just now.
        """
        url, name = _resolve(address)
        store = cls(_make_engine(url, name), name)
        try:
            _prepare(store)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the ledger."""
        with _speaking(self.name), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that is the only writer; all is written at the end, or nothing.

        Raises LedgerError when the database cannot be written, AlreadyCoupled when it refuses a second
        partner.
        """
        with _speaking(self.name), self.engine.connect() as connection:
            connection = connection.execution_options(ledger_writes=True)
            with connection.begin():
                if self.engine.dialect.name != "sqlite":
                    connection.execute(select(meta.c.value).where(meta.c.key == "schema").with_for_update())
                yield connection


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """``items`` in lists short enough for one statement."""
    listed = list(items)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


def _resolve(address: str | Path) -> tuple[URL, str]:
    text = str(address)
    if isinstance(address, str) and "://" in text:
        try:
            url = make_url(text)
        except (ArgumentError, ValueError) as problem:
            raise SettingsError(
                "The ledger's address is no database address.", "Write a path, or dialect://user@host/name."
            ) from problem
        return url, url.render_as_string(hide_password=True)
    path = Path(address).expanduser().absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise SettingsError(
            f"The folder {path.parent} for the ledger cannot be made: {problem.strerror}.",
            "Choose another place for the ledger.",
        ) from problem
    if path.is_dir():
        raise SettingsError(f"{path} is a folder, not a ledger.", "Give the path of a file in it.")
    return URL.create("sqlite", database=str(path)), str(path)


def _make_engine(url: URL, name: str) -> Engine:
    memory = url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")
    try:
        engine = create_engine(url, **({"poolclass": StaticPool} if memory else {}))
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as problem:
        raise SettingsError(
            f"The database of {name} cannot be reached from here: {problem}.",
            "Install its driver, or correct the address.",
        ) from problem
    _fit_to_dialect(engine)
    return engine


def _fit_to_dialect(engine: Engine) -> None:
    """Everything that only one kind of database needs."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def settle_in(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("foreign_keys=ON", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("ledger_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(store: Store) -> None:
    """Make the tables of an empty database, or see that what is there is a ledger we can read."""
    with store.reading() as connection:
        empty = not inspect(connection).get_table_names()
        if not empty:
            _check_version(connection, store.name)
    if empty:
        with store.writing() as connection:
            if inspect(connection).get_table_names():  # somebody else was faster
                _check_version(connection, store.name)
            else:
                metadata.create_all(connection)
                connection.execute(insert(meta).values(key="schema", value=str(SCHEMA_VERSION)))
    _write_ahead(store.engine)


def _check_version(connection: Connection, name: str) -> None:
    try:
        version = connection.scalar(select(meta.c.value).where(meta.c.key == "schema"))
    except DBAPIError:
        version = None
    if version is None or not str(version).isdigit():
        raise SettingsError(
            f"{name} is a database, but no ledger of d365kit.", "Choose another place for the ledger."
        )
    if int(version) != SCHEMA_VERSION:
        raise SettingsError(
            f"The ledger {name} has schema version {version}, and this d365kit knows version {SCHEMA_VERSION}.",
            "Install the version of d365kit that wrote it, or a newer one.",
        )


def _write_ahead(engine: Engine) -> None:
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


@contextmanager
def _speaking(name: str) -> Iterator[None]:
    """Turn what the database says into our own errors."""
    try:
        yield
    except D365KitError:
        raise
    except IntegrityError as problem:
        said = str(problem.orig)
        if "one_partner_of_" in said or "UNIQUE constraint failed: couplings." in said:
            raise AlreadyCoupled(
                f"The ledger {name} refused a second coupling of one record ({said}).",
                "Somebody else decided at the same moment; look at the couplings and decide again.",
            ) from problem
        raise LedgerError(
            f"The ledger {name} refused what would break it ({said}).", "Nothing was written; report this."
        ) from problem
    except SQLAlchemyError as problem:
        raise _translated(name, problem) from problem


_SAYINGS = (
    ("not a database", "is no database", "Choose another file for the ledger."),
    ("malformed", "is damaged", "Bring back a copy of it."),
    ("unable to open", "cannot be opened", "See that the folder is there and may be written."),
    ("readonly", "may only be read", "See that the file and its folder may be written."),
    ("disk I/O error", "met an error of the disk", "See that the disk works and has room, then do it again."),
    ("full", "found no room to write", "Make room on the disk and do it again; nothing was written."),
    ("locked", "is being written by another process", "Wait until it is done and do it again."),
)


def _translated(name: str, problem: SQLAlchemyError) -> D365KitError:
    said = str(getattr(problem, "orig", None) or problem)
    for words, what, todo in _SAYINGS:
        if words in said:
            error = SettingsError if words in ("not a database", "unable to open") else LedgerError
            return error(f"The ledger {name} {what} ({said}).", todo)
    return LedgerError(f"The ledger {name} could not be used: {said}.", "Nothing was written; do it again.")
