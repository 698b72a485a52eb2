"""A batch → ExpectNoViolations: the one expectation of our own, SQL over named frames with DuckDB.

Importing this module imports Great Expectations. It must be imported before a suite that uses it is loaded:
Great Expectations logs and drops an expectation it does not know.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from d365kit.check.sql import Desk, Violations, current

METRIC = "table.d365kit.violations"


class ViolationsOfQuery(TableMetricProvider):
    """The failing rows of a query; run by the desk of `check.findings`, or over the batch alone."""

    metric_name = METRIC
    value_keys = ("query", "applies_to")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict,
        metric_value_kwargs: dict,
        metrics: dict,
        runtime_configuration: dict,
    ) -> Violations:
        query, applies_to = metric_value_kwargs["query"], metric_value_kwargs["applies_to"]
        running = current.get()
        if running is not None:
            desk, frame = running
            return desk.violations(frame, query, applies_to)
        frame_of_batch, *_ = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        desk = Desk({"batch": pa.Table.from_pandas(frame_of_batch, preserve_index=False)})
        try:
            return desk.violations("batch", query, applies_to)
        finally:
            desk.close()


class ExpectNoViolations(BatchExpectation):
    """Expect a query for rule breakers to return no row.

    Args:
        query: SQL that returns one row per breach, with the columns bc_id and dv_id, and if useful kind,
            field, bc_value, dv_value. It reads ``population``, ``batch`` and any named frame.
        applies_to: SQL condition on ``batch`` for the rows the rule is about; these are ``population``.
    """

    query: str
    applies_to: str = "true"

    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("query", "applies_to")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)

    def _validate(
        self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: Any = None
    ) -> dict[str, object]:
        found: Violations = metrics[METRIC]
        bad = found.rows.num_rows
        return {
            "success": bad == 0,
            "result": {
                "element_count": found.checked,
                "unexpected_count": bad,
                "unexpected_percent": 100 * bad / max(found.checked, 1),
                "observed_value": f"{bad:,} of {found.checked:,} fail",
                "partial_unexpected_index_list": found.rows.slice(0, 20).cast(_texts(found.rows)).to_pylist(),
            },
        }


def _texts(table: pa.Table) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in table.column_names])
