"""The control endpoint: what it shows, what it changes, and whom it answers."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.faults import KINDS
from d365kit.sandbox.switches import Switches
from d365kit.services import run
from tests.conformance.conftest import Wire, sandbox, wire_to  # noqa: F401
from tests.conformance.helpers_edge import served
from tests.conftest import REPOSITORY

CONTROL = "http://127.0.0.1/sandbox/control"


@pytest.fixture
def dv(sandbox: Sandbox) -> Wire:  # noqa: F811
    return wire_to(sandbox, "dv")


def test_it_shows_switches_limits_counts_and_faults(dv: Wire) -> None:
    dv.get("WhoAmI")
    shown = dv.get(CONTROL, Authorization="").json()
    assert set(shown["switches"]) == {field.name for field in fields(Switches)}
    assert (shown["limits"]["bc"]["requests"], shown["limits"]["bc"]["execution_seconds"]) == (6000, None)
    assert shown["protection"]["dv"]["requests"] == 1
    assert shown["faults"] == {"seed": 0, "rules": [], "happened": []}
    assert (shown["requests"]["dv"], shown["tokens_issued"]) == (1, 0)


def test_it_changes_switches_limits_and_faults_and_clears_them(dv: Wire) -> None:
    assert dv.sandbox is not None
    body: dict[str, Any] = {
        "switches": {"dv_error_codes": "decimal", "dv_web_servers": 2},
        "limits": {"dv": {"requests": 3, "execution_seconds": None}},
        "faults": [{"kind": "throttled", "side": "dv", "first": 1, "retry_after": 1}],
        "tokens": {"lifetime": 5},
    }
    assert dv("POST", CONTROL, body).status_code == 200
    assert (dv.sandbox.switches.dv_error_codes, dv.sandbox.switches.dv_web_servers) == ("decimal", 2)
    assert dv.sandbox.protection.limits["dv"].requests == 3
    assert dv.sandbox.identity.lifetime == 5
    assert dv.get("WhoAmI").json()["error"]["code"] == "-2147015902"
    shown = dv.get(CONTROL).json()["faults"]["happened"]
    assert [(one["side"], one["kind"], one["target"]) for one in shown] == [("dv", "throttled", "WhoAmI")]
    cleared = dv("POST", CONTROL, {"clear": ["faults", "protection", "tokens"]}).json()
    assert cleared["faults"]["rules"] == cleared["faults"]["happened"] == []
    assert cleared["protection"]["dv"]["requests"] == 0
    assert dv("POST", CONTROL, {"storm": 5}).json()["faults"]["rules"][0]["stubborn"] is True
    assert dv("POST", CONTROL, {"storm": {"seed": 1, "side": "dv", "writes": True}}).json()["faults"]["seed"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"switches": {"nonsense": True}},
        {"switches": {"bc_retry_after": "yes"}},
        {"switches": {"dv_web_servers": True}},
        {"limits": {"dv": {"nonsense": 1}}},
        {"limits": {"xx": {"requests": 1}}},
        {"limits": {"dv": {"requests": "many"}}},
        {"limits": {"dv": {"requests": None}}},
        {"faults": [{"kind": "nonsense"}]},
        {"clear": ["everything"]},
        {"storm": {"speed": 1}},
        {"tokens": {"renew": True}},
        {"nonsense": 1},
        [],
    ],
)
def test_what_it_does_not_know_changes_nothing(dv: Wire, wrong: Any) -> None:
    before = dv.get(CONTROL).json()
    body = {"switches": {"bc_retry_after": True}, **wrong} if isinstance(wrong, dict) else wrong
    if isinstance(wrong, dict) and "switches" in wrong:
        body = {"limits": {"dv": {"requests": 9}}, **wrong}
    answer = dv("POST", CONTROL, body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert dv.get(CONTROL).json() == before
    assert dv("POST", CONTROL, b"{").status_code == 400
    assert dv("DELETE", CONTROL).status_code == 405


def test_it_answers_this_machine_alone(dv: Wire) -> None:
    assert dv.sandbox is not None

    async def from_afar(client: tuple[str, int], headers: dict[str, str]) -> int:
        transport = httpx.ASGITransport(dv.sandbox.app, client=client)  # type: ignore[union-attr]
        async with httpx.AsyncClient(transport=transport) as http:
            return (await http.get(CONTROL, headers=headers)).status_code

    assert run(from_afar(("192.0.2.7", 5), {})) == 403
    assert run(from_afar(("127.0.0.1", 5), {"Origin": "https://page.example"})) == 403
    assert run(from_afar(("127.0.0.1", 5), {"Origin": "http://localhost:8888"})) == 200
    assert run(from_afar(("::1", 5), {})) == 200


def test_a_served_sandbox_announces_it_and_a_certificate_where_asked(sandbox: Sandbox, tmp_path: Path) -> None:  # noqa: F811
    with served(sandbox, tls=True, folder=tmp_path) as ready:
        shown = json.loads(httpx.get(ready["control"], trust_env=False).content)
        assert shown["requests"]["dv"] == 0
        assert Path(ready["certificate"]).parent == tmp_path
        assert (tmp_path / "sandbox-key.pem").stat().st_mode & 0o077 == 0
    with served(sandbox, tls=True) as ready:
        folder = Path(ready["certificate"]).parent
        assert folder.is_dir()
    assert not folder.exists()


def test_pages_may_be_made_small(sandbox: Sandbox) -> None:  # noqa: F811
    dv, bc = wire_to(sandbox, "dv"), wire_to(sandbox, "bc")
    dv("POST", CONTROL, {"switches": {"dv_page_maximum": 3, "bc_page_maximum": 4}})
    for wire, path, size in ((dv, "accounts?$select=name", 3), (bc, bc.in_company("customers?$select=id"), 4)):
        answer = wire.get(path).json()
        assert (len(answer["value"]), "@odata.nextLink" in answer) == (size, True)
        assert len(wire.get(path, Prefer="odata.maxpagesize=100").json()["value"]) == size
        assert len(wire.get(path, Prefer="odata.maxpagesize=2").json()["value"]) == 2


def test_the_command_line_announces_tls(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "d365kit.sandbox", "--customers", "5", "--json", "--exit-with-stdin", "--tls",
               "--tls-folder", str(tmp_path)]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        context = ssl.create_default_context(cafile=ready["certificate"])
        headers = {"Authorization": f"Bearer {ready['token']}"}
        answer = httpx.get(f"{ready['tls_dv']}/WhoAmI", headers=headers, verify=context, trust_env=False)
        process.stdin.close()
        assert process.wait(20) == 0
    assert answer.json()["@odata.context"].startswith(ready["tls_dv"])
    assert Path(ready["certificate"]).parent == tmp_path


def test_the_document_tells_every_kind_of_fault_and_its_example_works(dv: Wire) -> None:
    text = (REPOSITORY / "docs" / "sandbox.md").read_text("utf-8")
    table = text.partition("## Faults")[2].partition("## Limits")[0]
    told = {word for line in table.splitlines() if line.startswith("| `") for word in line.split("|")[1].split()}
    assert {word.strip("`") for word in told} == set(KINDS)
    example = json.loads(text.partition("```json")[2].partition("```")[0])
    answer = dv("POST", CONTROL, example)
    assert answer.status_code == 200, answer.text
    assert answer.json()["faults"]["rules"][-1]["every"] == 5
