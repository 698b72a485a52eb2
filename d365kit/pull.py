"""Two services → Snapshot: every kind on both sides with the same columns and one blank, whole or not at all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.errors import PullIncomplete
from d365kit.kinds import LCY_ID, SIDES, Catalogue, Field, Kind, Side, load_catalogue
from d365kit.kinds.habits import READING, Desk
from d365kit.nouns import Provenance, Sides, Snapshot
from d365kit.nouns.frames import to_arrow, to_frame
from d365kit.services import SERVICE_NAMES, Column, Received, Table, run_all

Progress = Callable[[str, int, int | None], None]

_ZERO_GUID = "00000000-0000-0000-0000-000000000000"
_ENCODED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Reader(Protocol):
    """What `pull` needs of a service."""

    side: str
    root: str

    async def describe(self, set_name: str) -> Table: ...

    async def rows(
        self, set_name: str, columns: Sequence[Column], *, key: str, progress: Callable[[int], None] | None
    ) -> Received: ...


@dataclass(frozen=True)
class _Request:
    """One set to read: for a kind itself, or for its habits (``kind`` is then ``""``)."""

    side: Side
    set: str
    key: str
    columns: tuple[Column, ...]
    kind: str = ""


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

    ``kinds`` are read with everything they refer to; None reads all. ``company`` is the id of our company's
    row in Dataverse, ``""`` when rows carry none. ``previous`` counts the rows received last time by
    (kind, side): a side that had rows then and has none now stops the work, unless ``allow_empty`` says that
    this is meant.
    Every property is looked for in the services' own metadata before the first row is read.
    Raises SettingsError for one that is not there, PullIncomplete and ServiceErrors; nothing is kept when anything
    is missing.
    """
    catalogue = catalogue or load_catalogue()
    chosen = catalogue.with_prerequisites(tuple(kinds or catalogue.names))
    requests = _requests(chosen)
    services: dict[str, Reader] = {"bc": bc, "dv": dv}
    received, seconds = _read(services, requests, progress)
    taken_at = min(r.asked_at for r in received.values())
    extras = {
        f"{q.side}.{q.set}": to_frame(_clean_extra(received[q].table, q.columns)) for q in requests if not q.kind
    }
    facts = {"company": company.lower(), "local_currency": "", "base_currency": ""}
    whole: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
    for kind in chosen:
        frames = {q.side: _frame(kind, q.side, received[q].table) for q in requests if q.kind == kind.name}
        desk = Desk(kind, frames["bc"], frames["dv"], extras, facts, taken_at.date())
        for habit in kind.habits:
            READING.get(habit, _nothing)(desk)
        whole[kind.name] = (_resolve(kind, "bc", desk.bc, whole), _resolve(kind, "dv", desk.dv, whole))
    sides = {k.name: _in_scope(k, *whole[k.name], facts) for k in chosen}
    if not allow_empty:
        _refuse_sudden_emptiness(sides, previous or {})
    provenance = tuple(
        _provenance(q, services[q.side], received[q], seconds[q], sides[q.kind]) for q in requests if q.kind
    )
    return Snapshot(_snapshot_id(taken_at, whole), taken_at, sides, provenance, extras, facts)


def _nothing(desk: Desk) -> None:
    """The habit matters to `apply` alone."""


# --- asking ----------------------------------------------------------------------------------------


def _requests(kinds: Sequence[Kind]) -> list[_Request]:
    requests: dict[tuple, _Request] = {}
    for kind in kinds:
        for side in SIDES:
            source = kind.source(side)
            request = _Request(side, source.set, source.id, _columns(kind, side), kind.name)
            requests[side, source.set, kind.name] = request
            for name, listed in source.also.items():
                columns = tuple(Column(*c.split(":", 1)) for c in listed)
                key = "" if name == "contactsInformation" else columns[0].name
                requests[side, name, ""] = _Request(side, name, key, columns)
    return list(requests.values())


def _columns(kind: Kind, side: Side) -> tuple[Column, ...]:
    """What to ask ``side`` for, in its own words, each property once."""
    source = kind.source(side)
    columns = {source.id: Column(source.id), source.modified_on: Column(source.modified_on, "datetime")}
    for f in kind.fields:
        for name in (_read_as(f, side), f.bc_label if side == "bc" else ""):
            if name:
                columns.setdefault(name, Column(name, f.type))
    return tuple(columns.values())


