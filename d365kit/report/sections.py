"""Inputs → the plain data of the report's quiet sections: what was compared, coverage, decisions, how it was made."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from d365kit.kinds import SIDES, Side, other_side
from d365kit.nouns.frames import plain, records
from d365kit.report.inputs import Inputs, Row

LATEST_DECISIONS = 20
BANDS = ("certain", "likely", "unsure")


def compared(made_of: Inputs, made_at: datetime) -> Row:
    """What was compared: rows per kind and side, those left out and why, sources, time and age."""
    snap = made_of.snapshot
    taken_at = snap.taken_at if snap.taken_at.tzinfo else snap.taken_at.replace(tzinfo=UTC)
    kinds: list[Row] = []
    for kind in made_of.kinds:
        kinds.append({"kind": kind, "title": made_of.title(kind), **{s: _side(made_of, kind, s) for s in SIDES}})
    return {
        "taken_at": taken_at.isoformat(),
        "age": age(made_at - taken_at),
        "facts": dict(snap.facts),
        "kinds": kinds,
        "not_compared": [made_of.title(k) for k in made_of.catalogue.names if k not in snap],
    }


def _side(made_of: Inputs, kind: str, side: Side) -> Row:
    sides = made_of.snapshot[kind]
    outside = sides.outside(side)
    reasons = Counter(str(r) for r in outside["outside"].dropna()) if "outside" in outside.columns else Counter()
    asked = [p for p in made_of.snapshot.provenance if (p.kind, p.side) == (kind, side)]
    return {
        "in_scope": len(sides.side(side)),
        "outside": len(outside),
        "reasons": [{"reason": reason, "records": n} for reason, n in reasons.most_common()],
        "sources": [p.source for p in asked],
        "asked_at": [p.asked_at for p in asked],
        "received": sum(p.received for p in asked) if asked else None,
    }


def age(passed: timedelta) -> str:
    """A duration in the largest unit that says enough.

    >>> age(timedelta(minutes=25)), age(timedelta(hours=30)), age(timedelta(seconds=5))
    ('25 minutes', '30 hours', 'less than a minute')
    """
    minutes = int(passed.total_seconds() // 60)
    for size, unit in ((2 * 24 * 60, "day"), (2 * 60, "hour"), (1, "minute")):
        if minutes >= size:
            number = minutes // {"day": 24 * 60, "hour": 60, "minute": 1}[unit]
            return f"{number:,} {unit}{'s' if number != 1 else ''}"
    return "less than a minute"


def coverage(made_of: Inputs) -> list[Row]:
    """Per kind and side: records coupled, proposed by band, without a candidate, not proposed yet.

    The parts of a side add up to its records in scope.
    """
    return [
        {"kind": kind, "title": made_of.title(kind), **{side: _covered(made_of, kind, side) for side in SIDES}}
        for kind in made_of.kinds
    ]


def _covered(made_of: Inputs, kind: str, side: Side) -> dict[str, int]:
    ids = [str(plain(i)) for i in made_of.snapshot[kind].side(side)["id"].array]
    coupled = made_of.coupled(kind, side)
    bands = _bands(made_of, kind, side)
    parts = Counter("coupled" if i in coupled else bands.get(i, "not_proposed") for i in ids)
    whole = {part: parts[part] for part in ("coupled", *BANDS, "nothing_found", "not_proposed")}
    elsewhere = len(coupled - set(ids))
    return {"in_scope": len(ids), **whole, "coupled_elsewhere": elsewhere}


def _bands(made_of: Inputs, kind: str, side: Side) -> dict[str, str]:
    """The band of each uncoupled record: of its assigned pair, else unsure where it has any candidate."""
    if kind not in made_of.proposals:
        return {}
    mine, other = f"{side}_id", f"{other_side(side)}_id"
    bands: dict[str, str] = {}
    for row in records(made_of.proposals[kind].frame):
        record = row[mine]
        if not record:
            continue
        if row["chosen"] and row["band"] in BANDS:
            bands[str(record)] = str(row["band"])
        elif row[other]:
            if bands.get(str(record)) in (None, "nothing_found"):
                bands[str(record)] = "unsure"
        else:
            bands.setdefault(str(record), "nothing_found")
    return bands


def decisions(made_of: Inputs) -> Row:
    """The latest decisions, newest first, with the records' names.

    ``total`` counts the ledger's lines; ``counts`` are by verdict, among the ``read`` lines that were given.
    """
    newest = sorted(made_of.decisions, key=lambda d: d.position, reverse=True)
    rows = [
        {
            "position": d.position, "at": d.at.isoformat(), "by": d.by, "verdict": d.verdict, "kind": d.kind,
            "title": made_of.title(d.kind) if d.kind else "",
            "bc": made_of.label(d.kind, "bc", d.bc_id).text or d.bc_id,
            "dv": made_of.label(d.kind, "dv", d.dv_id).text or d.dv_id,
            "band": d.band, "note": d.note, "undoes": d.undoes,
        }
        for d in newest[:LATEST_DECISIONS]
    ]  # fmt: skip
    total = newest[0].position if newest else 0
    return {"total": total, "read": len(newest), "counts": dict(Counter(d.verdict for d in newest)), "rows": rows}


def made(made_of: Inputs, version: str) -> Row:
    """How the report was made: version, snapshot, ledger, plan, and every suite with its checks."""
    suites: dict[str, Counter] = {}
    for row in records(made_of.findings.coverage):
        state = str(row["state"])
        suites.setdefault(str(row["suite"] or "–"), Counter())[
            state if state in ("passed", "failed") else "idle"
        ] += 1
    return {
        "version": version,
        "snapshot": made_of.snapshot.id,
        "plan": made_of.plan.id,
        "fingerprint": made_of.plan.fingerprint,
        "ledger_position": made_of.plan.ledger_position,
        "findings_at": made_of.findings.ledger_position,
        "suites": [
            {"suite": suite, "checks": n.total(), **{state: n[state] for state in ("passed", "failed", "idle")}}
            for suite, n in suites.items()
        ],
    }
