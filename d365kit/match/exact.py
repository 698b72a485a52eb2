"""Snapshot + ledger + criteria → Ranking: coupling by equal values, as Business Central's own match-based coupling.

Groups of criteria are tried in their order. A pair is chosen when the row of Dataverse is the only one that agrees
with the record, and the record the only free one that agrees with the row; no order of rows decides anything. What
stays free says why: it has no value to go by, nothing agrees, several do, or what does has a partner already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from d365kit.kinds import SIDES, Kind, Side, other_side
from d365kit.match import exact_words as words
from d365kit.match.agreeing import Agreement, Rows
from d365kit.match.criteria import Group
from d365kit.match.prepare import Couplings, Pool, pool
from d365kit.match.ranking import Prints, Ranking, Tell
from d365kit.match.work import State, Work
from d365kit.nouns import Snapshot

#: What a chosen pair is worth, in bits and as a probability; the pairs of a later group are worth a bit less.
BITS, CERTAIN = 20.0, 0.999
#: So many of several candidates are shown for a record.
SHOWN = 5


@dataclass
class Standing:
    """Who is counted, who is free, and who was chosen for whom by which group; row numbers, -1 for none."""

    there: Rows
    free: Rows
    chosen: Rows
    by_group: Rows
    claims: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def of(cls, records: Pool, state: State, ledger: Couplings) -> Standing:
        coupled = ledger.couplings(records.kind.name)
        there, none = {}, {}
        for side in SIDES:
            has_partner = np.zeros(records.size(side), dtype=bool)
            rows = records.rows(side, coupled[f"{side}_id"])
            has_partner[rows[rows >= 0]] = True
            # What is to be created on the other side has no match there: that is decided.
            there[side] = state.takes_part[side] | (has_partner & records.inside[side])
            none[side] = np.full(records.size(side), -1, dtype=np.int64)
        free = {side: state.takes_part[side].copy() for side in SIDES}
        return cls(there, free, {s: none[s].copy() for s in SIDES}, {s: none[s].copy() for s in SIDES})

    def choose(self, agreement: Agreement, place: int) -> None:
        """Take the pairs that one group settles.

        A row that is coupled counts: two of one value are several, whichever is taken. A record that is coupled does
        not: it asks for nothing any more.
        """
        claims = agreement.count("dv", self.free["bc"])
        self.claims.append(claims)
        single = np.flatnonzero(self.free["bc"] & (agreement.count("bc", self.there["dv"]) == 1))
        bc, dv = agreement.pick("bc", single, self.there["dv"], 1)
        settled = self.free["dv"][dv] & (claims[dv] == 1)
        for side, rows, others in (("bc", bc[settled], dv[settled]), ("dv", dv[settled], bc[settled])):
            self.free[side][rows] = False  # type: ignore[index]
            self.chosen[side][rows] = others  # type: ignore[index]
            self.by_group[side][rows] = place  # type: ignore[index]


@dataclass(frozen=True)
class Left:
    """Why each record of a side stays free, once all groups were tried.

    ``open`` is the first group in which free records agree with it, ``taken`` the first in which any do, -1 for none;
    ``filled`` tells for each group whether the record has its values.
    """

    open: np.ndarray
    taken: np.ndarray
    filled: list[np.ndarray]

    @classmethod
    def of(cls, side: Side, agreements: Sequence[Agreement], standing: Standing) -> Left:
        other, mine = other_side(side), standing.free[side]
        open_ = np.full(len(mine), -1, dtype=np.int64)
        taken = open_.copy()
        for place, agreement in enumerate(agreements):
            open_[mine & (open_ < 0) & (agreement.count(side, standing.free[other]) > 0)] = place
            taken[mine & (taken < 0) & (agreement.count(side, standing.there[other]) > 0)] = place
        return cls(open_, taken, [a.filled(side) for a in agreements])


@dataclass(frozen=True)
class Pairs:
    """Pairs to show, by row numbers, with the number of the group in which they agree; the chosen ones first."""

    bc: np.ndarray
    dv: np.ndarray
    group: np.ndarray
    chosen: np.ndarray


def by_criteria(
    snapshot: Snapshot, ledger: Couplings, kind: Kind, groups: Sequence[Group], tell: Tell, *, details: bool
) -> tuple[Pool, Ranking, Prints]:
    """Rank the pairs of ``kind`` that agree in one of ``groups``."""
    tell(f"{kind.title}: preparing", 0, 4)
    references = sorted({c.field.name for g in groups for c in g.criteria if c.field.is_reference})
    # Only references need preparing: all else is compared as it is.
    records = replace(pool(snapshot, ledger, replace(kind, match={"references": references})), kind=kind)
    prints = Prints(records)
    state = State.of(Work(records, prints, None), ledger)
    tell(f"{kind.title}: comparing values", 1, 4)
    refused = dict(zip(SIDES, state.refused, strict=True))
    agreements = [Agreement.of(records, group, refused) for group in groups]
    standing = Standing.of(records, state, ledger)
    for place, agreement in enumerate(agreements):
        standing.choose(agreement, place)
    left = {side: Left.of(side, agreements, standing) for side in SIDES}
    pairs = _pairs(agreements, standing, left)
    tell(f"{kind.title}: writing down {len(pairs.bc):,} pairs", 3, 4)
    return records, _ranking(records, state, agreements, standing, left, pairs, ledger, details=details), prints


def _pairs(agreements: Sequence[Agreement], standing: Standing, left: dict[Side, Left]) -> Pairs:
    """The chosen pairs, and the first few candidates of every record that has some."""
    settled = np.flatnonzero(standing.chosen["bc"] >= 0)
    parts = [(settled, standing.chosen["bc"][settled], standing.by_group["bc"][settled])]
    seen = np.zeros(len(standing.free["dv"]), dtype=bool)
    for place, agreement in enumerate(agreements):
        bc, dv = agreement.pick("bc", np.flatnonzero(left["bc"].open == place), standing.free["dv"], SHOWN)
        seen[dv] = True
        parts.append((bc, dv, np.full(len(bc), place)))
    for place, agreement in enumerate(agreements):
        # Rows beyond the first few are shown with one record each, so that none looks as if nothing agreed with it.
        rows = np.flatnonzero((left["dv"].open == place) & ~seen)
        dv, bc = agreement.pick("dv", rows, standing.free["bc"], 1)
        parts.append((bc, dv, np.full(len(bc), place)))
    bc, dv, group = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Pairs(bc, dv, group, np.arange(len(bc)) < len(settled))


def _ranking(
    records: Pool,
    state: State,
    agreements: Sequence[Agreement],
    standing: Standing,
    left: dict[Side, Left],
    pairs: Pairs,
    ledger: Couplings,
    *,
    details: bool,
) -> Ranking:
    size = len(pairs.bc)
    groups = [a.group for a in agreements]
    asked, rivals, busy = _counts(agreements, standing, pairs)
    bits = BITS / (1.0 + 0.05 * pairs.group)
    reasons = words.same(groups, pairs.group)
    several = words.several(groups, pairs.group, asked, rivals, busy)
    nothing = pa.nulls(size, pa.string())
    alone = {side: _alone(side, records, agreements, standing, left[side], pairs, ledger) for side in SIDES}
    return Ranking(
        pairs.bc, pairs.dv, bits, np.where(pairs.chosen, CERTAIN, 1.0 / np.maximum(np.maximum(asked, rivals), 2)),
        np.where(pairs.chosen, bits, 0.0), pairs.chosen,
        np.where(pairs.chosen, "certain", "unsure").astype(object),
        pa.array(np.where(pairs.chosen, reasons, several), pa.string()),
        words.evidence(records, groups, pairs.bc, pairs.dv, pairs.group, bits) if details else nothing,
        nothing, nothing, state.takes_part, alone,
    )  # fmt: skip


def _counts(
    agreements: Sequence[Agreement], standing: Standing, pairs: Pairs
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pair: how many records ask for its row, how many rows agree with its record, how many are taken."""
    asked, rivals, busy = (np.zeros(len(pairs.bc), dtype=np.int64) for _ in range(3))
    for place, agreement in enumerate(agreements):
        here = pairs.group == place
        rows = pairs.bc[here]
        all_ = agreement.count("bc", standing.there["dv"])[rows]
        asked[here] = standing.claims[place][pairs.dv[here]]
        rivals[here] = all_
        busy[here] = all_ - agreement.count("bc", standing.free["dv"])[rows]
    return asked, rivals, busy


