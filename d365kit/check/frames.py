"""Snapshot + Ledger → CheckFrames: one wide, named frame per kind, and the small ones that SQL checks join.

What a kind's frame holds, and which other frames there are, is told by `CheckFrames`. All of it works on
whole Arrow columns; nothing here goes row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.check.names import COUPLINGS, EXTRAS, LONG_TEXTS, frame_of
from d365kit.kinds import LCY_ID, SIDES, Catalogue, Field, Kind, Side, other_side
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import to_arrow


class LedgerView(Protocol):
    """What the checks ask of the ledger."""

    @property
    def position(self) -> int: ...

    def couplings(self, kind: str) -> pd.DataFrame: ...

    def creates(self, kind: str) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Marks:
    """What the ledger says about one kind: coupled ids side by side, and the ids marked to be created.

    ``creates["bc"]`` are Business Central records that will be created in Sales, and the reverse.
    """

    pairs: Mapping[str, pa.Array]
    creates: Mapping[str, pa.Array]

    def partner_of(self, side: Side, ids: pa.Array) -> pa.Array:
        """The coupled partner of each id of ``side``, null where it has none."""
        return self.pairs["dv" if side == "bc" else "bc"].take(pc.index_in(ids, self.pairs[side]))

    def reaches(self, side: Side, ids: pa.Array) -> pa.Array:
        """Whether each id is coupled or marked to be created; null for a missing id."""
        known = pa.concat_arrays([self.pairs[side], self.creates[side]])
        return pc.if_else(pc.is_valid(ids), pc.is_in(ids, known), pa.scalar(None, pa.bool_()))


class CheckFrames(Mapping[str, pa.Table]):
    """Every frame a check can name, made when first asked for.

    - one frame a kind (`FRAME_OF`): each coupled pair, also when a half takes no part or is gone, and each
      uncoupled record that takes part. Columns: bc_id, dv_id, bc_name, dv_name, coupled, will_create
      (``dv``, ``bc`` or ``""``), travels, bc_outside, dv_outside, bc_missing, dv_missing, bc_in_scope,
      dv_in_scope, then bc_<field> and dv_<field>; for a reference also its …_label, …_coupled and
      <field>_agree.
    - <frame>_bc and <frame>_dv: all records of one side, in scope or not: id, outside, the fields.
    - ``setup``: one row, or none where nobody could be asked: bc_id (the local currency), dv_id, local_currency,
      base_currency, company.
    - ``couplings``: kind, bc_id, dv_id, bc_missing, dv_missing.
    - ``long_texts``: texts longer than the other side holds, of records that travel or may do so (C3).
    - the snapshot's extras, a dot in their name written as an underscore.

    Blank texts are null everywhere, so “filled” is “not null”. With ``words``, the columns of fields are
    made only if ``words`` names them: a million records have some two gigabytes of texts no check reads.
    """

    def __init__(
        self, snapshot: Snapshot, ledger: LedgerView, catalogue: Catalogue, words: Collection[str] | None = None
    ) -> None:
        self._snapshot, self._ledger, self._catalogue = snapshot, ledger, catalogue
        self._words = None if words is None else frozenset(words)
        self._made: dict[str, pa.Table] = {}
        self._marks: dict[str, Marks] = {}
        self._makers = self._all_makers()

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def side(self, kind: str, side: Side) -> pa.Table:
        """All records of ``kind`` on ``side``."""
        return self[f"{frame_of(kind)}_{side}"]

    def marks(self, kind: str) -> Marks:
        """What the ledger says about ``kind``, read once."""
        if kind not in self._marks:
            self._marks[kind] = _marks(self._ledger, kind)
        return self._marks[kind]

    def _all_makers(self) -> dict[str, Callable[[], pa.Table]]:
        makers: dict[str, Callable[[], pa.Table]] = {}
        for kind in self._catalogue:
            frame = frame_of(kind.name)
            makers[frame] = partial(self._kind_frame, kind)
            for side in SIDES:
                makers[f"{frame}_{side}"] = partial(self._side_table, kind, side)
        makers["setup"] = partial(_setup, self._snapshot)
        makers["couplings"] = self._couplings
        makers["long_texts"] = self._long_texts
        for name in dict.fromkeys((*EXTRAS, *self._snapshot.extras)):
            makers[name.replace(".", "_")] = partial(_extra, self._snapshot, name)
        return makers

    def _side_table(self, kind: Kind, side: Side) -> pa.Table:
        """All records of one side: id, outside, then the fields (and labels) with blanks as null."""
        always = {"id", kind.name_field, kind.number_field}
        columns = [f for f in kind.schema if f.name in always or self._asked(f.name)]
        table = _records(self._snapshot, kind, side, pa.schema(columns))
        filled = [_filled(c) if pa.types.is_string(c.type) else c for c in map(flat, table.columns)]
        return pa.Table.from_arrays(filled, schema=table.schema)

    def _asked(self, column: str) -> bool:
        """Whether a check may read ``column`` of one side, or what is made of it."""
        if column in ("etag", "modified_on"):
            return False
        if self._words is None:
            return True
        made = (column, f"bc_{column}", f"dv_{column}", f"{column}_agree")
        return not self._words.isdisjoint((*made, f"bc_{column}_coupled", f"dv_{column}_coupled"))

    def _kind_frame(self, kind: Kind) -> pa.Table:
        if kind.name not in self._snapshot:
            nothing = pa.array([], pa.string())
            marks = Marks(dict.fromkeys(SIDES, nothing), dict.fromkeys(SIDES, nothing))
        else:
            marks = self.marks(kind.name)
        columns = _rows({s: self.side(kind.name, s) for s in SIDES}, marks, kind)
        for f in kind.references:
            if self._asked(f.name):
                columns |= _reference(columns, f, _together([self.marks(k) for k in f.refers_to]))
        return pa.table(columns)

    def _couplings(self) -> pa.Table:
        parts = []
        for kind in self._catalogue:
            if kind.name not in self._snapshot:
                continue
            frame = self[frame_of(kind.name)]
            pairs = frame.select(COUPLINGS.names[1:]).filter(frame["coupled"])
            columns = [_constant(kind.name, len(pairs)), *pairs.columns]
            parts.append(pa.Table.from_arrays(columns, schema=COUPLINGS))
        return pa.concat_tables([COUPLINGS.empty_table(), *parts])

    def _long_texts(self) -> pa.Table:
        return pa.concat_tables([LONG_TEXTS.empty_table(), *map(self._too_long, self._catalogue)])

    def _too_long(self, kind: Kind) -> pa.Table:
        """The texts of ``kind`` that would be cut on their way, by the lengths in the catalogue (C3)."""
        parts = [LONG_TEXTS.empty_table()]
        for toward in SIDES:
            sender = other_side(toward)
            for f in kind.fields_to(toward):
                longest = f.longest_on(toward)
                if f.type not in ("text", "code") or not longest:
                    continue
                schema = pa.schema([("id", pa.string()), (f.name, pa.string())])
                sent = _records(self._snapshot, kind, sender, schema)
                cut = sent.filter(pc.greater(pc.utf8_length(sent[f.name]), longest))
                if len(cut):
                    parts.append(self._long_rows(cut, kind, f, toward))
        return pa.concat_tables(parts)

    def _long_rows(self, cut: pa.Table, kind: Kind, f: Field, toward: Side) -> pa.Table:
        """The rows of the kind's frame whose text is in ``cut`` (id and text) and goes ``toward`` a side."""
        sender = other_side(toward)
        frame = self[frame_of(kind.name)]
        goes = pc.is_in(frame[f"{sender}_id"], value_set=flat(cut["id"]))
        if f.create_only:
            goes = pc.and_(goes, pc.invert(frame["coupled"]))
        rows = frame.filter(goes)
        schema = pa.schema([("id", pa.string()), (f.name, pa.string())])
        columns = {
            "kind": _constant(kind.name, len(rows)),
            "bc_id": rows["bc_id"],
            "dv_id": rows["dv_id"],
            "field": _constant(f.name, len(rows)),
            "key": pa.repeat(f.key, len(rows)),
            "toward": _constant(toward, len(rows)),
            "longest": pa.repeat(pa.scalar(f.longest_on(toward), pa.int64()), len(rows)),
        }
        for side in SIDES:
            held = _records(self._snapshot, kind, side, schema)
            held = held.filter(pc.is_in(held["id"], value_set=flat(rows[f"{side}_id"])))
            found = pc.index_in(flat(rows[f"{side}_id"]), value_set=flat(held["id"]))
            columns[f"{side}_value"] = _filled(flat(held[f.name])).take(found)
        return pa.table(columns, schema=LONG_TEXTS)


