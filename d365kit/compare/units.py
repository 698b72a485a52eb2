"""Units of measure → one spelling, and figures with units → one unit for what measures the same."""

from __future__ import annotations

from d365kit.compare.text import words
from d365kit.compare.words import CONVERSIONS, UNITS

#: Units counted or measured in whole figures, so that “1.000” and “1,000” of them are a thousand.
_WHOLE = frozenset(["pc", "g", "mg", "ml", "mm", "w", "mah", "hz", "pack", "box", "set", "sheet"])


def unit_code(value: object) -> str | None:
    """A unit of measure in one spelling, without the prefix BC gives its unit groups.

    >>> unit_code("NAV STK"), unit_code("Piece"), unit_code("C62"), unit_code("KGM"), unit_code("szt.")
    ('pc', 'pc', 'pc', 'kg', 'pc')
    """
    parts = words(value)
    if len(parts) > 1 and parts[0] == "nav":
        parts = parts[1:]
    text = "".join(parts)
    return UNITS.get(text, text) or None


def plain_number(token: str, unit: str = "") -> str:
    """A number without leading zeros and with a point for its decimals: “0,50” → “0.5”, “1.234,5” → “1234.5”."""
    if not token.isdigit():
        last = max(token.rfind("."), token.rfind(","))
        mark = token[last]
        thousands = token.count(mark) > 1 or (len(token) - last == 4 and unit in _WHOLE and not token.startswith("0"))
        other = "," if mark == "." else "."
        token = token.replace(other, "")
        token = token.replace(mark, "") if thousands else token.replace(mark, ".")
    whole, point, decimals = token.partition(".")
    decimals = decimals.rstrip("0").rstrip(".") if point else ""
    return (whole.lstrip("0") or "0") + (f".{decimals}" if decimals else "")


def measured(token: str, unit: str) -> tuple[str, str]:
    """A figure with its unit in the unit that stands for all of its kind; millimetres go without saying.

    >>> measured("500", "ml"), measured("0,5", "l"), measured("4", "cm"), measured("2", "dozen")
    (('0.5', 'l'), ('0.5', 'l'), ('40', ''), ('24', 'pc'))
    """
    figure = plain_number(token, unit)
    if unit in CONVERSIONS:
        factor, unit = CONVERSIONS[unit]
        if factor != 1:
            figure = plain_number(f"{float(figure) * factor:.9f}") if len(figure) < 12 else figure
    return figure, "" if unit == "mm" else unit
