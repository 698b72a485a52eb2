"""Any text → the same text in one alphabet, lower case, without accents: the first step of every comparison."""

from __future__ import annotations

import re
import unicodedata

_LETTERS = {
    "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "å": "a", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
    # Cyrillic
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "e", "ж": "zh", "з": "z",
    "и": "i", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "",
    "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "ђ": "d", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz",
    # Greek
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_TABLE = str.maketrans(_LETTERS)
_UMLAUT = re.compile(r"([aou])e+")
_WORD = re.compile(r"[a-z0-9]+")
_DOTTED = re.compile(r"\b(?:[a-z]\.\s?){2,}(?:[a-z]\b)?|\b[a-z](?:/[a-z])+\b")


def bare(value: object) -> str:
    """``value`` in lower case, without accents and in Latin letters.

    Letters of scripts without a table here stay as they are.

    >>> bare("Łódź"), bare("Ромашка")
    ('lodz', 'romashka')
    """
    if value is None:
        return ""
    text = str(value).casefold()
    if text.isascii():
        return text
    # Composed first, so that a letter with a table of its own is found; then accents are taken off.
    text = unicodedata.normalize("NFKC", text).casefold().translate(_TABLE)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", text.casefold().translate(_TABLE))


def fold(value: object) -> str:
    """``value`` as `bare` gives it, and with one spelling for the two of an umlaut.

    >>> fold("Müller") == fold("MUELLER") == "muller"
    True
    """
    return _UMLAUT.sub(r"\1", bare(value))


def words(value: object) -> list[str]:
    """The words and figures of ``value``, folded; initials with dots or slashes become one word.

    >>> words("A.B.C. & Söhne  G.m.b.H.")
    ['abc', 'sohne', 'gmbh']
    """
    folded = fold(value)
    if "." in folded or "/" in folded:
        folded = _DOTTED.sub(lambda m: re.sub(r"[^a-z]", "", m.group()) + " ", folded)
    folded = folded.replace("'", "").replace("’", "")
    found = _WORD.findall(folded)
    # A script without a table has no Latin words at all; its own words are better than none.
    return found or re.findall(r"\w+", folded)


def compact(value: object) -> str | None:
    """The letters and figures of a name in one piece, or None when there are none.

    >>> compact("Sankt-Pölten 1")
    'sanktpolten1'
    """
    return _UMLAUT.sub(r"\1", "".join(words(value))) or None


def code(value: object) -> str | None:
    """The letters and figures of a code in one piece; unlike in a name, “OE” is not “Ö”.

    >>> code("OE-12 b")
    'oe12b'
    """
    return re.sub(r"[\W_]", "", bare(value)) or None
