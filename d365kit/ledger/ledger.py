"""Decisions, outcomes and agreements in → couplings, history and undo out.

`Ledger` is the only door to the database: every method that writes is one transaction, all or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import func, select

from d365kit.errors import UnknownRecord
from d365kit.kinds.model import Side
from d365kit.ledger import acts, journal, lines, taking, views
from d365kit.ledger import undo as undoing
from d365kit.ledger.skipped import skipped
from d365kit.ledger.store import Store
from d365kit.ledger.tables import couplings, decisions, outcomes, runs
from d365kit.ledger.taking import Taken
from d365kit.ledger.values import stamp
from d365kit.nouns.ledger_lines import Decision, Pair
from d365kit.nouns.run import Outcome, Skipped


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
        self,
        kind: str,
        pairs: Iterable[Pair],
        *,
        by: str,
        at: datetime,
        note: str = "",
        run: str = "",
        first: str = "",
    ) -> int:
        """Couple ``pairs`` and return the batch; pairs that are coupled to each other already are left out.

        A rejection or deferral of a pair ends, and so does a create of either record. ``first`` says whose values
        win at the first synchronisation of the pairs that do not say so themselves: ``bc``, ``dv``, or ``""`` for
        what the settings say. Raises AlreadyCoupled when a record has another partner or stands twice in ``pairs``,
        LedgerError for an unknown ``first``; then nothing is written.
        """
        with self._store.writing() as connection:
            return acts.confirm(connection, kind, _first(pairs, first), acts.Mark(by, stamp(at), note, run))

    def move(
        self, kind: str, pairs: Iterable[Pair], *, by: str, at: datetime, note: str = "", first: str = ""
    ) -> int:
        """Couple ``pairs`` in place of the coupling that one of the two records of each has; returns the batch.

        The old couplings end and the new ones begin without agreements, in one batch that one undo takes back.
        Raises AlreadyCoupled when both records of a pair have other partners, UnknownRecord when neither has one;
        then nothing is written.
        """
        with self._store.writing() as connection:
            return acts.move(connection, kind, _first(pairs, first), acts.Mark(by, stamp(at), note))

    def take_over(
        self, kind: str, pairs: Iterable[Pair], gone: Mapping[Side, Collection[str]], *, by: str, at: datetime,
        note: str = "", first: str = "",
    ) -> int:  # fmt: skip
        """Couple ``pairs`` in place of couplings whose other half is ``gone`` (ids by side); returns the batch.

        Where both records had a partner that is gone, both couplings become one. Raises AlreadyCoupled when a record
        has a partner that is not gone; then nothing is written.
        """

        def may_end(held: Pair, wanted: Pair) -> bool:
            return held.dv_id in gone["dv"] if held.bc_id == wanted.bc_id else held.bc_id in gone["bc"]

        with self._store.writing() as connection:
            mark = acts.Mark(by, stamp(at), note)
            return acts.replace_couplings(connection, kind, _first(pairs, first), mark, may_end)

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

    def uncouple(
        self, kind: str, pairs: Iterable[Pair], *, by: str, at: datetime, note: str = "",
        also: Mapping[str, Iterable[Pair]] | None = None,
    ) -> int:  # fmt: skip
        """End the couplings of ``pairs`` and their agreements; returns the batch.

        ``also`` are couplings of other kinds that end in the same batch. Raises UnknownRecord when a pair is not
        coupled; then nothing is written.
        """
        with self._store.writing() as connection:
            mark = acts.Mark(by, stamp(at), note)
            batch = acts.uncouple(connection, kind, pairs, mark)
            for other, children in (also or {}).items():
                batch = acts.uncouple(connection, other, children, mark, batch or None)
            return batch

    def retry(self, kind: str, pairs: Iterable[Pair] | None = None, *, by: str, at: datetime, note: str = "") -> int:
        """Lift the skip of ``pairs``, or of all skipped pairs of ``kind``; returns the batch, 0 when none is skipped.

        A create that is skipped is named by its one id. Raises UnknownRecord when a pair is not skipped.
        """
        with self._store.writing() as connection:
            held = {(s.bc_id, s.dv_id): s for s in skipped(connection, kind)}
            wanted = [Pair(b, d) for b, d in held] if pairs is None else list(pairs)
            for pair in wanted:
                if (pair.bc_id, pair.dv_id) not in held:
                    raise UnknownRecord(
                        f"The {kind} {acts.named(pair)} is not skipped.", "Look at what is skipped, and retry that."
                    )
            return acts.retry(connection, kind, wanted, acts.Mark(by, stamp(at), note))

    def undo(self, *, by: str, at: datetime, batch: int | None = None, of_runs: bool = True) -> list[Decision]:
        """Take back ``batch``, or the last batch that still counts, and return the lines taken back.

        What was there before comes back exactly, agreements too. Without ``batch``, repeated calls go
        further and further back; to do a batch again, undo the batch of its undo. Raises NothingToUndo when
        there is none, LedgerError when other decisions on the same records stand in the way, or when a run of
        `apply` made the batch and not ``of_runs``.
        """
        with self._store.writing() as connection:
            return undoing.undo(connection, by, stamp(at), batch, of_runs=of_runs)

    def _judge(self, verdict: str, kind: str, pairs: Iterable[Pair], by: str, at: datetime, note: str) -> int:
        with self._store.writing() as connection:
            return acts.judge(connection, kind, verdict, pairs, acts.Mark(by, stamp(at), note))

    # ── Looking ───────────────────────────────────────────────────────────────────────────────────

    def couplings(self, kind: str | None = None) -> pd.DataFrame:
        """kind, bc_id, dv_id, by, at, position, synchronised (has an agreement), first; sorted by kind and bc_id."""
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

    def decisions(
        self, kind: str | None = None, *, last: int | None = None, batch: int | None = None, by: str | None = None,
        verdict: str | None = None, since: datetime | None = None,
    ) -> list[Decision]:  # fmt: skip
        """The decision lines, oldest first; with ``last``, only so many of the newest.

        ``since`` is aware; lines of that moment are in. Raises LedgerError for a time without a zone.
        """
        c = decisions.c
        asked = ((c.kind, kind), (c.batch, batch), (c.by, by), (c.verdict, verdict))
        where = [column == value for column, value in asked if value is not None]
        if since is not None:
            where.append(c.at >= stamp(since))
        with self._store.reading() as connection:
            return views.decisions_of(connection, *where, last=last)

    def skipped(self, kind: str | None = None) -> pd.DataFrame:
        """kind, bc_id, dv_id, side, title, message, times of pairs that `plan` leaves alone, as their last tries
        ended with the same error; sorted by kind and ids. A record to be made has one id only.
        """
        with self._store.reading() as connection:
            kinds = [kind] if kind is not None else sorted(connection.scalars(select(outcomes.c.kind).distinct()))
            found = [pair for name in kinds for pair in skipped(connection, name)]
        return pd.DataFrame(found, columns=list(Skipped._fields))

    # ── Files ─────────────────────────────────────────────────────────────────────────────────────

    def export_lines(self) -> list[str]:
        """What stands, as lines of JSON (see `lines.of`)."""
        with self._store.reading() as connection:
            return lines.of(connection)

    def import_lines(self, text: bytes, *, kinds: Collection[str] | None = None, dry_run: bool = False) -> Taken:
        """Take the decisions of an exported file that are not here yet, all in one batch (see `taking.take`).

        With ``dry_run`` nothing is written. Raises SettingsError naming the line for a line that cannot be read, or
        whose kind is not among ``kinds``. With conflicts nothing is written either; they are in what is returned.
        """
        read = lines.read(text, kinds)
        if dry_run:
            with self._store.reading() as connection:
                return taking.look(connection, read)
        with self._store.writing() as connection:
            return taking.take(connection, read)

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


def _first(pairs: Iterable[Pair], first: str) -> Iterable[Pair]:
    return [p if p.first else replace(p, first=first) for p in pairs] if first else pairs
