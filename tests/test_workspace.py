"""The workspace: settings said clearly, files kept whole, the analyst's own copies never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from d365kit.errors import AlreadyCoupled, LedgerError, NothingToUndo, SettingsError, UnknownKind, UnknownRecord
from d365kit.workspace import Workspace, share
from d365kit.workspace.settings import SandboxSettings, template
from tests.conftest import NOW, Desk

Desks = Callable[..., Desk]


def workspace_with(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "d365kit.toml").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2", "version 2.*works with version 1"),
        ("nonsense", "cannot be read"),
        ('version = 1\nnam = "x"', "unknown key “nam”"),
        ('version = 1\n[bc]\nadress = "x"', "unknown key “bc.adress”"),
        ('version = 1\n[limits]\ncreate = "many"', "limits.create is 'many'.*whole number"),
        ('version = 1\n[plan]\nfirst = "left"', "plan.first is 'left'.*ask, bc or dv"),
        ('version = 1\n[match]\nengine = "abacus"', "match.engine is 'abacus'.*duckdb or spark"),
        ("version = 1\nbc = 3", "“bc” must be a table"),
    ],
)
def test_a_wrong_setting_is_named_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"(?s){words}"):
        Workspace(workspace_with(tmp_path, text))


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a d365kit workspace.*d365kit init"):
        Workspace(tmp_path)


def test_missing_addresses_are_named_when_they_are_needed(tmp_path: Path) -> None:
    workspace = Workspace(workspace_with(tmp_path, template("x", None)))
    with pytest.raises(SettingsError, match="no address for bc.*bc.url"):
        workspace.pull()


def test_a_missing_token_is_named_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("D365KIT_BC_TOKEN", raising=False)
    text = template("x", None).replace('url = ""', 'url = "http://127.0.0.1:9/x"').replace(
        'company = ""', 'company = "c"'
    )  # fmt: skip
    with pytest.raises(SettingsError, match="D365KIT_BC_TOKEN is not set"):
        Workspace(workspace_with(tmp_path, text), progress=False).pull()


def test_init_copies_notebooks_and_suites_and_never_overwrites(tmp_path: Path) -> None:
    Workspace.make(tmp_path / "w").close()
    suite = tmp_path / "w" / "expectations" / "suites" / "currencies.json"
    assert suite.is_file()
    assert (tmp_path / "w" / "notebooks" / "00_start_here.ipynb").is_file()
    assert share.differences(tmp_path / "w") == []
    mine = suite.read_text("utf-8").replace('"critical"', '"warning"', 1)
    suite.write_text(mine, "utf-8")
    assert share.copy_missing(tmp_path / "w") == []
    (difference,) = share.differences(tmp_path / "w")
    assert difference.path == "expectations/suites/currencies.json"
    assert any(line.startswith("-") and "warning" in line for line in difference.lines)
    assert suite.read_text("utf-8") == mine
    suite.unlink()
    assert share.copy_missing(tmp_path / "w") == ["expectations/suites/currencies.json"]


def test_a_second_workspace_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    Workspace.make(tmp_path / "w").close()
    with pytest.raises(SettingsError, match="is a d365kit workspace already"):
        Workspace.make(tmp_path / "w")


def test_a_demo_of_another_size_is_refused_not_replaced(tmp_path: Path) -> None:
    Workspace.demo(tmp_path / "d", customers=5, seed=2).close()
    with pytest.raises(SettingsError, match="made with customers 5, not 6"):
        Workspace.demo(tmp_path / "d", customers=6)
    assert Workspace.demo(tmp_path / "d").settings.sandbox == SandboxSettings(customers=5, seed=2)


def test_nothing_pulled_yet_is_said(desks: Desks) -> None:
    with pytest.raises(SettingsError, match="Nothing was pulled.*d365kit pull"):
        desks(customers=5).workspace.propose("customer")


def test_confirming_needs_proposals_of_the_latest_snapshot(desks: Desks) -> None:
    desk = desks(customers=20)
    workspace = desk.workspace
    workspace.pull()
    with pytest.raises(LedgerError, match="no proposals for customer.*d365kit propose customer"):
        workspace.confirm("customer", band="certain")
    workspace.propose("currency")
    assert workspace.confirm("currency", band="certain") > 3
    desk.change("bc", "customers", workspace.snapshot["customer"].bc["id"][0], city="X")
    workspace.pull()
    with pytest.raises(LedgerError, match="from the latest snapshot"):
        workspace.confirm("currency", band="certain")


def test_decisions_by_pair_know_their_records(desks: Desks) -> None:
    desk = desks(customers=10)
    workspace = desk.workspace
    snapshot = workspace.pull()
    bc, dv = snapshot["unit"].bc["id"], snapshot["unit"].dv["id"]
    assert workspace.confirm("unit", [(bc[0].upper(), dv[0])]) == 1
    with pytest.raises(AlreadyCoupled):
        workspace.confirm("unit", [(bc[0], dv[1])])
    with pytest.raises(UnknownRecord, match="no unit nobody in Business Central"):
        workspace.confirm("unit", [("nobody", dv[1])])
    with pytest.raises(UnknownKind):
        workspace.confirm("units", [(bc[0], dv[0])])
    assert len(workspace.undo()) == 1
    assert workspace.couplings("unit").empty
    with pytest.raises(NothingToUndo):
        workspace.undo()


def test_no_secret_is_in_any_file(desks: Desks) -> None:
    desk = desks(customers=10)
    workspace = desk.workspace
    workspace.pull()
    workspace.propose("currency")
    workspace.confirm("currency", band="certain")
    for path in workspace.folder.path.rglob("*"):
        if path.is_file():
            assert desk.sandbox.token.encode() not in path.read_bytes(), path


def test_findings_of_an_older_ledger_are_made_anew(desks: Desks) -> None:
    workspace = desks(customers=10).workspace
    workspace.pull()
    first = workspace.check()
    assert workspace.findings().ledger_position == first.ledger_position
    workspace.propose("currency")
    workspace.confirm("currency", band="certain")
    assert workspace.findings().ledger_position == workspace.ledger.position


def test_the_review_widget_writes_decisions_and_says_the_line_of_code(desks: Desks) -> None:
    workspace = desks(customers=60, dirt=1.0).workspace
    workspace.pull()
    proposals = workspace.propose("customer")
    review = workspace.review(
        "customer", bands=[b for b in ("certain", "likely", "unsure") if len(proposals.chosen(b))]
    )
    card = review.current
    assert card is not None
    partner = card["candidates"][0]["id"]
    assert review.press("confirm") == f"ws.confirm('customer', [({card['id']!r}, {partner!r})])"
    assert workspace.ledger.partner("customer", "bc", card["id"]) == partner
    assert workspace.decisions(last=1)["band"].tolist() == ["certain"]
    review.press("undo")
    assert workspace.ledger.partner("customer", "bc", card["id"]) is None
    assert review.current == card
    review.press("reject")
    assert set(workspace.ledger.rejected("customer")["bc_id"]) == {card["id"]}
    while review.current is not None:
        review.press("defer")
    assert review.session.end()["text"].startswith("Finished: 0 confirmed, 1 rejected")


def test_every_kind_with_proposals_can_be_reviewed(desks: Desks) -> None:
    workspace = desks(customers=30).workspace
    workspace.pull()
    for kind in workspace.catalogue.names:
        workspace.propose(kind, **({"rule": "exact", "criteria": ["name"]} if kind == "item" else {}))
        review = workspace.review(kind, state="all", bands=())
        assert review.current is not None, kind
        if review.current["open"] and review.current["selected"] is not None:
            assert review.press("confirm").startswith("ws.confirm("), review.line
            review.press("undo")
    assert len(workspace.couplings()) == 0


def test_undo_takes_back_any_one_act(desks: Desks) -> None:
    workspace = desks(customers=10).workspace
    workspace.pull()
    workspace.propose("currency")
    workspace.confirm("currency", band="certain")
    pairs = [tuple(p) for p in workspace.couplings("currency")[["bc_id", "dv_id"]].itertuples(index=False)]
    workspace.undo()
    first, second = pairs[:2]
    workspace.confirm("currency", [first])
    workspace.confirm("currency", [second])
    workspace.undo(batch=3)
    assert workspace.couplings("currency")["bc_id"].tolist() == [second[0]]


def test_who_decides_comes_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D365KIT_USER", "ada")
    folder = workspace_with(tmp_path, template("x", None))
    assert Workspace(folder).by == "ada"
    text = template("x", None).replace('by = ""', 'by = "grace"')
    assert Workspace(workspace_with(tmp_path, text)).by == "grace"
    assert NOW.tzinfo is not None


def test_undo_does_not_forget_what_apply_made(desks: Desks) -> None:
    desk = desks(customers=40)
    workspace = desk.workspace
    workspace.pull()
    desk.couple_by_truth()
    workspace.apply(workspace.plan())
    with pytest.raises(LedgerError, match="run R000001 of apply.*d365kit uncouple"):
        workspace.undo()
    made = workspace.ledger.decisions("customer", last=1)[0]
    assert workspace.uncouple("customer", [(made.bc_id, made.dv_id)]) == 1
    assert len(workspace.undo()) == 1
    assert workspace.ledger.partner("customer", "bc", made.bc_id) == made.dv_id


def test_a_pair_asked_about_is_rejected_with_its_values(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = desks(customers=20).workspace
    workspace.pull()
    rows = workspace.propose("customer").chosen().head(1)
    monkeypatch.setattr("d365kit.match.ask", lambda *given, **named: rows)
    monkeypatch.setattr(type(workspace.folder), "load_proposals", lambda self, kind: None)
    workspace.ask("customer", 1)
    workspace.reject("customer", list(zip(rows["bc_id"], rows["dv_id"], strict=True)))
    assert workspace.ledger.rejected("customer")["fingerprint"].tolist() == rows["fingerprint"].tolist()
