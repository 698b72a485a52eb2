"""Commands about the sandbox: both emulated services, for notebooks and other clients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from d365kit.cli.common import Json

app = typer.Typer(no_args_is_help=True, help="The two services, emulated on this machine.", rich_markup_mode=None)


@app.callback()
def about() -> None:
    """The two services, emulated on this machine."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    db: Annotated[Path, typer.Option(help="The SQLite file; made when it is missing.")] = Path("sandbox.db"),
    customers: Annotated[int, typer.Option(min=0, help="Size of a new demo company.")] = 2000,
    seed: Annotated[int, typer.Option(help="Which demo company to make.")] = 1,
    tls: Annotated[bool, typer.Option("--tls", help="Listen with https too, under a new certificate.")] = False,
    as_json: Json = False,
) -> None:
    """Serve both until interrupted; --json prints both addresses and a token as one line."""
    from d365kit.sandbox import __main__ as server

    words = ["--db", str(db), "--port", str(port), "--customers", str(customers), "--seed", str(seed)]
    words += ["--tls"] if tls else []
    server.main([*words, "--json"] if as_json else words)
