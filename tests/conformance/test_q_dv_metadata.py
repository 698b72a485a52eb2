"""Conformance Q: Dataverse metadata, lines 273 to 280, the service's side."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.conformance.conftest import Wire
from tests.conformance.dataverse import CRM, key_on, row, rows

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
