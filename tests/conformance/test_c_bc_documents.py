"""Conformance C: sales documents of Business Central, their lines and actions (lines 80 to 91)."""

from __future__ import annotations

from typing import Any

import pytest

from d365kit.sandbox.schema import ZERO_GUID, schema
from tests.conformance.business_central import UNKNOWN, first, made, message, order_of, row, rows
from tests.conformance.conftest import Wire, error_of

TOTALS = ("totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax")


def lines_of(bc: Wire, set_name: str, key: str) -> list[dict[str, Any]]:
    return rows(bc, f"{set_name}Lines?$filter=documentId eq {key}")


def customer(bc: Wire, country: str = "DE", **more: Any) -> dict[str, Any]:
    return made(bc, "customers", displayName="Kunde", country=country, **more)


def item(bc: Wire, price: float, **more: Any) -> dict[str, Any]:
    return made(bc, "items", displayName=f"Item {price}", unitPrice=price, baseUnitOfMeasureCode="PCS", **more)


def invoice(bc: Wire, quantity: int = 2) -> dict[str, Any]:
    """A draft invoice over one item of 10.00 to a customer at home."""
    lines = [{"itemId": item(bc, 10)["id"], "quantity": quantity}]
    return made(bc, "salesInvoices", customerId=customer(bc)["id"], salesInvoiceLines=lines)


def act(bc: Wire, set_name: str, key: str, name: str, **headers: str) -> Any:
    return bc("POST", bc.in_company(f"{set_name}({key})/{name}"), **headers)


def test_080_order_with_nested_lines(bc: Wire) -> None:
    terms = first(bc, "paymentTerms")
    buyer = customer(bc, paymentTermsId=terms["id"], city="Kiel", salespersonCode="AH")
    one, other = item(bc, 10), item(bc, 33.33)
    body = {
        "customerNumber": buyer["number"],
        "externalDocumentNumber": "po 7",
        "salesOrderLines": [
            {"itemId": one["id"], "quantity": 3},
            {"lineType": "Item", "lineObjectNumber": other["number"], "quantity": 2, "discountPercent": 10},
            {"lineType": "Comment", "description": "By hand"},
        ],
    }
    answer = bc("POST", bc.in_company("salesOrders"), body)
    assert answer.status_code == 201
    order = answer.json()
    assert (order["customerId"], order["customerName"], order["sellToCity"]) == (buyer["id"], "Kunde", "Kiel")
    assert (order["billToCustomerId"], order["salesperson"]) == (buyer["id"], "AH")
    assert (order["paymentTermsId"], order["status"]) == (terms["id"], "Draft")
    assert (order["externalDocumentNumber"], order["currencyCode"]) == ("PO 7", "EUR")
    assert order["number"]
    lines = lines_of(bc, "salesOrder", order["id"])
    assert [line["amountExcludingTax"] for line in lines] == [30, 59.99, 0]
    assert [line["totalTaxAmount"] for line in lines] == [5.7, 11.40, 0]
    assert [line["discountAmount"] for line in lines] == [0, 6.67, 0]
    assert [order[name] for name in TOTALS] == [89.99, 17.10, 107.09]


def test_080_one_bad_line_undoes_the_order(bc: Wire) -> None:
    assert bc.sandbox is not None
    buyer, good = customer(bc), item(bc, 10)
    before = (bc.sandbox.rows("bc", "salesOrders"), bc.sandbox.rows("bc", "salesOrderLines"))
    lines = [{"itemId": good["id"], "quantity": 1}, {"itemId": UNKNOWN, "quantity": 1}]
    answer = bc("POST", bc.in_company("salesOrders"), {"customerId": buyer["id"], "salesOrderLines": lines})
    assert error_of(answer)[0] == 400
    assert message(answer).startswith('The "itemId" does not match to an Item.')
    assert (bc.sandbox.rows("bc", "salesOrders"), bc.sandbox.rows("bc", "salesOrderLines")) == before


