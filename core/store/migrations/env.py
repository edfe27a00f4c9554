"""Run by Alembic: migrates over the connection that ``core.store.migrate`` hands in."""

from alembic import context

from core.store.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
