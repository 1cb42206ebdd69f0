"""index comments by note"""

from alembic import op

from aurora_lambda_runtime.migrations.indexes import drop_foreign_key_index

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_comments_note_id_created_at", "comments", ["note_id", "created_at"])


def downgrade() -> None:
    drop_foreign_key_index("ix_comments_note_id_created_at", "comments", "fk_comments_note_id", ["note_id"])
