"""Which rules run for which table, and when: before and after a row is written or deleted."""

from __future__ import annotations

from collections.abc import Callable

from d365kit.sandbox.dataverse import prices as prices
from d365kit.sandbox.dataverse import rules as rules
from d365kit.sandbox.dataverse import sales as sales
from d365kit.sandbox.dataverse.call import Call
from d365kit.sandbox.dataverse.rules import Write
from d365kit.sandbox.schema import Table
from d365kit.sandbox.store import Row

CHECKS: dict[str, Callable[[Write], None]] = {
    "product": rules.check_product,
    "uom": rules.check_unit,
    "uomschedule": rules.check_unit_group,
    "transactioncurrency": rules.check_currency,
    "pricelevel": rules.check_price_list,
    "productpricelevel": prices.check_price_item,
}
AFTER_CREATE: dict[str, Callable[[Write], None]] = {"uomschedule": rules.add_base_unit}
AFTER_WRITE: dict[str, Callable[[Write], None]] = {}
BEFORE_DELETE: dict[str, Callable[[Call, Table, Row], None]] = {}
AFTER_DELETE: dict[str, Callable[[Call, Row], None]] = {}

for _document in sales.DOCUMENTS:
    CHECKS |= {_document.header: sales.check_header, _document.line: sales.check_line}
    AFTER_WRITE |= {_document.header: sales.after_header, _document.line: sales.after_line}
    BEFORE_DELETE[_document.line] = sales.before_line_delete
    AFTER_DELETE[_document.line] = sales.after_line_delete
