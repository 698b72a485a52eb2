"""Amounts of a kind's records → the same in the local currency, as far as the rates are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from d365kit.explore.columns import floats, texts
from d365kit.kinds import Field, Kind, Side
from d365kit.nouns import Snapshot

#: What BC keeps in the local currency, whatever the record's own currency is: “Credit Limit (LCY)”,
#: “Balance (LCY)” (fields.csv, CUSTOMER). Everything else is in the record's currency.
LOCAL_ON_BC = frozenset({"credit_limit", "balance", "balance_due"})
#: Amounts whose sum says nothing about how much is at stake.
NO_STAKES = ("price", "cost", "discount", "tax", "vat", "rate", "percent", "freight")
#: So many measures of money a kind has on screens at most.
MEASURES = 2


def measures(kind: Kind) -> list[Field]:
    """The amounts of a kind that add up to something: credit limits, balances, totals; not prices or taxes."""
    found = [f for f in kind.fields if f.type == "amount" and not any(word in f.name for word in NO_STAKES)]
    return found[:MEASURES]


def in_local_currency(snapshot: Snapshot, kind: Kind, side: Side, frame: pd.DataFrame, field: Field) -> np.ndarray:
    """The field of every record in LCY as floats; NaN where it is missing or its currency has no rate."""
    values = floats(frame, field.name)
    if side == "bc" and (field.name in LOCAL_ON_BC or _currency_of(kind) is None):
        return values
    rates = _per_local(snapshot, side)
    reference = _currency_of(kind)
    if reference is None:
        base = rates.get("")
        return values * base if base is not None else np.full(len(frame), np.nan)
    ids = texts(frame, reference.name).dictionary_encode().combine_chunks()
    known = np.array([rates.get(i, np.nan) for i in ids.dictionary.to_pylist()] or [np.nan])
    at = pc.fill_null(ids.indices, -1).to_numpy(zero_copy_only=False)
    return values * np.where(at >= 0, known[np.maximum(at, 0)], np.nan)


def _currency_of(kind: Kind) -> Field | None:
    return next((f for f in kind.references if "currency" in f.refers_to), None)


def _per_local(snapshot: Snapshot, side: Side) -> dict[str, float]:
    """LCY per unit of each currency by its id on ``side``; under ``""`` the base currency of Dataverse.

    Both sides' rates are units per unit of the base currency (sync-rules.md D5, D6).
    """
    if "currency" not in snapshot:
        return {}
    frame = snapshot["currency"].everything(side)
    local_code = snapshot.facts.get("local_currency", "")
    codes, ids = texts(frame, "code").to_pylist(), texts(frame, "id").to_pylist()
    units = dict(zip(codes, floats(frame, "rate").tolist(), strict=True))
    local = units.get(local_code, float("nan"))
    if local_code and local_code == snapshot.facts.get("base_currency", ""):
        local = 1.0
    found = {i: local / units[c] for i, c in zip(ids, codes, strict=True) if units[c] and units[c] == units[c]}
    found |= {i: 1.0 for i, c in zip(ids, codes, strict=True) if c and c == local_code}
    if local == local:
        found[""] = local
    return {i: rate for i, rate in found.items() if rate == rate}
