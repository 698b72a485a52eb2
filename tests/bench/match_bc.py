"""What Business Central's own match-based coupling finds in a set, read generously → its figures as one line of JSON.

It couples records whose chosen fields are equal, by up to seven priorities, first priority first, and only where
exactly one free record on each side has the value. Letters' size and blanks at the ends do not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tests.bench.measured import Meter, tell
from tests.bench.sets import score

#: The seven priorities of a kind: the fields that must be equal.
PRIORITIES = {
    "customer": [["vat"], ["number"], ["name", "city"], ["name", "postcode"], ["regno"], ["email"], ["phone"]],
    "item": [["gtin"], ["number"], ["name"], ["vendor_no", "price"], ["name", "brand"],
             ["name", "price"], ["vendor_no", "cost"]],
    "contact": [["regno"], ["given_name", "surname", "dob"], ["given_name", "surname", "postcode"],
                ["surname", "dob"], ["given_name", "dob"], ["surname", "address"], ["given_name", "surname"]],
}  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.match_bc", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", required=True, choices=PRIORITIES)
    options = parser.parse_args(words)
    meter = Meter()
    left, right = (pd.read_csv(options.folder / f"{side}.csv", dtype=str) for side in ("left", "right"))
    with meter.running():
        pairs = couple(left, right, PRIORITIES[options.kind])
    return tell({"matcher": "Business Central's way", **meter.figures(), **score(options.folder, pairs)})


def couple(left: pd.DataFrame, right: pd.DataFrame, priorities: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Pairs of ids; a priority with a field that a file lacks is passed over."""
    free = [f.set_index("id").apply(lambda c: c.str.strip().str.casefold()) for f in (left, right)]
    found = [pd.DataFrame({"left_id": [], "right_id": []}, dtype=str)]
    for fields in priorities:
        if all(field in frame for frame in free for field in fields):
            alone = [f[fields].dropna().drop_duplicates(keep=False).reset_index() for f in free]
            now = alone[0].merge(alone[1], on=fields, suffixes=("_left", "_right"))
            now = now.rename(columns={"id_left": "left_id", "id_right": "right_id"})[["left_id", "right_id"]]
            found.append(now)
            free = [f.drop(index=now[column]) for f, column in zip(free, ("left_id", "right_id"), strict=True)]
    return pd.concat(found, ignore_index=True)


if __name__ == "__main__":
    raise SystemExit(main())
