"""Conformance B: expanded parts, contained paths, blanks and values of Business Central (lines 44 to 55)."""

from __future__ import annotations

from decimal import Decimal
from json import loads

import pytest

from d365kit.sandbox.schema import ZERO_GUID
from tests.conformance.business_central import UNKNOWN, first, made, message, order_of, row, rows
from tests.conformance.conftest import Wire, error_of


def test_044_expand_a_collection(bc: Wire) -> None:
    order, empty = order_of(bc, 2, 5), order_of(bc)
    more = "?$expand=salesOrderLines($select=sequence,quantity)"
    found = row(bc, "salesOrders", order["id"], more)
    lines = found["salesOrderLines"]
    assert [(line["sequence"], line["quantity"]) for line in lines] == [(10000, 2), (20000, 5)]
    assert set(lines[0]) == {"@odata.etag", "sequence", "quantity"}
    assert row(bc, "salesOrders", empty["id"], more)["salesOrderLines"] == []
    listed = {item["id"]: item for item in rows(bc, f"salesOrders{more}&$select=id")}
    assert listed[order["id"]]["salesOrderLines"] == lines
    assert listed[empty["id"]]["salesOrderLines"] == []
    assert set(listed[empty["id"]]) == {"@odata.etag", "id", "salesOrderLines"}


def test_044_expand_with_options_and_levels(bc: Wire) -> None:
    order = order_of(bc, 2, 5, 7)
    more = (
        "?$expand=salesOrderLines($filter=quantity gt 2;$orderby=sequence desc;$top=1;$expand=item($select=number))"
    )
    (line,) = row(bc, "salesOrders", order["id"], more)["salesOrderLines"]
    assert (line["sequence"], line["quantity"]) == (30000, 7)
    assert set(line["item"]) == {"@odata.etag", "number"}
    assert line["item"]["number"] == line["lineObjectNumber"]
    both = "?$expand=customer($select=number),salesOrderLines($filter=quantity lt 3)&$filter=number eq '%s'"
    (found,) = rows(bc, f"salesOrders{both % order['number']}")
    assert found["customer"]["number"] == order["customerNumber"]
    assert [item["quantity"] for item in found["salesOrderLines"]] == [2]


@pytest.mark.parametrize("text", ["nosuch", "salesOrderLines(", "customer($select=nosuch)", "customer,"])
def test_044_malformed_expand(bc: Wire, text: str) -> None:
    status, code = error_of(bc.get(bc.in_company(f"salesOrders?$expand={text}")))
    assert status == 400
    assert code.startswith("BadRequest")


def test_045_expand_to_one(bc: Wire) -> None:
    item = made(bc, "items", displayName="Bare")
    found = row(bc, "items", item["id"], "?$expand=unitOfMeasure,itemCategory,picture")
    assert found["unitOfMeasure"] is None
    assert found["itemCategory"] is None
    assert found["picture"] is None
    known = first(bc, "items", "&$filter=baseUnitOfMeasureCode ne ''&$expand=unitOfMeasure,itemVariants")
    assert known["unitOfMeasure"]["code"] == known["baseUnitOfMeasureCode"]
    assert known["unitOfMeasure"]["id"] == known["baseUnitOfMeasureId"]
    assert known["itemVariants"] == []


def test_045_customer_parts_by_either_name(bc: Wire) -> None:
    customer = first(bc, "customers")
    for name in ("customerFinancialDetail", "customerFinancialDetails"):
        found = row(bc, "customers", customer["id"], f"?$expand={name},currency,paymentTerm")
        assert found[name]["number"] == customer["number"]
        assert found[name]["balance"] == customer["balanceDue"]
        assert (found["currency"] is None) == (customer["currencyId"] == ZERO_GUID)
        assert (found["paymentTerm"] is None) == (customer["paymentTermsId"] == ZERO_GUID)


def test_046_contained_paths(bc: Wire) -> None:
    order, other = order_of(bc, 2, 5), order_of(bc, 1)
    path = f"salesOrders({order['id']})/salesOrderLines"
    answer = bc.get(bc.in_company(path))
    assert answer.status_code == 200
    assert answer.json()["@odata.context"] == f"{bc.root}/$metadata#companies({bc.company})/{path}"
    lines = answer.json()["value"]
    assert [line["documentId"] for line in lines] == [order["id"]] * 2
    one = bc.get(bc.in_company(f"{path}({lines[0]['id']})"))
    assert one.json()["quantity"] == 2
    assert one.json()["@odata.context"].endswith(f"{path}/$entity")
    foreign = bc.get(bc.in_company(f"salesOrders({other['id']})/salesOrderLines({lines[0]['id']})"))
    assert error_of(foreign)[0] == 404
    item = bc.get(bc.in_company(f"{path}({lines[0]['id']})/item")).json()
    assert item["id"] == lines[0]["itemId"]
    assert bc.get(bc.in_company(f"{path}/$count")).text == "2"
    page = bc.get(bc.in_company(path), Prefer="odata.maxpagesize=1").json()
    assert [line["sequence"] for line in page["value"]] == [10000]
    assert [line["sequence"] for line in bc.get(page["@odata.nextLink"]).json()["value"]] == [20000]


