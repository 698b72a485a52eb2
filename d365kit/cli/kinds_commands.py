"""The command that shows the kinds: all of them, their order as a picture in lines, one in full, or checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from d365kit.cli.common import HERE, At, Json, Verbose, opened, out

if TYPE_CHECKING:
    from d365kit.kinds import Catalogue

#: Looks the catalogue up in the services' own metadata, in place of showing it. No kind has this name.
CHECK = "check"


def kinds(
    kind: Annotated[str | None, typer.Argument(help="One kind in full, such as customer; or the word check.")] = None,
    graph: Annotated[bool, typer.Option("--graph", help="What must be coupled first, wave by wave.")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="The same as a Mermaid flowchart.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every kind the kit knows, in use here or not.")] = False,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show the kinds, in the order of work, and what each needs first; `kinds check` asks both services."""
    if kind == CHECK:
        _check(workspace, verbose, as_json)
        return
    from d365kit.show import KindsView

    view = KindsView(_catalogue(workspace, every, verbose, as_json), kind or "")
    if as_json:
        out(view.to_dict(), "", as_json=True)
    elif mermaid:
        out(None, view.mermaid, as_json=False)
    else:
        out(None, "\n".join(view.tree() if graph else view.lines()), as_json=False)


def _catalogue(workspace: Path, every: bool, verbose: bool, quiet: bool) -> Catalogue:
    """The workspace's kinds where there is a workspace, else all that the kit knows."""
    from d365kit.kinds import load_catalogue
    from d365kit.workspace import settings

    if every or (workspace == HERE and not (workspace / settings.FILE).exists()):
        return load_catalogue()
    with opened(workspace, verbose=verbose, quiet=quiet) as ws:
        return ws.catalogue


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _check(workspace: Path, verbose: bool, as_json: bool) -> None:
    """What the catalogue says and the services do not confirm; exit code 2 when a pull would fail on it."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        problems = ws.check_kinds()
        errors = [p for p in problems if p.severity == "error"]
        lines = [f"{p.severity}: {p}" for p in (*errors, *(p for p in problems if p.severity != "error"))]
        said = f"{_count(len(errors), 'error')}, {_count(len(problems) - len(errors), 'note')}"
        head = f"{len(ws.catalogue)} kinds looked up: {said}."
        out([p.to_dict() for p in problems], "\n".join([head, *lines]), as_json=as_json)
    if errors:
        raise typer.Exit(2)
