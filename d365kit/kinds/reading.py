"""TOML → Catalogue: the shipped catalogue, a workspace's own kinds.toml laid over it, and what is wrong in either."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from d365kit.errors import SettingsError
from d365kit.kinds.model import (
    ARROW_TYPES,
    MODES,
    PAGES,
    SIDES,
    Card,
    Catalogue,
    Field,
    Kind,
    Source,
    in_order,
)
from d365kit.kinds.transforms import TRANSFORMS

Raw = dict[str, Any]

#: A workspace's own file, in the format of the shipped catalogue.
FILE = "kinds.toml"

_FIELD_KEYS = {f.name for f in fields(Field)}
_SOURCE_KEYS = {f.name for f in fields(Source)}
_KIND_KEYS = {f.name for f in fields(Kind)} - {"name"}
_TESTS = ("in", "like", "unlike")
_SCOPE_KEYS = {"field", "reason", *_TESTS}
_DIRECTIONS = ("to_dv", "to_bc", "both", "none")
#: Parts of a kind's matching rules that a workspace adds to rather than replaces (matching.toml).
_ADDED = ("columns", "rules", "keys", "comparisons", "doubts", "references")


@dataclass(frozen=True)
class Text:
    """A TOML text and what to call it in an error."""

    name: str
    text: str

    def place(self, kind: str, field: str = "", key: str = "") -> str:
        """``name`` and, where it can be found, the line that speaks of this kind, field and key."""
        line = line_of(self.text, kind, field, key)
        return f"{self.name}, line {line}" if line else self.name


def line_of(text: str, kind: str, field: str = "", key: str = "") -> int:
    """The line (from 1) of a kind's table, of one of its fields, or of a key there; 0 when it is not there.

    >>> line_of('[customer]\\nfields = [\\n  { name = "fax", typ = "text" },\\n]', "customer", "fax", "typ")
    3
    """
    header = re.compile(rf"\s*\[\[?\s*[\"']?{re.escape(kind)}[\"']?\s*[\].]")
    of_field = re.compile(rf"name\s*=\s*[\"']{re.escape(field)}[\"']")
    of_key = re.compile(rf"(^|[\s{{,.\"']){re.escape(key)}[\"']?\s*=")
    inside, found = False, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(r"\s*\[\[?[^\[\]{}=,]+\]\]?\s*(#.*)?$", line):
            inside = bool(header.match(line))
            if inside and key and not field and re.search(rf"[.\"']{re.escape(key)}\b", line):
                return number
            found = found or (number if inside else 0)
        elif inside and ((field and of_field.search(line)) or (key and not field and of_key.search(line))):
            return number
    return found


# --- the shipped catalogue -----------------------------------------------------------------------------


def load_catalogue(own: str | None = None, name: str = FILE) -> Catalogue:
    """Every kind d365kit knows, with ``own`` (a workspace's kinds.toml) laid over it.

    Raises SettingsError, naming line and key, for what is unknown or contradicts itself: an unknown key, type,
    normaliser or direction, two fields of one name, a reference to an unknown kind, a circle of references.
    """
    if not (own or "").strip():
        return _shipped()
    return read_catalogue([*shipped_texts(), Text(name, own or "")], _matching())


def default_catalogue() -> Catalogue:
    """The shipped kinds as a company in the default modes uses them (`DEFAULT_MODES`)."""
    return _default()


@lru_cache(maxsize=1)
def _default() -> Catalogue:
    return _shipped().in_modes({})


def read_catalogue(texts: Iterable[Text], matching: str = "") -> Catalogue:
    """Read catalogue texts, each laid over those before it; ``matching`` has the rules of the first ones."""
    raw: Raw = {}
    sources = list(texts)
    rules = tomllib.loads(matching)
    for text in sources:
        _lay_over(raw, _parsed(text), text)
    kinds: dict[str, Kind] = {}
    for name, kind in raw.items():
        kinds[name] = _kind(name, kind, _rules_of(name, kind, rules), _last_with(sources, name), raw)
    _check_references(kinds, sources)
    try:
        ordered = in_order(kinds)
    except SettingsError as circle:
        raise SettingsError(f"{sources[-1].name}: {circle.what}", circle.todo) from None
    return Catalogue({k.name: k for k in ordered})


@lru_cache(maxsize=1)
def _shipped() -> Catalogue:
    return read_catalogue(shipped_texts(), _matching())


@lru_cache(maxsize=1)
def shipped_texts() -> tuple[Text, ...]:
    folder = resources.files("d365kit.kinds") / "catalogue"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(Text(f"catalogue/{f.name}", f.read_text("utf-8")) for f in files)


@lru_cache(maxsize=1)
def _matching() -> str:
    return (resources.files("d365kit.kinds") / "matching.toml").read_text("utf-8")


def read_own(path: Path) -> str:
    """The text of a workspace's kinds.toml, ``""`` when there is none. Raises SettingsError when unreadable."""
    if not path.is_file():
        return ""
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as problem:
        raise SettingsError(f"{path} cannot be read: {problem}.", "Mend the file.") from problem


def _last_with(texts: list[Text], kind: str) -> Text:
    for text in reversed(texts):
        if line_of(text.text, kind):
            return text
    return texts[-1]


def _parsed(text: Text) -> Raw:
    try:
        return tomllib.loads(text.text)
    except tomllib.TOMLDecodeError as problem:
        twice = re.search(r"Cannot (declare|overwrite)", str(problem))
        what = f"{text.name} has two kinds or keys of one name: {problem}." if twice else f"{text.name}: {problem}."
        raise SettingsError(what, "Mend the file at that place.") from None


# --- laying one text over another ------------------------------------------------------------------------


def _lay_over(raw: Raw, more: Raw, text: Text) -> None:
    for name, added in more.items():
        if not isinstance(added, dict):
            raise SettingsError(
                f"{text.place(name, key=name)}: “{name}” is no table.", f"Write [{name}] above its keys."
            )
        _refuse_unknown(added, _KIND_KEYS | {"match"}, text, name)
        _names_once(added.get("fields", []), text, name)
        if name not in raw:
            raw[name] = deepcopy(added)
            continue
        kind = raw[name]
        for key, value in added.items():
            if key == "fields":
                kind["fields"] = _fields_over(kind["fields"], value)
            elif key in SIDES:
                kind[key] = _source_over(kind[key], value, text, name, key)
            elif key == "match":
                kind["match"] = {**kind.get("match", {}), **value}
            else:
                kind[key] = value


def _fields_over(old: list[Raw], new: list[Raw]) -> list[Raw]:
    at = {f["name"]: n for n, f in enumerate(old)}
    out = [dict(f) for f in old]
    for f in new:
        if f["name"] in at:
            out[at[f["name"]]] |= f
        else:
            out.append(dict(f))
    return out


def _source_over(old: Raw, new: Raw, text: Text, kind: str, side: str) -> Raw:
    if not isinstance(new, dict):
        raise SettingsError(
            f"{text.place(kind, key=side)}: “{kind}.{side}” is no table.", f"Write [{kind}.{side}] above its keys."
        )
    out = {**old, **new}
    if "scope" in new:
        replaced = {c.get("field") for c in new["scope"]}
        out["scope"] = [c for c in old.get("scope", ()) if c["field"] not in replaced] + list(new["scope"])
    for key in ("constants", "also"):
        if key in new:
            out[key] = {**old.get(key, {}), **new[key]}
    return out


def _names_once(listed: object, text: Text, kind: str) -> None:
    if not isinstance(listed, list) or not all(isinstance(f, dict) for f in listed):
        raise SettingsError(
            f"{text.place(kind, key='fields')}: “{kind}.fields” is no list of fields.",
            'Write fields = [ { name = "…", type = "text" } ].',
        )
    seen: set[str] = set()
    for f in listed:
        name = f.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise SettingsError(
                f"{text.place(kind, str(name), 'name')}: a field of “{kind}” is called {name!r}.",
                "Give each field a name of small letters, figures and underscores.",
            )
        if name in seen:
            raise SettingsError(
                f"{text.place(kind, name)}: “{kind}” has two fields called “{name}”.", "Take one of them out."
            )
        seen.add(name)


# --- from raw tables to kinds ---------------------------------------------------------------------------


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, [k for k in known if k != name], 1, 0.7)
    return f"Did you mean “{near[0]}”? " if near else ""


