"""Answers of people + evidence → how much more or less each comparison counts, and how far the odds were off.

A model without labels is wrong in its own way on every dataset. A few answers where it doubts most tell in which
direction: each comparison's weights are stretched or shrunk as a whole, and the starting odds moved, as far as the
answers ask for it. Without answers nothing changes; few answers change little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: How far a comparison's factor and the odds (in bits) are expected to be off: the spread of the prior belief.
_FACTOR_SPREAD = 0.2
_SHIFT_SPREAD = 3.0
#: No comparison counts for less or more than this much of what it did.
_FACTORS = (0.3, 2.0)
#: Fewer answers than this teach nothing that could be told from chance.
LEAST_ANSWERS = 8


@dataclass(frozen=True)
class Lesson:
    """Factors by comparison and a shift of the odds in bits."""

    factors: np.ndarray
    shift: float

    @classmethod
    def none(cls, comparisons: int) -> Lesson:
        return cls(np.ones(comparisons), 0.0)

    @property
    def trivial(self) -> bool:
        """Whether it changes nothing."""
        return self.shift == 0.0 and bool((self.factors == 1.0).all())


def learn(evidence: np.ndarray, offset: np.ndarray, verdict: np.ndarray) -> Lesson:
    """Fit a lesson to answered pairs; the same answers give the same lesson, in whatever order.

    ``evidence`` is answered pairs × comparisons in bits, ``offset`` the rest of each pair's odds in bits (the prior
    and what its rivals leave it), ``verdict`` 1 where the two belong together and 0 where not.
    """
    from scipy.optimize import minimize

    count = evidence.shape[1]
    if len(verdict) < LEAST_ANSWERS:
        return Lesson.none(count)
    rows = np.lexsort((*evidence.T, offset, verdict))
    evidence, offset, sign = evidence[rows].astype(float), offset[rows], np.where(verdict[rows] > 0.5, 1.0, -1.0)

    def cost(at: np.ndarray) -> tuple[float, np.ndarray]:
        bits = np.clip(evidence @ at[:-1] + at[-1] + offset, -40, 40) * np.log(2.0)
        loss = np.logaddexp(0.0, -sign * bits).sum()
        slope = -sign / (1.0 + np.exp(sign * bits)) * np.log(2.0)
        belief = ((at[:-1] - 1.0) ** 2).sum() / (2 * _FACTOR_SPREAD**2) + at[-1] ** 2 / (2 * _SHIFT_SPREAD**2)
        back = np.append((at[:-1] - 1.0) / _FACTOR_SPREAD**2, at[-1] / _SHIFT_SPREAD**2)
        return loss + belief, np.append(evidence.T @ slope, slope.sum()) + back

    start = np.append(np.ones(count), 0.0)
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[_FACTORS] * count + [(-12.0, 12.0)]).x
    return Lesson(found[:-1], float(found[-1]))
