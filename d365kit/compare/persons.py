"""Names of persons → keys and parts that agree when people would say the names agree."""

from __future__ import annotations

import re
from functools import lru_cache

from d365kit.compare.text import as_text, fold, words, words_of
from d365kit.compare.words import GIVEN_NAMES, TITLES

_REMEMBERED = 1 << 12
_BRACKETS = re.compile(r"[(\[{\"][^)\]}\"]*[)\]}\"]")
_INITIALS = re.compile(r"\b([a-z])\.(?=[a-z]\b)")


@lru_cache(maxsize=_REMEMBERED)
def _person(name: str) -> tuple[str, ...]:
    """The parts of a name, given names first, as far as its spelling tells which are which."""
    text = _INITIALS.sub(r"\1. ", _BRACKETS.sub(" ", fold(name)))
    family, comma, given = text.partition(",")
    family_words, given_words = _named(family.replace(".", " ")), _named(given.replace(".", " "))
    if comma and given_words and family_words:
        return tuple(given_words + family_words)
    parts = family_words + given_words or words_of(text)
    if len(parts) > 1 and _family_first(name, parts):
        parts = [*parts[1:], parts[0]]
    return tuple(parts)


def _named(text: str) -> list[str]:
    parts = words_of(text)
    return [w for w in parts if w not in TITLES] or (parts if len(parts) == 1 and len(parts[0]) > 3 else [])


def _family_first(name: str, parts: list[str]) -> bool:
    """Whether the family name stands first: alone in capitals, or before what can only be a given name."""
    capitals = [bool(words(w)) and w.isupper() and len(w) > 2 for w in name.split()]
    if any(capitals) and not all(capitals):
        first = next(w for w, is_capital in zip(name.split(), capitals, strict=True) if is_capital)
        return words(first)[:1] == parts[:1]
    return len(parts) == 2 and parts[1] in GIVEN_NAMES and parts[0] not in GIVEN_NAMES and len(parts[0]) > 1


def person_words(name: object) -> list[str] | None:
    """The parts of a person's name, given names first, without titles.

    >>> person_words("Dr. Maier, Eva-Maria")
    ['eva', 'maria', 'maier']
    """
    return list(_person(as_text(name))) or None


def person_key(name: object) -> str | None:
    """The parts of a person's name in alphabetical order.

    >>> person_key("Eva Maier") == person_key("MAIER Eva")
    True
    """
    return " ".join(sorted(_person(as_text(name)))) or None


def person_given(name: object) -> str | None:
    """The first name of a person in its full form, when there are two parts at least and it is no initial.

    >>> person_given("Bob Smith"), person_given("Smith, Robert"), person_given("Hans Maier"), person_given("E. Maier")
    ('robert', 'robert', 'johannes', None)
    """
    parts = _person(as_text(name))
    if len(parts) < 2 or len(parts[0]) < 2:
        return None
    return GIVEN_NAMES.get(parts[0], parts[0])


def person_family(name: object) -> str | None:
    """The last part of a person's name, when there are two parts at least.

    >>> person_family("Eva Maier"), person_family("MAIER Eva")
    ('maier', 'maier')
    """
    parts = _person(as_text(name))
    return parts[-1] if len(parts) > 1 else None


def person_initial(name: object) -> str | None:
    """The first letter of a person's first name, when there are two parts at least.

    >>> person_initial("E. Maier")
    'e'
    """
    parts = _person(as_text(name))
    return parts[0][0] if len(parts) > 1 else None
