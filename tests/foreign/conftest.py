"""Software of others, unmodified and in environments of its own: how the tests start it and read what it says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from d365kit.sandbox import Sandbox
from tests.conformance.helpers_edge import served

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these start other programs, and need what `make setup-ci` installs."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


def python(script: str) -> list[str]:
    """The command of a Python script of this folder, in the environment made for it."""
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is not there: run make setup-ci")
    return [str(PYTHON), str(HERE / script)]


def node(script: str) -> list[str]:
    """The command of a JavaScript program of this folder."""
    if which("node") is None or not (HERE / "node_modules").exists():
        pytest.fail("node, or tests/foreign/node_modules, is not there: run make setup-ci")
    return ["node", str(HERE / script)]


@dataclass
class Told:
    """What a program said, step by step, and the sandbox it worked on."""

    sandbox: Sandbox
    ready: dict[str, str]
    lines: dict[str, dict[str, Any]]

    def __getitem__(self, step: str) -> Any:
        """The value of a step that went well."""
        line = self.lines[step]
        assert "value" in line, line
        return line["value"]

    def refused(self, step: str) -> tuple[str, int]:
        """The error of a step and its status."""
        line = self.lines[step]
        assert "error" in line, line
        return line["error"], line["status"]

    def rows(self, table: str, where: str, *columns: str) -> list[tuple[Any, ...]]:
        """Rows as the sandbox holds them."""
        return self.sandbox.store.query(f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY 1")


def told(command: list[str], **environment: str) -> dict[str, dict[str, Any]]:
    """Run a program to its end and return the lines it said by step."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=HERE,
        env={**os.environ, "NO_PROXY": "*", **environment},
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, done.stderr
    return {line["step"]: line for line in lines}


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A small company, served over http and TLS."""
    with Sandbox.create(customers=20, faults=(), dirt=0) as sandbox, served(sandbox, tls=True) as ready:
        yield sandbox, ready
