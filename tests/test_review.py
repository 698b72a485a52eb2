"""The rules of the review: what is shown, in which order, what stands in the way, and what a decision does."""

from __future__ import annotations

import doctest
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from d365kit.errors import AlreadyCoupled, LedgerError, NothingToUndo, SettingsError, UnknownRecord
from d365kit.nouns import Pair
from d365kit.review import Reviewing, code, pace, reasons, records
from tests.helpers_match import NOW
from tests.helpers_review import EMOJI, HOSTILE, LONG, Desk, pair, small


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return small(tmp_path)


def names(review: Reviewing) -> list[str]:
    return [str(r["name"]) for r in review.window(0, 99)]


def show(review: Reviewing, record: str) -> dict:
    side = "bc" if record.startswith("b") else "dv"
    review.go_to(int(review.queue.entry_of[side][review.queue.records[side].row_of(record)]))
    card = review.card()
    assert card is not None
    return card


def codes(conflicts: object) -> list[str]:
    return [c["code"] for c in conflicts]  # type: ignore[attr-defined, union-attr]


@pytest.mark.parametrize("module", [code, pace, reasons, records])
def test_examples(module) -> None:
    assert doctest.testmod(module).failed == 0


# --- the queue ---


def test_a_review_begins_with_what_is_in_doubt_the_most_valuable_first(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    assert names(review)[:4] == ["Contoso GmbH", "Tailspin", "Tailspin Toys", names(review)[3]]
    assert review.filter_.bands == ("likely", "unsure")
    assert review.filter_.order == "value"
    assert "balance" in review.facets()["orders"][0]["title"]


def test_every_record_without_partner_is_in_the_queue_once(desk: Desk) -> None:
    review = Reviewing(desk, "customer", state="all", bands=())
    ids = [review.queue.records[review.queue.side_of(e)].id_of(int(review.queue.row[e])) for e in review.view]
    assert sorted(ids) == ["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "d2", "d3", "d5", "d9"]


def test_a_row_of_dataverse_waits_while_a_record_may_still_take_it(desk: Desk) -> None:
    review = Reviewing(desk, "customer", state="all", bands=())
    assert show(review, "d2")["state"] == "waiting for another record"
    show(review, "b2")
    review.confirm("d3")
    assert show(review, "d2")["state"] == "open"
    assert show(review, "d3")["state"] == "coupled"
    assert show(review, "d9")["state"] == "waiting for another record"
    review.undo()
    assert show(review, "d2")["state"] == "waiting for another record"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"bands": ["certain"]}, {"Fabrikam Ltd", "Litware"}),
        ({"bands": [], "reason": "tie"}, {"Contoso GmbH"}),
        ({"bands": [], "place": "Bath"}, {"Nobody Home"}),
        ({"bands": [], "text": "KOLN"}, {"Contoso GmbH"}),
        ({"bands": [], "text": "muller"}, {EMOJI}),
        ({"bands": [], "text": "fabrikam gb1"}, {"Fabrikam Ltd"}),
        ({"bands": [], "text": "no such thing"}, set()),
        ({"bands": ["only in Sales"]}, {"Only In Sales"}),
    ],
)
def test_filters(desk: Desk, conditions: dict, expected: set) -> None:
    review = Reviewing(desk, "customer")
    review.filter(**conditions)
    assert {n.replace("<U+200D>", "\u200d") for n in names(review)} == expected


@pytest.mark.parametrize(
    ("order", "first"), [("doubt", "Contoso GmbH"), ("sure", "Fabrikam Ltd"), ("value", "Contoso GmbH")]
)
def test_orders(desk: Desk, order: str, first: str) -> None:
    review = Reviewing(desk, "customer", bands=())
    review.filter(order=order)
    assert names(review)[0] == first


