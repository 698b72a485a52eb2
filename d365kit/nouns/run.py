"""Run: what applying a plan did, change by change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import pandas as pd

#: done: the service confirmed it. failed: the service refused, its words are in the message.
#: skipped: blocked by the gate, or what it waits for failed. unknown: sent, and no answer came.
STATES = ("done", "failed", "skipped", "unknown")
OUTCOME_COLUMNS = (
    "change",
    "kind",
    "action",
    "side",
    "bc_id",
    "dv_id",
    "title",
    "state",
    "message",
    "status",
    "request_id",
)


@dataclass(frozen=True)
class Outcome:
    """What became of one change."""

    change: str
    kind: str
    action: str
    side: str
    bc_id: str
    dv_id: str
    title: str
    state: str
    message: str = ""
    status: int = 0
    request_id: str = ""


class Skipped(NamedTuple):
    """A pair that is left alone because the same error came ``times`` running; a create has one id only.

    ``side`` is where it was to be written, ``message`` the last error.
    """

    kind: str
    bc_id: str
    dv_id: str
    side: str
    title: str
    message: str
    times: int


@dataclass(frozen=True)
class Run:
    """One run of `apply`: the plan it followed and the outcome of every change."""

    id: str
    plan_id: str
    outcomes: tuple[Outcome, ...] = ()

    def counts(self) -> dict[str, int]:
        return {state: sum(o.state == state for o in self.outcomes) for state in STATES}

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if o.state in ("failed", "unknown"))

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame([asdict(o) for o in self.outcomes], columns=list(OUTCOME_COLUMNS))

    def to_dict(self) -> dict[str, object]:
        return {
            "id": self.id,
            "plan": self.plan_id,
            "counts": self.counts(),
            "outcomes": [asdict(o) for o in self.outcomes],
        }

    def __str__(self) -> str:
        return f"Run {self.id}: " + ", ".join(f"{n:,} {state}" for state, n in self.counts().items())

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.run(self)
