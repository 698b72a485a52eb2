"""Places and entries of a queue → pairs as the ledger keeps them."""

from __future__ import annotations

import json

import numpy as np

from d365kit.nouns import Pair
from d365kit.review.queue import BANDS, Queue


def pair_of(queue: Queue, bc: int, dv: int) -> Pair:
    """The pair of two rows: as it was proposed, or as one that was found by a search."""
    place = queue.place_of(bc, dv)
    if place >= 0:
        return pair_at(queue, place)
    return Pair(queue.records["bc"].id_of(bc), queue.records["dv"].id_of(dv), band="found by search")


def pair_at(queue: Queue, place: int) -> Pair:
    """A candidate with its score, band, evidence and fingerprint."""
    line = int(queue.line[place])
    score = float(queue.score[place])
    evidence = json.loads(queue.text(line, "evidence") or "[]")
    return Pair(
        queue.records["bc"].id_of(int(queue.bc[place])), queue.records["dv"].id_of(int(queue.dv[place])),
        None if np.isnan(score) else score, BANDS[int(queue.band_of[place])], evidence,
        queue.text(line, "fingerprint"),
    )  # fmt: skip


def alone(queue: Queue, entry: int) -> Pair:
    """One record without a partner."""
    side = queue.side_of(entry)
    record, band = queue.records[side].id_of(int(queue.row[entry])), BANDS[int(queue.band[entry])]
    return Pair(bc_id=record, band=band) if side == "bc" else Pair(dv_id=record, band=band)
