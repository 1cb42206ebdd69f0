"""What a deployment does to streams that are up, step by step, as the engine decides it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.components.conftest import Stack
from tests.components.engine import Engine
from tests.components.recording import Recording
from tests.components.tokens import TABLE

AA = {"name": "aa", "table": "items", "database": False}
BB = {"name": "bb", "table": "items", "database": False}
ITEMS = "aurora-lambda-dev-items"
BUCKET = {
    "Bucket",
    "BucketLifecycleConfiguration",
    "BucketPolicy",
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
}


@pytest.fixture
def streams(stack: Stack) -> Any:
    """`streams(AA, BB, forceDestroy="true")` is the recording of a stack of these streams alone."""
    return lambda *entries, **config: stack(engine="none", streams=json.dumps(entries), **config)


def changes(before: Recording, after: Recording) -> list[str]:
    """Return the steps of a deployment of `after` on a stack that is `before`."""
    engine = Engine()
    engine.up(before)
    return engine.up(after)


def of_the_bucket(steps: list[str]) -> set[str]:
    """Return the steps about a bucket and what belongs to it; the program registers these in any order."""
    return {step for step in steps if "Bucket" in step}


def as_it_was(recording: Recording, stream: str) -> Recording:
    """Return the recording with the table as the child of a stream, named by it, as `TableStream` once made it."""
    urn = f"urn:pulumi:dev::aurora-lambda::aurora-lambda:index:TableStream$aws:dynamodb/table:Table::{stream}"
    registrations = [
        replace(each, urn=urn, name=stream, inputs={**each.inputs, "tags": {"Name": stream}})
        if each.type == TABLE
        else each
        for each in recording.registrations
    ]
    return replace(recording, registrations=registrations)


def test_an_unchanged_stack_is_left_alone(streams: Any) -> None:
    """Every deployment would replace what did not change."""
    assert changes(streams(AA, BB), streams(AA, BB)) == []


def test_swapped_streams_of_one_table_change_nothing(streams: Any) -> None:
    """`pulumi up` would fail for ever with `Table already exists`."""
    assert changes(streams(AA, BB), streams(BB, AA)) == []
    keyed = {**AA, "sortKey": "at"}
    assert changes(streams(keyed, BB), streams(BB, keyed)) == []


@pytest.mark.parametrize("after", [[BB], [{**AA, "name": "cc"}, BB]])
def test_the_first_stream_of_a_table_can_be_removed_or_renamed(streams: Any, after: list[dict[str, Any]]) -> None:
    """The table would go with the stream that stood first, or be made a second time, which AWS refuses."""
    assert [step for step in changes(streams(AA, BB), streams(*after)) if " Table " in step] == []


def test_another_spelling_of_a_tables_name_changes_nothing_about_it(streams: Any) -> None:
    """The table would be deleted, or made a second time, which AWS refuses."""
    spelled = {**AA, "table": "dev-items", "tablePrefix": "aurora-lambda-"}
    assert changes(streams(AA), streams(spelled)) == []


@pytest.mark.parametrize("first", ["aa", "bb"])
def test_a_stack_that_is_up_keeps_its_table_with_this_version(streams: Any, first: str) -> None:
    """The first deployment with this version would fail with `Table already exists`."""
    assert changes(as_it_was(streams(AA, BB), first), streams(AA, BB)) == [f"update Table {ITEMS}"]


def test_another_starting_position_deletes_the_mapping_first(streams: Any) -> None:
    """Lambda refuses a second mapping of a stream to a function: the change could never be deployed."""
    assert changes(streams(AA), streams({**AA, "startingPosition": "LATEST"})) == [
        "delete EventSourceMapping aa",
        "create EventSourceMapping aa",
    ]


def test_without_a_destination_the_mapping_is_replaced_and_the_records_stay(streams: Any) -> None:
    """The only copy of the records would be deleted, and Lambda would go on writing to the bucket that is gone."""
    steps = changes(streams(AA), streams({**AA, "onFailure": "nowhere"}))
    assert [step for step in steps if "Bucket" not in step and "Alarm" not in step] == [
        "create RolePolicy aa",
        "delete EventSourceMapping aa",
        "create EventSourceMapping aa",
        "delete RolePolicy aa",
    ]
    assert of_the_bucket(steps) == {f"keep {part} aa-failures" for part in BUCKET}
    assert [step for step in steps if "Alarm" in step] == ["delete MetricAlarm aa-given-up"]


def test_another_destination_is_allowed_before_the_mapping_has_it_and_the_old_one_after(streams: Any) -> None:
    """A record that is given up in between would be lost for want of a permission.

    A mapping made anew would deliver the records of the last day again: each of their mails would be sent twice.
    """
    steps = changes(streams(AA), streams({**AA, "onFailure": "queue"}))
    assert steps[:4] == [
        "create Queue aa-failures",
        "create RolePolicy aa",
        "update EventSourceMapping aa",
        "delete RolePolicy aa",
    ]
    assert set(steps[4:]) == {f"keep {part} aa-failures" for part in BUCKET}


def test_a_removed_stream_leaves_its_records_unless_the_stack_may_lose_them(streams: Any) -> None:
    """A stream taken out of the list would take the only copy of its failures along."""
    other = {**BB, "table": "other"}
    kept = changes(streams(AA, other), streams(other))
    assert of_the_bucket(kept) == {f"keep {part} aa-failures" for part in BUCKET}
    forced = changes(streams(AA, other, forceDestroy="true"), streams(other, forceDestroy="true"))
    assert of_the_bucket(forced) == {f"delete {part} aa-failures" for part in BUCKET}
