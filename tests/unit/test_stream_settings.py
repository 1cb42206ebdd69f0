# ruff: noqa: E501
"""How the list of a stack's streams is read, and how mistakes in it are told."""

import json
from typing import Any

import pytest

from aurora_lambda.service.configuration import read
from aurora_lambda.service.keys import SettingsError
from aurora_lambda.service.stream_settings import StreamSettings, read_streams

COPY = {"name": "copy-items", "table": "test-table"}
PREFIX = "shop-dev-"


def mistakes(*streams: dict[str, Any]) -> list[str]:
    """Return what a stack with these streams is told."""
    with pytest.raises(SettingsError) as caught:
        read({"streams": json.dumps(streams)}, "dev")
    return caught.value.mistakes


def test_a_stream_needs_a_name_and_a_table_alone() -> None:
    """The simplest stream would take a page of configuration."""
    settings = read({"streams": json.dumps([COPY])}, "dev")
    assert settings.streams == (StreamSettings(name="copy-items", table="test-table"),)
    assert settings.streams[0].entry_point("application") == "application.streams.copy_items.process"


def test_values_are_read_as_pulumi_writes_them() -> None:
    """Pulumi writes numbers and truth values as such with --path, and as text in a file; both have to work."""
    as_text = {**COPY, "batchSize": "10", "enabled": "false", "tablePrefix": "", "sortKey": ""}
    as_values = {**COPY, "batchSize": 10, "enabled": False, "tablePrefix": "", "sortKey": ""}
    expected = StreamSettings(name="copy-items", table="test-table", batch_size=10, enabled=False, table_prefix="")
    assert [read_streams(json.dumps([each]), PREFIX) for each in (as_text, as_values)] == [((expected,), [])] * 2


def test_filters_are_patterns() -> None:
    """A function would be called for records that it ignores."""
    patterns = [{"eventName": ["INSERT"]}]
    (stream,), _ = read_streams(json.dumps([{**COPY, "filters": patterns}]), PREFIX)
    assert stream.filters == tuple(patterns)


def test_streams_share_a_function() -> None:
    """Three tables would take three functions."""
    other = {"name": "other", "table": "other-table", "function": "copy-items"}
    streams = read({"streams": json.dumps([{**COPY, "memory": 512}, other])}, "dev").streams
    assert [stream.function_name for stream in streams] == ["copy-items", "copy-items"]
    assert streams[1].entry_point("application") == "application.streams.copy_items.process"


