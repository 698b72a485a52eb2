"""Snapshot + kind → Work: what no decision changes (columns, candidates, levels), kept while the snapshot lives.

Proposing again after some decisions is what analysts do all day. What takes long then is here and done once; the
decisions come in as a State.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from d365kit.kinds import SIDES, Kind, Side
from d365kit.match.linkage import Candidates, candidates
from d365kit.match.prepare import Couplings, Pool, pool, setting
from d365kit.match.ranking import Prints, Tell, refused
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import arrow_of

#: Works of so many kinds are kept, the latest ones.
_MOST_KEPT = 4


@dataclass(frozen=True)
class Work:
    """The records of a kind with their normalised columns and, for kinds with many fields, their candidates.

    ``kept`` holds what was worked out of them once and for all.
    """

    pool: Pool
    prints: Prints
    candidates: Candidates | None
    kept: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Kept:
    of: weakref.ref
    contents: list[object]
    work: Work

    def holds(self, kind: Kind, contents: list[object]) -> bool:
        """Whether it was made by these rules, of these very values."""
        same = len(self.contents) == len(contents) and all(map(operator.is_, self.contents, contents))
        return same and self.work.pool.kind.match is kind.match


_kept: dict[tuple, _Kept] = {}


@dataclass(frozen=True)
class State:
    """What the ledger says of a kind, by row numbers of the pool.

    ``takes_part`` tells by side which records want a partner. ``coupled`` and ``refused`` are pairs (bc, dv);
    ``refused`` ones were rejected while their values were as they are now.
    """

    takes_part: Mapping[Side, np.ndarray]
    coupled: tuple[np.ndarray, np.ndarray]
    refused: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, work: Work, ledger: Couplings) -> State:
        records, kind = work.pool, work.pool.kind.name
        pairs = ledger.couplings(kind)
        bc, dv = records.rows("bc", pairs["bc_id"]), records.rows("dv", pairs["dv_id"])
        there = (bc >= 0) & (dv >= 0)
        taken = {side: np.zeros(records.size(side), dtype=bool) for side in SIDES}
        for table in (pairs, ledger.creates(kind)):
            for side in SIDES:
                rows = records.rows(side, table[f"{side}_id"])
                taken[side][rows[rows >= 0]] = True
        free = {side: records.inside[side] & ~taken[side] for side in SIDES}
        return cls(free, (bc[there], dv[there]), refused(records, ledger.rejected(kind), work.prints))


def work_on(snapshot: Snapshot, ledger: Couplings, kind: Kind, tell: Tell, engine: str = "duckdb") -> Work:
    """The work on ``kind``, made now or kept from before.

    It is made anew for another snapshot, other rules, another engine, and when the couplings of a kind it refers to
    have changed.
    """
    key = (id(snapshot), kind.name, engine, _signature(ledger, kind))
    held = _kept.get(key)
    contents = _contents(snapshot, kind)
    # An id may be used again once its object is gone, so all is compared as objects.
    if held is not None and held.of() is snapshot and held.holds(kind, contents):
        return held.work
    tell(f"{kind.title}: preparing", 0, 4)
    records = pool(snapshot, ledger, kind)
    found = None
    if setting(kind, "by") == "evidence":
        tell(f"{kind.title}: finding candidates", 1, 4)
        found = candidates(records, engine)
    made = Work(records, Prints(records), found)
    for other in [k for k, kept in _kept.items() if kept.of() is None]:
        del _kept[other]
    while len(_kept) >= _MOST_KEPT:
        del _kept[next(iter(_kept))]
    _kept[key] = _Kept(weakref.ref(snapshot), contents, made)
    return made


def _contents(snapshot: Snapshot, kind: Kind) -> list[object]:
    """The values of the kind's frames. Arrow's never change; a frame that was changed in place has others."""
    sides = snapshot[kind.name]
    frames = [frame for side in SIDES for frame in (sides.side(side), sides.outside(side))]
    return [arrow_of(frame[name]) for frame in frames for name in frame.columns]


def _signature(ledger: Couplings, kind: Kind) -> tuple:
    """What the columns of references depend on: the couplings of the kinds they point to."""
    targets = {target for name in setting(kind, "references") if name in kind for target in kind[name].refers_to}
    out = []
    for target in sorted(targets):
        pairs = ledger.couplings(target)[["bc_id", "dv_id"]].astype(str)
        out.append(
            (target, len(pairs), int(pd.util.hash_pandas_object(pairs, index=False).sum()) if len(pairs) else 0)
        )
    return tuple(out)
