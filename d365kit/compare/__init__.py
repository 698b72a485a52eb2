"""Values of either side → normalised values that can be compared: names, addresses, codes, items.

Every normaliser takes one raw value (or several) and returns a text, a list of texts, or None when nothing
is left to compare. ``NORMALISERS`` names them for `kinds/matching.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import pyarrow as pa

from d365kit.compare import codes, items, names, places, text
from d365kit.compare.text import compact, fold
from d365kit.errors import SettingsError

Value = str | list[str] | float | None
Normaliser = Callable[..., Value]

#: The normalisers by the name that matching.toml uses.
NORMALISERS: dict[str, Normaliser] = {
    f.__name__: f
    for f in (
        text.compact, text.code,
        names.company_key, names.company_plain, names.company_words,
        names.person_key, names.person_family, names.person_initial, names.person_words,
        places.post_code, places.city, places.country, places.street, places.street_key, places.house_number,
        codes.number, codes.figures, codes.vat_number, codes.gtin, codes.phone, codes.phones, codes.mail,
        codes.mail_box, codes.domains, codes.website, codes.unit_code, codes.bare_code, codes.amount,
        items.item_words, items.item_sizes, items.item_key, items.item_plain, items.item_codes,
    )
}  # fmt: skip

#: Normalisers that give a number instead of a text.
NUMBERS = frozenset({"amount"})
#: Normalisers that give a list of texts.
LISTS = frozenset({"company_words", "person_words", "phones", "domains", "item_words", "item_sizes",
                   "item_codes"})  # fmt: skip


def values(frame: pd.DataFrame, field: str) -> list[object]:
    """The values of a column as plain Python values, missing ones as None; all None when there is no such column."""
    if field not in frame.columns:
        return [None] * len(frame)
    return pa.array(frame[field], from_pandas=True).to_pylist()


def normalise(frame: pd.DataFrame, fields: Sequence[str], by: str) -> list[Value]:
    """The normalised values of ``fields`` of every row, by the normaliser called ``by``.

    A field the frame lacks counts as missing everywhere. Each different value is worked out once.
    Raises SettingsError when there is no such normaliser.
    """
    if by not in NORMALISERS:
        raise SettingsError(f"There is no normaliser called “{by}”.", f"Use one of: {', '.join(NORMALISERS)}.")
    work = NORMALISERS[by]
    known: dict[tuple[object, ...], Value] = {}
    out = []
    for row in zip(*(values(frame, field) for field in fields), strict=True):
        if row not in known:
            known[row] = work(*row)
        out.append(known[row])
    return out


__all__ = [
    "LISTS",
    "NORMALISERS",
    "NUMBERS",
    "Normaliser",
    "Value",
    "compact",
    "fold",
    "normalise",
    "values",
]
