"""A clean text and a random source → the same text as somebody typed, cut or exported it."""

from __future__ import annotations

import unicodedata
from bisect import bisect
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

_NEAR = {
    "a": "sqe", "b": "vn", "c": "xvk", "d": "sft", "e": "rwa", "f": "gdv", "g": "hfk", "h": "gj", "i": "ouy",
    "j": "hk", "k": "cl", "l": "ki", "m": "n", "n": "mb", "o": "ipa", "p": "ob", "q": "wa", "r": "te", "s": "azd",
    "t": "rdy", "u": "yio", "v": "bwf", "w": "ev", "x": "cz", "y": "uit", "z": "sx",
}  # fmt: skip
_FOLD = str.maketrans({
    "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L", "đ": "d", "ı": "i", "œ": "oe",
})  # fmt: skip
_SPELT = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "oe", "Ø": "Oe", "å": "aa",
    "Å": "Aa", "æ": "ae", "Æ": "Ae",
})  # fmt: skip


class Skewed(Generic[T]):
    """Things in order of rank → draws among them that follow Zipf's law."""

    def __init__(self, things: Sequence[T], exponent: float = 0.8, shift: float = 2.0):
        self.things = tuple(things)
        self.sums = list(accumulate(1 / (rank + shift) ** exponent for rank in range(len(self.things))))
        self.total = self.sums[-1] if self.sums else 0.0

    def __call__(self, rng: Random) -> T:
        return self.things[bisect(self.sums, rng.random() * self.total)]


class Weighted(Generic[T]):
    """Things with weights → draws among them by weight."""

    def __init__(self, things: Sequence[tuple[float, T]]):
        self.things = tuple(thing for _, thing in things)
        self.sums = list(accumulate(weight for weight, _ in things))

    def __call__(self, rng: Random) -> T:
        return self.things[bisect(self.sums, rng.random() * self.sums[-1])]


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """Text → the same without accents: Müller becomes Muller."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_FOLD))
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def spelt(text: str) -> str:
    """Text → umlauts in two letters: Müller becomes Mueller."""
    return text if text.isascii() else fold(text.translate(_SPELT))


def garbled(text: str) -> str:
    """Text → UTF-8 read as Windows-1252: Müller becomes MÃ¼ller."""
    try:
        return text.encode("utf-8").decode("cp1252")
    except UnicodeDecodeError:
        return text.encode("utf-8").decode("latin-1").replace("\x85", "…")


def typo(text: str, rng: Random) -> str:
    """Text → one slip of the keyboard in it: a letter wrong, left out, doubled, or two swapped."""
    if len(text) < 4:
        return text
    place = rng.randrange(1, len(text) - 1)
    if not text[place].isalpha():
        place = next((p for p in range(1, len(text) - 1) if text[p].isalpha()), 0)
        if not place:
            return text
    letter, kind = text[place], rng.randrange(4)
    if kind == 0:
        other = rng.choice(_NEAR.get(letter.lower(), "eao")) if letter.isascii() else text[place - 1]
        return text[:place] + (other.upper() if letter.isupper() else other) + text[place + 1 :]
    if kind == 1:
        return text[:place] + text[place + 1 :]
    if kind == 2:
        return text[:place] + letter + text[place:]
    return text[:place] + text[place + 1] + letter + text[place + 2 :]


def wrong_digit(text: str, rng: Random) -> str:
    """Text with digits → the same with one digit wrong, or two neighbours swapped."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    if not places:
        return text
    place = rng.choice(places)
    if rng.random() < 0.4 and place + 1 < len(text) and text[place + 1].isdigit() and text[place + 1] != text[place]:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text[:place] + str((int(text[place]) + rng.randrange(1, 10)) % 10) + text[place + 1 :]
