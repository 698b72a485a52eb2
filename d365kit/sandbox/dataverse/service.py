"""Request → Reply of the Dataverse Web API v9.2: who asks, what is addressed, and which part answers."""

from __future__ import annotations

from collections.abc import Callable

from d365kit.sandbox.dataverse import definitions as definitions
from d365kit.sandbox.dataverse import tables as tables
from d365kit.sandbox.dataverse.batch import answer_batch
from d365kit.sandbox.dataverse.call import (
    Call,
    Segments,
    error_reply,
    json_reply,
    missing_segment,
    refuse,
    segments_of,
    stamped,
)
from d365kit.sandbox.dataverse.functions import ACTIONS, FUNCTIONS
from d365kit.sandbox.dataverse.security import acting_user
from d365kit.sandbox.identity import Identity
from d365kit.sandbox.odata import metadata
from d365kit.sandbox.schema import schema
from d365kit.sandbox.store import Store
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import Refusal, Reply, Request, origin_of

URL_MAXIMUM = 32_768
BATCH_URL_MAXIMUM = 65_536


class Dataverse:
    """The emulated service over a store. Source: dataverse.md; conformance.md sections G to Q.

    ``before_part`` may answer a part of a batch in the service's place: faults are injected there.
    """

    def __init__(self, store: Store, identity: Identity, switches: Switches) -> None:
        self.store, self.identity, self.switches = store, identity, switches
        self.schema = schema("dv")
        self.writes = 0
        self.before_part: Callable[[Request], Reply | None] = lambda _: None
        store.finish_keys()

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request; refusals become Dataverse's error body."""
        with self.store.lock:
            return self.served(request, URL_MAXIMUM)

    def served(self, request: Request, url_maximum: int, inside: bool = False) -> Reply:
        """Return the reply to a request ; inside a change set a refusal passes through, so that the set is undone."""
        try:
            reply = self.route(request, url_maximum)
        except Refusal as refusal:
            if inside:
                raise
            reply = error_reply(request, refusal)
        except RecursionError:
            reply = error_reply(request, refuse(400, "0x80060888", "The query is nested too deeply."))
        return stamped(reply)

    def route(self, request: Request, url_maximum: int) -> Reply:
        """Return the reply of the addressed resource; Refusal for all that is not there or not allowed."""
        call = self.call(request)
        if request.length > url_maximum:
            raise refuse(414, "0x0", "The request URI is too long.")
        if request.segments == ("$batch",):
            return answer_batch(self, request, url_maximum)
        segments = segments_of(request.segments)
        if not segments:
            return self.service_document(call)
        name, key = segments[0]
        if name == "$metadata":
            annotated = (request.option("annotations") or "").lower() == "true"
            return Reply(body=metadata.dataverse(annotated).encode(), kind="application/xml")
        if name in definitions.ROOTS:
            return definitions.answer(call, segments)
        if name in FUNCTIONS or name in ACTIONS:
            return self.operation(call, name, key, segments[1:])
        if name not in self.schema.sets:
            raise missing_segment(name)
        reply, written = tables.answer(call, self.schema.sets[name], key, segments[1:])
        self.writes += written
        return reply

    def call(self, request: Request) -> Call:
        """Return who asks, and as whom; Refusal with 401 for nobody (conformance.md 123, 134)."""
        caller = self.identity.caller(request.headers.get("authorization"), origin_of(request.root))
        if caller is None:
            raise refuse(401, "", "")
        own = caller.application.dv_user
        disabled = self.store.value("SELECT isdisabled FROM dv_systemuser WHERE systemuserid = ?", (own,))
        if disabled is None:
            raise refuse(401, "0x80040204", "The application is not a user of this organization.")
        if disabled:
            raise refuse(401, "0x80040277", f"The user (Id = {own}) is disabled.")
        user, behalf = acting_user(self.store, request, own)
        return Call(self.store, self.schema, self.switches, request, user, behalf, self.identity.clock())

    def service_document(self, call: Call) -> Reply:
        """Return the list of sets."""
        value = [{"name": name, "kind": "EntitySet", "url": name} for name in self.schema.sets]
        return json_reply({"@odata.context": f"{call.root}/$metadata", "value": value})

    def operation(self, call: Call, name: str, key: str | None, rest: Segments) -> Reply:
        """Call an unbound function by GET, or an action by POST (conformance.md 131)."""
        wanted = "GET" if name in FUNCTIONS else "POST"
        if call.request.method != wanted or rest:
            path = f"{call.root}/{call.request.path}"
            raise refuse(404, "", f"No HTTP resource was found that matches the request URI '{path}'.")
        if name in FUNCTIONS:
            return FUNCTIONS[name](call, key or "")
        with self.store.transaction():
            reply = ACTIONS[name](call)
        self.writes += name != "PublishXml"  # it shows what was written before
        return reply
