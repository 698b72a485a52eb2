"""Findings → the report's exceptions: by check, the worst first, each with its rows; and what the checks covered."""

from __future__ import annotations

from collections.abc import Iterable

from d365kit.nouns import SEVERITIES
from d365kit.nouns.findings import NOT_ASKED, NOTHING
from d365kit.nouns.frames import records
from d365kit.report.inputs import Inputs, Row
from d365kit.report.since import KEY, key_of
from d365kit.show.values import NUMERIC

#: Rows of one check on the page; the frame has all.
LIMIT = 200


def exceptions(made_of: Inputs, limit: int = LIMIT) -> list[Row]:
    """One entry a failed check: severity, records, fix, owner, rules, and at most ``limit`` of its rows."""
    groups: dict[str, list[Row]] = {}
    for row in made_of.found:
        groups.setdefault(str(row["check"]), []).append(row)
    found = [_check(made_of, check, rows, limit) for check, rows in groups.items()]
    return sorted(found, key=lambda c: (_rank(c["severity"]), -int(str(c["findings"])), str(c["check"])))


def _check(made_of: Inputs, check: str, rows: list[Row], limit: int) -> Row:
    return {
        "check": check,
        "suite": rows[0]["suite"] or "",
        "severity": min((r["severity"] for r in rows), key=_rank) or "info",
        "findings": len(rows),
        "records": len({(r["kind"], r["bc_id"], r["dv_id"]) for r in rows}),
        "kinds": [made_of.title(k) for k in _once(r["kind"] for r in rows)],
        "rules": " ".join(_once(word for r in rows for word in str(r["rules"] or "").split())),
        "fix": "; ".join(_once(r["fix"] for r in rows)[:3]),
        "owner": ", ".join(_once(r["owner"] for r in rows)[:3]),
        "numeric": all(made_of.field(str(r["kind"] or ""), str(r["field"] or ""))[1] in NUMERIC for r in rows),
        "rows": [_row(made_of, r) for r in rows[:limit]],
        "more": max(0, len(rows) - limit),
    }


def _row(made_of: Inputs, row: Row) -> Row:
    kind = str(row["kind"] or "")
    title, form = made_of.field(kind, str(row["field"] or ""))
    bc = made_of.label(kind, "bc", row["bc_id"])
    dv = made_of.label(kind, "dv", row["dv_id"])
    return {
        "kind": made_of.title(kind) if kind else "",
        "bc_id": row["bc_id"] or "", "dv_id": row["dv_id"] or "",
        "bc_number": bc.number, "bc_name": row["bc_name"] or bc.name or "",
        "dv_number": dv.number, "dv_name": row["dv_name"] or dv.name or "",
        "field": title, "type": form, "bc_value": row["bc_value"], "dv_value": row["dv_value"],
        "message": row["message"] or "",
    }  # fmt: skip


def _once(values: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(str(v) for v in values if v))


def _rank(severity: object) -> int:
    return SEVERITIES.index(str(severity)) if severity in SEVERITIES else len(SEVERITIES)


def checks(made_of: Inputs) -> Row:
    """Every check that was asked for, by state; those with nothing to check, or nobody to ask, by name."""
    rows = records(made_of.findings.coverage)
    by_state: dict[str, list[Row]] = {"passed": [], "failed": [], NOTHING: [], NOT_ASKED: []}
    for row in rows:
        kind = str(row["kind"] or "")
        by_state.setdefault(str(row["state"]), []).append(
            {"check": row["check"], "kind": made_of.title(kind) if kind else "", "checked": row["checked"] or 0}
        )
    return {
        "total": len(rows),
        "passed": len(by_state["passed"]),
        "failed": len(by_state["failed"]),
        "idle": by_state[NOTHING],
        "unasked": by_state[NOT_ASKED],
    }


def open_now(made_of: Inputs, made_on: str, previous: dict | None) -> list[Row]:
    """Every finding in short, with the day it was first reported; the next report compares with this list."""
    first = {key_of(r): r.get("since", "") for r in (previous or {}).get("open", [])}
    return [
        {
            **{k: row[k] or "" for k in KEY},
            "severity": row["severity"] or "info",
            "since": first.get(key_of(row)) or made_on,
        }
        for row in made_of.found
    ]
