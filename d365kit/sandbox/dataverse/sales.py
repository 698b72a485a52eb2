"""Orders, quotes and invoices: line prices, totals, and what may still be changed. Source: dataverse.md 15 to 17."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from secrets import token_hex
from typing import Any

from d365kit.sandbox.dataverse.call import Call, refuse
from d365kit.sandbox.dataverse.money import rounded
from d365kit.sandbox.dataverse.prices import price_in_list
from d365kit.sandbox.dataverse.rules import Write
from d365kit.sandbox.schema import Table, schema
from d365kit.sandbox.store import Row, Store

_ACTIVE_STATES = (0, 3)
_NO_ERROR, _LINE_ERROR, _NO_LIST, _LIST_INACTIVE, _NO_QUANTITY, _NO_UNIT_PRICE = 0, 1, 2, 3, 4, 5
_TOTALS = (
    "totallineitemamount",
    "totallineitemdiscountamount",
    "totaldiscountamount",
    "totalamountlessfreight",
    "totaltax",
    "totalamount",
)


@dataclass(frozen=True)
class Document:
    """A kind of sales document: its tables, the link of its lines, its number, and the states that end it."""

    header: str
    line: str
    number: str
    prefix: str
    counter: str
    closed: frozenset[int]
    copied_state: str
    lock: str = ""

    @property
    def link(self) -> str:
        """The column of a line that names its document."""
        return f"_{self.header}id_value"


DOCUMENTS = (
    Document(
        "salesorder",
        "salesorderdetail",
        "ordernumber",
        "orderprefix",
        "currentordernumber",
        frozenset({2, 3, 4}),
        "salesorderstatecode",
        "salesorderispricelocked",
    ),
    Document(
        "quote",
        "quotedetail",
        "quotenumber",
        "quoteprefix",
        "currentquotenumber",
        frozenset({1, 2, 3}),
        "quotestatecode",
    ),
    Document(
        "invoice",
        "invoicedetail",
        "invoicenumber",
        "invoiceprefix",
        "currentinvoicenumber",
        frozenset({1, 2, 3}),
        "invoicestatecode",
        "invoiceispricelocked",
    ),
)
_BY_TABLE = {item.header: item for item in DOCUMENTS} | {item.line: item for item in DOCUMENTS}


def document_of(table: Table) -> Document:
    """Return the kind of document a header or line table belongs to."""
    return _BY_TABLE[table.entity]


# -- headers


def check_header(write: Write) -> None:
    """Number, currency and customer copies of a document; closed ones are read-only (conformance.md 256 to 259)."""
    row, values, old, document = write.row, write.values, write.old, document_of(write.table)
    if old is not None and set(values) - {"statecode", "statuscode"}:
        check_open(write.call, document, old)
    if old is None:
        row[document.number] = row[document.number] or _next_number(write.store, document)
        if "revisionnumber" in row:
            row["revisionnumber"] = 0
    if prices_are_calculated(write.store):
        for name in _TOTALS:
            row[name] = old[name] if old is not None else None
            values.pop(name, None)
    _check_currency(write)
    for kind in ("account", "contact"):
        if f"_{kind}id_value" in row and "_customerid_type" in row:
            row[f"_{kind}id_value"] = row["_customerid_value"] if row["_customerid_type"] == kind else None


def _check_currency(write: Write) -> None:
    """The document's currency is its price list's, and the base currency without one."""
    row = write.row
    price_list = write.store.get(schema("dv").entity("pricelevel"), row["_pricelevelid_value"] or "")
    wanted = price_list["_transactioncurrencyid_value"] if price_list else None
    if row["_transactioncurrencyid_value"] is None:
        base = write.store.value('SELECT "_basecurrencyid_value" FROM "dv_organization"')
        row["_transactioncurrencyid_value"] = wanted or base
        write.values["_transactioncurrencyid_value"] = row["_transactioncurrencyid_value"]
    elif wanted is not None and row["_transactioncurrencyid_value"] != wanted:
        text = f"The currency of the {write.table.entity} does not match the currency of the price list."
        raise refuse(400, "0x80048cee", text)


def check_open(call: Call, document: Document, header: Row) -> None:
    """Refuse to change a document that is closed, or submitted where another system has it (sync-rules.md T4, T5)."""
    state = header["statecode"]
    handed_over = document.header == "salesorder" and state == 1
    if handed_over:
        handed_over = bool(call.store.value("SELECT issopintegrationenabled FROM dv_organization"))
    if state in document.closed or handed_over:
        text = f"The {document.header} is read-only: its state is {state}."
        raise refuse(call.switches.dv_read_only_status, "0x80040231", text)


def after_header(write: Write) -> None:
    """Price the lines again when the list changed, then add up."""
    document = document_of(write.table)
    if write.old is None or not prices_are_calculated(write.store):
        if write.old is None:
            add_up(write.store, document, write.row[write.table.key])
        return
    if write.row["_pricelevelid_value"] != write.old["_pricelevelid_value"]:
        lines = schema("dv").entity(document.line)
        sql = f'SELECT "{lines.key}" FROM "{lines.sql}" WHERE "{document.link}" = ?'
        for (key,) in write.store.query(sql, (write.row[write.table.key],)):
            line = write.store.get(lines, key)
            if line is not None:
                changes = priced(write.store, document, write.row, line)
                write.store.update(lines, key, changes | rounded(write.store, lines, line | changes, _money(changes)))
    add_up(write.store, document, write.row[write.table.key])


def _next_number(store: Store, document: Document) -> str:
    organization = schema("dv").entity("organization")
    key, prefix, last = store.query(
        f"SELECT organizationid, {document.prefix}, {document.counter} FROM dv_organization"
    )[0]
    store.update(organization, key, {document.counter: (last or 0) + 1})
    return f"{prefix or document.header[:3].upper()}-{(last or 0) + 1:05}-{token_hex(3).upper()}"


def prices_are_calculated(store: Store) -> bool:
    """Whether the platform's own price calculation is on."""
    return bool(store.value("SELECT oobpricecalculationenabled FROM dv_organization"))


