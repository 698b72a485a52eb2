"""Items and vendors → who supplies which item, its weight and volume: what item card and product say of it."""

from __future__ import annotations

from decimal import Decimal

from d365kit.sandbox.company.world import Source, World
from d365kit.sandbox.odata.values import stored_number

_SUPPLIED = 0.5
_MEASURED = 0.7


def build(world: World) -> None:
    """Fill the cards of items; their products have the same, the vendor by name (sync-rules.md J16)."""
    rng = Source(world.seed, "supplies").rng
    vendors = world.store.query("SELECT number, displayName FROM bc_vendors WHERE blocked <> 'All' ORDER BY rowid")
    sql = """SELECT i.id, p.dv_id FROM bc_items i LEFT JOIN truth p ON p.kind = 'item' AND p.bc_id = i.id
        ORDER BY i.rowid"""
    items, products = [], []
    for key, product in world.store.query(sql):
        number, name = rng.choice(vendors) if rng.random() < _SUPPLIED else ("", "")
        measured = rng.random() < _MEASURED
        weight = stored_number(Decimal(rng.randrange(1, 4000)) / 100) if measured else 0
        volume = stored_number(Decimal(rng.randrange(1, 900)) / 1000) if measured else 0
        code = f"{number}-{rng.randrange(10_000):04}" if number else ""
        items.append((number, code, weight, volume, key))
        if product:
            filled = (name or None, name or None, code or None, weight or None, volume or None)
            products.append((*filled, product))
    with world.store.transaction() as connection:
        sets = '"Vendor_No" = ?, "Vendor_Item_No" = ?, "Gross_Weight" = ?, "Unit_Volume" = ?'
        connection.executemany(f"UPDATE bc_items SET {sets} WHERE id = ?", items)
        sets = "vendorid = ?, vendorname = ?, vendorpartnumber = ?, stockweight = ?, stockvolume = ?"
        connection.executemany(f"UPDATE dv_product SET {sets} WHERE productid = ?", products)
