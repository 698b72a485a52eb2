"""JSON body → rows of Dataverse made, changed and removed; values, links and table rules are next door."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any

from d365kit.sandbox.dataverse.call import Call, refuse
from d365kit.sandbox.dataverse.deletes import remove_dependants
from d365kit.sandbox.dataverse.hooks import AFTER_CREATE, AFTER_DELETE, AFTER_WRITE, BEFORE_DELETE, CHECKS
from d365kit.sandbox.dataverse.keys import check_keys, duplicate_key
from d365kit.sandbox.dataverse.money import fill_money
from d365kit.sandbox.dataverse.payload import Payload, read_payload
from d365kit.sandbox.dataverse.rules import Write
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.odata.values import now
from d365kit.sandbox.schema import Table, schema
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import new_guid


def create(call: Call, table: Table, body: dict[str, Any], key: str | None = None, extra: Row | None = None) -> str:
    """Add a row and return its id; Refusal with Dataverse's code when a rule forbids it (dataverse.md section 6).

    key: the id when the address names it. extra: columns set besides those of the body: the link to a parent, the
    columns of an alternate key.
    """
    require(call, table, "Create")
    payload = read_payload(call, table, body, "c")
    values = (extra or {}) | payload.values
    values |= {column.name: create(call, target, inner) for column, target, inner in _new_targets(payload, values)}
    row = _defaults(call, table, values)
    row[table.key] = values.get(table.key) or key or new_guid()
    write = Write(call, table, row, values, None)
    _complete(write)
    _require(table, row)
    try:
        call.store.insert(table, {name: value for name, value in row.items() if value is not None})
    except sqlite3.IntegrityError as error:
        raise duplicate_key(table, error) from None
    if table.entity in AFTER_CREATE:
        AFTER_CREATE[table.entity](write)
    _add_children(call, table, str(row[table.key]), payload)
    if table.entity in AFTER_WRITE:
        AFTER_WRITE[table.entity](write)
    return str(row[table.key])


def change(call: Call, table: Table, old: Row, body: dict[str, Any]) -> None:
    """Change a row; the version moves even when nothing differs (dataverse.md section 7)."""
    require(call, table, "Write")
    payload = read_payload(call, table, body, "u")
    values = payload.values
    values.pop(table.key, None)
    row = old | values
    write = Write(call, table, row, values, old)
    _complete(write)
    _require(table, {name: row[name] for name in values})
    if "_modifiedby_value" in row:
        row |= {"modifiedon": now(0), "_modifiedby_value": call.user}
        row |= {"_modifiedonbehalfby_value": call.behalf} if "_modifiedonbehalfby_value" in row else {}
    changed = {name: value for name, value in row.items() if value != old[name] or name in values}
    try:
        call.store.update(table, old[table.key], changed)
    except sqlite3.IntegrityError as error:
        raise duplicate_key(table, error) from None
    if table.entity in AFTER_WRITE:
        AFTER_WRITE[table.entity](write)


def remove(call: Call, table: Table, row: Row) -> None:
    """Delete a row as the relationships allow: refused, taken along, or links emptied."""
    require(call, table, "Delete")
    if table.entity in BEFORE_DELETE:
        BEFORE_DELETE[table.entity](call, table, row)
    remove_dependants(call.store, table, str(row[table.key]))
    call.store.delete(table, str(row[table.key]))
    if table.entity in AFTER_DELETE:
        AFTER_DELETE[table.entity](call, row)


def _new_targets(payload: Payload, values: Row) -> list[tuple[Any, Table, dict[str, Any]]]:
    """Return the lookups whose targets came along in the body, to be made first (deep insert)."""
    for column, relation, _ in payload.targets:
        if column.polymorphic:
            values[column.type_column] = relation.target
    return [(column, schema("dv").entity(relation.target), inner) for column, relation, inner in payload.targets]


def _add_children(call: Call, table: Table, key: str, payload: Payload) -> None:
    """Make, or tie, the rows that came along under a collection (conformance.md 199)."""
    for child, column, relation, bodies in payload.children:
        link: Row = {column.name: key}
        if column.polymorphic:
            link[column.type_column] = relation.target
        for body in bodies:
            create(call, child, body, extra=link)
    for child, _, relation, keys in payload.ties:
        for other in keys:
            change(
                call, child, call.existing(child, other), {f"{relation.navigation}@odata.bind": _address(table, key)}
            )


def _address(table: Table, key: str) -> str:
    return f"/{table.set}({key})"


def _defaults(call: Call, table: Table, values: Row) -> Row:
    row = dict(_blank(table.entity))
    created = now(0)
    row |= {"createdon": created, "modifiedon": created}
    for name in ("_createdby_value", "_modifiedby_value", "_ownerid_value"):
        if name in row:
            row[name] = call.user
    if "_createdonbehalfby_value" in row:
        row |= {"_createdonbehalfby_value": call.behalf, "_modifiedonbehalfby_value": call.behalf}
    if "_ownerid_value" in row:
        row["_ownerid_type"] = "systemuser"
    if "organizationid" in row or "_organizationid_value" in row:
        name = "organizationid" if "organizationid" in row else "_organizationid_value"
        row[name] = call.store.value('SELECT organizationid FROM "dv_organization"')
    row |= values
    if values.get("overriddencreatedon"):
        row["createdon"] = values["overriddencreatedon"]
    return row


@cache
def _blank(entity: str) -> Row:
    """Return a row without values: switches are off, everything else is null."""
    table = schema("dv").entity(entity)
    typed: Row = {column.type_column: None for column in table.lookups() if column.polymorphic}
    return {name: 0 if column.type == "bool" else None for name, column in table.columns.items()} | typed


def _complete(write: Write) -> None:
    """Apply the table's own rules, then owner, state, names and money."""
    if write.table.entity in CHECKS:
        CHECKS[write.table.entity](write)
    _owner(write)
    _state(write)
    fill_money(write)
    check_keys(write.call, write.table)
    if "fullname" in write.row:
        parts = (write.row.get(name) for name in ("firstname", "middlename", "lastname"))
        write.row["fullname"] = " ".join(filter(None, parts)) or None


