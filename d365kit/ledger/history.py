"""Who took back whom → which batches count; a decision line → the pairs and records it settles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

#: (bc_id, dv_id): a pair, or one record alone, whose other id is ``""``.
Key = tuple[str, str]


class Line(Protocol):
    """The part of a decision line that history is made of."""

    position: int
    verdict: str
    bc_id: str
    dv_id: str
    batch: int


def keys_of(verdict: str, bc_id: str, dv_id: str) -> tuple[Key, ...]:
    """What a line settles: its pair; a coupling made or ended settles both records as well, and a retry nothing.

    >>> keys_of("confirm", "b", "d")
    (('b', 'd'), ('b', ''), ('', 'd'))
    >>> keys_of("reject", "b", "d")
    (('b', 'd'),)
    """
    if verdict == "retry":
        return ()
    if verdict in ("confirm", "uncouple"):
        return (bc_id, dv_id), (bc_id, ""), ("", dv_id)
    return ((bc_id, dv_id),)


def taken_back(undos: Sequence[tuple[int, int]], upto: int | None = None) -> dict[int, int]:
    """Which batches do not count, and which undo took each of them back.

    ``undos`` are (undo batch, batch it undoes) in order; with ``upto``, as it was right after that batch.

    >>> taken_back([(2, 1)])
    {1: 2}
    >>> taken_back([(2, 1), (3, 2)])
    {2: 3}
    """
    goal_of = dict(undos)
    away: dict[int, int] = {}
    for undo, goal in undos:
        if upto is not None and undo > upto:
            break
        by: int = undo
        step: int | None = goal
        take = True
        while step is not None:  # taking back an undo brings back what it took, and so on down
            if take:
                away[step] = by
            else:
                away.pop(step, None)
            by, step, take = step, goal_of.get(step), not take
    return away


def last_word(lines: Iterable[Line], keys: set[Key], away: dict[int, int]) -> dict[Key, Line]:
    """For each of ``keys``, the last line that settles it and counts. ``lines`` are in order."""
    found: dict[Key, Line] = {}
    for line in lines:
        if line.verdict != "undo" and line.batch not in away:
            for key in keys_of(line.verdict, line.bc_id, line.dv_id):
                if key in keys:
                    found[key] = line
    return found


def in_the_way(
    lines: Iterable[Line], keys: set[Key], then: dict[int, int], now: dict[int, int], batch: int
) -> set[int]:
    """Batches on the same ``keys`` that counted right after ``batch`` and do not now, or the other way round.

    While there are any, taking back ``batch`` would not lead to the state that was there before it.
    """
    found = set()
    for line in lines:
        if line.verdict == "undo":
            continue
        counted = line.batch <= batch and line.batch not in then
        if counted != (line.batch not in now) and keys & set(keys_of(line.verdict, line.bc_id, line.dv_id)):
            found.add(line.batch)
    return found
