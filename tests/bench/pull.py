"""make bench-pull → how fast tables arrive as frames, beside Microsoft's client, and beside nextLink alone."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from d365kit.services import BearerAuth, BusinessCentral, Column, Dataverse, run
from d365kit.services.auth import GivenToken
from tests.bench import company, static

HOME = Path(__file__).resolve().parents[2]
FOREIGN = HOME / "tests" / "foreign" / ".venv" / "bin" / "python"
_CUSTOMER = {"creditLimit": "amount", "lastModifiedDateTime": "datetime"}


def main() -> int:
    """Run both benchmarks and print the figures as the table docs/benchmarks.md shows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pull", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="accounts of the throughput runs")
    parser.add_argument("--half", type=int, default=500_000, help="rows of the runs with a second per page")
    parser.add_argument("--times", type=int, default=3, help="runs of each, one beside the other")
    parser.add_argument("--only", choices=["throughput", "latency"])
    parser.add_argument("--folder", type=Path, default=None, help="where the databases are kept (default: temporary)")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _say(f"2 cores wanted, {os.cpu_count()} here; load {os.getloadavg()[0]:.1f} at the start")
        if options.only != "latency":
            throughput(folder, options.rows, options.times)
        if options.only != "throughput":
            latency(folder, options.half)
    return 0


# --- throughput ----------------------------------------------------------------------------------------


def throughput(folder: Path, rows: int, times: int) -> None:
    """Rows per second into a frame: ours and Microsoft's, against the sandbox and against pre-rendered pages."""
    database = company.make(folder / f"accounts-{rows}.db", rows)
    select = ",".join(name for name, _ in company.ACCOUNT)
    with _sandbox(database) as sandbox:
        pages = folder / f"pages-{rows}"
        if not pages.exists():
            static.render(f"{sandbox['dv']}/accounts?$select={select}&$orderby=accountid", sandbox["token"], pages)
        _say(f"\n{rows:,} accounts x {len(company.ACCOUNT)} columns into a frame, over loopback")
        _compare("the sandbox", sandbox, select, times)
    with _static(pages) as server:
        _compare("pre-rendered pages", server, select, times)


def _compare(what: str, place: dict[str, str], select: str, times: int) -> None:
    ours, theirs = [], []
    for _ in range(times):
        ours.append(_child([sys.executable, "-m", "tests.bench.ours", place["dv"], place["token"]]))
        theirs.append(
            _child([str(FOREIGN), str(HOME / "tests/bench/microsoft.py"), place["dv"], place["token"], select])
        )
    for name, runs in (("d365kit", ours), ("Microsoft's dataframe.get", theirs)):
        rates = [r["rows"] / r["seconds"] for r in runs]
        _say(
            f"  {what:20} {name:26} {statistics.median(rates):>9,.0f} rows/s "
            f"({', '.join(f'{r:,.0f}' for r in rates)})  cpu {statistics.median(r['cpu'] for r in runs):5.1f} s  "
            f"peak above start {max(r['peak_mb'] for r in runs):7,.0f} MB  rows {runs[0]['rows']:,}"
        )
    ratios = [t["seconds"] / o["seconds"] for o, t in zip(ours, theirs, strict=True)]
    _say(f"  {what:20} ratio {statistics.median(ratios):.1f} ({', '.join(f'{r:.1f}' for r in ratios)})")


# --- latency ---------------------------------------------------------------------------------------------


def latency(folder: Path, rows: int) -> None:
    """Seconds for a table when every page takes a second, cut in ranges and by nextLink alone."""
    database = company.make(folder / f"half-{rows}.db", rows, rows)
    with _sandbox(database) as sandbox:
        auth = BearerAuth(GivenToken(sandbox["token"]))
        _control(sandbox, {"faults": [{"kind": "slow", "seconds": 1.0, "method": "GET"}]})
        accounts = [Column(name, kind) for name, kind in company.ACCOUNT[:12]]
        customers = [Column(name, _CUSTOMER.get(name, "text")) for name in company.CUSTOMER]
        _say(f"\n{rows:,} rows, one second added to every page")
        for name, set_name, columns, key in (
            ("Dataverse", "accounts", accounts, "accountid"),
            ("Business Central", "customers", customers, "id"),
        ):
            seconds = {}
            for split in (None, False):
                dv, bc = Dataverse(sandbox["dv"], auth), BusinessCentral(sandbox["bc"], sandbox["company"], auth)
                service = dv if name == "Dataverse" else bc
                began = time.perf_counter()
                table = run(service.rows(set_name, columns, key=key, split=split)).table
                seconds[split] = time.perf_counter() - began
                assert table.num_rows == rows, table.num_rows
                run(service.close())
            ratio = seconds[False] / seconds[None]
            _say(
                f"  {name:18} in ranges {seconds[None]:6.1f} s   by nextLink alone {seconds[False]:6.1f} s   "
                f"ratio {ratio:.1f}"
            )
        report = httpx.get(sandbox["control"], trust_env=False).json()["protection"]
        for side, figures in report.items():
            refused = sum(figures["refused"].values())
            _say(f"  {side}: at most {figures['peak_at_once']} at once, {figures['peak_in_window']} requests in a "
                 f"window, {refused} refused")  # fmt: skip


# --- processes ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[dict[str, str]]:
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HOME)
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.stdin.close()
        child.wait(20)


def _sandbox(database: Path) -> contextlib.AbstractContextManager[dict[str, str]]:
    return _process([sys.executable, "-m", "d365kit.sandbox", "--db", str(database), "--json", "--exit-with-stdin"])


def _static(pages: Path) -> contextlib.AbstractContextManager[dict[str, str]]:
    return _process([sys.executable, "-m", "tests.bench.static", str(pages)])


def _control(sandbox: dict[str, str], body: dict[str, Any]) -> None:
    httpx.post(sandbox["control"], json=body, trust_env=False).raise_for_status()


def _child(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, cwd=HOME, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
