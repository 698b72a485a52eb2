"""Two files → Proposals: a comparison without workspace, settings or services."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit import match, pull
from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Catalogue, Kind, Side, load_catalogue
from d365kit.match import Progress
from d365kit.nouns import Proposals, Sides, Snapshot
from d365kit.nouns.frames import arrow_of, column_of, empty, records, to_frame
from d365kit.services.files import (
    COLUMNS,
    ID,
    KEY,
    FilePart,
    FileSource,
    FileTable,
    Guess,
    Habits,
    KitTable,
    Look,
    fold,
    load,
    look,
    nouns_of,
    preference,
    rank_kinds,
    read_kit,
    says_more,
    text_of,
)
from d365kit.workspace import pairs_out

HANDS = ("left", "right")
#: The columns of ids in what is written.
IDS = ("left_id", "right_id")
#: The hands in which the sides are, where nothing says otherwise.
_STRAIGHT: Mapping[str, Side] = {"left": "bc", "right": "dv"}
#: Other words for kinds, as people type them.
_ALSO_CALLED = {"company": "customer"}
#: Kinds whose marks differ by less than this are equally likely.
_NEAR = 0.08
#: How much worse a file may fit the kind of both than what it fits best.
_APART = 0.2
#: Below this sum of both files' marks nothing is understood.
_LEAST = 0.6
#: A longer text is compared by its beginning: comparing takes time by the square of the length.
_LONGEST = 4_000


@dataclass(frozen=True)
class FileRead:
    """One file as it was read.

    ``said`` says which column was taken for which field, ``known`` by what its records are known. ``outside`` are
    the records that the filter of their mapping leaves out (blocked, inactive).
    """

    said: Guess | KitTable
    known: pairs_out.Known
    outside: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def side(self) -> Side:
        """The side the file stands for."""
        return self.known.side

    @property
    def name(self) -> str:
        origin = self.said.origin if isinstance(self.said, KitTable) else self.said.table.origin
        return origin.path.name

    def to_dict(self) -> dict[str, object]:
        return {**self.said.to_dict(), "notes": list(self.notes)}

    def lines(self, hand: str) -> list[str]:
        """What to say about the file: its columns, the records left out, and remarks."""
        out = [str(self.said)]
        reasons = self.outside["outside"].value_counts()
        shown = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
        out += [f"  left out of {self.name}: {shown}"] if shown else []
        told = set(self.said.table.notes) if isinstance(self.said, Guess) else set()
        return out + [f"  note ({hand}): {n}" for n in self.notes if n not in told]


@dataclass(frozen=True)
class FileMatch:
    """What was found between two files.

    ``files`` are by hand (left, right); ``others`` are kinds the files could hold as well. `pairs`
    are those that are asserted, a row each; `to_frame` has every scored pair and every record.
    """

    kind: str
    files: Mapping[str, FileRead]
    proposals: Proposals
    name_field: str
    others: tuple[str, ...] = field(default=())

    def counts(self) -> dict[str, int]:
        """Pairs by band, and the records of either file without any candidate."""
        counts = self.proposals.counts()
        alone = {hand: len(self.proposals.without_partner(file.side)) for hand, file in self.files.items()}
        found = {band: counts[band] for band in ("certain", "likely", "unsure")}
        left_out = sum(len(file.outside) for file in self.files.values())
        return {**found, "only left": alone["left"], "only right": alone["right"], "left out": left_out}

    def pairs(self) -> pd.DataFrame:
        """The pairs asserted (bands certain and likely): left_id, right_id, score, band, reason; the surest first.

        No id stands in two of them on either side. ``score`` is the pair's probability.
        """
        return to_frame(pairs_out.asserted(self._scored()))

    def best(self, number: int) -> list[dict[str, object]]:
        """The first of the pairs, with the names and rows of their records."""
        found = pairs_out.asserted(self._scored(), named=True)
        return records(to_frame(found.slice(0, number)))

    def to_frame(self) -> pd.DataFrame:
        """Every scored pair, best first, then the records for which nothing was found, then those left out.

        The columns of `pairs`, then chosen, rank, margin, left_name, right_name, left_row, right_row (rows of the
        files), and for every compared field ``<field>_left``, ``<field>_right``, ``<field>_level``,
        ``<field>_weight``.
        """
        left_out = [
            pairs_out.left_out(hand, file.outside, self.name_field, file.known) for hand, file in self.files.items()
        ]
        sides = {hand: file.side for hand, file in self.files.items()}
        return to_frame(pairs_out.everything(pa.concat_tables([self._scored(), *left_out]), sides))

    def _scored(self) -> pa.Table:
        return pairs_out.scored(self.proposals.frame, {hand: file.known for hand, file in self.files.items()})

    def to_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "counts": self.counts(),
            **{hand: file.to_dict() for hand, file in self.files.items()},
            "could_be": list(self.others),
        }

    def __str__(self) -> str:
        lines = [line for hand, file in self.files.items() for line in file.lines(hand)]
        if self.others:
            lines.append(f"The files could hold {' or '.join(self.others)} as well; say which with --kind.")
        counts = ", ".join(f"{n:,} {name}" for name, n in self.counts().items())
        return "\n".join([*lines, f"{self.kind}: {counts}"])


class _NoLedger:
    """A ledger in which nothing was ever decided."""

    position = 0

    def couplings(self, kind: str) -> pd.DataFrame:
        return pd.DataFrame({"bc_id": [], "dv_id": []})

    def rejected(self, kind: str) -> pd.DataFrame:
        return pd.DataFrame({"bc_id": [], "dv_id": [], "fingerprint": []})

    def creates(self, kind: str) -> pd.DataFrame:
        return self.couplings(kind)


def match_files(
    left: str | Path,
    right: str | Path,
    *,
    kind: str = "",
    columns: Mapping[str, Mapping[str, str]] | None = None,
    sheets: Mapping[str, str] | None = None,
    decimal: str = "",
    dates: str = "",
    rule: str = "evidence",
    criteria: Sequence[str] | None = None,
    details: bool = True,
    progress: Progress | None = None,
    engine: str = "duckdb",
) -> FileMatch:
    """Find which rows of ``left`` and ``right`` belong together.

    ``kind`` "" is found out. ``columns`` (column → field) and ``sheets`` are by hand, ``left`` and ``right``.
    ``decimal`` (``,`` or ``.``) and ``dates`` (dmy, mdy) decide what the files leave in doubt.
    Two CSV or Parquet files with the kit's own names of columns (`COLUMNS`) are read as they are, all others guessed.
    References that need records of another kind (currency, salesperson) take no part.
    ``rule`` and ``criteria`` are those of `match.propose`.
    Without ``details`` there is no evidence, which for large files spares time and memory.
    ``engine`` (``duckdb`` or ``spark``) finds and compares the candidates.
    The answer depends on what the files hold, not on the order of their rows.
    Raises SettingsError for files that cannot be read, whose kind cannot be told, whose records are not known by
    ids of their own, or that have nothing in common to compare.
    """
    habits = Habits.checked(decimal, dates)
    catalogue = load_catalogue()
    wanted = _ALSO_CALLED.get(kind, kind)
    paths = dict(zip(HANDS, (Path(left), Path(right)), strict=True))
    straight = None if columns or sheets else _kit_kind(paths, wanted, catalogue)
    if straight is not None:
        chosen, others, looks = straight
        files, snapshot = _read_kit(looks, chosen, habits, progress)
    else:
        chosen, others, files, snapshot = _read_guessed(paths, wanted, catalogue, columns or {}, sheets or {}, habits)
    _refuse_nothing_in_common(files, snapshot[chosen.name])
    proposals = match.propose(
        _with_unread(snapshot, chosen), _NoLedger(), chosen.name, rule=rule, criteria=criteria, catalogue=catalogue,
        details=details, progress=progress, engine=engine,
    )  # fmt: skip
    return FileMatch(chosen.name, files, proposals, chosen.name_field, others)


# --- files with the kit's own columns --------------------------------------------------------------------


def _kit_kind(
    paths: Mapping[str, Path], wanted: str, catalogue: Catalogue
) -> tuple[Kind, tuple[str, ...], Mapping[str, Look]] | None:
    """The kind that two files with the kit's own columns hold, and those that fit as well; None for other files."""
    looks = {hand: found for hand, path in paths.items() if (found := look(path)) is not None and found.is_kit}
    if len(looks) < len(paths):
        return None
    if wanted:
        fitting = [catalogue[wanted].name] if catalogue[wanted].name in COLUMNS else []
    else:
        usual = [name for name in COLUMNS if name != "vendor"]  # a vendor has the columns of a customer
        fitting = [name for name in usual if all(found.fits(name) for found in looks.values())]
        _refuse_different_columns(looks, usual, fitting)
        stems = [fold(path.stem) for path in paths.values()]
        fitting.sort(key=lambda name: -_named(name, stems))
    if not fitting:
        return None
    chosen = catalogue[fitting[0]]
    if any(says_more(found, chosen, _STRAIGHT[hand]) for hand, found in looks.items()):
        return None
    return chosen, tuple(fitting[1:]), looks


