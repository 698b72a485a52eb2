"""Payment terms, shipment methods and shipping agents → codes in BC, options in Dataverse."""

from __future__ import annotations

from d365kit.sandbox.company.masters import TERMS
from d365kit.sandbox.company.sheets import Sheets
from d365kit.sandbox.company.world import World
from d365kit.sandbox.dataverse.options import add_option
from d365kit.sandbox.schema import schema

#: Terms beside those every company here has: code, name, days, discount days, discount, option of the same meaning.
_MORE_TERMS = (
    ("2%10 NET30", "2% within 10 days, net 30", "30D", "10D", 2, 2),
    ("PREPAID", "Payment in advance", "0D", "", 0, None),
)
#: Code, name, option of account.address1_freighttermscode; the last but one is an option of this organization's own.
METHODS = (
    ("FOB", "Free on board", 1),
    ("NO CHARGE", "No charge", 2),
    ("EXWORKS", "Ex works", None),
    ("DAP", "Delivered at place", None),
)
_OWN_METHOD, _OWN_LABEL = "EXWORKS", "Ex Works"
_FREIGHT = (("account", "address1_freighttermscode"), ("salesorder", "freighttermscode"))
#: Code, name, home page, option of account.address1_shippingmethodcode; FedEx is spelt differently on both sides.
AGENTS = (
    ("DHL", "DHL", "https://dhl.example", 2),
    ("UPS", "United Parcel Service", "https://ups.example", 4),
    ("FED EX", "FedEx", "https://fedex.example", 3),
    ("OWN FLEET", "Our own lorries", "", None),
)


def build(world: World) -> None:
    """Add the codes and the options that go with them, and note the true pairs."""
    sheets = Sheets(world, "codes")
    _terms(world, sheets)
    own = _own_option(world)
    for code, name, option in METHODS:
        key = world.ids.get(f"shipment:{code}") or sheets.bc("shipmentMethods", code=code, displayName=name)
        world.ids[f"shipment:{code}"] = key
        value = own if code == _OWN_METHOD else option
        if value is not None:
            sheets.pair("shipment_method", key, str(value))
            world.options[f"shipment:{code}"] = value
    for code, name, address, option in AGENTS:
        row = {"Code": code, "Name": name, "Internet_Address": address}
        sheets.bc("ShippingAgents", **row)
        if option is not None:
            sheets.pair("shipping_agent", sheets.page_id("ShippingAgents", row), str(option))
            world.options[f"agent:{code}"] = option
    sheets.flush()


def _terms(world: World, sheets: Sheets) -> None:
    for code, name, days, discount_days, percent, option in _MORE_TERMS:
        discount = {"discountDateCalculation": discount_days, "discountPercent": percent}
        key = sheets.bc("paymentTerms", code=code, displayName=name, dueDateCalculation=days, **discount)
        world.ids[f"terms:{code}"] = key
        if option is not None:
            world.options[f"terms:{code}"] = option
    world.options |= {f"terms:{code}": option for code, _, option in TERMS}
    for name, option in world.options.items():
        if name.startswith("terms:"):
            sheets.pair("payment_terms", world.ids[name], str(option))


def _own_option(world: World) -> int:
    """Add the option this organization made itself to the columns that share its meaning, under one value."""
    tables = schema("dv")
    made = [
        add_option(world.store, tables.entity(entity), tables.entity(entity).columns[column], _OWN_LABEL)
        for entity, column in _FREIGHT
    ]
    return made[0]
