"""Seeded ids, times and bulk rows: what every part of the demo company is built with."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from d365kit.sandbox.schema import Table, default_of, schema
from d365kit.sandbox.store import Row, Store, stamp

_DAYS = tuple(f"2026-{month:02}-{day:02}" for month in range(1, 10) for day in range(1, 29))
_TWO = tuple(f"{number:02}" for number in range(60))
BATCH = 20_000


class Source:
    """Random values of one purpose: the same seed and purpose give the same values."""

    def __init__(self, seed: int, purpose: str) -> None:
        self.rng = Random(f"d365kit:{seed}:{purpose}")

    def guid(self) -> str:
        """Return a GUID."""
        text = f"{self.rng.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def time(self, digits: int) -> str:
        """Return a moment of 2026 before October, with 3 or no decimals of the second."""
        chance = self.rng.random
        day, second = _DAYS[int(chance() * len(_DAYS))], int(chance() * 86_400)
        clock = f"{day}T{_TWO[second // 3600]}:{_TWO[second // 60 % 60]}:{_TWO[second % 60]}"
        return f"{clock}.{int(chance() * 1000):03}Z" if digits else f"{clock}Z"


class Bulk:
    """Rows of one table, gathered and inserted by the thousand; unnamed columns get a constant."""

    def __init__(self, store: Store, table: Table, names: Sequence[str], constants: Row | None = None) -> None:
        self.store, self.table, self.rows = store, table, list[tuple[Any, ...]]()
        version = next(iter(stamp(table, 0)))
        fixed = blank_row(table) | (constants or {})
        fixed = {name: value for name, value in fixed.items() if name not in names and value is not None}
        columns = ", ".join(f'"{name}"' for name in (*names, version, *fixed))
        marks = ", ".join(["?"] * (len(names) + 1) + [_literal(value) for value in fixed.values()])
        self.sql = f'INSERT INTO "{table.sql}" ({columns}) VALUES ({marks})'

    def add(self, *values: Any) -> None:
        """Add a row; its values stand in the order of the names."""
        if len(self.rows) >= BATCH:
            self.flush()
        self.rows.append(values)

    def amend(self, value: Any) -> None:
        """Change the last value of the row that was added last."""
        self.rows[-1] = (*self.rows[-1][:-1], value)

    def flush(self) -> None:
        """Insert what was gathered."""
        first = self.store.next_version(len(self.rows))
        tags = [next(iter(stamp(self.table, first + at).values())) for at in range(len(self.rows))]
        with self.store.transaction() as connection:
            connection.executemany(self.sql, [(*row, tag) for row, tag in zip(self.rows, tags, strict=True)])
        self.rows.clear()


class World:
    """The company under construction: its store, seed, and the rows other rows point to."""

    def __init__(self, store: Store, seed: int, dirt: float) -> None:
        self.store, self.seed, self.dirt = store, seed, dirt
        self.source = Source(seed, "company")
        self.ids: dict[str, str] = {}
        self.options: dict[str, int] = {}
        self.used: set[str] = set()

    def bc(self, set: str, **values: Any) -> str:
        """Add a BC row and return its key."""
        return self._add(schema("bc").sets[set], values)

    def dv(self, entity: str, **values: Any) -> str:
        """Add a Dataverse row and return its id; a lookup is given under its read name (``_x_value``)."""
        return self._add(schema("dv").entity(entity), values)

    def _add(self, table: Table, values: Row) -> str:
        row = blank_row(table)
        row[table.key] = self.source.guid()
        moment = self.source.time(3 if table.side == "bc" else 0)
        for name in ("createdon", "modifiedon", "lastModifiedDateTime"):
            if name in row:
                row[name] = moment
        for name in ("_createdby_value", "_modifiedby_value"):
            if name in row:
                row[name] = self.ids.get("integration_user")
        row |= values
        self.store.insert(table, row)
        return str(row[table.key])

    def pair(self, kind: str, bc_id: str, dv_id: str) -> None:
        """Note a true pair."""
        with self.store.transaction() as connection:
            connection.execute("INSERT INTO truth (kind, bc_id, dv_id) VALUES (?, ?, ?)", (kind, bc_id, dv_id))

    def apart(self, purpose: str) -> World:
        """Return a world over the same store and ids with random values of its own, so that nobody else's change."""
        own = World(self.store, self.seed, self.dirt)
        own.source, own.ids, own.options = Source(self.seed, purpose), self.ids, self.options
        return own


def names(text: str) -> tuple[str, ...]:
    """Return the words of a text; how column lists are written here."""
    return tuple(text.split())


def blank_row(table: Table) -> Row:
    """Return a row of blanks: BC has no nulls, Dataverse has booleans that are false."""
    if table.side == "bc":
        enums = schema("bc").enums
        columns = (column for column in table.columns.values() if not column.expression)
        return {column.stored: default_of(column, enums) for column in columns}
    row: Row = {name: 0 if column.type == "bool" else None for name, column in table.columns.items()}
    status = table.columns.get("statuscode")
    if status is not None:
        row |= {"statuscode": status.options[0].value, "statecode": status.options[0].state}
    return row


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
