"""Invented businesses and people → what their cards say and API v2.0 does not: codes, fax, mobile, salutation."""

from __future__ import annotations

from typing import NamedTuple

from d365kit.sandbox.company.noise import Noise
from d365kit.sandbox.company.partners import Business
from d365kit.sandbox.company.world import Source, World

_METHOD, _AGENT, _FAX, _MOBILE, _CONTACT, _PRIMARY = 0.6, 0.5, 0.25, 0.15, 0.2, 0.5
_OWN_WAYS = 0.2
_BLANK_IN_SALES = 0.05
#: Salutation code in BC, which is also the text in Dataverse.
_SALUTATIONS = ("MS", "MR", "")


class Card(NamedTuple):
    """What a partner's card says; ``freight`` and ``shipping`` are the options of its method and agent, if any."""

    method: str = ""
    agent: str = ""
    freight: int | None = None
    shipping: int | None = None
    fax: str = ""
    mobile: str = ""
    contact: str = ""
    primary: bool = False


class Cards:
    """Draws cards from a source of its own, so that nothing else changes; without codes every card is blank."""

    def __init__(self, world: World, purpose: str) -> None:
        self.source, self.options = Source(world.seed, purpose), world.options
        self.rng = self.source.rng
        self.noise = Noise(Source(world.seed, f"{purpose} noise").rng, world.dirt)
        self.methods, self.agents = (
            [name.removeprefix(kind) for name in world.options if name.startswith(kind)]
            for kind in ("shipment:", "agent:")
        )

    def partner(self, business: Business, both: bool) -> Card:
        """Return the card of a business; one that only BC knows may use codes that have no option."""
        if not self.options:
            return Card()
        rng, chance = self.rng, self.rng.random
        method = rng.choice(self.methods) if chance() < _METHOD else ""
        agent = rng.choice(self.agents) if chance() < _AGENT else ""
        if not both and chance() < _OWN_WAYS:
            method, agent = "DAP", "OWN FLEET"
        dial, country = business.country.dial, business.country
        return Card(
            method,
            agent,
            None if self.noise.hit(_BLANK_IN_SALES) else self.options.get(f"shipment:{method}"),
            None if self.noise.hit(_BLANK_IN_SALES) else self.options.get(f"agent:{agent}"),
            f"{business.phone}-9"[:30] if chance() < _FAX else "",
            f"+{dial} 7{int(chance() * 10**8):08}" if chance() < _MOBILE else "",
            f"{rng.choice(country.first)} {rng.choice(country.family)}" if chance() < _CONTACT else "",
            chance() < _PRIMARY,
        )

    def salutation(self) -> str:
        """Return how a person is addressed."""
        return self.rng.choice(_SALUTATIONS) if self.options else ""
