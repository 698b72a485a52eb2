"""Apply through pages and choice columns: what only a page shows, and values that become options."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from d365kit.services import run
from tests.conftest import Desk, ask
from tests.test_apply import ready, write
from tests.test_plan import change_of, make

Desks = Callable[..., Desk]


@pytest.fixture
def desk(desks: Desks) -> Desk:
    """A company in step: everything coupled and synchronised, so that both sides have agreed."""
    made = desks(customers=30)
    made.workspace.pull()
    made.couple_by_truth()
    write(made, make(made))
    made.workspace.pull()
    return made


def pair_of(desk: Desk) -> tuple[str, str]:
    """A coupled customer whose plan is empty."""
    couplings = desk.workspace.couplings("customer")
    return couplings["bc_id"].iloc[0], couplings["dv_id"].iloc[0]


def card(desk: Desk, bc_id: str) -> dict:
    number = str(ask(desk.bc, "customers", bc_id)["number"])
    return run(desk.bc.get("ODataV4/CustomerCard", number))


def test_a_field_of_the_card_goes_through_the_card(desk: Desk) -> None:
    bc_id, dv_id = pair_of(desk)
    desk.change("dv", "accounts", dv_id, fax="+49 40 123", telephone1="+49 40 456")
    plan = ready(desk)
    change = change_of(plan, (bc_id, dv_id))
    assert change.side == "bc"
    assert {f.field for f in change.fields} == {"fax", "phone"}
    done = write(desk, plan)
    assert [o.state for o in done.outcomes] == ["done"], done.failed
    assert card(desk, bc_id)["Fax_No"] == "+49 40 123"
    assert ask(desk.bc, "customers", bc_id)["phoneNumber"] == "+49 40 456"
    assert ready(desk).changes == ()


def test_a_field_of_the_card_alone_is_a_change_of_its_own(desk: Desk) -> None:
    bc_id, dv_id = pair_of(desk)
    desk.change("dv", "accounts", dv_id, fax="+49 40 123")
    write(desk, ready(desk))
    assert card(desk, bc_id)["Fax_No"] == "+49 40 123"
    assert ready(desk).changes == ()


def test_a_reference_of_the_card_is_written_as_its_code(desk: Desk) -> None:
    bc_id, dv_id = pair_of(desk)
    agents = desk.workspace.couplings("shipping_agent")
    code, value = agents["bc_id"].iloc[0], agents["dv_id"].iloc[0]
    desk.change("dv", "accounts", dv_id, address1_shippingmethodcode=int(value))
    plan = ready(desk)
    if not any(c.kind == "customer" for c in plan):  # it had that agent already
        code, value = agents["bc_id"].iloc[1], agents["dv_id"].iloc[1]
        desk.change("dv", "accounts", dv_id, address1_shippingmethodcode=int(value))
        plan = ready(desk)
    write(desk, plan)
    assert card(desk, bc_id)["Shipping_Agent_Code"] == code


def test_a_card_that_changed_meanwhile_is_left_alone(desk: Desk) -> None:
    bc_id, dv_id = pair_of(desk)
    desk.change("dv", "accounts", dv_id, fax="+49 40 123", telephone1="+49 40 456")
    plan = ready(desk)
    phone = ask(desk.bc, "customers", bc_id)["phoneNumber"]
    desk.change("bc", "customers", bc_id, Fax_No="+49 30 999")
    done = write(desk, plan)
    (outcome,) = done.failed
    assert "fax of" in outcome.message
    assert "changed in Business Central" in outcome.message
    assert card(desk, bc_id)["Fax_No"] == "+49 30 999"
    assert ask(desk.bc, "customers", bc_id)["phoneNumber"] == phone


def test_the_same_plan_twice_writes_the_card_once(desk: Desk) -> None:
    _, dv_id = pair_of(desk)
    desk.change("dv", "accounts", dv_id, fax="+49 40 123")
    plan = ready(desk)
    write(desk, plan)
    before = dict(desk.sandbox.writes)
    write(desk, plan)
    assert desk.sandbox.writes == before


def test_a_code_becomes_a_value_of_the_choice_column(desks: Desks) -> None:
    desk = desks(customers=30)
    desk.workspace.pull()
    desk.couple_by_truth()
    plan = make(desk)
    made = [c for c in plan if c.kind == "payment_terms" and c.action == "create"]
    assert made
    assert all(int(c.dv_id) >= 100_000_000 for c in made)
    write(desk, plan)
    options = {r.id: r.code for r in desk.workspace.pull()["payment_terms"].dv.itertuples()}
    codes = {r.id: r.code for r in desk.workspace.snapshot["payment_terms"].bc.itertuples()}
    for change in made:
        assert options[change.dv_id] == codes[change.bc_id]
        assert desk.workspace.ledger.partner("payment_terms", "bc", change.bc_id) == change.dv_id
