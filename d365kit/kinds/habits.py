"""The few special habits of kinds: frames as read → frames with what the two services leave unsaid.

A kind names its habits in the catalogue. Each takes and returns the kind's two frames (columns of
``Kind.schema``) and may look at further sets (``extras``, named ``bc.…`` or ``dv.…``) and at ``facts``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pandas as pd

from d365kit.kinds.model import LCY_ID, Kind

#: The prefix of the unit group that BC makes for a unit of measure (sync-rules.md F2).
GROUP_PREFIX = "NAV "
#: The suffix of the unit group of one item or resource (sync-rules.md F8).
GROUP_SUFFIX = " UOM GR"
_RATE_PLACES = Decimal("0.0000000001")


@dataclass
class Desk:
    """What a habit works on: the two frames of its kind, further sets, facts, and the work date (UTC).

    ``others`` holds the frames (bc, dv) of every kind that was read.
    """

    kind: Kind
    bc: pd.DataFrame
    dv: pd.DataFrame
    extras: Mapping[str, pd.DataFrame]
    facts: dict[str, str]
    work_date: date
    others: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]] = field(default_factory=dict)


def add_lcy_row(desk: Desk) -> None:
    """Add the local currency to BC's currencies: BC keeps no row for it (sync-rules.md D2, D12).

    Also sets the facts ``local_currency`` and ``base_currency`` (ISO codes, ``""`` when not set).
    """
    setup = desk.extras["bc.generalLedgerSetup"]
    code = _first(setup, "localCurrencyCode")
    desk.facts["local_currency"] = code
    base_id = _first(desk.extras["dv.organizations"], "_basecurrencyid_value").lower()
    base = desk.dv.loc[desk.dv["id"] == base_id, "code"]
    desk.facts["base_currency"] = str(base.iloc[0]) if len(base) else ""
    desk.dv["is_base"] = desk.dv["id"] == base_id
    desk.dv["is_local"] = (desk.dv["code"] == code).fillna(False)
    desk.bc["is_local"] = False
    desk.bc["is_base"] = (desk.bc["code"] == desk.facts["base_currency"]).fillna(False)
    if code:
        row = {
            "id": LCY_ID, "code": code, "symbol": _first(setup, "localCurrencySymbol") or None,
            "is_local": True, "is_base": code == desk.facts["base_currency"],
        }  # fmt: skip
        added = pd.DataFrame([row]).reindex(columns=desk.bc.columns).astype(desk.bc.dtypes.to_dict())
        desk.bc = pd.concat([added, desk.bc], ignore_index=True)


def rate_at_work_date(desk: Desk) -> None:
    """Give BC's currencies the rate Dataverse holds: units per base unit, ten decimals (sync-rules.md D5, D6).

    BC keeps pairs of amounts: ``exchangeRateAmount`` of the currency equal ``relationalExchangeRateAmount`` of
    the relational currency, blank for the LCY. The newest pair up to the work date counts.
    """
    per_lcy = _units_per_lcy(desk.extras["bc.currencyExchangeRates"], desk.work_date)
    local, base = desk.facts.get("local_currency", ""), desk.facts.get("base_currency", "")
    if local:
        per_lcy[local] = Decimal(1)
    base_per_lcy = per_lcy.get(base)
    rates = []
    for code in desk.bc["code"]:
        mine = per_lcy.get(code)
        rates.append((mine / base_per_lcy).quantize(_RATE_PLACES) if mine and base_per_lcy else None)
    desk.bc["rate"] = pd.Series(rates, dtype=desk.bc["rate"].dtype, index=desk.bc.index)


def _units_per_lcy(rates: pd.DataFrame, work_date: date) -> dict[str, Decimal]:
    """Units of each currency per unit of LCY, following one relational currency at most."""
    newest: dict[str, tuple[date, Decimal, str]] = {}
    for row in rates.itertuples():
        code, start = row.currencyCode, row.startingDate
        amount, relational = row.exchangeRateAmount, row.relationalExchangeRateAmount
        if pd.isna(code) or pd.isna(start) or pd.isna(amount) or pd.isna(relational):
            continue
        if start > work_date or amount <= 0 or relational <= 0:
            continue
        if code not in newest or start >= newest[code][0]:
            other = row.relationalCurrencyCode
            newest[code] = (start, Decimal(amount) / Decimal(relational), "" if pd.isna(other) else other)
    out = {code: rate for code, (_, rate, other) in newest.items() if not other}
    for code, (_, rate, other) in newest.items():
        if other in out:
            out[code] = rate * out[other]
    return out


def one_unit_per_group(desk: Desk) -> None:
    """Tell of each unit group how many units it holds and which one is its base (sync-rules.md F2 to F7)."""
    units = desk.extras["dv.uoms"]
    groups = units["_uomscheduleid_value"].str.lower()
    base = units[units["isschedulebaseuom"].fillna(False).astype(bool)].copy()
    base.index = pd.Index(groups[base.index])
    base = base[~base.index.duplicated()]
    ids = desk.dv["id"]
    desk.dv["code"] = ids.map(base["name"]).astype(desk.dv["code"].dtype)
    desk.dv["base_unit"] = ids.map(base["uomid"].str.lower()).astype(desk.dv["base_unit"].dtype)
    desk.dv["base_quantity"] = ids.map(base["quantity"]).astype(desk.dv["base_quantity"].dtype)
    counts = ids.map(groups.value_counts()).fillna(0)
    desk.dv["units_in_group"] = counts.astype(desk.dv["units_in_group"].dtype)
    desk.bc["group_name"] = GROUP_PREFIX + desk.bc["code"]


def name_of_unit_group(desk: Desk) -> None:
    """Name each unit group as BC does: ``ITEM 1001 UOM GR`` (sync-rules.md F8)."""
    what = desk.kind.name.partition("_")[0].upper()
    names = what + " " + desk.bc["number"] + GROUP_SUFFIX
    for column in ("name", "base_unit_name"):
        desk.bc[column] = names.astype(desk.bc[column].dtype)


def unit_of_item(desk: Desk) -> None:
    """Point units at the item's or resource's own unit, whose key is number and code (sync-rules.md F9).

    Records that have their product's code as a label (prices, lines) are of that product; items are their own.
    """
    for f in desk.kind.references:
        if not {"item_unit", "resource_unit"} & set(f.refers_to):
            continue
        number = desk.bc["product_label" if "product_label" in desk.bc else "number"]
        ids = number.str.upper() + "|" + desk.bc[f.label_column].str.upper()
        desk.bc[f.name] = ids.astype(desk.bc[f.name].dtype)


def vendor_of_item(desk: Desk) -> None:
    """Give each item its vendor's name, which is what a product holds (sync-rules.md J16)."""
    vendors = desk.extras["bc.vendors"]
    names = pd.Series(vendors["displayName"].to_numpy(), index=vendors["number"].str.upper())
    names = names[~names.index.duplicated()]
    desk.bc["vendor"] = desk.bc["vendor_number"].map(names).astype(desk.bc["vendor"].dtype)


