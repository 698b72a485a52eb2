"""Schema files → table definitions of both services: what exists, how long, who may write it."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from typing import Any

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
BLANK_DATE = "0001-01-01"
BLANK_TIME = "0001-01-01T00:00:00Z"
BLANK_ENUM = "_x0020_"
NUMERIC = frozenset({"decimal", "money"})
WHOLE = frozenset({"int", "bigint", "choice", "state", "status"})
TEXTUAL = frozenset({"text", "memo", "code"})


@dataclass(frozen=True)
class Option:
    """One value of a choice column; ``state`` is the state a status reason belongs to."""

    value: int
    label: str
    state: int | None = None


@dataclass(frozen=True)
class Relation:
    """A lookup of a Dataverse column: the navigation that binds it and what deleting the target does."""

    table: str
    column: str
    navigation: str
    target: str
    collection: str
    on_delete: str


@dataclass(frozen=True)
class Column:
    """One property of a table.

    ``name`` is the property as read, ``attribute`` the column's own name (they differ for lookups), ``length``
    0 means no limit, ``access`` holds c (create) and u (update) or nothing for read-only. ``members`` are the
    texts of an option of a BC page. ``source`` is the stored column when its name differs, ``expression`` the SQL
    of a value that is calculated; in it stands {t} for the row and {bc} for the company's tables.
    """

    name: str
    type: str
    attribute: str = ""
    length: int = 0
    low: str = ""
    high: str = ""
    access: str = "cu"
    required: str = ""
    enum: str = ""
    options: tuple[Option, ...] = ()
    targets: tuple[Relation, ...] = ()
    members: tuple[str, ...] = ()
    source: str = ""
    expression: str = ""

    @property
    def stored(self) -> str:
        """The name of the column in SQLite."""
        return self.source or self.name

    def at(self, alias: str = "t") -> str:
        """Return the SQL of the value in the row with this alias."""
        return self.expression.format(t=alias) if self.expression else f'{alias}."{self.stored}"'

    @property
    def numeric(self) -> bool:
        """Whether values are decimals, compared as numbers."""
        return self.type in NUMERIC

    @property
    def polymorphic(self) -> bool:
        """Whether the lookup may point to more than one table."""
        return len({relation.target for relation in self.targets}) > 1

    @property
    def type_column(self) -> str:
        """The hidden column that holds the target table of a polymorphic lookup."""
        return f"_{self.attribute}_type"


@dataclass(frozen=True)
class Navigation:
    """A way from a BC row to others: one or many rows of ``target`` whose ``column`` equals our ``source``."""

    name: str
    target: str
    many: bool
    source: str
    column: str


@dataclass(frozen=True)
class Table:
    """One entity set: its names, key, columns in order and the methods it allows.

    ``key`` is the stored key. A set that shows rows of another one names it in ``base`` and the rows in ``where``;
    ``keys`` are the key properties of an address when they are not ``key``. ``number`` is a BC page's number,
    ``query`` marks an API query, ``order`` the properties a set is sorted by; ``prefix`` tells companies apart.
    """

    side: str
    entity: str
    set: str
    key: str
    columns: dict[str, Column]
    methods: str = ""
    title: str = ""
    unique: str = ""
    named: bool = False
    series: str = ""
    indexes: tuple[str, ...] = ()
    relations: tuple[dict[str, str], ...] = ()
    tracking: bool = False
    schema_name: str = ""
    folded: dict[str, str] = field(default_factory=dict)
    base: str = ""
    where: str = "1"
    keys: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    number: int = 0
    query: bool = False
    shared: bool = False
    within: str = ""
    actions: tuple[str, ...] = ()
    navigations: dict[str, Navigation] = field(default_factory=dict)
    prefix: str = "bc"

    @property
    def sql(self) -> str:
        """The table's name in SQLite."""
        return f"dv_{self.entity}" if self.side == "dv" else f"{self.prefix}_{self.base or self.set}"

    def lookups(self) -> Iterator[Column]:
        """Yield the lookup columns."""
        return (column for column in self.columns.values() if column.type == "lookup")

    def attribute(self, name: str) -> Column | None:
        """Return the column with this attribute name (``primarycontactid``), or None."""
        return self.columns.get(name) or self.columns.get(f"_{name}_value")

    def navigation(self, name: str) -> tuple[Column, Relation] | None:
        """Return the lookup and its target behind a navigation name, or None."""
        return self._ways.get(name)

    @cached_property
    def _ways(self) -> dict[str, tuple[Column, Relation]]:
        found: dict[str, tuple[Column, Relation]] = {}
        for column in self.lookups():
            for relation in column.targets:
                found.setdefault(relation.navigation, (column, relation))
        return found


