"""Snapshot + ledger → the records of a kind with their normalised columns (Pool), and which are taken."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.compare import columns, values
from d365kit.kinds import SIDES, Kind, Side
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import plain


def setting(kind: Kind, name: str, default: Any = ()) -> Any:
    """What matching.toml says of ``kind`` under ``name``."""
    return kind.match.get(name, default)


class Couplings(Protocol):
    """What matching asks of a ledger; every frame holds ids of records as text."""

    @property
    def position(self) -> int: ...

    def couplings(self, kind: str) -> pd.DataFrame: ...

    def rejected(self, kind: str) -> pd.DataFrame: ...

    def creates(self, kind: str) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Pool:
    """The records of one kind: raw frames, ids in order, and normalised columns, by side.

    Row number ``n`` of ``frames[side]``, ``ids[side]`` and ``columns[side]`` is the same record; the order is
    that of the ids, so nothing that follows depends on the order in which rows were pulled. ``inside`` is False for
    records that the mapping's filter leaves out: they only tell where a twin is hidden.
    """

    kind: Kind
    frames: Mapping[Side, pd.DataFrame]
    ids: Mapping[Side, pa.Array]
    inside: Mapping[Side, np.ndarray]
    columns: Mapping[Side, pa.Table]

    def size(self, side: Side) -> int:
        return len(self.ids[side])

    def has(self, side: Side, column: str) -> bool:
        """Whether any record of ``side`` has a value in the normalised ``column``."""
        table = self.columns[side]
        return column in table.column_names and table[column].null_count < len(table)

    def rows(self, side: Side, ids: Iterable[object]) -> np.ndarray:
        """The row numbers of ``ids``, -1 for those that are not there."""
        asked = pa.array([None if plain(i) is None else str(i) for i in ids], pa.string())
        found = pc.index_in(asked, value_set=self.ids[side])
        return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def pool(snapshot: Snapshot, ledger: Couplings, kind: Kind) -> Pool:
    """Gather the records of ``kind``, coupled or not, and normalise what is compared.

    Raises SettingsError when matching.toml names a normaliser or a reference that does not exist, and
    UnknownKind when the snapshot lacks the kind.
    """
    sides = snapshot[kind.name]
    frames: dict[Side, pd.DataFrame] = {}
    ids: dict[Side, pa.Array] = {}
    inside: dict[Side, np.ndarray] = {}
    for side in SIDES:
        held, outside = sides.side(side), sides.outside(side)
        frame = pd.concat([held, outside], ignore_index=True) if len(outside) else held
        takes_part = np.arange(len(frame)) < len(held)
        found = pa.array(frame["id"], pa.string(), from_pandas=True)
        found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        order = np.lexsort((~takes_part, pc.rank(found, tiebreaker="dense").to_numpy()))
        first = np.ones(len(order), dtype=bool)
        ordered = found.take(pa.array(order))
        if len(order) > 1:
            first[1:] = pc.not_equal(ordered[1:], ordered[:-1]).to_numpy(zero_copy_only=False)
        rows = order[first]
        frames[side] = frame.take(rows).reset_index(drop=True)
        ids[side] = found.take(pa.array(rows))
        inside[side] = takes_part[rows]
    columns = {side: _columns(frames[side], kind, side, ledger) for side in SIDES}
    return Pool(kind, frames, ids, inside, columns)


def sample(pool: Pool, side: Side, share: float) -> np.ndarray:
    """Which records of ``side`` belong to a sample of this share: by their ids, so that others do not change it."""
    numbers = np.fromiter((zlib.crc32(i.encode()) for i in pool.ids[side].to_pylist()), np.uint32, pool.size(side))
    return numbers < share * 2.0**32


def _columns(frame: pd.DataFrame, kind: Kind, side: Side, ledger: Couplings) -> pa.Table:
    """The normalised columns of one side: those of matching.toml, and two for every reference."""
    made: dict[str, pa.Array] = {"unique_id": pa.array(np.arange(len(frame)), pa.int64())}
    made |= columns(frame, setting(kind, "columns"))
    for name in setting(kind, "references"):
        if name not in kind or not kind[name].is_reference:
            # Not in use in this company's modes; the catalogue was checked when it was read.
            if setting(kind, "by") == "evidence":
                made |= {
                    f"{name}_ref": pa.nulls(len(frame), pa.string()),
                    f"{name}_known": pa.nulls(len(frame), pa.bool_()),
                }
            continue
        made[f"{name}_ref"], made[f"{name}_known"] = _reference(frame, kind, name, side, ledger)
    return pa.table(made)


def _reference(
    frame: pd.DataFrame, kind: Kind, name: str, side: Side, ledger: Couplings
) -> tuple[pa.Array, pa.Array]:
    """What a reference points to, in ids that agree across the sides where coupled, and whether it is coupled.

    A BC id becomes the id of its coupled partner; without one it is marked so that it equals no id of the
    other side.
    """
    refers_to = kind[name].refers_to
    partners: dict[str, str] = {}
    for target in refers_to:
        frame_of = ledger.couplings(target)
        partners |= {str(b): str(d) for b, d in zip(frame_of["bc_id"], frame_of["dv_id"], strict=True)}
    coupled = set(partners) if side == "bc" else set(partners.values())
    held = [str(v) if v else None for v in values(frame, name)]
    if side == "bc":
        refs = [None if v is None else partners.get(v, f"bc:{v}") for v in held]
    else:
        refs = held
    return pa.array(refs, pa.string()), pa.array([None if v is None else v in coupled for v in held], pa.bool_())
