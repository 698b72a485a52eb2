"""Names of companies → keys and words that agree when people would say the names agree."""

from __future__ import annotations

import re
from functools import lru_cache

from d365kit.compare.text import as_text, fold, joined_letters, repaired, words_of
from d365kit.compare.words import (
    ABBREVIATIONS,
    JOINING_WORDS,
    LEADING_FORMS,
    LEGAL_FORMS,
    ONLY_AT_END,
    SCRIPT_FORMS,
    SCRIPT_WORDS,
    SHARE_WORDS,
    SHORT_FORMS,
    by_word,
)

#: So many names are kept, for several normalisers take each of them apart, one after the other.
_REMEMBERED = 1 << 12

_LEADING = by_word(LEADING_FORMS, 0)
_STARTS = by_word((f for f in LEGAL_FORMS if len(f) > 1 or f[0] not in ONLY_AT_END), 0)
_ENDS = by_word(LEGAL_FORMS, -1)
_SHARE_ENDS = by_word(SHARE_WORDS, -1)

_SCRIPT_FORM = re.compile("|".join(re.escape(raw) for raw in sorted(SCRIPT_FORMS, key=len, reverse=True)))
_SCRIPT_WORD = re.compile(
    r"(?<!\w)(?:" + "|".join(re.escape(raw) for raw in sorted(SCRIPT_WORDS, key=len, reverse=True)) + r")(?!\w)"
)
_COMPOUND = "gmbh & co kg"
#: How filings mark the state of a company: “Contoso Inc /DE/”.
_STATE = re.compile(r"(?<=\s)[/\\]\s?[A-Za-z]{2,4}\s?[/\\]?\s*$")
_OWNER = re.compile(r"\s(?:inh|inhaber|inhaberin|owner|titolare)\b[.:]?\s.*$")
_PAIR = re.compile(r"\b([a-z]{1,2})\s?[&+]\s?([a-z]{1,2})\b(?=\s)")


@lru_cache(maxsize=_REMEMBERED)
def _company(name: str) -> tuple[list[str], list[str], str | None]:
    """The telling words of a company name as spelt and with short forms opened, and the family of its legal form."""
    if not name.isascii():
        name = repaired(name)
        name = _SCRIPT_WORD.sub(lambda m: f" {SCRIPT_WORDS[m.group()]} ", name)
        name = _SCRIPT_FORM.sub(lambda m: f" {SCRIPT_FORMS[m.group()]} ", name)
    if "/" in name or "\\" in name:
        name = _STATE.sub("", name)
    folded = fold(name)
    if "inh" in folded or "owner" in folded or "titolare" in folded:
        folded = _OWNER.sub("", folded)
    if "f.lli" in folded:
        folded = folded.replace("f.lli", "flli")
    if "&" in folded or "+" in folded:
        folded = _PAIR.sub(r"\1\2", folded)
    all_words = joined_letters(words_of(folded))
    parts = [w for w in all_words if w not in JOINING_WORDS]
    if all_words[-1:] == ["og"]:
        # “And” in the North, but a legal form at the end of a name.
        parts.append("og")
    core, family = _without_forms(parts)
    kept = core or all_words
    return kept, [ABBREVIATIONS.get(w, w) for w in kept], family


def _without_forms(parts: list[str]) -> tuple[list[str], str | None]:
    """``parts`` without legal forms, and the family of the form; at least one word is kept (“AS Roma”)."""
    families: list[str | None] = []
    while len(parts) > 1 and (share := _at_end(parts, _SHARE_ENDS)):
        parts = parts[: -len(share)]
    while len(parts) > 1 and (form := _at_end(parts, _ENDS)):
        parts = parts[: -len(form)]
        families.append(LEGAL_FORMS[form])
    if len(parts) > 1 and parts[0] in _LEADING:
        for form in _LEADING[parts[0]]:
            if len(form) < len(parts) and tuple(parts[: len(form)]) == form:
                parts = parts[len(form) :]
                families.append(LEGAL_FORMS.get(form))
                break
    out = parts[:1]
    at = 1
    while at < len(parts):
        word = parts[at]
        for form in _STARTS.get(word, ()):
            if tuple(parts[at : at + len(form)]) == form:
                at += len(form)
                families.append(LEGAL_FORMS[form])
                break
        else:
            out.append(word)
            at += 1
    if out and out[-1].endswith(("mbh", "gesellschaft", "ges")):
        out[-1], glued = _unglued(out[-1], families)
        families += [glued]
    return out, _COMPOUND if _COMPOUND in families else next((f for f in families if f), None)


def _at_end(parts: list[str], ends: dict[str, list[tuple[str, ...]]]) -> tuple[str, ...] | None:
    for form in ends.get(parts[-1], ()):
        if len(form) < len(parts) and tuple(parts[-len(form) :]) == form:
            return form
    return None


def _unglued(word: str, families: list[str | None]) -> tuple[str, str | None]:
    """A word without the legal form that was glued to it: “handelsgesmbh”, “baugesellschaft” → “handels”, “bau”."""
    family = None
    stem = word
    if stem.endswith("mbh"):
        stem, family = stem[:-3].removesuffix("g"), "gmbh"
    for ending in ("aktiengesellschaft", "gesellschaft", "ges" if family or "gmbh" in families else "gesellschaft"):
        stem = stem.removesuffix(ending)
    return (stem, family) if len(stem) > 2 else (word, None)


def company_words(name: object) -> list[str] | None:
    """The words that tell one company from another, in the order written: no legal form, no “and”.

    >>> company_words("Gebr. Müller & Söhne Ges.m.b.H. & Co. KG")
    ['gebruder', 'muller', 'sohne']
    """
    return list(_company(as_text(name))[1]) or None


def company_key(name: object) -> str | None:
    """The words of a company name in alphabetical order.

    >>> company_key("Bau Huber GmbH") == company_key("HUBER BAU")
    True
    """
    return " ".join(sorted(set(_company(as_text(name))[1]))) or None


def company_plain(name: object) -> str | None:
    """The words of a company name in one piece, in the order written: “Nord Wind” is “Nordwind”.

    >>> company_plain("Nord-Wind Ltd.")
    'nordwind'
    """
    return "".join([SHORT_FORMS.get(w, w) for w in _company(as_text(name))[0]]) or None


def company_form(name: object) -> str | None:
    """The family of a company's legal form; None when the name tells none.

    >>> company_form("Huber Ges.m.b.H."), company_form("Contoso Corporation"), company_form("Contoso, Inc.")
    ('gmbh', 'inc', 'inc')
    >>> company_form("Huber GmbH & Co. KG"), company_form("ООО Ромашка"), company_form("Huber")
    ('gmbh & co kg', 'llc', None)
    """
    return _company(as_text(name))[2]


def company_acronym(name: object) -> str | None:
    """The initials of a name of three words or more, or a name that is itself one word of three to six letters.

    >>> company_acronym("International Business Machines Corp."), company_acronym("IBM")
    ('ibm', 'ibm')
    """
    parts = _company(as_text(name))[0]
    if len(parts) == 1:
        return parts[0] if 3 <= len(parts[0]) <= 6 and parts[0].isalpha() else None
    return "".join(w[0] for w in parts) if 3 <= len(parts) <= 6 else None
