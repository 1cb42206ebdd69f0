"""The fixtures of a service's tests, in a service that `aurora-lambda new` wrote."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aurora_lambda_local.cli.new_service import create_service

pytestmark = pytest.mark.slow

# Rows that a revision inserts, and a table whose rows refer to each other.
TABLES = """

folders = Table(
    "folders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("parent_id", Uuid),
)
"""
REVISIONS = {
    "0002_create_folders.py": '''\
"""create folders"""

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "folders",
        sa.Column("id", types.Uuid(), nullable=False),
        sa.Column("parent_id", types.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_folders"),
    )


def downgrade() -> None:
    op.drop_table("folders")
''',
    "0003_insert_root.py": '''\
"""insert root"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.bulk_insert(sa.table("folders", sa.column("id", types.Uuid())), [{"id": UUID(int=1)}])


def downgrade() -> None:
    pass
''',
}
TESTS = '''\
"""Each test leaves what would fail the next one."""

from uuid import UUID

import pytest
from aurora_lambda_local.testing import Client, Database
from aurora_lambda_runtime.database.orm import session
from sqlalchemy import delete, select

from application.tables import folders

ROOT, INNER = UUID(int=1), UUID(int=2)


def ids(database: Database) -> list[UUID]:
    return database.statement(lambda connection: list(connection.scalars(select(folders.c.id).order_by(folders.c.id))))


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_test_leaves_is_gone(client: Client, database: Database, number: int) -> None:
    assert client.post("/notes", json={"text": "x"}).status == 201
    database.insert(folders, {"id": INNER, "parent_id": ROOT})
    assert ids(database) == [ROOT, INNER]
    assert client.invoke({"command": "count"}) == {"notes": 1}
    session().execute(delete(folders))


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_revision_inserted_is_there_again(database: Database, number: int) -> None:
    assert ids(database) == [ROOT]
    database.statement(lambda connection: connection.execute(delete(folders)))
'''

# An application whose queue's function uses SQL, and whose command leaves its session to the end of the invocation.
QUEUE = """\
from uuid import UUID

from application.tables import notes
from aurora_lambda_runtime.handler.queues import Message, queue_handler
from aurora_lambda_runtime.handler.streams.sql import database


@queue_handler
def process(message: Message) -> None:
    database().insert(notes, {"id": UUID(message.body), "text": "sent"})
"""
COMMANDS = """\
from sqlalchemy import func, select

from application.tables import notes
from aurora_lambda_runtime.database.orm import session

COMMANDS = {"count": lambda _: {"notes": session().scalar(select(func.count()).select_from(notes))}}
"""
MIXED = '''\
"""A queue's function has a connection of its own, as on AWS: the application's sessions are not on it."""

from uuid import uuid4

import pytest
from aurora_lambda_local.testing import Client
from aurora_lambda_local.testing.queues import raw_message
from aurora_lambda_local.testing.streams import invoke
from aurora_lambda_runtime.database.orm import session
from sqlalchemy import select

from application.queues.mail import process
from application.tables import notes


@pytest.mark.parametrize("number", [1, 2])
def test_both(client: Client, number: int) -> None:
    assert invoke(process, raw_message(str(uuid4()))) == {"batchItemFailures": []}
    assert session().scalars(select(notes.c.text)).all() == ["sent"]
    session().close()
    assert client.invoke({"command": "count"}) == {"notes": 1}
    assert client.invoke({"command": "count"}) == {"notes": 1}
'''


def write_service(folder: Path, engine: str = "postgres") -> Path:
    return create_service(str(folder / "links"), engine, "none").folder


def run_tests(service: Path, *options: str) -> tuple[int, str]:
    """Run a service's tests; return the exit code and what was printed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", *options]
    # With either of these, pytest repeats messages of any length in its summary.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
    done = subprocess.run(command, cwd=service, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("engine", ["mysql", "postgres", "dsql"])
def test_a_test_finds_the_database_as_the_revisions_left_it(tmp_path: Path, engine: str) -> None:
    """Tests that depend on each other's rows fail in another order, or pass for each other's reasons."""
    service = write_service(tmp_path)
    for name, text in REVISIONS.items():
        (service / "application" / "versions" / name).write_text(text)
    with (service / "application" / "tables.py").open("a") as tables:
        tables.write(TABLES)
    (service / "tests" / "test_left.py").write_text(TESTS)
    code, printed = run_tests(service, "--database-engine", engine)
    assert code == 0, printed
    assert "8 passed in " in printed


def test_a_test_may_call_a_queues_function_and_the_application(tmp_path: Path) -> None:
    """The application's session would be left open on the queue's connection: the next one waits for it and fails."""
    service = write_service(tmp_path)
    (service / "application" / "commands.py").write_text(COMMANDS)
    (service / "application" / "queues").mkdir()
    (service / "application" / "queues" / "mail.py").write_text(QUEUE)
    (service / "tests" / "test_mixed.py").write_text(MIXED)
    engines = ("--database-engine", "postgres", "--database-engine", "dsql")
    code, printed = run_tests(service, "tests/test_mixed.py", *engines)
    assert code == 0, printed
    assert "4 passed in " in printed


def test_tests_run_on_the_engines_of_the_stacks_alone(tmp_path: Path) -> None:
    """A service would be tested on what it never runs on, or not on what it does."""
    service = write_service(tmp_path)
    dev = service / "stacks" / "Pulumi.dev.yaml"
    dev.write_text(dev.read_text().replace("engine: postgres", "engine: dsql"))
    _, printed = run_tests(service, "--collect-only", "-q", "tests/test_commands.py")
    assert re.findall(r"\[(\w+)\]", printed) == ["postgres", "dsql"]
    _, printed = run_tests(service, "--collect-only", "-q", "tests/test_commands.py", "--database-engine", "mysql")
    assert re.findall(r"\[(\w+)\]", printed) == ["mysql"]


def test_a_server_that_is_not_installed_skips_its_tests_and_is_named(tmp_path: Path) -> None:
    """A green run would hide that an engine was never tried, a red one stop whoever has only the other."""
    service = write_service(tmp_path)
    hide = f"from aurora_lambda_local.databases import mysql\n\nmysql.SEARCH_PATH = {str(tmp_path)!r}\n"
    (service / "tests" / "conftest.py").write_text(hide)
    engines = ("--database-engine", "mysql", "--database-engine", "postgres")
    code, printed = run_tests(service, *engines)
    assert code == 0, printed
    assert "4 passed, 4 skipped in " in printed
    assert "no MariaDB or MySQL server is installed here: apt-get install mariadb-server" in printed


def test_a_table_without_its_revision_fails_and_says_what_to_type(tmp_path: Path) -> None:
    """A column that no revision makes passes a test on tables made from the code, and fails on AWS."""
    service = write_service(tmp_path)
    tables = service / "application" / "tables.py"
    tables.write_text(tables.read_text().replace('Column("text"', 'Column("title", String(9)),\n    Column("text"'))
    code, printed = run_tests(service, "tests/test_commands.py")
    assert code == 1
    message = (
        "code and database disagree: add title to notes. Write the revision with `aurora-lambda new-migration MESSAGE`"
    )
    assert printed.count(message) == 1


def test_outside_a_project_the_message_names_what_is_missing(tmp_path: Path) -> None:
    """A traceback of the plugin says nothing of where to run it."""
    (tmp_path / "test_alone.py").write_text("def test_alone(client): ...\n")
    code, printed = run_tests(tmp_path)
    assert code == pytest.ExitCode.INTERRUPTED
    assert f"there is no Pulumi.yaml in {tmp_path} or above: change to your project's folder" in printed
