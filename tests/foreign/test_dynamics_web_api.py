"""DynamicsWebApi for JavaScript works on the sandbox over plain http, and its rows are the sandbox's."""

from __future__ import annotations

import httpx
import pytest

from d365kit.sandbox import Sandbox
from tests.foreign.conftest import Told, node, told


@pytest.fixture(scope="module")
def api(place: tuple[Sandbox, dict[str, str]]) -> Told:
    sandbox, ready = place
    origin = ready["dv"].removesuffix(sandbox.dv_root)
    headers = {"Authorization": f"Bearer {ready['token']}"}
    key = {"SchemaName": "node_number", "KeyAttributes": ["accountnumber"]}
    keys = f"{ready['dv']}/EntityDefinitions(LogicalName='account')/Keys"
    assert httpx.post(keys, json=key, headers=headers, trust_env=False).status_code == 204
    return Told(sandbox, ready, told([*node("dynamics_web_api.mjs"), origin, ready["token"]]))


def key_of(api: Told) -> str:
    return str(api["create with row"]["accountid"])


def test_who_am_i(api: Told) -> None:
    assert api["who am I"]["UserId"] == api.sandbox.identity.default.dv_user


def test_create_and_retrieve_with_annotations(api: Told) -> None:
    row, contact = api["retrieve"], api["create"]
    assert api["create with row"]["creditlimit"] == 10.25
    assert row["_primarycontactid_value"] == contact
    assert row["_primarycontactid_value@OData.Community.Display.V1.FormattedValue"] == "Node Contact"
    assert row["_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    assert row["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"
    assert api["expand"]["primarycontactid"]["fullname"] == "Node Contact"
    assert api.rows("dv_contact", f"contactid = '{contact}'", "lastname") == [("Contact",)]


def test_reading_several_and_all(api: Told) -> None:
    first = api["several"]
    assert (first["@odata.count"], len(first["value"])) == (23, 3)
    assert "$skiptoken=" in first["@odata.nextLink"]
    assert api["all"] == 23
    assert [row["name"] for row in api["filter"]["value"]] == ["Node one"]


def test_update_with_a_tag_and_with_a_stale_one(api: Told) -> None:
    assert (api["update"], api["update stale"]) == (True, False)
    assert api["update one property"] is None
    found = api.rows("dv_account", f"accountid = '{key_of(api)}'", "name", "telephone1")
    assert found == [("Node tracked", "555")]


def test_upsert_by_alternate_key(api: Told) -> None:
    assert api["upsert"]["name"] == "Node by key"
    assert api.rows("dv_account", "accountnumber = 'N-1'", "name") == [("Node by key again",)]


def test_counts_and_fetch(api: Told) -> None:
    assert (api["count"], api["count some"]) == (24, 2)
    found = api["fetch"]
    assert [row["name"] for row in found["value"]] == ["Node by key again", "Node changed"]
    assert found["@Microsoft.Dynamics.CRM.morerecords"] is False


def test_batches_and_change_sets(api: Told) -> None:
    contact, account = api["batch"]
    assert api.rows("dv_account", f"accountid = '{account}'", "_primarycontactid_value") == [(contact,)]
    assert api.refused("batch undone")[1] == 400
    assert api.rows("dv_account", "name = 'Node undone'", "name") == []
    one, several = api["batch of reads"]
    assert (one["name"], len(several["value"])) == ("Node changed", 2)


def test_changes_are_tracked(api: Told) -> None:
    assert "$deltatoken=" in api["track changes"]["@odata.deltaLink"]
    assert api["changed since"] == ["Node tracked"]


def test_lookups_metadata_and_delete(api: Told) -> None:
    assert (api["unbind"], api["bind"]) == (None, None)
    found = api.rows("dv_account", f"accountid = '{key_of(api)}'", "_primarycontactid_value")
    assert found == [(api["create"],)]
    assert [row["EntitySetName"] for row in api["metadata"]] == ["accounts"]
    assert api.refused("unknown") == ("Error", 404)
    assert api["delete"] is True
    assert api.refused("delete again") == ("Error", 404)
    assert api.rows("dv_account", "name = 'Node doomed'", "name") == []
