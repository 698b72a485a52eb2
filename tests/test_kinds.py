"""The catalogue: order, prerequisites, columns, and clear words for mistakes in it."""

from __future__ import annotations

import pytest

from d365kit.errors import SettingsError, UnknownKind
from d365kit.kinds import load_catalogue

CATALOGUE = load_catalogue()

MINIMAL = """
[{name}]
mapping = "X"
title = "X"
direction = "to_dv"
name_field = "name"
bc = {{ set = "a", noun = "a" }}
dv = {{ set = "b", id = "bid", noun = "b" }}
fields = [{{ name = "name", type = "text", bc = "n", dv = "n" }}, {extra}]
"""


def test_every_reference_points_back_in_the_order_of_work() -> None:
    seen: set[str] = set()
    for kind in CATALOGUE:
        assert set(kind.prerequisites) <= seen
        seen.add(kind.name)


def test_prerequisites_follow_from_references() -> None:
    assert CATALOGUE["customer"].prerequisites == ("currency", "salesperson")
    assert CATALOGUE["contact"].prerequisites == ("customer",)
    assert CATALOGUE["item"].prerequisites == ("unit",)


def test_a_kind_brings_what_it_refers_to() -> None:
    assert [k.name for k in CATALOGUE.with_prerequisites(("contact",))] == [
        "currency", "salesperson", "customer", "contact",
    ]  # fmt: skip


def test_every_reference_has_a_label_column() -> None:
    for kind in CATALOGUE:
        names = kind.schema.names
        assert len(set(names)) == len(names)
        for f in kind.references:
            assert f.label_column in names


def test_one_way_kinds_carry_fields_one_way() -> None:
    assert CATALOGUE["currency"].fields_to("bc") == ()
    assert CATALOGUE["salesperson"].fields_to("dv") == ()
    assert {f.name for f in CATALOGUE["customer"].fields_to("bc")} < {f.name for f in CATALOGUE["customer"].fields}


def test_scope_conditions_name_fields_of_the_kind() -> None:
    for kind in CATALOGUE:
        for source in (kind.bc, kind.dv):
            for condition in source.scope:
                assert condition["field"] in {f.name for f in kind.fields}


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownKind, match="no kind called “custmer”.*customer"):
        CATALOGUE["custmer"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ('{ name = "x", type = "txt" }', "unknown type “txt”"),
        ('{ name = "x", type = "reference", refers_to = "nobody" }', "unknown kind “nobody”"),
    ],
)
def test_a_mistake_in_the_catalogue_is_named(extra: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_catalogue(MINIMAL.format(name="one", extra=extra))


def test_a_circle_of_references_is_refused() -> None:
    one = MINIMAL.format(name="one", extra='{ name = "x", type = "reference", refers_to = "two" }')
    two = MINIMAL.format(name="two", extra='{ name = "x", type = "reference", refers_to = "one" }')
    with pytest.raises(SettingsError, match="circle: one, two"):
        load_catalogue(one + two)
