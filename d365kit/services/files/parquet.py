"""Bytes of a Parquet file → rows of cells, the columns' names first."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from d365kit.errors import SettingsError


def read_parquet(path: Path, data: bytes) -> list[list[object]]:
    """Return the names of the columns, then the rows.

    Raises SettingsError when the file is damaged.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise SettingsError(f"{path} is no whole Parquet file ({problem}).", "Write it again.") from problem
    columns = [column.to_pylist() for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return [list(table.column_names), *rows]
