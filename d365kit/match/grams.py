"""Texts of both sides → their trigrams, weighted by how rare they are: near texts found, and pairs compared.

A text is the sum of its runs of three letters, and rare runs count for more (TF-IDF). The cosine of two texts
tells how much of what is special in them they share, whatever the order of their words and in spite of slips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.match.blocking import Pairs

#: Runs found in more texts than this do not find candidates: that bounds the cost by the number of texts.
_MOST_POSTINGS = 2_000
_AT_ONCE = 200_000
_LONGEST = 200
#: There are so many runs of three bytes.
_RUNS = 1 << 24


@dataclass(frozen=True)
class Grams:
    """The weighted trigrams of a column by side, as sparse rows of length one; a missing text is a row of zeros."""

    rows: Mapping[str, object]
    frequency: np.ndarray

    @classmethod
    def of(cls, texts: Mapping[str, pa.ChunkedArray | pa.Array]) -> Grams:
        """Take the texts of each side apart; weights come from the frequencies on all sides together."""
        from scipy.sparse import csr_matrix

        parts = {side: _runs(column) for side, column in texts.items()}
        sizes = {side: len(column) for side, column in texts.items()}
        # Each run counts once a text, and each side for itself, so that swapping the sides changes nothing.
        names, frequency = np.unique(np.concatenate([runs for _, runs in parts.values()]), return_counts=True)
        matrices = {side: (rows, np.searchsorted(names, runs)) for side, (rows, runs) in parts.items()}
        total = max(sum(sizes.values()), 1)
        rarity = np.log2((total + 1) / (frequency + 0.5)).astype(np.float32)
        made = {}
        for side, (row, column) in matrices.items():
            weight = rarity[column]
            length = np.sqrt(np.bincount(row, weight.astype(float) ** 2, sizes[side]))
            weight = (weight / np.maximum(length[row], 1e-9)).astype(np.float32)
            counts = np.bincount(row, minlength=sizes[side])
            starts = np.concatenate([[0], np.cumsum(counts)])
            made[side] = csr_matrix((weight, column.astype(np.int32), starts), shape=(sizes[side], len(names)))
        return cls(made, frequency)

    def size(self, side: str) -> int:
        """How many texts there are."""
        return self.rows[side].shape[0]  # type: ignore[attr-defined]

    def cosine(self, left: str, right: str, pairs: Pairs) -> np.ndarray:
        """How near the texts of each pair are, 0 to 1; float32."""
        out = np.zeros(len(pairs), dtype=np.float32)
        a, b = self.rows[left], self.rows[right]
        for start in range(0, len(pairs), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            product = a[pairs.left[part]].multiply(b[pairs.right[part]])  # type: ignore[index]
            out[part] = np.asarray(product.sum(axis=1)).ravel()
        return np.minimum(out, 1.0)

    def nearest(
        self, left: str, right: str, count: int, least: float, of: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """For every text of ``left`` the ``count`` nearest of ``right`` that are at least so near, as row numbers.

        With ``of`` only the texts at these rows of ``left`` are asked for.

        Runs found in very many texts take no part, so the cost grows with the number of texts, not its square.
        """
        from sparse_dot_topn import sp_matmul_topn

        rare = np.flatnonzero(self.frequency <= _MOST_POSTINGS)
        a, b = self.rows[left][:, rare], self.rows[right][:, rare]  # type: ignore[index]
        a = a if of is None else a[of]
        found = sp_matmul_topn(a.tocsr(), b.T.tocsr(), top_n=count, threshold=least, n_threads=2).tocoo()
        return (found.row if of is None else of[found.row]), found.col


def _runs(column: pa.ChunkedArray | pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and trigrams (as numbers) of all texts; a blank stands before and behind each text."""
    texts = pc.utf8_slice_codeunits(pc.fill_null(column.cast(pa.large_string()), ""), 0, _LONGEST)
    array = pa.concat_arrays(texts.chunks) if isinstance(texts, pa.ChunkedArray) else texts
    blank = pa.scalar(" ", pa.large_string())
    padded = pc.binary_join_element_wise(blank, array, blank, pa.scalar("", pa.large_string()))
    if isinstance(padded, pa.ChunkedArray):
        padded = pa.concat_arrays(padded.chunks)
    _, offsets, data = padded.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[padded.offset : padded.offset + len(padded) + 1]
    letters = (
        np.frombuffer(data, dtype=np.uint8)[: starts[-1]].astype(np.int32) if len(padded) else np.zeros(0, np.int32)
    )
    if len(letters) < 3:
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32)
    runs = (letters[:-2] << 16) | (letters[1:-1] << 8) | letters[2:]
    rows = np.repeat(np.arange(len(padded), dtype=np.int32), np.diff(starts))[:-2]
    # A run that ends in the blank between two texts, or begins with it, is none.
    inside = np.arange(len(runs)) < np.repeat(starts[1:] - 3 + 1, np.diff(starts))[:-2]
    filled = np.repeat(np.diff(starts) > 2, np.diff(starts))[:-2]
    keep = inside & filled
    rows, runs = rows[keep], runs[keep]
    # A run counts once in each text: sorted by text and run, repetitions stand side by side.
    code = np.sort(rows.astype(np.int64) << 24 | runs)
    code = code[np.r_[True, code[1:] != code[:-1]]] if len(code) else code
    return (code >> 24).astype(np.int32), (code & (_RUNS - 1)).astype(np.int32)
