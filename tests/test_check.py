"""`check`: each defect is found by exactly the check that names it, and a suite nobody can trust is refused."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from d365kit import check
from d365kit.errors import SuiteError
from d365kit.kinds import LCY_ID, SIDES, default_catalogue, load_catalogue
from d365kit.nouns import COVERAGE_COLUMNS, FINDING_COLUMNS, Findings
from d365kit.nouns.frames import records
from tests.helpers_check import (
    CODES,
    THERE,
    Company,
    add_contact,
    add_currency,
    add_customer,
    add_item,
    add_new_item,
    add_option,
    add_party,
    add_product,
    add_salesperson,
    add_unit,
    clean_company,
    customer,
)

SHIPPED = Path(__file__).parent.parent / "expectations"
Found = tuple[str, str | None, str | None]


def run(it: Company, *suites: str, expectations: Path = SHIPPED) -> Findings:
    return check.findings(it.snapshot, it.ledger, expectations, suites=suites or None)


def found(findings: Findings) -> list[Found]:
    """Check, bc_id, dv_id of every finding."""
    return [(r["check"], r["bc_id"], r["dv_id"]) for r in records(findings.frame)]


# --- defects ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Defect:
    """One thing that is wrong: the check that must find it, how to plant it, and whom it must name."""

    check: str
    plant: Callable[[Company, str], Iterable[tuple[str | None, str | None]]]

    def __str__(self) -> str:
        return f"{self.check}: {getattr(self.plant, '__name__', '')}"


DEFECTS: list[Defect] = []


def defect(name: str):
    def keep(plant):
        DEFECTS.append(Defect(name, plant))
        return plant

    return keep


@defect("setup/both_halves_exist")
def account_deleted(it, n):
    pair = add_customer(it, n)
    it.delete("customer", "dv", pair[1])
    return [pair]


@defect("setup/both_halves_exist")
def item_deleted(it, n):
    pair = add_item(it, n)
    it.delete("item", "bc", pair[0])
    return [pair]


@defect("salespeople/user_enabled")
def disabled_user(it, n):
    pair = add_salesperson(it, n)
    it.leave_out("salesperson", "dv", pair[1], "disabled", disabled=True)
    return [pair]


@defect("currencies/rate_defined")
def coupled_currency_without_rate(it, n):
    pair = add_currency(it, "SEK")
    it.change("currency", "bc", pair[0], rate=None)
    return [pair]


@defect("currencies/rate_defined")
def uncoupled_currency_without_rate(it, n):
    it.add("currency", "bc", "b-XAF", code="XAF", name="Franc", rate=Decimal(0), is_local=False)
    return [("b-XAF", None)]


@defect("currencies/code_fits")
def long_currency_code(it, n):
    it.add("currency", "bc", "b-KRONER", code="KRONER", name="Kroner", rate=Decimal(7), is_local=False)
    it.to_dv("currency", "b-KRONER")
    return [("b-KRONER", None)]


@defect("currencies/currency_active")
def inactive_currency(it, n):
    pair = add_currency(it, "NOK")
    it.leave_out("currency", "dv", pair[1], "inactive", state=1)
    return [pair]


@defect("currencies/code_free")
def code_of_an_inactive_currency(it, n):
    it.add("currency", "bc", "b-ISK", code="ISK", name="Krona", rate=Decimal(150), is_local=False)
    it.to_dv("currency", "b-ISK")
    it.add("currency", "dv", "d-ISK", code="isk", name="Krona", rate=Decimal(150), state=1)
    it.leave_out("currency", "dv", "d-ISK", "inactive", state=1)
    return [("b-ISK", None)]


@defect("units/group_free")
def group_of_that_name_is_inactive(it, n):
    it.add("unit", "bc", f"b-u{n}", code=f"U{n}", group_name=f"NAV U{n}")
    it.to_dv("unit", f"b-u{n}")
    it.add("unit", "dv", f"d-u{n}", code=f"U{n}", group_name=f"NAV U{n}", units_in_group=1, state=1)
    it.leave_out("unit", "dv", f"d-u{n}", "inactive", state=1)
    return [(f"b-u{n}", None)]


@defect("customers_vendors/account_free")
def account_that_the_filter_hides(it, n):
    bc, dv = add_customer(it, n)
    it.leave_out("customer", "dv", dv, "inactive", state=1)
    it.pairs["customer"].remove((bc, dv))
    it.to_dv("customer", bc)
    return [(bc, None)]


@defect("currencies/rate_matches")
def other_rate(it, n):
    pair = add_currency(it, "DKK")
    it.change("currency", "dv", pair[1], rate=Decimal("1.5002"))
    return [pair]


@defect("currencies/iso_unique")
def iso_code_twice(it, n):
    add_currency(it, "PLN")
    it.add("currency", "dv", "d-PLN-again", code="pln", name="Zloty", rate=Decimal(4), state=0)
    return [(None, "d-PLN-again")]


@defect("units/group_active")
def inactive_group(it, n):
    pair = add_unit(it, "BAG")
    it.leave_out("unit", "dv", pair[1], "inactive", state=1)
    return [pair]


@defect("units/one_unit_per_group")
def two_units_in_group(it, n):
    pair = add_unit(it, "CAN")
    it.change("unit", "dv", pair[1], units_in_group=2)
    return [pair]


@defect("units/one_unit_per_group")
def empty_group(it, n):
    pair = add_unit(it, "JAR")
    it.change("unit", "dv", pair[1], units_in_group=0, code=None, base_quantity=None, base_unit=None)
    return [pair]


@defect("units/unit_name")
def renamed_unit(it, n):
    pair = add_unit(it, "SET")
    it.change("unit", "dv", pair[1], code="Set of things")
    return [pair]


@defect("units/unit_name")
def nameless_unit(it, n):
    pair = add_unit(it, "TUB")
    it.change("unit", "dv", pair[1], code=None)
    return [pair]


@defect("units/base_quantity")
def unit_of_twelve(it, n):
    pair = add_unit(it, "DOZ")
    it.change("unit", "dv", pair[1], base_quantity=Decimal(12))
    return [pair]


@defect("units/base_quantity")
def unit_without_quantity(it, n):
    pair = add_unit(it, "ROL")
    it.change("unit", "dv", pair[1], base_quantity=None)
    return [pair]


@defect("customers_vendors/salesperson_coupled")
def uncoupled_salesperson(it, n):
    pair = add_customer(it, n)
    it.change("customer", "bc", pair[0], salesperson="s-NEW", salesperson_label="NEW")
    return [pair]


@defect("customers_vendors/salesperson_exists")
def unknown_salesperson(it, n):
    pair = add_customer(it, n)
    it.change("customer", "bc", pair[0], salesperson=None, salesperson_label="GONE")
    return [pair]


@defect("customers_vendors/currency_coupled")
def uncoupled_currency(it, n):
    it.add("currency", "bc", "b-JPY", code="JPY", name="Yen", rate=Decimal(160), is_local=False)
    pair = add_customer(it, n)
    it.change("customer", "bc", pair[0], currency="b-JPY", currency_label="JPY")
    return [pair]


@defect("customers_vendors/currency_coupled")
def unknown_currency(it, n):
    pair = add_customer(it, n)
    it.change("customer", "bc", pair[0], currency=None, currency_label="???")
    return [pair]


@defect("customers_vendors/currency_coupled")
def new_account_in_uncoupled_currency(it, n):
    it.add("currency", "dv", "d-INR", code="INR", name="Rupee", rate=Decimal(90), state=0)
    add_customer(it, n)
    it.pairs["customer"].pop()
    it.delete("customer", "bc", f"c{n}")
    it.to_bc("customer", f"a{n}")
    it.change("customer", "dv", f"a{n}", currency="d-INR", currency_label="INR")
    return [(None, f"a{n}")]


@defect("customers_vendors/currency_same")
def other_currency(it, n):
    pair = add_customer(it, n)
    it.change("customer", "dv", pair[1], currency="d-GBP", currency_label="GBP")
    return [pair]


@defect("customers_vendors/name_filled")
def nameless_customer(it, n):
    pair = add_customer(it, n)
    it.change("customer", "bc", pair[0], name="  ")
    return [pair]


@defect("customers_vendors/name_filled")
def nameless_customer_of_nobody(it, n):
    it.add("customer", "bc", f"c{n}", currency="b-USD", **(customer(n) | {"name": None}))
    return [(f"c{n}", None)]


@defect("customers_vendors/country_code")
def country_name(it, n):
    pair = add_customer(it, n)
    it.change("customer", "dv", pair[1], country="The Netherlands")
    return [pair]


@defect("customers_vendors/text_fits")
def long_address(it, n):
    pair = add_customer(it, n)
    it.change("customer", "dv", pair[1], address_line1="x" * 101)
    return [pair]


@defect("customers_vendors/text_fits")
def long_name_of_an_account_nobody_decided_on(it, n):
    it.add("customer", "dv", f"a{n}", state=0, relationship_type=3, **(customer(n) | {"name": "x" * 101}))
    return [(None, f"a{n}")]


@defect("customers_vendors/number_fits")
def long_number(it, n):
    pair = add_customer(it, n)
    it.change("customer", "bc", pair[0], number="9" * 21)
    return [pair]


@defect("customers_vendors/not_duplicated")
def account_twice(it, n):
    add_customer(it, n)
    twin = customer(n) | {"name": f"CUSTOMER {n} ", "number": None}
    it.add("customer", "dv", f"a{n}-twin", state=0, relationship_type=3, **twin)
    return [(None, f"a{n}-twin")]


@defect("customers_vendors/not_duplicated")
def accounts_of_nobody_twice(it, n):
    for twin in ("x", "y", "z"):
        it.add("customer", "dv", f"a{n}-{twin}", state=0, relationship_type=3, **customer(n))
    return [(None, f"a{n}-y"), (None, f"a{n}-z")]


@defect("customers_vendors/relationship_type")
def competitor(it, n):
    pair = add_customer(it, n)
    it.leave_out("customer", "dv", pair[1], "not of relationship type Customer", relationship_type=1)
    return [pair]


@defect("customers_vendors/relationship_type")
def account_without_type(it, n):
    pair = add_customer(it, n)
    it.leave_out("customer", "dv", pair[1], "not of relationship type Customer", relationship_type=None)
    return [pair]


@defect("customers_vendors/own_company")
def account_of_another_company(it, n):
    pair = add_customer(it, n)
    it.leave_out("customer", "dv", pair[1], "owned by another company", company="company-other")
    return [pair]


@defect("customers_vendors/not_blocked")
def blocked_customer(it, n):
    pair = add_customer(it, n)
    it.leave_out("customer", "bc", pair[0], "blocked", blocked="All")
    return [pair]


@defect("customers_vendors/account_active")
def inactive_account(it, n):
    pair = add_customer(it, n)
    it.leave_out("customer", "dv", pair[1], "inactive", state=1)
    return [pair]


@defect("contacts/has_company")
def lone_contact(it, n):
    it.add("contact", "bc", f"p{n}", name="Lone")
    return [(f"p{n}", None)]


@defect("contacts/company_is_customer")
def contact_of_a_prospect(it, n):
    pair = add_contact(it, n)
    it.change("contact", "bc", pair[0], customer=None, company_number="CO99")
    return [pair]


@defect("contacts/customer_coupled")
def contact_of_an_uncoupled_customer(it, n):
    it.add("customer", "bc", f"c{n}", currency="b-USD", **customer(n))
    pair = add_contact(it, n)
    it.change("contact", "bc", pair[0], customer=f"c{n}")
    return [pair]


@defect("contacts/parent_is_account")
def contact_of_a_contact(it, n):
    pair = add_contact(it, n)
    it.change("contact", "dv", pair[1], parent_type="contact", customer="q10")
    return [pair]


@defect("contacts/parent_is_account")
def new_contact_without_parent(it, n):
    it.add("contact", "dv", f"q{n}", name="Orphan", state=0)
    it.to_bc("contact", f"q{n}")
    return [(None, f"q{n}")]


@defect("contacts/name_filled")
def nameless_contact(it, n):
    pair = add_contact(it, n)
    it.change("contact", "bc", pair[0], name=None)
    return [pair]


@defect("contacts/text_fits")
def contact_with_a_country_name(it, n):
    pair = add_contact(it, n)
    it.change("contact", "dv", pair[1], country="United States of America")
    return [pair]


@defect("items/base_unit_filled")
def item_without_unit(it, n):
    pair = add_item(it, n)
    it.change("item", "bc", pair[0], unit=None, unit_label="")
    return [pair]


@defect("items/unit_coupled")
def item_in_an_uncoupled_unit(it, n):
    it.add("unit", "bc", "b-TON", code="TON")
    pair = add_item(it, n)
    it.change("item", "bc", pair[0], unit="b-TON", unit_label="TON")
    return [pair]


@defect("items/unit_coupled")
def item_in_an_unknown_unit(it, n):
    pair = add_item(it, n)
    it.change("item", "bc", pair[0], unit=None, unit_label="LOST")
    return [pair]


@defect("items/name_filled")
def nameless_item(it, n):
    pair = add_item(it, n)
    it.change("item", "bc", pair[0], name=None)
    return [pair]


@defect("items/price_not_negative")
def negative_price(it, n):
    pair = add_item(it, n)
    it.change("item", "bc", pair[0], unit_price=Decimal("-0.01"))
    return [pair]


@defect("items/product_number_free")
def number_taken(it, n):
    new = add_new_item(it, f"{n}-A")
    it.add("item", "dv", f"r{n}", number=f"{n}-a", name="Old", state=0)
    return [(new, None)]


@defect("items/product_number_free")
def number_taken_by_a_retired_product(it, n):
    new = add_new_item(it, n)
    it.add("item", "dv_outside", f"r{n}", number=n, name="Old", state=1, outside="not active")
    return [(new, None)]


@defect("items/unit_same")
def product_in_another_unit(it, n):
    pair = add_item(it, n)
    it.change("item", "dv", pair[1], unit="d-BOX", unit_label="BOX")
    return [pair]


@defect("items/unit_same")
def product_in_the_default_unit(it, n):
    pair = add_item(it, n)
    it.change("item", "dv", pair[1], unit="d-default", unit_label="Primary Unit")
    return [pair]


@defect("items/not_blocked")
def blocked_item(it, n):
    pair = add_item(it, n)
    it.leave_out("item", "bc", pair[0], "blocked", blocked=True)
    return [pair]


@defect("items/product_active")
def retired_product(it, n):
    pair = add_item(it, n)
    it.leave_out("item", "dv", pair[1], "not active", state=1)
    return [pair]


# Vendors, resources and codes: the same rules again, so the defects are told in a table.


def changed(kind: str, side: str, **values: object):
    """A coupled record of ``kind`` whose half on ``side`` says something else."""

    def plant(it, n):
        pair = COUPLED[kind](it, n)
        it.change(kind, side, pair[SIDES.index(side)], **values)
        return [pair]

    return plant


def left_out(kind: str, side: str, why: str, **values: object):
    """A coupled record of ``kind`` whose half on ``side`` takes no part."""

    def plant(it, n):
        pair = COUPLED[kind](it, n)
        it.leave_out(kind, side, pair[SIDES.index(side)], why, **values)
        return [pair]

    return plant


def code(kind: str, it: Company, n: str) -> tuple[str, str]:
    return add_option(it, kind, f"C{n}", n)


COUPLED: dict[str, Callable[[Company, str], tuple[str, str]]] = {
    "customer": add_customer,
    "vendor": lambda it, n: add_party(it, "vendor", n),
    "contact": add_contact,
    "item": add_item,
    "resource": lambda it, n: add_product(it, "resource", n),
    **{kind: partial(code, kind) for kind in CODES},
}


def doubled_vendor_account(it, n):
    add_party(it, "vendor", n)
    twin = customer(n) | {"name": f"CUSTOMER {n} ", "number": None}
    it.add("vendor", "dv", f"w{n}-twin", state=0, relationship_type=11, **twin)
    return [(None, f"w{n}-twin")]


def hidden_vendor_account(it, n):
    bc, dv = add_party(it, "vendor", n)
    it.leave_out("vendor", "dv", dv, "inactive", state=1)
    it.pairs["vendor"].remove((bc, dv))
    it.to_dv("vendor", bc)
    return [(bc, None)]


def taken_resource_number(it, n):
    new = add_new_item(it, n, "resource")
    it.add("resource", "dv_outside", f"r{n}", number=f"r{n}", name="Old", state=0, outside="not of type Services")
    return [(new, None)]


def resource_numbered_like_an_item(it, n):
    add_new_item(it, n)
    new = add_new_item(it, n, "resource")
    it.change("resource", "bc", new, number=f" {n}")
    return [(new, None)]


def primary_contact_of_a_new_customer(it, n):
    it.add("contact", "dv", f"q{n}", name="Nobody", customer="a10", parent_type="account", state=0)
    it.add("customer", "dv", f"a{n}", primary_contact=f"q{n}", currency="eur", **THERE, **customer(n))
    it.to_bc("customer", f"a{n}")
    return [(None, f"a{n}")]


def option_of_a_new_customer(it, n):
    values = {"payment_terms": "9", "currency": "eur"}
    it.add("customer", "dv", f"a{n}", **values, **THERE, **customer(n))
    it.to_bc("customer", f"a{n}")
    return [(None, f"a{n}")]


def coupled_twice(kind: str, it: Company, n: str):
    bc, dv = add_option(it, kind, f"C{n}", n)
    it.add(kind, "dv", f"1{n}", code=f"c{n}.")
    it.pair(kind, bc, f"1{n}")
    return [(bc, dv), (bc, f"1{n}")]


def two_codes_for_one_option(kind: str, it: Company, n: str):
    bc, dv = add_option(it, kind, f"C{n}", n)
    it.add(kind, "bc", f"b-D{n}", code=f"D{n}", name=f"c {n}")
    it.pair(kind, f"b-D{n}", dv)
    return [(bc, dv), (f"b-D{n}", dv)]


def option_there_already(kind: str, it: Company, n: str):
    it.add(kind, "bc", f"b-E{n}", code=f"E {n}")
    it.to_dv(kind, f"b-E{n}")
    it.add(kind, "dv", n, code=f"E-{n}")
    return [(f"b-E{n}", None)]


def labels_that_start_alike(kind: str, it: Company, n: str):
    add_option(it, kind, f"{n}4567 IN", n, f"{n}4567 IN-")
    it.add(kind, "dv", f"2{n}", code=f"{n}4567 in full")
    it.change(kind, "dv", n, code=f"{n}4567 in.words")
    it.change(kind, "bc", f"b-{n}4567 IN", name=f"{n}4567 In Words")
    it.change(kind, "dv", f"2{n}", code=f"{n}4567 in full")
    return [(None, f"2{n}")]


def comma_in_a_label(kind: str, it: Company, n: str):
    it.add(kind, "dv", n, code=f"{n}, net")
    return [(None, n)]


def lost_option(kind: str, it: Company, n: str):
    pair = add_option(it, kind, f"C{n}", n)
    it.delete(kind, "dv", pair[1])
    return [pair]


def order_with_another_option(field: str, it: Company, n: str):
    it.add("sales_order", "dv", f"o{n}", name=f"Order {n}", **{field: "77"})
    return [(None, f"o{n}")]


_OTHER = "owned by another company"
VENDOR = {
    "salesperson_coupled": changed("vendor", "bc", salesperson="s-NEW", salesperson_label="NEW"),
    "salesperson_exists": changed("vendor", "bc", salesperson=None, salesperson_label="GONE"),
    "currency_coupled": changed("vendor", "bc", currency=None, currency_label="???"),
    "currency_same": changed("vendor", "dv", currency="d-GBP", currency_label="GBP"),
    "name_filled": changed("vendor", "bc", name=None),
    "country_code": changed("vendor", "dv", country="Nederland"),
    "text_fits": changed("vendor", "dv", address_line2="x" * 51),
    "number_fits": changed("vendor", "bc", number="9" * 21),
    "not_duplicated": doubled_vendor_account,
    "account_free": hidden_vendor_account,
    "relationship_type": left_out("vendor", "dv", "not of relationship type Vendor", relationship_type=3),
    "own_company": left_out("vendor", "dv", _OTHER, company="company-other"),
    "not_blocked": left_out("vendor", "bc", "blocked", blocked="All"),
    "account_active": left_out("vendor", "dv", "inactive", state=1),
    "primary_contact_coupled": changed("vendor", "bc", primary_contact="p-LOST"),
}
RESOURCE = {
    "base_unit_filled": changed("resource", "bc", unit=None, unit_label=""),
    "unit_coupled": changed("resource", "bc", unit=None, unit_label="LOST"),
    "name_filled": changed("resource", "bc", name=None),
    "price_not_negative": changed("resource", "bc", unit_price=Decimal("-0.01")),
    "product_number_free": taken_resource_number,
    "unit_same": changed("resource", "dv", unit="d-BOX", unit_label="BOX"),
    "not_blocked": left_out("resource", "bc", "blocked", blocked=True),
    "product_active": left_out("resource", "dv", "not active", state=1),
    "number_of_item": resource_numbered_like_an_item,
}
TABLE = [
    *[(f"customers_vendors/vendor_{name}", plant) for name, plant in VENDOR.items()],
    ("customers_vendors/primary_contact_coupled", changed("customer", "bc", primary_contact="p-LOST")),
    ("customers_vendors/primary_contact_coupled", primary_contact_of_a_new_customer),
    *[(f"items/resource_{name}", plant) for name, plant in RESOURCE.items()],
    ("contacts/salesperson_coupled", changed("contact", "bc", salesperson="s-NEW", salesperson_label="NEW")),
    ("contacts/salesperson_exists", changed("contact", "bc", salesperson=None, salesperson_label="GONE")),
    ("contacts/currency_coupled", changed("contact", "bc", currency=None, currency_label="???")),
    *[
        (f"option_sets/{kind}_{f}_coupled", changed(kind, "bc", **{f: f"b-{f}-lost"}))
        for kind in ("customer", "vendor")
        for f in CODES
    ],
    ("option_sets/customer_payment_terms_coupled", option_of_a_new_customer),
    *[(f"option_sets/{kind}_coupled_once", partial(coupled_twice, kind)) for kind in CODES],
    *[(f"option_sets/{kind}_coupled_once", partial(two_codes_for_one_option, kind)) for kind in CODES],
    *[(f"option_sets/{kind}_option_free", partial(option_there_already, kind)) for kind in CODES],
    *[(f"option_sets/{kind}_label", changed(kind, "dv", code="Something else")) for kind in list(CODES)],
    *[(f"option_sets/{kind}_labels_differ", partial(labels_that_start_alike, kind)) for kind in CODES],
    *[(f"option_sets/{kind}_label_no_comma", partial(comma_in_a_label, kind)) for kind in CODES],
    *[("setup/both_halves_exist", partial(lost_option, kind)) for kind in CODES],
    ("option_sets/order_payment_terms_known", partial(order_with_another_option, "payment_terms")),
    ("option_sets/order_shipping_agent_known", partial(order_with_another_option, "shipping_agent")),
]
DEFECTS += [Defect(name, plant) for name, plant in TABLE]

#: Checks of a mode that the default catalogue is not in.
OTHER_MODES = {
    "items/own_base_unit_filled",
    "items/own_base_unit_coupled",
    "items/resource_own_base_unit_filled",
    "items/resource_own_base_unit_coupled",
    "option_sets/order_shipment_method_known",
}


def planted(it: Company, chosen: Iterable[Defect]) -> list[Found]:
    """Plant the defects, each on records of its own, and return what must be found."""
    wanted: list[Found] = []
    for number, one in enumerate(chosen, 700):
        wanted += [(one.check, *ids) for ids in one.plant(it, str(number))]
    return wanted


def test_a_clean_company_raises_nothing():
    findings = run(clean_company())
    assert found(findings) == []
    silent = findings.coverage[findings.coverage["state"] != "passed"]
    assert set(silent["check"]) == OTHER_MODES
    assert set(silent["state"]) == {"nothing to check"}
    assert findings.coverage[findings.coverage["state"] == "passed"]["checked"].min() > 0
    assert len(findings.coverage) == 99


def test_every_defect_is_found_by_exactly_its_check():
    it = clean_company()
    wanted = planted(it, DEFECTS)
    findings = run(it)
    assert sorted(found(findings), key=str) == sorted(wanted, key=str)
    assert (findings.snapshot_id, findings.ledger_position) == (it.snapshot.id, 7)
    assert pa.Table.from_pandas(findings.frame, preserve_index=False).schema.names == FINDING_COLUMNS.names
    assert list(findings.coverage.columns) == COVERAGE_COLUMNS.names
    failed = findings.coverage[findings.coverage["state"] == "failed"]
    assert set(failed["check"]) == {d.check for d in DEFECTS}
    assert failed["failed"].sum() == len(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("one", DEFECTS, ids=str)
def test_a_defect_alone_is_found_alone(one):
    it = clean_company()
    wanted = planted(it, [one])
    assert sorted(found(run(it, one.check.split("/")[0])), key=str) == sorted(wanted, key=str)


def test_every_check_has_a_defect_that_it_finds():
    named = {c.full_name for s in check.load_suites(SHIPPED) for c in s.checks}
    setup = {"setup/local_currency_known", "setup/base_currency_known"}
    assert named == {d.check for d in DEFECTS} | setup | OTHER_MODES


# --- setup ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["", "DEM"])
def test_the_local_currency_must_be_set_and_known_in_sales(code):
    it = clean_company()
    it.facts["local_currency"] = code
    assert found(run(it, "setup")) == [("setup/local_currency_known", LCY_ID, None)]


def test_an_inactive_currency_in_sales_makes_the_local_currency_known():
    it = clean_company()
    it.leave_out("currency", "dv", "eur", "inactive", state=1)
    assert found(run(it, "setup")) == []


def test_a_local_currency_that_will_be_created_needs_a_rate_of_the_base_currency():
    it = clean_company()
    it.facts |= {"local_currency": "EUR", "base_currency": "USD"}
    it.delete("currency", "dv", "eur")
    it.pairs["currency"].remove((LCY_ID, "eur"))
    it.to_dv("currency", LCY_ID)
    assert found(run(it, "setup")) == []
    it.change("currency", "bc", "b-USD", rate=None)
    assert found(run(it, "setup")) == [("setup/local_currency_known", LCY_ID, None)]


def test_rates_that_cannot_be_calculated_are_not_blamed_on_each_currency():
    it = clean_company()
    it.facts |= {"local_currency": "DEM", "base_currency": "AUD"}
    for code in ("USD", "GBP", "CHF"):
        it.change("currency", "bc", f"b-{code}", rate=None)
    assert found(run(it, "setup", "currencies")) == [("setup/local_currency_known", LCY_ID, None)]


def test_a_base_currency_that_business_central_does_not_know_leaves_every_currency_without_a_rate():
    it = clean_company()
    it.facts["base_currency"] = "AUD"
    it.change("currency", "bc", "b-USD", rate=None)
    assert found(run(it, "setup", "currencies")) == [("currencies/rate_defined", "b-USD", "d-USD")]


def test_the_base_currency_must_be_known():
    it = clean_company()
    it.facts["base_currency"] = ""
    it.change("currency", "bc", "b-GBP", rate=None)
    assert found(run(it, "setup", "currencies")) == [("setup/base_currency_known", LCY_ID, None)]


# --- silence where a rule does not reach ----------------------------------------------------------------


def test_references_are_asked_only_of_records_that_travel():
    it = clean_company()
    it.add("customer", "bc", "c90", salesperson="s-NEW", salesperson_label="NEW", currency_label="?", name="N")
    it.add("contact", "bc", "p90", name="P", company_number="CO90")
    it.add("item", "bc", "i90", name="I", number="1000", unit_label="?", unit_price=Decimal(1))
    assert found(run(it)) == []


def test_a_reference_to_a_record_that_will_be_created_is_fine():
    it = clean_company()
    it.add("salesperson", "dv", "u-SOON", name="Soon", disabled=False)
    it.to_dv("salesperson", "s-NEW")
    it.change("customer", "bc", "c10", salesperson="s-NEW", salesperson_label="NEW")
    assert found(run(it, "customers_vendors")) == []


def test_a_blank_salesperson_is_fine():
    it = clean_company()
    it.change("customer", "bc", "c10", salesperson=None, salesperson_label="")
    assert found(run(it, "customers_vendors")) == []


def test_equal_rates_may_differ_in_their_last_digits():
    it = clean_company()
    it.change("currency", "dv", "d-USD", rate=Decimal("1.10001"))
    assert found(run(it, "currencies")) == []


def test_without_the_list_of_countries_a_long_country_is_still_noticed():
    it = clean_company()
    it.countries = None
    it.change("customer", "dv", "a10", country="The Netherlands")
    findings = run(it, "customers_vendors")
    assert found(findings) == [("customers_vendors/text_fits", "c10", "a10")]
    states = findings.coverage.set_index("check")["state"]
    assert states["customers_vendors/country_code"] == "nothing to check"


def test_accounts_that_share_only_a_name_are_no_duplicates():
    it = clean_company()
    for n in ("x", "y"):
        it.add("customer", "dv", n, name="Smith", state=0, relationship_type=3)
    assert found(run(it, "customers_vendors")) == []


# --- what a finding says ----------------------------------------------------------------------------------


def test_a_finding_names_both_records_both_values_and_what_to_do():
    it = clean_company()
    it.change("customer", "dv", "a10", currency="d-GBP", currency_label="GBP")
    (finding,) = records(run(it, "customers_vendors").frame)
    assert finding == {
        "check": "customers_vendors/currency_same",
        "suite": "customers_vendors",
        "rules": "C7",
        "severity": "critical",
        "kind": "customer",
        "bc_id": "c10",
        "dv_id": "a10",
        "bc_name": "Customer 10",
        "dv_name": "Customer 10",
        "field": "currency",
        "bc_value": "USD",
        "dv_value": "GBP",
        "message": "Customer Customer 10 has the currency USD in Business Central and GBP in Sales.",
        "fix": "Set the currency of the account in Sales to the one of the customer.",
        "owner": "finance",
    }


def test_values_are_texts_without_idle_zeros():
    it = clean_company()
    it.change("currency", "dv", "d-USD", rate=Decimal("20"))
    it.change("item", "bc", "i1000", unit_price=Decimal("-7.50"))
    values = {r["check"]: (r["bc_value"], r["dv_value"]) for r in records(run(it).frame)}
    assert values == {"currencies/rate_matches": ("1.1", "20"), "items/price_not_negative": ("-7.5", "12.5")}


def test_a_record_that_is_nowhere_is_named_by_its_id():
    it = clean_company()
    it.delete("contact", "dv", "q10")
    (finding,) = records(run(it, "setup").frame)
    assert (finding["kind"], finding["bc_name"], finding["dv_name"]) == ("contact", "Contact 10", None)
    assert "q10 was not found in Sales" in finding["message"]


def test_each_long_text_of_a_record_is_a_finding_of_its_own():
    it = clean_company()
    it.change("customer", "dv", "a10", city="x" * 31, phone="1" * 31)
    rows = records(run(it, "customers_vendors").frame)
    assert [(r["field"], r["dv_value"]) for r in rows] == [("city", "x" * 31), ("phone", "1" * 31)]
    assert rows[0]["message"].startswith("The city is longer than the 30 characters that Business Central holds")


def test_all_failing_records_are_named_not_only_the_first():
    it = clean_company()
    for number in range(300):
        add_customer(it, f"N{number}")
        it.change("customer", "bc", f"cN{number}", name=None, salesperson="s-NEW")
    names = [name for name, *_ in found(run(it, "customers_vendors"))]
    assert names.count("customers_vendors/name_filled") == 300
    assert names.count("customers_vendors/salesperson_coupled") == 300


def test_the_order_of_findings_is_always_the_same():
    it = clean_company()
    planted(it, DEFECTS)
    assert found(run(it)) == found(run(it))


def test_progress_is_told_suite_by_suite():
    it, told = clean_company(), []
    check.findings(it.snapshot, it.ledger, SHIPPED, suites=["units", "setup"], progress=lambda *now: told.append(now))
    assert told == [("Suites checked", 1, 2), ("Suites checked", 2, 2)]


# --- frames -----------------------------------------------------------------------------------------------


def frames_of(it: Company) -> check.CheckFrames:
    return check.CheckFrames(it.snapshot, it.ledger, default_catalogue())


def test_a_kind_frame_holds_pairs_and_lone_records_in_scope():
    it = clean_company()
    it.leave_out("customer", "dv", "a60", "inactive")
    it.leave_out("customer", "bc", "c20", "blocked")
    it.delete("customer", "dv", "a10")
    columns = ["bc_id", "dv_id", "coupled", "will_create", "travels", "bc_outside", "dv_missing", "bc_in_scope"]
    rows = frames_of(it)["customers"].select(columns).to_pylist()
    assert [tuple(r.values()) for r in rows] == [
        ("c10", "a10", True, "", True, None, True, True),
        ("c20", "a20", True, "", True, "blocked", False, False),
        ("c40", None, False, "dv", True, None, False, True),
        (None, "a50", False, "bc", True, None, False, False),
    ]


def test_references_tell_whether_they_reach_the_other_side_and_agree():
    it = clean_company()
    it.change("customer", "dv", "a20", currency="d-GBP")
    it.change("customer", "bc", "c10", salesperson=None)
    names = ["bc_id", "bc_currency_coupled", "dv_currency_coupled", "currency_agree", "bc_salesperson_coupled"]
    rows = [tuple(r.values()) for r in frames_of(it)["customers"].select(names).to_pylist()]
    assert rows == [
        ("c10", True, True, True, None),
        ("c20", True, True, False, True),
        ("c40", True, None, None, True),
        (None, None, True, None, None),
        (None, None, True, None, None),
    ]


def test_every_frame_has_its_columns_also_without_rows():
    frames = check.CheckFrames(Company().snapshot, Company().ledger, default_catalogue())
    assert {n: len(frames[n]) for n in frames} == {n: 1 if n == "setup" else 0 for n in frames}
    full = frames_of(clean_company())
    assert all(frames[n].schema == full[n].schema for n in frames)


def test_blank_texts_are_null_in_frames():
    it = clean_company()
    it.change("customer", "bc", "c10", city="", county=" \t")
    row = frames_of(it)["customers"].slice(0, 1).to_pylist()[0]
    assert (row["bc_city"], row["bc_county"], row["bc_phone"]) == (None, None, None)


def test_the_real_ledger_serves_as_well(tmp_path):
    from d365kit.ledger import Ledger
    from d365kit.nouns import Pair

    it = clean_company()
    # The ledger itself refuses to couple a record twice.
    wanted = planted(it, [d for d in DEFECTS if not d.check.endswith("_coupled_once")])
    at = datetime(2026, 1, 5, tzinfo=UTC)
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        for kind, pairs in it.pairs.items():
            ledger.confirm(kind, [Pair(*p) for p in pairs], by="me", at=at)
        for kind, pairs in it.new.items():
            ledger.create(kind, [Pair(*p) for p in pairs], by="me", at=at)
        findings = check.findings(it.snapshot, ledger, SHIPPED)
        assert findings.ledger_position == ledger.position
    assert sorted(found(findings), key=str) == sorted(wanted, key=str)


# --- guards -----------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A workspace's own copy of the shipped folder."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "expectations"))


def edit(folder: Path, suite: str, change: Callable[[dict], object]) -> None:
    path = folder / "suites" / f"{suite}.json"
    raw = json.loads(path.read_text("utf-8"))
    change(raw)
    path.write_text(json.dumps(raw), "utf-8")


def first(folder: Path, suite: str, **values: object) -> None:
    """Change the first expectation of a suite; a dictionary is laid over the one that is there."""

    def change(raw: dict) -> None:
        one = raw["expectations"][0]
        for key, value in values.items():
            one[key] = one[key] | value if isinstance(value, dict) else value

    edit(folder, suite, change)


def refused(folder: Path, *suites: str, it: Company | None = None) -> str:
    with pytest.raises(SuiteError) as problem:
        run(it or clean_company(), *suites, expectations=folder)
    return str(problem.value)


def test_a_misspelt_expectation_is_refused_and_not_dropped(own):
    first(own, "salespeople", type="expect_column_values_to_be_nul")
    message = refused(own, "salespeople")
    assert "user_enabled" in message
    assert "expect_column_values_to_be_nul" in message


def test_a_misspelt_argument_is_refused(own):
    first(own, "salespeople", kwargs={"colum": "x"})
    assert "salespeople/user_enabled" in refused(own, "salespeople")


def test_an_unknown_frame_is_refused(own):
    first(own, "salespeople", meta={"frame": "people"})
    message = refused(own, "salespeople")
    assert "“people”" in message
    assert "salespeople" in message


def test_an_unknown_column_of_a_core_expectation_is_refused(own):
    first(own, "salespeople", kwargs={"column": "dv_oustide"})
    assert "“dv_oustide”" in refused(own, "salespeople")


def test_an_unknown_column_in_a_row_condition_is_refused(own):
    first(own, "salespeople", kwargs={"row_condition": "cuopled and not dv_missing"})
    assert "“cuopled”" in refused(own, "salespeople")


@pytest.mark.parametrize("condition", ["coupled and", 'col("coupled") == True'])
def test_a_row_condition_that_cannot_be_followed_is_refused(own, condition):
    parser = "pandas" if "and" in condition else "great_expectations"
    first(own, "salespeople", kwargs={"row_condition": condition, "condition_parser": parser})
    assert "row_condition of salespeople/user_enabled" in refused(own, "salespeople")


NO_IDS = "SELECT bc_id FROM population"
QUERIES = {
    "SELECT bc_id, dv_id FROM nowhere": "nowhere",
    "SELECT bc_id, dv_id, bc_nmae FROM population": "bc_nmae",
    "SELEC bc_id, dv_id FROM population": "cannot run",
    "SELECT bc_id, dv_id FROM population; SELECT 1": "cannot run",
    "DROP VIEW population": "cannot run",
    "SELECT bc_id, dv_id FROM read_csv('/etc/passwd')": "cannot run",
    NO_IDS: "returns no dv_id",
    "SELECT bc_id, dv_id, 1 AS spare FROM population": "“spare”",
    " ": "has no query",
}


@pytest.mark.parametrize("query", QUERIES)
def test_sql_that_cannot_be_trusted_is_refused_by_name(own, query):
    first(own, "currencies", kwargs={"query": query})
    message = refused(own, "currencies")
    assert "currencies/rate_defined" in message
    assert QUERIES[query] in message


def test_sql_that_fails_on_the_data_could_not_run_and_has_not_failed(own):
    query = "SELECT bc_id, dv_id, CAST(bc_name AS INTEGER) AS bc_value FROM population"
    first(own, "currencies", kwargs={"query": query})
    message = refused(own, "currencies")
    assert "currencies/rate_defined could not run" in message
    assert "neither passed nor failed" in message


def test_a_core_expectation_that_raises_could_not_run(own):
    first(own, "salespeople", type="expect_column_values_to_match_regex", kwargs={"column": "bc_name", "regex": "("})
    assert "salespeople/user_enabled could not run" in refused(own, "salespeople")


def test_a_core_type_whose_records_cannot_be_named_is_refused(own):
    type_, kwargs = "expect_compound_columns_to_be_unique", {"column_list": ["bc_name", "dv_name"]}
    edit(own, "salespeople", lambda raw: raw["expectations"][0].update(type=type_, kwargs=kwargs))
    assert "whose failing records cannot be named" in refused(own, "salespeople")


def test_a_count_that_differs_from_the_librarys_is_refused(own, monkeypatch):
    from d365kit.check import core

    it = clean_company()
    planted(it, [d for d in DEFECTS if d.check == "salespeople/user_enabled"])
    masks = core.MASKS | {"expect_column_values_to_be_null": lambda frame, _: frame["coupled"] & False}
    monkeypatch.setattr(core, "MASKS", masks)
    message = refused(own, "salespeople", it=it)
    assert "Great Expectations counts 1 failing records, d365kit 0" in message


def test_an_empty_suite_is_refused(own):
    edit(own, "units", lambda raw: raw.update(expectations=[]))
    assert "units.json has no expectations" in refused(own)


def test_broken_json_is_refused_by_file(own):
    (own / "suites" / "units.json").write_text('{"name": "units", ', "utf-8")
    assert "units.json cannot be read as JSON" in refused(own)


def test_a_file_that_holds_no_suite_is_refused(own):
    (own / "suites" / "units.json").write_text("[]", "utf-8")
    assert "units.json is not a JSON object" in refused(own)


def test_an_unknown_suite_is_refused_with_the_list_of_suites():
    message = refused(SHIPPED, "unit")
    assert "“unit”" in message
    assert "setup, salespeople, currencies, option_sets, units, customers_vendors, contacts, items" in message


def test_a_folder_without_suites_is_refused(tmp_path):
    assert str(tmp_path / "suites") in refused(tmp_path)


def test_a_suite_must_be_called_like_its_file(own):
    edit(own, "units", lambda raw: raw.update(name="unit"))
    assert "calls itself “unit”" in refused(own)


def test_two_checks_of_one_name_are_refused(own):
    edit(own, "units", lambda raw: raw["expectations"].append(raw["expectations"][0]))
    assert "two checks called “group_active”" in refused(own)


@pytest.mark.parametrize("key", ["check", "fix", "owner", "frame"])
def test_a_check_must_say_what_it_is_and_what_to_do(own, key):
    first(own, "units", meta={key: ""})
    assert f"meta “{key}”" in refused(own)


@pytest.mark.parametrize("severity", [None, "bad"])
def test_a_check_must_have_a_severity_we_know(own, severity):
    first(own, "units", severity=severity)
    assert "critical, warning, info" in refused(own)


def test_a_check_without_description_or_of_an_unknown_kind_is_refused(own):
    first(own, "units", meta={"kind": "unti"})
    assert "unknown kind “unti”" in refused(own)
    first(own, "units", description="")
    assert "“description”" in refused(own)


@pytest.mark.parametrize(("message", "wrong"), [("{bc_nam} is", "“bc_nam”"), ("{bc_name is", "cannot be read")])
def test_a_message_names_only_what_its_rows_have(own, message, wrong):
    first(own, "units", meta={"message": message})
    assert wrong in refused(own)


# --- nothing to check ----------------------------------------------------------------------------------------


def test_an_empty_frame_has_nothing_to_check_and_has_not_passed():
    findings = run(Company(facts={"local_currency": "EUR", "base_currency": "EUR"}))
    states = findings.coverage.set_index("check")["state"]
    assert set(states.drop(["setup/local_currency_known", "setup/base_currency_known"])) == {"nothing to check"}
    assert found(findings) == []


def test_a_rule_about_no_record_has_nothing_to_check():
    it = clean_company()
    it.pairs["item"], it.new["item"] = [], []
    states = run(it, "items").coverage.set_index("check")["state"]
    assert states["items/unit_coupled"] == "nothing to check"
    assert states["items/not_blocked"] == "nothing to check"
    assert states["items/name_filled"] == "passed"


def test_a_field_that_could_not_be_asked_is_neither_right_nor_wrong():
    it = clean_company()
    it.unread = {"resource": ("unit",), "customer": ("primary_contact", "fax")}
    for n in ("700", "701"):
        changed("resource", "bc", unit=None, unit_label="")(it, n)
    changed("customer", "bc", primary_contact="p-LOST")(it, "702")
    findings = run(it, "items", "customers_vendors")
    assert found(findings) == []
    states = findings.coverage.set_index("check")["state"]
    silent = {"items/resource_base_unit_filled", "items/resource_unit_coupled", "items/resource_unit_same"}
    silent |= {"customers_vendors/primary_contact_coupled"}
    assert set(states[states == "could not be asked"].index) == silent
    assert states["items/unit_coupled"] == "passed"
    assert states["customers_vendors/vendor_primary_contact_coupled"] == "passed"
    assert str(findings).endswith("(4 had nothing to check, 4 could not be asked)")
    assert (findings.coverage.set_index("check").loc[list(silent), ["checked", "failed"]] == 0).all(axis=None)


def test_what_a_mode_leaves_out_has_nothing_to_check():
    teams = load_catalogue().in_modes({"ownership": "team"}, ("payment_terms", "vendor"))
    it = clean_company()
    it.change("contact", "bc", "p20", customer="c10")
    findings = check.findings(it.snapshot, it.ledger, SHIPPED, catalogue=teams)
    assert found(findings) == []
    states = findings.coverage.set_index("check")["state"]
    idle = set(states[states == "nothing to check"].index)
    assert idle > OTHER_MODES
    words = ("salesperson", "salespeople", "/vendor_", "payment_terms")
    assert idle - OTHER_MODES == {c for c in states.index if any(w in c for w in words)}


def test_with_unit_groups_the_base_unit_is_a_unit_of_the_item_itself():
    groups = load_catalogue().in_modes({"units": "unit_groups", "orders": "bidirectional"})
    it = clean_company()
    for kind, unit in (("item", "item_unit"), ("resource", "resource_unit")):
        it.add(unit, "bc", "1000|PCS", code="PCS")
        it.add(unit, "dv", "u-1000", code="PCS")
        it.pair(unit, "1000|PCS", "u-1000")
        for n, values in (("700", {"base_unit": "1000|PCS", "base_unit_label": "PCS"}), ("701", {}), ("702", {})):
            pair = COUPLED[kind](it, n)
            it.change(kind, "bc", pair[0], **values)
        it.change(kind, "bc", pair[0], base_unit="1000|BOX", base_unit_label="BOX")
    findings = check.findings(it.whole(groups), it.ledger, SHIPPED, suites=["items", "option_sets"], catalogue=groups)
    states = findings.coverage.set_index("check")["state"]
    assert {c for c in OTHER_MODES if states[c] == "failed"} == OTHER_MODES - {
        "option_sets/order_shipment_method_known"
    }
    assert states["items/unit_coupled"] == "nothing to check"
    rows = set(found(findings))
    assert ("items/own_base_unit_filled", "i701", "r701") in rows
    assert ("items/resource_own_base_unit_coupled", "h702", "t702") in rows
    assert not {r for r in rows if r[1] in ("i700", "h700")}


# --- the folder, and the library behind it ---------------------------------------------------------------------


def test_a_check_about_a_whole_table_is_one_finding_without_a_record(own):
    type_ = "expect_table_row_count_to_be_between"
    edit(own, "salespeople", lambda raw: raw["expectations"][0].update(type=type_, kwargs={"min_value": 99}))
    assert found(run(clean_company(), "salespeople", expectations=own)) == [("salespeople/user_enabled", None, None)]
    assert found(run(Company(), "salespeople", expectations=own)) == [("salespeople/user_enabled", None, None)]


def test_a_check_may_tolerate_some_failures(own):
    first(own, "items", kwargs={"mostly": 0.5})
    it = clean_company()
    item_without_unit(it, "700")
    findings = run(it, "items", expectations=own)
    assert found(findings) == []
    assert findings.coverage.set_index("check")["state"]["items/base_unit_filled"] == "passed"


CORE = {
    "expect_column_values_to_not_be_null": {"column": "bc_phone"},
    "expect_column_values_to_be_null": {"column": "bc_city"},
    "expect_column_values_to_be_in_set": {"column": "bc_name", "value_set": ["Customer 10"]},
    "expect_column_values_to_not_be_in_set": {"column": "bc_name", "value_set": ["Customer 10"]},
    "expect_column_values_to_be_between": {"column": "dv_relationship_type", "min_value": 3, "strict_min": True},
    "expect_column_value_lengths_to_be_between": {"column": "bc_name", "min_value": 1, "max_value": 5},
    "expect_column_value_lengths_to_equal": {"column": "bc_number", "value": 3},
    "expect_column_values_to_match_regex": {"column": "bc_name", "regex": "10$"},
    "expect_column_values_to_not_match_regex": {"column": "bc_name", "regex": "10$"},
    "expect_column_values_to_be_unique": {"column": "bc_city"},
    "expect_column_pair_values_to_be_equal": {"column_A": "bc_city", "column_B": "dv_email"},
}


@pytest.mark.parametrize("type_", CORE)
def test_core_expectations_name_their_records(own, type_):
    """The count is compared with the library's inside; a difference would be a SuiteError."""
    edit(own, "salespeople", lambda raw: raw["expectations"][0].update(type=type_, kwargs=CORE[type_]))
    first(own, "salespeople", meta={"frame": "customers", "kind": "customer"})
    it = clean_company()
    it.change("customer", "dv", "a20", email=None)
    rows = found(run(it, "salespeople", expectations=own))
    assert rows
    assert all(bc or dv for _, bc, dv in rows)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_stock_great_expectations_opens_the_folder_and_loads_every_expectation(own):
    import great_expectations as gx

    import d365kit.check.expectation  # noqa: F401

    before = {p: p.read_bytes() for p in own.rglob("*") if p.is_file()}
    context = gx.get_context(mode="file", context_root_dir=own)
    for suite in check.load_suites(own):
        loaded = context.suites.get(suite.name)
        assert [e.meta["check"] for e in loaded.expectations] == [c.name for c in suite.checks]
    assert {p: p.read_bytes() for p in before} == before
    assert context.progress_bars == {"globally": False}