def _together(marks: Sequence[Marks]) -> Marks:
    """What the ledger says about several kinds a reference may point to, as if they were one."""
    if len(marks) == 1:
        return marks[0]
    return Marks(
        {s: pa.concat_arrays([m.pairs[s] for m in marks]) for s in SIDES},
        {s: pa.concat_arrays([m.creates[s] for m in marks]) for s in SIDES},
    )


def _marks(ledger: LedgerView, kind: str) -> Marks:
    pairs, creates = ledger.couplings(kind), ledger.creates(kind)
    return Marks(
        {s: _ids(pairs, s) for s in SIDES},
        {s: _ids(creates, s).filter(pc.is_valid(_ids(creates, s))) for s in SIDES},
    )


def _ids(frame: pd.DataFrame, side: Side) -> pa.Array:
    table = to_arrow(frame[[f"{side}_id"]], pa.schema([(f"{side}_id", pa.string())]))
    return _filled(flat(table[0]))


def flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """``column`` in one piece, without copying it when it is."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _constant(text: str, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), length)


def _filled(texts: pa.Array) -> pa.Array:
    """``texts`` with null for the empty and the white ones."""
    blank = pc.or_(pc.equal(pc.binary_length(texts), 0), pc.utf8_is_space(texts))
    if not pc.any(blank).as_py():
        return texts
    return pc.if_else(blank, pa.scalar(None, pa.string()), texts)


def _records(snapshot: Snapshot, kind: Kind, side: Side, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema`` of all records of one side, and ``outside`` after the first of them."""
    schema = schema.insert(1, pa.field("outside", pa.string()))
    if kind.name not in snapshot:
        return schema.empty_table()
    sides = snapshot[kind.name]
    # Whatever a frame of records in scope may carry, only `…_outside` says that a record takes no part.
    inside = sides.side(side).drop(columns="outside", errors="ignore")
    parts = [to_arrow(p, schema) for p in (inside, sides.outside(side)) if len(p)]
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _rows(sides: Mapping[Side, pa.Table], marks: Marks, kind: Kind) -> dict[str, pa.Array]:
    """The columns of a kind's frame, without what is said about references."""
    ids = {s: flat(sides[s]["id"]) for s in SIDES}
    paired = {s: pc.index_in(marks.pairs[s], ids[s]) for s in SIDES}
    alone = {s: _alone(sides[s], paired[s]) for s in SIDES}
    n, nb, nd = len(marks.pairs["bc"]), len(alone["bc"]), len(alone["dv"])
    none = {"bc": pa.nulls(nd, pa.int32()), "dv": pa.nulls(nb, pa.int32())}
    where = {
        "bc": pa.concat_arrays([paired["bc"], alone["bc"], none["bc"]]),
        "dv": pa.concat_arrays([paired["dv"], none["dv"], alone["dv"]]),
    }
    row_ids = {
        "bc": pa.concat_arrays([marks.pairs["bc"], ids["bc"].take(alone["bc"]), pa.nulls(nd, pa.string())]),
        "dv": pa.concat_arrays([marks.pairs["dv"], pa.nulls(nb, pa.string()), ids["dv"].take(alone["dv"])]),
    }
    coupled = pa.concat_arrays([pa.repeat(True, n), pa.repeat(False, nb + nd)])
    columns = _state(row_ids, coupled, marks)
    for side in SIDES:
        columns |= _half(sides[side], where[side], coupled, side, kind)
    order = ["bc_id", "dv_id", "bc_name", "dv_name"]
    return {c: columns[c] for c in (*order, *(c for c in columns if c not in order))}