def _kind(name: str, raw: Raw, match: Raw, text: Text, known: Iterable[str] = ()) -> Kind:
    for key in ("title", "direction", "bc", "dv", "fields", "name_field"):
        if key not in raw:
            raise SettingsError(
                f"{text.place(name)}: the kind “{name}” has no “{key}”.",
                f"{_perhaps(name, known)}A new kind needs title, direction, bc, dv, fields and name_field.",
            )
    if raw["direction"] not in _DIRECTIONS[:3]:
        raise _bad(text, name, "", "direction", raw["direction"], _DIRECTIONS[:3])
    made = tuple(_field(f, name, text) for f in raw["fields"])
    names = {f.name for f in made}
    columns = names | {f.label_column for f in made if f.is_reference}
    for key in ("name_field", "number_field"):
        if raw.get(key) and raw[key] not in names:
            raise _bad(text, name, "", key, raw[key], sorted(names))
    sides = {side: _source(raw[side], side, name, columns, text) for side in SIDES}
    _check_when(raw.get("when", {}), text, name)
    rules = dict(match)
    _check_match(name, rules, raw.get("match", {}), names, text)
    for part, value in raw.get("match", {}).items():
        rules[part] = [*rules.get(part, ()), *value] if part in _ADDED else value
    return Kind(
        name=name,
        mapping=raw.get("mapping", ""),
        title=raw["title"],
        direction=raw["direction"],
        bc=sides["bc"],
        dv=sides["dv"],
        fields=made,
        name_field=raw["name_field"],
        number_field=raw.get("number_field", ""),
        habits=tuple(raw.get("habits", ())),
        match=rules,
        when=raw.get("when", {}),
        in_mode=raw.get("in_mode", {}),
        held=raw.get("held", ""),
    )


