"""Conformance I: Dataverse filters and order, lines 150 to 162, the service's side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import CRM, bind, change_set, created, part, rows
from tests.conformance.dataverse import batch as send_batch

MINE = "description eq 'mine'"


@pytest.fixture
def firm(dv: Wire) -> Wire:
    """Four accounts of the test, three with contacts, one below another."""
    body = [
        {"name": "Contoso", "accountnumber": "A1", "revenue": 100, "creditlimit": 50, "numberofemployees": 5},
        {"name": "O'Brien", "accountnumber": "A2", "revenue": 10, "creditlimit": 50, "numberofemployees": 50},
        {"name": "100% Wool", "accountnumber": "A3", "customertypecode": 3},
        {"name": "under_score", "accountnumber": "B1", "customertypecode": 11},
    ]
    keys = [created(dv, "accounts", item | {"description": "mine"}) for item in body]
    contacts = [
        created(dv, "contacts", {"lastname": last} | bind(parentcustomerid_account=f"accounts({keys[place]})"))
        for place, last in ((0, "Xavier"), (0, "Young"), (1, "Xavier"))
    ]
    dv("PATCH", f"accounts({keys[0]})", bind(primarycontactid=f"contacts({contacts[0]})"))
    dv("PATCH", f"accounts({keys[1]})", bind(parentaccountid=f"accounts({keys[0]})"))
    dv("PATCH", f"accounts({keys[2]})", bind(parentaccountid=f"accounts({keys[1]})"))
    return dv


def names(dv: Wire, text: str, more: str = "") -> list[str]:
    query = f"accounts?$select=name&$filter={MINE} and ({text})&$orderby=accountnumber{more}"
    return [item["name"] for item in rows(dv, query)]


def key_of(dv: Wire, number: str) -> str:
    return str(rows(dv, f"accounts?$filter=accountnumber eq '{number}' and {MINE}")[0]["accountid"])


@pytest.mark.parametrize("text", ["name eq 'contoso'", "name eq 'CONTOSO'", "contains(name,'TOSO')"])
def test_150_case_does_not_count(firm: Wire, text: str) -> None:
    assert names(firm, text) == ["Contoso"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contains(name,'%25')", ["Contoso", "O'Brien", "100% Wool", "under_score"]),
        ("startswith(name,'C_nt')", ["Contoso"]),
        ("contains(name,'[%25]')", ["100% Wool"]),
        ("contains(name,'r[_]s')", ["under_score"]),
        ("endswith(name,'o_o')", ["Contoso"]),
    ],
)
def test_151_wildcards(firm: Wire, text: str, expected: list[str]) -> None:
    assert names(firm, text) == expected


def test_152_quotes(firm: Wire) -> None:
    assert names(firm, "name eq 'O''Brien'") == ["O'Brien"]
    answer = firm.get("accounts?$filter=name eq 'O'Brien'")
    assert answer.status_code == 400
    assert "unterminated string literal" in answer.json()["error"]["message"]


def test_153_lookup_by_its_id(firm: Wire) -> None:
    contact = rows(firm, f"accounts?$filter={MINE} and _primarycontactid_value ne null")[0]["_primarycontactid_value"]
    assert names(firm, f"_primarycontactid_value eq {contact}") == ["Contoso"]
    assert names(firm, f"primarycontactid/contactid eq {contact}") == ["Contoso"]
    assert firm.get(f"accounts?$filter=_primarycontactid_value eq '{contact}'").status_code == 400


def test_154_path_through_a_navigation(firm: Wire) -> None:
    assert names(firm, "primarycontactid/fullname eq 'Xavier'") == ["Contoso"]
    assert names(firm, "parentaccountid/primarycontactid/lastname eq 'Xavier'") == ["O'Brien"]
    assert names(firm, "owninguser/fullname ne null and parentaccountid/name eq 'o''brien'") == ["100% Wool"]
    assert error_of(firm.get("accounts?$filter=primarycontactid/nosuch eq 'X'")) == (400, "0x0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contact_customer_accounts/any(c:c/lastname eq 'Xavier')", ["Contoso", "O'Brien"]),
        ("contact_customer_accounts/any(c:c/lastname eq 'Young' and c/statecode eq 0)", ["Contoso"]),
        ("contact_customer_accounts/any()", ["Contoso", "O'Brien"]),
        ("not contact_customer_accounts/any()", ["100% Wool", "under_score"]),
        ("contact_customer_accounts/all(c:c/lastname eq 'Xavier')", ["O'Brien", "100% Wool", "under_score"]),
        ("account_parent_account/any(a:a/account_parent_account/any(b:b/name eq '100% Wool'))", ["Contoso"]),
        ("account_parent_account/any(a:a/parentaccountid/name eq 'Contoso')", ["Contoso"]),
    ],
)
def test_155_any_and_all(firm: Wire, text: str, expected: list[str]) -> None:
    assert names(firm, text.replace("%", "%25")) == expected


def test_155_many_to_many(firm: Wire) -> None:
    text = "systemuserroles_association/any(r:r/name eq 'System Administrator')"
    found = {item["fullname"] for item in rows(firm, f"systemusers?$select=fullname&$filter={text}")}
    assert found == {"Business Central Integration", "# d365kit"}
    assert firm.get("accounts?$filter=nosuch/any(c:c/name eq 'X')").status_code == 400


def test_156_times_and_states(firm: Wire) -> None:
    assert names(firm, "createdon ge 2024-01-01T00:00:00Z and statecode eq 0")[0] == "Contoso"
    assert names(firm, "createdon lt 2024-01-01T00:00:00Z") == []
    assert names(firm, "statecode eq 1") == []


def test_157_two_columns_of_a_row(firm: Wire) -> None:
    assert names(firm, "revenue gt creditlimit") == ["Contoso"]
    assert names(firm, "creditlimit ge revenue") == ["O'Brien"]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('In(PropertyName=\'accountnumber\',PropertyValues=["A1","A2"])', ["Contoso", "O'Brien"]),
        ('NotIn(PropertyName=\'accountnumber\',PropertyValues=["A1","A2"])', ["100% Wool", "under_score"]),
        ("In(PropertyName='customertypecode',PropertyValues=['3'])", ["100% Wool"]),
        ('ContainValues(PropertyName=\'customertypecode\',PropertyValues=["3","11"])', ["100% Wool", "under_score"]),
        ('Between(PropertyName=\'numberofemployees\',PropertyValues=["5","10"])', ["Contoso"]),
        ('NotBetween(PropertyName=\'revenue\',PropertyValues=["50","200"])', ["O'Brien", "100% Wool", "under_score"]),
        ("EqualUserId(PropertyName='ownerid')", ["Contoso", "O'Brien", "100% Wool", "under_score"]),
        ("NotEqualUserId(PropertyName='createdby')", []),
        ("EqualBusinessId(PropertyName='owningbusinessunit')", ["Contoso", "O'Brien", "100% Wool", "under_score"]),
    ],
)
def test_158_query_functions(firm: Wire, call: str, expected: list[str]) -> None:
    call = call.replace("'ownerid'", "'_ownerid_value'").replace("'createdby'", "'_createdby_value'")
    call = call.replace("'owningbusinessunit'", "'_owningbusinessunit_value'")
    call = call.replace("['3']", '["3"]')
    assert names(firm, f"{CRM}.{call}") == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("Under(PropertyName='accountid',PropertyValue='{}')", ["O'Brien", "100% Wool"]),
        ("UnderOrEqual(PropertyName='accountid',PropertyValue='{}')", ["Contoso", "O'Brien", "100% Wool"]),
        ("NotUnder(PropertyName='accountid',PropertyValue='{}')", ["Contoso", "under_score"]),
        ("Above(PropertyName='accountid',PropertyValue='{}')", []),
    ],
)
def test_158_hierarchy(firm: Wire, call: str, expected: list[str]) -> None:
    assert names(firm, f"{CRM}.{call.format(key_of(firm, 'A1'))}") == expected
    above = f"{CRM}.Above(PropertyName='accountid',PropertyValue='{key_of(firm, 'A3')}')"
    assert names(firm, above) == ["Contoso", "O'Brien"]


def test_158_functions_of_time(firm: Wire) -> None:
    now = datetime.now(UTC)
    days: dict[int, Any] = {back: (now - timedelta(days=back)).strftime("%Y-%m-%dT%H:%M:%SZ") for back in (0, 3, 40)}
    for back, moment in days.items():
        created(firm, "accounts", {"name": f"-{back}", "description": "old", "overriddencreatedon": moment})

    def found(call: str) -> set[str]:
        query = f"accounts?$select=name&$filter=description eq 'old' and {CRM}.{call}"
        return {item["name"] for item in rows(firm, query)}

    assert found("LastXDays(PropertyName='createdon',PropertyValue=7)") == {"-0", "-3"}
    assert found("OlderThanXDays(PropertyName='createdon',PropertyValue=7)") == {"-40"}
    assert found("Today(PropertyName='createdon')") == {"-0"}
    assert found(f"On(PropertyName='createdon',PropertyValue='{days[3][:10]}')") == {"-3"}
    assert found(f"OnOrAfter(PropertyName='createdon',PropertyValue='{days[3][:10]}')") == {"-0", "-3"}
    assert found(f"OnOrBefore(PropertyName='createdon',PropertyValue='{days[3][:10]}')") == {"-3", "-40"}
    assert found("ThisYear(PropertyName='createdon')") >= {"-0"}
    assert found("NextXDays(PropertyName='createdon',PropertyValue=7)") <= {"-0"}
    refused = firm.get(f"accounts?$filter={CRM}.Nonsense(PropertyName='createdon')")
    assert error_of(refused) == (400, "0x80060888")


def test_159_parameter_aliases(firm: Wire) -> None:
    assert names(firm, "accountnumber eq @a", "&@a='A1'") == ["Contoso"]
    assert names(firm, "accountnumber eq @a") == [], "an alias nobody set is null"
    ordered = rows(firm, f"accounts?$select=name&$filter={MINE}&$orderby=@o desc&@o=accountnumber")
    assert [item["name"] for item in ordered] == ["under_score", "100% Wool", "O'Brien", "Contoso"]


@pytest.mark.parametrize("text", ["revenue add 1 gt 2", "revenue mul 2 gt 2", "accountnumber in ('A1','A2')"])
def test_160_no_arithmetic(firm: Wire, text: str) -> None:
    assert error_of(firm.get(f"accounts?$filter={text}")) == (400, "0x80060888")


def test_161_long_addresses(firm: Wire) -> None:
    text = " or ".join(f"accountnumber eq 'A{number:05}'" for number in range(1_000))
    long = f"accounts?$select=name&$filter=accountnumber eq 'A1' or {text}".replace(" ", "%20")
    assert 33_000 < len(long) < 60_000
    answer = firm.get(long)
    assert (answer.status_code, answer.json()["error"]["message"]) == (414, "The request URI is too long.")
    inside = send_batch(firm, part(f"GET {long}"))
    assert inside.status_code == 200
    assert b'"name":"Contoso"' in inside.content
    assert send_batch(firm, part(f"GET {long}&x={'y' * 66_000}")).status_code == 414
    assert change_set(b"")


def test_162_choices_sort_by_their_number(firm: Wire) -> None:
    url = f"accounts?$select=customertypecode&$filter={MINE} and customertypecode ne null"
    found = [item["customertypecode"] for item in rows(firm, f"{url}&$orderby=customertypecode desc,name")]
    assert found == [11, 3]
    key = key_of(firm, "A1")
    firm("PATCH", f"accounts({key})", {"statecode": 1})
    everyone = rows(firm, f"accounts?$select=name&$filter={MINE}&$orderby=statuscode desc,name")
    assert [item["name"] for item in everyone] == ["Contoso", "100% Wool", "O'Brien", "under_score"]