@pytest.mark.parametrize("set_name", ["salesOrders", "salesQuotes", "salesInvoices", "salesCreditMemos"])
def test_081_a_customer_must_be_named(bc: Wire, set_name: str) -> None:
    answer = bc("POST", bc.in_company(set_name), {})
    assert error_of(answer)[0] == 400
    assert message(answer).startswith('A "customerNumber" or a "customerId" must be provided.')
    assert rows(bc, set_name) == []
    kept = made(bc, set_name, customerId=customer(bc)["id"])
    for body in ({"customerId": ZERO_GUID}, {"customerNumber": ""}):
        cleared = bc("PATCH", bc.in_company(f"{set_name}({kept['id']})"), body, If_Match="*")
        assert error_of(cleared)[0] == 400
    assert row(bc, set_name, kept["id"])["customerId"] == kept["customerId"]
    unknown = bc("POST", bc.in_company(set_name), {"customerId": UNKNOWN})
    assert message(unknown).startswith('The "customerId" does not match to a Customer.')


def test_082_no_deep_update(bc: Wire) -> None:
    order = order_of(bc, 1)
    one = bc.in_company(f"salesOrders({order['id']})")
    body = {"externalDocumentNumber": "X", "salesOrderLines": [{"quantity": 9}]}
    refused = bc("PATCH", one, body, If_Match="*")
    assert error_of(refused) == (400, "BadRequest")
    assert "cannot be changed with its parent" in message(refused)
    assert [line["quantity"] for line in lines_of(bc, "salesOrder", order["id"])] == [1]
    assert row(bc, "salesOrders", order["id"])["externalDocumentNumber"] == ""
    assert bc("PATCH", one, {"externalDocumentNumber": "X"}, If_Match="*").status_code == 200
    other = bc("PATCH", one, {"id": UNKNOWN}, If_Match="*")
    assert error_of(other)[0] == 400
    assert message(other).startswith('The "id" cannot be changed.')


def test_083_line_is_filled_from_its_item(bc: Wire) -> None:
    order, sold = made(bc, "salesOrders", customerId=customer(bc)["id"]), item(bc, 12.5)
    path = bc.in_company(f"salesOrders({order['id']})/salesOrderLines")
    first_line = bc("POST", path, {"itemId": sold["id"], "quantity": 4})
    assert first_line.status_code == 201
    line = first_line.json()
    assert (line["unitPrice"], line["description"], line["lineObjectNumber"]) == (12.5, "Item 12.5", sold["number"])
    assert (line["unitOfMeasureCode"], line["unitOfMeasureId"]) == ("PCS", sold["baseUnitOfMeasureId"])
    assert (line["lineType"], line["documentId"], line["sequence"]) == ("Item", order["id"], 10000)
    assert (line["shipQuantity"], line["invoiceQuantity"]) == (4, 4)
    bare = bc.in_company("salesOrderLines")
    second = bc("POST", bare, {"documentId": order["id"], "itemId": sold["id"], "quantity": 1, "unitPrice": 9})
    assert (second.json()["sequence"], second.json()["unitPrice"]) == (20000, 9)
    between = bc("POST", path, {"itemId": sold["id"], "quantity": 1, "sequence": 15000})
    assert between.json()["sequence"] == 15000
    assert error_of(bc("POST", path, {"itemId": sold["id"], "sequence": 15000}))[0] == 400
    assert [found["sequence"] for found in lines_of(bc, "salesOrder", order["id"])] == [10000, 15000, 20000]


def test_083_price_in_the_currency_of_the_document(bc: Wire) -> None:
    buyer, sold = customer(bc, currencyCode="USD"), item(bc, 100)
    lines = [{"itemId": sold["id"], "quantity": 1}]
    order = made(bc, "salesOrders", customerId=buyer["id"], salesOrderLines=lines)
    rates = rows(bc, "currencyExchangeRates?$filter=currencyCode eq 'USD'&$orderby=startingDate desc")
    rate = next(r for r in rates if r["startingDate"] <= order["orderDate"])
    wanted = round(100 * rate["exchangeRateAmount"] / rate["relationalExchangeRateAmount"], 2)
    assert lines_of(bc, "salesOrder", order["id"])[0]["unitPrice"] == pytest.approx(wanted, abs=0.011)
    assert order["currencyCode"] == "USD"


