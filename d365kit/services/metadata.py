"""What the services say of their own tables → properties with types, lengths and who may write them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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

    ``type`` is one of the catalogue's types, "" for one that cannot be a column; ``declared`` is the service's own
    word for it (Edm.Guid, Picklist). ``length`` is the longest text, 0 for no limit or none told. ``nullable``: it
    may stay empty. ``create`` and ``update``: it may be written then, as far as the service says so: BC marks whole
    sets only, and shows what is read-only when it is tried (business-central.md section 12). ``members`` are the
    names of an enumeration, which installed apps may add to.
    """

    name: str
    type: str
    length: int = 0
    nullable: bool = True
    create: bool = True
    update: bool = True
    members: tuple[str, ...] = ()
    declared: str = ""


@dataclass(frozen=True)
class Table:
    """One entity set as the service declares it.

    ``key`` names the key's properties, several joined by commas. ``navigations`` tells what records of the set are
    linked to: name and entity. ``insert``, ``update`` and ``delete``: whether rows can be written that way.
    """

    set: str
    entity: str
    key: str
    properties: Mapping[str, Property]
    navigations: Mapping[str, str] = field(default_factory=dict)
    insert: bool = True
    update: bool = True
    delete: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """The key's properties in their order."""
        return tuple(self.key.split(","))

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


def tables_of(document: bytes, service: str, side: str, *, may_be_none: bool = False) -> dict[str, Table]:
    """Return the tables of a ``$metadata`` document (CSDL 4.0), by entity set.

    Enumeration members may have any name (a real document has some called 0 to 14). Raises ServiceError for a
    document that is cut short, is no XML, or declares no sets; ``may_be_none``: a whole one may declare none.
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
            tables[name] = _table(item, types[kind], enums)
    if not tables and not (may_be_none and root.tag.endswith("}Edmx")):
        raise _bad(service, side, "it declares no entity sets")
    return tables


def _table(declared: ElementTree.Element, item: ElementTree.Element, enums: Mapping[str, tuple[str, ...]]) -> Table:
    name, entity = declared.get("Name", ""), item.get("Name", "")
    allowed = _allowed(declared)
    insert, update, delete = (allowed.get(word, True) for word in ("Insertable", "Updatable", "Deletable"))
    key = ",".join(part.get("Name", "") for part in item.iterfind(f"{_EDM}Key/{_EDM}PropertyRef"))
    found = {}
    for one in item.iter(f"{_EDM}Property"):
        kind, length = one.get("Type", ""), one.get("MaxLength", "")
        found[one.get("Name", "")] = Property(
            name=one.get("Name", ""),
            type="choice" if kind in enums else _FROM_EDM.get(kind, ""),
            length=int(length) if length.isdigit() else 0,
            nullable=one.get("Nullable") != "false",
            create=insert,
            # A row's GUID is given once; codes and numbers that are a key may be renamed.
            update=update and not (one.get("Name") == key and kind == "Edm.Guid"),
            members=enums.get(kind, ()),
            declared=kind,
        )
    ways = {n.get("Name", ""): _target(n.get("Type", "")) for n in item.iter(f"{_EDM}NavigationProperty")}
    return Table(name, entity, key, found, ways, insert, update, delete)


def _allowed(declared: ElementTree.Element) -> dict[str, bool]:
    """What the capabilities of a set say: Insertable, Updatable, Deletable."""
    values = declared.iterfind(f"{_EDM}Annotation/{_EDM}Record/{_EDM}PropertyValue")
    return {value.get("Property", ""): value.get("Bool") != "false" for value in values}


def _target(kind: str) -> str:
    """``Collection(Microsoft.NAV.salesOrderLine)`` → ``salesOrderLine``."""
    return kind.removeprefix("Collection(").removesuffix(")").rpartition(".")[2]


def table_of(definition: Mapping[str, Any], service: str, lengths: Mapping[str, int] | None = None) -> Table:
    """Return a table from a Dataverse EntityDefinition with its Attributes (dataverse.md section 14).

    ``lengths`` are the longest texts by column, which the list of all attributes does not tell. A lookup
    ``x`` is read as ``_x_value``. Raises ServiceError for a definition without attributes.
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
            length=(lengths or {}).get(logical) or int(item.get("MaxLength") or 0),
            nullable=level.get("Value") != "SystemRequired",
            create=bool(item.get("IsValidForCreate", True)),
            update=bool(item.get("IsValidForUpdate", True)),
            declared=kind,
        )
    names = [str(definition.get(name) or "") for name in ("EntitySetName", "LogicalName", "PrimaryIdAttribute")]
    return Table(names[0], names[1], names[2], found)


def _bad(service: str, side: str, why: str) -> ServiceError:
    return ServiceError(
        f"The metadata of {service} cannot be used: {why}.",
        "Check the service's address in the settings; an address of another service or a proxy's page looks so.",
        side=side,
    )