def _alone(side: pa.Table, paired: pa.Array) -> pa.Array:
    """The row numbers of records that take part and are not among the ``paired`` row numbers."""
    free = pc.is_null(side["outside"]).to_numpy().copy()
    free[paired.drop_null().to_numpy()] = False
    return pa.array(np.flatnonzero(free), pa.int32())


def _state(ids: Mapping[str, pa.Array], coupled: pa.Array, marks: Marks) -> dict[str, pa.Array]:
    free = pc.invert(coupled)
    to_dv = pc.and_(free, pc.is_in(ids["bc"], marks.creates["bc"]))
    to_bc = pc.and_(free, pc.is_in(ids["dv"], marks.creates["dv"]))
    will_create = pc.if_else(to_dv, "dv", pc.if_else(to_bc, "bc", ""))
    return {
        "bc_id": ids["bc"],
        "dv_id": ids["dv"],
        "coupled": coupled,
        "will_create": will_create,
        "travels": pc.or_(coupled, pc.not_equal(will_create, "")),
    }


def _half(side: pa.Table, where: pa.Array, coupled: pa.Array, prefix: Side, kind: Kind) -> dict[str, pa.Array]:
    """One side's columns of a kind's frame; ``where`` is the record of each row, null where there is none."""
    there = pc.is_valid(where)
    taken = {name: flat(side[name]).take(where) for name in side.column_names if name != "id"}
    columns = {
        f"{prefix}_name": taken[kind.name_field],
        f"{prefix}_outside": taken.pop("outside"),
        f"{prefix}_missing": pc.and_(coupled, pc.invert(there)),
    }
    columns[f"{prefix}_in_scope"] = pc.and_(there, pc.is_null(columns[f"{prefix}_outside"]))
    return columns | {f"{prefix}_{name}": values for name, values in taken.items()}


