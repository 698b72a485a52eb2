"""Unbound functions and actions → Reply. Source: dataverse.md sections 4, 10, 14 and 15."""

from __future__ import annotations

import re
from collections.abc import Callable
from json import JSONDecodeError, loads
from typing import Any

from d365kit.sandbox.dataverse import writes as writes
from d365kit.sandbox.dataverse.call import Call, json_reply, refuse
from d365kit.sandbox.dataverse.documents import DOCUMENT_ACTIONS
from d365kit.sandbox.dataverse.options import OPTION_ACTIONS
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter
from d365kit.sandbox.odata.filters import Call as FilterCall
from d365kit.sandbox.odata.filters import Compare, FilterError, Literal, NamedCall, Node, Path
from d365kit.sandbox.schema import WHOLE, Table
from d365kit.sandbox.wire import Reply, canonical_guid, new_guid

_CRM = "Microsoft.Dynamics.CRM."
_COMPARISONS = {
    "Equal": "eq",
    "NotEqual": "ne",
    "GreaterThan": "gt",
    "GreaterEqual": "ge",
    "LessThan": "lt",
    "LessEqual": "le",
}
_TEXTS = {"BeginsWith": "startswith", "EndsWith": "endswith", "Contains": "contains"}


def who_am_i(call: Call, _: str) -> Reply:
    """Return the ids of the user, its business unit and the organization (conformance.md 122)."""
    user = call.existing(call.schema.entity("systemuser"), call.user)
    context = f"{call.root}/$metadata#{_CRM}WhoAmIResponse"
    ids = {"BusinessUnitId": user.get("_businessunitid_value"), "UserId": call.user}
    return json_reply({"@odata.context": context, **ids, "OrganizationId": user.get("organizationid")})


def retrieve_total_record_count(call: Call, arguments: str) -> Reply:
    """Return the number of rows of whole tables; a live answer may be a day old (conformance.md 147)."""
    match = re.match(r"\s*EntityNames\s*=\s*(.+)$", arguments)
    text = match.group(1).strip() if match else ""
    if text.startswith("@"):
        text = call.request.option(text) or ""
    try:
        names = loads(text.replace("'", '"'))
    except JSONDecodeError:
        names = None
    if not isinstance(names, list):
        raise refuse(400, "0x80060888", "RetrieveTotalRecordCount needs EntityNames, a list of logical names.")
    known = {table.entity: table for table in call.schema.sets.values()}
    for name in names:
        if name not in known:
            raise refuse(400, "0x80041102", f"The entity '{name}' was not found in the metadata cache.")
    counts = [call.store.count(known[name]) for name in names]
    context = f"{call.root}/$metadata#{_CRM}RetrieveTotalRecordCountResponse"
    collection = {"Count": len(names), "IsReadOnly": False, "Keys": names, "Values": counts}
    return json_reply({"@odata.context": context, "EntityRecordCountCollection": collection})


def retrieve_version(call: Call, _: str) -> Reply:
    """Return the version of the service."""
    return json_reply(
        {"@odata.context": f"{call.root}/$metadata#{_CRM}RetrieveVersionResponse", "Version": "9.2.25034.00161"}
    )


def bulk_delete(call: Call) -> Reply:
    """Delete the rows of a query; a live service does it later, in a job (conformance.md 231).

    A row that cannot be deleted stays, as in the job. Source: dataverse.md section 10.
    """
    queries = call.body().get("QuerySet")
    if not isinstance(queries, list) or not queries:
        raise refuse(400, "0x80040203", "BulkDelete needs a QuerySet.")
    for query in queries:
        name = str(query.get("EntityName", "")) if isinstance(query, dict) else ""
        table = next((item for item in call.schema.sets.values() if item.entity == name), None)
        if table is None:
            raise refuse(400, "0x80041102", f"The entity '{name}' was not found in the metadata cache.")
        emitter = DataverseEmitter(table, call.schema, call.user)
        try:
            tests = [emitter.condition(_condition(table, item)) for item in _conditions(query)]
        except FilterError as error:
            raise refuse(400, "0x80040203", error.text) from error
        where = " AND ".join(f"({test})" for test in tests) or "1"
        sql = f'SELECT t."{table.key}" FROM "{table.sql}" t WHERE {where}'
        for (key,) in call.store.query(sql, emitter.parameters):
            row = call.store.get(table, key)
            if row is not None:
                writes.remove(call, table, row)
    return json_reply({"@odata.context": f"{call.root}/$metadata#{_CRM}BulkDeleteResponse", "JobId": new_guid()})


def _conditions(query: dict[str, Any]) -> list[dict[str, Any]]:
    criteria = query.get("Criteria") or {}
    if not isinstance(criteria, dict):
        raise FilterError("value", "Criteria is not an object.")
    if criteria.get("FilterOperator", "And") not in ("And", 0) or criteria.get("Filters"):
        raise FilterError("unsupported", "The sandbox's BulkDelete takes one filter whose conditions all hold.")
    found = criteria.get("Conditions") or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise FilterError("value", "Conditions is not a list of objects.")
    return found


def _condition(table: Table, item: dict[str, Any]) -> Node:
    """Return a condition of a query expression as the filter it stands for."""
    column = table.attribute(str(item.get("AttributeName")))
    if column is None:
        raise FilterError("property", f"'{table.entity}' has no attribute '{item.get('AttributeName')}'.")
    values = [value.get("Value") if isinstance(value, dict) else value for value in item.get("Values") or ()]
    operator, path = str(item.get("Operator")), Path((column.name,))
    if operator in ("Null", "NotNull"):
        return Compare("eq" if operator == "Null" else "ne", path, Literal("null", None))
    if operator in ("In", "NotIn", "Between", "LastXDays", "OlderThanXDays", "On", "OnOrBefore", "OnOrAfter"):
        arguments = {"PropertyName": column.name, "PropertyValue": values[0] if values else None}
        return NamedCall(operator, arguments | {"PropertyValues": values})
    if operator in _TEXTS and values:
        return FilterCall(_TEXTS[operator], (path, Literal("text", str(values[0]))))
    if operator not in _COMPARISONS or not values:
        raise FilterError("unsupported", f"The operator '{operator}' is not supported.")
    return Compare(_COMPARISONS[operator], path, _literal(column.type, values[0]))


def _literal(kind: str, value: Any) -> Literal:
    if kind in ("guid", "lookup"):
        return Literal("guid", canonical_guid(str(value)))
    if kind in WHOLE or kind in ("decimal", "money"):
        return Literal("number", value)
    if kind in ("date", "datetime"):
        return Literal(kind, str(value))
    return Literal("bool", bool(value)) if kind == "bool" else Literal("text", str(value))


FUNCTIONS: dict[str, Callable[[Call, str], Reply]] = {
    "WhoAmI": who_am_i,
    "RetrieveTotalRecordCount": retrieve_total_record_count,
    "RetrieveVersion": retrieve_version,
}
ACTIONS: dict[str, Callable[[Call], Reply]] = {"BulkDelete": bulk_delete} | DOCUMENT_ACTIONS | OPTION_ACTIONS
