"""Normalised columns on Spark → the same pairs and levels as DuckDB's; docs/matching_spark.md says what runs where.

`spark_words` puts what `templates` says for DuckDB into Spark's words.
"""

from __future__ import annotations

import atexit
import itertools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import Side
from d365kit.match.blocking import ACROSS, WITHIN, Blocked, Pairs, filled
from d365kit.match.database import quiet
from d365kit.match.levels import Comparison, levels_of, splink_settings
from d365kit.match.spark_words import FUNCTIONS, OURS, in_spark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from splink import SparkAPI

#: So many pairs are compared at once: the levels of one portion come to the driver together.
_AT_ONCE = 5_000_000
#: No two engines in one session share a name; Splink wants a new one for every table.
_NUMBERS = itertools.count()


@contextmanager
def opened(tables: Mapping[Side, pa.Table]) -> Iterator[Spark]:
    """Spark with the normalised columns of both sides in it, on the session that runs, else on one of this computer.

    The session stays; what we put into it is gone at the end. Raises SettingsError when there is no Spark, no Java,
    or a session that cannot load Splink's similarity functions.
    """
    engine = Spark(_session(), tables)
    try:
        yield engine
    finally:
        engine.close()


class Spark:
    """The engine of a cluster."""

    def __init__(self, session: SparkSession, tables: Mapping[Side, pa.Table]) -> None:
        self._session, self._tables = session, tables
        self._prefix = f"{OURS}{next(_NUMBERS)}_"
        self._others = self._views()
        self._api = _splink_on(session)
        for side, table in tables.items():
            self._put(f"records_{side}", session.createDataFrame(table))

    def block(self, keys: Sequence[Sequence[str]], cap: int, samples: Mapping[Side, np.ndarray]) -> Blocked:
        told = [
            (number, key)
            for number, key in enumerate(keys)
            if all(filled(table, c) for table in self._tables.values() for c in key)
        ]
        if not told:
            return Blocked(Pairs.of(), {side: Pairs.of() for side in samples})
        before = self._views()
        for side, table in self._tables.items():
            each = ", ".join(_keys(number, key, table) for number, key in told)
            every = f"explode(array_compact(array_distinct(concat({each})))) AS key"
            self._put(f"key_{side}", self._ask(f"SELECT unique_id, {every} FROM records_{side}"))
            counted = f"SELECT key, count(*) AS n FROM key_{side} GROUP BY key HAVING n <= {cap}"
            self._put(f"count_{side}", self._ask(counted))
        for side, rows in samples.items():
            drawn = pa.table({"unique_id": pa.array(rows, pa.int64())})
            self._put(f"sample_{side}", self._session.createDataFrame(drawn))
        across, within = self._pairs(ACROSS), {side: self._pairs(WITHIN.format(side=side)) for side in samples}
        self._tidy(self._views() - before)
        return Blocked(across, within)

    def levels(self, comparisons: Sequence[Comparison], left: str, right: str, pairs: Pairs) -> np.ndarray:
        said = [
            replace(c, missing=in_spark(c.missing), conditions=tuple(in_spark(one) for one in c.conditions))
            for c in comparisons
        ]
        out = np.full((len(pairs), len(said)), -1, dtype=np.int8)
        for start in range(0, len(pairs), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            out[part] = self._some(said, left, right, Pairs(pairs.left[part], pairs.right[part]))
        return out

    def close(self) -> None:
        """Take everything of ours out of the session, and what Splink left there."""
        self._tidy(self._views() - self._others)
        for name in FUNCTIONS:
            self._session.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {OURS}{name}")

    def _some(self, comparisons: Sequence[Comparison], left: str, right: str, pairs: Pairs) -> np.ndarray:
        from splink import Linker

        before = self._views()
        names = [f"{self._prefix}{side}{next(_NUMBERS)}" for side in (left, right)]
        asked = self._session.createDataFrame(pa.table({"l": pa.array(pairs.left), "r": pa.array(pairs.right)}))
        asked = asked.selectExpr(
            "'0' AS match_key", f"'{names[0]}-__-' || l AS join_key_l", f"'{names[1]}-__-' || r AS join_key_r"
        )
        with quiet():
            inputs = [
                self._api.register(self._named(f"records_{side}"), dataset_display_name=name)
                for side, name in zip((left, right), names, strict=True)
            ]
            linker = Linker(inputs, splink_settings(comparisons))
            blocked = self._api.register(asked, dataset_display_name=f"{self._prefix}pairs{next(_NUMBERS)}")
            linker.table_management.register_blocked_pairs_for_predict(blocked)
            scored = linker.inference.predict(warning_mode="never")
        weights = [f"CAST(mw_c{i} AS FLOAT) AS w{i}" for i in range(len(comparisons))]
        got = self._session.table(scored.physical_name).selectExpr("unique_id_l AS l", "unique_id_r AS r", *weights)
        table = got.toArrow()
        self._tidy(self._views() - before)
        return levels_of({name: table[name].to_numpy() for name in table.column_names}, pairs)

    def _pairs(self, sql: str) -> Pairs:
        got = self._ask(f"SELECT DISTINCT CAST(l AS INT) AS l, CAST(r AS INT) AS r FROM ({sql})").toArrow()
        return Pairs.of((got["l"].to_numpy(), got["r"].to_numpy()))

    def _put(self, name: str, frame: DataFrame) -> None:
        """Keep ``frame`` in the cluster under ``name``."""
        frame.persist().createOrReplaceTempView(self._named(name))

    def _ask(self, sql: str) -> DataFrame:
        return self._session.sql(self._named(sql))

    def _named(self, sql: str) -> str:
        """``sql`` with the names our tables have in this session."""
        return re.sub(r"\b(records|key|count|sample)_(bc|dv)\b", rf"{self._prefix}\1_\2", sql)

    def _views(self) -> set[str]:
        """Our views in the session, and Splink's."""
        return {v["viewName"] for v in self._session.sql(f"SHOW VIEWS LIKE '{self._prefix}*|__splink__*'").collect()}

    def _tidy(self, views: set[str]) -> None:
        """Drop ``views``, by which the cluster forgets what it kept of them."""
        for view in views:
            self._session.catalog.dropTempView(view)


def _keys(number: int, key: Sequence[str], columns: pa.Table) -> str:
    """SQL for the values one key has in a record: one for every combination of the values of its lists."""
    lists = [c for c in key if pa.types.is_list(columns.schema.field(c).type)]
    # Where a part is missing the text is, too.
    parts = [f"CAST({f'z{lists.index(c)}' if c in lists else c} AS STRING)" for c in key]
    text = " || '|' || ".join([f"'{number}'", *parts])
    made = f"array(CASE WHEN {text} IS NOT NULL THEN xxhash64({text}) END)"
    for n in reversed(range(len(lists))):
        made = f"flatten(transform({lists[n]}, z{n} -> {made}))"
    return f"coalesce({made}, array())" if lists else made


# --- the session ----------------------------------------------------------------------------------------


def _session() -> SparkSession:
    """The session that runs, else a new one: as spark-submit says, or on this computer."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise SettingsError("Spark is not installed.", 'Install it with: pip install "d365kit[spark]".') from None
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    if os.environ.get("PYSPARK_GATEWAY_PORT"):  # Started by spark-submit, which has said everything.
        return SparkSession.builder.getOrCreate()
    return _local_session()


def _local_session() -> SparkSession:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    java = _java()
    builder = SparkSession.builder.master("local[*]").appName("d365kit")
    folder = tempfile.mkdtemp(prefix="d365kit-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    cores = os.cpu_count() or 1
    for name, value in {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "4g",
        "spark.driver.maxResultSize": "0",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.pyspark.python": sys.executable,
        "spark.sql.shuffle.partitions": str(max(4, cores)),
        "spark.sql.warehouse.dir": folder,
    }.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except PySparkException as problem:
        raise SettingsError(
            f"Spark did not start with {java}: {problem}.", "Spark 4.1 needs Java 17 or 21; set JAVA_HOME to one."
        ) from problem


def _java() -> str:
    """The Java that Spark will take. Raises SettingsError when there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    if shutil.which(java) is None:
        raise SettingsError(
            f"Spark needs Java, and there is no {java}." if home else "Spark needs Java, and there is none.",
            "Install Java 17 or 21 and set JAVA_HOME to it, or match with the engine duckdb.",
        )
    return java


def _splink_on(session: SparkSession) -> SparkAPI:
    """Splink on ``session``, with its similarity functions and ours."""
    from pyspark.errors import PySparkException
    from splink import SparkAPI
    from splink.backends.spark import similarity_jar_location

    jar = similarity_jar_location()
    try:
        session.sql(f"ADD JAR '{jar}'")
        with quiet():
            api = SparkAPI(spark_session=session, break_lineage_method="persist")
        for name, said in FUNCTIONS.items():
            session.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {OURS}{name}{said}")
    except PySparkException as problem:
        raise SettingsError(
            f"The Spark session cannot load Splink's similarity functions: {problem}.",
            f"Start it with spark.jars = {jar}.",
        ) from problem
    return api
