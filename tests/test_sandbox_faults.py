"""Faults on demand: which requests they befall, what they do to answers, and that a seed repeats them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import httpx
import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.faults import DEADLY_READS, FORMS, HARMFUL, KINDS, Fault, FaultError
from tests.conformance.conftest import Wire, error_of, sandbox, wire_to  # noqa: F401
from tests.conformance.helpers_edge import served

PAGE = "accounts?$select=name&$orderby=name"


@pytest.fixture
def dv(sandbox: Sandbox) -> Wire:  # noqa: F811
    return wire_to(sandbox, "dv")


@pytest.fixture
def bc(sandbox: Sandbox) -> Wire:  # noqa: F811
    return wire_to(sandbox, "bc")


def faults(wire: Wire) -> Any:
    assert wire.sandbox is not None
    return wire.sandbox.faults


def statuses(wire: Wire, path: str, times: int) -> list[int]:
    return [wire.get(path).status_code for _ in range(times)]


# -- which requests


def test_a_rule_says_which_requests_and_how_often(dv: Wire, bc: Wire) -> None:
    faults(dv).add(Fault("server_error", side="dv", method="GET", path=r"^accounts\b", every=3))
    assert statuses(dv, "accounts?$top=1", 6) == [200, 200, 500, 200, 200, 500]
    assert statuses(dv, "contacts?$top=1", 3) == [200] * 3
    assert statuses(bc, "companies", 3) == [200] * 3
    faults(dv).clear()
    faults(dv).add(Fault("server_error", side="dv", after=1, first=2))
    assert statuses(dv, "accounts?$top=1", 5) == [200, 500, 500, 200, 200]
    faults(dv).clear()
    faults(dv).add(Fault("server_error", every=2, times=1))
    assert statuses(dv, "accounts?$top=1", 4) == [200, 500, 200, 200]
    assert faults(dv).happened[0].target == "accounts?$top=1"


def test_a_share_is_met_and_a_seed_repeats_it_whatever_the_order(dv: Wire) -> None:
    def run(seed: int, paths: list[str]) -> dict[str, list[int]]:
        faults(dv).clear()
        faults(dv).seed = seed
        faults(dv).add(Fault("server_error", share=0.3))
        found: dict[str, list[int]] = {}
        for path in paths:
            found.setdefault(path, []).append(dv.get(path).status_code)
        return found

    paths = [f"{name}?$top={n}" for name in ("accounts", "contacts") for n in range(1, 6)] * 10
    first = run(1, paths)
    assert run(1, paths) == first
    assert run(1, paths[::-1]) == first
    assert run(2, paths) != first
    assert 15 <= sum(status == 500 for row in first.values() for status in row) <= 45


@pytest.mark.parametrize(
    "wrong", [{"kind": "nonsense"}, {"kind": "slow", "side": "x"}, {"kind": "slow", "path": "("}, {"side": "bc"},
              {"kind": "slow", "when": 1}, {"kind": "server_error", "body": "xml"}],
)  # fmt: skip
def test_a_rule_that_cannot_be_one_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        Fault.from_json(wrong)


# -- instead of the answer


@pytest.mark.parametrize(
    ("kind", "status", "html"),
    [("throttled", 429, False), ("unavailable", 503, False), ("gateway_timeout", 504, True),
     ("bad_gateway", 502, True), ("timeout", 408, False), ("server_error", 500, False), ("refused", 400, False)],
)  # fmt: skip
def test_errors_come_in_the_shape_of_the_service_and_nothing_was_written(
    bc: Wire, dv: Wire, kind: str, status: int, html: bool
) -> None:
    assert bc.sandbox is not None
    faults(dv).add(Fault(kind))
    for wire, path, body in ((dv, "accounts", {"name": "A"}), (bc, bc.in_company("customers"), {"displayName": "A"})):
        answer = wire("POST", path, body)
        assert answer.status_code == status
        assert ("<html>" in answer.text) is html
        assert html or isinstance(answer.json()["error"]["code"], str)
        assert "retry-after" not in answer.headers
    assert bc.sandbox.writes == {"bc": 0, "dv": 0}


def test_an_error_may_be_told_its_status_code_text_and_body(dv: Wire) -> None:
    faults(dv).add(Fault("refused", status=400, code="", text="no code", first=1))
    answer = dv.get("WhoAmI")
    assert (answer.status_code, answer.json()["error"]) == (400, {"code": "", "message": "no code"})
    faults(dv).add(Fault("unavailable", body="empty"))
    answer = dv.get("WhoAmI")
    assert (answer.status_code, answer.content) == (503, b"")


def test_a_service_that_turns_read_only(dv: Wire) -> None:
    faults(dv).add(Fault("read_only", after=2, status=503))
    answers = [dv("POST", "accounts", {"name": f"N{n}"}).status_code for n in range(4)]
    assert answers == [204, 204, 503, 503]
    assert dv.get("WhoAmI").status_code == 200


def test_a_redirect_goes_elsewhere(dv: Wire) -> None:
    faults(dv).add(Fault("redirect", status=301))
    answer = dv.get("WhoAmI")
    assert answer.status_code == 301
    assert answer.headers["location"] == "https://elsewhere.invalid/api/data/v9.2/WhoAmI"


# -- spoilt answers


def test_an_error_or_html_under_status_200_and_a_wrong_type(dv: Wire) -> None:
    faults(dv).add(Fault("error_in_200", first=1))
    answer = dv.get("WhoAmI")
    assert (answer.status_code, "error" in answer.json()) == (200, True)
    faults(dv).clear()
    faults(dv).add(Fault("html_in_200", first=1))
    answer = dv.get("WhoAmI")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    faults(dv).clear()
    faults(dv).add(Fault("wrong_type"))
    answer = dv.get("WhoAmI")
    assert (answer.headers["content-type"], "UserId" in answer.json()) == ("text/html", True)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("real", [False, True], ids=["in process", "served"])
def test_unusual_forms_carry_the_same_content(dv: Wire, kind: str, real: bool) -> None:
    assert dv.sandbox is not None
    plain = dv.get(PAGE).json()
    faults(dv).add(Fault(kind))
    if real:
        with served(dv.sandbox) as ready:
            headers = {"Authorization": f"Bearer {ready['token']}"}
            answer = httpx.get(f"{ready['dv']}/{PAGE}", headers=headers, trust_env=False)
    else:
        answer = dv.get(PAGE)
    shown = json.loads(answer.content.decode("utf-8-sig"))
    if kind == "extra_property":
        assert all(row.pop("addedLater") == {"a": [1]} for row in shown["value"])
    assert shown["value"] == plain["value"]
    assert ("content-length" not in answer.headers) == (kind == "chunked")
    assert answer.headers.get("content-encoding", "") == (kind if kind in ("gzip", "deflate") else "")
    assert answer.content.startswith(b"\xef\xbb\xbf") == (kind == "bom")
    assert ("charset=UTF-8" in answer.headers["content-type"]) == (kind == "charset")
    assert (len(answer.headers.get_list("set-cookie")) > 2) == (kind == "double_headers")


@pytest.mark.parametrize("kind", ["cut_before", "lost_answer", "cut_body"])
@pytest.mark.parametrize("real", [False, True], ids=["in process", "served"])
def test_a_cut_connection_is_an_error_of_httpx_either_way(dv: Wire, kind: str, real: bool) -> None:
    assert dv.sandbox is not None
    faults(dv).add(Fault(kind, method="POST"))
    before = dv.sandbox.rows("dv", "accounts")
    body = {"name": "Probe"}
    if real:
        with served(dv.sandbox) as ready:
            headers = {"Authorization": f"Bearer {ready['token']}", "Prefer": "return=representation"}
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.post(f"{ready['dv']}/accounts", json=body, headers=headers, trust_env=False)
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            dv("POST", "accounts", body, Prefer="return=representation")
    assert dv.sandbox.rows("dv", "accounts") == before + (kind != "cut_before")


def test_latency_lies_in_its_range(dv: Wire) -> None:
    assert dv.sandbox is not None
    faults(dv).add(Fault("slow", seconds=0.01, up_to=0.03))
    statuses(dv, "WhoAmI", 5)
    assert 0.05 <= dv.sandbox.protection.report()["dv"]["execution_seconds"] < 2


# -- pages


def pages(wire: Wire, path: str, size: int, most: int = 50) -> list[list[dict[str, Any]]]:
    """All pages as they come, relative links resolved."""
    found, url = [], f"{wire.root}/{path}"
    while url and len(found) < most:
        answer = wire.get(url, Prefer=f"odata.maxpagesize={size}")
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["value"])
        link = answer.json().get("@odata.nextLink", "")
        url = str(httpx.URL(url).join(link)) if link else ""
    return found


@pytest.mark.parametrize("side", ["bc", "dv"])
def test_links_that_lead_astray(dv: Wire, bc: Wire, side: str) -> None:
    wire, path = (dv, PAGE) if side == "dv" else (bc, bc.in_company("customers?$select=id"))
    faults(dv).add(Fault("foreign_link", first=1))
    link = wire.get(path, Prefer="odata.maxpagesize=3").json()["@odata.nextLink"]
    assert link.startswith("https://elsewhere.invalid/")
    assert "skiptoken" in link
    faults(dv).clear()
    faults(dv).add(Fault("same_link"))
    again = wire.get(path, Prefer="odata.maxpagesize=3").json()
    second = wire.get(again["@odata.nextLink"], Prefer="odata.maxpagesize=3").json()
    assert second["value"] == again["value"]
    assert second["@odata.nextLink"] == again["@odata.nextLink"]


@pytest.mark.parametrize("side", ["bc", "dv"])
@pytest.mark.parametrize("kind", ["relative_link", "empty_page", "duplicate_row"])
def test_pages_in_unusual_ways_hold_every_row(dv: Wire, bc: Wire, side: str, kind: str) -> None:
    wire, path = (dv, PAGE) if side == "dv" else (bc, bc.in_company("customers?$select=id"))
    key = "accountid" if side == "dv" else "id"
    whole = [row[key] for page in pages(wire, path, 1000) for row in page]
    faults(dv).add(Fault(kind, first=1 if kind == "empty_page" else 0))
    odd = pages(wire, path, 7)
    found = [row[key] for page in odd for row in page]
    if kind == "duplicate_row":
        assert len(found) == len(whole) + len(odd) - 1
        assert all(len({row[key] for row in page}) == len(page) for page in odd)
        found = list(dict.fromkeys(found))
        assert sorted(found) == sorted(whole)
    else:
        assert found == whole
        assert ([] in odd) == (kind == "empty_page")


@pytest.mark.parametrize("side", ["bc", "dv"])
@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_rows_change_between_pages(dv: Wire, bc: Wire, side: str, change: str) -> None:
    assert dv.sandbox is not None
    wire, path = (dv, PAGE) if side == "dv" else (bc, bc.in_company("customers?$select=id"))
    name = "accounts" if side == "dv" else "customers"
    before = dv.sandbox.rows(side, name)
    faults(dv).add(Fault("rows_change", change=change, path="skiptoken"))
    found = pages(wire, path, 7)
    made = len(faults(dv).happened)
    assert made >= 2
    assert all(record.detail.startswith(f"{change} {name} ") for record in faults(dv).happened)
    step = {"insert": 1, "update": 0, "delete": -1}[change]
    assert dv.sandbox.rows(side, name) == before + step * made
    assert sum(map(len, found)) >= before + min(step * made, 0)


# -- parts of a batch


def test_a_fault_befalls_a_part_of_a_batch_and_no_whole_request(dv: Wire, bc: Wire) -> None:
    assert dv.sandbox is not None
    for side in ("bc", "dv"):
        faults(dv).add(Fault("throttled", side=side, path="customers|accounts", first=1, part=True))
    assert bc.get(bc.in_company("customers?$top=1")).status_code == 200
    url = bc.in_company("customers?$top=1")
    wanted = {
        "requests": [{"id": "a", "method": "GET", "url": "companies"}, {"id": "b", "method": "GET", "url": url}]
    }
    found = bc("POST", "$batch", wanted).json()["responses"]
    assert [(r["id"], r["status"]) for r in found] == [("a", 200), ("b", 429)]
    assert found[1]["body"]["error"]["code"] == "Application_TooManyRequests"
    assert [r["status"] for r in bc("POST", "$batch", wanted).json()["responses"]] == [200, 200]

    assert dv.get("accounts?$top=1").status_code == 200
    parts = "".join(
        "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"GET {path} HTTP/1.1\r\n\r\n\r\n"
        for path in ("/api/data/v9.2/WhoAmI", "/api/data/v9.2/accounts?$top=1")
    )
    kind, body = "multipart/mixed;boundary=b", f"{parts}--b--\r\n".encode()
    prefer = "odata.continue-on-error"
    answer = dv("POST", "$batch", body, Content_Type=kind, Prefer=prefer)
    assert answer.status_code == 200
    assert "429 Too Many Requests" in answer.text
    assert "0x80072322" in answer.text
    assert "429" not in dv("POST", "$batch", body, Content_Type=kind, Prefer=prefer).text
    assert [(r.side, r.kind) for r in faults(dv).happened] == [("bc", "throttled"), ("dv", "throttled")]
    with pytest.raises(FaultError):
        Fault("cut_before", part=True)


# -- storms


def test_a_storm_repeats_itself_and_befalls_no_address_more_than_three_times_in_a_row(dv: Wire) -> None:
    assert dv.sandbox is not None

    def weather(seed: int) -> tuple[list[tuple[str, str]], int]:
        assert faults(dv).storm(seed, share=2.0, deadly=False) is None
        longest = 0
        for path in ("WhoAmI", "accounts?$top=2"):
            row = 0
            for _ in range(30):
                known = len(faults(dv).happened)
                with contextlib.suppress(httpx.RemoteProtocolError):
                    dv.get(path)
                row = row + 1 if any(one.kind in HARMFUL for one in faults(dv).happened[known:]) else 0
                longest = max(longest, row)
        return [(record.target, record.kind) for record in faults(dv).happened], longest

    first, longest = weather(3)
    assert longest == 3
    assert weather(3) == (first, longest)
    assert weather(4)[0] != first
    assert len({kind for _, kind in first}) > 8


def test_every_fifth_storm_holds_a_fault_that_never_heals(dv: Wire) -> None:
    found = {seed: faults(dv).storm(seed) for seed in range(1, 11)}
    assert {seed for seed, deadly in found.items() if deadly} == {5, 10}
    deadly = faults(dv).storm(7, deadly=True, side="dv")
    assert deadly.kind in DEADLY_READS
    assert (deadly.stubborn, deadly.times, faults(dv).deadly) == (True, 0, deadly)


def test_a_storm_of_writes_keeps_what_was_lost_on_the_way(dv: Wire) -> None:
    assert dv.sandbox is not None
    before = dv.sandbox.rows("dv", "accounts")
    faults(dv).storm(1, share=1.5, writes=True, deadly=False)
    told = 0
    for number in range(40):
        with contextlib.suppress(httpx.RemoteProtocolError):
            told += dv("POST", "accounts", {"name": f"N{number}"}).status_code == 204
    lost = sum(record.kind == "lost_answer" for record in faults(dv).happened)
    assert lost > 0
    assert dv.sandbox.rows("dv", "accounts") == before + told + lost


def test_every_kind_can_strike_and_without_rules_nothing_is_decided(dv: Wire) -> None:
    async def once(kind: str) -> None:
        faults(dv).clear()
        faults(dv).add(Fault(kind))
        assert dv.sandbox is not None
        async with httpx.AsyncClient(transport=httpx.ASGITransport(dv.sandbox.app)) as client:
            try:
                await client.get(f"{dv.root}/{PAGE}", headers={"Authorization": f"Bearer {dv.token}"})
            except httpx.RemoteProtocolError:
                assert kind in ("cut_before", "cut_body", "lost_answer")

    for kind in KINDS:
        asyncio.run(once(kind))
        dv.sandbox.identity.restore()  # type: ignore[union-attr]
        assert [r.kind for r in faults(dv).happened] == ([] if kind == "read_only" else [kind])
    faults(dv).clear()
    assert not faults(dv)
    assert dv.get("WhoAmI").status_code == 200
    assert faults(dv).requests == 0
    assert error_of(dv.get("nothing")) == (404, "0x8006088a")
