"""Commands about decisions: what was decided, and taking it back."""

from __future__ import annotations

from typing import Annotated

import typer

from d365kit.cli.common import HERE, At, Json, Verbose, opened, out

app = typer.Typer(no_args_is_help=True, help="What was decided, and taking it back.", rich_markup_mode=None)


@app.command()
def log(
    last: Annotated[int, typer.Option(min=1, help="How many of the latest decisions.")] = 20,
    workspace: At = HERE,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show the latest decisions, oldest first."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        decisions = ws.ledger.decisions(last=last)
        text = "\n".join(str(d) for d in decisions) or "Nothing was decided yet."
        out([d.to_dict() for d in decisions], text, as_json=as_json)


@app.command()
def undo(workspace: At = HERE, as_json: Json = False, verbose: Verbose = False) -> None:
    """Take back the last act, whole."""
    with opened(workspace, verbose=verbose, quiet=as_json) as ws:
        undone = ws.undo()
        first = undone[0]
        text = f"Took back: {first.verdict} of {len(undone):,} of {first.kind}."
        out([d.to_dict() for d in undone], text, as_json=as_json)
