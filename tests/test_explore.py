"""explore: every look counts what is there, tells blank from not asked, and shows itself harmlessly."""

from __future__ import annotations

import doctest
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from d365kit import explore
from d365kit.errors import SettingsError, UnknownKind
from d365kit.explore import pictures, words
from d365kit.kinds import LCY_ID, load_catalogue
from d365kit.nouns import Sides, Snapshot
from d365kit.nouns.frames import from_rows
from d365kit.show import canvas, plot
from tests import helpers_report as made
from tests.helpers_html import Reader

TAKEN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CATALOGUE = load_catalogue()
NAMES = ("where", "coverage", "missing", "duplicates", "outside", "codes", "cut", "uses", "ages")
FOREIGN = ("script", "img", "iframe", "object", "embed", "form", "a", "base", "meta", "image", "foreignObject", "use")


class Decisions:
    """What a ledger says, without a database."""

    def __init__(self, couplings: dict[str, list[tuple[str, str]]], creates: dict[str, list[str]] | None = None):
        rows = [{"kind": k, "bc_id": b, "dv_id": d} for k, pairs in couplings.items() for b, d in pairs]
        self._couplings = pd.DataFrame(rows, columns=["kind", "bc_id", "dv_id"])
        made_for = [{"kind": k, "bc_id": b, "dv_id": ""} for k, ids in (creates or {}).items() for b in ids]
        self._creates = pd.DataFrame(made_for, columns=["kind", "bc_id", "dv_id"])

    def couplings(self, kind: str | None = None) -> pd.DataFrame:
        return self._couplings

    def creates(self, kind: str | None = None) -> pd.DataFrame:
        return self._creates


NOTHING = Decisions({})


def sides(kind: str, bc: list[dict], dv: list[dict], bc_outside: object = (), dv_outside: object = ()) -> Sides:
    schema = CATALOGUE[kind].schema
    more = schema.append(pa.field("outside", pa.string()))
    return Sides(kind, from_rows(bc, schema), from_rows(dv, schema), from_rows(bc_outside, more),
                 from_rows(dv_outside, more))  # fmt: skip


def snapshot(*held: Sides, facts: dict[str, str] | None = None, extras: dict | None = None) -> Snapshot:
    facts = {"local_currency": "EUR", "base_currency": "EUR"} if facts is None else facts
    return Snapshot("s1", TAKEN, {s.kind: s for s in held}, extras=extras or {}, facts=facts)


def row(at: int, **values: object) -> dict[str, object]:
    return {"id": f"r{at}", "number": f"C{at}", "name": f"Name {at}", "modified_on": TAKEN, **values}


CURRENCIES = sides(
    "currency",
    [{"id": LCY_ID, "code": "EUR", "rate": Decimal(1), "is_local": True},
     {"id": "usd", "code": "USD", "rate": Decimal(2)}],
    [{"id": "d-eur", "code": "EUR", "rate": Decimal(1)}, {"id": "d-usd", "code": "USD", "rate": Decimal("2")},
     {"id": "d-xxx", "code": "XXX"}],
)  # fmt: skip


def one(frame: pd.DataFrame, **where: object) -> dict:
    """The only row of ``frame`` with these values."""
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0].to_dict()


@pytest.mark.parametrize("module", [words, pictures, canvas])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


# --- what is where ---


def test_a_kind_that_was_not_read_is_not_a_kind_without_records():
    snap = snapshot(sides("customer", [row(1)], [], bc_outside=[row(2, outside="blocked")]))
    frame = explore.where(snap, CATALOGUE)
    assert one(frame, kind="customer", side="bc")["left_out"] == 1
    empty, unread = one(frame, kind="customer", side="dv"), one(frame, kind="item", side="dv")
    assert (empty["taking_part"], empty["state"]) == (0, "read, nothing there")
    assert pd.isna(unread["taking_part"])
    assert unread["state"] == "not read"


def test_records_left_out_are_counted_by_reason():
    out = [row(n, outside="blocked" if n % 3 else "inactive") for n in range(6)]
    frame = explore.outside(snapshot(sides("customer", [row(9)], [], bc_outside=out)), CATALOGUE)
    assert one(frame, reason="blocked")["records"] == 4
    assert one(frame, reason="inactive")["share"] == pytest.approx(2 / 7)


