"""Normalised columns of whole frames: the same values as one by one, whoever works them out and whatever is there."""

from __future__ import annotations

import datetime
import sys
import tomllib
from decimal import Decimal
from importlib import resources

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365kit.compare import LISTS, NORMALISERS, arrow_type, columns, normalise, table, values
from d365kit.errors import SettingsError

MATCHING = tomllib.loads((resources.files("d365kit.kinds") / "matching.toml").read_text("utf-8"))
SPECS = [{"name": by, "of": ["a"], "by": by} for by in sorted(NORMALISERS)]
ANYTHING = (
    st.none() | st.text(st.characters(), max_size=40) | st.floats() | st.integers() | st.booleans()
    | st.binary(max_size=9)
    | st.decimals() | st.dates() | st.just(pd.NA) | st.just(pd.NaT) | st.lists(st.text(max_size=5), max_size=3)
)  # fmt: skip
SOME = [
    "Müller Bau GmbH", "12 Main Street", "D-80331", "+43 1 514 44-21", "info@contoso.at", "4006381333931", "", None,
    "株式会社トヨタ", "Saft 6x0,5l", "0", "  ", "ATU12345678", "Müller Bau GmbH",
]  # fmt: skip


def _one_by_one(frame, spec):
    work = NORMALISERS[spec["by"]]
    rows = zip(*(values(frame, field) for field in spec["of"]), strict=True)
    return pa.array([work(*row) for row in rows], arrow_type(spec["by"]))


@pytest.mark.parametrize("kind", ["customer", "contact", "item", "salesperson", "unit"])
def test_columns_are_what_the_normalisers_give_value_by_value(kind):
    specs = MATCHING[kind]["columns"]
    fields = sorted({field for spec in specs for field in spec["of"]})[1:]
    turned = {field: [*SOME[at:], *SOME[:at]] for at, field in enumerate(fields)}
    frame = pd.DataFrame({field: pd.array(held, pd.ArrowDtype(pa.string())) for field, held in turned.items()})
    made = columns(frame, specs)
    assert list(made) == [spec["name"] for spec in specs]
    for spec in specs:
        assert made[spec["name"]].equals(_one_by_one(frame, spec)), spec


@settings(max_examples=300)
@given(st.lists(ANYTHING, max_size=8))
def test_columns_of_anything_are_as_long_as_the_frame_and_never_fail(held):
    made = columns(pd.DataFrame({"a": pd.Series(held, dtype=object)}), SPECS)
    assert {len(column) for column in made.values()} == {len(held)}
    assert all(made[spec["name"]].type == arrow_type(spec["by"]) for spec in SPECS)


@given(st.lists(ANYTHING, min_size=1, max_size=3))
def test_no_value_makes_a_normaliser_fail(held):
    for work in NORMALISERS.values():
        work(held[0])


@pytest.mark.parametrize(
    "held",
    [
        pd.Series(["b", "a", None, "b"], dtype="category"),
        pd.Series([1, 2, 2, 10**12]),
        pd.Series([1.0, float("nan"), 2.5, 1.0]),
        pd.Series([True, False, True, None], dtype="boolean"),
        pd.Series([Decimal("1.50"), None, Decimal("1.50"), Decimal(0)]),
        pd.Series(pd.to_datetime(["2024-01-01", None, "2024-01-02", "2024-01-01"])),
        pd.Series([datetime.date(2024, 1, 1), 5, "x", b"y"]),
        pd.Series(["lone \ud800 surrogate", "\x00\x1f", "\u202e\ufeff", "x" * 10_000_000], dtype=object),
        pd.Series([["a", "b"], ["a", "b"], None, []]),
        pd.Series([None, None, None, None]),
    ],
)
def test_a_column_of_any_kind_becomes_texts(held):
    made = columns(pd.DataFrame({"a": held}), SPECS)
    assert {len(column) for column in made.values()} == {4}
    assert all(len(text or "") < 5000 for text in made["compact"].to_pylist())


def test_whole_numbers_held_as_floats_are_read_as_whole():
    assert columns(pd.DataFrame({"a": [1445.0, np.nan]}), SPECS)["figures"].to_pylist() == ["1445", None]


def test_a_missing_field_counts_as_missing_everywhere_and_an_empty_frame_gives_empty_columns():
    specs = [{"name": "x", "of": ["a", "b"], "by": "domains"}]
    frame = pd.DataFrame({"a": ["eva@contoso.com", None]})
    assert columns(frame, specs)["x"].to_pylist() == [["contoso"], None]
    assert len(columns(frame[:0], specs)["x"]) == 0
    assert columns(frame, []) == {}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz") | st.none()), max_size=12))
def test_rows_of_several_fields_are_told_apart(rows):
    frame = pd.DataFrame({"a": [f"{a}@{a}.com" for a, _ in rows], "b": [b and f"{b}.com" for _, b in rows]})
    spec = {"name": "x", "of": ["a", "b"], "by": "domains"}
    assert columns(frame, [spec])["x"].to_pylist() == _one_by_one(frame, spec).to_pylist()


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(table, "MANY", 10)
    monkeypatch.setattr(table, "PART", 7)
    return pd.DataFrame({"a": [f"Müller {n} GmbH" for n in range(40)] + [None]})


def test_helpers_give_the_same_columns(small_parts):
    here, there = columns(small_parts, SPECS, workers=0), columns(small_parts, SPECS, workers=2)
    assert all(here[name].equals(there[name]) for name in here)


@pytest.mark.parametrize("program", ["/nowhere/python", sys.executable])
def test_what_a_helper_does_not_do_is_done_here(small_parts, monkeypatch, tmp_path, caplog, program):
    if program == sys.executable:
        # A helper that ends at once: the module it should run is not there for it.
        program = str(tmp_path / "python")
        (tmp_path / "python").write_text("#!/bin/sh\nexit 3\n")
        (tmp_path / "python").chmod(0o755)
    here = columns(small_parts, SPECS, workers=0)
    monkeypatch.setattr(sys, "executable", program)
    there = columns(small_parts, SPECS, workers=2)
    assert all(here[name].equals(there[name]) for name in here)
    assert "helper" in caplog.text


def test_an_unknown_normaliser_is_named_in_the_error():
    frame = pd.DataFrame({"a": ["x"]})
    with pytest.raises(SettingsError, match="nosuch"):
        normalise(frame, ["a"], "nosuch")
    with pytest.raises(SettingsError, match="nosuch"):
        columns(frame, [{"name": "x", "of": ["a"], "by": "nosuch"}])


def test_every_spec_of_the_catalogue_names_a_normaliser_and_lists_are_known():
    specs = [spec for kind in MATCHING.values() for spec in kind.get("columns", ())]
    assert {spec["by"] for spec in specs} <= set(NORMALISERS)
    assert set(NORMALISERS) >= LISTS
