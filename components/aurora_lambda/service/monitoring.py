"""What a stack is watched by: alarms, the topic that tells of them, and the dashboard."""

from collections.abc import Mapping, Sequence

import pulumi

from aurora_lambda import Alarms, AlarmsArgs, Backup, Dashboard, ImageFunction, Migration, TableStream, Watched
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.service.additions import Additions
from aurora_lambda.service.database import Database
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stream_settings import stream_functions

BUSY_PERCENT = 90


def watched_application(
    settings: Settings, handler: ImageFunction, migration: Migration, database: Database
) -> list[Watched]:
    """Return what to watch of the handler, the database and the migration runner."""
    url: Watched = {"name": "handler", "kind": "url", "id": handler.function_name}
    function = watched_function("handler", handler, settings.handler_timeout)
    runner: Watched = {"name": "migrations", "kind": "migrations", "id": migration.function_name}
    return [url, function, *_watched_database(settings, database), runner]


def _watched_database(settings: Settings, database: Database) -> list[Watched]:
    if settings.engine not in RDS_ENGINES:
        return [{"name": "database", "kind": "dsql", "id": database.identifier}]
    # An existing cluster is watched by the stack that made it.
    if settings.aurora_cluster_identifier:
        return []
    largest = settings.max_capacity
    limits = {"connections": RDS_ENGINES[settings.engine].max_connections(largest), "capacity": largest}
    # A cluster that idles at nearly its largest capacity would always seem busy.
    if 100 * settings.min_capacity < BUSY_PERCENT * largest:
        limits["busy"] = BUSY_PERCENT
    aurora: Watched = {"name": "database", "kind": "aurora", "id": database.identifier, "limits": limits}
    readers: Watched = {"name": "database", "kind": "readers", "id": database.identifier}
    return [aurora, *([readers] if settings.instance_count > 1 else [])]


def register_alarms(settings: Settings, watched: Sequence[Watched]) -> Alarms | None:
    """Register the alarms on the application and the topic of the stack's alarms; nothing where nobody is told."""
    if not settings.tells_of_alarms:
        return None
    args: AlarmsArgs = {"watched": watched, "tags": settings.stack_tags}
    if settings.alarm_topic_arn:
        args["topic_arn"] = settings.alarm_topic_arn
    if settings.alarm_email:
        args["email"] = settings.alarm_email
    return Alarms("alarms", args)


def further_alarms(settings: Settings, name: str, watched: Sequence[Watched], alarms: Alarms) -> Alarms:
    """Register alarms that the topic of the stack's `alarms` is told of."""
    return Alarms(name, {"watched": watched, "topic_arn": alarms.topic_arn, "tags": settings.stack_tags})


def watched_function(name: str, function: ImageFunction, timeout: pulumi.Input[float]) -> Watched:
    """Return what to watch of a function."""
    return {"name": name, "kind": "function", "id": function.function_name, "limits": {"timeout": timeout}}


def watched_functions(settings: Settings, functions: Mapping[str, ImageFunction]) -> list[Watched]:
    """Return what to watch of the functions that streams feed."""
    fed = stream_functions(settings.streams).items()
    return [watched_function(name, functions[name], stream.timeout) for name, stream in fed]


def watched_backup(backup: Backup) -> Watched:
    """Return what to watch of the daily backups."""
    return {"name": backup.pulumi_resource_name, "kind": "backup", "id": backup.vault_name}


def register_dashboard(
    settings: Settings, application: Sequence[Watched], parts: Sequence[pulumi.Resource], additions: Additions
) -> list[pulumi.Resource]:
    """Register the stack's dashboard, where it is asked for, and export its link.

    `parts` are all the stack's components, but for those that come as `additions`.
    """
    if not settings.dashboard:
        return []
    functions = {part.pulumi_resource_name: part for part in parts if isinstance(part, ImageFunction)}
    streams: list[Watched] = [
        {"name": part.pulumi_resource_name, "kind": "stream", "id": part.mapping_id}
        for part in parts
        if isinstance(part, TableStream)
    ]
    first = [*application[:2], *streams, *watched_functions(settings, functions)]
    backups = [watched_backup(part) for part in parts if isinstance(part, Backup)]
    watched = additions.with_watched(first, [*application[2:], *backups])
    arns = pulumi.Output.all(*(part.alarm_arns for part in parts if isinstance(part, Alarms | TableStream)))
    alarm_arns = arns.apply(lambda known: [arn for arns in known for arn in arns])
    dashboard = Dashboard("service", {"watched": watched, "alarm_arns": alarm_arns})
    pulumi.export("dashboardUrl", dashboard.url)
    return [dashboard]
