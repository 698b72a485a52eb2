"""make bench-match → how well and how fast records are matched, beside Splink alone and Business Central's way."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.measured import KINDS
from tests.bench.sets import NAMES, make

HOME = Path(__file__).resolve().parents[2]
PARTS = ("quality", "cost", "answers", "again", "steady")
#: Seeds of records that have nothing to do with those of a set, by hand.
_STRANGERS = {"left": 1_000_003, "right": 2_000_003}
_OURS, _SPLINK, _BC = "d365kit", "Splink alone", "Business Central's way"
_MODULES = {_OURS: "match_ours", _SPLINK: "match_splink", _BC: "match_bc"}
#: Splink's F1, memory and time are printed beside ours; this much of its time may ours take.
_MOST_TIME = 1.5

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Aim:
    """What is aimed at, in words, and whether figures reach it."""

    says: str
    met: Callable[[Figures], bool]


def _f1(least: float) -> Aim:
    return Aim(f"F1 ≥ {least}", lambda f: f["f1"] >= least)


def _certain(coverage: float, precision: float) -> Aim:
    says = f"certain ≥ {coverage:.0%} of all at ≥ {precision:.1%}"
    return Aim(says, lambda f: f["certain_coverage"] >= coverage and f["certain_precision"] >= precision)


_NEVER_BELOW = Aim("certain right in ≥ 99 %", lambda f: f["certain_precision"] >= 0.99)
#: Out of the box, by set.
QUALITY: Mapping[str, Sequence[Aim]] = {
    "companies": [_f1(0.988), _certain(0.95, 0.995)],
    "companies_hard": [_f1(0.93), _NEVER_BELOW],
    "items": [_f1(0.92), _NEVER_BELOW],
    "names_and_towns": [_f1(0.95), _NEVER_BELOW],
    "febrl4": [_f1(0.999), _NEVER_BELOW],
}
#: Seconds and gigabytes by records a side.
COST = {100_000: (30.0, 1.6), 1_000_000: (240.0, 8.0)}
#: Sets whose F1 must be higher after a hundred answers.
LEARNS = ("companies_hard", "names_and_towns")


def main(words: Sequence[str] | None = None) -> int:
    """Run the parts asked for and print their figures as the tables docs/benchmarks.md shows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.match", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="one part (again for more; default: all)")
    parser.add_argument("--set", choices=NAMES, action="append", dest="sets", help="one set (again for more)")
    parser.add_argument("--size", type=int, help="records a side (default: the set's own; cost: 100,000)")
    parser.add_argument("--seed", type=int, default=101, help="1 to 4 for development, 101 for reported figures")
    parser.add_argument("--times", type=int, default=1, help="cost: runs of each, one beside the other")
    parser.add_argument("--folder", type=Path, help="where sets are kept (default: temporary)")
    options = parser.parse_args(words)
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(folder, options.size, options.seed, options.sets or NAMES)
        _say(
            f"2 cores wanted, {os.cpu_count()} here; load {os.getloadavg()[0]:.1f} at the start; seed {options.seed}"
        )
        for part in options.only or PARTS:
            if part == "cost":
                bench.cost(options.times)
            else:
                getattr(bench, part)()
    return 0


