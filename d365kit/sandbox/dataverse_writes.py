"""JSON body → changed rows of Dataverse: lookups, limits, owner, state, money; table rules are next door."""

from __future__ import annotations

import re
import sqlite3
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from d365kit.sandbox.dataverse_rules import AFTER_CREATE, CHECKS, Write, missing_row, refuse, remove_dependants
from d365kit.sandbox.odata.values import now, stored_date, stored_number, stored_time
from d365kit.sandbox.schema import TEXTUAL, WHOLE, Column, Relation, Table, schema
from d365kit.sandbox.store import Row, Store
from d365kit.sandbox.wire import canonical_guid, new_guid

_TARGET = re.compile(r"(?:.*/)?([A-Za-z_]\w*)\(([^()]*)\)$")
_BASE_DIGITS = 4


def create(store: Store, table: Table, body: dict[str, Any], user: str, key: str | None = None) -> str:
    """Add a row and return its id; Refusal with Dataverse's code when a rule forbids it (dataverse.md section 6)."""
    values = _read(store, table, body, "c")
    row = _defaults(store, table, values, user)
    row[table.key] = values.get(table.key) or key or new_guid()
    write = Write(store, table, row, values, None)
    _complete(write)
    _require(table, row)
    try:
        store.insert(table, row)
    except sqlite3.IntegrityError:
        raise refuse(412, "0x80040237", "A record with matching key values already exists.") from None
    if table.entity in AFTER_CREATE:
        AFTER_CREATE[table.entity](write, body, user)
    return str(row[table.key])


def change(store: Store, table: Table, old: Row, body: dict[str, Any], user: str) -> None:
    """Change a row; the version moves even when nothing differs (dataverse.md section 7)."""
    values = _read(store, table, body, "u")
    values.pop(table.key, None)
    row = old | values
    write = Write(store, table, row, values, old)
    _complete(write)
    _require(table, {name: row[name] for name in values})
    row |= {"modifiedon": now(0), "_modifiedby_value": user} if "_modifiedby_value" in row else {}
    changed = {name: value for name, value in row.items() if value != old[name] or name in values}
    store.update(table, old[table.key], changed)


def remove(store: Store, table: Table, row: Row) -> None:
    """Delete a row as the relationships allow: refused, taken along, or links emptied."""
    remove_dependants(store, table, str(row[table.key]))
    store.delete(table, str(row[table.key]))


def _read(store: Store, table: Table, body: dict[str, Any], letter: str) -> Row:
    values: Row = {}
    for name, value in body.items():
        if name.endswith("@odata.bind"):
            values |= _bind(store, table, name.removesuffix("@odata.bind"), value, letter)
        elif "@" not in name:
            values |= _property(table, name, value, letter)
    return values


def _property(table: Table, name: str, value: Any, letter: str) -> Row:
    found = table.navigation(name)
    if found and value is None:
        return _lookup(found[0], None, None)
    if found or name.startswith("_"):
        text = f"A node of type 'StartObject' was expected for the navigation '{name}'; use '{name}@odata.bind'."
        raise refuse(400, "0x80048d19", text)
    column = table.columns.get(name)
    if column is None:
        text = f"Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{table.entity}'."
        raise refuse(400, "0x0", text)
    converted = convert(table, column, value)
    return {name: converted} if letter in column.access else {}


def _bind(store: Store, table: Table, navigation: str, value: Any, letter: str) -> Row:
    relations = [
        (column, relation)
        for column in table.lookups()
        for relation in column.targets
        if relation.navigation == navigation
    ]
    if not relations:
        text = f"An undeclared property '{navigation}' which only has property annotations in the payload was found."
        raise refuse(400, "0x80048d19", text)
    if value is None:
        return _lookup(relations[0][0], None, None) if letter in relations[0][0].access else {}
    match = _TARGET.match(value) if isinstance(value, str) else None
    guid = canonical_guid(match.group(2)) if match else None
    if match is None or guid is None:
        raise refuse(400, "0x80048d19", f"The value '{value}' of '{navigation}@odata.bind' is not a valid address.")
    for column, relation in relations:
        target = schema("dv").entity(relation.target)
        if target.set == match.group(1):
            _check_target(store, table, column, target, guid)
            return _lookup(column, guid, relation) if letter in column.access else {}
    raise refuse(400, "0x80048d19", f"The navigation '{navigation}' does not lead to '{match.group(1)}'.")


