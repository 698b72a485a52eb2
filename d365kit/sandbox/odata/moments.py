"""Dataverse's date functions → the stretch of time each one means, as stored text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNIT = re.compile(r"(Last|Next|OlderThan)X(Minutes|Hours|Days|Weeks|Months|Years)$")
_NAMED = re.compile(r"(Last|This|Next)(Week|Month|Year)$")
_DAYS = {"Yesterday": -1, "Today": 0, "Tomorrow": 1}

Bounds = tuple[str, str]


def time_range(name: str, value: object, moment: datetime | None = None) -> Bounds | None:
    """Return (from, before) of a date function; "" means open, None that the function is unknown.

    Days are those of UTC. Source: dataverse.md section 5. ``moment`` is the present unless given.

    >>> time_range("On", "2026-05-01")
    ('2026-05-01T00:00:00Z', '2026-05-02T00:00:00Z')
    """
    now = moment or datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if name in ("On", "OnOrAfter", "OnOrBefore"):
        day = datetime.fromisoformat(str(value)[:10]).replace(tzinfo=UTC)
        low = "" if name == "OnOrBefore" else _text(day)
        return low, "" if name == "OnOrAfter" else _text(day + timedelta(days=1))
    if name in _DAYS:
        day = today + timedelta(days=_DAYS[name])
        return _text(day), _text(day + timedelta(days=1))
    if name in ("Last7Days", "Next7Days"):
        name, value = name.replace("7", "X"), 7
    unit = _UNIT.match(name)
    if unit:
        return _counted(unit.group(1), unit.group(2), int(str(value)), now, today)
    named = _NAMED.match(name)
    return _calendar(named.group(1), named.group(2), today) if named else None


def last_day(text: str, length: int) -> str:
    """Return an upper bound for a column: a moment as it is, for a date the last day before it.

    >>> last_day("2026-05-02T00:00:00Z", 10)
    '2026-05-01'
    """
    if length != 10:
        return text
    day = datetime.fromisoformat(text.replace("Z", "+00:00")) - timedelta(seconds=1)
    return day.date().isoformat()


def _counted(way: str, unit: str, count: int, now: datetime, today: datetime) -> Bounds:
    if way == "OlderThan":
        return "", _text(_moved(now, unit, -count))
    if way == "Last":
        start = _moved(now if unit in ("Minutes", "Hours") else today, unit, -count)
        return _text(start), _text(now + timedelta(seconds=1))
    tomorrow = today + timedelta(days=1)
    return _text(now), _text(_moved(now if unit in ("Minutes", "Hours") else tomorrow, unit, count))


def _calendar(way: str, unit: str, today: datetime) -> Bounds:
    if unit == "Week":
        start = today - timedelta(days=(today.weekday() + 1) % 7)
    else:
        start = today.replace(day=1) if unit == "Month" else today.replace(month=1, day=1)
    start = _moved(start, f"{unit}s", {"Last": -1, "This": 0, "Next": 1}[way])
    return _text(start), _text(_moved(start, f"{unit}s", 1))


def _moved(moment: datetime, unit: str, count: int) -> datetime:
    if unit in ("Months", "Years"):
        months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "Years" else 1)
        first = moment.replace(year=months // 12, month=months % 12 + 1, day=1)
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return first.replace(day=min(moment.day, (following - timedelta(days=1)).day))
    return moment + timedelta(**{unit.lower(): count})


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
