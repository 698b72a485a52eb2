"""Command line → a served sandbox: python -m d365kit.sandbox --db FILE --port N --json."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from d365kit.sandbox.emulation import Sandbox
from d365kit.sandbox.serve import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a sandbox until interrupted; an existing database is opened, a new one generated."""
    options = _parser().parse_args(arguments)
    sandbox = open_or_create(options.db, options.customers, options.seed)
    with_stdin = options.exit_with_stdin or os.environ.get("D365KIT_EXIT_WITH_STDIN") == "1"

    def announce(ready: dict[str, str]) -> None:
        text = json.dumps(ready) if options.json else "\n".join(f"{name:13}{value}" for name, value in ready.items())
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    try:
        serve(sandbox, options.port, announce, with_stdin, tls=options.tls, folder=options.tls_folder)
    finally:
        sandbox.close()
    return 0


def open_or_create(path: Path | None, customers: int, seed: int) -> Sandbox:
    """Return the sandbox of an existing database, or a new demo company; None keeps it in memory."""
    if path is not None and path.exists() and path.stat().st_size:
        return Sandbox.open(path)
    return Sandbox.create(path, customers=customers, seed=seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m d365kit.sandbox", description="Serve the sandbox on 127.0.0.1.")
    parser.add_argument("--db", type=Path, help="database file; opened when it exists (default: memory)")
    parser.add_argument("--port", type=int, default=0, help="port, 0 for a free one (default: 0)")
    parser.add_argument("--customers", type=int, default=2000, help="customers of a new company (default: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of a new company (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the addresses as one JSON line")
    parser.add_argument("--tls", action="store_true", help="listen with TLS too, under a certificate of its own")
    parser.add_argument("--tls-folder", type=Path, help="where the certificate goes (default: a temporary folder)")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input closes")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
