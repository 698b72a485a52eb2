"""Frame + column specs → normalised Arrow columns: each different value is worked out once, by helpers if many.

The different values of a group of source columns are cut into parts. A part is a record batch of texts whose
schema says which normalisers are wanted; `worked_out` turns it into a record batch of their results, here or in
a `worker` process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.compare.helpers import Helpers, default_workers
from d365kit.compare.registry import Value, arrow_type, normaliser
from d365kit.compare.text import LONGEST, as_text

#: From so many different values on, helper processes are worth their start.
MANY = 50_000
#: So many different values are one part of the work.
PART = 10_000

_TEXT = pa.string()


@dataclass(frozen=True)
class _Group:
    """The source columns that some specs share: their different values, and which of them each row has."""

    names: list[str]
    normalisers: list[str]
    different: list[pa.Array]
    rows: pa.Array

    def parts(self) -> list[pa.RecordBatch]:
        wanted = {b"normalisers": json.dumps(self.normalisers).encode()}
        schema = pa.schema([(str(n), _TEXT) for n in range(len(self.different))], metadata=wanted)
        whole = pa.record_batch(self.different, schema=schema)
        return [whole.slice(at, PART) for at in range(0, len(whole), PART)] or [whole]

    def columns(self, done: Sequence[pa.RecordBatch]) -> dict[str, pa.Array]:
        made = {}
        for at, name in enumerate(self.names):
            values = pa.chunked_array([batch.column(at) for batch in done], arrow_type(self.normalisers[at]))
            taken = values.combine_chunks().take(self.rows)
            made[name] = taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken
        return made


def columns(
    frame: pd.DataFrame, specs: Sequence[Mapping[str, object]], *, workers: int | None = None
) -> dict[str, pa.Array]:
    """The normalised column of every spec, as long as ``frame``.

    ``specs`` are the ``{name, of, by}`` entries of matching.toml. A field the frame lacks counts as missing
    everywhere. Many different values are shared out among ``workers`` processes (2 at most by default; 0 or 1:
    none), which changes the time but never the result. Raises SettingsError when there is no such normaliser.
    """
    groups = _groups(frame, specs)
    parts = [(group, part) for group in groups for part in group.parts()]
    size = sum(part.num_rows for _, part in parts)
    helpers = default_workers() if workers is None else workers
    with Helpers(helpers if size > MANY else 0, worked_out) as crew:
        done = crew.work([part for _, part in parts])
    made: dict[str, pa.Array] = {}
    for group in groups:
        made |= group.columns([batch for (owner, _), batch in zip(parts, done, strict=True) if owner is group])
    return {str(spec["name"]): made[str(spec["name"])] for spec in specs}


def _groups(frame: pd.DataFrame, specs: Sequence[Mapping[str, object]]) -> list[_Group]:
    shared: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for spec in specs:
        name, by, fields = str(spec["name"]), str(spec["by"]), spec["of"]
        normaliser(by)
        assert isinstance(fields, Sequence)
        shared.setdefault(tuple(map(str, fields)), []).append((name, by))
    groups = []
    coded: dict[str, pa.DictionaryArray] = {}
    for fields, wanted in shared.items():
        for field in fields:
            if field not in coded:
                coded[field] = _coded(frame, field)
        different, rows = _different([coded[field] for field in fields])
        groups.append(_Group([n for n, _ in wanted], [by for _, by in wanted], different, rows))
    return groups


def _coded(frame: pd.DataFrame, field: str) -> pa.DictionaryArray:
    """A source column as texts, each different one once."""
    if field not in frame.columns:
        return pa.DictionaryArray.from_arrays(pa.nulls(len(frame), pa.int32()), pa.array([], _TEXT))
    try:
        held = pa.array(frame[field], from_pandas=True)
    except (pa.ArrowException, UnicodeError, TypeError, ValueError, OverflowError):
        # Values of several types, or text that is no Unicode.
        held = pa.array([as_text(v) or None for v in frame[field]], _TEXT)
    if isinstance(held, pa.ChunkedArray):
        held = held.combine_chunks()
        if isinstance(held, pa.ChunkedArray):
            held = held.cast(pa.large_string()).combine_chunks()
    if pa.types.is_string(held.type) or pa.types.is_large_string(held.type):
        if (pc.max(pc.binary_length(held)).as_py() or 0) > LONGEST:
            held = pc.utf8_slice_codeunits(held, 0, LONGEST)
        return held.cast(_TEXT).dictionary_encode()
    if pa.types.is_dictionary(held.type):
        return _recoded(held)
    if pa.types.is_nested(held.type) or pa.types.is_null(held.type):
        return _texts(held).dictionary_encode()
    return _recoded(held.dictionary_encode())


def _recoded(held: pa.DictionaryArray) -> pa.DictionaryArray:
    """A dictionary of any type as one of different texts."""
    return _texts(held.dictionary).take(held.indices).dictionary_encode()


def _texts(held: pa.Array) -> pa.Array:
    """The values of an array as texts; one that Python cannot hold, such as a date before Christ, is missing."""
    try:
        plain = held.to_pylist()
    except (ValueError, OverflowError):
        plain = [_or_none(scalar) for scalar in held]
    return pa.array([as_text(v) or None for v in plain], _TEXT)


def _or_none(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return None


def _different(coded: Sequence[pa.DictionaryArray]) -> tuple[list[pa.Array], pa.Array]:
    """The different rows of some coded columns as one array of texts a column, and each row's place in them."""
    if len(coded) == 1:
        column = coded[0]
        if not column.indices.null_count:
            return [column.dictionary], column.indices
        last = len(column.dictionary)
        different = pa.concat_arrays([column.dictionary, pa.nulls(1, _TEXT)])
        return [different], pc.fill_null(column.indices, pa.scalar(last, column.indices.type))
    combined = np.zeros(len(coded[0]), np.int64)
    for column in coded:
        codes = pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy() + 1
        # Re-numbered after each column, so that the product of sizes always fits.
        combined = combined * (len(column.dictionary) + 1) + codes
        combined = pa.array(combined).dictionary_encode().indices.to_numpy().astype(np.int64)
    rows = pa.array(combined, pa.int64())
    first = np.zeros(int(combined.max(initial=-1)) + 1, np.int64)
    # Written from the back, so that the first row of each kind stays.
    first[combined[::-1]] = np.arange(len(combined) - 1, -1, -1)
    return [column.dictionary.take(column.indices.take(pa.array(first))) for column in coded], rows


