"""A CSV or Parquet file with the kit's own columns → a table of one kind, with nothing guessed.

Arrow reads it column by column: a million rows take seconds. What Arrow refuses is read row by row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from d365kit.errors import SettingsError
from d365kit.kinds import Kind, Side
from d365kit.kinds.model import DECIMAL
from d365kit.services.files.encoding import decode, remarks
from d365kit.services.files.kit_columns import COLUMNS, HEAD, KEY, KNOWN, PARQUET, WIDE_MARKS, Look, field_of
from d365kit.services.files.separated import read_separated, separator_of
from d365kit.services.files.sheets import Origin
from d365kit.services.files.values import NO_NUMBER, Habits, Unreadable, habits_of, read_values

_BLOCK = 1 << 24
_LARGEST_BLOCK = (1 << 31) - 1
#: Longer than this is no id.
_LONGEST_ID = 1_000
#: So many ids or cells are named when something is wrong with them.
_NAMED = 3
#: Numbers in the form that Arrow reads by itself, once their groups are one; a zero begins no group.
_NUMBERS = r"^-?(\d{{1,20}}|[1-9]\d{{0,2}}([{group}]\d{{3}}){{1,6}})([{sign}]\d{{1,12}})?$"
#: Those of them that can be read in one way only: both signs, several groups, or no three digits behind the sign.
_SURE = r"[{group}].*[{sign}]|[{group}].*[{group}]|[{sign}](\d{{1,2}}|\d{{4,}})$"
#: So many different numbers tell how a file writes.
_EXAMINED = 5_000
_LARGEST = 1e20
_WHY = "the kit's own name"
#: The row of the file that a record stands in, while it is on its way.
_ROW = "@row"

_Columns = dict[str, pa.ChunkedArray]
#: Columns by name, the numbers of their rows, the decimal sign that is likely, and remarks.
_Read = tuple[_Columns, pa.ChunkedArray, str, tuple[str, ...]]


@dataclass(frozen=True)
class KitTable:
    """The records of one file, in the order of their ids and in the columns of ``Kind.schema``.

    ``rows`` are the numbers of the file's rows (from 1, the header counted). ``used`` says column → field, ``blank``
    names columns without any value, ``unused`` those of other names.
    """

    origin: Origin
    kind: str
    side: Side
    table: pa.Table
    rows: pa.ChunkedArray
    used: Mapping[str, str]
    blank: tuple[str, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        columns = [{"column": c, "fields": [f], "sure": 1.0, "why": _WHY} for c, f in self.used.items()]
        return {
            "file": str(self.origin), "kind": self.kind, "side": self.side, "rows": self.table.num_rows,
            "columns": columns, "blank": list(self.blank), "unused": list(self.unused),
        }  # fmt: skip

    def __str__(self) -> str:
        read = ", ".join(c for c in self.used if c not in self.blank)
        lines = [
            f"{self.origin}: {self.table.num_rows:,} rows, read as {self.kind} by the kit's own column names",
            f"  read: {read}",
        ]
        lines += [f"  blank throughout: {', '.join(self.blank)}"] if self.blank else []
        lines += [f"  not used: {', '.join(self.unused)}"] if self.unused else []
        return "\n".join(lines)


def read_kit(found: Look, kind: Kind, side: Side, habits: Habits = Habits()) -> KitTable:  # noqa: B008 - frozen
    """The records of the file in the columns of ``kind``, ids as they stand there, in the order of the ids.

    Raises SettingsError for a file that is damaged or has no rows, for a name that two columns have, and for ids
    that are blank or stand twice.
    """
    _refuse_same_names(found)
    data = found.path.read_bytes()
    origin = Origin(
        found.path, "", hashlib.sha256(data).hexdigest(), datetime.fromtimestamp(found.path.stat().st_mtime, UTC)
    )
    try:
        raw = (_parquet if data.startswith(PARQUET) else _separated)(found, data)
        del data
        return _kit_table(found, origin, kind, side, raw, habits)
    except pa.ArrowException as problem:
        raise SettingsError(
            f"{origin} cannot be read as a table ({str(problem).splitlines()[0][:200]}).", "Write the file again."
        ) from problem


def _refuse_same_names(found: Look) -> None:
    twice = sorted({n for n in found.folded if found.folded.count(n) > 1 and n in KNOWN})
    if twice:
        raise SettingsError(
            f"{found.path.name} has several columns called “{twice[0]}”.", "Give each a name of its own."
        )


def _parquet(found: Look, data: bytes) -> _Read:
    try:
        wanted = {f: n for n, f in zip(found.names, found.folded, strict=True) if f in KNOWN}
        table = pq.read_table(pa.BufferReader(data), columns=list(wanted.values()))
        table.validate(full=True)
    except (OSError, pa.ArrowException) as problem:
        raise SettingsError(
            f"{found.path} is no whole Parquet file ({str(problem).splitlines()[0][:200]}).", "Write it again."
        ) from problem
    columns = {f: table.column(n) for f, n in wanted.items()}
    return columns, _counted(table.num_rows), "", ()


def _separated(found: Look, data: bytes) -> _Read:
    """A text with separators; by Arrow when it is whole, else row by row, which bears more."""
    notes: tuple[str, ...] | None = None
    whole = _whole(found, data)
    if whole is None and not _is_utf8(data):
        text, notes = decode(found.path, data)
        whole = _whole(found, text.encode())
    if whole is None:
        return _by_row(found, data)
    table, separator = whole
    columns = {f: table.column(f) for f in table.column_names}
    said = remarks(data) if notes is None else notes
    return columns, _counted(table.num_rows), "," if separator == ";" else "", said


def _is_utf8(data: bytes) -> bool:
    try:
        return bool(data.decode("utf-8")) and b"\0" not in data[:4096]
    except UnicodeDecodeError:
        return False


def _whole(found: Look, data: bytes) -> tuple[pa.Table, str] | None:
    """The columns by Arrow and the separator; None for what Arrow would not read as people mean it."""
    text = data[:HEAD].decode("utf-8-sig", "replace")
    odd = data.startswith(WIDE_MARKS) or b"\0" in data[:4096] or text[:1] in "\r\n" or text[:4].casefold() == "sep="
    # Quotes come in pairs; where they do not, one is open, or is no quote.
    if odd or data.count(b'"') % 2:
        return None
    separator = separator_of(text)
    table = _by_arrow(found, data, separator)
    return None if table is None else (table, separator)


def _by_arrow(found: Look, data: bytes, separator: str) -> pa.Table | None:
    """The columns of ours as texts; None when the text is not UTF-8 or a row is not as long as the header."""
    names = [f if f in KNOWN else f"@{i}" for i, f in enumerate(found.folded)]
    wanted = [n for n in names if n in KNOWN]
    convert = pcsv.ConvertOptions(
        column_types=dict.fromkeys(wanted, pa.string()), null_values=[], include_columns=wanted
    )
    parse = pcsv.ParseOptions(delimiter=separator, newlines_in_values=True)
    # A row must fit in a block; one that does not is met with a block for the whole file.
    for block in dict.fromkeys((_BLOCK, min(max(len(data) + 1, _BLOCK), _LARGEST_BLOCK))):
        reading = pcsv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=block)
        try:
            return pcsv.read_csv(pa.BufferReader(data), reading, parse, convert)
        except pa.ArrowInvalid as problem:
            if "straddling" not in str(problem):
                return None
    return None


def _by_row(found: Look, data: bytes) -> _Read:
    text = read_separated(found.path, data)
    filled = [(i + 1, row) for i, row in enumerate(text.rows) if any(cell.strip() for cell in row)]
    width = len(found.names)
    for number, row in filled:
        if any(cell.strip() for cell in row[width:]):
            raise SettingsError(
                f"{found.path.name}: row {number} has more cells than the header ({len(row)} and {width}).",
                "A separator inside a text must stand in quotes; correct that row or export again.",
            )
    records = filled[1:]
    short = [number for number, row in records if len(row) < width]
    notes = text.notes
    if short:
        notes += (f"{len(short):,} rows have fewer cells than the header, the first is row {short[0]}",)
    columns = {
        f: pa.chunked_array([pa.array([row[i] if i < len(row) else "" for _, row in records], pa.string())])
        for i, f in enumerate(found.folded)
    }
    rows = pa.chunked_array([pa.array([number for number, _ in records], pa.int64())])
    return columns, rows, text.decimal, notes


def _counted(rows: int) -> pa.ChunkedArray:
    """The numbers of the rows under a header in row 1."""
    return pa.chunked_array([pa.array(np.arange(2, rows + 2), pa.int64())])


# --- columns ---------------------------------------------------------------------------------------------


def _kit_table(found: Look, origin: Origin, kind: Kind, side: Side, raw: _Read, habits: Habits) -> KitTable:
    columns, rows, likely, notes = raw
    columns, rows = _without_blank_rows(columns, rows, found.path)
    fields = {c: f for c, f in COLUMNS[kind.name].items() if c in columns}
    ids = _as_text(columns.pop(KEY), found.path, KEY)
    if not len(ids):
        raise SettingsError(f"{origin} has a header and no rows under it.", "Export it again.")
    _refuse_bad_ids(ids, rows, origin)
    order = pc.sort_indices(ids)
    ids, rows = ids.take(order), rows.take(order)
    _refuse_twice(ids, rows, origin)
    made: _Columns = {}
    amounts: _Columns = {}
    for c, f in fields.items():
        # One after the other, and let go: of a large file there is room for one copy.
        if kind.schema.field(f).type == DECIMAL:
            amounts[c] = columns.pop(c).take(order)
        else:
            made[f] = _cleaned(_as_text(columns.pop(c), found.path, c)).take(order)
    read, said = _amounts(amounts, found.path, rows, habits, likely)
    made |= {fields[c]: values for c, values in read.items()}
    blank = tuple(c for c, f in fields.items() if made[f].null_count == len(ids))
    if kind.name == "contact":
        _name_of_parts(made)
    unused = tuple(n for n, f in zip(found.names, found.folded, strict=True) if f != KEY and f not in fields)
    return KitTable(
        origin, kind.name, side, _in_schema(kind, {"id": ids, **made}), rows,
        {KEY: "id", **{c: field_of(f) for c, f in fields.items()}}, blank, unused, (*notes, *said),
    )  # fmt: skip


def _without_blank_rows(columns: _Columns, rows: pa.ChunkedArray, path: Path) -> tuple[_Columns, pa.ChunkedArray]:
    """The rows that hold anything at all, in a column of ours."""
    keep = pc.is_valid(_cleaned(_as_text(columns[KEY], path, KEY)))
    if pc.all(keep).as_py() is not False:
        return columns, rows
    for name, column in columns.items():
        keep = pc.or_(keep, pc.is_valid(_cleaned(_as_text(column, path, name))))
    return {name: column.filter(keep) for name, column in columns.items()}, rows.filter(keep)


def _in_schema(kind: Kind, made: _Columns) -> pa.Table:
    """The columns of ``kind.schema``; those that the file lacks are missing throughout, and share their nothing."""
    count = len(made["id"])
    nothing = {t: pa.nulls(count, t) for t in {f.type for f in kind.schema}}
    return pa.Table.from_arrays([made.get(f.name, nothing[f.type]) for f in kind.schema], schema=kind.schema)


def _as_text(column: pa.ChunkedArray, path: Path, name: str) -> pa.ChunkedArray:
    """A column as texts, the way a CSV file would hold them: 10000 for 10000.0, ISO for dates.

    Raises SettingsError for lists and other values that are no single text.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type), path, name)
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        whole = pc.and_(pc.equal(column, pc.round(column)), pc.less(pc.abs(column), 2.0**53))
        numbers = pc.if_else(whole, column, pa.scalar(0).cast(kind)).cast(pa.int64())
        return pc.if_else(whole, numbers.cast(pa.string()), column.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        days = column.cast(pa.date32(), safe=False)
        if pc.all(pc.equal(days.cast(kind), column)).as_py() is not False:
            return days.cast(pa.string())
    try:
        return column.cast(pa.string())
    except pa.ArrowException as problem:
        raise SettingsError(
            f"{path.name}: column “{name}” holds {kind}, which is no text, number or date.",
            "Write it as text, or leave the column out.",
        ) from problem


def _cleaned(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without outer blanks; blank texts become missing."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _name_of_parts(made: _Columns) -> None:
    """A contact without a name is called by its given name and surname."""
    # Arrow would leave out rows that have neither, were it to skip what is missing.
    parts = [pc.fill_null(made[f], "") for f in ("given_name", "surname") if f in made]
    if parts:
        joined = _cleaned(pc.binary_join_element_wise(*parts, " "))
        made["name"] = pc.coalesce(made["name"], joined) if "name" in made else joined


def _amounts(
    columns: _Columns, path: Path, rows: pa.ChunkedArray, given: Habits, likely: str
) -> tuple[_Columns, tuple[str, ...]]:
    """Amounts as decimals: numbers as they are, texts by the habit of the whole column, as `values` decides it."""
    texts, out = {}, {}
    for name, column in columns.items():
        numeric = pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)
        if numeric or pa.types.is_floating(column.type):
            small = pc.fill_null(pc.less(pc.abs(column.cast(pa.float64(), safe=False)), _LARGEST), False)
            kept = pc.if_else(small, column, pa.scalar(None, column.type))
            out[name] = kept.cast(DECIMAL, safe=not pa.types.is_decimal(column.type))
        else:
            texts[name] = _cleaned(_as_text(column, path, name))
    notes: list[str] = []
    signs = {name: _sure_sign(column, given) for name, column in texts.items()}
    if not all(signs.values()):
        given = habits_of([pc.unique(c).slice(0, _EXAMINED).to_pylist() for c in texts.values()], given, likely)
    for name, column in texts.items():
        sign = signs[name]
        out[name] = _plain(column, sign) if sign else _by_value(column, path, name, rows, given, notes)
    return {name: out[name] for name in columns}, tuple(notes)


def _sure_sign(column: pa.ChunkedArray, given: Habits) -> str:
    """The decimal sign by which all numbers can be read, and which they leave no doubt about; else ``""``."""
    for sign, group in ((".", ","), (",", ".")):
        if given.decimal in ("", sign):
            fits = pc.all(pc.match_substring_regex(column, _NUMBERS.format(sign=sign, group=group))).as_py()
            if fits is not False and not _doubtful(column, sign, group):
                return sign
    return ""


def _doubtful(column: pa.ChunkedArray, sign: str, group: str) -> bool:
    """Whether there are signs in the numbers, and none of them could only be read in one way."""
    if pc.any(pc.match_substring_regex(column, _SURE.format(sign=sign, group=group))).as_py():
        return False
    return bool(pc.any(pc.match_substring_regex(column, "[.,]")).as_py())


def _plain(column: pa.ChunkedArray, sign: str) -> pa.ChunkedArray:
    group = "," if sign == "." else "."
    bare = pc.replace_substring(column, group, "")
    return (bare if sign == "." else pc.replace_substring(bare, sign, ".")).cast(DECIMAL)


def _by_value(
    column: pa.ChunkedArray, path: Path, name: str, rows: pa.ChunkedArray, habits: Habits, notes: list[str]
) -> pa.ChunkedArray:
    """Each different text read once; what is no number counts as blank, and is named."""
    different = pc.unique(column).drop_null()
    cells: list[str | None] = different.to_pylist()
    bad: list[str] = []
    try:
        try:
            found = read_values(cells, "amount", habits)
        except Unreadable as problem:
            if problem.why != NO_NUMBER:
                raise
            bad = [str(cells[i]) for i, _ in problem.cells]
            strange = set(bad)
            cells = [None if cell in strange else cell for cell in cells]
            found = read_values(cells, "amount", habits)
        values = pa.array(found.values, DECIMAL)
    except Unreadable as problem:
        raise SettingsError(
            f"{path.name}, column “{name}”: {problem.why}.",
            f"Write all of them alike, or leave the column out with --column “{name}=-”.",
        ) from problem
    except pa.ArrowInvalid as problem:
        raise SettingsError(
            f"{path.name}, column “{name}”: a number has more digits than can be kept ({problem}).",
            f"Correct it, or leave the column out with --column “{name}=-”.",
        ) from problem
    notes += [f"column “{name}”: {note}" for note in found.notes]
    if bad:
        at = rows.filter(pc.is_in(column, value_set=pa.array(bad, pa.string())))
        shown = ", ".join(f"“{text[:40]}”" for text in bad[:_NAMED])
        notes.append(
            f"column “{name}”: {len(at):,} cells are no number and count as blank ({shown}; the first is row {at[0]})"
        )
    return values.take(pc.index_in(column, value_set=different))


# --- ids -------------------------------------------------------------------------------------------------


def _refuse_bad_ids(ids: pa.ChunkedArray, rows: pa.ChunkedArray, origin: Origin) -> None:
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(ids), ""), True)
    if pc.any(blank).as_py():
        at = rows.filter(blank)
        raise SettingsError(
            f"{origin}: column “{KEY}” is blank in {len(at):,} rows, the first is row {at[0]}.",
            "Fill it in or take those rows out; by it the records are known.",
        )
    long = pc.greater(pc.utf8_length(ids), _LONGEST_ID)
    if pc.any(long).as_py():
        raise SettingsError(
            f"{origin}: the id in row {rows.filter(long)[0]} has more than {_LONGEST_ID:,} characters.",
            "Look whether a quote before it was never closed, or give the records shorter ids.",
        )


def _refuse_twice(ids: pa.ChunkedArray, rows: pa.ChunkedArray, origin: Origin) -> None:
    """Raise SettingsError, naming them, for ids that stand twice; they come in their order."""
    same = pc.equal(ids.slice(1), ids.slice(0, len(ids) - 1))
    if not pc.any(same).as_py():
        return
    twice = pc.unique(ids.slice(1).filter(same))
    first = twice[0].as_py()
    where = sorted(rows.filter(pc.equal(ids, first)).to_pylist())
    shown = ", ".join(f"“{i}”" for i in twice.slice(1, _NAMED).to_pylist())
    more = f" and {len(twice) - 1 - _NAMED:,} more" if len(twice) - 1 > _NAMED else ""
    also = f"; so do {shown}{more}" if shown else ""
    raise SettingsError(
        f"{origin}: the id “{first}” stands in rows {where[0]} and {where[1]}{also}.",
        "An id is of one record alone: take the others out, or give them ids of their own.",
    )
