"""A catalogue → the generated part of docs/kinds.md: the order, the picture, and every kind field by field.

``python -m d365kit.show.kinds_page docs/kinds.md`` brings the document up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from d365kit.kinds import SIDES, Catalogue, Kind, load_catalogue
from d365kit.show import kinds_facts as facts
from d365kit.show.kinds_picture import mermaid
from d365kit.show.kinds_view import fields_of, kinds_of
from d365kit.show.values import SIDE_NAMES

BEGIN, END = "<!-- kinds -->", "<!-- /kinds -->"


def page(catalogue: Catalogue) -> str:
    """The generated part, as Markdown."""
    parts = ["## What must be coupled first", "", "```mermaid", mermaid(catalogue), "```", ""]
    parts += ["An arrow points to what waits; arrows that follow from others are left out. A broken edge: the kind "
              "counts in one mode only.", "", "## In the order of work", ""]  # fmt: skip
    rows = [
        [str(r["order"]), f"[{r['title']}](#{_anchor(str(r['title']))})", f"`{r['kind']}`", str(r["bc"]),
         str(r["dv"]), facts.ARROWS[str(r["direction"])], _codes(str(r["needs"])), str(r["coupled_by"])]
        for r in kinds_of(catalogue)
    ]  # fmt: skip
    parts += _table(["", "kind", "name", "Business Central", "Sales", "direction", "needs first", "coupled by"], rows)
    for kind in catalogue:
        parts += ["", *_section(catalogue, kind)]
    return "\n".join(parts)


def _section(catalogue: Catalogue, kind: Kind) -> list[str]:
    published = facts.pages(kind)
    about = [
        f"`{kind.name}`" + (f", Microsoft's mapping {kind.mapping}" if kind.mapping else ""),
        facts.when(kind.when, catalogue),
        f"pages to publish: {'; '.join(published)}" if published else "",
        f"needed by {_codes(', '.join(facts.needed_by(catalogue, kind)))}"
        if facts.needed_by(catalogue, kind)
        else "",
        f"not planned: {kind.held}" if kind.held else "",
    ]
    left_out = [
        f"{SIDE_NAMES[side]} leaves out: {', '.join(str(c['reason']) for c in kind.source(side).scope)}"
        for side in SIDES
        if kind.source(side).scope
    ]
    rows = [
        [str(f["title"]), _code(str(f["bc"])), _code(str(f["dv"])), facts.ARROWS[str(f["direction"])],
         str(f["length"]), str(f["notes"])]
        for f in fields_of(catalogue, kind)
    ]  # fmt: skip
    text = ". ".join(part[0].upper() + part[1:] for part in (*about, *left_out) if part)
    headings = ["field", "Business Central", "Sales", "direction", "longest BC, Sales", "notes"]
    return [f"### {kind.title}", "", f"{text}.", "", *_table(headings, rows)]


def _table(headings: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    return lines + [f"| {' | '.join(_safe(cell) for cell in row)} |" for row in rows]


def _safe(cell: str) -> str:
    return cell.replace("|", "·").replace("\n", " ")


def _code(name: str) -> str:
    return f"`{name}`" if name and name != "worked out" else name or "–"


def _codes(names: str) -> str:
    return ", ".join(f"`{n}`" for n in names.split(", ")) if names else "–"


def _anchor(title: str) -> str:
    """The address GitHub gives a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c == "-")


def renewed(text: str, catalogue: Catalogue) -> str:
    """The document with its generated part made anew; what stands around it is left alone."""
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{page(catalogue)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(renewed(target.read_text("utf-8"), load_catalogue()), "utf-8")