def _named(kind: str, stems: Sequence[str]) -> int:
    """How many letters of a word for the records of ``kind`` begin one of the files' names; 0 when none does."""
    words = [word for side in SIDES for word in nouns_of(kind, side)]
    return max((len(word) for word in words for stem in stems if stem.startswith(word)), default=0)


def _refuse_different_columns(looks: Mapping[str, Look], kinds: list[str], fitting: list[str]) -> None:
    """Raise SettingsError when each of the files has the columns of a kind, and no kind has those of both."""
    held = {hand: [k for k in kinds if found.fits(k)] for hand, found in looks.items()}
    if not fitting and all(held.values()):
        has = " and ".join(f"{looks[h].path.name} has the columns of {' or '.join(held[h])}" for h in HANDS)
        raise SettingsError(
            f"The two files hold different things: {has}.", "Take two files of one kind, or say it with --kind."
        )


def _read_kit(
    looks: Mapping[str, Look], kind: Kind, habits: Habits, progress: Progress | None
) -> tuple[dict[str, FileRead], Snapshot]:
    files: dict[str, FileRead] = {}
    frames: dict[str, pd.DataFrame] = {}
    digest = hashlib.sha256()
    for step, hand in enumerate(HANDS):
        if progress:
            progress(f"reading {looks[hand].path.name}", step, len(HANDS))
        side = _STRAIGHT[hand]
        held = read_kit(looks[hand], kind, side, habits)
        frame, notes = _shortened(to_frame(held.table))
        ids = held.table.column("id").combine_chunks()
        digest.update("\n".join([hand, *ids.to_pylist()]).encode())
        frames[side], frames[f"{side}_outside"] = frame, _none_outside(kind)
        known = pairs_out.Known(side, ids, ids, held.rows.combine_chunks())
        files[hand] = FileRead(held, known, _none_outside(kind), (*held.notes, *notes))
    sides = Sides(kind.name, **frames)
    # No clock: equal files give an equal snapshot.
    return files, Snapshot(f"files-{digest.hexdigest()[:16]}", datetime.fromtimestamp(0, UTC), {kind.name: sides})


