"""Schema → entityDefinitions: the captions of sets, properties, actions and members as users read them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from d365kit.sandbox.business_central.address import key_parts
from d365kit.sandbox.business_central.reading import json_reply
from d365kit.sandbox.schema import Table, schema
from d365kit.sandbox.wire import Refusal, Reply, Request

#: English (United States): the language of the sandbox's captions.
_LANGUAGE = 1033
_PROPERTIES = ("entityName", "entitySetName", "entityCaptions", "entitySetCaptions", "properties", "actions")
_ALL = (*_PROPERTIES, "enumMembers")


def answer(request: Request, key: str | None) -> Reply:
    """Return all definitions, or the one of an entity (conformance.md 110; business-central.md section 12)."""
    if request.method != "GET":
        text = f"'entityDefinitions' does not allow {request.method}."
        raise Refusal(405, "BadRequest_MethodNotAllowed", text)
    names = [name.strip() for name in (request.option("$select") or ",".join(_ALL)).split(",")]
    unknown = next((name for name in names if name not in _ALL), None)
    if unknown:
        text = f"Could not find a property named '{unknown}' on type 'Microsoft.NAV.entityDefinition'."
        raise Refusal(400, "BadRequest", text)
    found = [{name: row[name] for name in names} for row in definitions() if key in (None, _quoted(row, key))]
    context = f"{request.root}/$metadata#entityDefinitions"
    if key is None:
        return json_reply({"@odata.context": context, "value": found})
    if not found:
        raise Refusal(404, "Internal_RecordNotFound", f"There is no entity {key}.")
    return json_reply({"@odata.context": f"{context}/$entity", **found[0]})


@cache
def definitions() -> tuple[dict[str, Any], ...]:
    """Return the definition of every set."""
    return tuple(_definition(table) for table in schema("bc").sets.values())


def caption(name: str) -> str:
    """Return a name as a caption; encoded characters are decoded.

    >>> caption("addressLine1"), caption("Non_x002D_Inventory"), caption("taxGroupId")
    ('Address Line 1', 'Non-Inventory', 'Tax Group Id')
    """
    text = re.sub(r"_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), name)
    if text != name:
        return text
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name)
    return words[:1].upper() + words[1:]


def _quoted(row: dict[str, Any], key: str | None) -> str | None:
    return key if key and key_parts(key).get("", key_parts(key).get("entityName")) == row["entityName"] else ""


def _captions(name: str) -> list[dict[str, Any]]:
    return [{"languageCode": _LANGUAGE, "caption": caption(name)}]


def _definition(table: Table) -> dict[str, Any]:
    enums = sorted({column.enum for column in table.columns.values() if column.enum})
    members = [(enum, name, value) for enum in enums for name, value in schema("bc").enums[enum].items()]
    return {
        "entityName": table.entity,
        "entitySetName": table.set,
        "entityCaptions": _captions(table.entity),
        "entitySetCaptions": _captions(table.set),
        "properties": [{"name": name, "captions": _captions(name)} for name in table.columns],
        "actions": [{"name": name, "captions": _captions(name)} for name in table.actions],
        "enumMembers": [
            {"name": enum, "member": name, "value": value, "captions": _captions(name)}
            for enum, name, value in members
        ],
    }
