"""The components for every Pulumi language."""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pulumi
from pulumi.provider import main
from pulumi.provider.experimental.analyzer import ComponentDefinition, PropertyDefinition, PropertyType
from pulumi.provider.experimental.component import ComponentProvider

from aurora_lambda import (
    alarms,
    aurora,
    backup,
    dashboard,
    dsql,
    function,
    function_role,
    image,
    migration,
    network,
    queue,
    schedule,
    secret,
    stream_table,
    table_stream,
)
from aurora_lambda.arguments import Argument
from aurora_lambda.schema import readable_schema
from aurora_lambda.transform import ChildTypes

NAME = "aurora-lambda"
VERSION = version(NAME)
COMPONENTS: Mapping[type[pulumi.ComponentResource], tuple[Mapping[str, Argument], ChildTypes]] = {
    network.Network: (network.ARGUMENTS, network.CHILDREN),
    aurora.AuroraDatabase: (aurora.ARGUMENTS, aurora.CHILDREN),
    dsql.DsqlDatabase: (dsql.ARGUMENTS, dsql.CHILDREN),
    image.LambdaImage: (image.ARGUMENTS, image.CHILDREN),
    function_role.FunctionRole: (function_role.ARGUMENTS, function_role.CHILDREN),
    function.ImageFunction: (function.ARGUMENTS, function.CHILDREN),
    migration.Migration: (migration.ARGUMENTS, migration.CHILDREN),
    stream_table.StreamTable: (stream_table.ARGUMENTS, stream_table.CHILDREN),
    queue.Queue: (queue.ARGUMENTS, queue.CHILDREN),
    schedule.Schedule: (schedule.ARGUMENTS, schedule.CHILDREN),
    secret.Secret: (secret.ARGUMENTS, secret.CHILDREN),
    table_stream.TableStream: (table_stream.ARGUMENTS, table_stream.CHILDREN),
    backup.Backup: (backup.ARGUMENTS, backup.CHILDREN),
    alarms.Alarms: (alarms.ARGUMENTS, alarms.CHILDREN),
    dashboard.Dashboard: ({}, dashboard.CHILDREN),
}


class PluginProvider(ComponentProvider):
    """Pulumi's provider of components, which takes outputs for numbers and for objects too."""

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> pulumi.Inputs:
        """Map names to Python's. An output for an integer, on which Pulumi's own would call `int`, stays as it is."""
        whole = {name for name, each in component_def.inputs.items() if each.type == PropertyType.INTEGER}
        later = {name: value for name, value in inputs.items() if name in whole and isinstance(value, pulumi.Output)}
        known = {name: value for name, value in inputs.items() if name not in later}
        mapping = component_def.inputs_mapping
        return {**super().map_inputs(known, component_def), **{mapping[name]: later[name] for name in later}}

    def map_input_properties(
        self,
        inputs: Any,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> Any:
        """Map names to Python's; those of an output, in which Pulumi's own would find nothing, once it is known."""
        definition = properties, mapping, component_name, property_path
        if isinstance(inputs, pulumi.Output):
            return inputs.apply(lambda known: self.map_input_properties(known, *definition))
        return super().map_input_properties(inputs, *definition)


def plugin_provider() -> ComponentProvider:
    """Return the provider of all components, with a schema that reads well in every language."""
    provider = PluginProvider(list(COMPONENTS), NAME, None, VERSION)
    tables = {f"{NAME}:index:{component.__name__}": tables for component, tables in COMPONENTS.items()}
    provider.schema = readable_schema(provider.schema or "", tables)
    return provider


def serve() -> None:
    """Serve the components to the engine that has started this process."""
    main(plugin_provider(), sys.argv[1:])
