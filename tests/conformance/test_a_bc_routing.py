"""Conformance A: Business Central's addresses, who may ask, and which company answers (lines 2 to 18)."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from d365kit.sandbox.identity import BC_AUDIENCE, Application
from d365kit.sandbox.schema import schema
from tests.conformance.business_central import UNKNOWN, made, message, rows
from tests.conformance.conftest import Wire, error_of

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


def others(bc: Wire) -> dict[str, str]:
    """The company beside the demo company."""
    return next(item for item in bc.get("companies").json()["value"] if item["id"] != bc.company)


@pytest.mark.read_only
def test_002_metadata_document(bc: Wire) -> None:
    answer = bc.get("$metadata")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/xml"
    document = ElementTree.fromstring(answer.content)
    assert document.get("Version") == "4.0"
    space = document.find(f".//{EDM}Schema")
    container = document.find(f".//{EDM}EntityContainer")
    assert space is not None
    assert container is not None
    assert (space.get("Namespace"), container.get("Name")) == ("Microsoft.NAV", "NAV")
    types = {item.get("Name"): item for item in space.iter(f"{EDM}EntityType")}
    for name in ("customer", "salesOrder", "salesOrderLine", "itemVariant", "opportunity"):
        (key,) = types[name].iter(f"{EDM}PropertyRef")
        kinds = {item.get("Name"): item.get("Type") for item in types[name].iter(f"{EDM}Property")}
        assert (key.get("Name"), kinds["id"]) == ("id", "Edm.Guid")
    ways = {item.get("Name"): item for item in types["salesOrder"].iter(f"{EDM}NavigationProperty")}
    assert ways["salesOrderLines"].get("Type") == "Collection(Microsoft.NAV.salesOrderLine)"
    assert ways["salesOrderLines"].get("ContainsTarget") == "true"


@pytest.mark.parametrize("body", ["json", "empty", "html"])
def test_003_no_token_is_401_in_any_shape(bc: Wire, body: str) -> None:
    assert bc.sandbox is not None
    bc.sandbox.switches.bc_refused_body = body
    for path in ("companies", bc.in_company("customers"), "$metadata", ""):
        answer = bc.get(path, Authorization="")
        assert answer.status_code == 401
        kind = answer.headers.get("content-type", "")
        if body == "json":
            assert answer.json()["error"]["code"] == "Authentication_InvalidCredentials"
        elif body == "html":
            assert kind.startswith("text/html")
            assert answer.text.startswith("<html>")
        else:
            assert answer.content == b""


def test_005_application_disabled_or_without_permissions(bc: Wire) -> None:
    assert bc.sandbox is not None
    identity = bc.sandbox.identity
    for state, status, code in (
        ("disabled", 401, "Authentication_InvalidCredentials"),
        ("unpermitted", 403, "Authorization_PermissionDenied"),
    ):
        token = identity.issue(identity.register(Application(state, "s", bc=state)), BC_AUDIENCE)
        answer = bc.get("companies", Authorization=f"Bearer {token}")
        assert error_of(answer) == (status, code)
        written = bc("POST", bc.in_company("customers"), {"displayName": "A"}, Authorization=f"Bearer {token}")
        assert error_of(written) == (status, code)
    bc.sandbox.switches.bc_unpermitted_status = 401
    assert bc.get("companies", Authorization=f"Bearer {token}").status_code == 401
    enabled = identity.issue(identity.register(Application("enabled", "s")), BC_AUDIENCE)
    assert bc.get("companies", Authorization=f"Bearer {enabled}").status_code == 200


@pytest.mark.read_only
def test_006_companies(bc: Wire) -> None:
    found = bc.get("companies")
    assert found.status_code == 200
    assert found.json()["@odata.context"].endswith("/$metadata#companies")
    wanted = {"id", "name", "displayName", "systemVersion", "timestamp", "businessProfileId"}
    wanted |= {"systemCreatedAt", "systemModifiedAt"}
    for company in found.json()["value"]:
        assert wanted <= set(company)
        assert isinstance(company["timestamp"], int)
    assert bc.company in {company["id"] for company in found.json()["value"]}
    one = bc.get(f"companies({bc.company})")
    assert one.status_code == 200
    assert one.json()["id"] == bc.company


def test_006_a_second_company_is_empty_and_takes_rows(bc: Wire) -> None:
    other = others(bc)
    path = f"companies({other['id']})/customers"
    assert bc.get(path).json()["value"] == []
    before = int(bc.get(bc.in_company("customers/$count")).text)
    answer = bc("POST", path, {"displayName": "Elsewhere"})
    assert answer.status_code == 201
    assert (answer.json()["number"], answer.json()["currencyCode"]) == ("C00010", "EUR")
    assert [item["displayName"] for item in bc.get(path).json()["value"]] == ["Elsewhere"]
    assert int(bc.get(bc.in_company("customers/$count")).text) == before
    assert bc.get(bc.in_company(f"customers({answer.json()['id']})")).status_code == 404


def test_007_companies_cannot_be_written(bc: Wire) -> None:
    before = bc.get("companies").json()["value"]
    one = f"companies({bc.company})"
    for method, path, more in (
        ("POST", "companies", {}),
        ("PATCH", one, {"If_Match": "*"}),
        ("DELETE", one, {}),
    ):
        body = None if method == "DELETE" else {"displayName": "A"}
        assert error_of(bc(method, path, body, **more)) == (405, "BadRequest_MethodNotAllowed")
    assert bc.get("companies").json()["value"] == before


@pytest.mark.read_only
def test_008_context_of_a_set(bc: Wire) -> None:
    answer = bc.get(bc.in_company("customers?$top=1"))
    assert answer.status_code == 200
    assert answer.json()["@odata.context"] == f"{bc.root}/$metadata#companies({bc.company})/customers"
    one = bc.get(bc.in_company(f"customers({answer.json()['value'][0]['id']})"))
    assert one.json()["@odata.context"] == f"{bc.root}/$metadata#companies({bc.company})/customers/$entity"


@pytest.mark.read_only
def test_009_company_as_an_option(bc: Wire) -> None:
    by_path = bc.get(bc.in_company("customers?$top=20")).json()["value"]
    assert bc.get(f"customers?company={bc.company}&$top=20").json()["value"] == by_path
    assert by_path


def test_010_no_company_where_there_are_several(bc: Wire) -> None:
    assert bc.sandbox is not None
    assert error_of(bc.get("customers")) == (404, "Internal_CompanyNotFound")
    assert error_of(bc("POST", "customers", {"displayName": "A"})) == (404, "Internal_CompanyNotFound")
    bc.sandbox.switches.bc_default_company = bc.sandbox.company_name
    assert bc.get("customers?$top=2").json()["value"] == rows(bc, "customers?$top=2")


@pytest.mark.read_only
def test_011_unknown_company(bc: Wire) -> None:
    status, code = error_of(bc.get(f"companies({UNKNOWN})/customers"))
    assert status == 404
    assert code in ("Internal_CompanyNotFound", "Internal_RecordNotFound")


@pytest.mark.read_only
def test_012_unknown_segment(bc: Wire) -> None:
    for path in ("customer", "customer(1)", "customers/nosuch"):
        status, code = error_of(bc.get(bc.in_company(path)))
        assert status == 404
        assert code in ("BadRequest_ResourceNotFound", "BadRequest_NotFound")
    assert "'customer'" in message(bc.get(bc.in_company("customer")))


@pytest.mark.read_only
def test_013_unknown_row(bc: Wire) -> None:
    status, code = error_of(bc.get(bc.in_company(f"customers({UNKNOWN})")))
    assert status == 404
    assert code in ("Internal_RecordNotFound", "BadRequest_ResourceNotFound")


@pytest.mark.read_only
@pytest.mark.parametrize("key", ["not-a-guid", "'A'", "number='C00010'", "", "1,2"])
def test_014_key_that_is_no_guid(bc: Wire, key: str) -> None:
    status, code = error_of(bc.get(bc.in_company(f"customers({key})")))
    assert status == 400
    assert code in ("BadRequest_NotFound", "Application_InvalidGUID")


def test_015_api_service_switched_off(bc: Wire) -> None:
    assert bc.sandbox is not None
    switches = bc.sandbox.switches
    switches.bc_on_premises, switches.bc_api_enabled = True, False
    before = bc.sandbox.rows("bc", "customers")
    for method, path in (("GET", "companies"), ("GET", ""), ("POST", bc.in_company("customers"))):
        assert bc(method, path, {"displayName": "A"} if method == "POST" else None).status_code == 405
    assert bc.sandbox.rows("bc", "customers") == before
    switches.bc_on_premises = False
    assert bc.get("companies").status_code == 200, "online the service is always on"


def test_016_access_keys_sign_in_on_premises_only(bc: Wire) -> None:
    assert bc.sandbox is not None
    key = bc.sandbox.identity.access_keys["ADMIN"]
    signed = {"Authorization": "Basic " + b64encode(f"admin:{key}".encode()).decode()}
    assert bc.get("companies", **signed).status_code == 401
    bc.sandbox.switches.bc_on_premises = True
    assert bc.get("companies", **signed).status_code == 200
    wrong = b64encode(b"admin:wrong").decode()
    assert error_of(bc.get("companies", Authorization=f"Basic {wrong}"))[0] == 401
    assert bc.get("companies").status_code == 200, "a token still does"


def test_017_headers_of_every_json_answer(bc: Wire) -> None:
    kind = "application/json; odata.metadata=minimal; odata.streaming=true"
    customer = made(bc, "customers", displayName="A")
    one = bc.in_company(f"customers({customer['id']})")
    for answer in (
        bc.get(""),
        bc.get("companies"),
        bc.get(one),
        bc("POST", bc.in_company("customers"), {"displayName": "B"}),
        bc("PATCH", one, {"displayName": "C"}, If_Match="*"),
        bc.get(bc.in_company("nosuch")),
        bc("PATCH", one, {"displayName": "C"}),
    ):
        assert answer.headers["odata-version"] == "4.0"
        assert answer.headers["content-type"] == kind


def test_018_messages_end_with_the_correlation_id(bc: Wire) -> None:
    seen = set()
    for answer in (
        bc.get("companies", Authorization=""),
        bc.get(bc.in_company("customer")),
        bc.get(bc.in_company("customers?$filter=number eq 'A")),
        bc("POST", bc.in_company("customers"), {}),
        bc("POST", "companies", {}),
    ):
        match = re.search(r"  CorrelationId:  ([0-9a-f-]{36})\.$", message(answer))
        assert match is not None
        seen.add(match[1])
    assert len(seen) == 5


def test_001_every_known_set_answers(bc: Wire) -> None:
    """Not a line of its own: no set of the service document may fail to be read."""
    for name, table in schema("bc").sets.items():
        path = name if table.shared else bc.in_company(name)
        path += f"?$filter=documentId eq {UNKNOWN}" if "documentId" in table.columns else ""
        answer = bc.get(path)
        assert answer.status_code == 200, f"{name}: {answer.text}"
        assert None not in [value for found in answer.json()["value"] for value in found.values()], name
    assert bc.get(f"customers?company={quote(others(bc)['name'])}").json()["value"] == []
