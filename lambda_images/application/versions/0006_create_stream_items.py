"""create stream items"""

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "stream_items",
        sa.Column("table_name", sa.String(length=255), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("item_key", types.LongText(), nullable=False),
        sa.Column("body", types.LongText(), nullable=True),
        sa.Column("stream_position", sa.String(length=67), nullable=False),
        sa.Column("changed_at", types.UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "key_hash", name="pk_stream_items"),
    )


def downgrade() -> None:
    op.drop_table("stream_items")
