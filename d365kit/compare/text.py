"""Any value → text in one alphabet, lower case, without accents: the first step of every comparison."""

from __future__ import annotations

import re
import unicodedata

#: Nothing that tells records apart stands behind so many characters; a field may hold megabytes.
LONGEST = 1000

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
    "χ": "ch", "ψ": "ps", "ω": "o", "ά": "a", "έ": "e", "ή": "i", "ί": "i", "ό": "o", "ύ": "y", "ώ": "o",
    # Signs that join, part or adorn words
    "×": "x", "✕": "x", "‐": "-", "–": "-", "—": "-", "−": "-", "‑": "-", "ー": "", "‘": "'", "’": "'", "´": "'",
    "ʼ": "'", "“": '"', "”": '"', "„": '"', "″": '"', "′": "'", "«": '"', "»": '"', "⁄": "/", "／": "/", "™": " ",
    "®": " ", "©": " ", "℠": " ", "°": " ", "º": "o", "ª": "a",
    # Arabic and Hebrew signs that anyascii writes with apostrophes
    "ء": "",
    "أ": "a", "إ": "i", "آ": "a", "ا": "a", "ع": "a", "ة": "a", "ى": "a", "א": "a", "ע": "a", "״": '"', "׳": "'",
}  # fmt: skip


class _Table(dict[int, str]):
    """Code point → its Latin spelling; what is not listed is worked out once and kept."""

    def __missing__(self, point: int) -> str:
        found = self[point] = _latin(chr(point))
        return found


def _latin(letter: str) -> str:
    """One folded character in Latin letters; signs become a space, marks nothing, and unknown letters stay."""
    if letter.isascii():
        return letter
    kind = unicodedata.category(letter)
    if kind in ("Mn", "Me", "Cf"):
        return ""
    plain = unicodedata.normalize("NFKD", letter)
    plain = "".join(_LETTERS.get(c, c) for c in plain.casefold() if not unicodedata.combining(c))
    if plain.isascii():
        return f" {plain}" if kind == "No" and "/" in plain else plain
    if kind[0] not in "LNM":
        return " "
    from anyascii import anyascii

    found = re.sub(r"[^a-z0-9]", "", anyascii(letter).lower())
    return found or (letter.casefold() if letter.isalnum() else "")


_TABLE = _Table({ord(c): latin for c, latin in _LETTERS.items()})
_UMLAUT = re.compile(r"a[ae]+|[ou]e+")
_WORD = re.compile(r"[a-z0-9]+")
_ANY_WORD = re.compile(r"[^\W_]+")
_NOT_CODE = re.compile(r"[\W_]+")
_DOTTED = re.compile(r"\b(?:[a-z]\.\s?){2,}(?:[a-z]\b)?|\b[a-z](?:/[a-z])+\b")
_NOT_LETTER = re.compile(r"[^a-z]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

# UTF-8 that was read as Windows-1252 or Latin-1: a first byte, then so many that can only follow one.
_TAIL = "€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸŽ\x80-\xbf"
_MISREAD = re.compile(f"[ÂÃÄÅÎÏÐÑ×Ø][{_TAIL}]|[âáàä][{_TAIL}]{{2}}")


def _byte(letter: str) -> bytes:
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1")


def _reread(found: re.Match[str]) -> str:
    try:
        text = b"".join(_byte(c) for c in found.group()).decode("utf-8")
    except UnicodeError:
        return found.group()
    is_quoted = found.group().endswith("»") and "«" in found.string
    return text if (text.isalpha() or found.group()[0] in "Ââ") and not is_quoted else found.group()


def repaired(text: str) -> str:
    """``text`` with the letters back that were read in the wrong encoding, even twice.

    >>> repaired("MÃ¼ller"), repaired("Müller"), repaired("SÃO PAULO")
    ('Müller', 'Müller', 'SÃO PAULO')
    """
    for _ in range(2):
        if not _MISREAD.search(text):
            break
        text = _MISREAD.sub(_reread, text)
    return text


def as_text(value: object) -> str:
    """Any value as text that can be compared: ``""`` for a missing one, cut when very long, never an error.

    >>> as_text(None), as_text(float("nan")), as_text(12.0), as_text("x" * 5000) == "x" * LONGEST
    ('', '', '12', True)
    """
    if type(value) is str:
        if len(value) <= LONGEST and value.isascii():
            return value
        text = value
    elif value is None:
        return ""
    elif isinstance(value, float):
        if value != value:
            return ""
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    elif isinstance(value, bytes):
        text = value[:LONGEST].decode("utf-8", "replace")
    else:
        try:
            text = str(value)
        except Exception:  # whatever a foreign object does when it is asked for its text
            return ""
        if text in ("<NA>", "NaT", "nan"):
            return ""
    if len(text) > LONGEST:
        text = text[:LONGEST]
    return text if text.isascii() else _SURROGATE.sub(" ", text)


def bare(value: object) -> str:
    """``value`` in lower case, without accents and in Latin letters, whatever its script.

    >>> bare("Łódź"), bare("Ромашка"), bare("ソニー")
    ('lodz', 'romashka', 'soni')
    """
    if type(value) is str and len(value) <= LONGEST and value.isascii():
        return value.lower()
    text = as_text(value)
    if text.isascii():
        return text.lower()
    # Composed, so that a letter with a spelling of its own is found before its accents are taken off.
    return unicodedata.normalize("NFC", repaired(text).casefold()).translate(_TABLE)


def fold(value: object) -> str:
    """``value`` as `bare` gives it, and with one spelling for the two of an umlaut.

    >>> fold("Müller") == fold("MUELLER") == "muller"
    True
    """
    return _UMLAUT.sub(_one_vowel, bare(value))


def _one_vowel(found: re.Match[str]) -> str:
    return found.group()[0]


def words(value: object) -> list[str]:
    """The words and figures of ``value``, folded; initials with dots or slashes become one word.

    >>> words("A.B.C. & Söhne  G.m.b.H.")
    ['abc', 'sohne', 'gmbh']
    """
    return words_of(fold(value))


def words_of(folded: str) -> list[str]:
    """The words of a text that `fold` gave."""
    if "." in folded or "/" in folded:
        folded = _DOTTED.sub(_joined, folded)
    if "'" in folded:
        folded = folded.replace("'", "")
    # Letters that no table knows are words too.
    return (_WORD if folded.isascii() else _ANY_WORD).findall(folded)


def _joined(found: re.Match[str]) -> str:
    return _NOT_LETTER.sub("", found.group()) + " "


def compact(value: object) -> str | None:
    """The letters and figures of a name in one piece, or None when there are none.

    >>> compact("Sankt-Pölten 1")
    'sanktpolten1'
    """
    return _UMLAUT.sub(_one_vowel, "".join(words(value))) or None


def code(value: object) -> str | None:
    """The letters and figures of a code in one piece; unlike in a name, “OE” is not “Ö”.

    >>> code("OE-12 b")
    'oe12b'
    """
    return _NOT_CODE.sub("", bare(value)) or None


def joined_letters(parts: list[str]) -> list[str]:
    """``parts`` with letters that follow one another put into one word: an abbreviation written with blanks.

    >>> joined_letters(["foo", "s", "r", "o", "x"]), joined_letters(["plan", "b"])
    (['foo', 'srox'], ['plan', 'b'])
    """
    if sum(len(w) == 1 for w in parts) < 2:
        return parts
    out: list[str] = []
    after_letter = False
    for word in parts:
        is_letter = len(word) == 1 and word.isalpha()
        if is_letter and after_letter:
            out[-1] += word
        else:
            out.append(word)
        after_letter = is_letter
    return out
