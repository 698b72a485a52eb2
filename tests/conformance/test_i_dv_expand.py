"""Conformance I: Dataverse expansion and annotations, lines 163 to 171, the service's side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import ANY, CRM, bind, created, guid, insert, row, rows, start_family

FORMATTED = "OData.Community.Display.V1.FormattedValue"


@pytest.fixture
def family(dv: Wire) -> dict[str, str]:
    return start_family(dv)


def test_163_lookup_as_an_object(dv: Wire, family: dict[str, str]) -> None:
    query = "$select=name&$expand=primarycontactid($select=fullname)"
    full = row(dv, f"accounts({family['full']})?{query}")
    assert full["@odata.context"].endswith("#accounts(name,primarycontactid(fullname))/$entity")
    inner = full["primarycontactid"]
    assert set(inner) == {"@odata.etag", "fullname", "contactid"}
    assert (inner["fullname"], inner["contactid"]) == ("F A", family["a"])
    assert inner["@odata.etag"] == row(dv, f"contacts({family['a']})")["@odata.etag"]
    assert row(dv, f"accounts({family['empty']})?{query}")["primarycontactid"] is None
    listed = rows(dv, f"accounts?{query}&$filter=name eq 'Full' or name eq 'Empty'&$orderby=name")
    assert [item["primarycontactid"] and item["primarycontactid"]["fullname"] for item in listed] == [None, "F A"]


def test_163_several_levels_and_both_kinds_of_customer(dv: Wire, family: dict[str, str]) -> None:
    query = (
        "$select=lastname&$expand=parentcustomerid_account($select=name;$expand=primarycontactid($select=lastname))"
    )
    held = row(dv, f"contacts({family['b']})?{query}")
    assert held["parentcustomerid_account"]["primarycontactid"]["lastname"] == "A"
    below = created(dv, "contacts", {"lastname": "D"} | bind(parentcustomerid_contact=f"contacts({family['a']})"))
    both = "$expand=parentcustomerid_account($select=name),parentcustomerid_contact($select=lastname)"
    held = row(dv, f"contacts({below})?{both}")
    assert (held["parentcustomerid_account"], held["parentcustomerid_contact"]["lastname"]) == (None, "A")


def test_164_collection_inline_with_a_link_that_repeats_it(dv: Wire, family: dict[str, str]) -> None:
    url = f"accounts({family['full']})?$select=name&$expand=contact_customer_accounts($select=fullname)"
    held = row(dv, url)
    children = held["contact_customer_accounts"]
    assert {item["fullname"] for item in children} == {"F A", "F B", "F C"}
    link = held["contact_customer_accounts@odata.nextLink"]
    assert link == f"{dv.root}/accounts({family['full']})/contact_customer_accounts?$select=fullname"
    again = dv.get(link).json()
    assert [item["contactid"] for item in again["value"]] == [item["contactid"] for item in children]
    empty = row(dv, f"accounts({family['empty']})?$expand=contact_customer_accounts($select=fullname)")
    assert empty["contact_customer_accounts"] == []
    assert "contact_customer_accounts@odata.nextLink" in empty


def test_164_pages_of_children_stop_at_5000_and_pages_ignore_them(dv: Wire, family: dict[str, str]) -> None:
    assert dv.sandbox
    child = {"_parentcustomerid_value": family["full"], "_parentcustomerid_type": "account", "lastname": "Z"}
    insert(dv.sandbox, "contact", ({"contactid": guid(place)} | child for place in range(5_010)))
    url = f"accounts({family['full']})?$select=name&$expand=contact_customer_accounts($select=lastname)"
    assert len(row(dv, url)["contact_customer_accounts"]) == 5_000
    paged = dv.get(url, Prefer="odata.maxpagesize=2").json()
    assert len(paged["contact_customer_accounts"]) == 5_000, "one level is not paged"


def test_164_options_of_a_collection(dv: Wire, family: dict[str, str]) -> None:
    options = "$select=lastname;$filter=lastname ne 'B';$orderby=lastname desc;$top=1"
    held = row(dv, f"accounts({family['full']})?$expand=contact_customer_accounts({options})")
    assert [item["lastname"] for item in held["contact_customer_accounts"]] == ["C"]
    for option in ("$skip=1", "$count=true", "$levels=2"):
        refused = dv.get(f"accounts?$expand=contact_customer_accounts({option})")
        assert error_of(refused) == (400, "0x80060888")
    assert error_of(dv.get("accounts?$expand=nosuch")) == (400, "0x0")


def test_165_nested_expansion_pages_the_children(dv: Wire, family: dict[str, str]) -> None:
    nested = "contact_customer_accounts($select=lastname;$expand=createdby($select=fullname))"
    url = f"accounts?$select=name&$filter=name eq 'Full'&$expand={nested}"
    parent = rows(dv, url, Prefer="odata.maxpagesize=1")[0]
    found = list(parent["contact_customer_accounts"])
    link = parent["contact_customer_accounts@odata.nextLink"]
    assert "$skiptoken=" in link
    assert len(found) == 1
    while link:
        body = dv.get(link, Prefer="odata.maxpagesize=1").json()
        found += body["value"]
        link = body.get("@odata.nextLink")
    assert [item["contactid"] for item in found] == sorted(family[name] for name in "abc")
    assert {item["createdby"]["fullname"] for item in found} == {"# d365kit"}
    unpaged = rows(dv, url)[0]
    assert len(unpaged["contact_customer_accounts"]) == 3


@pytest.mark.parametrize("option", ["$top=1", "$orderby=lastname"])
def test_166_top_and_order_beside_a_nested_expansion(dv: Wire, option: str) -> None:
    nested = f"contact_customer_accounts({option};$expand=createdby($select=fullname))"
    answer = dv.get(f"accounts?$expand={nested}")
    assert error_of(answer) == (400, "0x80060888")
    assert answer.json()["error"]["message"].startswith("Only $select and $filter clause can be provided while doing")
    assert error_of(dv.get(f"accounts?$expand=primarycontactid({option})")) == (400, "0x80060888")


def test_166_nested_through_many_to_many(dv: Wire) -> None:
    nested = "teammembership_association($select=name;$expand=createdby($select=fullname))"
    assert error_of(dv.get(f"systemusers?$expand={nested}")) == (400, "0x80060888")
    found = rows(dv, "systemusers?$select=fullname&$expand=systemuserroles_association($select=name)")
    roles = {item["fullname"]: [role["name"] for role in item["systemuserroles_association"]] for item in found}
    assert roles["# d365kit"] == ["System Administrator"]
    assert roles["Nora Feldkamp"] == []


def test_167_ref(dv: Wire, family: dict[str, str]) -> None:
    refused = dv.get("accounts?$expand=contact_customer_accounts/$ref")
    assert error_of(refused) == (400, "0x80060888")
    assert "only supported on lookup" in refused.json()["error"]["message"]
    held = row(dv, f"accounts({family['full']})?$select=name&$expand=primarycontactid/$ref")
    assert held["primarycontactid"] == {"@odata.id": f"{dv.root}/contacts({family['a']})"}


@pytest.mark.parametrize("navigation", ["owninguser", "ownerid", "createdby"])
def test_168_users_carry_ownerid(dv: Wire, family: dict[str, str], navigation: str) -> None:
    held = row(dv, f"accounts({family['full']})?$select=name&$expand={navigation}($select=fullname)")[navigation]
    me = dv.get("WhoAmI").json()["UserId"]
    assert (held["systemuserid"], held["ownerid"], held["fullname"]) == (me, me, "# d365kit")
    team = rows(dv, "teams")[0]["teamid"]
    dv("PATCH", f"accounts({family['full']})", bind(ownerid=f"teams({team})"))
    held = row(dv, f"accounts({family['full']})?$expand=ownerid($select=name)")["ownerid"]
    assert (held["teamid"], held["ownerid"], held["name"]) == (team, team, "BCI - nordhain")


def test_169_annotations(dv: Wire, family: dict[str, str]) -> None:
    dv("PATCH", f"accounts({family['full']})", {"creditlimit": 1234.5, "customertypecode": 3, "donotfax": True})
    names = "creditlimit,customertypecode,donotfax,statecode,createdon,_primarycontactid_value,_ownerid_value"
    answer = dv.get(f"accounts({family['full']})?$select={names},_transactioncurrencyid_value", Prefer=ANY)
    assert answer.headers["Preference-Applied"] == ANY
    held: dict[str, Any] = answer.json()
    labels = {name: held.get(f"{name}@{FORMATTED}") for name in names.split(",")}
    assert labels.pop("createdon", "")
    assert labels == {
        "creditlimit": "€1,234.50",
        "customertypecode": "Customer",
        "donotfax": "Yes",
        "statecode": "Active",
        "_primarycontactid_value": "F A",
        "_ownerid_value": "# d365kit",
    }
    assert held[f"_primarycontactid_value@{CRM}.lookuplogicalname"] == "contact"
    assert held[f"_primarycontactid_value@{CRM}.associatednavigationproperty"] == "primarycontactid"
    only = dv.get(f"accounts({family['full']})?$select={names}", Prefer=f'odata.include-annotations="{FORMATTED}"')
    assert f"statecode@{FORMATTED}" in only.json()
    assert f"_ownerid_value@{CRM}.lookuplogicalname" not in only.json()
    plain = row(dv, f"accounts({family['full']})?$select={names}")
    assert not [name for name in plain if "@" in name and not name.startswith("@odata.")]


def test_170_target_of_a_polymorphic_lookup(dv: Wire, family: dict[str, str]) -> None:
    found = {}
    for kind, set, key in (("account", "accounts", family["full"]), ("contact", "contacts", family["a"])):
        order = created(dv, "salesorders", bind(**{f"customerid_{kind}": f"{set}({key})"}))
        held = dv.get(f"salesorders({order})?$select=_customerid_value", Prefer=ANY).json()
        assert held["_customerid_value"] == key
        name = "_customerid_value@Microsoft.Dynamics.CRM"
        found[kind] = (held[f"{name}.lookuplogicalname"], held[f"{name}.associatednavigationproperty"])
        assert not [item for item in row(dv, f"salesorders({order})?$select=_customerid_value") if kind in item]
    assert found == {"account": ("account", "customerid_account"), "contact": ("contact", "customerid_contact")}


def test_171_nulls_are_there(dv: Wire, family: dict[str, str]) -> None:
    whole = row(dv, f"accounts({family['empty']})")
    assert whole["telephone1"] is None
    assert whole["_primarycontactid_value"] is None
    assert row(dv, f"accounts({family['empty']})?$select=telephone1")["telephone1"] is None
