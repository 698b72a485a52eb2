"""One command per verb of the pipeline."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from d365kit.cli import explore_commands, file_commands, gate_commands, kinds_commands
from d365kit.cli.common import (
    HERE,
    At,
    By,
    EngineName,
    Json,
    Rule,
    RuleName,
    Verbose,
    log_file,
    opened,
    out,
    reasons_text,
    start_log,
)
from d365kit.errors import SettingsError

if TYPE_CHECKING:
    from d365kit.nouns import Findings, Limits

__all__ = ["log_file", "register"]


class Side(StrEnum):
    bc = "bc"
    dv = "dv"


Kinds = Annotated[list[str] | None, typer.Argument(help="Kinds, such as customer; none means all.")]
OneKind = Annotated[str, typer.Argument(help="A kind, such as customer.", metavar="KIND")]
Note = Annotated[str, typer.Option(help="A comment kept with the decision.")]

First = Annotated[
    Side | None, typer.Option(help="Whose values win at the first synchronisation; else what d365kit.toml says.")
]


class Severity(StrEnum):
    critical = "critical"
    warning = "warning"
    info = "info"


class Band(StrEnum):
    certain = "certain"
    likely = "likely"
    unsure = "unsure"


def register(app: typer.Typer) -> None:
    """Add the pipeline's commands to ``app``, in the order of the pipeline."""
    for command in (
        demo,
        init,
        kinds_commands.kinds,
        pull,
        explore_commands.explore,
        propose,
        confirm,
        create,
        reject,
        uncouple,
        move,
        retry,
        check,
        gate_commands.unlocks,
        plan,
        apply,
        report,
    ):
        app.command()(command)


