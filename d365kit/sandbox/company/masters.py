"""Setup rows of both sides: organization, users, currencies, units, code tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from d365kit.sandbox.company import platform
from d365kit.sandbox.company.words import ascii_text, words
from d365kit.sandbox.company.world import World
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import ZERO_GUID

COMPANY = "Nordhain Handel"
LCY = "EUR"
SALESPEOPLE = (
    ("AH", "Annika", "Hartwig"),
    ("BK", "Bruno", "Kessler"),
    ("CM", "Clara", "Montfort"),
    ("DV", "Dirk", "Verhagen"),
    ("EL", "Elsa", "Lindholm"),
    ("FS", "Fiona", "Sheridan"),
    ("GP", "Giulio", "Pellegrini"),
    ("HJ", "Hanna", "Jaworska"),
    ("IR", "Íñigo", "Robledo"),
    ("JB", "Julie", "Bertrand"),
    ("KW", "Kevin", "Whitlock"),
    ("PU", "Petra", "Uhlig"),
)
#: Salespeople that customers are given to; the last one, a purchaser, has none.
SELLING = len(SALESPEOPLE) - 1
#: Code, name, symbol, units of the currency per LCY at the start of the year.
CURRENCIES = (
    ("USD", "US dollar", "$", "1.0832"),
    ("GBP", "Pound sterling", "£", "0.8417"),
    ("CHF", "Swiss franc", "CHF", "0.9386"),
    ("SEK", "Swedish krona", "kr", "11.2745"),
    ("NOK", "Norwegian krone", "kr", "11.6480"),
    ("DKK", "Danish krone", "kr", "7.4598"),
    ("PLN", "Polish zloty", "zł", "4.2715"),
    ("CZK", "Czech koruna", "Kč", "25.1340"),
    ("JPY", "Japanese yen", "¥", "162.4100"),
    ("HUF", "Hungarian forint", "Ft", "391.8500"),
)
ONLY_BC_CURRENCIES = frozenset({"JPY", "HUF"})
UNITS = (
    ("PCS", "Piece", "PCE"),
    ("BOX", "Box", "BX"),
    ("KG", "Kilogram", "KGM"),
    ("H", "Hour", "HUR"),
    ("SET", "Set", "SET"),
    ("PALLET", "Pallet", "PF"),
    ("ROLL", "Roll", "RO"),
    ("L", "Litre", "LTR"),
    ("M", "Metre", "MTR"),
    ("PACK", "Pack", "PK"),
)
ONLY_BC_UNITS = frozenset({"PALLET", "ROLL"})
#: BC code, days, the value of account.paymenttermscode whose label is the same.
TERMS = (("NET 30", "30D", 1), ("NET 45", "45D", 3), ("NET 60", "60D", 4))
RATE_DATES = ("2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01")


def build(world: World) -> None:
    """Add every setup row and note the ids the rest needs in ``world.ids``."""
    _company(world)
    _organization(world)
    _users(world)
    _currencies(world)
    for code, name, standard in UNITS:
        unit(world, code, name, standard, coupled=code not in ONLY_BC_UNITS)
    group = world.dv("uomschedule", name="Default Unit", baseuomname="Primary Unit")
    world.dv("uom", name="Primary Unit", quantity=1, isschedulebaseuom=1, _uomscheduleid_value=group)
    _codes(world)
    world.dv("pricelevel", name="Standard", _transactioncurrencyid_value=world.ids[f"dv:{LCY}"], exchangerate=1)


def unit(world: World, code: str, name: str, standard: str, coupled: bool) -> tuple[str, str, str]:
    """Add a unit of measure, and its unit group named NAV <code> when coupled; return the three ids."""
    bc_id = world.bc("unitsOfMeasure", code=code, displayName=name, internationalStandardCode=standard, symbol="")
    world.ids[f"unit:{code}"] = bc_id
    if not coupled:
        return bc_id, "", ""
    group = world.dv("uomschedule", name=f"NAV {code}", baseuomname=code)
    base = world.dv("uom", name=code, quantity=1, isschedulebaseuom=1, _uomscheduleid_value=group)
    world.ids |= {f"group:{code}": group, f"uom:{code}": base}
    world.pair("unit", bc_id, group)
    return bc_id, group, base


def currency(world: World, code: str, name: str, symbol: str, rate: str, coupled: bool, rated: bool = True) -> str:
    """Add a BC currency with its rates, and the Dataverse row when coupled; return the BC id."""
    places = "0:0" if code in ("JPY", "HUF") else "2:2"
    bc_id = world.bc(
        "currencies",
        code=code,
        displayName=name,
        symbol=symbol,
        amountDecimalPlaces=places,
        amountRoundingPrecision=stored_number(Decimal("0.01")),
    )
    world.ids[f"bc:{code}"] = bc_id
    latest = _rates(world, code, Decimal(rate)) if rated else Decimal(rate)
    if coupled:
        iso = {"isocurrencycode": code, "currencyname": name, "currencysymbol": symbol, "currencyprecision": 2}
        dv_id = world.dv("transactioncurrency", **iso, exchangerate=stored_number(latest))
        world.ids[f"dv:{code}"] = dv_id
        world.pair("currency", bc_id, dv_id)
    return bc_id


def _rates(world: World, code: str, rate: Decimal) -> Decimal:
    """Add a history of rates and return the latest as Dataverse holds it: ten decimals (sync-rules.md D6)."""
    latest = rate
    amount = Decimal(100) if rate > 5 else Decimal(1)
    for start in RATE_DATES:
        drift = Decimal(world.source.rng.randint(-150, 150)) / 10_000
        relational = (amount / (rate * (1 + drift))).quantize(Decimal("0.000001"))
        latest = (amount / relational).quantize(Decimal("1e-10"))
        world.bc(
            "currencyExchangeRates",
            currencyCode=code,
            startingDate=start,
            exchangeRateAmount=stored_number(amount),
            relationalCurrencyCode="",
            relationalExchangeRateAmount=stored_number(relational),
        )
    return latest


def _company(world: World) -> None:
    company_id, created = world.source.guid(), "2026-01-02T08:00:00.000Z"
    world.ids["company"] = company_id
    moments = {"systemCreatedAt": created, "systemModifiedAt": created}
    version = {"systemVersion": "28.0.30643.32100", "timestamp": 767_626}
    world.bc("companies", id=company_id, name=COMPANY, displayName=f"{COMPANY} GmbH", **version, **moments)
    world.bc(
        "companyInformation",
        displayName=f"{COMPANY} GmbH",
        addressLine1="Speicherstraße 12",
        city="Hamburg",
        country="DE",
        postalCode="20457",
        phoneNumber="+49 40 5550100",
        email="info@nordhain.example",
        website="https://www.nordhain.example",
        taxRegistrationNumber="DE999999995",
        currencyCode=LCY,
        currentFiscalYearStartDate="2026-01-01",
    )
    world.bc("generalLedgerSetup", localCurrencyCode=LCY, localCurrencySymbol="€")
    world.store.remember("company_id", company_id)
    world.store.remember("company_name", COMPANY)


def _organization(world: World) -> None:
    ids, guid = world.ids, world.source.guid
    ids |= {"organization": guid(), "unit": guid(), "team": guid(), "integration_user": guid(), "dv:EUR": guid()}
    world.dv(
        "organization",
        organizationid=ids["organization"],
        name="nordhain",
        _basecurrencyid_value=ids["dv:EUR"],
        basecurrencyprecision=2,
        basecurrencysymbol="€",
        currencysymbol="€",
        pricingdecimalprecision=2,
        currencydecimalprecision=2,
        currencydisplayoption=0,
        discountcalculationmethod=0,
        oobpricecalculationenabled=1,
        languagecode=1033,
        localeid=1033,
        expirechangetrackingindays=7,
        orderprefix="ORD",
        currentordernumber=1000,
        quoteprefix="QUO",
        currentquotenumber=1000,
        invoiceprefix="INV",
        currentinvoicenumber=1000,
    )
    organization = {"_organizationid_value": ids["organization"]}
    world.dv("businessunit", businessunitid=ids["unit"], name="nordhain", **organization)
    own = {"organizationid": ids["organization"], "_businessunitid_value": ids["unit"]}
    world.dv("team", teamid=ids["team"], name="BCI - nordhain", teamtype=0, **own)
    team = {"_bcbi_defaultowningteam_value": ids["team"]}
    ids["dv_company"] = world.dv("bcbi_company", bcbi_name=COMPANY, bcbi_externalid=ids["company"], **team)
    platform.build(world)
    ids["other_company"] = world.dv("bcbi_company", bcbi_name="Südhain Handel", bcbi_externalid=guid(), **team)


def _users(world: World) -> None:
    ids = world.ids
    machines: dict[str, Any] = {"accessmode": 4, "islicensed": 0}
    _user(world, "", "Business Central Integration", userid=ids["integration_user"], isintegrationuser=1, **machines)
    ids["user"] = _user(world, "#", "d365kit", applicationid=world.source.guid(), **machines)
    world.store.remember("user", ids["user"])
    for user in (ids["integration_user"], ids["user"]):
        platform.grant(world, user, platform.ADMINISTRATOR)
    _user(world, "Sven", "Adler", accessmode=1, islicensed=1)
    _user(world, "Nora", "Feldkamp", islicensed=1)
    _user(world, "Tilo", "Gersdorf", islicensed=1)
    _user(world, "Otto", "Weidner", isdisabled=1)
    for place, (code, first, last) in enumerate(SALESPEOPLE):
        phone = f"+49 40 55501{place + 10}"
        email = f"{ascii_text(first)}.{ascii_text(last)}@nordhain.example".lower()
        bc_id = world.bc(
            "salespeoplePurchasers",
            code=code,
            displayName=f"{first} {last}",
            email=email,
            phoneNo=phone,
            jobTitle="Sales" if place < SELLING else "Purchasing",
            commisionPercent=5 if place < SELLING else 0,
        )
        user = _user(world, first, last, islicensed=1, mobilephone=phone)
        platform.grant(world, user, platform.SALESPERSON)
        ids |= {f"salesperson:{code}": bc_id, f"user:{code}": user}
        world.pair("salesperson", bc_id, user)


def _user(world: World, first: str, last: str, userid: str | None = None, **values: object) -> str:
    address = ".".join(filter(None, (ascii_text(first).strip("#"), ascii_text(last).replace(" ", "")))).lower()
    row: dict[str, object] = {
        "firstname": first or None,
        "lastname": last,
        "fullname": f"{first} {last}".strip(),
        "internalemailaddress": f"{address}@nordhain.example",
        "domainname": f"{address}@nordhain.example",
        "azureactivedirectoryobjectid": platform.fixed_id(f"{first} {last}"),
        "accessmode": 0,
        "_businessunitid_value": world.ids["unit"],
        "organizationid": world.ids["organization"],
    }
    key = {"systemuserid": userid} if userid else {}
    return world.dv("systemuser", **(row | values | key))


def _currencies(world: World) -> None:
    iso = {"isocurrencycode": LCY, "currencyname": "Euro", "currencysymbol": "€", "currencyprecision": 2}
    base = world.ids[f"dv:{LCY}"]
    world.dv("transactioncurrency", transactioncurrencyid=base, exchangerate=1, **iso)
    world.pair("currency", ZERO_GUID, base)
    for code, name, symbol, rate in CURRENCIES:
        currency(world, code, name, symbol, rate, coupled=code not in ONLY_BC_CURRENCIES)


def _codes(world: World) -> None:
    lists = words()
    for code, name in [(country.code, country.name) for country in lists.countries] + list(lists.others.items()):
        world.bc("countriesRegions", code=code, displayName=name)
    for code, days, _ in TERMS:
        name = f"Net {days[:-1]} days"
        world.ids[f"terms:{code}"] = world.bc("paymentTerms", code=code, displayName=name, dueDateCalculation=days)
    for code, name in (("FOB", "Free on board"), ("NO CHARGE", "No charge")):
        world.ids[f"shipment:{code}"] = world.bc("shipmentMethods", code=code, displayName=name)
