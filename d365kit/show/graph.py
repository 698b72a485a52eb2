"""Boxes in layers and arrows between them → coordinates: few crossings, arrows routed between the boxes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 12
#: Pixels.
BOX_HEIGHT, GAP, LANE, BETWEEN = 34.0, 14.0, 10.0, 46.0

Arrow = tuple[str, str]
Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Where each box stands (left, top, width), the points each arrow runs through, and the size of it all."""

    boxes: Mapping[str, tuple[float, float, float]]
    arrows: Mapping[Arrow, tuple[Point, ...]]
    width: float
    height: float


def layout(layers: Sequence[Sequence[str]], arrows: Sequence[Arrow], widths: Mapping[str, float]) -> Layout:
    """Lay ``layers`` out from left to right; ``arrows`` point from an earlier layer to a later one."""
    depth = {name: at for at, layer in enumerate(layers) for name in layer}
    columns, ways = _with_lanes(layers, arrows, depth)
    neighbours: dict[str, list[str]] = {}
    for way in ways.values():
        for one, other in itertools.pairwise(way):
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    _untangle(columns, neighbours)
    middles = _heights(columns, neighbours, depth)
    lefts, x = [], 0.0
    for column in columns:
        lefts.append(x)
        x += max((widths[n] for n in column if n in depth), default=0.0) + BETWEEN
    full = [max((widths[n] for n in column if n in depth), default=0.0) for column in columns]
    boxes = {n: (lefts[d], middles[n] - BOX_HEIGHT / 2, full[d]) for n, d in depth.items()}
    lines = {
        arrow: tuple(
            point
            for at, name in enumerate(way, start=depth[arrow[0]])
            for point in ((lefts[at], middles[name]), (lefts[at] + full[at], middles[name]))
        )[1:-1]
        for arrow, way in ways.items()
    }
    return Layout(
        boxes, lines, max(0.0, x - BETWEEN), max((t + BOX_HEIGHT for _, t, _ in boxes.values()), default=0.0)
    )


def _with_lanes(
    layers: Sequence[Sequence[str]], arrows: Sequence[Arrow], depth: Mapping[str, int]
) -> tuple[list[list[str]], dict[Arrow, list[str]]]:
    """The layers with a lane for each arrow that passes through them, and the way of each arrow."""
    columns = [list(layer) for layer in layers]
    ways: dict[Arrow, list[str]] = {}
    for first, then in arrows:
        way = [first]
        for at in range(depth[first] + 1, depth[then]):
            # Arrows of one box share their lanes as long as they run together: fewer lines to follow.
            lane = f"\x00{first}\x00{at}"
            if lane not in columns[at]:
                columns[at].append(lane)
            way.append(lane)
        ways[(first, then)] = [*way, then]
    return columns, ways


def _untangle(columns: list[list[str]], neighbours: Mapping[str, Sequence[str]]) -> None:
    """Order each layer by the mean place of what it is tied to, back and forth, and keep the best order met."""
    best, fewest = [list(c) for c in columns], _crossings(columns, neighbours)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for at in range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1):
            fixed = {n: i for i, n in enumerate(columns[at - 1 if forward else at + 1])}
            old = {n: i for i, n in enumerate(columns[at])}
            means = {n: _mean([fixed[m] for m in neighbours.get(n, ()) if m in fixed], old[n]) for n in old}
            columns[at] = sorted(old, key=lambda n, means=means, old=old: (means[n], old[n]))  # type: ignore[misc]
        crossings = _crossings(columns, neighbours)
        if crossings < fewest:
            best, fewest = [list(c) for c in columns], crossings
    columns[:] = best


def _crossings(columns: Sequence[Sequence[str]], neighbours: Mapping[str, Sequence[str]]) -> int:
    total = 0
    for left, right in itertools.pairwise(columns):
        place = {n: i for i, n in enumerate(right)}
        ends = [(i, place[m]) for i, n in enumerate(left) for m in neighbours.get(n, ()) if m in place]
        total += sum(1 for a, b in ends for c, d in ends if a < c and b > d)
    return total


def _heights(
    columns: Sequence[Sequence[str]], neighbours: Mapping[str, Sequence[str]], depth: Mapping[str, int]
) -> dict[str, float]:
    """The middle of each box and lane: near what it is tied to, the order kept, nothing overlapping."""

    def room(name: str) -> float:
        return BOX_HEIGHT + GAP if name in depth else LANE

    middles: dict[str, float] = {}
    for column in columns:
        y = 0.0
        for name in column:
            middles[name] = y + room(name) / 2
            y += room(name)
    for sweep in range(2 * SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [_mean([middles[m] for m in neighbours.get(n, ())], middles[n]) for n in column]
            for name, y in zip(column, _apart(wanted, [room(n) for n in column]), strict=True):
                middles[name] = y
    top = min((middles[n] - BOX_HEIGHT / 2 for n in depth), default=0.0)
    top = min([top, *(m for n, m in middles.items() if n not in depth)])
    return {n: y - top for n, y in middles.items()}


def _apart(wanted: Sequence[float], rooms: Sequence[float]) -> list[float]:
    """Places near ``wanted`` in the same order and far enough apart: groups that touch move as one."""
    groups: list[tuple[float, list[float]]] = []
    for y, room in zip(wanted, rooms, strict=True):
        groups.append((y, [room]))
        while len(groups) > 1 and groups[-2][0] + sum(groups[-2][1]) / 2 > groups[-1][0] - sum(groups[-1][1]) / 2:
            (a, one), (b, two) = groups[-2:]
            groups[-2:] = [((a * len(one) + b * len(two)) / (len(one) + len(two)), one + two)]
    places = []
    for middle, members in groups:
        y = middle - sum(members) / 2
        for room in members:
            places.append(y + room / 2)
            y += room
    return places


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
