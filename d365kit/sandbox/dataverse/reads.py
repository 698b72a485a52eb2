"""Call → one page of rows, one row, or a count. Source: dataverse.md sections 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any
from urllib.parse import quote

from d365kit.sandbox.dataverse import pages as pages
from d365kit.sandbox.dataverse.call import Call, applied, bad_query, missing_row, unsupported
from d365kit.sandbox.dataverse.cookies import delta_link, read_token, sealed_options, skip_token
from d365kit.sandbox.dataverse.expand import Expanding, context_names, expand_rows, read_expand
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter
from d365kit.sandbox.odata.expand import Expand
from d365kit.sandbox.odata.filters import FilterError, parse_filter
from d365kit.sandbox.odata.query import OptionError, Query, page_size, read_query
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import after, order_values
from d365kit.sandbox.wire import Reply, Request

COUNT_MAXIMUM = 5_000
_OPTIONS = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$expand", "$apply", "$deltatoken"}
)


@dataclass(frozen=True)
class Reading:
    """What a request asks of a table: options, condition with its parameters, navigations to expand."""

    table: Table
    query: Query
    where: str
    parameters: list[Any]
    expand: tuple[Expand, ...]


@dataclass(frozen=True)
class Source:
    """The rows a collection is read from: a whole set, or those that belong to a row."""

    table: Table
    address: str
    where: str = "1"
    parameters: tuple[Any, ...] = ()


def read_options(call: Call, table: Table, request: Request) -> Reading:
    """Return the options of a request as SQL; Refusal for what Dataverse does not take."""
    for name, _ in request.query:
        if name == "$skip":
            raise unsupported("Skip Clause is not supported in CRM")
        if name.startswith("$") and name not in _OPTIONS:
            raise unsupported(f"The query parameter {name} is not supported.")
    emitter = DataverseEmitter(table, call.schema, call.user)
    aliases = {name: value for name, value in request.query if name.startswith("@")}
    text = request.option("$filter")
    try:
        query = read_query(_with_aliases(request, aliases), table, table.columns.get)
        where = emitter.condition(parse_filter(text, aliases)) if text else "1"
        expand = read_expand(request.option("$expand"))
    except (OptionError, FilterError) as error:
        raise bad_query(table, error.reason, error.text) from error
    except ValueError as error:
        raise bad_query(table, "value", str(error)) from error
    return Reading(table, query, where, emitter.parameters, expand)


def _with_aliases(request: Request, aliases: dict[str, str]) -> Request:
    """Return a request whose $orderby has its parameter aliases filled in."""
    order = request.option("$orderby")
    if not aliases or not order or "@" not in order:
        return request
    parts = [" ".join(aliases.get(word, word) for word in part.split()) for part in order.split(",")]
    options = [item for item in request.query if item[0] != "$orderby"]
    return replace(request, query=(*options, ("$orderby", ",".join(parts))))


def rows(call: Call, source: Source, version: int | None = None) -> Reply:
    """Return one page of a collection, with a nextLink when more rows follow.

    version: the row version a tracked read began at, None for a plain read.
    """
    table, request = source.table, call.request
    require(call, table, "Read")
    reading = read_options(call, table, request)
    query = reading.query
    patterns = pages.wanted_annotations(request.preferences.get("odata.include-annotations"))
    size, asked = page_size(request, call.switches.dv_page_maximum)
    capped = query.top is not None and not asked
    limit = min(size, query.top or 0) if capped else size
    where, parameters = f"({source.where}) AND ({reading.where})", [*source.parameters, *reading.parameters]
    head = f'{{"@odata.context":{dumps(f"{call.root}/$metadata#{table.set}{context_names(query, reading.expand)}")}'
    head += _totals(call, table, query, where, parameters, patterns)
    number, seal = 1, sealed_options(request, source.address)
    token = request.option("$skiptoken")
    if token:
        place = read_token(table, query.order, token, seal)
        condition, values = after(query.order, table.key, place.values)
        where, parameters, number = f"({where}) AND {condition}", [*parameters, *values], place.number
        version = place.version
    found = _page(call, reading, where, parameters, limit + 1, patterns)
    page = found[:limit]
    expanding = Expanding(patterns, size, asked, query.top is not None)
    texts = expand_rows(call, table, reading.expand, [(row[0], row[-1]) for row in page], expanding)
    tail = b"]}"
    if len(found) > limit and not capped:
        token = skip_token(table, query.order, number, page[0][1:], page[-1][1:], seal, version)
        tail = f'],"@odata.nextLink":{dumps(next_link(request, source.address, token))}}}'.encode()
    elif version is not None:
        tail = f'],"@odata.deltaLink":{dumps(delta_link(request, source.address, version))}}}'.encode()
    opening = head.encode() + b',"value":['
    if texts:
        texts[0] = opening + texts[0]
        texts[-1] += tail
    body = b",".join(texts) if texts else opening + tail
    honoured = ("odata.track-changes",) if "odata.track-changes" in request.preferences else ()
    return Reply(body=body, headers=applied(request, *honoured))


def _page(
    call: Call, reading: Reading, where: str, parameters: Sequence[Any], limit: int, patterns: Sequence[str]
) -> list[tuple[Any, ...]]:
    table, query = reading.table, reading.query
    columns = pages.with_key(table, query.select)
    place = [*order_values(query.order), f't."{table.key}"']
    return pages.render(call.store, table, columns, where, parameters, query.order, limit, place, patterns)


def _totals(
    call: Call, table: Table, query: Query, where: str, parameters: Sequence[Any], patterns: Sequence[str]
) -> str:
    """Return the counts, which never pass 5,000 (conformance.md 144, 145)."""
    found = call.store.count(table, where, parameters, COUNT_MAXIMUM + 1) if query.count else -1
    text = f',"@odata.count":{min(found, COUNT_MAXIMUM)}' if query.count else ""
    if pages.includes(patterns, pages.TOTAL):
        exceeded = dumps(found > COUNT_MAXIMUM)
        text += f',"@{pages.TOTAL}":{min(found, COUNT_MAXIMUM)},"@{pages.TOTAL}limitexceeded":{exceeded}'
    return text


def bare_count(call: Call, source: Source) -> Reply:
    """Return the number of rows as plain text, at most 5,000 (conformance.md 146)."""
    require(call, source.table, "Read")
    reading = read_options(call, source.table, call.request)
    where = f"({source.where}) AND ({reading.where})"
    found = call.store.count(source.table, where, [*source.parameters, *reading.parameters], COUNT_MAXIMUM)
    return Reply(body=str(found).encode(), kind="text/plain")


def one(call: Call, table: Table, key: str, status: int) -> Reply:
    """Return a reply whose body is the row with this key."""
    request = call.request
    reading = read_options(call, table, request)
    patterns = pages.wanted_annotations(request.preferences.get("odata.include-annotations"))
    found = _page(call, reading, f't."{table.key}" = ?', [key], 1, patterns)
    if not found:
        raise missing_row(table, key)
    size, asked = page_size(request, call.switches.dv_page_maximum)
    expanding = Expanding(patterns, size, asked, False)
    text = expand_rows(call, table, reading.expand, [(found[0][0], key)], expanding)[0]
    names = context_names(reading.query, reading.expand)
    context = dumps(f"{call.root}/$metadata#{table.set}{names}/$entity")
    tag = call.store.value(f'SELECT versionnumber FROM "{table.sql}" WHERE "{table.key}" = ?', (key,))
    return Reply(
        status, f'{{"@odata.context":{context},'.encode() + text[1:], {"ETag": f'W/"{tag}"'} | applied(request)
    )


def next_link(request: Request, address: str, token: str) -> str:
    """Return the address of the next page: all options as sent, and the place."""
    options = [
        f"{name}={quote(value, safe=',()/')}" for name, value in request.query if name not in ("$skiptoken", "$top")
    ]
    return f"{request.root}/{address}?{'&'.join([*options, f'$skiptoken={token}'])}"
