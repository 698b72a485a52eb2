"""Wire values ↔ stored values: numbers, timestamps, text folding."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

_EXACT_DIGITS = 15
_EXACT_INTEGER = 2**53
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?$")


def stored_number(value: Decimal | int) -> int | float | str:
    """Return the SQLite value that prints exactly as the number: integer, float up to 15 digits, else text.

    >>> stored_number(Decimal("12.50")), stored_number(Decimal("1234567890.1234567"))
    (12.5, '1234567890.1234567')
    """
    number = Decimal(value)
    if number == number.to_integral_value() and abs(number) < _EXACT_INTEGER:
        return int(number)
    trimmed = number.normalize()
    if len(trimmed.as_tuple().digits) <= _EXACT_DIGITS:
        return float(trimmed)
    return format(trimmed, "f")


def stored_time(text: str, digits: int) -> str:
    """Return a timestamp as stored: UTC with ``digits`` decimals of the second; ValueError when unreadable.

    A time with more decimals ends in "[" instead of "Z": as text it lies between its two neighbours and
    equals none, so filters stay exact.

    >>> stored_time("2026-05-01T12:00:00.5+02:00", 3)
    '2026-05-01T10:00:00.500Z'
    """
    match = _TIME.match(text)
    if match is None:
        raise ValueError(f"'{text}' is not a date and time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    when = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    if zone and zone != "Z":
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").utcoffset()
        when = when - offset if offset else when
    parts = (fraction or "").ljust(9, "0")
    kept = f".{parts[:digits]}" if digits and year != "0001" else ""
    return f"{when.isoformat()[:19]}{kept}{'[' if parts[digits:].strip('0') else 'Z'}"


def stored_date(text: str) -> str:
    """Return a date as YYYY-MM-DD, cutting a time that follows; ValueError when it is no date."""
    return date.fromisoformat(text[:10]).isoformat()


def now(digits: int) -> str:
    """Return the present time as the services write it: 3 digits in BC, none in Dataverse."""
    when = datetime.now(UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}" + (f".{when.microsecond // 1000:03}Z" if digits else "Z")


def fold(text: str | None) -> str | None:
    """Return text in the form in which case does not count."""
    return text.lower() if text is not None else None


def given_name(text: str | None) -> str:
    """Return all words of a person's name but the last, as BC splits a contact's name.

    >>> given_name("Anna Maria Lund"), given_name("Lund")
    ('Anna Maria', '')
    """
    return (text or "").strip().rpartition(" ")[0]


def family_name(text: str | None) -> str:
    """Return the last word of a person's name."""
    return (text or "").strip().rpartition(" ")[2]
