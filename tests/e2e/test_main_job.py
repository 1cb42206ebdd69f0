"""The main job as a person does it: the README's commands in a copy of this checkout, also in containers."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from aurora_lambda_local.databases.registry import database_server
from aurora_lambda_local.platform.errors import ServerUnavailableError
from tests.e2e.checkout import Checkout
from tests.services import base_image, missing

pytestmark = pytest.mark.slow

HEAD = "0004"


@dataclass(frozen=True)
class Way:
    """One of the ways to have the stack here: which engine, and what is typed."""

    engine: str
    up: tuple[str, ...]


@pytest.fixture(scope="module", params=["postgres", "mysql", "containers"])
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Way:
    # Twenty environments start at once: on a busy machine the fifteen seconds of the default are soon over.
    up = ("up", "-c", "handlerTimeout=60")
    if request.param == "containers":
        return Way("postgres", (*up, "--containers", "-c", f"baseImage={base_image()}"))
    try:
        database_server(request.param, tmp_path_factory.mktemp("probe") / "data", {})
    except ServerUnavailableError as unavailable:
        missing(str(unavailable))
    return Way(request.param, (*up, "-c", "engine=mysql") if request.param == "mysql" else up)


@pytest.fixture(scope="module")
def checkout(way: Way, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Yield a stack that is up."""
    folder = tmp_path_factory.mktemp("newcomer")
    checkout = Checkout.with_sample_application(folder / "checkout", packages=folder / "packages")
    try:
        checkout.run(*way.up)
        yield checkout
    finally:
        checkout.run("down")


def database(checkout: Checkout) -> sqlalchemy.Engine:
    """Return the running database, as its owner."""
    return sqlalchemy.create_engine(checkout.status_of("databaseUrl"), poolclass=sqlalchemy.NullPool)


def test_the_status_has_the_documented_keys(checkout: Checkout, way: Way) -> None:
    """Scripts that read it would break."""
    status = checkout.status()
    assert list(status) == [
        "stack",
        "region",
        "engine",
        "running",
        "outputs",
        "functions",
        "mappings",
        "queues",
        "schedules",
        "lambdaEndpoint",
        "functionUrl",
        "awsEndpoint",
        "databaseUrl",
        "migrations",
    ]
    assert status["migrations"] == ["up to date"]
    assert (status["stack"], status["engine"], status["running"]) == ("local", way.engine, True)
    assert status["outputs"]["migration"] == HEAD
    assert status["outputs"]["engine"] == way.engine
    assert checkout.run("status", "functionUrl").out == f"{status['functionUrl']}\n"


def test_the_migration_runner_has_nothing_left_to_do(checkout: Checkout, way: Way) -> None:
    """The deployment would not have migrated, or would migrate again."""
    result = checkout.invoke("migrationRunnerLambdaArn")
    assert result.pop("duration_ms") >= 0
    assert result == {
        "command": "deploy",
        "engine": way.engine,
        "status": "ok",
        "before": HEAD,
        "after": HEAD,
        "applied": [],
        "pending": [],
        "output": "",
    }


def test_direct_invocations_run_commands(checkout: Checkout) -> None:
    """The service would not do what it is for."""
    explicit = checkout.invoke("handlerLambdaArn", Payload=b'{"command": "add"}')
    default = checkout.invoke("handlerLambdaArn")
    assert list(explicit) == list(default) == ["id", "text"]
    listed = checkout.invoke("handlerLambdaArn", Payload=b'{"command": "list", "limit": 2}')
    assert [row["id"] for row in listed] == [default["id"], explicit["id"]]


def test_the_function_url_answers(checkout: Checkout) -> None:
    """The HTTP interface would not be the documented one."""
    status, info = checkout.curl("GET", "/info")
    assert (status, info["message"], info["schema"], info["dbRole"]) == (200, "SQL Database Info", "app", "app_runtime")
    assert set(info) == {"message", "endpoint", "identifier", "schema", "dbRole", "arn"}
    ready = {"message": "Database initialized successfully", "schema": "app", "tables": ["notes", "comments"]}
    assert checkout.curl("POST", "/init") == (200, ready)
    created, note = checkout.curl("POST", "/notes", '{"text": "tea"}')
    assert (created, list(note)) == (201, ["id", "text", "created_at"])
    assert checkout.curl("POST", f"/notes/{note['id']}/comments", '{"text": "hot"}')[0] == 201
    assert checkout.curl("GET", "/notes?limit=1") == (200, {"notes": [note]})
    assert checkout.curl("GET", "/notes/count")[0] == 200
    assert checkout.curl("POST", "/notes", "not json")[0] == 400
    assert checkout.curl("GET", "/nowhere")[0] == 404
    assert checkout.curl("DELETE", "/notes")[0] == 405


