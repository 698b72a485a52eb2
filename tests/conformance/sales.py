"""A small trade for the tests of sales rules: a unit group, an active product, a price list in euro, a customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.conformance.conftest import Wire
from tests.conformance.dataverse import bind, created, rows


@dataclass
class Trade:
    """The ids of what is traded: P1 costs 10 euro in the list."""

    dv: Wire
    group: str
    unit: str
    product: str
    price_list: str
    account: str

    def product_body(self, number: str) -> dict[str, Any]:
        return product_body(number, self.group, self.unit)

    def publish(self, number: str) -> str:
        """Another active product."""
        key = created(self.dv, "products", self.product_body(number))
        assert self.dv("PATCH", f"products({key})", {"statecode": 0, "statuscode": 1}).status_code == 204
        return key

    def currency(self, code: str) -> str:
        found = rows(self.dv, f"transactioncurrencies?$filter=isocurrencycode eq '{code}'")
        return str(found[0]["transactioncurrencyid"])

    def list_in(self, code: str, name: str) -> str:
        """A new price list in a currency."""
        body = {"name": name} | bind(transactioncurrencyid=f"transactioncurrencies({self.currency(code)})")
        return created(self.dv, "pricelevels", body)

    def document(self, set: str = "salesorders", **values: Any) -> str:
        """A new order, quote or invoice of the customer, priced by the list."""
        links = bind(customerid_account=f"accounts({self.account})", pricelevelid=f"pricelevels({self.price_list})")
        return created(self.dv, set, {"name": "D"} | links | values)

    def line(self, parent: str, set: str = "salesorderdetails", **values: Any) -> str:
        """A new line of a document: ``trade.line("salesorderid:<id>", quantity=2)``."""
        name, _, key = parent.partition(":")
        header = {"salesorderid": "salesorders", "quoteid": "quotes", "invoiceid": "invoices"}[name]
        links = {name: f"{header}({key})", "productid": f"products({self.product})", "uomid": f"uoms({self.unit})"}
        return created(self.dv, set, bind(**links) | {"quantity": 1} | values)


def product_body(number: str, group: str, unit: str) -> dict[str, Any]:
    links = bind(defaultuomscheduleid=f"uomschedules({group})", defaultuomid=f"uoms({unit})")
    return {"productnumber": number, "name": f"Product {number}", "quantitydecimal": 2, "price": 10} | links


def price_item(price_list: str, product: str, unit: str, amount: float) -> dict[str, Any]:
    links = bind(pricelevelid=f"pricelevels({price_list})", productid=f"products({product})", uomid=f"uoms({unit})")
    return {"amount": amount} | links


def start_trade(dv: Wire) -> Trade:
    group = created(dv, "uomschedules", {"name": "Trade", "baseuomname": "TPCS"})
    unit = rows(dv, f"uoms?$filter=_uomscheduleid_value eq {group}")[0]["uomid"]
    product = created(dv, "products", product_body("P1", group, unit))
    dv("PATCH", f"products({product})", {"statecode": 0, "statuscode": 1})
    trade = Trade(dv, group, unit, product, "", created(dv, "accounts", {"name": "Customer"}))
    trade.price_list = trade.list_in("EUR", "Trade list")
    created(dv, "productpricelevels", price_item(trade.price_list, product, unit, 10))
    return trade
