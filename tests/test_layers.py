"""Imports point down only (docs/architecture.md), heavy libraries load late, and our words are used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "d365kit"
BASE = {"errors", "kinds", "compare", "nouns", "show", "progress", "__init__"}
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"workspace"},
    "__main__": {"cli"},
    "errors": set(),
    "progress": set(),
    "kinds": {"errors", "nouns", "show"},
    "compare": {"errors", "kinds", "nouns"},
    "nouns": {"errors", "kinds", "show"},
    "show": {"errors", "kinds", "nouns", "compare"},
    "services": {"errors", "kinds", "__init__"},
    "sandbox": set(),
    "ledger": BASE,
    "pull": BASE | {"services"},
    "match": BASE | {"ledger"},
    "check": BASE | {"ledger"},
    "plan": BASE | {"ledger"},
    "explore": BASE,
    "review": BASE | {"ledger"},
    "apply": BASE | {"ledger", "plan", "services"},
    "report": BASE | {"ledger"},
    "workspace": BASE
    | {"ledger", "pull", "explore", "match", "check", "plan", "apply", "report", "services", "widgets"},
    "widgets": BASE | {"workspace", "review"},
    "tour": BASE | {"workspace"},
    "cli": BASE | {"workspace", "tour", "sandbox"},
}


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "d365kit":
                yield from (f"d365kit.{a.name}" for a in node.names)


def test_arrows_only_point_down() -> None:
    wrong = []
    for part, path in _modules():
        for name in _imports(path):
            if name.startswith("d365kit."):
                target = name.split(".")[1]
                target = "__init__" if target == "__version__" else target
                if target != part and target not in MAY_IMPORT[part]:
                    wrong.append(f"{path.relative_to(REPOSITORY)} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("part", "library"),
    [("services", "pandas"), ("sandbox", "pandas"), ("sandbox", "pyarrow"), ("nouns", "great_expectations"),
     ("plan", "httpx"), ("match", "httpx"), ("check", "httpx"), ("ledger", "httpx"), ("report", "httpx"),
     ("explore", "httpx"), ("review", "httpx")],
)  # fmt: skip
def test_a_layer_does_without_a_library(part: str, library: str) -> None:
    users = [p for name, p in _modules() if name == part and library in {i.split(".")[0] for i in _imports(p)}]
    assert not users


def test_widget_libraries_are_used_by_widgets_only() -> None:
    users = {part for part, p in _modules() if {"ipywidgets", "anywidget"} & set(_imports(p))}
    assert users == {"widgets"}


def test_only_apply_calls_the_write_methods_of_a_service() -> None:
    pattern = re.compile(r"service\w*\.(create|update|delete)\(|(?<!\w)(bc|dv)\.(create|update|delete)\(")
    writers = {part for part, p in _modules() if part != "sandbox" and pattern.search(p.read_text("utf-8"))}
    assert writers == {"apply"}


def test_notebooks_import_d365kit_and_nothing_under_it() -> None:
    for path in (REPOSITORY / "notebooks").glob("*.ipynb"):
        for line in re.findall(r'"\s*((?:from|import) [^"\\]+)', path.read_text("utf-8")):
            assert line == "import d365kit", f"{path.name}: {line}"


def test_importing_the_kit_loads_nothing_heavy() -> None:
    code = (
        "import sys, d365kit, d365kit.cli.app\n"
        "heavy = {'pandas','pyarrow','great_expectations','splink','duckdb','sqlalchemy','matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_workspace_loads_neither_great_expectations_nor_splink() -> None:
    code = (
        "import sys, d365kit.workspace\n"
        "late = {'great_expectations','splink','duckdb','ipywidgets','anywidget','matplotlib'}\n"
        "print(sorted(late & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


WORDS = re.compile(r"\b(golden record|mapping rule engine|entity|entities|merge[sd]?|merging)\b", re.IGNORECASE)


def test_words_we_do_not_use_are_not_in_names_or_on_screens() -> None:
    """Microsoft's own identifiers are exempt, so the sandbox and the services may say EntityDefinitions."""
    for part, path in _modules():
        if part in ("sandbox", "services"):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            found = WORDS.search(line.replace("Internal_EntityWithSameKeyExists", ""))
            assert not found, f"{path.relative_to(REPOSITORY)}:{number} says “{found.group(0) if found else ''}”"
