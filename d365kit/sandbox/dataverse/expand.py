"""$expand → the navigations of a page's rows, spliced into each row. Source: dataverse.md section 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any
from urllib.parse import quote

from d365kit.sandbox.dataverse import pages as pages
from d365kit.sandbox.dataverse.call import Call, bad_query, unsupported
from d365kit.sandbox.dataverse.cookies import sealed_options, skip_token
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter
from d365kit.sandbox.odata.expand import Expand, parse_expand
from d365kit.sandbox.odata.filters import FilterError, parse_filter
from d365kit.sandbox.odata.query import OptionError, Query, read_query
from d365kit.sandbox.schema import Association, Column, Table
from d365kit.sandbox.store import order_values
from d365kit.sandbox.wire import request_to

CHILDREN_MAXIMUM = 5_000
_REFUSED = frozenset({"$skip", "$count", "$search", "$levels", "$apply"})
_NESTED = (
    "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship "
    "or nested one-to-many relationship."
)
_PRINCIPALS = frozenset({"systemuser", "team"})


@dataclass(frozen=True)
class Expanding:
    """How a page is expanded: annotations wanted, the page size and whether it was asked for."""

    patterns: Sequence[str]
    size: int
    asked: bool
    topped: bool
    nested: bool = False


@dataclass(frozen=True)
class _Children:
    """The rows a collection leads to: their table, and the condition that ties them to parents."""

    table: Table
    parent: str
    where: str
    between: str = ""


def read_expand(text: str | None) -> tuple[Expand, ...]:
    """Return the items of an $expand; OptionError for what Dataverse does not take there."""
    items = parse_expand(text) if text else ()
    for item in items:
        for name in item.options:
            if name in _REFUSED:
                raise OptionError("unsupported", f"The query option {name} is not supported in $expand.")
    return items


def context_names(query: Query, expand: tuple[Expand, ...]) -> str:
    """Return the part of a context that names what was selected and expanded (conformance.md 128)."""
    names = [column.name for column in query.select] if query.selected else []
    names += [f"{item.path}({item.options.get('$select', '')})" for item in expand if not item.path.endswith("/$ref")]
    return f"({','.join(names)})" if names else ""


def expand_rows(
    call: Call, table: Table, items: tuple[Expand, ...], rows: Sequence[tuple[bytes, str]], expanding: Expanding
) -> list[bytes]:
    """Return the rows (JSON, key) with their navigations inside."""
    if not items or not rows:
        return [text for text, _ in rows]
    if not expanding.nested and any("$expand" in item.options for item in items):
        expanding = replace(expanding, nested=True)
        _check_nested(call, table, items)
    keys = [key for _, key in rows]
    found = [_navigation(call, table, item, keys, expanding) for item in items]
    return [text[:-1] + b"".join(part[key] for part in found) + b"}" for text, key in rows]


def _check_nested(call: Call, table: Table, items: tuple[Expand, ...]) -> None:
    for item in items:
        if ("$top" in item.options or "$orderby" in item.options) and not table.navigation(item.path):
            raise unsupported(_NESTED)
        if "$expand" in item.options and call.schema.association(table.entity, item.path):
            raise unsupported("Nested $expand is not supported through a many-to-many relationship.")


def _navigation(
    call: Call, table: Table, item: Expand, keys: Sequence[str], expanding: Expanding
) -> dict[str, bytes]:
    name = item.path.removesuffix("/$ref")
    if any(relation.navigation == name for column in table.lookups() for relation in column.targets):
        return _single(call, table, item, name, keys, expanding)
    children = _children(call, table, name)
    if children is None:
        raise bad_query(table, "property", name)
    if name != item.path:
        raise unsupported("Expand with $ref is only supported on lookup type navigation properties.")
    if "$top" in item.options and expanding.nested:
        raise unsupported(_NESTED)
    return _many(call, table, item, children, keys, expanding)


# -- lookups


def _single(
    call: Call, table: Table, item: Expand, name: str, keys: Sequence[str], expanding: Expanding
) -> dict[str, bytes]:
    if "$top" in item.options or "$orderby" in item.options:
        raise unsupported(_NESTED)
    column, relations = next(
        (column, [relation for relation in column.targets if relation.navigation == name])
        for column in table.lookups()
        if any(relation.navigation == name for relation in column.targets)
    )
    kind = f't."{column.type_column}"' if column.polymorphic else f"'{column.targets[0].target}'"
    sql = f'SELECT t."{table.key}", t."{column.name}", {kind} FROM "{table.sql}" t WHERE t."{table.key}" IN ({_LIST})'
    links = {key: (target, entity) for key, target, entity in call.store.query(sql, (dumps(list(keys)),)) if target}
    shown: dict[tuple[str, str], bytes] = {}
    for relation in relations:
        target = call.schema.entity(relation.target)
        wanted = list({key for key, entity in links.values() if entity == target.entity})
        if item.path.endswith("/$ref"):
            refs = {key: dumps({"@odata.id": f"{call.root}/{target.set}({key})"}).encode() for key in wanted}
        else:
            refs = _targets(call, target, item, wanted, expanding, len(relations) > 1)
        shown |= {(key, target.entity): text for key, text in refs.items()}
    label = f',"{name}":'.encode()
    return {key: label + (shown.get(links[key], b"null") if key in links else b"null") for key in keys}


def _targets(
    call: Call, table: Table, item: Expand, keys: list[str], expanding: Expanding, shared: bool
) -> dict[str, bytes]:
    """Return the rows lookups lead to; of a user or a team also ``ownerid`` (conformance.md 168)."""
    if not keys and shared:
        return {}
    require(call, table, "Read")
    query, where, parameters, inner = _options(call, table, item, shared)
    columns = pages.with_key(table, query.select)
    where = f't."{table.key}" IN ({_LIST}) AND ({where})'
    parameters = [dumps(keys), *parameters]
    extras = [f't."{table.key}"']
    rows = pages.render(call.store, table, columns, where, parameters, (), -1, extras, expanding.patterns)
    texts = expand_rows(call, table, inner, [(row[0], row[-1]) for row in rows], expanding)
    if table.entity in _PRINCIPALS:
        texts = [text[:-1] + f',"ownerid":"{row[-1]}"}}'.encode() for text, row in zip(texts, rows, strict=True)]
    return {row[-1]: text for text, row in zip(texts, rows, strict=True)}


# -- collections


def _children(call: Call, table: Table, name: str) -> _Children | None:
    found = call.schema.collection(table.entity, name)
    if found is not None:
        return _of_lookup(*found)
    between = call.schema.association(table.entity, name)
    return _of_association(call, table, between) if between else None


def _of_lookup(child: Table, column: Column, relation: Any) -> _Children:
    typed = f"t.\"{column.type_column}\" = '{relation.target}'" if column.polymorphic else "1"
    return _Children(child, f't."{column.name}"', typed)


def _of_association(call: Call, table: Table, between: Association) -> _Children:
    other, middle = call.schema.entity(between.other(table.entity)), call.schema.entity(between.table)
    mine, theirs = between.sides[table.entity], between.sides[other.entity]
    pair = f'SELECT b."{mine}" FROM "{middle.sql}" b WHERE b."{theirs}" = t."{other.key}"'
    return _Children(other, "", "1", pair)


def collection_source(call: Call, table: Table, key: str, name: str) -> tuple[Table, str, tuple[Any, ...]] | None:
    """Return the table, condition and parameters of the rows behind a collection of one row; None if it has none."""
    children = _children(call, table, name)
    if children is None:
        return None
    if children.between:
        return children.table, f"? IN ({children.between})", (key,)
    return children.table, f"{children.parent} = ? AND {children.where}", (key,)


def _many(
    call: Call, table: Table, item: Expand, children: _Children, keys: Sequence[str], expanding: Expanding
) -> dict[str, bytes]:
    require(call, children.table, "Read")
    groups = _grouped(call, item, children, keys, expanding)
    query, _, _, inner = _options(call, children.table, item, False)
    paged = expanding.nested and expanding.asked
    limit = expanding.size if paged else min(CHILDREN_MAXIMUM, CHILDREN_MAXIMUM if query.top is None else query.top)
    found = {}
    for key in keys:
        rows = groups.get(key, [])
        page = rows[:limit]
        texts = expand_rows(call, children.table, inner, [(row[0], row[-1]) for row in page], expanding)
        part = f',"{item.path}":['.encode() + b",".join(texts) + b"]"
        link = _link(call, table, item, key)
        if paged and len(rows) > limit:
            request = request_to(call.root, f"{table.set}({key})/{item.path}", link.partition("?")[2], "GET", {})
            seal, mark = sealed_options(request, request.path), "&" if "?" in link else "?"
            token = skip_token(children.table, query.order, 1, page[0][1:], page[-1][1:], seal, None)
            part += f',"{item.path}@odata.nextLink":{dumps(f"{link}{mark}$skiptoken={token}")}'.encode()
        elif not paged and query.top is None:
            part += f',"{item.path}@odata.nextLink":{dumps(link)}'.encode()
        found[key] = part
    return found


def _grouped(
    call: Call, item: Expand, children: _Children, keys: Sequence[str], expanding: Expanding
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the children of each parent, as (JSON, order values..., key)."""
    table = children.table
    query, where, parameters, _ = _options(call, table, item, False)
    columns = pages.with_key(table, query.select)
    place = [*order_values(query.order), f't."{table.key}"']
    groups: dict[str, list[tuple[Any, ...]]] = {}
    if children.between:
        for key in keys:
            tied = f"? IN ({children.between}) AND ({where})"
            values = [key, *parameters]
            groups[key] = pages.render(
                call.store, table, columns, tied, values, query.order, -1, place, expanding.patterns
            )
        return groups
    tied = f"{children.parent} IN ({_LIST}) AND {children.where} AND ({where})"
    values = [dumps(list(keys)), *parameters]
    extras = [children.parent, *place]
    for row in pages.render(call.store, table, columns, tied, values, query.order, -1, extras, expanding.patterns):
        groups.setdefault(row[1], []).append((row[0], *row[2:]))
    return groups


def _options(
    call: Call, table: Table, item: Expand, shared: bool
) -> tuple[Query, str, list[Any], tuple[Expand, ...]]:
    """Return what the parentheses of an item say about its rows."""
    options = dict(item.options)
    if shared and "$select" in options:
        known = [name for name in options["$select"].split(",") if name.strip() in table.columns]
        options["$select"] = ",".join(known) or table.key
    request = replace(call.request, query=tuple(options.items()))
    emitter = DataverseEmitter(table, call.schema, call.user)
    try:
        query = read_query(request, table, table.columns.get)
        text = options.get("$filter")
        where = emitter.condition(parse_filter(text)) if text else "1"
        inner = read_expand(options.get("$expand"))
    except (OptionError, FilterError) as error:
        raise bad_query(table, error.reason, error.text) from error
    except ValueError as error:
        raise bad_query(table, "value", str(error)) from error
    return query, where, emitter.parameters, inner


def _link(call: Call, table: Table, item: Expand, key: str) -> str:
    options = "&".join(f"{name}={quote(value, safe=',()/$=;')}" for name, value in item.options.items())
    address = f"{call.root}/{table.set}({key})/{item.path}"
    return f"{address}?{options}" if options else address


_LIST = "SELECT value FROM json_each(?)"
