"""Files as people have them are read as they are meant, or refused with the place that is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from d365kit.errors import SettingsError
from d365kit.services.files import FileTable, load
from d365kit.services.files.encoding import decode
from tests.helpers_files import csv, xlsx

GERMAN = "Nr.;Name;Ort\n00010;Müller & Söhne;Köln\n00020;Groß GmbH;Düsseldorf\n"
NAMES = ("No.", "Name", "City")


def cells(table: FileTable, column: str) -> list[object]:
    return list(table.column(column).cells)


# --- encodings, separators, quotes ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp850"])
def test_every_usual_encoding_gives_the_same_names(tmp_path: Path, encoding: str) -> None:
    table = load(csv(tmp_path / "k.csv", GERMAN, encoding))
    assert cells(table, "Name") == ["Müller & Söhne", "Groß GmbH"]
    assert cells(table, "Nr.") == ["00010", "00020"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Nazwa;Miasto\nŻółć Sp. z o.o.;Łódź\nKrawczyńska;Gdańsk\nBłękit;Wrocław\n"),
        ("cp1250", "Název;Město\nŠkoda;Plzeň\nDvořák s.r.o.;Brno-střed\nNěmcová;Ústí\n"),
        ("cp1252", "Navn;By\nSørensen A/S;København\nÅse Lærke;Århus\n"),
        ("cp1252", "Nome;Cidade\nConceição;São Paulo\nJoão;Ação\n"),
        ("cp1251", "Имя;Город\nИванов;Москва\nПетров;Казань\n"),
        ("cp1253", "Όνομα;Πόλη\nΠαπαδόπουλος;Αθήνα\n"),
        ("cp1254", "Ad;Şehir\nÇelik;İstanbul\nYıldız;Muğla\nŞahin;Iğdır\n"),
        ("cp1257", "Nosaukums;Pilsēta\nBērziņš;Rīga\nKalniņš;Jūrmala\nŽukovskis;Šiauliai\n"),
        ("mac_roman", GERMAN),
    ],
)
def test_old_code_pages_are_told_apart_and_named(encoding: str, text: str) -> None:
    read, notes = decode(Path("x.csv"), text.encode(encoding))
    assert read == text
    assert "was read as" in notes[0]


def test_letters_lost_or_converted_twice_are_said() -> None:
    lost = decode(Path("x.csv"), "Name\nM\ufffdller\n".encode())[1]
    assert any("lost before" in n for n in lost)
    twice = decode(Path("x.csv"), "Müller Größe Söhne Österreich Käse".encode().decode("cp1252").encode())[1]
    assert any("converted twice" in n for n in twice)


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found_and_quotes_are_honoured(tmp_path: Path, separator: str) -> None:
    rows = [["No.", "Name", "Remark"], ["1", f'"Smith{separator} ""Bob"""', '"two\nlines"'], ["2", "Jones", "x"]]
    table = load(csv(tmp_path / "c.csv", "\n".join(separator.join(r) for r in rows)))
    assert cells(table, "Name") == [f'Smith{separator} "Bob"', "Jones"]
    assert cells(table, "Remark") == ["two\nlines", "x"]


def test_commas_in_texts_do_not_pass_for_separators(tmp_path: Path) -> None:
    text = "Nr.;Name;Preis\n" + "".join(f"{i};Firma {i}, Ort;1,50\n" for i in range(30))
    assert [c.name for c in load(csv(tmp_path / "c.csv", text)).columns] == ["Nr.", "Name", "Preis"]


