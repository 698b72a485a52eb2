"""Actions that close, win, convert and lock sales documents → Reply. Source: dataverse.md section 15."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from d365kit.sandbox.dataverse import reads as reads
from d365kit.sandbox.dataverse import writes as writes
from d365kit.sandbox.dataverse.call import Call, refuse
from d365kit.sandbox.dataverse.payload import target_key
from d365kit.sandbox.dataverse.sales import DOCUMENTS, Document
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Reply, canonical_guid

#: Columns a converted document does not take along.
_OWN = frozenset(
    {"createdon", "modifiedon", "versionnumber", "statecode", "statuscode", "overriddencreatedon", "exchangerate"}
)
_QUOTE_ACTIVE, _QUOTE_WON = 1, 2
_INVOICED = 4


def close(call: Call, entity: str, activity: str, state: int, before: tuple[int, ...]) -> Reply:
    """Move the document an activity names to a closing state, with the reason sent or the state's first.

    before: the states it may be in. A reason of -1 means the default.
    """
    body, table = call.body(), call.schema.entity(entity)
    inner = body.get(activity)
    address = inner.get(f"{entity}id@odata.bind") if isinstance(inner, dict) else None
    if address is None:
        raise refuse(400, "0x80040203", f"The parameter '{activity}' must bind '{entity}id'.")
    row = call.existing(table, target_key(call, table, address))
    if row["statecode"] not in before:
        text = f"The {entity} cannot be closed: its state is {row['statecode']}."
        raise refuse(400, "0x80048408", text)
    changes: dict[str, Any] = {"statecode": state}
    status = body.get("Status")
    if status is not None and status != -1:
        changes["statuscode"] = status
    writes.change(call, table, row, changes)
    return Reply(204)


def convert_quote(call: Call) -> Reply:
    """Make an order of a quote that is active or won, and win the quote (conformance.md, section O)."""
    quote_table = call.schema.entity("quote")
    quote = call.existing(quote_table, _id(call, "QuoteId"))
    if quote["statecode"] not in (_QUOTE_ACTIVE, _QUOTE_WON):
        raise refuse(400, "0x80048408", "Only an active or a won quote can be converted to an order.")
    made = _copied(call, "quote", "salesorder", quote, {"_quoteid_value": quote["quoteid"]})
    if quote["statecode"] == _QUOTE_ACTIVE:
        writes.change(call, quote_table, quote, {"statecode": _QUOTE_WON})
    return _answer(call, "salesorder", made)


def convert_order(call: Call) -> Reply:
    """Make an invoice of an order, which counts as invoiced from then on."""
    orders = call.schema.entity("salesorder")
    order = call.existing(orders, _id(call, "SalesOrderId"))
    if order["statecode"] == _INVOICED:
        raise refuse(400, "0x80048408", "The order has been invoiced.")
    made = _copied(call, "salesorder", "invoice", order, {"_salesorderid_value": order["salesorderid"]})
    writes.change(call, orders, order, {"statecode": _INVOICED})
    return _answer(call, "invoice", made)


def lock(call: Call, entity: str, parameter: str, locked: bool) -> Reply:
    """Freeze the prices of a document, or let them follow the price list again."""
    table = call.schema.entity(entity)
    row = call.existing(table, _id(call, parameter))
    writes.change(call, table, row, {"ispricelocked": locked})
    return Reply(204)


def _id(call: Call, parameter: str) -> str:
    key = canonical_guid(str(call.body().get(parameter, "")))
    if key is None:
        raise refuse(400, "0x80040203", f"The parameter '{parameter}' must be a GUID.")
    return key


def _answer(call: Call, entity: str, key: str) -> Reply:
    """Return the new document; the ColumnSet of the request is taken as all columns."""
    return reads.one(call, call.schema.entity(entity), key, 200)


def _copied(call: Call, source: str, target: str, row: Row, extra: Row) -> str:
    """Return the id of a new document with the columns and lines of another kind."""
    kinds = {item.header: item for item in DOCUMENTS}
    of, to = kinds[source], kinds[target]
    values = _shared(call.schema.entity(of.header), call.schema.entity(to.header), row) | extra
    values.pop(of.number, None)
    key = writes.create(call, call.schema.entity(to.header), {}, extra=values)
    lines, table = call.schema.entity(of.line), call.schema.entity(to.line)
    sql = f'SELECT "{lines.key}" FROM "{lines.sql}" WHERE "{of.link}" = ? ORDER BY lineitemnumber'
    for (line,) in call.store.query(sql, (row[call.schema.entity(source).key],)):
        held = call.existing(lines, line)
        link = {to.link: key} | _line_link(of, to, line)
        writes.create(call, table, {}, extra=_shared(lines, table, held) | link)
    return key


def _line_link(of: Document, to: Document, line: str) -> Row:
    if of.header == "salesorder":
        return {"_salesorderdetailid_value": line}
    return {"_quotedetailid_value": line} if of.header == "quote" else {}


def _shared(source: Table, target: Table, row: Row) -> Row:
    """Return the columns both tables have and a client may set."""
    found: Row = {}
    for name, column in source.columns.items():
        other = target.columns.get(name)
        if other is None or "c" not in other.access or name in _OWN or name in (source.key, target.key):
            continue
        found[name] = row[name]
        if column.polymorphic and other.polymorphic:
            found[column.type_column] = row[column.type_column]
    return found


DOCUMENT_ACTIONS: dict[str, Callable[[Call], Reply]] = {
    "FulfillSalesOrder": partial(close, entity="salesorder", activity="OrderClose", state=3, before=(0, 1)),
    "CancelSalesOrder": partial(close, entity="salesorder", activity="OrderClose", state=2, before=(0, 1)),
    "WinQuote": partial(close, entity="quote", activity="QuoteClose", state=2, before=(1,)),
    "CloseQuote": partial(close, entity="quote", activity="QuoteClose", state=3, before=(1,)),
    "WinOpportunity": partial(close, entity="opportunity", activity="OpportunityClose", state=1, before=(0,)),
    "LoseOpportunity": partial(close, entity="opportunity", activity="OpportunityClose", state=2, before=(0,)),
    "ConvertQuoteToSalesOrder": convert_quote,
    "ConvertSalesOrderToInvoice": convert_order,
    "LockSalesOrderPricing": partial(lock, entity="salesorder", parameter="SalesOrderId", locked=True),
    "UnlockSalesOrderPricing": partial(lock, entity="salesorder", parameter="SalesOrderId", locked=False),
    "LockInvoicePricing": partial(lock, entity="invoice", parameter="InvoiceId", locked=True),
    "UnlockInvoicePricing": partial(lock, entity="invoice", parameter="InvoiceId", locked=False),
}
