"""Decisions → the line of code that does the same."""

from __future__ import annotations

from collections.abc import Sequence

#: Longer lists of pairs are told by their filter instead.
MOST_PAIRS = 20


def call(verb: str, kind: str, pairs: Sequence[tuple[str, str]], **given: object) -> str:
    """One call of the workspace; what is given blank is left out.

    >>> call("confirm", "customer", [("b1", "d1")], note="by phone")
    "ws.confirm('customer', [('b1', 'd1')], note='by phone')"
    """
    listed = ", ".join(f"({b!r}, {d!r})" for b, d in pairs)
    more = [f"{name}={value!r}" for name, value in given.items() if value]
    return f"ws.{verb}({', '.join([repr(kind), f'[{listed}]', *more])})"


def batch(
    kind: str, pairs: Sequence[tuple[str, str]], conditions: str, leave_out: Sequence[str], *, note: str, first: str
) -> str:
    """A batch: its pairs while they are few, else the filter that shows them."""
    if len(pairs) <= MOST_PAIRS:
        return call("confirm", kind, pairs, note=note, first=first)
    parts = [("leave_out", list(leave_out)), ("note", note), ("first", first)]
    given = ", ".join(f"{name}={value!r}" for name, value in parts if value)
    return f"ws.review({kind!r}).filter({conditions}).confirm_shown({given})"
