"""Snapshot and ledger → how much of each kind is coupled, by records and by money."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from d365kit.explore.columns import Decided, each_side, is_in
from d365kit.explore.money import in_local_currency, measures
from d365kit.kinds import SIDES, Catalogue
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import from_rows

COVERAGE_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("measure", pa.string()), ("unit", pa.string()),
     ("total", pa.float64()), ("coupled", pa.float64()), ("to_create", pa.float64()), ("free", pa.float64()),
     ("share", pa.float64()), ("not_converted", pa.int64())]
)  # fmt: skip

RECORDS = "records"


def coverage(snapshot: Snapshot, ledger: Decided, catalogue: Catalogue) -> pd.DataFrame:
    """Per kind, side and measure: how much is coupled, to be created on the other side, and free.

    ``measure`` is “records”, or a field such as credit_limit; money is in the local currency (``unit``), and
    ``not_converted`` counts the records whose amount has no known rate, which no sum includes. ``share`` is coupled
    by total, missing when there is nothing. Records that take part count, no others.
    """
    coupled, creates = _by_kind(ledger.couplings()), _by_kind(ledger.creates())
    unit = snapshot.facts.get("local_currency", "") or "LCY"
    rows = []
    for kind, side, frame in each_side(snapshot, catalogue):
        paired = is_in(frame, coupled.get(kind.name, {}).get(side, []))
        made = is_in(frame, creates.get(kind.name, {}).get(side, [])) & ~paired
        row: dict[str, object] = {"kind": kind.name, "side": side, "measure": RECORDS, "unit": ""}
        rows.append(row | _sums(np.ones(len(frame)), paired, made))
        for field in measures(kind):
            if not field.has_place(side):
                continue
            values = in_local_currency(snapshot, kind, side, frame, field)
            asked = frame[field.name].notna().to_numpy() if field.name in frame else np.zeros(len(frame), bool)
            unknown = int((np.isnan(values) & asked).sum())
            money: dict[str, object] = {"kind": kind.name, "side": side, "measure": field.name, "unit": unit}
            rows.append(money | _sums(np.nan_to_num(values), paired, made) | {"not_converted": unknown})
    return from_rows(rows, COVERAGE_COLUMNS)


def _sums(values: np.ndarray, paired: np.ndarray, made: np.ndarray) -> dict[str, object]:
    total, coupled, to_create = (float(values[m].sum()) for m in (np.ones(len(values), bool), paired, made))
    return {
        "total": total, "coupled": coupled, "to_create": to_create, "free": total - coupled - to_create,
        "share": coupled / total if total > 0 else None, "not_converted": 0,
    }  # fmt: skip


def _by_kind(pairs: pd.DataFrame) -> Mapping[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for kind, rows in pairs.groupby("kind") if len(pairs) else ():
        found[str(kind)] = {side: [str(i) for i in rows[f"{side}_id"].dropna()] for side in SIDES}
    return found
