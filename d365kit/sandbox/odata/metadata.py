"""Schema → $metadata: CSDL 4.0 documents of both services."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from xml.sax.saxutils import quoteattr

from d365kit.sandbox.schema import TEXTUAL, Column, Table, schema

_EDM = {
    "guid": "Edm.Guid",
    "text": "Edm.String",
    "code": "Edm.String",
    "memo": "Edm.String",
    "int": "Edm.Int32",
    "bigint": "Edm.Int64",
    "decimal": "Edm.Decimal",
    "money": "Edm.Decimal",
    "bool": "Edm.Boolean",
    "date": "Edm.Date",
    "datetime": "Edm.DateTimeOffset",
    "choice": "Edm.Int32",
    "state": "Edm.Int32",
    "status": "Edm.Int32",
    "lookup": "Edm.Guid",
    "option": "Edm.String",
}
_CRM = "Microsoft.Dynamics.CRM"


def edm_type(column: Column) -> str:
    """Return the type of a column in metadata."""
    return f"Microsoft.NAV.{column.enum}" if column.enum else _EDM[column.type]


@cache
def business_central() -> str:
    """Return BC's document: namespace Microsoft.NAV, capabilities per set (business-central.md section 12)."""
    bc = schema("bc")
    lines = []
    for name, members in bc.enums.items():
        lines.append(f'<EnumType Name="{name}">')
        lines += [f'<Member Name="{member}" Value="{value}"/>' for member, value in members.items()]
        lines.append("</EnumType>")
    for table in bc.sets.values():
        lines += _entity_type(table, _parts(table))
    for table in bc.sets.values():
        for action in table.actions:
            bound = f'<Parameter Name="bindingParameter" Type="Microsoft.NAV.{table.entity}"/>'
            lines.append(f'<Action Name="{action}" IsBound="true">{bound}</Action>')
    return _document("Microsoft.NAV", [*lines, *_container({t.set: t for t in bc.sets.values()}, "Microsoft.NAV")])


def web_services(published: dict[str, Table]) -> str:
    """Return the document of published pages: namespace NAV, text keys (business-central.md section 12)."""
    lines: list[str] = []
    types = {name: replace(table, entity=name) for name, table in published.items()}
    for table in types.values():
        known = {t.set: t.entity for t in types.values()}
        lines += _entity_type(table, _collections(_lists(table, known), "NAV"))
    return _document("NAV", [*lines, *_container(types, "NAV")])


def _lists(table: Table, known: dict[str, str]) -> dict[str, str]:
    return {name: known[way.target] for name, way in table.navigations.items() if way.target in known}


def _parts(table: Table) -> Iterable[str]:
    bc = schema("bc")
    for way in table.navigations.values():
        kind = f"Microsoft.NAV.{bc.sets[way.target].entity}"
        kind = f"Collection({kind})" if way.many else kind
        yield f'<NavigationProperty Name="{way.name}" Type="{kind}" ContainsTarget="true"/>'


def _container(tables: dict[str, Table], namespace: str) -> list[str]:
    lines = ['<EntityContainer Name="NAV">']
    for name, table in tables.items():
        lines.append(f'<EntitySet Name="{name}" EntityType="{namespace}.{table.entity}">')
        for letter, word, flag in (
            ("C", "Insert", "Insertable"),
            ("U", "Update", "Updatable"),
            ("D", "Delete", "Deletable"),
        ):
            lines += _restriction(word, flag, letter in table.methods)
        lines += [*_restriction_value("ChangeTracking", "Supported", False), "</EntitySet>"]
    return [*lines, "</EntityContainer>"]


