"""One long table → ranges read side by side: a live service takes a second for a page, whoever asks.

Page links are sequential, so one table is cut by ranges of a value that does not change while it is read. Every
range is open to nothing in between: a row that stays is read, whatever is inserted or removed meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from d365kit.services.addresses import address, quoted
from d365kit.services.arrow import Column
from d365kit.services.keys import KEY_COLUMN, Key
from d365kit.services.odata import Progress, Received, Service
from d365kit.services.paging import gathered, pages

_SECOND = timedelta(seconds=1)
#: Seconds a page takes at least before cutting a table is worth the requests it costs: below, both ends are busy.
SLOW = 0.25
#: A range that is expected to hold fewer pages than this is not worth another request.
_WORTH = 1.5


@dataclass
class _Span:
    """Rows made from ``low`` on and before ``high``; None is open. ``at`` is how far reading has come."""

    low: datetime | None
    high: datetime | None
    at: datetime | None = None
    rows: int = 0
    first: datetime | None = None
    done: bool = False


@dataclass
class _Work:
    """What the workers of one table share."""

    newest: datetime
    spans: list[_Span] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    asked_at: datetime | None = None


class ByCreation:
    """Reads a Dataverse table in ranges of ``createdon``, which never changes once a row is there.

    The first page goes alone. When it was slow to come and there is more, the time between the table's oldest and
    newest row is cut for all workers, and whoever ends early takes half of what the slowest still has to do: so
    rows need not be spread evenly over time. ``split`` True cuts however quick the first page was, False never.
    Source: auth-and-limits.md section 5 (split by filter, not by pages).
    """

    by = "createdon"

    def __init__(
        self,
        service: Service,
        path: str,
        columns: Sequence[Column],
        key: Key,
        headers: dict[str, str],
        progress: Progress | None,
        split: bool | None = None,
    ) -> None:
        self.service, self.path, self.key, self.headers, self.progress = service, path, key, headers, progress
        self.split = split
        self.asked = list(columns)
        extra = [] if any(c.name == self.by for c in columns) else [Column(self.by, "datetime")]
        self.columns = [*columns, *extra]
        self.work = _Work(datetime.min.replace(tzinfo=UTC))

    async def read(self) -> Received:
        """Return all rows, each key once. Raises PullIncomplete and ServiceErrors; the first ends all workers."""
        query = {"$select": self._select(self.asked), "$orderby": self.key.names[0]}
        reading = pages(self.service, address(self.path, query), self.asked, self.headers)
        tables: list[pa.Table] = []
        try:
            async for page in reading:
                self.work.asked_at = self.work.asked_at or page.sent_at
                if not tables and page.next and (self.split or (self.split is None and page.seconds >= SLOW)):
                    break
                tables.append(page.table)
                self._report(page.table.num_rows)
            else:
                return gathered(tables, self.key, self.work.asked_at)
        finally:
            await reading.aclose()
        await self._ranges()
        received = gathered(self.work.tables, self.key, self.work.asked_at)
        return Received(
            received.table.select([*(c.name for c in self.asked), KEY_COLUMN]), received.asked_at, received.pages
        )

    def _report(self, rows: int) -> None:
        if self.progress:
            self.progress(rows)

    async def _ranges(self) -> None:
        oldest, newest = await asyncio.gather(self._end("asc"), self._end("desc"))
        workers = max(1, self.service.limiter.most)
        self.work.newest = newest or self.work.newest
        self._cut(oldest, newest, workers)
        tasks = [asyncio.ensure_future(self._worker(span)) for span in list(self.work.spans)]
        tasks.append(asyncio.ensure_future(self._follow(_Span(None, None), f"{self.by} eq null")))
        tasks += [asyncio.ensure_future(self._worker(None)) for _ in range(workers - len(self.work.spans))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _end(self, direction: str) -> datetime | None:
        """The creation of the table's oldest or newest row that has one."""
        query = {"$select": self.by, "$filter": f"{self.by} ne null", "$orderby": f"{self.by} {direction}"}
        url = address(self.path, {**query, "$top": "1"})
        async for page in pages(self.service, url, [Column(self.by, "datetime")]):
            return page.table.column(self.by)[0].as_py() if page.table.num_rows else None
        return None

    def _cut(self, oldest: datetime | None, newest: datetime | None, workers: int) -> None:
        """Cut the time of the table into equal parts, one for each worker; the first and the last are open."""
        step = (newest - oldest) / workers if oldest and newest else timedelta(0)
        bounds = [_whole_second(oldest + step * n) for n in range(1, workers)] if oldest and step >= _SECOND else []
        lows: list[datetime | None] = [None, *bounds]
        highs: list[datetime | None] = [*bounds, None]
        self.work.spans += [_Span(low, high) for low, high in zip(lows, highs, strict=True)]

    async def _worker(self, span: _Span | None) -> None:
        while True:
            span = span or self._take_over()
            if span is None:
                if all(s.done for s in self.work.spans):
                    return
                await asyncio.sleep(0.05)
                continue
            await self._follow(span)
            span = None

    def _take_over(self) -> _Span | None:
        """Half of the range that has most left to do, as a range of its own; None when none is worth it."""
        best: tuple[float, _Span] | None = None
        for span in self.work.spans:
            left = self._left(span)
            if left > _WORTH and (best is None or left > best[0]):
                best = (left, span)
        if best is None:
            return None
        span = best[1]
        assert span.at is not None
        middle = _whole_second(span.at + ((span.high or self.work.newest) - span.at) / 2)
        if middle <= span.at + _SECOND or (span.high is not None and middle >= span.high):
            return None
        other = _Span(middle, span.high)
        span.high = middle
        self.work.spans.append(other)
        return other

    def _left(self, span: _Span) -> float:
        """How many pages a range probably has left, from how many rows its time has held so far."""
        if span.done or span.at is None or span.first is None or not span.rows:
            return 0.0
        ends = span.high or self.work.newest
        passed = max((span.at - span.first).total_seconds(), 1.0)
        return max((ends - span.at).total_seconds(), 0.0) / passed * span.rows / 5000

    async def _follow(self, span: _Span, condition: str = "") -> None:
        """Read a range to its end, which another worker may bring nearer meanwhile."""
        reading = pages(self.service, self._url(span, condition), self.columns, self.headers)
        try:
            async for page in reading:
                if self._keep(span, page.table):
                    break
        finally:
            await reading.aclose()
            span.done = True

    def _keep(self, span: _Span, table: pa.Table) -> bool:
        """Keep the rows that are the range's own; whether its end was reached."""
        times = table.column(self.by)
        if table.num_rows:
            span.first = span.first or pc.min(times).as_py()
            span.at = pc.max(times).as_py() or span.at
            span.rows += table.num_rows
        ends = span.high is not None and span.at is not None and span.at >= span.high
        if ends:
            table = table.filter(pc.fill_null(pc.less(times, pa.scalar(span.high, times.type)), True))
        self.work.tables.append(table)
        self._report(table.num_rows)
        return ends

    def _select(self, columns: Sequence[Column]) -> str:
        return ",".join(dict.fromkeys(n for c in columns if (n := c.name.split("@", 1)[0])))

    def _url(self, span: _Span, condition: str) -> str:
        limits = [condition] if condition else []
        limits += [f"{self.by} ge {_literal(span.low)}"] if span.low else []
        limits += [f"{self.by} lt {_literal(span.high)}"] if span.high else []
        if not limits:
            limits = [f"{self.by} ne null"]
        query = {"$select": self._select(self.columns), "$filter": " and ".join(limits)}
        return address(self.path, {**query, "$orderby": f"{self.by},{self.key.names[0]}"})


