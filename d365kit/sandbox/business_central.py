"""Request → Reply of the Business Central API v2.0: routing, company, reading; writing is next door."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from json import dumps
from typing import Any
from urllib.parse import quote

from d365kit.sandbox import business_central_writes as writes
from d365kit.sandbox.identity import BC_AUDIENCE, Identity
from d365kit.sandbox.odata import metadata
from d365kit.sandbox.odata.emit import BusinessCentralEmitter
from d365kit.sandbox.odata.filters import FilterError, parse_filter
from d365kit.sandbox.odata.query import OptionError, Query, page_size, read_query
from d365kit.sandbox.schema import Column, Table, schema
from d365kit.sandbox.store import Row, Store, after, order_sql, order_values, row_json
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import JSON_TYPE, Refusal, Reply, Request, canonical_guid, new_guid

PAGE_MAXIMUM = 20_000
URL_MAXIMUM = 8_100
CONTENT_TYPE = f"{JSON_TYPE}; odata.streaming=true"
_SEGMENT = re.compile(r"([$\w.]+)(?:\((.*)\))?$")
_METHOD_LETTER = {"POST": "C", "PATCH": "U", "DELETE": "D"}


class BusinessCentral:
    """The emulated service over a store. Source: business-central.md; conformance.md sections A to C."""

    def __init__(self, store: Store, identity: Identity, switches: Switches, company: str) -> None:
        self.store, self.identity, self.switches, self.company = store, identity, switches, company
        self.schema = schema("bc")
        self.writes = 0
        self._json: dict[tuple[str, tuple[str, ...]], str] = {}

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request; refusals become BC's error body."""
        try:
            with self.store.lock:
                reply = self.route(request)
        except Refusal as refusal:
            reply = _error(refusal)
        reply.kind = CONTENT_TYPE if reply.kind == JSON_TYPE else reply.kind
        reply.headers.setdefault("ms-correlation-x", new_guid())
        return reply

    def route(self, request: Request) -> Reply:
        """Return the reply of the addressed resource; Refusal for all that is not there or not allowed."""
        if self.identity.caller(request.headers.get("authorization"), BC_AUDIENCE) is None:
            raise Refusal(401, "Authentication_InvalidCredentials", "The server has rejected the client credentials.")
        if request.length > URL_MAXIMUM:
            raise Refusal(414, "BadRequest", "The request URL is too long.")
        if request.method != "GET" and request.headers.get("data-access-intent", "").lower() == "readonly":
            raise Refusal(400, "BadRequest", "The data access intent ReadOnly does not allow this method.")
        segments = [_segment(part) for part in request.path.split("/") if part]
        if not segments:
            return self.service_document(request)
        if segments[0] == ("$metadata", None):
            body = metadata.business_central()
            return Reply(body=body.encode(), kind="application/xml")
        if segments[0] == ("$batch", None):
            raise Refusal(501, "BadRequest_MethodNotImplemented", "The sandbox does not serve $batch yet.")
        if segments[0][0] == "companies" and len(segments) > 1:
            self.check_company(segments[0][1])
            return self.resource(request, segments[1:], f"companies({self.company})/")
        if request.option("company") is not None:
            self.check_company(request.option("company"))
        prefix = "" if segments[0][0] == "companies" else f"companies({self.company})/"
        return self.resource(request, segments, prefix)

    def check_company(self, key: str | None) -> None:
        """Refuse a company this environment does not have."""
        if canonical_guid(key or "") != self.company:
            raise Refusal(404, "Internal_CompanyNotFound", f"The company {key} does not exist.")

    def service_document(self, request: Request) -> Reply:
        """Return the list of sets."""
        value = [{"name": name, "kind": "EntitySet", "url": name} for name in self.schema.sets]
        return _json({"@odata.context": f"{request.root}/$metadata", "value": value})

    def resource(self, request: Request, segments: list[tuple[str, str | None]], prefix: str) -> Reply:
        """Return the reply of a set, a row, or a count."""
        name, key = segments[0]
        table = self.schema.sets.get(name)
        counting = key is None and len(segments) == 2 and segments[1] == ("$count", None)
        if table is None or len(segments) > (2 if counting else 1):
            wanted = name if table is None else segments[1][0]
            raise Refusal(404, "BadRequest_NotFound", f"Resource not found for the segment '{wanted}'.")
        if request.method != "GET":
            return self.write(request, table, key, prefix)
        if counting:
            return self.bare_count(request, table)
        return self.row(request, table, key, prefix) if key is not None else self.rows(request, table, prefix)

    # -- reading

    def query(self, request: Request, table: Table) -> tuple[Query, str, list[Any]]:
        """Return the options, the condition and its parameters. Source: business-central.md section 5."""
        if request.option("$expand"):
            raise Refusal(501, "BadRequest_MethodNotImplemented", "The sandbox does not serve $expand yet.")
        emitter = BusinessCentralEmitter(table, self.schema, request.option("$schemaversion") == "2.1")
        text = request.option("$filter")
        try:
            query = read_query(request, table, emitter.find)
            where = emitter.condition(parse_filter(text)) if text else "1"
        except OptionError as error:
            raise _bad_option(table, error.reason, error.text) from error
        except FilterError as error:
            raise _bad_filter(table, error) from error
        except ValueError as error:
            raise Refusal(400, "BadRequest", str(error)) from error
        return query, where, emitter.parameters

    def rows(self, request: Request, table: Table, prefix: str) -> Reply:
        """Return one page of a set, with a nextLink when more rows follow."""
        query, where, parameters = self.query(request, table)
        head = f'{{"@odata.context":"{request.root}/$metadata#{prefix}{table.set}"'
        if query.count:
            head += f',"@odata.count":{self.store.count(table, where, parameters)}'
        size, _ = page_size(request, PAGE_MAXIMUM)
        limit = size if query.top is None else min(size, query.top)
        token = request.option("$skiptoken")
        skip = 0 if token else query.skip
        if token:
            condition, values = after(query.order, table.key, _place(token, query))
            where, parameters = f"({where}) AND {condition}", [*parameters, *values]
        found = self.read_page(table, query, where, parameters, limit + 1, skip)
        page = found[:limit]
        tail = b"]}"
        more = len(found) > limit and (query.top is None or query.top > limit) and page
        if more:
            link = self.next_link(request, prefix + table.set, query, page[-1], limit)
            tail = f'],"@odata.nextLink":{dumps(link)}}}'.encode()
        return Reply(body=b"".join((head.encode(), b',"value":[', b",".join(row[0] for row in page), tail)))

    def read_page(
        self, table: Table, query: Query, where: str, parameters: Sequence[Any], limit: int, skip: int
    ) -> list[tuple[Any, ...]]:
        """Return rows as (JSON, order values..., key)."""
        expressions = [self.json_of(table, query.select), *order_values(query.order), f't."{table.key}"']
        order = order_sql(query.order, table.key)
        return self.store.page(table, ", ".join(expressions), where, parameters, order, limit, skip)

    def json_of(self, table: Table, columns: tuple[Column, ...]) -> str:
        """Return the rendering expression of a selection, remembered."""
        key = (table.set, tuple(column.name for column in columns))
        if key not in self._json:
            self._json[key] = row_json(table, columns)
        return self._json[key]

    def next_link(self, request: Request, path: str, query: Query, last: Sequence[Any], limit: int) -> str:
        """Return the address of the next page: all options, aid=FIN and the place of the last row."""
        dropped = ("$skiptoken", "$skip", "aid", "$top")
        options = [f"{name}={quote(value, safe='')}" for name, value in request.query if name not in dropped]
        if query.top is not None:
            options.append(f"$top={query.top - limit}")
        place = last[1:]
        token = place[0] if len(place) == 1 else base64.urlsafe_b64encode(dumps(list(place)).encode()).decode()
        options += ["aid=FIN", f"$skiptoken={quote(token, safe='')}"]
        return f"{request.root}/{path}?{'&'.join(options)}"

    def row(self, request: Request, table: Table, key: str, prefix: str) -> Reply:
        """Return one row."""
        query, _, _ = self.query(request, table)
        return self.one(request, table, self.existing(table, key)[table.key], prefix, query.select)

    def one(
        self, request: Request, table: Table, key: str, prefix: str, columns: tuple[Column, ...], status: int = 200
    ) -> Reply:
        """Return a reply whose body is the row with this key."""
        text = self.store.value(
            f'SELECT {self.json_of(table, columns)} FROM "{table.sql}" t WHERE t."{table.key}" = ?', (key,)
        )
        context = f"{request.root}/$metadata#{prefix}{table.set}/$entity"
        return Reply(status, f'{{"@odata.context":{dumps(context)},'.encode() + text[1:])

    def existing(self, table: Table, key: str) -> Row:
        """Return the row of a key in an address; Refusal when it is no GUID or names no row."""
        guid = canonical_guid(key)
        if guid is None:
            raise Refusal(400, "BadRequest_NotFound", f"The key '{key}' is not a valid GUID.")
        found = self.store.get(table, guid)
        if found is None:
            raise Refusal(404, "Internal_RecordNotFound", f"The record {guid} does not exist in {table.set}.")
        return found

    def bare_count(self, request: Request, table: Table) -> Reply:
        """Return the number of rows as plain text."""
        _, where, parameters = self.query(request, table)
        return Reply(body=str(self.store.count(table, where, parameters)).encode(), kind="text/plain")

    # -- writing

    def write(self, request: Request, table: Table, key: str | None, prefix: str) -> Reply:
        """Create, change or remove a row. Source: business-central.md sections 6 and 7."""
        letter = _METHOD_LETTER.get(request.method, "?")
        if letter not in table.methods or (letter == "C") != (key is None):
            raise Refusal(405, "BadRequest_MethodNotAllowed", f"'{table.set}' does not allow {request.method}.")
        columns = tuple(table.columns.values())
        with self.store.transaction():
            if key is None:
                reply = self.create(request, table, prefix, columns)
            else:
                reply = self.change(request, table, key, prefix, columns)
        self.writes += 1
        return reply

    def create(self, request: Request, table: Table, prefix: str, columns: tuple[Column, ...]) -> Reply:
        """Add a row and return it."""
        key = writes.create(self.store, table, _body(request))
        location = {"Location": f"{request.root}/{prefix}{table.set}({key})"}
        if "return-no-content" in request.preferences:
            return Reply(204, headers=location)
        reply = self.one(request, table, key, prefix, columns, 201)
        reply.headers |= location
        return reply

    def change(self, request: Request, table: Table, key: str, prefix: str, columns: tuple[Column, ...]) -> Reply:
        """Change or remove a row whose tag was sent."""
        tag = request.headers.get("if-match")
        patching = request.method == "PATCH"
        if patching and not _well_formed(tag):
            raise Refusal(400, "BadRequest_InvalidToken", "The request needs a valid If-Match header.")
        row = self.existing(table, key)
        if tag and tag.strip() != "*" and tag.strip() != row["_tag"]:
            raise Refusal(409, "Request_EntityChanged", "Another user has already changed the record.")
        if not patching:
            writes.remove(self.store, table, row)
            return Reply(204)
        writes.change(self.store, table, row, _body(request))
        return self.one(request, table, row[table.key], prefix, columns)


