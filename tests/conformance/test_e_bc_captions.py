"""Conformance E: what Business Central's sets, properties, actions and members are called (line 110)."""

from __future__ import annotations

from d365kit.sandbox.schema import schema
from tests.conformance.conftest import Wire


def test_110_entity_definitions(bc: Wire) -> None:
    answer = bc.get("entityDefinitions")
    assert answer.status_code == 200
    found = {line["entityName"]: line for line in answer.json()["value"]}
    customer = found["customer"]
    assert customer["entitySetName"] == "customers"
    assert customer["entitySetCaptions"][0] == {"languageCode": 1033, "caption": "Customers"}
    captions = {line["name"]: line["captions"][0]["caption"] for line in customer["properties"]}
    assert captions["addressLine1"] == "Address Line 1"
    assert set(captions) == set(schema("bc").sets["customers"].columns)
    assert {line["name"] for line in found["salesInvoice"]["actions"]} >= {"post", "cancel"}
    members = {line["member"]: line["captions"][0]["caption"] for line in found["item"]["enumMembers"]}
    assert members["Non_x002D_Inventory"] == "Non-Inventory"
    one = bc.get("entityDefinitions('item')?$select=entitySetName").json()
    assert one == {"@odata.context": f"{bc.root}/$metadata#entityDefinitions/$entity", "entitySetName": "items"}
    assert bc.get("entityDefinitions('nosuch')").status_code == 404