def _none_outside(kind: Kind) -> pd.DataFrame:
    return empty(kind.schema.append(pa.field("outside", pa.string())))


# --- files whose columns are guessed ---------------------------------------------------------------------


def _read_guessed(
    paths: Mapping[str, Path],
    wanted: str,
    catalogue: Catalogue,
    columns: Mapping[str, Mapping[str, str]],
    sheets: Mapping[str, str],
    habits: Habits,
) -> tuple[Kind, tuple[str, ...], dict[str, FileRead], Snapshot]:
    tables = {hand: load(path, sheets.get(hand, "")) for hand, path in paths.items()}
    chosen, sides, others = _kind_of(tables, wanted, catalogue)
    sources: dict[str, FileSource] = {}
    for hand in HANDS:
        given = _given(tables[hand], chosen, columns.get(hand, {}))
        part = {chosen.name: FilePart(tables[hand].origin.path, columns=given)}
        sources[hand] = FileSource(sides[hand], part, catalogue, habits=habits, tables={chosen.name: tables[hand]})
    by_side = {sides[hand]: sources[hand] for hand in HANDS}
    snapshot = pull.pull(by_side["bc"], by_side["dv"], kinds=[chosen.name], catalogue=catalogue, allow_empty=True)
    held = snapshot[chosen.name]
    frames = {side: _shortened(held.side(side)) for side in SIDES}
    files = {}
    for hand in HANDS:
        guessed, side = sources[hand].guess(chosen.name), sides[hand]
        ids = sources[hand].table(chosen.name).column("id").combine_chunks()
        key = guessed.column_of(ID)
        written = ids if key is None else pa.array([text_of(c) for c in key.cells], pa.string())
        known = pairs_out.Known(side, ids, written, pa.array(tables[hand].rows, pa.int64()))
        notes = (*sources[hand].notes(chosen.name), *frames[side][1])
        files[hand] = FileRead(guessed, known, held.outside(side), notes)
    short = Sides(chosen.name, frames["bc"][0], frames["dv"][0], held.bc_outside, held.dv_outside)
    return chosen, others, files, replace(snapshot, kinds={chosen.name: short})


def _given(table: FileTable, kind: Kind, chosen: Mapping[str, str]) -> dict[str, str]:
    """Column → field for columns with a name of ours in a file that has an id; what somebody chose goes before."""
    found = Look(table.origin.path, tuple(c.name for c in table.columns))
    if KEY not in found.folded:
        return dict(chosen)
    key = found.names[found.folded.index(KEY)]
    taken = {table.column(name).name for name in chosen}
    own = {key: ID, **found.given(kind)}
    return {n: f for n, f in own.items() if n not in taken and f not in chosen.values()} | dict(chosen)


