"""Values → sales documents: what a header takes from its customer, its totals, what may be deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from d365kit.sandbox.business_central.amounts import totals
from d365kit.sandbox.business_central.company import Company, blank, next_number, touch
from d365kit.sandbox.business_central.relations import related
from d365kit.sandbox.business_central.values import dialog
from d365kit.sandbox.odata.values import now
from d365kit.sandbox.schema import BLANK_DATE, ZERO_GUID, Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import new_guid


@dataclass(frozen=True)
class Kind:
    """A kind of sales document: the set of its lines, the date it is known by, what messages call it."""

    lines: str
    day: str
    noun: str


KINDS = {
    "salesQuotes": Kind("salesQuoteLines", "documentDate", "sales quote"),
    "salesOrders": Kind("salesOrderLines", "orderDate", "sales order"),
    "salesInvoices": Kind("salesInvoiceLines", "invoiceDate", "sales invoice"),
    "salesCreditMemos": Kind("salesCreditMemoLines", "creditMemoDate", "sales credit memo"),
}
#: Statuses in which a document is not posted.
OPEN = frozenset({"Draft", "In_x0020_Review", "Sent", "Accepted", "Expired_x0020_", "_x0020_"})
#: What stays editable on a posted invoice.
_AFTER_POSTING = frozenset({"promisedPayDate", "disputeStatusId", "disputeStatus"})
_NOBODY = 'A "customerNumber" or a "customerId" must be provided.'
_PLACE = {
    "AddressLine1": "addressLine1",
    "AddressLine2": "addressLine2",
    "City": "city",
    "Country": "country",
    "State": "state",
    "PostCode": "postalCode",
}
#: Columns of documents that name a row of another set, by that set.
_USES = {
    "customers": ("id", ("customerId", "billToCustomerId")),
    "currencies": ("id", ("currencyId",)),
    "paymentTerms": ("id", ("paymentTermsId",)),
    "shipmentMethods": ("id", ("shipmentMethodId",)),
    "salespeoplePurchasers": ("code", ("salesperson",)),
    "items": ("id", ("itemId",)),
    "unitsOfMeasure": ("id", ("unitOfMeasureId",)),
    "itemVariants": ("id", ("itemVariantId",)),
    "locations": ("id", ("locationId",)),
}


def is_posted(table: Table, row: Row) -> bool:
    """Whether a document is posted; an order never is, its Open means released."""
    return table.set in ("salesInvoices", "salesCreditMemos") and row["status"] not in OPEN


def new(company: Company, table: Table, values: Row) -> Row:
    """Return a new header: numbered, dated, filled from its customer; not stored yet (conformance.md 80, 81)."""
    if values.get("customerId", ZERO_GUID) == ZERO_GUID and not values.get("customerNumber"):
        raise dialog(_NOBODY)
    values = related(company, table, values, creating=False)
    row = blank(table) | {"id": new_guid(), "status": "Draft"} | from_customer(company, table, values) | values
    today = now(3)[:10]
    for name in (KINDS[table.set].day, "postingDate"):
        row[name] = today if row[name] == BLANK_DATE else row[name]
    if row.get("dueDate") == BLANK_DATE:
        row["dueDate"] = _due(company, row)
    row["number"] = next_number(company.store, table)
    touch(table, row)
    return row


def from_customer(company: Company, table: Table, values: Row) -> Row:
    """Return what a header takes from its sell-to and its bill-to customer."""
    seller = company.find("customers", "id", values["customerId"]) or {}
    payer = company.find("customers", "id", values.get("billToCustomerId", "")) or seller
    if "All" in (seller.get("blocked"), payer.get("blocked")):
        raise dialog(f"You cannot create this document because customer {seller['number']} is blocked.")
    found = {
        "customerId": seller["id"],
        "customerNumber": seller["number"],
        "customerName": seller["displayName"],
        "billToCustomerId": payer["id"],
        "billToCustomerNumber": payer["number"],
        "billToName": payer["displayName"],
        "shipToName": seller["displayName"],
        "salesperson": seller["salespersonCode"],
        "currencyId": payer["currencyId"],
        "currencyCode": payer["currencyCode"],
        "paymentTermsId": payer["paymentTermsId"],
        "shipmentMethodId": seller["shipmentMethodId"],
        "phoneNumber": seller["phoneNumber"],
        "email": seller["email"],
    }
    for role, partner in (("sellTo", seller), ("shipTo", seller), ("billTo", payer)):
        found |= {f"{role}{ours}": partner[theirs] for ours, theirs in _PLACE.items()}
    return {name: value for name, value in found.items() if name in table.columns}


def change(company: Company, table: Table, row: Row, values: Row) -> None:
    """Change a header; another customer fills it anew, and the totals follow."""
    changes = {name: value for name, value in values.items() if value != row[name]}
    if not changes:
        return
    if is_posted(table, row) and not set(changes) <= _AFTER_POSTING:
        raise dialog(f"The {KINDS[table.set].noun} {row['number']} is posted and cannot be changed.")
    if "customerId" in changes:
        if changes["customerId"] == ZERO_GUID:
            raise dialog(_NOBODY)
        taken = from_customer(company, table, {"customerId": changes["customerId"]})
        changes = taken | changes
    touch(table, changes)
    company.store.update(table, row["id"], changes)
    total(company, table, str(row["id"]))


def total(company: Company, table: Table, key: str) -> None:
    """Recompute a document's amounts and totals; the header counts as changed (conformance.md 85)."""
    header = company.store.get(table, key) or {}
    of_lines = company.table(KINDS[table.set].lines)
    rows = company.all(of_lines.set, '"documentId" = ?', key)
    sums, amounts = totals(header, rows)
    for row, values in zip(rows, amounts, strict=True):
        changes = {n: v for n, v in values.items() if n in of_lines.columns and v != row[n]}
        if changes:
            company.store.update(of_lines, row["id"], changes)
    if "remainingAmount" in table.columns:
        sums["remainingAmount"] = sums["totalAmountIncludingTax"]
    touch(table, sums)
    company.store.update(table, key, sums)


