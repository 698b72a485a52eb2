"""Precision at each threshold, from a sample → Plot."""

from __future__ import annotations

import pandas as pd

from d365kit.nouns.frames import records
from d365kit.show.canvas import Canvas
from d365kit.show.plot import WIDTH, Plot

_LEFT, _RIGHT, _STEP, _HEAD = 86.0, 330.0, 24.0, 30.0


def precision_plot(title: str, table: pd.DataFrame) -> Plot:
    """``table`` has threshold, sampled, same, precision, low, high and would_confirm; a line a threshold."""
    rows = [r for r in records(table) if r["sampled"]]
    words = "; ".join(
        f"from {_percent(r['threshold'])}: {r['same']} of {r['sampled']} the same, between {_percent(r['low'])} and "
        f"{_percent(r['high'])}" for r in rows
    )  # fmt: skip
    said = f"{title}: precision at each threshold, by a blind sample"
    return Plot(said, words or "No sampled pair is answered yet.", table, lambda: _drawn(rows))


def _drawn(rows: list[dict]) -> Canvas:
    drawn = Canvas(WIDTH, _HEAD + _STEP * max(1, len(rows)) + 6)
    if not rows:
        drawn.text(0, _HEAD, "No sampled pair is answered yet.")
        return drawn
    low = min(0.9, *(float(r["low"]) for r in rows))

    def across(share: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (share - low) / (1 - low)

    drawn.text(0, 9, "probability", faint=True, size=11)
    drawn.text(_LEFT, 9, _percent(low), faint=True, size=11)
    drawn.text(_RIGHT, 9, "100 % right", "right", faint=True, size=11)
    drawn.text(WIDTH, 9, "the same · would confirm", "right", faint=True, size=11)
    for n, r in enumerate(rows):
        y = _HEAD + n * _STEP + _STEP / 2
        drawn.text(0, y, f"from {_percent(r['threshold'])}")
        drawn.line(across(float(r["low"])), y, across(float(r["high"])), y, opacity=0.8)
        for end in ("low", "high"):
            drawn.line(across(float(r[end])), y - 4, across(float(r[end])), y + 4, opacity=0.8)
        drawn.dot(across(float(r["precision"])), y, "good", True)
        drawn.text(WIDTH, y, f"{r['same']} of {r['sampled']} · {r['would_confirm']:,}", "right", size=11)
    return drawn


def _percent(share: object) -> str:
    return f"{100 * float(str(share)):.1f} %".replace(".0 %", " %")
