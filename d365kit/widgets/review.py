"""Proposals in → decisions in the ledger: one record at a time, with both values side by side."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

import ipywidgets as w

from d365kit.errors import D365KitError

if TYPE_CHECKING:
    from d365kit.workspace import Workspace

_BUTTONS = (
    ("confirm", "Confirm", "check", "success", "These two belong together"),
    ("reject", "Not this one", "times", "danger", "They do not belong together"),
    ("defer", "Later", "clock-o", "", "Decide later"),
    ("undo", "Undo", "undo", "", "Take back the last decision"),
)


class Review(w.VBox):
    """Look through the proposed pairs of one kind, those in doubt first.

    ``bands`` are the bands shown. Every click writes to the ledger at once, and shows the line of code that
    does the same.
    """

    def __init__(self, workspace: Workspace, kind: str, bands: tuple[str, ...] = ("likely", "unsure")) -> None:
        self._workspace, self._kind = workspace, kind
        rows = workspace.proposals(kind).frame
        rows = rows[rows["band"].isin(bands) & rows["bc_id"].notna() & rows["dv_id"].notna()]
        rows = rows.sort_values(["probability", "bc_id", "rank"], ascending=[False, True, True])
        self._rows = rows.to_dict("records")
        self._at = 0
        self._decided: list[int] = []
        self._progress = w.IntProgress(max=max(len(self._rows), 1), layout=w.Layout(width="100%"))
        self._head, self._pair, self._line = w.HTML(), w.HTML(), w.HTML()
        buttons = []
        for verdict, text, icon, style, tip in _BUTTONS:
            button = w.Button(description=text, icon=icon, button_style=style, tooltip=tip)
            button.on_click(lambda _, verdict=verdict: self.press(verdict))
            buttons.append(button)
        self.buttons = dict(zip((b[0] for b in _BUTTONS), buttons, strict=True))
        super().__init__([self._progress, self._head, self._pair, w.HBox(buttons), self._line])
        self._show()

    @property
    def current(self) -> dict | None:
        """The proposed pair on the screen, or None when all are looked through."""
        return self._rows[self._at] if self._at < len(self._rows) else None

    def press(self, verdict: str) -> None:
        """Do what the button does: confirm, reject, defer, or undo."""
        try:
            line = self._undo() if verdict == "undo" else self._decide(verdict)
        except D365KitError as error:
            line = str(error)
        self._line.value = f"<code>{html.escape(line)}</code>"
        self._show()

    def _decide(self, verdict: str) -> str:
        row = self.current
        if row is None:
            return "Nothing is left to decide."
        pair = (row["bc_id"], row["dv_id"])
        getattr(self._workspace, verdict)(self._kind, [pair])
        self._decided.append(self._at)
        self._at = self._next(self._at + 1)
        return f"ws.{verdict}({self._kind!r}, [{pair!r}])"

    def _undo(self) -> str:
        if not self._decided:
            return "Nothing was decided here yet."
        self._workspace.undo()
        self._at = self._decided.pop()
        return "ws.undo()"

    def _next(self, start: int) -> int:
        """The next pair neither half of which was coupled meanwhile."""
        coupled = self._workspace.couplings(self._kind)
        taken = set(coupled["bc_id"]) | set(coupled["dv_id"])
        for i in range(start, len(self._rows)):
            if self._rows[i]["bc_id"] not in taken and self._rows[i]["dv_id"] not in taken:
                return i
        return len(self._rows)

    def _show(self) -> None:
        self._progress.value = self._at
        row = self.current
        done = row is None
        for verdict, button in self.buttons.items():
            button.disabled = not self._decided if verdict == "undo" else done
        if row is None:
            decided = len(self._decided)
            self._head.value = f"<b>Finished:</b> {decided:,} decided here, nothing is left in doubt."
            self._pair.value = ""
            return
        self._head.value = (
            f"<b>{self._at + 1:,} of {len(self._rows):,}</b> · {html.escape(str(row['band']))} · "
            f"{html.escape(str(row['reason']))}"
        )
        self._pair.value = _table(row)


def _table(row: dict) -> str:
    """Both sides' values as escaped HTML; a difference is marked by a sign as well as by weight."""
    lines = [("", _text(row["bc_name"]), _text(row["dv_name"]), "")]
    for e in json.loads(row["evidence"] or "[]"):
        lines.append((_text(e["field"]), _text(e.get("bc")), _text(e.get("dv")), _text(e.get("level"))))
    cells = "".join(
        f"<tr><th style='text-align:left'>{name}</th><td>{bc}</td>"
        f"<td>{'=' if bc == dv else '≠'}</td><td>{dv}</td><td><i>{level}</i></td></tr>"
        for name, bc, dv, level in lines
    )
    head = "<tr><th></th><th>Business Central</th><th></th><th>Sales</th><th>evidence</th></tr>"
    return f"<table style='border-spacing:12px 2px'>{head}{cells}</table>"


def _text(value: object) -> str:
    missing = value is None or value != value or value == ""
    return "<span style='opacity:.6'>missing</span>" if missing else html.escape(str(value))
