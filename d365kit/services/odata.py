"""One OData session: requests with patience, pages, and the errors of both services as ours."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pyarrow as pa

from d365kit import __version__
from d365kit.errors import (
    Forbidden,
    NotThere,
    PullIncomplete,
    Refused,
    ServiceError,
    SettingsError,
    SignInFailed,
    StaleRecord,
    Throttled,
    Unreachable,
)
from d365kit.services.arrow import BrokenPage, Column, next_link, page_to_table

log = logging.getLogger(__name__)

SERVICE_NAMES = {"bc": "Business Central", "dv": "Dataverse"}
_TRIES = 8
_LONGEST_WAIT = 120.0
_TIMEOUT = httpx.Timeout(connect=10, read=130, write=60, pool=60)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

Progress = Callable[[int], None]


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


@dataclass(frozen=True)
class _Said:
    """What an error answer says, whatever its shape."""

    code: str
    text: str


class Service:
    """What both services share. ``side`` is ``bc`` or ``dv``; ``root`` is the address all paths are below.

    ``transport`` lets tests answer in process. Plain http is taken for loopback addresses only.
    Raises SettingsError for an address that cannot be one.
    """

    side = ""
    headers: Mapping[str, str] = {}

    def __init__(
        self,
        root: str,
        auth: httpx.Auth | None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        at_once: int = 4,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.root = _checked(root, self.side).rstrip("/") + "/"
        self._origin = _origin(self.root)
        self._auth, self._transport, self._at_once, self._sleep = auth, transport, at_once, sleep
        self._http: httpx.AsyncClient | None = None
        self._gate: asyncio.Semaphore | None = None
        self.writes = 0
        self.requests = 0

    @property
    def name(self) -> str:
        return SERVICE_NAMES[self.side]

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(
                auth=self._auth,
                transport=self._transport,
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
            self._gate = asyncio.Semaphore(self._at_once)
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
    ) -> httpx.Response:
        """Send one request and return its 2xx answer (or 304).

        ``repeatable`` says whether it may be sent again when no answer came; reads are, writes are only
        when the caller says so. Throttling and outages are waited out (auth-and-limits.md section 6).
        Raises a ServiceError.
        """
        url = self._absolute(url)
        again = method == "GET" if repeatable is None else repeatable
        content = None if body is None else json.dumps(body, default=_json, ensure_ascii=False).encode()
        sent = dict(headers or {})
        sent["x-ms-client-request-id"] = str(uuid.uuid4())
        if content is not None:
            sent["Content-Type"] = "application/json"
        for attempt in range(_TRIES):
            problem, wait = await self._once(method, url, sent, content, again)
            if isinstance(problem, httpx.Response):
                return problem
            if wait is None or attempt == _TRIES - 1:
                raise problem
            log.info("%s: %s; trying again in %.1f s", self.name, problem.what, wait)
            await self._sleep(wait if wait > 0 else _backoff(attempt))
        raise AssertionError("unreachable")

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, again: bool
    ) -> tuple[httpx.Response | ServiceError, float | None]:
        """One try: the answer, or the error with how long to wait (0 = back off, None = give up)."""
        client = self._client()
        assert self._gate is not None
        self.requests += 1
        try:
            async with self._gate:
                response = await client.request(method, url, headers=headers, content=content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
            return self._no_answer(method, url, fault), None if _refused(fault) else 0.0
        except httpx.HTTPError as fault:
            return self._no_answer(method, url, fault), 0.0 if again else None
        finally:
            # The affinity cookie would pin us to one web server and its limits.
            client.cookies.clear()
        if response.status_code < 300 or response.status_code == 304:
            if method != "GET":
                self.writes += 1
            return response, None
        return self._error(method, url, response), self._wait(response, again)

    def _wait(self, response: httpx.Response, again: bool) -> float | None:
        status = response.status_code
        if status == 429 or (status == 503 and (again or "retry-after" in response.headers)):
            return retry_after(response.headers.get("retry-after", ""), response.headers.get("date", ""))
        if status in (408, 500, 502, 504) and again:
            return 0.0
        return None

    def _absolute(self, url: str) -> str:
        """``url`` below the root. Raises ServiceError for an address of another origin: no token goes there."""
        full = urljoin(self.root, url)
        if _origin(full) != self._origin:
            raise ServiceError(
                f"{self.name} pointed to another address ({_origin(full)}) for its next rows.",
                "Nothing was sent there; check the service's address in the settings.",
                side=self.side,
                url=full,
            )
        return full

    # --- single rows ---------------------------------------------------------------------------------

    def address(self, set_name: str, record: str = "") -> str:
        """Where a set or one of its records is, below the root."""
        raise NotImplementedError

    async def find(self, set_name: str, condition: str, select: Sequence[str]) -> list[dict]:
        """The few rows that meet an OData ``condition``, as dictionaries."""
        query = httpx.QueryParams({"$filter": condition, "$select": ",".join(select)})
        return (await self.request("GET", f"{self.address(set_name)}?{query}")).json()["value"]

    async def get(self, set_name: str, record: str) -> dict:
        """One row. Raises NotThere."""
        return (await self.request("GET", self.address(set_name, record))).json()

    # --- rows --------------------------------------------------------------------------------------

    async def read(
        self, path: str, columns: Sequence[Column], query: Mapping[str, str], key: str,
        *, headers: Mapping[str, str] | None = None, progress: Progress | None = None,
    ) -> Received:  # fmt: skip
        """Read all rows of ``path``, page by page; a key that comes twice is kept once, the later row.

        Raises PullIncomplete when a page stays unreadable, and ServiceErrors.
        """
        url = path + "?" + "&".join(f"{k}={quote(v, safe='(),')}" for k, v in query.items())
        tables, asked_at, pages = [], None, 0
        async for table, date in self._pages(url, columns, headers or {}):
            asked_at = asked_at or date
            pages += 1
            tables.append(table)
            if progress:
                progress(table.num_rows)
        table = pa.concat_tables(tables)
        return Received(_once_each(table, key), asked_at or datetime.now(UTC), pages)

    async def _pages(
        self, url: str, columns: Sequence[Column], headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[pa.Table, datetime]]:
        seen = {url}
        request = asyncio.ensure_future(self._page(url, headers))
        try:
            while True:
                response = await request
                link = next_link(response.content)
                if link:
                    link = urljoin(str(response.url), link)
                    if link in seen:
                        raise PullIncomplete(
                            f"{self.name} offers the same page again and again.", "Pull again later."
                        )
                    seen.add(link)
                    request = asyncio.ensure_future(self._page(link, headers))
                yield await self._parsed(response, columns), server_time(response)
                if not link:
                    return
        finally:
            request.cancel()

    async def _parsed(self, response: httpx.Response, columns: Sequence[Column]) -> pa.Table:
        try:
            return await asyncio.to_thread(page_to_table, response.content, columns)
        except BrokenPage as problem:
            raise PullIncomplete(
                f"{self.name} sent rows of {response.url.path.rsplit('/', 1)[-1]} that cannot be read: {problem}.",
                "Compare the kind's field types in the catalogue with the service's metadata.",
            ) from problem

    async def _page(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """One whole page; an answer with status 200 that is no page is a transport fault and asked for again."""
        for attempt in range(_TRIES):
            response = await self.request("GET", url, headers=headers)
            if _whole(response.content):
                return response
            await self._sleep(_backoff(attempt))
        raise PullIncomplete(f"{self.name} kept sending a page that breaks off or is not JSON.", "Pull again later.")

    # --- errors ------------------------------------------------------------------------------------

    def said(self, response: httpx.Response) -> _Said:
        """The service's own code and words; an answer that is no JSON yields neither."""
        try:
            error = json.loads(response.content)["error"]
            return _Said(str(error.get("code") or ""), str(error.get("message") or ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _Said("", "")

    def is_stale(self, status: int, code: str) -> bool:
        """Whether an answer means that the record changed since it was read."""
        raise NotImplementedError

    def is_duplicate(self, error: ServiceError) -> bool:
        """Whether a create was refused because the record with that id is already there."""
        raise NotImplementedError

    def _no_answer(self, method: str, url: str, fault: httpx.HTTPError) -> Unreachable:
        what = "did not answer in time" if isinstance(fault, httpx.TimeoutException) else "could not be reached"
        return Unreachable(
            f"{self.name} {what} at {_origin(url)} ({type(fault).__name__}).",
            "Check the address in the settings and that the service is up, then run this again.",
            side=self.side, method=method, url=url,
        )  # fmt: skip

    def _error(self, method: str, url: str, response: httpx.Response) -> ServiceError:
        said, status = self.said(response), response.status_code
        what = f"{self.name} answered {status} to {method} {urlsplit(url).path.rsplit('/', 1)[-1]}"
        what += f": {said.text.strip()}" if said.text else "."
        kind, todo = self._meaning(status, said.code)
        return kind(
            what, todo, side=self.side, method=method, url=url, status=status, code=said.code,
            request_id=response.headers.get("x-ms-service-request-id", "")
            or response.headers.get("x-ms-correlation-id", ""),
            transient=status in (408, 429, 500, 502, 503, 504),
        )  # fmt: skip

    def _meaning(self, status: int, code: str) -> tuple[type[ServiceError], str]:
        if self.is_stale(status, code):
            return StaleRecord, "Somebody changed the record meanwhile: pull and plan again."
        if status == 401:
            return SignInFailed, "Check the sign-in: the token may have run out or be meant for another service."
        if status == 403:
            return Forbidden, "Ask an administrator for the missing permission."
        if status == 404:
            return NotThere, "The record or table is not there: pull again, or check the address."
        if status == 429:
            return Throttled, "The service is busy with too many requests: run this again later."
        if status >= 500 or status == 408:
            return ServiceError, "The service has a fault of its own: run this again later."
        return Refused, "Mend what the service names, then plan and apply again."


def _checked(root: str, side: str) -> str:
    parts = urlsplit(root)
    name = SERVICE_NAMES.get(side, side)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"“{root}” is not an address of {name}.", "It must begin with https://.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsError(
            f"The address of {name} ({root}) is not encrypted, so the token would be readable on the way.",
            "Use https://; plain http is for this machine alone.",
        )
    return root


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _refused(fault: httpx.HTTPError) -> bool:
    """A refused connection is an answer: nobody listens there, and waiting minutes would not help."""
    return "refused" in str(fault).lower() or "connection attempts failed" in str(fault).lower()


def _backoff(attempt: int) -> float:
    return random.uniform(0, min(_LONGEST_WAIT, 2.0 * 2**attempt))


def retry_after(value: str, now: str = "") -> float:
    """Seconds to wait for a Retry-After in seconds or as an HTTP date; 0 when it says nothing usable."""
    try:
        return min(max(float(value), 0.0), 300.0)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
        start = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return min(max((until - start).total_seconds(), 0.0), 300.0)
    except (ValueError, TypeError):
        return 0.0


def server_time(response: httpx.Response) -> datetime:
    """The service's clock as the answer's Date header gives it (UTC); our own where it gives none."""
    try:
        return parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC)


def _whole(body: bytes) -> bool:
    return b'"value"' in body and body.rstrip().endswith(b"}")


def _once_each(table: pa.Table, key: str) -> pa.Table:
    """The rows of ``table`` with each key once, the last one met (rows move between pages)."""
    if not key:
        return table
    keys = table.column(key).to_pylist()
    last = {k: i for i, k in enumerate(keys)}
    return table if len(last) == len(keys) else table.take(sorted(last.values()))


def _json(value: object) -> object:
    from decimal import Decimal

    if isinstance(value, Decimal):
        # Both services want JSON numbers. Whole and fractional amounts of 15 digits survive as floats.
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
