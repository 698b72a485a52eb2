"""Every notebook runs top to bottom in a demo workspace, in the order an analyst opens them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from d365kit.workspace import Workspace
from tests.conftest import REPOSITORY

NAMES = sorted(p.name for p in (REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("notebooks") / "demo"
    Workspace.demo(path, customers=80).close()
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs(folder: Path, name: str) -> None:
    path = folder / "notebooks" / name
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    shown = [o for c in notebook.cells for o in c.get("outputs", [])]
    assert any(o.output_type in ("execute_result", "display_data") for o in shown)
    assert not [o for o in shown if o.output_type == "error"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_short_stripped_and_names_its_kernel(name: str) -> None:
    notebook = nbformat.read(REPOSITORY / "notebooks" / name, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert len(notebook.cells) <= 13
    assert all(not c.outputs and c.execution_count is None for c in code)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert not any("def " in c.source for c in code)
