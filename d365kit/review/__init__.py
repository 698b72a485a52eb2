"""Snapshot + Proposals + ledger → what a person looks through and decides: the rules, without a screen."""

from d365kit.review.batch import Batch
from d365kit.review.desk import Desk
from d365kit.review.queue import Queue
from d365kit.review.sample import Sampling
from d365kit.review.session import Reviewing
from d365kit.review.state import STATES, State
from d365kit.review.view import Filter

__all__ = ["STATES", "Batch", "Desk", "Filter", "Queue", "Reviewing", "Sampling", "State"]
