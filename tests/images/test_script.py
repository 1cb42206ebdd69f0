"""A script of one's own, which is no function, on the database that its environment names."""

import os
import subprocess
import sys

from aurora_lambda_runtime.database.contract import database_settings
from tests.conftest import Database

SCRIPT = """
from sqlalchemy import text
from aurora_lambda_runtime.database.orm import session

with session() as opened:
    print(opened.scalar(text("SELECT 41 + 1")))
"""

# The second invocation asks for the database again: it has a deadline of its own.
FUNCTION = """
import os
from sqlalchemy import text
from aurora_lambda_local.testing.queues import raw_message
from aurora_lambda_local.testing.streams import invoke
from aurora_lambda_runtime.database.orm import session
from aurora_lambda_runtime.handler.queues import queue_handler

@queue_handler
def send(message):
    print(session().scalar(text("SELECT 41 + 1")))

print(invoke(send, raw_message({})))
del os.environ["DATABASE_URL"]
print(invoke(send, raw_message({})))
"""


def run(environment: dict[str, str], script: str = SCRIPT) -> tuple[int, str, str]:
    """Run a script; return its exit status, what it printed, and the last line of its errors."""
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, (ended.stderr.splitlines() or [""])[-1]


def existing(database: Database) -> dict[str, str]:
    """Return the environment of a database on the same server that is there."""
    settings = database_settings(database.environment())
    return Database(database.engine, database.port, settings.spec.maintenance_database, database.ca).environment()


def test_a_script_has_sessions_on_the_database_of_its_environment(database: Database) -> None:
    """Whoever fills a table or mends rows would have to build an engine of their own, without its retries."""
    assert run({**os.environ, **existing(database)}) == (0, "42\n", "")


def test_without_a_database_a_script_is_told_where_one_comes_from() -> None:
    """A traceback that ends in a missing variable would not say how to get it."""
    shell = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    assert run(shell)[2] == (
        "RuntimeError: there is no database here (no database is configured: set DATABASE_URL, or SQL_<NAME>_ENDPOINT"
        " and its siblings): it is set in a function, in a test by the fixture `database`, and in a script by"
        " `aurora-lambda run -- python SCRIPT`"
    )


def test_a_function_opens_no_second_connection_while_it_is_imported(postgres: Database) -> None:
    """A busy service would hold two connections for each environment, and run its database out of them."""
    function = {**os.environ, **postgres.environment(), "AWS_LAMBDA_FUNCTION_NAME": "handler"}
    assert run(function)[2] == (
        "RuntimeError: there is no database yet: ask for it when the function answers, not while it is imported; an"
        " entry point of your own first calls `database()` of aurora_lambda_runtime.handler.streams.sql"
    )


def test_a_function_of_a_queue_has_sessions(postgres: Database) -> None:
    """What works in a test, where the fixture has set the database, failed each message once it was deployed."""
    function = {**os.environ, **existing(postgres), "AWS_LAMBDA_FUNCTION_NAME": "mail"}
    status, printed, error = run(function, FUNCTION)
    assert (status, printed.splitlines()) == (
        0,
        ["42", "{'batchItemFailures': []}", "{'batchItemFailures': [{'itemIdentifier': '1'}]}"],
    )
    assert error.startswith("RuntimeError: there is no database here (no database is configured: set DATABASE_URL, or")
