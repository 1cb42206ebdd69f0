# ruff: noqa: E501
"""What the command line says, sends and exits with. A fake Pulumi and a fake Lambda stand in for AWS."""

import json
import os
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
from werkzeug import Request, Response
from werkzeug.serving import make_server

from aurora_lambda_local.cli.formatting import migration_summary, status_lines, status_value
from aurora_lambda_local.cli.main import command_parsers, main
from aurora_lambda_local.deployed import stack as deployed_stack
from aurora_lambda_local.deployed.stack import DeployedStack, error_message
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_runtime.migrations.history.checksums import read_revisions
from aurora_lambda_runtime.migrations.outcome import MigrationResult

ACCOUNT = "arn:aws:lambda:eu-west-1:123456789012:function:"
OUTPUTS = {
    "handlerLambdaArn": f"{ACCOUNT}handler-1a2b3c4",
    "handlerLambdaName": "handler-1a2b3c4",
    "migrationRunnerLambdaArn": f"{ACCOUNT}migrations-5d6e7f8",
    "migrationRunnerLambdaName": "migrations-5d6e7f8",
    "functionUrl": "https://x.lambda-url.eu-west-1.on.aws/",
}
NOTHING_HERE = {"running": False, "stack": None, "outputs": {}}
DEPLOYED = {
    "command": "deploy",
    "engine": "postgres",
    "status": "ok",
    "before": "0004",
    "after": "0005",
    "applied": [{"revision": "0005", "message": "index posts", "duration_ms": 12}],
    "pending": [],
    "output": "",
    "duration_ms": 80,
}


PENDING = {"revision": "0006", "message": "add phone"}


