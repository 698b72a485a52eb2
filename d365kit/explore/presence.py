"""Snapshot → what is where: records that take part and are left out, and when they were last changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from d365kit.explore.columns import column, each_side
from d365kit.kinds import SIDES, Catalogue
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import from_rows

READ, EMPTY, NOT_READ = "read", "read, nothing there", "not read"

WHERE_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("taking_part", pa.int64()), ("left_out", pa.int64()),
     ("state", pa.string())]
)  # fmt: skip
OUTSIDE_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("reason", pa.string()), ("records", pa.int64()),
     ("share", pa.float64())]
)  # fmt: skip
AGE_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("age", pa.string()), ("records", pa.int64()),
     ("share", pa.float64()), ("newest", pa.timestamp("us", tz="UTC"))]
)  # fmt: skip

#: Longest age in days → what it is called; what has no time of change comes last.
AGES: tuple[tuple[float, str], ...] = (
    (1, "a day"), (7, "a week"), (31, "a month"), (92, "a quarter"), (366, "a year"), (float("inf"), "longer"),
)  # fmt: skip
UNKNOWN_AGE = "not said"


def where(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """Per kind and side: records taking part and left out (missing when the kind was not read), and the state.

    ``state`` tells “nothing there” from “not read”.
    """
    rows: list[dict[str, object]] = []
    for kind in catalogue:
        for side in SIDES:
            row: dict[str, object] = {"kind": kind.name, "side": side, "state": NOT_READ}
            if kind.name in snapshot:
                sides = snapshot[kind.name]
                inside, outside = len(sides.side(side)), len(sides.outside(side))
                row |= {"taking_part": inside, "left_out": outside, "state": READ if inside + outside else EMPTY}
            rows.append(row)
    return from_rows(rows, WHERE_COLUMNS)


def outside(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """Per kind, side and reason: how many records the mapping's filter leaves out; share of all on that side."""
    rows: list[dict[str, object]] = []
    for kind in catalogue:
        if kind.name not in snapshot:
            continue
        sides = snapshot[kind.name]
        for side in SIDES:
            left_out = sides.outside(side)
            if not len(left_out):
                continue
            total = len(left_out) + len(sides.side(side))
            for reason, number in left_out["outside"].value_counts().items():
                rows.append(
                    {"kind": kind.name, "side": side, "reason": str(reason), "records": int(number),
                     "share": int(number) / total}
                )  # fmt: skip
    return from_rows(rows, OUTSIDE_COLUMNS)


def ages(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """Per kind, side and age: how many records were last changed within it, before the snapshot was taken.

    ``newest`` is the latest change of that kind and side (UTC). Kinds without times, such as the values of a
    choice column, have one row of age “not said”.
    """
    taken = pd.Timestamp(snapshot.taken_at)
    taken = taken.tz_convert("UTC") if taken.tzinfo else taken.tz_localize("UTC")
    rows: list[dict[str, object]] = []
    for kind, side, frame in each_side(snapshot, catalogue):
        if not len(frame):
            continue
        times = column(frame, "modified_on")
        known = pd.Series(
            times.drop_null().cast(pa.timestamp("us", tz="UTC")).to_numpy(), dtype="datetime64[us]"
        ).dt.tz_localize("UTC")
        days = ((taken - known).dt.total_seconds() / 86_400).to_numpy()
        bands = np.searchsorted([limit for limit, _ in AGES], days, side="left")
        counts = np.bincount(bands, minlength=len(AGES))
        newest = known.max() if len(known) else None
        named = [*zip((name for _, name in AGES), counts.tolist(), strict=True), (UNKNOWN_AGE, times.null_count)]
        rows += [
            {"kind": kind.name, "side": side, "age": name, "records": number, "share": number / len(frame),
             "newest": newest}
            for name, number in named if number
        ]  # fmt: skip
    return from_rows(rows, AGE_COLUMNS)
