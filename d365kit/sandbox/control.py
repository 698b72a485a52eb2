"""/sandbox/control → the sandbox's own settings: switches, limits, faults, and what was counted so far.

No part of either service's surface, and for this machine alone.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from json import JSONDecodeError, dumps, loads
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from d365kit.sandbox.faults import Fault, FaultError
from d365kit.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from d365kit.sandbox.emulation import Sandbox

CONTROL_PATH = "/sandbox/control"
_CLEARABLE = ("faults", "protection", "tokens")


class _Wrong(Exception):
    """A body that asks for something there is not; the text says what."""


def answer(sandbox: Sandbox, request: Request, client: tuple[str, int] | None) -> Reply:
    """GET shows everything; POST changes what its body names, all of it or nothing, and shows everything.

    The body may hold: ``switches`` and ``limits`` (by side) as name → value; ``clear``, a list of faults,
    protection, tokens; ``faults``, a list of rules as `Fault` has fields; ``storm`` as `Faults.storm` has arguments;
    ``tokens`` with ``lifetime``, ``expire``. They take effect in this order.
    """
    if not _from_here(request, client):
        return _json({"error": "The control endpoint answers this machine alone."}, 403)
    if request.method == "GET":
        return _json(show(sandbox))
    if request.method != "POST":
        return _json({"error": "GET or POST"}, 405)
    try:
        body = loads(request.body or b"{}")
        if not isinstance(body, dict):
            raise _Wrong("an object was expected")
        for step in _steps(sandbox, body):
            step()
    except (_Wrong, FaultError, JSONDecodeError, UnicodeDecodeError) as error:
        return _json({"error": str(error)}, 400)
    return _json(show(sandbox))


def show(sandbox: Sandbox) -> dict[str, Any]:
    """Return the state as plain values; limits there are none of are null."""
    return {
        "switches": asdict(sandbox.switches),
        "limits": {
            side: {name: None if math.isinf(value) else value for name, value in asdict(limits).items()}
            for side, limits in sandbox.protection.limits.items()
        },
        "protection": sandbox.protection.report(),
        "faults": sandbox.faults.to_json(),
        "requests": sandbox.requests,
        "writes": sandbox.writes,
        "tokens_issued": sandbox.identity.issued,
    }


def _steps(sandbox: Sandbox, body: dict[str, Any]) -> list[Any]:
    """Check the whole body, then return what it asks for as calls, so that a wrong one changes nothing."""
    unknown = sorted(set(body) - {"switches", "limits", "clear", "faults", "storm", "tokens"})
    if unknown:
        raise _Wrong(f"unknown: {', '.join(unknown)}")
    steps: list[Any] = []
    for name, value in _switches(sandbox, body.get("switches", {})).items():
        steps.append(lambda name=name, value=value: setattr(sandbox.switches, name, value))
    for side, values in _object(body.get("limits", {}), "limits").items():
        checked = _limits(sandbox, side, _object(values, side))
        steps.append(lambda side=side, checked=checked: sandbox.protection.set_limits(side, checked))
    for name in body.get("clear", []):
        if name not in _CLEARABLE:
            raise _Wrong(f"'{name}' cannot be cleared; there are {', '.join(_CLEARABLE)}")
        steps.append({"faults": sandbox.faults.clear, "protection": sandbox.protection.clear,
                      "tokens": sandbox.identity.restore}[name])  # fmt: skip
    storm = body.get("storm")
    if storm is not None:
        steps.append(_storm(sandbox, storm))
    faults = [Fault.from_json(_object(values, "a fault")) for values in body.get("faults", [])]
    steps.append(lambda: sandbox.faults.add(*faults))
    tokens = _object(body.get("tokens", {}), "tokens")
    if set(tokens) - {"lifetime", "expire"}:
        raise _Wrong(f"unknown: {', '.join(sorted(set(tokens) - {'lifetime', 'expire'}))}")
    if "lifetime" in tokens:
        steps.append(lambda: setattr(sandbox.identity, "lifetime", float(tokens["lifetime"])))
    if tokens.get("expire"):
        steps.append(sandbox.identity.expire)
    return steps


def _switches(sandbox: Sandbox, wanted: Any) -> dict[str, Any]:
    known = {field.name for field in fields(sandbox.switches)}
    for name, value in _object(wanted, "switches").items():
        if name not in known:
            raise _Wrong(f"there is no switch '{name}'; there are {', '.join(sorted(known))}")
        present = getattr(sandbox.switches, name)
        if type(value) is not type(present) and not (isinstance(present, float) and type(value) is int):
            raise _Wrong(f"the switch '{name}' wants {type(present).__name__}, not {dumps(value)}")
    return dict(wanted)


def _limits(sandbox: Sandbox, side: str, values: Mapping[str, Any]) -> dict[str, float]:
    if side not in sandbox.protection.limits:
        raise _Wrong(f"'{side}' is no side: bc or dv")
    known = {field.name: field.type for field in fields(sandbox.protection.limits[side])}
    found = {}
    for name, value in values.items():
        fits = type(value) is int or (known.get(name) == "float" and (value is None or type(value) is float))
        if name not in known or not fits:
            raise _Wrong(f"there is no limit '{name}', or {dumps(value)} is none")
        found[name] = math.inf if value is None else value
    return found


def _storm(sandbox: Sandbox, wanted: Any) -> Any:
    values = {"seed": wanted} if isinstance(wanted, int) else _object(wanted, "storm")
    unknown = set(values) - {"seed", "share", "side", "writes", "deadly"}
    if unknown or not isinstance(values.get("seed"), int) or values.get("side", "") not in ("", "bc", "dv"):
        raise _Wrong("a storm has a seed, and may have share, side, writes and deadly")
    return lambda: sandbox.faults.storm(**values)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{what} must be an object")
    return value


def _from_here(request: Request, client: tuple[str, int] | None) -> bool:
    """Whether a request comes from this machine, and from no page of a browser that came from elsewhere."""
    names = [client[0] if client else "", urlsplit(request.headers.get("origin", "")).hostname or "localhost"]
    return all(_loopback(name) for name in names)


def _loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _json(value: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status, dumps(value).encode(), kind="application/json")
