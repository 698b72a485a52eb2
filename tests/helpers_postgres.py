"""A PostgreSQL server of the tests' own: the distribution's programs, an unprivileged user, a folder of its own."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

_numbers = itertools.count(1)


def programs() -> Path | None:
    """The folder of initdb and postgres; Debian keeps it off the path."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -float(p.parent.name))
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


def missing() -> str:
    """Why there is no server to test with, or ``""``."""
    if programs() is None:
        return "PostgreSQL is not installed; run make setup-ci"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return 'psycopg is not installed; run pip install -e ".[dev]"'
    return ""


def need() -> None:
    """Skip the test without PostgreSQL; where CI is set, its absence is a failure."""
    why = missing()
    if why and os.environ.get("CI"):
        pytest.fail(f"{why}, and in CI this may not be skipped")
    if why:
        pytest.skip(why)


class Server:
    """A running server; every ledger gets a schema of its own in its one database."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._engine = create_engine(self.address(), isolation_level="AUTOCOMMIT")

    def address(self, schema: str = "public") -> str:
        """The address of a ledger in ``schema``."""
        return f"postgresql+psycopg://d365kit@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{schema}"

    def run(self, statement: str) -> list:
        """Run a statement behind the ledger's back, as the owner of the server."""
        with self._engine.connect() as connection:
            result = connection.execute(text(statement))
            return list(result) if result.returns_rows else []

    def fresh(self) -> str:
        """The address of an empty place for a ledger."""
        schema = f"ledger_{os.getpid()}_{next(_numbers)}"
        self.run(f"CREATE SCHEMA {schema}")
        return self.address(schema)

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def serving() -> Iterator[Server]:
    """Start a server and stop it at the end. Every commit is synchronised with the disk, as in life."""
    bin_ = programs()
    assert bin_
    folder = Path(tempfile.mkdtemp(prefix="d365kit-postgres-"))
    user = _user()
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, port = folder / "data", _free_port()
    more: dict = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    server: subprocess.Popen | None = None
    try:
        subprocess.run(
            [bin_ / "initdb", "-D", data, "-U", "d365kit", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True, capture_output=True, cwd=folder, env=env, timeout=120, **more,
        )  # fmt: skip
        settings = {
            "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "on",
            "max_connections": 60, "shared_buffers": "32MB",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [bin_ / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=folder, env=env, **more
            )
        running = Server(port)
        _wait(running, server, folder / "log")
        yield running
        running.close()
    finally:
        if server is not None:
            server.send_signal(3)  # at once: nobody will start it again
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    """Whom to run the server as: nobody else than we are, unless we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(server: Server, process: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        try:
            server.run("SELECT 1")
        except Exception:
            assert process.poll() is None, log.read_text("utf-8", "replace")
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server does not answer: {log.read_text('utf-8', 'replace')}")