def test_047_lines_need_their_document(bc: Wire) -> None:
    order = order_of(bc, 2, 5)
    sets = ("salesOrderLines", "salesQuoteLines", "salesInvoiceLines", "salesCreditMemoLines", "salesShipmentLines")
    for name in sets:
        for more in ("", "?$filter=sequence eq 10000", "/$count"):
            answer = bc.get(bc.in_company(name + more))
            assert error_of(answer)[0] == 400
            assert "specify an Id or a Document Id" in message(answer)
    found = rows(bc, f"salesOrderLines?$filter=documentId eq {order['id']}")
    assert [line["quantity"] for line in found] == [2, 5]
    assert rows(bc, f"salesOrderLines?$filter=id eq {found[1]['id']}") == found[1:]
    assert row(bc, "salesOrderLines", found[0]["id"])["quantity"] == 2


def test_048_blanks(bc: Wire) -> None:
    customer = made(bc, "customers", displayName="Blank")
    assert None not in customer.values()
    assert customer["city"] == customer["website"] == customer["salespersonCode"] == ""
    assert customer["creditLimit"] == customer["balanceDue"] == 0
    assert customer["paymentTermsId"] == customer["taxAreaId"] == ZERO_GUID
    assert customer["blocked"] == "_x0020_"
    assert customer["taxLiable"] is False
    order = order_of(bc, 1)
    assert order["requestedDeliveryDate"] == "0001-01-01"
    quote = made(bc, "salesQuotes", customerId=customer["id"])
    assert quote["sentDate"] == "0001-01-01T00:00:00Z"
    contact = made(bc, "contacts", displayName="Blank")
    assert contact["lastInteractionDate"] == "0001-01-01"
    assert bc.get(bc.in_company("customers?$filter=blocked eq ' '&$select=id")).status_code == 200


def test_049_enum_with_punctuation(bc: Wire) -> None:
    item = made(bc, "items", displayName="A", type="Non_x002D_Inventory")
    assert item["type"] == "Non_x002D_Inventory"
    found = rows(bc, "items?$filter=type eq 'Non_x002D_Inventory'")
    assert [line["id"] for line in found] == [item["id"]]
    assert error_of(bc("POST", bc.in_company("items"), {"displayName": "A", "type": "Non-Inventory"}))[0] == 400
    metadata = bc.get("$metadata").text
    assert '<Member Name="In_x0020_Review"' in metadata


def test_050_local_currency(bc: Wire) -> None:
    local = rows(bc, "generalLedgerSetup")[0]["localCurrencyCode"]
    customer = made(bc, "customers", displayName="Local")
    assert (customer["currencyId"], customer["currencyCode"]) == (ZERO_GUID, local)
    assert local not in [currency["code"] for currency in rows(bc, "currencies")]
    sent = made(bc, "customers", displayName="Local", currencyCode=local)
    assert sent["currencyId"] == ZERO_GUID


def test_051_decimals_keep_their_digits(bc: Wire) -> None:
    for digits in ("1234567890.12345", "99999999999999.999999", "0.000001", "-5.10"):
        body = f'{{"displayName":"A","unitPrice":{digits}}}'.encode()
        answer = bc("POST", bc.in_company("items"), body, Content_Type="application/json")
        assert answer.status_code == 201
        kept = loads(answer.content, parse_float=str, parse_int=str)["unitPrice"]
        assert Decimal(kept) == Decimal(digits)
        key = answer.json()["id"]
        text = bc.get(bc.in_company(f"items({key})?$select=unitPrice")).text
        assert f'"unitPrice":{kept}' in text
    assert len(rows(bc, "items?$filter=unitPrice eq 1234567890.12345")) == 1


@pytest.mark.read_only
def test_052_reading_from_a_replica(bc: Wire) -> None:
    plain = rows(bc, "customers?$top=3")
    answer = bc.get(bc.in_company("customers?$top=3"), Data_Access_Intent="ReadOnly")
    assert answer.status_code == 200
    assert answer.json()["value"] == plain


def test_053_read_only_intent_does_not_write(bc: Wire) -> None:
    customer = first(bc, "customers")
    one = bc.in_company(f"customers({customer['id']})")
    before = len(rows(bc, "customers"))
    for method, path in (("POST", bc.in_company("customers")), ("PATCH", one), ("DELETE", one)):
        body = None if method == "DELETE" else {"displayName": "Never"}
        answer = bc(method, path, body, Data_Access_Intent="ReadOnly", If_Match="*")
        assert 400 <= answer.status_code < 500
    assert len(rows(bc, "customers")) == before
    assert row(bc, "customers", customer["id"])["displayName"] == customer["displayName"]


def test_055_exchange_rates_are_read_only(bc: Wire) -> None:
    rate = first(bc, "currencyExchangeRates")
    one = bc.in_company(f"currencyExchangeRates({rate['id']})")
    for method, path, body in (
        ("POST", bc.in_company("currencyExchangeRates"), {"currencyCode": "USD"}),
        ("PATCH", one, {"exchangeRateAmount": 2}),
        ("DELETE", one, None),
    ):
        assert error_of(bc(method, path, body, If_Match="*")) == (405, "BadRequest_MethodNotAllowed")
    assert row(bc, "currencyExchangeRates", rate["id"])["exchangeRateAmount"] == rate["exchangeRateAmount"]
    assert error_of(bc.get(bc.in_company(f"currencyExchangeRates({UNKNOWN})")))[0] == 404
