"""Weighed pairs → what stands between a pair and certainty: doubles, branches, sister companies; what would help."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from d365kit.kinds import SIDES, Side, other_side
from d365kit.match.assign import CLEAR_LEAD, best_other
from d365kit.match.blocking import Pairs
from d365kit.match.engines import ENGINES, opened
from d365kit.match.explain import joined, texts, title
from d365kit.match.grams import Grams
from d365kit.match.levels import levels
from d365kit.match.prepare import Pool, setting
from d365kit.match.weigh import Weighed
from d365kit.match.work import State
from d365kit.nouns.frames import plain

RIVAL = "another good candidate has no partner"
SIDE_NAMES: Mapping[Side, str] = {"bc": "Business Central", "dv": "Sales"}
#: A field counts as the reason why another candidate is behind from so many bits on.
_TELLS = 1.0


def free_rivals(weighed: Weighed) -> dict[Side, tuple[np.ndarray, np.ndarray]]:
    """The chosen pairs one of whose records has another good candidate that nobody else was given.

    By the side on which that candidate stands: the positions of the chosen pairs, and of the pair with the rival.
    That is what duplicates look like: one of the two happens to be filled in better, which proves nothing.
    """
    pairs, chosen = weighed.candidates.pairs, weighed.assignment.chosen
    good = np.flatnonzero(~chosen & (weighed.net >= CLEAR_LEAD))
    out: dict[Side, tuple[np.ndarray, np.ndarray]] = {}
    of_side = {"bc": pairs.left, "dv": pairs.right}
    for side in SIDES:
        theirs, mine = of_side[side], of_side[other_side(side)]
        taken = np.zeros(int(theirs.max(initial=-1)) + 1, dtype=bool)
        taken[theirs[chosen]] = True
        rivals = good[~taken[theirs[good]]]
        # The best of several rivals speaks for all; sorted so that the best is written last and stays.
        rivals = rivals[np.lexsort((-rivals, weighed.net[rivals]))]
        best = np.full(int(mine.max(initial=-1)) + 1, -1, dtype=np.int64)
        best[mine[rivals]] = rivals
        at = np.flatnonzero(chosen)
        has = best[mine[at]] >= 0
        out[side] = at[has], best[mine[at[has]]]
    return out


def relations(pool: Pool, weighed: Weighed) -> dict[int, str]:
    """For each chosen pair with a free rival, by position, what that rival is to the partner: a note in words.

    matching.toml names in ``relations`` the comparison that tells whether two are of one name, and those that tell
    whether they are in one place.
    """
    notes: dict[int, str] = {}
    rules = setting(pool.kind, "relations", None)
    rivalled = free_rivals(weighed)
    of_side = {"bc": weighed.candidates.pairs.left, "dv": weighed.candidates.pairs.right}
    for side, (chosen, rival) in rivalled.items():
        if not len(chosen):
            continue
        partner, other = of_side[side][chosen], of_side[side][rival]
        if not isinstance(rules, Mapping):
            notes |= dict.fromkeys(chosen.tolist(), RIVAL)
            continue
        pairs = Pairs.of((np.minimum(partner, other), np.maximum(partner, other)))
        # Only the records concerned are looked at, under new row numbers.
        rows = np.unique(np.concatenate(pairs.both))
        among = Pairs(*(np.searchsorted(rows, half).astype(np.int32) for half in pairs.both))
        columns = pool.columns[side].take(pa.array(rows))
        columns = columns.set_column(0, "unique_id", pa.array(np.arange(len(rows)), pa.int64()))
        comparisons = weighed.candidates.comparisons
        near = {c.near: Grams.of({side: columns[c.near]}) for c in comparisons if c.near}
        # They are few, whatever engine compares the candidates.
        with opened(ENGINES[0], {side: columns}) as engine:
            reached = levels(engine, comparisons, side, side, among, near)
        said = _relation(weighed, rules, reached)
        names = texts(pool.frames[side], pool.kind.name_field).take(pa.array(other)).to_pylist()
        asked = np.minimum(partner, other).astype(np.int64) << 32 | np.maximum(partner, other)
        for n, at, name in zip(chosen.tolist(), np.searchsorted(pairs.codes, asked), names, strict=True):
            notes[n] = said[at].format(name=name or "another record", side=SIDE_NAMES[side])
    return notes


def _relation(weighed: Weighed, rules: Mapping, reached: np.ndarray) -> list[str]:
    """What two records of one side are to each other, by the levels their comparisons reached."""
    where = {c.field: i for i, c in enumerate(weighed.candidates.comparisons)}
    words = [np.array([*c.words, ""]) for c in weighed.candidates.comparisons]

    def reaches(field: str, wanted: tuple[str, ...]) -> np.ndarray:
        if field not in where:
            return np.zeros(len(reached), dtype=bool)
        return np.isin(words[where[field]][reached[:, where[field]]], wanted)

    named = reaches(rules["name"], tuple(rules["same_name"]))
    away = np.zeros(len(reached), dtype=bool)
    for field in rules["place"]:
        away |= reaches(field, ("differs", "city"))
    pick = np.where(named & ~away, 0, np.where(named, 1, 2))
    texts_of = [rules["twice"], rules["elsewhere"], rules["otherwise"]]
    return [texts_of[n] for n in pick]


def runner_ups(pool: Pool, weighed: Weighed, at: np.ndarray, bits: np.ndarray) -> pa.Array:
    """For pairs at positions ``at``: who the next candidate of either record is, and why it is behind.

    ``bits`` is the evidence of those pairs, pairs × comparisons.
    """
    found, net = weighed.candidates, weighed.net
    comparisons = found.comparisons
    second: dict[Side, np.ndarray] = {
        "dv": _next_best(found.pairs.left, net, at), "bc": _next_best(found.pairs.right, net, at),
    }  # fmt: skip
    names = {side: texts(pool.frames[side], pool.kind.name_field) for side in SIDES}
    out: list[str | None] = []
    for n in range(len(at)):
        side: Side = max(SIDES, key=lambda s: (net[second[s][n]] if second[s][n] >= 0 else -np.inf, s))
        other = second[side][n]
        if other < 0 or not weighed.assignment.chosen[at[n]]:
            out.append(None)
            continue
        theirs = weighed.model.evidence(comparisons, found.levels[[other]], found.rarity[[other]])[0]
        ahead = bits[n] - theirs
        order = [int(i) for i in np.argsort(-ahead, kind="stable") if ahead[i] >= _TELLS][:2]
        row = int((found.pairs.left if side == "bc" else found.pairs.right)[other])
        called = names[side][row].as_py() or pool.ids[side][row].as_py()
        where = joined([title(pool.kind, comparisons[i].field) for i in order]).replace(", ", " and ")
        lead = f"fits less by {where}" if order else "fits as well"
        out.append(f"{called} in {SIDE_NAMES[side]} {lead}")
    return pa.array(out, pa.string())


def _next_best(record: np.ndarray, net: np.ndarray, at: np.ndarray) -> np.ndarray:
    """For each pair at a position the best other pair of its record, or -1."""
    order = np.lexsort((-net, record))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    starts = np.searchsorted(record[order], record[at])
    ends = np.searchsorted(record[order], record[at], side="right")
    first = np.where(place[at] == starts, starts + 1, starts)
    return np.where(first < ends, order[np.minimum(first, len(order) - 1)], -1)


def settling(pool: Pool, weighed: Weighed, at: np.ndarray, bands: np.ndarray) -> pa.Array:
    """For pairs in doubt: the single value that, filled in and agreeing, would make the pair certain."""
    found, kind = weighed.candidates, pool.kind
    gains = np.array([w[0] for w in weighed.model.weights()])
    lead = np.minimum(weighed.net, weighed.net - np.maximum(0.0, best_other(found.pairs.left, weighed.net)))
    lead = np.minimum(lead, weighed.net - np.maximum(0.0, best_other(found.pairs.right, weighed.net)))
    filled = {s: [_filled(pool, s, c.shows) for c in found.comparisons] for s in SIDES}
    out: list[str | None] = []
    for n, band in zip(at.tolist(), bands.tolist(), strict=True):
        need = CLEAR_LEAD - lead[n]
        able = [int(i) for i in np.flatnonzero((found.levels[n] < 0) & (gains >= need))]
        if band == "certain" or not able:
            out.append(None)
            continue
        best = max(able, key=lambda i: gains[i])
        has = {"bc": filled["bc"][best][found.pairs.left[n]], "dv": filled["dv"][best][found.pairs.right[n]]}
        lacking = [SIDE_NAMES[s] for s in SIDES if not has[s]]
        where = " and ".join(lacking) or "both"
        out.append(f"{title(kind, found.comparisons[best].field)} in {where}")
    return pa.array(out, pa.string())


def _filled(pool: Pool, side: Side, fields: tuple[str, ...]) -> np.ndarray:
    there = np.zeros(pool.size(side), dtype=bool)
    for field in fields:
        there |= texts(pool.frames[side], field).is_valid().to_numpy(zero_copy_only=False)
    return there


def hidden_twins(pool: Pool, state: State, weighed: Weighed) -> dict[Side, dict[int, str]]:
    """For records without a chosen partner, by side and row: the twin that a mapping's filter hides, and why."""
    hidden, chosen = weighed.hidden, weighed.candidates.pairs.only(weighed.assignment.chosen)
    out: dict[Side, dict[int, str]] = {"bc": {}, "dv": {}}
    taken = {"bc": chosen.left, "dv": chosen.right}
    of_side = {"bc": hidden.pairs.left, "dv": hidden.pairs.right}
    for side in SIDES:
        other = other_side(side)
        mine, theirs = of_side[side], of_side[other]
        wants = state.takes_part[side].copy()
        wants[taken[side]] = False
        good = np.flatnonzero(wants[mine] & ~pool.inside[other][theirs] & (hidden.net > 0))
        # The best is written last and stays.
        for n in good[np.lexsort((theirs[good], hidden.net[good]))].tolist():
            row = int(theirs[n])
            frame = pool.frames[other]
            called = frame[pool.kind.name_field].iloc[row] if pool.kind.name_field in frame else None
            why = frame["outside"].iloc[row] if "outside" in frame else "left out"
            out[side][int(mine[n])] = (
                f"{plain(called) or pool.ids[other][row]} in {SIDE_NAMES[other]} is {plain(why)}"
            )
    return out
