"""A threshold → how many pairs it would confirm, and which decisions of the ledger it would contradict."""

from __future__ import annotations

import math

import numpy as np

from d365kit.kinds import SIDES
from d365kit.ledger import Ledger
from d365kit.review.queue import Queue
from d365kit.review.state import State
from d365kit.show.values import seen, short

#: So many contradicted decisions are named.
NAMED = 12
_Z = 1.959964


def wilson(same: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson): honest also for few, and for none or all.

    >>> [round(x, 3) for x in wilson(29, 30)], wilson(0, 0)
    ([0.833, 0.994], (0.0, 1.0))
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = same / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


class Thresholds:
    """The chosen pairs of a queue by probability, held against what was decided.

    A pair contradicts a decision when it was said not to belong together, or when one of its records was coupled with
    another partner or is to be created. Rejected pairs that are proposed no more count by the score they had then.
    """

    def __init__(self, queue: Queue, state: State, ledger: Ledger) -> None:
        self._queue, self._state = queue, state
        chosen = np.flatnonzero(queue.chosen)
        chance = queue.probability[chosen]
        order = np.argsort(-np.nan_to_num(chance), kind="stable")
        self._places, self._chance = chosen[order], np.nan_to_num(chance[order])
        self._against = self._contradicting(self._places)
        self._gone = self._earlier(ledger)

    def _contradicting(self, at: np.ndarray) -> np.ndarray:
        queue, state = self._queue, self._state
        coupled = {s: state.partner[s] != 0 for s in SIDES}
        taken = coupled["bc"][queue.bc[at]] | coupled["dv"][queue.dv[at]]
        together = np.zeros(len(at), dtype=bool)
        for n in np.flatnonzero(taken).tolist():
            held = state.coupled("bc", int(queue.bc[at[n]]))
            partner = held.partner if held else ""
            together[n] = partner == queue.records["dv"].id_of(int(queue.dv[at[n]]))
        create = state.create["bc"][queue.bc[at]] | state.create["dv"][queue.dv[at]]
        return state.refused[at] | (taken & ~together) | create

    def _earlier(self, ledger: Ledger) -> list[tuple[float, str]]:
        """Rejections that stand of pairs that are proposed no more: the score each had, and its name."""
        queue = self._queue
        standing = {
            (queue.records["bc"].id_of(b), queue.records["dv"].id_of(d)): (b, d)
            for b, d in self._state.refusals
            if queue.place_of(b, d) < 0
        }
        if not standing:
            return []
        scores = {(x.bc_id, x.dv_id): x.score for x in ledger.decisions(queue.kind.name) if x.verdict == "reject"}
        return [
            (float(score), self._name(b, d) + " (when it was decided)")
            for key, (b, d) in standing.items()
            if (score := scores.get(key)) is not None
        ]

    def _name(self, bc: int, dv: int) -> str:
        left, right = self._queue.records["bc"], self._queue.records["dv"]
        return f"{seen(short(left.name_of(bc), 60))} ↔ {seen(short(right.name_of(dv), 60))}"

    def _reach(self, threshold: float) -> int:
        return int(np.searchsorted(-self._chance, -threshold, side="right"))

    def confirms(self, threshold: float) -> int:
        """How many chosen pairs are at least this probable, but those that contradict a decision."""
        upto = self._reach(threshold)
        return upto - int(self._against[:upto].sum())

    def at(self, threshold: float) -> dict[str, object]:
        """threshold, would_confirm, contradicts, named."""
        upto = self._reach(threshold)
        places = self._places[:upto][self._against[:upto]]
        lowest = float(np.nanmin(self._queue.score[self._places[:upto]])) if upto else math.inf
        earlier = [name for score, name in self._gone if score >= lowest]
        now = [self._name(int(self._queue.bc[p]), int(self._queue.dv[p])) for p in places[:NAMED].tolist()]
        return {
            "threshold": threshold, "would_confirm": self.confirms(threshold),
            "contradicts": len(places) + len(earlier), "named": (now + earlier)[:NAMED],
        }  # fmt: skip

    def steps(self) -> list[float]:
        """Thresholds for a slider: by one part in a hundred, and finer towards certainty."""
        return [n / 100 for n in range(50, 98)] + [0.98 + n / 1000 for n in range(20)] + [0.999]
