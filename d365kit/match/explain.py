"""Scored pairs → what a person reads: evidence lines, one line of reason, and a fingerprint of the values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from d365kit.compare import values
from d365kit.kinds import Kind, Side
from d365kit.match.prepare import Pool
from d365kit.match.templates import MISSING
from d365kit.nouns.frames import plain

#: Evidence below this many bits is not worth a word in the reason.
_WORTH_SAYING = 0.5
_MOST_SAID = 3


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


def evidence_json(lines: Sequence[Line]) -> str:
    """Evidence as the JSON text that Proposals hold."""
    return json.dumps([line.to_dict() for line in lines], ensure_ascii=False)


def reason(kind: Kind, lines: Sequence[Line], note: str = "") -> str:
    """One line in words: what agrees, then what speaks against it.

    ``note`` comes first when there is one.
    """
    strong = sorted((x for x in lines if x.says and x.level != MISSING), key=lambda x: -abs(x.weight))
    agree = [_say(kind, x) for x in strong if x.weight >= _WORTH_SAYING][:_MOST_SAID]
    against = [_say(kind, x) for x in strong if x.weight <= -_WORTH_SAYING][: _MOST_SAID - 1]
    parts = [note, _joined(agree), _joined(against)]
    return "; ".join(p for p in parts if p) or "nothing to compare"


def _say(kind: Kind, line: Line) -> str:
    try:
        title = kind[line.field].title
    except KeyError:
        title = line.field.replace("_", " ")
    return line.says.format(f=title)


def _joined(phrases: Sequence[str]) -> str:
    """Phrases as one: “same name, e-mail and phone”.

    >>> _joined(["same name", "same e-mail", "city differs"])
    'same name and e-mail, city differs'
    """
    same = [p.removeprefix("same ") for p in phrases if p.startswith("same ") and "," not in p]
    others = [p for p in phrases if not p.startswith("same ") or "," in p]
    head = []
    if same:
        head = ["same " + (", ".join(same[:-1]) + " and " + same[-1] if len(same) > 1 else same[0])]
    return ", ".join(head + others)


def compared_fields(kind: Kind) -> tuple[str, ...]:
    """The raw columns that matching compares, in alphabetical order; a reference counts by its label."""
    fields: set[str] = set()
    for column in kind.match.get("columns", ()):  # type: ignore[attr-defined]
        fields.update(column["of"])
    for name in kind.match.get("references", ()):  # type: ignore[attr-defined]
        if name in kind:
            fields.add(kind[name].label_column)
    return tuple(sorted(fields))


def prints_of(pool: Pool, side: Side, fields: Sequence[str]) -> list[bytes]:
    """One digest a record of its compared values."""
    columns = [[as_text(v) for v in values(pool.frames[side], field)] for field in fields]
    rows = zip(*columns, strict=True) if columns else [()] * pool.size(side)
    return [hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).digest() for row in rows]


def fingerprint(bc: bytes, dv: bytes) -> str:
    """The digest of a pair, made of the digests of its records."""
    return hashlib.sha256(bc + dv).hexdigest()[:24]
