"""The command line: documented exit codes, two sentences for a mistake, JSON that parses, and quick help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


def d365kit(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "d365kit", *words], cwd=cwd or REPOSITORY, capture_output=True, text=True,
        timeout=240, env={**os.environ, **env}, stdin=subprocess.DEVNULL, encoding="utf-8",
    )  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo workspace that has been through the tour once."""
    folder = tmp_path_factory.mktemp("cli") / "demo"
    done = d365kit("demo", "--workspace", str(folder), "--customers", "60", "--seed", "3")
    assert done.returncode == 0, done.stderr
    (folder / "tour.txt").write_text(done.stdout, "utf-8")
    return folder


def test_the_tour_tells_every_step_per_kind_and_ends_with_the_report(demo: Path) -> None:
    said = (demo / "tour.txt").read_text("utf-8")
    for step in ("Pull", "Propose", "Check", "Plan", "Apply", "Report"):
        assert step in said
    for kind in ("currency", "unit", "salesperson", "customer", "contact", "item"):
        assert said.count(f"   {kind} ") >= 2, kind
    report = next(line.strip() for line in said.splitlines() if line.strip().endswith(".html"))
    assert Path(report).is_file()
    assert "blocked" in said


def test_the_tour_again_is_safe_and_has_nothing_left_to_write(demo: Path) -> None:
    again = d365kit("demo", "--workspace", str(demo), "--json")
    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)
    assert result["left"]["create"] == result["left"]["update"] == 0
    assert sum(w["created"] + w["updated"] for w in result["wrote"].values()) == 0
    assert sum(c["confirmed"] for c in result["coupled"].values()) == 0


def test_each_verb_works_on_its_own(demo: Path) -> None:
    w = ("-w", str(demo))
    assert json.loads(d365kit("pull", *w, "--json").stdout)["facts"]["local_currency"] == "EUR"
    assert json.loads(d365kit("propose", "customer", *w, "--json").stdout)["kind"] == "customer"
    assert json.loads(d365kit("confirm", "customer", "--band", "certain", *w, "--json").stdout)["confirmed"] == 0
    check = d365kit("check", *w, "--json")
    findings = json.loads(check.stdout)
    assert check.returncode == (1 if findings["counts"]["critical"] else 0)
    plan = d365kit("plan", *w, "--out", str(demo / "plan.json"), "--json")
    assert json.loads(plan.stdout)["fingerprint"]
    applied = d365kit("apply", str(demo / "plan.json"), "--yes", *w, "--json")
    assert applied.returncode == 0
    assert json.loads(applied.stdout)["counts"]["failed"] == 0
    report = d365kit("report", *w, "--out", str(demo / "out.html"))
    assert report.returncode == 0
    assert (demo / "out.html").is_file()
    log = d365kit("ledger", "log", *w, "--last", "1")
    assert log.returncode == 0
    assert log.stdout.strip()


def test_a_log_file_is_kept(demo: Path) -> None:
    assert (demo / "logs" / "d365kit.log").is_file()


@pytest.mark.parametrize(
    ("words", "code", "what", "todo"),
    [
        (("pull", "-w", "nowhere"), 2, "not a d365kit workspace", "d365kit init"),
        (("propose", "custmer", "-w", "{demo}"), 2, "no kind called “custmer”", "The kinds are"),
        (("check", "nosuch", "-w", "{demo}"), 2, "nosuch", "currencies"),
        (("apply", "nosuch.json", "-w", "{demo}"), 2, "no readable plan", "d365kit plan"),
        (("apply", "--limit", "update=lots", "-w", "{demo}"), 2, "is no limit", "update=30%"),
        (
            ("confirm", "customer", "x", "y", "-w", "{demo}"),
            2,
            "no customer x in Business Central",
            "needs another pull",
        ),
        (("demo", "--workspace", "{demo}", "--customers", "61"), 2, "made with customers 60", "--workspace"),
    ],
)
def test_a_users_mistake_gets_two_sentences_and_no_traceback(
    demo: Path, words: tuple[str, ...], code: int, what: str, todo: str
) -> None:
    done = d365kit(*(w.replace("{demo}", str(demo)) for w in words))
    assert done.returncode == code, done.stderr
    assert what in done.stderr
    assert todo in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_wrong_usage_exits_with_2() -> None:
    for words in (
        ("nosuch",),
        ("propose",),
        ("demo", "--customers", "minus"),
        ("confirm", "customer", "--band", "x"),
    ):
        done = d365kit(*words)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_errors_are_json_when_json_is_asked_for() -> None:
    done = d365kit("pull", "-w", "nowhere", "--json")
    error = json.loads(done.stdout)["error"]
    assert error["exit_code"] == done.returncode == 2
    assert error["todo"]


