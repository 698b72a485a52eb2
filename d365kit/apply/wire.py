"""A planned change → the body a service understands: the catalogue's words back into the service's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from d365kit.errors import Refused
from d365kit.kinds import LCY_ID, Catalogue, Field, Kind, Side
from d365kit.nouns import Change, FieldChange

Body = dict[str, object]


class Finder(Protocol):
    """What translating needs of a service: the few rows that meet a condition."""

    async def find(self, set_name: str, condition: str, select: list[str]) -> list[dict]: ...


async def body_of(change: Change, catalogue: Catalogue, service: Finder, assigned: str = "") -> Body:
    """The JSON body that makes ``change``.

    ``assigned`` is the value of a field that the other service decided on (a record's number). A new record
    carries the id the plan gave it, so that sending it twice does no harm (auth-and-limits.md section 6).
    Raises Refused when something the change refers to is not there to be referred to.
    """
    kind, side = catalogue[change.kind], _side(change)
    body: Body = {}
    if change.action == "create" and not kind.source(side).is_option:
        body[kind.source(side).id] = change.record_id
    for fc in change.fields:
        if fc.type == "constant":
            body[fc.field] = fc.after
        elif fc.type == "assigned":
            body[kind[fc.field].written_as(side)] = assigned
        elif kind[fc.field].written_as(side):
            body.update(await _written(kind, kind[fc.field], fc, side, catalogue, service))
    return body


def _side(change: Change) -> Side:
    return "bc" if change.side == "bc" else "dv"


async def _written(
    kind: Kind, field: Field, change: FieldChange, side: Side, catalogue: Catalogue, service: Finder
) -> Body:
    if field.type == "option" and side == "dv":
        return {field.written_as("dv"): int(str(change.after)) if change.after else None}
    if field.is_reference:
        if side == "dv":
            return await _bound(kind, field, change.after, catalogue, service)
        return await _referred(field, change.after, service)
    if field.name == "name" and "split_name" in kind.habits and side == "dv":
        return split_name(str(change.after or ""))
    if field.name == "state":
        # Publishing a product needs both; each reason belongs to one state (dataverse.md sections 15 and 17).
        return {"statecode": change.after, "statuscode": 1}
    if side == "bc" and change.after is None:
        # BC knows no null: its blanks are the empty text and zero (business-central.md section 5).
        return {field.written_as(side): 0 if field.type in ("amount", "number", "rate") else ""}
    return {field.written_as(side): change.after}


async def _bound(kind: Kind, field: Field, after: object, catalogue: Catalogue, service: Finder) -> Body:
    """A Dataverse lookup is written by binding its navigation name (dataverse.md section 6)."""
    target = catalogue[field.refers_to[0]].dv.set
    value = f"/{target}({after})" if after else None
    body: Body = {f"{field.written_as('dv')}@odata.bind": value}
    if field.refers_to == ("unit",) and after:
        base = await service.find("uoms", f"_uomscheduleid_value eq {after} and isschedulebaseuom eq true", ["uomid"])
        if not base:
            raise Refused(f"The unit group {after} has no base unit.", "Mend the unit group in Sales.")
        body["defaultuomid@odata.bind"] = f"/uoms({base[0]['uomid']})"
    return body


async def _referred(field: Field, after: object, service: Finder) -> Body:
    """BC takes the id of the other record; a contact is tied to its company by the company contact's number."""
    name = field.written_as("bc")
    if name == "companyNumber":
        select = ["contactNumber", "contactType", "relatedType"]
        found = await service.find("contactsInformation", f"relatedId eq {after}", select)
        numbers = [
            r["contactNumber"]
            for r in found
            if r.get("contactType") == "Company" and r.get("relatedType") in ("Customer", "Vendor")
        ]
        if not numbers:
            raise Refused(f"{after} has no company contact.", "Create it in Business Central.")
        return {name: numbers[0]}
    return {name: after or LCY_ID}


def split_name(name: str) -> Body:
    """A BC display name as Dataverse's name parts; the last word is the last name.

    The middle name is emptied: the full name that Dataverse computes would repeat it.

    >>> split_name("Ada King Lovelace")
    {'firstname': 'Ada King', 'middlename': None, 'lastname': 'Lovelace'}
    >>> split_name("Cher")
    {'firstname': None, 'middlename': None, 'lastname': 'Cher'}
    """
    first, _, last = " ".join(name.split()).rpartition(" ")
    return {"firstname": first[:50] or None, "middlename": None, "lastname": last[:50]}


def holds(row: dict, body: Body) -> bool:
    """Whether ``row`` already holds everything in ``body``: then the write happened, whatever we heard of it."""
    return all(_holds(row, name, value) for name, value in body.items())


def _holds(row: dict, name: str, value: object) -> bool:
    if name.endswith("@odata.bind"):
        navigation = name.removesuffix("@odata.bind").removesuffix("_account")
        bound = str(value).rpartition("(")[2].rstrip(")").lower() if value else None
        # An owner is read as the owning user; any lookup reads as _x_value.
        now = row.get(f"_{navigation}_value")
        return (str(now).lower() if now else None) == bound
    now = row.get(name)
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return now is not None and abs(Decimal(str(now)) - Decimal(value)) <= Decimal("0.005")
    return (now or None) == (value or None)
