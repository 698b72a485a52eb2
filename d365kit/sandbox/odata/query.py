"""Query options → Query: what to select, in which order, how many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from d365kit.sandbox.schema import Column, Table
from d365kit.sandbox.wire import Request

Find = Callable[[str], Column | None]


class OptionError(Exception):
    """A query option the service refuses. ``reason`` is property, value or unsupported."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason, self.text = reason, text


@dataclass(frozen=True)
class Query:
    """One read: columns, order (column, descending), and the row limits."""

    select: tuple[Column, ...]
    selected: bool
    order: tuple[tuple[Column, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False


def read_query(request: Request, table: Table, find: Find) -> Query:
    """Return the options of a request; ``find`` looks a property up the way the service does."""
    select = request.option("$select")
    return Query(
        select=_select(select, table, find),
        selected=bool(select) and select != "*",
        order=_order(request.option("$orderby"), find),
        top=_whole(request.option("$top"), "$top"),
        skip=_whole(request.option("$skip"), "$skip") or 0,
        count=_flag(request.option("$count")),
    )


def page_size(request: Request, maximum: int) -> tuple[int, bool]:
    """Return the rows of one page and whether the client asked for that size."""
    asked = request.preferences.get("odata.maxpagesize", "")
    if not asked.isdigit() or int(asked) < 1:
        return maximum, False
    return min(int(asked), maximum), True


def _select(text: str | None, table: Table, find: Find) -> tuple[Column, ...]:
    if not text or text.strip() == "*":
        return tuple(table.columns.values())
    wanted = [_found(name.strip(), find) for name in text.split(",")]
    return tuple(dict.fromkeys(wanted))


def _found(name: str, find: Find) -> Column:
    column = find(name)
    if column is None:
        raise OptionError("property", name)
    return column


def _order(text: str | None, find: Find) -> tuple[tuple[Column, bool], ...]:
    order = []
    for part in filter(None, (text or "").split(",")):
        name, _, direction = part.strip().partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise OptionError("value", f"'{part.strip()}' is not a valid $orderby expression.")
        order.append((_found(name, find), direction.strip() == "desc"))
    return tuple(order)


def _whole(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or len(text) > 15:
        raise OptionError("value", f"Invalid value '{text}' for {name} query option found.")
    return int(text)


def _flag(text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise OptionError("value", f"Invalid value '{text}' for $count query option found.")
    return text == "true"
