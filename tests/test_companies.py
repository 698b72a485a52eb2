"""Several companies of Business Central against one Dataverse environment (sync-rules.md U)."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from d365kit.nouns import Limits, Pair
from d365kit.sandbox import Sandbox
from d365kit.services import BearerAuth, BusinessCentral, Dataverse
from d365kit.services.auth import GivenToken
from d365kit.workspace import Workspace
from d365kit.workspace.settings import FILE, SandboxSettings
from tests.conftest import NOW

NEWER = {"one_per_group": "unit_groups"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workspace | Sandbox]:
    """One environment and a workspace for each of its two companies; the second has unit groups of its own."""
    sandbox = Sandbox.create(None, customers=30, seed=1, faults=(), dirt=0.0)
    made: dict[str, Workspace | Sandbox] = {"sandbox": sandbox}
    for name, company in zip(("first", "second"), sandbox.companies.values(), strict=True):
        made[name] = _workspace(sandbox, company, tmp_path_factory.mktemp(name) / "ws", newer=name == "second")
    return made


def _workspace(sandbox: Sandbox, company: str, folder: Path, *, newer: bool) -> Workspace:
    auth = BearerAuth(GivenToken(sandbox.token))
    origin, transport = "http://127.0.0.1", httpx.ASGITransport(app=sandbox.app)
    bc = BusinessCentral(origin + sandbox.bc_root, company, auth, transport=transport)
    dv = Dataverse(origin + sandbox.dv_root, auth, transport=transport)
    Workspace.make(folder, sandbox=SandboxSettings(), services=(bc, dv), progress=False)
    text = (folder / FILE).read_text("utf-8")
    for old, new in NEWER.items() if newer else ():
        assert f'"{old}"' in text
        text = text.replace(f'"{old}"', f'"{new}"')
    (folder / FILE).write_text(text, "utf-8")
    workspace = Workspace(folder, services=(bc, dv), now=lambda: NOW, progress=False)
    workspace.pull()
    return workspace


def test_each_company_finds_its_own_row_in_dataverse(shared) -> None:
    first, second = (shared[n].snapshot.facts["company"] for n in ("first", "second"))
    assert first
    assert second
    assert first != second


def test_rows_of_another_company_take_no_part(shared) -> None:
    for name, other in (("first", "second"), ("second", "first")):
        snapshot, theirs = shared[name].snapshot, shared[other].snapshot.facts["company"]
        for kind in ("customer", "item", "price_list", "price"):
            sides = snapshot[kind]
            assert len(sides.dv), (name, kind)
            assert not (sides.dv["company"] == theirs).fillna(False).any()
            outside = sides.dv_outside.set_index("id")["outside"]
            foreign = sides.dv_outside.loc[(sides.dv_outside["company"] == theirs).fillna(False).astype(bool), "id"]
            assert len(foreign), (name, kind)
            assert "owned by another company" in set(outside[foreign])


def test_true_pairs_of_both_companies_are_proposed_to_their_own(shared) -> None:
    sandbox = shared["sandbox"]
    for name, company in zip(("first", "second"), sandbox.companies.values(), strict=True):
        workspace = shared[name]
        truth = {(k, b, d) for k, b, d in sandbox.truth(company)}
        found = 0
        for kind in workspace.catalogue:
            proposed = workspace.propose(kind.name).pairs("certain")
            pairs = {(kind.name, p.bc_id, p.dv_id) for p in proposed}
            assert pairs <= truth, (name, kind.name)
            found += len(pairs)
            known = [Pair(b, d) for k, b, d in truth if k == kind.name]
            workspace.ledger.confirm(kind.name, known, by="truth", at=NOW)
        assert found >= 0.8 * len(truth)


def test_what_one_company_makes_is_its_own(shared) -> None:
    first, second = shared["first"], shared["second"]
    second.pull()
    second.propose("customer")
    assert second.create("customer")
    plan = second.plan(["customer"])
    made = [c for c in plan if c.kind == "customer" and c.action == "create" and not c.blocked]
    assert made
    second.apply(plan, limits=Limits(update=1.0, create=99, uncouple=0, floor=20))
    company = second.snapshot.facts["company"]
    first.pull()
    theirs = first.snapshot["customer"].dv_outside.set_index("id")
    for change in made:
        assert theirs.loc[change.dv_id, "company"] == company
        assert theirs.loc[change.dv_id, "outside"] == "owned by another company"
