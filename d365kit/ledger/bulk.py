"""Many rows in or out at once: the driver's own way, which costs a fraction of a statement a row.

A hundred thousand confirmations are one act and one transaction; SQLAlchemy would spend longer on naming the
parameters of each row than the database on keeping it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, text
from sqlalchemy.exc import DBAPIError

#: From here on PostgreSQL's COPY is quicker than an INSERT.
_COPY_FROM = 100

Rows = Sequence[tuple[object, ...]]


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> None:
    """Insert ``rows``, whose values stand in the order of ``columns``; triggers and constraints count as ever."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in columns)
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({_names(columns)}) VALUES ({marks})", list(rows))
    elif connection.dialect.driver == "psycopg" and len(rows) >= _COPY_FROM:
        _copy(connection, f"COPY {table.name} ({_names(columns)}) FROM STDIN", rows)
    else:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])


def delete_rows(connection: Connection, table: Table, kind: str, keys: Rows) -> None:
    """Delete the rows of ``kind`` with these (bc_id, dv_id); those that are not there do no harm."""
    if not keys:
        return
    if connection.dialect.name == "sqlite":
        statement = f"DELETE FROM {table.name} WHERE kind = ? AND bc_id = ? AND dv_id = ?"
        connection.exec_driver_sql(statement, [(kind, *key) for key in keys])
        return
    gone = "unnest(CAST(:bc_ids AS text[]), CAST(:dv_ids AS text[])) AS gone(bc, dv)"
    where = f"{table.name}.kind = :kind AND {table.name}.bc_id = gone.bc AND {table.name}.dv_id = gone.dv"
    connection.execute(
        text(f"DELETE FROM {table.name} USING {gone} WHERE {where}"),
        {"kind": kind, "bc_ids": [key[0] for key in keys], "dv_ids": [key[1] for key in keys]},
    )


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _copy(connection: Connection, statement: str, rows: Rows) -> None:
    raw: Any = connection.connection
    base: Any = connection.dialect.loaded_dbapi.Error
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except base as problem:
        raise DBAPIError.instance(statement, None, problem, base, dialect=connection.dialect) from problem
