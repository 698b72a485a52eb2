"""Codes and ids of references → ids of the same side, with a readable label beside each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import LCY_ID, SIDES, Field, Kind, Side
from d365kit.nouns.frames import arrow_of, column_of, to_arrow, to_frame

Frames = Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]


def resolve(
    kind: Kind,
    side: Side,
    frame: pd.DataFrame,
    whole: Frames,
    kinds: Mapping[str, Kind],
    unread: Collection[str] = (),
) -> pd.DataFrame:
    """Return ``frame`` with references by code turned into ids of the same side, and every reference labelled.

    ``whole`` holds the frames of all kinds that were read; a reference to one that was not keeps what it has.
    ``unread`` names the fields that were not asked for, of which nothing is known.
    """
    for f in kind.references:
        targets = [kinds[k] for k in f.refers_to if k in whole]
        ids, labels = arrow_of(frame[f.name]), arrow_of(frame[f.label_column])
        known, named = ids.null_count < len(ids), labels.null_count < len(labels)
        if side == "bc" and not f.bc and not known and named:
            frame[f.name] = column_of(_by_code(f, pc.utf8_upper(labels), targets, whole, frame))
        elif known and not named:
            frame[f.label_column] = column_of(_labels(ids, targets, whole, side))
    if side == "bc" and "currency" in whole and any("currency" in f.refers_to for f in kind.references):
        _name_local_currency(kind, frame, whole["currency"][0], unread)
    return to_frame(to_arrow(frame, kind.schema)) if kind.habits else frame


def _by_code(
    f: Field, codes: pa.ChunkedArray, targets: list[Kind], whole: Frames, frame: pd.DataFrame
) -> pa.ChunkedArray:
    """The BC ids of records with these codes; of several kinds, the one that ``target_by`` names counts."""
    found: pa.ChunkedArray = pa.chunked_array([pa.nulls(len(codes), pa.string())])
    told = pc.utf8_lower(arrow_of(frame[f.target_by])) if f.target_by else None
    for target in targets:
        ids = _looked_up(codes, whole[target.name][0], target.number_field or target.name_field, "id")
        if told is not None:
            ids = pc.if_else(pc.fill_null(pc.equal(told, target.name), False), ids, pa.scalar(None, pa.string()))
        found = pc.coalesce(found, ids)
    return found


def _labels(ids: pa.ChunkedArray, targets: list[Kind], whole: Frames, side: Side) -> pa.ChunkedArray:
    """What screens call the records with these ids: their code, else their name."""
    found: pa.ChunkedArray = pa.chunked_array([pa.nulls(len(ids), pa.string())])
    for target in targets:
        for column in (_code_field(target), target.name_field):
            found = pc.coalesce(
                found, _looked_up(ids, whole[target.name][SIDES.index(side)], column, "id", turned=True)
            )
    return found


def _code_field(target: Kind) -> str:
    """What a reference is called on screens: a code where the kind has one, but a customer by its name."""
    named = {f.name for f in target.fields if f.name == "code"}
    return "code" if named else target.name_field


def _looked_up(
    wanted: pa.ChunkedArray, frame: pd.DataFrame, column: str, ids: str, *, turned: bool = False
) -> pa.ChunkedArray:
    """The ids of the records whose ``column`` holds what is wanted; ``turned``: their ``column``, by their ids.

    Of several records that share it the first counts.
    """
    if column not in frame.columns:
        return pa.chunked_array([pa.nulls(len(wanted), pa.string())])
    key, value = (arrow_of(frame[c]) for c in ((ids, column) if turned else (column, ids)))
    rows = pc.index_in(wanted, value_set=key.combine_chunks(), skip_nulls=True)
    return value.take(rows).cast(pa.string())


def _name_local_currency(kind: Kind, frame: pd.DataFrame, currencies: pd.DataFrame, unread: Collection[str]) -> None:
    """BC's blank currency is the LCY, whether it came as the zero GUID or as no code at all (sync-rules.md D12)."""
    local = currencies.loc[currencies["id"] == LCY_ID, "code"]
    if not len(local):
        return
    for f in kind.references:
        if "currency" not in f.refers_to or "bc" in f.derived or f.name in unread:
            continue
        blank = frame[f.name].isna() & frame[f.label_column].isna()
        frame.loc[blank, f.name] = LCY_ID
        frame.loc[frame[f.name] == LCY_ID, f.label_column] = local.iloc[0]
