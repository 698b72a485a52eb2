"""File → Sheets: the raw cells of a CSV, Excel or Parquet file, with where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from d365kit.errors import SettingsError
from d365kit.services.files.excel import read_excel
from d365kit.services.files.parquet import read_parquet
from d365kit.services.files.separated import read_separated

#: What a cell can be: text, a number as its exact text in a `Number`, true or false, a date, a time, or None.
Cell = object

_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"


@dataclass(frozen=True)
class Origin:
    """Which file rows came from: path, sheet, size of the file's content (sha256), and its time (UTC).

    ``modified`` is the time at which this computer last saw the file change; no service's clock.
    """

    path: Path
    sheet: str
    sha256: str
    modified: datetime

    def __str__(self) -> str:
        return f"{self.path.name}, sheet “{self.sheet}”" if self.sheet else self.path.name


@dataclass(frozen=True)
class Sheet:
    """One grid of cells as it stands in the file; ``merged`` lists (top, left, bottom, right), counted from 0.

    ``decimal`` is ``,`` or ``.`` where the way the file is written says which is likely, else ``""``.
    """

    origin: Origin
    rows: Sequence[Sequence[Cell]]
    merged: Sequence[tuple[int, int, int, int]] = ()
    decimal: str = ""
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = field(default=())


def read_sheet(path: str | Path, sheet: str = "") -> Sheet:
    """Read one sheet of ``path``: the one named, else the only one that holds rows.

    What a file is shows in its first bytes, whatever its name ends with. Raises SettingsError for a file that is
    missing, empty, protected, not a table at all, or that has several sheets with rows and none was named.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except IsADirectoryError:
        raise SettingsError(f"{path} is a folder.", "Name the file in it that holds the records.") from None
    except OSError as problem:
        raise SettingsError(
            f"The file {path} cannot be read: {problem.strerror or problem}.", "Correct its name or its rights."
        ) from problem
    if not data.strip():
        raise SettingsError(f"The file {path} is empty.", "Export it again.")
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith((_ZIP, _OLE)):
        book = read_excel(path, data, sheet)
        origin = Origin(path, book.sheet, digest, modified)
        return Sheet(origin, book.rows, book.merged, "", book.notes, book.others)
    if sheet:
        raise SettingsError(f"{path.name} has no sheets, so there is no “{sheet}”.", "Leave the sheet out.")
    origin = Origin(path, "", digest, modified)
    if data.startswith(_PARQUET):
        return Sheet(origin, read_parquet(path, data))
    text = read_separated(path, data)
    return Sheet(origin, text.rows, (), text.decimal, text.notes)
