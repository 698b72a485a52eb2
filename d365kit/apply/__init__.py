"""Plan → Run: the only part that asks a service to write."""

from d365kit.apply.run import apply

__all__ = ["apply"]
