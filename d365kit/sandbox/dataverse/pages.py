"""Rows → objects with annotations: labels, target tables and navigation names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import orjson

from d365kit.sandbox.dataverse.options import changed_columns, options_of
from d365kit.sandbox.schema import Column, Table, schema
from d365kit.sandbox.store import Order, Store, order_sql, row_json

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"


def wanted_annotations(preference: str | None) -> list[str]:
    """Return the patterns of an include-annotations preference."""
    return [part.strip() for part in (preference or "").split(",") if part.strip()]


def includes(patterns: Sequence[str], name: str) -> bool:
    """Whether an annotation was asked for."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def render(
    store: Store,
    table: Table,
    columns: tuple[Column, ...],
    where: str,
    parameters: Sequence[Any],
    order: Order,
    limit: int,
    extras: Sequence[str] = (),
    patterns: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Return rows as (JSON, extras...): rendered by SQLite unless annotations are wanted."""
    sorting = order_sql(order, table.key)
    if not patterns:
        expressions = [_json_of(table, columns), *extras]
        return store.page(table, ", ".join(expressions), where, parameters, sorting, limit)
    columns = _as_changed(store, table, columns)
    expressions = annotated_expressions(columns)
    width, symbols = len(expressions), currency_symbols(store)
    rows = store.page(table, ", ".join([*expressions, *extras]), where, parameters, sorting, limit)
    return [(annotate(table, columns, row, patterns, symbols), *row[width:]) for row in rows]


def _as_changed(store: Store, table: Table, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return the columns with the options choices have now, for their labels."""
    changed = changed_columns(store, table)
    if not changed:
        return columns
    return tuple(
        replace(item, options=options_of(store, table, item)) if item.attribute in changed else item
        for item in columns
    )


@lru_cache(maxsize=512)
def _json_at(entity: str, names: tuple[str, ...]) -> str:
    table = schema("dv").entity(entity)
    return row_json(table, [table.columns[name] for name in names])


def _json_of(table: Table, columns: tuple[Column, ...]) -> str:
    return _json_at(table.entity, tuple(column.name for column in columns))


def with_key(table: Table, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return the columns of a selection: the primary key always comes along."""
    key = table.columns[table.key]
    return columns if key in columns else (*columns, key)


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


def _target(column: Column) -> str:
    if not column.targets:
        return "NULL"
    return f't."{column.type_column}"' if column.polymorphic else f"'{column.targets[0].target}'"


def _title(column: Column) -> str:
    cases = []
    for relation in {relation.target: relation for relation in column.targets}.values():
        target = schema("dv").entity(relation.target)
        inner = f'(SELECT n."{target.title}" FROM "{target.sql}" n WHERE n."{target.key}" = t."{column.name}")'
        cases.append(f"WHEN '{relation.target}' THEN {inner}")
    return f"CASE {_target(column)} {' '.join(cases)} END" if cases else "NULL"


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
