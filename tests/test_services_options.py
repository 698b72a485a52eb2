"""Values of choice columns as records: read in the user's language, made, renamed and removed, and then published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from d365kit.errors import NotThere, Refused, SettingsError, Unreachable
from d365kit.sandbox import Sandbox
from d365kit.services import KEY_COLUMN, Column, Dataverse, run
from tests.conformance.conftest import Clients, clients_of, no_wait

TERMS = "options/account.paymenttermscode"
SHARED = "options/account.new_agent"
COLUMNS = [Column("value", "integer"), Column("label")]
ALL = [*COLUMNS, Column("description"), Column("color")]
GERMAN, ENGLISH = 1031, 1033


def label(*, user: str = "", **languages: str) -> dict[str, Any]:
    """A label in languages given as ``l1031="…"``; ``user`` is what the user sees."""
    listed = [{"Label": text, "LanguageCode": int(name[1:])} for name, text in languages.items()]
    shown = {"Label": user, "LanguageCode": ENGLISH} if user else None
    return {"LocalizedLabels": listed, "UserLocalizedLabel": shown}


class Tenant:
    """An environment with one local and one shared choice column, as Microsoft's reference describes the actions.

    What an action changed is seen only once it is published.
    """

    def __init__(self) -> None:
        self.held: dict[str, list[dict[str, Any]]] = {
            "account.paymenttermscode": [
                {"Value": 1, "Label": label(user="Net 30", l1033="Net 30", l1031="30 Tage"), "Color": "#00FF00",
                 "Description": label(user="A month", l1033="A month")},
                {"Value": 4, "Label": label(l1033="Net 60", l1031="60 Tage"), "Description": label()},
            ],
            "new_agents": [{"Value": 100000000, "Label": label(user="Own lorry", l1033="Own lorry")}],
        }  # fmt: skip
        self.seen = json.loads(json.dumps(self.held))
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.lose_answers = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path).rpartition("/v9.2/")[2]
        body = json.loads(request.content) if request.content else {}
        self.asked.append((request.method, path, body))
        if request.method == "GET":
            return self.read(path)
        reply = self.act(path, body)
        if self.lose_answers and path != "PublishXml":
            self.lose_answers -= 1
            raise httpx.ReadTimeout("slow", request=request)
        return reply

    def read(self, path: str) -> httpx.Response:
        if path == "organizations":
            return httpx.Response(200, json={"value": [{"languagecode": GERMAN}]})
        column = re.match(r"EntityDefinitions\(LogicalName='account'\)/Attributes\(LogicalName='(\w+)'\)/", path)
        if column and column[1] == "paymenttermscode":
            own = {"IsGlobal": False, "Name": "account_paymenttermscode"}
            options = {**own, "Options": self.seen["account.paymenttermscode"]}
            return httpx.Response(200, json={"LogicalName": column[1], "OptionSet": options, "GlobalOptionSet": None})
        if column and column[1] == "new_agent":
            shared = {"IsGlobal": True, "Name": "new_agents", "Options": self.seen["new_agents"]}
            return httpx.Response(200, json={"LogicalName": column[1], "OptionSet": None, "GlobalOptionSet": shared})
        return httpx.Response(404, json={"error": {"code": "0x80060888", "message": "Could not find it."}})

    def act(self, path: str, body: dict[str, Any]) -> httpx.Response:
        if path == "PublishXml":
            name = re.search(r"<(optionset|entity)>(\w+)</", body["ParameterXml"])
            assert name
            key = name[2] if name[1] == "optionset" else f"{name[2]}.paymenttermscode"
            self.seen[key] = json.loads(json.dumps(self.held[key]))
            return httpx.Response(204)
        key = body.get("OptionSetName") or f"{body['EntityLogicalName']}.{body['AttributeLogicalName']}"
        options = self.held[key]
        there = {option["Value"]: option for option in options}
        if path == "InsertOptionValue":
            value = body.get("Value", 100000000 + len(options))
            if value in there:
                error = {"code": "0x80048403", "message": "The value is already in use."}
                return httpx.Response(400, json={"error": error})
            made = {"Value": value, "Label": self.shown(body["Label"]), "Description": body.get("Description")}
            options.append(made)
            return httpx.Response(200, json={"NewOptionValue": value})
        if path == "UpdateOptionValue":
            assert body["MergeLabels"] is True
            there[body["Value"]]["Label"] = self.shown(body["Label"])
            return httpx.Response(204)
        assert path == "DeleteOptionValue"
        options.remove(there[body["Value"]])
        return httpx.Response(204)

    @staticmethod
    def shown(sent: dict[str, Any]) -> dict[str, Any]:
        (only,) = sent["LocalizedLabels"]
        return {"LocalizedLabels": [only], "UserLocalizedLabel": only if only["LanguageCode"] == ENGLISH else None}

    def actions(self) -> list[str]:
        return [path for method, path, _ in self.asked if method == "POST"]


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


@pytest.fixture
def dv(tenant: Tenant) -> Iterator[Dataverse]:
    transport = httpx.MockTransport(tenant.answer)
    service = Dataverse("http://127.0.0.1/api/data/v9.2", None, transport=transport, sleep=no_wait)
    yield service
    run(service.close())


def test_values_are_rows_in_the_users_language_or_the_environments_own(dv: Dataverse) -> None:
    received = run(dv.rows(TERMS, ALL, key="value"))
    assert received.table.column_names == ["@odata.etag", "value", "label", "description", "color", KEY_COLUMN]
    assert received.table.drop_columns(["@odata.etag"]).to_pylist() == [
        {"value": 1, "label": "Net 30", "description": "A month", "color": "#00FF00", KEY_COLUMN: "1"},
        {"value": 4, "label": "60 Tage", "description": None, "color": None, KEY_COLUMN: "4"},
    ]
    assert received.table.column("@odata.etag").null_count == 2
    as_text = run(dv.rows(TERMS, [Column("value")], key="value")).table
    assert as_text.column("value").to_pylist() == ["1", "4"], "asked for as an id"
    only = run(dv.rows(TERMS, [Column("label")], key="value")).table
    assert only.column_names == ["@odata.etag", "label", KEY_COLUMN]
    assert only.column(KEY_COLUMN).to_pylist() == ["1", "4"]
    assert run(dv.rows(SHARED, COLUMNS, key="value")).table.column("label").to_pylist() == ["Own lorry"]


def test_a_choice_column_is_described_and_one_that_is_not_there_is_named(dv: Dataverse) -> None:
    table = run(dv.describe(TERMS))
    assert (table.set, table.key) == (TERMS, "value")
    table.require(["value", "label", "description", "color"], "Dataverse")
    with pytest.raises(SettingsError, match=f"no property name on {TERMS}"):
        table.require(["name"], "Dataverse")
    for wrong in ("options/account.nosuch", "options/acount.paymenttermscode", "options/account"):
        with pytest.raises(SettingsError, match="no choice column"):
            run(dv.describe(wrong))


@pytest.mark.parametrize(
    ("table", "column", "named", "published"),
    [("account", "paymenttermscode", {"EntityLogicalName": "account", "AttributeLogicalName": "paymenttermscode"},
      "<entities><entity>account</entity></entities>"),
     ("account", "new_agent", {"OptionSetName": "new_agents"},
      "<optionsets><optionset>new_agents</optionset></optionsets>")],
)  # fmt: skip
def test_a_value_is_made_and_published(
    dv: Dataverse, tenant: Tenant, table: str, column: str, named: dict[str, str], published: str
) -> None:
    address = f"options/{table}.{column}"
    made = run(dv.insert_option(table, column, 77, "Net 90", "A quarter"))
    assert (made.id, made.etag, made.row["label"]) == ("77", "", "Net 90")
    (_, insert, sent), (_, publish, xml) = [a for a in tenant.asked if a[0] == "POST"]
    assert (insert, publish) == ("InsertOptionValue", "PublishXml")
    assert {name: sent[name] for name in named} == named
    assert len(set(sent) & {"OptionSetName", "EntityLogicalName"}) == 1
    assert sent["Value"] == 77
    assert [(la["Label"], la["LanguageCode"]) for la in sent["Label"]["LocalizedLabels"]] == [("Net 90", ENGLISH)]
    assert xml == {"ParameterXml": f"<importexportxml>{published}</importexportxml>"}
    assert run(dv.get(address, "77"))["label"] == "Net 90"
    assert "77" in run(dv.rows(address, COLUMNS, key="value")).table.column(KEY_COLUMN).to_pylist()


def test_a_number_may_be_left_to_dataverse(dv: Dataverse, tenant: Tenant) -> None:
    made = run(dv.insert_option("account", "new_agent", None, "DHL"))
    assert made.id == "100000001"
    assert "Value" not in tenant.asked[-2][2]
    again = run(dv.create(SHARED, "value", {"label": "UPS"}))
    assert (again.id, again.row["value"]) == ("100000002", 100000002)


def test_a_value_is_renamed_and_removed(dv: Dataverse, tenant: Tenant) -> None:
    changed = run(dv.update_option("account", "paymenttermscode", 4, "Net 60"))
    assert (changed.id, changed.row["label"]) == ("4", "Net 60")
    assert run(dv.get(TERMS, "4"))["label"] == "Net 60"
    run(dv.update(TERMS, "value", "4", "", {"label": "Two months"}))
    run(dv.delete(TERMS, "1", ""))
    assert run(dv.rows(TERMS, COLUMNS, key="value")).table.column("label").to_pylist() == ["Two months"]
    assert tenant.actions() == ["UpdateOptionValue", "PublishXml"] * 2 + ["DeleteOptionValue", "PublishXml"]
    for work in (dv.get(TERMS, "9"), dv.update(TERMS, "value", "9", "", {"label": "A"}), dv.delete(TERMS, "9", "")):
        with pytest.raises(NotThere, match="has no value 9"):
            run(work)


def test_a_number_that_means_something_else_is_refused(dv: Dataverse, tenant: Tenant) -> None:
    with pytest.raises(Refused, match="already in use"):
        run(dv.insert_option("account", "paymenttermscode", 1, "Net 90"))
    assert tenant.held["account.paymenttermscode"][0]["Label"]["UserLocalizedLabel"]["Label"] == "Net 30"
    assert run(dv.insert_option("account", "paymenttermscode", 1, "Net 30")).id == "1"


def test_an_answer_that_was_lost_is_not_sent_again_and_found_done_later(dv: Dataverse, tenant: Tenant) -> None:
    tenant.lose_answers = 1
    with pytest.raises(Unreachable):
        run(dv.insert_option("account", "paymenttermscode", 90, "Net 90"))
    assert tenant.actions() == ["InsertOptionValue"]
    assert "90" not in run(dv.rows(TERMS, COLUMNS, key="value")).table.column(KEY_COLUMN).to_pylist()
    made = run(dv.insert_option("account", "paymenttermscode", 90, "Net 90"))
    assert made.id == "90"
    assert "90" in run(dv.rows(TERMS, COLUMNS, key="value")).table.column(KEY_COLUMN).to_pylist()
    assert [o["Value"] for o in tenant.held["account.paymenttermscode"]] == [1, 4, 90]


def test_many_values_are_written_one_by_one_with_a_result_each(dv: Dataverse) -> None:
    bodies = [{"value": 1, "label": "Other"}, {"value": 7, "label": "Net 7"}, {"value": 8, "label": "Net 8"}]
    refused, seven, eight = run(dv.create_many(TERMS, "value", bodies))
    assert isinstance(refused, Refused)
    assert (seven.id, eight.id) == ("7", "8")  # type: ignore[union-attr]
    changes = [("7", "", {"label": "Week"}), ("99", "", {"label": "Never"})]
    week, never = run(dv.update_many(TERMS, "value", changes))
    assert week.row["label"] == "Week"  # type: ignore[union-attr]
    assert isinstance(never, NotThere)


# --- the sandbox ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    with Sandbox.create(customers=8, faults=(), dirt=0) as sandbox:
        made = clients_of(sandbox)
        yield made
        run(made.dv.close())


def test_choice_columns_of_the_sandbox_are_read(clients: Clients) -> None:
    table = run(clients.dv.rows(TERMS, COLUMNS, key="value")).table
    assert table.num_rows > 2
    assert table.column("label").null_count == 0
    assert table.column(KEY_COLUMN).to_pylist() == [str(v) for v in table.column("value").to_pylist()]
    assert run(clients.dv.changes(TERMS, COLUMNS, key="value")).whole
    for wrong in (
        "options/account.nosuch",
        "options/nosuch.name",
        "options/account.name",
        "options/account.statecode",
    ):
        with pytest.raises(SettingsError, match="no choice column"):
            run(clients.dv.describe(f"options/{wrong}"))


def test_the_sandbox_takes_the_same_writes(clients: Clients) -> None:
    dv = clients.dv
    given, own = run(dv.create_many(TERMS, "value", [{"value": 77, "label": "Net 77"}, {"label": "Net 90"}]))
    assert (given.id, own.id) == ("77", "100000000")  # type: ignore[union-attr]
    assert clients.sandbox.writes["dv"] == 2, "publishing writes nothing"
    again = run(dv.insert_option("account", "paymenttermscode", 77, "Net 77"))
    assert again.id == "77"
    with pytest.raises(Refused, match="exists already"):
        run(dv.insert_option("account", "paymenttermscode", 77, "Net 78"))
    run(dv.update_option("account", "paymenttermscode", 77, "Net 78"))
    assert run(dv.get(TERMS, "77"))["label"] == "Net 78"
    account = run(dv.create("accounts", "accountid", {"name": "A", "paymenttermscode": 77}))
    assert run(dv.get("accounts", account.id))["paymenttermscode"] == 77
    for value in ("77", own.id):
        run(dv.delete(TERMS, value, ""))
    assert not {"77", own.id} & set(run(dv.rows(TERMS, COLUMNS, key="value")).table.column(KEY_COLUMN).to_pylist())
    xml = "<importexportxml><entities><entity>nosuch</entity></entities></importexportxml>"
    with pytest.raises(Refused, match="nothing called 'nosuch'"):
        run(dv.ask("PublishXml", method="POST", body={"ParameterXml": xml}))


def test_a_table_tells_its_lengths_when_asked(clients: Clients) -> None:
    plain = run(clients.dv.describe("accounts"))
    asked = len(clients.wire.requests)
    table = run(clients.dv.describe("accounts", lengths=True))
    assert len(clients.wire.requests) == asked + 3
    assert (table.properties["name"].length, table.properties["description"].length) == (160, 2000)
    assert table.properties["creditlimit"].length == 0
    assert table.properties["paymenttermscode"].declared == "Picklist"
    assert (table.properties["createdon"].update, table.properties["name"].update) == (False, True)
    assert plain.properties.keys() == table.properties.keys()
    run(clients.dv.describe("accounts", lengths=True))
    assert len(clients.wire.requests) == asked + 3, "asked for once"
