"""python-odata, unmodified, reading Business Central: python odata_reader.py ROOT TOKEN COMPANY."""

from __future__ import annotations

import sys

import requests
from odata import ODataService
from say import step

root, token, company = sys.argv[1:]
session = requests.Session()
session.trust_env = False


def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add the token, and the company as an option."""
    request.headers["Authorization"] = f"Bearer {token}"
    request.prepare_url(request.url, {"company": company})
    return request


session.auth = sign


def rename(response: requests.Response, **_: object) -> None:
    """Call Business Central's blank x0020_: Python's Enum, which python-odata uses, has no member called _x0020_."""
    response._content = response.content.replace(b'"_x0020_"', b'"x0020_"')


session.hooks["response"] = rename  # type: ignore[assignment]


def reflect() -> list[str]:
    """Read $metadata and make a class of each set."""
    global service
    service = ODataService(root, session=session, reflect_entities=True)
    return sorted(service.entities)


service: ODataService
step("sets", reflect)


def numbers(query: object) -> list[str]:
    return [row.number for row in query]  # type: ignore[attr-defined]


def all_customers() -> list[str]:
    return numbers(service.query(service.entities["customers"]))


def some() -> list[str]:
    Customer = service.entities["customers"]
    query = service.query(Customer).filter(Customer.number > "C00100").order_by(Customer.number.desc()).limit(3)
    return numbers(query)


def one() -> dict[str, object]:
    Item = service.entities["items"]
    found = service.query(Item).limit(1).first()
    return {"number": found.number, "displayName": found.displayName, "unitPrice": str(found.unitPrice)}


step("all", all_customers)
step("some", some)
step("one", one)