@pytest.mark.parametrize(
    "line",
    [
        {"quantity": 1, "itemId": "item", "accountId": "account"},
        {"quantity": 1, "itemId": "item", "lineType": "Account"},
        {"quantity": 1, "lineType": "Item", "lineObjectNumber": "NOSUCH"},
        {"quantity": 1, "accountId": UNKNOWN},
    ],
)
def test_084_item_and_account_exclude_each_other(bc: Wire, line: dict[str, Any]) -> None:
    order = order_of(bc)
    known = {"item": item(bc, 5)["id"], "account": first(bc, "accounts")["id"]}
    body = {name: known.get(str(value), value) for name, value in line.items()}
    answer = bc("POST", bc.in_company(f"salesOrders({order['id']})/salesOrderLines"), body)
    assert error_of(answer) == (400, "Application_DialogException")
    assert lines_of(bc, "salesOrder", order["id"]) == []


def test_084_account_line(bc: Wire) -> None:
    order, account = order_of(bc), first(bc, "accounts")
    path = bc.in_company(f"salesOrders({order['id']})/salesOrderLines")
    line = bc("POST", path, {"accountId": account["id"], "quantity": 1, "unitPrice": 7}).json()
    assert (line["lineType"], line["lineObjectNumber"]) == ("Account", account["number"])
    assert (line["itemId"], line["accountId"]) == (ZERO_GUID, account["id"])


def test_085_line_change_changes_the_header(bc: Wire) -> None:
    order = made(bc, "salesOrders", customerId=customer(bc)["id"])
    path = f"salesOrders({order['id']})/salesOrderLines"
    line = bc("POST", bc.in_company(path), {"itemId": item(bc, 10)["id"], "quantity": 1}).json()
    seen = [order, row(bc, "salesOrders", order["id"])]
    bc("PATCH", bc.in_company(f"{path}({line['id']})"), {"quantity": 5}, If_Match=line["@odata.etag"])
    seen.append(row(bc, "salesOrders", order["id"]))
    bc("PATCH", bc.in_company(f"salesOrders({order['id']})"), {"discountAmount": 10}, If_Match="*")
    seen.append(row(bc, "salesOrders", order["id"]))
    bc("DELETE", bc.in_company(f"salesOrderLines({line['id']})"))
    seen.append(row(bc, "salesOrders", order["id"]))
    assert [found["totalAmountExcludingTax"] for found in seen] == [0, 10, 50, 40, 0]
    assert [found["totalAmountIncludingTax"] for found in seen] == [0, 11.9, 59.5, 47.6, 0]
    assert len({found["@odata.etag"] for found in seen}) == 5
    times = [found["lastModifiedDateTime"] for found in seen]
    assert times == sorted(times)
    assert len(set(times)) > 3


def test_085_prices_that_include_tax(bc: Wire) -> None:
    lines = [{"itemId": item(bc, 119)["id"], "quantity": 2}]
    order = made(
        bc, "salesOrders", customerId=customer(bc)["id"], pricesIncludeTax=True, salesOrderLines=lines
    )  # fmt: skip
    assert [order[name] for name in TOTALS] == [200, 38, 238]
    abroad = made(bc, "salesOrders", customerId=customer(bc, "NO")["id"], salesOrderLines=lines)
    assert [abroad[name] for name in TOTALS] == [238, 0, 238]


def test_085_discount_of_the_header_is_shared_out(bc: Wire) -> None:
    lines = [{"itemId": item(bc, 10)["id"], "quantity": 1} for _ in range(3)]
    buyer = customer(bc, "NO")["id"]
    order = made(bc, "salesOrders", customerId=buyer, discountAmount=10, salesOrderLines=lines)
    found = lines_of(bc, "salesOrder", order["id"])
    assert [line["invoiceDiscountAllocation"] for line in found] == [3.33, 3.33, 3.34]
    assert [line["netAmount"] for line in found] == [6.67, 6.67, 6.66]
    assert [line["amountExcludingTax"] for line in found] == [10, 10, 10]
    assert [order[name] for name in TOTALS] == [20, 0, 20]


def test_085_another_customer_fills_the_header_anew(bc: Wire) -> None:
    order = order_of(bc, 1)
    other = made(bc, "customers", displayName="Other", city="Bergen", country="NO", email="o@x.example")
    one = bc.in_company(f"salesOrders({order['id']})")
    changed = bc("PATCH", one, {"customerNumber": other["number"], "sellToCity": "Oslo"}, If_Match="*").json()
    assert (changed["customerId"], changed["customerName"], changed["email"]) == (other["id"], "Other", "o@x.example")
    assert (changed["sellToCity"], changed["shipToCity"]) == ("Oslo", "Bergen")


