"""All nouns → Report: the verdict, the data of every section, and one page that opens without a connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd

from d365kit.kinds import Catalogue
from d365kit.nouns import Decision, Findings, Plan, Proposals, Report, Run, Snapshot
from d365kit.nouns.frames import records
from d365kit.report import exceptions, push, sections, since, verdict
from d365kit.report.inputs import Inputs
from d365kit.report.page import page

__all__ = ["FORMAT", "build"]

FORMAT = 1


def build(
    *,
    snapshot: Snapshot,
    proposals: Mapping[str, Proposals] | None,
    couplings: pd.DataFrame,
    decisions: Sequence[Decision],
    findings: Findings,
    plan: Plan,
    run: Run | None,
    catalogue: Catalogue,
    workspace_name: str,
    made_at: datetime,
    version: str,
    previous: Mapping | None = None,
) -> Report:
    """Build the report of a workspace.

    ``couplings`` has the columns kind, bc_id, dv_id, by, at, position, synchronised. ``previous`` is the
    last report's ``to_dict()``, to say what changed since. Nothing is read or written but the arguments.
    """
    made_at = made_at.astimezone(UTC) if made_at.tzinfo else made_at.replace(tzinfo=UTC)
    made_of = Inputs(snapshot, proposals or {}, couplings, decisions, findings, plan, run, catalogue)
    usable = dict(previous) if previous and previous.get("format") == FORMAT else None
    sentence, data = _verdict_and_data(made_of, made_at, workspace_name, version, usable)
    return Report(sentence, data, page(sentence, data))


def _verdict_and_data(
    made_of: Inputs, made_at: datetime, workspace_name: str, version: str, previous: dict | None
) -> tuple[str, dict]:
    """The verdict's sentence, and the data of every section as JSON gives it back."""
    summary = verdict.figures(made_of)
    state, sentence = verdict.verdict(summary)
    open_now = exceptions.open_now(made_of, made_at.isoformat(), previous)
    change = since.since(open_now, records(made_of.findings.coverage), previous)
    data = {
        "format": FORMAT,
        "workspace": workspace_name,
        "made_at": made_at.isoformat(),
        "state": state,
        "subject": verdict.subject(workspace_name, state, summary, change),
        "summary": summary,
        "stale": verdict.stale(made_of),
        "kinds": verdict.by_kind(made_of),
        "compared": sections.compared(made_of, made_at),
        "since": change,
        "coverage": sections.coverage(made_of),
        "proposed": sorted(made_of.proposals),
        "checks": exceptions.checks(made_of),
        "exceptions": exceptions.exceptions(made_of),
        "prerequisites": push.prerequisites(made_of),
        "push": push.push(made_of),
        "last_run": push.last_run(made_of, made_of.run),
        "decisions": sections.decisions(made_of),
        "made": sections.made(made_of, version),
        "open": open_now,
    }
    return sentence, _storable(data)


def _storable(data: dict) -> dict:
    """The same data as JSON gives it back; text that no file could hold is made harmless."""
    text = json.dumps(data, ensure_ascii=False)
    return json.loads(text.encode("utf-8", "replace").decode("utf-8"))
