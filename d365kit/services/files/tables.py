"""Sheet → FileTable: the header found, its columns named, and what is no record left out and said so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from d365kit.errors import SettingsError
from d365kit.services.files.excel import Range, cells, column_letters
from d365kit.services.files.sheets import Cell, Origin, Sheet
from d365kit.services.files.words import TOTALS, fold

#: So many rows are looked at for the header, and after it for the width of the table.
_LOOKED_AT = 40
#: A header has a caption for at least this share of the table's columns.
_FILLED = 0.6
_DATA = re.compile(
    r"[({]?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[)}]?|\S+@\S+\.\S+|https?://\S+"
    r"|[-+]?[\d.,'’\s]*\d[-%]?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?|true|false",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FileColumn:
    """One column of a file: its caption (made unique), its letter as Excel has it, and its cells in order."""

    name: str
    letter: str
    cells: tuple[Cell, ...]

    def filled(self) -> list[Cell]:
        """The cells that are not blank."""
        return [cell for cell in self.cells if not blank(cell)]


@dataclass(frozen=True)
class FileTable:
    """The records of one sheet. ``rows`` are the numbers of the file's rows (from 1), one a record."""

    origin: Origin
    columns: tuple[FileColumn, ...]
    rows: tuple[int, ...]
    header: int
    decimal: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> FileColumn:
        """The column called ``name``, or with that letter. Raises SettingsError, naming what there is."""
        wanted = fold(name)
        for found in (
            [c for c in self.columns if c.name == name],
            [c for c in self.columns if fold(c.name) == wanted],
            [c for c in self.columns if c.letter == name.strip()],
        ):
            if found:
                return found[0]
        names = ", ".join(c.name for c in self.columns)
        raise SettingsError(f"{self.origin} has no column “{name}”.", f"Its columns are: {names}.")


def blank(cell: Cell) -> bool:
    """Whether a cell holds nothing, or only blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def read_table(sheet: Sheet, known: Callable[[str], bool] = lambda caption: False) -> FileTable:
    """Find the header of ``sheet`` and return what stands under it.

    ``known`` tells a caption from other text. Title rows above the header, blank rows, a header repeated further
    down, and totals or remarks at the end are left out, and ``notes`` says so. Raises SettingsError when there is
    no header, when header cells are merged so that columns share a caption, and when a row has more cells than
    the header.
    """
    rows = sheet.rows
    at = _header(rows, known, sheet.origin)
    names, first, notes = _captions(sheet, at)
    width = len(names)
    _refuse_long_rows(sheet, first, width)
    keep, more = _records(rows, at, first, width)
    if not keep:
        raise SettingsError(f"{sheet.origin} has a header in row {at + 1} and no rows under it.", "Export it again.")
    kept = set(keep)
    merged = [m for m in sheet.merged if m[0] >= first and m[0] in kept]
    if merged:
        notes.append(f"cells {cells(merged[0])} are merged ({len(merged)} such); only the first has the value")
    short = [i for i in keep if len(rows[i]) < width]
    if short and any(len(rows[i]) == width for i in keep):
        notes.append(f"{len(short):,} rows have fewer cells than the header, the first is row {short[0] + 1}")
    columns = []
    for number, name in enumerate(names):
        found = tuple(rows[i][number] if number < len(rows[i]) else None for i in keep)
        if name or any(not blank(cell) for cell in found):
            columns.append((number, name, found))
    made = _named(columns)
    return FileTable(
        sheet.origin, made, tuple(i + 1 for i in keep), at + 1, sheet.decimal, (*sheet.notes, *notes, *more)
    )


# --- the header ----------------------------------------------------------------------------------------


def _header(rows: Sequence[Sequence[Cell]], known: Callable[[str], bool], origin: Origin) -> int:
    looked_at = [i for i, row in enumerate(rows) if any(not blank(c) for c in row)][:_LOOKED_AT]
    counts = {i: sum(not blank(c) for c in rows[i]) for i in looked_at}
    # One overlong row must not make the whole table look wide.
    usual = sorted(counts.values())[len(counts) * 3 // 4] if counts else 0
    best, most = -1, 0.0
    for i in looked_at:
        filled = [c for c in rows[i] if not blank(c)]
        if len(filled) < _FILLED * usual or not all(_is_caption(c) for c in filled):
            continue
        share = sum(known(str(c)) for c in filled) / len(filled)
        worth = share + (0.3 if best < 0 else 0.0)
        if worth > most:
            best, most = i, worth
    if best < 0:
        first = looked_at[0] if looked_at else 0
        shown = " | ".join(str(c)[:30] for c in rows[first] if not blank(c))[:120] if looked_at else ""
        raise SettingsError(
            f"{origin} has no header: row {first + 1} holds “{shown}”.",
            "Give the columns captions in a row of their own above the records.",
        )
    return best


def _is_caption(cell: Cell) -> bool:
    return isinstance(cell, str) and len(cell) < 200 and not _DATA.fullmatch(cell.strip())


def _captions(sheet: Sheet, at: int) -> tuple[list[str], int, list[str]]:
    """The captions by column, the first row under the header, and what to say about them."""
    rows, origin = sheet.rows, sheet.origin
    names = [_caption(c) for c in rows[at]]
    notes: list[str] = []
    upright = [m for m in sheet.merged if m[0] <= at <= m[2] and m[1] == m[3]]
    lying = [m for m in sheet.merged if m[0] <= at <= m[2] and m[1] < m[3]]
    lying = [m for m in lying if any(names[m[1] : m[3] + 1])]
    for top, left, bottom, _ in upright:
        if top < at and left < len(names):
            names[left] = names[left] or _caption(rows[top][left])
        if bottom > at:
            notes.append(f"the header spans rows {top + 1} to {bottom + 1}")
    first = max([at, *(m[2] for m in upright)]) + 1
    if not lying:
        groups = [m for m in sheet.merged if m[1] < m[3] and m[2] == at - 1 and m[3] - m[1] + 1 < len(names)]
        if groups:
            notes.append(f"the row above the header (row {at}) groups columns")
        return _grouped(names, groups, rows), first, notes
    under = [_caption(c) if _is_caption(c) else "" for c in rows[at + 1]] if at + 1 < len(rows) else []
    under += [""] * (len(names) - len(under))
    for area in lying:
        _, left, bottom, right = area
        if bottom != at or not all(under[left : right + 1]):
            raise _merged(origin, area, names[left])
    spanned = {n for m in lying for n in range(m[1], m[3] + 1)}
    if any(under[n] for n in range(len(names)) if n not in spanned and names[n]):
        raise _merged(origin, lying[0], names[lying[0][1]])
    both = list(names)
    for top, left, _, right in lying:
        for n in range(left, right + 1):
            twice = under.count(under[n]) > 1 or under[n] in names
            both[n] = f"{_caption(rows[top][left])} {under[n]}" if twice else under[n]
    notes.append(f"the header spans rows {at + 1} and {at + 2}")
    return both, at + 2, notes


def _grouped(names: list[str], groups: Sequence[Range], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Captions that come twice, with the caption of their group before them: “Ship-to City”."""
    out = list(names)
    for top, left, _, right in groups:
        for n in range(left, min(right + 1, len(names))):
            if names[n] and names.count(names[n]) > 1:
                out[n] = f"{_caption(rows[top][left])} {names[n]}".strip()
    return out


