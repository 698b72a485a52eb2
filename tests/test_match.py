"""Matching: who takes part, what is found, one to one, ties, bands, evidence; on made-up data and the sandbox."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365kit import match
from d365kit.errors import SettingsError, UnknownKind
from d365kit.kinds import LCY_ID, default_catalogue
from d365kit.kinds.reading import read_catalogue, shipped_texts
from d365kit.ledger import Ledger
from d365kit.match.assign import assign, bands
from d365kit.match.linkage import candidates
from d365kit.match.prepare import pool
from d365kit.match.train import Field
from d365kit.nouns import BANDS, PROPOSAL_COLUMNS, Pair, Proposals, Sides, Snapshot
from d365kit.nouns.frames import empty, from_rows
from d365kit.pull import pull

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CATALOGUE = default_catalogue()


@pytest.fixture
def ledger(tmp_path: Path):
    opened = Ledger.open(tmp_path / "ledger.db")
    yield opened
    opened.close()


def snapshot(**kinds: tuple[list[dict], list[dict]]) -> Snapshot:
    """A snapshot of rows by kind: ``customer=(bc rows, dv rows)``."""
    sides = {}
    for name, (bc, dv) in kinds.items():
        schema = CATALOGUE[name].schema
        sides[name] = Sides(name, from_rows(bc, schema), from_rows(dv, schema), empty(schema), empty(schema))
    return Snapshot("snapshot", NOW, sides)


def customer(record: str, name: str, **more: object) -> dict:
    return {"id": record, "name": name, **more}


def row_of(proposals: Proposals, bc: str, dv: str) -> pd.Series:
    frame = proposals.frame
    found = frame[(frame["bc_id"] == bc) & (frame["dv_id"] == dv)]
    assert len(found) == 1, f"{bc} and {dv} are proposed {len(found)} times"
    return found.iloc[0]


# --- made-up companies -------------------------------------------------------------------------------


class Maker:
    """Companies with names of random syllables, so that no word list can know them, and their two spellings."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def word(self) -> str:
        pick = self.random.choice
        parts = [pick("bdfgklmnprstvw") + pick(["a", "e", "i", "o", "u", "ä", "ü"]) + pick(["", "n", "r", "st"])
                 for _ in range(self.random.choice([2, 2, 3]))]  # fmt: skip
        return "".join(parts).capitalize()

    def typo(self, text: str) -> str:
        at = self.random.randrange(1, len(text) - 1)
        return self.random.choice([text[:at] + text[at + 1 :], text[:at] + text[at + 1] + text[at] + text[at + 2 :]])

    def company(self, places: list[tuple[str, str]], trades: list[str]) -> dict:
        post, city = self.random.choice(places)
        form = self.random.choice(["GmbH", "AG", "Ltd.", "S.r.l.", "B.V.", ""])
        name, host = f"{self.word()} {self.random.choice(trades)} {form}".strip(), self.word().lower()
        return {
            "name": name,
            "address_line1": f"{self.word()}straße {self.random.randrange(1, 99)}",
            "post_code": post,
            "city": city,
            "phone": f"{self.random.randrange(10**8, 10**9)}",
            "email": f"office@{host}.com",
            "website": f"www.{host}.com",
            "country": "AT",
        }

    def record(self, entity: dict, *, dirty: bool) -> dict:
        row = {"id": str(uuid.UUID(int=self.random.getrandbits(128))), **entity}
        if dirty:
            for field in ("phone", "email", "website", "post_code", "address_line1"):
                row[field] = None if self.chance(0.2) else row[field]
            name = row["name"]
            name = name.rsplit(" ", 1)[0] if name.count(" ") > 1 and self.chance(0.3) else name
            name = name.replace("ü", "ue").replace("ä", "ae") if self.chance(0.3) else name
            row["name"] = self.typo(name) if self.chance(0.15) else name.upper() if self.chance(0.1) else name
            row["phone"] = row["phone"] and f"+43 {row['phone'][:3]} / {row['phone'][3:]}"
        return row


