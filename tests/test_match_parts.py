"""The parts of matching, each by itself: near texts, keys, levels, training, choosing, rivals, evidence."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365kit import match
from d365kit.kinds import SIDES
from d365kit.match import assign as choosing
from d365kit.match.assign import EQUAL, assign, best_other
from d365kit.match.blocking import MOST_PAIRS, Pairs, block
from d365kit.match.database import database
from d365kit.match.explain import Line, as_json, evidence_column, evidence_json, joined_texts
from d365kit.match.grams import Grams
from d365kit.match.levels import _by_nearness
from d365kit.match.linkage import _nearest, candidates
from d365kit.match.prepare import pool
from d365kit.match.templates import ELSE, MISSING, Level
from d365kit.match.train import _in_order
from d365kit.nouns.frames import plain
from tests.helpers_match import CATALOGUE, decisions, made_up, records, row_of, snapshot

NOBODY = decisions()
TEXTS = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["a", "ab", "😀", "contoso", "contoso bau", " "]))


# --- grams --------------------------------------------------------------------------------------------


def grams(bc: list[str | None], dv: list[str | None]) -> Grams:
    return Grams.of({"bc": pa.array(bc, pa.string()), "dv": pa.array(dv, pa.string())})


def every(bc: list, dv: list) -> Pairs:
    left, right = np.meshgrid(np.arange(len(bc)), np.arange(len(dv)), indexing="ij")
    return Pairs(left.ravel().astype(np.int32), right.ravel().astype(np.int32))


@settings(max_examples=8, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20), st.lists(TEXTS, min_size=1, max_size=20))
def test_the_cosine_is_symmetric_one_for_equal_texts_and_zero_for_a_missing_one(bc, dv):
    made, pairs = grams(bc, dv), every(bc, dv)
    there = made.cosine("bc", "dv", pairs)
    back = made.cosine("dv", "bc", Pairs(pairs.right, pairs.left))
    np.testing.assert_array_equal(there, back)
    swapped = grams(dv, bc).cosine("dv", "bc", pairs)
    np.testing.assert_allclose(there, swapped, atol=1e-6)
    assert ((there >= 0) & (there <= 1)).all()
    for value, left, right in zip(there, pairs.left, pairs.right, strict=True):
        one, other = bc[left], dv[right]
        if not one or not other:
            assert value == 0
        elif one == other:
            assert value == pytest.approx(1.0, abs=1e-5)
        elif not runs(one) & runs(other):
            assert value == 0
        elif runs(one) != runs(other):
            assert 0 < value < 1


def runs(text: str) -> set[bytes]:
    """The runs of three bytes of a text, a blank before and behind it."""
    padded = b" " + text.encode() + b" "
    return {padded[n : n + 3] for n in range(len(padded) - 2)}


def test_rare_runs_count_for_more():
    made = grams(["handel xyz", "handel bau", "handel gut"], ["handel xyq", "bandel xyz"] + ["handel abc"] * 20)
    near = made.cosine("bc", "dv", Pairs(np.array([0, 0]), np.array([0, 1])))
    assert near[1] > near[0]


@settings(max_examples=6, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20), st.integers(1, 3))
def test_the_nearest_text_is_the_equal_one(texts, count):
    other = [*texts[::-1], "something else", None]
    made = grams(texts, other)
    left, right = made.nearest("bc", "dv", count, 0.3)
    assert (np.bincount(left, minlength=1) <= count).all()
    found: dict[int, list[int]] = {}
    for one, two in zip(left.tolist(), right.tolist(), strict=True):
        found.setdefault(one, []).append(two)
    near = made.cosine("bc", "dv", Pairs(left, right)) if len(left) else np.zeros(0)
    assert (near >= 0.3 - 1e-5).all()
    for n, text in enumerate(texts):
        if not text:
            assert n not in found
        else:
            assert any(runs(other[m] or "") == runs(text) for m in found[n])


def test_only_the_rows_asked_for_look_for_their_nearest():
    texts = ["alpha one", "beta two", "gamma three", "delta four"]
    left, right = grams(texts, texts).nearest("bc", "bc", 2, 0.9, of=np.array([1, 3]))
    assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == [(1, 1), (3, 3)]


def test_a_record_with_a_blocked_namesake_is_not_searched_for():
    made = grams(["alpha one", "gamma three"], ["alpha one", "alpha ones", "gamma threes"])
    spec = {"count": 2, "least": 0.3}
    both = Pairs.of(*_nearest(made, spec, Pairs.of()))
    assert tuples(both) == [(0, 0), (0, 1), (1, 2)]
    namesake, other = (Pairs(np.array([0]), np.array([n])) for n in (0, 2))
    assert tuples(Pairs.of(*_nearest(made, spec, other))) == tuples(both)
    # The second one still finds the first, who is its nearest.
    assert tuples(Pairs.of(*_nearest(made, spec, namesake))) == [(0, 1), (1, 2)]


def test_runs_that_nearly_all_share_find_nobody_but_still_compare(monkeypatch):
    monkeypatch.setattr("d365kit.match.grams._MOST_POSTINGS", 10)
    made = grams(["same", "same", "rare one"] + ["same"] * 10, ["same", "rare one"])
    left, right = made.nearest("bc", "dv", 3, 0.3)
    assert (left.tolist(), right.tolist()) == ([2], [1])
    assert made.cosine("bc", "dv", Pairs(np.array([0]), np.array([0])))[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("bc", "dv"),
    [
        ([], []),
        ([None, None], ["a"]),
        (["", ""], ["", None]),
        (["a", "b"], ["a", "c"]),
        (["😀", "👩‍👩‍👧‍👦 family"], ["😀😀", "👩‍👩‍👧‍👦 family"]),
        (["x" * 10_000_000, "y"], ["x" * 10_000_000, None]),
        (["مرحبا", "שלום", "你好"], ["مرحبا", "שלום", "你好"]),
    ],
    ids=["empty", "column of nulls", "blank", "one letter", "emoji", "10 MB", "other scripts"],
)
def test_odd_texts(bc, dv):
    made, pairs = grams(bc, dv), every(bc, dv)
    got = made.cosine("bc", "dv", pairs).reshape(len(bc), len(dv))
    left, right = made.nearest("bc", "dv", 3, 0.35)
    near = set(zip(left.tolist(), right.tolist(), strict=True))
    for (n, one), (m, other) in itertools.product(enumerate(bc), enumerate(dv)):
        same = bool(one) and one == other
        assert (got[n, m] > 0.999) == same
        assert not same or (n, m) in near


def test_a_part_of_a_column_gives_the_texts_of_that_part():
    whole = pa.array(["zero", "alpha", "beta", "gamma", None], pa.string())
    for column in (whole.slice(1, 3), pa.chunked_array([whole.slice(1, 1), whole.slice(2, 2)])):
        made = Grams.of({"bc": column, "dv": pa.array(["beta"], pa.string())})
        cosine = made.cosine("bc", "dv", Pairs(np.arange(3), np.zeros(3, dtype=int)))
        assert (cosine > 0.99).tolist() == [False, True, False]


# --- blocking -----------------------------------------------------------------------------------------


def blocked(bc: dict, dv: dict, keys: list[list[str]], cap: int = 40, drawn: dict | None = None):
    tables = {}
    for side, columns in (("bc", bc), ("dv", dv)):
        size = len(next(iter(columns.values())))
        made = {
            n: pa.array(v, pa.list_(pa.string()) if n.endswith("list") else pa.string()) for n, v in columns.items()
        }
        tables[side] = pa.table({"unique_id": pa.array(np.arange(size), pa.int64()), **made})
    samples = drawn or {side: np.arange(len(tables[side])) for side in SIDES}
    with database() as connection:
        for side in SIDES:
            connection.register(f"records_{side}", tables[side])
        return block(connection, tables, keys, cap, samples)


def tuples(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def test_records_that_share_a_key_are_pairs_and_no_others():
    found = blocked({"a": ["x", "y", None], "b": ["1", "1", "1"]}, {"a": ["y", "x", None], "b": ["1", "2", "1"]},
                    [["a"], ["a", "b"]])  # fmt: skip
    assert tuples(found.across) == [(0, 1), (1, 0)]
    found = blocked({"a": ["x", "y"], "b": ["1", "1"]}, {"a": ["y", "x"], "b": ["1", "2"]}, [["a", "b"]])
    assert tuples(found.across) == [(1, 0)]


def test_the_cap_holds_on_either_side():
    for many, few in ((4, 1), (1, 4)):
        sides = {"a": ["x"] * many + ["y"]}, {"a": ["x"] * few + ["y"]}
        assert len(blocked(*sides, [["a"]], cap=3).across) == 1
        assert len(blocked(*sides, [["a"]], cap=4).across) == 5


def test_a_key_of_too_many_pairs_is_dropped_though_neither_side_is_over_the_cap():
    size = int(MOST_PAIRS**0.5)
    assert len(blocked({"a": ["x"] * size}, {"a": ["x"] * size}, [["a"]]).across) == MOST_PAIRS
    assert len(blocked({"a": ["x"] * (size + 1)}, {"a": ["x"] * size}, [["a"]]).across) == 0


def test_each_value_of_a_list_is_a_key():
    bc = {"list": [["1", "2"], ["3"], None, []], "name": ["n", "n", "n", "n"]}
    dv = {"list": [["2", "1"], ["3", "3"], ["9"]], "name": ["n", "m", "n"]}
    assert tuples(blocked(bc, dv, [["list"]]).across) == [(0, 0), (1, 1)]
    assert tuples(blocked(bc, dv, [["list", "name"]]).across) == [(0, 0)]


def test_two_lists_make_a_key_of_every_combination():
    bc = {"list": [["1", "2"], ["3"]], "names_list": [["a", "b", "c"], []]}
    dv = {"list": [["1"], ["2"], ["3"]], "names_list": [["c"], ["a"], ["a"]]}
    assert tuples(blocked(bc, dv, [["list", "names_list"]]).across) == [(0, 0), (0, 1)]


def test_a_value_twice_in_a_list_counts_once_for_the_cap():
    bc, dv = {"list": [["1", "1", "1"]]}, {"list": [["1"]]}
    assert len(blocked(bc, dv, [["list"]], cap=1).across) == 1


def test_a_key_without_a_column_on_one_side_is_left_out():
    assert len(blocked({"a": ["x"], "b": ["y"]}, {"a": ["x"], "b": [None]}, [["b"], ["a", "b"]]).across) == 0
    assert len(blocked({"a": ["x"]}, {"a": ["x"]}, [["no"], ["a", "no"]]).across) == 0
    assert len(blocked({"a": ["x"]}, {"a": ["x"]}, []).across) == 0


def test_equal_values_of_different_keys_do_not_meet():
    assert len(blocked({"a": ["x"], "b": ["q"]}, {"a": ["z"], "b": ["x"]}, [["a"], ["b"]]).across) == 0


CELLS = st.lists(st.sampled_from(["x", "y", "z", None]), min_size=1, max_size=7)


@settings(max_examples=12, deadline=None)
@given(CELLS, CELLS, st.data())
def test_pairs_are_sorted_unique_and_never_of_a_record_with_itself(bc, dv, data):
    drawn = {
        side: np.array(sorted(data.draw(st.sets(st.integers(0, len(rows) - 1)))), dtype=np.int64)
        for side, rows in (("bc", bc), ("dv", dv))
    }
    same = {"a": bc, "b": bc}, {"a": dv, "b": dv}
    found = blocked(*same, [["a"], ["b"]], cap=3, drawn=drawn)
    if not set(bc) - {None} or not set(dv) - {None}:
        # Nothing could be compared, so nothing is looked for.
        assert not len(found.across)
        assert not any(len(pairs) for pairs in found.within.values())
        return
    few = {s: {c for c in set(rows) - {None} if rows.count(c) <= 3} for s, rows in (("bc", bc), ("dv", dv))}
    expected = [(n, m) for n, m in itertools.product(range(len(bc)), range(len(dv)))
                if bc[n] == dv[m] and bc[n] in few["bc"] & few["dv"]]  # fmt: skip
    assert tuples(found.across) == expected
    for side, rows in (("bc", bc), ("dv", dv)):
        pairs = itertools.combinations(range(len(rows)), 2)
        want = [(n, m) for n, m in pairs if rows[n] == rows[m] and rows[n] in few[side] and {n, m} & set(drawn[side])]
        assert tuples(found.within[side]) == want


def test_pairs_of_many_records_keep_their_numbers():
    pairs = Pairs.of((np.array([5, 2**30]), np.array([2**30, 1])), (np.array([5]), np.array([2**30])))
    assert tuples(pairs) == [(5, 2**30), (2**30, 1)]
    assert (np.diff(pairs.codes) > 0).all()
    assert len(Pairs.of()) == 0


@pytest.mark.parametrize("kind", ["customer", "contact", "item"])
def test_candidates_of_made_up_records(kind):
    records_of = pool(records(kind, 60), NOBODY, CATALOGUE[kind])
    found = candidates(records_of)
    assert len(found) > 20
    assert (np.diff(found.pairs.codes) > 0).all()
    assert found.levels.shape == (len(found), len(found.comparisons))
    for i, comparison in enumerate(found.comparisons):
        assert found.levels[:, i].min() >= -1
        assert found.levels[:, i].max() < len(comparison.levels)
        # A value that one of the records lacks is no level.
        blank = np.zeros(len(found), dtype=bool)
        for side, rows in (("bc", found.pairs.left), ("dv", found.pairs.right)):
            texts = joined_texts(records_of.frames[side], comparison.shows)
            blank |= np.array(texts.is_null())[rows]
        if comparison.template not in ("street", "parent_company"):
            assert (found.levels[blank, i] == -1).all(), comparison.field
    for side in SIDES:
        assert len(found.within[side].levels) == len(found.within[side].rarity)
    assert np.abs(found.rarity).max() <= 3.0


# --- levels -------------------------------------------------------------------------------------------


def comparison(*levels: Level) -> SimpleNamespace:
    return SimpleNamespace(levels=levels)


def level(condition: str, least: float = 0.0) -> Level:
    return Level(condition or str(least), "", condition, 0.5, 0.5, least)


def test_by_nearness_the_first_level_counts_that_holds_with_its_cosine():
    # As in company_name: equal, contained if near, contained at all, near, similar, else.
    made = comparison(
        level("same"), level("words", 0.7), level("words"), level("", 0.75), level("", 0.4), level(ELSE)
    )
    cases = [
        (0, 0.0, 0), (0, 1.0, 0),  # equal is equal, however near
        (1, 0.9, 1), (1, 0.7, 1), (1, 0.5, 2), (1, 0.0, 2),  # splink gives the first of levels with one condition
        (5, 0.9, 3), (5, 0.5, 4), (5, 0.4, 4), (5, 0.39, 5), (5, 0.0, 5),
        (-1, 1.0, -1), (-1, 0.0, -1),  # missing stays missing
    ]  # fmt: skip
    reached, cosine, want = (np.array(c) for c in zip(*cases, strict=True))
    assert _by_nearness(made, reached.astype(np.int8), cosine).tolist() == want.tolist()


def test_a_better_level_by_nearness_beats_a_worse_one_by_its_condition():
    made = comparison(level("same"), level("", 0.8), level("words"), level(ELSE))
    got = _by_nearness(made, np.array([2, 2, 3, -1], dtype=np.int8), np.array([0.9, 0.5, 0.9, 0.9]))
    assert got.tolist() == [1, 2, 1, -1]


def test_a_condition_with_a_cosine_needs_both():
    made = comparison(level("fit", 0.7), level("fit", 0.5), level("", 0.5), level(ELSE))
    reached = np.array([0, 0, 0, 3, 3], dtype=np.int8)
    got = _by_nearness(made, reached, np.array([0.8, 0.6, 0.1, 0.6, 0.1]))
    assert got.tolist() == [0, 1, 3, 2, 3]


def levels_of(bc: dict, dv: dict, kind: str = "customer") -> dict[str, str]:
    """The word of the level each comparison of two records reached."""
    found = candidates(pool(snapshot(**{kind: ([{"id": "b", **bc}], [{"id": "d", **dv}])}), NOBODY, CATALOGUE[kind]))
    assert len(found) == 1
    return {
        c.field: c.words[found.levels[0, i]] if found.levels[0, i] >= 0 else MISSING
        for i, c in enumerate(found.comparisons)
    }


@pytest.mark.parametrize(
    ("bc", "dv", "field", "word"),
    [
        ({"name": "Contoso Handel"}, {"name": "Contoso Handel GmbH"}, "name", "exact"),
        ({"name": "Contoso Handel"}, {"name": "Contosso Handel"}, "name", "close"),
        ({"name": "Contoso Handel Linz"}, {"name": "Linz Contoso Handel"}, "name", "exact"),
        ({"name": "Contoso 3 Handel"}, {"name": "Contoso 4 Handel"}, "name", "figures"),
        ({"name": "Contoso Handel"}, {"name": "Ganz was anderes"}, "name", "differs"),
        ({"phone": "0732 123456"}, {"phone": "+43 732 123456"}, "phone", "exact"),
        ({"phone": "0732 123456"}, {"phone": "0732 123457"}, "phone", "close"),
        ({"email": "office@contoso.at"}, {"email": "info@contoso.at"}, "email", "domain"),
        ({"email": "office@contoso.at"}, {"website": "https://www.contoso.at/x"}, "email", "domain"),
        ({"post_code": "4020"}, {"post_code": "8010"}, "post_code", "differs"),
        ({"city": "Linz"}, {"city": "LINZ"}, "post_code", "city"),
        ({"phone": "0732 123456"}, {}, "phone", "MISSING"),
    ],
)
def test_what_level_values_reach(bc, dv, field, word):
    # A number brings the two together; another record on each side has all fields, so that all are compared.
    full = {"number": "C999", "name": "Zebra Zoo", "phone": "01 5551234", "email": "z@zebra.org", "post_code": "9999",
            "city": "Wels"}  # fmt: skip
    snap = snapshot(customer=(
        [{"id": "b", "number": "K4711", **bc}, {"id": "b2", **full}],
        [{"id": "d", "number": "K4711", **dv}, {"id": "d2", **full}],
    ))  # fmt: skip
    found = candidates(pool(snap, NOBODY, CATALOGUE["customer"]))
    at = tuples(found.pairs).index((0, 0))
    where = [c.field for c in found.comparisons].index(field)
    reached = found.levels[at, where]
    assert (reached == -1) if word == "MISSING" else found.comparisons[where].words[reached] == word


# --- train --------------------------------------------------------------------------------------------


def ratios(m: np.ndarray, u: np.ndarray) -> np.ndarray:
    return m / u


def test_what_is_in_order_stays():
    m, u = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])
    got = _in_order(m, u, (0, 1, 2))
    assert got[0].tolist() == m.tolist()
    assert got[1].tolist() == u.tolist()


def test_violators_are_pooled_and_the_shares_still_make_one():
    m, u = np.array([0.5, 0.1, 0.3, 0.1]), np.array([0.1, 0.3, 0.3, 0.3])
    got, _ = _in_order(m, u, (0, 1, 2, 3))
    assert got == pytest.approx([0.5, 0.2, 0.2, 0.1])
    assert m.tolist() == [0.5, 0.1, 0.3, 0.1]
    # A later violator reaches back through a whole run.
    got, _ = _in_order(np.array([0.2, 0.2, 0.6]), np.array([0.25, 0.25, 0.5]), (0, 1, 2))
    assert ratios(got, np.array([0.25, 0.25, 0.5])) == pytest.approx([1, 1, 1])


def test_a_level_outside_the_order_is_left_alone():
    m, u = np.array([0.3, 0.5, 0.2]), np.array([0.3, 0.1, 0.6])
    assert _in_order(m, u, (0, 2))[0].tolist() == m.tolist()
    assert _in_order(m, u, (0, 1, 2))[0][0] > 0.3


SHARES = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=7)


@settings(max_examples=100, deadline=None)
@given(SHARES, st.data())
def test_pooled_shares_are_in_order_and_sum_to_the_same(m, data):
    u = data.draw(st.lists(st.floats(0.01, 1.0), min_size=len(m), max_size=len(m)))
    m, u = np.array(m) / sum(m), np.array(u) / sum(u)
    order = tuple(sorted(data.draw(st.sets(st.integers(0, len(m) - 1)))))
    got, other = _in_order(m, u, order)
    assert other is u
    assert got.sum() == pytest.approx(m.sum())
    steps = ratios(got, u)[list(order)]
    assert (np.diff(steps) <= 1e-9 * steps[:-1]).all() if len(order) > 1 else True
    outside = [i for i in range(len(m)) if i not in order]
    assert got[outside].tolist() == m[outside].tolist()
    again, _ = _in_order(got, u, order)
    assert again == pytest.approx(got)


# --- assign -------------------------------------------------------------------------------------------

EDGES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([-2.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.5, 9.0])),
    max_size=16,
    unique_by=lambda edge: edge[:2],
)  # fmt: skip


def arrays(edges: list[tuple[int, int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bc, dv, net = (np.array([e[k] for e in edges], dtype=t) for k, t in ((0, int), (1, int), (2, float)))
    return bc, dv, net


def best_choices(edges: list[tuple[int, int, float]]) -> list[frozenset[int]]:
    """All one-to-one choices with the largest sum, record by record; worthless pairs are never taken."""
    best: list[float] = [0.0]
    found: list[set[frozenset[int]]] = [{frozenset()}]

    def walk(record: int, used: frozenset[int], total: float, taken: frozenset[int]) -> None:
        if record == 6:
            if total > best[0] + 1e-9:
                best[0], found[0] = total, {taken}
            elif abs(total - best[0]) <= 1e-9:
                found[0].add(taken)
            return
        walk(record + 1, used, total, taken)
        for n, (bc, dv, net) in enumerate(edges):
            if bc == record and dv not in used and net > 0:
                walk(record + 1, used | {dv}, total + net, taken | {n})

    walk(0, frozenset(), 0.0, frozenset())
    return list(found[0])


@settings(max_examples=250, deadline=None)
@given(EDGES, st.sampled_from([0.0, -1.0, 1.5]))
def test_the_choice_is_what_all_best_choices_share(edges, prior):
    bc, dv, score = arrays(edges)
    made = assign(bc, dv, score, prior)
    best = best_choices([(b, d, s + prior) for b, d, s in edges])
    assert set(np.flatnonzero(made.chosen)) == set(frozenset.intersection(*best))
    assert not (made.tied & made.chosen).any()
    assert set(np.flatnonzero(made.tied)) <= set(frozenset.union(*best))
    everywhere = frozenset.intersection(*best)
    # Who is left without a partner though some best choice gives one is told so.
    if len(best) > 1:
        assert made.tied.any() or frozenset.union(*best) == everywhere


@settings(max_examples=150, deadline=None)
@given(EDGES)
def test_the_plain_cases_are_those_of_the_whole_choice(edges):
    bc, dv, net = arrays([e for e in edges if e[2] > 0])
    settled, open_ = choosing._plain(bc, dv, net)
    best = best_choices([(b, d, w) for b, d, w in zip(bc.tolist(), dv.tolist(), net.tolist(), strict=True)])
    always = frozenset.intersection(*best)
    assert set(settled.tolist()) <= always
    # What stays open has none of the settled records, and nothing that could be chosen is lost.
    assert not set(bc[settled]) & set(bc[open_])
    assert not set(dv[settled]) & set(dv[open_])
    assert frozenset.union(*best) <= set(settled.tolist()) | set(open_.tolist())


def test_the_plain_cases_settle_further_ones():
    bc, dv, net = np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([9.0, 4.0, 3.0])
    settled, open_ = choosing._plain(bc, dv, net)
    assert sorted(settled.tolist()) == [0, 2]
    assert not len(open_)
    # A pair that is worth just as much as its two rivals together is not plain.
    tie = np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([5.0, 2.0, 3.0])
    assert not len(choosing._plain(*tie)[0])
    assert EQUAL < 1e-3


@settings(max_examples=60, deadline=None)
@given(EDGES)
def test_a_large_group_is_chosen_like_a_small_one(edges):
    bc, dv, net = arrays([e for e in edges if e[2] > 0])
    if len(bc):
        _, left = np.unique(bc, return_inverse=True)
        _, right = np.unique(dv, return_inverse=True)
        # Different weights, so that there is one best choice.
        net = net + np.arange(len(net)) * 1e-3
        sparse = choosing._best_sparse(left, right, net, left.max() + 1, right.max() + 1)
        dense = choosing._best(bc, dv, net)
        assert net[sparse].sum() == pytest.approx(net[dense].sum())
        assert len(set(bc[sparse])) == len(set(dv[sparse])) == sparse.sum()


@settings(max_examples=60, deadline=None)
@given(EDGES)
def test_the_best_other_pair_of_a_record(edges):
    bc, _, net = arrays(edges)
    want = [
        max((net[m] for m in range(len(bc)) if m != n and bc[m] == bc[n]), default=-np.inf) for n in range(len(bc))
    ]
    assert best_other(bc, net).tolist() == want


# --- rivals -------------------------------------------------------------------------------------------

HOME = {"city": "Linz", "post_code": "4020", "address_line1": "Hauptstr. 1"}
AWAY = {"city": "Graz", "post_code": "8010", "address_line1": "Ringweg 55"}
WIRE = {"phone": "0732 123456", "email": "office@contoso.com", "website": "contoso.com"}


def crowd(side: str) -> list[dict]:
    """Plain pairs beside those that matter, so that there is something to learn from."""
    names = (
        "Adler Bau", "Birken Holz", "Dachstein Tours", "Fabrikam Druck", "Gipfel Sport", "Hafen Reederei",
        "Insel Hotel", "Jura Uhren", "Kranich Papier", "Lerche Musik", "Mohn Backwaren", "Nebel Optik",
    )  # fmt: skip
    return [
        {
            "id": f"{side}x{n:02}", "name": name, "number": f"N{n:03}", "city": f"Ort{n}",
            "post_code": f"{1100 + n * 7}", "address_line1": f"{name[:4]}gasse {n + 1}",
            "phone": f"01 55512{n:02}", "email": f"x@{name[:5].lower()}.org",
        }
        for n, name in enumerate(names)
    ]  # fmt: skip


def propose(bc: list[dict], dv: list[dict]) -> pd.DataFrame:
    return match.propose(snapshot(customer=(bc + crowd("b"), dv + crowd("d"))), NOBODY, "customer").frame


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"name": "Contoso Handels GmbH", **HOME, **WIRE}, "perhaps twice in {side}, see Contoso Handels GmbH"),
        ({"name": "Contoso Handel GmbH", **AWAY, **WIRE}, "another branch in {side}: Contoso Handel GmbH"),
        ({"name": "Zebra Immobilien", **HOME, **WIRE}, "a sister company in {side}: Zebra Immobilien"),
    ],
    ids=["twice", "elsewhere", "otherwise"],
)
def test_a_second_good_candidate_is_told_with_its_name(side, other, says):
    one = [{"id": "b", "name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE}]
    two = [{"id": "d", "name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE}, {"id": "e", **other}]
    bc, dv = (one, two) if side == "dv" else (two, one)
    frame = propose(bc, dv)
    best = row_of(frame, bc[0]["id"], dv[0]["id"])
    assert best["chosen"]
    where = {"bc": "Business Central", "dv": "Sales"}[side]
    assert best["reason"].startswith(says.format(side=where))
    assert (
        frame[frame["bc_id"].str.startswith("bx").fillna(False)]["reason"].str.startswith("perhaps twice")
    ).sum() == 0


def test_the_best_of_two_rivals_is_the_one_that_is_named():
    one = [{"id": "b", "name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE}]
    two = [
        {"id": "d", "name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE},
        {"id": "e", "name": "Contoso Handels", "phone": WIRE["phone"], "city": "Linz", "post_code": "4020"},
        {"id": "f", "name": "Contoso Handel Gmbh.", **HOME, **WIRE},
    ]
    assert "see Contoso Handel Gmbh." in row_of(propose(one, two), "b", "d")["reason"]


def test_a_rival_with_a_partner_of_its_own_is_none():
    far = {"number": "C20", "address_line1": "Lange Zeile 9", "phone": "0732 999999"}
    rows = [
        [
            {"id": f"{s}1", "name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE},
            {"id": f"{s}2", "name": "Contoso Handel GmbH", **HOME, **WIRE, **far},
        ]
        for s in "bd"
    ]
    frame = propose(*rows)
    for n in "12":
        found = row_of(frame, f"b{n}", f"d{n}")
        assert found["chosen"]
        assert "twice" not in found["reason"]
        assert "another branch" not in found["reason"]


@pytest.mark.parametrize("side", SIDES)
def test_the_runner_up_is_named_with_its_side_and_the_fields_it_fits_less_by(side):
    one = [{"id": "b", "name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE}]
    two = [
        {"id": "d", "name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE},
        {"id": "e", "name": "Contoso Handel Zwei", **HOME, **WIRE, "number": "C99"},
    ]
    bc, dv = (one, two) if side == "dv" else (two, one)
    said = row_of(propose(bc, dv), bc[0]["id"], dv[0]["id"])["runner_up"]
    where = {"bc": "Business Central", "dv": "Sales"}[side]
    assert said.startswith(f"Contoso Handel Zwei in {where} fits less by ")
    fields = said.split(" fits less by ")[1]
    assert set(fields.replace(" and ", ",").split(",")) == {"number", "name"}


def settling(bc: dict, dv: dict) -> tuple[str, str | None]:
    """The band of one more pair among many, and which value would settle it."""
    others = made_up("customer", 300, 5)
    frame = propose([bc, *others[0]], [dv, *others[1]])
    row = row_of(frame, bc["id"], dv["id"])
    return row["band"], plain(row["settles"])


@pytest.mark.parametrize(
    ("bc", "dv", "where"),
    [
        ({}, {}, "Business Central and Sales"),
        ({"phone": "+49 431 5551234"}, {}, "Sales"),
        ({}, {"phone": "+49 431 5551234"}, "Business Central"),
    ],
)
def test_the_value_that_would_settle_a_doubt_is_named_with_the_side_that_lacks_it(bc, dv, where):
    one = {"id": "b1", "number": "K900001", "name": "Atlas Optik GmbH", **bc}
    other = {"id": "d1", "number": "77-3", "name": "Atlas Optik", **dv}
    band, said = settling(one, other)
    assert band == "likely"
    assert said == f"phone in {where}"
    # And it does settle it.
    phone = {"phone": "+49 431 5551234"}
    assert settling({**one, **phone}, {**other, **phone}) == ("certain", None)


def test_a_value_that_would_leave_a_doubt_settles_nothing():
    one = {"id": "b1", "number": "K900001", "name": "Atlas Optik GmbH", "city": "Kiel"}
    other = {"id": "d1", "number": "77-3", "name": "Atlas Optik", "city": "Linz", "country": "AT"}
    assert settling(one, other) == ("likely", None)


def test_a_pair_without_another_candidate_has_no_runner_up():
    frame = propose([], [])
    assert frame["runner_up"].isna().all()


@pytest.mark.parametrize("side", SIDES)
def test_a_hidden_twin_is_named_with_the_reason_of_the_filter(side):
    full = {"name": "Contoso Handel GmbH", "number": "C10", **HOME, **WIRE}
    mine = [{"id": "m", **full}]
    theirs = [{"id": "t", **full, "name": "Contoso Handels GmbH", "outside": "blocked (All)"}]
    frame = propose(*((mine, theirs) if side == "dv" else (theirs, mine)))
    own = "bc_id" if side == "dv" else "dv_id"
    found = frame[frame[own] == "m"].iloc[0]
    assert found["band"] == "nothing found"
    where = {"bc": "Business Central", "dv": "Sales"}[side]
    assert found["reason"] == f"Contoso Handels GmbH in {where} is blocked (All)"
    assert "t" not in {*frame["bc_id"].dropna(), *frame["dv_id"].dropna()}
    # Others that have nobody there do not have this twin.
    assert (frame["reason"] == found["reason"]).sum() == 1


# --- evidence -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["customer", "item"])
def test_the_column_of_evidence_is_that_of_its_lines(kind):
    records_of = pool(records(kind, 80), NOBODY, CATALOGUE[kind])
    found = candidates(records_of)
    bits = np.random.default_rng(1).normal(0, 5, found.levels.shape).astype(np.float32)
    bits[found.levels < 0] = 0.0
    bits[:, 0] = np.where(found.levels[:, 0] < 0, 0.0, -0.0001)
    got = evidence_column(records_of, found.comparisons, found.pairs.left, found.pairs.right, found.levels, bits)
    values = {s: [joined_texts(records_of.frames[s], c.shows).to_pylist() for c in found.comparisons] for s in SIDES}
    for n, text in enumerate(got.to_pylist()):
        lines = []
        for i, c in enumerate(found.comparisons):
            bc, dv = values["bc"][i][found.pairs.left[n]], values["dv"][i][found.pairs.right[n]]
            if bc is not None or dv is not None:
                reached = found.levels[n, i]
                word = c.words[reached] if reached >= 0 else MISSING
                lines.append(Line(c.field, bc, dv, word, float(bits[n, i]) + 0.0))
        assert json.loads(text) == json.loads(evidence_json(lines))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=10), st.sampled_from(['"', "\\", "\n", "</script>", "😀"]))))
def test_any_text_is_good_json(texts):
    got = as_json(pa.array(texts, pa.string())).to_pylist()
    assert [None if t is None else json.loads(t) for t in got] == texts


# --- in parts -----------------------------------------------------------------------------------------


def test_pairs_compared_and_written_in_small_parts_are_the_same(monkeypatch):
    snap = snapshot(customer=made_up("customer", 250, 6))
    whole = match.propose(snap, NOBODY, "customer").frame
    monkeypatch.setattr("d365kit.match.levels._AT_ONCE", 97)
    monkeypatch.setattr("d365kit.match.grams._AT_ONCE", 31)
    monkeypatch.setattr("d365kit.match.explain._AT_ONCE", 13)
    again = match.propose(snapshot(customer=made_up("customer", 250, 6)), NOBODY, "customer").frame
    assert len(whole) > 200
    pd.testing.assert_frame_equal(whole, again, check_exact=True)


def test_starting_odds_beyond_the_steady_ones_make_no_pair_certain():
    one = np.zeros(1, dtype=np.int64)

    def clear(score: float, prior: float) -> float:
        return float(assign(one, one, np.array([score]), prior).clear[0])

    steady = choosing.STEADY_ODDS
    assert clear(5.0, steady) == clear(5.0, steady + 6.0) < 0
    assert clear(5.0, steady - 1.0) == pytest.approx(clear(5.0, steady) - 1.0)
    assert clear(6.2, steady) > 0
