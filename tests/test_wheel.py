"""The built wheel, installed in an environment of its own outside the checkout, runs the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(REPOSITORY)],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_ships_notebooks_suites_and_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "d365kit/_share/notebooks/00_start_here.ipynb",
        "d365kit/_share/expectations/great_expectations.yml",
        "d365kit/_share/expectations/suites/currencies.json",
        "d365kit/kinds/catalogue/1_setup.toml",
        "d365kit/kinds/matching.toml",
        "d365kit/ledger/migrations/env.py",
        "d365kit/ledger/migrations/versions/v0002_first.py",
        "d365kit/widgets/review.css",
        "d365kit/widgets/js/5_review.js",
    ):
        assert wanted in names
    assert not [n for n in names if n.startswith("tests/")]


@pytest.mark.slow
def test_the_wheel_runs_the_demo_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
    )  # fmt: skip
    # The dependencies are borrowed, without the checkout: nested .pth files of the borrowed folder are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    zipfile.ZipFile(wheel).extractall(site)
    where = subprocess.run(
        [python, "-c", "import d365kit; print(d365kit.__file__)"], check=True, capture_output=True, text=True,
        cwd=tmp_path,
    ).stdout.strip()  # fmt: skip
    assert Path(where).is_relative_to(site)
    done = subprocess.run(
        [python, "-m", "d365kit", "demo", "--workspace", "demo", "--customers", "40"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo" / "notebooks" / "00_start_here.ipynb").is_file()
    assert (tmp_path / "demo" / "reports" / "latest.html").is_file()
