"""Plan: a pure function that compares three ways, knows what waits for what, and comes to rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from d365kit import plan as planning
from d365kit.errors import PlanError, SettingsError, StalePlan, UnsafePlan
from d365kit.nouns import Change, Findings, Limits, Outcome, Pair, Plan
from d365kit.nouns.findings import FINDING_COLUMNS
from d365kit.nouns.frames import from_rows
from d365kit.plan import Strategy
from tests.conftest import NOW, Desk

Desks = Callable[..., Desk]


def unchecked(desk: Desk, *rows: dict) -> Findings:
    """Findings of the present snapshot and ledger without running the suites: ``rows`` and nothing else."""
    workspace = desk.workspace
    frame = from_rows(rows, FINDING_COLUMNS)
    return Findings(workspace.snapshot.id, workspace.ledger.position, frame)


def make(desk: Desk, *rows: dict, **more: object) -> Plan:
    return planning.make(desk.workspace.snapshot, desk.workspace.ledger, unchecked(desk, *rows), **more)


@pytest.fixture
def desk(desks: Desks) -> Desk:
    made = desks(customers=40)
    made.workspace.pull()
    made.couple_by_truth()
    return made


def a_pair(desk: Desk, kind: str = "customer") -> tuple[str, str]:
    return next((b, d) for k, b, d in desk.sandbox.truth() if k == kind)


def edit(desk: Desk, side: str, set_name: str, record: str, **values: object) -> None:
    """Change a row behind everybody's back, and pull."""
    desk.change(side, set_name, record, **values)
    desk.workspace.pull()


def change_of(plan: Plan, pair: tuple[str, str]) -> Change:
    return next(c for c in plan if (c.bc_id, c.dv_id) == pair)


def test_the_same_inputs_make_the_same_plan(desk: Desk) -> None:
    assert make(desk) == make(desk)
    assert make(desk).fingerprint == make(desk).fingerprint


def test_pairs_that_agree_need_nothing(desk: Desk) -> None:
    plan = make(desk)
    assert not [c for c in plan if c.action == "update" and not c.step]
    assert plan.counts()["unchanged"] == sum(plan.compared.values())


def test_uncoupled_records_are_created_only_by_decision(desk: Desk) -> None:
    wanted = set(desk.workspace.ledger.creates("customer")["bc_id"])
    planned = make(desk)
    assert {c.bc_id for c in planned if c.kind == "customer" and c.action == "create"} == wanted
    last = desk.workspace.undo()[0].kind
    assert last not in {c.kind for c in make(desk) if c.action == "create"}


def test_creates_come_after_what_they_refer_to(desk: Desk) -> None:
    plan = make(desk)
    order = {c.id: i for i, c in enumerate(plan)}
    dependent = [c for c in plan if c.depends_on]
    assert dependent
    for change in dependent:
        assert all(order[d] < order[change.id] for d in change.depends_on)
    assert list(plan.kinds) == [k.name for k in desk.workspace.catalogue if k.planned]


def test_new_ids_are_new_with_every_snapshot(desk: Desk) -> None:
    first = {c.dv_id for c in make(desk) if c.action == "create" and not c.dv_id.isdigit()}
    edit(desk, "dv", "accounts", a_pair(desk)[1], telephone3="1")
    second = {c.dv_id for c in make(desk) if c.action == "create"}
    assert first.isdisjoint(second)


def test_a_product_is_published_after_it_is_created(desk: Desk) -> None:
    plan = make(desk)
    create = next(c for c in plan if c.kind == "item" and c.action == "create")
    publish = next(c for c in plan if c.step == "publish" and c.dv_id == create.dv_id)
    assert publish.depends_on == (create.id,)


