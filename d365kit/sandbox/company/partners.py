"""Invented businesses and people: one record holds what both sides know about a customer."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from d365kit.sandbox.company.masters import LCY, SALESPEOPLE, SELLING, TERMS
from d365kit.sandbox.company.noise import phone
from d365kit.sandbox.company.words import City, Country, filled, free_mail, slug, words
from d365kit.sandbox.company.world import Source

_BRANCH = 0.03
_HOLDING = 0.01
_LIMITS = (0, 0, 1000, 2500, 5000, 5000, 10_000, 15_000, 25_000, 50_000, 100_000)
_HOLDING_WORDS = ("Holding", "Beteiligungen", "Group", "Services", "International")


@dataclass(frozen=True, slots=True)
class Business:
    """A company as it really is: name, place, ways to reach it, terms."""

    country: Country
    base: str
    legal: str
    domain: str
    line1: str
    line2: str
    post: str
    city: City
    local: str
    email: str
    website: str
    vat: str
    currency: str
    salesperson: str
    limit: int
    terms: int

    @property
    def name(self) -> str:
        """The full name with its legal form."""
        return f"{self.base} {self.legal}"

    @property
    def phone(self) -> str:
        """The phone number in international form."""
        return phone(self.country, self.city.area, self.local)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at a business."""

    first: str
    middle: str
    last: str
    title: str
    email: str
    phone_local: str
    mobile: str

    @property
    def name(self) -> str:
        """First, middle and last name."""
        return " ".join(filter(None, (self.first, self.middle, self.last)))


class Registry:
    """Makes businesses whose name and post code together are unique, with some confusing neighbours."""

    def __init__(self, source: Source, dirt: float) -> None:
        self.source, self.rng, self.dirt = source, source.rng, dirt
        self.words = words()
        self.taken: set[int] = set()
        self.recent: deque[Business] = deque(maxlen=200)

    def claim(self, name: str, post: str) -> bool:
        """Reserve a name at a post code; False when another record has it."""
        key = hash((name.lower(), post))
        if key in self.taken:
            return False
        self.taken.add(key)
        return True

    def business(self) -> Business:
        """Return a business nobody has yet; sometimes a branch or a holding of a recent one."""
        while True:
            chance = self.rng.random()
            if self.recent and chance < _BRANCH * self.dirt:
                found = self._branch(self.rng.choice(self.recent))
            elif self.recent and chance < (_BRANCH + _HOLDING) * self.dirt:
                found = self._holding(self.rng.choice(self.recent))
            else:
                found = self._new()
                self.recent.append(found)
            if self.claim(found.name, found.post):
                return found

    def person(self, business: Business) -> Person:
        """Return a person of a business."""
        rng, country = self.rng, business.country
        first, last = rng.choice(country.first), rng.choice(country.family)
        if rng.random() < 0.06:
            first = f"{first}-{rng.choice(country.first)}" if country.code in ("DE", "FR") else first
        middle = f"{rng.choice('ABCDEGHJKLMPRSTW')}." if rng.random() < 0.06 else ""
        email = f"{slug(first)}.{slug(last)}@{business.domain}" if rng.random() < 0.92 else ""
        direct = business.local if rng.random() < 0.5 else filled(country.local, rng)
        mobile = f"+{country.dial} 7{rng.randrange(10)} {rng.randrange(10**7):07}" if rng.random() < 0.6 else ""
        return Person(first, middle, last, rng.choice(self.words.titles), email, direct, mobile)

    def address(self, country: Country) -> tuple[str, str, City]:
        """Return a street line, a post code and a city."""
        rng = self.rng
        city = rng.choice(country.cities)
        number = str(rng.randrange(1, 160))
        line = country.street.replace("{street}", rng.choice(country.streets)).replace("{number}", number)
        return line, city.post + filled(country.post, rng), city

    def _new(self) -> Business:
        rng = self.rng
        country = rng.choices(self.words.countries, self.words.weights)[0]
        base, legal = self._name(country), rng.choice(country.legal)
        line, post, city = self.address(country)
        domain = f"{slug(base)}.example"
        email = f"{rng.choice(('info', 'office', 'mail', 'service'))}@{domain}"
        if rng.random() < 0.06:
            email = f"{slug(base)}@{free_mail(rng)}"
        return Business(
            country=country,
            base=base,
            legal=legal,
            domain=domain,
            line1=line,
            line2=f"{rng.choice(('2nd floor', 'Building B', 'Hall 3', 'Gate 2'))}" if rng.random() < 0.06 else "",
            post=post,
            city=city,
            local=filled(country.local, rng),
            email=email if rng.random() < 0.93 else "",
            website=f"https://www.{domain}" if rng.random() < 0.85 else "",
            vat=filled(country.vat, rng),
            currency=country.currency if rng.random() < 0.85 else LCY,
            salesperson=SALESPEOPLE[rng.randrange(SELLING)][0] if rng.random() < 0.95 else "",
            limit=rng.choice(_LIMITS),
            terms=rng.randrange(len(TERMS)),
        )

    def _name(self, country: Country) -> str:
        rng = self.rng
        kind = rng.randrange(20)
        if kind < 6:
            return f"{rng.choice(country.family)} {rng.choice(country.trades)}"
        if kind < 8:
            one, two = rng.choice(country.family), rng.choice(country.family)
            return f"{one} & {two if two != one else rng.choice(country.kin)}"
        if kind < 10:
            return f"{rng.choice(country.family)} & {rng.choice(country.kin)} {rng.choice(country.trades)}"
        if kind < 12:
            return f"{rng.choice(country.cities).name} {rng.choice(country.family)} {rng.choice(country.trades)}"
        brand = rng.choice(self.words.heads) + rng.choice(self.words.tails)
        return brand if kind == 19 else f"{brand} {rng.choice(country.trades)}"

    def _branch(self, other: Business) -> Business:
        """Return the same name in another place."""
        line, post, city = self.address(other.country)
        email = f"{slug(city.name)}@{other.domain}" if other.email else ""
        local, vat = filled(other.country.local, self.rng), filled(other.country.vat, self.rng)
        return replace(other, line1=line, line2="", post=post, city=city, local=local, email=email, vat=vat)

    def _holding(self, other: Business) -> Business:
        """Return a sister company at the same place."""
        base = f"{other.base} {self.rng.choice(_HOLDING_WORDS)}"
        local, vat = filled(other.country.local, self.rng), filled(other.country.vat, self.rng)
        return replace(other, base=base, local=local, vat=vat, email="", limit=0)
