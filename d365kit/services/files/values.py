"""Cells of a column + what type they should be → exact values; local habits are decided by the whole column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from d365kit.errors import SettingsError
from d365kit.services.files.tables import Cell, blank, text_of
from d365kit.services.files.words import BLANKS, NO, YES, fold

_MONEY = re.compile(
    r"[\u20a0-\u20bf$£¥\u00a0\u202f\u2009\u2007'’`´ ]|(?<![a-z])(eur|usd|gbp|chf|dkk|sek|nok|pln|czk|huf|cad|aud|kr|"
    r"zł|zl|kč|ft|fr|us|lei|r)\.?(?![a-z])", re.IGNORECASE,
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d[\d.,]*|[-+]?[.,]\d+")
#: Digits in groups of three, or of two before the last three as in India (1,00,000).
_GROUPS = re.compile(r"\d{1,3}(?:([.,])(?:\d{3}|\d{2}(?=\1)))(?:\1(?:\d{3}|\d{2}(?=\1)))+")
_EXPONENT = re.compile(r"[-+]?\d(?:[.,]\d+)?[eE][-+]?\d{1,3}")
_DATE = re.compile(r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})(?:[T, ]+(.+))?")
_TIME = re.compile(
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,7}))?)?\s*([ap]\.?m\.?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_FIRST_SERIAL = date(1899, 12, 30)
#: Excel's number of 31 December 9999; a larger number is no date.
_LAST_SERIAL = 2_958_465
#: Why a cell of a column of amounts cannot be read.
NO_NUMBER = "no number"
#: BC's blank date, and the oldest year a record can be of; older ones are blanks in disguise (1753 is SQL's).
_OLDEST = 1754


@dataclass(frozen=True)
class Habits:
    """How a file writes: ``decimal`` is ``,`` or ``.``, ``dates`` is ``dmy`` or ``mdy``; ``""`` is not known."""

    decimal: str = ""
    dates: str = ""

    @classmethod
    def checked(cls, decimal: str = "", dates: str = "") -> Habits:
        """Habits as somebody wrote them down. Raises SettingsError for what is no sign or order."""
        if decimal not in ("", ",", "."):
            raise SettingsError(f"“{decimal}” is no decimal sign.", "Use , or . as decimal.")
        if dates not in ("", "dmy", "mdy"):
            raise SettingsError(f"“{dates}” is no order of day and month.", "Use dmy or mdy as dates.")
        return cls(decimal, dates)


class Unreadable(ValueError):
    """Some cells are not of the column's type; ``cells`` are (position, text) of those."""

    def __init__(self, why: str, cells: Sequence[tuple[int, str]]) -> None:
        super().__init__(why)
        self.why, self.cells = why, tuple(cells)


@dataclass(frozen=True)
class Values:
    """What a column holds, missing where it is blank, and what to say about how it was read."""

    values: list[object]
    notes: tuple[str, ...] = ()


def read_values(cells: Sequence[Cell], type_: str, habits: Habits) -> Values:
    """Return the cells as values of the catalogue's type ``type_``.

    Texts and codes keep every sign; amounts are Decimal, never float. Raises Unreadable when cells cannot be of
    the type, or when a column writes numbers or dates in two ways that contradict each other.
    """
    if type_ in ("amount", "number", "rate", "integer"):
        return _numbers(cells, type_, habits)
    if type_ in ("date", "datetime"):
        return _dates(cells, type_, habits)
    if type_ == "boolean":
        return Values(_each(cells, _flag, "no yes or no"))
    return Values([text_of(c) or None for c in cells])


def _each(cells: Sequence[Cell], read: Callable[[Cell], object], why: str) -> list[object]:
    known: dict[object, object] = {}
    out: list[object] = []
    bad: list[tuple[int, str]] = []
    for i, cell in enumerate(cells):
        key = (type(cell), cell)
        if key not in known:
            empty = blank(cell) or (isinstance(cell, str) and cell.strip().casefold() in BLANKS)
            try:
                known[key] = None if empty else read(cell)
            except (ValueError, InvalidOperation, OverflowError) as problem:
                known[key] = problem
        if isinstance(known[key], Exception):
            bad.append((i, text_of(cell)))
        out.append(known[key])
    if bad:
        raise Unreadable(why, bad)
    return out