def test_excels_sep_line_is_obeyed(tmp_path: Path) -> None:
    table = load(csv(tmp_path / "c.csv", "sep=|\nNo.|Name, full\n1|a;b\n"))
    assert cells(table, "Name, full") == ["a;b"]


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("e.csv", b"", "is empty"),
        ("e.csv", b" \n \n", "is empty"),
        ("h.xls", b"<html><table><tr><td>x</td></tr></table></html>", "web page or XML"),
        ("j.csv", b'{"value": []}', "is JSON"),
        ("b.csv", bytes(range(256)) * 8, "is not a text"),
        ("u.csv", b"\xff\xfea", "says it is UTF-16 and is not"),
        ("q.csv", b'No.;Name\n1;"Smith\n2;Jones\n', "a quote opened at about line 2 is never closed"),
        ("z.xlsx", b"PK\x03\x04 no zip at all", "cannot be read as a workbook"),
        ("p.parquet", b"PAR1 and no more PAR1", "no whole Parquet"),
        ("l.csv", b"No.;Name\n1;a\n2;b;c\n", "row 3 has more cells than the header (3 and 2)"),
        ("n.csv", b"10000;12.5\n20000;13.5\n", "has no header: row 1 holds"),
        ("o.csv", b"No.;Name\n", "no rows under it"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(tmp_path: Path, name: str, data: bytes, what: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=what.replace("(", r"\(").replace(")", r"\)")) as caught:
        load(path)
    assert name in caught.value.what
    assert caught.value.todo


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "nowhere.csv")
    with pytest.raises(SettingsError, match="is a folder"):
        load(tmp_path)


def test_a_workbook_under_a_csv_name_is_still_a_workbook(tmp_path: Path) -> None:
    assert cells(load(xlsx(tmp_path / "x.csv", [NAMES, ("1", "a", "b")])), "Name") == ["a"]


# --- headers, totals, sheets ---


def test_title_rows_above_the_header_are_left_out_and_said(tmp_path: Path) -> None:
    rows = [("Customer List",), ("CRONUS", "31.01.2026"), (), NAMES, ("1", "a", "b"), (), ("2", "c", "d")]
    table = load(xlsx(tmp_path / "x.xlsx", rows))
    assert table.header == 4
    assert table.rows == (5, 7)
    assert any("header is row 4" in n for n in table.notes)


def test_a_merged_title_is_safe(tmp_path: Path) -> None:
    rows = [("Customer List", None, None), NAMES, ("1", "a", "b")]
    assert load(xlsx(tmp_path / "x.xlsx", rows, merge=["A1:C1"])).header == 2


def test_merged_header_cells_are_refused_with_sheet_and_cells(tmp_path: Path) -> None:
    rows = [("No.", "Name", "Address", None), ("1", "a", "b", "c"), ("2", "d", "e", "f")]
    with pytest.raises(SettingsError, match=r"sheet “Debitoren”: the header cells C1:D1 are merged.*“Address”"):
        load(xlsx(tmp_path / "x.xlsx", rows, title="Debitoren", merge=["C1:D1"]))


def test_merged_header_cells_over_figures_are_refused_as_well(tmp_path: Path) -> None:
    rows = [("No.", "Amount", None), ("1", 5.0, 6.0), ("2", 7.0, 8.0)]
    with pytest.raises(SettingsError, match="cells B1:C1 are merged, so 2 columns share the caption “Amount”"):
        load(xlsx(tmp_path / "x.xlsx", rows, merge=["B1:C1"]))


def test_a_hidden_sheet_does_not_count(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["No.", "Name"])
    book.active.append(["1", "a"])
    hidden = book.create_sheet("hiddenDataSheet")
    hidden.append(["x", "y"])
    hidden.append(["1", "2"])
    hidden.sheet_state = "veryHidden"
    book.save(tmp_path / "x.xlsx")
    table = load(tmp_path / "x.xlsx")
    assert cells(table, "Name") == ["a"]
    assert table.origin.sheet == "Sheet"


def test_a_header_of_two_rows_is_understood_where_every_column_gets_one_caption(tmp_path: Path) -> None:
    rows = [("No.", "Name", "Address", None), (None, None, "Street", "City"), ("1", "a", "b", "c")]
    table = load(xlsx(tmp_path / "x.xlsx", rows, merge=["A1:A2", "B1:B2", "C1:D1"]))
    assert [c.name for c in table.columns] == ["No.", "Name", "Street", "City"]
    assert table.rows == (3,)
    assert any("rows 1 and 2" in n for n in table.notes)


