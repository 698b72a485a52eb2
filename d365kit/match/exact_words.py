"""Pairs of equal values, and records without one → the reasons and the evidence that people read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import SIDES, Side, other_side
from d365kit.match.agreeing import Rows
from d365kit.match.criteria import Group
from d365kit.match.explain import as_json, texts
from d365kit.match.prepare import Couplings, Pool
from d365kit.match.rivals import SIDE_NAMES
from d365kit.nouns.proposals import ALREADY_COUPLED, NO_CRITERIA, NO_MATCH, SEVERAL

Texts = np.ndarray


def same(groups: Sequence[Group], group: np.ndarray) -> Texts:
    """“same number (group 1)” for each pair."""
    return np.array([g.same for g in groups], dtype=object)[group]


def several(
    groups: Sequence[Group], group: np.ndarray, asked: np.ndarray, rivals: np.ndarray, busy: np.ndarray
) -> Texts:
    """How many agree, for each pair: ``asked`` in Business Central, ``rivals`` in Sales, ``busy`` of them taken."""
    cases, place = np.unique(np.stack([group, asked, rivals, busy]), axis=1, return_inverse=True)
    said = [
        f"{SEVERAL}: {_many(int(n_bc), int(n_dv))} with the {groups[g].same}{_taken(int(n_busy))}"
        for g, n_bc, n_dv, n_busy in cases.T
    ]
    return np.array(said, dtype=object)[place.ravel()]


def _many(bc: int, dv: int) -> str:
    counts = [f"{n:,} in {SIDE_NAMES[side]}" for side, n in zip(SIDES, (bc, dv), strict=True) if n > 1]
    return " and ".join(counts)


def _taken(busy: int) -> str:
    return f", {busy:,} of them with a partner" if busy else ""


def all_taken(group: Group, side: Side, found: np.ndarray) -> list[str]:
    """For records of ``side`` with which several agree, none of them free."""
    where = SIDE_NAMES[other_side(side)]
    return [f"{SEVERAL}: {n:,} in {where} with the {group.same}, all of them with a partner" for n in found.tolist()]


def unmatched(groups: Sequence[Group], filled: Sequence[np.ndarray], rejected: np.ndarray) -> list[str]:
    """For records with which nothing agrees: what they lack or what was tried, and whether a match was rejected."""
    code = rejected.astype(np.int64)
    for there in filled:
        code = pd.factorize(code * 2 + there)[0]
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    said = np.array(
        [_unmatched(groups, [bool(f[n]) for f in filled], bool(rejected[n])) for n in first], dtype=object
    )
    return said[place].tolist() if len(code) else []


def _unmatched(groups: Sequence[Group], filled: Sequence[bool], rejected: bool) -> str:
    tried = [g for g, there in zip(groups, filled, strict=True) if there]
    if not tried:
        return f"{NO_CRITERIA}: without a value for {' or '.join(g.fields for g in groups)}"
    else_ = "; what had it was rejected" if rejected else ""
    return f"{NO_MATCH}: none has the {' or the '.join(g.same for g in tried)}{else_}"


@dataclass(frozen=True)
class Known:
    """What records are called, and who their partners are: coupled before, or chosen by a group of this run."""

    pool: Pool
    chosen: Rows
    by_group: Rows
    groups: Sequence[Group]
    ledger: Couplings

    def already(self, side: Side, group: Group, others: np.ndarray) -> list[str]:
        """For records of ``side``, each with the one that agrees on the other side: whose partner that one is."""
        there = other_side(side)
        called, partners = self._called(there, others), self._partners(there, others)
        return [
            f"{ALREADY_COUPLED}: {group.same} as {name}, which {partner}"
            for name, partner in zip(called, partners, strict=True)
        ]

    def _called(self, side: Side, rows: np.ndarray) -> list[str]:
        """Name and number of records, or what of both they have, or their ids."""
        kind, frame = self.pool.kind, self.pool.frames[side]
        at = pa.array(rows, pa.int64())
        names = texts(frame, kind.name_field).take(at).to_pylist()
        numbers = texts(frame, kind.number_field).take(at).to_pylist() if kind.number_field else [None] * len(rows)
        ids = self.pool.ids[side].take(at).to_pylist()
        return [
            f"{name} ({number})" if name and number and name != number else name or number or record
            for name, number, record in zip(names, numbers, ids, strict=True)
        ]

    def _partners(self, side: Side, rows: np.ndarray) -> list[str]:
        other = other_side(side)
        coupled = self.ledger.couplings(self.pool.kind.name)
        where = np.full(self.pool.size(side), -1, dtype=np.int64)
        held = self.pool.rows(side, coupled[f"{side}_id"])
        where[held[held >= 0]] = np.flatnonzero(held >= 0)
        ids = coupled[f"{other}_id"].astype(str).to_numpy()
        new = self.chosen[side][rows]
        partner_ids = [str(ids[where[n]]) if new[i] < 0 else "" for i, n in enumerate(rows.tolist())]
        known = np.where(new >= 0, new, self.pool.rows(other, partner_ids))
        names = self._called(other, np.maximum(known, 0)) if self.pool.size(other) else partner_ids
        return [
            f"goes with {name} by the {self.groups[int(self.by_group[side][n])].same}" if new[i] >= 0
            else f"is coupled to {name if known[i] >= 0 else partner_ids[i]}"
            for i, (n, name) in enumerate(zip(rows.tolist(), names, strict=True))
        ]  # fmt: skip


def evidence(
    pool: Pool, groups: Sequence[Group], bc: np.ndarray, dv: np.ndarray, group: np.ndarray, bits: np.ndarray
) -> pa.Array:
    """The evidence of pairs as JSON: the fields of the group in which they agree, with equal shares of its weight."""
    out = np.full(len(bc), "[]", dtype=object)
    for place, one in enumerate(groups):
        here = np.flatnonzero(group == place)
        if not len(here):
            continue
        weight = round(float(bits[here[0]]) / len(one.criteria), 3)
        at = {"bc": pa.array(bc[here]), "dv": pa.array(dv[here])}
        pieces = []
        for criterion in one.criteria:
            f = criterion.field
            left, right = (as_json(_shown(pool, s, f.name, f.label_column)).take(at[s]) for s in SIDES)
            head, tail = f'{{"field": {json.dumps(f.name)}, "bc": ', f', "level": "exact", "weight": {weight}}}'
            values = pc.binary_join_element_wise(pc.fill_null(left, "null"), pc.fill_null(right, "null"), ', "dv": ')
            pieces.append(pc.binary_join_element_wise(head, values, tail, ""))
        whole = pc.binary_join_element_wise("[", pc.binary_join_element_wise(*pieces, ", "), "]", "")
        out[here] = whole.to_numpy(zero_copy_only=False)
    return pa.array(out, pa.string())


def _shown(pool: Pool, side: Side, name: str, label: str) -> pa.Array:
    """A field's values as people read them: of a reference its label, where it has one."""
    held = texts(pool.frames[side], name)
    return pc.coalesce(texts(pool.frames[side], label), held) if label in pool.frames[side].columns else held
