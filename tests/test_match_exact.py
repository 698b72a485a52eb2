"""Coupling as Business Central does: groups of equal fields in their order, and why the rest stays free."""

from __future__ import annotations

import csv as csv_module
import itertools
import json
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365kit import match
from d365kit.cli.app import _run
from d365kit.errors import SettingsError
from d365kit.kinds import DEFAULT_MODES, MODES, default_catalogue, load_catalogue
from d365kit.ledger import Ledger
from d365kit.match.criteria import groups_of, shipped
from d365kit.nouns import PROPOSAL_COLUMNS, Proposals, Sides, Snapshot
from d365kit.nouns.frames import from_rows
from d365kit.nouns.proposals import ALREADY_COUPLED, NO_CRITERIA, NO_MATCH, REASONS, SEVERAL
from d365kit.workspace import Workspace
from d365kit.workspace.two_files import match_files

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CATALOGUE = default_catalogue()

Rows = Sequence[dict]
#: By record of either side: its partner, or how its reason begins.
Outcome = dict[str, str]


class Desk:
    """A ledger in which nothing is decided but what a test says, by kind."""

    position = 7

    def __init__(
        self, coupled: Iterable[tuple[str, str]] = (), rejected: Iterable[tuple[str, str]] = (),
        created: Iterable[tuple[str, str]] = (), kind: str = "customer", **others: Iterable[tuple[str, str]],
    ) -> None:  # fmt: skip
        self._coupled = {kind: list(coupled)} | {k: list(v) for k, v in others.items()}
        self._rejected, self._created = {kind: list(rejected)}, {kind: list(created)}

    def couplings(self, kind: str) -> pd.DataFrame:
        return pd.DataFrame(self._coupled.get(kind, []), columns=["bc_id", "dv_id"], dtype="string")

    def rejected(self, kind: str) -> pd.DataFrame:
        frame = pd.DataFrame(self._rejected.get(kind, []), columns=["bc_id", "dv_id"], dtype="string")
        return frame.assign(fingerprint="")

    def creates(self, kind: str) -> pd.DataFrame:
        return pd.DataFrame(self._created.get(kind, []), columns=["bc_id", "dv_id"], dtype="string")


def snapshot(kind: str, bc: Rows, dv: Rows, outside: tuple[Rows, Rows] = ((), ()), **more: object) -> Snapshot:
    schema = CATALOGUE[kind].schema
    sides = Sides(kind, *(from_rows(rows, schema) for rows in (bc, dv, *outside)))
    return Snapshot("snapshot", NOW, {kind: sides}, **more)  # type: ignore[arg-type]


def customers(text: str) -> list[dict]:
    """“b1 number=1 name=Adler; b2” as rows."""
    found = []
    for row in filter(None, (part.strip() for part in text.split(";"))):
        record, *values = row.split(" ")
        found.append({"id": record, **dict(value.split("=", 1) for value in values)})
    return found


def exact(bc: str, dv: str, criteria: object = None, desk: Desk | None = None, **more: object) -> Proposals:
    snap = snapshot("customer", customers(bc), customers(dv), **more)  # type: ignore[arg-type]
    return match.propose(snap, desk or Desk(), "customer", rule="exact", criteria=criteria)  # type: ignore[arg-type]


def outcome(proposals: Proposals) -> Outcome:
    """What became of every record; pairs that are only proposed count as several."""
    out: Outcome = {}
    for row in proposals.frame.itertuples():
        for mine, other in ((row.bc_id, row.dv_id), (row.dv_id, row.bc_id)):
            if pd.notna(mine):
                out[mine] = other if row.chosen else row.reason.partition(":")[0]
    return out


def sound(proposals: Proposals) -> None:
    """What holds of proposals whatever was compared."""
    frame = proposals.frame
    assert list(frame.columns) == PROPOSAL_COLUMNS.names
    chosen = proposals.chosen()
    for side in ("bc", "dv"):
        assert chosen[f"{side}_id"].is_unique
        free = set(frame.loc[~frame["chosen"], f"{side}_id"].dropna())
        assert not free & set(chosen[f"{side}_id"])
        counted = proposals.reasons(side)
        assert list(counted) == list(REASONS)
        assert sum(counted.values()) == len(free)
    assert set(chosen["band"]) <= {"certain"}
    assert set(frame.loc[~frame["chosen"], "band"]) <= {"unsure", "nothing found"}
    alone = frame["bc_id"].isna() | frame["dv_id"].isna()
    assert (frame["band"] == "nothing found").tolist() == alone.tolist()
    assert frame["reason"].notna().all()


# --- what becomes of records ---

