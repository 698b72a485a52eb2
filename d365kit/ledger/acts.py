"""Pairs and a verdict → decision lines, and the couplings and standing verdicts that follow from them.

Every function works inside the one transaction of its caller and either writes all it was asked or raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, func, select, union

from d365kit.errors import AlreadyCoupled, LedgerError, UnknownRecord
from d365kit.ledger import bulk
from d365kit.ledger.history import Key, keys_of
from d365kit.ledger.store import chunks
from d365kit.ledger.tables import couplings, decisions, standing
from d365kit.ledger.values import encode, keepable
from d365kit.nouns.frames import plain
from d365kit.nouns.ledger_lines import FIRSTS, Pair

# Made once: `apply` runs these for every change, and making a statement takes longer than running it.
_HELD = select(couplings.c.bc_id, couplings.c.dv_id).where(couplings.c.kind == bindparam("kind"))
_PARTNERS = union(  # one index each; the same as one query with OR reads all of the kind
    _HELD.where(couplings.c.bc_id.in_(bindparam("bc_ids", expanding=True))),
    _HELD.where(couplings.c.dv_id.in_(bindparam("dv_ids", expanding=True))),
)
_ENDS = select(
    select(func.max(decisions.c.position)).scalar_subquery(), select(func.max(decisions.c.batch)).scalar_subquery()
)
#: The columns of a decision in the order in which `append` writes them.
_COLUMNS = tuple(column.name for column in decisions.c)
_STANDS = select(standing.c.position).where(standing.c.kind == bindparam("of_kind")).limit(1)
_ALL_STANDING = select(standing.c.bc_id, standing.c.dv_id).where(standing.c.kind == bindparam("of_kind"))

#: From here on it is quicker to read all of a kind than to look for each key.
MANY = 2_000


@dataclass(frozen=True)
class Mark:
    """What all lines of one act share: who, when (text, UTC), why, in which run, undoing which batch."""

    by: str
    at: str
    note: str = ""
    run: str = ""
    undoes: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", keepable(self.note))


@dataclass(frozen=True)
class Partners:
    """The present partners of some records of one kind."""

    of_bc: dict[str, str]
    of_dv: dict[str, str]

    def held_by(self, pair: Pair) -> list[Pair]:
        """The couplings of the two records with others, BC's first; none when they are coupled to each other."""
        held = []
        if self.of_bc.get(pair.bc_id, pair.dv_id) != pair.dv_id:
            held.append(Pair(pair.bc_id, self.of_bc[pair.bc_id]))
        if self.of_dv.get(pair.dv_id, pair.bc_id) != pair.bc_id:
            held.append(Pair(self.of_dv[pair.dv_id], pair.dv_id))
        return held

    def tie(self, pair: Pair) -> str:
        """``same`` when the pair is coupled, ``other`` when one of the two has another partner, else ``""``."""
        if pair.bc_id and pair.dv_id and self.of_bc.get(pair.bc_id) == pair.dv_id:
            return "same"
        return "other" if pair.bc_id in self.of_bc or pair.dv_id in self.of_dv else ""


def named(pair: Pair) -> str:
    """The pair as messages show it."""
    return " ↔ ".join(f"{side} {i}" for side, i in (("bc", pair.bc_id), ("dv", pair.dv_id)) if i)


def partners(connection: Connection, kind: str, pairs: Iterable[Pair]) -> Partners:
    """The present partners of all records in ``pairs``."""
    found, listed = Partners({}, {}), list(pairs)
    if len(listed) > MANY:
        bc_ids, dv_ids = {p.bc_id for p in listed}, {p.dv_id for p in listed}
        for bc_id, dv_id in connection.execute(_HELD, {"kind": kind}):
            if bc_id in bc_ids or dv_id in dv_ids:
                found.of_bc[bc_id], found.of_dv[dv_id] = dv_id, bc_id
        return found
    for some in chunks(listed):
        ids = {"kind": kind, "bc_ids": [p.bc_id for p in some], "dv_ids": [p.dv_id for p in some]}
        for bc_id, dv_id in connection.execute(_PARTNERS, ids):
            found.of_bc[bc_id], found.of_dv[dv_id] = dv_id, bc_id
    return found


def append(
    connection: Connection,
    kind: str,
    verdict: str,
    pairs: Sequence[Pair],
    mark: Mark | Sequence[Mark],
    batch: int | None = None,
) -> tuple[int, list[int]]:
    """Write one line a pair, all with one mark or each with its own.

    Returns the batch, 0 when there was no pair, and the positions of the lines.
    """
    if not pairs:
        return batch or 0, []
    newest, highest = connection.execute(_ENDS).one()
    batch, first = batch or (highest or 0) + 1, (newest or 0) + 1
    marks = [mark] * len(pairs) if isinstance(mark, Mark) else mark
    rows = [
        (
            first + i, m.at, m.by, kind, verdict, p.bc_id, p.dv_id, batch, plain(p.score), p.band,
            encode(p.evidence), p.fingerprint, m.note, m.run, m.undoes, p.first,
        )
        for i, (p, m) in enumerate(zip(pairs, marks, strict=True))
    ]  # fmt: skip
    bulk.insert_rows(connection, decisions, _COLUMNS, rows)
    return batch, list(range(first, first + len(rows)))


