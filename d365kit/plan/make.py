"""Snapshot, ledger and findings in → Plan out; a pure function that asks nobody and writes nothing."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from d365kit.errors import StalePlan
from d365kit.kinds import LCY_ID, SIDES, Catalogue, Field, Kind, Side, default_catalogue, other_side
from d365kit.ledger import Ledger
from d365kit.nouns import Change, FieldChange, Findings, Plan, Snapshot
from d365kit.nouns.frames import records
from d365kit.plan.values import Value, carried, same

#: Ids of records that a plan will create derive from the snapshot and the record they are made from, so that
#: planning stays a pure function and sending a create twice does no harm.
_NEW_IDS = uuid.UUID("d7a9a0d6-1f0e-5b8e-9a55-d365d365d365")

#: Where the values of one's own begin in a choice column: above what the platform itself ships.
_FIRST_OPTION = 100_000_000

Row = dict[str, Value]
#: Field → the value each side held at the last synchronisation.
Agreement = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True)
class Strategy:
    """How to decide between two different values of a two-way field.

    ``first`` decides for a pair that was never synchronised, unless its coupling says so itself (Microsoft's default
    is to push BC's data, coupling.md section 3); ``conflict`` decides when both sides changed since they last agreed.
    """

    first: Literal["ask", "bc", "dv"] = "bc"
    conflict: Literal["ask", "bc", "dv"] = "ask"


def make(
    snapshot: Snapshot,
    ledger: Ledger,
    findings: Findings,
    *,
    kinds: Sequence[str] | None = None,
    strategy: Strategy | None = None,
    catalogue: Catalogue | None = None,
) -> Plan:
    """Plan the synchronisation of ``kinds`` (None: all in the snapshot), in dependency order.

    Raises StalePlan when the findings were made from another snapshot or an older ledger: nothing is planned
    on checks of something else.
    """
    if findings.snapshot_id != snapshot.id or findings.ledger_position != ledger.position:
        raise StalePlan("The checks were run on other data than the plan would be made from.", "Check again.")
    catalogue = catalogue or default_catalogue()
    work = _Work(snapshot, ledger, findings, strategy or Strategy(), catalogue)
    chosen = [k for k in catalogue if k.name in snapshot and k.name in (kinds or catalogue.names)]
    for kind in catalogue:
        if kind.name in snapshot:
            work.know(kind)
    for kind in chosen:
        if kind.planned:
            _plan_kind(work, kind)
    # What is skipped comes from runs, which do not move the ledger's position: another plan, so another id.
    left_out = "/".join(sorted(f"{kind}/{b}/{d}" for kind, found in work.skipped.items() for b, d in found))
    basis = f"{snapshot.id}/{ledger.position}/{','.join(k.name for k in chosen)}"
    identity = uuid.uuid5(_NEW_IDS, f"{basis}/{left_out}" if left_out else basis)
    return Plan(
        id=identity.hex[:12],
        snapshot_id=snapshot.id,
        ledger_position=ledger.position,
        changes=tuple(work.changes),
        compared=work.compared,
        unchanged=work.unchanged,
    )


class _Work:
    """What planning looks things up in, and the changes found so far."""

    def __init__(
        self, snapshot: Snapshot, ledger: Ledger, findings: Findings, strategy: Strategy, catalogue: Catalogue
    ) -> None:
        self.snapshot, self.ledger, self.strategy, self.catalogue = snapshot, ledger, strategy, catalogue
        self._findings = findings
        self._fields: dict[str, tuple[Field, ...]] = {}
        self._numbers: Counter[str] = Counter()
        self.changes: list[Change] = []
        self.compared: dict[str, int] = {}
        self.unchanged: dict[str, int] = {}
        self.rows: dict[tuple[str, str], dict[str, Row]] = {}
        self.pairs: dict[str, list[tuple[str, str]]] = {}
        self.partners: dict[tuple[str, str], dict[str, str]] = {}
        self.gates: dict[str, Mapping[tuple[str, str], tuple[str, ...]]] = {}
        self.first: dict[str, dict[tuple[str, str], str]] = {}
        self.skipped: dict[str, dict[tuple[str, str], str]] = {}
        self.created_by: dict[tuple[str, str, str], str] = {}
        self.stopped: dict[tuple[str, str, str], str] = {}

    def know(self, kind: Kind) -> None:
        """Take in one kind's records, couplings and gate."""
        sides = self.snapshot[kind.name]
        for side in SIDES:
            rows = cast("list[Row]", records(sides.everything(side)))
            self.rows[kind.name, side] = {str(r["id"]): r for r in rows}
        couplings = self.ledger.couplings(kind.name)
        pairs = list(zip(couplings["bc_id"], couplings["dv_id"], strict=True))
        self.pairs[kind.name] = pairs
        self.partners[kind.name, "bc"] = dict(pairs)
        self.partners[kind.name, "dv"] = {d: b for b, d in pairs}
        self.gates[kind.name] = self._findings.gate(kind.name)
        self.first[kind.name] = {p: f for p, f in zip(pairs, couplings["first"], strict=True) if f}
        left = self.ledger.skipped(kind.name)
        self.skipped[kind.name] = {
            (s.bc_id, s.dv_id): f"skipped, as the same error came {s.times} times running: {s.message}"
            for s in left.itertuples()
        }

    def compared_fields(self, kind: Kind) -> tuple[Field, ...]:
        """The fields that may be carried over to an existing record of either side."""
        if kind.name not in self._fields:
            goes = [f for f in kind.fields if any(kind.may_go_to(s) and f.goes_to(s) for s in SIDES)]
            unread = self.snapshot.unread.get(kind.name, ())
            self._fields[kind.name] = tuple(f for f in goes if not f.create_only and f.name not in unread)
        return self._fields[kind.name]

    def gate(self, kind: Kind, bc_id: str, dv_id: str) -> tuple[str, ...]:
        """The critical checks that stop this pair, from either half."""
        gate = self.gates.get(kind.name, {})
        names = (*gate.get(("bc", bc_id), ()), *gate.get(("dv", dv_id), ()))
        return tuple(dict.fromkeys(names))

    def left_alone(self, kind: Kind, bc_id: str, dv_id: str) -> list[str]:
        """Why this pair, or this record to make, is skipped; [] when it is not (coupling.md section 8)."""
        reason = self.skipped[kind.name].get((bc_id, dv_id))
        return [reason] if reason else []

    def next_id(self, kind: Kind) -> str:
        self._numbers[kind.name] += 1
        return f"{kind.name}-{self._numbers[kind.name]:05d}"

    def title(self, kind: Kind, row: Row | None, record: str) -> str:
        row = row or {}
        number, name = row.get(kind.number_field), row.get(kind.name_field)
        return " ".join(str(v) for v in dict.fromkeys((number, name)) if v) or record

    def new_id(self, kind: Kind, side: Side, record: str) -> str:
        """The id of the record to make on ``side`` from ``record``: a GUID, or the next integer of an option."""
        if side == "dv" and kind.is_option:
            held = [int(i) for i in self.rows[kind.name, "dv"] if i.isdigit()]
            planned = [int(c.dv_id) for c in self.changes if c.kind == kind.name and c.action == "create"]
            return str(max([_FIRST_OPTION - 1, *held, *planned]) + 1)
        return str(uuid.uuid5(_NEW_IDS, f"{self.snapshot.id}/{kind.name}/{record}"))

    def target(self, field: Field, side: Side, record: str) -> Kind:
        """The kind, of those ``field`` may refer to, that holds ``record`` on ``side``; the first when none does."""
        holding = (k for k in field.refers_to if record in self.rows.get((k, side), {}))
        return self.catalogue[next(holding, field.refers_to[0])]

    def partner(self, field: Field, side: Side, record: str) -> str | None:
        """The id on the other side of what ``field`` refers to; None when it is not coupled."""
        found = (self.partners.get((k, side), {}).get(record) for k in field.refers_to)
        return next((p for p in found if p), None)

    def waits_for(self, field: Field, side: Side, record: str) -> str:
        """Why a record that is referred to is not ready, or ``""``; ``record`` is its id on ``side``."""
        kind = self.target(field, side, record)
        partner = self.partners.get((kind.name, side), {}).get(record, "")
        bc_id, dv_id = (record, partner) if side == "bc" else (partner, record)
        checks = self.gate(kind, bc_id, dv_id)
        stopped = self.stopped.get((kind.name, side, record), "")
        if not checks and not stopped:
            return ""
        title = self.title(kind, self.rows.get((kind.name, side), {}).get(record), record)
        return f"waits for {kind.source(side).noun} {title}"


def _plan_kind(work: _Work, kind: Kind) -> None:
    _plan_creates(work, kind)
    pairs = work.pairs[kind.name]
    agreements = cast("dict[tuple[str, str], Agreement]", work.ledger.agreements(kind.name))
    unchanged = 0
    for bc_id, dv_id in pairs:
        before = len(work.changes)
        _plan_pair(work, kind, bc_id, dv_id, agreements.get((bc_id, dv_id), {}))
        unchanged += len(work.changes) == before
    work.compared[kind.name] = len(pairs)
    work.unchanged[kind.name] = unchanged


# --- records to make -------------------------------------------------------------------------------


def _plan_creates(work: _Work, kind: Kind) -> None:
    wanted = work.ledger.creates(kind.name)
    for bc_id, dv_id in zip(wanted["bc_id"], wanted["dv_id"], strict=True):
        source: Side = "bc" if bc_id else "dv"
        target = other_side(source)
        record = bc_id or dv_id
        if kind.may_go_to(target):
            _plan_create(work, kind, source, target, record)


def _plan_create(work: _Work, kind: Kind, source: Side, target: Side, record: str) -> None:
    row = work.rows[kind.name, source].get(record)
    new = work.new_id(kind, target, record)
    bc_id, dv_id = (record, new) if source == "bc" else (new, record)
    blocked = list(work.gate(kind, record if source == "bc" else "", record if source == "dv" else ""))
    if kind.source(target).is_page:
        # A page takes no id of ours, so a create whose answer is lost could be done twice (business-central.md 12).
        blocked.append(f"make it in {_name(target)} by hand and couple it: its page takes no id of ours")
    if row is None:
        blocked.append("the record is gone")
        row = {"id": record}
    if row.get("outside"):
        blocked.append(f"outside the synchronisation: {row['outside']}")
    blocked += work.left_alone(kind, record if source == "bc" else "", record if source == "dv" else "")
    fields, needs, waits = _fields_of_new(work, kind, source, target, row)
    constants, more_needs, more_waits = _constants(work, kind, target)
    identity = work.next_id(kind)
    change = Change(
        id=identity, kind=kind.name, action="create", side=target, bc_id=bc_id, dv_id=dv_id,
        title=work.title(kind, row, record), fields=(*fields, *constants),
        reason=f"has no partner in {_name(target)}",
        depends_on=tuple(dict.fromkeys((*needs, *more_needs))),
        blocked_by=tuple(dict.fromkeys((*blocked, *waits, *more_waits))),
    )  # fmt: skip
    work.changes.append(change)
    if change.blocked:
        work.stopped[kind.name, source, record] = identity
    work.created_by[kind.name, source, record] = identity
    work.partners[kind.name, source][record] = new
    work.partners[kind.name, target][new] = record
    _plan_afterwards(work, kind, change, source, row)


def _fields_of_new(
    work: _Work, kind: Kind, source: Side, target: Side, row: Row
) -> tuple[list[FieldChange], list[str], list[str]]:
    """The values of a new record, the changes it needs first, and what it waits for."""
    fields, needs, waits = [], [], []
    for f in kind.fields_to(target):
        value = row.get(f.name)
        if value is None and f.is_reference and f.required:
            # A contact without its account, a product without its unit: the other side has no place for it.
            waits.append(f"has no {f.title}")
        if not f.written_as(target) or (value is None and not f.transform):
            continue
        if f.is_reference:
            found, need, wait = _reference(work, f, source, str(value), row)
            needs += need
            waits += wait
            if found is not None:
                fields.append(found)
            continue
        after, note = carried(f, value, row, target)
        if after is not None:
            fields.append(FieldChange(f.name, None, after, f.type, note=note))
    return fields, needs, waits


def _reference(
    work: _Work, field: Field, source: Side, record: str, row: Row, before: Value = None, before_label: str = ""
) -> tuple[FieldChange | None, list[str], list[str]]:
    """What ``field`` becomes on the other side, the create it needs first, and what it waits for."""
    label = str(row.get(field.label_column) or record)
    partner = work.partner(field, source, record)
    if partner is None:
        # A weak reference is left as it is: BC would empty it, and what it held would be lost (C8, PRE-14).
        return None, [], [] if field.weak else [f"waits for {field.title} {label} to be coupled"]
    change = FieldChange(field.name, before, partner, field.type, before_label, label)
    need = work.created_by.get((work.target(field, source, record).name, source, record))
    wait = work.waits_for(field, source, record)
    return change, [need] if need else [], [wait] if wait else []


def _constants(work: _Work, kind: Kind, target: Side) -> tuple[list[FieldChange], list[str], list[str]]:
    """The fixed values of a new record; “{…}” stands for our company's row or the local currency."""
    fields: list[FieldChange] = []
    needs: list[str] = []
    waits: list[str] = []
    for name, value in kind.source(target).constants.items():
        label = ""
        if value == "{company}":
            company = work.snapshot.facts.get("company", "")
            if not company:
                continue
            value, label = f"/bcbi_companies({company})", "our company"
        elif value == "{local_currency}":
            local = work.partners.get(("currency", "bc"), {}).get(LCY_ID)
            if local is None:
                waits.append("waits for the local currency to be coupled")
                continue
            need = work.created_by.get(("currency", "bc", LCY_ID))
            needs += [need] if need else []
            if ("currency", "bc", LCY_ID) in work.stopped:
                waits.append("waits for the local currency")
            value, label = f"/transactioncurrencies({local})", work.snapshot.facts.get("local_currency", "")
        fields.append(FieldChange(name, None, value, "constant", after_label=label))  # type: ignore[arg-type]
    return fields, needs, waits


def _plan_afterwards(work: _Work, kind: Kind, create: Change, source: Side, row: Row) -> None:
    """The steps that follow a create: publish a product (J10), carry back the number BC gives."""
    step = replace(create, id="", action="update", fields=(), reason="", depends_on=(create.id,))
    if "publish_product" in kind.habits and create.side == "dv":
        field = FieldChange("state", 2, 0, "integer", "Draft", "Active")
        reason = "new products start as drafts"
        work.changes.append(replace(step, id=work.next_id(kind), fields=(field,), step="publish", reason=reason))
    number = kind[kind.number_field] if kind.number_field else None
    if number and create.side == "bc" and number.goes_to("dv"):
        field = FieldChange(number.name, row.get(number.name), None, "assigned", after_label="as numbered by BC")
        reason = "Business Central numbers its records itself"
        work.changes.append(
            replace(
                step,
                id=work.next_id(kind),
                side="dv",
                fields=(field,),
                step="number",
                reason=reason,
                etag=str(row.get("etag") or ""),
            )
        )


# --- coupled pairs ---------------------------------------------------------------------------------


@dataclass
class _Found:
    """The differences of one pair, by where they go."""

    to_bc: list[FieldChange]
    to_dv: list[FieldChange]
    conflicts: list[FieldChange]
    needs: dict[Side, list[str]]
    waits: dict[Side, list[str]]

    def going_to(self, side: Side) -> list[FieldChange]:
        return self.to_bc if side == "bc" else self.to_dv


def _plan_pair(work: _Work, kind: Kind, bc_id: str, dv_id: str, agreement: Agreement) -> None:
    bc, dv = work.rows[kind.name, "bc"].get(bc_id), work.rows[kind.name, "dv"].get(dv_id)
    blocked = list(work.gate(kind, bc_id, dv_id))
    title = work.title(kind, bc or dv, bc_id)
    if bc is None or dv is None:
        gone: Side = "bc" if bc is None else "dv"
        half = _change(work, kind, "update", gone, bc_id, dv_id, title)
        blocked_by = tuple(blocked) or ("setup/both_halves_exist",)
        work.changes.append(replace(half, reason=f"its half in {_name(gone)} is gone", blocked_by=blocked_by))
        return
    outside = [str(r["outside"]) for r in (bc, dv) if r.get("outside")]
    blocked += [f"outside the synchronisation: {reason}" for reason in outside]
    blocked += work.left_alone(kind, bc_id, dv_id)
    first = work.first[kind.name].get((bc_id, dv_id)) or work.strategy.first
    found = _differences(work, kind, bc, dv, agreement, first)
    for side in reversed(SIDES):
        fields = found.going_to(side)
        if fields:
            change = _change(work, kind, "update", side, bc_id, dv_id, title)
            work.changes.append(
                replace(
                    change,
                    fields=tuple(fields),
                    etag=str((bc if side == "bc" else dv)["etag"] or ""),
                    depends_on=tuple(dict.fromkeys(found.needs[side])),
                    blocked_by=tuple(dict.fromkeys((*blocked, *found.waits[side]))),
                )
            )
    if found.conflicts:
        change = _change(work, kind, "conflict", "dv", bc_id, dv_id, title)
        reason = "both sides changed since they last agreed" if agreement else "never synchronised, and they differ"
        work.changes.append(replace(change, fields=tuple(found.conflicts), reason=reason))


def _change(work: _Work, kind: Kind, action: str, side: Side, bc_id: str, dv_id: str, title: str) -> Change:
    return Change(work.next_id(kind), kind.name, action, side, bc_id, dv_id, title)


def _differences(work: _Work, kind: Kind, bc: Row, dv: Row, agreement: Agreement, first: str) -> _Found:
    found = _Found([], [], [], {"bc": [], "dv": []}, {"bc": [], "dv": []})
    for f in work.compared_fields(kind):
        if _agree(work, f, bc, dv):
            continue
        target = _target(work, kind, f, bc, dv, agreement.get(f.name), first)
        if target == "ask":
            found.conflicts.append(_shown(f, bc, dv))
        elif target:
            _add_field(work, found, f, bc, dv, target)
    return found


def _agree(work: _Work, field: Field, bc: Row, dv: Row) -> bool:
    """Whether both sides hold the same, also after what is lost on the way is taken into account."""
    b, d = bc.get(field.name), dv.get(field.name)
    if field.is_reference:
        return d is None if b is None else work.partner(field, "bc", str(b)) == d
    if same(field, b, d):
        return True
    return (field.goes_to("dv") and same(field, carried(field, b, bc, "dv")[0], d)) or (
        field.goes_to("bc") and same(field, b, carried(field, d, dv, "bc")[0])
    )


def _target(
    work: _Work, kind: Kind, field: Field, bc: Row, dv: Row, agreed: Mapping[str, Value] | None, first: str
) -> Literal["bc", "dv", "ask", ""]:
    """Where this difference goes: to one side, to the analyst, or nowhere (three-way comparison, B1)."""
    allowed = [s for s in reversed(SIDES) if kind.may_go_to(s) and field.goes_to(s)]
    values: dict[Side, Value] = {"bc": bc.get(field.name), "dv": dv.get(field.name)}
    if len(allowed) == 1:
        blank = values[other_side(allowed[0])] is None
        return "" if blank and field.keep_when_blank else allowed[0]
    if agreed is not None:
        changed = {s: not _unchanged(field, values[s], agreed.get(s)) for s in ("bc", "dv")}
        if changed["bc"] != changed["dv"]:
            source: Side = "bc" if changed["bc"] else "dv"
            return "" if values[source] is None and field.keep_when_blank else other_side(source)
        winner: str = work.strategy.conflict
    elif values["bc"] is None or values["dv"] is None:
        return "bc" if values["bc"] is None else "dv"
    else:
        winner = first
    return "ask" if winner == "ask" else other_side(cast("Side", winner))


def _unchanged(field: Field, now: Value, then: Value) -> bool:
    return now == then if field.is_reference else same(field, now, then)


def _add_field(work: _Work, found: _Found, field: Field, bc: Row, dv: Row, target: Side) -> None:
    source = other_side(target)
    row, other = (bc, dv) if source == "bc" else (dv, bc)
    value, before = row.get(field.name), other.get(field.name)
    if field.is_reference:
        label = str(other.get(field.label_column) or "")
        if value is None:
            found.going_to(target).append(FieldChange(field.name, before, None, field.type, label))
            return
        change, need, wait = _reference(work, field, source, str(value), row, before, label)
        found.needs[target] += need
        found.waits[target] += wait
        if change is not None:
            found.going_to(target).append(change)
        return
    after, note = carried(field, value, row, target)
    found.going_to(target).append(FieldChange(field.name, before, after, field.type, note=note))


def _shown(field: Field, bc: Row, dv: Row) -> FieldChange:
    """A conflict as a field change: before is BC's value, after is Dataverse's."""
    labels = [str(r.get(field.label_column) or "") if field.is_reference else "" for r in (bc, dv)]
    return FieldChange(field.name, bc.get(field.name), dv.get(field.name), field.type, *labels)


def _name(side: str) -> str:
    return "Business Central" if side == "bc" else "Sales"
