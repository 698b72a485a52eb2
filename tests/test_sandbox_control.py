"""The control endpoint: what it shows, what it changes, and whom it answers."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.switches import Switches
from d365kit.services import run
from tests.conformance.conftest import Wire, sandbox, wire_to  # noqa: F401
from tests.conformance.helpers_edge import served

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
