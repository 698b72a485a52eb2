"""Odd and bad input: a clear answer or an error of the kit's own, in seconds; never another exception."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from d365kit import match
from d365kit.errors import D365KitError, SettingsError
from d365kit.workspace.two_files import FileMatch, match_files
from tests.helpers_match import CATALOGUE, decisions, pairs_in, snapshot, with_sides

NOBODY = decisions()
KINDS = ("customer", "contact", "item")
LONG = "x" * 10_000_000
NAMES = (
    "<script>alert(1)</script> GmbH", "\u202eمقاولات الخليج\u202c", "😀😀 Party 🎉", "n" * 4_000, "%s {0} ${x} \\N",
    "O'Hara \"&\" Söhne\x00", "=1+1", "\ufeffBOM AG", "a\u0301" * 50, "　全角　株式会社", "NULL", "nan", "None",
)  # fmt: skip
#: What matching may take for a few odd records. The machine may be busy with much else.
SECONDS = 60.0


def in_time(what: Callable[[], object]) -> object:
    started = time.process_time()
    found = what()
    assert time.process_time() - started < SECONDS
    return found


def or_error(what: Callable[[], object]) -> object | None:
    """The answer in time; None for an error of the kit's own, which says what is wrong and what to do."""
    try:
        return in_time(what)
    except D365KitError as problem:
        if not str(problem).strip():
            raise
        return None


def propose(kind: str, bc: list[dict], dv: list[dict]) -> pd.DataFrame:
    """Proposals, or the two sentences of an error of the kit's own."""
    frame = in_time(lambda: match.propose(snapshot(**{kind: (bc, dv)}), NOBODY, kind)).frame
    for side, rows in (("bc", bc), ("dv", dv)):
        assert set(frame[f"{side}_id"].dropna()) == {r["id"] for r in rows}
    for name in ("score", "probability", "margin"):
        values = frame[name].dropna().to_numpy(dtype=float)
        assert not pd.isna(values).any()
        assert (abs(values) < 1e6).all()
    chosen = frame[frame["chosen"].fillna(False).astype(bool)]
    assert not chosen["bc_id"].duplicated().any()
    assert not chosen["dv_id"].duplicated().any()
    return frame


def both(rows: list[dict]) -> tuple[list[dict], list[dict]]:
    return [{"id": f"b{n}", **row} for n, row in enumerate(rows)], [
        {"id": f"d{n}", **row} for n, row in enumerate(rows)
    ]


# --- proposing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_side_and_single_rows(kind):
    one = [{"id": "x", "name": "Contoso"}]
    assert len(propose(kind, [], [])) == 0
    assert propose(kind, one, [])["band"].tolist() == ["nothing found"]
    assert propose(kind, [], one)["band"].tolist() == ["nothing found"]
    assert len(propose(kind, one, [{"id": "y", "name": "Contoso"}])) >= 1
    assert len(propose(kind, one, [{"id": "y"}])) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_five_hundred_equal_names_are_no_certain_pair(kind):
    frame = propose(kind, *both([{"name": "Contoso Handel GmbH"}] * 500))
    assert not (frame["band"] == "certain").any()
    assert not frame["chosen"].any()
    assert len(frame) <= 5 * 1000


def test_equal_names_with_one_number_each_meet_by_it():
    rows = [{"name": "Contoso Handel GmbH", "number": f"C{n:04}", "phone": f"0732 {n:06}"} for n in range(60)]
    frame = propose("customer", *both(rows))
    chosen = pairs_in(frame[frame["chosen"]])
    assert chosen == {(f"b{n}", f"d{n}") for n in range(60)}


def test_columns_of_nulls_and_missing_columns_do_no_harm():
    rows = [{"name": n, "number": f"C{i}", "phone": None} for i, n in enumerate(("Adler", "Birke", "Contoso"))]
    frame = propose("customer", *both(rows))
    snap = snapshot(customer=both(rows))
    bare = [snap["customer"].side(s)[["id", "name", "number"]].copy() for s in ("bc", "dv")]
    less = match.propose(with_sides(snap, "customer", *bare), NOBODY, "customer").frame
    pd.testing.assert_frame_equal(frame, less)


def test_texts_of_ten_megabytes():
    for name, rows in {
        "name": [{"name": LONG}, {"name": "Contoso", "city": "Linz"}],
        "address_line1": [{"name": "Adler", "address_line1": LONG}, {"name": "Contoso", "address_line1": "Ring 1"}],
    }.items():
        assert len(propose("customer", *both(rows))) >= 2, name


