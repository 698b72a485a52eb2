"""report: the verdict in every case, figures that are the data's, and what changed since the last report."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from datetime import datetime

import pytest

from d365kit.kinds import default_catalogue
from d365kit.nouns import FINDING_COLUMNS, Change, Findings, Plan, Report, Run
from d365kit.nouns.frames import from_rows
from d365kit.report import sections, verdict
from d365kit.report.exceptions import LIMIT
from tests import helpers_report as made
from tests.helpers_html import Reader

NAMES = ("usual", "hostile", "empty", "large")


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return made.reports()


@pytest.mark.parametrize("module", [sections, verdict])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


# --- the verdict ---

COUNTS = ("critical", "warning", "info", "create", "update", "uncouple", "blocked", "conflict", "unchanged", "failed",
          "ready", "changes", "stale")  # fmt: skip
SUMMARY = {
    **dict.fromkeys(COUNTS, 0),
    "records": 1000,
    "coupled": 600,
    "checks": 40,
    "passed": 38,
    "nothing_to_check": 2,
    "could_not_be_asked": 0,
}


@pytest.mark.parametrize(
    ("figures", "state", "sentence"),
    [
        ({"critical": 17, "blocked": 23, "ready": 389, "changes": 412}, "not_safe",
         "Not safe to push as it stands: 17 critical findings hold back 23 of 412 changes; 389 can go."),
        ({"critical": 1, "blocked": 1, "ready": 1, "changes": 2}, "not_safe",
         "Not safe to push as it stands: 1 critical finding holds back 1 of 2 changes; 1 can go."),
        ({"critical": 2, "blocked": 9, "changes": 9}, "not_safe",
         "Not safe to push as it stands: 2 critical findings hold back all 9 changes; none can go."),
        ({"critical": 2, "blocked": 5, "ready": 3, "conflict": 1, "changes": 9}, "not_safe",
         "Not safe to push as it stands: 2 critical findings hold back 5 of 9 changes; 3 can go, "
         "1 conflict waits for an answer."),
        ({"critical": 3, "ready": 412, "changes": 412}, "except",
         "Ready except 3 critical findings: all 412 changes can go, and they are on records this push leaves alone."),
        ({"critical": 3}, "not_safe", "Not safe: 3 critical findings are open, although there is nothing to push."),
        ({"blocked": 9, "ready": 389, "changes": 398}, "except",
         "Ready except 9: 389 of 398 changes can go; 9 are blocked."),
        ({"blocked": 9, "conflict": 2, "ready": 389, "changes": 400}, "except",
         "Ready except 11: 389 of 400 changes can go; 9 are blocked and 2 conflicts wait for an answer."),
        ({"conflict": 2, "changes": 2}, "not_safe",
         "Nothing can go as it stands: of 2 changes, 2 conflicts wait for an answer."),
        ({"ready": 1412, "changes": 1412}, "ready",
         "Ready to push: all 1,412 changes can go, and no check found anything critical."),
        ({"ready": 1, "changes": 1}, "ready",
         "Ready to push: the only change can go, and no check found anything critical."),
        ({}, "nothing_to_do",
         "Nothing to do: 600 coupled pairs need no change, and no check found anything critical."),
        ({"coupled": 0}, "nothing_to_do",
         "Nothing to do yet: no records are coupled, and there is nothing to push."),
        ({"records": 0, "checks": 0, "nothing_to_check": 0}, "nothing_to_check",
         "Nothing to check: the snapshot holds no records."),
        ({"checks": 0, "passed": 0, "nothing_to_check": 0, "ready": 5, "changes": 5}, "not_safe",
         "Not safe to push: no check has been run, and 5 changes would go unchecked."),
        ({"checks": 4, "passed": 0, "nothing_to_check": 4, "ready": 5, "changes": 5}, "not_safe",
         "Not safe to push: every check had nothing to check, and 5 changes would go unchecked."),
        ({"checks": 4, "passed": 0, "nothing_to_check": 1, "could_not_be_asked": 3, "ready": 5, "changes": 5},
         "not_safe",
         "Not safe to push: no check had anything to look at, 3 checks could not be asked, "
         "and 5 changes would go unchecked."),
        ({"checks": 4, "passed": 0, "nothing_to_check": 4}, "nothing_to_check",
         "Nothing to push, and nothing is proven: every check had nothing to check."),
        ({"stale": 1, "ready": 5, "changes": 5}, "not_safe",
         "Not safe to push: the findings or the plan were made from another snapshot; check and plan again."),
    ],
)  # fmt: skip
def test_the_verdict_says(figures, state, sentence):
    assert verdict.verdict({**SUMMARY, **figures}) == (state, sentence)
    assert state in verdict.STATES


@pytest.mark.parametrize(
    ("ws", "state"),
    [
        (lambda ws: ws, "not_safe"),
        (lambda ws: replace(ws, findings=made.findings(0), plan=made.plan(update=5)), "ready"),
        (lambda ws: replace(ws, findings=made.findings(0), plan=made.plan(update=5, conflict=1)), "except"),
        (lambda ws: replace(ws, findings=made.findings(0), plan=made.plan()), "nothing_to_do"),
        (lambda ws: replace(ws, findings=made.findings(0, run=False), plan=made.plan(update=5)), "not_safe"),
        (lambda ws: replace(ws, plan=replace(made.plan(update=5), snapshot_id="old"), findings=made.findings(0)),
         "not_safe"),
    ],
)  # fmt: skip
def test_the_verdict_of_a_workspace(ws, state):
    report = ws(made.workspace()).report()
    assert report.data["state"] == state
    assert report.verdict in Reader(report.html).text
    assert str(report) == report.verdict


def test_the_subject_carries_the_figures():
    ws = made.workspace(90)
    assert ws.report().data["subject"] == "[contoso] not safe: 42 critical, 21 of 412 changes blocked, 2 conflicts"
    ws.previous = made.workspace(84).report().to_dict()
    title = "[contoso] not safe: 42 critical (+6), 21 of 412 changes blocked, 2 conflicts, 0 fixed"
    assert ws.report().data["subject"] == title
    assert f"<title>{title}</title>" in ws.report().html


def test_what_is_stale_is_named():
    ws = replace(made.workspace(), findings=replace(made.findings(3), snapshot_id="older"))
    assert ws.report().data["stale"] == ["the findings"]
    assert "Made from another snapshot: the findings." in Reader(ws.report().html).text


def test_a_value_of_a_record_that_is_not_there_is_not_called_missing():
    found = [{"check": "a/b", "severity": "info", "kind": "item", "bc_id": "x", "field": "gtin", "bc_value": "978"}]
    for ids, there in (({}, "978 –"), ({"dv_id": "y"}, "978 missing")):
        findings = replace(made.findings(0), frame=from_rows([{**found[0], **ids}], FINDING_COLUMNS))
        ws = replace(made.workspace(), findings=findings)
        assert there in Reader(ws.report().html).text
        assert there in Reader(findings._repr_html_()).text


def test_every_kind_has_a_verdict_also_when_it_was_not_compared():
    ws = made.workspace()
    kinds = {k["kind"]: (k["state"], k["words"]) for k in ws.report().data["kinds"]}
    assert list(kinds) == list(default_catalogue().names)
    assert kinds["customer"] == ("except", "259 ready, except 14")
    assert kinds["contact"] == ("not_safe", "not safe: 1 change held back")
    assert kinds["unit"] == ("nothing to check", "its checks had nothing to check")
    assert kinds["salesperson"] == ("nothing to check", "no check looks at it")
    nothing = {k["words"] for k in made.empty_workspace().report().data["kinds"]}
    assert nothing == {"not compared"}


# --- nothing to check is not passed ---


def test_an_empty_workspace_never_says_passed(reports):
    page = Reader(reports["empty"].html)
    assert "passed" not in page.text.lower()
    assert "No check has been run, so nothing is known." in page.text
    assert "critical findings – nothing was checked" in page.text
    assert reports["empty"].data["state"] == "nothing_to_check"
    assert reports["empty"].data["subject"] == "[contoso] nothing to check"


def test_checks_that_had_nothing_to_check_are_listed(reports):
    page = Reader(reports["usual"].html)
    assert "2 checks of 8 had nothing to check; that is not the same as passed." in page.text
    assert "currencies/rate_present" in page.text


def test_all_idle_checks_have_not_passed():
    findings = made.findings(0)
    coverage = findings.coverage.assign(state="nothing to check")
    ws = replace(made.workspace(), findings=replace(findings, coverage=coverage), plan=made.plan())
    page = Reader(ws.report().html)
    assert "No check had anything to check, so nothing has passed." in page.text


def test_kinds_that_were_not_pulled_are_named():
    ws = replace(made.workspace(3), snapshot=made.snapshot({"currency": (2, 2)}))
    data = ws.report().data
    assert data["compared"]["not_compared"] == [k.title for k in default_catalogue() if k.name != "currency"]


# --- figures are the data's ---


def test_the_parts_of_a_side_add_up_to_its_records(reports):
    for name in NAMES:
        for row in reports[name].data["coverage"]:
            for side in ("bc", "dv"):
                parts = row[side]
                whole = sum(n for part, n in parts.items() if part not in ("in_scope", "coupled_elsewhere"))
                assert whole == parts["in_scope"]


def test_coverage_counts_what_is_coupled_and_proposed(reports):
    (customers,) = [r for r in reports["usual"].data["coverage"] if r["kind"] == "customer"]
    assert customers["bc"] == {
        "in_scope": 640, "coupled": 500, "certain": 40, "likely": 20, "unsure": 20, "nothing_found": 40,
        "not_proposed": 20, "coupled_elsewhere": 0,
    }  # fmt: skip
    text = Reader(reports["usual"].html).text
    assert "Customers Business Central 640 500 (78 %) 40 20 20 40 20" in text


def test_a_proposal_for_a_record_coupled_since_does_not_count():
    ws = made.workspace()
    ws.couplings = made.couplings({"customer": 640})
    (customers,) = [r for r in ws.report().data["coverage"] if r["kind"] == "customer"]
    assert customers["bc"]["certain"] == 0
    assert customers["bc"]["coupled"] == 640


def test_couplings_of_records_that_take_no_part_are_told():
    ws = replace(made.workspace(), couplings=made.couplings({"customer": 650}))
    (customers,) = [r for r in ws.report().data["coverage"] if r["kind"] == "customer"]
    assert customers["bc"]["coupled_elsewhere"] == 10
    assert "coupled records that no longer take part: 10 in Business Central" in Reader(ws.report().html).text


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_figures_of_the_data(reports, name):
    data, page = reports[name].data, Reader(reports[name].html)
    for check in data["exceptions"]:
        assert f"{len(check['rows']):,} of {check['findings']:,} finding" in page.text
        assert len(check["rows"]) + check["more"] == check["findings"]
        assert len(check["rows"]) <= LIMIT
        if check["more"]:
            assert f"… and {check['more']:,} more rows" in page.text
    assert sum(c["findings"] for c in data["exceptions"]) == len(data["open"])
    assert len([a for a in page.having("details") if a.get("class") == "check"]) == len(data["exceptions"])


def test_exceptions_come_with_the_worst_first(reports):
    ranks = [("critical", "warning", "info").index(c["severity"]) for c in reports["large"].data["exceptions"]]
    assert ranks == sorted(ranks)


def test_an_exception_says_who_what_and_which_records(reports):
    (price,) = [c for c in reports["usual"].data["exceptions"] if c["check"] == "items/unit_price_agrees"]
    assert (price["owner"], price["rules"], price["records"]) == ("pricing", "J4", 15)
    row = price["rows"][0]
    assert (row["bc_number"], row["field"], row["bc_value"], row["dv_value"]) == (
        "I10003",
        "unit price",
        "1249.5",
        "1294.50",
    )
    page = Reader(reports["usual"].html)
    assert "Correct the price in Business Central; the plan carries it over." in page.text
    assert "1,249.50 1,294.50" in page.text


def test_prerequisites_count_the_records_that_wait():
    snap = made.snapshot({"currency": (2, 2), "customer": (40, 0)})
    ws = replace(made.workspace(0), snapshot=snap, couplings=made.couplings({"currency": 1}), proposals=None)
    waiting = sum(i == made.guid("currency", "bc", 1) for i in snap["customer"].bc["currency"])
    assert waiting > 5
    data = ws.report().data["prerequisites"]
    assert data["missing"] == 1
    assert data["waiting"] == data["rows"][0]["waiting"] == waiting
    assert data["rows"][0]["record"].startswith("C10001")
    assert f"{waiting} Customers" in Reader(ws.report().html).text


def test_nothing_waits_when_all_is_coupled():
    ws = replace(
        made.workspace(0), snapshot=made.snapshot({"currency": (2, 2), "customer": (20, 20)}),
        couplings=made.couplings({"currency": 2}),
    )  # fmt: skip
    assert ws.report().data["prerequisites"]["missing"] == 0


def test_the_push_groups_what_is_blocked_and_gives_the_fix(reports):
    push = reports["usual"].data["push"]
    groups = {g["reason"]: (g["changes"], g["fix"]) for g in push["blocked"]}
    assert groups["setup/salesperson_coupled"] == (7, "Couple the salesperson first.")
    assert sum(n for n, _ in groups.values()) == push["counts"]["blocked"] == 21
    assert [k["kind"] for k in push["kinds"]] == ["customer", "item", "contact"]
    text = Reader(reports["usual"].html).text
    assert "120 to create" in text
    assert "2 conflicts" in text


def test_the_last_run_shows_the_services_words(reports):
    data = reports["usual"].data["last_run"]
    assert data["counts"] == {"done": 40, "failed": 2, "skipped": 0, "unknown": 0}
    assert len(data["failures"]) == 2
    assert "A record with matching key values already exists." in Reader(reports["usual"].html).text
    assert reports["empty"].data["last_run"] is None


def test_the_latest_decisions_carry_names(reports):
    data = reports["usual"].data["decisions"]
    assert (data["total"], len(data["rows"])) == (64, 20)
    assert data["rows"][0]["position"] == 64
    assert data["rows"][0]["bc"].startswith("C10063 ")


def test_how_it_was_made_names_version_snapshot_ledger_and_suites(reports):
    data = reports["usual"].data["made"]
    assert (data["version"], data["snapshot"], data["ledger_position"]) == ("0.1.0", "20261122-210500", 417)
    assert sum(s["checks"] for s in data["suites"]) == reports["usual"].data["checks"]["total"] == 8
    assert {"suite": "units", "checks": 1, "passed": 0, "failed": 0, "idle": 1} in data["suites"]


# --- since last time ---


def rows(*names: str, check: str = "items/gtin_present", severity: str = "critical") -> Findings:
    found = [{"check": check, "suite": "items", "severity": severity, "kind": "item", "bc_id": n} for n in names]
    return Findings("20261122-210500", 417, from_rows(found, FINDING_COLUMNS), made.findings(0).coverage)


def later(before: Findings, now: Findings) -> dict:
    first = replace(made.workspace(), findings=before).report().to_dict()
    kept = json.loads(json.dumps(first))
    return replace(made.workspace(), findings=now, previous=kept).report().to_dict()


def test_new_fixed_and_open_findings_are_told_apart():
    since = later(rows("a", "b", "c"), rows("b", "c", "d", "e"))["since"]
    assert {fate: since[fate]["total"] for fate in ("new", "open", "fixed", "unchecked")} == {
        "new": 2, "open": 2, "fixed": 1, "unchecked": 0,
    }  # fmt: skip
    assert since["new"]["critical"] == 2
    (check,) = since["checks"]
    assert (check["new"], check["fixed"], check["open"]) == (2, 1, 2)


def test_a_finding_is_not_fixed_when_its_check_was_not_run():
    since = later(rows("a", check="units/one_unit_per_group"), rows())["since"]
    assert since["fixed"]["total"] == 0
    assert since["unchecked"]["total"] == 1


def test_a_finding_keeps_the_day_it_was_first_reported():
    first = replace(made.workspace(), findings=rows("a"), made_at=datetime(2026, 11, 1, 8, 0)).report().to_dict()
    second = replace(made.workspace(), findings=rows("a", "b"), previous=first).report().data
    assert [r["since"][:10] for r in second["open"]] == ["2026-11-01", "2026-11-22"]


def test_two_findings_of_one_record_are_two():
    since = later(rows("a"), rows("a", "a"))["since"]
    assert (since["new"]["total"], since["open"]["total"]) == (1, 1)


@pytest.mark.parametrize("previous", [None, {}, {"format": 99, "open": []}])
def test_without_a_usable_earlier_report_nothing_is_compared(previous):
    report = replace(made.workspace(3), previous=previous).report()
    assert report.data["since"] is None
    assert "There is no earlier report to compare with." in Reader(report.html).text


# --- odd inputs ---


def test_a_kind_the_catalogue_does_not_have_and_ids_nobody_knows():
    change = Change("c1", "own_kind", "update", "dv", "x", "y", "T", blocked_by=("no such check",))
    plan = Plan("p", "20261122-210500", 1, (change,), {"own_kind": 1}, {"own_kind": 0})
    findings = from_rows([{"check": "a/b", "severity": "odd", "kind": "own_kind", "bc_id": "x"}], FINDING_COLUMNS)
    ws = replace(made.workspace(), plan=plan, findings=replace(made.findings(0), frame=findings), run=Run("r", "p"))
    page = Reader(ws.report().html)
    assert "Own kind" in page.text
    assert "no such check" in page.text


def test_a_hostile_workspace_name():
    html = replace(made.workspace(1), workspace_name="</title><script>x</script>").report().html
    assert len(Reader(html).having("script")) == 1


def test_text_no_file_can_hold_does_not_stop_the_report(tmp_path):
    (decision,) = made.decisions(1)
    ws = replace(made.workspace(1), decisions=[replace(decision, note="broken \ud83d name")])
    ws.report().save(tmp_path / "r.html")
    assert "broken ? name" in (tmp_path / "r.html").read_text("utf-8")


def test_the_report_changes_nothing_it_is_given():
    ws = made.workspace(30)
    before = ws.couplings.copy(), ws.findings.frame.copy(), ws.plan.fingerprint, len(ws.decisions)
    ws.report()
    assert before[0].equals(ws.couplings)
    assert before[1].equals(ws.findings.frame)
    assert before[2:] == (ws.plan.fingerprint, len(ws.decisions))
