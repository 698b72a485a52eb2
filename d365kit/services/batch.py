"""Several requests ↔ one $batch: JSON for Business Central, multipart for Dataverse, and what each part answered."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

from d365kit.services.answers import Said, Unreadable
from d365kit.services.bodies import to_json

_CRLF = b"\r\n"


@dataclass(frozen=True)
class Part:
    """One request of a batch. ``path`` is relative to the service's root, or the whole address of a published page.

    ``repeatable`` says that sending it again does no harm though its outcome is unknown; reading never does.
    """

    method: str
    path: str
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    repeatable: bool = False

    @property
    def again(self) -> bool:
        """Whether it may be sent again."""
        return self.repeatable or self.method == "GET"


@dataclass(frozen=True)
class PartAnswer:
    """What a part answered. ``status`` 0 means that the service did not come to it, or kept silent."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether the part succeeded."""
        return 200 <= self.status < 300

    @property
    def said(self) -> Said:
        """The service's code and words of a part that failed."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        if not isinstance(error, dict):
            return Said("", "")
        return Said(str(error.get("code") or ""), " ".join(str(error.get("message") or "").split()))

    @property
    def id(self) -> str:
        """The id of the row a part wrote: from its body, else from OData-EntityId or Location; "" for neither."""
        address = self.headers.get("odata-entityid") or self.headers.get("location") or ""
        inner = re.search(r"\(([0-9a-fA-F-]{36})\)[^()]*$", address)
        return inner.group(1).lower() if inner else ""


# --- Business Central: JSON (business-central.md section 8) ---------------------------------------------


def json_batch(parts: Sequence[Part]) -> bytes:
    """Return the body of a JSON batch; the ids are the parts' places."""
    requests = []
    for number, part in enumerate(parts):
        headers = {"Content-Type": "application/json", **part.headers} if part.body is not None else part.headers
        one: dict[str, object] = {"id": str(number), "method": part.method, "url": part.path, "headers": headers}
        if part.body is not None:
            one["body"] = part.body
        requests.append(one)
    return to_json({"requests": requests})


def json_answers(body: dict[str, Any], count: int) -> list[PartAnswer]:
    """Return the answers in the parts' order: by id when ids came back, else by place (conformance.md 94, 97)."""
    responses = body.get("responses")
    if not isinstance(responses, list):
        raise Unreadable("the answer to a batch has no responses")
    found: dict[int, PartAnswer] = {}
    for place, one in enumerate(responses):
        if not isinstance(one, dict):
            raise Unreadable("a batch's response is not an object")
        identity = one.get("id")
        number = int(identity) if isinstance(identity, str) and identity.isdigit() else place
        headers = {str(k).lower(): str(v) for k, v in (one.get("headers") or {}).items()}
        found[number] = PartAnswer(int(one.get("status") or 0), one.get("body"), headers)
    return [found.get(number, PartAnswer(0)) for number in range(count)]


# --- Dataverse: multipart (dataverse.md section 9) --------------------------------------------------------


def multipart_batch(parts: Sequence[Part], *, change_set: bool = False) -> tuple[bytes, str]:
    """Return the body of a multipart batch and its content type; ``change_set`` makes all parts one transaction."""
    outer = f"batch_{uuid.uuid4()}"
    if not change_set:
        body = b"".join(_part(outer, part, None) for part in parts) + f"--{outer}--".encode() + _CRLF
        return body, f"multipart/mixed; boundary={outer}"
    inner = f"changeset_{uuid.uuid4()}"
    held = b"".join(_part(inner, part, number) for number, part in enumerate(parts, start=1))
    head = f"--{outer}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
    body = head + held + f"--{inner}--\r\n\r\n--{outer}--\r\n".encode()
    return body, f"multipart/mixed; boundary={outer}"


def _part(boundary: str, part: Part, content_id: int | None) -> bytes:
    lines = [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    headers = {"Accept": "application/json", **part.headers}
    if part.body is not None:
        headers["Content-Type"] = "application/json; type=entry"
    lines += ["", f"{part.method} {part.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
    body = to_json(part.body) if part.body is not None else b""
    return "\r\n".join(lines).encode() + _CRLF + body + _CRLF


def multipart_answers(body: bytes, content_type: str, count: int) -> list[PartAnswer]:
    """Return the answers in the parts' order. Processing may have stopped: parts without an answer have status 0.

    ``count`` is the number of parts sent, 0 for as many as answered. Raises Unreadable for a body that is no
    multipart answer or breaks off.
    """
    answers = list(_answers_in(body, content_type))
    return answers[: count or None] + [PartAnswer(0)] * (count - len(answers))


def _answers_in(body: bytes, content_type: str) -> list[PartAnswer]:
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not found:
        raise Unreadable("the answer to a batch is not multipart")
    mark = b"--" + found.group(1).strip().encode()
    pieces = body.split(mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Unreadable("the answer to a batch breaks off")
    answers: list[PartAnswer] = []
    for piece in pieces[1:-1]:
        head, _, rest = piece.lstrip(b"\r\n").partition(b"\r\n\r\n")
        kind = BytesHeaderParser().parsebytes(head).get("Content-Type", "")
        answers += _answers_in(rest, kind) if "multipart/" in kind else [_answer(rest)]
    return answers


def _answer(text: bytes) -> PartAnswer:
    line, _, rest = text.partition(b"\r\n")
    words = line.split(b" ", 2)
    if not line.startswith(b"HTTP/") or len(words) < 2 or not words[1].isdigit():
        raise Unreadable("a part of the answer to a batch has no status")
    if rest.startswith(b"\r\n"):
        head, content = b"", rest[2:]
    else:
        head, _, content = rest.partition(b"\r\n\r\n")
    headers = {name.lower(): value for name, value in BytesHeaderParser().parsebytes(head).items()}
    content = content.strip()
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content.decode("utf-8", "replace")
    return PartAnswer(int(words[1]), body, headers)
