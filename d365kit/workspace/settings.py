"""d365kit.toml → Settings: where the services are, who decides conflicts, how much one plan may change."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from d365kit.errors import SettingsError
from d365kit.kinds import DEFAULT_MODES, MODES
from d365kit.match import ENGINES
from d365kit.nouns import Limits
from d365kit.plan import Strategy
from d365kit.workspace import file_settings
from d365kit.workspace.file_settings import FileSettings, quoted

FILE = "d365kit.toml"
VERSION = 1


@dataclass(frozen=True)
class ServiceSettings:
    """One side's address. ``token_variable`` names the environment variable that holds the bearer token.

    ``web_services`` is where BC's published pages are, when that does not follow from ``url``.
    """

    url: str = ""
    company: str = ""
    token_variable: str = ""
    web_services: str = ""


@dataclass(frozen=True)
class SandboxSettings:
    """The demo company instead of two live services."""

    database: str = "sandbox.db"
    customers: int = 2_000
    seed: int = 1


@dataclass(frozen=True)
class MatchSettings:
    """What candidates are found and compared with, ``duckdb`` or ``spark``."""

    engine: str = ENGINES[0]


@dataclass(frozen=True)
class Settings:
    """What a workspace's d365kit.toml says. ``sandbox`` is None in a workspace of live services."""

    name: str
    bc: ServiceSettings = field(default_factory=ServiceSettings)
    dv: ServiceSettings = field(default_factory=ServiceSettings)
    sandbox: SandboxSettings | None = None
    ledger: str = "ledger.db"
    by: str = ""
    strategy: Strategy = field(default_factory=Strategy)
    limits: Limits = field(default_factory=Limits)
    match: MatchSettings = field(default_factory=MatchSettings)
    modes: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_MODES))
    leave_out: tuple[str, ...] = ()
    files: FileSettings = field(default_factory=FileSettings)


def read(folder: Path) -> Settings:
    """Read ``folder``/d365kit.toml.

    Raises SettingsError, naming file and key, when it is missing, unreadable, of another version, or says
    something it cannot say.
    """
    path = folder / FILE
    if not path.is_file():
        raise SettingsError(
            f"{folder if folder != Path() else 'This folder'} is not a d365kit workspace: it has no {FILE}.",
            "Name its folder (--workspace), or make one with: d365kit init DIR.",
        )
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise SettingsError(f"{path} cannot be read: {problem}.", "Mend the file.") from problem
    if raw.get("version") != VERSION:
        raise SettingsError(
            f"{path} is of version {raw.get('version')!r}, and this d365kit works with version {VERSION}.",
            "Use the d365kit that made the workspace, or make a new one with: d365kit init DIR.",
        )
    tables = {"bc", "dv", "sandbox", "plan", "limits", "match", "modes", "kinds", "files"}
    known = {"version", "name", "ledger", "by", *tables}
    _refuse_unknown(path, "", raw, known)
    return Settings(
        name=str(raw.get("name") or folder.resolve().name),
        bc=_part(path, "bc", raw, ServiceSettings, token_variable="D365KIT_BC_TOKEN"),  # noqa: S106
        dv=_part(path, "dv", raw, ServiceSettings, token_variable="D365KIT_DV_TOKEN"),  # noqa: S106
        sandbox=_part(path, "sandbox", raw, SandboxSettings) if "sandbox" in raw else None,
        ledger=str(raw.get("ledger", "ledger.db")),
        by=str(raw.get("by", "")),
        strategy=_checked_strategy(path, _part(path, "plan", raw, Strategy)),
        limits=_part(path, "limits", raw, Limits),
        match=_checked_match(path, _part(path, "match", raw, MatchSettings)),
        modes=_modes(path, raw.get("modes", {})),
        leave_out=_leave_out(path, raw.get("kinds", {})),
        files=file_settings.read(path, raw.get("files", {})),
    )


