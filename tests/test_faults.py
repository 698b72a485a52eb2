"""Every planted fault is found by exactly the check that names it; the clean company raises none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from d365kit.sandbox.company import FAULTS
from tests.conftest import Desk

Desks = Callable[..., Desk]
SIZE = 120


def found(desk: Desk) -> set[tuple[str, str, str]]:
    """(check, bc_id, dv_id) of every finding, once all true pairs are coupled and the rest is to be created."""
    desk.workspace.pull()
    desk.couple_by_truth()
    frame = desk.workspace.check().frame
    rows = zip(frame["check"], frame["bc_id"].fillna(""), frame["dv_id"].fillna(""), strict=True)
    return set(rows)


def expected(desk: Desk) -> set[tuple[str, str, str]]:
    return {(str(p["check"]), p["bc_id"] or "", p["dv_id"] or "") for p in desk.sandbox.planted()}


@pytest.mark.parametrize("dirt", [0.0, 1.0])
def test_the_clean_company_raises_nothing(desks: Desks, dirt: float) -> None:
    assert found(desks(customers=SIZE, faults=(), dirt=dirt)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_planted_fault_is_found_by_exactly_its_check(desks: Desks, fault: object) -> None:
    desk = desks(customers=SIZE, faults=[fault.name])  # type: ignore[attr-defined]
    planted = desk.sandbox.planted()
    assert planted, "the fault was planted"
    findings = found(desk)
    assert {check for check, _, _ in findings} == {fault.check}  # type: ignore[attr-defined]
    records = {i for _, b, d in findings for i in (b, d) if i}
    for line in planted:
        assert {i for i in (line["bc_id"], line["dv_id"]) if i} <= records
    assert len(findings) == len(planted)


def test_all_faults_of_the_demo_at_once_are_told_apart(desks: Desks) -> None:
    desk = desks(customers=300, faults=None, dirt=1.0)
    by_check: dict[str, int] = {}
    for check, _, _ in found(desk):
        by_check[check] = by_check.get(check, 0) + 1
    planted: dict[str, int] = {}
    for line in desk.sandbox.planted():
        planted[str(line["check"])] = planted.get(str(line["check"]), 0) + 1
    assert by_check == planted