def _flag(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    word = text_of(cell).casefold() if text_of(cell) in ("✓", "x") else fold(text_of(cell))
    if word in YES or text_of(cell) == "✓":
        return True
    if word in NO:
        return False
    raise ValueError


# --- numbers -------------------------------------------------------------------------------------------


def _numbers(cells: Sequence[Cell], type_: str, habits: Habits) -> Values:
    texts = [bare for c in cells if isinstance(c, str) and not blank(c) and (bare := _bare(c))]
    sign, notes = _decimal_sign(texts, habits)

    def read(cell: Cell) -> object:
        if isinstance(cell, bool):
            raise ValueError
        if isinstance(cell, (float, int, Decimal)):
            number = Decimal(text_of(cell))
        else:
            number = _number(_bare(str(cell)), sign)
        if not number.is_finite():
            raise ValueError
        if type_ != "integer":
            return number
        if number != number.to_integral_value():
            raise ValueError
        return int(number)

    return Values(_each(cells, read, "no whole number" if type_ == "integer" else NO_NUMBER), notes)


def _bare(text: str) -> str:
    """A number without currency, blanks and apostrophes, its minus in front.

    >>> _bare("1.234,56- €"), _bare("(CHF 1'200.50)")
    ('-1.234,56', '-1200.50')
    """
    bare = _MONEY.sub("", text.strip().replace("\u2212", "-"))
    if bare.startswith("(") and bare.endswith(")"):
        bare = "-" + bare[1:-1]
    if bare.endswith("-"):
        bare = "-" + bare[:-1]
    return bare


def _number(bare: str, sign: str) -> Decimal:
    if _EXPONENT.fullmatch(bare):
        return Decimal(bare.replace(",", "."))
    if not _NUMBER.fullmatch(bare):
        raise ValueError
    group = "." if sign == "," else ","
    whole, mark, rest = bare.lstrip("+-").partition(sign)
    if sign in rest or group in rest:
        raise ValueError
    if group in whole:
        first, *groups = whole.split(group)
        # Groups of three, or of two before the last three as in India (1,00,000).
        if not 1 <= len(first) <= 3 or len(groups[-1]) != 3 or any(len(g) not in (2, 3) for g in groups):
            raise ValueError
        whole = first + "".join(groups)
    number = Decimal((whole or "0") + ("." + rest if mark and rest else ""))
    return -number if bare.startswith("-") else number


def decimal_signs(texts: Iterable[str]) -> set[str]:
    """Return the decimal signs that numbers leave no doubt about.

    >>> sorted(decimal_signs(["1.234,56"])), decimal_signs(["1.234"]), sorted(decimal_signs(["12.5"]))
    ([','], set(), ['.'])
    """
    found = set()
    for text in texts:
        bare = text.lstrip("+-")
        dots, commas = bare.count("."), bare.count(",")
        if dots and commas:
            # The one that comes last is the decimal sign.
            found.add("," if bare.rfind(",") > bare.rfind(".") else ".")
        elif dots + commas == 1:
            sign = "." if dots else ","
            before, _, after = bare.partition(sign)
            if len(after) != 3 or len(before) > 3 or before in ("", "0") or before.startswith("0"):
                found.add(sign)
        elif _GROUPS.fullmatch(bare):
            found.add("," if dots else ".")
    return found


def _decimal_sign(texts: Sequence[str], habits: Habits) -> tuple[str, tuple[str, ...]]:
    plain = [t for t in texts if _NUMBER.fullmatch(t)]
    sure = decimal_signs(plain)
    if len(sure) > 1:
        examples = [next(t for t in plain if decimal_signs([t]) == {sign}) for sign in (",", ".")]
        raise Unreadable(
            f"numbers of two habits, “{examples[0]}” and “{examples[1]}”",
            [(i, t) for i, t in enumerate(texts) if t in examples],
        )
    if sure:
        sign = sure.pop()
        if habits.decimal and habits.decimal != sign:
            odd = next(t for t in plain if decimal_signs([t]))
            raise Unreadable(
                f"the number “{odd}”, which does not fit the decimal sign “{habits.decimal}”",
                [(i, t) for i, t in enumerate(texts) if t == odd],
            )
        return sign, ()
    doubtful = next((t for t in plain if "." in t or "," in t), "")
    sign = habits.decimal or "."
    if doubtful and not habits.decimal:
        try:
            read = _number(doubtful, sign)
        except ValueError:
            return sign, ()  # no number either way, which is said when the column is read
        return sign, (f"“{doubtful}” can be read in two ways and was read as {read:f}; say which with decimal",)
    return sign, ()


# --- dates ---------------------------------------------------------------------------------------------


def _dates(cells: Sequence[Cell], type_: str, habits: Habits) -> Values:
    order, notes = _order(cells, habits)
    zoned: list[bool] = []

    def read(cell: Cell) -> object:
        moment = _moment(cell, order, zoned)
        if moment is None or moment.year < _OLDEST:
            return None
        return moment.date() if type_ == "date" else moment

    values = _each(cells, read, "no date" if type_ == "date" else "no time")
    if type_ == "datetime" and zoned and not all(zoned):
        notes += ("the times name no time zone and were taken for UTC",)
    return Values(values, notes)


def day_orders(cells: Iterable[Cell]) -> set[str]:
    """Return the orders of day and month that dates leave no doubt about: ``dmy``, ``mdy``.

    >>> sorted(day_orders(["31.01.2026"])), sorted(day_orders(["01/31/2026"])), day_orders(["01/02/2026"])
    (['dmy'], ['mdy'], set())
    """
    found = set()
    for cell in cells:
        match = _DATE.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if match and len(match.group(1)) < 3:
            first, second = int(match.group(1)), int(match.group(3))
            if first > 12 >= second or match.group(2) == ".":
                found.add("dmy")
            elif second > 12 >= first:
                found.add("mdy")
    return found


def _order(cells: Sequence[Cell], habits: Habits) -> tuple[str, tuple[str, ...]]:
    texts = [c for c in cells if isinstance(c, str) and _DATE.fullmatch(c.strip())]
    sure = day_orders(texts)
    if len(sure) > 1:
        pair = [next(t for t in texts if day_orders([t]) == {order}) for order in ("dmy", "mdy")]
        raise Unreadable(
            f"dates of two habits, “{pair[0]}” and “{pair[1]}”",
            [(i, str(c)) for i, c in enumerate(cells) if c in pair],
        )
    if sure:
        return sure.pop(), ()
    order = habits.dates or "dmy"
    doubtful = next((t for t in texts if not re.match(r"\d{4}", t)), "")
    if doubtful and not habits.dates:
        try:
            read = _moment(doubtful, order, [])
        except ValueError:
            return order, ()  # no date either way, which is said when the column is read
        told = f"{read:%Y-%m-%d}" if read else "blank"
        return order, (f"“{doubtful}” can be read in two ways and was read as {told}; say which with dates",)
    return order, ()


def _moment(cell: Cell, order: str, zoned: list[bool]) -> datetime | None:
    if isinstance(cell, (bool, time, timedelta)):
        raise ValueError
    if isinstance(cell, datetime):
        zoned.append(cell.tzinfo is not None)
        return cell.astimezone(UTC) if cell.tzinfo else cell.replace(tzinfo=UTC)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    if isinstance(cell, (float, int)):
        if not 0 <= cell <= _LAST_SERIAL:
            raise ValueError
        zoned.append(False)
        moment = datetime.combine(_FIRST_SERIAL, time(), UTC) + timedelta(days=float(cell))
        return (moment + timedelta(milliseconds=500)).replace(microsecond=0) if cell >= 1 else None
    return _written(str(cell).strip(), order, zoned)


def _written(text: str, order: str, zoned: list[bool]) -> datetime:
    if re.fullmatch(r"[12]\d{7}", text):
        return datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=UTC)
    match = _DATE.fullmatch(text)
    if not match:
        raise ValueError
    a, b, c = match.group(1), match.group(3), match.group(4)
    if len(a) == 4:
        year, month, day = int(a), int(b), int(c)
    else:
        year = int(c) if len(c) > 2 else 2000 + int(c) if int(c) < 70 else 1900 + int(c)
        day, month = (int(a), int(b)) if order == "dmy" else (int(b), int(a))
    if not match.group(5):
        return datetime(year, month, day, tzinfo=UTC)
    return _at_time(datetime(year, month, day, tzinfo=UTC), match.group(5).strip(), zoned)


