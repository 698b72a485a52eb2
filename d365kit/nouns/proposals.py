"""Proposals: for every uncoupled record of a kind, its ranked candidates on the other side, or none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from d365kit.nouns.frames import empty, from_rows
from d365kit.nouns.ledger_lines import Pair

if TYPE_CHECKING:
    from d365kit.show.plot import Plot

BANDS = ("certain", "likely", "unsure", "nothing found")

#: Why the rule “exact” left a record free; each such ``reason`` begins with one of these and a colon.
NO_CRITERIA = "no criteria"
NO_MATCH = "no match"
SEVERAL = "several"
ALREADY_COUPLED = "already coupled"
REASONS = (NO_CRITERIA, NO_MATCH, SEVERAL, ALREADY_COUPLED)

#: One row per candidate pair, plus one row per record without any candidate (its other id is missing).
#: ``rank`` 1 is the best candidate of that BC record; ``chosen`` marks the pair the one-to-one step
#: assigned. ``score`` is the sum of the evidence's weights (log2), ``margin`` its lead over the runner-up of
#: either record, or over having no partner, ``reason`` one line in words, ``runner_up`` why the next
#: candidate lost, ``settles`` which single value would make the pair certain. ``evidence`` is JSON: a list of
#: {"field", "bc", "dv", "level", "weight"}. ``fingerprint`` changes when a compared value changes.
PROPOSAL_COLUMNS = pa.schema(
    [
        ("bc_id", pa.string()),
        ("dv_id", pa.string()),
        ("bc_name", pa.string()),
        ("dv_name", pa.string()),
        ("band", pa.string()),
        ("rank", pa.int64()),
        ("chosen", pa.bool_()),
        ("score", pa.float64()),
        ("probability", pa.float64()),
        ("margin", pa.float64()),
        ("reason", pa.string()),
        ("runner_up", pa.string()),
        ("settles", pa.string()),
        ("evidence", pa.string()),
        ("fingerprint", pa.string()),
    ]
)


@dataclass(frozen=True)
class Proposals:
    """What `match.propose` found for one kind; nothing in it is accepted yet."""

    kind: str
    snapshot_id: str
    ledger_position: int
    frame: pd.DataFrame = field(default_factory=lambda: empty(PROPOSAL_COLUMNS))

    @classmethod
    def from_rows(cls, kind: str, snapshot_id: str, ledger_position: int, rows: list[dict]) -> Proposals:
        return cls(kind, snapshot_id, ledger_position, from_rows(rows, PROPOSAL_COLUMNS))

    def chosen(self, band: str | None = None) -> pd.DataFrame:
        """The pairs the one-to-one step assigned, of one band or of all; at most one a record."""
        rows = self.frame[self.frame["chosen"].fillna(False).astype(bool)]
        return rows if band is None else rows[rows["band"] == band]

    def without_partner(self, side: str) -> pd.DataFrame:
        """The records of ``side`` for which nothing was found."""
        mine, other = f"{side}_id", "dv_id" if side == "bc" else "bc_id"
        return self.frame[self.frame[mine].notna() & self.frame[other].isna()]

    def perhaps_new(self, side: str) -> pd.DataFrame:
        """The records of ``side`` for which nothing was found, without those that may well be on the other side.

        The rule “exact” says “no criteria” of a record it had nothing to compare by, and “already coupled” or
        “several” where there were matches; who makes such records anew makes doubles.
        """
        rows = self.without_partner(side)
        return rows[~_why(rows).isin([NO_CRITERIA, SEVERAL, ALREADY_COUPLED])]

    def reasons(self, side: str = "bc") -> dict[str, int]:
        """How many records of ``side`` the rule “exact” left free for each of its four reasons; each counts once."""
        rows = self.frame[self.frame[f"{side}_id"].notna()]
        settled = rows.loc[rows["chosen"].fillna(False).astype(bool), f"{side}_id"]
        # The best candidate speaks for a record that has several.
        rows = (
            rows[~rows[f"{side}_id"].isin(settled)].sort_values("rank", kind="stable").drop_duplicates(f"{side}_id")
        )
        found = _why(rows).value_counts()
        return {reason: int(found.get(reason, 0)) for reason in REASONS}

    def pairs(self, band: str) -> list[Pair]:
        """The chosen pairs of a band, ready for the ledger."""
        rows = self.chosen(band)
        # Both are missing where proposals were made without details.
        known = rows.assign(evidence=rows["evidence"].fillna("[]"), fingerprint=rows["fingerprint"].fillna(""))
        return [
            Pair(r.bc_id, r.dv_id, float(r.score), r.band, json.loads(r.evidence), r.fingerprint)
            for r in known.itertuples()
        ]

    def counts(self) -> dict[str, int]:
        """How many pairs are in each band; “nothing found” counts BC records, “only in Sales” DV records."""
        chosen = self.chosen()
        counts = {band: int((chosen["band"] == band).sum()) for band in BANDS[:3]}
        # A BC record with candidates but no assigned partner is unsure: somebody has to look.
        with_candidates = set(self.frame.loc[self.frame["dv_id"].notna(), "bc_id"].dropna())
        counts["unsure"] += len(with_candidates - set(chosen["bc_id"]))
        counts["nothing found"] = len(self.without_partner("bc"))
        counts["only in Sales"] = len(self.without_partner("dv"))
        return counts

    def histogram(self, by: str = "probability") -> Plot:
        """How probable the best candidate of each BC record is, stacked by band, or ``by`` its “score” in bits.

        Raises SettingsError for another ``by``.
        """
        from d365kit.show import histogram

        return histogram.histogram(self, by)

    def waterfall(self, bc_id: str, dv_id: str | None = None) -> Plot:
        """What each comparison of one pair says, from the odds before to the end; without ``dv_id`` of the best.

        The best is the chosen candidate, or else the first. Raises UnknownRecord for a record that is not among the
        proposals or not a candidate, and SettingsError when they were made without details.
        """
        from d365kit.show import waterfall

        return waterfall.waterfall(self, bc_id, dv_id)

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "snapshot": self.snapshot_id,
            "ledger_position": self.ledger_position,
            "counts": self.counts(),
        }

    def __str__(self) -> str:
        return f"{self.kind}: " + ", ".join(f"{n:,} {band}" for band, n in self.counts().items())

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.proposals(self)


def _why(rows: pd.DataFrame) -> pd.Series:
    """What the reasons of rows begin with."""
    return rows["reason"].astype("string").str.split(":", n=1).str[0]
