"""Parts of work → their results, in order, shared out among helper processes that speak Arrow over pipes.

Plain sub-processes, not `multiprocessing`: they work in notebooks, in scripts without a main guard and behind the
CLI alike. A message either way is its length in eight bytes, then one record batch as an Arrow stream.
"""

from __future__ import annotations

import logging
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, Self

import pyarrow as pa

_log = logging.getLogger(__name__)
_LENGTH = struct.Struct("<Q")
Work = Callable[[pa.RecordBatch], pa.RecordBatch]


def default_workers() -> int:
    """How many helper processes are used when nobody says: two, or one for each core where there are fewer."""
    return min(2, os.cpu_count() or 1)


def send(pipe: IO[bytes], batch: pa.RecordBatch) -> None:
    """Write one record batch as a message."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    payload = sink.getvalue()
    pipe.write(_LENGTH.pack(payload.size))
    pipe.write(payload)
    pipe.flush()


def receive(pipe: IO[bytes]) -> pa.RecordBatch | None:
    """Read one message; None when the other end has closed."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    payload = pipe.read(size)
    if len(payload) < size:
        return None
    with pa.ipc.open_stream(payload) as reader:
        return reader.read_next_batch()


class Helpers:
    """``count`` helper processes for the time of a ``with`` block; with fewer than two, all is done here.

    ``work`` is what a helper does too. What a helper fails to do, because it cannot be started or dies, is
    done here in its stead.
    """

    def __init__(self, count: int, work: Work) -> None:
        self._count = count if count > 1 else 0
        self._work = work
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        _log.debug("The pipe of a dead helper could not be closed.")

    def work(self, parts: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
        """The result of every part, in the order of ``parts``."""
        done: list[pa.RecordBatch | None] = [None] * len(parts)
        count = min(self._count, len(parts))
        if count > 1:
            open_parts: SimpleQueue[int] = SimpleQueue()
            for at in range(len(parts)):
                open_parts.put(at)
            for _ in range(count):
                self._start()
            with ThreadPoolExecutor(max(1, len(self._running))) as threads:
                futures = [threads.submit(_serve, process, open_parts, parts, done) for process in self._running]
                try:
                    for future in futures:
                        future.result()
                except BaseException:
                    # Interrupted: the threads wait for their helpers no longer.
                    for process in self._running:
                        process.kill()
                    raise
        return [self._work(part) if result is None else result for part, result in zip(parts, done, strict=True)]

    def _start(self) -> None:
        package = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "d365kit.compare.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
            )
        except (OSError, ValueError) as error:
            _log.warning("No helper process could be started, so normalising takes longer: %s", error)
            return
        self._running.append(process)


def _serve(
    process: subprocess.Popen[bytes],
    open_parts: SimpleQueue[int],
    parts: Sequence[pa.RecordBatch],
    done: list[pa.RecordBatch | None],
) -> None:
    """Hand one helper part after part until none is left or it fails."""
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        try:
            at = open_parts.get_nowait()
        except Empty:
            return
        try:
            send(process.stdin, parts[at])
            done[at] = receive(process.stdout)
        except (OSError, ValueError, pa.ArrowException):
            done[at] = None
        if done[at] is None:
            _log.warning("A helper process that normalises values has ended early; its part is done here instead.")
            return
