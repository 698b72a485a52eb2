"""The command that says what to do first, because it frees most."""

from __future__ import annotations

from typing import Annotated

import typer

from d365kit.cli.common import HERE, At, Json, Verbose, opened, out


def unlocks(
    kind: Annotated[
        str | None, typer.Argument(help="Count only records of this kind, such as customer; none means all.")
    ] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say what coupling or fixing one thing would free, in records and in money."""
    from d365kit.show import terminal

    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        found = ws.unlocks(kind)
        if as_json:
            out(found.to_dict(), "", as_json=True)
            return
        out(None, "\n".join(terminal.lines(found)), as_json=False)
