"""JSON body → values of a row, with the rows that come along: binds, deep inserts, types and limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from d365kit.sandbox.dataverse.call import Call, missing_row, refuse
from d365kit.sandbox.dataverse.keys import find_by_key
from d365kit.sandbox.dataverse.options import options_of
from d365kit.sandbox.odata.values import stored_date, stored_number, stored_time
from d365kit.sandbox.schema import TEXTUAL, WHOLE, Column, Relation, Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import canonical_guid

_INTEGER_END = 2**63
_TARGET = re.compile(r"(?:.*?/)??([A-Za-z_]\w*)\((.*)\)$")


@dataclass
class Payload:
    """What a body says: column values, new rows for lookups, new rows and ties for collections."""

    values: Row = field(default_factory=dict)
    targets: list[tuple[Column, Relation, dict[str, Any]]] = field(default_factory=list)
    children: list[tuple[Table, Column, Relation, list[dict[str, Any]]]] = field(default_factory=list)
    ties: list[tuple[Table, Column, Relation, list[str]]] = field(default_factory=list)


def read_payload(call: Call, table: Table, body: dict[str, Any], letter: str) -> Payload:
    """Return a body's parts; ``letter`` is c for a create, u for an update (dataverse.md section 6)."""
    payload = Payload()
    for name, value in body.items():
        if name.endswith("@odata.bind"):
            _bind(call, table, name.removesuffix("@odata.bind"), value, letter, payload)
        elif "@" not in name:
            _property(call, table, name, value, letter, payload)
    return payload


def _property(call: Call, table: Table, name: str, value: Any, letter: str, payload: Payload) -> None:
    found = table.navigation(name)
    if found and value is None:
        payload.values |= lookup_values(found[0], None, None)
        return
    if found and isinstance(value, dict) and letter == "c":
        payload.targets.append((*found, value))
        return
    collection = call.schema.collection(table.entity, name)
    if collection and isinstance(value, list) and letter == "c" and all(isinstance(item, dict) for item in value):
        payload.children.append((*collection, value))
        return
    if found or collection or name.startswith("_"):
        text = f"A node of type 'StartObject' was not expected for '{name}'; use '{name}@odata.bind'."
        raise refuse(400, "0x80048d19", text)
    column = table.columns.get(name)
    if column is None:
        text = f"Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{table.entity}'."
        raise refuse(400, "0x0", text)
    converted = convert(table, column, value)
    if column.options and converted is not None:
        _check_option(call, table, column, converted)
    if letter in column.access:
        payload.values[name] = converted


def _bind(call: Call, table: Table, navigation: str, value: Any, letter: str, payload: Payload) -> None:
    relations = [
        (column, relation)
        for column in table.lookups()
        for relation in column.targets
        if relation.navigation == navigation and navigation
    ]
    if not relations:
        collection = call.schema.collection(table.entity, navigation)
        if collection and isinstance(value, list):
            keys = [target_key(call, collection[0], address) for address in value]
            payload.ties.append((*collection, keys))
            return
        text = f"An undeclared property '{navigation}' which only has property annotations in the payload was found."
        raise refuse(400, "0x80048d19", text)
    writable = letter in relations[0][0].access
    if value is None:
        payload.values |= lookup_values(relations[0][0], None, None) if writable else {}
        return
    match = _TARGET.match(value) if isinstance(value, str) else None
    if match is None:
        raise refuse(400, "0x80048d19", f"The value '{value}' of '{navigation}@odata.bind' is not a valid address.")
    for column, relation in relations:
        target = call.schema.entity(relation.target)
        if target.set == match.group(1):
            guid = target_key(call, target, value)
            _check_target(call, table, column, target, guid)
            payload.values |= lookup_values(column, guid, relation) if letter in column.access else {}
            return
    raise refuse(400, "0x80048d19", f"The navigation '{navigation}' does not lead to '{match.group(1)}'.")