@pytest.mark.parametrize(
    ("stream", "mistake"),
    [
        ({"table": "t"}, "streams[0].name is missing; must be at most 32 lower-case letters, digits and hyphens"),
        ({"name": "copy"}, "streams[0].table is missing; must be 3 to 255 letters, digits, '_', '-' and '.'"),
        ({**COPY, "batchsize": 1}, "streams[0].batchsize is not a key of a stream; did you mean 'batchSize'?"),
        ({**COPY, "zzz": 1}, "streams[0].zzz is not a key of a stream"),
        ({**COPY, "batchSize": 0}, "streams[0].batchSize is 0; must be a whole number of records from 1 to 10000"),
        ({**COPY, "batchSize": "ten"}, "streams[0].batchSize is 'ten'; must be a whole number of records from 1 to 10000"),
        ({**COPY, "batchSize": None}, "streams[0].batchSize is None; must be a whole number of records from 1 to 10000"),
        ({**COPY, "enabled": 1}, "streams[0].enabled is 1; must be true or false"),
        ({**COPY, "filters": ["INSERT"]}, "streams[0].filters is ['INSERT']; must be a list of event filter patterns"),
        ({**COPY, "onFailure": "topic"}, "streams[0].onFailure is 'topic'; must be bucket, queue or nowhere"),
        ({**COPY, "name": "Copy"}, "streams[0].name is 'Copy'; must be at most 32 lower-case letters, digits and hyphens"),
        ({**COPY, "name": "handler"}, "streams[0] feeds the function 'handler', which is another function of this stack"),
        ({**COPY, "tumblingWindowInSeconds": 9, "parallelizationFactor": 2}, "streams[0].parallelizationFactor is 2; must be 1 beside tumblingWindowInSeconds, since a shard has one window at a time"),
        ({**COPY, "function": "migrations"}, "streams[0] feeds the function 'migrations', which is another function of this stack"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_index_and_key(stream: dict[str, Any], mistake: str) -> None:
    """One would have to find out which of many streams is meant."""
    assert mistake in mistakes(stream)


def test_all_mistakes_of_all_streams_are_told_together() -> None:
    """Each attempt would find one more."""
    assert mistakes({**COPY, "memory": 1}, {**COPY, "name": "b", "timeout": 901}) == [
        "streams[0].memory is 1; must be a whole number of MB from 128 to 10240",
        "streams[1].timeout is 901; must be a whole number of seconds from 1 to 900",
    ]


def test_two_streams_of_one_name_or_with_two_minds_about_a_function_are_refused() -> None:
    """The program would fail half way, or a memory size that somebody chose would be ignored."""
    other = {"name": "other", "table": "other-table", "function": "copy-items", "memory": 512}
    assert mistakes({**COPY, "memory": 256}, COPY, other) == [
        "streams[1].name is 'copy-items', as is streams[0].name",
        "streams[2].memory contradicts streams[0].memory: both are of function 'copy-items'",
    ]


def test_two_functions_at_most_read_a_table() -> None:
    """AWS would refuse the second mapping or throttle the third."""
    others = [{**COPY, "name": name} for name in ("b", "c")]
    assert mistakes(COPY, *others) == [
        "streams[2] is one too many of the table 'test-table': 2 functions at most read a stream",
    ]
    assert mistakes(COPY, {**others[0], "function": "copy-items"}) == [
        "streams[1] feeds the function 'copy-items' from the table 'test-table' as streams[0] does: Lambda maps a "
        "stream to a function once"
    ]
    prefixed = [{**each, "tablePrefix": each["name"]} for each in (COPY, *others)]
    assert len(read({"streams": json.dumps(prefixed)}, "dev").streams) == 3


def test_a_table_is_the_same_in_whatever_order_its_streams_stand() -> None:
    """A list put in another order would replace the table by an empty one with another key."""
    keyed = {**COPY, "sortKey": "at", "deletionProtection": True}
    for entries in ([keyed, {**COPY, "name": "b"}], [{**COPY, "name": "b"}, keyed]):
        streams, wrong = read_streams(json.dumps(entries), PREFIX)
        assert wrong == []
        assert [(each.sort_key, each.deletion_protection) for each in streams] == [("at", True), ("at", True)]
    _, wrong = read_streams(json.dumps([keyed, {**COPY, "name": "b", "sortKey": "on"}]), PREFIX)
    assert wrong == ["streams[1].sortKey contradicts streams[0].sortKey: both are of table 'shop-dev-test-table'"]


@pytest.mark.parametrize(
    "spelling", [{"table": "a-items", "tablePrefix": PREFIX}, {"table": "dev-a-items", "tablePrefix": "shop-"}]
)
def test_a_table_under_two_spellings_of_its_name_is_one_table(spelling: dict[str, str]) -> None:
    """The table would be made twice, which AWS refuses half way through a deployment."""
    spelled = [{"name": "a", "table": "a-items", "sortKey": "at"}, {"name": "b", **spelling}]
    streams, wrong = read_streams(json.dumps(spelled), PREFIX)
    assert wrong == []
    assert {each.full_table(PREFIX) for each in streams} == {"shop-dev-a-items"}
    assert [each.sort_key for each in streams] == ["at", "at"]
    _, wrong = read_streams(json.dumps([*spelled, {"name": "c", "table": "a-items"}]), PREFIX)
    assert wrong == ["streams[2] is one too many of the table 'a-items': 2 functions at most read a stream"]


def test_filters_that_lambda_refuses_are_told_with_the_other_mistakes() -> None:
    """A deployment would make everything else first and fail at the mapping."""
    wrong = {**COPY, "filters": [{"eventName": "INSERT"}], "batchSize": 0}
    assert mistakes(wrong, {"name": "b", "table": "other", "filters": [{"eventName": ["INSERT"]}] * 6}) == [
        "streams[0].batchSize is 0; must be a whole number of records from 1 to 10000",
        "streams[0].filters[0].eventName is 'INSERT'; it must be a list of values or comparisons, or an object of fields",
        "streams[1].filters are 6, more than the 5 that a mapping takes: join some with $or",
    ]
    raised = {**COPY, "filters": [{"eventName": ["INSERT"]}] * 6, "filterQuota": 6}
    assert len(read({"streams": json.dumps([raised])}, "dev").streams[0].filters) == 6


@pytest.mark.parametrize(
    ("handler", "streams", "told"),
    [
        ("80", [5], ["handlerConcurrency 80 is more than the 80 connections that mysql has for functions with maxCapacity 2, less 5 for the streams' functions. Type: pulumi config set handlerConcurrency 75"]),
        ("-1", [40, 41], ["the concurrency of the streams' functions is 81, more than the 80 connections that mysql has for functions with maxCapacity 2. Lower it in streams"]),
        ("75", [5, -1], []),
    ],
)  # fmt: skip
def test_functions_of_streams_take_connections_too(handler: str, streams: list[int], told: list[str]) -> None:
    """A busy table would take the connections that the handler counts on."""
    entries = [
        {"name": f"s{number}", "table": f"table{number}", "concurrency": limit} for number, limit in enumerate(streams)
    ]
    entries.append({"name": "other", "table": "other", "concurrency": 900, "database": False})
    config = {"handlerConcurrency": handler, "streams": json.dumps(entries)}
    if told:
        with pytest.raises(SettingsError) as caught:
            read(config, "dev")
        assert caught.value.mistakes == told
    else:
        read(config, "dev")


def test_a_stack_without_a_database_has_streams_that_use_none() -> None:
    """Keys of a database that is not there would be ignored, and a function would fail at every record."""
    with pytest.raises(SettingsError) as caught:
        read({"engine": "none"}, "dev")
    assert caught.value.mistakes == [
        "engine none needs streams. Type: pulumi config set --path 'streams[0].name' copy-items",
    ]
    streams = [
        {**COPY, "database": False},
        {"name": "b", "table": "other"},
        {"name": "c", "table": "third", "function": "copy-items"},
    ]
    with pytest.raises(SettingsError) as caught:
        read({"engine": "none", "streams": json.dumps(streams)}, "dev")
    assert caught.value.mistakes == [
        "streams[1] uses the database, and engine none has none. Type: pulumi config set --path 'streams[1].database' false",
    ]
    fit = {
        "deletionProtection": "true",
        "architecture": "x86_64",
        "keepImages": "3",
        "streams": json.dumps(streams[:1]),
    }
    assert read({"engine": "none", **fit}, "dev").engine == "none"


@pytest.mark.parametrize("text", ["{}", "[1]", "copy", "[" * 5000])
def test_what_is_no_list_of_streams_is_refused(text: str) -> None:
    """Pulumi would show a traceback."""
    with pytest.raises(SettingsError) as caught:
        read({"streams": text}, "dev")
    assert caught.value.mistakes == [
        f"streams is {text!r}; must be a list of streams. Type: pulumi config set --path 'streams[0].name' copy-items"
    ]


def test_a_table_with_one_attribute_for_both_keys_is_refused() -> None:
    """DynamoDB refuses it when the rest of the stack is there."""
    entry = {"name": "copy", "table": "items", "partitionKey": "id", "sortKey": "id"}
    with pytest.raises(SettingsError) as caught:
        read({"streams": json.dumps([entry])}, "dev")
    assert caught.value.mistakes == [
        "streams[0].sortKey is 'id', as .partitionKey is: a table's keys are two attributes"
    ]
