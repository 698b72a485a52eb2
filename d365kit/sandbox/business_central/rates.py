"""Amount and document → the amount in the document's currency, or back in the local one."""

from __future__ import annotations

from decimal import Decimal

from d365kit.sandbox.business_central.amounts import exact, rounded
from d365kit.sandbox.business_central.company import Company
from d365kit.sandbox.schema import ZERO_GUID
from d365kit.sandbox.store import Row


def in_currency(company: Company, document: Row, amount: Decimal) -> Decimal:
    """Return an amount in local currency as the document's currency shows it on its posting date."""
    rate = _local_per_foreign(company, document)
    return rounded(amount / rate) if rate != 1 else amount


def in_local(company: Company, document: Row, amount: Decimal) -> Decimal:
    """Return an amount of a document in local currency."""
    return rounded(amount * _local_per_foreign(company, document))


def _local_per_foreign(company: Company, document: Row) -> Decimal:
    """Return relational / exchange of the latest rate; 1 for the local currency, or without a rate."""
    if document["currencyId"] == ZERO_GUID:
        return Decimal(1)
    where = '"currencyCode" = ? AND "startingDate" <= ?'
    found = company.all("currencyExchangeRates", where, document["currencyCode"], document["postingDate"])
    if not found:
        return Decimal(1)
    rate = max(found, key=lambda row: str(row["startingDate"]))
    return exact(rate["relationalExchangeRateAmount"]) / exact(rate["exchangeRateAmount"])
