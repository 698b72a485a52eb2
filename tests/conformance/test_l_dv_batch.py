"""Conformance L: Dataverse $batch, lines 211 to 223, the service's side."""

from __future__ import annotations

import json
import re

import pytest

from d365kit.sandbox.wire import Reply
from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import (
    BOUNDARY,
    UNKNOWN,
    answers,
    batch,
    change_set,
    created,
    multipart,
    part,
    row,
    rows,
)

BODY = '{"name":"B1"}'


def named(dv: Wire, name: str) -> list[dict[str, object]]:
    return rows(dv, f"accounts?$select=name&$filter=name eq '{name}'")


@pytest.mark.read_only
def test_211_get_parts_by_three_kinds_of_address(dv: Wire) -> None:
    path = dv.root.partition("//")[2].partition("/")[2]
    gets = (f"{dv.root}/accounts?$top=1", f"/{path}/accounts?$top=2", "accounts?$select=name&$top=3")
    response = batch(dv, *(part(f"GET {address}") for address in gets))
    assert response.status_code == 200
    assert re.match(r"multipart/mixed; boundary=batchresponse_[0-9a-f-]{36}$", response.headers["Content-Type"])
    found = answers(response)
    assert [status for status, _, _ in found] == [200, 200, 200]
    assert [len(json.loads(body)["value"]) for _, _, body in found] == [1, 2, 3]
    assert found[0][1]["odata-version"] == "4.0"


@pytest.mark.read_only
@pytest.mark.parametrize("boundary", [BOUNDARY, f'"{BOUNDARY}"'])
def test_212_boundary_with_and_without_quotes(dv: Wire, boundary: str) -> None:
    response = batch(dv, part("GET accounts?$top=1"), boundary=boundary)
    assert [status for status, _, _ in answers(response)] == [200]


@pytest.mark.read_only
def test_212_preamble_and_no_space_before_the_boundary(dv: Wire) -> None:
    """As dynamics-web-api writes it."""
    body = b"\r\n" + multipart([part("GET accounts?$top=1")])
    response = dv("POST", "$batch", body, Content_Type=f"multipart/mixed;boundary={BOUNDARY}")
    assert [status for status, _, _ in answers(response)] == [200]


def test_213_change_set_of_two_posts(dv: Wire) -> None:
    response = batch(dv, change_set(part("POST accounts", BODY, "1"), part("POST contacts", '{"lastname":"L"}', "2")))
    assert response.status_code == 200
    assert b"boundary=changesetresponse_" in response.content
    first, second = answers(response)
    assert (first[0], second[0]) == (204, 204)
    assert (first[1]["content-id"], second[1]["content-id"]) == ("1", "2")
    assert first[1]["odata-entityid"].startswith(f"{dv.root}/accounts(")
    assert row(dv, second[1]["odata-entityid"])["lastname"] == "L"


def test_214_a_bad_part_undoes_its_set(dv: Wire) -> None:
    bad = change_set(part("POST accounts", BODY, "1"), part("POST accounts", '{"nosuch":1}', "2"))
    response = batch(dv, bad, part("POST accounts", '{"name":"Later"}'))
    found = answers(response)
    assert response.status_code == 400
    assert [status for status, _, _ in found] == [400], "one error in place of the set, the rest skipped"
    assert json.loads(found[0][2])["error"]["code"] == "0x0"
    assert named(dv, "B1") == named(dv, "Later") == []
    assert dv.sandbox
    assert dv.sandbox.writes["dv"] == 0
    goes_on = batch(dv, bad, part("POST accounts", '{"name":"Later"}'), Prefer="odata.continue-on-error")
    assert [status for status, _, _ in answers(goes_on)] == [400, 204]
    assert named(dv, "B1") == []
    assert len(named(dv, "Later")) == 1


def test_215_content_id_in_address_bind_and_ref(dv: Wire) -> None:
    parts = [
        part("POST accounts", BODY, "1"),
        part("POST contacts", '{"lastname":"L","parentcustomerid_account@odata.bind":"$1"}', "2"),
        part("PATCH $1", '{"telephone1":"42"}', "3"),
        part("PUT $1/primarycontactid/$ref", '{"@odata.id":"$2"}', "4"),
    ]
    found = answers(batch(dv, change_set(*parts)))
    assert [status for status, _, _ in found] == [204, 204, 204, 204]
    account, contact = (row(dv, found[place][1]["odata-entityid"]) for place in (0, 1))
    assert contact["_parentcustomerid_value"] == account["accountid"]
    assert (account["telephone1"], account["_primarycontactid_value"]) == ("42", contact["contactid"])


