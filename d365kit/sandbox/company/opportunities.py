"""Customers with people → opportunities, most of them on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from d365kit.sandbox.company.prices import rates_of
from d365kit.sandbox.company.sheets import Sheets, money
from d365kit.sandbox.company.traders import Trader
from d365kit.sandbox.company.world import World
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.store import Row

_FEWEST, _PER_CUSTOMERS = 4, 20
_TOPICS = ("New warehouse", "Refit of the workshop", "Spare parts contract", "Second site", "Yearly order", "Trial")
#: Of every eight opportunities: where they are, BC's status, Dataverse's state and reason.
_CASES = (
    ("both", "In_x0020_Progress", (0, 1)),
    ("both", "Not_x0020_Started", (0, 1)),
    ("bc", "In_x0020_Progress", (0, 1)),
    ("both", "In_x0020_Progress", (0, 2)),
    ("dv", "In_x0020_Progress", (0, 1)),
    ("both", "Won", (1, 3)),
    ("both", "In_x0020_Progress", (0, 1)),
    ("both", "Lost", (2, 4)),
)


def build(world: World, customers: int, people: Sequence[Trader]) -> None:
    """Add about one opportunity for twenty customers; the salesperson and the owner are those of the customer."""
    sheets = Sheets(world, "opportunities")
    count = min(max(_FEWEST, customers // _PER_CUSTOMERS), len(people))
    rates = rates_of(world)
    for place, trader in enumerate(sheets.rng.sample(list(people), count), start=1):
        where, status, state = _CASES[(place - 1) % len(_CASES)]
        _add(sheets, trader, place, where, status, state, rates[trader.currency])
    world.store.remember("series:opportunities", count * 10)
    sheets.flush()


def _add(
    sheets: Sheets, trader: Trader, place: int, where: str, status: str, state: tuple[int, int], rate: Decimal
) -> None:
    rng = sheets.rng
    topic = f"{rng.choice(_TOPICS)}, {trader.company_name}"[:100]
    value, month = Decimal(rng.randrange(20, 900) * 100), rng.randrange(1, 13)
    closes, chance, closed = f"2027-{month:02}-15", rng.randrange(2, 10) * 10, status in ("Won", "Lost")
    bc_id = dv_id = ""
    if where != "dv":
        bc_id = sheets.bc(
            "opportunities",
            number=f"OP{place * 10:06}",
            contactNumber=trader.contact_number,
            contactName=trader.contact_name,
            contactCompanyName=trader.company_name,
            salespersonCode=trader.salesperson,
            description=topic,
            status=status,
            closed=int(closed),
            creationDate="2026-08-03",
            dateClosed="2026-09-28" if closed else "0001-01-01",
            estimatedClosingDate=closes,
            estimatedValue=stored_number(value),
            calculatedCurrentValue=stored_number((value * chance / 100).quantize(Decimal("0.01"))),
            chancesOfSuccessPrc=chance,
            completedPrc=100 if closed else 40,
            systemCreatedAt="2026-08-03T09:00:00.000Z",
        )
    if where != "bc":
        dv_id = sheets.dv(
            "opportunity",
            name=topic,
            statecode=state[0],
            statuscode=state[1],
            estimatedclosedate=closes,
            actualclosedate="2026-09-28" if closed else None,
            closeprobability=chance,
            _transactioncurrencyid_value=trader.currency_id,
            **customer_columns(trader),
            _parentcontactid_value=trader.contact,
            _parentaccountid_value=trader.account,
            _bcbi_companyid_value=sheets.ids["dv_company"],
            **trader.owner,
            **money(rate, estimatedvalue=value),
        )
    if bc_id and dv_id:
        sheets.pair("opportunity", bc_id, dv_id)


def customer_columns(trader: Trader) -> Row:
    """Return the columns that name the account as the customer of a Dataverse row."""
    account = trader.account
    return {"_customerid_value": account, "_customerid_type": "account", "_accountid_value": account}
