"""Fields that only a page of BC shows → a guarded write of that page, after the record itself was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from d365kit.errors import Refused, StaleRecord
from d365kit.kinds import Field, Kind
from d365kit.nouns import Change, FieldChange
from d365kit.services import Service

#: The code of a record of BC by kind and id: pages name records by their codes.
Code = Callable[[str, str], str]


def on_page(kind: Kind, change: Change) -> tuple[FieldChange, ...]:
    """The fields of ``change`` that must be written through the kind's page."""
    if change.side != "bc" or kind.bc.card is None:
        return ()
    return tuple(fc for fc in change.fields if fc.field in kind and not kind[fc.field].written_as("bc"))


async def write_page(
    service: Service, kind: Kind, number: str, fields: Sequence[FieldChange], code_of: Code
) -> dict[str, object]:
    """Write ``fields`` of the record ``number`` on the kind's page and return the row.

    A page has versions of its own, so the guard is the values themselves: the page is read first, and a field
    that holds neither what the plan saw nor what it wants raises StaleRecord.
    """
    card = kind.bc.card
    assert card is not None
    row = await service.get(card.set, number)
    body: dict[str, object] = {}
    for fc in fields:
        field = kind[fc.field]
        before, after = (_on_page(field, v, code_of) for v in (fc.before, fc.after))
        now = row.get(field.page)
        if _same(now, after):
            continue
        if not _same(now, before):
            raise StaleRecord(
                f"{field.title} of {number} was changed in Business Central since the plan was made.",
                "Pull and plan again.", side="bc",
            )  # fmt: skip
        body[field.page] = after
    if body:
        await service.update(card.set, card.key, number, str(row.get("@odata.etag", "")), body)  # type: ignore[attr-defined]
    return {**row, **body}


def _on_page(field: Field, value: object, code_of: Code) -> object:
    """A value as the page has it: a reference as its code, a blank as the empty text or zero."""
    if value is None:
        return 0 if field.type in ("amount", "number", "rate", "integer") else ""
    if field.is_reference:
        found = next((c for c in (code_of(k, str(value)) for k in field.refers_to) if c), "")
        if not found:
            raise Refused(f"{field.title} {value} is not known by its code.", "Pull again.", side="bc")
        return found
    return value


def _same(one: object, other: object) -> bool:
    if isinstance(one, (int, float, Decimal)) or isinstance(other, (int, float, Decimal)):
        return Decimal(str(one or 0)) == Decimal(str(other or 0))
    return str(one or "").strip() == str(other or "").strip()
