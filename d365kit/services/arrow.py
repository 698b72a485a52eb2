"""JSON pages → Arrow tables with the columns asked for, exact decimals and UTC times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from d365kit.kinds.model import ARROW_TYPES

#: Types that JSON carries as text and that pyarrow's reader either refuses or reads too strictly.
_AS_TEXT = {"date", "datetime"}
_NO_DATE = "0001-01-01"


@dataclass(frozen=True)
class Column:
    """One property to read: the service's name and the catalogue's type."""

    name: str
    type: str = "text"

    @property
    def arrow(self) -> pa.DataType:
        return ARROW_TYPES[self.type]

    @property
    def wire(self) -> pa.DataType:
        return pa.string() if self.type in _AS_TEXT else self.arrow


class BrokenPage(ValueError):
    """A page that is not the JSON it should be."""


def page_to_table(body: bytes, columns: Sequence[Column]) -> pa.Table:
    """Read one ``{"value": [...]}`` page.

    Raises BrokenPage when the body is no such page: cut short, an error in disguise, or of other types.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b'"value"' not in body:
        raise BrokenPage("the answer has no rows in it")
    row = pa.struct([pa.field(c.name, c.wire) for c in columns])
    options = pj.ParseOptions(
        explicit_schema=pa.schema([("value", pa.list_(row))]), unexpected_field_behavior="ignore"
    )
    try:
        table = pj.read_json(
            pa.BufferReader(body), read_options=pj.ReadOptions(block_size=len(body) + 16), parse_options=options
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise BrokenPage(str(problem).splitlines()[0]) from problem
    rows = pa.concat_arrays([chunk.values for chunk in table.column("value").chunks])
    return _typed(pa.Table.from_struct_array(rows), columns)


def _typed(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    for i, column in enumerate(columns):
        if column.type in _AS_TEXT:
            table = table.set_column(i, column.name, _time(table.column(i), column.type))
    return table


def _time(texts: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Texts to dates or UTC times; BC's blank date 0001-01-01 becomes missing (business-central.md section 5)."""
    blank = pc.starts_with(texts, pattern=_NO_DATE)
    texts = pc.if_else(pc.fill_null(blank, True), pa.scalar(None, pa.string()), texts)
    if kind == "date":
        return pc.utf8_slice_codeunits(texts, 0, 10).cast(pa.date32())
    texts = pc.replace_substring_regex(texts, r"(\.\d{6})\d+", r"\1")
    return texts.cast(pa.timestamp("us", tz="UTC"))


_NEXT = re.compile(rb'"@odata\.nextLink"\s*:\s*"((?:[^"\\]|\\.)*)"')
_TAIL = 65_536


def next_link(body: bytes) -> str:
    """The page's ``@odata.nextLink`` or ``""``.

    Both services write it before or after the rows, so both ends of the page are searched; a text inside a
    row cannot be taken for it, because there its quotes are escaped.
    """
    for part in (body[:_TAIL], body[-_TAIL:]):
        found = _NEXT.search(part)
        if found:
            import json

            return json.loads(b'"' + found.group(1) + b'"')
    return ""
