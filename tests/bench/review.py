"""How fast the review is with a million candidate pairs: the real widget in Chromium, behind a fake model or a lab.

`python -m tests.bench.review` prints a table; `--pairs` takes another number, `--lab` also measures
in a real JupyterLab. The limits are those of the issue.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from d365kit.nouns import Proposals, Snapshot
from d365kit.widgets.review import Review
from tests.bench.review_data import made_up
from tests.bench.review_lab import measure_lab
from tests.helpers_browser import Stage, chromium
from tests.helpers_review import Desk

KEYS, JUMPS, SEARCHES = 60, 30, 12
#: Waits in the page until what a condition asks for is painted: the frame after the change of the page.
PAINTED = """([test, act]) => new Promise((done) => {
  const ready = new Function('return ' + test), start = performance.now();
  new Function(act)();
  const look = () => ready() ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - start), 0))
    : requestAnimationFrame(look);
  look();
})"""
BOX = "document.querySelector('.d365kit-review')"


def measure(snapshot: Snapshot, found: Proposals) -> list[tuple[str, float, str, float]]:
    """What, how much, in which unit, and the limit."""
    out: list[tuple[str, float, str, float]] = []
    desk = Desk(Path(tempfile.mkdtemp()) / "ledger.db", snapshot, found)
    with chromium() as browser:
        start = time.perf_counter()
        widget = Review(desk, "customer")
        built = time.perf_counter() - start
        before = time.perf_counter()
        stage = Stage(browser, widget)
        shown = time.perf_counter() - before
        out.append(("first paint after the frame exists", built + shown, "s", 2.0))
        page = stage.page
        page.wait_for_timeout(2500)  # what searches look into is made beside

        def painted(test: str, act: str) -> float:
            return float(page.evaluate(PAINTED, [test, act]))

        keys = _keys(painted, page)
        out.append(("key to painted next record, median", statistics.median(keys), "ms", 100.0))
        out.append(("key to painted next record, p95", _p95(keys), "ms", 100.0))
        jumps = []
        size = int(page.evaluate(f"{BOX}.querySelector('.filler').offsetHeight"))
        for n in range(JUMPS):
            top = size * ((n * 0.61803) % 1) * 0.99
            act = f"{BOX}.querySelector('.long').scrollTop = {top}"
            test = (f"Math.abs({BOX}.querySelector('.long').scrollTop - {top}) < 2 && {BOX}.querySelector('.row') && "
                    f"![...{BOX}.querySelectorAll('.row')].some((r) => r.textContent === '…') && "
                    f"window.lastTop !== {top} && (window.lastTop = {top}, true)")  # fmt: skip
            jumps.append(painted(test, act))
            page.wait_for_timeout(30)
        out.append(("random jump to real rows, p95", _p95(jumps), "ms", 150.0))
        searches = []
        page.evaluate(f"{BOX}.focus()")
        page.keyboard.press("/")
        page.wait_for_selector(".words")
        for n in range(SEARCHES):
            words = f"{('nordwerk', 'köln', 'c000', 'office@')[n % 4]} {n + 11}"
            act = (f"const i = {BOX}.querySelector('.words'); i.value = '{words}';"
                   "i.dispatchEvent(new Event('input', {bubbles: true}))")  # fmt: skip
            searches.append(painted(f"window.lastFound === '{words}'", act))
        label = "search of the other side, slowest (with 120 ms of waiting for the next letter)"
        out.append((label, max(searches), "ms", 1000.0))
        sent = page.evaluate("sentBytes + gotBytes") + len(widget._esm) + len(widget._css)
        out.append(("through the websocket in all, script and style included", sent / 1e6, "MB", 1.0))
        out.append(("rows in the page", page.evaluate(f"{BOX}.querySelectorAll('.row').length"), "", 60))
        wrong = stage.wrong
    assert not wrong, wrong
    out.append(("largest memory of the process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "GB", 8.0))
    return out


def _keys(painted: Callable[[str, str], float], page) -> list[float]:
    """Confirm, say no and put off by turns; each until the next record is painted."""
    page.evaluate(
        """() => { window.lastFound = ''; heard.push((m) => {
          if (m.op === 'found') requestAnimationFrame(() => { window.lastFound = m.q; });
        }); }"""
    )
    took = []
    for n in range(KEYS):
        page.wait_for_timeout(140)
        key = ("1", "y", "n", " ")[n % 4]
        if key == "1":
            page.evaluate(f"{BOX}.dispatchEvent(new KeyboardEvent('keydown', {{key: '1', bubbles: true}}))")
            continue
        act = (f"window.was = {BOX}.querySelector('.own .name').textContent;"
               f"{BOX}.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")  # fmt: skip
        took.append(painted(f"{BOX}.querySelector('.own .name')?.textContent !== window.was", act))
    return took


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=1_000_000)
    arguments.add_argument("--lab", action="store_true", help="measure in a real JupyterLab, after the rest")
    arguments.add_argument("--only-lab", action="store_true", help="measure in a real JupyterLab alone")
    given = arguments.parse_args()
    pairs, figures = given.pairs, []
    if not given.only_lab:
        snapshot, found = made_up(pairs)
        print(f"{len(found.frame):,} rows of proposals, {pairs:,} candidate pairs\n")  # noqa: T201
        figures += measure(snapshot, found)
        # The kernel makes the same once more; both together would not leave it the memory.
        del snapshot, found
    if given.lab or given.only_lab:
        figures += measure_lab(pairs, PAINTED, _p95)
    missed = 0
    for name, value, unit, limit in figures:
        good = value < limit
        missed += not good
        print(f"{name:<82} {value:>9.2f} {unit:<3} limit {limit:g}{'' if good else '  MISSED'}")  # noqa: T201
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
