"""Bound actions of sales documents → posted invoices, shipments, credit memos, orders made from quotes."""

from __future__ import annotations

from collections.abc import Callable

from d365kit.sandbox.business_central.amounts import exact
from d365kit.sandbox.business_central.company import Company, blank, next_number, touch
from d365kit.sandbox.business_central.documents import KINDS, drop, is_posted, total
from d365kit.sandbox.business_central.inventory import sell
from d365kit.sandbox.business_central.rates import in_local
from d365kit.sandbox.business_central.values import dialog
from d365kit.sandbox.odata.values import now, stored_number
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Refusal, new_guid

Action = Callable[[Company, Table, Row], str]


def run(company: Company, table: Table, row: Row, name: str) -> str:
    """Run an action by its name in any casing; return the path of the document it made, "" for none.

    Source: conformance.md 88 to 91; business-central.md section 6.
    """
    found = next((action for action in table.actions if action.lower() == name.lower()), None)
    if found is None:
        text = f"No action '{name}' is bound to the type 'Microsoft.NAV.{table.entity}'."
        raise Refusal(404, "BadRequest_NotFound", text)
    return _ACTIONS[table.set, found](company, table, row)


def _post(company: Company, table: Table, row: Row) -> str:
    """Post an invoice or a credit memo under its own id, with a number of the posted series."""
    noun = KINDS[table.set].noun
    if is_posted(table, row):
        raise dialog(f"The {noun} {row['number']} is already posted.")
    lines = _lines(company, table, row)
    if not any(exact(line["quantity"]) for line in lines):
        raise dialog("There is nothing to post.")
    _refuse_blocked(company, row)
    sign = 1 if table.set == "salesInvoices" else -1
    changes: Row = {"status": "Open", "number": "P" + str(row["number"])}
    _move_stock(company, lines, row | changes, sign)
    _charge(company, row, sign)
    touch(table, changes)
    company.store.update(table, row["id"], changes)
    return ""


def _send(company: Company, table: Table, row: Row) -> str:
    """Send a posted document; a draft invoice or credit memo cannot be sent."""
    if not is_posted(table, row):
        raise dialog(f"The {KINDS[table.set].noun} {row['number']} is a draft and cannot be sent.")
    if row["status"] == "Canceled":
        raise dialog(f"The {KINDS[table.set].noun} {row['number']} is canceled.")
    return ""


def _post_and_send(company: Company, table: Table, row: Row) -> str:
    return _post(company, table, row)


def _cancel(company: Company, table: Table, row: Row) -> str:
    """Undo a posted document: it counts as canceled, and stock and balance go back."""
    noun = KINDS[table.set].noun
    if not is_posted(table, row):
        raise dialog(f"The {noun} {row['number']} is a draft and cannot be canceled.")
    if row["status"] not in ("Open", "Paid"):
        raise dialog(f"The {noun} {row['number']} is already canceled or corrects another document.")
    sign = -1 if table.set == "salesInvoices" else 1
    lines = _lines(company, table, row)
    _move_stock(company, lines, row, sign)
    _charge(company, row, sign)
    changes: Row = {"status": "Canceled"} | ({"remainingAmount": 0} if "remainingAmount" in table.columns else {})
    touch(table, changes)
    company.store.update(table, row["id"], changes)
    if table.set != "salesInvoices":
        return ""
    made = _copy(company, table, row, "salesCreditMemos", {"invoiceId": row["id"], "invoiceNumber": row["number"]})
    memos = company.table("salesCreditMemos")
    company.store.update(memos, made["id"], {"status": "Corrective", "number": "P" + str(made["number"])})
    return f"salesCreditMemos({made['id']})"


def _make_corrective(company: Company, table: Table, row: Row) -> str:
    """Make a draft credit memo for a posted invoice."""
    if not is_posted(table, row) or row["status"] in ("Canceled", "Corrective"):
        raise dialog(f"The sales invoice {row['number']} cannot be corrected in its status.")
    more = {"invoiceId": row["id"], "invoiceNumber": row["number"]}
    return f"salesCreditMemos({_copy(company, table, row, 'salesCreditMemos', more)['id']})"


def _send_quote(company: Company, table: Table, row: Row) -> str:
    changes: Row = {"status": "Sent", "sentDate": now(3)}
    touch(table, changes)
    company.store.update(table, row["id"], changes)
    return ""


def _make_order(company: Company, table: Table, row: Row) -> str:
    return _turn_quote(company, table, row, "salesOrders")


def _make_invoice(company: Company, table: Table, row: Row) -> str:
    return _turn_quote(company, table, row, "salesInvoices")


def _turn_quote(company: Company, table: Table, row: Row, into: str) -> str:
    """Turn a quote into an order or an invoice; the quote disappears."""
    if not _lines(company, table, row):
        raise dialog(f"The sales quote {row['number']} has no lines.")
    made = _copy(company, table, row, into, {})
    drop(company, table, row)
    return f"{into}({made['id']})"


