"""Token sources → httpx.Auth: sign-in that never shows its secret and renews once after a 401."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from typing import Protocol

import httpx

from d365kit.errors import SettingsError


class TokenSource(Protocol):
    """Anything that hands out a bearer token; ``fresh`` asks for a new one."""

    def token(self, *, fresh: bool = False) -> str: ...


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
        return self._token

    def __repr__(self) -> str:
        return "GivenToken(…)"


class BearerAuth(httpx.Auth):
    """Adds the bearer token; on a 401 asks for a fresh one and repeats once (auth-and-limits.md section 3)."""

    requires_response_body = False

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        used = self._take(fresh=False)
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            renewed = self._take(fresh=True)
            if renewed != used:
                request.headers["Authorization"] = f"Bearer {renewed}"
                yield request

    def _take(self, *, fresh: bool) -> str:
        with self._lock:
            return self._source.token(fresh=fresh)

    def __repr__(self) -> str:
        return f"BearerAuth({self._source!r})"