def companies(size: int, seed: int) -> tuple[Snapshot, set[tuple[str, str]]]:
    """Customers on both sides, a third of them without a partner, some with a branch; and the true pairs."""
    make = Maker(seed)
    places = [(f"{make.random.randrange(1000, 9999)}", make.word()) for _ in range(max(4, size // 10))]
    trades = [make.word() for _ in range(20)]
    entities = []
    for _ in range(size):
        entities.append(make.company(places, trades))
        if make.chance(0.05):
            other = make.company(places, trades)
            branch = {k: other[k] for k in ("address_line1", "post_code", "city", "phone")}
            entities.append({**entities[-1], **branch})
    bc, dv, truth = [], [], set()
    for entity in entities:
        place = make.random.random()
        if place < 0.85:
            bc.append(make.record(entity, dirty=False))
        if place > 0.15:
            dv.append(make.record(entity, dirty=True))
        if 0.15 < place < 0.85:
            truth.add((bc[-1]["id"], dv[-1]["id"]))
    return snapshot(customer=(bc, dv)), truth


def pairs_in(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(frame["bc_id"], frame["dv_id"], strict=True))


def sound(proposals: Proposals, sides: Sides) -> None:
    """What holds for every set of proposals."""
    frame = proposals.frame
    assert list(frame.columns) == PROPOSAL_COLUMNS.names
    assert set(frame["band"]) <= set(BANDS)
    chosen = proposals.chosen()
    assert not chosen["bc_id"].duplicated().any()
    assert not chosen["dv_id"].duplicated().any()
    for side in ("bc", "dv"):
        assert set(frame[f"{side}_id"].dropna()) == set(sides.side(side)["id"])
    found = frame[frame["bc_id"].notna() & frame["dv_id"].notna()]
    assert not found.duplicated(["bc_id", "dv_id"]).any()
    assert (found["band"] != "nothing found").all()
    assert (frame.drop(found.index)["band"] == "nothing found").all()
    assert not (found["band"].isin(["certain", "likely"]) & ~found["chosen"]).any()
    for row in found.itertuples():
        lines = json.loads(row.evidence)
        assert row.reason
        assert {tuple(line) for line in lines} == {("field", "bc", "dv", "level", "weight")}
        assert sum(line["weight"] for line in lines) == pytest.approx(row.score, abs=0.01)
        assert all(line["weight"] == 0 for line in lines if line["level"] == "missing")


# --- how good ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_made_up_companies_are_found(ledger, seed):
    snap, truth = companies(300, seed)
    proposals = match.propose(snap, ledger, "customer")
    sound(proposals, snap["customer"])
    certain, chosen = pairs_in(proposals.chosen("certain")), pairs_in(proposals.chosen())
    assert len(certain - truth) <= 1
    assert len(certain & truth) >= 0.8 * len(truth)
    assert len(chosen & truth) >= 0.93 * len(truth)
    assert len(chosen - truth) <= 0.05 * len(chosen)


def test_the_demo_company_is_found(desks):
    desk = desks(customers=200, seed=5, faults=None, dirt=1.0)
    snap = pull(desk.bc, desk.dv, kinds=("contact", "item"))
    for kind in ("currency", "unit", "salesperson", "customer", "contact", "item"):
        proposals = match.propose(snap, desk.workspace.ledger, kind)
        sound(proposals, snap[kind])
        sides = {side: set(snap[kind].side(side)["id"]) for side in ("bc", "dv")}
        truth = {(b, d) for k, b, d in desk.sandbox.truth() if k == kind and b in sides["bc"] and d in sides["dv"]}
        certain = pairs_in(proposals.chosen("certain"))
        assert len(certain - truth) <= 0.005 * len(certain), kind
        assert len(certain & truth) >= 0.85 * len(truth), kind
        desk.workspace.ledger.confirm(kind, proposals.pairs("certain"), by="test", at=NOW)


# --- who takes part ---------------------------------------------------------------------------------


def two_by_two() -> Snapshot:
    def rows(side: str) -> list[dict]:
        return [
            customer(f"{side}1", "Contoso Handel GmbH", city="Linz", post_code="4020", phone="0732 123456"),
            customer(f"{side}2", "Fabrikam Bau AG", city="Wien", post_code="1010", phone="01 987654"),
        ]

    return snapshot(customer=(rows("b"), rows("d")))


def test_coupled_records_and_those_to_be_created_take_no_part(ledger):
    snap = two_by_two()
    ledger.confirm("customer", [Pair("b1", "d1")], by="me", at=NOW)
    ledger.create("customer", [Pair(bc_id="b2")], by="me", at=NOW)
    frame = match.propose(snap, ledger, "customer").frame
    assert frame["bc_id"].isna().all()
    assert frame["dv_id"].tolist() == ["d2"]
    assert frame["band"].tolist() == ["nothing found"]


def test_a_rejected_pair_comes_back_only_when_a_compared_value_changed(ledger):
    snap = two_by_two()
    before = row_of(match.propose(snap, ledger, "customer"), "b1", "d1")
    ledger.reject("customer", [Pair("b1", "d1", fingerprint=before["fingerprint"])], by="me", at=NOW)
    proposals = match.propose(snap, ledger, "customer")
    assert ("b1", "d1") not in pairs_in(proposals.frame)
    sound(proposals, snap["customer"])

    rows = snap["customer"].dv.copy()
    rows.loc[rows["id"] == "d1", "etag"] = "another version"
    same = Snapshot("s", NOW, {"customer": Sides("customer", snap["customer"].bc, rows, rows[:0], rows[:0])})
    assert ("b1", "d1") not in pairs_in(match.propose(same, ledger, "customer").frame)
    rows.loc[rows["id"] == "d1", "phone"] = "0732 123457"
    assert ("b1", "d1") in pairs_in(match.propose(same, ledger, "customer").frame)


def test_a_rejection_without_fingerprint_stands(ledger):
    snap = two_by_two()
    ledger.reject("customer", [Pair("b1", "d1")], by="me", at=NOW)
    assert ("b1", "d1") not in pairs_in(match.propose(snap, ledger, "customer").frame)


@pytest.mark.parametrize("kind", ["currency", "unit", "salesperson", "customer", "contact", "item"])
def test_an_empty_side_leaves_the_other_without_partner(ledger, kind):
    rows = [{"id": "b1", "name": "One", "code": "ONE"}, {"id": "b2"}]
    for bc, dv in ((rows, []), ([], rows), ([], [])):
        snap = snapshot(**{kind: (bc, dv)})
        proposals = match.propose(snap, ledger, kind)
        sound(proposals, snap[kind])
        assert len(proposals.frame) == len(bc) + len(dv)


@pytest.mark.parametrize("kind", ["currency", "unit", "salesperson", "customer", "contact", "item"])
def test_records_without_any_value_do_no_harm(ledger, kind):
    snap = snapshot(**{kind: ([{"id": f"b{i}"} for i in range(30)], [{"id": f"d{i}"} for i in range(30)])})
    proposals = match.propose(snap, ledger, kind)
    sound(proposals, snap[kind])
    assert not len(proposals.chosen())


def test_one_record_each_is_judged_by_the_starting_shares(ledger):
    full = {"phone": "0732 123456", "email": "office@contoso.com", "post_code": "4020", "city": "Linz",
            "address_line1": "Hauptstr. 1", "number": "C1"}  # fmt: skip
    alike = snapshot(customer=([customer("b", "Contoso GmbH", **full)], [customer("d", "Contoso", **full)]))
    assert row_of(match.propose(alike, ledger, "customer"), "b", "d")["band"] == "certain"
    bare = snapshot(customer=([customer("b", "Contoso GmbH")], [customer("d", "Contoso")]))
    assert row_of(match.propose(bare, ledger, "customer"), "b", "d")["band"] != "certain"


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 25))
def test_the_order_of_rows_changes_nothing(tmp_path_factory, seed, size):
    book = Ledger.open(tmp_path_factory.mktemp("ledger") / "l.db")
    snap, _ = companies(size, seed)
    sides = snap["customer"]
    first = match.propose(snap, book, "customer")
    sound(first, sides)
    mixed = [f.sample(frac=1.0, random_state=seed).reset_index(drop=True) for f in (sides.bc, sides.dv)]
    again = match.propose(
        Snapshot(snap.id, NOW, {"customer": Sides("customer", *mixed, sides.bc_outside, sides.dv_outside)}),
        book,
        "customer",
    )
    book.close()
    pd.testing.assert_frame_equal(first.frame, again.frame, check_exact=True)


# --- ties, rivals, doubts ---------------------------------------------------------------------------


@pytest.mark.parametrize("twice", ["bc", "dv"])
def test_two_equally_good_candidates_are_left_to_a_person(ledger, twice):
    rows = {"bc": [], "dv": []}
    for side in rows:
        for n in range(2 if side == twice else 1):
            rows[side].append(customer(f"{side}{n}", "Contoso GmbH", phone="0732 123456", city="Linz", number="C10"))
        rows[side].append(customer(f"{side}9", "Fabrikam AG", phone="01 555555", city="Wien", number="C20"))
    snap = snapshot(customer=(rows["bc"], rows["dv"]))
    proposals = match.propose(snap, ledger, "customer")
    tied = proposals.frame[proposals.frame["bc_name"].eq("Contoso GmbH") & proposals.frame["dv_id"].notna()]
    assert len(tied) == 2
    assert not tied["chosen"].any()
    assert set(tied["band"]) == {"unsure"}
    assert tied["reason"].str.startswith("two equally good candidates").all()
    assert row_of(proposals, "bc9", "dv9")["chosen"]


def test_a_duplicate_keeps_a_pair_from_being_certain(ledger):
    full = {"phone": "0732 123456", "city": "Linz", "post_code": "4020", "address_line1": "Hauptstr. 1",
            "email": "office@contoso.com", "website": "contoso.com"}  # fmt: skip
    bc = [customer("b", "Contoso GmbH", number="C10", **full)]
    dv = [customer("d1", "Contoso GmbH", number="C10", **full), customer("d2", "Contoso GmbH", **full)]
    best = row_of(match.propose(snapshot(customer=(bc, dv)), ledger, "customer"), "b", "d1")
    assert best["chosen"]
    assert best["band"] == "likely"
    assert "perhaps twice in Sales, see Contoso GmbH" in best["reason"]


def test_a_branch_elsewhere_is_not_certain(ledger):
    shared = {"phone": "0732 123456", "email": "office@contoso.com", "website": "contoso.com"}
    bc = [customer("b", "Contoso GmbH", city="Linz", post_code="4020", address_line1="Hauptstr. 1", **shared)]
    dv = [customer("d", "Contoso GmbH", city="Graz", post_code="8010", address_line1="Ring 5", **shared)]
    found = row_of(match.propose(snapshot(customer=(bc, dv)), ledger, "customer"), "b", "d")
    assert found["band"] != "certain"
    assert "post code differs" in found["reason"]


GRAPHS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([-2.0, 1.0, 2.0, 3.0, 5.5, 7.25])),
    max_size=9,
    unique_by=lambda edge: edge[:2],
)


