"""What is shown by a filter → the pairs a batch would confirm, and what to know of them beforehand."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow.compute as pc

from d365kit.kinds import SIDES
from d365kit.review.queue import BANDS, Queue
from d365kit.review.state import OPEN, State
from d365kit.show.values import seen, short
from d365kit.show.waterfall import text_of_chance


class Batch:
    """The open entries among some that have a partner given to them which is still free.

    ``entries`` and ``pairs`` are parallel: entries of the queue and places among its candidates; those whose numbers
    conflict come first, then the least probable, so that what deserves a look is at the top.
    """

    def __init__(self, queue: Queue, state: State, entries: np.ndarray) -> None:
        self._queue = queue
        found = entries[(state.of[entries] == OPEN) & queue.has[entries] & (queue.side[entries] == 0)]
        best = queue.best[found]
        good = queue.chosen[best] & state.live(best)
        found, best = found[good], best[good]
        clash = self._conflicting(best)
        order = np.lexsort((np.nan_to_num(queue.probability[best]), ~clash))
        self.entries, self.pairs, self.conflicting = found[order], best[order], clash[order]

    def _conflicting(self, pairs: np.ndarray) -> np.ndarray:
        """Whether both sides have a number, and not the same one."""
        field = self._queue.kind.number_field
        if not field or not len(pairs):
            return np.zeros(len(pairs), dtype=bool)
        bc, dv = (
            pc.utf8_upper(pc.utf8_trim_whitespace(self._queue.records[s].texts(field).take(rows)))
            for s, rows in zip(SIDES, (self._queue.bc[pairs], self._queue.dv[pairs]), strict=True)
        )  # fmt: skip
        return pc.fill_null(pc.not_equal(bc, dv), False).to_numpy(zero_copy_only=False).astype(bool)

    def without(self, leave_out: Collection[str]) -> np.ndarray:
        """The pairs but those of some records of Business Central, by id."""
        if not leave_out:
            return self.pairs
        records = self._queue.records["bc"]
        rows = [r for r in (records.row_of(i) for i in leave_out) if r >= 0]
        return self.pairs[~np.isin(self._queue.bc[self.pairs], rows)]

    def summary(self) -> dict[str, object]:
        """“37 pairs, lowest 97.0 %, 0 with a conflicting number”."""
        queue, n = self._queue, len(self.pairs)
        chance = queue.probability[self.pairs]
        lowest = text_of_chance(float(np.nanmin(chance))) if n and not np.isnan(chance).all() else "none"
        bands = np.bincount(queue.band_of[self.pairs], minlength=len(BANDS))
        conflicting = int(self.conflicting.sum())
        words = f"{n:,} pair{'' if n == 1 else 's'}"
        if n:
            words += f", lowest probability {lowest}, {conflicting:,} with a conflicting number"
        return {
            "n": n, "lowest": lowest, "conflicting": conflicting, "text": words,
            "bands": {b: int(bands[i]) for i, b in enumerate(BANDS) if bands[i]},
        }  # fmt: skip

    def window(self, start: int, end: int) -> list[dict[str, object]]:
        """Some of the pairs, to look through."""
        queue, out = self._queue, []
        for at in range(max(0, start), min(end, len(self.pairs))):
            place = int(self.pairs[at])
            bc, dv = int(queue.bc[place]), int(queue.dv[place])
            left, right = queue.records["bc"], queue.records["dv"]
            out.append({
                "at": at, "id": left.id_of(bc), "entry": int(self.entries[at]),
                "bc": seen(short(left.name_of(bc), 80)), "bc_number": seen(short(left.number_of(bc), 20)),
                "dv": seen(short(right.name_of(dv), 80)), "dv_number": seen(short(right.number_of(dv), 20)),
                "chance": text_of_chance(float(queue.probability[place])), "band": BANDS[int(queue.band_of[place])],
                "reason": seen(short(queue.text(int(queue.line[place]), "reason"), 120)),
                "conflict": bool(self.conflicting[at]),
            })  # fmt: skip
        return out
