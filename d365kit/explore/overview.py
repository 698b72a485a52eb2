"""Snapshot and ledger → Overview: what is where, coupled, missing, double, too long, unknown, and how old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pandas as pd
import pyarrow as pa

from d365kit.explore import pictures, words
from d365kit.explore.codes import cut, unknown_codes, uses
from d365kit.explore.columns import Decided
from d365kit.explore.coverage import RECORDS, coverage
from d365kit.explore.duplicates import duplicates
from d365kit.explore.filling import missing, values
from d365kit.explore.parts import Part, cells, own_templates
from d365kit.explore.presence import ages, outside, where
from d365kit.explore.words import kind_title
from d365kit.kinds import Catalogue
from d365kit.nouns import Snapshot
from d365kit.nouns.frames import from_rows, records
from d365kit.show import text_table
from d365kit.show.plot import Plot

OVERVIEW_COLUMNS = pa.schema(
    [("kind", pa.string()), ("side", pa.string()), ("state", pa.string()), ("taking_part", pa.int64()),
     ("left_out", pa.int64()), ("coupled", pa.int64()), ("share", pa.float64()), ("blank_share", pa.float64()),
     ("not_asked", pa.int64()), ("duplicates", pa.int64()), ("cut", pa.int64()), ("unknown_codes", pa.int64()),
     ("newest_change", pa.timestamp("us", tz="UTC"))]
)  # fmt: skip

#: name → title, how to read it, columns on a screen.
ABOUT: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "where": ("What is where", "The two bars of a kind share a scale; kinds are not compared with each other.",
              ("kind", "side", "taking_part", "left_out", "state")),
    "outside": ("Left out", "Records that the synchronisation's own filter leaves out, and why.",
                ("kind", "side", "reason", "records", "share")),
    "coverage": ("Coverage", "How much of what takes part has a partner; money is in the local currency.",
                 ("kind", "side", "measure", "total", "unit", "coupled", "to_create", "free", "share",
                  "not_converted")),
    "missing": ("Missing", "Share of blank values; of several kinds, only the fields that travel are drawn.",
                ("kind", "side", "field", "records", "blank", "share", "distinct", "asked", "required")),
    "duplicates": ("Maybe twice", "Records of one side that agree by a rule after normalising; nothing is decided.",
                   ("kind", "side", "rule", "group", "size", "number", "name", "value")),
    "cut": ("Too long", "Texts longer than the other side has room for; a plan would cut them.",
            ("kind", "side", "field", "records", "longest", "allowed", "example")),
    "codes": ("Unknown codes", "Codes and references in use whose record was not read, or takes no part.",
              ("kind", "side", "field", "code", "records", "why")),
    "uses": ("Currencies and countries", "As shares of all records of the kind on that side.",
             ("kind", "side", "field", "value", "records", "share", "spellings")),
    "ages": ("Age", "When records were last changed, counted back from the snapshot. What has no times is not drawn.",
             ("kind", "side", "age", "records", "share", "newest")),
}  # fmt: skip


@dataclass(frozen=True)
class Overview:
    """What both sides hold, at one look; each part has its finding, its frame and its picture.

    ``overview["customer"]`` is the same of one kind. ``values(kind, field)`` looks at one field.
    """

    snapshot: Snapshot = field(repr=False)
    catalogue: Catalogue = field(repr=False)
    parts: tuple[Part, ...]

    def _part(self, name: str) -> Part:
        return next(p for p in self.parts if p.name == name)

    @property
    def where(self) -> Part:
        """Records taking part and left out."""
        return self._part("where")

    @property
    def outside(self) -> Part:
        """Why records are left out."""
        return self._part("outside")

    @property
    def coverage(self) -> Part:
        """How much is coupled, to be created and free, by records and by money."""
        return self._part("coverage")

    @property
    def missing(self) -> Part:
        """Blank values field by field, and fields that could not be asked."""
        return self._part("missing")

    @property
    def duplicates(self) -> Part:
        """Records of one side that may be there more than once."""
        return self._part("duplicates")

    @property
    def cut(self) -> Part:
        """Texts too long for the other side."""
        return self._part("cut")

    @property
    def codes(self) -> Part:
        """Codes in use that are not there."""
        return self._part("codes")

    @property
    def uses(self) -> Part:
        """Currencies and countries by use."""
        return self._part("uses")

    @property
    def ages(self) -> Part:
        """When records were last changed."""
        return self._part("ages")

    def values(self, kind: str, field: str) -> Part:
        """The values of one field on both sides. Raises UnknownKind for a kind or field that is not there."""
        frame = values(self.snapshot, self.catalogue, kind, field)

        def draw() -> Plot:
            return pictures.values(frame, self.catalogue, kind, field)

        title = f"{kind_title(self.catalogue, kind)}, {words.field_title(self.catalogue, kind, field)}"
        finding = draw().title.partition(": ")[2]
        columns = ("value", "bc", "bc_share", "dv", "dv_share")
        return Part("values", title, "Shares of each side's records.", finding, frame, columns, self.catalogue, draw)

    def __getitem__(self, kind: str) -> Overview:
        """The same of one kind. Raises UnknownKind when the catalogue has no such kind."""
        self.catalogue[kind]
        parts = tuple(_part(p.name, _of(p.frame, kind), self.catalogue) for p in self.parts)
        only = replace(self.catalogue, kinds={kind: self.catalogue[kind]})
        return Overview(self.snapshot, only, parts)

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    @property
    def without_records(self) -> list[str]:
        """The titles of kinds that were read and have no record on either side."""
        return words.titles_without_records(self.where.frame, self.catalogue)

    @property
    def title(self) -> str:
        names = self.catalogue.names
        about = kind_title(self.catalogue, names[0]) if len(names) == 1 else f"{len(names)} kinds"
        return f"Both sides at a look: {about}"

    def to_frame(self) -> pd.DataFrame:
        """One row a kind and side.

        kind, side, state, taking_part, left_out, coupled, share (coupled of taking part), blank_share (mean share of
        blanks of the fields that travel), not_asked (fields), duplicates, cut and unknown_codes (records; a record
        counts once for each field it stands out by, once in all as a duplicate), newest_change (UTC).
        """
        rows = records(self.where.frame)
        for row in rows:
            mine = {p.name: _of(p.frame, str(row["kind"]), str(row["side"])) for p in self.parts}
            coupled = mine["coverage"][mine["coverage"]["measure"] == RECORDS]
            fields = mine["missing"]
            travels = fields[(fields["direction"] != "none") & fields["share"].notna()]
            newest = mine["ages"]["newest"].dropna()
            row |= {
                "coupled": int(coupled["coupled"].sum()) if len(coupled) else None,
                "share": _first(coupled["share"]),
                "blank_share": float(travels["share"].mean()) if len(travels) else None,
                "not_asked": int((~fields["asked"].astype(bool)).sum()),
                "duplicates": int(mine["duplicates"]["id"].nunique()),
                "cut": int(mine["cut"]["records"].sum()),
                "unknown_codes": int(mine["codes"]["records"].sum()),
                "newest_change": newest.max() if len(newest) else None,
            }
        return from_rows(rows, OVERVIEW_COLUMNS)

    def to_dict(self) -> dict[str, object]:
        return {
            "snapshot": self.snapshot.id,
            "findings": {p.name: p.finding for p in self.parts},
            "kinds": records(self.to_frame()),
            **{p.name: records(p.frame) for p in self.parts},
        }

    def _table(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Kind by kind for a screen; a kind's name stands once, kinds without any record do not."""
        columns = ("kind", "side", "taking_part", "left_out", "coupled", "share", "blank_share", "duplicates",
                   "cut", "unknown_codes", "newest_change")  # fmt: skip
        frame = self.to_frame()
        bare = frame.assign(all=frame["taking_part"] + frame["left_out"]).groupby("kind")["all"].transform("sum")
        frame = frame[(bare > 0).fillna(False) | (frame["state"] == "not read")].reset_index(drop=True)
        headings, rows, classes = cells(frame, columns, self.catalogue)
        for row, state in zip(rows, frame["state"], strict=True):
            if state == "not read":
                row[2:] = [state, *[""] * (len(row) - 3)]
            row[-1] = row[-1][:10]
        for at in range(len(rows) - 1, 0, -1):
            if rows[at][0] == rows[at - 1][0]:
                rows[at][0] = ""
        return headings, rows, classes

    def lines(self) -> list[str]:
        """The overview for a terminal: kind by kind, then what each look found."""
        headings, rows, classes = self._table()
        keys = [str(at) for at in range(len(headings))]
        table = text_table(
            [dict(zip(keys, r, strict=True)) for r in [headings, *rows]], keys,
            [k for k, c in zip(keys, classes, strict=True) if c == "n"],
        )[1:]  # fmt: skip
        findings = text_table([{"look": p.title, "finding": p.finding} for p in self.parts], ["look", "finding"],
                              widest=160)[1:]  # fmt: skip
        bare = [f"No record on either side: {', '.join(self.without_records)}"] if self.without_records else []
        return [f"{self.title} (snapshot {self.snapshot.id})", "", *table, *bare, "", *findings]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        headings, rows, classes = self._table()
        template = own_templates().get_template("overview.html")
        return template.render(made=self, headings=headings, rows=rows, classes=classes)


