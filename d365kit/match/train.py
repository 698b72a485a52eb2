"""Candidates → a model without labels: weights by level, and each pair's probability under one-to-one.

Ordinary training takes duplicates and branches of a true partner for matches. Here the candidates of a record
compete with each other and with “no partner”: the probability of a pair is its share in all one-to-one
couplings, worked out by passing messages between the records (exact where candidates form no circle).
What two records look like that share a key and are different is learnt from pairs within one side as well: but for
a few duplicates they all are different, so they show what chance, branches and sister companies do.
What cannot be told from the data falls back to the starting shares, in proportion to how little data there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from d365kit.match.levels import Comparison

#: The starting shares count as much as this many pairs whose answer is known.
PSEUDO_M = 15.0
PSEUDO_U = 40.0
#: The share of records with a partner is taken to be one half by this many records more, and never above that.
PSEUDO_RECORDS = 4.0
MOST_COUPLED = 0.9
ROUNDS = 60
#: Weights of a pair beyond this many bits make no difference to its probability.
LARGEST = 40.0
#: The odds, in bits, that two records of one side which share a key are one and the same, before anything is known.
_TWINS = -8.0


def rare_at(comparisons: Sequence[Comparison]) -> list[int]:
    """The comparisons whose rare values count for more: the columns of ``rarity``."""
    return [i for i, comparison in enumerate(comparisons) if comparison.frequency]


@dataclass(frozen=True)
class Scene:
    """Pairs across the sides with what they are judged by.

    ``levels`` is pairs × comparisons, ``rarity`` pairs × `rare_at`. ``size_bc`` and ``size_dv`` count the records. ``known`` is
    nan but for pairs that somebody decided: 1 or 0. ``counted`` is False for pairs that are there only because
    they compete with counted ones.
    """

    bc: np.ndarray
    dv: np.ndarray
    levels: np.ndarray
    rarity: np.ndarray
    size_bc: int
    size_dv: int
    known: np.ndarray
    counted: np.ndarray | None = None
    of: float = 1.0

    def __len__(self) -> int:
        return len(self.bc)

    def settled(self, weights: np.ndarray) -> np.ndarray:
        """``weights`` (odds in bits) with what somebody decided put in."""
        out = np.where(self.known > 0.5, LARGEST, weights)
        return np.where(self.known < 0.5, -LARGEST, out)


@dataclass(frozen=True)
class Apart:
    """Pairs within one side, nearly all of which are different records."""

    levels: np.ndarray
    rarity: np.ndarray


@dataclass(frozen=True)
class Model:
    """Shares by comparison and level among true pairs (m) and other candidates (u), and the starting odds."""

    m: tuple[np.ndarray, ...]
    u: tuple[np.ndarray, ...]
    prior: float

    def weights(self) -> tuple[np.ndarray, ...]:
        """Bits of evidence by comparison and level."""
        return tuple(np.log2(m / u) for m, u in zip(self.m, self.u, strict=True))

    def weighed(self, factors: np.ndarray, shift: float) -> Model:
        """This model with every comparison's weights multiplied by its factor and the odds moved; for scoring only."""
        m = tuple(u * (m / u) ** factor for m, u, factor in zip(self.m, self.u, factors, strict=True))
        return Model(m, self.u, self.prior + shift)

    def evidence(self, comparisons: Sequence[Comparison], levels: np.ndarray, rarity: np.ndarray) -> np.ndarray:
        """Bits by pair and comparison; missing values give none."""
        out = np.zeros(levels.shape, dtype=np.float32)
        for i, weights in enumerate(self.weights()):
            out[:, i] = np.append(weights, 0.0)[levels[:, i]]
        out[:, rare_at(comparisons)] += rarity
        return out

    def total(self, levels: np.ndarray, rarity: np.ndarray) -> np.ndarray:
        """The sum of each pair's evidence, without the prior."""
        out = rarity.sum(axis=1, dtype=np.float64)
        for i, weights in enumerate(self.weights()):
            out += np.append(weights, 0.0)[levels[:, i]]
        return out


