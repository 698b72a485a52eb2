"""Two sides, services or files → Snapshot: the stages of a pull in their order."""

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
from d365kit.pull.files import SETUP, chosen_kinds, empty_extra, file_frame, file_provenance, file_sides, unread_of
from d365kit.pull.frames import extra_of, frame_of
from d365kit.pull.reading import Progress, Reader, read
from d365kit.pull.references import resolve
from d365kit.pull.requests import SAYS, Request, card_columns, on_card, requests_of
from d365kit.pull.scope import in_scope
from d365kit.services import Column, Received
from d365kit.services.files import FileSource

Whole = dict[str, tuple[pd.DataFrame, pd.DataFrame]]


def pull(
    bc: Reader | FileSource,
    dv: Reader | FileSource,
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
    A side that stands in files has only the kinds with a file, and is as old as its oldest file; what its files do
    not show is unread.
    Every property is looked for in the services' own metadata before the first row is read. A card (the page with
    what the API lacks) that is not published leaves its fields unread, and the snapshot says so.
    Raises SettingsError for a property or set that is not there, PullIncomplete and ServiceErrors; nothing is kept
    when anything is missing.
    """
    catalogue = catalogue or default_catalogue()
    services: dict[str, Reader | FileSource] = {"bc": bc, "dv": dv}
    files = file_sides(services)
    chosen = chosen_kinds(catalogue, kinds, services)
    requests = [r for r in requests_of(chosen) if r.side not in files]
    received, seconds = read(services, requests, progress)
    taken_at = min(
        [r.asked_at for r in received.values()] + [f.taken_at(k.name for k in chosen) for f in files.values()]
    )
    tables = {(q.side, q.set): answer.table for q, answer in received.items()}
    extras = _extras(chosen, tables)
    facts = {"company": company.lower(), "local_currency": "", "base_currency": ""}
    whole = _frames(chosen, tables, files, extras, facts, taken_at)
    sides = {
        k.name: in_scope(k, *whole[k.name], facts, {s: f.unread(k.name) for s, f in files.items()}) for k in chosen
    }
    if not allow_empty:
        _refuse_sudden_emptiness(sides, previous or {})
    return Snapshot(
        _snapshot_id(taken_at, whole),
        taken_at,
        sides,
        _provenance(chosen, services, files, received, seconds, sides),
        extras,
        facts,
        _all_unread(chosen, tables, files),
    )


def _frames(
    chosen: Sequence[Kind],
    tables: Mapping[tuple[Side, str], pa.Table],
    files: Mapping[Side, FileSource],
    extras: Mapping[str, pd.DataFrame],
    facts: dict[str, str],
    taken_at: datetime,
) -> Whole:
    """Every kind's two frames, completed by its habits, with references as ids."""
    whole: Whole = {}
    for kind in chosen:
        card = tables.get(("bc", kind.bc.card.set)) if kind.bc.card else None
        bc, dv = (
            file_frame(kind, files[s]) if s in files
            else frame_of(kind, s, tables[s, kind.source(s).set], card if s == "bc" else None)
            for s in SIDES
        )  # fmt: skip
        whole[kind.name] = (bc, dv)
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
                resolve(kind, "bc", pair[0], whole, by_name, _unread(kind, tables, files)),
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
                    out[key] = extra_of(tables.get((side, name), empty_extra(columns)), columns)
    return out


def _unread(
    kind: Kind, tables: Mapping[tuple[Side, str], pa.Table], files: Mapping[Side, FileSource]
) -> tuple[str, ...]:
    """The fields of ``kind`` that could not be asked for: out of reach, on a card not published, in no file."""
    if "bc" in files:
        return unread_of(kind, files)
    card = kind.bc.card
    there = card is not None and ("bc", card.set) in tables and card_columns(kind)
    missing = [f.name for f in kind.fields if f.out_of_reach]
    missing += [] if there else [f.name for f in on_card(kind)]
    return tuple(dict.fromkeys([*missing, *unread_of(kind, files)]))


def _all_unread(
    chosen: Sequence[Kind], tables: Mapping[tuple[Side, str], pa.Table], files: Mapping[Side, FileSource]
) -> dict[str, tuple[str, ...]]:
    """The fields nobody could be asked for, by kind, only kinds that have some."""
    found = {"currency": SETUP} if files else {}
    return found | {k.name: unread for k in chosen if (unread := _unread(k, tables, files))}


def _refuse_sudden_emptiness(sides: Mapping[str, Sides], previous: Mapping[tuple[str, str], int]) -> None:
    for (kind, side), before in previous.items():
        if before and kind in sides and not len(sides[kind].everything("bc" if side == "bc" else "dv")):
            raise PullIncomplete(
                f"{SAYS[side]} held {before:,} records of kind {kind} last time and holds none now.",
                "Check company, environment and permissions; if it is meant, pull with --allow-empty.",
            )


def _provenance(
    chosen: Sequence[Kind],
    services: Mapping[str, Reader | FileSource],
    files: Mapping[Side, FileSource],
    received: Mapping[Request, Received],
    seconds: Mapping[Request, float],
    sides: Mapping[str, Sides],
) -> tuple[Provenance, ...]:
    asked = {(q.side, q.set): q for q in received}
    out = []
    for kind in chosen:
        for side in SIDES:
            if side in files:
                out.append(file_provenance(kind, side, files[side], sides[kind.name]))
                continue
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
