"""A catalogue → the picture of what must be coupled first: SVG, a Mermaid flowchart, waves for terminals."""

from __future__ import annotations

import itertools
from hashlib import sha256

from jinja2.runtime import Markup, escape

from d365kit.kinds import Catalogue
from d365kit.show.canvas import BLUE, width_of
from d365kit.show.graph import BOX_HEIGHT, layout
from d365kit.show.kinds_facts import arrows, needed_by, needs, waves, when
from d365kit.show.values import seen

HEADING = 26.0
MARGIN = 4.0


def svg(catalogue: Catalogue, chosen: str = "") -> Markup:
    """Boxes in waves from left to right and an arrow from what must be coupled first to what waits for it.

    Kinds of one mode only have a broken edge. With ``chosen``, what that kind needs and what needs it stand out.
    """
    layers, lines = waves(catalogue), arrows(catalogue)
    titles = {k.name: seen(k.title) for k in catalogue}
    laid = layout(layers, lines, {n: width_of(t, 12.5) + 22 for n, t in titles.items()})
    near = _near(catalogue, chosen)
    parts = [
        Markup('<text x="{:.0f}" y="14" class="wave">{}</text>').format(
            laid.boxes[layer[0]][0] + MARGIN, "first" if at == 0 else f"then ({at + 1})"
        )
        for at, layer in enumerate(layers)
    ]
    for (first, then), points in laid.arrows.items():
        faint = chosen and not (first in near and then in near and chosen in (first, then))
        parts.append(_arrow(points, bool(faint), bool(chosen) and not faint))
    for name, (x, y, width) in laid.boxes.items():
        role = near.get(name, "other") if chosen else "plain"
        parts.append(_box(x, y, width, titles[name], role, when(catalogue[name].when, catalogue)))
    width, height = laid.width + 2 * MARGIN, laid.height + HEADING + 2 * MARGIN
    title = f"{len(titles)} kinds in {len(layers)} waves" if not chosen else f"What {titles[chosen]} need and free"
    words = "; ".join(_sentence(catalogue, k.name, titles) for k in catalogue)
    name = "k" + sha256(f"{chosen}{words}".encode()).hexdigest()[:10]
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="kinds" role="img" viewBox="0 0 {:.0f} {:.0f}" width="{:.0f}" '
        'height="{:.0f}" aria-labelledby="{}t {}d" font-family="sans-serif" font-size="12.5">'
        '<title id="{}t">{}</title><desc id="{}d">{}</desc>{}</svg>'
    ).format(width, height, width, height, name, name, name, title, name, words, Markup("").join(parts))


def _near(catalogue: Catalogue, chosen: str) -> dict[str, str]:
    if not chosen:
        return {}
    kind = catalogue[chosen]
    return {**dict.fromkeys(needs(catalogue, kind), "needed"), **dict.fromkeys(needed_by(catalogue, kind), "waits"),
            chosen: "chosen"}  # fmt: skip


def _sentence(catalogue: Catalogue, name: str, titles: dict[str, str]) -> str:
    needed = [titles[n] for n in needs(catalogue, catalogue[name])]
    return f"{titles[name]} need {', '.join(needed) if needed else 'nothing'}"


def _arrow(points: tuple[tuple[float, float], ...], faint: bool, strong: bool) -> Markup:
    shifted = [(x + MARGIN, y + HEADING + MARGIN) for x, y in points]
    path = f"M{shifted[0][0]:.0f} {shifted[0][1]:.0f}"
    for at, ((x0, y0), (x1, y1)) in enumerate(itertools.pairwise(shifted)):
        end = x1 - 6 if at == len(shifted) - 2 else x1
        bend = (end - x0) / 2
        curve = f"C{x0 + bend:.0f} {y0:.0f} {end - bend:.0f} {y1:.0f} {end:.0f} {y1:.0f}"
        path += curve if y0 != y1 else f"L{end:.0f} {y1:.0f}"
    x, y = shifted[-1]
    opacity = 0.15 if faint else 0.9 if strong else 0.5
    return Markup(
        '<g opacity="{}"><path d="{}" fill="none" stroke="currentColor" stroke-width="{}"/>'
        '<path d="M{:.0f} {:.0f}l-7 -4v8z" fill="currentColor"/></g>'
    ).format(opacity, path, 1.6 if strong else 1.2, x, y)


def _box(x: float, y: float, width: float, title: str, role: str, mode: str) -> Markup:
    fill, stroke, thick = {
        "plain": ("currentColor", "currentColor", 1.0), "other": ("none", "currentColor", 0.5),
        "chosen": (BLUE, BLUE, 2.5), "needed": ("currentColor", BLUE, 2.0), "waits": ("none", BLUE, 2.0),
    }[role]  # fmt: skip
    sign = {"needed": "◂ ", "waits": "▸ ", "chosen": "● "}.get(role, "")
    left, top = x + MARGIN, y + HEADING + MARGIN
    return Markup(
        '<g{}>{}<rect x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" rx="5" fill="{}" fill-opacity="{}" '
        'stroke="{}" stroke-opacity="{}" stroke-width="{}"{}/>'
        '<text x="{:.0f}" y="{:.0f}" text-anchor="middle" fill="currentColor">{}</text></g>'
    ).format(
        Markup(' opacity="0.55"') if role == "other" else "",
        Markup("<title>{}</title>").format(mode) if mode else "",
        left, top, width, BOX_HEIGHT, fill, 0.25 if role == "chosen" else 0.06, stroke,
        0.5 if stroke == "currentColor" else 1, thick, Markup(' stroke-dasharray="4 3"') if mode else "",
        left + width / 2, top + BOX_HEIGHT / 2 + 4.5, f"{sign}{title}",
    )  # fmt: skip


def mermaid(catalogue: Catalogue) -> str:
    """The same picture as a Mermaid flowchart, which GitHub and JupyterLab draw."""
    lines = ["flowchart LR"]
    for at, layer in enumerate(waves(catalogue), start=1):
        lines += [f"  subgraph wave{at} [{'first' if at == 1 else f'then {at}'}]", "    direction TB"]
        lines += [f'    {name}["{_quoted(catalogue[name].title)}"]' for name in layer]
        lines.append("  end")
    lines += [f"  {first} --> {then}" for first, then in arrows(catalogue)]
    some = [k.name for k in catalogue if when(k.when, catalogue)]
    if some:
        lines += ["  classDef mode stroke-dasharray: 4 3", f"  class {','.join(some)} mode"]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return str(escape(text)).replace("&#39;", "'").replace("&#34;", "#quot;").replace("&amp;", "#amp;")


def tree(catalogue: Catalogue) -> list[str]:
    """The waves for a terminal: each kind under its wave, with what it needs first."""
    lines: list[str] = []
    widest = max((len(k.name) for k in catalogue), default=0)
    for at, layer in enumerate(waves(catalogue), start=1):
        earlier = f"need wave {at - 1}" + (" or earlier" if at > 2 else "")
        lines.append(f"{at}  {earlier if at > 1 else 'need nothing first'}")
        for number, name in enumerate(layer, start=1):
            branch = "└─" if number == len(layer) else "├─"
            needed = ", ".join(needs(catalogue, catalogue[name]))
            mode = when(catalogue[name].when, catalogue)
            text = f"   {branch} {name:<{widest}}" + (f"  ← {needed}" if needed else "")
            lines.append(seen((text + (f"  ({mode})" if mode else "")).rstrip()))
    return lines
