"""Conformance F: Business Central's ODataV4 web services, pages and codeunits (lines 111 to 121)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.schema import schema
from tests.conformance.business_central import UNKNOWN, first, made, message, order_of, row, rows
from tests.conformance.conftest import Wire, error_of

GROUPS = "CustomerPriceGroups"


@pytest.fixture
def pages(bc: Wire) -> Wire:
    """The ODataV4 service of the same sandbox."""
    assert bc.sandbox is not None
    return Wire(f"http://127.0.0.1{bc.sandbox.bc_odata_root}", bc.token, bc.company, bc.sandbox)


def at(pages: Wire, path: str) -> str:
    """A path inside the demo company, named as ODataV4 does."""
    assert pages.sandbox is not None
    return f"Company('{quote(pages.sandbox.company_name)}')/{path}"


def add(pages: Wire, path: str, **body: Any) -> dict[str, Any]:
    answer = pages("POST", at(pages, path), body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def values(pages: Wire, path: str) -> list[dict[str, Any]]:
    answer = pages.get(at(pages, path))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["value"])


def sandbox_of(pages: Wire) -> Sandbox:
    assert pages.sandbox is not None
    return pages.sandbox


def test_112_published_page(pages: Wire) -> None:
    add(pages, GROUPS, Code="retail", Description="Retail", Price_Includes_VAT=True)
    answer = pages.get(at(pages, GROUPS))
    assert answer.status_code == 200
    (found,) = answer.json()["value"]
    assert found["Code"] == "RETAIL"
    assert found["Price_Includes_VAT"] is True
    assert set(found) == {"@odata.etag", *schema("bc").pages[GROUPS].columns}
    assert answer.json()["@odata.context"] == f"{pages.root}/$metadata#{at(pages, GROUPS)}"
    assert answer.headers["content-type"] == "application/json; odata.metadata=minimal; odata.streaming=true"
    one = pages.get(at(pages, f"{GROUPS}('RETAIL')"))
    assert one.json()["Description"] == "Retail"
    assert pages.get(at(pages, f"{GROUPS}('retail')")).status_code == 200, "codes are upper-case"
    assert error_of(pages.get(at(pages, f"{GROUPS}('NONE')")))[0] == 404
    twice = pages("POST", at(pages, GROUPS), {"Code": "RETAIL"})
    assert error_of(twice)[1] == "Internal_EntityWithSameKeyExists"
    blank = pages("POST", at(pages, GROUPS), {"Description": "A"})
    assert error_of(blank) == (400, "BadRequest_RequiredParamNotProvided")
    assert len(values(pages, GROUPS)) == 1


def test_112_pages_in_the_order_of_their_keys(pages: Wire) -> None:
    for code in ("C", "A", "E", "B", "D"):
        add(pages, GROUPS, Code=code)
    page = pages.get(at(pages, GROUPS), Prefer="odata.maxpagesize=2").json()
    codes = [line["Code"] for line in page["value"]]
    while "@odata.nextLink" in page:
        page = pages.get(page["@odata.nextLink"], Prefer="odata.maxpagesize=2").json()
        codes += [line["Code"] for line in page["value"]]
    assert codes == list("ABCDE")
    assert [line["Code"] for line in values(pages, f"{GROUPS}?$filter=Code gt 'C'&$orderby=Code desc")] == ["E", "D"]
    assert pages.get(at(pages, f"{GROUPS}/$count")).text == "5"


def test_113_company_by_id(pages: Wire) -> None:
    add(pages, GROUPS, Code="RETAIL")
    by_id = pages.get(f"Company(Id={pages.company})/{GROUPS}")
    assert by_id.status_code == 200
    assert by_id.json()["value"] == values(pages, GROUPS)
    name = quote(sandbox_of(pages).company_name)
    assert pages.get(f"{GROUPS}?company={name}").json()["value"] == values(pages, GROUPS)
    assert pages.get(f"{GROUPS}?company={pages.company}").json()["value"] == values(pages, GROUPS)
    assert error_of(pages.get(f"Company(Id={UNKNOWN})/{GROUPS}")) == (404, "Internal_CompanyNotFound")


def test_114_case_of_the_company_name_counts(pages: Wire) -> None:
    name = sandbox_of(pages).company_name
    for wrong in (name.lower(), name.upper(), "Nobody"):
        answer = pages.get(f"Company('{quote(wrong)}')/{GROUPS}")
        assert error_of(answer) == (404, "Internal_CompanyNotFound")
    others = [line["Name"] for line in pages.get("Company").json()["value"] if line["Name"] != name]
    assert pages.get(f"Company('{quote(others[0])}')/{GROUPS}").json()["value"] == []


def test_115_order_by_its_composite_key(bc: Wire, pages: Wire) -> None:
    order = order_of(bc, 2, 3)
    for key in (f"Document_Type='Order',No='{order['number']}'", f"No='{order['number']}',Document_Type='Order'"):
        answer = pages.get(at(pages, f"SalesOrder({key})"))
        assert answer.status_code == 200
        assert answer.json()["No"] == order["number"]
        assert answer.json()["@odata.etag"] == row(bc, "salesOrders", order["id"])["@odata.etag"]
        assert answer.json()["Sell_to_Customer_No"] == order["customerNumber"]
        assert answer.json()["Status"] == "Open"
    lines = values(pages, f"SalesOrder({key})/SalesOrderSalesLines")
    assert [(line["Line_No"], line["Quantity"], line["Type"]) for line in lines] == [
        (10000, 2, "Item"),
        (20000, 3, "Item"),
    ]
    assert {line["Document_No"] for line in lines} == {order["number"]}
    expanded = pages.get(at(pages, f"SalesOrder({key})?$expand=SalesOrderSalesLines($select=Line_No)")).json()
    assert [line["Line_No"] for line in expanded["SalesOrderSalesLines"]] == [10000, 20000]
    quote_key = f"Document_Type='Quote',No='{order['number']}'"
    assert pages.get(at(pages, f"SalesOrder({quote_key})")).status_code == 404
    for bad in (f"'{order['number']}'", "Document_Type='Order'", f"No='{order['number']}',Nosuch='1'"):
        assert error_of(pages.get(at(pages, f"SalesOrder({bad})")))[0] == 400


def test_116_tags_on_pages(pages: Wire) -> None:
    group = add(pages, GROUPS, Code="RETAIL", Description="Retail")
    one = at(pages, f"{GROUPS}('RETAIL')")
    assert error_of(pages("PATCH", one, {"Description": "B"})) == (400, "BadRequest_InvalidToken")
    changed = pages("PATCH", one, {"Description": "B"}, If_Match=group["@odata.etag"])
    assert changed.status_code == 200
    assert changed.json()["Description"] == "B"
    assert changed.json()["@odata.etag"] != group["@odata.etag"]
    stale = pages("PATCH", one, {"Description": "C"}, If_Match=group["@odata.etag"])
    assert error_of(stale) == (409, "Request_EntityChanged")
    assert pages.get(one).json()["Description"] == "B"
    assert pages("DELETE", one, If_Match="*").status_code == 204
    assert values(pages, GROUPS) == []


@pytest.mark.parametrize("code", ["O'BRIEN", "A/B", "A'/%B", "50% &+#?", "ÄÖ Ü", "A,B=C", "(X)"])
def test_117_keys_with_marks(pages: Wire, code: str) -> None:
    answer = pages("POST", at(pages, GROUPS), {"Code": code})
    assert answer.status_code == 201
    own = at(pages, f"{GROUPS}('{quote(code.replace(chr(39), chr(39) * 2), safe='')}')")
    assert pages.get(own).json()["Code"] == code
    assert pages.get(answer.headers["location"]).json()["Code"] == code
    changed = pages("PATCH", own, {"Description": "found"}, If_Match="*")
    assert changed.json()["Description"] == "found"
    escaped = quote(code.replace("'", "''"), safe="")
    assert [line["Code"] for line in values(pages, f"{GROUPS}?$filter=Code eq '{escaped}'")] == [code]


def test_117_composite_keys_and_lines(bc: Wire, pages: Wire) -> None:
    add(pages, "SalesPriceList", Code="S/1", Description="Spring", StartingDate="2026-03-01", Status="Active")
    item = first(bc, "items")["number"]
    path = "SalesPriceList('S%2F1')/SalesPriceListLines"
    for price in (10, 20):
        line = add(pages, path, Asset_Type="Item", Asset_No=item, Unit_Price=price, Amount_Type="Price")
    assert (line["Price_List_Code"], line["Line_No"], line["Unit_Price"]) == ("S/1", 20000, 20)
    assert [found["Line_No"] for found in values(pages, path)] == [10000, 20000]
    own = "SalesPriceListLines(Price_List_Code='S%2F1',Line_No=20000)"
    assert pages.get(at(pages, own)).json()["Unit_Price"] == 20
    assert pages("PATCH", at(pages, f"{path}(20000)"), {"Unit_Price": 21.5}, If_Match="*").status_code == 200
    assert pages.get(at(pages, own)).json()["Unit_Price"] == 21.5
    (listed,) = values(pages, "SalesPriceLists")
    assert (listed["Description"], listed["Starting_Date"], listed["Status"]) == ("Spring", "2026-03-01", "Active")
    assert error_of(pages("POST", at(pages, "SalesPriceLists"), {"Code": "A"}))[0] == 405
    assert pages("DELETE", at(pages, "SalesPriceList('S%2F1')")).status_code == 204
    assert values(pages, "SalesPriceListLines") == []
    key = {"Item_No": item, "Sales_Type": "Customer Price Group", "Sales_Code": "R", "Starting_Date": "2026-01-01"}
    add(pages, "SalesPrices", **key, Unit_Price=9, Minimum_Quantity=2.5)
    text = f"Item_No='{item}',Sales_Type='Customer Price Group',Sales_Code='R',Starting_Date=2026-01-01"
    rest = "Currency_Code='',Variant_Code='',Unit_of_Measure_Code='',Minimum_Quantity=2.5"
    assert pages.get(at(pages, f"SalesPrices({text},{rest})")).json()["Unit_Price"] == 9


def test_118_local_currency_is_blank(bc: Wire, pages: Wire) -> None:
    local = made(bc, "customers", displayName="Local")
    foreign = made(bc, "customers", displayName="Foreign", currencyCode="USD")
    assert (local["currencyCode"], foreign["currencyCode"]) == ("EUR", "USD")
    for customer, code in ((local, ""), (foreign, "USD")):
        key = at(pages, f"CustomerCard('{customer['number']}')")
        assert pages.get(key).json()["Currency_Code"] == code
        order = made(bc, "salesOrders", customerId=customer["id"])
        found = pages.get(at(pages, f"SalesOrder(Document_Type='Order',No='{order['number']}')"))
        assert found.json()["Currency_Code"] == code


def test_119_what_is_not_published(pages: Wire) -> None:
    assert error_of(pages.get(at(pages, "Nosuch")))[0] == 404
    services = sandbox_of(pages).services
    services.withdraw(GROUPS)
    assert error_of(pages.get(at(pages, GROUPS)))[0] == 404
    assert error_of(pages("POST", at(pages, GROUPS), {"Code": "A"}))[0] == 404
    names = [line["name"] for line in pages.get("").json()["value"]]
    assert GROUPS not in names
    assert "SalesOrder" in names
    services.publish("PriceGroups", page=7)
    add(pages, "PriceGroups", Code="A")
    services.publish(GROUPS, page=7)
    assert [line["Code"] for line in values(pages, GROUPS)] == ["A"], "the same rows under another name"
    with pytest.raises(ValueError, match="no page 99999"):
        services.publish("Nosuch", page=99999)
    sandbox_of(pages).switches.bc_unpublished_status = 400
    assert pages.get(at(pages, "Nosuch")).status_code == 400


def test_119_published_services_are_kept_with_the_data(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with Sandbox.create(path, customers=5, faults=(), dirt=0) as sandbox:
        sandbox.services.publish("Groups", page=7, hidden=["Description"])
        sandbox.services.withdraw("SalesOrder")
    with Sandbox.open(path) as sandbox:
        kept = sandbox.services.all()
        assert kept["Groups"].hidden == ("Description",)
        assert "SalesOrder" not in kept
        own = Wire(f"http://127.0.0.1{sandbox.bc_odata_root}", sandbox.token, sandbox.company_id, sandbox)
        assert "Description" not in add(own, "Groups", Code="A")
        assert own.get(at(own, "SalesOrder")).status_code == 404
        with pytest.raises(KeyError):
            sandbox.services.withdraw("SalesOrder")


def test_116_pages_in_a_batch(pages: Wire) -> None:
    group = add(pages, GROUPS, Code="A/B", Description="One")
    path = at(pages, f"{GROUPS}('A%2FB')")
    patch = {"method": "PATCH", "url": path, "headers": {"If-Match": group["@odata.etag"]}}
    requests = [patch | {"body": {"Description": "Two"}}, patch | {"body": {"Description": "Three"}}]
    answer = pages("POST", "$batch", {"requests": requests})
    assert [part["status"] for part in answer.json()["responses"]] == [200, 409]
    assert pages.get(path).json()["Description"] == "Two"


def test_120_hidden_fields(pages: Wire) -> None:
    services = sandbox_of(pages).services
    add(pages, GROUPS, Code="A", Description="Seen", Price_Includes_VAT=True)
    services.publish(GROUPS, page=7, hidden=["Description", "Code"])
    (found,) = values(pages, GROUPS)
    assert "Description" not in found
    assert found["Code"] == "A", "key fields stay"
    assert found["Price_Includes_VAT"] is True
    assert error_of(pages.get(at(pages, f"{GROUPS}?$select=Description")))[0] == 400
    one = at(pages, f"{GROUPS}('A')")
    assert error_of(pages("PATCH", one, {"Description": "B"}, If_Match="*"))[0] == 400
    assert 'Name="Price_Includes_VAT"' in pages.get("$metadata").text
    services.publish(GROUPS, page=7)
    assert pages.get(one).json()["Description"] == "Seen"
    line = add(pages, "SalesPriceList", Code="L")
    assert line["Code"] == "L"
    assert {"Price_List_Code", "Line_No"} <= set(add(pages, "SalesPriceList('L')/SalesPriceListLines"))


def test_121_codeunit_procedures(bc: Wire, pages: Wire) -> None:
    call = f"SandboxTools_CountRecords?company={quote(sandbox_of(pages).company_name)}"
    answer = pages("POST", call, {"entitySetName": "customers"})
    assert answer.status_code == 200
    assert answer.json()["value"] == sandbox_of(pages).rows("bc", "customers")
    customer = first(bc, "customers")
    touched = pages("POST", f"SandboxTools_TouchCustomer?company={pages.company}", {"customerNo": customer["number"]})
    assert (touched.status_code, touched.content) == (204, b"")
    assert row(bc, "customers", customer["id"])["lastModifiedDateTime"] > customer["lastModifiedDateTime"]
    assert error_of(pages("POST", call, {}))[0] == 400
    unknown = pages("POST", call, {"entitySetName": "nosuch"})
    assert error_of(unknown) == (400, "Application_DialogException")
    assert error_of(pages("POST", call.replace("CountRecords", "Nosuch"), {}))[0] == 404
    assert error_of(pages.get(call))[0] == 405
    assert error_of(pages("POST", "SandboxTools_CountRecords", {"entitySetName": "items"}))[0] == 404
    assert "no table" in message(unknown)


def test_112_every_page_shows_the_rows_of_its_table(bc: Wire, pages: Wire) -> None:
    pairs = {
        "CurrenciesPage": ("currencies", "Code", "code", "Description", "displayName"),
        "UnitsOfMeasurePage": ("unitsOfMeasure", "Code", "code", "Description", "displayName"),
        "Salespersons": ("salespeoplePurchasers", "Code", "code", "Name", "displayName"),
        "CustomerList": ("customers", "No", "number", "Name", "displayName"),
        "VendorCard": ("vendors", "No", "number", "Name", "displayName"),
        "ContactCard": ("contacts", "No", "number", "Name", "displayName"),
        "ItemCard": ("items", "No", "number", "Description", "displayName"),
        "ItemUnitGroups": ("items", "Item_No", "number", "Item_Description", "displayName"),
        "SalespersonCard": ("salespeoplePurchasers", "Code", "code", "E_Mail", "email"),
        "PaymentTermsPage": ("paymentTerms", "Code", "code", "Due_Date_Calculation", "dueDateCalculation"),
        "ShipmentMethodsPage": ("shipmentMethods", "Code", "code", "Description", "displayName"),
    }
    made(bc, "vendors", displayName="Zulieferer")
    for page, (set_name, key, code, name, title) in pairs.items():
        shown = {(line[key], line[name]) for line in values(pages, page)}
        assert shown == {(line[code], line[title]) for line in rows(bc, set_name)}, page
    usd = at(pages, "CurrenciesPage('USD')")
    before = pages.get(usd).json()
    assert before["ISO_Code"] == ""
    changed = pages("PATCH", usd, {"Description": "Dollar", "ISO_Code": "USD"}, If_Match="*").json()
    assert (changed["Description"], changed["ISO_Code"]) == ("Dollar", "USD")
    assert rows(bc, "currencies?$filter=code eq 'USD'")[0]["displayName"] == "Dollar"
    made(bc, "unitsOfMeasure", code="CRATE", displayName="Crate")
    assert pages.get(at(pages, "UnitsOfMeasurePage('CRATE')")).json()["Description"] == "Crate"
    add(pages, GROUPS, Code="RETAIL")
    card = add(pages, "CustomerCard", Name="By page", Customer_Price_Group="RETAIL")
    assert card["No"]
    (customer,) = rows(bc, f"customers?$filter=number eq '{card['No']}'")
    assert customer["displayName"] == "By page"
    assert rows(bc, f"contactsInformation?$filter=relatedId eq {customer['id']}")[0]["contactName"] == "By page"


def test_112_every_published_page_answers(pages: Wire) -> None:
    listed = [line["name"] for line in pages.get("").json()["value"]]
    assert set(listed) == set(schema("bc").pages)
    document = ElementTree.fromstring(pages.get("$metadata").content)
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    assert [space.get("Namespace") for space in document.iter(f"{edm}Schema")] == ["NAV"]
    assert {found.get("Name") for found in document.iter(f"{edm}EntitySet")} == set(listed)
    for name in listed:
        for line in values(pages, f"{name}?$top=2"):
            assert None not in line.values(), name


def test_112_exchange_rates_are_written_by_page(bc: Wire, pages: Wire) -> None:
    rate = add(
        pages,
        "CurrencyExchangeRates",
        Currency_Code="USD",
        Starting_Date="2027-01-01",
        Exchange_Rate_Amount=1,
        Relational_Exch_Rate_Amount=0.9,
    )
    assert rate["Relational_Currency_Code"] == ""
    (found,) = rows(bc, "currencyExchangeRates?$filter=currencyCode eq 'USD' and startingDate eq 2027-01-01")
    assert (found["exchangeRateAmount"], found["relationalExchangeRateAmount"]) == (1, 0.9)
    unknown = pages("POST", at(pages, "CurrencyExchangeRates"), {"Currency_Code": "XXX"})
    assert error_of(unknown) == (400, "Internal_InvalidTableRelation")
    own = at(pages, "CurrencyExchangeRates(Currency_Code='USD',Starting_Date=2027-01-01)")
    assert pages("PATCH", own, {"Exchange_Rate_Amount": 2}, If_Match="*").json()["Exchange_Rate_Amount"] == 2
    assert pages("DELETE", own).status_code == 204


def test_115_order_changed_by_page_is_the_order(bc: Wire, pages: Wire) -> None:
    order = order_of(bc, 2)
    own = at(pages, f"SalesOrder(Document_Type='Order',No='{order['number']}')")
    changed = pages("PATCH", own, {"External_Document_No": "po 9"}, If_Match=order["@odata.etag"])
    assert changed.status_code == 200
    assert changed.json()["External_Document_No"] == "PO 9"
    found = row(bc, "salesOrders", order["id"])
    assert found["externalDocumentNumber"] == "PO 9"
    assert found["lastModifiedDateTime"] > order["lastModifiedDateTime"]
    assert error_of(pages("PATCH", own, {"Status": "Released"}, If_Match="*")) == (400, "BadRequest_InvalidOperation")
    assert pages("DELETE", own, If_Match="*").status_code == 204
    assert bc.get(bc.in_company(f"salesOrders({order['id']})")).status_code == 404


def test_112_resources_are_sold_on_lines(bc: Wire, pages: Wire) -> None:
    card = add(pages, "ResourceCard", No="LIFT", Name="Lift", Type="Machine", Base_Unit_of_Measure="H", Unit_Price=80)
    assert values(pages, "ResourceList")[0]["Unit_Price"] == card["Unit_Price"] == 80
    (unit,) = values(pages, "ResourceUnitsOfMeasure")
    assert (unit["Resource_No"], unit["Code"], unit["Qty_per_Unit_of_Measure"]) == ("LIFT", "H", 1)
    buyer = made(bc, "customers", displayName="Kunde")["id"]
    lines = [{"lineType": "Resource", "lineObjectNumber": "LIFT", "quantity": 2}]
    order = made(bc, "salesOrders", customerId=buyer, salesOrderLines=lines)
    (line,) = rows(bc, f"salesOrders({order['id']})/salesOrderLines")
    assert (line["lineType"], line["description"], line["unitOfMeasureCode"]) == ("Resource", "Lift", "H")
    assert (line["unitPrice"], order["totalAmountExcludingTax"]) == (80, 160)
    assert error_of(pages("POST", at(pages, "ResourceCard"), {"No": "X", "Type": "Robot"})) == (400, "BadRequest")


def test_112_items_have_their_base_unit(bc: Wire, pages: Wire) -> None:
    known = first(bc, "items", "&$filter=baseUnitOfMeasureCode ne ''")
    own = f"ItemUnitsOfMeasure?$filter=Item_No eq '{known['number']}'"
    assert [line["Code"] for line in values(pages, own)] == [known["baseUnitOfMeasureCode"]]
    new = made(bc, "items", displayName="A", baseUnitOfMeasureCode="KG")
    own = f"ItemUnitsOfMeasure?$filter=Item_No eq '{new['number']}'"
    add(pages, "ItemUnitsOfMeasure", Item_No=new["number"], Code="BOX", Qty_per_Unit_of_Measure=12)
    found = {line["Code"]: line["Qty_per_Unit_of_Measure"] for line in values(pages, own)}
    assert found == {"KG": 1, "BOX": 12}
    add(pages, "ShippingAgents", Code="DHL", Name="Parcel")
    assert bc("DELETE", bc.in_company(f"items({new['id']})")).status_code == 204
    assert values(pages, own) == []


def test_111_extra_properties_of_pages_are_kept_apart(bc: Wire, pages: Wire) -> None:
    customer = made(bc, "customers", displayName="Kunde")
    card = at(pages, f"CustomerCard('{customer['number']}')")
    unknown = pages("PATCH", card, {"Customer_Price_Group": "RETAIL"}, If_Match="*")
    assert error_of(unknown) == (400, "Internal_InvalidTableRelation")
    add(pages, GROUPS, Code="RETAIL")
    assert pages("PATCH", card, {"Customer_Price_Group": "retail"}, If_Match="*").status_code == 200
    assert pages.get(card).json()["Customer_Price_Group"] == "RETAIL"
    assert set(row(bc, "customers", customer["id"])) - {"@odata.context"} == set(customer) - {"@odata.context"}


def test_111_fields_that_only_a_page_has(bc: Wire, pages: Wire) -> None:
    vendor = made(bc, "vendors", displayName="Zulieferer")
    person = made(bc, "contacts", displayName="Uta Ober", type="Person")
    code = rows(bc, "shipmentMethods")[0]["code"]
    own = {"Fax_No": "+49 40 1", "Control16": "Ute", "MobilePhoneNo": "+49 170 1", "Shipment_Method_Code": code}
    own |= {"Purchaser_Code": "PU", "Primary_Contact_No": person["number"]}
    card = at(pages, f"VendorCard('{vendor['number']}')")
    assert pages("PATCH", card, own, If_Match="*").status_code == 200
    shown = pages.get(card).json()
    assert {name: shown[name] for name in own} == own
    assert shown["Name"] == "Zulieferer"
    assert pages("PATCH", card, {"Name": "Lieferer"}, If_Match="*").status_code == 200
    assert row(bc, "vendors", vendor["id"])["displayName"] == "Lieferer"
    for name in ("Primary_Contact_No", "Purchaser_Code", "Shipment_Method_Code"):
        assert error_of(pages("PATCH", card, {name: "NOSUCH"}, If_Match="*"))[1] == "Internal_InvalidTableRelation"
    card = at(pages, f"ContactCard('{person['number']}')")
    own = {"Salesperson_Code": "AH", "Currency_Code": "USD", "Salutation_Code": "MS", "Fax_No": "1"}
    assert pages("PATCH", card, own | {"Job_Title": "Buyer"}, If_Match="*").status_code == 200
    shown = pages.get(card).json()
    assert {name: shown[name] for name in own} == own
    assert row(bc, "contacts", person["id"])["jobTitle"] == "Buyer"
    item = rows(bc, "items?$top=1")[0]
    card = at(pages, f"ItemCard('{quote(item['number'])}')")
    own = {"Gross_Weight": 2.5, "Unit_Volume": 0.25, "Vendor_No": vendor["number"], "Vendor_Item_No": "V-1"}
    assert pages("PATCH", card, own, If_Match="*").status_code == 200
    assert own.items() <= pages.get(card).json().items()
    assert set(row(bc, "items", item["id"])) - {"@odata.context"} == set(item)


def test_112_unit_groups_belong_to_items_and_resources(bc: Wire, pages: Wire) -> None:
    add(pages, "ResourceCard", No="TESTER", Name="Tester", Base_Unit_of_Measure="H")
    (group,) = [line for line in values(pages, "ResourceUnitGroups") if line["Resource_No"] == "TESTER"]
    assert (group["Code"], group["Source_Type"], group["Resource_Name"]) == (
        "RESOURCE TESTER UOM GR",
        "Resource",
        "Tester",
    )
    item = rows(bc, "items?$top=1")[0]
    key = f"Source_Type='Item',Source_Id={item['id']}"
    assert pages.get(at(pages, f"ItemUnitGroups({key})")).json()["Code"] == f"ITEM {item['number']} UOM GR"


def test_112_posted_invoices_alone_are_on_their_pages(bc: Wire, pages: Wire) -> None:
    buyer = made(bc, "customers", displayName="Käufer")
    item = next(line for line in rows(bc, "items") if not line["blocked"])
    line = {"itemId": item["id"], "quantity": 3}
    draft = made(bc, "salesInvoices", customerId=buyer["id"], salesInvoiceLines=[line])
    posted = made(bc, "salesInvoices", customerId=buyer["id"], salesInvoiceLines=[line])
    path = bc.in_company(f"salesInvoices({posted['id']})/Microsoft.NAV.post")
    assert bc("POST", path).status_code == 204
    number = row(bc, "salesInvoices", posted["id"])["number"]
    shown = {found["No"]: found for found in values(pages, "PostedSalesInvoice")}
    assert draft["number"] not in shown
    assert shown[number]["Sell_to_Customer_Name"] == "Käufer"
    assert (shown[number]["Closed"], shown[number]["Cancelled"]) == (False, False)
    lines = [found for found in values(pages, "PostedSalesInvoiceLines") if found["No"] == item["number"]]
    mine = [found for found in lines if found["Document_No"] == number]
    assert [(found["Line_No"], found["Quantity"], found["Type"]) for found in mine] == [(10000, 3, "Item")]
    assert all(found["Document_No"] in shown for found in lines)


def test_121_a_codeunit_of_ones_own(pages: Wire) -> None:
    services = sandbox_of(pages).services
    services.codeunits[50101] = {"Double": lambda company, given: 2 * int(given["number"])}
    with pytest.raises(ValueError, match="codeunit 50102"):
        services.publish("Sums", codeunit=50102)
    services.publish("Sums", codeunit=50101)
    answer = pages("POST", f"Sums_Double?company={pages.company}", {"number": 21})
    assert (answer.status_code, answer.json()["value"]) == (200, 42)