def confirm(connection: Connection, kind: str, pairs: Iterable[Pair], mark: Mark, batch: int | None = None) -> int:
    """Couple ``pairs``; pairs already coupled to each other are left out. Returns the batch, 0 for no line.

    Raises AlreadyCoupled when a record has another partner or stands twice among ``pairs``.
    """
    wanted = _cleaned(pairs)
    for pair in wanted:
        _need_both(pair, kind, "couple")
        _check_first(pair, kind)
    _refuse_repeats(kind, wanted)
    present = partners(connection, kind, wanted)
    taken = [p for p in wanted if present.tie(p) == "other"]
    if taken:
        raise _already(kind, taken, present.held_by(taken[0])[0])
    fresh = [p for p in wanted if not present.tie(p)]
    batch, positions = append(connection, kind, "confirm", fresh, mark, batch)
    if fresh:
        forget(connection, kind, [k for p in fresh for k in keys_of("confirm", p.bc_id, p.dv_id)])
        couple(connection, kind, zip(positions, fresh, strict=True))
    return batch


def couple(connection: Connection, kind: str, lines: Iterable[tuple[int, Pair]]) -> None:
    """Put (position, pair) among the couplings; the database refuses a second partner."""
    rows = [(at, kind, p.bc_id, p.dv_id) for at, p in lines]
    bulk.insert_rows(connection, couplings, ("position", "kind", "bc_id", "dv_id"), rows)


def replace_couplings(
    connection: Connection, kind: str, pairs: Iterable[Pair], mark: Mark, may_end: Callable[[Pair, Pair], bool]
) -> int:
    """Couple ``pairs``, ending the couplings their records have where ``may_end(held, wanted)``, as one batch.

    Returns the batch. Raises AlreadyCoupled, with nothing written, when a coupling may not end.
    """
    wanted = _cleaned(pairs)
    for pair in wanted:
        _need_both(pair, kind, "couple")
    _refuse_repeats(kind, wanted)
    present = partners(connection, kind, wanted)
    ended: dict[Key, Pair] = {}
    for pair in wanted:
        for held in present.held_by(pair):
            if not may_end(held, pair):
                raise _already(kind, [pair], held)
            ended[held.bc_id, held.dv_id] = held
    batch = uncouple(connection, kind, ended.values(), mark) if ended else None
    return confirm(connection, kind, wanted, mark, batch)


def move(connection: Connection, kind: str, pairs: Iterable[Pair], mark: Mark) -> int:
    """Couple ``pairs`` in place of the one coupling that either record of each has. Returns the batch.

    Raises AlreadyCoupled when both have another partner, UnknownRecord when neither has.
    """
    wanted = _cleaned(pairs)
    present = partners(connection, kind, wanted)
    for pair in wanted:
        held = present.held_by(pair)
        if len(held) > 1:
            raise _already(kind, [pair], held[1])
        if not held:
            same = present.tie(pair) == "same"
            raise UnknownRecord(
                f"The {kind} {named(pair)} {'is coupled to each other' if same else 'has no coupling to move'}.",
                "Leave it out." if same else "Confirm the pair instead.",
            )
    return replace_couplings(connection, kind, wanted, mark, lambda *_: True)


def uncouple(connection: Connection, kind: str, pairs: Iterable[Pair], mark: Mark, batch: int | None = None) -> int:
    """End the couplings of ``pairs``, and with them their agreements. Returns the batch.

    Raises UnknownRecord when a pair is not coupled.
    """
    wanted = _once(pairs)
    present = partners(connection, kind, wanted)
    for pair in wanted:
        _need_both(pair, kind, "uncouple")
        if present.tie(pair) != "same":
            raise UnknownRecord(
                f"The {kind} {named(pair)} is not coupled.",
                "See what is coupled: d365kit ledger log, or ws.couplings() in a notebook.",
            )
    batch, _ = append(connection, kind, "uncouple", wanted, mark, batch)
    part(connection, kind, [(p.bc_id, p.dv_id) for p in wanted])
    return batch


def judge(connection: Connection, kind: str, verdict: str, pairs: Iterable[Pair], mark: Mark) -> int:
    """Write down a rejection, deferral or create of each pair; it takes the place of an earlier one.

    Returns the batch, 0 when there was no pair. Raises LedgerError when what is judged is coupled.
    """
    wanted = _once(pairs)
    present = partners(connection, kind, wanted)
    for pair in wanted:
        _check_judgement(kind, verdict, pair, present)
    batch, positions = append(connection, kind, verdict, wanted, mark)
    forget(connection, kind, [(p.bc_id, p.dv_id) for p in wanted])
    stand(connection, kind, [(at, verdict, (p.bc_id, p.dv_id)) for at, p in zip(positions, wanted, strict=True)])
    return batch


