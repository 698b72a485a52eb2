"""The review in a real JupyterLab: by keyboard and by mouse, through a reload and a restart of the kernel."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from d365kit.ledger import Ledger
from d365kit.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.helpers_browser import SCREENSHOTS, chromium

TOKEN = "t"
KINDS = ("currency", "payment_terms", "salesperson", "customer", "contact")
IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"


def _cells(*sources: str) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo workspace with proposals, and a notebook that opens the review."""
    path = tmp_path_factory.mktemp("lab") / "ws"
    with Workspace.demo(path, customers=60, progress=False) as ws:
        ws.pull()
        for kind in KINDS:
            ws.propose(kind)
    nbformat.write(
        _cells(f"import d365kit\nws = d365kit.open({str(path)!r})", "ws.review('customer', bands=())"),
        path / "review.ipynb",
    )
    return path


@pytest.fixture(scope="module")
def lab(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("jupyter")
    env = os.environ | {
        **{f"JUPYTER_{n}_DIR": str(home / n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(REPOSITORY), "HOME": str(home),
    }  # fmt: skip
    flags = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}",
             f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--allow-root",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *flags], env=env, stdout=log, stderr=log)
        try:
            base = f"http://127.0.0.1:{port}/lab"
            for _ in range(240):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/api/settings?token={TOKEN}"):
                    break
                time.sleep(0.25)
            else:
                pytest.fail((home / "lab.log").read_text())
            yield base
        finally:
            server.terminate()
            server.wait(30)


def _theme(base: str, name: str) -> None:
    request = urllib.request.Request(
        f"{base}/api/settings/@jupyterlab/apputils-extension:themes?token={TOKEN}",
        data=json.dumps({"raw": json.dumps({"theme": name})}).encode(), method="PUT",
    )  # fmt: skip
    with urllib.request.urlopen(request):
        pass


class Lab:
    """A notebook open in a browser, with its review."""

    def __init__(self, browser, base: str, notebook: str) -> None:
        self.page = browser.new_context(viewport={"width": 1440, "height": 1250}).new_page()
        self.page.set_default_timeout(60_000)
        self.page.goto(f"{base}/workspaces/w{time.monotonic_ns()}/tree/{notebook}?token={TOKEN}&reset")
        self.page.wait_for_selector(IDLE)

    def menu(self, *names: str) -> None:
        for name in names:
            self.page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel").get_by_text(name, exact=True).click()

    def run(self) -> None:
        """Run all cells; once more where the kernel was said to be idle before it was there."""
        self.page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
        for _ in range(3):
            self.menu("Run", "Run All Cells")
            self.page.wait_for_timeout(1500)
            if "[ ]:" not in self.page.locator(".jp-InputPrompt").first.inner_text():
                break
        self.wait()

    def wait(self) -> None:
        try:
            self.page.wait_for_selector(".d365kit-review .tools button", timeout=40_000)
        except Exception:
            self.shot("failed")
            raise
        self.page.locator(".d365kit-review").scroll_into_view_if_needed()

    def settle(self) -> None:
        self.page.wait_for_function("!document.querySelector('.d365kit-review[aria-busy]')")
        self.page.wait_for_timeout(150)

    def press(self, *keys: str) -> None:
        self.page.locator(".d365kit-review").focus()
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def text(self, part: str) -> str:
        return self.page.locator(f".d365kit-review {part}").inner_text()

    def shot(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.wait_for_timeout(200)
        self.page.screenshot(path=SCREENSHOTS / f"lab_{name}.png")

    def save(self) -> None:
        """With the keys of JupyterLab, which work inside the review too."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
        self.page.wait_for_timeout(1500)  # the layout that a reload comes back to is saved a second later


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(280)
def test_a_morning_in_jupyterlab(folder: Path, lab: str) -> None:
    def couplings() -> dict[str, str]:
        with Ledger.open(folder / "ledger.db") as ledger:
            return dict(ledger.couplings("customer")[["bc_id", "dv_id"]].itertuples(index=False))

    def verdicts() -> list[str]:
        with Ledger.open(folder / "ledger.db") as ledger:
            return [d.verdict for d in ledger.decisions("customer")]

    with chromium() as browser:
        _theme(lab, "JupyterLab Light")
        seen = Lab(browser, lab, "review.ipynb")
        page = seen.page
        seen.run()
        cells = page.locator(".jp-Cell").count()
        seen.shot("start_light")

        # By keyboard. JupyterLab's own shortcuts (a, b, x, z, d d …) stay quiet.
        seen.press("y", "y", " ")
        assert verdicts() == ["confirm", "confirm", "defer"]
        seen.press("w")
        page.wait_for_selector(".d365kit-review .why .bar")
        seen.shot("why_light")
        seen.press("w", "d", "d", "m", "z")
        assert verdicts()[3:] == ["undo"]
        assert page.locator(".jp-Cell").count() == cells

        # By mouse.
        page.locator(".d365kit-review .tools").get_by_role("button", name="Confirm").click()
        seen.settle()
        assert len(couplings()) == 3
        page.locator(".d365kit-review .acts").get_by_role("button", name="Undo: confirmed").first.click()
        seen.settle()
        assert len(couplings()) == 2

        # Search, and a batch over a filter, with one undo.
        seen.press("/")
        page.keyboard.type("an")
        page.wait_for_selector(".d365kit-review .hit")
        seen.shot("search_light")
        page.keyboard.press("Escape")
        page.locator(".d365kit-review .chip", has_text="certain").click()
        seen.settle()
        seen.press("b")
        page.wait_for_selector(".d365kit-review .pairline")
        seen.shot("batch_light")
        page.locator(".d365kit-review .batch .act").click()
        seen.settle()
        assert len(couplings()) > 10
        seen.shot("end_light")
        assert "Finished: " in seen.text(".end")
        seen.press("z")
        assert len(couplings()) == 2
        before = couplings()

        # Another page on the same kernel's notebook, in the dark: the kernel is alive, the widget comes back.
        seen.save()
        _theme(lab, "JupyterLab Dark")
        page.reload()
        seen.wait()
        assert "2 done" in seen.text(".status") or "confirmed" in seen.text(".acts")
        seen.shot("reloaded_dark")
        seen.press("y")
        assert len(couplings()) == 3
        seen.press("z")
        assert couplings() == before

        # A new kernel: the decisions are in the ledger.
        seen.menu("Kernel", "Restart Kernel and Run All Cells…")
        page.locator(".jp-Dialog button.jp-mod-accept").click()
        page.wait_for_function("!document.querySelector('.d365kit-review')")
        seen.wait()
        assert couplings() == before
        assert seen.text(".acts").count("confirmed") == 2
        seen.shot("restarted_dark")
        seen.press("z")
        assert len(couplings()) == 1
