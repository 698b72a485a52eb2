"""What the tests of the review share: a small company with every situation, and a desk without a workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from d365kit.ledger import Ledger
from d365kit.nouns import Decision, Proposals, Snapshot
from d365kit.workspace import coupling_acts
from tests.helpers_match import CATALOGUE, NOW, snapshot

HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
RTL = "شركة النور \u202eevil"
EMOJI = "Bäckerei 👩🏽‍🍳🥐 e\u0301"
LONG = "Lorem <b>ipsum</b> " * 211


class Desk:
    """The verbs of a workspace over a snapshot and proposals in memory; each decision a second after the last one."""

    def __init__(self, path: Path, snap: Snapshot, found: Proposals, by: str = "anna") -> None:
        self.catalogue, self.snapshot, self.by = CATALOGUE, snap, by
        self.path, self.ledger = path, Ledger.open(path)
        self._found, self._at = found, NOW
        self.calls: list[tuple] = []

    def beside(self, by: str) -> Desk:
        """Another process on the same ledger."""
        return Desk(self.path, self.snapshot, self._found, by)

    def proposals(self, kind: str) -> Proposals:
        return self._found

    def _now(self) -> datetime:
        self._at += timedelta(seconds=1)
        return self._at

    def _decide(self, verdict: str, kind: str, pairs: list, note: str, **more: object) -> int:
        self.calls.append((verdict, kind, [(p.bc_id, p.dv_id) for p in pairs], note))
        getattr(self.ledger, verdict)(kind, pairs, by=self.by, at=self._now(), note=note, **more)
        return len(pairs)

    def confirm(self, kind: str, pairs: list, *, note: str = "", first: str = "", take_over: bool = False) -> int:
        if take_over:
            gone = coupling_acts.gone(self.snapshot, self.catalogue[kind], self.ledger, pairs)
            return self._decide("take_over", kind, pairs, note, first=first, gone=gone)
        return self._decide("confirm", kind, pairs, note, first=first)

    def move(self, kind: str, pairs: list, *, note: str = "", first: str = "") -> int:
        return self._decide("move", kind, pairs, note, first=first)

    def reject(self, kind: str, pairs: list, *, note: str = "") -> int:
        return self._decide("reject", kind, pairs, note)

    def defer(self, kind: str, pairs: list, *, note: str = "") -> int:
        return self._decide("defer", kind, pairs, note)

    def create(self, kind: str, pairs: list, *, note: str = "") -> int:
        return self._decide("create", kind, pairs, note)

    def undo(self, *, batch: int | None = None) -> list[Decision]:
        return self.ledger.undo(by=self.by, at=self._now(), batch=batch)


def customer(id: str, name: str, **more: object) -> dict[str, object]:
    return {"id": id, "name": name, "number": f"C{id[1:]}", "city": "Leeds", "country": "GB"} | more


def evidence(**bits: float) -> str:
    return json.dumps(
        [
            {"field": f, "bc": "x", "dv": "x", "level": "exact" if w > 0 else "differs", "weight": w}
            for f, w in bits.items()
        ]
    )


def pair(bc: str | None, dv: str | None, **more: object) -> dict[str, object]:
    return {
        "bc_id": bc, "dv_id": dv, "bc_name": bc, "dv_name": dv, "band": "likely", "rank": 1, "chosen": True,
        "score": 8.0, "probability": 0.9, "margin": 3.0, "reason": "same name, city differs",
        "runner_up": "Other Ltd in Sales fits less by phone", "settles": "VAT number in Sales",
        "evidence": evidence(name=9.0, city=-1.0), "fingerprint": f"f-{bc}-{dv}",
    } | more  # fmt: skip


def alone(side: str, record: str, **more: object) -> dict[str, object]:
    return {f"{side}_id": record, f"{side}_name": record, "band": "nothing found", "chosen": False,
            "reason": "no candidate on the other side", "evidence": "[]"} | more  # fmt: skip


BC = [
    customer("b1", "Fabrikam Ltd", balance=900, vat_number="GB1", currency="eur-b", currency_label="EUR"),
    customer("b2", "Contoso GmbH", city="Köln", country="DE", balance=5000),
    customer("b3", "Tailspin", balance=100), customer("b4", "Tailspin Toys", balance=50),
    customer("b5", "Nobody Home", city="Bath", balance=10), customer("b6", HOSTILE, city=RTL, address_line1=LONG),
    customer("b7", EMOJI, city="Wien"), customer("b8", "Litware", number="C-8", balance=70),
]  # fmt: skip
DV = [
    customer("d1", "Fabrikam Limited", number="C1", currency="eur-d", currency_label="Euro"),
    customer("d2", "Contoso", city="Bonn", country="DE"), customer("d3", "Contoso GmbH", number=None, city="Köln"),
    customer("d4", "Tailspin Toys"), customer("d5", "Only In Sales", city="York"),
    customer("d6", HOSTILE + "!", city=RTL), customer("d7", "Müller Wien", city="Wien"),
    customer("d8", "Litware Inc", number="X-8"), customer("d9", "Left Over", city="Hull"),
    customer("h1", "Hidden Ltd", outside="inactive"),
]  # fmt: skip
ROWS = [
    pair("b1", "d1", band="certain", probability=0.995, score=15.0, reason="same number and VAT number"),
    pair("b1", "d9", rank=2, chosen=False, probability=0.001, score=1.0, reason="same city"),
    # A tie: neither is given.
    pair("b2", "d2", chosen=False, band="unsure", score=7.0, probability=0.45, reason="two equally good candidates"),
    pair("b2", "d3", chosen=False, band="unsure", score=7.0, probability=0.45, reason="two equally good candidates"),
    # Two want the same one.
    pair("b3", "d4", chosen=False, band="unsure", score=6.0, probability=0.2, reason="name differs"),
    pair("b4", "d4", score=9.0, probability=0.8), alone("bc", "b5"),
    pair("b6", "d6", probability=0.7, reason="same name"), pair("b7", "d7", probability=0.6),
    pair("b8", "d8", band="certain", probability=0.985, reason="same phone, number differs"), alone("dv", "d5"),
]  # fmt: skip


def small(path: Path, rows: list[dict] | None = None, by: str = "anna", **kinds: Mapping) -> Desk:
    """The desk of a small company: eight customers in Business Central, nine in Sales and a hidden one."""
    currencies = [{"id": "eur-b", "code": "EUR"}], [{"id": "eur-d", "code": "EUR", "name": "Euro"}]
    contacts = [{"id": "k1", "name": "Ann", "customer": "b1"}, {"id": "k2", "name": "Bob", "customer": "b2"},
                {"id": "k3", "name": "Cyd", "customer": "b1", "currency": "gbp-b"}], []  # fmt: skip
    snap = snapshot(customer=(BC, DV), currency=currencies, contact=contacts, **kinds)
    return Desk(path / "ledger.db", snap, Proposals.from_rows("customer", snap.id, 0, rows or ROWS), by)