def _read_as(field: Field, side: Side) -> str:
    """The property a field is read from; a Dataverse lookup ``x`` is read as ``_x_value``."""
    name = field.on(side)
    return f"_{name}_value" if name and side == "dv" and field.is_reference else name


def _read(
    services: Mapping[str, Reader], requests: Sequence[_Request], progress: Progress | None
) -> tuple[dict[_Request, Received], dict[_Request, float]]:
    seconds: dict[_Request, float] = {}

    async def one(request: _Request) -> Received:
        started, rows = monotonic(), 0
        text = f"{'Business Central' if request.side == 'bc' else 'Sales'} {request.set}"

        def came(number: int) -> None:
            nonlocal rows
            rows += number
            if progress:
                progress(text, rows, None)

        reader = services[request.side]
        answer = await reader.rows(request.set, request.columns, key=request.key, progress=came)
        seconds[request] = monotonic() - started
        if progress:
            progress(text, rows, rows)
        return answer

    async def declared(side: Side) -> None:
        for request in requests:
            if request.side == side:
                table = await services[side].describe(request.set)
                table.require((c.name for c in request.columns), SERVICE_NAMES[side])

    run_all([declared(side) for side in SIDES])
    answers = run_all([one(q) for q in requests])
    return dict(zip(requests, answers, strict=True)), seconds


# --- one blank, one spelling -------------------------------------------------------------------------


def _frame(kind: Kind, side: Side, table: pa.Table) -> pd.DataFrame:
    """The service's table in the kind's columns, with one blank: missing."""
    source = kind.source(side)
    columns: dict[str, pa.ChunkedArray] = {
        "id": _guid(table.column(source.id)),
        "etag": table.column("@odata.etag"),
        "modified_on": table.column(source.modified_on),
    }
    for f in kind.fields:
        name = _read_as(f, side)
        if name:
            columns[f.name] = _clean(table.column(name), f, side)
        if f.is_reference and side == "bc" and f.bc_label:
            columns[f.label_column] = _text(table.column(f.bc_label))
    return to_frame(to_arrow(to_frame(pa.table(columns)), kind.schema))


def _clean(column: pa.ChunkedArray, field: Field, side: Side) -> pa.ChunkedArray:
    if field.is_reference:
        ids = _guid(column)
        # The zero GUID is BC's blank, and for a currency its blank is the LCY (sync-rules.md D12).
        if side == "bc" and field.refers_to == "currency":
            return ids
        return pc.if_else(pc.equal(ids, _ZERO_GUID), pa.scalar(None, pa.string()), ids)
    if field.type == "choice":
        return _text(pa.chunked_array([[_decoded(v) for v in column.to_pylist()]], pa.string()))
    if field.type == "code":
        return pc.utf8_upper(_text(column)) if side == "bc" else _text(column)
    if pa.types.is_string(column.type):
        return _text(column)
    if field.zero_is_blank:
        return pc.if_else(pc.equal(column, pa.scalar(0).cast(column.type)), pa.scalar(None, column.type), column)
    return column


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without outer blanks; blank texts become missing."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _guid(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_lower(pc.utf8_trim(column, characters="{} "))


def _decoded(name: str | None) -> str | None:
    """A BC enum member as read: ``Non_x002D_Inventory`` → ``Non-Inventory`` (business-central.md section 5)."""
    return None if name is None else _ENCODED.sub(lambda m: chr(int(m.group(1), 16)), name)


