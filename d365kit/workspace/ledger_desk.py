"""What a workspace does with its ledger beyond deciding on pairs: move, retry, undo, and exchange by file."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from d365kit.errors import LedgerError, SettingsError
from d365kit.kinds import Catalogue
from d365kit.ledger import Ledger
from d365kit.ledger.taking import Taken
from d365kit.nouns import Decision, Pair
from d365kit.workspace.folder import Folder

log = logging.getLogger(__name__)

Pairs = Iterable[tuple[str, str]]
_SQLITE = b"SQLite format 3\0"


class LedgerDesk:
    """The part of `Workspace` that needs the ledger and little else."""

    folder: Folder
    catalogue: Catalogue
    _now: Callable[[], datetime]

    @property
    def by(self) -> str:
        raise NotImplementedError

    @property
    def ledger(self) -> Ledger:
        raise NotImplementedError

    def _known(self, kind: str, pairs: Pairs) -> list[Pair]:
        raise NotImplementedError

    def _decide(self, verdict: str, kind: str, pairs: Sequence[Pair], note: str, **more: object) -> int:
        raise NotImplementedError

    def move(self, kind: str, pairs: Pairs, *, note: str = "", first: str = "") -> int:
        """Couple ``pairs`` in place of the coupling that one of the two records has now; return how many.

        The values both sides agreed on are forgotten, as with any new coupling. Raises AlreadyCoupled when both
        records have other partners, UnknownRecord when neither is coupled or the snapshot does not hold one.
        """
        return self._decide("move", kind, self._known(kind, pairs), note, first=first)

    def skipped(self, kind: str | None = None) -> pd.DataFrame:
        """The pairs that plans leave alone, because the same error came twice running (see `Ledger.skipped`)."""
        return self.ledger.skipped(kind)

    def retry(self, kind: str, pairs: Pairs | None = None, *, note: str = "") -> int:
        """Let the next plan try skipped pairs again, all of ``kind`` or those given; return how many.

        Raises UnknownRecord when a pair is not skipped.
        """
        self.catalogue[kind]
        wanted = None if pairs is None else [Pair(b, d) for b, d in pairs]
        with self.folder.lock():
            batch = self.ledger.retry(kind, wanted, by=self.by, at=self._now(), note=note)
            return len(self.ledger.decisions(batch=batch)) if batch else 0

    def undo(self, batch: int | None = None) -> list[Decision]:
        """Take back the last act, or the batch of this number, whole, and return its lines.

        Raises NothingToUndo; LedgerError when later acts on the same records stand in the way, or when it is a run of
        `apply`: its couplings belong to records that it made, and forgetting them would make the same records a
        second time.
        """
        with self.folder.lock():
            return self.ledger.undo(by=self.by, at=self._now(), batch=batch, of_runs=False)

    def export_ledger(self, path: str | Path) -> int:
        """Write all that stands in the ledger to ``path``, a line of JSON a decision; return how many.

        The file is whole or as it was before. Raises SettingsError when it cannot be written.
        """
        target = Path(path)
        if _is_database(target):
            raise SettingsError(f"{target} is a database; it would be overwritten.", "Name another file.")
        lines = self.ledger.export_lines()
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
        try:
            unfinished.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")
            os.replace(unfinished, target)
        except OSError as problem:
            unfinished.unlink(missing_ok=True)
            raise SettingsError(
                f"{target} cannot be written: {problem.strerror}.", "Choose another place for the file."
            ) from problem
        return len(lines)

    def import_ledger(self, path: str | Path, *, dry_run: bool = False) -> Taken:
        """Take the decisions of an exported file that are not in the ledger yet, as one act; say what became of each.

        With ``dry_run`` nothing is written, and conflicts are in what is returned. Raises SettingsError when the file
        cannot be read, naming the line; LedgerError when a line contradicts what is here. Then nothing is taken.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as problem:
            raise SettingsError(f"{path} cannot be read: {problem.strerror}.", "Name another file.") from problem
        if dry_run:
            return self.ledger.import_lines(content, kinds=self.catalogue.names, dry_run=True)
        with self.folder.lock():
            taken = self.ledger.import_lines(content, kinds=self.catalogue.names)
        conflicts = taken.conflicts
        if len(conflicts):
            first = conflicts.iloc[0]
            more = f", and {len(conflicts) - 1:,} more lines" if len(conflicts) > 1 else ""
            raise LedgerError(
                f"Line {first['line']} of {Path(path).name} contradicts the ledger{more}: {first['reason']}.",
                "Nothing was taken. Settle it here or in the file; --dry-run (dry_run=True) lists all such lines.",
            )
        log.info("import: %s", taken)
        return taken


def _is_database(path: Path) -> bool:
    """Whether there is an SQLite database at ``path``, such as the ledger itself."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False