def best_choices(edges: list[tuple[int, int, float]]) -> list[frozenset[int]]:
    """All one-to-one choices with the largest sum, by trying everything."""
    found: dict[float, list[frozenset[int]]] = {}
    for size in range(len(edges) + 1):
        for choice in itertools.combinations(range(len(edges)), size):
            if all(len({edges[e][k] for e in choice}) == size for k in (0, 1)):
                found.setdefault(round(sum(edges[e][2] for e in choice), 6), []).append(frozenset(choice))
    return found[max(found)]


@settings(max_examples=200, deadline=None)
@given(GRAPHS)
def test_the_choice_is_what_all_best_choices_share(edges):
    bc, dv, net = (np.array([e[k] for e in edges], dtype=t) for k, t in ((0, int), (1, int), (2, float)))
    made = assign(bc, dv, net, 0.0)
    best = best_choices(edges)
    assert set(np.flatnonzero(made.chosen)) == set(frozenset.intersection(*best))
    assert not (made.tied & made.chosen).any()
    assert set(np.flatnonzero(made.tied)) <= set(frozenset.union(*best))


@settings(max_examples=100, deadline=None)
@given(GRAPHS)
def test_a_record_has_one_partner_at_most_also_in_probabilities(edges):
    bc, dv, net = (np.array([e[k] for e in edges], dtype=t) for k, t in ((0, int), (1, int), (2, float)))
    probability = probabilities(bc, dv, net)
    for side in (bc, dv):
        assert (np.bincount(side, probability, 5) <= 1.0 + 1e-6).all() if len(edges) else True


