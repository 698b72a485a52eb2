"""What the conformance tests of Business Central share: rows made through the service, and what the store holds."""

from __future__ import annotations

from typing import Any

from d365kit.sandbox import Sandbox
from d365kit.sandbox.business_central.company import blank
from d365kit.sandbox.schema import schema
from tests.conformance.conftest import Wire

UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"


def made(bc: Wire, set_name: str, **body: Any) -> dict[str, Any]:
    """A new row of the company, as the service answers it."""
    answer = bc("POST", bc.in_company(set_name), body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def rows(bc: Wire, path: str) -> list[dict[str, Any]]:
    """The rows of one page."""
    answer = bc.get(path if path.startswith("http") else bc.in_company(path))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["value"])


def row(bc: Wire, set_name: str, key: str, more: str = "") -> dict[str, Any]:
    """One row."""
    answer = bc.get(bc.in_company(f"{set_name}({key}){more}"))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def first(bc: Wire, set_name: str, more: str = "") -> dict[str, Any]:
    """The first row of a set."""
    return rows(bc, f"{set_name}?$top=1{more}")[0]


def order_of(bc: Wire, *quantities: int, **header: Any) -> dict[str, Any]:
    """A sales order of the first customer over one item per quantity."""
    items = rows(bc, f"items?$top={len(quantities) or 1}&$filter=blocked eq false")
    lines = [{"itemId": item["id"], "quantity": q} for item, q in zip(items, quantities, strict=False)]
    body: dict[str, Any] = {"salesOrderLines": lines} | header
    if "customerId" not in body:
        body["customerId"] = first(bc, "customers", "&$filter=blocked eq ' '")["id"]
    return made(bc, "salesOrders", **body)


def message(answer: Any) -> str:
    """The text of an error."""
    return str(answer.json()["error"]["message"])


def fill(sandbox: Sandbox, set_name: str, count: int, **values: Any) -> None:
    """Put rows straight into the store, numbered N000001 on, with rising ids."""
    table = schema("bc").sets[set_name]
    plain = blank(table) | {"_tag": 'W/"bulk"'} | values
    columns = list(plain)
    own = {"id": "{:08x}-0000-4000-8000-000000000000", "number": "N{:06}", "displayName": "Row {}"}
    numbers = [plain | {name: text.format(n) for name, text in own.items()} for n in range(1, count + 1)]
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    with sandbox.store.transaction() as connection:
        sql = f'INSERT INTO "{table.sql}" ({names}) VALUES ({marks})'
        connection.executemany(sql, [[line[name] for name in columns] for line in numbers])
