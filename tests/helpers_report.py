"""Numbers and a seed → all nouns of a workspace, as a report needs them: of any size, hostile on request."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pandas as pd
import pyarrow as pa

from d365kit import report
from d365kit.kinds import Catalogue, default_catalogue
from d365kit.nouns import (
    COVERAGE_COLUMNS,
    FINDING_COLUMNS,
    Change,
    Decision,
    FieldChange,
    Findings,
    Outcome,
    Plan,
    Proposals,
    Provenance,
    Report,
    Run,
    Sides,
    Snapshot,
)
from d365kit.nouns.frames import from_rows

CATALOGUE = default_catalogue()
TAKEN = datetime(2026, 11, 22, 21, 5, tzinfo=UTC)
MADE = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)

#: What a name may hold at worst: markup, quotes, a turned direction, another script, length, emoji, breaks.
HOSTILE = (
    '<script>alert("boo")</script>',
    '"><img src=x onerror=alert(1)>',
    'O\'Neil & Sons "Ltd" </table></div>',
    "\u202eannaH GmbH",
    "شركة النور للتجارة",
    "株式会社サンプル",
    "Zwillinge 👩‍👩‍👧‍👦 AG 🇩🇪",
    "line one\nline two\ttab\x1b[31mred\x00",
    "non\u00a0breaking\u200bnothing",
    "Very long name " + "Gesellschaftsverwaltungsgesellschaft" * 30,
    "<img src=x\u200bonerror=alert(2)>\n<script>\u202e</script>",
    "{{ 7 * 7 }}{% raw %}",
    "",
)
WORDS = (
    "Adatum",
    "Fabrikam",
    "Northwind",
    "Contoso",
    "Litware",
    "Proseware",
    "Tailspin",
    "Wingtip",
    "Alpine",
    "Munson",
)
FORMS = ("Ltd", "GmbH", "AG", "Inc", "SA", "BV", "& Co. KG", "Oy")
CITIES = ("Bern", "Köln", "London", "Aarhus", "Lyon", "Utrecht")

#: check, severity, kind, field, what to do, owner, rules
CHECKS = (
    ("customers_vendors/currency_agrees", "critical", "customer", "currency",
     "Set the same currency on both sides.", "finance", "C1 C4"),
    ("items/unit_price_agrees", "critical", "item", "unit_price",
     "Correct the price in Business Central; the plan carries it over.", "pricing", "J4"),
    ("setup/salesperson_coupled", "critical", "customer", "salesperson",
     "Couple the salesperson first.", "sales operations", "PRE-2"),
    ("customers_vendors/name_agrees", "warning", "customer", "name", "Choose one spelling.", "operations", "B2"),
    ("contacts/e_mail_present", "warning", "contact", "email", "Enter an e-mail address in Sales.", "", "E3"),
    ("items/gtin_present", "info", "item", "gtin", "", "", "J9"),
)  # fmt: skip
IDLE = (("units/one_unit_per_group", "unit"), ("currencies/rate_present", "currency"))


def guid(kind: str, side: str, n: int) -> str:
    return f"{abs(hash_of(kind + side)):08x}-0000-4000-8000-{n:012d}"


def hash_of(text: str) -> int:
    return sum((i + 1) * ord(c) for i, c in enumerate(text))


@dataclass
class Workspace:
    """All that `report.build` takes; tests replace what they are about."""

    snapshot: Snapshot
    proposals: dict[str, Proposals] | None
    couplings: pd.DataFrame
    decisions: list[Decision]
    findings: Findings
    plan: Plan
    run: Run | None = None
    catalogue: Catalogue = field(default_factory=lambda: CATALOGUE)
    workspace_name: str = "contoso"
    made_at: datetime = MADE
    version: str = "0.1.0"
    previous: dict | None = None

    def report(self) -> Report:
        return report.build(**self.__dict__)


def name_of(n: int, hostile: bool) -> str:
    if hostile and n < len(HOSTILE):
        return HOSTILE[n]
    r = random.Random(n)
    return f"{r.choice(WORDS)} {r.choice(WORDS)} {r.choice(FORMS)}"


def _rows(kind: str, side: str, number: int, hostile: bool, rates: dict[str, list[str]]) -> list[dict]:
    known = CATALOGUE[kind]
    rows = []
    for n in range(number):
        r = random.Random(f"{kind}{n}")
        row: dict[str, object] = {
            "id": guid(kind, side, n),
            "etag": f'W/"{n}"',
            "modified_on": TAKEN - timedelta(hours=n),
        }
        for f in known.fields:
            if f.name == known.name_field:
                row[f.name] = f"{kind[:3].upper()}{n}" if f.type == "code" else name_of(n, hostile)
            elif f.name == known.number_field:
                row[f.name] = f"{kind[:1].upper()}{10000 + n}"
            elif f.is_reference and rates.get(f.refers_to[0]):
                row[f.name] = r.choice(rates[f.refers_to[0]])
                row[f.label_column] = f"{f.refers_to[0]} of {n}"
            elif f.type == "amount":
                row[f.name] = Decimal(r.randrange(100, 10**7)) / 100
            elif f.name == "city":
                row[f.name] = r.choice(CITIES)
        rows.append(row)
    return rows


def snapshot(sizes: dict[str, tuple[int, int]], hostile: bool = False) -> Snapshot:
    """Both sides of each kind with so many records; about one in twenty more is left out."""
    kinds, provenance = {}, []
    ids: dict[str, dict[str, list[str]]] = {"bc": {}, "dv": {}}
    for kind, (bc, dv) in sizes.items():
        schema = CATALOGUE[kind].schema
        outside_schema = schema.append(pa.field("outside", pa.string()))
        frames = {}
        for side, number in (("bc", bc), ("dv", dv)):
            rows = _rows(kind, side, number + number // 20, hostile, ids[side])
            ids[side][kind] = [str(r["id"]) for r in rows]
            left_out = [{**r, "outside": ("blocked", "inactive")[i % 2]} for i, r in enumerate(rows[number:])]
            frames[side] = from_rows(rows[:number], schema)
            frames[f"{side}_outside"] = from_rows(left_out, outside_schema)
            source = CATALOGUE[kind].source(side).set
            provenance.append(
                Provenance(kind, side, source, TAKEN.isoformat(), 1.5, len(rows), number, {"blocked": len(left_out)})
            )
        kinds[kind] = Sides(kind, **frames)
    facts = {"local_currency": "EUR", "base_currency": "EUR"} if sizes else {}
    return Snapshot("20261122-210500", TAKEN, kinds, tuple(provenance), facts=facts)


COUPLING_COLUMNS = ("kind", "bc_id", "dv_id", "by", "at", "position", "synchronised")


def couplings(shares: dict[str, int]) -> pd.DataFrame:
    rows = [
        (kind, guid(kind, "bc", n), guid(kind, "dv", n), "ada", TAKEN, n + 1, TAKEN)
        for kind, number in shares.items()
        for n in range(number)
    ]
    return pd.DataFrame(rows, columns=list(COUPLING_COLUMNS))


def findings(number: int, hostile: bool = False, idle: bool = True, run: bool = True) -> Findings:
    """``number`` findings over the checks, most of them in the milder ones."""
    rows = []
    for n in range(number):
        check, severity, kind, name, fix, owner, rules = CHECKS[min(len(CHECKS) - 1, int(n % 21) // 3)]
        called = name_of(n, hostile)
        values = {
            "unit_price": ("1249.5", "1294.50"),
            "name": (called, called.replace("Ltd", "Limited").replace("AG", "A.G.")),
        }
        bc, dv = values.get(name, ("EUR" if name == "currency" else None, "USD" if name == "currency" else None))
        rows.append(
            {"check": check, "suite": check.split("/")[0], "rules": rules, "severity": severity, "kind": kind,
             "bc_id": guid(kind, "bc", n), "dv_id": guid(kind, "dv", n) if n % 4 else None, "bc_name": called,
             "dv_name": called, "field": name, "bc_value": bc, "dv_value": dv,
             "message": f"{name} does not agree", "fix": fix, "owner": owner}
        )  # fmt: skip
    failed = Counter(row["check"] for row in rows)
    coverage = [
        {"check": c[0], "suite": c[0].split("/")[0], "rules": c[6], "severity": c[1], "kind": c[2], "checked": 500,
         "failed": failed[c[0]], "state": "failed" if c[0] in failed else "passed"}
        for c in CHECKS
    ]  # fmt: skip
    coverage += [
        {"check": c, "suite": c.split("/")[0], "rules": "", "severity": "critical", "kind": kind, "checked": 0,
         "failed": 0, "state": "nothing to check"}
        for c, kind in IDLE if idle
    ]  # fmt: skip
    return Findings(
        "20261122-210500", 417, from_rows(rows, FINDING_COLUMNS), from_rows(coverage if run else [], COVERAGE_COLUMNS)
    )


def plan(create: int = 0, update: int = 0, blocked: int = 0, conflict: int = 0, hostile: bool = False) -> Plan:
    """So many changes of customers and items, with fields before and after."""
    wanted = ["create"] * create + ["update"] * update + ["blocked"] * blocked + ["conflict"] * conflict
    changes = [_change(n, what, name_of(n, hostile)) for n, what in enumerate(wanted)]
    if blocked > 2:
        waits = Change("w1", "contact", "create", "dv", guid("contact", "bc", 1), "", "Ada Byron",
                       blocked_by=(f"c{create + update}",))  # fmt: skip
        changes[-1 if not conflict else create + update + blocked - 1] = waits
    compared = {"customer": 600, "item": 300} if wanted else {}
    return Plan("plan-7", "20261122-210500", 417, tuple(changes), compared, {k: v - 50 for k, v in compared.items()})


def _change(n: int, what: str, called: str) -> Change:
    kind = "customer" if n % 3 else "item"
    new = what == "create"
    price = FieldChange(
        "unit_price" if kind == "item" else "credit_limit", None if new else Decimal("1249.5"), Decimal("12490.00"),
        "amount", note="rounded to 2 decimals" if n == 1 else "",
    )  # fmt: skip
    return Change(
        id=f"c{n}", kind=kind, action="update" if what == "blocked" else what, side="dv",
        bc_id=guid(kind, "bc", n), dv_id=guid(kind, "dv", n), title=called,
        fields=(FieldChange("name", None if new else f"{called} Ltd", f"{called} Limited", "text"), price),
        blocked_by=(CHECKS[n % 3][0],) if what == "blocked" else (),
        reason="both sides changed since they last agreed" if what == "conflict" else "",
    )  # fmt: skip


def run(done: int = 40, failed: int = 2, hostile: bool = False) -> Run:
    outcomes = [
        Outcome(f"c{n}", "customer", "update", "dv", guid("customer", "bc", n), guid("customer", "dv", n),
                name_of(n, hostile), "failed" if n < failed else "done",
                "A record with matching key values already exists. <b>0x80040237</b>" if n < failed else "",
                412 if n < failed else 204, f"req-{n}" if n < failed else "")
        for n in range(done + failed)
    ]  # fmt: skip
    return Run("20261121-2130", "plan-6", tuple(outcomes))


def proposals(kind: str, first: int, number: int, alone: int, hostile: bool = False) -> Proposals:
    """``number`` pairs from the ``first`` uncoupled record on, in falling bands, then ``alone`` BC records."""
    rows = []
    for n in range(first, first + number):
        band = ("certain", "certain", "likely", "unsure")[n % 4]
        called = name_of(n, hostile)
        evidence = [
            {"field": "name", "bc": called, "dv": called.upper(), "level": "same but for case", "weight": 8.2},
            {"field": "post_code", "bc": "3011", "dv": "3012", "level": "different", "weight": -3.1},
            {"field": "phone", "bc": None, "dv": "+41 31 999 99 99", "level": "missing on one side", "weight": 0},
        ]
        for rank, other in ((1, n), (2, n + 1)):
            rows.append(
                {"bc_id": guid(kind, "bc", n), "dv_id": guid(kind, "dv", other), "bc_name": called,
                 "dv_name": called.replace("Ltd", "Limited"), "band": band, "rank": rank, "chosen": rank == 1,
                 "score": 12.5 - rank, "probability": 0.97, "margin": 4.5, "reason": "same name; post code differs",
                 "evidence": json.dumps(evidence), "fingerprint": "f"}
            )  # fmt: skip
    for n in range(first + number, first + number + alone):
        rows.append(
            {"bc_id": guid(kind, "bc", n), "bc_name": name_of(n, hostile), "band": "nothing found", "rank": 1}
        )
    return Proposals.from_rows(kind, "20261122-210500", 417, rows)


def decisions(number: int) -> list[Decision]:
    verdicts = ("confirm", "confirm", "reject", "defer", "create", "undo")
    return [
        Decision(n + 1, TAKEN - timedelta(minutes=number - n), ("ada", "grace <x>")[n % 2], "customer",
                 verdicts[n % 6], guid("customer", "bc", n), guid("customer", "dv", n), n // 3, 9.0, "likely",
                 note="same phone & owner" if n % 5 == 0 else "", undoes=2 if n % 6 == 5 else None)
        for n in range(number)
    ]  # fmt: skip


def workspace(number_of_findings: int = 90, hostile: bool = False) -> Workspace:
    """A company in the middle of its work."""
    sizes = {"currency": (4, 3), "unit": (6, 6), "salesperson": (9, 8), "customer": (640, 655), "contact": (220, 240),
             "item": (310, 300)}  # fmt: skip
    return Workspace(
        snapshot=snapshot(sizes, hostile),
        proposals={"customer": proposals("customer", 500, 80, 40, hostile), "item": proposals("item", 280, 12, 3)},
        couplings=couplings(
            {"currency": 2, "unit": 6, "salesperson": 6, "customer": 500, "contact": 100, "item": 280}
        ),
        decisions=decisions(64),
        findings=findings(number_of_findings, hostile),
        plan=plan(create=120, update=269, blocked=21, conflict=2, hostile=hostile),
        run=run(hostile=hostile),
    )


def empty_workspace() -> Workspace:
    """A workspace on its first day: nothing pulled, nothing checked, nothing planned."""
    return Workspace(snapshot({}), None, couplings({}), [], findings(0, run=False), plan())


@cache
def reports() -> dict[str, Report]:
    """The reports of four workspaces: in the middle of its work, hostile, empty, and with many findings."""
    usual = workspace()
    usual.previous = workspace(84).report().to_dict()
    hostile, large = workspace(90, hostile=True), workspace(5000)
    each = {"usual": usual, "hostile": hostile, "empty": empty_workspace(), "large": large}
    return {name: ws.report() for name, ws in each.items()}
