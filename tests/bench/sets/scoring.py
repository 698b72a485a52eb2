"""A set's folder and asserted pairs → precision, recall and F1 by entity, of all and of the certain ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

Figures = dict[str, float]


def score(folder: Path, pairs: pd.DataFrame, candidates: pd.DataFrame | None = None) -> Figures:
    """Pairs (left_id, right_id, and where known score, band) → the figures the tables of docs show.

    A pair is right when both records have the same entity; an entity counts once, so that a second right pair of
    one entity (its duplicates) is neither right nor wrong. Recall is over the entities with a record on both sides.
    `candidates`, all scored pairs, adds `best_f1`, the score it is reached at, and `r99.5`, the recall reached
    while precision is 99.5 % or more, both after a greedy one-to-one choice by score.
    """
    left, right = _truth(folder, "left"), _truth(folder, "right")
    shared = len(np.intersect1d(left.to_numpy(), right.to_numpy()))
    entity_left = left.to_numpy()[_places(pairs, "left_id", left)]
    entity_right = right.to_numpy()[_places(pairs, "right_id", right)]
    figures: Figures = {"pairs": len(pairs), "shared": shared}
    figures |= _figures(entity_left, entity_right, shared)
    if "band" in pairs.columns:
        certain = pairs["band"].astype("string").eq("certain").fillna(False).to_numpy(dtype=bool)
        alone = _figures(entity_left[certain], entity_right[certain], shared)
        figures |= {"certain": int(certain.sum()), "certain_precision": alone["precision"]}
        figures["certain_coverage"] = alone["recall"]
    if candidates is not None:
        figures |= _thresholds(candidates, left, right, shared)
    return figures


def _figures(left: np.ndarray, right: np.ndarray, shared: int) -> Figures:
    same = left == right
    right_ones, wrong = len(np.unique(left[same])), int((~same).sum())
    precision = right_ones / (right_ones + wrong) if right_ones + wrong else 1.0
    recall = right_ones / shared if shared else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"right": right_ones, "wrong": wrong, "precision": precision, "recall": recall, "f1": f1}


def _thresholds(candidates: pd.DataFrame, left: pd.Series, right: pd.Series, shared: int) -> Figures:
    lefts, rights = _places(candidates, "left_id", left), _places(candidates, "right_id", right)
    entity_left, entity_right = left.to_numpy()[lefts], right.to_numpy()[rights]
    blocked = len(np.unique(entity_left[entity_left == entity_right]))
    figures = {"candidates": len(candidates), "blocking_recall": blocked / max(shared, 1)}
    if not len(candidates):
        return figures | {"best_f1": 0.0, "best_at": float("nan"), "r99.5": 0.0}
    scores = candidates["score"].to_numpy(dtype=float)
    ranked = np.lexsort((rights, lefts, -scores))
    kept = ranked[_one_to_one(lefts[ranked], rights[ranked])]
    scores, entity_left, same = scores[kept], entity_left[kept], (entity_left == entity_right)[kept]
    first = same & ~pd.Series(np.where(same, entity_left, -1 - np.arange(len(same)))).duplicated().to_numpy()
    found, wrong = np.cumsum(first), np.cumsum(~same)
    last = np.append(scores[1:] != scores[:-1], True)
    precision = found / np.maximum(found + wrong, 1)
    recall = found / max(shared, 1)
    f1 = 2 * found / np.maximum(found + wrong + shared, 1)
    best = int(np.argmax(np.where(last, f1, -1.0)))
    sure = recall[last & (precision >= 0.995)]
    return figures | {
        "best_f1": float(f1[best]),
        "best_at": float(scores[best]),
        "r99.5": float(sure.max()) if len(sure) else 0.0,
    }


def _one_to_one(lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    """Records of candidates in order of rank → which of them stay when every record may be used once."""
    taken_left = bytearray(int(lefts.max(initial=-1)) + 1)
    taken_right = bytearray(int(rights.max(initial=-1)) + 1)
    keep = np.zeros(len(lefts), dtype=bool)
    for place, (one, other) in enumerate(zip(lefts.tolist(), rights.tolist(), strict=True)):
        if not taken_left[one] and not taken_right[other]:
            taken_left[one] = taken_right[other] = 1
            keep[place] = True
    return keep


def _truth(folder: Path, side: str) -> pd.Series:
    frame = pd.read_csv(folder / f"truth_{side}.csv", dtype={"id": str, "entity": "int64"})
    return frame.set_index(frame["id"].astype(object))["entity"]


def _places(pairs: pd.DataFrame, column: str, truth: pd.Series) -> np.ndarray:
    """Pairs and a side's truth → the place of each pair's record in it; an unknown record is an error."""
    places = truth.index.get_indexer(pd.Index(pairs[column].astype(object)))
    if (places < 0).any():
        unknown = pairs[column].iloc[int(np.argmax(places < 0))]
        raise ValueError(f"{column} {unknown!r} is no record of this set.")
    return places
