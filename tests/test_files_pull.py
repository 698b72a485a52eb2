"""Files pulled as a side: what they do not show neither leaves records out nor counts as blank."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365kit.errors import SettingsError
from d365kit.kinds import default_catalogue
from d365kit.nouns import Snapshot
from d365kit.pull import pull
from d365kit.services.files import FilePart, FileSource
from tests.helpers_files import csv

KINDS = default_catalogue()


def pulled(tmp_path: Path, bc: str, dv: str) -> Snapshot:
    sides = {"bc": csv(tmp_path / "bc.csv", bc), "dv": csv(tmp_path / "dv.csv", dv)}
    sources = [FileSource(side, {"customer": FilePart(path)}, KINDS) for side, path in sides.items()]  # type: ignore[arg-type]
    return pull(*sources, catalogue=KINDS)


def test_a_filter_on_a_column_the_file_lacks_lets_records_pass(tmp_path: Path) -> None:
    snapshot = pulled(tmp_path, "No.;Name\n1;A\n", "Account Number;Account Name\n1;A\n2;B\n")
    assert len(snapshot["customer"].bc) == 1
    assert len(snapshot["customer"].dv) == 2
    assert {"state", "relationship_type", "blocked"} <= set(snapshot.unread["customer"])


def test_a_filter_on_a_column_the_file_has_leaves_records_out(tmp_path: Path) -> None:
    snapshot = pulled(
        tmp_path,
        "No.;Name;Blocked\n1;A;\n2;B;All\n",
        "Account Number;Account Name;Status;Relationship Type\n"
        "1;A;Active;Customer\n2;B;Inactive;Customer\n3;C;Active;Vendor\n",
    )
    assert snapshot["customer"].bc["number"].tolist() == ["1"]
    assert snapshot["customer"].bc_outside["outside"].tolist() == ["blocked"]
    assert snapshot["customer"].dv["number"].tolist() == ["1"]
    assert snapshot["customer"].dv_outside["outside"].tolist() == ["inactive", "not of relationship type Customer"]
    assert [(p.side, p.received, p.in_scope) for p in snapshot.provenance] == [("bc", 2, 1), ("dv", 3, 1)]


def test_references_to_kinds_without_files_are_unread_and_keep_their_names(tmp_path: Path) -> None:
    snapshot = pulled(
        tmp_path, "No.;Name;Salesperson Code\n1;A;JR\n", "Account Number;Account Name;Owner\n1;A;John Roberts\n"
    )
    assert "salesperson" in snapshot.unread["customer"]
    assert snapshot["customer"].bc["salesperson_label"].tolist() == ["JR"]
    assert snapshot["customer"].dv["salesperson_label"].tolist() == ["John Roberts"]
    assert snapshot["customer"].bc["salesperson"].isna().all()


def test_a_changed_file_is_another_snapshot_and_the_same_file_the_same(tmp_path: Path) -> None:
    first = pulled(tmp_path, "No.;Name\n1;A\n", "Account Number;Account Name\n1;A\n")
    again = Snapshot.load(first.save(tmp_path / "kept"))
    assert again.id == first.id
    assert again.unread == first.unread
    other = pulled(tmp_path, "No.;Name\n1;B\n", "Account Number;Account Name\n1;A\n")
    assert other.id.split("-")[-1] != first.id.split("-")[-1]


def test_a_kind_must_have_a_file_on_both_sides(tmp_path: Path) -> None:
    bc = FileSource("bc", {"customer": FilePart(csv(tmp_path / "b.csv", "No.;Name\n1;A\n"))}, KINDS)
    dv = FileSource("dv", {"item": FilePart(csv(tmp_path / "d.csv", "Product ID;Name\n1;A\n"))}, KINDS)
    with pytest.raises(SettingsError, match="Business Central: customer; Sales: item"):
        pull(bc, dv, catalogue=KINDS)
    with pytest.raises(SettingsError, match="no file for customer of Sales"):
        pull(bc, dv, kinds=["customer"], catalogue=KINDS)