@pytest.mark.parametrize("kind", KINDS)
def test_strange_names_meet_and_come_back_as_they_are(kind):
    rows = [
        {"name": name, "number": f"C{n}", "email": f"m{n}@x{n}.com", "gtin": None} for n, name in enumerate(NAMES)
    ]
    if kind == "contact":
        rows = [{k: v for k, v in r.items() if k != "gtin"} for r in rows]
    if kind == "item":
        rows = [{k: v for k, v in r.items() if k != "email"} for r in rows]
    frame = propose(kind, *both(rows))
    named = frame[frame["bc_id"].notna()].drop_duplicates("bc_id").set_index("bc_id")["bc_name"]
    assert [named[f"b{n}"] for n in range(len(NAMES))] == [name.strip() for name in NAMES]
    wrong = {p for p in pairs_in(frame[frame["chosen"]]) if p[0][1:] != p[1][1:]}
    assert not wrong


def test_mixed_types_in_a_column():
    schema = CATALOGUE["customer"].schema
    values = ["Contoso", 42, 3.5, None, True, b"bytes", Decimal("1.5"), float("nan")]
    frames = []
    for side in "bd":
        frame = pd.DataFrame(
            {"id": [f"{side}{n}" for n in range(len(values))], "name": values, "number": values[::-1]}
        )
        for field in schema.names:
            if field not in frame:
                frame[field] = None
        frames.append(frame)
    snap = with_sides(snapshot(customer=([], [])), "customer", *frames)
    made = or_error(lambda: match.propose(snap, NOBODY, "customer"))
    if made is not None:
        found = made.frame
        assert set(found["bc_id"].dropna()) == set(frames[0]["id"])


@pytest.mark.parametrize(
    "odd",
    ["NaN", "1E+25", "0", "-0", "0.000000000001", "Infinity", "-Infinity"],
)
def test_odd_amounts(odd):
    frames = []
    for side in "bd":
        made = snapshot(item=([], []))["item"].bc.copy()
        rows = pd.DataFrame({"id": [f"{side}1", f"{side}2"], "name": ["Desk oak 120 cm", "Lamp LED 5 W"]})
        made = rows.reindex(columns=made.columns)
        made["unit_price"] = pd.Series([Decimal(odd), Decimal("12.5")], dtype=object)
        made["unit_cost"] = pd.Series([float(Decimal(odd)), 3.0])
        frames.append(made)
    snap = with_sides(snapshot(item=([], [])), "item", *frames)
    made = or_error(lambda: match.propose(snap, NOBODY, "item"))
    if made is not None:
        found = made.frame
        assert ("b1", "d1") in pairs_in(found)
        assert ("b2", "d2") in pairs_in(found)
        assert found["score"].dropna().abs().lt(1e6).all()


def test_floats_that_are_no_number_count_as_missing():
    """Two amounts that are no number, or endless, agree in nothing."""
    plain = [
        {"name": "Desk oak 120 cm", "unit_cost": Decimal("3")},
        {"name": "Lamp LED 5 W", "unit_cost": Decimal("7")},
    ]
    snap = snapshot(item=both(plain))
    frames = []
    for side in ("bc", "dv"):
        frame = snap["item"].side(side).copy()
        frame["unit_cost"] = pd.Series([float("inf"), float("nan")])
        frames.append(frame)
    found = match.propose(with_sides(snap, "item", *frames), NOBODY, "item").frame
    for text in found["evidence"].dropna():
        assert (
            '"unit_cost", "bc": "Infinity"' not in text or '"exact"' not in text.split("unit_cost")[1].split("}")[0]
        )


# --- two files ----------------------------------------------------------------------------------------


def files(folder: Path, left: pa.Table | str, right: pa.Table | str, **more: object) -> FileMatch:
    paths = []
    for name, what in (("left", left), ("right", right)):
        path = folder / f"{name}.{'csv' if isinstance(what, str) else 'parquet'}"
        if isinstance(what, str):
            path.write_text(what, encoding="utf-8")
        else:
            pq.write_table(what, path)
        paths.append(path)
    return in_time(lambda: match_files(*paths, **more))


def table(**columns: list) -> pa.Table:
    return pa.table(columns)


