"""The ledger as lines of JSON: stable, whole, brought together without ending a coupling, all or nothing."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from d365kit.errors import LedgerError, SettingsError
from d365kit.ledger import Ledger
from d365kit.nouns import Pair

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(days=1)
WHO = {"by": "Ada", "at": AT}
BOB = {"by": "Bob", "at": LATER}
AX, AY, BX, BY = Pair("A", "X"), Pair("A", "Y"), Pair("B", "X"), Pair("B", "Y")
KIND = "customer"


def opened() -> Ledger:
    return Ledger.open("sqlite://")


@pytest.fixture
def ledger():
    with opened() as made:
        yield made


@pytest.fixture
def other():
    with opened() as made:
        yield made


def text(ledger: Ledger) -> bytes:
    return "".join(f"{line}\n" for line in ledger.export_lines()).encode()


def state(ledger: Ledger) -> tuple:
    """All that follows from the decisions, without positions, which are of one ledger alone."""
    kinds = sorted({*ledger.couplings()["kind"], *(d.kind for d in ledger.decisions())})
    rows = [
        frame.to_dict("records")
        for frame in (
            ledger.couplings().drop(columns="position"), ledger.creates(),
            *(f(kind) for kind in kinds for f in (ledger.rejected, ledger.deferred)),
        )
    ]  # fmt: skip
    return rows, [ledger.agreements(kind) for kind in kinds], text(ledger)


def agree(ledger: Ledger, pair: Pair, at: datetime = AT, **fields: object) -> None:
    run = ledger.begin_run("plan", "f", **WHO)
    ledger.agree(run, KIND, {(pair.bc_id, pair.dv_id): fields}, at=at)


def full(ledger: Ledger) -> None:
    """A ledger with something of everything, hostile text included."""
    evidence = [{"field": "name", "bc": "<script>", "dv": "\u202eevil \U0001f600\u2028", "weight": Decimal("3.10")}]
    sure = Pair("A", "X", 7.25, "certain", evidence, "print", "dv")
    ledger.confirm(KIND, [sure, BY], **WHO, note="Žluťoučký “kůň”\nsecond line")
    agree(ledger, AX, limit={"bc": Decimal("10.50"), "dv": None}, due={"bc": AT, "dv": AT.date()})
    agree(ledger, BY)
    ledger.reject(KIND, [Pair("A", "Y", fingerprint="f")], by="Bob", at=LATER)
    ledger.defer(KIND, [Pair("C", "Z"), Pair("D")], **WHO)
    ledger.create("item", [Pair("I"), Pair(dv_id="J")], **WHO)
    ledger.confirm("payment_terms", [Pair("1M", "100000000")], **WHO)
    ledger.confirm(KIND, [Pair("U", "V")], **WHO)
    ledger.undo(**WHO)


# ── Out and in ────────────────────────────────────────────────────────────────────────────────────


def test_a_line_is_a_decision_with_sorted_keys_and_nothing_of_this_ledger_alone(ledger):
    full(ledger)
    lines = ledger.export_lines()
    assert len(lines) == 8
    found = [json.loads(line) for line in lines]
    assert [(f["kind"], f.get("bc_id", ""), f.get("dv_id", "")) for f in found] == sorted(
        (f["kind"], f.get("bc_id", ""), f.get("dv_id", "")) for f in found
    )
    for line, row in zip(lines, found, strict=True):
        assert list(row) == sorted(row)
        assert "\n" not in line
        assert not {"position", "batch", "run"} & set(row)
    assert found[0]["first"] == "dv"
    assert found[0]["evidence"][0]["weight"] == {"$decimal": "3.10"}
    assert "first" not in found[2]


def test_the_same_state_by_another_way_is_the_same_file(ledger, other):
    full(ledger)
    other.confirm(KIND, [Pair("U", "V")], **WHO)
    other.undo(**WHO)
    full(other)
    other.reject("item", [AX], **WHO)
    other.undo(**WHO)
    assert text(ledger) == text(other) == text(ledger)


def test_one_more_decision_is_one_more_line(ledger):
    full(ledger)
    before = ledger.export_lines()
    ledger.confirm(KIND, [Pair("Q", "R")], **WHO)
    after = ledger.export_lines()
    assert [line for line in after if line not in before] == [after[5]]
    assert len(after) == len(before) + 1


def test_what_goes_out_comes_in_with_all_it_says(ledger, other):
    full(ledger)
    taken = other.import_lines(text(ledger))
    assert taken.counts() == {"taken": 8, "here already": 0, "older": 0, "conflict": 0}
    assert state(other) == state(ledger)
    assert [d.by for d in other.decisions(verdict="reject")] == ["Bob"]
    assert other.decisions(KIND)[0].evidence == ledger.decisions(KIND)[0].evidence
    again = other.import_lines(text(ledger))
    assert (again.batch, again.counts()["here already"]) == (0, 8)
    assert len(other.undo(**WHO)) == 8, "what was taken is one act, of several kinds"
    assert other.export_lines() == []


def test_in_and_out_of_postgresql_too(ledger, postgres):
    full(ledger)
    with Ledger.open(postgres.fresh()) as shared:
        shared.import_lines(text(ledger))
        assert state(shared) == state(ledger)
        shared.undo(**WHO)
        assert shared.export_lines() == []


def test_a_file_from_another_system_reads_the_same(ledger, other):
    """A byte order mark, line ends of Windows, blank lines, other order and spacing."""
    full(ledger)
    lines = ledger.export_lines()
    random.Random(1).shuffle(lines)
    loose = "\r\n\r\n".join(json.dumps(json.loads(line), indent=None, separators=(" , ", " : ")) for line in lines)
    other.import_lines(b"\xef\xbb\xbf" + loose.encode())
    assert state(other) == state(ledger)


IDS = st.sampled_from("ABC")
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
PAIRS = st.lists(
    st.builds(
        Pair, IDS, IDS.map(str.lower), st.none() | st.floats(-9, 9), st.sampled_from(["", "certain"]),
        st.lists(TEXT, max_size=1), TEXT, st.sampled_from(["", "bc", "dv"]),
    ),
    min_size=1, max_size=3,
)  # fmt: skip
HALF = st.builds(Pair, IDS) | st.builds(Pair, st.just(""), IDS.map(str.lower))
GONE = st.fixed_dictionaries({"bc": st.sets(IDS), "dv": st.sets(IDS.map(str.lower))})
ACT = st.one_of(
    st.tuples(st.sampled_from(["confirm", "reject", "defer", "uncouple", "move"]), PAIRS),
    st.tuples(st.sampled_from(["create", "defer"]), st.lists(HALF, min_size=1, max_size=2)),
    st.tuples(st.just("take_over"), PAIRS, GONE),
    st.tuples(st.just("agree"), st.integers() | st.decimals(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("undo")),
)
ACTS = st.lists(st.tuples(st.sampled_from(["customer", "contact"]), ACT), max_size=12)


def do(ledger: Ledger, kind: str, act: tuple, number: int, since: int = 0) -> None:
    """One act; what the ledger refuses, it refuses. Couplings of before ``since`` agree on nothing new."""
    name, *given = act
    at = AT + timedelta(minutes=number)
    try:
        if name == "agree":
            run = ledger.begin_run("plan", "f", by="Ada", at=at)
            frame = ledger.couplings(kind)
            held = frame.loc[frame["position"] > since, ["bc_id", "dv_id"]].itertuples(index=False, name=None)
            ledger.agree(run, kind, {pair: {"n": {"bc": given[0], "dv": None}} for pair in held}, at=at)
        elif name == "undo":
            ledger.undo(by="Ada", at=at)
        elif name == "uncouple":
            ledger.uncouple(kind, given[0], by="Ada", at=at, also={"item": []})
        else:
            getattr(ledger, name)(kind, *given, by="Ada", at=at, note=f"act {number}")
    except LedgerError:
        pass


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTS, ACTS)
def test_undoing_all_of_any_sequence_gives_the_state_before(earlier, later):
    """An agreement is no decision: it goes and comes back with its coupling, as it last was."""
    with opened() as ledger:
        for number, (kind, act) in enumerate(earlier):
            do(ledger, kind, act, number)
        before = ledger.export_lines()
        position = ledger.position
        for number, (kind, act) in enumerate(later):
            if act[0] != "undo":
                do(ledger, kind, act, 100 + number, position)
        while (last := [d for d in ledger.decisions(last=10_000) if d.position > position]) and (
            counting := {d.batch for d in last if d.verdict != "undo"} - {d.undoes for d in last}
        ):
            assert {d.batch for d in ledger.undo(by="Bob", at=LATER)} == {max(counting)}
        assert ledger.export_lines() == before


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTS)
def test_out_and_in_gives_the_same_state_for_any_sequence(acts):
    with opened() as ledger, opened() as fresh:
        for number, (kind, act) in enumerate(acts):
            do(ledger, kind, act, number)
        taken = fresh.import_lines(text(ledger))
        assert not len(taken.conflicts)
        kinds = ("customer", "contact")
        for kind in kinds:
            for view in (Ledger.couplings, Ledger.rejected, Ledger.deferred, Ledger.creates):
                found = [view(book, kind).drop(columns="position", errors="ignore") for book in (fresh, ledger)]
                assert found[0].equals(found[1])
            assert fresh.agreements(kind) == ledger.agreements(kind)
        assert fresh.export_lines() == ledger.export_lines()


# ── Bringing two together ─────────────────────────────────────────────────────────────────────────


def outcomes(taken) -> list[str]:
    return list(taken.frame["outcome"])


def test_two_ledgers_come_together_either_way(ledger, other):
    ledger.confirm(KIND, [AX], **WHO)
    ledger.reject(KIND, [Pair("C", "Z", fingerprint="f")], **WHO)
    other.confirm(KIND, [BY], **BOB)
    other.create(KIND, [Pair("D")], **BOB)
    mine, theirs = text(ledger), text(other)
    ledger.import_lines(theirs)
    other.import_lines(mine)
    assert text(ledger) == text(other)
    assert len(ledger.couplings()) == 2


@pytest.mark.parametrize("theirs", [AY, BX])
def test_the_same_record_coupled_otherwise_is_a_conflict_and_nothing_is_taken(ledger, other, theirs):
    ledger.confirm(KIND, [AX], **WHO)
    other.confirm(KIND, [Pair("C", "Z"), theirs], **BOB)
    before = state(ledger)
    for dry_run in (True, False):
        taken = ledger.import_lines(text(other), dry_run=dry_run)
        assert sorted(outcomes(taken)) == ["conflict", "taken"]
        assert (taken.batch, state(ledger), ledger.position) == (0, before, 1)
        (reason,) = taken.conflicts["reason"]
        assert reason == (
            f"customer bc {theirs.bc_id} ↔ dv {theirs.dv_id} coupled: "
            "here is bc A ↔ dv X coupled by Ada on 2026-03-01"
        )
    assert "would be taken" in str(taken)


def test_a_dry_run_writes_nothing(ledger, other):
    other.confirm(KIND, [AX], **WHO)
    taken = ledger.import_lines(text(other), dry_run=True)
    assert (taken.dry_run, taken.counts()["taken"], ledger.position) == (True, 1, 0)


def test_a_later_coupling_takes_the_place_of_a_rejection_and_not_the_other_way_round(ledger, other):
    ledger.reject(KIND, [AX], **WHO)
    ledger.create(KIND, [Pair("B")], **WHO)
    other.confirm(KIND, [AX, BY], **BOB)
    rejected_later = text(ledger)
    ledger.import_lines(text(other))
    assert ledger.rejected(KIND).empty
    assert ledger.creates(KIND).empty
    assert outcomes(other.import_lines(rejected_later)) == ["older", "older"]
    assert other.position == 2


@pytest.mark.parametrize("half", [False, True])
def test_a_rejection_later_than_the_coupling_is_a_conflict_on_both_sides(ledger, other, half):
    ledger.confirm(KIND, [AX], **WHO)
    if half:
        other.create(KIND, [Pair("A")], **BOB)
    else:
        other.reject(KIND, [AX], **BOB)
    assert outcomes(ledger.import_lines(text(other))) == ["conflict"]
    assert outcomes(other.import_lines(text(ledger))) == ["conflict"]


def test_of_two_verdicts_the_later_counts(ledger, other):
    ledger.reject(KIND, [Pair("A", "X", fingerprint="old")], **WHO)
    ledger.defer(KIND, [BY], **WHO)
    other.reject(KIND, [Pair("A", "X", fingerprint="new"), BY], **BOB)
    mine = text(ledger)
    assert outcomes(other.import_lines(mine)) == ["older", "older"]
    assert outcomes(ledger.import_lines(text(other))) == ["taken", "taken"]
    assert text(ledger) == text(other)
    assert len(ledger.undo(**WHO)) == 2
    assert text(ledger) == mine


def test_the_newer_agreement_counts(ledger, other):
    ledger.confirm(KIND, [AX, BY], **WHO)
    other.confirm(KIND, [AX, BY], **WHO)
    agree(ledger, AX, name={"bc": "old", "dv": "old"})
    agree(other, AX, LATER, name={"bc": "new", "dv": "new"})
    agree(other, BY, name={"bc": 1, "dv": 1})
    mine = text(ledger)
    assert outcomes(ledger.import_lines(text(other))) == ["taken", "taken"]
    assert ledger.agreements(KIND)["A", "X"] == {"name": {"bc": "new", "dv": "new"}}
    assert outcomes(other.import_lines(mine)) == ["here already", "here already"]
    assert text(ledger) == text(other)
    assert ledger.position == 2, "agreements are no decisions"


def line(verdict: str = "confirm", bc_id: str = "A", dv_id: str = "X", **more: object) -> str:
    row = {"kind": KIND, "verdict": verdict, "bc_id": bc_id, "dv_id": dv_id, "by": "Ada", "at": AT.isoformat()}
    return json.dumps({k: v for k, v in {**row, **more}.items() if v != ""})


def read(ledger: Ledger, *lines: str | bytes, **more):
    return ledger.import_lines(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines), **more)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (line(dv_id="Y"), "line 1 couples bc A ↔ dv X"),
        (line(bc_id="B"), "line 1 couples bc A ↔ dv X"),
        (line("reject"), "line 1 says confirm of it"),
        (line("create", dv_id=""), "line 1 couples bc A ↔ dv X"),
    ],
)
def test_a_file_against_itself_is_a_conflict_with_both_lines(ledger, second, reason):
    """git brings two lines together without knowing that they contradict each other."""
    taken = read(ledger, line(), second)
    assert list(taken.conflicts["line"]) == [2]
    assert reason in taken.conflicts["reason"][0]
    assert ledger.position == 0


def test_a_pair_that_stands_twice_in_a_file_counts_once(ledger):
    newer = {"agreement": {"n": {"bc": 1, "dv": 1}}, "agreed_at": LATER.isoformat()}
    taken = read(ledger, line(**newer), line(note="again"), line())
    assert sorted(outcomes(taken)) == ["here already", "here already", "taken"]
    assert ledger.agreements(KIND) == {("A", "X"): {"n": {"bc": 1, "dv": 1}}}


DAMAGED = [
    ("{", "no JSON"), ("null", "no decision"), ("[1]", "no decision"), ("<<<<<<< HEAD", "conflict of git"),
    (b"\xff\xfe", "no JSON"), (line()[:-9], "no JSON"), ("[" * 100_000, "no JSON"),
    (line(colour="red"), "“colour”"), (line(score="high"), "“score”"), (line(score=True), "“score”"),
    (line(at="yesterday"), "cannot be read"), (line(at="2026-03-01T12:00:00"), "cannot be read"),
    (line("couple"), "verdict “couple”"), (line("undo"), "verdict “undo”"), (line(by=""), "“by”"),
    (line(dv_id=""), "lacks the id"), (line("create"), "both halves"), (line(first="both"), "“both”"),
    (line(agreement={}), "without"), (line("reject", agreement={}, agreed_at=AT.isoformat()), "without"),
    (line(evidence="x"), "“evidence”"), (line(by="x" * 300), "more than 200"),
    (line(evidence=[{"$decimal": "x"}]), "cannot be read"), (line(bc_id=7), "“bc_id”"),
    (line().replace(KIND, "kind"), "“kind”"),
]  # fmt: skip


@pytest.mark.parametrize(("damaged", "words"), DAMAGED)
def test_a_damaged_line_is_named_by_its_number_and_nothing_is_taken(ledger, damaged, words):
    with pytest.raises(SettingsError, match=f"Line 3 .*{words}") as caught:
        read(ledger, line(bc_id="B", dv_id="Y"), "", damaged, line(bc_id="C", dv_id="Z"), kinds=[KIND])
    assert caught.value.todo
    assert ledger.position == 0


def test_a_broken_off_import_leaves_nothing(ledger, other, monkeypatch):
    full(other)
    monkeypatch.setattr("d365kit.ledger.acts.stand", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ledger.import_lines(text(other))
    assert (ledger.position, ledger.export_lines()) == (0, [])
