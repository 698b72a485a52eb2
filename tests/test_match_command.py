"""`d365kit match` on two files with the kit's own columns: what it writes, and what it says of bad files."""

from __future__ import annotations

import csv as csv_module
import json
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from d365kit.cli.app import _run
from d365kit.errors import SettingsError
from d365kit.kinds import load_catalogue
from d365kit.services.files import COLUMNS, look, read_kit
from d365kit.workspace.two_files import match_files
from tests.helpers_files import csv, xlsx

PAIRS = ["left_id", "right_id", "score", "band", "reason"]
CANDIDATES = [*PAIRS, "chosen", "rank", "margin", "left_name", "right_name", "left_row", "right_row"]
Row = dict[str, str]

_NAMES = ("Adler", "Birken", "Contoso", "Dachstein", "Edel", "Fabrikam", "Gipfel", "Hafen", "Insel", "Jura")
_SORTS = ("Handel", "Technik", "Logistik", "Bau")
_CITIES = (("80331", "München"), ("10115", "Berlin"), ("1010", "Wien"), ("8001", "Zürich"), ("20095", "Hamburg"))


def companies() -> tuple[list[Row], list[Row]]:
    """Forty companies as two programs have them; the last ten are in one of them only."""
    left, right = [], []
    for n in range(40):
        name = f"{_NAMES[n % 10]} {_SORTS[n // 10]}"
        post, city = _CITIES[n % 5]
        row = {
            "id": f"L{n:02}", "number": str(10000 + n), "name": f"{name} GmbH", "address": f"Ringstraße {n + 1}",
            "postcode": post, "city": city, "country": "DE", "phone": f"+49 30 55{n:04}",
            "email": f"info@{name.replace(' ', '').lower()}.example", "vat": f"DE1234{n:05}",
        }  # fmt: skip
        if n < 35:
            left.append(row)
        if n < 30 or n >= 35:
            spelt = name.replace("ei", "ey") if n % 3 == 0 else name
            blank = {"vat": ""} if n % 4 == 0 else {"email": ""}
            other = {"id": f"R{n:02}", "number": "", "name": spelt, "address": f"Ringstr. {n + 1}"}
            right.append({**row, **other, **blank})
    return left, right


def write_csv(path: Path, rows: Sequence[Row], separator: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv_module.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist([{k: v or None for k, v in row.items()} for row in rows]), path)
    return path


