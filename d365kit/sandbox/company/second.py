"""The other company → a small one in the newer modes: unit groups and price lists, its own rows on both sides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from d365kit.sandbox.company import masters
from d365kit.sandbox.company.customers import CustomerWriter
from d365kit.sandbox.company.items import ItemWriter
from d365kit.sandbox.company.masters import CURRENCIES, LCY, TERMS, UNITS
from d365kit.sandbox.company.partners import Business
from d365kit.sandbox.company.prices import Good, PriceList, PriceWriter
from d365kit.sandbox.company.resources import add_product, add_resource, resource, units_of
from d365kit.sandbox.company.sheets import Sheets, money
from d365kit.sandbox.company.words import words
from d365kit.sandbox.company.world import World
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import ZERO_GUID

PLACE = 2
_CUSTOMERS, _PEOPLE, _ITEMS, _RESOURCES = 30, 6, 12, 4
_CURRENCIES = ("USD", "CHF")
#: Codes of its salespeople, and the codes of the same people in the first company: they share the users of Sales.
_SALESPEOPLE = {"HAR": "AH", "KES": "BK", "MON": "CM"}
_ONLY_BC = frozenset({4, 9})
_BOX, _BOX_OF, _BOX_EVERY = "BOX", 12, 4
_LISTS = (
    PriceList("SH0001", "List prices", LCY, 100, "Active", True),
    PriceList("SH0002", "Prices for Switzerland", "CHF", 96, "Active", True),
    PriceList("SH0003", "Autumn offer", LCY, 90, "Draft", False),
)


def build(world: World) -> None:
    """Fill the second company. Two of its customers have the names of customers of the first one."""
    own = world.apart("second company's rows")
    own.ids = world.ids | {"dv_company": world.ids["other_company"]}
    own.options = {}
    key = str(world.store.value('SELECT id FROM "bc_companies" ORDER BY rowid DESC LIMIT 1'))
    sheets = Sheets(own, "second company's rows", PLACE, key)
    rates = _setup(sheets)
    sheets.flush()
    writer = SecondCustomers(own, key)
    writer.build(_CUSTOMERS)
    goods = [*_items(own, sheets), *_resources(sheets)]
    prices = PriceWriter(sheets, rates, own.ids["dv_company"], world.dirt)
    for place, entry in enumerate(_LISTS):
        prices.price_list(entry, [good for at, good in enumerate(goods) if at % 4 != place], outside=False)
    sheets.flush()


def _setup(sheets: Sheets) -> dict[str, Decimal]:
    """Add codes, currencies, units and salespeople with their true pairs; return the rates of the currencies."""
    ids, lists = sheets.ids, words()
    for code, name in [(country.code, country.name) for country in lists.countries] + list(lists.others.items()):
        sheets.bc("countriesRegions", code=code, displayName=name)
    for code, days, option in TERMS:
        name = f"Net {days[:-1]} days"
        ids[f"terms:{code}"] = sheets.bc("paymentTerms", code=code, displayName=name, dueDateCalculation=days)
        sheets.pair("payment_terms", ids[f"terms:{code}"], str(option))
    sheets.pair("shipment_method", sheets.bc("shipmentMethods", code="FOB", displayName="Free on board"), "1")
    sheets.bc("ShippingAgents", Code="DHL", Name="DHL")
    sheets.pair("shipping_agent", "DHL", "2")
    for code, name, standard in UNITS:
        unit = {"code": code, "displayName": name, "internationalStandardCode": standard}
        ids[f"unit:{code}"] = sheets.bc("unitsOfMeasure", **unit)
    _salespeople(sheets)
    sheets.pair("currency", ZERO_GUID, ids[f"dv:{LCY}"])
    rates = {LCY: Decimal(1)}
    for code, name, symbol, _ in CURRENCIES:
        if code in _CURRENCIES:
            rates[code] = _currency(sheets, code, name, symbol)
    return rates


def _salespeople(sheets: Sheets) -> None:
    for code, theirs in _SALESPEOPLE.items():
        first, last = next((first, last) for known, first, last in masters.SALESPEOPLE if known == theirs)
        user = sheets.ids[f"user:{theirs}"]
        sql = "SELECT internalemailaddress FROM dv_systemuser WHERE systemuserid = ?"
        email = sheets.store.value(sql, (user,))
        key = sheets.bc("salespeoplePurchasers", code=code, displayName=f"{first} {last}", email=email)
        sheets.ids[f"user:{code}"] = user
        sheets.pair("salesperson", key, user)


def _currency(sheets: Sheets, code: str, name: str, symbol: str) -> Decimal:
    """Add a currency with the rate Dataverse has, and return it: units of the currency per LCY."""
    row = {"code": code, "displayName": name, "symbol": symbol, "amountDecimalPlaces": "2:2"}
    key = sheets.bc("currencies", **row, amountRoundingPrecision=stored_number(Decimal("0.01")))
    sql = """SELECT startingDate, exchangeRateAmount, relationalExchangeRateAmount FROM bc_currencyExchangeRates
        WHERE currencyCode = ? ORDER BY startingDate DESC LIMIT 1"""
    starts, amount, local = sheets.store.query(sql, (code,))[0]
    rate = {"exchangeRateAmount": amount, "relationalExchangeRateAmount": local}
    sheets.bc("currencyExchangeRates", currencyCode=code, startingDate=starts, **rate)
    sheets.ids[f"bc:{code}"] = key
    sheets.pair("currency", key, sheets.ids[f"dv:{code}"])
    return (Decimal(str(amount)) / Decimal(str(local))).quantize(Decimal("1e-10"))


class SecondCustomers(CustomerWriter):
    """Writes the second company's customers, a few people, and an account only Sales knows."""

    purposes = ("second customers", "second accounts", "second noise", "second cards")
    #: Accounts of both companies stand in one table: a number both use would look like one customer.
    series = "SC"
    place = PLACE

    def __init__(self, world: World, company: str) -> None:
        super().__init__(world)
        self.company = company
        sql = (
            "SELECT c.displayName FROM bc_customers c JOIN truth p ON p.kind = 'customer' AND p.bc_id = c.id LIMIT 2"
        )
        self.shared = [name for (name,) in world.store.query(sql)]

    def build(self, customers: int) -> None:
        """Write the customers: five only in BC, the rest on both sides."""
        for place in range(customers):
            business = self.business(place)
            card = self.cards.partner(business, both=True)
            number, customer, contact = self.customer(business, card, blocked=False)
            if place % 6 == 5:
                continue
            account = self.account(business, number, 3, 0, dirty=True)
            self.truth.append(("customer", customer, account))
            if place <= _PEOPLE:
                person = self.registry.person(business)
                bc_id = self.bc_person(business, person, contact, "")
                self.truth.append(("contact", bc_id, self.dv_person(business, person, account, dirty=True)))
        self.account(self.business(customers), "", 3, 0, dirty=False)
        self.finish()

    def business(self, place: int) -> Business:
        """Return a business this company may sell to; the first two have names of the first company's customers."""
        found = self.registry.business()
        currency = found.currency if found.currency in (LCY, *_CURRENCIES) else LCY
        found = replace(found, currency=currency, salesperson=list(_SALESPEOPLE)[place % len(_SALESPEOPLE)])
        if place < len(self.shared):
            base, _, legal = self.shared[place].rpartition(" ")
            return replace(found, base=base, legal=legal)
        return found

    def _owner(self, business: Business) -> tuple[Any, ...]:
        """Every row of the second company names it: without, it would be the first one's to take."""
        values = super()._owner(business)
        return (*values[:4], self.world.ids["dv_company"], *values[5:])


