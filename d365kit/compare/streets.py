"""Lines of an address → street and house number in one spelling, wherever the number stands."""

from __future__ import annotations

import re
from functools import lru_cache

from d365kit.compare.text import as_text, fold, words_of
from d365kit.compare.words import (
    BUILDING_PARTS,
    LEFT_OUT_IN_STREETS,
    MONTHS,
    NUMBERED_STREETS,
    ORDINALS,
    SPECIAL_LINES,
    STREET_ENDINGS,
    STREET_JOINING,
    STREET_WORDS,
)

_REMEMBERED = 1 << 12
Parts = tuple[tuple[str, ...], str]
_NOTHING: Parts = ((), "")

_NUMBER = re.compile(r"\d{1,6}[a-z]{0,2}")
_GLUED = re.compile(r"([a-z]{4,})(\d{1,4}[a-z]?)")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th|eme)")
_LINES = re.compile(r"[,;\n\r|]+")
_ONLY_NUMBER = re.compile(
    r"\s*(?:(?:haus|house)[\s-]?)?(?:(?:n|nr|no|num|numero|hnr|hausnr|hausnummer)\b\.?\s?)?\d{1,5}\s?[a-z]?(?:\s?[-/+]\s?\d{1,5}\s?[a-z]?)*\s*(?:bis|ter)?\s*"
)
_ABBREVIATED = re.compile(r"\b([a-z])\.(?=[a-z]{2,3}\b)")
_DAY = re.compile(r"\b(\d{1,2})\.(?=\s?[a-z]{3})")
_REPEATED = re.compile(r"(?<=\d)\s?(?:bis|ter|quater)\b")
_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?\s?b(?:ox)?|gpo box|post\s?fach|post\s?box|post office box|postboks|postbus|po\s?box|"
    r"boite postale|b\.?p|apartado(?: de correos| postal)?|apdo|casella postale|caixa postal|"
    r"skrytka pocztowa|pf)\b\.?\s*"
    r"(?:n[ro]?\b\.?)?[:#\s]*(\d[\d ]*)"
)
_CARE = re.compile(r"\b(?:c/o|z\.?\s?hd\.?|zh|att?n?\.?|attention|p\.?a\.)\s.*")
_WORDS = "|".join(sorted(BUILDING_PARTS, key=len, reverse=True))
_FLOOR = re.compile(
    r"\b\d+\s?\.?\s?(?:st|nd|rd|th|er|e|eme|o|a)?\.?\s?(?:floor|fl|og|ug|stock|stockwerk|etage|et|obergeschoss|piso|planta|"
    r"piano|verdieping|emelet|em|patro|andar|kat)\b"
)
_PART_OF_BUILDING = re.compile(
    rf"\b(?:{_WORDS})\b\.?\s?(?:n[ro]?\.?|"
    r"#)?\s?(?:\d+[a-z]?|[a-z])\b|#\s?\w+|\b(?:s/n|snc)\b"
)
_SPECIAL = BUILDING_PARTS | SPECIAL_LINES
_POINTS = frozenset("nsew")


def _parts(values: tuple[object, ...]) -> Parts:
    if len(values) == 1:
        return _line(as_text(values[0]))
    return _address(tuple([text for text in map(as_text, values) if text]))


@lru_cache(maxsize=_REMEMBERED)
def _address(lines: tuple[str, ...]) -> Parts:
    """The street and number of an address whose number may stand in a field of its own."""
    numbers = [line for line in lines if _ONLY_NUMBER.fullmatch(line.lower())]
    rest = [line for line in lines if line not in numbers]
    if not rest:
        return _line(lines[0]) if lines else _NOTHING
    names, house = _best([_line(line) for line in rest])
    if numbers and names != ("pobox",):
        house = _figures(numbers[0]) or house
    return names, house


def _figures(text: str) -> str:
    found = re.search(r"\d+", fold(text))
    return found.group() if found else ""


def _best(found: list[Parts]) -> Parts:
    """The first with a street and a number, else the first with a street word, else the first with a name."""
    both = [p for p in found if p[0] and p[1] and p[0] != ("pobox",)]
    named = [p for p in found if p[0]]
    known = [p for p in named if any(w in _KINDS for w in p[0])]
    return next(iter([*both, *known, *named, *found]), _NOTHING)


_KINDS = frozenset(STREET_WORDS.values()) - _POINTS


