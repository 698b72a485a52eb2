"""words.toml → the word lists that normalisation needs: legal forms, abbreviations, countries, units."""

from __future__ import annotations

import tomllib
from importlib import resources

from d365kit.compare.text import fold

_RAW = tomllib.loads((resources.files("d365kit.compare") / "words.toml").read_text("utf-8"))


def _set(name: str) -> frozenset[str]:
    return frozenset(fold(_RAW[name]).split())


def _spellings(name: str) -> dict[str, str]:
    """Every spelling of a table of the file, and the one it becomes."""
    return {spelling: one for one, spellings in _RAW[name].items() for spelling in fold(spellings).split()}


#: Legal forms as sequences of words.
LEGAL_FORMS: frozenset[tuple[str, ...]] = frozenset(
    [(form,) for form in _set("legal_forms")] + [tuple(fold(form).split()) for form in _RAW["legal_forms_of_words"]]
)
LEADING_FORMS = _set("leading_forms")
JOINING_WORDS = _set("joining_words")
TITLES = _set("titles")
FREE_MAIL = _set("free_mail")
SECOND_LEVEL = _set("second_level")
STREET_ENDINGS: tuple[str, ...] = tuple(fold(_RAW["street_endings"]).split())
ABBREVIATIONS = _spellings("abbreviations")
STREET_WORDS = _spellings("streets")
COUNTRIES = _spellings("countries")
UNITS = _spellings("units")
