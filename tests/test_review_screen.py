"""The review on the screen, in Chromium without Jupyter: the real widget behind a fake model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from d365kit.errors import LedgerError, SettingsError
from d365kit.nouns import Pair
from d365kit.widgets.review import Review
from tests.helpers_browser import Stage, chromium
from tests.helpers_match import NOW
from tests.helpers_review import HOSTILE, Desk, small
from tests.test_report_page import CONTRAST

Open = Callable[..., Stage]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return small(tmp_path)


@pytest.fixture
def opened(browser, desk: Desk) -> Iterator[Open]:
    """Open a screen; at the end, its page must have had no error and asked for nothing from outside."""
    stages: list[Stage] = []

    def make(*, beside: str = "", size: dict | None = None, **conditions: object) -> Stage:
        owner = desk.beside(beside) if beside else desk
        stages.append(Stage(browser, Review(owner, "customer", **conditions), **(size or {})))
        return stages[-1]

    yield make
    for stage in stages:
        assert stage.wrong == []
        assert stage.page.evaluate("window.hit") == 0
        stage.page.close()


def couplings(desk: Desk) -> dict[str, str]:
    return dict(desk.ledger.couplings("customer")[["bc_id", "dv_id"]].itertuples(index=False))


# --- without a browser ---


def test_the_messages_are_plain_json_and_small(desk: Desk) -> None:
    review, sent = Review(desk, "customer", bands=()), []
    review.send = lambda content, buffers=None: sent.append(content)
    for message in (
        {"op": "hello"}, {"op": "rows", "a": 0, "b": 40, "v": 2}, {"op": "go", "at": 1},
        {"op": "confirm", "id": None}, {"op": "none"},
        {"op": "search", "q": "litware"}, {"op": "look"}, {"op": "look_rows", "a": 0, "b": 9}, {"op": "undo"},
        {"op": "defer", "note": "x"}, {"op": "go", "at": 99}, {"op": "nonsense"}, {"op": "look_around"},
    ):  # fmt: skip
        review._handle_custom_msg(message, [])
    assert len(sent) == 11
    assert all(len(json.dumps(m, allow_nan=False)) < 15_000 for m in sent)


def test_keys_by_code(desk: Desk) -> None:
    review = Review(desk, "customer", bands=("likely",))
    first = review.current
    assert review.press("confirm", note="seen") == (
        f"ws.confirm('customer', [('{first['id']}', '{first['candidates'][0]['id']}')], note='seen')"
    )
    assert review.press("undo") == "ws.undo(batch=1)"
    assert review.current["id"] == first["id"]
    assert review.press("reject").startswith("ws.reject(")
    assert "looked through" in [review.press("defer") for _ in range(4)][-1]
    assert review.current is None
    with pytest.raises(SettingsError, match="no key"):
        review.press("merge")
    assert review.filter(bands=["certain"]).confirm_shown(["b8"]).startswith("ws.confirm(")
    assert couplings(desk) == {"b1": "d1"}


def test_a_saved_notebook_has_a_summary(desk: Desk) -> None:
    review = Review(desk, "customer", bands=(), text="img")
    review.press("confirm")
    found = review._repr_mimebundle_()
    data = found[0] if isinstance(found, tuple) else found
    assert "1 done" in data["text/plain"]
    assert repr(review) == data["text/plain"]
    assert "<img" not in data["text/html"]
    assert "&lt;img" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_failure_of_the_kit_frees_the_screen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    review, sent = Review(desk, "customer"), []
    review.send = lambda content, buffers=None: sent.append(content)
    monkeypatch.setattr(review.session, "defer", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        review._take(review, {"op": "defer"})
    assert "went wrong (ZeroDivisionError)" in sent[-1]["error"]


def test_a_ledger_that_refuses_is_said_and_nothing_is_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    review, sent = Review(desk, "customer", bands=("likely",)), []
    review.send = lambda content, buffers=None: sent.append(content)
    first = review.current

    def locked(*_: object, **__: object) -> int:
        raise LedgerError("The ledger is locked by another program.", "Close it, then try again.")

    with monkeypatch.context() as patch:
        patch.setattr(desk, "confirm", locked)
        review._take(review, {"op": "confirm", "note": "mine"})
    assert sent[-1]["error"] == "The ledger is locked by another program. Close it, then try again."
    assert "decided" not in sent[-1]
    assert review.current == first
    review._take(review, {"op": "confirm", "note": "mine"})
    assert sent[-1]["decided"]
    assert [d.note for d in desk.ledger.decisions()] == ["mine"]


# --- in a browser ---


@pytest.mark.browser
def test_decide_by_keyboard_only(desk: Desk, opened: Open) -> None:
    stage = opened()
    assert "Contoso GmbH" in stage.text(".own .name")
    stage.press("2", "y")
    assert couplings(desk) == {"b2": "d3"}
    assert "ws.confirm('customer', [('b2', 'd3')])" in stage.text(".code")
    assert "1 done · 4 left" in stage.text(".status")
    stage.press("n", " ")
    assert [c[0] for c in desk.calls] == ["confirm", "reject", "defer"]
    stage.press("j", "k", "x", "a")
    assert len(desk.calls) == 5


@pytest.mark.browser
def test_decide_by_mouse_and_keep_the_keys(desk: Desk, opened: Open) -> None:
    stage = opened()
    page = stage.page
    page.get_by_role("radio", name="Candidate 1: Contoso").click()
    page.get_by_role("button", name="Confirm").click()
    stage.settle()
    assert couplings(desk) == {"b2": "d2"}
    # A click leaves the keys with the box: the space bar puts off, and does not click again.
    page.keyboard.press(" ")
    stage.settle()
    assert desk.calls[-1][0] == "defer"
    page.locator(".acts").get_by_role("button", name="Undo: confirmed").click()
    stage.settle()
    assert couplings(desk) == {}
    assert "Contoso GmbH" in stage.text(".own .name")
    page.locator(".row[data-at='3'] .entry").click()
    stage.settle()
    assert "Record 4 of 5" in page.locator("[aria-live=polite].hush").inner_text()


@pytest.mark.browser
def test_undo_shows_the_record_again(desk: Desk, opened: Open) -> None:
    stage = opened()
    stage.press("1", "y", "n")
    stage.press("z")
    assert stage.text(".own .name") == "Tailspin"
    stage.press("Backspace")
    assert stage.text(".own .name") == "Contoso GmbH"
    assert couplings(desk) == {}
    stage.press("z")
    assert "No decision on Customers is left to take back" in stage.text(".banner")


@pytest.mark.browser
def test_a_held_key_decides_once(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("likely",))
    stage.box.focus()
    for _ in range(4):
        stage.page.keyboard.down("y")  # down again without up is a repeat
        stage.page.wait_for_timeout(200)
    stage.page.keyboard.up("y")
    assert len(desk.calls) == 1


@pytest.mark.browser
def test_a_hasty_key_decides_nothing_more(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("likely",))
    stage.page.evaluate("""async () => {
      const box = document.querySelector('.d365kit-review');
      const press = () => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'y', bubbles: true}));
      const name = () => box.querySelector('.own .name').textContent, was = name();
      for (let n = 0; n < 9; n++) press();
      while (name() === was) await new Promise((next) => setTimeout(next, 1));
      press(); // the next record has just been painted
    }""")
    stage.page.wait_for_timeout(400)
    assert len(desk.calls) == 1
    stage.press("y")
    assert len(desk.calls) == 2


@pytest.mark.browser
def test_keys_inside_inputs_and_with_modifiers_do_nothing(desk: Desk, opened: Open) -> None:
    stage = opened()
    stage.press("c")
    stage.page.keyboard.type("yes, any 1 j z")
    stage.page.keyboard.press("Enter")
    assert desk.calls == []
    assert "Comment ●" in stage.text(".tools")
    stage.press("Control+y", "2", "y")
    assert desk.calls == [("confirm", "customer", [("b2", "d3")], "yes, any 1 j z")]
    assert "yes, any 1 j z" in stage.text(".acts")
    assert "Comment ●" not in stage.text(".tools")


@pytest.mark.browser
def test_search_choose_and_confirm(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("nothing found",))
    assert "Nothing was found on the other side" in stage.text(".work")
    stage.press("/")
    stage.page.keyboard.type("only in")
    stage.page.locator(".hit[data-id=d5]").wait_for()
    stage.shot("search_light")
    stage.page.keyboard.press("Enter")
    stage.settle()
    assert "found by search" in stage.text(".work")
    stage.press("y")
    assert couplings(desk) == {"b5": "d5"}


@pytest.mark.browser
def test_conflicts_are_named(desk: Desk, opened: Open) -> None:
    desk.ledger.confirm("customer", [Pair("b4", "d4")], by="ben", at=NOW)
    stage = opened(bands=())
    stage.press("j", "j")
    assert "Taken: coupled to Tailspin Toys in Business Central by ben" in stage.text(".work")
    stage.shot("conflict_light")
    stage.press("1", "y")
    assert "cannot be chosen" in stage.text(".banner")
    assert couplings(desk) == {"b4": "d4"}


@pytest.mark.browser
def test_a_taken_record_can_be_moved_after_a_look(desk: Desk, opened: Open) -> None:
    desk.ledger.confirm("customer", [Pair("b4", "d4")], by="ben", at=NOW)
    stage = opened(bands=(), text="tailspin")
    page = stage.page
    assert page.get_by_role("button", name="Move here", exact=True).count() == 0, "nothing is selected"
    page.locator(".cand").get_by_role("button", name="Move here …").click()
    page.locator(".move li").wait_for()
    assert "Ends: Tailspin Toys in Sales ↔ Tailspin Toys in Business Central; coupled by ben" in stage.text(".move")
    stage.shot("move_light")
    page.keyboard.press("Escape")
    assert couplings(desk) == {"b4": "d4"}, "a look changes nothing"
    stage.press("m")
    page.locator(".move .act").wait_for()
    page.keyboard.press("Enter")
    stage.settle()
    assert couplings(desk) == {"b3": "d4"}
    assert "ws.move('customer', [('b3', 'd4')])" in stage.text(".code")
    assert "moved Tailspin ↔ Tailspin Toys" in stage.text(".acts")
    stage.press("z")
    assert couplings(desk) == {"b4": "d4"}
    assert "coupled to Tailspin Toys in Business Central by ben" in stage.text(".work")


@pytest.mark.browser
def test_a_partner_that_is_gone_gives_way(desk: Desk, opened: Open) -> None:
    desk.ledger.confirm("customer", [Pair("deleted", "d4")], by="ben", at=NOW)
    stage = opened(bands=(), text="tailspin toys")
    stage.press("1", "m")
    stage.page.locator(".move .act").wait_for()
    assert "deleted in Business Central, which is gone from the snapshot" in stage.text(".move")
    stage.page.get_by_role("button", name="Take over", exact=True).last.click()
    stage.settle()
    assert couplings(desk) == {"b3": "d4"}
    assert "take_over=True" in stage.text(".code")


@pytest.mark.browser
def test_two_want_the_same_one_and_one_click_shows_the_other(opened: Open) -> None:
    stage = opened()
    stage.press("j")
    stage.page.locator("[data-code=wanted] button").click()
    stage.settle()
    assert stage.text(".own .name") == "Tailspin Toys"


@pytest.mark.browser
def test_batch_with_a_look_and_one_undo(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("certain", "likely"))
    stage.press("b")
    stage.page.locator(".pairline").first.wait_for()
    assert "5 pairs, lowest probability 60.0 %, 1 with a conflicting number" in stage.text(".batch")
    stage.shot("batch_light")
    stage.page.get_by_role("checkbox", name="Confirm Litware with").uncheck()
    stage.page.get_by_role("button", name="Confirm 4 pairs").click()
    stage.settle()
    assert set(couplings(desk)) == {"b1", "b4", "b6", "b7"}
    assert "and 3 more" in stage.text(".acts")
    stage.press("z")
    assert couplings(desk) == {}


@pytest.mark.browser
def test_why(opened: Open) -> None:
    stage = opened(bands=("certain",))
    stage.press("w")
    stage.page.locator(".why .bar.for").first.wait_for()
    assert "All together: 99.5 %" in stage.text(".why")
    assert stage.page.locator(".why .bar.against").count() >= 1
    stage.shot("why_light")
    stage.press("w")
    assert stage.page.locator(".why").count() == 0


@pytest.mark.browser
def test_create_filter_and_same_reason(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("nothing found",))
    stage.press("e")
    assert desk.calls == [("create", "customer", [("b5", "")], "")]
    stage.page.get_by_role("button", name="likely 3").click()
    stage.page.get_by_label("Place").select_option("Wien")
    stage.settle()
    assert stage.page.locator(".row").count() == 1
    stage.press("s")
    assert stage.page.get_by_label("Reason").input_value() == "address"


@pytest.mark.browser
def test_the_end_is_told(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("likely",))
    stage.press("y", "n", " ")
    assert "Finished: 1 confirmed, 1 rejected, 1 deferred" in stage.text(".end")
    assert 'ws.review("customer", state="deferred")' in stage.text(".end")
    stage.shot("end_light")
    stage.press("y", "n", "j")
    assert len(desk.calls) == 3
    stage.page.get_by_role("button", name="Show the deferred (1)").click()
    stage.settle()
    assert "● deferred" in stage.text(".work")


@pytest.mark.browser
def test_a_decision_made_elsewhere_is_shown_and_not_overwritten(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("likely",))
    other = Review(desk.beside("ben"), "customer", bands=("likely",))
    other.press("defer")
    stage.press("y")
    assert "is deferred meanwhile, by a decision made elsewhere" in stage.text(".banner")
    assert couplings(desk) == {}
    assert "● deferred" in stage.text(".work")
    stage.press("y")
    assert len(couplings(desk)) == 1
    other.press("confirm")
    stage.page.wait_for_function("document.querySelector('.banner').textContent.includes('ben')", timeout=9000)


@pytest.mark.browser
def test_hostile_text_is_shown_and_harmless(opened: Open) -> None:
    stage = opened(bands=(), text="img")
    assert stage.text(".own .name") == HOSTILE
    assert stage.page.locator(".d365kit-review img, .d365kit-review script").count() == 0
    stage.press("w", "b")
    stage.page.locator(".pairline").first.wait_for()
    stage.press("y")
    assert HOSTILE[:40] in stage.text(".acts")
    stage.shot("hostile_light")


NAMELESS = """() => [...document.querySelector('.d365kit-review').querySelectorAll('button, input, select')]
  .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')?.textContent.trim()))
  .map((e) => e.outerHTML)"""


#: Words that stand on two lines, but for values, which may be one word of any length.
BROKEN = """() => [...document.querySelectorAll('.why caption, .why th, .why td:nth-child(n+4)')].flatMap((cell) => {
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), out = [];
  while (walk.nextNode()) for (const word of walk.currentNode.data.matchAll(/\\S+/g)) {
    const range = document.createRange();
    range.setStart(walk.currentNode, word.index);
    range.setEnd(walk.currentNode, word.index + word[0].length);
    if (new Set([...range.getClientRects()].map((r) => Math.round(r.top))).size > 1) out.push(word[0]);
  }
  return out;
})"""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 420])
def test_everyone_can_use_it(opened: Open, scheme: str, width: int) -> None:
    stage = opened(bands=(), size={"width": width, "dark": scheme == "dark"})
    page, name = stage.page, f"{scheme}_{width}"
    stage.press("2")
    stage.shot(f"card_{name}")
    stage.press("w")
    page.locator(".why .bar").first.wait_for()
    assert page.evaluate(BROKEN) == [], "words of the breakdown are cut in two"
    stage.shot(f"why_{name}")
    stage.press("w")
    for panel in ("?", "w", "b", "c", "/"):
        stage.press(panel)
        page.wait_for_timeout(100)
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(CONTRAST) == []
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # The keyboard gets in, through in the order of reading, and out.
    page.locator("#before").focus()
    order = []
    for _ in range(60):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if order[-1] == "after":
            break
    assert order[0] == "d365kit-review"
    assert order[-1] == "after"
    assert order.index("chip") < order.index("choose") < order.index("yes")
    assert page.evaluate("[...document.querySelectorAll('[role=radio][aria-checked=true]')].length") == 1


@pytest.mark.browser
def test_a_focused_button_works_by_space_and_enter(desk: Desk, opened: Open) -> None:
    stage = opened(bands=("likely",))
    stage.page.locator(".tools .no").focus()
    stage.page.keyboard.press(" ")
    stage.settle()
    assert [c[0] for c in desk.calls] == ["reject"]
    stage.page.keyboard.press("Enter")
    stage.settle()
    assert [c[0] for c in desk.calls] == ["reject", "reject"]


@pytest.mark.browser
def test_nothing_is_left_behind_when_the_cell_goes(opened: Open) -> None:
    stage = opened()
    stage.page.evaluate("window.stop()")
    assert stage.page.evaluate("heard.length") == 0
