"""Levels that pairs reached + doubts of matching.toml → why a pair must not be taken for certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from d365kit.kinds import Kind
from d365kit.match.levels import Comparison
from d365kit.match.prepare import setting
from d365kit.match.templates import MISSING


def doubts_of(kind: Kind, comparisons: Sequence[Comparison], levels: np.ndarray) -> np.ndarray:
    """The doubt about each pair in words, or ``""``.

    ``levels`` is pairs × comparisons, -1 where something is missing.
    A doubt holds where one of the comparisons in ``any`` reached one of its levels, or where none of those in
    ``none`` did, unless one of the comparisons in ``unless`` agrees exactly, or all of a list that stands there.
    A doubt about comparisons that these records do not have is none.
    """
    notes = np.full(len(levels), "", dtype=object)
    where = {c.field: i for i, c in enumerate(comparisons)}

    def reached(wanted: Mapping[str, Sequence[str]]) -> np.ndarray:
        out = np.zeros(len(levels), dtype=bool)
        for field in where.keys() & wanted.keys():
            words = np.array([*comparisons[where[field]].words, MISSING])
            out |= np.isin(words, wanted[field])[levels[:, where[field]]]
        return out

    for doubt in setting(kind, "doubts"):
        wanted = doubt.get("any") or doubt["none"]
        if where.keys() & wanted.keys():
            holds = reached(wanted) if "any" in doubt else ~reached(wanted)
            for relief in doubt.get("unless", ()):
                fields = [relief] if isinstance(relief, str) else relief
                same = [reached({field: ("exact",)}) for field in fields]
                holds &= ~np.logical_and.reduce(same)
            notes[holds] = doubt["note"]
    return notes
