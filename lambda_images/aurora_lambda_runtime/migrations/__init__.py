"""The migration runner, Alembic's environment, and the revisions."""
