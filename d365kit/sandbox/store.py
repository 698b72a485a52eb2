"""Table definitions → one SQLite file: rows in and out, the row version, pages rendered as JSON text."""

from __future__ import annotations

import base64
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from d365kit.sandbox.odata.values import family_name, fold, given_name
from d365kit.sandbox.schema import TEXTUAL, WHOLE, Column, Table, company_schema, default_of, schema

#: SQLite functions take 127 arguments, so a wide row is rendered in parts of this many columns.
_COLUMNS_PER_PART = 60
_NATIVE = {"decimal": "", "money": "", "bool": "INTEGER"} | dict.fromkeys(WHOLE, "INTEGER")
_FIRST_VERSION = 1_000_000
#: Companies of the BC environment: the demo company, and a small one beside it.
COMPANIES = 2

Row = dict[str, Any]
Order = Sequence[tuple[Column, bool]]


class Store:
    """The rows of both services in one SQLite database; path None keeps them in memory."""

    def __init__(self, path: str | Path | None, scratch: bool = False) -> None:
        """Open a database; ``scratch`` is for one under construction, fast and without a journal."""
        self.path = str(path) if path is not None else ":memory:"
        self.lock = threading.RLock()
        self.connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        self.connection.create_function("fold", 1, fold, deterministic=True)
        self.connection.create_function("given_name", 1, given_name, deterministic=True)
        self.connection.create_function("family_name", 1, family_name, deterministic=True)
        journal = "MEMORY" if scratch else "WAL"
        self.connection.executescript(
            f"PRAGMA journal_mode = {journal}; PRAGMA synchronous = {'OFF' if scratch else 'NORMAL'};"
            "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 1073741824;"
        )

    def close(self) -> None:
        """Close the database."""
        with self.lock:
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block in one transaction: all of it is kept, or nothing when it raises."""
        with self.lock:
            if self.connection.in_transaction:
                yield self.connection
                return
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def create(self) -> None:
        """Create every table, without indexes (see `index`)."""
        with self.transaction() as connection:
            connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value)")
            connection.execute("CREATE TABLE truth (kind TEXT, bc_id TEXT, dv_id TEXT, company TEXT DEFAULT '')")
            connection.execute("CREATE TABLE planted (fault TEXT, checked TEXT, kind TEXT, bc_id TEXT, dv_id TEXT)")
            key = "id TEXT PRIMARY KEY, entity TEXT, name TEXT, columns TEXT, status TEXT, ready REAL"
            connection.execute(f"CREATE TABLE dv_keys ({key})")
            connection.execute("CREATE TABLE dv_options (entity TEXT, attribute TEXT, value INTEGER, label TEXT)")
            connection.execute("CREATE UNIQUE INDEX ix_dv_options ON dv_options (entity, attribute, value)")
            connection.execute("CREATE TABLE dv_deleted (entity TEXT, id TEXT, version INTEGER)")
            for name, columns in _storage(self.tables()).items():
                connection.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')

    def finish_keys(self) -> None:
        """Let alternate keys that were being built when the sandbox was closed be ready now."""
        with self.transaction() as connection:
            connection.execute("UPDATE dv_keys SET ready = 0 WHERE status = 'Pending'")

    def index(self) -> None:
        """Create the indexes; done after the bulk of the rows is in, which is faster."""
        with self.transaction() as connection:
            for table in self.tables():
                for name in (*table.indexes, table.unique):
                    if name:
                        columns = ", ".join(f'"{column}"' for column in name.split())
                        index = f'"ix_{table.sql}_{name}" ON "{table.sql}" ({columns})'
                        connection.execute(f"CREATE INDEX IF NOT EXISTS {index}")
            connection.execute("CREATE INDEX ix_truth ON truth (kind, bc_id)")
            connection.execute("CREATE INDEX ix_dv_deleted ON dv_deleted (entity, version)")
            connection.execute("CREATE INDEX ix_truth_dv ON truth (kind, dv_id)")

    @staticmethod
    def tables() -> Iterator[Table]:
        """Yield the tables of both sides, those of every company of BC included."""
        for number in range(1, COMPANIES + 1):
            company = company_schema(number)
            yield from (table for table in company.sets.values() if number == 1 or not table.shared)
            yield from company.pages.values()
        yield from schema("dv").sets.values()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT."""
        with self.lock:
            return self.connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first value of a SELECT, or None."""
        with self.lock:
            row = self.connection.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def meta(self, name: str) -> Any:
        """Return a remembered setting, or None."""
        return self.value("SELECT value FROM meta WHERE name = ?", (name,))

    def remember(self, name: str, value: Any) -> None:
        """Keep a setting with the data."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def next_version(self, count: int = 1) -> int:
        """Return the first of ``count`` new row versions; one counter serves the whole organization."""
        with self.transaction():
            first = int(self.meta("version") or _FIRST_VERSION)
            self.remember("version", first + count)
        return first

    def get(self, table: Table, key: str) -> Row | None:
        """Return a row by its key, hidden columns included, or None."""
        return self.find(table, table.key, key)

    def find(self, table: Table, column: str, value: Any) -> Row | None:
        """Return the first row whose column has the value, or None."""
        with self.lock:
            cursor = self.connection.execute(f'SELECT * FROM "{table.sql}" WHERE "{column}" = ? LIMIT 1', (value,))
            row = cursor.fetchone()
            return dict(zip((item[0] for item in cursor.description), row, strict=True)) if row else None

    def insert(self, table: Table, row: Row) -> None:
        """Add one row under a new version; sqlite3.IntegrityError when the key exists."""
        with self.transaction() as connection:
            stamped = row | stamp(table, self.next_version())
            names = ", ".join(f'"{name}"' for name in stamped)
            marks = ", ".join("?" * len(stamped))
            connection.execute(f'INSERT INTO "{table.sql}" ({names}) VALUES ({marks})', tuple(stamped.values()))

    def update(self, table: Table, key: str, changes: Row) -> None:
        """Change one row and give it a new version."""
        with self.transaction() as connection:
            stamped = changes | stamp(table, self.next_version())
            sets = ", ".join(f'"{name}" = ?' for name in stamped)
            sql = f'UPDATE "{table.sql}" SET {sets} WHERE "{table.key}" = ?'
            connection.execute(sql, (*stamped.values(), key))

    def delete(self, table: Table, key: str) -> None:
        """Remove one row; a table with change tracking remembers that it was there."""
        with self.transaction() as connection:
            if table.tracking:
                connection.execute(
                    "INSERT INTO dv_deleted VALUES (?, ?, ?)", (table.entity, key, self.next_version())
                )
            connection.execute(f'DELETE FROM "{table.sql}" WHERE "{table.key}" = ?', (key,))

    def count(self, table: Table, where: str = "1", parameters: Sequence[Any] = (), limit: int = -1) -> int:
        """Return the number of rows that meet a condition, counting no further than ``limit``."""
        if limit < 0:
            return int(self.value(f'SELECT count(*) FROM "{table.sql}" t WHERE {where}', parameters))
        inner = f'SELECT 1 FROM "{table.sql}" t WHERE {where} LIMIT {limit}'
        return int(self.value(f"SELECT count(*) FROM ({inner})", parameters))

    def page(
        self,
        table: Table,
        expressions: str,
        where: str,
        parameters: Sequence[Any],
        order: str,
        limit: int,
        skip: int = 0,
    ) -> list[tuple[Any, ...]]:
        """Return one page: the SQL expressions of each row that meets a condition, in an order."""
        sql = f'SELECT {expressions} FROM "{table.sql}" t WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?'
        return self.query(sql, (*parameters, limit, skip))


