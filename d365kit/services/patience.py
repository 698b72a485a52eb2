"""What went wrong with a request → how long to wait before it may be sent again, or that it may not."""

from __future__ import annotations

import httpx

from d365kit.errors import ServiceError
from d365kit.services.answers import retry_after

_TRIES = 8
#: Codes of a 503 that say the request was turned away, not begun.
_TURNED_AWAY = frozenset({"Application_TooManyRequests", "0x80072321", "0x80072322", "0x80072326"})


def wait_for(problem: ServiceError, response: httpx.Response | None, again: bool, tries: int) -> float | None:
    """Return the seconds to wait before the next try: 0 = as long as backing off takes, None = there is none.

    ``response`` is None when no answer came; ``again`` says that sending twice does no harm; ``tries`` counts those
    that failed for another reason than throttling. Source: auth-and-limits.md section 6.
    """
    status = response.status_code if response is not None else 0
    asked = response.headers.get("retry-after", "") if response is not None else ""
    seconds = retry_after(asked, response.headers.get("date", "") if response is not None else "")
    if status == 429:
        return seconds
    if tries >= _TRIES:
        return None
    if response is None:
        fault = problem.__cause__
        if isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return None if _refused(fault) else 0.0
        return 0.0 if again else None
    if status == 503 and not again:
        return seconds if problem.code in _TURNED_AWAY else None
    if status == 500:
        return 0.0 if again and tries <= 2 else None
    if status < 300 or status in (408, 502, 503, 504):
        return seconds if again else None
    return None


def _refused(fault: BaseException) -> bool:
    """A refused connection is an answer: nobody listens there, and waiting minutes would not help."""
    return "refused" in str(fault).lower() or "connection attempts failed" in str(fault).lower()
