"""Two services → Snapshot: the stages of a pull in their order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import pandas as pd
import pyarrow as pa

from d365kit.errors import PullIncomplete
from d365kit.kinds import SIDES, Catalogue, Kind, Side, default_catalogue
from d365kit.kinds.habits import READING, RESOLVED, Desk
from d365kit.nouns import Provenance, Sides, Snapshot
from d365kit.pull.frames import extra_of, frame_of
from d365kit.pull.reading import Progress, Reader, read
from d365kit.pull.references import resolve
from d365kit.pull.requests import SAYS, Request, card_columns, on_card, requests_of
from d365kit.pull.scope import in_scope
from d365kit.services import Column, Received

Whole = dict[str, tuple[pd.DataFrame, pd.DataFrame]]


def pull(
    bc: Reader,
    dv: Reader,
    *,
    kinds: Sequence[str] | None = None,
    catalogue: Catalogue | None = None,
    company: str = "",
    previous: Mapping[tuple[str, str], int] | None = None,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Snapshot:
    """Read both sides and return them as a Snapshot.

    ``kinds`` are read with everything they refer to; None reads all of the catalogue. ``company`` is the id of our
    company's row in Dataverse, ``""`` when rows carry none. ``previous`` counts the rows received last time by
    (kind, side): a side that had rows then and has none now stops the work, unless ``allow_empty`` says that
    this is meant.
    Every property is looked for in the services' own metadata before the first row is read. A card (the page with
    what the API lacks) that is not published leaves its fields unread, and the snapshot says so.
    Raises SettingsError for a property or set that is not there, PullIncomplete and ServiceErrors; nothing is kept
    when anything is missing.
    """
    catalogue = catalogue or default_catalogue()
    chosen = catalogue.with_prerequisites(tuple(kinds or catalogue.names))
    requests = requests_of(chosen)
    services: dict[str, Reader] = {"bc": bc, "dv": dv}
    received, seconds = read(services, requests, progress)
    taken_at = min(r.asked_at for r in received.values())
    tables = {(q.side, q.set): answer.table for q, answer in received.items()}
    extras = _extras(chosen, tables)
    facts = {"company": company.lower(), "local_currency": "", "base_currency": ""}
    whole = _frames(chosen, tables, extras, facts, taken_at)
    sides = {k.name: in_scope(k, *whole[k.name], facts) for k in chosen}
    if not allow_empty:
        _refuse_sudden_emptiness(sides, previous or {})
    return Snapshot(
        _snapshot_id(taken_at, whole),
        taken_at,
        sides,
        _provenance(chosen, services, received, seconds, sides),
        extras,
        facts,
        {k.name: unread for k in chosen if (unread := _unread(k, tables))},
    )


def _frames(
    chosen: Sequence[Kind],
    tables: Mapping[tuple[Side, str], pa.Table],
    extras: Mapping[str, pd.DataFrame],
    facts: dict[str, str],
    taken_at: datetime,
) -> Whole:
    """Every kind's two frames, completed by its habits, with references as ids."""
    whole: Whole = {}
    for kind in chosen:
        card = kind.bc.card
        bc = frame_of(kind, "bc", tables["bc", kind.bc.set], tables.get(("bc", card.set)) if card else None)
        whole[kind.name] = (bc, frame_of(kind, "dv", tables["dv", kind.dv.set]))
    by_name = {k.name: k for k in chosen}
    for stage in (READING, RESOLVED):
        working = [k for k in chosen if stage is READING or any(h in stage for h in k.habits)]
        for kind in working:
            desk = Desk(kind, *whole[kind.name], extras, facts, taken_at.date(), whole)
            for habit in kind.habits:
                if habit in stage:
                    stage[habit](desk)
            whole[kind.name] = (desk.bc, desk.dv)
        for kind in working:
            pair = whole[kind.name]
            whole[kind.name] = (
                resolve(kind, "bc", pair[0], whole, by_name, _unread(kind, tables)),
                resolve(kind, "dv", pair[1], whole, by_name),
            )
    return whole


def _extras(chosen: Sequence[Kind], tables: Mapping[tuple[Side, str], pa.Table]) -> dict[str, pd.DataFrame]:
    """The further sets that habits and checks look at, by side and the last part of the set's name."""
    out: dict[str, pd.DataFrame] = {}
    for kind in chosen:
        for side in SIDES:
            for name, listed in kind.source(side).also.items():
                columns = [Column(*c.split(":", 1)) for c in listed]
                key = f"{side}.{name.rpartition('/')[2]}"
                known = out.get(key)
                if known is None or not {c.name for c in columns} <= set(known.columns):
                    out[key] = extra_of(tables[side, name], columns)
    return out


def _unread(kind: Kind, tables: Mapping[tuple[Side, str], pa.Table]) -> tuple[str, ...]:
    """The fields of ``kind`` that could not be asked for: out of reach, or on a card that is not published."""
    card = kind.bc.card
    there = card is not None and ("bc", card.set) in tables and card_columns(kind)
    missing = [f.name for f in kind.fields if f.out_of_reach]
    return tuple(missing if there else [*missing, *(f.name for f in on_card(kind))])


def _refuse_sudden_emptiness(sides: Mapping[str, Sides], previous: Mapping[tuple[str, str], int]) -> None:
    for (kind, side), before in previous.items():
        if before and kind in sides and not len(sides[kind].everything("bc" if side == "bc" else "dv")):
            raise PullIncomplete(
                f"{SAYS[side]} held {before:,} records of kind {kind} last time and holds none now.",
                "Check company, environment and permissions; if it is meant, pull with --allow-empty.",
            )


def _provenance(
    chosen: Sequence[Kind],
    services: Mapping[str, Reader],
    received: Mapping[Request, Received],
    seconds: Mapping[Request, float],
    sides: Mapping[str, Sides],
) -> tuple[Provenance, ...]:
    asked = {(q.side, q.set): q for q in received}
    out = []
    for kind in chosen:
        for side in SIDES:
            request = asked[side, kind.source(side).set]
            outside = sides[kind.name].outside(side)["outside"].value_counts()
            out.append(
                Provenance(
                    kind=kind.name,
                    side=side,
                    source=f"{services[side].root}{request.set}",
                    asked_at=received[request].asked_at.isoformat(),
                    seconds=round(seconds[request], 3),
                    received=received[request].table.num_rows,
                    in_scope=len(sides[kind.name].side(side)),
                    outside={str(k): int(v) for k, v in outside.items()},
                )
            )
    return tuple(out)


def _snapshot_id(taken_at: datetime, whole: Whole) -> str:
    """Time and a digest of every record's id and version, so that two moments never share an id."""
    digest = hashlib.sha256()
    for kind, frames in sorted(whole.items()):
        for frame in frames:
            digest.update(kind.encode())
            for column in ("id", "etag"):
                digest.update("\n".join(frame[column].fillna("").tolist()).encode())
    return f"{taken_at:%Y%m%d-%H%M%S}-{digest.hexdigest()[:8]}"