def _owner(write: Write) -> None:
    row = write.row
    if "_ownerid_value" not in row or (write.old and "_ownerid_value" not in write.values):
        return
    if row["_ownerid_value"] is None:
        raise refuse(400, "0x80040203", "Attribute: ownerid cannot be set to NULL")
    is_user = row["_ownerid_type"] == "systemuser"
    owner = write.store.get(schema("dv").entity(row["_ownerid_type"]), row["_ownerid_value"])
    derived = {
        "_owninguser_value": row["_ownerid_value"] if is_user else None,
        "_owningteam_value": None if is_user else row["_ownerid_value"],
        "_owningbusinessunit_value": owner["_businessunitid_value"] if owner else None,
    }
    row |= {name: value for name, value in derived.items() if name in row}


def _state(write: Write) -> None:
    """Bring state and reason together: setting one picks the other (dataverse.md section 15)."""
    status = write.table.columns.get("statuscode")
    if status is None:
        return
    row, values, states = write.row, write.values, {option.value: option.state for option in status.options}
    if write.old is None and row["statecode"] is None:
        row["statecode"] = status.options[0].state
    if row["statecode"] is None:
        raise refuse(400, "0x80040203", "Attribute: statecode cannot be set to NULL")
    if values.get("statuscode") is None:
        first = next(option.value for option in status.options if option.state == row["statecode"])
        keeps = write.old is not None and write.old["statecode"] == row["statecode"]
        row["statuscode"] = write.old["statuscode"] if keeps and write.old else first
    elif write.old is not None and "statecode" not in values and write.call.switches.dv_reason_moves_state:
        row["statecode"] = states[row["statuscode"]]
    elif states[row["statuscode"]] != row["statecode"]:
        text = f"{row['statuscode']} is not a valid status code for state code {row['statecode']}."
        raise refuse(400, "0x80048408", text)


def _require(table: Table, values: Row) -> None:
    """Refuse a blank where the platform itself needs a value; only SystemRequired counts (dataverse.md section 6)."""
    for name, value in values.items():
        column = table.columns.get(name)
        if column and value is None and column.required == "system" and column.access and column.type != "bool":
            raise refuse(400, "0x80040203", f"Attribute: {column.attribute} cannot be set to NULL")
