"""Rules and a seed → which fault befalls a request; what a fault does to the answer is in `mischief`."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from d365kit.sandbox.wire import Request

#: The service is not asked: an error, or nothing, comes instead of its answer.
INSTEAD = {
    "throttled": 429,
    "unavailable": 503,
    "gateway_timeout": 504,
    "bad_gateway": 502,
    "timeout": 408,
    "server_error": 500,
    "refused": 400,
    "redirect": 302,
    "read_only": 403,
    "cut_before": 0,
}
#: Something else happens first, then the service answers.
BEFORE = ("slow", "expired_token", "rows_change")
#: The service answers, any write is done, and the answer is lost or spoilt.
SPOILT = ("lost_answer", "cut_body", "truncated", "error_in_200", "html_in_200", "wrong_type")
#: The answer leads astray.
LINKS = ("foreign_link", "same_link", "relative_link", "empty_page", "duplicate_row")
#: The answer is right, in an unusual form.
FORMS = ("gzip", "deflate", "chunked", "bom", "charset", "double_headers", "extra_property")
KINDS = (*INSTEAD, *BEFORE, *SPOILT, *LINKS, *FORMS)
#: After one of these the same request has to be sent again.
HARMFUL = frozenset({*INSTEAD, *SPOILT, "expired_token"})
#: What a patient reader survives, and what nobody can.
SURVIVABLE_READS = (
    "throttled", "unavailable", "gateway_timeout", "bad_gateway", "timeout", "server_error", "cut_before", "slow",
    "cut_body", "truncated", "error_in_200", "html_in_200", "relative_link", "duplicate_row", *FORMS,
)  # fmt: skip
SURVIVABLE_WRITES = ("throttled", "unavailable", "slow", "lost_answer", "cut_before", "chunked", "gzip")
DEADLY_READS = (
    "server_error", "throttled", "truncated", "html_in_200", "error_in_200", "redirect", "foreign_link", "same_link",
)  # fmt: skip
_WRITING = re.compile("POST|PATCH|PUT|DELETE")


class FaultError(ValueError):
    """A rule that cannot be one; the text says why."""


@dataclass(frozen=True)
class Fault:
    """One rule: which requests, how often, and what befalls them.

    kind: one of `KINDS`. side: bc, dv or token, "" for both services. method: names joined by ``|``. path: a regular
    expression searched in path and query below the root. How often, all of them together: a ``share`` of the
    matching requests by the seed; every nth; the ``first`` n; not the first ``after``; at most ``times``.

    retry_after: seconds for the header of that name, as an HTTP date if ``retry_date``; None sends none. body: json,
    html or empty. status, code, text: instead of the kind's own. seconds, up_to: how long ``slow`` waits. change:
    insert, update or delete, for ``rows_change``; "" for any. stubborn: no pause after `Faults.in_a_row`.
    part: the rule is about the requests inside a batch, and no others; it needs a kind with a status (102, 223).
    """

    kind: str
    side: str = ""
    method: str = ""
    path: str = ""
    share: float = 1.0
    every: int = 0
    first: int = 0
    after: int = 0
    times: int = 0
    retry_after: float | None = None
    retry_date: bool = False
    body: str = ""
    status: int = 0
    code: str | None = None
    text: str = ""
    seconds: float = 0.0
    up_to: float = 0.0
    change: str = ""
    stubborn: bool = False
    part: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FaultError(f"'{self.kind}' is no kind of fault; there are {', '.join(KINDS)}")
        if self.side not in ("", "bc", "dv", "token"):
            raise FaultError(f"'{self.side}' is no side: bc, dv or token")
        if self.body not in ("", "json", "html", "empty"):
            raise FaultError(f"'{self.body}' is no body: json, html or empty")
        if self.change not in ("", "insert", "update", "delete"):
            raise FaultError(f"'{self.change}' is no change: insert, update or delete")
        if self.part and not INSTEAD.get(self.kind):
            raise FaultError(f"'{self.kind}' does not befall a part of a batch")
        try:
            re.compile(self.path)
            re.compile(self.method)
        except re.error as error:
            raise FaultError(f"the pattern is not a regular expression: {error}") from error

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Fault:
        """Return the rule a JSON object describes; FaultError for a name there is none of."""
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown or "kind" not in values:
            raise FaultError(f"unknown: {', '.join(unknown)}" if unknown else "a fault needs a kind")
        try:
            return cls(**values)
        except TypeError as error:
            raise FaultError(str(error)) from error

    def concerns(self, side: str, method: str, target: str) -> bool:
        """Whether the rule is about such a request at all."""
        if self.side != side and (self.side or side == "token"):
            return False
        if self.method:
            fits = re.fullmatch(self.method, method) is not None
        else:
            fits = self.kind != "read_only" or _WRITING.fullmatch(method) is not None
        return fits and (not self.path or re.search(self.path, target) is not None)


@dataclass
class Happened:
    """A fault that befell a request: which request of the sandbox's it was, and what exactly was done."""

    number: int
    side: str
    method: str
    target: str
    kind: str
    detail: str = ""


@dataclass
class Struck:
    """A fault chosen for a request, with the randomness that belongs to this one case."""

    fault: Fault
    chance: random.Random
    record: Happened
    #: Rows of earlier pages that are to come again on the page with this path and place.
    owed: dict[tuple[str, str], bytes]


