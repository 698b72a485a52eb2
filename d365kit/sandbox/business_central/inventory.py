"""Stock movements → item ledger entries, and the inventory an item shows."""

from __future__ import annotations

from d365kit.sandbox.business_central.amounts import exact
from d365kit.sandbox.business_central.company import Company, blank, touch
from d365kit.sandbox.business_central.values import dialog
from d365kit.sandbox.odata.values import now, stored_number
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import new_guid


def adjust(company: Company, item: Row, inventory: object) -> None:
    """Post an adjustment dated today, so that the item's inventory becomes the one given (conformance.md 87)."""
    _refuse_without_stock(item)
    difference = exact(inventory) - exact(item["inventory"])
    kind = "Positive_x0020_Adjmt_x002E_" if difference > 0 else "Negative_x0020_Adjmt_x002E_"
    _entry(company, item, {"entryType": kind, "quantity": stored_number(difference)})


def sell(company: Company, item: Row, line: Row, document: Row) -> None:
    """Post the sale of an item's quantity; negative for goods that come back. Only stock items move stock."""
    if item["type"] != "Inventory" or not exact(line["quantity"]):
        return
    quantity = -exact(line["quantity"])
    amount = line.get("netAmount") or 0
    values = {"entryType": "Sale", "quantity": stored_number(quantity), "salesAmountActual": amount}
    values |= {"sourceType": "Customer", "sourceNumber": document["customerNumber"]}
    values |= {"documentNumber": document["number"], "postingDate": document["postingDate"]}
    values["costAmountActual"] = stored_number(quantity * exact(item["unitCost"]))
    _entry(company, item, values)
    left = exact(item["inventory"]) + quantity
    company.store.update(company.table("items"), item["id"], {"inventory": stored_number(left)})


def _entry(company: Company, item: Row, values: Row) -> None:
    entries = company.table("itemLedgerEntries")
    last = company.store.value(f'SELECT max("entryNumber") FROM "{entries.sql}"') or 0
    row = blank(entries) | {"id": new_guid(), "entryNumber": last + 1, "itemNumber": item["number"]}
    row |= {"postingDate": now(3)[:10], "description": item["displayName"], "documentNumber": "ADJ"} | values
    touch(entries, row)
    company.store.insert(entries, row)


def _refuse_without_stock(item: Row) -> None:
    if item["type"] != "Inventory":
        raise dialog(f"Item {item['number']} keeps no inventory because its type is {item['type']}.")