@dataclass(frozen=True)
class Bench:
    """The parts, on sets of one seed."""

    folder: Path
    size: int | None
    seed: int
    sets: Sequence[str]

    def quality(self) -> None:
        """F1 at the default of each matcher, and what `certain` covers, on every set."""
        _say("\nOut of the box, each matcher at its own default")
        head = ("set", "records a side", "matcher", "F1", "precision", "recall", "best F1", "R99.5", "certain",
                "right of certain", "aim", "reached")  # fmt: skip
        rows = []
        for name in self._ready(self.sets):
            for matcher in _MODULES:
                found = self._run(name, matcher, *(["--candidates"] if matcher != _BC else []))
                shown = [_share(found, key) for key in ("f1", "precision", "recall", "best_f1", "r99.5")]
                certain = [_percent(found, key) for key in ("certain_coverage", "certain_precision")]
                aims = _judge(QUALITY[name], found) if matcher == _OURS else _judge((), found)
                rows.append([name, _records(self._set(name)), matcher, *shown, *certain, *aims])
        _table(head, rows)

    def cost(self, times: int) -> None:
        """Seconds and memory of ours and of Splink alone, one beside the other."""
        size = self.size or 100_000
        _say(f"\nCost of {size:,} × {size:,} companies, without reading the files")
        if not self._ready(["companies"], size):
            return
        runs: dict[str, list[dict[str, Any]]] = {_OURS: [], _SPLINK: []}
        for _ in range(times):
            for matcher, done in runs.items():
                done.append(self._run("companies", matcher, size=size))
        ours, splink = (_middle(done) for done in runs.values())
        head = "matcher", "seconds", "processor", "peak", "F1", "aim", "reached"
        rows = []
        for matcher, found in ((_OURS, ours), (_SPLINK, splink)):
            aims = _judge(_cost_aims(size, splink) if matcher == _OURS else (), found)
            shown = [
                _number(found, "seconds", " s"),
                _number(found, "cpu", " s"),
                _number(found, "peak_gb", " GB", 2),
            ]
            rows.append([matcher, *shown, _share(found, "f1"), *aims])
        _table(head, rows)
        if "seconds" in ours and "seconds" in splink:
            each = zip(runs[_OURS], runs[_SPLINK], strict=True)
            ratios = [o["seconds"] / s["seconds"] for o, s in each if "seconds" in o and "seconds" in s]
            used = ours["cpu"] / splink["cpu"]
            _say(f"d365kit takes {statistics.median(ratios):.2f} of Splink's time, {used:.2f} of its processor time")

    def answers(self) -> None:
        """F1 and `certain` before and after a hundred answers of somebody who knows the truth."""
        _say("\nA hundred answers, to the most doubtful first")
        head = ("set", "confirmed", "rejected", "F1 before", "if only written down", "after", "certain before",
                "after", "right of certain before", "after", "aim", "reached")  # fmt: skip
        rows = []
        for name in self._ready([n for n in self.sets if n != "febrl4"]):
            found = self._run(name, _OURS, "--what", "answers")
            f1 = [_share(found, f"f1_{when}") for when in ("before", "told", "after")]
            certain = [_percent(found, f"certain_coverage_{when}") for when in ("before", "after")]
            right = [_percent(found, f"certain_precision_{when}") for when in ("before", "after")]
            decided = [str(found.get(key, "–")) for key in ("confirmed", "rejected")]
            rows.append([name, *decided, *f1, *certain, *right, *_judge(_answers_aims(name), found)])
        _table(head, rows)

    def again(self) -> None:
        """Seconds of proposing again after two hundred decisions."""
        _say("\nProposing again after two hundred decisions")
        aim = Aim("at most a third", lambda f: f["ratio"] <= 1 / 3)
        head = (
            "set",
            "records a side",
            "first",
            "again",
            "share of the first",
            "of its processor time",
            "aim",
            "reached",
        )
        rows = []
        for name in self._ready([n for n in self.sets if n != "febrl4"]):
            found = self._run(name, _OURS, "--what", "again")
            shown = [_number(found, "first_seconds", " s"), _number(found, "again_seconds", " s")]
            shares = [_number(found, "ratio", "", 2), _number(found, "cpu_ratio", "", 2)]
            rows.append([name, _records(self._set(name)), *shown, *shares, *_judge([aim], found)])
        _table(head, rows)

    def steady(self) -> None:
        """What changes when rows are shuffled, sides swapped, and a tenth of unrelated records added."""
        _say("\nThe same records in another order, on the other side, among others")
        aims = [
            Aim("shuffled: none", lambda f: f["shuffled"] == 0),
            Aim("swapped: none", lambda f: f["swapped"] == 0),
            Aim("certain among others: < 1 ‰", lambda f: f["grown_in_thousand"] < 1),
        ]
        head = (
            "set",
            "pairs",
            "other when shuffled",
            "when swapped",
            "scores apart at most",
            "certain",
            "other among 10 % more",
            "aim",
            "reached",
        )
        rows = []
        for name in self._ready([n for n in self.sets if n != "febrl4"]):
            strangers = self._set(name).parent / f"{name}-strangers"
            for hand, seed in _STRANGERS.items():
                if not (strangers / hand).exists():
                    make(name, strangers / hand, size=max(_lines(self._set(name)) // 10, 20), seed=seed)
            found = self._run(name, _OURS, "--what", "steady", "--other", str(strangers))
            shown = [_count(found, key) for key in ("pairs", "shuffled", "swapped", "certain", "grown")]
            shown.insert(3, _number(found, "scores_apart", "", 6))
            rows.append([name, *shown, *_judge(aims, found)])
        _table(head, rows)

    # --- sets and processes --------------------------------------------------------------------------------

    def _set(self, name: str, size: int | None = None) -> Path:
        return self.folder / f"{name}-{size or self.size or 'own'}-{self.seed}"

    def _ready(self, names: Iterable[str], size: int | None = None) -> list[str]:
        """Make the sets that are not there; what cannot be made is said and left out."""
        made = []
        for name in names:
            folder = self._set(name, size)
            try:
                if not folder.exists():
                    make(name, folder, size=size or self.size, seed=self.seed)
            except (OSError, subprocess.SubprocessError) as problem:
                _say(f"{name} cannot be made here: {problem}")
            else:
                made.append(name)
        return made

    def _run(self, name: str, matcher: str, *more: str, size: int | None = None) -> dict[str, Any]:
        """The figures of one measured run in a process of its own; `missing` says why there are none."""
        module = f"tests.bench.{_MODULES[matcher]}"
        command = [sys.executable, "-m", module, str(self._set(name, size)), "--kind", KINDS[name], *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=HOME, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            return {"missing": f"{matcher} failed on {name}: {last}"}
        return json.loads(done.stdout.splitlines()[-1])


def _cost_aims(size: int, splink: Figures) -> list[Aim]:
    aims = []
    if size in COST:
        seconds, memory = COST[size]
        aims.append(Aim(f"about {seconds:.0f} s", lambda f: f["seconds"] <= seconds))
        aims.append(Aim(f"≤ {memory} GB", lambda f: f["peak_gb"] <= memory))
    if "f1" in splink:
        aims.append(Aim("F1 above Splink's", lambda f: f["f1"] > splink["f1"]))
        aims.append(Aim("no more memory", lambda f: f["peak_gb"] <= splink["peak_gb"]))
        aims.append(Aim(f"≤ {_MOST_TIME} of its time", lambda f: f["seconds"] <= _MOST_TIME * splink["seconds"]))
    return aims


def _answers_aims(name: str) -> list[Aim]:
    aims = [
        Aim("certain never less right", lambda f: f["certain_precision_after"] >= f["certain_precision_before"]),
        Aim("nor fewer", lambda f: f["certain_coverage_after"] >= f["certain_coverage_before"]),
    ]
    higher = Aim("F1 higher", lambda f: f["f1_after"] > f["f1_before"])
    return [*aims, higher] if name in LEARNS else aims


def _judge(aims: Sequence[Aim], found: Figures) -> tuple[str, str]:
    """The aims in words, and which of them are reached; or why there are no figures."""
    if "missing" in found:
        return "; ".join(aim.says for aim in aims), str(found["missing"])
    missed = [aim.says for aim in aims if not aim.met(found)]
    reached = "" if not aims else "yes" if not missed else f"not: {'; '.join(missed)}"
    return "; ".join(aim.says for aim in aims), reached


def _middle(runs: Sequence[Figures]) -> Figures:
    """The run whose time is the median; the first without figures, if any failed."""
    if not runs or any("missing" in run for run in runs):
        return next((run for run in runs if "missing" in run), {"missing": "not run"})
    return sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]


# --- words -----------------------------------------------------------------------------------------------


def _share(found: Figures, key: str) -> str:
    return f"{found[key]:.4f}" if key in found else "–"


def _percent(found: Figures, key: str) -> str:
    return f"{found[key]:.2%}" if key in found else "–"


def _number(found: Figures, key: str, unit: str, digits: int = 1) -> str:
    return f"{found[key]:.{digits}f}{unit}" if key in found else "–"


def _count(found: Figures, key: str) -> str:
    return f"{found[key]:,}" if key in found else "–"


def _records(folder: Path) -> str:
    return f"{_lines(folder):,}"


def _lines(folder: Path) -> int:
    """How many records the left file of a set has: the lines of its truth but for the first."""
    with (folder / "truth_left.csv").open("rb") as file:
        return sum(1 for _ in file) - 1


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a table that reads well here and in Markdown."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    _say("\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
