"""Conformance C: creating, changing and deleting master data of Business Central (lines 57 to 79, 87, 92)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from d365kit.sandbox.schema import ZERO_GUID, schema
from tests.conformance.business_central import UNKNOWN, first, made, message, order_of, row, rows
from tests.conformance.conftest import Wire, error_of


def stored(bc: Wire, set_name: str, key: str) -> dict[str, Any] | None:
    """What the sandbox really holds."""
    assert bc.sandbox is not None
    return bc.sandbox.store.get(schema("bc").sets[set_name], key)


def count(bc: Wire, set_name: str = "customers") -> int:
    assert bc.sandbox is not None
    return bc.sandbox.rows("bc", set_name)


def test_057_minimal_create(bc: Wire) -> None:
    answer = bc("POST", bc.in_company("customers"), {"displayName": "A"})
    assert answer.status_code == 201
    body = answer.json()
    assert set(schema("bc").sets["customers"].columns) <= set(body)
    assert body["@odata.etag"].startswith('W/"')
    assert body["@odata.context"].endswith(f"companies({bc.company})/customers/$entity")
    assert answer.headers["location"] == f"{bc.root}/{bc.in_company('customers')}({body['id']})"
    again = made(bc, "customers", displayName="A")
    assert int(again["number"][1:]) > int(body["number"][1:]), "a number series goes on"
    assert row(bc, "customers", body["id"])["number"] == body["number"]


def test_058_display_name_is_required(bc: Wire) -> None:
    before = count(bc)
    answer = bc("POST", bc.in_company("customers"), {})
    assert error_of(answer)[0] == 400
    assert message(answer).startswith('A "displayName" must be provided.')
    blank = bc("POST", bc.in_company("contacts"), {"displayName": " "})
    assert message(blank).startswith('The blank "displayName" is not allowed.')
    assert count(bc) == before


def test_059_own_id_is_kept(bc: Wire) -> None:
    assert made(bc, "customers", displayName="A", id=UNKNOWN.upper())["id"] == UNKNOWN
    assert row(bc, "customers", UNKNOWN)["displayName"] == "A"


@pytest.mark.parametrize("status", [400, 409])
def test_060_same_id_twice(bc: Wire, status: int) -> None:
    assert bc.sandbox is not None
    bc.sandbox.switches.bc_duplicate_status = status
    made(bc, "customers", displayName="A", id=UNKNOWN)
    before, contacts = count(bc), count(bc, "contacts")
    again = bc("POST", bc.in_company("customers"), {"displayName": "B", "id": UNKNOWN})
    assert error_of(again) == (status, "Internal_EntityWithSameKeyExists")
    assert (count(bc), count(bc, "contacts")) == (before, contacts)
    assert row(bc, "customers", UNKNOWN)["displayName"] == "A"


def test_061_same_number_twice(bc: Wire) -> None:
    number, before = first(bc, "customers")["number"], count(bc)
    answer = bc("POST", bc.in_company("customers"), {"displayName": "B", "number": number.lower()})
    assert error_of(answer)[1] == "Internal_EntityWithSameKeyExists"
    unit = bc("POST", bc.in_company("unitsOfMeasure"), {"code": first(bc, "unitsOfMeasure")["code"]})
    assert error_of(unit)[1] == "Internal_EntityWithSameKeyExists"
    assert count(bc) == before


def test_061_variants_are_unique_inside_their_item(bc: Wire) -> None:
    one, other = rows(bc, "items?$top=2")
    red = made(bc, "itemVariants", itemId=one["id"], code="red")
    assert (red["itemNumber"], red["code"]) == (one["number"], "RED")
    assert made(bc, "itemVariants", itemNumber=other["number"], code="RED")["itemId"] == other["id"]
    twice = bc("POST", bc.in_company(f"items({one['id']})/itemVariants"), {"code": "RED"})
    assert error_of(twice)[1] == "Internal_EntityWithSameKeyExists"
    blue = bc("POST", bc.in_company(f"items({one['id']})/itemVariants"), {"code": "BLUE"})
    assert blue.status_code == 201
    assert blue.json()["itemNumber"] == one["number"]
    assert len(rows(bc, f"items({one['id']})/itemVariants")) == 2


def test_062_codes_are_upper_case(bc: Wire) -> None:
    unit = made(bc, "unitsOfMeasure", code=" bag ", displayName="Bag")
    assert unit["code"] == "BAG"
    customer = made(bc, "customers", displayName="a", country="no", postalCode="ab1")
    assert (customer["country"], customer["postalCode"], customer["displayName"]) == ("NO", "AB1", "a")
    assert rows(bc, "unitsOfMeasure?$filter=code eq 'bag'")[0]["id"] == unit["id"]


def test_063_no_content_wanted(bc: Wire) -> None:
    before = count(bc)
    answer = bc("POST", bc.in_company("customers"), {"displayName": "A"}, Prefer="return-no-content")
    assert answer.status_code == 204
    assert answer.content == b""
    assert bc.get(answer.headers["location"]).json()["displayName"] == "A"
    assert count(bc) == before + 1


@pytest.mark.parametrize(
    ("set_name", "name", "noun"),
    [
        ("customers", "currencyId", "Currency"),
        ("customers", "currencyCode", "Currency"),
        ("customers", "paymentTermsId", "Payment Terms"),
        ("customers", "shipmentMethodId", "Shipment Method"),
        ("customers", "paymentMethodId", "Payment Method"),
        ("vendors", "currencyId", "Currency"),
        ("items", "itemCategoryId", "Item Category"),
        ("items", "baseUnitOfMeasureId", "Unit of Measure"),
        ("items", "taxGroupId", "Tax Group"),
    ],
)
def test_064_unknown_related_row(bc: Wire, set_name: str, name: str, noun: str) -> None:
    before = count(bc, set_name)
    value = "NOSUCH" if name.endswith("Code") else UNKNOWN
    answer = bc("POST", bc.in_company(set_name), {"displayName": "A", name: value})
    assert error_of(answer)[0] == 400
    assert message(answer).startswith(f'The "{name}" does not match to a {noun}.')
    assert count(bc, set_name) == before


def test_065_id_and_code_that_disagree(bc: Wire) -> None:
    usd, gbp = (rows(bc, f"currencies?$filter=code eq '{code}'")[0] for code in ("USD", "GBP"))
    answer = bc(
        "POST", bc.in_company("customers"), {"displayName": "A", "currencyId": usd["id"], "currencyCode": "GBP"}
    )
    assert error_of(answer)[0] == 400
    assert message(answer).startswith("The currency values do not match to a specific Currency.")
    agreeing = made(bc, "customers", displayName="A", currencyId=gbp["id"], currencyCode="gbp")
    assert (agreeing["currencyId"], agreeing["currencyCode"]) == (gbp["id"], "GBP")


def test_066_unknown_property(bc: Wire) -> None:
    before = count(bc)
    assert error_of(bc("POST", bc.in_company("customers"), {"displayName": "A", "nosuch": 1})) == (400, "BadRequest")
    one = bc.in_company(f"customers({first(bc, 'customers')['id']})")
    assert error_of(bc("PATCH", one, {"nosuch": 1}, If_Match="*")) == (400, "BadRequest")
    assert count(bc) == before


@pytest.mark.parametrize("body", [{"balanceDue": 5}, {"lastModifiedDateTime": "2026-01-01T00:00:00Z"}])
def test_067_read_only_property(bc: Wire, body: dict[str, Any]) -> None:
    customer = first(bc, "customers")
    one = bc.in_company(f"customers({customer['id']})")
    answer = bc("PATCH", one, {"city": "Kiel"} | body, If_Match="*")
    assert error_of(answer) == (400, "BadRequest_InvalidOperation")
    assert "is read-only" in message(answer)
    assert row(bc, "customers", customer["id"]) == bc.get(one).json()
    assert row(bc, "customers", customer["id"])["city"] == customer["city"]


def test_068_text_longer_than_the_field(bc: Wire) -> None:
    before = count(bc)
    for name, length in (("displayName", 100), ("city", 30), ("number", 20)):
        body = {"displayName": "A", name: "X" * (length + 1)}
        answer = bc("POST", bc.in_company("customers"), body)
        assert error_of(answer) == (400, "Application_StringExceededLength")
        assert str(length) in message(answer)
    assert count(bc) == before
    assert made(bc, "customers", displayName="X" * 100)["displayName"] == "X" * 100


@pytest.mark.parametrize("text", [b"{", b"", b"[]", b'{"displayName":"A",}', b"\xff", b'{"displayName":5}'])
def test_069_malformed_body(bc: Wire, text: bytes) -> None:
    before = count(bc)
    answer = bc("POST", bc.in_company("customers"), text, Content_Type="application/json")
    assert error_of(answer) == (400, "BadRequest")
    assert count(bc) == before


def test_070_patch_needs_a_tag(bc: Wire) -> None:
    customer = first(bc, "customers")
    one = bc.in_company(f"customers({customer['id']})")
    assert error_of(bc("PATCH", one, {"city": "Kiel"})) == (400, "BadRequest_InvalidToken")
    for tag in ("nonsense", 'W/"', '""'):
        assert error_of(bc("PATCH", one, {"city": "Kiel"}, If_Match=tag)) == (400, "BadRequest_InvalidToken")
    assert row(bc, "customers", customer["id"])["city"] == customer["city"]


def test_071_patch_with_the_current_tag(bc: Wire) -> None:
    customer = first(bc, "customers")
    one = bc.in_company(f"customers({customer['id']})")
    answer = bc("PATCH", one, {"city": "Kiel"}, If_Match=customer["@odata.etag"])
    assert answer.status_code == 200
    body = answer.json()
    assert body["city"] == "Kiel"
    assert set(body) == set(row(bc, "customers", customer["id"]))
    assert body["@odata.etag"] not in ("", customer["@odata.etag"])
    assert body["lastModifiedDateTime"] > customer["lastModifiedDateTime"]
    kept = {"city", "@odata.etag", "@odata.context", "lastModifiedDateTime"}
    assert {k: v for k, v in body.items() if k not in kept} == {k: v for k, v in customer.items() if k not in kept}


def test_072_patch_whatever_the_tag(bc: Wire) -> None:
    customer = first(bc, "customers")
    answer = bc("PATCH", bc.in_company(f"customers({customer['id']})"), {"city": "Kiel"}, If_Match="*")
    assert answer.status_code == 200
    assert row(bc, "customers", customer["id"])["city"] == "Kiel"


@pytest.mark.parametrize("status", [409, 412])
def test_073_stale_tag(bc: Wire, status: int) -> None:
    assert bc.sandbox is not None
    bc.sandbox.switches.bc_stale_status = status
    customer = first(bc, "customers")
    one = bc.in_company(f"customers({customer['id']})")
    bc("PATCH", one, {"city": "Kiel"}, If_Match="*")
    answer = bc("PATCH", one, {"city": "Ulm"}, If_Match=customer["@odata.etag"])
    assert error_of(answer) == (status, "Request_EntityChanged")
    assert row(bc, "customers", customer["id"])["city"] == "Kiel"


def test_075_tag_in_the_body_is_ignored(bc: Wire) -> None:
    customer = first(bc, "customers")
    one = bc.in_company(f"customers({customer['id']})")
    body = {"@odata.etag": customer["@odata.etag"], "city": "Kiel"}
    assert error_of(bc("PATCH", one, body)) == (400, "BadRequest_InvalidToken")
    assert bc("PATCH", one, body | {"@odata.etag": 'W/"stale"'}, If_Match="*").status_code == 200


def test_076_equal_values(bc: Wire) -> None:
    assert bc.sandbox is not None
    customer = first(bc, "customers")
    one = bc.in_company(f"customers({customer['id']})")
    body = {"city": customer["city"], "country": customer["country"].lower()}
    answer = bc("PATCH", one, body, If_Match=customer["@odata.etag"])
    assert answer.status_code == 200
    assert answer.json()["lastModifiedDateTime"] == customer["lastModifiedDateTime"]
    assert answer.json()["@odata.etag"] == customer["@odata.etag"]
    bc.sandbox.switches.bc_equal_values_touch = True
    touched = bc("PATCH", one, body, If_Match=customer["@odata.etag"])
    assert touched.json()["lastModifiedDateTime"] > customer["lastModifiedDateTime"]


def test_077_delete(bc: Wire) -> None:
    customer = made(bc, "customers", displayName="Gone")
    one = bc.in_company(f"customers({customer['id']})")
    answer = bc("DELETE", one)
    assert (answer.status_code, answer.content) == (204, b"")
    assert error_of(bc("DELETE", one))[0] == 404
    assert bc.get(one).status_code == 404
    assert stored(bc, "customers", customer["id"]) is None
    assert rows(bc, f"contactsInformation?$filter=relatedId eq {customer['id']}") == []


def test_078_delete_with_a_tag(bc: Wire) -> None:
    customer = made(bc, "customers", displayName="Gone")
    one = bc.in_company(f"customers({customer['id']})")
    bc("PATCH", one, {"city": "Kiel"}, If_Match="*")
    assert error_of(bc("DELETE", one, If_Match=customer["@odata.etag"])) == (409, "Request_EntityChanged")
    assert stored(bc, "customers", customer["id"]) is not None
    assert bc("DELETE", one, If_Match=bc.get(one).json()["@odata.etag"]).status_code == 204


def test_079_open_documents_keep_what_they_use(bc: Wire) -> None:
    order = order_of(bc, 3)
    item = order_lines(bc, order["id"])[0]["itemId"]
    for set_name, key in (("customers", order["customerId"]), ("items", item)):
        answer = bc("DELETE", bc.in_company(f"{set_name}({key})"))
        assert error_of(answer) == (400, "Application_DialogException")
        assert order["number"] in message(answer)
        assert stored(bc, set_name, key) is not None
    assert bc("DELETE", bc.in_company(f"salesOrders({order['id']})")).status_code == 204
    assert order_lines(bc, order["id"]) == []
    for set_name, key in (("customers", order["customerId"]), ("items", item)):
        assert bc("DELETE", bc.in_company(f"{set_name}({key})")).status_code == 204


def order_lines(bc: Wire, order: str) -> list[dict[str, Any]]:
    return rows(bc, f"salesOrderLines?$filter=documentId eq {order}")


def test_087_inventory_is_adjusted_by_posting(bc: Wire) -> None:
    refused = bc("POST", bc.in_company("items"), {"displayName": "A", "inventory": 5})
    assert error_of(refused) == (400, "Application_DialogException")
    item = made(bc, "items", displayName="A", number="ADJ1")
    one = bc.in_company(f"items({item['id']})")
    assert bc("PATCH", one, {"inventory": 12.5}, If_Match="*").json()["inventory"] == 12.5
    assert bc("PATCH", one, {"inventory": 10}, If_Match="*").json()["inventory"] == 10
    assert bc("PATCH", one, {"inventory": 10}, If_Match="*").status_code == 200
    entries = rows(bc, "itemLedgerEntries?$filter=itemNumber eq 'ADJ1'&$orderby=entryNumber")
    today = datetime.now(UTC).date().isoformat()
    found = [(entry["entryType"], entry["quantity"], entry["postingDate"] == today) for entry in entries]
    kinds = ("Positive_x0020_Adjmt_x002E_", "Negative_x0020_Adjmt_x002E_")
    assert found == [(kinds[0], 12.5, True), (kinds[1], -2.5, True)]
    service = made(bc, "items", displayName="B", type="Service")
    without = bc("PATCH", bc.in_company(f"items({service['id']})"), {"inventory": 1}, If_Match="*")
    assert error_of(without) == (400, "Application_DialogException")


def test_092_put_is_not_allowed(bc: Wire) -> None:
    customer = first(bc, "customers")
    answer = bc("PUT", bc.in_company(f"customers({customer['id']})"), {"displayName": "A"}, If_Match="*")
    assert error_of(answer) == (405, "BadRequest_MethodNotAllowed")
    assert row(bc, "customers", customer["id"])["displayName"] == customer["displayName"]


def test_057_partners_contacts_and_their_parts(bc: Wire) -> None:
    vendor = made(bc, "vendors", displayName="Lieferant KG")
    (link,) = rows(bc, f"contactsInformation?$filter=relatedId eq {vendor['id']}")
    assert (link["relatedType"], link["contactName"]) == ("Vendor", "Lieferant KG")
    customer = made(bc, "customers", displayName="Kunde GmbH")
    (link,) = rows(bc, f"customers({customer['id']})/contactsInformation")
    person = made(bc, "contacts", displayName="Anna Maria Lund", type="Person", companyNumber=link["contactNumber"])
    (contact,) = rows(bc, f"customerContacts?$filter=customerId eq {customer['id']}")
    names = (contact["id"], contact["firstName"], contact["lastName"], contact["customerName"])
    assert names == (person["id"], "Anna Maria", "Lund", "Kunde GmbH")
    one = bc.in_company(f"customerContacts({person['id']})")
    changed = bc("PATCH", one, {"lastName": "Berg", "email": "a@b.example"}, If_Match="*")
    assert (changed.json()["lastName"], changed.json()["email"]) == ("Berg", "a@b.example")
    assert row(bc, "contacts", person["id"])["displayName"] == "Anna Maria Berg"


def test_064_opportunities_show_their_contact(bc: Wire) -> None:
    contact = made(bc, "contacts", displayName="Anna Lund", type="Person")
    seller = first(bc, "salespeoplePurchasers")["code"]
    found = made(bc, "opportunities", contactNumber=contact["number"], salespersonCode=seller, description="Deal")
    assert found["contactName"] == "Anna Lund"
    assert (found["status"], found["closed"]) == ("Not_x0020_Started", False)
    assert found["creationDate"] != "0001-01-01"
    assert found["id"] != ZERO_GUID
