"""Pool + rules of its kind → candidate pairs and the level each of their comparisons reached (via Splink)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES
from d365kit.match.prepare import Pool
from d365kit.match.templates import TEMPLATES, Level

#: Where more records of a side than this share a key, the key says nothing.
DEFAULT_CAP = 40
#: What a rare value may add to an exact agreement, or a common one take off, in bits.
FREQUENCY_CLIP = 3.0
_MARK_BITS = 11
_MARK_U = 0.5 / 2.0**_MARK_BITS


@dataclass(frozen=True)
class Comparison:
    """One comparison of a kind: where it is shown, its levels with starting shares, and its SQL."""

    field: str
    shows: tuple[str, ...]
    levels: tuple[Level, ...]
    m: np.ndarray
    u: np.ndarray
    missing: str
    conditions: tuple[str, ...]
    frequency: str = ""


@dataclass(frozen=True)
class Candidates:
    """Candidate pairs by row numbers of the pool, and per comparison the level reached (-1: missing).

    ``rarity`` holds, per pair and comparison, the bits by which an exactly agreeing value is rarer (+) or
    more common (-) than such values are on the whole.
    """

    bc: np.ndarray
    dv: np.ndarray
    levels: np.ndarray
    rarity: np.ndarray
    comparisons: tuple[Comparison, ...]

    def __len__(self) -> int:
        return len(self.bc)

    def only(self, keep: np.ndarray) -> Candidates:
        """The candidates for which ``keep`` is true."""
        return Candidates(self.bc[keep], self.dv[keep], self.levels[keep], self.rarity[keep], self.comparisons)


def comparisons_of(pool: Pool) -> tuple[Comparison, ...]:
    """The comparisons of the pool's kind for which both sides have something to compare.

    Raises SettingsError for an unknown template, a missing column, or m and u of the wrong length.
    """
    made = [_comparison(spec, pool) for spec in pool.kind.match.get("comparisons", ())]  # type: ignore[attr-defined]
    return tuple(c for c in made if c is not None)


def _comparison(spec: Mapping, pool: Pool) -> Comparison | None:
    where = f"matching.toml, {pool.kind.name}, comparison of “{spec['field']}”"
    template = TEMPLATES.get(spec["template"])
    if template is None:
        raise SettingsError(
            f"{where}: there is no template “{spec['template']}”.", f"Use one of: {', '.join(TEMPLATES)}."
        )
    columns = dict(spec["columns"])
    unknown = [c for c in columns.values() if c not in pool.columns["bc"].column_names]
    if unknown:
        raise SettingsError(f"{where}: there is no column “{unknown[0]}”.", "Add it to columns, or correct its name.")
    shares = {}
    for name in ("m", "u"):
        found = np.array(spec.get(name) or [getattr(level, name) for level in template.levels], dtype=float)
        if len(found) != len(template.levels):
            raise SettingsError(f"{where}: {name} needs {len(template.levels)} shares.", "Give one for each level.")
        shares[name] = found / found.sum()
    try:
        missing = template.missing.format(**columns)
        conditions = tuple(level.condition.format(**columns) for level in template.levels)
    except KeyError as problem:
        raise SettingsError(f"{where}: the template needs the column {problem}.", "Name it under columns.") from None
    if not any(all(pool.has(side, c) for side in SIDES) for c in columns.values()):
        return None
    shows = tuple(spec.get("shows", (spec["field"],)))
    return Comparison(
        spec["field"],
        shows,
        template.levels,
        shares["m"],
        shares["u"],
        missing,
        conditions,
        spec.get("frequency", ""),
    )


def candidates(pool: Pool) -> Candidates:
    """Find the pairs worth scoring and the level of agreement of each of their comparisons.

    Pairs come sorted by row numbers, whatever the order in which the database found them.
    """
    comparisons = comparisons_of(pool)
    nothing = np.zeros(0, dtype=np.int64)
    empty = np.zeros((0, len(comparisons)))
    none = Candidates(nothing, nothing, empty.astype(np.int8), empty.astype(np.float32), comparisons)
    if not comparisons or not all(pool.size(s) for s in SIDES):
        return none
    with _database() as connection:
        for side in SIDES:
            connection.register(f"records_{side}", pool.columns[side])
        keys = [list(k) for k in pool.kind.match.get("keys", ())]  # type: ignore[attr-defined]
        cap = int(pool.kind.match.get("cap", DEFAULT_CAP))  # type: ignore[call-overload]
        if _block(connection, pool, keys, cap) == 0:
            return none
        frame = _levels(connection, comparisons)
    frame = frame.sort_values(["bc", "dv"], kind="stable")
    bc, dv = frame["bc"].to_numpy(np.int64), frame["dv"].to_numpy(np.int64)
    levels = np.column_stack([_level_of(frame[f"mw_c{i}"].to_numpy(float)) for i in range(len(comparisons))])
    return Candidates(bc, dv, levels, _rarity(pool, bc, dv, levels, comparisons), comparisons)


@contextmanager
def _database() -> Iterator:
    """A database in memory that is closed in the end."""
    import duckdb

    connection = duckdb.connect(":memory:")
    # DuckDB would put a bar of its own into a notebook, black and nameless, and leave it there.
    connection.execute("SET enable_progress_bar = false")
    try:
        yield connection
    finally:
        connection.close()


def _block(connection, pool: Pool, keys: Sequence[Sequence[str]], cap: int) -> int:
    """Make the table ``pairs`` of records that share a key; return how many there are.

    A key that more than ``cap`` records of a side share is dropped.
    """
    tables = {side: pool.columns[side] for side in SIDES}
    usable = [k for k in keys if all(pool.has(side, c) for side in SIDES for c in k)]
    if not usable:
        return 0
    for side in SIDES:
        parts = [_keys_sql(f"records_{side}", n, key, tables[side]) for n, key in enumerate(usable)]
        connection.execute(f"CREATE TABLE all_{side} AS {' UNION ALL '.join(parts)}").fetchall()
        connection.execute(
            f"CREATE TABLE keys_{side} AS SELECT unique_id, key FROM all_{side} "
            f"QUALIFY count(*) OVER (PARTITION BY key) <= {cap}"
        ).fetchall()
    connection.execute(
        "CREATE TABLE pairs AS SELECT '0' AS match_key, 'bc-__-' || b.unique_id AS join_key_l, "
        "'dv-__-' || d.unique_id AS join_key_r "
        "FROM keys_bc b JOIN keys_dv d USING (key) GROUP BY b.unique_id, d.unique_id"
    ).fetchall()
    return connection.execute("SELECT count(*) FROM pairs").fetchall()[0][0]


def _keys_sql(table: str, number: int, key: Sequence[str], columns: pa.Table) -> str:
    """SQL for one key of every record of a table; a list gives one key for each of its values."""
    picked = []
    for c in key:
        picked.append(f"unnest({c}) AS {c}" if pa.types.is_list(columns.schema.field(c).type) else c)
    present = " AND ".join(f"{c} IS NOT NULL" for c in key)
    text = " || '|' || ".join(f"{c}::VARCHAR" for c in key)
    return (
        f"SELECT DISTINCT unique_id, hash('{number}:' || {text}) AS key "
        f"FROM (SELECT unique_id, {', '.join(picked)} FROM {table}) WHERE {present}"
    )


def _levels(connection, comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Let Splink compare the pairs; per pair the weight of the level reached, by which the level is known."""
    from splink import DuckDBAPI, Linker

    with _quiet():
        api = DuckDBAPI(connection=connection)
        inputs = [api.register(connection.table(f"records_{s}"), dataset_display_name=s) for s in SIDES]
        linker = Linker(inputs, _settings(comparisons))
        pairs = api.register(connection.table("pairs"), dataset_display_name="pairs_to_score")
        linker.table_management.register_blocked_pairs_for_predict(pairs)
        scored = linker.inference.predict(warning_mode="never")
        weights = ", ".join(f"mw_c{i}" for i in range(len(comparisons)))
        return connection.execute(
            f"SELECT unique_id_l AS bc, unique_id_r AS dv, {weights} FROM {scored.physical_name}"
        ).df()


