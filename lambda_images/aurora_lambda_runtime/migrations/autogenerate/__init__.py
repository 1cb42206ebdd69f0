"""What Alembic finds changed between tables and database, and how a revision writes it for every engine."""
