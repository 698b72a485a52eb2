"""expectations/suites/*.json → Suite: the checks as declared, refused when anything in them is unclear.

Great Expectations forgives too much when it loads a suite (it logs and drops what it does not know), so the
files are read here first and what it loads is compared with them. This module does not import it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from d365kit.errors import SuiteError
from d365kit.kinds import Catalogue, load_catalogue
from d365kit.nouns import SEVERITIES

#: The order in which the suites run (sync-rules.md V); suites of a workspace's own come after these.
ORDER = ("setup", "salespeople", "currencies", "option_sets", "units", "customers_vendors", "contacts", "items")

SQL_TYPE = "expect_no_violations"

_WANTED_META = ("check", "fix", "owner", "frame")


@dataclass(frozen=True)
class Check:
    """One expectation of a suite, with what the findings say about it.

    ``kind`` is empty when the check's query names the kind row by row. ``message`` may hold {bc_name},
    {dv_name}, {bc_value}, {dv_value}, {field} and the further columns of the check's query.
    """

    suite: str
    name: str
    type: str
    kwargs: Mapping[str, object]
    frame: str
    severity: str
    kind: str
    field: str
    rules: tuple[str, ...]
    owner: str
    fix: str
    description: str
    message: str
    raw: Mapping[str, object] = dataclasses.field(repr=False, default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.suite}/{self.name}"

    @property
    def is_sql(self) -> bool:
        return self.type == SQL_TYPE


@dataclass(frozen=True)
class Suite:
    """The checks of one file, in the file's order."""

    name: str
    path: Path
    checks: tuple[Check, ...]

    @property
    def frames(self) -> tuple[str, ...]:
        """The frames its checks stand on, each once."""
        return tuple(dict.fromkeys(c.frame for c in self.checks))


def load_suites(
    expectations: Path, names: Sequence[str] | None = None, *, catalogue: Catalogue | None = None
) -> tuple[Suite, ...]:
    """Read the suites of the folder ``expectations`` (all, or those in ``names``) in the order they run.

    Raises SuiteError for a folder without suites, an unknown suite name, a file that is no JSON, an empty
    suite, two checks of one name, and a check that does not say what it is, whose it is or how to fix it.
    """
    folder = Path(expectations) / "suites"
    files = {p.stem: p for p in sorted(folder.glob("*.json"))}
    if not files:
        raise SuiteError(
            f"There are no suites in {folder}.",
            "Give the folder that holds great_expectations.yml and suites/, or make a new workspace.",
        )
    ordered = [n for n in ORDER if n in files] + [n for n in files if n not in ORDER]
    unknown = [n for n in names or () if n not in files]
    if unknown:
        raise SuiteError(f"There is no suite called “{unknown[0]}”.", f"The suites are: {', '.join(ordered)}.")
    return tuple(_suite(files[n], catalogue) for n in ordered if names is None or n in names)


def _suite(path: Path, catalogue: Catalogue | None) -> Suite:
    raw = _read(path)
    declared = raw.get("expectations")
    if not isinstance(declared, list) or not declared:
        raise SuiteError(
            f"The suite {path} has no expectations, so it would pass whatever the data.",
            "Add expectations or delete the file.",
        )
    if raw.get("name") != path.stem:
        raise SuiteError(f"The suite {path} calls itself “{raw.get('name')}”.", f"Set its name to “{path.stem}”.")
    checks = tuple(_check(path, number, e, catalogue) for number, e in enumerate(declared, 1))
    names = [c.name for c in checks]
    double = next((n for n in names if names.count(n) > 1), None)
    if double:
        raise SuiteError(f"The suite {path} has two checks called “{double}”.", "Give each check a name of its own.")
    return Suite(path.stem, path, checks)


def _read(path: Path) -> dict[str, object]:
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise SuiteError(f"The suite {path} cannot be read as JSON: {problem}.", "Correct the file.") from problem
    if not isinstance(raw, dict):
        raise SuiteError(f"The suite {path} is not a JSON object.", "Correct the file.")
    return raw


def _check(path: Path, number: int, raw: object, catalogue: Catalogue | None) -> Check:
    raw = _object(raw)
    meta = _object(raw.get("meta"))
    called = f"Expectation {number} ({meta.get('check') or raw.get('type') or 'no type'}) of the suite {path}"
    missing = [f"meta “{key}”" for key in _WANTED_META if not _text(meta, key)]
    missing += [f"“{key}”" for key in ("type", "description") if not _text(raw, key)]
    if missing:
        raise SuiteError(f"{called} has no {', no '.join(missing)}.", "Add it: findings cannot do without.")
    if raw.get("severity") not in SEVERITIES:
        raise SuiteError(
            f"{called} has the severity “{raw.get('severity', '')}”.", f"Use one of: {', '.join(SEVERITIES)}."
        )
    check = _made(path.stem, raw, meta)
    if catalogue is not None and check.kind and check.kind not in catalogue and check.kind not in load_catalogue():
        raise SuiteError(
            f"{called} is about the unknown kind “{check.kind}”.",
            f"The kinds are: {', '.join(catalogue.names)}.",
        )
    return check


def _made(suite: str, raw: Mapping[str, object], meta: Mapping[str, object]) -> Check:
    rules = meta.get("rules")
    return Check(
        suite=suite,
        name=_text(meta, "check"),
        type=_text(raw, "type"),
        kwargs=_object(raw.get("kwargs")),
        frame=_text(meta, "frame"),
        severity=_text(raw, "severity"),
        kind=_text(meta, "kind"),
        field=_text(meta, "field"),
        rules=tuple(str(r) for r in rules) if isinstance(rules, list) else (),
        owner=_text(meta, "owner"),
        fix=_text(meta, "fix"),
        description=_text(raw, "description"),
        message=_text(meta, "message") or _literal(_text(raw, "description")),
        raw=raw,
    )


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(values: Mapping[str, object], key: str) -> str:
    value = values.get(key)
    return value.strip() if isinstance(value, str) else ""


def _literal(text: str) -> str:
    """``text`` as a message in which no brace is a place to fill."""
    return text.replace("{", "{{").replace("}", "}}")
