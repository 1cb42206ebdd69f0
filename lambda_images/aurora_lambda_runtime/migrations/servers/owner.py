"""Whose a database is, on an Aurora cluster that several stacks use: a table in it says so."""

from typing import TYPE_CHECKING

from aurora_lambda_runtime.database.contract import RuntimeRole
from aurora_lambda_runtime.migrations.errors import MigrationError

if TYPE_CHECKING:
    from aurora_lambda_runtime.migrations.servers.base import Server

CREATE_OWNER_TABLE = "CREATE TABLE IF NOT EXISTS migration_owner (owner varchar(255) NOT NULL PRIMARY KEY)"
READ_OWNER = "SELECT owner FROM migration_owner"
NOTE_OWNER = "INSERT INTO migration_owner (owner) VALUES (%s)"
HAS_TABLES = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s LIMIT 1"


def check_owner(server: "Server", owner: str, role: RuntimeRole | None) -> None:
    """Check that the locked database, and the role that its application is to get, are this stack's or nobody's.

    Raises:
        MigrationError: one of them is another's, whose tables or login this stack would take away.
    """
    if role and (others := server.rows(server.other_databases_of_role, role.db_role)):
        raise MigrationError(
            f"the role {role.db_role!r} of this cluster uses the database {others[0][0]!r}, so it is another's: nothing"
            " was done. Give this stack a role of its own: pulumi config set runtimeRole NAME"
        )
    found = server.own_rows(READ_OWNER)
    known = str(found[0][0]) if found else ""
    if known == owner or not (known or server.rows(HAS_TABLES, server.table_schema)):
        return
    what = f"belongs to {known}" if known else "has tables and no owner"
    raise MigrationError(
        f"the database {server.schema!r} of this cluster {what}, and this stack is {owner}: nothing was done."
        " Give this stack a database of its own: pulumi config set schema NAME"
    )


def note_owner(server: "Server", owner: str) -> None:
    """Note whose the locked database is, which `check_owner` has allowed."""
    server.run(CREATE_OWNER_TABLE)
    if not server.rows(READ_OWNER):
        server.row(NOTE_OWNER, owner)
