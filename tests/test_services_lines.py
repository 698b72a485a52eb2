"""Lines of all documents as one table: documents by the thousand, lines cut off behind a link, storms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import httpx
import pytest

from d365kit.errors import D365KitError, PullIncomplete, SettingsError
from d365kit.sandbox import Sandbox
from d365kit.sandbox.business_central.company import blank
from d365kit.sandbox.clock import ManualClock
from d365kit.sandbox.schema import schema
from d365kit.services import KEY_COLUMN, BusinessCentral, Column, run
from d365kit.services.lines import DOCUMENT
from tests.conformance.business_central import first, order_of
from tests.conformance.conftest import Clients, clients_of, no_wait, wire_to

LINES = "salesOrders/salesOrderLines"
COLUMNS = [Column("id"), Column(DOCUMENT), Column("quantity", "amount"), Column("shipmentDate", "date")]
ROOT = "http://127.0.0.1/api/v2.0"


def guid(number: int, kind: int = 0) -> str:
    return f"00000000-0000-4000-8{kind:03d}-{number:012d}"


def fill(sandbox: Sandbox, orders: int) -> dict[str, str]:
    """Add orders with none to three lines each, straight into the database; the document of every line."""
    headers, lines = schema("bc").sets["salesOrders"], schema("bc").sets["salesOrderLines"]
    held: dict[str, str] = {}
    with sandbox.store.transaction():
        for number in range(orders):
            document = guid(number)
            sandbox.store.insert(headers, blank(headers) | {"id": document, "number": f"X{number:06d}"})
            for place in range(number % 4):
                line = guid(number * 4 + place, kind=1)
                row = {"id": line, DOCUMENT: document, "sequence": (place + 1) * 10_000, "quantity": place + 1}
                sandbox.store.insert(lines, blank(lines) | row)
                held[line] = document
    return held


def documents(table) -> dict[str, str]:  # type: ignore[no-untyped-def]
    return dict(zip(*(table.column(n).to_pylist() for n in (KEY_COLUMN, DOCUMENT)), strict=True))


@pytest.fixture
def clients() -> Iterator[Clients]:
    with Sandbox.create(customers=8, faults=(), dirt=0) as sandbox:
        made = clients_of(sandbox)
        yield made
        run(made.bc.close())


def test_lines_of_thousands_of_documents_come_with_their_document(clients: Clients) -> None:
    held = fill(clients.sandbox, 2_500)
    counted: list[int] = []
    received = run(clients.bc.rows(LINES, COLUMNS, progress=counted.append))
    assert received.table.column_names == ["@odata.etag", *(c.name for c in COLUMNS), KEY_COLUMN]
    assert documents(received.table) == held
    assert received.table.num_rows == sum(counted) == len(held)
    assert received.table.column("shipmentDate").null_count == len(held)
    assert received.pages == 3, "a thousand documents to a page"
    preferred = {r.headers.get("prefer") for r in clients.wire.requests}
    assert preferred == {"odata.maxpagesize=1000"}
    assert all(tag.startswith("W/") for tag in received.table.column("@odata.etag").to_pylist())


def test_real_lines_have_their_values(clients: Clients) -> None:
    wire = wire_to(clients.sandbox, "bc")
    order = order_of(wire, 2, 3.25)
    table = run(clients.bc.rows(LINES, [*COLUMNS, Column("lineObjectNumber"), Column("lineType", "choice")])).table
    rows = table.to_pylist()
    assert [row["quantity"] for row in rows] == [Decimal(2), Decimal("3.25")]
    assert {row[DOCUMENT] for row in rows} == {order["id"]}
    assert {row["lineType"] for row in rows} == {"Item"}
    assert rows[0]["lineObjectNumber"]
    without = run(clients.bc.rows(LINES, [Column("id"), Column("quantity", "amount")])).table
    assert DOCUMENT not in without.column_names, "only what was asked for"


def test_no_documents_are_no_lines(clients: Clients) -> None:
    received = run(clients.bc.rows("salesQuotes/salesQuoteLines", COLUMNS[:2]))
    assert received.table.num_rows == 0
    assert received.table.column_names == ["@odata.etag", "id", DOCUMENT, KEY_COLUMN]


def test_lines_are_described_and_what_they_lack_is_refused(clients: Clients) -> None:
    for name in (LINES, "salesQuotes/salesQuoteLines", "salesInvoices/salesInvoiceLines"):
        table = run(clients.bc.describe(name))
        assert (table.set, table.key) == (name, "id")
        table.require(["id", DOCUMENT, "quantity"], "Business Central")
        with pytest.raises(SettingsError, match=f"no property lastModifiedDateTime on {name}"):
            table.require(["lastModifiedDateTime"], "Business Central")
    for wrong in ("salesOrders/salesQuoteLines", "salesOrder/salesOrderLines", "customers/salesOrderLines"):
        with pytest.raises(SettingsError, match="has no lines called"):
            run(clients.bc.describe(wrong))


def test_a_line_is_made_changed_and_removed(clients: Clients) -> None:
    wire = wire_to(clients.sandbox, "bc")
    order = order_of(wire, 1)
    body = {DOCUMENT: order["id"], "itemId": first(wire, "items")["id"], "quantity": Decimal(5)}
    made = run(clients.bc.create(LINES, "id", body))
    assert run(clients.bc.get(LINES, made.id))["quantity"] == 5
    changed = run(clients.bc.update(LINES, "id", made.id, made.etag, {"quantity": Decimal("6.5")}))
    assert (changed.id, changed.row["quantity"]) == (made.id, Decimal("6.5"))
    (result,) = run(clients.bc.update_many(LINES, "id", [(made.id, changed.etag, {"quantity": Decimal(7)})]))
    assert not isinstance(result, D365KitError)
    run(clients.bc.delete(LINES, made.id, result.etag))
    assert made.id not in run(clients.bc.rows(LINES, COLUMNS)).table.column(KEY_COLUMN).to_pylist()
    assert run(clients.bc.changes(LINES, COLUMNS)).whole


# --- what a service may do ------------------------------------------------------------------------------


def service_of(pages: dict[str, dict | bytes]) -> BusinessCentral:
    """A service that answers by the end of the address."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = pages[request.url.params.get("p", "")]
        return httpx.Response(200, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    asked: list[httpx.Request] = []
    service = BusinessCentral(ROOT, "c", None, transport=httpx.MockTransport(answer), sleep=no_wait)
    service.asked = asked  # type: ignore[attr-defined]
    return service


def line(number: int, **more: object) -> dict:
    return {"@odata.etag": f'W/"{number}"', "id": guid(number), "quantity": number, **more}


def test_lines_behind_a_link_of_their_document_are_followed() -> None:
    """Some services cut long collections, and say so with a link of the collection's own."""
    inner = f"{ROOT}/companies(c)/salesOrders({guid(1, 9)})/salesOrderLines?p=inner"
    service = service_of(
        {
            "": {
                "value": [
                    {"id": guid(1, 9), "salesOrderLines": [line(1)], "salesOrderLines@odata.nextLink": inner},
                    {"id": guid(2, 9), "salesOrderLines": []},
                ],
                "@odata.nextLink": f"{ROOT}/companies(c)/salesOrders?p=2",
            },
            "inner": {"value": [line(2), line(3)], "@odata.nextLink": f"{inner}2"},
            "inner2": {"value": [line(4, shipmentDate="2026-05-01")]},
            "2": {"value": [{"id": guid(3, 9), "salesOrderLines": [line(5), line(1)]}]},
        }
    )
    table = run(service.rows(LINES, COLUMNS)).table
    found = documents(table)
    assert found == {guid(1): guid(3, 9), **dict.fromkeys(map(guid, (2, 3, 4)), guid(1, 9)), guid(5): guid(3, 9)}
    assert table.num_rows == 5, "a line that moved comes once"
    assert date(2026, 5, 1) in table.column("shipmentDate").to_pylist()


@pytest.mark.parametrize("document", [{"id": guid(1, 9)}, {"id": guid(1, 9), "salesOrderLines": None}])
def test_a_document_without_its_lines_is_not_an_empty_one(document: dict) -> None:
    with pytest.raises(PullIncomplete, match="left rows out"):
        run(service_of({"": {"value": [document]}}).rows(LINES, COLUMNS))
    whole = {"id": guid(2, 9), "salesOrderLines": [line(1), None]}
    with pytest.raises(PullIncomplete):
        run(service_of({"": {"value": [whole]}}).rows(LINES, COLUMNS))


def test_numbers_and_dates_of_other_make_are_read_with_patience() -> None:
    """A number as text makes the quick reader give up; the slow one must say the same."""
    lines = [line(1, shipmentDate="2026-05-01"), line(2, quantity="2.5", shipmentDate="0001-01-01T00:00:00Z")]
    service = service_of({"": {"value": [{"id": guid(1, 9), "salesOrderLines": lines}]}})
    rows = run(service.rows(LINES, COLUMNS)).table.to_pylist()
    assert [row["quantity"] for row in rows] == [Decimal(1), Decimal("2.5")]
    assert [row["shipmentDate"] for row in rows] == [date(2026, 5, 1), None]
    assert {row[DOCUMENT] for row in rows} == {guid(1, 9)}
    wrong = service_of({"": {"value": [{"id": guid(1, 9), "salesOrderLines": [line(1, quantity="many")]}]}})
    with pytest.raises(PullIncomplete, match="quantity should be of type amount"):
        run(wrong.rows(LINES, COLUMNS))
    other = service_of({"": {"value": [{"id": guid(1, 9), "salesOrderLines": {"a": 1}}]}})
    with pytest.raises(PullIncomplete):
        run(other.rows(LINES, COLUMNS))


def test_lines_read_through_storms_are_whole_or_an_error(clients: Clients) -> None:
    sandbox, small = clients.sandbox, Smaller(clients.sandbox.app)
    held = fill(sandbox, 120)
    bc = BusinessCentral(clients.bc.root, clients.bc.company, clients.bc._auth, transport=small, sleep=no_wait)
    sandbox.use_clock(ManualClock(automatic=True))
    errors: list[D365KitError] = []
    kinds: set[str] = set()
    for seed in range(1, 13):
        sandbox.faults.storm(seed, side="bc")
        try:
            received = run(bc.rows(LINES, COLUMNS))
            assert documents(received.table) == held
            assert received.table.num_rows == len(held)
        except D365KitError as problem:
            errors.append(problem)
        kinds |= {record.kind for record in sandbox.faults.happened}
        sandbox.faults.clear()
    assert all(error.what and error.todo for error in errors)
    assert len(errors) <= 4, [str(error) for error in errors]
    assert len(kinds) > 4


class Smaller(httpx.ASGITransport):
    """Has pages of thirteen documents where the client asks for a thousand."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "maxpagesize" in request.headers.get("prefer", ""):
            request.headers["prefer"] = "odata.maxpagesize=13"
        return await super().handle_async_request(request)