@pytest.mark.parametrize("body", [{"documentId": UNKNOWN}, {"sequence": 5}, {"lineObjectNumber": "X"}])
def test_086_what_a_line_keeps(bc: Wire, body: dict[str, Any]) -> None:
    order = order_of(bc, 2)
    (line,) = lines_of(bc, "salesOrder", order["id"])
    one = bc.in_company(f"salesOrderLines({line['id']})")
    assert error_of(bc("PATCH", one, body, If_Match="*"))[0] == 400
    assert lines_of(bc, "salesOrder", order["id"]) == [line]
    same = {"sequence": line["sequence"], "quantity": 3}
    assert bc("PATCH", one, same, If_Match="*").json()["quantity"] == 3


@pytest.mark.parametrize("body", [None, {}])
def test_088_post_an_invoice(bc: Wire, body: dict[str, Any] | None) -> None:
    draft = invoice(bc)
    sold = lines_of(bc, "salesInvoice", draft["id"])[0]["itemId"]
    assert draft["status"] == "Draft"
    answer = bc("POST", bc.in_company(f"salesInvoices({draft['id']})/Microsoft.NAV.post"), body)
    assert (answer.status_code, answer.content) == (204, b"")
    posted = row(bc, "salesInvoices", draft["id"])
    assert (posted["status"], posted["remainingAmount"]) == ("Open", 23.8)
    assert posted["number"] != draft["number"]
    assert row(bc, "items", sold)["inventory"] == -2
    buyer = row(bc, "customers", draft["customerId"], "?$expand=customerFinancialDetail")
    assert buyer["balanceDue"] == 23.8
    assert buyer["customerFinancialDetail"]["totalSalesExcludingTax"] == 20
    changed = bc("PATCH", bc.in_company(f"salesInvoices({draft['id']})"), {"email": "a@b.example"}, If_Match="*")
    assert error_of(changed) == (400, "Application_DialogException")
    assert error_of(bc("DELETE", bc.in_company(f"salesInvoices({draft['id']})")))[0] == 400


def test_088_balance_is_in_local_currency(bc: Wire) -> None:
    buyer, sold = customer(bc, "NO", currencyCode="CZK"), item(bc, 100)
    lines = [{"itemId": sold["id"], "quantity": 1}]
    draft = made(bc, "salesInvoices", customerId=buyer["id"], salesInvoiceLines=lines)
    assert draft["totalAmountIncludingTax"] > 1000, "a crown is worth some euro cents"
    assert act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.post").status_code == 204
    assert row(bc, "customers", buyer["id"])["balanceDue"] == pytest.approx(100, abs=0.05)
    assert row(bc, "salesInvoices", draft["id"])["remainingAmount"] == draft["totalAmountIncludingTax"]


def test_089_ship_and_invoice(bc: Wire) -> None:
    assert bc.sandbox is not None
    buyer = customer(bc)
    lines = [{"itemId": item(bc, 10)["id"], "quantity": 2}, {"itemId": item(bc, 5)["id"], "quantity": 1}]
    order = made(bc, "salesOrders", customerId=buyer["id"], salesOrderLines=lines)
    answer = act(bc, "salesOrders", order["id"], "Microsoft.NAV.shipAndInvoice")
    assert (answer.status_code, answer.content) == (204, b"")
    assert bc.get(bc.in_company(f"salesOrders({order['id']})")).status_code == 404
    assert bc.sandbox.store.query('SELECT count(*) FROM "bc_salesOrderLines"') == [(0,)]
    (made_invoice,) = rows(bc, f"salesInvoices?$filter=orderId eq {order['id']}&$expand=salesInvoiceLines")
    assert (made_invoice["status"], made_invoice["orderNumber"]) == ("Open", order["number"])
    assert [made_invoice[name] for name in TOTALS] == [order[name] for name in TOTALS] == [25, 4.75, 29.75]
    assert [line["quantity"] for line in made_invoice["salesInvoiceLines"]] == [2, 1]
    (shipment,) = rows(bc, f"salesShipments?$filter=orderNumber eq '{order['number']}'&$expand=salesShipmentLines")
    assert [line["quantity"] for line in shipment["salesShipmentLines"]] == [2, 1]
    assert shipment["customerNumber"] == buyer["number"]
    assert bc.get(answer.headers["location"]).json()["id"] == made_invoice["id"]
    entries = rows(bc, "itemLedgerEntries?$filter=entryType eq 'Sale'")
    assert sorted(entry["quantity"] for entry in entries) == [-2, -1]
    assert rows(bc, f"customerSales?$filter=customerId eq {buyer['id']}")[0]["totalSalesAmount"] == 25


