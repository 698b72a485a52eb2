"""Proposals → Plot: the best candidate of each record by how probable it is, stacked by band."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from d365kit.errors import SettingsError
from d365kit.nouns import Proposals
from d365kit.show.canvas import Canvas
from d365kit.show.plot import ROW, WIDTH, Plot, draw_key, key_lines
from d365kit.show.values import kind_title, number
from d365kit.show.waterfall import as_bits, by_rule, odds_before, text_of_chance

#: The bands as they are stacked, each with its tone.
TONES = {"certain": "good", "likely": "soon", "unsure": "out"}
#: From these probabilities on a chosen pair may be likely, and certain.
MARKS = (0.5, 0.98)
#: The scale of probabilities, in bits of odds; what is beyond 0.1 and 99.9 % stands in the outermost bins.
_ENDS = 11
_TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
#: At most so many bins of scores.
_MOST_BINS = 24
_HEIGHT, _LEFT, _RIGHT = 130.0, 16.0, 16.0
_NOTHING = "No record has a candidate."


def histogram(found: Proposals, by: str = "probability") -> Plot:
    """The best candidate of each record of Business Central that has one, in bins of ``by``.

    ``by`` is “probability”, on a scale that gives both ends room, or “score” in bits. Lines mark the probabilities
    from which a pair may be likely and certain, with how many chosen pairs reach them; on the scale of scores they
    stand where a pair without rivals reaches them.
    """
    if by not in ("probability", "score"):
        raise SettingsError(f"There is no histogram by “{by}”.", "Use “probability” or “score”.")
    best = _best(found.frame)
    counts = found.counts()
    chance = best["probability"].to_numpy(dtype=float, na_value=np.nan)
    if by == "probability":
        values, edges = np.array([as_bits(p) for p in chance]), np.arange(-_ENDS, _ENDS + 1, dtype=float)
        ticks = [(as_bits(p), f"{100 * p:g} %") for p in _TICKS]
        marks = [(as_bits(p), p) for p in MARKS]
    else:
        values = best["score"].to_numpy(dtype=float, na_value=np.nan)
        edges = _edges(values)
        every = max(1, len(edges) // 8)
        ticks = [(float(e), f"{e:g}") for e in edges[::every]]
        before = None if by_rule(found.frame) else odds_before(found.frame)
        marks = [] if before is None else [(as_bits(p) - before, p) for p in MARKS]
    reached = {p: int((best["chosen"].to_numpy(dtype=bool) & (chance >= p)).sum()) for p in MARKS}
    frame = _counted(values, edges, best["band"].to_numpy(dtype=object), by)
    title = f"{kind_title(found.kind)}: " + ", ".join(
        f"{number(counts[band])} {band}" for band in (*TONES, "nothing found")
    )
    shown = [(at, f"{100 * p:g} %: {number(reached[p])} chosen") for at, p in marks]
    return Plot(
        title, _words(frame, reached, by, counts["nothing found"]), frame,
        lambda: _drawn(frame, edges, ticks, shown, by, counts),
    )  # fmt: skip


def _best(frame: pd.DataFrame) -> pd.DataFrame:
    """The chosen or else the best candidate of each BC record; where none is chosen the record is unsure."""
    rows = frame[frame["bc_id"].notna() & frame["dv_id"].notna()]
    rows = rows.assign(chosen=rows["chosen"].fillna(False).astype(bool))
    rows = rows.assign(last=~rows["chosen"]).sort_values(["last", "rank"], kind="stable").drop_duplicates("bc_id")
    return rows.assign(band=np.where(rows["chosen"], rows["band"].astype(object), "unsure"))


def _edges(scores: np.ndarray) -> np.ndarray:
    """Edges of equally wide bins around all scores, at round numbers of bits."""
    known = scores[np.isfinite(scores)]
    low, high = (math.floor(known.min()), math.floor(known.max()) + 1) if len(known) else (0, 1)
    width = next((w for w in (1, 2, 5, 10, 20, 50, 100) if (high - low) / w < _MOST_BINS - 1), high - low)
    return np.arange(low // width * width, high + width, width, dtype=float)


def _counted(values: np.ndarray, edges: np.ndarray, band: np.ndarray, by: str) -> pd.DataFrame:
    """A row a bin: from, to, and how many records of each band are in it."""
    known = np.isfinite(values)
    at = np.clip(np.searchsorted(edges, values[known], side="right") - 1, 0, len(edges) - 2)
    ends = edges
    if by == "probability":
        ends = 1.0 / (1.0 + np.exp2(-edges))
        ends[0], ends[-1] = 0.0, 1.0
    columns: dict[str, np.ndarray] = {"from": ends[:-1], "to": ends[1:]}
    for name in TONES:
        columns[name] = np.bincount(at[band[known] == name], minlength=len(edges) - 1)
    return pd.DataFrame(columns)


def _words(frame: pd.DataFrame, reached: dict[float, int], by: str, nothing: int) -> str:
    """The figures of the picture for those who do not see it."""
    bins = []
    for row in frame.itertuples(index=False):
        there = [f"{n:,} {band}" for band in TONES if (n := int(getattr(row, band)))]
        if there:
            ends = (row[0], row[1])
            where = (
                " to ".join(text_of_chance(e) if 0 < e < 1 else f"{100 * e:g} %" for e in ends)
                if by == "probability"
                else f"{ends[0]:g} to {ends[1]:g} bits"
            )
            bins.append(f"{where}: {', '.join(there)}")
    if not bins:
        return _NOTHING
    marks = [f"{number(n)} chosen pairs have {100 * p:g} % or more" for p, n in reached.items()]
    return "; ".join([*bins, *marks, f"{number(nothing)} records with nothing found are not drawn"])


def _drawn(
    frame: pd.DataFrame, edges: np.ndarray, ticks: list[tuple[float, str]], marks: list[tuple[float, str]],
    by: str, counts: dict[str, int],
) -> Canvas:  # fmt: skip
    heights = frame[list(TONES)].sum(axis=1).to_numpy()
    if not heights.sum():
        empty = Canvas(WIDTH, 28)
        empty.text(0, 14, _NOTHING, faint=True)
        return empty
    key = key_lines([(f"{band} {number(counts[band])}", tone) for band, tone in TONES.items()])
    top = ROW * len(key) + 2 * ROW + 14.0
    drawn = Canvas(WIDTH, top + _HEIGHT + 46)
    draw_key(drawn, key)
    low, high = float(edges[0]), float(edges[-1])
    ground = top + _HEIGHT

    def across(at: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (at - low) / (high - low)

    for n, counted in enumerate(frame[list(TONES)].itertuples(index=False)):
        y, x, width = ground, across(edges[n]) + 1, across(edges[n + 1]) - across(edges[n]) - 2
        for count, tone in zip(counted, TONES.values(), strict=True):
            if count:
                # A single record among thousands stays visible.
                height = max(2.0, _HEIGHT * count / heights.max())
                y -= height
                drawn.bar(x, y, width, height, tone)
        if heights[n]:
            drawn.text(x + width / 2, y - 8, number(int(heights[n])), "center", size=10)
    drawn.line(_LEFT, ground, WIDTH - _RIGHT, ground, opacity=0.5)
    for n, (at, words) in enumerate(m for m in marks if low <= m[0] <= high):
        y = ROW * len(key) + 12.0 + n * ROW
        x = across(at)
        drawn.line(x, y - 6, x, ground, opacity=0.7)
        left = x < WIDTH * 0.3
        drawn.text(x + (5 if left else -5), y, words, "left" if left else "right", size=11)
    for at, words in ticks:
        drawn.line(across(at), ground, across(at), ground + 4, opacity=0.5)
        drawn.text(across(at), ground + 14, words, "center", faint=True, size=11)
    says = "probability of the best candidate" if by == "probability" else "score of the best candidate in bits"
    drawn.text(WIDTH / 2, ground + 34, f"{says}, by records of Business Central", "center", faint=True, size=11)
    return drawn
