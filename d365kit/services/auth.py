"""Token sources → httpx.Auth: sign-in that never shows its secret, asks once for all workers, renews once."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from d365kit.errors import SettingsError, SignInFailed, Unreachable
from d365kit.services.answers import backoff, retry_after

#: A token is renewed this long before it runs out, or in the last tenth of a shorter life.
_EARLY = 300.0
_TRIES = 4
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
#: What the token service's numbers mean in practice (auth-and-limits.md section 2).
_HINTS = {
    7000215: "The client secret is wrong: copy the secret's value, not its id.",
    7000222: "The client secret has run out: make a new one in the app registration.",
    700016: "The application is not known in this tenant: check the client id and the tenant.",
    90002: "The tenant is not known: check its id or domain.",
    500011: "The scope's address is not known in the tenant: check the environment's address.",
    65001: "An administrator has to consent to the application's permissions.",
    50076: "The account needs a second factor: sign in by browser, or use an application.",
    50079: "The account needs a second factor: sign in by browser, or use an application.",
    50034: "The user is not known in this tenant.",
    53003: "A conditional access policy blocks the sign-in: ask the tenant's administrator.",
}


class TokenSource(Protocol):
    """Anything that hands out a bearer token, now or when awaited; ``fresh`` asks for a new one."""

    def token(self, *, fresh: bool = False) -> str | Awaitable[str]: ...


class TokenFromEnvironment:
    """A bearer token from an environment variable, read anew each time it is asked for."""

    def __init__(self, variable: str) -> None:
        self.variable = variable

    def token(self, *, fresh: bool = False) -> str:
        """Return the token. Raises SettingsError when the variable is not set."""
        value = os.environ.get(self.variable, "").strip()
        if not value:
            raise SettingsError(
                f"The environment variable {self.variable} is not set.",
                "Set it to a bearer token for the service; tokens are never kept in files.",
            )
        return value

    def __repr__(self) -> str:
        return f"TokenFromEnvironment({self.variable!r})"


class GivenToken:
    """A token handed in by the caller and kept in memory only."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self, *, fresh: bool = False) -> str:
        """Return the token."""
        return self._token

    def __repr__(self) -> str:
        return "GivenToken(…)"


class ClientCredentials:
    """An application's own sign-in: client id and secret for a token, kept until shortly before it runs out.

    ``address`` is the tenant's token endpoint, ``scope`` ends in ``/.default``. ``clock`` is monotonic, so a change
    of the machine's time moves nothing. Raises SettingsError for an address that is not encrypted.
    """

    def __init__(
        self,
        address: str,
        client_id: str,
        secret: str,
        scope: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise SettingsError(
                f"The token address ({address}) is not encrypted, so the secret would be readable on the way.",
                "Use https://; plain http is for this machine alone.",
            )
        self.address, self.client_id, self.scope = address, client_id, scope
        self._secret, self._transport, self._clock, self._sleep = secret, transport, clock, sleep
        self._token, self._ends = "", 0.0

    async def token(self, *, fresh: bool = False) -> str:
        """Return a token that is good for a while. Raises SignInFailed, with a hint, or Unreachable."""
        if fresh or not self._token or self._clock() >= self._ends:
            body = await self._asked()
            life = float(body.get("expires_in") or 3599)
            self._token, self._ends = str(body["access_token"]), self._clock() + life - min(_EARLY, life / 10)
        return self._token

    async def _asked(self) -> dict:
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self._secret}
        form["scope"] = self.scope
        async with httpx.AsyncClient(transport=self._transport, trust_env=False, timeout=30) as client:
            for attempt in range(_TRIES):
                last = attempt == _TRIES - 1
                try:
                    response = await client.post(self.address, data=form)
                except httpx.HTTPError as fault:
                    if last:
                        raise Unreachable(
                            f"The token service could not be reached at {urlsplit(self.address).netloc} "
                            f"({type(fault).__name__}).",
                            "Check the tenant and the network, then run this again.",
                        ) from None
                    await self._sleep(backoff(attempt))
                    continue
                if response.status_code in (429, 500, 502, 503, 504) and not last:
                    await self._sleep(retry_after(response.headers.get("retry-after", "")) or backoff(attempt))
                    continue
                return _token_in(response)
        raise AssertionError("unreachable")

    def __repr__(self) -> str:
        return f"ClientCredentials({self.address!r}, {self.client_id!r}, …, {self.scope!r})"


def _token_in(response: httpx.Response) -> dict:
    try:
        body = response.json()
    except ValueError:
        body = {}
    if response.status_code == 200 and isinstance(body, dict) and body.get("access_token"):
        return body
    numbers = [n for n in (body.get("error_codes") or []) if isinstance(n, int)] if isinstance(body, dict) else []
    error = str(body.get("error", "")) if isinstance(body, dict) else ""
    hint = next((_HINTS[n] for n in numbers if n in _HINTS), "Check tenant, client id, secret and scope.")
    named = ", ".join([error, *(f"AADSTS{n}" for n in numbers)]).strip(", ") or "no reason given"
    raise SignInFailed(
        f"The token service answered {response.status_code} ({named}).", hint,
        status=response.status_code, code=error, request_id=str(body.get("trace_id", "")) if body else "",
    )  # fmt: skip


class BearerAuth(httpx.Auth):
    """Adds the bearer token; on a 401 renews it and repeats the request, once (auth-and-limits.md section 3).

    Workers that start together cause one token request, and workers that meet a 401 together one renewal.
    """

    requires_response_body = False

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last = ""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        used = await self._current()
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            renewed = await self._renewed(used)
            if renewed != used:
                request.headers["Authorization"] = f"Bearer {renewed}"
                yield request

    async def _current(self) -> str:
        async with self._one_at_a_time():
            self._last = await self._take(fresh=False)
            return self._last

    async def _renewed(self, used: str) -> str:
        """A token other than ``used``: another worker's, if it renewed while we waited, else a new one."""
        async with self._one_at_a_time():
            if self._last == used:
                self._last = await self._take(fresh=True)
            return self._last

    async def _take(self, *, fresh: bool) -> str:
        found = self._source.token(fresh=fresh)
        return await found if inspect.isawaitable(found) else found

    def _one_at_a_time(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._lock is None or self._loop is not loop:
            self._lock, self._loop = asyncio.Lock(), loop
        return self._lock

    def __repr__(self) -> str:
        return f"BearerAuth({self._source!r})"
