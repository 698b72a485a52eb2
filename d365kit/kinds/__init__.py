"""The catalogue of kinds: which tables hold the same sort of thing, field by field (catalogue.toml → Kind)."""

from d365kit.kinds.model import (
    LCY_ID,
    SIDES,
    Catalogue,
    Field,
    Kind,
    Side,
    Source,
    load_catalogue,
    other_side,
)

__all__ = ["LCY_ID", "SIDES", "Catalogue", "Field", "Kind", "Side", "Source", "load_catalogue", "other_side"]
