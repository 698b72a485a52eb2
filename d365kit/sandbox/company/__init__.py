"""Number of customers, seed, faults, dirt → the demo company on both sides, and what is wrong with it."""

from __future__ import annotations

import gc
from collections.abc import Iterable

from d365kit.sandbox.company import (
    codes,
    items,
    masters,
    opportunities,
    papers,
    prices,
    resources,
    second,
    setup,
    supplies,
)
from d365kit.sandbox.company.customers import CustomerWriter
from d365kit.sandbox.company.faults import FAULTS, Fault, plant
from d365kit.sandbox.company.traders import traders
from d365kit.sandbox.company.vendors import VendorWriter
from d365kit.sandbox.company.world import World
from d365kit.sandbox.store import Store

__all__ = ["FAULTS", "FEWEST", "Fault", "build", "wanted_faults"]

#: A company with fewer customers has customers, contacts, items and setup only, so that tiny ones stay tiny.
FEWEST = 30


def wanted_faults(names: Iterable[str] | None) -> tuple[Fault, ...]:
    """Return the faults of these names, in table order; None for those of the demo. ValueError for an unknown one."""
    if names is None:
        return tuple(fault for fault in FAULTS if fault.in_demo)
    asked = set(names)
    unknown = asked - {fault.name for fault in FAULTS}
    if unknown:
        raise ValueError(f"unknown fault: {', '.join(sorted(unknown))}")
    return tuple(fault for fault in FAULTS if fault.name in asked)


def build(store: Store, customers: int, seed: int, faults: tuple[Fault, ...], dirt: float) -> None:
    """Fill an empty store. The same arguments give the same rows."""
    collecting = gc.isenabled()
    gc.disable()  # a million fresh tuples hold no cycles, and scanning them costs half the time
    try:
        world = World(store, seed, dirt)
        masters.build(world)
        setup.build(world)
        setup.second_company(world)
        if customers >= FEWEST:
            codes.build(world)
        CustomerWriter(world).build(customers)
        items.build(world, customers)
        setup.item_units(world)
        store.index()
        if customers >= FEWEST:
            VendorWriter(world).build(customers)
            supplies.build(world)
            resources.build(world, customers)
            prices.build(world)
            people = traders(world)
            opportunities.build(world, customers, people)
            papers.build(world, customers, people)
            second.build(world)
        for fault in faults:
            plant(fault, world)
    finally:
        if collecting:
            gc.enable()
