"""Weighed pairs → the few that somebody should decide first: where the answer is most in doubt and teaches most."""

from __future__ import annotations

import numpy as np

from d365kit.match.weigh import Weighed

#: A pair is worth a question when it is at least this probable, and at most so.
_ASKED = (0.02, 0.98)
#: Pairs with the same levels in all comparisons teach the same; so many parts of the questions go to one such pattern.
_PATTERNS = 12


def most_doubtful(weighed: Weighed, count: int) -> np.ndarray:
    """The positions of ``count`` pairs at the most, the most doubtful first; no record is asked about twice.

    A pattern of levels is asked about a few times only, until every other one has had its turn.
    """
    found, chance = weighed.candidates, weighed.probability
    able = np.flatnonzero((chance >= _ASKED[0]) & (chance <= _ASKED[1]))
    bc, dv = found.pairs.left, found.pairs.right
    order = able[np.lexsort((dv[able], bc[able], np.abs(chance[able] - 0.5)))]
    pattern = np.zeros(len(found), dtype=np.int64)
    for i, comparison in enumerate(found.comparisons):
        pattern = pattern * (len(comparison.levels) + 1) + found.levels[:, i] + 1
    most = max(1, count // _PATTERNS)
    asked: list[int] = []
    later: list[int] = []
    seen: dict[int, int] = {}
    taken: set[tuple[str, int]] = set()
    for n in order.tolist():
        records = {("bc", int(bc[n])), ("dv", int(dv[n]))}
        if records & taken:
            continue
        if seen.get(int(pattern[n]), 0) >= most:
            later.append(n)
            continue
        seen[int(pattern[n])] = seen.get(int(pattern[n]), 0) + 1
        taken |= records
        asked.append(n)
        if len(asked) == count:
            break
    for n in later:
        records = {("bc", int(bc[n])), ("dv", int(dv[n]))}
        if len(asked) < count and not records & taken:
            taken |= records
            asked.append(n)
    return np.array(asked, dtype=np.int64)
