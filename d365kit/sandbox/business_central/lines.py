"""Values → lines of a sales document: filled from item, account or resource, numbered, totalled into the header."""

from __future__ import annotations

from d365kit.sandbox.business_central.amounts import discounted, exact
from d365kit.sandbox.business_central.company import Company, blank
from d365kit.sandbox.business_central.documents import KINDS, is_posted, total
from d365kit.sandbox.business_central.rates import in_currency
from d365kit.sandbox.business_central.relations import related
from d365kit.sandbox.business_central.values import dialog
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import ZERO_GUID, Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Refusal, new_guid

_HEADERS = {kind.lines: name for name, kind in KINDS.items()}
#: The distance between two lines' numbers (conformance.md 83).
STEP = 10_000
#: Tax of a sale inside the company's own country; a sale abroad carries none.
_TAX_PERCENT = 19
#: How a line's object is found by its number: set, column of the number, name, and price.
_OBJECTS = {
    "Item": ("items", "number", "displayName", "unitPrice"),
    "Account": ("accounts", "number", "displayName", ""),
    "Resource": ("ResourceCard", "No", "Name", "Unit_Price"),
}
MISSING = "You must specify an Id or a Document Id to get the lines."


def is_line_set(table: Table) -> bool:
    """Whether a set holds lines of a document that can be written."""
    return table.set in _HEADERS


def create(company: Company, table: Table, values: Row) -> str:
    """Add a line to the document it names and return its id."""
    headers = company.table(_HEADERS[table.set])
    if values.get("documentId", ZERO_GUID) == ZERO_GUID:
        raise dialog(MISSING)
    header = company.store.get(headers, values["documentId"])
    if header is None:
        raise dialog('The "documentId" does not match to a document.')
    key = insert(company, table, header, values)
    total(company, headers, header["id"])
    return key


def insert(company: Company, table: Table, header: Row, values: Row) -> str:
    """Add a line to a header without totalling it."""
    _refuse_posted(company, table, header)
    values = related(company, table, values, creating=False)
    row = blank(table) | {"id": new_guid(), "documentId": header["id"]} | _object(company, table, header, values)
    row |= {name: value for name, value in values.items() if name not in ("lineType", "lineObjectNumber")}
    row |= discounted(row, values)
    _quantities(table, row, values)
    sequence = f'SELECT max("sequence") FROM "{table.sql}" WHERE "documentId" = ?'
    if not row["sequence"]:
        row["sequence"] = int(company.store.value(sequence, (header["id"],)) or 0) + STEP
    elif company.all(table.set, '"documentId" = ? AND "sequence" = ?', header["id"], row["sequence"]):
        text = f"The line {row['sequence']} of document {header['number']} already exists."
        raise Refusal(400, "Internal_EntityWithSameKeyExists", text)
    company.store.insert(table, row)
    return str(row["id"])


def change(company: Company, table: Table, row: Row, values: Row) -> None:
    """Change a line; its document, number and object number stay (conformance.md 86)."""
    headers = company.table(_HEADERS[table.set])
    header = company.store.get(headers, row["documentId"]) or {}
    _refuse_posted(company, table, header)
    for name in ("documentId", "sequence", "lineObjectNumber"):
        if values.get(name, row[name]) != row[name]:
            raise dialog(f'The "{name}" cannot be changed.')
    values = related(company, table, values, creating=False)
    changes = {name: value for name, value in values.items() if value != row[name]}
    if not changes:
        return
    if {"itemId", "accountId"} & set(changes):
        one = {name: changes.get(name, ZERO_GUID) for name in ("itemId", "accountId")}
        changes = _object(company, table, header, one | {"lineType": changes.get("lineType")}) | changes
    whole = row | changes
    if {"quantity", "unitPrice", "discountPercent", "discountAmount"} & set(changes):
        changes |= discounted(whole, changes)
    if "quantity" in changes:
        _quantities(table, changes, changes)
    company.store.update(table, row["id"], changes)
    total(company, headers, header["id"])


def remove(company: Company, table: Table, row: Row) -> None:
    """Delete a line and total its document."""
    headers = company.table(_HEADERS[table.set])
    header = company.store.get(headers, row["documentId"]) or {}
    _refuse_posted(company, table, header)
    company.store.delete(table, row["id"])
    total(company, headers, header["id"])


def _refuse_posted(company: Company, table: Table, header: Row) -> None:
    headers = company.table(_HEADERS[table.set])
    if is_posted(headers, header):
        raise dialog(f"The lines of the posted {KINDS[headers.set].noun} {header['number']} cannot be changed.")


def _quantities(table: Table, row: Row, sent: Row) -> None:
    for name in ("shipQuantity", "invoiceQuantity"):
        if name in table.columns and name not in sent:
            row[name] = row["quantity"]


def _object(company: Company, table: Table, header: Row, values: Row) -> Row:
    """Return what a line takes from the item, account or resource it sells (conformance.md 83, 84)."""
    item, account = (values.get(name) or ZERO_GUID for name in ("itemId", "accountId"))
    number, asked = values.get("lineObjectNumber"), values.get("lineType")
    if item != ZERO_GUID and account != ZERO_GUID:
        raise dialog('Only one of "itemId" and "accountId" may be given.')
    if item == account == ZERO_GUID and not number:
        return {"lineType": asked or "Comment"}
    kind = "Item" if item != ZERO_GUID else "Account" if account != ZERO_GUID else str(asked or "Item")
    if asked and asked != kind:
        raise dialog(f'The "lineType" {asked} does not go with the object of the line.')
    if kind not in _OBJECTS:
        raise dialog(f"Lines of type {kind} cannot be made here.")
    set_name, by, name, price = _OBJECTS[kind]
    given, value = ("lineObjectNumber", number) if item == account == ZERO_GUID else ("", "")
    if not given:
        given, value, by = ("itemId", item, "id") if kind == "Item" else ("accountId", account, "id")
    found = company.find(set_name, by, value)
    if found is None:
        raise dialog(f'The "{given}" does not match to {"an" if kind[0] in "AI" else "a"} {kind}.')
    if found.get("blocked") or found.get("Blocked"):
        raise dialog(f"{kind} {value if given == 'lineObjectNumber' else found[_OBJECTS[kind][1]]} is blocked.")
    row = {"lineType": kind, "lineObjectNumber": found[_OBJECTS[kind][1]], "description": found[name]}
    row |= {"taxPercent": _tax(company, header), "taxCode": found.get("taxGroupCode", "")}
    row["itemId" if kind == "Item" else "accountId"] = found["id"]
    if kind == "Resource":
        row.pop("accountId")
    if price:
        row["unitPrice"] = stored_number(in_currency(company, header, exact(found[price])))
    unit = found.get("baseUnitOfMeasureCode") or found.get("Base_Unit_of_Measure") or ""
    measure = company.find("unitsOfMeasure", "code", unit) if unit else None
    if measure:
        row |= {"unitOfMeasureId": measure["id"], "unitOfMeasureCode": unit}
    return {column: value for column, value in row.items() if column in table.columns}


def _tax(company: Company, header: Row) -> int:
    own = company.store.value(f'SELECT "country" FROM "{company.table("companyInformation").sql}"')
    place = header.get("shipToCountry") or header.get("sellToCountry") or own
    return _TAX_PERCENT if place == own else 0
