"""Proposals of two files → the tables that `d365kit match` writes: pairs, and every candidate with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from d365kit.kinds import Side
from d365kit.nouns.frames import arrow_of

#: The bands of pairs that are asserted.
ASSERTED = ("certain", "likely")
_BANDS = ("certain", "likely", "unsure", "nothing found", "left out")
#: What a file of pairs holds, in this order.
PAIRS = ("left_id", "right_id", "score", "band", "reason")
#: So many rows of evidence are parsed at once.
_AT_ONCE = 100_000
_NAMED = ("left_name", "right_name", "left_row", "right_row")
#: Columns of every scored pair; ``bits`` and ``evidence`` are not written as such.
_SCORED = pa.schema(
    [
        ("left_id", pa.string()),
        ("right_id", pa.string()),
        ("score", pa.float64()),
        ("band", pa.string()),
        ("reason", pa.string()),
        ("chosen", pa.bool_()),
        ("rank", pa.int64()),
        ("margin", pa.float64()),
        ("left_name", pa.string()),
        ("right_name", pa.string()),
        ("left_row", pa.int64()),
        ("right_row", pa.int64()),
        ("bits", pa.float64()),
        ("evidence", pa.string()),
    ]
)
_LINE = pa.struct(
    [
        ("field", pa.string()),
        ("bc", pa.string()),
        ("dv", pa.string()),
        ("level", pa.string()),
        ("weight", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Known:
    """The records of one file: the side it stands for, their ids, the same as written there, and their rows."""

    side: Side
    ids: pa.Array
    written: pa.Array
    rows: pa.Array


def scored(frame: pd.DataFrame, files: Mapping[str, Known]) -> pa.Table:
    """The rows of proposals by hand (left, right), with ids as they stand in the files and the rows they stand in."""
    made: dict[str, pa.ChunkedArray] = {
        "score": arrow_of(frame["probability"]),
        "bits": arrow_of(frame["score"]),
        **{n: arrow_of(frame[n]) for n in ("band", "reason", "chosen", "rank", "margin", "evidence")},
    }
    for hand, file in files.items():
        at = pc.index_in(arrow_of(frame[f"{file.side}_id"]), value_set=file.ids, skip_nulls=True)
        made |= {
            f"{hand}_id": file.written.take(at.combine_chunks()),
            f"{hand}_row": file.rows.take(at.combine_chunks()),
            f"{hand}_name": arrow_of(frame[f"{file.side}_name"]),
        }
    return pa.table({f.name: made[f.name] for f in _SCORED}, schema=_SCORED)


def left_out(hand: str, outside: pd.DataFrame, name_field: str, file: Known) -> pa.Table:
    """The records that a filter leaves out of one file, as rows beside those of `scored`."""
    at = pc.index_in(arrow_of(outside["id"]), value_set=file.ids, skip_nulls=True).combine_chunks()
    count = len(outside)
    made = {
        f"{hand}_id": file.written.take(at),
        f"{hand}_row": file.rows.take(at),
        f"{hand}_name": arrow_of(outside[name_field]),
        "band": pa.array([_BANDS[-1]] * count, pa.string()),
        "chosen": pa.array([False] * count, pa.bool_()),
        "reason": arrow_of(outside["outside"]),
    }
    return pa.table({f.name: made.get(f.name, pa.nulls(count, f.type)) for f in _SCORED}, schema=_SCORED)


def asserted(rows: pa.Table, *, named: bool = False) -> pa.Table:
    """The pairs that are certain or likely, the surest first; ``named`` adds what people know the records by."""
    sure = pc.is_in(rows.column("band"), value_set=pa.array(ASSERTED))
    keep = pc.and_(pc.fill_null(rows.column("chosen"), False), sure)
    found = rows.select([*PAIRS, *(_NAMED if named else ())]).filter(keep)
    return found.sort_by([("score", "descending"), ("left_id", "ascending"), ("right_id", "ascending")])


def everything(rows: pa.Table, sides: Mapping[str, Side]) -> pa.Table:
    """All rows: by band, the chosen ones and the surest first; then the evidence, four columns a field."""
    order = pc.index_in(rows.column("band"), value_set=pa.array(_BANDS))
    rows = rows.append_column("order", order).sort_by(
        [
            ("order", "ascending"), ("chosen", "descending"), ("score", "descending"), ("bits", "descending"),
            ("left_id", "ascending"), ("right_id", "ascending"),
        ]
    )  # fmt: skip
    shown = rows.drop_columns(["order", "bits", "evidence"])
    for name, values in _evidence(rows.column("evidence"), sides).items():
        shown = shown.append_column(name, values)
    return shown


def _evidence(texts: pa.ChunkedArray, sides: Mapping[str, Side]) -> dict[str, pa.Array]:
    """Lists of evidence lines in JSON → a column for each field and part of a line, missing where a row has none."""
    lists = _read(texts)
    row, lines = pc.list_parent_indices(lists).to_numpy(), lists.flatten()
    fields = lines.field("field")
    parts = {**sides, "level": "level", "weight": "weight"}
    out: dict[str, pa.Array] = {}
    for name in pc.unique(fields).to_pylist():
        here = np.flatnonzero(pc.equal(fields, name).to_numpy(zero_copy_only=False))
        at = np.full(len(lists), -1, dtype=np.int64)
        at[row[here]] = here
        places = pa.array(at, mask=at < 0)
        out |= {f"{name}_{end}": lines.field(part).take(places) for end, part in parts.items()}
    return out


def _read(texts: pa.ChunkedArray) -> pa.ListArray:
    """The evidence of every row as a list of lines; many rows are parsed at once."""
    kind = pa.list_(_LINE)
    parsing = pj.ParseOptions(explicit_schema=pa.schema([("lines", kind)]), unexpected_field_behavior="ignore")
    found = [pa.array([], kind)]
    for start in range(0, len(texts), _AT_ONCE):
        filled = [text or "[]" for text in texts.slice(start, _AT_ONCE).to_pylist()]
        body = "\n".join(f'{{"lines": {text}}}' for text in filled).encode()
        reading = pj.ReadOptions(block_size=max(1 << 24, 4 * max(map(len, filled)) + 64))
        found += pj.read_json(pa.BufferReader(body), reading, parsing).column("lines").chunks
    return pa.concat_arrays(found)