@dataclass
class FakeLambda:
    """Answers every invocation with `body`, and remembers what it was asked."""

    body: bytes = b"null"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    signed_by: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.asked.append((request.path, request.get_data()))
        self.signed_by.append(request.headers["Authorization"].partition("Credential=")[2].partition("/")[0])
        return Response(self.body, self.status, self.headers, content_type="application/json")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeLambda]:
    """A stack `dev` that Pulumi knows and that is not running here."""
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\ncase \"$*\" in *'--stack dev'*) echo '{json.dumps(OUTPUTS)}';; "
                      "*) echo \"error: no stack named 'nope' found\" >&2; exit 255;; esac\n")  # fmt: skip
    pulumi.chmod(0o755)
    fake = FakeLambda()
    server = make_server("127.0.0.1", 0, Request.application(fake.answer), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(deployed_stack, "status", lambda: NOTHING_HERE)
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_deployed_function_is_found_by_its_output_and_invoked(
    aws: FakeLambda, capsys: pytest.CaptureFixture[str]
) -> None:
    """People would have to look up ARNs to invoke what they deployed."""
    aws.body = b'{"id": "1"}'
    assert main(["invoke", "handler", '{"command": "create"}', "-s", "dev"]) == 0
    path = (
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Ahandler-1a2b3c4/invocations"
    )
    assert [(asked.replace(":", "%3A"), body) for asked, body in aws.asked] == [(path, b'{"command": "create"}')]
    assert capsys.readouterr().out == '{\n  "id": "1"\n}\n'


@pytest.mark.parametrize("key", ["aws:profile", "aws:config:profile"])
@pytest.mark.parametrize("stack", ["dev", "organization/project/dev"])
def test_a_stack_is_asked_by_the_profile_that_pulumi_deploys_it_by(
    aws: FakeLambda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, stack: str
) -> None:
    """The shell's credentials are of another account: `pulumi up` would work, and each command here be refused."""
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(pulumi.read_text().replace("--stack dev", f"--stack {stack}"))
    (tmp_path / "credentials").write_text("[deployer]\naws_access_key_id = DEPLOYER\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setattr("aurora_lambda.project.Project.stack_file", lambda _, name: tmp_path / f"Pulumi.{name}.yaml")
    for config in ("{}", f"config:\n  {key}: deployer\n"):
        (tmp_path / "Pulumi.dev.yaml").write_text(config)
        assert main(["invoke", "handler", "-s", stack]) == 0
    assert aws.signed_by == ["test", "DEPLOYER"]


def test_a_profile_that_is_not_there_is_said(
    aws: FakeLambda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shell's credentials, of whatever account, would be taken in its place."""
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:profile: deployer\n")
    monkeypatch.setattr("aurora_lambda.project.Project.stack_file", lambda _, name: tmp_path / f"Pulumi.{name}.yaml")
    assert main(["invoke", "handler", "-s", "dev"]) == 1
    assert capsys.readouterr().err == (
        "error: handler could not be invoked: The config profile (deployer) could not be found\n"
    )
    assert aws.asked == []


def test_the_status_of_migrations_is_compared_with_the_files_here(aws: FakeLambda) -> None:
    """A revision that is written and not deployed would be called up to date."""
    aws.body = json.dumps({**DEPLOYED, "command": "status", "output": "up to date"}).encode()
    assert main(["migrate", "status", "-s", "dev"]) == 0
    files = {
        revision: asdict(file) for revision, file in read_revisions(Path("lambda_images/application/versions")).items()
    }
    assert json.loads(aws.asked[0][1]) == {"command": "status", "files": files, "tables": True}


def test_the_status_warns_of_a_revision_that_breaks_the_code_now_running(
    aws: FakeLambda, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It would be deployed, and the service be down until the new code runs."""
    drop = 'from alembic import op\n\ndef upgrade():\n    op.drop_column("posts", "content")\n'
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0007_drop.py").write_text(drop)
    monkeypatch.setattr("aurora_lambda.project.Project.versions", versions)
    answer = {**DEPLOYED, "command": "status", "output": "0007 is not deployed", "after": "0006"}
    aws.body = json.dumps({**answer, "tables": {"posts": {"content": True}}}).encode()
    assert main(["migrate", "status", "-s", "dev"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "0007 is not deployed",
        "warning: revision 0007 drops posts.content, which the code that runs now uses. First deploy code that does"
        " without, then this revision",
    ]


def test_a_function_error_is_shown_and_is_exit_code_1(aws: FakeLambda, capsys: pytest.CaptureFixture[str]) -> None:
    """A script would go on after a failed migration, as `aws lambda invoke` lets it."""
    aws.body, aws.headers = (
        b'{"errorMessage": "revision 0006 failed", "errorType": "E"}',
        {"X-Amz-Function-Error": "Unhandled"},
    )
    assert main(["migrate", "-s", "dev"]) == 1
    assert capsys.readouterr().err == "error: migration-runner failed: revision 0006 failed\n"


def test_an_invocation_is_never_sent_twice(aws: FakeLambda, capsys: pytest.CaptureFixture[str]) -> None:
    """A slow migration would run a second time beside the first."""
    aws.body, aws.status = b'{"message": "try later"}', 500
    assert main(["invoke", "handler", "-s", "dev"]) == 1
    assert len(aws.asked) == 1
    assert capsys.readouterr().err.startswith("error: handler could not be invoked: ")


def test_a_log_that_cannot_be_read_is_said_in_words(aws: FakeLambda, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody without the permission would see a traceback."""
    aws.body, aws.status = b'{"message": "not allowed"}', 403
    assert main(["logs", "handler", "-s", "dev"]) == 1
    assert capsys.readouterr().err.startswith("error: the log could not be read: ")


def test_a_migration_is_summed_up_in_words(aws: FakeLambda, capsys: pytest.CaptureFixture[str]) -> None:
    """A person would have to read JSON to see what a migration did."""
    aws.body = json.dumps(DEPLOYED).encode()
    assert main(["migrate", "-s", "dev"]) == 0
    assert aws.asked[0][1] == b'{"command": "deploy"}'
    assert capsys.readouterr().out == (
        "applied:\n  0005  index posts  (12 ms)\ndeploy: ok, postgres at 0004 -> 0005 (80 ms)\n"
    )


@pytest.mark.parametrize(
    "words", [["downgrade", "0003", "-s", "dev"], ["-s", "dev", "downgrade", "0003"], ["downgrade", "--revision", "0003", "-s", "dev"]]
)  # fmt: skip
def test_a_revision_is_passed_on(aws: FakeLambda, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Else `downgrade` and `stamp` could not be used, or only by who knows where the option goes."""
    aws.body = json.dumps(DEPLOYED | {"command": "downgrade"}).encode()
    assert main(["migrate", "--json", *words]) == 0
    assert json.loads(aws.asked[0][1]) == {"command": "downgrade", "revision": "0003"}
    assert json.loads(capsys.readouterr().out) == DEPLOYED | {"command": "downgrade"}


def test_one_value_of_the_status_can_be_put_into_a_variable() -> None:
    """The first request to a new stack would need a program that reads JSON."""
    report = {"running": True, "functionUrl": "http://127.0.0.1:1/", "databaseUrl": "", "outputs": OUTPUTS}
    assert status_value(report, "functionUrl") == "http://127.0.0.1:1/"
    assert status_value(report, "handlerLambdaName") == "handler-1a2b3c4"
    assert status_value(report, "running") == "true"
    with pytest.raises(UsageError, match="^the status has no functionUrls; did you mean functionUrl\\?$"):
        status_value(report, "functionUrls")
    with pytest.raises(UsageError, match="^there is no databaseUrl now; start the stack with: aurora-lambda up$"):
        status_value(report, "databaseUrl")


def test_the_status_of_a_mapping_is_one_line() -> None:
    """A person would have to read JSON to see whether records are held up."""
    mapping = {"state": "Enabled", "uuid": "5f1e", "position": "17", "oldestRecordAge": 61.4, "failures": 2}
    idle = {**mapping, "oldestRecordAge": None, "failures": 0}
    assert status_lines(
        {"outputs": {"streamMappings": {"items": "5f1e"}}, "mappings": {"items": mapping, "orders": idle}}
    ) == [
        'outputs          streamMappings: {"items": "5f1e"}',
        "mappings         items: Enabled, at 17, oldest record waits 61 s, 2 failures",
        "                 orders: Enabled, at 17, no record waits, 0 failures",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["invoke", "handlr", "-s", "dev"], "stack 'dev' has no function 'handlr'; it has handler, migration-runner"),
        (["invoke", "handler", "-s", "nope"], "pulumi knows no outputs of stack 'nope': error: no stack named 'nope' found"),
        (["invoke", "handler"], "no stack is running here; start one with: aurora-lambda up"),
        (["console"], "no stack is running here; start one with: aurora-lambda up"),
        (["invoke", "handler", "{", "-s", "dev"], "the payload is not JSON (Expecting property name enclosed in double "
         'quotes: line 1 column 2 (char 1)); for example: \'{"command": "get"}\''),
        (
            ["migrate", "downgrade", "-s", "dev"],
            "stamp and downgrade take a revision, and nothing else does; type: aurora-lambda migrate downgrade 0003",
        ),
        (
            ["migrate", "--revision", "0003", "-s", "dev"],
            "stamp and downgrade take a revision, and nothing else does; type: aurora-lambda migrate downgrade 0003",
        ),
        (["invoke", "handler", "[" * 50_000, "-s", "dev"], "the payload is not JSON (maximum recursion depth exceeded while "
         'decoding a JSON array from a unicode string); for example: \'{"command": "get"}\''),
        (["invoke", "handler", '"\udcff"', "-s", "dev"], "the payload is not JSON ('utf-8' codec can't encode character "
         "'\\udcff' in position 1: surrogates not allowed); for example: '{\"command\": \"get\"}'"),
        (["up", "-c", "engine"], "-c takes key=value, not 'engine'; for example: -c engine=mysql"),
        (["up", "-c", "aurora-lamda:engine=mysql"], "-c: nothing here reads aurora-lamda:engine; did you mean aurora-lambda:engine?"),
    ],
)  # fmt: skip
def test_wrong_use_is_exit_code_2_and_says_what_to_type(
    aws: FakeLambda, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """A typo would look like a failed function."""
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert aws.asked == []


def test_a_payload_over_six_megabytes_is_not_sent(aws: FakeLambda, capsys: pytest.CaptureFixture[str]) -> None:
    """The upload would be waited for, only to be refused."""
    assert main(["invoke", "handler", json.dumps("x" * 6_291_456), "-s", "dev"]) == 2
    assert capsys.readouterr().err == "error: the payload has 6291458 bytes; Lambda takes 6291456 at most\n"
    assert aws.asked == []


def test_the_command_alone_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    """A newcomer would have to guess at `--help`."""
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    listed = capsys.readouterr().err
    assert listed.startswith("usage: aurora-lambda")
    for command in ("up", "invoke", "env", "run", "put-item"):
        assert f"\n    {command} " in listed


def test_unknown_words_are_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts could not tell a typo from a failure."""
    with pytest.raises(SystemExit) as ended:
        main(["migrate", "explode"])
    assert ended.value.code == 2
    assert "usage: aurora-lambda" in capsys.readouterr().err


def test_without_pulumi_the_message_says_what_can_be_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody without Pulumi would see a missing file."""
    monkeypatch.setattr(deployed_stack, "status", lambda: NOTHING_HERE)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["invoke", "handler", "-s", "dev"]) == 2
    assert capsys.readouterr().err == (
        "error: stack 'dev' is not running here, and Pulumi's command line, which knows the stacks on AWS, is not "
        "installed; start the stack here with: aurora-lambda up -s dev\n"
    )


@pytest.mark.parametrize(
    ("result", "printed"),
    [
        ({"command": "sql", "output": "CREATE TABLE a ();\n"}, "CREATE TABLE a ();"),
        ({"command": "sql"}, "-- nothing is pending"),
        ({"command": "current", "after": None, "pending": [PENDING]}, "no revision"),
        (
            {"command": "downgrade", "before": "0005", "after": None, "applied": [], "pending": [PENDING]},
            "pending:\n  0006  add phone\ndowngrade: ok, postgres at 0005 -> empty (80 ms)",
        ),
        (
            {"command": "downgrade", "before": "0005", "after": "0004"},
            "undone:\n  0005  index posts  (12 ms)\ndowngrade: ok, postgres at 0005 -> 0004 (80 ms)",
        ),
        (
            {"applied": [], "before": "0005"},
            "deploy: ok, postgres at 0005 (80 ms)",
        ),
    ],
)
def test_each_kind_of_result_reads_well(result: dict[str, Any], printed: str) -> None:
    """SQL could not be piped on, or an undone revision would look applied."""
    assert migration_summary(cast(MigrationResult, DEPLOYED | result)) == printed


@pytest.mark.parametrize("name", ["handler", "handler-1a2b3c4", f"{ACCOUNT}handler-1a2b3c4"])
def test_a_function_goes_by_several_names(name: str) -> None:
    """What one command prints could not be typed into the next."""
    assert DeployedStack("dev", OUTPUTS).arn(name) == OUTPUTS["handlerLambdaArn"]
    assert DeployedStack("dev", OUTPUTS).arn("migrations") == OUTPUTS["migrationRunnerLambdaArn"]


def test_another_stack_that_runs_here_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who runs `dev` here would be told that nothing runs."""
    here = {"running": True, "stack": "dev", "outputs": OUTPUTS, "lambdaEndpoint": ""}
    monkeypatch.setattr(deployed_stack, "status", lambda: here)
    assert main(["invoke", "handler", "-s", "local"]) == 2
    message = "error: stack dev is running here, not local; change to it with: aurora-lambda up\n"
    assert capsys.readouterr().err == message


def test_a_reader_that_stops_reading_is_no_fault() -> None:
    """Else `aurora-lambda logs handler -f | head` would end in a traceback."""
    program = (
        "import sys; from aurora_lambda_local.cli import main;"
        "from aurora_lambda_local.deployed import logs, stack;"
        "from datetime import UTC, datetime;"
        "from aurora_lambda_local.deployed.log_reader import LogEvent;"
        "stack.select_stack = lambda name: stack.DeployedStack('local', {});"
        "logs.read_logs = lambda *_, **__: iter([LogEvent(datetime.now(UTC), 'handler', 'line')] * 100_000);"
        "sys.exit(main.main(['logs', '--json']))"
    )
    piped = f'{sys.executable} -c "{program}" | head -1; exit ${{PIPESTATUS[0]}}'
    ended = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "line\n", "")


def test_a_stack_that_failed_half_way_is_told_from_a_misspelt_function() -> None:
    """People would look for a typo where a deployment had failed."""
    with pytest.raises(UsageError, match="^stack 'dev' has no functions: its deployment has not succeeded yet"):
        DeployedStack("dev", {}).arn("handler")


@pytest.mark.parametrize(
    ("answer", "message"),
    [('{"errorMessage": "boom"}', "boom"), ("not json", "not json"), ('["x"]', '["x"]'), ("{}", "{}")],
)
def test_an_error_without_a_message_is_shown_whole(answer: str, message: str) -> None:
    """An unusual failure would be shown as nothing."""
    assert error_message(answer) == message


def test_every_command_has_its_function() -> None:
    """Whoever types it would get a traceback: it is found by its name when it is typed."""
    for command in command_parsers()[1].values():
        module, _, function = command.get_default("run").partition(".")
        assert callable(getattr(import_module(f"aurora_lambda_local.cli.{module}"), function))


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who reports a fault could not say of which version."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"aurora-lambda {project['version']}\n"


def test_an_interrupt_during_the_first_imports_ends_the_command_quietly() -> None:
    """Somebody who types Ctrl-C at once would get a traceback of Python's import system."""
    program = (
        "import sys, importlib.abc\n"
        "class Interrupted(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'aurora_lambda_local.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from aurora_lambda_local.cli import run\n"
        "sys.exit(run())"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("arguments", "command", "stack"),
    [
        (["up", "-s", "acme/shop/prod"], "commands.up", "prod"),
        (["dev", "-s", "acme/shop/prod"], "dev.dev", "prod"),
        (["preview", "-s", "prod"], "commands.preview", "prod"),
        (["invoke", "-s", "acme/shop/prod", "handler"], "function_commands.invoke", "acme/shop/prod"),
        (["up"], "commands.up", None),
    ],
)
def test_a_stack_here_is_known_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], command: str, stack: str | None
) -> None:
    """`up` would not find what the stack had before, and replace its data without a word; Pulumi needs it whole."""
    seen: list[object] = []
    monkeypatch.setattr(f"aurora_lambda_local.cli.{command}", lambda options: seen.append(options.stack))
    assert main(arguments) == 0
    assert seen == [stack]
