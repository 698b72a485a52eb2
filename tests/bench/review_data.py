"""A made-up kind with a million candidate pairs, as a snapshot and proposals, for the benchmark of the review."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import default_catalogue
from d365kit.nouns import Proposals, Sides, Snapshot
from d365kit.nouns.frames import empty, to_frame
from d365kit.nouns.proposals import PROPOSAL_COLUMNS

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_FIRST = ("Nord", "Süd", "Alp", "Rhein", "Hanse", "Fabri", "Conto", "Adven", "Wing", "Tail", "Lamna", "Relec")
_SECOND = ("werk", "kam", "spitze", "ture", "tip", "loud", "soft", "bau", "holz", "glas", "stahl", "druck")
_FORMS = ("GmbH", "Ltd", "B.V.", "SARL", "Inc", "AB", "S.p.A.")
_CITIES = ("Leeds", "Köln", "Utrecht", "Lyon", "Malmö", "Torino", "Bergen", "Gent", "Porto", "Wien", "Kraków", "Bath")
_REASONS = (
    "same number, name and phone", "same name, city differs", "two equally good candidates",
    "same phone, name differs", "perhaps another branch, same name", "same name and post code, number differs",
)  # fmt: skip


def made_up(pairs: int = 1_000_000, seed: int = 1) -> tuple[Snapshot, Proposals]:
    """Customers with three candidates each, ``pairs`` in all, and 1 in 50 without any."""
    random = np.random.default_rng(seed)
    records = pairs // 3
    sides = {side: _records(side, records + records // 50, random) for side in ("bc", "dv")}
    schema = default_catalogue()["customer"].schema
    none = empty(schema)
    snapshot = Snapshot("bench", NOW, {"customer": Sides("customer", sides["bc"], sides["dv"], none, none)})
    bc = np.repeat(np.arange(records), 3)
    rank = np.tile(np.arange(1, 4), records)
    dv = np.where(rank == 1, bc, random.integers(0, records, len(bc)))
    chance = np.where(rank == 1, random.beta(4, 1, len(bc)), random.beta(1, 8, len(bc)))
    band = np.where(chance > 0.98, 0, np.where(chance > 0.5, 1, 2))
    chosen = (rank == 1) & (band < 2)
    evidence = json.dumps([
        {"field": "name", "bc": "a", "dv": "b", "level": "close", "weight": 6.5},
        {"field": "city", "bc": "a", "dv": None, "level": "missing", "weight": 0.0},
    ])  # fmt: skip
    n = len(bc)
    text = {side: pa.array(sides[side]["id"]).cast(pa.string()) for side in sides}
    names = {side: pa.array(sides[side]["name"]).cast(pa.string()) for side in sides}
    columns = {
        "bc_id": text["bc"].take(pa.array(bc)), "dv_id": text["dv"].take(pa.array(dv)),
        "bc_name": names["bc"].take(pa.array(bc)), "dv_name": names["dv"].take(pa.array(dv)),
        "band": pa.array(["certain", "likely", "unsure"]).take(pa.array(band)), "rank": pa.array(rank),
        "chosen": pa.array(chosen), "score": pa.array(np.log2(chance / (1 - chance + 1e-12) + 1e-12)),
        "probability": pa.array(chance), "margin": pa.array(random.random(n)),
        "reason": pa.array(_REASONS).take(pa.array(random.integers(0, len(_REASONS), n))),
        "runner_up": pa.nulls(n, pa.string()), "settles": pa.nulls(n, pa.string()),
        "evidence": pa.repeat(evidence, n), "fingerprint": pa.repeat("0123456789abcdef01234567", n),
    }  # fmt: skip
    alone = []
    for side in ("bc", "dv"):
        rows = pa.array(np.arange(records, records + records // 50))
        held = {
            f"{side}_id": text[side].take(rows), f"{side}_name": names[side].take(rows),
            "band": pa.repeat("nothing found", len(rows)), "chosen": pa.repeat(False, len(rows)),
            "reason": pa.repeat("no candidate on the other side", len(rows)), "evidence": pa.repeat("[]", len(rows)),
        }  # fmt: skip
        alone.append(_table(held, len(rows)))
    frame = to_frame(pa.concat_tables([_table(columns, n), *alone]).combine_chunks())
    return snapshot, Proposals("customer", "bench", 0, frame)


def _table(columns: dict, rows: int) -> pa.Table:
    made = [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type) for f in PROPOSAL_COLUMNS]
    return pa.table(made, schema=PROPOSAL_COLUMNS)


def _records(side: str, size: int, random: np.random.Generator):
    schema = default_catalogue()["customer"].schema
    number = pa.array(np.arange(size)).cast(pa.string())

    def some(words: tuple[str, ...]) -> pa.Array:
        return pa.array(words).take(pa.array(random.integers(0, len(words), size)))

    def joined(*parts: object, by: str = "") -> pa.Array:
        return pc.binary_join_element_wise(*(pa.scalar(p) if isinstance(p, str) else p for p in parts), by)

    def amounts(most: float) -> pa.Array:
        return pa.array(np.round(random.random(size) * most).astype(np.int64))

    padded = pc.utf8_lpad(number, 8, "0")
    columns = {
        "id": joined(f"{'b' if side == 'bc' else 'd'}0000000-0000-4000-8000-0000", padded),
        "number": joined("C", padded),
        "name": joined(joined(some(_FIRST), some(_SECOND)), number, some(_FORMS), by=" "),
        "address_line1": joined(some(("Mill Lane", "Hauptstraße", "Rue Verte")), number, by=" "),
        "post_code": pc.utf8_slice_codeunits(padded, 0, 5), "city": some(_CITIES),
        "country": some(("GB", "DE", "NL", "FR")), "phone": joined("+44 113 ", padded),
        "email": joined("office@", number, ".example"), "credit_limit": amounts(5e4), "balance": amounts(1e5),
    }  # fmt: skip
    made = [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(size, f.type) for f in schema]
    return to_frame(pa.table(made, schema=schema))
