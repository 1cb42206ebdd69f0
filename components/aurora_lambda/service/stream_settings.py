"""The configuration of one stream of a DynamoDB table, and of the list of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from aurora_lambda import alarms, function_args, stream_table, table_stream_args
from aurora_lambda.arguments import flag, objects, text
from aurora_lambda.filter_patterns import filter_mistakes
from aurora_lambda.naming import camel_case
from aurora_lambda.service.keys import ConfigKey, config_key, declared_keys, parse_entries, read_entry
from aurora_lambda.table_stream_args import FilterPattern

_STREAM, _FUNCTION = {**stream_table.ARGUMENTS, **table_stream_args.ARGUMENTS}, function_args.ARGUMENTS
NAME = text(r"(?=.{1,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*", "at most 32 lower-case letters, digits and hyphens")
TAKES = "a list of streams. Type: pulumi config set --path 'streams[0].name' copy-items"
# The last is what the runner is called in the outputs.
RESERVED = ("handler", "migrations", "migration-runner")
# The keys of a function and of a table that several streams share: any of these streams gives them, for all.
FUNCTION_KEYS = ("command", "database", "memory", "timeout", "concurrency")
TABLE_KEYS = [
    camel_case(name) for name in stream_table.ARGUMENTS if name not in ("table_name", "name_prefix", "kms_key_arn")
]
# Source: DynamoDB developer guide, "Quotas in Amazon DynamoDB": more readers of a shard would be throttled.
STREAMS_PER_TABLE = 2
_TABLE = "the table by a new and empty one"
# Source: the provider's aws_dynamodb_table, which disables a stream and enables another one.
STREAM = "the table's stream by a new one, without what has not been delivered"


@dataclass(frozen=True)
class StreamSettings:
    """One entry of `streams`, checked. An empty text or list stands for nothing given."""

    name: str = config_key(NAME, "Name of the stream in this stack.", "")
    table: str = config_key(_STREAM["table_name"], "The table, without its prefix.", "")
    table_prefix: str | None = config_key(
        _STREAM["name_prefix"],
        "What the table's name begins with, if not with project and stack; empty: nothing.",
        replaces=_TABLE,
    )
    existing_table: bool = config_key(
        _STREAM["existing_table"], "Whether the table exists already, with its stream enabled."
    )
    partition_key: str = config_key(_STREAM["partition_key"], "Partition key of the table.", replaces=_TABLE)
    partition_key_type: str = config_key(
        _STREAM["partition_key_type"], "Its type: string, number or binary.", replaces=_TABLE
    )
    sort_key: str = config_key(_STREAM["sort_key"], "Sort key of the table; empty: none.", "", replaces=_TABLE)
    sort_key_type: str = config_key(_STREAM["sort_key_type"], "Its type: string, number or binary.", replaces=_TABLE)
    stream_view_type: str = config_key(_STREAM["stream_view_type"], "What a record holds of the item.", replaces=STREAM)
    point_in_time_recovery: bool = config_key(
        _STREAM["point_in_time_recovery"], "Whether the table can be restored to any second of the last 35 days."
    )
    deletion_protection: bool = config_key(
        _STREAM["deletion_protection"], "Whether AWS and Pulumi refuse to delete the table."
    )
    function: str = config_key(NAME, "Function that the stream feeds; empty: one of the stream's name.", "")
    command: str = config_key(
        text(r"[\w.]+", "a Python function's path"),
        "Entry point of the function; empty: process in the application's streams/FUNCTION.py.",
        "",
    )
    database: bool = config_key(flag(default=True), "Whether the function uses the stack's SQL database.")
    memory: int = config_key(_FUNCTION["memory_size"], "Memory of the function.")
    timeout: int = config_key(_FUNCTION["timeout"], "How long the function may take for a batch.", 60)
    concurrency: int = config_key(
        _FUNCTION["reserved_concurrency"],
        "Most instances of the function at once, each with one connection to the database; -1: no limit of its own.",
    )
    starting_position: str = config_key(
        _STREAM["starting_position"], "Where to begin: with the oldest record, or with the next one."
    )
    batch_size: int = config_key(_STREAM["batch_size"], "Records in a batch at most.")
    maximum_batching_window_in_seconds: int = config_key(
        _STREAM["maximum_batching_window_in_seconds"], "How long to wait for a batch to fill."
    )
    parallelization_factor: int = config_key(
        _STREAM["parallelization_factor"], "Batches of one shard that are processed at the same time."
    )
    maximum_retry_attempts: int = config_key(
        _STREAM["maximum_retry_attempts"], "How often a failing batch is tried again; -1: until it is too old."
    )
    maximum_record_age_in_seconds: int = config_key(
        _STREAM["maximum_record_age_in_seconds"], "Age at which a record is given up; -1: when the stream drops it."
    )
    bisect_batch_on_function_error: bool = config_key(
        _STREAM["bisect_batch_on_function_error"], "Whether a failing batch is halved, which finds what fails."
    )
    report_batch_item_failures: bool = config_key(
        _STREAM["report_batch_item_failures"], "Whether the function's answer names the first record that failed."
    )
    tumbling_window_in_seconds: int = config_key(
        _STREAM["tumbling_window_in_seconds"], "Length of the windows over which the function aggregates; 0: none."
    )
    filters: tuple[FilterPattern, ...] = config_key(
        objects("a list of event filter patterns"), "Only records that one of them matches reach the function."
    )
    filter_quota: int = config_key(
        _STREAM["filter_quota"], "Filters a mapping may have; more than 5 where AWS has raised the account's quota."
    )
    enabled: bool = config_key(_STREAM["enabled"], "Whether records are delivered.")
    on_failure: str = config_key(_STREAM["on_failure"], "Where records that are given up go.")
    failure_retention_days: int = config_key(
        _STREAM["failure_retention_days"], "How long they are kept there; 14 days at most in a queue."
    )
    alarm_iterator_age_seconds: int = config_key(
        _STREAM["alarm_iterator_age_seconds"], "Age of the oldest unprocessed record that raises an alarm."
    )
    alarm_topic_arn: str = config_key(
        alarms.ARGUMENTS["topic_arn"],
        "SNS topic that is told of this stream's alarms; empty: the stack's, where it has one.",
        "",
    )

    @property
    def function_name(self) -> str:
        """The function's name in the program."""
        return self.function or self.name

    def full_table(self, default_prefix: str) -> str:
        """Return the table's whole name, which identifies it however it is spelled."""
        return (default_prefix if self.table_prefix is None else self.table_prefix) + self.table

    def entry_point(self, application: str) -> str:
        """Return the path of the Python function that gets the batches, in a package by default."""
        module = self.function_name.replace("-", "_")
        return self.command or f"{application}.streams.{module}.process"


