"""httpx's transport, reading large answers in large pieces."""

from __future__ import annotations

import ssl
from typing import Any

import httpcore
import httpx

_PIECE = 1 << 20


def large_reads(connections: int) -> httpx.AsyncHTTPTransport:
    """Return httpx's own transport with up to ``connections`` kept alive.

    httpcore asks the socket for 64 KB at a time; a page has megabytes, and every piece costs a turn of the event
    loop. Larger pieces take 40 % off the time a page needs (docs/benchmarks.md).
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections, keepalive_expiry=30)
    transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
    pool = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if isinstance(backend, httpcore.AsyncNetworkBackend):
        pool._network_backend = _LargeReads(backend)  # type: ignore[union-attr]
    return transport


class _LargeReads(httpcore.AsyncNetworkBackend):
    """A network backend whose streams read large pieces."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.connect_tcp(*args, **kwargs))

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.connect_unix_socket(*args, **kwargs))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max(max_bytes, _PIECE), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
