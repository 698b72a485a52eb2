"""Conformance A to F, the clients' half: how our client copes with Business Central's habits."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal

import httpx
import pytest

from d365kit.errors import (
    Forbidden,
    NotThere,
    PullIncomplete,
    Refused,
    ServiceError,
    SettingsError,
    SignInFailed,
    StaleRecord,
    Throttled,
    Unreachable,
)
from d365kit.sandbox.faults import Fault
from d365kit.sandbox.identity import BC_AUDIENCE, Application
from d365kit.services import BearerAuth, BusinessCentral, ClientCredentials, Column, Part, Written, run
from d365kit.services.arrow import page_to_table
from d365kit.services.metadata import tables_of
from tests.conformance.conftest import Clients, clients_of, no_wait

CUSTOMER = [Column("id"), Column("number"), Column("displayName")]
UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"


def rows(clients: Clients, *more: Column, split: bool = True) -> list[dict]:
    return run(clients.bc.rows("customers", [*CUSTOMER, *more], split=split)).table.to_pylist()


def made(clients: Clients, name: str = "A", **more: object) -> Written:
    """A new customer."""
    return run(clients.bc.create("customers", "id", {"id": str(uuid.uuid4()), "displayName": name, **more}))


def signed_in(clients: Clients, application: Application) -> BusinessCentral:
    """A client that signs in as an application."""
    clients.sandbox.identity.register(application)
    address = "http://127.0.0.1/sandbox-tenant/oauth2/v2.0/token"
    scope = f"{BC_AUDIENCE}/.default"
    tokens = ClientCredentials(address, application.client_id, application.secret, scope, transport=clients.wire)
    bc = clients.bc
    return BusinessCentral(bc.root, bc.company, BearerAuth(tokens), transport=clients.wire, sleep=no_wait)


def test_002_metadata_becomes_columns(clients: Clients) -> None:
    table = run(clients.bc.describe("customers"))
    assert table.key == "id"
    kinds = {name: table.properties[name].type for name in ("id", "displayName", "creditLimit", "blocked")}
    assert kinds == {"id": "text", "displayName": "text", "creditLimit": "amount", "blocked": "choice"}
    assert table.properties["displayName"].length == 100
    received = run(clients.bc.rows("customers", table.columns()))
    assert received.table.num_rows == clients.sandbox.rows("bc", "customers")
    run(clients.bc.describe("items"))
    assert sum("$metadata" in path for path in clients.paths()) == 1
    with pytest.raises(SettingsError, match="no set customer at"):
        run(clients.bc.describe("customer"))


@pytest.mark.parametrize("body", ["json", "empty", "html"])
def test_003_a_refused_token_is_told_as_401_whatever_its_body(clients: Clients, body: str) -> None:
    clients.sandbox.switches.bc_refused_body = body
    wrong = clients_of(clients.sandbox, token="wrong")
    with pytest.raises(SignInFailed, match="answered 401"):
        rows(wrong)


def test_004_an_expired_token_is_renewed_once_and_the_request_repeated(clients: Clients) -> None:
    bc = signed_in(clients, Application("app", "secret"))
    run(bc.find("customers", "number eq 'X'", ["id"]))
    clients.sandbox.identity.expire()
    clients.wire.answers.clear()
    run(bc.find("customers", "number eq 'X'", ["id"]))
    assert [a.status_code for a in clients.wire.answers] == [401, 200, 200]


@pytest.mark.parametrize("status", [401, 403])
def test_005_no_permission_is_not_asked_for_twice(clients: Clients, status: int) -> None:
    clients.sandbox.switches.bc_unpermitted_status = status
    bc = signed_in(clients, Application("app", "secret", bc="unpermitted"))
    with pytest.raises(SignInFailed if status == 401 else Forbidden):
        run(bc.find("customers", "number eq 'X'", ["id"]))
    asked = [r for r in clients.wire.requests if "customers" in str(r.url)]
    assert len(asked) <= 2  # a second one only with a new token


def test_006_the_check_names_the_company_and_explains_a_wrong_one(clients: Clients) -> None:
    name = clients.bc.check()
    assert name.startswith(clients.sandbox.company_name.split()[0])
    clients.bc.company = UNKNOWN
    with pytest.raises(SettingsError, match="has no company") as caught:
        clients.bc.check()
    assert name in caught.value.todo


def test_011_an_unknown_company_is_not_there(clients: Clients) -> None:
    clients.bc.company = UNKNOWN
    with pytest.raises(NotThere):
        rows(clients)


def test_012_an_unknown_set_is_not_there(clients: Clients) -> None:
    with pytest.raises(NotThere):
        run(clients.bc.rows("customer", CUSTOMER, split=False))


def test_013_an_unknown_row_is_not_there(clients: Clients) -> None:
    with pytest.raises(NotThere, match="404"):
        run(clients.bc.get("customers", UNKNOWN))


@pytest.mark.parametrize("split", [True, False])
def test_019_020_022_pages_are_followed_to_the_end(clients: Clients, split: bool) -> None:
    small = clients_of(clients.sandbox, size=3)
    found = rows(small, split=split)
    assert len(found) == clients.sandbox.rows("bc", "customers") == 20
    assert {r["number"] for r in found} == {r["number"] for r in rows(clients)}


@pytest.mark.parametrize("split", [True, False])
def test_023_links_through_a_gateway_are_followed_as_given(clients: Clients, split: bool) -> None:
    clients.sandbox.switches.bc_gateway_links = True
    assert len(rows(clients_of(clients.sandbox, size=3), split=split)) == 20


def test_030_an_unknown_property_is_found_in_the_metadata_before_the_pull(clients: Clients) -> None:
    table = run(clients.bc.describe("customers"))
    with pytest.raises(SettingsError, match="no property displayname on customers") as caught:
        table.require(["id", "displayname"], "Business Central")
    assert "displayName" in caught.value.todo
    with pytest.raises(Refused, match="400"):
        run(clients.bc.rows("customers", [Column("id"), Column("nosuch")], split=False))


def test_033_034_035_filters_business_central_does_not_do_are_refused_in_words(clients: Clients) -> None:
    for condition in (
        "number eq '10000' or displayName eq 'X'",
        "number in ('10000','20000')",
        "contains(tolower(displayName),'x')",
    ):
        with pytest.raises(Refused, match="501"):
            run(clients.bc.find("customers", condition, ["id"]))


def test_034_041_a_long_list_of_keys_is_cut_into_addresses_that_fit(clients: Clients) -> None:
    wanted = [r["number"] for r in rows(clients)]
    listed = [*wanted, *(f"NONE{n:05}" for n in range(600))]
    found = run(clients.bc.find_many("customers", "number", listed, ["id", "number"]))
    assert sorted(r["number"] for r in found) == sorted(wanted)
    sent = [r for r in clients.wire.requests if "NONE" in str(r.url)]
    assert len(sent) > 2
    assert max(len(str(r.url)) for r in sent) < 8_000


def test_037_lambdas_are_never_sent(clients: Clients) -> None:
    rows(clients)
    run(clients.bc.find_many("customers", "number", ["A"], ["id"]))
    assert not any("/any(" in path or "/all(" in path for path in clients.paths())


def test_040_a_literal_longer_than_the_field_is_refused_in_words(clients: Clients) -> None:
    with pytest.raises(Refused, match="Application_FilterErrorException"):
        run(clients.bc.find("customers", f"number eq '{'9' * 40}'", ["id"]))


def test_048_049_050_blanks_enums_and_the_local_currency_arrive_as_they_are(clients: Clients) -> None:
    columns = [Column("currencyId"), Column("currencyCode"), Column("blocked", "choice"), Column("email")]
    found = rows(clients, *columns)
    assert all(r["currencyId"] is not None for r in found)
    local = [r for r in found if r["currencyId"] == "00000000-0000-0000-0000-000000000000"]
    assert {r["currencyCode"] for r in local} == {"EUR"}
    assert {r["blocked"] for r in found} == {"_x0020_"}


def test_049_an_unknown_member_of_an_enumeration_is_kept() -> None:
    body = b'{"value":[{"@odata.etag":"x","id":"a","type":"Loaned_x0020_Out"}]}'
    table = page_to_table(body, [Column("id"), Column("type", "choice")])
    assert table.to_pylist() == [{"id": "a", "type": "Loaned_x0020_Out"}]


def test_051_every_digit_of_a_decimal_survives_both_ways(clients: Clients) -> None:
    customer = made(clients, creditLimit=Decimal("1234567890.12345"))
    assert customer.row["creditLimit"] == Decimal("1234567890.12345")
    found = {r["id"]: r["creditLimit"] for r in rows(clients, Column("creditLimit", "amount"))}
    assert found[customer.id] == Decimal("1234567890.12345")


def test_052_reading_from_a_replica_is_asked_for_on_reads_alone(clients: Clients) -> None:
    bc = BusinessCentral(
        clients.bc.root, clients.bc.company, clients.bc._auth, from_replica=True, transport=clients.wire
    )
    run(bc.rows("customers", CUSTOMER, split=False))
    run(bc.create("customers", "id", {"id": str(uuid.uuid4()), "displayName": "A"}))
    asked = {r.method: r.headers.get("data-access-intent") for r in clients.wire.requests}
    assert asked == {"GET": "ReadOnly", "POST": None}


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_054_rows_that_come_and_go_between_pages(clients: Clients, split: bool, change: str) -> None:
    small = clients_of(clients.sandbox, size=3)
    before = {r["id"] for r in rows(clients)}
    clients.sandbox.faults.add(Fault("rows_change", side="bc", method="GET", path="customers", change=change))
    found = [r["id"] for r in rows(small, split=split)]
    clients.sandbox.faults.clear()
    after = {r["id"] for r in rows(clients)}
    assert len(found) == len(set(found))
    assert before & after <= set(found) <= before | after


def test_057_059_a_create_keeps_our_id_and_tells_what_was_assigned(clients: Clients) -> None:
    identity = str(uuid.uuid4())
    written = run(clients.bc.create("customers", "id", {"id": identity, "displayName": "A"}))
    assert written.id == identity
    assert written.row["number"]
    assert written.etag == run(clients.bc.get("customers", identity))["@odata.etag"]


@pytest.mark.parametrize("status", [400, 409])
def test_060_the_same_create_again_is_recognised(clients: Clients, status: int) -> None:
    clients.sandbox.switches.bc_duplicate_status = status
    customer = made(clients)
    with pytest.raises(ServiceError) as caught:
        run(clients.bc.create("customers", "id", {"id": customer.id, "displayName": "A"}))
    assert clients.bc.is_duplicate(caught.value)


def test_060_a_create_whose_answer_was_lost_is_sent_again_and_makes_one_row(clients: Clients) -> None:
    before = clients.sandbox.rows("bc", "customers")
    clients.sandbox.faults.add(Fault("lost_answer", side="bc", method="POST", first=1))
    identity = str(uuid.uuid4())
    with pytest.raises(ServiceError) as caught:
        run(clients.bc.create("customers", "id", {"id": identity, "displayName": "A"}))
    assert clients.bc.is_duplicate(caught.value)
    assert clients.sandbox.rows("bc", "customers") == before + 1


def test_060_a_batch_of_creates_whose_answer_was_lost_makes_each_row_once(clients: Clients) -> None:
    before = clients.sandbox.rows("bc", "customers")
    number = rows(clients)[0]["number"]
    clients.sandbox.faults.add(Fault("lost_answer", side="bc", method="POST", path="batch", first=1))
    bodies = [{"id": str(uuid.uuid4()), "displayName": f"N{n}"} for n in range(4)]
    taken = {"id": str(uuid.uuid4()), "displayName": "Taken", "number": number}
    results = run(clients.bc.create_many("customers", "id", [*bodies, taken]))
    assert [r.id for r in results if isinstance(r, Written)] == [b["id"] for b in bodies]
    assert isinstance(results[4], ServiceError)
    assert clients.sandbox.rows("bc", "customers") == before + 4


def test_063_a_create_without_content_still_has_an_id(clients: Clients) -> None:
    headers = {"Prefer": "return-no-content"}
    parts = [Part("POST", clients.bc.address("customers"), {"displayName": "A"}, headers)]
    answer = run(clients.bc.batch(parts))[0]
    assert answer.status == 204
    assert run(clients.bc.get("customers", answer.id))["displayName"] == "A"


def test_070_071_072_an_update_always_names_a_version(clients: Clients) -> None:
    customer = made(clients)
    second = run(clients.bc.update("customers", "id", customer.id, customer.etag, {"displayName": "B"}))
    assert second.etag != customer.etag
    third = run(clients.bc.update("customers", "id", customer.id, "", {"displayName": "C"}))
    assert third.row["displayName"] == "C"
    sent = [r.headers.get("if-match") for r in clients.wire.requests if r.method == "PATCH"]
    assert sent == [customer.etag, "*"]


@pytest.mark.parametrize("status", [409, 412])
def test_073_a_stale_version_is_a_conflict(clients: Clients, status: int) -> None:
    clients.sandbox.switches.bc_stale_status = status
    customer = made(clients)
    run(clients.bc.update("customers", "id", customer.id, customer.etag, {"displayName": "B"}))
    with pytest.raises(StaleRecord):
        run(clients.bc.update("customers", "id", customer.id, customer.etag, {"displayName": "C"}))
    assert run(clients.bc.get("customers", customer.id))["displayName"] == "B"


def test_077_deleting_twice_says_not_there(clients: Clients) -> None:
    customer = made(clients)
    run(clients.bc.delete("customers", customer.id, customer.etag))
    with pytest.raises(NotThere):
        run(clients.bc.delete("customers", customer.id, customer.etag))


def test_079_a_customer_with_open_documents_is_refused_in_words(clients: Clients) -> None:
    customer = made(clients)
    run(clients.bc.create("salesOrders", "id", {"id": str(uuid.uuid4()), "customerId": customer.id}))
    with pytest.raises(Refused, match="Application_DialogException"):
        run(clients.bc.delete("customers", customer.id, ""))


def test_091_no_action_is_called_to_see_whether_it_exists(clients: Clients) -> None:
    clients.bc.check()
    run(clients.bc.describe("salesInvoices"))
    rows(clients)
    assert {r.method for r in clients.wire.requests} == {"GET"}


def test_093_a_batch_answers_each_part_in_order(clients: Clients) -> None:
    path = clients.bc.address("customers")
    parts = [Part("GET", f"{path}?$top={n}") for n in (1, 2)]
    answers = run(clients.bc.batch(parts))
    assert [(a.status, len(a.body["value"])) for a in answers] == [(200, 1), (200, 2)]


def test_095_a_failing_part_leaves_the_others(clients: Clients) -> None:
    bodies = [{"id": str(uuid.uuid4()), "displayName": name} for name in ("A", "x" * 200, "C")]
    clients.sandbox.switches.bc_batch_ends_at_first = False
    results = run(clients.bc.create_many("customers", "id", bodies))
    assert [type(r) for r in results] == [Written, Refused, Written]
    assert isinstance(results[1], Refused)
    assert results[1].code == "Application_StringExceededLength"
    assert run(clients.bc.get("customers", str(bodies[2]["id"])))["displayName"] == "C"


def test_096_an_isolated_batch_with_a_failure_is_taken_as_not_done(clients: Clients) -> None:
    path = clients.bc.address("customers")
    before = clients.sandbox.rows("bc", "customers")
    parts = [Part("POST", path, {"displayName": "A"}), Part("POST", path, {})]
    answers = run(clients.bc.batch(parts, atomic=True))
    assert clients.wire.answers[-1].json()["responses"][0]["status"] == 201  # what the service says
    assert [a.done for a in answers] == [False, False]  # and what is true
    assert clients.sandbox.rows("bc", "customers") == before


def test_097_parts_the_answer_keeps_silent_about_go_again(clients: Clients) -> None:
    clients.sandbox.switches.bc_batch_ends_at_first = True
    bodies = [{"id": str(uuid.uuid4()), "displayName": name} for name in ("x" * 200, "B", "C")]
    results = run(clients.bc.create_many("customers", "id", bodies))
    assert [type(r) for r in results] == [Refused, Written, Written]


def test_098_a_hundred_and_one_parts_make_two_batches(clients: Clients) -> None:
    bodies = [{"id": str(uuid.uuid4()), "displayName": f"N{n}"} for n in range(101)]
    before = clients.sandbox.rows("bc", "customers")
    results = run(clients.bc.create_many("customers", "id", bodies))
    assert [r.id for r in results if isinstance(r, Written)] == [b["id"] for b in bodies]
    assert clients.sandbox.rows("bc", "customers") == before + 101
    sizes = [len(json.loads(r.content)["requests"]) for r in clients.wire.requests if "batch" in str(r.url)]
    assert sizes == [100, 1]
    with pytest.raises(ValueError, match="101 parts"):
        run(clients.bc.batch([Part("GET", "companies")] * 101, atomic=True))


@pytest.mark.parametrize("status", [429, 503])
def test_102_only_the_parts_that_were_too_much_go_again(status: int) -> None:
    sent: list[list[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        parts = json.loads(request.content)["requests"]
        sent.append([p["url"] for p in parts])
        busy = {1, 3} if len(sent) == 1 else set()
        responses = [{"id": p["id"], "status": status if n in busy else 201, "headers": {}, "body": {"id": p["url"]}}
                     for n, p in enumerate(parts)]  # fmt: skip
        return httpx.Response(200, json={"responses": responses})

    bc = BusinessCentral("http://127.0.0.1", "c", None, transport=httpx.MockTransport(answer), sleep=no_wait)
    answers = run(bc.batch([Part("POST", f"p{n}", {}) for n in range(4)]))
    assert sent == [["p0", "p1", "p2", "p3"], ["p1", "p3"]]
    assert [a.body["id"] for a in answers] == ["p0", "p1", "p2", "p3"]
    assert {a.status for a in answers} == {201}


@pytest.mark.parametrize("seconds", [None, 3.0])
def test_103_too_many_requests_are_waited_out(clients: Clients, seconds: float | None) -> None:
    clients.sandbox.faults.add(Fault("throttled", side="bc", first=3, retry_after=seconds))
    assert len(rows(clients)) == 20
    traffic = clients.bc.traffic
    assert traffic.throttled == 3
    assert traffic.waited >= (9 if seconds else 0) - 0.1
    assert clients.bc.limiter.limit < clients.bc.limiter.most


def test_104_no_more_than_five_run_at_once(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("slow", side="bc", seconds=0.01))

    async def many() -> None:
        import asyncio

        await asyncio.gather(*(clients.bc.find("customers", "number eq 'X'", ["id"]) for _ in range(30)))

    run(many())
    assert clients.sandbox.protection.report()["bc"]["peak_at_once"] == 5


@pytest.mark.parametrize(("kind", "error"), [("unavailable", ServiceError), ("timeout", ServiceError)])
def test_105_106_outages_are_survived_by_reads_and_told_of_writes(
    clients: Clients, kind: str, error: type[ServiceError]
) -> None:
    clients.sandbox.faults.add(Fault(kind, side="bc", first=2))
    assert len(rows(clients)) == 20
    clients.sandbox.faults.clear()
    clients.sandbox.faults.add(Fault(kind, side="bc", method="POST"))
    before = len(clients.wire.requests)
    with pytest.raises(error) as caught:
        run(clients.bc.create("customers", "id", {"displayName": "no id of ours"}))
    assert caught.value.transient
    assert len(clients.wire.requests) == before + 1


def test_106_a_gateways_html_is_no_parse_error(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("gateway_timeout", side="bc", body="html"))
    with pytest.raises(ServiceError, match="answered 504") as caught:
        rows(clients)
    assert caught.value.code == ""
    assert "<" not in caught.value.what


def test_107_a_pause_holds_for_every_worker(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("throttled", side="bc", first=1, retry_after=7))
    waits: list[float] = []

    async def noted(seconds: float) -> None:
        waits.append(seconds)

    clients.bc.limiter._sleep = noted

    async def two() -> None:
        import asyncio

        await asyncio.gather(*(clients.bc.find("customers", "number eq 'X'", ["id"]) for _ in range(2)))

    run(two())
    assert max(waits) == pytest.approx(7, abs=0.1)


def test_108_a_read_that_breaks_off_goes_again_and_a_write_does_not(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("cut_body", side="bc", method="GET", first=1))
    assert len(rows(clients)) == 20
    clients.sandbox.faults.clear()
    clients.sandbox.faults.add(Fault("lost_answer", side="bc", method="POST"))
    before = clients.sandbox.rows("bc", "customers")
    with pytest.raises(Unreachable):
        run(clients.bc.create("customers", "id", {"displayName": "no id of ours"}))
    assert clients.sandbox.rows("bc", "customers") == before + 1


@pytest.mark.parametrize("kind", ["truncated", "error_in_200", "html_in_200"])
def test_109_a_page_that_is_none_is_asked_for_again(clients: Clients, kind: str) -> None:
    clients.sandbox.faults.add(Fault(kind, side="bc", method="GET", first=2))
    assert len(rows(clients)) == 20
    clients.sandbox.faults.clear()
    clients.sandbox.faults.add(Fault(kind, side="bc", method="GET"))
    with pytest.raises(PullIncomplete):
        rows(clients)


def test_111_extra_properties_are_no_harm(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("extra_property", side="bc", method="GET"))
    assert len(rows(clients)) == 20
    assert run(clients.bc.get("customers", rows(clients)[0]["id"]))["displayName"]


def test_103_throttling_without_end_is_told(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("throttled", side="bc", retry_after=60))
    with pytest.raises(Throttled):
        rows(clients)


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"<edmx", b'{"value":[]}', b'<?xml version="1.0"?><a xmlns="b"/>', b"\xff\xfe"]
)
def test_002_metadata_that_is_none_is_told(document: bytes) -> None:
    with pytest.raises(ServiceError, match="metadata of Business Central cannot be used"):
        tables_of(document, "Business Central", "bc")


def test_002_members_called_by_digits_are_read() -> None:
    document = b"""<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
      <Schema Namespace="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <EnumType Name="e"><Member Name="0" Value="0"/><Member Name="14" Value="14"/></EnumType>
      <EntityType Name="t"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.Guid" Nullable="false"/>
      <Property Name="e" Type="M.e"/><Property Name="odd" Type="Edm.Stream"/></EntityType>
      <EntityContainer Name="C"><EntitySet Name="ts" EntityType="M.t"/></EntityContainer>
      </Schema></edmx:DataServices></edmx:Edmx>"""
    table = tables_of(document, "Business Central", "bc")["ts"]
    assert table.properties["e"].members == ("0", "14")
    assert [c.name for c in table.columns()] == ["id", "e"]
