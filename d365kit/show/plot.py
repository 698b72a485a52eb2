"""Rows of figures → Plot: one finding as a picture with the frame behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd
from jinja2.runtime import Markup

from d365kit.nouns.frames import records
from d365kit.show import canvas
from d365kit.show.canvas import Canvas, Draw, fitted, width_of
from d365kit.show.engine import stylesheet
from d365kit.show.values import visible

#: Pixels. Narrow screens show it whole in half a window; wider ones do not blow it up.
WIDTH = 560
LABELS = 128
NOTES = 150
ROW = 20
HEADING = 24

#: So many bars or dots are drawn; the frame has all.
MOST = 60


@dataclass(frozen=True)
class Plot:
    """A picture and what it was drawn from.

    ``title`` says the finding, ``description`` the figures in words for those who do not see the picture.
    """

    title: str
    description: str
    frame: pd.DataFrame
    draw: Draw = field(repr=False, compare=False)

    @cached_property
    def svg(self) -> Markup:
        """The picture for a page: transparent, in the page's own text colour and font."""
        return Markup(canvas.svg(self.draw, self.title, self.description))

    def save(self, path: str | Path) -> Path:
        """Write the picture to ``path`` (.svg, .png or .pdf) on white. Raises SettingsError for another ending."""
        return canvas.save(self.draw, Path(path))

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, object]:
        return {"title": self.title, "description": self.description, "rows": records(self.frame)}

    def __str__(self) -> str:
        return f"{self.title}\n{self.description}"

    def _repr_html_(self) -> str:
        return Markup(
            '<div class="d365kit"><style>{}</style><p class="h">{}</p>'
            '<div class="box" role="region" tabindex="0" aria-label="{}">{}</div></div>'
        ).format(stylesheet(), visible(self.title), self.title, self.svg)


@dataclass(frozen=True)
class Bar:
    """One bar: what it is called, its pieces as (value, tone), and the figures written beside it.

    ``whole`` is the value that fills the width; bars with the same ``heading`` stand together under it. ``inside``
    are the texts of the pieces, written where there is room.
    """

    label: str
    pieces: tuple[tuple[float, str], ...]
    note: str = ""
    heading: str = ""
    whole: float = 0.0
    inside: tuple[str, ...] = ()


def bars(
    title: str, frame: pd.DataFrame, rows: Sequence[Bar], key: Sequence[tuple[str, str]] = (), nothing: str = ""
) -> Plot:
    """Horizontal bars under their headings. ``key`` names the tones; ``nothing`` is said when there are no rows.

    A tone is a name of `canvas.TONES`, or a number from 0 to 1 for a step of a scale.
    """
    shown = list(rows[:MOST])
    words = "; ".join(f"{r.heading + ', ' if r.heading else ''}{r.label}: {r.note}" for r in shown) or nothing
    return Plot(title, words, frame, lambda: _bars(shown, key, len(rows) - len(shown), nothing))


def _bars(rows: Sequence[Bar], key: Sequence[tuple[str, str]], more: int, nothing: str) -> Canvas:
    headings = _changes([r.heading for r in rows])
    lines = key_lines(key) if rows else []
    height = len(rows) * ROW + len(headings) * HEADING + len(lines) * ROW + 12 + (ROW if more else 0)
    drawn = Canvas(WIDTH, height if rows else 28)
    if not rows:
        drawn.text(0, 14, nothing, faint=True)
        return drawn
    labels = min(LABELS + 60, max(width_of(r.label) for r in rows) + 14)
    room = WIDTH - labels - min(NOTES, max(width_of(r.note, 11) for r in rows) + 10)
    largest = max((sum(v for v, _ in r.pieces) for r in rows), default=0) or 1
    y = draw_key(drawn, lines)
    for at, row in enumerate(rows):
        if at in headings and row.heading:
            drawn.text(0, y + HEADING / 2 + 2, fitted(row.heading, WIDTH), bold=True)
        if at in headings:
            y += HEADING if row.heading else 0
        drawn.text(0, y + ROW / 2, fitted(row.label, labels - 6), faint=bool(row.heading))
        x = labels
        for at_piece, (value, tone) in enumerate(row.pieces):
            width = room * value / (row.whole or largest)
            _piece(drawn, x, y, width, tone)
            inside = row.inside[at_piece] if row.inside else ""
            if inside and width_of(inside, 10) + 4 < width:
                drawn.text(x + width / 2, y + ROW / 2, inside, "center", size=10)
            x += width
        drawn.text(x + 6, y + ROW / 2, row.note, size=11)
        y += ROW
    if more:
        drawn.text(0, y + ROW / 2, f"… and {more:,} more in the frame", faint=True)
    return drawn


