"""What was decided → the last screen: how many of what, which records it unlocks, and what comes next."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import Catalogue, Kind
from d365kit.ledger import Ledger
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import arrow_of
from d365kit.show.values import number


def unlocked(snapshot: Snapshot, ledger: Ledger, catalogue: Catalogue, kind: Kind) -> list[dict[str, object]]:
    """The kinds that refer to ``kind``: how many of their uncoupled records refer to one that is coupled now
    (“n”), and how many of these have all their prerequisites (“ready”). The order is that of the work.
    """
    coupled: dict[str, pa.Array] = {}

    def known(name: str) -> pa.Array:
        if name not in coupled:
            coupled[name] = pa.array(ledger.couplings(name)["bc_id"].tolist(), pa.string())
        return coupled[name]

    found: list[dict[str, object]] = []
    for later in catalogue:
        if later.name == kind.name or later.name not in snapshot or kind.name not in later.prerequisites:
            continue
        frame = snapshot[later.name].bc
        if not len(frame):
            continue
        refers = np.zeros(len(frame), dtype=bool)
        ready = np.ones(len(frame), dtype=bool)
        for field in (f for f in later.references if not f.weak and f.refers_to and f.name in frame.columns):
            ids = arrow_of(frame[field.name]).cast(pa.string())
            there = np.zeros(len(frame), dtype=bool)
            for target in field.refers_to:
                hits = _flags(pc.is_in(ids, value_set=known(target)))
                there |= hits
                if target == kind.name:
                    refers |= hits
            ready &= there | _flags(pc.is_null(ids))
        free = ~_flags(pc.is_in(arrow_of(frame["id"]).cast(pa.string()), value_set=known(later.name)))
        n, all_there = int((refers & free).sum()), int((refers & free & ready).sum())
        if n:
            found.append({
                "kind": later.name, "title": later.title, "n": n, "ready": all_there,
                "text": f"{later.title}: {number(n)} refer to what is coupled now, "
                        f"{number(all_there)} of them have all their prerequisites",
            })  # fmt: skip
    return found


def _flags(values: pa.ChunkedArray | pa.Array) -> np.ndarray:
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(bool)


def next_steps(kind: Kind, unlocks: list[dict[str, object]], left: dict[str, int]) -> list[str]:
    """Lines of code that carry on from here."""
    steps = []
    if left.get("deferred"):
        steps.append(f'ws.review("{kind.name}", state="deferred")')
    if unlocks:
        first = unlocks[0]["kind"]
        steps += [f'ws.propose("{first}")', f'ws.review("{first}")']
    return [*steps, "ws.check()", "ws.plan()"]
