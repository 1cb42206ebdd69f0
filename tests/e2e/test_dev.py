"""`aurora-lambda dev`, as somebody who edits the application uses it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout

pytestmark = pytest.mark.slow

READY = "Watching for the next save; Ctrl-C ends it."
REFUSED = "Not all is deployed: what failed goes on as it was. Mend it and save."


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Give a checkout in which nothing runs."""
    checkout = Checkout.with_sample_application(tmp_path / "checkout")
    yield checkout
    checkout.run("down")


@pytest.fixture
def dev(checkout: Checkout) -> Iterator[subprocess.Popen[str]]:
    """Start `aurora-lambda dev`."""
    command = [sys.executable, "-m", "aurora_lambda_local.cli.main", "dev"]
    with subprocess.Popen(
        command, cwd=checkout.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def lines_to(process: subprocess.Popen[str], *ends: str) -> list[str]:
    """Return what is printed up to the first line with one of `ends`, or up to the end."""
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if any(end in line for end in ends):
            break
    return lines


def count_keys(checkout: Checkout) -> list[str]:
    """Return the keys of an answer, which the edits below change."""
    return list(checkout.curl("GET", "/notes/count")[1])


def test_a_save_is_deployed_and_one_that_cannot_be_changes_nothing(
    checkout: Checkout, dev: subprocess.Popen[str]
) -> None:
    """Each edit would take a command, or a slip of the keyboard end what runs."""
    routes, stack = checkout.folder / "lambda_images/application/routes.py", checkout.folder / "stacks/__main__.py"
    code, program = routes.read_text(), stack.read_text()
    started = lines_to(dev, READY, REFUSED)
    assert started[-1] == READY, started
    assert count_keys(checkout) == ["count"]
    # What the deployment asked of the runner it has told by then.
    logged = lines_to(dev, "  handler  ")
    assert ("  handler     REPORT   " in logged[-1], len(logged)) == (True, 1), logged

    routes.write_text(code.replace('{"count":', '{"edited":'))
    saved = lines_to(dev, READY, REFUSED)
    assert ("Saved lambda_images/application/routes.py" in saved, saved[-1]) == (True, READY)
    assert [line.split()[:3] for line in saved if line.startswith(" ")] == [
        ["~", "docker:index:Image", "handler"],
        ["~", "aws:lambda:Function", "handler"],
        ["~", "aws:lambda:Alias", "handler"],
    ]
    assert count_keys(checkout) == ["edited"]

    routes.write_text(f"{code}\nROUTES = (\n")
    place = f"(application/routes.py, line {len(code.splitlines()) + 2})"
    error, refused = lines_to(dev, READY, REFUSED)[-2:]
    assert (error.startswith("error: aws:lambda:Function handler: it does not start: "), place in error) == (True, True)
    assert refused == REFUSED
    assert count_keys(checkout) == ["edited"]

    stack.write_text(f"{program}\nservice = (\n")
    routes.write_text(code.replace('{"count":', '{"mended":'))
    assert lines_to(dev, READY, REFUSED)[-2:] == [
        "error: the program failed: SyntaxError: '(' was never closed "
        f"(__main__.py, line {len(program.splitlines()) + 2})",
        REFUSED,
    ]
    assert count_keys(checkout) == ["edited"]

    stack.write_text(program)
    assert lines_to(dev, READY, REFUSED)[-1] == READY
    assert count_keys(checkout) == ["mended"]

    tables = checkout.folder / "lambda_images/application/tables.py"
    column = '    Column("text", String(100), nullable=False),\n'
    tables.write_text(tables.read_text().replace(column, f'{column}    Column("colour", String(20)),\n', 1))
    assert lines_to(dev, READY, REFUSED)[-2:] == [
        "note: code and database disagree: add colour to notes. "
        "Write the revision with `aurora-lambda new-migration MESSAGE`",
        READY,
    ]
    # The runner's own words for it are not shown again.
    assert count_keys(checkout) == ["mended"]
    logged = lines_to(dev, "  handler  ")
    assert ("  handler     REPORT   " in logged[-1], len(logged)) == (True, 1), logged

    dev.send_signal(signal.SIGINT)
    assert lines_to(dev)[-1] == "The stack keeps running; to stop it: aurora-lambda down --keep-data"
    assert dev.wait() == 0
    assert count_keys(checkout) == ["mended"]
