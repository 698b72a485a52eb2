"""Cells → what they look like: e-mail, web address, GUID, VAT number, phone, number, date, yes or no."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from d365kit.kinds import Field
from d365kit.services.files.tables import Cell, blank, text_of
from d365kit.services.files.values import Habits, Unreadable, read_values

GUID = re.compile(r"[({]?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[)}]?", re.IGNORECASE)
_MAIL = re.compile(r"[^@\s;,]+@[^@\s;,]+\.[a-z]{2,}(\s*[;,].*)?", re.IGNORECASE)
_WEB = re.compile(r"(https?://|www\.)\S+|[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/\S*)?", re.IGNORECASE)
_VAT = re.compile(r"[A-Z]{2}[ .-]?(?=(?:.*\d){5})[A-Z0-9 .-]{6,16}", re.IGNORECASE)
_PHONE = re.compile(r"(\+|00|\(|0)?[\d ()/.\-+]{3,}(\s*(x|ext\.?)\s*\d+)?", re.IGNORECASE)
_CHECKSUM = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
#: A number or code of a record: a word with a figure in it.
CODE = re.compile(r"(?=.*\d)[\w.\-/]{1,20}")
_LOOKED_AT = 200


def sample(cells: Sequence[Cell]) -> list[Cell]:
    """Up to 200 cells that are not blank, spread over the column."""
    filled = [c for c in cells if not blank(c)]
    return filled[:: max(1, len(filled) // _LOOKED_AT)][:_LOOKED_AT]


def share(cells: Sequence[Cell], pattern: re.Pattern[str]) -> float:
    """Which share of the filled cells ``pattern`` fits whole; 0 when none is filled."""
    found = [text_of(c) for c in sample(cells)]
    return sum(bool(pattern.fullmatch(t)) for t in found) / len(found) if found else 0.0


def guids(cells: Sequence[Cell]) -> bool:
    """Whether the cells are GUIDs and no two are the same: ids of records."""
    filled = [text_of(c).casefold() for c in cells if not blank(c)]
    return bool(filled) and len(filled) == len(cells) == len(set(filled)) and all(map(GUID.fullmatch, filled))


def checksums(cells: Sequence[Cell]) -> bool:
    """Whether the cells look like the row checksums of a Dataverse export."""
    return share(cells, _CHECKSUM) > 0.9


#: Fields that can be known by their values alone, and how.
_BY_LOOK: dict[str, tuple[re.Pattern[str], str]] = {
    "email": (_MAIL, "values look like e-mail addresses"),
    "website": (_WEB, "values look like web addresses"),
    "vat_number": (_VAT, "values look like VAT numbers"),
}


def look_of(field: Field, cells: Sequence[Cell]) -> tuple[float, str]:
    """The share of values that look like ``field``, and the reason in words; (0, "") for fields that show no look."""
    if field.name not in _BY_LOOK:
        return 0.0, ""
    pattern, why = _BY_LOOK[field.name]
    return share(cells, pattern), why


def fits(field: Field, cells: Sequence[Cell], words: Callable[[Cell], bool]) -> bool:
    """Whether at least half of the values can be what ``field`` holds; ``words`` knows the words of choices."""
    looked_at = sample(cells)
    if not looked_at:
        return True
    if field.name in ("email", "website"):
        return look_of(field, cells)[0] >= 0.5
    if field.name in ("phone", "mobile", "fax"):
        return share(cells, _PHONE) >= 0.5
    if field.is_reference or field.type in ("text", "code", "choice"):
        return True
    good = sum(words(c) or _readable(c, field.type) for c in looked_at)
    return good >= 0.5 * len(looked_at)


def _readable(cell: Cell, type_: str) -> bool:
    for habits in (Habits(",", "dmy"), Habits(".", "mdy")):
        try:
            read_values([cell], type_, habits)
            return True
        except Unreadable:
            continue
    return False
