"""The status of the stack that is up."""

import json
from collections.abc import Iterable

from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.function_url import FunctionUrl
from aurora_lambda_local.resources.context import StackContext
from aurora_lambda_local.resources.dsql_clusters import RunningDsqlCluster, admin_url
from aurora_lambda_local.resources.resource_schemas import Outputs
from aurora_lambda_local.resources.running import RunningCluster, RunningFunction
from aurora_lambda_local.resources.state import LocalState
from aurora_lambda_local.streams.poller import Poller
from aurora_lambda_local.streams.queue_poller import QueuePoller
from aurora_lambda_local.streams.schedule import RunningSchedule
from aurora_lambda_local.supervisor.messages import FunctionStatus, GivenUp, StackStatus, stopped_status
from aurora_lambda_runtime.database.contract import ContractError, database_settings
from aurora_lambda_runtime.database.engines import ENGINES


def running_status(state: LocalState, context: StackContext, lambda_endpoint: str) -> StackStatus:
    """Return the status of the stack that is up."""
    running = list(context.running_resources.items())
    urls = [resource.url for _, resource in running if isinstance(resource, FunctionUrl)]
    clusters = [resource for _, resource in running if isinstance(resource, RunningCluster | RunningDsqlCluster)]
    stopped = stopped_status(state.current, state.current_stack().outputs)
    return stopped | {
        "region": context.region,
        "running": True,
        "engine": clusters[0].server.engine if clusters else stopped["engine"],
        "functions": {
            context.resources[urn].name: _function_status(resource.deployed)
            for urn, resource in running
            if isinstance(resource, RunningFunction)
        },
        "mappings": {
            context.resources[urn].name: resource.status() for urn, resource in running if isinstance(resource, Poller)
        },
        "queues": {
            context.resources[urn].name: resource.status()
            for urn, resource in running
            if isinstance(resource, QueuePoller)
        },
        "schedules": {
            context.resources[urn].name: resource.status()
            for urn, resource in running
            if isinstance(resource, RunningSchedule)
        },
        "lambdaEndpoint": lambda_endpoint,
        "functionUrl": urls[0] if urls else "",
        "awsEndpoint": context.aws_services.endpoint,
        "databaseUrl": _database_url(context, clusters[0]) if clusters else "",
    }


def given_up(context: StackContext) -> GivenUp:
    """Return what mappings have given up, and what is in the queues."""
    running = [(context.resources[urn].name, each) for urn, each in list(context.running_resources.items())]
    return {
        "mappings": {name: each.failures() for name, each in running if isinstance(each, Poller)},
        "queues": {name: each.contents() for name, each in running if isinstance(each, QueuePoller)},
    }


def _function_status(deployed: DeployedFunction) -> FunctionStatus:
    config = deployed.latest.config
    return {
        "name": config.name,
        "arn": config.arn,
        "memorySize": config.memory_mb,
        "timeout": int(config.timeout),
        "environments": deployed.environments(),
        "version": deployed.version,
    }


def _database_url(context: StackContext, cluster: RunningCluster | RunningDsqlCluster) -> str:
    """Return where a person logs in as the master user; empty while nothing holds the password."""
    if isinstance(cluster, RunningDsqlCluster):
        return admin_url(context, cluster, _schema(context.functions.values()))
    secret = context.aws_services.secret_value(context.region, cluster.secret_arn)
    if secret is None:
        return ""
    login = json.loads(secret)
    spec = ENGINES[cluster.server.engine]
    database = _schema(context.functions.values()) or spec.maintenance_database
    return f"{spec.client_scheme}://{login['username']}:{login['password']}@127.0.0.1:{cluster.server.port}/{database}"


def _schema(functions: Iterable[DeployedFunction]) -> str:
    """Return the database that the functions use; empty when none uses one."""
    for function in functions:
        try:
            return database_settings(function.latest.config.variables).schema
        except ContractError:
            continue
    return ""


def engine_notices(before: Outputs, after: Outputs) -> list[str]:
    """Say which database was left behind, where a stack's outputs name another engine than before."""
    old, new = before.get("engine"), after.get("engine")
    if old in (None, "none", new):
        return []
    return [f"engine {old} -> {new}: the {old} data is kept; aurora-lambda up -c engine={old} returns to it"]
