"""Conformance I: FetchXML and SQL of Dataverse, lines 172 and 173, the service's side."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

import pytest

from tests.conformance.conftest import Wire
from tests.conformance.dataverse import ANY, CRM, rows, start_family


@pytest.fixture
def family(dv: Wire) -> dict[str, str]:
    return start_family(dv)


def fetch(dv: Wire, entity: str, xml: str, **headers: str) -> Any:
    return dv.get(f"{entity}s?fetchXml={quote(xml)}", **headers)


def test_172_pages_of_a_fetch(dv: Wire) -> None:
    xml = (
        "<fetch count='{}' page='{}' {}><entity name='account'><attribute name='name'/>"
        "<order attribute='name'/></entity></fetch>"
    )
    every = [item["accountid"] for item in fetch(dv, "account", xml.format(5000, 1, "")).json()["value"]]
    found: list[str] = []
    cookie, page = "", 1
    while True:
        asked = f"paging-cookie='{cookie}'" if cookie else ""
        body = fetch(dv, "account", xml.format(7, page, asked), Prefer=ANY).json()
        found += [item["accountid"] for item in body["value"]]
        if not body[f"@{CRM}.morerecords"]:
            break
        text = body[f"@{CRM}.fetchxmlpagingcookie"].split('pagingcookie="')[1].split('"')[0]
        cookie, page = escape(unquote(unquote(text)), {"'": "&apos;", '"': "&quot;"}), page + 1
    assert found == every
    assert page > 2
    by_number = [fetch(dv, "account", xml.format(7, number, "")).json()["value"] for number in (1, 2)]
    assert [item["accountid"] for part in by_number for item in part] == every[:14]
    plain = fetch(dv, "account", xml.format(7, 1, "")).json()
    assert not [name for name in plain if "morerecords" in name or "pagingcookie" in name]


def test_172_filters_and_links(dv: Wire, family: dict[str, str]) -> None:
    inner = (
        "<fetch><entity name='contact'><attribute name='lastname'/><attribute name='parentcustomerid'/>"
        "<order attribute='lastname'/><filter><condition attribute='lastname' operator='in'><value>A</value>"
        "<value>C</value></condition></filter><link-entity name='account' from='accountid' to='parentcustomerid' "
        "alias='p'><attribute name='name'/><filter><condition attribute='name' operator='like' value='Fu%'/></filter>"
        "</link-entity></entity></fetch>"
    )
    found = fetch(dv, "contact", inner).json()["value"]
    assert [(item["lastname"], item["p.name"]) for item in found] == [("A", "Full"), ("C", "Full")]
    assert found[0]["_parentcustomerid_value"] == family["full"]
    outer = (
        "<fetch><entity name='account'><attribute name='name'/><filter type='or'><condition attribute='accountid' "
        f"operator='eq' value='{family['full']}'/><condition attribute='accountid' operator='eq' "
        f"value='{family['empty']}'/></filter><order attribute='name'/><link-entity name='contact' from='contactid' "
        "to='primarycontactid' link-type='outer' alias='c'><attribute name='lastname'/></link-entity>"
        "</entity></fetch>"
    )
    found = fetch(dv, "account", outer).json()["value"]
    assert [(item["name"], item["c.lastname"]) for item in found] == [("Empty", None), ("Full", "A")]
    alone = "<filter><condition entityname='c' attribute='contactid' operator='null'/></filter>"
    lonely = outer.replace("</link-entity>", f"</link-entity>{alone}")
    assert [item["name"] for item in fetch(dv, "account", lonely).json()["value"]] == ["Empty"]


def test_172_aggregate(dv: Wire, family: dict[str, str]) -> None:
    xml = (
        "<fetch aggregate='true'><entity name='contact'><attribute name='contactid' alias='n' aggregate='count'/>"
        "<attribute name='firstname' alias='f' groupby='true'/><filter><condition attribute='parentcustomerid' "
        f"operator='eq' value='{family['full']}'/></filter></entity></fetch>"
    )
    assert fetch(dv, "contact", xml).json()["value"] == [{"f": "F", "n": 3}]


@pytest.mark.parametrize(
    "xml",
    [
        "<fetch><entity name='contact'/></fetch>",
        "<fetch><entity name='account'><attribute name='nosuch'/></entity></fetch>",
        "<fetch><entity name='account'>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><fetch><entity name='account'/></fetch>",
        "<fetch><entity name='account'><filter><condition attribute='fax' operator='odd'/></filter></entity></fetch>",
    ],
)
def test_172_refused(dv: Wire, xml: str) -> None:
    assert fetch(dv, "account", xml).status_code == 400


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT name FROM account WHERE name = 'full'", ["Full"]),
        ("SELECT TOP 1 name, accountid FROM account WHERE name IN ('Full', 'Empty') ORDER BY name", ["Empty"]),
        ("select a.name from account as a where a.name like 'Fu%' and a.primarycontactid is not null", ["Full"]),
        ("SELECT name FROM account WHERE NOT (name <> 'Empty') OR numberofemployees > 99999999", ["Empty"]),
    ],
)
def test_173_sql(dv: Wire, family: dict[str, str], sql: str, expected: list[str]) -> None:
    found = rows(dv, f"accounts?sql={quote(sql)}")
    assert [item["name"] for item in found] == expected
    assert family["full" if expected == ["Full"] else "empty"] in [item["accountid"] for item in found]


@pytest.mark.parametrize("sql", ["DELETE FROM account", "SELECT nosuch FROM account", "SELECT name FROM contact", ""])
def test_173_sql_refused(dv: Wire, sql: str) -> None:
    before = len(rows(dv, "accounts?$select=name"))
    answer = dv.get(f"accounts?sql={quote(sql)}")
    assert answer.status_code == (400 if sql else 200)
    assert len(rows(dv, "accounts?$select=name")) == before
