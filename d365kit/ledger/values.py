"""Python values in → text that keeps them exactly → the same values out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import orjson

from d365kit.errors import LedgerError
from d365kit.nouns.frames import plain


def encode(value: object) -> str:
    """``value`` as JSON text; decimals and dates are marked so that `decode` gives them back.

    Missing values of pandas become null. Raises LedgerError for a value of another type.

    >>> decode(encode({"price": Decimal("1.50")}))
    {'price': Decimal('1.50')}
    """
    try:
        text = orjson.dumps(value, default=_mark, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except (TypeError, UnicodeError):  # whole numbers of any length, halves of characters, and what is refused below
        return _ENCODER.encode(value)
    # It writes null for an infinite number too; then the slower way tells the two apart.
    return _ENCODER.encode(value) if "null" in text else text


def decode(text: str) -> object:
    """The value that `encode` wrote."""
    return json.loads(text, object_hook=_unmark, parse_constant=_constant)


def keepable(text: str) -> str:
    """``text`` with “�” for what a database cannot keep: the NUL character, and halves of characters.

    For words of services and people, which must not keep an outcome or a decision out of the ledger.
    """
    if text.isprintable():  # neither is printable, and this is quick
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def stamp(at: datetime) -> str:
    """``at`` in UTC as text that sorts; raises LedgerError for a time without a zone."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise LedgerError(f"The time {at.isoformat()} has no time zone.", "Hand in an aware time in UTC.")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The time that `stamp` wrote."""
    return datetime.fromisoformat(text)


def _mark(value: object) -> object:
    simple = plain(value)
    if isinstance(simple, Decimal):
        return {"$decimal": str(simple)}
    if isinstance(simple, datetime):
        return {"$datetime": simple.isoformat()}
    if isinstance(simple, date):
        return {"$date": simple.isoformat()}
    if simple is value:
        raise LedgerError(
            f"The ledger cannot keep a value of type {type(value).__name__}: {value!r}.",
            "Hand in text, numbers, decimals, dates, true, false or none.",
        )
    return simple


def _unmark(found: dict[str, object]) -> object:
    if len(found) == 1:
        ((mark, value),) = found.items()
        if isinstance(value, str):
            if mark == "$decimal":
                return Decimal(value)
            if mark == "$datetime":
                return datetime.fromisoformat(value)
            if mark == "$date":
                return date.fromisoformat(value)
    return found


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


#: Made once: most of the time of a short value would go into making it.
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_mark)