def test_never_synchronised_pairs_go_by_the_first_strategy(desk: Desk) -> None:
    pair = a_pair(desk)
    edit(desk, "dv", "accounts", pair[1], name="Another Name", telephone1=None)
    by_bc = change_of(make(desk), pair)
    assert (by_bc.side, by_bc.action) == ("dv", "update")
    assert {f.field for f in by_bc.fields} >= {"name"}
    by_dv = [c for c in make(desk, strategy=Strategy(first="dv")) if (c.bc_id, c.dv_id) == pair]
    assert {(c.side, f.field) for c in by_dv for f in c.fields if f.field == "name"} == {("bc", "name")}
    asked = [c for c in make(desk, strategy=Strategy(first="ask")) if (c.bc_id, c.dv_id) == pair]
    assert [f.field for c in asked if c.action == "conflict" for f in c.fields] == ["name"]


def test_the_couplings_own_first_counts_more_than_the_strategy(desk: Desk) -> None:
    pair = a_pair(desk)
    edit(desk, "dv", "accounts", pair[1], name="Another Name")
    for first, wins in (("dv", {"bc"}), ("bc", {"dv"}), ("", {"dv"})):
        desk.workspace.uncouple("customer", [pair])
        desk.workspace.confirm("customer", [pair], first=first)
        sides = {c.side for c in make(desk) if (c.bc_id, c.dv_id) == pair for f in c.fields if f.field == "name"}
        assert sides == wins
    agree(desk, "customer", pair)
    edit(desk, "dv", "accounts", pair[1], name="A Third Name")
    (change,) = [c for c in make(desk) if (c.bc_id, c.dv_id) == pair and any(f.field == "name" for f in c.fields)]
    assert change.side == "bc", "after the first synchronisation it says nothing any more"


def fail(desk: Desk, change: Change, message: str = "no such city") -> None:
    """A run in which the service refused ``change``."""
    ledger = desk.workspace.ledger
    run = ledger.begin_run("earlier", "f", by="t", at=NOW)
    refused = Outcome(
        change.id, change.kind, change.action, change.side, change.bc_id, change.dv_id, "", "failed", message, 400
    )
    ledger.settle(run, refused, at=NOW, by="t")


def test_a_pair_that_failed_twice_alike_is_left_alone_with_the_reason(desk: Desk) -> None:
    pair = a_pair(desk)
    edit(desk, "dv", "accounts", pair[1], name="Another Name")
    change, before = change_of(make(desk), pair), make(desk)
    assert not change.blocked
    fail(desk, change)
    assert make(desk) == before
    fail(desk, change)
    left = change_of(make(desk), pair)
    assert left.blocked_by == ("skipped, as the same error came 2 times running: no such city",)
    assert make(desk).id != before.id, "done changes of the earlier plan are not taken for those of this one"
    assert desk.workspace.retry("customer") == 1
    assert not change_of(make(desk), pair).blocked


def test_a_create_that_failed_twice_alike_is_left_alone_in_every_later_plan(desk: Desk) -> None:
    create = next(c for c in make(desk) if c.action == "create" and c.kind == "customer" and not c.blocked)
    fail(desk, create)
    fail(desk, dataclasses.replace(create, dv_id="another id in another plan"))
    desk.workspace.pull()
    again = next(c for c in make(desk) if c.action == "create" and c.bc_id == create.bc_id)
    assert any(reason.startswith("skipped") for reason in again.blocked_by)
    assert desk.workspace.retry("customer", [(create.bc_id, "")]) == 1
    assert not next(c for c in make(desk) if c.action == "create" and c.bc_id == create.bc_id).blocked


def agree(desk: Desk, kind: str, pair: tuple[str, str]) -> None:
    """Note that ``pair`` was synchronised with the values it has now."""
    snapshot = desk.workspace.snapshot[kind]
    bc = snapshot.bc.set_index("id").loc[pair[0]].to_dict()
    dv = snapshot.dv.set_index("id").loc[pair[1]].to_dict()
    names = [f.name for f in desk.workspace.catalogue[kind].fields if f.direction != "none"]
    clean = {
        n: {"bc": None if bc[n] != bc[n] or str(bc[n]) == "<NA>" else bc[n],
            "dv": None if str(dv[n]) == "<NA>" else dv[n]} for n in names
    }  # fmt: skip
    run = desk.workspace.ledger.begin_run("earlier", "f", by="t", at=NOW)
    desk.workspace.ledger.agree(run, kind, {pair: clean}, at=NOW)


