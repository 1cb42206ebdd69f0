"""Writing a function for the stream of a DynamoDB table: its module, its test and its entry in a stack's file."""

import argparse
import keyword
import re
from pathlib import Path

from aurora_lambda.project import Project
from aurora_lambda_local.cli.configuration import StackConfiguration
from aurora_lambda_local.platform.errors import UsageError

RESERVED = ("handler", "migrations", "migration-runner")
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
NAME = re.compile(r"(?=.{1,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")

FUNCTION = '''\
"""The function {name}, behind the stream of a DynamoDB table."""

from aurora_lambda_runtime.handler.streams import StreamRecord, stream_handler


@stream_handler
def process(record: StreamRecord) -> None:
    """Handle one change of one item; where this raises, Lambda tries it again."""
    print(record.event_name, record.keys)
'''
TEST = '''\
"""The function {name}, behind the stream of a DynamoDB table."""

import pytest

from {package}.streams.{module} import process
from aurora_lambda_local.testing.streams import invoke, raw_record


def test_a_new_item_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Say here what users lose when it fails."""
    answer = invoke(process, raw_record({{"id": "1"}}, {{"name": "Ann"}}))
    assert answer == {{"batchItemFailures": []}}
    assert capsys.readouterr().out.splitlines()[-1] == "INSERT {{'id': '1'}}"
'''


def new_stream(options: argparse.Namespace) -> None:
    """Write a function for a table's stream, its test and its entry in a stack's file."""
    for path in create_stream(options.name, options.table, options.stack or "local"):
        print(path)
    print("Write what it does, then try it here with: aurora-lambda up")


def create_stream(name: str, table: str, stack: str, checkout: Path | None = None) -> list[Path]:
    """Write the function `name` of the stream of `table`, its test, and the entry in the file of `stack`.

    Raises:
        UsageError: a name cannot be used or is taken; nothing has been written then.
    """
    _check(name, table)
    module = name.replace("-", "_")
    project = Project.find(checkout)
    configuration = StackConfiguration(stack, checkout)
    function = project.application / "streams" / f"{module}.py"
    test = _tests_folder(project) / f"test_{module}.py"
    if taken := [str(path) for path in (function, test) if path.exists()]:
        raise UsageError(f"{taken[0]} exists already: choose another name")
    text = configuration.with_stream({"name": name, "table": table})
    function.parent.mkdir(exist_ok=True)
    (function.parent / "__init__.py").touch()
    test.parent.mkdir(parents=True, exist_ok=True)
    function.write_text(FUNCTION.format(name=name))
    test.write_text(TEST.format(name=name, module=module, package=project.application.name))
    configuration.write(text)
    return [function, test, configuration.file]


def _tests_folder(project: Project) -> Path:
    """Return where the application's tests lie: in a folder of their own where the project tests more than that."""
    own = project.root / "tests" / "application"
    return own if own.is_dir() else own.parent


def _check(name: str, table: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or name in RESERVED:
        raise UsageError(
            f"a stream's function cannot be called {name!r}: it must be at most 32 lower-case letters, digits and "
            "hyphens, as in copy-items"
        )
    if not TABLE_NAME.fullmatch(table):
        raise UsageError(f"{table!r} is no name of a DynamoDB table: 3 to 255 letters, digits, '_', '-' and '.'")
