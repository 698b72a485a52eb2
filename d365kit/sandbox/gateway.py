"""ASGI connection → answer: what stands before both services, which are limits, faults, and the way they are sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from json import JSONDecodeError, dumps, loads
from typing import TYPE_CHECKING, Any

from d365kit.sandbox import mischief
from d365kit.sandbox.faults import INSTEAD, Struck
from d365kit.sandbox.identity import BC_AUDIENCE, Caller
from d365kit.sandbox.mischief import Delivery, error_reply, gateway_reply
from d365kit.sandbox.protection import Account, Throttled
from d365kit.sandbox.wire import (
    JSON_TYPE,
    Receive,
    Reply,
    Request,
    Send,
    new_guid,
    origin_of,
    raw_headers,
    read_request,
    send_reply,
)  # fmt: skip

if TYPE_CHECKING:
    from d365kit.sandbox.emulation import Sandbox

#: A server's own extension of the ASGI scope: closes the connection once all that was sent is out.
CLOSE_EXTENSION = "d365kit.close"
BC_STREAMING = f"{JSON_TYPE}; odata.streaming=true"
_AFFINITY = "ARRAffinity"
_DV_CODES = {"requests": "0x80072322", "execution": "0x80072321", "concurrency": "0x80072326"}

Answer = Callable[[Request], Reply]


class Gateway:
    """Puts limits and faults around the answers of a sandbox's services."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.requests = {"bc": 0, "dv": 0, "token": 0}

    async def serve(self, side: str, root: str, answer: Answer, scope: Any, receive: Receive, send: Send) -> None:
        """Read a request, answer it and send that."""
        request = await read_request(scope, receive, root)
        self.requests[side] += 1
        delivery = await self.delivery(side, request, answer)
        if delivery.cut or delivery.chunked:
            await _send_oddly(scope, receive, send, delivery)
        else:
            await send_reply(send, delivery.reply)

    async def delivery(self, side: str, request: Request, answer: Answer) -> Delivery:
        """Return the answer to a request within its caller's limits (auth-and-limits.md section 4)."""
        if side == "token":
            return await self._befall(side, request, answer, math.inf, math.inf)
        caller = self._caller(side, request)
        if caller is None:
            # Whose limits it would count against is unknown; the service refuses it.
            return self._dress(side, await self._befall(side, request, answer, math.inf, math.inf), None, 0)
        server = 0
        if side == "dv":
            servers = self.sandbox.switches.dv_web_servers
            server = self.sandbox.protection.server(_affinity(request.headers), servers)
        account = self.sandbox.protection.account(side, caller.name, server)
        delivery = await self._within_limits(side, request, answer, account)
        return self._dress(side, delivery, account, server)

    async def _within_limits(self, side: str, request: Request, answer: Answer, account: Account) -> Delivery:
        limits, clock, enforced = account.limits, account.clock, self.sandbox.switches.service_protection
        if enforced and len(request.body) > limits.body_bytes:
            account.refused["body"] += 1
            code = "0x8004418A" if side == "dv" else "BadRequest"
            return Delivery(error_reply(side, 413, code, "The request body is too large."))
        arrived = clock()
        if not enforced:
            account.count()
        elif refusal := await account.enter():
            return Delivery(self._refusal(side, refusal))
        started = clock()
        try:
            if not enforced:
                return await self._befall(side, request, answer, math.inf, math.inf)
            left = limits.gateway_seconds - (started - arrived)
            return await self._befall(side, request, answer, limits.operation_seconds, left, account)
        finally:
            account.leave(clock() - started)

    async def _befall(
        self,
        side: str,
        request: Request,
        answer: Answer,
        operation: float,
        gateway: float,
        account: Account | None = None,
    ) -> Delivery:
        """Return the answer with the faults that befall the request; both limits are in seconds from now."""
        faults = self.sandbox.faults
        if not faults:
            return Delivery(answer(request))
        struck = faults.strike(side, request)
        waits = [_seconds(one) for one in struck if one.fault.kind == "slow"]
        late = sum(waits)
        if waits:
            await self.sandbox.clock.sleep(min(late, operation, gateway))
        if late > operation and operation <= gateway and account is not None:
            # The operation is cancelled and undone: it is as if the service had not been asked.
            account.refuse("operation_time", operation)
            text = "The operation was cancelled because it exceeded the time limit."
            return Delivery(error_reply(side, 408, "Unknown", text))
        for one in struck:
            if one.fault.kind in INSTEAD:
                return mischief.instead(side, one.fault, request)
            if one.fault.kind == "expired_token":
                self.sandbox.identity.revoke(request.headers.get("authorization"))
            elif one.fault.kind == "rows_change":
                mischief.change_rows(self.sandbox.store, side, one, request)
        delivery = Delivery(answer(request))
        if late > gateway and account is not None:
            # The gateway gives up, the service does not: what was asked for is done all the same.
            account.refuse("gateway_time", gateway)
            return Delivery(gateway_reply(504))
        if faults.owed:
            mischief.repay(faults.owed, request, delivery.reply)
        mischief.spoil(side, struck, request, delivery)
        return delivery

    def part(self, side: str, request: Request) -> Reply | None:
        """Return what a fault answers in place of a part of a batch; None where there is none."""
        faults = self.sandbox.faults
        struck = faults.strike(side, request, part=True) if faults else []
        if not struck:
            return None
        reply = mischief.instead(side, struck[0].fault, request).reply
        if side == "dv" and self.sandbox.switches.dv_error_codes != "hex":
            reply.body = recoded(reply.body, self.sandbox.switches.dv_error_codes)
        return reply

    def _caller(self, side: str, request: Request) -> Caller | None:
        sent, identity = request.headers.get("authorization"), self.sandbox.identity
        if side == "dv":
            return identity.caller(sent, origin_of(request.root))
        return identity.caller(sent, BC_AUDIENCE) or identity.basic(sent)

    def _refusal(self, side: str, why: Throttled) -> Reply:
        """Return the answer to a request beyond a limit. Sources: dataverse.md 13, business-central.md 10."""
        if side == "dv":
            reply = error_reply(side, 429, _DV_CODES.get(why.reason, "0x80072322"), _dv_text(why))
            reply.headers["Retry-After"] = str(why.retry_after)
            return reply
        if why.reason == "queue_time":
            text = f"The request waited in the queue for longer than {why.maximum / 60:g} minutes."
            reply = error_reply(side, 503, "Internal_TenantUnavailable", text)
            reply.headers["Retry-After"] = str(why.retry_after)
            return reply
        text = f"Too many requests reached. Actual ({why.actual}). Maximum ({why.maximum:g})."
        reply = error_reply(side, 429, "Application_TooManyRequests", text)
        if self.sandbox.switches.bc_retry_after:
            reply.headers["Retry-After"] = str(why.retry_after)
        return reply

    def _dress(self, side: str, delivery: Delivery, account: Account | None, server: int) -> Delivery:
        """Add the headers every answer of a service has, whoever gave it."""
        reply, switches = delivery.reply, self.sandbox.switches
        if side == "bc":
            if reply.kind == JSON_TYPE:
                reply.kind = BC_STREAMING
            reply.headers.setdefault("ms-correlation-x", new_guid())
            return delivery
        headers = reply.headers
        headers.setdefault("x-ms-service-request-id", new_guid())
        headers.setdefault("REQ_ID", new_guid())
        if account is not None:
            headers.setdefault("x-ms-dop-hint", str(switches.dv_dop_hint))
        if account is not None and switches.dv_ratelimit_headers:
            requests, seconds = account.remaining()
            headers["x-ms-ratelimit-burst-remaining-xrm-requests"] = str(requests)
            headers["x-ms-ratelimit-time-remaining-xrm-requests"] = f"{seconds:.2f}"
        if account is not None and switches.dv_affinity_cookie:
            path = "Path=/;HttpOnly"
            reply.cookies = (
                f"{_AFFINITY}={server};{path}",
                f"{_AFFINITY}SameSite={server};{path};SameSite=None;Secure",
                *reply.cookies,
            )
        if reply.status >= 400 and switches.dv_error_codes != "hex":
            reply.body = recoded(reply.body, switches.dv_error_codes)
        return delivery


