"""Conditions → records no planted fault uses yet; too few of them count as none."""

from __future__ import annotations

from d365kit.sandbox.company.world import World

Found = tuple[str | None, str | None]

CANDIDATES = 2000
_PAIRS = {
    "customer": "JOIN bc_customers b ON b.id = p.bc_id JOIN dv_account d ON d.accountid = p.dv_id",
    "contact": "JOIN bc_contacts b ON b.id = p.bc_id AND b.contactBusinessRelation = 'Customer' "
    "JOIN dv_contact d ON d.contactid = p.dv_id",
    "item": "JOIN bc_items b ON b.id = p.bc_id JOIN dv_product d ON d.productid = p.dv_id",
}
NO_PERSON = (
    "NOT EXISTS (SELECT 1 FROM bc_contactsInformation l JOIN bc_contacts c ON c.companyNumber = l.contactNumber "
    "WHERE l.relatedId = b.id AND c.type = 'Person')"
)
NO_CONTACT = "NOT EXISTS (SELECT 1 FROM dv_contact c WHERE c._parentcustomerid_value = d.accountid)"
LONELY = f"{NO_PERSON} AND {NO_CONTACT}"
_UNPAIRED = "NOT EXISTS (SELECT 1 FROM truth p WHERE p.kind = '{kind}' AND p.bc_id = b.id)"


def pairs(world: World, kind: str, count: int, condition: str = "1") -> list[Found]:
    """Return pairs no fault uses yet, or none when there are too few."""
    sql = (
        f"SELECT p.bc_id, p.dv_id FROM truth p {_PAIRS[kind]} WHERE p.kind = '{kind}' AND {condition} "
        f"ORDER BY p.rowid LIMIT {CANDIDATES}"
    )
    partner = dict(world.store.query(sql))
    if kind == "contact":
        partner = {key: value for key, value in partner.items() if _customer_of(world, key) not in world.used}
    return [(key, partner[key]) for key in choose(world, list(partner), count)]


def only_bc(world: World, set: str, kind: str, condition: str, count: int) -> list[str]:
    """Return ids of BC rows without a partner that no fault uses yet."""
    unpaired = _UNPAIRED.format(kind=kind)
    sql = f"SELECT b.id FROM bc_{set} b WHERE {condition} AND {unpaired} ORDER BY b.rowid LIMIT {CANDIDATES}"
    return choose(world, [row[0] for row in world.store.query(sql)], count)


def only_bc_people(world: World, count: int) -> list[str]:
    """Return ids of customers' people without a partner that no fault uses, nor their customers."""
    mine = f"b.type = 'Person' AND b.contactBusinessRelation = 'Customer' AND {_UNPAIRED.format(kind='contact')}"
    sql = f"SELECT b.id FROM bc_contacts b WHERE {mine} ORDER BY b.rowid LIMIT {CANDIDATES}"
    keys = [row[0] for row in world.store.query(sql)]
    return choose(world, [key for key in keys if _customer_of(world, key) not in world.used], count)


def choose(world: World, keys: list[str], count: int) -> list[str]:
    """Return ``count`` of the keys at random and mark them, and the customers of people, as used."""
    free = [key for key in keys if key not in world.used]
    if len(free) < count:
        return []
    chosen = world.source.rng.sample(free, count)
    world.used.update(chosen)
    world.used.update(filter(None, (_customer_of(world, key) for key in chosen)))
    return chosen


def _customer_of(world: World, contact: str) -> str | None:
    sql = (
        "SELECT l.relatedId FROM bc_contacts c JOIN bc_contactsInformation l ON l.contactNumber = c.companyNumber "
        "WHERE c.id = ?"
    )
    found = world.store.value(sql, (contact,))
    return str(found) if found else None
