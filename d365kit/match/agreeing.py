"""Pool + one group of criteria → Agreement: which records agree in all its fields, counted, and some picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import SIDES, Side, other_side
from d365kit.match.criteria import Criterion, Group
from d365kit.match.prepare import Pool
from d365kit.nouns.frames import arrow_of

Rows = Mapping[Side, np.ndarray]


@dataclass(frozen=True)
class Agreement:
    """One group's values as numbers: the same number means that all its fields agree, -1 that one is blank.

    ``refused`` are the rejected pairs, by row numbers; they agree in nothing.
    """

    group: Group
    keys: Rows
    size: int
    refused: Rows

    @classmethod
    def of(cls, pool: Pool, group: Group, refused: Rows) -> Agreement:
        keys = np.zeros(sum(pool.size(side) for side in SIDES), dtype=np.int64)
        blank = np.zeros(len(keys), dtype=bool)
        for criterion in group.criteria:
            codes = _codes(pool, criterion)
            blank |= codes < 0
            # Numbered anew each time, so that many fields do not outgrow the integers.
            keys = pd.factorize(keys * (int(codes.max(initial=0)) + 1) + np.maximum(codes, 0))[0]
        keys[blank] = -1
        cut = pool.size("bc")
        return cls(group, {"bc": keys[:cut], "dv": keys[cut:]}, int(keys.max(initial=0)) + 1, refused)

    def filled(self, side: Side) -> np.ndarray:
        """Which records have a value in every field."""
        return self.keys[side] >= 0

    def count(self, side: Side, among: np.ndarray) -> np.ndarray:
        """For each record of ``side``, how many records of the other side ``among`` those agree with it."""
        mine, theirs = self.keys[side], self.keys[other_side(side)]
        tally = np.bincount(theirs[among & (theirs >= 0)], minlength=self.size)
        found = np.where(mine >= 0, tally[mine], 0)
        at, other = self._refused(side)
        np.subtract.at(found, at[among[other]], 1)
        return found

    def pick(self, side: Side, rows: np.ndarray, among: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        """The first ``most`` records ``among`` those of the other side that agree with each of ``rows``, as pairs.

        ``rows`` are all different; the order of the others is that of their ids.
        """
        theirs = self.keys[other_side(side)]
        able = np.flatnonzero(among & (theirs >= 0))
        able = able[np.argsort(theirs[able], kind="stable")]
        starts = np.searchsorted(theirs[able], self.keys[side][rows])
        ends = np.searchsorted(theirs[able], self.keys[side][rows], side="right")
        at, other = self._refused(side)
        spare = np.bincount(at, minlength=len(self.keys[side]))[rows]
        counts = np.minimum(np.where(self.keys[side][rows] >= 0, ends - starts, 0), most + spare)
        mine = np.repeat(rows, counts)
        place = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
        others = able[np.repeat(starts, counts) + place]
        keep = ~np.isin(_pairs(mine, others), _pairs(at, other))
        mine, others = mine[keep], others[keep]
        few = _place(mine) < most
        return mine[few], others[few]

    def refused_rows(self, side: Side) -> np.ndarray:
        """The records of ``side`` that agree with one they were rejected with."""
        return self._refused(side)[0]

    def _refused(self, side: Side) -> tuple[np.ndarray, np.ndarray]:
        """The rejected pairs that agree, seen from ``side``."""
        at, other = self.refused[side], self.refused[other_side(side)]
        agree = (self.keys[side][at] >= 0) & (self.keys[side][at] == self.keys[other_side(side)][other])
        return at[agree], other[agree]


def _codes(pool: Pool, criterion: Criterion) -> np.ndarray:
    """A number for each different value of a field, over both sides, bc first; -1 for a blank."""
    both = [_values(pool, side, criterion) for side in SIDES]
    together = pa.chunked_array([chunk for values in both for chunk in values.chunks], both[0].type)
    encoded = together.combine_chunks().dictionary_encode()
    return pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _values(pool: Pool, side: Side, criterion: Criterion) -> pa.ChunkedArray:
    """The raw values of a field, as Business Central compares them: texts without case unless it counts, no blanks.

    A reference is the id of what it points to, in ids that agree where those are coupled.
    """
    name = criterion.field.name
    if criterion.field.is_reference:
        return pool.columns[side][f"{name}_ref"]
    values = arrow_of(pool.frames[side][name])
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    values = values.cast(pa.string())
    blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    values = pc.if_else(blank, pa.scalar(None, pa.string()), values)
    return values if criterion.minds_case else pc.utf8_lower(values)


def _pairs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return left.astype(np.int64) << 32 | right.astype(np.int64)


def _place(record: np.ndarray) -> np.ndarray:
    """The place of each entry among those of the same record, from 0; entries of one record stand together."""
    if not len(record):
        return record
    at = np.arange(len(record))
    new = np.r_[True, record[1:] != record[:-1]]
    return at - np.maximum.accumulate(np.where(new, at, 0))
