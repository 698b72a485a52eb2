"""The benchmark sets: the same for a seed, as dirty as documented, telling nothing by order, scored as said."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pandas as pd
import pytest

from tests.bench.sets import NAMES, companies, items, make, numbers, score, towns
from tests.bench.sets.scoring import Figures
from tests.bench.sets.writing import write

MADE = [name for name in NAMES if name != "febrl4"]
FILES = ("left.csv", "right.csv", "truth_left.csv", "truth_right.csv")
SIZE = 2000


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("sets")
    return {name: make(name, home / name, size=SIZE, seed=3) for name in MADE}


def _side(folder: Path, side: str) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"{side}.csv", dtype=str, keep_default_na=False)
    truth = pd.read_csv(folder / f"truth_{side}.csv", dtype={"id": str})
    assert list(frame["id"]) == list(truth["id"])
    return frame.assign(entity=truth["entity"])


@pytest.mark.parametrize("name", MADE)
def test_a_seed_gives_the_same_bytes_and_another_seed_others(name: str, tmp_path: Path) -> None:
    first, again, other = (make(name, tmp_path / str(i), size=300, seed=s) for i, s in enumerate((5, 5, 6)))
    for file in FILES:
        assert (first / file).read_bytes() == (again / file).read_bytes()
        assert (first / file).read_bytes() != (other / file).read_bytes()


def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    key, flags = "items:1", bytes([3] * 500)
    dirt = {"left": items.Dirt(), "right": items.Dirt()}
    alone = write(tmp_path / "a", items.COLUMNS, flags, items.chunk, key, together=63, many=99, **dirt)
    two = write(tmp_path / "b", items.COLUMNS, flags, items.chunk, key, together=63, many=2, **dirt)
    for file in FILES:
        assert (alone / file).read_bytes() == (two / file).read_bytes()


@pytest.mark.parametrize("name", MADE)
def test_sizes_partners_and_second_records_are_as_documented(name: str, sets: dict[str, Path]) -> None:
    left, right = _side(sets[name], "left"), _side(sets[name], "right")
    twice = {"items": items.TWICE, "names_and_towns": towns.TWICE}.get(name, companies.TWICE)
    for side, other in ((left, right), (right, left)):
        assert len(side) == SIZE
        assert side["id"].is_unique
        entities = side["entity"].drop_duplicates()
        assert len(side) - len(entities) == round(SIZE * twice)
        assert (~entities.isin(other["entity"])).mean() == pytest.approx(0.30, abs=0.002)
    assert not set(left["id"]) & set(right["id"])


@pytest.mark.parametrize("name", MADE)
def test_neither_order_nor_id_tells_anything(name: str, sets: dict[str, Path]) -> None:
    left, right = _side(sets[name], "left"), _side(sets[name], "right")
    for side in (left, right):
        rank, entity = side["id"].rank(), side["entity"].rank()
        place = pd.Series(range(len(side)))
        assert abs(rank.corr(place)) < 0.1
        assert abs(rank.corr(entity)) < 0.1
        assert abs(place.corr(entity)) < 0.1
    pairs = left.reset_index().merge(right.reset_index(), on="entity")
    assert abs(pairs["index_x"].corr(pairs["index_y"])) < 0.1
    assert abs(pairs["id_x"].rank().corr(pairs["id_y"].rank())) < 0.1


@pytest.mark.parametrize("name", ["companies", "companies_hard"])
def test_companies_are_as_dirty_as_documented(name: str, sets: dict[str, Path]) -> None:
    recipe = companies.RECIPES[name]
    left, right = _side(sets[name], "left"), _side(sets[name], "right")
    for side, missing in ((left, recipe.missing_left), (right, recipe.missing_right)):
        for column in ("number", "address", "city", "postcode", "country", "phone", "email", "regno", "contact"):
            assert (side[column] == "").mean() == pytest.approx(getattr(missing, column), abs=0.04), column
        assert (side["name"] != "").all()
        assert side["name"].str.len().max() <= 100
    assert right["name"].str.isupper().mean() == pytest.approx(recipe.right.upper, abs=0.04)
    shared = left.merge(right, on="entity", suffixes=("", "_right"))
    assert 0.1 < (shared["name"] == shared["name_right"]).mean() < 0.5
    codes = right.loc[right["country"].str.fullmatch("[A-Z]{2}"), "country"]
    assert len(set(codes)) >= 20
    for signs in ("[α-ω]", "[а-я]", "[ぁ-ヿ一-鿿]", "[ء-ي]"):
        assert left["name"].str.contains(signs).any(), signs


@pytest.mark.parametrize(("name", "share"), [("companies", 0.03), ("companies_hard", 0.10)])
def test_branches_and_sisters_are_as_frequent_as_documented(name: str, share: float) -> None:
    firms = companies._firms(4000, 0, Random(1), companies.RECIPES[name])
    kinds = pd.Series([firm.kind for firm in firms])
    assert (kinds == "branch").mean() == pytest.approx(share, abs=0.015)
    assert (kinds == "sister").mean() == pytest.approx(share, abs=0.015)
    seen = {(firm.vat, firm.domain) for firm in firms if firm.kind == "plain"}
    assert all((firm.vat, firm.domain) in seen for firm in firms if firm.kind == "branch")


def test_items_come_in_families_that_one_number_tells_apart(sets: dict[str, Path]) -> None:
    found = items._items(2000, 0, Random(1))
    families = pd.Series([f"{item.brand.name}/{item.series}/{item.code.rpartition('-')[0]}" for item in found])
    assert families.map(families.value_counts()).gt(1).mean() > 0.6
    assert len({item.gtin for item in found}) == len(found)
    left, right = _side(sets["items"], "left"), _side(sets["items"], "right")
    assert (right["gtin"] == "").mean() == pytest.approx(items.Dirt().no_gtin, abs=0.04)
    shared = left.merge(right, on="entity", suffixes=("", "_right"))
    both = shared[(shared["price"] != "") & (shared["price_right"] != "")]
    drift = both["price_right"].astype(float) / both["price"].astype(float)
    assert drift.between(0.9, 1.12).mean() > 0.95


def test_names_and_towns_differ_as_documented(sets: dict[str, Path]) -> None:
    left, right = _side(sets["names_and_towns"], "left"), _side(sets["names_and_towns"], "right")
    shared = left.merge(right, on="entity", suffixes=("", "_right"))
    assert (shared["city"].str.lower() == shared["city_right"].str.lower()).mean() == pytest.approx(0.86, abs=0.05)
    assert right["city"].str.lower().value_counts(normalize=True).iloc[0] > 0.015


def test_more_dirt_is_dirtier(tmp_path: Path) -> None:
    same = []
    for dirt in (0.0, 1.0, 2.0):
        folder = make("companies", tmp_path / str(dirt), size=500, seed=3, dirt=dirt)
        shared = _side(folder, "left").merge(_side(folder, "right"), on="entity", suffixes=("", "_right"))
        same.append((shared["name"] == shared["name_right"]).mean())
    assert same[0] > 0.85
    assert same[0] > same[1] > same[2]


def test_check_digits_hold() -> None:
    assert numbers.gtin("400638133393") == "4006381333931"
    assert numbers.luhn("7992739871") == "3"
    for country in numbers._TAX:
        assert numbers.tax_number(country, Random(1)) == numbers.tax_number(country, Random(1))
    belgian = numbers.tax_number("BE", Random(1))
    assert (int(belgian[2:10]) + int(belgian[10:])) % 97 == 0


# --- scoring ---------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Entities 1 to 4 on both sides, 1 twice on each; 5 on the left alone, 6 on the right."""
    (tmp_path / "truth_left.csv").write_text("id,entity\na,1\naa,1\nb,2\nc,3\nd,4\ne,5\n", "utf-8")
    (tmp_path / "truth_right.csv").write_text("id,entity\nA,1\nAA,1\nB,2\nC,3\nD,4\nF,6\n", "utf-8")
    return tmp_path


