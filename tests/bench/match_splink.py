"""Splink alone on two files of a set, set up well → its time, memory and figures as one line of JSON.

It gets the records with our normalised columns, our keys as blocking rules, and blocks capped as ours are. The rest
is Splink's usual way: comparisons of its own library with the term frequency of the name, u from random pairs, the
prior from deterministic rules, m from expectation maximisation over three rules, pairs from a match probability of
0.5 on. Splink itself couples many to many; here it gets a one-to-one step besides, the best pairs first.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink import comparison_level_library as cll
from splink import comparison_library as cl

from d365kit.kinds import SIDES
from d365kit.ledger import Ledger
from d365kit.match.blocking import DEFAULT_CAP, MOST_PAIRS
from d365kit.match.prepare import Pool, pool
from tests.bench.measured import Meter, read, tell
from tests.bench.sets import score

#: From this match probability on a pair is asserted; Splink's own reports take the same.
ASSERTED = 0.5
#: From this one on it would be confirmed in bulk.
CERTAIN = 0.99
#: What deterministic rules are said to find of all couplings.
RECALL = 0.7
#: So many random pairs are drawn for u (Splink's default), and blocked pairs for each training at the most.
_RANDOM_PAIRS, _BLOCKED_PAIRS = 1_000_000, 5_000_000


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.match_splink", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--candidates", action="store_true", help="score all pairs too, for the best threshold")
    parser.add_argument("--memory", default="8GB", help="what DuckDB may hold before it turns to files")
    options = parser.parse_args(words)
    _silence()
    meter = Meter()
    held = read(options.folder, options.kind)
    with tempfile.TemporaryDirectory() as home, Ledger.open(Path(home) / "none.db") as ledger, meter.running():
        scored = link(pool(held.snapshot, ledger, held.kind), options.memory, everything=options.candidates)
        pairs = one_to_one(scored[scored["probability"] >= ASSERTED])
    figures: dict[str, object] = {"matcher": "Splink alone", "scored": len(scored), **meter.figures()}
    pairs["band"] = np.where(pairs["probability"] >= CERTAIN, "certain", "likely")
    pairs, scored = held.by_hand(pairs), held.by_hand(scored)
    return tell(figures | score(options.folder, pairs, scored if options.candidates else None))


def _silence() -> None:
    """Standard output is for the one line. Splink turns its logging on unless it finds a handler there."""
    logger = logging.getLogger("splink")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def link(records: Pool, memory: str, *, everything: bool) -> pd.DataFrame:
    """The scored pairs: bc_id, dv_id, score (bits) and probability; without ``everything`` those asserted."""
    kind = records.kind
    comparisons = _Comparisons(records)
    _COMPARISONS[kind.name](comparisons)
    sure, learn = (_usable(rules[kind.name], records) for rules in (_SURE, _LEARN))
    used = sorted(comparisons.used.union(*sure, *learn))
    with _database(memory) as connection:
        for side in SIDES:
            connection.register(f"plain_{side}", records.columns[side])
        rules = _capped_keys(connection, records, used)
        api = DuckDBAPI(connection=connection)
        inputs = [api.register(connection.table(f"splink_{side}"), dataset_display_name=side) for side in SIDES]
        settings = SettingsCreator(
            link_type="link_only",
            comparisons=comparisons.made,
            blocking_rules_to_generate_predictions=rules,
            retain_matching_columns=False,
            retain_intermediate_calculation_columns=False,
        )
        linker = Linker(inputs, settings)
        _train(linker, sure, learn[:3])
        found = linker.inference.predict(threshold_match_probability=None if everything else ASSERTED)
        got = connection.execute(
            "SELECT unique_id_l AS bc, unique_id_r AS dv, match_weight AS score, match_probability AS probability "
            f"FROM {found.physical_name}"
        ).fetchnumpy()
    made = {f"{side}_id": records.ids[side].take(pa.array(got[side])).to_pandas() for side in SIDES}
    return pd.DataFrame({**made, "score": got["score"], "probability": got["probability"]})


def one_to_one(scored: pd.DataFrame) -> pd.DataFrame:
    """The best pairs first, each record once. Probabilities saturate, so bits decide, then ids."""
    ranked = scored.sort_values(["score", "bc_id", "dv_id"], ascending=[False, True, True])
    taken: set[str] = set()
    other: set[str] = set()
    keep = np.zeros(len(ranked), dtype=bool)
    for place, (bc, dv) in enumerate(zip(ranked["bc_id"].tolist(), ranked["dv_id"].tolist(), strict=True)):
        if bc not in taken and dv not in other:
            taken.add(bc)
            other.add(dv)
            keep[place] = True
    return ranked[keep].reset_index(drop=True)


# --- blocks ----------------------------------------------------------------------------------------------


def _capped_keys(connection: Any, records: Pool, used: Sequence[str]) -> list:
    """Tables splink_bc and splink_dv of the ``used`` columns with a column of keys, and the rule to block on it.

    A key that too many records of a side share is null, as in ours. All keys of a record are in one list, which is
    exploded: the pairs are those of a rule for each key, found in one join instead of many that exclude each other.
    """
    kind = records.kind
    keys = [list(key) for key in kind.match["keys"]]  # type: ignore[attr-defined]
    cap = int(kind.match.get("cap", DEFAULT_CAP))  # type: ignore[call-overload]
    keys = [key for key in keys if all(records.has(side, column) for side in SIDES for column in key)]
    for side in SIDES:
        parts = [_key_sql(f"plain_{side}", n, key, records.columns[side]) for n, key in enumerate(keys)]
        connection.execute(f"CREATE TEMP TABLE keys_{side} AS {' UNION ALL '.join(parts)}").fetchall()
    connection.execute(
        "CREATE TEMP TABLE good AS SELECT key FROM (SELECT key, count(*) AS n FROM keys_bc GROUP BY key) b "
        "JOIN (SELECT key, count(*) AS n FROM keys_dv GROUP BY key) d USING (key) "
        f"WHERE b.n <= {cap} AND d.n <= {cap} AND b.n * d.n <= {MOST_PAIRS}"
    ).fetchall()
    columns = [f"substr({_STARTS[c]}, 1, 3) AS {c}" if c in _STARTS else c for c in used]
    for side in SIDES:
        connection.execute(
            f"CREATE TABLE splink_{side} AS SELECT unique_id, {', '.join(columns)}, block_keys FROM plain_{side} "
            f"LEFT JOIN (SELECT unique_id, list(key) AS block_keys FROM keys_{side} SEMI JOIN good USING (key) "
            "GROUP BY unique_id) USING (unique_id) ORDER BY unique_id"
        ).fetchall()
        connection.execute(f"DROP TABLE keys_{side}").fetchall()
    connection.execute("DROP TABLE good").fetchall()
    return [block_on("block_keys", arrays_to_explode=["block_keys"])]


def _key_sql(table: str, number: int, key: Sequence[str], columns: pa.Table) -> str:
    """SQL for one key of every record; a list gives one for each of its values."""
    picked = [f"unnest({c}) AS {c}" if pa.types.is_list(columns.schema.field(c).type) else c for c in key]
    text = " || '|' || ".join(f"{c}::VARCHAR" for c in key)
    return (
        f"SELECT DISTINCT unique_id, hash('{number}:' || {text}) AS key FROM (SELECT unique_id, {', '.join(picked)} "
        f"FROM {table}) WHERE {' AND '.join(f'{c} IS NOT NULL' for c in key)}"
    )


@contextmanager
def _database(memory: str) -> Iterator[Any]:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(":memory:", config={"memory_limit": memory, "temp_directory": folder})
        connection.execute("SET enable_progress_bar = false")
        try:
            yield connection
        finally:
            connection.close()


# --- training --------------------------------------------------------------------------------------------

#: By kind: the rules nearly all of whose pairs belong together, and those to train on, the first three in use.
_SURE: Mapping[str, Sequence[Sequence[str]]] = {
    "customer": [
        ["name_plain", "post"], ["name_plain", "city_key"], ["vat_key", "name_plain"], ["mail_key", "name_plain"],
        ["regno_key", "name_plain"], ["vat_key", "post"], ["number_key", "name_plain"],
    ],
    "item": [["gtin_key"], ["number_key", "name_plain"], ["name_key", "price"], ["name_key", "vendor_figures"]],
    "contact": [["regno_key"], ["mail_key"], ["name_key", "born"], ["name_key", "post"],
                ["name_key", "customer_plain"]],
}  # fmt: skip
#: Beginnings of names, to train the name on blocks of one town: whole towns hold too few pairs that belong together.
_STARTS = {"name_start": "name_plain"}
_LEARN: Mapping[str, Sequence[Sequence[str]]] = {
    "customer": [["name_plain"], ["vat_key"], ["street_house", "post"], ["city_key", "name_start"]],
    "item": [["name_key"], ["gtin_key"], ["vendor_figures", "price"]],
    "contact": [["name_key"], ["born"], ["mail_key"]],
}


def _usable(rules: Sequence[Sequence[str]], records: Pool) -> list[Sequence[str]]:
    return [rule for rule in rules if all(records.has(side, _STARTS.get(c, c)) for side in SIDES for c in rule)]


def _train(linker: Linker, sure: Sequence[Sequence[str]], learn: Sequence[Sequence[str]]) -> None:
    rules: list[Any] = [block_on(*rule) for rule in sure]
    linker.training.estimate_probability_two_random_records_match(rules, recall=RECALL)
    linker.training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=1)
    for rule in learn:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule), max_pairs=_BLOCKED_PAIRS)
    untrained = [c.output_column_name for c in linker._settings_obj.comparisons if not _has_m(c)]
    if untrained:
        raise RuntimeError(f"Splink could not learn {', '.join(untrained)}.")


def _has_m(comparison: Any) -> bool:
    """Whether most of a comparison's levels were seen in training; Splink only warns and goes on."""
    levels = [level for level in comparison.comparison_levels if not level.is_null_level]
    return sum(isinstance(level.m_probability, float) for level in levels) > len(levels) / 2