@dataclass(frozen=True)
class Association:
    """A many-to-many relationship: the table between, and its column for each side's entity."""

    name: str
    table: str
    sides: dict[str, str]

    def other(self, entity: str) -> str:
        """Return the entity on the other side."""
        return next(side for side in self.sides if side != entity)


@dataclass(frozen=True)
class Schema:
    """All tables of one service, by entity set, plus BC's enumerations and what only Dataverse has.

    ``pages`` are BC's pages that can be published as web services, by our name for them.
    """

    side: str
    sets: dict[str, Table]
    enums: dict[str, dict[str, int]]
    pages: dict[str, Table] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)
    duplicate_rules: dict[str, list[list[str]]] = field(default_factory=dict)

    def entity(self, name: str) -> Table:
        """Return the table with this entity (logical) name; KeyError when there is none."""
        return _by_entity(self.side)[name]

    def table(self, name: str) -> Table:
        """Return the set or page of this name; KeyError when there is none."""
        return self.sets.get(name) or self.pages[name]

    def incoming(self, entity: str) -> tuple[tuple[Table, Column, Relation], ...]:
        """Return the lookups of all tables that point to rows of this entity."""
        return _incoming(self.side, entity)

    def collection(self, entity: str, name: str) -> tuple[Table, Column, Relation] | None:
        """Return the lookup behind a collection of rows that point to one row, or None."""
        return _collections(self.side, entity).get(name) if name else None

    def association(self, entity: str, name: str) -> Association | None:
        """Return a many-to-many relationship this entity takes part in, or None."""
        found = self.associations.get(name)
        return found if found and entity in found.sides else None


@cache
def _collections(side: str, entity: str) -> dict[str, tuple[Table, Column, Relation]]:
    found: dict[str, tuple[Table, Column, Relation]] = {}
    for item in _incoming(side, entity):
        found.setdefault(item[2].collection, item)
    return found


@cache
def _incoming(side: str, entity: str) -> tuple[tuple[Table, Column, Relation], ...]:
    return tuple(
        (table, column, relation)
        for table in schema(side).sets.values()
        for column in table.lookups()
        for relation in column.targets
        if relation.target == entity
    )


@cache
def _by_entity(side: str) -> dict[str, Table]:
    return {table.entity: table for table in schema(side).sets.values()}


@cache
def schema(side: str) -> Schema:
    """Return the schema of ``bc`` or ``dv``. Source: bc-entities.csv, dataverse-entities.csv."""
    declared = tomllib.loads(_text("tables.toml"))
    enums = {name: _members(text) for name, text in declared["enums"].items()}
    build = _bc_table if side == "bc" else _dv_table
    columns = _bc_columns() if side == "bc" else _dv_columns()
    tables = [build(name, entry, columns[name]) for name, entry in declared[side].items()]
    pages = (
        [_bc_table(name, entry, columns[name]) for name, entry in declared["pages"].items()] if side == "bc" else []
    )
    between = declared["associations"] if side == "dv" else {}
    associations = {name: Association(name, **entry) for name, entry in between.items()}
    sets = {table.set: table for table in tables}
    rules = declared["duplicate_rules"] if side == "dv" else {}
    return Schema(side, sets, enums, {page.set: page for page in pages}, associations, rules)


@cache
def company_schema(number: int) -> Schema:
    """Return BC's schema over the tables of one company; the first company's is the plain one.

    Each company has tables of its own, as in BC's database; sets marked shared belong to the environment.
    """
    plain = schema("bc")
    if number == 1:
        return plain
    prefix = f"bc{number}"
    sets = {name: _of_company(table, prefix) for name, table in plain.sets.items()}
    return replace(plain, sets=sets, pages={name: _of_company(page, prefix) for name, page in plain.pages.items()})


def _of_company(table: Table, prefix: str) -> Table:
    if table.shared:
        return table
    columns = {
        name: replace(column, expression=column.expression.replace('"bc_', f'"{prefix}_'))
        for name, column in table.columns.items()
    }
    return replace(table, prefix=prefix, columns=columns, where=table.where.replace('"bc_', f'"{prefix}_'))


