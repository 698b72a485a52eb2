"""When decisions were made → how many a minute, and how long the rest will take; pauses do not count."""

from __future__ import annotations

from collections import deque

#: A longer gap between two decisions is a pause.
PAUSE = 90.0
_RECENT = 30


class Pace:
    """The times of the latest decisions, in seconds of any clock."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=_RECENT)
        self._last: float | None = None

    def tick(self, at: float) -> None:
        """A decision was made at ``at``."""
        if self._last is not None and 0 <= at - self._last <= PAUSE:
            self._gaps.append(at - self._last)
        self._last = at

    def words(self, left: int) -> str:
        """“12 a minute, about 4 minutes left”; ``""`` while there is too little to tell by.

        >>> pace = Pace()
        >>> for at in range(0, 50, 5): pace.tick(at)
        >>> pace.words(24)
        '12 a minute, about 2 minutes left'
        """
        if len(self._gaps) < 3:
            return ""
        each = max(sum(self._gaps) / len(self._gaps), 0.05)
        rate = 60 / each
        said = f"{rate:,.0f} a minute"
        if not left:
            return said
        minutes = left * each / 60
        if minutes < 1:
            return f"{said}, less than a minute left"
        if minutes < 90:
            return f"{said}, about {minutes:.0f} minute{'' if round(minutes) == 1 else 's'} left"
        return f"{said}, about {minutes / 60:,.0f} hours left"