def probabilities(bc: np.ndarray, dv: np.ndarray, net: np.ndarray) -> np.ndarray:
    return Field(bc, dv, 5, 5).probabilities(net, sweeps=400)


def test_probabilities_are_exact_where_candidates_form_no_circle():
    bc, dv, net = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), np.array([3.0, 2.0, 1.5, -1.0])
    total = np.zeros(len(net))
    everything = 0.0
    for size in range(len(net) + 1):
        for choice in itertools.combinations(range(len(net)), size):
            if len({bc[e] for e in choice}) == len({dv[e] for e in choice}) == size:
                weight = 2.0 ** sum(net[e] for e in choice)
                everything += weight
                total[list(choice)] += weight
    assert probabilities(bc, dv, net) == pytest.approx(total / everything, abs=1e-6)


def test_certain_needs_probability_lead_and_no_doubt():
    bc = dv = np.arange(4)
    made = assign(bc, dv, np.array([20.0, 20.0, 20.0, 5.0]), 0.0)
    probability = np.array([0.9999, 0.9, 0.9999, 0.9999])
    banded = bands(made, probability, np.array([False, False, True, False]))
    assert banded.tolist() == ["certain", "likely", "likely", "likely"]


# --- codes ------------------------------------------------------------------------------------------


def test_currencies_meet_by_iso_code(ledger):
    bc = [{"id": LCY_ID, "code": "EUR", "name": "EUR"}, {"id": "b1", "code": "USD", "name": "US Dollar"},
          {"id": "b2", "code": "STG", "name": "Pound sterling"}]  # fmt: skip
    dv = [{"id": "d0", "code": "EUR", "name": "Euro"}, {"id": "d1", "code": "usd", "name": "Dollar"},
          {"id": "d2", "code": "GBP", "name": "Pound Sterling"}]  # fmt: skip
    proposals = match.propose(snapshot(currency=(bc, dv)), ledger, "currency")
    assert pairs_in(proposals.chosen("certain")) == {(LCY_ID, "d0"), ("b1", "d1")}
    assert row_of(proposals, "b2", "d2")["band"] == "unsure"


