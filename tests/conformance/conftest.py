"""What the conformance tests share: raw clients of the sandbox, and of a real tenant for the read-only lines.

A test's name begins with the number of its line in the checklist: ``test_019_…``. A line may have several tests, one
for the sandbox's answer and one for how our clients cope; `make conformance` gathers them under the number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from d365kit.sandbox import Sandbox
from d365kit.services import run

_TENANT = {
    "bc": ("D365KIT_CONFORMANCE_BC_ROOT", "D365KIT_CONFORMANCE_BC_TOKEN", "D365KIT_CONFORMANCE_BC_COMPANY"),
    "dv": ("D365KIT_CONFORMANCE_DV_ROOT", "D365KIT_CONFORMANCE_DV_TOKEN", ""),
}


class Wire:
    """Plain requests to one service, as they are: no patience, no error mapping.

    Paths are relative to ``root`` (``companies``, ``accounts?$top=1``); absolute addresses go as they are. Header
    names are given with underscores: ``If_Match="*"``. ``sandbox`` is None for a real tenant.
    """

    def __init__(self, root: str, token: str, company: str = "", sandbox: Sandbox | None = None) -> None:
        self.root, self.token, self.company, self.sandbox = root.rstrip("/"), token, company, sandbox

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send with the token unless ``Authorization=""`` takes it off; bytes bodies go as they are."""
        sent = {"Authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        sent = {name: value for name, value in sent.items() if value != ""}
        url = path if path.startswith("http") else f"{self.root}/{path}".rstrip("/")
        raw = isinstance(body, bytes)

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.sandbox.app) if self.sandbox else None
            async with httpx.AsyncClient(transport=transport, timeout=120) as client:
                return await client.request(
                    method, url, headers=sent, content=body if raw else None, json=None if raw else body
                )

        return run(exchange())

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self("GET", path, **headers)

    def in_company(self, path: str) -> str:
        """A path inside BC's company."""
        return f"companies({self.company})/{path}"


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error answer."""
    return answer.status_code, answer.json()["error"]["code"]


def wire_to(sandbox: Sandbox, side: str) -> Wire:
    """A raw client of one side of a sandbox."""
    root = sandbox.bc_root if side == "bc" else sandbox.dv_root
    return Wire(f"http://127.0.0.1{root}", sandbox.token, sandbox.company_id, sandbox)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked read_only also run against a tenant whose address and token are in the environment."""
    for side in ("bc", "dv"):
        if side in metafunc.fixturenames:
            places = ["sandbox"]
            if metafunc.definition.get_closest_marker("read_only") and os.environ.get(_TENANT[side][0]):
                places.append("tenant")
            metafunc.parametrize(side, places, indirect=True)


def _wire(request: pytest.FixtureRequest, side: str) -> Wire:
    if request.param == "tenant":
        root, token, company = (os.environ.get(name, "") for name in _TENANT[side])
        return Wire(root, token, company)
    return wire_to(request.getfixturevalue("sandbox"), side)


@pytest.fixture(scope="session")
def shared() -> Iterator[Sandbox]:
    """A small clean company nobody writes to."""
    with Sandbox.create(customers=60, faults=(), dirt=0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The company of a test: the shared one for read_only tests, else one of its own."""
    if request.node.get_closest_marker("read_only"):
        yield request.getfixturevalue("shared")
        return
    with Sandbox.create(customers=20, faults=(), dirt=0) as own:
        yield own


@pytest.fixture
def bc(request: pytest.FixtureRequest) -> Wire:
    """Business Central, raw."""
    return _wire(request, "bc")


@pytest.fixture
def dv(request: pytest.FixtureRequest) -> Wire:
    """Dataverse, raw."""
    return _wire(request, "dv")


@pytest.fixture
def trade(dv: Wire) -> Any:
    """A unit group, an active product, a price list and a customer in Dataverse."""
    from tests.conformance.sales import start_trade

    return start_trade(dv)
