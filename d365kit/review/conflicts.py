"""What stands in the way of a pair, named: taken, wanted twice, a tie, hidden by the filter, not yet coupled."""

from __future__ import annotations

import numpy as np

from d365kit.kinds import Field, Kind, Side, other_side
from d365kit.ledger import Ledger
from d365kit.review.queue import BANDS, Queue
from d365kit.review.state import COUPLED, CREATE, NONE, Coupled, State
from d365kit.show.values import SIDE_NAMES, moment, seen, short

#: So many other records that want the same one are named.
_NAMED = 3
_TIE = 1e-9
Conflict = dict[str, object]


class References:
    """Whether the records that references point to are coupled; asked once each until the ledger moves."""

    def __init__(self, kind: Kind, ledger: Ledger) -> None:
        self._kind, self._ledger = kind, ledger
        self._known: dict[tuple[str, Side, str], str] = {}

    def forget(self) -> None:
        """The ledger moved: ask again."""
        self._known.clear()

    def partner(self, field: Field, side: Side, target: str) -> str:
        """The partner of what a reference of ``side`` points to, or ``""``."""
        for kind in field.refers_to:
            key = (kind, side, target)
            if key not in self._known:
                self._known[key] = self._ledger.partner(kind, side, target) or ""
            if self._known[key]:
                return self._known[key]
        return ""


def of_record(queue: Queue, state: State, references: References, entry: int) -> list[Conflict]:
    """What is to be known of the record itself before anything is decided about it."""
    side, row = queue.side_of(entry), int(queue.row[entry])
    found: list[Conflict] = []
    at = queue.candidates(entry)
    live = at[state.live(at)]
    if len(live) > 1 and not queue.chosen[live].any() and side == "bc":
        best = np.nan_to_num(queue.score[live])
        if best[0] - best[1] < _TIE:
            found.append({"code": "tie", "text": "A tie: the best candidates fit equally well. Choose one yourself."})
    waits = _waits_for(queue, references, side, row)
    if waits:
        named = ", ".join(f"{title} {name}" for name, title in waits)
        found.append({
            "code": "prerequisite",
            "text": f"Not coupled yet: {named}. You may confirm; the record waits until they are.",
        })  # fmt: skip
    return found


def _waits_for(queue: Queue, references: References, side: Side, row: int) -> list[tuple[str, str]]:
    """What the record refers to and that has no partner yet: its name, and the field's."""
    records = queue.records[side]
    out = []
    for field in queue.kind.references:
        if field.weak or not field.refers_to:
            continue
        target = records.value(row, field.name)
        if target is None or references.partner(field, side, str(target)):
            continue
        name = records.value(row, field.label_column) or target
        out.append((seen(short(str(name), 60)), field.title))
    return out


def of_candidate(queue: Queue, state: State, entry: int | None, side: Side, row: int, pair: int) -> list[Conflict]:
    """What stands in the way of one candidate of ``side``; ``pair`` is its place in the queue or -1."""
    records = queue.records[side]
    found: list[Conflict] = []
    if held := state.coupled(side, row):
        found.append({"code": "taken", "text": taken_text(queue, side, held), "blocks": True})
    if why := records.outside(row):
        found.append({
            "code": "hidden", "blocks": True,
            "text": f"Hidden by the mapping's filter ({seen(short(why, 60))}), so it would never be synchronised.",
        })  # fmt: skip
    if pair >= 0 and state.refused[pair]:
        found.append({"code": "rejected", "text": "You said before that these two do not belong together."})
    elif pair >= 0 and (int(queue.bc[pair]), int(queue.dv[pair])) in state.refusals:
        found.append({"code": "rejected", "text": "Rejected before; a compared value has changed since."})
    if not held:
        found += _wanted_twice(queue, state, entry, side, row)
    return found


def _wanted_twice(queue: Queue, state: State, entry: int | None, side: Side, row: int) -> list[Conflict]:
    """Other records that have a row of Dataverse among their candidates, and may still take it."""
    if side == "bc":
        return []
    at = queue.wanting(row)
    at = at[state.live(at)]
    others = []
    for place in at.tolist():
        other = int(queue.entry_of["bc"][queue.bc[place]])
        if other == entry or state.of[other] in (NONE, CREATE, COUPLED):
            continue
        records = queue.records["bc"]
        bc = int(queue.bc[place])
        where = records.value(bc, records.place_field) if records.place_field else None
        parts = [records.number_of(bc), records.name_of(bc), str(where or "")]
        others.append({
            "entry": other, "name": seen(short(", ".join(p for p in parts if p), 120)),
            "given": bool(queue.chosen[place]), "band": BANDS[int(queue.band_of[place])],
        })  # fmt: skip
    if not others:
        return []
    return [{
        "code": "wanted", "others": others[:_NAMED],
        "text": "Also wanted by" + (f" {len(others):,} records, such as" if len(others) > _NAMED else ""),
    }]  # fmt: skip


def taken_text(queue: Queue, side: Side, held: Coupled) -> str:
    """“Coupled to Fabrikam Ltd by anna, 2026-11-22 12:00 UTC (line 12 of the ledger)”."""
    other = queue.records[other_side(side)]
    row = other.row_of(held.partner)
    name = other.name_of(row) if row >= 0 else held.partner
    when = f", {moment(held.at)}" if held.at is not None else ""
    return (
        f"Taken: coupled to {seen(short(str(name), 60))} in {SIDE_NAMES[other_side(side)]} "
        f"by {seen(held.by)}{when} (line {held.position:,} of the ledger)."
    )
