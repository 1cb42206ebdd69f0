"""What an `up` would delete with data in it, and who says that it may."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aurora_lambda_local import commands
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.program.deploy import MayDelete, up
from aurora_lambda_local.program.progress import Progress
from tests.local import stream_project
from tests.local.running import Lines
from tests.local.stream_project import client
from tests.services import eventually

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TABLE = "shop-local-table"
KEPT = (
    "nothing is deleted, and the stack goes on with what was made. To keep {}, restore that in the program; to delete"
    " it: aurora-lambda up --yes"
)


def bring_up(checkout: Path, may_delete: MayDelete | None = None, **options: Any) -> Lines:
    lines = Lines()
    program = partial(stream_project.program, **options)
    up("local", checkout=checkout, program=program, progress=Progress(lines.append), may_delete=may_delete)
    return lines


class Person:
    """Somebody who answers, and remembers what was asked."""

    def __init__(self, *, answer: bool) -> None:
        self.answer = answer
        self.asked: list[list[str]] = []

    def __call__(self, lost: Sequence[str]) -> bool:
        self.asked.append(list(lost))
        return self.answer


def fill(checkout: Path, *keys: str) -> None:
    with closing(client(checkout, "dynamodb")) as dynamodb:
        for key in keys:
            dynamodb.put_item(TableName=TABLE, Item={"id": {"S": key}})


def tables(checkout: Path) -> dict[str, int]:
    """Return the tables with how many items each has."""
    with closing(client(checkout, "dynamodb")) as dynamodb:
        return {name: dynamodb.scan(TableName=name)["Count"] for name in dynamodb.list_tables()["TableNames"]}


def failures(checkout: Path, bucket: str) -> int:
    with closing(client(checkout, "s3")) as s3:
        return s3.list_objects_v2(Bucket=bucket)["KeyCount"]


def test_what_leaves_the_program_goes_only_when_somebody_says_so(checkout: Path) -> None:
    """A stream taken out of the program to try something would cost a day's items."""
    bring_up(checkout, queue=True)
    fill(checkout, "a", "b")
    with closing(client(checkout, "sqs")) as sqs:
        sqs.send_message(QueueUrl="http://localhost/123456789012/letters", MessageBody="x")
    before = commands.status(checkout)["outputs"]
    no, yes = Person(answer=False), Person(answer=True)
    with pytest.raises(LocalError) as refused:
        bring_up(checkout, no, table=False)
    lost = ["queue letters with 1 message", f"table {TABLE} with 2 items"]
    assert sorted(no.asked[0]) == lost
    assert str(refused.value) == KEPT.format(", ".join(no.asked[0]))
    assert (tables(checkout), commands.status(checkout)["outputs"]) == ({TABLE: 2}, before)
    assert list(commands.status(checkout)["mappings"]) == ["items"]
    lines = bring_up(checkout, yes, table=False)
    assert yes.asked == no.asked
    assert sorted(lines.notes()) == [f"note: deleted with what it held: {each}" for each in lost]
    assert tables(checkout) == {}


def test_nobody_is_asked_where_nothing_is_lost(checkout: Path) -> None:
    """Who is asked for nothing says yes without reading."""
    person = Person(answer=False)
    bring_up(checkout, person)
    fill(checkout, "a")
    bring_up(checkout, person, label="by-its-name", tags="b")
    assert (person.asked, tables(checkout)) == ([], {TABLE: 1})
    with closing(client(checkout, "dynamodb")) as dynamodb:
        dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": "a"}})
    bring_up(checkout, person, table=False)
    assert (person.asked, tables(checkout)) == ([], {})


def test_what_another_replaces_stays_until_somebody_says_so(checkout: Path) -> None:
    """Its items would be gone before anybody is asked; or stay for ever, with nothing that names them."""
    bring_up(checkout, poison="a")
    fill(checkout, "a")
    assert eventually(lambda: failures(checkout, "failures") == 1)
    no = Person(answer=False)
    for _ in range(2):
        with pytest.raises(LocalError, match="^nothing is deleted"):
            bring_up(checkout, no, name="other", bucket="given-up")
        assert tables(checkout) == {TABLE: 1, "other": 0}
        assert failures(checkout, "failures") == 1
    assert [sorted(each) for each in no.asked] == [["bucket failures with 1 object", f"table {TABLE} with 1 item"]] * 2
    # Back again, they are the program's, and what replaced them goes.
    bring_up(checkout, no, poison="a")
    assert (tables(checkout), len(no.asked)) == ({TABLE: 1}, 2)
    lines = bring_up(checkout, name="other", bucket="given-up")
    assert lines.changes()["aws:dynamodb:Table items"] == "replaced"
    assert f"note: deleted with what it held: table {TABLE} with 1 item" in lines.notes()
    assert tables(checkout) == {"other": 0}


@pytest.mark.parametrize("person", [None, Person(answer=True)], ids=["a script", "somebody who says yes"])
def test_a_table_of_other_keys_takes_the_olds_place_only_when_somebody_says_so(
    checkout: Path, person: Person | None
) -> None:
    """DynamoDB changes no key: under its own name a table can only be deleted and made anew."""
    bring_up(checkout)
    fill(checkout, "a")
    no = Person(answer=False)
    with pytest.raises(LocalError) as refused:
        bring_up(checkout, no, key="sku")
    assert str(refused.value) == KEPT.format(f"table {TABLE} with 1 item")
    assert tables(checkout) == {TABLE: 1}
    lines = bring_up(checkout, person, key="sku")
    assert lines.notes() == [f"note: deleted with what it held: table {TABLE} with 1 item"]
    assert tables(checkout) == {TABLE: 0}
    assert [each.asked for each in (no, person) if each] == [[[f"table {TABLE} with 1 item"]]] * (2 if person else 1)


@pytest.mark.parametrize(
    ("arguments", "answer", "code", "left"),
    [
        ([], "n", 1, {TABLE: 1}),
        ([], "\x04", 1, {TABLE: 1}),
        ([], "y", 0, {}),
        (["--yes"], "", 0, {}),
        (["-s", "other"], "", 0, {TABLE: 1}),
    ],
    ids=["no", "end of input", "yes", "--yes", "another stack"],
)
def test_a_terminal_asks(checkout: Path, arguments: list[str], answer: str, code: int, left: dict[str, int]) -> None:
    """Between the lines of an `up` nobody would see a question, or a script would wait for ever for an answer."""
    bring_up(checkout)
    fill(checkout, "a")
    (checkout / "stacks" / "__main__.py").write_text(
        f"import sys\n\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.local.stream_project import program\n\nprogram(table=False)\n"
    )
    shown, returned = at_terminal(checkout, ["up", *arguments], answer)
    assert returned == code, shown
    asked = f"Delete table {TABLE} with 1 item? [y/N]" in shown
    assert asked is (not arguments), shown
    if "-s" in arguments:
        bring_up(checkout)
    assert tables(checkout) == left


def at_terminal(checkout: Path, arguments: list[str], answer: str) -> tuple[str, int]:
    """Return what a command shows on a terminal of its own where `answer` is typed, and its exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "aurora_lambda_local.cli.main", *arguments],
        cwd=checkout,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200", "NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while data := read(ours):
        shown += data
        if b"[y/N]" in data and answer:
            os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode()), process.wait()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux says so when the other side is closed.
        return b""
