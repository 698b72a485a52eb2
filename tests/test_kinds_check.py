"""The catalogue against the services' own metadata: what is not there is named with its place and what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from d365kit.cli.app import app
from d365kit.errors import SettingsError
from d365kit.kinds import load_catalogue
from d365kit.pull import check_catalogue
from d365kit.workspace import Workspace
from tests.conftest import Desk

Desks = Callable[..., Desk]


def reopened(desk: Desk, kinds: str = "", **replaced: str) -> Workspace:
    """The desk's workspace, opened anew with this kinds.toml and changed settings."""
    folder = desk.workspace.folder.path
    (folder / "kinds.toml").write_text(kinds, "utf-8")
    text = (folder / "d365kit.toml").read_text("utf-8")
    for old, new in replaced.items():
        text = text.replace(f"{old} = []", f"{old} = {new}")
    (folder / "d365kit.toml").write_text(text, "utf-8")
    return Workspace(folder, services=(desk.bc, desk.dv), progress=False)


def test_the_shipped_catalogue_holds_against_both_services(desks: Desks) -> None:
    desk = desks(customers=5)
    assert [str(p) for p in check_catalogue(desk.bc, desk.dv, load_catalogue())] == []


@pytest.mark.parametrize(
    ("kinds", "what", "todo"),
    [
        (
            '[customer]\nfields = [\n  { name = "tel", type = "text", bc = "phoneNumbr", dv = "telephone3" },\n]\n',
            "kinds.toml, line 3: Business Central has no property phoneNumbr in customers.",
            "Did you mean phoneNumber?",
        ),
        (
            '[customer]\nfields = [\n  { name = "tel", type = "text", dv = "telefone3" },\n]\n',
            "kinds.toml, line 3: Sales has no property telefone3 in accounts.",
            "Did you mean telephone3?",
        ),
        (
            '[item]\nfields = [\n  { name = "blocked", type = "amount" },\n]\n',
            "kinds.toml, line 3: item.blocked is of type amount, and blocked in Business Central is of type boolean.",
            "Give the field the type that fits.",
        ),
        (
            '[vendor.bc]\nset = "suppliers"\n',
            "kinds.toml, line 1: Business Central has no set suppliers at this address.",
            "",
        ),
        (
            '[resource.bc]\nset = "ODataV4/OurResources"\npage = 50123\n',
            "Business Central does not publish page 50123 as the web service “OurResources”, which resource needs.",
            "Publish it on the page Web Services",
        ),
        (
            '[price_list.dv]\nset = "options/account.industrycod"\n[price_list]\nfields = []\n',
            "industrycod",
            "",
        ),
    ],
)
def test_what_a_workspace_gets_wrong_is_named_with_its_line(desks: Desks, kinds: str, what: str, todo: str) -> None:
    problems = [p for p in reopened(desks(customers=5), kinds).check_kinds() if p.severity == "error"]
    assert problems
    assert any(what in str(p) and todo in str(p) for p in problems), [str(p) for p in problems]


def test_a_length_that_does_not_fit_is_a_note(desks: Desks) -> None:
    kinds = '[customer]\nfields = [{ name = "city", length = [8000, 80] }]\n'
    (problem,) = reopened(desks(customers=5), kinds).check_kinds()
    assert problem.severity == "note"
    assert "customer.city says 8000 characters, and city in Business Central holds 30." in str(problem)


def test_a_page_that_is_not_published_stops_the_pull_and_says_what_to_do(desks: Desks) -> None:
    desk = desks(customers=5)
    desk.sandbox.services.withdraw("ResourceCard")
    with pytest.raises(SettingsError, match="page 76 as the web service “ResourceCard”, which resource") as told:
        desk.workspace.pull()
    assert 'kinds.leave_out = ["resource"]' in str(told.value)
    assert not desk.workspace.folder.latest_snapshot_id()
    snapshot = reopened(desk, leave_out='["resource"]').pull()
    assert "resource" not in snapshot
    assert len(snapshot["item"].bc)


def test_a_card_that_is_not_published_leaves_its_fields_unread(desks: Desks) -> None:
    assert "fax" not in desks(customers=5).workspace.pull().unread.get("customer", ())
    other = desks(customers=5)
    other.sandbox.services.withdraw("CustomerCard")
    snapshot = other.workspace.pull()
    assert {"fax", "primary_contact", "shipping_agent", "contact_name"} <= set(snapshot.unread["customer"])
    assert snapshot["customer"].bc["fax"].isna().all()
    note = next(p for p in other.workspace.check_kinds() if p.kind == "customer")
    assert note.severity == "note"
    assert "page 21" in str(note)
    # What was not asked for is neither a difference nor a prerequisite.
    other.couple_by_truth()
    plan = other.workspace.plan()
    touched = {f.field for c in plan if c.kind == "customer" for f in c.fields}
    assert not touched & set(snapshot.unread["customer"])


def test_leaving_out_a_kind_nobody_knows_is_refused(desks: Desks) -> None:
    with pytest.raises(SettingsError, match="kinds.leave_out names the unknown kind “resorce”"):
        reopened(desks(customers=5), leave_out='["resorce"]')


def test_the_command_ends_with_2_and_names_the_place(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desks(customers=5)
    kinds = '[customer]\nfields = [\n  { name = "tel", type = "text", dv = "telefone3" },\n]\n'
    workspace = reopened(desk, kinds)
    monkeypatch.setattr("d365kit.cli.common.Workspace", lambda *a, **k: workspace, raising=False)
    monkeypatch.setattr("d365kit.workspace.Workspace", lambda *a, **k: workspace)
    result = CliRunner().invoke(app, ["kinds", "check", "--workspace", str(workspace.folder.path)])
    assert result.exit_code == 2
    assert "kinds.toml, line 3: Sales has no property telefone3" in result.output
