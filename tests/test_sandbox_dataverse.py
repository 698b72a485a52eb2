"""The Dataverse sandbox answers whatever it is sent: nonsense is refused with a code, never with a crash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.schema import schema
from tests.conformance.conftest import Wire, wire_to

CRM = "Microsoft.Dynamics.CRM"


@pytest.fixture(scope="module")
def dv() -> Iterator[Wire]:
    with Sandbox.create(customers=5, faults=(), dirt=0) as sandbox:
        yield wire_to(sandbox, "dv")


@pytest.mark.parametrize(
    "query",
    [
        "$filter=statecode eq 99999999999999999999999",
        "$filter=substring() eq 'a'",
        "$filter=name eq",
        "$filter='a' eq 'b'",
        "$filter=primarycontactid/x/y eq null",
        "$filter=contact_customer_accounts/any(c:)",
        f"$filter={CRM}.In(",
        f"$filter={CRM}.In(PropertyName='statecode',PropertyValues=[\"x\"])",
        f"$filter={CRM}.NextXDays(PropertyName='createdon',PropertyValue=99999999999)",
        f"$filter={CRM}.LastXDays(PropertyName='createdon')",
        f"$filter={CRM}.On(PropertyName='createdon',PropertyValue='x')",
        f"$filter={CRM}.On(PropertyName='name',PropertyValue='2026-01-01')",
        f"$filter={CRM}.Under(PropertyName='name',PropertyValue='x')",
        "$filter=" + "(" * 3000 + "name eq 'a'" + ")" * 3000,
        "$orderby=primarycontactid/fullname",
        "$top=-1",
        "$select=,",
        "$expand=primarycontactid(",
        "$apply=groupby(name)",
        "$apply=aggregate(revenue with sum as a b)",
        "$skiptoken=x",
        "$deltatoken=1!99/99/9999 99:99:99",
        "sql=SELECT TOP x name FROM account",
        "sql=SELECT name FROM account WHERE createdon > 'x'",
        "sql=SELECT count(*) FROM account",
        "fetchXml=<fetch count='2' page='2' paging-cookie='x'><entity name='account'/></fetch>",
        "fetchXml=<fetch page='x'><entity name='account'/></fetch>",
        "fetchXml=<fetch><entity name='account'><link-entity name='contact' from='x' to='y'/></entity></fetch>",
    ],
)
def test_queries_refused(dv: Wire, query: str) -> None:
    answer = dv.get(f"accounts?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_keyword_may_be_an_alias(dv: Wire) -> None:
    link = "<link-entity name='contact' from='contactid' to='primarycontactid' alias='select'>"
    xml = f"<fetch><entity name='account'>{link}<attribute name='fullname'/></link-entity></entity></fetch>"
    assert dv.get(f"accounts?fetchXml={xml}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        {"name": 5},
        b'{"name":"\\ud800"}',
        {"numberofemployees": 1.5},
        {"revenue": "5"},
        {"donotfax": "x"},
        {"overriddencreatedon": "x"},
        {"accountid": "x"},
        {"ownerid@odata.bind": None},
        {"ownerid@odata.bind": 5},
        {"primarycontactid": {"nosuch": 1}},
        {"contact_customer_accounts": [1]},
        {"contact_customer_accounts@odata.bind": [5]},
    ],
)
def test_bodies_refused(dv: Wire, body: Any) -> None:
    before = dv.get("accounts/$count").text
    assert dv("POST", "accounts", body).status_code == 400
    assert dv.get("accounts/$count").text == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("BulkDelete", {"QuerySet": [{"EntityName": "account", "Criteria": 5}]}),
        ("FulfillSalesOrder", {"OrderClose": 5}),
        ("LockSalesOrderPricing", {"SalesOrderId": 5}),
        (f"accounts/{CRM}.CreateMultiple", {"Targets": 5}),
        ("EntityDefinitions(LogicalName='account')/Keys", {"SchemaName": 5, "KeyAttributes": 5}),
    ],
)
def test_actions_refused(dv: Wire, path: str, body: Any) -> None:
    assert dv("POST", path, body).status_code == 400


def test_state_cannot_be_emptied(dv: Wire) -> None:
    key = dv.get("accounts?$top=1&$select=accountid").json()["value"][0]["accountid"]
    assert dv("PATCH", f"accounts({key})", {"statecode": None}).status_code == 400


def test_no_name_stands_for_two_things() -> None:
    """Columns, lookups and collections of a table have names of their own."""
    dataverse = schema("dv")
    for table in dataverse.sets.values():
        lookups = {relation.navigation for column in table.lookups() for relation in column.targets}
        incoming = [relation.collection for _, _, relation in dataverse.incoming(table.entity) if relation.collection]
        assert len(incoming) == len(set(incoming)), table.entity
        assert not (set(incoming) & lookups) | (set(table.columns) & lookups) | (set(table.columns) & set(incoming))
