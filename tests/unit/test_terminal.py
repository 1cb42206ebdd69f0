"""What a terminal shows and what a pipe gets."""

import io
import re

import pytest

from aurora_lambda_local.cli import terminal
from aurora_lambda_local.cli.live_progress import LiveProgress
from aurora_lambda_local.cli.terminal import print_line, print_table, working


class Screen(io.StringIO):
    """A terminal of 80 columns that keeps what is written, escape codes included."""

    def isatty(self) -> bool:
        return True


def open_screen(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Screen:
    """Make the standard output a terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"COLUMNS": "80", "TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    terminal.console.cache_clear()
    return screen


def lines(screen: Screen) -> list[str]:
    """Return what a terminal shows, without escape codes and blanks at the end."""
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.getvalue())
    return [line.rstrip() for line in text.splitlines()]


def test_a_terminal_has_colours_unless_somebody_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure would look like all the rest, or escape codes would be read aloud."""
    screen = open_screen(monkeypatch)
    print_line(("error:", "red"), " no")
    assert screen.getvalue() == "\x1b[31merror:\x1b[0m no\n"
    screen = open_screen(monkeypatch, NO_COLOR="1")
    print_line(("error:", "red"), " no")
    assert screen.getvalue() == "error: no\n"


def test_a_pipe_gets_whole_lines_without_escape_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Else `| grep` would miss what was broken in two, and files would be full of escape codes."""
    long = "word " * 40
    print_line(("error:", "red"), f" {long}")
    print_table(["name", "text"], [["a%", long.rstrip()], ["longer", ""]])
    with working("stopping"):
        pass
    assert capsys.readouterr().out.splitlines() == [
        f"error: {long}",
        f"name    {'text'.ljust(199)}".rstrip(),
        f"------  {'-' * 199}",
        f"a%      {long.rstrip()}",
        "longer",
    ]


def test_a_line_goes_on_indented_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal would break it within a word; and an ARN has to be one line, to be copied."""
    screen = open_screen(monkeypatch)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:migrations-863841d"
    print_line("stack 'prod' is not running here, and Pulumi's command line is not installed; type: aurora-lambda up")
    print_line("    migrationRunnerLambdaArn: ", (arn, "cyan"))
    print_line(" " * 17, f"handlerLambdaArn: {arn}")
    print_line(f"postgres://{'x' * 80}")
    assert lines(screen) == [
        "stack 'prod' is not running here, and Pulumi's command line is not installed;",
        "      type: aurora-lambda up",
        "    migrationRunnerLambdaArn:",
        f"      {arn}",
        "                 handlerLambdaArn:",
        f"      {arn}",
        f"postgres://{'x' * 80}",
    ]


def test_a_table_keeps_to_the_width_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its columns would no longer stand below each other."""
    screen = open_screen(monkeypatch)
    print_table(["id", "text"], [["1", "x" * 100], ["2", "[bold]"]])
    assert lines(screen) == [
        "id   text",
        "─" * 80,
        f"1    {'x' * 74}…",
        "2    [bold]",
    ]


def test_an_id_in_a_table_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next command needs it, and it could not be copied."""
    screen = open_screen(monkeypatch)
    first, second = "b79c787a-cb72-44e5-82b8-d0b014e7c54f", "d7854190-1b98-4191-a04e-012f92c5700f"
    print_table(["id", "user_id", "text", "at"], [[first, second, "x" * 30, "2026-11-29"], [second, "NULL", "", ""]])
    shown = lines(screen)
    assert (shown[2].split()[:2], shown[3].split()) == ([first, second], [second, "NULL"])
    assert max(map(len, shown)) == 80


def test_what_an_up_has_done_stays_and_what_it_does_is_the_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """People would stop what only takes long."""
    screen = open_screen(monkeypatch)
    with LiveProgress(fold=True) as progress:
        with progress.working("aws:rds:Cluster main-db"):
            progress.change("created", "aws:lambda/eventSourceMapping:EventSourceMapping", "a-long-name" * 3, 12.3)
            progress.change("created", "aws:ec2/vpc:Vpc", "network", recorded=True)
            progress.note("this stays")
        progress.finish()
    shown = [line for line in lines(screen) if line and "running the stack's program" not in line]
    assert shown == [
        " +  aws:lambda:EventSourceMapping a-long-namea-long-namea-long… created (12.3s)",
        "note: this stays",
        " +  resources that only AWS needs 1, named by --verbose         created",
    ]


def test_what_is_in_work_gives_way_to_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change would stand behind the spinner's line, and be broken in two by it."""
    screen = open_screen(monkeypatch)
    with LiveProgress(fold=True) as progress:
        progress.change("created", "docker:index/image:Image", "handler", 1.5)
        progress.change("created", "aws:rds/cluster:Cluster", "main-db", 0.9)
    assert "\r\x1b[2K\x1b[32m +  \x1b[0maws:rds:Cluster" in screen.getvalue()
