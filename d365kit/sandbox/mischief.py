"""Faults that struck → what is sent in their stead: error answers, spoilt bodies, links that lead astray."""

from __future__ import annotations

import gzip
import re
import uuid
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from json import JSONDecodeError, JSONDecoder, dumps
from random import Random
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from d365kit.sandbox.faults import INSTEAD, LINKS, Fault, Struck
from d365kit.sandbox.odata.values import now
from d365kit.sandbox.schema import schema
from d365kit.sandbox.store import Store
from d365kit.sandbox.wire import Reply, Request, new_guid

ELSEWHERE = "https://elsewhere.invalid"
_HTML = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>Gateway.</p></body></html>"
_TEXTS = {
    302: "Found",
    400: "The request is not accepted.",
    403: "The environment is read-only at the moment.",
    408: "The operation was cancelled because it took too long.",
    429: "Too many requests.",
    500: "An unexpected error occurred.",
    502: "Bad Gateway",
    503: "The service is unavailable.",
    504: "Gateway Timeout",
}
_CODES = {
    "bc": {
        400: "BadRequest", 403: "Authorization_RequestDenied", 408: "Unknown", 429: "Application_TooManyRequests",
        500: "Internal_ServerError", 503: "Internal_TenantUnavailable",
    },
    "dv": {
        400: "0x80040203", 403: "0x80048306", 408: "0x80044151", 429: "0x80072322", 500: "0x80040216",
        503: "0x80072329",
    },
    "token": {429: "temporarily_unavailable", 500: "server_error", 503: "temporarily_unavailable"},
}  # fmt: skip
#: What is in a body is changed first, then how it is written, then how it is sent.
_ORDER = (
    *LINKS, "extra_property", "error_in_200", "html_in_200", "wrong_type", "bom", "charset", "double_headers",
    "truncated", "gzip", "deflate", "chunked", "cut_body", "lost_answer",
)  # fmt: skip
_LINK = re.compile(rb'"@odata\.nextLink":"((?:[^"\\]|\\.)*)"')


@dataclass
class Delivery:
    """An answer and how it goes over the wire: whole, in chunks, or cut off before it or in its body."""

    reply: Reply
    cut: str = ""
    chunked: bool = False


def error_reply(side: str, status: int, code: str, text: str) -> Reply:
    """Return an error in the shape of a service. Source: business-central.md section 11, dataverse.md section 12."""
    if side == "token":
        body: dict[str, object] = {"error": code, "error_description": text}
    elif side == "bc":
        body = {"error": {"code": code, "message": f"{text}  CorrelationId:  {new_guid()}."}}
    else:
        body = {"error": {"code": code, "message": text}}
    return Reply(status, dumps(body).encode())


def gateway_reply(status: int) -> Reply:
    """Return what a gateway in front of a service says: HTML (conformance.md 106, 268)."""
    return Reply(status, _HTML.format(_TEXTS.get(status, "Error")).encode(), kind="text/html; charset=utf-8")


def instead(side: str, fault: Fault, request: Request) -> Delivery:
    """Return what comes instead of the service's answer."""
    status = fault.status or INSTEAD[fault.kind]
    if fault.kind == "cut_before":
        return Delivery(Reply(), cut="before")
    if fault.kind == "redirect":
        where = f"{ELSEWHERE}{urlsplit(request.root).path}/{request.path}"
        return Delivery(Reply(status, headers={"Location": where}))
    body = fault.body or ("html" if status in (502, 504) else "json")
    if body == "html":
        reply = gateway_reply(status)
    elif body == "empty":
        reply = Reply(status)
    else:
        usual = _CODES[side].get(status, "Unknown" if side == "bc" else "0x0")
        code = usual if fault.code is None else fault.code
        reply = error_reply(side, status, code, fault.text or _TEXTS.get(status, "Error"))
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = _retry_after(fault)
    return Delivery(reply)


def spoil(side: str, struck: list[Struck], request: Request, delivery: Delivery) -> None:
    """Change an answer the service gave as its faults want it, in an order in which each still has its effect."""
    for kind in _ORDER:
        for one in struck:
            if one.fault.kind == kind:
                _spoil(side, one, request, delivery)


def _spoil(side: str, struck: Struck, request: Request, delivery: Delivery) -> None:
    kind, reply = struck.fault.kind, delivery.reply
    if kind == "lost_answer":
        delivery.cut = "before"
    elif kind == "chunked":
        delivery.chunked = True
    elif kind in ("cut_body", "truncated") and len(reply.body) > 1:
        place = struck.chance.randrange(1, max(2, len(reply.body) - 2))
        struck.record.detail = f"after {place} of {len(reply.body)} bytes"
        if kind == "cut_body":
            delivery.cut = f"body:{place}"
        else:
            reply.body = reply.body[:place]
    elif kind == "error_in_200":
        wrong = error_reply(side, 200, _CODES[side].get(500, ""), struck.fault.text or _TEXTS[500])
        reply.status, reply.body = 200, wrong.body
    elif kind == "html_in_200":
        reply.status, reply.body, reply.kind = 200, gateway_reply(503).body, "text/html; charset=utf-8"
    elif kind == "wrong_type":
        reply.kind = "text/html"
    else:
        _reform(kind, struck, request, reply)


