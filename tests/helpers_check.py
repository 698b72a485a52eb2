"""A small company made by hand, clean until a test breaks it: rows of both sides, couplings, records to create."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from d365kit.kinds import LCY_ID, Catalogue, default_catalogue
from d365kit.nouns import Sides, Snapshot
from d365kit.nouns.frames import from_rows

OWN = "company-own"
PARTS = ("bc", "dv", "bc_outside", "dv_outside")
CATALOGUE = default_catalogue()


@dataclass
class StandInLedger:
    """What the checks ask of the ledger, and nothing more."""

    pairs: dict[str, list[tuple[str, str]]]
    new: dict[str, list[tuple[str, str]]]
    position: int = 7

    def couplings(self, kind: str) -> pd.DataFrame:
        return _pairs(kind, self.pairs.get(kind, []))

    def creates(self, kind: str) -> pd.DataFrame:
        return _pairs(kind, self.new.get(kind, []))


def _pairs(kind: str, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    rows = [{"kind": kind, "bc_id": b, "dv_id": d} for b, d in pairs]
    return from_rows(rows, pa.schema([(c, pa.string()) for c in ("kind", "bc_id", "dv_id")]))


@dataclass
class Company:
    """Rows by kind, part (`PARTS`) and id, and what the ledger knows."""

    rows: dict[str, dict[str, dict[str, dict]]] = field(default_factory=dict)
    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    new: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    countries: list[str] | None = None
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, kind: str, part: str, id: str, **values: object) -> dict:
        parts = self.rows.setdefault(kind, {p: {} for p in PARTS})
        parts[part][id] = {"id": id, "etag": "1", **values}
        return parts[part][id]

    def pair(self, kind: str, bc_id: str, dv_id: str) -> tuple[str, str]:
        self.pairs.setdefault(kind, []).append((bc_id, dv_id))
        return bc_id, dv_id

    def to_dv(self, kind: str, bc_id: str) -> None:
        self.new.setdefault(kind, []).append((bc_id, ""))

    def to_bc(self, kind: str, dv_id: str) -> None:
        self.new.setdefault(kind, []).append(("", dv_id))

    def change(self, kind: str, side: str, id: str, **values: object) -> None:
        self.rows[kind][side][id] |= values

    def leave_out(self, kind: str, side: str, id: str, why: str, **values: object) -> None:
        """Move a record to those that take no part."""
        row = self.rows[kind][side].pop(id)
        self.rows[kind][f"{side}_outside"][id] = row | values | {"outside": why}

    def delete(self, kind: str, side: str, id: str) -> None:
        del self.rows[kind][side][id]

    @property
    def snapshot(self) -> Snapshot:
        return self.whole(CATALOGUE)

    def whole(self, catalogue: Catalogue) -> Snapshot:
        """The snapshot with the kinds and fields of ``catalogue``."""
        kinds = {}
        for kind in catalogue:
            if kind.name in self.rows:
                kinds[kind.name] = Sides(kind.name, *(self._frame(kind, p) for p in PARTS))
        extras = {}
        if self.countries is not None:
            rows = [{"code": c} for c in self.countries]
            extras["bc.countriesRegions"] = from_rows(rows, pa.schema([("code", pa.string())]))
        at = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
        return Snapshot("20260105-080000", at, kinds, extras=extras, facts=dict(self.facts), unread=dict(self.unread))

    def _frame(self, kind, part: str) -> pd.DataFrame:
        schema = kind.schema
        if part.endswith("outside"):
            schema = schema.append(pa.field("outside", pa.string()))
        return from_rows(self.rows[kind.name][part].values(), schema)

    @property
    def ledger(self) -> StandInLedger:
        return StandInLedger(self.pairs, self.new)


def clean_company() -> Company:
    """Every kind coupled, one record of each side that goes to the other, nothing wrong."""
    it = Company(
        facts={"local_currency": "EUR", "base_currency": "EUR", "company": OWN}, countries=["DE", "NL", "US"]
    )
    _currencies(it)
    _units(it)
    _salespeople(it)
    _options(it)
    _customers(it)
    _vendors(it)
    _contacts(it)
    _items(it)
    _resources(it)
    it.add("sales_order", "dv", "o1", name="Order 1", **CODES_DV)
    return it


def add_currency(it: Company, code: str, rate: str = "1.5") -> tuple[str, str]:
    common = {"code": code, "name": f"{code} name", "rate": Decimal(rate)}
    it.add("currency", "bc", f"b-{code}", is_local=False, **common)
    it.add("currency", "dv", f"d-{code}", state=0, **common)
    return it.pair("currency", f"b-{code}", f"d-{code}")


def _currencies(it: Company) -> None:
    one = Decimal(1)
    it.add("currency", "bc", LCY_ID, code="EUR", name="Euro", rate=one, is_local=True, is_base=True)
    it.add("currency", "dv", "eur", code="EUR", name="Euro", rate=one, is_base=True, state=0)
    it.pair("currency", LCY_ID, "eur")
    add_currency(it, "USD", "1.1")
    add_currency(it, "GBP", "0.85")
    it.add("currency", "bc", "b-CHF", code="CHF", name="Franc", rate=Decimal("0.95"), is_local=False)
    it.to_dv("currency", "b-CHF")


def add_unit(it: Company, code: str) -> tuple[str, str]:
    it.add("unit", "bc", f"b-{code}", code=code, description=code)
    it.add(
        "unit", "dv", f"d-{code}", code=code, group_name=f"NAV {code}", units_in_group=1,
        base_quantity=Decimal(1), base_unit=f"u-{code}", state=0,
    )  # fmt: skip
    return it.pair("unit", f"b-{code}", f"d-{code}")


def _units(it: Company) -> None:
    add_unit(it, "PCS")
    add_unit(it, "BOX")
    it.add("unit", "bc", "b-KG", code="KG", description="kilogram")
    it.to_dv("unit", "b-KG")
    it.add("unit", "dv", "d-default", code="Primary Unit", group_name="Default Unit", units_in_group=3, state=0)


def add_salesperson(it: Company, code: str) -> tuple[str, str]:
    common = {"name": f"Person {code}", "email": f"{code}@x.test"}
    it.add("salesperson", "bc", f"s-{code}", code=code, **common)
    it.add("salesperson", "dv", f"u-{code}", disabled=False, **common)
    return it.pair("salesperson", f"s-{code}", f"u-{code}")


def _salespeople(it: Company) -> None:
    add_salesperson(it, "JR")
    add_salesperson(it, "MD")
    it.add("salesperson", "bc", "s-NEW", code="NEW", name="Nobody Yet")
    it.add("salesperson", "dv", "u-OTHER", name="Olga Other", disabled=False)


def add_option(it: Company, kind: str, code: str, value: str, label: str = "") -> tuple[str, str]:
    it.add(kind, "bc", f"b-{code}", code=code, name=f"{code} in words")
    it.add(kind, "dv", value, code=label or code)
    return it.pair(kind, f"b-{code}", value)


#: Kinds of codes, and a code of each that is coupled with the option “1”.
CODES = {"payment_terms": "NET 30", "shipment_method": "FOB", "shipping_agent": "DHL"}
CODES_BC = {kind: f"b-{code}" for kind, code in CODES.items()}
CODES_DV = dict.fromkeys(CODES, "1")


def _options(it: Company) -> None:
    for kind, code in CODES.items():
        add_option(it, kind, code, "1", code.title().replace(" ", "-"))
        add_option(it, kind, f"{code} X", "2", f"{code} X in words")
        it.add(kind, "bc", f"b-{kind}-new", code=f"{code} NEW", name="New")
        it.to_dv(kind, f"b-{kind}-new")
        it.add(kind, "dv", "9", code="Of Sales only")


THERE = {"state": 0, "relationship_type": 3, "company": OWN}


def customer(n: str) -> dict:
    """What both sides say of customer ``n``."""
    return {
        "number": n, "name": f"Customer {n}", "city": "Delft", "post_code": f"26{n}", "country": "NL",
        "email": f"{n}@x.test", "currency_label": "USD", "salesperson_label": "JR",
    }  # fmt: skip


def add_customer(it: Company, n: str) -> tuple[str, str]:
    return add_party(it, "customer", n)


def add_party(it: Company, kind: str, n: str) -> tuple[str, str]:
    """A coupled customer (c10, a10) or vendor (v10, w10)."""
    b, d, type_ = PARTIES[kind]
    first = {"primary_contact_label": "Contact 10"}
    refs = {"currency": "b-USD", "salesperson": "s-JR", "primary_contact": "p10", **CODES_BC}
    it.add(kind, "bc", f"{b}{n}", **refs, **first, **customer(n))
    refs = {"currency": "d-USD", "salesperson": "u-JR", "primary_contact": "q10", **CODES_DV}
    it.add(kind, "dv", f"{d}{n}", **refs, **first, **customer(n), **THERE | {"relationship_type": type_})
    return it.pair(kind, f"{b}{n}", f"{d}{n}")


#: Kind → the first letters of ids in BC and in Sales, and the relationship type.
PARTIES = {"customer": ("c", "a", 3), "vendor": ("v", "w", 11)}


def _vendors(it: Company) -> None:
    add_party(it, "vendor", "10")
    add_party(it, "vendor", "20")
    it.add("vendor", "bc", "v40", currency="b-CHF", salesperson="s-MD", **customer("40"))
    it.to_dv("vendor", "v40")
    nobody = THERE | {"company": None, "relationship_type": 11}
    it.add("vendor", "dv", "w50", currency="d-GBP", salesperson="u-MD", **nobody, **customer("50"))
    it.to_bc("vendor", "w50")
    # One firm both ways: its account as a customer is no vendor's, and says nothing against a new vendor.
    it.add("vendor", "dv_outside", "a10", outside="not of relationship type Vendor", **THERE, **customer("40"))
    it.change("vendor", "dv_outside", "a10", relationship_type=3)


def _customers(it: Company) -> None:
    add_customer(it, "10")
    add_customer(it, "20")
    it.add("customer", "bc", "c40", currency="b-CHF", salesperson="s-MD", **customer("40"))
    it.to_dv("customer", "c40")
    nobody = THERE | {"company": None}
    it.add("customer", "dv", "a50", currency="d-GBP", salesperson="u-MD", **nobody, **customer("50"))
    it.to_bc("customer", "a50")
    it.add("customer", "dv", "a60", currency="eur", **nobody, **customer("60"))


def add_contact(it: Company, n: str) -> tuple[str, str]:
    common = {"name": f"Contact {n}", "customer_label": "Customer 10", "country": "NL"}
    refs = {"customer": "c10", "currency": "b-USD", "salesperson": "s-JR", "salesperson_label": "JR"}
    it.add("contact", "bc", f"p{n}", number=f"CT{n}", company_number="CO10", **refs, **common)
    it.add("contact", "dv", f"q{n}", customer="a10", parent_type="account", state=0, **common)
    return it.pair("contact", f"p{n}", f"q{n}")


def _contacts(it: Company) -> None:
    add_contact(it, "10")
    pair = add_contact(it, "20")
    it.change("contact", "bc", pair[0], customer="v10")
    it.change("contact", "dv", pair[1], customer="w10")
    it.add("contact", "bc", "p40", name="Dan", customer="c40", customer_label="x", company_number="CO40")
    it.to_dv("contact", "p40")
    it.add("contact", "dv", "q50", name="Eve", customer="a50", customer_label="y", parent_type="account", state=0)
    it.to_bc("contact", "q50")


#: Kind → the first letters of ids in BC and in Sales, and the product type.
PRODUCTS = {"item": ("i", "r", 1), "resource": ("h", "t", 3)}


def add_item(it: Company, n: str) -> tuple[str, str]:
    return add_product(it, "item", n)


def add_product(it: Company, kind: str, n: str) -> tuple[str, str]:
    """A coupled item (i1000, r1000) or resource (h1000, t1000)."""
    b, d, type_ = PRODUCTS[kind]
    number = n if kind == "item" else f"R{n}"
    common = {"number": number, "name": f"{kind.title()} {n}", "unit_price": Decimal("12.5"), "unit_label": "PCS"}
    it.add(kind, "bc", f"{b}{n}", unit="b-PCS", blocked=False, **common)
    there = {"state": 0, "product_type": type_, "structure": 1, "company": OWN}
    it.add(kind, "dv", f"{d}{n}", unit="d-PCS", **there, **common)
    return it.pair(kind, f"{b}{n}", f"{d}{n}")


def add_new_item(it: Company, n: str, kind: str = "item") -> str:
    """An item or resource that will be created in Sales."""
    id, price = f"{PRODUCTS[kind][0]}{n}", Decimal(3)
    number = n if kind == "item" else f"R{n}"
    it.add(kind, "bc", id, number=number, name="New", unit="b-KG", unit_label="KG", blocked=False, unit_price=price)
    it.to_dv(kind, id)
    return id


def _items(it: Company) -> None:
    add_item(it, "1000")
    add_item(it, "1001")
    add_new_item(it, "2000")


def _resources(it: Company) -> None:
    add_product(it, "resource", "1000")
    add_new_item(it, "2000", "resource")
