"""What a mistyped command is answered, and what a command asks before it goes on."""

import subprocess

import pulumi
import pytest

from aurora_lambda.service.configuration import read
from aurora_lambda.service.keys import SettingsError
from aurora_lambda_local.cli.dev import Deployment
from aurora_lambda_local.cli.formatting import advice_here
from aurora_lambda_local.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "usage", "message"),
    [
        (["up", "--force"], "up", "aurora-lambda up takes no --force; leave it out"),
        (["up", "--contaners"], "up", "aurora-lambda up takes no --contaners; did you mean --containers?"),
        (
            ["invoke", "a", "{}", "b"],
            "invoke",
            "aurora-lambda invoke takes no b; leave it out, or quote what belongs together",
        ),
        (["-y", "up"], "up", "-y comes after the command; type: aurora-lambda up -y"),
        (["-y", "status"], "status", "aurora-lambda status takes no -y; leave it out"),
        (["destroy"], "", "destroy has another name here; type: aurora-lambda down"),
        (["stack", "output"], "", "stack has another name here; type: aurora-lambda status"),
        (["plan"], "", "plan has another name here; type: aurora-lambda preview"),
        (["ps"], "", "ps has another name here; type: aurora-lambda status"),
        (["db:generate", "x"], "", "db:generate has another name here; type: aurora-lambda new-migration"),
        (["shell"], "", "shell has another name here; type: aurora-lambda run -- COMMAND"),
        (["help", "up"], "", "help has another name here; type: aurora-lambda --help"),
        (["migrate", "upgrade"], "migrate", "migrate upgrade has another name here; type: aurora-lambda migrate"),
        (["migrate", "chekc"], "migrate", "there is no command migrate chekc; type: aurora-lambda migrate check"),
        (["config", "engine"], "config", "there is no command config engine; see aurora-lambda config --help"),
        (["config", "unset", "a"], "config", "config unset has another name here; type: aurora-lambda config rm KEY"),
        (["psql"], "", "there is no command psql; type: aurora-lambda sql"),
        (["logs", "--tail=9"], "logs", "aurora-lambda logs takes no --tail=9; type: aurora-lambda logs --since 10m"),
        (
            ["up", "engine=mysql"],
            "up",
            "aurora-lambda up takes no engine=mysql; type: aurora-lambda up -c engine=mysql",
        ),
        (
            ["preview", "dev"],
            "preview",
            "aurora-lambda preview takes no dev; leave it out, or name a stack with -s STACK",
        ),
        (["stauts"], "", "there is no command stauts; type: aurora-lambda status"),
        (["frobnicate"], "", "there is no command frobnicate; see aurora-lambda --help"),
    ],
)
def test_a_mistake_is_answered_with_the_commands_own_usage_and_what_to_type(
    capsys: pytest.CaptureFixture[str], arguments: list[str], usage: str, message: str
) -> None:
    """People who come from Pulumi or Docker Compose would search all of the help for each word."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"usage: aurora-lambda {usage}")
    assert printed.splitlines()[-1] == f"error: {message}"


@pytest.mark.parametrize(
    ("assignments", "mistake"),
    [
        (["engine=mysq"], "engine is 'mysq'; must be mysql, postgres, dsql or none. Type: -c engine=mysql"),
        (
            ["snapshotIdentifier=a", "restoreClusterIdentifier=shop-prod-main-db-1a2b"],
            "snapshotIdentifier and restoreClusterIdentifier both say what the cluster is made from."
            " Leave out -c restoreClusterIdentifier",
        ),
        (["aurora-lambda:nope=1"], "nope is not a configuration key; leave out -c nope"),
        (
            ["streams=1"],
            "streams is '1'; must be a list of streams."
            " Type: aurora-lambda config set --path 'streams[0].name' copy-items",
        ),
    ],
)
def test_a_mistake_in_an_option_is_mended_in_the_option(assignments: list[str], mistake: str) -> None:
    """Somebody without Pulumi would be told to type its commands, for a key that is in no file."""
    given = dict(assignment.rpartition(":")[2].split("=") for assignment in assignments)
    with pytest.raises(SettingsError) as refused:
        read(given, "local")
    assert advice_here(str(refused.value), "local", assignments).splitlines()[1:] == [f"  {mistake}"]


def test_what_an_option_would_replace_is_kept_by_leaving_it_out() -> None:
    """It was told to be removed from a file that does not have it."""
    message = "that replaces it. To keep it: pulumi config rm vpcId; to replace it: pulumi config set replaceData true"
    assert advice_here(message, "local", ["vpcId=vpc-0a"]) == (
        "that replaces it. To keep it: leave out -c vpcId; to replace it: aurora-lambda config set replaceData true"
    )


def test_a_mistake_in_a_stacks_file_is_mended_there() -> None:
    """The advice would change the file of another stack."""
    message = "engine is 'mysq'. Type: pulumi config set engine mysql; pulumi up"
    local = "engine is 'mysq'. Type: aurora-lambda config set engine mysql; aurora-lambda up"
    dev = "engine is 'mysq'. Type: aurora-lambda config -s dev set engine mysql; aurora-lambda up -s dev"
    assert (advice_here(message, "local", []), advice_here(message, "dev", [])) == (local, dev)
    both = "0003 n is not deployed: run `aurora-lambda up`, for a stack on AWS `pulumi up`"
    assert advice_here(both, "local", []) == both


@pytest.mark.parametrize(
    ("message", "advised"),
    [
        ("handler: it does not start: E: No module named 'boto3' (application/web.py, line 11). More: logs", True),
        ("MigrationError: tables.py cannot be loaded: ModuleNotFoundError: No module named 'boto3'", True),
        ("handler: it does not start: E: No module named 'application.mails'", False),
        ("the program failed: ModuleNotFoundError: No module named 'settings'", False),
    ],
)
def test_a_package_that_an_image_lacks_is_told_where_to_name_it(message: str, advised: bool) -> None:
    """It is installed here, or was added for the handler alone: the error would say no more than that it is missing."""
    advice = (
        "\nA package that functions import goes under handler in pyproject.toml's [dependency-groups], and what"
        " tables.py imports under migrations too; then type: make setup"
    )
    assert advice_here(message, "local", []) == message + advice * advised


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["prev"], ["preview"]),
        (["put"], ["put-item"]),
        (["invoke", "--de"], ["--debug"]),
        (["up", "--con"], ["--config", "--containers"]),
        (["migrate", "dep"], ["deploy"]),
        (["config", "g"], ["get"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
)
def test_bash_completes_commands_options_and_actions(
    capsys: pytest.CaptureFixture[str], typed: list[str], completed: list[str]
) -> None:
    """People would have to know them by heart."""
    assert main(["completion", "bash"]) == 0
    words = " ".join(f"'{word}'" for word in ["aurora-lambda", *typed])
    asked = f"COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _shtab_aurora_lambda; echo ${{COMPREPLY[@]}}"
    ended = subprocess.run(["bash", "-c", capsys.readouterr().out + asked], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == completed


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_too(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    """Their users would be left out."""
    assert main(["completion", shell]) == 0
    assert "new-migration" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_on_a_terminal_data_is_deleted_only_when_somebody_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int
) -> None:
    """A day's data would go with a word typed in the wrong window."""
    taken_down: list[bool] = []
    monkeypatch.setattr("aurora_lambda_local.commands.has_data", lambda: True)
    monkeypatch.setattr("aurora_lambda_local.commands.down", lambda *, keep_data: taken_down.append(keep_data))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main(["down"]) == code
    assert taken_down == ([False] if answer == "y" else [])
    assert capsys.readouterr().err == (
        ""
        if answer == "y"
        else "error: nothing is changed; to stop the stack and keep its data: aurora-lambda down --keep-data\n"
    )
    assert main(["down", "--yes"]) == 0
    assert main(["down", "--keep-data"]) == 0
    assert taken_down[-2:] == [False, True]