def train(comparisons: Sequence[Comparison], scene: Scene, apart: Sequence[Apart] = ()) -> Model:
    """Estimate the model by expectation and maximisation under the one-to-one rule; deterministic."""
    counted = np.ones(len(scene)) if scene.counted is None else scene.counted.astype(float)
    pairs = scene.of * counted.sum()
    sizes = scene.size_bc, scene.size_dv
    start = tuple(c.m for c in comparisons), tuple(c.u for c in comparisons)
    model = Model(*start, _prior(0.5 * min(sizes), pairs, *sizes))
    if not len(scene) or not comparisons:
        return model
    field = Field(scene.bc, scene.dv, *sizes)
    twins = [_TWINS] * len(apart)
    for _ in range(ROUNDS):
        total = model.total(scene.levels, scene.rarity)
        probability = field.probabilities(scene.settled(total + model.prior), sweeps=8)
        parts = [(scene.levels, probability * counted, (1.0 - probability) * counted)]
        for n, other in enumerate(apart):
            twin = _logistic(model.total(other.levels, other.rarity) + twins[n])
            share = (twin.sum() + 0.5) / (len(twin) + 100.0)
            twins[n] = float(np.log2(share / (1.0 - share)))
            parts.append((other.levels, np.zeros(len(twin)), 1.0 - twin))
        m, u = _maximise(comparisons, parts)
        step = Model(m, u, _prior(float(scene.of * (probability * counted).sum()), pairs, *sizes))
        moved = max(np.abs(a - b).max() for a, b in zip(step.m, model.m, strict=True))
        done = moved < 1e-4 and abs(step.prior - model.prior) < 1e-3
        model = step
        if done:
            break
    return model


def _logistic(bits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp2(-np.clip(bits, -LARGEST, LARGEST)))


def _maximise(
    comparisons: Sequence[Comparison], parts: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """The shares that fit best, given how probable each pair of each part is (levels, for, against)."""
    m, u = [], []
    for i, comparison in enumerate(comparisons):
        count = len(comparison.levels)
        yes, no = PSEUDO_M * comparison.m, PSEUDO_U * comparison.u
        for levels, belongs, differs in parts:
            # Level -1, missing, is counted at the end and left out.
            reached = levels[:, i].astype(np.int64) + 1
            yes = yes + np.bincount(reached, belongs, count + 1)[1:]
            no = no + np.bincount(reached, differs, count + 1)[1:]
        shares_m, shares_u = _in_order(yes / yes.sum(), no / no.sum(), comparison.order)
        m.append(shares_m)
        u.append(shares_u)
    return tuple(m), tuple(u)


def _in_order(m: np.ndarray, u: np.ndarray, order: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The shares, changed so that a better level of ``order`` never speaks less for a pair than a worse one.

    Neighbours that are out of order are taken together (pooled adjacent violators).
    """
    groups: list[list[int]] = []
    for level in order:
        groups.append([level])
        while len(groups) > 1:
            worse, better = groups[-1], groups[-2]
            if m[worse].sum() / u[worse].sum() <= m[better].sum() / u[better].sum():
                break
            groups[-2:] = [better + worse]
    m = m.copy()
    for group in groups:
        if len(group) > 1:
            m[group] = u[group] * (m[group].sum() / u[group].sum())
    return m, u


def _prior(matches: float, pairs: float, size_bc: int, size_dv: int) -> float:
    """Bits of the odds that two candidates with no other partner belong together.

    Of all candidate pairs, ``matches`` are coupled; the others are worth asking about only where both records
    are free.
    """
    free = 1.0
    for size in (size_bc, size_dv):
        coupled = (matches + PSEUDO_RECORDS / 2) / (size + PSEUDO_RECORDS)
        free *= 1.0 - min(coupled, MOST_COUPLED)
    rate = (matches + 0.5) / (pairs + 1.0)
    return float(np.log2(rate / free))


class Field:
    """The candidates as a graph, and the messages its records last sent each other."""

    def __init__(self, bc: np.ndarray, dv: np.ndarray, size_bc: int, size_dv: int) -> None:
        self.bc, self.dv = bc, dv
        self.size_bc, self.size_dv = size_bc, size_dv
        self.from_bc = np.ones(len(bc))
        self.from_dv = np.ones(len(bc))

    def probabilities(self, weights: np.ndarray, sweeps: int) -> np.ndarray:
        """Each pair's probability when every record has one partner at most; ``weights`` are odds in bits.

        A message is how free a record is for the other one, all its other candidates considered.
        """
        odds = np.exp2(np.clip(weights, -LARGEST, LARGEST))
        for _ in range(sweeps):
            before = self.from_dv
            self.from_bc = self._free(self.bc, odds * self.from_dv, self.size_bc)
            self.from_dv = self._free(self.dv, odds * self.from_bc, self.size_dv)
            if not len(before) or np.abs(self.from_dv - before).max() < 1e-6:
                break
        joint = odds * self.from_bc * self.from_dv
        return joint / (1.0 + joint)

    @staticmethod
    def _free(record: np.ndarray, claims: np.ndarray, size: int) -> np.ndarray:
        others = np.maximum(np.bincount(record, claims, size)[record] - claims, 0.0)
        return 1.0 / (1.0 + others)
