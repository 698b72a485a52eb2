"""Codes and ids of references → ids of the same side, with a readable label beside each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from d365kit.kinds import LCY_ID, SIDES, Field, Kind, Side
from d365kit.nouns.frames import to_arrow, to_frame

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
        label = frame[f.label_column]
        by_code = side == "bc" and not f.bc and not frame[f.name].notna().any()
        if by_code and label.notna().any():
            ids = _by_code(f, label.str.upper(), targets, whole, frame)
            frame[f.name] = ids.astype(frame[f.name].dtype)
        elif frame[f.name].notna().any() and not label.notna().any():
            names: dict[str, str] = {}
            for target in targets:
                part = whole[target.name][SIDES.index(side)]
                for column in (target.name_field, _code_field(target)):
                    names |= dict(_known(part, "id", column))
            frame[f.label_column] = frame[f.name].map(names).astype(label.dtype)
    if side == "bc" and "currency" in whole and any("currency" in f.refers_to for f in kind.references):
        _name_local_currency(kind, frame, whole["currency"][0], unread)
    return to_frame(to_arrow(frame, kind.schema))


def _by_code(f: Field, codes: pd.Series, targets: list[Kind], whole: Frames, frame: pd.DataFrame) -> pd.Series:
    """The BC ids of records with these codes; of several kinds, the one that ``target_by`` names counts."""
    found = pd.Series(None, index=codes.index, dtype=object)
    told = frame[f.target_by].str.lower() if f.target_by else None
    for target in targets:
        ids = codes.map(dict(_known(whole[target.name][0], target.number_field or target.name_field, "id")))
        ids = ids.astype(object).where(ids.notna(), None)
        mine = ids.notna() & found.isna()
        if told is not None:
            mine &= (told == target.name).fillna(False).astype(bool)
        found = found.mask(mine, ids)
    return found


def _code_field(target: Kind) -> str:
    """What a reference is called on screens: a code where the kind has one, but a customer by its name."""
    named = {f.name for f in target.fields if f.name == "code"}
    return "code" if named else target.name_field


def _known(frame: pd.DataFrame, key: str, value: str) -> list[tuple[str, str]]:
    """(key, value) of each record that has both, the first of those with one key; last to first, for a dict."""
    if key not in frame.columns or value not in frame.columns:
        return []
    both = frame[frame[key].notna() & frame[value].notna()]
    pairs = zip(both[key].astype(object), both[value].astype(object), strict=True)
    return list(pairs)[::-1]


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
