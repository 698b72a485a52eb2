"""Microsoft's own Dataverse client for Python works on the sandbox over TLS, and its rows are the sandbox's."""

from __future__ import annotations

import pytest

from d365kit.sandbox import Sandbox
from tests.foreign.conftest import Told, python, told


@pytest.fixture(scope="module")
def sdk(place: tuple[Sandbox, dict[str, str]]) -> Told:
    sandbox, ready = place
    command = [*python("dataverse_client.py"), ready["tls_origin"], ready["token"]]
    return Told(sandbox, ready, told(command, REQUESTS_CA_BUNDLE=ready["certificate"]))


def test_it_asks_for_a_token_of_the_sandbox(sdk: Told) -> None:
    assert sdk["scopes"] == [f"{sdk.ready['tls_origin']}/.default"]


def test_create_retrieve_update(sdk: Told) -> None:
    made = sdk["create"]
    found = sdk.rows("dv_account", f"accountid = '{made}'", "name", "creditlimit", "telephone1")
    assert found == [("Foreign changed", 1200.5, "555")]
    assert sdk["retrieve"] == {"name": "Foreign one", "creditlimit": 1200.5, "accountid": made}
    assert sdk["retrieve nobody"] is None
    assert sdk["list"] == ["Foreign one", "Foreign three", "Foreign two"]


def test_pages_are_followed_to_the_last(sdk: Told) -> None:
    pages = sdk["pages"]
    assert pages["sizes"][:-1] == [3] * (len(pages["sizes"]) - 1)
    assert pages["rows"] == 22 + 3


def test_bulk_create_and_update(sdk: Told) -> None:
    first, second = sdk["create many"]
    assert sdk["update many"] is None
    where = f"accountid IN ('{first}', '{second}')"
    assert sdk.rows("dv_account", where, "telephone1", "name") == [("1", "Foreign two"), ("2", "Foreign three")]


def test_upsert_by_an_alternate_key_it_made_itself(sdk: Told) -> None:
    assert [(k["key_attributes"], k["status"]) for k in sdk["key"]] == [(["accountnumber"], "Active")]
    assert sdk["upsert"] is None
    assert sdk["upsert many"] is None
    found = sdk.rows("dv_account", "accountnumber LIKE 'F-_'", "accountnumber", "name")
    assert found == [("F-1", "Foreign by key again"), ("F-2", "Foreign by key too")]


def test_sql_and_frame(sdk: Told) -> None:
    assert [row["name"] for row in sdk["sql"]] == ["Foreign changed"]
    frame = sdk["frame"]
    assert sorted(frame["name"]) == [
        "Foreign by key again", "Foreign by key too", "Foreign changed", "Foreign three", "Foreign two",
    ]  # fmt: skip
    assert sdk["create"] in frame["accountid"]


def test_a_batch_tells_each_outcome(sdk: Told) -> None:
    created, read, missing = sdk["batch"]
    assert (created["status"], read["status"], missing["status"]) == (204, 200, 404)
    assert (read["name"], missing["code"]) == ("Foreign changed", "0x80040217")
    assert sdk.rows("dv_account", f"accountid = '{created['id']}'", "name") == [("Foreign in a batch",)]


def test_a_change_set_is_kept_whole_or_not_at_all(sdk: Told) -> None:
    assert sdk["change set"]["statuses"] == [204, 204]
    contact, account = sdk["change set"]["ids"]
    assert sdk.rows("dv_account", f"accountid = '{account}'", "_primarycontactid_value") == [(contact,)]
    assert sdk["change set undone"] == [400]
    assert sdk.rows("dv_account", "name LIKE 'Foreign undone%'", "name") == []


def test_refusals_are_its_own_errors(sdk: Told) -> None:
    assert sdk.refused("unknown column") == ("HttpError", 400)
    assert sdk["delete"] is None
    assert sdk.refused("delete again") == ("HttpError", 404)
    assert sdk.rows("dv_account", f"accountid = '{sdk['create doomed']}'", "name") == []
