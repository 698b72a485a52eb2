"""Pull: both sides in the same columns, one blank, references by id, whole or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pytest

from d365kit.errors import PullIncomplete, SettingsError, UnknownKind
from d365kit.kinds import LCY_ID, default_catalogue
from d365kit.nouns import Snapshot
from d365kit.sandbox.schema import schema
from tests.conftest import Desk

Desks = Callable[..., Desk]


def test_both_sides_have_the_columns_of_the_kind(desks: Desks) -> None:
    snapshot = desks(customers=20).workspace.pull()
    for kind in default_catalogue():
        for frame in (snapshot[kind.name].bc, snapshot[kind.name].dv):
            assert list(frame.columns) == kind.schema.names
            assert all(isinstance(t, pd.ArrowDtype) for t in frame.dtypes)


def test_every_row_of_the_services_arrives_inside_or_outside(desks: Desks) -> None:
    desk = desks(customers=80, faults=None, dirt=1)
    snapshot = desk.workspace.pull()
    for kind in default_catalogue():
        for side in ("bc", "dv"):
            place = kind.source(side).set
            if place.startswith("options/"):
                continue
            held = len(snapshot[kind.name].everything(side))
            extra = 1 if (kind.name, side) == ("currency", "bc") else 0
            assert held == rows_of(desk, side, place) + extra, kind.name
    figures = snapshot.to_frame()
    assert (figures["outside"] >= 0).all()


def rows_of(desk: Desk, side: str, place: str) -> int:
    """How many rows the service's database holds behind an address of the catalogue."""
    here = schema(side)
    name = place.rpartition("/")[2]
    table = here.pages[name] if place.startswith("ODataV4/") else here.sets.get(name) or here.entity(name)
    return desk.sandbox.store.count(table)


def test_blanks_are_missing_and_nothing_reads_as_a_blank_text(desks: Desks) -> None:
    snapshot = desks(customers=40).workspace.pull()
    for sides in snapshot:
        for frame in (sides.bc, sides.dv):
            for column in frame.select_dtypes("string[pyarrow]").columns:
                assert not (frame[column] == "").fillna(False).any(), (sides.kind, column)
    blocked = snapshot["customer"].bc["blocked"]
    assert blocked.isna().all()


def test_the_local_currency_is_a_row_and_customers_refer_to_it(desks: Desks) -> None:
    snapshot = desks(customers=40).workspace.pull()
    assert snapshot.facts["local_currency"] == "EUR"
    currencies = snapshot["currency"].bc.set_index("id")
    assert currencies.loc[LCY_ID, "code"] == "EUR"
    assert currencies.loc[LCY_ID, "rate"] == 1
    local = snapshot["customer"].bc.query("currency == @LCY_ID")
    assert len(local)
    assert set(local["currency_label"]) == {"EUR"}


def test_rates_are_comparable_after_inverting(desks: Desks) -> None:
    desk = desks(customers=20)
    snapshot = desk.workspace.pull()
    dv = snapshot["currency"].dv.set_index("id")["rate"]
    bc = snapshot["currency"].bc.set_index("id")["rate"]
    pairs = [(b, d) for k, b, d in desk.sandbox.truth() if k == "currency"]
    assert len(pairs) > 3
    for b, d in pairs:
        assert abs(Decimal(bc[b]) - Decimal(dv[d])) < Decimal("0.0000001")


def test_references_by_code_become_ids_with_a_label(desks: Desks) -> None:
    snapshot = desks(customers=40).workspace.pull()
    salespeople = snapshot["salesperson"].bc.set_index("id")["code"]
    customers = snapshot["customer"].bc.dropna(subset=["salesperson"])
    assert len(customers)
    assert (customers["salesperson"].map(salespeople) == customers["salesperson_label"]).all()
    contacts = snapshot["contact"].bc.dropna(subset=["customer"])
    partners = [set(snapshot[kind].everything("bc")["id"]) for kind in ("customer", "vendor")]
    assert set(contacts["customer"]) <= set.union(*partners)


def test_a_unit_group_tells_its_base_unit(desks: Desks) -> None:
    units = desks(customers=20).workspace.pull()["unit"].dv
    named = units[units["group_name"].str.startswith("NAV ")]
    assert len(named) > 3
    assert (named["group_name"] == "NAV " + named["code"]).all()
    assert (named["units_in_group"] == 1).all()
    assert named["base_unit"].notna().all()


def test_a_kind_is_pulled_with_what_it_refers_to(desks: Desks) -> None:
    snapshot = desks(customers=10).workspace.pull(["item"])
    assert list(snapshot.kinds) == ["unit", "item"]
    with pytest.raises(UnknownKind, match="holds no “customer”"):
        snapshot["customer"]


def test_a_side_that_is_suddenly_empty_stops_the_work(desks: Desks) -> None:
    desk = desks(customers=10)
    before = desk.workspace.pull()
    for identity in before["customer"].everything("dv")["id"]:
        desk.remove("dv", "accounts", identity)
    with pytest.raises(PullIncomplete, match="Sales held .* of kind customer last time and holds none now"):
        desk.workspace.pull()
    assert desk.workspace.snapshot.id == before.id
    assert len(desk.workspace.pull(allow_empty=True)["customer"].dv) == 0


def test_an_empty_company_pulls_as_empty_frames_with_columns(desks: Desks) -> None:
    snapshot = desks(customers=0).workspace.pull()
    kind = default_catalogue()["customer"]
    assert list(snapshot["customer"].bc.columns) == kind.schema.names
    assert len(snapshot["customer"].bc) == 0


def test_a_kept_snapshot_is_the_one_that_was_pulled(desks: Desks) -> None:
    desk = desks(customers=30, faults=None, dirt=1)
    pulled = desk.workspace.pull()
    read = desk.workspace.folder.load_snapshot()
    assert dataclasses.replace(read, kinds={}, extras={}) == dataclasses.replace(pulled, kinds={}, extras={})
    for sides in pulled:
        for part in ("bc", "dv", "bc_outside", "dv_outside"):
            pd.testing.assert_frame_equal(getattr(read[sides.kind], part), getattr(sides, part))


@pytest.mark.parametrize("harm", ["cut", "gone", "manifest", "version"])
def test_a_damaged_snapshot_is_named_and_nothing_else_is_lost(desks: Desks, harm: str) -> None:
    desk = desks(customers=10)
    folder = desk.workspace.folder.path / "snapshots" / desk.workspace.pull().id
    victim = folder / "customer.bc.parquet"
    error: type[Exception] = PullIncomplete
    if harm == "cut":
        victim.write_bytes(victim.read_bytes()[:100])
    elif harm == "gone":
        victim.unlink()
    elif harm == "manifest":
        (folder / "snapshot.json").write_text("{")
    else:
        text = (folder / "snapshot.json").read_text()
        (folder / "snapshot.json").write_text(text.replace('"format": 2', '"format": 99'))
        error = SettingsError
    with pytest.raises(error, match="Pull again"):
        Snapshot.load(folder)
    assert desk.workspace.pull(), "pulling again mends it"


def test_pulling_writes_nothing(desks: Desks) -> None:
    desk = desks(customers=10)
    desk.workspace.pull()
    assert desk.sandbox.writes == {"bc": 0, "dv": 0}
    assert (desk.bc.writes, desk.dv.writes) == (0, 0)
