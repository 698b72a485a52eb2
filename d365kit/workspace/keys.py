"""Snapshot + kind → its records by everything people call them: id, number or code, e-mail, name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from d365kit.kinds import SIDES, Kind, Side
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import plain
from d365kit.pull.requests import SAYS


@dataclass(frozen=True)
class Found:
    """The record a key stands for, or why there is none that can be used."""

    id: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Keys:
    """The records of one kind by key, by side; ``outside`` says of records why the mapping's filter leaves them out.

    Keys are looked up as ids first, then as numbers or codes, then as e-mail addresses, then as names; a key of a
    later sort is not asked when an earlier one knows it.
    """

    kind: str
    mapping: str
    title: str
    by: Mapping[Side, tuple[Mapping[str, tuple[str, ...]], ...]]
    outside: Mapping[Side, Mapping[str, str]]
    names: Mapping[Side, Mapping[str, str]]

    @classmethod
    def of(cls, snapshot: Snapshot, kind: Kind) -> Keys:
        """Index the records of ``kind``. Raises UnknownKind when the snapshot lacks it."""
        by: dict[Side, tuple[dict[str, tuple[str, ...]], ...]] = {}
        outside: dict[Side, dict[str, str]] = {}
        called: dict[Side, dict[str, str]] = {}
        names = [n for n in (kind.number_field, "email", kind.name_field) if n and n in kind]
        for side in SIDES:
            frame = snapshot[kind.name].everything(side)
            ids = [str(i) for i in frame["id"]]
            sorts: list[dict[str, tuple[str, ...]]] = [
                dict(zip([i.casefold() for i in ids], ((i,) for i in ids), strict=True))
            ]
            for name in dict.fromkeys(names):
                index: dict[str, tuple[str, ...]] = {}
                for record, value in zip(ids, frame[name], strict=True):
                    key = str(plain(value) or "").strip().casefold()
                    if key:
                        index[key] = (*index.get(key, ()), record)
                sorts.append(index)
            by[side] = tuple(sorts)
            columns = [frame[n] for n in dict.fromkeys((kind.number_field, kind.name_field)) if n and n in kind]
            shown = [" ".join(str(v) for v in map(plain, row) if v) for row in zip(*columns, strict=True)]
            called[side] = dict(zip(ids, shown, strict=True))
            reasons = snapshot[kind.name].outside(side)
            outside[side] = dict(zip(reasons["id"].astype(str), reasons["outside"].astype(str), strict=True))
        return cls(kind.name, kind.mapping, kind.title, by, outside, called)

    def named(self, side: Side, record: str) -> str:
        """What people call a record: number and name, else its id."""
        return self.names[side].get(record) or record

    def knows(self, side: Side, key: str) -> bool:
        """Whether ``key`` names a record of ``side``, or several."""
        wanted = _bare(key)
        return any(wanted in index for index in self.by[side])

    def find(self, side: Side, key: str) -> Found:
        """The one record of ``side`` that ``key`` names and that takes part."""
        wanted, where = _bare(key), SAYS[side]
        records = next((index[wanted] for index in self.by[side] if wanted in index), ())
        if not records:
            return Found(problem=f"unknown in {where}: no {self.kind} “{key}”")
        if len(records) > 1:
            return Found(problem=f"found several times in {where}: “{key}” is {', '.join(records[:3])}")
        reason = self.outside[side].get(records[0])
        if reason:
            return Found(records[0], f"outside the filter in {where}: “{key}” is {reason}")
        return Found(records[0])


def _bare(key: str) -> str:
    return key.strip().strip("{}").strip().casefold()