def _merged(origin: Origin, area: Range, caption: str) -> SettingsError:
    return SettingsError(
        f"{origin}: the header cells {cells(area)} are merged, so {area[3] - area[1] + 1} columns share the caption "
        f"“{caption}”.",
        "Unmerge them in Excel and give every column a caption of its own.",
    )


def _caption(cell: Cell) -> str:
    return "" if blank(cell) else " ".join(str(cell).split())


def _named(columns: Sequence[tuple[int, str, tuple[Cell, ...]]]) -> tuple[FileColumn, ...]:
    """Columns with captions of their own: a second “Name” becomes “Name (column F)”."""
    seen: Counter[str] = Counter()
    made = []
    for number, name, found in columns:
        letter = column_letters(number)
        seen[name] += 1
        unique = f"column {letter}" if not name else name if seen[name] == 1 else f"{name} (column {letter})"
        made.append(FileColumn(unique, letter, found))
    return tuple(made)


# --- the records ---------------------------------------------------------------------------------------


def _refuse_long_rows(sheet: Sheet, first: int, width: int) -> None:
    for i in range(first, len(sheet.rows)):
        extra = [c for c in sheet.rows[i][width:] if not blank(c)]
        if extra:
            raise SettingsError(
                f"{sheet.origin}: row {i + 1} has more cells than the header ({len(sheet.rows[i])} and {width}).",
                "A separator inside a text must stand in quotes; correct that row or export again.",
            )


def _records(rows: Sequence[Sequence[Cell]], at: int, first: int, width: int) -> tuple[list[int], list[str]]:
    """The rows that are records, and what was left out."""
    notes: list[str] = []
    if at > 0 and any(not blank(c) for row in rows[:at] for c in row):
        notes.append(f"the header is row {at + 1}; the rows above it were left out")
    header = [fold(_caption(c)) for c in rows[at]]
    keep = []
    repeated = 0
    for i in range(first, len(rows)):
        row = rows[i]
        if all(blank(c) for c in row):
            continue
        if [fold(_caption(c)) for c in row] == header:
            repeated += 1
            continue
        keep.append(i)
    if repeated:
        notes.append(f"the header stands {repeated} more times among the records; those rows were left out")
    left_out = []
    usual = sorted(sum(not blank(c) for c in rows[i]) for i in keep)[len(keep) // 2] if keep else 0
    while len(keep) > 1 and (why := _no_record(rows[keep[-1]], usual, width)):
        left_out.append(f"row {keep.pop() + 1} {why} and was left out")
    return keep, notes + left_out[::-1]


def _no_record(row: Sequence[Cell], usual: int, width: int) -> str:
    """Why the last row is no record, or ``""``."""
    filled = [c for c in row if not blank(c)]
    text = next((str(c).strip() for c in filled if isinstance(c, str)), "")
    begins = fold(text).split(" ")[0] if text else ""
    if begins in TOTALS and len(filled) <= max(0.7 * usual, 2) and width > 1:
        return f"looks like totals (“{text[:40]}”)"
    if width >= 4 and usual >= 3 and len(filled) == 1 and (len(text) > 25 or ":" in text or "\n" in text):
        return f"looks like a remark (“{' '.join(text.split())[:40]}”)"
    figures = [c for c in filled if isinstance(c, float) or (isinstance(c, str) and re.fullmatch(r"[-\d.,' ]+", c))]
    if blank(row[0]) and len(figures) == len(filled) and len(filled) < 0.5 * usual:
        return "has figures only, like totals,"
    return ""


def text_of(cell: Cell) -> str:
    """A cell as text, the way the file's program shows it: ``10000`` for 10000.0, ISO for dates, ``""`` for blank."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return _plain(cell)
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)


def _plain(number: float) -> str:
    """A number of Excel, which keeps fifteen digits, without an exponent.

    >>> _plain(10000.0), _plain(0.1 + 0.2), _plain(4006381333931.0)
    ('10000', '0.3', '4006381333931')
    """
    from decimal import Decimal

    exact = Decimal(f"{number:.15g}")
    return f"{exact:f}"
