"""Sandbox → an HTTP server on the loopback address, and one with TLS beside it where asked for."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from d365kit.sandbox import certificate
from d365kit.sandbox.control import CONTROL_PATH
from d365kit.sandbox.emulation import Sandbox
from d365kit.sandbox.gateway import CLOSE_EXTENSION

HOST = "127.0.0.1"
_STDIN = 0


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens, and listens with TLS too where it is given a socket for it."""

    def __init__(
        self, config: uvicorn.Config, on_start: Callable[[], None], tls: tuple[socket.socket, ssl.SSLContext] | None
    ) -> None:
        super().__init__(config)
        self._on_start, self._tls = on_start, tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self._tls is not None:
            listener, context = self._tls
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_server(self._protocol, sock=listener, ssl=context))
        if self.started:
            self._on_start()

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def serve(
    sandbox: Sandbox,
    port: int = 0,
    on_ready: Callable[[dict[str, str]], None] | None = None,
    exit_with_stdin: bool = False,
    tls: bool = False,
    folder: Path | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve a sandbox on 127.0.0.1 until interrupted.

    port: 0 for a free one. on_ready: called once with the addresses (bc, dv, company, company_name, token, control).
    exit_with_stdin: stop when standard input closes, so that a parent's death ends the server. tls: listen with
    TLS too, under a certificate made for this run in ``folder`` (None for a temporary one); the addresses then
    also hold tls_bc, tls_dv, tls_origin and certificate. stop: ends the server when set. OSError when the port is
    taken.
    """
    listener, secure = _listen(port), None
    ready = addresses(sandbox, listener.getsockname()[1])
    home = _home(folder) if tls else None
    if home is not None:
        paths = certificate.make(home)
        secure = (_listen(0), certificate.context(*paths))
        ready |= secure_addresses(sandbox, secure[0].getsockname()[1], paths[0])
    server = _Server(_config(sandbox), lambda: on_ready(ready) if on_ready else None, secure)
    if exit_with_stdin:
        threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
    if stop is not None:
        threading.Thread(target=_stop_with_event, args=(server, stop), daemon=True).start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()
        if secure is not None:
            secure[0].close()
        if home is not None and folder is None:
            shutil.rmtree(home, ignore_errors=True)


def addresses(sandbox: Sandbox, port: int) -> dict[str, str]:
    """Return what a client needs to reach a served sandbox."""
    origin = f"http://{HOST}:{port}"
    sandbox.tokens.origins.add(origin)
    return {
        "bc": origin + sandbox.bc_root,
        "dv": origin + sandbox.dv_root,
        "company": sandbox.company_id,
        "company_name": sandbox.company_name,
        "token": sandbox.token,
        "control": origin + CONTROL_PATH,
    }


def secure_addresses(sandbox: Sandbox, port: int, path: Path) -> dict[str, str]:
    """Return what a client needs besides to reach a served sandbox with TLS."""
    origin = f"https://{HOST}:{port}"
    sandbox.tokens.origins.add(origin)
    return {
        "tls_origin": origin,
        "tls_bc": origin + sandbox.bc_root,
        "tls_dv": origin + sandbox.dv_root,
        "certificate": str(path),
    }


def _config(sandbox: Sandbox) -> uvicorn.Config:
    """Return uvicorn's settings, with a protocol that lets the app close its connection (see `CLOSE_EXTENSION`)."""
    config = uvicorn.Config(
        sandbox.app, access_log=False, log_level="warning", lifespan="off", interface="asgi3", date_header=False,
        server_header=False,
    )  # fmt: skip
    config.load()
    base: Any = config.http_protocol_class

    class Closable(base):
        app: Any

        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            answer = self.app

            async def app(scope: Any, receive: Any, send: Any) -> None:
                scope.setdefault("extensions", {})[CLOSE_EXTENSION] = self.transport.close
                await answer(scope, receive, send)

            self.app = app

    config.http_protocol_class = Closable
    return config


def _home(folder: Path | None) -> Path:
    return folder if folder is not None else Path(tempfile.mkdtemp(prefix="d365kit-sandbox-"))


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


def _stop_with_event(server: _Server, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True
