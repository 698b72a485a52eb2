"""A demo workspace in → the whole way once, told step by step, → what was done, per kind."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import monotonic

from d365kit.nouns import Run, Snapshot
from d365kit.nouns.plan import summary
from d365kit.workspace import Workspace

Say = Callable[[str], None]


def run(workspace: Workspace, say: Say) -> dict[str, object]:
    """Pull, propose, confirm what is certain, check, plan, apply, pull again and report; asks nothing.

    Running it again goes on from what the first run left: nothing is done twice. Returns the figures of every
    step per kind, and the report's path.
    """
    started = monotonic()
    # What checks stand on takes seconds to import: meanwhile the sandbox makes its company in a process of its own.
    Thread(target=workspace.warm_up, daemon=True).start()
    say("1  Pull: both sides into frames with the same columns")
    snapshot = workspace.pull()
    pulled = _pulled(snapshot, say)
    say("2  Propose and confirm: only what is certain is coupled, the rest waits for you")
    coupled = _couple(workspace, say)
    say("3  Check: prerequisites, currencies, required fields")
    findings = workspace.check()
    say(f"   {findings}")
    worst = findings.frame.groupby(["severity", "check"]).size()
    for (severity, name), number in worst.items():
        say(f"   {severity:<9} {name:<46} {number:>6,}")
    say("4  Plan: what would be written, field by field")
    plan = workspace.plan()
    planned = {k: plan.counts(k) for k in plan.kinds}
    for kind, counts in planned.items():
        say(f"   {kind:<16} {summary(counts)}")
    say("5  Apply: every change with the version it was planned against")
    done = workspace.apply(plan)
    wrote = _wrote(done, say)
    say("6  Once more: pull, check and plan, to see what is left")
    workspace.pull()
    open_kinds = [kind for kind, made in coupled.items() if made["likely"] or made["unsure"]]
    waiting = [p for kind in open_kinds if (p := workspace.propose(kind)).counts()["likely"]]
    left = workspace.plan().counts()
    say(f"   {summary(left)}")
    for proposals in waiting:
        say(f"   waits for you: {proposals}")
    say("7  Report")
    report = workspace.report(last_run=done)
    path = (workspace.folder.reports / "latest.html").resolve()
    say(f"   {report}")
    say(f"   {path}")
    say(f"Done in {monotonic() - started:.0f} s.")
    say(f"Open the notebooks with: jupyter lab {workspace.folder.path / 'notebooks'}")
    return {
        "pulled": pulled, "coupled": coupled, "found": findings.counts(), "planned": planned,
        "wrote": wrote, "left": left, "verdict": report.verdict, "report": str(path),
    }  # fmt: skip


def _pulled(snapshot: Snapshot, say: Say) -> dict[str, dict[str, int]]:
    out = {}
    for sides in snapshot:
        outside = len(sides.bc_outside) + len(sides.dv_outside)
        say(f"   {sides.kind:<16} {len(sides.bc):>7,} in BC {len(sides.dv):>7,} in Sales {outside:>7,} filtered out")
        out[sides.kind] = {"bc": len(sides.bc), "dv": len(sides.dv), "outside": outside}
    return out


def _couple(workspace: Workspace, say: Say) -> dict[str, dict[str, int]]:
    """Couple what is certain. Records are made only on the first tour: what it left in doubt is the analyst's."""
    out = {}
    first = workspace.ledger.runs().empty
    for kind in workspace.catalogue:
        proposals = workspace.propose(kind.name)
        confirmed = workspace.confirm(kind.name, band="certain", note="demo: certain proposals")
        create = first and kind.planned and kind.may_go_to("dv")
        created = workspace.create(kind.name, note="demo: nothing found") if create else 0
        say(f"   {proposals} → {confirmed:,} coupled, {created:,} to create in Sales")
        out[kind.name] = {**proposals.counts(), "confirmed": confirmed, "to_create": created}
    return out


def _wrote(done: Run, say: Say) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for outcome in done.outcomes:
        counts = out.setdefault(outcome.kind, {"created": 0, "updated": 0, "blocked": 0, "failed": 0})
        if outcome.state == "done":
            counts["created" if outcome.action == "create" else "updated"] += 1
        else:
            counts["blocked" if outcome.state == "skipped" else "failed"] += 1
    for kind, counts in out.items():
        say(f"   {kind:<16} " + " · ".join(f"{n:,} {what}" for what, n in counts.items()))
    for outcome in done.failed[:5]:
        say(f"   {outcome.state}: {outcome.kind} {outcome.title}: {outcome.message}")
    return out
