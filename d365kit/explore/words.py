"""A look's frame → the one sentence an analyst would say about it."""

from __future__ import annotations

import pandas as pd

from d365kit.explore.coverage import RECORDS
from d365kit.kinds import Catalogue
from d365kit.show import SIDE_NAMES, number, percent


def kind_title(catalogue: Catalogue, kind: object) -> str:
    """A kind's name as screens show it."""
    name = str(kind)
    return catalogue[name].title if name in catalogue else name.replace("_", " ").capitalize()


def field_title(catalogue: Catalogue, kind: object, name: object) -> str:
    """A field's name as screens show it."""
    known = catalogue[str(kind)].fields if str(kind) in catalogue else ()
    return next((f.title for f in known if f.name == name), str(name).replace("_", " "))


def side_name(side: object) -> str:
    return SIDE_NAMES[str(side)]


def in_side(catalogue: Catalogue, row: pd.Series) -> str:
    return f"{kind_title(catalogue, row['kind'])} in {side_name(row['side'])}"


def counted(count: int, noun: str) -> str:
    """``count`` and ``noun`` in its number: “1 record”, “2 records”."""
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def share_text(share: float) -> str:
    """A share in whole percent; 0 % and 100 % only when it is exactly that.

    >>> share_text(0.0004), share_text(0.9999), share_text(1.0)
    ('1 %', '99 %', '100 %')
    """
    whole = round(100 * share)
    return f"{min(99, max(1, whole)) if 0 < share < 1 else whole} %"


def of_where(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    inside = {s: int(frame.loc[frame["side"] == s, "taking_part"].sum()) for s in SIDE_NAMES}
    left_out = int(frame["left_out"].sum())
    text = ", ".join(f"{number(n)} in {side_name(s)}" for s, n in inside.items())
    text = f"{text} take part; {number(left_out)} are left out"
    one_sided = [
        kind_title(catalogue, k)
        for k, rows in frame.groupby("kind", sort=False)
        if (rows["taking_part"] > 0).sum() == 1
    ]
    unread = frame.loc[frame["state"] == "not read", "kind"].nunique()
    nowhere = titles_without_records(frame, catalogue)
    text += f"; on one side only: {_listed(one_sided)}" if one_sided else ""
    text += f"; on neither: {_listed(nowhere, 2)}" if nowhere else ""
    return text + (f"; {counted(unread, 'kind')} not read" if unread else "")


def titles_without_records(frame: pd.DataFrame, catalogue: Catalogue) -> list[str]:
    """The kinds that were read and have no record on either side, neither taking part nor left out."""
    counts = frame.assign(all=frame["taking_part"] + frame["left_out"]).groupby("kind", sort=False)
    return [kind_title(catalogue, k) for k, rows in counts if rows["all"].notna().all() and not rows["all"].sum()]


def of_outside(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    if not len(frame):
        return "No record is left out"
    top = frame.loc[frame["records"].idxmax()]
    total = counted(int(frame["records"].sum()), "record")
    return f"{total} left out; most: {in_side(catalogue, top)}, {top['reason']} ({number(top['records'])})"


def of_coverage(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    rows = frame[frame["measure"] == RECORDS]
    if not rows["total"].sum():
        return "There are no records to couple"
    shares = []
    for side, name in SIDE_NAMES.items():
        mine = rows[rows["side"] == side]
        shares.append(f"{percent(int(mine['coupled'].sum()), int(mine['total'].sum()))} in {name}")
    text = f"{' and '.join(shares)} coupled" if rows["coupled"].sum() else "Nothing is coupled yet"
    top = rows.loc[rows["free"].idxmax()]
    if top["free"] > 0:
        text += f"; most still free: {number(int(top['free']))} {in_side(catalogue, top)}"
    return text


def of_missing(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    asked = frame[frame["asked"] & (frame["records"] > 0)]
    unasked = len(frame) - int(frame["asked"].sum())
    blank = asked[asked["blank"] > 0]
    required = blank[blank["required"].astype(bool)]
    travels = blank[blank["direction"] != "none"]
    if len(required):
        top = required.loc[required["blank"].idxmax()]
        text = f"Required but blank most often: {_field(catalogue, top)}, {counted(int(top['blank']), 'record')}"
    elif len(travels):
        top = travels.loc[travels["share"].idxmax()]
        text = f"Emptiest: {_field(catalogue, top)}, {percent(int(top['blank']), int(top['records']))} blank"
    else:
        text = "Every field that travels is filled" if len(asked) else "There are no records to look at"
    return text + (f"; {counted(unasked, 'field')} could not be asked" if unasked else "")


def of_duplicates(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    if not len(frame):
        return "No two records of a side look the same"
    records = frame[["kind", "side", "id"]].drop_duplicates()
    top = records.groupby(["kind", "side"], sort=False).size()
    kind, side = top.idxmax()
    return (
        f"{counted(len(records), 'record')} may be there more than once; most: "
        f"{kind_title(catalogue, kind)} in {side_name(side)} ({number(int(top.max()))})"
    )


def of_cut(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    if not len(frame):
        return "Every text fits the other side"
    top = frame.loc[frame["records"].idxmax()]
    return (
        f"{counted(int(frame['records'].sum()), 'text')} too long for the other side; most: {_field(catalogue, top)}"
    )


def of_codes(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    if not len(frame):
        return "Every code in use is there"
    top = frame.loc[frame["records"].idxmax()]
    total = counted(int(frame["records"].sum()), "time")
    where = _field(catalogue, top)
    return f"Codes that are not there, or take no part, are used {total}; most: {top['code']} as {where}"


def of_uses(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    texts = []
    for name, plural in (("currency", "currencies"), ("country", "countries")):
        rows = frame[(frame["field"] == name) & frame["value"].notna()]
        if len(rows):
            totals = rows.groupby("value")["records"].sum()
            texts.append(f"{counted(len(totals), name) if len(totals) == 1 else f'{number(len(totals))} {plural}'}"
                         f", most {totals.idxmax()}")  # fmt: skip
    return f"In use: {'; '.join(texts)}" if texts else "Neither currencies nor countries are in use"


def of_ages(frame: pd.DataFrame, catalogue: Catalogue) -> str:
    if not len(frame):
        return "There are no records whose age could be told"
    total = int(frame["records"].sum())
    recent = int(frame.loc[frame["age"].isin(["a day", "a week", "a month"]), "records"].sum())
    old = frame[frame["age"] == "longer"]
    text = f"{percent(recent, total) if recent else 'None'} of the records changed within a month"
    if len(old):
        top = old.loc[old["records"].idxmax()]
        text += f"; longest untouched: {number(int(top['records']))} {in_side(catalogue, top)}, for over a year"
    return text


def _field(catalogue: Catalogue, row: pd.Series) -> str:
    return f"{field_title(catalogue, row['kind'], row['field'])} of {in_side(catalogue, row)}"


def _listed(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
