"""Alembic's entry: runs inside the transaction that hub.store.migrate opened."""

from alembic import context

from hub.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
