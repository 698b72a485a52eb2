"""A pair whose records have other partners → what coupling it would end, and by which verb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from d365kit.errors import AlreadyCoupled, LedgerError
from d365kit.kinds import SIDES, Side, other_side
from d365kit.review.queue import Queue
from d365kit.review.state import Coupled, State
from d365kit.show.values import SIDE_NAMES, moment, seen, short

#: How a pair can take the place of what is coupled; ``""`` where it cannot, or need not.
Way = Literal["", "move", "take over"]


@dataclass(frozen=True)
class Switch:
    """What coupling a pair would end; to be shown before it is done.

    ``ends`` says it in words, ``held`` are the (bc id, dv id) that end, ``pair`` those that begin.
    """

    way: Way
    text: str
    ends: tuple[str, ...]
    held: tuple[tuple[str, str], ...]
    pair: tuple[str, str]


def way(queue: Queue, state: State, rows: dict[Side, int]) -> Way:
    """Whether the two records may be coupled in place of what one or both are coupled to now.

    One partner gives way by a move. Partners that are gone from the snapshot, inside and outside the filter, by a
    take-over, also two of them. A record that the filter hides is never coupled.
    """
    if any(row < 0 or queue.records[side].outside(row) for side, row in rows.items()):
        return ""
    held = _held(queue, state, rows)
    if not held:
        return ""
    if all(_gone(queue, side, coupled) for side, coupled in held.items()):
        return "take over"
    return "move" if len(held) == 1 else ""


def look(queue: Queue, state: State, rows: dict[Side, int]) -> Switch:
    """What coupling the two records would end. Raises LedgerError, AlreadyCoupled where it is not possible."""
    found, held = way(queue, state, rows), _held(queue, state, rows)
    if found:
        name = " ↔ ".join(_named(queue, side, rows[side]) for side in SIDES)
        ends = tuple(_end(queue, side, rows[side], coupled, found) for side, coupled in held.items())
        pair = (queue.records["bc"].id_of(rows["bc"]), queue.records["dv"].id_of(rows["dv"]))
        ids = tuple(_ids(queue, side, rows[side], coupled) for side, coupled in held.items())
        return Switch(found, f"{'Couple' if found == 'move' else 'Take over'}: {name}", ends, ids, pair)
    if len(held) > 1:
        raise AlreadyCoupled(
            "Both records have another partner, and not both of these are gone.", "Uncouple one of them first."
        )
    if held:
        raise LedgerError("One of the two records is hidden by the mapping's filter.", "Change it and pull again.")
    if state.coupled("bc", rows["bc"]):
        raise LedgerError("These two are coupled to each other already.", "Go on with j.")
    raise LedgerError("Neither of the two records has another partner.", "Confirm the pair with y instead.")


def _held(queue: Queue, state: State, rows: dict[Side, int]) -> dict[Side, Coupled]:
    """The other partners that the two records have."""
    found: dict[Side, Coupled] = {}
    for side in SIDES:
        other = other_side(side)
        coupled = state.coupled(side, rows[side])
        if coupled and (rows[other] < 0 or coupled.partner != queue.records[other].id_of(rows[other])):
            found[side] = coupled
    return found


def _gone(queue: Queue, side: Side, coupled: Coupled) -> bool:
    return queue.records[other_side(side)].row_of(coupled.partner) < 0


def _named(queue: Queue, side: Side, row: int) -> str:
    return seen(short(queue.records[side].name_of(row), 60))


def _ids(queue: Queue, side: Side, row: int, coupled: Coupled) -> tuple[str, str]:
    mine = queue.records[side].id_of(row)
    return (mine, coupled.partner) if side == "bc" else (coupled.partner, mine)


def _end(queue: Queue, side: Side, row: int, coupled: Coupled, found: Way) -> str:
    """“Ends: Tailspin Toys in Sales ↔ Tailspin in Business Central; coupled by ben, 2026-11-22 12:00 UTC (…)”."""
    other = other_side(side)
    partner = queue.records[other].row_of(coupled.partner)
    name = _named(queue, other, partner) if partner >= 0 else seen(short(coupled.partner, 60))
    when = f", {moment(coupled.at)}" if coupled.at is not None else ""
    pair = f"{_named(queue, side, row)} in {SIDE_NAMES[side]} ↔ {name} in {SIDE_NAMES[other]}"
    by = f"coupled by {seen(coupled.by)}{when} (line {coupled.position:,} of the ledger)"
    if found == "take over":
        return f"Ends: {pair}, which is gone from the snapshot; {by}."
    return f"Ends: {pair}; {by}. {name} is then without partner."