def test_216_content_id_before_its_definition(dv: Wire) -> None:
    late = change_set(part("PATCH $1", '{"telephone1":"42"}', "2"), part("POST accounts", BODY, "1"))
    response = batch(dv, late)
    assert response.status_code == 400
    error = json.loads(answers(response)[0][2])["error"]
    assert error["message"] == "Content-ID Reference: '$1' does not exist in the batch context."
    assert named(dv, "B1") == []


def test_217_get_inside_a_change_set(dv: Wire) -> None:
    response = batch(dv, change_set(part("POST accounts", BODY, "1"), part("GET accounts", content_id="2")))
    assert response.status_code == 400
    assert [status for status, _, _ in answers(response)] == [400]
    assert named(dv, "B1") == []


def test_218_stops_at_the_first_failure(dv: Wire) -> None:
    parts = [part("POST accounts", BODY), part(f"GET accounts({UNKNOWN})"), part("POST accounts", '{"name":"Later"}')]
    response = batch(dv, *parts)
    assert response.status_code == 404
    assert [status for status, _, _ in answers(response)] == [204, 404]
    assert (len(named(dv, "B1")), named(dv, "Later")) == (1, [])


def test_219_continues_on_error(dv: Wire) -> None:
    parts = [part(f"GET accounts({UNKNOWN})"), part("POST accounts", BODY), part("GET nosuch")]
    response = batch(dv, *parts, Prefer="odata.continue-on-error")
    assert response.status_code == 200
    assert response.headers["Preference-Applied"] == "odata.continue-on-error"
    found = answers(response)
    assert [status for status, _, _ in found] == [404, 204, 404]
    assert json.loads(found[2][2])["error"]["code"] == "0x8006088a"
    assert len(named(dv, "B1")) == 1


@pytest.mark.parametrize("damage", ["lf", "no final CRLF", "no closing boundary", "no boundary named"])
def test_220_unreadable_stream(dv: Wire, damage: str) -> None:
    body = multipart([part("POST accounts", BODY)])
    body = {
        "lf": body.replace(b"\r\n", b"\n"),
        "no final CRLF": body.removesuffix(b"\r\n"),
        "no closing boundary": body.removesuffix(b"--\r\n") + b"\r\n",
        "no boundary named": body,
    }[damage]
    kind = "multipart/mixed" if damage == "no boundary named" else f"multipart/mixed; boundary={BOUNDARY}"
    assert error_of(dv("POST", "$batch", body, Content_Type=kind)) == (400, "0x80048d19")
    assert named(dv, "B1") == []


def test_221_a_thousand_requests_at_most(dv: Wire) -> None:
    many = [part("GET WhoAmI")] * 999
    assert len(answers(batch(dv, *many, part("GET WhoAmI")))) == 1000
    sets = change_set(part("POST accounts", BODY, "1"), part("POST accounts", BODY, "2"))
    response = batch(dv, *many, sets)
    assert error_of(response) == (400, "0x80060888")
    assert named(dv, "B1") == []


@pytest.mark.read_only
def test_222_batch_inside_a_batch(dv: Wire) -> None:
    response = batch(dv, part("POST $batch", "--x--"))
    assert response.status_code == 400
    assert [status for status, _, _ in answers(response)] == [400]


def test_223_one_part_is_told_to_wait(dv: Wire) -> None:
    """The sandbox can throttle one part; the others are done."""
    assert dv.sandbox
    busy = Reply(429, b'{"error":{"code":"0x80072322","message":"wait"}}', {"Retry-After": "1"})
    dv.sandbox._dv.before_part = lambda request: busy if request.path == "contacts" else None
    parts = [part("POST accounts", BODY), part("POST contacts", '{"lastname":"L"}')]
    response = batch(dv, *parts, Prefer="odata.continue-on-error")
    found = answers(response)
    assert [status for status, _, _ in found] == [204, 429]
    assert found[1][1]["retry-after"] == "1"
    assert len(named(dv, "B1")) == 1


def test_223_a_throttled_part_undoes_its_change_set(dv: Wire) -> None:
    assert dv.sandbox
    dv.sandbox._dv.before_part = lambda request: Reply(429, b"{}") if request.path == "contacts" else None
    response = batch(dv, change_set(part("POST accounts", BODY, "1"), part("POST contacts", "{}", "2")))
    assert response.status_code == 429
    assert named(dv, "B1") == []


def test_batch_parts_take_the_caller_and_keep_their_own_headers(dv: Wire) -> None:
    key = created(dv, "accounts", {"name": "A"})
    stale = part(f"PATCH accounts({key})", '{"name":"B"}').replace(
        b"Accept: application/json", b'If-Match: W/"1"\r\nAccept: application/json'
    )
    response = batch(dv, stale)
    assert [status for status, _, _ in answers(response)] == [412]
    assert row(dv, f"accounts({key})")["name"] == "A"
