"""The tables of the ledger → decisions, frames and agreements to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Row, Select, select

from d365kit.ledger.tables import agreements as agreements_table
from d365kit.ledger.tables import couplings as couplings_table
from d365kit.ledger.tables import decisions as decisions_table
from d365kit.ledger.tables import standing as standing_table
from d365kit.ledger.values import decode, moment
from d365kit.nouns.ledger_lines import Decision


def decisions_of(connection: Connection, *where: ColumnElement[bool], last: int | None = None) -> list[Decision]:
    """The decision lines that meet ``where``, oldest first; with ``last``, only so many of the newest."""
    query = select(decisions_table).where(*where).order_by(decisions_table.c.position.desc())
    rows = connection.execute(query if last is None else query.limit(max(last, 0))).all()
    return [_decision(row) for row in reversed(rows)]


def _decision(row: Row) -> Decision:
    values = dict(row._mapping)
    values["at"] = moment(row.at)
    values["evidence"] = decode(row.evidence)
    return Decision(**values)


def couplings(connection: Connection, kind: str | None) -> pd.DataFrame:
    """kind, bc_id, dv_id, by, at, position, synchronised, first; sorted by kind and bc_id."""
    c, d, a = couplings_table.c, decisions_table.c, agreements_table.c
    query = (
        select(c.kind, c.bc_id, c.dv_id, d.by, d.at, c.position, a.position.is_not(None), d.first)
        .join_from(couplings_table, decisions_table, c.position == d.position)
        .outerjoin(agreements_table, a.position == c.position)
        .order_by(c.kind, c.bc_id)
    )
    names = ("kind", "bc_id", "dv_id", "by", "at", "position", "synchronised", "first")
    columns = _columns(connection, query if kind is None else query.where(c.kind == kind), names)
    frame = texts(columns, names[:4])
    frame["at"] = times(columns["at"])
    frame["position"] = pd.Series(columns["position"], dtype="int64")
    frame["synchronised"] = pd.Series(columns["synchronised"], dtype="bool")
    frame["first"] = pd.Series(columns["first"], dtype="str")
    return frame


def standing(connection: Connection, verdict: str, kind: str | None, names: Sequence[str]) -> pd.DataFrame:
    """The verdicts that still stand, with the columns ``names``, sorted by kind, bc_id and dv_id."""
    s, d = standing_table.c, decisions_table.c
    known = {"kind": s.kind, "bc_id": s.bc_id, "dv_id": s.dv_id, "fingerprint": d.fingerprint}
    query = (
        select(*(known[name] for name in names))
        .join_from(standing_table, decisions_table, s.position == d.position)
        .where(s.verdict == verdict)
        .order_by(s.kind, s.bc_id, s.dv_id)
    )
    return texts(_columns(connection, query if kind is None else query.where(s.kind == kind), names), names)


def agreements(connection: Connection, kind: str) -> dict[tuple[str, str], dict[str, object]]:
    """(bc_id, dv_id) → the values both sides held when they were last synchronised."""
    c, a = couplings_table.c, agreements_table.c
    query = select(c.bc_id, c.dv_id, a.fields).join(agreements_table, a.position == c.position).where(c.kind == kind)
    found: dict[tuple[str, str], dict[str, object]] = {}
    for bc_id, dv_id, fields in connection.execute(query.order_by(c.bc_id)):
        found[bc_id, dv_id] = decode(fields)  # type: ignore[assignment]
    return found


def texts(columns: Mapping[str, Sequence], names: Sequence[str]) -> pd.DataFrame:
    """A frame of text columns, typed also when it is empty."""
    return pd.DataFrame({name: pd.Series(columns[name], dtype="str") for name in names}, columns=list(names))


def times(values: Sequence[str | None]) -> pd.Series:
    """A column of UTC times; none becomes NaT."""
    return pd.Series(pd.to_datetime(list(values), utc=True, format="ISO8601"), dtype="datetime64[us, UTC]")


def _columns(connection: Connection, query: Select, names: Sequence[str]) -> dict[str, list]:
    """The answer column by column; a few rows at a time, since many rows at once are slow to collect."""
    columns: list[list] = [[] for _ in names]
    for rows in connection.execute(query).partitions(2_000):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    return dict(zip(names, columns, strict=True))