async def read_by_number(
    service: Service,
    path: str,
    columns: Sequence[Column],
    key: Key | None,
    *,
    by: str,
    headers: dict[str, str],
    progress: Progress | None,
    split: bool | None,
    find: Callable[[int], Awaitable[str | None]],
) -> Received:
    """Read a BC table in ranges of its number ``by``, one for each worker.

    The first page also tells how many rows there are. When it was slow to come (``split`` None), or in any case
    (True), ``find(n)`` asks for the number of the row at place ``n`` in the service's own order, so that a range
    never depends on how we would sort. Rows are asked for by number, not by place: what is inserted or removed
    meanwhile moves nothing into a gap.
    """
    select = ",".join(dict.fromkeys([*(c.name for c in columns if "@" not in c.name), by]))
    query = {"$select": select, "$orderby": by}
    wanted = list(columns) if any(c.name == by for c in columns) else [*columns, Column(by)]
    tables: list[pa.Table] = []
    asked_at: datetime | None = None
    names = [c.name for c in columns]

    def keep(table: pa.Table) -> None:
        tables.append(table)
        if progress:
            progress(table.num_rows)

    first = pages(service, address(path, {**query, "$count": "true"}), wanted, headers)
    bounds: list[str] = []
    others: list[asyncio.Future[None]] = []

    async def range_of(low: str, high: str | None) -> None:
        limits = f"{by} ge {quoted(low)}" + (f" and {by} lt {quoted(high)}" if high else "")
        async for page in pages(service, address(path, {**query, "$filter": limits}), wanted, headers):
            keep(page.table)

    async def cut(total: int, size: int) -> None:
        parts = min(service.limiter.most, -(-total // size))
        places = sorted({size + (total - size) * n // parts for n in range(1, parts)}) if parts > 1 else []
        found = await asyncio.gather(*(find(place) for place in places))
        bounds.extend(dict.fromkeys(value for value in found if value))
        for low, high in zip(bounds, [*bounds[1:], None], strict=True):
            others.append(asyncio.ensure_future(range_of(low, high)))

    splitting: asyncio.Future[None] | None = None
    try:
        async for page in first:
            asked_at = asked_at or page.sent_at
            table = page.table
            if not tables and page.next and table.num_rows and (split or page.seconds >= SLOW):
                splitting = asyncio.ensure_future(cut(page.count, table.num_rows))
            if bounds:
                own = _before(table.column(by), bounds[0])
                keep(table.slice(0, own))
                if own < table.num_rows:
                    break
            else:
                keep(table)
        if splitting is not None:
            await splitting
        await asyncio.gather(*others)
    finally:
        await first.aclose()
        left = [*others, *([splitting] if splitting else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    received = gathered(tables, key, asked_at)
    return Received(received.table.select([*names, KEY_COLUMN]), received.asked_at, received.pages)


def _before(numbers: pa.ChunkedArray, bound: str) -> int:
    """How many rows of a page stand before the row with the number ``bound``; all when it is not among them."""
    place = pc.index(numbers, pa.scalar(bound)).as_py()
    return len(numbers) if place < 0 else int(place)


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _literal(moment: datetime | None) -> str:
    assert moment is not None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
