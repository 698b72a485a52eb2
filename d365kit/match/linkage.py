"""Pool + rules of its kind → Candidates: pairs worth weighing, and the levels their comparisons reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from d365kit.kinds import SIDES, Side
from d365kit.match.blocking import DEFAULT_CAP, Pairs
from d365kit.match.engines import Engine, opened
from d365kit.match.grams import Grams
from d365kit.match.levels import Comparison, comparisons_of, levels
from d365kit.match.prepare import Pool, sample, setting
from d365kit.match.train import Apart, rare_at

#: What a rare value may add to an exact agreement, or a common one take off, in bits.
FREQUENCY_CLIP = 3.0
#: A record with a blocked candidate whose name is so near needs no search by name.
NAMESAKE = 0.8
#: So many records of each side are compared with others of their own side, to learn from.
SAMPLE = 10_000


@dataclass(frozen=True)
class Candidates:
    """Candidate pairs by row numbers of the pool, and per comparison the level reached (-1: missing).

    ``rarity`` holds, per pair and comparison with a frequency, the bits by which an exactly agreeing value is rarer
    (+) or more common (-) than such values are on the whole. ``within`` are pairs within each side, to learn from.
    """

    pairs: Pairs
    levels: np.ndarray
    rarity: np.ndarray
    comparisons: tuple[Comparison, ...]
    within: Mapping[Side, Apart]

    def __len__(self) -> int:
        return len(self.pairs)

    def only(self, keep: np.ndarray) -> Candidates:
        """The candidates for which ``keep`` is true."""
        return Candidates(self.pairs.only(keep), self.levels[keep], self.rarity[keep], self.comparisons, self.within)


def candidates(pool: Pool, engine: str = "duckdb") -> Candidates:
    """Find the pairs worth scoring and the level of agreement of each of their comparisons.

    ``engine`` (`engines.ENGINES`) says what joins the keys and compares; it changes the time, never the result.
    """
    comparisons = comparisons_of(pool)
    if not comparisons or not all(pool.size(s) for s in SIDES):
        rare = np.zeros((0, len(rare_at(comparisons))), dtype=np.float16)
        return Candidates(Pairs.of(), np.zeros((0, len(comparisons)), dtype=np.int8), rare, comparisons, {})
    drawn = {side: np.flatnonzero(sample(pool, side, SAMPLE / max(pool.size(side), 1))) for side in SIDES}
    with opened(engine, pool.columns) as at:
        keys = [list(key) for key in setting(pool.kind, "keys")]
        found = at.block(keys, int(setting(pool.kind, "cap", DEFAULT_CAP)), drawn)
        search = _Search(at, pool, comparisons, _texts(pool, comparisons))
        across, within = found.across, dict(found.within)
        for spec in setting(pool.kind, "near"):
            if (grams := search.near.get(spec["column"])) is not None:
                across = Pairs.of(across.both, *_nearest(grams, spec, across))
                within = {s: Pairs.of(within[s].both, _nearest_within(grams, spec, s, drawn[s])) for s in SIDES}
        pairs, reached, rarity = search.judge("bc", "dv", across)
        apart = {side: Apart(*search.judge(side, side, within[side])[1:]) for side in SIDES}
    return Candidates(pairs, reached, rarity, comparisons, apart)


def _texts(pool: Pool, comparisons: Sequence[Comparison]) -> dict[str, Grams]:
    """The trigrams of the columns whose texts are searched or compared by their nearness."""
    searched = [spec["column"] for spec in setting(pool.kind, "near")]
    columns = dict.fromkeys([*searched, *(c.near for c in comparisons if c.near)])
    usable = [c for c in columns if all(pool.has(side, c) for side in SIDES)]
    return {column: Grams.of({side: pool.columns[side][column] for side in SIDES}) for column in usable}


def _nearest(grams: Grams, spec: Mapping, blocked: Pairs) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """The nearest texts of the other side, seen from either, for records without a blocked namesake."""
    near = grams.cosine("bc", "dv", blocked) >= NAMESAKE

    def found(left: Side, right: Side, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        named = np.bincount(rows[near], minlength=grams.size(left)) > 0
        return grams.nearest(left, right, spec["count"], spec["least"], of=np.flatnonzero(~named))

    return found("bc", "dv", blocked.left), found("dv", "bc", blocked.right)[::-1]


def _nearest_within(grams: Grams, spec: Mapping, side: Side, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other texts of the same side, seen from the records of a sample."""
    left, right = grams.nearest(side, side, spec["count"] + 1, spec["least"], of=drawn)
    other = left != right
    return np.minimum(left, right)[other], np.maximum(left, right)[other]


@dataclass(frozen=True)
class _Search:
    """What it takes to judge pairs, of two sides or of one."""

    engine: Engine
    pool: Pool
    comparisons: tuple[Comparison, ...]
    near: Mapping[str, Grams]

    def judge(self, left: Side, right: Side, pairs: Pairs) -> tuple[Pairs, np.ndarray, np.ndarray]:
        """The pairs that something speaks for, with their levels and rarity.

        Two records that share a word of their names and the town met by that alone: town and country only support
        what other fields say. Left in, such pairs would teach that names of true pairs may differ.
        """
        found = levels(self.engine, self.comparisons, left, right, pairs, self.near)
        supporting = setting(self.pool.kind, "supporting")
        speaks = np.zeros(len(pairs), dtype=bool)
        for i, comparison in enumerate(self.comparisons):
            if comparison.field not in supporting:
                speaks |= (found[:, i] >= 0) & (found[:, i] < len(comparison.levels) - 1)
        if not speaks.all():
            pairs, found = pairs.only(speaks), found[speaks]
        return pairs, found, self._rarity(left, right, pairs, found)

    def _rarity(self, left: Side, right: Side, pairs: Pairs, reached: np.ndarray) -> np.ndarray:
        """How much rarer than usual the exactly agreeing value is, in bits, clipped; pairs × `rare_at`."""
        rare = rare_at(self.comparisons)
        out = np.zeros((len(pairs), len(rare)), dtype=np.float16)
        for n, i in enumerate(rare):
            exact = np.flatnonzero(reached[:, i] == 0)
            if len(exact):
                column = self.comparisons[i].frequency
                values = {side: self.pool.columns[side][column].to_pandas() for side in SIDES}
                shares = pd.concat([v.dropna() for v in values.values()]).value_counts(normalize=True)
                # Names that agree by their words may differ as written; the more common one counts.
                sides = ((left, pairs.left), (right, pairs.right))
                rates = [values[s].map(shares).to_numpy(dtype=float)[rows[exact]] for s, rows in sides]
                bits = -np.log2(np.fmax(*rates))
                bits = np.nan_to_num(bits - np.nanmedian(bits), nan=0.0)
                out[exact, n] = np.clip(bits, -FREQUENCY_CLIP, FREQUENCY_CLIP)
        return out
