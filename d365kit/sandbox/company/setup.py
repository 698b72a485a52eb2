"""Posting groups, payment methods and stock setup of the demo company, and an empty company beside it."""

from __future__ import annotations

from d365kit.sandbox.company.world import World, blank_row
from d365kit.sandbox.schema import company_schema, schema

#: Sets and their rows: code and name, which is called description where the API has no write access.
_CODES = {
    "paymentMethods": (("BANK", "Bank transfer"), ("CARD", "Card payment"), ("CASH", "Cash payment")),
    "taxGroups": (("GOODS", "Goods"), ("SERVICES", "Services")),
    "taxAreas": (("DOMESTIC", "Domestic"), ("FOREIGN", "Foreign")),
    "itemCategories": (("PARTS", "Parts"), ("TOOLS", "Tools")),
    "locations": (("MAIN", "Main warehouse"), ("OUTLET", "Outlet")),
    "generalProductPostingGroups": (("RETAIL", "Retail"), ("SERVICES", "Services")),
    "inventoryPostingGroups": (("RESALE", "Goods for resale"),),
}
_ACCOUNTS = (("1400", "Trade receivables", "Assets"), ("8400", "Sales, domestic", "Income"))
_FROM = "2026-01-02T08:00:00.000Z"


def build(world: World) -> None:
    """Add the setup rows; their ids come from a source of their own, so that nobody else's change."""
    own = world.apart("setup")
    for name, rows in _CODES.items():
        title = "description" if name.endswith("PostingGroups") else "displayName"
        for code, text in rows:
            own.bc(name, code=code, **{title: text})
    for number, text, category in _ACCOUNTS:
        account = {"number": number, "displayName": text, "category": category, "directPosting": 1}
        own.bc("accounts", **account)


def item_units(world: World) -> None:
    """Give every item its base unit as a unit of its own; the row goes by the item's id, which is unique too."""
    pages, items = schema("bc").pages, schema("bc").sets["items"]
    names = '"id", "Item_No", "Code", "Qty_per_Unit_of_Measure", _tag'
    values = '"id", "number", "baseUnitOfMeasureCode", 1, _tag'
    with world.store.transaction() as connection:
        connection.execute(
            f'INSERT INTO "{pages["ItemUnitsOfMeasure"].sql}" ({names}) SELECT {values} FROM "{items.sql}" '
            "WHERE \"baseUnitOfMeasureCode\" <> ''"
        )


def second_company(world: World) -> None:
    """Add the other company Dataverse knows, with its own setup; `second.build` fills it."""
    own = world.apart("second company")
    sql = 'SELECT "bcbi_externalid", "bcbi_name" FROM dv_bcbi_company WHERE "bcbi_companyid" = ?'
    key, name = world.store.query(sql, (world.ids["other_company"],))[0]
    moments = {"systemCreatedAt": _FROM, "systemModifiedAt": _FROM}
    version = {"systemVersion": "28.0.30643.32100", "timestamp": 767_627}
    own.bc("companies", id=key, name=name, displayName=f"{name} GmbH", **version, **moments)
    sets = company_schema(2).sets
    setup = {"localCurrencyCode": "EUR", "localCurrencySymbol": "€"}
    information = {"displayName": f"{name} GmbH", "country": "DE", "currencyCode": "EUR"}
    for set_name, values in (("generalLedgerSetup", setup), ("companyInformation", information)):
        row = blank_row(sets[set_name]) | {"id": own.source.guid(), "lastModifiedDateTime": _FROM} | values
        world.store.insert(sets[set_name], row)
