"""What the tests of matching share: made-up customers, contacts and items as snapshots, and proposals compared."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pandas as pd

from d365kit.kinds import default_catalogue
from d365kit.nouns import Sides, Snapshot
from d365kit.nouns.frames import empty, from_rows
from d365kit.services.files import COLUMNS
from tests.bench.sets import make

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CATALOGUE = default_catalogue()
Rows = list[dict[str, object]]
#: The set of the generator in which a kind's records are.
_SETS = {"customer": "companies", "contact": "companies", "item": "items", "hard": "companies_hard"}
_AMOUNTS = ("price", "cost")


def snapshot(name: str = "snapshot", **kinds: tuple[Rows, Rows]) -> Snapshot:
    """A snapshot of rows by kind: ``customer=(bc rows, dv rows)``; a row's “outside” says why a filter hides it."""
    return Snapshot(name, NOW, {kind: _sides(kind, bc, dv) for kind, (bc, dv) in kinds.items()})


def _sides(kind: str, bc: Rows, dv: Rows) -> Sides:
    schema = CATALOGUE[kind].schema
    held = [from_rows([r for r in rows if "outside" not in r], schema) for rows in (bc, dv)]
    hidden = []
    for rows in (bc, dv):
        out = [r for r in rows if "outside" in r]
        frame = from_rows([{k: v for k, v in r.items() if k != "outside"} for r in out], schema)
        frame["outside"] = pd.array([r["outside"] for r in out], "str")
        hidden.append(frame if out else empty(schema))
    return Sides(kind, *held, *hidden)


def made_up(kind: str, size: int, seed: int) -> tuple[Rows, Rows]:
    """Dirty records of ``kind`` on both sides from the generator of the benchmarks; “hard” are dirtier customers."""
    return _made(kind, size, seed)[:2]


def entities(kind: str, size: int, seed: int) -> dict[str, str]:
    """Whom each of those records stands for: two of one entity belong together."""
    return _made(kind, size, seed)[2]


@cache
def _made(kind: str, size: int, seed: int) -> tuple[Rows, Rows, dict[str, str]]:
    entity: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        made = make(_SETS[kind], Path(folder), size=size, seed=seed)
        left, right = (_rows(made / f"{hand}.csv", kind) for hand in ("left", "right"))
        for hand in ("left", "right"):
            with (made / f"truth_{hand}.csv").open(encoding="utf-8", newline="") as file:
                entity |= {row["id"]: row["entity"] for row in csv.DictReader(file)}
    return left, right, entity


def _rows(path: Path, kind: str) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    if kind == "contact":
        return [
            {
                "id": row["id"], "name": row["contact"], "customer_label": row["name"], "city": row["city"] or None,
                "address_line1": row["address"] or None, "post_code": row["postcode"] or None,
                "phone": row["phone"] or None, "email": row["email"] or None,
            }
            for row in found
            if row["contact"]
        ]  # fmt: skip
    fields = {"id": "id", **COLUMNS["item" if kind == "item" else "customer"]}
    return [
        {fields[k]: Decimal(v) if k in _AMOUNTS else v for k, v in row.items() if v and k in fields} for row in found
    ]


def records(kind: str, size: int, seed: int = 7) -> Snapshot:
    """A snapshot of made-up records of one kind."""
    return snapshot(**{kind: made_up(kind, size, seed)})


def with_sides(snap: Snapshot, kind: str, bc: pd.DataFrame, dv: pd.DataFrame) -> Snapshot:
    """The snapshot with other records of a kind."""
    sides = snap[kind]
    return Snapshot(snap.id, NOW, {kind: Sides(kind, bc, dv, sides.bc_outside, sides.dv_outside)})


def pairs_in(frame: pd.DataFrame) -> set[tuple[str, str]]:
    both = frame[frame["bc_id"].notna() & frame["dv_id"].notna()]
    return set(zip(both["bc_id"], both["dv_id"], strict=True))


def row_of(frame: pd.DataFrame, bc: str, dv: str) -> pd.Series:
    found = frame[(frame["bc_id"] == bc) & (frame["dv_id"] == dv)]
    assert len(found) == 1, f"{bc} and {dv} are proposed {len(found)} times"
    return found.iloc[0]


def decisions(position: int = 0, **tables: Mapping[str, object]) -> object:
    """A ledger as `match.Couplings` wants one, of tables by name: couplings, rejected, creates, each by kind."""

    class Book:
        def couplings(self, kind: str) -> pd.DataFrame:
            return pd.DataFrame(tables.get("couplings", {}).get(kind, []), columns=["bc_id", "dv_id"], dtype="str")

        def rejected(self, kind: str) -> pd.DataFrame:
            rows = tables.get("rejected", {}).get(kind, [])
            return pd.DataFrame(rows, columns=["bc_id", "dv_id", "fingerprint"], dtype="str")

        def creates(self, kind: str) -> pd.DataFrame:
            return pd.DataFrame(tables.get("creates", {}).get(kind, []), columns=["bc_id", "dv_id"], dtype="str")

    Book.position = position
    return Book()
