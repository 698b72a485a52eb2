"""Request + who asks → Call: what every part of the Dataverse emulation works on, and its refusals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any

from d365kit.sandbox.schema import Schema, Table
from d365kit.sandbox.store import Row, Store
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import Refusal, Reply, Request, new_guid

_SEGMENT = re.compile(r"([$\w.]+)(?:\((.*)\))?$", re.S)
_ROOT = "/api/data/v9."
Segments = list[tuple[str, str | None]]


@dataclass(frozen=True)
class Call:
    """One request under way.

    ``user`` is who the work is done as, ``behalf`` who asked for it when that is somebody else (impersonation);
    ``now`` is the sandbox's clock in seconds.
    """

    store: Store
    schema: Schema
    switches: Switches
    request: Request
    user: str
    behalf: str | None = None
    now: float = 0.0

    @property
    def root(self) -> str:
        """The absolute address of the service."""
        return self.request.root

    def existing(self, table: Table, key: str) -> Row:
        """Return a row by its id, or refuse with 404."""
        row = self.store.get(table, key)
        if row is None:
            raise missing_row(table, key)
        return row

    def body(self) -> dict[str, Any]:
        """Return the JSON object sent; Refusal when it is none."""
        try:
            return self.request.json()
        except ValueError as error:
            raise refuse(400, "0x0", f"Error identified in Payload provided by the user: {error}") from error


def refuse(status: int, code: str, text: str) -> Refusal:
    """Return a refusal with Dataverse's code."""
    return Refusal(status, code, text)


def missing_row(table: Table, key: str) -> Refusal:
    """Return the refusal for a row that is not there."""
    return refuse(404, "0x80040217", f"{table.entity} With Id = {key} Does Not Exist")


def missing_segment(name: str) -> Refusal:
    """Return the refusal for an address that leads nowhere (conformance.md 125)."""
    return refuse(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def unsupported(text: str) -> Refusal:
    """Return the refusal for what OData knows and Dataverse does not."""
    return refuse(400, "0x80060888", text)


def bad_query(table: Table, reason: str, text: str) -> Refusal:
    """Return the refusal for a query option (conformance.md 130)."""
    if reason == "property":
        what = f"Could not find a property named '{text}' on type 'Microsoft.Dynamics.CRM.{table.entity}'."
        return refuse(400, "0x0", what)
    return refuse(400, "0x80060888" if reason == "unsupported" else "0x0", text)


def segments_of(parts: Sequence[str]) -> Segments:
    """Return the parts of a path as (name, key in parentheses or None)."""
    found: Segments = []
    for part in parts:
        match = _SEGMENT.match(part)
        if match is None:
            raise missing_segment(part)
        found.append((match.group(1), match.group(2)))
    return found


def json_reply(value: dict[str, Any], status: int = 200) -> Reply:
    """Return a JSON body."""
    return Reply(status, dumps(value, ensure_ascii=False).encode())


def tag_of(row: Row) -> str:
    """Return the etag of a row."""
    return f'W/"{row["versionnumber"]}"'


def check_version(row: Row, match: str | None) -> None:
    """Refuse a stale If-Match (conformance.md 190, 191)."""
    if match and match.strip() != "*" and match.strip().removeprefix("W/") != tag_of(row).removeprefix("W/"):
        text = "The version of the existing record doesn't match the RowVersion property provided."
        raise refuse(412, "0x80060882", text)


def applied(request: Request, *more: str) -> dict[str, str]:
    """Return the Preference-Applied header: what was honoured of the preferences."""
    preferences, honoured = request.preferences, list(more)
    if preferences.get("odata.maxpagesize") and request.method == "GET":
        honoured.append(f"odata.maxpagesize={preferences['odata.maxpagesize']}")
    if preferences.get("odata.include-annotations"):
        honoured.append(f'odata.include-annotations="{preferences["odata.include-annotations"]}"')
    if preferences.get("return") == "representation" and request.method != "GET":
        honoured.append("return=representation")
    return {"Preference-Applied": ",".join(honoured)} if honoured else {}


def stamped(reply: Reply) -> Reply:
    """Return a reply with the headers every answer has."""
    reply.headers |= {
        "x-ms-service-request-id": new_guid(),
        "REQ_ID": new_guid(),
    }
    return reply


def error_reply(request: Request, refusal: Refusal) -> Reply:
    """Return the body of a refusal; a request without a good token gets none (dataverse.md section 12)."""
    if refusal.status == 401 and not refusal.code:
        origin = request.root.partition(_ROOT)[0]
        where = f"authorization_uri={origin}/sandbox-tenant/oauth2/authorize, resource_id={origin}/"
        return Reply(401, headers={"WWW-Authenticate": f"Bearer {where}"})
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.text}
    if request.preferences.get("odata.include-annotations") == "*":
        number = int(refusal.code, 16) if refusal.code.startswith("0x") else 0
        error |= {
            "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus": "0",
            "@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode": str(number),
            "@Microsoft.PowerApps.CDS.HelpLink": f"http://go.microsoft.com/fwlink/?LinkID=398563&error={refusal.code}",
            "@Microsoft.PowerApps.CDS.InnerError.Message": refusal.text,
        }
    return json_reply({"error": error}, refusal.status)