def test_090_wrong_states(bc: Wire) -> None:
    draft = invoice(bc)
    empty = made(bc, "salesInvoices", customerId=draft["customerId"])
    wrong = (400, "Application_DialogException")
    assert error_of(act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.cancel")) == wrong
    assert error_of(act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.send")) == wrong
    assert error_of(act(bc, "salesInvoices", empty["id"], "Microsoft.NAV.post")) == wrong
    assert act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.post").status_code == 204
    assert error_of(act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.post")) == wrong
    assert act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.send").status_code == 204
    assert act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.cancel").status_code == 204
    assert row(bc, "salesInvoices", draft["id"])["status"] == "Canceled"
    assert row(bc, "customers", draft["customerId"])["balanceDue"] == 0
    assert error_of(act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.cancel")) == wrong
    (memo,) = rows(bc, "salesCreditMemos")
    assert (memo["status"], memo["invoiceId"]) == ("Corrective", draft["id"])
    order = order_of(bc)
    assert error_of(act(bc, "salesOrders", order["id"], "Microsoft.NAV.shipAndInvoice")) == wrong
    assert row(bc, "salesOrders", order["id"])["status"] == "Draft"


def test_090_credit_memos_and_quotes(bc: Wire) -> None:
    draft = invoice(bc)
    act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.post")
    corrected = act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.makeCorrectiveCreditMemo")
    memo = bc.get(corrected.headers["location"]).json()
    assert (memo["status"], memo["totalAmountIncludingTax"]) == ("Draft", 23.8)
    assert act(bc, "salesCreditMemos", memo["id"], "Microsoft.NAV.post").status_code == 204
    assert row(bc, "customers", draft["customerId"])["balanceDue"] == 0
    lines = [{"itemId": item(bc, 10)["id"], "quantity": 2}]
    for action, into in (("makeOrder", "salesOrders"), ("makeInvoice", "salesInvoices")):
        quote = made(bc, "salesQuotes", customerId=draft["customerId"], salesQuoteLines=lines)
        assert act(bc, "salesQuotes", quote["id"], "Microsoft.NAV.send").status_code == 204
        assert row(bc, "salesQuotes", quote["id"])["status"] == "Sent"
        answer = act(bc, "salesQuotes", quote["id"], f"Microsoft.NAV.{action}")
        assert answer.status_code == 204
        result = bc.get(answer.headers["location"]).json()
        assert f"/{into}/" in result["@odata.context"]
        assert (result["status"], result["totalAmountIncludingTax"]) == ("Draft", 23.8)
        assert bc.get(bc.in_company(f"salesQuotes({quote['id']})")).status_code == 404


@pytest.mark.parametrize("name", ["Microsoft.NAV.Post", "microsoft.nav.POST", "Microsoft.NAV.pOsT"])
def test_091_actions_in_any_casing(bc: Wire, name: str) -> None:
    draft = invoice(bc)
    assert act(bc, "salesInvoices", draft["id"], name).status_code == 204
    assert row(bc, "salesInvoices", draft["id"])["status"] == "Open"


def test_091_unknown_actions_and_methods(bc: Wire) -> None:
    draft = invoice(bc)
    assert error_of(act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.nosuch"))[0] == 404
    assert error_of(bc.get(bc.in_company(f"salesInvoices({draft['id']})/Microsoft.NAV.post")))[0] == 405
    stale = act(bc, "salesInvoices", draft["id"], "Microsoft.NAV.post", If_Match='W/"old"')
    assert error_of(stale) == (409, "Request_EntityChanged")
    assert row(bc, "salesInvoices", draft["id"])["status"] == "Draft"
    assert set(schema("bc").sets["salesQuotes"].actions) == {"send", "makeInvoice", "makeOrder"}