def test_nothing_of_the_shell_leaks_in(checkout: Checkout, tmp_path: Path) -> None:
    """The profile, proxy, service file or modules of other work would break this stack, or be used by it."""
    (tmp_path / "alembic.py").write_text("raise SystemExit('not mine')")
    (tmp_path / "boto3.py").write_text("raise SystemExit('not mine')")
    (tmp_path / "config").write_text("[not a configuration")
    shell = os.environ | {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_PROFILE": "other",
        "DATABASE_URL": "mysql://other:secret@127.0.0.1:1/other",
        "HOME": str(tmp_path / "nowhere"),
        "HTTP_PROXY": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "PGHOSTADDR": "127.0.0.2",
        "PGSERVICE": "other",
        "PULUMI_CONFIG": "not JSON",
        "PYTHONPATH": str(tmp_path),
        "PYTHONWARNINGS": "error",
        "TZ": "Asia/Kathmandu",
        "http_proxy": "http://127.0.0.1:1",
    }
    assert "id" in json.loads(checkout.run("invoke", "handler", shell=shell).out)
    assert checkout.run("migrate", "current", shell=shell).out == f"{HEAD} (head)\n"
    assert checkout.run("sql", "SELECT 1 AS one", shell=shell).out == "one\n---\n1\n(1 row)\n"
    assert json.loads(checkout.run("status", "--json", shell=shell).out) == checkout.status()


SCRIPT = """
from sqlalchemy import text
from aurora_lambda_runtime.database.orm import session

with session() as opened:
    print(opened.scalar(text("SELECT count(*) FROM notes")) >= 0)
"""


def test_ones_own_tools_reach_the_stack(checkout: Checkout) -> None:
    """Whoever writes a script would copy addresses and passwords from one place to another at each `up`."""
    assert checkout.run("run", "--", sys.executable, "-c", SCRIPT).out == "True\n"
    url = checkout.status_of("functionUrl")
    assert checkout.run("run", "--", "sh", "-c", "echo $STACK_FUNCTION_URL; exit 7", code=7).out == f"{url}\n"


def test_a_breakpoint_stops_an_invocation_in_the_terminal(checkout: Checkout, way: Way) -> None:
    """A fault could be found by printing alone, and each print would be deployed first."""
    if "--containers" in way.up:
        refused = checkout.run("invoke", "handler", "--debug", code=1).err
        assert refused.endswith(" runs in a container; first type: aurora-lambda up, without --containers\n")
        return
    commands = checkout.folder / "lambda_images" / "application" / "commands.py"
    before = commands.read_text()
    commands.write_text(before.replace("    row =", "    breakpoint()\n    row =", 1))
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "aurora_lambda_local.cli.main", "invoke", "handler", "--debug"],
            cwd=checkout.folder,
            input="p invocation.request_id != ''\nc\n",
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        commands.write_text(before)
    stopped, _, rest = ended.stdout.partition("(Pdb) ")
    assert (ended.returncode, stopped.splitlines()[0]) == (0, f"> {commands}(17)add()")
    answer = rest.removeprefix("True\n(Pdb) ")
    assert list(json.loads(answer)) == ["id", "text"]


def test_connections_are_as_many_as_environments(checkout: Checkout, way: Way) -> None:
    """A busy service would run its database out of connections."""
    client, arn = checkout.client("lambda"), checkout.status_of("handlerLambdaArn")
    before = len(checkout.invoke("handlerLambdaArn", Payload=b'{"command": "list", "limit": 1000}'))

    def create(_: int) -> str:
        payload = json.loads(client.invoke(FunctionName=arn)["Payload"].read())
        assert "id" in payload, payload
        return payload["id"]

    with ThreadPoolExecutor(20) as threads:
        ids = list(threads.map(create, range(200)))
    rows = checkout.invoke("handlerLambdaArn", Payload=b'{"command": "list", "limit": 1000}')
    assert len(rows) == before + 200
    assert set(ids) <= {row["id"] for row in rows}
    query = {
        "postgres": "select count(*) from pg_stat_activity where usename = 'app_runtime'",
        "mysql": "select count(*) from information_schema.processlist where user = 'app_runtime'",
    }[way.engine]
    with database(checkout).connect() as connection:
        connections = connection.scalar(sqlalchemy.text(query))
    environments = json.loads(checkout.status_of("functions"))["handler"]["environments"]
    assert 1 < environments <= 20
    assert connections == environments


def test_the_application_cannot_change_the_schema(checkout: Checkout) -> None:
    """A hole in the application would be a hole in the schema."""
    url = sqlalchemy.make_url(checkout.status_of("databaseUrl")).set(username="app_runtime")
    runtime = sqlalchemy.create_engine(url.set(password=runtime_password(checkout)), poolclass=sqlalchemy.NullPool)
    with runtime.connect() as connection:
        connection.execute(sqlalchemy.text("select * from comments"))
        for statement in ("create table mine (id int)", "drop table comments", "alter table comments add mine int"):
            with pytest.raises(DBAPIError, match=r"denied|must be owner"):
                connection.execute(sqlalchemy.text(statement))
            connection.rollback()


