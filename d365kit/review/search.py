"""A few words → records of one side, those that take part and those the filter hides, the nearest first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import Side
from d365kit.review.conflicts import taken_text
from d365kit.review.queue import Queue
from d365kit.review.records import folded
from d365kit.review.state import State
from d365kit.show.values import seen, short

#: So many hits are listed; the count says how many there are.
MOST = 20


def search(queue: Queue, state: State, side: Side, words: str) -> dict[str, object]:
    """Records of ``side`` that contain all of the words; whole values first, then those that begin so.

    Each hit says whether it is coupled, and to whom, and whether the mapping's filter hides it.
    """
    records, sought = queue.records[side], folded(words)
    if not sought:
        return {"words": words, "n": 0, "hits": []}
    hay = records.haystack
    inside = np.ones(len(hay), dtype=bool)
    for word in sought.split():
        inside &= pc.match_substring(hay, word).to_numpy(zero_copy_only=False).astype(bool)
    rows = np.flatnonzero(inside)
    order = rows[np.argsort(-_nearness(hay.take(pa.array(rows)), sought), kind="stable")][:MOST]
    return {"words": words, "n": len(rows), "hits": [_hit(queue, state, side, int(r)) for r in order]}


def _nearness(found: pa.Array, sought: str) -> np.ndarray:
    """2 where the words are a whole value, 1 where a value begins with them, else 0."""
    near = np.zeros(len(found), dtype=np.int8)
    for worth, needle in ((1, f"\n{sought}"), (2, f"\n{sought}\n")):
        near[pc.match_substring(found, needle).to_numpy(zero_copy_only=False).astype(bool)] = worth
    return near


def _hit(queue: Queue, state: State, side: Side, row: int) -> dict[str, object]:
    records = queue.records[side]
    held = state.coupled(side, row)
    place = records.value(row, records.place_field) if records.place_field else None
    return {
        "id": records.id_of(row), "name": seen(short(records.name_of(row), 120)),
        "number": seen(short(records.number_of(row), 40)), "place": seen(short(str(place or ""), 60)),
        "taken": taken_text(queue, side, held) if held else "",
        "outside": seen(short(records.outside(row), 60)),
    }  # fmt: skip
