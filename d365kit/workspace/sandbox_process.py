"""The sandbox as a process of its own that ends with ours: start it, learn its addresses, stop it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from d365kit.errors import Unreachable
from d365kit.workspace.settings import SandboxSettings

_PATIENCE = 120


class SandboxProcess:
    """Both emulated services on loopback; ``info`` holds bc, dv, company, company_name and token."""

    def __init__(self, folder: Path, settings: SandboxSettings) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [
                sys.executable, "-m", "d365kit.sandbox", "--db", str(folder / settings.database),
                "--customers", str(settings.customers), "--seed", str(settings.seed),
                "--json", "--exit-with-stdin",
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            self.info: dict[str, str] = json.loads(line)
        except ValueError:
            said = self._process.communicate(timeout=_PATIENCE)[1].strip().splitlines()
            raise Unreachable(
                f"The sandbox did not start: {said[-1] if said else 'it said nothing'}.",
                "Run d365kit sandbox serve to see what it says.",
            ) from None

    def stop(self) -> None:
        """Close its standard input, which ends it; be firm when it does not."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
