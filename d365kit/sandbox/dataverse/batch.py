"""$batch → the requests inside, in order, change sets whole or not at all. Source: dataverse.md section 9."""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import urlsplit

from d365kit.sandbox.dataverse.call import error_reply, refuse, stamped
from d365kit.sandbox.dataverse.multipart import Item, Message, parse_batch, unreadable, write_batch, write_part
from d365kit.sandbox.store import Store
from d365kit.sandbox.wire import Refusal, Reply, Request, new_guid, request_to

REQUESTS_MAXIMUM = 1_000
_URL_MAXIMUM = 65_536
_ROOT = re.compile(r"^/api/data/v9\.\d/?", re.I)
_REFERENCE = re.compile(r'("[^"]*@odata\.(?:bind|id)"\s*:\s*")/?(\$[^"/]+)')
#: Headers of the outer request that hold for every part.
_INHERITED = frozenset({"authorization", "host", "callerobjectid", "mscrmcallerid", "odata-version"})


class Service(Protocol):
    """What a batch needs of the service it runs in."""

    store: Store
    writes: int

    def served(self, request: Request, url_maximum: int, inside: bool = False) -> Reply:
        """Return the reply to one request."""

    def before_part(self, request: Request) -> Reply | None:
        """Return a reply that takes the place of a part's own, or None."""


def answer_batch(service: Service, request: Request, url_maximum: int) -> Reply:
    """Return the replies of all parts: 200, or the status of the first failure (conformance.md section L)."""
    if request.method != "POST":
        raise refuse(405, "0x80060888", "A batch is sent by POST.")
    if url_maximum == _URL_MAXIMUM:
        raise refuse(400, "0x80060888", "A batch request cannot hold another batch request.")
    if not request.headers.get("content-type", "").lower().startswith("multipart/mixed"):
        raise unreadable("The Content-Type is not multipart/mixed.")
    items = parse_batch(request.headers["content-type"], request.body)
    count = sum(len(item) if isinstance(item, list) else 1 for item in items)
    if count > REQUESTS_MAXIMUM:
        text = f"The batch holds {count} requests; at most {REQUESTS_MAXIMUM} are allowed."
        raise refuse(400, "0x80060888", text)
    goes_on = "odata.continue-on-error" in request.preferences
    parts, status = [], 200
    for item in items:
        part, outcome = _answer_item(service, request, item)
        parts.append(part)
        if outcome >= 400 and not goes_on:
            status = outcome
            break
    boundary = f"batchresponse_{new_guid()}"
    applied = {"Preference-Applied": "odata.continue-on-error"} if goes_on else {}
    return Reply(status, write_batch(boundary, parts), applied, f"multipart/mixed; boundary={boundary}")


def _answer_item(service: Service, outer: Request, item: Item) -> tuple[bytes, int]:
    if isinstance(item, list):
        return _change_set(service, outer, item)
    try:
        reply = _run(service, _request(outer, item, {}), inside=False)
    except Refusal as refusal:
        reply = _error(outer, refusal)
    return write_part(reply, item.content_id), reply.status


def _change_set(service: Service, outer: Request, messages: list[Message]) -> tuple[bytes, int]:
    """Run a change set in one transaction; a failure undoes it and stands in its place (conformance.md 214)."""
    made: dict[str, str] = {}
    parts: list[bytes] = []
    writes = service.writes
    content_id = ""
    try:
        with service.store.transaction():
            for message in messages:
                content_id = message.content_id
                if message.method == "GET":
                    raise refuse(400, "0x80060888", "A change set cannot hold a GET request.")
                reply = _run(service, _request(outer, message, made), inside=True)
                if reply.status >= 400:
                    raise _Undone(reply)
                if content_id:
                    made[content_id] = reply.headers.get("OData-EntityId", "")
                parts.append(write_part(reply, content_id))
    except (Refusal, _Undone) as failure:
        service.writes = writes
        reply = failure.reply if isinstance(failure, _Undone) else _error(outer, failure)
        return write_part(reply, content_id), reply.status
    boundary = f"changesetresponse_{new_guid()}"
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    return head + write_batch(boundary, parts).removesuffix(b"\r\n"), 200


class _Undone(Exception):
    """A part answered with an error that no rule raised: the set is undone with it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


def _error(outer: Request, refusal: Refusal) -> Reply:
    return stamped(error_reply(outer, refusal))


def _run(service: Service, request: Request, inside: bool) -> Reply:
    return service.before_part(request) or service.served(request, _URL_MAXIMUM, inside)


def _request(outer: Request, message: Message, made: dict[str, str]) -> Request:
    """Return a part as a request of its own: its address resolved, its references filled in."""
    address = message.address
    reference = re.match(r"/?(\$[^/?$]+)", address)
    if reference and reference.group(1) not in ("$metadata", "$batch"):
        address = _resolved(reference.group(1), made) + address[reference.end() :]
    parts = urlsplit(address)
    path = _ROOT.sub("", parts.path) if parts.scheme or parts.path.startswith("/") else parts.path
    if (parts.scheme or address.startswith("/")) and not _ROOT.match(parts.path):
        raise refuse(400, "0x80060888", f"The address '{address}' is not one of this service.")
    body = message.body
    if b"$" in body:
        text = body.decode("utf-8", "surrogateescape")
        text = _REFERENCE.sub(lambda found: found.group(1) + _resolved(found.group(2), made), text)
        body = text.encode("utf-8", "surrogateescape")
    inherited = {name: value for name, value in outer.headers.items() if name in _INHERITED}
    return request_to(outer.root, path, parts.query, message.method, inherited | message.headers, body)


def _resolved(reference: str, made: dict[str, str]) -> str:
    if reference[1:] not in made:
        text = f"Content-ID Reference: '{reference}' does not exist in the batch context."
        raise refuse(400, "0x80048d19", text)
    return made[reference[1:]]
