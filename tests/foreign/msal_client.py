"""MSAL for Python, unmodified, over TLS: python msal_client.py ORIGIN."""

from __future__ import annotations

import sys
from typing import Any

import msal
from say import step

origin = sys.argv[1]
WAYS: dict[str, dict[str, Any]] = {
    "oidc": {"oidc_authority": f"{origin}/tenant-1"},
    "authority": {"authority": f"{origin}/tenant-1", "validate_authority": False, "instance_discovery": False},
}
BC_SCOPE = "https://api.businesscentral.dynamics.com/.default"


def ask(way: str, secret: str, scope: str) -> dict[str, Any]:
    """One token by one way, and a second, which MSAL answers from its cache."""
    app = msal.ConfidentialClientApplication("client-id", client_credential=secret, **WAYS[way])
    first = app.acquire_token_for_client([scope])
    again = app.acquire_token_for_client([scope])
    return dict(first) | {"again": again.get("access_token"), "source": again.get("token_source")}


for way in WAYS:
    step(f"{way}: dv", lambda way=way: ask(way, "sandbox-secret", f"{origin}/.default"))
    step(f"{way}: bc", lambda way=way: ask(way, "sandbox-secret", BC_SCOPE))
    step(f"{way}: wrong secret", lambda way=way: ask(way, "wrong", BC_SCOPE))
    step(f"{way}: wrong scope", lambda way=way: ask(way, "sandbox-secret", "https://other.example/.default"))
