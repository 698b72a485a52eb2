"""A record that has another partner: moved here after a look, or taken over from one that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365kit.errors import AlreadyCoupled, LedgerError, UnknownRecord
from d365kit.nouns import Pair
from d365kit.review import Reviewing
from d365kit.widgets.review import Review
from d365kit.workspace import Workspace
from tests.helpers_match import NOW
from tests.helpers_review import Desk, small
from tests.test_review import show


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return small(tmp_path)


def couple(desk: Desk, bc: str, dv: str) -> None:
    desk.ledger.confirm("customer", [Pair(bc, dv)], by="ben", at=NOW)


def couplings(desk: Desk | Workspace) -> set[tuple[str, str]]:
    return set(desk.ledger.couplings("customer")[["bc_id", "dv_id"]].itertuples(index=False, name=None))


def test_a_candidate_that_is_taken_moves_and_one_undo_brings_all_back(desk: Desk) -> None:
    couple(desk, "b4", "d4")
    review = Reviewing(desk, "customer", bands=())
    before = show(review, "b3")
    assert before["candidates"][0]["switch"] == "move"
    assert "by ben" in before["candidates"][0]["conflicts"][0]["text"]
    with pytest.raises(AlreadyCoupled, match="Press m to move"):
        review.confirm("d4")
    look = review.switch("d4")
    assert (look.way, look.held, look.pair) == ("move", (("b4", "d4"),), ("b3", "d4"))
    assert "by ben" in look.ends[0]
    assert "Tailspin Toys is then without partner" in look.ends[0]
    assert review.move("d4", note="by phone", first="bc") == (
        "ws.move('customer', [('b3', 'd4')], note='by phone', first='bc')"
    )
    assert couplings(desk) == {("b3", "d4")}
    assert desk.ledger.decisions()[-1].first == "bc"
    assert review.made == {"move": 1}
    assert "1 moved" in review.end()["text"]
    last = review.acts.last()[0]
    assert (last["word"], last["what"], last["by"]) == ("moved", "Tailspin ↔ Tailspin Toys", "anna")
    assert show(review, "b4")["state"] == "open"
    assert review.undo() == "ws.undo(batch=2)"
    assert couplings(desk) == {("b4", "d4")}
    assert review.made["move"] == 0
    after = show(review, "b3")
    # Who coupled it and when is what it was; the undo was somebody else's.
    assert after["candidates"] == before["candidates"]


def test_the_record_itself_moves_to_another_candidate(desk: Desk) -> None:
    couple(desk, "b1", "d9")
    review = Reviewing(desk, "customer", bands=(), state="all")
    card = show(review, "b1")
    assert "coupled to Left Over in Sales by ben" in card["taken"]
    assert [(c["id"], c["switch"]) for c in card["candidates"]] == [("d1", "move"), ("d9", "")]
    with pytest.raises(AlreadyCoupled, match="Move it with m"):
        review.confirm("d1")
    with pytest.raises(LedgerError, match="coupled to each other already"):
        review.move("d9")
    assert review.move("d1") == "ws.move('customer', [('b1', 'd1')])"
    assert couplings(desk) == {("b1", "d1")}
    show(review, "b2")
    with pytest.raises(LedgerError, match="Neither"):
        review.move("d2")
    with pytest.raises(UnknownRecord):
        review.move("nothing")
    review.try_out("h1")
    assert review.card()["candidates"][-1]["switch"] == ""


def test_a_partner_that_is_gone_is_taken_over(desk: Desk) -> None:
    couple(desk, "deleted", "d4")
    couple(desk, "b4", "gone")
    review = Reviewing(desk, "customer", bands=(), state="all")
    assert show(review, "b4")["candidates"][0]["switch"] == "take over"
    look = review.switch("d4")
    assert look.way == "take over"
    assert ["gone from the snapshot" in line for line in look.ends] == [True, True]
    assert review.move("d4") == "ws.confirm('customer', [('b4', 'd4')], take_over=True)"
    assert couplings(desk) == {("b4", "d4")}
    assert review.acts.last()[0]["word"] == "moved"
    review.undo()
    assert couplings(desk) == {("b4", "gone"), ("deleted", "d4")}


def test_two_living_partners_are_not_torn_from_each_other(desk: Desk) -> None:
    couple(desk, "b3", "d9")
    couple(desk, "b4", "d4")
    review = Reviewing(desk, "customer", bands=(), state="all")
    assert show(review, "b3")["candidates"][0]["switch"] == ""
    with pytest.raises(AlreadyCoupled, match="Both records have another partner"):
        review.move("d4")
    assert couplings(desk) == {("b3", "d9"), ("b4", "d4")}


def test_only_what_was_looked_at_is_ended(desk: Desk) -> None:
    couple(desk, "b4", "d4")
    review, sent = Review(desk, "customer", bands=()), []
    review.send = lambda content, buffers=None: sent.append(content)
    show(review.session, "b3")
    review._take(review, {"op": "move", "id": "d4"})
    assert "Press m to look first" in sent[-1]["error"]
    review._take(review, {"op": "switch", "id": "d4"})
    assert sent[-1]["way"] == "move"
    other = desk.beside("cyd")
    other.move("customer", [Pair("b5", "d4")])
    review._take(review, {"op": "move", "id": "d4"})
    assert "has changed meanwhile" in sent[-1]["error"]
    assert couplings(desk) == {("b5", "d4")}
    assert any("cyd moved 1 pair elsewhere." in n for n in sent[-1]["news"])
    review._take(review, {"op": "switch", "id": "d4"})
    review._take(review, {"op": "move", "id": "d4"})
    assert couplings(desk) == {("b3", "d4")}


def test_first_synchronisation_reaches_the_ledger(desk: Desk) -> None:
    review, sent = Review(desk, "customer", bands=("certain", "likely")), []
    review.send = lambda content, buffers=None: sent.append(content)
    review._take(review, {"op": "hello"})
    assert [d["id"] for d in sent[-1]["start"]["directions"]] == ["", "bc", "dv"]
    review._take(review, {"op": "confirm", "id": None, "first": "dv"})
    review._take(review, {"op": "confirm", "id": None, "first": ""})
    review._take(review, {"op": "batch", "first": "bc"})
    assert "first='bc'" in sent[-1]["code"]
    assert [d.first for d in desk.ledger.decisions()] == ["dv", "", "bc", "bc", "bc"]
    assert sorted(desk.ledger.couplings("customer")["first"]) == ["", "bc", "bc", "bc", "dv"]


def test_a_real_workspace_does_all_of_this(tmp_path: Path) -> None:
    with Workspace.demo(tmp_path / "ws", customers=30, progress=False) as ws:
        ws.pull(["currency", "payment_terms", "salesperson", "customer"])
        ws.propose("customer")
        review = Review(ws, "customer", bands=("certain",))
        assert review.session.takes_first
        one = review.current
        assert "first='dv'" in review.press("confirm", first="dv")
        assert ws.ledger.decisions()[-1].first == "dv"
        review.confirm_shown(first="bc")
        assert {d.first for d in ws.ledger.decisions()[1:]} == {"bc"}
        review.press("undo")
        # Another record takes the first one's partner, and one undo gives it back.
        before, partner = couplings(ws), one["candidates"][0]["id"]
        review.session.go(1)
        other = review.current["id"]
        assert other != one["id"]
        review.session.try_out(partner)
        line = review.press("move", record=partner)
        assert line == f"ws.move('customer', [('{other}', '{partner}')])"
        assert couplings(ws) == {(other, partner)}
        assert review.press("undo") == "ws.undo(batch=4)"
        assert couplings(ws) == before
