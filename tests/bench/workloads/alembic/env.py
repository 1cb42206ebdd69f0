"""What `alembic init` writes, without its comments and offline mode."""

from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config.get_section(context.config.config_ini_section, {})
connectable = engine_from_config(config, prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
