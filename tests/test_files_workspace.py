"""From two exports to pairs in one command; a workspace of exports; couplings taken over from a file."""

from __future__ import annotations

import contextlib
import csv as csv_module
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook, load_workbook

from d365kit.cli import app as cli
from d365kit.errors import SettingsError
from d365kit.nouns import Snapshot
from d365kit.nouns.findings import NOT_ASKED
from d365kit.sandbox import Sandbox
from d365kit.workspace import Workspace, tables_out
from d365kit.workspace.two_files import match_files
from tests.conftest import NOW, Desk, on
from tests.helpers_files import csv, export_accounts, export_customers, xlsx

Truth = set[tuple[str, str]]


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str


def d365kit(*words: str, cwd: Path) -> Done:
    """Run a command as a terminal does, in this process: to start one takes longer than all else."""
    said, complained, before, argv = io.StringIO(), io.StringIO(), Path.cwd(), sys.argv
    try:
        os.chdir(cwd)
        sys.argv = ["d365kit", *words]
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = cli._run()
    finally:
        os.chdir(before)
        sys.argv = argv
    return Done(code, said.getvalue(), complained.getvalue())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The demo company, pulled, in this process; nothing in this module may write to its ledger for good."""
    sandbox = Sandbox.create(None, customers=60, seed=2)
    made = on(sandbox, tmp_path_factory.mktemp("files") / "ws")
    made.workspace.pull()
    yield made
    made.workspace.close()
    sandbox.close()


@pytest.fixture(scope="module")
def snapshot(desk: Desk) -> Snapshot:
    return desk.workspace.snapshot


@pytest.fixture(scope="module")
def truth(desk: Desk) -> Truth:
    """The true pairs of customers, as GUIDs."""
    return {(b, d) for kind, b, d in desk.sandbox.truth() if kind == "customer"}


@pytest.fixture(scope="module")
def folder(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two exports as users of both programs get them, and nothing else."""
    made = tmp_path_factory.mktemp("exports")
    export_customers(snapshot["customer"].everything("bc"), made / "Debitoren.csv")
    export_accounts(snapshot["customer"].everything("dv"), made / "My Active Accounts.xlsx")
    return made


