"""${message.replace("\\", r"\\").replace('"', r'\"')}"""

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


<%
    def body(text):
        """Return the statements, without Alembic's marks around them."""
        return "\n".join(line for line in (text or "pass").splitlines() if not line.strip().startswith("# ###"))
%>
def upgrade() -> None:
    ${body(upgrades).lstrip()}


def downgrade() -> None:
    ${body(downgrades).lstrip()}