def stamp(table: Table, version: int) -> Row:
    """Return the columns that hold a row's version."""
    return {"versionnumber": version} if table.side == "dv" else {"_tag": bc_tag(version)}


def bc_tag(version: int) -> str:
    """Return BC's etag of a version: base64 of a quoted token, opaque to clients (business-central.md section 7)."""
    token = f"'19;{version:019d};00;'"
    return f'W/"{base64.b64encode(token.encode()).decode()}"'


def row_json(table: Table, columns: Sequence[Column]) -> str:
    """Return the SQL expression that renders a row, etag first, as JSON in UTF-8.

    Bytes, because a page is joined and sent as they are: text would be decoded and encoded again.
    """
    return f"CAST({row_text(table, columns)} AS BLOB)"


def row_text(table: Table, columns: Sequence[Column], alias: str = "t") -> str:
    """Return the SQL expression that renders the row with this alias, etag first, as JSON text."""
    tag = f"{alias}._tag" if table.side == "bc" else f"'W/\"' || {alias}.versionnumber || '\"'"
    pairs = [("@odata.etag", tag)]
    pairs += [(column.name, column_json(column, alias)) for column in columns]
    parts = []
    for start in range(0, len(pairs), _COLUMNS_PER_PART):
        inner = ", ".join(f"'{name}', {sql}" for name, sql in pairs[start : start + _COLUMNS_PER_PART])
        parts.append(f"json_object({inner})")
    if len(parts) == 1:
        return parts[0]
    middle = [f"substr({part}, 2, length({part}) - 2)" for part in parts]
    return "'{' || " + " || ',' || ".join(middle) + " || '}'"


