"""Request → Reply of the Business Central API v2.0: who asks, which company, which rows, read or written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from d365kit.sandbox.business_central import captions as captions
from d365kit.sandbox.business_central.address import Segment, bad_key, key_parts, key_value, not_found, split_path
from d365kit.sandbox.business_central.batch import Batch
from d365kit.sandbox.business_central.company import Company, companies
from d365kit.sandbox.business_central.posting import run
from d365kit.sandbox.business_central.reading import Place, Reader, json_reply, navigation, table_column
from d365kit.sandbox.business_central.writes import Writer
from d365kit.sandbox.identity import BC_AUDIENCE, Caller, Identity
from d365kit.sandbox.odata import metadata
from d365kit.sandbox.schema import schema
from d365kit.sandbox.store import Row, Store
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import JSON_TYPE, Refusal, Reply, Request, canonical_guid, new_guid

URL_MAXIMUM = 8_100
CONTENT_TYPE = f"{JSON_TYPE}; odata.streaming=true"
_METHOD_LETTER = {"POST": "C", "PATCH": "U", "DELETE": "D"}
_ACTION = "microsoft.nav."


class BusinessCentral:
    """The emulated service over a store. Source: business-central.md; conformance.md sections A to D.

    ``before_part`` may answer a part of a batch in the service's place: faults are injected there.
    """

    def __init__(self, store: Store, identity: Identity, switches: Switches) -> None:
        self.store, self.identity, self.switches = store, identity, switches
        self.companies = companies(store)
        self.reader = Reader(store, switches)
        self.writes = 0
        self.before_part: Callable[[Request], Reply | None] = lambda _: None

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request; refusals become BC's error body."""
        return self.guarded(request, lambda: self.enter(request))

    def guarded(self, request: Request, work: Callable[[], Reply]) -> Reply:
        """Return what ``work`` replies, with BC's headers and error bodies (conformance.md 17, 18)."""
        try:
            with self.store.lock:
                reply = work()
        except Refusal as refusal:
            reply = self.error(refusal)
        reply.kind = CONTENT_TYPE if reply.kind == JSON_TYPE else reply.kind
        reply.headers.setdefault("ms-correlation-x", new_guid())
        return reply

    def enter(self, request: Request) -> Reply:
        """Let a request in and route it."""
        self.check_enabled()
        self.admit(request)
        if split_path(request.segments[:1]) == [("$batch", None)]:
            return Batch(self.store, self.switches, self.part).answer(request)
        return self.route(request)

    def check_enabled(self) -> None:
        """Refuse everything while an on-premises server's API is switched off (conformance.md 15)."""
        if self.switches.bc_on_premises and not self.switches.bc_api_enabled:
            raise Refusal(405, "BadRequest_MethodNotAllowed", "The API service is not enabled on this server.")

    def admit(self, request: Request) -> Caller:
        """Return who asks; Refusal for strangers, long addresses, and writes with the intent to read."""
        caller = self.identity.caller(request.headers.get("authorization"), BC_AUDIENCE)
        if caller is None and self.switches.bc_on_premises:
            caller = self.identity.basic(request.headers.get("authorization"))
        if caller is None or (not caller.basic and caller.application.bc == "disabled"):
            text = "The server has rejected the client credentials."
            raise Refusal(401, "Authentication_InvalidCredentials", text)
        if not caller.basic and caller.application.bc == "unpermitted":
            text = "The application has no permission set in Business Central."
            raise Refusal(self.switches.bc_unpermitted_status, "Authorization_PermissionDenied", text)
        if request.length > URL_MAXIMUM:
            raise Refusal(414, "BadRequest", "The request URL is too long.")
        if request.method != "GET" and request.headers.get("data-access-intent", "").lower() == "readonly":
            raise Refusal(400, "BadRequest", "The data access intent ReadOnly does not allow this method.")
        return caller

    def part(self, request: Request) -> Reply:
        """Return the reply to a part of a batch, errors as replies."""
        fault = self.before_part(request)
        if fault is not None:
            return fault
        return self.guarded(request, lambda: self.route(request, request.headers.get("company")))

    def route(self, request: Request, named: str | None = None) -> Reply:
        """Return the reply of the addressed resource; ``named`` is the company a batch part names in a header."""
        segments = split_path(request.segments)
        if not segments:
            return self.service_document(request)
        if segments[0] == ("$metadata", None):
            return Reply(body=metadata.business_central().encode(), kind="application/xml")
        if segments[0][0] == "entityDefinitions" and len(segments) == 1:
            return captions.answer(request, segments[0][1])
        if segments[0][0] == "companies" and len(segments) > 1:
            return self.resource(request, self.company_of(segments[0][1] or ""), segments[1:])
        table = schema("bc").sets.get(segments[0][0])
        shared = table is not None and table.shared
        company = self.companies[0] if shared else self.chosen(request, named)
        return self.resource(request, company, segments)

    def company_of(self, key: str) -> Company:
        """Return the company with an id or a name, which is told apart by case (conformance.md 11)."""
        guid = canonical_guid(key)
        for company in self.companies:
            if guid == company.id or key == company.name:
                return company
        raise Refusal(404, "Internal_CompanyNotFound", f"The company {key} does not exist.")

    def chosen(self, request: Request, named: str | None = None) -> Company:
        """Return the company of a request whose path has none (business-central.md section 2)."""
        asked = request.option("company") or (unquote(named) if named else "") or self.switches.bc_default_company
        if asked:
            return self.company_of(asked)
        if len(self.companies) == 1:
            return self.companies[0]
        raise Refusal(404, "Internal_CompanyNotFound", "The request names no company, and there are several.")

    def service_document(self, request: Request) -> Reply:
        """Return the list of sets."""
        value = [{"name": name, "kind": "EntitySet", "url": name} for name in schema("bc").sets]
        return json_reply({"@odata.context": f"{request.root}/$metadata", "value": value})

    # -- addresses

    def resource(self, request: Request, company: Company, segments: list[Segment]) -> Reply:
        """Walk the path: a set, then rows and their parts, at its end a count or an action."""
        (name, key), rest = segments[0], segments[1:]
        table = company.schema.sets.get(name)
        if table is None:
            raise not_found(name)
        place = Place(company, table, name if table.shared else f"companies({company.id})/{name}")
        fixed: Row = {}
        while rest:
            step, following = rest[0]
            if key is None:
                if step == "$count" and len(rest) == 1 and request.method == "GET":
                    return self.reader.bare_count(request, place)
                raise not_found(step)
            row = self.existing(place, key)
            if step.lower().startswith(_ACTION) and len(rest) == 1:
                return self.act(request, place, row, step[len(_ACTION) :])
            way = navigation(place.table, step)
            if way is None:
                raise not_found(step)
            target, value = company.table(way.target), row[table_column(place.table, way.source).stored]
            fixed = {target.columns[way.column].stored: value}
            where = f"{target.columns[way.column].at()} = ?"
            place = Place(company, target, f"{place.path}({row[place.table.key]})/{step}", where, (value,))
            key, rest = following, rest[1:]
            if not way.many:
                key = key or self.only(place)
                if key is None:
                    return Reply(204)
        if request.method != "GET":
            return self.write(request, place, key, fixed)
        if key is None:
            return self.reader.rows(request, place)
        return self.reader.one(request, place, self.existing(place, key)[place.table.key])

    def only(self, place: Place) -> str | None:
        """Return the key of the row of a one-to-one part, or None."""
        sql = f'SELECT t."{place.table.key}" FROM "{place.table.sql}" t WHERE {place.condition}'
        found = self.store.value(sql, place.parameters)
        return None if found is None else str(found)

    def existing(self, place: Place, key: str) -> Row:
        """Return the row of a key in an address; Refusal when it is none or names no row (conformance.md 13, 14)."""
        table = place.table
        columns = [table.columns[name] for name in table.keys or (table.key,)]
        parts = key_parts(key)
        names = [""] if "" in parts else [column.name for column in columns]
        if set(parts) != set(names) or len(names) != len(columns):
            raise bad_key(key)
        values = [key_value(column, parts[name]) for column, name in zip(columns, names, strict=True)]
        tests = [f"{'CAST(' if c.numeric else ''}{c.at()}{' AS REAL)' if c.numeric else ''} = ?" for c in columns]
        sql = f'SELECT t."{table.key}" FROM "{table.sql}" t WHERE {" AND ".join(tests)} AND {place.condition}'
        found = self.store.value(sql, (*values, *place.parameters))
        row = self.store.get(table, found) if found is not None else None
        if row is None:
            raise Refusal(404, "Internal_RecordNotFound", f"The record {key} does not exist in {table.set}.")
        return row

    # -- writing

    def write(self, request: Request, place: Place, key: str | None, fixed: Row) -> Reply:
        """Create, change or remove a row. Source: business-central.md sections 6 and 7."""
        table = place.table
        letter = _METHOD_LETTER.get(request.method, "?")
        if letter not in table.methods or (letter == "C") != (key is None):
            raise Refusal(405, "BadRequest_MethodNotAllowed", f"'{table.set}' does not allow {request.method}.")
        writer = Writer(place.company, self.switches)
        with self.store.transaction():
            if key is None:
                made = writer.create(table, body_of(request), fixed)
                reply = self.created(request, place, made)
            else:
                row = self.existing(place, key)
                self.check_tag(request, row)
                if request.method == "DELETE":
                    writer.remove(table, row)
                    reply = Reply(204)
                else:
                    writer.change(table, row, body_of(request))
                    reply = self.reader.one(request, place, row[table.key], plain=True)
        self.writes += 1
        return reply

    def created(self, request: Request, place: Place, key: str) -> Reply:
        """Return the reply to a create: the whole row, or nothing when nothing is wanted (conformance.md 57, 63)."""
        headers = {"Location": f"{request.root}/{place.path}({self.key_of(place, key)})"}
        if "return-no-content" in request.preferences:
            return Reply(204, headers=headers)
        reply = self.reader.one(request, place, key, plain=True, status=201)
        reply.headers |= headers
        return reply

    def key_of(self, place: Place, key: str) -> str:
        """Return the key of a row as addresses show it."""
        return key

    def check_tag(self, request: Request, row: Row) -> None:
        """Refuse a PATCH without a tag, and a stale tag on any method (conformance.md 70 to 78)."""
        tag = (request.headers.get("if-match") or "").strip()
        if request.method == "PATCH" and not well_formed(tag):
            raise Refusal(400, "BadRequest_InvalidToken", "The request needs a valid If-Match header.")
        if tag not in ("", "*", row["_tag"]):
            text = "Another user has already changed the record."
            raise Refusal(self.switches.bc_stale_status, "Request_EntityChanged", text)

    def act(self, request: Request, place: Place, row: Row, name: str) -> Reply:
        """Run a bound action; the tag counts only when it is sent (conformance.md 88 to 91)."""
        if request.method != "POST":
            raise Refusal(405, "BadRequest_MethodNotAllowed", f"The action '{name}' must be called with POST.")
        with self.store.transaction():
            self.check_tag(request, row)
            made = run(place.company, place.table, row, name)
        self.writes += 1
        location = f"{request.root}/companies({place.company.id})/{made}"
        return Reply(204, headers={"Location": location} if made else {})

    def error(self, refusal: Refusal) -> Reply:
        """Return the reply of a refusal (conformance.md 3, 18)."""
        message = f"{refusal.text}  CorrelationId:  {new_guid()}."
        reply = json_reply({"error": {"code": refusal.code, "message": message}}, refusal.status)
        html = refusal.status == 414 and self.switches.bc_long_url_html
        if refusal.status == 401:
            reply.headers["WWW-Authenticate"] = "Bearer"
            html = self.switches.bc_refused_body == "html"
            reply.body = b"" if self.switches.bc_refused_body == "empty" else reply.body
        if html:
            text = f"<html><body><h2>{refusal.text}</h2><hr><p>HTTP Error {refusal.status}.</p></body></html>"
            reply.body, reply.kind = text.encode(), "text/html; charset=us-ascii"
        return reply


def well_formed(tag: str) -> bool:
    """Whether an If-Match header is * or one tag."""
    if tag == "*":
        return True
    inner = tag.removeprefix("W/")
    return len(inner) > 2 and inner[0] == inner[-1] == '"' and '"' not in inner[1:-1]


def body_of(request: Request) -> dict[str, Any]:
    """Return the body of a write; Refusal when it is not a JSON object (conformance.md 69)."""
    try:
        return request.json()
    except ValueError as error:
        raise Refusal(400, "BadRequest", f"The request body is not valid JSON: {error}") from error
