"""A row about to be written → refused when a duplicate detection rule finds one like it (conformance.md 200)."""

from __future__ import annotations

from typing import Any

from d365kit.sandbox.dataverse.call import Call, refuse
from d365kit.sandbox.schema import Table


def check_duplicates(call: Call, table: Table, body: dict[str, Any], key: str | None) -> None:
    """Run the published rules, which a write asks for by ``MSCRM.SuppressDuplicateDetection: false``.

    key: the row being changed, None for a new one. Only active rows count. Source: dataverse.md section 2.
    """
    if call.request.headers.get("mscrm.suppressduplicatedetection", "true").strip().lower() != "false":
        return
    for columns in call.schema.duplicate_rules.get(table.entity, ()):
        values = [body.get(name) for name in columns]
        if not all(isinstance(value, str) and value for value in values):
            continue
        test = " AND ".join(f'"{name}" = ?' for name in columns)
        sql = f'SELECT 1 FROM "{table.sql}" WHERE {test} AND statecode = 0 AND "{table.key}" IS NOT ? LIMIT 1'
        if call.store.value(sql, (*values, key)):
            text = "A record was not created or updated because a duplicate of the current record already exists."
            raise refuse(call.switches.dv_duplicate_status, "0x80040333", text)
