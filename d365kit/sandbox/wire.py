"""ASGI scope → Request, and Reply → ASGI messages: the little HTTP both services share."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from json import JSONDecodeError, loads
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON_TYPE = "application/json; odata.metadata=minimal"


class Refusal(Exception):
    """A request the service does not accept; carries the status, the service's code and its text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


@dataclass(frozen=True)
class Request:
    """One request below a service's root. ``path`` is relative to the root, ``root`` absolute.

    ``segments`` are the path's parts, split before they were decoded, so that a key may hold a slash.
    """

    method: str
    root: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    length: int
    segments: tuple[str, ...] = ()

    def option(self, name: str) -> str | None:
        """Return the last value of a query option, or None."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    @property
    def preferences(self) -> dict[str, str]:
        """The parts of all Prefer headers as name → value without quotes; a bare name has the value ''."""
        found = {}
        for part in split_outside_quotes(self.headers.get("prefer", "")):
            name, _, value = part.strip().partition("=")
            found[name.strip().lower()] = value.strip().strip('"')
        return found

    def json(self) -> dict[str, Any]:
        """Return the body as an object with exact decimals; ValueError when it is not one."""
        try:
            value = loads(self.body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(str(error)) from error
        if not isinstance(value, dict):
            raise ValueError("an object was expected")
        return value


@dataclass
class Reply:
    """Status, body and headers of an answer; every answer also gets a Date and OData-Version."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = JSON_TYPE
    cookies: tuple[str, ...] = ()


def split_outside_quotes(text: str) -> list[str]:
    """Split at commas that stand outside double quotes.

    >>> split_outside_quotes('a="x,y",b')
    ['a="x,y"', 'b']
    """
    parts, quoted, start = [], False, 0
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append(text[start:position])
            start = position + 1
    return [part for part in [*parts, text[start:]] if part.strip()]


async def read_request(scope: Mapping[str, Any], receive: Receive, root: str) -> Request:
    """Return the request of an ASGI scope, its path taken relative to ``root``."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    raw = scope.get("query_string", b"").decode("latin-1")
    path = (
        (scope.get("raw_path") or quote(scope["path"], safe="/()'$=,").encode()).decode("latin-1").partition("?")[0]
    )
    host = headers.get("host", "localhost")
    absolute = f"{scope.get('scheme', 'http')}://{host}{root}"
    return request_to(absolute, path[len(root) :], raw, scope["method"], headers, bytes(body))


def request_to(
    root: str, path: str, query: str, method: str, headers: Mapping[str, str], body: bytes = b""
) -> Request:
    """Return the request to a percent-encoded path below a root: one that came alone, or a part of a batch."""
    parts = tuple(unquote(part) for part in path.split("/") if part)
    return Request(
        method=method.upper(),
        root=root,
        path="/".join(parts),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=body,
        length=len(root) + len(path) + len(query),
        segments=parts,
    )


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a reply in one piece."""
    await send({"type": "http.response.start", "status": reply.status, "headers": raw_headers(reply)})
    await send({"type": "http.response.body", "body": reply.body})


def raw_headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    """Return the headers of a reply as ASGI wants them; Date is the real time, as clients compare clocks by it."""
    headers = {"date": format_datetime(datetime.now(UTC), usegmt=True), "odata-version": "4.0"}
    if reply.body:
        headers["content-type"] = reply.kind
    headers["content-length"] = str(len(reply.body))
    headers |= {name.lower(): value for name, value in reply.headers.items()}
    if reply.status in (204, 304):
        del headers["content-length"]
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return raw + [(b"set-cookie", cookie.encode("latin-1")) for cookie in reply.cookies]


def origin_of(address: str) -> str:
    """Return scheme and host of an address: the audience of a Dataverse token.

    >>> origin_of("http://127.0.0.1:8080/api/data/v9.2")
    'http://127.0.0.1:8080'
    """
    return "/".join(address.split("/")[:3])


def new_guid() -> str:
    """Return a random GUID for a request or a correlation id."""
    return str(uuid.uuid4())


def canonical_guid(text: str) -> str | None:
    """Return a GUID in lower case without braces, or None when the text is not one.

    >>> canonical_guid("{0F8FAD5B-D9CB-469F-A165-70867728950E}")
    '0f8fad5b-d9cb-469f-a165-70867728950e'
    """
    inner = text.strip("{}")
    if len(inner) != 36 or inner.count("-") != 4:
        return None
    try:
        return str(uuid.UUID(inner))
    except ValueError:
        return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
