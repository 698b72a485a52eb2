"""A helper process: parts of work on standard input → their results on standard output, until the input ends."""

from __future__ import annotations

import sys

from d365kit.compare.helpers import receive, send
from d365kit.compare.table import worked_out


def main() -> None:
    """Answer every message with the results it asks for."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Whatever a library prints must not get between the messages.
    sys.stdout = sys.stderr
    while (part := receive(source)) is not None:
        send(sink, worked_out(part))


if __name__ == "__main__":
    main()
