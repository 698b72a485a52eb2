"""A catalogue → KindsView: the kinds as a table and a picture, and one kind in full."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from d365kit.kinds import Catalogue, Kind
from d365kit.nouns.frames import from_rows, records
from d365kit.show import kinds_facts as facts
from d365kit.show import kinds_picture as picture
from d365kit.show.engine import render
from d365kit.show.terminal import text_table

KINDS_COLUMNS = pa.schema(
    [("order", pa.int64()), ("wave", pa.int64()), ("kind", pa.string()), ("title", pa.string()), ("bc", pa.string()),
     ("pages", pa.string()), ("dv", pa.string()), ("direction", pa.string()), ("needs", pa.string()),
     ("needed_by", pa.string()), ("coupled_by", pa.string()), ("fields", pa.int64()), ("mapping", pa.string()),
     ("when", pa.string()), ("held", pa.string())]
)  # fmt: skip
FIELD_COLUMNS = pa.schema(
    [("field", pa.string()), ("title", pa.string()), ("type", pa.string()), ("bc", pa.string()), ("dv", pa.string()),
     ("direction", pa.string()), ("length", pa.string()), ("notes", pa.string())]
)  # fmt: skip


@dataclass(frozen=True)
class KindsView:
    """The kinds in the order of work, and what must be coupled first; with ``chosen``, one kind with its fields."""

    catalogue: Catalogue
    chosen: str = ""

    def __post_init__(self) -> None:
        if self.chosen:
            self.catalogue[self.chosen]

    def __getitem__(self, kind: str) -> KindsView:
        """One kind in full. Raises UnknownKind when there is no such kind."""
        return KindsView(self.catalogue, kind)

    @property
    def kind(self) -> Kind | None:
        return self.catalogue[self.chosen] if self.chosen else None

    @property
    def svg(self) -> str:
        """The picture: what must be coupled first, from left to right."""
        return picture.svg(self.catalogue, self.chosen)

    @property
    def mermaid(self) -> str:
        """The picture as a Mermaid flowchart."""
        return picture.mermaid(self.catalogue)

    def tree(self) -> list[str]:
        """The picture for a terminal."""
        return picture.tree(self.catalogue)

    def to_frame(self) -> pd.DataFrame:
        """One row a kind, or of one kind one row a field.

        Kinds: order, wave, kind, title, bc and dv (where its records live), pages (of BC to publish), direction,
        needs and needed_by (kinds), coupled_by, fields (how many), mapping (Microsoft's name), when (modes), held
        (why it is not planned). Fields: field, title, type, bc, dv, direction, length (longest text, bc | dv), notes.
        """
        if self.kind is not None:
            return from_rows(fields_of(self.catalogue, self.kind), FIELD_COLUMNS)
        return from_rows(kinds_of(self.catalogue), KINDS_COLUMNS)

    def to_dict(self) -> dict[str, object]:
        if self.kind is None:
            return {"kinds": records(self.to_frame()), "waves": [list(w) for w in facts.waves(self.catalogue)]}
        own = next(k for k in kinds_of(self.catalogue) if k["kind"] == self.chosen)
        return {**own, "fields": records(self.to_frame())}

    def lines(self) -> list[str]:
        """The view for a terminal."""
        if self.kind is not None:
            return _one_kind(self.catalogue, self.kind)
        rows = kinds_of(self.catalogue)
        for row in rows:
            row |= {"Business Central": row["bc"], "Sales": row["dv"], "needs first": row["needs"] or "–",
                    "coupled by": row["coupled_by"], "direction": facts.ARROWS[str(row["direction"])]}  # fmt: skip
        columns = ["order", "kind", "Business Central", "Sales", "direction", "needs first", "coupled by", "fields"]
        return text_table(rows, columns, ["order", "fields"], widest=52)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        rows = kinds_of(self.catalogue)
        own = next((r for r in rows if r["kind"] == self.chosen), None)
        fields = fields_of(self.catalogue, self.kind) if self.kind is not None else []
        return render(
            "kinds.html", rows=rows, own=own, fields=fields, picture=self.svg, arrows=facts.ARROWS,
            waves=facts.waves(self.catalogue), some_modes=bool(facts.choices(self.catalogue)),
        )  # fmt: skip


def kinds(catalogue: Catalogue) -> str:
    """A catalogue as HTML: the picture and the table of its kinds."""
    return KindsView(catalogue)._repr_html_()


def kinds_of(catalogue: Catalogue) -> list[dict[str, object]]:
    """One row a kind, in the order of work."""
    wave = {name: at for at, layer in enumerate(facts.waves(catalogue), start=1) for name in layer}
    return [
        {
            "order": order, "wave": wave[k.name], "kind": k.name, "title": k.title, "bc": facts.place(k, "bc"),
            "pages": ", ".join(facts.pages(k)), "dv": facts.place(k, "dv"), "direction": k.direction,
            "needs": ", ".join(facts.needs(catalogue, k)), "needed_by": ", ".join(facts.needed_by(catalogue, k)),
            "coupled_by": facts.coupled_by(k), "fields": len(k.fields), "mapping": k.mapping,
            "when": facts.when(k.when, catalogue), "held": k.held,
        }
        for order, k in enumerate(catalogue, start=1)
    ]  # fmt: skip


def fields_of(catalogue: Catalogue, kind: Kind) -> list[dict[str, object]]:
    """One row a field of ``kind``, in the catalogue's order."""
    return [
        {
            "field": f.name, "title": f.title, "type": f.type, "bc": facts.field_place(kind, f, "bc"),
            "dv": facts.field_place(kind, f, "dv"), "direction": f.direction, "length": facts.length(f),
            "notes": facts.field_notes(catalogue, f),
        }
        for f in kind.fields
    ]  # fmt: skip


def _one_kind(catalogue: Catalogue, kind: Kind) -> list[str]:
    own = next(k for k in kinds_of(catalogue) if k["kind"] == kind.name)
    head = [
        f"{kind.title} ({kind.name}), {own['order']} of {len(catalogue)} in the order of work",
        f"  Business Central  {own['bc']}" + (f"; pages to publish: {own['pages']}" if own["pages"] else ""),
        f"  Sales             {own['dv']}",
        f"  direction         {facts.ARROWS[kind.direction]}" + (f", mapping {kind.mapping}" if kind.mapping else ""),
        f"  needs first       {own['needs'] or 'nothing'}",
        f"  needed by         {own['needed_by'] or 'nothing'}",
        f"  coupled by        {own['coupled_by']}",
    ]
    head += [f"  counts            {own['when']}"] if own["when"] else []
    head += [f"  not planned       {kind.held}"] if kind.held else []
    rows = [
        {**f, "Business Central": f["bc"] or "–", "Sales": f["dv"] or "–", "way": facts.ARROWS[str(f["direction"])],
         "bc | dv": f["length"]}
        for f in fields_of(catalogue, kind)
    ]  # fmt: skip
    columns = ["field", "Business Central", "Sales", "way", "bc | dv", "notes"]
    return [*head, "", *text_table(rows, columns, widest=60)]
