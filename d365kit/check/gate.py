"""Things + findings → what is stopped: by which causes, and by which chain of references each cause reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.check.frames import LedgerView, flat
from d365kit.check.things import Things, things
from d365kit.errors import StalePlan
from d365kit.kinds import SIDES, Catalogue, Side, default_catalogue, other_side
from d365kit.nouns import Findings, Snapshot
from d365kit.nouns.frames import table_of, to_frame

TEXT = pa.string()

#: A row a stopped record and cause. ``do`` says what would end the cause (``couple``, ``fix``), ``check`` is the
#: check that failed (null when something is not coupled), ``causes`` counts the causes of the record.
STOPPED_COLUMNS = pa.schema(
    [
        *((n, TEXT) for n in ("kind", "bc_id", "dv_id", "name", "do", "check")),
        *((n, TEXT) for n in ("root_kind", "root_bc_id", "root_dv_id", "root_name")),
        ("causes", pa.int64()),
        ("chain", TEXT),
    ]
)


@dataclass(frozen=True)
class Causes:
    """Causes, a row each: ``thing`` has it, ``check`` is the failed check (null: not coupled), ``fix`` what to do.

    ``echoes`` are the rows of the findings that say of a reference what another thing's missing coupling says:
    they end with it and are no causes. ``seed_thing`` and ``seed_cause``: what each failed check stops at once.
    """

    thing: np.ndarray
    check: pa.Array
    fix: pa.Array
    seed_thing: np.ndarray
    seed_cause: np.ndarray
    echoes: np.ndarray

    def __len__(self) -> int:
        return len(self.thing)


@dataclass(frozen=True)
class Gate:
    """What is stopped: pairs of a thing and a cause, each with the pair by which the cause came to it.

    ``thing``, ``cause`` and ``via`` are arrays of the same length; ``via`` is a place in them, -1 where a chain
    ends, and always smaller than its own place. ``stops`` is False for a thing that is the cause itself because it
    is not coupled: that stops what refers to it. ``levels`` says where chains of one length end.
    """

    things: Things
    causes: Causes
    catalogue: Catalogue
    thing: np.ndarray
    cause: np.ndarray
    via: np.ndarray
    stops: np.ndarray
    levels: tuple[int, ...]

    @property
    def counted(self) -> np.ndarray:
        """The places of the pairs whose thing takes part in the synchronisation and is stopped."""
        return np.flatnonzero(self.stops & self.things.takes_part[self.thing])

    @property
    def causes_of(self) -> np.ndarray:
        """The number of causes of each thing."""
        return np.bincount(self.thing[self.stops], minlength=len(self.things))

    def stopped(self) -> np.ndarray:
        """The rows of the things that take part and are stopped."""
        return np.unique(self.thing[self.counted])

    def chains(self) -> pa.Array:
        """The chain of each pair as text: “order SO-1 → customer C1 → currency EUR: not coupled”."""
        labels = self.labels()
        ends = pc.coalesce(self.causes.check, self._how_missing())
        done = pa.array([], TEXT)
        start = 0
        for end in self.levels:
            mine = labels.take(pa.array(self.thing[start:end]))
            via = self.via[start:end]
            last = ends.take(pa.array(self.cause[start:end]))
            first = pc.binary_join_element_wise(mine, last, ": ")
            rest = done.take(pa.array(via, mask=via < 0)) if len(done) else pa.nulls(end - start, TEXT)
            longer = pc.binary_join_element_wise(mine, rest, " → ")
            done = pa.concat_arrays([done, pc.coalesce(longer, first)])
            start = end
        return done

    def labels(self) -> pa.Array:
        """What a chain calls each thing: its noun and its number, failing that its name or id."""
        it = self.things
        nouns = [self.catalogue[k].bc.noun for k in it.kinds]
        noun = pa.array(nouns, TEXT).take(pa.array(it.kind))
        return pc.binary_join_element_wise(noun, pc.coalesce(it.number, it.name, it.bc_id, it.dv_id), " ")

    def names(self) -> pa.Array:
        """The number and the name of each thing, once where they are the same; null for one that is gone."""
        it = self.things
        both = pc.binary_join_element_wise(it.number, it.name, " ")
        return pc.if_else(pc.fill_null(pc.equal(it.number, it.name), False), it.name,
                          pc.coalesce(both, it.number, it.name))  # fmt: skip

    def frame(self) -> pd.DataFrame:
        """A row a stopped record and cause (`STOPPED_COLUMNS`), records in the order of work."""
        it, at = self.things, self.counted
        at = at[np.lexsort((self.cause[at], self.thing[at], it.kind[self.thing[at]]))]
        mine, root = self.thing[at], self.causes.thing[self.cause[at]]
        kinds, names = pa.array(it.kinds, TEXT), self.names()
        columns = {"causes": pa.array(self.causes_of[mine]), "chain": self.chains().take(pa.array(at))}
        for prefix, rows in (("", mine), ("root_", root)):
            take = pa.array(rows)
            columns |= {
                f"{prefix}kind": kinds.take(pa.array(it.kind[rows])), f"{prefix}name": names.take(take),
                f"{prefix}bc_id": it.bc_id.take(take), f"{prefix}dv_id": it.dv_id.take(take),
            }  # fmt: skip
        columns["check"] = self.causes.check.take(pa.array(self.cause[at]))
        columns["do"] = self.what_to_do().take(pa.array(self.cause[at]))
        return to_frame(pa.table({n: columns[n] for n in STOPPED_COLUMNS.names}, schema=STOPPED_COLUMNS))

    def what_to_do(self) -> pa.Array:
        """``couple`` or ``fix`` for each cause; what is gone cannot be coupled."""
        missing = pc.is_null(self.causes.check)
        there = pa.array(~self.things.gone[self.causes.thing])
        return pc.if_else(pc.and_(missing, there), "couple", "fix")

    def _how_missing(self) -> pa.Array:
        gone = pa.array(self.things.gone[self.causes.thing])
        outside = self.things.outside.take(pa.array(self.causes.thing))
        said = pc.binary_join_element_wise("not coupled (", outside, ")", "")
        return pc.if_else(gone, "not in the snapshot", pc.coalesce(said, "not coupled"))


def gate(
    snapshot: Snapshot, ledger: LedgerView, findings: Findings, catalogue: Catalogue | None = None
) -> Gate:  # fmt: skip
    """Carry every critical finding and every missing coupling along the references; a pure function.

    A critical finding stops its own record and what refers to it, directly or through others. A record that is
    neither coupled nor to be created stops what refers to it. Weak references carry nothing. A finding about a
    reference whose record is not coupled is that record's missing coupling said once more.

    Raises StalePlan when the findings were made from another snapshot or an older ledger.
    """
    if findings.snapshot_id != snapshot.id or findings.ledger_position != ledger.position:
        raise StalePlan("The checks were run on other data than the gate would be made from.", "Check again.")
    catalogue = catalogue or default_catalogue()
    it = things(snapshot, ledger, catalogue)
    causes = _causes(it, findings, catalogue)
    thing, cause, via, levels = _carry(it, causes)
    own = (via < 0) & np.asarray(pc.is_null(causes.check))[cause]
    return Gate(it, causes, catalogue, thing, cause, via, ~own, levels)


def _causes(it: Things, findings: Findings, catalogue: Catalogue) -> Causes:
    critical = np.flatnonzero(np.asarray(findings.frame["severity"].isin(["critical"]), dtype=bool))
    table = table_of(findings.frame).take(pa.array(critical))
    columns: Mapping[str, pa.Array] = {n: flat(table[n]).cast(TEXT) for n in table.column_names}
    where = np.full((len(critical), 2), -1, dtype=np.int64)
    for kind in pc.unique(columns["kind"]).to_pylist():
        here = np.asarray(pc.fill_null(pc.equal(columns["kind"], kind), False))
        for n, side in enumerate(SIDES):
            where[here, n] = it.row_of(kind or "", side, columns[f"{side}_id"].filter(pa.array(here)))
    echo = _echoes(it, columns, where)
    rows = np.flatnonzero(~echo & (where >= 0).any(axis=1))
    # One cause a check and record: a check that fails for two fields of a record is mended when both are.
    first = where[rows, 0]
    first = np.where(first < 0, where[rows, 1], first)
    codes = np.asarray(columns["check"].dictionary_encode().indices.take(pa.array(rows)))
    size = len(it) + 1
    keys = (codes.astype(np.int64) * size + where[rows, 0] + 1) * size + where[rows, 1] + 1
    _, at, cause = np.unique(keys, return_index=True, return_inverse=True)
    seeds = [np.column_stack([where[rows, n], cause])[where[rows, n] >= 0] for n in (0, 1)]
    seed = np.unique(np.concatenate(seeds), axis=0)
    missing = np.unique(it.target[~it.reached[it.target]])
    nothing = pa.nulls(len(missing), TEXT)
    take = pa.array(rows[at])
    return Causes(
        thing=np.concatenate([first[at], missing]),
        check=pa.concat_arrays([columns["check"].take(take), nothing]),
        fix=pa.concat_arrays([columns["fix"].take(take), _how_to_couple(it, missing, catalogue)]),
        seed_thing=seed[:, 0], seed_cause=seed[:, 1], echoes=critical[echo],
    )  # fmt: skip


def _echoes(it: Things, columns: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
    """Which findings are about a reference to something that is not coupled."""
    known = {names: n for n, names in enumerate(it.fields)}
    loose = ~it.reached[it.target]
    size = max(1, len(it.fields))
    broken = np.unique(it.source[loose] * size + it.field[loose])
    pairs = zip(columns["kind"].to_pylist(), columns["field"].to_pylist(), strict=True)
    field = np.array([known.get(p, -1) for p in pairs], dtype=np.int64)
    echo = np.zeros(len(field), dtype=bool)
    for n in (0, 1):
        there = (field >= 0) & (where[:, n] >= 0)
        echo |= there & np.isin(where[:, n] * size + field, broken)
    return echo


def _how_to_couple(it: Things, rows: np.ndarray, catalogue: Catalogue) -> pa.Array:
    """What ends each missing coupling, in a sentence."""
    texts = []
    outside = it.outside.take(pa.array(rows)).to_pylist()
    for kind, bc_id, gone, why in zip(
        it.kind[rows], it.bc_id.take(pa.array(rows)).to_pylist(), it.gone[rows], outside, strict=True
    ):
        found = catalogue[it.kinds[kind]]
        side: Side = "bc" if bc_id is not None else "dv"
        other = other_side(side)
        noun, partner = found.source(side).noun, found.source(other).noun
        if gone:
            texts.append(f"Correct the references to this {noun}, or pull again: the snapshot does not hold it.")
            continue
        first = f"Take it into the synchronisation ({why}), then couple" if why else "Couple"
        made = f", or mark it to be created in {'Sales' if other == 'dv' else 'Business Central'}"
        makes = made if found.may_go_to(other) and not found.held else ""
        texts.append(f"{first} the {noun} with its {partner}{makes}.")
    return pa.array(texts, TEXT)


def _carry(it: Things, causes: Causes) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, ...]]:
    """Every pair of a thing and a cause that reaches it, the shortest chains first: thing, cause, via, levels."""
    order = np.argsort(it.target, kind="stable")
    source, target = it.source[order], it.target[order]
    begin = np.searchsorted(target, np.arange(len(it)))
    many = np.searchsorted(target, np.arange(len(it)), side="right") - begin
    missing = np.flatnonzero(np.asarray(pc.is_null(causes.check)))
    things_now = np.concatenate([causes.seed_thing, causes.thing[missing]])
    causes_now = np.concatenate([causes.seed_cause, missing])
    via_now = np.full(len(things_now), -1, dtype=np.int64)
    size = max(1, len(causes))
    known = np.unique(things_now * size + causes_now)
    parts = [(things_now, causes_now, via_now)]
    levels = [len(things_now)]
    while len(things_now):
        places = levels[-1] - len(things_now) + np.arange(len(things_now))
        counts = many[things_now]
        from_ = np.repeat(places, counts)
        shift = np.arange(len(from_)) - np.repeat(np.cumsum(counts) - counts, counts)
        found = source[np.repeat(begin[things_now], counts) + shift]
        keys, first = np.unique(found * size + np.repeat(causes_now, counts), return_index=True)
        # A circle comes back to a pair that is known, so there is an end to it.
        at = np.minimum(np.searchsorted(known, keys), max(0, len(known) - 1))
        new = known[at] != keys
        keys, first = keys[new], first[new]
        things_now, causes_now, via_now = keys // size, keys % size, from_[first]
        if len(keys):
            known = np.sort(np.concatenate([known, keys]), kind="stable")
            parts.append((things_now, causes_now, via_now))
            levels.append(levels[-1] + len(keys))
    thing, cause, via = (np.concatenate(p) for p in zip(*parts, strict=True))
    return thing, cause, via, tuple(levels)