def test_ages_count_back_from_the_snapshot_and_name_what_has_no_time():
    days = [0.5, 1, 3, 40, 400, None]
    rows = [row(n, modified_on=None if d is None else TAKEN - timedelta(days=d)) for n, d in enumerate(days)]
    frame = explore.ages(snapshot(sides("customer", rows, [])), CATALOGUE)
    assert dict(zip(frame["age"], frame["records"], strict=True)) == {
        "a day": 2, "a week": 1, "a quarter": 1, "longer": 1, "not said": 1,
    }  # fmt: skip
    assert frame["newest"].iloc[0] == TAKEN - timedelta(days=0.5)


# --- coverage ---


def test_coverage_by_records_counts_what_takes_part_only():
    snap = snapshot(sides("customer", [row(n) for n in range(4)], [row(1)], bc_outside=[row(9, outside="blocked")]))
    ledger = Decisions({"customer": [("r1", "r1"), ("r9", "r8")], "item": [("r2", "x")]}, {"customer": ["r2", "r1"]})
    frame = explore.coverage(snap, ledger, CATALOGUE)
    found = one(frame, kind="customer", side="bc", measure="records")
    assert (found["total"], found["coupled"], found["to_create"], found["free"]) == (4, 1, 1, 2)
    assert found["share"] == 0.25
    assert one(frame, kind="customer", side="dv", measure="records")["share"] == 1


def test_coverage_by_money_is_in_the_local_currency_and_names_what_has_no_rate():
    bc = [row(1, credit_limit=Decimal(100), currency="usd"), row(2, credit_limit=Decimal(300))]
    dv = [
        row(1, credit_limit=Decimal(100), currency="d-usd"),
        row(2, credit_limit=Decimal(300), currency="d-eur"),
        row(3, credit_limit=Decimal(50), currency="d-xxx"),
        row(4, currency="d-xxx"),
    ]
    frame = explore.coverage(snapshot(CURRENCIES, sides("customer", bc, dv)), Decisions({"customer": [("r1", "r1")]}),
                             CATALOGUE)  # fmt: skip
    there = one(frame, kind="customer", side="bc", measure="credit_limit")
    assert (there["total"], there["coupled"], there["unit"]) == (400, 100, "EUR")
    here = one(frame, kind="customer", side="dv", measure="credit_limit")
    assert (here["total"], here["coupled"], here["not_converted"]) == (350, 50, 1)


def test_the_share_of_nothing_is_missing():
    frame = explore.coverage(snapshot(sides("customer", [], [])), NOTHING, CATALOGUE)
    assert frame["share"].isna().all()


# --- what is missing ---


def test_a_field_that_could_not_be_asked_is_not_blank():
    snap = snapshot(sides("customer", [row(1), row(2, email="a@b.at")], [row(3)]))
    snap = replace(snap, unread={"customer": ("website",)})
    frame = explore.missing(snap, CATALOGUE)
    unasked = one(frame, kind="customer", side="bc", field="website")
    assert not unasked["asked"]
    assert pd.isna(unasked["blank"])
    assert pd.isna(unasked["share"])
    blank = one(frame, kind="customer", side="bc", field="email")
    assert (blank["blank"], blank["share"], blank["distinct"]) == (1, 0.5, 1)
    assert one(frame, kind="customer", side="dv", field="website")["asked"]
    assert "1 field could not be asked" in words.of_missing(frame, CATALOGUE)


def test_a_field_a_side_has_no_place_for_is_not_missing_there():
    frame = explore.missing(snapshot(sides("customer", [row(1)], [row(2)])), CATALOGUE)
    held = {(r.side, r.field) for r in frame.itertuples()}
    assert ("bc", "vat_number") in held
    assert ("dv", "vat_number") not in held


def test_a_code_that_points_to_nothing_is_a_value():
    bc = [row(1, salesperson_label="XX"), row(2)]
    frame = explore.missing(snapshot(sides("customer", bc, [])), CATALOGUE)
    assert one(frame, side="bc", field="salesperson")["blank"] == 1


def test_required_and_blank_is_said_first():
    snap = snapshot(sides("customer", [row(1, name=None), row(2)], []))
    assert words.of_missing(explore.missing(snap, CATALOGUE), CATALOGUE) == (
        "Required but blank most often: name of Customers in Business Central, 1 record"
    )


def test_values_are_counted_on_both_sides_the_most_frequent_first():
    snap = snapshot(sides("customer", [row(1, city="Graz"), row(2, city="Graz")], [row(3, city="Wien"), row(4)]))
    frame = explore.values(snap, CATALOGUE, "customer", "city")
    assert frame.loc[0, ["value", "bc", "dv"]].tolist() == ["Graz", 2, 0]
    assert frame["value"].isna().sum() == 1
    assert one(frame, value="Wien")["dv_share"] == 0.5
    with pytest.raises(UnknownKind, match="no field “town”"):
        explore.values(snap, CATALOGUE, "customer", "town")


