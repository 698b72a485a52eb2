"""Our OData session reads and writes a server that is none of ours: text keys, other annotations, no etags."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from d365kit.errors import NotThere
from d365kit.services import Column, Service, run
from d365kit.services.addresses import address
from d365kit.services.keys import Key
from d365kit.services.paging import read_all
from tests.foreign.conftest import HERE, node

COLUMNS = [Column("_id"), Column("number"), Column("name"), Column("amount", "amount")]


class Plain(Service):
    """The session both services share, with the addresses of plain OData."""

    side = "bc"

    def address(self, set_name: str, record: str = "") -> str:
        return set_name + (f"('{record}')" if record else "")

    def is_one_of(self, name: str, values: Sequence[str]) -> str:
        quoted = (value.replace("'", "''") for value in values)
        return " or ".join(f"{name} eq '{value}'" for value in quoted)

    def is_stale(self, status: int, code: str) -> bool:
        return status == 412


@pytest.fixture(scope="module")
def service() -> Iterator[Plain]:
    process = subprocess.Popen(
        node("odata_server.mjs"), cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        service = Plain(json.loads(process.stdout.readline())["origin"], None)
        yield service
        run(service.close())
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(20)


def test_it_reads_all_rows_into_columns(service: Plain) -> None:
    query = {"$select": "_id,number,name,amount"}
    table = run(read_all(service, address("customers", query), COLUMNS, Key(("_id",), guid=False))).table
    assert table.column_names == ["_id", "number", "name", "amount", "@key"]
    rows = {row["@key"]: row for row in table.drop_columns(["_id"]).to_pylist()}
    assert len(rows) == 25
    assert rows["c7"] == {"@key": "c7", "number": "C7", "name": "O'Neil & 7", "amount": rows["c7"]["amount"]}
    assert float(rows["c7"]["amount"]) == 1.75


def test_it_reads_piece_by_piece_in_an_order(service: Plain) -> None:
    names: list[str] = []
    for skip in range(0, 30, 10):
        page = run(service.ask(f"customers?$select=number&$orderby=amount desc&$top=10&$skip={skip}"))
        names += [row["number"] for row in page["value"]]
    assert names == [f"C{n}" for n in range(25, 0, -1)]


def test_it_filters_by_text_with_marks_in_it(service: Plain) -> None:
    found = run(service.find("customers", "name eq 'O''Neil & 3'", ["_id", "number"]))
    assert [row["number"] for row in found] == ["C3"]
    many = run(service.find_many("customers", "number", ["C1", "C25", "C99"], ["_id", "number"]))
    assert sorted(row["number"] for row in many) == ["C1", "C25"]


def test_it_writes(service: Plain) -> None:
    body = {"_id": "new", "number": "N1", "name": "Größe <&> 100 %", "amount": 12.5}
    run(service.request("POST", "customers", body=body))
    assert run(service.get("customers", "new"))["name"] == "Größe <&> 100 %"
    run(service.request("PATCH", service.address("customers", "new"), body={"number": "N2"}))
    assert [row["name"] for row in run(service.find("customers", "number eq 'N2'", ["name"]))] == ["Größe <&> 100 %"]
    assert service.writes == 2
    run(service.request("DELETE", service.address("customers", "new")))
    assert run(service.find("customers", "_id eq 'new'", ["name"])) == []
    with pytest.raises(NotThere):
        run(service.ask("nosuchset"))
