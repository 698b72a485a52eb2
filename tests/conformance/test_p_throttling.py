"""Conformance P: Dataverse's throttling and faults (lines 263 to 272), the sandbox's side."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from d365kit.sandbox.clock import ManualClock
from d365kit.sandbox.faults import Fault
from tests.conformance.conftest import Wire, error_of
from tests.conformance.helpers_edge import at_once, fill_window


@pytest.fixture
def clock(dv: Wire) -> ManualClock:
    """A clock of the test's own, which does not run by itself."""
    assert dv.sandbox is not None
    clock = ManualClock(automatic=True)
    dv.sandbox.use_clock(clock)
    return clock


def accounts(wire: Wire) -> int:
    assert wire.sandbox is not None
    return wire.sandbox.rows("dv", "accounts")


def test_263_the_6001st_request_in_300_seconds(dv: Wire, clock: ManualClock) -> None:
    assert dv.sandbox is not None
    fill_window(dv, 5999)
    assert dv.get("WhoAmI").status_code == 200
    before = accounts(dv)
    refused = dv("POST", "accounts", {"name": "Too late"})
    assert error_of(refused) == (429, "0x80072322")
    text = "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    assert refused.json()["error"]["message"] == text
    assert refused.headers["retry-after"] == "300"
    assert accounts(dv) == before
    clock.now += 300
    assert dv("POST", "accounts", {"name": "In time"}).status_code == 204
    assert accounts(dv) == before + 1
    report = dv.sandbox.protection.report()["dv"]
    assert (report["requests"], report["peak_in_window"], report["refused"]["requests"]) == (6001, 6000, 1)


def test_263_the_code_has_a_decimal_form_by_a_switch(dv: Wire) -> None:
    assert dv.sandbox is not None
    dv.sandbox.switches.dv_error_codes = "decimal"
    dv.sandbox.protection.limits["dv"].requests = 0
    assert error_of(dv.get("WhoAmI")) == (429, "-2147015902")


def test_264_twenty_minutes_of_execution_time(dv: Wire, clock: ManualClock) -> None:
    assert dv.sandbox is not None
    dv.sandbox.faults.add(Fault("slow", side="dv", path="accounts", seconds=61))
    for _ in range(4):
        assert dv.get("accounts?$top=1").status_code == 200
    dv.sandbox.protection.limits["dv"].execution_seconds = 240
    refused = dv.get("accounts?$top=1")
    assert error_of(refused) == (429, "0x80072321")
    assert refused.json()["error"]["message"].startswith(
        "Combined execution time of incoming requests exceeded limit"
    )
    assert int(refused.headers["retry-after"]) == 300 - 3 * 61
    assert float(refused.headers["x-ms-ratelimit-time-remaining-xrm-requests"]) == 0
    assert dv.sandbox.protection.report()["dv"]["execution_seconds"] == pytest.approx(244)
    clock.now += 300 - 3 * 61
    assert dv.get("WhoAmI").status_code == 200


def test_264_the_limit_is_1200_seconds_and_its_code_has_a_decimal_form(dv: Wire, clock: ManualClock) -> None:
    assert dv.sandbox is not None
    assert dv.sandbox.protection.limits["dv"].execution_seconds == 1200
    dv.sandbox.switches.dv_error_codes = "decimal"
    dv.sandbox.protection.account("dv", "sandbox").count()
    dv.sandbox.protection.account("dv", "sandbox").leave(1200)
    assert error_of(dv.get("WhoAmI")) == (429, "-2147015903")


@pytest.mark.parametrize(("style", "code"), [("hex", "0x80072326"), ("decimal", "-2147015898")])
def test_265_the_53rd_concurrent_request_fails_at_once(dv: Wire, style: str, code: str) -> None:
    assert dv.sandbox is not None
    dv.sandbox.use_clock(ManualClock())
    dv.sandbox.switches.dv_error_codes = style
    dv.sandbox.faults.add(Fault("slow", side="dv", seconds=2))

    async def seconds(clock: ManualClock) -> None:
        await clock.advance(2)

    answers = at_once(dv, "WhoAmI", 53, seconds)
    assert [a.status_code for a in answers] == [200] * 52 + [429]
    assert error_of(answers[-1]) == (429, code)
    assert answers[-1].json()["error"]["message"] == "Number of concurrent requests exceeded the limit of 52."
    assert int(answers[-1].headers["retry-after"]) <= 2
    report = dv.sandbox.protection.report()["dv"]
    assert (report["peak_at_once"], report["peak_queued"], report["refused"]["concurrency"]) == (52, 0, 1)


def test_266_retry_after_grows_while_it_is_ignored(dv: Wire, clock: ManualClock) -> None:
    assert dv.sandbox is not None
    dv.sandbox.protection.limits["dv"].requests = 1
    dv.get("WhoAmI")
    waits = []
    for _ in range(5):
        answer = dv.get("WhoAmI")
        assert answer.status_code == 429
        waits.append(int(answer.headers["retry-after"]))
        clock.now += 1
    assert waits == sorted(set(waits))
    clock.now += waits[-1] - 2
    assert dv.get("WhoAmI").status_code == 429
    clock.now += int(waits[-1]) + 10
    assert dv.get("WhoAmI").status_code == 200


