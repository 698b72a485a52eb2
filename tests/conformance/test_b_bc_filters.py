"""Conformance B: filters and orders of Business Central, and their gaps (lines 32 to 43)."""

from __future__ import annotations

import pytest

from tests.conformance.business_central import first, made, message, rows
from tests.conformance.conftest import Wire, error_of

MODERN = "&$schemaversion=2.1"


def numbers(bc: Wire, text: str, more: str = "") -> list[str]:
    """The numbers of the customers a filter finds."""
    return sorted(row["number"] for row in rows(bc, f"customers?$select=number&$filter={text}{more}"))


def two(bc: Wire) -> list[str]:
    return [row["number"] for row in rows(bc, "customers?$select=number&$top=2&$orderby=number")]


@pytest.mark.read_only
def test_032_or_over_one_field(bc: Wire) -> None:
    one, other = two(bc)
    assert numbers(bc, f"number eq '{one}' or number eq '{other}'") == [one, other]
    everyone = rows(bc, "customers?$select=creditLimit")
    found = numbers(bc, "(creditLimit lt 100 or creditLimit ge 100) and not (number eq 'X')")
    assert len(found) == len(everyone)


@pytest.mark.read_only
def test_033_or_over_two_fields(bc: Wire) -> None:
    one = two(bc)[0]
    answer = bc.get(bc.in_company(f"customers?$filter=number eq '{one}' or displayName eq 'X'"))
    assert error_of(answer) == (501, "BadRequest_MethodNotImplemented")
    assert "'OR' operator is not supported on distinct fields" in message(answer)


@pytest.mark.read_only
def test_034_in_needs_the_newer_schema(bc: Wire) -> None:
    one, other = two(bc)
    text = f"number in ('{one}','{other}')"
    assert error_of(bc.get(bc.in_company(f"customers?$filter={text}"))) == (501, "BadRequest_MethodNotImplemented")
    assert numbers(bc, text, MODERN) == [one, other]


@pytest.mark.read_only
def test_035_nested_functions_need_the_newer_schema(bc: Wire) -> None:
    name = first(bc, "customers", "&$select=displayName")["displayName"]
    part = name[1:5].lower().replace("'", "''")
    text = f"contains(tolower(displayName),'{part}')"
    answer = bc.get(bc.in_company(f"customers?$filter={text}"))
    assert answer.status_code in (400, 501)
    found = rows(bc, f"customers?$select=displayName&$filter={text}{MODERN}")
    assert name in [row["displayName"] for row in found]
    assert all(part.replace("''", "'") in row["displayName"].lower() for row in found)


def test_036_text_functions(bc: Wire) -> None:
    for name in ("Qrimson Ab", "qrimson aB", "Aqrimson"):
        made(bc, "customers", displayName=name)

    def names(text: str, more: str = "") -> list[str]:
        return sorted(row["displayName"] for row in rows(bc, f"customers?$filter={text}{more}"))

    assert names("startswith(displayName,'Qri')") == ["Qrimson Ab"]
    assert names("endswith(displayName,'aB')") == ["qrimson aB"]
    assert names("contains(displayName,'qrimson')") == ["Aqrimson", "qrimson aB"]
    assert names("tolower(displayName) eq 'qrimson ab'") == ["Qrimson Ab", "qrimson aB"]
    assert names("startswith(tolower(displayName),'QRI')", MODERN) == ["Qrimson Ab", "qrimson aB"]
    assert names("substring(displayName,1) eq 'qrimson'") == ["Aqrimson"]


def test_037_lambda_is_ignored(bc: Wire) -> None:
    one = two(bc)[0]
    for clause in ("salesOrderLines/any(l:l/quantity gt 1)", "salesOrderLines/all(l:l/quantity gt 99999)"):
        answer = bc.get(bc.in_company(f"salesOrders?$filter={clause}"))
        assert answer.status_code == 200
        assert numbers(bc, f"number eq '{one}' and {clause}") == [one]


def test_038_timestamps_to_the_millisecond(bc: Wire) -> None:
    customer = made(bc, "customers", displayName="Watched")
    moment = customer["lastModifiedDateTime"]
    assert len(moment) == len("2024-05-01T00:00:00.000Z")
    own = f"number eq '{customer['number']}' and lastModifiedDateTime"
    before = moment[:-4] + f"{int(moment[-4:-1]) - 1:03}Z" if int(moment[-4:-1]) else None
    assert numbers(bc, f"{own} eq {moment}") == [customer["number"]]
    assert numbers(bc, f"{own} gt {moment}") == []
    assert numbers(bc, f"{own} ge {moment}") == [customer["number"]]
    if before:
        assert numbers(bc, f"{own} gt {before}") == [customer["number"]]
    assert numbers(bc, f"{own} gt 2024-05-01T00:00:00Z") == [customer["number"]]


def test_039_doubled_quote(bc: Wire) -> None:
    made(bc, "customers", displayName="O'Brien")
    found = rows(bc, "customers?$filter=displayName eq 'O''Brien'")
    assert [row["displayName"] for row in found] == ["O'Brien"]
    assert error_of(bc.get(bc.in_company("customers?$filter=displayName eq 'O'Brien'")))[0] == 400


@pytest.mark.read_only
def test_040_literal_longer_than_the_field(bc: Wire) -> None:
    for text in (f"number eq '{'A' * 21}'", f"startswith(displayName,'{'A' * 101}')", f"number gt '{'9' * 21}'"):
        answer = bc.get(bc.in_company(f"customers?$filter={text}"))
        assert error_of(answer) == (400, "Application_FilterErrorException")
    assert numbers(bc, f"number eq '{'A' * 20}'") == []


def test_041_long_urls(bc: Wire) -> None:
    assert bc.sandbox is not None
    long = "customers?$filter=" + " or ".join(f"number eq 'C{n:05}'" for n in range(400))
    answer = bc.get(bc.in_company(long))
    assert len(long) > 8_100
    assert answer.status_code == 414
    assert answer.headers["content-type"].startswith("text/html")
    bc.sandbox.switches.bc_long_url_html = False
    assert error_of(bc.get(bc.in_company(long)))[0] == 414
    short = "customers?$filter=" + " or ".join(f"number eq 'C{n:05}'" for n in range(200))
    assert bc.get(bc.in_company(short)).status_code == 200


def test_042_order_is_stable(bc: Wire) -> None:
    for _ in range(4):
        made(bc, "customers", displayName="Same")
    found = [(row["displayName"], row["id"]) for row in rows(bc, "customers?$orderby=displayName desc")]
    names = [name for name, _ in found]
    assert names == sorted(names, reverse=True)
    same = [key for name, key in found if name == "Same"]
    assert len(same) == 4
    assert same == sorted(same), "the key breaks ties"


def test_043_api_queries_keep_their_order(bc: Wire) -> None:
    plain = rows(bc, "customerSales")
    codes = [row["customerNumber"] for row in plain]
    assert codes == sorted(codes)
    assert len(codes) == len(rows(bc, "customers"))
    assert rows(bc, "customerSales?$orderby=customerNumber") == plain
    for order in ("name", "customerNumber desc", "totalSalesAmount"):
        answer = bc.get(bc.in_company(f"customerSales?$orderby={order}"))
        assert error_of(answer) == (501, "BadRequest_MethodNotImplemented")
    assert error_of(bc("POST", bc.in_company("customerSales"), {}))[0] == 405
