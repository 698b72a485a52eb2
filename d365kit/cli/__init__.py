"""The command line: one command per verb."""

from d365kit.cli.app import main

__all__ = ["main"]
