"""What the tests of files share: workbooks and texts as programs and people write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet


def xlsx(path: Path, rows: Iterable[Sequence[object]], *, title: str = "Sheet1", merge: Sequence[str] = ()) -> Path:
    """Write a workbook with one sheet."""
    book = Workbook()
    sheet: Worksheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for area in merge:
        sheet.merge_cells(area)
    book.save(path)
    return path


def csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text file in an encoding."""
    path.write_bytes(text.encode(encoding))
    return path
