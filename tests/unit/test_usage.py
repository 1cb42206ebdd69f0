"""What a mistyped command is answered, and what a command asks before it goes on."""

import pytest

from cli.main import main


@pytest.mark.parametrize(
    ("arguments", "usage", "message"),
    [
        (["up", "--yes"], "up", "aurora-lambda up takes no --yes; leave it out"),
        (["up", "--contaners"], "up", "aurora-lambda up takes no --contaners; did you mean --containers?"),
        (
            ["invoke", "a", "{}", "b"],
            "invoke",
            "aurora-lambda invoke takes no b; leave it out, or quote what belongs together",
        ),
        (["-y", "up"], "up", "aurora-lambda up takes no -y; leave it out"),
        (["destroy"], "", "destroy has another name here; type: aurora-lambda down"),
        (["stack", "output"], "", "stack has another name here; type: aurora-lambda status"),
        (["plan"], "", "plan has another name here; type: aurora-lambda preview"),
        (["stauts"], "", "there is no command stauts; type: aurora-lambda status"),
        (["frobnicate"], "", "there is no command frobnicate; see aurora-lambda --help"),
    ],
)
def test_a_mistake_is_answered_with_the_commands_own_usage_and_what_to_type(
    capsys: pytest.CaptureFixture[str], arguments: list[str], usage: str, message: str
) -> None:
    """Else people who come from Pulumi or Docker Compose would search all of the help for each word."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"usage: aurora-lambda {usage}")
    assert printed.splitlines()[-1] == f"error: {message}"


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_on_a_terminal_data_is_deleted_only_when_somebody_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int
) -> None:
    """Else a day's data would go with a word typed in the wrong window."""
    taken_down: list[bool] = []
    monkeypatch.setattr("local.commands.has_data", lambda: True)
    monkeypatch.setattr("local.commands.down", lambda *, keep_data: taken_down.append(keep_data))
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
