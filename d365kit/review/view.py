"""Filters and an order → which entries of a queue are looked through, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow.compute as pc

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES
from d365kit.review.queue import BANDS, Queue
from d365kit.review.reasons import CODES, REASONS, TITLES
from d365kit.review.records import folded
from d365kit.review.state import COUPLED, CREATE, DEFERRED, NONE, OPEN, STATES, WAITING, State

SHOWN: Mapping[str, tuple[int, ...]] = {
    "open": (OPEN,),
    "deferred": (DEFERRED,),
    "decided": (COUPLED, NONE, CREATE),
    "all": (OPEN, COUPLED, NONE, DEFERRED, CREATE, WAITING),
}
ORDERS = {
    "value": "most at stake first", "doubt": "most doubtful first", "sure": "surest first",
    "alike": "similar together",
}  # fmt: skip
#: A list of places holds so many, those with the most records.
_PLACES = 60


@dataclass(frozen=True)
class Filter:
    """What is looked through. Empty means no condition; ``text`` is sought in the record and its best candidate."""

    state: str = "open"
    bands: tuple[str, ...] = ()
    reason: str = ""
    place: str = ""
    text: str = ""
    order: str = "doubt"

    def but(self, **changes: object) -> Filter:
        """The same with some conditions changed. Raises SettingsError for what there is not."""
        unknown = set(changes) - set(asdict(self))
        if unknown:
            raise SettingsError(
                f"There is no filter “{min(unknown)}”.", f"The filters are: {', '.join(asdict(self))}."
            )
        if isinstance(changes.get("bands"), str):
            changes["bands"] = [changes["bands"]]
        if "bands" in changes:
            changes["bands"] = tuple(str(b) for b in changes["bands"] or ())  # type: ignore[attr-defined]
        made = replace(self, **{k: v if k == "bands" else str(v or "") for k, v in changes.items()})  # type: ignore[arg-type]
        for value, known, word in (
            (made.state, SHOWN, "state"), (made.order, ORDERS, "order"),
            (made.reason, ("", *CODES), "reason"), *((b, BANDS, "band") for b in made.bands),
        ):  # fmt: skip
            if value not in known:
                raise SettingsError(
                    f"There is no {word} “{value}”.", f"Use one of: {', '.join(k for k in known if k)}."
                )
        return made

    def code(self) -> str:
        """The conditions as arguments of a call; the bands always, since a review begins with those in doubt."""
        default = Filter()
        held = asdict(self)
        parts = [(k, v) for k, v in held.items() if k == "bands" or (k != "order" and v != getattr(default, k))]
        return ", ".join(f"{k}={v!r}" for k, v in parts)


def entries(queue: Queue, state: State, wanted: Filter) -> np.ndarray:
    """The entries that meet a filter, in its order."""
    keep = _shown(state, wanted)
    if wanted.bands:
        keep &= np.isin(queue.band, [BANDS.index(b) for b in wanted.bands])
    if wanted.reason:
        keep &= queue.reason == CODES.index(wanted.reason)
    if wanted.place:
        codes, names = queue.places
        where = [n for n, name in enumerate(names) if name == wanted.place]
        keep &= np.isin(codes, where)
    if wanted.text.strip():
        keep &= _containing(queue, wanted.text)
    found = np.flatnonzero(keep)
    return found[_order(queue, found, wanted.order)]


def _shown(state: State, wanted: Filter) -> np.ndarray:
    """Whether each entry is in a state that is looked through."""
    flags = np.zeros(len(STATES), dtype=bool)
    flags[list(SHOWN[wanted.state])] = True
    return flags[state.of]


def _containing(queue: Queue, text: str) -> np.ndarray:
    """Whether each entry's own values, or those of its best candidate, contain all words of a text."""
    held = {}
    for side in SIDES:
        hay = queue.records[side].haystack
        inside = np.ones(len(hay), dtype=bool)
        for word in folded(text).split():
            inside &= pc.match_substring(hay, word).to_numpy(zero_copy_only=False).astype(bool)
        held[side] = inside
    out = np.zeros(len(queue), dtype=bool)
    for n, side in enumerate(SIDES):
        mine = queue.side == n
        out[mine] = held[side][queue.row[mine]]
    best = queue.best[queue.has]
    own = queue.side[queue.has] == 0
    out[queue.has] |= np.where(own, held["dv"][queue.dv[best]], held["bc"][queue.bc[best]])
    return out


def _order(queue: Queue, found: np.ndarray, order: str) -> np.ndarray:
    chance = queue.chance[found]
    doubt = np.where(np.isnan(chance), 9.0, np.abs(chance - 0.5))
    if order == "value":
        stake = queue.stake[found]
        return np.lexsort((doubt, -np.where(np.isnan(stake), -1.0, stake)))
    if order == "sure":
        return np.argsort(np.where(np.isnan(chance), 9.0, -chance), kind="stable")
    if order == "alike":
        places = queue.places[0][found]
        return np.lexsort((-np.nan_to_num(chance), places, queue.reason[found], queue.band[found]))
    return np.argsort(doubt, kind="stable")


def band_counts(queue: Queue, state: State, wanted: Filter) -> dict[str, int]:
    """How many entries of each band are in the state that is looked through."""
    found = np.bincount(queue.band[_shown(state, wanted)], minlength=len(BANDS))
    return {b: int(found[n]) for n, b in enumerate(BANDS)}


def facets(queue: Queue, state: State, wanted: Filter) -> dict[str, list[dict[str, object]]]:
    """What there is to filter by, with how many records each: bands, reasons and places of those in this state."""
    keep = _shown(state, wanted)
    bands = band_counts(queue, state, wanted)
    reasons = np.bincount(queue.reason[keep], minlength=len(REASONS)) if len(queue) else np.zeros(len(REASONS), int)
    codes, names = queue.places
    held = codes[keep]
    counts = np.bincount(held[held >= 0], minlength=len(names)) if len(names) else np.zeros(0, int)
    top = np.argsort(-counts, kind="stable")[:_PLACES]
    return {
        "bands": [{"id": b, "title": b, "n": n} for b, n in bands.items()],
        "reasons": [{"id": c, "title": TITLES[c], "n": int(reasons[n])} for n, c in enumerate(CODES) if reasons[n]],
        "places": [{"id": names[n], "title": names[n], "n": int(counts[n])} for n in top.tolist() if counts[n]],
    }