def recoded(body: bytes, style: str) -> bytes:
    """Return an error body whose code is written in another way (conformance.md 263, 270).

    >>> recoded(b'{"error":{"code":"0x80072322","message":""}}', "decimal")
    b'{"error": {"code": "-2147015902", "message": ""}}'
    """
    try:
        value = loads(body)
        code = str(value["error"]["code"])
    except (JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return body
    if style == "decimal" and code.startswith("0x"):
        number = int(code, 16)
        code = str(number - 2**32 if number >= 2**31 else number)
    elif style == "zero":
        code = "0x0"
    elif style == "empty":
        code = ""
    value["error"]["code"] = code
    return dumps(value, ensure_ascii=False).encode()


def _dv_text(why: Throttled) -> str:
    if why.reason == "execution":
        return (
            f"Combined execution time of incoming requests exceeded limit of {why.maximum * 1000:,.0f} milliseconds "
            "over time window of 300 seconds. Send fewer requests at once, or shorter ones, and try again later."
        )
    if why.reason == "concurrency":
        return f"Number of concurrent requests exceeded the limit of {why.maximum:g}."
    return f"Number of requests exceeded the limit of {why.maximum:g} over time window of 300 seconds."


def _affinity(headers: Mapping[str, str]) -> str | None:
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == _AFFINITY:
            return value
    return None


def _seconds(struck: Struck) -> float:
    fault = struck.fault
    return fault.seconds if fault.up_to <= fault.seconds else struck.chance.uniform(fault.seconds, fault.up_to)


async def _send_oddly(scope: Mapping[str, Any], receive: Receive, send: Send, delivery: Delivery) -> None:
    """Send an answer in chunks, or cut the connection before it or in the middle of its body."""
    reply = delivery.reply
    if delivery.cut == "before":
        await _close(scope, receive, "Server disconnected without sending a response.")
        return
    headers = raw_headers(reply)
    if delivery.chunked and not delivery.cut:
        headers = [(name, value) for name, value in headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        step = max(1, -(-len(reply.body) // 3))
        for start in range(0, len(reply.body), step):
            await send({"type": "http.response.body", "body": reply.body[start : start + step], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    place = int(delivery.cut.partition(":")[2])
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body[:place], "more_body": True})
    text = f"peer closed connection without sending complete message body (received {place} bytes)"
    await _close(scope, receive, text)


async def _close(scope: Mapping[str, Any], receive: Receive, text: str) -> None:
    """Cut the connection. In process there is none, and the client's own error for that is raised instead."""
    close = scope.get("extensions", {}).get(CLOSE_EXTENSION)
    if close is None:
        from httpx import RemoteProtocolError

        raise RemoteProtocolError(text)
    close()
    while (await receive())["type"] != "http.disconnect":
        pass
