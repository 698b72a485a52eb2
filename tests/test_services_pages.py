"""Published pages as an address: read over several pages, keyed by any text, written with their tag, or not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import httpx
import pyarrow as pa
import pytest

from d365kit.errors import D365KitError, NotThere, Refused, SettingsError, StaleRecord, Unreachable
from d365kit.sandbox import Sandbox
from d365kit.sandbox.clock import ManualClock
from d365kit.sandbox.schema import schema
from d365kit.services import KEY_COLUMN, BusinessCentral, Column, key_text, key_values, run
from d365kit.services.keys import Key, with_ids
from d365kit.services.metadata import Property, Table
from d365kit.services.web_services import beside, written_key
from tests.conformance.conftest import Clients, clients_of, no_wait

GROUPS = "ODataV4/CustomerPriceGroups"
LINES = "ODataV4/SalesPriceListLines"
PRICES = "ODataV4/SalesPrices"
PRICE_KEY = (
    "Item_No,Sales_Type,Sales_Code,Starting_Date,Currency_Code,Variant_Code,Unit_of_Measure_Code,Minimum_Quantity"
)
ODD = ["O'BRIEN", "A/B", "A,B=C", "50% &+#?", "A|B", "%7C", "ÄÖ Ü", "(X)", "{A}", "A", " B"]


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Clients of a small company, who read seven rows at a time."""
    with Sandbox.create(customers=8, faults=(), dirt=0) as sandbox:
        made = clients_of(sandbox, size=7)
        yield made
        run(made.bc.close())
        run(made.dv.close())


def add_groups(clients: Clients, codes: list[str]) -> None:
    for result in run(clients.bc.create_many(GROUPS, "Code", [{"Code": c, "Description": c} for c in codes])):
        assert not isinstance(result, D365KitError), result


def add_lines(clients: Clients, code: str, count: int) -> None:
    """A price list with lines, straight into the database."""
    run(clients.bc.create("ODataV4/SalesPriceList", "Code", {"Code": code}))
    item = run(clients.bc.find("items", "number ne ''", ["number"]))[0]["number"]
    page = schema("bc").pages["SalesPriceListLines"]
    plain = {"Asset_Type": "Item", "Asset_No": item, "Amount_Type": "Price"}
    first = run(clients.bc.create(LINES, "Price_List_Code,Line_No", {"Price_List_Code": code, **plain}))
    assert first.id == key_text([code, 10_000])
    (row,) = clients.sandbox.store.query(
        f'SELECT "{page.key}" FROM "{page.sql}" WHERE "Price_List_Code" = ?', (code,)
    )
    whole = clients.sandbox.store.get(page, row[0])
    assert whole is not None
    for number in range(2, count + 1):
        more = {page.key: f"{row[0][:-6]}{number:06d}", "Line_No": number * 10_000, "Unit_Price": number}
        clients.sandbox.store.insert(page, {k: v for k, v in whole.items() if not k.startswith("_")} | more)


# --- ids and keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [("A",), ("A|B", "C"), ("A", "B|C"), ("%7C", "|"), ("%25", ""), ("", ""), ("50%|", "%"), ("ß'\"/", "{x}")],
)
def test_an_id_tells_its_values_whatever_they_hold(values: tuple[str, ...]) -> None:
    assert key_values(key_text(values)) == values


def test_different_keys_have_different_ids() -> None:
    keys = [("A|B", "C"), ("A", "B|C"), ("A%7CB", "C"), ("A", "B", "C"), ("A%7CB%7CC",)]
    assert len({key_text(k) for k in keys}) == len(keys)


def test_a_row_and_a_table_give_the_same_id() -> None:
    """What a write answers and what a read finds must be one record."""
    row = {"t": "a%|", "n": Decimal("2.500"), "i": 10_000, "d": "2026-03-01", "z": "0001-01-01", "b": True, "o": " "}
    key = Key(tuple(row), guid=False)
    table = pa.table(
        {
            "t": pa.array(["a%|"]),
            "n": pa.array([Decimal("2.5")], pa.decimal128(38, 12)),
            "i": pa.array([10_000]),
            "d": pa.array([date(2026, 3, 1)]),
            "z": pa.array([None], pa.date32()),
            "b": pa.array([True]),
            "o": pa.array([" "]),
        }
    )
    assert key.of(row) == "a%25%7C|2.5|10000|2026-03-01||true| "
    assert with_ids(table, key).column(KEY_COLUMN).to_pylist() == [key.of(row)]
    assert key_text([Decimal("0E-12"), Decimal(100)]) == "0|100"


