"""Conformance K: Dataverse alternate keys, lines 201 to 210, the service's side."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import UNKNOWN, bind, created, key_on, row, rows

A1 = "accounts(accountnumber='A1')"


@pytest.fixture
def keyed(dv: Wire) -> Wire:
    """A tenant whose accounts have a key on their number."""
    key_on(dv, "account", "accountnumber")
    return dv


def test_201_upsert_answers_with_the_key_form(keyed: Wire) -> None:
    answer = keyed("PATCH", A1, {"name": "A"})
    assert answer.status_code == 204
    assert answer.headers["OData-EntityId"] == f"{keyed.root}/{A1}"
    assert answer.headers["ETag"].startswith('W/"')
    again = keyed("PATCH", A1, {"name": "B"})
    assert (again.status_code, again.headers["OData-EntityId"]) == (204, f"{keyed.root}/{A1}")
    held = rows(keyed, "accounts?$filter=accountnumber eq 'A1'")
    assert [item["name"] for item in held] == ["B"]


def test_202_representation_tells_created_from_updated(keyed: Wire) -> None:
    url = f"{A1}?$select=accountid"
    first = keyed("PATCH", url, {"name": "A"}, Prefer="return=representation")
    second = keyed("PATCH", url, {"name": "A"}, Prefer="return=representation")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["accountid"] == second.json()["accountid"]


def test_203_body_wins_when_the_row_is_made(keyed: Wire) -> None:
    assert keyed("PATCH", A1, {"name": "A", "accountnumber": "A2"}).status_code == 204
    assert keyed.get(A1).status_code == 404
    assert row(keyed, "accounts(accountnumber='A2')")["name"] == "A"


def test_204_body_value_is_dropped_when_the_row_is_there(keyed: Wire) -> None:
    keyed("PATCH", A1, {"name": "A"})
    assert keyed("PATCH", A1, {"name": "B", "accountnumber": "A2"}).status_code == 204
    held = row(keyed, A1)
    assert (held["name"], held["accountnumber"]) == ("B", "A1")


def test_205_no_row_for_the_key(keyed: Wire) -> None:
    assert error_of(keyed.get("accounts(accountnumber='none')")) == (404, "0x80060891")
    assert error_of(keyed("PATCH", A1, {"name": "A"}, If_Match="*")) == (404, "0x80060891")
    assert error_of(keyed("DELETE", A1)) == (404, "0x80060891")
    assert rows(keyed, "accounts?$filter=accountnumber eq 'A1'") == []


def test_206_violated_by_create_and_update(keyed: Wire) -> None:
    created(keyed, "accounts", {"accountnumber": "A1"})
    other = created(keyed, "accounts", {"accountnumber": "A2"})
    assert error_of(keyed("POST", "accounts", {"accountnumber": "a1"})) == (412, "0x80060892")
    assert error_of(keyed("PATCH", f"accounts({other})", {"accountnumber": "A1"})) == (412, "0x80060892")
    assert row(keyed, f"accounts({other})")["accountnumber"] == "A2"
    assert error_of(keyed("POST", "accounts", {"accountid": other})) == (412, "0x80040237")


def test_207_null_switches_uniqueness_off(keyed: Wire) -> None:
    made = [created(keyed, "accounts", {"name": "N"}) for _ in range(2)]
    assert [row(keyed, f"accounts({key})")["accountnumber"] for key in made] == [None, None]


@pytest.mark.parametrize("value", ["A%2F1", "A%261", "A%231", "A%25", "A%3A1"])
def test_208_characters_no_patch_takes(keyed: Wire, value: str) -> None:
    before = len(rows(keyed, "accounts?$select=name"))
    assert keyed("PATCH", f"accounts(accountnumber='{value}')", {"name": "A"}).status_code == 400
    assert len(rows(keyed, "accounts?$select=name")) == before
    key = created(keyed, "accounts", {"accountnumber": "A/1"})
    assert keyed("PATCH", f"accounts({key})", {"name": "By id"}, If_Match="*").status_code == 204


def test_209_composite_in_any_order(dv: Wire) -> None:
    key_on(dv, "contact", "lastname", "telephone1")
    url = "contacts(telephone1='1, 2',lastname='O''Tester')"
    assert dv("PATCH", url, {"firstname": "A"}).status_code == 204
    assert dv("PATCH", "contacts(lastname='O''Tester', telephone1='1, 2')", {"firstname": "B"}).status_code == 204
    held = rows(dv, "contacts?$filter=lastname eq 'O''Tester'")
    assert [(item["firstname"], item["telephone1"]) for item in held] == [("B", "1, 2")]
    assert dv.get("contacts(lastname='O''Tester')").status_code == 400, "half a key is none"


def test_209_lookup_in_a_key(dv: Wire) -> None:
    key_on(dv, "contact", "parentcustomerid", "lastname")
    account = created(dv, "accounts", {"name": "A"})
    body = {"lastname": "L"} | bind(parentcustomerid_account=f"accounts({account})")
    contact = created(dv, "contacts", body)
    url = f"contacts(lastname='L',_parentcustomerid_value={account})"
    assert row(dv, url)["contactid"] == contact


def test_210_pending_until_built(dv: Wire) -> None:
    assert dv.sandbox
    assert error_of(dv.get("accounts(accountnumber='A1')")) == (400, "0x80060888"), "no key by default"
    dv.sandbox.switches.dv_key_build_seconds = 60
    key_on(dv, "account", "accountnumber")
    keys = "EntityDefinitions(LogicalName='account')/Keys"
    assert [item["EntityKeyIndexStatus"] for item in rows(dv, keys)] == ["Pending"]
    assert dv("PATCH", A1, {"name": "A"}).status_code == 400
    clock = dv.sandbox.identity.clock
    dv.sandbox.identity.clock = lambda: clock() + 61
    assert [item["EntityKeyIndexStatus"] for item in rows(dv, keys)] == ["Active"]
    assert dv("PATCH", A1, {"name": "A"}).status_code == 204


def test_210_build_fails_over_duplicates(dv: Wire) -> None:
    for _ in range(2):
        created(dv, "accounts", {"accountnumber": "TWICE"})
    key_on(dv, "account", "accountnumber")
    keys = "EntityDefinitions(LogicalName='account')/Keys"
    assert [item["EntityKeyIndexStatus"] for item in rows(dv, keys)] == ["Failed"]
    assert dv("DELETE", f"{keys}(LogicalName='key_accountnumber')").status_code == 204
    assert rows(dv, keys) == []


def test_keys_bind_and_delete(keyed: Wire) -> None:
    keyed("PATCH", A1, {"name": "A"})
    contact = created(keyed, "contacts", {"lastname": "L"} | bind(parentcustomerid_account=A1))
    account = row(keyed, f"contacts({contact})")["_parentcustomerid_value"]
    assert row(keyed, f"accounts({account})")["accountnumber"] == "A1"
    missing = bind(parentcustomerid_account="accounts(accountnumber='none')")
    assert error_of(keyed("PATCH", f"contacts({contact})", missing)) == (404, "0x80060891")
    tag = row(keyed, A1)["@odata.etag"]
    assert error_of(keyed("DELETE", A1, If_Match='W/"1"')) == (412, "0x80060882")
    assert keyed("DELETE", A1, If_Match=tag).status_code == 204
    assert keyed.get(f"accounts({account})").status_code == 404


@pytest.mark.parametrize("body", [{"SchemaName": "k"}, {"SchemaName": "k", "KeyAttributes": ["nosuch"]}])
def test_keys_refused(dv: Wire, body: dict[str, object]) -> None:
    assert dv("POST", "EntityDefinitions(LogicalName='account')/Keys", body).status_code == 400
    assert dv("POST", f"EntityDefinitions({UNKNOWN})/Keys", body).status_code == 404
    assert rows(dv, "EntityDefinitions(LogicalName='account')/Keys") == []