def remove(company: Company, table: Table, row: Row) -> None:
    """Delete a document with its lines; a posted one stays."""
    if is_posted(table, row):
        raise dialog(f"The {KINDS[table.set].noun} {row['number']} is posted and cannot be deleted.")
    drop(company, table, row)


def drop(company: Company, table: Table, row: Row) -> None:
    """Remove header and lines from the store."""
    of_lines = company.table(KINDS[table.set].lines)
    with company.store.transaction() as connection:
        connection.execute(f'DELETE FROM "{of_lines.sql}" WHERE "documentId" = ?', (row["id"],))
        company.store.delete(table, row["id"])


def refuse_if_used(company: Company, table: Table, row: Row) -> None:
    """Refuse to delete what open documents use, and customers that were invoiced (conformance.md 79)."""
    column, uses = _USES.get(table.set, ("", ()))
    for use in uses:
        for name, kind in KINDS.items():
            headers, of_lines = company.table(name), company.table(kind.lines)
            if use in headers.columns:
                condition = f'h."{use}" = ?'
            else:
                condition = f'h."id" IN (SELECT l."documentId" FROM "{of_lines.sql}" l WHERE l."{use}" = ?)'
            marks = "1" if table.set == "customers" else f'h."status" IN ({", ".join("?" * len(OPEN))})'
            marks = "1" if name == "salesOrders" else marks
            more = () if marks == "1" else tuple(sorted(OPEN))
            sql = f'SELECT h."number" FROM "{headers.sql}" h WHERE {condition} AND {marks} LIMIT 1'
            number = company.store.value(sql, (row[column], *more))
            if number is not None:
                shown = row.get("number") or row.get("code")
                text = f"You cannot delete {table.entity} {shown} because {kind.noun} {number} uses it."
                raise dialog(text)


def _due(company: Company, row: Row) -> str:
    terms = company.find("paymentTerms", "id", row["paymentTermsId"])
    start = str(row["postingDate"])
    match = re.fullmatch(r"(\d+)D", str(terms["dueDateCalculation"])) if terms else None
    return (date.fromisoformat(start) + timedelta(days=int(match.group(1)))).isoformat() if match else start
