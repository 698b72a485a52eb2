"""$ref requests → links made and taken away: lookups, collections, many-to-many. Source: dataverse.md section 6."""

from __future__ import annotations

from d365kit.sandbox.dataverse import writes as writes
from d365kit.sandbox.dataverse.call import Call, missing_segment, refuse
from d365kit.sandbox.dataverse.payload import target_key
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.schema import Association, Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import canonical_guid, new_guid


def associate(call: Call, table: Table, row: Row, name: str, inner: str | None) -> None:
    """Tie a row to the one the body names: PUT for a lookup, POST for a collection."""
    address = call.body().get("@odata.id")
    if table.navigation(name) and call.request.method == "PUT":
        writes.change(call, table, row, {f"{name}@odata.bind": address})
        return
    found, between = call.schema.collection(table.entity, name), call.schema.association(table.entity, name)
    if call.request.method != "POST" or inner is not None or not (found or between):
        raise missing_segment(name)
    if found:
        child, _, relation = found
        held = call.existing(child, target_key(call, child, address))
        link = {f"{relation.navigation}@odata.bind": f"/{table.set}({row[table.key]})"}
        writes.change(call, child, held, link)
    elif between:
        _pair(call, between, table, row, target_key(call, _other(call, between, table), address))


def disassociate(call: Call, table: Table, row: Row, name: str, inner: str | None) -> None:
    """Empty a lookup, or take one row out of a collection: named in the address or by ``$id``."""
    if table.navigation(name) and inner is None:
        writes.change(call, table, row, {f"{name}@odata.bind": None})
        return
    found, between = call.schema.collection(table.entity, name), call.schema.association(table.entity, name)
    if not found and not between:
        raise missing_segment(name)
    child = found[0] if found else _other(call, between, table)  # type: ignore[arg-type]
    key = canonical_guid(inner or "") or target_key(call, child, call.request.option("$id"))
    if found:
        _, column, relation = found
        held = call.existing(child, key)
        if held[column.name] != row[table.key]:
            raise refuse(404, "0x80040217", f"{child.entity} {key} is not in the collection '{name}'.")
        writes.change(call, child, held, {f"{relation.navigation}@odata.bind": None})
    elif between:
        _unpair(call, between, table, row, key)


def _other(call: Call, between: Association, table: Table) -> Table:
    return call.schema.entity(between.other(table.entity))


def _pair(call: Call, between: Association, table: Table, row: Row, key: str) -> None:
    require(call, table, "Append")
    middle, other = call.schema.entity(between.table), _other(call, between, table)
    values = {between.sides[table.entity]: row[table.key], between.sides[other.entity]: key}
    test = " AND ".join(f'"{name}" = ?' for name in values)
    if call.store.value(f'SELECT 1 FROM "{middle.sql}" WHERE {test}', tuple(values.values())):
        raise refuse(412, "0x80040237", "Cannot insert duplicate key: the two rows are associated.")
    call.store.insert(middle, {middle.key: new_guid()} | values)


def _unpair(call: Call, between: Association, table: Table, row: Row, key: str) -> None:
    require(call, table, "Append")
    middle, other = call.schema.entity(between.table), _other(call, between, table)
    sql = f'SELECT "{middle.key}" FROM "{middle.sql}" WHERE "{between.sides[table.entity]}" = ? '
    sql += f'AND "{between.sides[other.entity]}" = ?'
    pair = call.store.value(sql, (row[table.key], key))
    if pair is None:
        raise refuse(404, "0x80040217", f"{other.entity} {key} is not associated.")
    call.store.delete(middle, pair)
