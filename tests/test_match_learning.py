"""Asking and learning: which pairs are asked about, what answers change, and what they leave alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365kit import match
from d365kit.errors import SettingsError
from d365kit.match.asking import most_doubtful
from d365kit.match.blocking import Pairs
from d365kit.match.learn import LEAST_ANSWERS, Lesson, learn
from d365kit.match.linkage import Candidates
from d365kit.nouns import Snapshot
from tests.helpers_match import decisions, entities, made_up, pairs_in, snapshot

NOBODY = decisions()
KIND, MADE = "customer", ("hard", 260, 7)


@pytest.fixture(scope="module")
def snap() -> Snapshot:
    return snapshot(customer=made_up(*MADE))


@pytest.fixture(scope="module")
def before(snap) -> pd.DataFrame:
    return match.propose(snap, NOBODY, KIND).frame


def judged(asked: pd.DataFrame, *, all_no: bool = False) -> object:
    """The ledger after somebody who knows has answered; or somebody who says no to everything."""
    who = entities(*MADE)
    yes, no = [], []
    for row in asked.itertuples():
        if who[row.bc_id] == who[row.dv_id] and not all_no:
            yes.append((row.bc_id, row.dv_id))
        else:
            no.append((row.bc_id, row.dv_id, row.fingerprint))
    return decisions(len(asked), couplings={KIND: yes}, rejected={KIND: no})


# --- asking -------------------------------------------------------------------------------------------


def doubts(frame: pd.DataFrame) -> np.ndarray:
    return np.abs(frame["probability"].to_numpy(dtype=float) - 0.5)


def test_the_most_doubtful_pair_comes_first(snap, before):
    pairs = before[before["bc_id"].notna() & before["dv_id"].notna()]
    one = match.ask(snap, NOBODY, KIND, 1)
    assert len(one) == 1
    assert doubts(one)[0] == pytest.approx(doubts(pairs).min(), abs=1e-12)
    with pytest.raises(SettingsError, match="0 questions"):
        match.ask(snap, NOBODY, KIND, 0)
    many = match.ask(snap, NOBODY, KIND, 24)
    assert many.iloc[0]["fingerprint"] == one.iloc[0]["fingerprint"]
    assert doubts(many)[0] == doubts(many).min()


@pytest.mark.parametrize("count", [3, 12, 1000])
def test_no_record_is_asked_about_twice_and_no_more_than_wanted(snap, count):
    asked = match.ask(snap, NOBODY, KIND, count)
    assert 0 < len(asked) <= count
    for side in ("bc_id", "dv_id"):
        assert asked[side].notna().all()
        assert not asked[side].duplicated().any()
    assert asked["probability"].between(0.02, 0.98).all()
    assert asked["evidence"].str.len().gt(2).all()
    assert asked["fingerprint"].notna().all()


def test_what_was_answered_is_not_asked_again(snap):
    asked = match.ask(snap, NOBODY, KIND, 12)
    book = judged(asked)
    again = match.ask(snap, book, KIND, 12)
    assert len(again)
    assert not pairs_in(asked) & pairs_in(again)
    yes = set(book.couplings(KIND)["bc_id"]) | set(book.couplings(KIND)["dv_id"])
    assert yes
    assert not yes & (set(again["bc_id"]) | set(again["dv_id"]))


def test_nothing_is_asked_where_nothing_is_in_doubt():
    rows = [[{"id": f"{s}{n}", "name": name} for n, name in enumerate(("Adler", "Zebra"))] for s in "bd"]
    rows[1] = [{"id": "d", "name": "Unlike", "city": "Oslo"}]
    asked = match.ask(snapshot(customer=tuple(rows)), NOBODY, "customer")
    assert len(asked) == 0
    assert match.ask(snapshot(customer=([], [])), NOBODY, "customer").empty


def test_codes_leave_nothing_to_ask():
    snap = snapshot(currency=([{"id": "b", "code": "USD"}], [{"id": "d", "code": "USD"}]))
    with pytest.raises(SettingsError, match="nothing to learn"):
        match.ask(snap, NOBODY, "currency")


def weighed(rows: list[tuple[int, int, float, int]]) -> SimpleNamespace:
    """Pairs (bc, dv, probability, level), as far as asking looks at them."""
    bc, dv, chance, level = (np.array(c) for c in zip(*rows, strict=True))
    comparison = SimpleNamespace(levels=range(3))
    found = Candidates(Pairs(bc, dv), level.reshape(-1, 1), np.zeros((len(bc), 0)), (comparison,), {})
    return SimpleNamespace(candidates=found, probability=chance)


def test_questions_go_by_doubt_then_by_pattern_then_to_the_rest():
    # Three of one pattern and a less doubtful one of another: with one turn for each, the other is second.
    made = weighed(
        [(0, 0, 0.9, 0), (1, 1, 0.5, 1), (2, 2, 0.52, 1), (3, 3, 0.53, 1), (4, 4, 0.99, 2), (5, 5, 0.01, 2)]
    )
    assert most_doubtful(made, 2).tolist() == [1, 0]
    assert most_doubtful(made, 12).tolist() == [1, 0, 2, 3]
    assert most_doubtful(made, 48).tolist() == [1, 2, 3, 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.floats(0.0, 1.0), st.integers(-1, 2)),
        min_size=1, max_size=25, unique_by=lambda row: row[:2],
    ),
    st.integers(1, 30),
)  # fmt: skip
def test_whatever_the_doubts_each_record_is_asked_about_once(rows, count):
    made = weighed(rows)
    asked = most_doubtful(made, count).tolist()
    assert len(asked) <= count
    for column in (0, 1):
        assert len({rows[n][column] for n in asked}) == len(asked)
    able = [n for n, row in enumerate(rows) if 0.02 <= row[2] <= 0.98]
    assert set(asked) <= set(able)
    if able:
        assert abs(rows[asked[0]][2] - 0.5) == min(abs(rows[n][2] - 0.5) for n in able)
    # As many as there can be without a record twice: none is left that could be added.
    if len(asked) < count:
        used = [{rows[n][column] for n in asked} for column in (0, 1)]
        assert all(rows[n][0] in used[0] or rows[n][1] in used[1] for n in able)


# --- lessons ------------------------------------------------------------------------------------------


def answers(count: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evidence of ``count`` pairs in three comparisons, the rest of their odds, and verdicts: the first one tells."""
    rng = np.random.default_rng(seed)
    evidence = rng.normal(0, 4, (count, 3))
    return evidence, rng.normal(0, 1, count), (evidence[:, 0] + rng.normal(0, 1, count) > 0).astype(float)


