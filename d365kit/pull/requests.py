"""Kinds → what to ask each side for: one read a set, whoever needs it, each property once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from d365kit.kinds import SIDES, Field, Kind, Side
from d365kit.services import Column

#: What messages call each side.
SAYS = {"bc": "Business Central", "dv": "Sales"}

#: The column with a record's id as the kit knows it, made by the services.
KEY = "@key"


@dataclass(frozen=True)
class Request:
    """One set to read, with the properties that kinds, their cards and their habits need of it.

    ``page`` is the number of the page to publish where the set is one; ``kinds`` are those whose records it holds.
    ``optional``: a card, which is read where it is published and done without where it is not.
    """

    side: Side
    set: str
    key: str
    columns: tuple[Column, ...]
    kinds: tuple[str, ...] = ()
    page: int = 0
    optional: bool = False


def requests_of(kinds: Sequence[Kind]) -> list[Request]:
    """Every set that ``kinds`` live in, their cards show, or their habits look at."""
    found: dict[tuple[Side, str], Request] = {}
    for kind in kinds:
        for side in SIDES:
            source = kind.source(side)
            _add(found, Request(side, source.set, source.id, columns_of(kind, side), (kind.name,), source.page))
    for kind in kinds:
        for side in SIDES:
            for name, listed in kind.source(side).also.items():
                columns = tuple(Column(*c.split(":", 1)) for c in listed)
                # The rows of contactsInformation have no key: a contact may stand there several times.
                _add(found, Request(side, name, "" if name == "contactsInformation" else columns[0].name, columns))
        card, columns = kind.bc.card, card_columns(kind)
        if card is not None and columns:
            _add(found, Request("bc", card.set, card.key, columns, (), card.page, optional=True))
    return list(found.values())


def _add(found: dict[tuple[Side, str], Request], new: Request) -> None:
    """Add a request, or what it asks for to the one for the same set."""
    place = (new.side, new.set)
    old = found.get(place)
    if old is None:
        found[place] = new
        return
    columns = {c.name: c for c in (*new.columns, *old.columns)}
    found[place] = Request(
        new.side,
        new.set,
        old.key or new.key,
        tuple(columns.values()),
        (*old.kinds, *new.kinds),
        old.page or new.page,
        old.optional and new.optional,
    )


def columns_of(kind: Kind, side: Side) -> tuple[Column, ...]:
    """What to ask ``side`` for to get ``kind``, in the side's own words."""
    source = kind.source(side)
    key = "integer" if source.is_option else "text"
    columns = {name: Column(name, key) for name in source.id.split(",") if name}
    if source.modified_on and not source.is_option:
        columns[source.modified_on] = Column(source.modified_on, "datetime")
    for f in kind.fields:
        for name in (read_as(f, side), f.bc_label if side == "bc" else ""):
            if name:
                columns.setdefault(name, Column(name, _type_of(f, name)))
    return tuple(columns.values())


def card_columns(kind: Kind) -> tuple[Column, ...]:
    """What to ask the kind's card for: its key, and the properties the API lacks; () when there is nothing."""
    card = kind.bc.card
    wanted = [Column(f.page, _type_of(f, f.page)) for f in on_card(kind)]
    return (Column(card.key), *wanted) if card is not None and wanted else ()


def on_card(kind: Kind) -> tuple[Field, ...]:
    """The fields of ``kind`` that its card alone shows."""
    if kind.bc.card is None:
        return ()
    return tuple(f for f in kind.fields if f.page and not f.bc and not f.bc_label)


def read_as(field: Field, side: Side) -> str:
    """The property a field is read from; a Dataverse lookup ``x`` is read as ``_x_value``."""
    name = field.on(side)
    return f"_{name}_value" if name and side == "dv" and field.type == "reference" else name


def _type_of(field: Field, name: str) -> str:
    if field.type == "option":
        return "integer" if name == field.dv else "text"
    return field.type
