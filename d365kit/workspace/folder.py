"""Nouns ↔ the workspace's folder: the latest snapshot, proposals, findings and plan, each whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from d365kit.errors import SettingsError
from d365kit.nouns import (
    COVERAGE_COLUMNS,
    FINDING_COLUMNS,
    PROPOSAL_COLUMNS,
    Findings,
    Plan,
    Proposals,
    Snapshot,
)
from d365kit.nouns.frames import to_arrow, to_frame

KEEP_SNAPSHOTS = 5


@dataclass(frozen=True)
class Folder:
    """Where a workspace keeps things. Only this class knows file names."""

    path: Path

    @property
    def expectations(self) -> Path:
        return self.path / "expectations"

    @property
    def log(self) -> Path:
        return self.path / "logs" / "d365kit.log"

    @property
    def plan_file(self) -> Path:
        return self.path / "plans" / "latest.json"

    @property
    def reports(self) -> Path:
        return self.path / "reports"

    def lock(self) -> FileLock:
        """A lock between processes for what changes the workspace; waits a minute for the other one."""
        self.path.mkdir(parents=True, exist_ok=True)
        return _Lock(str(self.path / ".d365kit.lock"), timeout=60)

    # --- snapshots ---

    def save_snapshot(self, snapshot: Snapshot) -> None:
        folder = self.path / "snapshots"
        snapshot.save(folder)
        _write(folder / "latest", snapshot.id)
        held = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        for old in [p for p in held if p.name != snapshot.id][: -(KEEP_SNAPSHOTS - 1)]:
            shutil.rmtree(old, ignore_errors=True)

    def latest_snapshot_id(self) -> str:
        """The id of the latest snapshot, or ``""``."""
        pointer = self.path / "snapshots" / "latest"
        return pointer.read_text("utf-8").strip() if pointer.is_file() else ""

    def load_snapshot(self) -> Snapshot:
        """The latest snapshot. Raises SettingsError when nothing was pulled yet, PullIncomplete when damaged."""
        latest = self.latest_snapshot_id()
        if not latest:
            raise SettingsError("Nothing was pulled into this workspace yet.", "Run: d365kit pull.")
        return Snapshot.load(self.path / "snapshots" / latest)

    def received_last_time(self) -> dict[tuple[str, str], int]:
        """Rows received by (kind, side) at the latest pull; {} when there is none or it cannot be read."""
        latest = self.latest_snapshot_id()
        return Snapshot.received(self.path / "snapshots" / latest) if latest else {}

    # --- proposals, findings ---

    def save_proposals(self, proposals: Proposals) -> None:
        meta = {"snapshot": proposals.snapshot_id, "ledger_position": proposals.ledger_position}
        _write_frame(self._proposals(proposals.kind), proposals.frame, PROPOSAL_COLUMNS, meta)

    def load_proposals(self, kind: str) -> Proposals | None:
        """The kind's proposals from the latest snapshot, or None when there are none."""
        frame, meta = _read_frame(self._proposals(kind))
        if frame is None or meta["snapshot"] != self.latest_snapshot_id():
            return None
        return Proposals(kind, meta["snapshot"], int(meta["ledger_position"]), frame)

    def _proposals(self, kind: str) -> Path:
        return self.path / "proposals" / f"{kind}.parquet"

    def save_findings(self, findings: Findings) -> None:
        meta = {"snapshot": findings.snapshot_id, "ledger_position": findings.ledger_position}
        folder = self.path / "findings"
        _write_frame(folder / "findings.parquet", findings.frame, FINDING_COLUMNS, meta)
        _write_frame(folder / "coverage.parquet", findings.coverage, COVERAGE_COLUMNS, meta)

    def load_findings(self) -> Findings | None:
        """The findings of the last complete check, or None."""
        folder = self.path / "findings"
        frame, meta = _read_frame(folder / "findings.parquet")
        coverage, other = _read_frame(folder / "coverage.parquet")
        if frame is None or coverage is None or meta != other:
            return None
        return Findings(meta["snapshot"], int(meta["ledger_position"]), frame, coverage)

    # --- plans, reports ---

    def save_plan(self, plan: Plan) -> Path:
        return plan.save(self.plan_file)

    def load_plan(self, path: Path | None = None) -> Plan:
        return Plan.load(path or self.plan_file)

    def last_report(self) -> dict | None:
        """The data of the latest report, or None."""
        path = self.reports / "latest.json"
        try:
            return json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None


class _Lock(FileLock):
    def acquire(self, *args: object, **more: object):
        try:
            return super().acquire(*args, **more)  # type: ignore[arg-type]
        except Timeout as problem:
            raise SettingsError(
                "Another d365kit is working in this workspace.", "Wait until it is done, then run this again."
            ) from problem


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    os.replace(part, path)


def _write_frame(path: Path, frame: pd.DataFrame, schema: pa.Schema, meta: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = to_arrow(frame, schema)
    table = table.replace_schema_metadata({k: str(v) for k, v in meta.items()})
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table, part)
    os.replace(part, path)


def _read_frame(path: Path) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """The frame and what was noted with it; (None, {}) when there is none or it is damaged: it can be made anew."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid):
        return None, {}
    meta = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    return to_frame(table.replace_schema_metadata(None)), meta