def test_what_changed_on_one_side_is_carried_to_the_other(desk: Desk) -> None:
    pair = a_pair(desk)
    agree(desk, "customer", pair)
    edit(desk, "dv", "accounts", pair[1], name="New In Sales")
    change = change_of(make(desk), pair)
    assert (change.side, [f.field for f in change.fields]) == ("bc", ["name"])
    assert change.fields[0].after == "New In Sales"


def test_only_a_field_changed_on_both_sides_is_a_conflict(desk: Desk) -> None:
    pair = a_pair(desk)
    agree(desk, "customer", pair)
    edit(desk, "dv", "accounts", pair[1], name="New In Sales", address1_city="Salestown")
    edit(desk, "bc", "customers", pair[0], displayName="New In BC", phoneNumber="+1 555")
    changes = [c for c in make(desk) if (c.bc_id, c.dv_id) == pair]
    assert {c.action: [f.field for f in c.fields] for c in changes if c.side == "bc" or c.action == "conflict"} == {
        "update": ["city"], "conflict": ["name"],
    }  # fmt: skip
    assert [f.field for c in changes if c.side == "dv" and c.action == "update" for f in c.fields] == ["phone"]
    resolved = make(desk, strategy=Strategy(conflict="dv"))
    assert {f.field for c in resolved if (c.bc_id, c.dv_id) == pair and c.side == "bc" for f in c.fields} == {
        "city", "name",
    }  # fmt: skip


def test_one_way_fields_never_conflict(desk: Desk) -> None:
    pair = a_pair(desk)
    agree(desk, "customer", pair)
    edit(desk, "dv", "accounts", pair[1], accountnumber="SALES-1")
    change = change_of(make(desk), pair)
    assert (change.side, change.action, [f.field for f in change.fields]) == ("dv", "update", ["number"])


def test_the_gate_stops_its_record_and_what_refers_to_it(desk: Desk) -> None:
    plan = make(desk)
    needed = {d for c in plan if c.kind == "contact" for d in c.depends_on}
    create = next(c for c in plan if c.kind == "customer" and c.id in needed)
    stop = {
        "check": "customers_vendors/name_filled",
        "severity": "critical",
        "kind": "customer",
        "bc_id": create.bc_id,
    }
    plan = make(desk, stop)
    blocked = [c for c in plan if c.blocked]
    assert create.bc_id in {c.bc_id for c in blocked}
    waiting = [c for c in blocked if c.kind == "contact"]
    assert waiting
    assert all("waits for customer" in " ".join(c.blocked_by) for c in waiting)
    assert len(blocked) < len(plan), "everything else goes"


def test_a_warning_stops_nothing(desk: Desk) -> None:
    create = next(c for c in make(desk) if c.kind == "customer" and c.action == "create")
    row = {"check": "x/y", "severity": "warning", "kind": "customer", "bc_id": create.bc_id}
    assert not [c for c in make(desk, row) if c.blocked]


def test_a_half_that_is_gone_is_blocked_not_recreated(desk: Desk) -> None:
    pair = a_pair(desk)
    desk.remove("dv", "accounts", pair[1])
    desk.workspace.pull()
    change = change_of(make(desk), pair)
    assert change.blocked
    assert "gone" in change.reason


def test_plans_on_checks_of_something_else_are_refused(desk: Desk) -> None:
    findings = unchecked(desk)
    desk.workspace.undo()
    with pytest.raises(StalePlan):
        planning.make(desk.workspace.snapshot, desk.workspace.ledger, findings)


