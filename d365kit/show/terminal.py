"""A noun → lines of aligned text for a terminal; nothing in a record's text can steer the screen."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch

from d365kit.kinds import SIDES
from d365kit.nouns import Decision, FieldChange, Findings, Plan, Proposals, Run, Snapshot, Unlocks
from d365kit.nouns.frames import records
from d365kit.show.cells import LIMIT, best_candidates, by_severity
from d365kit.show.engine import BADGES
from d365kit.show.values import SIDE_NAMES, field_title, kind_title, moment, seen, text_of

Shown = Snapshot | Proposals | Findings | Unlocks | Plan | Run | Sequence[Decision]


def text_table(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], numbers: Iterable[str] = (), widest: int = 48
) -> list[str]:
    """``rows`` as aligned lines under a heading; ``numbers`` names the columns set to the right.

    >>> text_table([{"kind": "unit", "rows": 12}], ["kind", "rows"], ["rows"])
    ['kind  rows', 'unit    12']
    """
    right = set(numbers)
    cells = [[_cut(seen(text_of(row.get(c)) if row.get(c) not in (None, "") else ""), widest) for c in columns]
             for row in rows]  # fmt: skip
    widths = [max([_width(c), *(_width(line[i]) for line in cells)]) for i, c in enumerate(columns)]
    lines = []
    for line in [list(columns), *cells]:
        padded = [_pad(t, w, c in right) for t, w, c in zip(line, widths, columns, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return lines


def lines(noun: Shown, limit: int = LIMIT) -> list[str]:
    """The lines that show ``noun`` in a terminal: its own summary, then a table of at most ``limit`` rows."""
    head, rows, columns, numbers = _parts(noun)
    if not rows:
        return head
    table = text_table(rows[:limit], columns, numbers)
    rest = [f"… and {len(rows) - limit:,} more"] if len(rows) > limit else []
    return [*head, "", *table, *rest]


Parts = tuple[list[str], list[dict[str, object]], list[str], tuple[str, ...]]


@singledispatch
def _parts(noun: object) -> Parts:
    raise TypeError(f"{type(noun).__name__} cannot be shown in lines")


@_parts.register
def _(noun: Snapshot) -> Parts:
    rows: list[dict[str, object]] = [
        {
            "kind": kind_title(s.kind),
            "side": SIDE_NAMES[side],
            "taking part": len(s.side(side)),
            "left out": len(s.outside(side)),
        }
        for s in noun
        for side in SIDES
    ]
    head = [seen(f"Snapshot {noun.id}, taken {moment(noun.taken_at)}")]
    return head, rows, ["kind", "side", "taking part", "left out"], ("taking part", "left out")


@_parts.register
def _(noun: Proposals) -> Parts:
    rows = [
        {**r, "Business Central": r["bc_name"], "Sales": r["dv_name"]} for r in best_candidates(records(noun.frame))
    ]
    return [str(noun)], rows, ["band", "Business Central", "Sales", "reason"], ()


@_parts.register
def _(noun: Findings) -> Parts:
    rows = [
        {
            **r,
            "record": r["bc_name"] or r["dv_name"] or r["bc_id"] or r["dv_id"],
            "Business Central": r["bc_value"],
            "Sales": r["dv_value"],
        }
        for r in by_severity(records(noun.frame))
    ]
    return [str(noun)], rows, ["severity", "check", "record", "field", "Business Central", "Sales"], ()


@_parts.register
def _(noun: Unlocks) -> Parts:
    money = f"amount {noun.currency}".strip()
    rows: list[dict[str, object]] = [
        {
            "do": r["do"],
            "what": " ".join(str(t) for t in (kind_title(str(r["kind"])), r["name"] or r["bc_id"] or r["dv_id"])),
            "in": " and ".join(SIDE_NAMES[s] for s in SIDES if r[f"{s}_id"]),
            "check": r["check"],
            "frees": r["frees"],
            "holds up": r["holds_up"],
            money: "" if r["amount"] is None else text_of(r["amount"], "amount"),
            "of these": r["by_kind"],
        }
        for r in records(noun.frame)
    ]
    head = [str(noun), *(seen(f"  {note}") for note in noun.notes)]
    columns = ["do", "what", "in", "check", "frees", "holds up", money, "of these"]
    return head, rows, columns, ("frees", "holds up", money)


@_parts.register
def _(noun: Plan) -> Parts:
    return str(noun).splitlines(), _plan_rows(noun), ["", "change", "kind", "record", "field", "before", "after"], ()


@_parts.register
def _(noun: Run) -> Parts:
    well = tuple(o for o in noun.outcomes if o not in noun.failed)
    rows: list[dict[str, object]] = [
        {"outcome": o.state, "change": o.action, "kind": kind_title(o.kind), "record": o.title, "message": o.message}
        for o in noun.failed + well
    ]
    return [seen(str(noun))], rows, ["outcome", "change", "kind", "record", "message"], ()


def _plan_rows(plan: Plan) -> list[dict[str, object]]:
    rows = []
    for c in plan:
        action = "blocked" if c.blocked else c.action
        for f in c.fields or (None,):
            row: dict[str, object] = {
                "": BADGES[action][0],
                "change": action,
                "kind": kind_title(c.kind),
                "record": c.title,
            }
            if f:
                row["field"] = field_title(c.kind, f.field)
                row["before"], row["after"] = _both(f, action)
            rows.append(row)
    return rows


@_parts.register(list)
@_parts.register(tuple)
def _(noun: Sequence[Decision]) -> Parts:
    newest = sorted(noun, key=lambda d: d.position, reverse=True)
    rows = [{"line": d.position, "when": moment(d.at), "who": d.by, "verdict": d.verdict, "kind": d.kind,
             "Business Central": d.bc_id, "Sales": d.dv_id, "note": d.note} for d in newest]  # fmt: skip
    columns = ["line", "when", "who", "verdict", "kind", "Business Central", "Sales", "note"]
    return [f"{len(newest):,} decisions" if newest else "No decision has been taken yet."], rows, columns, ("line",)


def _both(f: FieldChange, action: str) -> tuple[str, str]:
    """Before and after; of a new record only what comes, of a conflict whose value is whose."""
    before, after = (getattr(f, f"{w}_label") or text_of(getattr(f, w), f.type) for w in ("before", "after"))
    if action == "conflict":
        return f"{SIDE_NAMES['bc']}: {before}", f"{SIDE_NAMES['dv']}: {after}"
    return "" if action == "create" else before, after


def _width(text: str) -> int:
    """The columns ``text`` takes: wide letters and emoji two, accents none."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200c\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, widest: int) -> str:
    """``text`` when it fits into ``widest`` columns, else as much of it as fits and ``…``."""
    taken = 0
    for at, character in enumerate(text):
        taken += _columns(character)
        if taken > widest:
            while _width(text[:at]) > widest - 1:
                at -= 1
            return f"{text[:at]}…"
    return text


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