@dataclass
class _Rule:
    fault: Fault
    number: int
    matched: int = 0
    struck: int = 0
    seen: Counter[str] = field(default_factory=Counter)


class Faults:
    """The rules in force. The same seed and the same requests meet the same faults, whatever the time.

    Chance hangs on a request's own address and on how often it came before, so that requests which overtake each
    other do not change each other's luck. ``in_a_row``: so many faults at most befall one address before it is
    answered once; 0 for no such mercy.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.in_a_row = 0
        self.deadly: Fault | None = None
        self.happened: list[Happened] = []
        self.owed: dict[tuple[str, str], bytes] = {}
        self.requests = 0
        self._rules: list[_Rule] = []
        self._row: Counter[str] = Counter()
        self._numbers = 0

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def rules(self) -> list[Fault]:
        """The faults in force, in order."""
        return [rule.fault for rule in self._rules]

    def add(self, *faults: Fault) -> None:
        """Put rules in force, after those already there."""
        for fault in faults:
            self._rules.append(_Rule(fault, self._numbers))
            self._numbers += 1

    def clear(self) -> None:
        """Take all rules back and forget what happened."""
        self.in_a_row, self.deadly, self._numbers, self.requests = 0, None, 0, 0
        self._rules, self.happened = [], []
        self.owed.clear()
        self._row.clear()

    def storm(
        self, seed: int, share: float = 0.6, side: str = "", writes: bool = False, deadly: bool | None = None
    ) -> Fault | None:
        """Mix all the faults of reads at a rate a patient client survives; ``writes`` adds those of writes.

        share: how many requests meet a fault, harmless oddities of form included. deadly: one more that never heals,
        so that a client must give up with a clear error; None for every fifth seed. Returns that one, or None.
        """
        self.clear()
        self.seed, self.in_a_row = seed, 3
        chance = random.Random(f"storm:{seed}")
        for kind in SURVIVABLE_READS:
            self.add(_shape(kind, chance, side, "GET", share / len(SURVIVABLE_READS)))
        for kind in SURVIVABLE_WRITES if writes else ():
            self.add(_shape(kind, chance, side, _WRITING.pattern, share / len(SURVIVABLE_WRITES)))
        if seed % 5 == 0 if deadly is None else deadly:
            kind = chance.choice(DEADLY_READS)
            self.deadly = Fault(kind, side=side, method="GET", after=chance.randint(0, 1), stubborn=True)
            self._rules.insert(0, _Rule(self.deadly, self._numbers))
        return self.deadly

    def strike(self, side: str, request: Request, part: bool = False) -> list[Struck]:
        """Return the faults that befall a request, or a part of a batch, and note them as happened."""
        self.requests += 1
        target = _target(request)
        found: list[Struck] = []
        merciful = bool(self.in_a_row) and self._row[f"{request.method} {target}"] >= self.in_a_row
        for rule in self._rules:
            fault = rule.fault
            if fault.part is not part or not fault.concerns(side, request.method, target):
                continue
            chance = self._chance(rule, request.method, target)
            if not self._due(rule, chance) or (merciful and fault.kind in HARMFUL and not fault.stubborn):
                continue
            rule.struck += 1
            record = Happened(self.requests, side, request.method, target, fault.kind)
            self.happened.append(record)
            found.append(Struck(fault, chance, record, self.owed))
            if fault.kind in INSTEAD:
                break
        self._count(f"{request.method} {target}", found)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the seed, the rules and what happened."""
        return {
            "seed": self.seed,
            "rules": [asdict(rule) for rule in self.rules],
            "happened": [asdict(record) for record in self.happened],
        }

    def _chance(self, rule: _Rule, method: str, target: str) -> random.Random:
        rule.seen[f"{method} {target}"] += 1
        times = rule.seen[f"{method} {target}"]
        return random.Random(f"{self.seed}:{rule.number}:{method}:{target}:{times}")

    def _due(self, rule: _Rule, chance: random.Random) -> bool:
        fault = rule.fault
        rule.matched += 1
        counted = rule.matched - fault.after
        if counted <= 0 or (fault.times and rule.struck >= fault.times) or (fault.first and counted > fault.first):
            return False
        if fault.every and counted % fault.every:
            return False
        return fault.share >= 1.0 or chance.random() < fault.share

    def _count(self, address: str, found: list[Struck]) -> None:
        if any(struck.fault.kind in HARMFUL for struck in found):
            self._row[address] += 1
        else:
            self._row.pop(address, None)


def _shape(kind: str, chance: random.Random, side: str, method: str, share: float) -> Fault:
    more: dict[str, Any] = {}
    if kind in ("throttled", "unavailable"):
        more = {"retry_after": chance.choice([1, 2]), "retry_date": chance.random() < 0.3}
    elif kind == "slow":
        more = {"seconds": 0.001, "up_to": 0.01}
    elif INSTEAD.get(kind, 0) >= 500:
        more = {"body": chance.choice(["json", "html", "empty"])}
    return Fault(kind, side=side, method=method, share=share, **more)


def _target(request: Request) -> str:
    query = "&".join(f"{name}={value}" for name, value in request.query)
    return f"{request.path}?{query}" if query else request.path
