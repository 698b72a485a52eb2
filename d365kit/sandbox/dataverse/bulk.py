"""CreateMultiple, UpdateMultiple, UpsertMultiple → many rows in one transaction. Source: dataverse.md section 10."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from d365kit.sandbox.dataverse import writes as writes
from d365kit.sandbox.dataverse.call import Call, json_reply, missing_row, refuse
from d365kit.sandbox.dataverse.keys import key_values, row_by_key
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Reply, canonical_guid

_CRM = "Microsoft.Dynamics.CRM."


def create_multiple(call: Call, table: Table) -> tuple[Reply, int]:
    """Add all targets, or none; ids come in their order (conformance.md 224, 225)."""
    ids = [writes.create(call, table, body) for body in _targets(call, table, "CreateMultiple", "C")]
    context = f"{call.root}/$metadata#{_CRM}CreateMultipleResponse"
    return json_reply({"@odata.context": context, "Ids": ids}), len(ids)


def update_multiple(call: Call, table: Table) -> tuple[Reply, int]:
    """Change all targets, or none; a record named again is ignored (conformance.md 227)."""
    done = set()
    for body in _targets(call, table, "UpdateMultiple", "U"):
        values, rest = _identified(call, table, body)
        held = row_by_key(call, table, values)
        if held is None:
            raise _missing(table, values)
        if held[table.key] not in done:
            done.add(held[table.key])
            writes.change(call, table, held, rest)
    return Reply(204), len(done)


def upsert_multiple(call: Call, table: Table) -> tuple[Reply, int]:
    """Change or add all targets, or none; a record named twice is an error (conformance.md 228)."""
    done = set()
    for body in _targets(call, table, "UpsertMultiple", "CU"):
        values, rest = _identified(call, table, body)
        held = row_by_key(call, table, values)
        if held is None:
            extra = {name: value for name, value in values.items() if name != table.key and name not in rest}
            key = writes.create(call, table, rest, values.get(table.key), extra)
        else:
            key = held[table.key]
        if key in done:
            raise refuse(400, "0x80040237", f"The record {key} is named more than once in the request.")
        done.add(key)
        if held is not None:
            changes = {name: value for name, value in rest.items() if name not in values}
            writes.change(call, table, held, changes)
    return Reply(204), len(done)


def delete_multiple(call: Call, table: Table) -> tuple[Reply, int]:
    """Refuse: only elastic tables have it (conformance.md 229)."""
    raise refuse(400, "0x80048d02", "DeleteMultiple has not yet been implemented.")


BULK: dict[str, Callable[[Call, Table], tuple[Reply, int]]] = {
    "CreateMultiple": create_multiple,
    "UpdateMultiple": update_multiple,
    "UpsertMultiple": upsert_multiple,
    "DeleteMultiple": delete_multiple,
}


def _targets(call: Call, table: Table, message: str, letters: str) -> list[dict[str, Any]]:
    """Return the targets of a bulk message; Refusal unless the table takes it and each names its type."""
    offered = message == "UpsertMultiple" or call.store.value(
        "SELECT 1 FROM dv_sdkmessagefilter WHERE name = ? AND primaryobjecttypecode = ?", (message, table.entity)
    )
    both = call.store.value("SELECT 1 FROM dv_sdkmessagefilter WHERE primaryobjecttypecode = ?", (table.entity,))
    if not offered or not both or not set(letters) <= set(table.methods):
        raise refuse(400, "0x80040800", f"{message} is not available for the entity '{table.entity}'.")
    found = call.body().get("Targets")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise refuse(400, "0x0", f"{message} needs a list of Targets.")
    for item in found:
        kind = str(item.get("@odata.type", "")).removeprefix("#")
        if kind != f"{_CRM}{table.entity}":
            text = f"Each target of {message} needs an '@odata.type' of '{_CRM}{table.entity}'; found '{kind}'."
            raise refuse(400, "0x80048d19", text)
    return found


def _identified(call: Call, table: Table, body: dict[str, Any]) -> tuple[Row, dict[str, Any]]:
    """Return the key of a target, from its primary key or its @odata.id, and the columns to write."""
    rest = dict(body)
    address, own = rest.get("@odata.id"), rest.pop(table.key, None)
    guid = canonical_guid(own) if isinstance(own, str) else None
    if guid is not None:
        return {table.key: guid}, rest
    if not isinstance(address, str) or not address.endswith(")") or "(" not in address:
        raise refuse(400, "0x80040203", f"A target names neither {table.key} nor an @odata.id.")
    key = address.partition("(")[2][:-1]
    guid = canonical_guid(key)
    return ({table.key: guid} if guid else key_values(call, table, key)), rest


def _missing(table: Table, values: Row) -> Exception:
    if table.key in values:
        return missing_row(table, values[table.key])
    return refuse(404, "0x80060891", f"No {table.entity} exists with the specified key values.")
