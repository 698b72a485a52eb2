"""Verdict and data → the page: one file with its styles and its script inside, and nothing outside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from jinja2 import Environment
from jinja2.runtime import Markup

from d365kit.show.engine import environment


def page(verdict: str, data: Mapping) -> str:
    """The report as HTML. Its own policy forbids the page to load anything, and any script but the one it has."""
    script = _text("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _templates()
        .get_template("report.html")
        .render(
            **data,
            verdict=verdict,
            own_styles=Markup(_text("report.css")),
            script=Markup(script),
            policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'",
        )
    )


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return environment("d365kit.report")


@lru_cache(maxsize=4)
def _text(name: str) -> str:
    return (resources.files("d365kit.report") / "templates" / name).read_text("utf-8").strip()
