"""FetchXML filters → SQLite conditions, by way of the functions a $filter has."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter, like_pattern
from d365kit.sandbox.odata.filters import FilterError
from d365kit.sandbox.schema import TEXTUAL, Table

_COMPARISONS = {"eq": "eq", "ne": "ne", "neq": "ne", "gt": "gt", "ge": "ge", "lt": "lt", "le": "le"}
_LISTS = {"in": "In", "not-in": "NotIn", "between": "Between", "not-between": "NotBetween"}
_TREE = {"above": "Above", "eq-or-above": "AboveOrEqual", "under": "Under", "eq-or-under": "UnderOrEqual"}
_USERS = {"eq-userid": "EqualUserId", "ne-userid": "NotEqualUserId", "eq-businessid": "EqualBusinessId"}
_PATTERNS = {"like": "{}", "begins-with": "{}%", "ends-with": "%{}"}


def filter_sql(emitter: DataverseEmitter, element: Element, table: Table, alias: str) -> str:
    """Return a filter with all that is inside it; ``alias`` is the table it stands under."""
    tests = []
    for part in element:
        if part.tag == "filter":
            tests.append(filter_sql(emitter, part, table, alias))
        elif part.tag == "condition":
            tests.append(_condition(emitter, part, table, alias))
    word = " OR " if element.get("type") == "or" else " AND "
    return f"({word.join(tests)})" if tests else "1"


def _condition(emitter: DataverseEmitter, part: Element, table: Table, alias: str) -> str:
    other = part.get("entityname")
    if other:
        if other not in emitter.variables:
            raise FilterError("value", f"No linked entity has the alias '{other}'.")
        table, alias = emitter.variables[other][0], other
    column = table.attribute(part.get("attribute") or "")
    if column is None:
        text = f"'{table.entity}' entity doesn't contain attribute with Name = '{part.get('attribute')}'."
        raise FilterError("value", text)
    left = emitter.path((column.name,) if alias == "t" else (alias, column.name))
    operator, value = part.get("operator") or "", part.get("value")
    values = [item.text or "" for item in part.findall("value")]
    if operator in ("null", "not-null"):
        return f"{left.sql} IS {'NOT ' if operator == 'not-null' else ''}NULL"
    if operator in _COMPARISONS:
        return emitter.plain(left, value or "", _COMPARISONS[operator])
    plain = operator.removeprefix("not-")
    if plain in _PATTERNS or operator in ("not-begin-with", "not-end-with"):
        plain = {"not-begin-with": "begins-with", "not-end-with": "ends-with"}.get(operator, plain)
        if column.type not in TEXTUAL:
            raise FilterError("value", f"'{operator}' needs a text attribute.")
        test = emitter.like_whole(left, like_pattern(_PATTERNS[plain].format(value or "")))
        return f"NOT ifnull({test}, 0)" if operator.startswith("not-") else test
    known = _LISTS | _TREE | _USERS
    name = known.get(operator) or "".join(word.capitalize() for word in operator.split("-"))
    return emitter.function(name, left, value, values)
