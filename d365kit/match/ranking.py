"""Ranking (pairs found and judged) → the rows of Proposals, with reasons, fingerprints and the records left over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from d365kit.compare import values
from d365kit.kinds import SIDES, Side
from d365kit.match.explain import Line, as_text, compared_fields, evidence_json, fingerprint, prints_of, reason
from d365kit.match.prepare import Pool
from d365kit.nouns.frames import plain

NOTHING = "nothing found"
TIE = "two equally good candidates"
RIVAL = "another good candidate has no partner"

Tell = Callable[[str, int, int], None]
Row = dict[str, object]
RowPair = tuple[int, int]


@dataclass(frozen=True)
class Ranking:
    """Pairs worth showing, by row numbers of the pool, in parallel arrays.

    ``notes`` says in words what keeps a pair from being certain, or is ``""``; ``lines`` gives the evidence of
    the n-th pair.
    """

    bc: np.ndarray
    dv: np.ndarray
    score: np.ndarray
    probability: np.ndarray
    margin: np.ndarray
    chosen: np.ndarray
    bands: np.ndarray
    notes: Sequence[str]
    lines: Callable[[int], list[Line]]


class Prints:
    """Fingerprints of pairs: what was compared, so that a rejected pair is known again while it is the same."""

    def __init__(self, pool: Pool) -> None:
        fields = compared_fields(pool.kind)
        self._prints = {side: prints_of(pool, side, fields) for side in SIDES}
        self._rows = {side: {record: n for n, record in enumerate(pool.ids[side])} for side in SIDES}

    def pair(self, bc: int, dv: int) -> str:
        """The fingerprint of two records, by row number."""
        return fingerprint(self._prints["bc"][bc], self._prints["dv"][dv])

    def refused(self, rejected: pd.DataFrame) -> set[RowPair]:
        """The rejected pairs whose values are as they were; one without a fingerprint stays rejected."""
        out = set()
        columns = (rejected[name] for name in ("bc_id", "dv_id", "fingerprint"))
        for bc_id, dv_id, before in zip(*columns, strict=True):
            bc, dv = self._rows["bc"].get(str(bc_id)), self._rows["dv"].get(str(dv_id))
            if bc is not None and dv is not None and (not plain(before) or self.pair(bc, dv) == before):
                out.add((bc, dv))
        return out


def rows_of(pool: Pool, ranking: Ranking, prints: Prints) -> list[Row]:
    """The rows in order: pairs by BC record and rank, then the records of either side without any candidate."""
    names = {side: [as_text(v) for v in values(pool.frames[side], pool.kind.name_field)] for side in SIDES}
    rows = [_row(pool, ranking, prints, names, n) for n in range(len(ranking.bc))]
    for row, rank in zip(rows, ranks(ranking.bc, ranking.score), strict=True):
        row["rank"] = int(rank)
    rows.sort(key=lambda r: (r["bc_id"], r["rank"], r["dv_id"]))
    for side, paired in zip(SIDES, (ranking.bc, ranking.dv), strict=True):
        alone = sorted(set(range(pool.size(side))) - set(paired.tolist()))
        rows += [_lonely(side, pool.ids[side][n], names[side][n]) for n in alone]
    return rows


def _row(pool: Pool, ranking: Ranking, prints: Prints, names: dict[Side, list[str | None]], n: int) -> Row:
    bc, dv = int(ranking.bc[n]), int(ranking.dv[n])
    lines = ranking.lines(n)
    return {
        "bc_id": pool.ids["bc"][bc],
        "dv_id": pool.ids["dv"][dv],
        "bc_name": names["bc"][bc],
        "dv_name": names["dv"][dv],
        "band": str(ranking.bands[n]),
        "chosen": bool(ranking.chosen[n]),
        "score": float(ranking.score[n]),
        "probability": float(ranking.probability[n]),
        "margin": float(ranking.margin[n]),
        "reason": reason(pool.kind, lines, ranking.notes[n]),
        "evidence": evidence_json(lines),
        "fingerprint": prints.pair(bc, dv),
    }


def _lonely(side: Side, record: str, name: str | None) -> Row:
    return {
        f"{side}_id": record,
        f"{side}_name": name,
        "band": NOTHING,
        "chosen": False,
        "reason": "no candidate on the other side",
        "evidence": "[]",
    }


def ranks(record: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The place of each pair among the pairs of the same record, best first; equals share the better place.

    >>> ranks(np.array([7, 7, 8]), np.array([1.0, 3.0, 2.0])).tolist()
    [2, 1, 1]
    """
    if not len(record):
        return np.zeros(0, dtype=np.int64)
    return pd.Series(-score).groupby(record).rank(method="min").to_numpy(dtype=np.int64)
