"""The $expand parser both emulated services share."""

from __future__ import annotations

import pytest

from d365kit.sandbox.odata.expand import Expand, parse_expand
from d365kit.sandbox.odata.query import OptionError


def test_options_stand_in_parentheses_and_nested_expands_stay_text() -> None:
    text = "lines( $select=id,no ; $expand=item($select=a;$expand=b),unit ),owner , contacts/$ref"
    lines, owner, contacts = parse_expand(text)
    assert lines == Expand("lines", {"$select": "id,no", "$expand": "item($select=a;$expand=b),unit"})
    assert owner == Expand("owner")
    assert contacts.path == "contacts/$ref"
    assert [item.path for item in parse_expand(lines.options["$expand"])] == ["item", "unit"]


def test_marks_inside_quotes_are_text() -> None:
    (only,) = parse_expand("lines($filter=name eq 'O''Brien; (a,b' and (no gt 1))")
    assert only.options == {"$filter": "name eq 'O''Brien; (a,b' and (no gt 1)"}


@pytest.mark.parametrize(
    "text",
    ["", "a,", "a(", "a)", "a($select=)", "a($nosuch=1)", "a($select=b;$select=c)", "a,a", "a b", "a($top)",
     "a($filter=x eq 'y)", "a()", "$ref"],
)  # fmt: skip
def test_malformed_texts_are_refused(text: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_expand(text)
    assert caught.value.reason == "value"