def read_pairs(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv_module.DictReader(file))


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`d365kit match` in this process: exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["d365kit", "match", *words])
        code = _run()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files, matched once."""
    made = tmp_path_factory.mktemp("pairs")
    left, right = companies()
    write_csv(made / "left.csv", left)
    write_csv(made / "right.csv", right)
    return made


# --- what is written ---


@pytest.fixture
def written(folder: Path, command: Command, tmp_path: Path) -> tuple[list[Row], list[Row], str]:
    files = [str(folder / "left.csv"), str(folder / "right.csv")]
    code, said, wrong = command(*files, "--kind", "customer", "--out", "p.csv", "--candidates", "c.csv")
    assert (code, wrong) == (0, "")
    return read_pairs(tmp_path / "p.csv"), read_pairs(tmp_path / "c.csv"), said


def test_the_pairs_have_five_columns_and_each_id_once(written: tuple[list[Row], list[Row], str]) -> None:
    pairs, _, said = written
    assert list(pairs[0]) == PAIRS
    assert {p["band"] for p in pairs} <= {"certain", "likely"}
    for hand in ("left_id", "right_id"):
        assert len({p[hand] for p in pairs}) == len(pairs)
    right = sum(p["left_id"][1:] == p["right_id"][1:] for p in pairs)
    assert right == len(pairs) >= 25
    order = [(-float(p["score"]), p["left_id"], p["right_id"]) for p in pairs]
    assert order == sorted(order)
    assert all(0.5 < float(p["score"]) <= 1 and p["reason"] for p in pairs)
    assert f"{len(pairs)} pairs (certain and likely) are in p.csv." in said


def test_the_candidates_hold_the_pairs_and_every_record(written: tuple[list[Row], list[Row], str]) -> None:
    pairs, candidates, said = written
    assert list(candidates[0])[: len(CANDIDATES)] == CANDIDATES
    assert {"name_left", "name_right", "name_level", "name_weight"} <= set(candidates[0])
    chosen = [c for c in candidates if c["chosen"] == "True" and c["band"] in ("certain", "likely")]
    assert sorted(tuple(c[n] for n in PAIRS) for c in chosen) == sorted(tuple(p.values()) for p in pairs)
    assert {c["left_id"] for c in candidates} - {""} == {f"L{n:02}" for n in range(35)}
    assert {c["right_id"] for c in candidates} - {""} == {f"R{n:02}" for n in (*range(30), *range(35, 40))}
    alone = [c for c in candidates if c["band"] == "nothing found"]
    assert all(c["score"] == "" and not (c["left_id"] and c["right_id"]) for c in alone)
    assert next(c for c in candidates if c["left_id"] == "L03")["left_row"] == "5"
    assert "is in c.csv" in said


def test_the_summary_says_what_was_read_and_what_to_do_next(folder: Path, command: Command) -> None:
    code, said, _ = command(str(folder / "left.csv"), str(folder / "right.csv"))
    assert code == 0
    assert "left.csv: 35 rows, read as customer by the kit's own column names" in said
    assert "read: id, number, name, address, postcode, city, country, phone, email, vat" in said
    assert "blank throughout: number" in said
    assert "certain" in said
    assert said.splitlines()[-1] == "Write all of them to a file with --out pairs.csv."


def test_the_answer_as_json(folder: Path, command: Command) -> None:
    files = [str(folder / "left.csv"), str(folder / "right.csv")]
    code, said, _ = command(*files, "--kind", "company", "--out", "p.csv", "--json")
    found = json.loads(said)
    assert code == 0
    assert found["kind"] == "customer"
    assert found["pairs"] == found["counts"]["certain"] + found["counts"]["likely"]
    assert (found["left"]["rows"], found["left"]["side"], found["right"]["side"]) == (35, "bc", "dv")
    assert (found["path"], found["candidates"]) == ("p.csv", None)


def same(tmp_path: Path, command: Command, left: Path, right: Path, *words: str) -> bytes:
    code, _, wrong = command(str(left), str(right), "--out", "same.csv", *words)
    assert code == 0, wrong
    return (tmp_path / "same.csv").read_bytes()


def test_the_order_of_rows_does_not_matter(tmp_path: Path, folder: Path, command: Command) -> None:
    first = same(tmp_path, command, folder / "left.csv", folder / "right.csv")
    assert same(tmp_path, command, folder / "left.csv", folder / "right.csv") == first
    left, right = companies()
    for seed in (1, 2):
        random.Random(seed).shuffle(left)
        random.Random(seed + 10).shuffle(right)
        made = write_csv(tmp_path / "l.csv", left), write_csv(tmp_path / "r.csv", right)
        assert same(tmp_path, command, *made) == first


def test_parquet_and_other_ways_to_write_csv_give_the_same(tmp_path: Path, folder: Path, command: Command) -> None:
    first = same(tmp_path, command, folder / "left.csv", folder / "right.csv")
    left, right = companies()
    turned = [{k.upper(): v for k, v in reversed(row.items())} for row in left]
    assert same(tmp_path, command, write_csv(tmp_path / "l.csv", turned, ";"), folder / "right.csv") == first
    files = write_parquet(tmp_path / "l.parquet", left), write_parquet(tmp_path / "r.parquet", right)
    assert same(tmp_path, command, *files) == first
    text = (folder / "left.csv").read_text("utf-8")
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert same(tmp_path, command, csv(tmp_path / "l.csv", text, encoding), folder / "right.csv") == first
    short = text.replace("DE123400000\n", "DE123400000\n\n,,,,,,,,,\n")
    assert same(tmp_path, command, csv(tmp_path / "l.csv", short), folder / "right.csv") == first


def test_excel_and_parquet_are_written(folder: Path, command: Command, tmp_path: Path) -> None:
    files = [str(folder / "left.csv"), str(folder / "right.csv")]
    assert command(*files, "--out", "p.parquet", "--candidates", "c.xlsx")[0] == 0
    pairs = pq.read_table(tmp_path / "p.parquet")
    assert pairs.column_names == PAIRS
    sheet = load_workbook(tmp_path / "c.xlsx").active
    assert [cell.value for cell in sheet[1]][: len(CANDIDATES)] == CANDIDATES
    assert sheet.max_row > pairs.num_rows


def test_formulas_are_harmless_and_ids_stay_as_they_are(tmp_path: Path, command: Command) -> None:
    evil = '=HYPERLINK("http://x")'
    rows = [
        {"id": i, "name": n, "city": "Berlin", "postcode": "10115", "email": f"{k}@x.example"}
        for k, (i, n) in enumerate([("=1+1", evil), ("007", "+SUM(A1)"), (" 8 ", "Contoso"), ("-9", "@Fabrikam")])
    ]
    write_csv(tmp_path / "l.csv", rows)
    write_csv(tmp_path / "r.csv", rows)
    assert command("l.csv", "r.csv", "--out", "p.csv", "--candidates", "c.csv")[0] == 0
    assert {r["left_id"] for r in read_pairs(tmp_path / "p.csv")} == {"=1+1", "007", " 8 ", "-9"}
    candidates = read_pairs(tmp_path / "c.csv")
    assert {r["left_id"] for r in candidates} == {"=1+1", "007", " 8 ", "-9"}
    named = {r["left_id"]: r["left_name"] for r in candidates}
    assert (named["=1+1"], named["007"]) == (f"'{evil}", "'+SUM(A1)")
    assert not any(value.startswith(("=", "+", "@")) for r in candidates for c, value in r.items() if c[-2:] != "id")
    assert command("l.csv", "r.csv", "--out", "p.xlsx", "--candidates", "c.xlsx")[0] == 0
    for cell in (c for name in ("p.xlsx", "c.xlsx") for row in load_workbook(tmp_path / name).active for c in row):
        assert cell.data_type != "f"


def test_other_files_are_guessed_and_known_by_their_id(tmp_path: Path, folder: Path, command: Command) -> None:
    left, _ = companies()
    names = {"id": "ID", "number": "Nr.", "name": "Firmenname", "address": "Adresse", "postcode": "PLZ-Code",
             "city": "Ort", "vat": "USt-IdNr."}  # fmt: skip
    write_csv(tmp_path / "l.csv", [{t: row[f] for f, t in names.items()} for row in left], ";")
    first = same(tmp_path, command, folder / "left.csv", folder / "right.csv")
    code, said, wrong = command("l.csv", str(folder / "right.csv"), "--out", "p.csv")
    assert code == 0, wrong
    assert "Firmenname" in said
    pairs = read_pairs(tmp_path / "p.csv")
    assert len(pairs) > 20
    assert {(p["left_id"], p["right_id"]) for p in pairs} <= {(f"L{n:02}", f"R{n:02}") for n in range(30)}
    book = [tuple(left[0]), *(tuple(row.values()) for row in left)]
    xlsx(tmp_path / "l.xlsx", book)
    assert same(tmp_path, command, tmp_path / "l.xlsx", folder / "right.csv").count(b"\n") == first.count(b"\n")


def test_a_column_of_another_name_is_guessed_or_named_as_not_used(tmp_path: Path, command: Command) -> None:
    left, right = companies()
    write_csv(tmp_path / "r.csv", right)
    write_csv(tmp_path / "l.csv", [{**row, "cluster": "x"} for row in left])
    code, said, _ = command("l.csv", "r.csv")
    assert code == 0
    assert "by the kit's own column names" in said
    assert "not used: cluster" in said
    write_csv(tmp_path / "l.csv", [{**row, "Fax No.": "030 1"} for row in left])
    code, said, _ = command("l.csv", "r.csv")
    assert code == 0
    assert "Fax No." in said
    assert "→ fax" in said


# --- what is read ---


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_column_has_a_field(kind: str) -> None:
    assert set(COLUMNS[kind].values()) <= set(load_catalogue()[kind].schema.names)


def people(tmp_path: Path, header: str, *rows: str) -> dict[str, list]:
    found = look(csv(tmp_path / "people.csv", "\n".join([header, *rows]) + "\n"))
    assert found is not None
    return read_kit(found, load_catalogue()["contact"], "bc").table.to_pydict()


def test_a_contact_without_a_name_is_called_by_its_parts(tmp_path: Path) -> None:
    held = people(tmp_path, "id,given_name,surname,state,dob,company", "1,Ada,King,LDN,1815-12-10,Analytical Ltd",
                  "2,,Cher,,,", "3,,,,,")  # fmt: skip
    assert held["name"] == ["Ada King", "Cher", None]
    assert [held[n][0] for n in ("given_name", "surname", "county", "birth_date", "customer_label")] == [
        "Ada", "King", "LDN", "1815-12-10", "Analytical Ltd",
    ]  # fmt: skip
    named = people(tmp_path, "id,name,given_name,surname", "1,Lady Lovelace,Ada,King", "2,,Ada,King")
    assert named["name"] == ["Lady Lovelace", "Ada King"]


def prices(tmp_path: Path, *texts: str, decimal: str = "") -> list[Decimal | None]:
    from d365kit.services.files import Habits

    path = tmp_path / "items.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv_module.writer(file).writerows([("id", "price"), *((f"{n:03}", t) for n, t in enumerate(texts))])
    found = look(path)
    assert found is not None
    held = read_kit(found, load_catalogue()["item"], "bc", Habits.checked(decimal))
    return held.table.column("unit_price").to_pylist()


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("12", "1.5", ""), ("12", "1.5", None)),
        (("1,234.56", "1,234", "0.125"), ("1234.56", "1234", "0.125")),
        (("1.234,56", "1.234", "-7,5"), ("1234.56", "1234", "-7.5")),
        (("1,234,567", "5"), ("1234567", "5")),
        (("1.234.567", "5"), ("1234567", "5")),
        (("€ 1.234,50", "12,00 €"), ("1234.5", "12")),
        (("1'234.50", "(12.00)"), ("1234.5", "-12")),
        (("n/a", "-", "12.50"), (None, None, "12.5")),
        (("0,125", "12"), ("0.125", "12")),
    ],
)
def test_amounts_are_read_as_the_whole_column_is_written(
    tmp_path: Path, texts: Sequence[str], numbers: object
) -> None:
    assert prices(tmp_path, *texts) == [None if n is None else Decimal(n) for n in numbers]  # type: ignore[attr-defined]


def test_a_doubtful_amount_goes_by_what_is_said_of_it(tmp_path: Path) -> None:
    assert prices(tmp_path, "1.234") == [Decimal("1.234")]
    assert prices(tmp_path, "1.234", decimal=",") == [Decimal(1234)]
    with pytest.raises(SettingsError, match=r"items.csv, column “price”: numbers of two habits"):
        prices(tmp_path, "1.234,56", "1,234.56")


def test_parquet_types_are_read_as_their_texts(tmp_path: Path) -> None:
    from datetime import date, datetime

    table = pa.table(
        {
            "id": pa.array([10, 9], pa.int64()),
            "name": pa.array(["a", "b"]).dictionary_encode(),
            "surname": pa.array(["x", None], pa.large_string()),
            "phone": pa.array([4930555.0, None], pa.float64()),
            "postcode": pa.array([1010, 80331], pa.int32()),
            "dob": pa.array([date(1980, 3, 19), None], pa.date32()),
            "regno": pa.array([None, None], pa.null()),
            "city": pa.array([True, None], pa.bool_()),
            "email": pa.array([datetime(1980, 3, 19), None], pa.timestamp("ns")),
            "__index_level_0__": pa.array([0, 1]),
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    found = look(tmp_path / "p.parquet")
    assert found is not None
    held = read_kit(found, load_catalogue()["contact"], "bc")
    rows = held.table.to_pylist()
    assert [r["id"] for r in rows] == ["10", "9"]
    first = {n: rows[0][n] for n in ("name", "surname", "phone", "post_code", "birth_date", "city", "email")}
    assert first == {
        "name": "a", "surname": "x", "phone": "4930555", "post_code": "1010", "birth_date": "1980-03-19",
        "city": "true", "email": "1980-03-19",
    }  # fmt: skip
    assert held.blank == ("regno",)
    assert held.unused == ("__index_level_0__",)
    items = pa.table({"id": ["a", "b", "c"], "price": [12.1, float("nan"), 1e300], "cost": [1, 2, None]})
    pq.write_table(items, tmp_path / "i.parquet")
    found = look(tmp_path / "i.parquet")
    assert found is not None
    held = read_kit(found, load_catalogue()["item"], "bc")
    assert held.table.column("unit_price").to_pylist() == [Decimal("12.1"), None, None]
    assert held.table.column("unit_cost").to_pylist() == [Decimal(1), Decimal(2), None]


# --- bad files ---

GOOD = "id,name,city\nx,Contoso,Berlin\n"


@pytest.mark.parametrize(
    ("left", "what", "todo"),
    [
        ("", "l.csv is empty", "Export it again"),
        ("\n\n", "l.csv is empty", "Export it again"),
        ("id,name,city\n", "l.csv has a header and no rows under it", "Export it again"),
        ("id,name,city\n,,\n", "l.csv has a header and no rows under it", "Export it again"),
        ("id,name\n1,A\n2,B\n1,C\n", "the id “1” stands in rows 2 and 4", "An id is of one record alone"),
        ("id,name\n1,A\n1,B\n2,B\n2,C\n", "the id “1” stands in rows 2 and 3; so do “2”", "ids of their own"),
        ("id,name\n1,A\n,B\n", "column “id” is blank in 1 rows, the first is row 3", "Fill it in"),
        ("id,name\n1,\n2,\n", "l.csv has no column to compare by", "Add columns such as name"),
        ("id\n1\n2\n", "l.csv has no column to compare by", "Add columns such as name"),
        ("id,phone\n1,030\n", "no filled column in common: l.csv has phone and r.csv has name, city", "same columns"),
        ("id,name,Name\n1,A,B\n", "several columns called “name”", "name of its own"),
        ("id,gtin\n1,4006381333931\n", "l.csv has the columns of item and r.csv", "--kind"),
        ("id,name\n1,A,B,C\n", "row 2 has more cells than the header", "in quotes"),
        ('id,name\n1,"A\n2,B\n', "a quote opened at about line 2 is never closed", "Close it"),
        ("foo,bar\n1,2\n", "l.csv has no column that looks like the name or the number", "--column"),
    ],
)  # fmt: skip
def test_bad_files_get_two_sentences(tmp_path: Path, command: Command, left: str, what: str, todo: str) -> None:
    csv(tmp_path / "l.csv", left)
    csv(tmp_path / "r.csv", GOOD)
    code, _, wrong = command("l.csv", "r.csv", "--out", "p.csv")
    assert code == 2, wrong
    assert what in wrong
    assert todo in wrong
    assert "Traceback" not in wrong
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("l.csv", "r.csv", "--out", "l.csv"), "l.csv is named twice"),
        (("l.csv", "r.csv", "--out", "p.csv", "--candidates", "p.csv"), "p.csv is named twice"),
        (("l.csv", "r.csv", "--candidates", "c.doc"), "no kind that can be written"),
        (("l.csv", "r.csv", "--out", "no/p.csv"), "There is no folder"),
        (("l.csv", "gone.csv"), "gone.csv cannot be read"),
        (("l.csv", "."), "is a folder"),
        (("l.csv", "r.csv", "--kind", "firm"), "no kind called “firm”"),
        (("l.csv", "half.parquet"), "half.parquet is no whole Parquet file"),
        (("l.csv", "lists.parquet"), "column “name” holds list"),
    ],
)
def test_mistakes_are_said_before_anything_is_written(
    tmp_path: Path, command: Command, words: tuple[str, ...], what: str
) -> None:
    csv(tmp_path / "l.csv", GOOD)
    csv(tmp_path / "r.csv", GOOD)
    pq.write_table(pa.table({"id": ["1"], "name": [["a", "b"]]}), tmp_path / "lists.parquet")
    whole = (tmp_path / "lists.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    code, _, wrong = command(*words)
    assert code == 2, wrong
    assert what in wrong
    assert (tmp_path / "l.csv").read_text("utf-8") == GOOD


def test_one_row_is_enough(tmp_path: Path, command: Command) -> None:
    for name, key in (("l.csv", "1"), ("r.csv", "a")):
        csv(tmp_path / name, f"id,name,city,email\n{key},Contoso GmbH,Berlin,info@contoso.example\n")
    assert command("l.csv", "r.csv", "--out", "p.csv", "--candidates", "c.csv")[0] == 0
    assert (tmp_path / "p.csv").read_text("utf-8").startswith(",".join(PAIRS))
    assert len(read_pairs(tmp_path / "c.csv")) >= 1


def test_equal_names_are_no_pairs(tmp_path: Path, command: Command) -> None:
    for name in "lr":
        csv(tmp_path / f"{name}.csv", "id,name\n" + "".join(f"{name}{n},Contoso\n" for n in range(60)))
    code, said, wrong = command("l.csv", "r.csv", "--out", "p.csv", "--candidates", "c.csv")
    assert code == 0, wrong
    assert read_pairs(tmp_path / "p.csv") == []
    assert {r["left_id"] for r in read_pairs(tmp_path / "c.csv")} >= {f"l{n}" for n in range(60)}
    assert "0 certain, 0 likely" in said


def test_nothing_alike_is_an_empty_file_with_a_header(tmp_path: Path, command: Command) -> None:
    csv(tmp_path / "l.csv", "id,name,city\n1,Contoso,Berlin\n2,Adler,Wien\n")
    csv(tmp_path / "r.csv", "id,name,city\na,Zebra,Oslo\n")
    assert command("l.csv", "r.csv", "--out", "p.csv", "--candidates", "c.csv")[0] == 0
    assert (tmp_path / "p.csv").read_text("utf-8").strip() == ",".join(PAIRS)
    assert [r["band"] for r in read_pairs(tmp_path / "c.csv")] == ["nothing found"] * 3


def test_a_column_of_nulls_is_named_and_does_no_harm(tmp_path: Path, command: Command) -> None:
    left, right = companies()
    for path, rows in ((tmp_path / "l.parquet", left), (tmp_path / "r.parquet", right)):
        table = pa.Table.from_pylist(rows).append_column("regno", pa.nulls(len(rows)))
        pq.write_table(table, path)
    code, said, wrong = command("l.parquet", "r.parquet")
    assert code == 0, wrong
    assert "blank throughout: regno" in said


def test_mixed_types_in_a_column_of_amounts_count_as_blank(tmp_path: Path, command: Command) -> None:
    for name in "lr":
        text = "id,name,price\n1,Desk 120 cm,12.50\n2,Chair,call us\n3,Lamp LED,true\n4,Shelf,\n"
        csv(tmp_path / f"{name}.csv", text)
    code, said, wrong = command("l.csv", "r.csv")
    assert code == 0, wrong
    assert "column “price”: 2 cells are no number and count as blank (“call us”, “true”; the first is row 3)" in said


def test_very_long_texts_are_compared_by_their_beginning(tmp_path: Path, command: Command) -> None:
    long = "x" * 10_000_000
    for name in "lr":
        csv(tmp_path / f"{name}.csv", f'id,name,city\n1,"{long}",Berlin\n2,Contoso GmbH,Wien\n3,Adler,Graz\n')
    code, said, wrong = command("l.csv", "r.csv", "--out", "p.csv", "--candidates", "c.csv")
    assert code == 0, wrong
    assert "name holds a text of 10,000,000 characters; it is compared by the first 4,000 of them" in said
    assert (tmp_path / "c.csv").stat().st_size < 100_000
    csv(tmp_path / "l.csv", f"id,name\n{long},A\n")
    code, _, wrong = command("l.csv", "r.csv")
    assert code == 2
    assert "the id in row 2 has more than 1,000 characters" in wrong
    csv(tmp_path / "l.csv", f"Nr.;Name\n1;{long}\n")
    assert command("l.csv", "r.csv")[0] == 2


def test_the_kind_is_told_by_the_columns_and_the_name_of_the_file(tmp_path: Path) -> None:
    for name in ("l.csv", "r.csv", "contacts_a.csv"):
        csv(tmp_path / name, "id,name,email\n1,Ada King,ada@x.example\n2,Alan Ray,alan@x.example\n")
    found = match_files(tmp_path / "l.csv", tmp_path / "r.csv")
    assert (found.kind, found.others) == ("customer", ("contact",))
    assert match_files(tmp_path / "contacts_a.csv", tmp_path / "r.csv").kind == "contact"
    assert match_files(tmp_path / "l.csv", tmp_path / "r.csv", kind="vendor").kind == "vendor"
    csv(tmp_path / "l.csv", "id,name,brand,gtin\n1,Desk,Acme,4006381333931\n")
    csv(tmp_path / "r.csv", "id,name,price\n1,Desk,12.00\n")
    assert match_files(tmp_path / "l.csv", tmp_path / "r.csv").kind == "item"
