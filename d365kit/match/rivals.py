"""Weighed pairs → what stands between a pair and certainty: doubles, branches, sister companies; what would help."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import SIDES, Side, other_side
from d365kit.match.assign import CLEAR_LEAD
from d365kit.match.blocking import Pairs
from d365kit.match.doubts import doubts_of
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
    second: dict[Side, np.ndarray] = {
        "dv": _next_best(found.pairs.left, net, at), "bc": _next_best(found.pairs.right, net, at),
    }  # fmt: skip
    ahead_of = {s: np.where(second[s] >= 0, net[second[s]], -np.inf) for s in SIDES}
    on_dv = ahead_of["dv"] >= ahead_of["bc"]
    other = np.where(on_dv, second["dv"], second["bc"])
    told = np.flatnonzero((other >= 0) & weighed.assignment.chosen[at])
    other, on_dv = other[told], on_dv[told]
    theirs = weighed.model.evidence(found.comparisons, found.levels[other], found.rarity[other])
    how = _fits_less(pool, weighed, bits[told] - theirs)
    called = pa.array([""] * len(told), pa.string())
    records = {"bc": found.pairs.left, "dv": found.pairs.right}
    for side in SIDES:
        here = on_dv if side == "dv" else ~on_dv
        rows = pa.array(records[side][other[here]])
        names = texts(pool.frames[side], pool.kind.name_field).take(rows)
        names = pc.coalesce(names, pool.ids[side].take(rows).cast(pa.string()))
        named = pc.binary_join_element_wise(names, f"in {SIDE_NAMES[side]}", " ")
        called = pc.replace_with_mask(called, pa.array(here), named)
    out = pa.nulls(len(at), pa.string())
    mask = np.zeros(len(at), dtype=bool)
    mask[told] = True
    return pc.replace_with_mask(out, pa.array(mask), pc.binary_join_element_wise(called, how, " "))


def _fits_less(pool: Pool, weighed: Weighed, ahead: np.ndarray) -> pa.Array:
    """By which comparisons a pair is ahead, in words; ``ahead`` has bits, pairs × comparisons."""
    comparisons = weighed.candidates.comparisons
    # A comparison that none is, for where there are fewer than two.
    ahead = np.column_stack([ahead, np.full((len(ahead), 2), -np.inf)])
    order = np.argsort(-ahead, axis=1, kind="stable")[:, :2]
    tells = np.take_along_axis(ahead, order, axis=1) >= _TELLS
    picked = np.where(tells, order, len(comparisons))
    kinds, place = np.unique(picked @ [len(comparisons) + 1, 1], return_inverse=True)
    words = []
    for code in kinds.tolist():
        fields = [n for n in divmod(code, len(comparisons) + 1) if n < len(comparisons)]
        named = joined([title(pool.kind, comparisons[n].field) for n in fields]).replace(", ", " and ")
        words.append(f"fits less by {named}" if fields else "fits as well")
    return pa.array(words, pa.string()).take(pa.array(place))


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
    levels = found.levels[at]
    # What would not suffice, or is there already, cannot settle anything.
    gain = np.where((levels < 0) & (gains >= -weighed.assignment.clear[at][:, None]), gains, -np.inf)
    gain[bands == "certain"] = -np.inf
    for i in range(len(found.comparisons)):
        here = np.flatnonzero(gain[:, i] > -np.inf)
        agreeing = levels[here]
        agreeing[:, i] = 0
        gain[here[doubts_of(kind, found.comparisons, agreeing) != ""], i] = -np.inf
    best = gain.argmax(axis=1) if gain.size else np.zeros(len(at), dtype=np.int64)
    able = gain.max(axis=1, initial=-np.inf) > -np.inf
    out: list[str | None] = [None] * len(at)
    rows = {"bc": found.pairs.left, "dv": found.pairs.right}
    for i in np.unique(best[able]).tolist():
        comparison = found.comparisons[i]
        here = np.flatnonzero(able & (best == i))
        has = {s: _filled(pool, s, comparison.shows)[rows[s][at[here]]] for s in SIDES}
        for n, *there in zip(here.tolist(), *(has[s].tolist() for s in SIDES), strict=True):
            lacking = [SIDE_NAMES[s] for s, known in zip(SIDES, there, strict=True) if not known]
            out[n] = f"{title(kind, comparison.field)} in {' and '.join(lacking) or 'both'}"
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
