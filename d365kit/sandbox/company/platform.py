"""What every Dataverse organization has before anybody works in it: privileges, roles and messages."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from d365kit.sandbox.company.world import Bulk, World, blank_row, names
from d365kit.sandbox.dataverse.security import DELEGATE, RIGHTS, privilege_name
from d365kit.sandbox.schema import schema

ADMINISTRATOR = "System Administrator"
SALESPERSON = "Salesperson"
DELEGATION = "Delegate"
#: Tables that take rows in bulk; UpsertMultiple needs no entry of its own (dataverse.md section 10).
BULK_TABLES = names("account contact product uom uomschedule transactioncurrency pricelevel productpricelevel")
BULK_MESSAGES = names("CreateMultiple UpdateMultiple")
_ORGANIZATION_DEPTH = 8
_MADE = "2026-01-05T08:00:00Z"
_SALES_TABLES = names(
    "account contact opportunity quote quotedetail salesorder salesorderdetail invoice invoicedetail annotation"
)


def build(world: World) -> None:
    """Add privileges, roles and messages; their ids do not depend on the seed."""
    privileges = _privileges(world)
    sales = [privilege_name(schema("dv").entity(table), right) for table in _SALES_TABLES for right in RIGHTS]
    reads = [name for name in privileges if name.startswith("prvRead")]
    _role(world, ADMINISTRATOR, privileges)
    _role(world, SALESPERSON, dict.fromkeys([*reads, *sales]))
    _role(world, DELEGATION, [DELEGATE])
    _messages(world)


def grant(world: World, user: str, role: str) -> None:
    """Give a user a role."""
    key = fixed_id(user + role)
    _put(world, "systemuserroles", systemuserroleid=key, systemuserid=user, roleid=fixed_id(role))


def fixed_id(name: str) -> str:
    """Return the id of a row that is the same in every organization."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"d365kit-sandbox/platform/{name}"))


def _put(world: World, entity: str, **values: object) -> None:
    """Add a row without drawing from the company's random values."""
    table = schema("dv").entity(entity)
    dates = {name: _MADE for name in ("createdon", "modifiedon") if name in table.columns}
    world.store.insert(table, blank_row(table) | dates | values)


def _privileges(world: World) -> list[str]:
    rows = Bulk(world.store, schema("dv").entity("privilege"), names("privilegeid name accessright"))
    found = [
        (privilege_name(table, right), 1 << place)
        for table in schema("dv").sets.values()
        for place, right in enumerate(RIGHTS)
    ]
    for name, right in [*found, (DELEGATE, 0)]:
        rows.add(fixed_id(name), name, right)
    rows.flush()
    return [name for name, _ in found] + [DELEGATE]


def _role(world: World, name: str, privileges: Iterable[str]) -> None:
    _put(world, "role", roleid=fixed_id(name), name=name, _businessunitid_value=world.ids["unit"])
    columns = names("roleprivilegeid roleid privilegeid privilegedepthmask")
    rows = Bulk(world.store, schema("dv").entity("roleprivileges"), columns)
    for privilege in privileges:
        rows.add(fixed_id(name + privilege), fixed_id(name), fixed_id(privilege), _ORGANIZATION_DEPTH)
    rows.flush()


def _messages(world: World) -> None:
    for message in BULK_MESSAGES:
        _put(world, "sdkmessage", sdkmessageid=fixed_id(message), name=message)
        for table in BULK_TABLES:
            _put(
                world,
                "sdkmessagefilter",
                sdkmessagefilterid=fixed_id(message + table),
                name=message,
                primaryobjecttypecode=table,
                _sdkmessageid_value=fixed_id(message),
            )
