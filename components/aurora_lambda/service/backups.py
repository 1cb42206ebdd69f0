"""The backups of a stack: of what AWS does not back up by itself, as it does Aurora."""

from collections.abc import Sequence

import pulumi

from aurora_lambda import Alarms, AlarmsArgs, Backup, BackupArgs, DsqlDatabase, StreamTable
from aurora_lambda.naming import physical_name
from aurora_lambda.service.common_arguments import fence
from aurora_lambda.service.monitoring import watched_backup
from aurora_lambda.service.settings import Settings


def register_backup(
    settings: Settings, parts: Sequence[pulumi.Resource], alarms: Alarms | None
) -> list[pulumi.Resource]:
    """Register daily backups of what `parts` have made, and export their vault; nothing where there is no need.

    The topic of the stack's `alarms` is told of one that fails. A DSQL cluster that is shared, and tables that exist
    already, are for their owners to back up.
    """
    clusters = [part for part in parts if isinstance(part, DsqlDatabase) and not settings.dsql_cluster_identifier]
    made = {stream.full_table(physical_name("")) for stream in settings.streams if not stream.existing_table}
    # Streams of one table have it in common.
    tables = dict.fromkeys(part for part in parts if isinstance(part, StreamTable))
    arns = [table.table_arn for table in tables if table.pulumi_resource_name in made]
    if not settings.daily_backup_days or not [*clusters, *arns]:
        return []
    args: BackupArgs = {
        "resource_arns": [*(cluster.arn for cluster in clusters), *arns],
        "retention_days": settings.daily_backup_days,
        "force_destroy": settings.force_destroy,
        "tags": settings.stack_tags,
        "transform": {"role": fence(settings)},
        **settings.encryption,
    }
    backup = Backup("backups", args)
    pulumi.export("backupVault", backup.vault_name)
    pulumi.export("backupRoleArn", backup.role_arn)
    if alarms is None:
        return [backup]
    told: AlarmsArgs = {"watched": [watched_backup(backup)], "topic_arn": alarms.topic_arn, "tags": settings.stack_tags}
    return [backup, Alarms("backup-alarms", told)]
