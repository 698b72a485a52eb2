"""Snapshot → records of one side that are probably the same: groups by rule, with their records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from d365kit.compare import NORMALISERS
from d365kit.explore.columns import column, each_side, texts
from d365kit.kinds import Catalogue, Kind
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import to_frame

DUPLICATE_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("rule", pa.string()), ("group", pa.int64()),
     ("size", pa.int64()), ("id", pa.string()), ("number", pa.string()), ("name", pa.string()),
     ("value", pa.string())]
)  # fmt: skip

#: Normalisers of names that leave one text a record; a kind's own matching rules say which fits its names.
_NAME_KEYS = frozenset({"company_key", "person_key", "item_key", "compact", "bare_code"})

#: Of these one figure over and over, as in 000000, is what people enter to get past a form, and no sign.
_FIGURES = frozenset({"phone", "vat_number", "gtin"})

#: Normaliser → value → key, of all that was normalised so far.
Known = dict[str, dict[str, str | None]]


@dataclass(frozen=True)
class Rule:
    """Records agree when all of ``parts`` do: pairs of a column and its normaliser, ``""`` for as it is."""

    name: str
    parts: tuple[tuple[str, str], ...]


def rules(kind: Kind) -> Iterator[Rule]:
    """The rules that fit a kind's fields; none for kinds without names, numbers or addresses of their own.

    A phone number is no sign for persons, who share the switchboard; their mobile number is. A mail address
    counts whole: to share a free-mail host is no sign of anything.
    """
    names = {f.name for f in kind.fields}
    by = _name_normaliser(kind)
    of_customer = "customer" in names and kind["customer"].is_reference and by == "person_key"
    if by and of_customer:
        yield Rule("same name and company", ((kind.name_field, by), ("customer", "")))
    elif by and "city" in names:
        yield Rule("same name and city", ((kind.name_field, by), ("city", "city")))
    elif by and kind.name_field != kind.number_field:
        yield Rule("same name", ((kind.name_field, by),))
    yield from _key_rule(kind)
    phone = "mobile" if by == "person_key" else "phone"
    for field, normaliser in (("vat_number", "vat_number"), ("email", "mail"), ("gtin", "gtin"), (phone, "phone")):
        if field in names:
            yield Rule(f"same {kind[field].title}", ((field, normaliser),))


def _key_rule(kind: Kind) -> Iterator[Rule]:
    """Records of one side with the same key; a code that counts within something, such as a unit, with that.

    Lines of documents have none: the same product twice in an order is nothing strange.
    """
    keys = [f for f in kind.fields if f.key]
    if not keys or _is_line(kind):
        return
    if len(keys) == 1 and not keys[0].is_reference:
        keys += [f for f in kind.references if f.required and kind.name_field == kind.number_field]
    words = ", ".join(f.title for f in keys)
    yield Rule(f"same {words}", tuple((f.name, "" if f.is_reference else "code") for f in keys))


def _is_line(kind: Kind) -> bool:
    return not kind.bc.is_page and not kind.bc.is_option and "/" in kind.bc.set


def _is_document(kind: Kind) -> bool:
    return _is_line(kind) or any("customer" in f.refers_to for f in kind.references)


def _name_normaliser(kind: Kind) -> str:
    """The normaliser the kind's matching rules use for its name; ``""`` when names do not tell records apart.

    So it is for documents and their lines: two orders of a customer may well be called the same.
    """
    listed = kind.match.get("columns", ())
    for entry in listed if isinstance(listed, list | tuple) else ():
        if list(entry.get("of", ())) == [kind.name_field] and entry.get("by") in _NAME_KEYS:
            by = str(entry["by"])
            return by if by == "person_key" or not _is_document(kind) else ""
    return ""


def duplicates(snapshot: Snapshot, catalogue: Catalogue) -> pd.DataFrame:
    """One row per record in a group of records of the same side that agree by a rule.

    ``group`` numbers the groups of a kind, side and rule from 1, the largest first; ``value`` is what the record
    holds, as written. Only records that take part are compared.
    """
    found = []
    known: Known = {}
    for kind, side, frame in each_side(snapshot, catalogue):
        for rule in rules(kind):
            groups = _groups(frame, kind, rule, known)
            if groups is not None:
                found.append(groups.assign(kind=kind.name, side=side, rule=rule.name))
    if not found:
        return to_frame(DUPLICATE_COLUMNS.empty_table())
    frame = pd.concat(found, ignore_index=True)[DUPLICATE_COLUMNS.names]
    return to_frame(pa.Table.from_pandas(frame, schema=DUPLICATE_COLUMNS, preserve_index=False))


def _groups(frame: pd.DataFrame, kind: Kind, rule: Rule, known: Known) -> pd.DataFrame | None:
    keys = _keys(frame, rule, known)
    again = keys.notna() & keys.duplicated(keep=False)
    if not again.any():
        return None
    rows = frame[again.to_numpy()]
    made = pd.DataFrame({"key": keys[again].to_numpy(), "id": rows["id"].to_numpy()})
    written = [texts(rows, f.label_column if f.is_reference else f.name).to_pylist()
               for f in (kind[name] for name, _ in rule.parts)]  # fmt: skip
    made["value"] = [", ".join(str(v) for v in parts if v is not None) for parts in zip(*written, strict=True)]
    made["number"] = texts(rows, kind.number_field).to_pylist() if kind.number_field else None
    made["name"] = texts(rows, kind.name_field).to_pylist()
    made["size"] = made.groupby("key")["key"].transform("size")
    made = made.sort_values(["size", "key", "number", "id"], ascending=[False, True, True, True])
    made["group"] = (made["key"] != made["key"].shift()).cumsum()
    return made.drop(columns="key")


def _keys(frame: pd.DataFrame, rule: Rule, known: Known) -> pd.Series:
    """One key a record, missing where a part of it is blank; each different value is normalised once.

    Of more than two parts the later ones may be blank: the price of an item has no unit of a resource.
    """
    whole: pd.Series | None = None
    for at, (name, by) in enumerate(rule.parts):
        part = _key(column(frame, name), by, known)
        part = part.fillna("") if at > 1 else part
        whole = part if whole is None else whole.str.cat(part, sep="\x1f")
    assert whole is not None
    return whole


def _key(values: pa.ChunkedArray, by: str, known: Known) -> pd.Series:
    """The normalised values of a column; both sides hold much the same texts, so what is worked out is kept."""
    if not by:
        return pd.Series(pd.arrays.ArrowExtensionArray(values))
    coded = values.dictionary_encode().combine_chunks()
    keys = known.setdefault(by, {})
    texts_here = coded.dictionary.to_pylist()
    for text in texts_here:
        if text not in keys:
            key = NORMALISERS[by](text)
            keys[text] = key if isinstance(key, str) and (by not in _FIGURES or len(set(key)) > 1) else None
    taken = pc.take(pa.array([keys[t] for t in texts_here], pa.string()), coded.indices)
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([taken])))
