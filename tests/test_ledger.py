"""The ledger keeps every decision, keeps one-to-one, takes back exactly, and survives being killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event, text

from d365kit.errors import AlreadyCoupled, LedgerError, NothingToUndo, SettingsError, UnknownRecord
from d365kit.ledger import Ledger
from d365kit.ledger.history import taken_back
from d365kit.ledger.store import Store
from d365kit.ledger.values import decode, encode
from d365kit.nouns import Outcome, Pair

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = {"by": "Ada", "at": AT}
AX, AY, BX, BY = Pair("A", "X"), Pair("A", "Y"), Pair("B", "X"), Pair("B", "Y")


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "kept here" / "ledger.db"


@pytest.fixture
def on_file(path):
    """A ledger in a file, for what only SQLite has."""
    with Ledger.open(path) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
def address(request) -> str | Path:
    """Where to open a ledger: a file, or an empty place on a server."""
    if request.param == "sqlite":
        return request.getfixturevalue("path")
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def ledger(address):
    with Ledger.open(address) as opened:
        yield opened


def rows(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


def pairs(ledger: Ledger, kind: str = "customer") -> set[tuple[str, str]]:
    return set(rows(ledger.couplings(kind)[["bc_id", "dv_id"]]))


def state(ledger: Ledger, kind: str = "customer") -> tuple:
    """All that follows from the decisions; two ledgers with the same state answer alike."""
    return (
        rows(ledger.couplings(kind)), rows(ledger.rejected(kind)), rows(ledger.deferred(kind)),
        rows(ledger.creates(kind)), ledger.agreements(kind),
    )  # fmt: skip


def outcome(change: str, state: str = "done", *, bc_id: str = "A", dv_id: str = "X", **more) -> Outcome:
    return Outcome(change, "customer", "update", "dv", bc_id, dv_id, f"Title of {change}", state, **more)


def intend(ledger: Ledger, run: str, change: str, bc_id: str = "A", dv_id: str = "X") -> None:
    ledger.intend(
        run, change, kind="customer", action="update", side="dv", bc_id=bc_id, dv_id=dv_id, title=f"Title of {change}"
    )


def agree(ledger: Ledger, pair: Pair, **fields) -> None:
    run = ledger.begin_run("plan", "f", **WHO)
    ledger.agree(run, "customer", {(pair.bc_id, pair.dv_id): fields}, at=AT)


# ── Opening ───────────────────────────────────────────────────────────────────────────────────────


def test_a_new_ledger_is_empty_with_all_its_columns(on_file, path):
    """A path is made with its parents, and every frame has its columns before anything is decided."""
    assert path.is_file()
    assert (on_file.position, on_file.decisions(), on_file.unsettled()) == (0, [], [])
    assert list(on_file.couplings()) == ["kind", "bc_id", "dv_id", "by", "at", "position", "synchronised", "first"]
    assert list(on_file.rejected("customer")) == ["bc_id", "dv_id", "fingerprint"]
    assert list(on_file.deferred("customer")) == ["bc_id", "dv_id"]
    assert list(on_file.creates()) == ["kind", "bc_id", "dv_id"]
    assert list(on_file.runs()) == [
        "run", "plan", "fingerprint", "by", "started", "ended", "done", "failed", "skipped", "unknown",
    ]  # fmt: skip


def test_frames_have_the_same_types_when_empty(ledger):
    empty, empty_runs = ledger.couplings().dtypes, ledger.runs().dtypes
    ledger.confirm("customer", [AX], **WHO)
    ledger.begin_run("plan", "f", **WHO)
    assert ledger.couplings().dtypes.equals(empty)
    assert ledger.runs().dtypes.equals(empty_runs)
    assert str(empty["at"].tz) == "UTC"
    assert str(empty["synchronised"]) == "bool"


def test_what_is_decided_is_there_after_opening_again(path):
    with Ledger.open(str(path)) as ledger:
        ledger.confirm("customer", [AX], **WHO)
    with Ledger.open(f"sqlite:///{path.as_posix()}") as ledger:
        assert ledger.partner("customer", "bc", "A") == "X"
        assert ledger.partner("customer", "dv", "X") == "A"
        assert ledger.partner("item", "bc", "A") is None


def test_sqlite_is_set_up_to_last(on_file):
    """WAL, every commit on the disk, foreign keys, and waiting for other writers."""
    with on_file._store.reading() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 30_000]


@pytest.mark.parametrize("content", [b"no database", b"no database at all, " * 500])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="no database"):
        Ledger.open(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "table", ["CREATE TABLE other (x)", "CREATE TABLE meta (x)", "CREATE TABLE meta (key, value)"]
)
def test_another_database_is_refused_and_left_alone(path, table):
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute(table)
    other.close()
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="no ledger"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_a_newer_ledger_is_refused(path):
    Ledger.open(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value = '99'")
    raw.close()
    with pytest.raises(SettingsError, match="version 99") as caught:
        Ledger.open(path)
    assert caught.value.todo


@pytest.mark.parametrize("address", ["nonsense://x/y", "sqlite+nothing:///x", "://", "sqlite://host:x/y"])
def test_a_wrong_address_is_a_settings_error(address):
    with pytest.raises(SettingsError):
        Ledger.open(address)


def test_a_folder_or_a_file_in_the_way_is_a_settings_error(tmp_path):
    (tmp_path / "file").write_text("x")
    for wrong in (tmp_path, tmp_path / "file" / "ledger.db"):
        with pytest.raises(SettingsError):
            Ledger.open(wrong)


def test_addresses_in_messages_hide_the_password():
    with pytest.raises(SettingsError) as caught:
        Ledger.open("postgresql+nodriver://ada:secret@host/db")
    assert "secret" not in str(caught.value)


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────


def test_a_confirmed_pair_is_a_coupling_and_a_line(ledger):
    sure = Pair("A", "X", 7.5, "certain", [{"field": "name", "weight": Decimal("3.10")}], "f1")
    batch = ledger.confirm("customer", [sure, BY], by="Ada", at=AT, note="seen", run="R1")
    first, second = ledger.decisions()
    assert (first.batch, second.batch, first.position, second.position) == (batch, batch, 1, 2)
    assert (first.at, first.by, first.verdict, first.note, first.run) == (AT, "Ada", "confirm", "seen", "R1")
    assert (first.score, first.band, first.evidence, first.fingerprint) == (7.5, "certain", sure.evidence, "f1")
    assert rows(ledger.couplings()) == [
        ("customer", "A", "X", "Ada", pd.Timestamp(AT), 1, False, ""),
        ("customer", "B", "Y", "Ada", pd.Timestamp(AT), 2, False, ""),
    ]


def test_couplings_are_sorted_by_kind_and_bc_id(ledger):
    ledger.confirm("item", [Pair("2", "b"), Pair("10", "a")], **WHO)
    ledger.confirm("customer", [BY, AX], **WHO)
    assert list(ledger.couplings()["bc_id"]) == ["A", "B", "10", "2"]
    assert list(ledger.couplings("item")["bc_id"]) == ["10", "2"]


def test_times_are_kept_in_utc_and_a_time_without_zone_is_refused(ledger):
    ledger.confirm("customer", [AX], by="Ada", at=AT.astimezone(timezone(timedelta(hours=5))))
    assert ledger.decisions()[0].at.utcoffset() == timedelta(0)
    assert ledger.decisions()[0].at == AT
    with pytest.raises(LedgerError, match="zone"):
        ledger.confirm("customer", [BY], by="Ada", at=datetime(2026, 1, 1))
    assert ledger.position == 1


@pytest.mark.parametrize("clash", [AY, BX])
def test_a_second_partner_is_refused_and_nothing_is_written(ledger, clash):
    ledger.confirm("customer", [AX], **WHO)
    before = state(ledger)
    with pytest.raises(AlreadyCoupled) as caught:
        ledger.confirm("customer", [Pair("C", "Z"), clash], **WHO)
    for name in ("A", "X", clash.bc_id, clash.dv_id, "customer"):
        assert name in caught.value.what
    assert "Uncouple" in caught.value.todo
    assert (state(ledger), ledger.position) == (before, 1)


@pytest.mark.parametrize("twice", [[AX, AX], [AX, AY], [AX, BX]])
def test_a_record_twice_in_one_call_is_refused(ledger, twice):
    with pytest.raises(AlreadyCoupled, match="same call"):
        ledger.confirm("customer", twice, **WHO)
    assert ledger.position == 0


def test_confirming_again_writes_no_line(ledger):
    ledger.confirm("customer", [AX], **WHO)
    assert ledger.confirm("customer", [AX], **WHO) == 0
    assert ledger.confirm("customer", [AX, BY], **WHO) == 2
    assert [d.bc_id for d in ledger.decisions()] == ["A", "B"]
    assert ledger.confirm("customer", [], **WHO) == 0


def test_the_same_ids_may_be_coupled_in_two_kinds(ledger):
    ledger.confirm("customer", [AX], **WHO)
    ledger.confirm("item", [AY], **WHO)
    assert len(ledger.couplings()) == 2


def test_the_database_itself_refuses_a_second_partner(on_file, path):
    """One-to-one does not rest on our own checks."""
    on_file.confirm("customer", [AX], **WHO)
    on_file.reject("customer", [AY, BX], **WHO)
    raw = sqlite3.connect(path)
    for position, bc_id, dv_id in ((2, "A", "Y"), (3, "B", "X")):
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            raw.execute("INSERT INTO couplings VALUES (?, 'customer', ?, ?)", (position, bc_id, dv_id))
    raw.close()


def test_a_refusal_of_the_database_reads_as_already_coupled(ledger, monkeypatch):
    ledger.confirm("customer", [AX], **WHO)
    monkeypatch.setattr("d365kit.ledger.acts.Partners.tie", lambda *_: "")
    with pytest.raises(AlreadyCoupled, match="second coupling"):
        ledger.confirm("customer", [AY], **WHO)
    assert ledger.position == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE decisions SET by = 'Eve'",
        "DELETE FROM decisions",
        "INSERT OR REPLACE INTO decisions SELECT * FROM decisions",
        "UPDATE decisions SET position = position + 9",
    ],
)
def test_decisions_cannot_be_rewritten(on_file, path, change):
    on_file.reject("customer", [AX], **WHO)
    before = on_file.decisions()
    raw = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="only ever appended"):
        raw.execute(change)
    raw.close()
    with pytest.raises(LedgerError, match="only ever appended"), on_file._store.writing() as connection:
        connection.execute(text(change))
    assert on_file.decisions() == before


def test_rejections_stand_until_the_pair_is_confirmed(ledger):
    ledger.reject("customer", [Pair("A", "X", fingerprint="old"), BY], **WHO)
    ledger.reject("customer", [Pair("A", "X", fingerprint="new")], **WHO)
    assert rows(ledger.rejected("customer")) == [("A", "X", "new"), ("B", "Y", "")]
    ledger.confirm("customer", [AX], **WHO)
    assert rows(ledger.rejected("customer")) == [("B", "Y", "")]
    assert ledger.rejected("item").empty


def test_the_last_verdict_on_a_pair_counts(ledger):
    ledger.reject("customer", [AX], **WHO)
    ledger.defer("customer", [AX], **WHO)
    assert ledger.rejected("customer").empty
    assert rows(ledger.deferred("customer")) == [("A", "X")]
    ledger.create("customer", [Pair("A")], **WHO)
    ledger.defer("customer", [Pair("A")], **WHO)
    assert ledger.creates().empty
    ledger.confirm("customer", [AY], **WHO)
    assert rows(ledger.deferred("customer")) == [("A", "X")], "another pair of the record stays put off"


@pytest.mark.parametrize("verdict", ["reject", "defer"])
def test_a_coupled_pair_cannot_be_judged(ledger, verdict):
    ledger.confirm("customer", [AX], **WHO)
    with pytest.raises(LedgerError, match="coupled"):
        getattr(ledger, verdict)("customer", [BY, AX], **WHO)
    assert ledger.position == 1
    getattr(ledger, verdict)("customer", [AY], **WHO)


@pytest.mark.parametrize(("half", "consumer"), [(Pair("A"), AX), (Pair(dv_id="X"), AX)])
def test_a_coupling_consumes_the_create_and_its_undo_brings_it_back(ledger, half, consumer):
    ledger.create("customer", [half], **WHO)
    stands = [("customer", half.bc_id, half.dv_id)]
    assert rows(ledger.creates()) == rows(ledger.creates("customer")) == stands
    batch = ledger.confirm("customer", [consumer], **WHO)
    assert ledger.creates().empty
    ledger.undo(batch=batch, **WHO)
    assert rows(ledger.creates()) == stands
    ledger.confirm("customer", [consumer], **WHO)
    ledger.uncouple("customer", [consumer], **WHO)
    assert ledger.creates().empty, "uncoupling is no wish to make the record again"


def test_a_coupled_record_cannot_be_created(ledger):
    ledger.confirm("customer", [AX], **WHO)
    for half in (Pair("A"), Pair(dv_id="X")):
        with pytest.raises(AlreadyCoupled, match="bc A ↔ dv X"):
            ledger.create("customer", [half], **WHO)
        with pytest.raises(LedgerError, match="coupled"):
            ledger.defer("customer", [half], **WHO)


def test_ids_must_fit_the_verdict(ledger):
    for act, wrong in (
        (ledger.confirm, Pair("A")), (ledger.reject, Pair("A")), (ledger.uncouple, Pair("A")),
        (ledger.create, AX), (ledger.create, Pair()), (ledger.defer, Pair()), (ledger.confirm, Pair(1, "X")),
    ):  # fmt: skip
        with pytest.raises(LedgerError) as caught:
            act("customer", [wrong], **WHO)
        assert caught.value.todo
    ledger.create("customer", [Pair("A", None), Pair(pd.NA, "X")], **WHO)
    assert rows(ledger.creates()) == [("customer", "", "X"), ("customer", "A", "")]


def test_uncoupling_says_when_there_is_nothing_to_uncouple(ledger):
    ledger.confirm("customer", [AX], **WHO)
    for wrong in (AY, BX, BY):
        with pytest.raises(UnknownRecord, match="not coupled"):
            ledger.uncouple("customer", [AX, wrong], **WHO)
    assert pairs(ledger) == {("A", "X")}
    ledger.uncouple("customer", [AX], **WHO)
    assert pairs(ledger) == set()
    ledger.confirm("customer", [AY], **WHO)


def test_the_last_lines_are_the_newest_oldest_first(ledger):
    ledger.reject("customer", [AX, AY, BX], **WHO)
    ledger.reject("item", [BY], **WHO)
    assert [d.position for d in ledger.decisions(last=2)] == [3, 4]
    assert [d.position for d in ledger.decisions("customer", last=2)] == [2, 3]
    assert ledger.decisions(last=0) == []


def test_the_position_leaves_out_the_lines_of_a_plan(ledger):
    ledger.confirm("customer", [AX], **WHO)
    for plan in ("mine", "other", "mine"):
        run = ledger.begin_run(plan, "f", **WHO)
        pair = Pair(f"bc {run}", f"dv {run}")
        ledger.settle(run, outcome("c"), couple=pair, **WHO)
    assert ledger.position == 4
    assert ledger.position_without("mine") == 2
    assert ledger.position_without("other") == 3
    assert ledger.position_without("none") == 4


# ── Undo ──────────────────────────────────────────────────────────────────────────────────────────


def test_undo_goes_back_step_by_step_and_is_a_decision_too(ledger):
    ledger.reject("customer", [AX], **WHO)
    ledger.confirm("customer", [AX, BY], **WHO)
    undone = ledger.undo(by="Bob", at=AT)
    assert [(d.verdict, d.bc_id, d.batch) for d in undone] == [("confirm", "A", 2), ("confirm", "B", 2)]
    assert [(d.verdict, d.by, d.batch, d.undoes) for d in ledger.decisions(last=2)] == [("undo", "Bob", 3, 2)] * 2
    assert len(ledger.rejected("customer")) == 1
    assert [d.verdict for d in ledger.undo(**WHO)] == ["reject"]
    assert state(ledger) == ([], [], [], [], {})
    with pytest.raises(NothingToUndo):
        ledger.undo(**WHO)
    assert ledger.position == 6


def test_an_undo_can_be_undone(ledger):
    ledger.confirm("customer", [AX], **WHO)
    agree(ledger, AX, name={"bc": "a", "dv": "a"})
    before = state(ledger)
    for _ in range(3):
        ledger.undo(**WHO)
        assert pairs(ledger) == set()
        last = ledger.decisions(last=1)[0].batch
        assert [d.verdict for d in ledger.undo(batch=last, **WHO)] == ["undo"]
        assert state(ledger) == before


def test_undoing_twice_or_what_is_not_there_is_refused(ledger):
    batch = ledger.confirm("customer", [AX], **WHO)
    ledger.undo(**WHO)
    for wrong in (batch, 99, 0):
        with pytest.raises(NothingToUndo) as caught:
            ledger.undo(batch=wrong, **WHO)
        assert caught.value.todo
    assert ledger.position == 2


def test_later_decisions_on_the_same_records_prevent_an_undo(ledger):
    first = ledger.confirm("customer", [AX], **WHO)
    second = ledger.uncouple("customer", [AX], **WHO)
    ledger.confirm("customer", [AY], **WHO)
    for batch in (first, second):
        with pytest.raises(LedgerError, match="batch"):
            ledger.undo(batch=batch, **WHO)
    for _ in range(3):
        ledger.undo(**WHO)
    with pytest.raises(LedgerError, match="same records"):
        ledger.undo(batch=5, **WHO)  # would uncouple again what is not coupled now
    ledger.undo(batch=6, **WHO)
    ledger.undo(batch=5, **WHO)
    assert pairs(ledger) == set()


def test_decisions_on_other_records_do_not_prevent_an_undo(ledger):
    first = ledger.confirm("customer", [AX], **WHO)
    ledger.confirm("customer", [BY], **WHO)
    ledger.reject("customer", [AY], **WHO)
    ledger.undo(batch=first, **WHO)
    assert pairs(ledger) == {("B", "Y")}


def test_taken_back_follows_chains():
    chain = [(2, 1), (3, 2), (4, 3), (5, 4)]
    assert [taken_back(chain, upto) for upto in range(1, 6)] == [{}, {1: 2}, {2: 3}, {1: 2, 3: 4}, {2: 3, 4: 5}]


# ── Agreements ────────────────────────────────────────────────────────────────────────────────────


def test_agreements_come_back_as_they_went_in(ledger):
    ledger.confirm("customer", [AX, BY], **WHO)
    values = {
        "limit": {"bc": Decimal("1000.500000000001"), "dv": Decimal("-0E+3")},
        "open": {"bc": True, "dv": None}, "count": {"bc": 3, "dv": 2**70}, "share": {"bc": 0.1, "dv": 1e300},
        "name": {"bc": "Žluťoučký 😀 \ud800", "dv": ""}, "due": {"bc": date(2026, 1, 2), "dv": AT},
    }  # fmt: skip
    agree(ledger, AX, **values)
    found = ledger.agreements("customer")
    assert found == {("A", "X"): values}
    assert str(found["A", "X"]["limit"]) == str(values["limit"])
    assert list(ledger.couplings()["synchronised"]) == [True, False]
    agree(ledger, AX, name={"bc": 1, "dv": pd.NA})
    assert ledger.agreements("customer") == {("A", "X"): {"name": {"bc": 1, "dv": None}}}
    assert ledger.agreements("item") == {}


@given(
    st.decimals(allow_nan=False) | st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
)
def test_values_are_kept_exactly(value):
    back = decode(encode({"f": {"bc": value, "dv": [value]}}))
    assert repr(back) == repr({"f": {"bc": value, "dv": [value]}})


def test_a_value_the_ledger_cannot_keep_is_refused(ledger):
    ledger.confirm("customer", [AX], **WHO)
    with pytest.raises(LedgerError, match="object"):
        agree(ledger, AX, name={"bc": object()})
    assert ledger.agreements("customer") == {}


def test_a_new_coupling_has_no_agreement_and_an_undone_uncoupling_has_its_old_one(ledger):
    ledger.confirm("customer", [AX], **WHO)
    agree(ledger, AX, name={"bc": "a", "dv": "a"})
    before = state(ledger)
    ledger.uncouple("customer", [AX], **WHO)
    assert ledger.agreements("customer") == {}
    ledger.confirm("customer", [AX], **WHO)
    assert ledger.agreements("customer") == {}
    assert not ledger.couplings()["synchronised"].any()
    ledger.undo(**WHO)
    ledger.undo(**WHO)
    assert state(ledger) == before


def test_only_coupled_pairs_agree(ledger):
    ledger.confirm("customer", [AX], **WHO)
    run = ledger.begin_run("plan", "f", **WHO)
    with pytest.raises(UnknownRecord, match="not coupled"):
        ledger.agree(run, "customer", {("A", "X"): {}, ("A", "Y"): {}}, at=AT)
    with pytest.raises(UnknownRecord, match="no run"):
        ledger.agree("R9", "customer", {("A", "X"): {}}, at=AT)
    assert ledger.agreements("customer") == {}


# ── The journal ───────────────────────────────────────────────────────────────────────────────────


def test_a_run_from_begin_to_end(ledger):
    ledger.confirm("customer", [BY], **WHO)
    run = ledger.begin_run("plan", "print", **WHO)
    for change in ("c1", "c2", "c3"):
        intend(ledger, run, change)
    assert [o.state for o in ledger.unsettled()] == ["unknown"] * 3
    both = {"name": {"bc": "a", "dv": "a"}}
    ledger.settle(run, outcome("c1"), couple=AX, agreement=both, **WHO)
    ledger.settle(run, outcome("c2", "failed", message="no", status=400, request_id="q"), **WHO)
    ledger.settle(run, outcome("c4", "skipped"), **WHO)
    assert [(o.change, o.state) for o in ledger.outcomes(run)] == [
        ("c1", "done"), ("c2", "failed"), ("c3", "unknown"), ("c4", "skipped"),
    ]  # fmt: skip
    assert ledger.outcomes(run)[1] == outcome("c2", "failed", message="no", status=400, request_id="q")
    assert ledger.unsettled() == [outcome("c3", "unknown")]
    ledger.end_run(run, at=AT + timedelta(minutes=1))
    assert rows(ledger.runs()) == [
        (run, "plan", "print", "Ada", pd.Timestamp(AT), pd.Timestamp(AT + timedelta(minutes=1)), 1, 1, 1, 1)
    ]
    assert ledger.done_changes("plan") == {"c1"}
    assert ledger.done_changes("other") == set()
    line = ledger.decisions(last=1)[0]
    assert (line.verdict, line.run, line.bc_id, line.dv_id) == ("confirm", run, "A", "X")
    assert ledger.agreements("customer") == {("A", "X"): both}


def test_a_change_may_uncouple_and_couple_at_once_and_undo_takes_back_both(ledger):
    ledger.confirm("customer", [AX], **WHO)
    agree(ledger, AX, name={"bc": 1, "dv": 1})
    before = state(ledger)
    run = ledger.begin_run("plan", "f", **WHO)
    ledger.settle(run, outcome("c1"), couple=AY, uncouple=AX, agreement={}, **WHO)
    assert pairs(ledger) == {("A", "Y")}
    assert ledger.agreements("customer") == {("A", "Y"): {}}
    assert len(ledger.undo(**WHO)) == 2
    assert state(ledger) == before


def test_an_agreement_without_coupling_belongs_to_the_outcomes_pair(ledger):
    ledger.confirm("customer", [AX], **WHO)
    run = ledger.begin_run("plan", "f", **WHO)
    ledger.settle(run, outcome("c1"), agreement={"n": {"bc": 1, "dv": 1}}, **WHO)
    assert ledger.agreements("customer") == {("A", "X"): {"n": {"bc": 1, "dv": 1}}}


def test_settling_is_all_or_nothing(ledger, monkeypatch):
    """Whatever part of it is refused, neither outcome nor coupling nor agreement is there."""
    ledger.confirm("customer", [BX], **WHO)
    run = ledger.begin_run("plan", "f", **WHO)
    intend(ledger, run, "c1")
    before = (state(ledger), ledger.position, ledger.outcomes(run))
    for error, more in (
        (AlreadyCoupled, {"couple": AX}),
        (UnknownRecord, {"uncouple": AY}),
        (UnknownRecord, {"uncouple": BX, "agreement": {}}),
        (LedgerError, {"couple": AY, "agreement": {"n": object()}}),
    ):
        with pytest.raises(error):
            ledger.settle(run, outcome("c1"), **more, **WHO)
        assert (state(ledger), ledger.position, ledger.outcomes(run)) == before
    ledger.settle(run, outcome("c1"), **WHO)
    with pytest.raises(LedgerError, match="done already"):
        ledger.settle(run, outcome("c1"), couple=AY, **WHO)
    with pytest.raises(LedgerError, match="done already"):
        intend(ledger, run, "c1")
    with pytest.raises(LedgerError, match="states"):
        ledger.settle(run, outcome("c2", "perhaps"), **WHO)
    assert (state(ledger), ledger.position) == before[:2]


def test_an_unknown_run_is_named(ledger):
    for act in (
        lambda: intend(ledger, "R9", "c"),
        lambda: ledger.settle("R9", outcome("c"), couple=AX, **WHO),
        lambda: ledger.end_run("R9", at=AT),
        lambda: ledger.outcomes("R9"),
    ):
        with pytest.raises(UnknownRecord, match="R9"):
            act()
    assert ledger.position == 0


def test_an_unknown_change_is_settled_by_itself_or_by_a_later_run_of_its_plan(ledger):
    first = ledger.begin_run("plan", "f", **WHO)
    for change in ("c1", "c2", "c3"):
        intend(ledger, first, change)
    ledger.settle(first, outcome("c3", "unknown", message="no answer"), **WHO)
    ledger.end_run(first, at=AT)
    other, again = (ledger.begin_run(plan, "f", **WHO) for plan in ("other", "plan"))
    ledger.settle(other, outcome("c1"), **WHO)
    ledger.settle(again, outcome("c2", "skipped"), **WHO)
    assert [o.change for o in ledger.unsettled()] == ["c1", "c2", "c3"]
    intend(ledger, again, "c1")
    ledger.settle(again, outcome("c1"), **WHO)
    assert [o.change for o in ledger.unsettled()] == ["c2", "c3"]
    ledger.settle(first, outcome("c2", "failed"), **WHO)
    ledger.settle(first, outcome("c3"), **WHO)
    assert ledger.unsettled() == []
    assert [o.change for o in ledger.outcomes(first)] == ["c1", "c2", "c3"]


def test_an_earlier_failure_says_nothing_about_a_later_try(ledger):
    first, second = (ledger.begin_run("plan", "f", **WHO) for _ in range(2))
    ledger.settle(first, outcome("c1", "failed"), **WHO)
    intend(ledger, second, "c1")
    assert ledger.unsettled() == [outcome("c1", "unknown")]


def test_a_failed_change_may_be_tried_again(ledger):
    run = ledger.begin_run("plan", "f", **WHO)
    intend(ledger, run, "c1")
    ledger.settle(run, outcome("c1", "failed", message="busy", status=429), **WHO)
    intend(ledger, run, "c1")
    assert ledger.unsettled() == [outcome("c1", "unknown")]
    ledger.settle(run, outcome("c1"), **WHO)
    assert ledger.outcomes(run) == [outcome("c1")]


def test_run_ids_are_unique_and_sort(ledger):
    ids = [ledger.begin_run("plan", "f", **WHO) for _ in range(12)]
    assert sorted(set(ids)) == ids == list(ledger.runs()["run"])


# ── Others at the same time, full disks, sudden death ─────────────────────────────────────────────

#: Every helper process starts with this; each adds what it does.
HELPER = """
import random, sys
from datetime import UTC, datetime
from d365kit.errors import AlreadyCoupled
from d365kit.ledger import Ledger
from d365kit.nouns import Outcome, Pair
path, me = sys.argv[1:3]
who = {"by": me, "at": datetime(2026, 3, 1, tzinfo=UTC)}
print("ready", flush=True)
sys.stdin.readline()
ledger = Ledger.open(path)
"""


def start(path: Path, me: str, does: str) -> subprocess.Popen:
    script = HELPER + textwrap.dedent(does)
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), me],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def race(path: Path, does: str, number: int = 2) -> list[list[str]]:
    """Let ``number`` processes do the same at once on a ledger that is not there yet; what each printed."""
    processes = [start(path, str(n), does) for n in range(number)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = []
    for process in processes:
        out, problem = process.communicate(timeout=120)
        assert process.returncode == 0, problem
        printed.append(out.split())
    return printed


def test_processes_at_once_break_nothing_and_lose_nothing(path):
    """All want the same records with other partners, and write their own outcomes; each record is won once."""
    printed = race(
        path,
        """
        run = ledger.begin_run("plan", me, **who)
        for n in random.Random(me).sample(range(60), 60):
            try:
                ledger.confirm("item", [Pair(f"b{n}", f"d{(n + int(me)) % 60}")], **who)
                print(n)
            except AlreadyCoupled:
                pass
            ledger.intend(run, f"c{n}", kind="customer", action="create", side="dv", bc_id="", dv_id="", title="")
            ledger.settle(run, Outcome(f"c{n}", "customer", "create", "dv", "", "", "", "done"),
                          couple=Pair(f"b{me} {n}", f"d{me} {n}"), agreement={}, **who)
        """,
    )
    with Ledger.open(path) as ledger:
        frame = ledger.couplings("item")
        assert frame["bc_id"].is_unique
        assert frame["dv_id"].is_unique
        assert len(frame) == sum(map(len, printed))
        for me, won in enumerate(printed):
            assert set(frame[frame["by"] == str(me)]["bc_id"]) == {f"b{n}" for n in won}
        assert [d.position for d in ledger.decisions()] == list(range(1, len(frame) + 60 * len(printed) + 1))
        assert list(ledger.runs()["done"]) == [60] * len(printed)
        assert len(ledger.agreements("customer")) == 60 * len(printed)


def test_a_ledger_that_somebody_else_makes_first_is_simply_opened(path, monkeypatch):
    writing = Store.writing

    def after_somebody_else(store: Store):
        monkeypatch.setattr(Store, "writing", writing)
        with Ledger.open(path) as other:
            other.confirm("customer", [AX], **WHO)
        return store.writing()

    monkeypatch.setattr(Store, "writing", after_somebody_else)
    with Ledger.open(path) as ledger:
        assert pairs(ledger) == {("A", "X")}


def test_threads_share_a_ledger(ledger):
    def work(me: int) -> None:
        for n in range(20):
            ledger.confirm("customer", [Pair(f"b{me}-{n}", f"d{me}-{n}")], **WHO)
            assert len(ledger.couplings()) > n

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.position == len(ledger.couplings()) == 80


def test_a_reader_is_not_held_up_and_sees_no_half_act(on_file, path):
    on_file.confirm("customer", [AX], **WHO)
    with Ledger.open(path) as reader, on_file._store.writing() as connection:
        connection.execute(text("DELETE FROM couplings"))
        assert pairs(reader) == {("A", "X")}


def test_a_writer_that_waits_too_long_says_so(on_file, path, monkeypatch):
    monkeypatch.setattr("d365kit.ledger.dialects.BUSY_SECONDS", 0.05)
    with Ledger.open(path) as other, on_file._store.writing():
        with pytest.raises(LedgerError, match="another process") as caught:
            other.confirm("customer", [AX], **WHO)
        assert caught.value.todo
    assert on_file.position == 0


@pytest.mark.parametrize("kill_after", [1, 40])
def test_a_killed_process_leaves_all_it_acknowledged_and_nothing_half_done(path, kill_after):
    process = start(
        path,
        "apply",
        """
        run = ledger.begin_run("plan", "f", **who)
        for n in range(100_000):
            pair = Pair(f"b{n}", f"d{n}")
            ledger.intend(run, f"c{n}", kind="item", action="create", side="dv", bc_id=f"b{n}", dv_id="", title="")
            ledger.settle(run, Outcome(f"c{n}", "item", "create", "dv", f"b{n}", f"d{n}", "", "done"),
                          couple=pair, agreement={"name": {"bc": n, "dv": n}}, **who)
            print(f"c{n}", flush=True)
        """,
    )
    process.stdin.write("go\n")
    process.stdin.flush()
    acknowledged = [process.stdout.readline().strip() for _ in range(kill_after)]
    process.kill()
    acknowledged += process.stdout.read().split("\n")[:-1]
    process.communicate()
    with Ledger.open(path) as ledger:
        found = ledger.outcomes("R000001")
        done = [o for o in found if o.state == "done"]
        assert [o.change for o in done[: len(acknowledged)]] == acknowledged
        assert len(done) - len(acknowledged) <= 1
        assert [o.change for o in ledger.unsettled()] == [o.change for o in found[len(done) :]]
        assert len(found) - len(done) <= 1
        assert pairs(ledger, "item") == {(o.bc_id, o.dv_id) for o in done} == set(ledger.agreements("item"))
        assert ledger.position == len(done)
        assert ledger.done_changes("plan") == {o.change for o in done}
        intend(ledger, "R000001", "the next one")


ACTS = {
    "confirm": lambda ledger, run: ledger.confirm("customer", [BY, Pair("C", "Z")], **WHO),
    "reject": lambda ledger, run: ledger.reject("customer", [AY, BY], **WHO),
    "create": lambda ledger, run: ledger.create("customer", [Pair("B")], **WHO),
    "uncouple": lambda ledger, run: ledger.uncouple("customer", [AX], **WHO),
    "undo": lambda ledger, run: ledger.undo(**WHO),
    "settle": lambda ledger, run: ledger.settle(run, outcome("c"), couple=AY, uncouple=AX, agreement={}, **WHO),
    "agree": lambda ledger, run: ledger.agree(run, "customer", {("A", "X"): {}}, at=AT),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_broken_off_at_any_statement_changes_nothing(act, tmp_path):
    """The act is stopped before its first, second, … statement; only the whole act shows."""
    stopped = 0
    while True:
        with Ledger.open(tmp_path / f"{stopped}.db") as ledger:
            ledger.defer("customer", [AY, BY], **WHO)
            ledger.confirm("customer", [AX], **WHO)
            run = ledger.begin_run("plan", "f", **WHO)
            ledger.agree(run, "customer", {("A", "X"): {"n": {"bc": 1, "dv": 1}}}, at=AT)
            intend(ledger, run, "c")
            before = (state(ledger), ledger.decisions(), ledger.outcomes(run))
            left = [stopped]

            def stop(*_, left=left) -> None:
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt

            event.listen(ledger._store.engine, "before_cursor_execute", stop)
            try:
                ACTS[act](ledger, run)
            except KeyboardInterrupt:
                stopped += 1
                event.remove(ledger._store.engine, "before_cursor_execute", stop)
                assert (state(ledger), ledger.decisions(), ledger.outcomes(run)) == before
            else:
                break
    assert stopped > 3


def test_a_full_disk_is_a_ledger_error_and_harms_nothing(on_file):
    on_file.confirm("customer", [AX], **WHO)
    many = [Pair(f"b{n}", f"d{n}") for n in range(5_000)]
    with on_file._store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(LedgerError, match="room"):
        on_file.confirm("customer", many, **WHO)
    assert pairs(on_file) == {("A", "X")}
    with on_file._store.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    on_file.confirm("customer", many, **WHO)
    assert on_file.position == 5_001


def test_a_read_only_ledger_can_be_read_and_not_written(path):
    with Ledger.open(path) as ledger:
        ledger.confirm("customer", [AX], **WHO)
    with Ledger.open(f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true") as ledger:
        assert pairs(ledger) == {("A", "X")}
        for act in (lambda: ledger.confirm("customer", [BY], **WHO), lambda: ledger.undo(**WHO)):
            with pytest.raises(LedgerError, match="only be read") as caught:
                act()
            assert caught.value.todo


def test_a_damaged_ledger_is_an_error_of_ours(path):
    with Ledger.open(path) as ledger:
        ledger.confirm("customer", [Pair(f"b{n}", f"d{n}") for n in range(500)], **WHO)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises((LedgerError, SettingsError)) as caught, Ledger.open(path) as ledger:
        ledger.decisions()
    assert caught.value.todo


# ── Any order of acts ─────────────────────────────────────────────────────────────────────────────


def replayed(lines: list) -> Ledger:
    """A new ledger in which ``lines`` were decided again, batch by batch."""
    fresh = Ledger.open("sqlite://")
    batches: dict[int, list] = {}
    for line in lines:
        batches.setdefault(line.batch, []).append(line)
    for batch, (first, *more) in batches.items():
        if first.verdict == "undo":
            fresh.undo(by=first.by, at=first.at, batch=first.undoes)
        else:
            wanted = [Pair(d.bc_id, d.dv_id, fingerprint=d.fingerprint) for d in (first, *more)]
            assert getattr(fresh, first.verdict)("customer", wanted, by=first.by, at=first.at) == batch
    return fresh


def plainly(lines: list) -> tuple[dict, dict]:
    """Couplings and standing verdicts, worked out the slow way: take undone batches out, start from nothing."""
    goal_of = {d.batch: d.undoes for d in lines if d.undoes is not None}
    away: set[int] = set()
    for goal in goal_of.values():
        while goal in goal_of:
            goal = goal_of[goal]
        away ^= {goal}
    coupled: dict = {}
    standing: dict = {}
    for d in lines:
        pair = (d.bc_id, d.dv_id)
        if d.verdict == "undo" or d.batch in away:
            continue
        if d.verdict == "confirm":
            coupled[pair] = d.position
            for key in (pair, (d.bc_id, ""), ("", d.dv_id)):
                standing.pop(key, None)
        elif d.verdict == "uncouple":
            del coupled[pair]
        else:
            standing[pair] = (d.verdict, d.fingerprint)
    return coupled, standing


IDS = st.sampled_from("ABC")
PAIRS = st.lists(st.builds(Pair, IDS, IDS.map(str.lower), fingerprint=st.sampled_from("fg")), min_size=1, max_size=3)
HALVES = st.lists(st.builds(Pair, IDS) | st.builds(Pair, st.just(""), IDS.map(str.lower)), min_size=1, max_size=2)


def dump(ledger: Ledger) -> list:
    """The same as `state`, row by row from the tables; quick enough for every step."""
    with ledger._store.reading() as connection:
        return [
            connection.exec_driver_sql(query).all()
            for query in (
                "SELECT c.*, a.fields FROM couplings c LEFT JOIN agreements a USING (position) ORDER BY 1",
                "SELECT * FROM standing ORDER BY 1, 2, 3",
            )
        ]


class AnyOrder(RuleBasedStateMachine):
    """Acts in any order keep one-to-one, can be taken back exactly, and can be replayed."""

    @initialize()
    def begin(self) -> None:
        self.ledger = Ledger.open("sqlite://")
        self.run = self.ledger.begin_run("plan", "f", **WHO)
        self.at = AT

    def act(self, name: str, *given, **more) -> bool:
        """Do it; if it is allowed, take it back and do it again, and compare all three states."""
        self.at += timedelta(seconds=1)
        before, lines = dump(self.ledger), self.ledger.position
        try:
            getattr(self.ledger, name)(*given, by="Ada", at=self.at, **more)
        except LedgerError:
            assert (dump(self.ledger), self.ledger.position) == (before, lines)
            return False
        if self.ledger.position == lines:
            assert dump(self.ledger) == before
            return True
        after, batch = dump(self.ledger), self.ledger.decisions(last=1)[0].batch
        self.ledger.undo(batch=batch, by="Ada", at=self.at)
        assert dump(self.ledger) == before
        self.ledger.undo(batch=batch + 1, by="Ada", at=self.at)
        assert dump(self.ledger) == after
        return True

    @rule(wanted=PAIRS)
    def confirm(self, wanted) -> None:
        held = set(self.coupled)
        free = all(
            (p.bc_id, p.dv_id) in held or not any(p.bc_id == b or p.dv_id == d for b, d in held) for p in wanted
        )
        once = all(len({getattr(p, side) for p in wanted}) == len(wanted) for side in ("bc_id", "dv_id"))
        assert self.act("confirm", "customer", wanted) == (free and once)

    @rule(wanted=PAIRS, verdict=st.sampled_from(["reject", "defer"]))
    def judge(self, wanted, verdict) -> None:
        coupled = set(self.coupled) & {(p.bc_id, p.dv_id) for p in wanted}
        assert self.act(verdict, "customer", wanted) == (not coupled)

    @rule(wanted=HALVES, verdict=st.sampled_from(["create", "defer"]))
    def judge_one(self, wanted, verdict) -> None:
        held = {i for pair in set(self.coupled) for i in pair}
        assert self.act(verdict, "customer", wanted) == (not held & {p.bc_id or p.dv_id for p in wanted})

    @rule(wanted=PAIRS)
    def uncouple(self, wanted) -> None:
        assert self.act("uncouple", "customer", wanted) == ({(p.bc_id, p.dv_id) for p in wanted} <= set(self.coupled))

    @rule(data=st.data())
    def uncouple_one_that_is_there(self, data) -> None:
        held = sorted(self.coupled)
        if held:
            assert self.act("uncouple", "customer", [Pair(*data.draw(st.sampled_from(held)))])

    @rule(number=st.integers())
    def agree(self, number) -> None:
        wanted = {pair: {"n": {"bc": number, "dv": number}} for pair in sorted(self.coupled)[:2]}
        self.ledger.agree(self.run, "customer", wanted, at=AT)

    @rule()
    def undo(self) -> None:
        """The last act that counts can always be taken back."""
        assert self.act("undo") or not self.counts

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def undo_any(self, data) -> None:
        self.act("undo", batch=data.draw(st.sampled_from(self.batches)))

    @invariant()
    def the_state_follows_from_the_decisions(self) -> None:
        lines = self.ledger.decisions()
        assert [d.position for d in lines] == list(range(1, len(lines) + 1))
        coupled, standing = plainly(lines)
        self.counts = bool(coupled or standing)
        self.coupled, self.batches = coupled, sorted({d.batch for d in lines})
        frame = self.ledger.couplings()
        assert frame["bc_id"].is_unique
        assert frame["dv_id"].is_unique
        assert {(b, d): at for b, d, at in rows(frame[["bc_id", "dv_id", "position"]])} == coupled
        found = {(b, d): ("reject", f) for b, d, f in rows(self.ledger.rejected("customer"))}
        found |= dict.fromkeys(rows(self.ledger.deferred("customer")), ("defer", None))
        found |= {pair: ("create", None) for _, *pair in rows(self.ledger.creates()) for pair in [tuple(pair)]}
        assert found == {k: (v, f if v == "reject" else None) for k, (v, f) in standing.items()}
        assert set(self.ledger.agreements("customer")) <= set(coupled)

    def teardown(self) -> None:
        """Agreements are no decisions, so a replay has none; everything else is the same."""
        with self.ledger, replayed(self.ledger.decisions()) as fresh:
            assert [row[:-1] for row in dump(fresh)[0]] == [row[:-1] for row in dump(self.ledger)[0]]
            assert dump(fresh)[1] == dump(self.ledger)[1]


AnyOrder.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_order_of_acts = AnyOrder.TestCase


# ── Speed ─────────────────────────────────────────────────────────────────────────────────────────


def seconds(work) -> float:
    """The processor's time for ``work``; the clock's depends on what else the machine does."""
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.slow
def test_ten_thousand_pairs_are_confirmed_within_two_seconds(ledger):
    many = [Pair(f"b{n:031}", f"d{n:031}", 9.5, "certain", [{"field": "name"}] * 5, "f") for n in range(10_000)]
    assert seconds(lambda: ledger.confirm("customer", many, **WHO)) < 2
    assert seconds(lambda: ledger.undo(**WHO)) < 5


@pytest.mark.slow
def test_two_hundred_changes_a_second_are_settled(ledger):
    run = ledger.begin_run("plan", "f", **WHO)

    def settle_all() -> None:
        for n in range(400):
            ledger.settle(run, outcome(f"c{n}"), couple=Pair(f"b{n}", f"d{n}"), agreement={}, **WHO)

    assert seconds(settle_all) < 2


@pytest.mark.slow
def test_a_hundred_thousand_couplings_are_read_within_a_second(ledger):
    for kind in range(10):
        ledger.confirm(f"k{kind}", [Pair(f"b{n:031}", f"d{n:031}") for n in range(10_000)], **WHO)
    assert min(seconds(ledger.couplings) for _ in range(3)) < 1
