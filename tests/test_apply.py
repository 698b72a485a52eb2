"""Apply: writes what the plan says and nothing else, journals first, and can be stopped anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from d365kit import apply as applying
from d365kit.apply.wire import body_of, holds, split_name
from d365kit.errors import StalePlan, UnsafePlan
from d365kit.kinds import default_catalogue
from d365kit.nouns import Change, FieldChange, Limits, Pair, Plan, Run
from d365kit.services import BearerAuth, BusinessCentral, Dataverse, run
from d365kit.services.auth import GivenToken
from tests.conftest import NOW, Desk, ask
from tests.test_plan import change_of, make

Desks = Callable[..., Desk]
ANY = Limits(update=1.0)


def write(desk: Desk, plan: Plan, **more: object) -> Run:
    workspace = desk.workspace
    return applying.apply(
        plan, workspace.snapshot, desk.bc, desk.dv, workspace.ledger, by="t", now=lambda: NOW, limits=ANY, **more
    )


def ready(desk: Desk) -> Plan:
    desk.workspace.pull()
    return make(desk)


@pytest.fixture
def desk(desks: Desks) -> Desk:
    made = desks(customers=30, dirt=1)
    made.workspace.pull()
    made.couple_by_truth()
    return made


def test_a_plan_applied_leaves_nothing_to_plan(desk: Desk) -> None:
    plan = make(desk)
    assert {"create", "update"} <= {c.action for c in plan}
    done = write(desk, plan)
    assert done.counts() == {"done": len(plan), "failed": 0, "skipped": 0, "unknown": 0}
    again = ready(desk)
    assert again.changes == ()
    assert again.counts()["unchanged"] == sum(again.compared.values())


def test_every_ready_change_is_one_write_and_blocked_ones_are_none(desk: Desk) -> None:
    create = next(c for c in make(desk) if c.kind == "customer" and c.action == "create")
    stop = {"check": "x/y", "severity": "critical", "kind": "customer", "bc_id": create.bc_id}
    plan = make(desk, stop)
    assert any(c.blocked for c in plan)
    done = write(desk, plan)
    assert sum(desk.sandbox.writes.values()) == done.counts()["done"] == len(plan.ready())
    assert create.bc_id not in set(desk.workspace.couplings("customer")["bc_id"])
    outcome = next(o for o in done.outcomes if o.change == create.id)
    assert (outcome.state, outcome.message) == ("skipped", "x/y")


def test_created_records_are_coupled_and_say_who_made_them(desk: Desk) -> None:
    plan = make(desk)
    done = write(desk, plan)
    couplings = desk.workspace.couplings("customer")
    partners = dict(zip(couplings["bc_id"], couplings["dv_id"], strict=True))
    for change in plan:
        if change.kind == "customer" and change.action == "create":
            assert partners[change.bc_id] == change.dv_id
            assert ask(desk.dv, "accounts", change.dv_id)["name"]
    assert desk.workspace.ledger.decisions(last=1)[0].run == done.id


def test_products_end_active_and_unit_bound(desk: Desk) -> None:
    plan = make(desk)
    write(desk, plan)
    made = [c for c in plan if c.kind == "item" and c.action == "create"]
    assert made
    for change in made:
        row = ask(desk.dv, "products", change.dv_id)
        assert (row["statecode"], row["producttypecode"]) == (0, 1)
        assert row["_defaultuomid_value"]


def test_a_record_created_in_business_central_gets_its_number_back(desks: Desks) -> None:
    desk = desks(customers=30)
    workspace = desk.workspace
    workspace.pull()
    desk.couple_by_truth()
    coupled = set(workspace.couplings("customer")["dv_id"])
    account = next(r.id for r in workspace.snapshot["customer"].dv.itertuples() if r.id not in coupled and r.currency)
    workspace.create("customer", [("", account)])
    plan = make(desk)
    done = write(desk, plan)
    assert not done.failed
    create = next(c for c in plan if c.dv_id == account and c.action == "create")
    number = ask(desk.bc, "customers", create.bc_id)["number"]
    assert number
    assert ask(desk.dv, "accounts", account)["accountnumber"] == number
    assert ready(desk).changes == ()


def test_an_update_is_refused_when_somebody_was_faster(desk: Desk) -> None:
    plan = make(desk)
    update = next(c for c in plan if c.kind == "customer" and c.action == "update" and c.side == "dv")
    desk.change("dv", "accounts", update.dv_id, telephone3="+1 555 0100")
    done = write(desk, plan)
    outcome = next(o for o in done.outcomes if o.change == update.id)
    assert (outcome.state, outcome.status) == ("failed", 412)
    assert "pull and plan again" in outcome.message
    assert ask(desk.dv, "accounts", update.dv_id)["telephone3"] == "+1 555 0100"
    assert done.counts()["failed"] == 1, "the others go"


def test_what_a_service_refuses_is_an_outcome_with_its_words(desk: Desk) -> None:
    plan = make(desk)
    create = next(c for c in plan if c.kind == "item" and c.action == "create")
    number = next(f.after for f in create.fields if f.field == "number")
    other = next(d for k, b, d in desk.sandbox.truth() if k == "item")
    desk.change("dv", "products", other, productnumber=number)
    done = write(desk, plan)
    states = {o.change: o for o in done.outcomes}
    assert states[create.id].state == "failed"
    assert states[create.id].status == 400
    follower = next(c for c in plan if create.id in c.depends_on)
    assert states[follower.id].state == "skipped"
    assert create.bc_id not in set(desk.workspace.couplings("item")["bc_id"])


def test_a_plan_is_stale_when_the_ledger_or_the_snapshot_moved(desk: Desk) -> None:
    plan = make(desk)
    desk.workspace.ledger.defer("customer", [Pair("a", "b")], by="t", at=NOW)
    with pytest.raises(StalePlan, match="1 decisions were made since"):
        write(desk, plan)
    plan = make(desk)
    desk.change("bc", "customers", plan.changes[-1].bc_id or "", phoneNumber="1")
    other = next(b for k, b, d in desk.sandbox.truth() if k == "customer")
    desk.change("bc", "customers", other, phoneNumber="1")
    desk.workspace.pull()
    with pytest.raises(StalePlan, match="another snapshot"):
        write(desk, plan)
    assert sum(desk.sandbox.writes.values()) == 0


def test_limits_stop_before_the_first_write(desk: Desk) -> None:
    with pytest.raises(UnsafePlan):
        applying.apply(
            make(desk), desk.workspace.snapshot, desk.bc, desk.dv, desk.workspace.ledger,
            by="t", now=lambda: NOW, limits=Limits(update=0.0, floor=1),
        )  # fmt: skip
    assert sum(desk.sandbox.writes.values()) == 0


class Cut(httpx.AsyncBaseTransport):
    """Passes requests on until the given write, which is carried out, or not, and never answered."""

    def __init__(self, app: Callable, at: int, *, carried_out: bool) -> None:
        self._inner, self._left, self._carried_out = httpx.ASGITransport(app=app), at, carried_out

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # Publishing a choice column follows the write of its value, and is no write of a record.
        if request.method != "GET" and not request.url.path.endswith("PublishXml"):
            self._left -= 1
            if self._left < 0:
                if self._left == -1 and self._carried_out:
                    await self._inner.handle_async_request(request)
                raise httpx.ReadError("cut", request=request)
        elif self._left < 0:
            raise httpx.ConnectError("refused", request=request)
        return await self._inner.handle_async_request(request)


async def _no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("at", [0, 1, 7, 20])
def test_stopped_anywhere_and_run_again_ends_as_if_never_stopped(desk: Desk, at: int, carried_out: bool) -> None:
    plan = make(desk)
    auth = BearerAuth(GivenToken(desk.sandbox.token))
    origin = "http://127.0.0.1"
    transport = Cut(desk.sandbox.app, at, carried_out=carried_out)
    more = {"transport": transport, "sleep": _no_wait}
    bc = BusinessCentral(origin + desk.sandbox.bc_root, desk.sandbox.company_id, auth, **more)
    dv = Dataverse(origin + desk.sandbox.dv_root, auth, **more)
    workspace = desk.workspace
    first = applying.apply(plan, workspace.snapshot, bc, dv, workspace.ledger, by="t", now=lambda: NOW, limits=ANY)
    assert first.counts()["done"] == at
    assert first.counts()["unknown"] == 1
    second = write(desk, plan)
    assert second.counts() == {"done": len(plan), "failed": 0, "skipped": 0, "unknown": 0}
    assert ready(desk).changes == ()
    couplings = workspace.couplings()
    assert not couplings.duplicated(["kind", "bc_id"]).any()
    assert desk.sandbox.rows("dv", "accounts") == _accounts_expected(desk, plan)


def _accounts_expected(desk: Desk, plan: Plan) -> int:
    """Accounts before the plan and those it makes, each once."""
    made = {c.dv_id for c in plan if c.kind == "customer" and c.action == "create"}
    held = set(desk.workspace.snapshot["customer"].everything("dv")["id"])
    assert made <= held
    return len(held)


def test_the_same_plan_again_writes_nothing_more(desk: Desk) -> None:
    plan = make(desk)
    write(desk, plan)
    before = dict(desk.sandbox.writes)
    again = write(desk, plan)
    assert desk.sandbox.writes == before
    assert again.counts()["done"] == len(plan)


def test_agreements_make_later_changes_one_sided(desk: Desk) -> None:
    write(desk, make(desk))
    pair = next((b, d) for k, b, d in desk.sandbox.truth() if k == "customer")
    desk.change("dv", "accounts", pair[1], address1_city="Neustadt")
    plan = ready(desk)
    change = change_of(plan, pair)
    assert (change.side, [f.field for f in change.fields]) == ("bc", ["city"])
    write(desk, plan)
    assert ask(desk.bc, "customers", pair[0])["city"] == "Neustadt"
    assert ready(desk).changes == ()


def test_only_changed_fields_are_sent(desk: Desk) -> None:
    plan = make(desk)
    update = next(c for c in plan if c.kind == "customer" and c.action == "update" and c.side == "dv")
    body = run(body_of(update, default_catalogue(), desk.dv))
    assert len(body) == len(update.fields)
    assert "accountid" not in body


def test_wire_bodies_speak_each_services_language() -> None:
    catalogue = default_catalogue()
    change = Change(
        "c", "customer", "update", "dv", "b", "d", "x",
        (FieldChange("currency", "1", "2", "reference"), FieldChange("salesperson", None, "3", "reference"),
         FieldChange("city", "A", None)),
    )  # fmt: skip
    assert run(body_of(change, catalogue, None)) == {  # type: ignore[arg-type]
        "transactioncurrencyid@odata.bind": "/transactioncurrencies(2)",
        "ownerid@odata.bind": "/systemusers(3)",
        "address1_city": None,
    }
    back = Change("c", "customer", "update", "bc", "b", "d", "x", (FieldChange("city", "A", None),))
    assert run(body_of(back, catalogue, None)) == {"city": ""}  # type: ignore[arg-type]


def test_a_record_holds_a_body_when_every_value_is_there() -> None:
    row = {"name": "A", "_ownerid_value": "ABC", "creditlimit": 10.001, "telephone1": None}
    assert holds(row, {"name": "A", "ownerid@odata.bind": "/systemusers(abc)", "creditlimit": 10, "telephone1": None})
    assert not holds(row, {"name": "B"})
    assert not holds(row, {"ownerid@odata.bind": "/systemusers(abd)"})


def test_names_are_split_so_that_the_full_name_is_the_display_name() -> None:
    for name in ("Ada King Lovelace", "Cher", "  Jean  Luc Picard "):
        parts = split_name(name)
        full = " ".join(str(p) for p in (parts["firstname"], parts["lastname"]) if p)
        assert full == " ".join(name.split())
