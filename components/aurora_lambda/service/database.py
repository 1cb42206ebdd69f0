"""The database of a stack: the component that the configured engine asks for, and the network it needs."""

from collections.abc import Sequence

import pulumi

from aurora_lambda import AuroraDatabase, AuroraDatabaseArgs, DsqlDatabase, DsqlDatabaseArgs, Network
from aurora_lambda.aurora_args import OF_NEW_CLUSTERS
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.network import NetworkArgs
from aurora_lambda.service.given_subnets import checked_subnets
from aurora_lambda.service.keys import given_arguments
from aurora_lambda.service.live_data import LiveStack, engine_version, former_auth
from aurora_lambda.service.settings import Settings
from aurora_lambda_runtime.database.contract import MAIN_DATABASE

# What an existing cluster of Aurora is given too.
FOR_ALL_CLUSTERS = ("schema", "runtime_role", "log_retention_days", "secret_recovery_days")

Depends = pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]]]
Database = AuroraDatabase | DsqlDatabase


def register_network(settings: Settings, depends_on: Depends) -> Network | None:
    """Register the network of the functions and the database, to be deleted before `depends_on`; none without a VPC."""
    if not settings.in_vpc:
        return None
    # Handlers that log in by password read it at every cold start: then the endpoint is in each zone.
    args: NetworkArgs = {
        "endpoint_zones": 3 if settings.database_auth == "password" else 1,
        "tags": settings.stack_tags,
    }
    if settings.endpoints:
        args["endpoints"] = settings.endpoints
    if settings.vpc_id:
        args["vpc_id"], args["subnet_ids"] = settings.vpc_id, checked_subnets(settings)
        # On DSQL there is no secret to read.
        args["secrets_endpoint"] = settings.secrets_endpoint and settings.engine in RDS_ENGINES
    else:
        args["cidr_block"] = settings.vpc_cidr
    return Network("network", args, pulumi.ResourceOptions(depends_on=depends_on))


def register_database(
    settings: Settings,
    network: Network | None,
    function_role_arns: pulumi.Input[Sequence[pulumi.Input[str]]],
    *,
    secret_arns: pulumi.Input[Sequence[pulumi.Input[str]]],
    live: LiveStack,
    depends_on: Sequence[pulumi.Resource],
) -> Database:
    """Register the database of the configured engine in `network`, to be created after `depends_on`.

    Functions of these roles may log in, and functions read `secret_arns` through the network's endpoint.
    """
    opts = pulumi.ResourceOptions(depends_on=[*depends_on, live.checked])
    if network and settings.engine in RDS_ENGINES:
        return _aurora(settings, network, live, opts, secret_arns=secret_arns)
    return _dsql(settings, network, function_role_arns, opts)


def _dsql(
    settings: Settings,
    network: Network | None,
    function_role_arns: pulumi.Input[Sequence[pulumi.Input[str]]],
    opts: pulumi.ResourceOptions,
) -> DsqlDatabase:
    args: DsqlDatabaseArgs = {
        "function_role_arns": function_role_arns,
        **given_arguments(settings, ("schema", "runtime_role")),
        "tags": settings.stack_tags,
    }
    if settings.schema_owner == "project":
        args["owner"] = f"{pulumi.get_project()}/*"
    if network:
        args["vpc_id"], args["subnet_ids"] = network.vpc_id, network.subnet_ids
        args["function_security_group_id"] = network.function_security_group_id
        args["vpc_endpoint"], args["vpc_only"] = settings.dsql_endpoint, settings.dsql_vpc_only
    if settings.dsql_cluster_identifier:
        args["cluster_identifier"] = settings.dsql_cluster_identifier
        return DsqlDatabase(MAIN_DATABASE, args, opts)
    args["deletion_protection"], args["force_destroy"] = settings.deletion_protection, settings.force_destroy
    if settings.kms_key_arn:
        args["kms_key_arn"] = settings.kms_key_arn
    if settings.dsql_peer_region:
        args["peer_region"], args["witness_region"] = settings.dsql_peer_region, settings.dsql_witness_region
    return DsqlDatabase(MAIN_DATABASE, args, opts)


def _aurora(
    settings: Settings,
    network: Network,
    live: LiveStack,
    opts: pulumi.ResourceOptions,
    *,
    secret_arns: pulumi.Input[Sequence[pulumi.Input[str]]],
) -> AuroraDatabase:
    args: AuroraDatabaseArgs = {
        "engine": settings.engine,
        "vpc_id": network.vpc_id,
        "subnet_ids": network.subnet_ids,
        "function_security_group_id": network.function_security_group_id,
        "auth": settings.database_auth,
        "former_auth": live.before.apply(lambda before: former_auth(settings, before)),
        "tags": settings.stack_tags,
        **given_arguments(settings, FOR_ALL_CLUSTERS),
    }
    if settings.secrets_endpoint:
        args["secrets_endpoint_id"], args["endpoint_secret_arns"] = network.secrets_endpoint_id, secret_arns
    if settings.kms_key_arn:
        args["kms_key_id"] = settings.kms_key_arn
    if settings.aurora_cluster_identifier:
        args["cluster_identifier"] = settings.aurora_cluster_identifier
        return AuroraDatabase(MAIN_DATABASE, args, opts)
    args = {**args, **given_arguments(settings, OF_NEW_CLUSTERS), "export_logs": settings.database_logs}
    args["former_engine_version"] = live.before.apply(lambda before: engine_version(settings, before))
    args["final_snapshot"] = settings.final_snapshot and not settings.force_destroy
    return AuroraDatabase(MAIN_DATABASE, args, opts)
