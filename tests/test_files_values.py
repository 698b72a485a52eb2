"""Local habits: a column is read as a whole, exactly, and what can be read in two ways is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365kit.services.files.tables import text_of
from d365kit.services.files.values import Habits, Unreadable, habits_of, read_values

NONE = Habits()
AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False, allow_infinity=False)
DAYS = st.dates(min_value=date(1800, 1, 1), max_value=date(2999, 12, 31))


def values(cells: list[object], type_: str, habits: Habits = NONE) -> list[object]:
    return read_values(cells, type_, habits).values


def written(number: Decimal, group: str, sign: str) -> str:
    return f"{number:,.2f}".replace(",", "\0").replace(".", sign).replace("\0", group)


@pytest.mark.parametrize(
    ("group", "sign"),
    [
        (".", ","),
        (",", "."),
        (" ", ","),
        ("\u00a0", ","),
        ("\u202f", ","),
        ("'", "."),
        ("’", "."),
        ("", ","),
        ("", "."),
    ],
)
@given(number=AMOUNTS)
def test_amounts_come_back_exactly_in_every_habit(group: str, sign: str, number: Decimal) -> None:
    assert values([written(number, group, sign)], "amount", Habits(sign)) == [number]


@pytest.mark.parametrize(("group", "sign"), [(".", ","), (",", "."), (" ", ","), ("'", ".")])
@given(numbers=st.lists(AMOUNTS, min_size=1, max_size=8))
def test_the_column_itself_tells_the_habit(group: str, sign: str, numbers: list[Decimal]) -> None:
    """Two decimals leave no doubt, so nothing needs to be known beforehand."""
    found = read_values([written(n, group, sign) for n in numbers], "amount", NONE)
    assert found.values == numbers
    assert found.notes == ()


@given(number=st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False))
def test_excels_numbers_are_exact(number: Decimal) -> None:
    assert values([float(number)], "amount") == [number]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,56-", "-1234.56"), ("(1,234.56)", "-1234.56"), ("€ 12,50", "12.50"), ("12.50 CHF", "12.50"),
        ("kr. 1 200,00", "1200.00"), ("\u2212 5.5", "-5.5"), ("1.5E+06", "1500000"), ("1,00,000.50", "100000.50"),
        ("0,5", "0.5"), ("+7.25", "7.25"), ("zł 3,10", "3.10"), ("$1,000.00", "1000.00"), (".5", "0.5"),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text: str, number: str) -> None:
    assert values([text], "amount") == [Decimal(number)]


def test_a_doubtful_amount_goes_by_the_rest_of_the_column_and_of_the_file() -> None:
    assert values(["1.234", "5,50"], "amount") == [Decimal(1234), Decimal("5.50")]
    assert values(["1.234", "5.50"], "amount") == [Decimal("1.234"), Decimal("5.50")]
    assert habits_of([["1.234"], ["5,50", "6,25"]], NONE).decimal == ","
    assert habits_of([["31.01.2026", "28.02.2026"], ["+49.221.1234"]], NONE).decimal == ""


def test_an_amount_nothing_decides_is_said() -> None:
    found = read_values(["1.234"], "amount", NONE)
    assert "two ways" in found.notes[0]
    assert "1.234" in found.notes[0]
    assert read_values(["1.234"], "amount", Habits(",")).notes == ()


def test_two_habits_in_one_column_are_refused_naming_both() -> None:
    with pytest.raises(Unreadable, match=r"“1\.234,50” and “1,234\.50”"):
        values(["1.234,50", "1,234.50"], "amount")
    with pytest.raises(Unreadable, match="does not fit"):
        values(["1,234.50"], "amount", Habits(","))


@pytest.mark.parametrize("text", ["abc", "12 Stück", "1.2.3", "12%", "--5", "31.01.2026"])
def test_what_is_no_amount_is_named(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        values(["1", text], "amount")
    assert caught.value.cells == ((1, text),)


def test_blanks_of_all_sorts_are_missing() -> None:
    for type_ in ("amount", "date", "boolean", "integer", "datetime"):
        assert values([None, "", "  ", "-", "n/a", "NULL"], type_) == [None] * 6


def test_codes_keep_every_sign_and_excels_numbers_become_codes() -> None:
    assert values(["00123", " A-1 ", 10000.0, 4006381333931.0, 1e15, None, ""], "code") == [
        "00123", "A-1", "10000", "4006381333931", "1000000000000000", None, None,
    ]  # fmt: skip


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1))
def test_texts_are_not_touched(text: str) -> None:
    assert values([text], "text") == [text.strip() or None]


@pytest.mark.parametrize("pattern", ["%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"])
@given(days=st.lists(DAYS, min_size=1, max_size=5))
def test_days_first(pattern: str, days: list[date]) -> None:
    texts = [f"{d:%d}{pattern[2]}{d:%m}{pattern[2]}{d.year:04}" for d in days]
    assert values(texts, "date", Habits(dates="dmy")) == days


@given(days=st.lists(DAYS, min_size=1, max_size=5))
def test_months_first(days: list[date]) -> None:
    assert values([f"{d.month}/{d.day}/{d.year}" for d in days], "date", Habits(dates="mdy")) == days


@given(day=DAYS)
def test_iso_and_native_days(day: date) -> None:
    moment = datetime(day.year, day.month, day.day, 14, 5, tzinfo=UTC)
    assert values([day, day.isoformat(), f"{day:%Y/%m/%d}".zfill(10), moment], "date") == [day] * 4


@given(day=st.dates(min_value=date(1955, 1, 1), max_value=date(2099, 1, 1)))
def test_excels_serial_numbers_are_days(day: date) -> None:
    serial = float((day - date(1899, 12, 30)).days)
    assert values([serial], "date") == [day]
    assert values([serial + 0.5], "datetime") == [datetime(day.year, day.month, day.day, 12, tzinfo=UTC)]


def test_one_clear_date_decides_the_column() -> None:
    assert values(["01/02/2026", "31/01/2026"], "date") == [date(2026, 2, 1), date(2026, 1, 31)]
    assert values(["01/02/2026", "01/31/2026"], "date") == [date(2026, 1, 2), date(2026, 1, 31)]
    assert read_values(["01.02.2026"], "date", NONE).notes == ()


def test_a_doubtful_date_is_said_and_two_habits_are_refused() -> None:
    found = read_values(["01/02/2026"], "date", NONE)
    assert found.values == [date(2026, 2, 1)]
    assert "two ways" in found.notes[0]
    assert read_values(["01/02/2026"], "date", Habits(dates="mdy")).values == [date(2026, 1, 2)]
    with pytest.raises(Unreadable, match="“31/01/2026” and “01/31/2026”"):
        values(["31/01/2026", "01/31/2026"], "date")


@pytest.mark.parametrize("text", ["0001-01-01", "01.01.0001", "1753-01-01", "01/01/1753"])
def test_blank_dates_of_both_programs_are_missing(text: str) -> None:
    assert values([text], "date") == [None]
    assert values([text], "datetime") == [None]


@pytest.mark.parametrize("text", ["31.02.2026", "2026-13-01", "tomorrow", "99/99/2026"])
def test_no_dates(text: str) -> None:
    with pytest.raises(Unreadable):
        values([text], "date")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("31.01.2026 14:05", datetime(2026, 1, 31, 14, 5, tzinfo=UTC)),
        ("1/31/2026 2:05 PM", datetime(2026, 1, 31, 14, 5, tzinfo=UTC)),
        ("1/31/2026 12:05:09 AM", datetime(2026, 1, 31, 0, 5, 9, tzinfo=UTC)),
        ("2026-01-31T14:05:00Z", datetime(2026, 1, 31, 14, 5, tzinfo=UTC)),
        ("2026-01-31T14:05:00.1234567+02:00", datetime(2026, 1, 31, 12, 5, 0, 123456, tzinfo=UTC)),
        ("2026-01-31 14:05:00-0530", datetime(2026, 1, 31, 19, 35, tzinfo=UTC)),
    ],
)
def test_times_are_utc(text: str, moment: datetime) -> None:
    assert values([text], "datetime") == [moment]


def test_times_without_a_zone_are_said() -> None:
    assert "no time zone" in read_values(["31.01.2026 14:05"], "datetime", NONE).notes[0]
    assert read_values(["2026-01-31T14:05:00Z"], "datetime", NONE).notes == ()
    with pytest.raises(Unreadable):
        values([timedelta(hours=1)], "datetime")


@pytest.mark.parametrize(
    ("yes", "no"),
    [("Yes", "No"), ("Ja", "Nein"), ("Oui", "Non"), ("Sí", "No"), ("Sì", "No"), ("Ja", "Nee"), ("Ja", "Nej"),
     ("Ja", "Nei"), ("Tak", "Nie"), ("Sim", "Não"), ("WAHR", "FALSCH"), ("true", "FALSE"), ("1", "0"), (1.0, 0.0),
     (True, False), ("x", "nein")],
)  # fmt: skip
def test_yes_and_no_in_many_languages(yes: object, no: object) -> None:
    assert values([yes, no, None], "boolean") == [True, False, None]


def test_neither_yes_nor_no_is_named() -> None:
    with pytest.raises(Unreadable) as caught:
        values(["Ja", "vielleicht"], "boolean")
    assert caught.value.cells == ((1, "vielleicht"),)


def test_whole_numbers() -> None:
    assert values(["3", 4.0, "1.000"], "integer", Habits(",")) == [3, 4, 1000]
    with pytest.raises(Unreadable):
        values(["3,5"], "integer")


def test_text_of_shows_what_excel_shows() -> None:
    assert text_of(0.1 + 0.2) == "0.3"
    assert text_of(True) == "true"
    assert text_of(date(2026, 1, 31)) == "2026-01-31"
