"""Microsoft's Dataverse client for Python, unmodified, over TLS: python dataverse_client.py ORIGIN TOKEN."""

from __future__ import annotations

import sys
import time
from typing import Any

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from say import step

origin, token = sys.argv[1:]
NAMES = ["Foreign one", "Foreign two", "Foreign three"]


class Fixed:
    """A credential that always hands out the same token, and remembers for what it was asked."""

    def __init__(self) -> None:
        self.scopes: set[str] = set()

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes.update(scopes)
        return AccessToken(token, int(time.time()) + 3600)


credential = Fixed()
client = DataverseClient(origin, credential)
records = client.records


def names(**options: Any) -> list[str]:
    """The names of the rows this program made."""
    found = records.list("account", select=["name"], filter="startswith(name,'Foreign')", **options)
    return sorted(row["name"] for row in found)


def batch() -> list[dict[str, Any]]:
    """Three operations in one request, one of which fails."""
    work = client.batch.new()
    work.records.create("account", {"name": "Foreign in a batch"})
    work.records.retrieve("account", made, select=["name"])
    work.records.update("account", "0f8fad5b-d9cb-469f-a165-70867728950e", {"name": "Nobody"})
    result = work.execute(continue_on_error=True)
    return [
        {"status": r.status_code, "id": r.entity_id, "name": (r.data or {}).get("name"), "code": r.error_code}
        for r in result.responses
    ]


def change_set() -> dict[str, Any]:
    """A contact and the account it is the primary contact of, in one transaction."""
    work = client.batch.new()
    with work.changeset() as changes:
        contact = changes.records.create("contact", {"firstname": "Foreign", "lastname": "Contact"})
        changes.records.create("account", {"name": "Foreign with contact", "primarycontactid@odata.bind": contact})
    result = work.execute()
    return {"statuses": [r.status_code for r in result.responses], "ids": list(result.entity_ids)}


def clash() -> list[int]:
    """A change set whose second part cannot be: nothing of it may stay."""
    work = client.batch.new()
    with work.changeset() as changes:
        changes.records.create("account", {"name": "Foreign undone"})
        changes.records.create("account", {"name": "Foreign undone too", "nosuchcolumn": 1})
    return [r.status_code for r in work.execute().responses]


def frame() -> dict[str, Any]:
    """The rows this program made, as a pandas frame."""
    found = client.dataframe.get("account", select=["name"], filter="startswith(name,'Foreign')")
    return dict(found.to_dict("list"))


def paged() -> dict[str, Any]:
    """All accounts, three to a page."""
    sizes = [len(page) for page in records.list_pages("account", select=["name"], page_size=3)]
    return {"sizes": sizes, "rows": sum(sizes)}


def key() -> list[dict[str, Any]]:
    """An alternate key, made as an administrator would."""
    client.tables.create_alternate_key("account", "foreign_number", ["accountnumber"])
    return [vars(found) for found in client.tables.get_alternate_keys("account")]


made = step("create", lambda: records.create("account", {"name": NAMES[0], "creditlimit": 1200.5}))
bulk = step("create many", lambda: records.create("account", [{"name": name} for name in NAMES[1:]]))
step("retrieve", lambda: records.retrieve("account", made, select=["name", "creditlimit"]).to_dict())
step("retrieve nobody", lambda: records.retrieve("account", "0f8fad5b-d9cb-469f-a165-70867728950e"))
step("list", names)
step("pages", paged)
step("update", lambda: records.update("account", made, {"name": "Foreign changed", "telephone1": "555"}))
step("update many", lambda: records.update("account", bulk, [{"telephone1": "1"}, {"telephone1": "2"}]))
step("key", key)
one = {"alternate_key": {"accountnumber": "F-1"}, "record": {"name": "Foreign by key"}}
two = {"alternate_key": {"accountnumber": "F-2"}, "record": {"name": "Foreign by key too"}}
step("upsert", lambda: records.upsert("account", [one]))
step("upsert many", lambda: records.upsert("account", [one | {"record": {"name": "Foreign by key again"}}, two]))
step("sql", lambda: [dict(r) for r in client.query.sql("SELECT name FROM account WHERE name = 'Foreign changed'")])
step(
    "frame",
    lambda: client.dataframe.get("account", select=["name"], filter="startswith(name,'Foreign')").to_dict("list"),
)
step("batch", batch)
step("change set", change_set)
step("change set undone", clash)
step("unknown column", lambda: records.create("account", {"nosuchcolumn": 1}))
doomed = step("create doomed", lambda: records.create("account", {"name": "Foreign doomed"}))
step("delete", lambda: records.delete("account", doomed))
step("delete again", lambda: records.delete("account", doomed))
step("left", names)
step("scopes", lambda: sorted(credential.scopes))
