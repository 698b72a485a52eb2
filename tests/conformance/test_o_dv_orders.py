"""Conformance O: how Dataverse prices, adds up and closes orders, quotes and invoices, lines 256 to 262."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import UNKNOWN, bind, created, row, rows
from tests.conformance.sales import Trade, price_item


def order_of(dv: Wire, key: str) -> dict[str, object]:
    return row(dv, f"salesorders({key})")


def test_256_order_currency_is_the_price_lists(dv: Wire, trade: Trade) -> None:
    links = bind(customerid_account=f"accounts({trade.account})", pricelevelid=f"pricelevels({trade.price_list})")
    dollars = bind(transactioncurrencyid=f"transactioncurrencies({trade.currency('USD')})")
    assert error_of(dv("POST", "salesorders", links | dollars)) == (400, "0x80048cee")
    assert rows(dv, "salesorders") == []
    order = trade.document()
    assert order_of(dv, order)["_transactioncurrencyid_value"] == trade.currency("EUR")
    dollar_list = bind(pricelevelid=f"pricelevels({trade.list_in('USD', 'Dollars')})")
    assert error_of(dv("PATCH", f"salesorders({order})", dollar_list)) == (400, "0x80048cee")
    assert order_of(dv, order)["_pricelevelid_value"] == trade.price_list


def test_257_the_list_price_wins_unless_overridden(dv: Wire, trade: Trade) -> None:
    order = trade.document()
    listed = row(dv, f"salesorderdetails({trade.line(f'salesorderid:{order}', priceperunit=99, quantity=3)})")
    assert (listed["priceperunit"], listed["baseamount"], listed["extendedamount"]) == (10, 30, 30)
    own = trade.line(f"salesorderid:{order}", priceperunit=99, ispriceoverridden=True, tax=1.5)
    held = row(dv, f"salesorderdetails({own})")
    assert (held["priceperunit"], held["extendedamount"]) == (99, 100.5)
    dv("PATCH", f"salesorderdetails({own})", {"ispriceoverridden": False})
    assert row(dv, f"salesorderdetails({own})")["priceperunit"] == 10


def test_257_write_in_line(dv: Wire, trade: Trade) -> None:
    order = trade.document()
    body = {"isproductoverridden": True, "productdescription": "Freight", "priceperunit": 7, "quantity": 2}
    key = created(dv, "salesorderdetails", body | bind(salesorderid=f"salesorders({order})"))
    line = row(dv, f"salesorderdetails({key})")
    assert (line["salesorderdetailname"], line["extendedamount"], line["ispriceoverridden"]) == ("Freight", 14, True)
    named = body | bind(salesorderid=f"salesorders({order})", productid=f"products({trade.product})")
    assert dv("POST", "salesorderdetails", named).status_code == 400


@pytest.mark.parametrize(
    ("change", "code"),
    [("no list", 2), ("inactive list", 3), ("not in list", 11), ("no quantity", 4), ("no own price", 5)],
)
def test_257_pricing_errors(dv: Wire, trade: Trade, change: str, code: int) -> None:
    values: dict[str, object] = {}
    if change == "no list":
        order = created(dv, "salesorders", bind(customerid_account=f"accounts({trade.account})"))
    else:
        order = trade.document()
    if change == "inactive list":
        dv("PATCH", f"pricelevels({trade.price_list})", {"statecode": 1})
    if change == "not in list":
        values = bind(productid=f"products({trade.publish('P9')})")
    if change == "no quantity":
        values = {"quantity": None}
    if change == "no own price":
        values = {"ispriceoverridden": True}
    line = row(dv, f"salesorderdetails({trade.line(f'salesorderid:{order}', **values)})")
    assert line["pricingerrorcode"] == code
    assert order_of(dv, order)["pricingerrorcode"] == 1


def test_257_percent_of_list(dv: Wire, trade: Trade) -> None:
    product = trade.publish("P9")
    body = price_item(trade.price_list, product, trade.unit, 0) | {"pricingmethodcode": 2, "percentage": 80}
    created(dv, "productpricelevels", body)
    line = trade.line(f"salesorderid:{trade.document()}", **bind(productid=f"products({product})"))
    assert row(dv, f"salesorderdetails({line})")["priceperunit"] == 8


def test_258_totals_are_the_servers(dv: Wire, trade: Trade) -> None:
    order = trade.document(discountpercentage=10, discountamount=2, freightamount=5)
    trade.line(f"salesorderid:{order}", quantity=4, manualdiscountamount=6, tax=3)
    second = trade.line(f"salesorderid:{order}", quantity=1, tax=1)
    assert dv("PATCH", f"salesorders({order})", {"totalamount": 1, "totaltax": 1}).status_code == 204
    held = order_of(dv, order)
    expected = {
        "totallineitemamount": 44,
        "totallineitemdiscountamount": 6,
        "totaldiscountamount": 12.4,
        "totalamountlessfreight": 37.6,
        "totaltax": 4,
        "totalamount": 46.6,
        "totalamount_base": 46.6,
        "pricingerrorcode": 0,
    }
    assert {name: held[name] for name in expected} == expected
    assert dv("DELETE", f"salesorderdetails({second})").status_code == 204
    assert order_of(dv, order)["totalamount"] == 44 - 10 - 2 - 3.4 + 5 + 3
    dv("PATCH", f"salesorders({order})", {"freightamount": 0, "discountpercentage": 0})
    assert order_of(dv, order)["totalamount"] == 34 - 2 + 3


def test_258_calculation_may_be_off(dv: Wire, trade: Trade) -> None:
    organization = rows(dv, "organizations")[0]["organizationid"]
    dv("PATCH", f"organizations({organization})", {"oobpricecalculationenabled": False})
    order = trade.document()
    dv("PATCH", f"salesorders({order})", {"totalamount": 77})
    line = trade.line(f"salesorderid:{order}", priceperunit=99)
    assert (order_of(dv, order)["totalamount"], row(dv, f"salesorderdetails({line})")["priceperunit"]) == (77, 99)


def close(dv: Wire, action: str, kind: str, key: str, **more: object) -> object:
    table = {"OrderClose": "salesorder", "QuoteClose": "quote", "OpportunityClose": "opportunity"}[kind]
    sets = {"salesorder": "salesorders", "quote": "quotes", "opportunity": "opportunities"}
    return dv("POST", action, {kind: bind(**{f"{table}id": f"{sets[table]}({key})"})} | more)


@pytest.mark.parametrize("status", [403, 400])
def test_259_fulfilled_order_is_read_only(dv: Wire, trade: Trade, status: int) -> None:
    assert dv.sandbox
    dv.sandbox.switches.dv_read_only_status = status
    order = trade.document()
    line = trade.line(f"salesorderid:{order}")
    assert close(dv, "FulfillSalesOrder", "OrderClose", order, Status=100001).status_code == 204  # type: ignore[attr-defined]
    before = order_of(dv, order)
    writes = (
        dv("PATCH", f"salesorders({order})", {"name": "Other"}),
        dv("PATCH", f"salesorderdetails({line})", {"quantity": 9}),
        dv("DELETE", f"salesorderdetails({line})"),
    )
    assert [error_of(answer)[0] for answer in writes] == [status] * 3
    assert order_of(dv, order) == before
    assert row(dv, f"salesorderdetails({line})")["quantity"] == 1


def test_259_submitted_order_is_locked_where_another_system_has_it(dv: Wire, trade: Trade) -> None:
    order = trade.document()
    assert dv("PATCH", f"salesorders({order})", {"statecode": 1}).status_code == 204
    assert dv("PATCH", f"salesorders({order})", {"name": "Free"}).status_code == 204
    organization = rows(dv, "organizations")[0]["organizationid"]
    dv("PATCH", f"organizations({organization})", {"issopintegrationenabled": True})
    assert dv("PATCH", f"salesorders({order})", {"name": "Held"}).status_code == 403
    assert order_of(dv, order)["name"] == "Free"


def test_260_fulfil_and_cancel(dv: Wire, trade: Trade) -> None:
    first, second = trade.document(), trade.document()
    answer = close(dv, "FulfillSalesOrder", "OrderClose", first, Status=100002)
    assert answer.status_code == 204  # type: ignore[attr-defined]
    assert (order_of(dv, first)["statecode"], order_of(dv, first)["statuscode"]) == (3, 100002)
    close(dv, "CancelSalesOrder", "OrderClose", second, Status=-1)
    assert (order_of(dv, second)["statecode"], order_of(dv, second)["statuscode"]) == (2, 4)
    again = close(dv, "FulfillSalesOrder", "OrderClose", second)
    assert error_of(again) == (400, "0x80048408")  # type: ignore[arg-type]
    assert close(dv, "FulfillSalesOrder", "OrderClose", UNKNOWN).status_code == 404  # type: ignore[attr-defined]


def test_260_quote_to_order_to_invoice(dv: Wire, trade: Trade) -> None:
    quote = trade.document("quotes")
    trade.line(f"quoteid:{quote}", "quotedetails", quantity=2, tax=1)
    assert dv("POST", "ConvertQuoteToSalesOrder", {"QuoteId": quote}).status_code == 400, "a draft is not"
    dv("PATCH", f"quotes({quote})", {"statecode": 1})
    order = dv("POST", "ConvertQuoteToSalesOrder", {"QuoteId": quote, "ColumnSet": {"AllColumns": True}}).json()
    assert (order["_quoteid_value"], order["_customerid_value"]) == (quote, trade.account)
    assert (order["totalamount"], order["statecode"], row(dv, f"quotes({quote})")["statecode"]) == (21, 0, 2)
    answer = dv("POST", "ConvertSalesOrderToInvoice", {"SalesOrderId": order["salesorderid"]})
    invoice = answer.json()
    assert (answer.status_code, invoice["totalamount"]) == (200, 21)
    assert invoice["_salesorderid_value"] == order["salesorderid"]
    assert order_of(dv, order["salesorderid"])["statecode"] == 4
    lines = rows(dv, f"invoicedetails?$filter=_invoiceid_value eq {invoice['invoiceid']}")
    assert [(line["quantity"], line["priceperunit"]) for line in lines] == [(2, 10)]


def test_260_quotes_and_opportunities_are_won_and_lost(dv: Wire, trade: Trade) -> None:
    quotes = [trade.document("quotes") for _ in range(2)]
    for key in quotes:
        dv("PATCH", f"quotes({key})", {"statecode": 1})
    close(dv, "WinQuote", "QuoteClose", quotes[0], Status=4)
    close(dv, "CloseQuote", "QuoteClose", quotes[1], Status=6)
    assert [row(dv, f"quotes({key})")["statecode"] for key in quotes] == [2, 3]
    body = {"name": "O"} | bind(customerid_account=f"accounts({trade.account})")
    chances = [created(dv, "opportunities", body) for _ in range(2)]
    close(dv, "WinOpportunity", "OpportunityClose", chances[0], Status=3)
    close(dv, "LoseOpportunity", "OpportunityClose", chances[1], Status=5)
    assert [row(dv, f"opportunities({key})")["statuscode"] for key in chances] == [3, 5]


def test_260_locked_prices_do_not_follow_the_list(dv: Wire, trade: Trade) -> None:
    order = trade.document()
    line = trade.line(f"salesorderid:{order}")
    assert dv("POST", "LockSalesOrderPricing", {"SalesOrderId": order}).status_code == 204
    item = rows(dv, f"productpricelevels?$filter=_pricelevelid_value eq {trade.price_list}")[0]
    dv("PATCH", f"productpricelevels({item['productpricelevelid']})", {"amount": 20})
    dv("PATCH", f"salesorderdetails({line})", {"quantity": 2})
    assert row(dv, f"salesorderdetails({line})")["extendedamount"] == 20
    dv("POST", "UnlockSalesOrderPricing", {"SalesOrderId": order})
    dv("PATCH", f"salesorderdetails({line})", {"quantity": 2})
    assert row(dv, f"salesorderdetails({line})")["extendedamount"] == 40


@pytest.mark.parametrize("moves", [False, True])
def test_261_reason_of_another_state(dv: Wire, moves: bool) -> None:
    assert dv.sandbox
    dv.sandbox.switches.dv_reason_moves_state = moves
    url = f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    assert error_of(dv("PATCH", url, {"statecode": 0, "statuscode": 2})) == (400, "0x80048408")
    answer = dv("PATCH", url, {"statuscode": 2})
    held = row(dv, url)
    assert (answer.status_code, held["statecode"]) == ((204, 1) if moves else (400, 0))
    assert error_of(dv("POST", "accounts", {"name": "B", "statuscode": 2}))[0] == 400


def test_262_state_alone_picks_its_default_reason(dv: Wire, trade: Trade) -> None:
    order = trade.document()
    dv("PATCH", f"salesorders({order})", {"statecode": 1})
    assert order_of(dv, order)["statuscode"] == 3
    url = f"accounts({trade.account})"
    dv("PATCH", url, {"statecode": 1})
    assert row(dv, url)["statuscode"] == 2
    dv("PATCH", url, {"statecode": 0})
    assert row(dv, url)["statuscode"] == 1


def test_numbers_are_generated_and_own_ones_kept(dv: Wire, trade: Trade) -> None:
    first, second = order_of(dv, trade.document()), order_of(dv, trade.document(ordernumber="MINE-1"))
    assert str(first["ordernumber"]).startswith("ORD-01001-")
    assert second["ordernumber"] == "MINE-1"
    assert first["_accountid_value"] == trade.account


def test_draft_product_cannot_be_sold(dv: Wire, trade: Trade) -> None:
    draft = created(dv, "products", trade.product_body("P9"))
    order = trade.document()
    links = bind(salesorderid=f"salesorders({order})", productid=f"products({draft})", uomid=f"uoms({trade.unit})")
    assert dv("POST", "salesorderdetails", links | {"quantity": 1}).status_code == 400
    assert rows(dv, "salesorderdetails") == []
