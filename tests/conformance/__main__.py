"""python -m tests.conformance → one line per number of the checklist: number, pass, fail or skip, and why.

The tests under this folder carry the number of their line in their name. A line passes when all its tests pass; a
line without a test fails. Ends with 1 when a line fails, or fewer than the given number pass.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LINES = 307


@dataclass
class Line:
    """What the tests of one line came to."""

    tests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def verdict(self) -> tuple[str, str]:
        """pass, fail or skip, with the names of the tests or the reason."""
        if self.failed:
            return "fail", "; ".join(dict.fromkeys(self.failed))
        if self.tests:
            return "pass", "; ".join(dict.fromkeys(self.tests))
        if self.skipped:
            return "skip", "; ".join(dict.fromkeys(self.skipped))
        return "fail", "no test"


class Collector:
    """A pytest plugin that gathers outcomes by line."""

    def __init__(self) -> None:
        self.lines: dict[int, Line] = defaultdict(Line)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = re.search(r"::test_((?:\d{3}_)+)(\w+)", report.nodeid)
        if not found:
            return
        name = found.group(2).replace("_", " ")
        for number in found.group(1).split("_")[:-1]:
            line = self.lines[int(number)]
            if report.failed:
                line.failed.append(f"{name}: {str(report.longrepr).strip().splitlines()[-1][:160]}")
            elif report.skipped:
                line.skipped.append(report.longrepr[2] if isinstance(report.longrepr, tuple) else name)
            elif report.when == "call":
                line.tests.append(name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.splitlines()[0])
    parser.add_argument("--at-least", type=int, default=0, help="fail when fewer lines pass")
    options, rest = parser.parse_known_args()
    collector = Collector()
    here = Path(__file__).parent
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main([str(here), "-q", "-p", "no:cacheprovider", *rest], plugins=[collector])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.stderr.write(said.getvalue())
        return int(code)
    counts = dict.fromkeys(("pass", "fail", "skip"), 0)
    for number in range(1, LINES + 1):
        verdict, why = collector.lines[number].verdict()
        counts[verdict] += 1
        sys.stdout.write(f"{number:>3}  {verdict}  {why[:150]}\n")
    sys.stdout.write(f"\n{counts['pass']} of {LINES} pass, {counts['fail']} fail, {counts['skip']} skipped\n")
    return int(bool(counts["fail"]) or counts["pass"] < options.at_least)


if __name__ == "__main__":
    raise SystemExit(main())
