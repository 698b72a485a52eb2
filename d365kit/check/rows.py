"""The failing rows of one check → rows of Findings: names, values as text and the message filled in."""

from __future__ import annotations

import string

import pyarrow as pa
import pyarrow.compute as pc

from d365kit.check.frames import CheckFrames, flat
from d365kit.check.sql import ROW_COLUMNS
from d365kit.check.suites import Check
from d365kit.errors import SuiteError
from d365kit.kinds import SIDES, Catalogue, Side
from d365kit.nouns import FINDING_COLUMNS

#: What a message may always name; a check's query may add columns of its own.
PLACES = ("bc_id", "dv_id", "bc_name", "dv_name", "bc_value", "dv_value", "field")


def finding_rows(check: Check, bad: pa.Table, frames: CheckFrames, catalogue: Catalogue) -> pa.Table:
    """Turn ``bad`` (some of ROW_COLUMNS, and columns for the message) into a table of FINDING_COLUMNS."""
    if not bad.num_rows:
        return FINDING_COLUMNS.empty_table()
    columns = {name: text_of(flat(bad[name])) for name in bad.column_names}
    for name in ROW_COLUMNS:
        columns.setdefault(name, pa.nulls(len(bad), pa.string()))
    columns["kind"] = pc.fill_null(columns["kind"], check.kind)
    columns["field"] = pc.fill_null(columns["field"], check.field)
    for side in SIDES:
        columns[f"{side}_name"] = _names(columns["kind"], columns[f"{side}_id"], side, frames, catalogue)
    columns["message"] = _message(check, columns, catalogue)
    fixed = {
        "check": check.full_name,
        "suite": check.suite,
        "rules": " ".join(check.rules),
        "severity": check.severity,
        "fix": check.fix,
        "owner": check.owner,
    }
    columns |= {name: _repeat(text, len(bad)) for name, text in fixed.items()}
    return pa.table({name: columns[name] for name in FINDING_COLUMNS.names}, schema=FINDING_COLUMNS)


def text_of(values: pa.Array) -> pa.Array:
    """``values`` as texts that people read: yes and no, decimals without the zeros at their end."""
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "yes", "no")
    texts = values.cast(pa.string())
    if pa.types.is_decimal(values.type) or pa.types.is_floating(values.type):
        texts = pc.replace_substring_regex(texts, r"^(-?\d+\.\d*?)0+$", r"\1")
        texts = pc.replace_substring_regex(texts, r"\.$", "")
    return texts


def check_message(check: Check, columns: list[str]) -> None:
    """Raise SuiteError when the check's message names something that its rows do not have."""
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(check.message) if name is not None}
    except ValueError as problem:
        raise SuiteError(
            f"The message of {check.full_name} cannot be read: {problem}.", "Correct its braces."
        ) from problem
    unknown = sorted(named - set(PLACES) - set(columns))
    if unknown:
        raise SuiteError(
            f"The message of {check.full_name} names “{unknown[0]}”, which its rows do not have.",
            f"It can name: {', '.join(dict.fromkeys((*PLACES, *columns)))}.",
        )
    spare = sorted(set(columns) - set(ROW_COLUMNS) - named)
    if spare:
        raise SuiteError(
            f"The query of {check.full_name} returns “{spare[0]}”, which nothing uses.",
            f"Name it in the message, or return only: {', '.join(ROW_COLUMNS)}.",
        )


def _repeat(text: str, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), length)


def _names(kinds: pa.Array, ids: pa.Array, side: Side, frames: CheckFrames, catalogue: Catalogue) -> pa.Array:
    """What people call the records: the name, failing that the number; null for a record that is nowhere."""
    names = pa.nulls(len(ids), pa.string())
    for kind in pc.unique(kinds).to_pylist():
        if kind not in catalogue:
            continue
        records = frames.side(kind, side)
        # Few rows fail and many records exist, so the records are thinned out before they are looked up.
        records = records.filter(pc.is_in(records["id"], value_set=ids))
        wanted = [catalogue[kind].name_field, catalogue[kind].number_field]
        called = pc.coalesce(*(flat(records[c]) for c in wanted if c))
        found = called.take(pc.index_in(ids, value_set=flat(records["id"])))
        names = pc.if_else(pc.equal(kinds, kind), found, names)
    return names


def _message(check: Check, columns: dict[str, pa.Array], catalogue: Catalogue) -> pa.Array:
    """The check's message for every row, joined from its fixed and its variable parts."""
    length = len(columns["kind"])
    parts: list[pa.Array] = []
    for text, name, _, _ in string.Formatter().parse(check.message):
        parts.append(_repeat(text, length))
        if name is not None:
            parts.append(_shown(name, columns, catalogue))
    return pc.binary_join_element_wise(*parts, _repeat("", length))


def _shown(name: str, columns: dict[str, pa.Array], catalogue: Catalogue) -> pa.Array:
    if name == "field":
        return _titles(columns, catalogue)
    if name.endswith("_name"):
        return pc.coalesce(columns[name], columns[name.replace("_name", "_id")], pa.scalar("a record without id"))
    return pc.fill_null(columns[name], "(blank)")


def _titles(columns: dict[str, pa.Array], catalogue: Catalogue) -> pa.Array:
    """The titles that screens show for the fields of the rows."""
    shown = columns["field"]
    for kind in pc.unique(columns["kind"]).to_pylist():
        for f in catalogue[kind].fields if kind in catalogue else ():
            here = pc.and_(pc.equal(columns["kind"], kind), pc.equal(columns["field"], f.name))
            shown = pc.if_else(here, f.title, shown)
    return shown
