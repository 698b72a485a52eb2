"""A check + the catalogue in use + what could not be asked → why the check cannot be answered, or nothing.

A check about a kind or field that this company's modes leave out has nothing to check. One about a field that
no service could be asked for is not answered either: there a blank is ignorance, neither right nor wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from d365kit.check import core
from d365kit.check.names import frame_of
from d365kit.check.suites import Check
from d365kit.kinds import SIDES, Catalogue, Kind, load_catalogue
from d365kit.nouns.findings import NOT_ASKED, NOTHING


@dataclass(frozen=True)
class Reading:
    """What a check reads: kinds by their frames, and of those the fields, with ``linked`` as references."""

    kinds: frozenset[str]
    fields: frozenset[tuple[str, str]]
    linked: frozenset[tuple[str, str]]


def unanswered(check: Check, catalogue: Catalogue, unread: Mapping[str, Collection[str]]) -> str:
    """The state of a check that cannot be answered: NOTHING, NOT_ASKED, or ``""`` when it can.

    ``catalogue`` holds the kinds and fields in use; what it lacks of the shipped ones is not in use.
    """
    shipped = load_catalogue()
    reading = reading_of(check, [*shipped, *catalogue])
    if any(k in shipped and k not in catalogue for k in reading.kinds):
        return NOTHING
    if any(_not_in_use(kind, name, catalogue, shipped) for kind, name in reading.fields):
        return NOTHING
    if any(not _field_of(catalogue[kind], name, linked=True) for kind, name in reading.linked):
        return NOTHING
    return NOT_ASKED if any(name in unread.get(kind, ()) for kind, name in reading.fields) else ""


def reading_of(check: Check, kinds: Collection[Kind]) -> Reading:
    """What ``check`` reads, told by the names of frames and columns that stand in it."""
    text = " ".join(str(check.kwargs.get(k, "")) for k in ("query", "applies_to"))
    words = set(re.findall(r"\w+", text)) if check.is_sql else set(core.columns_of(check))
    qualified = set(re.findall(r"\.(\w+)", text)) if check.is_sql else set[str]()
    found, fields, linked = set[str](), set[tuple[str, str]](), set[tuple[str, str]]()
    for kind in kinds:
        frame = frame_of(kind.name)
        wide = check.frame == frame or frame in words
        narrow = any(f"{frame}_{s}" in words or check.frame == f"{frame}_{s}" for s in SIDES)
        if not (wide or narrow):
            continue
        found.add(kind.name)
        for f in kind.fields:
            as_link = wide and not words.isdisjoint(_as_reference(f.name))
            plain = wide and not words.isdisjoint((f"bc_{f.name}", f"dv_{f.name}"))
            meant = wide and check.frame == frame and (check.kind, check.field) == (kind.name, f.name)
            if as_link or plain or meant or (narrow and f.name in qualified):
                fields.add((kind.name, f.name))
            # A label may be a field of its own: then the two names are one column.
            if as_link and f.is_reference:
                linked.add((kind.name, f.name))
    return Reading(frozenset(found), frozenset(fields), frozenset(linked))


def _as_reference(name: str) -> Iterator[str]:
    """The columns that only a reference has."""
    for side in SIDES:
        yield f"{side}_{name}_label"
        yield f"{side}_{name}_coupled"
    yield f"{name}_agree"


def _not_in_use(kind: str, name: str, catalogue: Catalogue, shipped: Catalogue) -> bool:
    return kind in shipped and _field_of(shipped[kind], name) and not _field_of(catalogue[kind], name)


def _field_of(kind: Kind, name: str, *, linked: bool = False) -> bool:
    return any(f.name == name and (f.is_reference or not linked) for f in kind.fields)