# -- lines


def check_line(write: Write) -> None:
    """Product, unit and price of a line (conformance.md 257); its document must be open."""
    row, store, document = write.row, write.store, document_of(write.table)
    header = store.get(schema("dv").entity(document.header), row[document.link] or "")
    if header is None:
        raise refuse(400, "0x80040203", f"Attribute: {document.header}id cannot be set to NULL")
    check_open(write.call, document, header)
    _check_product(write)
    row["_transactioncurrencyid_value"] = header["_transactioncurrencyid_value"]
    derived = {document.copied_state: header["statecode"]}
    if document.lock:
        derived[document.lock] = header["ispricelocked"]
    if "_ownerid_value" in row:
        derived |= {"_ownerid_value": header["_ownerid_value"], "_ownerid_type": header["_ownerid_type"]}
    row |= derived
    if write.old is None:
        row["producttypecode"] = row["producttypecode"] or 1
        if row["propertyconfigurationstatus"] is None:
            row["propertyconfigurationstatus"] = 2
        if row["lineitemnumber"] is None:
            sql = f'SELECT ifnull(max(lineitemnumber), 0) + 1 FROM "{write.table.sql}" WHERE "{document.link}" = ?'
            row["lineitemnumber"] = store.value(sql, (row[document.link],))
    if prices_are_calculated(store):
        changes = priced(store, document, header, row, write.old)
        row |= changes
        write.values.update(_money(changes))


def _check_product(write: Write) -> None:
    row = write.row
    name = f"{write.table.entity}name"
    if row["isproductoverridden"]:
        if row["_productid_value"] is not None:
            raise refuse(400, "0x80040203", "A write-in line cannot name an existing product.")
        if not row["productdescription"]:
            raise refuse(400, "0x80040203", "Attribute: productdescription cannot be set to NULL")
        row["ispriceoverridden"] = 1
        row[name] = row[name] or row["productdescription"][:100]
        return
    product = write.store.get(schema("dv").entity("product"), row["_productid_value"] or "")
    if product is None:
        raise refuse(400, "0x80043b24", "The product of the line is missing.")
    if product["statecode"] not in _ACTIVE_STATES and (write.old is None or "_productid_value" in write.values):
        raise refuse(400, "0x80040203", f"The product {product['productnumber']} is not active.")
    unit = write.store.get(schema("dv").entity("uom"), row["_uomid_value"] or "")
    if unit is None or unit["_uomscheduleid_value"] != product["_defaultuomscheduleid_value"]:
        raise refuse(400, "0x80043b14", "The unit is not valid for the product: it is not in its unit group.")
    row |= {"productname": product["name"], name: (product["name"] or "")[:100] or None}