def _reform(kind: str, struck: Struck, request: Request, reply: Reply) -> None:
    accepted = request.headers.get("accept-encoding", "").lower()
    if kind in ("gzip", "deflate") and kind in accepted and reply.body and "Content-Encoding" not in reply.headers:
        reply.body = gzip.compress(reply.body) if kind == "gzip" else zlib.compress(reply.body)
        reply.headers["Content-Encoding"] = kind
    elif kind == "bom" and reply.body and "json" in reply.kind:
        reply.body = b"\xef\xbb\xbf" + reply.body
    elif kind == "charset" and "json" in reply.kind:
        reply.kind = "Application/JSON;charset=UTF-8"
    elif kind == "double_headers":
        reply.cookies = (*reply.cookies, "first=1; Path=/", "second=2; Path=/")
    elif kind in ("extra_property", "empty_page", "duplicate_row", "foreign_link", "same_link", "relative_link"):
        _rework(kind, struck, request, reply)
    else:
        struck.record.detail = "not applicable"


def _rework(kind: str, struck: Struck, request: Request, reply: Reply) -> None:
    page = _Page.read(reply.body) if reply.status == 200 and request.method == "GET" else None
    if page is None:
        struck.record.detail = "not a page"
        return
    link = page.link
    if kind == "extra_property":
        page.rows = [row[:-1] + (b"," if len(row) > 2 else b"") + b'"addedLater":{"a":[1]}}' for row in page.rows]
    elif kind == "empty_page" and request.option("again") is None:
        # The page itself comes behind an empty one, under its own address with a mark no service looks at.
        page.rows, page.link = [], _own_address(request, "again=1")
    elif kind == "duplicate_row" and page.rows and link:
        struck.owed[_place(link)] = struck.chance.choice(page.rows)
    elif kind == "same_link":
        page.link = _own_address(request)
    elif kind == "foreign_link":
        place = urlsplit(link or _own_address(request))
        page.link = f"{ELSEWHERE}{place.path}" + (f"?{place.query}" if place.query else "")
    elif kind == "relative_link" and link:
        page.link = link.rpartition("?")[0].rpartition("/")[2] + "?" + link.rpartition("?")[2]
    struck.record.detail = f"nextLink {page.link}" if page.link != link else struck.record.detail
    reply.body = page.write()


def repay(owed: dict[tuple[str, str], bytes], request: Request, reply: Reply) -> None:
    """Put a row of an earlier page into the page that follows it (conformance.md 292)."""
    row = owed.get((urlsplit(f"{request.root}/{request.path}").path, request.option("$skiptoken") or ""))
    page = _Page.read(reply.body) if row is not None and reply.status == 200 else None
    if page is not None and row is not None:
        page.rows.insert(0, row)
        reply.body = page.write()


def _place(link: str) -> tuple[str, str]:
    parts = urlsplit(link)
    return unquote(parts.path), dict(parse_qsl(parts.query)).get("$skiptoken", "")


def _own_address(request: Request, more: str = "") -> str:
    options = [f"{name}={quote(value, safe='')}" for name, value in request.query] + ([more] if more else [])
    path = quote(request.path, safe="/()',=$@")
    return f"{request.root}/{path}" + (f"?{'&'.join(options)}" if options else "")


@dataclass
class _Page:
    """A page as text around its rows, so that numbers and their digits stay as the service wrote them."""

    head: bytes
    rows: list[bytes]
    tail: bytes
    link: str | None

    @classmethod
    def read(cls, body: bytes) -> _Page | None:
        text = body.decode("utf-8", "replace")
        start = text.find('"value":[')
        if start < 0 or not text.startswith("{"):
            return None
        place, rows, decoder = start + len('"value":['), [], JSONDecoder()
        while text[place : place + 1] not in ("]", ""):
            try:
                _, end = decoder.raw_decode(text, place)
            except JSONDecodeError:
                return None
            rows.append(text[place:end].encode())
            place = end + (text[end : end + 1] == ",")
        tail = text[place + 1 :].encode()
        match = _LINK.search(tail)
        link = JSONDecoder().decode(f'"{match.group(1).decode()}"') if match else None
        return cls(text[:start].encode(), rows, _LINK.sub(b"", tail).replace(b",,", b",").replace(b",}", b"}"), link)

    def write(self) -> bytes:
        link = f',"@odata.nextLink":{dumps(self.link)}'.encode() if self.link else b""
        return b"".join((self.head, b'"value":[', b",".join(self.rows), b"]", link, self.tail))


def change_rows(store: Store, side: str, struck: Struck, request: Request) -> None:
    """Insert, update or delete a row of the set whose later page is asked for (conformance.md 54, 148)."""
    names = [segment.partition("(")[0] for segment in request.segments]
    table = next((schema(side).sets[name] for name in reversed(names) if name in schema(side).sets), None)
    if table is None or request.method != "GET" or not request.option("$skiptoken"):
        struck.record.detail = "not a later page"
        return
    count, chance = store.count(table), struck.chance
    if not count:
        return
    sql = f'SELECT "{table.key}" FROM "{table.sql}" ORDER BY "{table.key}" LIMIT 1 OFFSET ?'
    key = store.value(sql, (chance.randrange(count),))
    change = struck.fault.change or chance.choice(["insert", "update", "delete"])
    stamp = {"bc": ("lastModifiedDateTime", 3), "dv": ("modifiedon", 0)}[side]
    moved = {stamp[0]: now(stamp[1])} if stamp[0] in table.columns else {}
    if change == "delete":
        store.delete(table, key)
    elif change == "update":
        store.update(table, key, moved)
    else:
        row = store.get(table, key) or {}
        key = _new_key(chance)
        while store.get(table, key):  # the same storm over the same data, once more
            key = _new_key(chance)
        fresh = {table.unique: f"F{chance.getrandbits(32):08X}"} if table.unique else {}
        store.insert(table, row | moved | fresh | {table.key: key})
    struck.record.detail = f"{change} {table.set} {key}"


def _new_key(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _retry_after(fault: Fault) -> str:
    seconds = fault.retry_after or 0.0
    if not fault.retry_date:
        return str(int(seconds)) if float(seconds).is_integer() else str(seconds)
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
