"""Version 2: whose values win first, when an outcome was settled, and PostgreSQL's own guard of the decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None

_ONLY_APPEND = """
    CREATE OR REPLACE FUNCTION d365kit_only_append() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      low integer; high integer; lines integer;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        SELECT MIN(position), MAX(position), COUNT(*) INTO low, high, lines FROM added;
        IF lines = 0 OR (
          high - low + 1 = lines AND high = (SELECT MAX(position) FROM decisions)
          AND (low = 1 OR EXISTS (SELECT 1 FROM decisions WHERE position = low - 1))
        ) THEN
          RETURN NULL;
        END IF;
      END IF;
      RAISE EXCEPTION 'decisions are only ever appended' USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""


def upgrade() -> None:
    """Add the two columns; a d365kit of version 1 that has the ledger open can still write to it."""
    op.add_column("decisions", sa.Column("first", sa.String(2), nullable=False, server_default=sa.text("''")))
    op.add_column("outcomes", sa.Column("position", sa.Integer, nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_ONLY_APPEND)
        op.execute(
            "CREATE TRIGGER refuse_gap AFTER INSERT ON decisions REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION d365kit_only_append()"
        )
        op.execute(
            "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON decisions "
            "FOR EACH ROW EXECUTE FUNCTION d365kit_only_append()"
        )
        op.execute(
            "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON decisions "
            "FOR EACH STATEMENT EXECUTE FUNCTION d365kit_only_append()"
        )
