"""What each planted fault changes: pick records no other fault uses, change them, name them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from d365kit.sandbox.business_central.company import next_number
from d365kit.sandbox.company import items, masters, pick
from d365kit.sandbox.company.pick import Found
from d365kit.sandbox.company.world import World
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import BLANK_ENUM, ZERO_GUID, schema

#: Countries whose name fits the ten characters of BC's code, so that only the country check speaks.
_SHORT_NAMES = "('DE','AT','BE','FR','ES','IT','DK','SE','NO','PL','IE')"


def salesperson_without_user(world: World, count: int) -> list[Found]:
    """A salesperson without a user, given to customers whose accounts a team owns."""
    pairs = pick.pairs(world, "customer", count)
    if pairs:
        world.bc("salespeoplePurchasers", code="NU", displayName="Nina Umland", email="nina.umland@nordhain.example")
    return _without_user(world, pairs, "NU")


def salesperson_unknown(world: World, count: int) -> list[Found]:
    """A salesperson's code that BC no longer has."""
    return _without_user(world, pick.pairs(world, "customer", count), "XQ")


def user_disabled(world: World, count: int) -> list[Found]:
    """The user of a salesperson no customer has."""
    code = masters.SALESPEOPLE[masters.SELLING][0]
    user = world.ids[f"user:{code}"]
    _dv(world, "systemuser", user, isdisabled=1)
    return [(world.ids[f"salesperson:{code}"], user)]


def currency_without_rate(world: World, count: int) -> list[Found]:
    """A BC currency without rates."""
    return [(masters.currency(world, "TRY", "Turkish lira", "₺", "35", coupled=False, rated=False), None)]


def currency_code_too_long(world: World, count: int) -> list[Found]:
    """A BC currency whose code is no ISO code."""
    return [(masters.currency(world, "USDFIX", "US dollar, fixed", "$", "1.05", coupled=False), None)]


def currency_inactive(world: World, count: int) -> list[Found]:
    """A coupled currency nobody uses."""
    _dv(world, "transactioncurrency", world.ids["dv:CZK"], statecode=1, statuscode=2)
    return [(world.ids["bc:CZK"], world.ids["dv:CZK"])]


def rate_drifted(world: World, count: int) -> list[Found]:
    """A coupled currency whose rate was changed by hand."""
    key = world.ids["dv:NOK"]
    rate = _rate(world, key) * Decimal("1.03")
    _dv(world, "transactioncurrency", key, exchangerate=stored_number(rate.quantize(Decimal("1e-10"))))
    return [(world.ids["bc:NOK"], key)]


def customer_currency_differs(world: World, count: int) -> list[Found]:
    """Accounts in another currency than their customers."""
    pairs = pick.pairs(world, "customer", count)
    for bc_id, dv_id in pairs:
        mine = world.store.value('SELECT "currencyCode" FROM bc_customers WHERE id = ?', (bc_id,))
        other = "CHF" if mine != "CHF" else "USD"
        rate = _rate(world, world.ids[f"dv:{other}"])
        limit = Decimal(str(world.store.value("SELECT creditlimit FROM dv_account WHERE accountid = ?", (dv_id,))))
        money = {"exchangerate": stored_number(rate), "creditlimit_base": _cents(limit / rate)}
        _dv(world, "account", dv_id, _transactioncurrencyid_value=world.ids[f"dv:{other}"], **money)
    return pairs


def customer_currency_unknown(world: World, count: int) -> list[Found]:
    """A customer in a currency without a row."""
    pairs = pick.pairs(world, "customer", count)
    for bc_id, _ in pairs:
        _bc(world, "customers", bc_id, currencyId=world.source.guid(), currencyCode="ZAR")
    return pairs


def unit_group_two_units(world: World, count: int) -> list[Found]:
    """A unit group with a second unit."""
    unit, group, base = masters.unit(world, "PAIR", "Pair", "PR", coupled=True)
    second = {"_uomscheduleid_value": group, "_baseuom_value": base}
    world.dv("uom", name="10 PAIR", quantity=10, isschedulebaseuom=0, **second)
    return [(unit, group)]


def unit_group_inactive(world: World, count: int) -> list[Found]:
    """A unit group that is inactive."""
    unit, group, _ = masters.unit(world, "TUBE", "Tube", "TU", coupled=True)
    _dv(world, "uomschedule", group, statecode=1, statuscode=2)
    return [(unit, group)]