class _SecondItems(ItemWriter):
    purposes = ("second items", "second products", "second item noise")


def _items(world: World, sheets: Sheets) -> list[Good]:
    """Add the items with a unit group each; two are only in BC."""
    writer, found = _SecondItems(world), []
    for place in range(_ITEMS):
        item = writer.invent()
        number, name, unit = f"S{item['number']}", str(item["name"]), str(item["unit"])
        price, cost, stock = (Decimal(item[column]) for column in ("price", "cost", "stock"))
        key = sheets.bc(
            "items",
            number=number,
            displayName=name,
            type="Inventory",
            gtin=item["gtin"],
            inventory=stored_number(stock),
            unitPrice=stored_number(price),
            unitCost=stored_number(cost),
            baseUnitOfMeasureId=sheets.ids[f"unit:{unit}"],
            baseUnitOfMeasureCode=unit,
        )
        units = {unit: 1} | ({_BOX: _BOX_OF} if place % _BOX_EVERY == 1 and unit != _BOX else {})
        for code, quantity in units.items():
            sheets.bc("ItemUnitsOfMeasure", Item_No=number, Code=code, Qty_per_Unit_of_Measure=quantity)
        good = Good(key, number, name, "Item", unit, price)
        if place not in _ONLY_BC:
            group, base = _unit_group(sheets, "item", number, units)
            product = _product(sheets, good, writer.noise.product(name), cost, stock, group, base)
            sheets.pair("item", key, product)
            good = replace(good, product=product, group=group, base=base, product_number=number)
        found.append(good)
    return found


