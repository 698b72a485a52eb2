"""The command that looks at both sides before anything is decided."""

from __future__ import annotations

from typing import Annotated

import typer

from d365kit.cli.common import HERE, At, Json, Verbose, opened, out


def explore(
    kind: Annotated[str | None, typer.Argument(help="A kind, such as customer; none means all.")] = None,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Look at both sides: what is where, coupled, missing, double, too long, unknown, and how old."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        found = ws.explore(kind)
        if as_json:
            out(found.to_dict(), "", as_json=True)
            return
        lines = found.lines()
        if kind:
            # One kind is shown in full, look by look; all of them would be pages.
            lines += [line for part in found if len(part) for line in ("", *part.lines(limit=20))]
        out(None, "\n".join(lines), as_json=False)
