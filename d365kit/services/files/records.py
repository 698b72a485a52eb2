"""Guess → records: an Arrow table with the kind's own columns, and the id by which each row is known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import LCY_ID, Field, Kind
from d365kit.kinds.model import ARROW_TYPES
from d365kit.services.files.captions import CHECKSUM, ID, MODIFIED_ON, choices_of
from d365kit.services.files.guess import Guess
from d365kit.services.files.looks import GUID
from d365kit.services.files.tables import Cell, FileColumn, FileTable, blank, text_of
from d365kit.services.files.values import Habits, Unreadable, habits_of, read_values
from d365kit.services.files.words import fold

#: So many cells are named when a column cannot be read.
_NAMED = 3


@dataclass(frozen=True)
class Records:
    """The rows of one file as records of a kind.

    ``table`` has ``id``, ``etag``, ``modified_on`` and a column for each field that the file has, references as
    ``<field>_label`` where the file names them and as ``<field>`` where it has their ids. ``unread`` are the
    fields the file does not have; ``notes`` say how doubtful things were read.
    """

    table: pa.Table
    unread: tuple[str, ...]
    notes: tuple[str, ...]


def records_of(made: Guess, kind: Kind, given: Habits = Habits(), local: bool = False) -> Records:  # noqa: B008
    """Read the columns of ``made`` as what they were taken for.

    With ``local`` a blank currency of BC becomes the id of the local currency's row, for where currencies are read.
    Raises SettingsError, naming file, column, row and cell, for a cell that cannot be what its field holds, and for
    two rows with the same id.
    """
    table = made.table
    habits = habits_of((c.cells for c in table.columns), given, table.decimal)
    notes: list[str] = []
    ids, said = _ids(made, kind)
    notes += [said] if said else []
    columns: dict[str, pa.Array] = {"id": pa.array(ids, pa.string()), "etag": pa.array(_versions(made), pa.string())}
    moments = made.column_of(MODIFIED_ON)
    if moments is not None:
        columns["modified_on"] = _read(table, moments.name, moments.cells, "datetime", habits, notes)
    unread = []
    for f in kind.fields:
        label = made.column_of(f.label_column) if f.is_reference else None
        column = made.column_of(f.name)
        if column is None and label is None:
            unread.append(f.name)
            continue
        if label is not None:
            columns[f.label_column] = pa.array([text_of(c) or None for c in label.cells], pa.string())
        if column is not None and f.is_reference:
            columns[f.name] = pa.array([_guid(text_of(c)) for c in column.cells], pa.string())
        elif column is not None:
            columns[f.name] = _field(table, column.name, column.cells, kind, f, made.side, habits, notes)
        if local and made.side == "bc" and "currency" in f.refers_to:
            _blank_is_local(columns, f)
    return Records(pa.table(columns), tuple(unread), tuple(notes))


def _field(
    table: FileTable,
    name: str,
    cells: Sequence[Cell],
    kind: Kind,
    f: Field,
    side: str,
    habits: Habits,
    notes: list[str],
) -> pa.Array:
    words = choices_of(kind.name, f.name) if f.type in ("integer", "boolean", "choice") else {}
    if words:
        cells, strange = _translated(cells, words, f)
        if strange:
            shown = ", ".join(f"“{s}”" for s in strange[:_NAMED])
            notes.append(f"column “{name}”: {shown} is no {f.title} that d365kit knows and was left blank")
    values = _read(table, name, cells, f.type, habits, notes)
    if f.type == "code" and side == "bc":
        return pa.array([None if v is None else v.upper() for v in values.to_pylist()], pa.string())
    return values


def _translated(cells: Sequence[Cell], words: Mapping[str, object], f: Field) -> tuple[list[Cell], list[str]]:
    """Cells with the service's value in place of the words for it; words nobody knows, where a number is needed."""
    out: list[Cell] = []
    strange: dict[str, None] = {}
    for cell in cells:
        known = words.get(fold(text_of(cell))) if isinstance(cell, str) else None
        if known is not None:
            out.append(known)
        elif (
            f.type == "integer"
            and isinstance(cell, str)
            and not blank(cell)
            and not cell.strip().lstrip("-").isdigit()
        ):
            strange[cell.strip()] = None
            out.append(None)
        else:
            out.append(cell)
    return out, list(strange)


