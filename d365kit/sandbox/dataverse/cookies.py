"""Places in an order ↔ the paging cookie inside a $skiptoken, sealed against changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, unescape

from d365kit.sandbox.dataverse.call import refuse
from d365kit.sandbox.schema import WHOLE, Column, Table
from d365kit.sandbox.store import Order
from d365kit.sandbox.wire import Request

_COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="(True|False)" />$')
_INNER = re.compile(r'<cookie page="(\d+)" seal="(\w+)"(?: version="(\d+)")?>((?:<\w+ [^<>]* />)+)</cookie>$')
_PLACE = re.compile(r'<(\w+) last(null)?="([^"]*)" first(?:null)?="[^"]*" />')


@dataclass(frozen=True)
class Place:
    """Where a page begins: its number, the values of the row before it, and the version a tracked read began at."""

    number: int
    values: list[Any]
    version: int | None = None


def sealed_options(request: Request, address: str) -> str:
    """Return what a link stands for: it is good only with the options it was made with (conformance.md 140)."""
    options = sorted(f"{name}={value}" for name, value in request.query if name not in ("$skiptoken", "$top"))
    return "&".join([address, *options])


def skip_token(
    table: Table, order: Order, number: int, first: Sequence[Any], last: Sequence[Any], seal: str, version: int | None
) -> str:
    """Return the encoded cookie that leads behind the last row of a page (conformance.md 138)."""
    inner = quote(inner_cookie(table, order, number, first, last, seal, version), safe="")
    inner = re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), inner)
    tracking = version is not None
    return quote(f'<cookie pagenumber="{number + 1}" pagingcookie="{inner}" istracking="{tracking}" />', safe="=/")


def inner_cookie(
    table: Table,
    order: Order,
    number: int,
    first: Sequence[Any],
    last: Sequence[Any],
    seal: str,
    version: int | None = None,
) -> str:
    """Return the XML that marks the ends of a page."""
    names = [column.attribute for column, _ in order] + [table.key]
    parts = "".join(_mark(name, low, high) for name, low, high in zip(names, first, last, strict=True))
    state = "" if version is None else f' version="{version}"'
    return f'<cookie page="{number}" seal="{_sum(number, parts, state, seal)}"{state}>{parts}</cookie>'


def read_token(table: Table, order: Order, token: str, seal: str) -> Place:
    """Return the place a $skiptoken stands for; Refusal when it was altered."""
    match = _COOKIE.match(token)
    if match is None:
        raise _altered()
    place = read_inner(table, order, unquote(match.group(2)), seal)
    if place.number != int(match.group(1)) or (place.version is not None) != (match.group(3) == "True"):
        raise _altered()
    return place


def read_inner(table: Table, order: Order, cookie: str, seal: str) -> Place:
    """Return the place a page's own cookie leads to."""
    inner = _INNER.match(cookie)
    if inner is None:
        raise _altered()
    number, check, version, parts = inner.groups()
    if _sum(int(number), parts, f' version="{version}"' if version else "", seal) != check:
        raise _altered()
    columns = [*(column for column, _ in order), table.columns[table.key]]
    try:
        values = [_value(column, part) for column, part in zip(columns, _PLACE.findall(parts), strict=True)]
    except ValueError:
        raise _altered() from None
    return Place(int(number) + 1, values, int(version) if version else None)


def delta_link(request: Request, address: str, version: int) -> str:
    """Return the address that answers with what changed since a version (dataverse.md section 11)."""
    now = datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S")
    token = f"{version}!{now}"
    select = [f"$select={quote(value, safe=',')}" for name, value in request.query if name == "$select"]
    return f"{request.root}/{address}?{'&'.join([*select, '$deltatoken=' + quote(token, safe='')])}"


def _altered() -> Exception:
    return refuse(400, "0x80040203", "Malformed XML in the Paging Cookie")


def _sum(number: int, parts: str, state: str, seal: str) -> str:
    return blake2s(f"{number}|{parts}|{state}|{seal}".encode(), digest_size=4).hexdigest()


def _mark(name: str, first: Any, last: Any) -> str:
    if last is None:
        return f'<{name} lastnull="1" firstnull="1" />'
    low, high = (escape(str(value), {'"': "&quot;"}) for value in (first, last))
    return f'<{name} last="{high}" first="{low}" />'


def _value(column: Column, part: tuple[str, str, str]) -> Any:
    name, null, text = part
    if name != column.attribute:
        raise ValueError(name)
    if null:
        return None
    if column.numeric:
        return float(text)
    return int(text) if column.type in WHOLE or column.type == "bool" else unescape(text, {"&quot;": '"'})
