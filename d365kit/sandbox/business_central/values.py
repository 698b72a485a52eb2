"""JSON body → stored values of one Business Central row, checked the way its pages check them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from d365kit.sandbox.odata.values import stored_date, stored_number, stored_time
from d365kit.sandbox.schema import BLANK_ENUM, TEXTUAL, Column, Table, default_of, schema
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Refusal, canonical_guid

_WHOLE = {"int": 2**31, "bigint": 2**63}
_NUMBERS = frozenset({"decimal", *_WHOLE})


def read_values(table: Table, body: dict[str, Any], creating: bool) -> Row:
    """Return the body's values by stored name; annotations are passed over.

    Refusal for unknown and read-only properties and for values that do not fit. Source: conformance.md 59, 62, 66
    to 68; business-central.md section 6.
    """
    values: Row = {}
    for name, value in body.items():
        if "@" in name:
            continue
        column = table.columns.get(name)
        if column is None:
            text = f"The property '{name}' does not exist on type 'Microsoft.NAV.{table.entity}'."
            raise Refusal(400, "BadRequest", text)
        if name == table.key == "id" and creating:
            if value is not None:
                values[name] = convert(column, value)
            continue
        if name == table.key == "id":
            raise dialog('The "id" cannot be changed.')
        if not column.access or column.expression:
            raise Refusal(400, "BadRequest_InvalidOperation", f"Control '{name}' is read-only.")
        values[column.stored] = convert(column, value)
    return values


def convert(column: Column, value: Any) -> Any:
    """Return a JSON value as the column stores it; null means blank."""
    if value is None:
        return default_of(column, schema("bc").enums)
    bad = Refusal(400, "BadRequest", f"Cannot convert the value '{value}' of property '{column.name}'.")
    if column.type == "bool" and isinstance(value, bool):
        return int(value)
    if column.type in _NUMBERS and isinstance(value, int | Decimal) and not isinstance(value, bool):
        limit = _WHOLE.get(column.type)
        if limit and (value != int(value) or not -limit <= int(value) < limit):
            raise bad
        return stored_number(value)
    if not isinstance(value, str):
        raise bad
    try:
        return _convert_text(column, value)
    except ValueError:
        raise bad from None


def _convert_text(column: Column, value: str) -> str:
    if column.type in TEXTUAL:
        text = value.strip().upper() if column.type == "code" else value
        if column.length and len(text) > column.length:
            what = f"The length of the string is {len(text)}, but it must be less than or equal to {column.length}"
            raise Refusal(400, "Application_StringExceededLength", f"{what} characters. Value: {text}")
        return text
    if column.enum or column.members:
        members = column.members or tuple(schema("bc").enums[column.enum])
        member = value if value.strip() else (" " if column.members else BLANK_ENUM)
        if member not in members:
            raise ValueError(value)
        return member
    if column.type == "guid":
        guid = canonical_guid(value)
        if guid is None:
            raise Refusal(400, "Application_InvalidGUID", f"'{value}' is not a GUID.")
        return guid
    if column.type == "date":
        return stored_date(value)
    if column.type == "datetime":
        return stored_time(value, 3)
    raise ValueError(value)


def dialog(text: str) -> Refusal:
    """Return the refusal of business logic (business-central.md section 11)."""
    return Refusal(400, "Application_DialogException", text)
