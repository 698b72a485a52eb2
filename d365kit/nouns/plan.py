"""Plan: what would be written, in order, with what holds each change back; frozen and fingerprinted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pandas as pd

from d365kit.errors import PlanError, SettingsError, UnsafePlan

FORMAT = 1
ACTIONS = ("create", "update", "uncouple", "conflict", "nothing")

Value = str | int | bool | Decimal | None


@dataclass(frozen=True)
class FieldChange:
    """One value before and after. For a reference both are ids, and the labels say what they are.

    ``note`` says what a reader should know: “cut to 100 characters”.
    """

    field: str
    before: Value
    after: Value
    type: str = "text"
    before_label: str = ""
    after_label: str = ""
    note: str = ""

    def shown(self, which: str) -> str:
        """The readable text of ``before`` or ``after``; missing values read as “missing”."""
        label, value = getattr(self, f"{which}_label"), getattr(self, which)
        return label or ("missing" if value in (None, "") else _text(value))


@dataclass(frozen=True)
class Change:
    """One write, one conflict, or one coupling to end.

    ``side`` is where it would be written. ``etag`` is the version it was planned against. ``depends_on``
    are the ids of changes that must be done first. ``blocked_by`` names the checks, or the blocked changes,
    that hold it back. ``step`` tells apart the changes of one record, as in create → publish.
    """

    id: str
    kind: str
    action: str
    side: str
    bc_id: str
    dv_id: str
    title: str
    fields: tuple[FieldChange, ...] = ()
    etag: str = ""
    reason: str = ""
    step: str = ""
    depends_on: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()

    @property
    def blocked(self) -> bool:
        return bool(self.blocked_by)

    @property
    def record_id(self) -> str:
        """The id of the record on the side that is written."""
        return self.bc_id if self.side == "bc" else self.dv_id


@dataclass(frozen=True)
class Limits:
    """How much one plan may change before `apply` refuses: share of the coupled records updated, records
    created, records uncoupled. Small plans pass: fewer than ``floor`` changes are always safe."""

    update: float = 0.5
    create: int = 2_000
    uncouple: int = 0
    floor: int = 20


@dataclass(frozen=True)
class Plan:
    """What would be written, in order.

    ``snapshot_id`` and ``ledger_position`` say what it was made from; it is stale when either has moved.
    ``compared`` counts the coupled pairs looked at per kind, ``unchanged`` those without any change.
    """

    id: str
    snapshot_id: str
    ledger_position: int
    changes: tuple[Change, ...] = ()
    compared: Mapping[str, int] = field(default_factory=dict)
    unchanged: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __getitem__(self, kind: str) -> pd.DataFrame:
        """One kind's changes field by field, as a frame."""
        frame = self.to_frame()
        return frame[frame["kind"] == kind].reset_index(drop=True)

    def ready(self, action: str | None = None) -> tuple[Change, ...]:
        """Changes that nothing holds back and that can be written."""
        return tuple(
            c
            for c in self.changes
            if not c.blocked and c.action in ("create", "update", "uncouple") and action in (None, c.action)
        )

    def counts(self, kind: str | None = None) -> dict[str, int]:
        """Records to create, to update, to uncouple, blocked, in conflict, unchanged."""
        mine = [c for c in self.changes if kind in (None, c.kind) and not c.step]
        counts = {a: sum(c.action == a and not c.blocked for c in mine) for a in ACTIONS[:3]}
        counts["blocked"] = sum(c.blocked for c in mine)
        counts["conflict"] = sum(c.action == "conflict" and not c.blocked for c in mine)
        counts["unchanged"] = sum(n for k, n in self.unchanged.items() if kind in (None, k))
        return counts

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds in the plan, in the order of work."""
        return tuple(dict.fromkeys([*self.compared, *(c.kind for c in self.changes)]))

    @property
    def empty(self) -> bool:
        """Whether nothing is left to write; blocked changes and conflicts may remain."""
        return not self.ready()

    @property
    def fingerprint(self) -> str:
        """Changes whenever anything in the plan does; `apply` asks for it back."""
        body = json.dumps(self._body(), sort_keys=True, ensure_ascii=False, default=_encode)
        return hashlib.sha256(body.encode()).hexdigest()[:16]

    def raise_if_unsafe(self, limits: Limits) -> None:
        """Raise UnsafePlan when the plan changes more than ``limits`` allow; names limit, figure, way past."""
        ready = [c for c in self.ready() if not c.step]
        if len(ready) < limits.floor:
            return
        compared = sum(self.compared.values())
        updates = sum(c.action == "update" for c in ready)
        if compared and updates / compared > limits.update:
            raise UnsafePlan(
                f"The plan updates {updates:,} of {compared:,} coupled pairs ({updates / compared:.0%}), "
                f"and the limit is {limits.update:.0%}.",
                "Look through the plan; to apply it all the same, pass --limit update=100%.",
            )
        for action, allowed in (("create", limits.create), ("uncouple", limits.uncouple)):
            number = sum(c.action == action for c in ready)
            if number > allowed:
                raise UnsafePlan(
                    f"The plan would {action} {number:,} records, and the limit is {allowed:,}.",
                    f"Look through the plan; to apply it all the same, pass --limit {action}={number}.",
                )

    def to_frame(self) -> pd.DataFrame:
        """One row a changed field: change, kind, action, side, ids, title, field, before, after, blocked_by."""
        rows = []
        for c in self.changes:
            for f in c.fields or (None,):
                rows.append(
                    {
                        "change": c.id, "kind": c.kind, "action": c.action, "side": c.side,
                        "bc_id": c.bc_id, "dv_id": c.dv_id, "title": c.title,
                        "field": f.field if f else "", "before": f.shown("before") if f else "",
                        "after": f.shown("after") if f else "", "note": f.note if f else "",
                        "blocked": c.blocked, "blocked_by": "; ".join(c.blocked_by), "reason": c.reason,
                    }
                )  # fmt: skip
        columns = ["change", "kind", "action", "side", "bc_id", "dv_id", "title", "field", "before", "after",
                   "note", "blocked", "blocked_by", "reason"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def to_dict(self) -> dict[str, object]:
        return {**self._body(), "fingerprint": self.fingerprint}

    def _body(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "id": self.id,
            "snapshot": self.snapshot_id,
            "ledger_position": self.ledger_position,
            "compared": dict(self.compared),
            "unchanged": dict(self.unchanged),
            "changes": [_change_to_dict(c) for c in self.changes],
        }

    def save(self, path: Path) -> Path:
        """Write the plan as JSON to ``path``, whole or not at all."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False, default=_encode), "utf-8")
        os.replace(part, path)
        return path

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read a plan that `save` wrote.

        Raises SettingsError when there is no plan there or another version wrote it, PlanError when it was
        changed since it was written.
        """
        try:
            raw = json.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as problem:
            raise SettingsError(f"There is no readable plan in {path}.", "Make one with: d365kit plan.") from problem
        if not isinstance(raw, dict) or raw.get("format") != FORMAT:
            raise SettingsError(f"{path} is not a plan of this version of d365kit.", "Plan again.")
        plan = cls(
            id=raw["id"],
            snapshot_id=raw["snapshot"],
            ledger_position=raw["ledger_position"],
            changes=tuple(_change_from_dict(c) for c in raw["changes"]),
            compared=raw["compared"],
            unchanged=raw["unchanged"],
        )
        if plan.fingerprint != raw.get("fingerprint"):
            raise PlanError(f"The plan in {path} was changed after it was made.", "Plan again.")
        return plan

    def __str__(self) -> str:
        lines = [summary(self.counts())]
        for kind in self.kinds:
            lines.append(f"  {kind}: {summary(self.counts(kind))}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.plan(self)


def summary(counts: Mapping[str, int]) -> str:
    """“18 to create · 64 to update · 9 blocked · 2 conflicts · 1,204 unchanged”."""
    words = [("create", "to create"), ("update", "to update"), ("uncouple", "to uncouple"),
             ("blocked", "blocked"), ("conflict", "in conflict"), ("unchanged", "unchanged")]  # fmt: skip
    return " · ".join(f"{counts[k]:,} {text}" for k, text in words if counts[k] or k in ("create", "update"))


def _text(value: Value) -> str:
    """A value as text, decimals without the zeros their column pads them with."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    return str(value)


def _encode(value: object) -> object:
    if isinstance(value, Decimal):
        return _text(value)
    raise TypeError(f"{type(value).__name__} has no place in a plan")


def _change_to_dict(change: Change) -> dict[str, object]:
    out = {k: v for k, v in change.__dict__.items() if k != "fields"}
    out["depends_on"], out["blocked_by"] = list(change.depends_on), list(change.blocked_by)
    out["fields"] = [dict(f.__dict__) for f in change.fields]
    return out


def _change_from_dict(raw: dict) -> Change:
    fields = tuple(_field_from_dict(f) for f in raw.pop("fields"))
    return Change(
        **{**raw, "depends_on": tuple(raw["depends_on"]), "blocked_by": tuple(raw["blocked_by"])}, fields=fields
    )


def _field_from_dict(raw: dict) -> FieldChange:
    for which in ("before", "after"):
        if raw["type"] in ("amount", "number", "rate") and raw[which] is not None:
            raw[which] = Decimal(raw[which])
    return FieldChange(**raw)
