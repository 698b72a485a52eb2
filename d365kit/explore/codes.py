"""Snapshot → values that would be cut, codes that do not exist, and how currencies and countries are used."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.compare import NORMALISERS
from d365kit.explore.columns import column, each_side, texts
from d365kit.kinds import Catalogue, Field, Kind, Side, other_side
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import from_rows

CUT_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("field", pa.string()), ("records", pa.int64()),
     ("longest", pa.int64()), ("allowed", pa.int64()), ("example", pa.string())]
)  # fmt: skip
CODE_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("field", pa.string()), ("code", pa.string()),
     ("records", pa.int64()), ("why", pa.string())]
)  # fmt: skip
USE_COLUMNS = pa.schema(
    [("field", pa.string()), ("kind", pa.string()), ("side", pa.string()), ("value", pa.string()),
     ("records", pa.int64()), ("share", pa.float64()), ("spellings", pa.int64())]
)  # fmt: skip

NOT_THERE = "not among the records read"
NOT_A_COUNTRY = "not a country code of Business Central"


def cut(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """Per kind, side and field: texts that are longer than the other side, where they go, can hold."""
    rows = []
    for kind, side, frame in each_side(snapshot, catalogue):
        there = other_side(side)
        for f in kind.fields_to(there):
            allowed = f.longest_on(there)
            found = column(frame, f.name)
            if not allowed or f.is_reference or not pa.types.is_string(found.type):
                continue
            lengths = pc.utf8_length(found)
            longest = pc.max(lengths).as_py() or 0
            if longest > allowed:
                example = found.filter(pc.equal(lengths, longest))[0].as_py()
                number = pc.sum(pc.greater(lengths, allowed)).as_py()
                rows.append(
                    {"kind": kind.name, "side": side, "field": f.name, "records": number, "longest": longest,
                     "allowed": allowed, "example": example}
                )  # fmt: skip
    return from_rows(rows, CUT_COLUMNS)


def unknown_codes(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """Per kind, side, field and code: records that use a code or point to a record which is not there.

    ``why`` says whether the target was not read at all or is left out by its own filter, and for what reason.
    Kinds that were not pulled are not judged. Countries are held against BC's list, where the snapshot has it.
    """
    rows: list[dict[str, object]] = []
    for kind, side, frame in each_side(snapshot, catalogue):
        for f in kind.references:
            rows += [
                {"kind": kind.name, "side": side, "field": f.name, **r} for r in _dangling(snapshot, f, side, frame)
            ]
        rows += _countries(snapshot, kind, side, frame)
    return from_rows(rows, CODE_COLUMNS)


def _dangling(snapshot: Snapshot, field: Field, side: Side, frame: pd.DataFrame) -> list[dict[str, object]]:
    targets = field.refers_to
    if not all(t in snapshot for t in targets):
        return []
    ids, labels = texts(frame, field.name), texts(frame, field.label_column)
    inside = pa.chunked_array([texts(snapshot[t].side(side), "id").combine_chunks() for t in targets], pa.string())
    reasons: dict[str, str] = {}
    for t in targets:
        left_out = snapshot[t].outside(side)
        if len(left_out):
            reasons |= dict(zip(left_out["id"], left_out["outside"].fillna("left out"), strict=True))
    used = pc.and_not(pc.or_(pc.is_valid(ids), pc.is_valid(labels)), pc.is_in(ids, value_set=inside.combine_chunks()))
    counts: dict[tuple[str, str], int] = {}
    for record, label in zip(ids.filter(used).to_pylist(), labels.filter(used).to_pylist(), strict=True):
        why = f"left out: {reasons[record]}" if record in reasons else NOT_THERE
        key = (label or record, why)
        counts[key] = counts.get(key, 0) + 1
    ranked = sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    return [{"code": code, "records": number, "why": why} for (code, why), number in ranked]


def _countries(snapshot: Snapshot, kind: Kind, side: Side, frame: pd.DataFrame) -> list[dict[str, object]]:
    known = snapshot.extras.get("bc.countriesRegions")
    if known is None or not len(known) or not any(f.name == "country" for f in kind.fields):
        return []
    codes = pc.utf8_upper(texts(known, "code")).combine_chunks()
    used = pc.value_counts(texts(frame, "country")).to_pylist()
    listed = set(codes.to_pylist())
    rows = [
        {"kind": kind.name, "side": side, "field": "country", "code": u["values"], "records": u["counts"],
         "why": NOT_A_COUNTRY}
        for u in used if u["values"] is not None and u["values"].upper() not in listed
    ]  # fmt: skip
    return sorted(rows, key=lambda r: (-int(str(r["records"])), str(r["code"])))


def uses(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """Currencies and countries by kind, side and value: records and their share, blank being a missing value.

    Countries are brought into one spelling (“Österreich” counts as AT); ``spellings`` counts how many there were.
    """
    rows = []
    for kind, side, frame in each_side(snapshot, catalogue):
        for f in kind.fields:
            which = "currency" if "currency" in f.refers_to else f.name
            if which not in ("currency", "country") or not len(frame):
                continue
            name = f.label_column if f.is_reference else f.name
            if column(frame, name).null_count == len(frame) and not f.on(side):
                continue
            counted: dict[str | None, list[int]] = {}
            for entry in pc.value_counts(texts(frame, name)).to_pylist():
                value = _country(entry["values"]) if which == "country" else entry["values"]
                so_far = counted.setdefault(value, [0, 0])
                so_far[0] += entry["counts"]
                so_far[1] += 1
            ranked = sorted(counted.items(), key=lambda c: (-c[1][0], c[0] or ""))
            rows += [
                {"field": which, "kind": kind.name, "side": side, "value": value, "records": number,
                 "share": number / len(frame), "spellings": spellings}
                for value, (number, spellings) in ranked
            ]  # fmt: skip
    return from_rows(rows, USE_COLUMNS)


def _country(value: str | None) -> str | None:
    key = NORMALISERS["country"](value) if value is not None else None
    if not isinstance(key, str):
        return None
    return key.upper() if len(key) == 2 else value
