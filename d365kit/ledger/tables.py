"""Nothing in → the tables of the ledger; what the database itself refuses is written here.

``decisions`` is the truth and only grows. ``couplings`` and ``standing`` are what follows from it, kept so
that the database can refuse a second partner and answer quickly. An agreement hangs on the line that made
its coupling: a new coupling of the same two records has none, and a coupling restored by an undo finds
its old one again.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

#: Goes up with every migration (`migrations/versions`), whose result the tables here must equal.
SCHEMA_VERSION = 2

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)

#: Where Alembic notes the last migration; ``meta`` has the version that older versions of d365kit look at.
alembic_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("by", String(200), nullable=False),
    Column("kind", String(100), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("bc_id", String(200), nullable=False),
    Column("dv_id", String(200), nullable=False),
    Column("batch", Integer, nullable=False, index=True),
    Column("score", Float),
    Column("band", String(40), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("fingerprint", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("run", String(40), nullable=False, index=True),
    Column("undoes", Integer),
    Column("first", String(2), nullable=False, server_default=text("''")),
    Index("decisions_of_bc", "kind", "bc_id"),
    Index("decisions_of_dv", "kind", "dv_id"),
    Index("decisions_by_undoes", "undoes", "batch"),
)

_SAYS = "decisions are only ever appended"
_GUARDS = {
    "refuse_update": "BEFORE UPDATE ON decisions",
    "refuse_delete": "BEFORE DELETE ON decisions",
    "refuse_gap": "BEFORE INSERT ON decisions "
    "WHEN NEW.position <> (SELECT COALESCE(MAX(position), 0) + 1 FROM decisions)",
}
for _name, _when in _GUARDS.items():
    _guard = f"CREATE TRIGGER {_name} {_when} BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
    event.listen(decisions, "after_create", DDL(_guard).execute_if(dialect="sqlite"))

_POSTGRESQL_GUARDS = (
    f"""
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
      RAISE EXCEPTION '{_SAYS}' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    # Once a statement, not once a row: looking at each of a hundred thousand lines took seconds.
    "CREATE TRIGGER refuse_gap AFTER INSERT ON decisions REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION d365kit_only_append()",
    "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON decisions "
    "FOR EACH ROW EXECUTE FUNCTION d365kit_only_append()",
    "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON decisions "
    "FOR EACH STATEMENT EXECUTE FUNCTION d365kit_only_append()",
)
for _guard in _POSTGRESQL_GUARDS:
    event.listen(decisions, "after_create", DDL(_guard).execute_if(dialect="postgresql"))

couplings = Table(
    "couplings",
    metadata,
    Column("position", ForeignKey("decisions.position"), primary_key=True, autoincrement=False),
    Column("kind", String(100), nullable=False),
    Column("bc_id", String(200), nullable=False),
    Column("dv_id", String(200), nullable=False),
    UniqueConstraint("kind", "bc_id", name="one_partner_of_bc"),
    UniqueConstraint("kind", "dv_id", name="one_partner_of_dv"),
)

#: Rejections, deferrals and creates that still stand; a later verdict on the same pair takes the place.
standing = Table(
    "standing",
    metadata,
    Column("kind", String(100), primary_key=True),
    Column("bc_id", String(200), primary_key=True),
    Column("dv_id", String(200), primary_key=True),
    Column("verdict", String(20), nullable=False),
    Column("position", ForeignKey("decisions.position"), nullable=False),
)

agreements = Table(
    "agreements",
    metadata,
    Column("position", ForeignKey("decisions.position"), primary_key=True, autoincrement=False),
    Column("fields", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("run", String(40), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("plan", String(200), nullable=False, index=True),
    Column("fingerprint", String(200), nullable=False),
    Column("by", String(200), nullable=False),
    Column("started", String(32), nullable=False),
    Column("ended", String(32)),
)

#: One row a change of a run: written as ``unknown`` before the request goes out, settled after the answer.
outcomes = Table(
    "outcomes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("run", ForeignKey("runs.run"), nullable=False),
    Column("change", String(200), nullable=False),
    Column("kind", String(100), nullable=False),
    Column("action", String(20), nullable=False),
    Column("side", String(2), nullable=False),
    Column("bc_id", String(200), nullable=False),
    Column("dv_id", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("message", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("request_id", String(200), nullable=False),
    Column("at", String(32)),
    Column("by", String(200)),
    # How many decision lines there were when it was settled: which failures a later coupling or retry lifts.
    Column("position", Integer, nullable=False, server_default="0"),
    UniqueConstraint("run", "change", name="one_outcome_a_change"),
    Index("outcomes_of_run", "run", "state", "change"),
    Index("outcomes_of_change", "change", "state"),
)