def test_units_meet_by_code_base_unit_and_group(ledger):
    bc = [{"id": "b1", "code": "PCS", "group_name": "NAV PCS"}, {"id": "b2", "code": "BOX", "group_name": "NAV BOX"},
          {"id": "b3", "code": "STK"}, {"id": "b4", "code": "KG"}]  # fmt: skip
    dv = [{"id": "d1", "code": "pcs", "group_name": "NAV PCS"}, {"id": "d2", "group_name": "NAV BOX"},
          {"id": "d4", "code": "Kilogramm", "group_name": "Gewicht"}]  # fmt: skip
    proposals = match.propose(snapshot(unit=(bc, dv)), ledger, "unit")
    assert pairs_in(proposals.chosen("certain")) == {("b1", "d1"), ("b2", "d2")}
    assert row_of(proposals, "b4", "d4")["band"] == "likely"
    assert not row_of(proposals, "b3", "d1")["chosen"]


def test_salespeople_meet_by_mail_then_by_name(ledger):
    bc = [{"id": "b1", "name": "Eva Maier", "email": "EVA@contoso.com"}, {"id": "b2", "name": "Jan Novak"},
          {"id": "b3", "name": "Ida Berg", "email": "ida@contoso.com"}, {"id": "b4", "name": "Tom Lang"}]  # fmt: skip
    dv = [{"id": "d1", "name": "Eva Huber", "email": "eva@contoso.com"}, {"id": "d2", "name": "Novák, Jan"},
          {"id": "d3", "name": "Ida Berg", "email": "berg@fabrikam.com"}, {"id": "d4", "name": "Tom Lang"},
          {"id": "d5", "name": "Tom Lang"}]  # fmt: skip
    proposals = match.propose(snapshot(salesperson=(bc, dv)), ledger, "salesperson")
    assert pairs_in(proposals.chosen("certain")) == {("b1", "d1"), ("b2", "d2")}
    assert row_of(proposals, "b3", "d3")["band"] == "likely"
    assert not row_of(proposals, "b4", "d4")["chosen"]
    assert "two equally good" in row_of(proposals, "b4", "d5")["reason"]


# --- references, evidence, words ---------------------------------------------------------------------


def test_a_contact_follows_the_coupling_of_its_customer(ledger):
    def people(side: str) -> list[dict]:
        return [
            {"id": f"{side}{n}", "name": "Eva Maier", "customer": f"{side}c{n}", "customer_label": f"Contoso {n}"}
            for n in (1, 2)
        ]

    snap = snapshot(contact=(people("b"), people("d")))
    ledger.confirm("customer", [Pair("bc1", "dc2"), Pair("bc2", "dc1")], by="me", at=NOW)
    proposals = match.propose(snap, ledger, "contact")
    assert pairs_in(proposals.chosen()) == {("b1", "d2"), ("b2", "d1")}
    evidence = {e["field"]: e for e in json.loads(row_of(proposals, "b1", "d2")["evidence"])}
    assert evidence["customer"]["level"] == "coupled"
    assert evidence["customer"]["weight"] > 2
    assert (evidence["customer"]["bc"], evidence["customer"]["dv"]) == ("Contoso 1", "Contoso 2")
    wrong = proposals.frame[proposals.frame["bc_id"].eq("b1") & proposals.frame["dv_id"].eq("d1")]
    assert wrong.empty or not wrong["chosen"].any()