# --- duplicates ---


def groups(frame: pd.DataFrame, rule: str) -> list[set[str]]:
    rows = frame[frame["rule"] == rule]
    return [set(g["id"]) for _, g in rows.groupby("group")]


def test_duplicates_agree_after_normalising():
    bc = [
        row(1, name="Müller GmbH", city="Linz", vat_number="ATU 12345678"),
        row(2, name="MUELLER Ges.m.b.H.", city="LINZ", vat_number="12345678"),
        row(3, name="Müller GmbH", city="Graz"),
        row(4, name="Huber", city=None, email="office@gmail.com"),
        row(5, name="Huber", city=None, email="sales@gmail.com"),
        row(6, name="Kern", email="Office@Kern.at", phone="0000000"),
        row(7, name="Kern Bau", email="office@kern.at", phone="0000000"),
    ]
    frame = explore.duplicates(snapshot(sides("customer", bc, [])), CATALOGUE)
    assert groups(frame, "same name and city") == [{"r1", "r2"}]
    assert groups(frame, "same VAT number") == [{"r1", "r2"}]
    assert groups(frame, "same e-mail") == [{"r6", "r7"}], "sharing a free-mail host is no sign"
    assert groups(frame, "same phone") == [], "a number of zeros is no number"
    assert set(frame["side"]) == {"bc"}


def test_persons_of_one_company_share_its_phone_and_are_no_duplicates():
    people = [
        {"id": "a", "name": "Eva Maier", "customer": "c1", "phone": "0316 123456", "mobile": "0664 1111111"},
        {"id": "b", "name": "MAIER, Eva", "customer": "c1", "phone": "0316 123456"},
        {"id": "c", "name": "Eva Maier", "customer": "c2", "phone": "0316 123456", "mobile": "+43 664 1111111"},
    ]
    frame = explore.duplicates(snapshot(sides("contact", people, [])), CATALOGUE)
    assert groups(frame, "same name and company") == [{"a", "b"}]
    assert groups(frame, "same mobile phone") == [{"a", "c"}]
    assert not any("same phone" in r for r in frame["rule"])


def test_groups_are_numbered_by_size_and_items_agree_by_gtin():
    codes = ["4006381333931", "04006381333931", *["123456789012"] * 3, None]
    items = [{"id": f"i{n}", "number": f"N{n}", "name": f"Item {n}", "gtin": g} for n, g in enumerate(codes)]
    frame = explore.duplicates(snapshot(sides("item", items, items)), CATALOGUE)
    rows = frame[(frame["rule"] == "same GTIN") & (frame["side"] == "dv")]
    assert [tuple(r) for r in rows[["group", "size", "id"]].itertuples(index=False)] == [
        (1, 3, "i2"), (1, 3, "i3"), (1, 3, "i4"), (2, 2, "i0"), (2, 2, "i1"),
    ]  # fmt: skip


def test_currencies_agree_by_code():
    rows = [{"id": "a", "code": "usd"}, {"id": "b", "code": "USD"}]
    frame = explore.duplicates(snapshot(sides("currency", [], rows)), CATALOGUE)
    assert groups(frame, "same ISO code") == [{"a", "b"}]


def test_prices_agree_by_list_product_and_unit_and_units_within_their_group():
    whole = load_catalogue()
    prices = [
        {"id": f"p{n}", "number": "1000", "list": "a", "product": item, "unit": unit}
        for n, (item, unit) in enumerate([("i1", "pcs"), ("i1", "pcs"), ("i1", "box"), ("i2", "pcs"), ("i1", None)])
    ]
    units = [{"id": f"u{n}", "code": "PCS", "group": g} for n, g in enumerate(["g1", "g2", "g2"])]
    snap = snapshot(sides("price", prices, []), sides("item_unit", units, []))
    frame = explore.duplicates(snap, whole)
    assert {(k, frozenset(g["id"])) for (k, _, _), g in frame.groupby(["kind", "rule", "group"])} == {
        ("price", frozenset({"p0", "p1"})),
        ("item_unit", frozenset({"u1", "u2"})),
    }


def test_lines_of_documents_are_never_duplicates():
    lines = [{"id": f"l{n}", "quote": "q", "product": "i", "name": "Bike"} for n in range(2)]
    assert not len(explore.duplicates(snapshot(sides("quote_line", lines, lines)), CATALOGUE))


# --- too long, not there, in use ---


