"""make bench-ledger → how fast decisions are on the disk: one at a time and a batch, in SQLite and in PostgreSQL."""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from d365kit.ledger import Ledger
from d365kit.nouns import Pair
from tests import helpers_postgres

AT = datetime(2026, 3, 1, tzinfo=UTC)
WHO = {"by": "Ada", "at": AT}

#: As much as a proposal of a customer carries: six comparisons with both values.
EVIDENCE = [
    {"field": field, "bc": f"{field} of the record in Business Central", "dv": f"{field} of the row in Sales",
     "level": "nearly the same", "weight": 3.25}
    for field in ("name", "address_line1", "post_code", "city", "phone", "email")
]  # fmt: skip


def main() -> int:
    """Run it on each database and print the figures as the table docs/benchmarks.md shows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ledger", description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000, help="confirmations in the batch")
    parser.add_argument("--single", type=int, default=500, help="decisions one at a time")
    parser.add_argument("--times", type=int, default=3, help="runs of each")
    parser.add_argument("--folder", type=Path, default=None, help="where the files are kept (default: temporary)")
    options = parser.parse_args()
    _say(f"2 cores wanted, {os.cpu_count()} here; load {os.getloadavg()[0]:.1f} at the start")
    _say("\n| | " + " | ".join(FIGURES) + " |\n|---|" + "---|" * len(FIGURES))
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, fresh in _databases(stack, folder):
            runs = [_measure(fresh(), options.pairs, options.single) for _ in range(options.times)]
            _say(f"| {name} | " + " | ".join(_shown([r[f] for r in runs]) for f in FIGURES) + " |")
    return 0


FIGURES = ("batch", "undo of it", "export", "import", "one decision, median", "one decision, 99th percentile", "open")


def _measure(address: str, pairs: int, single: int) -> dict[str, float]:
    found: dict[str, float] = {}
    many = [Pair(f"b{n:035}", f"d{n:035}", 12.5, "certain", EVIDENCE, f"{n:032x}") for n in range(pairs)]
    with Ledger.open(address) as ledger:
        ledger.reject("customer", [Pair(f"b{n}", f"d{n}") for n in range(1_000)], **WHO)
        found["batch"] = _seconds(lambda: ledger.confirm("customer", many, **WHO))
        took = []
        for n in range(single):
            pair = Pair(f"x{n:035}", f"y{n:035}", 12.5, "certain", EVIDENCE, f"{n:032x}")
            took.append(_seconds(lambda pair=pair: ledger.confirm("customer", [pair], **WHO)))
        found["one decision, median"] = statistics.median(took)
        found["one decision, 99th percentile"] = statistics.quantiles(took, n=100)[98]
        text = b""

        def export() -> None:
            nonlocal text
            text = "".join(f"{line}\n" for line in ledger.export_lines()).encode()

        found["export"] = _seconds(export)
        found["undo of it"] = _seconds(lambda: ledger.undo(batch=2, **WHO))
        found["import"] = _seconds(lambda: ledger.import_lines(text))
    found["open"] = _seconds(lambda: Ledger.open(address).close())
    return found


def _databases(stack: contextlib.ExitStack, folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    numbers = iter(range(1_000))
    yield "SQLite", lambda: str(folder / f"ledger-{next(numbers)}.db")
    why = helpers_postgres.missing()
    if why:
        _say(f"| PostgreSQL | {why} |")
        return
    server = stack.enter_context(helpers_postgres.serving())
    yield "PostgreSQL", server.fresh


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _shown(values: list[float]) -> str:
    """The median of the runs, and from where to where they go."""
    low, middle, high = min(values), statistics.median(values), max(values)
    if high < 0.5:
        return f"{middle * 1000:.1f} ms ({low * 1000:.1f}–{high * 1000:.1f})"
    return f"{middle:.2f} s ({low:.2f}–{high:.2f})"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
