"""One kind looked through: what is shown, decided and undone. Every decision goes into the ledger at once.

The screen is elsewhere (`widgets.review`); all of this can be driven by code.
"""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from d365kit.errors import AlreadyCoupled, LedgerError, NothingToUndo, UnknownRecord
from d365kit.kinds import Side, other_side
from d365kit.nouns import Decision, Pair, Proposals
from d365kit.review import code, finish
from d365kit.review import pairs as making
from d365kit.review import search as searching
from d365kit.review import switch as switching
from d365kit.review.acts import Act, Acts, past, records_in, verdict_of
from d365kit.review.batch import Batch
from d365kit.review.card import Cards
from d365kit.review.conflicts import References, taken_text
from d365kit.review.desk import Desk
from d365kit.review.pace import Pace
from d365kit.review.queue import BANDS, Queue
from d365kit.review.reasons import CODES
from d365kit.review.rows import row_of
from d365kit.review.state import OPEN, STATES, State
from d365kit.review.view import ORDERS, Filter, band_counts, entries, facets
from d365kit.review.why import Why
from d365kit.show.values import SIDE_NAMES, amount, seen, short


class Reviewing:
    """Look through the proposals of one kind.

    Methods that decide return the line of code that does the same, and raise LedgerError (AlreadyCoupled,
    UnknownRecord) where the ledger or the queue refuses; then nothing is written. ``at`` is the place in ``view``,
    the entries that the present filter shows; what is decided stays in the view until the filter is set anew.
    """

    def __init__(
        self, desk: Desk, kind: str, *, proposals: Proposals | None = None,
        clock: Callable[[], float] = time.monotonic, **conditions: Any,
    ) -> None:  # fmt: skip
        self.desk, self.kind = desk, desk.catalogue[kind]
        self.snapshot = desk.snapshot
        self.queue = Queue(self.kind, self.snapshot, proposals or desk.proposals(kind))
        self.state = State(self.queue, desk.ledger)
        self.acts = Acts(self.queue, desk.ledger)
        self._references = References(self.kind, desk.ledger)
        self.cards = Cards(self.queue, self.state, self.snapshot, self._references)
        self._why = Why(self.queue)
        self._clock, self.pace, self._seen_position = clock, Pace(), -1
        self._extra: dict[int, tuple[int, ...]] = {}
        self._mine: list[int] = []
        #: Decisions of this session by verdict, as the last screen counts them.
        self.made: Counter[str] = Counter()
        self.takes_first = "first" in inspect.signature(desk.confirm).parameters
        self.at = 0
        self.filter_ = Filter().but(**{**self._first_filter(), **conditions})
        self.view = entries(self.queue, self.state, self.filter_)

    def _first_filter(self) -> dict[str, object]:
        """What is in doubt, where anything is; else everything. The most valuable first, where values are known."""
        doubtful = np.isin(self.queue.band, [BANDS.index(b) for b in ("likely", "unsure")])
        bands = ("likely", "unsure") if (doubtful & (self.state.of == OPEN)).any() else ()
        valued = bool(self.queue.stake_field) and bool(np.nansum(self.queue.stake) > 0)
        return {"bands": bands, "order": "value" if valued else "doubt"}

    # --- looking ---

    @property
    def entry(self) -> int | None:
        """The entry on the screen, or None when the view has no further one."""
        return int(self.view[self.at]) if 0 <= self.at < len(self.view) else None

    def card(self) -> dict[str, object] | None:
        """The card on the screen (see `Cards.card`) and its place in the view, or None at the end."""
        entry = self.entry
        if entry is None:
            return None
        card = self.cards.card(entry, self._extra.get(entry, ()))
        return card | {"at": self.at, "of": len(self.view), "stake": self._stake(entry)}

    def _stake(self, entry: int) -> str:
        value, field = self.queue.stake_of(entry), self.queue.stake_field
        return "" if value is None else f"{self.kind[field].title} {amount(value)}"

    def go(self, at: int) -> None:
        """Show the entry at a place in the view; beyond the last one is the end."""
        self.at = max(0, min(int(at), len(self.view)))

    def go_to(self, entry: int) -> None:
        """Show one entry, put in after the present one where the view lacks it."""
        where = np.flatnonzero(self.view == entry)
        if not len(where):
            self.view = np.insert(self.view, min(self.at, len(self.view)), entry)
            where = np.array([min(self.at, len(self.view) - 1)])
        self.at = int(where[0])

    def window(self, start: int, end: int) -> list[dict[str, object]]:
        """The rows ``start`` to ``end`` of the list."""
        start, end = max(0, int(start)), min(int(end), len(self.view))
        return [row_of(self.queue, self.state, int(self.view[at])) | {"at": at} for at in range(start, end)]

    def filter(self, **conditions: object) -> int:
        """Look through what meets these conditions (`Filter`), those not named as they are; returns how many records.

        Raises SettingsError for a condition there is not.
        """
        self.filter_ = self.filter_.but(**conditions)
        self.view = entries(self.queue, self.state, self.filter_)
        self.at = 0
        return len(self.view)

    def facets(self) -> dict[str, object]:
        """What there is to filter by, and the orders."""
        field = self.queue.stake_field
        orders = [
            {"id": k, "title": f"{v} ({self.kind[field].title})" if k == "value" else v}
            for k, v in ORDERS.items()
            if k != "value" or field
        ]
        return facets(self.queue, self.state, self.filter_) | {"orders": orders}

    def progress(self) -> dict[str, object]:
        """How many of the view are done, left and deferred, and at what pace."""
        inside = np.bincount(self.state.of[self.view], minlength=len(STATES))
        left, deferred = int(inside[OPEN]), int(inside[STATES.index("deferred")])
        done = len(self.view) - left - deferred - int(inside[STATES.index("waiting for another record")])
        return {
            "total": len(self.view), "done": done, "left": left, "deferred": deferred,
            "pace": self.pace.words(left), "all": len(self.queue),
            "bands": band_counts(self.queue, self.state, self.filter_),
        }  # fmt: skip

    def search(self, words: str) -> dict[str, object]:
        """Records of the other side that contain the words (see `search.search`)."""
        entry = self.entry
        side: Side = "dv" if entry is None else other_side(self.queue.side_of(entry))
        return searching.search(self.queue, self.state, side, words) | {"side_name": SIDE_NAMES[side]}

    def try_out(self, record: str) -> None:
        """Put a record of the other side, found by a search, among the candidates of the present one.

        Raises UnknownRecord when there is no such record, LedgerError when everything is looked through.
        """
        entry = self._need()
        row = self.queue.records[other_side(self.queue.side_of(entry))].row_of(record)
        if row < 0:
            raise UnknownRecord(f"The snapshot has no {self.kind.name} {seen(record)} there.", "Search again.")
        self._extra[entry] = (*[r for r in self._extra.get(entry, ()) if r != row], row)[-3:]

    def why(self, record: str) -> dict[str, object]:
        """The evidence for the present record and one of its candidates, bar by bar (see `why.Why`)."""
        place = self.queue.place_of(*self._rows(self._need(), record))
        return self._why.steps(place)

    # --- what others decide ---

    def follow(self) -> list[str]:
        """Take in what was decided elsewhere since, and say so in words."""
        lines = self.state.follow()
        if not lines:
            if self.state.position != self._seen_position:
                self._references.forget()
                self._seen_position = self.state.position
            return []
        self._references.forget()
        self._seen_position = self.state.position
        self.acts.add(lines)
        batches: dict[int, list[Decision]] = {}
        for line in lines:
            batches.setdefault(line.batch, []).append(line)
        return [
            f"{seen(some[0].by)} {past(verdict)} {n:,} pair{'s' if n > 1 else ''} elsewhere."
            for some in batches.values()
            for verdict in (verdict_of(some),)
            for n in (records_in(verdict, some) if verdict == "move" else len(some),)
        ]

    # --- deciding ---

    def confirm(self, record: str | None = None, *, note: str = "", first: str = "") -> str:
        """Couple the present record with a candidate, by its id, or with the selected one."""
        entry = self._need_free()
        card = self.cards.card(entry, self._extra.get(entry, ()))
        if record is None:
            selected = card["selected"]
            if selected is None:
                for given in (c for c in card["candidates"] if c.get("given")):  # type: ignore[attr-defined]
                    self._refuse_blocked(given)
                raise LedgerError("No candidate is selected.", "Choose one with 1 to 9, search with /, or press n.")
            record = str(card["candidates"][int(str(selected))]["id"])  # type: ignore[index]
        chosen = next((c for c in card["candidates"] if c["id"] == record), None)  # type: ignore[attr-defined]
        if chosen is None:
            raise UnknownRecord(f"{seen(record)} is not among the candidates.", "Search for it with / first.")
        self._refuse_blocked(chosen)
        pair = making.pair_of(self.queue, *self._rows(entry, record))
        more: dict[str, Any] = {"first": first} if first and self.takes_first else {}
        return self._act("confirm", [pair], note, more)

    def _refuse_blocked(self, candidate: dict) -> None:
        for conflict in candidate["conflicts"]:
            if conflict.get("blocks"):
                kind = AlreadyCoupled if conflict["code"] == "taken" else LedgerError
                raise kind(
                    f"{candidate['name']} cannot be chosen. {conflict['text']}",
                    "Press m to move the coupling here, or choose another one."
                    if candidate.get("switch")
                    else "Choose another one, uncouple it first, or change it and pull again.",
                )

    def switch(self, record: str) -> switching.Switch:
        """What coupling the present record with a candidate, by its id, would end (see `switch.look`)."""
        entry = self._need()
        self.follow()
        if self.queue.records[other_side(self.queue.side_of(entry))].row_of(record) < 0:
            raise UnknownRecord(f"{seen(record)} is not in the snapshot.", "Search for it with /.")
        return switching.look(self.queue, self.state, self._sides(entry, record))

    def move(self, record: str, *, note: str = "", first: str = "", looked: switching.Switch | None = None) -> str:
        """Couple the present record with a candidate, by its id, in place of what either is coupled to now.

        ``looked`` is what was shown before; when that is no longer what would end, LedgerError is raised.
        """
        found = self.switch(record)
        if looked is not None and looked != found:
            raise LedgerError("What this would end has changed meanwhile.", "Press m to look again.")
        pair = making.pair_of(self.queue, *self._rows(self._need(), record))
        more: dict[str, Any] = {"first": first} if first and self.takes_first else {}
        if found.way == "move":
            return self._act("move", [pair], note, more)
        return self._act("confirm", [pair], note, more | {"take_over": True})

    def none(self, *, note: str = "") -> str:
        """Say that none of the shown candidates belongs to the present record."""
        entry = self._need_free()
        at = self.queue.candidates(entry)
        at = at[~self.state.refused[at]]
        if not len(at):
            raise LedgerError(
                "There is no candidate to say no to.",
                "Put it off with space, search with /, or have it created with e.",
            )
        return self._act("reject", [making.pair_at(self.queue, int(p)) for p in at.tolist()], note)

    def defer(self, *, note: str = "") -> str:
        """Put the present record off."""
        return self._act("defer", [making.alone(self.queue, self._need_free())], note)

    def create(self, *, note: str = "") -> str:
        """Say that the present record has no partner and one is to be made on the other side."""
        entry = self._need_free()
        other = other_side(self.queue.side_of(entry))
        if self.kind.held or not self.kind.may_go_to(other):
            why = self.kind.held or f"{self.kind.title} are not carried over to {SIDE_NAMES[other]}"
            raise LedgerError(
                f"No record can be made there: {why}.", "Put it off, or make it by hand and pull again."
            )
        return self._act("create", [making.alone(self.queue, entry)], note)

    def undo(self, batch: int | None = None) -> str:
        """Take back an act, or the last one, and show its record again. Raises NothingToUndo, LedgerError."""
        self.follow()
        if batch is None:
            # The last act of this session; after a restart, the newest that stands in the ledger.
            own = [b for b in self._mine if self.acts.get(b)]
            newest = self.acts.newest()
            if not own and newest is None:
                raise NothingToUndo(f"No decision on {self.kind.title} is left to take back.", "Decide something.")
            batch = own[-1] if own else newest.batch  # type: ignore[union-attr]
        act: Act | None = self.acts.get(batch)
        if act and act.lines[0].run:
            raise LedgerError(
                f"This was run {act.lines[0].run} of apply, which wrote to the services.", "Uncouple single pairs."
            )
        lines = self.desk.undo(batch=batch)
        if batch in self._mine:
            self._mine.remove(batch)
            verdict = act.verdict if act else lines[0].verdict
            self.made[verdict] -= records_in(verdict, lines)
        self.follow()
        shown = self.acts.entries(act) if act else []
        if shown:
            self.go_to(shown[0])
        return f"ws.undo(batch={batch})"

    def look(self) -> Batch:
        """The pairs that a batch over the present view would confirm."""
        self.follow()
        return Batch(self.queue, self.state, self.view)

    def confirm_shown(self, leave_out: Collection[str] = (), *, note: str = "", first: str = "") -> str:
        """Confirm all open pairs of the view in one act, but those of some BC records by id."""
        pairs = [making.pair_at(self.queue, int(p)) for p in self.look().without(leave_out)]
        if not pairs:
            raise LedgerError("No open pair is shown that could be confirmed.", "Choose another filter.")
        more: dict[str, Any] = {"first": first} if first and self.takes_first else {}
        self._act("confirm", pairs, note, more)
        ids = [(p.bc_id, p.dv_id) for p in pairs]
        return code.batch(
            self.kind.name, ids, self.filter_.code(), sorted(leave_out), note=note, first=str(more.get("first", ""))
        )

    def _act(self, verdict: str, pairs: Sequence[Pair], note: str, more: dict[str, Any] | None = None) -> str:
        if self.desk.snapshot.id != self.snapshot.id:
            raise LedgerError(
                "Both sides were pulled anew since this review was opened, so it shows old values.",
                f'Run: ws.propose("{self.kind.name}"), then ws.review("{self.kind.name}").',
            )
        given = {**({"note": note} if note else {}), **(more or {})}
        try:
            getattr(self.desk, verdict)(self.kind.name, list(pairs), **given)
        finally:
            self.follow()
        self.pace.tick(self._clock())
        first = (pairs[0].bc_id, pairs[0].dv_id)
        if batch := self.acts.batch_of("move" if "take_over" in given else verdict, first):
            self._mine.append(batch)
        self.made["move" if "take_over" in given else verdict] += records_in(verdict, pairs)
        ids = [(p.bc_id, p.dv_id) for p in pairs[: code.MOST_PAIRS]]
        line = code.call(verdict, self.kind.name, ids, **given)
        self.go_on()
        return line

    def go_on(self) -> None:
        """Show the next open entry of the view after the present one, or else the first one, or the end."""
        later = self.state.of[self.view] == OPEN
        after = np.flatnonzero(later[self.at + 1 :])
        if len(after):
            self.at += 1 + int(after[0])
        else:
            first = np.flatnonzero(later)
            self.at = int(first[0]) if len(first) else len(self.view)

    # --- the end ---

    def end(self) -> dict[str, object]:
        """The last screen: what was decided here and in all, what is unlocked, and the next steps."""
        counts = self.state.counts()
        unlocks = finish.unlocked(self.snapshot, self.desk.ledger, self.desk.catalogue, self.kind)
        made = self.made
        here = f"{made['confirm']:,} confirmed, {made['reject']:,} rejected, {made['defer']:,} deferred"
        here += f", {made['move']:,} moved" if made["move"] else ""
        here += f", {made['create']:,} to be created" if made["create"] else ""
        return {
            "text": f"Finished: {here}", "counts": counts, "unlocks": unlocks,
            "left": counts["open"], "deferred": counts["deferred"],
            "next": finish.next_steps(self.kind, unlocks, counts),
        }  # fmt: skip

    # --- helpers ---

    def _need(self) -> int:
        if self.entry is None:
            raise LedgerError("Everything that this filter shows is looked through.", "Choose another filter.")
        return self.entry

    def reason_of(self, entry: int) -> str:
        """The code of an entry's reason, to filter by."""
        return CODES[int(self.queue.reason[entry])]

    def need_as_seen(self, entry: int, state: str) -> None:
        """Raise LedgerError when the screen shows another record than the present one, or an older state of it."""
        if entry != self.entry:
            raise LedgerError("Another tab of this review went on to another record.", "Look at it, then decide.")
        now = STATES[int(self.state.of[entry])]
        if now != state:
            raise LedgerError(
                f"This record is {now} meanwhile, by a decision made elsewhere.", "Look again, then decide."
            )

    def _need_free(self) -> int:
        """The present entry, which has no partner yet, also after what others decided meanwhile."""
        entry = self._need()
        self.follow()
        side, row = self.queue.side_of(entry), int(self.queue.row[entry])
        if held := self.state.coupled(side, row):
            name = seen(short(self.queue.records[side].name_of(row), 60))
            raise AlreadyCoupled(
                f"{name} has a partner. {taken_text(self.queue, side, held)}",
                "Move it with m, uncouple it first, or go on with j.",
            )
        return entry

    def _sides(self, entry: int, record: str) -> dict[Side, int]:
        side = self.queue.side_of(entry)
        other = other_side(side)
        return {side: int(self.queue.row[entry]), other: self.queue.records[other].row_of(record)}

    def _rows(self, entry: int, record: str) -> tuple[int, int]:
        rows = self._sides(entry, record)
        return rows["bc"], rows["dv"]