def runtime_password(checkout: Checkout) -> str:
    """Return the password that the migration runner made up."""
    client = checkout.client("secretsmanager", "awsEndpoint")
    (name,) = [secret["Name"] for secret in client.list_secrets()["SecretList"] if "runtime" in secret["Name"]]
    return json.loads(client.get_secret_value(SecretId=name)["SecretString"])["password"]


def test_the_same_again_changes_nothing(checkout: Checkout, way: Way) -> None:
    """A second `up` would interrupt what runs."""
    # PostgreSQL ends processes of its own as it likes, those of idle connections say.
    before = {pid for pid, line in checkout.processes().items() if not line.startswith("postgres: ")}
    planned = checkout.run("preview", *way.up[1:]).out.splitlines()[-1]
    assert re.fullmatch(r"Preview: \d+ unchanged\.", planned)
    assert "Nothing changed" in checkout.run(*way.up).out
    assert before <= checkout.processes().keys()


def test_a_new_column_goes_from_the_code_to_the_database_and_the_handler(checkout: Checkout, way: Way) -> None:
    """People would have to write revisions by hand, or restart more than they changed."""
    tables = checkout.folder / "lambda_images/application/tables.py"
    code = tables.read_text()
    column = '    Column("note_id", Uuid, ForeignKey("notes.id"), nullable=False),\n'
    assert column in code
    tables.write_text(code.replace(column, f'{column}    Column("author", String(30)),\n'))
    written = Path(checkout.run("new-migration", "add an author to comments").out.splitlines()[0])
    assert written.name == "0005_add_an_author_to_comments.py"
    planned = checkout.run("preview", *way.up[1:]).out
    assert planned.endswith(
        "\n\n-- 0005 add an author to comments\nALTER TABLE comments ADD COLUMN author VARCHAR(30);\n"
    )
    changed = checkout.run(*way.up).out
    assert re.search(r"aws:lambda:Invocation +migrations +(updated|replaced)", changed)
    assert checkout.status_of("migration") == "0005"
    assert "code and database agree" in checkout.run("migrate", "check").out
    columns = [column["name"] for column in sqlalchemy.inspect(database(checkout)).get_columns("comments")]
    assert columns == ["id", "note_id", "text", "created_at", "author"]


def test_an_edit_to_the_handler_replaces_the_handler_alone(checkout: Checkout, way: Way) -> None:
    """Every edit would restart the database or run the migrations."""
    routes = checkout.folder / "lambda_images/application/routes.py"
    routes.write_text(routes.read_text().replace('{"count":', '{"edited":'))
    lines = [line for line in checkout.run(*way.up).out.splitlines() if re.match(r" [+~-]", line)]
    assert {tuple(line.split()[1:3]) for line in lines} == {
        ("docker:index:Image", "handler"),
        ("aws:lambda:Function", "handler"),
        ("aws:lambda:Alias", "handler"),
    }
    assert list(checkout.curl("GET", "/notes/count")[1]) == ["edited"]


def test_logs_are_kept_and_found(checkout: Checkout) -> None:
    """Nobody could see what a function did."""
    request_id = checkout.invoke("handlerLambdaArn")["text"]
    assert f"  handler     REPORT   {request_id[:8]}: " in checkout.run("logs").out
    assert f"  REPORT   {request_id[:8]}: " in checkout.run("logs", "handler", "--since", "1h").out
    assert request_id in checkout.run("logs", "handler", "--json").out
    unknown = checkout.run("logs", "helo", code=2).err
    assert unknown == "error: stack 'local' has no function 'helo'; it has handler, migrations\n"


def test_the_data_survives_the_end_of_the_supervisor(checkout: Checkout, way: Way) -> None:
    """A reboot would lose a developer's data."""
    row = checkout.invoke("handlerLambdaArn")
    (supervisor,) = [pid for pid, command in checkout.processes().items() if "supervisor.server" in command]
    os.kill(supervisor, signal.SIGKILL)
    checkout.run(*way.up)
    rows = checkout.invoke("handlerLambdaArn", Payload=b'{"command": "list", "limit": 1000}')
    assert row["id"] in {each["id"] for each in rows}


def test_down_leaves_nothing(checkout: Checkout, way: Way) -> None:
    """Processes and files would pile up on people's machines."""
    checkout.run("down")
    assert checkout.processes() == {}
    assert not (checkout.folder / ".local").exists()
    assert checkout.status()["running"] is False
    checkout.run(*way.up)
    assert checkout.invoke("handlerLambdaArn", Payload=b'{"command": "list"}') == []
