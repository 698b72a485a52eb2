"""Conformance J: Dataverse writing and concurrency, lines 174 to 200, the service's side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import UNKNOWN, bind, created, row, rows
from tests.conformance.sales import Trade

RETURN = "return=representation"


def count(dv: Wire, set: str = "accounts") -> int:
    return int(dv.get(f"{set}/$count").text)


def test_174_create_answers_with_the_id(dv: Wire) -> None:
    answer = dv("POST", "accounts", {"name": "A"})
    assert (answer.status_code, answer.content) == (204, b"")
    address = answer.headers["OData-EntityId"]
    assert address == answer.headers["Location"]
    assert address.startswith(f"{dv.root}/accounts(")
    assert row(dv, address)["name"] == "A"


def test_175_create_with_representation(dv: Wire) -> None:
    answer = dv("POST", "accounts?$select=name", {"name": "A"}, Prefer=RETURN)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, RETURN)
    body = answer.json()
    assert set(body) == {"@odata.context", "@odata.etag", "name", "accountid"}
    assert body["name"] == "A"
    assert row(dv, f"accounts({body['accountid']})")["@odata.etag"] == body["@odata.etag"]


def test_176_own_id(dv: Wire) -> None:
    assert created(dv, "accounts", {"name": "A", "accountid": UNKNOWN}) == UNKNOWN
    assert error_of(dv("POST", "accounts", {"name": "B", "accountid": UNKNOWN})) == (412, "0x80040237")
    assert row(dv, f"accounts({UNKNOWN})")["name"] == "A"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_177_unknown_property(dv: Wire, method: str) -> None:
    url = "accounts" if method == "POST" else f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    before = count(dv)
    answer = dv(method, url, {"name": "B", "nosuch": 1})
    assert error_of(answer) == (400, "0x0")
    assert "'nosuch'" in answer.json()["error"]["message"]
    assert (count(dv), rows(dv, "accounts?$filter=name eq 'B'")) == (before, [])


@pytest.mark.parametrize("form", ["/contacts({})", "contacts({})", "{root}/contacts({})", "/contacts({upper})"])
def test_178_bind_in_every_form_of_address(dv: Wire, form: str) -> None:
    contact = created(dv, "contacts", {"lastname": "L"})
    address = form.replace("{root}", dv.root).replace("{upper}", contact.upper()).format(contact)
    account = created(dv, "accounts", {"primarycontactid@odata.bind": address})
    assert row(dv, f"accounts({account})")["_primarycontactid_value"] == contact


@pytest.mark.parametrize("navigation", ["primarycontactid", "parentaccountid", "transactioncurrencyid"])
def test_179_bind_to_a_missing_row(dv: Wire, navigation: str) -> None:
    sets = {"primarycontactid": "contacts", "parentaccountid": "accounts"}
    target = f"{sets.get(navigation, 'transactioncurrencies')}({UNKNOWN})"
    before = count(dv)
    assert error_of(dv("POST", "accounts", {"name": "A"} | bind(**{navigation: target}))) == (404, "0x80040217")
    assert count(dv) == before


@pytest.mark.parametrize("name", ["primarycontact", "PrimaryContactId", "_primarycontactid_value"])
def test_180_bind_through_a_wrong_navigation(dv: Wire, name: str) -> None:
    contact = created(dv, "contacts", {"lastname": "L"})
    answer = dv("POST", "accounts", {"name": "Wrong", f"{name}@odata.bind": f"/contacts({contact})"})
    assert error_of(answer) == (400, "0x80048d19")
    assert "undeclared property" in answer.json()["error"]["message"]
    assert rows(dv, "accounts?$filter=name eq 'Wrong'") == []
    for body in ({"_primarycontactid_value": contact}, {"primarycontactid": contact}):
        assert error_of(dv("POST", "accounts", body)) == (400, "0x80048d19")


def test_181_customer_of_an_order_is_bound_by_its_kind(dv: Wire) -> None:
    account = created(dv, "accounts", {"name": "A"})
    assert error_of(dv("POST", "salesorders", bind(customerid=f"accounts({account})"))) == (400, "0x80048d19")
    assert error_of(dv("POST", "salesorders", bind(customerid_contact=f"accounts({account})"))) == (400, "0x80048d19")
    assert rows(dv, "salesorders") == []
    order = created(dv, "salesorders", bind(customerid_account=f"accounts({account})"))
    assert row(dv, f"salesorders({order})")["_customerid_value"] == account


@pytest.mark.parametrize("way", ["bind", "null", "ref"])
def test_182_lookups_are_cleared(dv: Wire, way: str) -> None:
    contact = created(dv, "contacts", {"lastname": "L"})
    url = f"accounts({created(dv, 'accounts', bind(primarycontactid=f'contacts({contact})'))})"
    if way == "ref":
        answer = dv("DELETE", f"{url}/primarycontactid/$ref")
    else:
        name = "primarycontactid@odata.bind" if way == "bind" else "primarycontactid"
        answer = dv("PATCH", url, {name: None})
    assert answer.status_code == 204
    assert row(dv, url)["_primarycontactid_value"] is None
    assert (
        dv("PUT", f"{url}/primarycontactid/$ref", {"@odata.id": f"{dv.root}/contacts({contact})"}).status_code == 204
    )
    assert row(dv, f"{url}/primarycontactid/$ref")["@odata.id"] == f"{dv.root}/contacts({contact})"


def test_182_collections_are_tied_and_untied(dv: Wire) -> None:
    account, contact = created(dv, "accounts", {"name": "A"}), created(dv, "contacts", {"lastname": "L"})
    url = f"accounts({account})/contact_customer_accounts"
    assert dv("POST", f"{url}/$ref", {"@odata.id": f"contacts({contact})"}).status_code == 204
    assert [item["contactid"] for item in rows(dv, url)] == [contact]
    assert dv("DELETE", f"{url}({contact})/$ref").status_code == 204
    assert rows(dv, url) == []
    dv("POST", f"{url}/$ref", {"@odata.id": f"contacts({contact})"})
    assert dv("DELETE", f"{url}/$ref?$id={dv.root}/contacts({contact})").status_code == 204
    assert dv("DELETE", f"{url}({contact})/$ref").status_code == 404
    made = dv("POST", url, {"lastname": "M"})
    assert row(dv, made.headers["OData-EntityId"])["_parentcustomerid_value"] == account


def refused_both_ways(dv: Wire, body: dict[str, Any], code: str) -> str:
    """Neither a create nor a change takes the body; return the message."""
    url = f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    before = count(dv)
    held = row(dv, url)
    for answer in (dv("PATCH", url, body), dv("POST", "accounts", body)):
        assert error_of(answer) == (400, code)
    assert (row(dv, url), count(dv)) == (held, before)
    return str(answer.json()["error"]["message"])


def test_183_text_too_long(dv: Wire) -> None:
    text = refused_both_ways(dv, {"name": "N" * 161}, "0x80044331")
    assert "The length of the 'name' attribute of the 'account' entity exceeded" in text
    assert "maximum allowed length of '160'" in text
    created(dv, "accounts", {"name": "N" * 160})


def test_184_unknown_choice(dv: Wire) -> None:
    assert "customertypecode" in refused_both_ways(dv, {"customertypecode": 99}, "0x8004431A")


@pytest.mark.parametrize("body", [{"creditlimit": -1}, {"numberofemployees": 2_000_000_000}])
def test_185_number_out_of_range(dv: Wire, body: dict[str, Any]) -> None:
    assert next(iter(body)) in refused_both_ways(dv, body, "0x80044330")


def test_186_patch_of_a_row_that_is_there(dv: Wire) -> None:
    key = created(dv, "accounts", {"name": "A"})
    answer = dv("PATCH", f"accounts({key})", {"telephone1": "1"})
    assert (answer.status_code, answer.headers["OData-EntityId"]) == (204, f"{dv.root}/accounts({key})")
    assert (row(dv, f"accounts({key})")["name"], row(dv, f"accounts({key})")["telephone1"]) == ("A", "1")


def test_187_patch_makes_a_missing_row(dv: Wire) -> None:
    assert dv.get(f"accounts({UNKNOWN})").status_code == 404
    assert dv("PATCH", f"accounts({UNKNOWN})", {"telephone1": "1"}).status_code == 204
    again = row(dv, f"accounts({UNKNOWN})")
    assert (again["name"], again["telephone1"]) == (None, "1"), "a row nobody meant to make"


def test_188_change_only_what_is_there(dv: Wire) -> None:
    url = f"accounts({UNKNOWN})"
    assert error_of(dv("PATCH", url, {"name": "A"}, If_Match="*")) == (404, "0x80040217")
    assert dv.get(url).status_code == 404


def test_189_make_only_what_is_not_there(dv: Wire) -> None:
    url = f"accounts({UNKNOWN})"
    assert dv("PATCH", url, {"name": "A"}, If_None_Match="*").status_code == 204
    answer = dv("PATCH", url, {"name": "B"}, If_None_Match="*")
    assert error_of(answer) == (412, "0x80040237")
    assert answer.json()["error"]["message"] == "A record with matching key values already exists."
    assert row(dv, url)["name"] == "A"


STALE = "The version of the existing record doesn't match the RowVersion property provided."


def test_190_stale_patch(dv: Wire) -> None:
    url = f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    tag = row(dv, url)["@odata.etag"]
    answer = dv("PATCH", url, {"name": "B"}, If_Match=tag)
    assert answer.status_code == 204
    assert answer.headers["ETag"] == row(dv, url)["@odata.etag"] != tag
    stale = dv("PATCH", url, {"name": "C"}, If_Match=tag)
    assert (*error_of(stale), stale.json()["error"]["message"]) == (412, "0x80060882", STALE)
    assert row(dv, url)["name"] == "B"


def test_191_stale_delete(dv: Wire) -> None:
    url = f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    tag = row(dv, url)["@odata.etag"]
    dv("PATCH", url, {"name": "B"})
    assert error_of(dv("DELETE", url, If_Match=tag)) == (412, "0x80060882")
    assert row(dv, url)["name"] == "B"
    assert dv("DELETE", url, If_Match=row(dv, url)["@odata.etag"]).status_code == 204
    assert dv.get(url).status_code == 404
    assert error_of(dv("DELETE", url)) == (404, "0x80040217")


def test_192_not_modified(dv: Wire) -> None:
    contact = created(dv, "contacts", {"lastname": "L"})
    url = f"accounts({created(dv, 'accounts', bind(primarycontactid=f'contacts({contact})'))})"
    tag = row(dv, url)["@odata.etag"]
    held = dv.get(url, If_None_Match=tag)
    assert (held.status_code, held.content, held.headers["ETag"]) == (304, b"", tag)
    assert dv.get(f"{url}?$expand=primarycontactid($select=fullname)", If_None_Match=tag).status_code == 200
    assert dv.get(url, If_None_Match=tag, Prefer='odata.include-annotations="*"').status_code == 200
    assert dv.get(url, If_None_Match="null").status_code == 200
    dv("PATCH", url, {"name": "B"})
    assert dv.get(url, If_None_Match=tag).status_code == 200


def test_193_same_values_move_the_version(dv: Wire) -> None:
    url = f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    before = row(dv, url)
    assert dv("PATCH", url, {"name": "A"}).status_code == 204
    assert row(dv, url)["versionnumber"] > before["versionnumber"]


def test_194_read_only_values_are_ignored(dv: Wire) -> None:
    url = f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    before = row(dv, url)
    sent = {"createdon": "2020-01-01T00:00:00Z", "creditlimit_base": 5, "versionnumber": 1}
    assert dv("PATCH", url, sent).status_code == 204
    after = row(dv, url)
    assert (after["createdon"], after["creditlimit_base"]) == (before["createdon"], None)


def test_195_one_property_set(dv: Wire) -> None:
    url = f"accounts({created(dv, 'accounts', {'name': 'A'})})"
    assert dv("PUT", f"{url}/name", {"value": "B"}).status_code == 204
    assert row(dv, f"{url}/name")["value"] == "B"
    dv("PUT", f"{url}/fax", {"value": 'a"b\\c'})
    assert dv.get(f"{url}/fax/$value").text == 'a"b\\c'
    assert error_of(dv("PUT", f"{url}/name", {"value": "N" * 161})) == (400, "0x80044331")
    assert error_of(dv("PUT", f"{url}/nosuch", {"value": "B"}))[0] == 404
    assert dv("PUT", f"{url}/name", {}).status_code == 400
    assert row(dv, url)["name"] == "B"


def test_196_one_property_cleared(dv: Wire) -> None:
    url = f"accounts({created(dv, 'accounts', {'name': 'A', 'telephone1': '1'})})"
    assert dv("DELETE", f"{url}/telephone1").status_code == 204
    assert dv.get(f"{url}/telephone1").status_code == 204
    assert (row(dv, url)["name"], row(dv, url)["telephone1"]) == ("A", None)


def test_197_price_list_with_items_stays(dv: Wire, trade: Trade) -> None:
    assert error_of(dv("DELETE", f"pricelevels({trade.price_list})")) == (405, "0x80040227")
    assert row(dv, f"pricelevels({trade.price_list})")["name"] == "Trade list"
    assert len(rows(dv, f"productpricelevels?$filter=_pricelevelid_value eq {trade.price_list}")) == 1
    assert error_of(dv("DELETE", f"uoms({trade.unit})")) == (405, "0x80040227")


def test_197_a_product_takes_its_prices_along(dv: Wire, trade: Trade) -> None:
    assert dv("DELETE", f"products({trade.product})").status_code == 204
    assert rows(dv, f"productpricelevels?$filter=_pricelevelid_value eq {trade.price_list}") == []
    assert dv("DELETE", f"pricelevels({trade.price_list})").status_code == 204
    assert dv("DELETE", f"uomschedules({trade.group})").status_code == 204
    assert dv.get(f"uoms({trade.unit})").status_code == 404


def test_198_an_account_takes_its_contacts_along_but_not_orders(dv: Wire, trade: Trade) -> None:
    body = {"lastname": "L"} | bind(parentcustomerid_account=f"accounts({trade.account})")
    contact = created(dv, "contacts", body)
    child = created(dv, "accounts", bind(parentaccountid=f"accounts({trade.account})"))
    order = trade.document()
    assert error_of(dv("DELETE", f"accounts({trade.account})")) == (405, "0x80040227")
    assert row(dv, f"contacts({contact})")["_parentcustomerid_value"] == trade.account
    line = trade.line(f"salesorderid:{order}")
    assert error_of(dv("DELETE", f"products({trade.product})")) == (405, "0x80040227")
    assert dv("DELETE", f"salesorders({order})").status_code == 204
    assert dv.get(f"salesorderdetails({line})").status_code == 404
    assert dv("DELETE", f"accounts({trade.account})").status_code == 204
    assert dv.get(f"contacts({contact})").status_code == 404
    assert row(dv, f"accounts({child})")["_parentaccountid_value"] is None


def order_body(trade: Trade, *quantities: Any) -> dict[str, Any]:
    links = bind(productid=f"products({trade.product})", uomid=f"uoms({trade.unit})")
    lines = [links | {"quantity": quantity} for quantity in quantities]
    links = bind(customerid_account=f"accounts({trade.account})", pricelevelid=f"pricelevels({trade.price_list})")
    return {"name": "Deep", "order_details": lines} | links


def test_199_deep_insert(dv: Wire, trade: Trade) -> None:
    order = created(dv, "salesorders", order_body(trade, 2, 3))
    lines = rows(dv, f"salesorderdetails?$filter=_salesorderid_value eq {order}&$orderby=lineitemnumber")
    assert [(line["quantity"], line["extendedamount"]) for line in lines] == [(2, 20), (3, 30)]
    assert row(dv, f"salesorders({order})")["totalamount"] == 50


def test_199_one_bad_line_undoes_all(dv: Wire, trade: Trade) -> None:
    assert dv("POST", "salesorders", order_body(trade, 2, "many")).status_code == 400
    assert rows(dv, "salesorders") == rows(dv, "salesorderdetails") == []
    inner = {"name": "A", "primarycontactid": {"lastname": "New", "nosuch": 1}}
    assert dv("POST", "accounts", inner).status_code == 400
    assert rows(dv, "contacts?$filter=lastname eq 'New'") == []


def test_199_new_target_of_a_lookup(dv: Wire) -> None:
    inner = {"lastname": "New", "parentcustomerid_account": {"name": "Parent"}}
    key = created(dv, "accounts", {"name": "A", "primarycontactid": inner})
    held = row(dv, f"accounts({key})?$expand=primarycontactid")["primarycontactid"]
    assert held["lastname"] == "New"
    assert row(dv, f"accounts({held['_parentcustomerid_value']})")["name"] == "Parent"
    updated = dv("PATCH", f"accounts({key})", {"contact_customer_accounts": [{"lastname": "M"}]})
    assert error_of(updated) == (400, "0x80048d19"), "there is no deep update"


@pytest.mark.parametrize("status", [412, 500])
def test_200_duplicate_rules_run_when_asked(dv: Wire, status: int) -> None:
    assert dv.sandbox
    dv.sandbox.switches.dv_duplicate_status = status
    body = {"name": "Twin", "emailaddress1": "twin@example.com"}
    key = created(dv, "accounts", body)
    asked = {"MSCRM.SuppressDuplicateDetection": "false"}
    assert error_of(dv("POST", "accounts", body, **asked)) == (status, "0x80040333")
    assert error_of(dv("POST", "accounts", {"name": "TWIN"}, **asked)) == (status, "0x80040333")
    assert len(rows(dv, "accounts?$filter=name eq 'Twin'")) == 1
    assert dv("POST", "accounts", body, **{"MSCRM.SuppressDuplicateDetection": "true"}).status_code == 204
    assert dv("POST", "accounts", body).status_code == 204, "without the header the rules sleep"
    assert len(rows(dv, "accounts?$filter=name eq 'Twin'")) == 3
    assert dv("PATCH", f"accounts({key})", {"fax": "1"}, **asked).status_code == 204


def test_200_inactive_rows_are_no_duplicates(dv: Wire) -> None:
    key = created(dv, "accounts", {"name": "Twin"})
    dv("PATCH", f"accounts({key})", {"statecode": 1})
    asked = {"MSCRM.SuppressDuplicateDetection": "false"}
    assert dv("POST", "accounts", {"name": "Twin"}, **asked).status_code == 204
    assert error_of(dv("POST", "accounts", {"name": "Twin"}, **asked)) == (412, "0x80040333")
    assert error_of(dv("PATCH", f"accounts({UNKNOWN})", {"name": "Twin"}, **asked)) == (412, "0x80040333")
    assert len(rows(dv, "accounts?$filter=name eq 'Twin'")) == 2