def target_key(call: Call, target: Table, address: Any) -> str:
    """Return the id of the row an address names: relative, absolute or by an alternate key; Refusal when missing."""
    match = _TARGET.match(address) if isinstance(address, str) else None
    if match is None or match.group(1) != target.set:
        raise refuse(400, "0x80048d19", f"'{address}' is not the address of a row of '{target.set}'.")
    guid = canonical_guid(match.group(2))
    if guid is not None:
        call_row = call.store.value(f'SELECT 1 FROM "{target.sql}" WHERE "{target.key}" = ?', (guid,))
        if call_row is None:
            raise missing_row(target, guid)
        return guid
    return str(find_by_key(call, target, match.group(2))[target.key])


def _check_target(call: Call, table: Table, column: Column, target: Table, guid: str) -> None:
    if target.entity not in ("systemuser", "transactioncurrency"):
        return
    row = call.existing(target, guid)
    if target.entity == "systemuser" and column.attribute == "ownerid" and row["isdisabled"]:
        raise refuse(403, "0x80040225", f"The specified user (Id = {guid}) is disabled.")
    if target.entity == "transactioncurrency" and row["statecode"] == 1:
        text = f"The {table.entity} cannot use the inactive currency {row['isocurrencycode']}."
        raise refuse(400, "0x80040203", text)


def lookup_values(column: Column, guid: str | None, relation: Relation | None) -> Row:
    """Return the columns a lookup fills: its id, and its target table where there are several."""
    found: Row = {column.name: guid}
    if column.polymorphic:
        found[column.type_column] = relation.target if relation else None
    return found


def convert(table: Table, column: Column, value: Any) -> Any:
    """Return a JSON value as stored; Refusal when type, length, range or option do not fit."""
    if value is None or value == "":
        return None
    if column.type in TEXTUAL and isinstance(value, str):
        return _text(table, column, value)
    if column.type == "bool" and isinstance(value, bool):
        return int(value)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and column.type in WHOLE and value == int(value):
        return _whole(table, column, int(value))
    if is_number and column.numeric:
        _check_range(table, column, Decimal(value))
        return stored_number(value)
    try:
        if isinstance(value, str) and column.type == "date":
            return stored_date(value)
        if isinstance(value, str) and column.type == "datetime":
            return stored_time(value, 0).replace("[", "Z")
        guid = canonical_guid(value) if isinstance(value, str) and column.type == "guid" else None
    except ValueError:
        guid = None
    if guid is None:
        raise refuse(400, "0x80048d19", f"Cannot convert the literal '{value}' to the type of '{column.name}'.")
    return guid


def _text(table: Table, column: Column, value: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise refuse(400, "0x0", f"The value of '{column.name}' is not valid text.")
    if column.length and len(value) > column.length:
        text = (
            f"A validation error occurred. The length of the '{column.name}' attribute of the '{table.entity}' "
            f"entity exceeded the maximum allowed length of '{column.length}'."
        )
        raise refuse(400, "0x80044331", text)
    return value


def _whole(table: Table, column: Column, value: int) -> int:
    _check_range(table, column, Decimal(value))
    if abs(value) >= _INTEGER_END:
        raise refuse(400, "0x80044330", f"The value of '{column.name}' on '{table.entity}' is out of range.")
    return value


def _check_option(call: Call, table: Table, column: Column, value: int) -> None:
    if value not in {option.value for option in options_of(call.store, table, column)}:
        text = f"The value {value} of '{column.name}' on record of type '{table.entity}' is outside the valid range."
        raise refuse(400, "0x8004431A", text)


def _check_range(table: Table, column: Column, value: Decimal) -> None:
    special = table.entity == "product" and column.name == "quantitydecimal"
    low, high = column.low or "-Infinity", column.high or "Infinity"
    if not Decimal(low) <= value <= Decimal(high):
        text = f"A validation error occurred. The value of '{column.name}' on '{table.entity}' is out of range."
        raise refuse(400, "0x80043b07" if special else "0x80044330", text)
