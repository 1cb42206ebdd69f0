"""What `aurora-lambda sql` prints, on a real server of each engine."""

from dataclasses import replace

import pytest

from aurora_lambda_local import commands
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.deployed.sql import QueryResult, run_query, shell_command
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_runtime.database.contract import DatabaseSettings, database_settings
from tests.conftest import Database


def maintenance(database: Database) -> DatabaseSettings:
    """Return the settings of the database that every server has."""
    settings = database_settings(database.environment())
    return replace(settings, schema=settings.spec.maintenance_database)


def test_rows_are_a_table(database: Database) -> None:
    """A person would need a client of each engine to look at the data."""
    query = "SELECT 'a%' AS name, NULL AS nothing UNION ALL SELECT 'longer', '2' ORDER BY 1"
    assert run_query(maintenance(database), query) == QueryResult(
        ["name", "nothing"], [["a%", "NULL"], ["longer", "2"]], 2
    )


def test_a_value_is_printed_as_it_is_typed(postgres: Database, mysql: Database) -> None:
    """It was Python's: a TIME of 26 hours was `1 day, 2:00:00`, and JSON had `None` and apostrophes."""
    query = "SELECT CAST('26:00:00' AS TIME) AS a, CAST('-01:00:00.5' AS TIME(1)) AS b, x'00ff' AS c"
    assert run_query(maintenance(mysql), query).rows == [["26:00:00", "-01:00:00.500000", "00ff"]]
    query = """SELECT true AS a, '{"é": null}'::jsonb AS b, '\\x00ff'::bytea AS c, '{a}'::text[] AS d"""
    assert run_query(maintenance(postgres), query).rows == [["true", '{"é": null}', "00ff", '["a"]']]


def test_a_refused_statement_is_one_line_in_the_databases_words(postgres: Database, mysql: Database) -> None:
    """A typing mistake would end in a traceback."""
    with pytest.raises(LocalError) as refused:
        run_query(maintenance(postgres), "SELECT nope")
    assert str(refused.value) == (
        'postgres refused the statement: column "nope" does not exist LINE 1: SELECT nope ^ (SQLSTATE 42703)'
    )
    with pytest.raises(LocalError, match=r"^mysql refused the statement: Unknown column 'nope' in .* \(error 1054\)$"):
        run_query(maintenance(mysql), "SELECT nope")


@pytest.mark.parametrize(
    ("url", "command"),
    [
        (
            "postgres://master:it%27s@127.0.0.1:5433/app",
            """PGPASSWORD='it'"'"'s' psql 'host=127.0.0.1 port=5433 user=master dbname=app'""",
        ),
        (
            "mysql://master:secret@127.0.0.1:3307/app",
            "MYSQL_PWD=secret mysql --protocol=tcp --host=127.0.0.1 --port=3307 --user=master app",
        ),
        (
            "dsql://admin:token@localhost:5434/app?sslrootcert=/a/ca.pem",
            "PGPASSWORD=token psql 'host=localhost port=5434 user=admin dbname=postgres "
            "options='\"'\"'-c search_path=app'\"'\"' sslmode=verify-full sslrootcert=/a/ca.pem'",
        ),
    ],
)
def test_the_command_that_opens_the_shell_can_be_typed_as_it_is(url: str, command: str) -> None:
    """A password with a quote in it, or a port, would be got wrong by hand."""
    assert shell_command(database_settings({"DATABASE_URL": url})) == command


def test_without_a_database_the_message_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first command that a newcomer tries would end in a traceback."""
    monkeypatch.setattr(commands, "status", lambda checkout: {"databaseUrl": ""})
    assert main(["sql", "SELECT 1"]) == 2
    assert capsys.readouterr().err == "error: no database is running here; start one with: aurora-lambda up\n"
