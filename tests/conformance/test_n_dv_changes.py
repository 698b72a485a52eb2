"""Conformance N: Dataverse change tracking, lines 232 to 240, the service's side."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.conftest import Wire
from tests.conformance.dataverse import UNKNOWN, created, guid, insert, rows

TRACK = "odata.track-changes"
SELECT = "accounts?$select=name,accountnumber"


def begin(dv: Wire) -> str:
    """Read the accounts once and return the delta link."""
    return str(dv.get(SELECT, Prefer=TRACK).json()["@odata.deltaLink"])


def follow(dv: Wire, link: str, **headers: str) -> dict[str, Any]:
    answer = dv.get(link, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_232_delta_link_on_the_last_page_only(dv: Wire) -> None:
    answer = dv.get(SELECT, Prefer=f"{TRACK},odata.maxpagesize=12")
    assert set(answer.headers["Preference-Applied"].split(",")) == {TRACK, "odata.maxpagesize=12"}
    seen, pages = set(), 0
    while True:
        body, pages = answer.json(), pages + 1
        seen |= {item["accountid"] for item in body["value"]}
        if "@odata.nextLink" not in body:
            break
        assert "@odata.deltaLink" not in body
        assert "istracking=%22True%22" in body["@odata.nextLink"]
        answer = dv.get(body["@odata.nextLink"], Prefer="odata.maxpagesize=12")
    assert pages > 1
    assert dv.sandbox
    assert len(seen) == dv.sandbox.rows("dv", "accounts")
    form = r"/accounts\?\$select=name,accountnumber&\$deltatoken=\d+%21\d\d%2F\d\d%2F\d{4}%20\d\d%3A\d\d%3A\d\d$"
    assert re.search(form, body["@odata.deltaLink"])


def test_232_changes_during_the_read_are_in_the_next_answer(dv: Wire) -> None:
    first = dv.get(SELECT, Prefer=f"{TRACK},odata.maxpagesize=5").json()
    key = first["value"][0]["accountid"]
    dv("PATCH", f"accounts({key})", {"name": "Changed meanwhile"})
    body = first
    while "@odata.nextLink" in body:
        body = follow(dv, body["@odata.nextLink"])
    assert [item["accountid"] for item in follow(dv, body["@odata.deltaLink"])["value"]] == [key]


def test_233_nothing_changed(dv: Wire) -> None:
    body = follow(dv, begin(dv))
    assert body["value"] == []
    assert body["@odata.context"].endswith("#accounts(name,accountnumber)/$delta")
    assert follow(dv, body["@odata.deltaLink"])["value"] == []


def test_234_changed_rows_then_removals(dv: Wire) -> None:
    one, two, three = (created(dv, "accounts", {"name": name, "accountnumber": "N"}) for name in "ABC")
    link = begin(dv)
    assert dv("DELETE", f"accounts({two})").status_code == 204
    dv("PATCH", f"accounts({three})", {"name": "C2"})
    dv("PATCH", f"accounts({one})", {"name": "A2"})
    value = follow(dv, link)["value"]
    assert [item.get("accountid") for item in value[:2]] == [three, one], "ordered by version"
    assert (value[1]["name"], value[1]["accountnumber"]) == ("A2", "N"), "a whole selection, not a difference"
    context = f"{dv.root}/$metadata#accounts/$deletedEntity"
    assert value[2:] == [{"@odata.context": context, "id": two, "reason": "deleted"}]


def test_235_created_and_deleted_between_polls(dv: Wire) -> None:
    link = begin(dv)
    key = created(dv, "accounts", {"name": "Short"})
    dv("DELETE", f"accounts({key})")
    assert [(item["id"], item["reason"]) for item in follow(dv, link)["value"]] == [(key, "deleted")]


def test_235_deleted_and_made_again_is_a_changed_row(dv: Wire) -> None:
    created(dv, "accounts", {"accountid": UNKNOWN, "name": "First"})
    link = begin(dv)
    dv("DELETE", f"accounts({UNKNOWN})")
    created(dv, "accounts", {"accountid": UNKNOWN, "name": "Second"})
    assert [item.get("name") for item in follow(dv, link)["value"]] == ["Second"]


@pytest.mark.parametrize("option", ["$filter=name eq 'A'", "$orderby=name", "$expand=primarycontactid", "$top=1"])
def test_236_options_that_do_not_go_with_it(dv: Wire, option: str) -> None:
    name = option.partition("=")[0]
    text = f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'
    for answer in (dv.get(f"{SELECT}&{option}", Prefer=TRACK), dv.get(f"{begin(dv)}&{option}")):
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == text


def test_237_more_changes_than_a_page(dv: Wire) -> None:
    link = begin(dv)
    assert dv.sandbox
    insert(dv.sandbox, "account", ({"accountid": guid(number), "name": str(number)} for number in range(5003)))
    gone = guid(7)
    dv("DELETE", f"accounts({gone})")
    first = follow(dv, link)
    assert (len(first["value"]), "@odata.deltaLink" in first) == (5000, False)
    late = guid(9)
    dv("PATCH", f"accounts({late})", {"name": "Changed between pages"})
    second = follow(dv, first["@odata.nextLink"])
    assert "@odata.nextLink" not in second
    value = first["value"] + second["value"]
    keys = [item.get("accountid") or item["id"] for item in value]
    assert sorted(keys) == sorted(guid(number) for number in range(5003))
    assert value[-1]["id"] == gone
    assert [item["name"] for item in follow(dv, second["@odata.deltaLink"])["value"]] == ["Changed between pages"]


def test_237_small_pages_hold_rows_and_removals(dv: Wire) -> None:
    keys = [created(dv, "accounts", {"name": str(number)}) for number in range(7)]
    link = begin(dv)
    for key in keys[:4]:
        dv("DELETE", f"accounts({key})")
    for key in keys[4:]:
        dv("PATCH", f"accounts({key})", {"name": "Kept"})
    found: list[Any] = []
    while True:
        body = follow(dv, link, Prefer="odata.maxpagesize=2")
        found += body["value"]
        if "@odata.nextLink" not in body:
            break
        link = body["@odata.nextLink"]
    assert [item.get("accountid") or item["id"] for item in found] == keys[4:] + keys[:4]


def test_238_expired_token(dv: Wire) -> None:
    link = begin(dv)
    old = (datetime.now(UTC) - timedelta(days=8)).strftime("%m%%2F%d%%2F%Y")
    expired = re.sub(r"\d\d%2F\d\d%2F\d{4}", old, link)
    answer = dv.get(expired)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x80044352")
    organization = rows(dv, "organizations")[0]["organizationid"]
    dv("PATCH", f"organizations({organization})", {"expirechangetrackingindays": 30})
    assert dv.get(expired).status_code == 200


@pytest.mark.parametrize("token", ["999999999999%2101%2F01%2F2026%2000%3A00%3A00", "nonsense"])
def test_238_foreign_token(dv: Wire, token: str) -> None:
    assert dv.get(f"{SELECT}&$deltatoken={token}").status_code == 400


def test_239_count_of_pending_changes(dv: Wire) -> None:
    keys = [created(dv, "accounts", {"name": name}) for name in "ABC"]
    link = begin(dv)
    count = link.replace("/accounts?", "/accounts/$count?")
    assert dv.get(count).text == "0"
    dv("PATCH", f"accounts({keys[0]})", {"name": "A2"})
    dv("DELETE", f"accounts({keys[1]})")
    answer = dv.get(count)
    assert (answer.text, answer.headers["content-type"]) == ("2", "text/plain")


def test_240_table_without_change_tracking(dv: Wire) -> None:
    answer = dv.get("annotations?$select=subject", Prefer=TRACK)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x80044353")
    definition = dv.get("EntityDefinitions(LogicalName='annotation')?$select=ChangeTrackingEnabled").json()
    assert definition["ChangeTrackingEnabled"] is False
