"""Bytes of an Excel or OpenDocument workbook → the cells of one sheet, and which of its cells are merged."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from d365kit.errors import SettingsError

Range = tuple[int, int, int, int]


@dataclass(frozen=True)
class Book:
    """One sheet: its name, rows, merged ranges (top, left, bottom, right from 0) and the other sheets with rows."""

    sheet: str
    rows: Sequence[Sequence[object]]
    merged: tuple[Range, ...]
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def read_excel(path: Path, data: bytes, wanted: str) -> Book:
    """Read the sheet called ``wanted``, or the only visible one with rows.

    Numbers come as floats, as Excel holds them. Raises SettingsError for a workbook that is damaged or protected,
    for a sheet it does not have, and for a choice between sheets that nobody made.
    """
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except CalamineError as problem:
        locked = "password" in str(problem).lower() or b"E\0n\0c\0r\0y\0p\0t" in data[:65_536]
        raise SettingsError(
            f"{path} is protected by a password." if locked else f"{path} cannot be read as a workbook ({problem}).",
            "Save it without one." if locked else "Open it in Excel and save it again as .xlsx, or as CSV UTF-8.",
        ) from problem
    names = [s.name for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    visible = {s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible}
    if wanted:
        chosen = next((n for n in names if n.casefold() == wanted.strip().casefold()), "")
        if not chosen:
            raise SettingsError(f"{path.name} has no sheet “{wanted}”.", f"Its sheets are: {', '.join(names)}.")
        return _book(book, chosen, ())
    filled = [n for n in names if n in visible and book.get_sheet_by_name(n).height > 1]
    if not filled:
        raise SettingsError(
            f"{path.name} has no sheet with rows under a header.",
            f"Its sheets are: {', '.join(names) or 'none'}; export it again.",
        )
    if len(filled) > 1:
        raise SettingsError(
            f"{path.name} has several sheets with rows: {', '.join(filled)}.",
            f"Say which one, for example with --sheet “{filled[0]}”.",
        )
    return _book(book, filled[0], tuple(n for n in names if n != filled[0]))


def _book(book: object, name: str, others: tuple[str, ...]) -> Book:
    sheet = book.get_sheet_by_name(name)  # type: ignore[attr-defined]
    rows = sheet.to_python(skip_empty_area=False)
    merged = tuple((top, left, bottom, right) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ())
    return Book(name, rows, merged, (), others)


def column_letters(number: int) -> str:
    """Return how Excel calls the column ``number``, counted from 0.

    >>> column_letters(0), column_letters(26)
    ('A', 'AA')
    """
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cells(area: Range) -> str:
    """Return an area as Excel writes it.

    >>> cells((0, 1, 0, 3))
    'B1:D1'
    """
    top, left, bottom, right = area
    return f"{column_letters(left)}{top + 1}:{column_letters(right)}{bottom + 1}"
