"""create comments"""

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "comments",
        sa.Column("id", types.Uuid(), nullable=False),
        sa.Column("note_id", types.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=100), nullable=False),
        sa.Column("created_at", types.UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name="fk_comments_note_id"),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
    )


def downgrade() -> None:
    op.drop_table("comments")
