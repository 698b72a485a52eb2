"""Two values of a field → whether they are the same, and what one becomes on the other side."""

from __future__ import annotations

from decimal import Decimal

from d365kit.kinds import Field, Side

NUMBERS = ("amount", "number", "rate")

Value = str | int | bool | Decimal | None


def same(field: Field, one: Value, other: Value) -> bool:
    """Whether two values of ``field`` count as equal; references are compared by their caller.

    Codes are compared without regard to case (sync-rules.md C4), texts without regard to repeated blanks,
    numbers within the field's tolerance. A missing value equals only a missing value.

    >>> same(Field("price", "amount", tolerance="0.005"), Decimal("10"), Decimal("10.004"))
    True
    >>> same(Field("name", "text"), "Contoso  Ltd", "Contoso Ltd"), same(Field("name", "text"), None, "Contoso")
    (True, False)
    """
    if one is None or other is None:
        return one is other
    if field.type in NUMBERS:
        return abs(Decimal(one) - Decimal(other)) <= Decimal(field.tolerance)
    if field.type == "code":
        return str(one).strip().upper() == str(other).strip().upper()
    if field.type == "text":
        return " ".join(str(one).split()) == " ".join(str(other).split())
    return one == other


def carried(field: Field, value: Value, row: dict[str, Value], target: Side) -> tuple[Value, str]:
    """What ``value`` becomes on ``target``, and a note when that is not the value itself.

    Named transformations apply on the way to Dataverse (J6: a negative price or stock becomes 0; D10: what a new
    currency lacks becomes its ISO code). Texts are cut to the target's length (C3).
    """
    if target == "dv" and field.transform:
        value, note = _TRANSFORMS[field.transform](value, row)
        if note:
            return value, note
    longest = field.longest_on(target)
    if isinstance(value, str) and longest and len(value) > longest:
        return value[:longest].rstrip(), f"cut to {longest} characters"
    return value, ""


def _not_negative(value: Value, row: dict[str, Value]) -> tuple[Value, str]:
    if isinstance(value, Decimal) and value < 0:
        return Decimal(0), "negative in Business Central, sent as 0"
    return value, ""


def _or_code(value: Value, row: dict[str, Value]) -> tuple[Value, str]:
    if value is None and row.get("code"):
        return row["code"], "blank in Business Central, so the ISO code"
    return value, ""


_TRANSFORMS = {"not_negative": _not_negative, "or_code": _or_code}
