"""Item descriptions → words, and the figures, sizes, packs and codes that tell one item from its neighbour."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from d365kit.compare.text import as_text, fold
from d365kit.compare.units import measured
from d365kit.compare.words import (
    BETWEEN_PACKS,
    COLOURS,
    ITEM_WORDS,
    JOINING_IN_ITEMS,
    MATERIALS,
    PACKS,
    UNITS,
)

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_ROUND = re.compile(r"[øØ⌀]\s?(?=\d)")
_INCH = re.compile(r"(?<=\d)\s?(?:\"|'')")
_SQUARE = re.compile(r"(?<=\d)\s?(c|m|d|)m([23])(?![\dx])")
_SQUARES = {"2": {"": "qm", "c": "qcm", "m": "qmm", "d": "dm"}, "3": {"": "cbm", "c": "ccm", "m": "mm", "d": "liter"}}
_FRACTION = re.compile(r"(?<![\w.,/])(?:(\d{1,2})[\s-])?(\d{1,2})/(2|3|4|8|16|32|64)(?![\d/])")
_NUMBER = r"\d+(?:[.,]\d+)*"
_CHAIN = re.compile(rf"({_NUMBER})\s?[x*]\s?({_NUMBER})(?:\s?[x*]\s?({_NUMBER}))?\s?(mm|cm|dm|m|inch|zoll|in)\b")
_SEVERAL = re.compile(
    rf"(?<![\dx.,])(\d+)\s?x\s?(?={_NUMBER}\s?(?:ml|cl|dl|l|lt|ltr|liter|litre|g|gr|kg|mg|oz|stk|st|pcs|pc|er|blatt|sheets)\b)"
)
_OF_A_PACK = re.compile(
    r"(?<=\d)\s?(?:(?:stk|st|pcs|pc|pieces|stuck)\.?\s?)?(?:/|per|pro|je)\s?"
    r"(?:pack|pk|pkg|pck|packung|box|bx|ve|vpe|karton|ctn|set|beutel|bag|case|cs|dose|roll|rolle|pal|pallet)\b"
)
_TIMES = re.compile(r"(?<=\d)\s*[x*]\s*(?=\d)")
_WITH = re.compile(r"\bw/(o\b)?")
_CODE = re.compile(r"\w+(?:[-./]\w+)*")
_RAL = re.compile(r"\bral\s?-?(\d{4})\b")
_SIZE = re.compile(r"(?:m|x|d|o)?\d+(?:[.,]?\d+)?(?:x\d+(?:[.,]?\d+)?)*([a-z]{0,12}\d?)")


class _Item(NamedTuple):
    words: tuple[str, ...]
    sizes: tuple[tuple[str, str], ...]
    colours: tuple[str, ...]
    materials: tuple[str, ...]


def _fraction(found: re.Match[str]) -> str:
    whole, over, under = found.groups()
    if int(over) >= int(under):
        return found.group()
    return f" {int(whole or 0) + int(over) / int(under):.6g} "


def _chained(found: re.Match[str]) -> str:
    *figures, unit = found.groups()
    return " ".join(f"{figure} {unit}" for figure in figures if figure) + " "


@lru_cache(maxsize=1 << 12)
def _item(text: str) -> _Item:
    """Words, figures with their units, colours and materials of an item description, in the order written."""
    if not text.isascii():
        text = _ROUND.sub(" ", text)
    text = fold(text)
    if '"' in text or "'" in text:
        text = _INCH.sub(" inch ", text)
    if "/" in text:
        text = _OF_A_PACK.sub(" pcs ", _FRACTION.sub(_fraction, _WITH.sub(_with, text)))
    if "m2" in text or "m3" in text:
        text = _SQUARE.sub(lambda m: f" {_SQUARES[m.group(2)][m.group(1)]} ", text)
    if "x" in text or "*" in text:
        text = _TIMES.sub(" ", _CHAIN.sub(_chained, _SEVERAL.sub(r"\1 pcs ", text)))
    return _taken_apart(_TOKEN.findall(text), _RAL.findall(text) if "ral" in text else [])


def _with(found: re.Match[str]) -> str:
    return " without " if found.group(1) else " with "


def _taken_apart(tokens: list[str], ral: list[str]) -> _Item:
    text_words: list[str] = []
    sizes: list[tuple[str, str]] = []
    colours = [f"ral{figures}" for figures in ral]
    materials = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token[0].isdigit():
            following = tokens[at + 1] if at + 1 < len(tokens) else ""
            unit = UNITS.get(following, "")
            if following in ("er", "ers", "fach"):
                unit = "pc"
            if unit:
                at += 1
                if unit == "pc" and at + 1 < len(tokens) and tokens[at + 1] in PACKS:
                    # “10er-Pack”, “10 Stk Packung”
                    at += 1
            elif _is_pack(tokens, at):
                unit = "pc"
            sizes.append(measured(token, unit))
        elif token not in JOINING_IN_ITEMS:
            if token in COLOURS:
                token = COLOURS[token]
                colours.append(token)
            elif token in MATERIALS:
                token = MATERIALS[token]
                materials.append(token)
            elif token in ITEM_WORDS:
                token = ITEM_WORDS[token]
            elif len(token) > 2:
                token = UNITS.get(token, token)
            text_words.append(token)
        at += 1
    return _Item(tuple(text_words), tuple(sizes), tuple(colours), tuple(materials))


def _is_pack(tokens: list[str], at: int) -> bool:
    """Whether a figure says how many a pack holds: “VE 10”, “box of 12”."""
    before = at - 1
    if before > 0 and tokens[before] in BETWEEN_PACKS:
        before -= 1
    return before >= 0 and tokens[before] in PACKS


def _read(values: tuple[object, ...]) -> _Item:
    if len(values) == 1:
        return _item(as_text(values[0]))
    return _item(" ; ".join(filter(None, map(as_text, values))))


def item_words(*values: object) -> list[str] | None:
    """The words of an item description without figures, short forms opened.

    >>> item_words("Schraube M8 x 40 mm, verzinkt"), item_words("Schr. M8x40", "vz")
    (['screw', 'm', 'galvanised'], ['screw', 'm', 'galvanised'])
    """
    found = [w for w in _read(values).words if w != "x"]
    return list(dict.fromkeys(found)) or None


def item_sizes(*values: object) -> list[str] | None:
    """The figures of an item description with their units, sorted; what measures the same is in one unit.

    Lengths are in millimetres, and the unit goes without saying.

    >>> item_sizes("Saft 0,50 Liter 6er") == item_sizes("SAFT 6 x 500 ml") == ['0.5l', '6pc']
    True
    >>> item_sizes("Schraube M8x40"), item_sizes("Schraube 8 x 4 cm"), item_sizes('Rohr 1/2"')
    (['40', '8'], ['40', '80'], ['0.5in'])
    """
    return sorted({figure + unit for figure, unit in _read(values).sizes}) or None


def item_numbers(*values: object) -> list[str] | None:
    """The figures of an item description alone, in the units of `item_sizes`, sorted.

    >>> item_numbers("Saft 500 ml"), item_numbers("Saft", "0,5"), item_numbers("Kabel 1 m") == item_numbers("1000 mm")
    (['0.5'], ['0.5'], True)
    """
    return sorted({figure for figure, _ in _read(values).sizes}) or None


def item_pack(*values: object) -> str | None:
    """How many pieces a pack holds; None when the description does not say, or says one.

    >>> item_pack("Stifte VE 10"), item_pack("Stifte 10er-Pack"), item_pack("Pens, box of 12"), item_pack("Pens 1 DZ")
    ('10', '10', '12', '12')
    """
    return next((figure for figure, unit in _read(values).sizes if unit == "pc" and figure != "1"), None)


def item_colour(*values: object) -> str | None:
    """The colours of an item description in one spelling, sorted.

    >>> item_colour("Chair blk/red"), item_colour("Stuhl, schwarz-rot"), item_colour("Lack RAL 9010")
    ('black red', 'black red', 'ral9010')
    """
    return " ".join(sorted(set(_read(values).colours))) or None


def item_material(*values: object) -> str | None:
    """The materials and finishes of an item description in one spelling, sorted.

    >>> item_material("Bolt SS"), item_material("Bolzen Edelstahl"), item_material("Mutter verz.")
    ('stainless', 'stainless', 'galvanised')
    """
    return " ".join(sorted(set(_read(values).materials))) or None


def item_key(*values: object) -> str | None:
    """All words and figures of an item description in alphabetical order.

    >>> item_key("Bike, Touring 28 inch") == item_key('Touring Bike 28"')
    True
    """
    return " ".join(sorted([*(item_words(*values) or ()), *(item_sizes(*values) or ())])) or None


def item_plain(*values: object) -> str | None:
    """The words of an item description in one piece, as written.

    >>> item_plain("Front Wheel 28")
    'frontwheel'
    """
    return "".join(item_words(*values) or ()) or None


def item_codes(*values: object) -> list[str] | None:
    """Words that mix letters and figures, such as model numbers, without punctuation; sizes are none.

    >>> item_codes("Pump AX-200b, 5 l"), item_codes("Schraube M8x40mm 100Stk")
    (['ax200b'], None)
    """
    found = set()
    for value in values:
        for word in _CODE.findall(fold(value)):
            size = _SIZE.fullmatch(word)
            if size and (not size.group(1) or size.group(1) in UNITS or size.group(1) in ("er", "x")):
                continue
            found.add(re.sub(r"[\W_]", "", word))
    return sorted(c for c in found if len(c) > 2 and not c.isdigit() and not c.isalpha()) or None