def priced(store: Store, document: Document, header: Row, line: Row, old: Row | None = None) -> Row:
    """Return a line's price and amounts: the list's price unless it is overridden or prices are locked."""
    price, error = _decimal(line["priceperunit"]), _NO_ERROR
    if header.get("ispricelocked") and old is not None:
        price = _decimal(old["priceperunit"])
    elif not line["ispriceoverridden"]:
        price, error = _listed(store, header, line)
    elif price is None:
        error = _NO_UNIT_PRICE
    quantity = _decimal(line["quantity"])
    if quantity is None and error == _NO_ERROR:
        error = _NO_QUANTITY
    volume, manual, tax = (
        _decimal(line[name]) or 0 for name in ("volumediscountamount", "manualdiscountamount", "tax")
    )
    amount = ((price or 0) - volume) * (quantity or 0)
    found: Row = {"priceperunit": price, "baseamount": amount, "extendedamount": amount - manual + tax}
    if "pricingerrorcode" in line:
        found["pricingerrorcode"] = error
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in found.items()}


def _listed(store: Store, header: Row, line: Row) -> tuple[Decimal | None, int]:
    """Return the price of a line by its document's list, else by the product's default list."""
    product = store.get(schema("dv").entity("product"), line["_productid_value"]) or {}
    price_list = header["_pricelevelid_value"] or product.get("_pricelevelid_value")
    if not price_list:
        return None, _NO_LIST
    if store.value("SELECT statecode FROM dv_pricelevel WHERE pricelevelid = ?", (price_list,)) != 0:
        return None, _LIST_INACTIVE
    return price_in_list(store, price_list, product, line["_uomid_value"])


def after_line(write: Write) -> None:
    """Add up the document of a line that was written."""
    document = document_of(write.table)
    add_up(write.store, document, write.row[document.link])


def before_line_delete(call: Call, table: Table, row: Row) -> None:
    """Refuse to take a line out of a closed document."""
    document = document_of(table)
    header = call.store.get(schema("dv").entity(document.header), row[document.link] or "")
    if header is not None:
        check_open(call, document, header)


def after_line_delete(call: Call, row: Row) -> None:
    """Add up the document a line was taken out of."""
    document = next(item for item in DOCUMENTS if item.link in row and f"{item.line}id" in row)
    add_up(call.store, document, row[document.link])


def add_up(store: Store, document: Document, key: str | None) -> None:
    """Write a document's totals (sync-rules.md T2; conformance.md 258)."""
    table, lines = schema("dv").entity(document.header), schema("dv").entity(document.line)
    header = store.get(table, key or "")
    if header is None or not prices_are_calculated(store):
        return
    sql = f"""SELECT baseamount, manualdiscountamount, tax, pricingerrorcode FROM "{lines.sql}"
        WHERE "{document.link}" = ?"""
    found = store.query(sql, (key,))
    base, manual, tax = (
        sum((_decimal(row[place]) or Decimal(0) for row in found), Decimal(0)) for place in (0, 1, 2)
    )
    amount = base - manual
    percent = amount * (_decimal(header["discountpercentage"]) or 0) / 100
    discount = (_decimal(header["discountamount"]) or Decimal(0)) + percent.quantize(Decimal("0.01"), ROUND_HALF_UP)
    totals = {
        "totallineitemamount": amount,
        "totallineitemdiscountamount": manual,
        "totaldiscountamount": discount + manual,
        "totalamountlessfreight": amount - discount,
        "totaltax": tax,
        "totalamount": amount - discount + (_decimal(header["freightamount"]) or 0) + tax,
    }
    changes = rounded(store, table, header, {name: str(value) for name, value in totals.items()})
    if "pricingerrorcode" in header:
        changes["pricingerrorcode"] = _LINE_ERROR if any(row[3] for row in found) else _NO_ERROR
    store.update(table, str(key), changes)


def _money(changes: Row) -> Row:
    return {name: value for name, value in changes.items() if name != "pricingerrorcode"}


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
