"""[files] of d365kit.toml ↔ which file holds which kind of which side."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Catalogue, Side, load_catalogue
from d365kit.services.files import FilePart, FileSource, FileTable, Guess, Habits, guess, load, rank_kinds, require

#: A file of which less than this is understood is not taken for a kind.
_LEAST = 0.25


@dataclass(frozen=True)
class FileSettings:
    """Where records stand in files. A side with no file in it is a service.

    ``bc`` and ``dv`` are files by kind, their paths relative to the workspace. ``decimal`` (``,`` or ``.``) and
    ``dates`` (dmy, mdy) decide what the files leave in doubt.
    """

    bc: Mapping[str, FilePart] = field(default_factory=dict)
    dv: Mapping[str, FilePart] = field(default_factory=dict)
    decimal: str = ""
    dates: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that have a file on some side."""
        return tuple(dict.fromkeys([*self.bc, *self.dv]))

    def side(self, side: Side) -> Mapping[str, FilePart]:
        return self.bc if side == "bc" else self.dv

    def source(self, side: Side, folder: Path, catalogue: Catalogue) -> FileSource | None:
        """The side's files as a source, or None when it is a service."""
        parts = {
            kind: FilePart(folder / part.path, part.sheet, part.columns) for kind, part in self.side(side).items()
        }
        habits = Habits(self.decimal, self.dates)
        return FileSource(side, parts, catalogue, habits=habits) if parts else None


def read(path: Path, raw: object) -> FileSettings:
    """Read the table ``files`` of the settings in ``path``. Raises SettingsError, naming the key."""
    if not isinstance(raw, dict):
        raise SettingsError(f"{path}: “files” must be a table.", "Write [files] above its keys.")
    for key in raw:
        if key not in ("bc", "dv", "columns", "decimal", "dates"):
            raise SettingsError(
                f"{path} has the unknown key “files.{key}”.",
                'Known keys here: bc.KIND, dv.KIND, columns, dates, decimal; such as bc.customer = "customers.xlsx".',
            )
    try:
        habits = Habits.checked(str(raw.get("decimal", "")), str(raw.get("dates", "")))
    except SettingsError as problem:
        raise SettingsError(f"{path}: [files]: {problem.what}", problem.todo) from None
    columns = raw.get("columns", {})
    sides = {side: _side(path, side, raw.get(side, {}), columns) for side in SIDES}
    return FileSettings(sides["bc"], sides["dv"], habits.decimal, habits.dates)


def _side(path: Path, side: str, raw: object, columns: object) -> dict[str, FilePart]:
    if not isinstance(raw, dict) or not isinstance(columns, dict):
        raise SettingsError(f"{path}: “files.{side}” must be a table.", f'Write {side}.customer = "customers.xlsx".')
    found: dict[str, FilePart] = {}
    known = load_catalogue()
    for kind, given in raw.items():
        if kind not in known:
            raise SettingsError(
                f"{path}: files.{side}.{kind} names the unknown kind “{kind}”.",
                f"The kinds are: {', '.join(known.names)}.",
            )
        part: dict[str, Any] = {"path": given} if isinstance(given, str) else given if isinstance(given, dict) else {}
        texts = all(isinstance(v, str) for v in part.values())
        if not part.get("path") or not texts or set(part) - {"path", "sheet"}:
            raise SettingsError(
                f"{path}: files.{side}.{kind} is {given!r}.",
                'Write a path in quotes, or { path = "book.xlsx", sheet = "Customers" }.',
            )
        chosen = (columns.get(side) or {}).get(kind, {}) if isinstance(columns.get(side, {}), dict) else None
        if not isinstance(chosen, dict) or not all(isinstance(f, str) for f in chosen.values()):
            raise SettingsError(
                f"{path}: files.columns.{side}.{kind} is {chosen!r}.",
                f'Write [files.columns.{side}.{kind}] and under it "Kundennr." = "number".',
            )
        found[kind] = FilePart(Path(part["path"]), part.get("sheet", ""), dict(chosen))
    return found


# --- a new workspace from files --------------------------------------------------------------------------


@dataclass(frozen=True)
class Placed:
    """One file with what it was taken for: kind, side, and its columns."""

    table: FileTable
    kind: str
    side: Side
    guess: Guess


def place(paths: Sequence[Path]) -> list[Placed]:
    """Say of each file which kind of which side it holds, each kind and side once.

    A path may end with ``#sheet``. Raises SettingsError for a file that cannot be read or told.
    """
    usual = load_catalogue().in_modes({})
    tables = [load(*_split(path)) for path in paths]
    ranked = [rank_kinds(table, usual) for table in tables]
    # The clearest file chooses first; a second file of the same kind is then the other side.
    order = sorted(range(len(tables)), key=lambda i: -(ranked[i][0].mark if ranked[i] else 0))
    taken: dict[tuple[str, str], FileTable] = {}
    found: dict[int, Placed] = {}
    for i in order:
        way = next((g for g in ranked[i] if g.mark >= _LEAST and (g.kind, g.side) not in taken), None)
        if way is None or way.mark < ranked[i][0].mark - 0.8:
            rival = taken.get((ranked[i][0].kind, ranked[i][0].side))
            why = f"; it looks like a second file of the same sort as {rival.origin}" if rival else ""
            raise SettingsError(
                f"It cannot be told what {tables[i].origin} holds{why}.",
                "Leave it out, and write it under [files] in d365kit.toml yourself.",
            )
        taken[way.kind, way.side] = tables[i]
        made = guess(tables[i], usual[way.kind], way.side)
        require(made, usual[way.kind])
        found[i] = Placed(tables[i], way.kind, way.side, made)
    return [found[i] for i in range(len(tables))]


def _split(path: Path) -> tuple[Path, str]:
    name, mark, sheet = str(path).rpartition("#")
    return (Path(name), sheet) if mark and not path.exists() and Path(name).exists() else (path, "")


def template(placed: Sequence[Placed], folder: Path) -> str:
    """The table [files] of a new d365kit.toml."""
    lines = [
        "",
        "# The records stand in files: a CSV, Excel or Parquet export by kind. Paths are relative to this folder.",
        "# Nothing can be written there: apply refuses, everything else works.",
        "[files]",
    ]
    for part in sorted(placed, key=lambda p: (p.side, p.kind)):
        lines.append(f"{part.side}.{part.kind} = {_value(part, folder)}")
    lines += [
        '# How files write, where in doubt: decimal "," or ".", dates "dmy" or "mdy".',
        '# decimal = ","',
        "",
        "# Which column is which field is found out by its caption; say here what was wrong, - leaves it out.",
        "# [files.columns.bc.customer]",
        '# "Kundennr." = "number"',
    ]
    return "\n".join(lines) + "\n"


def _value(part: Placed, folder: Path) -> str:
    origin = part.table.origin
    try:
        path = Path(os.path.relpath(origin.path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        path = origin.path.resolve().as_posix()
    return f"{{ path = {quoted(path)}, sheet = {quoted(origin.sheet)} }}" if origin.sheet else quoted(path)


def quoted(text: str) -> str:
    """``text`` as TOML writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
