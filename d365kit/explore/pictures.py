"""A look's frame → Plot: the picture an analyst would draw of it, with the finding as its title."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from d365kit.explore import words
from d365kit.explore.coverage import RECORDS
from d365kit.explore.presence import AGES, UNKNOWN_AGE
from d365kit.explore.words import counted, field_title, in_side, kind_title, share_text, side_name
from d365kit.kinds import SIDES, Catalogue
from d365kit.nouns.frames import records
from d365kit.show import SIDE_NAMES, number, percent
from d365kit.show.plot import Bar, Plot, bars, dots

#: So many fields or values are drawn; the frame has all.
FIELDS, VALUES, USES = 30, 25, 8
_PALER = ("1.0", "0.82", "0.64", "0.48", "0.32", "0.18")


def where(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Records taking part and left out; the two bars of a kind share a scale, the kinds do not.

    Kinds without any record are in the title only.
    """
    rows = []
    for kind, pair in frame.groupby("kind", sort=False):
        pair = pair[pair["state"] != "not read"]
        whole = float((pair["taking_part"] + pair["left_out"]).max()) if len(pair) else 0.0
        if not whole:
            continue
        for row in records(pair):
            inside, left_out = _int(row["taking_part"]), _int(row["left_out"])
            note = number(inside) + (f" + {number(left_out)} left out" if left_out else "")
            rows.append(
                Bar(side_name(row["side"]), ((inside, str(row["side"])), (left_out, "out")), note,
                    kind_title(catalogue, kind), whole)
            )  # fmt: skip
    key = [(name, side) for side, name in SIDE_NAMES.items()] + [("left out", "out")]
    return bars(words.of_where(frame, catalogue), frame, rows, key, "There are no records.")


