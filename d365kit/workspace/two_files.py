"""Two files → Proposals: a comparison without workspace, settings or services."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from d365kit import match, pull
from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Catalogue, Kind, Side, load_catalogue
from d365kit.match import Progress
from d365kit.nouns import Proposals
from d365kit.nouns.frames import empty, from_rows, records
from d365kit.services.files import FilePart, FileSource, FileTable, Guess, Habits, load, preference, rank_kinds

HANDS = ("left", "right")
#: Kinds whose marks differ by less than this are equally likely.
_NEAR = 0.08
#: How much worse a file may fit the kind of both than what it fits best.
_APART = 0.2
#: Below this sum of both files' marks nothing is understood.
_LEAST = 0.6
_BANDS = ("certain", "likely", "unsure", "nothing found", "left out")


@dataclass(frozen=True)
class FileMatch:
    """What was found between two files.

    ``guesses`` and ``rows`` are by hand (left, right): which column was taken for which field, and the number of the
    file's row of each record. ``others`` are kinds the files could hold as well. The frame has a row a candidate
    pair, best first, then the records of either file for which nothing was found, then those that the filter of
    their mapping leaves out (blocked, inactive): left_row, right_row (rows of the
    files), left_id, right_id, left_name, right_name, band, chosen, rank, score, probability, reason, and for every
    compared field four columns: ``<field>_left``, ``<field>_right``, ``<field>_level``, ``<field>_weight``.
    """

    kind: str
    guesses: Mapping[str, Guess]
    rows: Mapping[str, Mapping[str, int]]
    notes: Mapping[str, tuple[str, ...]]
    proposals: Proposals
    outside: Mapping[str, pd.DataFrame]
    sides: Mapping[str, Side]
    name_field: str
    others: tuple[str, ...] = field(default=())

    def counts(self) -> dict[str, int]:
        """Pairs by band, and the records of either file without any candidate."""
        counts = self.proposals.counts()
        alone = {s: len(self.proposals.without_partner(s)) for s in SIDES}
        found = {band: counts[band] for band in _BANDS[:3]}
        left_out = sum(len(f) for f in self.outside.values())
        return {
            **found,
            "only left": alone[self.sides["left"]],
            "only right": alone[self.sides["right"]],
            "left out": left_out,
        }

    def to_frame(self) -> pd.DataFrame:
        found = [self._row(r) for r in records(self.proposals.frame)]
        found += [self._left_out(hand, r) for hand in HANDS for r in records(self.outside[hand])]
        order = {band: i for i, band in enumerate(_BANDS)}
        found.sort(key=_rank_of(order))
        fields = list(dict.fromkeys(f for row in found for f in row if f not in _FIRST))
        columns = {**_FIRST, **{f: pa.float64() if f.endswith("_weight") else pa.string() for f in fields}}
        schema = pa.schema(list(columns.items()))
        return from_rows(found, schema) if found else empty(schema)

    def _row(self, row: Mapping[str, object]) -> dict[str, object]:
        out: dict[str, object] = {}
        for hand in HANDS:
            side = self.sides[hand]
            out[f"{hand}_id"], out[f"{hand}_name"] = row[f"{side}_id"], row[f"{side}_name"]
            out[f"{hand}_row"] = self.rows[hand].get(str(row[f"{side}_id"]))
        for name in ("band", "chosen", "rank", "score", "probability", "reason"):
            out[name] = row[name]
        for line in json.loads(str(row["evidence"] or "[]")):
            for hand in HANDS:
                out[f"{line['field']}_{hand}"] = line[self.sides[hand]]
            out[f"{line['field']}_level"], out[f"{line['field']}_weight"] = line["level"], line["weight"]
        return out

    def _left_out(self, hand: str, row: Mapping[str, object]) -> dict[str, object]:
        return {
            f"{hand}_id": row["id"], f"{hand}_name": row[self.name_field], "band": _BANDS[-1], "chosen": False,
            f"{hand}_row": self.rows[hand].get(str(row["id"])), "score": None, "reason": row["outside"],
        }  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "counts": self.counts(),
            **{hand: {**self.guesses[hand].to_dict(), "notes": list(self.notes[hand])} for hand in HANDS},
            "could_be": list(self.others),
        }

    def __str__(self) -> str:
        lines = [str(self.guesses[hand]) for hand in HANDS]
        for hand in HANDS:
            reasons = self.outside[hand]["outside"].value_counts()
            shown = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
            lines += [f"  left out of {self.guesses[hand].table.origin.path.name}: {shown}"] if shown else []
        for hand in HANDS:
            said = set(self.guesses[hand].table.notes)
            lines += [f"  note ({hand}): {n}" for n in self.notes[hand] if n not in said]
        if self.others:
            lines.append(f"The files could hold {' or '.join(self.others)} as well; say which with --kind.")
        counts = ", ".join(f"{n:,} {name}" for name, n in self.counts().items())
        return "\n".join([*lines, f"{self.kind}: {counts}"])


#: Columns every such frame has, in this order.
_FIRST: dict[str, pa.DataType] = {
    "left_row": pa.int64(), "right_row": pa.int64(), "left_id": pa.string(), "right_id": pa.string(),
    "left_name": pa.string(), "right_name": pa.string(), "band": pa.string(), "chosen": pa.bool_(),
    "rank": pa.int64(), "score": pa.float64(), "probability": pa.float64(), "reason": pa.string(),
}  # fmt: skip


def _rank_of(order: Mapping[str, int]) -> Callable[[Mapping[str, object]], tuple]:
    def key(row: Mapping[str, object]) -> tuple:
        score = row["score"]
        return (
            order[str(row["band"])], not row["chosen"], -float(str(score)) if score is not None else 0.0,
            row.get("left_row") is None, str(row.get("left_id")), str(row.get("right_id")),
        )  # fmt: skip

    return key


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
    progress: Progress | None = None,
) -> FileMatch:
    """Find which rows of ``left`` and ``right`` belong together.

    ``kind`` "" is found out. ``columns`` (column → field) and ``sheets`` are by hand, ``left`` and ``right``.
    ``decimal`` (``,`` or ``.``) and ``dates`` (dmy, mdy) decide what the files leave in doubt.
    References that need records of another kind (currency, salesperson) take no part.
    Raises SettingsError for files that cannot be read, whose kind cannot be told, or that lack a name and a number.
    """
    habits = Habits.checked(decimal, dates)
    tables = {hand: load(path, (sheets or {}).get(hand, "")) for hand, path in zip(HANDS, (left, right), strict=True)}
    catalogue = load_catalogue()
    chosen, sides, others = _kind_of(tables, kind, catalogue)
    sources = {}
    for hand in HANDS:
        part = FilePart(tables[hand].origin.path, columns=(columns or {}).get(hand, {}))
        side = sides[hand]
        sources[hand] = FileSource(
            side, {chosen.name: part}, catalogue, habits=habits, tables={chosen.name: tables[hand]}
        )
    by_side = {sides[hand]: sources[hand] for hand in HANDS}
    snapshot = pull.pull(by_side["bc"], by_side["dv"], kinds=[chosen.name], catalogue=catalogue, allow_empty=True)
    proposals = match.propose(snapshot, _NoLedger(), chosen.name, catalogue=catalogue, progress=progress)
    rows = {
        hand: dict(zip(sources[hand].table(chosen.name).column("id").to_pylist(), tables[hand].rows, strict=True))
        for hand in HANDS
    }
    return FileMatch(
        chosen.name,
        {hand: sources[hand].guess(chosen.name) for hand in HANDS},
        rows,
        {hand: sources[hand].notes(chosen.name) for hand in HANDS},
        proposals,
        {hand: snapshot[chosen.name].outside(sides[hand]) for hand in HANDS},
        sides,
        chosen.name_field,
        others,
    )


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
