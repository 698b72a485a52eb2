"""Unlocks: what coupling or fixing one thing would free, in records and in money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from d365kit.nouns.frames import empty, records

#: One row per thing to do. ``do`` is couple or fix; ``check`` is the check that failed, missing for couple.
#: ``frees``: records of which this is the only cause; ``holds_up``: all records it stops, others may stop them too.
#: ``by_kind`` tells the freed records as text. ``amount``: their money in the local currency, missing where none is
#: known.
UNLOCK_COLUMNS = pa.schema(
    [
        ("do", pa.string()),
        ("kind", pa.string()),
        ("bc_id", pa.string()),
        ("dv_id", pa.string()),
        ("name", pa.string()),
        ("check", pa.string()),
        ("frees", pa.int64()),
        ("holds_up", pa.int64()),
        ("by_kind", pa.string()),
        ("amount", pa.decimal128(38, 2)),
        ("fix", pa.string()),
    ]
)


@dataclass(frozen=True)
class Unlocks:
    """What to do, what frees most first. ``frame`` has `UNLOCK_COLUMNS`, ordered by amount and then by records.

    ``stopped`` counts the stopped records by kind, ``about`` is the kind it was asked for (``""``: all), ``currency``
    is the local currency (``""`` when not known), and ``notes`` say what is not in the amounts.
    """

    snapshot_id: str
    ledger_position: int
    frame: pd.DataFrame = field(default_factory=lambda: empty(UNLOCK_COLUMNS))
    stopped: Mapping[str, int] = field(default_factory=dict)
    about: str = ""
    currency: str = ""
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; amounts are texts, so that no digit is lost."""
        rows = [{**r, "amount": None if r["amount"] is None else str(r["amount"])} for r in records(self.frame)]
        return {
            "snapshot": self.snapshot_id,
            "ledger_position": self.ledger_position,
            "about": self.about,
            "currency": self.currency,
            "stopped": dict(self.stopped),
            "notes": list(self.notes),
            "unlocks": rows,
        }

    def __len__(self) -> int:
        return len(self.frame)

    def __str__(self) -> str:
        count = sum(self.stopped.values())
        if not count:
            return "Nothing is stopped."
        single = int((self.frame["frees"] > 0).sum())
        records_ = "1 record is" if count == 1 else f"{count:,} records are"
        things = "1 thing" if len(self) == 1 else f"{len(self):,} things"
        return f"{records_} stopped by {things}; {single:,} of these would free records by themselves"

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.unlocks(self)