def outside(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Why records are left out, by kind, side and reason."""
    rows = [
        Bar(str(r["reason"]), ((_int(r["records"]), "out"),), f"{number(r['records'])} ({_share(r)})",
            _heading(catalogue, r))
        for r in records(frame)
    ]  # fmt: skip
    return bars(words.of_outside(frame, catalogue), frame, rows, nothing="No record is left out.")


def coverage(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Coupled, to be created and free, as shares of each side; by records, and by money where there is some."""
    rows = []
    for r in records(frame[frame["total"] > 0]):
        measure, title = str(r["measure"]), kind_title(catalogue, r["kind"])
        if measure == RECORDS:
            heading, total = title, number(_int(r["total"]))
        else:
            heading = f"{title}, by {field_title(catalogue, r['kind'], measure)}"
            total = f"{_brief(float(str(r['total'])))} {r['unit']}"
        coupled = percent(round(100 * _float(r["coupled"])), round(100 * _float(r["total"])))
        pieces = tuple((max(0.0, _float(r[n])), tone) for n, tone in
                       (("coupled", "good"), ("to_create", "soon"), ("free", "rest")))  # fmt: skip
        rows.append(Bar(side_name(r["side"]), pieces, f"{coupled} of {total}", heading, sum(v for v, _ in pieces)))
    rows.sort(key=_first_seen([b.heading for b in rows]))
    key = [("coupled", "good"), ("to be created on the other side", "soon"), ("free", "rest")]
    return bars(words.of_coverage(frame, catalogue), frame, rows, key, "There are no records to couple.")


def missing(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Share of blanks of each field on both sides: of several kinds the emptiest fields that travel."""
    rows = frame[frame["asked"] & (frame["share"] > 0)]
    if frame["kind"].nunique() > 1:
        rows = rows[rows["direction"] != "none"]
    else:
        rows = rows[~rows["field"].isin(_of_scope(catalogue, frame))]
    largest = rows.groupby(["kind", "field"], sort=False)["share"].max().sort_values(ascending=False).head(FIELDS)
    shares = {(r["kind"], r["field"], r["side"]): _float(r["share"]) for r in
              records(frame[frame["asked"] & frame["share"].notna()])}  # fmt: skip
    chosen = sorted(largest.items(), key=lambda e: (catalogue.names.index(e[0][0]), -e[1]))
    drawn = [
        (kind_title(catalogue, kind), field_title(catalogue, kind, name),
         shares.get((kind, name, "bc")), shares.get((kind, name, "dv")))
        for (kind, name), _ in chosen
    ]  # fmt: skip
    return dots(f"Blank fields. {words.of_missing(frame, catalogue)}", frame, drawn)


def _of_scope(catalogue: Catalogue, frame: pd.DataFrame) -> set[str]:
    """Fields that the filters look at: of what takes part they say nothing any more."""
    kinds = [catalogue[k] for k in frame["kind"].unique() if k in catalogue]
    return {str(c.get("field", "")) for k in kinds for side in SIDES for c in k.source(side).scope}


def values(frame: pd.DataFrame, catalogue: Catalogue, kind: str, field: str) -> Plot:
    """The most frequent values of a field as shares of each side's records."""
    title = f"{field_title(catalogue, kind, field).capitalize()} of {kind_title(catalogue, kind)}"
    known = frame[frame["value"].notna()]
    both = int(((known["bc"] > 0) & (known["dv"] > 0)).sum())
    drawn = [
        ("", _blank(r["value"]), _float(r["bc_share"]), _float(r["dv_share"])) for r in records(frame.head(VALUES))
    ]
    return dots(f"{title}: {counted(len(known), 'value')}, {number(both)} of them on both sides", frame, drawn)


def duplicates(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Records that may be there more than once, by kind, side and the rule by which they agree."""
    rows = []
    grouped = frame.groupby(["kind", "side", "rule"], sort=False)
    for (kind, side, rule), group in grouped:
        note = f"{number(len(group))} in {counted(int(group['group'].nunique()), 'group')}"
        heading = f"{kind_title(catalogue, kind)} in {side_name(side)}"
        rows.append(Bar(str(rule), ((len(group), str(side)),), note, heading))
    return bars(words.of_duplicates(frame, catalogue), frame, rows, nothing="No two records of a side look the same.")


def cut(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Texts too long for the other side, by kind, side and field."""
    rows = [
        Bar(field_title(catalogue, r["kind"], r["field"]), ((_int(r["records"]), str(r["side"])),),
            f"{number(r['records'])}, up to {number(r['longest'])} of {number(r['allowed'])}", _heading(catalogue, r))
        for r in records(frame)
    ]  # fmt: skip
    return bars(words.of_cut(frame, catalogue), frame, rows, nothing="Every text fits the other side.")


def codes(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Codes in use that are not there, or whose record takes no part."""
    rows = [
        Bar(f"{r['code']} ({field_title(catalogue, r['kind'], r['field'])})", ((_int(r["records"]), str(r["side"])),),
            number(r["records"]), _heading(catalogue, r))
        for r in records(frame)
    ]  # fmt: skip
    return bars(words.of_codes(frame, catalogue), frame, rows, nothing="Every code in use is there.")


def uses(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """Currencies and countries as shares of each side's records, the most used ones."""
    drawn = []
    for (name, kind), rows in frame.groupby(["field", "kind"], sort=False):
        shares = {(r["side"], r["value"]): _float(r["share"]) for r in records(rows)}
        heading = f"{kind_title(catalogue, kind)}, {name}"
        for value in list(dict.fromkeys(v for _, v in sorted(shares, key=lambda s: -shares[s])))[:USES]:
            drawn.append((heading, _blank(value), shares.get(("bc", value), 0.0), shares.get(("dv", value), 0.0)))
    return dots(words.of_uses(frame, catalogue), frame, drawn)


def ages(frame: pd.DataFrame, catalogue: Catalogue) -> Plot:
    """How long ago the records of each side were last changed, from a day to over a year.

    What has no times at all, such as choice values and published pages, is not drawn.
    """
    tones = {name: tone for (_, name), tone in zip(AGES, _PALER, strict=True)} | {UNKNOWN_AGE: "out"}
    rows = []
    for (kind, side), group in frame.groupby(["kind", "side"], sort=False):
        if group["age"].eq(UNKNOWN_AGE).all():
            continue
        pieces = tuple((_float(r["share"]), tones[str(r["age"])]) for r in records(group))
        newest = group["newest"].iloc[0]
        note = f"newest {newest:%Y-%m-%d}" if pd.notna(newest) else "no times"
        inside = tuple(_share(r) for r in records(group))
        rows.append(Bar(side_name(side), pieces, note, kind_title(catalogue, kind), 1.0, inside))
    key = [(name if name == "longer" else f"within {name}", tones[name]) for _, name in AGES]
    key += [(UNKNOWN_AGE, "out")] if (frame["age"] == UNKNOWN_AGE).any() else []
    return bars(words.of_ages(frame, catalogue), frame, rows, key, "There are no records.")


def _heading(catalogue: Catalogue, row: dict[str, object]) -> str:
    return in_side(catalogue, pd.Series(row))


def _first_seen(names: Sequence[str]) -> Callable[[Bar], int]:
    order = {name: at for at, name in reversed(list(enumerate(names)))}
    return lambda bar: order[bar.heading]


def _share(row: dict[str, object]) -> str:
    return share_text(_float(row["share"]))


def _blank(value: object) -> str:
    return "(blank)" if value is None else str(value)


def _int(value: object) -> int:
    return int(str(value)) if isinstance(value, int) else int(_float(value))


def _float(value: object) -> float:
    return float(str(value)) if value is not None else 0.0


def _brief(value: float) -> str:
    """A large amount in few digits: 37.7 m.

    >>> _brief(37_699_000.0), _brief(950.0)
    ('37.7 m', '950')
    """
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.1f} {letter}"
    return f"{value:,.0f}"