def _piece(drawn: Canvas, x: float, y: float, width: float, tone: str) -> None:
    if width <= 0:
        return
    # A sliver stays visible: one in a thousand is not none.
    width = max(width, 1.5)
    if tone in canvas.TONES:
        drawn.bar(x, y + 3, width, ROW - 6, tone)
    else:
        drawn.step(x, y + 3, width, ROW - 6, float(tone))


def dots(title: str, frame: pd.DataFrame, rows: Sequence[tuple[str, str, float | None, float | None]]) -> Plot:
    """A round dot for Business Central and a square for Sales on a scale of percent, a line between them.

    A row is heading, label, and the share of each side; None where there is nothing to show.
    """
    shown = list(rows[:MOST])
    words = "; ".join(f"{h + ', ' if h else ''}{label}: {_shares(bc, dv)}" for h, label, bc, dv in shown)
    return Plot(title, words or "nothing to show", frame, lambda: _dots(shown, len(rows) - len(shown)))


def _dots(rows: Sequence[tuple[str, str, float | None, float | None]], more: int) -> Canvas:
    headings = [at for at in _changes([r[0] for r in rows]) if rows[at][0]]
    drawn = Canvas(WIDTH, max(28, len(rows) * ROW + len(headings) * HEADING + 2 * ROW + 12 + (ROW if more else 0)))
    if not rows:
        drawn.text(0, 14, "Nothing to show.", faint=True)
        return drawn
    left, right = 170.0, WIDTH - 120.0
    top = _top(max((s for r in rows for s in r[2:] if s is not None), default=1.0))
    drawn.dot(left, 10, "bc", True)
    drawn.text(left + 10, 10, "Business Central", faint=True)
    drawn.dot(left + 130, 10, "dv", False)
    drawn.text(left + 140, 10, "Sales", faint=True)
    bottom = drawn.height - 8 - (ROW if more else 0)
    for part in (0, 0.5, 1):
        x = left + (right - left) * part
        drawn.line(x, 38, x, bottom, opacity=0.15)
        drawn.text(x, 30, f"{100 * top * part:g} %", "center", faint=True, size=11)
    y = 2.0 * ROW
    for at, (heading, label, bc, dv) in enumerate(rows):
        if at in headings:
            drawn.text(0, y + HEADING / 2 + 2, fitted(heading, WIDTH), bold=True)
            y += HEADING
        middle = y + ROW / 2
        drawn.text(0, middle, fitted(label, left - 12), faint=bool(heading))
        places = [(left + (right - left) * s / top, t) for s, t in ((dv, "dv"), (bc, "bc")) if s is not None]
        if len(places) == 2:
            drawn.line(places[0][0], middle, places[1][0], middle, opacity=0.5)
        for x, tone in places:
            drawn.dot(x, middle, tone, tone == "bc")
        drawn.text(right + 12, middle, _shares(bc, dv), size=11)
        y += ROW
    if more:
        drawn.text(0, y + ROW / 2 + 4, f"… and {more:,} more in the frame", faint=True)
    return drawn


def _top(largest: float) -> float:
    """The end of the scale: the whole, or less where all shares are small."""
    return next((t for t in (0.02, 0.1, 0.2, 0.5) if largest <= t), 1.0)


def _shares(bc: float | None, dv: float | None) -> str:
    return " | ".join("–" if s is None else f"{_percent(s)} %" for s in (bc, dv))


def _percent(share: float) -> str:
    """Whole percent; 0 and 100 only when it is exactly that."""
    whole = round(100 * share)
    return str(min(99, max(1, whole)) if 0 < share < 1 else whole)


def _changes(names: Sequence[str]) -> list[int]:
    """The places where another heading begins."""
    return [at for at, name in enumerate(names) if at == 0 or name != names[at - 1]]


def key_lines(key: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """The key's entries in lines that fit the width."""
    lines: list[list[tuple[str, str]]] = []
    room = 0.0
    for words, tone in key:
        needed = 38 + width_of(words)
        if needed > room:
            lines.append([])
            room = WIDTH
        lines[-1].append((words, tone))
        room -= needed
    return lines


def draw_key(drawn: Canvas, lines: Sequence[Sequence[tuple[str, str]]]) -> float:
    """Draw the key at the top, and return where it ends."""
    y = 0.0
    for line in lines:
        x = 0.0
        for words, tone in line:
            _piece(drawn, x, y, 16, tone)
            drawn.text(x + 22, y + ROW / 2, words, faint=True)
            x += 38 + width_of(words)
        y += ROW
    return y
