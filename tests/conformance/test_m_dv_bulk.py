"""Conformance M: Dataverse bulk messages, lines 224 to 231, the service's side."""

from __future__ import annotations

from typing import Any

import pytest

from d365kit.sandbox.wire import canonical_guid
from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import CRM, UNKNOWN, created, key_on, row, rows


def targets(*bodies: dict[str, Any], entity: str = "account") -> dict[str, Any]:
    return {"Targets": [{"@odata.type": f"{CRM}.{entity}"} | body for body in bodies]}


def send(dv: Wire, message: str, body: dict[str, Any], set: str = "accounts") -> Any:
    return dv("POST", f"{set}/{CRM}.{message}", body)


def test_224_create_multiple_answers_ids_in_order(dv: Wire) -> None:
    bodies = [{"name": f"Bulk {number:03}"} for number in range(100)]
    answer = send(dv, "CreateMultiple", targets(*bodies))
    assert answer.status_code == 200
    assert answer.json()["@odata.context"].endswith(f"/$metadata#{CRM}.CreateMultipleResponse")
    ids = answer.json()["Ids"]
    held = {item["accountid"]: item["name"] for item in rows(dv, "accounts?$select=name")}
    assert [held[key] for key in ids] == [body["name"] for body in bodies]


def test_225_one_bad_target_undoes_all(dv: Wire) -> None:
    before = len(rows(dv, "accounts?$select=name"))
    answer = send(dv, "CreateMultiple", targets({"name": "A"}, {"name": "B", "customertypecode": 99}))
    assert error_of(answer) == (400, "0x8004431A")
    assert len(rows(dv, "accounts?$select=name")) == before


@pytest.mark.parametrize("kind", [None, f"{CRM}.contact"])
def test_226_target_without_its_type(dv: Wire, kind: str | None) -> None:
    target = {"name": "A"} | ({"@odata.type": kind} if kind else {})
    for message in ("CreateMultiple", "UpdateMultiple", "UpsertMultiple"):
        assert error_of(send(dv, message, {"Targets": [target]})) == (400, "0x80048d19")
    assert rows(dv, "accounts?$filter=name eq 'A'") == []


def test_227_update_multiple_takes_the_first_of_two(dv: Wire) -> None:
    one, two = (created(dv, "accounts", {"name": name}) for name in ("One", "Two"))
    bodies = [{"accountid": one, "name": "1st"}, {"accountid": two, "name": "2nd"}, {"accountid": one, "name": "3rd"}]
    answer = send(dv, "UpdateMultiple", targets(*bodies))
    assert (answer.status_code, answer.content) == (204, b"")
    assert [row(dv, f"accounts({key})")["name"] for key in (one, two)] == ["1st", "2nd"]


def test_227_update_multiple_of_a_missing_row_changes_nothing(dv: Wire) -> None:
    one = created(dv, "accounts", {"name": "One"})
    bodies = [{"accountid": one, "name": "1st"}, {"accountid": UNKNOWN, "name": "2nd"}]
    assert error_of(send(dv, "UpdateMultiple", targets(*bodies))) == (404, "0x80040217")
    assert row(dv, f"accounts({one})")["name"] == "One"
    assert dv.get(f"accounts({UNKNOWN})").status_code == 404


def test_228_upsert_multiple_by_key(dv: Wire) -> None:
    key_on(dv, "account", "accountnumber")
    created(dv, "accounts", {"accountnumber": "A1", "name": "Old"})
    bodies = [{"@odata.id": f"accounts(accountnumber='A{place}')", "name": f"New {place}"} for place in (1, 2)]
    answer = send(dv, "UpsertMultiple", targets(*bodies))
    assert (answer.status_code, answer.content) == (204, b"")
    held = rows(dv, "accounts?$filter=startswith(name,'New ')&$orderby=accountnumber")
    assert [(item["accountnumber"], item["name"]) for item in held] == [("A1", "New 1"), ("A2", "New 2")]


def test_228_upsert_multiple_refuses_a_record_named_twice(dv: Wire) -> None:
    answer = send(
        dv, "UpsertMultiple", targets({"accountid": UNKNOWN, "name": "A"}, {"accountid": UNKNOWN, "name": "B"})
    )
    assert answer.status_code == 400
    assert dv.get(f"accounts({UNKNOWN})").status_code == 404
    assert send(dv, "UpsertMultiple", targets({"accountid": UNKNOWN, "name": "A"})).status_code == 204
    assert row(dv, f"accounts({UNKNOWN})")["name"] == "A"


def test_229_delete_multiple_is_for_elastic_tables(dv: Wire) -> None:
    key = created(dv, "accounts", {"name": "A"})
    answer = send(dv, "DeleteMultiple", targets({"accountid": key}))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "DeleteMultiple has not yet been implemented."
    assert row(dv, f"accounts({key})")["name"] == "A"


@pytest.mark.read_only
def test_230_which_tables_take_bulk_messages(dv: Wire) -> None:
    asked = "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq @m and "
    asked += "primaryobjecttypecode eq @t&@m='{}'&@t='{}'"
    assert len(rows(dv, asked.format("CreateMultiple", "account"))) == 1
    assert rows(dv, asked.format("CreateMultiple", "systemuser")) == []
    assert rows(dv, asked.format("UpsertMultiple", "account")) == []


def test_230_a_table_that_takes_none(dv: Wire) -> None:
    answer = send(dv, "CreateMultiple", targets({"subject": "A"}, entity="annotation"), "annotations")
    assert answer.status_code == 400
    assert rows(dv, "annotations") == []


def test_231_bulk_delete_answers_a_job(dv: Wire) -> None:
    for name in ("Gone", "Gone", "Kept"):
        created(dv, "accounts", {"name": name})
    condition = {"AttributeName": "name", "Operator": "Equal", "Values": [{"Value": "Gone", "Type": "System.String"}]}
    query = {"EntityName": "account", "Criteria": {"FilterOperator": "And", "Conditions": [condition]}}
    body = {"QuerySet": [query], "JobName": "Clean", "SendEmailNotification": False, "ToRecipients": []}
    answer = dv("POST", "BulkDelete", body)
    assert answer.status_code == 200
    assert canonical_guid(answer.json()["JobId"])
    assert rows(dv, "accounts?$filter=name eq 'Gone'") == []
    assert len(rows(dv, "accounts?$filter=name eq 'Kept'")) == 1
    assert dv("POST", "BulkDelete", {"QuerySet": [{"EntityName": "nosuch"}]}).status_code == 400
