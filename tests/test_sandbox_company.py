"""The demo company holds every kind on both sides: true pairs name rows that exist, agree and add up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.business_central.amounts import totals
from d365kit.sandbox.business_central.documents import KINDS
from d365kit.sandbox.company.sheets import joined_key
from d365kit.sandbox.dataverse.options import options_of
from d365kit.sandbox.dataverse.sales import DOCUMENTS, add_up
from d365kit.sandbox.schema import ZERO_GUID, company_schema, schema
from tests.conformance.conftest import wire_to

#: Kind → what holds its rows: a set or page of BC, a table of Dataverse or a column of choices.
KINDS_OF_COMPANY = {
    "currency": ("currencies", "transactioncurrency"),
    "payment_terms": ("paymentTerms", "account.paymenttermscode"),
    "shipment_method": ("shipmentMethods", "account.address1_freighttermscode"),
    "shipping_agent": ("ShippingAgents", "account.address1_shippingmethodcode"),
    "salesperson": ("salespeoplePurchasers", "systemuser"),
    "unit": ("unitsOfMeasure", "uomschedule"),
    "customer": ("customers", "account"),
    "vendor": ("vendors", "account"),
    "contact": ("contacts", "contact"),
    "item": ("items", "product"),
    "resource": ("ResourceCard", "product"),
    "price_group": ("CustomerPriceGroups", "pricelevel"),
    "sales_price": ("SalesPrices", "productpricelevel"),
    "price_list": ("SalesPriceList", "pricelevel"),
    "price": ("SalesPriceListLines", "productpricelevel"),
    "opportunity": ("opportunities", "opportunity"),
    "quote": ("salesQuotes", "quote"),
    "quote_line": ("salesQuoteLines", "quotedetail"),
    "sales_order": ("salesOrders", "salesorder"),
    "sales_order_line": ("salesOrderLines", "salesorderdetail"),
    "invoice": ("salesInvoices", "invoice"),
    "invoice_line": ("salesInvoiceLines", "invoicedetail"),
}
Row = dict[str, Any]


@pytest.fixture(scope="module", params=[(30, 1), (60, 2), (400, 3)], ids=str)
def company(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A clean company without dirt, of several sizes."""
    customers, seed = request.param
    with Sandbox.create(customers=customers, seed=seed, faults=(), dirt=0) as sandbox:
        yield sandbox


