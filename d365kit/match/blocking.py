"""Normalised columns + keys of matching.toml → the pairs of records worth comparing, across the sides and within."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from d365kit.kinds import Side

#: Where more records of a side than this share a key, the key says nothing.
DEFAULT_CAP = 40
#: A key that so many pairs share at the most is worth their comparison.
MOST_PAIRS = 400


@dataclass(frozen=True)
class Pairs:
    """Pairs of row numbers, in order, none twice."""

    left: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def of(cls, *found: tuple[np.ndarray, np.ndarray]) -> Pairs:
        """All of ``found`` together."""
        codes = [left.astype(np.int64) << 32 | right.astype(np.int64) for left, right in found]
        # Sorting is quicker than numpy's own way to what is unique, which hashes.
        code = np.sort(np.concatenate(codes)) if codes else np.zeros(0, dtype=np.int64)
        code = code[np.r_[True, code[1:] != code[:-1]]] if len(code) else code
        return cls((code >> 32).astype(np.int32), (code & 0xFFFFFFFF).astype(np.int32))

    @property
    def both(self) -> tuple[np.ndarray, np.ndarray]:
        return self.left, self.right

    @property
    def codes(self) -> np.ndarray:
        """A number for each pair; they ascend."""
        return self.left.astype(np.int64) << 32 | self.right.astype(np.int64)

    def only(self, keep: np.ndarray) -> Pairs:
        return Pairs(self.left[keep], self.right[keep])


@dataclass(frozen=True)
class Blocked:
    """Pairs across the sides, and pairs within each side that have a record of its sample."""

    across: Pairs
    within: Mapping[Side, Pairs]


def block(
    connection,
    tables: Mapping[Side, pa.Table],
    keys: Sequence[Sequence[str]],
    cap: int,
    samples: Mapping[Side, np.ndarray],
) -> Blocked:
    """Find the pairs of records that share a key.

    ``tables`` are the normalised columns by side, registered as ``records_bc`` and ``records_dv``. A key that more
    than ``cap`` records of a side share is dropped. ``samples`` are row numbers by side.
    """
    for side, rows in samples.items():
        connection.register(f"sample_{side}", pa.table({"unique_id": pa.array(rows, pa.int64())}))
    across: list[tuple[np.ndarray, np.ndarray]] = []
    within: dict[Side, list[tuple[np.ndarray, np.ndarray]]] = {side: [] for side in samples}
    for number, key in enumerate(keys):
        if not all(filled(table, c) for table in tables.values() for c in key):
            continue
        for side, table in tables.items():
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE key_{side} AS {_keys_sql(f'records_{side}', number, key, table)}"
            ).fetchall()
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE count_{side} AS "
                f"SELECT key, count(*) AS n FROM key_{side} GROUP BY key HAVING n <= {cap}"
            ).fetchall()
        across.append(_fetch(connection, ACROSS))
        for side in samples:
            within[side].append(_fetch(connection, WITHIN.format(side=side)))
    return Blocked(Pairs.of(*across), {side: Pairs.of(*found) for side, found in within.items()})


#: Pairs of key_bc and key_dv, whose keys count_bc and count_dv count; every engine asks in these words.
ACROSS = f"""
    WITH shared AS (SELECT key FROM count_bc b JOIN count_dv d USING (key) WHERE b.n * d.n <= {MOST_PAIRS})
    SELECT b.unique_id AS l, d.unique_id AS r
    FROM (SELECT * FROM key_bc SEMI JOIN shared USING (key)) b JOIN key_dv d USING (key)
"""
WITHIN = f"""
    WITH drawn AS (SELECT * FROM key_{{side}} SEMI JOIN sample_{{side}} USING (unique_id)),
    shared AS (SELECT key FROM count_{{side}} WHERE n > 1 AND n * n <= {MOST_PAIRS})
    SELECT least(a.unique_id, b.unique_id) AS l, greatest(a.unique_id, b.unique_id) AS r
    FROM (SELECT * FROM drawn SEMI JOIN shared USING (key)) a JOIN key_{{side}} b USING (key)
    WHERE a.unique_id <> b.unique_id
"""


def _fetch(connection, sql: str) -> tuple[np.ndarray, np.ndarray]:
    got = connection.execute(sql).fetchnumpy()
    return np.asarray(got["l"]), np.asarray(got["r"])


def filled(table: pa.Table, column: str) -> bool:
    """Whether any record of ``table`` has a value in ``column``."""
    return column in table.column_names and table[column].null_count < len(table)


def _keys_sql(table: str, number: int, key: Sequence[str], columns: pa.Table) -> str:
    """SQL for one key of every record of a table; lists give one key for every combination of their values."""
    source = f"(SELECT unique_id, {', '.join(key)} FROM {table})"
    lists = [c for c in key if pa.types.is_list(columns.schema.field(c).type)]
    for one in lists:
        # One after the other: two lists unnested at once would be read side by side.
        source = f"(SELECT * REPLACE (unnest({one}) AS {one}) FROM {source})"
    present = " AND ".join(f"{c} IS NOT NULL" for c in key)
    text = " || '|' || ".join(f"{c}::VARCHAR" for c in key)
    distinct = "DISTINCT " if lists else ""
    return f"SELECT {distinct}unique_id, hash('{number}:' || {text}) AS key FROM {source} WHERE {present}"
