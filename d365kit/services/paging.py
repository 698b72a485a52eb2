"""The address of a set → all its rows as one Arrow table: pages fetched ahead, parsed beside, each key kept once."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.errors import PullIncomplete, Unreachable
from d365kit.services.answers import Unreadable, backoff, server_time
from d365kit.services.arrow import BrokenPage, Column, WrongType, count_in, link_in, page_to_table
from d365kit.services.keys import KEY_COLUMN, Key, with_ids
from d365kit.services.odata import Progress, Received, Service

_BROKEN_PAGES = 4
_PARSED_AHEAD = 2
_parsers = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2), thread_name_prefix="d365kit-pages")


@dataclass(frozen=True)
class Page:
    """One page: its rows, when the service sent it (UTC, its clock) and how many seconds it took to, the links behind
    it, "" for none, and the number of all rows where the service was asked for it, else -1."""

    table: pa.Table
    sent_at: datetime
    seconds: float
    next: str
    delta: str
    count: int


async def read_all(
    service: Service, url: str, columns: Sequence[Column], key: Key | None,
    *, headers: Mapping[str, str] | None = None, progress: Progress | None = None,
) -> Received:  # fmt: skip
    """Read all rows behind ``url`` by following nextLink; a key that comes twice is kept once, the later row.

    Raises PullIncomplete when a page stays unreadable, and ServiceErrors.
    """
    tables: list[pa.Table] = []
    asked_at: datetime | None = None
    async for page in pages(service, url, columns, headers):
        asked_at = asked_at or page.sent_at
        tables.append(page.table)
        if progress:
            progress(page.table.num_rows)
    return gathered(tables, key, asked_at)


def gathered(tables: Sequence[pa.Table], key: Key | None, asked_at: datetime | None) -> Received:
    """Return pages as one answer, with ids and each of them once; without a ``key`` every row is kept."""
    whole = with_ids(pa.concat_tables(tables), key)
    return Received(once_each(whole) if key else whole, asked_at or datetime.now(UTC), len(tables))


async def pages(
    service: Service, url: str, columns: Sequence[Column], headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Page, None]:
    """Yield the pages behind ``url`` in order; the next is on its way while one is parsed.

    Raises PullIncomplete for pages that lead in a circle or stay unreadable.
    """
    seen: set[str] = set()
    asked: set[str] = set()
    fetching: asyncio.Task[httpx.Response] | None = asyncio.ensure_future(_fetched(service, url, headers))
    parsing: deque[asyncio.Task[Page]] = deque()
    try:
        while fetching is not None or parsing:
            # Whichever comes first: a parsed page goes out at once, and the next is not asked for too far ahead.
            wanted: set[asyncio.Task] = set(list(parsing)[:1])
            if fetching is not None and len(parsing) < _PARSED_AHEAD:
                wanted.add(fetching)
            done, _ = await asyncio.wait(wanted, return_when=asyncio.FIRST_COMPLETED)
            if fetching is not None and fetching in done:
                response, fetching = fetching.result(), None
                seen.add(str(response.url))
                link = _next(response)
                if link in seen:
                    raise PullIncomplete(f"{service.name} offers the same page again and again.", "Pull again later.")
                if link:
                    asked.add(link)
                    fetching = asyncio.ensure_future(_fetched(service, link, headers))
                parsing.append(asyncio.ensure_future(_parsed(service, response, columns, headers)))
            if parsing and parsing[0] in done:
                page = parsing.popleft().result()
                if page.next and page.next not in asked and fetching is None and not parsing:
                    # The link was cut off at first, and came with the page when it was asked for again.
                    asked.add(page.next)
                    fetching = asyncio.ensure_future(_fetched(service, page.next, headers))
                yield page
    finally:
        left = [task for task in (fetching, *parsing) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _next(response: httpx.Response) -> str:
    """The absolute address of the next page, "" for none."""
    link = link_in(response.content, "nextLink")
    return str(httpx.URL(urljoin(str(response.url), link))) if link else ""


async def _fetched(service: Service, url: str, headers: Mapping[str, str] | None) -> httpx.Response:
    try:
        return await service.request("GET", url, headers=headers, check=_looks_whole)
    except Unreachable as problem:
        if not problem.status:
            raise
        raise PullIncomplete(problem.what, problem.todo) from problem


async def _parsed(
    service: Service, response: httpx.Response, columns: Sequence[Column], headers: Mapping[str, str] | None
) -> Page:
    """The rows of a page; one whose JSON turns out broken inside is asked for again."""
    flaw = ""
    for attempt in range(_BROKEN_PAGES):
        try:
            loop = asyncio.get_running_loop()
            table = await loop.run_in_executor(_parsers, page_to_table, response.content, columns)
        except WrongType as problem:
            raise PullIncomplete(
                f"{service.name} sent rows of {response.url.path.rsplit('/', 1)[-1]} that cannot be read: {problem}.",
                "Compare the kind's field types in the catalogue with the service's metadata.",
            ) from problem
        except BrokenPage as problem:
            flaw = str(problem)
            await service._sleep(backoff(attempt))
            response = await _fetched(service, str(response.url), headers)
        else:
            body = response.content
            service.traffic.rows += table.num_rows
            links = _next(response), link_in(body, "deltaLink")
            return Page(table, server_time(response), response.extensions["seconds"], *links, count_in(body))
    raise PullIncomplete(f"{service.name} kept sending a page that cannot be read: {flaw}.", "Pull again later.")


def _looks_whole(response: httpx.Response) -> None:
    body = response.content
    if b'"value"' not in body or not body.rstrip().endswith(b"}"):
        raise Unreadable("the page breaks off, or is not JSON")


def once_each(table: pa.Table) -> pa.Table:
    """Return the rows of a table with each id once, the last one met: rows move between pages."""
    keys = table.column(KEY_COLUMN)
    if not table.num_rows or _all_differ(keys):
        return table
    numbered = pa.table({"key": keys, "row": pa.array(range(table.num_rows), pa.int64())})
    last = numbered.group_by("key").aggregate([("row", "max")]).column("row_max")
    return table if len(last) == table.num_rows else table.take(last.take(pc.sort_indices(last)))


_GUID = 36
#: Odd numbers, by which the parts of an id are mixed into one.
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)


def _all_differ(keys: pa.ChunkedArray) -> bool:
    """Whether plain GUIDs are certainly all different, whatever their case; False where only a closer look can tell.

    A million ids as numbers are sorted in a tenth of the time a table of texts takes.
    """
    if keys.null_count or not pa.types.is_string(keys.type):
        return False
    found = []
    for chunk in keys.chunks:
        offsets = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        if not len(chunk):
            continue
        if (np.diff(offsets) != _GUID).any():
            return False
        text = np.frombuffer(chunk.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(-1, _GUID)
        # 0x20 makes small letters of large ones and leaves digits and hyphens alone; the last 4 bytes come twice.
        parts = np.ascontiguousarray(np.hstack([text[:, :28], text[:, 32:], text[:, 28:]]) | 0x20)
        numbers = parts[:, :40].view(np.uint64)
        found.append((numbers[:, :4] * _MIX).sum(axis=1, dtype=np.uint64) ^ numbers[:, 4])
    ids = np.sort(np.concatenate(found))
    return bool((np.diff(ids) != 0).all())