# --- comparisons -----------------------------------------------------------------------------------------


class _Comparisons:
    """Comparisons of Splink's library over the columns that both sides fill; what nobody fills is left out."""

    def __init__(self, records: Pool) -> None:
        self._records = records
        self.used: set[str] = set()
        self.made: list[Any] = []

    def add(self, name: str, missing: Sequence[str], *steps: tuple[str | Sequence[str], Any]) -> None:
        """A comparison that is null where all ``missing`` are; each step is the columns it needs and its level."""
        nulls = [c for c in missing if self._has(c)]
        listed = [([needs] if isinstance(needs, str) else needs, level) for needs, level in steps]
        levels = [(needs, level) for needs, level in listed if self._has(*needs)]
        if not levels:
            return
        null = cll.And(*map(cll.NullLevel, nulls)) if len(nulls) > 1 else cll.NullLevel(nulls[0])
        self.used |= {*nulls, *(c for needs, _ in levels for c in needs)}
        every = [null, *(level for _, level in levels), cll.ElseLevel()]
        self.made.append(cl.CustomComparison(output_column_name=name, comparison_levels=every))

    def same(self, column: str) -> None:
        self.add(column, [column], (column, cll.ExactMatchLevel(column)))

    def same_or_slip(self, column: str) -> None:
        slip = cll.DamerauLevenshteinLevel(column, 1)
        self.add(column, [column], (column, cll.ExactMatchLevel(column)), (column, slip))

    def shared(self, column: str) -> None:
        self.add(column, [column], (column, cll.ArrayIntersectLevel(column, 1)))

    def number(self, name: str, column: str, figures: str) -> None:
        steps = (column, cll.ExactMatchLevel(column)), (figures, cll.ExactMatchLevel(figures))
        self.add(name, [column], *steps)

    def amount(self, column: str) -> None:
        steps = [(column, cll.PercentageDifferenceLevel(column, share)) for share in (0.0005, 0.05, 0.12)]
        self.add(column, [column], *steps)

    def company(self, name: str, key: str, plain: str, words: str, figures: str = "") -> None:
        other = f"coalesce({figures}_l, '') <> coalesce({figures}_r, '')"
        told_apart = [(figures, cll.CustomLevel(other, "other figures"))] if figures else []
        self.add(
            name, [plain], (plain, _frequent(plain)), (key, cll.ExactMatchLevel(key)), *told_apart,
            (plain, cll.JaroWinklerLevel(plain, 0.96)), (words, cll.ArraySubsetLevel(words)),
            (key, cll.JaroWinklerLevel(key, 0.92)), (key, cll.JaroWinklerLevel(key, 0.84)),
            (words, cll.ArrayIntersectLevel(words, 1)),
        )  # fmt: skip

    def person(self, name: str, key: str, family: str, initial: str) -> None:
        both = cll.And(cll.ExactMatchLevel(family), cll.ExactMatchLevel(initial))
        self.add(
            name, [key], (key, _frequent(key)), (key, cll.JaroWinklerLevel(key, 0.94)), ([family, initial], both),
            (key, cll.JaroWinklerLevel(key, 0.88)),
        )  # fmt: skip

    def street(self) -> None:
        near = cll.And(cll.JaroWinklerLevel("street_name", 0.9), cll.ExactMatchLevel("house"))
        self.add(
            "street", ["street_name"], ("street_house", _frequent("street_house")), (["street_name", "house"], near),
            ("street_name", _frequent("street_name")), ("street_name", cll.JaroWinklerLevel("street_name", 0.9)),
        )  # fmt: skip

    def place(self) -> None:
        self.add(
            "place", ["post", "city_key"], ("post", _frequent("post")), ("city_key", _frequent("city_key")),
            ("city_key", cll.JaroWinklerLevel("city_key", 0.92)),
        )  # fmt: skip

    def _has(self, *columns: str) -> bool:
        for column in columns:
            if column not in self._records.columns["bc"].column_names:
                raise RuntimeError(f"matching.toml has no column {column} any more; say its new name here.")
        return all(self._records.has(side, column) for side in SIDES for column in columns)