def _modes(path: Path, given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise SettingsError(f"{path}: “modes” must be a table.", "Write [modes] above its keys.")
    _refuse_unknown(path, "modes", given, set(MODES))
    for name, value in given.items():
        if value not in MODES[name]:
            raise SettingsError(f"{path}: modes.{name} is {value!r}.", f"Use {' or '.join(MODES[name])}.")
    return {**DEFAULT_MODES, **given}


def _leave_out(path: Path, given: object) -> tuple[str, ...]:
    if not isinstance(given, dict):
        raise SettingsError(f"{path}: “kinds” must be a table.", "Write [kinds] above its keys.")
    _refuse_unknown(path, "kinds", given, {"leave_out"})
    names = given.get("leave_out", [])
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise SettingsError(f"{path}: kinds.leave_out is {names!r}.", 'Write a list, such as ["resource"].')
    return tuple(names)


def _part(path: Path, name: str, raw: Mapping[str, Any], kind: type, **defaults: object) -> Any:
    given = raw.get(name, {})
    if not isinstance(given, dict):
        raise SettingsError(f"{path}: “{name}” must be a table.", f"Write [{name}] above its keys.")
    types = {f.name: type(getattr(kind(), f.name)) for f in fields(kind)}
    _refuse_unknown(path, name, given, set(types))
    for key, value in given.items():
        number = types[key] is float and isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, types[key]) and not number:
            raise SettingsError(f"{path}: {name}.{key} is {value!r}.", f"It must be a {_WORDS[types[key]]}.")
    return kind(**{**defaults, **given})


_WORDS = {str: "text in quotes", int: "whole number", float: "number", bool: "true or false"}


def _refuse_unknown(path: Path, table: str, given: Mapping[str, object], known: set[str]) -> None:
    for key in given:
        if key not in known:
            full = f"{table}.{key}" if table else key
            raise SettingsError(
                f"{path} has the unknown key “{full}”.", f"Known keys here: {', '.join(sorted(known))}."
            )


def _checked_strategy(path: Path, strategy: Strategy) -> Strategy:
    for key in ("first", "conflict"):
        if getattr(strategy, key) not in ("ask", "bc", "dv"):
            raise SettingsError(f"{path}: plan.{key} is {getattr(strategy, key)!r}.", "Use ask, bc or dv.")
    return strategy


def _checked_match(path: Path, match: MatchSettings) -> MatchSettings:
    if match.engine not in ENGINES:
        raise SettingsError(f"{path}: match.engine is {match.engine!r}.", f"Use {' or '.join(ENGINES)}.")
    return match


def template(name: str, sandbox: SandboxSettings | None, files: str = "") -> str:
    """The text of a new d365kit.toml, explained line by line; ``files`` in place of services. No secret in it."""
    head = f"""# A d365kit workspace. Secrets never belong in this file: tokens come from environment variables.
version = {VERSION}
name = {quoted(name)}
# Who decides, as the ledger shows it; empty means the name of the signed-in user of this computer.
by = ""
"""
    if files:
        services = files
    elif sandbox:
        services = f"""
# The demo company: both services are emulated on this computer and keep their data in this file.
[sandbox]
database = {quoted(sandbox.database)}
customers = {sandbox.customers}
seed = {sandbox.seed}
"""
    else:
        services = """
[bc]
# https://api.businesscentral.dynamics.com/v2.0/<tenant>/<environment>/api/v2.0
url = ""
# The id (GUID) of the company.
company = ""
token_variable = "D365KIT_BC_TOKEN"

[dv]
# https://<organisation>.api.<region>.dynamics.com/api/data/v9.2
url = ""
# The id of this company's row in Sales, when several companies share the environment.
company = ""
token_variable = "D365KIT_DV_TOKEN"
"""
    # The demo's first synchronisation brings most pairs into line, which is what it is there to show.
    share = "1.0" if sandbox else "0.5"
    rest = f"""
[plan]
# Two different values of a pair that was never synchronised: bc, dv, or ask.
first = "bc"
# Both sides changed since they last agreed: bc, dv, or ask.
conflict = "ask"

[modes]
# How the company is set up in Business Central. Unit groups: one_per_group (one for each unit of measure) or
# unit_groups (one for each item and resource). Prices: price_lists or price_groups. Sales orders: legacy or
# bidirectional. Owners of rows in Sales: person or team.
units = "one_per_group"
prices = "price_lists"
orders = "legacy"
ownership = "person"

[kinds]
# Kinds you do not want, for instance because a page they need is not published: see d365kit kinds.
# What refers to them is then not checked for them: a customer goes without its salesperson being looked at.
# Own kinds and fields go into kinds.toml beside this file; look them over with: d365kit kinds check
leave_out = []

[match]
# What finds and compares candidates: duckdb, this computer; spark, a cluster (see docs/matching_spark.md).
engine = "duckdb"

[limits]
# What one plan may do before apply refuses: share of the pairs updated, records created, couplings ended.
update = {share}
create = 2000
uncouple = 0
floor = 20
"""
    return head + services + rest