def test_evidence_says_what_was_compared_and_reason_says_it_in_words(ledger):
    bc = [
        customer("b", "Contoso Handels GmbH", city="Linz", post_code="4020", phone="0732/1234567", vat_number="ATU1")
    ]
    dv = [customer("d", "Contosso Handels", city="Linz", post_code="4020", phone="+43 732 1234567")]
    found = row_of(match.propose(snapshot(customer=(bc, dv)), ledger, "customer"), "b", "d")
    levels = {e["field"]: e["level"] for e in json.loads(found["evidence"])}
    assert levels == {"name": "close", "post_code": "exact", "phone": "exact"}
    assert "name differs slightly" in found["reason"]
    assert "phone" in found["reason"]


def test_a_value_only_one_record_has_is_missing_evidence(ledger):
    bc = [customer("b1", "Contoso", phone="0732 123456"), customer("b2", "Fabrikam", phone="01 55555555")]
    dv = [customer("d1", "Contoso"), customer("d2", "Fabrikam", phone="01 55555555")]
    found = row_of(match.propose(snapshot(customer=(bc, dv)), ledger, "customer"), "b1", "d1")
    assert {"field": "phone", "bc": "0732 123456", "dv": None, "level": "missing", "weight": 0.0} in json.loads(
        found["evidence"]
    )


def test_items_of_another_size_are_not_certain(ledger):
    bc = [{"id": "b", "name": "Screw 8x40 zinc", "unit_price": Decimal("1.20"), "unit_cost": Decimal("0.8")}]
    dv = [{"id": "d", "name": "Screw 8x45 zinc", "unit_price": Decimal("1.20"), "unit_cost": Decimal("0.8")}]
    found = row_of(match.propose(snapshot(item=(bc, dv)), ledger, "item"), "b", "d")
    assert found["band"] != "certain"
    assert "other figures" in found["reason"]


def test_keys_that_too_many_share_are_dropped(ledger):
    def crowd(side: str) -> list[dict]:
        return [customer(f"{side}{n:02}", f"Contoso {n}", phone="0732 123456") for n in range(45)]

    snap = snapshot(customer=(crowd("b"), crowd("d")))
    found = candidates(pool(snap, ledger, CATALOGUE["customer"]))
    assert 45 <= len(found) < 45 * 45
    assert (np.diff(found.pairs.left) >= 0).all()


# --- manners ----------------------------------------------------------------------------------------


def test_progress_is_told_and_nothing_is_printed(ledger, capfd, caplog):
    told: list[tuple[str, int, int]] = []
    snap, _ = companies(20, 3)
    match.propose(snap, ledger, "customer", progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2]
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_what_cannot_be_done_is_said(ledger):
    snap, _ = companies(5, 3)
    with pytest.raises(UnknownKind):
        match.propose(snap, ledger, "nosuch")
    with pytest.raises(UnknownKind):
        match.propose(snap, ledger, "item")
    with pytest.raises(SettingsError, match="no matching rules"):
        match.propose(snap, ledger, "customer", catalogue=read_catalogue(shipped_texts()))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('by = "company_key"', 'by = "compny_key"', "compny_key"),
        ('template = "company_name"', 'template = "compny_name"', "compny_name"),
        ('{ key = "name_key", plain = "name_plain"', '{ key = "nme_key", plain = "name_plain"', "nme_key"),
        ("m = [0.88, 0.04, 0.08]", "m = [0.88, 0.12]", "3 shares"),
        ('references = ["currency", "salesperson"]', 'references = ["curency"]', "curency"),
    ],
)  # fmt: skip
def test_a_slip_in_matching_toml_is_named(ledger, old, new, says):
    folder = Path(str(match.__file__)).parents[1] / "kinds"
    rules = (folder / "matching.toml").read_text("utf-8")
    assert old in rules

    def propose() -> None:
        broken = read_catalogue(shipped_texts(), rules.replace(old, new))
        match.propose(two_by_two(), ledger, "customer", catalogue=broken)

    with pytest.raises(SettingsError, match=says):
        propose()


def test_heavy_libraries_load_on_first_use_only():
    heavy = "('splink', 'duckdb', 'scipy', 'rapidfuzz')"
    code = f"import sys, d365kit.match; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_matching_engine_puts_no_bar_of_its_own_into_a_notebook() -> None:
    from d365kit.match.database import database

    with database() as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)
