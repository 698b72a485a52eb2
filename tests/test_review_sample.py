"""The blind sample: reproducible, blind, kept in the ledger; precision and its uncertainty; thresholds."""

from __future__ import annotations

import doctest
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from d365kit.errors import NothingToUndo, SettingsError
from d365kit.nouns import Pair, Proposals
from d365kit.review import Sampling, thresholds
from d365kit.review.sample import NOTE, THRESHOLDS
from d365kit.show.sample_plot import precision_plot
from d365kit.widgets.review import Sample
from tests.helpers_browser import Stage, chromium
from tests.helpers_match import NOW, snapshot
from tests.helpers_review import Desk, alone, customer, pair, small

SIZE = 200


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two hundred pairs from 50 to 99.9 % probable."""
    snap = snapshot("snap-a", customer=tuple([customer(f"{s}{n}", f"N{n}") for n in range(SIZE)] for s in "bd"))
    rows = [pair(f"b{n}", f"d{n}", probability=0.5 + 0.4999 * n / SIZE, score=n / 10.0) for n in range(SIZE)]
    return Desk(tmp_path / "ledger.db", snap, Proposals.from_rows("customer", snap.id, 0, rows))


def ids(sample: Sampling) -> list[str]:
    return [sample.queue.records["bc"].id_of(int(sample.queue.bc[p])) for p in sample.pairs]


def answer(sample: Sampling, wrong: int = 3) -> None:
    """The same for all but every ``wrong``-th below 80 %."""
    while (card := sample.card()) is not None:
        n = int(str(card["id"])[1:])
        if n % wrong == 0 and n < 0.6 * SIZE:
            sample.none()
        else:
            sample.confirm()


def test_examples() -> None:
    assert doctest.testmod(thresholds).failed == 0


def test_the_sample_follows_from_the_snapshot(desk: Desk) -> None:
    one, two = Sampling(desk, "customer", 30), Sampling(desk, "customer", 30)
    assert ids(one) == ids(two)
    assert len(set(ids(one))) == 30
    assert ids(Sampling(desk, "customer", 40))[:30] == ids(one)
    object.__setattr__(desk.snapshot, "id", "snap-b")
    assert ids(Sampling(desk, "customer", 30)) != ids(one)


def test_nothing_of_the_matching_is_told(desk: Desk) -> None:
    card = Sampling(desk, "customer", 5).card()
    text = json.dumps(card)
    assert card["selected"] == 0
    assert len(card["candidates"]) == 1
    for word in ("likely", "probab", "same name", "score", "Other Ltd", "chance"):
        assert word not in text


def test_answers_are_kept_and_a_sample_goes_on(desk: Desk) -> None:
    first = Sampling(desk, "customer", 10)
    drawn = ids(first)
    assert first.confirm() == f"ws.confirm('customer', [('{drawn[0]}', 'd{drawn[0][1:]}')], note='{NOTE}')"
    first.none(note="other street")
    first.defer()
    assert [d.note for d in desk.ledger.decisions()] == [NOTE, f"{NOTE}: other street", NOTE]
    again = Sampling(desk.beside("anna"), "customer", 10)
    assert ids(again) == drawn
    assert again.card()["id"] == drawn[3]
    assert again.progress() | {"pace": ""} == again.progress() | {"done": 2, "deferred": 1, "left": 7, "pace": ""}
    again.undo()
    assert again.card()["id"] == drawn[2]
    again.undo()
    again.undo()
    with pytest.raises(NothingToUndo):
        again.undo()


def test_records_decided_before_are_not_asked(desk: Desk) -> None:
    drawn = ids(Sampling(desk, "customer", 10))
    desk.ledger.confirm("customer", [Pair(drawn[2], f"d{drawn[2][1:]}")], by="x", at=NOW)
    assert ids(Sampling(desk, "customer", 10))[:9] == [d for d in drawn if d != drawn[2]]


def test_precision_at_each_threshold_with_its_uncertainty(desk: Desk) -> None:
    sample = Sampling(desk, "customer", 60)
    answer(sample)
    table = sample.table()
    assert table["threshold"].tolist() == list(THRESHOLDS)
    found = int(table["same"][0])
    first, sure = table.iloc[0], table[table["threshold"] == 0.9].iloc[0]
    assert first["sampled"] == 60
    assert first["low"] < first["precision"] < first["high"] < 1
    assert sure["precision"] == 1.0
    assert sure["low"] < 1.0 == sure["high"]
    assert table["precision"].dropna().is_monotonic_increasing
    assert table["would_confirm"].is_monotonic_decreasing
    end = sample.end()
    json.dumps(end, allow_nan=False)
    assert end["text"].startswith(f"Sample finished: {found} the same, {60 - found} different")
    assert "of 60 the same" in sample.plot().description
    assert "<svg" in sample.plot().svg


def test_a_threshold_nobody_reaches_tells_nothing(desk: Desk) -> None:
    sample = Sampling(desk, "customer", 1)
    sample.defer()
    table = sample.table()
    assert math.isnan(table.iloc[0]["precision"])
    assert (table.iloc[0]["sampled"], table.iloc[0]["would_confirm"]) == (0, SIZE)
    assert precision_plot("Customers", table).description == "No sampled pair is answered yet."
    assert precision_plot("Customers", table).svg


def test_a_threshold_names_the_decisions_it_contradicts(tmp_path: Path) -> None:
    desk = small(tmp_path)
    desk.ledger.reject("customer", [Pair("b1", "d1", 15.0, fingerprint="f-b1-d1")], by="x", at=NOW)
    desk.ledger.confirm("customer", [Pair("b3", "d4")], by="x", at=NOW)
    desk.ledger.confirm("customer", [Pair("b7", "d7")], by="x", at=NOW)
    # Proposed no more, for it was rejected before: its score then counts.
    desk.ledger.reject("customer", [Pair("b5", "d5", 9.5)], by="x", at=NOW)
    sample = Sampling(desk, "customer", 5)
    low = sample.at_threshold(0.5)
    assert low["would_confirm"] == 3
    assert low["contradicts"] == 3
    assert low["named"] == [
        "Fabrikam Ltd ↔ Fabrikam Limited", "Tailspin Toys ↔ Tailspin Toys",
        "Nobody Home ↔ Only In Sales (when it was decided)",
    ]  # fmt: skip
    high = sample.at_threshold(0.99)
    assert (high["would_confirm"], high["contradicts"]) == (0, 1)
    with pytest.raises(SettingsError, match="98 is no threshold"):
        sample.at_threshold(98)
    assert sample.at_threshold(1.0) == {"threshold": 1.0, "would_confirm": 0, "contradicts": 0, "named": []}


@pytest.mark.parametrize("count", [0, -3])
def test_a_sample_needs_a_number(desk: Desk, count: int) -> None:
    with pytest.raises(SettingsError, match="tells nothing"):
        Sampling(desk, "customer", count)


def test_nothing_proposed_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No pair of Customers is proposed"):
        Sampling(small(tmp_path, [alone("bc", "b5")]), "customer")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as found:
        yield found


@pytest.mark.browser
def test_a_sample_on_the_screen(browser, desk: Desk) -> None:
    sample = Sample(desk, "customer", 6)
    stage = Stage(browser, sample)
    for hidden in (".filters", ".side"):
        assert not stage.page.locator(hidden).is_visible()
    assert "likely" not in stage.text("")
    stage.shot("sample_blind")
    stage.press("w", "b", "s", "/", "e")
    assert desk.calls == []
    stage.press("y", "n", " ", "y", "y", "y")
    assert "Sample finished: 4 the same, 1 different, 1 cannot be told" in stage.text(".end")
    slide = stage.page.get_by_label("Threshold")
    slide.focus()
    slide.press("Home")
    assert "From 50.0 %" in stage.text(".moved")
    stage.page.wait_for_timeout(100)
    stage.shot("sample_end")
    stage.press("z")
    assert "5 done · 1 left" not in stage.text(".status")
    assert stage.page.locator(".tools .yes").is_enabled()
    assert stage.wrong == []
