"""How fast the review is in a real JupyterLab, kernel and websocket included."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.helpers_browser import chromium
from tests.helpers_lab import Lab, notebook, serving

KEYS, JUMPS, SEARCHES = 45, 20, 8
Figure = tuple[str, float, str, float]
_MAKE = """from pathlib import Path
import tempfile
from d365kit.widgets.review import Review
from tests.bench.review_data import made_up
from tests.helpers_review import Desk
desk = Desk(Path(tempfile.mkdtemp()) / "ledger.db", *made_up({pairs}))
print("made")"""
BOX = "document.querySelector('.d365kit-review')"


def measure_lab(pairs: int, painted: str, p95: Callable[[list[float]], float]) -> list[Figure]:
    """What, how much, in which unit, and the limit. ``painted`` is the script that waits for a painted change."""
    with tempfile.TemporaryDirectory() as made:
        root, home = Path(made) / "root", Path(made) / "home"
        root.mkdir()
        home.mkdir()
        notebook(root / "review.ipynb", _MAKE.format(pairs=pairs), "Review(desk, 'customer')")
        with serving(root, home) as base, chromium() as browser:
            return _measured(Lab(browser, base, "review.ipynb"), painted, p95)


def _measured(lab: Lab, painted: str, p95: Callable[[list[float]], float]) -> list[Figure]:
    page, through = lab.page, [0]
    # Only sockets opened from now on are heard: the notebook is loaded anew, which opens them again.
    page.on("websocket", lambda socket: [
        socket.on(name, lambda data: through.__setitem__(0, through[0] + len(data)))
        for name in ("framereceived", "framesent")
    ])  # fmt: skip
    page.reload()
    lab.ready()
    cells = page.locator(".jp-Notebook .jp-Cell")
    cells.nth(0).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output").get_by_text("made", exact=True).wait_for(timeout=240_000)
    lab.ready()
    cells.nth(1).locator(".cm-content").click()
    before, start = through[0], time.perf_counter()
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".d365kit-review .own .name")
    out: list[Figure] = [("JupyterLab: cell to first paint", time.perf_counter() - start, "s", 2.0)]
    page.wait_for_timeout(2500)  # what searches look into is made beside

    def took(test: str, act: str) -> float:
        return float(page.evaluate(painted, [test, act]))

    keys = []
    for n in range(KEYS):
        page.wait_for_timeout(140)
        page.evaluate(f"{BOX}.dispatchEvent(new KeyboardEvent('keydown', {{key: '1', bubbles: true}}))")
        key = ("y", "n", " ")[n % 3]
        act = (f"window.was = {BOX}.querySelector('.own .name').textContent;"
               f"{BOX}.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")  # fmt: skip
        keys.append(took(f"{BOX}.querySelector('.own .name')?.textContent !== window.was", act))
    out += [("JupyterLab: key to painted next record, median", statistics.median(keys), "ms", 100.0),
            ("JupyterLab: key to painted next record, p95", p95(keys), "ms", 100.0)]  # fmt: skip
    size, jumps = int(page.evaluate(f"{BOX}.querySelector('.filler').offsetHeight")), []
    for n in range(JUMPS):
        top = size * ((n * 0.61803) % 1) * 0.99
        test = (f"{BOX}.querySelector('.row') && window.lastTop !== {top} && "
                f"![...{BOX}.querySelectorAll('.row')].some((r) => r.textContent === '…') && "
                f"Math.abs({BOX}.querySelector('.long').scrollTop - {top}) < 2 && "
                f"(window.lastTop = {top}, true)")  # fmt: skip
        jumps.append(took(test, f"{BOX}.querySelector('.long').scrollTop = {top}"))
        page.wait_for_timeout(30)
    out.append(("JupyterLab: random jump to real rows, p95", p95(jumps), "ms", 150.0))
    page.evaluate(f"{BOX}.focus()")
    page.keyboard.press("/")
    page.wait_for_selector(".words")
    searches = []
    for n in range(SEARCHES):
        words = f"{('nordwerk', 'köln')[n % 2]} {n + 11}"
        act = (f"window.old = {BOX}.querySelector('.hits p'); const i = {BOX}.querySelector('.words');"
               f"i.value = '{words}'; i.dispatchEvent(new Event('input', {{bubbles: true}}))")  # fmt: skip
        searches.append(took(f"{BOX}.querySelector('.hits p') && {BOX}.querySelector('.hits p') !== window.old", act))
    label = "JupyterLab: search, slowest (with 120 ms of waiting for the next letter)"
    out.append((label, max(searches), "ms", 1000.0))
    out.append(("JupyterLab: through the websocket in all", (through[0] - before) / 1e6, "MB", 1.0))
    lab.shot("bench")
    return out