STREAM_KEYS: Mapping[str, ConfigKey] = declared_keys(StreamSettings)


def read_streams(text: str, default_prefix: str) -> tuple[tuple[StreamSettings, ...], list[str]]:
    """Return the streams that a JSON list describes, and every mistake in it, named by its index and key.

    `default_prefix` is what tables' names begin with where a stream does not say so.

    Raises:
        ValueError: the text is not a list of objects.
    """
    entries = parse_entries(text, TAKES)
    streams, mistakes = [], []
    for index, entry in enumerate(entries):
        values, wrong = read_entry(entry, STREAM_KEYS, ("name", "table"), "a stream")
        stream = StreamSettings(**values)
        wrong += filter_mistakes(stream.filters, stream.filter_quota)
        streams.append(stream)
        mistakes += [f"streams[{index}].{mistake}" for mistake in wrong]
    if mistakes:
        return tuple(streams), mistakes
    shared, contradictions = _share(entries, streams, default_prefix)
    return shared, [*_conflicts(streams, default_prefix), *contradictions]


def new_tables(streams: Sequence[StreamSettings]) -> dict[str, int]:
    """Return the index of the first stream of each table that the stack makes, where one table has the name."""
    own = [stream for stream in streams if not stream.existing_table]
    alike = {stream.table: {each.table_prefix for each in own if each.table == stream.table} for stream in own}
    first = {stream.table: index for index, stream in reversed([*enumerate(streams)])}
    return {table: first[table] for table, prefixes in alike.items() if len(prefixes) == 1}