def _settings(comparisons: Sequence[Comparison]) -> dict:
    """Splink's settings for these comparisons.

    Splink is asked for levels only. It gives them back as weights, so each level gets a weight of its own.
    """
    made = []
    for i, c in enumerate(comparisons):
        levels: list[dict] = [
            {"sql_condition": c.missing, "label_for_charts": "missing", "is_null_level": True},
        ]
        for n, condition in enumerate(c.conditions):
            levels.append(
                {
                    "sql_condition": condition,
                    "label_for_charts": c.levels[n].word,
                    "m_probability": _mark(n),
                    "u_probability": _MARK_U,
                }
            )
        made.append({"output_column_name": f"c{i}", "comparison_levels": levels})
    return {
        "link_type": "link_only",
        "comparisons": made,
        "blocking_rules_to_generate_predictions": ["l.unique_id = r.unique_id"],
        "retain_intermediate_calculation_columns": True,
        "retain_matching_columns": False,
    }


def _mark(level: int) -> float:
    """A share that stands for a level: over ``_MARK_U`` its weight is a whole number of bits, never zero."""
    return 0.5 / 2.0**level


def _level_of(weights: np.ndarray) -> np.ndarray:
    """The level numbers behind the weights that Splink returned; -1 for missing, whose weight is zero."""
    levels = np.rint(_MARK_BITS - weights).astype(np.int8)
    return np.where(np.abs(weights) < 0.5, np.int8(-1), levels)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Splink from logging; its logger is left as it was found.

    Every new linker turns Splink's logging on again, unless it finds a handler there.
    """
    logger = logging.getLogger("splink")
    before = logger.level, logger.propagate
    silence = logging.NullHandler()
    logger.addHandler(silence)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(silence)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def _rarity(
    pool: Pool, bc: np.ndarray, dv: np.ndarray, levels: np.ndarray, comparisons: Sequence[Comparison]
) -> np.ndarray:
    """How much rarer than usual the value is that a pair agrees on exactly, in bits, clipped."""
    out = np.zeros(levels.shape, dtype=np.float32)
    for i, comparison in enumerate(comparisons):
        column = comparison.frequency
        if not column or not len(bc):
            continue
        values = {side: pool.columns[side][column].to_pandas() for side in SIDES}
        shares = pd.concat([v.dropna() for v in values.values()]).value_counts(normalize=True)
        rate = values["bc"].map(shares).to_numpy(dtype=float)[bc]
        exact = (levels[:, i] == 0) & ~np.isnan(rate)
        if exact.any():
            bits = -np.log2(rate[exact])
            out[exact, i] = np.clip(bits - np.median(bits), -FREQUENCY_CLIP, FREQUENCY_CLIP)
    return out
