"""Catalogue + the services' own metadata → what the catalogue says that the services do not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Catalogue, Kind, Side
from d365kit.pull.reading import Reader, not_published
from d365kit.pull.requests import SAYS, Request, card_columns, on_card, read_as, requests_of
from d365kit.services import Table, run_all

#: Where a kind's field or key is written down: kind, field, key → “kinds.toml, line 12”, or ``""`` when shipped.
Place = Callable[[str, str, str], str]

#: The types of properties a field of each type can be read from, as metadata names them.
_FITS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("text", "code", "choice", "reference"), frozenset({"text", "choice"})),
    **dict.fromkeys(("amount", "number", "rate"), frozenset({"amount", "integer"})),
    "integer": frozenset({"integer"}),
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"datetime"}),
}


@dataclass(frozen=True)
class Problem:
    """One thing the catalogue says and a service does not confirm.

    ``severity`` is ``error`` (a pull would fail) or ``note`` (something is left out, or may be cut).
    """

    severity: str
    kind: str
    side: str
    field: str
    what: str
    todo: str
    place: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.what} {self.todo}"

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def check_catalogue(
    bc: Reader, dv: Reader, catalogue: Catalogue, *, place: Place = lambda kind, field, key: ""
) -> tuple[Problem, ...]:
    """Look up every set, property, type and length of ``catalogue`` in the metadata of both services.

    Returns what does not hold, kind by kind, errors before notes; () when all of it does. Raises ServiceErrors
    when a service cannot be asked: then nothing is known, which is not the same as nothing wrong.
    """
    readers: dict[str, Reader] = {"bc": bc, "dv": dv}
    requests = {(r.side, r.set): r for r in requests_of(list(catalogue))}
    tables: dict[tuple[Side, str], Table | SettingsError] = {}

    async def describe(side: Side) -> None:
        for request in requests.values():
            if request.side == side:
                try:
                    tables[side, request.set] = await readers[side].describe(request.set)
                except SettingsError as problem:
                    tables[side, request.set] = not_published(request, problem)

    run_all([describe(side) for side in SIDES])
    found = [p for kind in catalogue for p in _of_kind(kind, requests, tables, place)]
    return tuple(sorted(found, key=lambda p: p.severity != "error"))


def _of_kind(
    kind: Kind,
    requests: Mapping[tuple[Side, str], Request],
    tables: Mapping[tuple[Side, str], Table | SettingsError],
    place: Place,
) -> list[Problem]:
    found = []
    for side in SIDES:
        source = kind.source(side)
        table = tables[side, source.set]
        if isinstance(table, SettingsError):
            where = place(kind.name, "", side)
            found.append(Problem("error", kind.name, side, "", table.what, table.todo, where))
            continue
        for name in (*source.id.split(","), "" if source.is_option else source.modified_on):
            if name and name not in table.properties:
                found.append(_unknown(kind, side, "", name, table, place))
        for f in kind.fields:
            read = [read_as(f, side), f.bc_label if side == "bc" else ""]
            for name in dict.fromkeys(n for n in read if n):
                found += _of_property(kind, side, f.name, f.type, name, table, place, f.longest_on(side))
    card = kind.bc.card
    if card is not None and card_columns(kind):
        table = tables["bc", card.set]
        names = ", ".join(f.title for f in on_card(kind))
        if isinstance(table, SettingsError):
            service = card.set.rpartition("/")[2]
            what = (
                f"Business Central does not publish page {card.page} as the web service “{service}”, "
                f"so {names} of {kind.title} stay unread."
            )
            todo = "Publish it on the page Web Services if you want them."
            found.append(Problem("note", kind.name, "bc", "", what, todo, place(kind.name, "", "card")))
        else:
            for f in on_card(kind):
                found += _of_property(kind, "bc", f.name, f.type, f.page, table, place, f.longest_on("bc"))
    return found


def _of_property(
    kind: Kind, side: Side, field: str, type: str, name: str, table: Table, place: Place, longest: int
) -> list[Problem]:
    if "@" in name:
        return []  # an annotation, which metadata does not list
    known = table.properties.get(name)
    if known is None:
        return [_unknown(kind, side, field, name, table, place)]
    where = place(kind.name, field, side)
    if type in _FITS and known.type and known.type not in _FITS[type]:
        what = f"{kind.name}.{field} is of type {type}, and {name} in {SAYS[side]} is of type {known.type}."
        return [Problem("error", kind.name, side, field, what, "Give the field the type that fits.", where)]
    length = getattr(known, "length", 0)
    if longest and length and longest > length and type in ("text", "code"):
        what = f"{kind.name}.{field} says {longest} characters, and {name} in {SAYS[side]} holds {length}."
        return [Problem("note", kind.name, side, field, what, f"Write {length} in its length.", where)]
    return []


def _unknown(kind: Kind, side: Side, field: str, name: str, table: Table, place: Place) -> Problem:
    from difflib import get_close_matches

    near = get_close_matches(name, list(table.properties), 1, 0.6)
    hint = f"Did you mean {near[0]}?" if near else "Correct the name, or take the field out."
    what = f"{SAYS[side]} has no property {name} in {table.set}."
    return Problem("error", kind.name, side, field, what, hint, place(kind.name, field, side))