def _resources(sheets: Sheets) -> list[Good]:
    """Add the resources with a unit group each; one is only in BC."""
    found = []
    for place in range(_RESOURCES):
        row = resource(sheets, place, "SRES")
        key, number, unit = add_resource(sheets, row), row["No"], row["Base_Unit_of_Measure"]
        good = Good(key, number, row["Name"], "Resource", unit, Decimal(str(row["Unit_Price"])))
        if place != _RESOURCES - 1:
            group, base = _unit_group(sheets, "resource", number, units_of(row))
            product = add_product(sheets, row, group, base, sheets.ids["dv_company"])
            sheets.pair("resource", number, product)
            good = replace(good, product=product, group=group, base=base, product_number=number)
        found.append(good)
    return found


def _unit_group(sheets: Sheets, kind: str, number: str, units: dict[str, int]) -> tuple[str, str]:
    """Add the unit group of an item or resource with its units; return the ids of the group and its base unit."""
    organization, first = sheets.ids["organization"], next(iter(units))
    name = f"{kind.upper()} {number} UOM GR"
    group = sheets.dv("uomschedule", name=name, baseuomname=first, _organizationid_value=organization)
    sheets.pair(f"{kind}_unit_group", number, group)
    base = ""
    for code, quantity in units.items():
        row = {"name": code, "quantity": quantity, "isschedulebaseuom": int(not base)}
        unit = sheets.dv(
            "uom", **row, _uomscheduleid_value=group, _baseuom_value=base or None, organizationid=organization
        )
        base = base or unit
        sheets.pair(f"{kind}_unit", f"{number}|{code}", unit)
    return group, base


def _product(sheets: Sheets, good: Good, name: str, cost: Decimal, stock: Decimal, group: str, base: str) -> str:
    """Add the product of an item in local currency and return its id."""
    return sheets.dv(
        "product",
        productnumber=good.number,
        name=name[:100],
        producttypecode=1,
        productstructure=1,
        statecode=0,
        statuscode=1,
        quantitydecimal=2,
        isstockitem=1,
        quantityonhand=stored_number(stock),
        _transactioncurrencyid_value=sheets.ids[f"dv:{LCY}"],
        _defaultuomscheduleid_value=group,
        _defaultuomid_value=base,
        _bcbi_companyid_value=sheets.ids["dv_company"],
        _organizationid_value=sheets.ids["organization"],
        **money(Decimal(1), price=good.price, currentcost=cost, standardcost=cost),
    )
