"""The normalisers by the name that kinds/matching.toml uses, and what each of them gives."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from d365kit.compare import codes, items, mail, names, numerals, persons, phones, places, streets, text, units
from d365kit.errors import SettingsError

Value = str | list[str] | float | bool | None
Normaliser = Callable[..., Value]

NORMALISERS: dict[str, Normaliser] = {
    f.__name__: f
    for f in (
        text.compact, text.code,
        names.company_key, names.company_plain, names.company_words,
        names.company_form, names.company_acronym, numerals.company_figures,
        persons.person_key, persons.person_family, persons.person_initial, persons.person_words, persons.person_given,
        places.post_code, places.city, places.country, streets.street, streets.street_key, streets.house_number,
        codes.number, codes.figures, codes.vat_number, codes.vat_country, codes.valid_vat, codes.regno,
        codes.gtin, codes.valid_gtin, codes.bare_code, codes.amount, units.unit_code,
        phones.phone, phones.phones, phones.phone_full,
        mail.mail, mail.mail_box, mail.person_box, mail.domains, mail.website,
        items.item_words, items.item_sizes, items.item_key, items.item_plain, items.item_codes,
        items.item_numbers, items.item_pack, items.item_colour, items.item_material,
    )
}  # fmt: skip

#: Normalisers that give a number instead of a text.
NUMBERS = frozenset({"amount"})
#: Normalisers that give a list of texts.
LISTS = frozenset(
    ["company_words", "person_words", "phones", "domains", "item_words", "item_sizes", "item_codes", "item_numbers"]
)
#: Normalisers that say yes, no or nothing.
FLAGS = frozenset({"valid_vat", "valid_gtin"})


def normaliser(name: str) -> Normaliser:
    """The normaliser called ``name``. Raises SettingsError when there is none."""
    if name not in NORMALISERS:
        raise SettingsError(f"There is no normaliser called “{name}”.", f"Use one of: {', '.join(NORMALISERS)}.")
    return NORMALISERS[name]


def arrow_type(name: str) -> pa.DataType:
    """The type of the column that the normaliser called ``name`` fills."""
    if name in LISTS:
        return pa.list_(pa.string())
    if name in NUMBERS:
        return pa.float64()
    return pa.bool_() if name in FLAGS else pa.string()
