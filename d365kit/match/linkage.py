"""Pool + rules of its kind → Candidates: pairs worth weighing, and the levels their comparisons reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from d365kit.kinds import SIDES
from d365kit.match.blocking import DEFAULT_CAP, Pairs, block
from d365kit.match.database import database
from d365kit.match.grams import Grams
from d365kit.match.levels import Comparison, comparisons_of, levels
from d365kit.match.prepare import Pool, sample
from d365kit.match.train import Apart, rare_at

#: What a rare value may add to an exact agreement, or a common one take off, in bits.
FREQUENCY_CLIP = 3.0
SAMPLE = 10_000


@dataclass(frozen=True)
class Candidates:
    """Candidate pairs by row numbers of the pool, and per comparison the level reached (-1: missing).

    ``rarity`` holds, per pair and comparison, the bits by which an exactly agreeing value is rarer (+) or
    more common (-) than such values are on the whole. ``within`` are pairs within each side, to learn from.
    """

    pairs: Pairs
    levels: np.ndarray
    rarity: np.ndarray
    comparisons: tuple[Comparison, ...]
    within: Mapping[str, Apart]

    def __len__(self) -> int:
        return len(self.pairs)

    def only(self, keep: np.ndarray) -> Candidates:
        """The candidates for which ``keep`` is true."""
        return Candidates(self.pairs.only(keep), self.levels[keep], self.rarity[keep], self.comparisons, self.within)


def candidates(pool: Pool) -> Candidates:
    """Find the pairs worth scoring and the level of agreement of each of their comparisons."""
    comparisons = comparisons_of(pool)
    empty = np.zeros((0, len(comparisons)))
    none = Candidates(
        Pairs.of(), empty.astype(np.int8), np.zeros((0, len(rare_at(comparisons))), dtype=np.float16), comparisons, {}
    )
    if not comparisons or not all(pool.size(s) for s in SIDES):
        return none
    rules = pool.kind.match
    keys = [list(k) for k in rules.get("keys", ())]  # type: ignore[attr-defined]
    cap = int(rules.get("cap", DEFAULT_CAP))  # type: ignore[call-overload]
    samples = {side: np.flatnonzero(sample(pool, side, SAMPLE / max(pool.size(side), 1))) for side in SIDES}
    searched = [s for s in rules.get("near", ()) if all(pool.has(side, s["column"]) for side in SIDES)]  # type: ignore[attr-defined]
    with database() as connection:
        for side in SIDES:
            connection.register(f"records_{side}", pool.columns[side])
        found = block(connection, pool.columns, keys, cap, samples)
        across, within = found.across, dict(found.within)
        near = {
            column: Grams.of({s: pool.columns[s][column] for s in SIDES})
            for column in {*(c.near for c in comparisons if c.near), *(spec["column"] for spec in searched)}
        }
        for spec in searched:
            across = Pairs.of(across.both, *_nearest(near[spec["column"]], spec))
            for side in SIDES:
                twins = _nearest_within(near[spec["column"]], spec, side, samples[side])
                within[side] = Pairs.of(within[side].both, twins)
        weak = rules.get("supporting", ())  # type: ignore[attr-defined]
        across, *made = _judged(connection, pool, comparisons, "bc", "dv", across, near, weak)
        apart = {s: Apart(*_judged(connection, pool, comparisons, s, s, within[s], near, weak)[1:]) for s in SIDES}
    return Candidates(across, *made, comparisons, apart)


def _nearest(grams: Grams, spec: Mapping) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The nearest texts of the other side, seen from either."""
    there = grams.nearest("bc", "dv", spec["count"], spec["least"])
    back = grams.nearest("dv", "bc", spec["count"], spec["least"])
    return there, back[::-1]


def _nearest_within(grams: Grams, spec: Mapping, side: str, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other texts of the same side, seen from the records of a sample."""
    left, right = grams.nearest(side, side, spec["count"] + 1, spec["least"], of=drawn)
    other = left != right
    return np.minimum(left, right)[other], np.maximum(left, right)[other]


def _judged(
    connection,
    pool: Pool,
    comparisons: Sequence[Comparison],
    left: str,
    right: str,
    pairs: Pairs,
    near: Mapping[str, Grams],
    supporting: Sequence[str],
) -> tuple[Pairs, np.ndarray, np.ndarray]:
    """The pairs that something speaks for, with their levels and rarity.

    Two records that share a word of their names and the town met by that alone: town and country only support what
    other fields say. Left in, such pairs would teach that names of true pairs may differ.
    """
    found = levels(connection, comparisons, left, right, pairs, near)
    speaks = np.zeros(len(pairs), dtype=bool)
    for i, comparison in enumerate(comparisons):
        if comparison.field not in supporting:
            speaks |= (found[:, i] >= 0) & (found[:, i] < len(comparison.levels) - 1)
    if not speaks.all():
        pairs, found = pairs.only(speaks), found[speaks]
    return pairs, found, _rarity(pool, left, right, pairs, found, comparisons)


def _rarity(
    pool: Pool, left: str, right: str, pairs: Pairs, reached: np.ndarray, comparisons: Sequence[Comparison]
) -> np.ndarray:
    """How much rarer than usual the value is that a pair agrees on exactly, in bits, clipped; pairs × `rare_at`."""
    rare = rare_at(comparisons)
    out = np.zeros((len(pairs), len(rare)), dtype=np.float16)
    for n, i in enumerate(rare):
        exact = np.flatnonzero(reached[:, i] == 0)
        if len(exact):
            values = {side: pool.columns[side][comparisons[i].frequency].to_pandas() for side in SIDES}
            shares = pd.concat([v.dropna() for v in values.values()]).value_counts(normalize=True)
            bits = -np.log2(values[left].map(shares).to_numpy(dtype=float)[pairs.left[exact]])
            bits = np.nan_to_num(bits - np.nanmedian(bits), nan=0.0)
            out[exact, n] = np.clip(bits, -FREQUENCY_CLIP, FREQUENCY_CLIP)
    return out
