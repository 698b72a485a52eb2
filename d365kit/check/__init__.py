"""Snapshot + Ledger + expectations/ → Findings: what would fail or be lost, record by record, before the push."""

from d365kit.check.frames import CheckFrames, LedgerView
from d365kit.check.gate import STOPPED_COLUMNS, Gate, gate
from d365kit.check.library import Library
from d365kit.check.names import FRAME_OF
from d365kit.check.run import findings
from d365kit.check.suites import ORDER, Check, Suite, load_suites
from d365kit.check.unlocks import unlocks

warm_up = Library.load

__all__ = [
    "FRAME_OF",
    "ORDER",
    "STOPPED_COLUMNS",
    "Check",
    "CheckFrames",
    "Gate",
    "LedgerView",
    "Suite",
    "findings",
    "gate",
    "load_suites",
    "unlocks",
    "warm_up",
]