def _rules_of(kind: str, raw: Raw, rules: Raw) -> Raw:
    """The matching rules of a kind: its own, or those of the kind it is matched the same as."""
    own = rules.get(kind, {})
    same_as = raw.get("match", {}).get("same_as") or own.get("same_as")
    if not same_as:
        return own
    return {**_rules_of(same_as, {}, rules), **{k: v for k, v in own.items() if k != "same_as"}}


def _check_match(kind: str, shipped: Raw, own: object, names: set[str], text: Text) -> None:
    if not isinstance(own, Mapping):
        raise _bad(text, kind, "", "match", own, ["a table"])
    for source, where in ((shipped, Text("matching.toml", "")), (own, text)):
        for reference in source.get("references", ()):
            if reference not in names:
                raise SettingsError(
                    f"{where.place(kind, key='references')}: the matching rules of “{kind}” name “{reference}” as a "
                    "reference, which is no field of it.",
                    f"Its fields are: {', '.join(sorted(names))}.",
                )


def _field(raw: Raw, kind: str, text: Text) -> Field:
    name = raw["name"]
    _refuse_unknown(raw, _FIELD_KEYS, text, kind, name)
    if "type" not in raw:
        raise SettingsError(
            f"{text.place(kind, name)}: field “{kind}.{name}” has no “type”.",
            f"Use one of: {', '.join(ARROW_TYPES)}.",
        )
    if raw["type"] not in ARROW_TYPES:
        raise _bad(text, kind, name, "type", raw["type"], ARROW_TYPES)
    if raw.get("direction", "none") not in _DIRECTIONS:
        raise _bad(text, kind, name, "direction", raw["direction"], _DIRECTIONS)
    for key in ("transform", "transform_bc"):
        if raw.get(key) and raw[key] not in TRANSFORMS:
            raise _bad(text, kind, name, key, raw[key], TRANSFORMS)
    _check_when(raw.get("when", {}), text, kind, name)
    refers_to = raw.get("refers_to", ())
    values = {
        **raw,
        "refers_to": (refers_to,) if isinstance(refers_to, str) else tuple(refers_to),
        "length": tuple(raw.get("length", (0, 0))),
        "derived": tuple(raw.get("derived", ())),
    }
    for f in fields(Field):
        if f.name in raw and f.type in ("str", "bool") and type(raw[f.name]).__name__ != f.type:
            raise SettingsError(
                f"{text.place(kind, name, f.name)}: {kind}.{name}.{f.name} is {raw[f.name]!r}.",
                "It must be text in quotes." if f.type == "str" else "It must be true or false.",
            )
    if bool(values["refers_to"]) != (raw["type"] in ("reference", "option")):
        raise SettingsError(
            f"{text.place(kind, name, 'type')}: field “{kind}.{name}” is of type {raw['type']}.",
            'A field of type reference or option needs refers_to = ["kind"], and no other type may have it.',
        )
    return Field(**values)


