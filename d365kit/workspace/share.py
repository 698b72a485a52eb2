"""The notebooks and suites we ship → the analyst's own copies, which an upgrade compares and never overwrites."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import dataclass
from pathlib import Path

PARTS = ("notebooks", "expectations")
_LEFT_OUT = {"uncommitted", "__pycache__", ".ipynb_checkpoints", ".gitignore"}


@dataclass(frozen=True)
class Difference:
    """One shipped file that differs from the workspace's copy; ``lines`` is a unified diff, ours against theirs."""

    path: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def shipped() -> Path:
    """The folder that holds the shipped notebooks and suites: in the wheel, or the checkout's own."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_share"
    return inside if inside.is_dir() else package.parent


def copy_missing(folder: Path) -> list[str]:
    """Copy every shipped file that ``folder`` does not have, and return their relative paths."""
    copied = []
    for relative in _files():
        target = folder / relative
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shipped() / relative, target)
            copied.append(relative.as_posix())
    return copied


def differences(folder: Path) -> list[Difference]:
    """How the workspace's copies differ from what this version ships; nothing is changed."""
    out = []
    for relative in _files():
        mine = folder / relative
        if not mine.is_file():
            continue
        ours, theirs = ((shipped() / relative).read_text("utf-8"), mine.read_text("utf-8"))
        if ours != theirs:
            lines = difflib.unified_diff(
                theirs.splitlines(), ours.splitlines(), f"{relative.as_posix()} (yours)",
                f"{relative.as_posix()} (this version)", lineterm="", n=2,
            )  # fmt: skip
            out.append(Difference(relative.as_posix(), tuple(lines)))
    return out


def _files() -> list[Path]:
    root = shipped()
    found = (p.relative_to(root) for part in PARTS for p in sorted((root / part).rglob("*")) if p.is_file())
    return [p for p in found if not _LEFT_OUT.intersection(p.parts)]
