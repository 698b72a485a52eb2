"""Many writes → one result each: batches whose busy parts go again, bulk messages halved around a bad row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from d365kit.errors import ServiceError, Throttled, Unreachable
from d365kit.services.answers import Said, backoff, retry_after
from d365kit.services.batch import Part, PartAnswer
from d365kit.services.odata import Written

if TYPE_CHECKING:
    from d365kit.services.odata import Service as _Base
else:
    _Base = object

Result = Written | ServiceError
_ROUNDS = 8
_BUSY = frozenset({429, 503})
#: A bulk message that failed like this fails for its rows too: halving it would only ask more often.
_FOR_ALL = (Throttled, Unreachable)


class Batches(_Base):
    """Batches for a service. ``batch_size`` is how many parts one may have."""

    batch_size = 100

    async def send_batch(self, parts: Sequence[Part], *, atomic: bool) -> list[PartAnswer]:
        """Send one batch and return an answer per part, status 0 for parts the service kept silent about."""
        raise NotImplementedError

    async def batch(self, parts: Sequence[Part], *, atomic: bool = False) -> list[PartAnswer]:
        """Send parts in batches of the size the service takes and return their answers in order.

        Parts the service was too busy for go again, and only those (conformance.md 102, 223). ``atomic`` sends
        one batch that is kept whole or not at all; when any part fails, every part is reported as not done,
        whatever the service says of those before it (conformance.md 96).
        Raises ServiceError when a batch as a whole fails, and ValueError for an atomic one beyond the limit.
        """
        if atomic:
            if len(parts) > self.batch_size:
                raise ValueError(f"{len(parts)} parts cannot be one transaction; {self.batch_size} are allowed")
            answers = await self.send_batch(parts, atomic=True)
            failed = [a for a in answers if not a.done]
            return [a if a in failed else PartAnswer(0, a.body) for a in answers] if failed else answers
        answers = [PartAnswer(0)] * len(parts)
        for start in range(0, len(parts), self.batch_size):
            await self._until_answered(parts, answers, range(start, min(start + self.batch_size, len(parts))))
        return answers

    async def _until_answered(self, parts: Sequence[Part], answers: list[PartAnswer], places: Sequence[int]) -> None:
        left = list(places)
        for attempt in range(_ROUNDS):
            for place, answer in zip(
                left, await self.send_batch([parts[p] for p in left], atomic=False), strict=True
            ):
                answers[place] = answer
            busy = [p for p in left if answers[p].status in _BUSY]
            silent = [p for p in left if answers[p].status == 0 and parts[p].again]
            if not busy and (not silent or len(silent) == len(left)):
                return
            if busy:
                asked = max(retry_after(answers[p].headers.get("retry-after", "")) for p in busy)
                self.limiter.refused(asked or backoff(attempt))
            left = sorted({*busy, *silent})

    async def results(self, parts: Sequence[Part], key: str, records: Sequence[str], set_name: str) -> list[Result]:
        """Send parts and return what each became: the row as written, or the error it failed with.

        A create with an id of ours that is there already was made by a try whose answer was lost: it is done.
        """
        answers = await self.batch(parts)
        found = []
        for part, answer, record in zip(parts, answers, records, strict=True):
            result = self._result(part, answer, key, record, set_name)
            if part.repeatable and isinstance(result, ServiceError) and self.is_duplicate(result):
                result = await self._made_earlier(set_name, record.lower(), result)
            found.append(result)
        return found

    async def _made_earlier(self, set_name: str, record: str, refusal: ServiceError) -> Result:
        try:
            row = await self.get(set_name, record)
        except ServiceError:
            return refusal  # another row has its number, not its id
        return Written(record, str(row.get("@odata.etag", "")), row)

    def _result(self, part: Part, answer: PartAnswer, key: str, record: str, set_name: str) -> Result:
        url = self._absolute(part.path)
        if answer.done:
            row: Mapping[str, object] = answer.body if isinstance(answer.body, dict) else {}
            etag = str(row.get("@odata.etag", "") or answer.headers.get("etag", ""))
            identity = self.key(set_name, key)
            own = identity.of(row) or identity.plain(answer.id or record) if identity else record
            return Written(own, etag, row)
        if answer.status == 0:
            return Unreachable(
                f"{self.name} said nothing of {part.method} {set_name} in its answer to a batch.",
                "It may have been done: pull and plan again.", side=self.side, method=part.method, url=url,
            )  # fmt: skip
        told = self.plain(answer.said)
        return self.error(part.method, url, answer.status, told, answer.headers.get("req_id", ""))

    def plain(self, told: Said) -> Said:
        """The words of a part with the code as the service's errors have it."""
        return told


async def caught(work: Awaitable[Written]) -> Result:
    """Return what a write became: the row as written, or the error it failed with."""
    try:
        return await work
    except ServiceError as error:
        return error


def only(results: Sequence[Result]) -> Written:
    """Return the one result there is. Raises the error it is."""
    (result,) = results
    if isinstance(result, ServiceError):
        raise result
    return result


async def halves(
    bodies: Sequence[Mapping[str, object]],
    send: Callable[[Sequence[Mapping[str, object]]], Awaitable[list[Result]]],
    size: int,
) -> list[Result]:
    """Send bodies in bulk messages of ``size``; one that fails is halved until the bad row stands alone."""
    results: list[Result] = []
    for start in range(0, len(bodies), size):
        results += await _halved(bodies[start : start + size], send)
    return results


async def _halved(
    bodies: Sequence[Mapping[str, object]],
    send: Callable[[Sequence[Mapping[str, object]]], Awaitable[list[Result]]],
) -> list[Result]:
    try:
        return await send(bodies)
    except _FOR_ALL as error:
        return [error] * len(bodies)
    except ServiceError as error:
        if len(bodies) == 1:
            return [error]
        middle = len(bodies) // 2
        return [*await _halved(bodies[:middle], send), *await _halved(bodies[middle:], send)]
