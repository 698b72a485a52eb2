"""An unrelated OData reader understands Business Central's metadata and reads a set by it."""

from __future__ import annotations

import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.schema import schema
from tests.foreign.conftest import Told, python, told


@pytest.fixture(scope="module")
def reader(place: tuple[Sandbox, dict[str, str]]) -> Told:
    sandbox, ready = place
    command = [*python("odata_reader.py"), ready["bc"], ready["token"], ready["company"]]
    return Told(sandbox, ready, told(command))


def test_every_set_becomes_a_class(reader: Told) -> None:
    assert {"customers", "items", "currencies", "paymentTerms"} <= set(reader["sets"]) <= set(schema("bc").sets)


def test_it_reads_sorts_and_filters(reader: Told) -> None:
    numbers = [number for (number,) in reader.rows("bc_customers", "1", "number")]
    assert sorted(reader["all"]) == numbers
    assert reader["some"] == [number for number in reversed(numbers) if number > "C00100"][:3]
    assert len(reader["some"]) == 3


def test_it_reads_a_row(reader: Told) -> None:
    row = reader["one"]
    found = reader.rows("bc_items", f"number = '{row['number']}'", "displayName", "unitPrice")
    assert found == [(row["displayName"], float(row["unitPrice"]))]
