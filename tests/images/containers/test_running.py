"""The images run as on Lambda: not as root, nothing writable but /tmp, and by their own entry point."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import pytest

from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from aurora_lambda_local.testing.streams import raw_record
from tests.bench.containers import PYTHON, Program, Served, serve
from tests.conftest import AWS_ENVIRONMENT, Database
from tests.images.runs import run

pytestmark = pytest.mark.slow

ENTRY = {
    "handler": "aurora_lambda_runtime.handler.app.lambda_handler",
    "migrations": "aurora_lambda_runtime.migrations.runner.lambda_handler",
}
LINTS = """
from aurora_lambda_runtime.migrations.history.dsql_lint import find_unsupported
print(*find_unsupported({"0001": "TRUNCATE t;"}))
"""
WRITES = """
import os, pathlib
def writes(folder):
    try:
        pathlib.Path(folder, "probe").write_text("x")
    except OSError as error:
        return error.strerror
    return "written"
print(os.getuid(), *(f"{folder}: {writes(folder)}" for folder in ("/tmp", "/var/task", "/", "/usr")), sep="; ")
"""


@contextmanager
def served(engine: DockerEngine, image: str, environment: Mapping[str, str], event: str) -> Generator[Served]:
    """Return a container that has answered `event`."""
    container = serve(
        engine, Program(image, image, {**AWS_ENVIRONMENT, **environment}, mounts={}), event=event.encode()
    )
    try:
        yield container
    finally:
        container.stop()


def answer(container: Served, event: object) -> object:
    """Return what a container answers to an event."""
    return json.loads(container.invoke(json.dumps(event).encode()).payload)


def test_the_handler_answers_from_its_database(
    engine: DockerEngine, images: Mapping[str, str], aurora_database: Database
) -> None:
    """The image that is deployed has to do what the code does on a developer's machine, on both engines."""
    run({}, aurora_database.environment())

    with served(engine, images["handler"], aurora_database.environment(), '{"command":"add"}') as container:
        second = answer(container, {})
        rows = answer(container, {"command": "list"})

    assert isinstance(rows, list)
    assert len(rows) == 2
    assert isinstance(second, dict)
    assert rows[0]["id"] == second["id"]


def test_a_function_of_a_stream_is_another_command_of_the_handlers_image(
    engine: DockerEngine, images: Mapping[str, str]
) -> None:
    """A stack has one image for the handler and for all streams, and those may have no database."""
    config = engine.inspect(images["handler"])["Config"]
    command = [*config["Entrypoint"], "application.streams.print_names.process"]
    records = [
        raw_record({"id": "1"}, {"name": "Ann"}, sequence_number=1),
        raw_record({"id": "2"}, {}, sequence_number=2),
    ]
    event = json.dumps({"Records": records})
    container = serve(engine, Program("stream", images["handler"], AWS_ENVIRONMENT, command, {}), event=event.encode())

    answered = answer(container, {"Records": records})
    container.stop()

    assert answered == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_the_runner_migrates_an_empty_database(
    engine: DockerEngine, images: Mapping[str, str], aurora_database: Database
) -> None:
    """A revision or a template missing from the image would show only when a stack is deployed."""
    with served(engine, images["migrations"], aurora_database.environment(), "{}") as container:
        again = answer(container, {"command": "deploy"})
        agrees = answer(container, {"command": "check"})

    assert isinstance(again, dict)
    assert isinstance(agrees, dict)
    assert (again["status"], again["applied"], again["pending"]) == ("ok", [], [])
    assert agrees["output"] == "code and database agree"


def test_the_runner_can_ask_dsql_lint(engine: DockerEngine, images: Mapping[str, str]) -> None:
    """A program that lacks a library, or that nobody may run, would show only when `check` is asked for on AWS."""
    printed = Program("lint", images["migrations"], {}, [PYTHON, "-c", LINTS], mounts={}).output(engine)

    assert printed.startswith("revision 0001 (TRUNCATE t): TRUNCATE is not supported in DSQL.")


def test_only_tmp_is_writable(engine: DockerEngine, images: Mapping[str, str], target: str) -> None:
    """Lambda mounts the image read-only and runs it as nobody: code that writes elsewhere would fail only there."""
    printed = Program("writes", images[target], {}, [PYTHON, "-c", WRITES], mounts={}).output(engine)

    refused = "Read-only file system"
    assert printed.strip() == f"65534; /tmp: written; /var/task: {refused}; /: {refused}; /usr: {refused}"


def test_the_image_says_what_it_is(engine: DockerEngine, images: Mapping[str, str], target: str) -> None:
    """Lambda takes the command from here, without a shell; people take the source from the labels."""
    config = engine.inspect(images[target])["Config"]

    assert config["Entrypoint"] == [PYTHON, "-m", "aurora_lambda_runtime.start"]
    assert config["Cmd"] == [ENTRY[target]]
    assert (config["User"], config["WorkingDir"]) == ("65534:65534", "/var/task")
    assert config.get("Healthcheck") is None
    # What the program says of the service is in place of the defaults.
    assert config["Labels"] == {
        "org.opencontainers.image.title": f"aurora-lambda {target}",
        "org.opencontainers.image.version": "unknown",
        "org.opencontainers.image.revision": "0123456789abcdef",
        "org.opencontainers.image.licenses": "NOASSERTION",
    }