def _check_target(store: Store, table: Table, column: Column, target: Table, guid: str) -> None:
    row = store.get(target, guid)
    if row is None:
        raise missing_row(target, guid)
    if target.entity == "systemuser" and column.attribute == "ownerid" and row["isdisabled"]:
        raise refuse(403, "0x80040225", f"The specified user (Id = {guid}) is disabled.")
    if target.entity == "transactioncurrency" and row["statecode"] == 1:
        text = f"The {table.entity} cannot use the inactive currency {row['isocurrencycode']}."
        raise refuse(400, "0x80040203", text)


def _lookup(column: Column, guid: str | None, relation: Relation | None) -> Row:
    found: Row = {column.name: guid}
    if column.polymorphic:
        found[column.type_column] = relation.target if relation else None
    return found


def convert(table: Table, column: Column, value: Any) -> Any:
    """Return a JSON value as stored; Refusal when type, length, range or option do not fit."""
    if value is None or value == "":
        return None
    if column.type in TEXTUAL and isinstance(value, str):
        return _text(table, column, value)
    if column.type == "bool" and isinstance(value, bool):
        return int(value)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and column.type in WHOLE and value == int(value):
        return _whole(table, column, int(value))
    if is_number and column.numeric:
        _check_range(table, column, Decimal(value))
        return stored_number(value)
    try:
        if isinstance(value, str) and column.type == "date":
            return stored_date(value)
        if isinstance(value, str) and column.type == "datetime":
            return stored_time(value, 0).replace("[", "Z")
        guid = canonical_guid(value) if isinstance(value, str) and column.type == "guid" else None
    except ValueError:
        guid = None
    if guid is None:
        raise refuse(400, "0x80048d19", f"Cannot convert the literal '{value}' to the type of '{column.name}'.")
    return guid


def _text(table: Table, column: Column, value: str) -> str:
    if column.length and len(value) > column.length:
        text = (
            f"A validation error occurred. The length of the '{column.name}' attribute of the '{table.entity}' "
            f"entity exceeded the maximum allowed length of '{column.length}'."
        )
        raise refuse(400, "0x80044331", text)
    return value


def _whole(table: Table, column: Column, value: int) -> int:
    if column.options and value not in {option.value for option in column.options}:
        text = f"The value {value} of '{column.name}' on record of type '{table.entity}' is outside the valid range."
        raise refuse(400, "0x8004431A", text)
    _check_range(table, column, Decimal(value))
    return value


def _check_range(table: Table, column: Column, value: Decimal) -> None:
    special = table.entity == "product" and column.name == "quantitydecimal"
    low, high = column.low or "-Infinity", column.high or "Infinity"
    if not Decimal(low) <= value <= Decimal(high):
        text = f"A validation error occurred. The value of '{column.name}' on '{table.entity}' is out of range."
        raise refuse(400, "0x80043b07" if special else "0x80044330", text)


def _defaults(store: Store, table: Table, values: Row, user: str) -> Row:
    row: Row = {}
    for column in table.columns.values():
        row[column.name] = 0 if column.type == "bool" else None
        if column.polymorphic:
            row[column.type_column] = None
    created = now(0)
    row |= {"createdon": created, "modifiedon": created}
    for name in ("_createdby_value", "_modifiedby_value", "_ownerid_value"):
        if name in row:
            row[name] = user
    if "_ownerid_value" in row:
        row["_ownerid_type"] = "systemuser"
    if "organizationid" in row or "_organizationid_value" in row:
        name = "organizationid" if "organizationid" in row else "_organizationid_value"
        row[name] = store.value('SELECT organizationid FROM "dv_organization"')
    row |= values
    if values.get("overriddencreatedon"):
        row["createdon"] = values["overriddencreatedon"]
    return row


