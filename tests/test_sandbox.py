"""What the emulated services and the demo company promise to everything tested against them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.company import FAULTS
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter
from d365kit.sandbox.odata.filters import FilterError, parse_filter
from d365kit.sandbox.schema import ZERO_GUID, schema

UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"


class Client:
    """A synchronous client of one sandbox, in process."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.bc = f"{sandbox.bc_root}/companies({sandbox.company_id})"
        self.dv = sandbox.dv_root

    def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> httpx.Response:
        signed = {"Authorization": f"Bearer {self.sandbox.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.send(method, url, signed, body)

    def send(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.sandbox.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                content = body if isinstance(body, bytes) else None
                sent = None if body is None or content is not None else body
                return await client.request(method, url, headers=headers, json=sent, content=content)

        return asyncio.run(exchange())

    def rows(self, url: str, **headers: str) -> list[dict[str, Any]]:
        """Return the rows of all pages."""
        found: list[dict[str, Any]] = []
        while url:
            answer = self("GET", url, **headers)
            assert answer.status_code == 200, answer.text
            found += answer.json()["value"]
            url = answer.json().get("@odata.nextLink", "")
        return found

    def made(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create a row on either side and return it."""
        answer = self("POST", url, body, Prefer="return=representation")
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """A company nobody writes to."""
    with Sandbox.create(customers=300) as sandbox:
        yield Client(sandbox)


@pytest.fixture
def client() -> Iterator[Client]:
    """A small clean company of the test's own."""
    with Sandbox.create(customers=40, faults=(), dirt=0) as sandbox:
        yield Client(sandbox)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# -- both services: identity, headers, documents


def test_no_token_is_refused_in_each_services_own_way(shared: Client) -> None:
    bc = shared.send("GET", f"{shared.bc}/customers", {})
    dv = shared.send("GET", f"{shared.dv}/accounts", {})
    assert error_of(bc) == (401, "Authentication_InvalidCredentials")
    assert dv.status_code == 401
    assert dv.content == b""
    assert dv.headers["www-authenticate"].startswith("Bearer authorization_uri=")


def test_every_answer_has_date_and_version_and_type(shared: Client) -> None:
    for url, kind in (
        (f"{shared.bc}/customers?$top=1", "application/json; odata.metadata=minimal; odata.streaming=true"),
        (f"{shared.dv}/accounts?$top=1", "application/json; odata.metadata=minimal"),
    ):
        answer = shared("GET", url)
        assert parsedate_to_datetime(answer.headers["date"]).tzinfo is not None
        assert answer.headers["odata-version"] == "4.0"
        assert answer.headers["content-type"] == kind
    assert {"x-ms-service-request-id", "req_id"} <= set(answer.headers)


def test_metadata_names_every_set_and_parses(shared: Client) -> None:
    for side, root, container in (("bc", shared.sandbox.bc_root, "NAV"), ("dv", shared.dv, "System")):
        document = ElementTree.fromstring(shared("GET", f"{root}/$metadata").content)
        edm = "{http://docs.oasis-open.org/odata/ns/edm}"
        found = document.find(f".//{edm}EntityContainer")
        assert found is not None
        assert found.get("Name") == container
        assert {item.get("Name") for item in found.iter(f"{edm}EntitySet")} == set(schema(side).sets)
        listed = shared("GET", root).json()["value"]
        assert {item["name"] for item in listed} == set(schema(side).sets)


def test_token_endpoint(shared: Client) -> None:
    form = b"grant_type=client_credentials&client_id=me&client_secret=%s&scope=http%%3A%%2F%%2Fsandbox%%2F.default"
    good = shared.send("POST", "/tenant/oauth2/v2.0/token", {}, form % b"sandbox-secret").json()
    assert good["expires_in"] == 3599
    signed = {"Authorization": f"Bearer {good['access_token']}"}
    assert shared.send("GET", f"{shared.dv}/WhoAmI", signed).status_code == 200
    bad = shared.send("POST", "/tenant/oauth2/v2.0/token", {}, form % b"wrong")
    assert (bad.status_code, bad.json()["error"]) == (401, "invalid_client")


# -- paging


@pytest.mark.parametrize("order", ["", "&$orderby=displayName desc", "&$orderby=creditLimit,country desc"])
def test_bc_pages_are_complete(shared: Client, order: str) -> None:
    rows = shared.rows(f"{shared.bc}/customers?$select=id,number{order}", Prefer="odata.maxpagesize=37")
    assert len(rows) == len({row["id"] for row in rows}) == shared.sandbox.rows("bc", "customers")


@pytest.mark.parametrize("order", ["", "&$orderby=accountnumber", "&$orderby=telephone1 desc,creditlimit"])
def test_dv_pages_are_complete_with_nulls_in_the_order(shared: Client, order: str) -> None:
    rows = shared.rows(f"{shared.dv}/accounts?$select=name{order}", Prefer="odata.maxpagesize=37")
    assert len(rows) == len({row["accountid"] for row in rows}) == shared.sandbox.rows("dv", "accounts")


def test_bc_next_link_and_top(shared: Client) -> None:
    answer = shared("GET", f"{shared.bc}/customers?$select=id&$top=30", Prefer="odata.maxpagesize=20").json()
    assert len(answer["value"]) == 20
    assert "aid=FIN" in answer["@odata.nextLink"]
    assert "$top=10" in answer["@odata.nextLink"]
    rest = shared("GET", answer["@odata.nextLink"]).json()
    assert len(rest["value"]) == 10
    assert "@odata.nextLink" not in rest
    assert answer["@odata.context"].endswith(f"/$metadata#companies({shared.sandbox.company_id})/customers")


def test_dv_cookie_form_and_top_and_skip(shared: Client) -> None:
    answer = shared("GET", f"{shared.dv}/accounts?$select=name&$top=3", Prefer="odata.maxpagesize=2")
    assert len(answer.json()["value"]) == 2
    link = answer.json()["@odata.nextLink"]
    assert "$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie" in link
    assert answer.headers["preference-applied"] == "odata.maxpagesize=2"
    assert len(shared("GET", f"{shared.dv}/accounts?$top=3").json()["value"]) == 3
    assert error_of(shared("GET", f"{shared.dv}/accounts?$skip=10")) == (400, "0x80060888")
    assert shared("GET", link.replace("pagenumber", "pagenumbre")).status_code == 400


def test_row_deleted_between_pages_leaves_the_rest(client: Client) -> None:
    everyone = [row["id"] for row in client.rows(f"{client.bc}/customers?$select=id")]
    first = client("GET", f"{client.bc}/customers?$select=id", Prefer="odata.maxpagesize=10").json()
    client("DELETE", f"{client.bc}/customers({first['value'][-1]['id']})")
    rest = client.rows(first["@odata.nextLink"])
    assert [row["id"] for row in first["value"]] + [row["id"] for row in rest] == everyone


def test_dv_count_stops_at_five_thousand() -> None:
    with Sandbox.create(customers=5200, faults=()) as sandbox:
        client = Client(sandbox)
        answer = client("GET", f"{client.dv}/accounts?$count=true&$select=name").json()
        assert answer["@odata.count"] == 5000
        assert len(answer["value"]) == 5000
        everything = 'odata.include-annotations="*"'
        marked = client("GET", f"{client.dv}/accounts?$count=true&$select=name", Prefer=everything).json()
        assert marked["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
        assert len(client.rows(f"{client.dv}/accounts?$select=name")) == sandbox.rows("dv", "accounts") > 5000
        assert client("GET", f"{client.bc}/customers?$count=true&$top=1").json()["@odata.count"] == 5200


# -- filters


def test_bc_filters(client: Client) -> None:
    for name in ("O'Brien", "50% off_now", "ABCDEF", "abcdef"):
        client.made(f"{client.bc}/customers", {"displayName": name})

    def names(text: str) -> list[str]:
        url = f"{client.bc}/customers?$filter={text}&$select=DISPLAYNAME&$orderby=displayName"
        return [row["displayName"] for row in client.rows(url.replace("%", "%25"))]

    assert names("displayName eq 'O''Brien'") == ["O'Brien"]
    assert names("contains(displayName,'%')") == names("contains(displayName,'f_n')") == ["50% off_now"]
    assert names("startswith(displayName,'ABC')") == ["ABCDEF"]
    assert names("tolower(displayName) eq 'abcdef'") == ["ABCDEF", "abcdef"]
    assert names("displayName eq 'ABCDEF' or displayName eq 'abcdef'") == ["ABCDEF", "abcdef"]
    assert names("salesOrders/any(l:l/quantity gt 1) and displayName eq 'abcdef'") == ["abcdef"]
    assert names("number eq 'c00010'")
    assert names("blocked eq ' ' and creditLimit gt 0")
    assert names("lastModifiedDateTime gt 2026-11-01T00:00:00Z") == ["50% off_now", "ABCDEF", "O'Brien", "abcdef"]


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("number eq 'A' or displayName eq 'B'", 501, "BadRequest_MethodNotImplemented"),
        ("number in ('A','B')", 501, "BadRequest_MethodNotImplemented"),
        ("contains(tolower(displayName),'a')", 501, "BadRequest_MethodNotImplemented"),
        ("number eq '123456789012345678901'", 400, "Application_FilterErrorException"),
        ("nosuch eq 1", 400, "BadRequest"),
        ("number eq 'A", 400, "BadRequest"),
        ("creditLimit eq 'A'", 400, "BadRequest"),
    ],
)
def test_bc_filters_refused(shared: Client, text: str, status: int, code: str) -> None:
    assert error_of(shared("GET", f"{shared.bc}/customers?$filter={text}")) == (status, code)


def test_bc_newer_schema_takes_in_and_nested_functions(shared: Client) -> None:
    for text, count in (("number in ('C00010','C00020')", 2), ("contains(tolower(displayName),'')", 300)):
        url = f"{shared.bc}/customers?$filter={text}&$schemaversion=2.1"
        assert len(shared.rows(url)) == count


def test_dv_filters(client: Client) -> None:
    for name, city in (("Öl Contoso", None), ("x50y", "Oslo"), ("x5%y", "Bergen")):
        client.made(f"{client.dv}/accounts", {"name": name, "address1_city": city, "description": "mine"})

    def names(text: str) -> list[str]:
        url = f"{client.dv}/accounts?$filter=description eq 'MINE' and ({text})&$select=name&$orderby=name"
        return [row["name"] for row in client.rows(url.replace("%", "%25"))]

    assert names("name eq 'öl CONTOSO'") == names("contains(name,'ÖL')") == ["Öl Contoso"]
    assert set(names("contains(name,'5%y')")) == {"x5%y", "x50y"}
    assert names("contains(name,'5[%]y')") == ["x5%y"]
    assert set(names("address1_city ne 'oslo'")) == {"x5%y", "Öl Contoso"}, "ne keeps rows without a value"
    assert set(names("not (address1_city eq 'Oslo')")) == {"x5%y", "Öl Contoso"}
    assert names("address1_city eq null") == ["Öl Contoso"]
    values = 'Microsoft.Dynamics.CRM.In(PropertyName=%27address1_city%27,PropertyValues=["oslo","Bergen"])'
    assert len(names(values.replace("%27", "'"))) == 2
    me = client("GET", f"{client.dv}/WhoAmI").json()["UserId"]
    assert len(names(f"_ownerid_value eq {me} and createdon ge 2026-01-01T00:00:00Z and statecode eq 0")) == 3
    assert len(names("createdon eq modifiedon")) == 3, "two columns of one row"
    assert [row["name"] for row in client.rows(f"{client.dv}/accounts?$filter=name eq @a&@a='X50Y'")] == ["x50y"]


@pytest.mark.parametrize("text", ["revenue add 1 gt 2", "name in ('a','b')", "name eq 'a", "Name eq 'a'", "name"])
def test_dv_filters_refused(shared: Client, text: str) -> None:
    answer = shared("GET", f"{shared.dv}/accounts?$filter={text}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("0x0", "0x80060888")


def test_filter_values_are_parameters_never_sql() -> None:
    table = schema("dv").entity("account")
    emitter = DataverseEmitter(table, schema("dv"))
    sql = emitter.condition(parse_filter("name eq 'x'' OR 1=1 --' and startswith(name,'_')"))
    assert "OR 1=1" not in sql
    assert emitter.parameters == ["x' OR 1=1 --", "_%"]
    with pytest.raises(FilterError):
        parse_filter("name eq 'a' and")


# -- Business Central: writing


def test_bc_create_numbers_and_fills_and_makes_the_company_contact(client: Client) -> None:
    before = client.sandbox.rows("bc", "contacts")
    row = client.made(
        f"{client.bc}/customers", {"displayName": "Fjordwerk AS", "country": "no", "postalCode": "0150"}
    )
    assert (row["number"], row["country"], row["currencyCode"]) == ("C00410", "NO", "EUR")
    assert row["currencyId"] == ZERO_GUID
    assert row["blocked"] == "_x0020_"
    assert None not in row.values()
    assert client.sandbox.rows("bc", "contacts") == before + 1
    link = client.rows(f"{client.bc}/contactsInformation?$filter=relatedId eq {row['id']}")[0]
    assert link["relatedType"] == "Customer"
    assert link["contactName"] == "Fjordwerk AS"
    person = {"displayName": "Kari Lie", "type": "Person", "companyNumber": link["contactNumber"].lower()}
    contact = client.made(f"{client.bc}/contacts", person)
    assert contact["companyName"] == "Fjordwerk AS"
    assert contact["contactBusinessRelation"] == "Customer"
    assert client.sandbox.writes == {"bc": 2, "dv": 0}


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({}, "Application_DialogException", 'A "displayName" must be provided.'),
        ({"displayName": " "}, "Application_DialogException", 'The blank "displayName" is not allowed.'),
        (
            {"displayName": "A", "currencyId": UNKNOWN},
            "Application_DialogException",
            'The "currencyId" does not match to a Currency.',
        ),
        ({"displayName": "A", "nosuch": 1}, "BadRequest", "nosuch"),
        ({"displayName": "A", "balanceDue": 1}, "BadRequest_InvalidOperation", "read-only"),
        ({"displayName": "A" * 101}, "Application_StringExceededLength", "101"),
        ({"displayName": "A", "number": "C00010"}, "Internal_EntityWithSameKeyExists", "already exists"),
        ({"displayName": "A", "creditLimit": "much"}, "BadRequest", "creditLimit"),
        ({"displayName": "A", "salespersonCode": "NOBODY"}, "Internal_InvalidTableRelation", "NOBODY"),
        (b"{not json", "BadRequest", "JSON"),
    ],
)
def test_bc_create_refused(shared: Client, body: Any, code: str, text: str) -> None:
    answer = shared("POST", f"{shared.bc}/customers", body)
    assert error_of(answer) == (400, code)
    message = answer.json()["error"]["message"]
    assert text in message
    assert "  CorrelationId:  " in message


def test_bc_currency_id_and_code_agree(client: Client) -> None:
    usd = client.rows(f"{client.bc}/currencies?$filter=code eq 'USD'")[0]
    row = client.made(f"{client.bc}/customers", {"displayName": "A", "currencyCode": "usd"})
    assert row["currencyId"] == usd["id"]
    url = f"{client.bc}/customers({row['id']})"
    local = client("PATCH", url, {"currencyCode": "EUR"}, If_Match="*").json()
    assert (local["currencyId"], local["currencyCode"]) == (ZERO_GUID, "EUR")
    back = client("PATCH", url, {"currencyId": usd["id"]}, If_Match="*").json()
    assert back["currencyCode"] == "USD"
    clash = client("PATCH", url, {"currencyId": usd["id"], "currencyCode": "GBP"}, If_Match="*")
    assert "The currency values do not match to a specific Currency." in clash.json()["error"]["message"]


def test_bc_own_id_is_kept_and_cannot_be_used_twice(client: Client) -> None:
    body = {"id": UNKNOWN.upper(), "displayName": "A"}
    assert client.made(f"{client.bc}/customers", body)["id"] == UNKNOWN
    again = client("POST", f"{client.bc}/customers", body)
    assert error_of(again) == (400, "Internal_EntityWithSameKeyExists")
    assert (
        client("POST", f"{client.bc}/unitsOfMeasure", {"code": "bag"}, Prefer="return-no-content").status_code == 204
    )


def test_bc_etags(client: Client) -> None:
    row = client.rows(f"{client.bc}/customers?$top=1")[0]
    url, tag = f"{client.bc}/customers({row['id']})", row["@odata.etag"]
    assert error_of(client("PATCH", url, {"city": "Kiel", "@odata.etag": tag})) == (400, "BadRequest_InvalidToken")
    assert error_of(client("PATCH", url, {"city": "Kiel"}, If_Match="nonsense"))[1] == "BadRequest_InvalidToken"
    changed = client("PATCH", url, {"city": "Kiel"}, If_Match=tag)
    assert changed.status_code == 200
    assert changed.json()["city"] == "Kiel"
    assert changed.json()["@odata.etag"] != tag
    assert changed.json()["lastModifiedDateTime"] > row["lastModifiedDateTime"]
    assert error_of(client("PATCH", url, {"city": "Ulm"}, If_Match=tag)) == (409, "Request_EntityChanged")
    assert error_of(client("DELETE", url, If_Match=tag)) == (409, "Request_EntityChanged")
    assert client("PATCH", url, {"city": "Ulm"}, If_Match="*").status_code == 200
    assert client("DELETE", url).status_code == 204
    assert error_of(client("DELETE", url)) == (404, "Internal_RecordNotFound")


def test_bc_addresses_and_methods(shared: Client) -> None:
    root, bc = shared.sandbox.bc_root, shared.bc
    company = shared.sandbox.company_id
    assert len(shared("GET", f"{root}/customers?company={company}&$top=5").json()["value"]) == 5
    assert error_of(shared("GET", f"{root}/companies({UNKNOWN})/customers"))[0] == 404
    assert error_of(shared("GET", f"{bc}/customer")) == (404, "BadRequest_NotFound")
    assert error_of(shared("GET", f"{bc}/customers({UNKNOWN})")) == (404, "Internal_RecordNotFound")
    assert error_of(shared("GET", f"{bc}/customers(C00010)")) == (400, "BadRequest_NotFound")
    for method, url in (
        ("POST", f"{bc}/currencyExchangeRates"),
        ("POST", f"{root}/companies"),
        ("PUT", f"{bc}/customers({UNKNOWN})"),
        ("PATCH", f"{bc}/contactsInformation({UNKNOWN})"),
    ):
        assert error_of(shared(method, url, {})) == (405, "BadRequest_MethodNotAllowed")
    assert shared("GET", f"{bc}/customers/$count").text == "300"


def test_bc_numbers_are_exact(client: Client) -> None:
    body = b'{"displayName":"A","unitPrice":1234567890.1234567,"unitCost":0.10}'
    answer = client("POST", f"{client.bc}/items", body)
    assert b'"unitPrice":1234567890.1234567' in answer.content
    assert b'"unitCost":0.1,' in answer.content
    url = f"{client.bc}/items?$filter=unitPrice gt 1234567890.1&$select=unitPrice"
    assert len(client.rows(url)) == 1
    assert error_of(client("POST", f"{client.bc}/items", {"inventory": 5}))[1] == "Application_DialogException"
    unit = client.rows(f"{client.bc}/unitsOfMeasure?$filter=code eq 'KG'")[0]
    weighed = client.made(f"{client.bc}/items", {"displayName": "B", "baseUnitOfMeasureCode": "kg"})
    assert weighed["baseUnitOfMeasureId"] == unit["id"]
    assert weighed["number"]


# -- Dataverse: reading and writing


def test_dv_row_shapes(shared: Client) -> None:
    row = shared("GET", f"{shared.dv}/accounts?$select=name,_ownerid_value&$top=1").json()["value"][0]
    assert set(row) == {"@odata.etag", "name", "_ownerid_value", "accountid"}
    one = shared("GET", f"{shared.dv}/accounts({row['accountid']})?$select=name")
    assert one.json()["@odata.context"].endswith("#accounts(name)/$entity")
    tag = row["@odata.etag"]
    assert tag.startswith('W/"')
    assert tag[3:-1].isdigit()
    same = shared("GET", f"{shared.dv}/accounts({row['accountid']})", If_None_Match=tag)
    assert same.status_code == 304
    assert same.content == b""
    assert error_of(shared("GET", f"{shared.dv}/Accounts")) == (404, "0x8006088a")
    assert error_of(shared("GET", f"{shared.dv}/accounts({UNKNOWN})")) == (404, "0x80040217")
    assert error_of(shared("GET", f"{shared.dv}/accounts?$select=Name")) == (400, "0x0")
    whole = shared("GET", f"{shared.dv}/accounts({row['accountid']})").json()
    assert whole["revenue"] is None
    assert whole["donotphone"] is False


def test_dv_annotations(shared: Client) -> None:
    url = f"{shared.dv}/contacts?$select=fullname,_parentcustomerid_value,statecode&$top=1"
    answer = shared("GET", url, Prefer='odata.include-annotations="*"')
    row = answer.json()["value"][0]
    assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    navigation = "_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"
    assert row[navigation] == "parentcustomerid_account"
    assert row["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"
    assert row["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"]
    assert "odata.include-annotations" in answer.headers["preference-applied"]


def test_dv_create_answers(client: Client) -> None:
    made = client("POST", f"{client.dv}/accounts", {"name": "A", "accountid": UNKNOWN})
    assert made.status_code == 204
    assert made.headers["odata-entityid"].endswith(f"accounts({UNKNOWN})")
    assert error_of(client("POST", f"{client.dv}/accounts", {"accountid": UNKNOWN})) == (412, "0x80040237")
    wanted = client("POST", f"{client.dv}/accounts?$select=name", {"name": "B"}, Prefer="return=representation")
    assert wanted.status_code == 201
    assert set(wanted.json()) >= {"name", "accountid", "@odata.etag"}
    assert "revenue" not in wanted.json()
    assert client.sandbox.writes == {"bc": 0, "dv": 2}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"nosuch": 1}, 400, "0x0"),
        ({"name": "A" * 161}, 400, "0x80044331"),
        ({"customertypecode": 99}, 400, "0x8004431A"),
        ({"creditlimit": -5}, 400, "0x80044330"),
        ({"primarycontactid@odata.bind": f"/contacts({UNKNOWN})"}, 404, "0x80040217"),
        ({"primarycontact@odata.bind": f"/contacts({UNKNOWN})"}, 400, "0x80048d19"),
        ({"primarycontactid@odata.bind": f"/accounts({UNKNOWN})"}, 400, "0x80048d19"),
        ({"_primarycontactid_value": UNKNOWN}, 400, "0x80048d19"),
        ({"creditlimit": "much"}, 400, "0x80048d19"),
        (b"{", 400, "0x0"),
    ],
)
def test_dv_create_refused(shared: Client, body: Any, status: int, code: str) -> None:
    assert error_of(shared("POST", f"{shared.dv}/accounts", body)) == (status, code)


