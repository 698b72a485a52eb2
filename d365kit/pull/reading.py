"""Requests → tables: both services asked at once, after every property was looked for in their metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Protocol, cast

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Side
from d365kit.pull.requests import SAYS, Request
from d365kit.services import Column, Received, Table, run_all
from d365kit.services.files import FileSource

Progress = Callable[[str, int, int | None], None]


class Reader(Protocol):
    """What `pull` needs of a service."""

    side: str
    root: str

    async def describe(self, set_name: str) -> Table: ...

    async def rows(
        self, set_name: str, columns: Sequence[Column], *, key: str, progress: Callable[[int], None] | None
    ) -> Received: ...


def read(
    services: Mapping[str, Reader | FileSource], requests: Sequence[Request], progress: Progress | None
) -> tuple[dict[Request, Received], dict[Request, float]]:
    """Read every request (none is for a side of files); what is optional and not there is left out of the answer.

    Raises SettingsError for a set or property that is not there, with the page to publish; ServiceErrors.
    """
    seconds: dict[Request, float] = {}

    async def one(request: Request) -> Received:
        started, rows = monotonic(), 0
        text = f"{SAYS[request.side]} {request.set}"

        def came(number: int) -> None:
            nonlocal rows
            rows += number
            if progress:
                progress(text, rows, None)

        reader = cast(Reader, services[request.side])
        answer = await reader.rows(request.set, request.columns, key=request.key, progress=came)
        seconds[request] = monotonic() - started
        if progress:
            progress(text, rows, rows)
        return answer

    there = [r for side in run_all([_there(cast(Reader, services[s]), requests, s) for s in SIDES]) for r in side]
    answers = run_all([one(r) for r in there])
    return dict(zip(there, answers, strict=True)), seconds


async def _there(reader: Reader, requests: Sequence[Request], side: Side) -> list[Request]:
    """The requests of ``side`` that can be made; Raises SettingsError for one that must be and cannot."""
    found = []
    for request in requests:
        if request.side != side:
            continue
        try:
            table = await reader.describe(request.set)
        except SettingsError as problem:
            if request.optional:
                continue
            raise not_published(request, problem) from None
        table.require((c.name for c in request.columns), SAYS[side])
        found.append(_with_key_types(request, table))
    return found


def _with_key_types(request: Request, table: Table) -> Request:
    """The request with its key's columns as the service declares them: a page's key may hold numbers and dates."""
    keys = {n: table.properties[n].type for n in request.key.split(",") if n in table.properties}
    columns = tuple(Column(c.name, keys.get(c.name) or c.type) for c in request.columns)
    return replace(request, columns=columns)


def not_published(request: Request, problem: SettingsError) -> SettingsError:
    """The error for a page that is not published: which, under which name, and what else can be done."""
    if not request.page:
        return problem
    name = request.set.rpartition("/")[2]
    kinds = ", ".join(request.kinds) or "a kind"
    return SettingsError(
        f"Business Central does not publish page {request.page} as the web service “{name}”, which {kinds} needs.",
        f"Publish it on the page Web Services, point the kind at another address in kinds.toml, "
        f"or leave it out: kinds.leave_out = [{', '.join(repr(k).replace(chr(39), chr(34)) for k in request.kinds)}] "
        "in d365kit.toml.",
    )