def _read(
    table: FileTable, name: str, cells: Sequence[Cell], type_: str, habits: Habits, notes: list[str]
) -> pa.Array:
    try:
        found = read_values(cells, type_, habits)
        values = pa.array(found.values, ARROW_TYPES[type_])
    except Unreadable as problem:
        shown = ", ".join(f"row {table.rows[i]} “{text[:40]}”" for i, text in problem.cells[:_NAMED])
        more = f" and {len(problem.cells) - _NAMED:,} more" if len(problem.cells) > _NAMED else ""
        raise SettingsError(
            f"{table.origin}, column “{name}”: {problem.why} ({shown}{more}).",
            f"Correct the cells, or leave the column out with --column “{name}=-”.",
        ) from problem
    except pa.ArrowInvalid as problem:
        raise SettingsError(
            f"{table.origin}, column “{name}”: a number has more digits than can be kept ({problem}).",
            f"Leave the column out with --column “{name}=-”.",
        ) from problem
    notes += [f"column “{name}”: {note}" for note in found.notes]
    return values


def _guid(text: str) -> str | None:
    bare = text.strip("{}() ").casefold()
    return bare if bare and GUID.fullmatch(bare) else None


def _blank_is_local(columns: dict[str, pa.Array], f: Field) -> None:
    """BC leaves the currency of a record in the local currency blank (sync-rules.md D12)."""
    label = columns.get(f.label_column)
    if label is None:
        return
    held = columns[f.name].to_pylist() if f.name in columns else [None] * len(label)
    columns[f.name] = pa.array(
        [LCY_ID if name is None and h is None else h for name, h in zip(label.to_pylist(), held, strict=True)],
        pa.string(),
    )


# --- ids -------------------------------------------------------------------------------------------------


def _ids(made: Guess, kind: Kind) -> tuple[list[str], str]:
    """The id of every row, and what to say about it: a column of ids, else the number, else the row itself."""
    column = made.column_of(ID)
    if column is not None:
        ids = [_guid(text_of(c)) or text_of(c) for c in column.cells]
        _refuse_blank(made.table, column.name, ids)
        _refuse_twice(made.table, ids, f"in column “{column.name}”")
        return ids, ""
    number = made.column_of(kind.number_field) if kind.number_field else None
    if number is not None:
        numbers = [escaped(text_of(c).upper()) for c in number.cells]
        if made.side == "bc":
            _refuse_blank(made.table, number.name, numbers)
            _refuse_twice(made.table, numbers, f"in column “{number.name}”")
        # In Dataverse a number is no key: it may be blank or stand twice, which is what an analyst looks for.
        if all(numbers) and len(set(numbers)) == len(numbers):
            return numbers, f"the file has no ids, so a record is known by its {kind.number_field} (“{number.name}”)"
    digests = [f"row-{d[:16]}" for d in _digests(made.table)]
    _refuse_twice(made.table, digests, "in every column", the_same="rows")
    said = "the file has neither ids nor numbers of its own, so a record is known by its row"
    key = next((c.name for c in map(made.table.column, made.unused) if _is_key(c)), "")
    told = f"; “{key}” differs in every row: if it is the id, say so with --column “…:{key}=@id”" if key else ""
    return digests, f"{said}; a changed row is another record{told}"


def _is_key(column: FileColumn) -> bool:
    """Whether a column that is used for nothing could be the record's id: filled in everywhere, nothing twice."""
    held = {text_of(c) for c in column.cells if not blank(c)}
    return len(held) == len(column.cells)


def escaped(value: str) -> str:
    """A key value as part of an id, in which ``|`` stands between values.

    >>> escaped("A|B 5%")
    'A%7CB 5%25'
    """
    return value.replace("%", "%25").replace("|", "%7C")


def _refuse_blank(table: FileTable, column: str, ids: Sequence[str]) -> None:
    empty = [table.rows[i] for i, found in enumerate(ids) if not found]
    if empty:
        raise SettingsError(
            f"{table.origin}: column “{column}” is blank in {len(empty):,} rows, the first is row {empty[0]}.",
            "Fill it in or take those rows out; by it the records are known.",
        )


def _refuse_twice(table: FileTable, ids: Sequence[str], where: str, the_same: str = "") -> None:
    first: dict[str, int] = {}
    for i, found in enumerate(ids):
        if found in first:
            what = "hold the same" if the_same else f"have the same “{found}”"
            raise SettingsError(
                f"{table.origin}: rows {table.rows[first[found]]} and {table.rows[i]} {what} {where}.",
                "Take one of them out, or name a column with ids by --column “…=@id”.",
            )
        first[found] = i


def _versions(made: Guess) -> list[str]:
    """What changes when a record changes: Dataverse's row checksum, else a digest of the row."""
    column = made.column_of(CHECKSUM)
    if column is not None and all(not blank(c) for c in column.cells):
        return [text_of(c) for c in column.cells]
    return [d[:32] for d in _digests(made.table)]


def _digests(table: FileTable) -> list[str]:
    columns = [[text_of(c) for c in column.cells] for column in table.columns]
    return [hashlib.sha256("\x1f".join(row).encode()).hexdigest() for row in zip(*columns, strict=True)]
