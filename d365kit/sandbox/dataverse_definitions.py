"""Schema → EntityDefinitions answers: tables, columns, options, relationships, keys."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from d365kit.sandbox.dataverse_rules import refuse
from d365kit.sandbox.schema import Column, Schema, Table
from d365kit.sandbox.wire import Request

_TYPES = {
    "guid": "Uniqueidentifier",
    "text": "String",
    "memo": "Memo",
    "int": "Integer",
    "bigint": "BigInt",
    "decimal": "Decimal",
    "money": "Money",
    "bool": "Boolean",
    "date": "DateTime",
    "datetime": "DateTime",
    "choice": "Picklist",
    "state": "State",
    "status": "Status",
}
_REQUIRED = {"system": "SystemRequired", "application": "ApplicationRequired", "": "None"}
_KEY = re.compile(r"LogicalName='([^']+)'$")
_EQUALS = re.compile(r"(\w+) eq '([^']*)'$")


def answer(schema: Schema, request: Request, segments: list[tuple[str, str | None]]) -> dict[str, Any]:
    """Return the body of a metadata request; Refusal for what is not there (dataverse.md section 14)."""
    if request.method != "GET":
        raise refuse(405, "0x8004023B", "The sandbox does not change metadata.")
    key, rest = segments[0][1], segments[1:]
    root = f"{request.root}/$metadata#EntityDefinitions"
    if key is None:
        tables = [_table(item) for item in schema.sets.values()]
        return {"@odata.context": root, "value": [_picked(item, request) for item in _filtered(tables, request)]}
    table = _addressed(schema, key)
    if not rest:
        whole = _picked(_table(table), request)
        if _expands(request, "Attributes"):
            names = _inner_select(request, "Attributes")
            whole["Attributes"] = [_narrow(_attribute(table, item), names) for item in table.columns.values()]
        return {"@odata.context": f"{root}/$entity", **whole}
    return _part(table, rest, request, root)


def _part(table: Table, rest: list[tuple[str, str | None]], request: Request, root: str) -> dict[str, Any]:
    name, key = rest[0]
    lists: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "Attributes": lambda: [_attribute(table, column) for column in table.columns.values()],
        "ManyToOneRelationships": lambda: _relationships(table),
        "Keys": list,
    }
    if name not in lists:
        raise refuse(404, "0x8006088a", f"Resource not found for the segment '{name}'.")
    found = lists[name]()
    context = f"{root}('{table.entity}')/{name}"
    if key is not None:
        wanted = _KEY.match(key)
        one = next((item for item in found if wanted and item.get("LogicalName") == wanted.group(1)), None)
        if one is None:
            raise refuse(404, "0x80060888", f"Could not find an attribute with {key}.")
        return {"@odata.context": f"{context}/$entity", **_picked(one, request)}
    if len(rest) == 2:
        kind = rest[1][0].removeprefix("Microsoft.Dynamics.CRM.").removesuffix("AttributeMetadata")
        found = [_with_options(table, item) for item in found if item.get("AttributeType") == kind]
        return {"@odata.context": context, "value": [_picked(item, request, "OptionSet") for item in found]}
    return {"@odata.context": context, "value": [_picked(item, request) for item in _filtered(found, request)]}


def _addressed(schema: Schema, key: str) -> Table:
    match = _KEY.match(key)
    for table in schema.sets.values():
        if (match and table.entity == match.group(1)) or key.lower() == _metadata_id(table.entity):
            return table
    raise refuse(404, "0x80060888", f"Could not find an entity with {key}.")


def _table(table: Table) -> dict[str, Any]:
    return {
        "MetadataId": _metadata_id(table.entity),
        "LogicalName": table.entity,
        "SchemaName": table.entity.capitalize(),
        "EntitySetName": table.set,
        "LogicalCollectionName": table.set,
        "PrimaryIdAttribute": table.key,
        "PrimaryNameAttribute": table.title,
        "IsOptimisticConcurrencyEnabled": True,
        "ChangeTrackingEnabled": False,
        "IsCustomEntity": table.entity.startswith("bcbi_"),
        "DisplayName": _label(table.entity.capitalize()),
        "IsAuditEnabled": {"Value": False, "CanBeChanged": True},
    }


def _attribute(table: Table, column: Column) -> dict[str, Any]:
    kind = _TYPES.get(column.type, "Lookup")
    if column.type == "lookup":
        shared = len({item.navigation for item in column.targets}) < len(column.targets)
        kind = "Owner" if shared else "Customer" if column.polymorphic else "Lookup"
    whole: dict[str, Any] = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{kind}AttributeMetadata",
        "MetadataId": _metadata_id(f"{table.entity}.{column.attribute}"),
        "LogicalName": column.attribute,
        "SchemaName": column.attribute,
        "EntityLogicalName": table.entity,
        "AttributeType": kind,
        "IsPrimaryId": column.name == table.key,
        "IsPrimaryName": column.name == table.title,
        "RequiredLevel": {"Value": _REQUIRED[column.required], "CanBeChanged": False},
        "IsValidForCreate": "c" in column.access,
        "IsValidForUpdate": "u" in column.access,
        "IsValidForRead": True,
    }
    if column.length:
        whole["MaxLength"] = column.length
    if column.low and column.numeric | (column.type == "int"):
        whole |= {"MinValue": float(column.low), "MaxValue": float(column.high)}
    if column.type == "lookup":
        whole["Targets"] = list(dict.fromkeys(item.target for item in column.targets))
    return whole


def _with_options(table: Table, item: dict[str, Any]) -> dict[str, Any]:
    column = table.attribute(item["LogicalName"])
    options = [
        {"Value": option.value, "Label": _label(option.label)}
        | ({} if option.state is None else {"State": option.state})
        for option in (column.options if column else ())
    ]
    return item | {"OptionSet": {"Options": options}}


def _relationships(table: Table) -> list[dict[str, Any]]:
    return [
        {
            "SchemaName": relation.collection or f"{table.entity}_{column.attribute}_{relation.target}",
            "ReferencingEntity": table.entity,
            "ReferencingAttribute": column.attribute,
            "ReferencedEntity": relation.target,
            "ReferencedAttribute": f"{relation.target}id",
            "ReferencingEntityNavigationPropertyName": relation.navigation,
            "ReferencedEntityNavigationPropertyName": relation.collection,
            "CascadeConfiguration": {"Delete": relation.on_delete},
        }
        for column in table.lookups()
        for relation in column.targets
    ]


def _filtered(items: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    text = request.option("$filter")
    if not text:
        return items
    match = _EQUALS.match(text.strip())
    if match is None or (items and match.group(1) not in items[0]):
        raise refuse(400, "0x80060888", f"The metadata filter '{text}' is not supported.")
    return [item for item in items if item.get(match.group(1)) == match.group(2)]


def _picked(item: dict[str, Any], request: Request, *kept: str) -> dict[str, Any]:
    names = [name.strip() for name in (request.option("$select") or "").split(",") if name.strip()]
    return _narrow(item, [*names, *kept] if names else [])


def _narrow(item: dict[str, Any], names: list[str]) -> dict[str, Any]:
    wanted = {*names, "MetadataId", "@odata.type"}
    return {name: value for name, value in item.items() if not names or name in wanted}


def _expands(request: Request, name: str) -> bool:
    return (request.option("$expand") or "").startswith(name)


def _inner_select(request: Request, name: str) -> list[str]:
    match = re.match(rf"{name}\(\$select=([^)]*)\)", request.option("$expand") or "")
    return match.group(1).split(",") if match else []


def _label(text: str) -> dict[str, Any]:
    label = {"Label": text, "LanguageCode": 1033}
    return {"LocalizedLabels": [label], "UserLocalizedLabel": label}


def _metadata_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"d365kit-sandbox/{name}"))
