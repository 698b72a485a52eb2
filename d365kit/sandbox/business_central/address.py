"""Segments of a path → names and keys: sets, rows by GUID, by text and by several parts."""

from __future__ import annotations

import re
from urllib.parse import quote

from d365kit.sandbox.odata.values import stored_date, stored_number
from d365kit.sandbox.schema import Column
from d365kit.sandbox.wire import Refusal, canonical_guid

_SEGMENT = re.compile(r"([$\w.]+)(?:\((.*)\))?$", re.S)
_PART = re.compile(r"\s*(?:(\w+)\s*=\s*)?('(?:[^']|'')*'|[^',]+)\s*(?:,|$)")

Segment = tuple[str, str | None]


def split_path(segments: tuple[str, ...]) -> list[Segment]:
    """Return (name, key text or None) of each segment; Refusal when one is malformed."""
    found = []
    for text in segments:
        match = _SEGMENT.match(text)
        if match is None:
            raise not_found(text)
        found.append((match.group(1), match.group(2)))
    return found


def not_found(segment: str) -> Refusal:
    """Return the refusal of a segment nothing is behind (conformance.md 12)."""
    return Refusal(404, "BadRequest_NotFound", f"Resource not found for the segment '{segment}'.")


def bad_key(text: str) -> Refusal:
    """Return the refusal of a key that is not one (conformance.md 14)."""
    return Refusal(400, "BadRequest_NotFound", f"The key '{text}' is not valid.")


def key_parts(text: str) -> dict[str, str]:
    """Return the parts of a key by name; a lone value goes by ''. Quoted values lose their quotes.

    >>> key_parts("Document_Type='Order',No='A''1'")
    {'Document_Type': 'Order', 'No': "A'1"}
    """
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None or match.end() == position:
            raise bad_key(text)
        name, value = match.group(1) or "", match.group(2).strip()
        if name in found:
            raise bad_key(text)
        found[name] = value[1:-1].replace("''", "'") if value.startswith("'") else value
        position = match.end()
    if not found:
        raise bad_key(text)
    return found


def key_value(column: Column, text: str) -> object:
    """Return a part of a key as the column stores it; Refusal when it does not fit."""
    try:
        if column.type == "guid":
            guid = canonical_guid(text)
            if guid is None:
                raise ValueError(text)
            return guid
        if column.type in ("int", "decimal"):
            return stored_number(int(text) if column.type == "int" else float(text))  # type: ignore[arg-type]
        if column.type == "date":
            return stored_date(text)
    except ValueError:
        raise bad_key(text) from None
    if column.type == "option" and not text.strip():
        return " "
    return text.upper() if column.type == "code" else text


def written_key(columns: list[Column], values: list[object]) -> str:
    """Return a key as it stands in an address, percent-encoded (conformance.md 117)."""
    parts = []
    for column, value in zip(columns, values, strict=True):
        bare = column.type in ("guid", "int", "decimal", "date")
        text = str(value) if bare else "'" + quote(str(value).replace("'", "''"), safe="'") + "'"
        parts.append(text if len(columns) == 1 else f"{column.name}={text}")
    return ",".join(parts)
