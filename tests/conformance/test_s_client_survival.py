"""Conformance S: what the clients survive on either service (288 to 307), and 74."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import random
import time
import traceback
import uuid
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from d365kit.errors import (
    PullIncomplete,
    Refused,
    ServiceError,
    SettingsError,
    SignInFailed,
    StaleRecord,
    Unreachable,
)
from d365kit.services import BearerAuth, BusinessCentral, ClientCredentials, Column, Dataverse, run
from d365kit.services.arrow import page_to_table
from d365kit.services.auth import GivenToken
from tests.conftest import Desk

ROOTS = {"bc": "http://127.0.0.1/v2.0/t/e/api/v2.0", "dv": "http://127.0.0.1/api/data/v9.2"}
SETS = {"bc": ("customers", "id"), "dv": ("accounts", "accountid")}
TOKENS = "http://127.0.0.1/x/oauth2/v2.0/token"
SECRET = "planted-s3cret-value"
Answer = Callable[[httpx.Request], httpx.Response]

sides = pytest.mark.parametrize("side", ["bc", "dv"])


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def client(side: str, answer: Answer, **more: object) -> BusinessCentral | Dataverse:
    """A client of one side whose service is ``answer``; it never really waits."""
    more = {"transport": httpx.MockTransport(answer), "sleep": no_wait, **more}
    auth = BearerAuth(GivenToken(SECRET))
    if side == "bc":
        return BusinessCentral(ROOTS["bc"], "c", auth, **more)
    return Dataverse(ROOTS["dv"], auth, **more)


def page(rows: list[dict], link: str = "") -> httpx.Response:
    body: dict[str, object] = {"value": [{"@odata.etag": 'W/"1"', **row} for row in rows]}
    return httpx.Response(200, json=body | ({"@odata.nextLink": link} if link else {}))


def read(service: BusinessCentral | Dataverse, *columns: Column) -> list[dict]:
    name, key = SETS[service.side]
    return run(service.rows(name, [Column(key), *columns], key=key, split=False)).table.to_pylist()


def row(side: str, key: str, **values: object) -> dict:
    return {SETS[side][1]: key, **values}


def ids(side: str, rows: list[dict]) -> list[str]:
    return [r[SETS[side][1]] for r in rows]


@pytest.mark.parametrize("status", [409, 412])
def test_074_business_centrals_conflict_may_be_409_or_412(status: int) -> None:
    body = {"error": {"code": "Request_EntityChanged", "message": "Another user has already changed the record."}}
    service = client("bc", lambda request: httpx.Response(status, json=body))
    with pytest.raises(StaleRecord):
        run(service.update("customers", "id", "a", 'W/"1"', {"displayName": "B"}))


@sides
def test_288_a_link_to_another_origin_gets_no_token(side: str) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return page([row(side, "a")], "http://evil.example/next")

    with pytest.raises(ServiceError, match="another address"):
        read(client(side, answer))
    assert {url.host for url in asked} == {"127.0.0.1"}


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:81", "https://127.0.0.1"])
def test_288_nor_does_a_delta_link(origin: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return page([])

    service = client("dv", answer)
    with pytest.raises(ServiceError, match="another address"):
        run(
            service.changes(
                "accounts", [Column("accountid")], key="accountid", mark=f"{origin}/accounts?$deltatoken=1"
            )
        )
    assert asked == []


@sides
def test_289_a_relative_link_is_resolved_against_the_request(side: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if len(asked) == 1:
            return page([row(side, "a")], f"{SETS[side][0]}?$skiptoken=2")
        return page([row(side, "b")])

    assert ids(side, read(client(side, answer))) == ["a", "b"]
    assert asked[1] == asked[0].partition("?")[0] + "?$skiptoken=2"


@sides
def test_290_a_link_that_leads_back_ends_in_an_error(side: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return page([row(side, "a")], str(request.url) if len(asked) == 1 else asked[0])

    with pytest.raises(PullIncomplete, match="same page again"):
        read(client(side, answer))
    assert len(asked) == 1


@sides
def test_291_an_empty_page_with_a_link_goes_on(side: str) -> None:
    pages = iter([page([], "?p=2"), page([], "?p=3"), page([row(side, "a")])])
    assert ids(side, read(client(side, lambda request: next(pages)))) == ["a"]


@sides
def test_292_a_key_on_two_pages_is_one_row_the_latest(side: str) -> None:
    pages = iter(
        [page([row(side, "a", name="old"), row(side, "b", name="B")], "?p=2"), page([row(side, "{A}", name="new")])]
    )
    rows = read(client(side, lambda request: next(pages)), Column("name"))
    assert sorted(r["name"] for r in rows) == ["B", "new"]


@sides
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_293_a_redirect_to_another_host_is_not_followed(side: str, status: int) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(status, headers={"Location": "http://evil.example/x"})

    with pytest.raises(ServiceError, match=f"answered {status}") as caught:
        read(client(side, answer))
    assert set(asked) == {"127.0.0.1"}
    assert "address" in caught.value.todo


def _plain(side: str) -> bytes:
    return json.dumps({"value": [row(side, "a", name="Zoë")]}, ensure_ascii=False).encode()


@sides
@pytest.mark.parametrize(
    ("kind", "prefix"),
    [("application/json; charset=utf-8", b""), ("application/json", b"\xef\xbb\xbf"), ("text/plain", b"")],
)
def test_294_charset_and_byte_order_mark(side: str, kind: str, prefix: bytes) -> None:
    body = prefix + _plain(side)
    service = client(side, lambda request: httpx.Response(200, content=body, headers={"Content-Type": kind}))
    assert read(service, Column("name"))[0]["name"] == "Zoë"
    assert run(service.ask("x"))["value"][0]["name"] == "Zoë"


@sides
@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_295_compressed_answers(side: str, coding: str, pack: Callable[[bytes], bytes]) -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["accept-encoding"])
        return httpx.Response(200, content=pack(_plain(side)), headers={"Content-Encoding": coding})

    assert read(client(side, answer), Column("name"))[0]["name"] == "Zoë"
    assert coding in sent[0]


@sides
def test_296_a_chunked_answer_without_a_length(side: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        body = _plain(side)
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    service = client(side, lambda request: httpx.Response(200, content=chunks()))
    assert read(service, Column("name"))[0]["name"] == "Zoë"


@sides
def test_297_repeated_and_oddly_cased_headers(side: str) -> None:
    answers = iter(
        [
            httpx.Response(429, headers=[("RETRY-after", "1"), ("x-MS-service-REQUEST-id", "r1")]),
            httpx.Response(200, content=_plain(side), headers=[("ODATA-version", "4.0"), ("odata-VERSION", "4.0")]),
        ]
    )
    service = client(side, lambda request: next(answers))
    assert len(read(service)) == 1
    assert service.traffic.throttled == 1


def test_298_times_with_and_without_fraction_and_with_offset_are_one_moment() -> None:
    spellings = [
        "2024-05-01T10:00:00Z",
        "2024-05-01T10:00:00.0000000Z",
        "2024-05-01T12:00:00+02:00",
        "2024-05-01T10:00:00.000",
    ]
    for texts in (spellings[:3], spellings):
        body = json.dumps({"value": [{"t": text} for text in texts]}).encode()
        found = page_to_table(body, [Column("t", "datetime")]).column("t").to_pylist()
        assert found == [datetime(2024, 5, 1, 10, tzinfo=UTC)] * len(texts)


@sides
def test_299_ids_in_any_case_and_braces_are_equal(side: str) -> None:
    one = str(uuid.uuid4())
    pages = iter([page([row(side, one)], "?p=2"), page([row(side, "{" + one.upper() + "}")])])
    assert len(read(client(side, lambda request: next(pages)))) == 1


def test_300_numbers_as_text() -> None:
    body = b'{"value":[{"n":"1234567890.12345","i":"7","b":true},{"n":1e3,"i":8,"b":null}]}'
    table = page_to_table(body, [Column("n", "amount"), Column("i", "integer"), Column("b", "boolean")])
    assert table.to_pylist() == [
        {"n": Decimal("1234567890.12345"), "i": 7, "b": True},
        {"n": Decimal(1000), "i": 8, "b": None},
    ]


@sides
def test_301_a_storm_of_429_for_two_minutes_loses_and_doubles_nothing(side: str) -> None:
    """The service refuses everything for 120 seconds of a clock that only waiting moves."""
    now = 0.0
    written: list[str] = []

    async def wait(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    def answer(request: httpx.Request) -> httpx.Response:
        if now < 120:
            return httpx.Response(429, headers={"Retry-After": "3"} if random.random() < 0.5 else {})
        body = json.loads(request.content)
        written.append(body["name"])
        return httpx.Response(201, json={SETS[side][1]: str(uuid.uuid4()), "@odata.etag": "1"})

    service = client(side, answer, sleep=wait)
    name, key = SETS[side]

    async def all_at_once() -> None:
        await asyncio.gather(*(service.create(name, key, {"name": str(n)}) for n in range(40)))

    run(all_at_once())
    assert sorted(written, key=int) == [str(n) for n in range(40)]
    assert 120 <= now < 1000


class Killed(BaseException):
    """The end of the process, as far as the code that runs in it can tell."""


def test_302_a_process_killed_between_send_and_answer_looks_before_it_sends_again(desks: Callable[..., Desk]) -> None:
    """The write is done, its answer lost, the process gone: the journal says unknown, and nothing is made twice."""
    desk = desks(customers=20)
    ws = desk.workspace
    ws.pull()
    desk.couple_by_truth()
    ws.check()
    plan = ws.plan()
    made = [c for c in plan if c.action == "create" and c.side == "dv" and not c.blocked_by]
    assert made
    real = desk.dv._client().request
    killed: list[str] = []

    async def killing(method: str, url: str, **rest: object) -> httpx.Response:
        answer = await real(method, url, **rest)
        if method == "POST" and not killed:
            killed.append(url)
            raise Killed
        return answer

    desk.dv._client().request = killing  # type: ignore[method-assign]
    held = {name: desk.sandbox.rows("dv", name) for name in ("accounts", "contacts", "products")}
    with pytest.raises(Killed):
        ws.apply(plan)
    desk.dv._client().request = real  # type: ignore[method-assign]
    finished = ws.apply(plan)
    states = {o.change: o.state for o in finished.outcomes}
    assert {states[c.id] for c in made} == {"done"}
    for kind, name in (("customer", "accounts"), ("contact", "contacts"), ("item", "products")):
        assert desk.sandbox.rows("dv", name) == held[name] + sum(c.kind == kind for c in made)


@sides
def test_303_a_jump_of_the_clock_moves_neither_token_nor_wait(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path.endswith("token"):
            return httpx.Response(200, json={"access_token": f"t{len(asked)}", "expires_in": 3599})
        return httpx.Response(429, headers={"Retry-After": "5"}) if len(asked) == 2 else page([])

    transport = httpx.MockTransport(answer)
    source = ClientCredentials(TOKENS, "me", SECRET, "x/.default", transport=transport)
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        monkeypatch.setattr(time, "time", lambda: 4e9)  # the machine's time leaps by decades while we wait

    service = client(side, answer, sleep=wait)
    service._auth = BearerAuth(source)
    read(service)
    read(service)
    assert sum(path.endswith("token") for path in asked) == 1
    assert waits == pytest.approx([5], abs=0.1)


@sides
def test_304_a_post_whose_answer_is_late_is_not_sent_blindly_again(side: str) -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        raise httpx.ReadTimeout("slow", request=request)

    service = client(side, answer)
    name, key = SETS[side]
    with pytest.raises(Unreachable, match="did not answer in time"):
        run(service.create(name, key, {"name": "no id of ours"}))
    assert sent == ["POST"]


@sides
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_304_nor_after_a_gateways_fault(side: str, status: int) -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return httpx.Response(status, html="<html>gateway</html>", headers={"Retry-After": "1"})

    service = client(side, answer)
    name, key = SETS[side]
    with pytest.raises(ServiceError) as caught:
        run(service.create(name, key, {"name": "no id of ours"}))
    assert sent == ["POST"]
    assert caught.value.transient


@sides
def test_305_an_interrupt_during_a_wait_stops_at_once(side: str) -> None:
    """Cancelling is what Ctrl-C and a stopped cell do; the wait would be five minutes."""
    waiting = asyncio.Event()

    async def endless(seconds: float) -> None:
        waiting.set()
        await asyncio.sleep(300)

    async def interrupted() -> float:
        service = client(side, lambda request: httpx.Response(429, headers={"Retry-After": "300"}), sleep=endless)
        name, key = SETS[side]
        task = asyncio.ensure_future(service.rows(name, [Column(key)], key=key))
        await waiting.wait()
        began = time.monotonic()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert service.limiter.running == 0
        left = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        assert left == []
        http = service._client()
        await service.close()
        assert http.is_closed
        return time.monotonic() - began

    assert asyncio.run(interrupted()) < 5


@sides
def test_306_no_log_error_or_repr_shows_a_secret(side: str, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    cookie = "planted-c00kie"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("token"):
            body = {"error": "invalid_client", "error_description": "AADSTS7000215", "error_codes": [7000215]}
            return httpx.Response(401, json=body)
        return httpx.Response(401, headers={"Set-Cookie": f"ARRAffinity={cookie}"}, html="<html>no</html>")

    transport = httpx.MockTransport(answer)
    source = ClientCredentials(TOKENS, "me", SECRET, "x/.default", transport=transport)
    for auth in (BearerAuth(GivenToken(SECRET)), BearerAuth(source)):
        service = client(side, answer)
        service._auth = auth
        try:
            read(service)
        except SignInFailed as error:
            shown += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
        shown += [repr(auth), repr(service), repr(source), repr(service.traffic)]
    text = "\n".join([*shown, caplog.text, *(record.getMessage() for record in caplog.records)])
    assert len(shown) == 16
    assert SECRET not in text
    assert cookie not in text


@sides
def test_307_plain_http_is_for_this_machine_alone(side: str) -> None:
    for root in ("http://example.com/api", "http://10.0.0.1/api", "http://127.0.0.1.example.com/api"):
        with pytest.raises(SettingsError, match="not encrypted"):
            BusinessCentral(root, "c", None) if side == "bc" else Dataverse(root, None)
    with pytest.raises(SettingsError, match="not encrypted"):
        ClientCredentials("http://example.com/token", "me", SECRET, "x/.default")
    assert Dataverse("http://[::1]/api", None).root == "http://[::1]/api/"


def test_refusals_are_told_with_the_services_own_words_and_ids() -> None:
    body = {"error": {"code": "-2147220969", "message": "account With Id = x Does Not Exist"}}
    service = client(
        "dv", lambda request: httpx.Response(400, json=body, headers={"x-ms-service-request-id": "r-17"})
    )
    with pytest.raises(Refused, match=r"Does Not Exist \(0x80040217, request r-17\)"):
        run(service.get("accounts", "x"))
