"""What the services say of their own tables → properties with types, lengths and who may write them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from d365kit.errors import ServiceError, SettingsError
from d365kit.services.arrow import Column

_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_FROM_EDM = {
    "Edm.Guid": "text", "Edm.String": "text", "Edm.Boolean": "boolean", "Edm.Date": "date",
    "Edm.DateTimeOffset": "datetime", "Edm.Int16": "integer", "Edm.Int32": "integer", "Edm.Int64": "integer",
    "Edm.Decimal": "amount", "Edm.Double": "amount",
}  # fmt: skip
_FROM_ATTRIBUTE = {
    "Uniqueidentifier": "text", "String": "text", "Memo": "text", "EntityName": "text", "Boolean": "boolean",
    "DateTime": "datetime", "Integer": "integer", "BigInt": "integer", "Picklist": "integer", "State": "integer",
    "Status": "integer", "Decimal": "amount", "Double": "amount", "Money": "amount",
    "Lookup": "text", "Customer": "text", "Owner": "text",
}  # fmt: skip
_LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})


@dataclass(frozen=True)
class Property:
    """One property of a table as the service declares it.

    ``type`` is one of the catalogue's types, "" for one that cannot be a column. ``length`` 0 is unlimited.
    ``members`` are the names of an enumeration, which installed apps may add to.
    """

    name: str
    type: str
    length: int = 0
    nullable: bool = True
    create: bool = True
    update: bool = True
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One entity set as the service declares it."""

    set: str
    entity: str
    key: str
    properties: Mapping[str, Property]

    def columns(self) -> tuple[Column, ...]:
        """All properties that can be read into a column."""
        return tuple(Column(p.name, p.type) for p in self.properties.values() if p.type)

    def require(self, names: Iterable[str], service: str) -> None:
        """Raise SettingsError for a property the table does not have, naming the nearest that it has."""
        for name in names:
            plain = name.split("@", 1)[0]
            if plain and plain not in self.properties:
                near = difflib.get_close_matches(plain, self.properties, n=3, cutoff=0.5)
                raise SettingsError(
                    f"{service} has no property {plain} on {self.set}.",
                    f"Nearest are {', '.join(near)}; correct the kind's field."
                    if near
                    else "Correct the kind's field.",
                )


def tables_of(document: bytes, service: str, side: str) -> dict[str, Table]:
    """Return the tables of a ``$metadata`` document (CSDL 4.0), by entity set.

    Enumeration members may have any name (a real document has some called 0 to 14). Raises ServiceError for a
    document that is cut short, is no XML, or declares no sets.
    """
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 - expat bundled with Python refuses entity bombs
    except ElementTree.ParseError as problem:
        raise _bad(service, side, f"it is not whole XML ({problem})") from problem
    enums = {
        f"{schema.get('Namespace')}.{item.get('Name')}": tuple(m.get("Name", "") for m in item.iter(f"{_EDM}Member"))
        for schema in root.iter(f"{_EDM}Schema")
        for item in schema.iter(f"{_EDM}EnumType")
    }
    types = {
        f"{schema.get('Namespace')}.{item.get('Name')}": item
        for schema in root.iter(f"{_EDM}Schema")
        for item in schema.iter(f"{_EDM}EntityType")
    }
    tables = {}
    for item in root.iter(f"{_EDM}EntitySet"):
        name, kind = item.get("Name", ""), item.get("EntityType", "")
        if name and kind in types:
            tables[name] = _table(name, types[kind], enums)
    if not tables:
        raise _bad(service, side, "it declares no entity sets")
    return tables


def _table(name: str, item: ElementTree.Element, enums: Mapping[str, tuple[str, ...]]) -> Table:
    key = item.find(f"{_EDM}Key/{_EDM}PropertyRef")
    found = {}
    for declared in item.iter(f"{_EDM}Property"):
        kind = declared.get("Type", "")
        length = declared.get("MaxLength", "")
        found[declared.get("Name", "")] = Property(
            name=declared.get("Name", ""),
            type="choice" if kind in enums else _FROM_EDM.get(kind, ""),
            length=int(length) if length.isdigit() else 0,
            nullable=declared.get("Nullable") != "false",
            members=enums.get(kind, ()),
        )
    return Table(name, item.get("Name", ""), key.get("Name", "") if key is not None else "", found)


def table_of(definition: Mapping[str, Any], service: str) -> Table:
    """Return a table from a Dataverse EntityDefinition with its Attributes (dataverse.md section 14).

    A lookup ``x`` is read as ``_x_value``. Raises ServiceError for a definition without attributes.
    """
    attributes = definition.get("Attributes")
    if not isinstance(attributes, list) or not definition.get("EntitySetName"):
        raise _bad(service, "dv", "a table's definition has no attributes")
    found = {}
    for item in attributes:
        logical, kind = str(item.get("LogicalName") or ""), str(item.get("AttributeType") or "")
        name = f"_{logical}_value" if kind in _LOOKUPS else logical
        level = item.get("RequiredLevel") or {}
        found[name] = Property(
            name=name,
            type=_FROM_ATTRIBUTE.get(kind, ""),
            length=int(item.get("MaxLength") or 0),
            nullable=level.get("Value") != "SystemRequired",
            create=bool(item.get("IsValidForCreate", True)),
            update=bool(item.get("IsValidForUpdate", True)),
        )
    names = [str(definition.get(name) or "") for name in ("EntitySetName", "LogicalName", "PrimaryIdAttribute")]
    return Table(names[0], names[1], names[2], found)


def _bad(service: str, side: str, why: str) -> ServiceError:
    return ServiceError(
        f"The metadata of {service} cannot be used: {why}.",
        "Check the service's address in the settings; an address of another service or a proxy's page looks so.",
        side=side,
    )
