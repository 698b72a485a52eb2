"""Conformance B: pages, counts and selections of Business Central (lines 19 to 31, 54, 56)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from d365kit.sandbox import Sandbox
from tests.conformance.business_central import fill, first, made, rows
from tests.conformance.conftest import Wire, error_of, wire_to

EVERYTHING = 25_000


@pytest.fixture(scope="module")
def large() -> Iterator[Wire]:
    """A company with 25,000 customers nobody writes to."""
    with Sandbox.create(customers=0, faults=(), dirt=0) as sandbox:
        present = sandbox.rows("bc", "customers")
        fill(sandbox, "customers", EVERYTHING - present, currencyCode="EUR")
        yield wire_to(sandbox, "bc")


def pages(bc: Wire, path: str, **headers: str) -> list[dict[str, Any]]:
    """All pages, following nextLinks as they are."""
    found, url = [], path
    while url:
        answer = bc.get(url, **headers)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        url = found[-1].get("@odata.nextLink", "")
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["value"]]


def test_019_pages_of_20000_rows(large: Wire) -> None:
    found = pages(large, large.in_company("customers?$select=id"))
    assert [len(page["value"]) for page in found] == [20_000, 5_000]
    assert len({key for page in found for key in ids(page)}) == EVERYTHING
    assert "@odata.nextLink" not in found[1]


def test_020_pages_of_the_size_asked_for(large: Wire) -> None:
    found = pages(large, large.in_company("customers?$select=id"), Prefer="odata.maxpagesize=1000")
    assert [len(page["value"]) for page in found] == [1000] * 25
    assert len({key for page in found for key in ids(page)}) == EVERYTHING


def test_021_too_large_a_page_is_clamped(large: Wire) -> None:
    answer = large.get(large.in_company("customers?$select=id"), Prefer="odata.maxpagesize=50000")
    assert answer.status_code == 200
    assert len(answer.json()["value"]) == 20_000
    assert "@odata.nextLink" in answer.json()


def test_022_next_link_keeps_the_options(large: Wire) -> None:
    path = "customers?$select=id,number&$filter=number gt 'N000100'&$orderby=number desc"
    answer = large.get(large.in_company(path), Prefer="odata.maxpagesize=10").json()
    link = answer["@odata.nextLink"]
    assert link.startswith(f"{large.root}/companies({large.company})/customers?")
    options = parse_qs(urlsplit(link).query)
    assert options["aid"] == ["FIN"]
    assert options["$select"] == ["id,number"]
    assert options["$filter"] == ["number gt 'N000100'"]
    assert options["$orderby"] == ["number desc"]
    token = options["$skiptoken"][0]
    following = large.get(link, Prefer="odata.maxpagesize=10").json()["value"]
    numbers = [int(row["number"][1:]) for row in [*answer["value"], *following]]
    assert numbers == list(range(numbers[0], numbers[0] - 20, -1))
    changed = link.replace(token[:6], "AAAAAA")
    assert error_of(large.get(changed)) == (400, "BadRequest")
    plain = large.get(large.in_company("customers?$select=id"), Prefer="odata.maxpagesize=10").json()
    key = parse_qs(urlsplit(plain["@odata.nextLink"]).query)["$skiptoken"][0]
    assert key == plain["value"][-1]["id"]
    assert error_of(large.get(plain["@odata.nextLink"].replace(key, key[:-1]))) == (400, "BadRequest")


def test_023_next_link_through_a_gateway(bc: Wire) -> None:
    assert bc.sandbox is not None
    bc.sandbox.switches.bc_gateway_links = True
    found = pages(bc, bc.in_company("customers?$select=id"), Prefer="odata.maxpagesize=6")
    link = found[0]["@odata.nextLink"]
    assert not link.startswith(bc.root)
    assert link.lower().startswith(bc.root.lower())
    assert parse_qs(urlsplit(link).query)["tenant"] == ["sandbox-tenant"]
    assert link.count("tenant=") == found[2]["@odata.nextLink"].count("tenant=") == 1
    assert sum(len(page["value"]) for page in found) == bc.sandbox.rows("bc", "customers")


@pytest.mark.read_only
def test_024_top_is_a_cap(bc: Wire) -> None:
    answer = bc.get(bc.in_company("customers?$top=5")).json()
    assert len(answer["value"]) == 5
    assert "@odata.nextLink" not in answer


def test_025_top_beyond_a_page(large: Wire) -> None:
    found = pages(large, large.in_company("customers?$select=id&$top=24000"))
    assert [len(page["value"]) for page in found] == [20_000, 4_000]
    assert parse_qs(urlsplit(found[0]["@odata.nextLink"]).query)["$top"] == ["4000"]
    first_page = large.get(large.in_company("customers?$select=id&$top=30000")).json()
    assert len(first_page["value"]) == 20_000
    assert parse_qs(urlsplit(first_page["@odata.nextLink"]).query)["$top"] == ["10000"]


@pytest.mark.read_only
def test_026_skip_and_top(bc: Wire) -> None:
    everyone = [row["number"] for row in rows(bc, "customers?$select=number&$orderby=number")]
    assert everyone == sorted(everyone)
    part = rows(bc, "customers?$select=number&$orderby=number&$skip=10&$top=5")
    assert [row["number"] for row in part] == everyone[10:15]
    found = pages(bc, bc.in_company("customers?$orderby=number&$skip=7"), Prefer="odata.maxpagesize=20")
    assert [row["number"] for page in found for row in page["value"]] == everyone[7:]


@pytest.mark.read_only
def test_027_count_is_that_of_the_filter(bc: Wire) -> None:
    everyone = rows(bc, "customers?$select=country")
    one = everyone[0]["country"]
    answer = bc.get(bc.in_company(f"customers?$count=true&$top=1&$filter=country eq '{one}'")).json()
    assert answer["@odata.count"] == sum(row["country"] == one for row in everyone)
    assert len(answer["value"]) == 1
    assert bc.get(bc.in_company("customers?$count=true&$top=1")).json()["@odata.count"] == len(everyone)


@pytest.mark.read_only
def test_028_bare_count(bc: Wire) -> None:
    answer = bc.get(bc.in_company("customers/$count"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert int(answer.text) == len(rows(bc, "customers"))
    assert bc.get(bc.in_company("customers/$count?$filter=number eq 'NOBODY'")).text == "0"


@pytest.mark.read_only
def test_029_select_narrows(bc: Wire) -> None:
    for row in rows(bc, "customers?$select=id,number"):
        assert set(row) == {"@odata.etag", "id", "number"}
    one = bc.get(bc.in_company(f"customers({first(bc, 'customers')['id']})?$select=city")).json()
    assert set(one) == {"@odata.context", "@odata.etag", "city"}


@pytest.mark.read_only
def test_030_unknown_property(bc: Wire) -> None:
    for option in ("$select=nosuch", "$select=id,nosuch", "$orderby=nosuch", "$filter=nosuch eq 1"):
        status, code = error_of(bc.get(bc.in_company(f"customers?{option}")))
        assert status == 400
        assert code.startswith("BadRequest")


@pytest.mark.read_only
def test_031_case_of_properties_does_not_count(bc: Wire) -> None:
    plain = rows(bc, "customers?$select=id,number&$orderby=number&$top=3")
    loud = rows(bc, "customers?$select=ID,NUMBER&$orderby=NUMBER&$top=3")
    assert loud == plain
    assert set(loud[0]) == {"@odata.etag", "id", "number"}


def test_054_rows_that_come_and_go_between_pages(bc: Wire) -> None:
    path = bc.in_company("customers?$select=id&$orderby=number")
    everyone = ids(bc.get(path).json())
    page = bc.get(path, Prefer="odata.maxpagesize=8").json()
    for gone in (everyone[7], everyone[9]):
        assert bc("DELETE", bc.in_company(f"customers({gone})")).status_code == 204
    new = made(bc, "customers", displayName="New", number="ZZZ")
    rest: list[str] = []
    while "@odata.nextLink" in page:
        page = bc.get(page["@odata.nextLink"], Prefer="odata.maxpagesize=8").json()
        rest += ids(page)
    assert rest == [key for key in everyone[8:] if key != everyone[9]] + [new["id"]]


@pytest.mark.read_only
def test_056_no_delta_links(bc: Wire) -> None:
    answer = bc.get(bc.in_company("customers?$select=id"), Prefer="odata.track-changes")
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers
    assert [name for name in answer.json() if "delta" in name.lower()] == []


def test_022_token_of_an_order_is_opaque_and_exact(large: Wire) -> None:
    path = large.in_company("customers?$select=id&$orderby=displayName,number desc")
    answer: httpx.Response = large.get(path, Prefer="odata.maxpagesize=3")
    token = parse_qs(urlsplit(answer.json()["@odata.nextLink"]).query)["$skiptoken"][0]
    assert answer.json()["value"][-1]["id"] in base64.urlsafe_b64decode(token).decode()