def stream_functions(streams: Sequence[StreamSettings]) -> dict[str, StreamSettings]:
    """Return the functions that streams feed by their names, each as the first of its streams has it."""
    functions: dict[str, StreamSettings] = {}
    for stream in streams:
        functions.setdefault(stream.function_name, stream)
    return functions


def stream_connections(streams: Sequence[StreamSettings]) -> int:
    """Return how many connections to the database the functions open at most, as far as they have limits."""
    return sum(max(0, function.concurrency) for function in stream_functions(streams).values() if function.database)


def _share(
    entries: Sequence[Mapping[str, object]], streams: Sequence[StreamSettings], default_prefix: str
) -> tuple[tuple[StreamSettings, ...], list[str]]:
    """Return the streams, each with what any of them says of its function and table, and where two disagree.

    Which of them comes first does not matter: a list in another order must not change a table.
    """
    shared, mistakes = list(streams), []
    functions = [f"function {stream.function_name!r}" for stream in streams]
    tables = [f"table {stream.full_table(default_prefix)!r}" for stream in streams]
    for owners, keys in ((functions, FUNCTION_KEYS), (tables, TABLE_KEYS)):
        givers: dict[tuple[str, str], int] = {}
        for index, owner in enumerate(owners):
            for key in (key for key in keys if key in entries[index]):
                field, first = STREAM_KEYS[key].field, givers.setdefault((owner, key), index)
                if getattr(streams[index], field) != getattr(streams[first], field):
                    mistakes.append(f"streams[{index}].{key} contradicts streams[{first}].{key}: both are of {owner}")
        for index, owner in enumerate(owners):
            given = {STREAM_KEYS[key].field: first for (name, key), first in givers.items() if name == owner}
            values = {field: getattr(streams[first], field) for field, first in given.items()}
            shared[index] = replace(shared[index], **values)
    return tuple(shared), mistakes


def _conflicts(streams: Sequence[StreamSettings], default_prefix: str) -> list[str]:
    """Return what is wrong with streams whose keys are right by themselves."""
    return [
        f"streams[{index}]{mistake}"
        for index, stream in enumerate(streams)
        for mistake in (*_own_mistakes(stream), *_conflicts_with(streams[:index], stream, default_prefix))
    ]


def _own_mistakes(stream: StreamSettings) -> Iterator[str]:
    """Yield what is wrong with keys of one stream together."""
    if stream.function_name in RESERVED:
        yield f" feeds the function {stream.function_name!r}, which is another function of this stack"
    if stream.sort_key and stream.sort_key == stream.partition_key:
        yield f".sortKey is {stream.sort_key!r}, as .partitionKey is: a table's keys are two attributes"
    if stream.tumbling_window_in_seconds and stream.parallelization_factor > 1:
        yield (
            f".parallelizationFactor is {stream.parallelization_factor}; must be 1 beside tumblingWindowInSeconds,"
            " since a shard has one window at a time"
        )


def _conflicts_with(earlier: Sequence[StreamSettings], stream: StreamSettings, default_prefix: str) -> Iterator[str]:
    """Yield what is wrong with a stream together with earlier ones."""
    names = [index for index, each in enumerate(earlier) if each.name == stream.name]
    tables = [
        i for i, each in enumerate(earlier) if each.full_table(default_prefix) == stream.full_table(default_prefix)
    ]
    if names:
        yield f".name is {stream.name!r}, as is streams[{names[0]}].name"
    elif twice := [index for index in tables if earlier[index].function_name == stream.function_name]:
        yield (
            f" feeds the function {stream.function_name!r} from the table {stream.table!r} as streams[{twice[0]}] does:"
            " Lambda maps a stream to a function once"
        )
    elif len(tables) == STREAMS_PER_TABLE:
        yield f" is one too many of the table {stream.table!r}: {STREAMS_PER_TABLE} functions at most read a stream"
