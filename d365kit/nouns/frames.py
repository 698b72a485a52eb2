"""Frames with declared columns: Arrow-backed pandas in, Arrow-backed pandas out, also when empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import pyarrow as pa


def to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow-backed frame of ``table``; missing values are ``pd.NA`` in every column."""
    columns = dict(zip(table.column_names, map(column_of, table.columns), strict=True))
    return pd.DataFrame(columns, copy=False) if columns else table.to_pandas()


def column_of(values: pa.Array | pa.ChunkedArray) -> pd.api.extensions.ExtensionArray:
    """Arrow values as a frame's column, without copying them."""
    return pd.arrays.ArrowExtensionArray(values)


def arrow_of(column: pd.Series) -> pa.ChunkedArray:
    """The Arrow values behind a frame's column, without copying them."""
    values = column.array
    made = values.__arrow_array__() if hasattr(values, "__arrow_array__") else _of_objects(column)
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])


def _of_objects(column: pd.Series) -> pa.Array:
    """Python values as Arrow values; where they are of several types, or of none that Arrow has, as text."""
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError):
        found = (plain(value) for value in column)
        return pa.array([None if value is None else str(value) for value in found], pa.string())


def table_of(frame: pd.DataFrame) -> pa.Table:
    """The Arrow table behind ``frame``, with its columns as they are."""
    return pa.table({str(name): arrow_of(column) for name, column in frame.items()})


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
            values = arrow_of(frame[f.name])
            columns.append(values if values.type == f.type else values.cast(f.type))
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
