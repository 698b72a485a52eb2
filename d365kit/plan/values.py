"""Two values of a field → whether they are the same, and what one becomes on the other side."""

from __future__ import annotations

from decimal import Decimal

from d365kit.kinds import Field, Side
from d365kit.kinds.transforms import TRANSFORMS

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

    The field's named transformation applies first (C12, `d365kit.kinds.transforms`), then texts are cut to the
    target's length (C3).
    """
    transform = field.transform if target == "dv" else field.transform_bc
    if transform:
        value, note = TRANSFORMS[transform](value, row)
        if note:
            return value, note
    longest = field.longest_on(target)
    if isinstance(value, str) and longest and len(value) > longest:
        return value[:longest].rstrip(), f"cut to {longest} characters"
    return value, ""
