"""${message.replace("\\", r"\\").replace('"', r'\"')}"""

import sqlalchemy as sa
from alembic import op

from lambda_images.database import types
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
