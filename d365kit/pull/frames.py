"""A service's table → a kind's frame: the kind's columns, one blank for all blanks, ids as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import LCY_ID, Field, Kind, Side
from d365kit.nouns.frames import to_frame
from d365kit.pull.requests import KEY, on_card, read_as
from d365kit.services import Column

_ENCODED = re.compile(r"_x([0-9A-Fa-f]{4})_")
#: BC's blank date (business-central.md section 5).
_NO_DATE = date(1, 1, 1)


def frame_of(kind: Kind, side: Side, table: pa.Table, card: pa.Table | None = None) -> pd.DataFrame:
    """The service's table in the kind's columns, with one blank: missing.

    ``card`` is the kind's page with what the API lacks, None where it could not be read.
    """
    source = kind.source(side)
    columns: dict[str, pa.ChunkedArray] = {"id": table.column(KEY), "etag": table.column("@odata.etag")}
    if source.modified_on and source.modified_on in table.column_names:
        columns["modified_on"] = table.column(source.modified_on)
    for f in kind.fields:
        name = read_as(f, side)
        if name:
            columns[f.name] = cleaned(table.column(name), f, side)
        if f.is_reference and side == "bc" and f.bc_label:
            columns[f.label_column] = text_of(table.column(f.bc_label))
    if side == "bc" and card is not None and kind.bc.card is not None:
        columns |= _from_card(kind, card, columns[kind.bc.card.on])
    rows = table.num_rows
    made = [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type) for f in kind.schema]
    return to_frame(pa.Table.from_arrays(made, schema=kind.schema))


def _from_card(kind: Kind, card: pa.Table, keys: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """The columns that the kind's page shows, in the order of the records they belong to."""
    assert kind.bc.card is not None
    found = pc.index_in(keys, value_set=pc.utf8_upper(text_of(card.column(kind.bc.card.key))).combine_chunks())
    columns = {}
    for f in on_card(kind):
        values = card.column(f.page)
        if f.is_reference:
            columns[f.label_column] = text_of(values).take(found)
        else:
            columns[f.name] = cleaned(values, f, "bc").take(found)
    return columns


def cleaned(column: pa.ChunkedArray, field: Field, side: Side) -> pa.ChunkedArray:
    """``column`` without what the services write for “nothing”."""
    if field.type == "option" and not pa.types.is_string(column.type):
        ids = pc.cast(column, pa.string())
        return pc.if_else(pc.equal(ids, "0"), pa.scalar(None, pa.string()), ids)  # 0 means none (sync-rules.md E2)
    if field.is_reference:
        ids = pc.utf8_lower(pc.utf8_trim(column, characters="{} "))
        # The zero GUID is BC's blank, and for a currency its blank is the LCY (sync-rules.md D12).
        if side == "bc" and "currency" in field.refers_to:
            return ids
        return pc.if_else(pc.equal(ids, LCY_ID), pa.scalar(None, pa.string()), ids)
    if field.type == "choice":
        return text_of(pa.chunked_array([[decoded(v) for v in column.to_pylist()]], pa.string()))
    if field.type == "code":
        return pc.utf8_upper(text_of(column)) if side == "bc" else text_of(column)
    if pa.types.is_string(column.type):
        return text_of(column)
    if pa.types.is_date(column.type):
        return pc.if_else(pc.equal(column, pa.scalar(_NO_DATE, column.type)), pa.scalar(None, column.type), column)
    if field.zero_is_blank:
        return pc.if_else(pc.equal(column, pa.scalar(0).cast(column.type)), pa.scalar(None, column.type), column)
    return column


def text_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without outer blanks; blank texts become missing."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def decoded(name: str | None) -> str | None:
    """A BC enum member as read: ``Non_x002D_Inventory`` → ``Non-Inventory`` (business-central.md section 5)."""
    return None if name is None else _ENCODED.sub(lambda m: chr(int(m.group(1), 16)), name)


def extra_of(table: pa.Table, columns: Sequence[Column]) -> pd.DataFrame:
    """A further set that habits look at, with the same blanks."""
    out = {}
    for column in columns:
        values = table.column(column.name)
        if column.type == "text":
            values = text_of(pa.chunked_array([[decoded(v) for v in values.to_pylist()]], pa.string()))
        out[column.name] = values
    return to_frame(pa.table(out))
