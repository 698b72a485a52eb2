"""Snapshot → what is missing, field by field, and the values of one field on both sides."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.errors import UnknownKind
from d365kit.explore.columns import column, each_side, has_place, shown_value, texts
from d365kit.kinds import SIDES, Catalogue
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import from_rows, to_frame

MISSING_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("field", pa.string()), ("records", pa.int64()),
     ("blank", pa.int64()), ("share", pa.float64()), ("distinct", pa.int64()), ("asked", pa.bool_()),
     ("required", pa.bool_()), ("direction", pa.string())]
)  # fmt: skip
VALUE_COLUMNS = pa.schema(
    [("value", pa.string()), ("bc", pa.int64()), ("dv", pa.int64()), ("bc_share", pa.float64()),
     ("dv_share", pa.float64())]
)  # fmt: skip


def unread(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """Per kind the fields that a side could not be asked for: a page is not published, a file has no such column."""
    return snapshot.unread


def missing(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """Per kind, side and field: blank records, their share, and how many different values there are.

    Fields a side has no place for are left out. A field that could not be asked has ``asked`` False and no figures:
    it is not blank, it is unknown. ``share`` is missing on a side without records.
    """
    rows = []
    for kind, side, frame in each_side(snapshot, catalogue):
        silent = unread(snapshot).get(kind.name, ())
        skipped = [n for n in silent if side == "bc" or _not_in_file(snapshot, kind.name, frame, n)]
        for f in kind.fields:
            if f.name not in skipped and not has_place(f, frame, side):
                continue
            row: dict[str, object] = {
                "kind": kind.name, "side": side, "field": f.name, "records": len(frame),
                "asked": f.name not in skipped, "required": f.required, "direction": f.direction,
            }  # fmt: skip
            if row["asked"]:
                # A code that points to nothing is a value all the same: then only its label is there.
                found = column(frame, f.name)
                if f.is_reference:
                    found = pc.coalesce(found, column(frame, f.label_column))
                row["blank"] = found.null_count
                row["share"] = found.null_count / len(frame) if len(frame) else None
                row["distinct"] = pc.count_distinct(found).as_py()
            rows.append(row)
    return from_rows(rows, MISSING_COLUMNS)


def _not_in_file(snapshot: Snapshot, kind: str, frame: pd.DataFrame, field: str) -> bool:
    """Whether Sales' records come from a file without this column; its service is asked for every column."""
    sources = [p.source for p in snapshot.provenance if (p.kind, p.side) == (kind, "dv")]
    from_file = any(not source.startswith(("http://", "https://")) for source in sources)
    return from_file and (field not in frame.columns or column(frame, field).null_count == len(frame))


def values(snapshot: Snapshot, catalogue: Catalogue, kind: str, field: str) -> pd.DataFrame:
    """The different values of a field and how many records of each side have them, the most frequent first.

    References are told by their label; blank is the row whose value is missing. Raises UnknownKind for a kind or
    field that is not there.
    """
    known = catalogue[kind]
    found = next((f for f in known.fields if f.name == field), None)
    if found is None:
        names = ", ".join(f.name for f in known.fields)
        raise UnknownKind(f"The kind {kind} has no field “{field}”.", f"Its fields are: {names}.")
    sides = snapshot[kind]
    counts: dict[str | None, dict[str, int]] = {}
    for side in SIDES:
        for entry in pc.value_counts(texts(sides.side(side), shown_value(found))).to_pylist():
            counts.setdefault(entry["values"], {})[side] = entry["counts"]
    totals = {side: len(sides.side(side)) for side in SIDES}
    table = pa.table({"value": pa.array(list(counts), pa.string())})
    for side in SIDES:
        table = table.append_column(side, pa.array([c.get(side, 0) for c in counts.values()], pa.int64()))
    for side in SIDES:
        share = pc.divide(table.column(side).cast(pa.float64()), float(totals[side] or 1))
        table = table.append_column(f"{side}_share", share)
    ranked = table.append_column("all", pc.add(table.column("bc"), table.column("dv")))
    ranked = ranked.sort_by([("all", "descending"), ("value", "ascending")]).drop_columns(["all"])
    return to_frame(ranked.cast(VALUE_COLUMNS))
