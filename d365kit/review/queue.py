"""Proposals → the queue: one entry a record, with its ranked candidates, as arrays of numbers.

Texts stay where they are and are read for what is on the screen only; so a million candidate pairs open in a second.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import SIDES, Kind, Side, other_side
from d365kit.nouns import Proposals, Snapshot
from d365kit.nouns.frames import arrow_of
from d365kit.review.reasons import codes_of
from d365kit.review.records import Records

BANDS = ("certain", "likely", "unsure", "nothing found", "only in Sales")
_UNSURE, _NOTHING, _ONLY_DV = 2, 3, 4
#: Amounts that tell how much is at stake, the best first; prices, costs and taxes do not.
STAKES = ("balance", "balance_due", "sales", "total", "amount", "estimated_value", "budget", "credit_limit")


class Queue:
    """The records to decide about and their candidates.

    Candidates are parallel arrays, those of one BC record together, its chosen one first, then by rank: ``bc`` and
    ``dv`` (rows of ``records``), ``chosen``, ``probability``, ``score``, ``line`` (the row of the frame). Entries are
    parallel arrays too: ``side`` (0 bc, 1 dv), ``row``, ``start`` and ``end`` (among the candidates, or for the side
    dv among ``by_dv``), ``best`` (a candidate or -1), ``band``. A BC record is always an entry; a row of Dataverse is
    one when no record was given to it.
    """

    def __init__(self, kind: Kind, snapshot: Snapshot, proposals: Proposals) -> None:
        self.kind, self.proposals = kind, proposals
        self.records: dict[Side, Records] = {s: Records(kind, s, snapshot[kind.name]) for s in SIDES}
        self._columns: dict[str, pa.Array] = {}
        self._chunked: dict[str, pa.ChunkedArray] = {}
        self._candidates()
        self._entries()

    def __len__(self) -> int:
        return len(self.row)

    def column(self, name: str) -> pa.Array:
        """A column of the proposals' frame as one Arrow array."""
        if name not in self._columns:
            found = arrow_of(self.proposals.frame[name]).combine_chunks()
            large = pa.types.is_large_string(found.type)
            self._columns[name] = found.cast(pa.string()) if large else found
        return self._columns[name]

    def _floats(self, name: str, at: np.ndarray) -> np.ndarray:
        found = pc.fill_null(self.column(name).cast(pa.float64()), np.nan)
        return found.to_numpy(zero_copy_only=False)[at]

    def _candidates(self) -> None:
        rows = {s: self.records[s].rows_of(self.column(f"{s}_id")) for s in SIDES}
        at = np.flatnonzero((rows["bc"] >= 0) & (rows["dv"] >= 0))
        bc, dv = rows["bc"][at], rows["dv"][at]
        chosen = pc.fill_null(self.column("chosen"), False).to_numpy(zero_copy_only=False)[at].astype(bool)
        rank = pc.fill_null(self.column("rank").cast(pa.int64()), 0).to_numpy(zero_copy_only=False)[at]
        key = bc.astype(np.int64) << 21 | np.where(chosen, 0, 1 << 20) | np.minimum(rank, (1 << 20) - 1)
        if len(key) and np.any(key[1:] < key[:-1]):
            order = np.argsort(key, kind="stable")
            at, bc, dv, chosen = at[order], bc[order], dv[order], chosen[order]
        self.line, self.bc, self.dv, self.chosen = at, bc, dv, chosen
        self.probability, self.score = self._floats("probability", at), self._floats("score", at)
        # Best first within each row of Dataverse: one sort of whole numbers is far faster than one by two keys.
        less = ((1 - np.nan_to_num(self.probability)) * (1 << 30)).astype(np.int64)
        self.by_dv = np.argsort(dv.astype(np.int64) << 31 | less, kind="stable")
        self._alone = {
            "bc": np.flatnonzero((rows["bc"] >= 0) & (rows["dv"] < 0)),
            "dv": np.flatnonzero((rows["dv"] >= 0) & (rows["bc"] < 0)),
        }
        self._alone_rows = {side: rows[side][self._alone[side]] for side in SIDES}

    def _entries(self) -> None:
        heads = np.flatnonzero(np.r_[True, self.bc[1:] != self.bc[:-1]]) if len(self.bc) else np.zeros(0, np.int64)
        with_start, with_end = heads, np.r_[heads[1:], len(self.bc)] if len(heads) else heads
        dv = self.dv[self.by_dv]
        tails = np.flatnonzero(np.r_[True, dv[1:] != dv[:-1]]) if len(dv) else np.zeros(0, np.int64)
        given = np.add.reduceat(self.chosen[self.by_dv].astype(np.int32), tails) > 0 if len(tails) else tails > 0
        ends = np.r_[tails[1:], len(dv)] if len(tails) else tails
        lost = ~given
        #: Where the candidates of each row of Dataverse stand in ``by_dv``.
        self.dv_spans = (dv[tails], tails, ends)
        none = {s: np.zeros(len(self._alone[s]), dtype=np.int64) for s in SIDES}
        parts = [
            (0, self.bc[heads], with_start, with_end),
            (0, self._alone_rows["bc"], none["bc"], none["bc"]),
            (1, dv[tails[lost]], tails[lost], ends[lost]),
            (1, self._alone_rows["dv"], none["dv"], none["dv"]),
        ]
        self.side = np.concatenate([np.full(len(p[1]), p[0], dtype=np.int8) for p in parts])
        self.row = np.concatenate([p[1] for p in parts]).astype(np.int32)
        self.start = np.concatenate([p[2] for p in parts]).astype(np.int64)
        self.end = np.concatenate([p[3] for p in parts]).astype(np.int64)
        self.has = self.end > self.start
        first = self.by_dv[tails[lost]] if len(tails) else tails
        empty = {s: np.full(len(none[s]), -1, dtype=np.int64) for s in SIDES}
        self.best = np.concatenate([heads, empty["bc"], first, empty["dv"]]).astype(np.int64)
        #: The row of the frame whose reason speaks for the entry.
        lines = self.line[self.best[self.has]] if len(self.line) else np.zeros(0, np.int64)
        self.says = np.zeros(len(self.row), dtype=np.int64)
        self.says[self.has] = lines
        self.says[~self.has] = np.concatenate([self._alone["bc"], self._alone["dv"]])
        self.band = self._bands()
        self.entry_of: dict[Side, np.ndarray] = {}
        for n, side in enumerate(SIDES):
            where = np.full(self.records[side].size, -1, dtype=np.int32)
            mine = np.flatnonzero(self.side == n)
            where[self.row[mine]] = mine
            self.entry_of[side] = where

    def _bands(self) -> np.ndarray:
        encoded = self.column("band").dictionary_encode()
        known = {band: n for n, band in enumerate(BANDS)}
        code = np.array([known.get(b, _UNSURE) for b in encoded.dictionary.to_pylist()] or [_UNSURE], dtype=np.int8)
        of_line = code[pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False)] if len(encoded) else code[:0]
        #: The band of each candidate by itself.
        self.band_of = of_line[self.line]
        band = np.where(self.side == 0, _NOTHING, _ONLY_DV).astype(np.int8)
        best = self.best[self.has]
        band[self.has] = np.where(self.chosen[best], self.band_of[best], _UNSURE)
        band[self.has & (self.side == 1)] = _ONLY_DV
        return band

    # --- one entry ---

    def side_of(self, entry: int) -> Side:
        return SIDES[int(self.side[entry])]

    def candidates(self, entry: int) -> np.ndarray:
        """The places of an entry's candidates, the best first."""
        start, end = int(self.start[entry]), int(self.end[entry])
        return np.arange(start, end) if self.side[entry] == 0 else self.by_dv[start:end]

    def wanting(self, dv_row: int) -> np.ndarray:
        """The places of all candidates in which a row of Dataverse stands, the best first."""
        rows, starts, ends = self.dv_spans
        at = int(np.searchsorted(rows, rows.dtype.type(dv_row)))  # another type would copy all rows
        if at == len(rows) or rows[at] != dv_row:
            return np.zeros(0, dtype=np.int64)
        return self.by_dv[int(starts[at]) : int(ends[at])]

    def place_of(self, bc_row: int, dv_row: int) -> int:
        """Where a pair stands among the candidates, or -1."""
        entry = int(self.entry_of["bc"][bc_row])
        if entry < 0 or not self.has[entry]:
            return -1
        start, end = int(self.start[entry]), int(self.end[entry])
        found = np.flatnonzero(self.dv[start:end] == dv_row)
        return start + int(found[0]) if len(found) else -1

    def text(self, line: int, name: str) -> str:
        """A text of the frame, ``""`` where there is none."""
        if name not in self._chunked:
            # Not `column`: the evidence of a million pairs is too much to copy for a few lines of it.
            self._chunked[name] = arrow_of(self.proposals.frame[name])
        return str(self._chunked[name][int(line)].as_py() or "")

    # --- what filters and orders go by, a value an entry ---

    @cached_property
    def reason(self) -> np.ndarray:
        """The code of each entry's reason, a place in `reasons.CODES`."""
        return codes_of(self.column("reason"))[self.says] if len(self) else np.zeros(0, np.int8)

    @cached_property
    def places(self) -> tuple[np.ndarray, list[str]]:
        """The code of each entry's place (-1 for none) and what the codes stand for."""
        field = self.records["bc"].place_field
        if not field:
            return np.full(len(self), -1, dtype=np.int32), []
        texts = pa.chunked_array([self.records[s].texts(field) for s in SIDES]).combine_chunks().dictionary_encode()
        codes = pc.fill_null(texts.indices, -1).to_numpy(zero_copy_only=False)
        row = self.row.astype(np.int64) + np.where(self.side == 1, self.records["bc"].size, 0)
        return codes[row].astype(np.int32), texts.dictionary.to_pylist()

    @property
    def stake_field(self) -> str:
        """The amount that tells how much is at stake, or ``""``."""
        return next((f for f in STAKES if f in self.kind and self.kind[f].type == "amount"), "")

    @cached_property
    def stake(self) -> np.ndarray:
        """How much is at stake for each entry, NaN where nobody says: its own amount, or else its candidate's."""
        out = np.full(len(self), np.nan)
        if not (field := self.stake_field):
            return out
        held = {side: self.records[side].numbers(field) for side in SIDES}
        for n, side in enumerate(SIDES):
            mine = self.side == n
            out[mine] = held[side][self.row[mine]]
        lacks = np.flatnonzero(np.isnan(out) & self.has)
        best = self.best[lacks]
        out[lacks] = np.where(self.side[lacks] == 0, held["dv"][self.dv[best]], held["bc"][self.bc[best]])
        return np.abs(out)

    def stake_of(self, entry: int) -> object:
        """What is at stake for one entry as its record holds it, or None. `stake` is for sorting: a decimal that went
        through a float is another number.
        """
        if not (field := self.stake_field):
            return None
        side, best = self.side_of(entry), int(self.best[entry])
        value = self.records[side].value(int(self.row[entry]), field)
        if value is None and best >= 0:
            other = other_side(side)
            value = self.records[other].value(int((self.dv if side == "bc" else self.bc)[best]), field)
        return abs(value) if isinstance(value, int | float | Decimal) else value

    @cached_property
    def chance(self) -> np.ndarray:
        """How probable the best candidate of each entry is; NaN without any."""
        out = np.full(len(self), np.nan)
        out[self.has] = self.probability[self.best[self.has]]
        return out
