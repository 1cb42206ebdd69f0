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


class Streams:
    """The streams of a stack: their tables, the functions that they feed, and what delivers to these.

    Attributes:
        roles: The functions' roles, by the functions' names.
        tables: The tables, by the names of the streams that read them.
    """

    def __init__(self, settings: Settings) -> None:
        """Register the roles, which what the functions need depends on."""
        self._settings, self._functions = settings, stream_functions(settings.streams)
        self.roles = {
            name: FunctionRole(name, settings.role_arguments(in_vpc=stream.database and settings.in_vpc))
            for name, stream in self._functions.items()
        }
        self.tables: dict[str, StreamTable] = {}

    @property
    def database_role_arns(self) -> list[pulumi.Output[str]]:
        """The ARNs of the roles of functions that use the database."""
        return [self.roles[name].arn for name, function in self._functions.items() if function.database]

    def register_tables(self, live: LiveStack) -> None:
        """Register each table once, named by itself, once the `live` stack has been checked."""
        opts = pulumi.ResourceOptions(depends_on=[live.checked])
        readers: dict[str, list[StreamSettings]] = {}
        for stream in self._settings.streams:
            readers.setdefault(stream.full_table(physical_name("")), []).append(stream)
        for name, streams in readers.items():
            names = [stream.name for stream in streams]
            table = StreamTable(name, {**_table(self._settings, streams[0]), "former_streams": names}, opts)
            self.tables |= dict.fromkeys(names, table)

    def register(
        self,
        image_uri: pulumi.Input[str],
        database: pulumi.Output[FunctionAccess] | None,
        application: str,
        alarms: Alarms | None,
    ) -> list[pulumi.Resource]:
        """Register every stream with the function it feeds, export both, and return them and the tables.

        Functions that use it get `database`, and run the package `application`. `alarms` are those of the stack, whose
        topic is told of these too.
        """
        functions = {
            name: self._function(stream, image_uri, database, application) for name, stream in self._functions.items()
        }
        topic_arn = alarms.topic_arn if alarms else None
        streams = {
            stream.name: self._table_stream(
                stream, functions[stream.function_name], stream.alarm_topic_arn or topic_arn
            )
            for stream in self._settings.streams
        }
        self._export(functions, streams)
        made: list[pulumi.Resource] = [*functions.values(), *self.tables.values(), *streams.values()]
        if alarms and functions:
            watched = watched_functions(self._settings, functions)
            made.append(further_alarms(self._settings, "stream-alarms", watched, alarms))
        return made

    def _function(
        self,
        stream: StreamSettings,
        image_uri: pulumi.Input[str],
        database: pulumi.Output[FunctionAccess] | None,
        application: str,
    ) -> ImageFunction:
        settings, name = self._settings, stream.function_name
        return ImageFunction(
            name,
            {
                "image_uri": image_uri,
                "command": [stream.entry_point(application)],
                "role": self.roles[name],
                "access": [database] if database is not None and stream.database else [],
                "memory_size": stream.memory,
                "timeout": stream.timeout,
                "reserved_concurrency": stream.concurrency,
                "publish": settings.publish_versions,
                **settings.function_arguments(name, _batch_variables(settings, stream)),
            },
        )

    def _table_stream(
        self, stream: StreamSettings, function: ImageFunction, topic_arn: pulumi.Input[str] | None
    ) -> TableStream:
        settings, table = self._settings, self.tables[stream.name]
        args: TableStreamArgs = {
            "stream_arn": table.stream_arn,
            "table_kms_key_arn": table.kms_key_arn,
            "function_name": function.arn,
            "role": self.roles[stream.function_name],
            **given_arguments(stream, table_stream_args.ARGUMENTS),
            "filters": stream.filters,
            "force_destroy": settings.force_destroy,
            "tags": settings.stack_tags,
            **settings.encryption,
        }
        if topic_arn:
            args["alarm_topic_arn"] = topic_arn
        return TableStream(stream.name, args)

    def _export(self, functions: Mapping[str, ImageFunction], streams: Mapping[str, TableStream]) -> None:
        for name, function in functions.items():
            pulumi.export(f"{output_prefix(name)}LambdaArn", function.arn)
            pulumi.export(f"{output_prefix(name)}LambdaName", function.function_name)
        if streams:
            pulumi.export("streamMappings", {name: stream.mapping_id for name, stream in streams.items()})
        for name, stream in streams.items():
            pulumi.export(f"{output_prefix(name)}TableName", self.tables[name].table_name)
            pulumi.export(f"{output_prefix(name)}FailureDestinationArn", stream.failure_destination_arn)


def _batch_variables(settings: Settings, stream: StreamSettings) -> dict[str, str]:
    """Return the variable that tells the function that one of its mappings takes no partial batch response."""
    same = [each for each in settings.streams if each.function_name == stream.function_name]
    return {} if all(each.report_batch_item_failures for each in same) else {REPORT_BATCH_ITEM_FAILURES: "false"}


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