def unit_renamed(world: World, count: int) -> list[Found]:
    """A unit group whose only unit has another name."""
    unit, group, base = masters.unit(world, "CARTON", "Carton", "CT", coupled=True)
    _dv(world, "uom", base, name="Ctn.")
    return [(unit, group)]


def item_without_unit(world: World, count: int) -> list[Found]:
    """Items whose base unit is blank."""
    pairs = pick.pairs(world, "item", count)
    for bc_id, _ in pairs:
        _bc(world, "items", bc_id, baseUnitOfMeasureId=ZERO_GUID, baseUnitOfMeasureCode="")
    return pairs


def item_unit_unknown(world: World, count: int) -> list[Found]:
    """An item with a unit that has no row."""
    pairs = pick.pairs(world, "item", count)
    for bc_id, _ in pairs:
        _bc(world, "items", bc_id, baseUnitOfMeasureId=world.source.guid(), baseUnitOfMeasureCode="CRATE")
    return pairs


def item_without_name(world: World, count: int) -> list[Found]:
    """An item only BC has, without a description."""
    found = pick.only_bc(world, "items", "item", "b.blocked = 0", count)
    for key in found:
        _bc(world, "items", key, displayName="")
    return [(key, None) for key in found]


def item_negative_price(world: World, count: int) -> list[Found]:
    """An item priced below zero; the other side holds 0, as the standard sync writes it (sync-rules.md J6)."""
    pairs = pick.pairs(world, "item", count, "CAST(b.unitPrice AS REAL) > 0")
    for bc_id, dv_id in pairs:
        price = Decimal(str(world.store.value('SELECT "unitPrice" FROM bc_items WHERE id = ?', (bc_id,))))
        _bc(world, "items", bc_id, unitPrice=stored_number(-price))
        _dv(world, "product", dv_id, price=0, price_base=0)
    return pairs


def product_number_taken(world: World, count: int) -> list[Found]:
    """An item only BC has, whose number a service uses."""
    found = pick.only_bc(world, "items", "item", "b.blocked = 0", count)
    for key in found:
        number = world.store.value("SELECT number FROM bc_items WHERE id = ?", (key,))
        items.service(world, number, "Express delivery")
    return [(key, None) for key in found]


def customer_without_name(world: World, count: int) -> list[Found]:
    """A customer only BC has, without a name."""
    found = pick.only_bc(world, "customers", "customer", f"b.blocked = '{BLANK_ENUM}' AND {pick.NO_PERSON}", count)
    for key in found:
        _bc(world, "customers", key, displayName="")
    return [(key, None) for key in found]


def country_is_a_name(world: World, count: int) -> list[Found]:
    """Accounts with a country's name."""
    pairs = pick.pairs(world, "customer", count, f"b.country IN {_SHORT_NAMES}")
    for bc_id, dv_id in pairs:
        sql = (
            "SELECT r.displayName FROM bc_customers b JOIN bc_countriesRegions r ON r.code = b.country WHERE b.id = ?"
        )
        _dv(world, "account", dv_id, address1_country=world.store.value(sql, (bc_id,)))
    return pairs


def name_too_long(world: World, count: int) -> list[Found]:
    """An account BC does not know, with a name BC would cut."""
    sql = (
        "SELECT d.accountid FROM dv_account d WHERE d.customertypecode = 3 AND d.statecode = 0 "
        f"AND d._bcbi_companyid_value IS NOT '{world.ids['other_company']}' "
        "AND NOT EXISTS (SELECT 1 FROM truth p WHERE p.kind = 'customer' AND p.dv_id = d.accountid) "
        f"AND {pick.NO_CONTACT}"
    )
    found = pick.choose(world, [row[0] for row in world.store.query(f"{sql} LIMIT {pick.CANDIDATES}")], count)
    for key in found:
        name = str(world.store.value("SELECT name FROM dv_account WHERE accountid = ?", (key,)))
        tail = " Niederlassung für Vertrieb, Montage, Wartung und Ersatzteile"
        tail += " sowie technischen Kundendienst in allen Ländern"
        _dv(world, "account", key, name=(name + tail)[:160])
    return [(None, key) for key in found]


def duplicate_account(world: World, count: int) -> list[Found]:
    """A second account for a coupled one."""
    filled = "d.emailaddress1 IS NOT NULL AND d.address1_postalcode IS NOT NULL"
    found: list[Found] = []
    for _, dv_id in pick.pairs(world, "customer", count, filled):
        account = schema("dv").entity("account")
        row = world.store.get(account, dv_id or "") or {}
        copied = {name: row[name] for name in row if name not in ("accountid", "accountnumber", "versionnumber")}
        found.append((None, world.dv("account", **copied)))
    return found


