"""Plan in → Run out: one change at a time, intent before and outcome after, safe to stop and to repeat."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast

from d365kit.apply.cards import on_page, write_page
from d365kit.apply.wire import Body, body_of, holds
from d365kit.errors import ServiceError, SignInFailed, StalePlan, StaleRecord, Throttled, Unreachable
from d365kit.kinds import SIDES, Catalogue, Field, default_catalogue
from d365kit.kinds.model import OPTIONS
from d365kit.ledger import Ledger
from d365kit.nouns import Change, Limits, Outcome, Pair, Plan, Run, Snapshot
from d365kit.nouns.frames import records
from d365kit.plan.values import same
from d365kit.services import Column, Service, Written, run

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]
Agreement = dict[str, dict[str, object]]

#: After these nothing else will get through either: stop, and leave the rest for the next run.
_STOPPING = (Unreachable, Throttled, SignInFailed)


def apply(
    plan: Plan,
    snapshot: Snapshot,
    bc: Service,
    dv: Service,
    ledger: Ledger,
    *,
    by: str,
    now: Callable[[], datetime],
    limits: Limits | None = None,
    catalogue: Catalogue | None = None,
    progress: Progress | None = None,
) -> Run:
    """Write what ``plan`` says, in its order, and return what became of each change.

    Every intent is in the ledger before its request is sent, every outcome before the next change, and a
    coupling only after its record was made. Running the same plan again goes on where it stopped.
    Raises StalePlan when snapshot or ledger moved, UnsafePlan beyond ``limits``. What a service refuses is
    an outcome, not an error.
    """
    if plan.snapshot_id != snapshot.id:
        raise StalePlan("The plan was made from another snapshot than the latest.", "Plan again.")
    moved = ledger.position_without(plan.id) - plan.ledger_position
    if moved:
        raise StalePlan(f"{abs(moved)} decisions were made since the plan.", "Plan again.")
    plan.raise_if_unsafe(limits or Limits())
    work = _Work(plan, snapshot, {"bc": bc, "dv": dv}, ledger, by, now, catalogue or default_catalogue())
    return work.run(progress)


class _Work:
    def __init__(
        self,
        plan: Plan,
        snapshot: Snapshot,
        services: Mapping[str, Service],
        ledger: Ledger,
        by: str,
        now: Callable[[], datetime],
        catalogue: Catalogue,
    ) -> None:
        self.plan, self.snapshot, self.services, self.ledger = plan, snapshot, services, ledger
        self.by, self.now, self.catalogue = by, now, catalogue
        self.done = ledger.done_changes(plan.id)
        self.written: dict[str, Written] = {}
        self.etags: dict[tuple[str, str], str] = {}
        self.outcomes: list[Outcome] = []
        self.stopped = ""
        self.agreements = _Agreements(plan, snapshot, ledger, self.catalogue)

    def run(self, progress: Progress | None) -> Run:
        identity = self.ledger.begin_run(self.plan.id, self.plan.fingerprint, by=self.by, at=self.now())
        total = len(self.plan)
        try:
            for number, change in enumerate(self.plan, start=1):
                outcome = self._one(identity, change)
                if outcome.state == "done":
                    self.done.add(change.id)
                self.outcomes.append(outcome)
                if progress:
                    progress("Applying", number, total)
            for kind, pairs in self.agreements.of_unchanged().items():
                self.ledger.agree(identity, kind, pairs, at=self.now())
        finally:
            self.ledger.end_run(identity, at=self.now())
        return Run(identity, self.plan.id, tuple(self.outcomes))

    def _one(self, identity: str, change: Change) -> Outcome:
        if change.id in self.done:
            return _outcome(change, "done", "done by an earlier run of this plan")
        reason = self._holds_back(change)
        if reason:
            return _outcome(change, "skipped", reason)
        self.ledger.intend(
            identity, change.id, kind=change.kind, action=change.action, side=change.side,
            bc_id=change.bc_id, dv_id=change.dv_id, title=change.title,
        )  # fmt: skip
        outcome, couple, agreement = self._send(change)
        self.ledger.settle(identity, outcome, at=self.now(), by=self.by, couple=couple, agreement=agreement)
        return outcome

    def _holds_back(self, change: Change) -> str:
        if change.blocked_by:
            return "; ".join(change.blocked_by)
        if change.action not in ("create", "update"):
            return change.reason or "nothing to write"
        if self.stopped:
            return self.stopped
        missing = [d for d in change.depends_on if d not in self.done]
        return f"waits for change {missing[0]}, which was not done" if missing else ""

    def _send(self, change: Change) -> tuple[Outcome, Pair | None, Agreement | None]:
        try:
            written = run(self._write(change))
        except _STOPPING as error:
            self.stopped = f"stopped, because {error.what[0].lower()}{error.what[1:]}"
            state = "unknown" if isinstance(error, Unreachable) else "failed"
            return _outcome(change, state, str(error), error), None, None
        except ServiceError as error:
            log.warning("%s %s: %s", change.id, change.title, error)
            return _outcome(change, "failed", str(error), error), None, None
        self.written[change.id] = written
        self.etags[change.side, change.record_id] = written.etag
        couple = Pair(change.bc_id, change.dv_id, band="created") if change.action == "create" else None
        agreement = self.agreements.after(change, written)
        return _outcome(change, "done", request_id=written.request_id), couple, agreement

    async def _write(self, change: Change) -> Written:
        service = self.services[change.side]
        source = self.catalogue[change.kind].source("bc" if change.side == "bc" else "dv")
        kind = self.catalogue[change.kind]
        page = on_page(kind, change)
        body = await body_of(change, self.catalogue, service, self._assigned(change))
        if change.action == "create" and source.is_option:
            return await _insert_option(service, source.set, change, body)
        if change.action == "create":
            return await _create(service, source.set, source.id, change, body)
        etag = self.etags.get((change.side, change.record_id)) or change.etag
        if change.step and not self.etags.get((change.side, change.record_id)):
            # The record was made by an earlier run: its version is the one that stands there now.
            etag = str((await service.get(source.set, change.record_id)).get("@odata.etag", ""))
        if page:
            # The page first: should it be refused, the record is as the plan saw it, and the change is planned again.
            number = self._code(kind.name, change.bc_id)
            await write_page(service, kind, number, page, self._code)
            if not body:
                row = await service.get(source.set, change.record_id)
                return Written(change.record_id, str(row.get("@odata.etag", "")), row)
            etag = str((await service.get(source.set, change.record_id)).get("@odata.etag", "")) or etag
        return await _update(service, source.set, source.id, change.record_id, etag, body)

    def _code(self, kind: str, record: str) -> str:
        """The number or code of a record of BC, as the snapshot has it."""
        row = self.agreements.row(kind, "bc", record)
        return str(row.get(self.catalogue[kind].number_field) or "")

    def _assigned(self, change: Change) -> str:
        """The number the other side gave the record that this change follows."""
        if change.step != "number":
            return ""
        kind = self.catalogue[change.kind]
        made = self.written.get(change.depends_on[0])
        row = made.row if made else run(self.services["bc"].get(kind.bc.set, change.bc_id))
        return str(row.get(kind[kind.number_field].bc) or "")


async def _create(service: Service, set_name: str, key: str, change: Change, body: Body) -> Written:
    try:
        return await service.create(set_name, key, body)  # type: ignore[attr-defined]
    except ServiceError as error:
        if not service.is_duplicate(error):
            raise
        # The id is ours alone, so a record that has it was made by an earlier try of this same change.
        try:
            row = await service.get(set_name, change.record_id)
        except ServiceError:
            raise error from None
        return Written(change.record_id, str(row.get("@odata.etag", "")), row)


async def _insert_option(service: Service, set_name: str, change: Change, body: Body) -> Written:
    """Add a value to a choice column under the integer the plan chose, so that doing it twice does no harm."""
    table, _, column = set_name.removeprefix(OPTIONS).partition(".")
    label = str(body["label"])
    try:
        await service.insert_option(table, column, int(change.record_id), label)  # type: ignore[attr-defined]
    except ServiceError as error:
        held = await service.rows(set_name, [Column("value", "integer"), Column("label")], key="value")  # type: ignore[attr-defined]
        values = dict(zip(*(held.table.column(c).to_pylist() for c in ("value", "label")), strict=True))
        if values.get(int(change.record_id)) != label:
            raise error from None
    return Written(change.record_id, "", {"value": int(change.record_id), "label": label})


async def _update(service: Service, set_name: str, key: str, record: str, etag: str, body: Body) -> Written:
    try:
        return await service.update(set_name, key, record, etag, body)  # type: ignore[attr-defined]
    except (StaleRecord, Unreachable) as error:
        # An earlier try may have gone through without our hearing of it: then the record holds it all.
        try:
            row = await service.get(set_name, record)
        except ServiceError:
            raise error from None
        if holds(row, body):
            return Written(record, str(row.get("@odata.etag", "")), row)
        raise


def _outcome(
    change: Change, state: str, message: str = "", error: ServiceError | None = None, *, request_id: str = ""
) -> Outcome:
    return Outcome(
        change.id, change.kind, change.action, change.side, change.bc_id, change.dv_id, change.title, state,
        message, error.status if error else 0, error.request_id if error else request_id,
    )  # fmt: skip


class _Agreements:
    """The values both sides hold once they agree: what the next plan's three-way comparison starts from."""

    def __init__(self, plan: Plan, snapshot: Snapshot, ledger: Ledger, catalogue: Catalogue) -> None:
        self._plan, self._snapshot, self._ledger, self._catalogue = plan, snapshot, ledger, catalogue
        self._rows: dict[tuple[str, str], dict[str, dict]] = {}
        self._held: dict[str, dict[tuple[str, str], Agreement]] = {}
        self._partners: dict[str, dict[str, str]] = {}
        for kind in catalogue:
            if kind.name not in snapshot:
                continue
            for side in SIDES:
                rows = records(snapshot[kind.name].everything(side))
                self._rows[kind.name, side] = {str(r["id"]): r for r in rows}
            self._held[kind.name] = cast("dict[tuple[str, str], Agreement]", ledger.agreements(kind.name))
            couplings = ledger.couplings(kind.name)
            self._partners[kind.name] = dict(zip(couplings["bc_id"], couplings["dv_id"], strict=True))
        for change in plan:
            if change.action == "create":
                self._partners.setdefault(change.kind, {})[change.bc_id] = change.dv_id

    def row(self, kind: str, side: str, record: str) -> Mapping[str, object]:
        """The snapshot's row of a record, empty when it holds none."""
        return self._rows.get((kind, side), {}).get(record, {})

    def after(self, change: Change, written: Written) -> Agreement:
        """The pair's agreement once ``change`` is done: earlier equal fields, and those it carried over."""
        agreement = self._now(change.kind, change.bc_id, change.dv_id)
        source = "dv" if change.side == "bc" else "bc"
        row = self._rows.get((change.kind, source), {}).get(change.bc_id if source == "bc" else change.dv_id, {})
        for fc in change.fields:
            if fc.type not in ("constant", "assigned") and not change.step:
                agreement[fc.field] = {source: row.get(fc.field), change.side: fc.after}
        self._held.setdefault(change.kind, {})[change.bc_id, change.dv_id] = agreement
        return agreement

    def of_unchanged(self) -> dict[str, dict[tuple[str, str], Agreement]]:
        """Pairs the plan leaves alone and that have no agreement of these very values yet, by kind."""
        touched = {(c.kind, c.bc_id, c.dv_id) for c in self._plan}
        out: dict[str, dict[tuple[str, str], Agreement]] = {}
        for kind in self._plan.compared:
            # Somebody else may have uncoupled a pair while the plan was applied.
            couplings = self._ledger.couplings(kind)
            for bc_id, dv_id in zip(couplings["bc_id"], couplings["dv_id"], strict=True):
                if (kind, bc_id, dv_id) in touched:
                    continue
                now = self._now(kind, bc_id, dv_id)
                if now and now != self._held[kind].get((bc_id, dv_id)):
                    out.setdefault(kind, {})[bc_id, dv_id] = now
        return out

    def _now(self, kind_name: str, bc_id: str, dv_id: str) -> Agreement:
        """What the pair agrees on as far as the snapshot shows, on top of what it agreed on before."""
        kind = self._catalogue[kind_name]
        agreement = dict(self._held.get(kind_name, {}).get((bc_id, dv_id), {}))
        bc = self._rows.get((kind_name, "bc"), {}).get(bc_id)
        dv = self._rows.get((kind_name, "dv"), {}).get(dv_id)
        if bc is None or dv is None:
            return agreement
        unread = self._snapshot.unread.get(kind_name, ())
        for f in kind.fields:
            if f.direction != "none" and f.name not in unread and self._equal(f, bc, dv):
                agreement[f.name] = {"bc": bc.get(f.name), "dv": dv.get(f.name)}
        return agreement

    def _equal(self, field: Field, bc: Mapping, dv: Mapping) -> bool:
        b, d = bc.get(field.name), dv.get(field.name)
        if field.is_reference:
            if b is None:
                return d is None
            return d is not None and any(self._partners.get(k, {}).get(str(b)) == d for k in field.refers_to)
        return same(field, b, d)
