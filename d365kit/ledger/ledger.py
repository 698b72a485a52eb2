"""Decisions, outcomes and agreements in → couplings, history and undo out.

`Ledger` is the only door to the database: every method that writes is one transaction, all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import func, select

from d365kit.kinds.model import Side
from d365kit.ledger import acts, journal, views
from d365kit.ledger import undo as undoing
from d365kit.ledger.store import Store
from d365kit.ledger.tables import couplings, decisions, runs
from d365kit.ledger.values import stamp
from d365kit.nouns.ledger_lines import Decision, Pair
from d365kit.nouns.run import Outcome


class Ledger:
    """Every decision, in order, and what follows from them: couplings, agreements, and the journal of runs.

    Decisions are only ever appended; an undo is a decision too. Times are aware and handed in. Methods that
    write return the number of their batch, or 0 when they had nothing to write.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, address: str | Path) -> Ledger:
        """Open the ledger at ``address``, a path or a database address, and make it when there is none.

        Raises SettingsError when that is no ledger, or one of a newer version; LedgerError when the database
        cannot be used just now.
        """
        return cls(Store.open(address))

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({self._store.name})"

    # ── Where we are ──────────────────────────────────────────────────────────────────────────────

    @property
    def position(self) -> int:
        """How many decision lines there are."""
        with self._store.reading() as connection:
            return connection.scalar(select(func.max(decisions.c.position))) or 0

    def position_without(self, plan_id: str) -> int:
        """How many decision lines there are that no run of ``plan_id`` made."""
        own = select(func.count()).where(decisions.c.run.in_(select(runs.c.run).where(runs.c.plan == plan_id)))
        with self._store.reading() as connection:
            lines = connection.scalar(select(func.max(decisions.c.position))) or 0
            return lines - (connection.scalar(own) or 0)

    # ── Deciding ──────────────────────────────────────────────────────────────────────────────────

    def confirm(
        self, kind: str, pairs: Iterable[Pair], *, by: str, at: datetime, note: str = "", run: str = ""
    ) -> int:
        """Couple ``pairs`` and return the batch; pairs that are coupled to each other already are left out.

        A rejection or deferral of a pair ends, and so does a create of either record. Raises AlreadyCoupled
        when a record has another partner or stands twice in ``pairs``; then nothing is written.
        """
        with self._store.writing() as connection:
            return acts.confirm(connection, kind, pairs, acts.Mark(by, stamp(at), note, run))

    def reject(self, kind: str, pairs: Iterable[Pair], *, by: str, at: datetime, note: str = "") -> int:
        """Say that ``pairs`` do not belong together, as long as their fingerprints stay; returns the batch.

        Raises LedgerError when a pair is coupled.
        """
        return self._judge("reject", kind, pairs, by, at, note)

    def defer(self, kind: str, pairs: Iterable[Pair], *, by: str, at: datetime, note: str = "") -> int:
        """Put the decision on ``pairs``, or on single records, off; returns the batch.

        Raises LedgerError when a pair or a single record is coupled.
        """
        return self._judge("defer", kind, pairs, by, at, note)

    def create(self, kind: str, side_missing_pairs: Iterable[Pair], *, by: str, at: datetime, note: str = "") -> int:
        """Say of records without partner that one is to be made on the other side; returns the batch.

        Each pair has exactly one id. Raises AlreadyCoupled when a record is coupled.
        """
        return self._judge("create", kind, side_missing_pairs, by, at, note)

    def uncouple(self, kind: str, pairs: Iterable[Pair], *, by: str, at: datetime, note: str = "") -> int:
        """End the couplings of ``pairs`` and their agreements; returns the batch.

        Raises UnknownRecord when a pair is not coupled; then nothing is written.
        """
        with self._store.writing() as connection:
            return acts.uncouple(connection, kind, pairs, acts.Mark(by, stamp(at), note))

    def undo(self, *, by: str, at: datetime, batch: int | None = None) -> list[Decision]:
        """Take back ``batch``, or the last batch that still counts, and return the lines taken back.

        What was there before comes back exactly, agreements too. Without ``batch``, repeated calls go
        further and further back; to do a batch again, undo the batch of its undo. Raises NothingToUndo when
        there is none, LedgerError when other decisions on the same records stand in the way.
        """
        with self._store.writing() as connection:
            return undoing.undo(connection, by, stamp(at), batch)

    def _judge(self, verdict: str, kind: str, pairs: Iterable[Pair], by: str, at: datetime, note: str) -> int:
        with self._store.writing() as connection:
            return acts.judge(connection, kind, verdict, pairs, acts.Mark(by, stamp(at), note))

    # ── Looking ───────────────────────────────────────────────────────────────────────────────────

    def couplings(self, kind: str | None = None) -> pd.DataFrame:
        """kind, bc_id, dv_id, by, at, position, synchronised (has an agreement); sorted by kind and bc_id."""
        with self._store.reading() as connection:
            return views.couplings(connection, kind)

    def partner(self, kind: str, side: Side, record_id: str) -> str | None:
        """The id of the record that ``record_id`` of ``side`` is coupled to, or None."""
        c = couplings.c
        mine, other = (c.bc_id, c.dv_id) if side == "bc" else (c.dv_id, c.bc_id)
        with self._store.reading() as connection:
            return connection.scalar(select(other).where(c.kind == kind, mine == record_id))

    def rejected(self, kind: str) -> pd.DataFrame:
        """bc_id, dv_id and fingerprint of the rejections that stand."""
        with self._store.reading() as connection:
            return views.standing(connection, "reject", kind, ("bc_id", "dv_id", "fingerprint"))

    def deferred(self, kind: str) -> pd.DataFrame:
        """bc_id and dv_id of the deferrals that stand; one is ``""`` for a single record."""
        with self._store.reading() as connection:
            return views.standing(connection, "defer", kind, ("bc_id", "dv_id"))

    def creates(self, kind: str | None = None) -> pd.DataFrame:
        """kind, bc_id, dv_id (one of them ``""``) of the records a partner is to be made for."""
        with self._store.reading() as connection:
            return views.standing(connection, "create", kind, ("kind", "bc_id", "dv_id"))

    def decisions(self, kind: str | None = None, *, last: int | None = None) -> list[Decision]:
        """The decision lines, oldest first; with ``last``, only so many of the newest."""
        where = [] if kind is None else [decisions.c.kind == kind]
        with self._store.reading() as connection:
            return views.decisions_of(connection, *where, last=last)

    def agreements(self, kind: str) -> dict[tuple[str, str], dict[str, object]]:
        """(bc_id, dv_id) → {field: {"bc": value, "dv": value}} as both sides last agreed."""
        with self._store.reading() as connection:
            return views.agreements(connection, kind)

    # ── The journal of apply ──────────────────────────────────────────────────────────────────────

    def begin_run(self, plan_id: str, fingerprint: str, *, by: str, at: datetime) -> str:
        """Open a run of a plan and return its id; ids sort in the order of the runs."""
        with self._store.writing() as connection:
            return journal.begin(connection, plan_id, fingerprint, by, stamp(at))

    def intend(
        self, run: str, change_id: str, *, kind: str, action: str, side: str, bc_id: str, dv_id: str, title: str
    ) -> None:
        """Write down, on the disk before this returns, that a change is about to be sent.

        A change that failed or is unknown may be intended again. Raises UnknownRecord for an unknown run,
        LedgerError for a change this run has done already.
        """
        values = {
            "change": change_id, "kind": kind, "action": action, "side": side,
            "bc_id": bc_id, "dv_id": dv_id, "title": title,
        }  # fmt: skip
        with self._store.writing() as connection:
            journal.intend(connection, run, values)

    def settle(
        self,
        run: str,
        outcome: Outcome,
        *,
        at: datetime,
        by: str,
        couple: Pair | None = None,
        uncouple: Pair | None = None,
        agreement: Mapping[str, object] | None = None,
    ) -> None:
        """Write down what became of a change and what follows from it, all or nothing, on the disk.

        ``uncouple`` ends a coupling, ``couple`` makes one; ``agreement`` replaces the one of the coupled pair,
        or of the outcome's own pair. Changes that were never sent (skipped) need no `intend`. Raises
        AlreadyCoupled and UnknownRecord as `confirm` and `uncouple` do, UnknownRecord for an agreement of a
        pair that is not coupled or for an unknown run, LedgerError for a change that is done already.
        """
        when = stamp(at)
        with self._store.writing() as connection:
            journal.settle(connection, run, outcome, when, by)
            journal.couple(connection, outcome.kind, acts.Mark(by, when, run=run), couple, uncouple)
            if agreement is not None:
                pair = couple or outcome
                journal.agree(connection, run, outcome.kind, {(pair.bc_id, pair.dv_id): agreement}, when)

    def agree(
        self, run: str, kind: str, agreements: Mapping[tuple[str, str], Mapping[str, object]], *, at: datetime
    ) -> None:
        """Keep what both sides of some couplings hold, in place of what was kept before.

        Raises UnknownRecord when a pair is not coupled or the run is unknown.
        """
        with self._store.writing() as connection:
            journal.need_run(connection, run)
            journal.agree(connection, run, kind, agreements, stamp(at))

    def end_run(self, run: str, *, at: datetime) -> None:
        """Close a run. Raises UnknownRecord when there is no such run."""
        with self._store.writing() as connection:
            journal.end(connection, run, stamp(at))

    def unsettled(self) -> list[Outcome]:
        """Changes of any run that were sent, or about to be, and whose fate is unknown; oldest first.

        A change leaves this list once it is settled in its own run (also after the run's end), or done or
        failed in a later run of the same plan.
        """
        with self._store.reading() as connection:
            return journal.unsettled(connection)

    def outcomes(self, run: str) -> list[Outcome]:
        """The outcomes of a run in order; what was intended and never settled is ``unknown``."""
        with self._store.reading() as connection:
            return journal.outcomes_of(connection, run)

    def runs(self) -> pd.DataFrame:
        """run, plan, fingerprint, by, started, ended, done, failed, skipped, unknown; oldest first."""
        with self._store.reading() as connection:
            return journal.overview(connection)

    def done_changes(self, plan_id: str) -> set[str]:
        """The ids of the changes of a plan that any of its runs finished."""
        with self._store.reading() as connection:
            return journal.done_changes(connection, plan_id)
