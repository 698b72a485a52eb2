"""A kind's frames → the records that take part, and the others with the reason (the mapping's filters)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import translate

import pandas as pd
import pyarrow as pa

from d365kit.kinds import SIDES, Kind, Side
from d365kit.nouns import Sides


def in_scope(
    kind: Kind,
    bc: pd.DataFrame,
    dv: pd.DataFrame,
    facts: Mapping[str, str],
    unread: Mapping[Side, Collection[str]] | None = None,
) -> Sides:
    """Split both frames by the kind's filters; ``{company}`` in a filter is our company's row in Dataverse.

    ``unread`` names by side the fields of which nothing is known: a filter on one of those lets every record pass.
    """
    parts: dict[str, pd.DataFrame] = {}
    for side, frame in zip(SIDES, (bc, dv), strict=True):
        reasons = pd.Series(pd.NA, index=frame.index, dtype=pd.ArrowDtype(pa.string()))
        for condition in kind.source(side).scope:
            if condition["field"] in (unread or {}).get(side, ()):
                continue
            fails = _fails(frame, condition, facts) & reasons.isna()
            reasons[fails] = str(condition["reason"])
        inside = reasons.isna()
        parts[side] = frame[inside].reset_index(drop=True)
        parts[f"{side}_outside"] = frame[~inside].assign(outside=reasons[~inside]).reset_index(drop=True)
    return Sides(kind.name, parts["bc"], parts["dv"], parts["bc_outside"], parts["dv_outside"])


def _fails(frame: pd.DataFrame, condition: Mapping[str, object], facts: Mapping[str, str]) -> pd.Series:
    column = frame[condition["field"]]
    for test in ("like", "unlike"):
        if test in condition:
            texts = column.astype(str).where(column.notna(), "")
            like = texts.str.fullmatch(translate(str(condition[test])), case=False)
            return (~like if test == "like" else like).astype(bool)
    wanted: list[object] = list(condition["in"])  # type: ignore[call-overload]
    if "{company}" in wanted and not facts.get("company"):
        return pd.Series(False, index=frame.index)
    allowed = [v.format(**facts) if isinstance(v, str) else v for v in wanted]
    texts = column.astype(str).str.lower()
    meets = texts.isin([str(v).lower() for v in allowed if v != ""])
    if pa.types.is_decimal(column.dtype.pyarrow_dtype):
        numbers = {float(str(v)) for v in allowed if v != ""}
        meets = column.astype("float64[pyarrow]").isin(numbers)
    return ~(meets.where(column.notna(), "" in allowed).astype(bool))
