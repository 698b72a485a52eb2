"""Values of a row → the same values with every id and its code agreeing, each naming a row that exists."""

from __future__ import annotations

from d365kit.sandbox.business_central.company import Company
from d365kit.sandbox.business_central.values import dialog
from d365kit.sandbox.schema import ZERO_GUID, Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Refusal

Relation = dict[str, str]


def related(company: Company, table: Table, values: Row, creating: bool) -> Row:
    """Return the values with each id and its code brought together (business-central.md section 6).

    Refusal when a value names no row, or when id and code name different rows (conformance.md 64, 65).
    """
    found = dict(values)
    for relation in table.relations:
        by_id, by_code = (_stored(table, relation.get(part, "")) for part in ("id", "code"))
        local = relation["noun"] == "Currency" and bool(by_id)
        if by_id not in values and by_code not in values and not (creating and local):
            continue
        if not by_id:
            _check_code(company, relation, by_code, str(values[by_code]))
            continue
        blank = (ZERO_GUID, company.local_currency if local else "")
        names = {by_id: relation["id"], by_code: relation.get("code", "")}
        pairs = [_partner(company, relation, names[name], values[name], blank) for name in names if name in values]
        if len(set(pairs)) > 1:
            noun = relation["noun"]
            raise dialog(f"The {relation.get('values', noun)} values do not match to a specific {noun}.")
        key, code = pairs[0] if pairs else blank
        found |= {by_id: key} | ({by_code: code} if by_code else {})
    return found


def _stored(table: Table, name: str) -> str:
    column = table.columns.get(name)
    return column.stored if column else name


def _partner(company: Company, relation: Relation, name: str, value: str, blank: tuple[str, str]) -> tuple[str, str]:
    if value in ("", *blank):
        return blank
    by = relation.get("by", "code")
    column = "id" if name == relation["id"] else by
    row = company.find(relation["set"], column, value)
    if row is None:
        raise dialog(f'The "{name}" does not match to a {relation["noun"]}.')
    return str(row["id"]), str(row.get(by, ""))


def _check_code(company: Company, relation: Relation, column: str, code: str) -> None:
    by = relation.get("by", "code")
    if code and company.find(relation["set"], by, code) is None:
        text = f"The value ({code}) of {column} cannot be found in the related table ({relation['noun']})."
        raise Refusal(400, "Internal_InvalidTableRelation", text)
