"""Snapshot + ledger + findings → Plan: what would be written, field by field, and what holds it back."""

from d365kit.plan.make import Strategy, make

__all__ = ["Strategy", "make"]