def test_texts_that_would_be_cut_are_those_that_travel():
    dv = [row(1, name="x" * 120, number="y" * 30), row(2, name="z" * 100)]
    frame = explore.cut(snapshot(sides("customer", [], dv)), CATALOGUE)
    assert [(r.field, r.records, r.longest, r.allowed) for r in frame.itertuples()] == [("name", 1, 120, 100)]
    assert frame["example"].iloc[0] == "x" * 120


def test_codes_that_are_not_there_or_left_out_are_told_apart():
    people = sides(
        "salesperson", [{"id": "s1", "code": "AA"}], [], bc_outside=[{"id": "s2", "code": "BB", "outside": "gone"}]
    )
    bc = [
        row(1, salesperson="s1", salesperson_label="AA"),
        row(2, salesperson="s2", salesperson_label="BB"),
        row(3, salesperson_label="XX", country="AT"),
        row(4, salesperson_label="XX", country="Austria"),
        row(5),
    ]
    known = from_rows([{"id": "1", "code": "AT"}], pa.schema([("id", pa.string()), ("code", pa.string())]))
    snap = snapshot(people, sides("customer", bc, []), extras={"bc.countriesRegions": known})
    frame = explore.unknown_codes(snap, CATALOGUE)
    assert [(r.field, r.code, r.records, r.why) for r in frame.itertuples()] == [
        ("salesperson", "XX", 2, "not among the records read"),
        ("salesperson", "BB", 1, "left out: gone"),
        ("country", "Austria", 1, "not a country code of Business Central"),
    ]


def test_references_to_kinds_that_were_not_read_are_not_judged():
    assert not len(explore.unknown_codes(snapshot(sides("customer", [row(1, salesperson="x")], [])), CATALOGUE))


def test_countries_count_by_one_spelling():
    snap = snapshot(
        sides("customer", [row(1, country="AT"), row(2, country="at"), row(3)], [row(4, country="Österreich")])
    )
    frame = explore.uses(snap, CATALOGUE)
    assert one(frame, field="country", side="bc", value="AT")["spellings"] == 2
    assert one(frame, field="country", side="dv", value="AT")["share"] == 1
    assert frame[frame["value"].isna() & (frame["field"] == "country")]["records"].tolist() == [1]


# --- the noun and its pictures ---


def usual(hostile: bool = False) -> explore.Overview:
    snap = made.snapshot({"currency": (3, 3), "customer": (80, 90), "item": (20, 0)}, hostile)
    return explore.overview(snap, Decisions({"customer": [(made.guid("customer", "bc", 1), "x")]}), CATALOGUE)


def test_the_overview_sums_up_each_kind_and_side():
    found = usual()
    frame = found.to_frame()
    assert len(frame) == 2 * len(CATALOGUE)
    customers = one(frame, kind="customer", side="bc")
    assert (customers["taking_part"], customers["left_out"], customers["coupled"]) == (80, 4, 1)
    assert pd.isna(one(frame, kind="contact", side="bc")["coupled"])
    assert tuple(p.name for p in found) == NAMES
    assert set(json.loads(json.dumps(found.to_dict(), default=str))) == {"snapshot", "findings", "kinds", *NAMES}


def test_one_kind_is_the_same_narrowed():
    found = usual()["customer"]
    assert set(found.to_frame()["kind"]) == {"customer"}
    assert "Customers" in found.title
    with pytest.raises(UnknownKind):
        usual()["supplier"]


@pytest.mark.parametrize("snap", [snapshot(), snapshot(*(sides(k.name, [], []) for k in CATALOGUE))])
def test_empty_sides_and_empty_snapshots_show_themselves(snap):
    found = explore.overview(snap, NOTHING, CATALOGUE)
    assert len(found.to_frame()) == 2 * len(CATALOGUE)
    Reader(found._repr_html_())
    for part in found:
        assert part.finding
        Reader(part._repr_html_())
        Reader(part.plot._repr_html_())
        assert str(part)


@pytest.mark.parametrize("name", NAMES)
def test_looks_are_harmless_well_formed_and_say_it_in_words(name):
    part = getattr(usual(hostile=True), name)
    page = Reader(part._repr_html_())
    assert [t for t, _ in page.elements if t in FOREIGN] == []
    assert page.points_to() == []
    assert not [a for _, a in page.elements for n in a if n.startswith("on")]
    assert len(page.ids) == len(set(page.ids))
    for picture in page.having("svg"):
        assert picture["role"] == "img"
        title, description = picture["aria-labelledby"].split()
        assert {title, description} <= set(page.ids)
    assert all(rule.strip().startswith(".d365kit") for rule in _selectors(page))


def _selectors(page: Reader) -> list[str]:
    rules = re.findall(r"(?:^|\})\s*([^{}@]+)\{", "".join(page.code))
    return [selector for rule in rules for selector in rule.split(",")]


