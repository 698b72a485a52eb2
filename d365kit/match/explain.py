"""Scored pairs → what a person reads: evidence, one line of reason, why others lost, and what would settle it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.kinds import SIDES, Kind, Side
from d365kit.match.levels import Comparison
from d365kit.match.prepare import Pool, setting
from d365kit.match.templates import MISSING
from d365kit.nouns.frames import arrow_of, plain

#: Evidence below this many bits is not worth a word in the reason.
_WORTH_SAYING = 0.5
_MOST_SAID = 3
#: So many pairs are written down at once: the pieces take several times the room of the whole.
_AT_ONCE = 20_000


@dataclass(frozen=True)
class Line:
    """One comparison of one pair: both values as text, the level reached, its bits, and how to say it."""

    field: str
    bc: str | None
    dv: str | None
    level: str
    weight: float
    says: str = ""

    def to_dict(self) -> dict[str, object]:
        return {
            "field": self.field,
            "bc": self.bc,
            "dv": self.dv,
            "level": self.level,
            "weight": round(self.weight, 3),
        }


def as_text(value: object) -> str | None:
    """A value as evidence shows it; missing and blank are None, amounts lose their empty decimals.

    >>> as_text(Decimal("12.500000000000")), as_text("  ")
    ('12.5', None)
    """
    value = plain(value)
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return (str(value).strip() or None) if value is not None else None


def texts(frame: pd.DataFrame, field: str) -> pa.Array:
    """The values of a column as evidence shows them; all missing when there is no such column."""
    if field not in frame.columns:
        return pa.nulls(len(frame), pa.string())
    held = arrow_of(frame[field]).combine_chunks()
    if pa.types.is_string(held.type) or pa.types.is_large_string(held.type):
        # As `as_text` does, for all at once.
        trimmed = pc.utf8_trim_whitespace(held.cast(pa.string()))
        return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    encoded = held.dictionary_encode()
    known = pa.array([as_text(v) for v in encoded.dictionary.to_pylist()], pa.string())
    return known.take(encoded.indices)


def joined_texts(frame: pd.DataFrame, fields: Sequence[str]) -> pa.Array:
    """For every record the values of several columns as one text; missing where all are."""
    found = [texts(frame, field) for field in fields]
    if len(found) == 1:
        return found[0]
    both = _joined_filled(found, " · ")
    return pc.if_else(pc.equal(both, ""), pa.scalar(None, pa.string()), both)


def _joined_filled(columns: Sequence[pa.Array], between: str) -> pa.Array:
    """The texts of each row that are not missing, joined; ``""`` where all are missing.

    Arrow drops such rows, so every row gets a first text, and loses it again.
    """
    first = pa.repeat("", len(columns[0]))
    together = pc.binary_join_element_wise(first, *columns, between, null_handling="skip")
    return pc.utf8_slice_codeunits(together, len(between))


# --- evidence --------------------------------------------------------------------------------------------


def evidence_json(lines: Sequence[Line]) -> str:
    """Evidence as the JSON text that Proposals hold."""
    return json.dumps([line.to_dict() for line in lines], ensure_ascii=False)


def evidence_column(
    pool: Pool,
    comparisons: Sequence[Comparison],
    bc: np.ndarray,
    dv: np.ndarray,
    levels: np.ndarray,
    bits: np.ndarray,
) -> pa.Array:
    """The evidence of many pairs as JSON, each as `evidence_json` gives it; what neither record has is left out."""
    quoted = [{s: as_json(joined_texts(pool.frames[s], c.shows)) for s in SIDES} for c in comparisons]
    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(bc), _AT_ONCE)] or [slice(0, 0)]
    made = [_evidence(comparisons, quoted, bc[p], dv[p], levels[p], bits[p]) for p in parts]
    return pa.chunked_array(made).combine_chunks()


def _evidence(
    comparisons: Sequence[Comparison],
    quoted: Sequence[Mapping[Side, pa.Array]],
    bc: np.ndarray,
    dv: np.ndarray,
    levels: np.ndarray,
    bits: np.ndarray,
) -> pa.Array:
    """The evidence of a few pairs; ``quoted`` has, by comparison and side, what every record shows."""
    pieces = []
    for i, comparison in enumerate(comparisons):
        left, right = quoted[i]["bc"].take(pa.array(bc)), quoted[i]["dv"].take(pa.array(dv))
        words = pa.array([json.dumps(w) for w in (*comparison.words, MISSING)], pa.string())
        level = words.take(pa.array(np.where(levels[:, i] < 0, len(words) - 1, levels[:, i])))
        weight = pc.cast(pa.array(np.round(bits[:, i].astype(float), 3) + 0.0), pa.string())
        piece = pc.binary_join_element_wise(
            f'{{"field": {json.dumps(comparison.field)}, "bc": ', pc.fill_null(left, "null"), ', "dv": ',
            pc.fill_null(right, "null"), ', "level": ', level, ', "weight": ', weight, "}", "",
        )  # fmt: skip
        neither = pc.and_(pc.is_null(left), pc.is_null(right))
        pieces.append(pc.if_else(neither, pa.scalar(None, pa.string()), piece))
    inner = _joined_filled(pieces, ", ") if pieces else pa.array([""] * len(bc))
    return pc.binary_join_element_wise("[", inner, "]", "")


#: What a text must not have if JSON is to write it as it is, between quotes.
_ESCAPED = r'["\\\x00-\x1f]'


def as_json(column: pa.Array) -> pa.Array:
    """Texts as JSON writes them; missing ones stay missing."""
    quoted = pc.binary_join_element_wise('"', column, '"', "")
    rare = pc.fill_null(pc.match_substring_regex(column, _ESCAPED), False)
    escaped = [json.dumps(v, ensure_ascii=False) for v in column.filter(rare).to_pylist()]
    return pc.replace_with_mask(quoted, rare, pa.array(escaped, pa.string()))


# --- reasons ---------------------------------------------------------------------------------------------


def reason(kind: Kind, lines: Sequence[Line], note: str = "") -> str:
    """One line in words: what agrees, then what speaks against it.

    ``note`` comes first when there is one.
    """
    strong = sorted((x for x in lines if x.says and x.level != MISSING), key=lambda x: -abs(x.weight))
    agree = [_say(kind, x) for x in strong if x.weight >= _WORTH_SAYING][:_MOST_SAID]
    against = [_say(kind, x) for x in strong if x.weight <= -_WORTH_SAYING][: _MOST_SAID - 1]
    parts = [note, joined(agree), joined(against)]
    return "; ".join(p for p in parts if p) or "nothing to compare"


def reason_column(
    kind: Kind,
    comparisons: Sequence[Comparison],
    weights: Sequence[np.ndarray],
    levels: np.ndarray,
    notes: np.ndarray,
) -> pa.Array:
    """The reasons of many pairs, each as `reason` gives it; the same ones are put into words once."""
    noted = pa.array(notes, pa.string()).dictionary_encode()
    said = noted.dictionary.to_pylist()
    agree, agreeing = _told(kind, comparisons, weights, levels, _MOST_SAID)
    against, differing = _told(kind, comparisons, [-w for w in weights], levels, _MOST_SAID - 1)
    code = noted.indices.to_numpy().astype(np.int64)
    code = (code * len(agree) + agreeing) * len(against) + differing
    known, place = np.unique(code, return_inverse=True)
    made = []
    for one in known.tolist():
        one, last = divmod(one, len(against))
        first, middle = divmod(one, len(agree))
        made.append("; ".join(p for p in (said[first], agree[middle], against[last]) if p) or "nothing to compare")
    return pa.array(made, pa.string()).take(pa.array(place))


def _told(
    kind: Kind, comparisons: Sequence[Comparison], weights: Sequence[np.ndarray], levels: np.ndarray, most: int
) -> tuple[list[str], np.ndarray]:
    """What the ``most`` telling levels of positive weight say: the phrases there are, and each pair's among them."""
    entries = [
        (-float(weights[i][n]), i, n, level.says.format(f=title(kind, comparison.field)))
        for i, comparison in enumerate(comparisons)
        for n, level in enumerate(comparison.levels)
        if level.says and weights[i][n] >= _WORTH_SAYING
    ]
    entries.sort()
    code, count = np.zeros(len(levels), dtype=np.int64), np.zeros(len(levels), dtype=np.int8)
    for number, (_, i, n, _) in enumerate(entries, start=1):
        here = (levels[:, i] == n) & (count < most)
        code[here] = code[here] * (len(entries) + 1) + number
        count[here] += 1
    known, told = np.unique(code, return_inverse=True)
    phrases = []
    for one in known.tolist():
        words = []
        while one:
            one, number = divmod(one, len(entries) + 1)
            words.append(entries[number - 1][3])
        phrases.append(joined(words[::-1]))
    return phrases, told


