"""Name of an engine + normalised columns → the Engine that joins keys and compares pairs: DuckDB, or Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import Side
from d365kit.match.blocking import Blocked, Pairs, block
from d365kit.match.database import database
from d365kit.match.levels import Comparison, by_conditions

#: The engines there are; the first one is used unless another is asked for.
ENGINES = ("duckdb", "spark")


class Engine(Protocol):
    """What holds the normalised columns of both sides while candidates are found; both engines answer the same."""

    def block(
        self, keys: Sequence[Sequence[str]], cap: int, samples: Mapping[Side, np.ndarray]
    ) -> Blocked:  # pragma: no cover
        """The pairs of records that share a key (see `blocking.block`)."""
        ...

    def levels(
        self, comparisons: Sequence[Comparison], left: str, right: str, pairs: Pairs
    ) -> np.ndarray:  # pragma: no cover
        """The first level of every comparison whose condition holds (see `levels.by_conditions`)."""
        ...


@dataclass(frozen=True)
class DuckDB:
    """The engine of this computer."""

    connection: object
    tables: Mapping[Side, pa.Table]

    def block(self, keys: Sequence[Sequence[str]], cap: int, samples: Mapping[Side, np.ndarray]) -> Blocked:
        return block(self.connection, self.tables, keys, cap, samples)

    def levels(self, comparisons: Sequence[Comparison], left: str, right: str, pairs: Pairs) -> np.ndarray:
        return by_conditions(self.connection, comparisons, left, right, pairs)


def check(name: str) -> str:
    """``name``, if there is such an engine. Raises SettingsError when not."""
    if name not in ENGINES:
        raise SettingsError(f"There is no engine “{name}” to match with.", f"Use {' or '.join(ENGINES)}.")
    return name


@contextmanager
def opened(name: str, tables: Mapping[Side, pa.Table]) -> Iterator[Engine]:
    """The engine called ``name`` with the normalised columns of both sides in it; they are gone at the end.

    Raises SettingsError when there is no such engine, or when Spark is asked for and cannot be had.
    """
    if check(name) == "spark":
        from d365kit.match import spark

        with spark.opened(tables) as engine:
            yield engine
        return
    with database() as connection:
        for side, table in tables.items():
            connection.register(f"records_{side}", table)
        yield DuckDB(connection, tables)
