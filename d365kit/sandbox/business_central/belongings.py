"""Rows that belong to another → made and deleted with it: units of items and resources, variants, addresses."""

from __future__ import annotations

from d365kit.sandbox.business_central.company import Company, blank
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import new_guid

#: By set: (its stored column, the set or page of what belongs to it, the column there).
_BELONGINGS = {
    "items": (("id", "itemVariants", "itemId"), ("number", "ItemUnitsOfMeasure", "Item_No")),
    "ResourceCard": (("No", "ResourceUnitsOfMeasure", "Resource_No"),),
    "customers": (("number", "ShipToAddress", "Customer_No"),),
    "SalesPriceList": (("Code", "SalesPriceListLines", "Price_List_Code"),),
    "currencies": (("code", "currencyExchangeRates", "currencyCode"),),
}
#: By set: its number, its base unit, the page of its units and the column of the owner there.
_UNITS = {
    "items": ("number", "baseUnitOfMeasureCode", "ItemUnitsOfMeasure", "Item_No"),
    "ResourceCard": ("No", "Base_Unit_of_Measure", "ResourceUnitsOfMeasure", "Resource_No"),
}


def add_base_unit(company: Company, rules: Table, row: Row) -> None:
    """Give an item or resource its base unit as a unit of its own, with quantity 1, unless it has it already."""
    if rules.set not in _UNITS:
        return
    number, base, page, owner = _UNITS[rules.set]
    where = f'"{owner}" = ? AND "Code" = ?'
    if row[base] and not company.all(page, where, row[number], row[base]):
        units = company.table(page)
        values = {"id": new_guid(), owner: row[number], "Code": row[base], "Qty_per_Unit_of_Measure": 1}
        company.store.insert(units, blank(units) | values)


def drop_belongings(company: Company, rules: Table, row: Row) -> None:
    """Delete what belongs to a row that is deleted."""
    for column, name, owner in _BELONGINGS.get(rules.set, ()):
        with company.store.transaction() as connection:
            connection.execute(f'DELETE FROM "{company.table(name).sql}" WHERE "{owner}" = ?', (row[column],))
