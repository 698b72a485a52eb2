"""What a run means to do and what came of it → rows that survive any stop."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import aliased

from d365kit.errors import LedgerError, UnknownRecord
from d365kit.ledger import acts, views
from d365kit.ledger.store import chunks
from d365kit.ledger.tables import agreements, couplings, decisions, outcomes, runs
from d365kit.ledger.values import encode, keepable
from d365kit.nouns.ledger_lines import Pair
from d365kit.nouns.run import STATES, Outcome

FIELDS = (
    "change", "kind", "action", "side", "bc_id", "dv_id", "title", "state", "message", "status", "request_id",
)  # fmt: skip

# Made once: `apply` runs these for every change, and making a statement takes longer than running it.
_RUN = select(runs.c.number).where(runs.c.run == bindparam("of_run"))
_PRESENT = (
    select(runs.c.run, outcomes.c.state)
    .outerjoin(outcomes, and_(outcomes.c.run == runs.c.run, outcomes.c.change == bindparam("of_change")))
    .where(runs.c.run == bindparam("of_run"))
)
_INTEND = insert(outcomes)
_SETTLE = (
    update(outcomes)
    .where(outcomes.c.run == bindparam("of_run"), outcomes.c.change == bindparam("of_change"))
    .values({name: bindparam(name) for name in (*FIELDS, "at", "by", "position")})
)
_POSITION = select(func.coalesce(func.max(decisions.c.position), 0))
_POSITIONS = select(couplings.c.bc_id, couplings.c.dv_id, couplings.c.position).where(
    couplings.c.kind == bindparam("kind"), couplings.c.bc_id.in_(bindparam("bc_ids", expanding=True))
)
_DISAGREE = delete(agreements).where(agreements.c.position.in_(bindparam("positions", expanding=True)))
_AGREE = insert(agreements)


def begin(connection: Connection, plan_id: str, fingerprint: str, by: str, at: str) -> str:
    """Open a run of a plan and return its id; ids sort in the order of the runs."""
    number = (connection.scalar(select(func.max(runs.c.number))) or 0) + 1
    run = f"R{number:06d}"
    row = {"run": run, "number": number, "plan": plan_id, "fingerprint": fingerprint, "by": by, "started": at}
    connection.execute(insert(runs).values(row))
    return run


def end(connection: Connection, run: str, at: str) -> None:
    """Close a run. Raises UnknownRecord when there is no such run."""
    need_run(connection, run)
    connection.execute(update(runs).where(runs.c.run == run).values(ended=at))


def intend(connection: Connection, run: str, values: Mapping[str, str]) -> None:
    """Write down a change that is about to be sent, as ``unknown``.

    Raises UnknownRecord for an unknown run, LedgerError when the change is done already.
    """
    blank = {"message": "", "status": 0, "request_id": "", "at": None, "by": None, "position": 0}
    _write(connection, run, {**values, "title": keepable(values["title"]), **blank, "state": "unknown"})


def settle(connection: Connection, run: str, outcome: Outcome, at: str, by: str) -> None:
    """Write down what became of a change, whether it was intended or never sent.

    Raises UnknownRecord for an unknown run, LedgerError for an unknown state or a change that is done.
    """
    if outcome.state not in STATES:
        raise LedgerError(
            f"Change {outcome.change} cannot end as “{outcome.state}”.", f"The states are: {', '.join(STATES)}."
        )
    values = {name: getattr(outcome, name) for name in FIELDS}
    words = {name: keepable(values[name]) for name in ("title", "message")}
    request = keepable(outcome.request_id)[:200]
    position = connection.scalar(_POSITION) if outcome.state == "failed" else 0
    _write(
        connection, run,
        {**values, **words, "request_id": request, "at": at, "by": by, "position": position},
    )  # fmt: skip


def couple(connection: Connection, kind: str, mark: acts.Mark, new: Pair | None, ended: Pair | None) -> None:
    """Write down the coupling a change ended and the one it made, as one batch."""
    batch = acts.uncouple(connection, kind, [ended], mark) if ended else None
    if new:
        acts.confirm(connection, kind, [new], mark, batch)


def agree(connection: Connection, run: str, kind: str, values: Mapping[tuple[str, str], Mapping], at: str) -> None:
    """Keep the values both sides of some couplings hold, instead of what was kept before.

    Raises UnknownRecord when a pair is not coupled.
    """
    held = _positions(connection, kind, values)
    for pair in values:
        if pair not in held:
            raise UnknownRecord(
                f"The {kind} {acts.named(Pair(*pair))} is not coupled, so it has nothing to agree on.",
                "Couple the pair first.",
            )
    for some in chunks(held.values()):
        connection.execute(_DISAGREE, {"positions": some})
    rows = [
        {"position": held[pair], "fields": encode(fields), "at": at, "run": run} for pair, fields in values.items()
    ]
    if rows:
        connection.execute(_AGREE, rows)


def outcomes_of(connection: Connection, run: str) -> list[Outcome]:
    """All outcomes of a run in order; a change that was intended and not settled is ``unknown``."""
    need_run(connection, run)
    query = select(*(outcomes.c[name] for name in FIELDS)).where(outcomes.c.run == run)
    return [Outcome(**row._mapping) for row in connection.execute(query.order_by(outcomes.c.number))]


def unsettled(connection: Connection) -> list[Outcome]:
    """Changes of any run whose fate is unknown, oldest first.

    A change drops out once it is settled, in its own run or as done or failed in a later run of the same plan.
    """
    later, later_run = aliased(outcomes), aliased(runs)
    resolved = (
        select(later.c.number)
        .join(later_run, later_run.c.run == later.c.run)
        .where(
            later.c.change == outcomes.c.change,
            later.c.number > outcomes.c.number,
            later.c.state.in_(("done", "failed")),
            later_run.c.plan == runs.c.plan,
        )
    )
    query = (
        select(*(outcomes.c[name] for name in FIELDS))
        .join(runs, runs.c.run == outcomes.c.run)
        .where(outcomes.c.state == "unknown", ~resolved.exists())
        .order_by(outcomes.c.number)
    )
    return [Outcome(**row._mapping) for row in connection.execute(query)]


def overview(connection: Connection) -> pd.DataFrame:
    """One row a run: run, plan, fingerprint, by, started, ended and how many outcomes of each state."""
    texts = ("run", "plan", "fingerprint", "by")
    rows = connection.execute(select(runs).order_by(runs.c.number)).mappings().all()
    frame = views.texts({name: [row[name] for row in rows] for name in texts}, texts)
    for name in ("started", "ended"):
        frame[name] = views.times([row[name] for row in rows])
    query = select(outcomes.c.run, outcomes.c.state, func.count()).group_by(outcomes.c.run, outcomes.c.state)
    counts = {(run, state): number for run, state, number in connection.execute(query)}
    for state in STATES:
        frame[state] = pd.Series([counts.get((row["run"], state), 0) for row in rows], dtype="int64")
    return frame


def done_changes(connection: Connection, plan_id: str) -> set[str]:
    """The changes of a plan that any of its runs finished."""
    own = select(runs.c.run).where(runs.c.plan == plan_id)
    query = select(outcomes.c.change).where(outcomes.c.run.in_(own), outcomes.c.state == "done")
    return set(connection.scalars(query))


def _write(connection: Connection, run: str, values: Mapping[str, object]) -> None:
    found = connection.execute(_PRESENT, {"of_run": run, "of_change": values["change"]}).one_or_none()
    if found is None:
        raise _no_such(run)
    if found.state == "done":
        raise LedgerError(
            f"Change {values['change']} of run {run} is done already.", "Leave it out, or begin another run."
        )
    if found.state is None:
        connection.execute(_INTEND, {"run": run, **values})
    else:
        connection.execute(_SETTLE, {"of_run": run, "of_change": values["change"], **values})


def need_run(connection: Connection, run: str) -> None:
    """Raise UnknownRecord when there is no such run."""
    if connection.scalar(_RUN, {"of_run": run}) is None:
        raise _no_such(run)


def _no_such(run: str) -> UnknownRecord:
    return UnknownRecord(f"There is no run {run} in the ledger.", "Begin a run, or look up its id in the runs.")


def _positions(
    connection: Connection, kind: str, pairs: Mapping[tuple[str, str], object]
) -> dict[tuple[str, str], int]:
    found = {}
    for some in chunks(bc_id for bc_id, _ in pairs):
        rows = connection.execute(_POSITIONS, {"kind": kind, "bc_ids": some})
        found.update({(bc_id, dv_id): position for bc_id, dv_id, position in rows})
    return {pair: found[pair] for pair in pairs if pair in found}
