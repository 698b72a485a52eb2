"""JSON body → changed rows of Business Central, with the checks its API pages make."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

from d365kit.sandbox.odata.values import now, stored_date, stored_number, stored_time
from d365kit.sandbox.schema import BLANK_ENUM, TEXTUAL, ZERO_GUID, Column, Table, default_of, schema
from d365kit.sandbox.store import Row, Store
from d365kit.sandbox.wire import Refusal, canonical_guid, new_guid

#: What a customer and its company contact have in common (sync-rules.md H6).
SHARED_WITH_CONTACT = (
    "displayName",
    "addressLine1",
    "addressLine2",
    "city",
    "state",
    "country",
    "postalCode",
    "phoneNumber",
    "email",
    "website",
    "taxRegistrationNumber",
)


def create(store: Store, table: Table, body: dict[str, Any]) -> str:
    """Add a row and return its id; Refusal with BC's code when the page would not take it."""
    values = _read(table, body, creating=True)
    if table.named and "displayName" not in values:
        raise _dialog('A "displayName" must be provided.')
    if table.set == "items" and "inventory" in values:
        raise _dialog("The inventory of a new item cannot be set.")
    _check_name(table, values)
    row = {name: default_of(column, schema("bc").enums) for name, column in table.columns.items()}
    values = _related(store, table, values, creating=True)
    row |= {"id": new_guid()} | values
    _number(store, table, row)
    if table.set == "contacts":
        _company_of(store, row, row)
    _stamp_time(table, row)
    _insert(store, table, row)
    if table.set == "customers":
        _add_company_contact(store, row)
    return str(row["id"])


def change(store: Store, table: Table, row: Row, body: dict[str, Any]) -> None:
    """Change a row; values equal to the stored ones leave it untouched."""
    values = _read(table, body, creating=False)
    _check_name(table, values)
    values = _related(store, table, values, creating=False)
    if table.set == "contacts" and ("companyNumber" in values or "type" in values):
        _company_of(store, values, row | values)
    changes = {name: value for name, value in values.items() if value != row[name]}
    if not changes:
        return
    if table.unique in changes and store.find(table, table.unique, changes[table.unique]):
        raise _duplicate(table, changes[table.unique])
    _stamp_time(table, changes)
    store.update(table, row[table.key], changes)
    if table.set == "customers":
        _follow_customer(store, row, changes)


def remove(store: Store, table: Table, row: Row) -> None:
    """Delete a row; a customer's relation goes with it and leaves its company contact alone."""
    sets = schema("bc").sets
    if table.set == "customers":
        for link in _links(store, "relatedId", row["id"]):
            sql = f'UPDATE "{sets["contacts"].sql}" SET "contactBusinessRelation" = ? WHERE "companyNumber" = ?'
            store.query(sql, ("None", link["contactNumber"]))
            store.delete(sets["contactsInformation"], link["contactId"])
    if table.set == "contacts":
        store.delete(sets["contactsInformation"], row["id"])
    store.delete(table, row[table.key])


def local_currency(store: Store) -> str:
    """Return the code of the local currency (business-central.md section 5)."""
    return str(store.value('SELECT "localCurrencyCode" FROM "bc_generalLedgerSetup"') or "")


def next_number(store: Store, table: Table) -> str:
    """Return the next free number of the set's number series."""
    name = f"series:{table.set}"
    last = int(store.meta(name) or 0)
    while True:
        last += 10
        number = table.series.format(last)
        if store.find(table, table.unique, number) is None:
            store.remember(name, last)
            return number


def _read(table: Table, body: dict[str, Any], creating: bool) -> Row:
    values: Row = {}
    for name, value in body.items():
        if "@" in name:
            continue
        column = table.columns.get(name)
        if column is None:
            text = f"The property '{name}' does not exist on type 'Microsoft.NAV.{table.entity}'."
            raise Refusal(400, "BadRequest", text)
        if name == table.key == "id" and creating:
            if value is not None:
                values[name] = _convert(column, value)
            continue
        if not column.access:
            raise Refusal(400, "BadRequest_InvalidOperation", f"Control '{name}' is read-only.")
        values[name] = _convert(column, value)
    return values


def _convert(column: Column, value: Any) -> Any:
    if value is None:
        return default_of(column, schema("bc").enums)
    bad = Refusal(400, "BadRequest", f"Cannot convert the value '{value}' of property '{column.name}'.")
    if column.type == "bool" and isinstance(value, bool):
        return int(value)
    if (
        column.type in ("decimal", "int", "bigint")
        and isinstance(value, int | Decimal)
        and not isinstance(value, bool)
    ):
        return stored_number(value)
    if not isinstance(value, str):
        raise bad
    try:
        return _convert_text(column, value)
    except ValueError:
        raise bad from None


def _convert_text(column: Column, value: str) -> str:
    if column.type in TEXTUAL:
        text = value.strip().upper() if column.type == "code" else value
        if column.length and len(text) > column.length:
            what = f"The length of the string is {len(text)}, but it must be less than or equal to {column.length}"
            raise Refusal(400, "Application_StringExceededLength", f"{what} characters. Value: {text}")
        return text
    if column.enum:
        member = value if value.strip() else BLANK_ENUM
        if member not in schema("bc").enums[column.enum]:
            raise ValueError(value)
        return member
    if column.type == "guid":
        guid = canonical_guid(value)
        if guid is None:
            raise Refusal(400, "Application_InvalidGUID", f"'{value}' is not a GUID.")
        return guid
    if column.type == "date":
        return stored_date(value)
    if column.type == "datetime":
        return stored_time(value, 3)
    raise ValueError(value)


