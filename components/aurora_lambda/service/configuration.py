"""Reads a stack's configuration and reports everything wrong with it at once: the only reader of `pulumi.Config`."""

import os
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast

import pulumi
from pulumi.runtime import config as runtime_config

from aurora_lambda.arguments import suggestion
from aurora_lambda.aurora_args import OF_NEW_CLUSTERS
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.dsql_args import MULTI_REGION_KEY, peering_mistakes
from aurora_lambda.network import GATEWAYS
from aurora_lambda.project import Project
from aurora_lambda.service.function_settings import read_functions
from aurora_lambda.service.keys import NO_DATABASE, ConfigKey, SettingsError, declared_keys
from aurora_lambda.service.names import Names, name_mistakes
from aurora_lambda.service.regions import region_mistakes
from aurora_lambda.service.settings import Settings, keys_of_other_engines, tag_mistakes
from aurora_lambda.service.stream_settings import read_streams, stream_connections, stream_functions

Own = TypeVar("Own", bound=Settings)
# The fields that say what a new Aurora cluster is made of: those of the component's arguments, of which one is another.
FIELDS_OF_NEW_CLUSTERS = {*OF_NEW_CLUSTERS, "database_logs"}


def load_settings(kind: type[Own]) -> Own:
    """Return the current stack's settings as `kind` declares their keys, those of every service and the program's own.

    Raises:
        SettingsError: unknown keys, values out of range, keys that contradict each other; all of them at once.
    """
    # Keys without a namespace are the project's.
    config = pulumi.Config()
    given = {key: value for key in _given_keys() if (value := config.get(key)) is not None}
    region = pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION", "")
    settings = cast(Own, read(given, pulumi.get_stack(), region, kind))
    for line in (*ignored_keys(settings), *refresh_advice(settings)):
        pulumi.log.warn(line)
    return settings


def read(config: Mapping[str, str], stack: str, region: str = "", kind: type[Settings] = Settings) -> Settings:
    """Check raw configuration, in Pulumi's form: each value a string, structured ones as JSON.

    `region` is where the stack is deployed; empty where only the AWS provider knows. `kind` declares the keys.

    Raises:
        SettingsError: as `load_settings`.
    """
    keys = declared_keys(kind)
    mistakes = [_unknown(key, keys) for key in config if key not in keys]
    mistakes += [_missing(key) for key in keys.values() if key.required and key.name not in config]
    checked: dict[str, Any] = {}
    for key in (key for key in keys.values() if key.name in config):
        try:
            if key.name == "streams":
                checked[key.field], wrong = read_streams(config[key.name], f"{pulumi.get_project()}-{stack}-")
                mistakes += wrong
            elif key.name == "functions":
                checked[key.field], wrong = read_functions(config[key.name])
                mistakes += wrong
            else:
                value = key.read(config[key.name])
                checked[key.field] = pulumi.Output.secret(value) if key.secret else value
        except ValueError as error:
            given = "[secret]" if key.secret else repr(config[key.name])
            mistakes.append(f"{key.name} is {given}; {error}{_nearest(key, config[key.name])}")
    settings = kind(**checked)
    mistakes += [*_contradictions(settings), *_other_regions(settings, region)]
    mistakes += [*region_mistakes(region, settings.engine), *name_mistakes(settings, Names.of_this_stack())]
    if mistakes:
        raise SettingsError(stack, mistakes)
    return settings


def _given_keys() -> list[str]:
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    return sorted(key.partition(":")[2] for key in everything if key.startswith(f"{pulumi.get_project()}:"))


def _missing(key: ConfigKey) -> str:
    option = "--secret " if key.secret else ""
    return f"{key.name} is missing; must be {key.argument.takes}. Type: pulumi config set {option}{key.name} VALUE"


def _unknown(key: str, keys: Collection[str]) -> str:
    remedy = " ".join(filter(None, [suggestion(key, keys), f"remove it with: pulumi config rm {key}"]))
    return f"{key} is not a configuration key; {remedy}"


