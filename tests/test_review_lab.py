"""The review in a real JupyterLab: by keyboard and by mouse, through a reload and a restart of the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import d365kit
from d365kit.ledger import Ledger
from d365kit.nouns import Pair
from d365kit.workspace import Workspace
from tests.helpers_browser import chromium
from tests.helpers_lab import Lab, notebook, serving, theme
from tests.helpers_match import NOW

KINDS = ("currency", "payment_terms", "salesperson", "customer", "contact")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo workspace with proposals, and a notebook that opens the review."""
    path = tmp_path_factory.mktemp("lab") / "ws"
    with Workspace.demo(path, customers=60, progress=False) as ws:
        ws.pull()
        for kind in KINDS:
            ws.propose(kind)
    opened = f"import d365kit\nws = d365kit.open({str(path)!r})"
    notebook(path / "review.ipynb", opened, "ws.review('customer', bands=())")
    return path


@pytest.fixture(scope="module")
def lab(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(folder, tmp_path_factory.mktemp("jupyter")) as base:
        yield base


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
        theme(lab, "JupyterLab Light")
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

        # A conflict: somebody else couples the candidate on the screen with another record; the key is refused.
        name = seen.text(".own .name")
        with d365kit.open(folder) as other, Ledger.open(folder / "ledger.db") as ledger:
            found = other.proposals("customer").chosen()
            shown = found[found["bc_name"] == name].iloc[0]
            taken = other.couplings("customer")
            rival = found[~found["bc_id"].isin([shown["bc_id"], *taken["bc_id"]])].iloc[-1]
            ledger.confirm("customer", [Pair(rival["bc_id"], shown["dv_id"])], by="Eve", at=NOW)
            seen.press("y")
            assert couplings()[rival["bc_id"]] == shown["dv_id"]
            assert shown["bc_id"] not in couplings()
            page.locator(".d365kit-review", has_text="Eve").wait_for()
            assert "Taken" in seen.text(".work") or "taken" in seen.text(".banner")
            seen.shot("conflict_light")
            ledger.undo(by="Eve", at=NOW)
        assert len(couplings()) == 2

        # Search, and a batch over a filter, with one undo.
        seen.press("/")
        page.keyboard.type("an")
        page.wait_for_selector(".d365kit-review .hit")
        seen.shot("search_light")
        page.keyboard.press("Escape")
        page.locator(".d365kit-review .chip", has_text="certain").click()
        page.locator(".d365kit-review .chip[aria-pressed=true]", has_text="certain").wait_for()
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
        seen.save(folder / "review.ipynb")
        theme(lab, "JupyterLab Dark")
        seen.reload()
        assert "2 done" in seen.text(".status") or "confirmed" in seen.text(".acts")
        seen.shot("reloaded_dark")
        seen.press("y")
        assert len(couplings()) == 3
        seen.press("z")
        assert couplings() == before

        # A new kernel: the decisions are in the ledger.
        seen.restart()
        assert couplings() == before
        assert seen.text(".acts").count("confirmed") == 2
        seen.shot("restarted_dark")
        seen.press("z")
        assert len(couplings()) == 1
