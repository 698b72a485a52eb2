"""Words such as "name+city!" → groups of criteria, as on Business Central's page “Match-Based Coupling”."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Field, Kind, Side
from d365kit.match.explain import joined, title
from d365kit.match.rivals import SIDE_NAMES
from d365kit.nouns import Snapshot

#: Between the fields of one group, and after a field whose upper and lower case count.
AND, CASE = "+", "!"


@dataclass(frozen=True)
class Criterion:
    """A field that must agree."""

    field: Field
    minds_case: bool = False

    def __str__(self) -> str:
        return self.field.name + (CASE if self.minds_case else "")


@dataclass(frozen=True)
class Group:
    """Fields that must all agree. ``place`` counts from 1 in the order in which groups are tried."""

    kind: Kind
    place: int
    criteria: tuple[Criterion, ...]

    @property
    def titles(self) -> list[str]:
        return [title(self.kind, c.field.name) for c in self.criteria]

    @property
    def same(self) -> str:
        """What agreeing means: “same name and city (group 2)”."""
        return f"{joined([f'same {t}' for t in self.titles])} (group {self.place})"

    @property
    def fields(self) -> str:
        """“name + city (group 2)”."""
        return f"{' + '.join(self.titles)} (group {self.place})"

    def __str__(self) -> str:
        return AND.join(map(str, self.criteria))


def groups_of(kind: Kind, given: str | Sequence[str] | None, snapshot: Snapshot) -> tuple[Group, ...]:
    """The groups that ``given`` names, each as ``"number"`` or ``"name+city"``; None stands for those of the kind.

    Raises SettingsError when there are none, for a group without a field, a field the kind does not have, and one
    by which nothing can match because a side does not hold it or could not be asked for it.
    """
    words = _preset(kind) if given is None else [given] if isinstance(given, str) else list(given)
    if not words:
        raise SettingsError(
            f"There are no criteria for “{kind.name}”, and Business Central sets none either.",
            f"Name them, as in --by {_example(kind)}; its fields are: {', '.join(_comparable(kind, snapshot))}.",
        )
    groups = tuple(Group(kind, place, _criteria(kind, text, snapshot)) for place, text in enumerate(words, start=1))
    for group in groups:
        for criterion in group.criteria:
            _refuse_one_sided(kind, criterion.field, snapshot)
    return groups


def _preset(kind: Kind) -> list[str]:
    """The groups of exact.toml, or of the kind's own ``match.exact``, whose fields are all in use."""
    if "exact" in kind.match:
        own = kind.match["exact"]
        return [own] if isinstance(own, str) else [str(text) for text in own]  # type: ignore[attr-defined]
    return [text for text in shipped().get(kind.name, ()) if all(name in kind for name, _ in _named(text))]


@lru_cache(maxsize=1)
def shipped() -> dict[str, list[str]]:
    """The criteria of every kind that has some: exact.toml."""
    return tomllib.loads((resources.files("d365kit.kinds") / "exact.toml").read_text("utf-8"))


def _named(text: str) -> list[tuple[str, bool]]:
    """The names in a group, and whether their case counts.

    >>> _named("name + city!")
    [('name', False), ('city', True)]
    """
    parts = [part.strip() for part in text.split(AND)]
    return [(part.removesuffix(CASE).strip(), part.endswith(CASE)) for part in parts]


def _criteria(kind: Kind, text: str, snapshot: Snapshot) -> tuple[Criterion, ...]:
    named = _named(str(text))
    names = [name for name, _ in named]
    if not all(names):
        raise SettingsError(
            f"The group “{text}” of criteria for “{kind.name}” lacks a field.",
            f"Write one field, or several joined by {AND}, as in {_example(kind)}.",
        )
    for name in names:
        if name not in kind:
            raise _no_such_field(kind, name, snapshot)
    twice = [a for a, b in pairwise(sorted(names)) if a == b]
    if twice:
        raise SettingsError(f"The group “{text}” names “{twice[0]}” twice.", "Take one of them out.")
    return tuple(Criterion(kind[name], minds_case) for name, minds_case in named)


def _no_such_field(kind: Kind, name: str, snapshot: Snapshot) -> SettingsError:
    known = {f.name: f.name for f in kind.fields} | {f.title.lower(): f.name for f in kind.fields}
    near = get_close_matches(name.lower(), known, 1, 0.6)
    todo = f"Did you mean “{known[near[0]]}”? " if near else ""
    return SettingsError(
        f"“{kind.name}” has no field “{name}”.", f"{todo}Its fields are: {', '.join(_comparable(kind, snapshot))}."
    )


def _refuse_one_sided(kind: Kind, field: Field, snapshot: Snapshot) -> None:
    unread = snapshot.unread.get(kind.name, ())
    if field.name in unread:
        raise SettingsError(
            f"“{field.name}” of {kind.name} is not known on both sides, so nothing can match by it.",
            f"Name one that is by --by: {', '.join(_comparable(kind, snapshot, unread))}.",
        )
    for side in SIDES:
        frame = snapshot[kind.name].side(side)
        if len(frame) and not field.has_place(side) and bool(frame[field.name].isna().all()):
            raise SettingsError(
                f"“{field.name}” of {kind.name} is not held in {SIDE_NAMES[side]}, so nothing can match by it.",
                f"Choose a field that both sides hold: {', '.join(_comparable(kind, snapshot, unread))}.",
            )


def _comparable(kind: Kind, snapshot: Snapshot | None = None, unread: Collection[str] = ()) -> list[str]:
    """The fields that both sides have a place for, or hold all the same as files do, and were asked for."""

    def held(field: Field, side: Side) -> bool:
        if field.has_place(side) or snapshot is None:
            return field.has_place(side)
        return not bool(snapshot[kind.name].side(side)[field.name].isna().all())

    return [f.name for f in kind.fields if f.name not in unread and all(held(f, s) for s in SIDES)]


def _example(kind: Kind) -> str:
    """Two fields of the kind as one group."""
    held = _comparable(kind)
    first = kind.name_field if kind.name_field in held else held[0] if held else kind.fields[0].name
    return AND.join([first, *[name for name in held if name != first][:1]])