def test_267_retry_after_as_a_date(dv: Wire) -> None:
    assert dv.sandbox is not None
    dv.sandbox.faults.add(Fault("throttled", side="dv", retry_after=30, retry_date=True))
    answer = dv.get("WhoAmI")
    assert error_of(answer) == (429, "0x80072322")
    wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(answer.headers["date"])
    assert 28 <= wait.total_seconds() <= 31


def test_268_a_gateway_answers_in_html(dv: Wire) -> None:
    assert dv.sandbox is not None
    before = accounts(dv)
    dv.sandbox.faults.add(Fault("gateway_timeout", side="dv"))
    answer = dv("POST", "accounts", {"name": "Never asked"})
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert accounts(dv) == before


def test_268_an_answer_lost_after_the_write_leaves_the_row(dv: Wire) -> None:
    assert dv.sandbox is not None
    before = accounts(dv)
    dv.sandbox.faults.add(Fault("lost_answer", side="dv", first=1))
    with pytest.raises(Exception, match="without sending a response"):
        dv("POST", "accounts", {"name": "Made and not told"})
    assert accounts(dv) == before + 1


@pytest.mark.read_only
def test_269_every_answer_tells_what_is_left_of_the_limits(dv: Wire) -> None:
    for path in ("WhoAmI", "accounts?$top=1", "accounts(0f8fad5b-d9cb-469f-a165-70867728950e)"):
        answer = dv.get(path)
        assert int(answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"]) > 0
        assert 0 < float(answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"]) <= 1200


def test_269_the_figures_are_counted_and_both_headers_may_be_missing(dv: Wire, clock: ManualClock) -> None:
    assert dv.sandbox is not None
    dv.sandbox.faults.add(Fault("slow", side="dv", seconds=1.5))
    left = "x-ms-ratelimit-burst-remaining-xrm-requests"
    first, second = dv.get("WhoAmI"), dv.get("WhoAmI")
    assert (first.headers[left], second.headers[left]) == ("5999", "5998")
    assert second.headers["x-ms-ratelimit-time-remaining-xrm-requests"] == "1197.00"
    clock.now += 300
    dv.sandbox.faults.clear()
    assert dv.get("WhoAmI").headers[left] == "5999"
    dv.sandbox.switches.dv_ratelimit_headers = False
    assert left not in dv.get("WhoAmI").headers


@pytest.mark.parametrize(
    ("style", "missing", "unknown"),
    [("hex", "0x80040217", "0x8006088a"), ("decimal", "-2147220969", "-2147088246"), ("zero", "0x0", "0x0"),
     ("empty", "", "")],
)  # fmt: skip
def test_270_error_codes_come_in_other_ways_by_a_switch(dv: Wire, style: str, missing: str, unknown: str) -> None:
    assert dv.sandbox is not None
    dv.sandbox.switches.dv_error_codes = style
    answer = dv.get("accounts(0f8fad5b-d9cb-469f-a165-70867728950e)")
    assert error_of(answer) == (404, missing)
    assert answer.json()["error"]["message"].endswith("Does Not Exist")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert error_of(dv.get("Accounts")) == (404, unknown)
    dv.sandbox.faults.add(Fault("refused", code="0x8ABCDEF0", text="Nobody knows this code"))
    assert dv.get("WhoAmI").json()["error"]["message"] == "Nobody knows this code"


def test_271_a_payload_too_large(dv: Wire) -> None:
    assert dv.sandbox is not None
    assert dv.sandbox.protection.limits["dv"].body_bytes == pytest.approx(116.85 * 1024 * 1024, rel=1e-4)
    dv.sandbox.protection.limits["dv"].body_bytes = 1000
    before = accounts(dv)
    answer = dv("POST", "accounts", {"name": "Big", "description": "x" * 1000})
    assert error_of(answer) == (413, "0x8004418A")
    assert dv("POST", "accounts", {"name": "Small"}).status_code == 204
    assert accounts(dv) == before + 1


def test_272_an_affinity_cookie_is_offered_and_pins_to_one_web_server(dv: Wire) -> None:
    assert dv.sandbox is not None
    dv.sandbox.switches.dv_web_servers = 2
    dv.sandbox.protection.limits["dv"].requests = 2
    cookies = dv.get("WhoAmI").headers.get_list("set-cookie")
    assert [c.partition("=")[0] for c in cookies] == ["ARRAffinity", "ARRAffinitySameSite"]
    assert [dv.get("WhoAmI").status_code for _ in range(3)] == [200, 200, 200]
    assert dv.sandbox.protection.report()["dv"]["affinity_cookies_sent_back"] == 0
    dv.sandbox.protection.clear()
    pinned = [dv.get("WhoAmI", Cookie="ARRAffinity=1").status_code for _ in range(3)]
    assert pinned == [200, 200, 429]
    assert dv.sandbox.protection.report()["dv"]["affinity_cookies_sent_back"] == 3
    dv.sandbox.switches.dv_affinity_cookie = False
    assert "set-cookie" not in dv.get("WhoAmI").headers