def company_contact_of_customer(desk: Desk) -> None:
    """Note the number of each BC customer's company contact, through which its persons are found."""
    _company_contact(desk, "Customer")


def company_contact_of_vendor(desk: Desk) -> None:
    """Note the number of each BC vendor's company contact, through which its persons are found."""
    _company_contact(desk, "Vendor")


def _company_contact(desk: Desk, related_type: str) -> None:
    related = _company_contacts(desk.extras["bc.contactsInformation"], related_type)
    numbers = pd.Series(related["contactNumber"].to_numpy(), index=related["relatedId"].str.lower())
    numbers = numbers[~numbers.index.duplicated()]
    column = desk.bc["company_contact"]
    desk.bc["company_contact"] = desk.bc["id"].map(numbers).astype(column.dtype)


def customer_of_company_contact(desk: Desk) -> None:
    """Find the customer, else the vendor, of each BC person: its company contact's relation (sync-rules.md I2)."""
    column = desk.bc["customer"]
    found = pd.Series(None, index=desk.bc.index, dtype=object)
    for related_type in ("Customer", "Vendor"):
        related = _company_contacts(desk.extras["bc.contactsInformation"], related_type)
        ids = pd.Series(related["relatedId"].str.lower().to_numpy(), index=related["contactNumber"])
        ids = ids[~ids.index.duplicated()]
        mapped = desk.bc["company_number"].map(ids).astype(object)
        found = found.where(found.notna(), mapped)
    desk.bc["customer"] = found.where(found.notna(), None).astype(column.dtype)


def _company_contacts(relations: pd.DataFrame, related_type: str) -> pd.DataFrame:
    chosen = (relations["relatedType"] == related_type) & (relations["contactType"] == "Company")
    return relations[chosen.fillna(False).astype(bool)]


