"""Snapshot + ledger → the records that still want a partner, with their normalised columns (Pool)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
import pyarrow as pa

from d365kit.compare import LISTS, NUMBERS, normalise, values
from d365kit.kinds import SIDES, Kind, Side
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import plain


class Couplings(Protocol):
    """What matching asks of a ledger; every frame holds ids of records as text."""

    @property
    def position(self) -> int: ...

    def couplings(self, kind: str) -> pd.DataFrame: ...

    def rejected(self, kind: str) -> pd.DataFrame: ...

    def creates(self, kind: str) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Pool:
    """The uncoupled records of one kind: raw frames, ids in order, and normalised columns, by side.

    Row number ``n`` of ``frames[side]``, ``ids[side]`` and ``columns[side]`` is the same record; the order is
    that of the ids, so nothing that follows depends on the order in which rows were pulled.
    """

    kind: Kind
    frames: Mapping[Side, pd.DataFrame]
    ids: Mapping[Side, list[str]]
    columns: Mapping[Side, pa.Table]

    def size(self, side: Side) -> int:
        return len(self.ids[side])

    def has(self, side: Side, column: str) -> bool:
        """Whether any record of ``side`` has a value in the normalised ``column``."""
        table = self.columns[side]
        return column in table.column_names and table[column].null_count < len(table)


def pool(snapshot: Snapshot, ledger: Couplings, kind: Kind) -> Pool:
    """Gather the records of ``kind`` that are neither coupled nor marked to be created.

    Raises SettingsError when matching.toml names a normaliser or a reference that does not exist, and
    UnknownKind when the snapshot lacks the kind.
    """
    taken = _taken(ledger, kind.name)
    sides = snapshot[kind.name]
    frames: dict[Side, pd.DataFrame] = {}
    for side in SIDES:
        frame = sides.side(side)
        free = frame[~frame["id"].isin(taken[side]).astype(bool)]
        frames[side] = free.sort_values("id", kind="stable").drop_duplicates("id").reset_index(drop=True)
    columns = {side: _columns(frames[side], kind, side, ledger) for side in SIDES}
    ids = {side: [str(i) for i in frames[side]["id"]] for side in SIDES}
    return Pool(kind, frames, ids, columns)


def _taken(ledger: Couplings, kind: str) -> dict[Side, set[str]]:
    """The ids of each side that are coupled, or marked to get a partner made for them."""
    frames = (ledger.couplings(kind), ledger.creates(kind))
    taken: dict[Side, set[str]] = {}
    for side in SIDES:
        found = {plain(i) for frame in frames for i in frame[f"{side}_id"]}
        taken[side] = {str(i) for i in found if i}
    return taken


def _columns(frame: pd.DataFrame, kind: Kind, side: Side, ledger: Couplings) -> pa.Table:
    """The normalised columns of one side: those of matching.toml, and two for every reference."""
    made: dict[str, pa.Array] = {"unique_id": pa.array(range(len(frame)), pa.int64())}
    for spec in kind.match.get("columns", ()):  # type: ignore[attr-defined]
        found = normalise(frame, spec["of"], spec["by"])
        made[spec["name"]] = pa.array(found, _arrow_type(spec["by"]))
    for name in kind.match.get("references", ()):  # type: ignore[attr-defined]
        if name not in kind or not kind[name].is_reference:
            # Not in use in this company's modes; the catalogue was checked when it was read.
            if kind.match.get("by") == "evidence":
                made |= {
                    f"{name}_ref": pa.nulls(len(frame), pa.string()),
                    f"{name}_known": pa.nulls(len(frame), pa.bool_()),
                }
            continue
        made[f"{name}_ref"], made[f"{name}_known"] = _reference(frame, kind, name, side, ledger)
    return pa.table(made)


def _arrow_type(normaliser: str) -> pa.DataType:
    if normaliser in LISTS:
        return pa.list_(pa.string())
    return pa.float64() if normaliser in NUMBERS else pa.string()


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
