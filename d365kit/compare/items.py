"""Item descriptions → words, and the figures, sizes and codes that tell one item from its neighbour."""

from __future__ import annotations

import re
from functools import lru_cache

from d365kit.compare.text import as_text, fold
from d365kit.compare.words import JOINING_WORDS, UNITS

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_TIMES = re.compile(r"(?<=\d)\s*[x×*]\s*(?=\d)")
_CODE = re.compile(r"\w+(?:[-./]\w+)*")


@lru_cache(maxsize=1 << 12)
def _tokens(name: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words, and figures with their units, of an item description, in the order written."""
    text = _TIMES.sub(" ", fold(name).replace("×", "x").replace('"', " inch "))
    text_words: list[str] = []
    sizes: list[str] = []
    tokens = _TOKEN.findall(text)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token[0].isdigit():
            size = _figure(token)
            following = tokens[at + 1] if at + 1 < len(tokens) else ""
            if following in UNITS:
                size += UNITS[following]
                at += 1
            sizes.append(size)
        elif token not in JOINING_WORDS:
            text_words.append(UNITS.get(token, token) if len(token) > 2 else token)
        at += 1
    return tuple(text_words), tuple(sizes)


def _figure(token: str) -> str:
    """A number without leading zeros and with a point for its decimals: “0,50” → “0.5”."""
    whole, point, decimals = token.replace(",", ".").partition(".")
    decimals = decimals.rstrip("0").rstrip(".") if point else ""
    return (whole.lstrip("0") or "0") + (f".{decimals}" if decimals else "")


def item_words(name: object) -> list[str] | None:
    """The words of an item description without figures.

    >>> item_words("Schraube M8 x 40 mm, verzinkt")
    ['schraube', 'm', 'verzinkt']
    """
    found = [w for w in _tokens(as_text(name))[0] if w != "x"]
    return list(dict.fromkeys(found)) or None


def item_sizes(name: object) -> list[str] | None:
    """The figures of an item description with their units, sorted.

    >>> item_sizes("Saft 0,50 Liter 6er") == item_sizes("SAFT 6er 0.5l")
    True
    """
    return sorted(set(_tokens(as_text(name))[1])) or None


def item_key(name: object) -> str | None:
    """All words and figures of an item description in alphabetical order.

    >>> item_key("Bike, Touring 28 inch") == item_key('Touring Bike 28"')
    True
    """
    return " ".join(sorted([*(item_words(name) or ()), *(item_sizes(name) or ())])) or None


def item_plain(name: object) -> str | None:
    """The words of an item description in one piece, as written.

    >>> item_plain("Front Wheel 28")
    'frontwheel'
    """
    return "".join(item_words(name) or ()) or None


def item_codes(name: object) -> list[str] | None:
    """Words that mix letters and figures, such as model numbers, without punctuation.

    >>> item_codes("Pump AX-200b, 5 l")
    ['ax200b']
    """
    found = {re.sub(r"[\W_]", "", c) for c in _CODE.findall(fold(name))}
    return sorted(c for c in found if len(c) > 2 and not c.isdigit() and not c.isalpha()) or None
