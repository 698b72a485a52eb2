"""Invented items → items in BC, products in Dataverse, and products outside the scope of items."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from d365kit.sandbox.company.customers import ONLY_BC, ONLY_DV, Rounds
from d365kit.sandbox.company.noise import Noise
from d365kit.sandbox.company.words import gtin, words
from d365kit.sandbox.company.world import Bulk, Source, World, names
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import schema

_FEWEST = 40
_BLOCKED_EVERY = 6
_ITEM = names(
    "id number displayName displayName2 gtin blocked inventory unitPrice unitCost baseUnitOfMeasureId "
    "baseUnitOfMeasureCode lastModifiedDateTime"
)
_PRODUCT = names(
    "productid productnumber name price price_base currentcost currentcost_base standardcost standardcost_base "
    "quantityonhand _defaultuomscheduleid_value _defaultuomid_value _bcbi_companyid_value createdon modifiedon"
)
_SERVICES = ("Installation", "Maintenance", "Training", "Calibration", "Consulting", "Transport")


def build(world: World, customers: int) -> None:
    """Write about a quarter as many items as customers, their products, and some other products."""
    count = max(customers // 4, min(_FEWEST, customers))
    writer = ItemWriter(world)
    writer.build(count)
    _others(world, count)


class ItemWriter:
    """Writes items to both sides; a writer of another company's names its own sources."""

    purposes = ("items", "products", "item noise")

    def __init__(self, world: World) -> None:
        self.world, self.words = world, words()
        self.source, self.dv_source, noise = (Source(world.seed, purpose) for purpose in self.purposes)
        self.noise = Noise(noise.rng, world.dirt)
        self.items = Bulk(world.store, schema("bc").sets["items"], _ITEM, {"type": "Inventory"})
        user = dict.fromkeys(("_createdby_value", "_modifiedby_value"), world.ids["integration_user"])
        fixed: dict[str, Any] = {
            "producttypecode": 1,
            "productstructure": 1,
            "statecode": 0,
            "statuscode": 1,
            "quantitydecimal": 2,
        }
        fixed |= {"isstockitem": 1, "exchangerate": 1, "_transactioncurrencyid_value": world.ids["dv:EUR"]}
        fixed |= {"_organizationid_value": world.ids["organization"]}
        self.products = Bulk(world.store, schema("dv").entity("product"), _PRODUCT, fixed | user)
        self.truth: list[tuple[str, str, str]] = []
        self.number = 1000

    def build(self, count: int) -> None:
        """Write ``count`` items and the products that go with them or stand alone."""
        alone, lonely = Rounds(ONLY_BC), 0
        for _ in range(count):
            item = self.invent()
            if alone.next():
                lonely += 1
                self.item(item, blocked=lonely % _BLOCKED_EVERY == 0)
                continue
            bc_id = self.item(item, blocked=False)
            self.truth.append(("item", bc_id, self.product(item, dirty=True)))
        for _ in range(round(count * ONLY_DV)):
            self.product(self.invent(), dirty=False)
        self.items.flush()
        self.products.flush()
        with self.world.store.transaction() as connection:
            connection.executemany("INSERT INTO truth (kind, bc_id, dv_id) VALUES (?, ?, ?)", self.truth)

    def invent(self) -> dict[str, str | Decimal]:
        """Return an item: number, name, unit, price, cost, stock."""
        rng, lists = self.source.rng, self.words
        noun, unit, base, letter = rng.choice(lists.nouns)
        self.number += rng.randrange(1, 5)
        make, size = rng.choice(lists.makes[letter]), rng.choice(lists.sizes[letter])
        name = f"{noun} {make} {size}, {rng.choice(lists.colours)}"
        price = (Decimal(base) * rng.randrange(60, 180) / 100).quantize(Decimal("0.01"))
        cost = (price * rng.randrange(45, 80) / 100).quantize(Decimal("0.01"))
        stock = Decimal(rng.randrange(0, 900)) if rng.random() < 0.8 else Decimal(0)
        code = gtin(rng) if rng.random() < 0.7 else ""
        number = f"{self.number}-{letter}"
        return {
            "number": number,
            "name": name,
            "unit": unit,
            "gtin": code,
            "price": price,
            "cost": cost,
            "stock": stock,
        }

    def item(self, item: dict[str, str | Decimal], blocked: bool) -> str:
        """Write a BC item and return its id."""
        key = self.source.guid()
        amounts = [stored_number(Decimal(item[name])) for name in ("stock", "price", "cost")]
        unit = self.world.ids[f"unit:{item['unit']}"]
        head = (key, item["number"], item["name"], "", item["gtin"], int(blocked))
        self.items.add(*head, *amounts, unit, item["unit"], self.source.time(3))
        return key

    def product(self, item: dict[str, str | Decimal], dirty: bool) -> str:
        """Write a product and return its id."""
        key, ids = self.dv_source.guid(), self.world.ids
        name, number = str(item["name"]), str(item["number"])
        if dirty:
            name, number = self.noise.product(name), self.noise.number(number)
        price, cost = stored_number(Decimal(item["price"])), stored_number(Decimal(item["cost"]))
        created = self.dv_source.time(0)
        self.products.add(
            key,
            number,
            name[:100],
            price,
            price,
            cost,
            cost,
            cost,
            cost,
            stored_number(Decimal(item["stock"])),
            ids[f"group:{item['unit']}"],
            ids[f"uom:{item['unit']}"],
            ids["dv_company"],
            created,
            max(created, self.dv_source.time(0)),
        )
        return key


def service(world: World, number: str, name: str, **values: object) -> str:
    """Add a product outside the scope of items (a service unless told otherwise) and return its id."""
    row: dict[str, object] = {
        "productnumber": number,
        "name": name,
        "producttypecode": 3,
        "productstructure": 1,
        "statecode": 0,
        "statuscode": 1,
        "quantitydecimal": 2,
        "price": 90,
        "price_base": 90,
        "exchangerate": 1,
        "_transactioncurrencyid_value": world.ids["dv:EUR"],
        "_defaultuomscheduleid_value": world.ids["group:H"],
        "_defaultuomid_value": world.ids["uom:H"],
        "_bcbi_companyid_value": world.ids["dv_company"],
        "_organizationid_value": world.ids["organization"],
    }
    return world.dv("product", **(row | values))


def _others(world: World, count: int) -> None:
    for place in range(min(len(_SERVICES), count // 6)):
        service(world, f"SRV-{place + 1:03}", _SERVICES[place])
    if count >= _FEWEST // 2:
        service(world, "FAM-001", "Workshop equipment", producttypecode=1, productstructure=2)
        service(world, "NEW-001", "Shelf prototype", producttypecode=1, statecode=2, statuscode=0)
        service(world, "OLD-001", "Shelf, discontinued", producttypecode=1, statecode=1, statuscode=2)
