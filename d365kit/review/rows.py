"""One entry of a queue → its line in the list: whom it is about, its best candidate, and what became of it."""

from __future__ import annotations

from d365kit.kinds import other_side
from d365kit.review.queue import BANDS, Queue
from d365kit.review.reasons import CODES, TITLES
from d365kit.review.state import STATES, State
from d365kit.show.values import seen, short


def row_of(queue: Queue, state: State, entry: int) -> dict[str, object]:
    """side, name, number, place, best (its best candidate), n (how many there are), band, reason and state."""
    side, row = queue.side_of(entry), int(queue.row[entry])
    records = queue.records[side]
    best, partner = int(queue.best[entry]), ""
    if best >= 0:
        other = other_side(side)
        partner = queue.records[other].name_of(int((queue.dv if side == "bc" else queue.bc)[best]))
    place = records.value(row, records.place_field) if records.place_field else None
    return {
        "side": side, "name": seen(short(records.name_of(row), 80)),
        "number": seen(short(records.number_of(row), 20)), "place": seen(short(str(place or ""), 40)),
        "best": seen(short(partner, 80)), "n": int(queue.end[entry] - queue.start[entry]),
        "band": BANDS[int(queue.band[entry])], "reason": TITLES[CODES[int(queue.reason[entry])]],
        "state": STATES[int(state.of[entry])],
    }  # fmt: skip
