"""Conformance E: Business Central's limits and the faults in front of it (lines 103 to 109), the sandbox's side."""

from __future__ import annotations

import json
from collections import Counter
from email.utils import parsedate_to_datetime

import httpx
import pytest

from d365kit.sandbox.clock import ManualClock
from d365kit.sandbox.faults import Fault
from tests.conformance.conftest import Wire, error_of
from tests.conformance.helpers_edge import at_once, fill_window, served


def names(wire: Wire) -> list[str]:
    """The names of all customers, read without a fault."""
    assert wire.sandbox is not None
    return [name for (name,) in wire.sandbox.store.query("SELECT displayName FROM bc_customers")]


def test_004_a_token_that_ran_out_is_refused_until_a_new_one_is_taken(bc: Wire) -> None:
    assert bc.sandbox is not None
    identity = bc.sandbox.identity
    bc.token = identity.issue(identity.default, "https://api.businesscentral.dynamics.com", lifetime=60)
    clock = ManualClock(identity.clock())
    bc.sandbox.use_clock(clock)
    assert bc.get("companies").status_code == 200
    clock.now += 61
    assert error_of(bc.get("companies")) == (401, "Authentication_InvalidCredentials")
    bc.token = identity.issue(identity.default, "https://api.businesscentral.dynamics.com")
    assert bc.get("companies").status_code == 200


