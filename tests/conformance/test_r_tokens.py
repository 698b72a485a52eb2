"""Conformance R: the token service (lines 281 to 287), the sandbox's side."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from d365kit.sandbox import Sandbox
from d365kit.sandbox.clock import ManualClock
from d365kit.sandbox.faults import Fault
from d365kit.sandbox.identity import Application
from tests.conformance.conftest import Wire, error_of
from tests.conformance.helpers_edge import served

ORIGIN = "http://127.0.0.1"
ENDPOINT = f"{ORIGIN}/contoso/oauth2/v2.0/token"
BC_SCOPE = "https://api.businesscentral.dynamics.com/.default"
DV_SCOPE = f"{ORIGIN}/.default"
FORM = {"grant_type": "client_credentials", "client_id": "kit", "client_secret": "sandbox-secret"}


def ask(wire: Wire, **form: str) -> httpx.Response:
    """Ask for a token; a value of None takes a field of the form away."""
    sent = {name: value for name, value in (FORM | {"scope": DV_SCOPE} | form).items() if value is not None}
    kind = "application/x-www-form-urlencoded"
    return wire("POST", ENDPOINT, urlencode(sent).encode(), Content_Type=kind, Authorization="")


def refusal(answer: httpx.Response) -> tuple[int, str, list[int]]:
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(body)
    return answer.status_code, body["error"], body["error_codes"]


def test_281_the_right_secret_gives_a_token_for_one_service(dv: Wire, bc: Wire) -> None:
    answer = ask(dv)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body: dict[str, Any] = answer.json()
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3599, 3599)
    dv.token = body["access_token"]
    assert dv.get("WhoAmI").status_code == 200
    bc.token = ask(bc, scope=BC_SCOPE).json()["access_token"]
    assert bc.get("companies").status_code == 200
    assert ask(dv).json()["access_token"] != dv.token
    assert ask(dv, scope=f"{ORIGIN}//.default").status_code == 200


def test_281_what_a_registered_application_may_do_goes_with_its_token(dv: Wire) -> None:
    assert dv.sandbox is not None
    dv.sandbox.identity.register(Application("mine", "other-secret", dv_user=dv.sandbox.identity.default.dv_user))
    assert ask(dv, client_id="mine").status_code == 401
    dv.token = ask(dv, client_id="mine", client_secret="other-secret").json()["access_token"]
    caller = dv.sandbox.identity.caller(f"Bearer {dv.token}", ORIGIN)
    assert caller is not None
    assert caller.name == "mine"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", [7000215])),
        ({"client_secret": None}, (401, "invalid_client", [7000218])),
        ({"client_id": None}, (400, "invalid_request", [900144])),
        ({"grant_type": None}, (400, "invalid_request", [900144])),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", [70003])),
    ],
)
def test_282_wrong_credentials(dv: Wire, form: dict[str, Any], expected: tuple[int, str, list[int]]) -> None:
    assert dv.sandbox is not None
    answer = ask(dv, **form)
    assert refusal(answer) == expected
    assert "wrong" not in answer.text
    assert dv.sandbox.identity.issued == 0


def test_282_a_secret_that_ran_out_an_unknown_application_an_unknown_tenant(dv: Wire) -> None:
    assert dv.sandbox is not None
    identity = dv.sandbox.identity
    identity.register(Application("old", "secret", secret_ended=True))
    assert refusal(ask(dv, client_id="old", client_secret="secret")) == (401, "invalid_client", [7000222])
    identity.open = False
    assert refusal(ask(dv)) == (400, "unauthorized_client", [700016])
    identity.tenants = frozenset({"fabrikam"})
    assert refusal(ask(dv)) == (400, "invalid_request", [90002])


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("https://other.crm.dynamics.com/.default", (400, "invalid_resource", [500011])),
        ("user_impersonation", (400, "invalid_scope", [1002012])),
        (f"{DV_SCOPE} {BC_SCOPE}", (400, "invalid_scope", [1002012])),
        ("", (400, "invalid_request", [900144])),
    ],
)
def test_283_wrong_scope(dv: Wire, scope: str, expected: tuple[int, str, list[int]]) -> None:
    assert refusal(ask(dv, scope=scope)) == expected


def test_284_a_token_expires_mid_run(dv: Wire) -> None:
    assert dv.sandbox is not None
    clock = ManualClock()
    dv.sandbox.use_clock(clock)
    dv.token = ask(dv).json()["access_token"]
    assert dv.get("WhoAmI").status_code == 200
    clock.now += 3600
    refused = dv.get("WhoAmI")
    assert (refused.status_code, refused.content) == (401, b"")
    assert refused.headers["www-authenticate"].startswith("Bearer authorization_uri=")
    dv.token = ask(dv).json()["access_token"]
    assert dv.get("WhoAmI").status_code == 200


def test_284_a_fault_ends_a_token_even_the_announced_one(dv: Wire) -> None:
    assert dv.sandbox is not None
    dv.sandbox.faults.add(Fault("expired_token", side="dv", after=1, times=1))
    assert [dv.get("WhoAmI").status_code for _ in range(3)] == [200, 401, 401]
    dv.token = ask(dv).json()["access_token"]
    assert dv.get("WhoAmI").status_code == 200


def test_285_tokens_are_counted_and_their_requests_throttled(dv: Wire) -> None:
    assert dv.sandbox is not None
    dv.sandbox.faults.add(Fault("throttled", side="token", first=1, retry_after=2))
    refused = ask(dv)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert dv.sandbox.identity.issued == 0
    ask(dv)
    assert (dv.sandbox.identity.issued, dv.sandbox.requests["token"]) == (1, 2)


def test_286_discovery_over_tls(sandbox: Sandbox) -> None:
    with served(sandbox, tls=True) as ready:
        origin = ready["tls_origin"]
        with httpx.Client(verify=_trusting(ready["certificate"]), trust_env=False) as client:
            plain = client.get(f"{origin}/contoso/.well-known/openid-configuration").json()
            newer = client.get(f"{origin}/contoso/v2.0/.well-known/openid-configuration").json()
            assert (plain["issuer"], newer["issuer"]) == (f"{origin}/contoso", f"{origin}/contoso/v2.0")
            for document in (plain, newer):
                assert document["authorization_endpoint"] == f"{origin}/contoso/oauth2/v2.0/authorize"
                assert document["token_endpoint"] == f"{origin}/contoso/oauth2/v2.0/token"
            form = FORM | {"scope": f"{origin}/.default"}
            token = client.post(plain["token_endpoint"], data=form).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            assert client.get(f"{ready['tls_dv']}/WhoAmI", headers=headers).status_code == 200
            assert client.get(f"{ready['tls_bc']}/companies", headers=headers).status_code == 401
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.get(f"{origin}/contoso/.well-known/openid-configuration", trust_env=False)
        assert httpx.get(f"{ready['bc']}/companies", trust_env=False).status_code == 401


def test_287_a_token_of_the_other_service_is_refused(dv: Wire, bc: Wire) -> None:
    dv.token = ask(dv, scope=BC_SCOPE).json()["access_token"]
    assert dv.get("WhoAmI").status_code == 401
    bc.token = ask(bc).json()["access_token"]
    assert error_of(bc.get("companies")) == (401, "Authentication_InvalidCredentials")


def _trusting(certificate: str) -> Any:
    import ssl

    return ssl.create_default_context(cafile=certificate)
