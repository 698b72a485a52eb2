"""What the conformance tests share: raw clients of the sandbox, and of a real tenant for the read-only lines.

A test's name begins with the number of its line in the checklist: ``test_019_…``. A line may have several tests, one
for the sandbox's answer and one for how our clients cope; `make conformance` gathers them under the number.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from d365kit.sandbox import Sandbox
from d365kit.services import BearerAuth, BusinessCentral, Dataverse, run
from d365kit.services.auth import GivenToken

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


class SmallPages(httpx.ASGITransport):
    """Asks for pages of ``size`` rows where the client names no size, so that a small table has many."""

    def __init__(self, sandbox: Sandbox, size: int = 0) -> None:
        super().__init__(sandbox.app)
        self.size = size
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.size and request.method == "GET" and "maxpagesize" not in request.headers.get("Prefer", ""):
            asked = [request.headers["Prefer"]] if "Prefer" in request.headers else []
            request.headers["Prefer"] = ",".join([*asked, f"odata.maxpagesize={self.size}"])
        self.requests.append(request)
        self.answers.append(await super().handle_async_request(request))
        return self.answers[-1]


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


@dataclass
class Clients:
    """Our own clients of a sandbox, which never really wait, and what went over the wire."""

    sandbox: Sandbox
    bc: BusinessCentral
    dv: Dataverse
    wire: SmallPages

    def paths(self, method: str = "") -> list[str]:
        """Path and query of the requests sent so far, decoded."""
        sent = [r for r in self.wire.requests if not method or r.method == method]
        return [unquote(str(r.url)).partition("/api/")[2] for r in sent]


def clients_of(sandbox: Sandbox, size: int = 0, token: str = "") -> Clients:
    """Clients of a sandbox, with pages of ``size`` rows."""
    wire = SmallPages(sandbox, size)
    auth = BearerAuth(GivenToken(token or sandbox.token))
    origin = "http://127.0.0.1"
    bc = BusinessCentral(origin + sandbox.bc_root, sandbox.company_id, auth, transport=wire, sleep=no_wait)
    dv = Dataverse(origin + sandbox.dv_root, auth, transport=wire, sleep=no_wait)
    return Clients(sandbox, bc, dv, wire)


@pytest.fixture
def clients(sandbox: Sandbox) -> Iterator[Clients]:
    """Our own clients of the test's sandbox."""
    made = clients_of(sandbox)
    yield made
    run(made.bc.close())
    run(made.dv.close())
