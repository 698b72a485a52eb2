"""Decisions in → couplings, agreements and the journal of runs out: one transactional database."""

from d365kit.ledger.ledger import Ledger

__all__ = ["Ledger"]
