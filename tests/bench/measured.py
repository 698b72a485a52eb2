"""What every measured run of a matcher shares: reading as `d365kit match` does, clock, memory, a line of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit import match
from d365kit.kinds import Kind, load_catalogue
from d365kit.nouns import Proposals, Snapshot
from d365kit.workspace.two_files import FileMatch, match_files

#: The kind of record that each set holds.
KINDS = {
    "companies": "customer",
    "companies_hard": "customer",
    "items": "item",
    "names_and_towns": "customer",
    "febrl4": "contact",
}
#: Seconds between two looks at the memory of a process and its children.
_LOOK_EVERY = 0.05


class Meter:
    """Seconds on the wall and of the processor for what is run inside, and the most memory of the whole process.

    Memory is looked at many times a second, children included; pages that processes share count for each of them.
    """

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0
        self._most = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """What is run inside counts; more than one such stretch adds up."""
        began, used = time.perf_counter(), spent()
        yield
        self.seconds += time.perf_counter() - began
        self.cpu += spent() - used

    def figures(self) -> dict[str, float]:
        """The figures so far; ends the looking at memory."""
        self._over.set()
        self._watch.join()
        alone = _memory(os.getpid(), "VmHWM")
        most = max(self._most, alone)
        return {"seconds": self.seconds, "cpu": self.cpu, "peak_gb": most / 2**20, "peak_alone_gb": alone / 2**20}

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self._most = max(self._most, sum(_memory(p, "VmRSS") for p in _family(os.getpid())))


@dataclass(frozen=True)
class Read:
    """Two files as `d365kit match` reads them, before anything is proposed."""

    snapshot: Snapshot
    kind: Kind
    files: FileMatch

    def by_hand(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame with bc_id and dv_id → the same with left_id and right_id as they stand in the files."""
        made = {}
        for hand, file in self.files.files.items():
            ids = pa.array(frame[f"{file.side}_id"], pa.string(), from_pandas=True)
            ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
            at = pc.index_in(ids, value_set=file.known.ids, skip_nulls=True)
            made[f"{hand}_id"] = file.known.written.take(at).to_pandas()
        return frame.reset_index(drop=True).assign(**made)


def read(folder: Path, kind: str) -> Read:
    """The two files of a set, read and nothing more."""
    held: list[Snapshot] = []

    def nothing(snapshot: Snapshot, ledger: object, name: str, **_: object) -> Proposals:
        held.append(snapshot)
        return Proposals(name, snapshot.id, 0)

    with proposing(nothing):
        files = match_files(folder / "left.csv", folder / "right.csv", kind=kind)
    return Read(held[0], load_catalogue()[files.kind], files)


@contextlib.contextmanager
def proposing(instead: Callable[..., Proposals]) -> Iterator[None]:
    """Have ``instead`` called where `match_files` proposes."""
    before = match.propose
    match.propose = instead
    try:
        yield
    finally:
        match.propose = before


def tell(figures: dict[str, object]) -> int:
    """Print the one line that a measured run prints."""
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def spent() -> float:
    """Seconds of the processor that this process and its finished children have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _family(process: int) -> list[int]:
    """A process and all that it started, and they."""
    found = [process]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _memory(process: int, what: str) -> int:
    """Kilobytes of a process, 0 when it has gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1])
    return 0
