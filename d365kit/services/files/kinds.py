"""FileTable → which kind it holds and of which side, by its columns, its id column and its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Kind, Side
from d365kit.services.files import captions
from d365kit.services.files.captions import SPECIAL, nouns_of
from d365kit.services.files.guess import Guess, guess
from d365kit.services.files.tables import FileTable
from d365kit.services.files.words import fold

#: A kind whose mark is this near to the best one is as likely.
_NEAR = 0.04
#: What people compare most, when a file could hold several kinds; the others are said.
_USUAL = ("customer", "contact", "item", "vendor", "resource")
#: A table of which less than this is understood is of no kind we know.
_LEAST = 0.25


@dataclass(frozen=True)
class KindGuess:
    """One answer: a kind and a side, how well the file fits (about 0 to 2), and why."""

    kind: str
    side: Side
    mark: float
    why: str


def rank_kinds(table: FileTable, kinds: Iterable[Kind], sides: Sequence[Side] = SIDES) -> tuple[KindGuess, ...]:
    """Every kind and side by how well ``table`` fits, best first."""
    found = [_mark(table, kind, side) for kind in kinds for side in sides]
    order = {g: i for i, g in enumerate(found)}
    return tuple(sorted(found, key=lambda g: (-g.mark, order[g])))


def guess_kind(
    table: FileTable, kinds: Iterable[Kind], sides: Sequence[Side] = SIDES
) -> tuple[KindGuess, tuple[str, ...]]:
    """Return the kind and side ``table`` fits best, and the other kinds it fits as well.

    Raises SettingsError when it fits none.
    """
    ranked = rank_kinds(table, kinds, sides)
    if not ranked or ranked[0].mark < _LEAST:
        columns = ", ".join(c.name for c in table.columns[:12])
        raise SettingsError(
            f"{table.origin}: its columns ({columns}) fit no kind of records.",
            "Say which it is, for example with --kind customer, and which columns to use with --column.",
        )
    equal = [g for g in ranked if g.mark > ranked[0].mark - _NEAR]
    best = min(equal, key=lambda g: preference(g.kind))
    return best, tuple(dict.fromkeys(g.kind for g in equal if g.kind != best.kind))


def preference(kind: str) -> int:
    """Which of equally likely kinds is named first: the ones people compare most."""
    return _USUAL.index(kind) if kind in _USUAL else len(_USUAL)


def _mark(table: FileTable, kind: Kind, side: Side) -> KindGuess:
    made: Guess = guess(table, kind, side)
    used = [line for line in made.lines if line.fields and not set(line.fields) <= set(SPECIAL)]
    if not used:
        return KindGuess(kind.name, side, 0.0, "")
    plain = [line for line in made.lines if not set(line.fields) & set(SPECIAL)]
    mark = sum(line.sure for line in used) / max(len(plain), 1)
    own = captions.hits_of(kind, side)
    of_side = [h for line in used for h in own.get(fold(line.column), ())[:1] if h.side == side]
    mark += 0.3 * len(of_side) / len(used)
    known_by = [n for n in (kind.name_field, kind.number_field) if n]
    mark += 0.15 * sum(made.column_of(n) is not None for n in known_by) / max(len(known_by), 1)
    words = nouns_of(kind.name, side)
    named = [line.column for line in made.lines if "@id" in line.fields and _has(line.column, words)]
    why = f"{len(used)} of {len(plain)} columns are known"
    if named:
        mark, why = mark + 1.0, f"its id column is “{named[0]}”"
    elif _has(f"{table.origin.path.stem} {table.origin.sheet}", words):
        mark, why = mark + 0.5, f"{why}, and so it is named"
    return KindGuess(kind.name, side, mark, why)


def _has(text: str, words: Iterable[str]) -> bool:
    folded = fold(text)
    return any(folded.startswith(w) or f" {w}" in folded for w in words)
