"""Many processes on one ledger, and processes killed at any moment: nothing coupled twice, nothing acknowledged lost.

Short here; `make test-slow` has a minute of eight processes on each database and a hundred kills.
"""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from d365kit.ledger import Ledger

#: Every process starts with this; each adds what it does. What it prints is acknowledged: the ledger had said yes.
HELPER = """
import itertools, random, sys, time
from datetime import UTC, datetime
from d365kit.errors import AlreadyCoupled, LedgerError
from d365kit.ledger import Ledger
from d365kit.nouns import Pair
address, me, until = sys.argv[1], sys.argv[2], float(sys.argv[3])
dice = random.Random(me)
who = {"by": me, "at": datetime(2026, 3, 1, tzinfo=UTC)}
ledger = Ledger.open(address)
print("ready", flush=True)
sys.stdin.readline()
end = time.monotonic() + until
"""

#: Overlapping pairs: all processes want the same records, each with partners of its own liking.
CONFIRM = """
for n in itertools.count():
    if time.monotonic() > end:
        break
    chosen = dice.sample(range(n, n + 40), dice.choice((1, 1, 1, 5)))
    pairs = [Pair(f"b{c}", f"d{c + dice.randrange(3)}", 5.5, "certain", [{"field": "name"}], "f") for c in chosen]
    try:
        batch = ledger.confirm("customer", pairs, **who)
    except AlreadyCoupled:
        continue
    if batch:
        print("confirmed", *(f"{p.bc_id}={p.dv_id}" for p in ledger.decisions(batch=batch)), flush=True)
    if batch and dice.random() < 0.05:
        try:
            undone = ledger.undo(batch=batch, **who)
        except LedgerError:
            continue
        print("undone", *(f"{d.bc_id}={d.dv_id}" for d in undone), flush=True)
"""

#: One decision after the other, each told of as soon as it is said to be kept.
KILLED = """
for n in itertools.count():
    if n % 3:
        ledger.confirm("customer", [Pair(f"{me} b{n}", f"{me} d{n}")], **who)
    else:
        ledger.confirm("customer", [Pair(f"{me} b{n}.{i}", f"{me} d{n}.{i}") for i in range(4)], **who)
    print(n, flush=True)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path: Path) -> str:
    """The address of an empty ledger."""
    return str(tmp_path / "ledger.db") if request.param == "sqlite" else request.getfixturevalue("postgres").fresh()


def start(address: str, me: str, does: str, seconds: float = 0) -> subprocess.Popen:
    script = HELPER + textwrap.dedent(does)
    return subprocess.Popen(
        [sys.executable, "-c", script, address, me, str(seconds)], stdin=-1, stdout=-1, stderr=-1, text=True
    )


def go(*processes: subprocess.Popen) -> None:
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def storm(address: str, number: int, seconds: float) -> int:
    """Let ``number`` processes confirm overlapping pairs, hold what they were told against the ledger."""
    processes = [start(address, f"p{n}", CONFIRM, seconds) for n in range(number)]
    go(*processes)
    said = []
    for process in processes:
        out, problem = process.communicate(timeout=seconds + 120)
        assert process.returncode == 0, problem
        said.append(out.splitlines())
    with Ledger.open(address) as ledger:
        frame, lines = ledger.couplings("customer"), ledger.decisions()
    assert frame["bc_id"].is_unique
    assert frame["dv_id"].is_unique
    assert [d.position for d in lines] == list(range(1, len(lines) + 1))
    told = {verb: {(f"p{me}", pair) for me, all_ in enumerate(said) for line in all_ if line.startswith(verb)
                   for pair in line.split()[1:]} for verb in ("confirmed", "undone")}  # fmt: skip
    kept = {
        verb: {(d.by, f"{d.bc_id}={d.dv_id}") for d in lines if d.verdict == verdict}
        for verb, verdict in (("confirmed", "confirm"), ("undone", "undo"))
    }
    assert told == kept, "every acknowledged decision is there, and nobody was told of one that is not"
    undone = {d.undoes for d in lines if d.verdict == "undo"}
    counting = {(d.bc_id, d.dv_id) for d in lines if d.verdict == "confirm" and d.batch not in undone}
    assert set(frame[["bc_id", "dv_id"]].itertuples(index=False, name=None)) == counting
    assert {by for by, _ in kept["confirmed"]} == {f"p{n}" for n in range(number)}, "everybody got a turn"
    return len(lines)


def kill(address: str, me: str, wait: float) -> tuple[int, int]:
    """Kill a process while it decides; how many acts it was told of, and how many are there."""
    process = start(address, me, KILLED)
    go(process)
    time.sleep(wait)
    process.kill()
    out, _ = process.communicate(timeout=60)
    told = len(out.split("\n")) - 1
    with Ledger.open(address) as ledger:
        mine = ledger.decisions(by=me)
        coupled = {bc_id for bc_id in ledger.couplings("customer")["bc_id"] if bc_id.startswith(f"{me} ")}
    acts = len({d.batch for d in mine})
    assert told <= acts <= told + 1, "at most the act that was under way is there without its having been told"
    assert len(mine) == sum(1 if n % 3 else 4 for n in range(acts)), "no batch is there in part"
    assert coupled == {d.bc_id for d in mine}
    return told, acts


def test_processes_that_want_the_same_records_break_nothing(address: str) -> None:
    storm(address, 3, 2)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_eight_processes_for_a_minute_break_nothing(address: str) -> None:
    assert storm(address, 8, 60) > 1_000


def kills(address: str, number: int, seed: int) -> None:
    dice = random.Random(seed)
    told = [kill(address, f"k{n}", dice.uniform(0, 0.4))[0] for n in range(number)]
    assert any(told)
    with Ledger.open(address) as ledger:
        assert [d.position for d in ledger.decisions()] == list(range(1, ledger.position + 1))


def test_a_process_killed_at_any_moment_loses_nothing(tmp_path: Path, postgres) -> None:
    kills(str(tmp_path / "ledger.db"), 5, 1)
    kills(postgres.fresh(), 2, 2)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_kills_lose_nothing(address: str) -> None:
    kills(address, 100, 3)
