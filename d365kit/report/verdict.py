"""The report's figures → its verdict: one state, one sentence, and one short line for a subject."""

from __future__ import annotations

from collections.abc import Mapping

from d365kit.nouns.findings import NOT_ASKED, NOTHING
from d365kit.report.inputs import Inputs, Row

#: ready · ready except n · not safe · nothing to do · nothing to check, which is never called passed
STATES = ("ready", "except", "not_safe", "nothing_to_do", "nothing_to_check")


def figures(made_of: Inputs) -> dict[str, int]:
    """The numbers the verdict and the head of the page are made of."""
    plan, findings = made_of.plan, made_of.findings
    counts = plan.counts()
    states = [str(s) for s in findings.coverage["state"]]
    ready = counts["create"] + counts["update"] + counts["uncouple"]
    return {
        **findings.counts(),
        **counts,
        "records": sum(len(s.bc) + len(s.dv) for s in made_of.snapshot),
        "coupled": len(made_of.couplings),
        "checks": len(states),
        **{state.replace(" ", "_"): states.count(state) for state in ("passed", "failed", NOTHING, NOT_ASKED)},
        "ready": ready,
        "changes": ready + counts["blocked"] + counts["conflict"],
        "stale": int(bool(stale(made_of))),
    }


def stale(made_of: Inputs) -> list[str]:
    """Which parts were made from another snapshot than the one the report shows."""
    parts = [("the findings", made_of.findings.snapshot_id), ("the plan", made_of.plan.snapshot_id)]
    return [name for name, made_from in parts if made_from != made_of.snapshot.id]


