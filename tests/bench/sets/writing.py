"""A maker of chunks → left.csv, right.csv and the two truths, shuffled so that neither order nor id tells a thing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

#: Flags of an entity: on which sides it has a record, and where a second one.
LEFT, RIGHT, LEFT_TWICE, RIGHT_TWICE = 1, 2, 4, 8
#: Entities made together: a family, and a number taken from another, stay within such a chunk.
CHUNK = 4000

Row = Sequence[str]
Rows = tuple[list[tuple[int, Row]], list[tuple[int, Row]]]
Lines = tuple[list[int], list[bytes]]


def presence(size: int, alone: float, twice: float, seed: str) -> bytes:
    """Records a side, share without a partner, share of second records → a byte of flags for every entity."""
    seconds = round(size * twice)
    entities = size - seconds
    single = round(entities * alone)
    flags = [LEFT | RIGHT] * (entities - single) + [LEFT] * single + [RIGHT] * single
    rng = Random(f"presence:{seed}")
    rng.shuffle(flags)
    for side, flag in ((LEFT, LEFT_TWICE), (RIGHT, RIGHT_TWICE)):
        there = [place for place, value in enumerate(flags) if value & side]
        for place in rng.sample(there, seconds):
            flags[place] |= flag
    return bytes(flags)


def write(
    folder: Path,
    columns: Sequence[str],
    flags: bytes,
    chunk: Callable[..., Rows],
    seed: str,
    *,
    together: int = CHUNK,
    many: int = 9,
    **recipe: Any,
) -> Path:
    """Flags of all entities and a maker of one chunk → the four files of a set; `many` chunks take two processes."""
    folder.mkdir(parents=True, exist_ok=True)
    work = [(chunk, flags[at : at + together], at, seed, recipe) for at in range(0, len(flags), together)]
    sides: tuple[Lines, Lines] = (([], []), ([], []))
    if len(work) >= many:
        with ProcessPoolExecutor(2) as pool:
            for both in pool.map(_lines, work, chunksize=4):
                _gather(sides, both)
    else:
        for task in work:
            _gather(sides, _lines(task))
    for name, (entities, lines) in zip(("left", "right"), sides, strict=True):
        save(folder, name, columns, entities, lines, seed)
        entities.clear()
        lines.clear()
    return folder


def save(
    folder: Path, name: str, columns: Sequence[str], entities: Sequence[int], lines: Sequence[bytes], seed: str
) -> None:
    """One side's rows and their entities → its table and its truth, in a random order under random ids."""
    rng = Random(f"order:{seed}:{name}")
    order = list(range(len(lines)))
    rng.shuffle(order)
    with (folder / f"{name}.csv").open("wb") as table, (folder / f"truth_{name}.csv").open("wb") as truth:
        table.write(("id," + ",".join(columns) + "\n").encode())
        truth.write(b"id,entity\n")
        for place in order:
            key = b"%016x" % rng.getrandbits(64)
            table.write(key + b"," + lines[place] + b"\n")
            truth.write(b"%s,%d\n" % (key, entities[place]))


def as_lines(rows: Sequence[Row]) -> list[bytes]:
    """Rows of texts → lines of a CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode().split(b"\n")[:-1]


def _lines(task: tuple[Callable[..., Rows], bytes, int, str, dict[str, Any]]) -> tuple[Lines, Lines]:
    chunk, flags, at, seed, recipe = task
    left, right = chunk(flags, at, Random(f"{seed}:{at}"), **recipe)
    return (
        ([entity for entity, _ in left], as_lines([row for _, row in left])),
        ([entity for entity, _ in right], as_lines([row for _, row in right])),
    )


def _gather(sides: tuple[Lines, Lines], both: tuple[Lines, Lines]) -> None:
    for (entities, lines), (more_entities, more_lines) in zip(sides, both, strict=True):
        entities.extend(more_entities)
        lines.extend(more_lines)