def _segment(text: str) -> tuple[str, str | None]:
    match = _SEGMENT.match(text)
    if match is None:
        raise Refusal(404, "BadRequest_NotFound", f"Resource not found for the segment '{text}'.")
    return match.group(1), match.group(2)


def _well_formed(tag: str | None) -> bool:
    return tag is not None and re.fullmatch(r'\*|(W/)?"[^"]+"', tag.strip()) is not None


def _place(token: str, query: Query) -> list[Any]:
    if not query.order:
        return [token]
    try:
        place = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise Refusal(400, "BadRequest", "The skip token is not valid.") from error
    if not isinstance(place, list) or len(place) != len(query.order) + 1:
        raise Refusal(400, "BadRequest", "The skip token is not valid.")
    return place


def _body(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError as error:
        raise Refusal(400, "BadRequest", f"The request body is not valid JSON: {error}") from error


def _bad_option(table: Table, reason: str, text: str) -> Refusal:
    if reason == "property":
        text = f"Could not find a property named '{text}' on type 'Microsoft.NAV.{table.entity}'."
    return Refusal(400, "BadRequest", text)


def _bad_filter(table: Table, error: FilterError) -> Refusal:
    if error.reason == "distinct":
        text = "The 'OR' operator is not supported on distinct fields on an OData filter."
        return Refusal(501, "BadRequest_MethodNotImplemented", text)
    if error.reason == "unsupported":
        return Refusal(501, "BadRequest_MethodNotImplemented", error.text)
    if error.reason == "length":
        return Refusal(400, "Application_FilterErrorException", error.text)
    return _bad_option(table, error.reason, error.text)


def _json(value: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status, dumps(value, ensure_ascii=False).encode())


def _error(refusal: Refusal) -> Reply:
    message = f"{refusal.text}  CorrelationId:  {new_guid()}."
    reply = _json({"error": {"code": refusal.code, "message": message}}, refusal.status)
    if refusal.status == 401:
        reply.headers["WWW-Authenticate"] = "Bearer"
    return reply
