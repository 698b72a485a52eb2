"""A noun → one self-contained piece of HTML for a notebook cell; long tables are cut and say so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from d365kit.nouns import BANDS, SEVERITIES, Decision, Findings, Plan, Proposals, Report, Run, Snapshot, Unlocks
from d365kit.nouns.findings import NOT_ASKED, NOTHING
from d365kit.nouns.frames import records
from d365kit.nouns.plan import Change
from d365kit.show.engine import render

#: Rows of one table in a cell; the frame has all.
LIMIT = 50
Row = dict[str, object]


def snapshot(snap: Snapshot, limit: int = LIMIT) -> str:
    """Both sides kind by kind: records that take part, records left out and why, and where they come from."""
    asked: dict[tuple[str, str], list] = {}
    for p in snap.provenance:
        asked.setdefault((p.kind, p.side), []).append(p)
    rows = []
    for sides in snap:
        cells = []
        for side in ("bc", "dv"):
            outside = sides.outside(side)
            reasons = Counter(outside["outside"].dropna()) if "outside" in outside else Counter()
            cells.append(
                {
                    "side": side,
                    "in_scope": len(sides.side(side)),
                    "outside": len(outside),
                    "reasons": reasons.most_common(),
                    "sources": [p.source for p in asked.get((sides.kind, side), [])],
                    "seconds": sum(p.seconds for p in asked.get((sides.kind, side), [])),
                }
            )
        rows.append({"kind": sides.kind, "sides": cells})
    roots = {side: _root([p.source for p in snap.provenance if p.side == side]) for side in ("bc", "dv")}
    return render("snapshot.html", snap=snap, rows=rows[:limit], more=max(0, len(rows) - limit), roots=roots)


def _root(addresses: list[str]) -> str:
    """What the addresses of a side begin with alike, up to a slash: said once, it need not stand in every row."""
    first, last = (min(addresses), max(addresses)) if len(addresses) > 1 else ("", "")
    same = next(
        (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )
    return first[: first.rfind("/", 0, same) + 1]


def proposals(found: Proposals, limit: int = LIMIT) -> str:
    """How many pairs are in each band, then the best candidate of each record with what speaks for it."""
    rows = best_candidates(records(found.frame))
    for row in rows[:limit]:
        row["evidence"] = _evidence(row["evidence"])
    return render(
        "proposals.html", found=found, counts=found.counts(), rows=rows[:limit], more=max(0, len(rows) - limit)
    )


def best_candidates(rows: list[Row]) -> list[Row]:
    """One row a record: its assigned or else its best candidate, and how many others there are."""
    best: dict[object, Row] = {}
    others: Counter = Counter()
    for row in sorted(rows, key=lambda r: (not r["chosen"], r["rank"] or 0)):
        record = ("bc", row["bc_id"]) if row["bc_id"] else ("dv", row["dv_id"])
        if record in best:
            others[record] += 1
        else:
            best[record] = {**row, "band": row["band"] if row["chosen"] or not row["dv_id"] else "unsure"}
            if not row["bc_id"]:
                best[record]["band"] = "only in Sales"
    order = {band: n for n, band in enumerate([*BANDS, "only in Sales"])}
    ranked = sorted(best.items(), key=lambda item: (order.get(str(item[1]["band"]), 9), -_score(item[1])))
    return [{**row, "others": others[record]} for record, row in ranked]


def _score(row: Row) -> float:
    score = row["score"]
    return float(score) if isinstance(score, int | float) else float("-inf")


def _evidence(text: object) -> list[Row]:
    """The comparisons behind a candidate; each gets ``share``, its weight as part of the largest."""
    try:
        steps = json.loads(str(text)) if text else []
    except ValueError:
        return []
    steps = [s for s in steps if isinstance(s, dict)]
    largest = max((abs(float(s.get("weight") or 0)) for s in steps), default=0) or 1
    return [
        {
            **{k: s.get(k) for k in ("field", "bc", "dv", "level")},
            "weight": float(s.get("weight") or 0),
            "share": round(100 * abs(float(s.get("weight") or 0)) / largest),
        }
        for s in steps
    ]


def findings(found: Findings, limit: int = LIMIT) -> str:
    """What the checks found: counts, then check by check, then the first rows, the worst first."""
    rows = by_severity(records(found.frame))
    checks: dict[object, Row] = {}
    for row in rows:
        check = checks.setdefault(row["check"], {**row, "number": 0})
        check["number"] = int(str(check["number"])) + 1
    states = Counter(str(s) for s in found.coverage["state"])
    idle, unasked = ([r["check"] for r in records(found.coverage) if r["state"] == s] for s in (NOTHING, NOT_ASKED))
    return render(
        "findings.html",
        counts=found.counts(), states=states, idle=idle, unasked=unasked, checks=list(checks.values()), limit=limit,
        rows=rows[:limit], more=max(0, len(rows) - limit),
    )  # fmt: skip


def by_severity(rows: list[Row]) -> list[Row]:
    """Findings with the worst first, those of one check together."""
    rank = {severity: n for n, severity in enumerate(SEVERITIES)}
    return sorted(rows, key=lambda r: (rank.get(str(r["severity"]), len(SEVERITIES)), str(r["check"])))


def unlocks(found: Unlocks, limit: int = LIMIT) -> str:
    """What is stopped, kind by kind, then what to couple or fix, what frees most first."""
    rows = records(found.frame)
    return render(
        "unlocks.html", found=found, rows=rows[:limit], more=max(0, len(rows) - limit), stopped=dict(found.stopped)
    )


def plan(made: Plan, limit: int = LIMIT) -> str:
    """The plan's figures, each kind's changes field by field, and what is blocked, grouped by its reason."""
    kinds = []
    shown_changes = 0
    for kind in made.kinds:
        mine = [c for c in made if c.kind == kind and c.action != "nothing" and not c.blocked]
        mine.sort(key=lambda c: c.action != "conflict")
        shown_changes += len(mine[:limit])
        more = max(0, len(mine) - limit)
        kinds.append({"kind": kind, "counts": made.counts(kind), "changes": mine[:limit], "more": more})
    return render(
        "plan.html",
        plan=made,
        counts=made.counts(),
        kinds=kinds,
        blocked=reasons_of(made),
        limit=limit,
        open=shown_changes <= limit,
    )


def reasons_of(made: Plan) -> list[tuple[str, list[Change]]]:
    """Blocked changes by what blocks them, the largest group first; a change stands under each reason.

    Further steps of one record are left out, as in the plan's own counts.
    """
    titles = {c.id: c for c in made}
    groups: dict[str, list[Change]] = {}
    for change in (c for c in made if not c.step):
        for reason in change.blocked_by:
            first = titles.get(reason)
            words = f"waits for: {first.action} {first.title}" if first else reason
            groups.setdefault(words, []).append(change)
    return sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))


def run(done: Run, limit: int = LIMIT) -> str:
    """What became of a plan: counts, what went wrong in the service's own words, and the rest by kind."""
    order = {"failed": 0, "unknown": 1, "skipped": 2, "done": 3}
    rows = sorted(done.outcomes, key=lambda o: order.get(o.state, 4))
    by_kind: dict[str, Counter] = {}
    for o in done.outcomes:
        by_kind.setdefault(o.kind, Counter())[o.state] += 1
    return render(
        "run.html", run=done, counts=done.counts(), by_kind=by_kind, rows=rows[:limit], more=max(0, len(rows) - limit)
    )


def decisions(lines: Sequence[Decision], limit: int = LIMIT) -> str:
    """The latest ledger lines, the newest first."""
    newest = sorted(lines, key=lambda d: d.position, reverse=True)
    return render("decisions.html", rows=newest[:limit], total=len(newest), more=max(0, len(newest) - limit))


def report(made: Report, limit: int = LIMIT) -> str:
    """A report's verdict and first figures; the page itself is what ``save`` writes."""
    data: Mapping = made.data
    found = list(data.get("exceptions", []))
    return render(
        "report_cell.html", verdict=made.verdict, state=data.get("state", ""), summary=data.get("summary", {}),
        coverage=list(data.get("coverage", []))[:limit], exceptions=found[:limit], more=max(0, len(found) - limit),
    )  # fmt: skip
