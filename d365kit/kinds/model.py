"""What a catalogue says of each kind: Field, Source, Kind, and Catalogue with the order of work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    "option": pa.string(),
}

#: What a company can have set up one way or the other, as in BC itself; the first of each is the kit's default.
#: units: one unit group per unit of measure, or one per item and resource (setup.md, unit group mapping).
#: prices: price list headers and lines, or customer price groups and sales prices (sync-rules.md K1).
#: orders: made in BC from submitted orders, or synchronised both ways (sync-rules.md N and O).
#: ownership: rows in Dataverse belong to the salesperson's user, or to a team (sync-rules.md G1, G2).
MODES: Mapping[str, tuple[str, str]] = {
    "units": ("one_per_group", "unit_groups"),
    "prices": ("price_lists", "price_groups"),
    "orders": ("legacy", "bidirectional"),
    "ownership": ("person", "team"),
}
DEFAULT_MODES: Mapping[str, str] = {name: values[0] for name, values in MODES.items()}

#: Where the values of a choice column are read as records.
OPTIONS = "options/"
#: Where published web services stand.
PAGES = "ODataV4/"


def other_side(side: Side) -> Side:
    """Return ``dv`` for ``bc`` and ``bc`` for ``dv``."""
    return "dv" if side == "bc" else "bc"


@dataclass(frozen=True)
class Field:
    """One named value of a kind and its place on each side.

    ``bc`` and ``dv`` are the services' own names, empty when the side has no such value or when a habit
    computes it. ``page`` is the name on the kind's page in BC (`Source.card`), for what the API lacks.
    ``direction`` is to_dv, to_bc, both, or none (read for checks and matching only).
    ``refers_to`` names the kinds a reference may point to, several where a lookup has several targets; a
    ``weak`` reference is emptied rather than refused when its target is not coupled (sync-rules.md C8), so
    it is no prerequisite; ``goes_with``: the record is uncoupled together with the one it points to, as an order's
    lines are (coupling.md section 6); ``target_by`` names the field that tells which of several kinds a code belongs
    to (``Item`` → item). ``bc_writes`` and ``dv_writes`` name what to write when that differs from what is
    read (``owninguser`` is read, ``ownerid`` is bound). ``length`` holds the longest text of each side, 0 for
    no limit. ``tolerance`` is the largest difference of two amounts that counts as none. ``zero_is_blank``: a
    zero says that nothing was entered, as for a credit limit. ``derived``: a habit computes one side.
    ``enabled`` is False for what Microsoft ships switched off; ``when`` names the modes in which the field
    counts. Source: fields.csv.
    """

    name: str
    type: str
    bc: str = ""
    dv: str = ""
    page: str = ""
    direction: str = "none"
    label: str = ""
    bc_label: str = ""
    refers_to: tuple[str, ...] = ()
    weak: bool = False
    goes_with: bool = False
    target_by: str = ""
    dv_writes: str = ""
    bc_writes: str = ""
    length: tuple[int, int] = (0, 0)
    key: bool = False
    required: bool = False
    create_only: bool = False
    keep_when_blank: bool = False
    zero_is_blank: bool = False
    derived: tuple[str, ...] = ()
    enabled: bool = True
    transform: str = ""
    transform_bc: str = ""
    tolerance: str = "0"
    when: Mapping[str, str] = field(default_factory=dict)

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

    def has_place(self, side: Side) -> bool:
        """Whether ``side`` has this value anywhere the kit can reach; a page not published counts as a place."""
        known = self.bc or self.bc_label or self.page if side == "bc" else self.dv
        return bool(known or self.written_as(side) or side in self.derived)

    @property
    def out_of_reach(self) -> bool:
        """Whether the field is synchronised by BC but neither API nor standard page shows it there."""
        return self.direction != "none" and not all(self.has_place(s) for s in SIDES)

    def goes_to(self, side: Side) -> bool:
        """Whether a change of this field may be carried over to ``side``."""
        return self.direction in ("both", f"to_{side}") and self.enabled and not self.out_of_reach

    def longest_on(self, side: Side) -> int:
        return self.length[0 if side == "bc" else 1]


@dataclass(frozen=True)
class Card:
    """A page of BC that shows more of a record than the API does: its service, key and the field equal to it."""

    set: str
    key: str
    on: str
    page: int


@dataclass(frozen=True)
class Source:
    """Where a kind's records live on one side, and which of them take part.

    ``set`` is the address: a set of the API or of Dataverse (``customers``); a published page of BC
    (``ODataV4/CustomerPriceGroups``, whose number is ``page``); lines of documents
    (``salesOrders/salesOrderLines``); or the values of a choice column (``options/account.paymenttermscode``).
    ``id`` is the key, several properties joined by commas where a page has several. ``scope`` lists conditions a
    record must meet to take part in the synchronisation (the mapping's table filter, tables.csv): each has
    ``field``, ``in`` (allowed values, ``""`` meaning blank), ``like`` or ``unlike`` (a pattern with ``*``, a blank
    counting as ``""``), and ``reason`` (what to call a record that does not meet it). ``constants`` are written when
    a record is made. ``also`` names further sets the kind's habits read. ``card`` is a page with further fields.
    """

    set: str
    id: str
    noun: str
    table: str = ""
    page: int = 0
    scope: tuple[Mapping[str, object], ...] = ()
    constants: Mapping[str, object] = field(default_factory=dict)
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    modified_on: str = ""
    card: Card | None = None

    @property
    def is_page(self) -> bool:
        return self.set.startswith(PAGES)

    @property
    def is_option(self) -> bool:
        return self.set.startswith(OPTIONS)


@dataclass(frozen=True)
class Kind:
    """A pair of tables that hold the same sort of thing.

    ``mapping`` is Microsoft's name of the table mapping; ``""`` for a routine without one. ``planned`` is False
    for kinds that are pulled, coupled and checked, but that `plan` leaves alone, for the reason in ``held``.
    ``when`` names the modes in which the kind is in use.
    """

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
    when: Mapping[str, str] = field(default_factory=dict)
    in_mode: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    held: str = ""

    def source(self, side: Side) -> Source:
        return self.bc if side == "bc" else self.dv

    def __getitem__(self, name: str) -> Field:
        for f in self.fields:
            if f.name == name:
                return f
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(f.name == name for f in self.fields)

    @property
    def planned(self) -> bool:
        return not self.held

    @property
    def is_option(self) -> bool:
        """Whether the Dataverse side is the values of a choice column."""
        return self.dv.is_option

    @property
    def references(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.is_reference)

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """Kinds that must be coupled first, derived from the references (PRE-1 to PRE-14)."""
        found = dict.fromkeys(k for f in self.references if not f.weak for k in f.refers_to)
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

        ``id`` (lower-case GUID; the key of a page; the integer of an option, all as text), ``etag``,
        ``modified_on`` (UTC), then one column a field; a reference holds the id of the record it points to on
        the same side and has a ``…_label`` beside it.
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

    def __str__(self) -> str:
        return f"{len(self)} kinds: {', '.join(self.names)}"

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.kinds(self)

    def in_modes(self, modes: Mapping[str, str], leave_out: tuple[str, ...] = ()) -> Catalogue:
        """The kinds and fields in use when a company is set up this way (`MODES`; what is not named: default).

        ``leave_out`` names kinds that are not wanted; what refers to them stays and refers to nothing.
        """
        chosen = {**DEFAULT_MODES, **modes}
        here = {k.name: k for k in self if _holds(k.when, chosen) and k.name not in leave_out}
        return Catalogue({n: _kind_in(k, chosen, here) for n, k in here.items()})


def _holds(when: Mapping[str, str], chosen: Mapping[str, str]) -> bool:
    return all(chosen[mode] == value for mode, value in when.items())


def _kind_in(kind: Kind, chosen: Mapping[str, str], here: Mapping[str, Kind]) -> Kind:
    fields = []
    for f in kind.fields:
        if not _holds(f.when, chosen):
            continue
        if f.refers_to:
            refers_to = tuple(k for k in f.refers_to if k in here)
            if not refers_to:
                # What it points to is not in this catalogue: then its readable value is all there is to know.
                page = "" if f.bc_label else f.page
                f = replace(f, type="text", bc=f.bc_label, page=page, dv="", direction="none", bc_label="")
            f = replace(f, refers_to=refers_to)
        fields.append(f)
    direction = kind.direction
    for mode, value in chosen.items():
        direction = str(kind.in_mode.get(f"{mode}={value}", {}).get("direction", direction))
    return replace(kind, fields=tuple(fields), direction=direction)


def in_order(kinds: Mapping[str, Kind]) -> list[Kind]:
    """Kinds so that every reference points backwards; within that, as the catalogue lists them.

    Raises SettingsError for a circle of references, and names it.
    """
    done: dict[str, Kind] = {}
    while len(done) < len(kinds):
        ready = [k for k in kinds.values() if k.name not in done and all(p in done for p in k.prerequisites)]
        if not ready:
            circle = _circle({n: k for n, k in kinds.items() if n not in done})
            raise SettingsError(
                f"These kinds refer to each other in a circle: {' → '.join(circle)}.",
                "Take one of these references out of kinds.toml, or mark it weak = true.",
            )
        done[ready[0].name] = ready[0]
    return list(done.values())


def _circle(left: Mapping[str, Kind]) -> list[str]:
    """One circle among kinds of which each refers to another one of them."""
    way = [next(iter(left))]
    while True:
        following = next(p for p in left[way[-1]].prerequisites if p in left)
        if following in way:
            return [*way[way.index(following) :], following]
        way.append(following)
