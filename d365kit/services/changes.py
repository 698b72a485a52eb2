"""An earlier table and what changed since → the table now: reading again without reading it all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from d365kit.services.keys import KEY_COLUMN
from d365kit.services.paging import once_each


@dataclass(frozen=True)
class Changes:
    """What changed in a table since ``mark`` was given, or all of it when ``whole``.

    ``deleted`` holds ids of rows that are gone. ``mark`` is opaque: hand it in next time.
    """

    table: pa.Table
    mark: str
    whole: bool
    asked_at: datetime
    deleted: frozenset[str] = field(default_factory=frozenset)
    pages: int = 1

    def applied_to(self, earlier: pa.Table | None) -> pa.Table:
        """Return the table now: ``earlier`` without what is gone, each changed row replaced by its newer self.

        An id that was never there (created and deleted in between) is no harm. Columns are those of the change.
        """
        if self.whole or earlier is None:
            return self.table
        gone = [*self.deleted, *self.table.column(KEY_COLUMN).to_pylist()]
        kept = earlier.filter(pc.invert(pc.is_in(earlier.column(KEY_COLUMN), pa.array(gone, pa.string()))))
        return once_each(pa.concat_tables([kept.select(self.table.column_names), self.table]))
