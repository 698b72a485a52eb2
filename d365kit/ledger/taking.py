"""Lines of another ledger + this one → what is taken, what is here already, and what contradicts it.

What a later decision settled is left to it. A coupling is never ended by a file: whoever coupled the same record
otherwise, or rejected here what the file couples, is named, and then nothing is taken at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

import pandas as pd
from sqlalchemy import Connection, delete, insert, select

from d365kit.ledger import acts
from d365kit.ledger.history import keys_of
from d365kit.ledger.lines import Entry
from d365kit.ledger.store import chunks
from d365kit.ledger.tables import agreements, couplings, decisions, standing
from d365kit.nouns.ledger_lines import Pair

OUTCOMES = ("taken", "here already", "older", "conflict")
_COLUMNS = ("line", "kind", "verdict", "bc_id", "dv_id", "outcome", "reason")
_SAYS = {"reject": "rejected", "defer": "put off", "create": "to be made on the other side", "confirm": "coupled"}


@dataclass(frozen=True)
class Taken:
    """What became of each line of a file: ``taken``, ``here already``, ``older`` than what is here, or ``conflict``.

    ``batch`` is the act that one undo takes back, 0 when nothing was written; with a conflict nothing is.
    """

    frame: pd.DataFrame
    batch: int = 0
    dry_run: bool = False

    @property
    def conflicts(self) -> pd.DataFrame:
        return self.frame[self.frame["outcome"] == "conflict"].reset_index(drop=True)

    def counts(self) -> dict[str, int]:
        """Lines by outcome."""
        counted = Counter(self.frame["outcome"].tolist())
        return {name: counted.get(name, 0) for name in OUTCOMES}

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, object]:
        return {
            "batch": self.batch, "dry_run": self.dry_run, "counts": self.counts(),
            "conflicts": self.conflicts.to_dict("records"),
        }  # fmt: skip

    def __str__(self) -> str:
        counts = self.counts()
        taken = "would be taken" if self.dry_run or counts["conflict"] else "taken"
        parts = [f"{counts['taken']:,} {taken}", f"{counts['here already']:,} here already"]
        parts += [f"{counts[name]:,} {words}" for name, words in
                  (("older", "older than what is here"), ("conflict", "in conflict")) if counts[name]]  # fmt: skip
        told = [f"  line {c.line}: {c.reason}" for c in self.conflicts.itertuples()]
        return "\n".join([", ".join(parts), *told])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def look(connection: Connection, entries: Sequence[Entry]) -> Taken:
    """What `take` would do."""
    return _taken(_judged(connection, entries), 0, dry_run=True)


def take(connection: Connection, entries: Sequence[Entry]) -> Taken:
    """Write down what is not here yet, as one batch with the names and times of the file; nothing with conflicts."""
    judged = _judged(connection, entries)
    if any(j.outcome == "conflict" for j in judged):
        return _taken(judged, 0)
    batch: int | None = None
    for kind in dict.fromkeys(e.kind for e in entries):
        fresh = [j.entry for j in judged if j.entry.kind == kind and j.outcome == "taken" and not j.position]
        for verdict in ("confirm", "reject", "defer", "create"):
            batch = _write(connection, kind, verdict, [e for e in fresh if e.verdict == verdict], batch)
    renewed = [(j.position, j.entry) for j in judged if j.outcome == "taken" and j.position]
    for some in chunks(position for position, _ in renewed):
        connection.execute(delete(agreements).where(agreements.c.position.in_(some)))
    _agree(connection, renewed)
    return _taken(judged, batch or 0)


def _write(connection: Connection, kind: str, verdict: str, entries: list[Entry], batch: int | None) -> int | None:
    if not entries:
        return batch
    marks = [acts.Mark(e.by, e.at, e.note) for e in entries]
    batch, positions = acts.append(connection, kind, verdict, [e.pair for e in entries], marks, batch)
    acts.forget(connection, kind, [key for e in entries for key in keys_of(verdict, *e.key)])
    if verdict == "confirm":
        acts.couple(connection, kind, [(at, e.pair) for at, e in zip(positions, entries, strict=True)])
        _agree(connection, zip(positions, entries, strict=True))
    else:
        acts.stand(connection, kind, [(at, verdict, e.key) for at, e in zip(positions, entries, strict=True)])
    return batch


def _agree(connection: Connection, lines: Iterable[tuple[int, Entry]]) -> None:
    rows = [
        {"position": position, "fields": e.agreement, "at": e.agreed_at, "run": ""}
        for position, e in lines
        if e.agreement is not None
    ]
    if rows:
        connection.execute(insert(agreements), rows)


# ── Judging ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Judged:
    """``position`` is the coupling whose agreement is renewed, when that is all there is to take."""

    entry: Entry
    outcome: str
    reason: str = ""
    position: int = 0


@dataclass(frozen=True)
class _Here:
    """What stands here on a pair or on one record."""

    bc_id: str
    dv_id: str
    verdict: str
    by: str
    at: str
    position: int
    fingerprint: str = ""
    agreed_at: str | None = None

    def __str__(self) -> str:
        return f"{acts.named(Pair(self.bc_id, self.dv_id))} {_SAYS[self.verdict]} by {self.by} on {self.at[:10]}"


class _State:
    """What stands here of one kind."""

    def __init__(self, connection: Connection, kind: str) -> None:
        c, s, d, a = couplings.c, standing.c, decisions.c, agreements.c
        coupled = (
            select(c.bc_id, c.dv_id, d.verdict, d.by, d.at, c.position, d.fingerprint, a.at.label("agreed_at"))
            .join_from(couplings, decisions, c.position == d.position)
            .outerjoin(agreements, a.position == c.position)
            .where(c.kind == kind)
        )
        judged = (
            select(s.bc_id, s.dv_id, s.verdict, d.by, d.at, s.position, d.fingerprint)
            .join_from(standing, decisions, s.position == d.position)
            .where(s.kind == kind)
        )
        held = [_Here(*row) for row in connection.execute(coupled)]
        self.of_bc, self.of_dv = {h.bc_id: h for h in held}, {h.dv_id: h for h in held}
        self.stands = {(h.bc_id, h.dv_id): h for h in (_Here(*row) for row in connection.execute(judged))}

    def judge(self, entry: Entry) -> _Judged:
        return self._coupling(entry) if entry.verdict == "confirm" else self._verdict(entry)

    def _coupling(self, entry: Entry) -> _Judged:
        bc_id, dv_id = entry.key
        mine = self.of_bc.get(bc_id)
        if mine and mine.dv_id == dv_id:
            if entry.agreement is not None and entry.agreed_at > (mine.agreed_at or ""):
                return _Judged(entry, "taken", "a newer agreement", mine.position)
            return _Judged(entry, "here already")
        other = mine or self.of_dv.get(dv_id)
        if other:
            return _against(entry, f"here is {other}")
        for key in keys_of("confirm", bc_id, dv_id):
            held = self.stands.get(key)
            if held and held.verdict in ("reject", "create") and held.at > entry.at:
                return _against(entry, f"here is {held}, later than the coupling")
        return _Judged(entry, "taken")

    def _verdict(self, entry: Entry) -> _Judged:
        bc_id, dv_id = entry.key
        tied = self.of_bc.get(bc_id) or self.of_dv.get(dv_id)
        if tied and (not (bc_id and dv_id) or (tied.bc_id, tied.dv_id) == entry.key):
            if entry.verdict != "defer" and entry.at > tied.at:
                return _against(entry, f"here is {tied}")
            return _Judged(entry, "older", f"here is {tied}")
        held = self.stands.get(entry.key)
        if held is None:
            return _Judged(entry, "taken")
        if held.verdict == entry.verdict and held.fingerprint == entry.pair.fingerprint:
            return _Judged(entry, "here already")
        if entry.at > held.at:
            return _Judged(entry, "taken", f"in place of {held}")
        return _Judged(entry, "older", f"here is {held}")


def _judged(connection: Connection, entries: Sequence[Entry]) -> list[_Judged]:
    states = {kind: _State(connection, kind) for kind in dict.fromkeys(e.kind for e in entries)}
    once, judged = _once(entries)
    judged += [states[e.kind].judge(e) for e in once]
    return sorted(judged, key=lambda j: j.entry.number)


def _once(entries: Sequence[Entry]) -> tuple[list[Entry], list[_Judged]]:
    """One entry a pair, the later of two, and what the file itself holds twice or against itself."""
    found: dict[tuple[str, tuple[str, str]], Entry] = {}
    judged = []
    for entry in entries:
        before = found.get((entry.kind, entry.key))
        if before is None:
            found[entry.kind, entry.key] = entry
        elif (before.verdict == "confirm") != (entry.verdict == "confirm"):
            judged.append(_against(entry, f"line {before.number} says {before.verdict} of it"))
        else:
            later, earlier = (entry, before) if (entry.at, entry.agreed_at) > (before.at, before.agreed_at) else (
                before, entry)  # fmt: skip
            if earlier.agreed_at > later.agreed_at:
                later = replace(later, agreement=earlier.agreement, agreed_at=earlier.agreed_at)
            found[entry.kind, entry.key] = later
            judged.append(_Judged(earlier, "here already", f"line {later.number} says it too"))
    taken: dict[tuple[str, str, str], Entry] = {}
    once = []
    for entry in found.values():
        records = [(entry.kind, *key) for key in keys_of("confirm", *entry.key)[1:] if any(key)]
        if entry.verdict == "confirm":
            twin = next((taken[r] for r in records if r in taken), None)
            if twin is not None:
                judged.append(_against(entry, f"line {twin.number} couples {acts.named(twin.pair)}"))
                continue
            taken.update(dict.fromkeys(records, entry))
        once.append(entry)
    kept = []
    for entry in once:
        twin = taken.get((entry.kind, *entry.key)) if entry.verdict == "create" else None
        if twin is not None:
            judged.append(_against(entry, f"line {twin.number} couples {acts.named(twin.pair)}"))
        else:
            kept.append(entry)
    return kept, judged


def _against(entry: Entry, reason: str) -> _Judged:
    return _Judged(entry, "conflict", f"{entry.kind} {acts.named(entry.pair)} {_SAYS[entry.verdict]}: {reason}")


def _taken(judged: list[_Judged], batch: int, *, dry_run: bool = False) -> Taken:
    rows = [(j.entry.number, j.entry.kind, j.entry.verdict, *j.entry.key, j.outcome, j.reason) for j in judged]
    return Taken(pd.DataFrame(rows, columns=list(_COLUMNS)), batch, dry_run)
