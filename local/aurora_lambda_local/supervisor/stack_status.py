"""The status of the stack that is up."""

from typing import TypeVar

from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.function_url import FunctionUrl
from aurora_lambda_local.resources.context import StackContext
from aurora_lambda_local.resources.resource_schemas import Outputs
from aurora_lambda_local.resources.running import RunningCluster, RunningFunction
from aurora_lambda_local.resources.state import LocalState
from aurora_lambda_local.streams.poller import Poller
from aurora_lambda_local.streams.queue_poller import QueuePoller
from aurora_lambda_local.streams.schedule import RunningSchedule
from aurora_lambda_local.supervisor.messages import FunctionStatus, GivenUp, StackStatus, stopped_status
from aurora_lambda_runtime.database.contract import MAIN_DATABASE, ContractError, database_settings

# The function of a service that has its URL, beside which the program may give others one.
HANDLER = "handler"

Kind = TypeVar("Kind")


def running_status(state: LocalState, context: StackContext, lambda_endpoint: str) -> StackStatus:
    """Return the status of the stack that is up."""
    stopped = stopped_status(state.current, state.current_stack().outputs)
    clusters = _running(context, RunningCluster, first=MAIN_DATABASE)
    urls = _running(context, FunctionUrl, first=HANDLER)
    database, cluster = clusters[0] if clusters else ("", None)
    return stopped | {
        "region": context.region,
        "running": True,
        "engine": cluster.server.engine if cluster else stopped["engine"],
        "functions": {name: _function_status(each.deployed) for name, each in _running(context, RunningFunction)},
        "mappings": {name: each.status() for name, each in _running(context, Poller)},
        "queues": {name: each.status() for name, each in _running(context, QueuePoller)},
        "schedules": {name: each.status() for name, each in _running(context, RunningSchedule)},
        "lambdaEndpoint": lambda_endpoint,
        "functionUrl": urls[0][1].url if urls else "",
        "awsEndpoint": context.aws_services.endpoint,
        "databaseUrl": cluster.url(_schema(context, database)) if cluster else "",
    }


def given_up(context: StackContext) -> GivenUp:
    """Return what mappings have given up, and what is in the queues."""
    return {
        "mappings": {name: each.failures() for name, each in _running(context, Poller)},
        "queues": {name: each.contents() for name, each in _running(context, QueuePoller)},
    }


def redrive(context: StackContext, queue: str) -> int:
    """Put the dead letters of a queue back into it, and return how many."""
    return dict(_running(context, QueuePoller))[queue].redrive()


def _running(context: StackContext, kind: type[Kind], first: str = "") -> list[tuple[str, Kind]]:
    """Return what runs of one kind, with the names in the program; what is called `first` before all others."""
    running = list(context.running_resources.items())
    named = [(context.resources[urn].name, each) for urn, each in running if isinstance(each, kind)]
    return sorted(named, key=lambda each: each[0] != first)


def _function_status(deployed: DeployedFunction) -> FunctionStatus:
    config = deployed.latest.config
    return {
        "name": config.name,
        "arn": config.arn,
        "memorySize": config.memory_mb,
        "timeout": int(config.timeout),
        "environments": deployed.environments(),
        "version": deployed.version,
        "newest": deployed.latest.config.version,
    }


def _schema(context: StackContext, database: str) -> str:
    """Return which database of a cluster functions use, or of another where none uses that; empty where none does."""
    found: dict[bool, str] = {}
    for function in list(context.functions.values()):
        try:
            settings = database_settings(function.latest.config.variables)
        except ContractError:
            continue
        found.setdefault(settings.name == database, settings.schema)
    return found.get(True, found.get(False, ""))


def engine_notices(before: Outputs, after: Outputs) -> list[str]:
    """Say which database was left behind, where a stack's outputs name another engine than before."""
    old, new = before.get("engine"), after.get("engine")
    if old in (None, "none", new):
        return []
    return [f"engine {old} -> {new}: the {old} data is kept; aurora-lambda up -c engine={old} returns to it"]
