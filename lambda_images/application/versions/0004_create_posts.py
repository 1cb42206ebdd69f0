"""create posts"""

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "posts",
        sa.Column("id", types.Uuid(), nullable=False),
        sa.Column("user_id", types.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("created_at", types.UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_posts_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
    )


def downgrade() -> None:
    op.drop_table("posts")
