"""Commands over files: compare two of them without a workspace, and take over couplings that exist already."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from d365kit.cli.common import HERE, At, By, EngineName, Json, Rule, RuleName, Verbose, opened, out, reasons_text
from d365kit.errors import SettingsError

if TYPE_CHECKING:
    from d365kit.workspace.two_files import FileMatch

#: So many pairs are shown where none are written.
_SHOWN = 20
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column", help="Which column is which field: “left:Kundennr.=number”; “right:Fax=-” leaves one out."
    ),
]
Decimal = Annotated[str, typer.Option(help="The decimal sign of the files, where it is doubtful: , or .")]
Dates = Annotated[str, typer.Option(help="The order of dates, where it is doubtful: dmy or mdy.")]


def register(app: typer.Typer) -> None:
    """Add the commands over files to ``app``."""
    app.command()(match)
    app.command()(couple)


def match(
    left: Annotated[Path, typer.Argument(help="A CSV, Excel or Parquet file, best of Business Central.")],
    right: Annotated[Path, typer.Argument(help="Another one, best of Dynamics 365 Sales.")],
    kind: Annotated[
        str, typer.Option(help="What the rows are: customer (or company), contact, item …; else it is found out.")
    ] = "",
    save_to: Annotated[
        Path | None, typer.Option("--out", help="Write the pairs found to this .csv, .xlsx or .parquet file.")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="Write every scored pair, with its evidence, to such a file.")
    ] = None,
    column: Columns = None,
    sheet: Annotated[
        list[str] | None, typer.Option(help="The sheet of a workbook: “left:Customers”, “right:Accounts”.")
    ] = None,
    decimal: Decimal = "",
    dates: Dates = "",
    rule: Rule = RuleName.evidence,
    by: By = None,
    engine: Annotated[EngineName, typer.Option(help="What finds and compares candidates.")] = EngineName.duckdb,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Find which rows of two files belong together; no workspace and no settings are needed."""
    from d365kit.progress import Bars
    from d365kit.workspace import tables_out
    from d365kit.workspace.two_files import IDS, match_files

    _check_outputs((left, right), [path for path in (save_to, candidates) if path])
    columns: dict[str, dict[str, str]] = {"left": {}, "right": {}}
    for given in column or []:
        hand, rest = _handed(given, "--column “left:Kundennr.=number”")
        columns[hand] |= _columns([rest])
    columns = {hand: chosen for hand, chosen in columns.items() if chosen}
    sheets = dict(_handed(given, "--sheet left:Customers") for given in sheet or [])
    with Bars(shown=not as_json and sys.stderr.isatty()) as bars:
        found = match_files(
            left, right, kind=kind, columns=columns, sheets=sheets, decimal=decimal, dates=dates, rule=rule.value,
            criteria=by, details=candidates is not None, progress=bars,
            engine=engine.value,
        )  # fmt: skip
    pairs = found.pairs()
    if save_to:
        tables_out.write(pairs, save_to, keys=IDS)
    if candidates:
        tables_out.write(found.to_frame(), candidates, keys=IDS)
    exact = rule is RuleName.exact
    said = [str(found), *([reasons_text(found.proposals)] if exact else [])]
    said += _next_steps(found, len(pairs), save_to, candidates)
    value = {
        **found.to_dict(), "pairs": len(pairs), "path": str(save_to) if save_to else None,
        "candidates": str(candidates) if candidates else None,
    }  # fmt: skip
    if exact:
        value["reasons"] = found.proposals.reasons()
    out(value, "\n".join(said), as_json=as_json)


def _check_outputs(inputs: tuple[Path, ...], outputs: list[Path]) -> None:
    """Raise SettingsError for files that cannot be written, or that would take the place of another one."""
    from d365kit.workspace import tables_out

    taken = {path.resolve() for path in inputs}
    for path in outputs:
        tables_out.check_path(path)
        if path.resolve() in taken:
            raise SettingsError(f"{path} is named twice; it would be overwritten.", "Name another file.")
        taken.add(path.resolve())


def _odds(score: object) -> str:
    """A probability; what is not quite certain is not shown as one."""
    value = float(str(score))
    return f"{min(value, 0.999) if value < 1 else value:.3f}"


