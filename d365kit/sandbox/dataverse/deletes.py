"""A row that goes → what its relationships do: refuse, take along, or empty links (dataverse-relationships.csv)."""

from __future__ import annotations

from typing import Any

from d365kit.sandbox.dataverse.call import refuse
from d365kit.sandbox.schema import Table, schema
from d365kit.sandbox.store import Store


def remove_dependants(store: Store, table: Table, key: str) -> None:
    """Follow the relationships to a row that goes: refuse, take along or empty (dataverse-relationships.csv)."""
    links = schema("dv").incoming(table.entity)
    for other, column, relation in links:
        if relation.on_delete == "Restrict" and _dependants(store, other, column, relation, key, 1):
            text = f"The {table.entity} {key} cannot be deleted: rows of {other.entity} refer to it."
            raise refuse(405, "0x80040227", text)
    for other, column, relation in links:
        if relation.on_delete == "Cascade":
            for child in _dependants(store, other, column, relation, key, -1):
                if child != key:
                    remove_dependants(store, other, child)
                    store.delete(other, child)
        elif relation.on_delete == "RemoveLink":
            for child in _dependants(store, other, column, relation, key, -1):
                store.update(other, child, {column.name: None})
    for between in schema("dv").associations.values():
        if table.entity in between.sides:
            middle = schema("dv").entity(between.table)
            sql = f'SELECT "{middle.key}" FROM "{middle.sql}" WHERE "{between.sides[table.entity]}" = ?'
            for (pair,) in store.query(sql, (key,)):
                store.delete(middle, pair)


def _dependants(store: Store, other: Table, column: Any, relation: Any, key: str, limit: int) -> list[str]:
    typed = f" AND \"{column.type_column}\" = '{relation.target}'" if column.polymorphic else ""
    sql = f'SELECT "{other.key}" FROM "{other.sql}" WHERE "{column.name}" = ?{typed} LIMIT ?'
    return [row[0] for row in store.query(sql, (key, limit))]
