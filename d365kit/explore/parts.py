"""One look at a snapshot, ready to be shown: Part holds the finding, the frame and the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import pandas as pd
from jinja2 import Environment

from d365kit.explore.words import field_title, kind_title, share_text, side_name
from d365kit.kinds import Catalogue
from d365kit.nouns.frames import plain, records
from d365kit.show import environment, text_of, text_table
from d365kit.show.plot import Plot

#: Rows of a table on a screen; the frame has all.
LIMIT = 50

#: Heading and how to show a column: "kind", "side", "field", "share", or a type of the catalogue.
HEADINGS: dict[str, tuple[str, str]] = {
    "kind": ("Kind", "kind"), "side": ("Side", "side"), "field": ("Field", "field"), "state": ("State", "text"),
    "taking_part": ("Taking part", "integer"), "left_out": ("Left out", "integer"), "records": ("Records", "integer"),
    "reason": ("Reason", "text"), "share": ("Share", "share"), "measure": ("By", "field"), "unit": ("Unit", "text"),
    "total": ("Total", "figure"), "coupled": ("Coupled", "figure"), "to_create": ("To create", "figure"),
    "free": ("Free", "figure"), "not_converted": ("Without a rate", "integer"), "blank": ("Blank", "integer"),
    "distinct": ("Different values", "integer"), "asked": ("Asked", "boolean"), "rule": ("Agree by", "text"),
    "required": ("Required", "boolean"), "group": ("Group", "integer"), "size": ("Records", "integer"),
    "number": ("Number", "text"), "name": ("Name", "text"), "value": ("Value", "text"), "code": ("Code", "text"),
    "longest": ("Longest", "integer"), "allowed": ("Room for", "integer"), "example": ("Example", "text"),
    "why": ("Why", "text"), "spellings": ("Spellings", "integer"), "age": ("Changed within", "text"),
    "newest": ("Newest change", "datetime"), "bc": ("Business Central", "integer"), "dv": ("Sales", "integer"),
    "bc_share": ("Share", "share"), "dv_share": ("Share", "share"), "duplicates": ("Maybe twice", "integer"),
    "cut": ("Too long", "integer"), "unknown_codes": ("Unknown codes", "integer"),
    "blank_share": ("Blank", "share"), "not_asked": ("Not asked", "integer"),
    "newest_change": ("Newest change", "datetime"),
}  # fmt: skip
RIGHT = ("integer", "figure", "share")
#: Short values that stay on one line.
UNBROKEN = ("kind", "side", "field", "datetime", "boolean")


@dataclass(frozen=True)
class Part:
    """One look: ``finding`` says the main thing, ``about`` how to read it, ``frame`` has every row.

    ``columns`` are those a screen shows. In a notebook it shows finding, picture and table.
    """

    name: str
    title: str
    about: str
    finding: str
    frame: pd.DataFrame
    columns: tuple[str, ...]
    catalogue: Catalogue = field(repr=False)
    draw: Callable[[], Plot] = field(repr=False)

    @cached_property
    def plot(self) -> Plot:
        """The picture, which has the same frame and can be saved."""
        return self.draw()

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name, "finding": self.finding, "rows": records(self.frame)}

    def __len__(self) -> int:
        return len(self.frame)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, limit: int = LIMIT) -> list[str]:
        """Title, finding and a table of at most ``limit`` rows for a terminal."""
        head = [f"{self.title}: {self.finding}"]
        if not len(self.frame):
            return head
        headings, rows, classes = cells(self.frame.head(limit), self.columns, self.catalogue)
        keys = [str(at) for at in range(len(headings))]
        table = text_table(
            [dict(zip(keys, headings, strict=True)), *(dict(zip(keys, r, strict=True)) for r in rows)],
            keys, [k for k, c in zip(keys, classes, strict=True) if c == "n"],
        )  # fmt: skip
        rest = [f"… and {len(self.frame) - limit:,} more"] if len(self.frame) > limit else []
        return [*head, "", *table[1:], *rest]

    def _repr_html_(self) -> str:
        headings, rows, classes = cells(self.frame.head(LIMIT), self.columns, self.catalogue)
        return own_templates().get_template("part.html").render(
            part=self, headings=headings, rows=rows, classes=classes, more=max(0, len(self.frame) - LIMIT),
            drawn=self.plot.svg if len(self.frame) else "",
        )  # fmt: skip


@lru_cache(maxsize=1)
def own_templates() -> Environment:
    """The templates of this package, and those of `show` behind them."""
    return environment("d365kit.explore")


def cells(
    frame: pd.DataFrame, columns: tuple[str, ...], catalogue: Catalogue
) -> tuple[list[str], list[list[str]], list[str]]:
    """Headings, rows of texts, and a column's class: n to the right, w on one line; blank is an empty text."""
    shown = [HEADINGS[c] for c in columns]
    rows = [[cell(row, c, form, catalogue) for c, (_, form) in zip(columns, shown, strict=True)]
            for row in records(frame)]  # fmt: skip
    return (
        [h for h, _ in shown],
        rows,
        ["n" if form in RIGHT else "w" if form in UNBROKEN else "" for _, form in shown],
    )


def cell(row: dict[str, object], column: str, form: str, catalogue: Catalogue) -> str:
    """One value as a person reads it."""
    value = plain(row[column])
    if value is None or value == "":
        return "(blank)" if column == "value" else ""
    if form == "kind":
        return kind_title(catalogue, value)
    if form == "side":
        return side_name(value)
    if form == "field":
        return field_title(catalogue, row.get("kind", ""), value)
    if form == "share":
        return share_text(float(str(value)))
    if form == "figure":
        return text_of(round(float(str(value))), "integer")
    return text_of(value, form)
