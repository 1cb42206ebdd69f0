"""Runners that are killed at any message to the server, and the deployment after."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import boto3
import pytest

from tests.conftest import AWS_ENVIRONMENT, Database
from tests.dsql_faults import FaultyServer
from tests.images.killed_runner import Kill, Moment, contents, postgres_contents, run_in_process
from tests.images.revisions import TEMPLATE
from tests.images.runs import role_environment, rows

pytestmark = pytest.mark.slow

MOMENTS: tuple[Moment, ...] = ("before", "during", "after")
COMMANDS: Mapping[str, dict[str, Any]] = {
    "deploy": {},
    "downgrade": {"command": "downgrade", "revision": "0001"},
    "reset": {"command": "reset"},
    "stamp": {"command": "stamp", "revision": "head"},
}
# What is done twice shows: a table or column is there already, a row too, and a number is too large.
REVISIONS = (
    ("op.create_table('counters', sa.Column('id', sa.Integer, primary_key=True), sa.Column('n', sa.Integer))",
     "op.drop_table('counters')"),
    ("""op.execute("INSERT INTO counters VALUES (1, 0), (2, 0)")
    op.add_column("counters", sa.Column("note", sa.String(10)))
    op.execute("UPDATE counters SET n = n + 1")
    op.create_index("ix_counters_n", "counters", ["n"])
    op.execute("UPDATE counters SET n = n + 10")""",
     """op.drop_index("ix_counters_n", "counters")
    op.drop_column("counters", "note")
    op.execute("DELETE FROM counters")"""),
    ("""op.create_table("other", sa.Column("counter", sa.Integer, sa.ForeignKey("counters.id")))
    op.execute("INSERT INTO other VALUES (1)")""",
     "op.drop_table('other')"),
)  # fmt: skip
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Revisions of every kind of statement."""
    directory = tmp_path_factory.mktemp("versions")
    for number, (upgrade, downgrade) in enumerate(REVISIONS, start=1):
        before = f"{number - 1:04d}" if number > 1 else None
        text = TEMPLATE.format(
            message=f"step {number}", revision=f"{number:04d}", before=before, upgrade=upgrade, downgrade=downgrade
        )
        (directory / f"{number:04d}_step.py").write_text(
            text.replace("import op", "import op\nimport sqlalchemy as sa")
        )
    return directory


@pytest.fixture(scope="module")
def secrets(aws: str) -> Any:
    """Return a client of Secrets Manager's stand-in."""
    keys = {name.lower(): AWS_ENVIRONMENT[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return boto3.client("secretsmanager", endpoint_url=aws, region_name=AWS_ENVIRONMENT["AWS_REGION"], **keys)


class Trial:
    """One database, on which a command is killed before the next deployment."""

    def __init__(self, server: Database, versions: Path, secrets: Any) -> None:
        self.database = replace(server, name=f"{server.name}_{next(_numbers)}")
        self._role = f"{self.database.name}_app"
        self._secrets = secrets
        self._secret = "" if server.engine == "dsql" else secrets.create_secret(Name=self._role)["ARN"]
        self._versions = versions
        self._environment = {
            **role_environment(self.database, self._role, self._secret),
            **AWS_ENVIRONMENT,
            "ALLOW_RESET": "true",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets.meta.endpoint_url,
        }

    def run(self, command: str, kill: Kill | None = None) -> tuple[int, str]:
        """Run a command, once the server is done with what a killed runner had sent it."""
        while True:
            messages, error = run_in_process(COMMANDS[command], self.database, self._environment, self._versions, kill)
            if not error.startswith("busy"):
                return messages, error
            time.sleep(0.05)

    def state(self) -> list[object]:
        """Return what the database holds, and whether the application's role can read it with its secret."""
        mysql = self.database.engine == "mysql"
        found = contents(self.database) if mysql else postgres_contents(self.database, self._role)
        if self.database.engine == "dsql":
            return found
        secret = self._secrets.get_secret_value(SecretId=self._secret)["SecretString"]
        login = self._role, json.loads(secret)["password"]
        counted = rows(self.database, "SELECT count(*) FROM counters", login)
        return [*found, counted]


@pytest.fixture
def quiet_dsql(dsql: Database, dsql_server: FaultyServer) -> Iterator[Database]:
    """Return a name on DSQL's stand-in, where databases beside each other do not disturb each other by DDL."""
    dsql_server.faults = replace(dsql_server.faults, schema_conflicts=False)
    with dsql_server.any_number_of_schemas():
        yield dsql
    dsql_server.faults = replace(dsql_server.faults, schema_conflicts=True)


def chosen(kills: Sequence[Kill]) -> list[Kill]:
    """Return each kill after a message, and some of the others, which leave what one of those leaves.

    Before a message is after the one before it, and no server runs half of one.
    """
    return [kill for number, kill in enumerate(kills) if kill.moment == "after" or number % 40 == 0]


def assert_kills_converge(
    server: Database,
    versions: Path,
    secrets: Any,
    command: str,
) -> None:
    """Kill `command` at the chosen moments, deploy, and compare with a database that saw no kill."""
    whole = Trial(server, versions, secrets)
    count = whole.run("deploy")[0]
    expected = whole.state()
    if command != "deploy":
        count = whole.run(command)[0]
    deployed = SimpleQueue[Trial]()

    def outcome(kill: Kill) -> object:
        if command == "deploy" or deployed.empty():
            trial = Trial(server, versions, secrets)
            assert command == "deploy" or trial.run("deploy")[1] == ""
        else:
            trial = deployed.get()
        messages, error = trial.run(command, kill)
        # At its last messages, which are goodbyes, the runner may be quicker.
        assert error == "killed" or (error == "" and kill.message >= messages - 1)
        error = trial.run("deploy")[1]
        found = (kill, error, [] if error else trial.state())
        deployed.put(trial)
        return found

    kills = chosen([Kill(message, moment) for message in range(1, count + 1) for moment in MOMENTS])
    with ThreadPoolExecutor(4) as pool:
        for kill, found in zip(kills, pool.map(outcome, kills), strict=True):
            assert found == (kill, "", expected)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_deployment_after_a_run_that_was_killed_at_any_message_converges(
    aurora_database: Database, versions: Path, secrets: Any, command: str
) -> None:
    """A function that ran out of time or memory, or a lost host, must not leave a stack that no deployment mends."""
    assert_kills_converge(aurora_database, versions, secrets, command)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_deployment_after_a_run_that_was_killed_at_any_message_converges_on_dsql(
    quiet_dsql: Database, versions: Path, secrets: Any, command: str
) -> None:
    """The same, where a row is the lock, indexes are built by jobs, and a reset is one transaction for each table."""
    assert_kills_converge(quiet_dsql, versions, secrets, command)
