"""MSAL signs in at the sandbox's token service by both ways of pointing it at a private issuer."""

from __future__ import annotations

import pytest

from d365kit.sandbox import Sandbox
from tests.foreign.conftest import Told, python, told


@pytest.fixture(scope="module")
def msal(place: tuple[Sandbox, dict[str, str]]) -> Told:
    sandbox, ready = place
    lines = told([*python("msal_client.py"), ready["tls_origin"]], REQUESTS_CA_BUNDLE=ready["certificate"])
    return Told(sandbox, ready, lines)


@pytest.mark.parametrize("way", ["oidc", "authority"])
def test_tokens_are_good_for_the_service_they_were_asked_for(msal: Told, way: str) -> None:
    origin = msal.ready["tls_origin"]
    audiences = {"dv": origin, "bc": "https://api.businesscentral.dynamics.com"}
    for side, other in (("dv", "bc"), ("bc", "dv")):
        found = msal[f"{way}: {side}"]
        assert (found["token_type"], found["expires_in"]) == ("Bearer", 3599)
        assert (found["again"], found["source"]) == (found["access_token"], "cache")
        header = f"Bearer {found['access_token']}"
        assert msal.sandbox.identity.caller(header, audiences[side]) is not None
        assert msal.sandbox.identity.caller(header, audiences[other]) is None


@pytest.mark.parametrize("way", ["oidc", "authority"])
def test_refusals_carry_the_codes_people_look_up(msal: Told, way: str) -> None:
    secret, scope = msal[f"{way}: wrong secret"], msal[f"{way}: wrong scope"]
    assert (secret["error"], secret["error_codes"]) == ("invalid_client", [7000215])
    assert (scope["error"], scope["error_codes"]) == ("invalid_resource", [500011])
    assert "access_token" not in secret
    assert msal.sandbox.identity.issued == 4
