"""index posts by user"""

from alembic import op

from aurora_lambda_runtime.migrations.indexes import drop_foreign_key_index

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("ix_posts_user_id_created_at", "posts", ["user_id", "created_at"])


def downgrade() -> None:
    drop_foreign_key_index("ix_posts_user_id_created_at", "posts", "fk_posts_user_id", ["user_id"])
