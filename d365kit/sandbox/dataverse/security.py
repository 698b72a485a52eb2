"""User → what its roles allow, and on whose behalf a request is made. Source: dataverse.md sections 2 and 12."""

from __future__ import annotations

from d365kit.sandbox.dataverse.call import Call, refuse
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Store
from d365kit.sandbox.wire import Request, canonical_guid

#: What a user needs to act as another one.
DELEGATE = "prvActOnBehalfOfAnotherUser"
RIGHTS = ("Read", "Create", "Write", "Delete", "Append", "AppendTo", "Assign", "Share")

_ROLES = """SELECT roleid FROM dv_systemuserroles WHERE systemuserid = :user
    UNION SELECT r.roleid FROM dv_teamroles r JOIN dv_teammembership m ON m.teamid = r.teamid
    WHERE m.systemuserid = :user"""
_HOLDS = f"""SELECT 1 FROM dv_roleprivileges h JOIN dv_privilege p ON p.privilegeid = h.privilegeid
    WHERE p.name = :name AND h.roleid IN ({_ROLES}) LIMIT 1"""


def privilege_name(table: Table, right: str) -> str:
    """Return the name of a privilege on a table.

    >>> from d365kit.sandbox.schema import schema
    >>> privilege_name(schema("dv").entity("salesorder"), "Read")
    'prvReadSalesOrder'
    """
    return f"prv{right}{table.schema_name}"


def holds(store: Store, user: str, name: str) -> bool:
    """Whether one of a user's roles, its own or its teams', has a privilege."""
    return bool(store.connection.execute(_HOLDS, {"user": user, "name": name}).fetchone())


def require(call: Call, table: Table, right: str) -> None:
    """Refuse with 403 when the user lacks a privilege on a table (conformance.md 124)."""
    name = privilege_name(table, right)
    if not holds(call.store, call.user, name):
        raise _missing(call.store, call.user, name, f" for the entity '{table.entity}'")


def acting_user(store: Store, request: Request, user: str) -> tuple[str, str | None]:
    """Return who a request is done as, and the real caller when that is somebody else (conformance.md 134).

    ``CallerObjectId`` names the user by the object id of Entra, the older ``MSCRMCallerID`` by its systemuserid.
    """
    by_object, by_id = request.headers.get("callerobjectid"), request.headers.get("mscrmcallerid")
    if not by_object and not by_id:
        return user, None
    column = "azureactivedirectoryobjectid" if by_object else "systemuserid"
    wanted = canonical_guid((by_object or by_id or "").strip()) or ""
    found = store.value(f'SELECT systemuserid FROM dv_systemuser WHERE "{column}" = ?', (wanted,))
    if found is None:
        raise refuse(403, "0x80040204", f"The user with {column} {wanted or by_object or by_id} does not exist.")
    if found == user:
        return user, None
    if not holds(store, user, DELEGATE):
        raise _missing(store, user, DELEGATE, "")
    return str(found), user


def _missing(store: Store, user: str, name: str, where: str) -> Exception:
    roles = store.connection.execute(f"SELECT count(*) FROM ({_ROLES})", {"user": user}).fetchone()[0]
    key = store.value("SELECT privilegeid FROM dv_privilege WHERE name = ?", (name,))
    text = f"Principal user (Id={user}, type=8, roleCount={roles}) is missing {name} privilege (Id={key}){where}."
    return refuse(403, "0x80040220", text)
