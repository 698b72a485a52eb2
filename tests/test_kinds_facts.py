"""The catalogue against Microsoft's mappings: every table and field of the facts is there, or has a reason."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from d365kit.kinds import Catalogue, Field, Kind, load_catalogue
from d365kit.pull.requests import read_as

DATA = Path(__file__).parent / "data" / "domain"
CATALOGUE: Catalogue = load_catalogue()
Row = dict[str, str]

#: The kinds of each mapping of tables.csv.
KINDS = {
    "SALESPEOPLE": ["salesperson"],
    "CURRENCY": ["currency"],
    "PAYMENT TERMS": ["payment_terms"],
    "SHIPMENT METHOD": ["shipment_method"],
    "SHIPPING AGENT": ["shipping_agent"],
    "UNIT OF MEASURE": ["unit"],
    "UNIT GROUP": ["item_unit_group", "resource_unit_group"],
    "ITEM UOM": ["item_unit"],
    "RESOURCE UOM": ["resource_unit"],
    "CUSTOMER": ["customer"],
    "VENDOR": ["vendor"],
    "CONTACT": ["contact"],
    "ITEM-PRODUCT": ["item"],
    "RESOURCE-PRODUCT": ["resource"],
    "CUSTPRCGRP-PRICE": ["price_group"],
    "SALESPRC-PRODPRICE": ["sales_price"],
    "PLHEADER-PRICE": ["price_list"],
    "PLLINE-PRODPRICE": ["price"],
    "OPPORTUNITY": ["opportunity"],
    "SALESORDER-ORDER (legacy)": ["sales_order"],
    "SALESORDER-ORDER (bidirectional)": ["sales_order"],
    "SOLINE-ORDERDETAIL": ["sales_order_line"],
    "POSTEDSALESINV-INV": ["invoice"],
    "POSTEDSALESLINE-INV": ["invoice_line"],
    "(sales quote routine)": ["quote"],
    "(sales quote line routine)": ["quote_line"],
}

#: Routines of tables.csv that hold no records to couple, with what stands for them.
NO_KIND = {
    "(order notes routine)": "notes travel with their order; they are no records of their own",
    "(order/account posts routine)": "posts on a timeline are written, never compared",
    "(account statistics routine)": "figures of a customer, written to a table that BC keeps by itself",
    "(item availability routine)": "the field inventory of the kind item",
    "(primary contact fix-up)": "the field primary_contact of the kinds customer and vendor",
    "(price list by currency routine)": "price lists that BC makes by itself for invoices and orders",
    "(company row)": "one row, made by BC's setup; the kit reads it as the company of a workspace",
    "(cases factbox)": "read only, and no data of BC",
    "(virtual tables)": "another way to the same records",
}

#: (mapping, BC field, Dataverse column) of fields.csv that the catalogue has in another way, and why.
OTHERWISE = {
    ("CONTACT", "Type", ""): "the filter of the kind, and a constant of new BC contacts",
    ("SALESORDER-ORDER (legacy)", "No.", "ordernumber"): "the order's own number is its key in Dataverse",
    ("SALESORDER-ORDER (bidirectional)", "Document Type", ""): "the API set holds orders alone",
    ("SOLINE-ORDERDETAIL", "Document Type", ""): "the API set holds lines of orders alone",
    ("CURRENCY", "Description", "currencyname"): "the same, read from displayName",
    ("CUSTOMER", "Shipping Agent Code", "address1_shippingmethodcode"): "on the card alone",
    ("CUSTOMER", "No.", "accountnumber"): "on in the kit: the number is what couples them safely next time",
    ("VENDOR", "No.", "accountnumber"): "on in the kit: the number is what couples them safely next time",
    ("UNIT GROUP", "Source No.", "name"): "made of the number by a habit",
    ("UNIT GROUP", "Source No.", "baseuomname"): "made of the number by a habit",
    ("ITEM-PRODUCT", "Vendor No.", "vendorid"): "a product holds the vendor's name, found by a habit (J16)",
    ("PLLINE-PRODPRICE", "Price List Code", "pricelevelid"): "not shown on the page, but part of its key",
    ("RESOURCE-PRODUCT", "Base Unit of Measure", "defaultuomid"): "in the mode of unit groups",
}
#: Constants that a bind implies: the Web API takes the type of an owner or parent from what is bound.
IMPLIED = {"owneridtype", "parentcustomeridtype", "customeridtype"}
DIRECTIONS = {"to Dataverse": "to_dv", "from Dataverse": "to_bc", "bidirectional": "both"}
#: Lengths of the BC side that differ, and why.
OTHER_LENGTH = {"websiteurl": (80, "the table holds 255 characters, the API takes 80")}
#: Directions that differ, and why.
OTHER_DIRECTION = {
    ("SHIPMENT METHOD", "address1_freighttermscode"): "as in the current setup, which turns it to Dataverse",
    ("SHIPPING AGENT", "address1_shippingmethodcode"): "as in the current setup, which turns it to Dataverse",
}


def rows_of(name: str) -> list[Row]:
    with (DATA / name).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        r for r in rows if not (r.get("group") == "field service" or "Field Service" in r.get("applies_when", ""))
    ]


TABLES = rows_of("tables.csv")
FIELDS = rows_of("fields.csv")


def test_the_facts_are_all_there() -> None:
    assert len(TABLES) > 30
    assert len(FIELDS) > 220


@pytest.mark.parametrize("row", TABLES, ids=lambda r: r["mapping"])
def test_every_mapping_is_a_kind_or_has_a_reason(row: Row) -> None:
    if row["mapping"] in NO_KIND:
        assert row["mapping"] not in KINDS
        return
    for name in KINDS[row["mapping"]]:
        kind = CATALOGUE[name]
        if not row["mapping"].startswith("("):
            assert row["mapping"].startswith(kind.mapping)
        _same_places(kind, row)
        if row["default_direction"] in DIRECTIONS and not kind.in_mode:
            assert kind.direction == DIRECTIONS[row["default_direction"]]
        if row["company_column"] == "bcbi_companyid" and not name.startswith("invoice"):
            assert kind.dv.constants.get("bcbi_companyid@odata.bind") == "{company}"
        if "this company" in row["dataverse_filter"]:
            assert any(c["field"] == "company" for c in kind.dv.scope)


def _same_places(kind: Kind, row: Row) -> None:
    api = row["bc_api_v2_entity_set"].split(" ")[0].strip("()")
    if api == "none":
        numbers = {int(n.split(" ")[0]) for n in row["bc_odata_page_to_publish"].split(" / ")}
        assert kind.bc.page in numbers
        assert kind.bc.set.startswith("ODataV4/")
    else:
        assert kind.bc.set.rpartition("/")[2] == api
    if row["entity_set"].startswith("EntityDefinitions"):
        column = row["entity_set"].split("'")[3]
        assert kind.dv.set == f"options/account.{column}"
    else:
        assert kind.dv.set == row["entity_set"]
        assert kind.dv.table == row["dataverse_table"]
        assert kind.dv.id == row["primary_id_attribute"]


@pytest.mark.parametrize("row", FIELDS, ids=lambda r: f"{r['mapping']}-{r['seq']}")
def test_every_field_is_in_the_catalogue_or_has_a_reason(row: Row) -> None:
    key = (row["mapping"], row["bc_field"], row["dataverse_attribute"])
    if key in OTHERWISE:
        return
    for name in KINDS[row["mapping"]]:
        kind = CATALOGUE[name]
        if row["transformation"] == "constant":
            column = row["dataverse_attribute"]
            assert column in IMPLIED or column in kind.dv.constants
            return
        found = [f for f in kind.fields if _column(kind, f) == row["dataverse_attribute"] and _names(f, row)]
        assert found, f"{name} has no field for {row['bc_field']} and {row['dataverse_attribute']}"
        _agrees(found[0], kind, row)


def _column(kind: Kind, field: Field) -> str:
    if kind.is_option and field.dv == "label":
        return kind.dv.set.rpartition(".")[2]
    return (field.dv_writes or field.dv).removesuffix("_account")


def _names(field: Field, row: Row) -> bool:
    """Whether the field is read in BC from where the facts say."""
    wanted = {row["bc_api_v2_property"].split(" ")[0], row["bc_odata_property"].split(" ")[0]} - {"none", "not"}
    held = {field.bc, field.bc_label, field.page} - {""}
    return bool(wanted & held) or field.out_of_reach or "bc" in field.derived


def _agrees(field: Field, kind: Kind, row: Row) -> None:
    place = (row["mapping"], row["dataverse_attribute"])
    if place not in OTHER_DIRECTION:
        mode = "legacy" if "legacy" in row["mapping"] else "bidirectional"
        way = CATALOGUE.in_modes({"orders": mode})[kind.name].direction if kind.in_mode else "both"
        held = way if field.direction == "both" else field.direction
        assert held == DIRECTIONS[row["direction"]]
    assert field.enabled == (row["enabled_by_default"] == "yes")
    if row["applies_when"] == "Person ownership only":
        assert field.when == {"ownership": "person"}
    if row["applies_when"].startswith("unit group mapping"):
        mode = "unit_groups" if row["applies_when"].endswith("on") else "one_per_group"
        assert field.when == {"units": mode}
    if row["clear_value_on_failed_sync"] == "yes":
        assert field.weak
    if "lookup" in row["transformation"]:
        assert field.type == "reference"
        assert {CATALOGUE[k].mapping for k in field.refers_to} <= _mappings(row["transformation"])
    elif "option mapping through" in row["transformation"]:
        assert field.type == "option"
    elif row["length_risk"]:
        longest = {s: _length(row[c]) for s, c in (("bc", "bc_type"), ("dv", "dataverse_type"))}
        longest["bc"] = OTHER_LENGTH.get(row["dataverse_attribute"], (longest["bc"], ""))[0]
        assert field.length == (longest["bc"], longest["dv"])


def _mappings(text: str) -> set[str]:
    found = {t["mapping"] for t in TABLES if t["mapping"] in text}
    return found | ({"SALESPEOPLE"} if "SALESPEOPLE" in text else set())


def _length(text: str) -> int:
    return int(text.partition("[")[2].partition("]")[0] or 0)


def test_reasons_speak_of_facts_that_exist() -> None:
    assert set(NO_KIND) | set(KINDS) == {t["mapping"] for t in TABLES}
    keys = {(r["mapping"], r["bc_field"], r["dataverse_attribute"]) for r in FIELDS}
    assert set(OTHERWISE) <= keys


def test_what_nobody_can_read_is_named_and_small() -> None:
    lost = {f"{k.name}.{f.name}" for k in CATALOGUE for f in k.fields if f.out_of_reach}
    assert lost == {
        "vendor.shipping_agent", "contact.given_name", "contact.middle_name", "contact.surname", "contact.pager",
        "resource.vendor", "resource.capacity", "opportunity.probability", "sales_order.last_shipment_date",
        "sales_order.work_description", "sales_order_line.requested_delivery_date", "invoice.work_description",
    }  # fmt: skip


def test_every_dependency_of_the_facts_is_a_prerequisite() -> None:
    for row in TABLES:
        for name in KINDS.get(row["mapping"], ()):
            if row["mapping"].startswith("("):
                continue
            held = _all_before(name)
            for mapping in ("SALESPEOPLE", "CURRENCY", "PAYMENT TERMS", "SHIPMENT METHOD", "SHIPPING AGENT",
                            "CUSTOMER", "VENDOR", "CONTACT", "OPPORTUNITY"):  # fmt: skip
                if mapping in [d.split(" (")[0].strip() for d in row["depends_on"].split(";")]:
                    assert KINDS[mapping][0] in held, (name, mapping)


def _all_before(name: str) -> set[str]:
    return {k.name for k in CATALOGUE.with_prerequisites((name,))} - {name}


def test_a_property_is_asked_for_once_a_field() -> None:
    for kind in CATALOGUE:
        names = [n for f in kind.fields if (n := read_as(f, "dv")) and f.direction != "none"]
        assert len(names) == len(set(names)), kind.name
