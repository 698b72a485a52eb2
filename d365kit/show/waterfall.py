"""One proposed pair → Plot: the odds it starts from, what each comparison adds or takes, and where that ends."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from d365kit.errors import SettingsError, UnknownRecord
from d365kit.nouns import Proposals
from d365kit.nouns.frames import from_rows, plain, records
from d365kit.show.canvas import Canvas, fitted
from d365kit.show.plot import WIDTH, Plot
from d365kit.show.values import SIDE_NAMES, field_title, seen, short, text_of

#: Odds beyond this many bits are the same probability; matching counts no further.
LARGEST = 40.0
#: The level of a comparison that had nothing to compare.
MISSING = "missing"
BEFORE, RIVALS, BOTH = "odds before", "rivals", "odds before, and rivals"
TOTAL = "all together"
#: Fewer bits are not worth a bar.
_WORTH = 0.05
_STEP, _HEAD = 36.0, 26.0
_SECOND, _FROM, _TO, _COLUMN = 124.0, 258.0, 506.0, 116.0
#: What matching by codes and by equal values give: no odds of their own.
_OF_RULES = (0.999, 0.9)


@dataclass(frozen=True)
class Step:
    """One bar: what it is called, both values and the level where it is a comparison, its bits, and its ends."""

    step: str
    bc: str | None
    dv: str | None
    level: str | None
    bits: float
    start: float
    end: float


_COLUMNS = pa.schema(
    [(name, pa.string()) for name in ("step", "bc", "dv", "level")]
    + [(name, pa.float64()) for name in ("bits", "start", "end")]
)


def waterfall(found: Proposals, bc_id: str, dv_id: str | None = None) -> Plot:
    """The evidence of one pair, a bar a comparison; without ``dv_id`` that of the chosen or else best candidate."""
    row = _pair(found.frame, bc_id, dv_id)
    lines = _lines(row["evidence"])
    if not lines:
        raise SettingsError(
            "These proposals were made without details, so there is no evidence to draw.",
            f"Propose again: d365kit propose {found.kind}.",
        )
    steps = _steps(found.frame, row, lines)
    chance, band = _number(row["probability"]), str(row["band"]) if row["chosen"] else "not chosen"
    ruled = by_rule(found.frame)
    says = f"{band}, {text_of_chance(chance)}{' as the rule says' if ruled else ''}"
    names = [seen(short(str(row[f"{side}_name"] or row[f"{side}_id"]), 60)) for side in ("bc", "dv")]
    frame = from_rows([asdict(s) for s in steps], _COLUMNS)
    words = "; ".join(_sentence(found.kind, s) for s in steps)
    return Plot(
        f"{names[0]} | {names[1]}: {says}", f"{words}; {says}", frame,
        lambda: _drawn(found.kind, steps, says, ruled),
    )  # fmt: skip


def odds_before(frame: pd.DataFrame) -> float | None:
    """The odds in bits from which the pairs of one kind start, or None where they cannot be told.

    They do not stand in the frame. A pair whose records have no other candidate tells them: its probability comes of
    them and its score alone.
    """
    pairs = frame[frame["bc_id"].notna() & frame["dv_id"].notna()]
    alone = pairs[~pairs["bc_id"].duplicated(keep=False) & ~pairs["dv_id"].duplicated(keep=False)]
    chance = alone["probability"].to_numpy(dtype=float, na_value=np.nan)
    score = alone["score"].to_numpy(dtype=float, na_value=np.nan)
    bits = np.array([as_bits(p) for p in chance])
    told = (bits - score)[np.abs(bits) < LARGEST - 5]
    told = told[np.isfinite(told)]
    # Candidates too poor to be shown still take a little; the pair they take least from tells best.
    return float(told.max()) if len(told) else None


def by_rule(frame: pd.DataFrame) -> bool:
    """Whether codes or equal values decided: then a probability stands for the rule and does not follow from bits."""
    chance = frame.loc[frame["dv_id"].notna() & frame["bc_id"].notna(), "probability"]
    known = np.unique(chance.to_numpy(dtype=float, na_value=np.nan))
    return bool(len(known)) and all(p in _OF_RULES or (p > 0.001 and p == 1 / round(1 / p)) for p in known)


def as_bits(chance: float) -> float:
    """A probability as odds in bits; 0 and 1 are as far as matching counts.

    >>> as_bits(0.5), as_bits(0.8), as_bits(1.0)
    (0.0, 2.0, 40.0)
    """
    if chance <= 0 or chance >= 1:
        return math.copysign(LARGEST, chance - 0.5)
    return round(math.log2(chance / (1 - chance)), 9)


def text_of_chance(chance: float | None) -> str:
    """A probability in percent that never claims to be none or all.

    >>> text_of_chance(0.87349), text_of_chance(0.9999), text_of_chance(0.0)
    ('87.3 %', 'over 99.9 %', 'under 0.1 %')
    """
    if chance is None or math.isnan(chance):
        return "no probability"
    if not 0.001 <= chance <= 0.999:
        return "over 99.9 %" if chance > 0.5 else "under 0.1 %"
    return f"{100 * chance:.1f} %"


def _pair(frame: pd.DataFrame, bc_id: str, dv_id: str | None) -> dict[str, object]:
    mine = frame[(frame["bc_id"] == bc_id).fillna(False)]
    if mine.empty:
        raise UnknownRecord(
            f"No record of Business Central with the id {seen(str(bc_id))} is among the proposals.",
            "Take one from the column bc_id of the frame.",
        )
    rows = records(mine[mine["dv_id"].notna()])
    if not rows:
        raise UnknownRecord(f"Nothing was found for {seen(str(bc_id))}.", "Take a record that has a candidate.")
    rows.sort(key=lambda r: (not r["chosen"], r["rank"] or 0))
    if dv_id is None:
        return rows[0]
    for row in rows:
        if row["dv_id"] == dv_id:
            return row
    raise UnknownRecord(
        f"{seen(str(dv_id))} is not a candidate of {seen(str(bc_id))}.",
        f"Its candidates are: {', '.join(str(r['dv_id']) for r in rows[:5])}.",
    )


def _lines(text: object) -> list[dict]:
    found = json.loads(str(text)) if text else []
    return [line for line in found if isinstance(line, dict)]


def _steps(frame: pd.DataFrame, row: dict[str, object], lines: Sequence[dict]) -> list[Step]:
    """The bars from the odds before to the end, where the last one stands for all together."""
    ruled = by_rule(frame)
    return steps_of(lines, _number(row["probability"]), None if ruled else odds_before(frame), ruled)


def steps_of(lines: Sequence[dict], chance: float | None, before: float | None, ruled: bool) -> list[Step]:
    """The bars of one pair, from its evidence, its probability, `odds_before` and whether it goes `by_rule`."""
    score = sum(float(x.get("weight") or 0) for x in lines)
    # Beyond the largest odds, the probability does not tell them any more.
    told = None if chance is None or not 0 < chance < 1 or as_bits(chance) > LARGEST - 0.5 else as_bits(chance)
    rivals, name = 0.0, BEFORE
    if not ruled:
        if before is not None:
            rivals = told - score - before if told is not None else 0.0
        elif told is not None:
            before, name = told - score, BOTH
    parts: list[tuple[str, str | None, str | None, str | None, float]] = []
    if before is not None:
        parts.append((name, None, None, None, before))
    parts += [(str(x.get("field")), plain(x.get("bc")), plain(x.get("dv")), str(x.get("level")),
               float(x.get("weight") or 0)) for x in lines]  # type: ignore[misc]  # fmt: skip
    if abs(rivals) >= _WORTH:
        parts.append((RIVALS, None, None, None, rivals))
    out, at = [], 0.0
    for step, bc, dv, level, bits in parts:
        out.append(Step(step, bc, dv, level, bits, at, at + bits))
        at += bits
    return [*out, Step(TOTAL, None, None, None, at, 0.0, at)]


def _number(value: object) -> float | None:
    return float(str(value)) if plain(value) is not None else None


def _bits(value: float) -> str:
    """Bits with their sign, to one decimal.

    >>> _bits(6.856), _bits(-2.0), _bits(0.0)
    ('+6.9', '−2.0', '0')
    """
    return "0" if abs(value) < _WORTH else f"{value:+.1f}".replace("-", "−")


def _sentence(kind: str, step: Step) -> str:
    if step.level is None:
        return f"{step.step} {_bits(step.bits)} bits"
    values = f"{short(text_of(step.bc))} | {short(text_of(step.dv))}"
    return seen(f"{field_title(kind, step.step)} {values}, {step.level}, {_bits(step.bits)} bits")


_EXPLAINED = {
    BEFORE: "of any two records worth comparing",
    BOTH: "the odds at first, less what rivals take",
    RIVALS: "what other candidates of the two take",
}


def _drawn(kind: str, steps: Sequence[Step], says: str, ruled: bool) -> Canvas:
    drawn = Canvas(WIDTH, _HEAD + _STEP * len(steps) + 8)
    # A bar of rivals may be longer than all others together: it ends at the edge then.
    inside = [e for s in steps if s.step not in (RIVALS, TOTAL) for e in (s.start, s.end)]
    low, high = min(0.0, *inside), max(1.0, *inside)
    low -= min(high - low, max(0.0, low - min(s.end for s in steps)))

    def across(bits: float) -> float:
        return _FROM + (_TO - _FROM) * (max(low, bits) - low) / (high - low)

    drawn.text(0, 8, SIDE_NAMES["bc"], faint=True, size=11)
    drawn.text(_SECOND, 8, SIDE_NAMES["dv"], faint=True, size=11)
    drawn.text(WIDTH, 8, "bits", "right", faint=True, size=11)
    drawn.text(across(0.0), 8, "0" if ruled else "50 %", "center", faint=True, size=11)
    drawn.line(across(0.0), 17, across(0.0), drawn.height - 8, opacity=0.4)
    for n, step in enumerate(steps):
        y = _HEAD + n * _STEP
        grey = step.level == MISSING
        _labels(drawn, kind, step, says, y, grey)
        drawn.text(WIDTH, y + _STEP / 2, _bits(step.bits), "right", size=11, faint=grey, bold=step.step == TOTAL)
        if min(step.start, step.end) < low:
            drawn.text(_FROM - 3, y + _STEP / 2, "…", "right", bold=True)
        ends = sorted((across(step.start), across(step.end)))
        if abs(step.bits) >= _WORTH:
            tone = "rest" if step.step == TOTAL else "good" if step.bits > 0 else "against"
            drawn.bar(ends[0], y + 9, max(1.5, ends[1] - ends[0]), _STEP - 18, tone)
        if n + 1 < len(steps):
            drawn.line(across(step.end), y + 9, across(step.end), y + _STEP + 9, opacity=0.4)
    return drawn


def _labels(drawn: Canvas, kind: str, step: Step, says: str, y: float, grey: bool) -> None:
    if step.level is None:
        total = step.step == TOTAL
        drawn.text(0, y + 10, step.step, bold=True)
        drawn.text(0, y + 26, fitted(says if total else _EXPLAINED[step.step], _FROM - 10, 11), size=11)
        return
    title = fitted(field_title(kind, step.step), _SECOND - 6)
    drawn.text(0, y + 10, title, bold=not grey, faint=grey)
    drawn.text(_SECOND, y + 10, fitted(step.level, _COLUMN + 8, 11), faint=True, size=11)
    for x, value in ((0.0, step.bc), (_SECOND, step.dv)):
        drawn.text(x, y + 26, fitted(seen(text_of(value)), _COLUMN, 11), size=11, faint=grey or value is None)