def test_an_unreachable_service_exits_with_3(tmp_path: Path) -> None:
    assert d365kit("init", str(tmp_path / "w")).returncode == 0
    settings = tmp_path / "w" / "d365kit.toml"
    text = settings.read_text("utf-8").replace('url = ""', 'url = "http://127.0.0.1:9/x"')
    settings.write_text(text.replace('company = ""', 'company = "c"', 1), "utf-8")
    done = d365kit("pull", "-w", str(tmp_path / "w"), D365KIT_BC_TOKEN="t0ken", D365KIT_DV_TOKEN="t0ken")
    assert done.returncode == 3, done.stderr
    assert "could not be reached" in done.stderr
    assert "Traceback" not in done.stderr
    for path in (tmp_path / "w").rglob("*"):
        assert not path.is_file() or b"t0ken" not in path.read_bytes()


def test_a_stale_plan_exits_with_4(demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert d365kit("plan", "-w", str(demo), "--out", str(path)).returncode == 0
    assert d365kit("pull", "-w", str(demo)).returncode == 0
    done = d365kit("apply", str(path), "--yes", "-w", str(demo))
    assert done.returncode == 4
    assert "Plan again" in done.stderr


def test_init_on_a_workspace_shows_differences_and_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    assert d365kit("init", str(folder)).returncode == 0
    suite = folder / "expectations" / "suites" / "items.json"
    suite.write_text(suite.read_text("utf-8").replace('"critical"', '"warning"', 1), "utf-8")
    before = suite.read_bytes()
    done = d365kit("init", str(folder))
    assert done.returncode == 0
    assert "items.json (yours)" in done.stdout
    assert suite.read_bytes() == before


def test_apply_without_yes_asks_and_no_answer_writes_nothing(demo: Path) -> None:
    folder = demo
    d365kit("pull", "-w", str(folder))
    done = d365kit("apply", "-w", str(folder))
    assert done.returncode in (4, 130)


def test_help_names_every_command_and_the_exit_codes() -> None:
    done = d365kit("--help")
    for command in ("demo", "init", "pull", "propose", "confirm", "check", "plan", "apply", "report", "ledger"):
        assert f"  {command} " in done.stdout
    assert "Exit codes" in done.stdout


def test_the_ledger_is_told_taken_back_and_exchanged(demo: Path, tmp_path: Path) -> None:
    w = ("-w", str(demo))
    first = json.loads(d365kit("ledger", "log", *w, "--kind", "customer", "--verdict", "confirm", "--json").stdout)[0]
    pair = (first["bc_id"], first["dv_id"])
    assert "Uncoupled 1 pair of customer" in d365kit("uncouple", "customer", *pair, *w).stdout
    told = d365kit("ledger", "log", *w, "--last", "1000", "--since", "2020-01-01", "--verdict", "uncouple")
    assert "uncouple  customer" in told.stdout
    assert "[batch " in told.stdout
    batch = told.stdout.rsplit("[batch ", 1)[1].split("]")[0]
    acts = d365kit("ledger", "log", *w, "--batches", "--last", "1").stdout.splitlines()
    assert all(line.startswith(f"batch {batch}  ") for line in acts)
    assert acts[0].endswith("uncouple  1 of customer")
    many = ("--batches", "--last", "1000", "--verdict", "confirm", "--json")
    counted = json.loads(d365kit("ledger", "log", *w, *many).stdout)
    assert max(row["decisions"] for row in counted if row["kind"] == "customer") > 20
    assert d365kit("ledger", "log", *w, "--by", "nobody").stdout.strip() == "Nothing of that was decided."
    wrong = d365kit("ledger", "log", *w, "--since", "last week")
    assert (wrong.returncode, "no day" in wrong.stderr, "Traceback" in wrong.stderr) == (2, True, False)
    undone = d365kit("ledger", "undo", batch, *w)
    assert undone.stdout.startswith("Took back: uncouple of 1 of customer")
    assert d365kit("ledger", "undo", batch, *w).returncode == 2
    file = str(tmp_path / "ledger.jsonl")
    written = json.loads(d365kit("ledger", "export", file, *w, "--json").stdout)["decisions"]
    assert written == len(Path(file).read_text("utf-8").splitlines()) > 50
    again = json.loads(d365kit("ledger", "import", file, *w, "--dry-run", "--json").stdout)
    assert again["counts"]["here already"] == written
    Path(file).write_text(Path(file).read_text("utf-8").replace(pair[1], "another"), "utf-8")
    tried = d365kit("ledger", "import", file, *w, "--dry-run")
    assert tried.returncode == 2
    assert pair[1] in tried.stdout
    refused = d365kit("ledger", "import", file, *w)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "contradicts the ledger" in refused.stderr
    assert d365kit("ledger", "skipped", *w).stdout.strip() == "Nothing is skipped."
    assert d365kit("retry", "customer", *w).stdout.strip() == "Nothing of customer is skipped."
    moved = d365kit("move", "customer", *pair, *w)
    assert (moved.returncode, "coupled to each other" in moved.stderr) == (2, True)
