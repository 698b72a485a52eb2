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
    ``hidden`` are twins that a filter hides. ``at`` are the positions of the pairs among all that `untaught` weighs.
    """

    candidates: Candidates
    model: Model
    total: np.ndarray
    probability: np.ndarray
    assignment: Assignment
    hidden: Hidden
    at: np.ndarray

    @property
    def net(self) -> np.ndarray:
        return self.total + self.model.prior

    @property
    def alone(self) -> np.ndarray:
        """The probability each pair would have if its records had no other candidate."""
        return 1.0 / (1.0 + np.exp2(-np.clip(self.net, -40.0, 40.0)))


def untaught(work: Work) -> Weighed:
    """All pairs weighed as if nobody had decided anything; done once for each work."""
    if (held := work.kept.get("untaught")) is None:
        found, pool = work.candidates, work.pool
        assert found is not None
        left, right = pool.inside["bc"][found.pairs.left], pool.inside["dv"][found.pairs.right]
        everything = found if (left & right).all() else found.only(left & right)
        scene = _scene(everything, np.full(len(everything), np.nan))
        model = train(found.comparisons, _for_training(pool, scene), list(found.within.values()))
        total = model.total(scene.levels, scene.rarity)
        field = Field(scene.bc, scene.dv, pool.size("bc"), pool.size("dv"))
        probability = field.probabilities(total + model.prior, SWEEPS)
        work.kept["left over"] = np.log2(np.maximum(field.from_bc * field.from_dv, 1e-12))
        held = _assigned(work, everything, model, total, probability, np.arange(len(everything)))
        work.kept["untaught"] = held
    return held  # type: ignore[return-value]


def weigh(work: Work, state: State) -> tuple[Weighed, bool]:
    """Weigh the pairs of free records, with what people's answers taught; and tell whether they taught anything."""
    base = untaught(work)
    everything, model = base.candidates, base.model
    known = _known(everything, state)
    free = state.takes_part["bc"][everything.pairs.left] & state.takes_part["dv"][everything.pairs.right]
    answered = np.flatnonzero(~np.isnan(known))
    if not len(answered) and free.all():
        return base, False
    lesson = _lesson(work, base, answered, known[answered])
    scene = _scene(everything, known)
    if lesson.trivial:
        total = base.total
    else:
        model = model.weighed(lesson.factors, lesson.shift)
        total = model.total(scene.levels, scene.rarity)
    field = Field(scene.bc, scene.dv, work.pool.size("bc"), work.pool.size("dv"))
    probability = field.probabilities(scene.settled(total + model.prior), SWEEPS)
    at = np.flatnonzero(free & ~(known < 0.5))
    return _assigned(work, everything.only(at), model, total[at], probability[at], at), not lesson.trivial


def _scene(found: Candidates, known: np.ndarray) -> Scene:
    """The pairs with all they are judged by; records without any candidate take no part, so strangers do no harm."""
    bc, dv = found.pairs.left, found.pairs.right
    return Scene(bc, dv, found.levels, found.rarity, _different(bc), _different(dv), known)


def _different(rows: np.ndarray) -> int:
    """How many different row numbers there are."""
    return int(np.count_nonzero(np.bincount(rows)))


def _lesson(work: Work, base: Weighed, answered: np.ndarray, verdict: np.ndarray) -> Lesson:
    """What the answers teach."""
    found = base.candidates
    if not len(answered):
        return Lesson.none(len(found.comparisons))
    rarity = found.rarity[answered]
    left_over: np.ndarray = work.kept["left over"]  # type: ignore[assignment]
    offset = base.model.prior + left_over[answered] + rarity.sum(axis=1, dtype=float)
    evidence = base.model.evidence(found.comparisons, found.levels[answered], np.zeros_like(rarity))
    return learn(evidence, offset, verdict)


def _assigned(
    work: Work, found: Candidates, model: Model, total: np.ndarray, probability: np.ndarray, at: np.ndarray
) -> Weighed:
    """Partners for the pairs, and the twins that filters hide."""
    inside = work.pool.inside
    all_pairs = work.candidates
    assert all_pairs is not None
    outside = all_pairs.only(inside["bc"][all_pairs.pairs.left] ^ inside["dv"][all_pairs.pairs.right])
    hidden = Hidden(outside.pairs, model.total(outside.levels, outside.rarity) + model.prior)
    made = assign(found.pairs.left, found.pairs.right, total, model.prior)
    return Weighed(found, model, total, probability, made, hidden, at)


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