def test_the_same_caption_under_two_groups_keeps_the_groups_name(tmp_path: Path) -> None:
    rows = [
        ("No.", "Bill-to", None, "Ship-to", None),
        (None, "City", "Name", "City", "Name"),
        ("1", "a", "b", "c", "d"),
    ]
    table = load(xlsx(tmp_path / "x.xlsx", rows, merge=["A1:A2", "B1:C1", "D1:E1"]))
    assert [c.name for c in table.columns] == ["No.", "Bill-to City", "Bill-to Name", "Ship-to City", "Ship-to Name"]


def test_merged_cells_among_the_records_are_said(tmp_path: Path) -> None:
    rows = [NAMES, ("1", "a", "b"), ("2", None, "c")]
    table = load(xlsx(tmp_path / "x.xlsx", rows, merge=["B2:B3"]))
    assert any("B2:B3 are merged" in n for n in table.notes)


def test_captions_that_come_twice_get_their_letter(tmp_path: Path) -> None:
    table = load(xlsx(tmp_path / "x.xlsx", [("No.", "Name", "Name"), ("1", "a", "b"), ("2", "c", "d")]))
    assert [c.name for c in table.columns] == ["No.", "Name", "Name (column C)"]
    assert table.column("C").cells == ("b", "d")


def test_totals_and_remarks_at_the_end_are_no_records(tmp_path: Path) -> None:
    header = ("No.", "Name", "City", "Balance", "Phone")
    rows = [header, *((str(i), f"n{i}", "c", 1.5, "p") for i in range(5)), ("Total", None, None, 7.5, None)]
    table = load(xlsx(tmp_path / "t.xlsx", rows))
    assert len(table) == 5
    assert any("row 7 looks like totals (“Total”)" in n for n in table.notes)
    remark = load(xlsx(tmp_path / "r.xlsx", [*rows[:-1], (), ("Applied filters: Status equals Active",)]))
    assert len(remark) == 5
    assert any("looks like a remark" in n for n in remark.notes)
    bare = load(xlsx(tmp_path / "f.xlsx", [*rows[:-1], (None, None, None, 7.5, None)]))
    assert len(bare) == 5


def test_a_record_called_total_stays(tmp_path: Path) -> None:
    rows = [NAMES, ("1", "a", "b"), ("2", "Total Energies", "Paris")]
    assert len(load(xlsx(tmp_path / "t.xlsx", rows))) == 2


def test_a_header_repeated_on_every_page_is_left_out(tmp_path: Path) -> None:
    table = load(csv(tmp_path / "p.csv", "No.;Name\n1;a\nNo.;Name\n2;b\n"))
    assert cells(table, "No.") == ["1", "2"]
    assert any("header stands 1 more times" in n for n in table.notes)


def test_rows_with_too_few_cells_are_said(tmp_path: Path) -> None:
    table = load(csv(tmp_path / "s.csv", "No.;Name;City\n1;a;b\n2;c\n"))
    assert any("1 rows have fewer cells" in n and "row 3" in n for n in table.notes)


def test_several_sheets_with_rows_need_a_choice_and_hidden_ones_do_not_count(tmp_path: Path) -> None:
    book = Workbook()
    for name in ("Customers", "Items"):
        sheet = book.create_sheet(name)
        sheet.append(NAMES)
        sheet.append([name, "a", "b"])
    hidden = book.create_sheet("hiddenDataSheet")
    hidden.append(["x", "y"])
    hidden.append(["1", "2"])
    hidden.sheet_state = "veryHidden"
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(SettingsError, match="several sheets with rows: Customers, Items"):
        load(tmp_path / "x.xlsx")
    assert cells(load(tmp_path / "x.xlsx", "items"), "No.") == ["Items"]
    with pytest.raises(SettingsError, match="no sheet “Prices”") as caught:
        load(tmp_path / "x.xlsx", "Prices")
    assert "Customers" in caught.value.todo


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({"No.": ["0010"], "Name": ["a"], "Date": [date(2026, 1, 31)]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert cells(load(tmp_path / "x.parquet"), "Date") == [date(2026, 1, 31)]
    assert cells(load(tmp_path / "x.parquet"), "No.") == ["0010"]