def test_dev_deploys_with_the_options_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each save would ask what `--yes` has answered, or lose the value of `-c`."""
    seen: list[Deployment] = []
    monkeypatch.setattr("aurora_lambda_local.cli.dev.develop", seen.append)
    assert main(["dev", "-y", "-c", "engine=mysql"]) == 0
    assert main(["dev"]) == 0
    assert [(each.stack, each.overrides, each.arguments) for each in seen] == [
        ("local", {"engine": "mysql"}, ["-s", "local", "-c", "engine=mysql", "--yes"]),
        ("local", {}, ["-s", "local"]),
    ]


def test_what_a_program_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a component that refuses an argument, or one's own program, would be shown as a fault of this one."""

    def refuse(*_: object, **__: object) -> None:
        raise pulumi.RunError("Network 'n': subnet_ids has 'subnet-1' twice")

    monkeypatch.setattr("aurora_lambda_local.program.deploy.up", refuse)
    assert main(["up"]) == 2
    assert capsys.readouterr().err == "error: Network 'n': subnet_ids has 'subnet-1' twice\n"


def test_a_file_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody whose checkout belongs to another user would be shown a traceback."""

    def write(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/a/Pulumi.local.yaml")

    monkeypatch.setattr("aurora_lambda_local.cli.configuration.StackConfiguration.write", write)
    assert main(["config", "set", "engine", "mysql"]) == 1
    assert capsys.readouterr().err == "error: [Errno 13] Permission denied: '/a/Pulumi.local.yaml'\n"


def test_a_closed_standard_output_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command in a service that has no output would end in a traceback."""
    monkeypatch.setattr("sys.stdout", None)
    assert main(["config", "get", "engine"]) == 0
