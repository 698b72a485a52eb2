"""Customers with people, and goods → quotes, orders and invoices with lines whose amounts add up, on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from d365kit.sandbox.business_central.amounts import discounted, exact, totals
from d365kit.sandbox.business_central.company import Company, companies
from d365kit.sandbox.business_central.documents import KINDS, from_customer
from d365kit.sandbox.company.opportunities import customer_columns
from d365kit.sandbox.company.prices import LISTS, Good, goods, rates_of
from d365kit.sandbox.company.sheets import Sheets, money
from d365kit.sandbox.company.traders import Trader
from d365kit.sandbox.company.world import World
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import ZERO_GUID
from d365kit.sandbox.store import Row

#: Tax of a sale inside the company's own country, as the emulated service charges it.
_TAX_PERCENT, _OWN_COUNTRY = 19, "DE"
_PAID, _CANCELED = (2, 100001), (3, 100003)


@dataclass(frozen=True)
class Case:
    """What becomes of a document: on which sides it is, its status in BC, its state and reason in Dataverse."""

    where: str
    status: str = "Draft"
    state: tuple[int, int] = (0, 1)
    shipped: bool = False


@dataclass(frozen=True)
class Paper:
    """A kind of document on both sides: its sets, its pair, how its numbers look, and what happens to it in turn."""

    set: str
    kind: str
    entity: str
    number: str
    dv_number: str
    per_customers: int
    fewest: int
    cases: tuple[Case, ...]


QUOTES = Paper(
    "salesQuotes",
    "quote",
    "quote",
    "SQ{:06d}",
    "QUO-{:05d}-D3K4B1",
    100,
    3,
    (Case("both", "Sent", (1, 2)), Case("dv", state=(2, 4)), Case("bc"), Case("both", "Draft", (1, 3)), Case("dv")),
)
ORDERS = Paper(
    "salesOrders",
    "sales_order",
    "salesorder",
    "SO{:06d}",
    "ORD-{:05d}-D3K5C2",
    50,
    7,
    (
        Case("both", "Open", (1, 3)),
        Case("both", "Open", (1, 3), shipped=True),
        Case("dv", state=(1, 3)),
        Case("bc", "Open"),
        Case("both", "Open", (1, 3)),
        Case("bc", "Draft"),
        Case("dv", state=(0, 1)),
    ),
)
INVOICES = Paper(
    "salesInvoices",
    "invoice",
    "invoice",
    "PSI{:06d}",
    "",
    50,
    6,
    (
        Case("both", "Open"),
        Case("both", "Paid", _PAID),
        Case("bc", "Open"),
        Case("both", "Paid"),
        Case("bc", "Draft"),
        Case("both", "Canceled", _CANCELED),
    ),
)


def build(world: World, customers: int, people: Sequence[Trader]) -> None:
    """Add quotes, orders and invoices; in Sales some are not there yet, and some are behind."""
    if not people:
        return
    wares = [good for kind in ("item", "resource") for good in goods(world, kind) if good.product]
    for paper in (QUOTES, ORDERS, INVOICES):
        writer = PaperWriter(world, paper)
        count = max(paper.fewest, customers // paper.per_customers)
        for place in range(count):
            trader = people[writer.sheets.rng.randrange(len(people))]
            sold = writer.sheets.rng.sample(wares, writer.sheets.rng.randrange(1, 4))
            writer.write(place, paper.cases[place % len(paper.cases)], trader, sold)
        writer.finish(count)


class PaperWriter:
    """Writes documents of one kind to both sides."""

    def __init__(self, world: World, paper: Paper) -> None:
        self.world, self.paper = world, paper
        self.sheets = Sheets(world, paper.set)
        self.company: Company = companies(world.store)[0]
        self.rates = rates_of(world)
        self.terms = {world.ids[name]: value for name, value in world.options.items() if name.startswith("terms:")}
        self.methods = {
            world.ids[name]: value for name, value in world.options.items() if name.startswith("shipment:")
        }
        lists = {entry.code: entry.currency for entry in LISTS if entry.in_sales and entry.status == "Active"}
        found = world.store.query("SELECT name, pricelevelid FROM dv_pricelevel")
        self.levels = {lists[name]: key for name, key in found if name in lists}

    def write(self, place: int, case: Case, trader: Trader, sold: Sequence[Good]) -> None:
        """Write a document with a line for each good on the sides its case names."""
        header = self.header(place, case, trader)
        lines = [self.line(header, case, at, good) for at, good in enumerate(sold, start=1)]
        sums, amounts = totals(header, lines)
        header |= sums
        lines = [line | values for line, values in zip(lines, amounts, strict=True)]
        if self.paper.set == "salesInvoices":
            header["remainingAmount"] = sums["totalAmountIncludingTax"] if case.status in ("Open", "Draft") else 0
        bc_ids = self.to_bc(header, lines) if case.where != "dv" else []
        dv_ids = self.to_dv(place, case, trader, header, lines, sold) if case.where != "bc" else []
        kinds = [self.paper.kind, *[f"{self.paper.kind}_line"] * len(lines)]
        for kind, bc_id, dv_id in zip(kinds, bc_ids, dv_ids, strict=False):
            self.sheets.pair(kind, bc_id, dv_id)

    def header(self, place: int, case: Case, trader: Trader) -> Row:
        """Return BC's header, filled from its customer as the service fills it."""
        rng, table = self.sheets.rng, self.company.table(self.paper.set)
        day = date(2026, 2, 2) + timedelta(days=rng.randrange(240))
        number = self.paper.number.format(place * 10 + 10)
        row = from_customer(self.company, table, {"customerId": trader.customer})
        row |= {"number": number.removeprefix("P") if case.status == "Draft" else number, "status": case.status}
        row |= {KINDS[self.paper.set].day: day.isoformat(), "postingDate": day.isoformat(), "discountAmount": 0}
        row["externalDocumentNumber"] = f"{trader.company_name[:22]} {place + 1:03}".upper()
        later = (day + timedelta(days=30)).isoformat()
        if self.paper.set == "salesQuotes":
            return row | {"dueDate": later, "validUntilDate": later}
        row["Shipping_Agent_Code"] = trader.agent
        if self.paper.set == "salesInvoices":
            return row | {"dueDate": later, "Shipment_Date": day.isoformat()}
        reference = self.paper.dv_number.format(place + 1) if case.where != "bc" else ""
        row |= {"Your_Reference": reference, "requestedDeliveryDate": later, "partialShipping": 1}
        return row | {"fullyShipped": int(case.shipped)}

    def line(self, header: Row, case: Case, place: int, good: Good) -> Row:
        """Return BC's line that sells a good in the document's currency."""
        quantity = self.sheets.rng.randrange(1, 21)
        price = (good.price * self.rates[header["currencyCode"]]).quantize(Decimal("0.01"))
        row: Row = {
            "sequence": place * 10_000,
            "itemId": good.id if good.asset == "Item" else ZERO_GUID,
            "lineType": good.asset,
            "lineObjectNumber": good.number,
            "description": good.name,
            "unitOfMeasureId": self.world.ids[f"unit:{good.unit}"],
            "unitOfMeasureCode": good.unit,
            "unitPrice": stored_number(price),
            "quantity": quantity,
            "discountPercent": 0,
            "discountAmount": 0,
            "taxPercent": _TAX_PERCENT if header["shipToCountry"] == _OWN_COUNTRY else 0,
        }
        if case.where == "bc" and place == 1:
            row["discountPercent"] = 5
        row |= discounted(row, {})
        if self.paper.set == "salesOrders":
            left = 0 if case.shipped else quantity
            row |= {"shipQuantity": left, "invoiceQuantity": quantity, "shippedQuantity": quantity - left}
        return row

    def to_bc(self, header: Row, lines: Sequence[Row]) -> list[str]:
        """Add the document to BC and return its id and those of its lines."""
        key = self.sheets.bc(self.paper.set, **header)
        of_lines = KINDS[self.paper.set].lines
        return [key, *(self.sheets.bc(of_lines, **line, documentId=key) for line in lines)]

    def to_dv(
        self, place: int, case: Case, trader: Trader, header: Row, lines: Sequence[Row], sold: Sequence[Good]
    ) -> list[str]:
        """Add the document to Dataverse and return its id and those of its lines."""
        rate, ids = self.rates[trader.currency], self.sheets.ids
        taxes = [exact(line["totalTaxAmount"]) for line in lines]
        bases = [exact(line["amountExcludingTax"]) for line in lines]
        sums = {name: sum(bases, Decimal(0)) for name in ("totallineitemamount", "totalamountlessfreight")}
        sums |= {"totallineitemdiscountamount": Decimal(0), "totaldiscountamount": Decimal(0)}
        sums |= {"totaltax": sum(taxes, Decimal(0)), "totalamount": sum(bases + taxes, Decimal(0))}
        key = self.sheets.dv(
            self.paper.entity,
            name=header["externalDocumentNumber"],
            statecode=case.state[0],
            statuscode=case.state[1],
            pricingerrorcode=0,
            paymenttermscode=self.terms.get(header["paymentTermsId"]),
            _transactioncurrencyid_value=trader.currency_id,
            _pricelevelid_value=self.levels.get(trader.currency),
            _bcbi_companyid_value=ids["dv_company"],
            **self.own_columns(place, case, header),
            **_address(header),
            **customer_columns(trader),
            **trader.owner,
            **money(rate, **sums),
        )
        return [key, *map(self.dv_line, [key] * len(lines), [case] * len(lines), lines, sold, [trader] * len(lines))]

    def own_columns(self, place: int, case: Case, header: Row) -> Row:
        """Return what only this kind of document has in Dataverse."""
        number = self.paper.dv_number.format(place + 1)
        if self.paper.entity == "quote":
            until = f"{header['validUntilDate']}T00:00:00Z"
            return {"quotenumber": number, "revisionnumber": 0, "effectiveto": until}
        found: Row = {"shippingmethodcode": self.world.options.get(f"agent:{header['Shipping_Agent_Code']}")}
        if self.paper.entity == "invoice":
            found |= {"invoicenumber": header["number"], "duedate": header["dueDate"], "ispricelocked": 0}
            return found | {"datedelivered": header["Shipment_Date"]}
        found |= {"ordernumber": number, "requestdeliveryby": header["requestedDeliveryDate"]}
        found["freighttermscode"] = self.methods.get(header["shipmentMethodId"])
        if case.where == "both":
            found["bcbi_businesscentralordernumber"] = header["number"]
            found["lastbackofficesubmit"] = f"{header['orderDate']}T12:00:00Z"
        return found

    def dv_line(self, key: str, case: Case, line: Row, good: Good, trader: Trader) -> str:
        """Add a line to a document of Dataverse and return its id."""
        base, tax = exact(line["amountExcludingTax"]), exact(line["totalTaxAmount"])
        more: dict[str, Any] = {f"{self.paper.entity}statecode": case.state[0]}
        if self.paper.entity == "salesorder":
            more["quantityshipped"] = 0
            more |= {"bcbi_businesscentrallinenumber": line["sequence"]} if case.where == "both" else {}
        price = exact(line["unitPrice"])
        amounts = {"priceperunit": price, "baseamount": base, "tax": tax, "extendedamount": base + tax}
        return self.sheets.dv(
            f"{self.paper.entity}detail",
            **{f"_{self.paper.entity}id_value": key, f"{self.paper.entity}detailname": good.name[:100]},
            _productid_value=good.product,
            _uomid_value=good.base,
            _transactioncurrencyid_value=trader.currency_id,
            _ownerid_value=trader.owner["_ownerid_value"],
            _ownerid_type=trader.owner["_ownerid_type"],
            productname=good.name[:100],
            productdescription=good.name[:100],
            producttypecode=1,
            propertyconfigurationstatus=2,
            lineitemnumber=line["sequence"] // 10_000,
            quantity=line["quantity"],
            ispriceoverridden=1,
            pricingerrorcode=0,
            **more,
            **money(self.rates[trader.currency], **amounts),
        )

    def finish(self, count: int) -> None:
        """Insert what is left and note where the number series stands."""
        self.sheets.flush()
        self.world.store.remember(f"series:{self.paper.set}", count * 10)


def _address(header: Row) -> Row:
    """Return ship-to and bill-to of a BC header by the names of Dataverse."""
    places = {"line1": "AddressLine1", "line2": "AddressLine2", "city": "City", "stateorprovince": "State"}
    places |= {"country": "Country", "postalcode": "PostCode", "name": "Name"}
    return {
        f"{role}_{ours}": header[f"{role[:4]}To{theirs}"] or None
        for role in ("shipto", "billto")
        for ours, theirs in places.items()
    }
