"""Items and resources → prices of both ways of pricing, in BC and Dataverse: price groups, and price lists."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from d365kit.sandbox.company.customers import Rounds
from d365kit.sandbox.company.noise import Noise
from d365kit.sandbox.company.sheets import Sheets, money
from d365kit.sandbox.company.world import Source, World
from d365kit.sandbox.odata.values import stored_number

LCY = "EUR"
#: Dataverse states of a price list.
_ACTIVE, _INACTIVE = (0, 100001), (1, 100002)
_RATE_DIGITS = Decimal("1e-10")
_DRIFTED = 0.06
_MISSING = 0.08
_GROUP_SHARE = 0.3
_PRODUCT_COLUMNS = "d.productid, d._defaultuomscheduleid_value, d._defaultuomid_value, d.productnumber"
#: Code, name, currency, percent of the list price, whether Sales has it.
GROUPS = (
    ("RETAIL", "Retail customers", LCY, 100, True),
    ("WHOLESALE", "Wholesale customers", LCY, 82, True),
    ("EXPORT", "Customers overseas", "USD", 90, True),
    ("PROJECT", "Project prices", LCY, 75, False),
)


@dataclass(frozen=True)
class PriceList:
    """A price list: one in a currency Sales does not know, and a draft, are not in Sales."""

    code: str
    name: str
    currency: str
    percent: int
    status: str
    in_sales: bool
    starts: str = "2026-01-01"
    ends: str = "0001-01-01"


LISTS = (
    PriceList("S00001", "Standard prices", LCY, 100, "Active", True),
    PriceList("S00002", "Export prices in US dollar", "USD", 92, "Active", True),
    PriceList("S00003", "Prices of last year", LCY, 95, "Inactive", True, "2025-01-01", "2025-12-31"),
    PriceList("S00004", "Prices in forint", "HUF", 97, "Active", False),
    PriceList("S00005", "Spring offer", LCY, 88, "Draft", False, "2027-03-01", "2027-05-31"),
)


@dataclass(frozen=True)
class Good:
    """Something with a price: an item or resource, and the product it is in Sales, if any, with its units."""

    id: str
    number: str
    name: str
    asset: str
    unit: str
    price: Decimal
    product: str | None = None
    group: str | None = None
    base: str | None = None
    product_number: str | None = None


def build(world: World) -> None:
    """Add price groups with their sales prices, price lists with their lines, and who has which price group."""
    items, resources = goods(world, "item"), goods(world, "resource")
    writer = PriceWriter(Sheets(world, "prices"), rates_of(world), world.ids["dv_company"], world.dirt)
    count = max(4, min(60, len(items) // 10))
    for place, (code, name, currency, percent, in_sales) in enumerate(GROUPS):
        chosen = writer.sheets.rng.sample(items, min(count, len(items)))
        writer.group(code, name, currency, percent, in_sales, chosen, outside=place == 0)
    for place, entry in enumerate(LISTS):
        chosen = writer.sheets.rng.sample(items, min(count, len(items)))
        chosen += writer.sheets.rng.sample(resources, min(count // 3 + 1, len(resources)))
        writer.price_list(entry, chosen, outside=place == 0)
    writer.sheets.flush()
    _groups_of_customers(world)


def goods(world: World, kind: str) -> list[Good]:
    """Return the items or resources that are not blocked, each with its product."""
    if kind == "item":
        mine = "g.id, g.number, g.displayName, 'Item', g.baseUnitOfMeasureCode, g.unitPrice"
        joined = "bc_items g LEFT JOIN truth p ON p.kind = 'item' AND p.bc_id = g.id"
        condition = "g.blocked = 0 AND CAST(g.unitPrice AS REAL) > 0"
    else:
        mine = "g.id, g.No, g.Name, 'Resource', g.Base_Unit_of_Measure, g.Unit_Price"
        joined = "bc_resources g LEFT JOIN truth p ON p.kind = 'resource' AND p.bc_id = g.No"
        condition = "g.Blocked = 0"
    sql = f"""SELECT {mine}, {_PRODUCT_COLUMNS} FROM {joined} LEFT JOIN dv_product d ON d.productid = p.dv_id
        WHERE {condition} ORDER BY g.rowid"""
    return [
        Good(key, number, name, asset, unit, Decimal(str(price)), *product)
        for key, number, name, asset, unit, price, *product in world.store.query(sql)
    ]


class PriceWriter:
    """Writes prices of one company to both sides; rates are units of a currency per unit of the local one."""

    def __init__(self, sheets: Sheets, rates: dict[str, Decimal], company: str, dirt: float) -> None:
        self.sheets, self.rates, self.company = sheets, rates, company
        self.noise = Noise(Source(sheets.world.seed, f"price noise {sheets.number}").rng, dirt)
        self.missing = Rounds(_MISSING)

    def group(
        self, code: str, name: str, currency: str, percent: int, in_sales: bool, chosen: list[Good], outside: bool
    ) -> None:
        """Write a price group and its sales prices; ``outside`` adds prices that never go to Sales."""
        sheets = self.sheets
        row = {"Code": code, "Description": name, "Allow_Line_Disc": 1, "Allow_Invoice_Disc": 1}
        sheets.bc("CustomerPriceGroups", **row)
        level = self.level(code, name, currency, _ACTIVE) if in_sales else None
        if level:
            sheets.pair("price_group", sheets.page_id("CustomerPriceGroups", row), level)
        for good in chosen:
            price = self.price(good, currency, percent)
            values = self.sales_price(good, "Customer Price Group", code, currency, price)
            if level and good.product and not self.missing.next():
                key = sheets.page_id("SalesPrices", values)
                sheets.pair("sales_price", key, self.item(level, good, currency, price))
        if outside and chosen:
            self.sales_price(chosen[0], "All Customers", "", LCY, chosen[0].price)

    def sales_price(self, good: Good, kind: str, code: str, currency: str, price: Decimal) -> dict[str, Any]:
        """Write a sales price of BC's older pricing and return its columns."""
        values = {
            "Item_No": good.number,
            "Sales_Type": kind,
            "Sales_Code": code,
            "Starting_Date": "2026-01-01",
            "Currency_Code": "" if currency == LCY else currency,
            "Unit_of_Measure_Code": good.unit,
            "Unit_Price": stored_number(price),
            "Allow_Line_Disc": 1,
            "Allow_Invoice_Disc": 1,
        }
        self.sheets.bc("SalesPrices", **values)
        return values

    def price_list(self, entry: PriceList, chosen: list[Good], outside: bool) -> None:
        """Write a price list and its lines; ``outside`` adds lines that never go to Sales."""
        sheets, code = self.sheets, "" if entry.currency == LCY else entry.currency
        row = {
            "Code": entry.code,
            "Description": entry.name,
            "SourceType": "All Customers",
            "AmountType": "Price",
            "Status": entry.status,
            "CurrencyCode": code,
            "StartingDate": entry.starts,
            "EndingDate": entry.ends,
            "AllowLineDisc": 1,
            "AllowInvoiceDisc": 1,
        }
        sheets.bc("SalesPriceList", **row)
        level = None
        if entry.in_sales:
            state = _ACTIVE if entry.status == "Active" else _INACTIVE
            level = self.level(entry.code, entry.name, entry.currency, state, entry.starts, entry.ends)
            sheets.pair("price_list", sheets.page_id("SalesPriceList", row), level)
        for place, good in enumerate(chosen, start=1):
            price = self.price(good, entry.currency, entry.percent)
            values = self.list_line(entry, place, good, price, 0)
            if level and good.product and not self.missing.next():
                key = sheets.page_id("SalesPriceListLines", values)
                sheets.pair("price", key, self.item(level, good, entry.currency, price))
        if outside and chosen:
            price = self.price(chosen[0], entry.currency, entry.percent - 10)
            self.list_line(entry, len(chosen) + 1, chosen[0], price, 50)

    def list_line(self, entry: PriceList, place: int, good: Good, price: Decimal, least: int) -> dict[str, Any]:
        """Write a line of a price list and return its columns; ``least`` is the quantity it begins with."""
        values = {
            "Price_List_Code": entry.code,
            "Line_No": place * 10_000,
            "SourceType": "All Customers",
            "CurrencyCode": "" if entry.currency == LCY else entry.currency,
            "StartingDate": entry.starts,
            "EndingDate": entry.ends,
            "Asset_Type": good.asset,
            "Asset_No": good.number,
            "Product_No": good.number,
            "Description": good.name,
            "Unit_of_Measure_Code": good.unit,
            "Unit_of_Measure_Code_Lookup": good.unit,
            "Minimum_Quantity": least,
            "Amount_Type": "Price",
            "Unit_Price": stored_number(price),
            "Allow_Line_Disc": 1,
            "Allow_Invoice_Disc": 1,
        }
        self.sheets.bc("SalesPriceListLines", **values)
        return values

    def price(self, good: Good, currency: str, percent: int) -> Decimal:
        """Return a share of the list price in a currency."""
        return (good.price * percent / 100 * self.rates[currency]).quantize(Decimal("0.01"))

    def level(
        self, name: str, text: str, currency: str, state: tuple[int, int], starts: str = "", ends: str = ""
    ) -> str:
        """Write a price list of Sales and return its id."""
        ids = self.sheets.ids
        return self.sheets.dv(
            "pricelevel",
            name=name,
            description=text,
            statecode=state[0],
            statuscode=state[1],
            begindate=starts or None,
            enddate=None if ends in ("", "0001-01-01") else ends,
            exchangerate=stored_number(self.rates[currency]),
            _transactioncurrencyid_value=ids[f"dv:{currency}"],
            _bcbi_companyid_value=self.company,
            _organizationid_value=ids["organization"],
        )

    def item(self, level: str, good: Good, currency: str, price: Decimal) -> str:
        """Write a price of Sales, here and there one somebody changed, and return its id."""
        if self.noise.hit(_DRIFTED):
            price = (price * Decimal("1.05")).quantize(Decimal("0.01"))
        ids = self.sheets.ids
        return self.sheets.dv(
            "productpricelevel",
            _pricelevelid_value=level,
            _productid_value=good.product,
            _uomid_value=good.base,
            _uomscheduleid_value=good.group,
            _transactioncurrencyid_value=ids[f"dv:{currency}"],
            productnumber=good.product_number,
            pricingmethodcode=1,
            quantitysellingcode=1,
            roundingpolicycode=1,
            organizationid=ids["organization"],
            **money(self.rates[currency], amount=price),
        )


def rates_of(world: World) -> dict[str, Decimal]:
    """Return units of each BC currency per unit of the local one, as of the latest rate and as Dataverse holds it."""
    sql = """SELECT currencyCode, exchangeRateAmount, relationalExchangeRateAmount FROM bc_currencyExchangeRates
        ORDER BY startingDate"""
    rates = {code: Decimal(str(amount)) / Decimal(str(local)) for code, amount, local in world.store.query(sql)}
    return {LCY: Decimal(1)} | {code: rate.quantize(_RATE_DIGITS) for code, rate in rates.items()}


def _groups_of_customers(world: World) -> None:
    """Give a third of the customers a price group whose prices are in their currency."""
    rng = Source(world.seed, "price groups of customers").rng
    chosen = []
    for key, currency in world.store.query("SELECT id, currencyCode FROM bc_customers ORDER BY rowid"):
        fitting = [code for code, _, unit, _, _ in GROUPS if unit == currency]
        if fitting and rng.random() < _GROUP_SHARE:
            chosen.append((rng.choice(fitting), key))
    with world.store.transaction() as connection:
        connection.executemany('UPDATE bc_customers SET "Customer_Price_Group" = ? WHERE id = ?', chosen)
