"""Conformance D: $batch of Business Central, in JSON and in multipart (lines 93 to 101)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from d365kit.sandbox.faults import Fault
from d365kit.sandbox.schema import schema
from tests.conformance.business_central import UNKNOWN, first, made, row, rows
from tests.conformance.conftest import Wire, error_of

OTHER = "1f8fad5b-d9cb-469f-a165-70867728950e"


def batch(bc: Wire, *requests: dict[str, Any], **headers: str) -> httpx.Response:
    return bc("POST", "$batch", {"requests": list(requests)}, **headers)


def part(bc: Wire, method: str, path: str, body: Any = None, id: str | None = None, **headers: str) -> dict[str, Any]:
    """One operation; its address is relative to the API's root."""
    found: dict[str, Any] = {"method": method, "url": bc.in_company(path)}
    found |= {"id": id} if id is not None else {}
    found |= {"headers": {k.replace("_", "-"): v for k, v in headers.items()}} if headers else {}
    return found | ({"body": body} if body is not None else {})


def customer(bc: Wire, name: str, **more: Any) -> dict[str, Any]:
    return part(bc, "POST", "customers", {"displayName": name, **more})


def statuses(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [response["status"] for response in answer.json()["responses"]]


def named(bc: Wire, *names: str) -> list[str]:
    """Which of these customers exist."""
    found = {customer["displayName"] for customer in rows(bc, "customers?$select=displayName")}
    return [name for name in names if name in found]


@pytest.mark.read_only
def test_093_two_reads(bc: Wire) -> None:
    item = first(bc, "items")
    answer = batch(
        bc, part(bc, "GET", "customers?$top=2", id="r1"), part(bc, "GET", f"items({item['id']})", id="r2")
    )  # fmt: skip
    assert answer.status_code == 200
    one, two = answer.json()["responses"]
    assert (one["id"], one["status"], two["id"], two["status"]) == ("r1", 200, "r2", 200)
    assert one["body"]["value"] == rows(bc, "customers?$top=2")
    assert two["body"]["number"] == item["number"]
    for response in (one, two):
        kind = response["headers"]["content-type"]
        assert kind == "application/json; odata.metadata=minimal; odata.streaming=true"
        assert response["headers"]["odata-version"] == "4.0"


def test_093_writes_with_exact_numbers_and_locations(bc: Wire) -> None:
    body = b'{"requests":[{"method":"POST","url":"%s","body":{"displayName":"A","unitPrice":1234567890.1234567}}]}'
    path = bc.in_company("items").encode()
    answer = bc("POST", "$batch", body % path, Content_Type="application/json")
    assert b'"unitPrice":1234567890.1234567' in answer.content
    (response,) = answer.json()["responses"]
    assert response["status"] == 201
    assert bc.get(response["headers"]["location"]).json()["id"] == response["body"]["id"]
    absolute = {"method": "DELETE", "url": f"{bc.root}/{bc.in_company('items')}({response['body']['id']})"}
    gone = batch(bc, absolute).json()["responses"][0]
    assert gone["status"] == 204
    assert "body" not in gone


def test_094_ids_may_be_left_out(bc: Wire) -> None:
    answer = batch(bc, part(bc, "GET", "items?$top=1"), part(bc, "GET", "customers?$top=1"))
    found = answer.json()["responses"]
    assert [response["id"] for response in found] == [None, None]
    assert [response["body"]["@odata.context"].rsplit("/", 1)[1] for response in found] == ["items", "customers"]


def test_095_one_part_fails_the_others_stay(bc: Wire) -> None:
    answer = batch(bc, customer(bc, "One"), customer(bc, "Two", nosuch=1), customer(bc, "Three"))
    assert statuses(answer) == [201, 400, 201]
    assert answer.json()["responses"][1]["body"]["error"]["code"] == "BadRequest"
    assert named(bc, "One", "Two", "Three") == ["One", "Three"]


def test_095_a_failed_part_leaves_nothing_of_itself(bc: Wire) -> None:
    buyer = first(bc, "customers", "&$filter=blocked eq ' '")["id"]
    lines = [{"itemId": first(bc, "items")["id"], "quantity": 1}, {"itemId": UNKNOWN}]
    bad = part(bc, "POST", "salesOrders", {"customerId": buyer, "salesOrderLines": lines})
    assert statuses(batch(bc, customer(bc, "One"), bad, customer(bc, "Two"))) == [201, 400, 201]
    assert rows(bc, "salesOrders") == []


def test_096_isolation_undoes_what_it_reports_as_done(bc: Wire) -> None:
    assert bc.sandbox is not None
    before = bc.sandbox.rows("bc", "contacts")
    answer = batch(bc, customer(bc, "One"), customer(bc, "Two", nosuch=1), Isolation="snapshot")
    assert statuses(answer) == [201, 400]
    key = answer.json()["responses"][0]["body"]["id"]
    assert bc.get(bc.in_company(f"customers({key})")).status_code == 404
    assert bc.sandbox.store.get(schema("bc").sets["customers"], key) is None
    assert bc.sandbox.rows("bc", "contacts") == before
    good = batch(bc, customer(bc, "One"), customer(bc, "Two"), Isolation="snapshot")
    assert statuses(good) == [201, 201]
    assert named(bc, "One", "Two") == ["One", "Two"]


def test_096_parts_see_what_earlier_ones_did(bc: Wire) -> None:
    path = f"customers({OTHER})"
    parts = [customer(bc, "One", id=OTHER), part(bc, "PATCH", path, {"city": "Kiel"}, If_Match="*")]
    answer = batch(bc, *parts, part(bc, "GET", f"{path}?$select=city"), Isolation="snapshot")
    assert statuses(answer) == [201, 200, 200]
    assert answer.json()["responses"][2]["body"]["city"] == "Kiel"


def test_097_first_part_fails(bc: Wire) -> None:
    assert bc.sandbox is not None
    parts = (customer(bc, "One", nosuch=1), customer(bc, "Two"))
    assert statuses(batch(bc, *parts)) == [400]
    assert named(bc, "Two") == []
    assert statuses(batch(bc, *parts, Prefer="odata.continue-on-error")) == [400, 201]
    bc.sandbox.switches.bc_batch_ends_at_first = False
    assert statuses(batch(bc, customer(bc, "One", nosuch=1), customer(bc, "Three"))) == [400, 201]
    assert named(bc, "Two", "Three") == ["Two", "Three"]


def test_098_a_hundred_operations_at_most(bc: Wire) -> None:
    one = part(bc, "GET", "customers?$top=1&$select=id")
    assert statuses(batch(bc, *[one] * 100)) == [200] * 100
    answer = batch(bc, *[one] * 100, customer(bc, "Too much"))
    assert answer.status_code == 500
    assert "100" in answer.json()["error"]["message"]
    assert named(bc, "Too much") == []


def test_099_tags_in_parts(bc: Wire) -> None:
    found = first(bc, "customers")
    path = f"customers({found['id']})"
    answer = batch(
        bc,
        part(bc, "GET", path),
        part(bc, "PATCH", path, {"city": "Kiel"}),
        part(bc, "PATCH", path, {"city": "Bonn"}, If_Match=found["@odata.etag"]),
        part(bc, "PATCH", path, {"city": "Ulm"}, If_Match=found["@odata.etag"]),
    )
    assert statuses(answer) == [200, 400, 200, 409]
    codes = [r["body"].get("error", {}).get("code") for r in answer.json()["responses"]]
    assert codes == [None, "BadRequest_InvalidToken", None, "Request_EntityChanged"]
    assert row(bc, "customers", found["id"])["city"] == "Bonn"


def multipart(bc: Wire, text: str, boundary: str = "b1") -> httpx.Response:
    body = text.replace("\n", "\r\n").encode()
    return bc("POST", "$batch", body, Content_Type=f"multipart/mixed; boundary={boundary}")


def http_part(boundary: str, request: str, body: str = "", id: str = "") -> str:
    named = f"Content-ID: {id}\n" if id else ""
    head = f"--{boundary}\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n{named}\n"
    return f"{head}{request} HTTP/1.1\nContent-Type: application/json\n\n{body}\n"


def test_100_multipart(bc: Wire) -> None:
    customers, known = bc.in_company("customers"), first(bc, "customers")["id"]
    text = http_part("b1", f"GET {customers}?$top=1&$select=id")
    text += http_part("b1", f"POST {bc.root}/{customers}", '{"displayName":"Multi"}')
    text += http_part("b1", f"POST {customers}", "{}") + "--b1--\n"
    answer = multipart(bc, text)
    assert answer.status_code == 200
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/mixed; boundary=batchresponse_")
    parts = answer.text.split(f"--{kind.partition('boundary=')[2]}")
    assert [one.split("HTTP/1.1 ")[1][:3] for one in parts[1:-1]] == ["200", "201", "400"]
    assert parts[-1] == "--\r\n"
    assert f'"id":"{known}"' in parts[1]
    assert named(bc, "Multi") == ["Multi"]


def test_100_change_set_stands_or_falls_together(bc: Wire) -> None:
    customers = bc.in_company("customers")
    for bad, kept in (('{"nosuch":1}', []), ('{"displayName":"Second"}', ["First", "Second"])):
        text = "--b1\nContent-Type: multipart/mixed; boundary=c1\n\n"
        text += http_part("c1", f"POST {customers}", '{"displayName":"First"}', id="1")
        text += http_part("c1", f"POST {customers}", bad, id="2") + "--c1--\n--b1--\n"
        answer = multipart(bc, text)
        assert answer.status_code == 200
        assert "Content-ID: 2" in answer.text
        assert "changesetresponse_" in answer.text
        assert named(bc, "First", "Second") == kept


def test_101_company_of_a_part(bc: Wire) -> None:
    companies = {company["name"]: company["id"] for company in bc.get("companies").json()["value"]}
    assert bc.sandbox is not None
    other = next(name for name in companies if name != bc.sandbox.company_name)
    parts = [{"method": "POST", "url": "customers", "body": {"displayName": name}} for name in ("Here", "There")]
    headers = [{"Company": bc.sandbox.company_name}, {"Company": other}]
    answer = batch(bc, *[one | {"headers": more} for one, more in zip(parts, headers, strict=True)])
    assert statuses(answer) == [201, 201]
    assert named(bc, "Here", "There") == ["Here"]
    there = bc.get(f"companies({companies[other]})/customers").json()["value"]
    assert [customer["displayName"] for customer in there] == ["There"]
    unknown = batch(bc, parts[0] | {"headers": {"Company": "Nobody"}})
    assert statuses(unknown) == [404]


@pytest.mark.parametrize(
    "body", [b"{", b"{}", b'{"requests":{}}', b'{"requests":[{"url":"x"}]}', b'{"requests":[1]}']
)
def test_093_malformed_batches(bc: Wire, body: bytes) -> None:
    answer = bc("POST", "$batch", body, Content_Type="application/json")
    assert error_of(answer) == (400, "BadRequest")


def test_093_parts_that_wait_for_others(bc: Wire) -> None:
    bad = customer(bc, "Bad", nosuch=1) | {"id": "1"}
    good = customer(bc, "Good") | {"id": "2"}
    after_bad = customer(bc, "After bad") | {"id": "3", "dependsOn": ["1"]}
    after_good = customer(bc, "After good") | {"id": "4", "dependsOn": ["2"]}
    answer = batch(bc, good, bad, after_bad, after_good)
    assert statuses(answer) == [201, 400, 424, 201]
    assert named(bc, "After bad", "After good") == ["After good"]
    assert made(bc, "customers", displayName="Last")["id"]


def test_102_one_part_is_told_to_wait(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.sandbox.faults.add(Fault("throttled", side="bc", part=True, after=1, times=1))
    answer = batch(bc, customer(bc, "One"), customer(bc, "Two"), customer(bc, "Three"))
    assert statuses(answer) == [201, 429, 201]
    assert answer.json()["responses"][1]["body"]["error"]["code"] == "Application_TooManyRequests"
    assert named(bc, "One", "Two", "Three") == ["One", "Three"]