def test_stock_great_expectations_runs_our_expectation_over_a_batch_alone():
    import great_expectations as gx

    from d365kit.check.expectation import ExpectNoViolations

    frame = frames_of(clean_company())["units"].to_pandas()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.add_pandas("x").add_dataframe_asset("y").add_batch_definition_whole_dataframe("z")
    rule = ExpectNoViolations(query="SELECT bc_id, dv_id FROM population WHERE NOT coupled", applies_to="travels")
    result = batch.get_batch({"dataframe": frame}).validate(rule)
    assert not result.success
    assert result.result["unexpected_count"] == 1
    assert result.result["partial_unexpected_index_list"] == [{"bc_id": "b-KG", "dv_id": None}]


@pytest.mark.filterwarnings("error")
def test_running_changes_no_file_and_says_nothing(own, capfd):
    logging.getLogger("great_expectations").setLevel(logging.NOTSET)
    before = {p: p.read_bytes() for p in own.rglob("*") if p.is_file()}
    it = clean_company()
    planted(it, DEFECTS)
    run(it, expectations=own)
    assert {p: p.read_bytes() for p in own.rglob("*") if p.is_file()} == before
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("great_expectations").level == logging.NOTSET


def test_an_open_context_stays_the_current_one():
    import great_expectations as gx
    from great_expectations.data_context.data_context.context_factory import project_manager

    mine = gx.get_context(mode="ephemeral")
    run(clean_company(), "units")
    assert project_manager.get_current_project() is mine


def test_importing_check_does_not_import_great_expectations():
    code = "import sys, d365kit.check; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
