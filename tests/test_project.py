"""The repository itself: dependency lists agree, and nothing speaks of the machine it was made on."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]


def _requirements(lines: list[str]) -> dict[str, SpecifierSet]:
    return {canonicalize_name((r := Requirement(line)).name): r.specifier for line in lines}


def test_environment_yml_says_what_pyproject_says() -> None:
    env = yaml.safe_load((REPOSITORY / "environment.yml").read_text("utf-8"))
    conda = _requirements([d for d in env["dependencies"] if isinstance(d, str)])
    assert env["channels"] == ["conda-forge"]
    assert conda.pop("pip") == SpecifierSet()
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert conda == _requirements(PROJECT["dependencies"])
    assert [d for d in env["dependencies"] if isinstance(d, dict)] == [{"pip": ["-e ."]}]


def test_the_lock_covers_every_dependency_and_holds_names_and_versions_only() -> None:
    lines = (REPOSITORY / "requirements.lock").read_text("utf-8").splitlines()
    locked: dict[str, list[Requirement]] = {}
    for line in lines:
        assert re.fullmatch(r"[a-z0-9._-]+==[A-Za-z0-9.+!]+( ; .+)?", line), line
        requirement = Requirement(line)
        locked.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    wanted = _requirements([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
    for name, specifier in wanted.items():
        assert name in locked, f"{name} is not in requirements.lock; run make lock"
        for requirement in locked[name]:
            version = next(iter(requirement.specifier)).version
            assert specifier.contains(version, prereleases=True), f"{name} {version} is outside {specifier}"


def test_every_import_is_a_declared_dependency() -> None:
    declared = set(_requirements([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["spark"]]))
    found = set()
    for path in (REPOSITORY / "d365kit").rglob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            match = re.match(r"\s*(?:from|import) ([a-zA-Z_0-9]+)", line)
            if match:
                found.add(match.group(1))
    import sys

    ours = {"d365kit", "__future__"}
    named_otherwise = {"stdnum": "python-stdnum"}
    foreign = {canonicalize_name(named_otherwise.get(n, n)) for n in found - set(sys.stdlib_module_names) - ours}
    # Words of docstrings that begin a line with “from” or “import” are no modules.
    foreign = {n for n in foreign if canonicalize_name(n) in declared or _importable(n)}
    assert foreign <= declared, foreign - declared


def _importable(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name.replace("-", "_")) is not None


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="not a git checkout")
def test_tracked_files_name_no_package_host_and_no_build_machine() -> None:
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    forbidden = re.compile(r"https?://\S*/simple\b|index-url\s*=|files\.python" + r"hosted|/wo" + r"rk/(main|shared)")
    for name in filter(None, files):
        path = REPOSITORY / name
        if path.is_file() and path.suffix not in {".png", ".parquet"}:
            found = forbidden.search(path.read_text("utf-8", errors="ignore"))
            assert not found, f"{name}: {found.group(0) if found else ''}"
