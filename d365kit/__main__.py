"""``python -m d365kit``: the command line."""

from d365kit.cli import main

main()
