"""JSON pages → Arrow tables with the columns asked for, exact decimals and UTC times."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from d365kit.kinds.model import ARROW_TYPES

_NO_DATE = "0001-01-01"
_NO_TIME = pa.scalar(datetime(1, 1, 1, tzinfo=UTC), pa.timestamp("us", tz="UTC"))
#: Fractional digits an amount keeps; a number with more is refused, never rounded in silence.
_DIGITS = 12
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Column:
    """One property to read: the service's name and the catalogue's type."""

    name: str
    type: str = "text"

    @property
    def arrow(self) -> pa.DataType:
        """The type of the column in the table."""
        return ARROW_TYPES[self.type]

    @property
    def wire(self) -> pa.DataType:
        """The type the property is read from JSON with: pyarrow reads no dates."""
        return pa.string() if self.type == "date" else self.arrow


@dataclass(frozen=True)
class Nested(Column):
    """A collection inside each row, such as the lines of a document, with the columns of its own rows."""

    type: str = "rows"
    columns: tuple[Column, ...] = ()

    @property
    def arrow(self) -> pa.DataType:
        return pa.list_(_struct(self.columns))

    @property
    def wire(self) -> pa.DataType:
        return self.arrow


def _struct(columns: Sequence[Column]) -> pa.StructType:
    return pa.struct([pa.field(c.name, c.wire) for c in columns])


class BrokenPage(ValueError):
    """A page that is not the JSON it should be: cut short, an error in disguise, not JSON at all."""


class WrongType(BrokenPage):
    """A page whose JSON is whole, with a value that is not of its column's type."""


def page_to_table(body: bytes, columns: Sequence[Column]) -> pa.Table:
    """Read one ``{"value": [...]}`` page into a table with ``columns``, in order; what is missing is null.

    Raises BrokenPage when the body is no such page, and WrongType, naming column and value, when one does not fit.
    """
    body = body.removeprefix(_BOM)
    if b'"value"' not in body:
        raise BrokenPage("the answer has no rows in it")
    options = pj.ParseOptions(
        explicit_schema=pa.schema([("value", pa.list_(_struct(columns)))]), unexpected_field_behavior="ignore"
    )
    # One JSON object is one block, so threads within the parser have nothing to share.
    reading = pj.ReadOptions(block_size=len(body) + 16, use_threads=False)
    try:
        table = pj.read_json(pa.BufferReader(body), read_options=reading, parse_options=options)
        if table.num_rows != 1 or table.column("value").null_count:
            raise BrokenPage("the answer has no rows in it")
        rows = pa.concat_arrays([chunk.values for chunk in table.column("value").chunks])
        if rows.null_count:
            raise BrokenPage("a row is null")
        return _typed(pa.Table.from_struct_array(rows), columns)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # Numbers as text, 1.0 for a whole number, a time with an odd offset: read with more patience.
        return _page_by_value(body, columns)


def flattened(table: pa.Table, nested: Nested) -> tuple[pa.Table, pa.Array]:
    """Return all rows of a collection, and for each the place of the row in ``table`` it belongs to.

    Raises BrokenPage where the collection, or one of its rows, is missing rather than empty.
    """
    lists = table.column(nested.name).combine_chunks()
    rows = lists.flatten()
    if lists.null_count or rows.null_count:
        raise BrokenPage(f"a row came without its {nested.name}")
    return _typed(pa.Table.from_struct_array(rows), nested.columns), pc.list_parent_indices(lists)


def _typed(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Texts of dates become dates; BC's blank date and time become missing (business-central.md section 5)."""
    for i, column in enumerate(columns):
        if column.type == "date":
            table = table.set_column(i, column.name, _dates(table.column(i)))
        elif column.type == "datetime":
            blank = pc.equal(table.column(i), _NO_TIME)
            if pc.any(blank).as_py():
                times = pc.if_else(blank, pa.scalar(None, _NO_TIME.type), table.column(i))
                table = table.set_column(i, column.name, times)
    return table


def _dates(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    blank = pc.fill_null(pc.starts_with(texts, pattern=_NO_DATE), True)
    texts = pc.if_else(blank, pa.scalar(None, pa.string()), texts)
    return pc.utf8_slice_codeunits(texts, 0, 10).cast(pa.date32())


# --- value by value: slow, and only for pages the quick way refuses ------------------------------------


def _page_by_value(body: bytes, columns: Sequence[Column]) -> pa.Table:
    try:
        page = json.loads(body, parse_float=Decimal, parse_int=Decimal)
    except ValueError as problem:
        raise BrokenPage("the answer is not whole, or not JSON") from problem
    rows = page.get("value") if isinstance(page, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BrokenPage("the answer has no rows in it")
    arrays = [pa.array([_value(row.get(c.name), c) for row in rows], c.arrow) for c in columns]
    return pa.Table.from_arrays(arrays, names=[c.name for c in columns])


def _value(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if isinstance(column, Nested):
        return [_inner(row, column.columns) for row in value]
    try:
        return _READ.get(column.type, _text)(value)
    except (ValueError, TypeError, InvalidOperation) as problem:
        shown = json.dumps(value, default=str)[:60]
        raise WrongType(f"{column.name} should be of type {column.type} and is {shown}") from problem


def _inner(row: Any, columns: Sequence[Column]) -> dict[str, Any] | None:
    """A row of a collection, dates as they came: `flattened` makes them dates."""
    if not isinstance(row, dict):
        return None
    return {c.name: row.get(c.name) if c.type == "date" else _value(row.get(c.name), c) for c in columns}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite() or number != round(number, _DIGITS):
        raise ValueError
    return number


def _whole(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value():
        raise ValueError
    return int(number)


def _flag(value: Any) -> bool:
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise TypeError
    return value


def _day(value: Any) -> date | None:
    return None if _text(value).startswith(_NO_DATE) else date.fromisoformat(value[:10])


def _moment(value: Any) -> datetime | None:
    if _text(value).startswith(_NO_DATE):
        return None
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_READ: dict[str, Callable[[Any], Any]] = {
    "amount": _number,
    "number": _number,
    "rate": _number,
    "integer": _whole,
    "boolean": _flag,
    "date": _day,
    "datetime": _moment,
}

# --- links ---------------------------------------------------------------------------------------------

_COUNT = re.compile(rb'"@odata\.count"\s*:\s*"?(\d+)')
_LINKS = {
    name: re.compile(rb'"@odata\.%s"\s*:\s*"((?:[^"\\]|\\.)*)"' % name.encode()) for name in ("nextLink", "deltaLink")
}
_TAIL = 65_536


def link_in(body: bytes, name: str) -> str:
    """Return the page's ``@odata.nextLink`` or ``@odata.deltaLink``, "" when it has none.

    Both services write it before or after the rows, so both ends of the page are searched; a text inside a
    row cannot be taken for it, because there its quotes are escaped.
    """
    for part in (body[-4096:], body[:4096], body[-_TAIL:], body[:_TAIL]) if len(body) > 4096 else (body,):
        found = _LINKS[name].search(part)
        if found:
            return str(json.loads(b'"' + found.group(1) + b'"'))
    return ""


def count_in(body: bytes) -> int:
    """Return the page's ``@odata.count``, -1 when it has none."""
    found = _COUNT.search(body[:4096]) or _COUNT.search(body[-4096:])
    return int(found.group(1)) if found else -1