def test_keys_in_addresses_are_written_as_their_types_are() -> None:
    types = {"No": "Edm.String", "Line": "Edm.Int32", "From": "Edm.Date", "Qty": "Edm.Decimal", "Id": "Edm.Guid"}
    table = Table("P", "P", ",".join(types), {n: Property(n, "", declared=t) for n, t in types.items()})
    guid = "0F8FAD5B-D9CB-469F-A165-70867728950E"
    written = written_key(table, key_text(["O'B/ %|ü", 7, "2026-03-01", Decimal("2.50"), guid]))
    assert written == f"No='O''B%2F%20%25%7C%C3%BC',Line=7,From=2026-03-01,Qty=2.5,Id={guid.lower()}"
    assert "From=0001-01-01" in written_key(table, key_text(["A", 1, "", 0, guid]))
    for wrong in ("A|1", "A|x|2026-03-01|1|" + guid, "A|1|soon|1|" + guid, "A|1|2026-03-01|a|" + guid, "A|1||1|x"):
        with pytest.raises(NotThere, match="is not a key of P"):
            written_key(table, wrong)


def test_the_web_services_are_beside_the_api() -> None:
    saas = "https://api.businesscentral.dynamics.com/v2.0/contoso.com/Production/"
    assert beside(f"{saas}api/v2.0/") == f"{saas}ODataV4/"
    assert beside(f"{saas}api/contoso/app1/v1.0/") == f"{saas}ODataV4/"
    assert beside("https://erp:7048/BC240/api/v2.0/") == "https://erp:7048/BC240/ODataV4/"
    unknown = BusinessCentral("http://127.0.0.1/elsewhere", "c", None)
    with pytest.raises(SettingsError, match="Where Business Central's web services are"):
        run(unknown.rows(GROUPS, [Column("Code")], key="Code"))
    with pytest.raises(SettingsError, match="Where Business Central's web services are"):
        run(unknown.published())