def test_a_saved_plan_reads_back_the_same_and_refuses_edits(desk: Desk, tmp_path: Path) -> None:
    plan = make(desk)
    path = plan.save(tmp_path / "plan.json")
    assert Plan.load(path) == plan
    path.write_text(path.read_text("utf-8").replace('"EUR"', '"USD"', 1), "utf-8")
    with pytest.raises(PlanError, match="changed after it was made"):
        Plan.load(path)
    path.write_text("{", "utf-8")
    with pytest.raises(SettingsError, match="no readable plan"):
        Plan.load(path)
    path.write_text('{"format": 99}', "utf-8")
    with pytest.raises(SettingsError, match="not a plan of this version"):
        Plan.load(path)


def _updates(number: int) -> tuple[Change, ...]:
    return tuple(Change(f"c{i}", "customer", "update", "dv", f"b{i}", f"d{i}", "x") for i in range(number))


def test_limits_name_limit_figure_and_the_way_past() -> None:
    plan = Plan("p", "s", 0, _updates(60), compared={"customer": 100})
    with pytest.raises(
        UnsafePlan, match=r"60 of 100 coupled pairs \(60%\), and the limit is 50%.*--limit update=100%"
    ):
        plan.raise_if_unsafe(Limits())
    plan.raise_if_unsafe(Limits(update=0.6))
    Plan("p", "s", 0, _updates(10), compared={"customer": 10}).raise_if_unsafe(Limits())
    creates = tuple(dataclasses.replace(c, action="create") for c in _updates(30))
    with pytest.raises(UnsafePlan, match="--limit create=30"):
        Plan("p", "s", 0, creates).raise_if_unsafe(Limits(create=29))


def test_amounts_show_without_padding() -> None:
    from d365kit.nouns import FieldChange

    assert FieldChange("price", Decimal("12.500000"), Decimal("0E-12"), "amount").shown("before") == "12.5"
    assert FieldChange("price", None, Decimal("0E-12"), "amount").shown("after") == "0"
    assert FieldChange("price", None, None, "amount").shown("after") == "missing"


def test_coupling_decides_what_a_reference_becomes(desk: Desk) -> None:
    customer = next(c for c in make(desk) if c.kind == "customer" and c.action == "create")
    currency = next(f for f in customer.fields if f.field == "currency")
    partners = {p.bc_id: p.dv_id for p in [Pair(b, d) for k, b, d in desk.sandbox.truth() if k == "currency"]}
    made = {c.bc_id: c.dv_id for c in make(desk) if c.kind == "currency" and c.action == "create"}
    row = desk.workspace.snapshot["customer"].bc.set_index("id").loc[customer.bc_id]
    assert currency.after == {**partners, **made}[row["currency"]]


@pytest.mark.parametrize("half", ["bc_id", "dv_id"])
def test_the_gate_stops_an_update_from_either_half(desk: Desk, half: str) -> None:
    pair = a_pair(desk)
    edit(desk, "dv", "accounts", pair[1], name="Another Name")
    stop = {"check": "x/y", "severity": "critical", "kind": "customer", half: pair[half == "dv_id"]}
    assert not change_of(make(desk), pair).blocked
    assert change_of(make(desk, stop), pair).blocked_by == ("x/y",)
    elsewhere = {**stop, "kind": "contact"}
    assert not change_of(make(desk, elsewhere), pair).blocked


def test_a_record_is_not_made_through_a_page(desk: Desk) -> None:
    """A page of Business Central takes no id of ours: what it is asked to make twice, it makes twice."""
    free = desk.workspace.snapshot["resource"].dv["id"]
    coupled = set(desk.workspace.ledger.couplings("resource")["dv_id"])
    record = next(i for i in free if i not in coupled)
    desk.workspace.create("resource", [("", record)], side="dv")
    made = [c for c in make(desk) if c.kind == "resource" and c.dv_id == record]
    assert [c.action for c in made if not c.step] == ["create"]
    assert "by hand" in made[0].blocked_by[0]
