"""One candidate pair → its evidence bar by bar, quickly also among a million pairs."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cached_property

import numpy as np

from d365kit.errors import SettingsError
from d365kit.review.queue import Queue
from d365kit.show.values import field_of, seen, short, text_of
from d365kit.show.waterfall import MISSING, by_rule, odds_before, steps_of, text_of_chance


class Why:
    """The waterfall of single pairs; what it needs of all pairs is worked out once."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    @cached_property
    def _ruled(self) -> bool:
        return by_rule(self._queue.proposals.frame)

    @cached_property
    def _before(self) -> float | None:
        """The odds of the kind, from the pairs without rivals alone: the others tell nothing, and are many."""
        if self._ruled:
            return None
        queue = self._queue
        alone = (np.bincount(queue.bc)[queue.bc] == 1) & (np.bincount(queue.dv)[queue.dv] == 1)
        return odds_before(queue.proposals.frame.iloc[queue.line[alone]])

    def steps(self, place: int) -> dict[str, object]:
        """“steps”: title, both values, level, bits, start and end of each bar; “text”: where it ends.

        Raises SettingsError for a pair without evidence: one found by search, or of proposals made without details.
        """
        queue = self._queue
        text = queue.text(int(queue.line[place]), "evidence") if place >= 0 else ""
        lines = [line for line in json.loads(text or "[]") if isinstance(line, dict)]
        if not lines:
            raise SettingsError(
                "There is no evidence to show for this pair.",
                "It was found by search, or proposed without details; compare the values above.",
            )
        chance = float(queue.probability[place])
        steps = []
        for step in steps_of(lines, None if chance != chance else chance, self._before, self._ruled):
            title = field_of(queue.kind.name, step.step)[0] if step.level is not None else step.step
            steps.append(asdict(step) | {
                "step": seen(title), "bits": round(step.bits, 2), "missing": step.level == MISSING,
                **{side: None if step.level is None else seen(short(text_of(getattr(step, side)), 80))
                   for side in ("bc", "dv")},
            })  # fmt: skip
        ends = [e for s in steps for e in (float(str(s["start"])), float(str(s["end"])))]
        return {
            "steps": steps, "low": min(0.0, *ends), "high": max(1.0, *ends), "ruled": self._ruled,
            "text": f"All together: {text_of_chance(chance)}" + (" as the rule says" if self._ruled else ""),
        }  # fmt: skip
