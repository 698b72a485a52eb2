"""Address and query options → rows of Business Central: pages, single rows, counts, expanded parts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any
from urllib.parse import quote

from d365kit.sandbox.business_central.company import Company
from d365kit.sandbox.business_central.lines import MISSING
from d365kit.sandbox.business_central.values import dialog
from d365kit.sandbox.odata.emit import BusinessCentralEmitter, fields_of
from d365kit.sandbox.odata.expand import Expand, parse_expand
from d365kit.sandbox.odata.filters import FilterError, parse_filter
from d365kit.sandbox.odata.query import OptionError, Query, page_size, read_query
from d365kit.sandbox.schema import Column, Navigation, Table
from d365kit.sandbox.store import Store, after, order_sql, order_values, row_json, row_text
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import JSON_TYPE, Refusal, Reply, Request, canonical_guid

#: Releases differ in the name of the part; both are taken (business-central.md section 5).
_SAME_PART = {"customerFinancialDetails": "customerFinancialDetail"}


@dataclass(frozen=True)
class Place:
    """The rows an address names: a set of a company, or the part of a row; ``path`` is below the root."""

    company: Company
    table: Table
    path: str
    where: str = "1"
    parameters: tuple[Any, ...] = ()

    @property
    def condition(self) -> str:
        """What the rows have in common."""
        return f"({self.table.where.format(t='t')}) AND ({self.where})"


class Reader:
    """Reads rows. Source: business-central.md section 5; conformance.md section B."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self.store, self.switches = store, switches
        self._json: dict[tuple[str, tuple[str, ...]], str] = {}

    def query(self, request: Request, place: Place) -> tuple[Query, str, list[Any]]:
        """Return the options, the condition and its parameters."""
        table = place.table
        emitter = BusinessCentralEmitter(table, place.company.schema, _modern(request))
        text = request.option("$filter")
        try:
            query = read_query(request, table, emitter.find)
            where = emitter.condition(parse_filter(text)) if text else "1"
        except OptionError as error:
            raise _bad_option(table, error.reason, error.text) from error
        except FilterError as error:
            raise _bad_filter(table, error) from error
        except ValueError as error:
            raise Refusal(400, "BadRequest", str(error)) from error
        query = _ordered(query, table)
        return query, f"{place.condition} AND ({where})", [*place.parameters, *emitter.parameters]

    def rows(self, request: Request, place: Place) -> Reply:
        """Return one page of a set, with a nextLink when more rows follow (conformance.md 19 to 27)."""
        self.check_document(request, place)
        query, where, parameters = self.query(request, place)
        table = place.table
        head = f'{{"@odata.context":{dumps(f"{request.root}/$metadata#{place.path}")}'
        if query.count:
            head += f',"@odata.count":{self.store.count(table, where, parameters)}'
        size, _ = page_size(request, self.switches.bc_page_maximum)
        limit = size if query.top is None else min(size, query.top)
        token = request.option("$skiptoken")
        if token:
            condition, values = after(query.order, table.key, _place(token, query))
            where, parameters = f"({where}) AND {condition}", [*parameters, *values]
        rendered, bound = self.rendered(request, place, query)
        expressions = [rendered, *order_values(query.order), f't."{table.key}"']
        order = order_sql(query.order, table.key, "" if table.within else table.unique)
        found = self.store.page(
            table, ", ".join(expressions), where, [*bound, *parameters], order, limit + 1, query.skip
        )
        page = found[:limit]
        tail = b"]}"
        if len(found) > limit and (query.top is None or query.top > limit) and page:
            link = self.next_link(request, place.path, query, page[-1], limit)
            tail = f'],"@odata.nextLink":{dumps(link)}}}'.encode()
        return Reply(body=b"".join((head.encode(), b',"value":[', b",".join(row[0] for row in page), tail)))

    def next_link(self, request: Request, path: str, query: Query, last: Sequence[Any], limit: int) -> str:
        """Return the address of the next page: all options, aid=FIN and the place of the last row."""
        dropped = ("$skiptoken", "$skip", "aid", "$top", "tenant")
        options = [f"{name}={quote(value, safe='')}" for name, value in request.query if name not in dropped]
        if query.top is not None:
            options.append(f"$top={query.top - limit}")
        place = last[1:]
        token = place[0] if len(place) == 1 else base64.urlsafe_b64encode(dumps(list(place)).encode()).decode()
        root = request.root
        if self.switches.bc_gateway_links:
            # A gateway writes the environment its own way and adds the tenant (conformance.md 23).
            root = re.sub(r"/([^/]+)(/api/[^/]+|/ODataV4)$", lambda m: f"/{m[1].capitalize()}{m[2]}", root)
            options.append("tenant=sandbox-tenant")
        options += ["aid=FIN", f"$skiptoken={quote(str(token), safe='')}"]
        return f"{root}/{path}?{'&'.join(options)}"

    def one(self, request: Request, place: Place, key: str, plain: bool = False, status: int = 200) -> Reply:
        """Return a reply whose body is the row with this stored key; ``plain`` leaves the options aside."""
        if plain:
            columns = tuple(place.table.columns.values())
            rendered, bound = self.json_of(place.table, columns), list[Any]()
        else:
            query, _, _ = self.query(request, place)
            rendered, bound = self.rendered(request, place, query)
        sql = f'SELECT {rendered} FROM "{place.table.sql}" t WHERE t."{place.table.key}" = ?'
        text = self.store.value(sql, (*bound, key))
        context = f"{request.root}/$metadata#{place.path}/$entity"
        return Reply(status, f'{{"@odata.context":{dumps(context)},'.encode() + text[1:])

    def bare_count(self, request: Request, place: Place) -> Reply:
        """Return the number of rows as plain text (conformance.md 28)."""
        self.check_document(request, place)
        _, where, parameters = self.query(request, place)
        return Reply(body=str(self.store.count(place.table, where, parameters)).encode(), kind="text/plain")

    def check_document(self, request: Request, place: Place) -> None:
        """Refuse to list lines of all documents (conformance.md 47)."""
        of_lines = "documentId" in place.table.columns and not place.table.number
        try:
            named = not of_lines or place.where != "1" or names_document(request.option("$filter"))
        except FilterError as error:
            raise _bad_filter(place.table, error) from error
        if not named:
            raise dialog(MISSING)

    # -- rendering

    def rendered(self, request: Request, place: Place, query: Query) -> tuple[str, list[Any]]:
        """Return the expression that renders a row with what is expanded, and its parameters."""
        expanded = request.option("$expand")
        if not expanded:
            return self.json_of(place.table, query.select), []
        try:
            text, bound = self.with_parts(request, place.company, place.table, query.select, expanded, "t")
        except OptionError as error:
            raise _bad_option(place.table, error.reason, error.text) from error
        except FilterError as error:
            raise _bad_filter(place.table, error) from error
        return f"CAST({text} AS BLOB)", bound

    def json_of(self, table: Table, columns: tuple[Column, ...]) -> str:
        """Return the rendering expression of a selection, remembered."""
        key = (f"{table.prefix}:{table.set}", tuple(column.name for column in columns))
        if key not in self._json:
            self._json[key] = row_json(table, columns)
        return self._json[key]

    def with_parts(
        self, request: Request, company: Company, table: Table, columns: tuple[Column, ...], expanded: str, alias: str
    ) -> tuple[str, list[Any]]:
        """Return the text of a row followed by its expanded parts (conformance.md 44, 45)."""
        plain = row_text(table, columns, alias)
        pieces, bound = [f"substr({plain}, 1, length({plain}) - 1)"], list[Any]()
        for place, item in enumerate(parse_expand(expanded)):
            way = navigation(table, item.path)
            if way is None:
                raise OptionError("property", item.path)
            sql, values = self.part(request, company, table, way, item, alias, f"{alias}{place}")
            pieces.append(f"""',"{item.path}":' || {sql}""")
            bound += values
        return " || ".join([*pieces, "'}'"]), bound

    def part(
        self, request: Request, company: Company, table: Table, way: Navigation, item: Expand, outer: str, alias: str
    ) -> tuple[str, list[Any]]:
        """Return the text of one expanded part: an object or null, or a list of objects."""
        target = company.table(way.target)
        emitter = BusinessCentralEmitter(target, company.schema, _modern(request), alias)
        inner = replace(request, query=tuple(item.options.items()))
        query = _ordered(read_query(inner, target, emitter.find), target)
        if "$expand" in item.options:
            text, bound = self.with_parts(request, company, target, query.select, item.options["$expand"], alias)
        else:
            text, bound = row_text(target, query.select, alias), list[Any]()
        joined = f"{table_column(target, way.column).at(alias)} = {table_column(table, way.source).at(outer)}"
        where = f"{joined} AND ({target.where.format(t=alias)})"
        if "$filter" in item.options:
            where += f" AND ({emitter.condition(parse_filter(item.options['$filter']))})"
            bound = [*bound, *emitter.parameters]
        source = f'FROM "{target.sql}" {alias} WHERE {where}'
        if not way.many:
            return f"ifnull((SELECT {text} {source} LIMIT 1), 'null')", bound
        order = ", ".join(
            [f"{c.at(alias)} {'DESC' if down else 'ASC'}" for c, down in query.order] + [f'{alias}."{target.key}"']
        )
        limit = -1 if query.top is None else query.top
        rows = f"SELECT {text} AS j {source} ORDER BY {order} LIMIT {limit} OFFSET {query.skip}"
        return f"'[' || ifnull((SELECT group_concat(j, ',') FROM ({rows})), '') || ']'", bound


