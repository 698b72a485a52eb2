"""Scored pairs → one partner at most for each record, ties recognised, and every pair's band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: A pair is certain when it is at least this probable, and so much ahead of the next best on either side.
CERTAIN = 0.98
CLEAR_LEAD = float(np.log2(0.99 / 0.01))
_CERTAIN_BITS = float(np.log2(CERTAIN / (1.0 - CERTAIN)))
#: The odds in bits that a certain pair may start from at the most. The true ones depend on how many records have no
#: partner; with this limit strangers among the records make no certain pair doubtful.
STEADY_ODDS = -0.5
#: Among all certain pairs together, at most this share may be expected to be wrong.
EXPECTED_WRONG = 0.005
LIKELY = 0.5
#: Totals closer than this are equal.
EQUAL = 1e-6


@dataclass(frozen=True)
class Assignment:
    """Per pair: whether it is chosen, whether an equally good coupling does without it, and its lead in bits.

    ``margin`` is the lead over the next best or “no partner”. ``clear`` is 0 or more where that lead is enough to be
    certain: `CLEAR_LEAD` over others, and `CERTAIN` from steady odds.
    """

    chosen: np.ndarray
    tied: np.ndarray
    margin: np.ndarray
    clear: np.ndarray


def assign(bc: np.ndarray, dv: np.ndarray, score: np.ndarray, prior: float) -> Assignment:
    """Choose the pairs with the largest sum of weights, no record twice.

    A pair counts against leaving both its records alone: the weight of its score plus ``prior`` must be above
    zero. Where several choices are equally good, only the pairs that all of them share are chosen; the others
    are tied.
    """
    net = score + prior
    chosen = np.zeros(len(score), dtype=bool)
    tied = np.zeros(len(score), dtype=bool)
    worth = np.flatnonzero(net > EQUAL)
    settled, open_ = _plain(bc[worth], dv[worth], net[worth])
    chosen[worth[settled]] = True
    worth = worth[open_]
    for group in _components(bc[worth], dv[worth]):
        pairs = worth[group]
        if len(pairs) == 1:
            chosen[pairs] = True
            continue
        always, ever = _settle(bc[pairs], dv[pairs], net[pairs])
        chosen[pairs[always]] = True
        tied[pairs[ever & ~always]] = True
    rival = np.maximum(best_other(bc, net), best_other(dv, net))
    clear = np.minimum(net - rival - CLEAR_LEAD, score + min(prior, STEADY_ODDS) - _CERTAIN_BITS)
    return Assignment(chosen, tied, net - np.maximum(0.0, rival), clear)


def _plain(bc: np.ndarray, dv: np.ndarray, net: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that every best choice has, as far as two records tell it, and the pairs that stay open.

    A pair that outweighs the best other pair of its one record and that of its other together is in every best
    choice: putting it in for those two gains. Its records' other pairs are out then, which may settle further ones.
    """
    open_ = np.arange(len(net))
    settled: list[np.ndarray] = []
    while len(open_):
        b, d, w = bc[open_], dv[open_], net[open_]
        rivals = np.maximum(best_other(b, w), 0.0) + np.maximum(best_other(d, w), 0.0)
        sure = w > rivals + EQUAL
        if not sure.any():
            break
        settled.append(open_[sure])
        open_ = open_[~(np.isin(b, b[sure]) | np.isin(d, d[sure]))]
    return np.concatenate(settled) if settled else open_[:0], open_


def _components(bc: np.ndarray, dv: np.ndarray) -> list[np.ndarray]:
    """The positions of pairs that hang together through their records, group by group."""
    if not len(bc):
        return []
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, left = np.unique(bc, return_inverse=True)
    _, right = np.unique(dv, return_inverse=True)
    right = right + left.max() + 1
    size = right.max() + 1
    graph = coo_matrix((np.ones(len(bc), dtype=np.int8), (left, right)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    of_pair = label[left]
    order = np.argsort(of_pair, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(of_pair[order])) + 1)


def _settle(bc: np.ndarray, dv: np.ndarray, net: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs are in every best choice, and which in some that were met on the way.

    The best choice is sought again with the pairs that every choice had so far made a trifle worse: if another
    choice is as good, it wins now, and the pairs it does without are not certain to be in.
    """
    always = _best(bc, dv, net)
    ever = always.copy()
    while always.any():
        again = _best(bc, dv, net - EQUAL * always)
        ever |= again
        if (always & ~again).any():
            always &= again
        else:
            break
    return always, ever


def _best(bc: np.ndarray, dv: np.ndarray, net: np.ndarray) -> np.ndarray:
    """A best choice for one group of pairs; leaving a record alone is worth zero."""
    from scipy.optimize import linear_sum_assignment

    rows, left = np.unique(bc, return_inverse=True)
    columns, right = np.unique(dv, return_inverse=True)
    if len(rows) * len(columns) > 4_000_000:
        return _best_sparse(left, right, net, len(rows), len(columns))
    worth = np.zeros((len(rows), len(columns)))
    at = np.full(worth.shape, -1, dtype=np.int64)
    worth[left, right] = np.maximum(net, 0.0)
    at[left, right] = np.arange(len(net))
    picked = at[linear_sum_assignment(worth, maximize=True)]
    chosen = np.zeros(len(net), dtype=bool)
    chosen[picked[picked >= 0]] = True
    return chosen & (net > 0)


def _best_sparse(left: np.ndarray, right: np.ndarray, net: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The same for a large group: every BC record gets a stand-in of its own that means “no partner”."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    keep = np.flatnonzero(net > 0)
    top = float(net.max()) + 1.0
    alone = np.arange(rows)
    cost = np.concatenate([top - net[keep], np.full(rows, top)])
    graph = csr_matrix(
        (cost, (np.concatenate([left[keep], alone]), np.concatenate([right[keep], columns + alone]))),
        shape=(rows, columns + rows),
    )
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    partner = np.full(rows, -1)
    partner[matched_row] = matched_column
    return (partner[left] == right) & (net > 0)


def best_other(record: np.ndarray, net: np.ndarray) -> np.ndarray:
    """For each pair the largest weight among the other pairs of the same record; minus infinity if none."""
    if not len(record):
        return np.zeros(0)
    order = np.lexsort((-net, record))
    first = np.r_[True, record[order][1:] != record[order][:-1]]
    start = np.flatnonzero(first)
    group = np.cumsum(first) - 1
    best = net[order][start]
    second = np.full(len(start), -np.inf)
    longer = np.diff(np.r_[start, len(order)]) > 1
    second[longer] = net[order][start[longer] + 1]
    out = np.empty(len(net))
    out[order] = np.where(first, second[group], best[group])
    return out


def bands(assignment: Assignment, probability: np.ndarray, doubted: np.ndarray, more: float = 0.0) -> np.ndarray:
    """The band of each pair: certain, likely or unsure.

    Only chosen pairs are certain or likely, and ``doubted`` ones are likely at most. The certain ones are
    probable enough each, clearly ahead (by ``more`` bits than otherwise), and few enough for the mistakes expected
    among them to stay below the limit.
    """
    chosen = assignment.chosen
    out = np.full(len(chosen), "unsure", dtype=object)
    out[chosen & (probability >= LIKELY)] = "likely"
    able = np.flatnonzero(chosen & ~doubted & (probability >= CERTAIN) & (assignment.clear >= more))
    order = able[np.argsort(-probability[able], kind="stable")]
    wrong = np.cumsum(1.0 - probability[order]) / np.arange(1, len(order) + 1)
    out[order[wrong <= EXPECTED_WRONG]] = "certain"
    return out
