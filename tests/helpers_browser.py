"""Chromium for tests, and a page in which a real widget of this process runs without Jupyter."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SCREENSHOTS = REPOSITORY / "tests" / "screenshots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
#: JupyterLab's dark colours, as far as the widgets use them.
DARK = """:root { --jp-layout-color1: #111; --jp-ui-font-color1: rgba(255,255,255,.87); --jp-brand-color1: #2196f3;
 --jp-success-color1: #4caf50; --jp-error-color1: #f44336; --jp-warn-color1: #ff9800; } body { background: #111; }"""
#: Stands for Jupyter's model: what the page sends goes to the widget, what the widget sends comes back.
MODEL = """
window.hit = 0; window.heard = []; window.sentBytes = 0; window.gotBytes = 0;
window.model = {
  on: (name, f) => heard.push(f), off: (name, f) => { heard = heard.filter((g) => g !== f); },
  send: (m) => { const text = JSON.stringify(m); sentBytes += text.length; toPython(text); },
};
window.toPython = async (m) => { fromPython(await toPythonRaw(m)); };
window.fromPython = (texts) => {
  for (const text of texts) {
    gotBytes += text.length;
    const message = JSON.parse(text);
    heard.forEach((f) => f(message));
  }
};
"""
PAGE = """<!doctype html><meta charset=utf-8><title>review</title><body style="margin:8px">
<button id=before>before</button><div id=root></div><button id=after>after</button>"""
START = "window.stop = render({model: window.model, el: document.getElementById('root')});"


@contextmanager
def chromium() -> Iterator:
    """The distribution's Chromium; without it the test is skipped, and fails in CI."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must look at the screens, and there is no Chromium; run make setup-ci.")
        pytest.skip("no Chromium; make setup-ci installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Stage:
    """A widget in a page. ``wrong`` gathers errors of the page, which a test asserts to be empty."""

    def __init__(self, browser, widget, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        self.widget, self.wrong = widget, []
        self.page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page = self.page
        page.on("pageerror", lambda e: self.wrong.append(str(e)))
        page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: self.wrong.append(r.url) if not r.url.startswith(("about:", "data:")) else None)
        self.out: list[str] = []
        widget.send = lambda content, buffers=None: self.out.append(json.dumps(content))
        page.expose_function("toPythonRaw", self._answer)
        style = widget._css + (DARK if dark else "")
        page.set_content(PAGE)
        page.add_style_tag(content=style)
        page.add_script_tag(content=MODEL)
        page.add_script_tag(type="module", content=f"{widget._esm}\n{START}")
        self.box = page.locator(".d365kit-review")
        page.wait_for_function("document.querySelector('.d365kit-review .work')?.children.length")

    def _answer(self, text: str) -> list[str]:
        self.out.clear()
        self.widget._handle_custom_msg(json.loads(text), [])
        return list(self.out)

    def push(self) -> None:
        """Hand over what the widget sent by itself, after a call from code."""
        self.page.evaluate("(texts) => fromPython(texts)", list(self.out))
        self.out.clear()

    def settle(self) -> None:
        """Wait until the widget waits for a person, and takes a further decision."""
        self.page.wait_for_function("!document.querySelector('.d365kit-review[aria-busy]')")
        self.page.wait_for_timeout(130)

    def press(self, *keys: str) -> None:
        """Press keys with the box in focus, each after the one before was worked off."""
        self.box.focus()
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def text(self, part: str = "") -> str:
        return self.page.locator(f".d365kit-review {part}").inner_text()

    def shot(self, name: str) -> Path:
        """Keep a picture of the page; continuous integration leaves them behind."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path
