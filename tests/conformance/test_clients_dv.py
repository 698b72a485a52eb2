"""Conformance G to Q, the clients' half: how our client copes with Dataverse's habits."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
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
    Unreachable,
)
from d365kit.sandbox.faults import Fault
from d365kit.sandbox.identity import Application
from d365kit.services import BearerAuth, ClientCredentials, Column, Dataverse, Part, Written, run
from d365kit.services.dataverse import normal_code
from tests.conformance.conftest import Clients, clients_of, no_wait, wire_to

ACCOUNT = [Column("accountid"), Column("name")]
UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"
NUMBER = "Microsoft.Dynamics.CRM.totalrecordcount"


def rows(clients: Clients, *more: Column, split: bool = True) -> list[dict]:
    columns = [*ACCOUNT, *more]
    return run(clients.dv.rows("accounts", columns, key="accountid", split=split)).table.to_pylist()


def held(clients: Clients) -> int:
    return clients.sandbox.rows("dv", "accounts")


def account(name: str = "A", **more: object) -> dict[str, object]:
    """The body of an account with an id of ours."""
    return {"accountid": str(uuid.uuid4()), "name": name, **more}


def made(clients: Clients, name: str = "A", **more: object) -> Written:
    """A new account."""
    return run(clients.dv.create("accounts", "accountid", account(name, **more)))


def keyed(clients: Clients) -> None:
    """An alternate key of accounts, made by an administrator."""
    dv = wire_to(clients.sandbox, "dv")
    body = {"SchemaName": "number", "KeyAttributes": ["accountnumber"], "DisplayName": {}}
    assert dv("POST", "EntityDefinitions(LogicalName='account')/Keys", body).status_code == 204


def test_122_who_am_i_and_the_recommended_number_of_workers(clients: Clients) -> None:
    assert clients.dv.check() == clients.sandbox.identity.default.dv_user
    assert clients.dv.limiter.most == clients.sandbox.switches.dv_dop_hint == 16
    clients.sandbox.switches.dv_dop_hint = 500
    clients.dv.check()
    assert clients.dv.limiter.most == 16  # our own maximum
    clients.sandbox.switches.dv_dop_hint = 2
    clients.dv.check()
    assert clients.dv.limiter.most == 2


def test_123_no_token_is_told_as_401_without_a_body(clients: Clients) -> None:
    with pytest.raises(SignInFailed, match="answered 401"):
        rows(clients_of(clients.sandbox, token="wrong"))


def test_124_a_missing_privilege_is_named(clients: Clients) -> None:
    user = wire_to(clients.sandbox, "dv").get("systemusers?$select=systemuserid").json()["value"][-1]["systemuserid"]
    application = clients.sandbox.identity.register(Application("app", "secret", dv_user=user))
    with clients.sandbox.store.transaction() as connection:
        connection.execute("DELETE FROM dv_systemuserroles WHERE systemuserid = ?", (user,))
    token = clients.sandbox.identity.issue(application, "http://127.0.0.1")
    with pytest.raises(Forbidden, match="prvReadAccount"):
        rows(clients_of(clients.sandbox, token=token))


def test_125_set_names_cannot_be_guessed(clients: Clients) -> None:
    with pytest.raises(NotThere, match="0x8006088a"):
        run(clients.dv.find("Accounts", "name eq 'A'", ["name"]))
    with pytest.raises(SettingsError, match="no table behind the set Accounts"):
        run(clients.dv.describe("Accounts"))


def test_129_an_unknown_row_is_not_there(clients: Clients) -> None:
    with pytest.raises(NotThere, match="Does Not Exist"):
        run(clients.dv.get("accounts", UNKNOWN))


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_135_136_138_pages_are_followed_to_the_end(clients: Clients, split: bool, size: int) -> None:
    found = rows(clients_of(clients.sandbox, size=size), split=split)
    assert len(found) == held(clients)
    assert {r["accountid"] for r in found} == {r["accountid"] for r in rows(clients)}


@pytest.mark.parametrize("split", [True, False])
def test_135_rows_made_at_the_same_moment_are_not_lost_between_ranges(clients: Clients, split: bool) -> None:
    store = clients.sandbox.store
    with store.transaction() as connection:
        connection.execute("UPDATE dv_account SET createdon = '2026-05-01T10:00:00Z' WHERE rowid % 3 > 0")
        connection.execute("UPDATE dv_account SET createdon = NULL WHERE rowid % 5 = 0")
    assert len(rows(clients_of(clients.sandbox, size=2), split=split)) == held(clients)


def test_139_a_page_larger_than_asked_for_loses_no_row(clients: Clients) -> None:
    """The size is asked for once, on the first request: the pages behind it have the service's own."""
    sizes: list[int] = []

    class FirstSmall(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if "skiptoken" not in str(request.url):
                request.headers["Prefer"] = "odata.maxpagesize=3"
            answer = await super().handle_async_request(request)
            sizes.append(len(json.loads(await answer.aread())["value"]))
            return answer

    dv = Dataverse(clients.dv.root, clients.dv._auth, transport=FirstSmall(clients.sandbox.app), sleep=no_wait)
    found = run(dv.rows("accounts", ACCOUNT, key="accountid", split=False)).table
    assert found.num_rows == held(clients)
    assert sizes == [3, held(clients) - 3]


def test_143_144_rows_are_never_skipped_or_counted_by_the_service(clients: Clients) -> None:
    rows(clients_of(clients.sandbox, size=3))
    assert not any("$skip=" in path or "$count" in path for path in clients.paths())


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_148_rows_that_come_and_go_between_pages(clients: Clients, split: bool, change: str) -> None:
    small = clients_of(clients.sandbox, size=3)
    before = {r["accountid"] for r in rows(clients)}
    clients.sandbox.faults.add(Fault("rows_change", side="dv", method="GET", path="accounts", change=change))
    found = [r["accountid"] for r in rows(small, split=split)]
    clients.sandbox.faults.clear()
    after = {r["accountid"] for r in rows(clients)}
    assert len(found) == len(set(found))
    assert before & after <= set(found) <= before | after


def test_161_a_long_list_of_keys_is_cut_into_addresses_that_fit(clients: Clients) -> None:
    wanted = [r["accountid"] for r in rows(clients)]
    listed = [*wanted, *(str(uuid.uuid4()) for _ in range(1500))]
    found = run(clients.dv.find_many("accounts", "accountid", listed, ["accountid"]))
    assert sorted(r["accountid"] for r in found) == sorted(wanted)
    sent = [r for r in clients.wire.requests if "PropertyValues" in str(r.url)]
    assert len(sent) > 1
    assert max(len(str(r.url)) for r in sent) < 32_000


def test_163_169_170_lookups_come_with_their_label_and_table(clients: Clients) -> None:
    label = "_ownerid_value@OData.Community.Display.V1.FormattedValue"
    table = "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"
    found = rows(clients, Column("_ownerid_value"), Column(label), Column(table))
    assert {r[table] for r in found} <= {"systemuser", "team"}
    assert all(r[label] for r in found if r["_ownerid_value"])


@pytest.mark.parametrize("size", [0, 2])
def test_164_165_children_come_once_though_their_link_repeats_them(clients: Clients, size: int) -> None:
    parent = made(clients)
    names = [f"P{n}" for n in range(5)]
    for name in names:
        body = {"contactid": str(uuid.uuid4()), "lastname": name,
                "parentcustomerid_account@odata.bind": f"/accounts({parent.id})"}  # fmt: skip
        run(clients.dv.create("contacts", "contactid", body))
    small = clients_of(clients.sandbox, size=size)
    found = run(small.dv.children("accounts", parent.id, "contact_customer_accounts", ["lastname"]))
    assert sorted(r["lastname"] for r in found) == names


def test_174_175_176_a_create_keeps_our_id_and_answers_with_its_version(clients: Clients) -> None:
    body = account()
    written = run(clients.dv.create("accounts", "accountid", body))
    assert written.id == body["accountid"]
    assert written.etag == run(clients.dv.get("accounts", written.id))["@odata.etag"]
    with pytest.raises(ServiceError) as caught:
        run(clients.dv.create("accounts", "accountid", body))
    assert clients.dv.is_duplicate(caught.value)


def test_186_187_188_an_update_never_makes_a_row(clients: Clients) -> None:
    written = made(clients)
    run(clients.dv.delete("accounts", written.id, written.etag))
    before = held(clients)
    for etag in (written.etag, "*", ""):
        with pytest.raises(NotThere):
            run(clients.dv.update("accounts", "accountid", written.id, etag, {"name": "B"}))
    assert held(clients) == before
    assert all(r.headers.get("if-match") for r in clients.wire.requests if r.method in ("PATCH", "DELETE"))


def test_189_a_row_that_is_there_is_told_from_one_that_is_stale(clients: Clients) -> None:
    written = made(clients)
    parts = [Part("PATCH", f"accounts({written.id})", {"name": "B"}, {"If-None-Match": "*"})]
    answer = run(clients.dv.batch(parts))[0]
    assert (answer.status, clients.dv.is_stale(answer.status, answer.said.code)) == (412, False)


def test_190_191_a_stale_version_is_a_conflict(clients: Clients) -> None:
    written = made(clients)
    run(clients.dv.update("accounts", "accountid", written.id, written.etag, {"name": "B"}))
    with pytest.raises(StaleRecord):
        run(clients.dv.update("accounts", "accountid", written.id, written.etag, {"name": "C"}))
    with pytest.raises(StaleRecord):
        run(clients.dv.delete("accounts", written.id, written.etag))
    assert run(clients.dv.get("accounts", written.id))["name"] == "B"


def test_192_an_unchanged_row_may_answer_304(clients: Clients) -> None:
    written = made(clients)
    answer = run(
        clients.dv.request("GET", f"accounts({written.id})?$select=name", headers={"If-None-Match": written.etag})
    )
    assert (answer.status_code, answer.content) == (304, b"")


def test_197_a_row_others_refer_to_is_refused_in_words(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("refused", side="dv", method="DELETE", status=405, code="0x80040227"))
    with pytest.raises(Refused, match="0x80040227"):
        run(clients.dv.delete("accounts", UNKNOWN, ""))


def test_201_202_203_an_upsert_by_key_tells_what_it_did_and_never_sends_the_key(clients: Clients) -> None:
    keyed(clients)
    body = {"name": "By key", "accountnumber": "OTHER"}
    first, created = run(clients.dv.upsert("accounts", "accountid", {"accountnumber": "K1"}, body))
    assert created
    second, again = run(clients.dv.upsert("accounts", "accountid", {"accountnumber": "K1"}, {"name": "Changed"}))
    assert (second.id, again) == (first.id, False)
    row = run(clients.dv.get("accounts", first.id))
    assert (row["name"], row["accountnumber"]) == ("Changed", "K1")


def test_205_an_unknown_key_is_not_there(clients: Clients) -> None:
    keyed(clients)
    with pytest.raises(NotThere, match="0x80060891"):
        run(clients.dv.get("accounts", "accountnumber='none'"))


@pytest.mark.parametrize("value", ["A/1", "A&1", "50%", "a:b", "C#"])
def test_208_a_key_that_does_not_fit_an_address_goes_by_its_id(clients: Clients, value: str) -> None:
    keyed(clients)
    written = made(clients, accountnumber=value)
    found, created = run(clients.dv.upsert("accounts", "accountid", {"accountnumber": value}, {"name": "Found"}))
    assert (found.id, created) == (written.id, False)
    assert run(clients.dv.get("accounts", written.id))["name"] == "Found"
    with pytest.raises(NotThere, match="no row of accounts"):
        run(clients.dv.upsert("accounts", "accountid", {"accountnumber": value + "x"}, {"name": "None"}))


def test_211_219_every_part_of_a_batch_is_answered(clients: Clients) -> None:
    written = made(clients)
    parts = [
        Part("GET", f"accounts({written.id})?$select=name"),
        Part("GET", f"accounts({UNKNOWN})"),
        Part("PATCH", f"accounts({written.id})", {"name": "Z"}, {"If-Match": "*"}),
        Part("POST", "accounts", account("New")),
    ]
    answers = run(clients.dv.batch(parts))
    assert [a.status for a in answers] == [200, 404, 204, 204]
    assert answers[0].body["name"] == "A"
    assert normal_code(answers[1].said.code) == "0x80040217"
    assert run(clients.dv.get("accounts", answers[3].id))["name"] == "New"


def test_213_214_218_a_change_set_is_kept_whole_or_not_at_all(clients: Clients) -> None:
    before = held(clients)
    good = [Part("POST", "accounts", account(name)) for name in ("A", "B")]
    answers = run(clients.dv.batch(good, atomic=True))
    assert [a.status for a in answers] == [204, 204]
    assert held(clients) == before + 2
    bad = [Part("POST", "accounts", account("C")), Part("POST", "accounts", account("x" * 200))]
    answers = run(clients.dv.batch(bad, atomic=True))
    assert not any(a.done for a in answers)
    assert "0x80044331" in {normal_code(a.said.code) for a in answers}
    assert held(clients) == before + 2


def test_223_only_the_parts_that_were_too_much_go_again(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("throttled", side="dv", method="POST", path="accounts", part=True, times=2))
    before = held(clients)
    answers = run(clients.dv.batch([Part("POST", "accounts", account(f"N{n}")) for n in range(5)]))
    assert [a.status for a in answers] == [204] * 5
    assert held(clients) == before + 5
    assert sum("$batch" in path for path in clients.paths("POST")) == 2


def results_of(clients: Clients, bodies: Sequence[dict[str, object]]) -> list[object]:
    return list(run(clients.dv.create_many("accounts", "accountid", bodies)))


def test_224_many_rows_go_in_one_message_and_come_back_in_order(clients: Clients) -> None:
    bodies = [account(f"N{n}") for n in range(250)]
    before = held(clients)
    results = results_of(clients, bodies)
    assert [r.id for r in results if isinstance(r, Written)] == [b["accountid"] for b in bodies]
    assert all(r.etag for r in results if isinstance(r, Written))
    assert held(clients) == before + 250
    assert sum("CreateMultiple" in path for path in clients.paths("POST")) == 2


def test_225_a_bad_row_is_found_and_the_others_are_made(clients: Clients) -> None:
    bodies = [account(f"N{n}") for n in range(20)]
    bodies[13]["name"] = "x" * 200
    before = held(clients)
    results = results_of(clients, bodies)
    assert [n for n, r in enumerate(results) if not isinstance(r, Written)] == [13]
    assert isinstance(results[13], Refused)
    assert results[13].code == "0x80044331"
    assert held(clients) == before + 19


def test_225_a_bulk_create_whose_answer_was_lost_makes_each_row_once(clients: Clients) -> None:
    run(clients.dv.offers("CreateMultiple", "accounts"))
    clients.sandbox.faults.add(Fault("lost_answer", side="dv", method="POST", path="CreateMultiple", first=1))
    bodies = [account(f"N{n}") for n in range(10)]
    before = held(clients)
    results = results_of(clients, bodies)
    assert all(isinstance(r, Written) for r in results)
    assert held(clients) == before + 10


def test_227_two_changes_of_one_row_are_never_dropped_in_silence(clients: Clients) -> None:
    written = made(clients)
    changes = [(written.id, written.etag, {"name": "B"}), (written.id, written.etag, {"name": "C"})]
    results = run(clients.dv.update_many("accounts", "accountid", changes))
    assert isinstance(results[0], Written)
    assert isinstance(results[1], StaleRecord)
    assert run(clients.dv.get("accounts", written.id))["name"] == "B"
    assert not any("UpdateMultiple" in path for path in clients.paths())


def test_228_bulk_upserts_are_not_used_as_they_do_not_tell_what_they_did(clients: Clients) -> None:
    keyed(clients)
    for _ in range(2):
        run(clients.dv.upsert("accounts", "accountid", {"accountnumber": "K1"}, {"name": "A"}))
    assert not any("UpsertMultiple" in path for path in clients.paths())


def test_232_233_234_235_237_changes_and_deletions_since_the_last_time(clients: Clients) -> None:
    small = clients_of(clients.sandbox, size=3)
    whole = run(small.dv.changes("accounts", ACCOUNT, key="accountid"))
    assert whole.whole
    assert whole.table.num_rows == held(clients)
    nothing = run(small.dv.changes("accounts", ACCOUNT, key="accountid", mark=whole.mark))
    assert (nothing.table.num_rows, nothing.deleted, nothing.whole) == (0, frozenset(), False)

    victim, changed = whole.table.column("accountid").to_pylist()[:2]
    run(clients.dv.update("accounts", "accountid", changed, "", {"name": "Changed"}))
    run(clients.dv.delete("accounts", victim, ""))
    new = [made(clients, f"N{n}") for n in range(7)]
    passing = made(clients, "Passing")
    run(clients.dv.delete("accounts", passing.id, ""))
    some = run(small.dv.changes("accounts", ACCOUNT, key="accountid", mark=nothing.mark))
    assert some.deleted == {victim, passing.id}
    assert set(some.table.column("accountid").to_pylist()) == {changed, *(w.id for w in new)}
    assert some.pages > 1
    now = some.applied_to(whole.table)
    assert sorted(now.column("accountid").to_pylist()) == sorted(r["accountid"] for r in rows(clients))
    assert dict(zip(*(now.column(n).to_pylist() for n in ("accountid", "name")), strict=True))[changed] == "Changed"
    assert now.column_names == whole.table.column_names


@pytest.mark.parametrize("mark", ["expired", "garbage"])
def test_238_a_token_that_is_no_good_leads_to_a_full_read(clients: Clients, mark: str) -> None:
    whole = run(clients.dv.changes("accounts", ACCOUNT, key="accountid"))
    token = whole.mark.partition("deltatoken=")[0] + "deltatoken=1%21nonsense"
    if mark == "expired":
        token = whole.mark
        clients.sandbox.faults.add(
            Fault("refused", side="dv", path="deltatoken", status=410, code="0x80044352", first=1)
        )
    again = run(clients.dv.changes("accounts", ACCOUNT, key="accountid", mark=token))
    assert again.whole
    assert again.table.num_rows == held(clients)


def test_241_245_246_262_what_the_platform_makes_of_a_row_is_read_back(clients: Clients) -> None:
    group = run(
        clients.dv.create(
            "uomschedules", "uomscheduleid",
            {"uomscheduleid": str(uuid.uuid4()), "name": "PALLET", "baseuomname": "PALLET"},
        )
    )  # fmt: skip
    units = run(clients.dv.find("uoms", f"_uomscheduleid_value eq {group.id}", ["uomid", "quantity"]))
    assert [u["quantity"] for u in units] == [1]
    body = {
        "productid": str(uuid.uuid4()), "name": "Crate", "productnumber": "CR-1", "quantitydecimal": 2,
        "defaultuomscheduleid@odata.bind": f"/uomschedules({group.id})",
        "defaultuomid@odata.bind": f"/uoms({units[0]['uomid']})",
    }  # fmt: skip
    product = run(clients.dv.create("products", "productid", body))
    assert run(clients.dv.get("products", product.id))["statecode"] == 2
    run(clients.dv.update("products", "productid", product.id, product.etag, {"statecode": 0}))
    row = run(clients.dv.get("products", product.id))
    assert (row["statecode"], row["statuscode"]) == (0, 1)


def test_243_a_product_without_units_is_refused_in_words(clients: Clients) -> None:
    with pytest.raises(Refused, match="0x8004"):
        run(clients.dv.create("products", "productid", {"name": "Crate", "productnumber": "CR-1"}))


@pytest.mark.parametrize("style", ["hex", "decimal"])
@pytest.mark.parametrize("kind", ["throttled"])
def test_263_264_265_throttling_in_either_spelling_is_waited_out(clients: Clients, style: str, kind: str) -> None:
    clients.sandbox.switches.dv_error_codes = style
    clients.sandbox.faults.add(Fault(kind, side="dv", first=2, retry_after=3))
    assert len(rows(clients)) == held(clients)
    assert clients.dv.traffic.throttled == 2


def test_265_no_more_run_at_once_than_the_service_recommends(clients: Clients) -> None:
    clients.sandbox.switches.dv_dop_hint = 6
    clients.sandbox.faults.add(Fault("slow", side="dv", seconds=0.01))

    async def many() -> None:
        await asyncio.gather(*(clients.dv.find("accounts", "name eq 'X'", ["name"]) for _ in range(60)))

    run(many())
    report = clients.sandbox.protection.report()["dv"]
    assert 4 <= report["peak_at_once"] <= 8
    assert sum(report["refused"].values()) == 0


def test_266_nothing_is_sent_during_the_pause(clients: Clients) -> None:
    sent: list[float] = []
    now = 0.0

    async def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(now)
        return (
            httpx.Response(429, headers={"Retry-After": "20"})
            if now < 20
            else httpx.Response(200, json={"value": []})
        )

    dv = Dataverse("http://127.0.0.1", None, transport=httpx.MockTransport(answer), sleep=wait)

    async def ten() -> None:
        await asyncio.gather(*(dv.find("accounts", "name eq 'X'", ["name"]) for _ in range(10)))

    run(ten())
    assert not [moment for moment in sent if 0 < moment < 19.9]
    assert sum(moment == 0 for moment in sent) <= 8


def test_267_a_pause_may_be_given_as_a_date(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("throttled", side="dv", first=1, retry_after=30, retry_date=True))
    rows(clients)
    assert clients.dv.traffic.waited == pytest.approx(30, abs=1.5)


def test_268_a_gateways_html_is_no_parse_error(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("gateway_timeout", side="dv", body="html", first=2))
    assert len(rows(clients)) == held(clients)
    clients.sandbox.faults.clear()
    clients.sandbox.faults.add(Fault("gateway_timeout", side="dv", body="html", method="PATCH"))
    with pytest.raises(ServiceError, match="answered 504"):
        run(clients.dv.update("accounts", "accountid", UNKNOWN, 'W/"1"', {"name": "B"}))


@pytest.mark.parametrize(
    ("style", "code"), [("hex", "0x80040217"), ("decimal", "0x80040217"), ("zero", ""), ("empty", "")]
)
def test_270_codes_are_read_in_any_spelling(clients: Clients, style: str, code: str) -> None:
    clients.sandbox.switches.dv_error_codes = style
    with pytest.raises(NotThere, match="Does Not Exist") as caught:
        run(clients.dv.get("accounts", UNKNOWN))
    assert (caught.value.code, caught.value.status) == (code, 404)
    assert normal_code("plugin-7") == "plugin-7"


def test_271_a_payload_that_is_too_large_is_split(clients: Clients) -> None:
    run(clients.dv.offers("CreateMultiple", "accounts"))
    clients.sandbox.protection.limits["dv"].body_bytes = 3_000
    bodies = [account(f"N{n}", description="x" * 200) for n in range(40)]
    before = held(clients)
    assert all(isinstance(r, Written) for r in results_of(clients, bodies))
    assert held(clients) == before + 40


def test_272_the_affinity_cookie_is_not_sent_back(clients: Clients) -> None:
    rows(clients_of(clients.sandbox, size=3))
    rows(clients)
    assert any("ARRAffinity" in v for a in clients.wire.answers for v in a.headers.get_list("set-cookie"))
    assert clients.sandbox.protection.report()["dv"]["affinity_cookies_sent_back"] == 0


def test_273_274_definitions_become_columns(clients: Clients) -> None:
    table = run(clients.dv.describe("accounts"))
    assert (table.entity, table.key) == ("account", "accountid")
    kinds = {
        n: table.properties[n].type for n in ("accountid", "creditlimit", "statecode", "_ownerid_value", "createdon")
    }
    assert kinds == {
        "accountid": "text", "creditlimit": "amount", "statecode": "integer", "_ownerid_value": "text",
        "createdon": "datetime",
    }  # fmt: skip
    assert table.properties["accountid"].update is False
    assert run(clients.dv.rows("accounts", table.columns(), key="accountid")).table.num_rows == held(clients)


def token_source(
    clients: Clients, secret: str = "secret", scope: str = "http://127.0.0.1/.default"
) -> ClientCredentials:
    user = clients.sandbox.identity.default.dv_user
    clients.sandbox.identity.register(Application("app", "secret", dv_user=user))
    address = "http://127.0.0.1/sandbox-tenant/oauth2/v2.0/token"
    return ClientCredentials(address, "app", secret, scope, transport=clients.wire, sleep=no_wait)


def test_281_285_fifty_workers_cause_one_token_request(clients: Clients) -> None:
    dv = Dataverse(clients.dv.root, BearerAuth(token_source(clients)), transport=clients.wire, sleep=no_wait)

    async def fifty() -> None:
        await asyncio.gather(*(dv.find("accounts", "name eq 'X'", ["name"]) for _ in range(50)))

    run(fifty())
    assert sum(str(r.url).endswith("/token") for r in clients.wire.requests) == 1
    clients.sandbox.identity.expire()
    run(fifty())
    assert sum(str(r.url).endswith("/token") for r in clients.wire.requests) == 2


@pytest.mark.parametrize(
    ("secret", "scope", "hint"),
    [
        ("wr0ng-one", "http://127.0.0.1/.default", "secret is wrong"),
        ("secret", "https://x.example/.default", "address"),
    ],
)
def test_282_283_a_refused_sign_in_gets_a_hint_and_shows_no_secret(
    clients: Clients, secret: str, scope: str, hint: str
) -> None:
    dv = Dataverse(
        clients.dv.root, BearerAuth(token_source(clients, secret, scope)), transport=clients.wire, sleep=no_wait
    )
    with pytest.raises(SignInFailed, match="AADSTS") as caught:
        run(dv.find("accounts", "name eq 'X'", ["name"]))
    assert hint in caught.value.todo
    assert "wr0ng-one" not in str(caught.value) + repr(caught.value)


def test_284_a_token_that_runs_out_on_the_way_costs_one_renewal(clients: Clients) -> None:
    small = clients_of(clients.sandbox, size=3)
    dv = Dataverse(clients.dv.root, BearerAuth(token_source(clients)), transport=small.wire, sleep=no_wait)
    clients.sandbox.faults.add(Fault("expired_token", side="dv", after=3, times=1))
    found = run(dv.rows("accounts", ACCOUNT, key="accountid", split=False)).table
    assert found.num_rows == held(clients)
    assert [a.status_code for a in small.wire.answers].count(401) == 1


@pytest.mark.parametrize("kind", ["truncated", "error_in_200", "html_in_200", "wrong_type"])
def test_109_a_page_that_is_none_is_asked_for_again(clients: Clients, kind: str) -> None:
    clients.sandbox.faults.add(Fault(kind, side="dv", method="GET", first=2))
    assert len(rows(clients)) == held(clients)
    clients.sandbox.faults.clear()
    if kind != "wrong_type":
        clients.sandbox.faults.add(Fault(kind, side="dv", method="GET"))
        with pytest.raises(PullIncomplete):
            rows(clients)


def test_a_write_whose_answer_cannot_be_read_is_not_called_done(clients: Clients) -> None:
    clients.sandbox.faults.add(Fault("truncated", side="dv", method="PATCH"))
    written = made(clients)
    with pytest.raises(Unreachable, match="cannot be read"):
        run(clients.dv.update("accounts", "accountid", written.id, written.etag, {"name": "B"}))


def test_amounts_keep_their_digits_on_the_way_out(clients: Clients) -> None:
    written = made(clients, creditlimit=Decimal("12345678.91"))
    body = json.loads(clients.wire.requests[-1].content, parse_float=Decimal)
    assert body["creditlimit"] == Decimal("12345678.91")
    assert run(clients.dv.get("accounts", written.id))["creditlimit"] == Decimal("12345678.91")
