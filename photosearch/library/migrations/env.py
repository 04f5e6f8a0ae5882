"""Alembic's entry point: migrates over the connection that `schema.bring_up_to_date` passes."""

from alembic import context

from photosearch.library.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
