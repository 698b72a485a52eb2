"""Workspace: a folder and the verbs, each a few lines over the stage that does the work."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from d365kit import __version__, check, match
from d365kit import apply as applying
from d365kit import explore as exploring
from d365kit import plan as planning
from d365kit import pull as pulling
from d365kit import report as reporting
from d365kit.errors import AlreadyCoupled, LedgerError, SettingsError, UnknownRecord
from d365kit.kinds import SIDES, Catalogue
from d365kit.ledger import Ledger
from d365kit.nouns import Findings, Limits, Pair, Plan, Proposals, Report, Run, Snapshot
from d365kit.progress import Bars
from d365kit.services import BusinessCentral, Dataverse, run
from d365kit.services.files import FileSource, Guess, load
from d365kit.show import KindsView
from d365kit.show.values import SIDE_NAMES
from d365kit.workspace import coupling_acts, file_settings, own_kinds, share
from d365kit.workspace import settings as settings_file
from d365kit.workspace.connections import Connections
from d365kit.workspace.couplings_file import CouplingImport, read_couplings
from d365kit.workspace.folder import Folder
from d365kit.workspace.gate_desk import GateDesk
from d365kit.workspace.ledger_desk import LedgerDesk
from d365kit.workspace.settings import SandboxSettings, Settings

if TYPE_CHECKING:
    from d365kit.explore import Overview
    from d365kit.widgets.review import Review, Sample

log = logging.getLogger(__name__)

#: Pairs of (bc id, dv id), or `Pair` with the score, band and fingerprint they were proposed with.
Pairs = Iterable[tuple[str, str] | Pair]


def _now() -> datetime:
    return datetime.now(UTC)


class Workspace(LedgerDesk, GateDesk):
    """One BC company and one Dataverse environment, and all that was decided about them.

    Open one with `d365kit.open`, make one with `Workspace.make`, or take the demo company with
    `d365kit.demo`. Close it, or use it in a ``with`` statement, to stop a sandbox it started.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        services: tuple[BusinessCentral, Dataverse] | None = None,
        now: Callable[[], datetime] = _now,
        progress: bool = True,
    ) -> None:
        self.folder = Folder(Path(path))
        self.settings: Settings = settings_file.read(self.folder.path)
        self.catalogue: Catalogue = own_kinds.read(self.folder.path, self.settings)
        self._connections = Connections(self.folder.path, self.settings, self.catalogue, services)
        self._now, self._progress = now, progress
        self._ledger: Ledger | None = None
        self._asked: dict[str, pd.DataFrame] = {}
        self._snapshot: Snapshot | None = None

    # --- making, opening, closing ---

    @classmethod
    def make(
        cls, path: str | Path, *, sandbox: SandboxSettings | None = None, files: Sequence[str | Path] = (),
        **more: object,
    ) -> Workspace:  # fmt: skip
        """Make a workspace in ``path``: settings, notebooks and suites; with ``files`` it works on exports.

        Raises SettingsError if there is one already, or for a file that cannot be read or told.
        """
        folder = Path(path)
        placed = file_settings.place([Path(f) for f in files])
        target = folder / settings_file.FILE
        if target.exists():
            raise SettingsError(f"{folder} is a d365kit workspace already.", "Choose another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        share.copy_missing(folder)
        text = file_settings.template(placed, folder) if placed else ""
        target.write_text(settings_file.template(folder.resolve().name, sandbox, text), "utf-8")
        return cls(folder, **more)  # type: ignore[arg-type]

    @classmethod
    def demo(
        cls, path: str | Path = "d365kit-demo", *, customers: int | None = None, seed: int | None = None,
        **more: object,
    ) -> Workspace:  # fmt: skip
        """Open the demo workspace in ``path``, making it first if need be.

        Raises SettingsError when it exists with another size or seed than asked for.
        """
        folder = Path(path)
        default = SandboxSettings()
        wanted = SandboxSettings(
            customers=default.customers if customers is None else customers,
            seed=default.seed if seed is None else seed,
        )
        if not (folder / settings_file.FILE).exists():
            return cls.make(folder, sandbox=wanted, **more)  # type: ignore[arg-type]
        workspace = cls(folder, **more)  # type: ignore[arg-type]
        held = workspace.settings.sandbox
        if held is None:
            raise SettingsError(f"{folder} is a workspace of live services.", "Choose another folder for the demo.")
        for name, asked, there in (("customers", customers, held.customers), ("seed", seed, held.seed)):
            if asked is not None and asked != there:
                raise SettingsError(
                    f"The demo company in {folder} was made with {name} {there}, not {asked}.",
                    "Choose another folder with --workspace, or delete this one.",
                )
        return workspace

    @property
    def kinds(self) -> KindsView:
        """The kinds in use here, as a table and a picture; ``ws.kinds["customer"]`` shows one in full."""
        return KindsView(self.catalogue)

    def check_kinds(self) -> tuple[pulling.Problem, ...]:
        """Look the catalogue up in the metadata of both services (see `pull.check_catalogue`)."""
        return pulling.check_catalogue(*self.services, self.catalogue, place=own_kinds.place_in(self.folder.path))

    def close(self) -> None:
        """Close the ledger and the connections, and stop the sandbox if this workspace started it."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        self._connections.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def by(self) -> str:
        """Who decides, as the ledger will show it."""
        try:
            return self.settings.by or os.environ.get("D365KIT_USER") or getpass.getuser()
        except (KeyError, OSError):
            return "unknown"

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            address = self.settings.ledger
            self._ledger = Ledger.open(address if "://" in address else self.folder.path / address)
        return self._ledger

    @property
    def services(self) -> tuple[BusinessCentral, Dataverse]:
        """Both services, connected on first use. Raises SettingsError as `Connections.services` does."""
        return self._connections.services

    def guesses(self) -> list[Guess]:
        """Which column of each file was taken for which field; [] in a workspace of services."""
        return self._connections.guesses()

    # --- the verbs ---

    def pull(self, kinds: Sequence[str] | None = None, *, allow_empty: bool = False) -> Snapshot:
        """Read both sides and keep them as the latest snapshot (see `d365kit.pull.pull`)."""
        bc, dv = self._connections.sources
        previous = self.folder.received_last_time()
        company = self.settings.dv.company
        if not company and not isinstance(bc, FileSource) and not isinstance(dv, FileSource):
            company = run(dv.company_row(bc.company))
        with self.folder.lock(), self._bars() as bars:
            snapshot = pulling.pull(
                bc, dv, kinds=kinds, catalogue=self.catalogue, company=company,
                previous=previous, allow_empty=allow_empty, progress=bars,
            )  # fmt: skip
            self.folder.save_snapshot(snapshot)
        self._snapshot = snapshot
        return snapshot

    @property
    def snapshot(self) -> Snapshot:
        """The latest snapshot. Raises SettingsError when nothing was pulled yet."""
        if self._snapshot is None or self._snapshot.id != self.folder.latest_snapshot_id():
            self._snapshot = self.folder.load_snapshot()
        return self._snapshot

    def explore(self, kind: str | None = None) -> Overview:
        """Look at the latest snapshot, or at one kind of it (see `explore.overview`)."""
        found = exploring.overview(self.snapshot, self.ledger, self.catalogue)
        return found if kind is None else found[kind]

    def propose(
        self,
        kind: str,
        rule: str = "evidence",
        criteria: str | Sequence[str] | None = None,
        *,
        engine: str | None = None,
    ) -> Proposals:
        """Find the candidates of every uncoupled record of ``kind`` and keep them (see `match.propose`).

        ``rule="exact"`` couples by equal values, as Business Central does; ``criteria=["number", "name+city"]`` are
        its groups of fields in the order in which they are tried.
        ``engine`` is ``duckdb`` or ``spark``; None means what d365kit.toml says.
        """
        self.catalogue[kind]
        with self._bars() as bars:
            proposals = match.propose(
                self.snapshot, self.ledger, kind, rule=rule, criteria=criteria, catalogue=self.catalogue,
                progress=bars, engine=engine or self.settings.match.engine,
            )  # fmt: skip
        self.folder.save_proposals(proposals)
        return proposals

    def ask(self, kind: str, count: int = 20) -> pd.DataFrame:
        """The pairs of ``kind`` on which your answer teaches most, the most doubtful first (see `match.ask`).

        Answer with ``ws.confirm(kind, pairs)`` and ``ws.reject(kind, pairs)``, and propose again.
        """
        self.catalogue[kind]
        with self._bars() as bars:
            asked = match.ask(
                self.snapshot, self.ledger, kind, count, catalogue=self.catalogue, progress=bars,
                engine=self.settings.match.engine,
            )  # fmt: skip
        self._asked[kind] = asked
        return asked

    def proposals(self, kind: str) -> Proposals:
        """The kept proposals of ``kind``. Raises LedgerError when there are none of the latest snapshot."""
        self.catalogue[kind]
        kept = self.folder.load_proposals(kind)
        if kept is None:
            raise LedgerError(
                f"There are no proposals for {kind} from the latest snapshot.", f"Run: d365kit propose {kind}."
            )
        return kept

    def confirm(
        self, kind: str, pairs: Pairs | None = None, *, band: str | None = None, note: str = "",
        first: str = "", take_over: bool = False,
    ) -> int:  # fmt: skip
        """Couple ``pairs`` of (bc id, dv id), or all proposed pairs of a ``band``; return how many.

        ``first`` says whose values win at the first synchronisation: ``bc``, ``dv``, or ``""`` for what the settings
        say. With ``take_over`` a coupling whose other half is gone from the snapshot, inside and outside the filter,
        gives way, and two such couplings become one. Raises AlreadyCoupled when a record has another partner,
        UnknownRecord for an id the snapshot does not hold. Nothing is coupled when one pair cannot be.
        """
        if pairs is not None and band is not None:
            raise SettingsError("Both pairs and a band are given.", "Give one of them.")
        chosen = self._known(kind, pairs) if pairs is not None else self._of_band(kind, band)
        if take_over:
            gone = coupling_acts.gone(self.snapshot, self.catalogue[kind], self.ledger, chosen)
            return self._decide("take_over", kind, chosen, note, first=first, gone=gone)
        try:
            return self._decide("confirm", kind, chosen, note, first=first)
        except AlreadyCoupled as refused:
            gone = coupling_acts.gone(self.snapshot, self.catalogue[kind], self.ledger, chosen)
            raise coupling_acts.said_of_gone(refused, gone) from refused

    def import_couplings(
        self, path: str | Path, kind: str | None = None, *, columns: Mapping[str, str] | None = None,
        sheet: str = "", dry_run: bool = False,
    ) -> CouplingImport:  # fmt: skip
        """Couple the pairs that a file names by ids, numbers, e-mail addresses or names; say which do not fit.

        Each kind is one act, so that one undo takes it back. With ``dry_run`` nothing is coupled. ``columns`` says
        what columns hold where it cannot be told: column → ``bc``, ``dv``, ``kind``, ``table`` or ``-``.
        Raises SettingsError for a file that cannot be read or told (see `couplings_file.read_couplings`).
        """
        found = read_couplings(
            load(path, sheet), self.snapshot, self.ledger.couplings(), self.catalogue,
            kind=kind or "", columns=columns, dry_run=dry_run,
        )  # fmt: skip
        if not dry_run:
            for name, pairs in found.pairs().items():
                self.confirm(name, pairs, note=f"taken over from {Path(path).name}")
        return found

    def create(self, kind: str, records: Pairs | None = None, *, side: str = "bc", note: str = "") -> int:
        """Decide that records have no partner and one is to be made on the other side; return how many.

        ``records`` are pairs with one id blank; None takes every record of ``side`` for which the kept
        proposals found nothing (see `Proposals.perhaps_new`). Raises LedgerError for a kind that the kit does not
        write.
        """
        if held := self.catalogue[kind].held:
            raise LedgerError(f"No records of kind {kind} can be made: {held}.", "Couple what is on both sides.")
        if records is None:
            rows = self.proposals(kind).perhaps_new(side)
            known = set(self.ledger.creates(kind)[f"{side}_id"])
            chosen = [Pair(**{f"{side}_id": r}, band="nothing found") for r in rows[f"{side}_id"] if r not in known]
        else:
            chosen = self._known(kind, records)
        return self._decide("create", kind, chosen, note)

    def reject(self, kind: str, pairs: Pairs, *, note: str = "") -> int:
        """Say that ``pairs`` do not belong together; they stay away until a compared value changes."""
        return self._decide("reject", kind, self._proposed(kind, pairs), note)

    def defer(self, kind: str, pairs: Pairs, *, note: str = "") -> int:
        """Put ``pairs`` off."""
        return self._decide("defer", kind, self._proposed(kind, pairs), note)

    def uncouple(self, kind: str, pairs: Pairs, *, note: str = "") -> int:
        """End the couplings of ``pairs``; the data on both sides stay as they are. Return how many ended.

        With a customer or vendor go the contacts whose account it is, and with an order its lines, as far as the
        latest snapshot shows; it is one act, and one undo brings all of it back.
        """
        ended = [p if isinstance(p, Pair) else Pair(*p) for p in pairs]
        also: dict[str, list[Pair]] = {}
        if self.folder.latest_snapshot_id():
            also = coupling_acts.children(self.snapshot, self.catalogue, self.ledger, kind, ended)
        return self._decide("uncouple", kind, ended, note, also=also) + sum(map(len, also.values()))

    def review(self, kind: str, **conditions: Any) -> Review:
        """A widget to look through the proposals of ``kind`` (notebooks only), those in doubt first.

        ``conditions`` narrow it down: ``bands``, ``reason``, ``place``, ``text``, ``state``, ``order``.
        """
        from d365kit.widgets.review import Review

        return Review(self, kind, **conditions)

    def sample(self, kind: str, count: int = 30) -> Sample:
        """A blind random sample of ``count`` pairs (notebooks only): decide without scores, then see what each
        threshold is worth. The sample follows from the snapshot; what you answer is in the ledger.
        """
        from d365kit.widgets.review import Sample

        return Sample(self, kind, count)

    def decisions(self, *, kind: str | None = None, last: int | None = None) -> pd.DataFrame:
        """The ledger's lines, oldest first: position, at (UTC), by, verdict, kind, ids, band, note."""
        lines = [d.to_dict() for d in self.ledger.decisions(kind, last=last)]
        columns = ["position", "at", "by", "verdict", "kind", "bc_id", "dv_id", "band", "note"]
        return pd.DataFrame(lines, columns=columns)

    def couplings(self, kind: str | None = None) -> pd.DataFrame:
        return self.ledger.couplings(kind)

    def warm_up(self) -> None:
        """Import what `check` stands on, which takes seconds; may be called in a thread beforehand."""
        check.warm_up()

    def check(self, suites: Sequence[str] | None = None) -> Findings:
        """Run the workspace's own suites over the latest snapshot (see `check.findings`)."""
        with self._bars() as bars:
            findings = check.findings(
                self.snapshot, self.ledger, self.folder.expectations, suites=suites, catalogue=self.catalogue,
                progress=bars,
            )  # fmt: skip
        if suites is None:
            self.folder.save_findings(findings)
        return findings

    def findings(self) -> Findings:
        """The findings of the last complete check if they still hold, else those of a new one."""
        kept = self.folder.load_findings()
        current = kept and kept.snapshot_id == self.snapshot.id and kept.ledger_position == self.ledger.position
        return kept if kept and current else self.check()

    def plan(self, kinds: Sequence[str] | None = None) -> Plan:
        """Plan what would be written and keep it as the latest plan (see `plan.make`)."""
        for kind in kinds or ():
            self.catalogue[kind]
        plan = planning.make(
            self.snapshot, self.ledger, self.findings(), kinds=kinds, strategy=self.settings.strategy,
            catalogue=self.catalogue,
        )  # fmt: skip
        self.folder.save_plan(plan)
        return plan

    def apply(self, plan: Plan | None = None, *, limits: Limits | None = None) -> Run:
        """Write what ``plan`` (default: the latest) says (see `apply.apply`)."""
        plan = plan or self.folder.load_plan()
        bc, dv = self.services
        with self.folder.lock(), self._bars() as bars:
            return applying.apply(
                plan, self.snapshot, bc, dv, self.ledger, by=self.by, now=self._now,
                limits=limits or self.settings.limits, catalogue=self.catalogue, progress=bars,
            )  # fmt: skip

    def report(self, path: str | Path | None = None, *, last_run: Run | None = None) -> Report:
        """Write one self-contained HTML page about the workspace (and its data as JSON) and return it."""
        findings = self.findings()
        proposals = {k: p for k in self.catalogue.names if (p := self.folder.load_proposals(k)) is not None}
        report = reporting.build(
            snapshot=self.snapshot, proposals=proposals, couplings=self.ledger.couplings(),
            decisions=self.ledger.decisions(last=200), findings=findings, plan=self.plan(), run=last_run,
            catalogue=self.catalogue, workspace_name=self.settings.name, made_at=self._now(), version=__version__,
            previous=self.folder.last_report(),
        )  # fmt: skip
        report.save(self.folder.reports / "latest.html")
        if path is not None:
            report.save(Path(path))
        return report

    # --- helpers ---

    def _bars(self) -> Bars:
        return Bars(shown=self._progress)

    def _decide(self, verdict: str, kind: str, pairs: Sequence[Pair], note: str, **more: object) -> int:
        self.catalogue[kind]
        if not pairs:
            return 0
        with self.folder.lock():
            getattr(self.ledger, verdict)(kind, pairs, by=self.by, at=self._now(), note=note, **more)
        log.info("%s %s: %d", verdict, kind, len(pairs))
        return len(pairs)

    def _of_band(self, kind: str, band: str | None) -> list[Pair]:
        if band is None:
            raise SettingsError("Neither pairs nor a band is given.", "Give a band, such as certain, or pairs.")
        if band not in ("certain", "likely", "unsure"):
            raise SettingsError(f"There is no band “{band}”.", "The bands are certain, likely and unsure.")
        coupled = self.ledger.couplings(kind)
        taken = set(coupled["bc_id"]) | set(coupled["dv_id"])
        return [p for p in self.proposals(kind).pairs(band) if p.bc_id not in taken and p.dv_id not in taken]

    def _known(self, kind: str, pairs: Pairs) -> list[Pair]:
        """``pairs`` with their ids as the snapshot writes them: GUIDs small, keys of pages and files as they are.

        What is a `Pair` already comes from the snapshot and stays as it is.
        """
        pairs = list(pairs)
        if all(isinstance(p, Pair) for p in pairs):
            return [p for p in pairs if isinstance(p, Pair)]
        sides = self.snapshot[self.catalogue[kind].name]
        known = {s: {str(i).casefold(): str(i) for i in sides.everything(s)["id"]} for s in SIDES}
        chosen = []
        for pair in pairs:
            if isinstance(pair, Pair):
                chosen.append(pair)
                continue
            ids = []
            for side, record in zip(SIDES, pair, strict=True):
                if record and record.casefold() not in known[side]:
                    raise UnknownRecord(
                        f"The snapshot has no {kind} {record} in {SIDE_NAMES[side]}.",
                        "Give Business Central's id first, then that of Sales, as the proposals have them (bc_id, "
                        "dv_id); a record made since then needs another pull.",
                    )
                ids.append(known[side].get(record.casefold(), ""))
            chosen.append(Pair(ids[0], ids[1]))
        return chosen

    def _proposed(self, kind: str, pairs: Pairs) -> list[Pair]:
        """``pairs`` with the score and fingerprint they were proposed or asked about with, where they were."""
        pairs = list(pairs)
        if all(isinstance(p, Pair) for p in pairs):
            return [p for p in pairs if isinstance(p, Pair)]
        kept = self.folder.load_proposals(kind)
        frames = [self._asked.get(kind), None if kept is None else kept.frame]
        known = self._known(kind, pairs)
        # A million pairs may be kept and one asked for: only rows of its records are looked at.
        bc, dv = {p.bc_id for p in known}, {p.dv_id for p in known}
        rows = {
            (r.bc_id, r.dv_id): r
            for frame in frames if frame is not None
            for r in frame[frame["bc_id"].isin(bc) & frame["dv_id"].isin(dv)].itertuples()
        }  # fmt: skip
        chosen = []
        for pair in known:
            row = rows.get((pair.bc_id, pair.dv_id))
            chosen.append(
                Pair(pair.bc_id, pair.dv_id, float(row.score), str(row.band), [], str(row.fingerprint or ""))
                if row is not None else pair
            )  # fmt: skip
        return chosen

    def __repr__(self) -> str:
        return f"Workspace({str(self.folder.path)!r}, {self.settings.name!r})"
