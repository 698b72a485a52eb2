"""Seconds for everything in the sandbox that waits, expires or is counted in a window: real, or turned by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time


class Clock:
    """The machine's monotonic clock, so that a jump of the wall clock changes nothing."""

    def __call__(self) -> float:
        """Return the seconds now."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ManualClock(Clock):
    """A clock that stands still until `advance` is called, so that tests of minutes take no time.

    ``automatic``: waiting moves the clock at once, which suits requests sent one after another.
    """

    def __init__(self, start: float = 1000.0, automatic: bool = False) -> None:
        self.now, self.automatic = start, automatic
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def __call__(self) -> float:
        """Return the seconds now."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced that far."""
        if self.automatic:
            self.now += seconds
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._numbers), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let time pass; all who wait for a moment in it wake in order, in the loop this runs in."""
        await _settle()
        until = self.now + seconds
        while self._waiting and self._waiting[0][0] <= until:
            self.now, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
            await _settle()
        self.now = until


async def _settle() -> None:
    # A request that wakes hands its place to another, which starts to wait: a handful of steps of the loop each.
    for _ in range(25):
        await asyncio.sleep(0)
