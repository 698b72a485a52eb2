"""Conformance O: what Dataverse enforces on units, products, price lists and currencies, lines 241 to 255."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import bind, created, row, rows
from tests.conformance.sales import Trade, price_item


def test_241_unit_group_brings_its_base_unit(dv: Wire) -> None:
    group = created(dv, "uomschedules", {"name": "G", "baseuomname": "PCS"})
    units = rows(dv, f"uoms?$filter=_uomscheduleid_value eq {group}")
    assert [(unit["name"], unit["quantity"], unit["isschedulebaseuom"]) for unit in units] == [("PCS", 1, True)]
    assert units[0]["_baseuom_value"] is None
    assert dv("POST", "uomschedules", {"name": "H"}).status_code == 400


def test_242_base_unit_keeps_its_quantity(dv: Wire, trade: Trade) -> None:
    assert error_of(dv("PATCH", f"uoms({trade.unit})", {"quantity": 2})) == (400, "0x80043b18")
    assert row(dv, f"uoms({trade.unit})")["quantity"] == 1
    body = {"name": "BOX", "quantity": 12} | bind(
        uomscheduleid=f"uomschedules({trade.group})", baseuom=f"uoms({trade.unit})"
    )
    box = created(dv, "uoms", body)
    assert dv("PATCH", f"uoms({box})", {"quantity": 24}).status_code == 204
    assert row(dv, f"uoms({box})")["quantity"] == 24


@pytest.mark.parametrize(
    ("left_out", "code"), [("defaultuomscheduleid", "0x80043b13"), ("defaultuomid", "0x80043b14")]
)
def test_243_product_without_group_or_unit(dv: Wire, trade: Trade, left_out: str, code: str) -> None:
    body = trade.product_body("P9")
    del body[f"{left_out}@odata.bind"]
    assert error_of(dv("POST", "products", body)) == (400, code)
    assert rows(dv, "products?$filter=productnumber eq 'P9'") == []


def test_244_default_unit_of_another_group(dv: Wire, trade: Trade) -> None:
    other = created(dv, "uomschedules", {"name": "Other", "baseuomname": "KG2"})
    unit = rows(dv, f"uoms?$filter=_uomscheduleid_value eq {other}")[0]["uomid"]
    body = trade.product_body("P9") | bind(defaultuomid=f"uoms({unit})")
    assert error_of(dv("POST", "products", body)) == (400, "0x80043b14")
    assert rows(dv, "products?$filter=productnumber eq 'P9'") == []


def test_245_new_products_are_drafts_unless_the_organization_says(dv: Wire, trade: Trade) -> None:
    draft = row(dv, f"products({created(dv, 'products', trade.product_body('P9'))})")
    assert (draft["statecode"], draft["statuscode"]) == (2, 0)
    organization = rows(dv, "organizations")[0]["organizationid"]
    dv("PATCH", f"organizations({organization})", {"createproductswithoutparentinactivestate": True})
    active = row(dv, f"products({created(dv, 'products', trade.product_body('P10'))})")
    assert (active["statecode"], active["statuscode"]) == (0, 1)


def move(dv: Wire, trade: Trade, *moves: dict[str, int]) -> str:
    """A new product, moved through states; return its address."""
    url = f"products({created(dv, 'products', trade.product_body('P9'))})"
    for changes in moves:
        assert dv("PATCH", url, changes).status_code == 204
        assert row(dv, url)["statecode"] == changes["statecode"]
    return url


def refused_move(dv: Wire, url: str, changes: dict[str, int], code: str) -> None:
    before = row(dv, url)
    assert error_of(dv("PATCH", url, changes)) == (400, code)
    assert row(dv, url)["@odata.etag"] == before["@odata.etag"]


def test_246_a_draft_is_published(dv: Wire, trade: Trade) -> None:
    url = move(dv, trade, {"statecode": 0, "statuscode": 1})
    assert row(dv, url)["statuscode"] == 1
    for changes in ({"statecode": 3}, {"statecode": 0}, {"statecode": 1}, {"statecode": 0}):
        assert dv("PATCH", url, changes).status_code == 204


def test_247_an_active_product_does_not_become_a_draft(dv: Wire, trade: Trade) -> None:
    refused_move(dv, move(dv, trade, {"statecode": 0}), {"statecode": 2, "statuscode": 0}, "0x8004F912")


def test_247_nor_does_a_retired_one(dv: Wire, trade: Trade) -> None:
    refused_move(dv, move(dv, trade, {"statecode": 0}, {"statecode": 1}), {"statecode": 2}, "0x8004F913")


@pytest.mark.parametrize(("state", "code"), [(1, "0x8004F978"), (3, "0x8004F979")])
def test_248_a_draft_is_neither_retired_nor_revised(dv: Wire, trade: Trade, state: int, code: str) -> None:
    refused_move(dv, move(dv, trade), {"statecode": state}, code)


def test_249_product_number_in_use(dv: Wire, trade: Trade) -> None:
    assert error_of(dv("POST", "products", trade.product_body("p1"))) == (400, "0x80043b06")
    other = created(dv, "products", trade.product_body("P9"))
    assert error_of(dv("PATCH", f"products({other})", {"productnumber": "P1"})) == (400, "0x80043b06")
    assert len(rows(dv, "products?$filter=productnumber eq 'P1'")) == 1


@pytest.mark.parametrize("decimals", [None, -1, 6])
def test_250_quantity_decimals(dv: Wire, trade: Trade, decimals: int | None) -> None:
    body: dict[str, Any] = trade.product_body("P9") | {"quantitydecimal": decimals}
    assert error_of(dv("POST", "products", body)) == (400, "0x80043b07")
    assert rows(dv, "products?$filter=productnumber eq 'P9'") == []


def test_251_one_price_per_list_product_and_unit(dv: Wire, trade: Trade) -> None:
    body = price_item(trade.price_list, trade.product, trade.unit, 11)
    assert error_of(dv("POST", "productpricelevels", body)) == (400, "0x80043b08")
    items = rows(dv, f"productpricelevels?$filter=_pricelevelid_value eq {trade.price_list}")
    assert [item["amount"] for item in items] == [10]
    assert items[0]["productnumber"] == "P1"
    assert items[0]["_uomscheduleid_value"] == trade.group


def test_252_currency_comes_from_the_list(dv: Wire, trade: Trade) -> None:
    usd = trade.currency("USD")
    product = trade.publish("P9")
    body = price_item(trade.price_list, product, trade.unit, 5)
    key = created(dv, "productpricelevels", body | bind(transactioncurrencyid=f"transactioncurrencies({usd})"))
    assert row(dv, f"productpricelevels({key})")["_transactioncurrencyid_value"] == trade.currency("EUR")
    change = bind(transactioncurrencyid=f"transactioncurrencies({usd})")
    dv("PATCH", f"productpricelevels({key})", change)
    assert row(dv, f"productpricelevels({key})")["_transactioncurrencyid_value"] == trade.currency("EUR")


def test_253_price_item_stays_in_its_list(dv: Wire, trade: Trade) -> None:
    other = trade.list_in("USD", "Dollars")
    item = rows(dv, f"productpricelevels?$filter=_pricelevelid_value eq {trade.price_list}")[0]
    url = f"productpricelevels({item['productpricelevelid']})"
    assert dv("PATCH", url, bind(pricelevelid=f"pricelevels({other})")).status_code == 204
    assert row(dv, url)["_pricelevelid_value"] == trade.price_list


def test_254_amounts_in_the_base_currency(dv: Wire, trade: Trade) -> None:
    dollars = trade.list_in("USD", "Dollars")
    key = created(dv, "productpricelevels", price_item(dollars, trade.product, trade.unit, 12.5))
    item = row(dv, f"productpricelevels({key})")
    rate = row(dv, f"transactioncurrencies({trade.currency('USD')})")["exchangerate"]
    assert item["exchangerate"] == rate
    assert item["amount_base"] == pytest.approx(12.5 / rate, abs=0.00005)


def test_255_iso_code_in_use(dv: Wire) -> None:
    body = {"isocurrencycode": "USD", "currencyname": "Again", "currencysymbol": "$", "currencyprecision": 2}
    answer = dv("POST", "transactioncurrencies", body | {"exchangerate": 1.5})
    assert error_of(answer) == (400, "0x80048cf3")
    assert len(rows(dv, "transactioncurrencies?$filter=isocurrencycode eq 'USD'")) == 1


def test_price_item_needs_a_unit_of_the_product(dv: Wire, trade: Trade) -> None:
    other = created(dv, "uomschedules", {"name": "Other", "baseuomname": "KG2"})
    unit = rows(dv, f"uoms?$filter=_uomscheduleid_value eq {other}")[0]["uomid"]
    body = price_item(trade.list_in("EUR", "Second"), trade.product, unit, 5)
    assert error_of(dv("POST", "productpricelevels", body)) == (400, "0x80043b14")
