"""Snapshot and ledger → Overview: looks at both sides before anything is decided, as frames and pictures.

Each look is a function of its own that returns a tidy frame; `overview` takes them all.
"""

from d365kit.explore.codes import cut, unknown_codes, uses
from d365kit.explore.coverage import coverage
from d365kit.explore.duplicates import duplicates
from d365kit.explore.filling import missing, values
from d365kit.explore.overview import Overview, overview
from d365kit.explore.parts import Part
from d365kit.explore.presence import ages, outside, where

__all__ = [
    "Overview",
    "Part",
    "ages",
    "coverage",
    "cut",
    "duplicates",
    "missing",
    "outside",
    "overview",
    "unknown_codes",
    "uses",
    "values",
    "where",
]
