"""Snapshot + ledger → every thing that can be coupled, as rows of arrays, and the references between them.

A *thing* is a coupled pair, or a record of one side that has no partner. A reference that makes a prerequisite
(`Kind.prerequisites`) is an edge from the thing that has it to the thing it points to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.check.frames import LedgerView, flat
from d365kit.kinds import SIDES, Catalogue, Field, Kind, Side, other_side
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import table_of

TEXT = pa.string()


@dataclass(frozen=True)
class Things:
    """Things, a row each, those of one kind together; then edges, a row each.

    ``kind`` is a place in ``kinds``; ``bc_id``, ``dv_id``, ``number``, ``name`` and ``outside`` are texts, null where
    there is none; ``reached``: coupled or to be created; ``gone``: referred to, and not in the snapshot. ``rows``
    leads from a kind and side to the row of each record of the snapshot, in the order of `Sides.everything`.
    ``source`` and ``target`` are rows of things, ``field`` is a place in ``fields`` (of kind and field names).
    """

    kinds: tuple[str, ...]
    kind: np.ndarray
    bc_id: pa.Array
    dv_id: pa.Array
    number: pa.Array
    name: pa.Array
    outside: pa.Array
    reached: np.ndarray
    gone: np.ndarray
    rows: Mapping[tuple[str, Side], np.ndarray]
    source: np.ndarray
    target: np.ndarray
    field: np.ndarray
    fields: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def takes_part(self) -> np.ndarray:
        """Things that may be pushed one day: in the snapshot, and no half of them outside the filter."""
        return np.asarray(pc.is_null(self.outside)) & ~self.gone

    def row_of(self, kind: str, side: Side, ids: pa.Array) -> np.ndarray:
        """The row of the thing that holds each of ``ids``; -1 for none."""
        found = np.full(len(ids), -1, dtype=np.int64)
        if kind not in self.kinds:
            return found
        mine = np.flatnonzero(self.kind == self.kinds.index(kind))
        held = (self.bc_id if side == "bc" else self.dv_id).take(pa.array(mine))
        at = _index(ids, held)
        found[at >= 0] = mine[at[at >= 0]]
        return found


def things(snapshot: Snapshot, ledger: LedgerView, catalogue: Catalogue) -> Things:
    """Gather all things of ``snapshot`` and ``ledger``, and what refers to what.

    A weak reference is no edge. Of a pair, the half that sends the field says what it refers to: Business Central
    when the field goes to Sales and is filled, else Sales. A record alone refers to something only if it may travel.
    """
    return _Gathering(snapshot, ledger, catalogue).things()


def _index(values: pa.Array, held: pa.Array) -> np.ndarray:
    """The place of each of ``values`` in ``held``; -1 for none and for a missing value."""
    found = pc.index_in(values, value_set=held, skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def held_by(snapshot: Snapshot, kind: str, side: Side, columns: Iterable[str]) -> pa.Table:
    """These columns, and ``outside``, of every record of one side, in the order of `Sides.everything`.

    A column that the frames do not have is not in the table; a kind that was not pulled has no rows.
    """
    parts = []
    if kind in snapshot:
        inside, outside = snapshot[kind].side(side), snapshot[kind].outside(side)
        # Only the columns asked for: to put whole records together would copy a million addresses.
        wanted = [c for c in dict.fromkeys(columns) if c in inside.columns]
        first = table_of(inside[wanted]).append_column("outside", pa.nulls(len(inside), TEXT))
        parts = [first, table_of(outside[[*wanted, "outside"]]).cast(first.schema)] if len(outside) else [first]
    return pa.concat_tables(parts) if parts else pa.table({"id": pa.array([], TEXT)})


def _texts(frame: pd.DataFrame | pa.Table, column: str) -> pa.Array:
    """A column as texts; null where it is blank, and everywhere when the frame does not have it."""
    table = frame if isinstance(frame, pa.Table) else table_of(frame[[c for c in frame.columns if c == column]])
    if not column or column not in table.column_names:
        return pa.nulls(len(frame), TEXT)
    values = flat(table[column]).cast(TEXT)
    return pc.if_else(pc.equal(pc.binary_length(values), 0), pa.scalar(None, TEXT), values)


class _Gathering:
    def __init__(self, snapshot: Snapshot, ledger: LedgerView, catalogue: Catalogue) -> None:
        self.snapshot, self.catalogue = snapshot, catalogue
        self.size = 0
        self.frames: dict[tuple[str, Side], pa.Table] = {}
        self.ids: dict[tuple[str, Side], pa.Array] = {}
        self.rows: dict[tuple[str, Side], np.ndarray] = {}
        #: Kind → how many of its rows are pairs, and the row it begins at.
        self.pairs: dict[str, tuple[int, int]] = {}
        #: Kind → whether each of its rows takes part.
        self.inside: dict[str, np.ndarray] = {}
        self.gone: dict[tuple[str, Side], tuple[pa.Array, np.ndarray]] = {}
        self.parts: list[dict[str, pa.Array]] = []
        self.kinds = tuple(k.name for k in catalogue)
        self.edges: list[tuple[np.ndarray, np.ndarray, int]] = []
        self.fields: list[tuple[str, str]] = []
        for kind in catalogue:
            self._take_in(kind, ledger)

    def _take_in(self, kind: Kind, ledger: LedgerView) -> None:
        couplings, creates = ledger.couplings(kind.name), ledger.creates(kind.name)
        pairs = {s: _texts(couplings, f"{s}_id") for s in SIDES}
        start, count = self.size, len(couplings)
        self.pairs[kind.name] = (count, start)
        ids, partner = dict(pairs), {}
        size = count
        refers = [c for f in kind.references if not f.weak for c in (f.name, f.label_column)]
        columns = ["id", kind.number_field, kind.name_field, *refers]
        for side in SIDES:
            frame = held_by(self.snapshot, kind.name, side, columns)
            held = _texts(frame, "id")
            at = _index(held, pairs[side])
            alone = at < 0
            at[alone] = size + np.arange(int(alone.sum()))
            size += int(alone.sum())
            self.frames[kind.name, side], self.rows[kind.name, side] = frame, start + at
            partner[side] = held.filter(pa.array(alone))
        nothing = {s: pa.nulls(len(partner[other_side(s)]), TEXT) for s in SIDES}
        ids["bc"] = pa.concat_arrays([pairs["bc"], partner["bc"], nothing["bc"]])
        ids["dv"] = pa.concat_arrays([pairs["dv"], nothing["dv"], partner["dv"]])
        made = [_index(ids[s], _texts(creates, f"{s}_id").drop_null()) >= 0 for s in SIDES]
        reached = (np.arange(size) < count) | made[0] | made[1]
        part = {
            "kind": pa.array(np.full(size, self.kinds.index(kind.name))), "bc_id": ids["bc"], "dv_id": ids["dv"],
            "reached": pa.array(reached), "gone": pa.array(np.zeros(size, dtype=bool)),
        }  # fmt: skip
        for name, column in (("number", kind.number_field), ("name", kind.name_field), ("outside", "outside")):
            part[name] = self._said(kind.name, column, size)
        self.inside[kind.name] = reached | np.asarray(pc.is_null(part["outside"]))
        self.parts.append(part)
        self.size += size
        for side in SIDES:
            self.ids[kind.name, side] = ids[side]

    def _said(self, kind: str, column: str, size: int) -> pa.Array:
        """What Business Central, or failing that Sales, says of each thing of ``kind``."""
        start = self.pairs[kind][1]
        said = pa.nulls(size, TEXT)
        for side in SIDES:
            values = _texts(self.frames[kind, side], column)
            where = np.full(size, -1, dtype=np.int64)
            where[self.rows[kind, side] - start] = np.arange(len(values))
            said = pc.coalesce(said, values.take(pa.array(where, mask=where < 0)))
        return said

    def things(self) -> Things:
        for kind in self.catalogue:
            for field in kind.references:
                if not field.weak and kind.name in self.snapshot:
                    self._refer(kind, field)
        columns = list(self.parts[0]) if self.parts else []
        tables = [pa.table({c: p[c] for c in columns}) for p in self.parts]
        whole = {n: flat(c) for n, c in zip(tables[0].column_names, pa.concat_tables(tables).columns, strict=True)}
        sources = [e[0] for e in self.edges] or [np.zeros(0, np.int64)]
        targets = [e[1] for e in self.edges] or [np.zeros(0, np.int64)]
        fields = [np.full(len(e[0]), e[2]) for e in self.edges] or [np.zeros(0, np.int64)]
        flags = {n: np.asarray(whole.pop(n)) for n in ("kind", "reached", "gone")}
        return Things(
            kinds=self.kinds, rows=self.rows, source=np.concatenate(sources), target=np.concatenate(targets),
            field=np.concatenate(fields), fields=tuple(self.fields), **flags, **whole,
        )  # fmt: skip

    def _refer(self, kind: Kind, field: Field) -> None:
        """The edges of one field."""
        count, start = self.pairs[kind.name]
        unread = field.name in self.snapshot.unread.get(kind.name, ())
        taken = np.zeros(count, dtype=bool)
        self.fields.append((kind.name, field.name))
        for side in SIDES:
            goes = other_side(side)
            if not kind.may_go_to(goes) or not (field.direction == "none" or field.goes_to(goes)):
                continue
            values = _texts(self.frames[kind.name, side], field.name)
            rows = self.rows[kind.name, side]
            keep = np.asarray(pc.is_valid(values))
            paired = rows - start < count
            if unread:
                # Nobody could be asked, so a pair keeps what it has; a record to make still needs its prerequisite.
                keep &= ~paired
            keep[paired & keep] &= ~taken[rows[paired & keep] - start]
            taken[rows[paired & keep] - start] = True
            labels = _texts(self.frames[kind.name, side], field.label_column)
            targets = self._targets(field, side, *(v.filter(pa.array(keep)) for v in (values, labels)))
            self.edges.append((rows[keep], targets, len(self.fields) - 1))

    def _targets(self, field: Field, side: Side, values: pa.Array, labels: pa.Array) -> np.ndarray:
        """The things that ``values`` name; what no kind holds becomes a thing that is gone, called by its label."""
        found = np.full(len(values), -1, dtype=np.int64)
        # An account that is no customer stands outside the customers and among the vendors: there it belongs.
        for only_inside in (True, False):
            for name in field.refers_to:
                at = _index(values, self.ids[name, side])
                new = (found < 0) & (at >= 0)
                if only_inside:
                    new[new] = self.inside[name][at[new]]
                found[new] = self.pairs[name][1] + at[new]
        lost = found < 0
        if lost.any():
            mine = pa.array(lost)
            found[lost] = self._lost(field.refers_to[0], side, values.filter(mine), labels.filter(mine))
        return found

    def _lost(self, kind: str, side: Side, values: pa.Array, labels: pa.Array) -> np.ndarray:
        """The things that stand for records which the snapshot does not hold, each made once."""
        known, rows = self.gone.get((kind, side), (pa.array([], TEXT), np.zeros(0, np.int64)))
        new = values.unique()
        new = new.filter(pa.array(_index(new, known) < 0))
        if len(new):
            nothing = pa.nulls(len(new), TEXT)
            part = dict.fromkeys(("bc_id", "dv_id", "name", "outside"), nothing) | {f"{side}_id": new}
            part["number"] = labels.take(pa.array(_index(new, values)))
            flags = {"reached": np.zeros(len(new), dtype=bool), "gone": np.ones(len(new), dtype=bool)}
            place = np.full(len(new), self.kinds.index(kind))
            self.parts.append(part | {n: pa.array(v) for n, v in flags.items()} | {"kind": pa.array(place)})
            known = pa.concat_arrays([known, new])
            rows = np.concatenate([rows, self.size + np.arange(len(new))])
            self.gone[kind, side] = known, rows
            self.size += len(new)
        return rows[_index(values, known)]
