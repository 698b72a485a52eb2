"""A side that stands in files → the same frames, unread fields and provenance as a side that is a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Catalogue, Kind, Side
from d365kit.nouns import Provenance, Sides
from d365kit.nouns.frames import to_arrow, to_frame
from d365kit.pull.reading import Reader
from d365kit.pull.requests import SAYS
from d365kit.services import Column
from d365kit.services.files import FileSource

#: What the services' own setup says of currencies, and no file.
SETUP = ("is_local", "is_base")

Sources = Mapping[str, Reader | FileSource]


def file_sides(sources: Sources) -> dict[Side, FileSource]:
    """The sides that stand in files."""
    return {side: found for side in SIDES if isinstance(found := sources[side], FileSource)}


def chosen_kinds(catalogue: Catalogue, wanted: Sequence[str] | None, sources: Sources) -> tuple[Kind, ...]:
    """The kinds to read: with what they refer to from services, but only what has a file on a side of files.

    Raises SettingsError for a kind that is asked for and has no file, or when no kind has one on every such side.
    """
    files = file_sides(sources)
    if not files:
        return catalogue.with_prerequisites(tuple(wanted or catalogue.names))
    for name in wanted or ():
        for side, source in files.items():
            if catalogue[name].name not in source.kinds:
                raise SettingsError(
                    f"There is no file for {name} of {SAYS[side]}.",
                    f'Add {side}.{name} = "…" under [files] in d365kit.toml.',
                )
    there = [k for k in catalogue if all(k.name in source.kinds for source in files.values())]
    if not there:
        held = "; ".join(f"{SAYS[s]}: {', '.join(f.kinds) or 'none'}" for s, f in files.items())
        raise SettingsError(
            f"No kind has a file on both sides ({held}).", "Add the missing side under [files] in d365kit.toml."
        )
    asked = catalogue.with_prerequisites(tuple(wanted)) if wanted else there
    return tuple(k for k in asked if k in there)


def file_frame(kind: Kind, source: FileSource) -> pd.DataFrame:
    """The kind's records on a side of files, with the kind's columns."""
    return to_frame(to_arrow(to_frame(source.table(kind.name)), kind.schema))


def empty_extra(columns: Sequence[Column]) -> pa.Table:
    """A further set of a service that no file stands for: no rows."""
    return pa.table({c.name: pa.array([], c.arrow) for c in columns})


def unread_of(kind: Kind, files: Mapping[Side, FileSource]) -> tuple[str, ...]:
    """What a side of files should show and does not: fields without a column, references to kinds without a file.

    Which currency is the local one stands in the setup of the services, not in their currencies.
    """
    found = []
    for f in kind.fields:
        lacking = any(f.has_place(s) and f.name in source.unread(kind.name) for s, source in files.items())
        astray = f.is_reference and not any(k in source.kinds for source in files.values() for k in f.refers_to)
        if lacking or (files and (astray or f.name in SETUP)):
            found.append(f.name)
    return tuple(found)


def file_provenance(kind: Kind, side: Side, source: FileSource, sides: Sides) -> Provenance:
    """Where the rows of a file come from; its time is the file's own, not a service's."""
    origin = source.origin(kind.name)
    outside = sides.outside(side)["outside"].value_counts()
    return Provenance(
        kind=kind.name,
        side=side,
        source=f"file {origin.path}{f', sheet {origin.sheet}' if origin.sheet else ''}, sha256 {origin.sha256}",
        asked_at=origin.modified.isoformat(),
        seconds=0.0,
        received=len(sides.everything(side)),
        in_scope=len(sides.side(side)),
        outside={str(k): int(v) for k, v in outside.items()},
    )
