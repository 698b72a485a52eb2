"""Normalisation: what people would call the same becomes equal, and what tells things apart survives."""

from __future__ import annotations

import doctest
import importlib
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365kit.compare import (
    FLAGS,
    LISTS,
    NORMALISERS,
    NUMBERS,
    codes,
    fold,
    items,
    mail,
    normalise,
    phones,
    places,
    streets,
    units,
    values,
)  # fmt: skip
from d365kit.compare.names import company_key, company_plain
from d365kit.compare.persons import person_key
from d365kit.errors import SettingsError


@pytest.mark.parametrize(
    "module",
    ["text", "names", "persons", "places", "streets", "codes", "phones", "mail", "units", "items"],
)
def test_the_examples_in_docstrings_are_true(module):
    done = doctest.testmod(importlib.import_module(f"d365kit.compare.{module}"))
    assert done.attempted
    assert not done.failed


@given(st.text(max_size=40) | st.text("aeouüAEO ß", max_size=8))
def test_folding_twice_is_folding_once(value):
    assert fold(fold(value)) == fold(value)


@given(st.sampled_from(sorted(NORMALISERS)), st.text(max_size=30))
def test_a_normaliser_gives_what_it_says_and_never_fails(name, value):
    found = NORMALISERS[name](value)
    expected = list if name in LISTS else float if name in NUMBERS else bool if name in FLAGS else str
    assert found is None or (isinstance(found, expected) and found not in ("", []))


@given(
    st.sampled_from(["company_plain", "post_code", "number", "vat_number", "compact", "mail"]), st.text(max_size=30)
)
def test_normalising_twice_is_normalising_once_where_the_result_is_a_value_of_its_kind(name, value):
    work = NORMALISERS[name]
    once = work(value)
    if name == "company_plain":
        # The plain name of “AB GmbH” is “ab”, a word of its own: it must at least stay something.
        assert once is None or work(once)
    else:
        assert once is None or work(once) == once


@pytest.mark.parametrize("name", sorted(NORMALISERS))
def test_nothing_stays_nothing(name):
    assert NORMALISERS[name](None) is None
    assert NORMALISERS[name]("   ") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller Bau GmbH", "Mueller Bau"),
        ("MULLER BAU GESELLSCHAFT M.B.H.", "Müller-Bau Ges.m.b.H."),
        ("Bäckerei Huber & Co. KG", "Huber Baeckerei"),
        ("Ørsted A/S", "Orsted"),
        ("ООО Ромашка", "Romashka OOO"),
        ("Smith and Sons Ltd", "Smith & Sons Limited"),
        ("Kowalski Sp. z o.o.", "KOWALSKI"),
        ("Novák, spol. s r.o.", "Novak s.r.o."),
        ("Rossi S.p.A.", "Rossi SPA"),
        ("Perez S.L.", "Pérez"),
    ],
)
def test_company_names_agree_without_legal_form_accents_and_order(one, other):
    assert company_key(one) == company_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Huber Bau Nord", "Huber Bau Süd"), ("AS Roma", "Roma Trans"), ("Meier 2", "Meier 3")]
)
def test_company_names_that_differ_in_a_word_stay_different(one, other):
    assert company_key(one) != company_key(other)


def test_a_name_made_of_a_legal_form_alone_is_kept():
    assert company_plain("KG") == "kg"
    assert company_plain("The Company") == "company"


@pytest.mark.parametrize("form", ["Eva Maier", "Maier, Eva", "DR. EVA MAIER", "eva  maier", "Mag. Maier Eva"])
def test_a_person_keeps_one_key_however_written(form):
    assert person_key(form) == "eva maier"


@given(st.from_regex("[1-9][0-9]{7}", fullmatch=True))
def test_phone_numbers_agree_with_and_without_prefixes(local):
    assert phones.phone(f"+43 {local[:3]} {local[3:]}") == phones.phone(f"0{local[:3]}/{local[3:]}") == local


def test_addresses_numbers_and_codes():
    assert streets.street_key("Hauptstraße 12a") == streets.street_key("12 hauptstr.")
    assert places.post_code("D-80331") == "80331"
    assert places.post_code("SW1A 1AA") == "sw1a1aa"
    assert codes.number("000120") == codes.number("120")
    assert codes.number("C-001") != codes.number("D-001")
    assert codes.vat_number("ATU 12345678") == codes.vat_number("12345678")
    assert mail.domains("a@contoso.com", "https://www.contoso.co.uk/x") == ["contoso"]
    assert mail.domains("someone@gmail.com") is None
    assert units.unit_code("NAV PCS") == units.unit_code("Stück")
    assert codes.amount(Decimal("0.00")) is None


def test_sizes_tell_items_apart_and_spelling_does_not():
    assert items.item_key("Saft 0,50 Liter") == items.item_key("SAFT 0.5l")
    assert items.item_key("Schraube 8x40") == items.item_key("Schraube 8 × 40")
    assert items.item_sizes("Schraube 8x40") != items.item_sizes("Schraube 8x45")


def test_columns_are_read_alike_whatever_holds_them():
    arrow = pd.DataFrame({"a": pd.array(["x", None], dtype=pd.ArrowDtype(pa.string()))})
    plain = pd.DataFrame({"a": ["x", None]})
    assert values(arrow, "a") == values(plain, "a") == ["x", None]
    assert values(plain, "b") == [None, None]
    assert normalise(arrow, ["a"], "compact") == ["x", None]


def test_an_unknown_normaliser_is_named_in_the_error():
    with pytest.raises(SettingsError, match="nosuch"):
        normalise(pd.DataFrame({"a": ["x"]}), ["a"], "nosuch")
