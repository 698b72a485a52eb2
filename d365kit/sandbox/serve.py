"""Sandbox → an HTTP server on the loopback address."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

import uvicorn

from d365kit.sandbox.emulation import Sandbox

HOST = "127.0.0.1"
_STDIN = 0


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_start()


def serve(
    sandbox: Sandbox,
    port: int = 0,
    on_ready: Callable[[dict[str, str]], None] | None = None,
    exit_with_stdin: bool = False,
) -> None:
    """Serve a sandbox on 127.0.0.1 until interrupted.

    port: 0 for a free one. on_ready: called once with the addresses (bc, dv, company, company_name, token).
    exit_with_stdin: stop when standard input closes, so that a parent's death ends the server. OSError when
    the port is taken.
    """
    listener = _listen(port)
    ready = addresses(sandbox, listener.getsockname()[1])
    config = uvicorn.Config(sandbox.app, access_log=False, log_level="warning", lifespan="off", interface="asgi3")
    server = _Server(config, lambda: on_ready(ready) if on_ready else None)
    if exit_with_stdin:
        threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def addresses(sandbox: Sandbox, port: int) -> dict[str, str]:
    """Return what a client needs to reach a served sandbox."""
    origin = f"http://{HOST}:{port}"
    return {
        "bc": origin + sandbox.bc_root,
        "dv": origin + sandbox.dv_root,
        "company": sandbox.company_id,
        "company_name": sandbox.company_name,
        "token": sandbox.token,
    }


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's algorithm off for every connection; without, each answer
    # would wait 40 ms for the client's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def _stop_with_stdin(server: uvicorn.Server) -> None:
    # Not through sys.stdin: a thread blocked in its buffer would keep the interpreter from ending on Ctrl-C.
    try:
        while os.read(_STDIN, 4096):
            pass
    except OSError:
        pass
    server.should_exit = True