def title(kind: Kind, field: str) -> str:
    """What a field is called in a sentence."""
    try:
        return kind[field].title
    except KeyError:
        return field.replace("_", " ")


def _say(kind: Kind, line: Line) -> str:
    return line.says.format(f=title(kind, line.field))


def joined(phrases: Sequence[str]) -> str:
    """Phrases as one: “same name, e-mail and phone”.

    >>> joined(["same name", "same e-mail", "city differs"])
    'same name and e-mail, city differs'
    """
    same = [p.removeprefix("same ") for p in phrases if p.startswith("same ") and "," not in p]
    others = [p for p in phrases if not p.startswith("same ") or "," in p]
    head = []
    if same:
        head = ["same " + (", ".join(same[:-1]) + " and " + same[-1] if len(same) > 1 else same[0])]
    return ", ".join(head + others)


# --- fingerprints ----------------------------------------------------------------------------------------


def compared_fields(kind: Kind) -> tuple[str, ...]:
    """The raw columns that matching compares, in alphabetical order; a reference counts by its label."""
    fields: set[str] = set()
    for column in setting(kind, "columns"):
        fields.update(column["of"])
    for name in setting(kind, "references"):
        if name in kind:
            fields.add(kind[name].label_column)
    return tuple(sorted(fields))


def prints_of(pool: Pool, side: Side, fields: Sequence[str], rows: Iterable[int]) -> Mapping[int, bytes]:
    """One digest of its compared values for each of ``rows``; fields without a value play no part."""
    wanted = np.unique(np.fromiter(rows, dtype=np.int64))
    out: dict[int, bytes] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        part = pool.frames[side].iloc[some]
        named = [pc.binary_join_element_wise(f"{field}=", texts(part, field), "") for field in fields]
        whole = _joined_filled(named, "\x1f").to_pylist() if named else [""] * len(part)
        out |= {int(n): hashlib.sha256(text.encode()).digest() for n, text in zip(some, whole, strict=True)}
    return out


def fingerprint(bc: bytes, dv: bytes) -> str:
    """The digest of a pair, made of the digests of its records."""
    return hashlib.sha256(bc + dv).hexdigest()[:24]
