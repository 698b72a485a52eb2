"""Post codes, towns, streets and countries → values that agree when the places agree."""

from __future__ import annotations

import re
from functools import lru_cache

from d365kit.compare.text import as_text, code, compact, words
from d365kit.compare.words import COUNTRIES, STREET_ENDINGS, STREET_WORDS

_HOUSE = re.compile(r"^\d+[a-z]{0,2}$")
_COUNTRY_PREFIX = re.compile(r"^[A-Za-z]{1,2}\s*-\s*(?=\d)")


def post_code(value: object) -> str | None:
    """A post code without country prefix, spaces and case.

    >>> post_code("A-1010"), post_code("gb sw1a 1aa")
    ('1010', 'gbsw1a1aa')
    """
    return code(_COUNTRY_PREFIX.sub("", as_text(value).strip())) if value is not None else None


def city(value: object) -> str | None:
    """A town without what stands in brackets or after a comma or slash.

    >>> city("Frankfurt (Main)"), city("St. Pölten")
    ('frankfurt', 'stpolten')
    """
    if value is None:
        return None
    return compact(re.split(r"[(,/]", as_text(value))[0]) or compact(value)


def country(value: object) -> str | None:
    """The ISO code of a country written as a code or a name; unknown words stay as they are, folded.

    >>> country("Österreich"), country("AT")
    ('at', 'at')
    """
    text = compact(value)
    return COUNTRIES.get(text, text) if text else None


@lru_cache(maxsize=1 << 12)
def _street_parts(value: object) -> tuple[tuple[str, ...], str]:
    """The words of a street in their short spelling, and its house number or ``""``."""
    names: list[str] = []
    house = ""
    for word in words(value):
        if _HOUSE.match(word):
            house = house or word
            continue
        for ending in STREET_ENDINGS:
            if word.endswith(ending) and len(word) > len(ending) + 2:
                names += [word.removesuffix(ending), STREET_WORDS[ending]]
                break
        else:
            names.append(STREET_WORDS.get(word, word))
    return tuple(names), house


def street(value: object) -> str | None:
    """The name of a street without house number, in one spelling.

    >>> street("Haupt-Straße 12") == street("hauptstr. 12a")
    True
    """
    return "".join(_street_parts(as_text(value))[0]) or None


def house_number(value: object) -> str | None:
    """The house number in a street line: its figures only.

    >>> house_number("221b Baker Street")
    '221'
    """
    return re.sub(r"\D", "", _street_parts(as_text(value))[1]) or None


def street_key(value: object) -> str | None:
    """Street and house number together, when both are there.

    >>> street_key("Hauptstraße 12a")
    'hauptstr 12'
    """
    name, number = street(value), house_number(value)
    return f"{name} {number}" if name and number else None
