"""catalogue.toml → Catalogue: kinds, fields, sources, derived prerequisites and the order of work."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Literal

import pyarrow as pa

from d365kit.errors import SettingsError, UnknownKind

Side = Literal["bc", "dv"]
SIDES: tuple[Side, Side] = ("bc", "dv")

#: The BC side's id of the local currency. BC has no row for it: it is a blank code and the zero GUID
#: (business-central.md section 5), so the zero GUID is a natural id for the row that `add_lcy_row` adds.
LCY_ID = "00000000-0000-0000-0000-000000000000"

#: Wide enough for every amount and rate of both services; narrower scales make Arrow refuse a page.
DECIMAL = pa.decimal128(38, 12)

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "code": pa.string(),
    "choice": pa.string(),
    "amount": DECIMAL,
    "number": DECIMAL,
    "rate": DECIMAL,
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "reference": pa.string(),
}


def other_side(side: Side) -> Side:
    """Return ``dv`` for ``bc`` and ``bc`` for ``dv``."""
    return "dv" if side == "bc" else "bc"


@dataclass(frozen=True)
class Field:
    """One named value of a kind and its place on each side.

    ``bc`` and ``dv`` are the services' own names, empty when the side has no such value or when a habit
    computes it. ``direction`` is to_dv, to_bc, both, or none (read for checks and matching only).
    ``writes`` names what to write when that differs from what is read (``owninguser`` is read, ``ownerid``
    is bound). ``length`` holds the longest text of each side, 0 for no limit. ``tolerance`` is the largest
    difference of two amounts that counts as none. ``zero_is_blank``: a zero says that nothing was entered, as
    for a credit limit. Source: fields.csv.
    """

    name: str
    type: str
    bc: str = ""
    dv: str = ""
    direction: str = "none"
    label: str = ""
    bc_label: str = ""
    refers_to: str = ""
    dv_writes: str = ""
    bc_writes: str = ""
    length: tuple[int, int] = (0, 0)
    key: bool = False
    required: bool = False
    create_only: bool = False
    keep_when_blank: bool = False
    zero_is_blank: bool = False
    transform: str = ""
    tolerance: str = "0"
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_reference(self) -> bool:
        return bool(self.refers_to)

    @property
    def label_column(self) -> str:
        """The column with the readable value of a reference: a code or a name."""
        return f"{self.name}_label"

    @property
    def title(self) -> str:
        """The field's name as screens show it."""
        return self.label or self.name.replace("_", " ")

    def on(self, side: Side) -> str:
        """The service's own name of this field on ``side``, or ``""``."""
        return self.bc if side == "bc" else self.dv

    def written_as(self, side: Side) -> str:
        """The service's own name to write this field by on ``side``."""
        return (self.bc_writes or self.bc) if side == "bc" else (self.dv_writes or self.dv)

    def goes_to(self, side: Side) -> bool:
        """Whether a change of this field may be carried over to ``side``."""
        return self.direction in ("both", f"to_{side}")

    def longest_on(self, side: Side) -> int:
        return self.length[0 if side == "bc" else 1]


@dataclass(frozen=True)
class Source:
    """Where a kind's records live on one side, and which of them take part.

    ``set`` is the OData set, ``id`` its key. ``scope`` lists conditions a record must meet to take part in
    the synchronisation (the mapping's table filter, tables.csv): each has ``field``, ``in`` (allowed
    values, null meaning blank) and ``reason`` (what to call a record that does not meet it).
    ``constants`` are written when a record is made. ``also`` names further sets the kind's habits read.
    """

    set: str
    id: str
    noun: str
    table: str = ""
    scope: tuple[Mapping[str, object], ...] = ()
    constants: Mapping[str, object] = field(default_factory=dict)
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    modified_on: str = ""


@dataclass(frozen=True)
class Kind:
    """A pair of tables that hold the same sort of thing."""

    name: str
    mapping: str
    title: str
    direction: str
    bc: Source
    dv: Source
    fields: tuple[Field, ...]
    name_field: str
    number_field: str = ""
    habits: tuple[str, ...] = ()
    match: Mapping[str, object] = field(default_factory=dict)

    def source(self, side: Side) -> Source:
        return self.bc if side == "bc" else self.dv

    def __getitem__(self, name: str) -> Field:
        for f in self.fields:
            if f.name == name:
                return f
        raise KeyError(name)

    @property
    def references(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.is_reference)

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """Kinds that must be coupled first, derived from the references (PRE-1 to PRE-10)."""
        found = dict.fromkeys(f.refers_to for f in self.references)
        return tuple(k for k in found if k != self.name)

    def may_go_to(self, side: Side) -> bool:
        """Whether data of this kind may travel to ``side`` at all."""
        return self.direction in ("both", f"to_{side}")

    def fields_to(self, side: Side) -> tuple[Field, ...]:
        """The fields carried over to ``side``; a one-way kind carries two-way fields one way (coupling.md 11)."""
        if not self.may_go_to(side):
            return ()
        return tuple(f for f in self.fields if f.goes_to(side))

    @property
    def schema(self) -> pa.Schema:
        """The columns of this kind's frames, the same on both sides.

        ``id`` (lower-case GUID text), ``etag``, ``modified_on`` (UTC), then one column a field; a reference
        holds the id of the record it points to on the same side and has a ``…_label`` beside it.
        """
        columns = [("id", pa.string()), ("etag", pa.string()), ("modified_on", pa.timestamp("us", tz="UTC"))]
        for f in self.fields:
            columns.append((f.name, ARROW_TYPES[f.type]))
            if f.is_reference:
                columns.append((f.label_column, pa.string()))
        return pa.schema(columns)


