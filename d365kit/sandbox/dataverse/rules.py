"""What Dataverse itself enforces, table by table: products, units, currencies, price lists."""

from __future__ import annotations

from dataclasses import dataclass

from d365kit.sandbox.dataverse.call import Call, refuse
from d365kit.sandbox.odata.values import now
from d365kit.sandbox.schema import Table, schema
from d365kit.sandbox.store import Row, Store
from d365kit.sandbox.wire import new_guid

_ACTIVE, _RETIRED, _DRAFT = 0, 1, 2
_REVISION = 3
_FAMILY = 2
_FORBIDDEN_MOVES = {
    (_ACTIVE, _DRAFT): ("0x8004F912", "You can't set an active product back to draft."),
    (_RETIRED, _DRAFT): ("0x8004F913", "You can't set a retired product back to draft."),
    (_DRAFT, _RETIRED): ("0x8004F978", "You can't retire a product that is in the draft state."),
    (_DRAFT, _REVISION): ("0x8004F979", "You can't revise a product that is in the draft state."),
    (_RETIRED, _REVISION): ("0x8004F980", "You can't revise a product that is retired."),
    (_REVISION, _DRAFT): ("0x8004F981", "You can't set a product under revision back to draft."),
}


@dataclass(frozen=True)
class Write:
    """One write under way: the row as it will be, the values sent, and the row as it was (None on create)."""

    call: Call
    table: Table
    row: Row
    values: Row
    old: Row | None

    @property
    def store(self) -> Store:
        """Where the rows are."""
        return self.call.store


def check_product(write: Write) -> None:
    """Number, units, decimals and state moves of a product (dataverse.md section 17)."""
    row = write.row
    row["productstructure"] = row["productstructure"] or 1
    if not row["productnumber"]:
        raise refuse(400, "0x80043b05", "The product number is missing.")
    unique(write, "productnumber", "0x80043b06", "The specified product ID conflicts with an existing record.")
    if row["productstructure"] != _FAMILY:
        _check_product_unit(write)
        if row["quantitydecimal"] is None:
            raise refuse(400, "0x80043b07", "The quantity decimal of the product is missing or invalid.")
    if write.old is None:
        active = write.store.value('SELECT createproductswithoutparentinactivestate FROM "dv_organization"')
        orphan = row["_parentproductid_value"] is None
        row["statecode"] = _ACTIVE if active and orphan else _DRAFT
        write.values.pop("statuscode", None)
        return
    move = (write.old["statecode"], row["statecode"])
    if move in _FORBIDDEN_MOVES:
        raise refuse(400, *_FORBIDDEN_MOVES[move])


def _check_product_unit(write: Write) -> None:
    row, old = write.row, write.old
    group = row["_defaultuomscheduleid_value"]
    if group is None:
        raise refuse(400, "0x80043b13", "The unit schedule id is missing.")
    if old is not None and old["_defaultuomscheduleid_value"] not in (None, group):
        raise refuse(400, "0x8004F995", "The unit group of a product cannot be changed.")
    unit = write.store.get(schema("dv").entity("uom"), row["_defaultuomid_value"] or "")
    if unit is None or unit["_uomscheduleid_value"] != group:
        raise refuse(400, "0x80043b14", "The unit is not valid for the product: it is not in its unit group.")


def check_unit(write: Write) -> None:
    """A base unit keeps its quantity; names are unique in a group."""
    row, old = write.row, write.old
    if old is not None and old["isschedulebaseuom"] and row["quantity"] != old["quantity"]:
        raise refuse(400, "0x80043b18", "The quantity of the primary unit is read-only.")
    if old is None and row["_baseuom_value"] is None:
        raise refuse(400, "0x80040203", "Attribute: baseuom cannot be set to NULL")
    if row["quantity"] is None or float(row["quantity"]) <= 0:
        raise refuse(400, "0x80044330", "The quantity of a unit must be greater than zero.")
    sql = 'SELECT uomid FROM "dv_uom" WHERE "_uomscheduleid_value" = ? AND name = ? AND uomid <> ?'
    if write.store.value(sql, (row["_uomscheduleid_value"], row["name"], row["uomid"])):
        raise refuse(412, "0x80040237", "A unit with this name exists in the unit group.")


def check_unit_group(write: Write) -> None:
    """A new unit group must name its base unit."""
    if write.old is None and not write.row["baseuomname"]:
        raise refuse(400, "0x80040203", "Attribute: baseuomname cannot be set to NULL")


def add_base_unit(write: Write) -> None:
    """Make the base unit of a new unit group (conformance.md 241)."""
    unit, user = schema("dv").entity("uom"), write.call.user
    created = {"createdon": now(0), "modifiedon": now(0), "_createdby_value": user, "_modifiedby_value": user}
    row = {"uomid": new_guid(), "name": write.row["baseuomname"], "quantity": 1, "isschedulebaseuom": 1}
    row |= {"_uomscheduleid_value": write.row["uomscheduleid"]}
    row |= {"organizationid": write.row["_organizationid_value"]}
    write.store.insert(unit, row | created)


def check_currency(write: Write) -> None:
    """ISO code once, a rate above zero, the base currency fixed at 1 (dataverse.md section 16)."""
    row, old = write.row, write.old
    unique(write, "isocurrencycode", "0x80048cf3", "A currency with this ISO code exists.")
    if row["exchangerate"] is None or float(row["exchangerate"]) <= 0:
        raise refuse(400, "0x80044330", "The exchange rate of a currency must be greater than zero.")
    base = write.store.value('SELECT "_basecurrencyid_value" FROM "dv_organization"')
    is_base = old is not None and old["transactioncurrencyid"] == base
    if is_base and (float(row["exchangerate"]) != 1 or row["statecode"] == 1):
        raise refuse(400, "0x80048cf2", "The base currency keeps its exchange rate of 1 and stays active.")


def check_price_list(write: Write) -> None:
    """Name filled and unique."""
    if not write.row["name"]:
        raise refuse(400, "0x80043b0e", "The name of the price list is missing.")
    unique(write, "name", "0x80043b0f", "A price list with this name exists.")


def unique(write: Write, column: str, code: str, text: str) -> None:
    """Refuse a value another row of the table has."""
    table, value = write.table, write.row[column]
    if value is None or (write.old is not None and write.old[column] == value):
        return
    sql = f'SELECT 1 FROM "{table.sql}" WHERE "{column}" = ? AND "{table.key}" <> ?'
    if write.store.value(sql, (value, write.row[table.key])):
        raise refuse(400, code, text)
