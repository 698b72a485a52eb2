"""Values of either side → normalised values that can be compared: names, addresses, codes, items.

Every normaliser takes one raw value (or several) and returns a text, a list of texts, a number, or None when
nothing is left to compare. ``NORMALISERS`` names them for `kinds/matching.toml`; `columns` works them out for
a whole frame.
"""

from __future__ import annotations

from d365kit.compare.registry import FLAGS, LISTS, NORMALISERS, NUMBERS, Normaliser, Value, arrow_type
from d365kit.compare.table import columns, normalise, values
from d365kit.compare.text import compact, fold

__all__ = [
    "FLAGS",
    "LISTS",
    "NORMALISERS",
    "NUMBERS",
    "Normaliser",
    "Value",
    "arrow_type",
    "columns",
    "compact",
    "fold",
    "normalise",
    "values",
]