@dataclass(frozen=True)
class Catalogue:
    """All kinds, in the order in which they must be worked on."""

    kinds: Mapping[str, Kind]

    def __getitem__(self, name: str) -> Kind:
        try:
            return self.kinds[name]
        except KeyError:
            names = ", ".join(self.kinds)
            raise UnknownKind(f"There is no kind called “{name}”.", f"The kinds are: {names}.") from None

    def __iter__(self) -> Iterator[Kind]:
        return iter(self.kinds.values())

    def __len__(self) -> int:
        return len(self.kinds)

    def __contains__(self, name: object) -> bool:
        return name in self.kinds

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.kinds)

    def with_prerequisites(self, names: tuple[str, ...]) -> tuple[Kind, ...]:
        """``names`` and everything they refer to, in the order of work."""
        wanted: set[str] = set()
        todo = list(names)
        while todo:
            kind = self[todo.pop()]
            if kind.name not in wanted:
                wanted.add(kind.name)
                todo.extend(kind.prerequisites)
        return tuple(k for k in self if k.name in wanted)


def load_catalogue(text: str | None = None, matching: str | None = None) -> Catalogue:
    """Read the catalogue from TOML text, or the shipped one.

    Raises SettingsError for an unknown field type, a reference to an unknown kind, or a circle of references.
    """
    if text is None and matching is None:
        return _shipped()
    return _parse(text or "", matching or "")


@lru_cache(maxsize=1)
def _shipped() -> Catalogue:
    here = resources.files("d365kit.kinds")
    rules = here / "matching.toml"
    matching = rules.read_text("utf-8") if rules.is_file() else ""
    return _parse((here / "catalogue.toml").read_text("utf-8"), matching)


def _parse(text: str, matching: str) -> Catalogue:
    rules = tomllib.loads(matching)
    kinds = {name: _kind(name, raw, rules.get(name, {})) for name, raw in tomllib.loads(text).items()}
    for kind in kinds.values():
        for f in kind.fields:
            if f.type not in ARROW_TYPES:
                raise SettingsError(
                    f"Field “{kind.name}.{f.name}” has the unknown type “{f.type}”.",
                    f"Use one of: {', '.join(ARROW_TYPES)}.",
                )
            if f.refers_to and f.refers_to not in kinds:
                raise SettingsError(
                    f"Field “{kind.name}.{f.name}” refers to the unknown kind “{f.refers_to}”.",
                    f"The kinds are: {', '.join(kinds)}.",
                )
    return Catalogue({k.name: k for k in _in_order(kinds)})


def _kind(name: str, raw: dict, match: dict) -> Kind:
    fields = tuple(Field(**{**f, "length": tuple(f.get("length", (0, 0)))}) for f in raw["fields"])
    return Kind(
        name=name,
        mapping=raw["mapping"],
        title=raw["title"],
        direction=raw["direction"],
        bc=_source(raw["bc"], "id", "lastModifiedDateTime"),
        dv=_source(raw["dv"], "", "modifiedon"),
        fields=fields,
        name_field=raw["name_field"],
        number_field=raw.get("number_field", ""),
        habits=tuple(raw.get("habits", ())),
        match=match,
    )


def _source(raw: dict, key: str, modified_on: str) -> Source:
    return Source(
        set=raw["set"],
        id=raw.get("id", key),
        noun=raw["noun"],
        table=raw.get("table", ""),
        scope=tuple(raw.get("scope", ())),
        constants=raw.get("constants", {}),
        also={k: tuple(v) for k, v in raw.get("also", {}).items()},
        modified_on=raw.get("modified_on", modified_on),
    )


def _in_order(kinds: dict[str, Kind]) -> list[Kind]:
    """Kinds so that every reference points backwards; within that, as the catalogue lists them."""
    done: dict[str, Kind] = {}
    while len(done) < len(kinds):
        ready = [k for k in kinds.values() if k.name not in done and all(p in done for p in k.prerequisites)]
        if not ready:
            circle = ", ".join(n for n in kinds if n not in done)
            raise SettingsError(
                f"These kinds refer to each other in a circle: {circle}.",
                "Take one of the references out of the catalogue.",
            )
        done[ready[0].name] = ready[0]
    return list(done.values())
