"""Snapshot + Ledger + expectations/ → Findings: run the suites with Great Expectations, name every record.

The guards (architecture.md section 8): what was loaded is compared with what the files declare, frames and
columns are looked up before anything runs, an exception inside a result is an error and not a failed check,
nothing to check is not passed, and the failing records are found here and counted against the library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.check import core
from d365kit.check.frames import CheckFrames, LedgerView
from d365kit.check.library import Library, Outcome
from d365kit.check.reads import unanswered
from d365kit.check.rows import check_message, finding_rows
from d365kit.check.sql import ID_COLUMNS, Desk
from d365kit.check.suites import Check, Suite, load_suites
from d365kit.errors import SuiteError
from d365kit.kinds import Catalogue, default_catalogue
from d365kit.nouns import COVERAGE_COLUMNS, FINDING_COLUMNS, Findings, Snapshot
from d365kit.nouns.findings import NOTHING
from d365kit.nouns.frames import to_frame

#: Told after each suite: what is being done, how many suites are done, how many there are.
Progress = Callable[[str, int, int | None], None]


def findings(
    snapshot: Snapshot,
    ledger: LedgerView,
    expectations: Path,
    *,
    suites: Sequence[str] | None = None,
    catalogue: Catalogue | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Run the suites in the folder ``expectations`` and return one row per failed check and record.

    ``suites`` names the suites to run, all by default. Nothing is written, in the folder or elsewhere. A check
    of what ``catalogue`` leaves out, or of fields in ``snapshot.unread``, is in the coverage without an answer.
    Raises SuiteError for a suite that cannot be trusted or a check that could not run.
    """
    catalogue = catalogue or default_catalogue()
    loaded = load_suites(Path(expectations), suites, catalogue=catalogue)
    frames = CheckFrames(snapshot, ledger, catalogue, words=_words(loaded))
    desk = Desk(frames)
    silent = {c.full_name: unanswered(c, catalogue, snapshot.unread) for s in loaded for c in s.checks}
    try:
        for suite in loaded:
            for check in suite.checks:
                if silent[check.full_name] != NOTHING:
                    _preflight(check, frames, desk)
        runner = _Runner(frames, desk, catalogue, silent)
        with Library.opened(desk) as library:
            for done, suite in enumerate(loaded, 1):
                runner.run(suite, library)
                if progress:
                    progress("Suites checked", done, len(loaded))
    finally:
        desk.close()
    return Findings(
        snapshot_id=snapshot.id,
        ledger_position=ledger.position,
        frame=to_frame(pa.concat_tables([FINDING_COLUMNS.empty_table(), *runner.rows]).combine_chunks()),
        coverage=to_frame(pa.Table.from_pylist(runner.coverage, schema=COVERAGE_COLUMNS)),
    )


def _words(suites: Sequence[Suite]) -> set[str]:
    """Every word in the files of ``suites``: a superset of the columns that their checks read."""
    return set(re.findall(r"\w+", " ".join(str(c.raw) for s in suites for c in s.checks)))


def _preflight(check: Check, frames: CheckFrames, desk: Desk) -> None:
    """Raise SuiteError when the check names a frame or a column that is not there, or its SQL is wrong."""
    if check.frame not in frames:
        raise SuiteError(
            f"The check {check.full_name} stands on the unknown frame “{check.frame}”.",
            f"The frames are: {', '.join(frames)}.",
        )
    if check.is_sql:
        _preflight_sql(check, frames, desk)
        return
    held = frames[check.frame].column_names
    for column in core.columns_of(check):
        if column not in held:
            raise SuiteError(
                f"The check {check.full_name} reads the column “{column}”, which {check.frame} does not have.",
                f"The columns are: {', '.join(held)}.",
            )
    check_message(check, [])


def _preflight_sql(check: Check, frames: CheckFrames, desk: Desk) -> None:
    import duckdb

    try:
        columns = desk.columns(check.frame, *_sql(check))
    except duckdb.CatalogException as problem:
        raise SuiteError(
            f"The SQL of {check.full_name} names a frame that is not there: {_first_line(problem)}",
            f"The frames are: {', '.join(frames)}.",
        ) from problem
    except duckdb.BinderException as problem:
        raise SuiteError(
            f"The SQL of {check.full_name} names a column that is not there: {_first_line(problem)}",
            "Correct the query in the suite.",
        ) from problem
    except duckdb.Error as problem:
        raise SuiteError(
            f"The SQL of {check.full_name} cannot run: {_first_line(problem)}", "Correct the query in the suite."
        ) from problem
    missing = [c for c in ID_COLUMNS if c not in columns]
    if missing:
        raise SuiteError(
            f"The SQL of {check.full_name} returns no {' and no '.join(missing)}.",
            "Return both ids, one of them null where a side has no record.",
        )
    check_message(check, columns)