def _ship_and_invoice(company: Company, table: Table, row: Row) -> str:
    """Post shipment and invoice of a whole order; the order disappears (conformance.md 89)."""
    lines = _lines(company, table, row)
    if not any(exact(line["quantity"]) for line in lines):
        raise dialog("There is nothing to post.")
    _refuse_blocked(company, row)
    invoices = company.table("salesInvoices")
    made = _copy(company, table, row, "salesInvoices", {"orderId": row["id"], "orderNumber": row["number"]})
    posted: Row = {"status": "Open", "number": "P" + str(made["number"])}
    company.store.update(invoices, made["id"], posted)
    _ship(company, row, lines)
    _move_stock(company, _lines(company, invoices, made), made | posted, 1)
    _charge(company, made, 1)
    drop(company, table, row)
    return f"salesInvoices({made['id']})"


def _ship(company: Company, order: Row, lines: list[Row]) -> None:
    shipments, of_lines = company.table("salesShipments"), company.table("salesShipmentLines")
    terms = company.find("paymentTerms", "id", order["paymentTermsId"]) or {}
    method = company.find("shipmentMethods", "id", order["shipmentMethodId"]) or {}
    row = blank(shipments) | _shared(order, shipments)
    row |= {"id": new_guid(), "number": next_number(company.store, shipments), "orderNumber": order["number"]}
    row |= {"paymentTermsCode": terms.get("code", ""), "shipmentMethodCode": method.get("code", "")}
    row["invoiceDate"] = order["postingDate"]
    touch(shipments, row)
    company.store.insert(shipments, row)
    kinds = {"Comment": "_x0020_", "Account": "G_x002F_L_x0020_Account"}
    for line in lines:
        copy = blank(of_lines) | _shared(line, of_lines) | {"id": new_guid(), "documentId": row["id"]}
        copy |= {"documentNo": row["number"], "lineType": kinds.get(line["lineType"], line["lineType"])}
        company.store.insert(of_lines, copy)


def _copy(company: Company, table: Table, row: Row, into: str, more: Row) -> Row:
    """Add a draft of another kind with the same customer, lines and discounts, and return its header."""
    target = company.table(into)
    of_lines = company.table(KINDS[into].lines)
    made = blank(target) | _shared(row, target) | {"id": new_guid(), "status": "Draft"} | more
    made["number"] = next_number(company.store, target)
    made[KINDS[into].day] = row["postingDate"]
    made["lastModifiedDateTime"] = now(3)
    company.store.insert(target, made)
    for line in _lines(company, table, row):
        copy = blank(of_lines) | _shared(line, of_lines) | {"id": new_guid(), "documentId": made["id"]}
        if "shipQuantity" in of_lines.columns:
            copy |= {"shipQuantity": line["quantity"], "invoiceQuantity": line["quantity"]}
        company.store.insert(of_lines, copy)
    total(company, target, str(made["id"]))
    return company.store.get(target, made["id"]) or made


def _shared(row: Row, target: Table) -> Row:
    return {name: value for name, value in row.items() if name in target.columns and name not in ("id", "status")}


def _lines(company: Company, table: Table, row: Row) -> list[Row]:
    return company.all(KINDS[table.set].lines, '"documentId" = ?', row["id"])


def _move_stock(company: Company, lines: list[Row], document: Row, sign: int) -> None:
    for line in lines:
        item = company.find("items", "id", line["itemId"]) if line["lineType"] == "Item" else None
        if item:
            sell(company, item, line | {"quantity": stored_number(sign * exact(line["quantity"]))}, document)


def _charge(company: Company, document: Row, sign: int) -> None:
    """Add a posted total to the customer's balance: a calculated field, so the customer does not count as changed."""
    customers = company.table("customers")
    payer = company.find("customers", "id", document["billToCustomerId"])
    if payer:
        amount = in_local(company, document, exact(document["totalAmountIncludingTax"]))
        balance = exact(payer["balanceDue"]) + sign * amount
        company.store.update(customers, payer["id"], {"balanceDue": stored_number(balance)})


def _refuse_blocked(company: Company, row: Row) -> None:
    payer = company.find("customers", "id", row["billToCustomerId"])
    if payer and payer["blocked"] in ("All", "Invoice"):
        raise dialog(f"You cannot post this document because customer {payer['number']} is blocked.")


_ACTIONS: dict[tuple[str, str], Action] = {
    ("salesQuotes", "send"): _send_quote,
    ("salesQuotes", "makeOrder"): _make_order,
    ("salesQuotes", "makeInvoice"): _make_invoice,
    ("salesOrders", "shipAndInvoice"): _ship_and_invoice,
    ("salesInvoices", "makeCorrectiveCreditMemo"): _make_corrective,
}
for _set in ("salesInvoices", "salesCreditMemos"):
    _ACTIONS |= {(_set, "post"): _post, (_set, "postAndSend"): _post_and_send, (_set, "send"): _send}
    _ACTIONS |= {(_set, "cancel"): _cancel, (_set, "cancelAndSend"): _cancel}