@lru_cache(maxsize=_REMEMBERED)
def _line(text: str) -> Parts:
    """The street and number of one line, which may hold several parts between commas."""
    folded = fold(text)
    if "," not in folded and "\n" not in folded and ";" not in folded:
        return _segment(folded)
    segments: list[str] = []
    number = ""
    for segment in filter(str.strip, _LINES.split(folded)):
        if not _ONLY_NUMBER.fullmatch(segment):
            segments.append(f"{number} {segment}")
            number = ""
        elif segments:
            segments[-1] += f" {segment}"
        else:
            number = segment
    return _best([_segment(segment) for segment in segments])


def _segment(text: str) -> Parts:
    if "'" in text:
        text = text.replace("'", " ")
    if "." in text:
        text = _DAY.sub(r"\1th", _ABBREVIATED.sub(r"\1", text)) if not _FLOOR.search(text) else text
    tokens = words_of(text)
    if not _SPECIAL.isdisjoint(tokens) or "#" in text or "/" in text:
        if box := _BOX.search(text):
            return ("pobox",), box.group(1).replace(" ", "")
        text = _PART_OF_BUILDING.sub(" ", _FLOOR.sub(" ", _CARE.sub("", _REPEATED.sub("", text))))
        tokens = words_of(text)
    return _taken_apart(tokens)


def _taken_apart(tokens: list[str]) -> Parts:
    names: list[str] = []
    left_out: list[str] = []
    house = ""
    house_at = -9
    last = len(tokens) - 1
    for at, word in enumerate(tokens):
        if word == "n" and at < last and tokens[at + 1].isdigit():
            continue
        if word in STREET_WORDS:
            letter_of_house = len(word) == 1 and house_at == at - 1 and (at == last or house_at > 0)
            if not letter_of_house and (len(word) > 1 or house_at == at - 1 or word in _POINTS or not names):
                names.append(STREET_WORDS[word])
            elif not letter_of_house:
                names.append(word)
        elif word[0].isdigit():
            if word in ORDINALS or _ORDINAL.fullmatch(word):
                names.append(ORDINALS.get(word) or word.rstrip("stndrhem"))
            elif _NUMBER.fullmatch(word):
                if (at < last and tokens[at + 1] in MONTHS) or (at and tokens[at - 1] in NUMBERED_STREETS):
                    names.append(word)
                elif not house and (at or last):
                    house, house_at = word, at
                    if names and names[-1] not in BUILDING_PARTS:
                        # What follows the number tells doors apart, not streets.
                        break
        elif word in STREET_JOINING or word in LEFT_OUT_IN_STREETS:
            left_out.append(word)
        elif word in ORDINALS:
            names.append(ORDINALS[word])
        elif len(word) == 1 and house_at == at - 1:
            continue
        elif word.endswith(STREET_ENDINGS):
            ending = next(e for e in STREET_ENDINGS if word.endswith(e))
            stem = word[: -len(ending)]
            names += [stem, STREET_WORDS[ending]] if len(stem) > 2 else [word]
        elif word[-1].isdigit() and (glued := _GLUED.fullmatch(word)):
            more, number = _taken_apart([glued.group(1), glued.group(2)])
            names += more
            house, house_at = house or number, at
        else:
            names.append(word)
    return tuple(names or left_out), house


def street(*values: object) -> str | None:
    """The name of a street without house number, in one spelling; takes the lines of an address in any number.

    >>> street("Haupt-Straße 12") == street("hauptstr. 12a") == street("12", "Hauptstrasse")
    True
    >>> street("5th Avenue") == street("Fifth Ave."), street("Postfach 12"), street("c/o Huber, Ring 2")
    (True, 'pobox', 'ring')
    """
    return "".join(_parts(values)[0]) or None


def house_number(*values: object) -> str | None:
    """The house number of an address: its first figures only.

    >>> house_number("221b Baker Street"), house_number("Ring 12-14"), house_number("Straße des 17. Juni 135")
    ('221', '12', '135')
    """
    return _figures(_parts(values)[1]) or None


def street_key(*values: object) -> str | None:
    """Street and house number together, when both are there.

    >>> street_key("Hauptstraße 12a"), street_key("12/3", "Hauptstr.")
    ('hauptstr 12', 'hauptstr 12')
    """
    names, house = _parts(values)
    return f"{''.join(names)} {_figures(house)}" if names and house else None