@pytest.mark.parametrize("count", [0, 1, LEAST_ANSWERS - 1])
def test_few_answers_teach_nothing(count):
    lesson = learn(*answers(count))
    assert (lesson.factors == 1.0).all()
    assert lesson.shift == 0.0
    evidence = answers(5)[0]
    assert np.allclose((evidence @ lesson.factors + lesson.shift), evidence.sum(axis=1))


def test_enough_answers_teach_which_comparison_tells():
    lesson = learn(*answers(60))
    assert lesson.factors[0] > max(lesson.factors[1:])
    assert lesson.factors[0] > 1.0
    assert (learn(*answers(LEAST_ANSWERS)).factors != 1.0).any()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(20)), st.integers(0, 1000))
def test_the_order_of_answers_does_not_matter(order, seed):
    evidence, offset, verdict = answers(20, seed)
    one, other = learn(evidence, offset, verdict), learn(evidence[order], offset[order], verdict[order])
    assert one.factors.tolist() == other.factors.tolist()
    assert one.shift == other.shift


@pytest.mark.parametrize("verdict", [0.0, 1.0])
def test_answers_that_all_say_the_same_move_the_odds_that_way(verdict):
    evidence = np.tile([2.0, -2.0], (12, 1))
    lesson = learn(evidence, np.zeros(12), np.full(12, verdict))
    assert (lesson.shift > 0.5) if verdict else (lesson.shift < -0.5)
    assert (((evidence @ lesson.factors + lesson.shift) > 0) == bool(verdict)).all()