def _alone(
    side: Side,
    records: Pool,
    agreements: Sequence[Agreement],
    standing: Standing,
    left: Left,
    pairs: Pairs,
    ledger: Couplings,
) -> dict[int, str]:
    """What to say of each free record of ``side`` that is in no pair, by row number."""
    groups = [a.group for a in agreements]
    shown = np.zeros(records.size(side), dtype=bool)
    shown[pairs.bc if side == "bc" else pairs.dv] = True
    free = standing.free[side] & ~shown
    unmatched = np.flatnonzero(free & (left.taken < 0))
    rejected = np.zeros(records.size(side), dtype=bool)
    for agreement in agreements:
        rejected[agreement.refused_rows(side)] = True
    said = words.unmatched(groups, [f[unmatched] for f in left.filled], rejected[unmatched])
    out = dict(zip(unmatched.tolist(), said, strict=True))
    known = words.Known(records, standing.chosen, standing.by_group, groups, ledger)
    other = other_side(side)
    for place, agreement in enumerate(agreements):
        rows = np.flatnonzero(free & (left.taken == place))
        found = agreement.count(side, standing.there[other])[rows]
        mine, theirs = agreement.pick(side, rows[found == 1], standing.there[other], 1)
        out |= dict(zip(mine.tolist(), known.already(side, groups[place], theirs), strict=True))
        many = rows[found > 1]
        out |= dict(zip(many.tolist(), words.all_taken(groups[place], side, found[found > 1]), strict=True))
    return out
