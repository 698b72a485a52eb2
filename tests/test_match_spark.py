"""Matching on Spark: the same candidates, levels and proposals as on DuckDB, and plain words where it cannot run."""

from __future__ import annotations

import random
import re
import shutil
import sys
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from d365kit import match
from d365kit.cli.common import EngineName
from d365kit.errors import SettingsError
from d365kit.match import spark
from d365kit.match.engines import opened
from d365kit.match.spark_words import FUNCTIONS, OURS, in_spark
from d365kit.match.templates import ELSE, TEMPLATES
from d365kit.match.work import work_on
from d365kit.nouns import Pair, Snapshot
from d365kit.pull import pull
from d365kit.workspace import Workspace
from tests.test_match import NOW, companies, snapshot

KINDS = ("customer", "contact", "item")


def _lacking() -> str:
    """Why Spark cannot run here, or ``""``."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed; make setup-ci installs it"
    if shutil.which("java") is None:
        return "there is no Java; make setup-ci installs it"
    return ""


on_spark = pytest.mark.skipif(_lacking() != "", reason=_lacking() or "Spark is here")


# --- on Spark ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session():
    """The session that the kit made for itself, stopped at the end."""
    with pytest.MonkeyPatch.context() as patch:
        # For a minute's work Java had better not compile twice: half the time.
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        made = spark._session()
    assert spark._session() is made, "a running session is used"
    yield made
    made.stop()


@pytest.fixture
def company(desks):
    """A few hundred records on both sides, what they refer to coupled, and letters that take several bytes."""
    desk = desks(customers=150, seed=8, faults=None, dirt=1.0)
    snap = pull(desk.bc, desk.dv, kinds=("contact",))
    for kind in ("currency", "salesperson"):
        pairs = [Pair(b, d) for k, b, d in desk.sandbox.truth() if k == kind]
        desk.workspace.ledger.confirm(kind, pairs, by="test", at=NOW)
    for side, host in (("bc", "exämple.com"), ("dv", "exæmple.com")):
        frame = snap["customer"].side(side)
        frame.loc[frame.index[:20], "email"] = [f"bür{n}@{host}" for n in range(20)]
    kinds = {**snap.kinds, **_items(200, 3).kinds}
    return replace(snap, kinds=kinds), desk.workspace.ledger


def _items(size: int, seed: int) -> Snapshot:
    """Items on both sides in different words, many of them siblings that differ in size, colour or price."""
    draw = random.Random(seed)
    sides: dict[str, list[dict]] = {"bc": [], "dv": []}
    for n in range(size):
        thing = draw.choice(["Shelf", "Hex bolt", "Pump", "Cable", "Paint"])
        colour = draw.choice(["red", "blue", "oak"])
        size_, price = draw.choice(["60x80cm", "M8x40", "2.5 l", "100 m", "12 V"]), Decimal(draw.randrange(1, 60)) / 4
        code, gtin = f"IT-{n:04}", f"40{draw.randrange(10**10):010}"
        sides["bc"].append({"id": f"b{n}", "number": code, "name": f"{thing} {size_}, {colour}", "gtin": gtin,
                            "unit_price": price, "vendor_number": f"V{n % 70}"})  # fmt: skip
        names = [f"{colour} {thing} {size_}", f"{thing} {colour}", f"{thing[:-1]} {size_} {colour} ({code})"]
        row = {
            "id": f"d{n}",
            "number": code if draw.random() < 0.3 else f"P{n}",
            "name": draw.choice(names),
            "unit_price": price,
        }
        sides["dv"].append(row | ({"gtin": gtin[:-1] + draw.choice("0123456789")} if draw.random() < 0.5 else {}))
    return snapshot(item=(sides["bc"], sides["dv"]))


@pytest.mark.slow
@on_spark
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_spark_finds_compares_and_proposes_what_duckdb_does(company, session, kind):
    snap, book = company
    here, there = (
        work_on(snap, book, match.default_catalogue()[kind], lambda *_: None, engine) for engine in match.ENGINES
    )
    assert here is not there
    one, other = here.candidates, there.candidates
    assert len(one) > 200
    assert one.pairs.codes.tolist() == other.pairs.codes.tolist()
    for n, comparison in enumerate(one.comparisons):
        assert one.levels[:, n].tolist() == other.levels[:, n].tolist(), comparison.field
    for side in ("bc", "dv"):
        assert len(one.within[side].levels) > 50
        assert np.array_equal(one.within[side].levels, other.within[side].levels)
    frames = [match.propose(snap, book, kind, engine=engine).frame for engine in match.ENGINES]
    pd.testing.assert_frame_equal(*frames, check_exact=True)
    if kind == "customer":
        assert any(mail and not mail.isascii() for mail in here.pool.columns["bc"]["mail_key"].to_pylist())
    assert session.sql("SHOW VIEWS").collect() == []
    assert session.sparkContext._jsc.getPersistentRDDs().size() == 0


@pytest.mark.slow
@on_spark
@pytest.mark.timeout(900)
def test_both_engines_drop_the_same_crowded_keys(session):
    draw = random.Random(4)

    def table(size: int) -> pa.Table:
        def some(make) -> list:
            return [None if draw.random() < 0.15 else make() for _ in range(size)]

        def word() -> str:
            return f"w{int(draw.expovariate(0.05))}"

        words = pa.list_(pa.string())
        return pa.table(
            {
                "unique_id": pa.array(range(size), pa.int64()),
                "code": pa.array(some(word), pa.string()),
                "words": pa.array(some(lambda: [word() for _ in range(draw.randrange(4))]), words),
                "others": pa.array(some(lambda: [word() for _ in range(draw.randrange(4))]), words),
                "price": pa.array(some(lambda: draw.randrange(400) / 8), pa.float64()),
                "unread": pa.nulls(size, pa.string()),
            }
        )

    tables = {"bc": table(300), "dv": table(200)}
    keys = [["code"], ["words"], ["price"], ["words", "price"], ["words", "others"], ["code", "words"], ["unread"],
            ["code", "unread"]]  # fmt: skip
    samples = {"bc": np.arange(0, 300, 3), "dv": np.arange(200)}
    found = []
    for name in match.ENGINES:
        with opened(name, tables) as engine:
            found.append([engine.block(keys, cap, samples) for cap in (3, 40)])
    for few, many in (found,):
        for one, other in zip(few, many, strict=True):
            assert len(one.across) > 20
            assert one.across.codes.tolist() == other.across.codes.tolist()
            for side in samples:
                assert len(one.within[side]) > 20
                assert one.within[side].codes.tolist() == other.within[side].codes.tolist()


@pytest.mark.slow
@on_spark
@pytest.mark.timeout(900)
def test_edits_and_likeness_are_counted_as_duckdb_counts_them(session):
    draw = random.Random(2)
    rows = []
    for letters in ("abc", "abcdefghijklmnopqrstuvwxyz 0123456789", "abcäöß漢"):
        for _ in range(2_000):
            text = [draw.choice(letters) for _ in range(draw.randint(1, 14))]
            other = list(text) if draw.random() < 0.8 else [draw.choice(letters) for _ in range(draw.randint(1, 14))]
            for _ in range(draw.randint(0, 3)):
                at = draw.randrange(len(other))
                two = other[at : at + 2]
                other[at : at + 2] = draw.choice([two[::-1], two[:1], [draw.choice(letters)]])
            rows.append(("".join(text), "".join(other)))
    table = pa.table({"n": range(len(rows)), "x": [a for a, _ in rows], "y": [b for _, b in rows]})
    said = ["damerau_levenshtein(x, y)", *(f"jaro_winkler_similarity(x, y) >= {n}" for n in (0.8, 0.9, 0.93))]
    connection = duckdb.connect()
    connection.register("texts", table)
    here = connection.execute(f"SELECT {', '.join(said)} FROM texts ORDER BY n").fetchall()
    with opened("spark", {}):
        asked = [f"{in_spark(one)} AS c{n}" for n, one in enumerate(said)]
        there = session.createDataFrame(table).orderBy("n").selectExpr(*asked).toArrow()
    for n, one in enumerate(said):
        assert there[f"c{n}"].to_pylist() == [row[n] for row in here], one


# --- without Spark ----------------------------------------------------------------------------------------


def test_every_condition_is_said_in_words_that_spark_has():
    """A function new in `templates` must be one that both engines have, or stand in `spark_words`."""
    both = {"abs", "coalesce", "greatest", "least", "length"}
    sparks = {"array_except", "array_intersect", "array_join", "arrays_overlap", "size", "try_element_at"}
    keywords = {"AND", "OR", "NOT"}
    for name, template in TEMPLATES.items():
        for condition in (template.missing, *(level.condition for level in template.levels)):
            if condition in ("", ELSE):
                continue
            said = in_spark(re.sub(r"\{(\w+)\}", r"\1", condition))
            used = set(re.findall(r"(\w+)\s*\(", said))
            ours = {word for word in used if word.removeprefix(OURS) in FUNCTIONS}
            assert used - ours <= both | sparks | keywords, f"{name}: {said}"
            assert not re.search(r"//|::|\[|IS NOT DISTINCT", said), f"{name}: {said}"


def test_an_unknown_engine_is_refused():
    snap, _ = companies(2, 1)
    with pytest.raises(SettingsError, match="duckdb or spark"):
        match.propose(snap, None, "customer", engine="abacus")  # type: ignore[arg-type]


def test_without_pyspark_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(SettingsError, match=r'pip install "d365kit\[spark\]"'), opened("spark", {}):
        pass


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_without_java_it_is_named(monkeypatch, home):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("JAVA_HOME", home)
    with pytest.raises(SettingsError, match="Install Java 17 or 21") as problem:
        spark._java()
    assert ("/nowhere" in problem.value.what) == bool(home)


def test_the_engine_is_that_of_the_settings_unless_another_is_named(desks, monkeypatch):
    asked = []
    monkeypatch.setattr(match, "propose", lambda *_, engine, **__: asked.append(engine))
    monkeypatch.setattr("d365kit.workspace.folder.Folder.save_proposals", lambda *_: None)
    workspace = desks(customers=3).workspace
    workspace.pull(["currency"])
    workspace.propose("currency")
    settings = workspace.folder.path / "d365kit.toml"
    settings.write_text(settings.read_text("utf-8").replace('engine = "duckdb"', 'engine = "spark"'), "utf-8")
    with Workspace(workspace.folder.path, progress=False) as other:
        other.propose("currency")
        other.propose("currency", engine="duckdb")
    assert asked == ["duckdb", "spark", "duckdb"]


def test_commands_know_every_engine():
    assert tuple(EngineName) == match.ENGINES