def _source(raw: object, side: str, kind: str, names: set[str], text: Text) -> Source:
    if not isinstance(raw, dict):
        raise SettingsError(
            f"{text.place(kind, key=side)}: “{kind}.{side}” is no table.", f"Write [{kind}.{side}] above its keys."
        )
    _refuse_unknown(raw, _SOURCE_KEYS, text, kind, "", side)
    for key in ("set", "noun"):
        if not raw.get(key):
            raise SettingsError(
                f"{text.place(kind, key=side)}: “{kind}.{side}” has no “{key}”.",
                "Name the set where the records live, and the noun to call one by.",
            )
    for condition in raw.get("scope", ()):
        _refuse_unknown(condition, _SCOPE_KEYS, text, kind, "", f"{side}.scope")
        if condition.get("field") not in names:
            raise _bad(text, kind, "", f"{side}.scope.field", condition.get("field"), sorted(names))
        if "reason" not in condition or sum(t in condition for t in _TESTS) != 1:
            raise SettingsError(
                f"{text.place(kind, key='scope')}: a filter of “{kind}.{side}” is not complete.",
                'It needs field, reason, and one of in = [values], like or unlike = "pattern*".',
            )
    page, on_page = raw.get("page", 0), str(raw["set"]).startswith(PAGES)
    if on_page and not raw.get("id"):
        raise SettingsError(
            f"{text.place(kind, key=side)}: “{kind}.{side}” is a page without “id”.",
            "Name the properties of its key, joined by commas.",
        )
    card = raw.get("card")
    return Source(
        set=raw["set"],
        id=raw.get("id", "id" if side == "bc" else ""),
        noun=raw["noun"],
        table=raw.get("table", ""),
        page=page,
        scope=tuple(raw.get("scope", ())),
        constants=raw.get("constants", {}),
        also={k: tuple(v) for k, v in raw.get("also", {}).items()},
        modified_on=raw.get("modified_on", "" if on_page else _modified_on(side)),
        card=Card(**card) if card else None,
    )


def _modified_on(side: str) -> str:
    return "lastModifiedDateTime" if side == "bc" else "modifiedon"


def _check_when(when: object, text: Text, kind: str, field: str = "") -> None:
    if not isinstance(when, Mapping):
        raise _bad(text, kind, field, "when", when, [f'{m} = "{v[0]}"' for m, v in MODES.items()])
    for mode, value in when.items():
        if mode not in MODES:
            raise _bad(text, kind, field, "when", mode, MODES)
        if value not in MODES[mode]:
            raise _bad(text, kind, field, f"when.{mode}", value, MODES[mode])


def _check_references(kinds: Mapping[str, Kind], texts: list[Text]) -> None:
    for kind in kinds.values():
        for f in kind.fields:
            for target in f.refers_to:
                if target not in kinds:
                    place = _last_with(texts, kind.name).place(kind.name, f.name, "refers_to")
                    raise SettingsError(
                        f"{place}: field “{kind.name}.{f.name}” refers to the unknown kind “{target}”.",
                        f"The kinds are: {', '.join(kinds)}.",
                    )


def _refuse_unknown(raw: Mapping, known: set[str], text: Text, kind: str, field: str = "", under: str = "") -> None:
    for key in raw:
        if key not in known:
            full = ".".join(p for p in (kind, under, field, key) if p)
            raise SettingsError(
                f"{text.place(kind, field, key)}: unknown key “{full}”.", f"Known keys: {', '.join(sorted(known))}."
            )


def _bad(text: Text, kind: str, field: str, key: str, value: object, known: Iterable[str]) -> SettingsError:
    full = ".".join(p for p in (kind, field, key) if p)
    return SettingsError(
        f"{text.place(kind, field, key.rpartition('.')[2])}: {full} is {value!r}.", f"Use one of: {', '.join(known)}."
    )
