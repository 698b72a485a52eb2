"""A frame → a CSV, Excel or Parquet file that opens without harm: texts stay texts."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd

from d365kit.errors import SettingsError
from d365kit.nouns.frames import records

#: What a spreadsheet would take for a formula; telephone numbers and figures are none.
_FORMULA = re.compile(r"[=@\t\r]|[+\-](?![\d\s()/.,+-]*$)")


def check_path(path: Path) -> None:
    """Raise SettingsError for a path that `write` cannot write, before any work is done."""
    if path.suffix.casefold() not in _WRITERS:
        raise SettingsError(f"{path} is of no kind that can be written.", f"Let it end with {', '.join(_WRITERS)}.")
    if not path.resolve().parent.is_dir():
        raise SettingsError(f"There is no folder {path.resolve().parent}.", "Make it, or name another one.")


def write(frame: pd.DataFrame, path: Path) -> Path:
    """Write ``frame`` to ``path`` by its ending (.csv, .xlsx, .parquet), whole or not at all, and return the path.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    check_path(path)
    part = path.with_name(f".{path.name}.part")
    try:
        _WRITERS[path.suffix.casefold()](frame, part)
        os.replace(part, path)
    except OSError as problem:
        raise SettingsError(
            f"{path} cannot be written: {problem.strerror or problem}.", "Close it elsewhere, or name another file."
        ) from problem
    finally:
        part.unlink(missing_ok=True)
    return path


def _csv(frame: pd.DataFrame, path: Path) -> None:
    import csv

    # With a byte order mark Excel reads UTF-8 as such.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_harmless(str(c)) for c in frame.columns])
        writer.writerows([_harmless(v) for v in row.values()] for row in records(frame))


def _harmless(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _xlsx(frame: pd.DataFrame, path: Path) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("d365kit")
    sheet.freeze_panes = "A2"
    header: dict[str, object] = {str(c): str(c) for c in frame.columns}
    for row in [header, *records(frame)]:
        cells = []
        for value in row.values():
            text = isinstance(value, str)
            cell = WriteOnlyCell(
                sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
            )
            if text:
                cell.data_type = "s"  # “=1+1” is a text here, not a formula
            cells.append(cell)
        sheet.append(cells)
    book.save(path)


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


_WRITERS = {".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet}
