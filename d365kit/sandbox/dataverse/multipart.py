"""multipart/mixed bytes ↔ the HTTP messages inside. Source: dataverse.md section 9."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise

from d365kit.sandbox.dataverse.call import refuse
from d365kit.sandbox.wire import Refusal, Reply

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.I)
_REQUEST_LINE = re.compile(r"([A-Z]+) +(\S.*?)(?: +HTTP/\d(?:\.\d)?)? *$")


@dataclass(frozen=True)
class Message:
    """One request inside a batch: its Content-ID, its address as written, headers and body."""

    content_id: str
    method: str
    address: str
    headers: dict[str, str]
    body: bytes


Item = Message | list[Message]


def parse_batch(kind: str, body: bytes) -> list[Item]:
    """Return the requests of a batch; those of a change set as a list. Refusal when the bytes are not a batch."""
    items: list[Item] = []
    for headers, content in _parts(kind, body):
        inner = headers.get("content-type", "")
        if inner.lower().startswith("multipart/mixed"):
            members = _parts(inner, content + b"\r\n")
            if any(part.get("content-type", "").lower().startswith("multipart/") for part, _ in members):
                raise unreadable("A change set cannot hold another one.")
            items.append([_message(*part) for part in members])
        else:
            items.append(_message(headers, content))
    return items


def unreadable(why: str) -> Refusal:
    """Return the refusal for bytes that are not a batch (conformance.md 220)."""
    return refuse(400, "0x80048d19", f"Error identified in Payload: the stream of the batch cannot be read. {why}")


def _parts(kind: str, body: bytes) -> list[tuple[dict[str, str], bytes]]:
    match = _BOUNDARY.search(kind)
    if match is None:
        raise unreadable("The Content-Type names no boundary.")
    mark = re.escape((match.group(1) or match.group(2)).encode())
    marks = list(re.finditer(rb"(?:^|\r\n)--" + mark + rb"(--)?[ \t]*(?=\r\n)", body))
    ends = [position for position, found in enumerate(marks) if found.group(1)]
    if not ends:
        raise unreadable("Its closing boundary, followed by CRLF, is missing.")
    found = []
    for start, end in pairwise(marks[: ends[0] + 1]):
        head, blank, content = body[start.end() + 2 : end.start()].partition(b"\r\n\r\n")
        if not blank:
            raise unreadable("A part has no empty line after its headers.")
        found.append((_headers(head), content))
    return found


def _headers(head: bytes) -> dict[str, str]:
    found = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon or "\n" in line:
            raise unreadable(f"'{line}' is not a header.")
        found[name.strip().lower()] = value.strip()
    return found


def _message(headers: dict[str, str], content: bytes) -> Message:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/http":
        raise unreadable("A part is not of the type application/http.")
    head, _, body = content.partition(b"\r\n\r\n")
    line, _, lines = head.removesuffix(b"\r\n").partition(b"\r\n")
    match = _REQUEST_LINE.match(line.decode("utf-8", "replace"))
    if match is None or b"\n" in line:
        raise unreadable(f"'{line.decode('latin-1')}' is not a request line.")
    inner = _headers(lines) if lines else {}
    identifier = headers.get("content-id") or inner.get("content-id", "")
    return Message(identifier, match.group(1), match.group(2), inner, body)


def write_batch(boundary: str, parts: Sequence[bytes]) -> bytes:
    """Return parts as a multipart body."""
    mark = boundary.encode()
    return b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"


def write_part(reply: Reply, content_id: str) -> bytes:
    """Return a reply as a part of the type application/http."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    lines += ["", f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    headers = {"OData-Version": "4.0"} | ({"Content-Type": reply.kind} if reply.body else {}) | reply.headers
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body
