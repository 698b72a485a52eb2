"""What all tests share: no network but loopback, and workspaces on the sandbox in process."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from d365kit.nouns import Pair
from d365kit.sandbox import Sandbox
from d365kit.sandbox.schema import schema
from d365kit.services import BearerAuth, BusinessCentral, Dataverse, run
from d365kit.services.auth import GivenToken
from d365kit.workspace import Workspace
from d365kit.workspace.settings import SandboxSettings
from tests import helpers_postgres

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """Connections to anything but this machine fail the test that makes them."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]  # type: ignore[index]
            loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
            assert loopback, f"a test tried to reach {host}"
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@dataclass
class Desk:
    """A workspace on a sandbox in this process."""

    sandbox: Sandbox
    workspace: Workspace
    bc: BusinessCentral
    dv: Dataverse

    def change(self, side: str, set_name: str, record: str, **values: object) -> None:
        """Change a row as somebody else would: straight in the service's database, with a new version."""
        self.sandbox.store.update(schema(side).sets[set_name], record, values)

    def remove(self, side: str, set_name: str, record: str) -> None:
        """Remove a row behind everybody's back."""
        self.sandbox.store.delete(schema(side).sets[set_name], record)

    def couple_by_truth(self) -> None:
        """Couple every true pair, and mark every other BC record of kinds that go to Sales for creation."""
        ws = self.workspace
        for kind in ws.catalogue:
            pairs = [Pair(b, d) for k, b, d in self.sandbox.truth() if k == kind.name]
            ws.ledger.confirm(kind.name, pairs, by="truth", at=NOW)
            if kind.planned and kind.may_go_to("dv"):
                coupled = set(ws.ledger.couplings(kind.name)["bc_id"])
                others = [r for r in ws.snapshot[kind.name].bc["id"] if r not in coupled]
                ws.ledger.create(kind.name, [Pair(bc_id=r) for r in others], by="truth", at=NOW)


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Make desks: ``desks(customers=60, faults=(), dirt=0)``; all are closed at the end."""
    made: list[Desk] = []

    def make(*, customers: int = 60, seed: int = 1, faults: object = (), dirt: float = 0.0, **more: object) -> Desk:
        sandbox = Sandbox.create(None, customers=customers, seed=seed, faults=faults, dirt=dirt)
        desk = on(sandbox, tmp_path / f"ws{len(made)}", **more)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.workspace.close()
        desk.sandbox.close()


def on(sandbox: Sandbox, folder: Path, **more: object) -> Desk:
    """A workspace in ``folder`` whose services are ``sandbox``, in this process."""
    transport = httpx.ASGITransport(app=sandbox.app)
    auth = BearerAuth(GivenToken(sandbox.token))
    origin = "http://127.0.0.1"
    bc = BusinessCentral(origin + sandbox.bc_root, sandbox.company_id, auth, transport=transport, **more)
    dv = Dataverse(origin + sandbox.dv_root, auth, transport=transport, **more)
    workspace = Workspace.make(
        folder, sandbox=SandboxSettings(), services=(bc, dv), now=lambda: NOW, progress=False
    )  # fmt: skip
    return Desk(sandbox, workspace, bc, dv)


def ask(service: BusinessCentral | Dataverse, set_name: str, record: str) -> dict:
    """One row of a service, as it stands now."""
    return run(service.get(set_name, record))


@pytest.fixture(scope="session")
def postgres() -> Iterator[helpers_postgres.Server]:
    """A PostgreSQL server for this session; skipped without one, and a failure where CI is set."""
    helpers_postgres.need()
    with helpers_postgres.serving() as server:
        yield server