def _sql(check: Check) -> tuple[str, str]:
    query = check.kwargs.get("query")
    if not isinstance(query, str) or not query.strip():
        raise SuiteError(f"The check {check.full_name} has no query.", "Add it to its kwargs.")
    return query, str(check.kwargs.get("applies_to") or "true")


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0]


class _Runner:
    """Runs suites one after the other and collects finding rows and coverage lines.

    ``silent`` has the state of each check that is not run, by its full name; ``""`` for the others.
    """

    def __init__(self, frames: CheckFrames, desk: Desk, catalogue: Catalogue, silent: Mapping[str, str]) -> None:
        self.frames, self.desk, self.catalogue, self.silent = frames, desk, catalogue, silent
        self.rows: list[pa.Table] = []
        self.coverage: list[dict[str, object]] = []

    def run(self, suite: Suite, library: Library) -> None:
        """Validate ``suite`` frame by frame; the findings come in the order of the file."""
        outcomes: dict[str, Outcome] = {}
        for frame in suite.frames:
            checks = [c for c in suite.checks if c.frame == frame and not self.silent[c.full_name]]
            if checks:
                outcomes |= library.validate(suite, checks, frame, self._batch(checks, frame))
        for check in suite.checks:
            if state := self.silent[check.full_name]:
                self._cover(check, 0, 0, state)
            else:
                self._take(check, outcomes[check.name])

    def _batch(self, checks: list[Check], frame: str) -> pd.DataFrame:
        """The columns of ``frame`` that core checks read: the library copies whole frames to filter them."""
        wanted = {"coupled", "bc_id"}  # never without a column: the number of rows is asked of the batch
        for check in checks:
            wanted |= set() if check.is_sql else set(core.columns_of(check))
        table = self.frames[frame]
        return plain_frame(table.select([c for c in table.column_names if c in wanted]))

    def _take(self, check: Check, outcome: Outcome) -> None:
        bad, checked = self._failing(check, outcome)
        rows = finding_rows(check, bad, self.frames, self.catalogue)
        self.rows.append(rows)
        self._cover(check, checked, rows.num_rows, "failed" if rows.num_rows else "passed" if checked else NOTHING)

    def _cover(self, check: Check, checked: int, failed: int, state: str) -> None:
        self.coverage.append(
            {
                "check": check.full_name,
                "suite": check.suite,
                "rules": " ".join(check.rules),
                "severity": check.severity,
                "kind": check.kind,
                "checked": checked,
                "failed": failed,
                "state": state,
            }
        )

    def _failing(self, check: Check, outcome: Outcome) -> tuple[pa.Table, int]:
        """The failing rows of a check and how many rows it was asked about."""
        if check.is_sql:
            found = self.desk.violations(check.frame, *_sql(check))
            return found.rows, found.checked
        table = self.frames[check.frame]
        if outcome.unexpected is None:
            # About the table as a whole: one finding without a record, or none.
            value = pa.array([] if outcome.success else [outcome.observed], pa.string())
            return pa.table({"dv_value": value}), table.num_rows
        batch = core.population(check, plain_frame(table.select(core.columns_of(check))))
        mask = core.failing(check, batch)
        if outcome.success:  # also when the check tolerates some failures (mostly)
            return table.slice(0, 0).select([]), len(batch)
        if int(mask.sum()) != outcome.unexpected:
            raise SuiteError(
                f"{check.full_name}: Great Expectations counts {outcome.unexpected:,} failing records, "
                f"d365kit {int(mask.sum()):,}.",
                "Write the check as SQL with expect_no_violations, and report this.",
            )
        return self._shown(check, table.take(pa.array(batch.index[mask]))), len(batch)

    def _shown(self, check: Check, bad: pa.Table) -> pa.Table:
        """The ids of failing rows, and both sides' values of the check's field (or of its own column)."""
        columns = {name: bad[name] for name in ID_COLUMNS if name in bad.column_names}
        for side in ("bc", "dv"):
            named = [c for c in core.columns_of(check)[:2] if c.startswith(f"{side}_")]
            wanted = [*named, f"{side}_{check.field}_label", f"{side}_{check.field}"]
            column = next((c for c in wanted if c in bad.column_names), None)
            if column:
                columns[f"{side}_value"] = bad[column]
        return pa.table(columns)


def plain_frame(table: pa.Table) -> pd.DataFrame:
    """``table`` in pandas' own types, floats for decimals: the library stumbles over Arrow's missing values."""
    for number, f in enumerate(table.schema):
        if pa.types.is_decimal(f.type):
            table = table.set_column(number, f.name, pc.cast(table[f.name], pa.float64()))
    return table.to_pandas()