def test_an_unknown_filter_says_which_there_are(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    for wrong in ({"bands": ["sure"]}, {"colour": "red"}, {"order": "size"}, {"state": "done"}):
        with pytest.raises(SettingsError, match=r"There is no .*\. .*:"):
            review.filter(**wrong)


# --- the card ---


def test_a_card_compares_field_by_field(desk: Desk) -> None:
    card = show(Reviewing(desk, "customer"), "b1")
    assert json.loads(json.dumps(card)) == card
    field = {f["name"]: n for n, f in enumerate(card["fields"])}
    best = card["candidates"][0]
    assert best["cells"][field["name"]] == {
        "s": "≈", "m": [["Fabrikam L", 0], ["td", 1]], "p": [["Fabrikam L", 0], ["imited", 1]]
    } or best["cells"][field["name"]]["s"] == "≈"  # fmt: skip
    assert best["cells"][field["number"]] == {"s": "="}
    assert best["cells"][field["vat_number"]] == {"none": "not kept here"}
    assert card["fields"][field["balance"]]["t"] == "900.00"
    assert best["cells"][field["currency"]]["s"] == "?"
    assert card["fields"][field["currency"]]["coupled"] is False
    assert (best["band"], best["chance"], best["settles"]) == ("certain", "99.5 %", "VAT number in Sales")
    assert best["runner_up"].startswith("Other Ltd")
    assert card["selected"] == 0
    desk.ledger.confirm("currency", [Pair("eur-b", "eur-d")], by="x", at=NOW)
    review = Reviewing(desk, "customer")
    card = show(review, "b1")
    assert card["candidates"][0]["cells"][field["currency"]] == {"t": "Euro", "coupled": True, "s": "="}
    assert codes(card["conflicts"]) == []


def test_what_is_at_stake_is_exact(desk: Desk) -> None:
    # With the twelve decimals that a snapshot keeps, this amount as a float would be 5,564.0599999999995.
    amounts = [Decimal("5564.060000000000"), Decimal("-4043.05"), None]
    desk.snapshot["customer"].side("bc").loc[[0, 1, 2], "balance"] = amounts
    review = Reviewing(desk, "customer", bands=())
    assert show(review, "b1")["stake"] == "balance 5,564.06"
    assert show(review, "b2")["stake"] == "balance 4,043.05"
    assert show(review, "b3")["stake"] == ""
    assert show(review, "b8")["stake"] == "balance 70.00"


def test_capitals_do_not_hide_what_is_alike(tmp_path: Path) -> None:
    from d365kit.review.card import _pieces

    assert _pieces("Brantec Emballage A/S", "BRANTEC EMBALLAGE AS") == (
        [["Brantec Emballage A", 0], ["/", 1], ["S", 0]], [["BRANTEC EMBALLAGE AS", 0]]
    )  # fmt: skip
    assert _pieces("Contoso", "Litware") == ([["Contoso", 0]], [["Litware", 0]])


def test_missing_is_named(desk: Desk) -> None:
    card = show(Reviewing(desk, "customer"), "b2")
    field = {f["name"]: n for n, f in enumerate(card["fields"])}
    assert card["candidates"][1]["cells"][field["number"]] == {"none": "missing"}


def test_why_shows_the_bars(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    show(review, "b1")
    why = review.why("d1")
    assert [s["step"] for s in why["steps"]][-1] == "all together"
    assert {"name", "city"} <= {s["step"] for s in why["steps"]}
    assert "99.5 %" in why["text"]
    review.try_out("d5")
    with pytest.raises(SettingsError, match="no evidence"):
        review.why("d5")


def test_hostile_values_stay_text_and_short(desk: Desk) -> None:
    card = show(Reviewing(desk, "customer"), "b6")
    field = {f["name"]: f for f in card["fields"]}
    assert card["name"] == HOSTILE
    assert "\u202e" not in json.dumps(card, ensure_ascii=False)
    assert "<U+202E>" in field["city"]["t"]
    assert len(field["address_line1"]["t"]) < 240
    assert f"({len(LONG):,} characters)" in field["address_line1"]["t"]


# --- what stands in the way ---


def test_a_tie_selects_nobody(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    card = show(review, "b2")
    assert card["selected"] is None
    assert "tie" in codes(card["conflicts"])
    with pytest.raises(LedgerError, match="No candidate is selected"):
        review.confirm()
    assert desk.calls == []
    review.confirm("d3")
    assert desk.ledger.partner("customer", "bc", "b2") == "d3"


def test_two_want_the_same_one_and_both_are_shown(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    wanted = show(review, "b3")["candidates"][0]["conflicts"]
    assert codes(wanted) == ["wanted"]
    assert "Tailspin Toys" in wanted[0]["others"][0]["name"]
    assert wanted[0]["others"][0]["given"]
    show(review, "b4")
    review.confirm()
    taken = show(review, "b3")["candidates"][0]["conflicts"]
    assert codes(taken) == ["taken"]
    assert "Tailspin Toys in Business Central by anna" in taken[0]["text"]
    assert "line 1 of the ledger" in taken[0]["text"]
    with pytest.raises(AlreadyCoupled, match="by anna"):
        review.confirm("d4")


def test_a_prerequisite_is_named_and_does_not_stop(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    card = show(review, "b1")
    assert "Not coupled yet: currency EUR" in card["conflicts"][0]["text"]
    review.confirm()
    assert desk.ledger.partner("customer", "bc", "b1") == "d1"


def test_what_the_filter_hides_is_found_and_refused(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    show(review, "b5")
    hits = review.search("hidden")["hits"]
    assert hits[0]["outside"] == "inactive"
    review.try_out("h1")
    with pytest.raises(LedgerError, match="inactive"):
        review.confirm("h1")
    with pytest.raises(UnknownRecord):
        review.try_out("nothing")


def test_search_goes_over_the_whole_other_side_and_marks_the_coupled(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    show(review, "b8")
    review.confirm()
    show(review, "b5")
    assert [h["id"] for h in review.search("litware")["hits"]] == ["d8"]
    assert "Litware" in review.search("litware")["hits"][0]["taken"]
    assert [h["id"] for h in review.search("only")["hits"]] == ["d5"]
    review.try_out("d5")
    assert review.card()["candidates"][-1]["searched"]
    assert review.confirm() == "ws.confirm('customer', [('b5', 'd5')])"
    assert review.search("   ") == {"words": "   ", "n": 0, "hits": [], "side_name": "Sales"}


def test_rejected_before_is_said(desk: Desk) -> None:
    desk.ledger.reject("customer", [Pair("b4", "d4", fingerprint="older")], by="x", at=NOW)
    desk.ledger.reject("customer", [Pair("b7", "d7", fingerprint="f-b7-d7")], by="x", at=NOW)
    review = Reviewing(desk, "customer")
    assert "has changed since" in show(review, "b4")["candidates"][0]["conflicts"][0]["text"]
    card = show(review, "b7")
    assert card["state"] == "none of these"
    assert codes(card["candidates"][0]["conflicts"]) == ["rejected"]
    assert card["selected"] is None


# --- deciding ---


def test_each_decision_goes_to_the_ledger_at_once_and_says_its_line(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    show(review, "b1")
    line = review.confirm(note="by phone", first="dv")
    assert line == "ws.confirm('customer', [('b1', 'd1')], note='by phone', first='dv')"
    last = desk.ledger.decisions()[-1]
    assert (last.score, last.band, last.fingerprint, last.note) == (15.0, "certain", "f-b1-d1", "by phone")
    assert last.first == "dv"
    assert [e["field"] for e in last.evidence] == ["name", "city"]
    show(review, "b2")
    assert review.none() == "ws.reject('customer', [('b2', 'd2'), ('b2', 'd3')])"
    show(review, "b4")
    assert review.defer() == "ws.defer('customer', [('b4', '')])"
    show(review, "b5")
    assert review.create() == "ws.create('customer', [('b5', '')])"
    assert show(review, "b4")["state"] == "deferred"
    assert show(review, "b5")["state"] == "to be created"
    assert show(review, "b2")["state"] == "none of these"
    assert [a["word"] for a in review.acts.last()] == ["to be created", "deferred", "none of these", "confirmed"]
    assert review.made == {"confirm": 1, "reject": 1, "defer": 1, "create": 1}
    with pytest.raises(LedgerError, match="no candidate to say no to"):
        review.none()


def test_undo_shows_the_record_again_and_restores_it(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    before = [show(review, r) for r in ("b1", "b2", "b4", "d9", "d2")]
    show(review, "b1")
    review.confirm()
    show(review, "b2")
    review.none()
    assert "undo(batch=2)" in review.undo()
    assert review.card()["id"] == "b2"
    review.undo()
    assert review.card()["id"] == "b1"
    after = [show(review, r) for r in ("b1", "b2", "b4", "d9", "d2")]
    keep = lambda cards: [{k: v for k, v in c.items() if k not in ("at", "of")} for c in cards]  # noqa: E731
    assert keep(after) == keep(before)
    with pytest.raises(NothingToUndo):
        review.undo()
    assert review.made["confirm"] == 0


def test_after_a_restart_everything_is_there_and_can_be_undone(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    show(review, "b1")
    review.confirm()
    again = Reviewing(desk.beside("anna"), "customer")
    assert show(again, "b1")["state"] == "coupled"
    assert again.acts.last()[0]["what"] == "Fabrikam Ltd ↔ Fabrikam Limited"
    again.undo()
    assert again.card()["id"] == "b1"
    assert desk.ledger.partner("customer", "bc", "b1") is None


def test_a_large_batch_taken_back_hides_no_act_before_it(tmp_path: Path) -> None:
    from tests.helpers_match import snapshot
    from tests.helpers_review import Proposals, customer

    some = range(200)
    snap = snapshot(customer=([customer(f"b{n}", f"N{n}") for n in some], [customer(f"d{n}", f"N{n}") for n in some]))
    rows = [pair(f"b{n}", f"d{n}") for n in some]
    desk = Desk(tmp_path / "l.db", snap, Proposals.from_rows("customer", snap.id, 0, rows))
    review = Reviewing(desk, "customer")
    review.confirm()
    review.confirm_shown()
    review.undo()
    assert [a["what"] for a in Reviewing(desk, "customer").acts.last()] == ["N0 ↔ N0"]


def test_a_review_of_an_older_snapshot_decides_nothing(desk: Desk) -> None:
    from dataclasses import replace

    review = Reviewing(desk, "customer")
    show(review, "b1")
    desk.snapshot = replace(desk.snapshot, id="newer")
    with pytest.raises(LedgerError, match="pulled anew"):
        review.confirm()
    assert desk.calls == []


def test_what_apply_coupled_is_not_taken_back_here(desk: Desk) -> None:
    desk.ledger.confirm("customer", [Pair("b1", "d1")], by="x", at=NOW, run="r1")
    review = Reviewing(desk, "customer")
    assert not review.acts.last()[0]["reversible"]
    with pytest.raises(NothingToUndo):
        review.undo()
    with pytest.raises(LedgerError, match="run r1 of apply"):
        review.undo(1)
    assert len(desk.ledger.couplings("customer")) == 1


def test_any_of_the_last_acts_can_be_taken_back(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    for record in ("b1", "b4", "b7"):
        show(review, record)
        review.confirm()
    middle = review.acts.last()[1]
    assert "Tailspin Toys" in middle["what"]
    review.undo(middle["batch"])
    assert desk.ledger.partner("customer", "bc", "b4") is None
    assert desk.ledger.partner("customer", "bc", "b7") == "d7"
    assert [a["what"] for a in review.acts.last()][1] == "Fabrikam Ltd ↔ Fabrikam Limited"


def test_what_another_tab_decides_is_noticed_and_not_overwritten(desk: Desk) -> None:
    one, other = Reviewing(desk, "customer"), Reviewing(desk.beside("ben"), "customer")
    show(one, "b4")
    show(other, "b3")
    other.confirm("d4")
    with pytest.raises(AlreadyCoupled, match="Tailspin in Business Central by ben"):
        one.confirm()
    assert show(one, "b3")["state"] == "coupled"
    assert show(one, "b4")["candidates"][0]["blocked"]
    show(one, "b3")
    with pytest.raises(AlreadyCoupled, match="by ben"):
        one.none()
    other.undo()
    assert one.follow() == ["ben took back 1 pair elsewhere."]
    assert show(one, "b4")["selected"] == 0
    assert len(desk.ledger.couplings("customer")) == 0


def test_following_line_by_line_gives_what_reading_anew_gives(desk: Desk) -> None:
    review, random = Reviewing(desk, "customer", state="all", bands=()), np.random.default_rng(3)
    for _ in range(120):
        review.go(int(random.integers(0, len(review.view))))
        act = random.choice(["confirm", "none", "defer", "create", "undo", "any"])
        try:
            if act == "any":
                review.confirm(str(random.choice([c["id"] for c in review.card()["candidates"]])))
            else:
                getattr(review, act)()
        except (LedgerError, ValueError):
            pass
        fresh = Reviewing(desk, "customer", state="all", bands=())
        assert review.state.of.tolist() == fresh.state.of.tolist()
        assert review.state.refused.tolist() == fresh.state.refused.tolist()


# --- batches ---


def test_a_batch_is_looked_at_first_and_undone_at_once(desk: Desk) -> None:
    review = Reviewing(desk, "customer")
    review.filter(bands=["certain", "likely"])
    look = review.look()
    assert look.summary()["text"].startswith("5 pairs, lowest probability 60.0 %, 1 with a conflicting number")
    assert look.window(0, 1)[0]["conflict"]
    line = review.confirm_shown(["b8"], note="batch")
    assert line.startswith("ws.confirm('customer', [(")
    assert len(desk.ledger.couplings("customer")) == 4
    assert desk.ledger.partner("customer", "bc", "b8") is None
    assert review.progress()["done"] == 4
    review.undo()
    assert len(desk.ledger.couplings("customer")) == 0


def test_a_batch_takes_no_tie_and_nothing_that_is_taken(desk: Desk) -> None:
    review = Reviewing(desk, "customer", bands=())
    desk.beside("ben").confirm("customer", [Pair("b3", "d4")])
    review.confirm_shown()
    coupled = dict(desk.ledger.couplings("customer")[["bc_id", "dv_id"]].itertuples(index=False))
    assert coupled == {"b1": "d1", "b3": "d4", "b6": "d6", "b7": "d7", "b8": "d8"}
    with pytest.raises(LedgerError, match="No open pair"):
        review.confirm_shown()


def test_a_large_batch_is_told_by_its_filter(tmp_path: Path) -> None:
    from tests.helpers_match import snapshot
    from tests.helpers_review import Proposals, customer

    some = range(30)
    snap = snapshot(customer=([customer(f"b{n}", f"N{n}") for n in some], [customer(f"d{n}", f"N{n}") for n in some]))
    rows = [pair(f"b{n}", f"d{n}") for n in some]
    review = Reviewing(Desk(tmp_path / "l.db", snap, Proposals.from_rows("customer", snap.id, 0, rows)), "customer")
    review.filter(bands=["likely"], text="n")
    line = review.confirm_shown(["b3"])
    assert line == ("ws.review('customer').filter(bands=('likely',), text='n').confirm_shown(leave_out=['b3'])")


# --- the end ---


def test_the_end_says_what_was_done_and_what_is_unlocked(desk: Desk) -> None:
    desk.ledger.confirm("currency", [Pair("eur-b", "eur-d")], by="x", at=NOW)
    review = Reviewing(desk, "customer")
    show(review, "b1")
    review.confirm()
    while review.entry is not None:
        review.defer()
    assert review.card() is None
    end = review.end()
    assert end["text"].startswith("Finished: 1 confirmed, 0 rejected, ")
    assert end["unlocks"][0]["text"].startswith("Contacts: 2 refer to what is coupled now, 1 of them have all")
    assert 'ws.propose("contact")' in end["next"]
    with pytest.raises(LedgerError, match="looked through"):
        review.defer()


def test_pace(desk: Desk) -> None:
    ticks = iter(range(0, 1000, 10))
    review = Reviewing(desk, "customer", clock=lambda: next(ticks))
    for _ in range(5):
        review.defer()
    assert review.progress()["pace"].startswith("6 a minute")


@pytest.mark.parametrize("rows", [[], [pair("gone", "d1")], [pair("b1", "d1", score=None, probability=None)]])
def test_odd_proposals_open(tmp_path: Path, rows: list) -> None:
    desk = small(tmp_path, rows or [pair("b1", None, band="nothing found", chosen=False, rank=None)])
    review = Reviewing(desk, "customer", bands=(), state="all")
    assert review.facets()
    assert review.look().summary()["text"]
    json.dumps([review.card(), review.end()], allow_nan=False)
