"""Values of a primary key ↔ a record's id: one text that both the kit and an address can be made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: The column of every table read that holds the record's id, whatever the key's own columns are called.
KEY_COLUMN = "@key"
_NO_DATE = "0001-01-01"
_GUID = 36


def key_text(values: Iterable[object]) -> str:
    """Return the id of a record from the values of its primary key, in the key's order.

    Values are joined by "|"; "%" and "|" inside one are written %25 and %7C. Blank, a missing value and BC's blank
    date are all empty; decimals lose their closing zeros, so that 2.50 and 2.5 are one key.

    >>> key_text(["S0001", 10000]), key_text(["50%|A", None, Decimal("2.50")])
    ('S0001|10000', '50%25%7CA||2.5')
    """
    return "|".join(_plain(value).replace("%", "%25").replace("|", "%7C") for value in values)


def key_values(text: str) -> tuple[str, ...]:
    """Return the values that `key_text` made an id from, as texts.

    >>> key_values("50%25%7CA||2.5")
    ('50%|A', '', '2.5')
    """
    return tuple(part.replace("%7C", "|").replace("%25", "%") for part in text.split("|"))


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime | date):
        value = value.isoformat()
    text = str(value)
    return "" if text.startswith(_NO_DATE) else text


@dataclass(frozen=True)
class Key:
    """The properties that identify a record of a set.

    ``guid``: there is one, and it holds a GUID, which services write in either case and with or without braces.
    """

    names: tuple[str, ...]
    guid: bool = True

    def plain(self, record: str) -> str:
        """Return an id the one way the kit writes it."""
        return record.strip("{} ").lower() if self.guid else record

    def of(self, row: Mapping[str, object]) -> str:
        """Return the id of a row; "" when it does not hold the whole key."""
        if any(name not in row for name in self.names):
            return ""
        return self.plain(str(row[self.names[0]])) if self.guid else key_text(row[name] for name in self.names)

    def column(self, table: pa.Table) -> pa.ChunkedArray:
        """Return the ids of a table's rows."""
        if self.guid:
            ids = table.column(self.names[0])
            return ids if _plain_guids(ids) else pc.ascii_lower(pc.utf8_trim(ids, characters="{} "))
        parts = [_escaped(_texts(table.column(name))) for name in self.names]
        return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "|")


def with_ids(table: pa.Table, key: Key | None) -> pa.Table:
    """Return a table with the column "@key" last; it is empty for rows without a key of their own (None)."""
    ids = pa.nulls(table.num_rows, pa.string()) if key is None else key.column(table)
    if KEY_COLUMN in table.column_names:
        table = table.drop_columns([KEY_COLUMN])
    return table.append_column(KEY_COLUMN, ids)


def _plain_guids(column: pa.ChunkedArray) -> bool:
    """Whether all are GUIDs in small letters and without braces, as nearly every service writes them.

    A look at the bytes of a million takes a tenth of the time that writing them anew does.
    """
    if column.null_count or column.type != pa.string():
        return False
    for chunk in column.chunks:
        if not len(chunk):
            continue
        offsets = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        letters = np.frombuffer(chunk.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
        # Capitals are the bytes from 0x40 to 0x5F; digits and hyphens are below, small letters above.
        if (np.diff(offsets) != _GUID).any() or ((letters & 0xE0) == 0x40).any():
            return False
    return True


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of one property of a key as texts, the way `key_text` writes them."""
    if pa.types.is_decimal(column.type):
        return pa.chunked_array([[_plain(value) for value in column.to_pylist()]], pa.string())
    texts = pc.fill_null(column.cast(pa.string()), "")
    return pc.if_else(pc.starts_with(texts, pattern=_NO_DATE), "", texts)


def _escaped(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(pc.replace_substring(texts, "%", "%25"), "|", "%7C")
