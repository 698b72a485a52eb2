"""Candidates → a model without labels: weights by level, and each pair's probability under one-to-one.

Ordinary training takes duplicates and branches of a true partner for matches. Here the candidates of a record
compete with each other and with “no partner”: the probability of a pair is its share in all one-to-one
couplings, worked out by passing messages between the records (exact where candidates form no circle).
What cannot be told from the data falls back to the starting shares, in proportion to how little data there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from d365kit.match.linkage import Candidates

#: The starting shares count as much as this many pairs whose answer is known.
PSEUDO_M = 15.0
PSEUDO_U = 40.0
#: The share of records with a partner is taken to be one half by this many records more, and never above that.
PSEUDO_RECORDS = 4.0
MOST_COUPLED = 0.9
ROUNDS = 60
#: Weights of a pair beyond this many bits make no difference to its probability.
LARGEST = 40.0


@dataclass(frozen=True)
class Model:
    """Shares by comparison and level among true pairs (m) and other candidates (u), and the starting odds."""

    m: tuple[np.ndarray, ...]
    u: tuple[np.ndarray, ...]
    prior: float

    def weights(self) -> tuple[np.ndarray, ...]:
        """Bits of evidence by comparison and level."""
        return tuple(np.log2(m / u) for m, u in zip(self.m, self.u, strict=True))


@dataclass(frozen=True)
class Scored:
    """Candidates with the evidence of each comparison, their sum, and the pair's probability."""

    candidates: Candidates
    evidence: np.ndarray
    score: np.ndarray
    probability: np.ndarray
    prior: float

    @property
    def alone(self) -> np.ndarray:
        """The probability each pair would have if its records had no other candidate."""
        return 1.0 / (1.0 + np.exp2(-np.clip(self.score + self.prior, -LARGEST, LARGEST)))


def score(candidates: Candidates, size_bc: int, size_dv: int) -> Scored:
    """Train on the candidates themselves and score them; the same input gives the same output."""
    comparisons = candidates.comparisons
    if not len(candidates):
        nothing = np.zeros(0)
        return Scored(candidates, np.zeros((0, len(comparisons))), nothing, nothing, 0.0)
    model = train(candidates, size_bc, size_dv)
    evidence = _evidence(candidates, model)
    total = evidence.sum(axis=1)
    field = _Field(candidates, size_bc, size_dv)
    probability = field.probabilities(total + model.prior, sweeps=60)
    return Scored(candidates, evidence, total, probability, model.prior)


def train(candidates: Candidates, size_bc: int, size_dv: int) -> Model:
    """Estimate the model by expectation and maximisation under the one-to-one rule."""
    comparisons = candidates.comparisons
    start = Model(
        tuple(c.m for c in comparisons),
        tuple(c.u for c in comparisons),
        _prior(0.5 * min(size_bc, size_dv), len(candidates), size_bc, size_dv),
    )
    field = _Field(candidates, size_bc, size_dv)
    model = start
    for _ in range(ROUNDS):
        weights = _evidence(candidates, model).sum(axis=1) + model.prior
        probability = field.probabilities(weights, sweeps=8)
        step = _maximise(candidates, probability, size_bc, size_dv)
        moved = max(np.abs(a - b).max() for a, b in zip(step.m, model.m, strict=True))
        model, done = step, moved < 1e-4 and abs(step.prior - model.prior) < 1e-3
        if done:
            break
    return model


def _maximise(candidates: Candidates, probability: np.ndarray, size_bc: int, size_dv: int) -> Model:
    """The shares that fit best, given how probable each pair is."""
    m, u = [], []
    for i, comparison in enumerate(candidates.comparisons):
        reached = candidates.levels[:, i]
        there = reached >= 0
        count = len(comparison.levels)
        yes = np.bincount(reached[there], probability[there], count)
        no = np.bincount(reached[there], 1.0 - probability[there], count)
        m.append((yes + PSEUDO_M * comparison.m) / (yes.sum() + PSEUDO_M))
        u.append((no + PSEUDO_U * comparison.u) / (no.sum() + PSEUDO_U))
    return Model(tuple(m), tuple(u), _prior(float(probability.sum()), len(candidates), size_bc, size_dv))


def _prior(matches: float, pairs: int, size_bc: int, size_dv: int) -> float:
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


def _evidence(candidates: Candidates, model: Model) -> np.ndarray:
    """Bits by pair and comparison; missing values give none."""
    out = np.zeros(candidates.levels.shape)
    for i, weights in enumerate(model.weights()):
        reached = candidates.levels[:, i]
        out[:, i] = np.where(reached >= 0, weights[np.maximum(reached, 0)], 0.0)
    return out + candidates.rarity


class _Field:
    """The candidates as a graph, and the messages its records last sent each other."""

    def __init__(self, candidates: Candidates, size_bc: int, size_dv: int) -> None:
        self.bc, self.dv = candidates.bc, candidates.dv
        self.size_bc, self.size_dv = size_bc, size_dv
        self.from_bc = np.ones(len(candidates))
        self.from_dv = np.ones(len(candidates))

    def probabilities(self, weights: np.ndarray, sweeps: int) -> np.ndarray:
        """Each pair's probability when every record has one partner at most; ``weights`` are odds in bits.

        A message is how free a record is for the other one, all its other candidates considered.
        """
        odds = np.exp2(np.clip(weights, -LARGEST, LARGEST))
        for _ in range(sweeps):
            before = self.from_dv
            self.from_bc = self._free(self.bc, odds * self.from_dv, self.size_bc)
            self.from_dv = self._free(self.dv, odds * self.from_bc, self.size_dv)
            if np.abs(self.from_dv - before).max() < 1e-6:
                break
        joint = odds * self.from_bc * self.from_dv
        return joint / (1.0 + joint)

    @staticmethod
    def _free(record: np.ndarray, claims: np.ndarray, size: int) -> np.ndarray:
        others = np.maximum(np.bincount(record, claims, size)[record] - claims, 0.0)
        return 1.0 / (1.0 + others)
