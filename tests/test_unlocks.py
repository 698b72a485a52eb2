"""The gate along references, and what each unlock frees: exactly what it says, for every row."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from d365kit import check, show
from d365kit.cli.app import app
from d365kit.errors import SettingsError, StalePlan, UnknownKind
from d365kit.kinds import LCY_ID, Catalogue
from d365kit.ledger import Ledger
from d365kit.nouns import FINDING_COLUMNS, UNLOCK_COLUMNS, Findings, Pair, Snapshot, Unlocks
from d365kit.nouns.frames import from_rows, records, table_of
from d365kit.show import terminal
from tests.conftest import NOW, Desk
from tests.helpers_check import CATALOGUE, Company, StandInLedger
from tests.helpers_html import Reader

#: The partner of a record that a test couples.
MADE_UP = "made-up"
Thing = tuple[str, str | None, str | None]


def company() -> Company:
    """Two customers with orders: C1 in EUR, C2 in USD; the currencies are coupled, the customers too."""
    it = Company(facts={"local_currency": "EUR", "base_currency": "EUR"})
    it.add("currency", "bc", LCY_ID, code="EUR", name="Euro", rate=Decimal(1))
    it.add("currency", "bc", "usd", code="USD", name="US dollar", rate=Decimal("1.25"))
    for n, currency in (("1", LCY_ID), ("2", "usd")):
        it.add("customer", "bc", f"c{n}", number=f"C{n}", name=f"Name {n}", currency=currency, balance=Decimal(100))
        it.add("customer", "dv", f"a{n}", number=f"C{n}", name=f"Name {n}")
        it.add("sales_order", "bc", f"o{n}", number=f"SO-{n}", name=f"Order {n}", customer=f"c{n}",
               currency=currency, amount=Decimal(50))  # fmt: skip
        it.pair("customer", f"c{n}", f"a{n}")
    it.pair("currency", LCY_ID, "x-eur")
    it.pair("currency", "usd", "x-usd")
    return it


def finding(kind: str, check: str = "suite/wrong", *, severity: str = "critical", **more: str) -> dict:
    return {"check": check, "kind": kind, "severity": severity, "fix": "Mend it.", **more}


def found(*rows: dict, snapshot: str = "20260105-080000", position: int = 7) -> Findings:
    return Findings(snapshot, position, from_rows(rows, FINDING_COLUMNS))


def gate_of(it: Company, *rows: dict, catalogue: Catalogue = CATALOGUE) -> check.Gate:
    return check.gate(it.whole(catalogue), it.ledger, found(*rows), catalogue)


def unlocks_of(it: Company, *rows: dict, about: str = "") -> Unlocks:
    return check.unlocks(gate_of(it, *rows), it.snapshot, 7, about)


def chains(gate: check.Gate) -> list[str]:
    return list(gate.frame()["chain"])


def uncouple(it: Company, kind: str, bc_id: str) -> None:
    it.pairs[kind] = [p for p in it.pairs[kind] if p[0] != bc_id]


def own(text: str) -> Catalogue:
    from d365kit.kinds import load_catalogue

    return load_catalogue(text)


# --- chains and causes ------------------------------------------------------------------------------


def test_nothing_is_stopped_where_all_is_coupled_and_clean() -> None:
    gate = gate_of(company())
    assert not len(gate.frame())
    assert list(gate.frame().columns) == check.STOPPED_COLUMNS.names
    nothing = unlocks_of(company())
    assert str(nothing) == "Nothing is stopped."
    assert nothing.frame.columns.tolist() == UNLOCK_COLUMNS.names


def test_an_uncoupled_currency_stops_its_customers_and_their_orders_and_says_by_which_chain() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    it.change("sales_order", "bc", "o2", currency=LCY_ID)
    gate = gate_of(it)
    assert chains(gate) == [
        "customer C2 → currency USD: not coupled",
        "sales order SO-2 → customer C2 → currency USD: not coupled",
    ]
    rows = records(gate.frame())
    assert {r["do"] for r in rows} == {"couple"}
    assert {(r["root_kind"], r["root_bc_id"], r["root_name"]) for r in rows} == {("currency", "usd", "USD US dollar")}


def test_the_shortest_chain_is_told() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    assert "sales order SO-2 → currency USD: not coupled" in chains(gate_of(it))


def test_a_record_to_be_created_is_as_good_as_coupled() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    it.to_dv("currency", "usd")
    assert chains(gate_of(it)) == []


def test_a_critical_finding_stops_its_record_and_what_refers_to_it_and_a_warning_nothing() -> None:
    it = company()
    row = finding("customer", bc_id="c1", dv_id="a1")
    assert chains(gate_of(it, row)) == ["customer C1: suite/wrong", "sales order SO-1 → customer C1: suite/wrong"]
    assert chains(gate_of(it, row | {"severity": "warning"})) == []


def test_a_finding_of_one_half_stops_the_pair() -> None:
    assert len(chains(gate_of(company(), finding("customer", dv_id="a2")))) == 2


def test_a_finding_without_a_record_or_of_an_unknown_kind_stops_nothing() -> None:
    rows = finding("customer"), finding("customer", bc_id="nowhere"), finding("no_such_kind", bc_id="c1")
    assert chains(gate_of(company(), *rows)) == []


def test_one_check_that_fails_for_two_fields_of_a_record_is_one_cause() -> None:
    rows = [finding("customer", bc_id="c1", dv_id="a1", field=f) for f in ("name", "city")]
    assert set(gate_of(company(), *rows).frame()["causes"]) == {1}


def test_a_finding_about_a_reference_that_is_not_coupled_is_no_cause_of_its_own() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    echo = finding("customer", "customers/currency_coupled", bc_id="c2", dv_id="a2", field="currency")
    assert chains(gate_of(it, echo)) == chains(gate_of(it))
    assert gate_of(it, echo).causes.echoes.tolist() == [0]
    coupled = company()
    assert len(chains(gate_of(coupled, echo))) == 2, "of a coupled currency it is a finding like any other"


def test_a_record_with_two_causes_is_freed_by_neither() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    unlocks = unlocks_of(it, finding("customer", bc_id="c2", dv_id="a2"))
    assert unlocks.frame["frees"].tolist() == [0, 0]
    assert unlocks.frame["holds_up"].tolist() == [2, 2]
    assert unlocks.frame["by_kind"].tolist() == ["", ""]
    assert unlocks.frame["amount"].isna().all()
    assert unlocks.stopped == {"customer": 1, "sales_order": 1}


def test_a_weak_reference_stops_nothing() -> None:
    it = company()
    it.add("contact", "bc", "p1", number="P1", name="Somebody", customer="c1")
    it.change("customer", "bc", "c1", primary_contact="p1")
    assert chains(gate_of(it)) == []
    assert chains(gate_of(it, finding("contact", bc_id="p1"))) == ["contact P1: suite/wrong"]


def test_a_record_outside_the_filter_stops_and_is_not_itself_counted() -> None:
    it = company()
    uncouple(it, "customer", "c1")
    it.leave_out("customer", "bc", "c1", "blocked")
    assert chains(gate_of(it)) == ["sales order SO-1 → customer C1: not coupled (blocked)"]
    (row,) = records(unlocks_of(it).frame)
    assert (row["do"], row["frees"], row["by_kind"]) == ("couple", 1, "1 sales order")
    assert str(row["fix"]).startswith("Take it into the synchronisation (blocked), then couple the customer")


def test_a_record_that_is_nowhere_is_to_be_mended_and_called_by_its_label() -> None:
    it = company()
    it.change("sales_order", "bc", "o1", currency="gone", currency_label="XXX")
    it.change("sales_order", "bc", "o2", currency="gone", currency_label="XXX")
    assert chains(gate_of(it)) == [f"sales order SO-{n} → currency XXX: not in the snapshot" for n in (1, 2)]
    (row,) = records(unlocks_of(it).frame)
    assert (row["do"], row["check"], row["frees"]) == ("fix", None, 2)
    assert "the snapshot does not hold it" in str(row["fix"])


def test_a_reference_may_point_to_a_vendor_that_stands_among_the_customers_left_out() -> None:
    it = company()
    it.add("vendor", "dv", "v1", number="V1", name="Vendor")
    it.add("customer", "dv", "v1", number="V1", name="Vendor")
    it.leave_out("customer", "dv", "v1", "not of relationship type Customer")
    it.add("contact", "dv", "p1", name="Somebody", customer="v1")
    assert chains(gate_of(it)) == ["contact Somebody → vendor V1: not coupled"]


CIRCLE = """
[team]
title = "Teams"
direction = "both"
name_field = "name"
number_field = "code"
bc = { set = "teams", noun = "team" }
dv = { set = "teams", table = "team", id = "teamid", noun = "team" }
fields = [
  { name = "code", type = "code", bc = "code", dv = "code", direction = "both", key = true },
  { name = "name", type = "text", bc = "name", dv = "name", direction = "both" },
  { name = "above", type = "reference", bc = "aboveId", dv = "_aboveid_value", refers_to = ["team"], direction = "both" },
]
"""  # noqa: E501


def teams(*refers: tuple[str, str]) -> tuple[Company, Catalogue]:
    it = Company(facts={"local_currency": "EUR"})
    for name, above in refers:
        it.add("team", "bc", name, code=name.upper(), name=name, above=above)
    return it, own(CIRCLE)


def test_circles_of_references_come_to_an_end() -> None:
    it, catalogue = teams(("a", "b"), ("b", "c"), ("c", "a"), ("d", "d"), ("e", "a"))
    it.pair("team", "b", "b-dv")
    gate = gate_of(it, catalogue=catalogue)
    assert set(chains(gate)) == {
        "team A → team B → team C: not coupled", "team B → team C: not coupled",
        "team B → team C → team A: not coupled",
        "team C → team A: not coupled", "team E → team A: not coupled",
        "team E → team A → team B → team C: not coupled",
    }  # fmt: skip
    assert "d" not in set(gate.frame()["bc_id"]), "a record does not hold itself up"


def test_a_circle_that_begins_with_a_finding() -> None:
    it, catalogue = teams(("a", "b"), ("b", "a"))
    for name in "ab":
        it.pair("team", name, f"{name}-dv")
    gate = gate_of(it, finding("team", bc_id="a"), catalogue=catalogue)
    assert chains(gate) == ["team A: suite/wrong", "team B → team A: suite/wrong"]


def test_of_a_pair_the_half_that_sends_says_what_it_refers_to() -> None:
    it = company()
    it.add("currency", "dv", "x-chf", code="CHF", name="Franc")
    it.change("customer", "dv", "a1", currency="x-chf")
    assert chains(gate_of(it)) == []
    it.change("customer", "bc", "c1", currency=None)
    assert "customer C1 → currency CHF: not coupled" in chains(gate_of(it))


def test_a_field_that_nobody_could_ask_for_stops_no_pair() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    it.unread = {"customer": ("currency",), "sales_order": ("currency",)}
    assert chains(gate_of(it)) == ["sales order SO-2 → currency USD: not coupled"]
    it.pair("sales_order", "o2", "x-o2")
    assert chains(gate_of(it)) == []


def test_a_record_alone_that_cannot_travel_waits_for_nothing() -> None:
    it = company()
    it.add("currency", "dv", "x-chf", code="CHF")
    it.add("invoice", "dv", "i1", number="I1", currency="x-chf")
    assert chains(gate_of(it)) == [], "posted invoices go to Sales only"


def test_findings_of_other_data_are_refused() -> None:
    it = company()
    with pytest.raises(StalePlan, match="Check again"):
        check.gate(it.snapshot, it.ledger, found(position=6), CATALOGUE)
    with pytest.raises(StalePlan):
        check.gate(it.snapshot, it.ledger, found(snapshot="another"), CATALOGUE)


def test_an_empty_snapshot_and_empty_kinds() -> None:
    it = Company()
    assert str(unlocks_of(it)) == "Nothing is stopped."
    it = company()
    it.rows["sales_order"] = {p: {} for p in ("bc", "dv", "bc_outside", "dv_outside")}
    assert chains(gate_of(it)) == []


# --- money ------------------------------------------------------------------------------------------


def test_money_is_in_the_local_currency_and_without_its_sign() -> None:
    it = company()
    it.change("customer", "bc", "c2", balance=Decimal("-80"))
    (row,) = records(unlocks_of(it, finding("customer", bc_id="c2")).frame)
    # 80 of balance, which Business Central keeps in EUR, and 50 USD of the order at 1.25.
    assert row["amount"] == Decimal("120.00")
    assert row["by_kind"] == "1 customer, 1 sales order"


def test_money_of_a_base_currency_that_is_not_the_local_one() -> None:
    it = company()
    it.change("currency", "bc", LCY_ID, rate=Decimal("0.8"))
    it.change("currency", "bc", "usd", rate=Decimal(1))
    (row,) = records(unlocks_of(it, finding("sales_order", bc_id="o2")).frame)
    assert row["amount"] == Decimal("40.00")


def test_what_has_no_rate_is_left_out_and_named() -> None:
    it = company()
    it.change("currency", "bc", "usd", rate=Decimal(0))
    unlocks = unlocks_of(it, finding("sales_order", bc_id="o2"), finding("sales_order", bc_id="o1"))
    assert [r["amount"] for r in records(unlocks.frame)] == [Decimal("50.00"), None]
    assert unlocks.notes == ("not in the amounts: 1 sales order in USD, for which there is no rate",)


def test_amounts_beyond_the_usual_are_added_exactly() -> None:
    it = company()
    it.change("customer", "bc", "c1", balance=Decimal("9" * 26 + ".99"))
    it.change("sales_order", "bc", "o1", amount=Decimal("9" * 26 + ".98"))
    (row,) = records(unlocks_of(it, finding("customer", bc_id="c1")).frame)
    assert row["amount"] == Decimal("1" + "9" * 26 + ".97")


def test_an_amount_that_an_absurd_rate_makes_is_left_out_and_named() -> None:
    it = company()
    it.change("currency", "bc", "usd", rate=Decimal("0.000000000001"))
    it.change("sales_order", "bc", "o2", amount=Decimal("9" * 26))
    unlocks = unlocks_of(it, finding("sales_order", bc_id="o2"))
    assert unlocks.frame["amount"].isna().all()
    assert "too large to be shown" in unlocks.notes[0]


def test_a_company_whose_local_currency_is_not_known_still_has_its_balances() -> None:
    it = company()
    it.facts = {}
    unlocks = unlocks_of(it, finding("customer", bc_id="c2"))
    assert unlocks.currency == ""
    assert unlocks.frame["amount"].tolist() == [Decimal("100.00")]
    assert "1 sales order in USD" in unlocks.notes[0]
    assert "amount" in terminal.lines(unlocks)[3].split()


def test_work_is_ordered_by_money_then_by_records() -> None:
    it = company()
    it.change("customer", "bc", "c1", balance=Decimal(1))
    for n in range(3):
        it.add("contact", "bc", f"p{n}", number=f"P{n}", name="x", customer=f"c{1 + n // 2}")
        it.pair("contact", f"p{n}", f"y{n}")
    rows = [finding("contact", bc_id="p0"), finding("contact", "suite/other", bc_id="p1")]
    unlocks = unlocks_of(it, *rows, finding("customer", bc_id="c2"), finding("sales_order", bc_id="o1"))
    assert unlocks.frame["bc_id"].tolist() == ["c2", "o1", "p0", "p1"]
    assert unlocks.frame["holds_up"].tolist() == [3, 1, 1, 1]


def test_about_one_kind_only_its_records_count() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    unlocks = unlocks_of(it, about="sales_order")
    (row,) = records(unlocks.frame)
    assert (row["frees"], row["by_kind"], row["amount"]) == (1, "1 sales order", Decimal("40.00"))
    assert unlocks.stopped == {"sales_order": 1}
    with pytest.raises(UnknownKind):
        unlocks_of(it, about="nonsense")


# --- the property -----------------------------------------------------------------------------------


def stopped(gate: check.Gate) -> dict[Thing, int]:
    """Every stopped record, by the id of one half, and the number of its causes."""
    found: dict[Thing, int] = {}
    for row in table_of(gate.frame()).to_pylist():
        side = "bc" if row["bc_id"] not in (None, MADE_UP) else "dv"
        found[row["kind"], side, row[f"{side}_id"]] = row["causes"]
    return found


def every_unlock_frees_what_it_says(
    snapshot: Snapshot, ledger: StandInLedger, findings: Findings, kinds: Catalogue, every: int = 1
) -> int:
    """Do each thing alone, in a copy, and compare; return how many rows were tried.

    With ``every`` only each so-manieth is tried of those that free nothing.
    """
    gate = check.gate(snapshot, ledger, findings, kinds)
    before = stopped(gate)
    unlocks = check.unlocks(gate, snapshot, ledger.position)
    assert sum(unlocks.stopped.values()) == len(before)
    # What only says of a missing coupling what the coupling itself says goes when that is made.
    real = findings.frame.drop(index=gate.causes.echoes)
    rows = [r for n, r in enumerate(records(unlocks.frame)) if r["frees"] or n % every == 0]
    for row in rows:
        kept, held = real, ledger
        if row["check"] is None:
            pair = (str(row["bc_id"] or MADE_UP), str(row["dv_id"] or MADE_UP))
            kind = str(row["kind"])
            held = replace(ledger, pairs={**ledger.pairs, kind: [*ledger.pairs.get(kind, ()), pair]})
        else:
            same = (real["check"] == row["check"]) & (real["kind"] == row["kind"])
            ids = [(real[f"{s}_id"] == row[f"{s}_id"]).fillna(False) for s in ("bc", "dv") if row[f"{s}_id"]]
            kept = real[~(same & np.logical_or.reduce([np.asarray(i, dtype=bool) for i in ids]))]
        after = stopped(check.gate(snapshot, held, replace(findings, frame=kept), kinds))
        freed = set(before) - set(after)
        assert set(after) <= set(before), row
        assert len(freed) == row["frees"], row
        assert all(before[r] == 1 for r in freed)
        counts = pd.Series([r[0] for r in freed], dtype=object).value_counts()
        assert sorted(counts) == sorted(int(t.split()[0].replace(",", "")) for t in row["by_kind"].split(", ") if t)
        fewer = sum(before[r] - after.get(r, 0) for r in before)
        assert fewer == row["holds_up"], row
    return len(rows)


def copy_of(ledger: Ledger, kinds: Catalogue) -> StandInLedger:
    """What the ledger says now, to be changed without consequences."""
    said = [{k.name: ask(k.name) for k in kinds} for ask in (ledger.couplings, ledger.creates)]
    pairs, new = ({k: list(zip(f["bc_id"], f["dv_id"], strict=True)) for k, f in s.items()} for s in said)
    return StandInLedger(pairs, new, ledger.position)


def test_every_unlock_of_a_small_company_frees_exactly_what_it_says() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    it.change("sales_order", "bc", "o1", currency="gone")
    it.add("contact", "bc", "p1", number="P1", name="x", customer="c2")
    rows = [
        finding("customer", bc_id="c1", dv_id="a1"), finding("customer", "suite/b", bc_id="c1", dv_id="a1"),
        finding("contact", bc_id="p1"), finding("customer", "s/echo", bc_id="c2", dv_id="a2", field="currency"),
    ]  # fmt: skip
    assert every_unlock_frees_what_it_says(it.snapshot, it.ledger, found(*rows), CATALOGUE) == 5


@pytest.fixture
def desk(desks: Callable[..., Desk]) -> Desk:
    made = desks(customers=30, faults=None)
    made.workspace.pull()
    return made


def test_every_unlock_of_a_demo_company_in_which_nothing_is_coupled(desk: Desk) -> None:
    ws = desk.workspace
    nothing, ledger = Findings(ws.snapshot.id, ws.ledger.position), copy_of(ws.ledger, ws.catalogue)
    assert every_unlock_frees_what_it_says(ws.snapshot, ledger, nothing, ws.catalogue, every=9) > 30


def test_the_demo_company_frees_exactly_what_it_says_also_when_all_is_checked_again(desk: Desk) -> None:
    ws = desk.workspace
    desk.couple_by_truth()
    kind, bc_id, dv_id = next((k, b, d) for k, b, d in desk.sandbox.truth() if k == "currency" and b != LCY_ID)
    ws.ledger.uncouple(kind, [Pair(bc_id, dv_id)], by="t", at=NOW)
    assert ws.folder.load_findings() is None
    unlocks = ws.unlocks()
    findings = ws.folder.load_findings()
    assert findings is not None, "it checks when that was not done yet"
    assert unlocks.snapshot_id == ws.snapshot.id
    ledger = copy_of(ws.ledger, ws.catalogue)
    assert every_unlock_frees_what_it_says(ws.snapshot, ledger, findings, ws.catalogue) == len(unlocks) > 10
    (row,) = [r for r in records(unlocks.frame) if r["bc_id"] == bc_id and r["do"] == "couple"]
    before = ws.stopped()
    mine = before[(before["root_bc_id"] == bc_id) & (before["causes"] == 1)]
    assert len(mine) == row["frees"] > 0
    assert set(ws.unlocks("customer").stopped) == set(ws.stopped("customer")["kind"]) == {"customer"}
    for ask in (ws.unlocks, ws.stopped):
        with pytest.raises(UnknownKind):
            ask("nonsense")
    ws.confirm(kind, [(bc_id, dv_id)])
    after = {(r["kind"], r["bc_id"], r["dv_id"]) for r in records(ws.stopped())}
    assert not {(r["kind"], r["bc_id"], r["dv_id"]) for r in records(mine)} & after


# --- the workspace, the command, the screens --------------------------------------------------------


def test_without_a_snapshot_it_says_what_to_do(desks: Callable[..., Desk]) -> None:
    with pytest.raises(SettingsError, match="pull"):
        desks(customers=5).workspace.unlocks()


def test_the_noun_shows_itself_and_nothing_of_a_record_steers_the_screen() -> None:
    it = company()
    it.change("currency", "bc", "usd", name="<script>alert(1)</script>\x1b[2J")
    uncouple(it, "currency", "usd")
    unlocks = unlocks_of(it)
    page = Reader(unlocks._repr_html_())
    assert not [t for t, _ in page.elements if t == "script"]
    assert show.unlocks(unlocks) == unlocks._repr_html_()
    lines = terminal.lines(unlocks)
    assert not [line for line in lines if "\x1b" in line]
    assert str(unlocks) == "2 records are stopped by 1 thing; 1 of these would free records by themselves"
    assert lines[0] == str(unlocks)
    assert "couple" in lines[3]
    assert "140.00" in lines[3]
    told = json.loads(json.dumps(unlocks.to_dict()))
    assert told["unlocks"][0]["amount"] == "140.00"
    assert told["stopped"] == {"customer": 1, "sales_order": 1}
    assert unlocks.to_frame() is unlocks.frame
    assert Reader(unlocks_of(company())._repr_html_()).elements


def test_a_hundred_thousand_records_take_a_second_or_so() -> None:
    it = company()
    uncouple(it, "currency", "usd")
    snapshot, many = it.snapshot, 100_000
    sides = snapshot["sales_order"]
    table = pc.take(table_of(sides.bc), pa.array(np.ones(many, dtype=np.int64)))
    ids = pa.array([f"o{n}" for n in range(many)])
    frame = table.set_column(table.column_names.index("id"), "id", ids)
    from d365kit.nouns.frames import to_frame

    big = replace(snapshot, kinds={**snapshot.kinds, "sales_order": replace(sides, bc=to_frame(frame))})
    started = time.perf_counter()
    gate = check.gate(big, StandInLedger(it.pairs, it.new), found(), CATALOGUE)
    unlocks = check.unlocks(gate, big, 7)
    seconds = time.perf_counter() - started
    assert unlocks.frame["frees"].tolist() == [many + 1]
    assert seconds < 8, "about half a second on an idle machine"


def test_the_command_says_the_same_as_text_and_as_json(desk: Desk) -> None:
    ws = desk.workspace
    ws.folder.save_findings(Findings(ws.snapshot.id, ws.ledger.position))
    runner, folder = CliRunner(), str(ws.folder.path)
    told = runner.invoke(app, ["unlocks", "-w", folder])
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines() == terminal.lines(ws.unlocks())
    told = runner.invoke(app, ["unlocks", "item", "-w", folder, "--json"])
    assert json.loads(told.stdout) == json.loads(json.dumps(ws.unlocks("item").to_dict()))
