"""The gate → Unlocks: what ending one cause would free, in records and in money."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.check.frames import flat
from d365kit.check.gate import Gate
from d365kit.check.things import Things, held_by
from d365kit.kinds import LCY_ID, SIDES, Catalogue, Kind, Side
from d365kit.nouns import UNLOCK_COLUMNS, Snapshot, Unlocks
from d365kit.nouns.frames import plain, to_frame

#: The fields that say what is at stake with a record, the first that its kind has. Posted invoices are left out,
#: because their remaining amounts are the balance of their customer, and lines, because they are their document's.
MONEY = ("balance", "estimated_value", "amount")
NO_MONEY = ("invoice",)
#: Of these, what a service keeps in the local currency whatever the record's own currency is.
IN_LCY = ("balance", "estimated_value")

_WIDE = pa.decimal256(60, 12)
_CENT = Decimal("0.01")
#: What the column of amounts holds.
_LARGEST = Decimal(10) ** 36


def unlocks(gate: Gate, snapshot: Snapshot, ledger_position: int, about: str = "") -> Unlocks:
    """What to couple or fix, by the money and then by the records that it would free.

    ``gate`` was made from ``snapshot``; with ``about``, a kind, only records of that kind count. Amounts are those of
    Business Central where it has the record, without their sign, in the local currency: balances, estimated values,
    and the amounts of quotes and orders by the rate that the snapshot has. What has no rate is not in them, and the
    notes say so. Raises UnknownKind for an ``about`` that the catalogue does not have.
    """
    it, at = gate.things, gate.counted
    if about:
        gate.catalogue[about]
        at = at[it.kind[gate.thing[at]] == it.kinds.index(about)]
    thing, cause = gate.thing[at], gate.cause[at]
    alone = gate.causes_of[thing] == 1
    size = len(gate.causes)
    holds = np.bincount(cause, minlength=size)
    frees = np.bincount(cause[alone], minlength=size)
    with localcontext() as wide:
        # Amounts may have 26 digits before the point, and the usual 28 in all would round their sums in silence.
        wide.prec = 76
        amounts, notes = _amounts(gate.catalogue, snapshot, it, thing[alone], cause[alone])
    rows = np.flatnonzero(holds)
    money = [amounts.get(int(c)) for c in rows]
    order = sorted(
        range(len(rows)),
        key=lambda n: (-(money[n] or 0), -int(frees[rows[n]]), -int(holds[rows[n]]), int(rows[n])),
    )
    rows, money = rows[order], [money[n] for n in order]
    roots = gate.causes.thing[rows]
    take, which = pa.array(roots, pa.int64()), pa.array(rows, pa.int64())
    columns = {
        "do": gate.what_to_do().take(which), "kind": pa.array(it.kinds, pa.string()).take(pa.array(it.kind[roots])),
        "bc_id": it.bc_id.take(take), "dv_id": it.dv_id.take(take), "name": gate.names().take(take),
        "check": gate.causes.check.take(which), "frees": pa.array(frees[rows]), "holds_up": pa.array(holds[rows]),
        "by_kind": pa.array(_by_kind(gate, thing[alone], cause[alone], rows), pa.string()),
        "amount": pa.array(money, pa.decimal128(38, 2)), "fix": gate.causes.fix.take(which),
    }  # fmt: skip
    kinds, counts = np.unique(it.kind[np.unique(thing)], return_counts=True)
    return Unlocks(
        snapshot_id=snapshot.id,
        ledger_position=ledger_position,
        frame=to_frame(pa.table({n: columns[n] for n in UNLOCK_COLUMNS.names}, schema=UNLOCK_COLUMNS)),
        stopped={it.kinds[k]: int(n) for k, n in zip(kinds, counts, strict=True)},
        about=about,
        currency=snapshot.facts.get("local_currency", ""),
        notes=notes,
    )


def _by_kind(gate: Gate, thing: np.ndarray, cause: np.ndarray, rows: np.ndarray) -> list[str]:
    """“42 customers, 310 prices” of each cause in ``rows``, the kinds in the order of work."""
    it = gate.things
    size = max(1, len(it.kinds))
    keys, counts = np.unique(cause * size + it.kind[thing], return_counts=True)
    texts: dict[int, list[str]] = {}
    for key, n in zip(keys.tolist(), counts.tolist(), strict=True):
        kind = gate.catalogue[it.kinds[key % size]]
        texts.setdefault(key // size, []).append(f"{n:,} {_lower(kind.bc.noun if n == 1 else kind.title)}")
    return [", ".join(texts.get(int(c), ())) for c in rows]


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]


# --- money -----------------------------------------------------------------------------------------


def money_field(kind: Kind) -> str:
    """The field that says what is at stake with a record of ``kind``, or ``""``."""
    if kind.name in NO_MONEY or any(f.goes_with for f in kind.references):
        return ""
    return next((n for n in MONEY if n in kind and kind[n].type == "amount"), "")


def _amounts(
    catalogue: Catalogue, snapshot: Snapshot, it: Things, thing: np.ndarray, cause: np.ndarray
) -> tuple[dict[int, Decimal], tuple[str, ...]]:
    """The money of the things freed by each cause, and what is not in it. A thing stands here once, by its cause."""
    sums: dict[int, Decimal] = {}
    notes: list[str] = []
    by_thing = np.full(len(it), -1, dtype=np.int64)
    by_thing[thing] = cause
    rates = {s: _rates(snapshot, s) for s in SIDES}
    local = snapshot.facts.get("local_currency", "")
    for number, kind in enumerate(catalogue):
        name = money_field(kind)
        if not name or kind.name not in snapshot or not (it.kind[thing] == number).any():
            continue
        unknown: dict[tuple[Side, str], int] = {}
        seen = np.zeros(len(it), dtype=bool)
        for side in SIDES:
            table = held_by(snapshot, kind.name, side, ("id", name, "currency"))
            rows = it.rows[kind.name, side]
            wanted = (by_thing[rows] >= 0) & ~seen[rows] if name in table.column_names else rows < 0
            if not wanted.any():
                continue
            seen[rows[wanted]] = True
            grouped = _sums(table.filter(pa.array(wanted)), by_thing[rows[wanted]], name, name in IN_LCY)
            for key, currency, total, n in grouped:
                rate = Decimal(1) if name in IN_LCY else _rate(rates[side], currency, side, local)
                if rate is None:
                    unknown[side, currency] = unknown.get((side, currency), 0) + n
                    continue
                sums[key] = sums.get(key, Decimal(0)) + total * rate
        named: dict[str, int] = {}
        for place, n in unknown.items():
            label = _code(snapshot, *place)
            named[label] = named.get(label, 0) + n
        for label, n in named.items():
            what = _lower(kind.bc.noun if n == 1 else kind.title)
            notes.append(f"not in the amounts: {n:,} {what} in {label}, for which there is no rate")
    told = {key: value.quantize(_CENT, ROUND_HALF_EVEN) for key, value in sums.items()}
    beyond = sum(value >= _LARGEST for value in told.values())
    if beyond:
        notes.append(f"{beyond:,} amounts are too large to be shown; look at the rates of the currencies")
    return {key: value for key, value in told.items() if value < _LARGEST}, tuple(notes)


def _sums(
    table: pa.Table, cause: np.ndarray, name: str, in_lcy: bool
) -> list[tuple[int, str, Decimal, int]]:  # fmt: skip
    """Cause, currency id, sum of amounts without their sign, and how many have one."""
    currency = pa.nulls(len(table), pa.string())
    if not in_lcy and "currency" in table.column_names:
        currency = flat(table["currency"]).cast(pa.string())
    amounts = pc.abs(flat(table[name])).cast(_WIDE)
    table = pa.table({"cause": pa.array(cause), "currency": currency, "amount": amounts})
    table = table.filter(pc.is_valid(table["amount"]))
    made = table.group_by(["cause", "currency"]).aggregate([("amount", "sum"), ("amount", "count")])
    return [
        (int(r["cause"]), r["currency"] or "", r["amount_sum"], int(r["amount_count"])) for r in made.to_pylist()
    ]  # fmt: skip


def _rates(snapshot: Snapshot, side: Side) -> dict[str, Decimal]:
    """Local currency per unit of each currency of ``side``, by its id; what has no rate is left out."""
    if "currency" not in snapshot:
        return {}
    frame = snapshot["currency"].everything(side)
    if not {"rate", "code"} <= set(frame.columns):
        return {}
    local = (snapshot.facts.get("local_currency") or "").upper()
    found: dict[str, Decimal] = {}
    base: Decimal | None = None
    for id_, code, rate in zip(frame["id"], frame["code"], frame["rate"], strict=True):
        rate = plain(rate)
        # Units of the currency per unit of the base currency (habits.rate_at_work_date); zero says nothing.
        if not isinstance(rate, Decimal) or not rate.is_finite() or rate <= 0:
            continue
        found[str(id_)] = rate
        if local and str(plain(code) or "").strip().upper() == local:
            base = rate
    return {} if base is None else {id_: base / rate for id_, rate in found.items()}


def _rate(rates: dict[str, Decimal], currency: str, side: Side, local: str) -> Decimal | None:
    """Local currency per unit; in Business Central a blank currency is the local one."""
    if side == "bc" and currency in ("", LCY_ID):
        return Decimal(1)
    return rates.get(currency) if local else None


def _code(snapshot: Snapshot, side: Side, currency: str) -> str:
    if not currency:
        return "no currency"
    if "currency" in snapshot:
        frame = snapshot["currency"].everything(side)
        codes = frame.loc[frame["id"] == currency, "code"] if "code" in frame.columns else []
        for code in codes:
            return str(plain(code) or currency)
    return currency