def retry(connection: Connection, kind: str, pairs: Iterable[Pair], mark: Mark) -> int:
    """Write down that skipped pairs are to be tried again. Returns the batch, 0 when there was no pair."""
    return append(connection, kind, "retry", _once(pairs), mark)[0]


def stand(connection: Connection, kind: str, lines: Iterable[tuple[int, str, Key]]) -> None:
    """Let (position, verdict, pair) stand."""
    rows = [(kind, *key, verdict, at) for at, verdict, key in lines]
    bulk.insert_rows(connection, standing, ("kind", "bc_id", "dv_id", "verdict", "position"), rows)


def forget(connection: Connection, kind: str, keys: Iterable[Key]) -> None:
    """Let nothing stand on ``keys`` any more."""
    asked = list(keys)
    if not asked or connection.scalar(_STANDS, {"of_kind": kind}) is None:
        return
    if len(asked) > MANY:
        held = {(b, d) for b, d in connection.execute(_ALL_STANDING, {"of_kind": kind})}
        asked = [key for key in asked if key in held]
    bulk.delete_rows(connection, standing, kind, asked)


def part(connection: Connection, kind: str, keys: Iterable[Key]) -> None:
    """Take the pairs ``keys`` out of the couplings."""
    bulk.delete_rows(connection, couplings, kind, list(keys))


def _check_judgement(kind: str, verdict: str, pair: Pair, present: Partners) -> None:
    if verdict == "reject":
        _need_both(pair, kind, "reject")
    if not (pair.bc_id or pair.dv_id):
        raise LedgerError(f"A {kind} to {verdict} has no id at all.", "Hand in the id of a record.")
    if verdict == "create":
        if pair.bc_id and pair.dv_id:
            raise LedgerError(
                f"The {kind} {named(pair)} has both ids, so there is nothing to create.",
                "Confirm the pair, or hand in the one record that has no partner.",
            )
        if present.tie(pair):
            raise _already(kind, [pair], present.held_by(pair)[0])
    half = not (pair.bc_id and pair.dv_id)
    if present.tie(pair) == "same" or (half and present.tie(pair)):
        raise LedgerError(
            f"The {kind} {named(pair)} is coupled, so there is nothing to {verdict}.", "Uncouple it first."
        )


def _need_both(pair: Pair, kind: str, verb: str) -> None:
    if not (pair.bc_id and pair.dv_id):
        raise LedgerError(
            f"To {verb} a {kind} takes two ids, and there is only “{named(pair)}”.", "Hand in both ids."
        )


def _check_first(pair: Pair, kind: str) -> None:
    if pair.first not in FIRSTS:
        raise LedgerError(
            f"The {kind} {named(pair)} cannot be synchronised first from “{pair.first}”.",
            "Say bc or dv, or leave it blank for what the settings say.",
        )


def _once(pairs: Iterable[Pair]) -> list[Pair]:
    """``pairs`` without repeats; of two with the same ids the last counts."""
    return list({(p.bc_id, p.dv_id): p for p in _cleaned(pairs)}.values())


def _cleaned(pairs: Iterable[Pair]) -> list[Pair]:
    """``pairs`` with ``""`` for ids that are missing in a frame; raises LedgerError for an id that is no text."""
    wanted = list(pairs)
    for at, pair in enumerate(wanted):
        if not (type(pair.bc_id) is str and type(pair.dv_id) is str):
            ids = [i if isinstance(i, str) else plain(i) or "" for i in (pair.bc_id, pair.dv_id)]
            if not all(isinstance(i, str) for i in ids):
                raise LedgerError(
                    f"The ids {pair.bc_id!r} and {pair.dv_id!r} are not both text.", "Hand in ids as text."
                )
            wanted[at] = replace(pair, bc_id=str(ids[0]), dv_id=str(ids[1]))
    return wanted


def _refuse_repeats(kind: str, pairs: Sequence[Pair]) -> None:
    of_bc: dict[str, Pair] = {}
    of_dv: dict[str, Pair] = {}
    for pair in pairs:
        twin = of_bc.get(pair.bc_id) or of_dv.get(pair.dv_id)
        if twin is not None:
            raise AlreadyCoupled(
                f"The {kind} {named(pair)} shares a record with {named(twin)} in the same call.",
                "Choose one partner for each record.",
            )
        of_bc[pair.bc_id] = of_dv[pair.dv_id] = pair


def _already(kind: str, taken: Sequence[Pair], held: Pair) -> AlreadyCoupled:
    pair = taken[0]
    wish = "cannot be coupled" if pair.bc_id and pair.dv_id else "gets no new partner"
    more = f", and {len(taken) - 1:,} more of the pairs clash" if len(taken) > 1 else ""
    return AlreadyCoupled(
        f"The {kind} {named(pair)} {wish}: {named(held)} is coupled already{more}.",
        f"Uncouple {named(held)} first, move it here (d365kit move, ws.move), or choose another partner.",
    )
