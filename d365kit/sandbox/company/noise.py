"""True values → values as a second system spells them; every change has a probability times the dirt."""

from __future__ import annotations

import re
from random import Random

from d365kit.sandbox.company.words import Country, ascii_text

_NICKNAMES = {
    "Robert": "Bob",
    "William": "Bill",
    "James": "Jim",
    "Richard": "Dick",
    "Michael": "Mike",
    "Thomas": "Tom",
    "Elizabeth": "Liz",
    "Katherine": "Kate",
    "Christopher": "Chris",
    "Margaret": "Peggy",
    "Joseph": "Joe",
    "Edward": "Ted",
    "Patrick": "Paddy",
    "Jennifer": "Jenny",
    "Susan": "Sue",
    "Daniel": "Dan",
    "Andreas": "Andi",
    "Stefan": "Stephan",
    "Matthias": "Mathias",
    "Christoph": "Kristof",
    "Guillaume": "Guy",
    "Francesca": "Franca",
    "Alessandro": "Sandro",
    "José": "Pepe",
    "Małgorzata": "Gosia",
}
_LEGAL = {
    "GmbH": ("Gesellschaft mit beschränkter Haftung", "Gmbh", "G.m.b.H."),
    "GmbH & Co. KG": ("GmbH & Co KG", "GmbH und Co. KG", "GmbH&Co.KG"),
    "AG": ("Aktiengesellschaft", "A.G."),
    "KG": ("Kommanditgesellschaft",),
    "OHG": ("oHG",),
    "e.K.": ("eK", "e. K."),
    "B.V.": ("BV", "Besloten Vennootschap"),
    "N.V.": ("NV",),
    "BV": ("B.V.", "BVBA"),
    "SARL": ("S.A.R.L.", "Sàrl"),
    "SAS": ("S.A.S.",),
    "SA": ("S.A.",),
    "S.L.": ("SL", "Sociedad Limitada"),
    "S.A.": ("SA",),
    "S.r.l.": ("SRL", "Srl"),
    "S.p.A.": ("SPA", "SpA"),
    "A/S": ("AS", "Aktieselskab"),
    "ApS": ("Aps", "APS"),
    "AB": ("Aktiebolag", "(AB)"),
    "AS": ("A/S",),
    "Sp. z o.o.": ("Sp. z o. o.", "SP ZOO", "Spółka z o.o."),
    "Ltd": ("Limited", "Ltd."),
    "Limited": ("Ltd", "Ltd."),
    "Inc.": ("Inc", "Incorporated"),
    "LLC": ("L.L.C.",),
    "Corp.": ("Corporation", "Corp"),
    "Co.": ("Company",),
}
_STREETS = (
    ("straße", "str."),
    ("Straße", "Str."),
    ("strasse", "str."),
    ("Straße", "Strasse"),
    ("straße", "strasse"),
    ("avenue", "av."),
    ("boulevard", "bd"),
    ("Avenida", "Avda."),
    ("Calle", "C/"),
    ("Street", "St"),
    ("Road", "Rd"),
    ("Lane", "Ln"),
    (" St", " Street"),
    (" Ave", " Avenue"),
    ("Blvd", "Boulevard"),
    ("Via ", "V. "),
    ("straat", "str."),
    ("gatan", "g."),
)
_NO_TRUNK = frozenset({"ES", "IT", "DK", "NO", "PL", "US"})


