"""Normalised columns in a database of our own in memory, where keys are joined and Splink compares."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

#: What the database may hold in memory before it turns to files.
_MEMORY = "3GB"


@contextmanager
def database() -> Iterator:
    """A database in memory that is closed in the end; what does not fit goes to a temporary folder."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="d365kit-") as folder:
        connection = duckdb.connect(":memory:", config={"memory_limit": _MEMORY, "temp_directory": folder})
        # DuckDB would put a bar of its own into a notebook, black and nameless, and leave it there.
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Splink from logging; its logger is left as it was found.

    Every new linker turns Splink's logging on again, unless it finds a handler there.
    """
    logger = logging.getLogger("splink")
    before = logger.level, logger.propagate
    silence = logging.NullHandler()
    logger.addHandler(silence)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(silence)
        logger.setLevel(before[0])
        logger.propagate = before[1]
