"""Requests → who must wait: the limits per caller of both services, and an account of what was asked."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from d365kit.sandbox.clock import Clock

REASONS = ("requests", "execution", "concurrency", "queue_time", "operation_time", "gateway_time", "body")


@dataclass
class Limits:
    """What one caller may ask of one service; every field may be changed at any time.

    The defaults below are Dataverse's, `bc_limits` gives Business Central's. Source: auth-and-limits.md section 4,
    dataverse.md section 13, business-central.md section 10.
    """

    #: Requests, and seconds of execution, in a sliding window of so many seconds.
    requests: int = 6000
    execution_seconds: float = 1200.0
    window_seconds: float = 300.0
    #: Requests that run at once, and that wait for their turn behind them.
    running: int = 52
    queued: int = 0
    #: The longest wait in the queue (then 503), run (then 408), and both together (then the gateway's 504).
    queue_seconds: float = math.inf
    operation_seconds: float = math.inf
    gateway_seconds: float = math.inf
    body_bytes: int = 122_523_484
    #: By how much each call during a penalty lengthens it.
    penalty_seconds: float = 5.0


def bc_limits() -> Limits:
    """Return what Business Central online allows."""
    return Limits(
        execution_seconds=math.inf, running=5, queued=95, queue_seconds=480.0, operation_seconds=480.0,
        gateway_seconds=600.0, body_bytes=350 * 1024 * 1024, penalty_seconds=0.0,
    )  # fmt: skip


@dataclass(frozen=True)
class Throttled:
    """Why a request is not served now: the reason, the figures, and after how many seconds it may be."""

    reason: str
    actual: int
    maximum: float
    retry_after: int


@dataclass
class _Waiter:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]
    granted: bool = False

    def grant(self) -> None:
        self.granted = True
        self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class Account:
    """What one caller asked of one service (and of one of its web servers)."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits, self.clock = limits, clock
        self.running = 0
        self.requests = 0
        self.execution = 0.0
        self.peak_at_once = 0
        self.peak_in_window = 0
        self.peak_queued = 0
        self.refused = dict.fromkeys(REASONS, 0)
        self._arrived: deque[float] = deque()
        self._ran: deque[tuple[float, float]] = deque()
        self._ran_seconds = 0.0
        self._queue: deque[_Waiter] = deque()
        self._blocked_until, self._reason = -math.inf, ""

    async def enter(self) -> Throttled | None:
        """Count a request in and wait for its turn; returns why not when it is refused."""
        limits, now = self.limits, self.clock()
        self._forget(now)
        refusal = self._refusal(limits, now)
        if refusal is not None:
            self.refused[refusal.reason] += 1
            return refusal
        self.requests += 1
        self._arrived.append(now)
        self.peak_in_window = max(self.peak_in_window, len(self._arrived))
        if self.running < limits.running:
            self.running += 1
            self.peak_at_once = max(self.peak_at_once, self.running)
            return None
        return None if await self._turn() else self.refuse("queue_time", limits.queue_seconds)

    def count(self) -> None:
        """Count a request in where no limit is enforced."""
        self._forget(self.clock())
        self.requests += 1
        self._arrived.append(self.clock())
        self.running += 1
        self.peak_in_window = max(self.peak_in_window, len(self._arrived))
        self.peak_at_once = max(self.peak_at_once, self.running)

    def leave(self, seconds: float) -> None:
        """Count a request out that ran so many seconds; the next in the queue takes its place."""
        self.execution += seconds
        self._ran.append((self.clock(), seconds))
        self._ran_seconds += seconds
        self._release()

    def refuse(self, reason: str, maximum: float) -> Throttled:
        """Count a request that was let in and failed at a limit all the same."""
        self.refused[reason] += 1
        return Throttled(reason, 0, maximum, 30)

    def remaining(self) -> tuple[int, float]:
        """Return how many requests and seconds of execution the window has left."""
        self._forget(self.clock())
        left = self.limits.execution_seconds - self._ran_seconds
        return max(self.limits.requests - len(self._arrived), 0), max(left, 0.0)

    def _forget(self, now: float) -> None:
        edge = now - self.limits.window_seconds
        arrived, ran = self._arrived, self._ran
        while arrived and arrived[0] <= edge:
            arrived.popleft()
        while ran and ran[0][0] <= edge:
            self._ran_seconds -= ran.popleft()[1]

    def _refusal(self, limits: Limits, now: float) -> Throttled | None:
        if self.running >= limits.running and len(self._queue) >= limits.queued:
            most = limits.running + limits.queued
            return Throttled("concurrency", self.running + len(self._queue) + 1, most, 1)
        if now < self._blocked_until:
            # Whoever keeps calling during the penalty makes it longer, which a growing Retry-After shows.
            self._blocked_until = min(self._blocked_until + limits.penalty_seconds, now + 2 * limits.window_seconds)
        elif len(self._arrived) >= limits.requests:
            self._block("requests", self._arrived[0] if self._arrived else now)
        elif self._ran_seconds >= limits.execution_seconds:
            self._block("execution", self._ran[0][0] if self._ran else now)
        else:
            return None
        wait = max(1, math.ceil(self._blocked_until - now))
        if not limits.penalty_seconds:
            self._blocked_until = -math.inf
        if self._reason == "execution":
            return Throttled("execution", math.ceil(self._ran_seconds), limits.execution_seconds, wait)
        return Throttled("requests", len(self._arrived) + 1, limits.requests, wait)

    def _block(self, reason: str, oldest: float) -> None:
        self._reason, self._blocked_until = reason, oldest + self.limits.window_seconds

    async def _turn(self) -> bool:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop, loop.create_future())
        self._queue.append(waiter)
        self.peak_queued = max(self.peak_queued, len(self._queue))
        timer = asyncio.ensure_future(self.clock.sleep(min(self.limits.queue_seconds, 1e6)))
        try:
            await asyncio.wait({waiter.future, timer}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            if waiter.granted:
                self._release()
            else:
                self._queue.remove(waiter)
            raise
        finally:
            timer.cancel()
        if not waiter.granted:
            self._queue.remove(waiter)
        return waiter.granted

    def _release(self) -> None:
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.loop.is_closed():
                waiter.grant()
                return
        self.running -= 1


class Protection:
    """The accounts of all callers. ``limits["dv"].requests = 10`` takes effect at once."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.limits = {"bc": bc_limits(), "dv": Limits()}
        self.sent_affinity = 0
        self._accounts: dict[tuple[str, str, int], Account] = {}
        self._turns = 0

    def account(self, side: str, caller: str, server: int = 0) -> Account:
        """Return the account of a caller with one service; a new one at the first request."""
        key = (side, caller, server)
        found = self._accounts.get(key)
        if found is None:
            found = self._accounts[key] = Account(self.limits[side], self.clock)
        return found

    def server(self, cookie: str | None, servers: int) -> int:
        """Return the web server a request goes to: the cookie's, or the next in turn."""
        self.sent_affinity += cookie is not None
        if servers <= 1:
            return 0
        if cookie is not None and cookie.isdigit():
            return int(cookie) % servers
        self._turns += 1
        return self._turns % servers

    def clear(self) -> None:
        """Forget what was asked so far; the limits stay. Requests that run meanwhile keep their old account."""
        self._accounts.clear()
        self.sent_affinity = 0

    def report(self) -> dict[str, dict[str, Any]]:
        """Return per side: requests, the peaks at once, in the queue and in a window, execution, what was refused."""
        found: dict[str, dict[str, Any]] = {}
        for side in self.limits:
            accounts = [account for key, account in self._accounts.items() if key[0] == side]
            found[side] = {
                "requests": sum(account.requests for account in accounts),
                "callers": len({key[1] for key in self._accounts if key[0] == side}),
                "peak_at_once": max((account.peak_at_once for account in accounts), default=0),
                "peak_queued": max((account.peak_queued for account in accounts), default=0),
                "peak_in_window": max((account.peak_in_window for account in accounts), default=0),
                "execution_seconds": round(sum(account.execution for account in accounts), 6),
                "refused": {reason: sum(account.refused[reason] for account in accounts) for reason in REASONS},
            }
        found["dv"]["affinity_cookies_sent_back"] = self.sent_affinity
        return found

    def set_limits(self, side: str, values: Mapping[str, float]) -> None:
        """Change limits by name; KeyError for a name or side there is none of."""
        limits = self.limits[side]
        known = {field.name: field.type for field in fields(limits)}
        for name in values:
            if name not in known:
                raise KeyError(name)
        for name, value in values.items():
            setattr(limits, name, int(value) if known[name] == "int" else float(value))
