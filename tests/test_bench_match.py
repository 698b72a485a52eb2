"""The measured runs of the matching benchmark: each prints one line with the figures that its tables show."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from d365kit import match
from tests.bench import match as bench
from tests.bench import match_bc, match_ours, match_splink, measured
from tests.bench.sets import NAMES, make, score

SIZE = 300
FIGURES = {"matcher", "seconds", "cpu", "peak_gb", "pairs", "f1", "precision", "recall"}
CERTAIN = {"certain", "certain_precision", "certain_coverage"}
BEST = {"candidates", "blocking_recall", "best_f1", "r99.5"}


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("companies", tmp_path_factory.mktemp("sets") / "companies", size=SIZE, seed=2)


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("names_and_towns", tmp_path_factory.mktemp("sets") / "towns", size=SIZE, seed=2)


def _line(capsys: pytest.CaptureFixture[str]) -> dict:
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    return json.loads(lines[0])


def test_every_set_has_a_kind_and_aims() -> None:
    assert set(measured.KINDS) == set(bench.QUALITY) == set(NAMES)
    assert set(measured.KINDS.values()) == set(match_bc.PRIORITIES)


@pytest.mark.slow
def test_ours_and_splink_tell_the_same_figures(companies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run in (match_ours, match_splink):
        assert run.main([str(companies), "--kind", "customer", "--candidates"]) == 0
        found = _line(capsys)
        assert found.keys() >= FIGURES | CERTAIN | BEST
        assert found["f1"] > 0.9
        assert found["seconds"] > 0
        assert 0.05 < found["peak_gb"] < 5


def test_business_centrals_way_takes_what_is_equal_once_on_each_side(
    companies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = pd.DataFrame({"id": list("abcd"), "vat": ["1", "2", "2", None], "name": ["W", "X", "Y", "Z "]})
    right = pd.DataFrame({"id": list("stuv"), "vat": ["1", "2", "9", None], "name": ["w", "y", "x", "z"]})
    pairs = match_bc.couple(left, right, [["vat"], ["number"], ["name"]])
    assert sorted(zip(pairs["left_id"], pairs["right_id"], strict=True)) == [
        ("a", "s"), ("b", "u"), ("c", "t"), ("d", "v"),
    ]  # fmt: skip
    assert match_bc.main([str(companies), "--kind", "customer"]) == 0
    assert _line(capsys).keys() >= FIGURES


def test_splinks_pairs_are_one_to_one_and_the_best_first() -> None:
    scored = pd.DataFrame(
        {
            "bc_id": list("aabb"),
            "dv_id": list("xyxy"),
            "score": [9.0, 8.0, 9.5, 1.0],
            "probability": [1.0, 1.0, 1.0, 0.6],
        }
    )
    kept = match_splink.one_to_one(scored)
    assert list(zip(kept["bc_id"], kept["dv_id"], strict=True)) == [("b", "x"), ("a", "y")]


@pytest.mark.slow
def test_answers_are_those_of_the_truth(towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(snapshot: Any, ledger: Any, kind: str, number: int) -> pd.DataFrame:
        found = match.propose(snapshot, ledger, kind).frame.dropna(subset=["bc_id", "dv_id"])
        doubt = (found["probability"] - 0.5).abs()
        return found.loc[doubt.sort_values(kind="stable").index, ["bc_id", "dv_id"]].head(number)

    monkeypatch.setattr(match, "ask", ask, raising=False)
    found = match_ours.answers(towns, "customer", 20)
    assert found["asked"] >= found["confirmed"] + found["rejected"] > 10
    assert found["f1_after"] >= found["f1_told"] - 0.02
    assert found["f1_told"] >= found["f1_before"]
    assert {f"{key}_{when}" for key in CERTAIN for when in ("before", "after")} <= found.keys()


def test_answers_are_left_out_while_nothing_asks(towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(match, "ask", raising=False)
    assert "ask" in match_ours.answers(towns, "customer")["missing"]


@pytest.mark.slow
def test_proposing_again_counts_both_times(towns: Path) -> None:
    found = match_ours.again(towns, "customer", 20)
    assert found["decisions"] == 20
    assert found["ratio"] == pytest.approx(found["again_seconds"] / found["first_seconds"])
    assert found["f1"] > 0.9


@pytest.mark.slow
def test_ids_come_back_as_they_stand_in_the_files(companies: Path) -> None:
    held = measured.read(companies, "customer")
    ids = {side: held.snapshot["customer"].side(side)["id"].astype(str).head(3).tolist() for side in ("bc", "dv")}
    back = held.by_hand(pd.DataFrame({"bc_id": ids["bc"], "dv_id": ids["dv"]}))
    assert score(companies, back)["pairs"] == 3


def test_aims_are_judged_and_failures_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aims = bench.QUALITY["companies"]
    good = {"f1": 0.99, "certain_coverage": 0.96, "certain_precision": 0.999}
    assert bench._judge(aims, good)[1] == "yes"
    assert bench._judge(aims, {**good, "f1": 0.9})[1] == "not: F1 ≥ 0.988"
    assert bench._judge(aims, {"missing": "it is not there"})[1] == "it is not there"
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nOSError: no room\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    missing = bench.Bench(tmp_path, SIZE, 2, ["companies"])._run("companies", "d365kit")["missing"]
    assert missing == "d365kit failed on companies: OSError: no room"


def test_every_part_prints_a_row_for_each_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(dict):
        def __contains__(self, key: object) -> bool:
            return key != "missing"

        def __missing__(self, key: str) -> float:
            return 1.0

    monkeypatch.setattr(bench.Bench, "_ready", lambda self, names, size=None: list(names))
    monkeypatch.setattr(bench.Bench, "_run", lambda *_, **__: Full())
    monkeypatch.setattr(bench, "_lines", lambda folder: 300)
    monkeypatch.setattr(bench, "make", lambda *_, **__: None)
    assert bench.main(["--set", "companies", "--set", "items"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    # Five heads with their rules; three matchers on two sets, two matchers' cost, and one row a set thrice.
    assert len(rows) == 5 * 2 + 3 * 2 + 2 + 3 * 2


@pytest.mark.slow
def test_what_other_orders_and_other_records_change_is_counted(towns: Path, tmp_path: Path) -> None:
    for hand, seed in (("left", 3), ("right", 4)):
        make("names_and_towns", tmp_path / hand, size=30, seed=seed)
    found = match_ours.steady(towns, "customer", tmp_path)
    assert found["pairs"] >= found["certain"] > 0
    assert {"shuffled", "swapped", "scores_apart", "grown", "grown_lost", "grown_in_thousand"} <= found.keys()
    assert found["shuffled"] == 0
