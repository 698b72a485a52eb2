"""One entry of a queue → a card: the record and its candidates, field by field, as plain data for any screen."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from d365kit.kinds import Field, Side, other_side
from d365kit.nouns import Snapshot
from d365kit.review import conflicts, switch
from d365kit.review.conflicts import References
from d365kit.review.queue import BANDS, Queue
from d365kit.review.records import shown_fields
from d365kit.review.state import OPEN, STATES, State
from d365kit.show.differences import spans
from d365kit.show.engine import BADGES
from d365kit.show.values import NUMERIC, SIDE_NAMES, seen, short, text_of
from d365kit.show.waterfall import text_of_chance

#: A card shows so many candidates; the digits 1 to 9 choose one.
MOST = 9
Cell = dict[str, object]


class Cards:
    """Cards of one queue. With ``blind``, they keep to themselves how probable anything is."""

    def __init__(
        self, queue: Queue, state: State, snapshot: Snapshot, references: References, *, blind: bool = False
    ) -> None:
        self._queue, self._state, self._references, self.blind = queue, state, references, blind
        self._unread = set(snapshot.unread.get(queue.kind.name, ()))
        self._fields = shown_fields(queue.kind)

    def card(self, entry: int, extra: tuple[int, ...] = (), only: int | None = None) -> dict[str, object]:
        """The card of an entry. ``extra`` are rows of the other side, found by a search, to stand among its
        candidates; ``only`` is the one candidate to be shown, by its place.

        “selected” is the candidate that confirming takes unless another one is chosen: the one that was given to the
        record, if nothing stands in the way; None in a tie.
        """
        queue, side, row = self._queue, self._queue.side_of(entry), int(self._queue.row[entry])
        other = other_side(side)
        at = queue.candidates(entry) if only is None else np.array([only])
        of_other = queue.dv if side == "bc" else queue.bc
        shown = [(int(of_other[p]), int(p)) for p in at[: MOST - len(extra)].tolist()]
        known = {r for r, _ in shown}
        shown += [(r, queue.place_of(*((row, r) if side == "bc" else (r, row)))) for r in extra if r not in known]
        fields = [f for f in self._fields if self._filled(f, side, row) or any(
            self._filled(f, other, r) for r, _ in shown)]  # fmt: skip
        mine = [self._value(f, side, row) for f in fields]
        candidates = [self._candidate(entry, other, r, p, fields, (side, row, mine), r in extra) for r, p in shown]
        return {
            "entry": entry, "id": queue.records[side].id_of(row), "side": side, "side_name": SIDE_NAMES[side],
            "other_name": SIDE_NAMES[other], "state": STATES[int(self._state.of[entry])],
            "open": bool(self._state.of[entry] == OPEN),
            "band": "" if self.blind else BANDS[int(queue.band[entry])],
            "name": seen(short(queue.records[side].name_of(row), 120)),
            "number": seen(short(queue.records[side].number_of(row), 40)),
            "reason": "" if self.blind else seen(short(queue.text(int(queue.says[entry]), "reason"))),
            "outside": seen(short(queue.records[side].outside(row), 60)),
            "taken": self._taken(side, row),
            "conflicts": [] if self.blind else conflicts.of_record(queue, self._state, self._references, entry),
            "fields": [
                {"name": f.name, "label": f.title, "number": f.type in NUMERIC, "reference": f.is_reference, **cell}
                for f, cell in zip(fields, mine, strict=True)
            ],
            "candidates": candidates,
            "selected": self._selected(entry, candidates, shown, only),
            "more": max(0, len(at) - len(shown) + len(extra)) if only is None else 0,
            "creatable": queue.kind.may_go_to(other) and not queue.kind.held and not self.blind,
        }  # fmt: skip

    def _taken(self, side: Side, row: int) -> str:
        held = self._state.coupled(side, row)
        return conflicts.taken_text(self._queue, side, held) if held else ""

    def _selected(
        self, entry: int, candidates: list[dict], shown: list[tuple[int, int]], only: int | None
    ) -> int | None:
        for n, (_, place) in enumerate(shown):
            if only is not None or (place >= 0 and self._queue.chosen[place] and not candidates[n]["blocked"]
                                    and not self._state.refused[place]):  # fmt: skip
                return n
        searched = [n for n, c in enumerate(candidates) if c["searched"] and not c["blocked"]]
        return searched[-1] if searched else None

    def _filled(self, field: Field, side: Side, row: int) -> bool:
        records = self._queue.records[side]
        if records.value(row, field.name) is not None:
            return True
        return field.is_reference and records.value(row, field.label_column) is not None

    def _value(self, field: Field, side: Side, row: int) -> Cell:
        """A value as a person reads it, or why there is none; a reference by its name, and whether it is coupled."""
        records = self._queue.records[side]
        value = records.value(row, field.name)
        if not field.is_reference:
            if value is not None:
                return {"t": seen(short(text_of(value, field.type)))}
            return {"none": self._why_none(field, side)}
        label = records.value(row, field.label_column) or value
        if label is None:
            return {"none": self._why_none(field, side)}
        cell: Cell = {"t": seen(short(str(label)))}
        if value is not None and field.refers_to:
            cell["coupled"] = bool(self._references.partner(field, side, str(value)))
        return cell

    def _why_none(self, field: Field, side: Side) -> str:
        """“missing” is a blank; what a side does not keep, or what could not be asked, is none."""
        held = self._queue.records[side].column(field.name)
        if held.null_count < len(held):
            return "missing"
        if not field.has_place(side):
            return "not kept here"
        return "could not be asked" if field.name in self._unread else "missing"

    def _candidate(
        self, entry: int, side: Side, row: int, place: int, fields: list[Field],
        mine: tuple[Side, int, list[Cell]], searched: bool,
    ) -> dict[str, object]:  # fmt: skip
        queue, records = self._queue, self._queue.records[side]
        own_side, own_row, own = mine
        cells = [
            self._compared(f, o, self._value(f, side, row), (own_side, own_row), (side, row))
            for f, o in zip(fields, own, strict=True)
        ]
        against = conflicts.of_candidate(queue, self._state, entry, side, row, place)
        if self.blind:
            against = [c for c in against if c.get("blocks")]
        found: dict[str, object] = {
            "id": records.id_of(row), "name": seen(short(records.name_of(row), 120)),
            "number": seen(short(records.number_of(row), 40)), "cells": cells, "conflicts": against,
            "blocked": any(c.get("blocks") for c in against), "searched": searched,
            "switch": "" if self.blind else switch.way(queue, self._state, {own_side: own_row, side: row}),
        }  # fmt: skip
        if place < 0 or self.blind:
            return found
        line = int(queue.line[place])
        chosen = bool(queue.chosen[place])
        band = BANDS[int(queue.band_of[place])] if chosen else "unsure"
        score = float(queue.score[place])
        return found | {
            "given": chosen, "band": band, "sign": BADGES.get(band, ("·", "calm"))[0],
            "chance": text_of_chance(float(queue.probability[place])),
            "score": None if np.isnan(score) else round(score, 1),
            "reason": seen(short(queue.text(line, "reason"))),
            "runner_up": seen(short(queue.text(line, "runner_up"))),
            "settles": seen(short(queue.text(line, "settles"))),
        }  # fmt: skip

    def _compared(
        self, field: Field, own: Cell, their: Cell, mine: tuple[Side, int], theirs: tuple[Side, int]
    ) -> Cell:
        """A candidate's cell: ``s`` is “=”, “≈”, “≠”, or “?” where nothing tells yet whether two references agree.

        Where characters differ, ``p`` are its pieces and ``m`` the record's."""
        if "none" in own or "none" in their:
            return their
        same = own["t"] == their["t"]
        if field.is_reference and not same:
            ids = [self._queue.records[s].value(r, field.name) for s, r in (mine, theirs)]
            partner = self._references.partner(field, mine[0], str(ids[0])) if ids[0] is not None else ""
            same = bool(partner) and partner == ids[1]
            if not same and not (own.get("coupled") and their.get("coupled")):
                alike = str(own["t"]).casefold() == str(their["t"]).casefold()
                return their | {"s": "≈" if alike else "?"}
        if same:
            return their | {"s": "="} if their["t"] != own["t"] else {
                "s": "=", **({"coupled": their["coupled"]} if "coupled" in their else {})}  # fmt: skip
        if field.type in NUMERIC or field.type in ("boolean", "date", "datetime") or field.is_reference:
            return their | {"s": "≠"}
        one, two = _pieces(str(own["t"]), str(their["t"]))
        alike = len(one) > 1 or len(two) > 1
        equal = str(own["t"]).casefold() == str(their["t"]).casefold()
        if equal or alike:
            # A code that differs in one character is another code, however alike the two look.
            return {
                "s": "≠" if field.type == "code" and not equal else "≈",
                "p": two,
                "m": one,
                **{k: v for k, v in their.items() if k == "coupled"},
            }
        return their | {"s": "≠"}


def _cut(text: str, pieces: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """``text`` in pieces as long as these."""
    out, at = [], 0
    for piece, differs in pieces:
        out.append((text[at : at + len(piece)], differs))
        at += len(piece)
    return out


@lru_cache(maxsize=4096)
def _pieces(one: str, two: str) -> tuple[list, list]:
    first, second = spans(one, two)
    if len(first) == len(second) == 1 and len(one.lower()) == len(one) and len(two.lower()) == len(two):
        # Too different as they are written; perhaps only because one is in capitals.
        first, second = (_cut(t, s) for t, s in zip((one, two), spans(one.lower(), two.lower()), strict=True))
    return [[text, int(differs)] for text, differs in first], [[text, int(differs)] for text, differs in second]
