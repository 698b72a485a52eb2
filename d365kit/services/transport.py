"""httpx's transports, arranged for pages of megabytes: reads in threads, writes on the loop, large pieces."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import httpcore
import httpx

_PIECE = 1 << 18


class PageTransport(httpx.AsyncBaseTransport):
    """Sends GET in a thread of its own and everything else on the event loop, both by httpx's own transports.

    The bytes of a page cost the loop more than all the rest: in a thread they take half the time, and pages of
    several ranges arrive beside each other (docs/benchmarks.md). A read that is cancelled is abandoned to its
    thread, which harms nobody; a write must end with its task, so it stays on the loop.
    """

    def __init__(self, connections: int) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections, keepalive_expiry=30)
        self._reads = httpx.HTTPTransport(limits=limits, trust_env=False)
        self._writes = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        # httpcore asks the socket for 64 KB at a time; a page is read in far fewer pieces.
        pool = getattr(self._reads, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if isinstance(backend, httpcore.NetworkBackend):
            pool._network_backend = _LargeReads(backend)  # type: ignore[union-attr]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return await self._writes.handle_async_request(request)
        return await _in_thread(lambda: self._read(request))

    def _read(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request("GET", request.url, headers=request.headers, extensions=request.extensions)
        answer = self._reads.handle_request(asked)
        try:
            content = b"".join(answer.stream)  # type: ignore[arg-type]
        finally:
            answer.close()
        # Decoding (gzip and the like) happens here too, away from the loop.
        return httpx.Response(answer.status_code, headers=answer.headers, content=content, request=request)

    async def aclose(self) -> None:
        self._reads.close()
        await self._writes.aclose()


async def _in_thread(work: Callable[[], httpx.Response]) -> httpx.Response:
    """Run ``work`` in a daemon thread, so that neither an interrupt nor the end of the program waits for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[httpx.Response] = loop.create_future()

    def settle(result: httpx.Response | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        elif result is not None:
            done.set_result(result)

    def target() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as problem:
            error = problem
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits for this answer any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=target, name="d365kit-read", daemon=True).start()
    return await done


class _LargeReads(httpcore.NetworkBackend):
    """A network backend whose streams read large pieces."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(*args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max(max_bytes, _PIECE), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