def rows(sandbox: Sandbox, sql: str, *values: object) -> list[Row]:
    cursor = sandbox.store.connection.execute(sql, values)
    names = [item[0] for item in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def bc_rows(sandbox: Sandbox, name: str, number: int = 1) -> dict[str, Row]:
    """The rows of a set or page by the id the kit gives them."""
    table = company_schema(number).table(name)
    found = rows(sandbox, f'SELECT * FROM "{table.sql}"')
    if not table.number:
        return {row["id"]: row for row in found}
    stored = [table.columns[key].stored for key in table.keys]
    return {joined_key(row[key] for key in stored): row for row in found}


def dv_rows(sandbox: Sandbox, place: str) -> dict[str, Row]:
    """The rows of a table by id, or the options of a column by their number."""
    entity, _, column = place.partition(".")
    table = schema("dv").entity(entity)
    if column:
        options = options_of(sandbox.store, table, table.columns[column])
        return {str(option.value): {"label": option.label} for option in options}
    return {row[table.key]: row for row in rows(sandbox, f'SELECT * FROM "{table.sql}"')}


def pairs(sandbox: Sandbox, kind: str) -> list[tuple[Row, Row]]:
    bc, dv = (read(sandbox, place) for read, place in zip((bc_rows, dv_rows), KINDS_OF_COMPANY[kind], strict=True))
    return [(bc.get(b, {"id": ZERO_GUID, "code": ""}), dv[d]) for k, b, d in sandbox.truth() if k == kind]


def number(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def test_every_kind_has_pairs_of_rows_that_exist_and_each_row_one_partner(company: Sandbox) -> None:
    found = company.truth()
    assert {kind for kind, _, _ in found} == set(KINDS_OF_COMPANY)
    for kind, (bc_name, dv_name) in KINDS_OF_COMPANY.items():
        mine = [(b, d) for k, b, d in found if k == kind]
        bc, dv = set(bc_rows(company, bc_name)) | {ZERO_GUID}, set(dv_rows(company, dv_name))
        assert {b for b, _ in mine} <= bc, kind
        assert {d for _, d in mine} <= dv, kind
        assert len({b for b, _ in mine}) == len({d for _, d in mine}) == len(mine), kind


def test_some_records_of_most_kinds_are_on_one_side_only(company: Sandbox) -> None:
    found = company.truth()
    only: dict[str, set[str]] = {"bc": set(), "dv": set()}
    for kind, (bc_name, dv_name) in KINDS_OF_COMPANY.items():
        for side, place, rows_of in ((1, bc_name, bc_rows), (2, dv_name, dv_rows)):
            if set(rows_of(company, place)) - {line[side] for line in found if line[0] == kind}:
                only["bc" if side == 1 else "dv"].add(kind)
    kinds = {"payment_terms", "shipment_method", "shipping_agent", "resource", "price_group", "price_list", "invoice"}
    assert kinds | {"sales_price", "price", "quote", "sales_order"} <= only["bc"]
    assert {"vendor", "shipping_agent", "quote", "sales_order", "price_list"} <= only["dv"]


def test_codes_and_labels_mostly_equal_one_spelt_differently_one_missing(company: Sandbox) -> None:
    for kind, key in (("payment_terms", "code"), ("shipment_method", "code"), ("shipping_agent", "Code")):
        bc_name, place = KINDS_OF_COMPANY[kind]
        codes = [(bc[key], dv["label"].upper()) for bc, dv in pairs(company, kind)]
        assert sum(code != label for code, label in codes) == 1, kind
        paired = {code for code, _ in codes}
        assert len({row[key] for row in bc_rows(company, bc_name).values()} - paired) == 1, kind
        assert len(dv_rows(company, place)) >= len(codes)


@pytest.mark.parametrize(("kind", "account_type"), [("customer", 3), ("vendor", 11)])
def test_partners_use_the_same_codes_on_both_sides(company: Sandbox, kind: str, account_type: int) -> None:
    terms = {b: int(d) for k, b, d in company.truth() if k == "payment_terms"}
    methods = {b: int(d) for k, b, d in company.truth() if k == "shipment_method"}
    agents = {b: int(d) for k, b, d in company.truth() if k == "shipping_agent"}
    ids = {row["code"]: key for key, row in bc_rows(company, "shipmentMethods").items()} | {"": ZERO_GUID}
    used = set()
    for bc, dv in pairs(company, kind):
        method = bc["shipmentMethodId"] if kind == "customer" else ids[bc["Shipment_Method_Code"]]
        assert dv["customertypecode"] == account_type
        assert dv["paymenttermscode"] == terms[bc["paymentTermsId"]]
        assert dv["address1_freighttermscode"] == methods.get(method)
        if kind == "customer":
            assert dv["address1_shippingmethodcode"] == agents.get(bc["Shipping_Agent_Code"])
        assert (dv["fax"] or "", dv["telephone2"] or "") == (bc["Fax_No"], bc["MobilePhoneNo"])
        used.add(dv["address1_freighttermscode"])
    assert len(used - {None}) >= 2


def test_people_of_vendors_and_primary_contacts_belong_to_their_partners(company: Sandbox) -> None:
    people = {b: d for k, b, d in company.truth() if k == "contact"}
    contacts, links = bc_rows(company, "contacts"), rows(company, "SELECT * FROM bc_contactsInformation")
    related = {link["contactNumber"]: (link["relatedType"], link["relatedId"]) for link in links}
    accounts = {b: d for k, b, d in company.truth() if k in ("customer", "vendor")}
    dv = dv_rows(company, "contact")
    kinds = set()
    for bc_id, dv_id in people.items():
        kind, partner = related[contacts[bc_id]["companyNumber"]]
        assert dv[dv_id]["_parentcustomerid_value"] == accounts[partner]
        assert contacts[bc_id]["contactBusinessRelation"] == kind
        kinds.add(kind)
    assert kinds == {"Customer", "Vendor"}
    by_number = {row["number"]: key for key, row in contacts.items()}
    primary = 0
    for kind in ("customer", "vendor"):
        for bc, account in pairs(company, kind):
            chosen = by_number.get(bc["Primary_Contact_No"])
            assert account["_primarycontactid_value"] == (people[chosen] if chosen else None)
            primary += chosen is not None
    assert primary > 3


def test_prices_agree_with_their_lists_products_and_currencies(company: Sandbox) -> None:
    products = {b: d for k, b, d in company.truth() if k in ("item", "resource")}
    items = {row["number"]: key for key, row in bc_rows(company, "items").items()}
    levels = {b: d for k, b, d in company.truth() if k in ("price_group", "price_list")}
    currencies = {row["isocurrencycode"]: key for key, row in dv_rows(company, "transactioncurrency").items()}
    product_rows, level_rows = dv_rows(company, "product"), dv_rows(company, "pricelevel")
    cases = (
        ("sales_price", "Item_No", "Sales_Code", "Currency_Code"),
        ("price", "Asset_No", "Price_List_Code", "CurrencyCode"),
    )
    for kind, good, group, currency in cases:
        for bc, dv in pairs(company, kind):
            product = product_rows[products.get(bc[good]) or products[items[bc[good]]]]
            assert dv["_productid_value"] == product["productid"]
            assert (dv["_uomid_value"], dv["productnumber"]) == (
                product["_defaultuomid_value"],
                product["productnumber"],
            )
            assert dv["_pricelevelid_value"] == levels[bc[group]]
            level = level_rows[dv["_pricelevelid_value"]]
            assert level["_transactioncurrencyid_value"] == currencies[bc[currency] or "EUR"]
            assert dv["_transactioncurrencyid_value"] == level["_transactioncurrencyid_value"]
            assert number(dv["amount"]) == number(bc["Unit_Price"]) > 0
            assert abs(number(dv["amount_base"]) * number(dv["exchangerate"]) - number(dv["amount"])) < Decimal("0.1")
    states = {row["Code"]: row["Status"] for row in bc_rows(company, "SalesPriceList").values()}
    assert set(states.values()) == {"Active", "Inactive", "Draft"}
    for bc, dv in pairs(company, "price_list"):
        assert dv["statecode"] == (0 if bc["Status"] == "Active" else 1)
    uncoupled = {row["CurrencyCode"] for row in bc_rows(company, "SalesPriceList").values()} - set(currencies) - {""}
    assert uncoupled == {"HUF"}
    lines = list(bc_rows(company, "SalesPriceListLines").values())
    assert {line["Asset_Type"] for line in lines} == {"Item", "Resource"}
    assert any(number(line["Minimum_Quantity"]) for line in lines)
    groups = {code for (code,) in company.store.query("SELECT DISTINCT Customer_Price_Group FROM bc_customers")}
    assert "" in groups
    assert groups <= set(bc_rows(company, "CustomerPriceGroups")) | {""}
    assert len(groups) > 2


def test_dirt_drifts_a_few_prices() -> None:
    with Sandbox.create(customers=400, faults=()) as sandbox:
        for kind in ("sales_price", "price"):
            amounts = [(bc["Unit_Price"], dv["amount"]) for bc, dv in pairs(sandbox, kind)]
            drifted = sum(number(bc) != number(dv) for bc, dv in amounts)
            assert 0 < drifted < 0.3 * len(amounts)


def test_resources_are_services_and_units_have_a_base(company: Sandbox) -> None:
    for bc, dv in pairs(company, "resource"):
        assert (dv["producttypecode"], dv["productnumber"]) == (3, bc["No"])
        assert (number(dv["price"]), number(dv["currentcost"])) == (number(bc["Unit_Price"]), number(bc["Unit_Cost"]))
    assert len(bc_rows(company, "ResourceCard")) >= 8
    units = bc_rows(company, "ResourceUnitsOfMeasure") | bc_rows(company, "ItemUnitsOfMeasure")
    sizes = sorted({number(row["Qty_per_Unit_of_Measure"]) for row in units.values()})
    assert sizes == [1, 8, 12]
    for good in [*bc_rows(company, "ResourceCard").values()]:
        assert number(units[f"{good['No']}|{good['Base_Unit_of_Measure']}"]["Qty_per_Unit_of_Measure"]) == 1
    for item in bc_rows(company, "items").values():
        assert number(units[f"{item['number']}|{item['baseUnitOfMeasureCode']}"]["Qty_per_Unit_of_Measure"]) == 1


def test_item_cards_and_products_say_the_same(company: Sandbox) -> None:
    names = {row["number"]: row["displayName"] for row in bc_rows(company, "vendors").values()}
    supplied = 0
    for bc, dv in pairs(company, "item"):
        assert (dv["vendorid"] or "") == names.get(bc["Vendor_No"], "")
        assert (dv["vendorpartnumber"] or "") == bc["Vendor_Item_No"]
        assert number(dv["stockweight"]) == number(bc["Gross_Weight"])
        assert number(dv["stockvolume"]) == number(bc["Unit_Volume"])
        supplied += bool(dv["vendorid"])
    assert supplied > 3


@pytest.mark.parametrize("name", ["salesQuotes", "salesOrders", "salesInvoices"])
def test_documents_of_business_central_add_up_by_its_own_arithmetic(company: Sandbox, name: str) -> None:
    lines = list(bc_rows(company, KINDS[name].lines).values())
    for key, header in bc_rows(company, name).items():
        mine = sorted((line for line in lines if line["documentId"] == key), key=lambda line: line["sequence"])
        sums, amounts = totals(header, mine)
        assert mine
        assert {column: number(header[column]) for column in sums} == {k: number(v) for k, v in sums.items()}
        for line, values in zip(mine, amounts, strict=True):
            assert {c: number(line[c]) for c in values if c in line} == {
                c: number(v) for c, v in values.items() if c in line
            }
    assert len(lines) == sum(1 for line in lines if line["documentId"] in bc_rows(company, name))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.header)
def test_documents_of_dataverse_add_up_by_its_own_arithmetic(company: Sandbox, document: Any) -> None:
    headers = dv_rows(company, document.header)
    for key, before in headers.items():
        add_up(company.store, document, key)
        after = dv_rows(company, document.header)[key]
        money = [name for name in before if name.startswith("total")] + ["exchangerate", "pricingerrorcode"]
        assert {n: number(before[n]) for n in money} == {n: number(after[n]) for n in money}
    for line in dv_rows(company, document.line).values():
        base = number(line["priceperunit"]) * number(line["quantity"])
        assert number(line["baseamount"]) == base
        assert number(line["extendedamount"]) == base + number(line["tax"])


@pytest.mark.parametrize(
    ("kind", "line"), [("quote", "quote_line"), ("sales_order", "sales_order_line"), ("invoice", "invoice_line")]
)
def test_pairs_of_documents_have_equal_amounts_customers_and_lines(company: Sandbox, kind: str, line: str) -> None:
    customers = {b: d for k, b, d in company.truth() if k == "customer"}
    documents = {b: d for k, b, d in company.truth() if k == kind}
    levels = [level for _, level in pairs(company, "price_list") if level["statecode"] == 0]
    lists = {level["_transactioncurrencyid_value"]: level["pricelevelid"] for level in levels}
    for bc, dv in pairs(company, kind):
        assert dv["_customerid_value"] == customers[bc["customerId"]]
        assert number(dv["totalamountlessfreight"]) == number(bc["totalAmountExcludingTax"])
        assert number(dv["totalamount"]) == number(bc["totalAmountIncludingTax"])
        assert (dv["shipto_name"], dv["billto_city"]) == (bc["shipToName"], bc["billToCity"])
        assert dv["name"] == bc["externalDocumentNumber"]
        assert dv["_bcbi_companyid_value"]
        assert dv["_pricelevelid_value"] == lists.get(dv["_transactioncurrencyid_value"])
    for bc, dv in pairs(company, line):
        entity = KINDS_OF_COMPANY[kind][1]
        assert dv[f"_{entity}id_value"] == documents[bc["documentId"]]
        assert number(dv["quantity"]) == number(bc["quantity"])
        assert number(dv["priceperunit"]) == number(bc["unitPrice"])


def test_orders_and_invoices_are_in_the_states_that_matter(company: Sandbox) -> None:
    orders = pairs(company, "sales_order")
    assert all(dv["statecode"] == 1 and bc["status"] == "Open" for bc, dv in orders)
    assert {bc["fullyShipped"] for bc, _ in orders} == {0, 1}, "one is shipped, and Sales does not know"
    assert all(dv["bcbi_businesscentralordernumber"] == bc["number"] for bc, dv in orders)
    assert all(bc["Your_Reference"] == dv["ordernumber"] for bc, dv in orders)
    paired = {dv["salesorderid"] for _, dv in orders}
    waiting = [dv for key, dv in dv_rows(company, "salesorder").items() if key not in paired and dv["statecode"] == 1]
    assert waiting
    assert not any(dv["bcbi_businesscentralordernumber"] for dv in waiting)
    invoices = pairs(company, "invoice")
    assert all(dv["invoicenumber"] == bc["number"] for bc, dv in invoices)
    states = {(bc["status"], dv["statecode"]) for bc, dv in invoices}
    assert {("Open", 0), ("Paid", 2), ("Paid", 0), ("Canceled", 3)} <= states
    for row in bc_rows(company, "salesInvoices").values():
        open_amount = row["totalAmountIncludingTax"] if row["status"] in ("Open", "Draft") else 0
        assert number(row["remainingAmount"]) == number(open_amount)


def test_a_tiny_company_has_none_of_all_this_and_numbers_go_on() -> None:
    with Sandbox.create(customers=29, faults=()) as sandbox:
        kinds = {kind for kind, _, _ in sandbox.truth()}
        assert kinds == {"currency", "unit", "salesperson", "customer", "contact", "item"}
        assert sandbox.rows("bc", "vendors") == sandbox.rows("dv", "salesorders") == 0


# -- the second company


@pytest.fixture(scope="module")
def two() -> Iterator[Sandbox]:
    with Sandbox.create(customers=60, faults=(), dirt=0) as sandbox:
        yield sandbox


def second(sandbox: Sandbox) -> str:
    first, other = sandbox.companies.items()
    assert first == (sandbox.company_name, sandbox.company_id)
    return other[1]


def test_the_second_company_has_pairs_of_its_own(two: Sandbox) -> None:
    found = two.truth(second(two))
    kinds = {kind for kind, _, _ in found}
    assert two.truth(two.company_id) == two.truth()
    modern = {"item_unit_group", "item_unit", "resource_unit_group", "resource_unit", "price_list", "price"}
    master = {"currency", "payment_terms", "shipment_method", "shipping_agent", "salesperson", "customer", "contact"}
    assert kinds == modern | master | {"item", "resource"}
    places = KINDS_OF_COMPANY | {
        "item_unit_group": ("items", "uomschedule"),
        "resource_unit_group": ("ResourceCard", "uomschedule"),
        "item_unit": ("ItemUnitsOfMeasure", "uom"),
        "resource_unit": ("ResourceUnitsOfMeasure", "uom"),
    }
    for kind in kinds:
        mine = [(b, d) for k, b, d in found if k == kind]
        rows_of = bc_rows(two, places[kind][0], 2)
        ids = {row["number"] for row in rows_of.values()} if kind == "item_unit_group" else set(rows_of)
        assert {b for b, _ in mine} <= ids | {ZERO_GUID}, kind
        assert {d for _, d in mine} <= set(dv_rows(two, places[kind][1])), kind
        assert len({b for b, _ in mine}) == len({d for _, d in mine}) == len(mine), kind
    shared = {(k, d) for k, _, d in found} & {(k, d) for k, _, d in two.truth()}
    assert {k for k, _ in shared} <= {"currency", "payment_terms", "shipment_method", "shipping_agent", "salesperson"}


def test_the_second_company_uses_unit_groups_named_after_their_goods(two: Sandbox) -> None:
    found = {(k, b): d for k, b, d in two.truth(second(two))}
    groups, units, products = (dv_rows(two, name) for name in ("uomschedule", "uom", "product"))
    items = {row["number"]: row for row in bc_rows(two, "items", 2).values()}
    bc_units = bc_rows(two, "ItemUnitsOfMeasure", 2) | bc_rows(two, "ResourceUnitsOfMeasure", 2)
    resources = bc_rows(two, "ResourceCard", 2)
    assert (len(items), len(resources)) == (12, 4)
    sizes = set()
    for (kind, key), dv_id in found.items():
        if kind.endswith("_unit_group"):
            word = kind.split("_")[0]
            assert groups[dv_id]["name"] == f"{word.upper()} {key} UOM GR"
            good = items[key]["id"] if word == "item" else key
            product = products[found[word, good]]
            assert product["_defaultuomscheduleid_value"] == dv_id
            base = units[product["_defaultuomid_value"]]
            assert (base["isschedulebaseuom"], base["quantity"], base["_uomscheduleid_value"]) == (1, 1, dv_id)
        elif kind.endswith("_unit"):
            size = bc_units[key]["Qty_per_Unit_of_Measure"]
            assert (units[dv_id]["name"], units[dv_id]["quantity"]) == (key.split("|")[1], size)
            assert bool(units[dv_id]["isschedulebaseuom"]) == (size == 1)
            sizes.add(size)
    assert sizes == {1, 8, 12}


def test_rows_of_the_second_company_name_it_and_clash_only_where_meant(two: Sandbox) -> None:
    companies = {row["bcbi_externalid"]: key for key, row in dv_rows(two, "bcbi_company").items()}
    own, other = companies[two.company_id], companies[second(two)]
    tables = {
        "customer": "account",
        "contact": "contact",
        "item": "product",
        "resource": "product",
        "price_list": "pricelevel",
    }
    for kind, entity in tables.items():
        held = dv_rows(two, entity)
        assert all(held[d]["_bcbi_companyid_value"] == other for k, _, d in two.truth(second(two)) if k == kind), kind
        assert not any(held[d]["_bcbi_companyid_value"] == other for k, _, d in two.truth() if k == kind), kind
    accounts = [row["accountnumber"] for row in dv_rows(two, "account").values() if row["accountnumber"]]
    assert len(accounts) == len(set(accounts))
    names = [{row["displayName"] for row in bc_rows(two, "customers", place).values()} for place in (1, 2)]
    assert len(names[0] & names[1]) == 2
    numbers = [row["productnumber"].lower() for row in dv_rows(two, "product").values()]
    assert len(numbers) == len(set(numbers))
    lists = [row["name"] for row in dv_rows(two, "pricelevel").values()]
    assert len(lists) == len(set(lists))
    for place in (1, 2):
        goods = {row["number"] for row in bc_rows(two, "items", place).values()}
        assert not goods & {row["number"] for row in bc_rows(two, "items", 3 - place).values()}
    assert own != other


def test_the_second_companys_rows_are_its_own_over_http(two: Sandbox) -> None:
    client = wire_to(two, "bc")
    for name, path in (("customers", 30), ("items", 12), ("salespeoplePurchasers", 3)):
        answer = client.get(f"companies({second(two)})/{name}?$select=id")
        assert len(answer.json()["value"]) == path