def test_the_web_services_may_be_at_an_address_of_their_own(clients: Clients) -> None:
    asked = []

    class Elsewhere(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            return await super().handle_async_request(request)

    bc = clients.bc
    own = f"http://localhost:81{clients.sandbox.bc_odata_root}"
    service = BusinessCentral(
        bc.root, bc.company, bc._auth, transport=Elsewhere(clients.sandbox.app), sleep=no_wait, web_services=own
    )
    add_groups(clients, ["A"])
    assert run(service.rows(GROUPS, [Column("Code")], key="Code")).table.num_rows == 1
    assert {url.partition("/Company(Id=")[0] for url in asked} == {own}
    with pytest.raises(SettingsError, match="not encrypted"):
        BusinessCentral(bc.root, bc.company, None, web_services="http://erp.example/ODataV4")


# --- what is published ----------------------------------------------------------------------------------


def test_a_page_that_is_not_published_is_named_and_what_is_published_is_told(clients: Clients) -> None:
    clients.sandbox.services.withdraw("CustomerPriceGroups")
    with pytest.raises(SettingsError, match="no published web service called CustomerPriceGroups") as caught:
        run(clients.bc.describe(GROUPS))
    assert "Web Services" in caught.value.todo
    published = run(clients.bc.published())
    assert "CustomerPriceGroups" not in published
    assert "SalesPrices" in published
    assert run(clients.bc.describe(PRICES)).set == PRICES
    run(clients.bc.published())
    paths = [str(r.url.path) for r in clients.wire.requests]
    assert paths == [f"{clients.sandbox.bc_odata_root}/$metadata", f"{clients.sandbox.bc_odata_root}/"]


def test_nothing_published_at_all_is_not_broken_metadata(clients: Clients) -> None:
    for name in list(clients.sandbox.services.all()):
        clients.sandbox.services.withdraw(name)
    assert run(clients.bc.published()) == frozenset()
    with pytest.raises(SettingsError, match="no published web service called"):
        run(clients.bc.describe(GROUPS))


def test_metadata_of_pages_is_asked_for_only_when_a_page_is(clients: Clients) -> None:
    run(clients.bc.describe("customers"))
    run(clients.bc.rows("customers", [Column("id")]))
    assert not any("ODataV4" in str(r.url) for r in clients.wire.requests)


def test_a_page_tells_its_key_its_lengths_and_what_may_be_written(clients: Clients) -> None:
    lines, listed = run(clients.bc.describe(LINES)), run(clients.bc.describe("ODataV4/ResourceList"))
    assert lines.keys == ("Price_List_Code", "Line_No")
    found = lines.properties
    assert (found["Line_No"].type, found["Line_No"].declared) == ("integer", "Edm.Int32")
    assert (found["Price_List_Code"].length, found["Description"].length) == (20, 100)
    assert (found["StartingDate"].type, found["Unit_Price"].type) == ("date", "amount")
    assert (found["Line_No"].nullable, found["Unit_Price"].nullable) == (False, True)
    assert (lines.insert, lines.update, lines.delete, found["Unit_Price"].update) == (True,) * 4
    assert (listed.insert, listed.update, listed.delete) == (False,) * 3
    assert not any(p.create or p.update for p in listed.properties.values())
    customers = run(clients.bc.describe("customers")).properties
    assert (customers["id"].create, customers["id"].update) == (True, False)
    with pytest.raises(SettingsError, match="no property Priec on ODataV4/SalesPriceListLines"):
        lines.require(["Line_No", "Priec"], "Business Central")


# --- reading --------------------------------------------------------------------------------------------


def test_a_page_is_read_to_its_end_with_key_tag_and_id(clients: Clients) -> None:
    add_lines(clients, "S", 40)
    columns = [Column("Unit_Price", "amount"), Column("StartingDate", "date")]
    counted: list[int] = []
    received = run(clients.bc.rows(LINES, columns, key="Price_List_Code,Line_No", progress=counted.append))
    names = ["@odata.etag", "Unit_Price", "StartingDate", "Price_List_Code", "Line_No", KEY_COLUMN]
    assert received.table.column_names == names
    assert received.table.column(KEY_COLUMN).to_pylist() == [f"S|{n * 10_000}" for n in range(1, 41)]
    assert received.table.column("Line_No").to_pylist()[-1] == 400_000
    assert received.table.column("Unit_Price").to_pylist()[1:3] == [Decimal(2), Decimal(3)]
    assert received.table.column("StartingDate").null_count == 40, "BC's blank date is missing"
    assert all(tag.startswith("W/") for tag in received.table.column("@odata.etag").to_pylist())
    assert received.pages > 5
    assert sum(counted) == 40


def test_keys_of_any_text_are_read_and_found_again(clients: Clients) -> None:
    add_groups(clients, ODD)
    received = run(clients.bc.rows(GROUPS, [Column("Description")], key="Code"))
    found = dict(zip(*(received.table.column(n).to_pylist() for n in (KEY_COLUMN, "Code")), strict=True))
    assert len(found) == len(ODD), "{A} and A are two records"
    assert all(key_values(record) == (code,) for record, code in found.items())
    for record, code in found.items():
        assert run(clients.bc.get(GROUPS, record))["Code"] == code
    with pytest.raises(NotThere):
        run(clients.bc.get(GROUPS, "NONE"))


def test_every_address_has_its_ids_in_the_same_column(clients: Clients) -> None:
    customers = run(clients.bc.rows("customers", [Column("id"), Column("number")], split=True)).table
    accounts = run(clients.dv.rows("accounts", [Column("accountid")], key="accountid", split=True)).table
    plain = run(clients.dv.rows("accounts", [Column("accountid")], key="accountid", split=False)).table
    for table, name in ((customers, "id"), (accounts, "accountid"), (plain, "accountid")):
        assert table.column_names[-1] == KEY_COLUMN
        assert table.column(KEY_COLUMN).to_pylist() == [i.lower() for i in table.column(name).to_pylist()]
    unkeyed = run(clients.bc.rows("contactsInformation", [Column("contactNumber")], key="")).table
    assert unkeyed.column(KEY_COLUMN).null_count == unkeyed.num_rows > 0


def test_guids_in_capitals_or_braces_are_one_record() -> None:
    guid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    rows = [{"id": guid.upper(), "name": "old"}, {"id": f"{{{guid}}}", "name": "new"}]
    answer = httpx.Response(200, json={"value": rows})
    service = BusinessCentral("http://127.0.0.1/api/v2.0", "c", None, transport=httpx.MockTransport(lambda _: answer))
    table = run(service.rows("customers", [Column("id"), Column("name")])).table
    assert table.select(["name", KEY_COLUMN]).to_pylist() == [{"name": "new", KEY_COLUMN: guid}]
    capitals = pa.table({"id": [guid.upper(), guid.replace("0", "1").upper()]})
    assert with_ids(capitals, Key(("id",))).column(KEY_COLUMN).to_pylist() == [guid, guid.replace("0", "1")]


def test_a_page_without_times_is_read_whole_and_gives_no_mark(clients: Clients) -> None:
    add_groups(clients, ["A", "B"])
    first = run(clients.bc.changes(GROUPS, [Column("Code")], key="Code"))
    assert (first.whole, first.mark) == (True, "")
    run(clients.bc.delete(GROUPS, "A", "*"))
    again = run(clients.bc.changes(GROUPS, [Column("Code")], key="Code", mark=first.mark, known=["A", "B"]))
    assert again.applied_to(first.table).column(KEY_COLUMN).to_pylist() == ["B"]


def test_a_page_that_tells_when_rows_changed_is_read_from_there_on() -> None:
    """Keys of pages are compared as they are: a text may tell records apart by case alone."""
    metadata = (
        '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        '<Schema Namespace="NAV" xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="Texts">'
        '<Key><PropertyRef Name="Name"/></Key><Property Name="Name" Type="Edm.String" MaxLength="20"/>'
        '<Property Name="SystemModifiedAt" Type="Edm.DateTimeOffset"/></EntityType>'
        '<EntityContainer Name="NAV"><EntitySet Name="Texts" EntityType="NAV.Texts"/></EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    )
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("$metadata"):
            return httpx.Response(200, text=metadata)
        asked.append(request.url.params)
        rows = [{"Name": "a"}] if "$filter" in request.url.params else [{"Name": "a"}, {"Name": "{b}"}]
        return httpx.Response(200, json={"value": rows})

    root = "http://127.0.0.1/api/v2.0"
    service = BusinessCentral(root, "c", None, transport=httpx.MockTransport(answer), sleep=no_wait)
    more = {"key": "Name", "modified": "SystemModifiedAt"}
    whole = run(service.changes("ODataV4/Texts", [Column("Name")], **more))
    assert whole.whole
    assert whole.mark
    known = ["a", "A", "{b}", "b"]
    later = run(service.changes("ODataV4/Texts", [Column("Name")], mark=whole.mark, known=known, **more))
    assert asked[1]["$filter"] == f"SystemModifiedAt ge {whole.mark}"
    assert (later.whole, later.deleted) == (False, {"A", "b"})
    assert later.applied_to(whole.table).column(KEY_COLUMN).to_pylist() == ["{b}", "a"]


# --- writing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ODD)
def test_a_record_of_a_page_is_made_changed_and_removed(clients: Clients, code: str) -> None:
    made = run(clients.bc.create(GROUPS, "Code", {"Code": code, "Description": "One"}))
    assert made.id == key_text([str(made.row["Code"])])
    changed = run(clients.bc.update(GROUPS, "Code", made.id, made.etag, {"Description": "Two"}))
    assert (changed.id, changed.row["Description"]) == (made.id, "Two")
    assert changed.etag != made.etag
    with pytest.raises(StaleRecord):
        run(clients.bc.update(GROUPS, "Code", made.id, made.etag, {"Description": "Three"}))
    with pytest.raises(StaleRecord):
        run(clients.bc.delete(GROUPS, made.id, made.etag))
    run(clients.bc.delete(GROUPS, made.id, changed.etag))
    with pytest.raises(NotThere):
        run(clients.bc.get(GROUPS, made.id))


def test_a_key_of_dates_amounts_and_blanks_goes_there_and_back(clients: Clients) -> None:
    item = run(clients.bc.find("items", "number ne ''", ["number"]))[0]["number"]
    body = {"Item_No": item, "Sales_Type": "Customer Price Group", "Sales_Code": "R|%", "Unit_Price": Decimal("9.5")}
    dated = {**body, "Starting_Date": "2026-01-01", "Minimum_Quantity": Decimal("2.50")}
    made = [run(clients.bc.create(PRICES, PRICE_KEY, b)) for b in (body, dated)]
    assert made[0].id == f"{item}|Customer Price Group|R%7C%25|||||0"
    assert made[1].id == f"{item}|Customer Price Group|R%7C%25|2026-01-01||||2.5"
    read = run(clients.bc.rows(PRICES, [Column("Unit_Price", "amount")], key=PRICE_KEY)).table
    assert set(read.column(KEY_COLUMN).to_pylist()) == {m.id for m in made}
    for one in made:
        changed = run(clients.bc.update(PRICES, PRICE_KEY, one.id, one.etag, {"Unit_Price": Decimal("11.25")}))
        assert changed.id == one.id
        assert run(clients.bc.get(PRICES, one.id))["Unit_Price"] == Decimal("11.25")


def test_many_records_of_a_page_go_in_batches_to_the_web_services(clients: Clients) -> None:
    codes = [f"G'{n}/%" for n in range(130)]
    add_groups(clients, codes)
    posts = [str(r.url.path) for r in clients.wire.requests if r.method == "POST"]
    assert posts == [f"{clients.sandbox.bc_odata_root}/$batch"] * 2
    read = run(clients.bc.rows(GROUPS, [Column("Code")], key="Code")).table.to_pylist()
    assert {row["Code"] for row in read} == set(codes)
    changes = [(r[KEY_COLUMN], r["@odata.etag"], {"Description": "New"}) for r in read[:3]]
    changes[1] = (changes[1][0], 'W/"stale"', changes[1][2])
    changes.append(("A|B", "*", {"Description": "New"}))
    good, stale, other, nowhere = run(clients.bc.update_many(GROUPS, "Code", changes))
    assert (good.id, other.id) == (changes[0][0], changes[2][0])  # type: ignore[union-attr]
    assert isinstance(stale, StaleRecord)
    assert isinstance(nowhere, NotThere)
    assert run(clients.bc.get(GROUPS, changes[0][0]))["Description"] == "New"


def test_a_code_that_is_taken_is_refused_and_never_taken_for_ours(clients: Clients) -> None:
    """A GUID of ours that is there already was made by us; a code may be anybody's."""
    add_groups(clients, ["A"])
    with pytest.raises(Refused) as caught:
        run(clients.bc.create(GROUPS, "Code", {"Code": "A", "Description": "Mine"}))
    assert clients.bc.is_duplicate(caught.value)
    (result,) = run(clients.bc.create_many(GROUPS, "Code", [{"Code": "A", "Description": "Mine"}]))
    assert isinstance(result, Refused)
    sent = []

    def silent(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        raise httpx.ReadTimeout("slow", request=request)

    bc = clients.bc
    deaf = BusinessCentral(bc.root, bc.company, None, transport=httpx.MockTransport(silent), sleep=no_wait)
    with pytest.raises(Unreachable):
        run(deaf.create(GROUPS, "Code", {"Code": "B"}))
    assert sent == ["POST"]


def test_a_page_that_cannot_be_written_says_so(clients: Clients) -> None:
    with pytest.raises(Refused):
        run(clients.bc.create("ODataV4/ResourceList", "No", {"No": "R1"}))


# --- storms ---------------------------------------------------------------------------------------------


def test_a_page_read_through_storms_is_whole_or_an_error(clients: Clients) -> None:
    add_lines(clients, "S", 60)
    expected = {f"S|{n * 10_000}" for n in range(1, 61)}
    clients.sandbox.use_clock(ManualClock(automatic=True))
    errors: list[D365KitError] = []
    kinds: set[str] = set()
    for seed in range(1, 13):
        clients.sandbox.faults.storm(seed, side="bc")
        try:
            received = run(clients.bc.rows(LINES, [Column("Unit_Price", "amount")], key="Price_List_Code,Line_No"))
            assert set(received.table.column(KEY_COLUMN).to_pylist()) == expected
            assert received.table.num_rows == len(expected)
        except D365KitError as problem:
            errors.append(problem)
        kinds |= {record.kind for record in clients.sandbox.faults.happened}
        clients.sandbox.faults.clear()
    assert all(error.what and error.todo for error in errors)
    assert len(errors) <= 4, [str(error) for error in errors]
    assert len(kinds) > 4