def test_a_record_s_text_in_a_picture_is_text_and_never_markup_or_mathematics():
    bc = [row(n, city=c) for n, c in enumerate(["<b>$x^2$</b>", "Łódź", "Αθήνα", "Köln", "株式会社", "a\u202eb"])]
    found = explore.overview(snapshot(sides("customer", bc, [])), NOTHING, CATALOGUE).values("customer", "city")
    svg = str(found.plot.svg).partition("</desc>")[2]
    for text in ("&lt;b&gt;$x^2$&lt;/b&gt;", "Łódź", "Αθήνα", "Köln", "株式会社", "a&lt;U+202E&gt;b"):
        assert text in svg, text
    assert "<b>" not in svg
    assert "\u202e" not in svg


def test_pictures_are_the_same_every_time_in_the_page_s_colours_and_without_a_style_of_their_own():
    one_time, again = (str(usual().coverage.plot.svg) for _ in range(2))
    assert one_time == again
    assert "currentColor" in one_time
    assert canvas.INK not in one_time
    for unwanted in ("<style", "<metadata", "DejaVu", "<image", "xlink", "Matplotlib"):
        assert unwanted not in one_time, unwanted
    assert "font: " in one_time or "font-family" in one_time


def test_two_pictures_on_a_page_share_no_id():
    html = usual().coverage.plot._repr_html_() + usual()["customer"].coverage.plot._repr_html_()
    ids = Reader(html).ids
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("name", "start"), [("a.svg", b"<?xml"), ("b.png", b"\x89PNG"), ("c.pdf", b"%PDF")])
def test_a_picture_is_saved_in_the_form_its_name_asks_for(tmp_path, name, start):
    path = usual().ages.plot.save(tmp_path / "new" / name)
    data = path.read_bytes()
    assert data.startswith(start)
    assert usual().ages.plot.save(tmp_path / f"again-{name}").read_bytes() == data


def test_a_picture_in_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be saved as “x.docx”"):
        usual().ages.plot.save(tmp_path / "x.docx")


def test_long_pictures_are_cut_and_say_so():
    rows = [plot.Bar(f"row {n}", ((n, "bc"),), str(n)) for n in range(100)]
    assert "and 40 more in the frame" in str(plot.bars("t", pd.DataFrame(), rows).svg)


def test_kinds_without_any_record_are_named_once_and_take_no_room():
    found = explore.overview(snapshot(sides("customer", [row(1)], []), sides("vendor", [], [])), NOTHING, CATALOGUE)
    assert found.without_records == ["Vendors"]
    text = str(found)
    assert "No record on either side: Vendors" in text
    assert text.count("not read") >= 1, "what was not read is not called empty"
    assert "Vendors" not in str(found.where.plot.svg).partition("<desc")[2].partition("</desc>")[2]


# --- size ---


@pytest.mark.slow
def test_a_hundred_thousand_customers_are_looked_at_in_seconds():
    number = 100_000
    schema = CATALOGUE["customer"].schema
    columns: dict[str, pa.Array] = {
        "id": pa.array([f"id{n}" for n in range(number)]),
        "number": pa.array([f"C{n:06d}" for n in range(number)]),
        "name": pa.array([f"{made.WORDS[n % 10]} {n * 7919 % 99_991} {made.FORMS[n % 8]}" for n in range(number)]),
        "city": pa.array([made.CITIES[n % 6] for n in range(number)]),
        "email": pa.array([f"office{n % 99_000}@firm{n % 5000}.com" for n in range(number)]),
        "phone": pa.array([f"+43 1 {n:07d}" for n in range(number)]),
        "vat_number": pa.array([f"ATU{n:08d}" for n in range(number)]),
        "modified_on": pa.array([TAKEN] * number, pa.timestamp("us", tz="UTC")),
        "credit_limit": pa.array([Decimal(n) for n in range(number)], schema.field("credit_limit").type),
    }
    table = pa.table([columns.get(f.name, pa.nulls(number, f.type)) for f in schema], schema=schema)
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    held = replace(sides("customer", [], []), bc=frame, dv=frame)
    pairs = Decisions({"customer": [(f"id{n}", f"id{n}") for n in range(0, number, 2)]})
    started = time.process_time()
    found = explore.overview(snapshot(held), pairs, CATALOGUE)
    found._repr_html_()
    seconds = time.process_time() - started
    assert one(found.to_frame(), kind="customer", side="bc")["coupled"] == number / 2
    assert seconds < 15, f"took {seconds:.1f} s"
