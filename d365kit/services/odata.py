"""One OData session: requests with patience, single rows, key lists, and the errors of both services as ours."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pyarrow as pa

from d365kit import __version__
from d365kit.errors import ServiceError, Throttled, Unreachable
from d365kit.services.addresses import SERVICE_NAMES, checked, origin
from d365kit.services.answers import Said, Unreadable, backoff, body_of, error_for, request_ids, said
from d365kit.services.bodies import to_json
from d365kit.services.keys import Key
from d365kit.services.limiter import Limiter, Traffic
from d365kit.services.patience import wait_for
from d365kit.services.transport import PageTransport

log = logging.getLogger(__name__)

_PATIENCE = 900.0
_TIMEOUT = httpx.Timeout(connect=10, read=130, write=60, pool=60)

Progress = Callable[[int], None]
Check = Callable[[httpx.Response], object]


@dataclass(frozen=True)
class Received:
    """Rows of one table as they came, and when the service answered first (UTC, the service's clock)."""

    table: pa.Table
    asked_at: datetime
    pages: int


@dataclass(frozen=True)
class Written:
    """The answer to a write: the record's id, its new version, and what the service says it now holds."""

    id: str
    etag: str
    row: Mapping[str, object]
    request_id: str = ""


class Service:
    """What both services share. ``side`` is ``bc`` or ``dv``; ``root`` is the address all paths are below.

    ``transport`` lets tests answer in process; ``limiter`` lets several sessions of one credential share its
    limits. Plain http is taken for loopback addresses only. Raises SettingsError for an address that cannot be
    one.
    """

    side = ""
    headers: Mapping[str, str] = {}
    #: How long an address may be before the service refuses it (auth-and-limits.md section 4).
    longest_url = 8_000

    def __init__(
        self,
        root: str,
        auth: httpx.Auth | None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        at_once: int = 4,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        limiter: Limiter | None = None,
    ) -> None:
        self.root = checked(root, self.side).rstrip("/") + "/"
        self._origins = {origin(self.root)}
        self._auth, self._transport, self._sleep = auth, transport, sleep
        self.at_once = at_once
        self.limiter = limiter or Limiter(at_once, sleep=sleep)
        self._http: httpx.AsyncClient | None = None

    @property
    def name(self) -> str:
        """The service's name for people."""
        return SERVICE_NAMES[self.side]

    @property
    def traffic(self) -> Traffic:
        """What went over the wire so far, retries and waits included."""
        return self.limiter.traffic

    @property
    def writes(self) -> int:
        """Write requests that succeeded."""
        return self.traffic.writes

    @property
    def requests(self) -> int:
        """Requests sent, repetitions included."""
        return self.traffic.requests

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            client, self._http = self._http, None
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(
                auth=self._auth,
                transport=self._transport or PageTransport(self.at_once),
                timeout=_TIMEOUT,
                follow_redirects=False,
                headers={
                    "Accept": "application/json",
                    "OData-Version": "4.0",
                    "OData-MaxVersion": "4.0",
                    "User-Agent": f"d365kit/{__version__}",
                    **self.headers,
                },
                trust_env=False,
            )
        return self._http

    # --- one request -------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        repeatable: bool | None = None,
        check: Check | None = None,
    ) -> httpx.Response:
        """Send one request and return its 2xx answer (or 304).

        ``repeatable`` says whether it may be sent again when its outcome is unknown; reads are, writes are only
        when the caller says so. ``body`` is JSON, or bytes that go as they are. ``check`` looks at a good answer
        and raises Unreadable for one that is none; it then counts as lost on the way. Throttling and outages
        are waited out (auth-and-limits.md section 6). Raises a ServiceError.
        """
        url = self._absolute(url)
        again = method == "GET" if repeatable is None else repeatable
        content = body if isinstance(body, bytes) or body is None else to_json(body)
        sent = {"x-ms-client-request-id": str(uuid.uuid4()), **(headers or {})}
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        tries, refusals, waited = 0, 0, 0.0
        while True:
            answer, problem = await self._once(method, url, sent, content, check)
            if problem is None:
                assert answer is not None
                return answer
            throttled = isinstance(problem, Throttled)
            refusals += throttled
            tries += not throttled
            wait = wait_for(problem, answer, again, tries)
            if wait is None or waited >= _PATIENCE:
                raise problem
            wait = wait or backoff((refusals if throttled else tries) - 1)
            waited += wait
            self.traffic.retries += 1
            log.info("%s; trying again in %.1f s", problem.what, wait)
            if throttled:
                self.limiter.refused(wait)  # pauses every worker of this credential, this one too
            else:
                self.traffic.waited += wait
                await self._sleep(wait)

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, check: Check | None
    ) -> tuple[httpx.Response | None, ServiceError | None]:
        """One try: the answer, and what is wrong with it; no answer when the way was cut."""
        async with self.limiter:
            client = self._client()
            self.traffic.requests += 1
            began = monotonic()
            try:
                response = await client.request(method, url, headers=headers, content=content)
            except httpx.HTTPError as fault:
                return None, self._no_answer(method, url, fault)
            finally:
                # The affinity cookie would pin us to one web server and its limits.
                client.cookies.clear()
        # A response and its stream refer to each other, and megabytes would wait for the garbage collector.
        response.stream = httpx.ByteStream(b"")
        self.traffic.bytes += len(response.content)
        response.extensions["seconds"] = monotonic() - began
        if "x-ms-dop-hint" in response.headers and response.headers["x-ms-dop-hint"].isdigit():
            self.limiter.hint(int(response.headers["x-ms-dop-hint"]), self.at_once)
        if response.status_code != 429:
            self.limiter.served()
        if not (response.status_code < 300 or response.status_code == 304):
            return response, self._error(method, url, response)
        try:
            if check is not None:
                check(response)
        except Unreadable as flaw:
            return response, self._unreadable(method, url, response, flaw)
        self.traffic.writes += method not in ("GET", "HEAD")
        return response, None

    def _absolute(self, url: str) -> str:
        """``url`` below the root. Raises ServiceError for an address of another origin: no token goes there."""
        full = urljoin(self.root, url)
        if origin(full) not in self._origins:
            raise ServiceError(
                f"{self.name} pointed to another address ({origin(full)}) for its next rows.",
                "Nothing was sent there; check the service's address in the settings.",
                side=self.side,
                url=full,
            )
        return full

    # --- single rows and key lists --------------------------------------------------------------------

    def address(self, set_name: str, record: str = "") -> str:
        """Where a set or one of its records is, below the root."""
        raise NotImplementedError

    async def place(self, set_name: str, record: str) -> str:
        """Where one record is, when it may take the metadata to tell."""
        return self.address(set_name, record)

    def key(self, set_name: str, names: str) -> Key | None:
        """The key of a set by its properties' names, joined by commas; None for "", where rows have none."""
        return Key((names,)) if names else None

    async def ask(
        self, url: str, *, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The JSON object a request answers with; numbers with a fraction are Decimal. Raises a ServiceError."""
        answer = await self.request(
            method, url, body=body, headers=headers, repeatable=repeatable, check=body_of
        )  # fmt: skip
        return body_of(answer)

    async def find(self, set_name: str, condition: str, select: Sequence[str]) -> list[dict]:
        """The rows that meet an OData ``condition``, as dictionaries, from every page."""
        query = f"$filter={quote(condition, safe='')}&$select={','.join(select)}"
        url, rows, seen = f"{self.address(set_name)}?{query}", [], set()
        while url and url not in seen:
            seen.add(url)
            page = await self.ask(url)
            rows += page["value"]
            url = page.get("@odata.nextLink", "")
        return rows

    async def find_many(
        self, set_name: str, name: str, values: Iterable[str], select: Sequence[str]
    ) -> list[dict]:  # fmt: skip
        """The rows whose property ``name`` is one of ``values``, however many there are.

        The list is cut so that no address grows beyond what the service takes (conformance.md 41, 161).
        """
        rows: list[dict] = []
        for condition in self._one_of(name, list(dict.fromkeys(values)), select):
            rows += await self.find(set_name, condition, select)
        return rows

    def _one_of(self, name: str, values: Sequence[str], select: Sequence[str]) -> Iterable[str]:
        """Conditions that together ask for all ``values``, each short enough for an address."""
        room = self.longest_url - len(self.root) - sum(len(s) + 1 for s in select) - 400
        held: list[str] = []
        used = 0
        for value in values:
            cost = len(quote(self.is_one_of(name, [value]), safe="")) + len("%20or%20")
            if held and used + cost > room:
                yield self.is_one_of(name, held)
                held, used = [], 0
            held.append(value)
            used += cost
        if held:
            yield self.is_one_of(name, held)

    def is_one_of(self, name: str, values: Sequence[str]) -> str:
        """The condition that a property has one of some values."""
        raise NotImplementedError

    async def get(self, set_name: str, record: str) -> dict:
        """One row. Raises NotThere."""
        return await self.ask(await self.place(set_name, record))

    # --- errors ------------------------------------------------------------------------------------

    def said(self, response: httpx.Response) -> Said:
        """The service's own code and words; an answer that is no JSON yields neither."""
        return said(response)

    def is_stale(self, status: int, code: str) -> bool:
        """Whether an answer means that the record changed since it was read."""
        raise NotImplementedError

    def is_duplicate(self, error: ServiceError) -> bool:
        """Whether a create was refused because the record with that id is already there."""
        raise NotImplementedError

    def _no_answer(self, method: str, url: str, fault: httpx.HTTPError) -> Unreachable:
        what = "did not answer in time" if isinstance(fault, httpx.TimeoutException) else "could not be reached"
        if isinstance(fault, httpx.RemoteProtocolError | httpx.ReadError | httpx.DecodingError):
            what = "broke off its answer"
        error = Unreachable(
            f"{self.name} {what} at {origin(url)} ({type(fault).__name__}).",
            "Check the address in the settings and that the service is up, then run this again.",
            side=self.side, method=method, url=url,
        )  # fmt: skip
        error.__cause__ = fault
        return error

    def _unreadable(self, method: str, url: str, response: httpx.Response, flaw: Unreadable) -> Unreachable:
        request_id = request_ids(response, response.request.headers.get("x-ms-client-request-id", ""))
        return Unreachable(
            f"{self.name} keeps answering {method} {urlsplit(url).path.rsplit('/', 1)[-1]} with something that "
            f"cannot be read: {flaw} (request {request_id}).",
            "Run this again later; if it stays, give the request's id to the service's support.",
            side=self.side, method=method, url=url, status=response.status_code, request_id=request_id,
        )  # fmt: skip

    def _error(self, method: str, url: str, response: httpx.Response) -> ServiceError:
        request_id = request_ids(response, response.request.headers.get("x-ms-client-request-id", ""))
        return self.error(method, url, response.status_code, self.said(response), request_id)

    def error(self, method: str, url: str, status: int, told: Said, request_id: str) -> ServiceError:
        """An error answer, alone or a part of a batch, as one of ours."""
        stale = self.is_stale(status, told.code)
        return error_for(self.name, self.side, method, url, status, told, request_id, stale)
