"""A real JupyterLab for tests and benchmarks: the server, and a notebook with a review open in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat

from tests.conftest import REPOSITORY
from tests.helpers_browser import SCREENSHOTS

TOKEN = "t"
IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"


def notebook(path: Path, *sources: str) -> None:
    """Write a notebook of code cells."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)


@contextlib.contextmanager
def serving(root: Path, home: Path) -> Iterator[str]:
    """JupyterLab over the folder ``root`` with all of its own files in ``home``; gives the address of the lab."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        **{f"JUPYTER_{n}_DIR": str(home / n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(REPOSITORY), "HOME": str(home),
    }  # fmt: skip
    flags = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}",
             f"--ServerApp.root_dir={root}", "--LabApp.news_url=None", "--allow-root",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    base = f"http://127.0.0.1:{port}/lab"
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *flags], env=env, stdout=log, stderr=log)
        try:
            if not until(lambda: _get(f"{base}/api/settings") is not None, 90):
                raise AssertionError((home / "lab.log").read_text())
            yield base
        finally:
            server.terminate()
            server.wait(30)


def until(condition: Callable[[], object], seconds: float) -> bool:
    """Wait until something is so; False when it never was."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return bool(condition())


def _get(address: str) -> str | None:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}?token={TOKEN}", timeout=10) as answer:
        return answer.read().decode()
    return None


def theme(base: str, name: str) -> None:
    """Choose JupyterLab's theme, from the next load of a page on."""
    request = urllib.request.Request(
        f"{base}/api/settings/@jupyterlab/apputils-extension:themes?token={TOKEN}",
        data=json.dumps({"raw": json.dumps({"theme": name})}).encode(), method="PUT",
    )  # fmt: skip
    with urllib.request.urlopen(request):
        pass


class Lab:
    """A notebook open in a browser, with its review."""

    def __init__(self, browser, base: str, name: str) -> None:
        self.base, self.workspace = base, f"w{time.monotonic_ns()}"
        self.page = browser.new_context(viewport={"width": 1440, "height": 1250}).new_page()
        self.page.set_default_timeout(60_000)
        # A page with something unsaved asks whether to go; nobody would answer, and the reload would never come.
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.goto(f"{base}/workspaces/{self.workspace}/tree/{name}?token={TOKEN}&reset")
        self.ready()

    def ready(self) -> None:
        """Wait for a kernel that is idle, both as the server sees it and as the page does."""
        self.page.wait_for_selector(IDLE)

        def idle() -> bool:
            kernels = json.loads(_get(self.base.removesuffix("/lab") + "/api/kernels") or "[]")
            return bool(kernels) and all(k["execution_state"] == "idle" and k["connections"] for k in kernels)

        assert until(idle, 60), "the kernel never became idle"
        self.page.wait_for_selector(IDLE)

    def menu(self, *names: str) -> None:
        for name in names:
            self.page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel").get_by_text(name, exact=True).click()

    def run(self) -> None:
        """Run all cells; once more where the page took the order before it had its kernel and lost it."""
        for _ in range(3):
            self.menu("Run", "Run All Cells")
            if until(lambda: "[ ]:" not in self.page.locator(".jp-InputPrompt").first.inner_text(), 8):
                break
        self.wait()

    def wait(self) -> None:
        """Wait until the review is there."""
        try:
            self.page.wait_for_selector(".d365kit-review .tools button")
        except Exception:
            self.shot("failed")
            raise
        self.page.locator(".d365kit-review").scroll_into_view_if_needed()
        self.settle()

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

    def save(self, path: Path) -> None:
        """With the keys of JupyterLab, which work inside the review too. ``path`` is where the notebook is.

        The page says it has nothing unsaved also before it noticed the output; only the file tells, and the layout
        that a reload comes back to is saved by itself a second later.
        """
        for _ in range(3):
            self.page.keyboard.press("Control+s")
            if until(lambda: "widget-view+json" in path.read_text("utf-8"), 10):
                break
        else:
            raise AssertionError("the notebook was not saved with its output")
        self.page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
        until(lambda: path.name in (_get(f"{self.base}/api/workspaces/{self.workspace}") or ""), 10)

    def reload(self) -> None:
        """Load the page anew; the kernel lives on, and so does its review."""
        self.ready()
        self.page.reload()
        self.wait()

    def restart(self) -> None:
        """A new kernel, and all cells run: waits for another review than the one that is there."""
        self.page.evaluate("window.before = document.querySelector('.d365kit-review')")
        self.menu("Kernel", "Restart Kernel and Run All Cells…")
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.page.wait_for_function(
            "document.querySelector('.d365kit-review .tools button') && "
            "document.querySelector('.d365kit-review') !== window.before && !window.before?.isConnected"
        )
        self.wait()
