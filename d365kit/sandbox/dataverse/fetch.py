"""fetchXml → rows: attributes, filters, order, linked tables, paging, aggregates. Source: dataverse.md section 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from json import dumps
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import orjson

from d365kit.sandbox.dataverse import pages as pages
from d365kit.sandbox.dataverse.apply import check_source
from d365kit.sandbox.dataverse.call import Call, applied, bad_query, refuse
from d365kit.sandbox.dataverse.cookies import inner_cookie, read_inner
from d365kit.sandbox.dataverse.fetch_filters import filter_sql
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter
from d365kit.sandbox.odata.filters import FilterError
from d365kit.sandbox.schema import Column, Table
from d365kit.sandbox.store import after, column_json, order_sql, order_values
from d365kit.sandbox.wire import Reply

COUNT_MAXIMUM = 5_000
_MORE = "Microsoft.Dynamics.CRM.morerecords"
_COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
_AGGREGATES = {
    "count": "COUNT(*)",
    "countcolumn": "COUNT({})",
    "sum": "SUM({})",
    "avg": "AVG({})",
    "min": "MIN({})",
    "max": "MAX({})",
}


@dataclass
class _Plan:
    """A fetch as SQL: what to join, test, select and order by."""

    table: Table
    joins: str = ""
    where: list[str] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    linked: list[tuple[str, str]] = field(default_factory=list)
    order: list[tuple[Column, bool]] = field(default_factory=list)
    linked_order: list[str] = field(default_factory=list)
    groups: list[tuple[str, str]] = field(default_factory=list)
    measures: list[tuple[str, str]] = field(default_factory=list)
    aggregate_order: list[str] = field(default_factory=list)


def fetched(call: Call, table: Table) -> Reply:
    """Return the rows of a FetchXML query on the set of its entity (conformance.md 172)."""
    require(call, table, "Read")
    fetch = _parsed(call.request.option("fetchXml") or "")
    root = fetch.find("entity")
    if root is None or root.get("name") != table.entity:
        raise refuse(400, "0x80041102", f"The query's entity is not '{table.entity}'.")
    emitter, plan = DataverseEmitter(table, call.schema, call.user), _Plan(table)
    try:
        joined: list[object] = []
        for link in root.findall("link-entity"):
            _join(call, emitter, plan, link, table, "t", joined)
        emitter.parameters[:0] = joined
        _gather(call, emitter, plan, root, table, "t", fetch.get("aggregate") == "true")
    except FilterError as error:
        raise bad_query(table, error.reason, error.text) from error
    except ValueError as error:
        raise bad_query(table, "value", str(error)) from error
    where = " AND ".join(f"({test})" for test in plan.where) or "1"
    if plan.measures or plan.groups:
        return _aggregated(call, plan, where, emitter.parameters)
    return _page(call, plan, fetch, where, emitter.parameters)


def _parsed(text: str) -> Element:
    try:
        if "<!" in text:
            raise ElementTree.ParseError("declarations are not allowed")
        fetch = ElementTree.fromstring(text)  # noqa: S314 - declarations, and so entities, are refused above
    except ElementTree.ParseError as error:
        raise refuse(400, "0x80040201", f"Invalid XML: {error}") from error
    if fetch.tag != "fetch":
        raise refuse(400, "0x80040201", "Invalid XML: a fetch element was expected.")
    return fetch


def _gather(
    call: Call,
    emitter: DataverseEmitter,
    plan: _Plan,
    element: Element,
    table: Table,
    alias: str,
    aggregate: bool,
    name: str = "t",
) -> None:
    """Read what an entity or link-entity selects, tests and orders by.

    alias: what SQL calls the table. name: what the query calls it, "t" for the entity itself.
    """
    for part in element:
        if part.tag == "attribute":
            column = _column(table, part.get("name"))
            if aggregate:
                _aggregate(plan, part, f'{alias}."{column.name}"', column)
            elif alias == "t":
                plan.columns.append(column)
            else:
                shown = part.get("alias") or f"{name}.{column.attribute}"
                plan.linked.append((shown, column_json(column).replace('t."', f'{alias}."')))
        elif part.tag == "all-attributes" and alias == "t":
            plan.columns += table.columns.values()
        elif part.tag == "filter":
            plan.where.append(filter_sql(emitter, part, table, name))
        elif part.tag == "order":
            _order(plan, part, table, alias, aggregate)


def _order(plan: _Plan, part: Element, table: Table, alias: str, aggregate: bool) -> None:
    descending = part.get("descending") == "true"
    if aggregate:
        plan.aggregate_order.append(f'"{part.get("alias")}" {"DESC" if descending else "ASC"}')
        return
    column = _column(table, part.get("attribute"))
    if alias == "t":
        plan.order.append((column, descending))
    else:
        plan.linked_order.append(f'{alias}."{column.name}" {"DESC" if descending else "ASC"}')


def _join(
    call: Call, emitter: DataverseEmitter, plan: _Plan, link: Element, outer: Table, alias: str, joined: list[object]
) -> None:
    """Join a linked table: inner unless it says outer; its own filter belongs to the join."""
    target = next((item for item in call.schema.sets.values() if item.entity == link.get("name")), None)
    if target is None:
        raise FilterError("value", f"The entity '{link.get('name')}' was not found.")
    require(call, target, "Read")
    name = link.get("alias") or f"{target.entity}{len(emitter.variables) + 1}"
    if not name.isidentifier() or name in emitter.variables or name == "t":
        raise FilterError("value", f"'{name}' is not a good alias.")
    sql = f"l{len(emitter.variables) + 1}"
    emitter.variables[name] = (target, sql)
    tests = [f'{sql}."{_column(target, link.get("from")).name}" = {alias}."{_column(outer, link.get("to")).name}"']
    is_outer = link.get("link-type") == "outer"
    start = len(emitter.parameters)
    inner = _Plan(target)
    _gather(call, emitter, inner, link, target, sql, bool(plan.measures) or _aggregates(link), name)
    tests += inner.where
    joined += emitter.parameters[start:]
    del emitter.parameters[start:]
    plan.joins += f' {"LEFT JOIN" if is_outer else "JOIN"} "{target.sql}" {sql} ON {" AND ".join(tests)}'
    plan.linked += inner.linked
    plan.linked_order += inner.linked_order
    plan.groups += inner.groups
    plan.measures += inner.measures
    plan.aggregate_order += inner.aggregate_order
    for nested in link.findall("link-entity"):
        _join(call, emitter, plan, nested, target, sql, joined)


def _aggregates(link: Element) -> bool:
    return any(part.get("aggregate") or part.get("groupby") == "true" for part in link.findall("attribute"))


def _aggregate(plan: _Plan, part: Element, sql: str, column: Column) -> None:
    alias, method = part.get("alias") or "", part.get("aggregate")
    if not alias.isidentifier():
        raise FilterError("value", "An attribute of an aggregate needs an alias.")
    if part.get("groupby") == "true":
        plan.groups.append((alias, sql))
        return
    if method not in _AGGREGATES:
        raise FilterError("unsupported", f"The aggregate '{method}' is not supported.")
    inner = f"CAST({sql} AS REAL)" if column.numeric else sql
    plan.measures.append((alias, _AGGREGATES[method].format(f"DISTINCT {inner}" if part.get("distinct") else inner)))


def _aggregated(call: Call, plan: _Plan, where: str, parameters: list[Any]) -> Reply:
    if not plan.joins:
        check_source(call, plan.table, where, parameters)
    columns = [*plan.groups, *plan.measures]
    sql = f"SELECT {', '.join(f'{text} AS {chr(34)}{name}{chr(34)}' for name, text in columns)} "
    sql += f'FROM "{plan.table.sql}" t{plan.joins} WHERE {where}'
    if plan.groups:
        sql += f" GROUP BY {', '.join(text for _, text in plan.groups)}"
    if plan.aggregate_order:
        sql += f" ORDER BY {', '.join(plan.aggregate_order)}"
    names = [name for name, _ in columns]
    rows = [dict(zip(names, row, strict=True)) for row in call.store.query(sql, parameters)]
    context = f"{call.root}/$metadata#{plan.table.set}({','.join(names)})"
    return Reply(body=orjson.dumps({"@odata.context": context, "value": rows}), headers=applied(call.request))


def _page(call: Call, plan: _Plan, fetch: Element, where: str, parameters: list[Any]) -> Reply:
    """Return one page: by its number, and from the cookie of the page before when it came along."""
    table, request = plan.table, call.request
    patterns = pages.wanted_annotations(request.preferences.get("odata.include-annotations"))
    top, count, number = (_number(fetch, name) for name in ("top", "count", "page"))
    most = call.switches.dv_page_maximum
    size = min(top or count or most, most)
    seal, skip = f"fetch|{table.entity}", (max(number or 1, 1) - 1) * size
    cookie = fetch.get("paging-cookie")
    head = f'{{"@odata.context":{dumps(f"{call.root}/$metadata#{table.set}")}'
    if pages.includes(patterns, pages.TOTAL):
        head += _totals(call, plan, where, parameters, fetch.get("returntotalrecordcount") == "true")
    if cookie and not plan.linked_order and not plan.joins:
        place = read_inner(table, plan.order, unquote(cookie) if cookie.startswith("%3") else cookie, seal)
        condition, values = after(plan.order, table.key, place.values)
        where, parameters, skip = f"({where}) AND {condition}", [*parameters, *values], 0
    columns = pages.with_key(table, tuple(dict.fromkeys(plan.columns)) or (table.columns[table.key],))
    rows = _read(call, plan, columns, where, parameters, size + 1, skip, patterns)
    page, more = rows[:size], len(rows) > size and top is None
    if pages.includes(patterns, _MORE):
        head += f',"@{_MORE}":{dumps(more)}'
    if more and pages.includes(patterns, _COOKIE):
        inner = inner_cookie(table, plan.order, number or 1, page[0][1], page[-1][1], seal)
        whole = f'<cookie pagenumber="{(number or 1) + 1}" pagingcookie="{quote(quote(inner))}" istracking="False" />'
        head += f',"@{_COOKIE}":{dumps(whole)}'
    body = b"".join((head.encode(), b',"value":[', b",".join(text for text, _ in page), b"]}"))
    return Reply(body=body, headers=applied(request))


def _totals(call: Call, plan: _Plan, where: str, parameters: list[Any], asked: bool) -> str:
    total = -1
    if asked:
        sql = f'SELECT count(*) FROM "{plan.table.sql}" t{plan.joins} WHERE {where}'
        total = call.store.query(sql, parameters)[0][0]
    exceeded = dumps(total > COUNT_MAXIMUM)
    return f',"@{pages.TOTAL}":{min(total, COUNT_MAXIMUM)},"@{pages.TOTAL}limitexceeded":{exceeded}'


def _read(
    call: Call,
    plan: _Plan,
    columns: tuple[Column, ...],
    where: str,
    parameters: Sequence[Any],
    limit: int,
    skip: int,
    patterns: Sequence[str],
) -> list[tuple[bytes, list[Any]]]:
    """Return rows as (JSON, place in the order), linked attributes spliced in."""
    table = plan.table
    linked = ", ".join(f"'{name}', {sql}" for name, sql in plan.linked)
    expressions = [f"json_object({linked})" if linked else "NULL", *order_values(plan.order), f't."{table.key}"']
    order = ", ".join([*plan.linked_order, order_sql(plan.order, table.key)])
    sql = f'SELECT t.rowid, {", ".join(expressions)} FROM "{table.sql}" t{plan.joins} WHERE {where} ORDER BY {order}'
    found = call.store.query(f"{sql} LIMIT ? OFFSET ?", (*parameters, limit, skip))
    keys = dumps([row[-1] for row in found])
    test = f't."{table.key}" IN (SELECT value FROM json_each(?))'
    key = [f't."{table.key}"']
    base = {row[-1]: row[0] for row in pages.render(call.store, table, columns, test, [keys], (), -1, key, patterns)}
    rows = []
    for row in found:
        text = base[row[-1]]
        if row[1] is not None:
            text = text[:-1] + b"," + str(row[1])[1:].encode()
        rows.append((text, list(row[2:])))
    return rows


def _column(table: Table, name: str | None) -> Column:
    column = table.attribute(name or "")
    if column is None:
        raise FilterError("value", f"'{table.entity}' entity doesn't contain attribute with Name = '{name}'.")
    return column


def _number(fetch: Element, name: str) -> int | None:
    text = fetch.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise refuse(400, "0x80040201", f"The value '{text}' of '{name}' is not a number.")
    return int(text)
