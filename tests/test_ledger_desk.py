"""The ledger's verbs on a workspace: what a snapshot adds to them, and exchange between two analysts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from d365kit.errors import AlreadyCoupled, LedgerError, NothingToUndo, SettingsError, UnknownKind, UnknownRecord
from d365kit.nouns import Outcome
from d365kit.workspace import Workspace
from tests.conftest import NOW, Desk

Desks = Callable[..., Desk]
Couple = tuple[str, str]


@pytest.fixture
def desk(desks: Desks) -> Desk:
    made = desks(customers=30)
    made.workspace.pull()
    made.couple_by_truth()
    return made


def pairs(ws: Workspace, kind: str) -> set[Couple]:
    return set(ws.couplings(kind)[["bc_id", "dv_id"]].itertuples(index=False, name=None))


def parent(desk: Desk) -> tuple[Couple, set[Couple]]:
    """A coupled customer, and the coupled contacts whose account is its row."""
    rows = desk.workspace.snapshot["contact"].everything("dv")
    account = dict(zip(rows["id"], rows["customer"], strict=True))
    held = pairs(desk.workspace, "contact")
    for pair in sorted(pairs(desk.workspace, "customer")):
        mine = {(b, d) for b, d in held if account.get(d) == pair[1]}
        if mine:
            return pair, mine
    raise AssertionError("no customer has a contact")


def test_with_a_customer_go_the_contacts_whose_account_it_is(desk: Desk) -> None:
    ws = desk.workspace
    pair, mine = parent(desk)
    others, customers = pairs(ws, "contact") - mine, pairs(ws, "customer")
    assert others, "contacts of other customers keep theirs"
    assert ws.uncouple("customer", [pair]) == 1 + len(mine)
    assert (pairs(ws, "contact"), pairs(ws, "customer")) == (others, customers - {pair})
    assert len(ws.undo()) == 1 + len(mine)
    assert (pairs(ws, "contact"), pairs(ws, "customer")) == (others | mine, customers)


def test_with_an_order_go_its_lines(desk: Desk) -> None:
    ws = desk.workspace
    lines = ws.snapshot["sales_order_line"]
    order_of = dict(zip(lines.dv["id"], lines.dv["order"], strict=True))
    order = next(o for o in order_of.values() if o in set(ws.snapshot["sales_order"].dv["id"]))
    bc_order = ws.snapshot["sales_order"].bc["id"][0]
    if ws.ledger.partner("sales_order", "dv", order) is None:
        ws.confirm("sales_order", [(bc_order, order)])
    pair = (ws.ledger.partner("sales_order", "dv", order), order)
    mine = [line for line, of in order_of.items() if of == order]
    free = [b for b in lines.bc["id"] if ws.ledger.partner("sales_order_line", "bc", b) is None]
    for line in mine:
        if ws.ledger.partner("sales_order_line", "dv", line) is None:
            ws.confirm("sales_order_line", [(free.pop(), line)])
    before = pairs(ws, "sales_order_line")
    assert ws.uncouple("sales_order", [pair]) == 1 + len(mine)
    assert {d for _, d in before - pairs(ws, "sales_order_line")} == set(mine)


def test_a_unit_is_no_parent_of_its_items(desk: Desk) -> None:
    """Only what the catalogue says goes along, not everything that refers to a record."""
    ws = desk.workspace
    items = pairs(ws, "item")
    for pair in sorted(pairs(ws, "unit")):
        assert ws.uncouple("unit", [pair]) == 1
    assert pairs(ws, "item") == items


def test_without_a_snapshot_there_are_no_children_known(desks: Desks) -> None:
    ws = desks(customers=5).workspace
    from d365kit.nouns import Pair

    ws.ledger.confirm("customer", [Pair("A", "X")], by="t", at=NOW)
    assert ws.uncouple("customer", [("A", "X")]) == 1


def free_row(desk: Desk, kind: str = "customer") -> str:
    taken = {d for _, d in pairs(desk.workspace, kind)}
    rows = desk.workspace.snapshot[kind].dv["id"]
    return next((r for r in rows if r not in taken), "")


def test_a_coupling_moves_to_another_row(desk: Desk) -> None:
    ws = desk.workspace
    first, second = sorted(pairs(ws, "customer"))[:2]
    with pytest.raises(AlreadyCoupled, match=second[0]):
        ws.move("customer", [(first[0], second[1])])
    ws.uncouple("customer", [second])
    assert ws.move("customer", [(first[0].upper(), second[1])], first="dv") == 1
    assert ws.ledger.partner("customer", "bc", first[0]) == second[1]
    with pytest.raises(UnknownRecord, match="no customer nowhere"):
        ws.move("customer", [(first[0], "nowhere")])
    assert {d.verdict for d in ws.undo()} == {"uncouple", "confirm"}
    assert ws.ledger.partner("customer", "bc", first[0]) == first[1]


def test_the_coupling_of_a_deleted_row_is_taken_over(desk: Desk) -> None:
    ws = desk.workspace
    first, second = sorted(pairs(ws, "customer"))[:2]
    desk.remove("dv", "accounts", first[1])
    wanted = (first[0], second[1])
    with pytest.raises(AlreadyCoupled) as before:
        ws.confirm("customer", [wanted])
    assert "take over" not in before.value.todo, "the snapshot still shows the row"
    ws.pull()
    with pytest.raises(AlreadyCoupled, match=second[0]):
        ws.confirm("customer", [wanted], take_over=True)
    desk.remove("bc", "customers", second[0])
    ws.pull()
    with pytest.raises(AlreadyCoupled, match="take_over=True"):
        ws.confirm("customer", [wanted])
    number = len(pairs(ws, "customer"))
    assert ws.confirm("customer", [wanted], take_over=True, first="bc") == 1
    assert wanted in pairs(ws, "customer")
    assert len(pairs(ws, "customer")) == number - 1, "two couplings with deleted halves become one"
    ws.undo()
    assert {first, second} <= pairs(ws, "customer")


def test_a_row_outside_the_filter_is_not_gone(desk: Desk) -> None:
    ws = desk.workspace
    first, second = sorted(pairs(ws, "customer"))[:2]
    ws.uncouple("customer", [second])
    desk.change("dv", "accounts", first[1], statecode=1, statuscode=2)
    ws.pull()
    assert first[1] in set(ws.snapshot["customer"].outside("dv")["id"])
    with pytest.raises(AlreadyCoupled):
        ws.confirm("customer", [(first[0], second[1])], take_over=True)


def test_skipped_pairs_are_shown_and_retried(desk: Desk) -> None:
    ws = desk.workspace
    pair = sorted(pairs(ws, "customer"))[0]
    for _ in range(2):
        run = ws.ledger.begin_run("plan", "f", by="t", at=NOW)
        refused = Outcome("c1", "customer", "update", "dv", *pair, "Adatum", "failed", "no such city", 400)
        ws.ledger.settle(run, refused, at=NOW, by="t")
    assert list(ws.skipped()["bc_id"]) == [pair[0]]
    assert ws.skipped("item").empty
    assert ws.retry("customer", [pair]) == 1
    assert ws.skipped().empty
    assert ws.retry("customer") == 0
    with pytest.raises(UnknownKind):
        ws.retry("customers")


def test_undo_takes_a_batch_of_the_log(desk: Desk) -> None:
    ws = desk.workspace
    first, second = sorted(pairs(ws, "customer"))[:2]
    ws.uncouple("customer", [first])
    batch = ws.ledger.decisions(last=1)[0].batch
    ws.uncouple("item", [sorted(pairs(ws, "item"))[0]])
    assert ws.undo(batch)[0].batch == batch
    assert first in pairs(ws, "customer")
    with pytest.raises(NothingToUndo, match="taken back already"):
        ws.undo(batch)
    assert second in pairs(ws, "customer")


# ── Exchange ──────────────────────────────────────────────────────────────────────────────────────


def test_two_analysts_bring_their_work_together(desks: Desks, tmp_path: Path) -> None:
    ada, bob = desks(customers=20), desks(customers=20)
    for desk in (ada, bob):
        desk.workspace.pull()
    truth = sorted((b, d) for k, b, d in ada.sandbox.truth() if k == "customer")
    half = len(truth) // 2
    ada.workspace.confirm("customer", truth[:half], note="by name", first="dv")
    bob.workspace.confirm("customer", truth[half - 1 : half], note="by name", first="dv")
    bob.workspace.confirm("customer", truth[half:])
    assert ada.workspace.export_ledger(tmp_path / "ada.jsonl") == half
    tried = bob.workspace.import_ledger(tmp_path / "ada.jsonl", dry_run=True)
    assert tried.counts() == {"taken": half - 1, "here already": 1, "older": 0, "conflict": 0}
    assert len(pairs(bob.workspace, "customer")) == len(truth) - half + 1
    taken = bob.workspace.import_ledger(tmp_path / "ada.jsonl")
    assert str(taken) == f"{half - 1:,} taken, 1 here already"
    assert pairs(bob.workspace, "customer") == set(truth)
    assert len(bob.workspace.undo()) == half - 1, "what was taken is one act"
    bob.workspace.import_ledger(tmp_path / "ada.jsonl")
    bob.workspace.export_ledger(tmp_path / "bob.jsonl")
    ada.workspace.import_ledger(tmp_path / "bob.jsonl")
    ada.workspace.export_ledger(tmp_path / "ada.jsonl")
    assert (tmp_path / "ada.jsonl").read_bytes() == (tmp_path / "bob.jsonl").read_bytes()


def test_a_contradiction_is_named_and_nothing_is_taken(desks: Desks, tmp_path: Path) -> None:
    ws = desks(customers=20).workspace
    ws.pull()
    bc, dv = ws.snapshot["customer"].bc["id"], ws.snapshot["customer"].dv["id"]
    ws.confirm("customer", [(bc[0], dv[0]), (bc[1], dv[1])])
    ws.export_ledger(tmp_path / "a.jsonl")
    ws.undo()
    ws.confirm("customer", [(bc[0], dv[2])])
    with pytest.raises(LedgerError, match=rf"(?s)Line \d .*{dv[2]}.*Nothing was taken.*--dry-run"):
        ws.import_ledger(tmp_path / "a.jsonl")
    assert pairs(ws, "customer") == {(bc[0], dv[2])}
    assert len(ws.import_ledger(tmp_path / "a.jsonl", dry_run=True).conflicts) == 1


def test_an_export_does_not_take_the_place_of_the_ledger(desk: Desk) -> None:
    ledger = desk.workspace.folder.path / "ledger.db"
    before = pairs(desk.workspace, "customer")
    with pytest.raises(SettingsError, match="is a database"):
        desk.workspace.export_ledger(ledger)
    assert pairs(desk.workspace, "customer") == before


def test_a_wrong_id_is_named_with_its_side_and_pairs_exclude_a_band(desk: Desk) -> None:
    with pytest.raises(UnknownRecord, match=r"no customer C00970 in Business Central.*bc_id, dv_id"):
        desk.workspace.confirm("customer", [("C00970", "C00970")])
    with pytest.raises(SettingsError, match="Both pairs and a band"):
        desk.workspace.confirm("customer", [next(iter(pairs(desk.workspace, "customer")))], band="certain")


def test_a_file_of_other_kinds_or_no_file_is_named(desks: Desks, tmp_path: Path) -> None:
    ws = desks(customers=5).workspace
    line = {"kind": "customers", "verdict": "confirm", "bc_id": "A", "dv_id": "X", "by": "Ada", "at": NOW.isoformat()}
    (tmp_path / "a.jsonl").write_text(json.dumps(line))
    with pytest.raises(SettingsError, match="Line 1 .*“customers”"):
        ws.import_ledger(tmp_path / "a.jsonl")
    for act in (ws.import_ledger, ws.export_ledger):
        with pytest.raises(SettingsError, match="cannot be"):
            act(tmp_path / "no" / "such" / "file")
    with pytest.raises(SettingsError, match="cannot be written"):
        ws.export_ledger(tmp_path)
    assert not list(tmp_path.parent.glob(".*unfinished"))
