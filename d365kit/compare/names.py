"""Names of companies and persons → keys and words that agree when people would say the names agree."""

from __future__ import annotations

import re
from functools import lru_cache

from d365kit.compare.text import as_text, fold, words
from d365kit.compare.words import ABBREVIATIONS, JOINING_WORDS, LEADING_FORMS, LEGAL_FORMS, TITLES

_LONGEST_FORM = max(len(form) for form in LEGAL_FORMS)

#: So many names are kept, since several normalisers take each of them apart.
_REMEMBERED = 1 << 12
_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]")


@lru_cache(maxsize=_REMEMBERED)
def _company(name: object) -> tuple[str, ...]:
    all_words = words(name)
    core = _without_forms([w for w in all_words if w not in JOINING_WORDS])
    return tuple(ABBREVIATIONS.get(w, w) for w in core or all_words)


def company_words(name: object) -> list[str] | None:
    """The words that tell one company from another, in the order written: no legal form, no “and”.

    >>> company_words("Gebr. Müller & Söhne Ges.m.b.H. & Co. KG")
    ['gebruder', 'muller', 'sohne']
    """
    return list(_company(as_text(name))) or None


def _without_forms(parts: list[str]) -> list[str]:
    """``parts`` without legal forms; a first word is kept, for it may be the name itself (“AS Roma”).

    Forms that some countries write in front (“OOO”, “AB”, “UAB”) go.
    """
    if len(parts) > 1 and parts[0] in LEADING_FORMS:
        parts = parts[1:]
    out = parts[:1]
    at = 1
    while at < len(parts):
        for length in range(min(_LONGEST_FORM, len(parts) - at), 0, -1):
            if tuple(parts[at : at + length]) in LEGAL_FORMS:
                at += length
                break
        else:
            out.append(parts[at])
            at += 1
    return out


def company_key(name: object) -> str | None:
    """The words of a company name in alphabetical order.

    >>> company_key("Bau Huber GmbH") == company_key("HUBER BAU")
    True
    """
    return " ".join(sorted(set(_company(as_text(name))))) or None


def company_plain(name: object) -> str | None:
    """The words of a company name in one piece, as written: “Nord Wind” is “Nordwind”.

    >>> company_plain("Nord-Wind Ltd.")
    'nordwind'
    """
    return "".join(_company(as_text(name))) or None


@lru_cache(maxsize=_REMEMBERED)
def _person(name: object) -> tuple[str, ...]:
    text = _BRACKETS.sub(" ", fold(name))
    family, comma, given = text.partition(",")
    parts = words(given) + words(family) if comma else words(text)
    return tuple([w for w in parts if w not in TITLES] or parts)


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


def person_family(name: object) -> str | None:
    """The last part of a person's name, when there are two parts at least.

    >>> person_family("Eva Maier")
    'maier'
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
