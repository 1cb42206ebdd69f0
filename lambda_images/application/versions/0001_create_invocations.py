"""create invocations"""

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "invocations",
        sa.Column("id", types.Uuid(), nullable=False),
        sa.Column("aws_request_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invocations"),
    )


def downgrade() -> None:
    op.drop_table("invocations")
