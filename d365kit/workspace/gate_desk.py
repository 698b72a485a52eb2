"""What a workspace says about what is stopped, and what would set it free."""

from __future__ import annotations

import pandas as pd

from d365kit import check
from d365kit.kinds import Catalogue
from d365kit.ledger import Ledger
from d365kit.nouns import Findings, Snapshot, Unlocks


class GateDesk:
    """The part of `Workspace` that carries the gate along references."""

    catalogue: Catalogue

    @property
    def ledger(self) -> Ledger:
        raise NotImplementedError

    @property
    def snapshot(self) -> Snapshot:
        raise NotImplementedError

    def findings(self) -> Findings:
        raise NotImplementedError

    def stopped(self, kind: str | None = None) -> pd.DataFrame:
        """Every record that is stopped, a row for each of its causes, with the chain of references.

        Columns: kind, bc_id, dv_id, name, do, check, root_kind, root_bc_id, root_dv_id, root_name, causes, chain
        (`check.STOPPED_COLUMNS`). Checks anew if the kept findings no longer hold. Raises SettingsError when nothing
        was pulled yet, UnknownKind.
        """
        if kind is not None:
            self.catalogue[kind]
        found = check.gate(self.snapshot, self.ledger, self.findings(), self.catalogue).frame()
        return found if kind is None else found[found["kind"] == kind].reset_index(drop=True)

    def unlocks(self, kind: str | None = None) -> Unlocks:
        """What coupling or fixing one thing would free, by money and then by records (see `check.unlocks`).

        With ``kind`` only records of that kind count as freed. Checks anew if the kept findings no longer hold.
        Raises SettingsError when nothing was pulled yet, UnknownKind.
        """
        if kind is not None:
            self.catalogue[kind]
        made = check.gate(self.snapshot, self.ledger, self.findings(), self.catalogue)
        return check.unlocks(made, self.snapshot, self.ledger.position, kind or "")