def _reference(columns: Mapping[str, pa.Array], f: Field, marks: Marks) -> dict[str, pa.Array]:
    """What is known about a reference: does each side's reach the other side, and do the two agree."""
    bc, dv = columns[f"bc_{f.name}"], columns[f"dv_{f.name}"]
    same = pc.fill_null(pc.equal(marks.partner_of("bc", bc), dv), False)
    both = pc.and_(pc.is_valid(bc), pc.is_valid(dv))
    return {
        f"bc_{f.name}_coupled": marks.reaches("bc", bc),
        f"dv_{f.name}_coupled": marks.reaches("dv", dv),
        f"{f.name}_agree": pc.if_else(both, same, pa.scalar(None, pa.bool_())),
    }


def _setup(snapshot: Snapshot) -> pa.Table:
    """One row about the company; none where nobody could be asked, as on a side of files."""
    known = "is_local" not in snapshot.unread.get("currency", ())
    facts = {n: _fact(snapshot, n) for n in ("local_currency", "base_currency", "company")}
    row = {"bc_id": LCY_ID, "dv_id": None, **facts}
    return pa.Table.from_pylist([row] if known else [], schema=pa.schema([(n, pa.string()) for n in row]))


def _fact(snapshot: Snapshot, name: str) -> str | None:
    return (snapshot.facts.get(name) or "").strip() or None


def _extra(snapshot: Snapshot, name: str) -> pa.Table:
    if name not in snapshot.extras:
        return pa.schema([(c, pa.string()) for c in EXTRAS[name]]).empty_table()
    frame = snapshot.extras[name]
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