def demo(
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder of the demo workspace.")] = Path(
        "d365kit-demo"
    ),
    customers: Annotated[
        int | None, typer.Option(min=0, help="Size of the demo company.", show_default="2000")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Which demo company.", show_default="1")] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Go the whole way once on the demo company, offline, and end with a report."""
    from d365kit import tour
    from d365kit.workspace import Workspace

    with Workspace.demo(workspace, customers=customers, seed=seed, progress=False) as opened_workspace:
        start_log(opened_workspace.folder.log, verbose=verbose)
        say = (lambda text: None) if as_json else typer.echo
        result = tour.run(opened_workspace, say)
        if as_json:
            out(result, "", as_json=True)


def init(
    directory: Annotated[Path, typer.Argument(help="Folder of the new workspace.", metavar="DIR")],
    exports: Annotated[
        list[Path] | None, typer.Argument(help="CSV, Excel or Parquet exports to work on.", metavar="[FILE]...")
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Work on the exports that follow, not on services.")] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a workspace: settings, notebooks and suites. In an old one, show what this version ships anew."""
    from d365kit.workspace import Workspace, settings, share

    if files and not exports:
        raise SettingsError("No file is named.", "Write: d365kit init DIR --files customers.xlsx accounts.csv.")
    if exports:
        file_commands.init_files(directory, exports, as_json=as_json)
        return
    if not (directory / settings.FILE).exists():
        Workspace.make(directory, progress=False).close()
        todo = f"Fill in {directory / settings.FILE}, then run: d365kit pull --workspace {directory}"
        out({"made": str(directory)}, f"Made the workspace {directory}.\n{todo}", as_json=as_json)
        return
    settings.read(directory)
    added, differing = share.copy_missing(directory), share.differences(directory)
    lines = [f"{directory} is a workspace already; its files are left as they are."]
    lines += [f"Added {name}, which it did not have." for name in added]
    lines += [str(d) for d in differing] or ["Notebooks and suites are those of this version."]
    value = {"added": added, "differing": [d.path for d in differing]}
    out(value, "\n".join(lines), as_json=as_json)


def pull(
    kinds: Kinds = None,
    allow_empty: Annotated[bool, typer.Option(help="Accept that a side which had rows has none now.")] = False,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Read both services into a snapshot."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        snapshot = ws.pull(kinds or None, allow_empty=allow_empty)
        out(snapshot.to_dict(), str(snapshot), as_json=as_json)


def propose(
    kind: OneKind,
    rule: Rule = RuleName.evidence,
    by: By = None,
    engine: Annotated[
        EngineName | None,
        typer.Option(help="What finds and compares candidates; else what d365kit.toml says."),
    ] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Find candidates for every uncoupled record of a kind."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        proposals = ws.propose(kind, rule.value, by, engine=engine and engine.value)
        value, text = proposals.to_dict(), str(proposals)
        if rule is RuleName.exact:
            value, text = {**value, "reasons": proposals.reasons()}, f"{text}\n{reasons_text(proposals)}"
        out(value, text, as_json=as_json)


def confirm(
    kind: OneKind,
    pair: Annotated[list[str] | None, typer.Argument(help="One pair: the bc id and the dv id.")] = None,
    band: Annotated[Band | None, typer.Option(help="All proposed pairs of this band.")] = None,
    first: First = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Let couplings whose other half was deleted give way.")
    ] = False,
    note: Note = "",
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Couple one pair, or all proposed pairs of a band."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        pairs = _pair(pair) if pair else None
        number = ws.confirm(kind, pairs, band=band, note=note, first=first or "", take_over=take_over)
        text = f"Coupled {number:,} {'pair' if number == 1 else 'pairs'} of {kind}."
        out({"kind": kind, "confirmed": number}, text, as_json=as_json)


def create(
    kind: OneKind,
    record: Annotated[str | None, typer.Argument(help="The id of one record.")] = None,
    side: Annotated[Side, typer.Option(help="The side that has the record.")] = Side.bc,
    note: Note = "",
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Decide that records have no partner, so that the plan makes one; without an id: all without candidates."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        records = None
        if record:
            records = [(record, "")] if side is Side.bc else [("", record)]
        number = ws.create(kind, records, side=side, note=note)
        out({"kind": kind, "to_create": number}, f"{number:,} of {kind} will be created.", as_json=as_json)


def reject(
    kind: OneKind,
    pair: Annotated[list[str], typer.Argument(help="The bc id and the dv id.")],
    note: Note = "",
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say that two records do not belong together."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        number = ws.reject(kind, _pair(pair), note=note)
        out({"kind": kind, "rejected": number}, f"Rejected {number:,} pair of {kind}.", as_json=as_json)


def uncouple(
    kind: OneKind,
    pair: Annotated[list[str], typer.Argument(help="The bc id and the dv id.")],
    note: Note = "",
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """End the coupling of two records; their data stay."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        number = ws.uncouple(kind, _pair(pair), note=note)
        counts = Counter(line.kind for line in ws.ledger.decisions(last=number))
        also = {name: count for name, count in counts.items() if name != kind}
        taken = f", and with it {', '.join(f'{n:,} of {name}' for name, n in also.items())}" if also else ""
        text = f"Uncoupled {number - sum(also.values()):,} pair of {kind}{taken}."
        out({"kind": kind, "uncoupled": number, "also": also}, text, as_json=as_json)


def move(
    kind: OneKind,
    pair: Annotated[list[str], typer.Argument(help="The bc id and the dv id.")],
    first: First = None,
    note: Note = "",
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Couple two records in place of the coupling that one of them has."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        number = ws.move(kind, _pair(pair), note=note, first=first or "")
        out({"kind": kind, "moved": number}, f"Moved {number:,} coupling of {kind}.", as_json=as_json)


def retry(
    kind: OneKind,
    pair: Annotated[
        list[str] | None, typer.Argument(help="The bc id and the dv id; none means all that are skipped.")
    ] = None,
    note: Note = "",
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Let the next plan try pairs again that are skipped, because the same error came twice running."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        number = ws.retry(kind, _pair(pair) if pair else None, note=note)
        text = f"{number:,} of {kind} will be tried again." if number else f"Nothing of {kind} is skipped."
        out({"kind": kind, "retried": number}, text, as_json=as_json)


def check(
    suites: Annotated[list[str] | None, typer.Argument(help="Suites, such as currencies; none means all.")] = None,
    fail_on: Annotated[Severity, typer.Option(help="Exit with 1 from this severity on.")] = Severity.critical,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Run the workspace's expectation suites over the latest snapshot."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        findings = ws.check(suites or None)
        out(findings.to_dict(), _findings_text(findings), as_json=as_json)
        if len(findings.at_least(fail_on)):
            raise typer.Exit(1)


def plan(
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; may be given several times.")] = None,
    save_to: Annotated[Path | None, typer.Option("--out", help="Write the plan to this file as well.")] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Plan what would be written, field by field; nothing is written."""
    from d365kit.show import terminal

    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        made = ws.plan(kind or None)
        if save_to:
            made.save(save_to)
        out(made.to_dict(), "\n".join(terminal.lines(made)), as_json=as_json)


def apply(
    plan_file: Annotated[Path | None, typer.Argument(help="The plan; none means the latest.", metavar="PLAN")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    limit: Annotated[list[str] | None, typer.Option(help="Pass a limit once: update=100%, create=5000.")] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write what the plan says; run it again to go on after a stop."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        made = ws.folder.load_plan(plan_file)
        limits = _limits(ws.settings.limits, limit or [])
        ready = len(made.ready())
        if ready and ws.settings.files.kinds:
            _ = ws.services  # files take no writes, which is better said before anybody is asked
        if not yes and ready:
            typer.echo(str(made), err=True)
            typer.confirm(f"Write these {ready:,} changes?", abort=True, err=True)
        run = ws.apply(made, limits=limits)
        lines = [str(run), *(f"  {o.state}: {o.kind} {o.title}: {o.message}" for o in run.failed[:20])]
        if len(run.failed) > 20:
            lines.append(f"  … and {len(run.failed) - 20:,} more; --json shows all.")
        out(run.to_dict(), "\n".join(lines), as_json=as_json)
        if run.failed:
            raise typer.Exit(5)


def report(
    save_to: Annotated[Path | None, typer.Option("--out", help="Write the page to this file as well.")] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write one self-contained HTML page about the workspace; nothing is written to a service."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        made = ws.report(save_to)
        path = save_to or ws.folder.reports / "latest.html"
        out({**made.to_dict(), "path": str(path)}, f"{made}\n{path}", as_json=as_json)


def _pair(ids: list[str]) -> list[tuple[str, str]]:
    if len(ids) != 2:
        raise typer.BadParameter("A pair is two ids: the one in Business Central and the one in Sales.")
    return [(ids[0], ids[1])]


def _limits(limits: Limits, given: list[str]) -> Limits:
    from dataclasses import replace

    for text in given:
        name, _, value = text.partition("=")
        try:
            number = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            number = -1.0
        if name not in ("update", "create", "uncouple") or number < 0:
            raise SettingsError(f"“{text}” is no limit.", "Write update=30%, create=500 or uncouple=10.")
        if name == "update":
            limits = replace(limits, update=number)
        elif name == "create":
            limits = replace(limits, create=int(number))
        else:
            limits = replace(limits, uncouple=int(number))
    return limits


def _findings_text(findings: Findings) -> str:
    from d365kit.nouns.findings import NOT_ASKED, NOTHING

    lines = [str(findings)]
    grouped = findings.frame.groupby(["severity", "check"], sort=True).agg(
        records=("kind", "size"), fix=("fix", "first")
    )
    for (severity, name), row in grouped.iterrows():
        lines.append(f"  {severity:<9} {name:<44} {row['records']:>6,}  {row['fix']}")
    for state in (NOTHING, NOT_ASKED):
        names = findings.coverage[findings.coverage["state"] == state]["check"]
        lines += [f"  {state}: {', '.join(names)}"] if len(names) else []
    return "\n".join(lines)
