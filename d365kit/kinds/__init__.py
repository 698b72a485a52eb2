"""The catalogue of kinds: which tables hold the same sort of thing, field by field (catalogue/*.toml → Kind)."""

from d365kit.kinds.model import (
    DEFAULT_MODES,
    LCY_ID,
    MODES,
    SIDES,
    Card,
    Catalogue,
    Field,
    Kind,
    Side,
    Source,
    other_side,
)
from d365kit.kinds.reading import default_catalogue, load_catalogue

__all__ = [
    "DEFAULT_MODES",
    "LCY_ID",
    "MODES",
    "SIDES",
    "Card",
    "Catalogue",
    "Field",
    "Kind",
    "Side",
    "Source",
    "default_catalogue",
    "load_catalogue",
    "other_side",
]
