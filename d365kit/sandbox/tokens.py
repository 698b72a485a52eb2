"""Token requests and discovery → answers of the identity platform, in the shapes MSAL and people know."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from json import dumps
from urllib.parse import parse_qsl, unquote_plus

from d365kit.sandbox.identity import BC_AUDIENCE, Application, Identity
from d365kit.sandbox.wire import Reply, Request, new_guid

TOKEN_PATH = "/oauth2/v2.0/token"  # noqa: S105 - an address
_DISCOVERY = "/.well-known/openid-configuration"
_JSON = "application/json; charset=utf-8"


@dataclass
class _No(Exception):
    """A refused token request. Source: auth-and-limits.md section 2."""

    status: int
    error: str
    number: int
    text: str


class TokenService:
    """Tokens for client credentials. ``origins`` are the sandbox's own addresses, all good as audiences."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.origins: set[str] = set()

    def tenant(self, path: str) -> str | None:
        """Return the tenant of an address of this service, or None when the address is not one of its own."""
        head, _, rest = path.removeprefix("/").partition("/")
        return head if head and f"/{rest}" in (TOKEN_PATH, _DISCOVERY, f"/v2.0{_DISCOVERY}") else None

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request whose path `tenant` knows. ``request.root`` is the origin."""
        origin, tenant = request.root, request.segments[0]
        self.origins.add(origin)
        try:
            self._check_tenant(tenant)
            if request.path.endswith("openid-configuration"):
                return _json(_discovery(origin, tenant, "v2.0" in request.segments))
            if request.method != "POST":
                raise _No(405, "invalid_request", 900561, "The endpoint only accepts POST requests.")
            return _json(self._token(request))
        except _No as no:
            return _refusal(no)

    def _token(self, request: Request) -> dict[str, object]:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        client, secret = _credentials(request, form)
        if not form.get("grant_type"):
            text = "The request body must contain the following parameter: 'grant_type'."
            raise _No(400, "invalid_request", 900144, text)
        if form["grant_type"] != "client_credentials":
            raise _No(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if not client:
            text = "The request body must contain the following parameter: 'client_id'."
            raise _No(400, "invalid_request", 900144, text)
        application = self._application(client, secret)
        audience = self._audience(form.get("scope", ""))
        token = self.identity.issue(application, audience)
        lifetime = int(self.identity.lifetime)
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": token,
        }

    def _check_tenant(self, tenant: str) -> None:
        if self.identity.tenants is not None and tenant not in self.identity.tenants:
            raise _No(400, "invalid_request", 90002, f"Tenant '{tenant}' not found. Check the tenant's name.")

    def _application(self, client: str, secret: str | None) -> Application:
        if secret is None:
            text = "The request body must contain 'client_assertion' or 'client_secret'."
            raise _No(401, "invalid_client", 7000218, text)
        if client not in self.identity.applications and not self.identity.open:
            text = f"Application with identifier '{client}' was not found in the directory."
            raise _No(400, "unauthorized_client", 700016, text)
        found = self.identity.application(client, secret)
        if found is None:
            text = f"Invalid client secret provided for the app '{client}'."
            raise _No(401, "invalid_client", 7000215, text)
        if found.secret_ended:
            raise _No(401, "invalid_client", 7000222, f"The client secret keys of the app '{client}' are expired.")
        return found

    def _audience(self, scope: str) -> str:
        """Return the audience of a scope: BC's name, or one of the sandbox's own origins (conformance.md 283)."""
        names = scope.split()
        if not names:
            text = "The request body must contain the following parameter: 'scope'."
            raise _No(400, "invalid_request", 900144, text)
        if len(names) > 1 or not names[0].endswith("/.default"):
            text = f"The provided value for scope {scope} is not valid: one resource with /.default is wanted."
            raise _No(400, "invalid_scope", 1002012, text)
        # "https://org//.default" is in the wild too.
        resource = names[0].removesuffix("/.default").rstrip("/")
        if resource.lower() not in {BC_AUDIENCE, *(origin.lower() for origin in self.origins)}:
            text = f"The resource principal named {resource} was not found in the tenant."
            raise _No(400, "invalid_resource", 500011, text)
        return resource


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str | None]:
    """Return client id and secret from the form, or from a Basic header (RFC 6749 section 2.3.1)."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic" and "client_secret" not in form:
        try:
            client, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return form.get("client_id", ""), None
        return unquote_plus(client), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret")


def _discovery(origin: str, tenant: str, newer: bool) -> dict[str, object]:
    """Return the discovery document; the issuer is what MSAL compares (real-clients.md section 5)."""
    base = f"{origin}/{tenant}"
    return {
        "issuer": f"{base}/v2.0" if newer else base,
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}{TOKEN_PATH}",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    }


def _refusal(no: _No) -> Reply:
    when, trace, correlation = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}", new_guid(), new_guid()
    marks = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {when}"
    body: dict[str, object] = {
        "error": no.error,
        "error_description": f"AADSTS{no.number}: {no.text} {marks}",
        "error_codes": [no.number],
        "timestamp": when,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={no.number}",
    }
    return _json(body, no.status)


def _json(value: dict[str, object], status: int = 200) -> Reply:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Reply(status, dumps(value).encode(), headers, kind=_JSON)