class Noise:
    """Spells values the way another system might; ``dirt`` 0 returns everything unchanged."""

    def __init__(self, rng: Random, dirt: float) -> None:
        self.rng, self.dirt = rng, dirt

    def hit(self, probability: float) -> bool:
        """Whether something that happens with this probability at full dirt happens now."""
        return self.rng.random() < probability * self.dirt

    def company(self, base: str, legal: str, country: Country) -> str:
        """Return a company's name in another spelling."""
        if self.hit(0.04) and " " in base and "&" not in base:
            head, _, tail = base.partition(" ")
            base = f"{tail} {head}"
        if self.hit(0.5):
            base = base.replace(" & ", f" {country.conjunction} ")
        if self.hit(0.3):
            legal = "" if self.hit(0.5) else self.rng.choice(_LEGAL.get(legal, (legal,)))
        name = self.text(f"{base} {legal}".strip(), 0.1)
        if self.hit(0.06):
            name = name.upper() if self.hit(0.5) else name.lower()
        return name

    def text(self, text: str, typos: float) -> str:
        """Return text, perhaps without diacritics, perhaps with a typo."""
        if self.hit(0.25):
            text = ascii_text(text)
        return self.typo(text) if self.hit(typos) else text

    def typo(self, text: str) -> str:
        """Return text with one letter dropped, doubled or swapped with the next."""
        if len(text) < 5:
            return text
        at = self.rng.randrange(1, len(text) - 2)
        kind = self.rng.randrange(3)
        if kind == 0:
            return text[:at] + text[at + 1 :]
        if kind == 1:
            return text[:at] + text[at] + text[at:]
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    def street(self, text: str) -> str:
        """Return a street line in another spelling."""
        if self.hit(0.45):
            for long, short in _STREETS:
                if long in text:
                    text = text.replace(long, short)
                    break
        return self.text(text, 0.04)

    def phone(self, country: Country, area: str, local: str) -> str:
        """Return a phone number in another format, or none."""
        if self.hit(0.12):
            return ""
        plain = phone(country, area, local)
        if not self.hit(0.55):
            return plain
        digits, trunk = local.replace(" ", "").replace("-", ""), "" if country.code in _NO_TRUNK else "0"
        return self.rng.choice(
            (
                f"{trunk}{area} {local}",
                f"00{country.dial} {area} {digits}",
                f"({trunk}{area}) {digits}",
                f"+{country.dial}{area}{digits}",
                f"{trunk}{area}/{digits}",
                f"+{country.dial} ({trunk}) {area} {local}" if trunk else f"+{country.dial}-{area}-{digits}",
            )
        )

    def email(self, text: str) -> str:
        """Return an e-mail address, another mailbox of the same domain, or none."""
        if self.hit(0.15):
            return ""
        if self.hit(0.06) and text.endswith(".example"):
            return f"{self.rng.choice(('office', 'kontakt', 'mail', 'contact'))}@{text.partition('@')[2]}"
        return text

    def website(self, text: str) -> str:
        """Return a website in another spelling, or none."""
        if self.hit(0.2):
            return ""
        if not self.hit(0.35):
            return text
        bare = text.removeprefix("https://")
        return self.rng.choice((bare, f"http://{bare}", f"{text}/", bare.removeprefix("www.")))

    def first_name(self, text: str) -> str:
        """Return a first name, perhaps its short form."""
        if self.hit(0.35):
            text = _NICKNAMES.get(text, text)
        return self.text(text, 0.01)

    def product(self, text: str) -> str:
        """Return a product's name in another spelling."""
        if self.hit(0.15):
            text = text.replace(", ", " ")
        if self.hit(0.1):
            head, _, tail = text.partition(" ")
            text = f"{tail} {head}" if tail else text
        if self.hit(0.2):
            text = re.sub(r"(\d)x(\d)", r"\1 x \2", text)
        if self.hit(0.1):
            text = text.upper()
        return self.text(text, 0.08)

    def number(self, text: str) -> str:
        """Return a product number as a second catalogue may write it."""
        return self.rng.choice((text.lower(), f"{text}/A", f"{text}/1")) if self.hit(0.08) else text


def phone(country: Country, area: str, local: str) -> str:
    """Return a phone number in international form.

    >>> from d365kit.sandbox.company.words import words
    >>> phone(words().countries[0], "40", "1234567")
    '+49 40 1234567'
    """
    return f"+{country.dial} {area} {local}"
