"""The journal of runs and the decisions since → pairs that are skipped, because the same error came twice running.

Nothing is kept for it: what is skipped follows from outcomes, couplings and retries (coupling.md section 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from d365kit.ledger.history import taken_back
from d365kit.ledger.store import chunks
from d365kit.ledger.tables import couplings, decisions, outcomes, standing
from d365kit.nouns.run import Skipped

#: Refusals that say nothing about the record: not signed in, told to wait, out of order, changed since it was read.
_PASSING = frozenset({0, 401, 409, 412, 429, 502, 503, 504})

#: What differs between two tellings of the same error: ids, times, versions, numbers of requests.
_CHANGING = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?|W/\"[^\"]*\"|\brequest \S+",
    re.IGNORECASE,
)

#: (to side, record it comes from): an update of a pair and a create that failed belong to their source.
_Key = tuple[str, str]


@dataclass
class _Tries:
    """How often the same error came running, and what it was."""

    error: str
    times: int
    last: Skipped
    run: str
    number: int
    before: int


def skipped(connection: Connection, kind: str) -> list[Skipped]:
    """The pairs of ``kind`` that are left alone, sorted by their ids; a create has its own record's id alone."""
    running = {key: tries for key, tries in _running(connection, kind).items() if tries.times >= 2}
    if not running:
        return []
    for key in list(_done_between(connection, kind, running)):
        running.pop(key, None)
    found: dict[tuple[str, str], Skipped] = {}
    for tries in running.values():
        pair = (tries.last.bc_id, tries.last.dv_id)
        found[pair] = max(found.get(pair, tries.last), tries.last, key=lambda s: s.times)
    return [found[pair] for pair in sorted(found)]


def _running(connection: Connection, kind: str) -> dict[_Key, _Tries]:
    """For each record and direction, its last failures as far as they are the same and nothing lifted them."""
    c = outcomes.c
    query = select(
        c.number, c.run, c.action, c.side, c.bc_id, c.dv_id, c.title, c.message, c.status, c.request_id, c.position
    ).where(c.state == "failed", c.kind == kind, c.position > 0)
    rows = connection.execute(query.order_by(c.number)).all()
    if not rows:
        return {}
    since = _lifted(connection, kind)
    running: dict[_Key, _Tries] = {}
    for row in rows:
        source = row.bc_id if row.side == "dv" else row.dv_id
        pair = (row.bc_id, row.dv_id)
        if row.action == "create":  # the record to be made gets another id in every plan
            pair = (row.bc_id, "") if row.side == "dv" else ("", row.dv_id)
        if pair not in since or row.position < since[pair] or row.status in _PASSING:
            continue
        message = row.message.replace(row.request_id, "") if row.request_id else row.message
        error = f"{row.status} {_CHANGING.sub('…', message)}"
        before = running.get((row.side, source))
        same = before is not None and before.error == error and before.last[:3] == (kind, *pair)
        if before is not None and same and before.run == row.run:
            continue
        times = before.times + 1 if before is not None and same else 1
        last = Skipped(kind, *pair, row.side, row.title, row.message, times)
        running[row.side, source] = _Tries(error, times, last, row.run, row.number, before.number if before else 0)
    return running


def _lifted(connection: Connection, kind: str) -> dict[tuple[str, str], int]:
    """Each coupled pair, and each record to be made → the decision before which its failures do not count."""
    since: dict[tuple[str, str], int] = {}
    for table in (couplings, standing):
        query = select(table.c.bc_id, table.c.dv_id, table.c.position).where(table.c.kind == kind)
        since.update({(b, d): position for b, d, position in connection.execute(query)})
    c = decisions.c
    undos = sorted(tuple(row) for row in connection.execute(select(c.batch, c.undoes).where(c.undoes > 0).distinct()))
    away = taken_back(undos)
    retries = select(c.bc_id, c.dv_id, c.position, c.batch).where(c.kind == kind, c.verdict == "retry")
    for row in connection.execute(retries):
        if row.batch not in away and (row.bc_id, row.dv_id) in since:
            since[row.bc_id, row.dv_id] = max(since[row.bc_id, row.dv_id], row.position)
    return since


def _done_between(connection: Connection, kind: str, running: dict[_Key, _Tries]) -> Iterator[_Key]:
    """The records and directions that went well after the last failure but one: then it is not twice running."""
    c = outcomes.c
    first = min(tries.before for tries in running.values())
    for side, source in (("dv", c.bc_id), ("bc", c.dv_id)):
        for some in chunks(record for to, record in running if to == side):
            query = select(source, c.number).where(
                c.kind == kind, c.state == "done", c.side == side, c.number > first, source.in_(some)
            )
            for record, number in connection.execute(query):
                if number > running[side, record].before:
                    yield side, record
