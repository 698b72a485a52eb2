"""The checks of one frame + the frame → an Outcome per check: the only place that talks to the library.

The library is imported when a suite runs, quietly: no log lines, no progress bars, no usage statistics, and
the context that a notebook may have open stays the current one. Nothing is stored.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd

from d365kit.check.core import MASKS
from d365kit.check.sql import Desk, current
from d365kit.check.suites import Check, Suite
from d365kit.errors import SuiteError

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.data_context import AbstractDataContext
    from great_expectations.datasource.fluent import PandasDatasource

_ROW_COUNTS = ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal")


@dataclass(frozen=True)
class Outcome:
    """What the library says of one check; ``unexpected`` is None for a check about the table as a whole."""

    success: bool
    unexpected: int | None
    observed: str = ""


class Library:
    """Great Expectations, opened for one run: a context in memory and one data source in it."""

    @staticmethod
    def load() -> None:
        """Import the library, which takes seconds, for a later `opened`."""
        with _quiet():
            import great_expectations  # noqa: F401

            import d365kit.check.expectation  # noqa: F401

    def __init__(self, gx: ModuleType, source: PandasDatasource, desk: Desk) -> None:
        self._gx, self._source, self._desk = gx, source, desk

    @classmethod
    @contextmanager
    def opened(cls, desk: Desk) -> Iterator[Library]:
        """Import the library and open it, silent for as long as it is open."""
        with _quiet():
            import great_expectations as gx

            import d365kit.check.expectation  # noqa: F401  (makes our expectation known to the library)

            with _context(gx) as context:
                yield cls(gx, context.data_sources.add_pandas("d365kit"), desk)

    def validate(self, suite: Suite, checks: Sequence[Check], frame: str, batch: pd.DataFrame) -> dict[str, Outcome]:
        """Run ``checks``, which all stand on ``frame``, over ``batch`` and return their outcomes by name.

        Raises SuiteError when the library does not load every check as declared, or could not run one.
        """
        expected = _suite(self._gx, suite, checks)
        asked = [c for c in checks if len(batch) or c.type in _ROW_COUNTS]
        if len(asked) < len(checks):
            expected = _suite(self._gx, suite, asked)
        results = self._results(f"{suite.name} {frame}", frame, batch, expected) if asked else {}
        return {c.name: _outcome(c, results) if c in asked else _idle(c) for c in checks}

    def _results(self, asset: str, frame: str, batch: pd.DataFrame, suite: ExpectationSuite) -> Mapping[str, object]:
        """The library's results by check name: they do not come in the order of the suite."""
        definition = self._source.add_dataframe_asset(asset).add_batch_definition_whole_dataframe("all")
        token = current.set((self._desk, frame))
        try:
            found = definition.get_batch({"dataframe": batch}).validate(suite, result_format="BASIC")
        finally:
            current.reset(token)
        return {r.expectation_config.meta["check"]: r for r in found.results if r.expectation_config}


def _idle(check: Check) -> Outcome:
    """What a check says about a frame without rows."""
    return Outcome(True, 0 if check.is_sql or check.type in MASKS else None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the library's log, its warnings and its usage statistics, and undo that afterwards."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _context(gx: ModuleType) -> Iterator[AbstractDataContext]:
    """A context in memory; the one that was current before is current again afterwards."""
    from great_expectations.data_context.data_context.context_factory import project_manager, set_context

    try:
        before = project_manager.get_current_project()
    except Exception:  # the library has no narrower way to say “none yet”
        before = None
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    try:
        yield context
    finally:
        set_context(before)


def _suite(gx: ModuleType, suite: Suite, checks: Sequence[Check]) -> ExpectationSuite:
    """The library's own suite of ``checks``, held against what the file declares."""
    declared = [dict(c.raw) for c in checks]
    try:
        made = gx.ExpectationSuite(name=suite.name, expectations=declared)
    except Exception as problem:  # pydantic's and the library's own, which share no base
        wrong = next((c for c in checks if not _loads(gx, c)), checks[0])
        raise SuiteError(
            f"The check {wrong.full_name} ({wrong.type}) is not one Great Expectations can load: {problem}",
            f"Correct it in {suite.path}.",
        ) from problem
    loaded = [(e.meta or {}).get("check") for e in made.expectations]
    lost = [c for c in checks if c.name not in loaded]
    if lost or len(loaded) != len(checks):
        names = ", ".join(f"{c.name} ({c.type})" for c in lost) or "some"
        raise SuiteError(
            f"Great Expectations does not know these expectations of the suite {suite.path}: {names}.",
            "Correct their type; left like this they would be dropped without a word.",
        )
    return made


def _loads(gx: ModuleType, check: Check) -> bool:
    try:
        return bool(gx.ExpectationSuite(name="one", expectations=[dict(check.raw)]).expectations)
    except Exception:  # see _suite
        return False


def _outcome(check: Check, results: Mapping) -> Outcome:
    if check.name not in results:
        raise SuiteError(f"Great Expectations gave no result for {check.full_name}.", "Report this.")
    result = results[check.name]
    problem = _exception_in(result.exception_info or {})
    if problem:
        raise SuiteError(
            f"The check {check.full_name} could not run: {problem}",
            "It neither passed nor failed; correct the check in the suite, or the data it cannot read.",
        )
    unexpected = result.result.get("unexpected_count")
    observed = result.result.get("observed_value")
    return Outcome(
        success=bool(result.success),
        unexpected=None if unexpected is None else int(unexpected),
        observed="" if observed is None else str(observed),
    )


def _exception_in(info: Mapping) -> str:
    """The first line of an exception inside a result; its place differs between kinds of expectations."""
    for part in (info, *(v for v in info.values() if isinstance(v, Mapping))):
        if part.get("raised_exception"):
            lines = str(part.get("exception_message") or "no message").splitlines()
            return lines[0]
    return ""
