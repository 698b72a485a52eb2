"""words.toml → countries and their patterns; invented companies, people, addresses and items."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_FREE_MAIL = ("gmail.com", "outlook.com", "gmx.net", "yahoo.com", "web.de")
_SPECIAL = str.maketrans(
    {"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "å": "aa", "ł": "l", "đ": "d", "ð": "d"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Æ": "Ae", "Ø": "Oe", "Å": "Aa", "Ł": "L"}
)


@dataclass(frozen=True)
class City:
    """A city with the start of its post codes, its dialling code and its state."""

    name: str
    post: str
    area: str
    state: str


@dataclass(frozen=True)
class Country:
    """The words and formats of one country."""

    code: str
    name: str
    currency: str
    dial: str
    legal: tuple[str, ...]
    conjunction: str
    kin: tuple[str, ...]
    trades: tuple[str, ...]
    family: tuple[str, ...]
    first: tuple[str, ...]
    streets: tuple[str, ...]
    street: str
    cities: tuple[City, ...]
    post: str
    vat: str
    local: str


@dataclass(frozen=True)
class Words:
    """All lists: countries with their weights, brand parts, product parts, job titles."""

    countries: tuple[Country, ...]
    weights: tuple[int, ...]
    others: dict[str, str]
    heads: tuple[str, ...]
    tails: tuple[str, ...]
    nouns: tuple[tuple[str, str, int, str], ...]
    makes: dict[str, tuple[str, ...]]
    sizes: dict[str, tuple[str, ...]]
    colours: tuple[str, ...]
    titles: tuple[str, ...]


@cache
def words() -> Words:
    """Return the lists."""
    text = resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    lists = tomllib.loads(text)
    products = lists["products"]
    nouns = [part.split(":") for part in products["nouns"].split()]
    return Words(
        countries=tuple(_country(code, entry) for code, entry in lists["countries"].items()),
        weights=tuple(entry["weight"] for entry in lists["countries"].values()),
        others=lists["other_countries"],
        heads=tuple(lists["brands"]["heads"].split()),
        tails=tuple(lists["brands"]["tails"].split()),
        nouns=tuple((name, unit, int(price), letter) for name, unit, price, letter in nouns),
        makes={letter: tuple(entry["makes"].split()) for letter, entry in lists["families"].items()},
        sizes={letter: tuple(entry["sizes"].split()) for letter, entry in lists["families"].items()},
        colours=tuple(products["colours"].split()),
        titles=tuple(lists["jobs"]["titles"].split("|")),
    )


def _country(code: str, entry: dict[str, str]) -> Country:
    def split(name: str) -> tuple[str, ...]:
        return tuple(entry[name].split("|"))

    cities = [(part + ":").split(":")[:4] for part in split("cities")]
    return Country(
        code=code,
        name=entry["name"],
        currency=entry["currency"],
        dial=entry["dial"],
        legal=split("legal"),
        conjunction=entry["and"],
        kin=split("kin"),
        trades=split("trades"),
        family=split("family"),
        first=split("first"),
        streets=split("streets"),
        street=entry["street"],
        cities=tuple(City(*part) for part in cities),
        post=entry["post"],
        vat=entry["vat"],
        local=entry["local"],
    )


def filled(pattern: str, rng: Random) -> str:
    """Return a pattern with each # a digit and each @ a letter.

    >>> filled("A-1", Random(0))
    'A-1'
    """
    digits = f"{rng.getrandbits(63):019d}"
    out, at = [], 18
    for character in pattern:
        if character == "#":
            out.append(digits[at])
            at -= 1
        elif character == "@":
            out.append(_LETTERS[int(digits[at - 1 : at + 1]) % len(_LETTERS)])
            at -= 2
        else:
            out.append(character)
    return "".join(out)


@cache
def ascii_word(text: str) -> str:
    """Return a word without diacritics.

    >>> ascii_word("Söhne"), ascii_word("Łódź")
    ('Soehne', 'Lodz')
    """
    plain = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
    return plain.encode("ascii", "ignore").decode()


def ascii_text(text: str) -> str:
    """Return text without diacritics."""
    return text if text.isascii() else " ".join(ascii_word(word) for word in text.split(" "))


def slug(text: str) -> str:
    """Return a text as a part of a domain name.

    >>> slug("Brandt & Söhne Metallbau")
    'brandt-soehne-metallbau'
    """
    return "-".join(re.findall("[a-z0-9]+", ascii_text(text).lower().replace("'", "")))


def free_mail(rng: Random) -> str:
    """Return the domain of a free-mail provider."""
    return rng.choice(_FREE_MAIL)


def gtin(rng: Random) -> str:
    """Return a GTIN-13 with a valid check digit."""
    digits = f"4{rng.randrange(10**11):011d}"
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
