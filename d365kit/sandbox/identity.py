"""Tokens and keys → who is calling: the token service both emulated services trust."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LIFETIME = 3599
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - the demo's own, of no use elsewhere
BC_AUDIENCE = "https://api.businesscentral.dynamics.com"


@dataclass(frozen=True)
class Application:
    """A registered application. Source: auth-and-limits.md section 1.

    ``bc`` is its row on BC's page "Microsoft Entra applications": enabled, disabled, or unpermitted (no
    permission set). ``dv_user`` is the systemuserid of its application user, "" for none. ``secret_ended``: its
    secret ran out.
    """

    client_id: str
    secret: str
    secret_ended: bool = field(default=False, kw_only=True)
    bc: str = "enabled"
    dv_user: str = ""


@dataclass(frozen=True)
class Caller:
    """Who a request comes from: an application, or a BC user who signed in with an access key."""

    application: Application
    basic: bool = False

    @property
    def name(self) -> str:
        """A stable name, by which limits are counted."""
        return self.application.client_id


@dataclass(frozen=True)
class _Token:
    application: Application
    audience: str
    ends: float


class Identity:
    """Issues tokens and recognises them.

    ``fixed`` is the token the sandbox announces: good for both services and never out of date. ``clock`` counts
    seconds; tests turn it. Access keys are for BC on-premises only.
    """

    def __init__(self, fixed: str, user: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lifetime = LIFETIME
        self.issued = 0
        #: Any client id goes with the demo's secret; closed, only registered applications sign in.
        self.open = True
        #: The tenants there are; None for any name.
        self.tenants: frozenset[str] | None = None
        self.applications: dict[str, Application] = {}
        self.default = Application("sandbox", CLIENT_SECRET, dv_user=user)
        self.access_keys: dict[str, str] = {
            "ADMIN": base64.b64encode(hashlib.sha256(fixed.encode()).digest()).decode()
        }
        self._revoked: set[str] = set()
        self._tokens: dict[str, _Token] = {fixed: _Token(self.default, "", float("inf"))}

    def register(self, application: Application) -> Application:
        """Add an application, or replace the one with its client id."""
        self.applications[application.client_id] = application
        return application

    def issue(self, application: Application, audience: str, lifetime: float | None = None) -> str:
        """Return a new token for an audience (the scope without ``/.default``)."""
        token = "sandbox-" + secrets.token_urlsafe(32)
        ends = self.clock() + (self.lifetime if lifetime is None else lifetime)
        self._tokens[token] = _Token(application, audience.rstrip("/").lower(), ends)
        self.issued += 1
        return token

    def expire(self) -> None:
        """Let every issued token run out now; the fixed one stays."""
        now = self.clock()
        for token, held in self._tokens.items():
            if held.ends != float("inf"):
                self._tokens[token] = _Token(held.application, held.audience, now)

    def revoke(self, authorization: str | None) -> None:
        """Let the one token of this header be refused from now on, the fixed one too, until `restore`."""
        self._revoked.add((authorization or "").partition(" ")[2].strip())

    def restore(self) -> None:
        """Take back every `revoke`."""
        self._revoked.clear()

    def application(self, client_id: str, secret: str) -> Application | None:
        """Return the application a client id and secret belong to; any id goes with the demo's own secret."""
        known = self.applications.get(client_id)
        if known is None:
            return self.default if self.open and client_id and secret == CLIENT_SECRET else None
        return known if secrets.compare_digest(known.secret.encode(), secret.encode()) else None

    def caller(self, authorization: str | None, audience: str) -> Caller | None:
        """Return who sent a bearer token for this audience; None when it is missing, unknown, expired or foreign."""
        scheme, _, token = (authorization or "").partition(" ")
        held = self._tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if held is None or token.strip() in self._revoked:
            return None
        if held.ends <= self.clock() or held.audience not in ("", audience.rstrip("/").lower()):
            return None
        return Caller(held.application)

    def basic(self, authorization: str | None) -> Caller | None:
        """Return the BC user of ``Basic user:web service access key``; None when they do not fit."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, key = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        held = self.access_keys.get(user.upper(), "")
        if not held or not secrets.compare_digest(held.encode(), key.encode()):
            return None
        return Caller(Application(user.upper(), ""), basic=True)
