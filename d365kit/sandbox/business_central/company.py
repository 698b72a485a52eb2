"""Store, company → the tables, settings and number series of one company of Business Central."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from d365kit.sandbox.odata.values import now
from d365kit.sandbox.schema import Schema, Table, company_schema, default_of, schema
from d365kit.sandbox.store import Row, Store


@dataclass(frozen=True)
class Company:
    """One company of the environment: ``number`` tells its tables apart, ``id`` and ``name`` address it."""

    store: Store
    number: int
    id: str
    name: str

    @property
    def schema(self) -> Schema:
        """The sets and pages over this company's tables."""
        return company_schema(self.number)

    def table(self, name: str) -> Table:
        """Return a set or page of this company; KeyError when there is none."""
        return self.schema.table(name)

    def rules(self, table: Table) -> Table:
        """Return the set whose rules a table follows: the one whose rows it shows, or itself."""
        return self.schema.sets.get(table.base, table)

    def find(self, name: str, column: str, value: Any) -> Row | None:
        """Return the first row of a set whose stored column has the value, or None."""
        return self.store.find(self.table(name), column, value)

    def all(self, name: str, where: str, *values: Any) -> list[Row]:
        """Return the rows of a set that meet a condition, in the order of their age."""
        table = self.table(name)
        with self.store.lock:
            sql = f'SELECT * FROM "{table.sql}" WHERE {where} ORDER BY rowid'
            cursor = self.store.connection.execute(sql, values)
            columns = [item[0] for item in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor]

    @property
    def local_currency(self) -> str:
        """The code of the local currency (business-central.md section 5)."""
        setup = self.table("generalLedgerSetup")
        return str(self.store.value(f'SELECT "localCurrencyCode" FROM "{setup.sql}"') or "")


def companies(store: Store) -> tuple[Company, ...]:
    """Return the companies of the environment, oldest first."""
    sql = f'SELECT id, name FROM "{schema("bc").sets["companies"].sql}" ORDER BY rowid'
    return tuple(Company(store, place, *row) for place, row in enumerate(store.query(sql), start=1))


def blank(table: Table) -> Row:
    """Return a row of BC's blanks, by stored name (business-central.md section 5)."""
    enums = schema("bc").enums
    columns = (column for column in table.columns.values() if not column.expression)
    return {column.stored: default_of(column, enums) for column in columns}


def next_number(store: Store, table: Table) -> str:
    """Return the next free number of the set's number series."""
    name = f"series:{table.set}" if table.prefix == "bc" else f"series:{table.prefix}:{table.set}"
    last = int(store.meta(name) or 0)
    while True:
        last += 10
        number = table.series.format(last)
        if store.find(table, table.unique, number) is None:
            store.remember(name, last)
            return number


def touch(table: Table, values: Row) -> None:
    """Stamp the time of a change, where the table keeps one."""
    if "lastModifiedDateTime" in table.columns:
        values["lastModifiedDateTime"] = now(3)
