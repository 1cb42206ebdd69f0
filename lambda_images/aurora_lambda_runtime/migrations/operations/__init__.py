"""Alembic's operations on each engine."""
