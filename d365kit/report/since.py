"""This report's open findings and the last report's → what is new, fixed, still open, or was not looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from d365kit.nouns import SEVERITIES
from d365kit.report.inputs import Row

#: A finding is the same one when its check and its records are the same (and, where named, its field).
KEY = ("check", "kind", "bc_id", "dv_id", "field")
FATES = ("new", "open", "fixed", "unchecked")


def since(now: Sequence[Mapping], coverage: Iterable[Mapping], previous: Mapping | None) -> Row | None:
    """Counts by fate and severity, and by check; None without an earlier report of this form.

    A finding that is gone counts as fixed only when its check had something to check this time.
    """
    if not previous or "open" not in previous:
        return None
    looked = {str(c["check"]) for c in coverage if c["state"] in ("passed", "failed")}
    before, after = Counter(map(key_of, previous["open"])), Counter(map(key_of, now))
    gone = before - after
    fates = {
        "new": after - before,
        "open": after & before,
        "fixed": Counter({k: n for k, n in gone.items() if k[0] in looked}),
        "unchecked": Counter({k: n for k, n in gone.items() if k[0] not in looked}),
    }
    severity = {key_of(r): str(r.get("severity") or "info") for r in (*previous["open"], *now)}
    checks: dict[str, Row] = {}
    for fate, keys in fates.items():
        for key, number in keys.items():
            row = checks.setdefault(key[0], {"check": key[0], "severity": severity[key], **dict.fromkeys(FATES, 0)})
            row[fate] = int(str(row[fate])) + number
    return {
        "made_at": str(previous.get("made_at", "")),
        "verdict": str(previous.get("verdict", "")),
        **{fate: _by_severity(keys, severity) for fate, keys in fates.items()},
        "checks": sorted(checks.values(), key=_order),
    }


def key_of(row: Mapping) -> tuple[str, ...]:
    """What makes two findings of two reports the same."""
    return tuple(str(row.get(k) or "") for k in KEY)


def _by_severity(keys: Counter, severity: Mapping) -> dict[str, int]:
    counts = dict.fromkeys(SEVERITIES, 0)
    for key, number in keys.items():
        counts[severity[key]] = counts.get(severity[key], 0) + number
    return {"total": sum(keys.values()), **counts}


def _order(row: Row) -> tuple:
    rank = SEVERITIES.index(str(row["severity"])) if row["severity"] in SEVERITIES else len(SEVERITIES)
    return rank, -int(str(row["new"])), str(row["check"])
