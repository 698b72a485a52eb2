"""One kind of one side of a snapshot, inside and outside the mapping's filter, read by row number without copying."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import Field, Kind, Side
from d365kit.nouns import Sides
from d365kit.nouns.frames import arrow_of, plain

#: What a search looks into besides name and number, as far as a kind has it.
SEARCHED = (
    "city", "post_code", "address_line1", "email", "phone", "vat_number", "code", "description", "customer_label",
    "contact_name", "website", "gtin",
)  # fmt: skip
#: Where a record is: the first of these that a kind has.
PLACES = ("city", "country", "county")
#: So many ids are looked up one by one; more of them at once, which takes as long as fifty single ones.
_FEW = 50
_MARKS = r"[\x{300}-\x{36f}]"


class Records:
    """The records of one side; those that take part have the row numbers below ``inside``."""

    def __init__(self, kind: Kind, side: Side, sides: Sides) -> None:
        self.kind, self.side = kind, side
        self._frames = (sides.side(side), sides.outside(side))
        self.inside = len(self._frames[0])
        self.size = self.inside + len(self._frames[1])
        self._columns: dict[str, pa.Array] = {}
        self._rows: dict[str, int] = {}
        self._parts: dict[str, tuple[pa.ChunkedArray | None, ...]] = {}

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return any(name in frame.columns for frame in self._frames)

    def column(self, name: str) -> pa.Array:
        """A column as one Arrow array; texts are always of the type string, a column nobody has is all null."""
        if name not in self._columns:
            parts: list[pa.Array] = []
            for frame in self._frames:
                found = arrow_of(frame[name]) if name in frame.columns else pa.chunked_array([pa.nulls(len(frame))])
                if pa.types.is_large_string(found.type) or pa.types.is_string_view(found.type):
                    found = found.cast(pa.string())
                parts += found.chunks
            types = {p.type for p in parts if not pa.types.is_null(p.type)}
            kept = next(iter(types)) if len(types) == 1 else pa.string()
            self._columns[name] = pa.concat_arrays([p.cast(kept) for p in parts]) if parts else pa.array([], kept)
        return self._columns[name]

    def value(self, row: int, name: str) -> object:
        """One value as Python has it; None when it is missing."""
        if name not in self._parts:
            # Not `column`, which copies: a card reads one value of each of many columns.
            self._parts[name] = tuple(arrow_of(f[name]) if name in f.columns else None for f in self._frames)
        part, at = (0, row) if row < self.inside else (1, row - self.inside)
        held = self._parts[name][part]
        value = None if held is None else plain(held[at].as_py())
        return None if value == "" else value

    def id_of(self, row: int) -> str:
        found = str(self.column("id")[row].as_py())
        self._rows[found] = row
        return found

    def name_of(self, row: int) -> str:
        """The record's name, or its id where it has none."""
        return str(self.value(row, self.kind.name_field) or self.value(row, "code") or self.id_of(row))

    def number_of(self, row: int) -> str:
        field = self.kind.number_field
        return str(self.value(row, field) or "") if field and field != self.kind.name_field else ""

    def outside(self, row: int) -> str:
        """Why the mapping's filter leaves the record out, or ``""``."""
        return "" if row < self.inside else str(self.value(row, "outside") or "left out")

    def rows_of(self, ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """The row of each id, -1 for one that is not here."""
        if len(ids) < _FEW:
            return np.array([self.row_of(i) for i in ids.to_pylist()], dtype=np.int32)
        found = pc.index_in(ids.cast(pa.string()), value_set=self.column("id"))
        found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int32)

    def row_of(self, record: str | None) -> int:
        """The row of one id, or -1. What was once asked for or shown is remembered: a search takes a millisecond."""
        if not record:
            return -1
        if record not in self._rows:
            self._rows[record] = int(pc.index(self.column("id"), record).as_py())
        return self._rows[record]

    def texts(self, name: str) -> pa.Array:
        """A column as texts, blanks null."""
        values = self.column(name)
        values = values if pa.types.is_string(values.type) else values.cast(pa.string())
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)

    def numbers(self, name: str) -> np.ndarray:
        """A column of amounts as floats, NaN where it is missing."""
        return pc.fill_null(self.column(name).cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)

    @property
    def place_field(self) -> str:
        return next((f for f in PLACES if f in self.kind), "")

    @cached_property
    def haystack(self) -> pa.Array:
        """What a search looks into, a text a record: small letters without accents, each value on its own line."""
        names = dict.fromkeys([self.kind.number_field, self.kind.name_field, *SEARCHED])
        held = [n for n in names if n and self.has(n)]
        texts = [pc.fill_null(self.texts(n), "") for n in held] or [pa.array([""] * self.size)]
        # An element before and after, so that a whole value stands between two line ends.
        joined = pc.binary_join_element_wise("", *texts, "", "\n")
        lowered = pc.utf8_lower(joined)
        # Normalising is slow, and nothing but ASCII has no accents.
        other = pc.not_equal(pc.utf8_length(lowered), pc.binary_length(lowered))
        plain_now = pc.replace_substring_regex(pc.utf8_normalize(lowered.filter(other), "NFKD"), _MARKS, "")
        return pc.replace_with_mask(lowered, other, plain_now)


def folded(text: str) -> str:
    """A text as `Records.haystack` spells it.

    >>> folded("  Müller GmbH ")
    'muller gmbh'
    """
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text.strip().lower()))


def shown_fields(kind: Kind) -> list[Field]:
    """The fields a card may show: all but those that only tell whether a record takes part."""
    hidden = {"state", "relationship_type", "company", "type", "parent_type", "product_type"}
    return [f for f in kind.fields if f.name not in hidden]