def test_004_a_token_for_dataverse_is_foreign_to_business_central(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.token = bc.sandbox.identity.issue(bc.sandbox.identity.default, "http://127.0.0.1")
    assert error_of(bc.get("companies")) == (401, "Authentication_InvalidCredentials")


def test_103_the_6001st_request_in_five_minutes(bc: Wire) -> None:
    assert bc.sandbox is not None
    clock = ManualClock()
    bc.sandbox.use_clock(clock)
    fill_window(bc, 5999)
    assert bc.get("companies").status_code == 200
    refused = bc.get("companies")
    assert error_of(refused) == (429, "Application_TooManyRequests")
    text = refused.json()["error"]["message"]
    assert text.startswith("Too many requests reached. Actual (6001). Maximum (6000).  CorrelationId:  ")
    assert "retry-after" not in refused.headers
    assert refused.headers["content-type"] == "application/json; odata.metadata=minimal; odata.streaming=true"
    clock.now += 299.9
    assert bc.get("companies").status_code == 429
    clock.now += 0.2
    assert bc.get("companies").status_code == 200
    report = bc.sandbox.protection.report()["bc"]
    assert (report["requests"], report["peak_in_window"], report["refused"]["requests"]) == (6001, 6000, 2)


def test_103_retry_after_is_a_switch(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.sandbox.switches.bc_retry_after = True
    bc.sandbox.protection.limits["bc"].requests = 1
    bc.get("companies")
    assert 1 <= int(bc.get("companies").headers["retry-after"]) <= 300


def test_103_a_refused_write_was_not_done_and_another_user_is_not_held_up(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.sandbox.protection.limits["bc"].requests = 0
    before = names(bc)
    assert bc("POST", bc.in_company("customers"), {"displayName": "Late"}).status_code == 429
    assert names(bc) == before
    bc.sandbox.protection.limits["bc"].requests = 1
    assert bc.get("companies").status_code == 200
    other = bc.sandbox.identity.register(type(bc.sandbox.identity.default)("other", "secret"))
    bc.token = bc.sandbox.identity.issue(other, "https://api.businesscentral.dynamics.com")
    assert bc.get("companies").status_code == 200
    bc.sandbox.protection.limits["bc"].requests = 0
    bc.sandbox.switches.service_protection = False
    assert bc.get("companies").status_code == 200


def test_104_five_run_95_wait_and_the_101st_is_refused(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.sandbox.use_clock(ManualClock())
    bc.sandbox.faults.add(Fault("slow", side="bc", seconds=1))

    async def minutes(clock: ManualClock) -> None:
        for _ in range(20):
            await clock.advance(1)

    answers = at_once(bc, "companies", 101, minutes)
    assert [a.status_code for a in answers] == [200] * 100 + [429]
    assert error_of(answers[-1]) == (429, "Application_TooManyRequests")
    assert "Actual (101). Maximum (100)." in answers[-1].json()["error"]["message"]
    report = bc.sandbox.protection.report()["bc"]
    assert (report["peak_at_once"], report["peak_queued"], report["refused"]["concurrency"]) == (5, 95, 1)
    assert report["execution_seconds"] == pytest.approx(100)


def test_105_queued_longer_than_eight_minutes(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.sandbox.use_clock(ManualClock())
    bc.sandbox.faults.add(Fault("slow", side="bc", seconds=470))

    async def minutes(clock: ManualClock) -> None:
        await clock.advance(480)
        await clock.advance(1000)

    before = len(names(bc))
    answers = at_once(bc, "companies", 12, minutes)
    assert Counter(a.status_code for a in answers) == {200: 5, 503: 2, 504: 5}
    late = [a for a in answers if a.status_code == 503]
    assert {error_of(a) for a in late} == {(503, "Internal_TenantUnavailable")}
    assert int(late[0].headers["retry-after"]) > 0
    assert bc.sandbox.protection.report()["bc"]["refused"]["queue_time"] == 2
    account = bc.sandbox.protection.account("bc", "sandbox")
    assert (account.running, len(names(bc))) == (0, before)


def test_106_an_operation_of_more_than_eight_minutes_is_cancelled(bc: Wire) -> None:
    assert bc.sandbox is not None
    clock = ManualClock(automatic=True)
    bc.sandbox.use_clock(clock)
    bc.sandbox.faults.add(Fault("slow", side="bc", seconds=481))
    before, start = names(bc), clock.now
    answer = bc("POST", bc.in_company("customers"), {"displayName": "Slow"})
    assert error_of(answer) == (408, "Unknown")
    assert clock.now - start == 480
    assert names(bc) == before


def test_106_after_ten_minutes_the_gateway_answers_in_html_and_the_work_is_done_all_the_same(bc: Wire) -> None:
    assert bc.sandbox is not None
    clock = ManualClock(automatic=True)
    bc.sandbox.use_clock(clock)
    bc.sandbox.protection.limits["bc"].operation_seconds = 1800
    bc.sandbox.faults.add(Fault("slow", side="bc", seconds=700))
    start = clock.now
    answer = bc("POST", bc.in_company("customers"), {"displayName": "Posted in the end"})
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert clock.now - start == 600
    assert "Posted in the end" in names(bc)


def test_107_unavailable_with_retry_after_in_seconds_or_as_a_date(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.sandbox.faults.add(Fault("unavailable", side="bc", first=1, retry_after=7))
    answer = bc.get("companies")
    assert error_of(answer) == (503, "Internal_TenantUnavailable")
    assert answer.headers["retry-after"] == "7"
    assert bc.get("companies").status_code == 200
    bc.sandbox.faults.add(Fault("unavailable", side="bc", retry_after=60, retry_date=True))
    answer = bc.get("companies")
    wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(answer.headers["date"])
    assert 58 <= wait.total_seconds() <= 61


@pytest.mark.parametrize("way", ["in process", "served"])
def test_108_a_connection_closed_in_the_body(bc: Wire, way: str) -> None:
    assert bc.sandbox is not None
    bc.sandbox.faults.add(Fault("cut_body", side="bc", first=2))
    body = {"displayName": "Made before the cut"}
    if way == "in process":
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            bc.get(bc.in_company("customers"))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            bc("POST", bc.in_company("customers"), body)
        assert bc.get("companies").status_code == 200
    else:
        with served(bc.sandbox) as ready:
            headers = {"Authorization": f"Bearer {ready['token']}"}
            with httpx.Client(headers=headers, trust_env=False) as client:
                url = f"{ready['bc']}/{bc.in_company('customers')}"
                with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                    client.get(url)
                with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                    client.post(url, json=body)
                assert client.get(url).status_code == 200
    assert names(bc).count("Made before the cut") == 1


def test_109_truncated_json_under_status_200(bc: Wire) -> None:
    assert bc.sandbox is not None
    whole = bc.get(bc.in_company("customers?$top=3"))
    bc.sandbox.faults.add(Fault("truncated", side="bc", first=1))
    broken = bc.get(bc.in_company("customers?$top=3"))
    assert broken.status_code == 200
    assert int(broken.headers["content-length"]) == len(broken.content) < len(whole.content)
    assert whole.content.startswith(broken.content)
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    assert bc.get(bc.in_company("customers?$top=3")).content == whole.content
