"""Pairs + comparisons → the level of agreement each comparison reached, worked out by Splink."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES
from d365kit.match.blocking import Pairs
from d365kit.match.database import quiet
from d365kit.match.grams import Grams
from d365kit.match.prepare import Pool, setting
from d365kit.match.templates import ELSE, TEMPLATES, Level

if TYPE_CHECKING:
    from d365kit.match.engines import Engine

#: So many pairs are compared at once.
_AT_ONCE = 700_000
_MARK_BITS = 11
#: Splink wants a new name for every table it is given.
_NUMBERS = itertools.count()
_MARK_U = 0.5 / 2.0**_MARK_BITS


@dataclass(frozen=True)
class Comparison:
    """One comparison of a kind: where it is shown, its levels with starting shares, and its SQL."""

    field: str
    shows: tuple[str, ...]
    template: str
    columns: Mapping[str, str]
    levels: tuple[Level, ...]
    m: np.ndarray
    u: np.ndarray
    missing: str
    conditions: tuple[str, ...]
    frequency: str = ""
    near: str = ""

    @property
    def order(self) -> tuple[int, ...]:
        """The levels that must not speak more for a pair than those before them."""
        return tuple(i for i, level in enumerate(self.levels) if not level.loose)

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(level.word for level in self.levels)


def comparisons_of(pool: Pool) -> tuple[Comparison, ...]:
    """The comparisons of the pool's kind for which both sides have something to compare.

    Raises SettingsError for an unknown template, a missing column, or m and u of the wrong length.
    """
    made = [_comparison(spec, pool) for spec in setting(pool.kind, "comparisons")]
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
    return Comparison(
        spec["field"],
        tuple(spec.get("shows", (spec["field"],))),
        spec["template"],
        columns,
        template.levels,
        shares["m"],
        shares["u"],
        missing,
        conditions,
        spec.get("frequency", ""),
        columns.get(template.near, ""),
    )


def levels(
    engine: Engine,
    comparisons: Sequence[Comparison],
    left: str,
    right: str,
    pairs: Pairs,
    near: Mapping[str, Grams],
) -> np.ndarray:
    """The level every pair reached in every comparison, -1 where something is missing: int8, pairs × comparisons.

    ``engine`` compares; ``left`` and ``right`` are the sides whose records the pairs' rows are of;
    ``near`` holds the trigrams of the columns that comparisons are near by.
    """
    out = engine.levels(comparisons, left, right, pairs)
    for i, comparison in enumerate(comparisons):
        if comparison.near:
            out[:, i] = _by_nearness(comparison, out[:, i], near[comparison.near].cosine(left, right, pairs))
    return out


def _by_nearness(comparison: Comparison, reached: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """The final levels, given the first level each pair meets by its condition alone."""
    out = np.full(len(reached), -1, dtype=np.int8)
    for n in range(len(comparison.levels) - 1, -1, -1):
        level = comparison.levels[n]
        # Splink gives the first level with a condition; later ones with the same condition hold as well.
        same = [k for k in range(n + 1) if comparison.levels[k].condition == level.condition]
        meets = np.isin(reached, same) if level.condition not in ("", ELSE) else reached >= 0
        out[meets & (cosine >= level.least) & (reached >= 0)] = n
    return out


def by_conditions(connection, comparisons: Sequence[Comparison], left: str, right: str, pairs: Pairs) -> np.ndarray:
    """For every pair and comparison the first level whose condition holds, -1 where something is missing.

    ``connection`` is DuckDB's, with the tables ``records_bc`` and ``records_dv``.
    """
    from splink import DuckDBAPI, Linker

    out = np.full((len(pairs), len(comparisons)), -1, dtype=np.int8)
    names = [f"{side}{next(_NUMBERS)}" for side in (left, right)]
    with quiet():
        api = DuckDBAPI(connection=connection)
        inputs = [
            api.register(connection.table(f"records_{side}"), dataset_display_name=name)
            for side, name in zip((left, right), names, strict=True)
        ]
        linker = Linker(inputs, splink_settings(comparisons))
        for start in range(0, len(pairs), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            some = Pairs(pairs.left[part], pairs.right[part])
            out[part] = levels_of(_weights(connection, api, linker, names, some, len(comparisons)), some)
        linker.table_management.delete_tables_created_by_splink_from_db()
    return out


def _weights(connection, api, linker, names: Sequence[str], pairs: Pairs, count: int) -> Mapping[str, np.ndarray]:
    """What Splink says of ``pairs``: l, r (row numbers) and w0, w1 … (weights)."""
    connection.register("asked", pa.table({"l": pa.array(pairs.left), "r": pa.array(pairs.right)}))
    connection.execute(
        f"CREATE OR REPLACE TABLE pairs AS SELECT '0' AS match_key, '{names[0]}-__-' || l AS join_key_l, "
        f"'{names[1]}-__-' || r AS join_key_r FROM asked"
    ).fetchall()
    blocked = api.register(connection.table("pairs"), dataset_display_name=f"pairs{next(_NUMBERS)}")
    linker.table_management.register_blocked_pairs_for_predict(blocked)
    scored = linker.inference.predict(warning_mode="never")
    weights = ", ".join(f"(mw_c{i})::FLOAT AS w{i}" for i in range(count))
    got = connection.execute(
        f"SELECT unique_id_l AS l, unique_id_r AS r, {weights} FROM {scored.physical_name}"
    ).fetchnumpy()
    scored.drop_table_from_database_and_remove_from_cache()
    return got


def levels_of(got: Mapping, pairs: Pairs) -> np.ndarray:
    """The levels of ``pairs`` in their order, of Splink's columns l, r (row numbers) and w0, w1 … (weights)."""
    order = np.argsort(np.asarray(got["l"]).astype(np.int64) << 32 | np.asarray(got["r"]).astype(np.int64))
    if len(order) != len(pairs):
        raise AssertionError("Splink gave back another number of pairs than it was asked for.")
    weights = [np.asarray(got[f"w{i}"])[order] for i in range(len(got) - 2)]
    return np.column_stack([_level_of(one) for one in weights])


def splink_settings(comparisons: Sequence[Comparison]) -> dict:
    """Splink's settings for these comparisons.

    Splink is asked for levels only. It gives them back as weights, so each level gets a weight of its own.
    """
    made = []
    for i, c in enumerate(comparisons):
        steps: list[dict] = [
            {"sql_condition": c.missing, "label_for_charts": "missing", "is_null_level": True},
        ]
        for n, condition in enumerate(c.conditions):
            if not condition or condition in c.conditions[:n]:
                continue
            steps.append(
                {
                    "sql_condition": condition,
                    "label_for_charts": c.levels[n].word,
                    "m_probability": _mark(n),
                    "u_probability": _MARK_U,
                }
            )
        made.append({"output_column_name": f"c{i}", "comparison_levels": steps})
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
    found = np.rint(_MARK_BITS - weights).astype(np.int8)
    return np.where(np.abs(weights) < 0.5, np.int8(-1), found)
