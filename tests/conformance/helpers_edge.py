"""What the tests of limits and faults share: many requests at once, and a served sandbox."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from d365kit.sandbox import Sandbox
from d365kit.sandbox.clock import ManualClock
from d365kit.sandbox.serve import serve
from d365kit.services import run
from tests.conformance.conftest import Wire


def fill_window(wire: Wire, requests: int) -> None:
    """Let the sandbox believe that the caller sent so many requests just now, without sending them."""
    assert wire.sandbox is not None
    side = "bc" if "/api/v2.0" in wire.root else "dv"
    account = wire.sandbox.protection.account(side, wire.sandbox.identity.default.client_id)
    for _ in range(requests):
        account.count()
        account.leave(0.0)


def at_once(
    wire: Wire, path: str, times: int, during: Callable[[ManualClock], Awaitable[None]], method: str = "GET"
) -> list[httpx.Response]:
    """Send a request so many times at once and let time pass as ``during`` says; the answers in order of sending."""
    sandbox = wire.sandbox
    assert sandbox is not None
    clock = sandbox.clock
    assert isinstance(clock, ManualClock)

    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(sandbox.app)
        headers = {"Authorization": f"Bearer {wire.token}"}
        async with httpx.AsyncClient(transport=transport, headers=headers) as client:
            url = f"{wire.root}/{path}"
            tasks = [asyncio.ensure_future(client.request(method, url)) for _ in range(times)]
            await during(clock)
            return list(await asyncio.wait_for(asyncio.gather(*tasks), 30))

    return run(all_of_them())


@contextmanager
def served(sandbox: Sandbox, **options: Any) -> Iterator[dict[str, str]]:
    """A sandbox on a real socket, in a thread; yields its addresses."""
    ready: dict[str, str] = {}
    started, stop = threading.Event(), threading.Event()

    def announce(addresses: dict[str, str]) -> None:
        ready.update(addresses)
        started.set()

    thread = threading.Thread(
        target=serve, args=(sandbox,), kwargs={"on_ready": announce, "stop": stop, **options}, daemon=True
    )
    thread.start()
    assert started.wait(20)
    try:
        yield ready
    finally:
        stop.set()
        thread.join(20)
