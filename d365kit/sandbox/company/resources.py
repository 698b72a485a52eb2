"""Invented services → resources with their units in BC, products of type Services; items get second units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from d365kit.sandbox.company.customers import Rounds
from d365kit.sandbox.company.noise import Noise
from d365kit.sandbox.company.sheets import Sheets, money
from d365kit.sandbox.company.world import Source, World
from d365kit.sandbox.odata.values import stored_number

#: product.producttypecode of a resource (option-sets.csv).
SERVICES = 3
_FEWEST, _PER_CUSTOMERS = 8, 40
_ONLY_BC = 0.15
_WORK = ("Installation", "Commissioning", "Inspection", "Repair", "Calibration", "Consulting", "Training", "Design")
_AT = ("on site", "in the workshop", "remote", "overnight", "express", "weekend")
_MACHINES = ("Forklift", "Crane lorry", "Test bench", "Lifting platform")
#: Units beside the base unit: an item's box of twelve, a resource's set of eight hours.
_BOX, _BOX_OF, _PIECES = "BOX", 12, "PCS"
_SET, _SET_OF = "SET", 8
_SECOND_EVERY = 10


def build(world: World, customers: int) -> None:
    """Add at least eight resources, about one for forty customers; nearly all are products too. And second units."""
    sheets = Sheets(world, "resources")
    noise = Noise(Source(world.seed, "resource noise").rng, world.dirt)
    alone, lonely = Rounds(_ONLY_BC), 0
    for place in range(max(_FEWEST, customers // _PER_CUSTOMERS)):
        row = resource(sheets, place)
        if alone.next():
            lonely += 1
            add_resource(sheets, row | {"Blocked": int(lonely == 1)})
            continue
        add_resource(sheets, row)
        group, unit = world.ids["group:H"], world.ids["uom:H"]
        name = noise.product(row["Name"])
        company = world.ids["dv_company"]
        sheets.pair("resource", row["No"], add_product(sheets, row | {"Name": name}, group, unit, company))
    _second_units(world, sheets)
    sheets.flush()


def resource(sheets: Sheets, place: int, prefix: str = "RES") -> dict[str, Any]:
    """Return an invented resource, by the columns of its card."""
    rng = sheets.rng
    machine = rng.random() < 0.25
    round_, at = divmod(place, len(_MACHINES) if machine else len(_WORK))
    name = f"{_MACHINES[at]}, class {round_ + 1}" if machine else f"{_WORK[at]} {_AT[round_ % len(_AT)]}"
    price = Decimal(rng.randrange(45, 190))
    return {
        "No": f"{prefix}-{place + 1:03}",
        "Name": name,
        "Type": "Machine" if machine else "Person",
        "Base_Unit_of_Measure": "H",
        "Search_Name": name.upper(),
        "Unit_Price": stored_number(price),
        "Unit_Cost": stored_number((price * rng.randrange(50, 80) / 100).quantize(Decimal("0.01"))),
        "Gen_Prod_Posting_Group": "SERVICES",
        "Last_Date_Modified": "2026-09-01",
    }


def add_resource(sheets: Sheets, row: dict[str, Any]) -> str:
    """Add a resource with its base unit, and for some a second one; return its row's id."""
    key = sheets.bc("ResourceCard", **row)
    for code, quantity in units_of(row).items():
        values = {"Resource_No": row["No"], "Code": code, "Qty_per_Unit_of_Measure": quantity}
        sheets.bc("ResourceUnitsOfMeasure", **values, Related_to_Base_Unit_of_Meas=1)
    return key


def units_of(row: dict[str, Any]) -> dict[str, int]:
    """Return the units of a resource with their sizes: its base unit, and for every fourth one a set of eight."""
    second = {_SET: _SET_OF} if int(row["No"][-3:]) % 4 == 1 else {}
    return {row["Base_Unit_of_Measure"]: 1} | second


def add_product(sheets: Sheets, row: dict[str, Any], group: str, unit: str, company: str) -> str:
    """Add the product of a resource in local currency and return its id."""
    price, cost = Decimal(str(row["Unit_Price"])), Decimal(str(row["Unit_Cost"]))
    return sheets.dv(
        "product",
        productnumber=row["No"],
        name=str(row["Name"])[:100],
        producttypecode=SERVICES,
        productstructure=1,
        statecode=0,
        statuscode=1,
        quantitydecimal=2,
        _transactioncurrencyid_value=sheets.ids["dv:EUR"],
        _defaultuomscheduleid_value=group,
        _defaultuomid_value=unit,
        _bcbi_companyid_value=company,
        _organizationid_value=sheets.ids["organization"],
        **money(Decimal(1), price=price, currentcost=cost, standardcost=cost),
    )


def _second_units(world: World, sheets: Sheets) -> None:
    """Give every tenth item that is counted in pieces a box of twelve as a second unit."""
    sql = 'SELECT number FROM bc_items WHERE "baseUnitOfMeasureCode" = ? AND blocked = 0 ORDER BY rowid'
    for place, (number,) in enumerate(world.store.query(sql, (_PIECES,))):
        if place % _SECOND_EVERY == 1:
            sheets.bc("ItemUnitsOfMeasure", Item_No=number, Code=_BOX, Qty_per_Unit_of_Measure=_BOX_OF)
