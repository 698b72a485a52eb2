"""Work on a kind with codes → Ranking: the rules of matching.toml decide, nothing is learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from d365kit.compare import compact
from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Side
from d365kit.match.assign import assign
from d365kit.match.explain import Line, evidence_json, reason, texts
from d365kit.match.prepare import Pool, setting
from d365kit.match.ranking import TIE, Ranking, RowPair, Tell
from d365kit.match.templates import MISSING
from d365kit.match.work import State, Work

Rule = Mapping[str, Any]
Columns = Mapping[Side, Mapping[str, list]]

#: The bands a rule may give, and the probability each stands for.
PROBABILITY = {"certain": 0.999, "likely": 0.9, "unsure": 0.5}
#: What a field that both sides fill in and that differs takes off.
_DIFFERS = -4.0
#: A lead below this many bits is no lead.
_LEAD = 1.0


def by_keys(work: Work, state: State, tell: Tell, *, details: bool) -> Ranking:
    """Rank the pairs that agree in a code.

    A pair gets the band of its best rule only with a clear lead over the other candidates of both records.
    Raises SettingsError for a rule with an unknown column or band.
    """
    pool = work.pool
    tell(f"{pool.kind.title}: comparing codes", 1, 4)
    columns: dict[Side, dict[str, list]] = {side: pool.columns[side].to_pydict() for side in SIDES}
    rules: list[Rule] = list(setting(pool.kind, "rules"))
    for rule in rules:
        _check(rule, columns["bc"], pool.kind.name)
    rules = [_together(rule, columns) for rule in rules]
    refused = set(zip(*(side.tolist() for side in state.refused), strict=True))
    found = _found(rules, columns, refused, state)
    pairs = sorted(found)
    shown: Columns = {side: _texts(pool, side, rules) for side in SIDES}
    lines = [_lines(pair, found[pair], rules, columns, shown) for pair in pairs]
    bc = np.array([b for b, _ in pairs], dtype=np.int64)
    dv = np.array([d for _, d in pairs], dtype=np.int64)
    score = np.array([sum(line.weight for line in one) for one in lines], dtype=float)
    made = assign(bc, dv, score, 0.0)
    best = [max((rule["band"] for rule in found[p]), key=PROBABILITY.__getitem__) for p in pairs]
    clear = made.chosen & (made.margin >= _LEAD)
    bands = np.array([b if c else "unsure" for b, c in zip(best, clear, strict=True)], dtype=object)
    probability = np.array([PROBABILITY[b] for b in bands], dtype=float)
    reasons = [reason(pool.kind, one, TIE if tied else "") for one, tied in zip(lines, made.tied, strict=True)]
    evidence = [evidence_json(one) for one in lines]
    nothing = pa.nulls(len(pairs), pa.string())
    return Ranking(
        bc, dv, score, probability, made.margin, made.chosen, bands, pa.array(reasons, pa.string()),
        pa.array(evidence, pa.string()), nothing, nothing, state.takes_part, {},
    )  # fmt: skip


def _together(rule: Rule, columns: dict[Side, dict[str, list]]) -> Rule:
    """A rule over several columns as one over a column of their values; a reference not in use does not count."""
    made = dict(rule)
    for side in SIDES:
        if isinstance(rule[side], str):
            continue
        used = [c for c in rule[side] if c in columns[side]]
        name = " + ".join(used)
        rows = zip(*(columns[side][c] for c in used), strict=True)
        columns[side].setdefault(name, [None if None in row else row for row in rows])
        made[side] = name
    return made


def _found(rules: Sequence[Rule], columns: Columns, refused: set[RowPair], state: State) -> dict[RowPair, list[Rule]]:
    """The pairs of records that want a partner which meet some rule, and the rules each meets."""
    free = {side: state.takes_part[side].tolist() for side in SIDES}
    found: dict[RowPair, list[Rule]] = {}
    for rule in rules:
        unless = str(rule.get("unless_both", ""))
        left, right = (
            [v if f else None for v, f in zip(columns[side][rule[side]], free[side], strict=True)] for side in SIDES
        )
        for pair in _agreeing(left, right):
            both = unless in columns["bc"] and all(
                columns[side][unless][n] for side, n in zip(SIDES, pair, strict=True)
            )
            if pair not in refused and not both:
                found.setdefault(pair, []).append(rule)
    return found


def _texts(pool: Pool, side: Side, rules: Sequence[Rule]) -> dict[str, list[str | None]]:
    """The values of the fields that rules speak of, as evidence shows them."""
    return {r["field"]: texts(pool.frames[side], r["field"]).to_pylist() for r in rules}


def _check(rule: Mapping, columns: Mapping, kind: str) -> None:
    where = f"matching.toml, {kind}, rule on “{rule.get('field')}”"
    for side in SIDES:
        several = not isinstance(rule[side], str)
        for name in rule[side] if several else [rule[side]]:
            # Of several, a reference may be one that this company's setup has no use for.
            if name not in columns and not (several and name.endswith("_ref")):
                raise SettingsError(f"{where}: there is no column “{name}”.", "Add it to columns.")
    if rule["band"] not in PROBABILITY:
        raise SettingsError(f"{where}: there is no band “{rule['band']}”.", f"Use one of: {', '.join(PROBABILITY)}.")


def _agreeing(bc: list, dv: list) -> list[tuple[int, int]]:
    """The pairs of rows with the same value, missing values left out."""
    where: dict[object, list[int]] = {}
    for row, value in enumerate(dv):
        if value is not None:
            where.setdefault(value, []).append(row)
    return [(b, d) for b, value in enumerate(bc) if value is not None for d in where.get(value, ())]


def _lines(
    pair: RowPair, hits: Sequence[Rule], rules: Sequence[Rule], columns: Columns, texts: Columns
) -> list[Line]:
    """The evidence of one pair: each field once, by the strongest rule it met; fields that differ count against."""
    lines: dict[str, Line] = {}

    def add(field: str, level: str, weight: float, says: str) -> None:
        left, right = (texts[side][field][n] for side, n in zip(SIDES, pair, strict=True))
        lines[field] = Line(field, left, right, level, weight, says)

    for rule in sorted(hits, key=lambda r: -float(r["weight"])):
        field = rule["field"]
        if field not in lines:
            left, right = (compact(texts[side][field][n]) for side, n in zip(SIDES, pair, strict=True))
            level, says = ("exact", "same {f}") if left == right else ("close", "similar {f}")
            add(field, level, float(rule["weight"]), says)
    for rule in rules:
        if rule["field"] in lines or rule["bc"] != rule["dv"]:
            continue
        left, right = (columns[side][rule["bc"]][n] for side, n in zip(SIDES, pair, strict=True))
        if left is None or right is None:
            add(rule["field"], MISSING, 0.0, "")
        elif left != right:
            add(rule["field"], "differs", _DIFFERS, "{f} differs")
    return list(lines.values())
