"""Alternate keys: made by an administrator, built, then good for addresses. Source: dataverse.md section 8."""

from __future__ import annotations

import re
import sqlite3
import uuid
from json import dumps, loads
from typing import Any

from d365kit.sandbox.dataverse.call import Call, refuse
from d365kit.sandbox.odata.filters import FilterError, Literal, parse_filter
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import TEXTUAL, Table
from d365kit.sandbox.store import Row, Store
from d365kit.sandbox.wire import Refusal, canonical_guid

KEYS_MAXIMUM = 10
COLUMNS_MAXIMUM = 16
_TYPES = frozenset({"text", "int", "decimal", "date", "datetime", "lookup", "choice"})
_FORBIDDEN = re.compile(r"[<>*%&:/\\#]")
_PAIR = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*('(?:[^']|'')*'|[^,']+)\s*(,|$)")


def keys_of(call: Call, table: Table) -> list[dict[str, Any]]:
    """Return a table's keys as metadata shows them; those whose time has come are finished first."""
    _finish(call, table)
    sql = "SELECT name, columns, status, id FROM dv_keys WHERE entity = ? ORDER BY rowid"
    return [
        {
            "MetadataId": key,
            "LogicalName": name.lower(),
            "SchemaName": name,
            "EntityLogicalName": table.entity,
            "KeyAttributes": loads(columns),
            "EntityKeyIndexStatus": status,
            "IsCustomizable": {"Value": True},
        }
        for name, columns, status, key in call.store.query(sql, (table.entity,))
    ]


def add_key(call: Call, table: Table, body: dict[str, Any]) -> str:
    """Define a key over columns and return its metadata id; it is Pending until built (conformance.md 210)."""
    name, columns = body.get("SchemaName"), body.get("KeyAttributes")
    if not isinstance(name, str) or not isinstance(columns, list) or not 1 <= len(columns) <= COLUMNS_MAXIMUM:
        raise refuse(400, "0x80048403", "A key needs a SchemaName and one to sixteen KeyAttributes.")
    for attribute in columns:
        column = table.attribute(str(attribute))
        if column is None or column.type not in _TYPES:
            raise refuse(400, "0x80048403", f"The attribute '{attribute}' cannot be part of a key.")
    present = keys_of(call, table)
    if len(present) >= KEYS_MAXIMUM:
        raise refuse(400, "0x80060893", f"The entity '{table.entity}' has {KEYS_MAXIMUM} keys already.")
    if any(item["LogicalName"] == name.lower() or item["KeyAttributes"] == columns for item in present):
        raise refuse(400, "0x80060893", f"A key named '{name}' or over the same attributes exists.")
    key = str(uuid.uuid4())
    with call.store.transaction() as connection:
        row = (key, table.entity, name, dumps(columns), "Pending", call.now + call.switches.dv_key_build_seconds)
        connection.execute("INSERT INTO dv_keys VALUES (?, ?, ?, ?, ?, ?)", row)
    return key


def drop_key(call: Call, table: Table, name: str) -> None:
    """Remove a key by its logical name or id."""
    keys = [item for item in keys_of(call, table) if name in (item["LogicalName"], item["MetadataId"])]
    if not keys:
        raise refuse(404, "0x80060888", f"Could not find a key '{name}' on '{table.entity}'.")
    with call.store.transaction() as connection:
        connection.execute("DELETE FROM dv_keys WHERE id = ?", (keys[0]["MetadataId"],))
        connection.execute(f'DROP INDEX IF EXISTS "{_index(keys[0]["MetadataId"])}"')


def check_keys(call: Call, table: Table) -> None:
    """Finish the keys of a table that is about to change, so that they count."""
    _finish(call, table)


def _finish(call: Call, table: Table) -> None:
    sql = "SELECT id, columns FROM dv_keys WHERE entity = ? AND status = 'Pending' AND ready <= ?"
    for key, columns in call.store.query(sql, (table.entity, call.now)):
        _build(call.store, table, key, loads(columns))


