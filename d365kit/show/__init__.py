"""Nouns → what a person sees: escaped HTML for notebook cells and pages, aligned lines for terminals."""

from d365kit.show.cells import decisions, findings, plan, proposals, report, run, snapshot, unlocks
from d365kit.show.differences import marked_pair
from d365kit.show.engine import badge, environment, stylesheet
from d365kit.show.kinds_view import KindsView, kinds
from d365kit.show.terminal import lines, text_table
from d365kit.show.values import SIDE_NAMES, amount, number, percent, shown, text_of

__all__ = [
    "SIDE_NAMES",
    "KindsView",
    "amount",
    "badge",
    "decisions",
    "environment",
    "findings",
    "kinds",
    "lines",
    "marked_pair",
    "number",
    "percent",
    "plan",
    "proposals",
    "report",
    "run",
    "shown",
    "snapshot",
    "stylesheet",
    "text_of",
    "text_table",
    "unlocks",
]