def _check_name(table: Table, values: Row) -> None:
    if table.named and values.get("displayName", "x").strip() == "":
        raise _dialog('The blank "displayName" is not allowed.')


def _related(store: Store, table: Table, values: Row, creating: bool) -> Row:
    """Return the values with each id and its code brought together (business-central.md section 6)."""
    found = dict(values)
    for relation in table.relations:
        by_id, by_code = relation.get("id", ""), relation.get("code", "")
        local = relation["noun"] == "Currency"
        if by_id not in values and by_code not in values and not (creating and local):
            continue
        if not by_id:
            _check_code(store, relation, values[by_code])
            continue
        blank = (ZERO_GUID, local_currency(store) if local else "")
        pairs = [_partner(store, relation, name, values[name], blank) for name in (by_id, by_code) if name in values]
        if len(set(pairs)) > 1:
            noun = relation["noun"]
            raise _dialog(f"The {relation.get('values', noun)} values do not match to a specific {noun}.")
        key, code = pairs[0] if pairs else blank
        found |= {by_id: key} | ({by_code: code} if by_code else {})
    return found


def _partner(
    store: Store, relation: dict[str, str], name: str, value: str, blank: tuple[str, str]
) -> tuple[str, str]:
    if value in ("", *blank):
        return blank
    target = schema("bc").sets.get(relation.get("set", ""))
    column = "id" if name == relation["id"] else "code"
    row = store.find(target, column, value) if target else None
    if row is None:
        raise _dialog(f'The "{name}" does not match to a {relation["noun"]}.')
    return str(row["id"]), str(row["code"])


def _check_code(store: Store, relation: dict[str, str], code: str) -> None:
    target = schema("bc").sets[relation["set"]]
    if code and store.find(target, "code", code) is None:
        text = f"The value ({code}) of {relation['code']} cannot be found in the related table ({relation['noun']})."
        raise Refusal(400, "Internal_InvalidTableRelation", text)


def _number(store: Store, table: Table, row: Row) -> None:
    if not row[table.unique]:
        if not table.series:
            text = f"The property '{table.unique}' must be provided."
            raise Refusal(400, "BadRequest_RequiredParamNotProvided", text)
        row[table.unique] = next_number(store, table)
    elif store.find(table, table.unique, row[table.unique]):
        raise _duplicate(table, row[table.unique])


def _company_of(store: Store, values: Row, whole: Row) -> None:
    """Fill what a contact takes from its company contact; a company is its own company."""
    if whole["type"] == "Company":
        values |= {"companyNumber": whole["number"], "companyName": whole["displayName"]}
        return
    number = whole["companyNumber"]
    company = store.find(schema("bc").sets["contacts"], "number", number) if number else None
    if number and (company is None or company["type"] != "Company"):
        text = f"The value ({number}) of companyNumber cannot be found in the related table (Contact)."
        raise Refusal(400, "Internal_InvalidTableRelation", text)
    values["companyName"] = company["displayName"] if company else ""
    values["contactBusinessRelation"] = company["contactBusinessRelation"] if company else "None"


def _add_company_contact(store: Store, customer: Row) -> None:
    """BC gives every new customer a company contact and ties the two."""
    sets = schema("bc").sets
    contacts, links = sets["contacts"], sets["contactsInformation"]
    row = {name: default_of(column, schema("bc").enums) for name, column in contacts.columns.items()}
    row |= {name: customer[name] for name in SHARED_WITH_CONTACT}
    number = next_number(store, contacts)
    row |= {"id": new_guid(), "number": number, "type": "Company", "contactBusinessRelation": "Customer"}
    row |= {"companyNumber": number, "companyName": row["displayName"], "searchName": row["displayName"].upper()}
    _stamp_time(contacts, row)
    store.insert(contacts, row)
    link = {"contactId": row["id"], "contactNumber": number, "contactName": row["displayName"]}
    link |= {"contactType": "Company", "relatedId": customer["id"], "relatedType": "Customer"}
    store.insert(links, link)


def _follow_customer(store: Store, customer: Row, changes: Row) -> None:
    """Carry a customer's change over to its company contact."""
    shared = {name: value for name, value in changes.items() if name in SHARED_WITH_CONTACT}
    contacts = schema("bc").sets["contacts"]
    for link in _links(store, "relatedId", customer["id"]) if shared else ():
        named = {"companyName": shared["displayName"]} if "displayName" in shared else {}
        _stamp_time(contacts, shared)
        store.update(contacts, link["contactId"], shared | named)


def _links(store: Store, column: str, value: str) -> list[Row]:
    table = schema("bc").sets["contactsInformation"]
    row = store.find(table, column, value)
    return [row] if row else []


def _insert(store: Store, table: Table, row: Row) -> None:
    try:
        store.insert(table, row)
    except sqlite3.IntegrityError:
        raise _duplicate(table, row["id"]) from None


def _stamp_time(table: Table, values: Row) -> None:
    if "lastModifiedDateTime" in table.columns:
        values["lastModifiedDateTime"] = now(3)


def _duplicate(table: Table, key: str) -> Refusal:
    text = f"The record in table {table.entity} already exists. Identification fields and values: '{key}'"
    return Refusal(400, "Internal_EntityWithSameKeyExists", text)


def _dialog(text: str) -> Refusal:
    return Refusal(400, "Application_DialogException", text)