def navigation(table: Table, name: str) -> Navigation | None:
    """Return the navigation property of this name, or None."""
    return table.navigations.get(_SAME_PART.get(name, name) if name not in table.navigations else name)


def table_column(table: Table, name: str) -> Column:
    """Return the column a navigation joins by; pages hide the id of the rows they show."""
    return table.columns.get(name) or Column(name, "guid")


def names_document(text: str | None) -> bool:
    """Whether a filter names a document or a line."""
    named = {name[0] for name in fields_of(parse_filter(text))} if text else set()
    return bool(named & {"id", "documentid"})


def _modern(request: Request) -> bool:
    return request.option("$schemaversion") == "2.1"


def _ordered(query: Query, table: Table) -> Query:
    """Return the query in the set's own order when none is asked for; API queries take no other."""
    own = tuple((table.columns[name], False) for name in table.order)
    if table.query and query.order and query.order != own:
        text = "An API query can only be sorted by its own order."
        raise Refusal(501, "BadRequest_MethodNotImplemented", text)
    return query if query.order else replace(query, order=own)


def _place(token: str, query: Query) -> list[Any]:
    if not query.order and canonical_guid(token):
        return [token]
    try:
        place = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise Refusal(400, "BadRequest", "The skip token is not valid.") from error
    if not isinstance(place, list) or len(place) != len(query.order) + 1:
        raise Refusal(400, "BadRequest", "The skip token is not valid.")
    return place


def _bad_option(table: Table, reason: str, text: str) -> Refusal:
    if reason == "property":
        text = f"Could not find a property named '{text}' on type 'Microsoft.NAV.{table.entity}'."
    return Refusal(400, "BadRequest", text)


def _bad_filter(table: Table, error: FilterError) -> Refusal:
    if error.reason == "distinct":
        text = "The 'OR' operator is not supported on distinct fields on an OData filter."
        return Refusal(501, "BadRequest_MethodNotImplemented", text)
    if error.reason == "unsupported":
        return Refusal(501, "BadRequest_MethodNotImplemented", error.text)
    if error.reason == "length":
        return Refusal(400, "Application_FilterErrorException", error.text)
    return _bad_option(table, error.reason, error.text)


def json_reply(value: dict[str, Any], status: int = 200) -> Reply:
    """Return a reply of a JSON object."""
    return Reply(status, dumps(value, ensure_ascii=False).encode(), kind=JSON_TYPE)