def test_dv_versions_and_upsert(client: Client) -> None:
    row = client.made(f"{client.dv}/accounts", {"name": "A", "createdon": "2020-01-01T00:00:00Z"})
    assert not row["createdon"].startswith("2020"), "read-only columns are ignored"
    url, tag = f"{client.dv}/accounts({row['accountid']})", row["@odata.etag"]
    assert client("PATCH", url, {"name": "B"}, If_Match=tag).status_code == 204
    assert error_of(client("PATCH", url, {"name": "C"}, If_Match=tag)) == (412, "0x80060882")
    assert error_of(client("DELETE", url, If_Match=tag)) == (412, "0x80060882")
    assert error_of(client("PATCH", url, {"name": "C"}, If_None_Match="*")) == (412, "0x80040237")
    same = client("PATCH", url, {"name": "B"}, Prefer="return=representation")
    assert same.status_code == 200
    assert same.json()["versionnumber"] > row["versionnumber"] + 1
    assert client("DELETE", url).status_code == 204
    assert error_of(client("PATCH", url, {"name": "B"}, If_Match="*")) == (404, "0x80040217")
    assert client("PATCH", url, {"telephone1": "1"}).status_code == 204, "a plain PATCH re-creates the row"
    again = client("GET", url).json()
    assert (again["name"], again["telephone1"]) == (None, "1")


