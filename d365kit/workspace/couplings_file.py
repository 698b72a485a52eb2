"""A file of couplings made elsewhere + snapshot + ledger → pairs to confirm, and what does not fit and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Catalogue, Side
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import from_rows, plain
from d365kit.pull.requests import SAYS
from d365kit.services.files import FileColumn, FileTable, fold, text_of
from d365kit.workspace.keys import Found, Keys

#: BC's numbers of the tables behind its mappings (tables.csv, column bc_table_no): what table 5331 calls Table ID.
TABLES: Mapping[int, tuple[str, ...]] = {
    3: ("payment_terms",), 4: ("currency",), 6: ("price_group",), 10: ("shipment_method",), 13: ("salesperson",),
    18: ("customer",), 23: ("vendor",), 27: ("item",), 36: ("sales_order", "quote"),
    37: ("sales_order_line", "quote_line"), 112: ("invoice",), 113: ("invoice_line",), 156: ("resource",),
    204: ("unit",), 205: ("resource_unit",), 291: ("shipping_agent",), 5050: ("contact",), 5092: ("opportunity",),
    5400: ("item_unit_group", "resource_unit_group"), 5404: ("item_unit",), 7000: ("price_list",), 7001: ("price",),
    7002: ("sales_price",),
}  # fmt: skip

COLUMNS = pa.schema(
    [
        ("row", pa.int64()), ("kind", pa.string()), ("bc_key", pa.string()), ("dv_key", pa.string()),
        ("bc_id", pa.string()), ("dv_id", pa.string()), ("outcome", pa.string()), ("reason", pa.string()),
    ]
)  # fmt: skip

#: Captions by which a column says of itself what it holds.
_SAYS: Mapping[str, frozenset[str]] = {
    "bc": frozenset({"bc", "bc id", "business central", "integration id", "integrations id", "systemid", "system id",
                     "left id", "bc no", "bc key"}),
    "dv": frozenset({"dv", "dv id", "crm", "crm id", "dataverse", "dataverse id", "sales", "record id", "right id",
                     "dv key", "accountid", "contactid", "productid"}),
    "kind": frozenset({"kind", "mapping", "integration table mapping"}),
    "table": frozenset({"table id", "table no", "tabellen id", "id table", "tabel id", "tabla"}),
}  # fmt: skip
_ROLES = ("bc", "dv", "kind", "table", "-")


@dataclass(frozen=True)
class CouplingImport:
    """What became of each row of a file of couplings.

    The frame has row (of the file), kind, bc_key, dv_key (as the file has them), bc_id, dv_id (as the snapshot has
    them), outcome (``coupled``, ``coupled already``, ``does not fit``) and reason. ``dry_run``: nothing was coupled,
    and ``coupled`` says what would be. ``columns`` is role → column of the file.
    """

    source: str
    frame: pd.DataFrame
    columns: Mapping[str, str]
    dry_run: bool = False
    notes: tuple[str, ...] = field(default=())

    def pairs(self) -> dict[str, list[tuple[str, str]]]:
        """The pairs to couple, by kind."""
        found: dict[str, list[tuple[str, str]]] = {}
        for row in self.frame[self.frame["outcome"] == "coupled"].itertuples():
            found.setdefault(str(row.kind), []).append((str(row.bc_id), str(row.dv_id)))
        return found

    def rejects(self) -> pd.DataFrame:
        """The rows that do not fit."""
        return self.frame[self.frame["outcome"] == "does not fit"].reset_index(drop=True)

    def counts(self) -> dict[str, int]:
        """Rows by outcome."""
        counted = Counter(self.frame["outcome"].tolist())
        return {name: counted.get(name, 0) for name in ("coupled", "coupled already", "does not fit")}

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, object]:
        rejects = [{k: plain(v) for k, v in row.items()} for row in self.rejects().to_dict("records")]
        return {
            "source": self.source, "dry_run": self.dry_run, "columns": dict(self.columns), "counts": self.counts(),
            "coupled": {k: len(p) for k, p in self.pairs().items()}, "rejects": rejects, "notes": list(self.notes),
        }  # fmt: skip

    def __str__(self) -> str:
        counts = self.counts()
        roles = {"bc": "Business Central", "dv": "Sales", "kind": "kind", "table": "kind, by the table's number"}
        columns = ", ".join(f"“{c}” = {roles[r]}" for r, c in self.columns.items())
        verb = "would be coupled" if self.dry_run else "coupled"
        by_kind = ", ".join(f"{len(p):,} {k}" for k, p in self.pairs().items())
        lines = [
            f"{self.source}: {columns}",
            f"{counts['coupled']:,} {verb}{f' ({by_kind})' if by_kind else ''}, "
            f"{counts['coupled already']:,} coupled already, {counts['does not fit']:,} do not fit",
        ]
        rejects = self.rejects()
        # The reason without the values in it: rows of one sort are counted together.
        sorts: dict[str, list[str]] = {}
        for row in rejects.itertuples():
            sorts.setdefault(str(row.reason).split(":")[0], []).append(f"row {row.row}: {row.reason}")
        for sort, examples in sorts.items():
            lines.append(f"  {len(examples):,} × {sort}")
            lines += [f"      {example}" for example in examples[:3]]
        return "\n".join([*lines, *(f"  note: {n}" for n in self.notes)])

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.rejects() if len(self.rejects()) else self.frame
        return f"<pre>{escape(str(self))}</pre>{shown.to_html(max_rows=50, index=False, escape=True)}"


def read_couplings(
    table: FileTable,
    snapshot: Snapshot,
    couplings: pd.DataFrame,
    catalogue: Catalogue,
    *,
    kind: str = "",
    columns: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> CouplingImport:
    """Find the records that each row of ``table`` names, and say which rows can be coupled.

    ``couplings`` are those that stand (kind, bc_id, dv_id). ``columns`` says what columns hold: ``bc``, ``dv``,
    ``kind``, ``table`` or ``-``. Keys may be ids, numbers, codes, e-mail addresses or names.
    Raises SettingsError when it cannot be told which columns hold the two records, or of which kind they are.
    """
    chosen = _given(table, columns or {})
    kinds = [catalogue[kind]] if kind else [k for k in catalogue if k.name in snapshot]
    keys = {k.name: Keys.of(snapshot, k) for k in kinds}
    roles, notes = _roles(table, chosen, keys, told=bool(kind))
    said = _kinds_told(table, roles, keys, kind)
    cells = {side: [text_of(c) for c in table.column(roles[side]).cells] for side in SIDES}
    judge = _Judge(keys, couplings)
    rows = []
    for i, number in enumerate(table.rows):
        names = said[i] if isinstance(said, list) else said
        rows.append({"row": number, **judge.row(number, names, cells["bc"][i], cells["dv"][i])})
    return CouplingImport(str(table.origin), from_rows(rows, COLUMNS), roles, dry_run, (*table.notes, *notes))


class _Judge:
    """One row after the other: which records, and whether they can be coupled."""

    def __init__(self, keys: Mapping[str, Keys], couplings: pd.DataFrame) -> None:
        self._keys = keys
        self._partner: dict[tuple[str, str, str], str] = {}
        for kind, bc_id, dv_id in couplings[["kind", "bc_id", "dv_id"]].itertuples(index=False):
            self._partner[kind, "bc", bc_id], self._partner[kind, "dv", dv_id] = dv_id, bc_id
        self._seen: dict[tuple[str, str, str], int] = {}

    def row(self, number: int, names: Sequence[str] | str, bc_key: str, dv_key: str) -> dict[str, object]:
        out: dict[str, object] = {"kind": None, "bc_key": bc_key, "dv_key": dv_key, "bc_id": None, "dv_id": None}

        def no(reason: str) -> dict[str, object]:
            return {**out, "outcome": "does not fit", "reason": reason}

        if isinstance(names, str):
            return no(names)
        blank = [SAYS[s] for s, key in zip(SIDES, (bc_key, dv_key), strict=True) if not key]
        if blank:
            return no(f"no record named of {' and '.join(blank)}")
        kind = self._kind(names, bc_key, dv_key)
        out["kind"] = kind
        found: dict[Side, Found] = {}
        for side, key in zip(SIDES, (bc_key, dv_key), strict=True):
            found[side] = self._keys[kind].find(side, key)
            out[f"{side}_id"] = found[side].id or None
        for side in SIDES:
            if found[side].problem:
                return no(found[side].problem)
        ids = {s: found[s].id for s in SIDES}
        for side in SIDES:
            before = self._seen.get((kind, side, ids[side]))
            if before is not None:
                return no(f"twice in the file: row {before} names the same {SAYS[side]} record")
        if self._partner.get((kind, "bc", ids["bc"])) == ids["dv"]:
            self._seen |= {(kind, s, ids[s]): number for s in SIDES}
            return {**out, "outcome": "coupled already", "reason": ""}
        for side in SIDES:
            partner = self._partner.get((kind, side, ids[side]))
            if partner is not None:
                known = self._keys[kind].named("dv" if side == "bc" else "bc", partner)
                return no(f"coupled to another: the {SAYS[side]} record belongs to {known}")
        self._seen |= {(kind, s, ids[s]): number for s in SIDES}
        return {**out, "outcome": "coupled", "reason": ""}

    def _kind(self, names: Sequence[str], bc_key: str, dv_key: str) -> str:
        """Of the kinds a table may hold, the one that knows both records, else the one that knows the BC record."""
        for both in (True, False):
            for name in names:
                there = self._keys[name].find("bc", bc_key).id
                if there and (not both or self._keys[name].find("dv", dv_key).id):
                    return name
        return names[0]


# --- what the columns hold -------------------------------------------------------------------------------


def _given(table: FileTable, columns: Mapping[str, str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for column, role in columns.items():
        if role not in _ROLES:
            raise SettingsError(f"“{column}={role}”: there is no role “{role}”.", f"Use one of: {', '.join(_ROLES)}.")
        out[table.column(column).name] = role
    return out


def _roles(
    table: FileTable, chosen: Mapping[str, str], keys: Mapping[str, Keys], *, told: bool
) -> tuple[dict[str, str], list[str]]:
    """role → column: as chosen, as captions say, else by whose keys the values are."""
    roles = {role: column for column, role in chosen.items() if role != "-"}
    free = [c for c in table.columns if c.name not in chosen and c.filled()]
    for role, captions in _SAYS.items():
        named = [c for c in free if fold(c.name) in captions]
        if role not in roles and len(named) == 1:
            roles[role] = named[0].name
    free = [c for c in free if c.name not in roles.values()]
    shares = {(c.name, s): _share(c, s, keys.values()) for c in free for s in SIDES}
    notes: list[str] = []
    open_ = [s for s in SIDES if s not in roles]
    if len(open_) == 2:
        ways = [(shares[a.name, "bc"] + shares[b.name, "dv"], a, b) for a in free for b in free if a is not b]
        ways = sorted((w for w in ways if shares[w[1].name, "bc"] and shares[w[2].name, "dv"]), key=lambda w: -w[0])
        if ways:
            best = [w for w in ways if w[0] > ways[0][0] - 0.02]
            pair = {frozenset((w[1].name, w[2].name)) for w in best}
            if len(pair) > 1:
                shown = "; ".join(f"“{w[1].name}” and “{w[2].name}”" for w in best[:3])
                raise SettingsError(
                    f"{table.origin}: several columns could name the records: {shown}.",
                    f"Say which, with --column “{best[0][1].name}=bc” and --column “{best[0][2].name}=dv”.",
                )
            if len(best) > 1:
                notes.append("both columns fit both sides; the first was taken for Business Central")
            roles["bc"], roles["dv"] = best[0][1].name, best[0][2].name
    elif open_:
        side = open_[0]
        fitting = sorted(free, key=lambda c: -shares[c.name, side])
        if fitting and shares[fitting[0].name, side] > 0:
            roles[side] = fitting[0].name
    lacking = [s for s in SIDES if s not in roles]
    if lacking:
        names = ", ".join(c.name for c in table.columns)
        raise SettingsError(
            f"{table.origin}: no column holds records of {SAYS[lacking[0]]} that the snapshot knows; "
            f"it has: {names}.",
            f"Say which with --column “{table.columns[0].name}={lacking[0]}”, or pull again.",
        )
    if told:
        roles = {r: c for r, c in roles.items() if r in SIDES}
    return {r: roles[r] for r in ("bc", "dv", "kind", "table") if r in roles}, notes


def _share(column: FileColumn, side: Side, keys: Iterable[Keys]) -> float:
    """The share of a column's values that name records of ``side``, of the kind that knows most of them."""
    values = [text_of(c) for c in column.filled()][:1000]
    return max((sum(k.knows(side, v) for v in values) / len(values) for k in keys), default=0.0)


