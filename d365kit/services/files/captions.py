"""captions.toml + a kind → which captions, service names and words stand for which of its fields."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from d365kit.kinds import SIDES, Field, Kind, Side
from d365kit.services.files.words import fold

LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch", "da": "Danish",
    "sv": "Swedish", "nb": "Norwegian", "pl": "Polish", "pt": "Portuguese",
}  # fmt: skip
#: Columns that are no fields of a kind.
ID, CHECKSUM, MODIFIED_ON = "@id", "@checksum", "@modified_on"
SPECIAL = (ID, CHECKSUM, MODIFIED_ON)
#: How sure each way of naming a column makes us, before its values are looked at.
GIVEN, SERVICE, CAPTION = 1.0, 0.99, 0.93
_FIRST, _OWN, _SIDE = 0.03, 0.01, 0.02


@dataclass(frozen=True)
class Hit:
    """One field that a caption stands for: how sure, why, and the side whose word it is (``""``: both)."""

    field: str
    sure: float
    why: str
    side: str


@lru_cache(maxsize=4)
def _data(name: str) -> Mapping[str, Any]:
    return tomllib.loads((resources.files("d365kit.services.files") / name).read_text("utf-8"))


def properties(field: Field, side: Side) -> tuple[str, ...]:
    """The names by which a service itself calls ``field`` on ``side``, the one it is read by first."""
    name = field.on(side)
    found = [f"_{name}_value" if side == "dv" and name and field.is_reference else name, name]
    found += [field.bc_label if side == "bc" else f"{name}name" if name and field.is_reference else ""]
    found += [getattr(field, "page", "")] if side == "bc" else []
    return tuple(dict.fromkeys(n for n in found if n))


_known: dict[tuple[str, str], tuple[Kind, Mapping[str, tuple[Hit, ...]]]] = {}


def hits_of(kind: Kind, side: str) -> Mapping[str, tuple[Hit, ...]]:
    """The fields of ``kind`` by folded caption; words of ``side`` (bc, dv or ``""``) count a little more."""
    held = _known.get((kind.name, side))
    if held is None or held[0] is not kind:
        held = _known[kind.name, side] = (kind, _hits(kind, side))
    return held[1]


def _hits(kind: Kind, side: str) -> Mapping[str, tuple[Hit, ...]]:
    best: dict[tuple[str, str], Hit] = {}

    def add(caption: str, hit: Hit) -> None:
        key = (fold(caption), hit.field)
        if key[0] and (key not in best or best[key].sure < hit.sure):
            best[key] = hit

    for f in kind.fields:
        for own in SIDES:
            for name in properties(f, own):
                bonus = 0.0 if side in ("", own) else -0.04
                add(name, Hit(f.name, SERVICE + bonus, "the service's own name", own))
        for name in (f.name, f.title):
            add(name, Hit(f.name, CAPTION, "the field's own name", ""))
    for own in SIDES:
        source = kind.source(own)
        add(source.id, Hit(ID, SERVICE - (0.0 if side in ("", own) else 0.04), "the service's own name", own))
        if source.modified_on:
            add(source.modified_on, Hit(MODIFIED_ON, SERVICE, "the service's own name", own))
    names = {f.name: f.name for f in kind.fields} | {s: s for s in SPECIAL}
    data = _data("captions.toml")
    for section, sides in data.items():
        owner, _, name = section.rpartition(".")
        if name not in names or (owner and owner != kind.name):
            continue
        for own, languages in sides.items():
            for language, captions in languages.items():
                for i, caption in enumerate(captions):
                    sure = CAPTION + (_FIRST if i == 0 else 0.0) + (_OWN if owner else 0.0)
                    sure += _SIDE if own == side else 0.0
                    add(caption, Hit(name, sure, f"caption ({LANGUAGES[language]})", own))
    found: dict[str, list[Hit]] = {}
    for (caption, _), hit in best.items():
        found.setdefault(caption, []).append(hit)
    return {caption: tuple(sorted(hits, key=lambda h: -h.sure)) for caption, hits in found.items()}


@lru_cache(maxsize=1)
def all_captions() -> frozenset[str]:
    """Every caption in captions.toml, folded: by them a header is told from other rows."""
    data = _data("captions.toml")
    return frozenset(fold(c) for sides in data.values() for ls in sides.values() for cs in ls.values() for c in cs)


def choices_of(kind: str, field: str) -> Mapping[str, str]:
    """The values behind words: folded word → the service's value as text, for one field of a kind."""
    data = _data("choices.toml")
    section = data.get(f"{kind}.{field}", data.get(field, {}))
    return {fold(word): value for value, words in section.items() for word in words}


def nouns_of(kind: str, side: str) -> tuple[str, ...]:
    """Beginnings of the words that files, sheets and id columns of a kind use, folded."""
    return tuple(_data("nouns.toml").get(kind, {}).get(side, ()))