def test_dv_lookups_owner_names_and_single_properties(client: Client) -> None:
    account = client.made(f"{client.dv}/accounts", {"name": "A"})["accountid"]
    team = client.rows(f"{client.dv}/teams")[0]["teamid"]
    body = {
        "firstname": "Ada",
        "middlename": "M.",
        "lastname": "Byron",
        "parentcustomerid_account@odata.bind": f"/accounts({account})",
        "ownerid@odata.bind": f"teams({team})",
    }
    contact = client.made(f"{client.dv}/contacts", body)
    assert contact["fullname"] == "Ada M. Byron"
    assert contact["_parentcustomerid_value"] == account
    assert (contact["_owningteam_value"], contact["_owninguser_value"]) == (team, None)
    url = f"{client.dv}/contacts({contact['contactid']})"
    other = client.made(f"{client.dv}/contacts", {"lastname": "Babbage"})["contactid"]
    client("PATCH", url, {"parentcustomerid_contact@odata.bind": f"/contacts({other})"}, If_Match="*")
    marked = client("GET", f"{url}?$select=_parentcustomerid_value", Prefer='odata.include-annotations="*"').json()
    assert marked["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    assert client("PUT", f"{url}/jobtitle", {"value": "Poet"}).status_code == 204
    assert client("DELETE", f"{url}/firstname").status_code == 204
    row = client("GET", url).json()
    assert (row["jobtitle"], row["firstname"], row["fullname"]) == ("Poet", None, "M. Byron")
    disabled = client.rows(f"{client.dv}/systemusers?$filter=isdisabled eq true")[0]["systemuserid"]
    assert client("PATCH", url, {"ownerid@odata.bind": f"/systemusers({disabled})"}).status_code == 403


def test_dv_states(client: Client) -> None:
    url = f"{client.dv}/accounts({client.made(f'{client.dv}/accounts', {'name': 'A'})['accountid']})"
    client("PATCH", url, {"statecode": 1})
    assert client("GET", url).json()["statuscode"] == 2
    assert client("PATCH", url, {"statuscode": 1}).status_code == 400
    client.sandbox.switches.dv_reason_moves_state = True
    client("PATCH", url, {"statuscode": 1})
    assert client("GET", url).json()["statecode"] == 0
    assert client("PATCH", url, {"statecode": 0, "statuscode": 2}).status_code == 400


def test_dv_money_has_base_twins(client: Client) -> None:
    row = client.made(f"{client.dv}/accounts", {"name": "A", "creditlimit": 100.5})
    base = client.rows(f"{client.dv}/organizations")[0]["_basecurrencyid_value"]
    assert (row["_transactioncurrencyid_value"], row["creditlimit_base"], row["exchangerate"]) == (base, 100.5, 1)
    usd = client.rows(f"{client.dv}/transactioncurrencies?$filter=isocurrencycode eq 'USD'")[0]
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({usd['transactioncurrencyid']})"}
    client("PATCH", f"{client.dv}/accounts({row['accountid']})", bind, If_Match="*")
    after = client("GET", f"{client.dv}/accounts({row['accountid']})").json()
    assert after["exchangerate"] == usd["exchangerate"]
    assert after["creditlimit_base"] == pytest.approx(100.5 / usd["exchangerate"], abs=0.0001)
    client("PATCH", f"{client.dv}/transactioncurrencies({usd['transactioncurrencyid']})", {"statecode": 1})
    assert client("POST", f"{client.dv}/accounts", {"name": "B"} | bind).status_code == 400


def test_dv_units_and_products(client: Client) -> None:
    group = client.made(f"{client.dv}/uomschedules", {"name": "NAV BAG", "baseuomname": "BAG"})["uomscheduleid"]
    unit = client.rows(f"{client.dv}/uoms?$filter=_uomscheduleid_value eq {group}")[0]
    assert (unit["name"], unit["quantity"], unit["isschedulebaseuom"]) == ("BAG", 1, True)
    changed = client("PATCH", f"{client.dv}/uoms({unit['uomid']})", {"quantity": 2})
    assert error_of(changed) == (400, "0x80043b18")
    other = client.rows(f"{client.dv}/uoms?$filter=name eq 'KG'")[0]["uomid"]
    binds = {
        "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
        "defaultuomid@odata.bind": f"/uoms({unit['uomid']})",
    }
    body = {"productnumber": "P1", "name": "P", "quantitydecimal": 2, "price": 3, **binds}

    def code(**changes: Any) -> str:
        sent = {name: value for name, value in (body | changes).items() if value is not None}
        return error_of(client("POST", f"{client.dv}/products", sent))[1]

    product = client.made(f"{client.dv}/products", body)
    assert (product["statecode"], product["statuscode"], product["price_base"]) == (2, 0, 3)
    assert code() == "0x80043b06"
    assert code(productnumber=None) == "0x80043b05"
    assert code(productnumber="P2", quantitydecimal=None) == "0x80043b07"
    assert code(productnumber="P2", quantitydecimal=9) == "0x80043b07"
    assert code(**{"productnumber": "P2", "defaultuomscheduleid@odata.bind": None}) == "0x80043b13"
    assert code(**{"productnumber": "P2", "defaultuomid@odata.bind": f"/uoms({other})"}) == "0x80043b14"
    url = f"{client.dv}/products({product['productid']})"
    assert error_of(client("PATCH", url, {"statecode": 1}))[1] == "0x8004F978"
    assert client("PATCH", url, {"statecode": 0, "statuscode": 1}).status_code == 204
    assert error_of(client("PATCH", url, {"statecode": 2}))[1] == "0x8004F912"
    assert error_of(client("DELETE", f"{client.dv}/uomschedules({group})")) == (405, "0x80040227")
    organization = client.rows(f"{client.dv}/organizations")[0]["organizationid"]
    active = {"createproductswithoutparentinactivestate": True}
    client("PATCH", f"{client.dv}/organizations({organization})", active)
    assert client.made(f"{client.dv}/products", body | {"productnumber": "P3"})["statecode"] == 0


def test_dv_currency_rules(client: Client) -> None:
    body = {"isocurrencycode": "AUD", "currencyname": "A", "currencysymbol": "$", "currencyprecision": 2}
    assert client("POST", f"{client.dv}/transactioncurrencies", body).status_code == 400
    assert (
        error_of(client("POST", f"{client.dv}/transactioncurrencies", body | {"exchangerate": 0}))[1] == "0x80044330"
    )
    assert client.made(f"{client.dv}/transactioncurrencies", body | {"exchangerate": 1.6123456789})
    twice = client("POST", f"{client.dv}/transactioncurrencies", body | {"exchangerate": 2})
    assert error_of(twice)[1] == "0x80048cf3"


def test_dv_delete_follows_the_relationships(client: Client) -> None:
    account = client.made(f"{client.dv}/accounts", {"name": "A", "creditlimit": 1})
    bind = {"lastname": "X", "parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
    contact = client.made(f"{client.dv}/contacts", bind)["contactid"]
    currency = f"{client.dv}/transactioncurrencies({account['_transactioncurrencyid_value']})"
    assert error_of(client("DELETE", currency)) == (405, "0x80040227")
    assert client("DELETE", f"{client.dv}/accounts({account['accountid']})").status_code == 204
    assert client("GET", f"{client.dv}/contacts({contact})").status_code == 404


def test_dv_definitions(shared: Client) -> None:
    url = (
        f"{shared.dv}/EntityDefinitions?%24select=LogicalName%2CEntitySetName&%24filter=LogicalName+eq+%27account%27"
    )
    assert [row["EntitySetName"] for row in shared.rows(url)] == ["accounts"]
    whole = shared("GET", f"{shared.dv}/EntityDefinitions(LogicalName='contact')?$expand=Attributes").json()
    kinds = {item["LogicalName"]: item["AttributeType"] for item in whole["Attributes"]}
    assert (kinds["parentcustomerid"], kinds["ownerid"], kinds["fullname"]) == ("Customer", "Owner", "String")
    part = "Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet"
    choices = shared("GET", f"{shared.dv}/EntityDefinitions(LogicalName='account')/{part}").json()["value"]
    kind = next(item for item in choices if item["LogicalName"] == "customertypecode")
    labels = {o["Value"]: o["Label"]["UserLocalizedLabel"]["Label"] for o in kind["OptionSet"]["Options"]}
    assert labels[3] == "Customer"


# -- the demo company


def dump(sandbox: Sandbox) -> list[str]:
    return list(sandbox.store.connection.iterdump())


def test_same_seed_same_rows() -> None:
    with Sandbox.create(customers=60, seed=7) as one, Sandbox.create(customers=60, seed=7) as two:
        assert dump(one) == dump(two)
    with Sandbox.create(customers=60, seed=8) as three:
        assert three.company_id != two.company_id
        assert three.token != two.token


def test_writes_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    with Sandbox.create(path, customers=10) as sandbox:
        client = Client(sandbox)
        made = client.made(f"{client.bc}/customers", {"displayName": "Kept"})
        truth, token = sandbox.truth(), sandbox.token
    with Sandbox.open(path) as again:
        client = Client(again)
        row = client("GET", f"{client.bc}/customers({made['id']})").json()
        assert row["displayName"] == "Kept"
        assert row["@odata.etag"] == made["@odata.etag"]
        assert (again.truth(), again.token, again.writes) == (truth, token, {"bc": 0, "dv": 0})
        assert client.made(f"{client.bc}/customers", {"displayName": "Next"})["number"] > made["number"]
    with pytest.raises(FileExistsError):
        Sandbox.create(path)
    with pytest.raises(FileNotFoundError):
        Sandbox.open(tmp_path / "none.db")


@pytest.mark.parametrize("customers", [0, 1, 3, 20])
def test_tiny_companies(customers: int) -> None:
    with Sandbox.create(customers=customers) as sandbox:
        assert sandbox.rows("bc", "customers") == customers
        names = [item["fault"] for item in sandbox.planted()]
        assert "user_disabled" in names
        assert len(names) == len(set(map(str, sandbox.planted())))


def test_overlap_and_sizes(shared: Client) -> None:
    sandbox = shared.sandbox
    pairs = [kind for kind, _, _ in sandbox.truth()]
    assert 0.80 <= pairs.count("customer") / 300 <= 0.86
    people = len(shared.rows(f"{shared.bc}/contacts?$filter=type eq 'Person'&$select=id"))
    assert 300 <= people <= 420
    assert pairs.count("contact") > 0.6 * people
    assert sandbox.rows("bc", "items") == 75
    assert pairs.count("item") >= 60
    assert {"currency", "unit", "salesperson"} <= set(pairs)


def paired(kind: str, bc: str, dv: str, key: str) -> str:
    """Return the start of a query over the true pairs of a kind, as b and d."""
    return (
        f"SELECT p.bc_id, p.dv_id FROM truth p JOIN bc_{bc} b ON b.id = p.bc_id "
        f"JOIN dv_{dv} d ON d.{key} = p.dv_id WHERE p.kind = '{kind}' AND "
    )


def coupled(kind: str, side: str = "bc") -> str:
    return f"(SELECT {side}_id FROM truth WHERE kind = '{kind}')"


CUSTOMERS = paired("customer", "customers", "account", "accountid")
VENDORS = paired("vendor", "vendors", "account", "accountid")
UNITS = paired("unit", "unitsOfMeasure", "uomschedule", "uomscheduleid")
CURRENCIES = paired("currency", "currencies", "transactioncurrency", "transactioncurrencyid")
SALESPEOPLE = paired("salesperson", "salespeoplePurchasers", "systemuser", "systemuserid")
CONTACTS = paired("contact", "contacts", "contact", "contactid")
ITEMS = """SELECT b.id, p.dv_id FROM bc_items b
    LEFT JOIN truth p ON p.kind = 'item' AND p.bc_id = b.id WHERE """
PEOPLE = """SELECT b.id, NULL FROM bc_contacts b
    LEFT JOIN bc_contacts c ON c.number = b.companyNumber
    LEFT JOIN bc_contactsInformation l ON l.contactId = c.id
    LEFT JOIN bc_customers k ON k.id = l.relatedId
    LEFT JOIN bc_vendors v ON v.id = l.relatedId
    WHERE b.type = 'Person' AND """
OWN = "(SELECT c.bcbi_companyid FROM dv_bcbi_company c JOIN bc_companies x ON x.id = c.bcbi_externalid)"
IN_SCOPE = f"d.customertypecode = 3 AND d.statecode = 0 AND ifnull(d._bcbi_companyid_value, {OWN}) = {OWN}"
RATE = """(SELECT r.exchangeRateAmount * 1.0 / r.relationalExchangeRateAmount FROM bc_currencyExchangeRates r
    WHERE r.currencyCode = {} ORDER BY startingDate DESC LIMIT 1)"""
BASE = """(SELECT c.isocurrencycode FROM dv_transactioncurrency c
    JOIN dv_organization o ON o._basecurrencyid_value = c.transactioncurrencyid)"""
LIMITS = {"name": 100, "address1_line1": 100, "address1_line2": 50, "address1_city": 30, "address1_country": 10}
LIMITS |= {"telephone1": 30, "emailaddress1": 80, "websiteurl": 80}
TOO_LONG = " OR ".join(f"length(d.{name}) > {most}" for name, most in LIMITS.items())
UNIT_NAME = "(SELECT u.name FROM dv_uom u WHERE u._uomscheduleid_value = p.dv_id AND u.isschedulebaseuom)"
#: For each check a query that finds its records: (bc_id, dv_id) as planted() names them.
CHECKS = {
    "customers_vendors/salesperson_coupled": f"""{CUSTOMERS} b.salespersonCode IN
        (SELECT s.code FROM bc_salespeoplePurchasers s WHERE s.id NOT IN {coupled("salesperson")})""",
    "customers_vendors/salesperson_exists": f"""{CUSTOMERS} b.salespersonCode <> ''
        AND b.salespersonCode NOT IN (SELECT code FROM bc_salespeoplePurchasers)""",
    "salespeople/user_enabled": f"{SALESPEOPLE} d.isdisabled = 1",
    "currencies/rate_defined": """SELECT id, NULL FROM bc_currencies
        WHERE code NOT IN (SELECT currencyCode FROM bc_currencyExchangeRates)""",
    "currencies/code_fits": "SELECT id, NULL FROM bc_currencies WHERE length(code) > 5",
    "currencies/currency_active": f"{CURRENCIES} d.statecode <> 0",
    "currencies/rate_matches": f"""{CURRENCIES} {BASE} = 'EUR'
        AND abs(d.exchangerate / {RATE.format("b.code")} - 1) > 1e-8""",
    "customers_vendors/currency_same": f"""{CUSTOMERS} EXISTS (SELECT 1 FROM truth c
        WHERE c.kind = 'currency' AND c.bc_id = b.currencyId AND c.dv_id <> d._transactioncurrencyid_value)""",
    "customers_vendors/currency_coupled": f"""{CUSTOMERS} b.currencyId <> '{ZERO_GUID}'
        AND b.currencyId NOT IN {coupled("currency")}""",
    "units/one_unit_per_group": f"""{UNITS}
        (SELECT count(*) FROM dv_uom u WHERE u._uomscheduleid_value = p.dv_id) <> 1""",
    "units/group_active": f"{UNITS} d.statecode <> 0",
    "units/unit_name": f"{UNITS} {UNIT_NAME} <> b.code",
    "items/base_unit_filled": f"{ITEMS} b.blocked = 0 AND b.baseUnitOfMeasureCode = ''",
    "items/unit_coupled": f"""{ITEMS} b.baseUnitOfMeasureCode <> ''
        AND b.baseUnitOfMeasureId NOT IN {coupled("unit")}""",
    "items/name_filled": f"{ITEMS} b.displayName = ''",
    "items/price_not_negative": f"{ITEMS} CAST(b.unitPrice AS REAL) < 0",
    "items/product_number_free": f"""{ITEMS} p.dv_id IS NULL
        AND b.number COLLATE NOCASE IN (SELECT productnumber FROM dv_product)""",
    "customers_vendors/name_filled": "SELECT id, NULL FROM bc_customers WHERE displayName = ''",
    "customers_vendors/country_code": f"""{CUSTOMERS}
        d.address1_country COLLATE BINARY NOT IN (SELECT code FROM bc_countriesRegions)""",
    "customers_vendors/text_fits": f"SELECT NULL, d.accountid FROM dv_account d WHERE {IN_SCOPE} AND ({TOO_LONG})",
    "customers_vendors/not_duplicated": f"""SELECT NULL, d.accountid FROM dv_account d
        WHERE {IN_SCOPE} AND d.accountid NOT IN {coupled("customer", "dv")}
        AND EXISTS (SELECT 1 FROM dv_account o WHERE o.name = d.name AND o.emailaddress1 IS d.emailaddress1
            AND o.address1_postalcode = d.address1_postalcode AND o.accountid <> d.accountid)""",
    "customers_vendors/relationship_type": f"{CUSTOMERS} d.customertypecode <> 3",
    "customers_vendors/own_company": f"{CUSTOMERS} d._bcbi_companyid_value <> {OWN}",
    "customers_vendors/not_blocked": f"{CUSTOMERS} b.blocked <> '_x0020_'",
    "contacts/has_company": f"{PEOPLE} b.companyNumber = ''",
    "contacts/company_is_customer": f"{PEOPLE} b.companyNumber <> '' AND k.id IS NULL AND v.id IS NULL",
    "contacts/customer_coupled": f"""{PEOPLE} k.blocked <> '_x0020_' AND k.id NOT IN {coupled("customer")}""",
    "contacts/parent_is_account": f"{CONTACTS} ifnull(d._parentcustomerid_type, '') <> 'account'",
    "contacts/name_filled": f"{PEOPLE} b.displayName = ''",
    "customers_vendors/vendor_currency_coupled": f"""{VENDORS} b.currencyId <> '{ZERO_GUID}'
        AND b.currencyId NOT IN {coupled("currency")}""",
    "items/resource_base_unit_filled": """SELECT p.bc_id, p.dv_id FROM truth p
        JOIN "{resources}" b ON b."No" = p.bc_id
        WHERE p.kind = 'resource' AND b."Base_Unit_of_Measure" = ''""".format(
        resources=schema("bc").pages["ResourceCard"].sql
    ),
    "option_sets/customer_payment_terms_coupled": f"""{CUSTOMERS} b.paymentTermsId <> '{ZERO_GUID}'
        AND b.paymentTermsId NOT IN (SELECT t.id FROM bc_paymentTerms t)""",
    "setup/local_currency_known": f"""SELECT '{ZERO_GUID}', NULL FROM bc_generalLedgerSetup
        WHERE localCurrencyCode NOT IN (SELECT isocurrencycode FROM dv_transactioncurrency)""",
}


def found_by_checks(sandbox: Sandbox) -> set[tuple[str, str | None, str | None]]:
    return {(name, *row) for name, sql in CHECKS.items() for row in sandbox.store.query(sql)}


def planted(sandbox: Sandbox) -> set[tuple[str | None, str | None, str | None]]:
    return {(item["check"], item["bc_id"], item["dv_id"]) for item in sandbox.planted()}


@pytest.mark.parametrize(("customers", "seed", "dirt"), [(300, 1, 1.0), (800, 2, 1.0), (300, 3, 0.0)])
def test_a_company_without_faults_has_none_of_their_conditions(customers: int, seed: int, dirt: float) -> None:
    with Sandbox.create(customers=customers, seed=seed, faults=(), dirt=dirt) as sandbox:
        assert found_by_checks(sandbox) == set()
        assert sandbox.planted() == []


@pytest.mark.parametrize(("customers", "seed"), [(100, 1), (100, 5), (300, 1), (2000, 4)])
def test_all_faults_together_are_found_by_exactly_their_checks(customers: int, seed: int) -> None:
    with Sandbox.create(customers=customers, seed=seed) as sandbox:
        assert found_by_checks(sandbox) == planted(sandbox)
        counts = {fault.name: fault.count for fault in FAULTS if fault.in_demo}
        named = [item["fault"] for item in sandbox.planted()]
        assert {name: named.count(name) for name in counts} == counts


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
def test_each_fault_alone_is_found_by_its_check_only(fault: str) -> None:
    with Sandbox.create(customers=120, faults=(fault,)) as sandbox:
        assert planted(sandbox)
        assert found_by_checks(sandbox) == planted(sandbox)


def test_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault: nonsense"):
        Sandbox.create(faults=("nonsense",))


ADDRESS = "addressLine1=address1_line1 addressLine2=address1_line2 city=address1_city state=address1_stateorprovince "
ADDRESS += "postalCode=address1_postalcode country=address1_country phoneNumber=telephone1 email=emailaddress1 "
SHARED_FIELDS = {
    "customer": (
        CUSTOMERS,
        f"number=accountnumber displayName=name creditLimit=creditlimit website=websiteurl {ADDRESS}",
    ),
    "contact": (
        CONTACTS,
        f"displayName=fullname jobTitle=jobtitle mobilePhoneNumber=mobilephone website=websiteurl {ADDRESS}",
    ),
    "item": (
        paired("item", "items", "product", "productid"),
        "number=productnumber displayName=name unitPrice=price unitCost=currentcost unitCost=standardcost "
        "inventory=quantityonhand",
    ),
}


@pytest.mark.parametrize("kind", list(SHARED_FIELDS))
def test_without_dirt_partners_agree_and_with_dirt_some_differ(kind: str) -> None:
    head, names = SHARED_FIELDS[kind]
    equal = " AND ".join(
        'b."{}" = ifnull(d."{}", \'\') COLLATE BINARY'.format(*pair.split("=")) for pair in names.split()
    )
    with Sandbox.create(customers=200, faults=(), dirt=0) as clean:
        assert clean.store.query(f"{head} NOT ({equal})") == []
        owners = f"""{CUSTOMERS} (SELECT t.dv_id FROM truth t JOIN bc_salespeoplePurchasers s ON s.id = t.bc_id
            WHERE t.kind = 'salesperson' AND s.code = b.salespersonCode) IS NOT d._owninguser_value"""
        assert clean.store.query(owners) == []
    with Sandbox.create(customers=200, faults=()) as dirty:
        assert dirty.store.query(f"{head} NOT ({equal})")


# -- the server process


def test_server_process_prints_its_address_and_ends_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "d365kit.sandbox", "--db", str(tmp_path / "s.db"), "--customers", "5"]
    process = subprocess.Popen(
        [*command, "--json", "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {ready['token']}"}
        url = f"{ready['bc']}/companies({ready['company']})/customers?$select=id"
        assert len(httpx.get(url, headers=headers).json()["value"]) == 5
        assert httpx.get(f"{ready['dv']}/WhoAmI", headers=headers).status_code == 200
        process.stdin.close()
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    with sqlite3.connect(tmp_path / "s.db") as database:
        assert database.execute("SELECT count(*) FROM bc_customers").fetchone() == (5,)
    database.close()
