"""$expand text → Expand items: navigation paths with their nested options, for both services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from d365kit.sandbox.odata.query import OptionError

_PATH = re.compile(r"[A-Za-z_][\w.]*(/[A-Za-z_$][\w.]*)*$")
_OPTIONS = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$levels", "$search", "$apply"}
)


@dataclass(frozen=True)
class Expand:
    """One navigation to expand; ``options`` hold its query options, a nested $expand as text."""

    path: str
    options: dict[str, str] = field(default_factory=dict)


def parse_expand(text: str) -> tuple[Expand, ...]:
    """Return the navigations of an $expand; OptionError("value", …) when it is malformed.

    A path may end in "/$ref". Source: OData 4.01 URL conventions, section 5.1.3.

    >>> parse_expand("lines($select=id,no;$filter=name eq 'a;b'),owner")[0].options
    {'$select': 'id,no', '$filter': "name eq 'a;b'"}
    """
    found = [_item(part) for part in _split(text, ",", text)]
    if len({item.path for item in found}) != len(found):
        raise _bad(text, "the same navigation is named twice")
    return tuple(found)


def _item(part: str) -> Expand:
    head, bracket, rest = part.strip().partition("(")
    path = head.strip()
    if not _PATH.match(path):
        raise _bad(part, f"'{path}' is not a navigation property")
    if not bracket:
        return Expand(path)
    inner = rest.rstrip()
    if not inner.endswith(")"):
        raise _bad(part, "')' expected at its end")
    options: dict[str, str] = {}
    for option in _split(inner[:-1], ";", part):
        name, equals, value = option.strip().partition("=")
        name = name.strip()
        name = name if name.startswith("$") else f"${name}"
        if not equals or name not in _OPTIONS or name in options or not value.strip():
            raise _bad(part, f"'{option.strip()}' is not an option of $expand")
        options[name] = value.strip()
    return Expand(path, options)


def _split(text: str, mark: str, whole: str) -> Iterator[str]:
    """Yield the parts between marks that stand outside quotes and parentheses; none may be empty."""
    depth, quoted, start = 0, False, 0
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth < 0:
                raise _bad(whole, "')' without '('")
        elif character == mark and depth == 0:
            yield _filled(text[start:position], whole)
            start = position + 1
    if depth or quoted:
        raise _bad(whole, "a parenthesis or a quote is left open")
    yield _filled(text[start:], whole)


def _filled(part: str, whole: str) -> str:
    if not part.strip():
        raise _bad(whole, "a part of it is empty")
    return part


def _bad(text: str, what: str) -> OptionError:
    return OptionError("value", f"The $expand '{text}' is not valid: {what}.")
