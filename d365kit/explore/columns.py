"""Frames of a snapshot → Arrow columns, and the few questions every look asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import SIDES, Catalogue, Field, Kind, Side
from d365kit.nouns import Sides, Snapshot


class Decided(Protocol):
    """What the looks ask of a ledger: the couplings, and the records a partner is to be made for."""

    def couplings(self, kind: str | None = None) -> pd.DataFrame: ...

    def creates(self, kind: str | None = None) -> pd.DataFrame: ...


def held(snapshot: Snapshot, catalogue: Catalogue) -> Iterator[tuple[Kind, Sides]]:
    """The kinds of the catalogue that the snapshot holds, in the order of work."""
    for kind in catalogue:
        if kind.name in snapshot:
            yield kind, snapshot[kind.name]


def each_side(snapshot: Snapshot, catalogue: Catalogue) -> Iterator[tuple[Kind, Side, pd.DataFrame]]:
    """Each held kind on each side, with the records that take part."""
    for kind, sides in held(snapshot, catalogue):
        for side in SIDES:
            yield kind, side, sides.side(side)


def column(frame: pd.DataFrame, name: str) -> pa.ChunkedArray:
    """A column as Arrow; all missing where the frame has no such column."""
    if name not in frame.columns:
        return pa.chunked_array([pa.nulls(len(frame), pa.string())])
    made = pa.array(frame[name], from_pandas=True)
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])


def texts(frame: pd.DataFrame, name: str) -> pa.ChunkedArray:
    """A column as Arrow text."""
    found = column(frame, name)
    return found if pa.types.is_string(found.type) else pc.cast(found, pa.string())


def floats(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column of amounts as floats, NaN where missing: for sums on a screen, never for comparing."""
    found = column(frame, name)
    if pa.types.is_string(found.type):
        return np.full(len(frame), np.nan)
    return pc.cast(found, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype("float64")


def is_in(frame: pd.DataFrame, ids: pd.Series | list[str]) -> np.ndarray:
    """Which records of ``frame`` have one of ``ids``."""
    wanted = pa.array([i for i in ids if isinstance(i, str) and i], pa.string())
    return pc.is_in(texts(frame, "id"), value_set=wanted).to_numpy(zero_copy_only=False).astype(bool)


def has_place(field: Field, frame: pd.DataFrame, side: Side) -> bool:
    """Whether ``side`` can hold the field at all: it has a name there, or something was found."""
    return field.has_place(side) or column(frame, field.name).null_count < len(frame)


def shown_value(field: Field) -> str:
    """The column a person reads: a reference's label, else the field itself."""
    return field.label_column if field.is_reference else field.name
