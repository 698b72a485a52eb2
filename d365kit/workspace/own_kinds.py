"""A workspace's kinds.toml and settings → the catalogue in use there, and where each kind is written down."""

from __future__ import annotations

from pathlib import Path

from d365kit.errors import SettingsError
from d365kit.kinds import Catalogue, load_catalogue
from d365kit.kinds.reading import FILE, Text, line_of, read_own
from d365kit.pull.declared import Place
from d365kit.workspace import settings as settings_file
from d365kit.workspace.settings import Settings


def read(folder: Path, settings: Settings) -> Catalogue:
    """The shipped kinds with ``folder``/kinds.toml laid over them, as far as this company uses them.

    Raises SettingsError for a mistake in kinds.toml, and for a kind to leave out that nobody knows.
    """
    path = folder / FILE
    whole = load_catalogue(read_own(path), str(path))
    for name in settings.leave_out:
        if name not in whole:
            raise SettingsError(
                f"{folder / settings_file.FILE}: kinds.leave_out names the unknown kind “{name}”.",
                f"The kinds are: {', '.join(whole.names)}.",
            )
    return whole.in_modes(settings.modes, settings.leave_out)


def place_in(folder: Path) -> Place:
    """Where ``folder``/kinds.toml speaks of a kind, field and key; ``""`` for what d365kit ships."""
    own = Text(FILE, read_own(folder / FILE))

    def place(kind: str, field: str, key: str) -> str:
        return own.place(kind, field, key) if line_of(own.text, kind, field) else ""

    return place