def wrong_relationship(world: World, count: int) -> list[Found]:
    """A coupled account that is now a vendor."""
    return _change_accounts(world, count, customertypecode=11)


def other_company(world: World, count: int) -> list[Found]:
    """A coupled account of the second company."""
    return _change_accounts(world, count, _bcbi_companyid_value=world.ids["other_company"])


def customer_blocked(world: World, count: int) -> list[Found]:
    """Coupled customers that are blocked and have no people."""
    pairs = pick.pairs(world, "customer", count, pick.LONELY)
    for bc_id, _ in pairs:
        _bc(world, "customers", bc_id, blocked="All")
    return pairs


def contact_without_company(world: World, count: int) -> list[Found]:
    """People only BC has, without a company."""
    found = pick.only_bc_people(world, count)
    for key in found:
        _bc(world, "contacts", key, companyNumber="", companyName="", contactBusinessRelation="None")
    return [(key, None) for key in found]


def contact_company_unrelated(world: World, count: int) -> list[Found]:
    """People of a company that is no customer."""
    if not world.store.value("SELECT 1 FROM bc_customers"):
        return []
    number = next_number(world.store, schema("bc").sets["contacts"])
    name = {"displayName": "Ostwald Messebau GmbH", "companyName": "Ostwald Messebau GmbH"}
    place = {"addressLine1": "Messeplatz 3", "city": "Leipzig", "postalCode": "04356", "country": "DE"}
    tie = {"companyNumber": number, "contactBusinessRelation": "None"}
    world.bc("contacts", number=number, type="Company", **name, **place, **tie)
    return _new_people(world, ("Gesa Ohlendorf", "Malte Prieß")[:count], name["companyName"], tie, place)


def contact_of_uncoupled_customer(world: World, count: int) -> list[Found]:
    """People of a blocked customer without an account."""
    found = pick.only_bc(world, "customers", "customer", "b.blocked = 'All'", 1)
    if not found:
        return []
    sql = "SELECT contactNumber, contactName FROM bc_contactsInformation WHERE relatedId = ?"
    number, company = world.store.query(sql, (found[0],))[0]
    tie = {"companyNumber": number, "contactBusinessRelation": "Customer"}
    return _new_people(world, ("Runa Stellmacher", "Ivo Tannert")[:count], company, tie, {"country": "DE"})


def contact_parent_not_account(world: World, count: int) -> list[Found]:
    """A coupled contact whose parent is another contact."""
    pairs = pick.pairs(world, "contact", count + 1)
    if len(pairs) <= count:
        return []
    parent = pairs[-1][1]
    for _, dv_id in pairs[:-1]:
        tie = {"_parentcustomerid_value": parent, "_parentcustomerid_type": "contact", "_accountid_value": None}
        _dv(world, "contact", dv_id, _parentcontactid_value=parent, **tie)
    return pairs[:-1]


def contact_without_name(world: World, count: int) -> list[Found]:
    """A person only BC has, without a name."""
    found = pick.only_bc_people(world, count)
    for key in found:
        _bc(world, "contacts", key, displayName="", searchName="")
    return [(key, None) for key in found]


def vendor_currency_unknown(world: World, count: int) -> list[Found]:
    """A vendor in a currency without a row."""
    sql = (
        "SELECT p.bc_id, p.dv_id FROM truth p JOIN bc_vendors b ON b.id = p.bc_id "
        "WHERE p.kind = 'vendor' ORDER BY p.rowid"
    )
    partner = dict(world.store.query(sql))
    found = pick.choose(world, list(partner), count)
    for key in found:
        _bc(world, "vendors", key, currencyId=world.source.guid(), currencyCode="ZAR")
    return [(key, partner[key]) for key in found]


def resource_without_unit(world: World, count: int) -> list[Found]:
    """A resource whose base unit is blank; a page's row goes by its number."""
    partner = dict(world.store.query("SELECT bc_id, dv_id FROM truth WHERE kind = 'resource' ORDER BY rowid"))
    found = pick.choose(world, list(partner), count)
    table = schema("bc").pages["ResourceCard"].sql
    with world.store.transaction() as connection:
        for number in found:
            connection.execute(f'UPDATE "{table}" SET "Base_Unit_of_Measure" = \'\' WHERE "No" = ?', (number,))
    return [(number, partner[number]) for number in found]


