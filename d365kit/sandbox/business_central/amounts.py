"""Header and lines of a sales document → their amounts, discounts and totals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.store import Row

_CENT = Decimal("0.01")
_PERCENT = Decimal("0.00001")


def exact(value: Any) -> Decimal:
    """Return a stored number as a decimal."""
    return Decimal(str(value or 0))


def rounded(value: Decimal, step: Decimal = _CENT) -> Decimal:
    """Return an amount rounded half up, as BC rounds money."""
    return value.quantize(step, rounding=ROUND_HALF_UP)


def discounted(line: Row, changed: Row) -> Row:
    """Return discount amount and percentage of a line: the one that was sent decides the other.

    >>> discounted({"quantity": 2, "unitPrice": 50, "discountPercent": 10, "discountAmount": 0}, {})
    {'discountAmount': 10, 'discountPercent': 10}
    """
    gross = rounded(exact(line["quantity"]) * exact(line["unitPrice"]))
    percent, amount = exact(line["discountPercent"]), exact(line["discountAmount"])
    if "discountAmount" in changed and "discountPercent" not in changed:
        percent = rounded(amount / gross * 100, _PERCENT) if gross else Decimal(0)
    else:
        amount = rounded(gross * percent / 100)
    return {"discountAmount": stored_number(amount), "discountPercent": stored_number(percent)}


def totals(header: Row, lines: Sequence[Row]) -> tuple[Row, list[Row]]:
    """Return the totals of a header and the amounts of its lines; the header's discount is shared out by amount."""
    inclusive = bool(header.get("pricesIncludeTax"))
    amounts = [
        rounded(exact(line["quantity"]) * exact(line["unitPrice"])) - exact(line["discountAmount"]) for line in lines
    ]
    shares = _shares(exact(header.get("discountAmount")), amounts)
    found, sums = [], [Decimal(0)] * 3
    for line, amount, share in zip(lines, amounts, shares, strict=True):
        rate = exact(line["taxPercent"]) / 100
        before, after = _taxed(amount, rate, inclusive), _taxed(amount - share, rate, inclusive)
        sums = [total + part for total, part in zip(sums, after, strict=True)]
        values = dict(zip(("amountExcludingTax", "totalTaxAmount", "amountIncludingTax"), before, strict=True))
        values |= dict(zip(("netAmount", "netTaxAmount", "netAmountIncludingTax"), after, strict=True))
        values["invoiceDiscountAllocation"] = share
        found.append({name: stored_number(value) for name, value in values.items()})
    names = ("totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax")
    return {name: stored_number(value) for name, value in zip(names, sums, strict=True)}, found


def _taxed(amount: Decimal, rate: Decimal, inclusive: bool) -> tuple[Decimal, Decimal, Decimal]:
    if inclusive:
        net = rounded(amount / (1 + rate))
        return net, amount - net, amount
    tax = rounded(amount * rate)
    return amount, tax, amount + tax


def _shares(discount: Decimal, amounts: Sequence[Decimal]) -> list[Decimal]:
    base = sum(amounts, Decimal(0))
    if not discount or not base:
        return [Decimal(0)] * len(amounts)
    shares = [rounded(discount * amount / base) for amount in amounts]
    shares[-1] += discount - sum(shares, Decimal(0))
    return shares