def _clean_extra(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    for i, column in enumerate(columns, start=1):
        if column.type == "text":
            texts = pa.chunked_array([[_decoded(v) for v in table.column(i).to_pylist()]], pa.string())
            table = table.set_column(i, column.name, _text(texts))
    return table.drop_columns(["@odata.etag"])


# --- references, scope -----------------------------------------------------------------------------


def _resolve(
    kind: Kind, side: Side, frame: pd.DataFrame, whole: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> pd.DataFrame:
    """References by code become ids of the same side; every reference gets a readable label."""
    for f in kind.references:
        target = whole[f.refers_to][SIDES.index(side)]
        column, label = frame[f.name], frame[f.label_column]
        if side == "bc" and f.bc_label and not f.bc and not column.notna().any():
            ids = _by(target, _number_column(f), "id")
            frame[f.name] = label.str.upper().map(ids).astype(column.dtype)
        elif not label.notna().any():
            numbers, names = _by(target, "id", _number_column(f)), _by(target, "id", "name")
            frame[f.label_column] = column.map({**names.to_dict(), **numbers.to_dict()}).astype(label.dtype)
    if side == "bc" and any(f.refers_to == "currency" for f in kind.references):
        _name_local_currency(kind, frame, whole["currency"][0])
    return to_frame(to_arrow(frame, kind.schema))


def _number_column(field: Field) -> str:
    """What a reference is called on screens: a code where the kind has one, else its name."""
    return "name" if field.refers_to == "customer" else "code"


def _by(frame: pd.DataFrame, key: str, value: str) -> pd.Series:
    if value not in frame.columns:
        return pd.Series(dtype=object)
    known = frame[frame[key].notna()]
    found = pd.Series(known[value].to_numpy(dtype=object, na_value=None), index=known[key].astype(object))
    return found[~found.index.duplicated()]


def _name_local_currency(kind: Kind, frame: pd.DataFrame, currencies: pd.DataFrame) -> None:
    local = currencies.loc[currencies["id"] == LCY_ID, "code"]
    if len(local):
        for f in kind.references:
            if f.refers_to == "currency":
                frame.loc[frame[f.name] == LCY_ID, f.label_column] = local.iloc[0]


def _in_scope(kind: Kind, bc: pd.DataFrame, dv: pd.DataFrame, facts: Mapping[str, str]) -> Sides:
    parts: dict[str, pd.DataFrame] = {}
    for side, frame in zip(SIDES, (bc, dv), strict=True):
        reasons = pd.Series(pd.NA, index=frame.index, dtype=pd.ArrowDtype(pa.string()))
        for condition in kind.source(side).scope:
            fails = _fails(frame, condition, facts) & reasons.isna()
            reasons[fails] = str(condition["reason"])
        inside = reasons.isna()
        parts[side] = frame[inside].reset_index(drop=True)
        parts[f"{side}_outside"] = frame[~inside].assign(outside=reasons[~inside]).reset_index(drop=True)
    return Sides(kind.name, parts["bc"], parts["dv"], parts["bc_outside"], parts["dv_outside"])


def _fails(frame: pd.DataFrame, condition: Mapping[str, object], facts: Mapping[str, str]) -> pd.Series:
    allowed = [v.format(**facts) if isinstance(v, str) else v for v in condition["in"]]  # type: ignore[attr-defined]
    if "{company}" in condition["in"] and not facts.get("company"):  # type: ignore[operator]
        return pd.Series(False, index=frame.index)
    column = frame[condition["field"]]
    blank_allowed = "" in allowed
    texts = column.astype(str).str.lower()
    meets = texts.isin([str(v).lower() for v in allowed if v != ""])
    return ~(meets.where(column.notna(), blank_allowed).astype(bool))


def _refuse_sudden_emptiness(sides: Mapping[str, Sides], previous: Mapping[tuple[str, str], int]) -> None:
    for (kind, side), before in previous.items():
        if before and kind in sides and not len(sides[kind].everything("bc" if side == "bc" else "dv")):
            name = "Business Central" if side == "bc" else "Sales"
            raise PullIncomplete(
                f"{name} held {before:,} records of kind {kind} last time and holds none now.",
                "Check company, environment and permissions; if it is meant, pull with --allow-empty.",
            )


def _provenance(request: _Request, service: Reader, answer: Received, seconds: float, sides: Sides) -> Provenance:
    outside = sides.outside(request.side)["outside"].value_counts()
    return Provenance(
        kind=request.kind,
        side=request.side,
        source=f"{service.root}{request.set}",
        asked_at=answer.asked_at.isoformat(),
        seconds=round(seconds, 3),
        received=answer.table.num_rows,
        in_scope=len(sides.side(request.side)),
        outside={str(k): int(v) for k, v in outside.items()},
    )


def _snapshot_id(taken_at: datetime, whole: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> str:
    """Time and a digest of every record's id and version, so that two moments never share an id."""
    digest = hashlib.sha256()
    for kind, frames in sorted(whole.items()):
        for frame in frames:
            digest.update(kind.encode())
            for column in ("id", "etag"):
                digest.update("\n".join(frame[column].fillna("").tolist()).encode())
    return f"{taken_at:%Y%m%d-%H%M%S}-{digest.hexdigest()[:8]}"
