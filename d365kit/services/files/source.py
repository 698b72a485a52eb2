"""Files by kind → one side of the comparison, as `pull` reads it; nothing can be written there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import Catalogue, Kind, Side
from d365kit.services.files.captions import all_captions
from d365kit.services.files.guess import Guess, guess, require
from d365kit.services.files.records import Records, records_of
from d365kit.services.files.sheets import Origin, read_sheet
from d365kit.services.files.tables import FileTable, read_table
from d365kit.services.files.values import Habits
from d365kit.services.files.words import fold


@dataclass(frozen=True)
class FilePart:
    """One file of a kind: its path, the sheet (``""``: the only one), and column → field where somebody chose."""

    path: Path
    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Loaded:
    guess: Guess
    records: Records


def load(path: str | Path, sheet: str = "") -> FileTable:
    """Read one file as a table of cells under captions. Raises SettingsError as `read_sheet` and `read_table` do."""
    return read_table(read_sheet(path, sheet), known=lambda caption: fold(caption) in all_captions())


class FileSource:
    """One side whose records stand in files, one a kind.

    Every file is read when it is first asked for, and once. References that a file gives by code or by name become
    ids where a file of the kind they point to is there too.
    """

    def __init__(
        self,
        side: Side,
        files: Mapping[str, FilePart],
        catalogue: Catalogue,
        *,
        habits: Habits = Habits(),  # noqa: B008 - frozen
        tables: Mapping[str, FileTable] | None = None,
    ) -> None:
        """Take ``files`` by kind; ``tables`` are those already read. Raises UnknownKind for a kind there is not."""
        for kind in files:
            catalogue[kind]
        self.side: Side = side
        self.root = ""
        self._files, self._catalogue, self._habits = dict(files), catalogue, habits
        self._tables = dict(tables or {})
        self._loaded: dict[str, _Loaded] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that have a file, in the order of work."""
        return tuple(k.name for k in self._catalogue if k.name in self._files)

    def guess(self, kind: str) -> Guess:
        """Which column of the kind's file is taken for which field. Raises SettingsError when it cannot be read."""
        return self._load(kind).guess

    def notes(self, kind: str) -> tuple[str, ...]:
        """What an analyst should know about how the kind's file was read."""
        loaded = self._load(kind)
        return (*loaded.guess.table.notes, *loaded.records.notes)

    def unread(self, kind: str) -> tuple[str, ...]:
        """The fields of ``kind`` that its file does not have; all of them when there is no file."""
        if kind not in self._files:
            return tuple(f.name for f in self._catalogue[kind].fields)
        return self._load(kind).records.unread

    def origin(self, kind: str) -> Origin:
        """Where the kind's rows come from: path, sheet, digest and the file's own time (UTC)."""
        return self._load(kind).guess.table.origin

    def taken_at(self, kinds: Iterable[str]) -> datetime:
        """The oldest time of the files of ``kinds`` (UTC): what they say together is no newer."""
        return min(self.origin(k).modified for k in kinds)

    def table(self, kind: str) -> pa.Table:
        """The records of ``kind`` with the columns its file has (see `Records`); no columns but ids without a file.

        Raises SettingsError for a file that cannot be read, or that lacks what a record is known by.
        """
        if kind not in self._files:
            return pa.table({"id": pa.array([], pa.string()), "etag": pa.array([], pa.string())})
        records = self._load(kind).records.table
        for f in self._catalogue[kind].references:
            if f.label_column in records.column_names:
                held = records.column(f.name).to_pylist() if f.name in records.column_names else None
                ids = self._ids_of(records.column(f.label_column).to_pylist(), f.refers_to, held)
                at = records.column_names.index(f.name) if held is not None else records.num_columns
                column = pa.array(ids, pa.string())
                records = (
                    records.set_column(at, f.name, column)
                    if held is not None
                    else records.append_column(f.name, column)
                )
        return records

    async def close(self) -> None:
        """Let go of what was read."""
        self._loaded.clear()

    def _load(self, name: str) -> _Loaded:
        if name not in self._files:
            raise SettingsError(
                f"There is no file for {name} on the {self.side} side.", f"Add {self.side}.{name} to [files]."
            )
        if name not in self._loaded:
            part, kind = self._files[name], self._catalogue[name]
            made = guess(self._tables.get(name) or load(part.path, part.sheet), kind, self.side, part.columns)
            require(made, kind)
            self._loaded[name] = _Loaded(made, records_of(made, kind, self._habits, "currency" in self._files))
        return self._loaded[name]

    def _ids_of(
        self, labels: list[str | None], refers_to: Iterable[str], held: list[str | None] | None
    ) -> list[str | None]:
        """The ids of the records with these codes or names, where the file of their kind is there."""
        known: dict[str, str] = {}
        for target in refers_to:
            if target in self._files:
                for label, found in self._labels(self._catalogue[target]).items():
                    known.setdefault(label, found)
        given = held or [None] * len(labels)
        return [g or (None if t is None else known.get(t.casefold())) for t, g in zip(labels, given, strict=True)]

    def _labels(self, kind: Kind) -> dict[str, str]:
        """The ids of a kind's records by code and by name, those left out that several records share."""
        table = self._load(kind.name).records.table
        ids = table.column("id").to_pylist()
        found: dict[str, str] = {}
        # Codes go before names: they are written last.
        for name in (kind.name_field, kind.number_field):
            if name and name in table.column_names:
                texts = [v.casefold() if v else "" for v in table.column(name).to_pylist()]
                twice = _twice(texts)
                found |= {t: i for t, i in zip(texts, ids, strict=True) if t and t not in twice}
        return found


def _twice(texts: list[str]) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for text in texts:
        (twice if text in seen else seen).add(text)
    return twice