@cache
def dataverse(annotated: bool = False) -> str:
    """Return Dataverse's document: lookups as _x_value beside their navigations (dataverse.md section 1).

    annotated: with what a client may do with each property, as for ``?annotations=true``.
    """
    dv = schema("dv")
    key = '<Key><PropertyRef Name="ownerid"/></Key><Property Name="ownerid" Type="Edm.Guid" Nullable="false"/>'
    lines = [f'<EntityType Name="principal">{key}</EntityType>']
    collections: dict[str, dict[str, str]] = {}
    for table in dv.sets.values():
        for column in table.lookups():
            for relation in column.targets:
                if relation.collection:
                    collections.setdefault(relation.target, {})[relation.collection] = table.entity
    for between in dv.associations.values():
        for entity in between.sides:
            collections.setdefault(entity, {})[between.name] = between.other(entity)
    for table in dv.sets.values():
        extra = [*_navigations(table), *_collections(collections.get(table.entity, {}))]
        lines += _entity_type(table, extra)
    lines.append('<EntityContainer Name="System">')
    lines += [f'<EntitySet Name="{table.set}" EntityType="{_CRM}.{table.entity}"/>' for table in dv.sets.values()]
    lines.append("</EntityContainer>")
    if annotated:
        lines += [line for table in dv.sets.values() for line in _permissions(table)]
    return _document(_CRM, lines)


def _entity_type(table: Table, extra: Iterable[str]) -> list[str]:
    keys = table.keys or (table.key,)
    references = "".join(f'<PropertyRef Name="{key}"/>' for key in keys)
    lines = [f'<EntityType Name="{table.entity}">', f"<Key>{references}</Key>"]
    for column in table.columns.values():
        facets = f' MaxLength="{column.length}"' if column.length and column.type in TEXTUAL else ""
        facets += ' Scale="Variable"' if column.numeric else ""
        required = column.name in keys or (table.side == "bc" and column.required)
        facets += ' Nullable="false"' if required else ""
        lines.append(f'<Property Name="{column.name}" Type="{edm_type(column)}"{facets}/>')
    return [*lines, *extra, "</EntityType>"]


def _permissions(table: Table) -> Iterable[str]:
    """Yield the annotations of properties that cannot be written."""
    read = "<EnumMember>Org.OData.Core.V1.PermissionType/Read</EnumMember>"
    for column in table.columns.values():
        if not column.access:
            target = quoteattr(f"{_CRM}.{table.entity}/{column.name}")
            inner = f'<Annotation Term="Org.OData.Core.V1.Permissions">{read}</Annotation>'
            yield f"<Annotations Target={target}>{inner}</Annotations>"


def _navigations(table: Table) -> Iterable[str]:
    seen = set()
    for column in table.lookups():
        for relation in column.targets:
            if not relation.navigation or relation.navigation in seen:
                continue
            seen.add(relation.navigation)
            shared = len({item.navigation for item in column.targets}) < len(column.targets)
            target = f"{_CRM}.principal" if shared else f"{_CRM}.{relation.target}"
            referenced = "ownerid" if shared else f"{relation.target}id"
            yield (
                f'<NavigationProperty Name="{relation.navigation}" Type="{target}">'
                f'<ReferentialConstraint Property="{column.name}" ReferencedProperty="{referenced}"/>'
                "</NavigationProperty>"
            )


def _collections(found: dict[str, str], namespace: str = _CRM) -> Iterable[str]:
    for name, entity in found.items():
        yield f'<NavigationProperty Name="{name}" Type="Collection({namespace}.{entity})"/>'


def _restriction(word: str, flag: str, allowed: bool) -> list[str]:
    return _restriction_value(f"{word}Restrictions", flag, allowed)


def _restriction_value(term: str, flag: str, allowed: bool) -> list[str]:
    value = str(allowed).lower()
    inner = f'<Record><PropertyValue Property="{flag}" Bool="{value}"/></Record>'
    return [f'<Annotation Term="Org.OData.Capabilities.V1.{term}">{inner}</Annotation>']


def _document(namespace: str, lines: Iterable[str]) -> str:
    head = '<?xml version="1.0" encoding="utf-8"?>'
    edmx = "http://docs.oasis-open.org/odata/ns/edmx"
    edm = "http://docs.oasis-open.org/odata/ns/edm"
    body = "\n".join(lines)
    return (
        f'{head}\n<edmx:Edmx Version="4.0" xmlns:edmx={quoteattr(edmx)}><edmx:DataServices>'
        f"<Schema Namespace={quoteattr(namespace)} xmlns={quoteattr(edm)}>\n{body}\n"
        "</Schema></edmx:DataServices></edmx:Edmx>"
    )
