"""Price items, and the price a product has in a list. Source: dataverse.md section 17."""

from __future__ import annotations

from decimal import Decimal

from d365kit.sandbox.dataverse.call import refuse
from d365kit.sandbox.dataverse.rules import Write
from d365kit.sandbox.schema import schema
from d365kit.sandbox.store import Row, Store

_AMOUNT, _OF_LIST = 1, 2
#: Percent methods over a cost of the product: which column, and whether the percentage is a margin.
_OVER_COST = {
    3: ("currentcost", False),
    4: ("currentcost", True),
    5: ("standardcost", False),
    6: ("standardcost", True),
}
_MISSING = {3: 15, 4: 15, 5: 16, 6: 16}
NOT_IN_LIST, NO_AMOUNT, NO_PERCENTAGE, NO_PRICE = 11, 12, 13, 14


def check_price_item(write: Write) -> None:
    """A price of a product and unit in a list: once only, in the list's currency (conformance.md 251 to 254)."""
    row, store, dv = write.row, write.store, schema("dv")
    price_list = store.get(dv.entity("pricelevel"), row["_pricelevelid_value"] or "")
    product = store.get(dv.entity("product"), row["_productid_value"] or "")
    if price_list is None or product is None:
        missing = "pricelevelid" if price_list is None else "productid"
        raise refuse(400, "0x80040203", f"Attribute: {missing} cannot be set to NULL")
    row["_uomid_value"] = row["_uomid_value"] or product["_defaultuomid_value"]
    unit = store.get(dv.entity("uom"), row["_uomid_value"] or "")
    if unit is None or unit["_uomscheduleid_value"] != product["_defaultuomscheduleid_value"]:
        raise refuse(400, "0x80043b14", "The unit is not valid for the product: it is not in its unit group.")
    _check_once(write)
    for name, value in (("pricingmethodcode", _AMOUNT), ("quantitysellingcode", 1), ("roundingpolicycode", 1)):
        row[name] = row[name] or value
    if row["percentage"] is not None and not 0 <= float(row["percentage"]) <= 1e9:
        raise refuse(400, "0x80043b0c", "The percentage of the price list item is out of range.")
    derived = {
        "productnumber": product["productnumber"],
        "_uomscheduleid_value": unit["_uomscheduleid_value"],
        "_transactioncurrencyid_value": price_list["_transactioncurrencyid_value"],
    }
    row |= derived
    write.values.update(derived)


def _check_once(write: Write) -> None:
    row = write.row
    sql = """SELECT 1 FROM dv_productpricelevel WHERE "_pricelevelid_value" = ? AND "_productid_value" = ?
        AND "_uomid_value" = ? AND productpricelevelid <> ?"""
    names = ("_pricelevelid_value", "_productid_value", "_uomid_value", "productpricelevelid")
    if write.store.value(sql, [row[name] for name in names]):
        text = "This product and unit combination has a price for this price list."
        raise refuse(400, "0x80043b08", text)


def price_in_list(store: Store, price_list: str, product: Row, unit: str) -> tuple[Decimal | None, int]:
    """Return the price of a product and unit in a list, and the pricing error code when there is none."""
    sql = """SELECT amount, percentage, pricingmethodcode FROM dv_productpricelevel
        WHERE "_pricelevelid_value" = ? AND "_productid_value" = ? AND "_uomid_value" = ?"""
    found = store.query(sql, (price_list, product["productid"], unit))
    if not found:
        return None, NOT_IN_LIST
    amount, percentage, method = found[0]
    if method == _AMOUNT:
        return (None, NO_AMOUNT) if amount is None else (Decimal(str(amount)), 0)
    if percentage is None:
        return None, NO_PERCENTAGE
    share = Decimal(str(percentage)) / 100
    if method == _OF_LIST:
        return (None, NO_PRICE) if product["price"] is None else (Decimal(str(product["price"])) * share, 0)
    column, margin = _OVER_COST[method]
    if product[column] is None:
        return None, _MISSING[method]
    cost = Decimal(str(product[column]))
    return (cost / (1 - share) if margin else cost * (1 + share)), 0
