"""What all commands share: the workspace, --json, --verbose, and the log file."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from d365kit.nouns import Proposals
    from d365kit.workspace import Workspace


class RuleName(StrEnum):
    evidence = "evidence"
    exact = "exact"


At = Annotated[Path, typer.Option("--workspace", "-w", help="The workspace's folder.", show_default="this folder")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more on the way, on standard error.")]
Rule = Annotated[
    RuleName,
    typer.Option(help="evidence weighs many fields; exact couples by equal values, as BC does."),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        help="With --rule exact: a field, or several that must all agree (name+city). Upper and lower case count for "
        "a field that ends in ! (number!). Of several --by the first is tried first; none: the kind's own.",
        metavar="FIELD[+FIELD]",
    ),
]
HERE = Path()


class EngineName(StrEnum):
    """What finds and compares candidates (`match.ENGINES`)."""

    duckdb = "duckdb"
    spark = "spark"


_log_file: Path | None = None


def log_file() -> Path | None:
    """The log file of this process, once a workspace is open."""
    return _log_file


@contextmanager
def opened(path: Path, *, verbose: bool, quiet: bool = False) -> Iterator[Workspace]:
    """The workspace in ``path``, with its log file, closed at the end."""
    from d365kit.workspace import Workspace

    with Workspace(path, progress=not quiet and sys.stderr.isatty()) as workspace:
        start_log(workspace.folder.log, verbose=verbose)
        yield workspace


def start_log(path: Path, *, verbose: bool) -> None:
    """Write the kit's log to ``path`` (kept small), and to standard error when ``verbose``."""
    global _log_file
    logger = logging.getLogger("d365kit")
    logger.setLevel(logging.DEBUG)
    if _log_file is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            to_file = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
        except OSError:
            return
        to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logger.addHandler(to_file)
        _log_file = path
    if verbose:
        to_screen = logging.StreamHandler()
        to_screen.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logger.addHandler(to_screen)


def out(value: object, text: str, *, as_json: bool) -> None:
    """Print ``value`` as JSON, or ``text``."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False, default=str))
    else:
        typer.echo(text)


def reasons_text(proposals: Proposals) -> str:
    """Why the rule “exact” left records of Business Central free, in one line."""
    return "left free: " + ", ".join(f"{n:,} {reason}" for reason, n in proposals.reasons().items())
