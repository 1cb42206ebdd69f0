"""The variables that one's own tools get, and what they are run as."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aurora_lambda_local.cli import stack_environment
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.deployed import stack as deployed_stack
from aurora_lambda_local.platform.errors import UsageError

OUTPUTS = {
    "liveData": {"engine": "postgres"},
    "handlerLambdaArn": "arn:1",
    "path": "/it's",
    "my-list": [1, "a"],
}
DSQL_URL = "postgresql://admin:token@localhost:5/postgres?options=-csearch_path%3Dapp&sslrootcert=%2Fca.pem"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The status of a stack that is up here, which may be changed."""
    report: dict[str, Any] = {
        "stack": "local",
        "region": "eu-west-1",
        "engine": "postgres",
        "running": True,
        "outputs": OUTPUTS,
        "lambdaEndpoint": "http://127.0.0.1:1",
        "awsEndpoint": "http://127.0.0.1:2",
        "databaseUrl": "postgresql://master:it%27s@127.0.0.1:3/app",
    }
    for module in (deployed_stack, stack_environment):
        monkeypatch.setattr(module, "status", lambda: report)
    monkeypatch.setattr(deployed_stack, "use_local_environment", lambda: None)
    return report


def test_a_shell_takes_what_env_prints(here: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """A tool would reach another database or account; and an output called `path` would take the shell's own."""
    assert main(["env"]) == 0
    shell = f"{capsys.readouterr().out}exec {sys.executable} -c 'import os; print(dict(os.environ))'"
    ended = subprocess.run(["sh", "-c", shell], env={"AWS_PROFILE": "x"}, capture_output=True, text=True, check=True)
    seen = eval(ended.stdout)  # noqa: S307
    assert {name: value for name, value in seen.items() if name not in ("PWD", "LC_CTYPE", "SHLVL", "_")} == {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:2",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1",
        "AWS_PROFILE": "x",
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "DATABASE_URL": "postgresql://master:it%27s@127.0.0.1:3/app",
        "STACK_HANDLER_LAMBDA_ARN": "arn:1",
        "STACK_MY_LIST": '[1, "a"]',
        "STACK_PATH": "/it's",
    }


@pytest.mark.parametrize(
    ("engine", "url", "given"),
    [
        ("mysql", "mysql+pymysql://m:p@127.0.0.1:3/app", "mysql+pymysql://m:p@127.0.0.1:3/app"),
        ("dsql", DSQL_URL, DSQL_URL.replace("postgresql", "dsql", 1)),
        ("none", "", None),
    ],
)
def test_the_url_means_the_stacks_own_engine(here: dict[str, Any], engine: str, url: str, given: str | None) -> None:
    """A script on Aurora DSQL would speak to it as to PostgreSQL, and be refused savepoints and settings."""
    here |= {"engine": engine, "databaseUrl": url}
    assert stack_environment.stack_environment(None).get("DATABASE_URL") == given


def test_a_tool_that_is_not_there_is_named(here: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt tool would end in a traceback."""
    assert main(["run", "--", "not-there", "-x"]) == 2
    message = "there is no program 'not-there'; for example: aurora-lambda run -- python script.py"
    assert capsys.readouterr().err == f"error: {message}\n"
    assert main(["run", "--"]) == main(["run"]) == 2


def test_without_an_active_environment_python_is_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.venv/bin/aurora-lambda run -- python script.py` would not find the project's packages."""
    started: list[tuple[str, list[str], str]] = []
    monkeypatch.setattr(
        os, "execve", lambda program, command, variables: started.append((program, command, variables["A"]))
    )
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    stack_environment.run_command(["python", "-c", ""], {"A": "1"})
    assert started == [(str(Path(sys.executable).with_name("python")), ["python", "-c", ""], "1")]
    monkeypatch.setenv("VIRTUAL_ENV", "/another")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError):
        stack_environment.run_command(["python"], {})