def worked_out(part: pa.RecordBatch) -> pa.RecordBatch:
    """The results of the normalisers that the schema of ``part`` names, for each of its rows."""
    wanted = json.loads(part.schema.metadata[b"normalisers"])
    work = [normaliser(by) for by in wanted]
    results: list[list[Value]] = [[] for _ in wanted]
    adders = [(function, result.append) for function, result in zip(work, results, strict=True)]
    if part.num_columns == 1:
        # One row after the other, so that what two normalisers of a value share is still at hand.
        for value in part.column(0).to_pylist():
            for function, add in adders:
                add(function(value))
    else:
        for row in zip(*(c.to_pylist() for c in part.columns), strict=True):
            for function, add in adders:
                add(function(*row))
    arrays = [pa.array(result, arrow_type(by)) for result, by in zip(results, wanted, strict=True)]
    return pa.record_batch(arrays, names=[str(n) for n in range(len(wanted))])


def values(frame: pd.DataFrame, field: str) -> list[object]:
    """The values of a column as plain Python values, missing ones as None; all None when there is no such column."""
    if field not in frame.columns:
        return [None] * len(frame)
    return pa.array(frame[field], from_pandas=True).to_pylist()


def normalise(frame: pd.DataFrame, fields: Sequence[str], by: str) -> list[Value]:
    """The normalised values of ``fields`` of every row, by the normaliser called ``by``: one column of `columns`.

    Raises SettingsError when there is no such normaliser.
    """
    return columns(frame, [{"name": "value", "of": list(fields), "by": by}])["value"].to_pylist()
