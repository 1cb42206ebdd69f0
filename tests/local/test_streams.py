"""A stack with a table, a stream and a function, brought up for real, and what it survives."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aurora_lambda_local import commands
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.deployed import stack as deployed_stack
from aurora_lambda_local.deployed import stream_mapping
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.preview import preview
from aurora_lambda_local.program.progress import Progress
from tests.local import stream_project
from tests.local.running import Lines, log, supervisor
from tests.local.stream_project import client
from tests.services import eventually

pytestmark = pytest.mark.slow

TABLE = "shop-local-table"


def bring_up(checkout: Path, **options: Any) -> Lines:
    lines = Lines()
    up("local", checkout=checkout, program=partial(stream_project.program, **options), progress=Progress(lines.append))
    return lines


def put(checkout: Path, *keys: str, table: str = TABLE) -> None:
    dynamodb = client(checkout, "dynamodb")
    for key in keys:
        dynamodb.put_item(TableName=table, Item={"id": {"S": key}})


def saw(checkout: Path, *keys: str) -> bool:
    """Whether the function has been given these keys, and in this order."""
    return eventually(lambda: seen(checkout) == list(keys))


def seen(checkout: Path) -> list[str]:
    return list(_seen(log(checkout)))


def _seen(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("event "):
            yield from json.loads(line.removeprefix("event ").replace("'", '"'))


def mapping(checkout: Path) -> Any:
    return commands.status(checkout)["mappings"]["items"]


def test_an_item_reaches_the_function_and_is_shown_in_the_status(checkout: Path) -> None:
    """The whole way, from `put_item` with anybody's client to the function's log."""
    lines = bring_up(checkout)
    assert lines.changes()["aws:lambda:EventSourceMapping items"] == "created"
    put(checkout, "a", "b")
    assert saw(checkout, "a", "b")
    assert eventually(lambda: mapping(checkout)["oldestRecordAge"] is None)
    status = mapping(checkout)
    stream = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{TABLE}/stream/2026-01-01T00:00:00.000"
    assert (status["state"], status["stream"], status["failures"]) == ("Enabled", stream, 0)
    described = client(checkout, "dynamodb").describe_table(TableName=TABLE)["Table"]
    assert described["LatestStreamArn"] == stream
    assert set(bring_up(checkout).changes().values()) <= {"same"}


def saved_items(checkout: Path) -> set[str]:
    """Return the keys of the table's items on the disk."""
    (path,) = checkout.glob(".local/data/*/streams.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        ((document,),) = connection.execute("SELECT document FROM tables").fetchall()
    return {each["id"]["S"] for each in json.loads(document)["items"]}


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "down and up"])
def test_tables_progress_and_failures_survive(checkout: Path, kill: bool) -> None:
    """Whoever stops for the night would lose the tables, and get a day of records again or those of the night never."""
    bring_up(checkout, poison="poison")
    put(checkout, "a", "poison", "b")
    assert eventually(lambda: mapping(checkout)["failures"] == 1 and seen(checkout)[-1:] == ["b"])
    assert eventually(lambda: mapping(checkout)["oldestRecordAge"] is None)
    # `down` deletes the logs.
    before = len(seen(checkout)) if kill else 0
    if kill:
        # What is not saved yet may be lost.
        assert eventually(lambda: saved_items(checkout) == {"a", "b", "poison"})
        process = supervisor(checkout)
        process.kill()
        process.wait()
    else:
        commands.down(checkout, keep_data=True)
    lines = bring_up(checkout, poison="poison")
    assert lines.changes()["aws:dynamodb:Table items"] == "restored"
    items = client(checkout, "dynamodb").scan(TableName=TABLE)["Items"]
    assert sorted(each["id"]["S"] for each in items) == ["a", "b", "poison"]
    put(checkout, "c")
    assert eventually(lambda: seen(checkout)[before:] == ["c"])
    assert mapping(checkout)["failures"] == 1
    (failure,) = client(checkout, "s3").list_objects_v2(Bucket="failures")["Contents"]
    assert failure["Key"].startswith(f"aws/lambda/{mapping(checkout)['uuid']}/shardId-")


def test_a_failure_is_replayed_once_the_function_is_mended(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record that could not be processed would be lost after all."""
    bring_up(checkout, poison="poison")
    put(checkout, "poison", "a")
    assert eventually(lambda: mapping(checkout)["failures"] == 1)
    for module in (deployed_stack, stream_mapping):
        monkeypatch.setattr(module, "status", lambda: commands.status(checkout))
    assert main(["replay", "items"]) == 1
    assert mapping(checkout)["failures"] == 1
    bring_up(checkout, poison="")
    capsys.readouterr()
    assert main(["replay", "items"]) == 0
    assert capsys.readouterr().out == "failures replayed: 1, records: 1\n"
    assert mapping(checkout)["failures"] == 0
    assert seen(checkout)[-1] == "poison"


def test_an_adopted_table_is_found_with_its_stream_or_without(checkout: Path) -> None:
    """Somebody who adopts a table would deploy a mapping of nothing."""
    program = partial(stream_project.program, adopted="mine")
    assert preview("local", checkout=checkout, program=program).changes.keys() == {"created"}
    with pytest.raises(LocalError) as missing:
        bring_up(checkout, adopted="mine")
    with pytest.raises(LocalError) as foreseen:
        preview("local", checkout=checkout, program=program)
    assert str(foreseen.value) == str(missing.value)
    assert str(missing.value) == (
        "there is no DynamoDB table 'mine' here; make it with: aws dynamodb create-table --table-name mine ..."
    )
    dynamodb = client(checkout, "dynamodb")
    dynamodb.create_table(
        TableName="mine",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(LocalError, match="the stream of mine is off"):
        bring_up(checkout, adopted="mine")
    dynamodb.update_table(
        TableName="mine", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    put(checkout, "early", table="mine")
    bring_up(checkout, adopted="mine")
    assert saw(checkout, "early")


def test_what_the_program_no_longer_has_is_deleted(checkout: Path) -> None:
    """A table that comes back would bring its old items, and its mapping pass by the new ones."""
    bring_up(checkout)
    put(checkout, "a")
    assert saw(checkout, "a")
    commands.down(checkout, keep_data=True)
    lines = bring_up(checkout, table=False)
    assert lines.changes()["aws:dynamodb:Table items"] == "deleted"
    assert lines.notes() == [f"note: deleted with what it held: table {TABLE} with 1 item"]
    assert client(checkout, "dynamodb").list_tables()["TableNames"] == []
    bring_up(checkout)
    assert client(checkout, "dynamodb").scan(TableName=TABLE)["Count"] == 0
    put(checkout, "b")
    assert saw(checkout, "b")


def test_a_table_that_the_program_calls_otherwise_keeps_its_items(checkout: Path) -> None:
    """Who renames or reorders streams would lose the items, and be left with a stream of no table."""
    bring_up(checkout)
    put(checkout, "a")
    assert saw(checkout, "a")
    lines = bring_up(checkout, label="by-its-name")
    assert lines.changes()["aws:dynamodb:Table items"] == "deleted"
    assert client(checkout, "dynamodb").scan(TableName=TABLE)["Count"] == 1
    put(checkout, "b")
    assert saw(checkout, "a", "b")
