"""Places in an order ↔ the paging cookie; rows → annotated objects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, unescape

import orjson

from d365kit.sandbox.odata.query import Query
from d365kit.sandbox.schema import WHOLE, Column, Table, schema
from d365kit.sandbox.store import Store
from d365kit.sandbox.wire import Refusal

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"
_COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="False" />$')
_INNER = re.compile(r'<cookie page="\d+">((?:<\w+ [^<>]* />)+)</cookie>$')
_PLACE = re.compile(r'<(\w+) last(null)?="([^"]*)" first(?:null)?="[^"]*" />')


def skip_token(table: Table, query: Query, number: int, first: Sequence[Any], last: Sequence[Any]) -> str:
    """Return the encoded cookie that leads behind the last row of a page (conformance.md 138)."""
    names = [column.attribute for column, _ in query.order] + [table.key]
    parts = [_mark(name, low, high) for name, low, high in zip(names, first, last, strict=True)]
    inner = quote(f'<cookie page="{number}">{"".join(parts)}</cookie>', safe="")
    inner = re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), inner)
    return quote(f'<cookie pagenumber="{number + 1}" pagingcookie="{inner}" istracking="False" />', safe="=/")


def read_token(table: Table, query: Query, token: str) -> tuple[int, list[Any]]:
    """Return the page number and the place a cookie stands for; Refusal when it was altered."""
    match = _COOKIE.match(token)
    try:
        if match is None:
            raise ValueError(token)
        inner = _INNER.match(unquote(match.group(2)))
        if inner is None:
            raise ValueError(token)
        columns = [*(column for column, _ in query.order), table.columns[table.key]]
        parts = _PLACE.findall(inner.group(1))
        place = [_value(column, part) for column, part in zip(columns, parts, strict=True)]
    except ValueError as error:
        raise Refusal(400, "0x80040203", "Malformed XML in the Paging Cookie") from error
    return int(match.group(1)), place


def wanted_annotations(preference: str | None) -> list[str]:
    """Return the patterns of an include-annotations preference."""
    return [part.strip() for part in (preference or "").split(",") if part.strip()]


def includes(patterns: Sequence[str], name: str) -> bool:
    """Whether an annotation was asked for."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def annotated_expressions(columns: Sequence[Column]) -> list[str]:
    """Return the SQL expressions `annotate` needs: etag, then value, target and title of each column."""
    expressions = ["'W/\"' || t.versionnumber || '\"'"]
    for column in columns:
        expressions.append(f't."{column.name}"')
        if column.type == "lookup":
            expressions += [_target(column), _title(column)]
    return expressions


def annotate(
    table: Table, columns: Sequence[Column], row: Sequence[Any], patterns: Sequence[str], symbols: dict[str, str]
) -> bytes:
    """Return a row with its annotations as JSON (dataverse.md section 5, Decoration)."""
    formatted, logical, navigation = (includes(patterns, name) for name in (FORMATTED, LOGICAL_NAME, NAVIGATION))
    found: dict[str, Any] = {"@odata.etag": row[0]}
    currency = symbols.get(_currency_of(columns, row) or "", "")
    at = 1
    for column in columns:
        value, name, label = row[at], column.name, None
        at += 1
        if column.type == "lookup":
            target, label = row[at], row[at + 1]
            at += 2
            if value is not None and navigation:
                found[f"{name}@{NAVIGATION}"] = _navigation(column, target)
            if value is not None and logical:
                found[f"{name}@{LOGICAL_NAME}"] = target
        elif value is not None:
            label = _label(column, value, currency)
        if formatted and label is not None:
            found[f"{name}@{FORMATTED}"] = label
        found[name] = _plain(column, value)
    return orjson.dumps(found)


def currency_symbols(store: Store) -> dict[str, str]:
    """Return the symbol of every currency row, for formatted amounts."""
    return dict(store.query('SELECT transactioncurrencyid, currencysymbol FROM "dv_transactioncurrency"'))


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


def _target(column: Column) -> str:
    return f't."{column.type_column}"' if column.polymorphic else f"'{column.targets[0].target}'"


def _title(column: Column) -> str:
    cases = []
    for relation in {relation.target: relation for relation in column.targets}.values():
        target = schema("dv").entity(relation.target)
        inner = f'(SELECT n."{target.title}" FROM "{target.sql}" n WHERE n."{target.key}" = t."{column.name}")'
        cases.append(f"WHEN '{relation.target}' THEN {inner}")
    return f"CASE {_target(column)} {' '.join(cases)} END"


def _navigation(column: Column, target: str) -> str:
    return next((item.navigation for item in column.targets if item.target == target), column.targets[0].navigation)


def _currency_of(columns: Sequence[Column], row: Sequence[Any]) -> str | None:
    at = 1
    for column in columns:
        if column.attribute == "transactioncurrencyid":
            return str(row[at]) if row[at] is not None else None
        at += 3 if column.type == "lookup" else 1
    return None


def _label(column: Column, value: Any, currency: str) -> str | None:
    if column.options:
        return next((option.label for option in column.options if option.value == value), None)
    if column.type == "bool":
        return "Yes" if value else "No"
    if column.type == "money":
        return f"{currency}{float(value):,.2f}"
    if column.type == "decimal":
        return f"{float(value):,.2f}"
    if column.type == "int":
        return f"{value:,}"
    if column.type in ("date", "datetime"):
        day = f"{int(value[5:7])}/{int(value[8:10])}/{value[:4]}"
        hour = int(value[11:13]) if column.type == "datetime" else 0
        clock = f" {(hour + 11) % 12 + 1}:{value[14:16]} {'AM' if hour < 12 else 'PM'}"
        return day + (clock if column.type == "datetime" else "")
    return None


def _plain(column: Column, value: Any) -> Any:
    if column.type == "bool" and value is not None:
        return bool(value)
    if column.numeric and isinstance(value, str):
        return orjson.Fragment(value.encode())
    return value