@pytest.fixture(scope="module")
def matched(folder: Path) -> dict:
    outputs = ("--out", "pairs.csv", "--candidates", "candidates.csv")
    done = d365kit("match", "Debitoren.csv", "My Active Accounts.xlsx", *outputs, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- d365kit match ---


def test_two_exports_become_ranked_pairs_in_one_command(
    folder: Path, matched: dict, snapshot: Snapshot, truth: Truth
) -> None:
    assert matched["kind"] == "customer"
    assert (matched["left"]["side"], matched["right"]["side"]) == ("bc", "dv")
    assert matched["left"]["unused"] == matched["right"]["unused"] == []
    numbers = dict(snapshot["customer"].everything("bc")[["number", "id"]].itertuples(index=False))
    with (folder / "candidates.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv_module.DictReader(file))
    chosen = [r for r in rows if r["chosen"] == "True"]
    certain = {(numbers[r["left_id"]], r["right_id"]) for r in chosen if r["band"] == "certain"}
    found = {(numbers[r["left_id"]], r["right_id"]) for r in chosen}
    assert certain <= truth
    inside = set(snapshot["customer"].bc["id"]), set(snapshot["customer"].dv["id"])
    reachable = {p for p in truth if p[0] in inside[0] and p[1] in inside[1]}
    assert len(found & truth) >= 0.9 * len(reachable)
    assert matched["counts"]["certain"] == len(certain) > 0
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        pairs = list(csv_module.DictReader(file))
    sure = {(r["left_id"], r["right_id"]) for r in chosen if r["band"] in ("certain", "likely")}
    assert {(r["left_id"], r["right_id"]) for r in pairs} == sure
    assert matched["pairs"] == len(pairs) == len(sure)
    order = ["certain", "likely", "unsure", "nothing found", "left out"]
    assert [order.index(r["band"]) for r in rows] == sorted(order.index(r["band"]) for r in rows)


def test_every_row_of_both_files_is_in_the_answer(folder: Path, matched: dict, snapshot: Snapshot) -> None:
    frame = pd.read_csv(folder / "candidates.csv", dtype=str)
    assert set(frame["left_id"].dropna()) == set(snapshot["customer"].everything("bc")["number"])
    assert set(frame["right_id"].dropna()) == set(snapshot["customer"].everything("dv")["id"])
    out = frame[frame["band"] == "left out"]
    assert set(out["reason"]) <= {"blocked", "inactive", "not of relationship type Customer"}
    assert len(out) == matched["counts"]["left out"]


def test_pairs_show_both_values_and_the_rows_of_the_files(folder: Path, matched: dict) -> None:
    frame = pd.read_csv(folder / "candidates.csv")
    best = frame[frame["band"] == "certain"].iloc[0]
    lines = (folder / "Debitoren.csv").read_bytes().decode("cp1252").splitlines()
    assert lines[int(best["left_row"]) - 1].startswith(f"{best['left_id']};")
    assert best["name_left"] == best["left_name"]
    assert best["name_level"] == best["name_level"]
    assert isinstance(best["name_weight"], float)


def test_the_guess_is_shown_before_the_counts(folder: Path) -> None:
    done = d365kit("match", "Debitoren.csv", "My Active Accounts.xlsx", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Debitoren.csv: " in done.stdout
    assert "Kreditlimit (MW)" in done.stdout
    assert "caption (German)" in done.stdout
    assert "looks like totals (“Summe”)" in done.stdout
    assert "customer: " in done.stdout
    assert "--out pairs.csv" in done.stdout.splitlines()[-1]
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == []


def test_left_and_right_may_be_swapped(folder: Path, matched: dict) -> None:
    files = ["My Active Accounts.xlsx", "Debitoren.csv"]
    done = d365kit("match", *files, "--json", "--kind", "customer", cwd=folder)
    counts = json.loads(done.stdout)["counts"]
    assert counts["certain"] == matched["counts"]["certain"]
    assert counts["only left"] == matched["counts"]["only right"]


def test_excel_and_parquet_are_written_as_well(folder: Path, tmp_path: Path, matched: dict) -> None:
    frame = pd.read_csv(folder / "pairs.csv")
    for name in ("pairs.xlsx", "pairs.parquet"):
        files = [str(folder / f) for f in ("Debitoren.csv", "My Active Accounts.xlsx")]
        assert d365kit("match", *files, "--out", name, cwd=tmp_path).returncode == 0
    sheet = load_workbook(tmp_path / "pairs.xlsx").active
    assert sheet.max_row == len(frame) + 1
    assert pq.read_table(tmp_path / "pairs.parquet").num_rows == len(frame)
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("words", "what", "todo"),
    [
        (("nowhere.csv", "My Active Accounts.xlsx"), "nowhere.csv cannot be read", "Correct"),
        (("Debitoren.csv", "My Active Accounts.xlsx", "--out", "x.doc"), "no kind that can be written", ".xlsx"),
        (("Debitoren.csv", "My Active Accounts.xlsx", "--kind", "custmer"), "no kind called", "The kinds are"),
        (("Debitoren.csv", "My Active Accounts.xlsx", "--column", "Nr.=number"), "of which file", "left:"),
        (("Debitoren.csv", "My Active Accounts.xlsx", "--column", "left:Nr=numer"), "no field “numer”", "number"),
        (("Debitoren.csv", "My Active Accounts.xlsx", "--column", "left:Nr"), "names no role", "--column"),
        (("Debitoren.csv", "My Active Accounts.xlsx", "--sheet", "right:Nope"), "no sheet “Nope”", "My Active"),
        (("Debitoren.csv", "My Active Accounts.xlsx", "--decimal", ";"), "no decimal sign", "Use"),
    ],
)
def test_mistakes_get_two_sentences(folder: Path, words: tuple[str, ...], what: str, todo: str) -> None:
    done = d365kit("match", *words, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert what in done.stderr
    assert todo in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_texts_that_a_spreadsheet_would_run_are_disarmed(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["=1+1", "@x", "+49 221 1", "-5", "+cmd|x", "ok", "\ttab"]}, dtype="string[pyarrow]")
    text = tables_out.write(frame, tmp_path / "x.csv").read_text("utf-8-sig")
    assert text.splitlines()[1:] == ["'=1+1", "'@x", "+49 221 1", "-5", "'+cmd|x", "ok", "'\ttab"]
    sheet = load_workbook(tables_out.write(frame, tmp_path / "x.xlsx")).active
    assert sheet["A2"].data_type == "s"
    assert sheet["A2"].value == "=1+1"


# --- a workspace of files ---


@pytest.fixture(scope="module")
def workspace(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = tmp_path_factory.mktemp("w") / "w"
    files = [folder / "Debitoren.csv", folder / "My Active Accounts.xlsx"]
    with Workspace.make(made, files=files, progress=False, now=lambda: NOW) as ws:
        ws.pull()
        yield ws


def test_a_workspace_of_files_pulls_with_provenance(workspace: Workspace, folder: Path, snapshot: Snapshot) -> None:
    mine = workspace.snapshot
    assert set(mine.kinds) == {"customer"}
    assert len(mine["customer"].bc) == len(snapshot["customer"].bc)
    # The view does not show the owning company, so accounts of another one take part.
    others = snapshot["customer"].dv_outside
    elsewhere = set(others.loc[others["outside"] == "owned by another company", "id"])
    assert set(mine["customer"].dv["id"]) == set(snapshot["customer"].dv["id"]) | elsewhere
    sources = {p.side: p.source for p in mine.provenance}
    assert "Debitoren.csv" in sources["bc"]
    assert "sheet My Active Accounts" in sources["dv"]
    assert "sha256" in sources["dv"]
    assert mine.taken_at.timestamp() == pytest.approx(
        min((folder / f).stat().st_mtime for f in ("Debitoren.csv", "My Active Accounts.xlsx"))
    )
    assert {"county", "salesperson", "currency"} <= set(mine.unread["customer"])
    assert "phone" not in mine.unread["customer"]
    again = workspace.pull()
    assert again.id == mine.id


def test_every_verb_but_apply_works(workspace: Workspace) -> None:
    proposals = workspace.propose("customer")
    assert proposals.counts()["certain"] > 20
    assert workspace.confirm("customer", band="certain") == proposals.counts()["certain"]
    findings = workspace.check()
    assert "salesperson_exists" not in " ".join(findings.frame["check"])
    assert "local_currency_known" not in " ".join(findings.frame["check"])
    states = dict(findings.coverage[["check", "state"]].itertuples(index=False))
    assert states["customers_vendors/salesperson_coupled"] == NOT_ASKED
    plan = workspace.plan()
    assert not {f.field for c in plan.changes for f in c.fields} & set(workspace.snapshot.unread["customer"])
    assert workspace.report().to_dict()
    with pytest.raises(SettingsError, match="records come from files") as caught:
        workspace.apply()
    assert "by hand" in caught.value.todo
    workspace.undo()


def test_a_kind_without_a_file_is_not_empty_but_unasked(workspace: Workspace) -> None:
    with pytest.raises(SettingsError, match="no file for item") as caught:
        workspace.pull(["item"])
    assert "bc.item" in caught.value.todo


def test_init_with_files_says_what_it_took_them_for(folder: Path, tmp_path: Path) -> None:
    files = [str(folder / "Debitoren.csv"), str(folder / "My Active Accounts.xlsx")]
    done = d365kit("init", "w", "--files", *files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "read as customer of Business Central" in done.stdout
    assert "read as customer of Sales" in done.stdout
    text = (tmp_path / "w" / "d365kit.toml").read_text("utf-8")
    assert "bc.customer" in text
    pulled = d365kit("pull", "-w", "w", cwd=tmp_path)
    assert pulled.returncode == 0, pulled.stderr
    applied = d365kit("plan", "-w", "w", cwd=tmp_path)
    assert applied.returncode == 0, applied.stderr
    refused = d365kit("apply", "--yes", "-w", "w", cwd=tmp_path)
    assert refused.returncode == 2
    assert "come from files" in refused.stderr
    assert d365kit("init", "x", "--files", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[files]\nbc.custmer = "x.csv"', "unknown kind “custmer”"),
        ("[files]\nbc.customer = 5", "files.bc.customer is 5"),
        ('[files]\nfolder = "x"', "unknown key “files.folder”"),
        ('[files]\nbc.customer = "x.csv"\ndecimal = ";"', "no decimal sign"),
        ('[files]\nbc.customer = { path = "x.csv", shet = "a" }', "files.bc.customer is"),
        ('files = "x"', "“files” must be a table"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "d365kit.toml").write_text(f"version = 1\n{text}\n", "utf-8")
    with pytest.raises(SettingsError, match=what):
        Workspace(tmp_path)


def test_one_side_of_files_and_none_of_the_other_is_said(tmp_path: Path) -> None:
    csv(tmp_path / "c.csv", "No.;Name\n1;A\n")
    (tmp_path / "d365kit.toml").write_text('version = 1\n[files]\nbc.customer = "c.csv"\n', "utf-8")
    with Workspace(tmp_path, progress=False) as ws, pytest.raises(SettingsError, match="no address for dv"):
        ws.pull()


def test_columns_are_corrected_in_the_settings(tmp_path: Path) -> None:
    csv(tmp_path / "c.csv", "Key;Label\n1;A\n")
    csv(tmp_path / "a.csv", "Account Number;Account Name\n1;A\n")
    settings = (
        'version = 1\n[files]\nbc.customer = "c.csv"\ndv.customer = "a.csv"\n'
        '[files.columns.bc.customer]\nKey = "number"\nLabel = "name"\n'
    )
    (tmp_path / "d365kit.toml").write_text(settings, "utf-8")
    with Workspace(tmp_path, progress=False) as ws:
        assert ws.pull()["customer"].bc["name"].tolist() == ["A"]


# --- couplings from a file ---


@pytest.fixture
def ws(desk: Desk) -> Iterator[Workspace]:
    yield desk.workspace
    while len(desk.workspace.ledger.couplings()):
        desk.workspace.undo()


@pytest.fixture
def pairs(snapshot: Snapshot, truth: Truth) -> list[tuple[str, str]]:
    inside = set(snapshot["customer"].bc["id"]), set(snapshot["customer"].dv["id"])
    return sorted((b, d) for b, d in truth if b in inside[0] and d in inside[1])


def test_an_export_of_table_5331_is_taken_over(ws: Workspace, desk: Desk, snapshot: Snapshot, tmp_path: Path) -> None:
    tables = {"customer": 18, "contact": 5050, "item": 27}
    rows = [
        (f"{{{d.upper()}}}", f"{{{b.upper()}}}", tables[k], True)
        for k, b, d in desk.sandbox.truth()
        if k in tables and b in set(snapshot[k].bc["id"]) and d in set(snapshot[k].dv["id"])
    ]
    path = xlsx(tmp_path / "5331.xlsx", [("CRM ID", "Integration ID", "Table ID", "Skipped"), *rows])
    done = ws.import_couplings(path)
    assert done.counts() == {"coupled": len(rows), "coupled already": 0, "does not fit": 0}
    couplings = ws.ledger.couplings()
    assert len(couplings) == len(rows)
    assert set(couplings["kind"]) == set(tables)
    again = ws.import_couplings(path)
    assert again.counts() == {"coupled": 0, "coupled already": len(rows), "does not fit": 0}


def test_numbers_on_one_side_and_ids_on_the_other(
    ws: Workspace, snapshot: Snapshot, pairs: list[tuple[str, str]], tmp_path: Path
) -> None:
    numbers = dict(snapshot["customer"].bc[["id", "number"]].itertuples(index=False))
    text = "Debitor;Konto\n" + "".join(f"{numbers[b]};{d}\n" for b, d in pairs)
    dry = ws.import_couplings(csv(tmp_path / "p.csv", text), dry_run=True)
    assert dry.counts()["coupled"] == len(pairs)
    assert dry.columns == {"bc": "Debitor", "dv": "Konto"}
    assert len(ws.ledger.couplings()) == 0
    before = ws.ledger.position
    ws.import_couplings(tmp_path / "p.csv")
    assert set(map(tuple, ws.ledger.couplings("customer")[["bc_id", "dv_id"]].values)) == set(pairs)
    assert {d.note for d in ws.ledger.decisions("customer")[-len(pairs) :]} == {"taken over from p.csv"}
    ws.undo()
    assert len(ws.ledger.couplings()) == 0
    assert ws.ledger.position > before


def test_what_does_not_fit_has_its_reason(
    ws: Workspace, snapshot: Snapshot, pairs: list[tuple[str, str]], tmp_path: Path
) -> None:
    (b0, d0), (b1, d1), (b2, d2), (b3, d3), (_, d4) = pairs[:5]
    ws.confirm("customer", [(b0, d0), (b1, d1)])
    blocked = snapshot["customer"].bc_outside
    outside = blocked["id"].iloc[0]
    rows = [
        (b0, d0), (b1, d4), ("no such", d2), (b2, "nor this"), (outside, d2), (b3, d3), (b3, d4), ("", d4),
    ]  # fmt: skip
    text = "bc_id,dv_id,note\n" + "".join(f"{b},{d},x\n" for b, d in rows)
    done = ws.import_couplings(csv(tmp_path / "p.csv", text), kind="customer")
    assert done.frame["outcome"].tolist() == [
        "coupled already", *["does not fit"] * 4, "coupled", "does not fit", "does not fit",
    ]  # fmt: skip
    reasons = dict(zip(done.frame["row"], done.frame["reason"], strict=True))
    there = snapshot["customer"].dv.set_index("id").loc[d1]
    number = f"{there['number']} " if isinstance(there["number"], str) else ""
    named = f"{number}{there['name']}"
    assert reasons[3] == f"coupled to another: the Business Central record belongs to {named}"
    assert reasons[4] == "unknown in Business Central: no customer “no such”"
    assert reasons[5] == "unknown in Sales: no customer “nor this”"
    assert reasons[6].startswith("outside the filter in Business Central")
    assert reasons[8] == "twice in the file: row 7 names the same Business Central record"
    assert reasons[9] == "no record named of Business Central"
    assert len(ws.ledger.couplings("customer")) == 3
    assert done.rejects()["row"].tolist() == [3, 4, 5, 6, 8, 9]
    assert "1 × twice in the file" in str(done)
    assert "<script>" not in done._repr_html_()
    ws.undo()


def test_a_row_that_does_not_fit_spoils_no_other(ws: Workspace, pairs: list[tuple[str, str]], tmp_path: Path) -> None:
    (b0, d0), (b1, d1), (_, d2) = pairs[:3]
    ws.confirm("customer", [(b0, d0)])
    text = "bc_id,dv_id\n" + "".join(f"{b},{d}\n" for b, d in ((b0, d2), (b0, d0), (b1, d0), (b1, d1)))
    done = ws.import_couplings(csv(tmp_path / "p.csv", text), kind="customer")
    assert done.frame["outcome"].tolist() == ["does not fit", "coupled already", "does not fit", "coupled"]


def test_files_of_different_things_are_not_paired(folder: Path, tmp_path: Path) -> None:
    head = "Nr.;Beschreibung;Basiseinheitencode;VK-Preis;EK-Preis;Lagerbestand;GTIN\n"
    rows = "".join(f"1{n};Schraube M{n};STK;{n},50;{n},10;{n};400638133393{n}\n" for n in range(1, 9))
    items = csv(tmp_path / "items.csv", head + rows)
    accounts = folder / "My Active Accounts.xlsx"
    with pytest.raises(SettingsError, match="different things: items.csv looks like items and .* like customers"):
        match_files(items, accounts)


def test_a_name_that_several_records_have_is_not_guessed(ws: Workspace, tmp_path: Path) -> None:
    frame = ws.snapshot["customer"].everything("dv")
    twice = frame[frame["name"].str.lower().duplicated(keep=False)]["name"]
    if twice.empty:
        pytest.skip("this company has no two accounts of one name")
    number = ws.snapshot["customer"].bc["number"].iloc[0]
    path = csv(tmp_path / "p.csv", f'bc;dv\n{number};"{twice.iloc[0]}"\n')
    done = ws.import_couplings(path, kind="customer", columns={"bc": "bc", "dv": "dv"})
    assert "found several times in Sales" in done.frame["reason"].iloc[0]


def test_a_kind_nobody_tells_is_asked_for(ws: Workspace, tmp_path: Path) -> None:
    path = csv(tmp_path / "p.csv", "bc;dv\nunknown;neither\n")
    with pytest.raises(SettingsError, match="cannot be told whether") as caught:
        ws.import_couplings(path)
    assert "--kind" in caught.value.todo
    with pytest.raises(SettingsError, match="no column holds records"):
        ws.import_couplings(csv(tmp_path / "q.csv", "x;y\nunknown;neither\n"), kind="customer")


def test_the_command_couples_and_writes_what_does_not_fit(
    workspace: Workspace, snapshot: Snapshot, pairs: list[tuple[str, str]], tmp_path: Path
) -> None:
    numbers = dict(snapshot["customer"].bc[["id", "number"]].itertuples(index=False))
    text = "bc;dv\n" + "".join(f"{numbers[b]};{d}\n" for b, d in pairs[:3]) + "99999999;x\n"
    csv(tmp_path / "p.csv", text)
    words = ("couple", "p.csv", "--kind", "customer", "--out", "rejects.xlsx", "-w", str(workspace.folder.path))
    dry = d365kit(*words, "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr
    assert "3 would be coupled" in dry.stdout
    assert "dry run" in dry.stdout
    done = d365kit(*words, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["coupled"] == {"customer": 3}
    rejects = load_workbook(tmp_path / "rejects.xlsx").active
    assert [c.value for c in rejects[2]][2] == "99999999"
    workspace.undo()


def test_a_workbook_with_several_sheets_can_be_chosen_from(ws: Workspace, tmp_path: Path) -> None:
    book = Workbook()
    for name in ("a", "b"):
        sheet = book.create_sheet(name)
        sheet.append(["bc", "dv"])
        sheet.append(["unknown", "neither"])
    book.save(tmp_path / "p.xlsx")
    done = ws.import_couplings(tmp_path / "p.xlsx", kind="customer", sheet="b")
    assert done.counts()["does not fit"] == 1
