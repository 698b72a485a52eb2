"""Named frames + the SQL of a check → Violations: the failing rows, complete and in a fixed order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import pyarrow as pa

#: Where the failing rows of a check may say what they need; further columns can fill the check's message.
ID_COLUMNS = ("bc_id", "dv_id")
ROW_COLUMNS = ("kind", *ID_COLUMNS, "field", "bc_value", "dv_value")

#: A check's SQL comes from a file that analysts edit; it reads the registered frames and nothing else.
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@dataclass(frozen=True)
class Violations:
    """The rows that break a rule, and how many rows the rule was asked about."""

    rows: pa.Table
    checked: int


class Desk:
    """Runs the SQL of checks over named frames, each query once.

    In a query ``batch`` is the check's own frame, ``population`` the rows of it that ``applies_to`` keeps;
    every other frame goes by its name.
    """

    def __init__(self, frames: Mapping[str, pa.Table]) -> None:
        self._frames = frames
        self._found: dict[tuple[str, str, str], Violations] = {}
        self._columns: dict[tuple[str, str, str], list[str]] = {}
        self._known: set[str] = set()
        import duckdb

        self._connection = duckdb.connect(config=_CLOSED)
        self._connection.execute("SET python_enable_replacements = false")
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET lock_configuration = true")

    def columns(self, frame: str, query: str, applies_to: str) -> list[str]:
        """The columns that ``query`` would return, without running it. Raises duckdb.Error if it cannot run."""
        self._prepare(frame, query, applies_to)
        key = (frame, query, applies_to)
        if key not in self._columns:
            self._connection.sql("SELECT count(*) FROM population")
            self._columns[key] = list(self._connection.sql(_wrapped(query)).columns)
        return self._columns[key]

    def violations(self, frame: str, query: str, applies_to: str) -> Violations:
        """The rows that ``query`` returns, each once, ordered. Raises duckdb.Error."""
        key = (frame, query, applies_to)
        if key not in self._found:
            names = self.columns(frame, query, applies_to)
            order = ", ".join(c for c in ROW_COLUMNS if c in names) or "1"
            rows = self._connection.sql(f"{_wrapped(query)} ORDER BY {order}").to_arrow_table()
            count = self._connection.sql("SELECT count(*) FROM population").fetchall()
            self._found[key] = Violations(rows, int(count[0][0]))
        return self._found[key]

    def close(self) -> None:
        self._connection.close()

    def _prepare(self, frame: str, query: str, applies_to: str) -> None:
        words = set(re.findall(r"\w+", f"{query}\n{applies_to}".lower()))
        for name in self._frames:
            if name == frame or name.lower() in words:
                self._register(name)
        # A frame may itself be called `batch`: that is how stock Great Expectations hands it over.
        if frame != "batch":
            self._connection.execute(f'CREATE OR REPLACE TEMP VIEW batch AS SELECT * FROM "{frame}"')
        where = f"SELECT * FROM batch WHERE (\n{applies_to}\n)"
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW population AS {where}")

    def _register(self, name: str) -> None:
        if name not in self._known:
            self._connection.register(name, self._frames[name])
            self._known.add(name)


def _wrapped(query: str) -> str:
    """``query`` as a part of one of ours: whatever is not a single SELECT is then no SQL at all."""
    return f"SELECT DISTINCT * FROM (\n{query.strip().rstrip(';')}\n)"


#: The desk and the frame of the validation that runs now; none when stock Great Expectations runs a suite.
current: ContextVar[tuple[Desk, str] | None] = ContextVar("d365kit_check_desk", default=None)