OUTCOMES = {
    "one on both sides": ("b1 number=1", "d1 number=1", ["number"], {"b1": "d1", "d1": "b1"}),
    "the preset of customers is the number": (
        "b1 number=1 name=A", "d1 number=1 name=B", None, {"b1": "d1", "d1": "b1"},
    ),
    "another value": ("b1 number=1", "d1 number=2", ["number"], {"b1": NO_MATCH, "d1": NO_MATCH}),
    "a part of a value": ("b1 number=1", "d1 number=10", ["number"], {"b1": NO_MATCH, "d1": NO_MATCH}),
    "no value": ("b1 name=A", "d1 number=1", ["number"], {"b1": NO_CRITERIA, "d1": NO_MATCH}),
    "blank never matches blank": ("b1", "d1", ["number"], {"b1": NO_CRITERIA, "d1": NO_CRITERIA}),
    "an empty text is blank": ("b1 number=", "d1 number=", ["number"], {"b1": NO_CRITERIA, "d1": NO_CRITERIA}),
    "several rows": (
        "b1 number=1", "d1 number=1;d2 number=1", ["number"], {"b1": SEVERAL, "d1": SEVERAL, "d2": SEVERAL},
    ),
    "several records": (
        "b1 number=1;b2 number=1", "d1 number=1", ["number"], {"b1": SEVERAL, "b2": SEVERAL, "d1": SEVERAL},
    ),
    "all fields of a group": (
        "b1 name=A city=X;b2 name=B city=X", "d1 name=A city=Y;d2 name=B city=X", ["name+city"],
        {"b1": NO_MATCH, "b2": "d2", "d1": NO_MATCH, "d2": "b2"},
    ),
    "a blank takes the whole group out": (
        "b1 name=A", "d1 name=A city=X", ["name+city"], {"b1": NO_CRITERIA, "d1": NO_MATCH},
    ),
    "values do not run together": (
        "b1 name=AB city=C", "d1 name=A city=BC", ["name+city"], {"b1": NO_MATCH, "d1": NO_MATCH},
    ),
    "the next group after a blank": (
        "b1 email=a@b", "d1 email=a@b number=1", ["number", "email"], {"b1": "d1", "d1": "b1"},
    ),
    "the next group after no match": (
        "b1 number=1 email=a@b", "d1 number=2 email=a@b", ["number", "email"], {"b1": "d1", "d1": "b1"},
    ),
    "the next group after several": (
        "b1 number=1 email=a@b", "d1 number=1 email=a@b;d2 number=1", ["number", "email"],
        {"b1": "d1", "d1": "b1", "d2": ALREADY_COUPLED},
    ),
    "an earlier group goes first": (
        "b1 email=a@b;b2 number=1", "d1 number=1 email=a@b", ["number", "email"],
        {"b1": ALREADY_COUPLED, "b2": "d1", "d1": "b2"},
    ),
    "the order of groups decides": (
        "b1 email=a@b;b2 number=1", "d1 number=1 email=a@b", ["email", "number"],
        {"b1": "d1", "b2": ALREADY_COUPLED, "d1": "b1"},
    ),
    "the first group that finds one ends it": (
        "b1 number=1 email=a@b", "d1 number=1;d2 email=a@b", ["number", "email"],
        {"b1": "d1", "d1": "b1", "d2": ALREADY_COUPLED},
    ),
    "a chosen record asks for nothing any more": (
        "b1 number=1 email=a@b;b2 email=a@b", "d1 number=1;d2 email=a@b", ["number", "email"],
        {"b1": "d1", "b2": "d2", "d1": "b1", "d2": "b2"},
    ),
    "a chosen row still counts": (
        "b1 number=1;b2 email=a@b", "d1 number=1 email=a@b;d2 email=a@b", ["number", "email"],
        {"b1": "d1", "b2": SEVERAL, "d1": "b1", "d2": SEVERAL},
    ),
    "case does not count": ("b1 name=adler", "d1 name=ADLER", ["name"], {"b1": "d1", "d1": "b1"}),
    "case of other letters": ("b1 name=Müller", "d1 name=MÜLLER", ["name"], {"b1": "d1", "d1": "b1"}),
    "case counts": ("b1 name=adler", "d1 name=ADLER", ["name!"], {"b1": NO_MATCH, "d1": NO_MATCH}),
    "case parts several": (
        "b1 name=adler", "d1 name=ADLER;d2 name=adler", ["name!"], {"b1": "d2", "d1": NO_MATCH, "d2": "b1"},
    ),
    "case of one field of a group": (
        "b1 name=a city=x;b2 name=b city=x", "d1 name=A city=x;d2 name=b city=X", ["name+city!"],
        {"b1": "d1", "b2": NO_MATCH, "d1": "b1", "d2": NO_MATCH},
    ),
    "nothing else is made equal": (
        "b1 number=1;b2 number=A-1;b3 name=Adler_KG;b4 name=José",
        "d1 number=01;d2 number=A1;d3 name=Adler;d4 name=Jose",
        ["number", "name"], dict.fromkeys(("b1", "b2", "b3", "b4", "d1", "d2", "d3", "d4"), NO_MATCH),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTCOMES)
def test_what_becomes_of_records(case: str) -> None:
    bc, dv, criteria, wanted = OUTCOMES[case]
    proposals = exact(bc, dv, criteria)
    sound(proposals)
    assert outcome(proposals) == wanted


@pytest.mark.parametrize("case", OUTCOMES)
def test_the_order_of_rows_does_not_matter(case: str) -> None:
    bc, dv, criteria, _ = OUTCOMES[case]
    back = [";".join(reversed(text.split(";"))) for text in (bc, dv)]
    assert exact(bc, dv, criteria).frame.equals(exact(*back, criteria).frame)


def test_outer_blanks_count_as_a_blank_and_nothing_is_trimmed() -> None:
    snap = snapshot("customer", [{"id": "b1", "name": "  "}, {"id": "b2", "name": "A "}], [{"id": "d1", "name": "A"}])
    made = match.propose(snap, Desk(), "customer", rule="exact", criteria=["name"])
    assert outcome(made) == {"b1": NO_CRITERIA, "b2": NO_MATCH, "d1": NO_MATCH}


# --- what the ledger says ---

LEDGER = {
    "coupled records take no part": (
        "b1 number=1;b2 number=2", "d1 number=1;d2 number=2", Desk([("b1", "d1")]), {"b2": "d2", "d2": "b2"},
    ),
    "the only match is coupled": (
        "b1 number=1;b2 number=1", "d1 number=1", Desk([("b1", "d1")]), {"b2": ALREADY_COUPLED},
    ),
    "seen from the other side": (
        "b1 number=1", "d1 number=1;d2 number=1", Desk([("b1", "d1")]), {"d2": ALREADY_COUPLED},
    ),
    "a coupled row counts among several": (
        "b1 number=1;b2 number=9", "d1 number=1;d2 number=1", Desk([("b2", "d2")]), {"b1": SEVERAL, "d1": SEVERAL},
    ),
    "a coupled record does not": (
        "b1 number=1;b2 number=1", "d1 number=1;d2 number=9", Desk([("b2", "d2")]), {"b1": "d1", "d1": "b1"},
    ),
    "several, all coupled": (
        "b1 number=1;b2 number=8;b3 number=9", "d2 number=1;d3 number=1", Desk([("b2", "d2"), ("b3", "d3")]),
        {"b1": SEVERAL},
    ),
    "after a coupled one the next group": (
        "b1 number=1 email=a@b;b2", "d1 number=1;d2 email=a@b", Desk([("b2", "d1")]), {"b1": "d2", "d2": "b1"},
    ),
    "free candidates of a later group go before a coupled one": (
        "b1 number=1 email=a@b;b2", "d1 number=1;d2 email=a@b;d3 email=a@b", Desk([("b2", "d1")]),
        {"b1": SEVERAL, "d2": SEVERAL, "d3": SEVERAL},
    ),
    "rejected pairs stay away": (
        "b1 number=1", "d1 number=1", Desk(rejected=[("b1", "d1")]), {"b1": NO_MATCH, "d1": NO_MATCH},
    ),
    "a rejection settles several": (
        "b1 number=1", "d1 number=1;d2 number=1", Desk(rejected=[("b1", "d1")]),
        {"b1": "d2", "d1": NO_MATCH, "d2": "b1"},
    ),
    "a rejection settles several on the other side": (
        "b1 number=1;b2 number=1", "d1 number=1", Desk(rejected=[("b1", "d1")]),
        {"b1": NO_MATCH, "b2": "d1", "d1": "b2"},
    ),
    "a rejection of others changes nothing": (
        "b1 number=1;b2 number=2", "d1 number=1;d2 number=2", Desk(rejected=[("b1", "d2"), ("b9", "d9")]),
        {"b1": "d1", "b2": "d2", "d1": "b1", "d2": "b2"},
    ),
    "a rejection of what takes no part changes nothing": (
        "b1 number=1", "d1 number=1;d2 number=1", Desk(rejected=[("b1", "d2")], created=[("", "d2")]),
        {"b1": "d1", "d1": "b1"},
    ),
    "what is to be created has no match": (
        "b1 number=1;b2 number=1", "d1 number=1;d2 number=1", Desk(created=[("b1", ""), ("", "d2")]),
        {"b2": "d1", "d1": "b2"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEDGER)
def test_what_the_ledger_says_counts(case: str) -> None:
    bc, dv, desk, wanted = LEDGER[case]
    proposals = exact(bc, dv, ["number", "email"], desk)
    sound(proposals)
    assert outcome(proposals) == wanted


def test_records_outside_the_filter_are_not_looked_at() -> None:
    outside = ([], customers("d2 number=1;d3 number=2"))
    made = exact("b1 number=1;b2 number=2", "d1 number=1", ["number"], outside=outside)
    assert outcome(made) == {"b1": "d1", "d1": "b1", "b2": NO_MATCH}
    coupled = exact("b1 number=1;b2", "d1 number=1", ["number"], Desk([("b2", "d2")]), outside=outside)
    assert outcome(coupled) == {"b1": "d1", "d1": "b1"}


# --- reasons ---

REASONS_SAID = {
    "same number (group 1)": ("b1 number=1", "d1 number=1", ["number"], None),
    "same name and city (group 2)": (
        "b1 name=A city=X number=1", "d1 name=A city=X number=2", ["number", "name+city"], None,
    ),
    "same address, e-mail and home page (group 1)": (
        "b1 address_line1=A email=e website=w", "d1 address_line1=A email=e website=w", "address_line1+email+website",
        None,
    ),
    "no criteria: without a value for number (group 1)": ("b1", "d1 number=1", ["number"], None),
    "no criteria: without a value for number (group 1) or name + city (group 2)": (
        "b1 name=A", "d1 number=1", ["number", "name+city"], None,
    ),
    "no match: none has the same number (group 1)": ("b1 number=1", "d1 number=2", ["number", "email"], None),
    "no match: none has the same number (group 1) or the same e-mail (group 2)": (
        "b1 number=1 email=a@b", "d1 number=2", ["number", "email"], None,
    ),
    "no match: none has the same number (group 1); what had it was rejected": (
        "b1 number=1", "d1 number=1", ["number"], Desk(rejected=[("b1", "d1")]),
    ),
    "several: 3 in Sales with the same number (group 1)": (
        "b1 number=1", "d1 number=1;d2 number=1;d3 number=1", ["number"], None,
    ),
    "several: 2 in Business Central with the same e-mail (group 2)": (
        "b1 email=a@b;b2 email=a@b", "d1 email=a@b", ["number", "email"], None,
    ),
    "several: 2 in Business Central and 3 in Sales with the same number (group 1)": (
        "b1 number=1;b2 number=1", "d1 number=1;d2 number=1;d3 number=1", ["number"], None,
    ),
    "several: 3 in Sales with the same number (group 1), 2 of them with a partner": (
        "b1 number=1;b2;b3", "d1 number=1;d2 number=1;d3 number=1", ["number"], Desk([("b2", "d2"), ("b3", "d3")]),
    ),
    "several: 2 in Sales with the same number (group 1), all of them with a partner": (
        "b1 number=1;b2;b3", "d2 number=1;d3 number=1", ["number"], Desk([("b2", "d2"), ("b3", "d3")]),
    ),
    "already coupled: same number (group 1) as Fabrik (1), which is coupled to Contoso (7)": (
        "b1 number=1;b2 number=7 name=Contoso", "d1 number=1 name=Fabrik", ["number"], Desk([("b2", "d1")]),
    ),
    "already coupled: same e-mail (group 1) as d1, which is coupled to gone": (
        "b1 email=a@b", "d1 email=a@b", ["email"], Desk([("gone", "d1")]),
    ),
    "already coupled: same e-mail (group 2) as Fabrik, which goes with Fabrik (7) by the same name (group 1)": (
        "b1 email=a@b;b2 number=7 name=Fabrik", "d1 name=Fabrik email=a@b", ["name", "email"], None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("said", REASONS_SAID)
def test_every_record_says_why(said: str) -> None:
    bc, dv, criteria, desk = REASONS_SAID[said]
    frame = exact(bc, dv, criteria, desk).frame
    assert set(frame.loc[frame["bc_id"] == "b1", "reason"]) == {said}


def test_a_row_names_whose_partner_its_only_match_is() -> None:
    made = exact("b1 number=1 name=Contoso", "d1 name=Fabrik;d2 number=1", ["number"], Desk([("b1", "d1")]))
    (said,) = made.frame["reason"]
    assert said == "already coupled: same number (group 1) as Contoso (1), which is coupled to Fabrik"


def test_the_four_reasons_are_counted_by_record() -> None:
    made = exact(
        "b1 number=1;b2;b3 number=3;b4 number=4;b5 number=5;b6 number=6;b7 number=6",
        "d1 number=1;d4 number=4;d5 number=4;d6 number=5", ["number"], Desk([("x", "d6")]),
    )  # fmt: skip
    assert made.reasons() == {NO_CRITERIA: 1, NO_MATCH: 3, SEVERAL: 1, ALREADY_COUPLED: 1}
    assert made.reasons("dv") == {NO_CRITERIA: 0, NO_MATCH: 0, SEVERAL: 2, ALREADY_COUPLED: 0}
    assert made.counts() == {
        "certain": 1, "likely": 0, "unsure": 1, "nothing found": 5, "only in Sales": 0,
    }  # fmt: skip


def test_by_evidence_there_are_no_such_reasons() -> None:
    snap = snapshot("customer", customers("b1 number=1"), customers("d1 number=2"))
    assert not any(match.propose(snap, Desk(), "customer").reasons().values())


# --- proposals ---


def test_a_chosen_pair_has_what_the_ledger_keeps(tmp_path: Path) -> None:
    snap = snapshot(
        "customer", customers("b1 name=Adler city=Wien;b2 name=A"), customers("d1 name=ADLER city=Wien;d2 name=B")
    )
    made = match.propose(snap, Desk(), "customer", rule="exact", criteria=["number", "name+city"])
    assert (made.kind, made.snapshot_id, made.ledger_position) == ("customer", "snapshot", 7)
    (pair,) = made.pairs("certain")
    assert (pair.bc_id, pair.dv_id, pair.band) == ("b1", "d1", "certain")
    half = round(pair.score / 2, 3)
    assert pair.evidence == [
        {"field": "name", "bc": "Adler", "dv": "ADLER", "level": "exact", "weight": half},
        {"field": "city", "bc": "Wien", "dv": "Wien", "level": "exact", "weight": half},
    ]
    ledger = Ledger.open(tmp_path / "ledger.db")
    ledger.confirm("customer", [pair], by="me", at=NOW)
    again = match.propose(snap, ledger, "customer", rule="exact", criteria=["number", "name+city"])
    assert outcome(again) == {"b2": NO_CRITERIA, "d2": NO_CRITERIA}
    ledger.close()


def test_a_rejection_holds_under_either_rule_until_a_value_changes(tmp_path: Path) -> None:
    bc, dv = customers("b1 number=1 name=Adler city=Wien"), customers("d1 number=1 name=Adler city=Wien")
    ledger = Ledger.open(tmp_path / "ledger.db")
    (pair,) = match.propose(snapshot("customer", bc, dv), ledger, "customer", rule="exact").pairs("certain")
    ledger.reject("customer", [pair], by="me", at=NOW)
    assert outcome(match.propose(snapshot("customer", bc, dv), ledger, "customer", rule="exact"))["b1"] == NO_MATCH
    assert not len(match.propose(snapshot("customer", bc, dv), ledger, "customer").chosen())
    dv[0]["city"] = "Graz"
    assert outcome(match.propose(snapshot("customer", bc, dv), ledger, "customer", rule="exact"))["b1"] == "d1"
    ledger.close()


def test_a_later_group_is_worth_less_and_candidates_share_the_odds() -> None:
    made = exact(
        "b1 number=1;b2 email=a@b;b3 number=3",
        "d1 number=1;d2 email=a@b;d3 number=3;d4 number=3;d5 number=3;d6 number=3",
        ["number", "email"],
    ).frame.set_index(["bc_id", "dv_id"])  # fmt: skip
    assert made.loc[("b1", "d1"), "score"] > made.loc[("b2", "d2"), "score"] > 0
    assert made.loc[("b1", "d1"), "margin"] == made.loc[("b1", "d1"), "score"]
    assert made.loc[("b1", "d1"), "probability"] == 0.999
    assert made.loc[("b3", "d3"), "probability"] == 0.25
    assert made.loc[("b3", "d3"), "margin"] == 0
    assert set(made.loc["b3", "rank"]) == {1}


def test_of_many_candidates_the_first_few_are_shown_and_no_record_is_lost() -> None:
    bc = ";".join(f"b{n} number=1" for n in range(3))
    dv = ";".join(f"d{n} number=1" for n in range(8))
    made = exact(bc, dv, ["number"], Desk(rejected=[("b0", "d0"), ("b1", "d7")]))
    sound(made)
    shown = made.frame.groupby("bc_id")["dv_id"].agg(list)
    assert shown["b2"] == ["d0", "d1", "d2", "d3", "d4"]
    # The rows beyond, each with the first record that may have it.
    assert shown["b1"] == ["d0", "d1", "d2", "d3", "d4"]
    assert shown["b0"] == ["d1", "d2", "d3", "d4", "d5", "d6", "d7"]
    said = made.frame.set_index(["bc_id", "dv_id"])["reason"]
    assert said["b0", "d1"] == "several: 3 in Business Central and 7 in Sales with the same number (group 1)"
    assert said["b1", "d0"] == "several: 2 in Business Central and 7 in Sales with the same number (group 1)"
    assert said["b2", "d1"] == "several: 3 in Business Central and 8 in Sales with the same number (group 1)"


def test_without_details_evidence_and_fingerprint_stay_empty() -> None:
    snap = snapshot("customer", customers("b1 number=1"), customers("d1 number=1"))
    made = match.propose(snap, Desk(), "customer", rule="exact", details=False)
    assert made.frame[["evidence", "fingerprint"]].isna().all().all()
    assert outcome(made) == {"b1": "d1", "d1": "b1"}
    assert [(p.bc_id, p.evidence, p.fingerprint) for p in made.pairs("certain")] == [("b1", [], "")]


@pytest.mark.parametrize(("bc", "dv"), [("b1 number=1", ""), ("", "d1 number=1"), ("", "")])
def test_an_empty_side_leaves_the_other_without_match(bc: str, dv: str) -> None:
    made = exact(bc, dv)
    sound(made)
    assert set(outcome(made).values()) <= {NO_MATCH}
    assert len(made.frame) == bool(bc) + bool(dv)


def test_progress_is_told_to_the_end() -> None:
    heard: list[tuple[str, int, int]] = []
    snap = snapshot("customer", customers("b1 number=1"), customers("d1 number=1"))
    match.propose(snap, Desk(), "customer", rule="exact", progress=lambda *told: heard.append(told))
    assert heard[-1] == ("Customers: done", 4, 4)
    assert [step for _, step, _ in heard] == sorted(step for _, step, _ in heard)


# --- other types than text ---


@pytest.mark.parametrize(
    ("field", "same", "other"),
    [
        ("credit_limit", Decimal("100.50"), Decimal("100.51")),
        ("credit_limit", Decimal("0"), Decimal("0.004")),
        ("state", 3, 4),
    ],
)
def test_amounts_and_numbers_are_compared_exactly(field: str, same: object, other: object) -> None:
    bc = [{"id": "b1", field: same}, {"id": "b2", field: None}]
    made = match.propose(
        snapshot("customer", bc, [{"id": "d1", field: same}, {"id": "d2", field: other}]), Desk(), "customer",
        rule="exact", criteria=[field],
    )  # fmt: skip
    assert outcome(made) == {"b1": "d1", "d1": "b1", "b2": NO_CRITERIA, "d2": NO_MATCH}


def test_dates_and_flags_are_compared_exactly() -> None:
    def one(record: str, day: int | None, vat: bool | None) -> dict:
        return {"id": record, "begin_date": day and date(2026, 1, day), "updates_defaults": vat}

    bc = [one("b1", 1, False), one("b2", 2, True), one("b3", 3, None)]
    dv = [one("d1", 1, False), one("d2", 2, False), one("d3", 3, None)]
    snap = snapshot("price_list", bc, dv)
    made = match.propose(snap, Desk(), "price_list", rule="exact", criteria=["begin_date+updates_defaults!"])
    assert outcome(made) == {
        "b1": "d1", "d1": "b1", "b2": NO_MATCH, "d2": NO_MATCH, "b3": NO_CRITERIA, "d3": NO_CRITERIA,
    }  # fmt: skip
    made = match.propose(snap, Desk(), "price_list", rule="exact", criteria=["begin_date"])
    assert len(made.chosen()) == 3


# --- references ---


def test_references_agree_where_what_they_point_to_is_coupled() -> None:
    bc = [
        {"id": "b1", "name": "A", "currency": "eur"}, {"id": "b2", "name": "B", "currency": "usd"},
        {"id": "b3", "name": "C", "currency": "xyz"}, {"id": "b4", "name": "D"},
    ]  # fmt: skip
    dv = [
        {"id": "d1", "name": "A", "currency": "E", "currency_label": "EUR"},
        {"id": "d2", "name": "B", "currency": "E"},
        {"id": "d3", "name": "C", "currency": "xyz"}, {"id": "d4", "name": "D", "currency": "E"},
    ]  # fmt: skip
    snap = snapshot("customer", bc, dv)
    desk = Desk(currency=[("eur", "E"), ("usd", "U")])
    made = match.propose(snap, desk, "customer", rule="exact", criteria=["name+currency"])
    assert outcome(made) == {
        "b1": "d1", "d1": "b1", "b2": NO_MATCH, "b3": NO_MATCH, "b4": NO_CRITERIA,
        "d2": NO_MATCH, "d3": NO_MATCH, "d4": NO_MATCH,
    }  # fmt: skip
    (pair,) = made.pairs("certain")
    assert [(e["field"], e["bc"], e["dv"]) for e in pair.evidence] == [("name", "A", "A"), ("currency", "eur", "EUR")]
    assert made.chosen()["reason"].tolist() == ["same name and currency (group 1)"]
    # Coupled another way round, the others agree: nothing is kept from before.
    made = match.propose(
        snap, Desk(currency=[("usd", "E"), ("xyz", "xyz")]), "customer", rule="exact", criteria=["name+currency"]
    )
    assert {b: d for b, d in outcome(made).items() if d.startswith("d")} == {"b2": "d2", "b3": "d3"}


def test_units_of_an_item_are_sought_in_its_unit_group() -> None:
    """coupling.md section 5: a unit matches only inside the unit group already tied to that item."""
    catalogue = load_catalogue().in_modes({"units": "unit_groups"})
    schema = catalogue["item_unit"].schema
    bc = [{"id": "b1", "code": "PCS", "group": "g1"}, {"id": "b2", "code": "PCS", "group": "g2"}]
    dv = [{"id": "d1", "code": "pcs", "group": "G1"}, {"id": "d2", "code": "PCS", "group": "G2"}]
    none = from_rows([], schema)
    sides = Sides("item_unit", from_rows(bc, schema), from_rows(dv, schema), none, none)
    snap = Snapshot("s", NOW, {"item_unit": sides})
    desk = Desk(kind="item_unit", item_unit_group=[("g1", "G1"), ("g2", "G2")])
    made = match.propose(snap, desk, "item_unit", rule="exact", catalogue=catalogue)
    assert outcome(made) == {"b1": "d1", "d1": "b1", "b2": "d2", "d2": "b2"}


# --- against a slow and simple reading of the rules ---

VALUES = st.sampled_from([None, "", "x", "X", "y"])
RECORDS = st.lists(st.fixed_dictionaries({"number": VALUES, "name": VALUES, "city": VALUES}), max_size=5)
CRITERIA = st.lists(
    st.sampled_from(["number", "number!", "name", "name+city", "name!+city", "city"]), min_size=1, max_size=3
)
LINKS = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=3)


def plainly(bc: Rows, dv: Rows, criteria: Sequence[str], coupled: dict, rejected: set) -> Outcome:
    """Record by record and group by group, with loops."""
    taken_dv, partner = {d: b for b, d in coupled.items()}, dict(coupled)

    def key(record: dict, group: str) -> tuple | None:
        out = []
        for name in group.split("+"):
            value = record[name.rstrip("!")] or None
            out.append(value if value is None or name.endswith("!") else value.lower())
        return None if None in out else tuple(out)

    def agreeing(record: dict, others: Rows, group: str, side: str) -> list[str]:
        mine = key(record, group)
        return [
            o["id"] for o in others
            if mine is not None and key(o, group) == mine
            and ((record["id"], o["id"]) if side == "bc" else (o["id"], record["id"])) not in rejected
        ]  # fmt: skip

    for group in criteria:
        asking = [r for r in bc if r["id"] not in partner]
        found = []
        for record in asking:
            rows = agreeing(record, dv, group, "bc")
            if len(rows) == 1 and rows[0] not in taken_dv:
                row = next(r for r in dv if r["id"] == rows[0])
                if agreeing(row, asking, group, "dv") == [record["id"]]:
                    found.append((record["id"], rows[0]))
        for b, d in found:
            partner[b], taken_dv[d] = d, b

    out: Outcome = {}
    for side, records, others, mine, theirs in (
        ("bc", bc, dv, partner, taken_dv), ("dv", dv, bc, taken_dv, partner),
    ):  # fmt: skip
        for record in records:
            name = record["id"]
            if name in (coupled if side == "bc" else coupled.values()):
                continue
            if name in mine:
                out[name] = mine[name]
                continue
            by_group = [agreeing(record, others, group, side) for group in criteria]
            first = next((rows for rows in by_group if rows), [])
            if any(row not in theirs for rows in by_group for row in rows) or len(first) > 1:
                out[name] = SEVERAL
            elif first:
                out[name] = ALREADY_COUPLED
            elif any(key(record, group) for group in criteria):
                out[name] = NO_MATCH
            else:
                out[name] = NO_CRITERIA
    return out


@settings(max_examples=25, deadline=None)
@given(RECORDS, RECORDS, CRITERIA, LINKS, LINKS, st.randoms(use_true_random=False))
def test_it_decides_as_the_rules_read_plainly(
    bc: Rows, dv: Rows, criteria: list[str], coupled: set, rejected: set, shuffle: random.Random
) -> None:
    bc = [{"id": f"b{n}", **row} for n, row in enumerate(bc)]
    dv = [{"id": f"d{n}", **row} for n, row in enumerate(dv)]
    there = [(f"b{b}", f"d{d}") for b, d in sorted(coupled) if b < len(bc) and d < len(dv)]
    pairs: dict[str, str] = {}
    for b, d in there:
        if b not in pairs and d not in pairs.values():
            pairs[b] = d
    refused = {(f"b{b}", f"d{d}") for b, d in rejected}
    desk = Desk(pairs.items(), refused)
    made = match.propose(snapshot("customer", bc, dv), desk, "customer", rule="exact", criteria=criteria)
    sound(made)
    assert outcome(made) == plainly(bc, dv, criteria, pairs, refused)
    assert not {*zip(made.frame["bc_id"], made.frame["dv_id"], strict=True)} & refused
    mixed = [shuffle.sample(rows, len(rows)) for rows in (bc, dv)]
    again = match.propose(snapshot("customer", *mixed), desk, "customer", rule="exact", criteria=criteria)
    assert again.frame.equals(made.frame)


# --- criteria ---


@pytest.mark.parametrize(
    ("kind", "criteria", "said"),
    [
        ("customer", ["nmae"], "“customer” has no field “nmae”.*Did you mean “name”"),
        ("customer", ["number", "name+ctiy!"], "has no field “ctiy”.*Did you mean “city”"),
        ("customer", ["e-mail"], "has no field “e-mail”.*Did you mean “email”"),
        ("customer", ["home page"], "Did you mean “website”"),
        ("customer", ["xyzzy"], "no field “xyzzy”. Its fields are: number, name"),
        ("customer", [], "There are no criteria for “customer”.*--by name\\+number"),
        ("customer", [""], "The group “” of criteria for “customer” lacks a field"),
        ("customer", ["number", "name+"], "The group “name\\+” .*lacks a field"),
        ("customer", ["!"], "The group “!” .*lacks a field"),
        ("customer", ["name+name!"], "The group “name\\+name!” names “name” twice"),
        ("contact", ["number"], "“number” of contact is not held in Sales"),
        ("currency", ["iso"], "“currency” has no field “iso”.*Its fields are: code, name"),
        ("quote_line", None, "no criteria for “quote_line”.*--by name"),
    ],
)
def test_criteria_that_cannot_be_used_are_named(kind: str, criteria: list[str] | None, said: str) -> None:
    name = CATALOGUE[kind].fields[0].name
    snap = snapshot(kind, [{"id": "b1", name: "1"}], [{"id": "d1"}])
    with pytest.raises(SettingsError, match=said):
        match.propose(snap, Desk(), kind, rule="exact", criteria=criteria)


def test_a_field_that_could_not_be_asked_for_is_refused() -> None:
    with pytest.raises(SettingsError, match="“fax” of customer is not known on both sides.*number, name") as refused:
        exact("b1 fax=1", "d1 fax=1", ["number", "fax"], unread={"customer": ("fax",)})
    assert "fax" not in refused.value.todo
    assert outcome(exact("b1 fax=1", "d1 fax=1", ["fax"], unread={"contact": ("fax",)})) == {"b1": "d1", "d1": "b1"}


def test_a_field_that_only_files_hold_may_be_used_where_both_do() -> None:
    assert outcome(exact("b1 vat_number=1", "d1 vat_number=1", "vat_number")) == {"b1": "d1", "d1": "b1"}
    with pytest.raises(SettingsError, match="has no field “colour”.*vat_number"):
        exact("b1 vat_number=1", "d1 vat_number=1", "colour")
    with pytest.raises(SettingsError, match="“vat_number” of customer is not held in Sales"):
        exact("b1 vat_number=1", "d1", "vat_number")


def test_rules_and_criteria_go_together() -> None:
    snap = snapshot("customer", customers("b1 number=1"), [])
    with pytest.raises(SettingsError, match="no rule “exakt”.*Did you mean “exact”"):
        match.propose(snap, Desk(), "customer", rule="exakt")
    with pytest.raises(SettingsError, match="no rule “x”. Use one of: evidence, exact"):
        match.propose(snap, Desk(), "customer", rule="x")
    with pytest.raises(SettingsError, match="only the rule “exact”.*--rule exact"):
        match.propose(snap, Desk(), "customer", criteria=["number"])


def test_a_single_text_is_one_group_and_blanks_around_names_are_nothing() -> None:
    kind = CATALOGUE["customer"]
    (group,) = groups_of(kind, " name + city ! ", snapshot("customer", [], []))
    assert str(group) == "name+city!"
    assert [c.minds_case for c in group.criteria] == [False, True]
    assert group.same == "same name and city (group 1)"


def test_every_shipped_criterion_is_a_field_that_both_sides_hold() -> None:
    catalogue = load_catalogue()
    for name, texts in shipped().items():
        kind = catalogue[name]
        used = [f for text in texts for f in text.split("+")]
        assert used, name
        for field in used:
            assert all(kind[field].has_place(side) for side in ("bc", "dv")), f"{name}.{field}"


#: coupling.md section 5: the kinds for which Business Central sets criteria itself (fields.csv).
BY_DEFAULT = {
    "currency": ["code"], "payment_terms": ["code"], "shipment_method": ["code"], "shipping_agent": ["code"],
    "item_unit_group": ["name"], "resource_unit_group": ["name"], "item_unit": ["group+code"],
    "resource_unit": ["group+code"], "customer": ["number"], "vendor": ["number"], "item": ["number"],
    "resource": ["number"], "contact": ["email"], "unit": ["code"],
}  # fmt: skip


@pytest.mark.parametrize("units", MODES["units"])
def test_each_kind_has_its_own_criteria_in_every_mode(units: str) -> None:
    catalogue = load_catalogue().in_modes({**DEFAULT_MODES, "units": units})
    for name, wanted in BY_DEFAULT.items():
        if name in catalogue:
            none = from_rows([], catalogue[name].schema)
            snap = Snapshot("s", NOW, {name: Sides(name, none, none, none, none)})
            assert [str(g) for g in groups_of(catalogue[name], None, snap)] == wanted
    none = from_rows([], catalogue["price"].schema)
    snap = Snapshot("s", NOW, {"price": Sides("price", none, none, none, none)})
    (group,) = groups_of(catalogue["price"], None, snap)
    assert (str(group), group.place) == ("list+product+" + ("unit" if units == "one_per_group" else "base_unit"), 1)


def test_a_workspace_sets_criteria_in_its_own_kinds() -> None:
    catalogue = load_catalogue('[customer.match]\nexact = ["email", "name+city!"]').in_modes({})
    snap = snapshot("customer", customers("b1 email=a@b number=1"), customers("d1 email=A@B number=2"))
    made = match.propose(snap, Desk(), "customer", rule="exact", catalogue=catalogue)
    assert made.frame["reason"].tolist() == ["same e-mail (group 1)"]
    catalogue = load_catalogue('[customer.match]\nexact = ["emial"]').in_modes({})
    with pytest.raises(SettingsError, match="no field “emial”"):
        match.propose(snap, Desk(), "customer", rule="exact", catalogue=catalogue)


# --- the workspace and the commands ---


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Workspace]:
    """A workspace of two exports: one e-mail is on both sides, one twice in one, one in one only, one is blank."""
    folder = tmp_path_factory.mktemp("exact")
    made = []
    for name, header, rows in (
        ("customers.csv", ["No.", "Name", "City", "Email"],
         [["1", "Adler", "Wien", "a@x.at"], ["2", "Birken", "Graz", "b@x.at"], ["3", "Contoso", "Linz", "c@x.at"],
          ["4", "Dachstein", "Hall", ""]]),
        ("accounts.csv", ["Account Number", "Account Name", "Address 1: City", "Email"],
         [["1", "Eagle", "Bonn", "A@X.AT"], ["12", "Birch", "Köln", "b@x.at"], ["13", "Birches", "Ulm", "b@x.at"],
          ["14", "dachstein", "Hall", "d@x.at"]]),
    ):  # fmt: skip
        path = folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv_module.writer(file).writerows([header, *rows])
        made.append(path)
    with Workspace.make(folder / "desk", files=made, progress=False) as opened:
        opened.pull()
        yield opened


def test_the_workspace_proposes_by_equal_values_and_keeps_it(workspace: Workspace) -> None:
    assert workspace.propose("customer", "exact").frame["reason"][0] == "same number (group 1)"
    made = workspace.propose("customer", "exact", ["email"])
    assert made.counts()["certain"] == 1
    assert made.reasons() == {NO_CRITERIA: 1, NO_MATCH: 1, SEVERAL: 1, ALREADY_COUPLED: 0}
    assert workspace.proposals("customer").reasons() == made.reasons()
    made = workspace.propose("customer", rule="exact", criteria=["email", "name+city"])
    assert made.counts()["certain"] == 2
    with pytest.raises(SettingsError, match="no field “nubmer”"):
        workspace.propose("customer", "exact", ["nubmer"])


def test_only_what_has_no_match_is_taken_for_new(workspace: Workspace) -> None:
    made = workspace.propose("customer", "exact", ["email"])
    assert made.without_partner("bc")["bc_name"].tolist() == ["Contoso", "Dachstein"]
    assert made.perhaps_new("bc")["bc_name"].tolist() == ["Contoso"]
    assert made.perhaps_new("dv")["dv_name"].tolist() == ["dachstein"]
    assert workspace.create("customer") == 1
    workspace.undo()
    coupled = exact("b1 number=1;b2 number=1", "d1 number=1", ["number"], Desk([("b1", "d1")]))
    assert len(coupled.without_partner("bc")) == 1
    assert not len(coupled.perhaps_new("bc"))
    snap = snapshot("customer", customers("b1 number=1"), [])
    assert len(match.propose(snap, Desk(), "customer").perhaps_new("bc")) == 1


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["d365kit", *words])
        code = _run()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_command_proposes_by_criteria(workspace: Workspace, command) -> None:
    at = ("-w", str(workspace.folder.path))
    code, said, _ = command("propose", "customer", "--rule", "exact", "--by", "email", *at)
    assert code == 0
    assert said.splitlines()[-1] == "left free: 1 no criteria, 1 no match, 1 several, 0 already coupled"
    code, said, _ = command(
        "propose", "customer", "--rule", "exact", "--by", "email", "--by", "name+city", *at, "--json"
    )
    told = json.loads(said)
    assert told["counts"]["certain"] == 2
    assert told["reasons"] == {NO_CRITERIA: 0, NO_MATCH: 1, SEVERAL: 1, ALREADY_COUPLED: 0}
    code, said, _ = command("propose", "customer", "--rule", "exact", "--by", "name!+city", *at, "--json")
    assert json.loads(said)["counts"]["certain"] == 0
    code, _, wrong = command("propose", "customer", "--rule", "exact", "--by", "nmae", *at)
    assert (code, wrong.splitlines()[0]) == (2, "“customer” has no field “nmae”.")
    code, _, wrong = command("propose", "customer", "--by", "name", *at)
    assert (code, wrong.splitlines()[-1]) == (2, "Add --rule exact.")
    code, said, _ = command("propose", "customer", *at)
    assert (code, "left free" in said) == (0, False)


@pytest.fixture
def two_files(tmp_path: Path) -> tuple[Path, Path]:
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_text("id,name,city,phone\nL1,Adler,Wien,1\nL2,Birken,Graz,2\nL3,Contoso,Linz,3\n", "utf-8")
    right.write_text("id,name,city,phone\nR1,ADLER,Wien,\nR2,Birken,Graz,\nR3,Birken,Graz,\n", "utf-8")
    return left, right


def test_two_files_are_matched_by_criteria(two_files: tuple[Path, Path], command, tmp_path: Path) -> None:
    files = tuple(map(str, two_files))
    out = tmp_path / "pairs.csv"
    by = ("--kind", "customer", "--rule", "exact", "--by", "name+city")
    code, said, _ = command("match", *files, *by, "--out", str(out), "--json")
    assert code == 0
    assert json.loads(said)["reasons"] == {NO_CRITERIA: 0, NO_MATCH: 1, SEVERAL: 1, ALREADY_COUPLED: 0}
    assert out.read_text("utf-8").splitlines()[1:] == ["L1,R1,0.999,certain,same name and city (group 1)"]
    code, said, _ = command("match", *files, *by)
    assert "left free: 0 no criteria, 1 no match, 1 several, 0 already coupled" in said.splitlines()
    code, said, _ = command("match", *files, "--kind", "customer", "--json")
    assert "reasons" not in json.loads(said)


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        (None, "“number” of customer is not known on both sides.*name, city"),
        (["phone"], "“phone” of customer is not known on both sides"),
        (["name+currency"], "“currency” of customer is not known on both sides"),
        (["nam"], "Did you mean “name”"),
    ],
)
def test_two_files_are_refused_what_they_cannot_agree_in(
    two_files: tuple[Path, Path], criteria: list[str] | None, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        match_files(*two_files, kind="customer", rule="exact", criteria=criteria)


# --- many records ---


def test_one_value_for_all_is_not_paired_out() -> None:
    """A thousand by a thousand of one city would be a million pairs."""
    bc = [{"id": f"b{n:04}", "city": "Wien"} for n in range(1000)]
    dv = [{"id": f"d{n:04}", "city": "WIEN"} for n in range(1000)]
    made = match.propose(snapshot("customer", bc, dv), Desk(), "customer", rule="exact", criteria=["city"])
    sound(made)
    assert len(made.frame) == 1000 * 5 + 995
    assert made.reasons() == made.reasons("dv") == {NO_CRITERIA: 0, NO_MATCH: 0, SEVERAL: 1000, ALREADY_COUPLED: 0}
    assert made.frame["dv_id"][:5].tolist() == made.frame["dv_id"][4995:5000].tolist()
    assert made.frame["dv_id"][:5].tolist() == ["d0000", "d0001", "d0002", "d0003", "d0004"]
    said = set(made.frame["reason"])
    assert said == {"several: 1,000 in Business Central and 1,000 in Sales with the same city (group 1)"}


def test_values_of_many_fields_do_not_run_over() -> None:
    names = ["number", "name", "city", "email", "phone", "fax", "website", "county", "country"]
    rows = [dict(zip(names, map(str, values), strict=True)) for values in itertools.islice(_different(9), 400)]
    bc = [{"id": f"b{n:03}", **row} for n, row in enumerate(rows)]
    dv = [{"id": f"d{n:03}", **row} for n, row in enumerate(rows)]
    made = match.propose(snapshot("customer", bc, dv), Desk(), "customer", rule="exact", criteria=["+".join(names)])
    assert outcome(made) == {f"{s}{n:03}": f"{o}{n:03}" for n in range(400) for s, o in ("bd", "db")}


def _different(fields: int) -> Iterable[list[int]]:
    numbers = random.Random(1)
    while True:
        yield [numbers.randrange(400) for _ in range(fields)]
