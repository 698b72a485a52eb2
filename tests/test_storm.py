"""A read through a seeded storm of all the faults: every row of the database, or a clear error, never fewer rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from d365kit.errors import D365KitError
from d365kit.sandbox import Sandbox
from d365kit.sandbox.clock import ManualClock
from d365kit.sandbox.faults import Fault
from d365kit.sandbox.identity import BC_AUDIENCE, Application
from d365kit.sandbox.schema import schema
from d365kit.services import BearerAuth, BusinessCentral, ClientCredentials, Column, Dataverse, run

PAGE = 17
SETS = {"bc": ("customers", "id", "displayName"), "dv": ("accounts", "accountid", "name")}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.create(customers=150, faults=(), dirt=0) as made:
        made.use_clock(ManualClock(automatic=True))
        made.identity.register(Application("app", "secret", dv_user=made.identity.default.dv_user))
        yield made


class SmallPages(httpx.ASGITransport):
    """Asks for small pages, so that a small table has many."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            asked = [request.headers["Prefer"]] if "Prefer" in request.headers else []
            request.headers["Prefer"] = ",".join([*asked, f"odata.maxpagesize={PAGE}"])
        return await super().handle_async_request(request)


async def _no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def client(sandbox: Sandbox, side: str) -> BusinessCentral | Dataverse:
    """A client that signs in for itself, so that a token which runs out can be renewed."""
    transport = SmallPages(sandbox.app)
    scope = f"{BC_AUDIENCE if side == 'bc' else 'http://127.0.0.1'}/.default"
    address = "http://127.0.0.1/sandbox-tenant/oauth2/v2.0/token"
    tokens = ClientCredentials(address, "app", "secret", scope, transport=transport, sleep=_no_wait)
    auth = BearerAuth(tokens)
    if side == "bc":
        root = "http://127.0.0.1" + sandbox.bc_root
        return BusinessCentral(root, sandbox.company_id, auth, transport=transport, sleep=_no_wait)
    return Dataverse("http://127.0.0.1" + sandbox.dv_root, auth, transport=transport, sleep=_no_wait)


def held(sandbox: Sandbox, side: str) -> dict[str, str]:
    """Id and name of every row in the database."""
    name, key, title = SETS[side]
    return dict(sandbox.store.query(f'SELECT "{key}", "{title}" FROM "{schema(side).sets[name].sql}"'))


@dataclass
class Weather:
    """What a storm did."""

    faults: int
    error: D365KitError | None
    rows: int


def sail(sandbox: Sandbox, seed: int) -> Weather:
    """Read one table through the storm of a seed and hold the answer against the database."""
    side = ("bc", "dv")[seed % 2]
    name, key, title = SETS[side]
    sandbox.faults.storm(seed, side=side)
    moving = seed % 3 == 0
    sandbox.faults.add(Fault("expired_token", side=side, share=0.03))
    if moving:
        sandbox.faults.add(Fault("rows_change", side=side, method="GET", path=rf"\b{name}\b", share=0.2))
    before = held(sandbox, side)
    service = client(sandbox, side)
    columns = [Column(key), Column(title), *([Column("number")] if side == "bc" else [])]
    try:
        table = run(service.rows(name, columns, key=key, split=seed % 4 < 2)).table
    except D365KitError as problem:
        return Weather(len(sandbox.faults.happened), problem, 0)
    finally:
        run(service.close())
        sandbox.faults.clear()
    after = held(sandbox, side)
    got = dict(zip(table.column(key).to_pylist(), table.column(title).to_pylist(), strict=True))
    assert len(got) == table.num_rows, "a row came twice"
    if moving:
        assert before.keys() & after.keys() <= got.keys() <= before.keys() | after.keys()
        assert all(got[k] in (before.get(k), after.get(k)) for k in got)
    else:
        assert got == before == after
    return Weather(0, None, len(got))


def clear(error: D365KitError | None) -> bool:
    """Whether an error, if there is one, says what happened and what to do."""
    return error is None or bool(error.what and error.todo)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_read_through_a_storm_is_whole_or_an_error(sandbox: Sandbox, seed: int) -> None:
    weather = sail(sandbox, seed)
    assert clear(weather.error)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 201, 20))
def test_two_hundred_storms(sandbox: Sandbox, first: int) -> None:
    weathers = [sail(sandbox, seed) for seed in range(first, first + 20)]
    whole = [w for w in weathers if w.error is None]
    assert all(clear(w.error) for w in weathers)
    # Every fifth storm holds a fault that never heals, and a token may run out twice running: the rest is survived.
    assert len(whole) >= 15, [str(w.error) for w in weathers if w.error]


def test_the_storms_do_happen_and_a_deadly_one_ends_in_an_error(sandbox: Sandbox) -> None:
    kinds = set()
    for seed in range(2, 5):
        sandbox.faults.storm(seed, side="dv", deadly=False)
        service = client(sandbox, "dv")
        run(service.rows("accounts", [Column("accountid")], key="accountid"))
        kinds |= {record.kind for record in sandbox.faults.happened}
        run(service.close())
    assert len(kinds) > 6
    sandbox.faults.storm(5, side="dv", deadly=True)
    service = client(sandbox, "dv")
    with pytest.raises(D365KitError):
        run(service.rows("accounts", [Column("accountid")], key="accountid"))
    run(service.close())
    sandbox.faults.clear()