def _frequent(column: str) -> Any:
    """Exactly the same, rarer values counting for more."""
    return cll.ExactMatchLevel(column, term_frequency_adjustments=True)


def _customer(on: _Comparisons) -> None:
    on.company("name", "name_key", "name_plain", "name_words", "name_figures")
    on.same_or_slip("vat_key")
    on.same_or_slip("regno_key")
    on.number("number", "number_key", "number_figures")
    on.street()
    on.place()
    on.shared("phone_list")
    on.add(
        "mail", ["mail_key", "domain_list"], ("mail_key", cll.ExactMatchLevel("mail_key")),
        ("domain_list", cll.ArrayIntersectLevel("domain_list", 1)),
    )  # fmt: skip
    on.person("contact", "contact_key", "contact_family", "contact_initial")
    on.same("form")
    on.same("country_code")


def _item(on: _Comparisons) -> None:
    on.add(
        "name", ["name_key"], ("name_key", _frequent("name_key")), ("name_plain", cll.ExactMatchLevel("name_plain")),
        ("name_plain", cll.JaroWinklerLevel("name_plain", 0.95)), ("name_words", cll.ArraySubsetLevel("name_words")),
        ("name_key", cll.JaroWinklerLevel("name_key", 0.9)), ("name_words", cll.ArrayIntersectLevel("name_words", 2)),
        ("name_words", cll.ArrayIntersectLevel("name_words", 1)),
    )  # fmt: skip
    on.add(
        "sizes", ["name_sizes"], ("name_sizes", cll.ExactMatchLevel("name_sizes")),
        ("name_sizes", cll.ArraySubsetLevel("name_sizes")), ("name_sizes", cll.ArrayIntersectLevel("name_sizes", 1)),
    )  # fmt: skip
    on.shared("name_codes")
    on.same_or_slip("gtin_key")
    on.number("number", "number_key", "number_figures")
    on.amount("price")
    on.amount("cost")
    on.same("unit_code")
    on.number("vendor", "vendor_key", "vendor_figures")
    on.same("brand_key")
    on.same("category_key")


def _contact(on: _Comparisons) -> None:
    on.person("name", "name_key", "family", "initial")
    on.same_or_slip("regno_key")
    on.same_or_slip("born")
    on.add("mail", ["mail_key"], ("mail_key", cll.ExactMatchLevel("mail_key")), ("box", cll.ExactMatchLevel("box")))
    on.shared("phone_list")
    on.street()
    near = cll.JaroWinklerLevel("place_name", 0.92)
    on.add("place_name", ["place_name"], ("place_name", cll.ExactMatchLevel("place_name")), ("place_name", near))
    on.place()
    on.same("county_key")
    on.same("job")
    on.company("company", "customer_key", "customer_plain", "customer_words")


_COMPARISONS = {"customer": _customer, "item": _item, "contact": _contact}

if __name__ == "__main__":
    raise SystemExit(main())
