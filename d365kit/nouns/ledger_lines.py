"""Pair and Decision: what goes into the ledger, and one line of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime

#: ``create`` says: this record has no partner, make one on the other side. ``retry`` says: try a skipped pair again.
VERDICTS = ("confirm", "reject", "defer", "create", "uncouple", "undo", "retry")
#: Whose values win when a pair is synchronised for the first time; ``""`` leaves it to the settings.
FIRSTS = ("", "bc", "dv")


@dataclass(frozen=True)
class Pair:
    """Two records that may belong together; one id is ``""`` where a verdict is about one record alone.

    ``first`` says whose values win at the first synchronisation: ``bc``, ``dv``, or ``""`` for what the settings say.
    """

    bc_id: str = ""
    dv_id: str = ""
    score: float | None = None
    band: str = ""
    evidence: list = field(default_factory=list)
    fingerprint: str = ""
    first: str = ""


@dataclass(frozen=True)
class Decision:
    """One ledger line: who decided what about which pair, when (UTC), and on what evidence.

    ``position`` counts lines from 1. ``batch`` is shared by the lines of one act. ``undoes`` is the batch
    that an ``undo`` takes back. ``run`` names the run of `apply` that made the line, or is ``""``. ``first`` says
    whose values win when a confirmed pair is synchronised for the first time.
    """

    position: int
    at: datetime
    by: str
    kind: str
    verdict: str
    bc_id: str
    dv_id: str
    batch: int
    score: float | None = None
    band: str = ""
    evidence: list = field(default_factory=list)
    fingerprint: str = ""
    note: str = ""
    run: str = ""
    undoes: int | None = None
    first: str = ""

    def to_dict(self) -> dict[str, object]:
        return {**asdict(self), "at": self.at.isoformat()}

    def __str__(self) -> str:
        pair = " ↔ ".join(i for i in (self.bc_id, self.dv_id) if i)
        return f"{self.position:>6}  {self.at:%Y-%m-%d %H:%M}  {self.by}  {self.verdict}  {self.kind}  {pair}"
