"""Call on an entity set → Reply: rows, one row, its properties, links and bulk messages."""

from __future__ import annotations

from json import loads
from typing import Any

from d365kit.sandbox.dataverse import expand as expand
from d365kit.sandbox.dataverse import pages as pages
from d365kit.sandbox.dataverse import reads as reads
from d365kit.sandbox.dataverse import tracking as tracking
from d365kit.sandbox.dataverse import writes as writes
from d365kit.sandbox.dataverse.apply import aggregated
from d365kit.sandbox.dataverse.bulk import BULK
from d365kit.sandbox.dataverse.call import (
    Call,
    Segments,
    check_version,
    json_reply,
    missing_row,
    missing_segment,
    refuse,
    tag_of,
)
from d365kit.sandbox.dataverse.duplicates import check_duplicates
from d365kit.sandbox.dataverse.fetch import fetched
from d365kit.sandbox.dataverse.keys import check_writable, find_by_key, key_values, row_by_key
from d365kit.sandbox.dataverse.links import associate, disassociate
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.dataverse.sql import queried
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Reply, canonical_guid

_NAMESPACE = "Microsoft.Dynamics.CRM."
_METHOD_LETTER = {"POST": "C", "PATCH": "U", "DELETE": "D", "PUT": "U"}


def answer(call: Call, table: Table, key: str | None, rest: Segments) -> tuple[Reply, int]:
    """Return the reply and how many rows were written."""
    if call.request.method == "GET":
        return read(call, table, key, rest), 0
    with call.store.transaction():
        if key is None and rest and rest[0][0].startswith(_NAMESPACE):
            return bulk(call, table, rest[0][0].removeprefix(_NAMESPACE))
        return write(call, table, key, rest), 1


# -- reading


def read(call: Call, table: Table, key: str | None, rest: Segments) -> Reply:
    """Return rows, a count, one row, or what hangs on it."""
    if key is not None:
        row_id = row_key(call, table, key)
        return row(call, table, row_id) if not rest else part(call, table, row_id, rest)
    request, source = call.request, reads.Source(table, table.set)
    if rest == [("$count", None)]:
        return tracking.pending(call, table) if request.option("$deltatoken") else reads.bare_count(call, source)
    if rest:
        raise missing_segment(rest[0][0])
    if request.option("fetchXml"):
        return fetched(call, table)
    if request.option("sql"):
        return queried(call, table)
    if request.option("$apply"):
        return aggregated(call, table)
    if request.option("$deltatoken"):
        return tracking.changes(call, table)
    if "odata.track-changes" in request.preferences:
        return tracking.begin(call, source)
    return reads.rows(call, source)


def row(call: Call, table: Table, key: str) -> Reply:
    """Return one row, or 304 when the client holds its version (conformance.md 192)."""
    require(call, table, "Read")
    held, request = call.existing(table, key), call.request
    decorated = request.option("$expand") or request.preferences.get("odata.include-annotations")
    if request.headers.get("if-none-match") == tag_of(held) and not decorated:
        return Reply(304, headers={"ETag": tag_of(held)})
    return reads.one(call, table, key, 200)


def part(call: Call, table: Table, key: str, rest: Segments) -> Reply:
    """Return a property of a row, the row a lookup leads to, or a collection."""
    name, tail = rest[0][0], [segment for segment, _ in rest[1:]]
    held = call.existing(table, key)
    column, found = table.columns.get(name), table.navigation(name)
    if column is not None and found is None and tail in ([], ["$value"]):
        require(call, table, "Read")
        text = pages.render(call.store, table, (column,), f't."{table.key}" = ?', [key], (), 1)[0][0]
        value = text.decode().partition(f'"{name}":')[2][:-1]
        if value == "null":
            return Reply(204)
        if tail:
            return Reply(body=str(loads(value)).encode(), kind="text/plain")
        context = f'{{"@odata.context":"{call.root}/$metadata#{table.set}({key})/{name}","value":{value}}}'
        return Reply(body=context.encode())
    if found is not None and tail in ([], ["$ref"]):
        target, link = _link(call, table, held, name)
        if target is None:
            return Reply(204)
        if tail:
            context = f"{call.root}/$metadata#$ref"
            return json_reply({"@odata.context": context, "@odata.id": f"{call.root}/{target.set}({link})"})
        return row(call, target, link)
    source = expand.collection_source(call, table, key, name)
    if source is None or tail not in ([], ["$count"]):
        raise missing_segment(name if source is None else tail[0])
    children = reads.Source(source[0], f"{table.set}({key})/{name}", source[1], source[2])
    return reads.bare_count(call, children) if tail else reads.rows(call, children)


def _link(call: Call, table: Table, held: Row, name: str) -> tuple[Table | None, str]:
    for column in table.lookups():
        for relation in column.targets:
            fits = not column.polymorphic or held[column.type_column] == relation.target
            if relation.navigation == name and fits and held[column.name]:
                return call.schema.entity(relation.target), held[column.name]
    return None, ""


def row_key(call: Call, table: Table, key: str) -> str:
    """Return the id of the row an address names, by id or by alternate key."""
    guid = canonical_guid(key)
    return guid if guid is not None else str(find_by_key(call, table, key)[table.key])


# -- writing