def _at_time(day: datetime, text: str, zoned: list[bool]) -> datetime:
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError
    hour, half = int(match.group(1)), (match.group(5) or "").casefold()[:1]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "p" else 0)
    micro = int((match.group(4) or "0").ljust(7, "0")[:6])
    moment = day.replace(hour=hour, minute=int(match.group(2)), second=int(match.group(3) or 0), microsecond=micro)
    zone = match.group(6) or ""
    zoned.append(bool(zone))
    if zone[:1] in ("+", "-"):
        away = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - away if zone[0] == "+" else moment + away
    return moment


def habits_of(columns: Iterable[Sequence[Cell]], given: Habits, likely_decimal: str = "") -> Habits:
    """Return how a whole file writes: what was ``given``, else what its columns agree on, else what is likely."""
    decimals: set[str] = set()
    orders: set[str] = set()
    for cells in columns:
        texts = [c for c in cells if isinstance(c, str) and not blank(c)]
        orders |= day_orders(texts)
        numbers = [b for b in (_bare(t) for t in texts[:5000]) if b]
        if numbers and all(_NUMBER.fullmatch(n) for n in numbers):
            decimals |= decimal_signs(numbers)
    decimal = given.decimal or (decimals.pop() if len(decimals) == 1 else likely_decimal)
    dates = given.dates or (orders.pop() if len(orders) == 1 else "dmy" if decimal == "," else "")
    return Habits(decimal, dates)
