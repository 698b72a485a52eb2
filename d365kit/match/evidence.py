"""Pool of a kind with many fields → Ranking: candidates found, weighed, assigned one to one, and banded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from d365kit.compare import values
from d365kit.kinds import SIDES
from d365kit.match.assign import Assignment, assign, bands, free_rival
from d365kit.match.explain import Line, as_text
from d365kit.match.linkage import Candidates, candidates
from d365kit.match.prepare import Pool
from d365kit.match.ranking import RIVAL, TIE, Ranking, RowPair, Tell, ranks
from d365kit.match.templates import MISSING
from d365kit.match.train import Scored, score

#: A candidate less probable than this, were it the only one, is not worth a look.
WORTH_A_LOOK = 0.02
#: So many candidates of one record are shown.
SHOWN = 5


def by_evidence(pool: Pool, refused: set[RowPair], tell: Tell) -> Ranking:
    """Rank the pairs of a kind that is weighed over many fields; ``refused`` pairs take no part."""
    title = pool.kind.title
    tell(f"{title}: finding candidates", 1, 4)
    found = candidates(pool)
    if refused:
        pairs = zip(found.bc.tolist(), found.dv.tolist(), strict=True)
        found = found.only(np.array([pair not in refused for pair in pairs], dtype=bool))
    tell(f"{title}: weighing {len(found):,} pairs", 2, 4)
    scored = score(found, *(pool.size(s) for s in SIDES))
    made = assign(found.bc, found.dv, scored.score, scored.prior)
    notes = _notes(pool, scored, made)
    band = bands(made, scored.probability, notes != "")
    keep = np.flatnonzero(_worth_showing(scored, made))
    tell(f"{title}: writing down {len(keep):,} candidates", 3, 4)
    writer = _Writer(pool, scored)
    return Ranking(
        found.bc[keep],
        found.dv[keep],
        scored.score[keep],
        scored.probability[keep],
        made.margin[keep],
        made.chosen[keep],
        band[keep],
        notes[keep].tolist(),
        lambda n: writer.lines(int(keep[n])),
    )


def _worth_showing(scored: Scored, made: Assignment) -> np.ndarray:
    """The chosen and tied pairs, and the few best others of either record."""
    found = scored.candidates
    among_best = np.minimum(ranks(found.bc, scored.score), ranks(found.dv, scored.score)) <= SHOWN
    return made.chosen | made.tied | (among_best & (scored.alone >= WORTH_A_LOOK))


def _notes(pool: Pool, scored: Scored, made: Assignment) -> np.ndarray:
    """Why a pair must not be taken for certain, or ``""``: a tie, a free rival, or a doubt of matching.toml.

    A doubt names a comparison and levels; it holds unless one of the comparisons in ``unless`` agrees exactly.
    """
    found = scored.candidates
    notes = np.full(len(found), "", dtype=object)
    where = {c.field: i for i, c in enumerate(found.comparisons)}
    for doubt in pool.kind.match.get("doubts", ()):  # type: ignore[attr-defined]
        if doubt["field"] in where:
            at = where[doubt["field"]]
            words = np.array([*(level.word for level in found.comparisons[at].levels), MISSING])
            holds = np.isin(words[found.levels[:, at]], doubt["levels"])
            for field in doubt.get("unless", ()):
                holds &= found.levels[:, where[field]] != 0 if field in where else True
            notes[holds] = doubt["note"]
    rivalled = free_rival(found.bc, found.dv, scored.score + scored.prior, made.chosen)
    notes[made.chosen & rivalled] = RIVAL
    notes[made.tied] = TIE
    return notes


class _Writer:
    """Writes the evidence lines of scored pairs; each shown value becomes text once."""

    def __init__(self, pool: Pool, scored: Scored) -> None:
        self._found: Candidates = scored.candidates
        self._bits = scored.evidence
        self._texts = {side: [_shown(pool.frames[side], c.shows) for c in self._found.comparisons] for side in SIDES}

    def lines(self, n: int) -> list[Line]:
        """The evidence of the ``n``-th candidate pair, in the order of matching.toml."""
        out = []
        bc, dv = self._found.bc[n], self._found.dv[n]
        for i, comparison in enumerate(self._found.comparisons):
            left, right = self._texts["bc"][i][bc], self._texts["dv"][i][dv]
            level = self._found.levels[n, i]
            if level < 0:
                out.append(Line(comparison.field, left, right, MISSING, 0.0))
            else:
                reached = comparison.levels[level]
                out.append(Line(comparison.field, left, right, reached.word, float(self._bits[n, i]), reached.says))
        return out


def _shown(frame: pd.DataFrame, shows: tuple[str, ...]) -> list[str | None]:
    """For every record the values that a comparison shows, as one text."""
    columns = [[as_text(v) for v in values(frame, field)] for field in shows]
    return [" · ".join(t for t in row if t) or None for row in zip(*columns, strict=True)]