def _nearest(key: ConfigKey, value: str) -> str:
    near = get_close_matches(value, key.argument.choices, n=1)
    return f". Type: pulumi config set {key.name} {near[0]}" if near else ""


def ignored_keys(settings: Settings) -> list[str]:
    """Name the keys that count for nothing, as after a switch to another engine; not those at their default.

    They are no mistake: one line switches the engine, and the file keeps what the other one needs.
    """
    return [
        f"{key.name} means nothing on engine {settings.engine}, only on {_listed(key.engines)}: it is not used"
        for key in keys_of_other_engines(settings.engine)
        if getattr(settings, key.field) != key.default
    ]


def refresh_advice(settings: Settings, folder: Path | None = None) -> list[str]:
    """Return what to write into Pulumi.yaml, found as `Project.find` does, before a peered cluster changes.

    The provider updates a cluster with the peering of its state, which was written before there was one.
    """
    if not settings.dsql_peer_region or settings.engine != "dsql" or Project.find(folder).refreshes:
        return []
    return [
        "dsqlPeerRegion: add `options: {refresh: always}` to Pulumi.yaml, or change deletionProtection and kmsKeyArn"
        " with `pulumi up --refresh` alone: peering changes a cluster after Pulumi has made it"
    ]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _contradictions(settings: Settings) -> list[str]:
    mistakes = []
    if settings.min_capacity > settings.max_capacity:
        mistakes.append(f"minCapacity {settings.min_capacity:g} is above maxCapacity {settings.max_capacity:g}")
    if bool(settings.vpc_id) != bool(settings.subnet_ids):
        mistakes.append("vpcId and subnetIds go together: give both to use an existing VPC, or neither for a new one")
    if not settings.secrets_endpoint and not settings.vpc_id:
        mistakes.append("secretsEndpoint false needs vpcId: a new VPC has no other way to Secrets Manager")
    if len(settings.subnet_ids) == 1:
        mistakes.append("subnetIds names 1 subnet; Aurora needs subnets in at least two availability zones")
    for index, subnet_id in enumerate(settings.subnet_ids):
        if (first := settings.subnet_ids.index(subnet_id)) < index:
            path = f"subnetIds[{index}]"
            mistakes.append(
                f"{path} is {subnet_id!r}, as subnetIds[{first}] is. Type: pulumi config rm --path {path!r}"
            )
    if settings.vpc_id and (gateways := [each for each in GATEWAYS if each in settings.endpoints]):
        mistakes.append(f"endpoints has {gateways[0]}, which an existing VPC's own route tables need: make it there")
    mistakes += [*tag_mistakes(settings.tags), *_dsql_mistakes(settings)]
    return mistakes + _engine_mistakes(settings) + _stream_mistakes(settings)


def _dsql_mistakes(settings: Settings) -> list[str]:
    mistakes = []
    if not settings.dsql_endpoint and not settings.vpc_id:
        mistakes.append("dsqlEndpoint false needs vpcId: without a VPC no endpoint is made")
    if bool(settings.dsql_peer_region) != bool(settings.dsql_witness_region):
        mistakes.append("dsqlPeerRegion and dsqlWitnessRegion go together: give both for a cluster in two Regions")
    if settings.dsql_peer_region and settings.kms_key_arn and MULTI_REGION_KEY not in settings.kms_key_arn:
        mistakes.append("kmsKeyArn is no multi-Region key (mrk-...), which a cluster in two Regions needs")
    if settings.dsql_cluster_identifier:
        mistakes += [
            f"{name} is for a new cluster, and dsqlClusterIdentifier names an existing one: remove one of the two"
            for name, given in (
                ("deletionProtection", settings.deletion_protection),
                ("kmsKeyArn", settings.kms_key_arn),
                ("dsqlPeerRegion", settings.dsql_peer_region),
            )
            if given
        ]
    return mistakes