def _kinds_told(
    table: FileTable, roles: Mapping[str, str], keys: Mapping[str, Keys], kind: str
) -> list[Sequence[str] | str] | Sequence[str]:
    """The kinds each row may be of, or the reason why that cannot be told; one answer where the file says none."""
    if kind:
        return (kind,)
    if "table" in roles or "kind" in roles:
        by_table = "table" in roles
        column = table.column(roles["table" if by_table else "kind"])
        return [_told(text_of(c), keys, by_table) for c in column.cells]
    fits = {n: sum(_share(table.column(roles[s]), s, [k]) for s in SIDES) for n, k in keys.items()}
    best = max(fits.values(), default=0.0)
    equal = [n for n, share in fits.items() if share > best - 0.02 and best > 0]
    if len(equal) != 1:
        shown = " or ".join(equal) if equal else "any kind of the snapshot"
        raise SettingsError(
            f"{table.origin}: it cannot be told whether its rows are of {shown}.",
            "Say it, for example with --kind customer.",
        )
    return (equal[0],)


def _told(text: str, keys: Mapping[str, Keys], by_table: bool) -> Sequence[str] | str:
    if not text:
        return "kind not told"
    if by_table:
        names = TABLES.get(int(text), ()) if text.isdigit() else ()
    else:
        names = tuple(n for n, k in keys.items() if fold(text) in (fold(n), fold(k.mapping), fold(k.title)))
    there = tuple(n for n in names if n in keys)
    if there:
        return there
    what = f"table {text}" if by_table else f"“{text}”"
    return f"kind not in the snapshot: {what} is {' or '.join(names)}" if names else f"kind unknown: {what}"