def test_a_file_without_rows_is_refused(tmp_path):
    some = "id,name,city\n1,Contoso,Linz\n2,Adler,Graz\n"
    none = "id,name,city\n"
    for pair in ((some, none), (none, some), (none, none)):
        with pytest.raises(SettingsError, match="no rows under it"):
            files(tmp_path, *pair)


def test_files_of_one_row_each(tmp_path):
    found = files(
        tmp_path, "id,name,gtin\n1,Desk,4006381333931\n", "id,name,gtin\na,Desk,4006381333931\n", kind="item"
    )
    assert len(found.to_frame()) >= 1


def test_files_of_equal_names(tmp_path):
    texts = ["id,name\n" + "".join(f"{hand}{n},Contoso GmbH\n" for n in range(500)) for hand in "lr"]
    found = files(tmp_path, *texts, kind="customer")
    assert len(found.pairs()) == 0
    assert found.counts()["certain"] == 0


def test_a_column_of_nulls_in_parquet(tmp_path):
    one = table(id=["1", "2"], name=["Contoso", "Adler"], city=pa.nulls(2), phone=pa.nulls(2, pa.string()))
    assert len(files(tmp_path, one, one).to_frame()) >= 2


def test_a_file_whose_only_columns_are_empty_is_refused(tmp_path):
    blank = table(id=["1", "2"], name=pa.nulls(2, pa.string()))
    good = table(id=["1", "2"], name=["Contoso", "Adler"])
    for pair in ((blank, good), (good, blank), (blank, blank)):
        with pytest.raises(SettingsError, match="no column to compare by"):
            files(tmp_path, *pair, kind="customer")


def test_files_without_a_usable_column(tmp_path):
    for left in ("foo,bar\n1,2\n", "id\n1\n2\n", "id,xyzzy\n1,q\n"):
        for kind in ("", "customer"):
            with pytest.raises(D365KitError) as problem:
                files(tmp_path, left, "id,name\n1,Contoso\n", kind=kind)
            assert str(problem.value)


def test_files_with_nothing_in_common(tmp_path):
    with pytest.raises(SettingsError, match="no filled column in common"):
        files(tmp_path, "id,name\n1,Contoso\n", "id,email\n1,a@b.example\n", kind="customer")


def test_strange_names_in_files(tmp_path):
    count = len(NAMES)
    mails = [f"m{n}@x{n}.com" for n in range(count)]
    made = [table(id=[f"{hand}{n}" for n in range(count)], name=list(NAMES), email=mails) for hand in "lr"]
    found = files(tmp_path, *made, kind="customer")
    wrong = [(r.left_id, r.right_id) for r in found.pairs().itertuples() if r.left_id[1:] != r.right_id[1:]]
    assert not wrong
    assert set(found.to_frame()["left_id"].dropna()) == {f"l{n}" for n in range(len(NAMES))}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, -0.0])
def test_odd_amounts_in_files(tmp_path, value):
    one = table(id=["1", "2"], name=["Desk oak 120 cm", "Lamp LED 5 W"], price=[value, 12.5], cost=[value, value])
    found = or_error(lambda: files(tmp_path, one, one, kind="item"))
    if found is not None:
        assert set(found.to_frame()["left_id"].dropna()) == {"1", "2"}


@pytest.mark.parametrize("price", ["nan", "inf", "-Infinity", "1e400", "NaN €", "٣٫٥", "--5", "1.2.3,4"])
def test_odd_amounts_in_csv(tmp_path, price):
    text = f'id,name,price\n1,Desk oak 120 cm,"{price}"\n2,Lamp LED 5 W,12.50\n'
    found = or_error(lambda: files(tmp_path, text, text, kind="item"))
    if found is not None:
        assert set(found.to_frame()["left_id"].dropna()) == {"1", "2"}


def test_mixed_types_in_files(tmp_path):
    lists = table(id=[1, 2], name=[["a"], ["b", "c"]], city=["Linz", "Graz"])
    structs = table(id=[1.0, 2.5], name=[{"a": 1}, {"a": 2}], city=[b"Linz", b"\xff\xfe"])
    dates = table(id=["1", "2"], name=pa.array([1, 2], pa.timestamp("ns")), city=["Linz", "Graz"])
    good = table(id=["1", "2"], name=["Contoso", "Adler"], city=["Linz", "Graz"])
    for odd in (lists, structs, dates):
        found = or_error(lambda odd=odd: files(tmp_path, odd, good, kind="customer"))
        if found is not None:
            assert len(found.to_frame()) >= 2
