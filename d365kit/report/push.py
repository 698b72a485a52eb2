"""Plan, run and references → what the next push would do, what the last run did, and what is waited for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from d365kit.kinds import SIDES, Field, Kind, Side, other_side
from d365kit.nouns import Change, Run
from d365kit.nouns.frames import plain
from d365kit.nouns.run import STATES
from d365kit.report.inputs import Inputs, Row
from d365kit.show.cells import reasons_of
from d365kit.show.values import text_of

LIMIT = 200
Missing = tuple[str, Side, str, str]
Waiting = tuple[str, Side, str]


def push(made_of: Inputs, limit: int = LIMIT) -> Row:
    """The plan in figures by kind; blocked changes by reason with the fix; conflicts with both values."""
    plan = made_of.plan
    fixes = {str(r["check"]): str(r["fix"] or "") for r in made_of.found}
    conflicts = [c for c in plan if c.action == "conflict" and not c.blocked]
    return {
        "counts": plan.counts(),
        "kinds": [{"kind": k, "title": made_of.title(k), **plan.counts(k)} for k in plan.kinds],
        "blocked": [
            {"reason": reason, "fix": fixes.get(reason, ""), **_some(made_of, held, limit)}
            for reason, held in reasons_of(plan)
        ],
        "conflicts": _some(made_of, conflicts, limit),
    }


def _some(made_of: Inputs, changes: Sequence[Change], limit: int) -> Row:
    return {
        "changes": len(changes),
        "rows": [_change(made_of, c) for c in changes[:limit]],
        "more": max(0, len(changes) - limit),
    }


def _change(made_of: Inputs, change: Change) -> Row:
    fields = []
    for f in change.fields if change.action != "create" else ():
        title, _ = made_of.field(change.kind, f.field)
        both = {w: getattr(f, f"{w}_label") or text_of(getattr(f, w), f.type) for w in ("before", "after")}
        fields.append({"field": title, "type": f.type, **both, "note": f.note})
    return {
        "action": change.action, "kind": made_of.title(change.kind), "side": change.side, "title": change.title,
        "reason": change.reason, "fields": fields,
    }  # fmt: skip


def last_run(made_of: Inputs, run: Run | None, limit: int = LIMIT) -> Row | None:
    """What the last run wrote, by kind, and what went wrong in the service's own words; None without a run."""
    if run is None:
        return None
    kinds: dict[str, Counter] = {}
    for o in run.outcomes:
        kinds.setdefault(o.kind, Counter())[o.state] += 1
    wrong = run.failed
    return {
        "id": run.id,
        "plan": run.plan_id,
        "counts": run.counts(),
        "kinds": [{"title": made_of.title(k), **{s: n[s] for s in STATES}} for k, n in kinds.items()],
        "failures": [
            {"state": o.state, "action": o.action, "kind": made_of.title(o.kind), "side": o.side, "title": o.title,
             "message": o.message, "status": o.status, "request_id": o.request_id}
            for o in wrong[:limit]
        ],
        "more": max(0, len(wrong) - limit),
    }  # fmt: skip


def prerequisites(made_of: Inputs, limit: int = LIMIT) -> Row:
    """Uncoupled records that other records refer to, those with the most waiting first."""
    waiting: dict[Missing, Counter] = {}
    for name in made_of.kinds:
        if name not in made_of.catalogue:
            continue
        kind = made_of.catalogue[name]
        for side in SIDES:
            for missing, record in _waits(made_of, kind, side):
                waiting.setdefault(missing, Counter())[record] += 1
    rows = [_prerequisite(made_of, missing, held) for missing, held in waiting.items()]
    rows.sort(key=lambda r: (-int(str(r["waiting"])), str(r["record"])))
    return {
        "missing": len(rows),
        "waiting": len({record for held in waiting.values() for record in held}),
        "rows": rows[:limit],
        "more": max(0, len(rows) - limit),
    }


def _waits(made_of: Inputs, kind: Kind, side: Side) -> list[tuple[Missing, Waiting]]:
    """Every (uncoupled record referred to, record that refers to it) of one kind and side."""
    if not kind.may_go_to(other_side(side)):
        return []
    frame = made_of.snapshot[kind.name].side(side)
    ids = [str(plain(i)) for i in frame["id"].array]
    found = []
    for f in kind.references:
        if not f.goes_to(other_side(side)) or f.name not in frame.columns:
            continue
        coupled = frozenset().union(*(made_of.coupled(k, side) for k in f.refers_to))
        unknown = made_of.snapshot.unread.get(kind.name, ())
        if f.weak or f.name in unknown:
            continue
        for record, (reference, label) in zip(ids, _references(frame, f), strict=True):
            if (reference or label) and reference not in coupled:
                target = made_of.holding(f.refers_to, side, reference)
                missing = (target, side, reference, "" if reference else label)
                found.append((missing, (kind.name, side, record)))
    return found


def _references(frame: pd.DataFrame, f: Field) -> list[tuple[str, str]]:
    ids = [str(plain(v) or "") for v in frame[f.name].array]
    if f.label_column not in frame.columns:
        return [(i, "") for i in ids]
    return list(zip(ids, (str(plain(v) or "") for v in frame[f.label_column].array), strict=True))


def _prerequisite(made_of: Inputs, missing: Missing, held: Counter) -> Row:
    kind, side, record, label = missing
    known = made_of.label(kind, side, record)
    outside = made_of.snapshot[kind].outside(side) if kind in made_of.snapshot else None
    left_out = ""
    if outside is not None and record and "outside" in outside.columns:
        reasons = outside.loc[outside["id"] == record, "outside"]
        left_out = str(reasons.iloc[0]) if len(reasons) else ""
    by_kind = Counter(made_of.title(k) for k, _, _ in held)
    return {
        "kind": made_of.title(kind),
        "side": side,
        "record": known.text or label or record,
        "left_out": left_out,
        "in_snapshot": bool(known.text),
        "waiting": len(held),
        "by_kind": [{"kind": k, "records": n} for k, n in by_kind.most_common()],
    }
