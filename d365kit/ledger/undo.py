"""A batch → the lines that take it back, and the state that was there before it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, Row, func, select

from d365kit.errors import LedgerError, NothingToUndo
from d365kit.ledger import acts, views
from d365kit.ledger.history import Key, in_the_way, keys_of, last_word, taken_back
from d365kit.ledger.store import chunks
from d365kit.ledger.tables import decisions
from d365kit.nouns.ledger_lines import Decision, Pair


def undo(connection: Connection, by: str, at: str, batch: int | None, *, of_runs: bool = True) -> list[Decision]:
    """Take back ``batch``, or the last one that counts and is no undo itself. Returns the undone lines.

    Raises NothingToUndo when there is no such batch or it is taken back already, LedgerError when other
    batches on the same records stand in the way, or when a run of `apply` made it and not ``of_runs``.
    """
    undos = _undos(connection)
    now = taken_back(undos)
    batch = _last(connection, now) if batch is None else batch
    lines = views.decisions_of(connection, decisions.c.batch == batch)
    if not lines:
        raise NothingToUndo(f"There is no batch {batch} in the ledger.", "Look up the batch: d365kit ledger log.")
    if batch in now:
        raise NothingToUndo(
            f"Batch {batch} is taken back already, by batch {now[batch]}.",
            f"To bring it back, undo batch {now[batch]}.",
        )
    root = _root(batch, dict(undos))
    verdicts = lines if root == batch else views.decisions_of(connection, decisions.c.batch == root)
    if not of_runs and (run := next((line.run for line in verdicts if line.run), "")):
        raise LedgerError(
            f"Batch {batch} is of run {run} of apply, which wrote to the services.",
            "End single couplings with: d365kit uncouple KIND BC_ID DV_ID.",
        )
    keys: dict[str, set[Key]] = {}
    for line in verdicts:
        keys.setdefault(line.kind, set()).update(keys_of(line.verdict, line.bc_id, line.dv_id))
    related = {kind: _related(connection, kind, of_kind) for kind, of_kind in keys.items()}
    then = taken_back(undos, batch)
    others = {b for kind in keys for b in in_the_way(related[kind], keys[kind], then, now, batch)}
    if others:
        listed = ", ".join(str(b) for b in sorted(others)[:5])
        raise LedgerError(
            f"Batch {batch} cannot be taken back: batches {listed} decided on the same records since.",
            "Undo or bring back those first, the latest before the others.",
        )
    number: int | None = None
    for kind, of_kind in groupby(lines, key=attrgetter("kind")):
        pairs = [Pair(line.bc_id, line.dv_id) for line in of_kind]
        number, _ = acts.append(connection, kind, "undo", pairs, acts.Mark(by, at, undoes=batch), number)
    away = taken_back([*undos, (number or 0, batch)])
    for kind in keys:
        _restore(connection, kind, keys[kind], related[kind], away)
    return lines


def _undos(connection: Connection) -> list[tuple[int, int]]:
    c = decisions.c
    query = select(c.batch, c.undoes).where(c.undoes > 0).distinct()
    return sorted((undo, goal) for undo, goal in connection.execute(query))


def _last(connection: Connection, away: dict[int, int]) -> int:
    below = (connection.scalar(select(func.max(decisions.c.batch))) or 0) + 1
    while True:
        newest = select(func.max(decisions.c.batch)).where(decisions.c.batch < below, decisions.c.undoes.is_(None))
        found = connection.scalar(newest)
        if found is None:
            raise NothingToUndo("There is no decision left to take back.", "Decide something first.")
        if found not in away:
            return found
        below = found


def _root(batch: int, goal_of: dict[int, int]) -> int:
    """The batch at the end of a chain of undos of undos."""
    while batch in goal_of:
        batch = goal_of[batch]
    return batch


def _related(connection: Connection, kind: str, keys: set[Key]) -> Sequence[Row]:
    """All lines that share a record with ``keys``, in order."""
    c = decisions.c
    columns = select(c.position, c.verdict, c.bc_id, c.dv_id, c.batch).where(c.kind == kind)
    bc_ids, dv_ids = {b for b, _ in keys} - {""}, {d for _, d in keys} - {""}
    if len(keys) > acts.MANY:
        rows = connection.execute(columns.order_by(c.position))
        return [row for row in rows if row.bc_id in bc_ids or row.dv_id in dv_ids]
    found: dict[int, Row] = {}
    for column, ids in ((c.bc_id, bc_ids), (c.dv_id, dv_ids)):
        for some in chunks(ids):
            found.update((row.position, row) for row in connection.execute(columns.where(column.in_(some))))
    return [found[at] for at in sorted(found)]


def _restore(connection: Connection, kind: str, keys: set[Key], related: Sequence[Row], away: dict[int, int]) -> None:
    """Make couplings and standing verdicts of ``keys`` follow from the lines that still count."""
    word = last_word(related, keys, away)
    pairs = [key for key in keys if all(key)]
    acts.part(connection, kind, pairs)
    acts.forget(connection, kind, keys)
    coupled = [(key, word[key]) for key in pairs if key in word and word[key].verdict == "confirm"]
    acts.couple(connection, kind, [(line.position, Pair(*key)) for key, line in coupled])
    judged = [(w.position, w.verdict, key) for key, w in word.items() if w.verdict in ("reject", "defer", "create")]
    acts.stand(connection, kind, judged)