def overview(snapshot: Snapshot, ledger: Decided, catalogue: Catalogue) -> Overview:
    """Look at both sides of ``snapshot``, with what ``ledger`` says is coupled; nothing is asked of a service.

    ``catalogue`` says which kinds there are; those that the snapshot does not hold are named as not read.
    """
    frames = {
        "where": where(snapshot, catalogue),
        "coverage": coverage(snapshot, ledger, catalogue),
        "missing": missing(snapshot, catalogue),
        "duplicates": duplicates(snapshot, catalogue),
        "outside": outside(snapshot, catalogue),
        "codes": unknown_codes(snapshot, catalogue),
        "cut": cut(snapshot, catalogue),
        "uses": uses(snapshot, catalogue),
        "ages": ages(snapshot, catalogue),
    }
    return Overview(snapshot, catalogue, tuple(_part(n, f, catalogue) for n, f in frames.items()))


def _part(name: str, frame: pd.DataFrame, catalogue: Catalogue) -> Part:
    title, about, columns = ABOUT[name]
    finding = getattr(words, f"of_{name}")(frame, catalogue)
    return Part(name, title, about, finding, frame, columns, catalogue,
                lambda: getattr(pictures, name)(frame, catalogue))  # fmt: skip


def _of(frame: pd.DataFrame, kind: str, side: str | None = None) -> pd.DataFrame:
    mine = frame["kind"] == kind
    if side is not None:
        mine &= frame["side"] == side
    return frame[mine].reset_index(drop=True)


def _first(column: pd.Series) -> float | None:
    known = column.dropna()
    return float(known.iloc[0]) if len(known) else None