def write(call: Call, table: Table, key: str | None, rest: Segments) -> Reply:
    """Create, change or remove a row, one of its properties or links. Source: dataverse.md sections 3, 6 and 7."""
    method = call.request.method
    letter = _METHOD_LETTER.get(method, "?")
    if rest and key is not None:
        return below(call, table, key, rest)
    if (letter == "C") != (key is None) or rest or method == "PUT":
        raise refuse(405, "0x80060888", f"The method {method} does not fit the address.")
    allow(table, letter)
    if key is None:
        body = call.body()
        check_duplicates(call, table, body, None)
        return created(call, table, writes.create(call, table, body))
    guid = canonical_guid(key)
    values: Row = {table.key: guid} if guid else key_values(call, table, key)
    if method == "DELETE":
        return delete(call, table, key if guid is None else guid, values)
    if guid is None:
        check_writable("".join(str(value) for name, value in values.items() if name != table.key))
    return patch(call, table, values, f"{table.set}({guid or key})")


def allow(table: Table, letter: str) -> None:
    """Refuse a kind of write a table does not take."""
    if letter not in table.methods:
        raise refuse(405, "0x8004023B", f"The operation is not allowed on {table.entity}.")


def created(call: Call, table: Table, key: str, address: str = "") -> Reply:
    """Return the answer to a create: 204, or 201 with the row when asked for."""
    address = f"{call.root}/{address or f'{table.set}({key})'}"
    reply = Reply(204)
    if call.request.preferences.get("return") == "representation":
        reply = reads.one(call, table, key, 201)
    reply.headers |= {"OData-EntityId": address, "Location": address}
    return reply


def patch(call: Call, table: Table, values: Row, address: str) -> Reply:
    """Change a row; without If-Match a missing row is created (dataverse.md sections 7 and 8).

    values: the key the address names. OData-EntityId repeats the address, key form and all (conformance.md 201).
    """
    request, by_id = call.request, set(values) == {table.key}
    held = row_by_key(call, table, values)
    match = request.headers.get("if-match")
    if held is None:
        if match and by_id:
            raise missing_row(table, values[table.key])
        if match:
            raise refuse(404, "0x80060891", f"No {table.entity} exists with the specified key values.")
        allow(table, "C")
        body = call.body()
        check_duplicates(call, table, body, None)
        key = writes.create(call, table, body, values.get(table.key), None if by_id else _filled(values, body))
        reply = created(call, table, key, address)
        del reply.headers["Location"]
        tag = call.store.value(f'SELECT versionnumber FROM "{table.sql}" WHERE "{table.key}" = ?', (key,))
        reply.headers["ETag"] = f'W/"{tag}"'
        return reply
    if request.headers.get("if-none-match", "").strip() == "*":
        raise refuse(412, "0x80040237", "A record with matching key values already exists.")
    check_version(held, match)
    body = {name: value for name, value in call.body().items() if by_id or name not in values}
    key = held[table.key]
    check_duplicates(call, table, body, key)
    writes.change(call, table, held, body)
    reply = Reply(204)
    if request.preferences.get("return") == "representation":
        reply = reads.one(call, table, key, 200)
    version = call.store.value(f'SELECT versionnumber FROM "{table.sql}" WHERE "{table.key}" = ?', (key,))
    reply.headers |= {"OData-EntityId": f"{call.root}/{address}", "ETag": f'W/"{version}"'}
    return reply


def _filled(values: Row, body: dict[str, Any]) -> Row:
    """Return the key's columns the body does not name: its own values win (conformance.md 203)."""
    return {name: value for name, value in values.items() if name not in body}


def delete(call: Call, table: Table, key: str, values: Row) -> Reply:
    """Remove a row."""
    held = row_by_key(call, table, values)
    if held is None:
        raise missing_row(table, key) if table.key in values else refuse(404, "0x80060891", f"No row for {key}.")
    check_version(held, call.request.headers.get("if-match"))
    writes.remove(call, table, held)
    return Reply(204)


def below(call: Call, table: Table, key: str, rest: Segments) -> Reply:
    """Write one property, a link, or a new row of a collection (conformance.md 182, 195, 196)."""
    held, method = call.existing(table, row_key(call, table, key)), call.request.method
    name, inner = rest[0]
    if rest[1:] == [("$ref", None)]:
        (disassociate if method == "DELETE" else associate)(call, table, held, name, inner)
        return Reply(204)
    if len(rest) > 1:
        raise missing_segment(rest[1][0])
    found = call.schema.collection(table.entity, name)
    if method == "POST" and found is not None:
        child, column, relation = found
        allow(child, "C")
        link: Row = {column.name: held[table.key]}
        if column.polymorphic:
            link[column.type_column] = relation.target
        return created(call, child, writes.create(call, child, call.body(), extra=link))
    if method not in ("PUT", "DELETE") or name not in table.columns:
        raise missing_segment(name)
    allow(table, "U")
    if method == "PUT" and "value" not in (body := call.body()):
        raise refuse(400, "0x0", "The body of a property needs 'value'.")
    writes.change(call, table, held, {name: None if method == "DELETE" else body["value"]})
    return Reply(204)


def bulk(call: Call, table: Table, message: str) -> tuple[Reply, int]:
    """Run a bulk message on a set. Source: dataverse.md section 10."""
    if call.request.method != "POST" or message not in BULK:
        raise missing_segment(f"{_NAMESPACE}{message}")
    return BULK[message](call, table)
