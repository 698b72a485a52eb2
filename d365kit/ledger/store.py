"""An address in → an open ledger database that reads and writes in transactions and speaks our errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from d365kit.errors import SettingsError
from d365kit.ledger import dialects
from d365kit.ledger.sayings import speaking
from d365kit.ledger.tables import SCHEMA_VERSION, alembic_version, meta, metadata

CHUNK = 500

T = TypeVar("T")


class Store:
    """The database under a ledger. ``name`` is what messages call it, without any password."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name

    @classmethod
    def open(cls, address: str | Path) -> Store:
        """Open the ledger at ``address``, making it when there is none and bringing an older one up to date.

        Raises SettingsError when the address is wrong, or what is there is no ledger or a newer one;
        LedgerError when the database cannot be used just now, or an older ledger cannot be brought up to date.
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
        with speaking(self.name), self.engine.connect() as connection:
            connection = dialects.seeing_one_moment(connection)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that is the only writer; all is written at the end, or nothing.

        Raises LedgerError when the database cannot be written, AlreadyCoupled when it refuses a second
        partner.
        """
        with speaking(self.name), self.engine.connect() as connection:
            connection = connection.execution_options(ledger_writes=True)
            with connection.begin():
                dialects.take_turn(connection)
                yield connection


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """``items`` in lists short enough for one statement."""
    listed = list(items)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


def revision(version: int) -> str:
    """What Alembic calls the migration that leads to a schema version."""
    return f"{version:04}"


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
    # A server may have closed a connection that waited in the pool; it is looked at before it is used.
    more: dict[str, object] = {"poolclass": StaticPool} if memory else {"pool_pre_ping": True}
    try:
        engine = create_engine(url, **more)
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as problem:
        postgresql = url.get_backend_name().startswith("postgres")
        raise SettingsError(
            f"The database of {name} cannot be reached from here: {problem}.",
            'Run: pip install "d365kit[postgres]", and write the address as postgresql+psycopg://user@host/name.'
            if postgresql
            else "Install its driver, or correct the address.",
        ) from problem
    dialects.fit(engine)
    return engine


def _prepare(store: Store) -> None:
    """Make the tables of an empty database, or see that what is there is a ledger, and of this version."""
    with store.reading() as connection:
        empty = not inspect(connection).get_table_names()
        version = SCHEMA_VERSION if empty else version_of(connection, store.name)
    if empty:
        with store.writing() as connection:
            if inspect(connection).get_table_names():  # somebody else was faster
                version = version_of(connection, store.name)
            else:
                metadata.create_all(connection)
                connection.execute(insert(meta).values(key="schema", value=str(SCHEMA_VERSION)))
                connection.execute(insert(alembic_version).values(version_num=revision(SCHEMA_VERSION)))
    if version < SCHEMA_VERSION:
        from d365kit.ledger.upgrade import upgrade  # Alembic takes a while to import, and is seldom needed

        upgrade(store)
    dialects.write_ahead(store.engine)


def version_of(connection: Connection, name: str) -> int:
    """The schema version of the ledger; raises SettingsError when there is no ledger, or a newer one."""
    try:
        version = connection.scalar(select(meta.c.value).where(meta.c.key == "schema"))
    except DBAPIError as problem:
        if not _means_absent(problem):
            raise
        version = None
    if version is None or not str(version).isdigit():
        raise SettingsError(
            f"{name} is a database, but no ledger of d365kit.", "Choose another place for the ledger."
        )
    if int(version) > SCHEMA_VERSION:
        raise SettingsError(
            f"The ledger {name} has schema version {version}, and this d365kit knows version {SCHEMA_VERSION}.",
            "Install the version of d365kit that wrote it, or a newer one; nothing was changed.",
        )
    return int(version)


def _means_absent(problem: DBAPIError) -> bool:
    """Whether a table or a column is not there, rather than out of reach or damaged."""
    code = getattr(problem.orig, "sqlstate", None)
    return code in ("42P01", "42703") if code else "no such" in str(problem.orig)
