"""Findings: what the checks found, one row per failed check and record, and what was checked at all."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from d365kit.nouns.frames import empty

SEVERITIES = ("critical", "warning", "info")

#: States of a check that neither passed nor failed: there was no record it is about; there is a field it is
#: about that no service could be asked for, so that a blank there means nothing.
NOTHING = "nothing to check"
NOT_ASKED = "could not be asked"

#: One row per check and record. ``check`` is suite/name; ``rules`` are the rule numbers of the domain,
#: joined by a space. Ids are missing where that side has no record. ``bc_value`` and ``dv_value`` are texts.
FINDING_COLUMNS = pa.schema(
    [
        ("check", pa.string()),
        ("suite", pa.string()),
        ("rules", pa.string()),
        ("severity", pa.string()),
        ("kind", pa.string()),
        ("bc_id", pa.string()),
        ("dv_id", pa.string()),
        ("bc_name", pa.string()),
        ("dv_name", pa.string()),
        ("field", pa.string()),
        ("bc_value", pa.string()),
        ("dv_value", pa.string()),
        ("message", pa.string()),
        ("fix", pa.string()),
        ("owner", pa.string()),
    ]
)

#: One row per check that was asked for. ``state`` is passed, failed, NOTHING or NOT_ASKED.
COVERAGE_COLUMNS = pa.schema(
    [
        ("check", pa.string()),
        ("suite", pa.string()),
        ("rules", pa.string()),
        ("severity", pa.string()),
        ("kind", pa.string()),
        ("checked", pa.int64()),
        ("failed", pa.int64()),
        ("state", pa.string()),
    ]
)


@dataclass(frozen=True)
class Findings:
    """The outcome of `check.findings`: failed checks by record, and the coverage of all checks."""

    snapshot_id: str
    ledger_position: int
    frame: pd.DataFrame = field(default_factory=lambda: empty(FINDING_COLUMNS))
    coverage: pd.DataFrame = field(default_factory=lambda: empty(COVERAGE_COLUMNS))

    def at_least(self, severity: str) -> pd.DataFrame:
        """Findings of ``severity`` and of everything worse."""
        worse = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return self.frame[self.frame["severity"].isin(worse)]

    def gate(self, kind: str) -> dict[tuple[str, str], tuple[str, ...]]:
        """The critical checks that stop each record of ``kind``: ("bc" or "dv", id) → check names."""
        stops: dict[tuple[str, str], list[str]] = {}
        rows = self.frame[(self.frame["kind"] == kind) & (self.frame["severity"] == "critical")]
        for row in rows.itertuples():
            for side in ("bc", "dv"):
                record = getattr(row, f"{side}_id")
                if isinstance(record, str) and record:
                    names = stops.setdefault((side, record), [])
                    if row.check not in names:
                        names.append(row.check)
        return {record: tuple(names) for record, names in stops.items()}

    def counts(self) -> dict[str, int]:
        return {s: int((self.frame["severity"] == s).sum()) for s in SEVERITIES}

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, object]:
        return {
            "snapshot": self.snapshot_id,
            "ledger_position": self.ledger_position,
            "counts": self.counts(),
            "findings": self.frame.astype(object).where(self.frame.notna(), None).to_dict("records"),
            "coverage": self.coverage.astype(object).where(self.coverage.notna(), None).to_dict("records"),
        }

    def __len__(self) -> int:
        return len(self.frame)

    def __str__(self) -> str:
        counts = self.counts()
        idle = int((self.coverage["state"] == NOTHING).sum())
        silent = int((self.coverage["state"] == NOT_ASKED).sum())
        text = f"{counts['critical']:,} critical, {counts['warning']:,} warnings"
        if counts["info"]:
            text += f", {counts['info']:,} for information"
        text += f" from {len(self.coverage)} checks"
        parts = [f"{idle} had nothing to check"] * bool(idle) + [f"{silent} could not be asked"] * bool(silent)
        return text + (f" ({', '.join(parts)})" if parts else "")

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.findings(self)
