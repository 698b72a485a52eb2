"""Money columns of a row → rounded, with their twins in the base currency. Source: dataverse.md section 16."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from d365kit.sandbox.dataverse.rules import Write
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import Table, schema
from d365kit.sandbox.store import Row, Store

BASE_DIGITS = 4
_CURRENCY = "_transactioncurrencyid_value"


def fill_money(write: Write) -> None:
    """Fill currency, rate and the base twins when a money column or the currency is written."""
    row, twins = write.row, _twins(write.table.entity)
    touched = [name for name in twins if write.values.get(name) is not None]
    if _CURRENCY not in row or not (touched or _CURRENCY in write.values):
        return
    if row[_CURRENCY] is None and any(row[name] is not None for name in twins):
        row[_CURRENCY] = write.store.value('SELECT "_basecurrencyid_value" FROM "dv_organization"')
    row |= rounded(write.store, write.table, row, {name: row[name] for name in twins})


def rounded(store: Store, table: Table, row: Row, values: Row) -> Row:
    """Return money values rounded to their currency, with their base twins and the rate of today."""
    currency = store.get(schema("dv").entity("transactioncurrency"), row[_CURRENCY] or "")
    rate = Decimal(str(currency["exchangerate"])) if currency else None
    places = int(currency["currencyprecision"] or 0) if currency else BASE_DIGITS
    found: Row = {}
    if "exchangerate" in row:
        found["exchangerate"] = stored_number(rate) if rate else None
    for name, value in values.items():
        if value is None or not rate:
            found |= {name: value, f"{name}_base": None}
            continue
        found[name] = _round(Decimal(str(value)), places)
        found[f"{name}_base"] = _round(Decimal(str(found[name])) / rate, BASE_DIGITS)
    return found


@cache
def _twins(entity: str) -> tuple[str, ...]:
    columns = schema("dv").entity(entity).columns
    return tuple(name for name, column in columns.items() if column.type == "money" and f"{name}_base" in columns)


def _round(value: Decimal, places: int) -> int | float | str:
    return stored_number(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