def _build(store: Store, table: Table, key: str, attributes: list[str]) -> None:
    """Make the unique index of a key; rows that are alike already make it fail."""
    columns = [table.attribute(name) for name in attributes]
    names = ", ".join(f'"{column.name}"' for column in columns if column)
    with store.transaction() as connection:
        try:
            connection.execute(f'CREATE UNIQUE INDEX "{_index(key)}" ON "{table.sql}" ({names})')
            status = "Active"
        except sqlite3.IntegrityError:
            status = "Failed"
        connection.execute("UPDATE dv_keys SET status = ? WHERE id = ?", (status, key))


def duplicate_key(table: Table, error: sqlite3.IntegrityError) -> Refusal:
    """Return the refusal for a row whose primary or alternate key is taken (conformance.md 176, 206)."""
    if str(error).endswith(f".{table.key}"):
        return refuse(412, "0x80040237", "A record with matching key values already exists.")
    columns = re.findall(r"\.(\w+)", str(error))
    text = f"A record that has the attribute values {', '.join(columns)} already exists."
    return refuse(412, "0x80060892", text)


def key_values(call: Call, table: Table, text: str) -> Row:
    """Return the columns and values of a key in an address; Refusal unless an active key has just these columns."""
    values: Row = {}
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        column = table.columns.get(match.group(1)) if match else None
        if match is None or column is None or match.group(1) in values:
            raise _undefined(table, text)
        values[column.name] = _constant(table, column.name, match.group(2).strip())
        position = match.end()
    if not values:
        raise _undefined(table, text)
    if set(values) == {table.key}:
        return values
    for key in keys_of(call, table):
        columns = {table.attribute(name) for name in key["KeyAttributes"]}
        if {column.name for column in columns if column} == set(values):
            if key["EntityKeyIndexStatus"] == "Active":
                return values
            status = key["EntityKeyIndexStatus"]
            raise refuse(400, "0x80060888", f"The key '{key['SchemaName']}' is not active: its index is {status}.")
    raise _undefined(table, text)


def check_writable(text: str) -> None:
    """Refuse a key value that does not survive in the address of a write (conformance.md 208)."""
    if _FORBIDDEN.search(text):
        raise refuse(400, "0x80060888", "The key in the address holds a character that is not allowed there.")


def row_by_key(call: Call, table: Table, values: Row) -> Row | None:
    """Return the row with these key values, or None."""
    test = " AND ".join(f'"{name}" = ?' for name in values)
    sql = f'SELECT "{table.key}" FROM "{table.sql}" WHERE {test}'
    found = call.store.value(sql, tuple(values.values()))
    return call.store.get(table, found) if found else None


def find_by_key(call: Call, table: Table, text: str) -> Row:
    """Return the row an alternate key in an address leads to, or refuse with 404 (conformance.md 205)."""
    row = row_by_key(call, table, key_values(call, table, text))
    if row is None:
        raise refuse(404, "0x80060891", "A record with the specified key values does not exist in " + table.entity)
    return row


def _constant(table: Table, name: str, text: str) -> Any:
    column = table.columns[name]
    if column.type in ("lookup", "guid"):
        guid = canonical_guid(text)
        if guid is None:
            raise _undefined(table, f"{name}={text}")
        return guid
    try:
        literal = parse_filter(text)
    except FilterError as error:
        raise refuse(400, "0x80060888", error.text) from error
    if not isinstance(literal, Literal) or (literal.kind == "text") != (column.type in TEXTUAL):
        raise _undefined(table, f"{name}={text}")
    return stored_number(literal.value) if literal.kind == "number" else literal.value  # type: ignore[arg-type]


def _undefined(table: Table, text: str) -> Refusal:
    return refuse(400, "0x80060888", f"The key '{text}' is not defined for the entity '{table.entity}'.")


def _index(key: str) -> str:
    return f"key_{key}"
