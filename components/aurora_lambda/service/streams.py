"""The streams of a stack: the functions they feed, and what delivers to them."""

from collections.abc import Mapping

import pulumi

from aurora_lambda import (
    Alarms,
    FunctionRole,
    ImageFunction,
    StreamTable,
    StreamTableArgs,
    TableStream,
    TableStreamArgs,
    stream_table,
    table_stream_args,
)
from aurora_lambda.access import FunctionAccess
from aurora_lambda.naming import output_prefix, physical_name
from aurora_lambda.service.keys import given_arguments
from aurora_lambda.service.live_data import LiveStack
from aurora_lambda.service.monitoring import further_alarms, watched_functions
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stream_settings import StreamSettings, stream_functions
from aurora_lambda_runtime.database.contract import REPORT_BATCH_ITEM_FAILURES


def register_stream_roles(settings: Settings) -> dict[str, FunctionRole]:
    """Register the roles of the functions that streams feed, by the functions' names."""
    return {
        name: FunctionRole(name, settings.role_arguments(in_vpc=stream.database and settings.in_vpc))
        for name, stream in stream_functions(settings.streams).items()
    }


def database_role_arns(settings: Settings, roles: Mapping[str, FunctionRole]) -> list[pulumi.Output[str]]:
    """Return the ARNs of the roles of functions that use the database."""
    return [roles[name].arn for name, function in stream_functions(settings.streams).items() if function.database]


def register_streams(
    settings: Settings,
    image_uri: pulumi.Input[str],
    database: pulumi.Output[FunctionAccess] | None,
    roles: Mapping[str, FunctionRole],
    *,
    application: str,
    tables: Mapping[str, StreamTable],
    alarms: Alarms | None,
) -> list[pulumi.Resource]:
    """Register every stream with the function it feeds, export both and return them.

    Functions that use it get `database`, and run the package `application`; `tables` are those of the streams, by these
    streams' names. `alarms` are those of the stack, whose topic is told of these too.
    """
    functions = {
        name: _function(
            settings,
            stream,
            command=stream.entry_point(application),
            image_uri=image_uri,
            role=roles[name],
            database=database,
        )
        for name, stream in stream_functions(settings.streams).items()
    }
    streams = {
        stream.name: _table_stream(
            settings,
            stream,
            role=roles[stream.function_name],
            function=functions[stream.function_name],
            table=tables[stream.name],
            topic_arn=stream.alarm_topic_arn or (alarms.topic_arn if alarms else None),
        )
        for stream in settings.streams
    }
    _export(functions, tables, streams)
    made: list[pulumi.Resource] = [*functions.values(), *tables.values(), *streams.values()]
    if alarms and functions:
        made.append(further_alarms(settings, "stream-alarms", watched_functions(settings, functions), alarms))
    return made


def _export(
    functions: Mapping[str, ImageFunction], tables: Mapping[str, StreamTable], streams: Mapping[str, TableStream]
) -> None:
    for name, function in functions.items():
        pulumi.export(f"{output_prefix(name)}LambdaArn", function.arn)
        pulumi.export(f"{output_prefix(name)}LambdaName", function.function_name)
    if streams:
        pulumi.export("streamMappings", {name: stream.mapping_id for name, stream in streams.items()})
    for name, stream in streams.items():
        pulumi.export(f"{output_prefix(name)}TableName", tables[name].table_name)
        pulumi.export(f"{output_prefix(name)}FailureDestinationArn", stream.failure_destination_arn)


def _function(
    settings: Settings,
    stream: StreamSettings,
    *,
    command: str,
    image_uri: pulumi.Input[str],
    role: FunctionRole,
    database: pulumi.Output[FunctionAccess] | None,
) -> ImageFunction:
    return ImageFunction(
        stream.function_name,
        {
            "image_uri": image_uri,
            "command": [command],
            "role": role,
            "access": [database] if database is not None and stream.database else [],
            "memory_size": stream.memory,
            "timeout": stream.timeout,
            "reserved_concurrency": stream.concurrency,
            "publish": settings.publish_versions,
            **settings.function_arguments(stream.function_name, _batch_variables(settings, stream)),
        },
    )


def _batch_variables(settings: Settings, stream: StreamSettings) -> dict[str, str]:
    """Return the variable that tells the function that one of its mappings takes no partial batch response."""
    same = [each for each in settings.streams if each.function_name == stream.function_name]
    return {} if all(each.report_batch_item_failures for each in same) else {REPORT_BATCH_ITEM_FAILURES: "false"}


def _table_stream(
    settings: Settings,
    stream: StreamSettings,
    *,
    role: FunctionRole,
    function: ImageFunction,
    table: StreamTable,
    topic_arn: pulumi.Input[str] | None,
) -> TableStream:
    args: TableStreamArgs = {
        "stream_arn": table.stream_arn,
        "table_kms_key_arn": table.kms_key_arn,
        "function_name": function.arn,
        "role": role,
        **given_arguments(stream, table_stream_args.ARGUMENTS),
        "filters": stream.filters,
        "force_destroy": settings.force_destroy,
        "tags": settings.stack_tags,
        **settings.encryption,
    }
    if topic_arn:
        args["alarm_topic_arn"] = topic_arn
    return TableStream(stream.name, args)


def register_tables(settings: Settings, live: LiveStack) -> dict[str, StreamTable]:
    """Register each table once, named by itself, and return them by the names of the streams that read them.

    They depend on the check of the `live` stack.
    """
    opts = pulumi.ResourceOptions(depends_on=[live.checked])
    readers: dict[str, list[StreamSettings]] = {}
    for stream in settings.streams:
        readers.setdefault(stream.full_table(physical_name("")), []).append(stream)
    tables = {}
    for name, streams in readers.items():
        names = [stream.name for stream in streams]
        tables |= dict.fromkeys(
            names, StreamTable(name, {**_table(settings, streams[0]), "former_streams": names}, opts)
        )
    return tables


def _table(settings: Settings, stream: StreamSettings) -> StreamTableArgs:
    args: StreamTableArgs = {
        "table_name": stream.table,
        **given_arguments(stream, stream_table.ARGUMENTS),
        "deletion_protection": stream.deletion_protection or settings.deletion_protection,
        "tags": settings.stack_tags,
        **settings.encryption,
    }
    if stream.table_prefix is not None:
        args["name_prefix"] = stream.table_prefix
    return args
