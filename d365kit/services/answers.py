"""An answer of either service → what it says: times, waits, error codes and words, JSON."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from d365kit.errors import Forbidden, NotThere, Refused, ServiceError, SignInFailed, StaleRecord, Throttled

LONGEST_WAIT = 120.0
_LONGEST_ASKED = 300.0
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Said:
    """What an error answer says, whatever its shape: the service's own code and words, or blanks."""

    code: str
    text: str


class Unreadable(ValueError):
    """An answer with a good status that is not what was asked for: cut short, HTML, or an error in disguise."""


def said(response: httpx.Response) -> Said:
    """Return the code and words of an error answer; blanks when it is empty, HTML or other than promised."""
    try:
        error = json.loads(response.content.decode("utf-8-sig"))["error"]
        message = error.get("message")
        text = message.get("value", "") if isinstance(message, dict) else message
        return Said(str(error.get("code") or ""), " ".join(str(text or "").split()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Said("", "")


def body_of(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of a 2xx answer.

    Raises Unreadable for text that is no JSON object and for an error body behind a good status. Numbers with a
    fraction come as Decimal, so that no digit of an amount is lost.
    """
    from decimal import Decimal

    try:
        body = json.loads(response.content.decode("utf-8-sig"), parse_float=Decimal)
    except ValueError as problem:
        raise Unreadable("the answer is not whole, or not JSON") from problem
    if not isinstance(body, dict):
        raise Unreadable("the answer is not an object")
    if isinstance(body.get("error"), dict) and "message" in body["error"]:
        raise Unreadable(f"the answer is an error in disguise: {said(response).text}")
    return body


def request_ids(response: httpx.Response, sent: str) -> str:
    """Return the ids that the service's support asks for: its own first, then the one we sent."""
    names = ("x-ms-service-request-id", "ms-correlation-x", "x-ms-correlation-id", "req_id")
    own = next((response.headers[name] for name in names if name in response.headers), "")
    return own or sent


def retry_after(value: str, now: str = "") -> float:
    """Return the seconds to wait for a Retry-After in seconds or as an HTTP date; 0 when it says nothing usable.

    ``now`` is the answer's Date, so that our own clock does not matter.
    """
    try:
        return min(max(float(value), 0.0), _LONGEST_ASKED)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
        start = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return min(max((until - start).total_seconds(), 0.0), _LONGEST_ASKED)
    except (ValueError, TypeError):
        return 0.0


def backoff(attempt: int) -> float:
    """Return the wait before another try: full jitter up to 2, 4, 8 … 120 seconds (auth-and-limits.md section 6)."""
    return random.uniform(0, min(LONGEST_WAIT, 2.0 * 2**attempt))


def server_time(response: httpx.Response) -> datetime:
    """Return the service's clock as the answer's Date header gives it (UTC); our own where it gives none."""
    try:
        return parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC)


def error_for(
    service: str, side: str, method: str, url: str, status: int, told: Said, request_id: str, stale: bool = False
) -> ServiceError:
    """Return an error answer as one of ours, with the service's own words and the id its support asks for."""
    what = f"{service} answered {status} to {method} {urlsplit(url).path.rsplit('/', 1)[-1]}"
    what += f": {told.text}" if told.text else "."
    marks = [part for part in (told.code, f"request {request_id}" if request_id else "") if part]
    what += f" ({', '.join(marks)})" if marks else ""
    kind, todo = _meaning(status, stale)
    return kind(
        what, todo, side=side, method=method, url=url, status=status, code=told.code, request_id=request_id,
        transient=status in _TRANSIENT,
    )  # fmt: skip


def _meaning(status: int, stale: bool) -> tuple[type[ServiceError], str]:
    if stale:
        return StaleRecord, "Somebody changed the record meanwhile: pull and plan again."
    if 300 <= status < 400:
        return ServiceError, "It was not followed; check the service's address in the settings."
    if status == 401:
        return SignInFailed, "Check the sign-in: the token may have run out or be meant for another service."
    if status == 403:
        return Forbidden, "Ask an administrator for the missing permission."
    if status == 404:
        return NotThere, "The record or table is not there: pull again, or check the address."
    if status == 429:
        return Throttled, "The service is busy with too many requests: run this again later."
    if status == 501:
        return Refused, "The service does not do this; narrow the request, or use another address for the table."
    if status >= 500 or status == 408:
        return ServiceError, "The service has a fault of its own: run this again later."
    return Refused, "Mend what the service names, then plan and apply again."
