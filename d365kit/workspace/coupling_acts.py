"""Snapshot + ledger + catalogue → what a coupling act takes along: partners that are gone, and children. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from d365kit.errors import AlreadyCoupled
from d365kit.kinds import SIDES, Catalogue, Kind, Side
from d365kit.ledger import Ledger
from d365kit.nouns import Pair, Snapshot


def gone(snapshot: Snapshot, kind: Kind, ledger: Ledger, pairs: Iterable[Pair]) -> dict[Side, set[str]]:
    """Of the present partners of the records in ``pairs``, those the snapshot holds neither inside nor outside the
    mapping's filter, by side.
    """
    held = ledger.couplings(kind.name)
    of_bc = dict(zip(held["bc_id"], held["dv_id"], strict=True))
    of_dv = {d: b for b, d in of_bc.items()}
    listed = list(pairs)
    partners: dict[Side, set[str]] = {
        "bc": {of_dv[p.dv_id] for p in listed if p.dv_id in of_dv},
        "dv": {of_bc[p.bc_id] for p in listed if p.bc_id in of_bc},
    }
    sides = snapshot[kind.name]
    return {side: partners[side] - {str(i) for i in sides.everything(side)["id"]} for side in SIDES}


def said_of_gone(refused: AlreadyCoupled, missing: Mapping[Side, set[str]]) -> AlreadyCoupled:
    """``refused``, with what to do when it is only partners that are gone which stand in the way."""
    if not any(missing.values()):
        return refused
    return AlreadyCoupled(
        f"{refused.what} Of these partners some are gone from the snapshot.",
        "If they were deleted, take their couplings over: take_over=True, or --take-over on the command line.",
    )


def children(
    snapshot: Snapshot, catalogue: Catalogue, ledger: Ledger, kind: str, pairs: Iterable[Pair]
) -> dict[str, list[Pair]]:
    """The couplings that end with those of ``pairs``, by kind (coupling.md section 6).

    They are those whose row in Dataverse points to one of the pairs' rows by a field that `Field.goes_with`: the
    contacts of a customer or vendor, the lines of an order; and their own children in turn.
    """
    found: dict[str, list[Pair]] = {}
    rows = {p.dv_id for p in pairs}
    for child in catalogue:
        fields = [f for f in child.references if f.goes_with and kind in f.refers_to]
        if not fields or child.name not in snapshot or child.name == kind:
            continue
        frame = snapshot[child.name].everything("dv")
        under = {str(i) for f in fields for i in frame.loc[frame[f.name].isin(rows), "id"]}
        held = ledger.couplings(child.name)
        mine = held[held["dv_id"].isin(under)]
        ended = [Pair(b, d) for b, d in zip(mine["bc_id"], mine["dv_id"], strict=True)]
        if ended:
            found.setdefault(child.name, []).extend(ended)
            for name, more in children(snapshot, catalogue, ledger, child.name, ended).items():
                found.setdefault(name, []).extend(more)
    return found