def _complete(write: Write) -> None:
    """Apply the table's own rules, then owner, state, names and money."""
    if write.table.entity in CHECKS:
        CHECKS[write.table.entity](write)
    _owner(write)
    _state(write)
    _money(write)
    if "fullname" in write.row:
        parts = (write.row.get(name) for name in ("firstname", "middlename", "lastname"))
        write.row["fullname"] = " ".join(filter(None, parts)) or None


def _owner(write: Write) -> None:
    row = write.row
    if "_ownerid_value" not in row or (write.old and "_ownerid_value" not in write.values):
        return
    is_user = row["_ownerid_type"] == "systemuser"
    owner = write.store.get(schema("dv").entity(row["_ownerid_type"]), row["_ownerid_value"])
    row["_owninguser_value"] = row["_ownerid_value"] if is_user else None
    row["_owningteam_value"] = None if is_user else row["_ownerid_value"]
    row["_owningbusinessunit_value"] = owner["_businessunitid_value"] if owner else None


def _state(write: Write) -> None:
    """Bring state and reason together: setting one picks the other (dataverse.md section 15)."""
    status = write.table.columns.get("statuscode")
    if status is None:
        return
    row, values, states = write.row, write.values, {option.value: option.state for option in status.options}
    if write.old is None and row["statecode"] is None:
        row["statecode"] = status.options[0].state
    if values.get("statuscode") is None:
        first = next(option.value for option in status.options if option.state == row["statecode"])
        keeps = write.old is not None and write.old["statecode"] == row["statecode"]
        row["statuscode"] = write.old["statuscode"] if keeps and write.old else first
    elif write.old is not None and "statecode" not in values:
        row["statecode"] = states[row["statuscode"]]
    elif states[row["statuscode"]] != row["statecode"]:
        text = f"{row['statuscode']} is not a valid status code for state code {row['statecode']}."
        raise refuse(400, "0x80048408", text)


def _money(write: Write) -> None:
    """Fill currency, rate and the base twins when a money column is written (dataverse.md section 16)."""
    row, currency_column = write.row, "_transactioncurrencyid_value"
    twins = [name for name, column in write.table.columns.items() if column.type == "money" and f"{name}_base" in row]
    touched = [name for name in twins if write.values.get(name) is not None]
    if currency_column not in row or not (touched or currency_column in write.values):
        return
    base = write.store.value('SELECT "_basecurrencyid_value" FROM "dv_organization"')
    if row[currency_column] is None and any(row[name] is not None for name in twins):
        row[currency_column] = base
    currency = write.store.get(schema("dv").entity("transactioncurrency"), row[currency_column] or "")
    rate = Decimal(str(currency["exchangerate"])) if currency else None
    if "exchangerate" in row:
        row["exchangerate"] = stored_number(rate) if rate else None
    places = int(currency["currencyprecision"] or 0) if currency else _BASE_DIGITS
    for name in twins:
        if row[name] is None or not rate:
            row[f"{name}_base"] = None
            continue
        row[name] = _rounded(Decimal(str(row[name])), places)
        row[f"{name}_base"] = _rounded(Decimal(str(row[name])) / rate, _BASE_DIGITS)


def _rounded(value: Decimal, places: int) -> int | float | str:
    return stored_number(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def _require(table: Table, values: Row) -> None:
    """Refuse a blank where the platform itself needs a value; only SystemRequired counts (dataverse.md section 6)."""
    for name, value in values.items():
        column = table.columns.get(name)
        if column and value is None and column.required == "system" and column.access and column.type != "bool":
            raise refuse(400, "0x80040203", f"Attribute: {column.attribute} cannot be set to NULL")
