"""One value → its text: numbers with thousands separators, times in UTC, hostile text made harmless."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from jinja2.runtime import Markup, escape

from d365kit.kinds import default_catalogue
from d365kit.nouns.frames import plain

SIDE_NAMES = {"bc": "Business Central", "dv": "Sales"}

#: Types whose values are set to the right, with thousands separators.
NUMERIC = ("amount", "number", "rate", "integer")

#: Longer texts are cut on screens; frames and files hold them whole.
LONGEST = 200

#: Characters nobody sees although they make two values differ, or that turn the text around them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u2060-\u206f\u3000\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SIGNS = {"\n": "⏎", "\r": "␍", "\t": "⇥", "\xa0": "⍽", "\u202f": "⍽", "\u2007": "⍽"}


def number(value: object) -> str:
    """A whole number or decimal with thousands separators and no digits that say nothing.

    >>> number(12345), number(Decimal("1234.5000")), number(None)
    ('12,345', '1,234.5', 'missing')
    """
    return _decimal_text(value, at_least=0)


def amount(value: object, decimals: int = 2) -> str:
    """An amount of money: at least ``decimals`` digits after the point, and never fewer than it has.

    >>> amount(Decimal("1234.5")), amount(Decimal("0.12345")), amount(5000.1 + 563.96)
    ('1,234.50', '0.12345', '5,564.06')
    """
    return _decimal_text(value, at_least=decimals)


def _decimal_text(value: object, at_least: int) -> str:
    value = plain(value)
    if value is None or value == "":
        return "missing"
    try:
        # Fifteen digits are what a float holds for certain; those after them are noise: 0.1 + 0.2 is 0.3.
        text = f"{value:.15g}" if isinstance(value, float) else str(value)
        exact = value if isinstance(value, Decimal) else Decimal(text)
    except InvalidOperation:
        return str(value)
    if not exact.is_finite() or abs(exact.adjusted()) > 40:
        return str(exact)
    whole, _, rest = format(exact, ",f").partition(".")
    rest = rest.rstrip("0").ljust(at_least, "0")
    text = f"{whole}.{rest}" if rest else whole
    return text.removeprefix("-") if exact == 0 else text


def percent(part: int, whole: int) -> str:
    """A share in whole percent; ``100 %`` and ``0 %`` only when they are exactly that, ``–`` of nothing.

    >>> percent(999, 1000), percent(1, 1000), percent(0, 0)
    ('99 %', '1 %', '–')
    """
    if whole == 0:
        return "–"
    share = round(100 * part / whole)
    if 0 < part < whole:
        share = min(99, max(1, share))
    return f"{share} %"


def moment(value: object) -> str:
    """A time as ``2026-11-22 21:30 UTC``; a time without zone counts as UTC.

    >>> moment("2026-11-22T22:30:05+01:00")
    '2026-11-22 21:30 UTC'
    """
    value = plain(value)
    if value is None or value == "":
        return "missing"
    at = value
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(at, datetime):
        return str(value)
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{at:%Y-%m-%d %H:%M} UTC"


def text_of(value: object, kind: str = "") -> str:
    """Any value as text, by its catalogue type ``kind`` or else by its Python type.

    >>> text_of(True), text_of(Decimal("5"), "amount"), text_of(None), text_of("2026-11-22", "date")
    ('yes', '5.00', 'missing', '2026-11-22')
    """
    value = plain(value)
    if value is None or value == "":
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind == "amount":
        return amount(value)
    if kind in NUMERIC or isinstance(value, int | float | Decimal):
        return number(value)
    if kind == "datetime" or isinstance(value, datetime):
        return moment(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def short(text: str, longest: int = LONGEST) -> str:
    """``text`` when it is short enough, else its beginning and its full length."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"


def visible(text: str) -> Markup:
    """Escaped ``text`` in which every unseen character is a small sign that says what it is."""
    parts, at = [], 0
    for found in _UNSEEN.finditer(text):
        parts += [escape(text[at : found.start()]), _sign(found.group())]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def seen(text: str) -> str:
    """``text`` for a terminal: the same signs as plain characters, so that nothing can steer the screen."""
    return _UNSEEN.sub(lambda m: _SIGNS.get(m.group(), f"<{_code(m.group())}>"), text)


def shown(value: object, kind: str = "") -> Markup:
    """A value as escaped HTML, kept apart from the direction of the text around it."""
    text = text_of(value, kind)
    if text == "missing" and plain(value) in (None, ""):
        return Markup('<span class="m">missing</span>')
    return Markup("<bdi>{}</bdi>").format(visible(short(text)))


def _sign(character: str) -> Markup:
    name = unicodedata.name(character, "control character").lower()
    label = _SIGNS.get(character, _code(character))
    return Markup('<span class="c" title="{} {}">{}</span>').format(_code(character), name, label)


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def kind_title(kind: str) -> str:
    """A kind's name as screens show it; kinds of a workspace's own are spelt out."""
    catalogue = default_catalogue()
    return catalogue[kind].title if kind in catalogue else kind.replace("_", " ").capitalize()


def field_of(kind: str, name: str) -> tuple[str, str]:
    """A field's name as screens show it, and its type; unknown fields are spelt out and text.

    >>> field_of("item", "unit_price")
    ('unit price', 'amount')
    """
    catalogue = default_catalogue()
    if kind in catalogue:
        for f in catalogue[kind].fields:
            if f.name == name:
                return f.title, f.type
    return name.replace("_", " "), "text"


def field_title(kind: str, name: str) -> str:
    """A field's name as screens show it."""
    return field_of(kind, name)[0]
