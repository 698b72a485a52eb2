"""Proposals drawn: the histogram counts every record once, the waterfall adds up, nothing hostile gets through."""

from __future__ import annotations

import doctest
import json
import math
import re
from datetime import UTC, datetime

import pandas as pd
import pytest

from d365kit import match
from d365kit.errors import SettingsError, UnknownRecord
from d365kit.kinds import default_catalogue
from d365kit.match.assign import CERTAIN, LIKELY
from d365kit.match.rules import PROBABILITY
from d365kit.match.templates import MISSING
from d365kit.match.train import LARGEST
from d365kit.nouns import Proposals, Sides, Snapshot
from d365kit.nouns.frames import empty, from_rows
from d365kit.show import canvas, histogram, waterfall
from tests.helpers_html import Reader

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script>$x$ & "\u202e'
FOREIGN = ("script", "img", "iframe", "a", "object", "foreignObject", "use")


def company(at: int, **other: object) -> dict[str, object]:
    return {
        "id": f"b{at}", "number": f"C{at:05}", "name": f"{chr(65 + at % 26)}{chr(97 + at // 26)}lmar Works {at} Ltd",
        "address_line1": f"{at + 3} Mill Lane", "post_code": f"S{at} 1AB", "city": "Leeds", "country": "GB",
        "phone": f"+44 113 496 {at:04}", "email": f"office@{chr(97 + at % 26)}lmar{at}.example", **other,
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Proposals:
    """Forty customers, most of them on both sides; one has a namesake next door."""
    from d365kit.ledger import Ledger

    schema = default_catalogue()["customer"].schema
    bc = [company(n) for n in range(40)]
    dv = [company(n) | {"id": f"d{n}"} for n in range(4, 44)]
    for n in (4, 5, 6):
        dv[n] |= {"number": None, "phone": None, "email": None}
    dv.append(company(20) | {"id": "twin", "number": None, "phone": "+44 113 496 9999"})
    sides = Sides("customer", from_rows(bc, schema), from_rows(dv, schema), empty(schema), empty(schema))
    ledger = Ledger.open(tmp_path_factory.mktemp("plots") / "ledger.db")
    made = match.propose(Snapshot("s1", NOW, {"customer": sides}), ledger, "customer")
    ledger.close()
    return made


def line(field: str, weight: float, level: str = "exact", bc: str | None = "x", dv: str | None = "x") -> dict:
    return {"field": field, "bc": bc, "dv": dv, "level": level, "weight": weight}


def pair(bc_id: str | None, dv_id: str | None, bits: float, before: float, **other: object) -> dict[str, object]:
    """A row of Proposals whose probability follows from its bits and the odds before."""
    evidence = [line("name", bits / 2), line("post_code", bits / 2), line("phone", 0.0, MISSING, None, "123")]
    return {
        "bc_id": bc_id, "dv_id": dv_id, "bc_name": "Ann", "dv_name": "Anne", "band": "likely", "rank": 1,
        "chosen": True, "score": bits, "probability": 1 / (1 + 2 ** -(bits + before)), "margin": 1.0,
        "reason": "same name", "evidence": json.dumps(evidence), **other,
    }  # fmt: skip


def proposals(*rows: dict[str, object], kind: str = "customer") -> Proposals:
    return Proposals.from_rows(kind, "s1", 0, list(rows))


@pytest.mark.parametrize("module", [histogram, waterfall])
def test_examples(module) -> None:
    assert doctest.testmod(module).failed == 0


def test_the_drawing_knows_the_matcher_s_own_figures() -> None:
    assert (LIKELY, CERTAIN) == histogram.MARKS
    assert waterfall.LARGEST == LARGEST
    assert waterfall.MISSING == MISSING
    codes = pd.DataFrame({"bc_id": "b", "dv_id": "d", "probability": list(PROBABILITY.values())})
    assert waterfall.by_rule(codes)


# --- histogram -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["probability", "score"])
def test_the_histogram_counts_each_record_with_a_candidate_once(found: Proposals, by: str) -> None:
    drawn, counts = found.histogram(by), found.counts()
    assert {b: int(drawn.frame[b].sum()) for b in histogram.TONES} == {b: counts[b] for b in histogram.TONES}
    assert str(counts["certain"]) in drawn.title
    assert (drawn.frame["from"] < drawn.frame["to"]).all()
    assert list(drawn.frame["from"][1:]) == list(drawn.frame["to"][:-1])


def test_the_histogram_says_how_many_chosen_pairs_reach_each_threshold(found: Proposals) -> None:
    chosen = found.chosen()
    reached = int((chosen["probability"] >= CERTAIN).sum())
    assert f"98 %: {reached} chosen" in found.histogram().svg
    assert f"{reached} chosen pairs have 98 % or more" in found.histogram().description


def test_a_record_without_a_chosen_candidate_is_unsure_and_its_best_candidate_counts() -> None:
    tied = [
        pair("b", d, s, 0.0, chosen=False, band="unsure", rank=n) for n, (d, s) in enumerate([("d", 5.0), ("e", 3)])
    ]
    drawn = proposals(*tied).histogram("score")
    assert int(drawn.frame["unsure"].sum()) == 1
    assert drawn.frame.loc[drawn.frame["unsure"] > 0, "from"].iloc[0] == 5.0


def test_probabilities_at_the_ends_and_missing_ones_are_drawn_or_left_out() -> None:
    rows = [pair(f"b{n}", f"d{n}", 3.0, 0.0, probability=p) for n, p in enumerate([0.0, 1.0, 1e-300, None])]
    drawn = proposals(*rows).histogram()
    assert drawn.frame["likely"].iloc[[0, -1]].tolist() == [2, 1]
    assert drawn.svg


def test_no_proposals_and_no_candidates_say_so() -> None:
    for none in (proposals(), proposals({"bc_id": "b", "band": "nothing found", "chosen": False})):
        for by in ("probability", "score"):
            drawn = none.histogram(by)
            assert "No record has a candidate." in drawn.svg
            assert drawn.description == "No record has a candidate."
        with pytest.raises(UnknownRecord):
            none.waterfall("b")


def test_a_histogram_by_something_else_is_refused() -> None:
    with pytest.raises(SettingsError, match="margin"):
        proposals().histogram("margin")


# --- waterfall -------------------------------------------------------------------------------------------


def test_the_bars_of_every_pair_add_up_to_its_score_and_its_probability(found: Proposals) -> None:
    pairs = found.frame[found.frame["bc_id"].notna() & found.frame["dv_id"].notna()]
    assert len(pairs) > 30
    for row in pairs.itertuples():
        steps = found.waterfall(row.bc_id, row.dv_id).frame
        compared = steps[steps["level"].notna()]
        assert math.isclose(compared["bits"].sum(), row.score, abs_tol=0.01)
        assert list(steps["end"][:-1])[:-1] == list(steps["start"][1:-1])
        total = steps.iloc[-1]
        assert total["step"] == "all together"
        assert math.isclose(total["bits"], steps["bits"][:-1].sum(), abs_tol=1e-9)
        if 1e-6 < row.probability < 1 - 1e-6:
            assert math.isclose(1 / (1 + 2.0 ** -total["bits"]), row.probability, abs_tol=0.01)


def test_without_a_partner_named_the_chosen_candidate_is_drawn(found: Proposals) -> None:
    row = found.chosen().iloc[0]
    assert found.waterfall(row["bc_id"]).svg == found.waterfall(row["bc_id"], row["dv_id"]).svg


def test_the_odds_before_come_of_a_pair_without_rivals_and_rivals_get_their_own_bar() -> None:
    rivalled = pair("b1", "d2", 4.0, 2.0, probability=0.5)
    other = pair("b1", "d3", 4.0, 2.0, probability=0.5, chosen=False, rank=2)
    drawn = proposals(pair("b0", "d0", 3.0, 2.0), rivalled, other).waterfall("b1").frame
    assert list(drawn["step"]) == ["odds before", "name", "post_code", "phone", "rivals", "all together"]
    assert drawn["bits"].round(6).tolist() == [2.0, 2.0, 2.0, 0.0, -6.0, 0.0]


def test_where_all_pairs_have_rivals_the_first_bar_is_named_for_both() -> None:
    rows = [pair("b1", d, 4.0, -1.0, rank=n) for n, d in enumerate(["d2", "d3"], 1)]
    drawn = proposals(*rows).waterfall("b1", "d3")
    assert drawn.frame["step"].iloc[0] == "odds before, and rivals"
    assert drawn.frame["bits"].iloc[0] == pytest.approx(-1.0)
    assert "the odds at first, less what rivals take" in drawn.svg


def test_many_rivals_do_not_squeeze_the_other_bars() -> None:
    rows = [pair("b0", "d0", 3.0, 2.0), pair("b1", "d2", 4.0, 2.0),
            pair("b1", "d3", 4.0, 2.0, probability=1e-17, chosen=False, rank=2)]  # fmt: skip
    drawn = proposals(*rows).waterfall("b1", "d3")
    assert drawn.frame["bits"].iloc[-1] == pytest.approx(math.log2(1e-17), abs=0.01)
    assert drawn.svg.count(">…<") == 2


def test_where_a_rule_decides_there_are_no_odds_before() -> None:
    drawn = proposals(pair("b", "d", 20.0, 0.0, probability=0.999), kind="currency").waterfall("b")
    assert list(drawn.frame["step"]) == ["name", "post_code", "phone", "all together"]
    assert "99.9 % as the rule says" in drawn.title


def test_a_missing_value_has_no_bar_and_is_named() -> None:
    drawn = proposals(pair("b", "d", 3.0, 2.0)).waterfall("b")
    assert "phone missing | 123, missing, 0 bits" in drawn.description
    assert drawn.frame.loc[drawn.frame["step"] == "phone", "bits"].iloc[0] == 0


@pytest.mark.parametrize(
    ("bc_id", "dv_id", "said"),
    [("nobody", None, "nobody"), ("b", "nobody", "d"), ("lonely", None, "Nothing was found"), ("d", None, "bc_id")],
)
def test_unknown_records_are_errors_of_the_kit(bc_id: str, dv_id: str | None, said: str) -> None:
    made = proposals(pair("b", "d", 3.0, 2.0), {"bc_id": "lonely", "band": "nothing found", "chosen": False})
    with pytest.raises(UnknownRecord, match=said):
        made.waterfall(bc_id, dv_id)


@pytest.mark.parametrize("evidence", [None, "[]"])
def test_proposals_without_details_cannot_be_drawn(evidence: str | None) -> None:
    with pytest.raises(SettingsError, match="without details"):
        proposals(pair("b", "d", 3.0, 2.0, evidence=evidence)).waterfall("b")


def test_hostile_names_and_values_stay_texts() -> None:
    evidence = json.dumps([line("name", 3.0, HOSTILE, HOSTILE, HOSTILE * 50), line(HOSTILE, -2.0)])
    made = proposals(
        pair(HOSTILE, "d", 1.0, 2.0, bc_name=HOSTILE, dv_name=HOSTILE * 20, evidence=evidence), kind="customer"
    )
    for drawn in (made.waterfall(HOSTILE), made.histogram()):
        page = Reader(drawn._repr_html_())
        assert not [t for t, _ in page.elements if t in FOREIGN]
        assert "\u202e" not in drawn._repr_html_() + str(drawn)
    with pytest.raises(UnknownRecord) as problem:
        made.waterfall("\u202e")
    assert "\u202e" not in str(problem.value)


def test_pictures_follow_the_page_s_colours_and_can_be_saved(found: Proposals, tmp_path) -> None:
    plots = [found.histogram(), found.histogram("score"), found.waterfall(found.chosen()["bc_id"].iloc[0])]
    for n, drawn in enumerate(plots):
        assert canvas.INK not in drawn.svg
        assert "currentColor" in drawn.svg
        assert re.search(r'role="img".*<desc[^>]*>[^<]{20,}</desc>', drawn.svg)
        assert drawn.save(tmp_path / f"{n}.png").stat().st_size > 1000
