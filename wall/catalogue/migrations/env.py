"""Alembic's entry: `wall.catalogue.migrate` hands the connection in, inside its own transaction."""

from alembic import context

from wall.catalogue.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
context.run_migrations()