def test_no_answer_however_odd_makes_a_lesson_extreme():
    evidence, offset, verdict = answers(200)
    lesson = learn(evidence * 100, offset, 1.0 - verdict)
    assert ((lesson.factors >= 0.3) & (lesson.factors <= 2.0)).all()
    assert abs(lesson.shift) <= 12.0
    assert np.isfinite(evidence @ lesson.factors + lesson.shift).all()


def test_lessons_of_no_comparison():
    assert Lesson.none(0).trivial
    assert learn(np.zeros((10, 0)), np.zeros(10), np.zeros(10)).shift < 0


# --- what answers do to proposals ---------------------------------------------------------------------


@pytest.fixture(scope="module", params=[False, True], ids=["as it is", "all no"])
def kept(request, snap, before) -> tuple[set, pd.DataFrame]:
    """The certain pairs that no answer is about, and what is proposed after twenty answers."""
    book = judged(match.ask(snap, NOBODY, KIND, 20), all_no=request.param)
    after = match.propose(snap, book, KIND).frame
    taken = set(book.couplings(KIND)["bc_id"]) | set(book.couplings(KIND)["dv_id"])
    certain = pairs_in(before[before["band"] == "certain"])
    return {p for p in certain if not set(p) & taken and p not in pairs_in(book.rejected(KIND))}, after


def test_nearly_all_that_was_certain_stays_certain_and_all_stays_chosen(kept):
    still, after = kept
    assert len(still) > 60
    assert still <= pairs_in(after[after["chosen"].fillna(False).astype(bool)])
    assert len(still & pairs_in(after[after["band"] == "certain"])) >= 0.9 * len(still)
    assert still <= pairs_in(after[after["band"].isin(["certain", "likely"])])


def test_what_was_certain_stays_certain(kept):
    still, after = kept
    assert not still - pairs_in(after[after["band"] == "certain"])


def test_answers_that_all_say_no_lower_the_odds_of_the_rest(snap, before):
    book = judged(match.ask(snap, NOBODY, KIND, 20), all_no=True)
    after = match.propose(snap, book, KIND).frame
    doubtful = before[before["probability"].between(0.01, 0.9999)]
    both = doubtful.merge(after, on=["bc_id", "dv_id"], suffixes=("_before", "_after"))
    assert len(both) >= 3
    refused = set(book.rejected(KIND)["bc_id"]) | set(book.rejected(KIND)["dv_id"])
    rest = both[~both["bc_id"].isin(refused) & ~both["dv_id"].isin(refused)]
    odds = [np.log2(rest[f"probability_{when}"] / (1 - rest[f"probability_{when}"])) for when in ("before", "after")]
    assert (odds[1] - odds[0]).median() < 0


def test_answers_change_something_and_too_few_do_not(snap, before):
    asked = match.ask(snap, NOBODY, KIND, 20)
    # A rejected pair that is no candidate teaches nothing; seven candidates are still too few.
    few = judged(asked.head(LEAST_ANSWERS - 1), all_no=True)
    many = judged(asked, all_no=True)
    untaught, taught = (match.propose(snap, book, KIND).frame for book in (few, many))
    gap = [
        np.log2(f["probability"] / (1 - f["probability"]))[f["chosen"].fillna(False).astype(bool)].median()
        for f in (before, untaught, taught)
    ]
    assert gap[2] < gap[1] - 0.5
    assert abs(gap[1] - gap[0]) < abs(gap[2] - gap[0])
