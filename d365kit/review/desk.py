"""What a review needs of a workspace: its verbs, its ledger, and what was pulled and proposed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from d365kit.kinds import Catalogue
from d365kit.ledger import Ledger
from d365kit.nouns import Decision, Proposals, Snapshot


class Desk(Protocol):
    """What a review needs of a workspace."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def snapshot(self) -> Snapshot: ...
    def proposals(self, kind: str) -> Proposals: ...

    @property
    def confirm(self) -> Callable[..., int]: ...
    @property
    def reject(self) -> Callable[..., int]: ...
    @property
    def defer(self) -> Callable[..., int]: ...
    @property
    def create(self) -> Callable[..., int]: ...
    @property
    def move(self) -> Callable[..., int]: ...
    @property
    def undo(self) -> Callable[..., list[Decision]]: ...
