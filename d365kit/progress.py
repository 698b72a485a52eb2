"""Progress reports in → bars on a terminal or in a notebook out; shown only for what takes a while."""

from __future__ import annotations

import threading
from typing import Any

_DELAY = 1.0


class Bars:
    """A callable that stages report to: ``bars(text, done, total)``; one bar a text, gone when it is done."""

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._bars: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, text: str, done: int, total: int | None) -> None:
        if not self._shown:
            return
        with self._lock:
            bar = self._bars.get(text)
            if bar is None:
                bar = self._bars[text] = self._new(text)
            if total is not None and bar.total != total:
                bar.total = total
            bar.update(done - bar.n)
            if total is not None and done >= total:
                bar.close()
                del self._bars[text]

    def _new(self, text: str) -> Any:
        from tqdm.auto import tqdm

        return tqdm(desc=text, total=None, leave=False, delay=_DELAY, unit_scale=True, dynamic_ncols=True)

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *exception: object) -> None:
        for bar in self._bars.values():
            bar.close()
        self._bars.clear()
