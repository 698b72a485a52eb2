"""What the Dataverse conformance tests share: rows made quickly, batches written by hand, keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import httpx

from d365kit.sandbox import Sandbox
from d365kit.sandbox.company.world import Bulk
from d365kit.sandbox.schema import schema
from tests.conformance.conftest import Wire

UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"
ANY = 'odata.include-annotations="*"'
CRM = "Microsoft.Dynamics.CRM"


def created(dv: Wire, set: str, body: dict[str, Any]) -> str:
    """Create a row and return its id."""
    answer = dv("POST", set, body)
    assert answer.status_code == 204, answer.text
    return answer.headers["OData-EntityId"].rsplit("(", 1)[1][:-1]


def bind(**links: str) -> dict[str, str]:
    """Binds of a body: ``bind(primarycontactid="contacts(…)")``."""
    return {f"{name}@odata.bind": f"/{address}" for name, address in links.items()}


def row(dv: Wire, address: str) -> dict[str, Any]:
    """One row as it is now."""
    answer = dv.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(dv: Wire, address: str, **headers: str) -> list[dict[str, Any]]:
    """The rows of one page."""
    answer = dv.get(address, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def insert(sandbox: Sandbox, entity: str, values: Iterable[dict[str, Any]]) -> None:
    """Put rows straight into the store."""
    listed = list(values)
    bulk = Bulk(sandbox.store, schema("dv").entity(entity), list(listed[0]))
    for item in listed:
        bulk.add(*item.values())
    bulk.flush()


def guid(number: int, kind: int = 0) -> str:
    """The id of a numbered row."""
    return f"{kind:08x}-0000-4000-a000-{number:012x}"


def key_on(dv: Wire, entity: str, *columns: str) -> None:
    """Define an alternate key, which is active at the next look."""
    body = {"SchemaName": f"key_{'_'.join(columns)}", "KeyAttributes": list(columns)}
    assert dv("POST", f"EntityDefinitions(LogicalName='{entity}')/Keys", body).status_code == 204


def start_family(dv: Wire) -> dict[str, str]:
    """An account with a primary contact and three contacts of its own, and one without any."""
    full, empty = (created(dv, "accounts", {"name": name}) for name in ("Full", "Empty"))
    body = bind(parentcustomerid_account=f"accounts({full})")
    ids = [created(dv, "contacts", {"firstname": "F", "lastname": last} | body) for last in "ABC"]
    dv("PATCH", f"accounts({full})", bind(primarycontactid=f"contacts({ids[0]})"))
    return {"full": full, "empty": empty, "a": ids[0], "b": ids[1], "c": ids[2]}


# -- batches

BOUNDARY = "batch_a1"


def part(request: str, body: str = "", content_id: str = "", kind: str = "application/json") -> bytes:
    """One request as a part: ``part("GET accounts")``."""
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {content_id}"] if content_id else []
    line = [f"{request} HTTP/1.1", "Accept: application/json"] + ([f"Content-Type: {kind}"] if body else [])
    return "\r\n".join([*head, "", *line, "", body]).encode()


def change_set(*parts: bytes, boundary: str = "changeset_b1") -> bytes:
    """Parts as one change set."""
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode() + multipart(parts, boundary)


def multipart(parts: Sequence[bytes], boundary: str = BOUNDARY) -> bytes:
    """Parts between boundaries."""
    mark = boundary.encode()
    return b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"


def batch(dv: Wire, *parts: bytes, boundary: str = BOUNDARY, **headers: str) -> httpx.Response:
    """Send parts as a batch."""
    kind = {"Content_Type": f"multipart/mixed; boundary={boundary}"} | headers
    return dv("POST", "$batch", multipart(parts), **kind)


def answers(response: httpx.Response) -> list[tuple[int, dict[str, str], bytes]]:
    """The answers inside a batch, those of change sets in line: (status, headers in lower case, body)."""
    return _answers(response.headers["Content-Type"], response.content)


def _answers(kind: str, content: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    match = re.search(r"boundary=(\S+)", kind)
    assert match
    found = []
    for piece in content.split(b"--" + match.group(1).encode())[1:-1]:
        head, _, rest = piece.strip(b"\r\n").partition(b"\r\n\r\n")
        if b"changesetresponse_" in head:
            found += _answers(head.decode().splitlines()[0], rest)
            continue
        outer = head.decode().lower()
        lines, _, body = rest.partition(b"\r\n\r\n")
        status, *pairs = lines.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (pair.partition(":") for pair in pairs)}
        content_id = re.search(r"content-id: (\S+)", outer)
        headers |= {"content-id": content_id.group(1)} if content_id else {}
        found.append((int(status.split()[1]), headers, body))
    return found