def count(number: int, one: str, many: str = "") -> str:
    """``1 change``, ``412 changes``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def verdict(s: Mapping[str, int]) -> tuple[str, str]:
    """State and sentence. Nothing that was not checked is ever called ready.

    >>> verdict({"records": 0})
    ('nothing_to_check', 'Nothing to check: the snapshot holds no records.')
    """
    if not s["records"]:
        return "nothing_to_check", "Nothing to check: the snapshot holds no records."
    if s["stale"]:
        return "not_safe", (
            "Not safe to push: the findings or the plan were made from another snapshot; check and plan again."
        )
    if s["checks"] == s["nothing_to_check"] + s["could_not_be_asked"]:
        return _unchecked(s)
    if s["critical"]:
        return _critical(s)
    if s["blocked"] or s["conflict"]:
        return _held_back(s)
    if s["ready"]:
        return "ready", f"Ready to push: {_all(s['ready'])} can go, and no check found anything critical."
    if not s["coupled"]:
        return "nothing_to_do", "Nothing to do yet: no records are coupled, and there is nothing to push."
    pairs = "the only coupled pair agrees" if s["coupled"] == 1 else f"{s['coupled']:,} coupled pairs need no change"
    return "nothing_to_do", f"Nothing to do: {pairs}, and no check found anything critical."


def _unchecked(s: Mapping[str, int]) -> tuple[str, str]:
    why = "every check had nothing to check" if s["checks"] else "no check has been run"
    if s["could_not_be_asked"]:
        why = f"no check had anything to look at, {count(s['could_not_be_asked'], 'check')} could not be asked"
    if s["changes"]:
        return "not_safe", f"Not safe to push: {why}, and {count(s['changes'], 'change')} would go unchecked."
    return "nothing_to_check", f"Nothing to push, and nothing is proven: {why}."


def _critical(s: Mapping[str, int]) -> tuple[str, str]:
    found = count(s["critical"], "critical finding")
    one = s["critical"] == 1
    if s["blocked"]:
        held, changes = s["blocked"], s["changes"]
        which = _all(held) if held == changes else f"{held:,} of {count(changes, 'change')}"
        rest = f"{s['ready']:,} can go" if s["ready"] else "none can go"
        hold = "holds" if one else "hold"
        return "not_safe", f"Not safe to push as it stands: {found} {hold} back {which}; {rest}{_waits(s, ', ')}."
    if s["ready"]:
        what = "it is on a record" if one else "they are on records"
        go = f"{s['ready']:,} of {count(s['changes'], 'change')}" if s["conflict"] else _all(s["ready"])
        return "except", f"Ready except {found}: {go} can go{_waits(s, ', ')}, and {what} this push leaves alone."
    although = _waits(s) or "there is nothing to push"
    return "not_safe", f"Not safe: {found} {'is' if one else 'are'} open, although {although}."


def _held_back(s: Mapping[str, int]) -> tuple[str, str]:
    held = s["blocked"] + s["conflict"]
    blocked = f"{s['blocked']:,} {'is' if s['blocked'] == 1 else 'are'} blocked" if s["blocked"] else ""
    why = " and ".join(words for words in (blocked, _waits(s)) if words)
    if not s["ready"]:
        return "not_safe", f"Nothing can go as it stands: of {count(held, 'change')}, {why}."
    return "except", f"Ready except {held:,}: {s['ready']:,} of {count(s['changes'], 'change')} can go; {why}."


def _waits(s: Mapping[str, int], before: str = "") -> str:
    """“2 conflicts wait for an answer”, or nothing."""
    if not s["conflict"]:
        return ""
    return f"{before}{count(s['conflict'], 'conflict')} {'waits' if s['conflict'] == 1 else 'wait'} for an answer"


def _all(number: int) -> str:
    return "the only change" if number == 1 else f"all {number:,} changes"


def subject(workspace: str, state: str, s: Mapping[str, int], since: Mapping | None) -> str:
    """“[contoso] not safe: 17 critical (+3), 23 of 412 changes blocked, 2 fixed”."""
    words = {"except": "ready except"}.get(state, state.replace("_", " "))
    if state == "nothing_to_check":
        return f"[{workspace}] {words}"
    parts = [f"{s['critical']:,} critical" + (f" (+{since['new']['critical']:,})" if since else "")]
    if s["changes"]:
        parts.append(f"{s['blocked']:,} of {count(s['changes'], 'change')} blocked")
    if s["conflict"]:
        parts.append(count(s["conflict"], "conflict"))
    if since:
        parts.append(f"{since['fixed']['total']:,} fixed")
    return f"[{workspace}] {words}: {', '.join(parts)}"


def by_kind(made_of: Inputs) -> list[Row]:
    """Each kind's state in a few words, also of kinds that were not compared at all."""
    rows: list[Row] = []
    looked_at = made_of.findings.coverage
    for kind in dict.fromkeys([*made_of.catalogue.names, *made_of.kinds]):
        row: Row = {"kind": kind, "title": made_of.title(kind)}
        if kind not in made_of.snapshot:
            rows.append({**row, "state": "nothing to check", "words": "not compared"})
            continue
        sides = made_of.snapshot[kind]
        mine = looked_at[looked_at["kind"] == kind]
        looked = not mine["state"].isin((NOTHING, NOT_ASKED)).all()
        unchecked = "" if looked else "its checks had nothing to check"
        if not looked and (mine["state"] == NOT_ASKED).any():
            unchecked = "its checks could not be asked"
        if not len(mine):
            unchecked = "no check looks at it"
        state, words = _kind_words(made_of, kind, len(sides.bc) + len(sides.dv), unchecked)
        rows.append({**row, "state": state, "words": words})
    return rows


def _kind_words(made_of: Inputs, kind: str, records: int, unchecked: str) -> tuple[str, str]:
    counts = made_of.plan.counts(kind)
    ready = counts["create"] + counts["update"] + counts["uncouple"]
    held = counts["blocked"] + counts["conflict"]
    frame = made_of.findings.frame
    critical = int(((frame["kind"] == kind) & (frame["severity"] == "critical")).sum())
    if not records:
        return "nothing to check", "nothing to check: no records"
    if held and ready:
        return "except", f"{ready:,} ready, except {held:,}"
    if held:
        return "not_safe", f"not safe: {count(held, 'change')} held back"
    if critical:
        found = count(critical, "critical finding")
        return ("except", f"{count(ready, 'change')} ready, {found}") if ready else ("not_safe", found)
    if unchecked:
        return "nothing to check", (f"{count(ready, 'change')} planned, " if ready else "") + unchecked
    return ("ready", f"{count(ready, 'change')} ready") if ready else ("nothing_to_do", "nothing to do")
