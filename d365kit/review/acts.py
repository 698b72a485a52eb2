"""Ledger lines → the last acts on one kind, as a screen lists them, each of which can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from d365kit.kinds import SIDES
from d365kit.ledger import Ledger
from d365kit.nouns import Decision, Pair
from d365kit.review.queue import Queue
from d365kit.show.engine import BADGES
from d365kit.show.values import moment, seen, short

VERDICTS = {
    "confirm": "confirmed", "reject": "none of these", "defer": "deferred", "create": "to be created",
    "uncouple": "uncoupled", "move": "moved",
}  # fmt: skip
#: So many lines are read when a review opens; more, up to a bound, where they hold too few acts that still count.
_READ = 60
_MOST_READ = 20_000
SHOWN = 5


@dataclass
class Act:
    """One batch of the ledger: what it decided about which records."""

    batch: int
    by: str
    at: object
    note: str
    lines: list[Decision] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        return verdict_of(self.lines)

    @property
    def about(self) -> list[Decision]:
        """The lines that say what holds now; a move has others, of what it ended."""
        return [x for x in self.lines if x.verdict == "confirm"] if self.verdict == "move" else self.lines


def verdict_of(lines: list[Decision]) -> str:
    """The verdict of one batch; “move” where couplings end and others begin in their place.

    Lines of an undo stay “undo”.
    """
    found = {line.verdict for line in lines}
    return "move" if found >= {"uncouple", "confirm"} else lines[0].verdict


class Acts:
    """The newest acts on one kind that still count."""

    def __init__(self, queue: Queue, ledger: Ledger) -> None:
        self._queue = queue
        self._acts: dict[int, Act] = {}
        some = _READ
        while True:
            # A batch that was taken back may fill many lines, and the acts before it still count.
            lines = ledger.decisions(queue.kind.name, last=some)
            self._acts.clear()
            self.add(lines)
            if len(self._acts) >= SHOWN or len(lines) < some or some > _MOST_READ:
                break
            some *= 8

    def add(self, lines: list[Decision]) -> None:
        """Take in further lines, oldest first."""
        for line in lines:
            if line.verdict == "undo":
                if line.undoes is not None:
                    self._acts.pop(line.undoes, None)
                continue
            act = self._acts.setdefault(line.batch, Act(line.batch, line.by, line.at, line.note))
            act.lines.append(line)
        for batch in sorted(self._acts)[: -4 * SHOWN]:
            del self._acts[batch]

    def all(self) -> list[Act]:
        """The acts that are known, the oldest first."""
        return [a for _, a in sorted(self._acts.items())]

    def newest(self) -> Act | None:
        """The newest act of a person, or None; runs of apply are taken back by a plan, not here."""
        mine = [a for b, a in sorted(self._acts.items()) if not a.lines[0].run]
        return mine[-1] if mine else None

    def get(self, batch: int) -> Act | None:
        return self._acts.get(batch)

    def batch_of(self, verdict: str, pair: tuple[str, str]) -> int:
        """The newest act with this verdict on this pair, or 0."""
        found = [
            b for b, a in self._acts.items()
            if a.verdict == verdict and any((x.bc_id, x.dv_id) == pair for x in a.about)
        ]  # fmt: skip
        return max(found, default=0)

    def last(self) -> list[dict[str, object]]:
        """The last acts, the newest first, in words."""
        acts = [a for _, a in sorted(self._acts.items(), reverse=True)][:SHOWN]
        return [
            {
                "batch": a.batch, "verdict": a.verdict, "word": VERDICTS.get(a.verdict, a.verdict),
                "sign": BADGES.get(a.verdict, ("·", ""))[0], "by": seen(short(a.by, 40)), "at": moment(a.at),
                "note": seen(short(a.note, 120)), "what": self._what(a), "reversible": not a.lines[0].run,
            }
            for a in acts
        ]  # fmt: skip

    def _what(self, act: Act) -> str:
        line = act.about[0]
        names = []
        for side, record in zip(SIDES, (line.bc_id, line.dv_id), strict=True):
            row = self._queue.records[side].row_of(record) if record else -1
            if record:
                names.append(seen(short(self._queue.records[side].name_of(row) if row >= 0 else record, 60)))
        more = len(act.about) - 1
        if act.verdict == "reject" and more and len({x.bc_id for x in act.lines}) == 1:
            return f"{names[0]}: {more + 1} candidates"
        return " ↔ ".join(names) + (f" and {more:,} more" if more else "")

    def entries(self, act: Act) -> list[int]:
        """The entries of the queue an act was about."""
        found = []
        for line in act.about[:_READ]:
            for side, record in zip(SIDES, (line.bc_id, line.dv_id), strict=True):
                row = self._queue.records[side].row_of(record) if record else -1
                entry = int(self._queue.entry_of[side][row]) if row >= 0 else -1
                if entry >= 0:
                    found.append(entry)
                    break
        return found


def records_in(verdict: str, pairs: Sequence[Pair] | Sequence[Decision]) -> int:
    """How many records an act decided; all candidates of one record that were said no to are one."""
    if verdict == "move":
        # The coupling that ends and the one that begins are one record decided.
        return len([p for p in pairs if getattr(p, "verdict", "confirm") == "confirm"])
    return len({p.bc_id or p.dv_id for p in pairs}) if verdict == "reject" else len(pairs)


def past(verdict: str) -> str:
    """What somebody did, as news say it."""
    return {"undo": "took back", "reject": "said no to"}.get(verdict, VERDICTS.get(verdict, verdict))
