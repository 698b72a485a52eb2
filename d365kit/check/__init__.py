"""Snapshot + Ledger + expectations/ → Findings: what would fail or be lost, record by record, before the push."""

from d365kit.check.frames import CheckFrames, LedgerView
from d365kit.check.library import Library
from d365kit.check.names import FRAME_OF
from d365kit.check.run import findings
from d365kit.check.suites import ORDER, Check, Suite, load_suites

warm_up = Library.load

__all__ = ["FRAME_OF", "ORDER", "Check", "CheckFrames", "LedgerView", "Suite", "findings", "load_suites", "warm_up"]
