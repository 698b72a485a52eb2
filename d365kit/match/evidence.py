"""Work of a kind with many fields → Ranking: candidates weighed, assigned one to one, banded, and explained."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from d365kit.match.asking import most_doubtful
from d365kit.match.assign import bands
from d365kit.match.doubts import doubts_of
from d365kit.match.explain import evidence_column, reason_column
from d365kit.match.prepare import Pool
from d365kit.match.ranking import TIE, Ranking, Tell, ranks
from d365kit.match.rivals import hidden_twins, relations, runner_ups, settling
from d365kit.match.weigh import Weighed, untaught, weigh
from d365kit.match.work import State, Work

#: A candidate less probable than this, were it the only one, is not worth a look.
WORTH_A_LOOK = 0.02
#: A pair that becomes certain by people's answers alone must be so many bits further ahead.
TAUGHT_LEAD = 12.0
#: So many candidates of one record are shown.
SHOWN = 5


def by_evidence(work: Work, state: State, tell: Tell, *, details: bool) -> Ranking:
    """Rank the pairs of a kind that is weighed over many fields."""
    pool, found = work.pool, work.candidates
    assert found is not None
    tell(f"{pool.kind.title}: weighing {len(found):,} pairs", 2, 4)
    weighed, band, notes = _judged(work, state)
    keep = np.flatnonzero(_worth_showing(weighed))
    tell(f"{pool.kind.title}: writing down {len(keep):,} candidates", 3, 4)
    return _ranking(pool, state, weighed, band, notes, keep, details=details)


def questions(work: Work, state: State, count: int) -> Ranking:
    """The most doubtful pairs, in the order in which they should be asked about."""
    weighed, band, notes = _judged(work, state)
    keep = most_doubtful(weighed, count)
    nobody = State(
        {side: np.zeros_like(free) for side, free in state.takes_part.items()}, state.coupled, state.refused
    )
    return _ranking(work.pool, nobody, weighed, band, notes, keep, details=True)


def _judged(work: Work, state: State) -> tuple[Weighed, np.ndarray, np.ndarray]:
    """The free pairs weighed, with the band of each and what is to be said of it."""
    pool = work.pool
    weighed, taught = weigh(work, state)
    notes = _doubts(pool, weighed)
    doubted = notes != ""
    band = bands(weighed.assignment, weighed.probability, doubted, TAUGHT_LEAD * taught)
    # What is certain before anybody answers stays so while it is still the choice: answers only add to it.
    band[_certain_untaught(work)[weighed.at] & weighed.assignment.chosen & ~doubted] = "certain"
    for at, note in relations(pool, weighed).items():
        notes[at] = notes[at] or note
    return weighed, band, notes


def _certain_untaught(work: Work) -> np.ndarray:
    """Which of all pairs are certain while nobody has answered; found out once for each work."""
    if (held := work.kept.get("certain")) is None:
        base = untaught(work)
        band = bands(base.assignment, base.probability, _doubts(work.pool, base) != "")
        held = work.kept["certain"] = band == "certain"
    return held  # type: ignore[return-value]


def _ranking(
    pool: Pool,
    state: State,
    weighed: Weighed,
    band: np.ndarray,
    notes: np.ndarray,
    keep: np.ndarray,
    *,
    details: bool,
) -> Ranking:
    pairs, comparisons = weighed.candidates.pairs, weighed.candidates.comparisons
    bc, dv, levels = pairs.left[keep], pairs.right[keep], weighed.candidates.levels[keep]
    nothing = pa.nulls(len(keep), pa.string())
    evidence, runner_up, settles = nothing, nothing, nothing
    if details and len(keep):
        bits = weighed.model.evidence(comparisons, levels, weighed.candidates.rarity[keep])
        evidence = evidence_column(pool, comparisons, bc, dv, levels, bits)
        # The pieces took several times its room; Arrow would keep that for later.
        pa.default_memory_pool().release_unused()
        runner_up = runner_ups(pool, weighed, keep, bits)
        settles = settling(pool, weighed, keep, band[keep])
    return Ranking(
        bc, dv, weighed.total[keep], weighed.probability[keep], weighed.assignment.margin[keep],
        weighed.assignment.chosen[keep], band[keep],
        reason_column(pool.kind, comparisons, weighed.model.weights(), levels, notes[keep]),
        evidence, runner_up, settles, state.takes_part, hidden_twins(pool, state, weighed),
    )  # fmt: skip


def _worth_showing(weighed: Weighed) -> np.ndarray:
    """The chosen and tied pairs, and the few best others of either record."""
    pairs, made = weighed.candidates.pairs, weighed.assignment
    worth = np.flatnonzero(weighed.alone >= WORTH_A_LOOK)
    among_best = np.zeros(len(pairs), dtype=bool)
    for record in (pairs.left, pairs.right):
        among_best[worth[ranks(record[worth], weighed.total[worth]) <= SHOWN]] = True
    return made.chosen | made.tied | among_best


def _doubts(pool: Pool, weighed: Weighed) -> np.ndarray:
    """Why a pair must not be taken for certain, or ``""``: a tie, or a doubt of matching.toml."""
    notes = doubts_of(pool.kind, weighed.candidates.comparisons, weighed.candidates.levels)
    notes[weighed.assignment.tied] = TIE
    return notes
