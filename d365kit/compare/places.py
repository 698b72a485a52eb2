"""Post codes, towns and countries → values that agree when the places agree."""

from __future__ import annotations

import re

from d365kit.compare.text import as_text, bare, code, compact, fold, words_of
from d365kit.compare.words import COUNTRIES, OFFICIAL_WORDS, STATE_WORDS, TOWN_LIES_AT, TOWNS

_COUNTRY_PREFIX = re.compile(
    r"^\s*(?:[a-z]{1,3}\s*-\s*(?=\d)|[a-z]{1,2}\s+(?=\d{4})|gb\s+(?=[a-z]{1,2}\d)|lv(?=\d{4}$))"
)
_WHOLE = re.compile(r"\.0$")
_ZIP_AND_MORE = re.compile(r"^(\d{5})(?:\s*-\s*\d{4}|\d{4})$")
#: How many figures the post codes of a country have, where a lost zero in front can be told.
_FIGURES = {
    iso: figures
    for figures, countries in {
        4: "no dk au",
        5: "de fr it es us fi ee mx tr hr cr kr my",
        6: "ru ro sg",
        7: "pt jp",
        8: "br",
    }.items()
    for iso in countries.split()
}

_PART = re.compile(r"[(,/;|\n]")
_DISTRICT = re.compile(r"\d+(?:e|er|eme|th|st|nd|rd|o|a)?|cedex|[ivx]{2,5}|bezirk|arrondissement")
_SAINTS = dict.fromkeys(["saint", "sankt", "sint", "skt", "ste", "sainte"], "st") | {"fort": "ft", "mount": "mt"}
_BIG_TOWNS = frozenset(TOWNS.values())


def post_code(value: object, in_country: object = None) -> str | None:
    """A post code without country prefix, spaces and case; US codes by their first five figures.

    With the country given, figures lost in front are put back.

    >>> post_code("A-1010"), post_code("gb sw1a 1aa"), post_code("90210-1234"), post_code("1067", "DE")
    ('1010', 'sw1a1aa', '90210', '01067')
    """
    text = bare(value).strip()
    if not text:
        return None
    if not text.isdigit():
        text = _WHOLE.sub("", _COUNTRY_PREFIX.sub("", text))
    if len(text) > 8:
        text = _ZIP_AND_MORE.sub(r"\1", text)
    found = code(text)
    if found and in_country is not None and found.isdigit():
        return found.zfill(_FIGURES.get(country(in_country) or "", 0))
    return found


def city(value: object) -> str | None:
    """A town in one spelling: without districts and what says where it lies, and in one language if well known.

    >>> city("Frankfurt (Main)"), city("Frankfurt a. M."), city("St. Pölten"), city("Vienna"), city("Wien 10")
    ('frankfurt', 'frankfurt', 'stpolten', 'wien', 'wien')
    """
    folded = fold(value)
    if not folded or folded.isspace():
        return None
    parts = words_of(_PART.split(folded, maxsplit=1)[0]) or words_of(folded)
    if not parts:
        return None
    if len(parts) == 1:
        return TOWNS.get(parts[0], parts[0])
    whole = "".join(parts)
    if whole in TOWNS:
        return TOWNS[whole]
    kept = [w for w in parts if not _DISTRICT.fullmatch(w) and w not in OFFICIAL_WORDS] or parts
    first = "".join(words_of(folded.split("-", 1)[0])) if "-" in folded else kept[0]
    if (town := TOWNS.get(first, first)) in _BIG_TOWNS and "-" in folded:
        return town
    for at, word in enumerate(kept):
        if at and word in TOWN_LIES_AT:
            kept = kept[:at]
            break
    text = "".join([_SAINTS.get(w, w) for w in kept])
    return TOWNS.get(text, text)


def country(value: object) -> str | None:
    """The ISO code of a country written as a code or a name; unknown words stay as they are, folded.

    >>> country("Österreich"), country("AT"), country("AUT"), country("Republic of Austria")
    ('at', 'at', 'at', 'at')
    """
    short = code(value)
    if short in COUNTRIES:
        return COUNTRIES[short]
    text = compact(value)
    if not text or text in COUNTRIES:
        return COUNTRIES[text] if text else None
    kept = "".join(w for w in words_of(fold(as_text(value))) if w not in STATE_WORDS)
    return COUNTRIES.get(kept, text)
