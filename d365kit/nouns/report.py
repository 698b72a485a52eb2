"""Report: one look at a whole workspace, as data and as one self-contained HTML page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """The verdict in a sentence, the sections' data, and the finished page."""

    verdict: str
    data: Mapping[str, object]
    html: str

    def save(self, path: Path) -> Path:
        """Write the page to ``path``, and the same data as JSON beside it; each whole or not at all."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, self.html)
        _write(path.with_suffix(".json"), json.dumps(self.to_dict(), indent=2, ensure_ascii=False, default=str))
        return path

    def to_dict(self) -> dict[str, object]:
        return {"verdict": self.verdict, **self.data}

    def __str__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.report(self)


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    os.replace(part, path)
