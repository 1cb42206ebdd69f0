"""What an interrupted statement is known by to have been done: the definitions of what it names."""

from contextlib import closing
from pathlib import Path

import pytest

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.migrations.servers import open_server
from tests.images.dsql.conftest import Application
from tests.images.revisions import history

pytestmark = pytest.mark.slow

STATEMENTS = (
    """CREATE TABLE "Odd "" name" (id integer PRIMARY KEY)""",
    "\ncreate table if not exists Lower (id integer PRIMARY KEY)",
    """ALTER TABLE "Odd "" name" ADD COLUMN a integer""",
    """CREATE INDEX ASYNC ix_odd ON "Odd "" name" (a)""",
    "DROP INDEX ix_odd",
    """ALTER TABLE "Odd "" name" ALTER COLUMN a SET DEFAULT 7""",
    """ALTER TABLE "Odd "" name" RENAME TO plain""",
    "CREATE VIEW Seen AS SELECT id FROM plain",
    "COMMENT ON COLUMN PLAIN.a IS 'a number'",
    "CREATE SEQUENCE numbers CACHE 1",
    "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
    "DROP DOMAIN positive",
    "DROP VIEW seen",
    "DROP TABLE plain",
)


def test_a_statement_that_was_done_shows_in_what_it_names(application: Application, tmp_path: Path) -> None:
    """Taken for not done, it would be sent again, and fail on what is there already: no deployment would succeed."""
    application.run(versions=history(tmp_path, "CREATE TABLE t1 (id integer PRIMARY KEY)"))
    settings = database_settings(application.database.environment())
    with closing(open_server(Connector(settings), create=False)) as server:
        others = server.describe_tables("ALTER TABLE t1 ADD COLUMN a integer")
        for statement in STATEMENTS:
            before = server.describe_tables(statement)
            assert server.describe_tables(statement) == before
            server.run(statement)
            assert server.describe_tables(statement) != before, statement
        assert "'column', 't1.id'" in others
        assert "'column', 't1.id'" not in server.describe_tables("DROP TABLE other")