def _kind_of(
    tables: Mapping[str, FileTable], wanted: str, catalogue: Catalogue
) -> tuple[Kind, dict[str, Side], tuple[str, ...]]:
    """The kind both files hold, which of them is which side, and the kinds that fit as well."""
    usual = catalogue.in_modes({})
    kinds = [catalogue[wanted]] if wanted else [k for k in usual if k.match]
    marks = {hand: {(g.kind, g.side): g.mark for g in rank_kinds(table, kinds)} for hand, table in tables.items()}
    ways: list[tuple[float, Kind, dict[str, Side]]] = []
    for found in kinds:
        straight: dict[str, Side] = {"left": "bc", "right": "dv"}
        crossed: dict[str, Side] = {"left": "dv", "right": "bc"}
        worth = [sum(marks[hand][found.name, way[hand]] for hand in HANDS) for way in (straight, crossed)]
        # Two files of one program tell nothing; then left is taken for Business Central.
        best = crossed if worth[1] > worth[0] + 0.05 else straight
        ways.append((max(worth), found, best))
    ways.sort(key=lambda way: -way[0])
    if not wanted and ways[0][0] < _LEAST:
        shown = " and ".join(f"{t.origin} ({', '.join(c.name for c in t.columns[:6])} …)" for t in tables.values())
        raise SettingsError(
            f"It cannot be told what kind of records these are: {shown}.",
            "Say it with --kind customer, and name columns with --column “left:Kundennr.=number”.",
        )
    if not wanted:
        _refuse_different(tables, marks, ways[0][1], catalogue)
    equal = [way for way in ways if way[0] > ways[0][0] - _NEAR]
    best_way = min(equal, key=lambda way: preference(way[1].name))
    return best_way[1], best_way[2], tuple(way[1].name for way in equal if way is not best_way)


def _refuse_different(
    tables: Mapping[str, FileTable],
    marks: Mapping[str, Mapping[tuple[str, Side], float]],
    chosen: Kind,
    catalogue: Catalogue,
) -> None:
    """Raise SettingsError when one of the files plainly holds something else than the other."""
    best = {hand: max(held, key=held.__getitem__) for hand, held in marks.items()}
    lost = {h: marks[h][best[h]] - max(marks[h].get((chosen.name, s), 0.0) for s in SIDES) for h in HANDS}
    if best["left"][0] != best["right"][0] and max(lost.values()) > _APART:
        looks = " and ".join(
            f"{tables[h].origin.path.name} looks like {catalogue[best[h][0]].title.lower()}" for h in HANDS
        )
        raise SettingsError(
            f"The two files hold different things: {looks}.", "Take two files of one kind, or say it with --kind."
        )


# --- before they are compared ----------------------------------------------------------------------------


def _shortened(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The frame with its longest texts cut, and a note for each column in which there were such."""
    cut, notes = {}, []
    for name, column in frame.items():
        texts = arrow_of(column)
        if name == "id" or not pa.types.is_string(texts.type):
            continue
        longest = pc.max(pc.utf8_length(texts)).as_py() or 0
        if longest > _LONGEST:
            cut[str(name)] = column_of(pc.utf8_slice_codeunits(texts, 0, _LONGEST))
            notes.append(
                f"{name} holds a text of {longest:,} characters; it is compared by the first {_LONGEST:,} of them"
            )
    return frame.assign(**cut), tuple(notes)


def _with_unread(snapshot: Snapshot, kind: Kind) -> Snapshot:
    """The snapshot, saying which fields two files cannot agree in.

    Those are the fields one of them has no value of, and references, since nothing is coupled.
    """
    sides = snapshot[kind.name]
    unread = [
        f.name
        for f in kind.fields
        if f.is_reference or any(len(sides.side(s)) and bool(sides.side(s)[f.name].isna().all()) for s in SIDES)
    ]
    return replace(snapshot, unread={**snapshot.unread, kind.name: tuple(unread)})


def _refuse_nothing_in_common(files: Mapping[str, FileRead], sides: Sides) -> None:
    """Raise SettingsError when no field has values in both files: then nothing can be compared."""
    filled = {}
    for hand, file in files.items():
        table = sides.side(file.side)
        known = [str(n) for n in table.columns if n not in ("id", "etag", "modified_on")]
        filled[hand] = [n for n in known if not bool(table[n].isna().all())]
        if len(table) and not filled[hand]:
            raise SettingsError(
                f"{file.name} has no column to compare by: besides the ids it holds nothing.",
                f"Add columns such as name, {_such_as(sides.kind)}.",
            )
    if all(filled.values()) and not set(filled["left"]) & set(filled["right"]):
        has = " and ".join(f"{files[h].name} has {', '.join(filled[h][:6])}" for h in HANDS)
        raise SettingsError(
            f"The two files have no filled column in common: {has}.", "Compare files that hold the same columns."
        )


def _such_as(kind: str) -> str:
    return "gtin, price" if kind == "item" else "email, phone"
