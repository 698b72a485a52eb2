"""Schema → EntityDefinitions answers: tables, columns, options, relationships, keys."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from d365kit.sandbox.dataverse.call import Call, Segments, json_reply, missing_segment, refuse, unsupported
from d365kit.sandbox.dataverse.keys import add_key, drop_key, keys_of
from d365kit.sandbox.dataverse.options import options_of
from d365kit.sandbox.odata.expand import Expand, parse_expand
from d365kit.sandbox.odata.filters import Compare, FilterError, Literal, Logic, Node, Not, Path, parse_filter
from d365kit.sandbox.odata.query import OptionError
from d365kit.sandbox.schema import Column, Table
from d365kit.sandbox.wire import Reply

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
#: Properties only some kinds of attribute have; selecting them from a mixed list is no error.
_TYPED = frozenset({"MaxLength", "MinValue", "MaxValue", "Targets", "OptionSet", "GlobalOptionSet", "Precision"})
_REQUIRED = {"system": "SystemRequired", "application": "ApplicationRequired", "": "None"}
_KEY = re.compile(r"(?:LogicalName|Name)='([^']+)'$")
ROOTS = frozenset({"EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions"})
Item = dict[str, Any]


def answer(call: Call, segments: Segments) -> Reply:
    """Return the answer to a metadata request; Refusal for what is not there (dataverse.md section 14)."""
    name, key = segments[0]
    if call.request.method != "GET":
        return _change(call, segments)
    if name == "RelationshipDefinitions":
        every = [item for table in call.schema.sets.values() for item in _relationships(table)]
        return _listed(call, "RelationshipDefinitions", every)
    if name == "GlobalOptionSetDefinitions":
        if key is not None:
            raise refuse(404, "0x80048403", f"Could not find a global option set with {key}.")
        return _listed(call, "GlobalOptionSetDefinitions", [])
    if key is None:
        return _listed(call, "EntityDefinitions", [_table(item) for item in call.schema.sets.values()])
    table = _addressed(call, key)
    if len(segments) > 1:
        return _part(call, table, segments[1:])
    whole = narrowed(_table(table), call.request.option("$select"))
    for item in _expansions(call):
        whole |= _expanded(call, table, item)
    return json_reply({"@odata.context": f"{call.root}/$metadata#EntityDefinitions/$entity", **whole})


def _listed(call: Call, address: str, items: list[Item], *kept: str) -> Reply:
    """Return a list as asked for by $filter and $select; metadata never pages (conformance.md 280)."""
    request = call.request
    for name, _ in request.query:
        if name in ("$top", "$orderby", "$skip", "$count"):
            raise unsupported(f"The query parameter {name} is not supported for metadata.")
    found = [narrowed(item, request.option("$select"), *kept) for item in matching(items, request.option("$filter"))]
    return json_reply({"@odata.context": f"{call.root}/$metadata#{address}", "value": found})


def _lists(call: Call, table: Table) -> dict[str, Callable[[], list[Item]]]:
    return {
        "Attributes": lambda: [_attribute(table, column) for column in table.columns.values()],
        "ManyToOneRelationships": lambda: _relationships(table),
        "OneToManyRelationships": lambda: [
            item
            for other in call.schema.sets.values()
            for item in _relationships(other)
            if item["ReferencedEntity"] == table.entity
        ],
        "ManyToManyRelationships": lambda: _many_to_many(call, table),
        "Keys": lambda: keys_of(call, table),
    }


def _part(call: Call, table: Table, rest: Segments) -> Reply:
    name, key = rest[0]
    lists = _lists(call, table)
    if name not in lists or len(rest) > 2:
        raise missing_segment(name if name not in lists else rest[2][0])
    found, address = lists[name](), f"EntityDefinitions('{table.entity}')/{name}"
    kind = rest[1][0].removeprefix("Microsoft.Dynamics.CRM.").removesuffix("AttributeMetadata") if rest[1:] else ""
    if kind:
        found = [item for item in found if item.get("AttributeType") == kind]
    items = _expansions(call)
    for item in items:
        if item.path not in ("OptionSet", "GlobalOptionSet") or kind not in ("Picklist", "State", "Status"):
            raise unsupported(f"'{item.path}' cannot be expanded here.")
        if item.path == "OptionSet":
            found = [_with_options(call, table, held) for held in found]
        else:
            found = [held | {"GlobalOptionSet": None} for held in found]
    kept = [item.path for item in items]
    if key is None:
        return _listed(call, address, found, *kept)
    wanted = _KEY.match(key)
    names = (wanted.group(1) if wanted else key).lower()
    one = next((item for item in found if names in (str(item.get("LogicalName")).lower(), item["MetadataId"])), None)
    if one is None:
        raise refuse(404, "0x80060888", f"Could not find '{key}' in the {name} of '{table.entity}'.")
    whole = narrowed(one, call.request.option("$select"), *kept)
    return json_reply({"@odata.context": f"{call.root}/$metadata#{address}/$entity", **whole})


def _expanded(call: Call, table: Table, item: Expand) -> Item:
    lists = _lists(call, table)
    if item.path not in lists or set(item.options) - {"$select", "$filter"}:
        raise unsupported(f"'{item.path}' cannot be expanded that way.")
    found = matching(lists[item.path](), item.options.get("$filter"))
    return {item.path: [narrowed(held, item.options.get("$select")) for held in found]}


def _expansions(call: Call) -> tuple[Expand, ...]:
    text = call.request.option("$expand")
    try:
        return parse_expand(text) if text else ()
    except OptionError as error:
        raise refuse(400, "0x0", error.text) from error


def _change(call: Call, segments: Segments) -> Reply:
    """Make or drop an alternate key: the one change of metadata the sandbox takes (dataverse.md section 8)."""
    method, key = call.request.method, segments[0][1]
    if segments[0][0] != "EntityDefinitions" or key is None or len(segments) != 2 or segments[1][0] != "Keys":
        raise refuse(405, "0x8004023B", "The sandbox changes no metadata but alternate keys.")
    table, name = _addressed(call, key), segments[1][1]
    if method == "POST" and name is None:
        made = add_key(call, table, call.body())
        address = f"{call.root}/EntityDefinitions({_metadata_id(table.entity)})/Keys({made})"
        return Reply(204, headers={"OData-EntityId": address})
    match = _KEY.match(name or "")
    if method != "DELETE" or name is None:
        raise refuse(405, "0x8004023B", f"The method {method} does not fit the address.")
    drop_key(call, table, match.group(1).lower() if match else name)
    return Reply(204)


def _addressed(call: Call, key: str) -> Table:
    match = _KEY.match(key)
    for table in call.schema.sets.values():
        if (match and table.entity == match.group(1)) or key.lower() == _metadata_id(table.entity):
            return table
    raise refuse(404, "0x80060888", f"Could not find an entity with {key}.")


def matching(items: list[Item], text: str | None) -> list[Item]:
    """Return the items a metadata filter keeps: eq and ne of plain properties, and, or, not."""
    if not text:
        return items
    try:
        tree = parse_filter(text)
        return [item for item in items if _holds(item, tree)]
    except FilterError as error:
        raise unsupported(f"The metadata filter '{text}' is not supported: {error.text}") from error


def _holds(item: Item, node: Node) -> bool:
    match node:
        case Logic(operator="and"):
            return _holds(item, node.left) and _holds(item, node.right)
        case Logic():
            return _holds(item, node.left) or _holds(item, node.right)
        case Not():
            return not _holds(item, node.inner)
        case Compare(operator="eq" | "ne", left=Path(names=names), right=Literal(kind=kind, value=wanted)):
            value: Any = item
            for name in names:
                if not isinstance(value, dict) or name not in value:
                    raise FilterError("property", f"there is no property '{name}'")
                value = value[name]
            same = str(value) == str(wanted) if kind in ("text", "guid", "number") else value == wanted
            return same == (node.operator == "eq")
        case Path(names=(name,)) if isinstance(item.get(name), bool):
            return bool(item[name])
    raise FilterError("unsupported", "only eq, ne, and, or, not are")


def narrowed(item: Item, select: str | None, *kept: str) -> Item:
    """Return an item with the properties asked for; its id and type always stay."""
    names = [name.strip() for name in (select or "").split(",") if name.strip()]
    unknown = [name for name in names if name not in item and name not in _TYPED]
    if unknown:
        text = f"Could not find a property named '{unknown[0]}' on type 'Microsoft.Dynamics.CRM.MetadataBase'."
        raise refuse(400, "0x0", text)
    wanted = {*names, *kept, "MetadataId", "@odata.type"}
    return {name: value for name, value in item.items() if not names or name in wanted}


def _table(table: Table) -> dict[str, Any]:
    return {
        "MetadataId": _metadata_id(table.entity),
        "LogicalName": table.entity,
        "SchemaName": table.schema_name,
        "EntitySetName": table.set,
        "LogicalCollectionName": table.set,
        "PrimaryIdAttribute": table.key,
        "PrimaryNameAttribute": table.title,
        "IsOptimisticConcurrencyEnabled": True,
        "ChangeTrackingEnabled": table.tracking,
        "IsCustomEntity": table.entity.startswith("bcbi_"),
        "DisplayName": _label(table.schema_name),
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


def _with_options(call: Call, table: Table, item: dict[str, Any]) -> dict[str, Any]:
    column = table.attribute(item["LogicalName"])
    options = [
        {"Value": option.value, "Label": _label(option.label)}
        | ({} if option.state is None else {"State": option.state})
        for option in (options_of(call.store, table, column) if column else ())
    ]
    return item | {"OptionSet": {"Options": options}}


def _relationships(table: Table) -> list[dict[str, Any]]:
    return [
        {
            "MetadataId": _metadata_id(f"{table.entity}.{relation.navigation}.{relation.target}"),
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
        if relation.navigation
    ]


def _many_to_many(call: Call, table: Table) -> list[Item]:
    found = []
    for between in call.schema.associations.values():
        if table.entity in between.sides:
            first, second = between.sides
            found.append(
                {
                    "MetadataId": _metadata_id(between.name),
                    "SchemaName": between.name,
                    "IntersectEntityName": between.table,
                    "Entity1LogicalName": first,
                    "Entity2LogicalName": second,
                    "Entity1NavigationPropertyName": between.name,
                    "Entity2NavigationPropertyName": between.name,
                }
            )
    return found


def _label(text: str) -> dict[str, Any]:
    label = {"Label": text, "LanguageCode": 1033}
    return {"LocalizedLabels": [label], "UserLocalizedLabel": label}


def _metadata_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"d365kit-sandbox/{name}"))
