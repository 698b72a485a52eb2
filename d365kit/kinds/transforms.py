"""Named transformations: what a value becomes on its way to the other side, and why (sync-rules.md C12).

Each takes the value and its record (the kind's columns) and returns the value to send with a note, ``""`` when there
is nothing to say. A field names one for each way: ``transform`` to Dataverse, ``transform_bc`` to BC.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal

Value = str | int | bool | Decimal | None
Row = Mapping[str, Value]
Transform = Callable[[Value, Row], tuple[Value, str]]


def not_negative(value: Value, row: Row) -> tuple[Value, str]:
    """A negative price or stock becomes zero (sync-rules.md J6)."""
    if isinstance(value, Decimal) and value < 0:
        return Decimal(0), "negative in Business Central, sent as 0"
    return value, ""


def or_code(value: Value, row: Row) -> tuple[Value, str]:
    """What a currency lacks becomes its ISO code (sync-rules.md D10)."""
    if value is None and row.get("code"):
        return row["code"], "blank in Business Central, so the ISO code"
    return value, ""


def upper(value: Value, row: Row) -> tuple[Value, str]:
    """Text in capitals."""
    return (value.upper(), "") if isinstance(value, str) else (value, "")


def lower(value: Value, row: Row) -> tuple[Value, str]:
    """Text in small letters."""
    return (value.lower(), "") if isinstance(value, str) else (value, "")


def plain_letters(value: Value, row: Row) -> tuple[Value, str]:
    """Text without accents and umlaut dots, for fields that take ASCII alone."""
    if not isinstance(value, str):
        return value, ""
    text = unicodedata.normalize("NFKD", value.replace("ß", "ss"))
    return "".join(c for c in text if not unicodedata.combining(c)), ""


def figures(value: Value, row: Row) -> tuple[Value, str]:
    """The figures of a text alone, as of a phone number; a leading plus stays."""
    if not isinstance(value, str):
        return value, ""
    plus = "+" if value.strip().startswith("+") else ""
    return plus + "".join(c for c in value if c.isdigit()), ""


def first_line(value: Value, row: Row) -> tuple[Value, str]:
    """The first line of a text of several."""
    if not isinstance(value, str) or "\n" not in value.strip():
        return value, ""
    return value.strip().splitlines()[0].rstrip(), "its first line"


TRANSFORMS: Mapping[str, Transform] = {
    "not_negative": not_negative,
    "or_code": or_code,
    "upper": upper,
    "lower": lower,
    "plain_letters": plain_letters,
    "figures": figures,
    "first_line": first_line,
}
