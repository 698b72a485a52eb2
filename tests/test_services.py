"""Services: pages, patience, and errors as ours, against small services that misbehave on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from d365kit.errors import (
    PullIncomplete,
    Refused,
    ServiceError,
    SettingsError,
    SignInFailed,
    StaleRecord,
    Throttled,
    Unreachable,
)
from d365kit.services import BearerAuth, BusinessCentral, Column, Dataverse, run
from d365kit.services.answers import retry_after
from d365kit.services.arrow import BrokenPage, link_in, page_to_table
from d365kit.services.auth import GivenToken

ROOT = "http://127.0.0.1/api/data/v9.2"
COLUMNS = (Column("accountid"), Column("name"))
Answer = Callable[[httpx.Request], httpx.Response]


async def _no_wait(seconds: float) -> None:
    WAITED.append(seconds)


WAITED: list[float] = []


@pytest.fixture(autouse=True)
def _forget_waits() -> None:
    WAITED.clear()


def dataverse(answer: Answer) -> Dataverse:
    transport = httpx.MockTransport(answer)
    return Dataverse(ROOT, BearerAuth(GivenToken("s3cret")), transport=transport, sleep=_no_wait)


def page(rows: list[dict], link: str = "") -> httpx.Response:
    body: dict[str, object] = {"value": [{"@odata.etag": 'W/"1"', **r} for r in rows]}
    if link:
        body["@odata.nextLink"] = link
    return httpx.Response(200, json=body)


def rows(service: Dataverse) -> list[dict]:
    return run(service.rows("accounts", COLUMNS, key="accountid")).table.to_pylist()


def test_pages_are_followed_to_the_end_and_a_row_that_comes_twice_is_kept_once() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "skiptoken" in str(request.url):
            return page([{"accountid": "b", "name": "new"}, {"accountid": "c", "name": "C"}])
        return page(
            [{"accountid": "a", "name": "A"}, {"accountid": "b", "name": "old"}], f"{ROOT}/accounts?$skiptoken=2"
        )

    assert [(r["accountid"], r["name"]) for r in rows(dataverse(answer))] == [("a", "A"), ("b", "new"), ("c", "C")]


def test_an_empty_page_with_a_next_one_goes_on() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return (
            page([{"accountid": "a", "name": "A"}]) if "2" in request.url.query.decode() else page([], "accounts?p=2")
        )

    assert len(rows(dataverse(answer))) == 1


def test_a_page_that_names_itself_as_the_next_is_an_error() -> None:
    with pytest.raises(PullIncomplete, match="same page again"):
        rows(dataverse(lambda request: page([{"accountid": "a", "name": "A"}], f"{ROOT}/accounts?p=2")))


def test_a_next_link_to_another_address_is_refused_and_gets_no_token() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return page([{"accountid": "a", "name": "A"}], "http://evil.example/accounts?p=2")

    with pytest.raises(ServiceError, match="another address"):
        rows(dataverse(answer))
    assert set(asked) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "body", [b'{"value":[{"accountid":"a","na', b"", b"<html>busy</html>", b'{"error":{"code":""}}']
)
def test_a_broken_page_is_asked_for_again_and_never_taken_for_an_empty_table(body: bytes) -> None:
    answers = iter([httpx.Response(200, content=body), page([{"accountid": "a", "name": "A"}])])
    assert len(rows(dataverse(lambda request: next(answers)))) == 1
    with pytest.raises(PullIncomplete):
        rows(dataverse(lambda request: httpx.Response(200, content=body)))


def test_a_page_cut_right_behind_a_row_keeps_the_rows_behind_it() -> None:
    """What is left ends like a whole answer, but for the brackets, and its link is gone with the rest."""
    whole = page([{"accountid": "a", "name": "A"}, {"accountid": "b", "name": "B"}], "accounts?p=2").content
    cut = whole[: whole.index(b"}") + 1]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        if "p=2" in asked[-1]:
            return page([{"accountid": "c", "name": "C"}])
        return httpx.Response(200, content=cut if len(asked) == 1 else whole)

    assert [r["accountid"] for r in rows(dataverse(answer))] == ["a", "b", "c"]
    assert len(asked) == 3


def test_rows_of_another_type_are_an_error_not_a_missing_value() -> None:
    with pytest.raises(PullIncomplete, match="cannot be read"):
        rows(dataverse(lambda request: page([{"accountid": "a", "name": 7}])))


def test_throttling_is_waited_out_as_long_as_the_service_says() -> None:
    answers = iter([httpx.Response(429, headers={"Retry-After": "7"}), page([])])
    assert rows(dataverse(lambda request: next(answers))) == []
    assert [pytest.approx(7, abs=0.01)] == WAITED


def test_throttling_without_end_is_reported_as_such() -> None:
    with pytest.raises(Throttled) as caught:
        rows(dataverse(lambda request: httpx.Response(429)))
    assert caught.value.transient
    assert 900 < sum(WAITED) < 1200  # a quarter of an hour, then a word about it


def test_a_write_is_not_sent_twice_when_its_outcome_is_unknown() -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        raise httpx.ReadTimeout("slow", request=request)

    with pytest.raises(Unreachable, match="did not answer in time"):
        run(dataverse(answer).update("accounts", "accountid", "a", 'W/"1"', {"name": "B"}))
    assert sent == ["PATCH"]


def test_a_create_with_our_own_id_may_be_sent_again() -> None:
    calls = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        if len(calls) == 1:
            raise httpx.ReadError("cut", request=request)
        return httpx.Response(201, json={"accountid": "a", "@odata.etag": 'W/"2"'})

    written = run(dataverse(answer).create("accounts", "accountid", {"accountid": "a", "name": "A"}))
    assert (written.id, written.etag, calls) == ("a", 'W/"2"', ["POST", "POST"])


def test_a_refused_connection_is_told_at_once() -> None:
    service = Dataverse("http://127.0.0.1:9/api/data/v9.2", None, sleep=_no_wait)
    with pytest.raises(Unreachable, match="could not be reached at http://127.0.0.1:9"):
        rows(service)
    assert WAITED == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(412, "0x80060882", StaleRecord), (412, "-2147088254", StaleRecord), (412, "0x80040237", Refused),
     (401, "", SignInFailed), (400, "0x0", Refused)],
)  # fmt: skip
def test_error_answers_become_our_errors(status: int, code: str, kind: type[ServiceError]) -> None:
    body = {"error": {"code": code, "message": "no"}}
    service = dataverse(lambda request: httpx.Response(status, json=body, headers={"x-ms-service-request-id": "r1"}))
    with pytest.raises(kind) as caught:
        run(service.update("accounts", "accountid", "a", 'W/"1"', {"name": "B"}))
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.request_id, error.side) == (status, "r1", "dv")
    assert error.what
    assert error.todo


def test_business_central_says_stale_with_409() -> None:
    body = {"error": {"code": "Request_EntityChanged", "message": "Another user has already changed the record."}}
    transport = httpx.MockTransport(lambda request: httpx.Response(409, json=body))
    service = BusinessCentral("http://127.0.0.1/v2.0", "c", None, transport=transport, sleep=_no_wait)
    with pytest.raises(StaleRecord):
        run(service.update("customers", "id", "a", "tag", {"displayName": "B"}))


def test_every_update_names_the_version_it_was_planned_against() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("if-match"))
        return httpx.Response(200, json={"accountid": "a", "@odata.etag": 'W/"2"'})

    run(dataverse(answer).update("accounts", "accountid", "a", 'W/"1"', {"name": "B"}))
    assert seen == ['W/"1"']


def test_plain_http_is_for_this_machine_alone() -> None:
    with pytest.raises(SettingsError, match="not encrypted"):
        Dataverse("http://example.com/api/data/v9.2", None)
    with pytest.raises(SettingsError, match="not an address"):
        Dataverse("example.com", None)


def test_cookies_are_not_kept() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, json={"value": []}, headers={"Set-Cookie": "ARRAffinity=x"})

    service = dataverse(answer)
    rows(service)
    rows(service)
    assert seen == [None, None]


def test_a_token_shows_in_no_repr_and_no_error() -> None:
    service = dataverse(lambda request: httpx.Response(401))
    with pytest.raises(SignInFailed) as caught:
        rows(service)
    shown = repr(caught.value) + str(caught.value) + repr(service._auth) + repr(vars(caught.value))
    assert "s3cret" not in shown


def test_decimals_keep_every_digit_and_times_become_utc() -> None:
    body = json.dumps({"value": [{"a": 0, "t": "2026-05-01T10:00:00.1234567Z", "d": "0001-01-01"}]})
    body = body.replace('"a": 0', '"a": 1234567890.12345')
    table = page_to_table(body.encode(), [Column("a", "amount"), Column("t", "datetime"), Column("d", "date")])
    row = table.to_pylist()[0]
    assert row["a"] == Decimal("1234567890.12345")
    assert row["t"] == datetime(2026, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert row["d"] is None


def test_a_next_link_inside_a_text_is_only_a_text() -> None:
    text = '"@odata.nextLink":"http://evil.example/"'
    body = json.dumps({"value": [{"name": text}]}).encode()
    assert link_in(body, "nextLink") == ""
    assert (
        link_in(json.dumps({"value": [], "@odata.nextLink": "x?a=1&b=\u00e9"}).encode(), "nextLink")
        == "x?a=1&b=\u00e9"
    )


def test_a_body_without_rows_is_no_page() -> None:
    with pytest.raises(BrokenPage):
        page_to_table(b'{"error":{"code":"0x0","message":"no"}}', COLUMNS)


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("3") == 3
    assert retry_after("Wed, 21 Oct 2026 07:28:10 GMT", "Wed, 21 Oct 2026 07:28:00 GMT") == 10
    assert retry_after("soon") == 0
    assert retry_after("") == 0


class Renewing:
    """A token source whose first token has run out."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def token(self, *, fresh: bool = False) -> str:
        self.asked.append(fresh)
        return "new" if fresh else "old"


def test_a_token_that_ran_out_is_renewed_once_and_the_request_repeated() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return page([]) if request.headers["authorization"] == "Bearer new" else httpx.Response(401)

    source = Renewing()
    service = Dataverse(ROOT, BearerAuth(source), transport=httpx.MockTransport(answer), sleep=_no_wait)
    assert rows(service) == []
    assert source.asked == [False, True]
    refusing = Dataverse(
        ROOT,
        BearerAuth(Renewing()),
        transport=httpx.MockTransport(lambda request: httpx.Response(401)),
        sleep=_no_wait,
    )
    with pytest.raises(SignInFailed):
        rows(refusing)
