"""What Alembic asks for before it runs migrations: the connection, which `upgrade` holds in one transaction."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
