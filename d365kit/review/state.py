"""Ledger → what is decided about each entry of a queue; kept up line by line, whoever wrote the lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from d365kit.kinds import SIDES, Side, other_side
from d365kit.ledger import Ledger
from d365kit.nouns import Decision
from d365kit.nouns.frames import plain
from d365kit.review.queue import Queue

OPEN, COUPLED, NONE, DEFERRED, CREATE, WAITING = range(6)
STATES = ("open", "coupled", "none of these", "deferred", "to be created", "waiting for another record")
#: From so many new lines on, reading the tables anew is faster than going through the lines.
_MANY = 2_000


@dataclass(frozen=True)
class Coupled:
    """The partner a record has, and by which line of the ledger."""

    partner: str
    by: str
    at: datetime | None
    position: int


class State:
    """What the ledger says about one queue. ``of`` holds a state (`STATES`) an entry, ``position`` how far it is."""

    def __init__(self, queue: Queue, ledger: Ledger) -> None:
        self._queue, self._ledger = queue, ledger
        self.position = -1
        self.load()

    # --- from the tables, whole ---

    def load(self) -> None:
        """Read everything anew."""
        queue, name = self._queue, self._queue.kind.name
        self.position = self._ledger.position
        couplings = self._ledger.couplings(name)
        self._couplings = couplings
        self._later: dict[tuple[Side, str], Coupled | None] = {}
        #: Per side and row: the coupling's place in the frame plus one, or 0; -1 where a later line coupled it.
        self.partner: dict[Side, np.ndarray] = {}
        for side in SIDES:
            rows = queue.records[side].rows_of(_ids(couplings[f"{side}_id"]))
            partner = np.zeros(queue.records[side].size, dtype=np.int32)
            there = rows >= 0
            partner[rows[there]] = np.flatnonzero(there) + 1
            self.partner[side] = partner
        self._restored: dict[tuple[Side, str], int] | None = None
        self._stand()
        self._all()

    def _stand(self) -> None:
        """The standing rejections, deferrals and creates."""
        queue, name = self._queue, self._queue.kind.name
        self.refused = np.zeros(len(queue.bc), dtype=bool)
        self.refusals: dict[tuple[int, int], str] = {}
        rejected = self._ledger.rejected(name)
        rows = {s: queue.records[s].rows_of(_ids(rejected[f"{s}_id"])) for s in SIDES}
        for bc, dv, fingerprint in zip(
            rows["bc"].tolist(), rows["dv"].tolist(), rejected["fingerprint"].tolist(), strict=True
        ):
            self._refuse(bc, dv, str(plain(fingerprint) or ""), True)
        self.put_off = {s: np.zeros(queue.records[s].size, dtype=bool) for s in SIDES}
        self.create = {s: np.zeros(queue.records[s].size, dtype=bool) for s in SIDES}
        deferred, creates = self._ledger.deferred(name), self._ledger.creates(name)
        for side in SIDES:
            # A deferred pair puts off its record of Business Central, since that is the one to be shown again.
            of_side = deferred[f"{side}_id"]
            ids = of_side if side == "bc" else of_side[deferred["bc_id"] == ""]
            self._mark(self.put_off[side], side, ids)
            self._mark(self.create[side], side, creates[f"{side}_id"])

    def _mark(self, flags: np.ndarray, side: Side, ids: pd.Series) -> None:
        rows = self._queue.records[side].rows_of(_ids(ids))
        flags[rows[rows >= 0]] = True

    def _refuse(self, bc: int, dv: int, fingerprint: str, refused: bool) -> None:
        if bc < 0 or dv < 0:
            return
        if refused:
            self.refusals[bc, dv] = fingerprint
        else:
            self.refusals.pop((bc, dv), None)
        at = self._queue.place_of(bc, dv)
        if at >= 0:
            # A pair whose values changed since it was rejected is proposed anew.
            held = self._queue.text(self._queue.line[at], "fingerprint")
            self.refused[at] = refused and (not fingerprint or not held or held == fingerprint)

    def _all(self) -> None:
        """The state of every entry, in a few steps over whole arrays."""
        queue = self._queue
        state = np.full(len(queue), OPEN, dtype=np.int8)
        bc = np.flatnonzero((queue.side == 0) & queue.has)
        if len(bc):
            live = np.add.reduceat((~self.refused).astype(np.int32), queue.start[bc])
            state[bc[live == 0]] = NONE
        for n, side in enumerate(SIDES):
            mine = np.flatnonzero(queue.side == n)
            rows = queue.row[mine]
            state[mine[self.put_off[side][rows]]] = DEFERRED
            state[mine[self.create[side][rows]]] = CREATE
            state[mine[self.partner[side][rows] != 0]] = COUPLED
        self.of = state
        dv = np.flatnonzero((queue.side == 1) & queue.has & (state == OPEN))
        if len(dv):
            busy = self._busy(np.arange(len(queue.bc)))[queue.by_dv].astype(np.int32)
            total = np.r_[0, np.cumsum(busy)]
            waits = total[queue.end[dv]] - total[queue.start[dv]] > 0
            state[dv[waits]] = WAITING

    def _busy(self, at: np.ndarray) -> np.ndarray:
        """Whether the BC record of each candidate has yet to be decided, and may still take it."""
        queue = self._queue
        entry = queue.entry_of["bc"][queue.bc[at]]
        return np.isin(self.of[entry], (OPEN, DEFERRED)) & ~self.refused[at]

    # --- line by line ---

    def follow(self) -> list[Decision]:
        """Take in what was decided since, here or elsewhere; returns the lines of this kind, oldest first."""
        now = self._ledger.position
        if now == self.position:
            return []
        behind, before = now - self.position, self.position
        name = self._queue.kind.name
        if behind < 0 or behind > _MANY:
            self.load()
            return [d for d in self._ledger.decisions(name, last=50) if d.position > before]
        lines = [d for d in self._ledger.decisions(name, last=behind) if d.position > before]
        self.position = max([now, *(d.position for d in lines)])
        undone = any(d.verdict == "undo" for d in lines)
        self._restored = None
        if undone:
            self._stand()
        touched: dict[Side, set[int]] = {"bc": set(), "dv": set()}
        for line in lines:
            self._take_in(line, touched, undone)
        self._refresh(touched)
        return lines

    def _take_in(self, line: Decision, touched: dict[Side, set[int]], undone: bool) -> None:
        ids: dict[Side, str] = {"bc": line.bc_id, "dv": line.dv_id}
        rows: dict[Side, int] = {s: self._queue.records[s].row_of(ids[s]) if ids[s] else -1 for s in SIDES}
        for s in SIDES:
            if rows[s] >= 0:
                touched[s].add(rows[s])
        bc, dv = rows["bc"], rows["dv"]
        if undone:
            # What holds now stands in the tables; a line of an undo does not say what was there before it.
            for s in SIDES:
                if ids[s]:
                    self._as_it_stands(line, s, rows[s], ids)
        elif line.verdict == "confirm":
            for s in SIDES:
                self._couple(s, rows[s], Coupled(ids[other_side(s)], line.by, line.at, line.position), ids)
            self._refuse(bc, dv, "", False)
        elif line.verdict == "uncouple":
            for s in SIDES:
                self._couple(s, rows[s], None, ids)
        elif line.verdict == "reject":
            self._refuse(bc, dv, line.fingerprint, True)
        else:
            flags = self.put_off if line.verdict == "defer" else self.create
            side: Side = "bc" if line.bc_id else "dv"
            if rows[side] >= 0:
                flags[side][rows[side]] = True
                (self.create if line.verdict == "defer" else self.put_off)[side][rows[side]] = False

    def _as_it_stands(self, line: Decision, side: Side, row: int, ids: dict[Side, str]) -> None:
        partner = self._ledger.partner(line.kind, side, ids[side])
        known = self.coupled(side, row)
        if partner and known and known.partner == partner:
            return
        self._couple(side, row, self._standing(line.kind, side, ids[side]) if partner else None, ids, forget=False)

    def _standing(self, kind: str, side: Side, record: str) -> Coupled | None:
        """A coupling that an undo brought back: by whom and when it was made, not who took back what ended it."""
        if self._restored is None:
            self._back = self._ledger.couplings(kind)
            self._restored = {(s, i): n for s in SIDES for n, i in enumerate(self._back[f"{s}_id"])}
        at = self._restored.get((side, record))
        return None if at is None else _coupled(self._back.iloc[at], side)

    def _couple(
        self, side: Side, row: int, held: Coupled | None, ids: dict[Side, str], *, forget: bool = True
    ) -> None:
        self._later[side, ids[side]] = held
        if row < 0:
            return
        self.partner[side][row] = -1 if held else 0
        if forget:
            self.put_off[side][row] = self.create[side][row] = False

    def _refresh(self, touched: dict[Side, set[int]]) -> None:
        """The states of entries concerned by some records: their own, and rows of Dataverse that wait for them."""
        queue = self._queue
        entries = {int(queue.entry_of["bc"][row]) for row in touched["bc"]} - {-1}
        others = {int(queue.entry_of["dv"][row]) for row in touched["dv"]}
        for dv_row in touched["dv"]:
            entries |= {int(queue.entry_of["bc"][r]) for r in queue.bc[queue.wanting(dv_row)].tolist()}
        for entry in entries:
            self.of[entry] = self._state_of(entry)
        for entry in entries:
            others |= {int(queue.entry_of["dv"][r]) for r in queue.dv[queue.candidates(entry)].tolist()}
        for entry in others - {-1}:
            self.of[entry] = self._state_of(entry)

    def _state_of(self, entry: int) -> int:
        queue, side, row = self._queue, self._queue.side_of(entry), int(self._queue.row[entry])
        if self.partner[side][row]:
            return COUPLED
        if self.create[side][row]:
            return CREATE
        if self.put_off[side][row]:
            return DEFERRED
        if queue.has[entry]:
            at = queue.candidates(entry)
            if side == "bc" and self.refused[at].all():
                return NONE
            if side == "dv" and self._busy(at).any():
                return WAITING
        return OPEN

    # --- looking ---

    def coupled(self, side: Side, row: int) -> Coupled | None:
        """Who the partner of a record is, or None."""
        at = int(self.partner[side][row]) if row >= 0 else 0
        if at == 0:
            return None
        if at < 0:
            return self._later[side, self._queue.records[side].id_of(row)]
        return _coupled(self._couplings.iloc[at - 1], side)

    def live(self, at: np.ndarray) -> np.ndarray:
        """Whether both records of each candidate are free, and nobody said no to it."""
        queue = self._queue
        free = (self.partner["bc"][queue.bc[at]] == 0) & (self.partner["dv"][queue.dv[at]] == 0)
        return free & ~self.refused[at]

    def counts(self) -> dict[str, int]:
        """How many entries are in each state."""
        found = np.bincount(self.of, minlength=len(STATES))
        return {name: int(found[n]) for n, name in enumerate(STATES)}


def _coupled(line: pd.Series, side: Side) -> Coupled:
    other = str(line[f"{other_side(side)}_id"])
    return Coupled(other, str(line["by"]), line["at"].to_pydatetime(), int(line["position"]))


def _ids(column: pd.Series | Iterable[str] | Sequence[str]) -> pa.Array:
    return pa.array([str(i) for i in column], pa.string())