def column_json(column: Column, alias: str = "t") -> str:
    """Return the SQL expression of one column for json_object."""
    sql = column.at(alias)
    if column.type == "bool":
        return f"CASE {sql} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"
    # Text sorts behind every number, which is the quickest way to ask whether it is one.
    return f"CASE WHEN {sql} >= '' THEN json({sql}) ELSE {sql} END" if column.numeric else sql


def order_sql(order: Order, key: str, unique: str = "") -> str:
    """Return the ORDER BY of a read; the key ends it, so that the order is total.

    A column that is ``unique`` needs no key behind it, and SQLite then walks its index without sorting.
    """
    parts = [f"{_sortable(column)} {'DESC' if descending else 'ASC'}" for column, descending in order]
    if unique and any(column.name == unique for column, _ in order):
        return ", ".join(parts)
    return ", ".join([*parts, f't."{key}" ASC'])


def order_values(order: Order) -> list[str]:
    """Return the SQL expressions whose values mark a row's place in the order."""
    return [_sortable(column) for column, _ in order]


def after(order: Order, key: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition for the rows behind a place; the last value is the key. Nulls come first."""
    sql, parameters = f't."{key}" > ?', [values[-1]]
    for (column, descending), value in reversed(list(zip(order, values, strict=False))):
        name = _sortable(column)
        if value is None:
            sql = f"({name} IS NULL AND {sql})" if descending else f"({name} IS NOT NULL OR {sql})"
            continue
        beyond = f"{name} < ? OR {name} IS NULL" if descending else f"{name} > ?"
        sql, parameters = f"({beyond} OR ({name} = ? AND {sql}))", [value, value, *parameters]
    if order and not order[0][1] and values[0] is not None:
        # Says nothing new, but lets SQLite start in its index where the page starts.
        sql, parameters = f"{_sortable(order[0][0])} >= ? AND {sql}", [values[0], *parameters]
    return sql, parameters


def _sortable(column: Column) -> str:
    return f"CAST({column.at()} AS REAL)" if column.numeric else column.at()


def _storage(tables: Iterable[Table]) -> dict[str, dict[str, None]]:
    """Return the column definitions of each SQLite table; sets and pages over the same rows share one."""
    found: dict[str, dict[str, str]] = {}
    for table in tables:
        columns = found.setdefault(table.sql, {})
        columns.setdefault(table.key, f'"{table.key}" TEXT PRIMARY KEY')
        if table.side == "bc":
            columns.setdefault("_tag", "_tag TEXT")
        for column in table.columns.values():
            if not column.expression and column.stored not in columns:
                columns[column.stored] = _definition(table, column)
            if column.polymorphic:
                columns[column.type_column] = f'"{column.type_column}" TEXT'
    return {name: dict.fromkeys(columns.values()) for name, columns in found.items()}


def _definition(table: Table, column: Column) -> str:
    native = _NATIVE.get(column.type, "TEXT")
    collate = " COLLATE NOCASE" if table.side == "dv" and column.type in TEXTUAL else ""
    primary = " PRIMARY KEY" if column.stored == table.key else ""
    blank = ""
    if table.side == "bc" and not primary:
        value = default_of(column, schema("bc").enums)
        blank = f" DEFAULT {value}" if isinstance(value, int) else f" DEFAULT '{value}'"
    return f'"{column.stored}" {native}{collate}{primary}{blank}'
