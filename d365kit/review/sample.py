"""A blind random sample: decide without seeing what the matching thinks → how often each threshold was right.

The sample follows from the snapshot alone, and the answers are in the ledger, marked by their note: so a sample begun
yesterday goes on today, and nobody can draw another one until its outcome pleases.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
import pandas as pd

from d365kit.errors import NothingToUndo, SettingsError
from d365kit.nouns import Decision
from d365kit.review.card import Cards
from d365kit.review.desk import Desk
from d365kit.review.pairs import pair_at
from d365kit.review.queue import Queue
from d365kit.review.session import Reviewing
from d365kit.review.state import OPEN, State
from d365kit.review.thresholds import Thresholds, wilson
from d365kit.show.plot import Plot
from d365kit.show.sample_plot import precision_plot
from d365kit.show.values import percent
from d365kit.show.waterfall import by_rule

#: What a blind decision is marked by in the ledger.
NOTE = "blind sample"
#: Rows of the table, as probabilities.
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
_SAME = {"confirm": True, "reject": False}


class Sampling(Reviewing):
    """A review of ``count`` pairs drawn at random from the best candidates of all records, without their scores.

    Confirming says that the two are the same and couples them, “none” that they are different, deferring that it
    cannot be told. Raises SettingsError when no pair is proposed or ``count`` is no number from 1 on.
    """

    def __init__(self, desk: Desk, kind: str, count: int = 30, **more: Any) -> None:
        if count < 1:
            raise SettingsError(f"A sample of {count} pairs tells nothing.", "Ask for 30 or so.")
        super().__init__(desk, kind, state="all", bands=(), **more)
        self.count = count
        if not len(self.queue.bc):
            raise SettingsError(
                f"No pair of {self.kind.title} is proposed, so there is nothing to draw from.",
                f'Run: ws.propose("{kind}").',
            )
        self.cards = Cards(self.queue, self.state, self.snapshot, self._references, blind=True)
        self.pairs = drawn(self.queue, self.state, self._answers(), self.snapshot.id, count)
        self.view = self.queue.entry_of["bc"][self.queue.bc[self.pairs]].astype(np.int64)
        self.at = -1
        self.go_on()

    def _answers(self) -> dict[tuple[str, str], Decision]:
        """The blind decisions that stand, by pair."""
        undone = set()
        found: dict[tuple[str, str], Decision] = {}
        lines = self.desk.ledger.decisions(self.kind.name)
        for line in reversed(lines):
            if line.verdict == "undo" and line.batch not in undone:
                undone.add(line.undoes)
        for line in lines:
            if line.note.startswith(NOTE) and line.batch not in undone and line.verdict != "undo":
                found[line.bc_id, line.dv_id] = line
        return found

    # --- the same as a review, but blind ---

    def card(self) -> dict[str, object] | None:
        entry = self.entry
        if entry is None:
            return None
        card = self.cards.card(entry, only=int(self.pairs[self.at]))
        return card | {"at": self.at, "of": len(self.view), "stake": ""}

    def go_on(self) -> None:
        """Show the next pair that nobody answered, or the end."""
        answers = self._answers()
        left = [n for n, p in enumerate(self.pairs) if not self._answer_to(answers, int(p))]
        later = [n for n in left if n > self.at]
        self.at = later[0] if later else left[0] if left else len(self.view)

    def _answer_to(self, answers: dict[tuple[str, str], Decision], place: int) -> str:
        pair = pair_at(self.queue, place)
        line = answers.get((pair.bc_id, pair.dv_id)) or answers.get((pair.bc_id, ""))
        return line.verdict if line else ""

    def confirm(self, record: str | None = None, *, note: str = "", first: str = "") -> str:
        """Say that the two are the same; that couples them."""
        return super().confirm(record, note=_noted(note), first=first)

    def none(self, *, note: str = "") -> str:
        """Say that the two are different."""
        self._need_free()
        return self._act("reject", [pair_at(self.queue, int(self.pairs[self.at]))], _noted(note))

    def defer(self, *, note: str = "") -> str:
        """Say that it cannot be told; such pairs count neither way."""
        return super().defer(note=_noted(note))

    def undo(self, batch: int | None = None) -> str:
        """Take back a blind answer, or the last one, and ask again."""
        if batch is None:
            stand = [a.batch for a in self.acts.all() if a.note.startswith(NOTE)]
            if not stand:
                raise NothingToUndo("No answer of this sample is left to take back.", "Answer a pair first.")
            batch = stand[-1]
        return super().undo(batch)

    def progress(self) -> dict[str, object]:
        answers = self._answers()
        given = [self._answer_to(answers, int(p)) for p in self.pairs]
        deferred, left = given.count("defer"), given.count("")
        total = len(given)
        return {
            "total": total, "done": total - left - deferred, "left": left, "deferred": deferred,
            "pace": self.pace.words(left), "all": total, "bands": {},
        }  # fmt: skip

    # --- what it tells ---

    def _judged(self) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities of the answered pairs, and whether each was found to be the same."""
        answers = self._answers()
        given = [(int(p), self._answer_to(answers, int(p))) for p in self.pairs]
        told = [(p, _SAME[v]) for p, v in given if v in _SAME]
        places = np.array([p for p, _ in told], dtype=np.int64)
        return self.queue.probability[places], np.array([s for _, s in told], dtype=bool)

    def table(self) -> pd.DataFrame:
        """A row a threshold: threshold, sampled, same, precision, low, high (95 %, Wilson), would_confirm.

        Of a threshold that no sampled pair reaches, nothing is known: its precision is missing.
        """
        chance, same = self._judged()
        thresholds = Thresholds(self.queue, self.state, self.desk.ledger)
        rows = []
        for at in THRESHOLDS:
            n, k = int((chance >= at).sum()), int(same[chance >= at].sum())
            low, high = wilson(k, n)
            rows.append({
                "threshold": at, "sampled": n, "same": k, "precision": k / n if n else math.nan,
                "low": low if n else math.nan, "high": high if n else math.nan,
                "would_confirm": thresholds.confirms(at),
            })  # fmt: skip
        return pd.DataFrame(rows)

    def plot(self) -> Plot:
        """The precision at each threshold with its uncertainty."""
        return precision_plot(self.kind.title, self.table())

    def at_threshold(self, threshold: float) -> dict[str, object]:
        """threshold, would_confirm, contradicts, and named: the decisions of the ledger it would contradict."""
        if not 0 <= threshold <= 1:
            raise SettingsError(
                f"{threshold:g} is no threshold.", "Give a probability between 0 and 1, such as 0.98."
            )
        return Thresholds(self.queue, self.state, self.desk.ledger).at(threshold)

    def end(self) -> dict[str, object]:
        chance, same = self._judged()
        thresholds = Thresholds(self.queue, self.state, self.desk.ledger)
        table = self.table()
        rows = [{k: None if v != v else v for k, v in row.items()} for row in table.to_dict("records")]
        steps = [thresholds.at(t) for t in thresholds.steps()]
        start = next((n for n, s in enumerate(steps) if float(str(s["threshold"])) >= 0.98), len(steps) - 1)
        unsure = self.progress()["deferred"]
        found, others = int(same.sum()), int((~same).sum())
        text = f"Sample finished: {found:,} the same, {others:,} different, {unsure} cannot be told"
        if by_rule(self.queue.proposals.frame):
            text += ". Codes decide for this kind, so their probabilities stand for rules"
        if len(chance):
            text += f". Right among all sampled: {percent(found, len(same))}"
        return {"text": text + ".", "table": rows, "steps": steps, "at": start,
                "code": f'ws.sample("{self.kind.name}", {self.count})'}  # fmt: skip


def _noted(note: str) -> str:
    return f"{NOTE}: {note}" if note else NOTE


def drawn(queue: Queue, state: State, answered: dict[tuple[str, str], Decision], seed: str, count: int) -> np.ndarray:
    """``count`` places among the candidates: the best one of records drawn in an order that follows from the seed.

    Records decided before, and not blindly, are passed over: nobody is asked twice, and nobody has seen the answer.
    """
    entries = np.flatnonzero((queue.side == 0) & queue.has)
    digest = hashlib.sha256(f"{seed}/{queue.kind.name}".encode()).digest()
    shuffled = np.random.default_rng(int.from_bytes(digest[:8], "big")).permutation(entries)
    known = {b for b, _ in answered}
    out: list[int] = []
    for entry in shuffled.tolist():
        place = int(queue.best[entry])
        if state.of[entry] == OPEN or queue.records["bc"].id_of(int(queue.row[entry])) in known:
            out.append(place)
        if len(out) == count:
            break
    return np.array(out, dtype=np.int64)
