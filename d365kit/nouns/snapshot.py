"""Snapshot: both sides at one moment, kind by kind, with the same columns, kept as Parquet with provenance."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from d365kit.errors import PullIncomplete, SettingsError, UnknownKind
from d365kit.kinds import Side
from d365kit.nouns.frames import table_of, to_frame

FORMAT = 2
MANIFEST = "snapshot.json"


@dataclass(frozen=True)
class Provenance:
    """Where one kind's rows of one side come from: set, time (UTC), rows received, in scope and outside."""

    kind: str
    side: str
    source: str
    asked_at: str
    seconds: float
    received: int
    in_scope: int
    outside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sides:
    """One kind on both sides.

    ``bc`` and ``dv`` hold the records that take part, with the columns of ``Kind.schema``.
    ``bc_outside`` and ``dv_outside`` hold the records the mapping's filter leaves out, with one more
    column ``outside`` that says why (“blocked”, “inactive”, …).
    """

    kind: str
    bc: pd.DataFrame
    dv: pd.DataFrame
    bc_outside: pd.DataFrame
    dv_outside: pd.DataFrame

    def side(self, side: Side) -> pd.DataFrame:
        return self.bc if side == "bc" else self.dv

    def outside(self, side: Side) -> pd.DataFrame:
        return self.bc_outside if side == "bc" else self.dv_outside

    def everything(self, side: Side) -> pd.DataFrame:
        """All records of ``side``; the column ``outside`` is missing for those that take part."""
        return pd.concat([self.side(side), self.outside(side)], ignore_index=True)

    def __str__(self) -> str:
        return f"{self.kind}: {len(self.bc):,} in Business Central, {len(self.dv):,} in Sales"


@dataclass(frozen=True)
class Snapshot:
    """Both datasets at one moment.

    ``taken_at`` is UTC by the services' clock. ``extras`` are small further frames the checks need, named
    by side and set (``bc.countriesRegions``). ``facts`` are single values: ``local_currency`` (ISO code or
    ``""``), ``base_currency`` (ISO code or ``""``), ``company`` (id of the company row in Dataverse).
    ``unread`` names by kind the fields that could not be asked for on one side: of those a blank says nothing.
    """

    id: str
    taken_at: datetime
    kinds: Mapping[str, Sides]
    provenance: tuple[Provenance, ...] = ()
    extras: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, kind: str) -> Sides:
        try:
            return self.kinds[kind]
        except KeyError:
            held = ", ".join(self.kinds) or "none"
            raise UnknownKind(f"The snapshot holds no “{kind}”.", f"It holds: {held}; pull the kind first.") from None

    def __contains__(self, kind: object) -> bool:
        return kind in self.kinds

    def __iter__(self) -> Iterator[Sides]:
        return iter(self.kinds.values())

    def to_frame(self) -> pd.DataFrame:
        """One row a kind and side: kind, side, source, received, in_scope, outside, seconds."""
        rows = [{**asdict(p), "outside": sum(p.outside.values())} for p in self.provenance]
        columns = ["kind", "side", "source", "received", "in_scope", "outside", "seconds"]
        return pd.DataFrame(rows, columns=columns)

    def to_dict(self) -> dict[str, object]:
        return {
            "id": self.id,
            "taken_at": self.taken_at.isoformat(),
            "facts": dict(self.facts),
            "unread": {k: list(v) for k, v in self.unread.items()},
            "provenance": [asdict(p) for p in self.provenance],
        }

    def __str__(self) -> str:
        lines = [f"Snapshot {self.id} of {self.taken_at:%Y-%m-%d %H:%M:%S} UTC"]
        return "\n".join(lines + [f"  {s}" for s in self])

    def _repr_html_(self) -> str:
        from d365kit import show

        return show.snapshot(self)

    def save(self, folder: Path) -> Path:
        """Write the snapshot to ``folder``/<id>, whole or not at all, and return that path."""
        target = folder / self.id
        work = folder / f".{self.id}.part"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        files: dict[str, str] = {}
        for name, frame in self._frames():
            path = work / f"{name}.parquet"
            pq.write_table(table_of(frame), path)
            files[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        manifest = {"format": FORMAT, **self.to_dict(), "kinds": list(self.kinds), "files": files}
        (work / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False), "utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(work, target)
        return target

    def _frames(self) -> Iterator[tuple[str, pd.DataFrame]]:
        for sides in self:
            for part in ("bc", "dv", "bc_outside", "dv_outside"):
                yield f"{sides.kind}.{part}", getattr(sides, part)
        for name, frame in self.extras.items():
            yield f"extra.{name}", frame

    @staticmethod
    def received(folder: Path) -> dict[tuple[str, str], int]:
        """How many rows the snapshot in ``folder`` holds by (kind, side); {} where it cannot be read."""
        try:
            return {(p["kind"], p["side"]): p["received"] for p in _manifest(folder)["provenance"]}
        except (PullIncomplete, SettingsError):
            return {}

    @classmethod
    def load(cls, folder: Path) -> Snapshot:
        """Read a snapshot that `save` wrote.

        Raises SettingsError when it was written by another version of the kit, PullIncomplete when one of
        its files is missing or does not hold what was written.
        """
        manifest = _manifest(folder)
        frames = {Path(f).stem: _read(folder / f, digest) for f, digest in manifest["files"].items()}
        kinds = {
            k: Sides(k, *(frames[f"{k}.{part}"] for part in ("bc", "dv", "bc_outside", "dv_outside")))
            for k in manifest["kinds"]
        }
        return cls(
            id=manifest["id"],
            taken_at=datetime.fromisoformat(manifest["taken_at"]),
            kinds=kinds,
            provenance=tuple(Provenance(**p) for p in manifest["provenance"]),
            extras={n.removeprefix("extra."): f for n, f in frames.items() if n.startswith("extra.")},
            facts=manifest["facts"],
            unread={k: tuple(v) for k, v in manifest["unread"].items()},
        )


def _manifest(folder: Path) -> dict:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise PullIncomplete(f"The snapshot in {folder} cannot be read.", "Pull again.") from problem
    if manifest.get("format") != FORMAT:
        raise SettingsError(f"The snapshot in {folder} was written by another version of d365kit.", "Pull again.")
    return manifest


def _read(path: Path, digest: str) -> pd.DataFrame:
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise PullIncomplete(f"The snapshot file {path} is missing.", "Pull again.") from problem
    if hashlib.sha256(data).hexdigest() != digest:
        raise PullIncomplete(f"The snapshot file {path} is damaged or cut short.", "Pull again.")
    return to_frame(pq.read_table(pa.BufferReader(data)))
