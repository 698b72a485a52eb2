"""Requests that want to start → requests that may: one limiter per credential and service."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_QUIET = 60.0


@dataclass
class Traffic:
    """What went over the wire so far; times in seconds."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    waited: float = 0.0
    rows: int = 0
    bytes: int = 0
    writes: int = 0
    most_at_once: int = 0


class Limiter:
    """Lets at most ``limit`` requests run at once, and none while the service asked for a pause.

    It begins with ``start`` and adds one with every answer until ``most`` or the first refusal. A refusal for
    too many requests pauses every worker of the credential and halves the number; then one is added per quiet
    minute. Source: auth-and-limits.md section 5. ``clock`` is monotonic: a change of the machine's time moves
    nothing.
    """

    def __init__(
        self,
        most: int,
        start: int = 4,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.most = most
        self.limit = float(min(start, most))
        self.running = 0
        self.traffic = Traffic()
        self._clock, self._sleep = clock, sleep
        self._pause_ends = 0.0
        self._refused_at: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> Limiter:
        while True:
            await self._sit_out_the_pause()
            if self.running < int(self.limit):
                break
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._wake()  # the turn was ours already: hand it on
                raise
        self.running += 1
        self.traffic.most_at_once = max(self.traffic.most_at_once, self.running)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running -= 1
        self._wake()

    def served(self) -> None:
        """An answer came that was no refusal: allow one more at once, if the service has been content."""
        if self.limit >= self.most:
            return
        now = self._clock()
        if self._refused_at is None:
            self.limit = min(self.limit + 1, self.most)
        elif now - self._refused_at >= _QUIET:
            self.limit, self._refused_at = min(self.limit + 1, self.most), now
        self._wake()

    def refused(self, seconds: float) -> None:
        """The service wants fewer requests: nobody starts one for ``seconds``, and then half as many may run."""
        now = self._clock()
        if self._refused_at is None or now >= self._pause_ends:
            self.limit = max(1.0, self.limit / 2)
        self._refused_at = now
        self._pause_ends = max(self._pause_ends, now + seconds)
        self.traffic.throttled += 1

    def hint(self, number: int, ceiling: int) -> None:
        """The service recommends ``number`` at once (``x-ms-dop-hint``); ``ceiling`` is our own maximum."""
        self.most = max(1, min(number, ceiling))
        self.limit = min(self.limit, self.most)

    async def _sit_out_the_pause(self) -> None:
        while (left := self._pause_ends - self._clock()) > 0:
            ends = self._pause_ends
            self.traffic.waited += left
            await self._sleep(left)
            if self._pause_ends == ends:
                self._pause_ends = 0.0

    def _wake(self) -> None:
        for _ in range(int(self.limit) - self.running):
            while self._waiting:
                turn = self._waiting.popleft()
                if not turn.done():
                    turn.set_result(None)
                    break
