"""Conformance G: Dataverse basics, lines 122 to 134, the service's side."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from d365kit.sandbox.identity import Application
from d365kit.services import run
from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import CRM, UNKNOWN, bind, created, row, rows


def user_named(dv: Wire, name: str) -> dict[str, Any]:
    return rows(dv, f"systemusers?$filter=fullname eq '{name}'")[0]


def as_user(dv: Wire, user: str) -> Wire:
    """The same service for an application that signs in as this user."""
    assert dv.sandbox
    application = Application(f"app-{user}", "secret", dv_user=user)
    origin = "/".join(dv.root.split("/")[:3])
    return Wire(dv.root, dv.sandbox.identity.issue(application, origin), sandbox=dv.sandbox)


@pytest.mark.read_only
@pytest.mark.parametrize("call", ["WhoAmI", "WhoAmI()"])
def test_122_who_am_i(dv: Wire, call: str) -> None:
    answer = dv.get(call)
    assert answer.status_code == 200
    body = answer.json()
    assert body["@odata.context"] == f"{dv.root}/$metadata#{CRM}.WhoAmIResponse"
    user = row(dv, f"systemusers({body['UserId']})?$select=_businessunitid_value,organizationid")
    assert (user["_businessunitid_value"], user["organizationid"]) == (body["BusinessUnitId"], body["OrganizationId"])
    assert int(answer.headers["x-ms-dop-hint"]) > 0


@pytest.mark.read_only
@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic YTpi"])
def test_123_no_token(dv: Wire, authorization: str) -> None:
    answer = dv.get("accounts", Authorization=authorization)
    assert (answer.status_code, answer.content) == (401, b"")
    challenge = answer.headers["WWW-Authenticate"]
    assert re.match(r"Bearer authorization_uri=\S+, resource_id=\S+$", challenge)


def test_124_user_without_role(dv: Wire) -> None:
    account = created(dv, "accounts", {"name": "A"})
    nobody = as_user(dv, user_named(dv, "Nora Feldkamp")["systemuserid"])
    attempts = {
        "prvReadAccount": nobody.get("accounts?$top=1"),
        "prvCreateAccount": nobody("POST", "accounts", {"name": "B"}),
        "prvWriteAccount": nobody("PATCH", f"accounts({account})", {"name": "B"}),
        "prvDeleteAccount": nobody("DELETE", f"accounts({account})"),
    }
    for privilege, answer in attempts.items():
        assert error_of(answer) == (403, "0x80040220")
        assert privilege in answer.json()["error"]["message"]
    assert row(dv, f"accounts({account})")["name"] == "A"
    assert rows(dv, "accounts?$filter=name eq 'B'") == []
    assert nobody.get("WhoAmI").status_code == 200


def test_124_a_role_given_is_a_role_held(dv: Wire) -> None:
    user = user_named(dv, "Nora Feldkamp")["systemuserid"]
    role = rows(dv, "roles?$filter=name eq 'Salesperson'")[0]["roleid"]
    nobody, link = as_user(dv, user), f"systemusers({user})/systemuserroles_association"
    assert dv("POST", f"{link}/$ref", {"@odata.id": f"{dv.root}/roles({role})"}).status_code == 204
    assert [item["name"] for item in rows(dv, f"{link}?$select=name")] == ["Salesperson"]
    assert nobody.get("accounts?$top=1").status_code == 200
    refused = nobody("POST", "uomschedules", {"name": "G", "baseuomname": "B"})
    assert "prvCreateUoMSchedule" in refused.json()["error"]["message"]
    assert dv("DELETE", f"{link}({role})/$ref").status_code == 204
    assert nobody.get("accounts?$top=1").status_code == 403


def test_124_a_teams_role_counts(dv: Wire) -> None:
    user, team = user_named(dv, "Tilo Gersdorf")["systemuserid"], rows(dv, "teams")[0]["teamid"]
    role = rows(dv, "roles?$filter=name eq 'Salesperson'")[0]["roleid"]
    dv("POST", f"teams({team})/teamroles_association/$ref", {"@odata.id": f"roles({role})"})
    member = as_user(dv, user)
    assert member.get("accounts?$top=1").status_code == 403
    dv("POST", f"teams({team})/teammembership_association/$ref", {"@odata.id": f"systemusers({user})"})
    assert member.get("accounts?$top=1").status_code == 200


@pytest.mark.parametrize("state", ["unknown", "disabled"])
def test_124_user_unknown_or_disabled(dv: Wire, state: str) -> None:
    user = UNKNOWN if state == "unknown" else user_named(dv, "Otto Weidner")["systemuserid"]
    answer = as_user(dv, user).get("WhoAmI")
    assert error_of(answer) == (401, "0x80040204" if state == "unknown" else "0x80040277")


@pytest.mark.read_only
@pytest.mark.parametrize("name", ["Accounts", "account", "nosuch"])
def test_125_unknown_segment(dv: Wire, name: str) -> None:
    answer = dv.get(name)
    assert error_of(answer) == (404, "0x8006088a")
    assert answer.json()["error"]["message"] == f"Resource not found for the segment '{name}'."


@pytest.mark.read_only
def test_126_headers_of_every_answer(dv: Wire) -> None:
    for path in ("WhoAmI", "accounts?$top=1", f"accounts({UNKNOWN})", "accounts?$select=Name", "nosuch"):
        answer = dv.get(path)
        assert answer.headers["OData-Version"] == "4.0"
        assert answer.headers["Content-Type"] == "application/json; odata.metadata=minimal"
        assert answer.headers["x-ms-service-request-id"]
        assert answer.headers["REQ_ID"]


@pytest.mark.read_only
def test_127_one_row(dv: Wire) -> None:
    key = rows(dv, "accounts?$top=1")[0]["accountid"]
    answer = dv.get(f"accounts({key})")
    body = answer.json()
    assert answer.status_code == 200
    assert body["@odata.context"].endswith("#accounts/$entity")
    assert re.match(r'W/"\d+"$', body["@odata.etag"])
    assert (body["accountid"], body["@odata.etag"]) == (key, f'W/"{body["versionnumber"]}"')
    assert answer.headers["ETag"] == body["@odata.etag"]


@pytest.mark.read_only
def test_128_selected_row(dv: Wire) -> None:
    key = rows(dv, "accounts?$top=1")[0]["accountid"]
    body = row(dv, f"accounts({key})?$select=name")
    assert body["@odata.context"].endswith("#accounts(name)/$entity")
    assert set(body) == {"@odata.context", "@odata.etag", "name", "accountid"}


@pytest.mark.read_only
def test_129_missing_row(dv: Wire) -> None:
    answer = dv.get(f"accounts({UNKNOWN})")
    assert error_of(answer) == (404, "0x80040217")
    assert answer.json()["error"]["message"] == f"account With Id = {UNKNOWN} Does Not Exist"


@pytest.mark.read_only
def test_130_unknown_property(dv: Wire) -> None:
    answer = dv.get("accounts?$select=Name")
    assert error_of(answer) == (400, "0x0")
    text = "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'."
    assert answer.json()["error"]["message"] == text


@pytest.mark.read_only
@pytest.mark.parametrize("name", ["WhoAmI", "RetrieveTotalRecordCount(EntityNames=['account'])"])
def test_131_post_on_a_function(dv: Wire, name: str) -> None:
    answer = dv("POST", name, {})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("No HTTP resource was found that matches the request URI")
    assert dv.get("BulkDelete").status_code == 404


@pytest.mark.read_only
@pytest.mark.parametrize("joined", [True, False])
def test_132_prefer_joined_or_repeated_names_in_any_case(dv: Wire, joined: bool) -> None:
    wanted = ["odata.maxpagesize=2", 'odata.include-annotations="*"']
    prefers = [", ".join(wanted)] if joined else wanted
    headers = [("AUTHORIZATION", f"Bearer {dv.token}"), *(("pReFeR", value) for value in prefers)]

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(dv.sandbox.app) if dv.sandbox else None
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get(f"{dv.root}/accounts?$select=statecode", headers=headers)

    answer = run(send())
    body = answer.json()
    assert len(body["value"]) == 2
    assert "statecode@OData.Community.Display.V1.FormattedValue" in body["value"][0]
    assert set(answer.headers["Preference-Applied"].split(",")) == set(wanted)


@pytest.mark.read_only
@pytest.mark.parametrize(
    "query",
    [
        "$select=name&$filter=name eq 'Nobody' or statecode eq 0&$top=1",
        "%24select=name&%24filter=name+eq+%27Nobody%27+or+statecode+eq+0&%24top=1",
        "%24select=name&%24filter=name%20eq%20'Nobody'%20or%20statecode%20eq%200&%24top=1",
    ],
)
def test_133_encodings_of_the_sdks(dv: Wire, query: str) -> None:
    assert len(rows(dv, f"accounts?{query}")) == 1


def test_134_on_behalf_of_another_user(dv: Wire) -> None:
    me = dv.get("WhoAmI").json()["UserId"]
    other = user_named(dv, "Annika Hartwig")
    for headers in (
        {"CallerObjectId": other["azureactivedirectoryobjectid"]},
        {"MSCRMCallerID": other["systemuserid"]},
    ):
        answer = dv("POST", "accounts", {"name": "A"}, **headers)
        made = row(dv, answer.headers["OData-EntityId"])
        assert (made["_createdby_value"], made["_createdonbehalfby_value"]) == (other["systemuserid"], me)
        assert (made["_ownerid_value"], made["_modifiedonbehalfby_value"]) == (other["systemuserid"], me)
    dv("PATCH", f"accounts({made['accountid']})", {"name": "B"})
    after = row(dv, f"accounts({made['accountid']})")
    assert (after["_modifiedby_value"], after["_modifiedonbehalfby_value"]) == (me, None)
    assert dv.get("WhoAmI", CallerObjectId=other["azureactivedirectoryobjectid"]).json()["UserId"] != me


def test_134_not_without_the_privilege(dv: Wire) -> None:
    other, third = user_named(dv, "Annika Hartwig"), user_named(dv, "Bruno Kessler")
    seller = as_user(dv, other["systemuserid"])
    answer = seller("POST", "accounts", {"name": "Behalf"}, CallerObjectId=third["azureactivedirectoryobjectid"])
    assert error_of(answer) == (403, "0x80040220")
    assert "prvActOnBehalfOfAnotherUser" in answer.json()["error"]["message"]
    assert rows(dv, "accounts?$filter=name eq 'Behalf'") == []
    assert dv.get("accounts", MSCRMCallerID=UNKNOWN).status_code == 403
    poor = user_named(dv, "Nora Feldkamp")["azureactivedirectoryobjectid"]
    assert error_of(dv.get("accounts", CallerObjectId=poor)) == (403, "0x80040220")


def test_errors_carry_annotations_when_asked(dv: Wire) -> None:
    error = dv.get(f"accounts({UNKNOWN})", Prefer='odata.include-annotations="*"').json()["error"]
    assert error["@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus"] == "0"
    assert set(dv.get(f"accounts({UNKNOWN})").json()["error"]) == {"code", "message"}
    assert dv("PATCH", f"accounts({UNKNOWN})", bind(primarycontactid="x"), If_Match="*").status_code == 404
