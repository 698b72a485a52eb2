"""Everything a report is made of, in one place, with the look-ups its sections share: ids → names, couplings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from d365kit.kinds import Catalogue, Side
from d365kit.nouns import Decision, Findings, Plan, Proposals, Run, Snapshot
from d365kit.nouns.frames import plain, records

Row = dict[str, object]


@dataclass(frozen=True)
class Label:
    """What a reader knows a record by."""

    number: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        return " ".join(t for t in (self.number, self.name if self.name != self.number else "") if t)


@dataclass(frozen=True)
class Inputs:
    """The nouns a report is built from; sections only read them."""

    snapshot: Snapshot
    proposals: Mapping[str, Proposals]
    couplings: pd.DataFrame
    decisions: Sequence[Decision]
    findings: Findings
    plan: Plan
    run: Run | None
    catalogue: Catalogue

    @cached_property
    def found(self) -> list[Row]:
        """The findings' rows, read from their frame once."""
        return records(self.findings.frame)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the snapshot, in the order of work; kinds the catalogue does not have come last."""
        known = [name for name in self.catalogue.names if name in self.snapshot]
        return tuple(dict.fromkeys([*known, *self.snapshot.kinds]))

    def title(self, kind: str) -> str:
        return self.catalogue[kind].title if kind in self.catalogue else kind.replace("_", " ").capitalize()

    def field(self, kind: str, name: str) -> tuple[str, str]:
        """A field's title and type; of unknown fields their name, and text."""
        fields = self.catalogue[kind].fields if kind in self.catalogue else ()
        for f in fields:
            if f.name == name:
                return f.title, f.type
        return name.replace("_", " "), "text"

    def coupled(self, kind: str, side: Side) -> frozenset[str]:
        """The ids of ``side`` that have a partner."""
        return self._coupled.get((kind, side), frozenset())

    @cached_property
    def _coupled(self) -> dict[tuple[str, str], frozenset[str]]:
        held: dict[tuple[str, str], frozenset[str]] = {}
        for kind, rows in self.couplings.groupby("kind") if len(self.couplings) else ():
            for side in ("bc", "dv"):
                held[(str(kind), side)] = frozenset(rows[f"{side}_id"].dropna())
        return held

    def holding(self, kinds: Sequence[str], side: Side, record: str) -> str:
        """The one of ``kinds`` that holds ``record`` on ``side``; the first when none does."""
        return next((k for k in kinds if self.label(k, side, record).text), kinds[0])

    def label(self, kind: str, side: Side, record: object) -> Label:
        """Number and name of a record, taking part or left out; both empty for an unknown one."""
        return self._labels(kind, side).get(str(record), Label()) if record else Label()

    def _labels(self, kind: str, side: Side) -> dict[str, Label]:
        return self._label_cache.setdefault((kind, side), {}) or self._read_labels(kind, side)

    @cached_property
    def _label_cache(self) -> dict[tuple[str, str], dict[str, Label]]:
        return {}

    def _read_labels(self, kind: str, side: Side) -> dict[str, Label]:
        labels = self._label_cache[(kind, side)]
        if kind not in self.snapshot:
            return labels
        numbered, named = "number", "name"
        if kind in self.catalogue:
            numbered, named = self.catalogue[kind].number_field, self.catalogue[kind].name_field
        sides = self.snapshot[kind]
        for frame in (sides.side(side), sides.outside(side)):
            numbers = _texts(frame, numbered)
            names = _texts(frame, named)
            for record, number, name in zip(_texts(frame, "id"), numbers, names, strict=True):
                labels[record] = Label(number, name)
        return labels


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame.columns:
        return [""] * len(frame)
    return [str(plain(v) or "") for v in frame[column].array]
