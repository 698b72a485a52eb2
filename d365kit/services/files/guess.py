"""FileTable + kind + side → Guess: which column of a file is which field, how sure, and why."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from d365kit.errors import SettingsError
from d365kit.kinds import Field, Kind, Side
from d365kit.services.files import captions, looks
from d365kit.services.files.captions import CHECKSUM, GIVEN, ID, MODIFIED_ON, SPECIAL
from d365kit.services.files.tables import Cell, FileColumn, FileTable, text_of
from d365kit.services.files.words import fold

#: A guess less sure than this is none.
_LEAST = 0.5
#: Two guesses closer than this are equally good.
_EQUAL = 0.005
_NEAR = 0.84
#: A view of Dataverse calls the column of a related row so: “Email (Primary Contact)” is not the account's own.
_RELATED = re.compile(r"[^()]+ \((?!.{1,4}\)$|column )[^()]+\)")


@dataclass(frozen=True)
class Line:
    """One column of the file: the fields it is taken for (none: not used), how sure (0 to 1), why, and samples."""

    column: str
    letter: str
    fields: tuple[str, ...]
    sure: float
    why: str
    samples: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "column": self.column, "letter": self.letter, "fields": list(self.fields), "sure": round(self.sure, 2),
            "why": self.why, "samples": list(self.samples),
        }  # fmt: skip


@dataclass(frozen=True)
class Guess:
    """What the columns of a file are taken for.

    ``missing`` are the fields of the kind for which no column was found. ``doubtful`` are fields for which several
    columns are equally good, by field; none of them is used until somebody chooses.
    """

    table: FileTable
    kind: str
    side: Side
    lines: tuple[Line, ...]
    missing: tuple[str, ...]
    doubtful: Mapping[str, tuple[str, ...]]

    def column_of(self, field: str) -> FileColumn | None:
        """The column that ``field`` is read from, or None."""
        for line in self.lines:
            if field in line.fields:
                return self.table.column(line.column)
        return None

    @property
    def unused(self) -> tuple[str, ...]:
        return tuple(line.column for line in self.lines if not line.fields)

    def to_dict(self) -> dict[str, object]:
        return {
            "file": str(self.table.origin), "kind": self.kind, "side": self.side, "rows": len(self.table),
            "columns": [line.to_dict() for line in self.lines], "unused": list(self.unused),
            "missing": list(self.missing), "doubtful": {f: list(c) for f, c in self.doubtful.items()},
            "notes": list(self.table.notes),
        }  # fmt: skip

    def __str__(self) -> str:
        where = "Business Central" if self.side == "bc" else "Sales"
        used = [line for line in self.lines if line.fields]
        wide = max([len(line.column) for line in used], default=6)
        lines = [f"{self.table.origin}: {len(self.table):,} rows, read as {self.kind} of {where}"]
        for line in used:
            fields = ", ".join(
                f.removeprefix("@").replace("_", " ") if f in SPECIAL else f.removesuffix("_label")
                for f in line.fields
            )
            lines.append(f"  {line.column:<{wide}}  → {fields:<18} {line.sure:>4.0%}  {line.why}")
        lines += [
            f"  {field.removesuffix('_label')} could be {' or '.join(f'“{c}”' for c in columns)}; "
            f"say which with --column “{columns[0]}={field.removesuffix('_label')}”"
            for field, columns in self.doubtful.items()
        ]
        if self.unused:
            lines.append(f"  not used: {', '.join(self.unused)}")
        if self.missing:
            lines.append(f"  not found: {', '.join(self.missing)}")
        return "\n".join(lines + [f"  note: {note}" for note in self.table.notes])


def guess(table: FileTable, kind: Kind, side: Side, given: Mapping[str, str] | None = None) -> Guess:
    """Say which column of ``table`` is which field of ``kind``.

    ``given`` holds what somebody chose, column → field (``-`` leaves a column out, ``@id`` is the record's id); it
    goes before every guess. Raises SettingsError for a column or field in it that does not exist.
    """
    chosen = _given(table, kind, given or {})
    taken = {field: name for name, fields in chosen.items() for field in fields}
    free = [c for c in table.columns if c.name not in chosen]
    scores = _scores(free, kind, side, set(taken))
    found: dict[str, list[tuple[str, float, str]]] = {
        n: [(f, GIVEN, "given") for f in fs] for n, fs in chosen.items()
    }
    doubtful: dict[str, tuple[str, ...]] = {}
    used: set[str] = set(chosen)
    for sure, name, field, why in sorted(scores, key=lambda s: -s[0]):
        if field in taken or field in doubtful or name in used:
            continue
        rivals = [s[1] for s in scores if s[2] == field and s[1] not in used and s[0] > sure - _EQUAL]
        if len(rivals) > 1 and len({table.column(r).cells for r in rivals}) > 1:
            doubtful[field] = tuple(dict.fromkeys(rivals))
            continue
        for same in _same_property(kind, side, field):
            if same not in taken:
                taken[same] = name
                found.setdefault(name, []).append((same, sure, why))
        used.add(name)
    lines = tuple(_line(c, found.get(c.name, [])) for c in table.columns)
    open_ = {*taken, *doubtful}
    missing = tuple(
        f.name for f in kind.fields if captions.properties(f, side) and not {f.name, f.label_column} & open_
    )
    return Guess(table, kind.name, side, lines, missing, doubtful)


def require(made: Guess, kind: Kind) -> None:
    """Raise SettingsError when a file lacks what a record of ``kind`` is known by: its name or its number."""
    needed = [n for n in (kind.name_field, kind.number_field) if n]
    if any(made.column_of(n) is not None for n in needed):
        return
    doubts = [n for n in needed if n in made.doubtful]
    columns = ", ".join(c.name for c in made.table.columns)
    if doubts:
        rivals = made.doubtful[doubts[0]]
        raise SettingsError(
            f"{made.table.origin}: {' and '.join(f'“{c}”' for c in rivals)} "
            f"could each be the {doubts[0]} of a {kind.name}.",
            f"Say which, for example with --column “{rivals[0]}={doubts[0]}”.",
        )
    raise SettingsError(
        f"{made.table.origin} has no column that looks like the {' or the '.join(needed)} of a {kind.name}; "
        f"it has: {columns}.",
        f"Say which column it is, for example with --column “{made.table.columns[0].name}={needed[-1]}”.",
    )


def _given(table: FileTable, kind: Kind, given: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    fields = {f.name for f in kind.fields} | set(SPECIAL) | {"-", ""}
    out: dict[str, tuple[str, ...]] = {}
    for column, field in given.items():
        if field not in fields:
            near = difflib.get_close_matches(field, sorted(fields), n=3, cutoff=0.5)
            raise SettingsError(
                f"“{column}={field}”: a {kind.name} has no field “{field}”.",
                f"Nearest are {', '.join(near)}."
                if near
                else f"Its fields are: {', '.join(sorted(fields - {'', '-'}))}.",
            )
        found = table.column(column)
        target = field if field in SPECIAL or field in ("-", "") else _target(kind[field], found)
        out[found.name] = (*out.get(found.name, ()), *(() if target in ("-", "") else (target,)))
    return out


def _scores(
    columns: Sequence[FileColumn], kind: Kind, side: Side, taken: set[str]
) -> list[tuple[float, str, str, str]]:
    """(how sure, column, field, why) for every column and field that may belong together."""
    known = captions.hits_of(kind, side)
    fields = {f.name: f for f in kind.fields}
    out = []
    for column in columns:
        if side == "dv" and _RELATED.fullmatch(column.name) and fold(column.name) not in known:
            continue
        for hit in _by_name(column, known):
            if hit.field in taken or (hit.field == ID and not looks.share(column.cells, looks.GUID) > 0.9):
                continue
            sure, why, target = hit.sure, hit.why, hit.field
            field = fields.get(hit.field)
            if field is not None:
                target = _target(field, column)
                if not looks.fits(field, column.cells, _words(kind.name, field)):
                    sure, why = sure * 0.5, f"{why}, but its values are something else"
            if sure >= _LEAST and target not in taken:
                out.append((sure, column.name, target, why))
        out += _by_look(column, kind, taken) + _by_noun(column, kind, side, taken, known)
    return out + _hidden(columns)


def _by_name(column: FileColumn, known: Mapping[str, tuple[captions.Hit, ...]]) -> list[captions.Hit]:
    caption = fold(column.name.split(" (column ")[0])
    if caption in known:
        return list(known[caption])
    near = difflib.get_close_matches(caption, known, n=3, cutoff=_NEAR) if len(caption) > 3 else []
    # “Customer” is not a misspelt “Customer No.”: a word that is missing says something else.
    near = [n for n in near if not set(caption.split()) < set(n.split())]
    if near:
        ratio = difflib.SequenceMatcher(None, caption, near[0]).ratio()
        return [
            captions.Hit(
                h.field, 0.6 + 0.25 * (ratio - _NEAR) / (1 - _NEAR), f"spelt nearly like “{near[0]}”", h.side
            )
            for h in known[near[0]][:1]
        ]
    # “Credit limit (EUR)”: a caption we know, and something more.
    words = caption.split()
    parts = [k for k in known if len(k) > 5 and set(k.split()) < set(words) and len(words) <= len(k.split()) + 2]
    if parts:
        best = max(parts, key=len)
        return [captions.Hit(h.field, 0.6, f"contains “{best}”", h.side) for h in known[best][:1]]
    return []


def _by_look(column: FileColumn, kind: Kind, taken: set[str]) -> list[tuple[float, str, str, str]]:
    out = []
    for field in kind.fields:
        if field.name not in taken:
            share, why = looks.look_of(field, column.cells)
            if share >= 0.8:
                out.append((_LEAST + 0.05 * share, column.name, field.name, why))
    return out


def _by_noun(
    column: FileColumn, kind: Kind, side: Side, taken: set[str], known: Mapping[str, tuple[captions.Hit, ...]]
) -> list[tuple[float, str, str, str]]:
    """A column called “Customer” holds customers: by their numbers, or by their names."""
    caption = fold(column.name)
    nouns = captions.nouns_of(kind.name, side)
    if (
        caption in known
        or " " in caption
        or not any(caption.startswith(n) and len(caption) < len(n) + 3 for n in nouns)
    ):
        return []
    target = kind.number_field if looks.share(column.cells, looks.CODE) >= 0.8 else kind.name_field
    return [(0.75, column.name, target, "called like the records")] if target and target not in taken else []


def _hidden(columns: Sequence[FileColumn]) -> list[tuple[float, str, str, str]]:
    """The three hidden first columns of a Dataverse export, in whatever language: id, checksum, modified on."""
    marked = [c for c in columns if c.name.startswith("(")][:3]
    ids = [c for c in marked if looks.guids(c.cells)]
    sums = [c for c in marked if looks.checksums(c.cells)]
    if not ids:
        return []
    out = [(1.0, ids[0].name, ID, "hidden column of a Dataverse export")]
    if not sums:
        return out  # the others were deleted, or spoilt: the ids are ids all the same
    times = [c for c in marked if c not in (ids[0], sums[0])]
    out.append((1.0, sums[0].name, CHECKSUM, "hidden column of a Dataverse export"))
    return out + [(1.0, c.name, MODIFIED_ON, "hidden column of a Dataverse export") for c in times[:1]]


def _words(kind: str, field: Field) -> Callable[[Cell], bool]:
    words = captions.choices_of(kind, field.name)
    return lambda cell: fold(text_of(cell)) in words


def _target(field: Field, column: FileColumn) -> str:
    """What a column of ``field`` holds: the field itself, or for a reference by code or name its label."""
    if field.is_reference and looks.share(column.cells, looks.GUID) < 0.9:
        return field.label_column
    return field.name


def _same_property(kind: Kind, side: Side, target: str) -> list[str]:
    """``target`` and the other fields that the service keeps in the same property (unit cost and standard cost)."""
    own = next((f for f in kind.fields if target in (f.name, f.label_column)), None)
    if own is None:
        return [target]
    mine = set(captions.properties(own, side))
    others = [f for f in kind.fields if f is not own and mine & set(captions.properties(f, side))]
    return [target, *(f.label_column if target == own.label_column else f.name for f in others)]


def _line(column: FileColumn, found: Sequence[tuple[str, float, str]]) -> Line:
    samples = tuple(dict.fromkeys(text_of(c)[:40] for c in column.filled()[:50]))[:3]
    fields = tuple(f for f, _, _ in found)
    sure, why = (found[0][1], found[0][2]) if found else (0.0, "")
    return Line(column.name, column.letter, fields, sure, why, samples)
