"""Conformance H: Dataverse paging and counting, lines 135 to 149, the service's side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from d365kit.sandbox import Sandbox
from tests.conformance.conftest import Wire, error_of, wire_to
from tests.conformance.dataverse import ANY, created, guid, insert, row, rows

LINK = re.compile(
    r"\$skiptoken=%3Ccookie%20pagenumber=%22(\d+)%22%20pagingcookie=%22%253ccookie[^&]*%22%20istracking=%22False%22%20/%3E$"
)


@pytest.fixture(scope="module")
def large() -> Iterator[Wire]:
    """12,000 accounts and 50,001 contacts; nothing is written to them but row 11,999."""
    with Sandbox.create(customers=0, faults=(), dirt=0) as sandbox:
        have = sandbox.rows("dv", "accounts")
        values = ({"accountid": guid(place), "name": f"N{place % 100:03}"} for place in range(12_000 - have))
        insert(sandbox, "account", values)
        have = sandbox.rows("dv", "contacts")
        insert(sandbox, "contact", ({"contactid": guid(place), "lastname": "L"} for place in range(50_001 - have)))
        yield wire_to(sandbox, "dv")


def pages(dv: Wire, path: str, **headers: str) -> list[dict[str, Any]]:
    """All pages, with the headers sent on each."""
    found = [dv.get(path, **headers).json()]
    while "@odata.nextLink" in found[-1]:
        found.append(dv.get(found[-1]["@odata.nextLink"], **headers).json())
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [item["accountid"] for page in found for item in page["value"]]


def test_135_pages_of_5000_rows(large: Wire) -> None:
    found = pages(large, "accounts?$select=name")
    assert [len(page["value"]) for page in found] == [5000, 5000, 2000]
    assert len(set(ids(found))) == 12_000


@pytest.mark.parametrize("order", ["name", "name desc", "parentaccountid desc,name", "createdon", "creditlimit"])
def test_135_no_row_lost_whatever_the_order(large: Wire, order: str) -> None:
    column = order.replace("parentaccountid", "_parentaccountid_value")
    found = pages(large, f"accounts?$select=name&$orderby={column}")
    assert len(set(ids(found))) == 12_000
    if order.startswith("name"):
        names = [item["name"] for page in found for item in page["value"]]
        assert names == sorted(names, key=str.lower, reverse=order.endswith("desc"))


@pytest.mark.read_only
def test_136_smaller_pages(dv: Wire) -> None:
    answer = dv.get("accounts?$select=name", Prefer="odata.maxpagesize=10")
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=10"
    assert len(answer.json()["value"]) == 10
    assert "@odata.nextLink" in answer.json()


def test_137_page_size_has_a_ceiling(large: Wire) -> None:
    assert len(large.get("accounts?$select=name", Prefer="odata.maxpagesize=6000").json()["value"]) == 5000


@pytest.mark.read_only
def test_138_form_of_the_link(dv: Wire) -> None:
    query = "accounts?$select=name&$filter=statecode eq 0&$orderby=name"
    first, second, *_ = pages(dv, query, Prefer="odata.maxpagesize=10")
    for number, page in ((2, first), (3, second)):
        link = page["@odata.nextLink"]
        assert link.startswith(
            f"{dv.root}/accounts?$select=name&$filter=statecode%20eq%200&$orderby=name&$skiptoken="
        )
        match = LINK.search(link)
        assert match
        assert match.group(1) == str(number)
    inner = unquote(unquote(re.sub(r".*pagingcookie=%22(.*)%22%20istracking.*", r"\1", first["@odata.nextLink"])))
    assert inner.startswith("<cookie page=")
    assert f'<accountid last="{first["value"][-1]["accountid"]}"' in unquote(inner)


@pytest.mark.read_only
def test_139_link_without_the_header_gives_a_larger_page(dv: Wire) -> None:
    first = dv.get("accounts?$select=name", Prefer="odata.maxpagesize=10").json()
    rest = pages(dv, first["@odata.nextLink"])
    assert len(rest) == 1
    assert len(rest[0]["value"]) > 10
    assert sorted(ids([first, *rest])) == sorted(ids(pages(dv, "accounts?$select=accountid")))


@pytest.mark.read_only
def test_140_altered_link(dv: Wire) -> None:
    link = dv.get("accounts?$select=name", Prefer="odata.maxpagesize=10").json()["@odata.nextLink"]
    assert dv.get(link).status_code == 200
    start = link.index("%253ccookie") + len("%253ccookie")
    changed = 0
    for place in [*range(start, len(link) - 40, 7), link.index("pagenumber=%22") + 14]:
        if link[place].isalnum() and link[place - 1] != "%" and link[place - 2] != "%":
            other = "7" if link[place] != "7" else "8"
            answer = dv.get(link[:place] + other + link[place + 1 :])
            assert answer.status_code == 400, link[place - 5 : place + 5]
            changed += 1
    assert changed > 10
    assert error_of(dv.get(link.replace("$select=name", "$select=name,fax"))) == (400, "0x80040203")
    assert dv.get(link.replace("istracking=%22False", "istracking=%22True")).status_code == 400


@pytest.mark.read_only
def test_141_top(dv: Wire) -> None:
    body = dv.get("accounts?$select=name&$top=3").json()
    assert len(body["value"]) == 3
    assert "@odata.nextLink" not in body


@pytest.mark.read_only
def test_142_top_is_ignored_beside_a_page_size(dv: Wire) -> None:
    found = pages(dv, "accounts?$select=name&$top=3", Prefer="odata.maxpagesize=2")
    assert len(found[0]["value"]) == 2
    assert len(set(ids(found))) == len(ids(pages(dv, "accounts?$select=name"))) > 3


@pytest.mark.read_only
def test_143_skip(dv: Wire) -> None:
    answer = dv.get("accounts?$skip=10")
    assert error_of(answer) == (400, "0x80060888")
    assert answer.json()["error"]["message"] == "Skip Clause is not supported in CRM"
    for option in ("$search=a", "$format=json", "$Select=name"):
        assert error_of(dv.get(f"accounts?{option}"))[0] == 400


def test_144_count_stops_at_5000(large: Wire) -> None:
    assert large.get("accounts?$select=name&$count=true&$top=1").json()["@odata.count"] == 5000
    assert large.get("accounts?$count=true&$filter=name eq 'N007'&$top=1").json()["@odata.count"] == 120


def test_145_annotations_tell_of_the_limit(large: Wire) -> None:
    name = "@Microsoft.Dynamics.CRM.totalrecordcount"
    for query, expected in (
        ("&$count=true", (5000, True)),
        ("", (-1, False)),
        ("&$count=true&$filter=name eq 'N007'", (120, False)),
    ):
        body = large.get(f"accounts?$select=name&$top=1{query}", Prefer=ANY).json()
        assert (body[name], body[f"{name}limitexceeded"]) == expected


def test_146_bare_count(large: Wire) -> None:
    answer = large.get("accounts/$count")
    assert (answer.text, answer.headers["content-type"]) == ("5000", "text/plain")
    assert large.get("accounts/$count?$filter=name eq 'N007'").text == "120"


def test_147_total_record_count(large: Wire) -> None:
    for text in (
        "RetrieveTotalRecordCount(EntityNames=['account','contact'])",
        "RetrieveTotalRecordCount(EntityNames=@p)?@p=['account','contact']",
    ):
        body = large.get(text).json()
        assert body["@odata.context"].endswith("#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse")
        found = body["EntityRecordCountCollection"]
        assert dict(zip(found["Keys"], found["Values"], strict=True)) == {"account": 12_000, "contact": 50_001}
    assert large.get("RetrieveTotalRecordCount(EntityNames=['nosuch'])").status_code == 400


@pytest.mark.parametrize("place", [0, 9, 10])
def test_148_row_deleted_between_pages(dv: Wire, place: int) -> None:
    """Before the place, at it, or after it: only that row is missing."""
    every = ids(pages(dv, "accounts?$select=name"))
    first = dv.get("accounts?$select=name", Prefer="odata.maxpagesize=10").json()
    assert dv("DELETE", f"accounts({every[place]})").status_code in (204, 405)
    gone = {every[place]} if dv.get(f"accounts({every[place]})").status_code == 404 else set()
    rest = pages(dv, first["@odata.nextLink"], Prefer="odata.maxpagesize=10")
    later = ids(rest)
    assert len(later) == len(set(later))
    assert later == [key for key in every[10:] if key not in gone]


def test_148_row_added_between_pages(dv: Wire) -> None:
    first = dv.get("accounts?$select=name&$orderby=name", Prefer="odata.maxpagesize=10").json()
    late = created(dv, "accounts", {"name": "zzzz"})
    rest = pages(dv, first["@odata.nextLink"])
    assert late in ids(rest)
    assert not set(ids(rest)) & set(ids([first]))


def test_149_aggregates_have_a_limit(large: Wire) -> None:
    answer = large.get("contacts?$apply=aggregate($count as total)")
    assert error_of(answer) == (400, "0x8004E023")
    message = "AggregateQueryRecordLimit exceeded. Cannot perform this operation."
    assert answer.json()["error"]["message"] == message
    few = rows(large, "contacts?$apply=filter(contactid ne null and lastname ne 'L')/aggregate($count as total)")
    assert few[0]["total"] < 50_000
    assert rows(large, "accounts?$apply=aggregate($count as total)")[0]["total"] == 12_000


def test_149_the_same_limit_in_fetchxml(large: Wire) -> None:
    count = "<attribute name='{0}id' alias='n' aggregate='count'/>"
    fetch = "<fetch aggregate='true'><entity name='{0}'>" + count + "</entity></fetch>"
    assert error_of(large.get(f"contacts?fetchXml={fetch.format('contact')}")) == (400, "0x8004E023")
    assert rows(large, f"accounts?fetchXml={fetch.format('account')}") == [{"n": 12_000}]


def test_149_groups(dv: Wire) -> None:
    for name, revenue, state in (("G", 10, 0), ("G", 30, 0), ("H", 5, 1)):
        key = created(dv, "accounts", {"name": name, "revenue": revenue, "description": "grouped"})
        dv("PATCH", f"accounts({key})", {"statecode": state})
    query = (
        "filter(description eq 'grouped')/groupby((name,statecode),"
        "aggregate(revenue with sum as total,revenue with max as top,accountid with countdistinct as n))"
    )
    found = rows(dv, f"accounts?$apply={query}")
    assert [(item["name"], item["statecode"], item["total"], item["top"], item["n"]) for item in found] == [
        ("G", 0, 40, 30, 2),
        ("H", 1, 5, 5, 1),
    ]
    assert row(dv, f"accounts({key})")["statecode"] == 1
    assert dv.get("accounts?$apply=groupby((nosuch))").status_code == 400
    assert dv.get("accounts?$apply=aggregate(name with sum as x)").status_code == 400
