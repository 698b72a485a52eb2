"""Coupling rules as acts of the ledger: moving, taking over, children, option couplings, first, skipped pairs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from d365kit.errors import AlreadyCoupled, LedgerError, UnknownRecord
from d365kit.ledger import Ledger
from d365kit.nouns import Outcome, Pair

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = {"by": "Ada", "at": AT}
AX, AY, BX, BY = Pair("A", "X"), Pair("A", "Y"), Pair("B", "X"), Pair("B", "Y")
KIND = "customer"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request, tmp_path: Path):
    address = tmp_path / "ledger.db" if request.param == "sqlite" else request.getfixturevalue("postgres").fresh()
    with Ledger.open(address) as opened:
        yield opened


def pairs(ledger: Ledger, kind: str = KIND) -> set[tuple[str, str]]:
    return set(ledger.couplings(kind)[["bc_id", "dv_id"]].itertuples(index=False, name=None))


def agree(ledger: Ledger, pair: Pair) -> None:
    run = ledger.begin_run("plan", "f", **WHO)
    ledger.agree(run, KIND, {(pair.bc_id, pair.dv_id): {"name": {"bc": 1, "dv": 1}}}, at=AT)


# ── Moving ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to", [AY, BX])
def test_a_coupling_moves_to_another_record_as_one_act(ledger, to):
    ledger.confirm(KIND, [AX], **WHO, first="dv")
    agree(ledger, AX)
    batch = ledger.move(KIND, [to], **WHO, note="wrong row", first="bc")
    assert pairs(ledger) == {(to.bc_id, to.dv_id)}
    assert [(d.verdict, d.batch, d.note) for d in ledger.decisions(last=2)] == [
        ("uncouple", batch, "wrong row"), ("confirm", batch, "wrong row"),
    ]  # fmt: skip
    assert ledger.agreements(KIND) == {}, "what the old pair agreed on says nothing of the new one"
    assert list(ledger.couplings()["first"]) == ["bc"]
    assert len(ledger.undo(**WHO)) == 2
    assert pairs(ledger) == {("A", "X")}
    assert list(ledger.couplings()["first"]) == ["dv"]
    assert ledger.agreements(KIND) == {("A", "X"): {"name": {"bc": 1, "dv": 1}}}


def test_what_another_live_record_holds_is_not_moved_away(ledger):
    ledger.confirm(KIND, [AX, BY], **WHO)
    with pytest.raises(AlreadyCoupled, match="bc B ↔ dv Y is coupled already"):
        ledger.move(KIND, [AY], **WHO)
    for wrong in (Pair("C", "Z"), AX):
        with pytest.raises(UnknownRecord):
            ledger.move(KIND, [wrong], **WHO)
    assert (pairs(ledger), ledger.position) == ({("A", "X"), ("B", "Y")}, 2)


def test_a_move_ends_a_rejection_and_its_undo_brings_it_back(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    ledger.reject(KIND, [AY], **WHO)
    ledger.move(KIND, [AY], **WHO)
    assert ledger.rejected(KIND).empty
    ledger.undo(**WHO)
    assert len(ledger.rejected(KIND)) == 1


def test_a_server_refuses_rewriting_gaps_and_a_second_partner_itself(postgres):
    """Neither append-only nor one-to-one rests on our own checks."""
    address = postgres.fresh()
    schema = address.rpartition("%3D")[2]
    with Ledger.open(address) as ledger:
        ledger.confirm(KIND, [AX], **WHO)
        ledger.reject(KIND, [BY], **WHO)
        columns = "at, by, kind, verdict, bc_id, dv_id, batch, score, band, evidence, fingerprint, note, run, undoes"
        again = f"INSERT INTO decisions SELECT {{at}}, {columns} FROM decisions WHERE position = 1"
        for refused in (
            "UPDATE decisions SET by = 'Eve'", "DELETE FROM decisions", "TRUNCATE decisions CASCADE",
            again.format(at=9), again.format(at=0), "INSERT INTO decisions SELECT * FROM decisions",
        ):  # fmt: skip
            with pytest.raises(DBAPIError):
                postgres.run(f"SET search_path = {schema}; {refused}")
        for pair in ("'A', 'Y'", "'B', 'X'"):
            with pytest.raises(IntegrityError, match="one_partner_of"):
                postgres.run(f"INSERT INTO {schema}.couplings VALUES (2, '{KIND}', {pair})")
        postgres.run(f"SET search_path = {schema}; {again.format(at=3)}")
        assert [d.position for d in ledger.decisions()] == [1, 2, 3]


# ── Taking over ───────────────────────────────────────────────────────────────────────────────────


def test_a_coupling_whose_half_is_gone_gives_way(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    with pytest.raises(AlreadyCoupled, match="bc A ↔ dv X"):
        ledger.take_over(KIND, [AY], {"bc": set(), "dv": set()}, **WHO)
    ledger.take_over(KIND, [AY], {"bc": set(), "dv": {"X"}}, **WHO)
    assert pairs(ledger) == {("A", "Y")}
    ledger.take_over(KIND, [BY], {"bc": {"A"}, "dv": set()}, **WHO)
    assert pairs(ledger) == {("B", "Y")}
    for _ in range(2):
        ledger.undo(**WHO)
    assert pairs(ledger) == {("A", "X")}


def test_two_couplings_with_deleted_halves_become_one(ledger):
    ledger.confirm(KIND, [Pair("A", "deleted row"), Pair("deleted record", "Y")], **WHO)
    with pytest.raises(AlreadyCoupled):
        ledger.take_over(KIND, [AY], {"bc": set(), "dv": {"deleted row"}}, **WHO)
    batch = ledger.take_over(KIND, [AY], {"bc": {"deleted record"}, "dv": {"deleted row"}}, **WHO)
    assert pairs(ledger) == {("A", "Y")}
    assert [d.batch for d in ledger.decisions(last=3)] == [batch] * 3
    ledger.undo(**WHO)
    assert pairs(ledger) == {("A", "deleted row"), ("deleted record", "Y")}


def test_being_gone_on_the_other_side_is_not_being_gone(ledger):
    """The id of a gone BC record says nothing about a row in Dataverse that happens to be called the same."""
    ledger.confirm(KIND, [AX], **WHO)
    with pytest.raises(AlreadyCoupled):
        ledger.take_over(KIND, [AY], {"bc": {"X"}, "dv": set()}, **WHO)


# ── Children ──────────────────────────────────────────────────────────────────────────────────────


def test_children_end_with_their_parent_in_one_act(ledger):
    ledger.confirm(KIND, [AX, BY], **WHO)
    ledger.confirm("contact", [Pair("C1", "D1"), Pair("C2", "D2"), Pair("C3", "D3")], **WHO)
    also = {"contact": [Pair("C1", "D1"), Pair("C2", "D2")]}
    batch = ledger.uncouple(KIND, [AX], **WHO, also=also)
    assert (pairs(ledger), pairs(ledger, "contact")) == ({("B", "Y")}, {("C3", "D3")})
    assert [d.kind for d in ledger.decisions(batch=batch)] == [KIND, "contact", "contact"]
    undone = ledger.undo(**WHO)
    assert [d.kind for d in undone] == [KIND, "contact", "contact"]
    assert (len(pairs(ledger)), len(pairs(ledger, "contact"))) == (2, 3)
    again = ledger.decisions(last=1)[0].batch
    ledger.undo(batch=again, **WHO)
    assert (pairs(ledger), pairs(ledger, "contact")) == ({("B", "Y")}, {("C3", "D3")})


def test_a_child_that_is_not_coupled_stops_all_of_it(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    with pytest.raises(UnknownRecord, match="contact"):
        ledger.uncouple(KIND, [AX], **WHO, also={"contact": [Pair("C1", "D1")]})
    assert (pairs(ledger), ledger.position) == ({("A", "X")}, 1)


def test_a_later_decision_on_a_child_prevents_the_undo_of_the_act(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    ledger.confirm("contact", [Pair("C1", "D1")], **WHO)
    batch = ledger.uncouple(KIND, [AX], **WHO, also={"contact": [Pair("C1", "D1")]})
    ledger.confirm("contact", [Pair("C1", "D9")], **WHO)
    with pytest.raises(LedgerError, match="same records"):
        ledger.undo(batch=batch, **WHO)


# ── Option couplings and first ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["payment_terms", "shipment_method", "shipping_agent"])
def test_an_integer_of_a_choice_column_belongs_to_one_code_of_its_kind(ledger, kind):
    ledger.confirm(kind, [Pair("code 1M", "100000000"), Pair("code COD", "2")], **WHO)
    with pytest.raises(AlreadyCoupled, match="dv 2"):
        ledger.confirm(kind, [Pair("code 14D", "2")], **WHO)
    other = "shipping_agent" if kind != "shipping_agent" else "payment_terms"
    ledger.confirm(other, [Pair("code DHL", "2")], **WHO)
    assert ledger.partner(kind, "dv", "2") == "code COD"
    assert ledger.partner(other, "dv", "2") == "code DHL"


def test_first_is_kept_with_the_coupling(ledger):
    ledger.confirm(KIND, [AX, Pair("B", "Y", first="bc"), Pair("C", "Z")], **WHO, first="dv")
    ledger.confirm(KIND, [Pair("D", "W")], **WHO)
    assert list(ledger.couplings(KIND)["first"]) == ["dv", "bc", "dv", ""]
    assert [d.first for d in ledger.decisions()] == ["dv", "bc", "dv", ""]
    with pytest.raises(LedgerError, match="“both”"):
        ledger.confirm(KIND, [Pair("E", "V")], **WHO, first="both")
    assert ledger.position == 4


# ── Skipped pairs ─────────────────────────────────────────────────────────────────────────────────


def fail(
    ledger: Ledger, message: str = "no such city", *, pair: Pair = AX, side: str = "dv", state: str = "failed",
    status: int = 400, action: str = "update", request: str = "",
) -> str:  # fmt: skip
    """A run of its own in which one change ends so."""
    run = ledger.begin_run("plan", "f", **WHO)
    ledger.settle(
        run,
        Outcome("c1", KIND, action, side, pair.bc_id, pair.dv_id, "Adatum", state, message, status, request),
        **WHO,
    )
    ledger.end_run(run, at=AT)
    return run


def skipped(ledger: Ledger) -> list[tuple[str, str]]:
    return list(ledger.skipped(KIND)[["bc_id", "dv_id"]].itertuples(index=False, name=None))


def test_the_same_error_twice_running_skips_the_pair(ledger):
    ledger.confirm(KIND, [AX, BY], **WHO)
    assert list(ledger.skipped()) == ["kind", "bc_id", "dv_id", "side", "title", "message", "times"]
    fail(ledger)
    assert skipped(ledger) == []
    fail(ledger, pair=BY)
    fail(ledger)
    assert ledger.skipped().to_dict("records") == [
        {"kind": KIND, "bc_id": "A", "dv_id": "X", "side": "dv", "title": "Adatum", "message": "no such city",
         "times": 2}
    ]  # fmt: skip


def test_two_errors_are_the_same_but_for_ids_and_times(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    said = "Dataverse answered 400 to PATCH accounts({id}): bad. (0x80040265, request {request}) {at}"
    first = {"id": "0d1f5c2e-7d6b-4d2f-9a55-d365d365d365", "request": "req-1", "at": "2026-03-01T12:00:00Z"}
    second = {"id": "0d1f5c2e-7d6b-4d2f-9a55-d365d365d366", "request": "req-2", "at": "2026-03-02T08:30:11.5Z"}
    for told in (first, second):
        fail(ledger, said.format(**told), request=told["request"])
    assert skipped(ledger) == [("A", "X")]


@pytest.mark.parametrize("between", [{"message": "another error"}, {"state": "done"}, {"status": 500}])
def test_what_comes_between_makes_it_not_twice_running(ledger, between):
    ledger.confirm(KIND, [AX], **WHO)
    fail(ledger)
    fail(ledger, **between)
    fail(ledger)
    assert skipped(ledger) == []
    fail(ledger)
    assert skipped(ledger) == [("A", "X")]


def test_directions_count_apart_and_skip_the_whole_pair(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    fail(ledger)
    fail(ledger, side="bc")
    assert skipped(ledger) == []
    fail(ledger)
    fail(ledger, "something else", side="bc")
    assert skipped(ledger) == [("A", "X")], "a failure in the other direction does not lift it"


@pytest.mark.parametrize("state", ["skipped", "unknown"])
def test_what_was_not_tried_to_its_end_does_not_count(ledger, state):
    ledger.confirm(KIND, [AX], **WHO)
    fail(ledger)
    fail(ledger, state=state)
    assert skipped(ledger) == []
    fail(ledger)
    assert skipped(ledger) == [("A", "X")]


@pytest.mark.parametrize("status", [401, 412, 429, 503])
def test_refusals_that_say_nothing_about_the_record_do_not_skip_it(ledger, status):
    ledger.confirm(KIND, [AX], **WHO)
    for _ in range(3):
        fail(ledger, status=status)
    assert skipped(ledger) == []


def test_a_successful_run_lifts_the_skip(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    for _ in range(2):
        fail(ledger)
    fail(ledger, state="done")
    assert skipped(ledger) == []


def test_a_new_coupling_lifts_the_skip_and_the_old_one_has_it_again(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    for _ in range(2):
        fail(ledger)
    ledger.move(KIND, [AY], **WHO)
    assert skipped(ledger) == []
    ledger.undo(**WHO)
    assert skipped(ledger) == [("A", "X")]
    ledger.uncouple(KIND, [AX], **WHO)
    assert skipped(ledger) == []
    ledger.confirm(KIND, [AX], **WHO)
    assert skipped(ledger) == []


def test_retry_lifts_the_skip_of_one_or_of_all(ledger):
    ledger.confirm(KIND, [AX, BY], **WHO)
    for pair in (AX, BY, AX, BY):
        fail(ledger, pair=pair)
    assert skipped(ledger) == [("A", "X"), ("B", "Y")]
    with pytest.raises(UnknownRecord, match="not skipped"):
        ledger.retry(KIND, [AX, AY], **WHO)
    ledger.retry(KIND, [AX], **WHO)
    assert skipped(ledger) == [("B", "Y")]
    fail(ledger)
    assert skipped(ledger) == [("B", "Y")], "one more failure is not twice running"
    ledger.undo(**WHO)
    assert skipped(ledger) == [("A", "X"), ("B", "Y")]
    assert ledger.retry(KIND, **WHO) > 0
    assert skipped(ledger) == []
    assert ledger.retry(KIND, **WHO) == 0
    for _ in range(2):
        fail(ledger)
    assert skipped(ledger) == [("A", "X")]


def test_a_retry_stands_in_no_other_undo_and_settles_nothing(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    for _ in range(2):
        fail(ledger)
    ledger.retry(KIND, [AX], **WHO)
    assert pairs(ledger) == {("A", "X")}
    ledger.undo(batch=1, **WHO)
    assert pairs(ledger) == set()
    ledger.undo(batch=3, **WHO)
    assert pairs(ledger) == {("A", "X")}


def test_a_create_is_skipped_by_its_own_record(ledger):
    """Its other half gets another id in every plan."""
    ledger.create(KIND, [Pair("A")], **WHO)
    for new in ("n1", "n2"):
        fail(ledger, "no unit", pair=Pair("A", new), action="create")
    assert skipped(ledger) == [("A", "")]
    ledger.retry(KIND, [Pair("A")], **WHO)
    assert skipped(ledger) == []
    for new in ("n3", "n4"):
        fail(ledger, pair=Pair("A", new), action="create")
    assert skipped(ledger) == [("A", "")]
    ledger.confirm(KIND, [AX], **WHO)
    assert skipped(ledger) == []


def test_twice_in_one_run_is_one_try(ledger):
    ledger.confirm(KIND, [AX], **WHO)
    run = ledger.begin_run("plan", "f", **WHO)
    for change in ("c1", "c2"):
        refused = Outcome(change, KIND, "update", "dv", "A", "X", "Adatum", "failed", "no", 400)
        ledger.settle(run, refused, **WHO)
    assert skipped(ledger) == []


def test_words_that_no_database_keeps_do_not_keep_an_outcome_out(ledger):
    ledger.confirm(KIND, [AX], **WHO, note="half \ud800 and nul \0")
    run = fail(ledger, "nul \0 and half \udfff", request="r" * 300)
    assert ledger.outcomes(run)[0].message == "nul � and half �"
    assert ledger.decisions()[0].note == "half � and nul �"
    with pytest.raises(LedgerError):
        ledger.confirm(KIND, [Pair("half \ud800", "Y")], **WHO)
    assert ledger.position == 1
