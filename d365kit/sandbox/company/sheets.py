"""Rows by name, many tables at once → gathered, then inserted by the thousand; and the true pairs they make."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from d365kit.sandbox.company.world import BATCH, Source, World, blank_row
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import Table, company_schema, schema
from d365kit.sandbox.store import Row, stamp

#: Digits of a money column's twin in the base currency (dataverse.md section 16).
_BASE_DIGITS = Decimal("0.0001")
_CENT = Decimal("0.01")


class Sheets:
    """Rows of one purpose in one company: each named as in `World`, inserted by `flush` in the order of first use.

    ``number`` is the company's place in the environment, ``company`` its id in the table of true pairs, "" for the
    first one. Ids and moments come from a source of the purpose's own.
    """

    def __init__(self, world: World, purpose: str, number: int = 1, company: str = "") -> None:
        self.world, self.store, self.ids = world, world.store, world.ids
        self.source, self.number, self.company = Source(world.seed, purpose), number, company
        self.rng = self.source.rng
        self._rows: dict[str, tuple[Table, list[Row]]] = {}
        self._truth: list[tuple[str, str, str, str]] = []

    def bc(self, name: str, **values: Any) -> str:
        """Add a row of a BC set or page and return its id; columns only a page has may be given too."""
        return self._add(company_schema(self.number).table(name), values)

    def dv(self, entity: str, **values: Any) -> str:
        """Add a Dataverse row and return its id; a lookup is given under its read name (``_x_value``)."""
        return self._add(schema("dv").entity(entity), values)

    def pair(self, kind: str, bc_id: str, dv_id: str) -> None:
        """Note a true pair."""
        self._truth.append((kind, bc_id, dv_id, self.company))

    def page_id(self, name: str, row: Row) -> str:
        """Return the id of a page's row: its primary key, joined by "|", with "%" and "|" percent-encoded."""
        table = company_schema(self.number).table(name)
        whole = _blank(table.sql, self.number, table.side) | row
        return joined_key(whole[table.columns[key].stored] for key in table.keys)

    def flush(self) -> None:
        """Insert everything gathered so far."""
        for table, rows in self._rows.values():
            for start in range(0, len(rows), BATCH):
                self._insert(table, rows[start : start + BATCH])
        self._rows.clear()
        with self.store.transaction() as connection:
            connection.executemany("INSERT INTO truth VALUES (?, ?, ?, ?)", self._truth)
        self._truth.clear()

    def _add(self, table: Table, values: Row) -> str:
        row = dict(values)
        if table.key not in row:
            row[table.key] = self.source.guid()
        moment = row.pop("moment", None) or self.source.time(3 if table.side == "bc" else 0)
        for name in ("createdon", "modifiedon", "lastModifiedDateTime"):
            row.setdefault(name, moment)
        self._rows.setdefault(table.sql, (table, []))[1].append(row)
        return str(row[table.key])

    def _insert(self, table: Table, rows: list[Row]) -> None:
        blank = dict(_blank(table.sql, self.number, table.side))
        for name in ("_createdby_value", "_modifiedby_value"):
            if name in blank:
                blank[name] = self.ids["integration_user"]
        version = next(iter(stamp(table, 0)))
        names = [name for name in blank if name != version]
        columns = ", ".join(f'"{name}"' for name in (*names, version))
        sql = f'INSERT INTO "{table.sql}" ({columns}) VALUES ({", ".join("?" * (len(names) + 1))})'
        first = self.store.next_version(len(rows))
        lines = []
        for at, row in enumerate(rows):
            whole = blank | row
            lines.append((*(whole[name] for name in names), stamp(table, first + at)[version]))
        with self.store.transaction() as connection:
            connection.executemany(sql, lines)


def joined_key(values: Iterable[Any]) -> str:
    """Return the id of a row without a GUID: the values of its primary key joined by "|".

    >>> joined_key(["WHOLESALE", "A|B", 10000])
    'WHOLESALE|A%7CB|10000'
    """
    return "|".join(str(value).replace("%", "%25").replace("|", "%7C") for value in values)


def money(rate: Decimal, **amounts: Decimal | int) -> Row:
    """Return amounts of a Dataverse row, rounded to cents, with their twins in the base currency and the rate.

    rate: units of the row's currency per unit of the base currency. Source: dataverse.md section 16.
    """
    found: Row = {"exchangerate": stored_number(rate)}
    for name, amount in amounts.items():
        value = Decimal(amount).quantize(_CENT, ROUND_HALF_UP)
        found[name] = stored_number(value)
        found[f"{name}_base"] = stored_number((value / rate).quantize(_BASE_DIGITS, ROUND_HALF_UP))
    return found


@cache
def _blank(sql: str, number: int, side: str) -> Row:
    """Return a row of blanks with the columns of every set and page over one SQLite table."""
    whole = company_schema(number) if side == "bc" else schema("dv")
    found: Row = {}
    for table in [*whole.sets.values(), *whole.pages.values()]:
        if table.sql == sql:
            types = {column.type_column: None for column in table.lookups() if column.polymorphic}
            found = blank_row(table) | {table.key: ""} | types | found
    return found
