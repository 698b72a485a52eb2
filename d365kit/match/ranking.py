"""Ranking (pairs found and judged) → the rows of Proposals, with reasons, fingerprints and the records left over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from d365kit.kinds import SIDES, Side
from d365kit.match.explain import compared_fields, fingerprint, prints_of, texts
from d365kit.match.prepare import Pool
from d365kit.nouns.frames import plain, to_frame
from d365kit.nouns.proposals import PROPOSAL_COLUMNS

NOTHING = "nothing found"
TIE = "two equally good candidates"
NO_CANDIDATE = "no candidate on the other side"

Tell = Callable[[str, int, int], None]
RowPair = tuple[int, int]


@dataclass(frozen=True)
class Ranking:
    """Pairs worth showing, by row numbers of the pool, in parallel arrays.

    ``reasons`` and ``evidence`` are texts, a pair each. ``runner_up`` says why the next candidate lost, ``settles``
    which value would settle a doubt; both are null where there is nothing to say. ``alone`` holds, for records
    without any candidate, what to say instead of `NO_CANDIDATE`, by side and row number. ``takes_part`` tells by
    side which records want a partner.
    """

    bc: np.ndarray
    dv: np.ndarray
    score: np.ndarray
    probability: np.ndarray
    margin: np.ndarray
    chosen: np.ndarray
    bands: np.ndarray
    reasons: pa.Array
    evidence: pa.Array
    runner_up: pa.Array
    settles: pa.Array
    takes_part: Mapping[Side, np.ndarray]
    alone: Mapping[Side, Mapping[int, str]]


class Prints:
    """Fingerprints of pairs: what was compared, so that a rejected pair is known again while it is the same."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._fields = compared_fields(pool.kind)

    def pairs(self, bc: np.ndarray, dv: np.ndarray) -> list[str]:
        """The fingerprint of every two records, by row number."""
        left = prints_of(self._pool, "bc", self._fields, bc)
        right = prints_of(self._pool, "dv", self._fields, dv)
        return [fingerprint(left[b], right[d]) for b, d in zip(bc.tolist(), dv.tolist(), strict=True)]

    def unchanged(self, bc: np.ndarray, dv: np.ndarray, before: Iterable[object]) -> np.ndarray:
        """Whether each pair's values are as they were; a pair without a fingerprint counts as unchanged."""
        old = [plain(p) for p in before]
        return np.array([not b or b == n for b, n in zip(old, self.pairs(bc, dv), strict=True)], dtype=bool)


def refused(pool: Pool, rejected: pd.DataFrame, prints: Prints) -> tuple[np.ndarray, np.ndarray]:
    """The row numbers of rejected pairs whose values are as they were."""
    bc, dv = pool.rows("bc", rejected["bc_id"]), pool.rows("dv", rejected["dv_id"])
    there = (bc >= 0) & (dv >= 0)
    bc, dv = bc[there], dv[there]
    still = prints.unchanged(bc, dv, rejected["fingerprint"][there])
    return bc[still], dv[still]


def write(pool: Pool, ranking: Ranking, prints: Prints | None, *, in_order: bool = False) -> pd.DataFrame:
    """The frame of Proposals: pairs by BC record and rank, then the records of either side without any candidate.

    Without ``prints`` the column of fingerprints stays empty. With ``in_order`` pairs stay in the order of the ranking.
    """
    names = {side: texts(pool.frames[side], pool.kind.name_field) for side in SIDES}
    rank = ranks(ranking.bc, ranking.score)
    # Rows of the pool are in the order of ids, so row numbers sort as ids do.
    order = np.arange(len(rank)) if in_order else np.lexsort((ranking.dv, rank, ranking.bc))
    bc, dv = ranking.bc[order], ranking.dv[order]
    at = {"bc": pa.array(bc), "dv": pa.array(dv)}
    pick = pa.array(order)
    made: dict[str, pa.Array] = {}
    for side in SIDES:
        made[f"{side}_id"] = pool.ids[side].take(at[side])
        made[f"{side}_name"] = names[side].take(at[side])
    made |= {
        "band": pa.array(ranking.bands[order], pa.string()),
        "rank": pa.array(rank[order]),
        "chosen": pa.array(ranking.chosen[order]),
        "score": pa.array(ranking.score[order].astype(float)),
        "probability": pa.array(ranking.probability[order].astype(float)),
        "margin": pa.array(ranking.margin[order].astype(float)),
        "reason": ranking.reasons.take(pick),
        "runner_up": ranking.runner_up.take(pick),
        "settles": ranking.settles.take(pick),
        "evidence": ranking.evidence.take(pick),
        "fingerprint": pa.array(prints.pairs(bc, dv), pa.string()) if prints else pa.nulls(len(bc), pa.string()),
    }
    tables = [_table(made, len(bc))]
    for side, paired in (("bc", bc), ("dv", dv)):
        wanting = ranking.takes_part[side].copy()  # type: ignore[index]
        wanting[paired] = False
        rows = np.flatnonzero(wanting)
        words = ranking.alone.get(side, {})  # type: ignore[call-overload]
        said = [words.get(n, NO_CANDIDATE) for n in rows.tolist()] if words else pa.repeat(NO_CANDIDATE, len(rows))
        lonely = {
            f"{side}_id": pool.ids[side].take(pa.array(rows)),  # type: ignore[index]
            f"{side}_name": names[side].take(pa.array(rows)),  # type: ignore[index]
            "band": pa.repeat(NOTHING, len(rows)),
            "chosen": pa.repeat(False, len(rows)),
            "reason": pa.array(said, pa.string()) if words else said,
            "evidence": pa.repeat("[]", len(rows)),
        }
        tables.append(_table(lonely, len(rows)))
    return to_frame(pa.concat_tables(tables))


def _table(columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    return pa.table(
        [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type) for f in PROPOSAL_COLUMNS],
        schema=PROPOSAL_COLUMNS,
    )


def ranks(record: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The place of each pair among the pairs of the same record, best first; equals share the better place.

    >>> ranks(np.array([7, 7, 8]), np.array([1.0, 3.0, 2.0])).tolist()
    [2, 1, 1]
    """
    if not len(record):
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort((-score, record))
    sorted_record, sorted_score = record[order], score[order]
    new = np.r_[True, sorted_record[1:] != sorted_record[:-1]]
    place = np.arange(len(order))
    start = np.maximum.accumulate(np.where(new, place, 0))
    step = new | np.r_[True, sorted_score[1:] != sorted_score[:-1]]
    best = np.maximum.accumulate(np.where(step, place, 0))
    out = np.empty(len(order), dtype=np.int64)
    out[order] = best - start + 1
    return out
