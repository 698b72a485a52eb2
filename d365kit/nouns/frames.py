"""Frames with declared columns: Arrow-backed pandas in, Arrow-backed pandas out, also when empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import pyarrow as pa


def to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow-backed frame of ``table``; missing values are ``pd.NA`` in every column."""
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def from_rows(rows: Iterable[Mapping[str, object]], schema: pa.Schema) -> pd.DataFrame:
    """A frame with exactly the columns of ``schema``, made of dictionaries; unknown keys are left out."""
    return to_frame(pa.Table.from_pylist(list(rows), schema=schema))


def empty(schema: pa.Schema) -> pd.DataFrame:
    """A frame without rows that has all the columns of ``schema``."""
    return to_frame(schema.empty_table())


def to_arrow(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """The Arrow table behind ``frame``, cast to ``schema``; columns the frame lacks become null.

    Raises KeyError when the frame has no column of the schema at all, which is a programming mistake.
    """
    columns = []
    for f in schema:
        if f.name in frame.columns:
            columns.append(pa.array(frame[f.name], from_pandas=True).cast(f.type))
        else:
            columns.append(pa.nulls(len(frame), f.type))
    return pa.Table.from_arrays(columns, schema=schema)


def plain(value: object) -> object:
    """``value`` as a plain Python value: missing values of any library become None."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and value != value:
        return None
    return value.item() if hasattr(value, "item") and not isinstance(value, (str, bytes)) else value


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of an Arrow-backed frame as dictionaries of plain Python values (decimals stay decimals)."""
    columns = {c: [plain(v) for v in frame[c].array] for c in frame.columns}
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
