"""What stands in a ledger ↔ lines of JSON, one a decision, which two analysts can bring together in git.

A line says all that follows from the ledger: who coupled, rejected, deferred or wants to make what, when, on what
evidence, and the values both sides agreed on. Positions, batches and runs are of one ledger alone and are left out,
and so is what was taken back. Keys and lines are sorted and blanks left out, so that a change of one decision is a
change of one line.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from d365kit.errors import LedgerError, SettingsError
from d365kit.ledger.tables import agreements, couplings, decisions, standing
from d365kit.ledger.values import decode, encode, stamp
from d365kit.nouns.ledger_lines import FIRSTS, Pair

#: What a line may say, and of which type; what is not in the first four may be left out.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "kind": (str,), "verdict": (str,), "at": (str,), "by": (str,), "bc_id": (str,), "dv_id": (str,), "note": (str,),
    "band": (str,), "fingerprint": (str,), "first": (str,), "agreed_at": (str,), "score": (int, float),
    "evidence": (list,), "agreement": (dict,),
}  # fmt: skip
_NEEDED = ("kind", "verdict", "at", "by")
_VERDICTS = ("confirm", "reject", "defer", "create")
#: The longest text the database has a place for.
_LONGEST = {"kind": 100, "by": 200, "bc_id": 200, "dv_id": 200, "band": 40, "fingerprint": 200}


@dataclass(frozen=True)
class Entry:
    """One line of a file: its number there, the pair, who said what about it when, and the agreement, encoded."""

    number: int
    kind: str
    verdict: str
    pair: Pair
    by: str
    at: str
    note: str = ""
    agreement: str | None = None
    agreed_at: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.pair.bc_id, self.pair.dv_id


def of(connection: Connection) -> list[str]:
    """All that stands, sorted by kind and ids; the same for two ledgers with the same state."""
    found = [(row["kind"], row["bc_id"], row["dv_id"], row["verdict"], _text(row)) for row in _rows(connection)]
    return [line for *_, line in sorted(found)]


def _rows(connection: Connection) -> Iterator[dict[str, object]]:
    d, c, s, a = decisions.c, couplings.c, standing.c, agreements.c
    said = (d.at, d.by, d.note, d.score, d.band, d.evidence, d.fingerprint, d.first)
    coupled = (
        select(c.kind, c.bc_id, c.dv_id, d.verdict, *said, a.fields.label("agreement"), a.at.label("agreed_at"))
        .join_from(couplings, decisions, c.position == d.position)
        .outerjoin(agreements, a.position == c.position)
    )
    judged = select(s.kind, s.bc_id, s.dv_id, s.verdict, *said).join_from(
        standing, decisions, s.position == d.position
    )
    for query in (coupled, judged):
        for rows in connection.execute(query).mappings().partitions(2_000):
            yield from (dict(row) for row in rows)


def _text(row: dict[str, object]) -> str:
    row["evidence"] = json.loads(str(row["evidence"]), parse_constant=_constant)
    if row.get("agreement") is not None:
        row["agreement"] = json.loads(str(row["agreement"]), parse_constant=_constant)
    # An agreement that is there and empty is another thing than none.
    kept = {k: v for k, v in row.items() if v not in (None, "", [])}
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which UTF-8 has no way to write
        text = json.dumps(kept, sort_keys=True)
    return text


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def read(content: bytes, kinds: Collection[str] | None = None) -> list[Entry]:
    """The entries of a file; blank lines do not count.

    Raises SettingsError, with the line's number, for the first line that is no decision, or of a kind that is not
    among ``kinds``.
    """
    entries = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            try:
                entries.append(_entry(number, line, kinds))
            except _Damaged as problem:
                raise SettingsError(f"Line {number} of the file {problem}.", problem.todo) from None
    return entries


class _Damaged(Exception):
    def __init__(self, what: str, todo: str = "Mend or remove that line; nothing was taken.") -> None:
        super().__init__(what)
        self.todo = todo


def _entry(number: int, line: bytes, kinds: Collection[str] | None) -> Entry:
    if line.startswith((b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")):
        raise _Damaged("marks a conflict of git", "Keep the lines that are right and try again; nothing was taken.")
    try:
        row = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise _Damaged(f"is no JSON ({problem})") from problem
    if not isinstance(row, dict):
        raise _Damaged("is no decision but a single value")
    _check(row, kinds)
    try:
        at, agreed_at = (stamp(datetime.fromisoformat(t)) if t else "" for t in (row["at"], row.get("agreed_at", "")))
        evidence, agreement = decode(json.dumps(row.get("evidence", []))), row.get("agreement")
        fields = None if agreement is None else encode(decode(json.dumps(agreement)))
    except (ValueError, ArithmeticError, LedgerError) as problem:
        raise _Damaged(f"has a value that cannot be read ({problem})") from problem
    pair = Pair(
        row.get("bc_id", ""), row.get("dv_id", ""), row.get("score"), row.get("band", ""), evidence,  # type: ignore[arg-type]
        row.get("fingerprint", ""), row.get("first", ""),
    )  # fmt: skip
    return Entry(number, row["kind"], row["verdict"], pair, row["by"], at, row.get("note", ""), fields, agreed_at)


def _check(row: dict, kinds: Collection[str] | None) -> None:
    for name, value in row.items():
        if name not in _TYPES:
            raise _Damaged(
                f"says “{name}”, which this d365kit does not know",
                "Correct it, or install a newer version of d365kit.",
            )
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise _Damaged(f"has no {_TYPES[name][0].__name__} for “{name}”")
        if isinstance(value, str) and len(value) > _LONGEST.get(name, len(value)):
            raise _Damaged(f"has more than {_LONGEST[name]} characters for “{name}”")
    lacking = [name for name in _NEEDED if not row.get(name)]
    if lacking:
        raise _Damaged(f"does not say “{lacking[0]}”")
    if row["verdict"] not in _VERDICTS:
        raise _Damaged(f"has the verdict “{row['verdict']}”, and only {', '.join(_VERDICTS)} are known")
    if kinds is not None and row["kind"] not in kinds:
        raise _Damaged(f"is of kind “{row['kind']}”, which this workspace does not have")
    both, either = (f(bool(row.get(side)) for side in ("bc_id", "dv_id")) for f in (all, any))
    if not (both if row["verdict"] in ("confirm", "reject") else either):
        raise _Damaged("lacks the id of a record")
    if row["verdict"] == "create" and both:
        raise _Damaged("wants to make a record and names both halves")
    if row.get("first", "") not in FIRSTS:
        raise _Damaged(f"says “{row['first']}” for “first”, and only bc and dv are known")
    if "agreement" in row and (row["verdict"] != "confirm" or not row.get("agreed_at")):
        raise _Damaged("has an agreement without a coupling and the time of it")