def _other_regions(settings: Settings, region: str) -> list[str]:
    """Return what lies in a Region where AWS would look for it too late; `region` is empty where it is not known."""
    peers = {"dsqlPeerRegion": settings.dsql_peer_region, "dsqlWitnessRegion": settings.dsql_witness_region}
    mistakes = peering_mistakes({"aws:region": region, **peers}) if settings.engine == "dsql" else []
    arns = {"kmsKeyArn": settings.kms_key_arn, "alarmTopicArn": settings.alarm_topic_arn} | {
        f"streams[{index}].alarmTopicArn": stream.alarm_topic_arn for index, stream in enumerate(settings.streams)
    }
    arns |= {
        f"functions[{index}].secrets has {name}, which": arn
        for index, function in enumerate(settings.functions)
        for name, arn in function.secret_arns.items()
    }
    for name, arn in arns.items():
        if arn and region and (there := arn.split(":")[3]) != region:
            mistakes.append(f"{name} is in {there!r}, and the stack in {region!r}: must be one of the stack's Region")
    return mistakes


def _engine_mistakes(settings: Settings) -> list[str]:
    mistakes = []
    engine, version = RDS_ENGINES.get(settings.engine), settings.engine_version
    if engine is None:
        return []
    if version and not engine.is_version(version):
        mistakes.append(
            f"engineVersion is {version!r}, which is no version of {settings.engine}. "
            f"Type: pulumi config set engineVersion {engine.version}"
        )
    if settings.aurora_cluster_identifier:
        return mistakes + _existing_cluster_mistakes(settings)
    if settings.snapshot_identifier and settings.restore_cluster_identifier:
        mistakes.append(
            "snapshotIdentifier and restoreClusterIdentifier both say what the cluster is made from. Type: pulumi"
            " config rm restoreClusterIdentifier"
        )
    if settings.restore_time and not settings.restore_cluster_identifier:
        mistakes.append("restoreTime needs a cluster. Type: pulumi config set restoreClusterIdentifier IDENTIFIER")
    return mistakes + _connection_mistakes(settings, engine.connections_for_functions(settings.max_capacity))


def _existing_cluster_mistakes(settings: Settings) -> list[str]:
    names = "auroraClusterIdentifier names an existing one"
    vpc = [] if settings.vpc_id else ["auroraClusterIdentifier needs vpcId and subnetIds: those of the cluster's VPC"]
    keys = [key for key in declared_keys(Settings).values() if key.field in FIELDS_OF_NEW_CLUSTERS]
    return vpc + [
        f"{key.name} is for a new cluster, and {names}. Type: pulumi config rm {key.name}"
        for key in keys
        if getattr(settings, key.field) != key.default
    ]


def _connection_mistakes(settings: Settings, available: int) -> list[str]:
    """Return a mistake where the functions' instances, each with one connection, need more than the cluster has."""
    capacity = f"maxCapacity {settings.max_capacity:g}"
    supply = f"the {available} connections that {settings.engine} has for functions with {capacity}"
    streams = stream_connections(settings.streams)
    if streams > available:
        return [f"the concurrency of the streams' functions is {streams}, more than {supply}. Lower it in streams"]
    if settings.handler_concurrency > available - streams:
        less = f", less {streams} for the streams' functions" if streams else ""
        return [
            f"handlerConcurrency {settings.handler_concurrency} is more than {supply}{less}. "
            f"Type: pulumi config set handlerConcurrency {available - streams}"
        ]
    return []


def _stream_mistakes(settings: Settings) -> list[str]:
    """Return what is wrong with the streams of a stack without a database."""
    if settings.engine != NO_DATABASE:
        return []
    if not settings.streams:
        return ["engine none needs streams. Type: pulumi config set --path 'streams[0].name' copy-items"]
    users = [stream for stream in stream_functions(settings.streams).values() if stream.database]
    return [
        f"streams[{index}] uses the database, and engine none has none. "
        f"Type: pulumi config set --path 'streams[{index}].database' false"
        for index in map(settings.streams.index, users)
    ]