def currency_of_price_group(desk: Desk) -> None:
    """Give each price group the currency of its first price; one without prices has the LCY (K2, K3)."""
    prices = desk.extras["bc.SalesPrices"]
    mine = prices[(prices["Sales_Type"] == "Customer Price Group").fillna(False).astype(bool)]
    first = mine[~mine["Sales_Code"].str.upper().duplicated()]
    codes = pd.Series(first["Currency_Code"].to_numpy(), index=first["Sales_Code"].str.upper())
    desk.bc["currency_label"] = desk.bc["code"].map(codes).astype(desk.bc["currency_label"].dtype)
    currencies = desk.others["currency"][0]
    ids = pd.Series(currencies["id"].to_numpy(), index=currencies["code"])
    ids = ids[~ids.index.duplicated()]
    found = desk.bc["currency_label"].map(ids).astype(object)
    blank = desk.bc["currency_label"].isna()
    desk.bc["currency"] = found.mask(blank, LCY_ID).astype(desk.bc["currency"].dtype)
    local = desk.facts.get("local_currency") or None
    desk.bc["currency_label"] = desk.bc["currency_label"].where(~blank, local)


# --- once references are ids ------------------------------------------------------------------------------


def name_of_price(desk: Desk) -> None:
    """Call each price by its product, unit and list: a price has no name of its own."""
    units = [f.label_column for f in desk.kind.fields if f.name in ("unit", "base_unit")]
    for frame in (desk.bc, desk.dv):
        parts = [frame[c].astype(object) for c in ("number", *units, "list_label")]
        names = [" · ".join(str(p) for p in row if not pd.isna(p)) or None for row in zip(*parts, strict=True)]
        frame["name"] = pd.Series(names, index=frame.index, dtype=frame["name"].dtype)


#: What a record without a company of its own belongs to.
_PARENTS = ("list", "quote", "order", "invoice")


def company_of_parent(desk: Desk) -> None:
    """Give prices and lines the company of their price list or document: they carry none (sync-rules.md U1)."""
    parent = next(f for f in desk.kind.references if f.name in _PARENTS)
    companies: dict[str, object] = {}
    for kind in parent.refers_to:
        frame = desk.others[kind][1]
        companies |= dict(zip(frame["id"].astype(object), frame["company"].astype(object), strict=True))
    desk.dv["company"] = desk.dv[parent.name].map(companies).astype(desk.dv["company"].dtype)


def customer_of_contact(desk: Desk) -> None:
    """Find the customer of each BC opportunity: that of its contact (sync-rules.md M3)."""
    contacts = desk.others["contact"][0]
    contacts = contacts[~contacts["id"].duplicated()].set_index("id")
    for column in ("customer", "customer_label"):
        desk.bc[column] = desk.bc["contact"].map(contacts[column]).astype(desk.bc[column].dtype)


def currency_of_order(desk: Desk) -> None:
    """Give each line the currency of its order: BC keeps none on the line."""
    orders = desk.others["sales_order"][0]
    orders = orders[~orders["id"].duplicated()].set_index("id")
    for column in ("currency", "currency_label"):
        desk.bc[column] = desk.bc["order"].map(orders[column]).astype(desk.bc[column].dtype)


def _first(frame: pd.DataFrame, column: str) -> str:
    """The first row's text, or ``""``."""
    if frame.empty or pd.isna(frame[column].iloc[0]):
        return ""
    return str(frame[column].iloc[0])


#: Habits that complete the frames after both sides are read; those in neither table matter to `apply` alone.
READING: Mapping[str, Callable[[Desk], None]] = {
    "add_lcy_row": add_lcy_row,
    "rate_at_work_date": rate_at_work_date,
    "one_unit_per_group": one_unit_per_group,
    "name_of_unit_group": name_of_unit_group,
    "unit_of_item": unit_of_item,
    "vendor_of_item": vendor_of_item,
    "company_contact_of_customer": company_contact_of_customer,
    "company_contact_of_vendor": company_contact_of_vendor,
    "customer_of_company_contact": customer_of_company_contact,
    "currency_of_price_group": currency_of_price_group,
}

#: Habits that need references as ids of records.
RESOLVED: Mapping[str, Callable[[Desk], None]] = {
    "name_of_price": name_of_price,
    "company_of_parent": company_of_parent,
    "customer_of_contact": customer_of_contact,
    "currency_of_order": currency_of_order,
}
