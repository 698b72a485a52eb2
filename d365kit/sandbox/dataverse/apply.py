"""$apply → groups and aggregates. Source: dataverse.md section 5."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from d365kit.sandbox.dataverse.call import Call, applied, bad_query, refuse, unsupported
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter
from d365kit.sandbox.odata.filters import FilterError, parse_filter
from d365kit.sandbox.schema import Column, Table
from d365kit.sandbox.wire import Reply

SOURCE_MAXIMUM = 50_000
_STEP = re.compile(r"(filter|groupby|aggregate)\((.*)\)$", re.S)
_MEASURE = re.compile(r"\s*(?:([\w/]+)\s+with\s+(\w+)|\$count)\s+as\s+(\w+)\s*$")
_SQL = {
    "sum": "SUM(%s)",
    "average": "AVG(%s)",
    "min": "MIN(%s)",
    "max": "MAX(%s)",
    "countdistinct": "COUNT(DISTINCT %s)",
}


@dataclass
class _Plan:
    """What an $apply asks for: conditions, columns to group by, measures; (name, SQL, column or None)."""

    where: list[str] = field(default_factory=list)
    groups: list[tuple[str, str, Column | None]] = field(default_factory=list)
    measures: list[tuple[str, str, Column | None]] = field(default_factory=list)


def aggregated(call: Call, table: Table) -> Reply:
    """Return the rows of an $apply; more than 50,000 source rows are refused (conformance.md 149)."""
    require(call, table, "Read")
    for name, _ in call.request.query:
        if name in ("$select", "$expand", "$skip", "$filter"):
            raise unsupported(f"The query parameter {name} cannot be combined with $apply.")
    emitter = DataverseEmitter(table, call.schema, call.user)
    plan = _Plan()
    try:
        for step in _split(call.request.option("$apply") or "", "/"):
            _read_step(emitter, step.strip(), plan)
    except FilterError as error:
        raise bad_query(table, error.reason, error.text) from error
    where = " AND ".join(f"({test})" for test in plan.where) or "1"
    check_source(call, table, where, emitter.parameters)
    columns = [*plan.groups, *plan.measures]
    if not columns:
        raise unsupported("$apply needs groupby or aggregate.")
    sql = f'SELECT {", ".join(text for _, text, _ in columns)} FROM "{table.sql}" t WHERE {where}'
    if plan.groups:
        places = ", ".join(str(place + 1) for place in range(len(plan.groups)))
        sql += f" GROUP BY {places} ORDER BY {_order(call, columns) or places}"
    rows = [_row(columns, row) for row in call.store.query(sql, emitter.parameters)]
    names = ",".join(name for name, _, _ in columns)
    context = f"{call.root}/$metadata#{table.set}({names})"
    body = orjson.dumps({"@odata.context": context, "value": rows})
    return Reply(body=body, headers=applied(call.request))


def check_source(call: Call, table: Table, where: str, parameters: list[Any]) -> None:
    """Refuse an aggregate over too many rows."""
    if call.store.count(table, where, parameters, SOURCE_MAXIMUM + 1) > SOURCE_MAXIMUM:
        raise refuse(400, "0x8004E023", "AggregateQueryRecordLimit exceeded. Cannot perform this operation.")


def _read_step(emitter: DataverseEmitter, step: str, plan: _Plan) -> None:
    match = _STEP.match(step)
    if match is None:
        raise FilterError("unsupported", f"The transformation '{step}' is not supported.")
    kind, inner = match.groups()
    if kind == "filter":
        if plan.groups or plan.measures:
            raise FilterError("unsupported", "A filter after a grouping is not supported.")
        plan.where.append(emitter.condition(parse_filter(inner)))
    elif kind == "aggregate":
        plan.measures += [_measure(emitter, part) for part in _split(inner, ",")]
    else:
        parts = list(_split(inner, ","))
        names = parts[0].strip()
        if not (names.startswith("(") and names.endswith(")")):
            raise FilterError("syntax", "groupby needs its columns in parentheses.")
        for name in names[1:-1].split(","):
            operand = emitter.path(tuple(name.strip().split("/")))
            plan.groups.append((name.strip().replace("/", "_"), operand.sql, operand.column))
        for part in parts[1:]:
            _read_step(emitter, part.strip(), plan)


def _measure(emitter: DataverseEmitter, text: str) -> tuple[str, str, Column | None]:
    match = _MEASURE.match(text)
    if match is None:
        raise FilterError("syntax", f"The aggregate '{text}' is not valid.")
    path, method, alias = match.groups()
    if path is None:
        return alias, "COUNT(*)", None
    if method not in _SQL:
        raise FilterError("unsupported", f"The aggregation method '{method}' is not supported.")
    operand = emitter.path(tuple(path.split("/")))
    assert operand.column is not None
    if method in ("sum", "average") and not (operand.column.numeric or operand.column.type in ("int", "bigint")):
        raise FilterError("value", f"The method '{method}' needs a number; '{path}' is none.")
    sql = f"CAST({operand.sql} AS REAL)" if operand.column.numeric else operand.sql
    return alias, _SQL[method] % sql, operand.column if method in ("min", "max") else None


def _order(call: Call, columns: list[tuple[str, str, Column | None]]) -> str:
    places = {name: place + 1 for place, (name, _, _) in enumerate(columns)}
    parts = []
    for part in filter(None, (call.request.option("$orderby") or "").split(",")):
        name, _, direction = part.strip().partition(" ")
        if name not in places or direction not in ("", "asc", "desc"):
            raise refuse(400, "0x0", f"'{part.strip()}' is not a valid $orderby expression.")
        parts.append(f"{places[name]} {direction or 'asc'}")
    return ", ".join(parts)


def _row(columns: list[tuple[str, str, Column | None]], row: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"@odata.id": None}
    for (name, _, column), value in zip(columns, row, strict=True):
        found[name] = bool(value) if column and column.type == "bool" and value is not None else value
    return found


def _split(text: str, mark: str) -> list[str]:
    """Split at marks outside quotes and parentheses."""
    parts, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == mark and depth == 0:
                parts.append(text[start:position])
                start = position + 1
    return [*parts, text[start:]]