def _next_steps(found: FileMatch, pairs: int, save_to: Path | None, candidates: Path | None) -> list[str]:
    """What was written, else the first pairs; and what can be done next."""
    said = []
    if save_to:
        said.append(f"{pairs:,} pairs (certain and likely) are in {save_to}.")
    else:
        said += [
            f"  {_odds(r['score'])} {r['band']:<8} {_called(r, 'left')}  –  {_called(r, 'right')}  ({r['reason']})"
            for r in found.best(_SHOWN)
        ]
    if candidates:
        said.append(f"Every scored pair, and every record without one, is in {candidates}.")
    unsure = found.counts()["unsure"]
    if unsure and not candidates:
        said.append(f"{unsure:,} are unsure; see what speaks for and against them with --candidates candidates.csv.")
    if not save_to and pairs:
        said.append("Write all of them to a file with --out pairs.csv.")
    return said


def _called(row: Mapping[str, object], hand: str) -> str:
    """A record as people call it: by name and number, or by the row of its file."""
    key = str(row[f"{hand}_id"])
    called = f"row {row[f'{hand}_row']}" if key.startswith("row-") else key
    return f"{row[f'{hand}_name']} ({called})" if row[f"{hand}_name"] else called


def _handed(given: str, example: str) -> tuple[str, str]:
    """“left:…” in its two parts. Raises SettingsError for another beginning."""
    hand, colon, rest = given.partition(":")
    if not colon or hand.strip() not in ("left", "right"):
        raise SettingsError(f"“{given}” does not say of which file.", f"Begin with left: or right:, as in {example}.")
    return hand.strip(), rest.strip()


def couple(
    file: Annotated[Path, typer.Argument(help="CSV, Excel or Parquet with one record of each side in every row.")],
    kind: Annotated[str, typer.Option(help="What the rows are; else the file says it, or its keys do.")] = "",
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="What a column holds: “Kundennr.=bc”, “Account=dv”, “Art=kind”."),
    ] = None,
    sheet: Annotated[str, typer.Option(help="The sheet of a workbook.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be coupled, and couple nothing.")
    ] = False,
    save_to: Annotated[
        Path | None,
        typer.Option("--out", help="Write the rows that do not fit to this .csv, .xlsx or .parquet file."),
    ] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take over couplings that were made elsewhere, such as an export of Business Central's table 5331."""
    from d365kit.workspace import tables_out

    if save_to:
        tables_out.check_path(save_to)
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        done = ws.import_couplings(file, kind=kind or None, columns=_columns(column), sheet=sheet, dry_run=dry_run)
        said = [str(done)]
        if save_to:
            tables_out.write(done.rejects(), save_to)
            said.append(f"{len(done.rejects()):,} rows that do not fit are in {save_to}.")
        if done.counts()["coupled"]:
            said.append(
                "Nothing was coupled: this was a dry run." if dry_run else "Take it back with: d365kit ledger undo."
            )
        out({**done.to_dict(), "path": str(save_to) if save_to else None}, "\n".join(said), as_json=as_json)


def _columns(given: list[str] | None) -> dict[str, str]:
    """“column=role” each in its two parts. Raises SettingsError where there is no role."""
    found = {}
    for text in given or []:
        name, is_, role = text.rpartition("=")
        if not is_ or not name.strip():
            raise SettingsError(f"“{text}” names no role.", "Write --column “Kundennr.=bc”.")
        found[name.strip()] = role.strip()
    return found


def init_files(directory: Path, files: list[Path], *, as_json: bool) -> None:
    """Make a workspace that works on exports, and show what they were taken for."""
    from d365kit.workspace import Workspace

    with Workspace.make(directory, files=files, progress=False) as ws:
        guesses = ws.guesses()
        said = [str(g) for g in guesses]
        said += [
            f"Made the workspace {directory}; which file is what stands in {directory / 'd365kit.toml'}.",
            f"Correct it there if need be, then run: d365kit pull --workspace {directory}",
        ]
        out({"made": str(directory), "files": [g.to_dict() for g in guesses]}, "\n".join(said), as_json=as_json)
