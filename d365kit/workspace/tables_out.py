"""A frame → a CSV, Excel or Parquet file that opens without harm: texts stay texts."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.errors import SettingsError
from d365kit.nouns.frames import arrow_of, records

#: What a spreadsheet would take for a formula; telephone numbers and figures are none.
_FORMULA = re.compile(r"[=@\t\r]|[+\-](?![\d\s()/.,+-]*$)")
#: How such a text begins; what does not begin so is none.
_SUSPECT = r"^[=@\t\r+\-]"
#: So many rows become Python's own values at once.
_AT_ONCE = 50_000
#: The rows of a sheet of Excel, the header left out.
_MOST_ROWS = 1_048_575


def check_path(path: Path) -> None:
    """Raise SettingsError for a path that `write` cannot write, before any work is done."""
    if path.suffix.casefold() not in _WRITERS:
        raise SettingsError(f"{path} is of no kind that can be written.", f"Let it end with {', '.join(_WRITERS)}.")
    if not path.resolve().parent.is_dir():
        raise SettingsError(f"There is no folder {path.resolve().parent}.", "Make it, or name another one.")


def write(frame: pd.DataFrame, path: Path, *, keys: Collection[str] = ()) -> Path:
    """Write ``frame`` to ``path`` by its ending (.csv, .xlsx, .parquet), whole or not at all, and return the path.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe before it. Columns of ``keys`` are
    written exactly as they are, for programs to join by; then CSV has no byte order mark either, which programs
    take for a part of the first column's name.
    Raises SettingsError for a path that cannot be written, and for more rows than Excel takes.
    """
    check_path(path)
    ending = path.suffix.casefold()
    if ending == ".xlsx" and len(frame) > _MOST_ROWS:
        raise SettingsError(
            f"{path} would have {len(frame):,} rows; Excel takes {_MOST_ROWS:,}.", "Let it end with .csv or .parquet."
        )
    part = path.with_name(f".{path.name}.part")
    try:
        _WRITERS[ending](frame, part, keys)
        os.replace(part, path)
    except OSError as problem:
        raise SettingsError(
            f"{path} cannot be written: {problem.strerror or problem}.", "Close it elsewhere, or name another file."
        ) from problem
    finally:
        part.unlink(missing_ok=True)
    return path


def _csv(frame: pd.DataFrame, path: Path, keys: Collection[str]) -> None:
    import csv

    # With a byte order mark Excel reads UTF-8 as such.
    with path.open("w", encoding="utf-8" if keys else "utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_harmless(str(c)) for c in frame.columns])
        for start in range(0, len(frame), _AT_ONCE):
            rows = frame.iloc[start : start + _AT_ONCE]
            writer.writerows(zip(*(_cells(rows[c], c in keys) for c in rows.columns), strict=True))


def _cells(column: pd.Series, exact: bool) -> list[object]:
    """The values of a column as CSV has them; texts that are formulas made harmless unless ``exact``."""
    values = arrow_of(column)
    # Most columns of texts hold none that begins like a formula.
    if exact or (pa.types.is_string(values.type) and not pc.any(pc.match_substring_regex(values, _SUSPECT)).as_py()):
        return values.to_pylist()
    return [_harmless(v) for v in values.to_pylist()]


def _harmless(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _xlsx(frame: pd.DataFrame, path: Path, keys: Collection[str]) -> None:
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


def _parquet(frame: pd.DataFrame, path: Path, keys: Collection[str]) -> None:
    frame.to_parquet(path, index=False)


_WRITERS = {".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet}
