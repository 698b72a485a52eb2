"""A review on the screen: messages of the browser → `review.Reviewing`, and what there is to show back.

No rule of the review is here, and none is in the script: both only carry. Rows are sent for what is in view.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Collection
from importlib import resources
from typing import Any

import anywidget
import pandas as pd

from d365kit.errors import D365KitError, LedgerError, SettingsError
from d365kit.kinds import SIDES
from d365kit.review import Batch, Reviewing, Sampling
from d365kit.review.desk import Desk
from d365kit.review.switch import Switch
from d365kit.show.plot import Plot
from d365kit.show.values import SIDE_NAMES

Message = dict[str, Any]
_FOLDER = resources.files("d365kit.widgets")
_SCRIPTS = ("1_dom.js", "2_list.js", "3_card.js", "4_panels.js", "4_sample.js", "5_review.js")
_STATES = (("open", "open"), ("deferred", "deferred"), ("decided", "decided"), ("all", "all"))
#: What `press` takes besides the names of the methods.
_VERDICTS = {"reject": "none"}


class Review(anywidget.AnyWidget):
    """Look through the proposals of one kind with the keyboard (docs/review.md); ``?`` lists the keys.

    ``conditions`` are those of `review.Filter`; without any it begins with what is in doubt. Every decision goes into
    the ledger at once and shows the line of code that does the same. `press`, `filter` and `confirm_shown` do by code
    what the screen does.
    """

    _esm = "\n".join((_FOLDER / "js" / name).read_text("utf-8") for name in _SCRIPTS)
    _css = (_FOLDER / "review.css").read_text("utf-8")

    def __init__(self, workspace: Desk, kind: str, *, session: Reviewing | None = None, **conditions: Any) -> None:
        super().__init__()
        self.session = session or Reviewing(workspace, kind, **conditions)
        #: The line of code of the last decision, or what was wrong with it.
        self.line = ""
        self._version = 1
        self._batch: Batch | None = None
        self._switch: Switch | None = None
        self._warm = False
        self.on_msg(self._take)

    # --- by code ---

    @property
    def current(self) -> dict[str, Any] | None:
        """The card on the screen (see `review.card.Cards`), or None at the end."""
        return self.session.card()

    def press(self, verdict: str, **more: Any) -> str:
        """Do what the key does: confirm, move, none (or reject), defer, create, undo.

        Returns the line of code, or what was wrong. ``more`` is what the session's method takes: ``record``,
        ``note``, ``first``, ``batch``.
        """
        name = _VERDICTS.get(verdict, verdict)
        if name not in ("confirm", "move", "none", "defer", "create", "undo"):
            raise SettingsError(
                f"There is no key “{verdict}”.", "Use one of: confirm, move, none, reject, defer, create, undo."
            )
        self._decide(lambda: getattr(self.session, name)(**more))
        return self.line

    def filter(self, **conditions: object) -> Review:
        """Look through what meets these conditions (`review.Filter`). Raises SettingsError for one there is not."""
        self.session.filter(**conditions)
        self._send_view()
        return self

    def confirm_shown(self, leave_out: Collection[str] = (), **more: Any) -> str:
        """Confirm all open pairs that the filter shows, but those of some BC records by id; returns the line of code.

        Raises LedgerError when there is none, AlreadyCoupled when one cannot be coupled; then none is.
        """
        self.line = self.session.confirm_shown(leave_out, **more)
        self._send_view()
        return self.line

    # --- the browser's messages ---

    def _take(self, _: object, message: Message, buffers: object = None) -> None:
        act: Callable[[Message], None] | None = getattr(self, f"_on_{message.get('op')}", None)
        if act is None:
            return
        try:
            act(message)
        except D365KitError as problem:
            self._refuse(str(problem))
        except Exception as problem:
            # The screen must not wait for ever; the log has the whole story.
            self._refuse(f"Something in d365kit went wrong ({type(problem).__name__}). Run the cell again.")
            raise

    def _on_hello(self, _: Message) -> None:
        self._send_view(start=self._start(), acts=self.session.acts.last())
        if not self._warm:
            # What a search looks into takes a second to make for a million records: not while somebody waits.
            self._warm = True
            threading.Thread(target=self._warm_up, daemon=True).start()

    def _warm_up(self) -> None:
        for side in SIDES:
            _ = self.session.queue.records[side].haystack

    def _on_rows(self, message: Message) -> None:
        if message.get("v") == self._version:
            a, b = int(message["a"]), int(message["b"])
            self.send({"op": "rows", "v": self._version, "a": a, "rows": self.session.window(a, b)})

    def _on_go(self, message: Message) -> None:
        self.session.go(int(message["at"]))
        self._show(news=self.session.follow())

    def _on_entry(self, message: Message) -> None:
        before = len(self.session.view)
        self.session.go_to(int(message["entry"]))
        if len(self.session.view) == before:
            self._show()
        else:
            self._send_view(facets=False)

    def _on_filter(self, message: Message) -> None:
        self.session.filter(**{k: v for k, v in message.items() if k != "op"})
        self._send_view()

    def _on_alike(self, _: Message) -> None:
        entry = self.session.entry
        if entry is not None:
            self.session.filter(reason=self.session.reason_of(entry))
            self._send_view()

    def _on_search(self, message: Message) -> None:
        words = str(message.get("q", ""))
        self.send({"op": "found", "q": words, **self.session.search(words)})

    def _on_try(self, message: Message) -> None:
        self.session.try_out(str(message["id"]))
        self._show(selected=str(message["id"]))

    def _on_why(self, message: Message) -> None:
        self.send({"op": "why", "why": self.session.why(str(message["id"]))})

    def _on_look(self, _: Message) -> None:
        self._batch = batch = self.session.look()
        self.send({"op": "look", "look": batch.summary()})

    def _on_look_rows(self, message: Message) -> None:
        if self._batch is not None:
            a, b = int(message["a"]), int(message["b"])
            self.send({"op": "look_rows", "a": a, "rows": self._batch.window(a, b)})

    def _on_look_around(self, _: Message) -> None:
        news = self.session.follow()
        if news:
            self._version += 1
            self._show(news=news, acts=self.session.acts.last(), version=self._version, n=len(self.session.view))

    def _on_confirm(self, message: Message) -> None:
        self._decide(lambda: self.session.confirm(message.get("id"), **self._given(message, first=True)), message)

    def _on_switch(self, message: Message) -> None:
        found = self._switch = self.session.switch(str(message["id"]))
        self.send({"op": "switch", "way": found.way, "text": found.text, "ends": list(found.ends)})

    def _on_move(self, message: Message) -> None:
        # Only what was looked at is ended, and each look serves once.
        looked, self._switch = self._switch, None
        if looked is None:
            raise LedgerError("Nothing was looked at that this could end.", "Press m to look first.")
        more: dict[str, Any] = {**self._given(message, first=True), "looked": looked}
        self._decide(lambda: self.session.move(str(message["id"]), **more), message)

    def _on_none(self, message: Message) -> None:
        self._decide(lambda: self.session.none(**self._given(message)), message)

    def _on_defer(self, message: Message) -> None:
        self._decide(lambda: self.session.defer(**self._given(message)), message)

    def _on_create(self, message: Message) -> None:
        self._decide(lambda: self.session.create(**self._given(message)), message)

    def _on_undo(self, message: Message) -> None:
        self._decide(lambda: self.session.undo(message.get("batch")))

    def _on_batch(self, message: Message) -> None:
        given = self._given(message, first=True)
        self._decide(lambda: self.session.confirm_shown(message.get("leave_out") or (), **given), whole=True)

    @staticmethod
    def _given(message: Message, first: bool = False) -> dict[str, str]:
        names = ("note", "first") if first else ("note",)
        return {n: str(message.get(n) or "") for n in names}

    def _decide(self, act: Callable[[], str], message: Message | None = None, *, whole: bool = False) -> None:
        session = self.session
        at, length = session.at, len(session.view)
        news: list[str] = []
        seen = (message or {}).get("seen") or {}
        try:
            news = session.follow()
            if seen and session.entry is not None:
                session.need_as_seen(int(seen["entry"]), str(seen["state"]))
            self.line = act()
        except D365KitError as problem:
            self.line = str(problem)
            self._refuse(self.line, news=news, rows=[(at, session.window(at, at + 1))])
            return
        if whole or len(session.view) != length:
            self._send_view(facets=False, decided=True, code=self.line, news=news, acts=session.acts.last())
            return
        touched = {at, session.at} if session.at < length else {at}
        self._show(
            decided=True, code=self.line, news=news, acts=session.acts.last(), said="Done.",
            rows=[(n, session.window(n, n + 1)) for n in sorted(touched)],
        )  # fmt: skip

    # --- what is sent ---

    def _refuse(self, error: str, **more: Any) -> None:
        """Say what was wrong. A ledger that cannot even be read leaves on the screen what is there, free to go on."""
        try:
            self._show(error=error, **more)
        except D365KitError:
            self.send({"op": "show", "error": error})

    def _start(self) -> Message:
        session, kind = self.session, self.session.kind
        directions: list[dict[str, str]] = []
        if session.takes_first:
            # Whose values win when a pair is synchronised for the first time; only ways its data may go.
            ways = [s for s in SIDES if kind.may_go_to("dv" if s == "bc" else "bc")]
            titles = {s: f"{SIDE_NAMES[s]} wins" for s in SIDES}
            directions = [{"id": "", "title": "as the settings say"}, *({"id": s, "title": titles[s]} for s in ways)]
        return {"title": kind.title, "kind": kind.name, "directions": directions, "blind": session.cards.blind}

    def _send_view(self, *, facets: bool = True, **more: Any) -> None:
        """The view is another one: its length, and with it everything that depends on it."""
        self._version += 1
        session = self.session
        found: Message = {"version": self._version, "n": len(session.view), **more}
        if facets and not session.cards.blind:
            now = session.filter_
            found["facets"] = session.facets() | {
                "now": {"bands": list(now.bands), "reason": now.reason, "place": now.place, "text": now.text,
                        "state": now.state, "order": now.order},
                "states": [{"id": k, "title": v} for k, v in _STATES],
            }  # fmt: skip
        self._show(**found)

    def _show(self, *, selected: str = "", **more: Any) -> None:
        session = self.session
        card = session.card()
        if card is not None and selected:
            places = [n for n, c in enumerate(card["candidates"]) if c["id"] == selected]  # type: ignore[arg-type, var-annotated]
            if places and not card["candidates"][places[0]]["blocked"]:  # type: ignore[index]
                card["selected"] = places[0]
        found: Message = {"op": "show", "card": card, "progress": session.progress(), **more}
        if card is None:
            found["end"] = session.end()
        self.send({k: v for k, v in found.items() if v is not None or k == "card"})

    # --- without a browser ---

    _noun = "Review"

    def __str__(self) -> str:
        done = self.session.progress()
        return (
            f"{self._noun} of {self.session.kind.title}: {done['done']:,} done, {done['left']:,} left, "
            f"{done['deferred']:,} deferred"
        )

    __repr__ = __str__

    def _repr_mimebundle_(self, **more: Any) -> Any:
        """The widget, and beside it a summary for notebooks that are read without a kernel."""
        found = super()._repr_mimebundle_(**more)
        data = found[0] if isinstance(found, tuple) else found
        if data is not None:
            data["text/plain"] = str(self)
            rows = "".join(
                f"<li>{html.escape(str(a['word']))}: {html.escape(str(a['what']))}</li>"
                for a in self.session.acts.last()
            )
            data["text/html"] = (
                f"<p>{html.escape(str(self))}.</p><ol>{rows}</ol>"
                "<p>Run the cell to go on; what was decided is in the ledger.</p>"
            )
        return found


class Sample(Review):
    """A blind random sample on the screen: the same or different, without scores; at the end, what each threshold is
    worth. `table`, `plot` and `at` tell the same by code.
    """

    session: Sampling
    _noun = "Blind sample"

    def __init__(self, workspace: Desk, kind: str, count: int = 30) -> None:
        super().__init__(workspace, kind, session=Sampling(workspace, kind, count))

    def table(self) -> pd.DataFrame:
        """A row a threshold (see `review.sample.Sampling.table`)."""
        return self.session.table()

    def plot(self) -> Plot:
        """The precision at each threshold with its uncertainty."""
        return self.session.plot()

    def at(self, threshold: float) -> dict[str, object]:
        """What a threshold would confirm, and which of your decisions it would contradict."""
        return self.session.at_threshold(threshold)
