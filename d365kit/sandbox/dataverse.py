"""Request → Reply of the Dataverse Web API v9.2: routing and reading; writing is next door."""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import dumps
from typing import Any
from urllib.parse import quote

from d365kit.sandbox import dataverse_definitions as definitions
from d365kit.sandbox import dataverse_pages as pages
from d365kit.sandbox import dataverse_writes as writes
from d365kit.sandbox.dataverse_rules import missing_row, refuse
from d365kit.sandbox.identity import Identity
from d365kit.sandbox.odata import metadata
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter
from d365kit.sandbox.odata.filters import FilterError, parse_filter
from d365kit.sandbox.odata.query import OptionError, Query, page_size, read_query
from d365kit.sandbox.schema import Column, Table, schema
from d365kit.sandbox.store import Row, Store, after, order_sql, order_values, row_json
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import Refusal, Reply, Request, canonical_guid, new_guid, origin_of

PAGE_MAXIMUM = 5_000
COUNT_MAXIMUM = 5_000
URL_MAXIMUM = 32_768
_SEGMENT = re.compile(r"([$\w.]+)(?:\((.*)\))?$")
_OPTIONS = frozenset({"$select", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$expand"})
_METHOD_LETTER = {"POST": "C", "PATCH": "U", "DELETE": "D", "PUT": "U"}


class Dataverse:
    """The emulated service over a store. Source: dataverse.md; conformance.md sections G to J."""

    def __init__(self, store: Store, identity: Identity, switches: Switches) -> None:
        self.store, self.identity, self.switches = store, identity, switches
        self.user = identity.default.dv_user
        self.schema = schema("dv")
        self.writes = 0
        self._json: dict[tuple[str, tuple[str, ...]], str] = {}

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request; refusals become Dataverse's error body."""
        try:
            with self.store.lock:
                reply = self.route(request)
        except Refusal as refusal:
            reply = _error(request, refusal)
        reply.headers |= {
            "x-ms-service-request-id": new_guid(),
            "REQ_ID": new_guid(),
            "x-ms-ratelimit-burst-remaining-xrm-requests": "5999",
            "x-ms-ratelimit-time-remaining-xrm-requests": "1200.00",
            "x-ms-dop-hint": "4",
        }
        return reply

    def route(self, request: Request) -> Reply:
        """Return the reply of the addressed resource; Refusal for all that is not there or not allowed."""
        if self.identity.caller(request.headers.get("authorization"), origin_of(request.root)) is None:
            raise refuse(401, "", "")
        if request.length > URL_MAXIMUM:
            raise refuse(414, "0x0", "The request URI is too long.")
        segments = [_segment(part) for part in request.path.split("/") if part]
        if not segments:
            return self.service_document(request)
        name, key = segments[0]
        if name == "$metadata":
            return Reply(body=metadata.dataverse().encode(), kind="application/xml")
        if name == "WhoAmI":
            return self.who_am_i(request)
        if name == "EntityDefinitions":
            return _json(definitions.answer(self.schema, request, segments))
        table = self.schema.sets.get(name)
        if table is None:
            raise refuse(404, "0x8006088a", f"Resource not found for the segment '{name}'.")
        if request.method != "GET":
            return self.write(request, table, key, segments[1:])
        if len(segments) > 1:
            if key is None and segments[1] == ("$count", None):
                return self.bare_count(request, table)
            raise refuse(404, "0x8006088a", f"Resource not found for the segment '{segments[1][0]}'.")
        return self.row(request, table, key) if key is not None else self.rows(request, table)

    def service_document(self, request: Request) -> Reply:
        """Return the list of sets."""
        value = [{"name": name, "kind": "EntitySet", "url": name} for name in self.schema.sets]
        return _json({"@odata.context": f"{request.root}/$metadata", "value": value})

    def who_am_i(self, request: Request) -> Reply:
        """Return the ids of the signed-in user, its business unit and the organization."""
        if request.method != "GET":
            raise refuse(404, "", f"No HTTP resource was found that matches the request URI '{request.path}'.")
        user = self.store.get(self.schema.entity("systemuser"), self.user) or {}
        context = f"{request.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
        ids = {"BusinessUnitId": user.get("_businessunitid_value"), "UserId": self.user}
        return _json({"@odata.context": context, **ids, "OrganizationId": user.get("organizationid")})

    # -- reading

    def query(self, request: Request, table: Table) -> tuple[Query, str, list[Any]]:
        """Return the options, the condition and its parameters. Source: dataverse.md section 5."""
        self.check_options(request)
        emitter = DataverseEmitter(table, self.schema)
        aliases = {name: value for name, value in request.query if name.startswith("@")}
        text = request.option("$filter")
        try:
            query = read_query(request, table, table.columns.get)
            where = emitter.condition(parse_filter(text, aliases)) if text else "1"
        except (OptionError, FilterError) as error:
            raise _bad_query(table, error.reason, error.text) from error
        except ValueError as error:
            raise refuse(400, "0x0", str(error)) from error
        return query, where, emitter.parameters

    def check_options(self, request: Request) -> None:
        """Refuse the query options Dataverse, or this emulation of it, does not take."""
        for name, _ in request.query:
            if name == "$skip":
                raise refuse(400, "0x80060888", "Skip Clause is not supported in CRM")
            if name == "$expand" or name == "$apply":
                raise refuse(400, "0x80060888", f"The sandbox does not serve {name} yet.")
            if name.startswith("$") and name not in _OPTIONS:
                raise refuse(400, "0x80060888", f"The query parameter {name} is not supported.")

    def rows(self, request: Request, table: Table) -> Reply:
        """Return one page of a set, with a nextLink when more rows follow."""
        query, where, parameters = self.query(request, table)
        patterns = pages.wanted_annotations(request.preferences.get("odata.include-annotations"))
        size, asked = page_size(request, PAGE_MAXIMUM)
        capped = query.top is not None and not asked
        limit = min(size, query.top or 0) if capped else size
        head = self.head(request, table, query) + self.totals(table, query, where, parameters, patterns)
        number, token = 1, request.option("$skiptoken")
        if token:
            number, place = pages.read_token(table, query, token)
            condition, values = after(query.order, table.key, place)
            where, parameters = f"({where}) AND {condition}", [*parameters, *values]
        found = self.read_page(table, query, where, parameters, limit + 1, patterns)
        page = found[:limit]
        tail = b"]}"
        if len(found) > limit and not capped:
            token = pages.skip_token(table, query, number, page[0][1:], page[-1][1:])
            tail = f'],"@odata.nextLink":{dumps(_next_link(request, table, token))}}}'.encode()
        body = b"".join((head.encode(), b',"value":[', b",".join(row[0] for row in page), tail))
        return Reply(body=body, headers=_applied(request))

    def head(self, request: Request, table: Table, query: Query) -> str:
        """Return the opening of a collection's body."""
        names = f"({','.join(column.name for column in query.select)})" if query.selected else ""
        return f'{{"@odata.context":{dumps(f"{request.root}/$metadata#{table.set}{names}")}'

    def totals(
        self, table: Table, query: Query, where: str, parameters: Sequence[Any], patterns: Sequence[str]
    ) -> str:
        """Return the counts, which never pass 5,000 (conformance.md 144, 145)."""
        found = self.store.count(table, where, parameters, COUNT_MAXIMUM + 1) if query.count else -1
        text = f',"@odata.count":{min(found, COUNT_MAXIMUM)}' if query.count else ""
        if pages.includes(patterns, pages.TOTAL):
            exceeded = dumps(found > COUNT_MAXIMUM)
            text += f',"@{pages.TOTAL}":{min(found, COUNT_MAXIMUM)},"@{pages.TOTAL}limitexceeded":{exceeded}'
        return text

    def read_page(
        self, table: Table, query: Query, where: str, parameters: Sequence[Any], limit: int, patterns: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Return rows as (JSON, order values..., key)."""
        columns = _with_key(table, query.select)
        place = [*order_values(query.order), f't."{table.key}"']
        order = order_sql(query.order, table.key)
        if not patterns:
            expressions = [self.json_of(table, columns), *place]
            return self.store.page(table, ", ".join(expressions), where, parameters, order, limit)
        expressions = pages.annotated_expressions(columns)
        width, symbols = len(expressions), pages.currency_symbols(self.store)
        rows = self.store.page(table, ", ".join([*expressions, *place]), where, parameters, order, limit)
        return [(pages.annotate(table, columns, row, patterns, symbols), *row[width:]) for row in rows]

    def json_of(self, table: Table, columns: tuple[Column, ...]) -> str:
        """Return the rendering expression of a selection, remembered."""
        key = (table.set, tuple(column.name for column in columns))
        if key not in self._json:
            self._json[key] = row_json(table, columns)
        return self._json[key]

    def bare_count(self, request: Request, table: Table) -> Reply:
        """Return the number of rows as plain text, at most 5,000."""
        _, where, parameters = self.query(request, table)
        return Reply(body=str(self.store.count(table, where, parameters, COUNT_MAXIMUM)).encode(), kind="text/plain")

    def row(self, request: Request, table: Table, key: str) -> Reply:
        """Return one row, or 304 when the client holds its version."""
        row = self.existing(table, self.guid(table, key))
        patterns = pages.wanted_annotations(request.preferences.get("odata.include-annotations"))
        if request.headers.get("if-none-match") == _tag(row) and not patterns:
            return Reply(304, headers={"ETag": _tag(row)})
        return self.one(request, table, row[table.key], 200)

    def one(self, request: Request, table: Table, key: str, status: int) -> Reply:
        """Return a reply whose body is the row with this key."""
        query, _, _ = self.query(request, table)
        patterns = pages.wanted_annotations(request.preferences.get("odata.include-annotations"))
        found = self.read_page(table, query, f't."{table.key}" = ?', [key], 1, patterns)
        names = f"({','.join(column.name for column in query.select)})" if query.selected else ""
        context = dumps(f"{request.root}/$metadata#{table.set}{names}/$entity")
        body = f'{{"@odata.context":{context},'.encode() + found[0][0][1:]
        tag = self.store.value(f'SELECT versionnumber FROM "{table.sql}" WHERE "{table.key}" = ?', (key,))
        return Reply(status, body, {"ETag": f'W/"{tag}"'} | _applied(request))

    def guid(self, table: Table, key: str) -> str:
        """Return the id in an address; Refusal for alternate keys, which no table here defines."""
        guid = canonical_guid(key)
        if guid is None:
            raise refuse(400, "0x80060888", f"The key '{key}' is not defined for the entity '{table.entity}'.")
        return guid

    def existing(self, table: Table, key: str) -> Row:
        """Return a row by its id, or refuse with 404."""
        row = self.store.get(table, key)
        if row is None:
            raise missing_row(table, key)
        return row

    # -- writing

    def write(self, request: Request, table: Table, key: str | None, rest: list[tuple[str, str | None]]) -> Reply:
        """Create, change or remove a row or one of its properties. Source: dataverse.md sections 3, 6 and 7."""
        letter = _METHOD_LETTER.get(request.method, "?")
        if (letter == "C") != (key is None):
            raise refuse(405, "0x80060888", f"The method {request.method} does not fit the address.")
        if (letter if not rest else "U") not in table.methods:
            raise refuse(405, "0x8004023B", f"The operation is not allowed on {table.entity}.")
        with self.store.transaction():
            if key is None:
                reply = self.created(request, table, writes.create(self.store, table, _body(request), self.user))
            elif rest:
                reply = self.property(request, table, self.guid(table, key), rest)
            elif request.method == "PATCH":
                reply = self.patch(request, table, self.guid(table, key))
            elif request.method == "DELETE":
                reply = self.delete(request, table, self.guid(table, key))
            else:
                raise refuse(405, "0x80060888", "PUT needs a property.")
        self.writes += 1
        return reply

    def created(self, request: Request, table: Table, key: str) -> Reply:
        """Return the answer to a create: 204, or 201 with the row when asked for."""
        address = f"{request.root}/{table.set}({key})"
        reply = Reply(204)
        if request.preferences.get("return") == "representation":
            reply = self.one(request, table, key, 201)
        reply.headers |= {"OData-EntityId": address, "Location": address}
        return reply

    def patch(self, request: Request, table: Table, key: str) -> Reply:
        """Change a row; without If-Match a missing row is created (dataverse.md section 7)."""
        row = self.store.get(table, key)
        match = request.headers.get("if-match")
        if row is None:
            if match:
                raise missing_row(table, key)
            if "C" not in table.methods:
                raise refuse(405, "0x8004023B", f"The operation is not allowed on {table.entity}.")
            return self.created(request, table, writes.create(self.store, table, _body(request), self.user, key))
        if request.headers.get("if-none-match", "").strip() == "*":
            raise refuse(412, "0x80040237", "A record with matching key values already exists.")
        _check_version(row, match)
        writes.change(self.store, table, row, _body(request), self.user)
        reply = Reply(204)
        if request.preferences.get("return") == "representation":
            reply = self.one(request, table, key, 200)
        version = self.store.value(f'SELECT versionnumber FROM "{table.sql}" WHERE "{table.key}" = ?', (key,))
        reply.headers |= {"OData-EntityId": f"{request.root}/{table.set}({key})", "ETag": f'W/"{version}"'}
        return reply

    def delete(self, request: Request, table: Table, key: str) -> Reply:
        """Remove a row."""
        row = self.existing(table, key)
        _check_version(row, request.headers.get("if-match"))
        writes.remove(self.store, table, row)
        return Reply(204)

    def property(self, request: Request, table: Table, key: str, rest: list[tuple[str, str | None]]) -> Reply:
        """Set or clear one property, or a lookup by $ref (conformance.md 182, 195, 196)."""
        name, row = rest[0][0], self.existing(table, key)
        if rest[1:] == [("$ref", None)] and request.method == "DELETE":
            body: dict[str, Any] = {f"{name}@odata.bind": None}
        elif rest[1:] == [("$ref", None)] and request.method == "PUT":
            body = {f"{name}@odata.bind": _body(request).get("@odata.id")}
        elif len(rest) > 1 or table.columns.get(name) is None:
            raise refuse(404, "0x8006088a", f"Resource not found for the segment '{name}'.")
        else:
            body = {name: None if request.method == "DELETE" else _body(request).get("value")}
        writes.change(self.store, table, row, body, self.user)
        return Reply(204)


def _segment(text: str) -> tuple[str, str | None]:
    match = _SEGMENT.match(text)
    if match is None:
        raise refuse(404, "0x8006088a", f"Resource not found for the segment '{text}'.")
    return match.group(1), match.group(2)


def _tag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


def _check_version(row: Row, match: str | None) -> None:
    if match and match.strip() != "*" and match.strip().removeprefix("W/") != _tag(row).removeprefix("W/"):
        text = "The version of the existing record doesn't match the RowVersion property provided."
        raise refuse(412, "0x80060882", text)


def _with_key(table: Table, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    key = table.columns[table.key]
    return columns if key in columns else (*columns, key)


def _next_link(request: Request, table: Table, token: str) -> str:
    options = [
        f"{name}={quote(value, safe=',()/')}" for name, value in request.query if name not in ("$skiptoken", "$top")
    ]
    return f"{request.root}/{table.set}?{'&'.join([*options, f'$skiptoken={token}'])}"


def _applied(request: Request) -> dict[str, str]:
    preferences, honoured = request.preferences, []
    if preferences.get("odata.maxpagesize") and request.method == "GET":
        honoured.append(f"odata.maxpagesize={preferences['odata.maxpagesize']}")
    if preferences.get("odata.include-annotations"):
        honoured.append(f'odata.include-annotations="{preferences["odata.include-annotations"]}"')
    if preferences.get("return") == "representation" and request.method != "GET":
        honoured.append("return=representation")
    return {"Preference-Applied": ",".join(honoured)} if honoured else {}


def _body(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError as error:
        raise refuse(400, "0x0", f"Error identified in Payload provided by the user: {error}") from error


def _bad_query(table: Table, reason: str, text: str) -> Refusal:
    if reason == "property":
        what = f"Could not find a property named '{text}' on type 'Microsoft.Dynamics.CRM.{table.entity}'."
        return refuse(400, "0x0", what)
    return refuse(400, "0x80060888" if reason == "unsupported" else "0x0", text)


def _json(value: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status, dumps(value, ensure_ascii=False).encode())


def _error(request: Request, refusal: Refusal) -> Reply:
    if refusal.status == 401:
        origin = request.root.removesuffix("/api/data/v9.2")
        where = f"authorization_uri={origin}/sandbox-tenant/oauth2/authorize, resource_id={origin}/"
        return Reply(401, headers={"WWW-Authenticate": f"Bearer {where}"})
    return _json({"error": {"code": refusal.code, "message": refusal.text}}, refusal.status)
