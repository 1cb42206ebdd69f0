"""index comments by note"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_comments_note_id_created_at", "comments", ["note_id", "created_at"])


def downgrade() -> None:
    if op.get_context().dialect.name == "mysql":
        # MySQL keeps an index under every foreign key: this one took the place of its own.
        op.execute(
            "ALTER TABLE comments ADD INDEX fk_comments_note_id (note_id), DROP INDEX ix_comments_note_id_created_at"
        )
    else:
        op.drop_index("ix_comments_note_id_created_at", table_name="comments")
