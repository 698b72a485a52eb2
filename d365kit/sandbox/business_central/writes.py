"""JSON body → changed rows of Business Central, with the checks its pages make."""

from __future__ import annotations

import sqlite3
from typing import Any

from d365kit.sandbox.business_central import documents as documents
from d365kit.sandbox.business_central import lines as lines
from d365kit.sandbox.business_central.belongings import add_base_unit, drop_belongings
from d365kit.sandbox.business_central.company import Company, blank, next_number, touch
from d365kit.sandbox.business_central.inventory import adjust
from d365kit.sandbox.business_central.partners import (
    RELATION,
    add_company_contact,
    company_of,
    follow_partner,
    part_from_contact,
    renamed,
)
from d365kit.sandbox.business_central.relations import related
from d365kit.sandbox.business_central.values import convert, dialog, read_values
from d365kit.sandbox.odata.values import now
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import Refusal, canonical_guid, new_guid


class Writer:
    """Creates, changes and removes rows of one company. Source: business-central.md section 6."""

    def __init__(self, company: Company, switches: Switches) -> None:
        self.company, self.store, self.switches = company, company.store, switches

    def create(self, table: Table, body: dict[str, Any], fixed: Row | None = None) -> str:
        """Add a row and return its key; ``fixed`` are values the address gives. Refusal as the page refuses."""
        if table.set in documents.KINDS:
            return self.create_document(table, body)
        values = self.values(table, body, creating=True) | (fixed or {})
        if lines.is_line_set(table):
            key = lines.create(self.company, table, values)
            return key
        if table.named and "displayName" not in values:
            raise dialog('A "displayName" must be provided.')
        if table.set == "items" and "inventory" in values:
            raise dialog("The inventory of a new item cannot be set.")
        rules = self.company.rules(table)
        values = related(self.company, rules, related(self.company, table, values, True), True)
        row = blank(rules) | (blank(table) if table.number else {}) | {rules.key: new_guid()} | values
        self.number(rules, row)
        self.page_key(table, row)
        self.fill(rules, row, row)
        touch(rules, row)
        self.insert(rules, row)
        if rules.set in RELATION:
            add_company_contact(self.company, rules.set, row)
        add_base_unit(self.company, rules, row)
        return str(row[rules.key])

    def create_document(self, table: Table, body: dict[str, Any]) -> str:
        """Add a document with the lines nested in the body; one bad line undoes all."""
        kind = documents.KINDS[table.set]
        nested = body.get(kind.lines, [])
        if not isinstance(nested, list) or not all(isinstance(line, dict) for line in nested):
            raise Refusal(400, "BadRequest", f"The property '{kind.lines}' must hold a list of objects.")
        values = self.values(table, {name: v for name, v in body.items() if name != kind.lines}, creating=True)
        row = documents.new(self.company, table, values)
        self.insert(table, row)
        of_line = self.company.table(kind.lines)
        for line in nested:
            line_values = self.values(of_line, line, creating=True) | {"documentId": row["id"]}
            lines.insert(self.company, of_line, row, line_values)
        documents.total(self.company, table, str(row["id"]))
        return str(row["id"])

    def change(self, table: Table, row: Row, body: dict[str, Any]) -> None:
        """Change a row; values equal to the stored ones leave it untouched (conformance.md 76)."""
        body = dict(body)
        if canonical_guid(str(body.get("id", ""))) == row.get("id"):
            body.pop("id", None)
        collections = [name for name in body if name in table.navigations and table.navigations[name].many]
        if collections:
            text = f"The navigation property '{collections[0]}' cannot be changed with its parent."
            raise Refusal(400, "BadRequest", text)
        values = self.values(table, body, creating=False, row=row)
        if lines.is_line_set(table):
            lines.change(self.company, table, row, values)
            return
        rules = self.company.rules(table)
        values = related(self.company, rules, related(self.company, table, values, False), False)
        if rules.set in documents.KINDS:
            documents.change(self.company, rules, row, values)
            return
        self.fill(rules, values, row | values)
        changes = {name: value for name, value in values.items() if value != row[name]}
        if not changes and not (values and self.switches.bc_equal_values_touch):
            return
        if rules.unique in changes and self.twin(rules, row | changes):
            raise self.duplicate(rules, str(changes[rules.unique]))
        if table.number and any(table.columns[key].stored in changes for key in table.keys):
            self.page_key(table, row | changes)
        if rules.set == "items" and "inventory" in changes:
            adjust(self.company, row, changes["inventory"])
        touch(rules, changes)
        self.store.update(rules, row[rules.key], changes)
        add_base_unit(self.company, rules, row | changes)
        if rules.set in RELATION:
            follow_partner(self.company, row, changes)

    def remove(self, table: Table, row: Row) -> None:
        """Delete a row; refused while open documents use it (conformance.md 79)."""
        rules = self.company.rules(table)
        if lines.is_line_set(rules):
            lines.remove(self.company, rules, row)
            return
        if rules.set in documents.KINDS:
            documents.remove(self.company, rules, row)
            return
        documents.refuse_if_used(self.company, rules, row)
        if rules.set in RELATION:
            part_from_contact(self.company, row)
        if rules.set == "contacts":
            self.store.delete(self.company.table("contactsInformation"), row["id"])
        drop_belongings(self.company, rules, row)
        self.store.delete(rules, row[rules.key])

    def values(self, table: Table, body: dict[str, Any], creating: bool, row: Row | None = None) -> Row:
        """Return the values of a body by stored name."""
        names = {}
        if table.set == "customerContacts" and row:
            asked = [name for name in ("firstName", "lastName") if name in body]
            names = {name: convert(table.columns[name], body.pop(name)) for name in asked}
        values = read_values(table, body, creating)
        if names and row:
            values["displayName"] = renamed(row, names.get("firstName"), names.get("lastName"))
        if table.named and str(values.get("displayName", "x")).strip() == "":
            raise dialog('The blank "displayName" is not allowed.')
        return values

    def fill(self, rules: Table, values: Row, whole: Row) -> None:
        """Add to the values what BC derives from them."""
        if rules.set == "contacts" and ("companyNumber" in values or "type" in values):
            company_of(self.company, values, whole)
        if rules.set == "opportunities":
            self.fill_opportunity(values, whole)

    def fill_opportunity(self, values: Row, whole: Row) -> None:
        """Show the contact of an opportunity; a closed one keeps its salesperson and contact."""
        closed = whole.get("status") in ("Won", "Lost")
        if closed and {"salespersonCode", "contactNumber"} & set(values):
            raise dialog("The salesperson or contact of a closed opportunity cannot be changed.")
        if values is whole:
            values |= {"creationDate": now(3)[:10], "systemCreatedAt": now(3)}
        if "contactNumber" in values:
            contact = self.company.find("contacts", "number", values["contactNumber"]) or {}
            values["contactName"] = contact.get("displayName", "")
            values["contactCompanyName"] = contact.get("companyName", "")

    def number(self, rules: Table, row: Row) -> None:
        """Give a new row its number, or check the one it brings (conformance.md 57, 61)."""
        if not rules.unique:
            return
        if not row[rules.unique]:
            if not rules.series:
                text = f"The property '{rules.unique}' must be provided."
                raise Refusal(400, "BadRequest_RequiredParamNotProvided", text)
            row[rules.unique] = next_number(self.store, rules)
        elif self.twin(rules, row):
            raise self.duplicate(rules, str(row[rules.unique]))

    def twin(self, rules: Table, row: Row) -> bool:
        """Whether another row has the same number or code."""
        where, values = f'"{rules.unique}" = ?', [row[rules.unique]]
        if rules.within:
            where, values = f'{where} AND "{rules.within}" = ?', [*values, row[rules.within]]
        return any(found[rules.key] != row[rules.key] for found in self.company.all(rules.set, where, *values))

    def page_key(self, table: Table, row: Row) -> None:
        """Check the primary key a page shows: its first part given, the whole not taken."""
        if not table.number:
            return
        columns = [table.columns[key] for key in table.keys]
        last = columns[-1]
        if last.name == "Line_No" and not row.get(last.stored):
            parent = row[columns[0].stored]
            sql = f'SELECT max("{last.stored}") FROM "{table.sql}" WHERE "{columns[0].stored}" = ?'
            row[last.stored] = int(self.store.value(sql, (parent,)) or 0) + 10_000
        if row.get(columns[0].stored) in ("", None):
            text = f"The property '{columns[0].name}' must be provided."
            raise Refusal(400, "BadRequest_RequiredParamNotProvided", text)
        where = " AND ".join(f'"{column.stored}" = ?' for column in columns)
        values = [row[column.stored] for column in columns]
        if any(found[table.key] != row.get(table.key) for found in self.company.all(table.set, where, *values)):
            raise self.duplicate(table, ", ".join(str(value) for value in values))

    def insert(self, rules: Table, row: Row) -> None:
        """Add the row; an id that exists is a duplicate (conformance.md 60)."""
        try:
            self.store.insert(rules, row)
        except sqlite3.IntegrityError:
            raise self.duplicate(rules, str(row[rules.key])) from None

    def duplicate(self, table: Table, key: str) -> Refusal:
        """Return the refusal of a second row with the same key."""
        text = f"The record in table {table.entity} already exists. Identification fields and values: '{key}'"
        return Refusal(self.switches.bc_duplicate_status, "Internal_EntityWithSameKeyExists", text)