def payment_terms_unknown(world: World, count: int) -> list[Found]:
    """A customer whose payment terms have no row."""
    pairs = pick.pairs(world, "customer", count)
    for bc_id, _ in pairs:
        _bc(world, "customers", bc_id, paymentTermsId=world.source.guid())
    return pairs


def local_currency_missing(world: World, count: int) -> list[Found]:
    """Make a currency BC does not know the base, and take the local currency away, links included.

    Were the base known to BC and rated, the local currency could be created from it (sync-rules.md D4).
    """
    store, gone = world.store, world.ids["dv:EUR"]
    iso = {"isocurrencycode": "AUD", "currencyname": "Australian dollar", "currencysymbol": "$"}
    base = world.dv("transactioncurrency", **iso, currencyprecision=2, exchangerate=stored_number(Decimal("1.6375")))
    per_base = _rate(world, base)
    _dv(world, "organization", world.ids["organization"], _basecurrencyid_value=base, basecurrencysymbol="$")
    store.delete(schema("dv").entity("transactioncurrency"), gone)
    for key, rate in store.query("SELECT transactioncurrencyid, exchangerate FROM dv_transactioncurrency"):
        new = (Decimal(str(rate)) / per_base).quantize(Decimal("1e-10"))
        _dv(world, "transactioncurrency", key, exchangerate=stored_number(new))
    with store.transaction() as connection:
        connection.execute("DELETE FROM truth WHERE kind = 'currency' AND dv_id = ?", (gone,))
        for table, columns in _priced_tables():
            mine = f"r.transactioncurrencyid = {table}._transactioncurrencyid_value"
            rate_sql = f"(SELECT r.exchangerate FROM dv_transactioncurrency r WHERE {mine})"
            connection.execute(
                f"UPDATE {table} SET _transactioncurrencyid_value = NULL WHERE _transactioncurrencyid_value = ?",
                (gone,),
            )
            sets = [f"exchangerate = {rate_sql}"] + [
                f"{name}_base = round({name} / {rate_sql}, 2)" for name in columns
            ]
            connection.execute(f"UPDATE {table} SET {', '.join(sets)}")
    return [(ZERO_GUID, None)]


def _priced_tables() -> list[tuple[str, list[str]]]:
    """Return the tables of Dataverse that have a currency with its rate, and their money columns."""
    priced = {"_transactioncurrencyid_value", "exchangerate"}
    tables = [table for table in schema("dv").sets.values() if priced <= set(table.columns)]
    return [(table.sql, [name for name in table.columns if f"{name}_base" in table.columns]) for table in tables]


def _without_user(world: World, pairs: list[Found], code: str) -> list[Found]:
    team = world.ids["team"]
    owner = {"_ownerid_value": team, "_ownerid_type": "team", "_owninguser_value": None, "_owningteam_value": team}
    for bc_id, dv_id in pairs:
        _bc(world, "customers", bc_id, salespersonCode=code)
        _dv(world, "account", dv_id, **owner)
    return pairs


def _change_accounts(world: World, count: int, **values: Any) -> list[Found]:
    pairs = pick.pairs(world, "customer", count, pick.LONELY)
    for _, dv_id in pairs:
        _dv(world, "account", dv_id, **values)
    return pairs


def _new_people(
    world: World, names: tuple[str, ...], company: str, tie: dict[str, str], place: dict[str, str]
) -> list[Found]:
    found: list[Found] = []
    for name in names:
        number = next_number(world.store, schema("bc").sets["contacts"])
        row = {"number": number, "type": "Person", "displayName": name, "companyName": company}
        key = world.bc("contacts", **(row | tie | place))
        world.used.add(key)
        found.append((key, None))
    return found


def _bc(world: World, set: str, key: str | None, **values: Any) -> None:
    world.store.update(schema("bc").sets[set], key or "", values)


def _dv(world: World, entity: str, key: str | None, **values: Any) -> None:
    world.store.update(schema("dv").entity(entity), key or "", values)


def _rate(world: World, currency: str) -> Decimal:
    sql = "SELECT exchangerate FROM dv_transactioncurrency WHERE transactioncurrencyid = ?"
    return Decimal(str(world.store.value(sql, (currency,))))


def _cents(value: Decimal) -> int | float | str:
    return stored_number(value.quantize(Decimal("0.01")))
