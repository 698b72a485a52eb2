"""When two values are the same, and what one becomes on its way."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365kit.kinds import Field
from d365kit.plan.values import carried, same

TEXT = Field("name", "text", length=(10, 20))
CODE = Field("code", "code", length=(10, 5))
PRICE = Field("price", "amount", transform="not_negative", tolerance="0.005")
SYMBOL = Field("symbol", "text", transform="or_code")


@pytest.mark.parametrize(
    ("field", "one", "other", "expected"),
    [
        (TEXT, "Contoso  Ltd", "Contoso Ltd", True),
        (TEXT, "Contoso", "contoso", False),
        (CODE, "c00010 ", "C00010", True),
        (PRICE, Decimal("10"), Decimal("10.005"), True),
        (PRICE, Decimal("10"), Decimal("10.006"), False),
        (PRICE, None, Decimal("0"), False),
        (TEXT, None, None, True),
        (TEXT, None, "x", False),
    ],
)
def test_same(field: Field, one: object, other: object, expected: bool) -> None:
    assert same(field, one, other) is expected
    assert same(field, other, one) is expected


def test_a_negative_amount_is_sent_as_zero_and_says_so() -> None:
    assert carried(PRICE, Decimal("-3"), {}, "dv") == (Decimal(0), "negative in Business Central, sent as 0")
    assert carried(PRICE, Decimal("-3"), {}, "bc") == (Decimal("-3"), "")


def test_a_text_is_cut_to_the_other_sides_length_and_says_so() -> None:
    assert carried(TEXT, "Contoso Holding", {}, "bc") == ("Contoso Ho", "cut to 10 characters")
    assert carried(TEXT, "Contoso Holding", {}, "dv") == ("Contoso Holding", "")


def test_a_blank_symbol_becomes_the_iso_code() -> None:
    value, note = carried(SYMBOL, None, {"code": "EUR"}, "dv")
    assert value == "EUR"
    assert note


@given(st.text(max_size=40), st.sampled_from(["bc", "dv"]))
def test_carrying_over_twice_changes_nothing_more(text: str, side: str) -> None:
    once, _ = carried(TEXT, text, {}, side)  # type: ignore[arg-type]
    assert carried(TEXT, once, {}, side)[0] == once  # type: ignore[arg-type]
