"""Commands about decisions: what was decided, taking it back, and bringing two ledgers together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from d365kit.cli.common import HERE, At, Json, Verbose, opened, out
from d365kit.errors import SettingsError

if TYPE_CHECKING:
    from d365kit.nouns import Decision

app = typer.Typer(
    no_args_is_help=True,
    help="What was decided, taking it back, and bringing two ledgers together.",
    rich_markup_mode=None,
)


class Verdict(StrEnum):
    """Verdicts a line of the ledger may have (`nouns.VERDICTS`)."""

    confirm = "confirm"
    reject = "reject"
    defer = "defer"
    create = "create"
    uncouple = "uncouple"
    undo = "undo"
    retry = "retry"


@app.command()
def log(
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    by: Annotated[str | None, typer.Option(help="Only what this person decided.")] = None,
    verdict: Annotated[Verdict | None, typer.Option(help="Only this verdict.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="From this day or moment (2026-03-01T12:00+01:00) on; UTC if no zone."),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of the latest decisions, or of the batches.")] = 20,
    batches: Annotated[bool, typer.Option("--batches", help="A line for each batch, not for each decision.")] = False,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show the latest decisions, oldest first, with the number of the batch that undo takes."""
    moment = None if since is None else _moment(since)
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        if kind is not None:
            ws.catalogue[kind]
        wanted = verdict and verdict.value
        decisions = ws.ledger.decisions(kind, by=by, verdict=wanted, since=moment, last=None if batches else last)
        nothing = "Nothing of that was decided." if kind or by or verdict or since else "Nothing was decided yet."
        if batches:
            latest = sorted({d.batch for d in decisions})[-last:]
            rows = _by_batch([d for d in decisions if d.batch in latest])
            out(rows, "\n".join(map(_told, rows)) or nothing, as_json=as_json)
            return
        text = "\n".join(f"{d}  [batch {d.batch}]" + (f"  {d.note}" if d.note else "") for d in decisions)
        out([d.to_dict() for d in decisions], text or nothing, as_json=as_json)


def _by_batch(decisions: Sequence[Decision]) -> list[dict[str, object]]:
    """One row for what each batch decided of a kind: batch, at, by, verdict, kind, decisions, undoes, note."""
    rows: dict[tuple[int, str, str], dict[str, object]] = {}
    for d in decisions:
        row = rows.setdefault(
            (d.batch, d.verdict, d.kind),
            {
                "batch": d.batch, "at": f"{d.at:%Y-%m-%d %H:%M}", "by": d.by, "verdict": d.verdict, "kind": d.kind,
                "decisions": 0, "undoes": d.undoes, "note": d.note,
            },
        )  # fmt: skip
        row["decisions"] = int(str(row["decisions"])) + 1
    return list(rows.values())


def _told(row: Mapping[str, object]) -> str:
    of = f" of batch {row['undoes']}" if row["undoes"] else ""
    note = f"  {row['note']}" if row["note"] else ""
    act = f"{row['verdict']}{of}  {row['decisions']:,} of {row['kind']}"
    return f"batch {row['batch']}  {row['at']}  {row['by']}  {act}{note}"


@app.command()
def undo(
    batch: Annotated[int | None, typer.Argument(help="A batch of the log; none means the last act.")] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take back the last act, or a batch of the log, whole."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        undone = ws.undo(batch)
        counts: dict[tuple[str, str], int] = {}
        for line in undone:
            counts[line.verdict, line.kind] = counts.get((line.verdict, line.kind), 0) + 1
        told = ", ".join(f"{verdict} of {n:,} of {kind}" for (verdict, kind), n in counts.items())
        first = undone[0]
        text = f"Took back: {told} (batch {first.batch}, by {first.by} on {first.at:%Y-%m-%d %H:%M} UTC)."
        if len(undone) <= 5:
            text = "\n".join([text, *(str(d) for d in undone)])
        out([d.to_dict() for d in undone], text, as_json=as_json)


@app.command()
def skipped(
    kind: Annotated[str | None, typer.Argument(help="Only this kind.")] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show the pairs that plans leave alone, because the same error came twice running."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        if kind is not None:
            ws.catalogue[kind]
        rows = ws.skipped(kind).to_dict("records")
        lines = [
            f"  {r['kind']} {r['title']} ({r['bc_id'] or '–'} ↔ {r['dv_id'] or '–'}), {r['times']} ×: {r['message']}"
            for r in rows
        ]
        head = f"{len(rows):,} skipped; to try them again: d365kit retry KIND [BC_ID DV_ID]"
        out(rows, "\n".join([head, *lines]) if rows else "Nothing is skipped.", as_json=as_json)


@app.command("export")
def export_(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write all that stands to a file, a line of JSON a decision, for git."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        number = ws.export_ledger(file)
        out({"path": str(file), "decisions": number}, f"{number:,} decisions are in {file}.", as_json=as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that export wrote.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken.")] = False,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take the decisions of a file that are not here yet, all or nothing."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        taken = ws.import_ledger(file, dry_run=dry_run)
        out(taken.to_dict(), str(taken), as_json=as_json)
        if len(taken.conflicts):
            raise typer.Exit(2)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"“{text}” is no day and no moment.", "Write 2026-03-01, or 2026-03-01T12:00+01:00."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
