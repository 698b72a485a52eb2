"""Phone numbers → the figures that agree however a number is written.

A key is the last eight figures of the number within its country: country codes and trunk zeros are written or left
out at will, so only what follows them can agree. Most numbers need nothing but figures for that; the phonenumbers
library is asked for letters in numbers, and for `phone_full`.
"""

from __future__ import annotations

import re

from d365kit.compare.text import as_text, bare
from d365kit.compare.words import COUNTRIES, PHONE_CODES

_FIGURES = re.compile(r"\d+")
_QUICK = re.compile(r"\+?[\d\s()./\-\u2010-\u2015]{5,24}")
_SEVERAL = re.compile(
    r"[,;|\n\r]+|\s(?:oder|or|und|and|bzw|o|y|ou|et)\b\.?|\s/\s?(?=[+0(])|/(?=\+)|(?<=\d)\s+(?=\+)|&"
)
_EXTENSION = re.compile(
    r"(?:\b(?:ext|extn|extension|durchwahl|dw|klappe|kl|poste|interno|int|apparat|app|nebenstelle|nst|toestel|tst|wew|"
    r"klapka|linka|anexo|ramal|anschluss)\b\.?|(?<=\d)\s?x|#)\s*[:.]?\s*\d{1,6}\s*$"
)
_VANITY = re.compile(r"(?:\d[\s.-]?){3,}[a-z]{3,}|\d[\s.-]+[a-z]{5,}")
_SHORTEST = 6


def _key(text: str) -> str | None:
    """The key of one number written with figures and punctuation."""
    plus = text.lstrip(" (").startswith("+")
    found = "".join(_FIGURES.findall(text))
    if len(found) < _SHORTEST:
        return None
    if not plus and found.startswith("00") and len(found) > 9:
        plus, found = True, found[2:]
    if plus:
        found = _without_country(found.lstrip("0"))
    own = found.lstrip("0")[-8:]
    return own if len(own) >= _SHORTEST - 1 else None


def _without_country(figures: str) -> str:
    if figures[:1] in ("1", "7"):
        return figures[1:]
    return figures[2:] if figures[:2] in PHONE_CODES else figures[3:]


def _pieces(value: object) -> list[str]:
    """The numbers of a field, each as figures and punctuation."""
    text = as_text(value)
    if _QUICK.fullmatch(text):
        return re.split(r"\s/\s?(?=0\d)", text) if "/" in text and sum(map(str.isdigit, text)) > 15 else [text]
    found = []
    for piece in _SEVERAL.split(bare(text)):
        piece = _EXTENSION.sub("", piece.rstrip())
        if _VANITY.search(piece):
            from phonenumbers import convert_alpha_characters_in_number

            piece = convert_alpha_characters_in_number(piece)
        found.append(re.sub(r"^[^+\d(]+", "", piece))
    return found


def phone(value: object) -> str | None:
    """The last eight figures of the first phone number, without country code and zeros in front of it.

    >>> phone("+43 (0)1 514 44-2100") == phone("01/51444 2100") == phone("0043 1 514442100 ")
    True
    >>> phone("+43 1 51444"), phone("01/51444 DW 12"), phone("Tel.: 0664/123 45 67, Fax 0664/123 45 68")
    ('151444', '151444', '41234567')
    """
    return next(filter(None, map(_key, _pieces(value))), None)


def phones(*values: object) -> list[str] | None:
    """The different phone numbers of a record, sorted; a field may hold several.

    >>> phones("0664 1234567", "+43 664 1234567"), phones("01/5144421 / 0664 1234567")
    (['41234567'], ['15144421', '41234567'])
    """
    found = {key for value in values if value is not None for piece in _pieces(value) if (key := _key(piece))}
    return sorted(found) or None


def phone_full(value: object, country: object = None) -> str | None:
    """The first phone number in international form, by the phonenumbers library; None when it is none.

    Slower than `phone` by far: for showing and checking numbers, not for finding them.

    >>> phone_full("01 514 44-2100", "Österreich"), phone_full("+1 650 253 0000"), phone_full("514 44")
    ('+431514442100', '+16502530000', None)
    """
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

    from d365kit.compare.places import country as country_code

    iso = country_code(country) or ""
    region = iso.upper() if iso in COUNTRIES and len(iso) == 2 else None
    for piece in _pieces(value):
        try:
            number = parse(piece, region)
        except NumberParseException:
            continue
        if is_possible_number(number):
            return format_number(number, PhoneNumberFormat.E164)
    return None
