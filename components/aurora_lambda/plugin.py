"""The components for every Pulumi language."""

import sys
from collections.abc import Mapping
from importlib.metadata import version

import pulumi
from pulumi.provider import main
from pulumi.provider.experimental.component import ComponentProvider

from aurora_lambda import aurora_args, dsql, function, image, migration, network, stream_table, table_stream_args
from aurora_lambda.arguments import Argument
from aurora_lambda.aurora import AuroraDatabase
from aurora_lambda.function_role import FunctionRole
from aurora_lambda.schema import readable_schema
from aurora_lambda.table_stream import TableStream

NAME = "aurora-lambda"
VERSION = version(NAME)
COMPONENTS: Mapping[type[pulumi.ComponentResource], Mapping[str, Argument]] = {
    network.Network: network.ARGUMENTS,
    AuroraDatabase: aurora_args.ARGUMENTS,
    dsql.DsqlDatabase: dsql.ARGUMENTS,
    image.LambdaImage: image.ARGUMENTS,
    FunctionRole: {},
    function.ImageFunction: function.ARGUMENTS,
    migration.Migration: migration.ARGUMENTS,
    stream_table.StreamTable: stream_table.ARGUMENTS,
    TableStream: table_stream_args.ARGUMENTS,
}


def plugin_provider() -> ComponentProvider:
    """Return the provider of all components, with a schema that reads well in every language."""
    provider = ComponentProvider(list(COMPONENTS), NAME, None, VERSION)
    arguments = {f"{NAME}:index:{component.__name__}": table for component, table in COMPONENTS.items()}
    provider.schema = readable_schema(provider.schema or "", arguments)
    return provider


def serve() -> None:
    """Serve the components to the engine that has started this process."""
    main(plugin_provider(), sys.argv[1:])
