"""lists/*.toml → the word lists that normalisation needs: legal forms, abbreviations, places, units and more."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from d365kit.compare.text import fold, joined_letters, words


@cache
def _file(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("d365kit.compare") / "lists" / f"{name}.toml").read_text("utf-8"))


def _set(file: str, name: str) -> frozenset[str]:
    return frozenset(fold(_file(file)[name]).split())


def _spellings(table: dict[str, str]) -> dict[str, str]:
    """Every spelling of a table, and the one it becomes; what is listed first counts."""
    found: dict[str, str] = {}
    for one, spellings in table.items():
        for spelling in fold(spellings).split():
            found.setdefault(spelling, one)
    return found


JOINING_WORDS = _set("companies", "joining")
Form = tuple[str, ...]


def _form(spelling: str) -> Form:
    """A legal form as the words that are left of it in a name."""
    parts = joined_letters(words(spelling))
    return tuple(w for w in parts if w not in JOINING_WORDS) or tuple(parts)


def _forms(spellings: str) -> Iterable[Form]:
    return filter(None, map(_form, spellings.split(";")))


def _legal_forms() -> dict[Form, str | None]:
    legal = _file("legal")
    found: dict[Form, str | None] = dict.fromkeys(_forms(legal["no_family"]["forms"]))
    for family, spellings in legal["families"].items():
        for form in _forms(spellings):
            found.setdefault(form, family)
    return found


def _shortens(word: str, one: str) -> bool:
    """Whether ``word`` is ``one`` with letters left out, but not the first."""
    letters = iter(one)
    return word[0] == one[0] and all(letter in letters for letter in word)


def by_word(forms: Iterable[Form], place: int) -> dict[str, list[Form]]:
    """``forms`` by their first word (``place`` 0) or last (-1), the longest in front."""
    found: dict[str, list[Form]] = {}
    for form in sorted(set(forms), key=lambda form: (-len(form), form)):
        found.setdefault(form[place], []).append(form)
    return found


#: Legal forms as sequences of words, and the family of each.
LEGAL_FORMS = _legal_forms()
LEADING_FORMS = frozenset(_forms(_file("legal")["leading"]["forms"]))
SHARE_WORDS = frozenset(_forms(_file("legal")["shares"]["forms"]))
ONLY_AT_END = _set("companies", "only_at_end")
#: Spellings of legal forms in scripts without blanks, and those that count only as whole words.
SCRIPT_FORMS = {raw: latin for latin, raws in _file("legal")["scripts"].items() for raw in raws.split()}
SCRIPT_WORDS = {raw: latin for latin, raws in _file("legal")["script_words"].items() for raw in raws.split()}
ABBREVIATIONS = _spellings(_file("companies")["abbreviations"])
#: Those that only shorten a word; other spellings may be parts of longer words (“Nord Wind”, “Nordwind”).
SHORT_FORMS = {
    word: one
    for word, one in ABBREVIATIONS.items()
    if one in (word + "s", word[:-1]) or (len(one) - len(word) > 2 and _shortens(word, one + "s"))
}

TITLES = _set("persons", "titles")
GIVEN_NAMES = _spellings(_file("persons")["given"]) | {fold(one): fold(one) for one in _file("persons")["given"]}

#: Hosts are as they are, not folded.
FREE_ANY_ENDING, FREE_HOSTS, SHARED_HOSTS, HOSTED_UNDER, SECOND_LEVEL, TWO_LEVEL, SHARED_BOXES = (
    frozenset(_file("mail")[name].split())
    for name in (
        "free_any_ending", "free_hosts", "shared_hosts", "hosted_under", "second_level", "two_level", "shared_boxes",
    )
)  # fmt: skip
STREET_WORDS = _spellings(_file("places")["streets"])
STREET_ENDINGS = tuple(e for e in fold(_file("places")["street_endings"]).split() if e in STREET_WORDS)
STREET_JOINING = _set("places", "joining")
LEFT_OUT_IN_STREETS = _set("places", "left_out")
#: Words for parts of a building, which are no part of the address.
BUILDING_PARTS = _set("places", "units")
SPECIAL_LINES = _set("places", "special")
MONTHS = _set("places", "months")
NUMBERED_STREETS = _set("places", "numbered")
TOWN_LIES_AT = _set("places", "lies_at")
OFFICIAL_WORDS = _set("places", "official")
STATE_WORDS = _set("places", "state_words")
ORDINALS = _spellings(_file("places")["ordinals"])
_TOWNS = _file("places")["towns"]
TOWNS = {
    spelling: fold(one) for spelling, one in _spellings(_TOWNS | {t: f"{t} {s}" for t, s in _TOWNS.items()}).items()
}
#: Names of countries; codes and names as they are, and folded where that says no other country.
_COUNTRIES = {
    spelling: iso for iso, names in _file("countries")["countries"].items() for spelling in [iso, *names.split()]
}
COUNTRIES = _spellings(_file("countries")["countries"]) | _COUNTRIES

UNITS = _spellings(_file("items")["units"])
#: How many of which unit a unit is.
CONVERSIONS = {
    unit: (float(worth.split()[0]), worth.split()[1]) for unit, worth in _file("items")["conversions"].items()
}
PACKS = frozenset(fold(_file("items")["words"]["packs"]).split())
BETWEEN_PACKS = frozenset(fold(_file("items")["words"]["between"]).split())
COLOURS = _spellings(_file("items")["colours"])
MATERIALS = _spellings(_file("items")["materials"])
ITEM_WORDS = _spellings(_file("items")["abbreviations"])
JOINING_IN_ITEMS = JOINING_WORDS | {"mit", "with", "of"}

VAT_PREFIXES = _set("numbers", "vat_prefixes")
#: Country codes of phone numbers that have two figures.
PHONE_CODES = _set("numbers", "phone_codes")