def default_of(column: Column, enums: dict[str, dict[str, int]]) -> Any:
    """Return what BC shows for a blank value of the column. Source: business-central.md section 5."""
    if column.enum:
        return next(iter(enums[column.enum]))
    if column.members:
        return column.members[0]
    blanks: dict[str, Any] = {"guid": ZERO_GUID, "date": BLANK_DATE, "datetime": BLANK_TIME}
    return blanks.get(column.type, "" if column.type in TEXTUAL else 0)


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _records(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(_text(name).splitlines())


def _members(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in (part.split("=") for part in text.split())}


def _bc_columns() -> dict[str, dict[str, Column]]:
    found: dict[str, dict[str, Column]] = {}
    for row in [*_records("business_central.csv"), *_records("web_services.csv")]:
        kind, _, more = row["type"].partition(":")
        source, calculated = row["source"], row["source"].startswith("=")
        column = Column(
            name=row["property"],
            attribute=row["property"],
            type=kind,
            length=int(row["length"] or 0),
            access="cu" if row["access"] == "rw" else "",
            required=row.get("required") or row.get("key") or "",
            enum=more if kind == "enum" else "",
            members=tuple(more.split("|")) if kind == "option" else (),
            source="" if calculated else source,
            expression=source[1:].replace("{bc}", "bc") if calculated else "",
        )
        found.setdefault(row.get("set") or row["page"], {})[column.name] = column
    return found


@cache
def _bc_navigations() -> dict[str, dict[str, Navigation]]:
    found: dict[str, dict[str, Navigation]] = {}
    for row in _records("business_central_navigations.csv"):
        way = Navigation(row["name"], row["target"], bool(row["many"]), row["source"], row["column"])
        found.setdefault(row["set"], {})[way.name] = way
    return found


def _bc_table(name: str, entry: dict[str, Any], columns: dict[str, Column]) -> Table:
    page = "page" in entry
    keys = tuple(column.name for column in columns.values() if column.required) if page else ()
    return Table(
        side="bc",
        entity=entry.get("entity", name),
        set=name,
        key=entry.get("key", "id"),
        columns=columns,
        methods=entry["methods"],
        unique=entry.get("unique", ""),
        named=entry.get("named", False),
        series=entry.get("series", ""),
        indexes=tuple(entry.get("indexes", ())),
        relations=tuple(entry.get("relations", ())),
        folded={column.lower(): column for column in columns},
        base=entry.get("base", ""),
        where=entry.get("where", "1").replace("{bc}", "bc"),
        keys=tuple(entry.get("keys", ())) or keys,
        order=tuple(entry.get("order", ())) or keys,
        number=entry.get("page", 0),
        query=entry.get("query", False),
        shared=entry.get("shared", False),
        within=entry.get("within", ""),
        actions=tuple(entry.get("actions", ())),
        navigations=_bc_navigations().get(name, {}),
    )


def _options(text: str) -> tuple[Option, ...]:
    found = []
    for part in filter(None, text.split("|")):
        number, _, label = part.partition("=")
        value, _, state = number.partition(":")
        found.append(Option(int(value), label, int(state) if state else None))
    return tuple(found)


def _relations() -> dict[tuple[str, str], list[Relation]]:
    found: dict[tuple[str, str], list[Relation]] = {}
    for row in _records("dataverse_relations.csv"):
        found.setdefault((row["table"], row["column"]), []).append(Relation(**row))
    return found


def _dv_columns() -> dict[str, dict[str, Column]]:
    found: dict[str, dict[str, Column]] = {}
    relations = _relations()
    for row in _records("dataverse.csv"):
        name = f"_{row['column']}_value" if row["type"] == "lookup" else row["column"]
        column = Column(
            name=name,
            attribute=row["column"],
            type=row["type"],
            length=int(row["length"] or 0),
            low=row["min"],
            high=row["max"],
            access="" if row["access"] == "r" else row["access"],
            required=row["required"],
            options=_options(row["options"]),
            targets=tuple(relations.get((row["table"], row["column"]), ())),
        )
        found.setdefault(row["table"], {})[name] = column
    return found


def _dv_table(name: str, entry: dict[str, Any], columns: dict[str, Column]) -> Table:
    return Table(
        side="dv",
        entity=name,
        set=entry["set"],
        key=entry.get("key", f"{name}id"),
        columns=columns,
        methods=entry["methods"],
        title=entry["title"],
        tracking=entry.get("tracking", False),
        schema_name=entry.get("schema", name.capitalize()),
        indexes=tuple(entry.get("indexes", ())),
    )
