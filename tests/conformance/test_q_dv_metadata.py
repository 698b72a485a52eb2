"""Conformance Q: Dataverse metadata, lines 273 to 280, the service's side."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from tests.conformance.conftest import Wire, error_of
from tests.conformance.dataverse import ANY, CRM, created, key_on, row, rows

ACCOUNT = "EntityDefinitions(LogicalName='account')"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


@pytest.mark.read_only
@pytest.mark.parametrize(
    "query",
    [
        "$filter=LogicalName eq 'account'&$select=LogicalName,EntitySetName,PrimaryIdAttribute",
        "%24select=LogicalName%2CEntitySetName%2CPrimaryIdAttribute&%24filter=LogicalName+eq+%27account%27",
    ],
)
def test_273_one_definition_by_filter(dv: Wire, query: str) -> None:
    found = rows(dv, f"EntityDefinitions?{query}")
    assert len(found) == 1
    names = ("LogicalName", "EntitySetName", "PrimaryIdAttribute")
    assert [found[0][name] for name in names] == ["account", "accounts", "accountid"]
    assert set(found[0]) == {*names, "MetadataId"}


@pytest.mark.read_only
def test_273_filters_of_metadata(dv: Wire) -> None:
    two = rows(dv, "EntityDefinitions?$filter=LogicalName eq 'account' or EntitySetName eq 'uoms'&$select=SchemaName")
    assert {item["SchemaName"] for item in two} == {"Account", "UoM"}
    tracked = rows(dv, "EntityDefinitions?$filter=ChangeTrackingEnabled eq false&$select=LogicalName")
    assert "annotation" in {item["LogicalName"] for item in tracked}
    assert dv.get("EntityDefinitions?$filter=startswith(LogicalName,'acc')").status_code == 400


@pytest.mark.read_only
def test_274_columns(dv: Wire) -> None:
    names = "LogicalName,AttributeType,RequiredLevel,IsValidForCreate,IsValidForUpdate"
    whole = row(dv, f"{ACCOUNT}?$select=LogicalName&$expand=Attributes($select={names})")
    columns = {item["LogicalName"]: item for item in whole["Attributes"]}

    def facts(name: str) -> tuple[object, ...]:
        item = columns[name]
        valid = (item["IsValidForCreate"], item["IsValidForUpdate"])
        return (item["AttributeType"], item["RequiredLevel"]["Value"], *valid)

    assert facts("name") == ("String", "ApplicationRequired", True, True)
    assert facts("accountid") == ("Uniqueidentifier", "SystemRequired", True, False)
    assert facts("createdon") == ("DateTime", "None", False, False)
    assert facts("statecode") == ("State", "SystemRequired", False, True)
    assert facts("primarycontactid")[0] == "Lookup"
    assert facts("description")[0] == "Memo"
    assert facts("ownerid")[0] == "Owner"
    every = row(dv, f"{ACCOUNT}?$expand=Attributes")["Attributes"]
    assert next(item for item in every if item["LogicalName"] == "name")["MaxLength"] == 160


@pytest.mark.read_only
@pytest.mark.parametrize(
    ("kind", "column", "option"),
    [
        ("Picklist", "customertypecode", (3, "Customer")),
        ("State", "statecode", (1, "Inactive")),
        ("Status", "statuscode", (2, "Inactive")),
    ],
)
def test_275_options_of_choices(dv: Wire, kind: str, column: str, option: tuple[int, str]) -> None:
    cast = f"{ACCOUNT}/Attributes/{CRM}.{kind}AttributeMetadata"
    found = rows(
        dv, f"{cast}?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
    )
    options = next(item for item in found if item["LogicalName"] == column)["OptionSet"]["Options"]
    labels = {item["Value"]: item["Label"]["UserLocalizedLabel"]["Label"] for item in options}
    assert labels[option[0]] == option[1]
    if kind == "Status":
        assert {item["Value"]: item["State"] for item in options} == {1: 0, 2: 1}
    assert all(item["@odata.type"] == f"#{CRM}.{kind}AttributeMetadata" for item in found)


def label(text: str) -> dict[str, Any]:
    one = {"@odata.type": f"{CRM}.LocalizedLabel", "Label": text, "LanguageCode": 1033}
    return {"@odata.type": f"{CRM}.Label", "LocalizedLabels": [one]}


def options(dv: Wire, entity: str = "account", column: str = "paymenttermscode") -> dict[int, str]:
    """The options of one choice column, as metadata shows them."""
    place = f"EntityDefinitions(LogicalName='{entity}')/Attributes(LogicalName='{column}')"
    found = row(dv, f"{place}/{CRM}.PicklistAttributeMetadata?$expand=OptionSet,GlobalOptionSet")
    assert found["GlobalOptionSet"] is None
    return {item["Value"]: item["Label"]["UserLocalizedLabel"]["Label"] for item in found["OptionSet"]["Options"]}


TERMS = {"EntityLogicalName": "account", "AttributeLogicalName": "paymenttermscode"}


def test_275_options_are_added_renamed_and_taken_away(dv: Wire) -> None:
    before = options(dv)
    assert before == {1: "Net 30", 2: "2% 10, Net 30", 3: "Net 45", 4: "Net 60"}
    made = [dv("POST", "InsertOptionValue", TERMS | {"Label": label(text)}) for text in ("21 TAGE", "8 TAGE")]
    assert [answer.status_code for answer in made] == [200, 200]
    assert [answer.json()["NewOptionValue"] for answer in made] == [100_000_000, 100_000_001]
    given = dv("POST", "InsertOptionValue", TERMS | {"Label": label("Cash"), "Value": 7})
    assert given.json()["NewOptionValue"] == 7
    assert options(dv) == before | {100_000_000: "21 TAGE", 100_000_001: "8 TAGE", 7: "Cash"}
    assert options(dv, "salesorder") == before, "each column has options of its own"
    key = created(dv, "accounts", {"name": "A", "paymenttermscode": 100_000_001})
    assert row(dv, f"accounts({key})")["paymenttermscode"] == 100_000_001
    annotated = dv.get(f"accounts({key})?$select=paymenttermscode", Prefer=ANY).json()
    assert annotated["paymenttermscode@OData.Community.Display.V1.FormattedValue"] == "8 TAGE"
    assert error_of(dv("PATCH", f"accounts({key})", {"paymenttermscode": 8})) == (400, "0x8004431A")
    renamed = {"Value": 100_000_001, "Label": label("8 days"), "MergeLabels": True}
    assert dv("POST", "UpdateOptionValue", TERMS | renamed).status_code == 204
    assert options(dv)[100_000_001] == "8 days"
    assert dv("POST", "DeleteOptionValue", TERMS | {"Value": 100_000_001}).status_code == 204
    assert 100_000_001 not in options(dv)
    assert row(dv, f"accounts({key})")["paymenttermscode"] == 100_000_001, "rows keep the value"
    assert error_of(dv("POST", "accounts", {"name": "B", "paymenttermscode": 100_000_001}))[1] == "0x8004431A"
    for value in (1, 2, 3, 4, 7, 100_000_000):
        dv("POST", "DeleteOptionValue", TERMS | {"Value": value})
    assert options(dv) == {}


@pytest.mark.parametrize(
    ("action", "body", "refusal"),
    [
        ("InsertOptionValue", TERMS | {"Label": label("Again"), "Value": 1}, (400, "0x80048403")),
        ("InsertOptionValue", TERMS, (400, "0x80040203")),
        ("InsertOptionValue", TERMS | {"Label": label("A"), "Value": "x"}, (400, "0x80040203")),
        ("InsertOptionValue", TERMS | {"Label": label("A"), "EntityLogicalName": "nosuch"}, (400, "0x80041102")),
        ("InsertOptionValue", TERMS | {"Label": label("A"), "AttributeLogicalName": "nosuch"}, (400, "0x80041103")),
        ("InsertOptionValue", TERMS | {"Label": label("A"), "AttributeLogicalName": "name"}, (400, "0x80048403")),
        ("InsertOptionValue", {"OptionSetName": "shared", "Label": label("A")}, (404, "0x80048403")),
        ("UpdateOptionValue", TERMS | {"Value": 99, "Label": label("A"), "MergeLabels": True}, (400, "0x80048403")),
        ("UpdateOptionValue", TERMS | {"Value": 1, "Label": label("A")}, (400, "0x80040203")),
        ("DeleteOptionValue", TERMS | {"Value": 99}, (400, "0x80048403")),
        ("DeleteOptionValue", TERMS, (400, "0x80040203")),
    ],
)
def test_275_wrong_changes_of_options_are_refused(
    dv: Wire, action: str, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    before = options(dv)
    assert error_of(dv("POST", action, body)) == refusal
    assert options(dv) == before


@pytest.mark.read_only
def test_276_navigation_names(dv: Wire) -> None:
    def names(entity: str) -> dict[tuple[str, str], str]:
        found = rows(dv, f"EntityDefinitions(LogicalName='{entity}')/ManyToOneRelationships")
        keys = ("ReferencingAttribute", "ReferencedEntity")
        return {tuple(item[key] for key in keys): item["ReferencingEntityNavigationPropertyName"] for item in found}  # type: ignore[misc]

    assert names("account")["primarycontactid", "contact"] == "primarycontactid"
    assert names("salesorder")["customerid", "contact"] == "customerid_contact"
    assert names("invoicedetail")["salesorderdetailid", "salesorderdetail"] == "SalesOrderDetailId"
    parents = rows(dv, f"{ACCOUNT}/OneToManyRelationships?$filter=ReferencingEntity eq 'contact'")
    assert "contact_customer_accounts" in {item["ReferencedEntityNavigationPropertyName"] for item in parents}
    pairs = rows(dv, "EntityDefinitions(LogicalName='systemuser')/ManyToManyRelationships")
    assert "systemuserroles_association" in {item["SchemaName"] for item in pairs}


def test_277_keys(dv: Wire) -> None:
    assert rows(dv, f"{ACCOUNT}/Keys") == []
    key_on(dv, "account", "accountnumber")
    found = rows(dv, f"{ACCOUNT}/Keys?$select=SchemaName,KeyAttributes,EntityKeyIndexStatus")
    assert [(item["KeyAttributes"], item["EntityKeyIndexStatus"]) for item in found] == [
        (["accountnumber"], "Active")
    ]
    assert row(dv, f"{ACCOUNT}?$expand=Keys")["Keys"][0]["SchemaName"] == "key_accountnumber"


@pytest.mark.read_only
def test_278_csdl_with_and_without_annotations(dv: Wire) -> None:
    plain, more = dv.get("$metadata"), dv.get("$metadata?annotations=true")
    assert plain.headers["content-type"] == more.headers["content-type"] == "application/xml"
    trees = [ElementTree.fromstring(answer.content) for answer in (plain, more)]
    counts = [len(list(tree.iter(f"{EDM}Annotation"))) for tree in trees]
    assert counts[0] == 0
    assert counts[1] > 0
    types = {item.get("Name"): item for item in trees[0].iter(f"{EDM}EntityType")}
    links = {item.get("Name"): item.get("Type") for item in types["account"].iter(f"{EDM}NavigationProperty")}
    assert links["contact_customer_accounts"] == f"Collection({CRM}.contact)"
    assert links["primarycontactid"] == f"{CRM}.contact"
    assert "" not in links


@pytest.mark.read_only
def test_279_unknown_table(dv: Wire) -> None:
    assert rows(dv, "EntityDefinitions?$filter=LogicalName eq 'nosuch'") == []
    assert dv.get("EntityDefinitions(LogicalName='nosuch')").status_code == 404
    assert dv.get(f"{ACCOUNT}/Attributes(LogicalName='nosuch')").status_code == 404
    assert row(dv, f"{ACCOUNT}/Attributes(LogicalName='name')")["AttributeType"] == "String"


@pytest.mark.read_only
def test_280_metadata_does_not_page(dv: Wire) -> None:
    answer = dv.get("EntityDefinitions?$select=LogicalName", Prefer="odata.maxpagesize=2")
    body = answer.json()
    assert len(body["value"]) > 20
    assert "@odata.nextLink" not in body
    assert "Preference-Applied" not in answer.headers


def test_metadata_is_not_changed_here(dv: Wire) -> None:
    assert dv("PUT", ACCOUNT, {"ChangeTrackingEnabled": False}).status_code == 405
    assert row(dv, f"{ACCOUNT}?$select=ChangeTrackingEnabled")["ChangeTrackingEnabled"] is True
