"""$batch request → one reply of many: JSON or multipart, with Business Central's habits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from typing import Any

from d365kit.sandbox.store import Store
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import Refusal, Reply, Request, new_guid, request_to

MAXIMUM = 100
_CRLF = "\r\n"
Answer = Callable[[Request], Reply]


@dataclass(frozen=True)
class Part:
    """One operation of a batch: its id, what it waits for, and the request."""

    id: str | None
    request: Request
    after: tuple[str, ...] = ()
    group: int = 0


class _Undo(Exception):
    """Ends a transaction whose changes must not stay."""


class Batch:
    """Runs batches; ``part`` answers one part. Source: business-central.md section 8; conformance.md section D."""

    def __init__(self, store: Store, switches: Switches, part: Answer) -> None:
        self.store, self.switches, self.part = store, switches, part

    def answer(self, request: Request) -> Reply:
        """Return the reply to a whole batch."""
        if request.method != "POST":
            raise Refusal(405, "BadRequest_MethodNotAllowed", "A batch must be sent with POST.")
        kind = request.headers.get("content-type", "")
        multipart = kind.lower().startswith("multipart/mixed")
        parts = list(_multipart(request) if multipart else _json_parts(request))
        if len(parts) > MAXIMUM:
            text = f"The batch holds {len(parts)} operations. The maximum is {MAXIMUM}."
            raise Refusal(500, "BadRequest", text)
        replies = self.run(parts, request)
        return _multipart_reply(parts, replies) if multipart else _json_reply(parts, replies)

    def run(self, parts: Sequence[Part], request: Request) -> list[Reply]:
        """Return the replies, in order; with isolation all is undone when one part fails (conformance.md 95, 96)."""
        if request.headers.get("isolation", "").lower() != "snapshot":
            return self.each(parts, request)
        replies: list[Reply] = []
        try:
            with self.store.transaction():
                replies = self.each(parts, request)
                if any(reply.status >= 400 for reply in replies):
                    raise _Undo
        except _Undo:
            pass
        return replies

    def each(self, parts: Sequence[Part], request: Request) -> list[Reply]:
        """Answer one part after another; change sets stand or fall together."""
        goes_on = "odata.continue-on-error" in request.preferences or not self.switches.bc_batch_ends_at_first
        replies: list[Reply] = []
        done: dict[str | None, Reply] = {}
        while len(replies) < len(parts):
            group = parts[len(replies)].group
            count = sum(1 for part in parts if part.group == group) if group else 1
            replies += self.together(parts[len(replies) : len(replies) + count], done, bool(group))
            if replies[0].status >= 400 and not goes_on:
                return replies[:1]
        return replies

    def together(self, parts: Sequence[Part], done: dict[str | None, Reply], undo: bool) -> list[Reply]:
        """Answer parts; with ``undo`` in one transaction, else each in its own."""
        replies: list[Reply] = []
        try:
            with self.store.transaction() if undo else nullcontext():
                for part in parts:
                    done[part.id] = reply = self.one(part, done)
                    replies.append(reply)
                if undo and any(reply.status >= 400 for reply in replies):
                    raise _Undo
        except _Undo:
            pass
        return replies

    def one(self, part: Part, done: dict[str | None, Reply]) -> Reply:
        """Answer a part; one whose predecessor failed is not tried."""
        if any(name not in done or done[name].status >= 400 for name in part.after):
            body = {"error": {"code": "BadRequest", "message": "A request this one depends on has failed."}}
            return Reply(424, json.dumps(body).encode())
        return self.part(part.request)


# -- JSON


def _json_parts(request: Request) -> Iterator[Part]:
    try:
        wanted = request.json()["requests"]
        assert isinstance(wanted, list)
        for item in wanted:
            body = item.get("body")
            headers = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
            data = b"" if body is None else (body if isinstance(body, str) else written(body)).encode()
            part = _part_request(request, str(item["method"]), str(item["url"]), headers, data)
            name = item.get("id")
            yield Part(None if name is None else str(name), part, tuple(map(str, item.get("dependsOn") or ())))
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise Refusal(400, "BadRequest", f"The batch request is not valid: {error}") from error


def written(value: Any) -> str:
    """Return JSON text in which decimals keep all digits.

    >>> written({"a": [Decimal("1.10"), None]})
    '{"a":[1.10,null]}'
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(name))}:{written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def _part_request(request: Request, method: str, url: str, headers: dict[str, str], body: bytes) -> Request:
    """Return the request of a part; its address is relative to the API's root, absolute, or begins with a slash."""
    path, _, query = url.partition("?")
    origin_path = "/" + request.root.split("/", 3)[3] if request.root.count("/") > 2 else ""
    for root in (request.root, origin_path):
        if root and path.startswith(root):
            path = path[len(root) :]
    return request_to(request.root, path, query, method, headers, body)


def _json_reply(parts: Sequence[Part], replies: Sequence[Reply]) -> Reply:
    found = []
    for part, reply in zip(parts, replies, strict=False):
        headers = {name.lower(): value for name, value in reply.headers.items()} | {"odata-version": "4.0"}
        headers |= {"content-type": reply.kind} if reply.body else {}
        fields = [f'"id":{json.dumps(part.id)}', f'"status":{reply.status}', f'"headers":{json.dumps(headers)}']
        if reply.body:
            text = reply.body.decode()
            fields.append(f'"body":{text if "json" in reply.kind else json.dumps(text)}')
        found.append("{" + ",".join(fields) + "}")
    return Reply(body=('{"responses":[' + ",".join(found) + "]}").encode())


# -- multipart


def _multipart(request: Request) -> Iterator[Part]:
    groups = 0
    for message in _messages(request.headers["content-type"], request.body):
        if message.get_content_type() == "multipart/mixed":
            groups += 1
            for inner in message.get_payload():
                yield _embedded(request, inner, groups)  # type: ignore[arg-type]
        else:
            yield _embedded(request, message, 0)


def _messages(kind: str, body: bytes) -> list[Message]:
    whole = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    if not whole.is_multipart():
        raise Refusal(400, "BadRequest", "The batch request has no parts.")
    return whole.get_payload()  # type: ignore[return-value]


def _embedded(request: Request, message: Message, group: int) -> Part:
    payload = message.get_payload(decode=True)
    if not isinstance(payload, bytes):
        raise Refusal(400, "BadRequest", "A part of the batch holds no request.")
    head, _, body = payload.replace(b"\r\n", b"\n").lstrip().partition(b"\n\n")
    first, *lines = head.decode("utf-8").split("\n")
    words = first.split(" ")
    if len(words) < 2:
        raise Refusal(400, "BadRequest", f"'{first}' is not a request line.")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Part(message.get("Content-ID"), _part_request(request, words[0], words[1], headers, body), group=group)


def _multipart_reply(parts: Sequence[Part], replies: Sequence[Reply]) -> Reply:
    boundary = f"batchresponse_{new_guid()}"
    lines, open_group, inner = list[str](), 0, ""
    for part, reply in zip(parts, replies, strict=False):
        if part.group != open_group:
            lines += [f"--{inner}--"] if open_group else []
            open_group, inner = part.group, f"changesetresponse_{new_guid()}"
            if part.group:
                lines += [f"--{boundary}", f"Content-Type: multipart/mixed; boundary={inner}", ""]
        lines += [f"--{inner if part.group else boundary}", "Content-Type: application/http"]
        lines += ["Content-Transfer-Encoding: binary", *([f"Content-ID: {part.id}"] if part.id else []), ""]
        lines += [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", "OData-Version: 4.0"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines += [f"Content-Type: {reply.kind}"] if reply.body else []
        lines += ["", reply.body.decode()]
    lines += [f"--{inner}--"] if open_group else []
    text = _CRLF.join([*lines, f"--{boundary}--", ""])
    return Reply(body=text.encode(), kind=f"multipart/mixed; boundary={boundary}")
