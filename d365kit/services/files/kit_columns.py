"""The kit's own names of columns, and which of them a CSV or Parquet file has, told by its first row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from d365kit.kinds import Kind, Side
from d365kit.services.files.captions import CHECKSUM, ID, MODIFIED_ON
from d365kit.services.files.excel import column_letters
from d365kit.services.files.guess import guess
from d365kit.services.files.separated import long_cells, separator_of
from d365kit.services.files.sheets import Origin
from d365kit.services.files.tables import Cell, FileColumn, FileTable

#: The column by which records are known.
KEY = "id"
_BOTH = {"number": "number", "name": "name"}
_PLACE = {
    "address": "address_line1", "address2": "address_line2", "postcode": "post_code", "city": "city",
    "state": "county", "country": "country", "phone": "phone", "email": "email", "regno": "registration_number",
}  # fmt: skip
_COMPANY = {**_BOTH, **_PLACE, "website": "website", "vat": "vat_number", "contact": "contact_name"}
#: The kit's own names of columns: kind → column → field, or the readable value of a reference.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "customer": _COMPANY,
    "contact": {
        **_BOTH, **_PLACE, "given_name": "given_name", "surname": "surname", "street_number": "street_number",
        "dob": "birth_date", "company": "customer_label",
    },
    "item": {
        **_BOTH, "description2": "description2", "gtin": "gtin", "unit": "unit_label", "price": "unit_price",
        "cost": "unit_cost", "vendor_no": "vendor_number", "brand": "brand", "category": "category",
    },
    "vendor": _COMPANY,
}  # fmt: skip
#: Every name of ours.
KNOWN = frozenset({KEY}.union(*COLUMNS.values()))

ZIP, OLE, PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: So many bytes tell the header and the separator.
HEAD = 1 << 18
_SAMPLE = 200


@dataclass(frozen=True)
class Look:
    """What stands in the first row of a file: the names of its columns as they are, and in small letters."""

    path: Path
    names: tuple[str, ...]

    @property
    def folded(self) -> tuple[str, ...]:
        return tuple(n.strip().casefold() for n in self.names)

    @property
    def is_kit(self) -> bool:
        """Whether the file has an id and at least one more column of ours, or nothing but the id."""
        return KEY in self.folded and (bool(self.own) or len(self.names) == 1)

    @property
    def own(self) -> tuple[str, ...]:
        """The columns with a name of ours, the id left out."""
        return tuple(n for n in self.folded if n in KNOWN and n != KEY)

    @property
    def foreign(self) -> tuple[str, ...]:
        """The columns whose names are none of ours, as they stand in the file."""
        return tuple(n for n, f in zip(self.names, self.folded, strict=True) if f not in KNOWN)

    def fits(self, kind: str) -> bool:
        """Whether every column with a name of ours is one of ``kind``."""
        return kind in COLUMNS and set(self.own) <= set(COLUMNS[kind])

    def given(self, kind: Kind) -> dict[str, str]:
        """Column → field for the columns of ours, as `guess` takes what somebody chose."""
        fields = COLUMNS.get(kind.name, {})
        said = {n: field_of(fields[f]) for n, f in zip(self.names, self.folded, strict=True) if f in fields}
        return {n: f for n, f in said.items() if f in kind}


def look(path: str | Path) -> Look | None:
    """What columns the file has; None for a workbook, and for what cannot be read (`load` says why)."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if head.startswith((ZIP, OLE)):
            return None
        if head.startswith(PARQUET):
            return Look(path, tuple(pq.read_schema(path).names))
        first = _rows_of(head, 1)
    except (OSError, pa.ArrowException, csv.Error):
        return None
    return Look(path, tuple(first[0])) if first else None


def says_more(found: Look, kind: Kind, side: Side) -> bool:
    """Whether a column whose name is none of ours would be taken for a field of ``kind``, by caption or values."""
    if not found.foreign:
        return False
    wanted = [i for i, name in enumerate(found.names) if name in found.foreign]
    rows = _sample(found)
    columns = tuple(
        FileColumn(found.names[i] or f"column {column_letters(i)}", column_letters(i), tuple(row[i] for row in rows))
        for i in wanted
    )
    made = guess(FileTable(_nowhere(found.path), columns, tuple(range(2, len(rows) + 2)), 1), kind, side)
    return bool(made.doubtful) or any(set(line.fields) - {ID, CHECKSUM, MODIFIED_ON} for line in made.lines)


def _sample(found: Look) -> list[list[Cell]]:
    """Some of the first rows, each as long as the header."""
    with found.path.open("rb") as file:
        head = file.read(HEAD)
    width = len(found.names)
    if head.startswith(PARQUET):
        batch = next(pq.ParquetFile(found.path).iter_batches(batch_size=_SAMPLE), None)
        columns = [batch.column(i).to_pylist() for i in range(width)] if batch is not None else []
        return [list(row) for row in zip(*columns, strict=True)]
    rows = _rows_of(head, _SAMPLE)[1:]
    return [list[Cell]([*row, *[""] * width])[:width] for row in rows]


def _rows_of(head: bytes, number: int) -> list[list[str]]:
    """The rows that begin a text, blank ones left out."""
    text = head.decode("utf-16" if head.startswith(WIDE_MARKS) else "utf-8-sig", "replace")
    rows: list[list[str]] = []
    with long_cells():
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text)):
            rows += [row] if any(cell.strip() for cell in row) else []
            if len(rows) == number:
                break
    return rows


def field_of(column: str) -> str:
    """The field that a column of `COLUMNS` belongs to: itself, or the reference whose readable value it is."""
    return column.removesuffix("_label")


def _nowhere(path: Path) -> Origin:
    return Origin(path, "", "", datetime.fromtimestamp(0, UTC))
