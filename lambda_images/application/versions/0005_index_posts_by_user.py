"""index posts by user"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("ix_posts_user_id_created_at", "posts", ["user_id", "created_at"])


def downgrade() -> None:
    if op.get_context().dialect.name == "mysql":
        # MySQL keeps an index under every foreign key: this one took the place of its own.
        op.execute("ALTER TABLE posts ADD INDEX fk_posts_user_id (user_id), DROP INDEX ix_posts_user_id_created_at")
    else:
        op.drop_index("ix_posts_user_id_created_at", table_name="posts")
