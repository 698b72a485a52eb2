"""show: every noun as harmless HTML and as lines; hostile text, numbers, times, differences."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pandas as pd
import pytest

from d365kit import show
from d365kit.nouns import Change, Decision, FieldChange, Outcome, Plan, Run
from d365kit.show import differences, terminal, values
from tests import helpers_report as made
from tests.helpers_html import Reader

HOSTILE = made.workspace(90, hostile=True)
CELLS = {
    "snapshot": lambda ws: show.snapshot(ws.snapshot),
    "proposals": lambda ws: show.proposals(ws.proposals["customer"]),
    "findings": lambda ws: show.findings(ws.findings),
    "plan": lambda ws: show.plan(ws.plan),
    "run": lambda ws: show.run(ws.run),
    "decisions": lambda ws: show.decisions(ws.decisions),
    "report": lambda ws: show.report(ws.report()),
}
#: No ordinary element of ours; one of these in a cell came out of a record.
FOREIGN = ("script", "img", "iframe", "object", "embed", "form", "a", "base", "meta")


@pytest.mark.parametrize("module", [values, differences, terminal])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("noun", CELLS)
def test_a_cell_is_well_formed_and_holds_no_element_of_a_record(noun):
    page = Reader(CELLS[noun](HOSTILE))
    assert [t for t, _ in page.elements if t in FOREIGN] == []
    assert page.points_to() == []
    assert page.elements[0] == ("div", {"class": "d365kit"})
    assert not [a for _, a in page.elements for name in a if name.startswith("on")]


@pytest.mark.parametrize("noun", CELLS)
def test_a_cell_changes_nothing_outside_its_class(noun):
    css = "".join(Reader(CELLS[noun](HOSTILE)).code)
    selectors = re.findall(r"(?:^|\})\s*([^{}@]+)\{", css)
    assert len(selectors) > 30
    assert [s for rule in selectors for s in rule.split(",") if not s.strip().startswith(".d365kit")] == []
    assert "var(--jp-" in css
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize("text", [t for t in made.HOSTILE if t])
def test_hostile_names_are_shown_as_they_are(text):
    change = Change(
        "c1", "customer", "update", "dv", "b", "d", text, (FieldChange("name", text, text + "!", "text"),)
    )
    page = Reader(show.plan(Plan("p", "s", 1, (change,))))
    assert not [t for t, _ in page.elements if t in FOREIGN]
    shown = re.sub(r"U\+[0-9A-F]{4,5}", "", page.text)
    assert re.sub(r"[\W_]", "", text)[:60] in re.sub(r"[\W_]", "", shown)


def test_unseen_and_turning_characters_become_signs():
    html = str(show.shown("a\u202eb\u200bc\nd\x00e\xa0f"))
    assert not re.search("[\u202e\u200b\n\x00\xa0]", html)
    page = Reader(html)
    assert page.text == "a U+202E b U+200B c ⏎ d U+0000 e ⍽ f"
    assert any("right-to-left override" in a.get("title", "") for _, a in page.elements)


def test_half_characters_do_not_stop_a_page():
    html = str(show.shown("broken \ud83d name"))
    assert "U+D83D" in html
    html.encode("utf-8")


def test_a_value_is_kept_apart_from_the_direction_around_it():
    assert str(show.shown("شركة")) == "<bdi>شركة</bdi>"


def test_long_texts_are_cut_and_say_how_long_they_are():
    shown = Reader(str(show.shown("x" * 5000))).text
    assert len(shown) < 300
    assert "5,000 characters" in shown


@pytest.mark.parametrize("nothing", [None, pd.NA, pd.NaT, float("nan"), ""])
def test_missing_values_are_named(nothing):
    assert Reader(str(show.shown(nothing))).text == "missing"
    assert show.text_of(nothing) == "missing"


def test_the_text_missing_is_not_a_missing_value():
    assert 'class="m"' not in str(show.shown("missing"))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234567, "integer", "1,234,567"),
        (Decimal("1234567.5"), "amount", "1,234,567.50"),
        (Decimal("0.005"), "amount", "0.005"),
        (Decimal("-0.000000000000"), "amount", "0.00"),
        (Decimal("12345678901234567890.120000000000"), "amount", "12,345,678,901,234,567,890.12"),
        (Decimal("0.1234567890"), "rate", "0.123456789"),
        (Decimal("1E+3"), "number", "1,000"),
        (Decimal("NaN"), "number", "NaN"),
        (Decimal("1E+999999"), "number", "1E+999999"),
        ("1249.5", "amount", "1,249.50"),
        ("not a number", "amount", "not a number"),
        (True, "boolean", "yes"),
        (0, "integer", "0"),
        (0, "text", "0"),
    ],
)
def test_numbers(value, kind, text):
    assert show.text_of(value, kind) == text


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 22, 21, 30, 59, tzinfo=UTC),
        datetime(2026, 11, 22, 22, 30, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 11, 22, 21, 30),
        pd.Timestamp("2026-11-22T21:30:00Z"),
        "2026-11-22T21:30:00+00:00",
    ],
)
def test_times_are_utc_and_say_so(at):
    assert show.text_of(at, "datetime") == "2026-11-22 21:30 UTC"


def test_shares_are_whole_only_when_they_are():
    assert [show.percent(*p) for p in ((0, 9), (1, 2000), (1999, 2000), (9, 9), (0, 0))] == [
        "0 %", "1 %", "99 %", "100 %", "–",
    ]  # fmt: skip


# --- differences ---


def marked(one: str, two: str) -> tuple[list[str], list[str]]:
    return tuple([t for t, differs in side if differs] for side in differences.spans(one, two))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("one", "two", "only"),
    [
        ("Fabrikam Ltd", "Fabrikam Inc", (["Ltd"], ["Inc"])),
        ("Contoso", "Contoso ", ([], [" "])),
        ("3011", "3012", (["1"], ["2"])),
        ("same", "same", ([], [])),
        ("a\xa0b", "a b", (["\xa0"], [" "])),
        ("Cafe\u0301", "Café", (["e\u0301"], ["é"])),
        ("family 👩‍👩‍👧 here", "family 👩‍👩‍👦 here", (["👩‍👩‍👧"], ["👩‍👩‍👦"])),
    ],
)
def test_what_differs_is_marked(one, two, only):
    assert marked(one, two) == only


def test_texts_with_little_in_common_are_left_unmarked():
    assert marked("Adventure Works", "株式会社") == ([], [])


@pytest.mark.parametrize("one", made.HOSTILE)
@pytest.mark.parametrize("two", made.HOSTILE[:4])
def test_marking_loses_no_character(one, two):
    first, second = differences.spans(one, two)
    assert "".join(t for t, _ in first) == one
    assert "".join(t for t, _ in second) == two


def test_before_and_after_are_told_by_more_than_colour():
    change = Change(
        "c", "customer", "update", "dv", "b", "d", "X", (FieldChange("name", "Fabrikam Ltd", "Fabrikam Inc"),)
    )
    page = Reader(show.plan(Plan("p", "s", 1, (change,))))
    assert {"del", "ins"} <= {t for t, _ in page.elements}
    assert "→" in page.text
    assert any(a.get("aria-label") == "becomes" for _, a in page.elements)


# --- the nouns ---


def test_a_plan_tells_actions_by_sign_and_word():
    page = Reader(show.plan(made.plan(create=1, update=2, blocked=3, conflict=1)))
    for words in ("+ 1 to create", "~ 2 to update", "⊘ 3 blocked", "! 1 in conflict"):
        assert words in page.text
        assert page.text.count(words) >= 2, "the figures stand first and last"


def test_a_plan_shows_every_field_before_and_after_with_its_type():
    page = Reader(show.plan(made.plan(update=1)))
    assert "unit price 1,249.50 → 12,490.00" in page.text


def test_a_new_record_shows_each_value_once():
    page = Reader(show.plan(made.plan(create=1)))
    assert page.text.count("12,490.00") == 1
    assert page.text.count("2 values") == 1


def test_a_conflict_shows_whose_value_is_whose():
    change = Change("c", "customer", "conflict", "dv", "b", "d", "X", (FieldChange("city", "Bern", "Köln"),))
    assert "Business Central Bern Sales Köln" in Reader(show.plan(Plan("p", "s", 1, (change,)))).text


def test_blocked_changes_stand_under_what_blocks_them_and_steps_count_once():
    first = Change("c1", "customer", "create", "dv", "b", "", "Contoso", blocked_by=("setup/x",))
    step = Change("c2", "customer", "update", "dv", "b", "", "Contoso", step="publish", blocked_by=("setup/x",))
    waits = Change("c3", "contact", "create", "dv", "k", "", "Ada", blocked_by=("c1",))
    page = Reader(show.plan(Plan("p", "s", 1, (first, step, waits))))
    assert "1 blocked setup/x" in page.text
    assert "1 blocked waits for: create Contoso" in page.text


@pytest.mark.parametrize("limit", [5, 50])
def test_tables_are_cut_and_say_so(limit):
    rows = 90 - limit
    page = Reader(show.findings(made.findings(90), limit=limit))
    assert f"… and {rows:,} more; .to_frame() has all" in page.text
    page = Reader(show.decisions(made.decisions(90), limit=limit))
    assert f"… and {rows:,} more" in page.text
    assert len(page.having("tr")) == limit + 1


def test_findings_come_with_the_worst_first():
    text = Reader(show.findings(made.findings(30), limit=100)).text
    by_row = text[text.index("Row by row") :]
    assert by_row.index("! critical") < by_row.index("▲ warning") < by_row.index("i info")


def test_nothing_to_check_is_never_passed():
    none_run = Reader(show.findings(made.findings(0, run=False))).text
    assert "No check has been run" in none_run
    assert "passed" not in none_run
    some = Reader(show.findings(made.findings(0))).text
    assert "8 checks: 6 passed, 0 failed, 2 had nothing to check" in some
    assert "units/one_unit_per_group" in some


def test_proposals_show_one_candidate_a_record_and_its_evidence():
    page = Reader(show.proposals(made.proposals("customer", 0, 4, 1)))
    assert "2 certain" in page.text
    assert "1 nothing found" in page.text
    assert len(page.having("details")) == 4
    assert "post code 301 1 301 2 different -3.1" in page.text
    assert "phone missing" in page.text


def test_a_run_shows_the_services_own_words_first():
    page = Reader(show.run(made.run(done=60, failed=2)))
    assert page.text.index("A record with matching key values already exists. <b>0x80040237</b>") < page.text.index(
        "✓ done"
    )
    assert "req-1" in page.text
    assert "412" in page.text


def test_empty_nouns_say_what_is_not_there():
    ws = made.empty_workspace()
    for text, html in [
        ("It holds no kinds yet.", show.snapshot(ws.snapshot)),
        ("Nothing is to be written.", show.plan(ws.plan)),
        ("Nothing was written.", show.run(Run("r", "p"))),
        ("No decision has been taken yet.", show.decisions([])),
        ("No record is waiting for a partner.", show.proposals(made.proposals("customer", 0, 0, 0))),
        ("Nothing to check", show.report(ws.report())),
    ]:
        assert text in Reader(html).text


def test_every_noun_shows_itself():
    ws = made.workspace(10)
    for noun in (ws.snapshot, ws.proposals["item"], ws.findings, ws.plan, ws.run, ws.report()):
        Reader(noun._repr_html_())


def test_showing_changes_no_noun():
    ws = made.workspace(60)
    before = ws.findings.frame.copy(), ws.proposals["customer"].frame.copy(), ws.plan.fingerprint
    for cell in CELLS.values():
        cell(ws)
    pd.testing.assert_frame_equal(before[0], ws.findings.frame)
    pd.testing.assert_frame_equal(before[1], ws.proposals["customer"].frame)
    assert before[2] == ws.plan.fingerprint


# --- the terminal ---


def test_lines_are_aligned_also_with_wide_letters():
    rows = [{"name": "株式会社", "n": 5}, {"name": "Contoso", "n": 12345}]
    lines = show.text_table(rows, ["name", "n"], ["n"])
    assert lines == ["name           n", "株式会社       5", "Contoso   12,345"]
    assert {terminal._width(line) for line in lines} == {16}


def test_no_record_steers_the_terminal():
    ws = HOSTILE
    for noun in (ws.snapshot, ws.proposals["customer"], ws.findings, ws.plan, ws.run, ws.decisions):
        text = "\n".join(show.lines(noun, limit=500))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_lines_are_cut_and_say_so():
    lines = show.lines(made.findings(30), limit=4)
    assert lines[-1] == "… and 26 more"
    assert len(lines) == 1 + 1 + 1 + 4 + 1


def test_long_texts_are_cut_to_the_width():
    (_, line) = show.text_table([{"a": "株" * 100}], ["a"], widest=20)
    assert terminal._width(line) <= 20
    assert line.endswith("…")


def test_lines_of_a_plan_name_the_sides_of_a_conflict():
    change = Change("c", "customer", "conflict", "dv", "b", "d", "X", (FieldChange("city", "Bern", "Köln"),))
    text = "\n".join(show.lines(Plan("p", "s", 1, (change,))))
    assert "Business Central: Bern" in text
    assert "Sales: Köln" in text


def test_lines_of_something_else_are_refused():
    with pytest.raises(TypeError, match="int cannot be shown"):
        show.lines(3)  # type: ignore[arg-type]


def test_a_decision_and_an_outcome_of_an_unknown_kind_can_be_shown():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert "My own kind" in Reader(show.decisions([Decision(1, at, "a", "my_own_kind", "confirm", "x", "y", 1)])).text
    outcome = Outcome("c", "my_own_kind", "update", "dv", "x", "y", "T", "done")
    assert "My own kind" in Reader(show.run(Run("r", "p", (outcome,)))).text


def test_what_all_sources_of_a_side_begin_with_is_said_once():
    page = Reader(show.snapshot(made.snapshot({"currency": (2, 2), "customer": (5, 5)})))
    assert "Source" in page.text
    root = "https://api.example/v2.0/"
    snap = made.snapshot({"currency": (2, 2), "customer": (5, 5)})
    asked = tuple(replace(p, source=root + p.source) for p in snap.provenance if p.side == "bc")
    text = Reader(show.snapshot(replace(snap, provenance=asked))).text
    assert text.count(root) == 1
    assert "currencies" in text
    assert "customers" in text


def test_many_findings_are_folded_and_few_are_not():
    def folded(number: int) -> bool:
        return "open" not in Reader(show.findings(made.findings(number, idle=False))).having("details")[-1]

    assert folded(90)
    assert not folded(10)


def test_of_many_reasons_the_rarer_ones_are_folded():
    changes = tuple(
        Change(
            f"c{n}", "customer", "create", "dv", f"b{n}", "", f"Customer {n}", blocked_by=(f"suite/check{n % 14}",)
        )
        for n in range(20)
    )
    html = show.plan(Plan("p", "s", 1, changes))
    assert "… and 4 more reasons" in Reader(html).text
    assert all(f"suite/check{n}" in html for n in range(14))
    assert html.index("suite/check0") < html.index("more reasons") < html.index("suite/check9")
