"""Customers both sides know, with people → who opportunities and sales documents are made with."""

from __future__ import annotations

from dataclasses import dataclass

from d365kit.sandbox.company.world import World, names
from d365kit.sandbox.store import Row

#: People whose customers trade; more would only take time.
_PEOPLE = 400
_OWNER = names("_ownerid_value _ownerid_type _owninguser_value _owningteam_value _owningbusinessunit_value")

#: The other fields of a trader, in the order of the query below.
_COLUMNS = names(
    "customer account agent contact_number contact_name contact company_name salesperson currency currency_id"
)


@dataclass(frozen=True)
class Trader:
    """A customer and its account, one of its people on both sides, and who owns what is made for it in Sales."""

    customer: str
    account: str
    agent: str
    contact_number: str
    contact_name: str
    contact: str
    company_name: str
    salesperson: str
    currency: str
    currency_id: str
    owner: Row


def traders(world: World) -> list[Trader]:
    """Return the customers with people on both sides, in order.

    Only those: faults that change a whole account are planted where nobody works, so that nothing else is named.
    """
    owner = ", ".join(f"a.{name}" for name in _OWNER)
    sql = f"""SELECT p.bc_id, p.dv_id, c.Shipping_Agent_Code, b.number, b.displayName, q.dv_id, c.displayName,
            c.salespersonCode, c.currencyCode, a._transactioncurrencyid_value, {owner}, min(q.rowid)
        FROM (SELECT rowid, dv_id, bc_id FROM truth WHERE kind = 'contact' ORDER BY rowid LIMIT ?) q
        JOIN dv_contact d ON d.contactid = q.dv_id JOIN bc_contacts b ON b.id = q.bc_id
        JOIN truth p ON p.kind = 'customer' AND p.dv_id = d._parentcustomerid_value
        JOIN bc_customers c ON c.id = p.bc_id JOIN dv_account a ON a.accountid = p.dv_id
        GROUP BY p.rowid ORDER BY p.rowid"""
    return [
        Trader(**dict(zip(_COLUMNS, row, strict=False)), owner=dict(zip(_OWNER, row[10:-1], strict=True)))
        for row in world.store.query(sql, (_PEOPLE,))
    ]
