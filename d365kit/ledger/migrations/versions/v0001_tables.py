"""Version 1: decisions, couplings, standing verdicts, agreements, runs and outcomes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0001", None, None, None

_ABORT = "BEGIN SELECT RAISE(ABORT, 'decisions are only ever appended'); END"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("value", sa.String(200), nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("bc_id", sa.String(200), nullable=False),
        sa.Column("dv_id", sa.String(200), nullable=False),
        sa.Column("batch", sa.Integer, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("band", sa.String(40), nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(200), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("run", sa.String(40), nullable=False),
        sa.Column("undoes", sa.Integer),
    )
    op.create_index("ix_decisions_batch", "decisions", ["batch"])
    op.create_index("ix_decisions_run", "decisions", ["run"])
    op.create_index("decisions_of_bc", "decisions", ["kind", "bc_id"])
    op.create_index("decisions_of_dv", "decisions", ["kind", "dv_id"])
    op.create_index("decisions_by_undoes", "decisions", ["undoes", "batch"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER refuse_update BEFORE UPDATE ON decisions {_ABORT}")
        op.execute(f"CREATE TRIGGER refuse_delete BEFORE DELETE ON decisions {_ABORT}")
        op.execute(
            "CREATE TRIGGER refuse_gap BEFORE INSERT ON decisions "
            f"WHEN NEW.position <> (SELECT COALESCE(MAX(position), 0) + 1 FROM decisions) {_ABORT}"
        )
    op.create_table(
        "couplings",
        sa.Column("position", sa.Integer, sa.ForeignKey("decisions.position"), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("bc_id", sa.String(200), nullable=False),
        sa.Column("dv_id", sa.String(200), nullable=False),
        sa.UniqueConstraint("kind", "bc_id", name="one_partner_of_bc"),
        sa.UniqueConstraint("kind", "dv_id", name="one_partner_of_dv"),
    )
    op.create_table(
        "standing",
        sa.Column("kind", sa.String(100), primary_key=True),
        sa.Column("bc_id", sa.String(200), primary_key=True),
        sa.Column("dv_id", sa.String(200), primary_key=True),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("position", sa.Integer, sa.ForeignKey("decisions.position"), nullable=False),
    )
    op.create_table(
        "agreements",
        sa.Column("position", sa.Integer, sa.ForeignKey("decisions.position"), primary_key=True, autoincrement=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("run", sa.String(40), nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("run", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
        sa.Column("plan", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(200), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("ended", sa.String(32)),
    )
    op.create_index("ix_runs_plan", "runs", ["plan"])
    op.create_table(
        "outcomes",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("run", sa.String(40), sa.ForeignKey("runs.run"), nullable=False),
        sa.Column("change", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("side", sa.String(2), nullable=False),
        sa.Column("bc_id", sa.String(200), nullable=False),
        sa.Column("dv_id", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("request_id", sa.String(200), nullable=False),
        sa.Column("at", sa.String(32)),
        sa.Column("by", sa.String(200)),
        sa.UniqueConstraint("run", "change", name="one_outcome_a_change"),
    )
    op.create_index("ix_outcomes_state", "outcomes", ["state"])
    op.create_index("outcomes_of_run", "outcomes", ["run", "state", "change"])
    op.create_index("outcomes_of_change", "outcomes", ["change", "state"])
