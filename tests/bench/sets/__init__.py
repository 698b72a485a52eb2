"""The name of a benchmark set → two dirty tables and their truth, the same for the same seed; docs/matching_sets.md.

The sets are written without a look at the matcher and fixed before it is tuned. Seeds 1 to 4 are for development;
seed 101 is for the figures that are reported, and nobody looks at it while tuning.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench.sets.scoring import score

__all__ = ["NAMES", "SIZES", "make", "score"]

#: Records a side where no size is given; febrl4 is as large as it is.
SIZES = {"companies": 10_000, "companies_hard": 10_000, "items": 10_000, "names_and_towns": 8_000, "febrl4": 5_000}
NAMES = tuple(SIZES)


def make(name: str, folder: Path, *, size: int | None = None, seed: int = 1, dirt: float = 1.0) -> Path:
    """A set's name → its folder with left.csv, right.csv, truth_left.csv and truth_right.csv."""
    from tests.bench.sets import companies, febrl, items, towns

    if name not in SIZES:
        raise ValueError(f"There is no set {name!r}; there are {', '.join(NAMES)}.")
    size = size or SIZES[name]
    if name == "febrl4":
        return febrl.make(folder, seed)
    if name == "items":
        return items.make(folder, size, seed, dirt)
    if name == "names_and_towns":
        return towns.make(folder, size, seed, dirt)
    return companies.make(name, folder, size, seed, dirt)