def _pairs(text: str) -> pd.DataFrame:
    rows = [line.split() for line in text.strip().splitlines()]
    frame = pd.DataFrame(rows, columns=["left_id", "right_id", "score", "band"])
    return frame.assign(score=frame["score"].astype(float))


def test_an_entity_counts_once(small: Path) -> None:
    found = score(small, _pairs("a A .99 certain\naa AA .98 certain\nb B .9 likely\ne F .5 likely"))
    assert found["shared"] == 4
    assert (found["right"], found["wrong"]) == (2, 1)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 4)
    assert found["f1"] == pytest.approx(2 * 2 / (2 + 1 + 4))
    assert (found["certain"], found["certain_precision"], found["certain_coverage"]) == (2, 1.0, 0.25)


def test_thresholds_are_tried_after_a_one_to_one_choice(small: Path) -> None:
    candidates = _pairs("a A .9 x\na B .8 x\nb B .7 x\nc D .6 x\nd D .5 x\nc C .4 x\ne F .3 x")
    found = score(small, candidates[candidates["score"] > 0.65], candidates)
    # a-A and b-B are right, c-D is wrong and bars d-D and c-C, e-F is wrong.
    assert found["best_f1"] == pytest.approx(2 * 2 / (2 + 0 + 4))
    assert found["best_at"] == pytest.approx(0.7)
    assert found["r99.5"] == pytest.approx(0.5)
    assert found["blocking_recall"] == 1.0


def test_equal_scores_stand_or_fall_together(small: Path) -> None:
    found = score(small, _pairs("a A .9 x"), _pairs("a A .9 x\nb B .9 x\ne F .9 x"))
    assert found["r99.5"] == 0.0
    assert found["best_f1"] == pytest.approx(2 * 2 / (2 + 1 + 4))


def test_no_pairs_and_unknown_records(small: Path) -> None:
    none: Figures = score(small, _pairs("a A 1 certain").iloc[:0], _pairs("a A 1 certain").iloc[:0])
    assert (none["precision"], none["recall"], none["f1"], none["best_f1"]) == (1.0, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="no record of this set"):
        score(small, _pairs("a Z 1 certain"))
