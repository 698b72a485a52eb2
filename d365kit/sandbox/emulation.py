"""Sandbox: both services, a token endpoint and the demo company over one SQLite file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any

from d365kit.sandbox import company, control
from d365kit.sandbox.business_central.pages import WebServices
from d365kit.sandbox.business_central.service import BusinessCentral
from d365kit.sandbox.business_central.services import Services
from d365kit.sandbox.clock import Clock
from d365kit.sandbox.control import CONTROL_PATH
from d365kit.sandbox.dataverse.service import Dataverse
from d365kit.sandbox.faults import Faults
from d365kit.sandbox.gateway import Answer, Gateway
from d365kit.sandbox.identity import CLIENT_SECRET, Identity
from d365kit.sandbox.protection import Protection
from d365kit.sandbox.schema import schema
from d365kit.sandbox.store import Store
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.tokens import TokenService
from d365kit.sandbox.wire import Receive, Reply, Send, read_request, send_reply

BC_ROOT = "/v2.0/sandbox-tenant/sandbox/api/v2.0"
BC_ODATA_ROOT = BC_ROOT.removesuffix("/api/v2.0") + "/ODataV4"
DV_ROOT = "/api/data/v9.2"
_OLDER_DV_ROOTS = ("/api/data/v9.1", "/api/data/v9.0")


class Sandbox:
    """Business Central and Dataverse, emulated over one database.

    Make one with `create` or `open`. ``app`` is an ASGI app: give it to ``httpx.ASGITransport`` or to
    `d365kit.sandbox.serve.serve`. Requests need ``Authorization: Bearer <token>``. ``faults`` makes the services
    fail on purpose, ``protection`` limits and counts, ``switches`` chooses between what live services differ in;
    ``/sandbox/control`` reaches all three from outside.
    """

    bc_root = BC_ROOT
    bc_odata_root = BC_ODATA_ROOT
    dv_root = DV_ROOT

    def __init__(self, store: Store) -> None:
        self.store = store
        self.company_id: str = store.meta("company_id")
        self.company_name: str = store.meta("company_name")
        self.token: str = store.meta("token")
        self.client_secret = CLIENT_SECRET
        self.identity = Identity(self.token, store.meta("user"))
        self.switches = Switches()
        self.services = Services(store)
        self._bc = BusinessCentral(store, self.identity, self.switches)
        self._pages = WebServices(store, self.identity, self.switches, self.services)
        self._dv = Dataverse(store, self.identity, self.switches)
        self.clock = Clock()
        self.faults = Faults()
        self.protection = Protection(self.clock)
        self.tokens = TokenService(self.identity)
        self.gateway = Gateway(self)
        self._dv.before_part = partial(self.gateway.part, "dv")
        self._bc.before_part = self._pages.before_part = partial(self.gateway.part, "bc")
        self.requests = self.gateway.requests

    @classmethod
    def create(
        cls,
        path: str | Path | None = None,
        customers: int = 2000,
        seed: int = 1,
        faults: Iterable[str] | None = None,
        dirt: float = 1.0,
    ) -> Sandbox:
        """Make a demo company.

        path: the database to make, None for memory. customers: how many BC customers. seed: same seed, same
        rows. faults: names from `company.FAULTS`; None for those of the demo, () for none. dirt: how much the
        spelling of the two sides differs, 0 for not at all. Raises FileExistsError when the path is taken and
        ValueError for an unknown fault.
        """
        if path is not None and Path(path).exists() and Path(path).stat().st_size:
            raise FileExistsError(f"{path} exists; open it, or remove it first")
        wanted = company.wanted_faults(faults)
        if path is None:
            store = Store(None)
            _fill(store, customers, seed, wanted, dirt)
            return cls(store)
        unfinished = Path(f"{path}.new")
        unfinished.unlink(missing_ok=True)
        store = Store(unfinished, scratch=True)
        _fill(store, customers, seed, wanted, dirt)
        store.close()
        unfinished.replace(path)
        return cls(Store(path))

    @classmethod
    def open(cls, path: str | Path) -> Sandbox:
        """Open the database of an earlier sandbox with everything written to it; FileNotFoundError without one."""
        if not Path(path).exists():
            raise FileNotFoundError(path)
        return cls(Store(path))

    @property
    def writes(self) -> dict[str, int]:
        """Successful write operations served so far, by side."""
        return {"bc": self._bc.writes + self._pages.writes, "dv": self._dv.writes}

    def truth(self, company: str | None = None) -> list[tuple[str, str, str]]:
        """Return the true pairs of a company of BC, the first one's by default, as (kind, bc_id, dv_id).

        company: its id. The LCY has the zero GUID on the BC side; rows of published pages go by the values of their
        primary key joined by "|", options by their number.
        """
        wanted = "" if company in (None, self.company_id) else company
        sql = "SELECT kind, bc_id, dv_id FROM truth WHERE company = ?"
        return [(kind, bc, dv) for kind, bc, dv in self.store.query(sql, (wanted,))]

    @property
    def companies(self) -> dict[str, str]:
        """The companies of Business Central by name, oldest first; each with its id."""
        sql = f'SELECT name, id FROM "{schema("bc").sets["companies"].sql}" ORDER BY rowid'
        return dict(self.store.query(sql))

    def planted(self) -> list[dict[str, str | None]]:
        """Return the planted faults as {fault, check, kind, bc_id, dv_id}, one line per record to be named."""
        rows = self.store.query("SELECT fault, checked, kind, bc_id, dv_id FROM planted ORDER BY rowid")
        return [dict(zip(("fault", "check", "kind", "bc_id", "dv_id"), row, strict=True)) for row in rows]

    def rows(self, side: str, set: str) -> int:
        """Return the number of rows of an entity set; KeyError when the side has no such set."""
        return self.store.count(schema(side).sets[set])

    def close(self) -> None:
        """Close the database; a database in memory is gone then."""
        self.store.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def use_clock(self, clock: Clock) -> None:
        """Let another clock count everything that waits, expires or is limited: `ManualClock` in tests."""
        self.clock = self.identity.clock = self.protection.clock = clock
        self.protection.clear()

    async def app(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one ASGI connection of either service."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            if scope["path"] == CONTROL_PATH:
                request = await read_request(scope, receive, "")
                await send_reply(send, control.answer(self, request, scope.get("client")))
                return
            found = self._place(scope["path"])
            if found is None:
                await read_request(scope, receive, "")
                await send_reply(send, Reply(404))
                return
            await self.gateway.serve(*found, scope, receive, send)

    def _place(self, path: str) -> tuple[str, str, Answer] | None:
        """Return the side, the root and what answers the requests below it."""
        places: tuple[tuple[str, Answer], ...] = ((BC_ROOT, self._bc.answer), (BC_ODATA_ROOT, self._pages.answer))
        for root, answer in places:
            if _below(path.lower(), root.lower()):
                return "bc", path[: len(root)], answer
        for root in (DV_ROOT, *_OLDER_DV_ROOTS):
            if _below(path, root):
                return "dv", root, self._dv.answer
        return ("token", "", self.tokens.answer) if self.tokens.tenant(path) else None


def _fill(store: Store, customers: int, seed: int, faults: tuple[company.Fault, ...], dirt: float) -> None:
    store.create()
    store.remember("token", "sandbox-" + hashlib.sha256(f"token:{seed}".encode()).hexdigest()[:40])
    company.build(store, customers=customers, seed=seed, faults=faults, dirt=dirt)


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
