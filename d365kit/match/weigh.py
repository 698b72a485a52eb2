"""Work + State → Weighed: the model trained and taught, every free pair's probability, partner and band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from d365kit.kinds import SIDES
from d365kit.match.assign import Assignment, assign
from d365kit.match.blocking import Pairs
from d365kit.match.learn import Lesson, learn
from d365kit.match.linkage import Candidates
from d365kit.match.prepare import Pool, sample
from d365kit.match.train import Field, Model, Scene, train
from d365kit.match.work import State, Work

#: Training looks at so many pairs at the most.
MOST_TRAINED = 1_500_000
SWEEPS = 60


@dataclass(frozen=True)
class Hidden:
    """Pairs one of whose records the mapping's filter leaves out, and their odds in bits were it not so."""

    pairs: Pairs
    net: np.ndarray


@dataclass(frozen=True)
class Weighed:
    """The candidates of the records that want a partner, weighed.

    ``total`` is each pair's evidence in bits and ``prior`` the odds it starts from. ``probability`` counts the
    rivals of both records. ``assignment`` is one-to-one. ``model`` has the lesson of people's answers in it.
    ``hidden`` are twins that a filter hides.
    """

    candidates: Candidates
    model: Model
    total: np.ndarray
    probability: np.ndarray
    assignment: Assignment
    hidden: Hidden

    @property
    def net(self) -> np.ndarray:
        return self.total + self.model.prior

    @property
    def alone(self) -> np.ndarray:
        """The probability each pair would have if its records had no other candidate."""
        return 1.0 / (1.0 + np.exp2(-np.clip(self.net, -40.0, 40.0)))


def weigh(work: Work, state: State) -> tuple[Weighed, Weighed]:
    """Weigh the free pairs: with what people's answers taught, and without it.

    The two are one and the same object while nothing was learnt.
    """
    found, pool = work.candidates, work.pool
    assert found is not None
    left, right = pool.inside["bc"][found.pairs.left], pool.inside["dv"][found.pairs.right]
    everything = found if (left & right).all() else found.only(left & right)
    outside = found.only(left ^ right)
    known = _known(everything, state)
    scene = Scene(
        everything.pairs.left, everything.pairs.right, everything.levels, everything.rarity,
        pool.size("bc"), pool.size("dv"), known,
    )  # fmt: skip
    model = train(found.comparisons, _for_training(pool, scene), list(found.within.values()))
    total = model.total(scene.levels, scene.rarity)
    field = Field(scene.bc, scene.dv, scene.size_bc, scene.size_dv)
    untaught = _judge(everything, outside, scene, state, model, total, field)
    answered = np.flatnonzero(~np.isnan(known))
    lesson = Lesson.none(len(found.comparisons))
    if len(answered):
        field.probabilities(total + model.prior, SWEEPS)
        left_over = np.log2(np.maximum(field.from_bc * field.from_dv, 1e-12))[answered]
        rarity = scene.rarity[answered]
        offset = model.prior + left_over + rarity.sum(axis=1, dtype=float)
        evidence = model.evidence(found.comparisons, scene.levels[answered], np.zeros_like(rarity))
        lesson = learn(evidence, offset, known[answered])
    if lesson.shift == 0.0 and (lesson.factors == 1.0).all():
        return untaught, untaught
    taught = model.weighed(lesson.factors, lesson.shift)
    total = taught.total(scene.levels, scene.rarity)
    return _judge(everything, outside, scene, state, taught, total, field), untaught


def _judge(
    found: Candidates,
    outside: Candidates,
    scene: Scene,
    state: State,
    model: Model,
    total: np.ndarray,
    field: Field,
) -> Weighed:
    """Probabilities with all pairs in play, then partners for the free ones."""
    probability = field.probabilities(scene.settled(total + model.prior), SWEEPS)
    free = state.takes_part["bc"][scene.bc] & state.takes_part["dv"][scene.dv] & ~(scene.known < 0.5)
    if not free.all():
        found, total, probability = found.only(free), total[free], probability[free]
    made = assign(found.pairs.left, found.pairs.right, total, model.prior)
    hidden = Hidden(outside.pairs, model.total(outside.levels, outside.rarity) + model.prior)
    return Weighed(found, model, total, probability, made, hidden)


def _known(found: Candidates, state: State) -> np.ndarray:
    """What somebody decided of each pair: 1, 0, or nan."""
    out = np.full(len(found), np.nan)
    code = found.pairs.codes
    for (bc, dv), verdict in ((state.refused, 0.0), (state.coupled, 1.0)):
        asked = bc.astype(np.int64) << 32 | dv.astype(np.int64)
        if len(asked) and len(code):
            at = np.minimum(np.searchsorted(code, asked), len(code) - 1)
            out[at[code[at] == asked]] = verdict
    return out


def _for_training(pool: Pool, scene: Scene) -> Scene:
    """The whole scene, or where it is large, the pairs of some records together with all they compete with."""
    if len(scene) <= MOST_TRAINED:
        return scene
    share = MOST_TRAINED / len(scene) / 4
    drawn = {side: sample(pool, side, share) for side in SIDES}
    counted = drawn["bc"][scene.bc] | drawn["dv"][scene.dv]
    near = {s: d.copy() for s, d in drawn.items()}
    near["bc"][scene.bc[counted]] = True
    near["dv"][scene.dv[counted]] = True
    keep = near["bc"][scene.bc] | near["dv"][scene.dv]
    return Scene(
        scene.bc[keep], scene.dv[keep], scene.levels[keep], scene.rarity[keep], scene.size_bc, scene.size_dv,
        scene.known[keep], counted[keep], len(scene) / max(int(counted.sum()), 1),
    )  # fmt: skip
